/*
 * Commit: make one version of what the shards of a push brought (mf_push_params.shard). It may be
 * killed, run again, or run twice at once: that gives one version, and every run that ends says
 * so. The order of its writes, and why: modelferry-repository(5), Shards.
 */
#ifndef MF_REPO_COMMIT_H
#define MF_REPO_COMMIT_H

#include "src/repo/manifest.h"
#include "src/repo/repo.h"

struct mf_commit_params {
	const char *model, *version;
	unsigned shards; /* 1 to MF_SHARDS_MAX */
	const struct mf_tag *tags;
	size_t n_tags;
	const struct mf_metric *metrics;
	size_t n_metrics;
	const char *ref; /* moved to the version; NULL: none */
	const struct mf_signer *signer;
	const struct mf_trust
	    *trust; /* shards that none of these signed do not count; NULL: all do */
	const char *by;
	size_t memory_bytes;     /* 0: the repository's */
	const char *spill_dir;   /* as for a push */
	int64_t (*now_us)(void); /* Unix time */
};

struct mf_commit_result {
	/* The version was there: of an earlier run, or one beside this. Its tags, metrics and
	 * signature are what that one gave it. */
	bool already;
	uint64_t files, entries, bytes, chunks, stored_bytes;
	uint64_t partials;     /* partial manifests that were deleted */
	uint64_t ref_sequence; /* where a ref was moved, or is */
};

/* 0: the version is there, for everybody. -1, and nothing that a reader can see happened, but
 * where it failed to move the ref: MF_ECONFLICT: shards are missing, saw different files, or
 * another version of that name exists; the message says which. Blocks; one thread. */
int mf_commit(struct mf_repo *repo, const struct mf_commit_params *p, struct mf_commit_result *out,
    struct mf_error *e);

/* What was pushed in shards and is not committed: has(arg, ...) for each version and number of
 * shards, with how many of them there are, whatever files they saw. model: NULL for all. */
typedef void mf_commit_has(void *arg, const char *model, const char *version, unsigned pushed,
    unsigned of);
int mf_commit_pending(struct mf_repo *repo, const char *model, mf_commit_has *has, void *arg,
    struct mf_error *e);

#endif
