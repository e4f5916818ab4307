/* Publishing a version beside prunes, without locks: steps 1 to 6 of the protocol in
 * modelferry-repository(5). */
#ifndef MF_REPO_PUBLISH_INT_H
#define MF_REPO_PUBLISH_INT_H

#include "src/repo/index_int.h"

struct mf_publish_params {
	struct mf_root *root; /* without segments; they are set here */
	const struct mf_listing *listing;
	const struct mf_signer *signer;
	/* By which the chunks were put: segments that it has are not put again. Freed and NULL as
	 * soon as they are, since another one is made of what is stored then. NULL, or of NULL:
	 * none. */
	struct mf_index **index;
	/* A commit of shards: others of the same name do not end it, it takes no mark back, and
	 * copies what has burned names alone. The caller compares the marks of the name then. */
	bool is_commit;
	/* of a commit: the first chunk of the listing that is stored nowhere, or SIZE_MAX */
	size_t *lost_chunk;
};

/* Write segments, root and mark. 0: published, *out (may be NULL) is the version. 1: something
 * that the version needs was condemned or deleted meanwhile: upload what is missing and try
 * again, under a fresh name. MF_ECONFLICT: another version of that name was there first. */
int mf_publish(struct mf_repo *repo, const struct mf_publish_params *p, struct mf_version *out,
    uint64_t *stored_bytes, struct mf_error *e);

/* Steps 0 to 3 alone, for what one shard brought: a root with MF_ROOT_SHARD, which gets no mark.
 * 0; 1: as above. */
int mf_publish_part(struct mf_repo *repo, const struct mf_publish_params *p, uint64_t *stored_bytes,
    struct mf_error *e);

#endif
