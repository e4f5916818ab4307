/* What the files of rekey share. */
#ifndef MF_REPO_REKEY_INT_H
#define MF_REPO_REKEY_INT_H

#include "src/repo/repo_int.h"

/* The epoch in an object's header: 0 where it has none or is gone. -1: the store failed. */
int64_t mf_rekey_epoch(struct mf_repo *repo, const char *name, struct mf_error *e);

/* rekey_versions.c: every listed version under a fresh m/ name in the current epoch, with its
 * segments; the manifests of older epochs are swept. Raises *changed for each. */
int mf_rekey_versions(struct mf_repo *repo, size_t *changed, struct mf_error *e);

#endif
