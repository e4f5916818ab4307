/*
 * What a mirror does with one path, as rclone decides it: a pure function of the options and of
 * what is known of the two sides. Listings do not tell everything (an object's mtime, a file's
 * MD5, how large the parts were), and finding out costs a request or a whole read; so the answer
 * may be that something is needed, and the caller finds it out, or that it cannot be known, and
 * asks again.
 *
 * Times are equal within the window, on either side of it; without one they must be the same
 * nanosecond. Sizes that differ always differ.
 */
#ifndef MF_SYNC_MIRROR_COMPARE_H
#define MF_SYNC_MIRROR_COMPARE_H

#include <stdbool.h>

#include "transfers/tree.h"

struct mf_compare_rules {
	bool checksum; /* --checksum: MD5s decide, where both sides have such as compare; not times
			*/
	bool size_only;       /* --size-only */
	bool update;          /* --update: what is newer at the destination stays */
	bool ignore_existing; /* --ignore-existing: what is there stays, whatever it is */
	bool immutable;       /* --immutable: what is there must not have to change */
	uint64_t window_ns;   /* --modify-window; 0: 1 ns */
};

enum mf_compare_verdict {
	MF_COMPARE_SAME,     /* nothing to do */
	MF_COMPARE_KEPT,     /* newer or existing, as asked for: nothing to do */
	MF_COMPARE_COPY,     /* send the content */
	MF_COMPARE_TOUCH,    /* the content is the same: the time alone */
	MF_COMPARE_CONFLICT, /* --immutable, and it differs */
	MF_COMPARE_NEED_MTIMES,
	MF_COMPARE_NEED_MD5S
};

/* One side: the entry's has_mtime, and has_md5 or part_bytes, say what is known, these that no more
 * ever will be. */
struct mf_compare_side {
	const struct mf_tree_entry *entry;
	bool no_mtime;
	bool no_md5; /* that can be compared with the other side's */
};

enum mf_compare_content {
	MF_CONTENT_OTHER,
	MF_CONTENT_SAME,
	MF_CONTENT_UNKNOWABLE,
	MF_CONTENT_UNKNOWN
};

/* Of two files of one size: by their MD5s, or the MD5s of their parts, where those are of one size:
 * of parts of another size nothing follows. UNKNOWN: not yet. */
enum mf_compare_content mf_compare_content(
    const struct mf_compare_side *src, const struct mf_compare_side *dst);

enum mf_compare_verdict mf_compare(const struct mf_compare_rules *rules,
    const struct mf_compare_side *src, const struct mf_compare_side *dst);

/* The order of two paths in listings: of their bytes. */
int mf_compare_paths(const char *a, const char *b);

#endif
