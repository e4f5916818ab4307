/*
 * Trees in memory, in place of transfers/tree.h's: they do what a test tells them, and count
 * what is asked of them. A test program links this file instead of the drivers.
 */
#ifndef MF_TESTS_FAKE_TREE_H
#define MF_TESTS_FAKE_TREE_H

#include "transfers/tree.h"

/* A bucket's tree takes a file in parts of so many bytes, from the last to the first, and gives it
 * in pieces of so many, where it is read in order. */
#define FAKE_PART_BYTES 1000u

struct mf_tree *fake_tree(const char *label, unsigned capabilities);
void fake_free(struct mf_tree *t);

/* Set a file; a directory where content is NULL. tag and MD5 follow from the content where the tree
 * has them. */
void fake_set(struct mf_tree *t, const char *path, const char *content, int64_t mtime_ns);
/* Of a file that is there: the listing knows no MD5 of it, and a look only that of its parts of so
 * many bytes; 0: not even that. */
void fake_set_parts(struct mf_tree *t, const char *path, uint64_t part_bytes);
void fake_set_kind(struct mf_tree *t, const char *path, enum mf_tree_kind kind);
void fake_unset(struct mf_tree *t, const char *path);
/* The content, NULL: there is none; its mtime. */
const char *fake_content(struct mf_tree *t, const char *path);
int64_t fake_mtime(struct mf_tree *t, const char *path);
size_t fake_count(struct mf_tree *t);

enum fake_fault {
	FAKE_NONE,
	FAKE_LIST,    /* the listing fails in place of this path */
	FAKE_READ,    /* reading this path fails with MF_EPERM */
	FAKE_BREAKS,  /* reading this path fails with code where half of it is read */
	FAKE_CHANGES, /* reading this path fails with code, the first time */
	FAKE_PUT,     /* putting this path fails with code */
	FAKE_PUT_ALL, /* every put fails with code */
	FAKE_SLOW,    /* ending goes well after a failure that stays in the error */
	FAKE_DEL,     /* deleting this path fails with MF_EPERM */
	FAKE_ABANDON  /* abandoning this path's upload fails */
};
void fake_fail(struct mf_tree *t, enum fake_fault fault, const char *path, enum mf_code code);

struct fake_counts {
	unsigned looks, gets, puts, parts, copies, moves, touches, dels, del_calls, removed_dirs;
	unsigned sweeps, abandoned;
	uint64_t sweep_age_us; /* of the last one */
};
struct fake_counts fake_counts(struct mf_tree *t);
void fake_reset_counts(struct mf_tree *t);

/* What it was told to remember uploads by, now. */
const struct mf_tree_memory *fake_memory(struct mf_tree *t);

/* Can objects be copied between two of them without reading? */
void fake_allow_copies(struct mf_tree *t);

#endif
