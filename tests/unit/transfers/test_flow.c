/* What holds requests back for a server's sake: aimd, budget and breaker as tables, and the flow
 * that puts them together. Time passes as the test says. */
#include "config.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "transfers/aimd.h"
#include "transfers/breaker.h"
#include "transfers/budget.h"
#include "transfers/flow.h"
#include "transfers/retry.h"

#define LENGTH(array) (sizeof(array) / sizeof(array)[0])
#define MS ((uint64_t)1000)
#define S ((uint64_t)1000000)

/* ---- requests at once ---- */

static void
aimd(void **state)
{
	static const struct {
		bool busy;
		unsigned under_way;
		unsigned sent_ms, now_ms; /* of what is busy */
		unsigned times;
		unsigned limit; /* after it */
	} rows[] = {
	    {false, 12, 0, 0, 100, 12}, /* never above its most */
	    {true, 8, 1, 10, 1, 4},     /* half of what is under way */
	    {true, 7, 2, 11, 1, 4},     /* sent before that: known already */
	    {true, 4, 10, 12, 1, 4},
	    {true, 4, 11, 13, 1, 2}, /* sent after it */
	    {true, 2, 14, 15, 1, 1},
	    {true, 1, 16, 17, 9, 1}, /* one stays */
	    {false, 0, 0, 0, 50, 1}, /* not used: no reason to grow */
	    {false, 1, 0, 0, 1, 2},  /* one more for as many answers as there may be */
	    {false, 1, 0, 0, 50, 2},
	    {false, 2, 0, 0, 2, 2},
	    {false, 2, 0, 0, 1, 3},
	    {false, 3, 0, 0, 4, 4},
	    {false, 12, 0, 0, 100, 12},
	};
	struct mf_aimd a;
	unsigned n;
	size_t i;

	(void)state;
	mf_aimd_init(&a, 0);
	assert_int_equal(mf_aimd_limit(&a), 1);
	mf_aimd_init(&a, 12);
	for (i = 0; i < LENGTH(rows); i++) {
		for (n = 0; n < rows[i].times; n++) {
			if (rows[i].busy)
				mf_aimd_busy(&a, rows[i].under_way, rows[i].sent_ms * MS,
				    (rows[i].now_ms + n) * MS);
			else
				mf_aimd_good(&a, rows[i].under_way);
		}
		if (mf_aimd_limit(&a) != rows[i].limit)
			fail_msg("row %zu: %u", i, mf_aimd_limit(&a));
	}
}

/* ---- the budget ---- */

static void
budget(void **state)
{
	static const struct {
		unsigned at_ms;
		unsigned requests, retries; /* asked for */
		unsigned granted;
		unsigned wait_ms; /* what the first that was not is told */
	} rows[] = {
	    {100, 1, 20, 10, 900},                        /* few requests: ten are free */
	    {900, 0, 1, 0, 100}, {1500, 99, 30, 20, 500}, /* 100 requests: 20 more */
	    {9999, 0, 1, 0, 1},      /* the first second is still in the window */
	    {10000, 0, 30, 9, 1000}, /* gone: 99 requests and 20 retries are left, 29 may be */
	    {11000, 0, 30, 1, 1000}, /* no requests any more, and 9 retries */
	    {20000, 50, 30, 19, 1000}, {4000000, 0, 11, 10, 1000}, /* long after */
	};
	struct mf_budget b = {.slot = 0};
	unsigned n, granted;
	uint64_t us, wait_us;
	size_t i;

	(void)state;
	for (i = 0; i < LENGTH(rows); i++) {
		for (n = 0; n < rows[i].requests; n++)
			mf_budget_request(&b, rows[i].at_ms * MS);
		wait_us = 0;
		for (n = granted = 0; n < rows[i].retries; n++)
			if ((us = mf_budget_retry(&b, rows[i].at_ms * MS)) == 0)
				granted++;
			else if (wait_us == 0)
				wait_us = us;
		if (granted != rows[i].granted || wait_us != rows[i].wait_ms * MS)
			fail_msg("row %zu: %u granted, wait %llu us", i, granted,
			    (unsigned long long)wait_us);
	}
}

