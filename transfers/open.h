/*
 * Opening a store by its URL:
 *   /srv/models, ./repo, repo     a directory
 *   file://PATH                   the same; PATH is taken literally, nothing is unescaped
 *   mem://NAME                    memory of this process, for tests
 *   s3://..., gs://...            MF_EUNSUPPORTED: this build has no bucket stores
 * Anything else with "://" is MF_EUSAGE.
 */
#ifndef MF_TRANSFERS_OPEN_H
#define MF_TRANSFERS_OPEN_H

#include "transfers/limit.h"
#include "transfers/retry.h"
#include "transfers/store.h"

/* Zero means the default of each. */
struct mf_store_open_params {
	bool write;  /* put, del and sync will be used */
	bool create; /* make what is missing (implies write); without it that is MF_ENOTFOUND */
	const struct mf_limit_params *limit; /* NULL: none. Copied */
	const struct mf_retry_params *retry; /* NULL: none. Copied; a local store needs none */
};

/* *out is the caller's: mf_store_close. params may be NULL. 0, or -1. */
int mf_store_open(const char *url, const struct mf_store_open_params *params,
    struct mf_store **out, struct mf_error *e);

#endif
