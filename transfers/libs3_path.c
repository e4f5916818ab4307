/* Where the module is. A file of its own, in a library of its own: a program that defines the name
 * itself does without. */
#include "config.h"

#include "transfers/libs3_load.h"

const char mf_libs3_module_path[] = MF_PKGLIBDIR "/s3v2.so";
