#include "config.h"

#include "src/traffic/dial.h"

#include <assert.h>
#include <pthread.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/text.h"
#include "src/net/http.h"
#include "src/traffic/dial_int.h"
#include "src/traffic/redirect.h"

#define CONNECTIONS 8u
#define HEADERS_MAX 32u
#define WAIT_BASE_S 1u
#define WAIT_CAP_S 30u
#define SECOND_US ((uint64_t)1000000)

struct mf_dialer {
	struct mf_dialer_params params; /* its strings are not looked at after open */
	struct mf_http_params http_params;
	char *texts[4]; /* owned: what http_params points to */
	struct mf_http *http;
	pthread_mutex_t lock;       /* guards the one below, which few plans need */
	struct mf_http *unverified; /* NULL: not opened yet */
};

/* What came of one attempt. */
enum outcome { ANSWERED, AGAIN, FINAL };

/* One call on its way. */
struct calling {
	struct mf_dialer *d;
	const struct mf_dial_call *call;
	struct mf_dial_secrets secrets;
	struct mf_buf whole; /* the URL with its suffix */
	struct mf_http *http;
	struct mf_http_response r;
	struct mf_dial_answer *out;
	/* of the attempt */
	const char *url, *method;
	bool with_body, trusted;
	uint64_t left_us;
};

static const char *
keep(struct mf_dialer *d, unsigned at, const char *text, bool *failed)
{
	if (text == NULL)
		return NULL;
	d->texts[at] = strdup(text);
	*failed = *failed || d->texts[at] == NULL;
	return d->texts[at];
}

struct mf_dialer *
mf_dialer_open(const struct mf_dialer_params *params, struct mf_error *e)
{
	struct mf_dialer *d = calloc(1, sizeof *d);
	bool failed = d == NULL;

	if (d == NULL) {
		mf_error_nomem(e, "a dialer");
		return NULL;
	}
	d->params = *params;
	d->http_params = (struct mf_http_params){
	    .connections = params->connections != 0 ? params->connections : CONNECTIONS,
	    .allow_http = params->allow_http,
	    .ca_file = keep(d, 0, params->ca_file, &failed),
	    .http_proxy = keep(d, 1, params->http_proxy, &failed),
	    .https_proxy = keep(d, 2, params->https_proxy, &failed),
	    .no_proxy = keep(d, 3, params->no_proxy, &failed)};
	(void)pthread_mutex_init(&d->lock, NULL);
	if (failed)
		mf_error_nomem(e, "a dialer");
	else if ((d->http = mf_http_open(&d->http_params, e)) != NULL)
		return d;
	mf_dialer_close(d);
	return NULL;
}

void
mf_dialer_close(struct mf_dialer *d)
{
	size_t i;

	if (d == NULL)
		return;
	mf_http_close(d->http);
	mf_http_close(d->unverified);
	(void)pthread_mutex_destroy(&d->lock);
	for (i = 0; i < sizeof d->texts / sizeof d->texts[0]; i++)
		free(d->texts[i]);
	free(d);
}

void
mf_dial_answer_fini(struct mf_dial_answer *a)
{
	mf_buf_fini(&a->body);
}

/* An engine of its own, so that no verified connection is shared with it. */
static struct mf_http *
engine(struct mf_dialer *d, bool unverified, struct mf_error *e)
{
	struct mf_http_params p = d->http_params;
	struct mf_http *http;

	if (!unverified)
		return d->http;
	p.unverified = true;
	(void)pthread_mutex_lock(&d->lock);
	if (d->unverified == NULL)
		d->unverified = mf_http_open(&p, e);
	http = d->unverified;
	(void)pthread_mutex_unlock(&d->lock);
	return http;
}