/* However many want to, no ten seconds have more than their share. */
static void
no_storm(void **state)
{
	static unsigned retries[60], requests[60];
	struct mf_budget b = {.slot = 0};
	unsigned t, n, i, sum, all;

	(void)state;
	for (t = 0; t < 60; t++) {
		requests[t] = t < 20 ? 100 : t < 40 ? 0 : 7;
		for (n = 0; n < requests[t]; n++)
			mf_budget_request(&b, t * S + n);
		for (n = 0; n < 1000; n++)
			retries[t] += mf_budget_retry(&b, t * S + 1000 + n) == 0;
	}
	for (t = 0; t + 10 <= 60; t++) {
		for (i = sum = all = 0; i < 10; i++) {
			sum += retries[t + i];
			all += requests[t + i];
		}
		/* some were granted for requests that lay before the window's beginning */
		assert_true(sum <= 10 + (t + 10 <= 20 ? all : all + 10 * 100) / 5);
	}
	assert_int_equal(retries[0], 10 + 100 / 5);
	assert_int_equal(retries[39], 0);
}

/* ---- the breaker ---- */

enum op { ASK, ANSWER, FAIL, ABANDON };

static void
breaker(void **state)
{
	static const struct {
		enum op op;
		bool trial; /* of the request that the event is of */
		unsigned at_ms;
		unsigned times;
		bool go, try; /* what ASK is told */
		enum mf_breaker_state after;
		unsigned failures, next_ms; /* next: where it is open */
	} rows[] = {
	    {ASK, false, 0, 1, true, false, MF_BREAKER_CLOSED, 0, 0},
	    {FAIL, false, 100, 4, false, false, MF_BREAKER_CLOSED, 4, 0},
	    {ABANDON, false, 110, 3, false, false, MF_BREAKER_CLOSED, 4, 0},
	    {ANSWER, false, 120, 1, false, false, MF_BREAKER_CLOSED, 0, 0}, /* in a row */
	    {FAIL, false, 200, 4, false, false, MF_BREAKER_CLOSED, 4, 0},
	    {ASK, false, 200, 1, true, false, MF_BREAKER_CLOSED, 4, 0},
	    {FAIL, false, 1000, 1, false, false, MF_BREAKER_OPEN, 5, 1500},
	    {ASK, false, 1499, 9, false, false, MF_BREAKER_OPEN, 5, 1500},
	    {FAIL, false, 1499, 2, false, false, MF_BREAKER_OPEN, 7, 1500}, /* sent before */
	    {ABANDON, false, 1499, 1, false, false, MF_BREAKER_OPEN, 7, 1500},
	    {ASK, false, 1500, 1, true, true, MF_BREAKER_HALF_OPEN, 7, 0},
	    {ASK, false, 9000, 5, false, false, MF_BREAKER_HALF_OPEN, 7, 0}, /* one at a time */
	    {FAIL, false, 9000, 1, false, false, MF_BREAKER_HALF_OPEN, 8, 0},
	    {ABANDON, true, 9000, 1, false, false, MF_BREAKER_OPEN, 8, 9000}, /* the next may */
	    {ASK, false, 9000, 1, true, true, MF_BREAKER_HALF_OPEN, 8, 0},
	    {FAIL, true, 10000, 1, false, false, MF_BREAKER_OPEN, 9, 11000}, /* 2 s less half */
	    {ASK, false, 11000, 1, true, true, MF_BREAKER_HALF_OPEN, 9, 0},
	    {FAIL, true, 12000, 1, false, false, MF_BREAKER_OPEN, 10, 14000}, /* 4 s */
	    {ASK, false, 14000, 1, true, true, MF_BREAKER_HALF_OPEN, 10, 0},
	    {ANSWER, true, 15000, 1, false, false, MF_BREAKER_CLOSED, 0, 0},
	    {FAIL, false, 16000, 5, false, false, MF_BREAKER_OPEN, 5, 16500}, /* from the start */
	    {ASK, false, 16500, 1, true, true, MF_BREAKER_HALF_OPEN, 5, 0},
	    {ANSWER, false, 16501, 1, false, false, MF_BREAKER_CLOSED, 0, 0}, /* a late answer */
	    {FAIL, true, 16502, 1, false, false, MF_BREAKER_CLOSED, 1, 0}, /* and then the trial */
	};
	struct mf_breaker b = {.state = MF_BREAKER_CLOSED};
	const enum mf_breaker_event events[] = {[ANSWER] = MF_BREAKER_ANSWERED,
	    [FAIL] = MF_BREAKER_FAILED,
	    [ABANDON] = MF_BREAKER_ABANDONED};
	bool go, trial;
	unsigned n;
	size_t i;

	(void)state;
	for (i = 0; i < LENGTH(rows); i++) {
		for (n = 0; n < rows[i].times; n++) {
			if (rows[i].op != ASK) {
				mf_breaker_note(&b, events[rows[i].op], rows[i].trial, 0,
				    rows[i].at_ms * MS, 0);
				continue;
			}
			go = mf_breaker_ask(&b, rows[i].at_ms * MS, &trial);
			if (go != rows[i].go || trial != rows[i].try)
				fail_msg("row %zu: go %d, trial %d", i, go, trial);
		}
		if (b.state != rows[i].after || b.failures != rows[i].failures)
			fail_msg("row %zu: state %d, %u failures", i, b.state, b.failures);
		if (b.state == MF_BREAKER_OPEN && b.next_us != rows[i].next_ms * MS)
			fail_msg("row %zu: next at %llu", i, (unsigned long long)b.next_us);
	}
}

