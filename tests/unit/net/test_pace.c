/* Rates: smooth by a simulated clock, kept on a real connection; stalls; receive windows. */
#include "config.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "src/net/http.h"
#include "src/net/pace_int.h"
#include "src/net/window_int.h"
#include "tests/unit/net/http_server.h"
#include "transfers/bucket.h"

#define MS ((uint64_t)1000)
#define S ((uint64_t)1000000)

/* A pacer on token buckets, as transfers/ has them. */
struct buckets {
	pthread_mutex_t lock;
	struct mf_bucket b[2];
	unsigned asked;
};

static uint64_t
bucket_rate(void *arg, enum mf_http_direction d, uint64_t now_us)
{
	struct buckets *k = arg;
	uint64_t rate;

	(void)now_us;
	pthread_mutex_lock(&k->lock);
	rate = k->b[d].rate;
	pthread_mutex_unlock(&k->lock);
	return rate;
}

static uint64_t
bucket_take(void *arg, enum mf_http_direction d, uint64_t n, uint64_t now_us)
{
	struct buckets *k = arg;
	uint64_t ticket;

	pthread_mutex_lock(&k->lock);
	ticket = mf_bucket_take(&k->b[d], n, now_us);
	k->asked++;
	pthread_mutex_unlock(&k->lock);
	return ticket;
}

static uint64_t
bucket_wait(void *arg, enum mf_http_direction d, uint64_t ticket, uint64_t now_us)
{
	struct buckets *k = arg;
	uint64_t us;

	pthread_mutex_lock(&k->lock);
	us = mf_bucket_wait(&k->b[d], ticket, now_us);
	pthread_mutex_unlock(&k->lock);
	return us;
}

static struct mf_http_pacer
make_pacer(struct buckets *k, uint64_t up, uint64_t down, uint64_t now_us)
{
	const struct mf_http_pacer pacer = {bucket_rate, bucket_take, bucket_wait, k};

	(void)pthread_mutex_init(&k->lock, NULL);
	mf_bucket_init(&k->b[MF_HTTP_UP], up, up / 20, now_us);
	mf_bucket_init(&k->b[MF_HTTP_DOWN], down, down / 20, now_us);
	k->asked = 0;
	return pacer;
}

/* ---- by a simulated clock ---- */

#define SIM_MS 12000
#define SIM_MAX 32

struct sim {
	struct buckets k;
	struct mf_http_pacer pacer;
	struct mf_pace pace[SIM_MAX];
	uint64_t due_us[SIM_MAX];
	uint64_t passed[SIM_MS]; /* bytes in each millisecond */
	uint32_t random;
};

static uint32_t
sim_random(struct sim *s)
{
	s->random = s->random * 1664525u + 1013904223u;
	return s->random >> 8;
}

/* A thread that wakes up to 3 ms late, n transfers that always have more. */
static void
sim_run(struct sim *s, unsigned n, enum mf_http_direction d, unsigned from_ms, unsigned to_ms)
{
	const size_t piece = d == MF_HTTP_UP ? 262144 : 16384;
	unsigned ms, i, turn;
	uint64_t now_us;
	size_t got;

	for (ms = from_ms; ms < to_ms; ms += 1 + sim_random(s) % 3) {
		now_us = 5 * S + ms * MS;
		for (turn = 0; turn < n; turn++) {
			i = (turn + ms) % n;
			while (s->due_us[i] <= now_us) {
				got = mf_pace_ask(&s->pace[i], &s->pacer, d, piece,
				    d == MF_HTTP_DOWN, now_us);
				if (got == 0)
					s->due_us[i] = s->pace[i].due_us;
				s->passed[ms] += got;
			}
		}
	}
}

static uint64_t
sim_sum(const struct sim *s, unsigned from_ms, unsigned n_ms)
{
	uint64_t sum = 0;
	unsigned i;

	for (i = from_ms; i < from_ms + n_ms; i++)
		sum += s->passed[i];
	return sum;
}

static void
smooth(void **state)
{
	static const uint64_t rates[] = {100000, 1000000, 10000000, 1000000000};
	static const unsigned counts[] = {1, 4, 32};
	struct sim *s = calloc(1, sizeof *s);
	unsigned c, ms;
	double least, most;
	size_t r;
	int d;

	(void)state;
	for (d = 0; d < 2; d++)
		for (r = 0; r < sizeof rates / sizeof rates[0]; r++)
			for (c = 0; c < sizeof counts / sizeof counts[0]; c++) {
				*s = (struct sim){.random = 7};
				s->pacer = make_pacer(&s->k, rates[r], rates[r], 5 * S);
				sim_run(s, counts[c], (enum mf_http_direction)d, 0, SIM_MS);
				/* a piece that is whole may be a good part of a slow second */
				most = 1.1 * (double)rates[r] + (d == MF_HTTP_DOWN ? 16384 : 0);
				for (ms = 0; ms + 1000 <= SIM_MS; ms++)
					if ((double)sim_sum(s, ms, 1000) > most)
						fail_msg("%.3f of the limit from %u ms on",
						    (double)sim_sum(s, ms, 1000) / (double)rates[r],
						    ms);
				least = 0.95 * 10 * (double)rates[r];
				for (ms = 0; ms + 10000 <= SIM_MS; ms++)
					assert_true((double)sim_sum(s, ms, 10000) >= least);
			}
	free(s);
}

