#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "src/base/log.h"
#include "src/net/http_int.h"

#define POLL_US 100000u
#define HEAD_EXTRA_BYTES 96 /* of a request's head: what curl adds */

/* ---- making a request ready ---- */

/* Those that the engine sets itself, or that would change how the message is read. */
static bool
is_ours(const char *name)
{
	static const char *const ours[] = {"Host", "Content-Length", "Transfer-Encoding",
	    "Connection", "Expect", "TE", "Upgrade", "Keep-Alive", "Proxy-Connection"};
	size_t i;

	for (i = 0; i < sizeof ours / sizeof ours[0]; i++)
		if (strcasecmp(name, ours[i]) == 0)
			return true;
	return false;
}

static int
check_request(const struct mf_http_request *q, struct mf_error *e)
{
	if (!mf_http_is_token(q->method, strlen(q->method)))
		return mf_error_set(e, MF_EUSAGE, "the method of a request is not a token");
	if (q->body_bytes > INT64_MAX || (q->body == NULL && q->body_bytes > 0))
		return mf_error_set(e, MF_EUSAGE, "a request without the body that it announces");
	return 0;
}

int
mf_http_check_plain(const struct mf_url *url, bool allow_http, struct mf_error *e)
{
	char authority[MF_URL_AUTHORITY_BYTES];

	if (url->tls || allow_http || mf_url_is_loopback(url))
		return 0;
	mf_error_set(e, MF_EUSAGE, "http://%s is not encrypted", mf_url_authority(url, authority));
	return mf_error_hint(e, "use https://, or allow it with --allow-http");
}

static int
sign(struct mf_http_job *job, struct mf_error *e)
{
	char authority[MF_URL_AUTHORITY_BYTES];
	struct mf_http_signing s = {.method = job->request->method,
	    .url = &job->url,
	    .authority = mf_url_authority(&job->url, authority),
	    .headers = &job->headers};
	struct mf_url changed;

	if (job->request->sign != NULL && job->request->sign(job->request->sign_arg, &s, e) != 0)
		return -1;
	if (s.target == NULL) {
		mf_url_put(&job->text, &job->url);
	} else {
		mf_buf_printf(
		    &job->text, "%s://%s%s", job->url.tls ? "https" : "http", authority, s.target);
	}
	if (mf_buf_cstr(&job->text) == NULL)
		return mf_error_nomem(e, "a URL");
	if (s.target == NULL)
		return 0;
	if (s.target[0] != '/')
		return mf_error_set(e, MF_EUSAGE, "a signer gave a target that is no path");
	if (mf_url_parse(&changed, (const char *)job->text.data, e) != 0)
		return -1;
	mf_url_fini(&job->url);
	job->url = changed;
	return 0;
}

/* Append "Name: value" as curl wants it: an empty value is written "Name;". */
static int
append(struct curl_slist **list, const char *name, const char *value)
{
	struct mf_buf line = MF_BUF_INIT;
	struct curl_slist *longer = NULL;

	mf_buf_reserve(&line, strlen(name) + strlen(value) + 3);
	mf_buf_put_text(&line, name);
	mf_buf_put_text(&line, value[0] == '\0' ? ";" : ": ");
	mf_buf_put_text(&line, value);
	if (mf_buf_cstr(&line) != NULL)
		longer = curl_slist_append(*list, (const char *)line.data);
	if (line.data != NULL)
		explicit_bzero(line.data, line.capacity);
	mf_buf_fini(&line);
	if (longer == NULL)
		return -1;
	*list = longer;
	return 0;
}

/* line: the header's name and a colon, which curl then does not send by itself. */
static int
leave_out(struct curl_slist **list, const char *line)
{
	struct curl_slist *longer = curl_slist_append(*list, line);

	if (longer == NULL)
		return -1;
	*list = longer;
	return 0;
}