/* Pauses double up to a cap, and vary by half. */
static void
breaker_pauses(void **state)
{
	static const unsigned seconds[] = {1, 2, 4, 8, 16, 30, 30, 30};
	struct mf_breaker b = {.state = MF_BREAKER_CLOSED};
	uint64_t now_us = S;
	bool trial = false;
	size_t i;
	int n;

	(void)state;
	for (n = 0; n < 5; n++)
		mf_breaker_note(&b, MF_BREAKER_FAILED, false, 0, now_us, UINT64_MAX);
	for (i = 0; i < LENGTH(seconds); i++) {
		assert_int_equal(b.since_us, S);
		assert_in_range(b.next_us - now_us, seconds[i] * S / 2, seconds[i] * S);
		now_us = b.next_us;
		assert_true(mf_breaker_ask(&b, now_us, &trial));
		assert_true(trial);
		mf_breaker_note(&b, MF_BREAKER_FAILED, trial, 0, now_us, UINT64_MAX / 3 * i);
	}
}

/* ---- all of it ---- */

struct world {
	_Atomic uint64_t now_us;
	uint64_t slept_us;
	bool cancelled, cancel_at_sleep;
	struct mf_flow *flow;
	struct mf_flow_endpoint *p;
	struct mf_error e;
};

static uint64_t
world_now(void *arg)
{
	return atomic_load(&((struct world *)arg)->now_us);
}

static void
world_sleep(void *arg, uint64_t us)
{
	struct world *w = arg;

	atomic_fetch_add(&w->now_us, us);
	w->slept_us += us;
	w->cancelled = w->cancelled || w->cancel_at_sleep;
}

static uint64_t
world_random(void *arg)
{
	(void)arg;
	return 0;
}

static bool
world_cancelled(void *arg)
{
	return ((struct world *)arg)->cancelled;
}

static int64_t
world_unix(void *arg) /* 2026-01-31T12:00:00Z at first */
{
	return 1769860800000000 + (int64_t)world_now(arg);
}

static struct mf_waiting
world_waiting(struct world *w)
{
	return (struct mf_waiting){.now_us = world_now,
	    .sleep_us = world_sleep,
	    .random = world_random,
	    .cancelled = world_cancelled,
	    .arg = w};
}

static void
begin(struct world *w, unsigned requests, uint64_t patience_us)
{
	const struct mf_flow_params params = {.requests = requests,
	    .patience_us = patience_us,
	    .waiting = world_waiting(w),
	    .unix_us = world_unix};

	assert_int_equal(mf_flow_new(&params, &w->flow, &w->e), 0);
	w->p = mf_flow_endpoint(w->flow, "https://s3.example", &w->e);
	assert_non_null(w->p);
	assert_ptr_equal(mf_flow_endpoint(w->flow, "https://s3.example", &w->e), w->p);
	assert_ptr_not_equal(mf_flow_endpoint(w->flow, "https://other.example", &w->e), w->p);
}