static void why(struct mf_dial_answer *a, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static void
why(struct mf_dial_answer *a, const char *fmt, ...)
{
	char text[MF_ERROR_MESSAGE_BYTES];
	va_list ap;

	va_start(ap, fmt);
	if (vsnprintf(text, sizeof text, fmt, ap) < 0)
		text[0] = '\0';
	va_end(ap);
	mf_text_escape(a->why, sizeof a->why, text);
}

static bool
is_cancelled(const struct calling *c)
{
	return c->d->params.interrupted != NULL && c->d->params.interrupted(c->d->params.arg);
}

static size_t
put_headers(const struct calling *c, struct mf_http_header out[HEADERS_MAX])
{
	const char *authorization = mf_dial_secret_text(c->secrets.authorization);
	size_t n = 0, i;

	if (c->with_body)
		out[n++] = (struct mf_http_header){"Content-Type",
		    c->call->content_type != NULL ? c->call->content_type : "application/json"};
	if (!c->trusted)
		return n;
	if (authorization != NULL)
		out[n++] = (struct mf_http_header){"Authorization", authorization};
	for (i = 0; i < c->call->n_headers && n < HEADERS_MAX; i++)
		out[n++] =
		    (struct mf_http_header){c->call->headers[i].name, c->call->headers[i].value};
	return n;
}

static int
send_one(struct calling *c, struct mf_error *e)
{
	struct mf_http_header headers[HEADERS_MAX];
	const struct mf_dial_call *call = c->call;
	struct mf_http_request q = {.method = c->method,
	    .url = c->url,
	    .headers = headers,
	    .n_headers = put_headers(c, headers),
	    .body = c->with_body ? call->body : NULL,
	    .body_bytes = c->with_body ? call->body_bytes : 0,
	    .has_body = c->with_body,
	    .max_body_bytes =
		call->max_answer_bytes != 0 ? call->max_answer_bytes : MF_DIAL_ANSWER_BYTES,
	    .repeatable = true,
	    .hide_path = true,
	    .patience = {.connect_us = c->left_us,
		.answer_us = c->left_us,
		.stall_us = c->left_us,
		.total_us = c->left_us},
	    .interrupted = c->d->params.interrupted,
	    .interrupted_arg = c->d->params.arg};
	int rc;

	c->r.times.total_us = 0;
	c->r.status = 0;
	rc = mf_http_perform(c->http, &q, &c->r, e);
	c->out->took_us += c->r.times.total_us;
	c->left_us -= c->r.times.total_us < c->left_us ? c->r.times.total_us : c->left_us;
	return rc;
}

static enum outcome
judge_failure(struct calling *c, const struct mf_error *e)
{
	const enum mf_http_failure f = c->r.failure;

	why(c->out, "%s", e->message);
	c->out->code = MF_ETRANSFER;
	c->out->cancelled = f == MF_HTTP_CANCELLED;
	return e->code == MF_ETRANSFER && f != MF_HTTP_LARGE && f != MF_HTTP_REFUSED ? AGAIN
										     : FINAL;
}

/* The beginning of what the server said, unless it repeats a secret. */
static void
quote(struct calling *c)
{
	const struct mf_buf *body = &c->r.body;
	char text[MF_DIAL_WHY_BYTES];
	const size_t n = body->len < sizeof text - 1 ? body->len : sizeof text - 1;

	if (n == 0 || mf_dial_secrets_within(&c->secrets, body->data, body->len)) {
		why(c->out, "answered %d", c->r.status);
		return;
	}
	memcpy(text, body->data, n);
	text[n] = '\0';
	text[strcspn(text, "\r\n")] = '\0';
	why(c->out, "answered %d: %s", c->r.status, text);
}

static enum outcome
judge(struct calling *c)
{
	const int status = c->r.status;

	c->out->status = status;
	c->out->why[0] = '\0';
	if (status > 202)
		quote(c);
	return status == 429 || (status >= 500 && status != 501) ? AGAIN : ANSWERED;
}

/* One attempt: the request, and what it is redirected to. */
static enum outcome
attempt(struct calling *c)
{
	struct mf_redirect to = MF_REDIRECT_INIT, from = MF_REDIRECT_INIT, swap;
	struct mf_error e = {0};
	enum outcome outcome = FINAL;
	unsigned sent = 0;
	int rc;

	for (;;) {
		if (send_one(c, &e) != 0) {
			outcome = judge_failure(c, &e);
			break;
		}
		sent++;
		rc = c->call->stay ? 0
				   : mf_redirect_next(c->url, c->method, c->r.status,
					 mf_http_response_header(&c->r, "Location"), &to, &e);
		if (rc == 0) {
			outcome = judge(c);
			break;
		}
		if (rc < 0 || sent >= MF_REDIRECT_REQUESTS || c->left_us == 0) {
			outcome = rc >= 0 && sent < MF_REDIRECT_REQUESTS ? AGAIN : FINAL;
			c->out->code = MF_ETRANSFER;
			why(c->out, "%s",
			    rc < 0 ? e.message
			    : sent >= MF_REDIRECT_REQUESTS
				? "is redirected too often"
				: "no time is left to follow a redirect");
			break;
		}
		c->url = mf_buf_cstr(&to.url);
		c->method = to.method;
		c->with_body = c->with_body && to.keep_body;
		c->trusted = c->trusted && to.same_origin;
		swap = from; /* c->url stays while the next one is made */
		from = to;
		to = swap;
	}
	mf_redirect_fini(&to);
	mf_redirect_fini(&from);
	return outcome;
}

static void
begin_attempt(struct calling *c)
{
	const struct mf_dial_call *call = c->call;

	c->url = mf_buf_cstr(&c->whole);
	c->with_body = call->body != NULL;
	c->method = call->method != NULL ? call->method : c->with_body ? "POST" : "GET";
	c->trusted = true;
	c->left_us = call->timeout_us != 0 ? call->timeout_us : MF_DIAL_TIMEOUT_US;
	c->r.retry_after_s = -1;
	c->r.failure = MF_HTTP_OK;
	c->out->status = 0;
	c->out->took_us = 0;
}

/* Before the attempt after number n (from 0); 0 with *end: not worth waiting for. */
static uint64_t
pause_us(struct calling *c, unsigned n, bool *end)
{
	uint64_t s = n < 5 ? (uint64_t)WAIT_BASE_S << n : WAIT_CAP_S;

	if ((c->out->status == 429 || c->out->status == 503) && c->r.retry_after_s >= 0)
		s = (uint64_t)c->r.retry_after_s;
	else if (s > WAIT_CAP_S)
		s = WAIT_CAP_S;
	*end = s > MF_DIAL_RETRY_AFTER_MAX_S;
	if (*end)
		why(c->out, "answered %d, and wants to be asked in %llu s", c->out->status,
		    (unsigned long long)s);
	return s * SECOND_US;
}

static void
give_up(struct calling *c)
{
	char text[MF_DIAL_WHY_BYTES];

	(void)snprintf(text, sizeof text, "%s", c->out->why);
	why(c->out, "giving up after %u attempts: %s", c->out->attempts, text);
}

static void
attempts(struct calling *c)
{
	const struct mf_dialer_params *p = &c->d->params;
	enum outcome outcome;
	bool end = false;
	uint64_t us;

	for (;;) {
		begin_attempt(c);
		outcome = attempt(c);
		c->out->attempts++;
		c->out->cancelled = c->out->cancelled || (outcome == AGAIN && is_cancelled(c));
		if (outcome != AGAIN || c->out->attempts > c->call->retries || c->out->cancelled)
			break;
		us = pause_us(c, c->out->attempts - 1, &end);
		if (end)
			return;
		assert(p->wait != NULL);
		if (!p->wait(p->arg, us)) {
			c->out->cancelled = true;
			break;
		}
	}
	if (outcome == AGAIN && c->out->attempts > 1 && !c->out->cancelled)
		give_up(c);
}

static int
check_auth(const struct mf_metric_auth *auth, struct mf_error *e)
{
	if (auth == NULL)
		return 0;
	if (auth->secret_name != NULL)
		return mf_error_set(e, MF_EUSAGE, "the secret %s of a cluster cannot be read here",
		    auth->secret_name);
	if ((auth->user_file == NULL) != (auth->password_file == NULL))
		return mf_error_set(e, MF_EUSAGE, "a user's file and a password's go together");
	if (auth->bearer_file != NULL && auth->user_file != NULL)
		return mf_error_set(e, MF_EUSAGE, "there is a token and a user: one of them");
	return 0;
}

static int
check_url(const char *url, bool allow_http, struct mf_error *e)
{
	struct mf_url u = MF_URL_INIT;
	bool plain;

	if (mf_url_parse(&u, url, NULL) != 0)
		return mf_error_set(e, MF_EUSAGE, "there is no http or https URL");
	plain = !u.tls && !allow_http && !mf_url_is_loopback(&u);
	mf_url_fini(&u);
	if (!plain)
		return 0;
	mf_error_set(e, MF_EUSAGE, "the URL is plain http to another machine");
	return mf_error_hint(e, "use https, or allow it with --allow-http");
}

/* All that a call needs before it can be tried. */
static int
prepare(struct calling *c, struct mf_error *e)
{
	const struct mf_dial_call *call = c->call;
	const char *base;
	size_t n;

	if (mf_dial_check(call, c->d->params.allow_http, e) != 0 ||
	    mf_dial_secrets_read(&c->secrets, call, e) != 0)
		return -1;
	base = c->secrets.url != NULL ? mf_dial_secret_text(c->secrets.url) : call->url;
	n = strlen(base);
	if (call->suffix != NULL && n > 0 && base[n - 1] == '/')
		n--;
	mf_buf_put(&c->whole, base, n);
	mf_buf_printf(&c->whole, "%s", call->suffix != NULL ? call->suffix : "");
	if (mf_buf_cstr(&c->whole) == NULL)
		return mf_error_nomem(e, "a URL");
	if (check_url(mf_buf_cstr(&c->whole), c->d->params.allow_http, e) != 0)
		return -1;
	c->http = engine(c->d, call->unverified, e);
	return c->http != NULL ? 0 : -1;
}

void
mf_dial(struct mf_dialer *d, const struct mf_dial_call *call, struct mf_dial_answer *out)
{
	struct calling c = {.d = d, .call = call, .r = MF_HTTP_RESPONSE_INIT, .out = out};
	struct mf_error e = {0};
	struct mf_buf body = out->body;

	*out = (struct mf_dial_answer){.status = 0};
	mf_buf_clear(&body);
	c.r.body = body; /* its memory is used again */
	if (prepare(&c, &e) == 0)
		attempts(&c);
	else {
		/* nothing of a repository: the credential that the plan names cannot be read */
		out->code = e.code == MF_EKEY ? MF_EPERM : e.code;
		why(out, "%s", e.message);
	}
	out->body = c.r.body;
	c.r.body = MF_BUF_INIT;
	mf_http_response_fini(&c.r);
	mf_dial_secrets_fini(&c.secrets);
	if (c.whole.data != NULL)
		sodium_memzero(c.whole.data, c.whole.capacity);
	mf_buf_fini(&c.whole);
}

int
mf_dial_check(const struct mf_dial_call *call, bool allow_http, struct mf_error *e)
{
	if ((call->url == NULL) == (call->url_file == NULL))
		return mf_error_set(e, MF_EUSAGE, "there must be either a URL or a file with one");
	if (call->retries > MF_DIAL_RETRIES_MAX)
		return mf_error_set(e, MF_EUSAGE, "%u retries are more than %u", call->retries,
		    MF_DIAL_RETRIES_MAX);
	if (call->n_headers > HEADERS_MAX - 2)
		return mf_error_set(
		    e, MF_EUSAGE, "%zu headers are more than %u", call->n_headers, HEADERS_MAX - 2);
	if (check_auth(call->auth, e) != 0)
		return -1;
	return call->url != NULL ? check_url(call->url, allow_http, e) : 0;
}
