/* The local cache of a push: the file list of the newest version, so that it need not be read
 * from the store. What it says is used only for the very root that the store lists. */
#ifndef MF_REPO_PUSH_CACHE_INT_H
#define MF_REPO_PUSH_CACHE_INT_H

#include "src/repo/push.h"
#include "src/repo/repo_int.h"

/* The list of `version` (by its digest) as pushed from p->dir. 0; 1: not cached. */
int mf_push_cache_load(struct mf_repo *repo, const struct mf_push_params *p,
    const struct mf_version *version, struct mf_listing *out);
/* Remember a list. No error: a cache may be lost. */
void mf_push_cache_store(struct mf_repo *repo, const struct mf_push_params *p,
    const uint8_t digest[32], const struct mf_listing *listing);

#endif
