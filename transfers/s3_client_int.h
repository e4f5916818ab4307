/* What the files of the S3 client share: the client, and one attempt of a call. */
#ifndef MF_TRANSFERS_S3_CLIENT_INT_H
#define MF_TRANSFERS_S3_CLIENT_INT_H

#include <pthread.h>
#include <stdatomic.h>

#include "transfers/s3_client.h"

#define MF_S3_BODY_SUM_BYTES 45 /* 32 bytes in base64, with the NUL */

struct mf_s3_client {
	/* constant */
	char *bucket;
	struct mf_s3_endpoint first; /* the endpoint that was asked for */
	const struct mf_s3_dialect *dialect;
	struct mf_http *http;
	struct mf_s3_carrier carrier; /* perform NULL: none */
	struct mf_s3_provider *provider;
	struct mf_limiter *limiter;
	struct mf_flow *flow;                   /* or NULL */
	struct mf_flow_endpoint *endpoint_flow; /* with flow: of the endpoint that was asked for */
	uint64_t patience_us;
	struct mf_waiting waiting;
	int64_t (*unix_us)(void *arg);
	char *header_name, *header_value; /* of every request, or NULL */
	bool unsigned_bodies;

	atomic_bool sends_md5; /* the bucket demanded it */
	atomic_bool no_sums;   /* the store takes no header that speaks of checksums */

	pthread_mutex_t lock; /* of all below; held for no I/O */
	struct mf_s3_endpoint endpoint;
	int64_t skew_s;      /* the store's clock minus ours, once it refused ours */
	int64_t date_unix_s; /* its last Date; -1: none yet */
	uint64_t date_at_us; /* when that came, monotonic */
};

/* One attempt: what it is made of, and what it is made into. */
struct mf_s3_attempt {
	struct mf_s3_client *client;
	const struct mf_s3_call *call;
	const uint8_t *sha256;
	const char *sum_name; /* a header about checksums; NULL: none */
	char sum[MF_S3_BODY_SUM_BYTES];
	struct mf_s3_endpoint endpoint; /* this call's; a redirection may have changed it */
	int64_t skew_s;
	struct mf_s3_credentials *credentials; /* those of the last attempt; unref */
	const char *path;                      /* raw, while an attempt lasts */
	struct mf_s3_header headers[MF_S3_HEADERS_MAX]; /* all that are sent, the same */
	size_t n_headers;
	struct mf_s3_signed signature;         /* the same */
};

/* Our clock as the store would have it, Unix seconds. */
int64_t mf_s3_attempt_now(const struct mf_s3_attempt *a);

/* Send once. 0: a good answer; -1, and *out and *e as mf_s3_client_call says. */
int mf_s3_attempt_send(struct mf_s3_attempt *a, struct mf_s3_answer *out, struct mf_error *e);

/* After a refused HEAD, which has no body that would say why: ask again for the first byte. The
 * answer's refusal, if it is one, takes the place of the one in *out and *e. */
void mf_s3_attempt_diagnose(struct mf_s3_attempt *a, struct mf_s3_answer *out, struct mf_error *e);

/* s3_sum.c: the header about checksums that the call begins with, if any. */
void mf_s3_attempt_choose_sum(struct mf_s3_attempt *a);
/* The same: add the Content-MD5 of the call's body. Where the system has no MD5 (FIPS mode) the
 * SHA-256 goes instead, which does for whole objects at Amazon. */
void mf_s3_attempt_add_md5(struct mf_s3_attempt *a);

/* s3_sum.c: do the checksum headers of an answer, of those that are known, fit these bytes, which
 * are all of the object or part? */
bool s3_sums_fit(
    const struct mf_s3_dialect *d, const struct mf_http_response *r, const void *bytes, size_t n);

#endif
