#include "config.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "src/net/http_int.h"

/* As much as this may lie in the kernel unsent: more tells nothing about the far end, and goes
 * out in a burst when a limit of the rate is meant. */
#define UNSENT_BYTES (256 << 10)

int
mf_http_on_socket(void *arg, curl_socket_t fd, curlsocktype purpose)
{
	struct mf_http_job *job = arg;
	struct mf_http_lane *t = job->lane;
	const int unsent = UNSENT_BYTES;

	(void)purpose;
	(void)fcntl(fd, F_SETFD, FD_CLOEXEC); /* what we start has no business with it */
	/* Only makes it better: a kernel without it does without. */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent, sizeof unsent);
	mf_sockets_add(&t->sockets, fd);
	job->first_window = mf_window_open(
	    fd, mf_window_bytes(t->window.rate, t->window.rtt_us, mf_http_jobs(t->http)));
	return CURL_SOCKOPT_OK;
}

/* arg is the lane: the connection may outlive the job that it was made for. */
int
mf_http_on_close(void *arg, curl_socket_t fd)
{
	struct mf_http_lane *t = arg;

	mf_sockets_remove(&t->sockets, fd);
	return close(fd);
}

/* A connection was made for this request: pay for what comes before we read. */
static void
note_connection(struct mf_http_job *job, uint64_t now_us)
{
	struct mf_http_lane *t = job->lane;

	if (job->first_window == 0 || t->window.rate == 0)
		return;
	mf_pace_owe(&t->http->pacer, MF_HTTP_DOWN, job->first_window, now_us);
	mf_window_learn(&t->window, mf_window_rtt_us(job->fd), mf_http_jobs(t->http), now_us);
	job->first_window = 0;
}

/*
 * A connection is there and the head is about to be sent. curl comes here again where a kept
 * connection turned out to be dead and it would repeat the request on another. Once a byte
 * has left, only the caller can know whether that does harm.
 */
int
mf_http_on_ready(void *arg, char *peer, char *local, int peer_port, int local_port)
{
	struct mf_http_job *job = arg;
	const uint64_t now_us = job->http->now_us();

	(void)peer;
	(void)local;
	(void)peer_port;
	job->fd = mf_sockets_find(&job->lane->sockets, local_port);
	if (!job->repeatable && mf_http_transfer_left(job)) {
		mf_http_cut(job, MF_HTTP_RESET, MF_ETRANSFER,
		    "the connection to %s was closed before an answer came", job->url.host);
		return CURL_PREREQFUNC_ABORT;
	}
	(void)curl_easy_getinfo(job->easy, CURLINFO_REQUEST_SIZE, &job->before_bytes);
	note_connection(job, now_us);
	job->connected_us = now_us;
	job->head.done = false;
	job->body_at = 0;
	job->sent_us = 0;
	return CURL_PREREQFUNC_OK;
}

int
mf_http_on_seek(void *arg, curl_off_t offset, int origin)
{
	struct mf_http_job *job = arg;

	if (!job->repeatable || origin != SEEK_SET || offset < 0 ||
	    (uint64_t)offset > job->request->body_bytes)
		return CURL_SEEKFUNC_FAIL;
	job->body_at = (uint64_t)offset;
	return CURL_SEEKFUNC_OK;
}

size_t
mf_http_on_read(char *out, size_t size, size_t n, void *arg)
{
	struct mf_http_job *job = arg;
	const uint64_t left = job->request->body_bytes - job->body_at;
	size_t want = size * n;

	if (want > left)
		want = (size_t)left;
	if (want == 0)
		return 0;
	want =
	    mf_pace_ask(&job->up, &job->http->pacer, MF_HTTP_UP, want, false, job->http->now_us());
	if (want == 0) {
		job->up_due_us = job->up.due_us;
		return CURL_READFUNC_PAUSE;
	}
	memcpy(out, (const char *)job->request->body + job->body_at, want);
	job->body_at += want;
	return want;
}

static void
note_first_byte(struct mf_http_job *job, uint64_t now_us)
{
	if (!job->answered) {
		job->answered = true;
		job->first_byte_us = now_us;
	}
}

/* By its head (RFC 9112, 6.3). */
static bool
has_body_to_come(const struct mf_http_job *job)
{
	return job->r->content_length != 0 && job->r->status != 204 && job->r->status != 304 &&
	       strcmp(job->request->method, "HEAD") != 0;
}

size_t
mf_http_on_head(char *line, size_t size, size_t n, void *arg)
{
	struct mf_http_job *job = arg;
	const uint64_t now_us = job->http->now_us();
	const bool was_done = job->head.done; /* behind the body there may be trailers */

	n *= size;
	job->received += n;
	mf_pace_owe(&job->http->pacer, MF_HTTP_DOWN, n, now_us);
	if (mf_http_answer_line(job, line, n) != 0)
		return 0;
	if (job->r->status < 200) /* an interim answer is none yet */
		return n;
	if (job->head.done && !was_done && has_body_to_come(job) && job->fd >= 0)
		mf_socket_acknowledge(job->fd);
	note_first_byte(job, now_us);
	return n;
}

