/*
 * Partial manifests: what the shards of a push brought, m/MODEL/VER-RAND without a mark, until a
 * commit makes a version of them. Which there are, which of them fit together, and what they say
 * together. The bytes: modelferry-repository(5), Partial manifests.
 */
#ifndef MF_REPO_PARTIAL_INT_H
#define MF_REPO_PARTIAL_INT_H

#include "src/repo/repo_int.h"

struct mf_partial {
	char object[160];    /* "MODEL/VER-RAND" */
	struct mf_root root; /* flags has MF_ROOT_SHARD */
	struct mf_buf bytes; /* of the root, as signed */
};

struct mf_partials {
	struct mf_partial *items;
	size_t n;
};

/* All of the version of that name; of the model, where version is NULL; where model is NULL too, of
 * the repository. One that cannot be
 * read is passed over with a warning in the log: nobody knows whose it is. *out is the caller's
 * (mf_partials_fini), empty after a failure. Reads every root without a mark. */
int mf_partials_list(struct mf_repo *repo, const char *model, const char *version,
    struct mf_partials *out, struct mf_error *e);
void mf_partials_fini(struct mf_partials *ps);

/*
 * For each shard 1 to `of` the index of the one that counts: the newest of its attempts, all of
 * one listing. Of several listings that are complete the one with the newest attempt is taken.
 * MF_ECONFLICT: some are missing, or the listings differ; the message names the shards. Pure.
 */
int mf_partials_choose(const struct mf_partials *ps, unsigned of, const char *spec,
    size_t chosen[MF_SHARDS_MAX], struct mf_error *e);

/*
 * Put these, one of each shard, together: the listing of the version, in an empty one of the
 * caller's. chunk_end (n items) gets where in its chunk table the chunks of each end. MF_ENOTFOUND:
 * one was deleted meanwhile; MF_ECONFLICT: they do not fit together; after a failure the listing
 * is to be ended all the same. spill: where the lists of the parts lie.
 */
int mf_partials_merge(struct mf_repo *repo, const struct mf_partial *const *parts, size_t n,
    const struct mf_region_params *spill, struct mf_listing *out, size_t *chunk_end,
    struct mf_error *e);
/* The same for their listings (is_partial), whose chunk tables are taken. Pure. */
int mf_partials_merge_listings(struct mf_listing *parts, size_t n, struct mf_listing *out,
    size_t *chunk_end, struct mf_error *e);

#endif