static int
list_headers(struct mf_http_job *job, struct mf_error *e)
{
	const char *name, *value;
	size_t at = 0;

	while (mf_http_headers_next(&job->headers, &at, &name, &value)) {
		if (is_ours(name))
			return mf_error_set(
			    e, MF_EUSAGE, "the header %s is not for callers to set", name);
		if (append(&job->list, name, value) != 0)
			return mf_error_nomem(e, "a request");
	}
	/* Without this line curl would decide by size. */
	if ((job->request->expect_continue && job->request->body_bytes > 0
		    ? append(&job->list, "Expect", "100-continue")
		    : leave_out(&job->list, "Expect:")) != 0)
		return mf_error_nomem(e, "a request");
	/* ... and without this one call a body that it sends with the head a form. */
	if (job->has_body && mf_http_headers_get(&job->headers, "Content-Type") == NULL &&
	    leave_out(&job->list, "Content-Type:") != 0)
		return mf_error_nomem(e, "a request");
	job->head_bytes =
	    job->headers.text.len + 2 * (size_t)job->headers.n + job->text.len + HEAD_EXTRA_BYTES;
	return 0;
}

static int
add_headers(struct mf_http_job *job, struct mf_error *e)
{
	const struct mf_http_request *q = job->request;
	size_t i;

	for (i = 0; i < q->n_headers; i++)
		if (mf_http_headers_add(
			&job->headers, q->headers[i].name, q->headers[i].value, e) != 0)
			return -1;
	return 0;
}

static void
pick_patience(struct mf_http_patience *p, const struct mf_http_patience *own,
    const struct mf_http_patience *engine)
{
	p->connect_us = own->connect_us != 0 ? own->connect_us : engine->connect_us;
	p->stall_us = own->stall_us != 0 ? own->stall_us : engine->stall_us;
	p->stall_bytes = own->stall_bytes != 0 ? own->stall_bytes : engine->stall_bytes;
	p->answer_us = own->answer_us != 0 ? own->answer_us : engine->answer_us;
	p->total_us = own->total_us != 0 ? own->total_us : engine->total_us;
}

static bool
is_one_of(const char *method, const char *a, const char *b, const char *c)
{
	return strcmp(method, a) == 0 || strcmp(method, b) == 0 || strcmp(method, c) == 0;
}

static int
prepare(struct mf_http_job *job, struct mf_error *e)
{
	const struct mf_http_request *q = job->request;

	pick_patience(&job->patience, &q->patience, &job->http->patience);
	if (check_request(q, e) != 0 || mf_url_parse(&job->url, q->url, e) != 0 ||
	    mf_http_check_plain(&job->url, job->http->allow_http, e) != 0 ||
	    add_headers(job, e) != 0 || mf_http_window_make(job, e) != 0)
		return -1;
	/* RFC 9110, 8.6: a method that defines a body announces even an empty one. */
	job->has_body =
	    q->has_body || q->body_bytes > 0 || is_one_of(q->method, "PUT", "POST", "PATCH");
	job->repeatable = q->repeatable || is_one_of(q->method, "GET", "HEAD", "OPTIONS");
	return sign(job, e) == 0 ? list_headers(job, e) : -1;
}

static void
fini_job(struct mf_http_job *job)
{
	struct curl_slist *item;

	for (item = job->list; item != NULL; item = item->next)
		explicit_bzero(item->data, strlen(item->data));
	curl_slist_free_all(job->list);
	mf_http_headers_fini(&job->headers);
	mf_url_fini(&job->url);
	if (job->text.data != NULL)
		explicit_bzero(job->text.data, job->text.capacity);
	mf_buf_fini(&job->text);
	mf_http_window_drop(job);
	pthread_cond_destroy(&job->changed);
	pthread_mutex_destroy(&job->lock);
}

/* ---- waiting for its answer ---- */

/* To the thread with the least to do. */
static void
submit(struct mf_http_job *job)
{
	struct mf_http *http = job->http;
	struct mf_http_lane *t = &http->threads[0];
	unsigned i;
	bool first;

	for (i = 1; i < http->n_threads; i++)
		if (atomic_load_explicit(&http->threads[i].n_jobs, memory_order_relaxed) <
		    atomic_load_explicit(&t->n_jobs, memory_order_relaxed))
			t = &http->threads[i];
	atomic_fetch_add_explicit(&t->n_jobs, 1, memory_order_relaxed);
	job->lane = t;
	pthread_mutex_lock(&t->lock);
	job->next = t->inbox;
	first = t->inbox == NULL;
	t->inbox = job;
	pthread_mutex_unlock(&t->lock);
	if (first) /* else it was called and has not come yet */
		mf_http_wake(t);
}

static void
cancel(struct mf_http_job *job)
{
	atomic_store(&job->cancel, true);
	mf_http_wake(job->lane);
}

