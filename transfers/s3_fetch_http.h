/*
 * What sources of credentials ask web services by (s3_fetch.h), on the HTTP engine. Addresses
 * that mean this very machine (metadata, containers) are asked by an engine of its own: no proxy,
 * and plain http, which those services speak; the sources see to it that it is only they.
 *
 * Any number of threads.
 */
#ifndef MF_TRANSFERS_S3_FETCH_HTTP_H
#define MF_TRANSFERS_S3_FETCH_HTTP_H

#include "src/net/http.h"
#include "transfers/s3_fetch.h"
#include "transfers/waiting.h"

struct mf_s3_fetcher;

/* http outlives it, and so does waiting's arg; waiting (copied) says when to give up. NULL:
 * MF_ENOMEM. */
struct mf_s3_fetcher *mf_s3_fetcher_new(
    struct mf_http *http, const struct mf_waiting *waiting, struct mf_error *e);
void mf_s3_fetcher_free(struct mf_s3_fetcher *f); /* NULL is fine */

/* Its function, good as long as f is. */
struct mf_s3_fetch mf_s3_fetcher_fetch(struct mf_s3_fetcher *f);

#endif