/* One request that ends so; -1: it was not let go. */
static int
request(struct world *w, enum mf_flow_outcome outcome)
{
	struct mf_flow_pass pass;

	if (mf_flow_enter(w->p, &pass, &w->e) != 0)
		return -1;
	mf_error_set(&w->e, MF_ETRANSFER, "cannot connect to s3.example");
	mf_error_while(&w->e, "getting s3://models/k");
	mf_flow_leave(w->p, &pass, outcome, &w->e);
	return 0;
}

static void
assert_says(const struct world *w, const char *part)
{
	if (strstr(w->e.message, part) == NULL)
		fail_msg("\"%s\" is not in: %s", part, w->e.message);
}

static void
outage(void **state)
{
	struct world w = {.now_us = 0};
	struct mf_flow_endpoint *other;
	int i;

	(void)state;
	begin(&w, 4, 20 * S);
	for (i = 0; i < 4; i++)
		assert_int_equal(request(&w, MF_FLOW_FAILED), 0);
	assert_string_equal(w.e.message, "cannot connect to s3.example");
	assert_int_equal(request(&w, MF_FLOW_FAILED), 0);
	assert_string_equal(w.e.message,
	    "https://s3.example does not answer: 5 requests in a row have failed since "
	    "2026-01-31T12:00:00Z, not tried again before 12:00:01Z; the last: "
	    "cannot connect to s3.example");
	assert_int_equal(w.e.code, MF_ETRANSFER);
	assert_int_equal(w.e.n_frames, 1); /* what was being done stays */
	assert_int_equal(w.slept_us, 0);

	/* held until the time of the trial, which fails: held for longer */
	assert_int_equal(request(&w, MF_FLOW_FAILED), 0);
	assert_int_equal(w.slept_us, 500 * MS);
	assert_says(&w, "6 requests");
	assert_int_equal(request(&w, MF_FLOW_FAILED), 0);
	assert_int_equal(w.slept_us, 1500 * MS);

	/* the other endpoint has nothing to do with it */
	other = w.p;
	w.p = mf_flow_endpoint(w.flow, "https://other.example", &w.e);
	assert_int_equal(request(&w, MF_FLOW_DONE), 0);
	assert_int_equal(w.slept_us, 1500 * MS);
	w.p = other;

	/* it comes back */
	assert_int_equal(request(&w, MF_FLOW_DONE), 0);
	assert_int_equal(w.slept_us, 3500 * MS);
	assert_int_equal(request(&w, MF_FLOW_DONE), 0);
	assert_int_equal(w.slept_us, 3500 * MS);
	assert_false(mf_flow_gave_up(w.flow, &w.e));
	mf_flow_free(w.flow);
}

/* For good: those who wait are told when patience is over, and nothing is tried again. */
static void
patience(void **state)
{
	struct world w = {.now_us = 0};
	struct mf_flow_pass trial;
	int i;

	(void)state;
	begin(&w, 4, 20 * S);
	for (i = 0; i < 5; i++)
		assert_int_equal(request(&w, MF_FLOW_FAILED), 0);
	assert_true(mf_flow_may_retry(w.flow, &w.e));
	assert_int_equal(mf_flow_enter(w.p, &trial, &w.e), 0); /* which hangs */
	assert_true(trial.trial);
	assert_int_equal(request(&w, MF_FLOW_DONE), -1);
	assert_int_equal(w.e.code, MF_ETRANSFER);
	assert_says(&w, "since 2026-01-31T12:00:00Z, given up after 20s; the last: cannot");
	assert_in_range(w.slept_us, 20 * S, 20 * S + 100 * MS);
	mf_error_set(&w.e, MF_ETRANSFER, "something else");
	assert_true(mf_flow_gave_up(w.flow, &w.e));
	assert_says(&w, "given up after");
	assert_false(mf_flow_may_retry(w.flow, &w.e));
	mf_flow_leave(w.p, &trial, MF_FLOW_FAILED, &w.e);
	assert_says(&w, "6 requests");

	/* a program that lives on may try, one at a time */
	atomic_fetch_add(&w.now_us, 3600 * S);
	assert_int_equal(request(&w, MF_FLOW_DONE), 0);
	assert_false(mf_flow_gave_up(w.flow, NULL));
	mf_flow_free(w.flow);
}

