/* Staging: write the files of a version into a private directory, every byte checked. */
#ifndef MF_REPO_STAGE_INT_H
#define MF_REPO_STAGE_INT_H

#include "src/repo/manifest.h"
#include "src/repo/place_int.h"
#include "src/repo/pull.h"
#include "src/repo/repo_int.h"

struct mf_stage_params {
	struct mf_repo *repo;
	const char *model;
	const struct mf_listing *listing;
	const bool *selected; /* by entry */
	int dirfd;	      /* the staging directory, open; borrowed */
	const struct mf_place_local *locals; /* versions to take equal bytes from; borrowed */
	size_t n_locals;
	bool resume;	      /* the staging directory may hold good bytes of a killed pull */
	bool recompute_ids;
	const struct mf_pull_params *pull;
};

/* Fill the directory: files, then links, modes and times; durable when this returns. */
int mf_stage(const struct mf_stage_params *p, struct mf_pull_result *out, struct mf_error *e);

#endif
