/*
 * Two sorted listings side by side, in memory for one entry of each. Each listing must ascend
 * strictly by the bytes of its paths, where a directory counts with a '/' behind it: one that does
 * not is an error, for whoever merged it would take files for gone that are there. So a file and a
 * directory of one name are two entries, the file's first.
 */
#ifndef MF_SYNC_MIRROR_MERGE_H
#define MF_SYNC_MIRROR_MERGE_H

#include "src/base/buf.h"
#include "transfers/tree.h"

/* One listing, as mf_tree_next gives it. */
struct mf_merge_input {
	int (*next)(void *arg, struct mf_tree_entry *entry, struct mf_error *e);
	void *arg;
	const char *label; /* for messages; borrowed */
};

struct mf_merge_head {
	struct mf_merge_input input;
	struct mf_tree_entry entry;
	struct mf_buf key, before; /* what it is sorted by, and the one before it */
	bool wanted;               /* the entry was handed out: step on first */
	bool ended;
};

struct mf_merge {
	struct mf_merge_head src, dst;
};

void mf_merge_init(struct mf_merge *m, struct mf_merge_input src, struct mf_merge_input dst);
void mf_merge_fini(struct mf_merge *m);
/* The next path: *src and *dst are its entries, NULL where the side has none. They hold until the
 * next call and may be written to. 0; 1: both listings ended; -1: one failed, and *of_src says
 * which. */
int mf_merge_next(struct mf_merge *m, struct mf_tree_entry **src, struct mf_tree_entry **dst,
    bool *of_src, struct mf_error *e);

#endif
