/* The local cache of a push: the file list of the newest version, so that it need not be read
 * from the store. What it says is used only for the very root that the store lists. */
#ifndef MF_REPO_PUSH_CACHE_INT_H
#define MF_REPO_PUSH_CACHE_INT_H

#include "src/repo/push.h"
#include "src/repo/repo_int.h"

/* The list of `version` (by its digest) as pushed from p->dir, into an empty one of the
 * caller's. 0; 1: not cached, and out may hold a part of it. */
int mf_push_cache_load(struct mf_repo *repo, const struct mf_push_params *p,
    const struct mf_version *version, struct mf_listing *out);
/* The segments of the list that was pushed last from dir as this model, as they were put: for a
 * repair, which knows them by their ids. cb's nonzero return stops with it; 0 where there is
 * none. cache may be NULL. */
int mf_push_cache_segments(struct mf_repo *repo, struct mf_cache *cache, const char *model,
    const char *dir, int (*cb)(void *arg, const uint8_t *bytes, size_t n), void *arg);
/* Remember a list of at most max_bytes. No error: a cache may be lost. */
void mf_push_cache_store(struct mf_repo *repo, const struct mf_push_params *p,
    const uint8_t digest[32], const struct mf_listing *listing, size_t max_bytes);

#endif
