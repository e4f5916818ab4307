#include "config.h"

#include <signal.h>
#include <string.h>

#include "src/base/log.h"
#include "src/base/units.h"
#include "src/net/http_int.h"

#define BODY_WITH_HEAD_MAX (16u << 10) /* curl sends up to 64 KiB so (its lib/http.h) */
#define LOOK_US 100000u /* while something is under way: time limits are kept this well */
#define IDLE_MS 60000   /* a wake-up ends it */
/* A silent server is news after as long as that: hooks may take their time. */
#define WARN_MIN_US 5000000u
#define WARN_AGAIN_US 60000000u

static void
link_job(struct mf_http_lane *t, struct mf_http_job *job)
{
	job->next = t->jobs;
	job->link = &t->jobs;
	if (t->jobs != NULL)
		t->jobs->link = &job->next;
	t->jobs = job;
}

static void
unlink_job(struct mf_http_job *job)
{
	*job->link = job->next;
	if (job->next != NULL)
		job->next->link = job->link;
}

/* The last touch of a job by a network thread: its caller may be gone when this returns. */
static void
finish(struct mf_http_lane *t, struct mf_http_job *job, CURLcode code)
{
	unlink_job(job);
	(void)mf_http_judge(job, code);
	mf_http_transfer_end(t, job);
	if (t->started)
		atomic_fetch_sub_explicit(&t->n_jobs, 1, memory_order_relaxed);
	pthread_mutex_lock(&job->lock);
	job->done = true;
	pthread_cond_signal(&job->changed);
	pthread_mutex_unlock(&job->lock);
}

/* A small body goes with the head; under a limit only where it is no burst. */
static bool
goes_with_head(const struct mf_http_job *job, uint64_t now_us)
{
	const struct mf_http_pacer *p = &job->http->pacer;
	const uint64_t rate = p->rate == NULL ? 0 : p->rate(p->arg, MF_HTTP_UP, now_us);
	const uint64_t n = job->request->body_bytes;

	return n > 0 && n <= BODY_WITH_HEAD_MAX && n <= mf_pace_slice(rate) &&
	       !job->request->expect_continue;
}

/* Send it off once the rate lets its head pass, and the body that goes with it. */
static void
try_start(struct mf_http_lane *t, struct mf_http_job *job, uint64_t now_us)
{
	size_t n = job->head_bytes;

	job->body_with_head = goes_with_head(job, now_us);
	if (job->body_with_head)
		n += (size_t)job->request->body_bytes;
	if (mf_pace_ask(&job->up, &job->http->pacer, MF_HTTP_UP, n, true, now_us) == 0) {
		job->start_due_us = job->up.due_us;
		return;
	}
	job->start_due_us = 0;
	job->added_us = now_us;
	if (mf_http_transfer_begin(t, job) != 0)
		finish(t, job, CURLE_OK);
}

/* New jobs, oldest first. false: closing, and there are none left. */
static bool
take_inbox(struct mf_http_lane *t, uint64_t now_us)
{
	struct mf_http_job *job, *next, *oldest = NULL;
	bool closing;

	pthread_mutex_lock(&t->lock);
	job = t->inbox;
	t->inbox = NULL;
	closing = t->closing;
	pthread_mutex_unlock(&t->lock);
	for (; job != NULL; job = next) {
		next = job->next;
		job->next = oldest;
		oldest = job;
	}
	for (job = oldest; job != NULL; job = next) {
		next = job->next;
		link_job(t, job);
		try_start(t, job, now_us);
	}
	return !closing || t->jobs != NULL;
}

static void
collect(struct mf_http_lane *t)
{
	struct mf_http_job *job;
	CURLMsg *m;
	int left;
	char *private;

	while ((m = curl_multi_info_read(t->multi, &left)) != NULL) {
		if (m->msg != CURLMSG_DONE)
			continue;
		private = NULL;
		(void)curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &private);
		job = (struct mf_http_job *)(void *)private;
		if (job != NULL)
			finish(t, job, m->data.result);
	}
}