/* Those who wait already feel a change within a fifth of a second. */
static void
rate_changes(void **state)
{
	struct sim *s = calloc(1, sizeof *s);

	(void)state;
	s->random = 3;
	s->pacer = make_pacer(&s->k, 1000, 1000, 5 * S); /* a slice takes a second */
	sim_run(s, 4, MF_HTTP_UP, 0, 3000);
	assert_in_range(sim_sum(s, 0, 3000), 2000, 4000);
	mf_bucket_set_rate(&s->k.b[MF_HTTP_UP], 1000000, 50000, 5 * S + 3000 * MS);
	sim_run(s, 4, MF_HTTP_UP, 3000, 5000);
	assert_in_range(sim_sum(s, 3200, 1000), 950000, 1100000);
	mf_bucket_set_rate(&s->k.b[MF_HTTP_UP], 10000, 500, 5 * S + 5000 * MS);
	sim_run(s, 4, MF_HTTP_UP, 5000, 12000);
	assert_in_range(sim_sum(s, 5000, 1000), 0, 30000);
	assert_in_range(sim_sum(s, 8000, 3000), 27000, 33000);
	free(s);
}

/* Without a limit everything passes, and nothing is remembered. */
static void
no_limit(void **state)
{
	struct mf_http_pacer none = {.arg = NULL}, pacer;
	struct mf_pace p = {.granted = 0};
	struct buckets k;

	(void)state;
	assert_int_equal(mf_pace_ask(&p, &none, MF_HTTP_UP, 1 << 20, false, S), 1 << 20);
	mf_pace_owe(&none, MF_HTTP_UP, 5, S);
	pacer = make_pacer(&k, 0, 1000, S);
	assert_int_equal(mf_pace_ask(&p, &pacer, MF_HTTP_UP, 1 << 20, true, S), 1 << 20);
	mf_pace_owe(&pacer, MF_HTTP_UP, 5, S);
	assert_int_equal(k.asked, 0);
	mf_pace_owe(&pacer, MF_HTTP_DOWN, 5, S);
	assert_int_equal(k.asked, 1);
	assert_int_equal(mf_pace_ask(&p, &pacer, MF_HTTP_DOWN, 100, true, S), 0);
	assert_in_range(p.due_us, S + 50 * MS, S + 60 * MS);
	mf_bucket_set_rate(&k.b[MF_HTTP_DOWN], 0, 0, S);
	assert_int_equal(mf_pace_ask(&p, &pacer, MF_HTTP_DOWN, 100, true, S), 100);
	assert_int_equal(p.pending, 0);
}

static void
slices(void **state)
{
	(void)state;
	assert_int_equal(mf_pace_slice(0), MF_PACE_SLICE_MAX);
	assert_int_equal(mf_pace_slice(1), MF_PACE_SLICE_MIN);
	assert_int_equal(mf_pace_slice(1000000), 5000);
	assert_int_equal(mf_pace_slice(UINT64_MAX), MF_PACE_SLICE_MAX);
}

/* ---- stalls ---- */

static void
stalls(void **state)
{
	struct mf_stall s = {.moved = 0};
	uint64_t t, moved = 0;

	(void)state;
	for (t = 0; t < 20 * S; t += 100 * MS) /* 100 bytes a second: enough */
		assert_false(mf_stall_step(&s, 4 * S, 100, moved += 10, 100 * MS));
	for (t = 0; !mf_stall_step(&s, 4 * S, 100, moved, 100 * MS); t += 100 * MS)
		assert_true(t < 5 * S);
	assert_true(t < S); /* it was just enough before */
	s = (struct mf_stall){.moved = 0};
	moved = 0;
	for (t = 0; t < 8 * S; t += 100 * MS)
		assert_false(mf_stall_step(&s, 4 * S, 100, moved += 1000, 100 * MS));
	for (t = 0; !mf_stall_step(&s, 4 * S, 100, moved, 100 * MS); t += 100 * MS)
		assert_true(t < 5 * S);
	assert_in_range(t, 3 * S, 5 * S); /* nothing at all, seen within stall_us and an eighth */
	s = (struct mf_stall){.moved = 0};
	for (t = 0; t < 6; t++) /* a process that was stopped for an hour each time */
		assert_false(mf_stall_step(&s, 4 * S, 100, 0, 3600 * S));
	assert_false(mf_stall_step(&s, 4 * S, 100, 0, 3600 * S));
	assert_true(mf_stall_step(&s, 4 * S, 100, 0, 3600 * S));
}

/* ---- windows ---- */

