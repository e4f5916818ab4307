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
	const struct mf_tag *tags;
	size_t n_tags;
	const struct mf_metric *metrics;
	size_t n_metrics;
	/* Is this path (relative; directories with is_dir) part of it? NULL: everything is. */
	bool (*selects)(void *arg, const char *path, bool is_dir);
	void *selects_arg;
	const char *ref; /* moved to the version when it is published; NULL: none */
	const struct mf_signer *signer;
	const char *by;
	/* Push only part `number` (from 1) `of` so many, as a partial manifest that mf_commit makes
	 * a version of; of 0: everything. Needs a version; ref, tags, metrics, allow_partial and
	 * force are none of a shard's (MF_EUSAGE). signer signs the partial manifest. */
	struct mf_push_shard {
		unsigned number, of;
	} shard;
	bool one_file_system, allow_partial, dry_run, force;
	bool ignore_inode, ignore_ctime; /* unchanged-file rule, for NFS and CSI volumes */
	bool no_check; /* do not decode each chunk again before it is stored */
	unsigned threads;     /* 0: the repository's */
	size_t memory_bytes;  /* 0: the repository's */
	/* A directory on a disk, where the lists of files lie when they are large; NULL: each table
	 * must stay within an eighth of the memory, MF_ENOMEM otherwise. */
	const char *spill_dir;
	size_t plain_list_bytes; /* how much of a table may lie in memory; 0: what is said here */
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
	uint8_t listing[32]; /* of a shard: the digest of the files that it saw; unchanged then
			      * means that they were committed before */
	uint64_t files, entries, bytes, new_bytes, stored_bytes, chunks, new_chunks;
	uint64_t left_out; /* files skipped under allow_partial */
	uint64_t ref_sequence; /* where a ref was moved */
};

/* Bring dir into the repository as a new version, and only then move the ref; or its part of it.
 * files and bytes of the result are those of the part then. Blocks; works on
 * p->threads threads of its own. 0; -1: no version was made (nothing else is lost: chunks that
 * arrived are found by the next push). MF_ESOURCE: a file changed or could not be read. */
int mf_push(struct mf_repo *repo, const struct mf_push_params *p, struct mf_push_result *out,
    struct mf_error *e);

#endif