/* Go on with what was paused and need be no longer. */
static CURLcode
resume(struct mf_http_job *job, uint64_t now_us)
{
	bool changed = false;

	if (job->up_due_us != 0 && now_us >= job->up_due_us) {
		job->up_due_us = 0;
		changed = true;
	}
	if (job->down_due_us != 0 && now_us >= job->down_due_us) {
		job->down_due_us = 0;
		changed = true;
	}
	if (job->waits_for_room && atomic_exchange(&job->room, false)) {
		job->waits_for_room = false;
		changed = true;
	}
	if (!changed)
		return CURLE_OK;
	/* Callbacks run within it, and may pause again. */
	return curl_easy_pause(job->easy,
	    (job->up_due_us != 0 ? CURLPAUSE_SEND : 0) |
		(job->down_due_us != 0 || job->waits_for_room ? CURLPAUSE_RECV : 0));
}

static uint64_t
sent_bytes(const struct mf_http_job *job)
{
	curl_off_t up = 0;

	(void)curl_easy_getinfo(job->easy, CURLINFO_SIZE_UPLOAD_T, &up);
	return up > 0 ? (uint64_t)up : 0;
}

/* The log of one who waits: the server may be silent for limit_us, and was for us. */
static void
warn_of_silence(struct mf_http_job *job, const char *what, uint64_t us, uint64_t limit_us)
{
	struct mf_http *http = job->http;
	char text[MF_UNIT_TEXT_BYTES], limit[MF_UNIT_TEXT_BYTES];
	const uint64_t now_us = http->now_us();
	uint64_t after_us = atomic_load(&http->warn_after_us);

	if (us < WARN_MIN_US || us < limit_us / 4 || now_us < after_us ||
	    !atomic_compare_exchange_strong(
		&http->warn_after_us, &after_us, now_us + WARN_AGAIN_US))
		return;
	mf_log(MF_LOG_WARNING, "%s %s for %s; it is given %s", job->url.host, what,
	    mf_format_duration(us, text), mf_format_duration(limit_us, limit));
}

/* Has the server all, and says nothing? */
static int
check_answer(struct mf_http_job *job, uint64_t now_us)
{
	char text[MF_UNIT_TEXT_BYTES];

	if (job->sent_us == 0)
		job->sent_us = now_us;
	if (now_us - job->sent_us < job->patience.answer_us) {
		warn_of_silence(job, "has the request and gave no answer", now_us - job->sent_us,
		    job->patience.answer_us);
		return 0;
	}
	job->r->silent_us = job->patience.answer_us;
	return mf_http_cut(job, MF_HTTP_SLOW, MF_ETRANSFER,
	    "%s has the request and gave no answer in %s", job->url.host,
	    mf_format_duration(job->patience.answer_us, text));
}

/* us: how long since the last look. */
static int
check_speed(struct mf_http_job *job, uint64_t now_us, uint64_t us)
{
	const struct mf_http_patience *p = &job->patience;
	const uint64_t sent = sent_bytes(job);
	char text[MF_UNIT_TEXT_BYTES];

	if (job->connected_us == 0)
		warn_of_silence(job, "gave no connection", now_us - job->added_us, p->connect_us);
	if (job->connected_us == 0 || job->up_due_us != 0 || job->down_due_us != 0 ||
	    job->waits_for_room)
		return 0;
	if (!job->answered && sent >= job->request->body_bytes)
		return check_answer(job, now_us);
	if (!mf_stall_step(&job->stall, p->stall_us, p->stall_bytes, sent + job->received, us))
		return 0;
	job->r->silent_us = p->stall_us;
	return mf_http_cut(job, MF_HTTP_SLOW, MF_ETRANSFER,
	    "stalled: less than %llu bytes a second to or from %s for %s",
	    (unsigned long long)p->stall_bytes, job->url.host,
	    mf_format_duration(p->stall_us, text));
}