static int
silent_request(struct world *w, uint64_t us)
{
	struct mf_flow_pass pass;

	if (mf_flow_enter(w->p, &pass, &w->e) != 0)
		return -1;
	assert_int_equal(pass.silent_us, 0);
	atomic_fetch_add(&w->now_us, us);
	mf_error_set(&w->e, MF_ETRANSFER, "no answer");
	pass.silent_us = us;
	mf_flow_leave(w->p, &pass, MF_FLOW_FAILED, &w->e);
	return 0;
}

/* Two are silent for 30 s, and a third is answered after 15. */
static void
answered_since(struct world *w)
{
	struct mf_flow_pass slow[2], good;
	size_t i;

	for (i = 0; i < 2; i++)
		assert_int_equal(mf_flow_enter(w->p, &slow[i], &w->e), 0);
	atomic_fetch_add(&w->now_us, 15 * S);
	assert_int_equal(mf_flow_enter(w->p, &good, &w->e), 0);
	mf_flow_leave(w->p, &good, MF_FLOW_DONE, NULL);
	atomic_fetch_add(&w->now_us, 15 * S);
	for (i = 0; i < 2; i++) {
		mf_error_set(&w->e, MF_ETRANSFER, "no answer");
		slow[i].silent_us = 30 * S;
		mf_flow_leave(w->p, &slow[i], MF_FLOW_FAILED, &w->e);
	}
	assert_false(mf_flow_gave_up(w->flow, NULL)); /* patience is 20 s */
	atomic_fetch_add(&w->now_us, 5 * S);
	assert_true(mf_flow_gave_up(w->flow, NULL));
}

/* Silence counts from where it began, and uses patience up before the breaker opens. */
static void
silence(void **state)
{
	struct world w = {.now_us = 100 * S};

	(void)state;
	begin(&w, 4, 20 * S);
	assert_int_equal(silent_request(&w, 20 * S), 0);
	assert_true(mf_flow_may_retry(w.flow, &w.e)); /* a lost connection, perhaps */
	assert_int_equal(silent_request(&w, 20 * S), 0);
	assert_true(mf_flow_gave_up(w.flow, &w.e));
	assert_says(&w, "2 requests in a row have failed since 2026-01-31T12:01:40Z, given up "
			"after 40s; the last: no answer");
	assert_int_equal(request(&w, MF_FLOW_DONE), 0);
	assert_false(mf_flow_gave_up(w.flow, NULL));

	assert_int_equal(silent_request(&w, 8 * S), 0);
	assert_true(mf_flow_may_retry(w.flow, &w.e));
	assert_int_equal(silent_request(&w, 8 * S), 0);
	assert_false(mf_flow_gave_up(w.flow, NULL));
	assert_int_equal(silent_request(&w, 8 * S), 0);
	assert_false(mf_flow_may_retry(w.flow, &w.e));
	assert_says(&w, "3 requests");

	/* what was answered meanwhile was no part of it */
	assert_int_equal(request(&w, MF_FLOW_DONE), 0);
	atomic_fetch_add(&w.now_us, 5 * S);
	answered_since(&w);

	/* that one failed long ago is no outage, as long as it failed at once */
	assert_int_equal(request(&w, MF_FLOW_DONE), 0);
	assert_int_equal(request(&w, MF_FLOW_FAILED), 0);
	atomic_fetch_add(&w.now_us, 3600 * S);
	assert_int_equal(request(&w, MF_FLOW_FAILED), 0);
	assert_false(mf_flow_gave_up(w.flow, NULL));
	mf_flow_free(w.flow);
}

/* A server that asks for less is no outage. */
static void
busy(void **state)
{
	struct world w = {.now_us = S};
	int i;

	(void)state;
	begin(&w, 8, 0);
	for (i = 0; i < 100; i++)
		assert_int_equal(request(&w, MF_FLOW_BUSY), 0);
	assert_int_equal(w.slept_us, 0);
	w.cancel_at_sleep = true;
	for (i = 0; i < 5; i++)
		assert_int_equal(request(&w, MF_FLOW_FAILED), 0);
	assert_int_equal(request(&w, MF_FLOW_DONE), -1); /* while it is held */
	assert_int_equal(w.e.code, MF_EINTERRUPTED);
	mf_flow_free(w.flow);
}

