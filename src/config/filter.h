/*
 * Which paths an operation takes: ordered rules, of which the first that matches decides. A
 * path that none matches is taken, unless there is an --include. Or an exact list of paths.
 * Patterns: glob.h. Pure. Immutable once filled; then any thread may ask.
 */
#ifndef MF_CONFIG_FILTER_H
#define MF_CONFIG_FILTER_H

#include <stdbool.h>
#include <stddef.h>

#include "src/base/error.h"

struct mf_filter;

/* One that takes everything. NULL with MF_ENOMEM; NULL may be freed. */
struct mf_filter *mf_filter_new(struct mf_error *e);
void mf_filter_free(struct mf_filter *f);

/* One rule. An include also makes "left out" the answer for what no rule matches. */
int mf_filter_include(struct mf_filter *f, const char *pattern, struct mf_error *e);
int mf_filter_exclude(struct mf_filter *f, const char *pattern, struct mf_error *e);
/* The rules of a file's text: "+ GLOB", "- GLOB", "!" (forget all rules before), blank lines
 * and comments (# ;). Blanks at the ends of a line do not count. name is for errors, which say
 * name:line. "+" alone never changes the answer for what no rule matches: end with "- *" as in
 * rclone. */
int mf_filter_add_rules(struct mf_filter *f, const char *name, const char *text, size_t n,
    struct mf_error *e);
/* Exact paths, one a line, where blanks, comments and '/' at either end are nothing, too. From
 * then on only these are taken. Unsafe paths ("..") are MF_EUSAGE. */
int mf_filter_add_paths(struct mf_filter *f, const char *name, const char *text, size_t n,
    struct mf_error *e);
/* After the last add_paths, before the first question. 0, or MF_EUSAGE where paths and rules
 * are mixed. */
int mf_filter_seal(struct mf_filter *f, struct mf_error *e);

bool mf_filter_takes_all(const struct mf_filter *f); /* no rule and no list */
bool mf_filter_takes(const struct mf_filter *f, const char *path); /* a file or link */
/* May something below this directory be taken? */
bool mf_filter_enters(const struct mf_filter *f, const char *directory);
/* The exact paths in byte order, to see which are missing; NULL past the last. */
const char *mf_filter_path(const struct mf_filter *f, size_t i);

#endif
