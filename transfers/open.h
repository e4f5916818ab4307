/*
 * Opening a store by its URL:
 *   /srv/models, ./repo, repo     a directory
 *   file://PATH                   the same; PATH is taken literally, nothing is unescaped
 *   mem://NAME                    memory of this process, for tests
 *   s3://BUCKET, s3://BUCKET/PATH a bucket of an S3 store: s3_open.h
 *   s3+v2://BUCKET/PATH           the same by Signature V2, where libs3 was there: libs3.h
 *   gs://BUCKET, gs://BUCKET/PATH a bucket of Google Cloud Storage: gcs_open.h
 * Anything else with "://" is MF_EUSAGE.
 */
#ifndef MF_TRANSFERS_OPEN_H
#define MF_TRANSFERS_OPEN_H

#include "transfers/gcs_open.h"
#include "transfers/limit.h"
#include "transfers/retry.h"
#include "transfers/s3_open.h"
#include "transfers/store.h"

/* Where this machine keeps what was found out about a store by trying, so that it need not be
 * tried each time. Kept beside the store it would be copied with it, and be false there. store is
 * a text that tells it from all others. Called before mf_store_open returns only. */
struct mf_store_memory {
	/* 0, and it is in *value; 1: not known; -1. */
	int (*recall)(void *arg, const char *store, const char *fact, uint64_t *value,
	    struct mf_error *e);
	int (*remember)(void *arg, const char *store, const char *fact, uint64_t value,
	    struct mf_error *e);
	void *arg;
};

/* Zero means the default of each. */
struct mf_store_open_params {
	bool write;  /* put, del and sync will be used */
	bool create; /* make what is missing (implies write); without it that is MF_ENOTFOUND */
	struct mf_limiter *limiter; /* for directories, as bytes move; NULL: none. Outlives the
				     * store. Buckets are told by their options; the rest is
				     * limit.h's, which is for the caller to put around the store */
	const struct mf_retry_params *retry; /* NULL: none. Copied; a local store needs none */
	const struct mf_s3_options *s3;	     /* NULL: defaults, and no environment */
	const struct mf_gcs_options *gcs;    /* the same */
	const struct mf_store_memory *memory; /* NULL: nothing is kept */
};

/* *out is the caller's: mf_store_close. params may be NULL. 0, or -1. Asks a bucket nothing, but
 * where it is opened for writing and memory does not know whether it has conditional puts: that is
 * tried then, and a yes remembered, as is whether the bucket demanded MD5s meanwhile. */
int mf_store_open(const char *url, const struct mf_store_open_params *params,
    struct mf_store **out, struct mf_error *e);

#endif
