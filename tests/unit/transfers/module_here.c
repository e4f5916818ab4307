/* For programs of the tests: the module for s3+v2:// is the one in the build tree. */
#include "config.h"

#include "transfers/libs3_load.h"

const char mf_libs3_module_path[] = MF_TEST_MODULE;
