/*
 * How the sources of credentials ask a web service: one function, which whoever has an HTTP
 * client provides and which tests play. Blocking; called by one thread at a time for a source,
 * by several for several.
 *
 * The answer holds secrets: it goes into memory that is large enough from the start and that the
 * caller wipes. Neither it nor what was sent may be logged.
 */
#ifndef MF_TRANSFERS_S3_FETCH_H
#define MF_TRANSFERS_S3_FETCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/buf.h"
#include "src/base/error.h"
#include "transfers/s3_sign.h"

struct mf_s3_fetch_request {
	const char *method; /* "GET", "PUT", "POST" */
	const char *url;    /* http: or https: */
	const struct mf_s3_header *headers;
	size_t n_headers;
	/* An answer without this header comes from somebody else: MF_EPERM. name NULL: no demand.
	 */
	struct mf_s3_header expect;
	const void *body; /* with POST; PUT has an empty one */
	size_t body_len;
	uint64_t timeout_us; /* for all of it */
	size_t max_bytes;    /* of the answer's body: more is a failure */
	bool direct;         /* by no proxy: an address that means this very machine */
	bool hide_path;      /* the URL's path may be a secret too: not for logs */
};

struct mf_s3_fetch {
	/* Send once, follow no redirection, verify TLS. 0 when an answer came: its status in
	 * *http_status, its body appended to *answer, which has room for max_bytes + 1. -1 with
	 * MF_ETRANSFER when none came, or the code of what else failed. */
	int (*fetch)(void *arg, const struct mf_s3_fetch_request *r, int *http_status,
	    struct mf_buf *answer, struct mf_error *e);
	void *arg; /* outlives whoever holds this */
};

#endif
