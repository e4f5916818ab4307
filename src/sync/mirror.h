/*
 * Plain mirrors: make a tree hold what another one holds, with rclone's meaning of copy and sync.
 * Both are walked side by side in sorted order, so that memory does not grow with the number of
 * files; what has to be looked up and what has to be sent waits in bounded queues for workers.
 *
 * One file that fails is counted and told to the log, and the others go on; but then, and unless
 * both walks were complete, nothing is deleted. Deletions come last. A run that was cut off at any
 * point leaves every file at the destination whole, and the next one goes on from there, in the
 * middle of a large file too where uploads are remembered.
 */
#ifndef MF_SYNC_MIRROR_H
#define MF_SYNC_MIRROR_H

#include <stdbool.h>
#include <stdint.h>

#include "src/base/error.h"
#include "src/base/progress.h"
#include "src/state/cache.h"
#include "src/state/uploads.h"
#include "src/sync/mirror_compare.h"
#include "src/sync/mirror_names.h"
#include "transfers/tree.h"

enum mf_mirror_act {
	MF_MIRROR_COPIED,
	MF_MIRROR_TOUCHED,
	MF_MIRROR_DELETED,
	MF_MIRROR_MADE_DIR,
	MF_MIRROR_ACTS
};

struct mf_mirror_params {
	struct mf_tree *src, *dst; /* borrowed */
	/* Texts that tell the places from all others, for what is remembered of a bucket. */
	const char *src_place, *dst_place;
	struct mf_cache *cache; /* NULL: nothing is remembered */
	/* Where uploads in parts to dst are remembered that this run does not end, for the next one
	 * to go on with; NULL: nowhere, and they are removed. Those that no run went on with for
	 * upload_age_us go, and so do those whose file is gone or another by now. */
	struct mf_uploads *uploads;
	uint64_t upload_age_us;
	int64_t now_us; /* Unix time; with uploads */

	bool deletes; /* sync: what the source does not have goes from the destination */
	struct mf_compare_rules rules;
	bool dry_run;
	bool create_empty_dirs;
	bool delete_excluded; /* what the filter leaves out goes from the destination too */
	bool has_max_delete;
	uint64_t max_delete; /* where more files would go, none does, and the run fails */
	/* What is replaced or deleted is kept: in backup, or in dst where that is NULL, under its
	 * path and suffix ("" or NULL: none). With neither nothing is kept. */
	struct mf_tree *backup;
	const char *suffix;

	/* Does the filter take this file? Called on one thread. NULL: all. */
	bool (*takes)(void *arg, const char *path);
	/* May it take a file below this directory? One of dst that was emptied stays where src has
	 * it, but not where the filter leaves it out. NULL: it may of all. */
	bool (*enters)(void *arg, const char *path);
	void *takes_arg;
	/* Asked on the caller's thread where the source turned out to be empty, before anything is
	 * deleted: 0, or -1 with *e set for a run that ends with that. NULL: it may be so. */
	int (*empty)(void *arg, struct mf_error *e);
	void *empty_arg;

	unsigned transfers, checkers; /* workers; at least 1 */
	const char *spill_dir;        /* for lists that outgrow memory; see spill.h */
	uint64_t sweep_age_us;        /* remove what puts older than this left behind; 0: do not */
	struct mf_names *names;       /* what is being sent; may be NULL */
	struct mf_progress *progress; /* may be NULL */
	bool (*interrupted)(void);    /* any thread; NULL: never */
	/* Something was done, or with dry_run would have been. Any thread, one at a time. May be
	 * NULL. */
	void (*did)(void *arg, enum mf_mirror_act act, const char *path);
	void *did_arg;
};

struct mf_mirror_result {
	uint64_t checks;       /* files compared */
	uint64_t files, bytes; /* copied; of a dry run: that would be */
	uint64_t touched;
	uint64_t deletes;
	uint64_t dirs_made;
	uint64_t not_deleted; /* left because something failed before */
	uint64_t skipped;     /* links, special files, names that cannot be kept */
	uint64_t errors;
};

/* Carry it out. 0; -1: *e has the worst of what failed and how many did, *result what was done all
 * the same. By its code: MF_ESOURCE (the source changed or could not be read), MF_ETRANSFER,
 * MF_EPERM, MF_ENOSPC, MF_ECONFLICT (--immutable), MF_EINTERRUPTED, ... */
int mf_mirror_run(
    const struct mf_mirror_params *params, struct mf_mirror_result *result, struct mf_error *e);

enum mf_mirror_difference {
	MF_MIRROR_MISSING_ON_DST, /* '+' */
	MF_MIRROR_MISSING_ON_SRC, /* '-' */
	MF_MIRROR_DIFFERS,        /* '*' */
	MF_MIRROR_UNCHECKED       /* '!', an error */
};

struct mf_mirror_check_params {
	struct mf_tree *src, *dst; /* borrowed */
	bool size_only;
	bool download; /* read both and compare what came, whatever MD5s are told */
	bool one_way;  /* what only the destination has is no difference */
	bool (*takes)(void *arg, const char *path);
	void *takes_arg;
	unsigned checkers;
	struct mf_names *names;
	struct mf_progress *progress;
	bool (*interrupted)(void);
	/* A difference; any thread, one at a time; in no order. */
	void (*differs)(void *arg, enum mf_mirror_difference how, const char *path);
	void *differs_arg;
};

struct mf_mirror_check_result {
	uint64_t checks, bytes; /* files that both sides have, and their bytes */
	uint64_t same;
	uint64_t not_hashed; /* same by size alone: no MD5s that compare */
	uint64_t differ, missing_on_dst, missing_on_src;
	uint64_t skipped;
	uint64_t errors;
};

/* Compare sizes and content, as `rclone check` does. 0: all is the same; -1: MF_EDIFFERENT, or
 * what failed, which outweighs differences. */
int mf_mirror_check(const struct mf_mirror_check_params *params,
    struct mf_mirror_check_result *result, struct mf_error *e);

#endif
