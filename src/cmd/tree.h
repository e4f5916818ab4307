/* The two ends of a mirror, as the options and their URLs say. */
#ifndef MF_CMD_TREE_H
#define MF_CMD_TREE_H

#include "src/cmd/cmd.h"
#include "src/config/filter.h"
#include "transfers/tree.h"

/* Where the source of a mirror is one file. */
#define MF_CMD_ONE_FILE_HINT "for a single file name what it lies in, and give --include /NAME"

/* For `enters` of trees and mirrors; arg is a struct mf_filter. */
bool mf_cmd_filter_enters(void *arg, const char *path);

/* A tree, and a text that tells its place from all others, under whatever name it was given. */
struct mf_cmd_end {
	/* set before it is opened: */
	bool is_target;           /* the options --to-... hold for it */
	struct mf_filter *enters; /* directories that it does not enter are not listed; or NULL */

	struct mf_tree *tree;
	char *place;
	size_t base; /* bytes of place that are a path; behind them stands which endpoint */
};

enum mf_cmd_end_use {
	MF_CMD_END_READ,
	MF_CMD_END_PLAN, /* what would be written there; a missing directory counts as empty */
	MF_CMD_END_WRITE /* a missing directory is made */
};

/* Open the directory or bucket at url, for mf_tree_close. It is nobody's target. */
int mf_cmd_open_tree(const struct mf_cmd *c, const char *url, enum mf_cmd_end_use use,
    struct mf_tree **out, struct mf_error *e);
/* The same with its place. Closed by mf_cmd_close_end, also after -1. */
int mf_cmd_open_end(const struct mf_cmd *c, const char *url, enum mf_cmd_end_use use,
    struct mf_cmd_end *out, struct mf_error *e);
/* One that is all zero is fine. */
void mf_cmd_close_end(struct mf_cmd_end *end);
/* Is one of them the other, or within it? */
bool mf_cmd_ends_overlap(const struct mf_cmd_end *a, const struct mf_cmd_end *b);

#endif
