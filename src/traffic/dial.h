/*
 * One HTTP call of a plan to a server that is not ours: a webhook, a registry of models, an
 * alert's receiver, a model server. It proves who asks with files that are read at each call,
 * follows redirects as a Go client does (redirect.h), tries again what may pass, and keeps what
 * is secret out of every message.
 *
 * Tried again are failed connections, times that ran out, and the answers 429 and 5xx except 501;
 * waits double from one second to thirty, or are what Retry-After asks for on 429 and 503; one
 * that asks for more than MF_DIAL_RETRY_AFTER_MAX_S ends the call. Not tried again: a certificate
 * that cannot be trusted, a redirect that must not be followed, an answer that is too long.
 *
 * A call may reach the server more than once, so whoever answers must take it as one.
 *
 * Credentials, and the headers that the plan gives, go to the origin that the plan names and to no
 * other: after a redirect elsewhere they stay behind. No Referer is sent.
 *
 * Threads: any number of calls at once on one dialer.
 */
#ifndef MF_TRAFFIC_DIAL_H
#define MF_TRAFFIC_DIAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/buf.h"
#include "src/base/error.h"
#include "src/rollout/metric.h"

#define MF_DIAL_TIMEOUT_US 10000000u           /* of an attempt, where none is given */
#define MF_DIAL_ANSWER_BYTES ((size_t)1 << 20) /* of an answer's body, where no other is given */
#define MF_DIAL_RETRY_AFTER_MAX_S 60
#define MF_DIAL_RETRIES_MAX 100u
#define MF_DIAL_SECRET_FILE_BYTES 8192u
#define MF_DIAL_WHY_BYTES 160u

struct mf_dialer;

/* As in struct mf_http_params, copied. */
struct mf_dialer_params {
	bool allow_http;
	const char *ca_file;
	const char *http_proxy, *https_proxy, *no_proxy;
	unsigned connections; /* kept open; 0: 8 */
	/* Between two attempts, on the caller's thread. false: nobody wants the answer any more.
	 * Not NULL where any call has retries. */
	bool (*wait)(void *arg, uint64_t us);
	bool (*interrupted)(void *arg); /* ten times a second on the caller's thread; NULL: never */
	void *arg;
};

/* NULL with *e set as mf_http_open does. Starts a thread. */
struct mf_dialer *mf_dialer_open(const struct mf_dialer_params *params, struct mf_error *e);
void mf_dialer_close(struct mf_dialer *d); /* no call is under way; NULL is fine */

/* All borrowed. */
struct mf_dial_call {
	const char *method; /* NULL: POST with a body, else GET */
	const char *url;
	const char *url_file; /* in place of url: its first and only line, a secret */
	const char *suffix; /* what is appended to the URL, whose last slash is dropped; NULL: "" */
	const struct mf_metric_auth *auth; /* NULL: none */
	const char *scheme;                /* of a token; NULL: "Bearer" */
	const struct mf_pair *headers;
	size_t n_headers;
	const char *content_type; /* of the body; NULL: application/json */
	const void *body;         /* NULL: none */
	size_t body_bytes;
	uint64_t timeout_us; /* of an attempt with all its redirects; 0: MF_DIAL_TIMEOUT_US */
	unsigned retries;    /* attempts beyond the first, at most MF_DIAL_RETRIES_MAX */
	bool unverified;     /* certificates are not looked at */
	bool stay;           /* do not follow redirects: 3xx is the answer */
	size_t max_answer_bytes;
};

struct mf_dial_answer {
	int status; /* final; 0: there is none, and why says so */
	/* Of no answer: MF_ETRANSFER, or what was wrong with the call itself, before it was made:
	 * MF_EUSAGE (a URL that is none), MF_EPERM (the file of a credential cannot be read), ... */
	enum mf_code code;
	unsigned attempts;
	bool cancelled;
	uint64_t took_us; /* of the last attempt */
	struct mf_buf body;
	char why[MF_DIAL_WHY_BYTES]; /* of no answer, and of any status above 202; "": well */
};

#define MF_DIAL_ANSWER_INIT ((struct mf_dial_answer){.status = 0})
void mf_dial_answer_fini(struct mf_dial_answer *a);

/* Call and wait. *out, which begins as MF_DIAL_ANSWER_INIT or as an earlier call left it, is always
 * filled. Blocking. */
void mf_dial(struct mf_dialer *d, const struct mf_dial_call *call, struct mf_dial_answer *out);

/* What can be told before a call: MF_EUSAGE for no URL or two, a URL that is none of http or
 * https or is plain http to another machine without allow_http, too many retries, a credential
 * that is no file. Quotes nothing of a URL. Reads no file. */
int mf_dial_check(const struct mf_dial_call *call, bool allow_http, struct mf_error *e);

#endif
