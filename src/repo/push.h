/*
 * Push: make a version of a directory. Reads, cuts, encodes, checks, seals and stores what is
 * not there, then publishes with the write order of modelferry-repository(5), PUBLISHING.
 */
#ifndef MF_REPO_PUSH_H
#define MF_REPO_PUSH_H

#include "src/base/progress.h"
#include "src/repo/manifest.h"
#include "src/repo/repo.h"
#include "src/state/cache.h"

struct mf_push_params {
	const char *dir;
	const char *model;
	const char *version; /* NULL: UTC time plus 4 random letters */
	const struct mf_pair *tags;
	size_t n_tags;
	const struct mf_metric *metrics;
	size_t n_metrics;
	/* Is this path (relative; directories with is_dir) part of it? NULL: everything is. */
	bool (*selects)(void *arg, const char *path, bool is_dir);
	void *selects_arg;
	const char *ref; /* moved to the version when it is published; NULL: none */
	const struct mf_signer *signer;
	const char *by;
	bool one_file_system, allow_partial, dry_run, force;
	bool ignore_inode, ignore_ctime; /* unchanged-file rule, for NFS and CSI volumes */
	bool no_check; /* do not decode each chunk again before it is stored */
	unsigned threads;     /* 0: the repository's */
	size_t memory_bytes;  /* 0: the repository's */
	int64_t deadline_us;  /* --max-duration as monotonic time, 0: none; then MF_EINTERRUPTED */
	int64_t (*now_us)(void);       /* Unix time */
	int64_t (*monotonic_us)(void); /* may be NULL without deadline_us */
	bool (*interrupted)(void);     /* polled; NULL: never */
	struct mf_cache *cache;	       /* local file cache, borrowed; NULL: none */
	struct mf_progress *progress;  /* may be NULL */
};

struct mf_push_result {
	char version[160];
	bool unchanged; /* no version was made: `version` is the one that is equal */
	uint64_t files, entries, bytes, new_bytes, stored_bytes, chunks, new_chunks;
	uint64_t left_out; /* files skipped under allow_partial */
	uint64_t ref_sequence; /* where a ref was moved */
};

int mf_push(struct mf_repo *repo, const struct mf_push_params *p, struct mf_push_result *out,
    struct mf_error *e);

#endif
