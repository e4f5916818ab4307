/* Which of the versions of one name stays, where several commits made one at once. */
#ifndef MF_REPO_COMMIT_INT_H
#define MF_REPO_COMMIT_INT_H

#include "src/repo/version.h"

struct mf_settle_params {
	const char *model, *version;
	const struct mf_version *own;        /* made by this run, or NULL */
	const struct mf_root_shard *listing; /* digest, and by which rules, of what is committed */
	const struct mf_region_params *spill;
};

/* Step 3 of a commit: of the marked roots of this name with that listing one stays, the same for
 * everybody who looks, and the others are forgotten. 0: *out is it. 1: there is none, or what is
 * there is condemned: begin again. MF_ECONFLICT: there is one with another listing; the own one
 * was taken back. */
int mf_commit_settle(struct mf_repo *repo, const struct mf_settle_params *p, struct mf_version *out,
    struct mf_error *e);

/* Has the version this listing? 1 yes, 0 no, -1. */
int mf_commit_has_listing(struct mf_repo *repo, const struct mf_version *v,
    const struct mf_root_shard *listing, const struct mf_region_params *spill, struct mf_error *e);

#endif