/* Did the sink say where the rest belongs? What the window holds still goes there through it. */
static void
adopt_place(struct mf_http_job *job)
{
	const struct mf_http_place *place = job->request->place;

	if (place == NULL || place->at == NULL || job->to != NULL || place->n < job->window_n)
		return;
	job->to = place->at + job->window_n;
	job->to_bytes = place->n - job->window_n;
}

/* Is there something for the sink? The lock is held. Where little comes in a while that is less
 * than a piece: somebody may show how far it is. */
static bool
has_piece(const struct mf_http_job *job)
{
	if (job->window_n == 0)
		return false;
	if (job->done || job->window_n >= job->window_piece)
		return true;
	return job->window_n >= MF_HTTP_WINDOW_ALIGN &&
	       job->http->now_us() - job->drained_us >= POLL_US;
}

/* How many bytes of it lie together. What goes on lies on a boundary as what went before. */
static size_t
next_piece(const struct mf_http_job *job)
{
	const size_t to_end = job->window_bytes - job->window_first, piece = job->window_piece;
	const size_t n = job->window_n < to_end ? job->window_n : to_end;

	if (job->done || piece == 0)
		return n;
	return n >= piece ? n - n % piece : n - n % MF_HTTP_WINDOW_ALIGN;
}

/* Hand the sink what is there in one piece. Called with the lock held, which is given up
 * around the sink. After a failure the rest is thrown away. */
static int
drain(struct mf_http_job *job, bool failed, struct mf_error *e)
{
	const struct mf_http_request *q = job->request;
	const size_t n = failed ? job->window_n : next_piece(job);
	int rc = 0;
	bool wake = false;

	if (!failed) {
		pthread_mutex_unlock(&job->lock);
		rc = q->sink(q->sink_arg, job->r, job->window + job->window_first, n, e);
		pthread_mutex_lock(&job->lock);
	}
	job->window_first = (job->window_first + n) % job->window_bytes;
	job->window_n -= n;
	job->drained_us = job->http->now_us();
	if (!job->sunk && rc == 0 && !failed)
		adopt_place(job);
	job->sunk = true;
	if (job->wants_room && job->window_n <= job->window_bytes / 2) {
		job->wants_room = false;
		wake = true;
	}
	if (wake) {
		atomic_store(&job->room, true);
		mf_http_wake(job->lane);
	}
	return rc;
}

/* Sleep until something changes, or for us where that is not 0. The lock is held. */
static void
sleep_on(struct mf_http_job *job, uint64_t us)
{
	struct timespec until = {0};

	if (us == 0) {
		pthread_cond_wait(&job->changed, &job->lock);
		return;
	}
	(void)clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += (long)(us * 1000);
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	(void)pthread_cond_timedwait(&job->changed, &job->lock, &until);
}

/* Ask the caller's hook, at most ten times a second. The lock is held, and given up around it. */
static bool
is_interrupted(struct mf_http_job *job, uint64_t *asked_us)
{
	const struct mf_http_request *q = job->request;
	const uint64_t now_us = job->http->now_us();
	bool yes;

	if (q->interrupted == NULL || now_us - *asked_us < POLL_US)
		return false;
	*asked_us = now_us;
	pthread_mutex_unlock(&job->lock);
	yes = q->interrupted(q->interrupted_arg);
	pthread_mutex_lock(&job->lock);
	return yes;
}

/* 0, or -1 where the sink failed. */
static int
wait_for(struct mf_http_job *job, struct mf_error *e)
{
	uint64_t asked_us = job->drained_us = job->begin_us;
	bool stopped = false;
	int rc = 0;

	pthread_mutex_lock(&job->lock);
	while (!job->done || job->window_n > 0) {
		if (!stopped && is_interrupted(job, &asked_us)) {
			stopped = true;
			cancel(job);
		} else if (has_piece(job) || (stopped && job->window_n > 0)) {
			if (drain(job, stopped, e) != 0) {
				rc = -1;
				stopped = true;
				cancel(job);
			}
		} else {
			sleep_on(job,
			    (job->request->interrupted != NULL && !stopped) || job->window_piece > 0
				? POLL_US
				: 0);
		}
	}
	pthread_mutex_unlock(&job->lock);
	return rc;
}

