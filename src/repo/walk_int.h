/* The source tree of a push: every entry below a directory, in the manifest's order. */
#ifndef MF_REPO_WALK_INT_H
#define MF_REPO_WALK_INT_H

#include <sys/stat.h>

#include "src/repo/manifest.h"

struct mf_source_entry {
	struct mf_entry entry; /* path and target owned; no slices yet */
	uint64_t dev;
	bool follows; /* a symbolic link out of the tree, read as the file it leads to */
	uint32_t nlink;
	/* where a small file's content went when its run was read: push's alone */
	bool left_out;
	uint32_t run_chunk, run_offset;
};

struct mf_source_tree {
	int dirfd; /* open; owned */
	struct mf_source_entry *items; /* sorted by path */
	size_t n, capacity;
	uint64_t bytes, n_files, left_out;
	struct mf_region *items_region, *strings_region; /* NULL: plain memory */
};

struct mf_walk_params {
	const char *dir;
	bool (*selects)(void *arg, const char *path, bool is_dir);
	void *selects_arg;
	bool one_file_system, allow_partial;
	bool (*interrupted)(void);
	const struct mf_region_params *spill; /* where the tree lies; NULL: in plain memory */
};

/* Read the metadata of everything. Links that lead out of the tree to regular files are
 * followed, inner ones kept; a socket, FIFO, device, or a link out of the tree to anything
 * else is MF_ESOURCE naming it (with allow_partial it is left out and counted). */
int mf_walk(const struct mf_walk_params *p, struct mf_source_tree *out, struct mf_error *e);
void mf_source_tree_fini(struct mf_source_tree *t);
/* Its regions are not looked at for a while. */
void mf_source_tree_cool(const struct mf_source_tree *t);
/* Copy what a stat says into an entry: mode, times, inode, size. */
void mf_walk_take_stat(struct mf_entry *x, const struct stat *st);

#endif
