/* Counts of a repository. */
#ifndef MF_REPO_STATS_H
#define MF_REPO_STATS_H

#include "src/repo/repo.h"

struct mf_stats {
	uint64_t models, versions;
	uint64_t logical_bytes;	 /* sum over versions */
	uint64_t unique_bytes;	 /* plaintext of distinct chunks that versions name */
	uint64_t chunks;	 /* distinct, named by versions */
	uint64_t stored_objects, stored_bytes; /* chunk and segment objects in the store */
};

int mf_stats_collect(struct mf_repo *repo, struct mf_stats *out, struct mf_error *e);

#endif
