/* Counts of a repository: what its versions say and what lies in the store. Reads every
 * manifest and lists the store; changes nothing. */
#ifndef MF_REPO_STATS_H
#define MF_REPO_STATS_H

#include "src/repo/repo.h"

struct mf_stats {
	uint64_t models, versions;
	uint64_t logical_bytes;	 /* sum over versions */
	uint64_t unique_bytes;	 /* plaintext of distinct chunks that versions name */
	uint64_t chunks;	 /* distinct, named by versions */
	uint64_t partials; /* what shards pushed and nobody committed yet: partial manifests */
	uint64_t stored_objects, stored_bytes; /* chunk and segment objects in the store */
};

/* 0, or -1: a manifest that cannot be read is an error, never a smaller count. Blocks. */
int mf_stats_collect(struct mf_repo *repo, struct mf_stats *out, struct mf_error *e);

#endif
