#include "config.h"

#include "transfers/flow.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "src/base/log.h"
#include "src/base/units.h"
#include "transfers/aimd.h"
#include "transfers/breaker.h"
#include "transfers/budget.h"

#define PATIENCE_US ((uint64_t)300 * 1000000)
#define LOOK_AGAIN_US 100000u
#define LAST_BYTES 224
#define MESSAGE_BYTES MF_ERROR_MESSAGE_BYTES

struct mf_flow_endpoint {
	struct mf_flow *flow;
	struct mf_flow_endpoint *next;
	char *origin;

	/* under the flow's lock */
	struct mf_aimd aimd;
	struct mf_breaker breaker;
	unsigned under_way;
	int64_t since_unix_s;  /* of the breaker's since_us */
	bool silent;           /* how the last failure was */
	char last[LAST_BYTES]; /* how the last failure was told */
};

struct mf_flow {
	/* constant */
	unsigned requests;
	uint64_t patience_us;
	struct mf_waiting waiting;
	int64_t (*unix_us)(void *arg);

	pthread_mutex_t lock; /* of all below */
	pthread_cond_t left;  /* somebody has */
	struct mf_flow_endpoint *endpoints;
	struct mf_budget budget;
};

static int64_t
system_unix_us(void *arg)
{
	struct timespec t = {0};

	(void)arg;
	(void)clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

int
mf_flow_new(const struct mf_flow_params *params, struct mf_flow **out, struct mf_error *e)
{
	struct mf_flow *f = calloc(1, sizeof *f);
	pthread_condattr_t monotonic;

	*out = NULL;
	if (f == NULL)
		return mf_error_nomem(e, "requests");
	f->requests = params->requests;
	f->patience_us = params->patience_us != 0 ? params->patience_us : PATIENCE_US;
	f->waiting = params->waiting;
	f->unix_us = params->unix_us != NULL ? params->unix_us : system_unix_us;
	(void)pthread_mutex_init(&f->lock, NULL);
	(void)pthread_condattr_init(&monotonic);
	(void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&f->left, &monotonic);
	(void)pthread_condattr_destroy(&monotonic);
	*out = f;
	return 0;
}

void
mf_flow_free(struct mf_flow *f)
{
	struct mf_flow_endpoint *p, *next;

	if (f == NULL)
		return;
	for (p = f->endpoints; p != NULL; p = next) {
		next = p->next;
		free(p->origin);
		free(p);
	}
	pthread_cond_destroy(&f->left);
	pthread_mutex_destroy(&f->lock);
	free(f);
}

static struct mf_flow_endpoint *
find(struct mf_flow *f, const char *origin)
{
	struct mf_flow_endpoint *p = f->endpoints;

	while (p != NULL && strcmp(p->origin, origin) != 0)
		p = p->next;
	return p;
}

struct mf_flow_endpoint *
mf_flow_endpoint(struct mf_flow *f, const char *origin, struct mf_error *e)
{
	struct mf_flow_endpoint *p;

	pthread_mutex_lock(&f->lock);
	p = find(f, origin);
	if (p == NULL && (p = calloc(1, sizeof *p)) != NULL) {
		if ((p->origin = strdup(origin)) != NULL) {
			p->flow = f;
			p->next = f->endpoints;
			mf_aimd_init(&p->aimd, f->requests);
			f->endpoints = p;
		} else {
			free(p);
			p = NULL;
		}
	}
	pthread_mutex_unlock(&f->lock);
	if (p == NULL)
		mf_error_nomem(e, "requests");
	return p;
}

/* ---- what is told ---- */

/* The lock is held for these. A silent endpoint may use up all patience before as many requests
 * have failed as open the breaker; one such request may have lost its connection. */
static bool
patience_is_over(const struct mf_flow_endpoint *p, uint64_t now_us)
{
	return (p->breaker.state != MF_BREAKER_CLOSED || (p->breaker.failures > 1 && p->silent)) &&
	       now_us - p->breaker.since_us >= p->flow->patience_us;
}

#define WHEN_BYTES 32

static const char *
format_time(int64_t unix_s, const char *format, char out[WHEN_BYTES])
{
	const time_t t = (time_t)unix_s;
	struct tm tm;

	out[0] = '\0';
	if (gmtime_r(&t, &tm) != NULL)
		(void)strftime(out, WHEN_BYTES, format, &tm);
	return out;
}

/* What comes next. */
static const char *
prospect(const struct mf_flow_endpoint *p, uint64_t now_us, char out[64])
{
	const struct mf_flow *f = p->flow;
	char text[MF_UNIT_TEXT_BYTES], when[WHEN_BYTES];
	int64_t next_us = f->unix_us(f->waiting.arg);

	if (patience_is_over(p, now_us)) {
		(void)snprintf(out, 64, "given up after %s",
		    mf_format_duration(now_us - p->breaker.since_us, text));
		return out;
	}
	if (p->breaker.state == MF_BREAKER_OPEN && p->breaker.next_us > now_us)
		next_us += (int64_t)(p->breaker.next_us - now_us);
	(void)snprintf(out, 64, "not tried again before %s",
	    format_time((next_us + 999999) / 1000000, "%H:%M:%SZ", when));
	return out;
}

static void
describe(const struct mf_flow_endpoint *p, uint64_t now_us, char out[MESSAGE_BYTES])
{
	char when[WHEN_BYTES], next[64];

	(void)snprintf(out, MESSAGE_BYTES,
	    "%.100s does not answer: %u requests in a row have failed since %s, %s; the last: %s",
	    p->origin, p->breaker.failures,
	    format_time(p->since_unix_s, "%Y-%m-%dT%H:%M:%SZ", when), prospect(p, now_us, next),
	    p->last);
}

/* What was being done, the code and the hint stay. */
static void
tell(const char text[MESSAGE_BYTES], struct mf_error *e)
{
	struct mf_error about;

	if (text[0] == '\0' || e == NULL)
		return;
	mf_error_set(&about, e->code, "%s", text);
	memcpy(e->message, about.message, sizeof e->message);
}

/* ---- coming and going ---- */

/* The lock is held. Let go of it for a while. false: cancelled. */
static bool
wait_for_others(struct mf_flow *f)
{
	struct timespec until = {0};

	(void)clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += (long)LOOK_AGAIN_US * 1000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	(void)pthread_cond_timedwait(&f->left, &f->lock, &until);
	return !mf_waiting_cancelled(&f->waiting);
}

/* The same, for the breaker's time. */
static bool
wait_for_time(struct mf_flow_endpoint *p, uint64_t now_us)
{
	struct mf_flow *f = p->flow;
	uint64_t us = LOOK_AGAIN_US;
	bool go_on;

	if (p->breaker.state == MF_BREAKER_OPEN && p->breaker.next_us - now_us < us)
		us = p->breaker.next_us - now_us;
	pthread_mutex_unlock(&f->lock);
	go_on = mf_waiting_sleep(&f->waiting, us);
	pthread_mutex_lock(&f->lock);
	return go_on;
}

/* The lock is held. 0, or -1 with *e's code set and, where patience is over, text. */
static int
wait_for_pass(struct mf_flow_endpoint *p, struct mf_flow_pass *pass, char text[MESSAGE_BYTES])
{
	struct mf_flow *f = p->flow;
	bool go_on = true;
	uint64_t now_us;

	while (go_on) {
		now_us = mf_waiting_now_us(&f->waiting);
		if (p->under_way >= mf_aimd_limit(&p->aimd)) {
			go_on = wait_for_others(f);
		} else if (mf_breaker_ask(&p->breaker, now_us, &pass->trial)) {
			p->under_way++;
			pass->sent_us = now_us;
			pass->silent_us = 0;
			mf_budget_request(&f->budget, now_us);
			return 0;
		} else if (patience_is_over(p, now_us)) {
			describe(p, now_us, text);
			return -1;
		} else {
			go_on = wait_for_time(p, now_us);
		}
	}
	return -1;
}

int
mf_flow_enter(struct mf_flow_endpoint *p, struct mf_flow_pass *pass, struct mf_error *e)
{
	char text[MESSAGE_BYTES] = "";
	int rc;

	pthread_mutex_lock(&p->flow->lock);
	rc = wait_for_pass(p, pass, text);
	pthread_mutex_unlock(&p->flow->lock);
	if (rc == 0)
		return 0;
	if (text[0] == '\0')
		return mf_error_set(
		    e, MF_EINTERRUPTED, "interrupted while waiting for %s", p->origin);
	return mf_error_set(e, MF_ETRANSFER, "%s", text);
}

/* The lock is held, and the breaker knows of it. When the outage began by the wall clock, and how
 * the last failure was. */
static void
note_failure(struct mf_flow_endpoint *p, const struct mf_flow_pass *pass, uint64_t now_us,
    const struct mf_error *e)
{
	if (p->breaker.failures == 1)
		p->since_unix_s = (p->flow->unix_us(p->flow->waiting.arg) -
				      (int64_t)(now_us - p->breaker.since_us)) /
		    1000000;
	p->silent = pass->silent_us > 0;
	(void)snprintf(
	    p->last, sizeof p->last, "%.*s", LAST_BYTES - 1, e != NULL ? e->message : "");
}

static enum mf_breaker_event
event_of(enum mf_flow_outcome outcome)
{
	switch (outcome) {
	case MF_FLOW_FAILED: return MF_BREAKER_FAILED;
	case MF_FLOW_ABANDONED: return MF_BREAKER_ABANDONED;
	default: return MF_BREAKER_ANSWERED;
	}
}

/* What became of the endpoint by one request, for the log. */
struct change {
	enum mf_breaker_state before, after;
	unsigned failures, limit;
	bool cut;
};

static struct change
leave(struct mf_flow_endpoint *p, const struct mf_flow_pass *pass, enum mf_flow_outcome outcome,
    uint64_t now_us)
{
	struct change c = {.before = p->breaker.state, .failures = p->breaker.failures};

	if (outcome == MF_FLOW_DONE)
		mf_aimd_good(&p->aimd, p->under_way);
	else if (outcome == MF_FLOW_BUSY)
		c.cut = mf_aimd_busy(&p->aimd, p->under_way, pass->sent_us, now_us);
	/* the random number takes a system call, and is for failures alone */
	mf_breaker_note(&p->breaker, event_of(outcome), pass->trial, pass->silent_us, now_us,
	    outcome == MF_FLOW_FAILED ? mf_waiting_random(&p->flow->waiting) : 0);
	p->under_way--;
	c.limit = mf_aimd_limit(&p->aimd);
	c.after = p->breaker.state;
	return c;
}

static void
log_change(const struct mf_flow_endpoint *p, const struct change *c, const char *text)
{
	if (c->cut)
		mf_log(MF_LOG_DEBUG, "%s asks for less: %u requests at once from now on", p->origin,
		    c->limit);
	if (c->before == MF_BREAKER_CLOSED && c->after == MF_BREAKER_OPEN)
		mf_log(MF_LOG_WARNING, "%s", text);
	if (c->before != MF_BREAKER_CLOSED && c->after == MF_BREAKER_CLOSED)
		mf_log(MF_LOG_INFO, "%s answers again, after %u failures", p->origin, c->failures);
}

void
mf_flow_leave(struct mf_flow_endpoint *p, const struct mf_flow_pass *pass,
    enum mf_flow_outcome outcome, struct mf_error *e)
{
	struct mf_flow *f = p->flow;
	char text[MESSAGE_BYTES] = "";
	struct change c;
	uint64_t now_us;

	pthread_mutex_lock(&f->lock);
	now_us = mf_waiting_now_us(&f->waiting);
	c = leave(p, pass, outcome, now_us);
	if (outcome == MF_FLOW_FAILED)
		note_failure(p, pass, now_us, e);
	if (outcome == MF_FLOW_FAILED && c.after != MF_BREAKER_CLOSED)
		describe(p, now_us, text);
	pthread_cond_broadcast(&f->left);
	pthread_mutex_unlock(&f->lock);
	log_change(p, &c, text);
	tell(text, e);
}

/* ---- trying again ---- */

/* The lock is held. text then says with which, or is "". */
static bool
gave_up(const struct mf_flow *f, uint64_t now_us, char text[MESSAGE_BYTES])
{
	const struct mf_flow_endpoint *p;

	text[0] = '\0';
	for (p = f->endpoints; p != NULL && text[0] == '\0'; p = p->next)
		if (patience_is_over(p, now_us))
			describe(p, now_us, text);
	return text[0] != '\0';
}

bool
mf_flow_gave_up(struct mf_flow *f, struct mf_error *e)
{
	char text[MESSAGE_BYTES];
	bool yes;

	pthread_mutex_lock(&f->lock);
	yes = gave_up(f, mf_waiting_now_us(&f->waiting), text);
	pthread_mutex_unlock(&f->lock);
	tell(text, e);
	return yes;
}

bool
mf_flow_may_retry(struct mf_flow *f, struct mf_error *e)
{
	char text[MESSAGE_BYTES];
	uint64_t now_us, us;
	bool over;

	do {
		pthread_mutex_lock(&f->lock);
		now_us = mf_waiting_now_us(&f->waiting);
		over = gave_up(f, now_us, text);
		us = over ? 0 : mf_budget_retry(&f->budget, now_us);
		pthread_mutex_unlock(&f->lock);
		tell(text, e);
		if (over || us == 0)
			return !over;
	} while (mf_waiting_sleep(&f->waiting, us));
	return false;
}