static void
retries_wait(void **state)
{
	struct world w = {.now_us = 1234 * S};
	int i;

	(void)state;
	begin(&w, 1, 0);
	for (i = 0; i < 10; i++)
		assert_true(mf_flow_may_retry(w.flow, &w.e));
	assert_int_equal(w.slept_us, 0);
	assert_true(mf_flow_may_retry(w.flow, &w.e)); /* late, not lost */
	assert_int_equal(w.slept_us, 10 * S);
	for (i = 0; i < 9; i++)
		assert_true(mf_flow_may_retry(w.flow, &w.e));
	assert_int_equal(w.slept_us, 10 * S);
	w.cancel_at_sleep = true;
	assert_false(mf_flow_may_retry(w.flow, &w.e));
	mf_flow_free(w.flow);
}

/* What tries again asks the flow, and ends with what that says. */
static int
always_away(void *arg, struct mf_error *e)
{
	struct world *w = arg;

	if (request(w, MF_FLOW_FAILED) == 0)
		atomic_fetch_add(&w->now_us, S);
	*e = w->e;
	return -1;
}

static void
retry_gives_up(void **state)
{
	struct world w = {.now_us = 0};
	struct mf_retry_params p = {.attempts = 1000, .waiting = world_waiting(&w)};
	struct mf_error e;

	(void)state;
	begin(&w, 4, 60 * S);
	p.flow = w.flow;
	assert_int_equal(mf_retry_run(&p, NULL, always_away, &w, &e), -1);
	assert_int_equal(e.code, MF_ETRANSFER);
	w.e = e;
	assert_says(&w, "given up after 1m");
	assert_in_range(atomic_load(&w.now_us), 60 * S, 80 * S);
	mf_flow_free(w.flow);
}

/* ---- many at once ---- */

struct crowd {
	struct mf_flow_endpoint *p;
	atomic_uint under_way, most;
	enum mf_flow_outcome outcome;
	unsigned limit; /* more than that at once is wrong */
	atomic_bool wrong;
};

static void *
come_and_go(void *arg)
{
	struct crowd *c = arg;
	struct mf_flow_pass pass;
	struct mf_error e;
	unsigned now;
	int i;

	for (i = 0; i < 200; i++) {
		if (mf_flow_enter(c->p, &pass, &e) != 0) {
			atomic_store(&c->wrong, true);
			break;
		}
		now = atomic_fetch_add(&c->under_way, 1) + 1;
		if (now > c->limit)
			atomic_store(&c->wrong, true);
		atomic_fetch_sub(&c->under_way, 1);
		mf_flow_leave(c->p, &pass, c->outcome, &e);
	}
	return NULL;
}

static void
crowd(void **state)
{
	struct world w = {.now_us = S};
	struct crowd c = {.outcome = MF_FLOW_DONE, .limit = 3};
	struct mf_flow_pass passes[3];
	pthread_t threads[8];
	int i, round;

	(void)state;
	begin(&w, 3, 0);
	c.p = w.p;
	for (round = 0; round < 2; round++) {
		for (i = 0; i < 8; i++)
			assert_int_equal(pthread_create(&threads[i], NULL, come_and_go, &c), 0);
		for (i = 0; i < 8; i++)
			pthread_join(threads[i], NULL);
		assert_false(atomic_load(&c.wrong));
		/* then all three hear that it is too much, and it stays with one */
		for (i = 0; i < 3 && round == 0; i++)
			assert_int_equal(mf_flow_enter(w.p, &passes[i], &w.e), 0);
		for (i = 0; i < 3 && round == 0; i++)
			mf_flow_leave(w.p, &passes[i], MF_FLOW_BUSY, &w.e);
		c.limit = 1;
		c.outcome = MF_FLOW_ABANDONED;
	}
	mf_flow_free(w.flow);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(aimd),
	    cmocka_unit_test(budget),
	    cmocka_unit_test(no_storm),
	    cmocka_unit_test(breaker),
	    cmocka_unit_test(breaker_pauses),
	    cmocka_unit_test(outage),
	    cmocka_unit_test(patience),
	    cmocka_unit_test(silence),
	    cmocka_unit_test(busy),
	    cmocka_unit_test(retries_wait),
	    cmocka_unit_test(retry_gives_up),
	    cmocka_unit_test(crowd),
	};

	return cmocka_run_group_tests_name("transfers/flow", tests, NULL, NULL);
}