static void
log_request(const struct mf_http_job *job)
{
	const struct mf_http_response *r = job->r;
	char authority[MF_URL_AUTHORITY_BYTES], status[24], sent[24], received[24], ms[24];
	char attempt[16];

	if (!mf_log_enabled(MF_LOG_DEBUG))
		return;
	(void)snprintf(status, sizeof status, "%d", r->status);
	(void)snprintf(attempt, sizeof attempt, "%u", mf_log_attempt());
	(void)snprintf(sent, sizeof sent, "%llu", (unsigned long long)r->sent_bytes);
	(void)snprintf(received, sizeof received, "%llu", (unsigned long long)r->body_bytes);
	(void)snprintf(ms, sizeof ms, "%llu", (unsigned long long)(r->times.total_us / 1000));
	mf_log_fields(MF_LOG_DEBUG, "http request", "method", job->request->method, "host",
	    mf_url_authority(&job->url, authority), "path",
	    job->request->hide_path ? "(hidden)" : job->url.path, "attempt", attempt, "status",
	    status, "failure", mf_http_failure_name(r->failure), "sent", sent, "received", received,
	    "ms", ms, "connection", r->new_connection ? "new" : "kept", NULL);
}

/* A lane for it where it is short: it does not keep this thread from taking what comes, and no rate
 * is to be kept between it and others. NULL: a network thread's. */
static struct mf_http_lane *
take_lane(struct mf_http_job *job, struct mf_http_callers **callers)
{
	const struct mf_http_pacer *p = &job->http->pacer;
	const uint64_t now_us = job->begin_us;

	if (job->request->sink != NULL || job->request->body_bytes > MF_HTTP_SHORT_BYTES)
		return NULL;
	if (p->rate != NULL && (p->rate(p->arg, MF_HTTP_UP, now_us) != 0 ||
				   p->rate(p->arg, MF_HTTP_DOWN, now_us) != 0))
		return NULL;
	*callers = job->url.tls ? &job->http->tls : &job->http->plain;
	return mf_http_callers_take(*callers);
}

/* 0, or -1 where the sink failed. */
static int
carry(struct mf_http_job *job, struct mf_error *e)
{
	struct mf_http_callers *callers;
	struct mf_http_lane *lane = take_lane(job, &callers);

	if (lane == NULL) {
		submit(job);
		return wait_for(job, e);
	}
	job->lane = lane;
	mf_http_loop_once(lane, job);
	mf_http_callers_give(callers, lane);
	return 0;
}

static int
carry_out(struct mf_http_job *job, struct mf_error *e)
{
	int rc = carry(job, e);

	if (job->request->place != NULL)
		job->request->place->filled = job->placed;
	job->r->times.total_us = job->http->now_us() - job->begin_us;
	if (rc != 0) {
		job->r->failure = MF_HTTP_REFUSED;
	} else if (job->r->failure != MF_HTTP_OK) {
		if (e != NULL)
			*e = job->error;
		rc = -1;
	}
	log_request(job);
	return rc;
}

static void
init_job(struct mf_http_job *job, struct mf_http *http, const struct mf_http_request *request,
    struct mf_http_response *r)
{
	pthread_condattr_t monotonic;

	job->http = http;
	job->request = request;
	job->r = r;
	job->head = (struct mf_http_head){.r = r, .host = job->url.host};
	job->begin_us = http->now_us();
	job->fd = -1;
	atomic_init(&job->cancel, false);
	atomic_init(&job->room, false);
	mf_error_clear(&job->error);
	(void)pthread_mutex_init(&job->lock, NULL);
	(void)pthread_condattr_init(&monotonic);
	(void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&job->changed, &monotonic);
	(void)pthread_condattr_destroy(&monotonic);
}

int
mf_http_perform(struct mf_http *http, const struct mf_http_request *request,
    struct mf_http_response *r, struct mf_error *e)
{
	struct mf_http_job job = {.error.code = MF_OK};
	int rc = -1;

	mf_http_response_clear(r);
	init_job(&job, http, request, r);
	if (atomic_load(&http->cancelled)) {
		r->failure = MF_HTTP_CANCELLED;
		mf_error_set(e, MF_EINTERRUPTED, "interrupted");
	} else if (prepare(&job, e) != 0) {
		r->failure = MF_HTTP_REFUSED;
	} else {
		rc = carry_out(&job, e);
	}
	fini_job(&job);
	return rc;
}
