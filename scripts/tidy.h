/*
 * For scripts/tidy alone. Clang's analyzer sees one file at a time, and cannot know what the
 * functions return that make an error: every `return mf_error_set(...)` would also be followed as
 * if it had succeeded.
 */
#ifndef MF_SCRIPTS_TIDY_H
#define MF_SCRIPTS_TIDY_H

#include "src/base/error.h"
#include "src/chunk/plan_int.h"

#define mf_error_set(...) (mf_error_set(__VA_ARGS__), -1)
#define mf_error_sys(...) (mf_error_sys(__VA_ARGS__), -1)
#define mf_error_nomem(...) (mf_error_nomem(__VA_ARGS__), -1)
#define mf_error_hint(...) (mf_error_hint(__VA_ARGS__), -1)
#define mf_error_while(...) (mf_error_while(__VA_ARGS__), -1)
#define mf_cut_refuse(...) (mf_cut_refuse(__VA_ARGS__), 1)

#endif
