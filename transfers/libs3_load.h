/*
 * Loading the module s3v2.so (libs3_module.h), which stays loaded until the process ends.
 *
 * It is taken from one absolute path, mf_libs3_module_path, that was fixed when the program was
 * built: no variable, option or working directory has a say in what code is loaded. Programs of
 * the tests define that name themselves, as the module in the build tree.
 */
#ifndef MF_TRANSFERS_LIBS3_LOAD_H
#define MF_TRANSFERS_LIBS3_LOAD_H

#include "src/base/error.h"
#include "transfers/libs3_module.h"

extern const char mf_libs3_module_path[];

/* The module, ready, the same for all callers. NULL with MF_EUNSUPPORTED: this program was built
 * without libs3, the module is not installed, is of another version, or cannot keep its promises.
 * Any thread. Blocking. */
const struct mf_libs3_module *mf_libs3_load(struct mf_error *e);

#endif
