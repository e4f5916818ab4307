/*
 * Where a redirect leads, as Go's HTTP client understands it, which is what Flagger calls webhooks
 * with: 301, 302 and 303 go on as GET without a body (HEAD stays HEAD), 307 and 308 repeat the
 * request as it was; an answer without Location is an answer like any other
 * (https://pkg.go.dev/net/http#Client; RFC 9110, 15.4; RFC 3986, 5.2).
 *
 * Refused beyond what Go refuses: the way from https to http, on which anybody could read along.
 *
 * Pure, any thread. Messages quote nothing of either URL: one may be a secret.
 */
#ifndef MF_TRAFFIC_REDIRECT_H
#define MF_TRAFFIC_REDIRECT_H

#include <stdbool.h>

#include "src/base/buf.h"
#include "src/base/error.h"

/* Go's client gives up when it has sent so many requests and is redirected once more. */
#define MF_REDIRECT_REQUESTS 10u

struct mf_redirect {
	struct mf_buf url;  /* a string of its own */
	const char *method; /* the one given, or "GET" */
	bool keep_body;
	bool same_origin; /* scheme, host and port stay: credentials may go along */
};

#define MF_REDIRECT_INIT ((struct mf_redirect){.method = NULL})

/* An answer of that status to method at url, with that Location (NULL: none). 1: go on with *out;
 * 0: it is no redirect, or one that leads nowhere; -1: MF_EFAIL, it must not be followed, or
 * MF_ENOMEM. *out needs mf_redirect_fini in any case, and may be used again. */
int mf_redirect_next(const char *url, const char *method, int status, const char *location,
    struct mf_redirect *out, struct mf_error *e);
void mf_redirect_fini(struct mf_redirect *r);

#endif
