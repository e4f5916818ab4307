/*
 * JSONPath as kubectl and Argo's web provider take it (k8s.io/client-go/util/jsonpath), one path:
 * {$}, {$.a.b[0].c}, {.a['b']}, {$.a[-1]}, {.a[*].b}, {.a[0:4:2]}, {..name}, {.a.*},
 * {.a[?(@.x=="y")].z} with == != < <= > >= and no operator (exists); a backslash before a dot
 * within a name. Braces may be left out. Refused by name, with the column: text around the braces,
 * range and end, unions, functions, more than one path. Pure; bounded in steps; any thread.
 */
#ifndef MF_ROLLOUT_JSONPATH_H
#define MF_ROLLOUT_JSONPATH_H

#include "src/rollout/node.h"

#define MF_JSONPATH_BYTES_MAX 1024u

struct mf_jsonpath;

/* Read it; the region owns it. NULL: MF_EUSAGE "column 8: ...", MF_ENOMEM. */
struct mf_jsonpath *mf_jsonpath_read(const char *text, struct mf_region *r, struct mf_error *e);
/* The first hit, a view into root. NULL: MF_ENOTFOUND "... not found" where there is none, or
 * MF_EUSAGE: an index or a filter on what is no list, a filter that compares what does not go
 * together, too many steps. */
const struct mf_node *mf_jsonpath_first(
    const struct mf_jsonpath *path, const struct mf_node *root, struct mf_error *e);

#endif