static int
check(struct mf_http_job *job, uint64_t now_us, uint64_t us)
{
	char text[MF_UNIT_TEXT_BYTES];

	if (atomic_load_explicit(&job->cancel, memory_order_relaxed) ||
	    atomic_load_explicit(&job->http->cancelled, memory_order_relaxed))
		return mf_http_cut(job, MF_HTTP_CANCELLED, MF_EINTERRUPTED,
		    "interrupted while talking to %s", job->url.host);
	if (job->patience.total_us != 0 && now_us - job->begin_us >= job->patience.total_us)
		return mf_http_cut(job, MF_HTTP_SLOW, MF_ETRANSFER,
		    "the request to %s took longer than %s", job->url.host,
		    mf_format_duration(job->patience.total_us, text));
	return job->added && us > 0 ? check_speed(job, now_us, us) : 0;
}

/* One look at one job. When to look again at the latest. */
static uint64_t
tend(struct mf_http_lane *t, struct mf_http_job *job, uint64_t now_us, uint64_t us)
{
	uint64_t due_us = now_us + LOOK_US;
	CURLcode code = CURLE_OK;

	if (check(job, now_us, us) != 0) {
		finish(t, job, CURLE_OK);
		return due_us;
	}
	if (!job->added) {
		if (now_us < job->start_due_us)
			return job->start_due_us;
		try_start(t, job, now_us); /* it may be finished now */
		return now_us;
	}
	if ((code = resume(job, now_us)) != CURLE_OK) {
		finish(t, job, code);
		return due_us;
	}
	if (job->up_due_us != 0 && job->up_due_us < due_us)
		due_us = job->up_due_us;
	if (job->down_due_us != 0 && job->down_due_us < due_us)
		due_us = job->down_due_us;
	return due_us;
}

/* How long the thread may sleep, in ms. */
static int
tend_all(struct mf_http_lane *t)
{
	const uint64_t now_us = t->http->now_us();
	uint64_t us = now_us - t->last_tick_us, due_us = now_us + LOOK_US, job_due_us;
	struct mf_http_job *job, *next;

	if (us < LOOK_US / 10)
		us = 0; /* a busy thread need not look at speeds each time */
	else
		t->last_tick_us = now_us;
	if (t->jobs == NULL)
		return IDLE_MS;
	for (job = t->jobs; job != NULL; job = next) {
		next = job->next;
		job_due_us = tend(t, job, now_us, us);
		if (job_due_us < due_us)
			due_us = job_due_us;
	}
	return due_us <= now_us ? 0 : (int)((due_us - now_us + 999) / 1000);
}

/* Does its caller not want it any more? Asked as often as time limits are looked at. */
static bool
is_unwanted(const struct mf_http_job *job, uint64_t *asked_us)
{
	const struct mf_http_request *q = job->request;
	const uint64_t now_us = job->http->now_us();

	if (q->interrupted == NULL || now_us - *asked_us < LOOK_US)
		return false;
	*asked_us = now_us;
	return q->interrupted(q->interrupted_arg);
}

void
mf_http_loop_once(struct mf_http_lane *t, struct mf_http_job *job)
{
	uint64_t asked_us = t->http->now_us();
	int sleep_ms;

	t->last_tick_us = asked_us;
	link_job(t, job);
	try_start(t, job, asked_us);
	while (!job->done) {
		sleep_ms = tend_all(t);
		if (job->done)
			break;
		mf_events_wait(&t->events, sleep_ms);
		collect(t);
		if (!job->done && is_unwanted(job, &asked_us))
			atomic_store(&job->cancel, true);
	}
}

void *
mf_http_loop(void *arg)
{
	struct mf_http_lane *t = arg;
	int sleep_ms;

	(void)pthread_setname_np(pthread_self(), "net");
	t->last_tick_us = t->http->now_us();
	t->window.rate = mf_http_down_rate(t->http);
	while (take_inbox(t, t->http->now_us())) {
		collect(t);
		sleep_ms = tend_all(t);
		mf_events_wait(&t->events, sleep_ms);
	}
	return NULL;
}
