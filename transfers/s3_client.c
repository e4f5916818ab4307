#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "crypto/digest.h"
#include "src/base/log.h"
#include "src/base/units.h"
#include "transfers/backoff.h"
#include "transfers/s3_client_int.h"

#define PATIENCE_US ((uint64_t)300 * 1000000)
#define WAIT_BASE_US 250000u
#define WAIT_CAP_US 20000000u
#define REDIRECTS_MAX 2
/* As often the source may have others, each refused in turn: fresh ones may run out while a request
 * waits for its turn, and one source may lag behind another. */
#define RENEWALS_MAX 8

static int64_t
system_unix_us(void *arg)
{
	struct timespec t = {0};

	(void)arg;
	(void)clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static int
find_flow(struct mf_s3_client *c, struct mf_error *e)
{
	struct mf_buf origin = MF_BUF_INIT;

	mf_s3_client_origin(c, &origin);
	if (mf_buf_cstr(&origin) != NULL)
		c->endpoint_flow = mf_flow_endpoint(c->flow, mf_buf_cstr(&origin), e);
	else
		mf_error_nomem(e, "an S3 client");
	mf_buf_fini(&origin);
	return c->endpoint_flow != NULL ? 0 : -1;
}

int
mf_s3_client_open(
    const struct mf_s3_client_params *p, struct mf_s3_client **out, struct mf_error *e)
{
	struct mf_s3_client *c = calloc(1, sizeof *c);

	if (c == NULL)
		return mf_error_nomem(e, "an S3 client");
	pthread_mutex_init(&c->lock, NULL);
	c->dialect = p->dialect != NULL ? p->dialect : &mf_s3_aws4;
	c->http = p->http;
	c->carrier = p->carrier;
	c->provider = p->provider;
	c->limiter = p->limiter;
	c->flow = p->flow;
	c->patience_us = p->patience_us != 0 ? p->patience_us : PATIENCE_US;
	c->waiting = p->waiting;
	c->unix_us = p->unix_us != NULL ? p->unix_us : system_unix_us;
	c->date_unix_s = -1;
	atomic_init(&c->sends_md5, false);
	atomic_init(&c->no_sums, false);
	if (mf_s3_endpoint_make(&c->first, &p->endpoint, e) != 0)
		goto fail;
	c->endpoint = c->first;
	c->unsigned_bodies = p->unsigned_bodies;
	if (c->unsigned_bodies && !c->first.tls) {
		mf_error_set(e, MF_EUSAGE,
		    "http://%s: bodies can go unsigned only where TLS guards them",
		    c->first.authority);
		mf_error_hint(e, "name the endpoint by https://, or leave out --s3-unsigned-payload");
		goto fail;
	}
	if (c->flow != NULL && find_flow(c, e) != 0)
		goto fail;
	if ((c->bucket = strdup(p->endpoint.bucket)) == NULL ||
	    (p->header.name != NULL && ((c->header_name = strdup(p->header.name)) == NULL ||
					   (c->header_value = strdup(p->header.value)) == NULL))) {
		mf_error_nomem(e, "an S3 client");
		goto fail;
	}
	*out = c;
	return 0;
fail:
	mf_s3_client_close(c);
	return -1;
}

void
mf_s3_client_close(struct mf_s3_client *c)
{
	if (c == NULL)
		return;
	pthread_mutex_destroy(&c->lock);
	free(c->bucket);
	free(c->header_name);
	free(c->header_value);
	free(c);
}

const char *
mf_s3_client_bucket(const struct mf_s3_client *c)
{
	return c->bucket;
}

void
mf_s3_client_origin(const struct mf_s3_client *c, struct mf_buf *out)
{
	mf_buf_printf(
	    out, "%s://%s%s", c->first.tls ? "https" : "http", c->first.authority, c->first.base);
}

const struct mf_waiting *
mf_s3_client_waiting(const struct mf_s3_client *c)
{
	return &c->waiting;
}

const struct mf_s3_dialect *
mf_s3_client_dialect(const struct mf_s3_client *c)
{
	return c->dialect;
}

bool
mf_s3_client_sends_md5(const struct mf_s3_client *c)
{
	return atomic_load(&c->sends_md5);
}

void
mf_s3_client_send_md5(struct mf_s3_client *c)
{
	atomic_store(&c->sends_md5, true);
}

bool
mf_s3_client_sums_bodies(const struct mf_s3_client *c)
{
	return c->unsigned_bodies;
}

bool
mf_s3_client_is_paced(const struct mf_s3_client *c)
{
	return c->limiter != NULL;
}

void
mf_s3_answer_fini(struct mf_s3_answer *a)
{
	mf_http_response_fini(&a->http);
	a->refused = false;
}

/* ---- what to do about a refusal ---- */

/* A call, and what it has been through. */
struct run {
	struct mf_s3_client *client;
	struct mf_s3_attempt attempt;
	unsigned redirects, waits;
	unsigned renewed; /* since it waited last */
	bool clock_set, diagnosed, md5_added, doubtful;
	uint64_t waits_since_us; /* monotonic; with waits > 0 */
};

static bool
redirect(struct run *r, const struct mf_s3_answer *a)
{
	const struct mf_s3_redirect to = {
	    .region = a->error.region,
	    .location = mf_http_response_header(&a->http, "Location"),
	    .host = a->error.endpoint,
	};
	const int status = a->http.status;

	if (r->client->dialect->bearer || r->redirects++ >= REDIRECTS_MAX ||
	    !mf_s3_endpoint_follow(&r->attempt.endpoint, r->client->bucket, &to))
		return false;
	mf_log(MF_LOG_DEBUG, "bucket %s: going to %s, region %s", r->client->bucket,
	    r->attempt.endpoint.authority, r->attempt.endpoint.region);
	if (status == 307 || status == 302)
		return true; /* for this request, as it says */
	pthread_mutex_lock(&r->client->lock);
	r->client->endpoint = r->attempt.endpoint;
	pthread_mutex_unlock(&r->client->lock);
	return true;
}

static bool
set_clock(struct run *r, const struct mf_s3_answer *a)
{
	struct mf_s3_client *c = r->client;
	int64_t skew_s;

	/* a carrier has its own clock */
	if (r->clock_set || c->carrier.perform != NULL || a->http.date_unix_s < 0)
		return false;
	r->clock_set = true;
	skew_s = a->http.date_unix_s - c->unix_us(c->waiting.arg) / 1000000;
	mf_log(MF_LOG_WARNING,
	    "this machine's clock is off by %lld s by the clock of bucket %s, "
	    "which is taken for requests",
	    (long long)-skew_s, c->bucket);
	r->attempt.skew_s = skew_s;
	pthread_mutex_lock(&c->lock);
	c->skew_s = skew_s;
	pthread_mutex_unlock(&c->lock);
	return true;
}

static bool
renew(struct run *r)
{
	if (r->renewed == RENEWALS_MAX)
		return false;
	r->renewed++;
	mf_s3_provider_refused(r->client->provider, r->attempt.credentials);
	return true;
}

/* libs3 sends its own. */
static bool
add_md5(struct run *r, const struct mf_s3_answer *a)
{
	const struct mf_s3_call *call = r->attempt.call;

	if (!call->has_body || r->md5_added || r->client->carrier.perform != NULL ||
	    !mf_s3_wants_md5(a->http.status, &a->error))
		return false;
	if (r->attempt.sum_name != NULL &&
	    strcmp(r->attempt.sum_name, "x-amz-checksum-crc32c") != 0) /* which is not enough */
		return false;
	r->md5_added = true;
	mf_s3_attempt_add_md5(&r->attempt);
	if (call->stores && !atomic_exchange(&r->client->sends_md5, true))
		mf_log(MF_LOG_DEBUG, "bucket %s: demands the Content-MD5 of what is put",
		    r->client->bucket);
	return true;
}

/* Nobody but us wanted it. */
static bool
drop_sum(struct run *r, const struct mf_s3_answer *a)
{
	if (r->attempt.sum_name == NULL || r->md5_added ||
	    !mf_s3_refuses_sum(a->http.status, &a->error))
		return false;
	r->attempt.sum_name = NULL;
	if (!atomic_exchange(&r->client->no_sums, true))
		mf_log(MF_LOG_DEBUG, "bucket %s: takes no checksums: %s", r->client->bucket,
		    a->error.message);
	return true;
}

/* The first wait of a call is news, the others go on with it. The number is the next attempt's. */
static void
log_wait(const struct run *r, const struct mf_error *e)
{
	const enum mf_log_level level = r->waits == 0 ? MF_LOG_INFO : MF_LOG_DEBUG;
	const char *key = r->attempt.call->key;
	char next[16];

	(void)snprintf(next, sizeof next, "%u", mf_log_attempt() + 1);
	if (key != NULL)
		mf_log_fields(level, "waiting for the store", "key", key, "attempt", next, "error",
		    e->message, NULL);
	else
		mf_log_fields(level, "waiting for the store", "attempt", next, "error", e->message,
		    NULL);
}

/* Wait before the next attempt, at least at_least_us. false: patience is over, or nobody wants
 * the result any more, which *e says then. */
static bool
wait_for_it(struct run *r, uint64_t at_least_us, struct mf_error *e)
{
	struct mf_s3_client *c = r->client;
	const uint64_t now_us = mf_waiting_now_us(&c->waiting);
	char text[MF_UNIT_TEXT_BYTES];
	uint64_t us;

	if (r->waits == 0)
		r->waits_since_us = now_us;
	if (c->flow != NULL && mf_flow_gave_up(c->flow, e))
		return false;
	us = at_least_us +
	     mf_backoff_us(WAIT_BASE_US, WAIT_CAP_US, r->waits, mf_waiting_random(&c->waiting));
	if (now_us - r->waits_since_us + us > c->patience_us) {
		mf_error_while(e, "waiting for the store, %u times in %s", r->waits,
		    mf_format_duration(now_us - r->waits_since_us, text));
		return false;
	}
	log_wait(r, e);
	r->waits++;
	if (mf_waiting_sleep(&c->waiting, us) &&
	    (c->flow == NULL || mf_flow_may_retry(c->flow, e))) {
		r->renewed = 0;
		return true;
	}
	if (mf_waiting_cancelled(&c->waiting))
		e->code = MF_EINTERRUPTED;
	return false;
}

static bool
is_get_or_head(const struct mf_s3_call *call)
{
	return strcmp(call->method, "GET") == 0 || strcmp(call->method, "HEAD") == 0;
}

/* Is it certain that nothing was done? A store that asks for less says so in a document; a bare
 * 503 may come from a proxy that had passed the request on. */
static bool
did_nothing(const struct mf_s3_call *call, const struct mf_s3_answer *a)
{
	return call->repeatable || is_get_or_head(call) || a->http.status == 429 ||
	       (a->http.status >= 300 && a->error.code[0] != '\0');
}

/* The answer to a HEAD says nothing but its status, which may mean much. */
static bool
is_unclear(const struct mf_s3_call *call, const struct mf_s3_answer *a)
{
	const int status = a->http.status;

	return strcmp(call->method, "HEAD") == 0 && a->error.code[0] == '\0' &&
	       (status == 400 || status == 401 || status == 403 ||
		   (status == 301 && a->error.region[0] == '\0'));
}

/* Whether the same call has another chance. *e is its refusal. */
static bool
goes_on(struct run *r, struct mf_s3_answer *a, struct mf_error *e)
{
	const struct mf_s3_call *call = r->attempt.call;
	const int64_t after_s = a->http.retry_after_s;

	if (is_unclear(call, a) && !r->diagnosed) {
		r->diagnosed = true;
		mf_s3_attempt_diagnose(&r->attempt, a, e);
	}
	if (add_md5(r, a) || drop_sum(r, a))
		return true;
	switch (a->class) {
	case MF_S3_REDIRECT: return redirect(r, a);
	case MF_S3_CLOCK_SKEW: return set_clock(r, a);
	case MF_S3_REFRESH: return renew(r);
	case MF_S3_THROTTLE:
		return did_nothing(call, a) &&
		       wait_for_it(r, after_s > 0 ? (uint64_t)after_s * 1000000 : 0, e);
	case MF_S3_RACE:
		if (strcmp(a->error.code, "ConditionalRequestConflict") != 0)
			return false;
		e->code = MF_ETRANSFER; /* it may work later, and did nothing */
		return wait_for_it(r, 0, e);
	default: return false;
	}
}

/* No answer came. What did not leave this machine may go again. Others repeat what does no harm
 * when it is repeated. */
static bool
tries_again(struct run *r, const struct mf_s3_answer *a, struct mf_error *e)
{
	const struct mf_s3_call *call = r->attempt.call;

	return e->code == MF_ETRANSFER && a->http.failure != MF_HTTP_OK && !a->http.maybe_sent &&
	       !call->repeatable && !is_get_or_head(call) && wait_for_it(r, 0, e);
}

int
mf_s3_client_call(struct mf_s3_client *c, const struct mf_s3_call *call, struct mf_s3_answer *out,
    struct mf_error *e)
{
	struct run r = {.client = c, .attempt = {.client = c, .call = call}};
	struct mf_error own = {0}, refusal = {0};
	uint8_t sha256[MF_SHA256_BYTES];
	bool begun;
	int rc;

	e = e == NULL ? &own : e;
	begun = mf_log_attempts_begin();
	if (call->has_body && c->carrier.perform == NULL && !c->unsigned_bodies)
		mf_sha256(call->body, call->body_bytes, sha256);
	r.attempt.sha256 = sha256;
	mf_s3_attempt_choose_sum(&r.attempt);
	pthread_mutex_lock(&c->lock);
	r.attempt.endpoint = c->endpoint;
	r.attempt.skew_s = c->skew_s;
	pthread_mutex_unlock(&c->lock);
	for (;;) {
		out->http.failure = MF_HTTP_OK;
		rc = mf_s3_attempt_send(&r.attempt, out, e);
		if (rc == 0)
			break;
		/* Refused credentials that nobody can renew: the store's words say more. */
		if (!out->refused && r.attempt.credentials == NULL && r.renewed > 0 &&
		    e->code == MF_EPERM)
			*e = refusal;
		if (!(out->refused ? goes_on(&r, out, e) : tries_again(&r, out, e)))
			break;
		refusal = *e;
		r.doubtful = r.doubtful || (out->refused && out->http.status >= 500);
		mf_log_attempts_next();
	}
	out->doubtful = r.doubtful;
	out->summed =
	    r.attempt.sum_name != NULL && strncmp(r.attempt.sum_name, "x-amz-checksum-", 15) == 0;
	mf_log_attempts_end(begun);
	mf_s3_credentials_unref(r.attempt.credentials);
	return rc;
}

bool
mf_s3_client_gave_up(const struct mf_s3_client *c, struct mf_error *e)
{
	return c->flow != NULL && mf_flow_gave_up(c->flow, e);
}

/* ---- the store's clock ---- */

int
mf_s3_client_now(struct mf_s3_client *c, int64_t *unix_s, struct mf_error *e)
{
	const struct mf_s3_call head = {.method = "HEAD", .doing = "asking the time of"};
	struct mf_s3_answer a = MF_S3_ANSWER_INIT;
	int64_t date_unix_s;
	uint64_t at_us;
	int rc = 0;

	pthread_mutex_lock(&c->lock);
	date_unix_s = c->date_unix_s;
	pthread_mutex_unlock(&c->lock);
	if (date_unix_s < 0)
		rc = mf_s3_client_call(c, &head, &a, e);
	if (rc != 0 && a.refused)
		rc = 0; /* an answer of any kind has a date */
	mf_s3_answer_fini(&a);
	if (rc != 0)
		return -1;
	pthread_mutex_lock(&c->lock);
	date_unix_s = c->date_unix_s;
	at_us = c->date_at_us;
	pthread_mutex_unlock(&c->lock);
	if (date_unix_s < 0)
		return mf_error_set(
		    e, MF_EUNSUPPORTED, "the answers for bucket %s have no Date", c->bucket);
	*unix_s = date_unix_s + (int64_t)((mf_waiting_now_us(&c->waiting) - at_us) / 1000000);
	return 0;
}
