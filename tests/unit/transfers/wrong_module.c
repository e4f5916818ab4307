/* A module as a program of another version would have it. */
#include "config.h"

#include "transfers/libs3_module.h"

extern const struct mf_libs3_module mf_libs3_module;
const struct mf_libs3_module mf_libs3_module = {.version = MF_LIBS3_VERSION + 1};
