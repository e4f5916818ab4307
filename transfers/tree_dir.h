/*
 * A tree in a directory. What a symbolic link leads to is not part of it, on the way to a file
 * neither: a path never leads out. So it is whatever is said of links, but where they are followed,
 * which is for reading only.
 *
 * A put writes ".modelferry-part-" and 16 hexadecimal digits beside the file, and renames it. Such
 * names are no files of the tree; mf_tree_sweep removes those that a killed process left behind.
 * Directories that a put needs are made, and stay.
 */
#ifndef MF_TRANSFERS_TREE_DIR_H
#define MF_TRANSFERS_TREE_DIR_H

#include "transfers/limiter.h"
#include "transfers/tree.h"

/* As a file a link has this behind its name, and where it leads is its content: rclone's --links. A
 * file of such a name is not shown then, and none is put: each is a link. */
#define MF_TREE_LINK_SUFFIX ".rclonelink"

enum mf_tree_links {
	MF_TREE_LINKS_SHOWN, /* as what they are */
	/* To whatever they lead, out of the tree too. One that leads nowhere, or to a directory
	 * that it lies in, makes the listing fail. */
	MF_TREE_LINKS_FOLLOWED,
	/* As files, and such files are put as links, wherever they lead; nothing is put through
	 * one. What is no link is in the way of one, and the other way round: MF_EEXIST. */
	MF_TREE_LINKS_AS_FILES
};

struct mf_tree_dir_params {
	const char *path;
	enum mf_tree_links links;
	/* NULL: none. What is copied here from another directory is paid for as sent, what
	 * mf_tree_get reads as received. Outlives the tree. */
	struct mf_limiter *limiter;
	/* Is this directory one to be listed? Others are not entered, so that it is nothing that
	 * they cannot be, and not shown. On the thread of the cursor. NULL: all. */
	bool (*enters)(void *arg, const char *path);
	void *enters_arg; /* outlives the tree */
	bool write;  /* without it whatever changes something is MF_EPERM */
	bool no_direct_io; /* large files go through the page cache, too (src/base/direct_io.h) */
	bool create; /* make the directory, and those above it; without it a missing one is
		      * MF_ENOTFOUND */
};

/* 0, and *out is the caller's; -1; MF_EUSAGE where links are followed and something written. */
int mf_tree_dir_open(
    const struct mf_tree_dir_params *p, struct mf_tree **out, struct mf_error *e);

#endif