static void
windows(void **state)
{
	struct mf_window w = {.rate = 0};

	(void)state;
	assert_int_equal(mf_window_bytes(0, 0, 1), 0); /* no limit */
	assert_int_equal(mf_window_bytes(1000000, 0, 4), 6250);
	assert_int_equal(mf_window_bytes(1000000, 0, 1), 6250); /* there may be more soon */
	assert_int_equal(mf_window_bytes(1000, 0, 1), 6144);
	assert_int_equal(mf_window_bytes(1000000, 40000, 4), 20000); /* twice what the way holds */
	assert_int_equal(mf_window_bytes(100000000, 40000, 4), 0);
	mf_window_set_rate(&w, 0, 9 * S);
	assert_int_equal(mf_window_age_max_s(&w, 9 * S), 0);
	mf_window_set_rate(&w, 1000000, 10 * S);
	assert_int_equal(mf_window_age_max_s(&w, 10 * S), 1);
	assert_int_equal(mf_window_age_max_s(&w, 14 * S), 4);
	mf_window_set_rate(&w, 1500000, 20 * S);
	assert_int_equal(w.stale_us, 10 * S);
	mf_window_learn(&w, 100, 4, 21 * S); /* near: what there is will do */
	assert_int_equal(w.stale_us, 10 * S);
	mf_window_learn(&w, 100000, 4, 22 * S); /* far */
	assert_int_equal(w.stale_us, 22 * S);
	assert_in_range(mf_window_bytes(w.rate, w.rtt_us, 4), 49999, 50000);
	mf_window_learn(&w, 50, 4, 23 * S);
	assert_int_equal(w.rtt_us, 100000);
	mf_window_set_rate(&w, 400000, 30 * S);
	assert_int_equal(w.stale_us, 30 * S);
	mf_window_set_rate(&w, 0, 40 * S);
	assert_int_equal(w.stale_us, 40 * S);
}

/* ---- on real connections ---- */

static uint64_t
now_us(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * S + (uint64_t)t.tv_nsec / 1000;
}

#define BODY ((size_t)512 << 10)
#define RATE ((uint64_t)2 << 20)

static bool
play_both(struct http_conn *c, const struct http_seen *q, void *arg)
{
	char *body = calloc(1, BODY);

	(void)arg;
	if (strcmp(q->method, "PUT") == 0) {
		http_answer(c, 200, "");
	} else {
		http_say(c, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", BODY);
		http_say_bytes(c, body, BODY);
	}
	free(body);
	return true;
}

struct worker {
	struct mf_http *http;
	const struct mf_http_request *q;
	int status;
};

static void *
work(void *arg)
{
	struct worker *w = arg;
	struct mf_http_response r = MF_HTTP_RESPONSE_INIT;
	struct mf_error e;

	w->status = mf_http_perform(w->http, w->q, &r, &e) == 0 ? r.status : -1;
	mf_http_response_fini(&r);
	return NULL;
}

/* Three at once share a rate. It is never exceeded; how far it falls short is the machine's. */
static void
paced_transfers(void **state)
{
	static const char *const methods[] = {"PUT", "GET"};
	char *body = calloc(1, BODY), url[64];
	struct http_server *server = http_server_start(play_both, NULL);
	struct mf_http_params params = {.net_threads = 2};
	struct buckets k;
	struct worker w[3];
	pthread_t threads[3];
	struct mf_error e;
	uint64_t start_us, us;
	size_t i, j;

	(void)state;
	(void)snprintf(url, sizeof url, "http://127.0.0.1:%u/x", http_server_port(server));
	for (i = 0; i < 2; i++) {
		const struct mf_http_request q = {.method = methods[i],
		    .url = url,
		    .body = i == 0 ? body : NULL,
		    .body_bytes = i == 0 ? BODY : 0,
		    .max_body_bytes = BODY,
		    .patience = {.stall_us = 200 * MS}};

		params.pacer = make_pacer(&k, RATE, RATE, now_us());
		w[0].http = mf_http_open(&params, &e);
		assert_non_null(w[0].http);
		start_us = now_us();
		for (j = 0; j < 3; j++) {
			w[j] = (struct worker){w[0].http, &q, 0};
			assert_int_equal(pthread_create(&threads[j], NULL, work, &w[j]), 0);
		}
		for (j = 0; j < 3; j++) {
			pthread_join(threads[j], NULL);
			assert_int_equal(w[j].status, 200);
		}
		us = now_us() - start_us;
		mf_http_close(w[0].http);
		/* 1.5 MiB less a burst of a twentieth of a second */
		assert_in_range(us, 3 * BODY * S / RATE - S / 20 - 10 * MS, 20 * S);
		assert_true(k.asked > 3 * BODY / MF_PACE_SLICE_MAX);
	}
	http_server_stop(server);
	free(body);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(smooth),
	    cmocka_unit_test(rate_changes),
	    cmocka_unit_test(no_limit),
	    cmocka_unit_test(slices),
	    cmocka_unit_test(stalls),
	    cmocka_unit_test(windows),
	    cmocka_unit_test(paced_transfers),
	};

	return cmocka_run_group_tests_name("net/pace", tests, NULL, NULL);
}