/* Into the window, whole or not at all. The lock is held. The caller, who asks ten times a second
 * anyway whether it is interrupted, is woken by a part that is worth its while. */
static bool
put_window(struct mf_http_job *job, const char *bytes, size_t n)
{
	size_t at, first;

	if (job->window_bytes - job->window_n < n) {
		job->wants_room = true;
		return false;
	}
	at = (job->window_first + job->window_n) % job->window_bytes;
	first = job->window_bytes - at < n ? job->window_bytes - at : n;
	memcpy(job->window + at, bytes, first);
	memcpy(job->window, bytes + first, n - first);
	job->window_n += n;
	if (job->window_piece > 0 ? job->window_n >= job->window_piece
				  : job->body_bytes == 0 || job->window_n >= job->window_bytes / 4)
		pthread_cond_signal(&job->changed);
	return true;
}

enum put { PUT, NO_ROOM, PUT_FAILED };

/* For the caller: to the place that it named, where its thread touches nothing until the request is
 * done, or into the window. Which of them is decided with the lock held that put_window needs, so
 * that no byte can come into the window behind those that were counted for the place. */
static enum put
put_for_caller(struct mf_http_job *job, const char *bytes, size_t n)
{
	uint8_t *to;
	bool fits = true;

	pthread_mutex_lock(&job->lock);
	to = job->to;
	if (to == NULL)
		fits = put_window(job, bytes, n);
	pthread_mutex_unlock(&job->lock);
	if (to == NULL)
		return fits ? PUT : NO_ROOM;
	if (n > job->to_bytes - job->placed) {
		mf_http_cut(job, MF_HTTP_PROTOCOL, MF_ETRANSFER,
		    "the answer of %s is longer than it said", job->url.host);
		return PUT_FAILED;
	}
	memcpy(to + job->placed, bytes, n);
	job->placed += n;
	return PUT;
}

static bool
is_success(const struct mf_http_job *job)
{
	return job->r->status >= 200 && job->r->status < 300;
}

static bool
goes_to_sink(const struct mf_http_job *job)
{
	return job->window != NULL && is_success(job);
}

static uint64_t
body_max(const struct mf_http_job *job)
{
	const uint64_t asked = job->request->max_body_bytes;

	if (!is_success(job))
		return asked > MF_HTTP_ERROR_BODY_BYTES ? asked : MF_HTTP_ERROR_BODY_BYTES;
	if (asked != 0)
		return asked;
	return job->window != NULL ? UINT64_MAX : (uint64_t)1 << 20;
}

/* Into r->body; with an announced length, which is checked, the memory is taken once. */
static int
put_body(struct mf_http_job *job, const char *bytes, size_t n)
{
	struct mf_buf *body = &job->r->body;
	const int64_t announced = job->r->content_length;

	if (body->len == 0 && announced > 0 && (uint64_t)announced <= body_max(job))
		(void)mf_buf_reserve(body, (size_t)announced);
	mf_buf_put(body, bytes, n);
	if (!body->failed)
		return 0;
	return mf_http_cut(
	    job, MF_HTTP_OTHER, MF_ENOMEM, "out of memory for the answer of %s", job->url.host);
}

static bool
within_bounds(struct mf_http_job *job, size_t n)
{
	const uint64_t max = body_max(job);

	if (n <= max && job->body_bytes <= max - n &&
	    (job->r->content_length < 0 || (uint64_t)job->r->content_length <= max))
		return true;
	mf_http_cut(job, MF_HTTP_LARGE, MF_ETRANSFER,
	    "the answer of %s is larger than the %llu bytes that can be right", job->url.host,
	    (unsigned long long)max);
	return false;
}

size_t
mf_http_on_body(char *bytes, size_t size, size_t n, void *arg)
{
	struct mf_http_job *job = arg;
	const uint64_t now_us = job->http->now_us();

	n *= size;
	if (n == 0)
		return 0;
	note_first_byte(job, now_us);
	if (!within_bounds(job, n))
		return 0;
	if (mf_pace_ask(&job->down, &job->http->pacer, MF_HTTP_DOWN, n, true, now_us) == 0) {
		job->down_due_us = job->down.due_us;
		return CURL_WRITEFUNC_PAUSE;
	}
	if (goes_to_sink(job)) {
		const enum put put = put_for_caller(job, bytes, n);

		if (put == NO_ROOM) {
			job->down.granted += n; /* paid for already */
			job->waits_for_room = true;
			return CURL_WRITEFUNC_PAUSE;
		}
		if (put == PUT_FAILED)
			return 0;
	} else if (put_body(job, bytes, n) != 0) {
		return 0;
	}
	job->received += n;
	job->body_bytes += n;
	return n;
}
