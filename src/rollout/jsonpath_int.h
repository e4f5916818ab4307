/* Inside JSON paths: text -> steps (jsonpath_read.c) -> the nodes they lead to (jsonpath.c). */
#ifndef MF_ROLLOUT_JSONPATH_INT_H
#define MF_ROLLOUT_JSONPATH_INT_H

#include "src/rollout/jsonpath.h"

#define MF_JSONPATH_STEPS_MAX 64u
#define MF_JSONPATH_WORK_MAX ((size_t)2000000) /* nodes looked at */

enum mf_jsonpath_kind {
	MF_JSONPATH_FIELD, /* .name */
	MF_JSONPATH_ALL,   /* .* */
	MF_JSONPATH_BELOW, /* .. */
	MF_JSONPATH_SLICE, /* [1], [a:b:c], [*] */
	MF_JSONPATH_FILTER,
};

enum mf_jsonpath_op {
	MF_JSONPATH_EXISTS,
	MF_JSONPATH_EQ,
	MF_JSONPATH_NE,
	MF_JSONPATH_LT,
	MF_JSONPATH_LE,
	MF_JSONPATH_GT,
	MF_JSONPATH_GE,
};

struct mf_jsonpath_step {
	enum mf_jsonpath_kind kind;
	const char *name; /* FIELD */
	bool index;       /* SLICE: [from] alone */
	bool has_from, has_to;
	long from, to, by;      /* SLICE */
	enum mf_jsonpath_op op; /* FILTER */
	const struct mf_jsonpath *left, *right;
	const struct mf_node *literal; /* in place of right */
};

struct mf_jsonpath {
	struct mf_jsonpath_step *steps;
	size_t n_steps;
};

#endif
