/* Who carries a request: callers their short ones, a network thread all others. */
#include "config.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include <cmocka.h>

#include "src/net/http_int.h"
#define ON_NETWORK_THREADS /* the limit, which comes and goes here */
#include "tests/unit/net/carriers.h"
#include "tests/unit/net/http_server.h"

#define REQUESTS 50
#define US_EACH 5

static bool
play_ok(struct http_conn *c, const struct http_seen *q, void *arg)
{
	(void)q;
	(void)arg;
	return http_answer(c, 200, "fine");
}

/* ---- lanes ---- */

static void
used_last_comes_first(void **state)
{
	struct mf_http *http = mf_http_open(&(struct mf_http_params){0}, NULL);
	struct mf_http_callers c;
	struct mf_http_lane *a, *b, *again;

	(void)state;
	assert_non_null(http);
	mf_http_callers_init(&c, http, 2);
	assert_non_null(a = mf_http_callers_take(&c));
	assert_non_null(b = mf_http_callers_take(&c));
	assert_ptr_not_equal(a, b);
	assert_null(mf_http_callers_take(&c)); /* these were all */
	mf_http_callers_give(&c, a);
	mf_http_callers_give(&c, b);
	assert_ptr_equal(again = mf_http_callers_take(&c), b);
	mf_http_callers_give(&c, again);
	mf_http_callers_fini(&c);
	mf_http_close(http);
}

/* ---- who it is that works ---- */

/* The processor time that the network thread has had, in us. */
static uint64_t
network_us(struct mf_http *http)
{
	struct timespec t;
	clockid_t clock;

	assert_int_equal(pthread_getcpuclockid(http->threads[0].thread, &clock), 0);
	assert_int_equal(clock_gettime(clock, &t), 0);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static int
swallow(
    void *arg, const struct mf_http_response *r, const void *bytes, size_t n, struct mf_error *e)
{
	(void)arg;
	(void)r;
	(void)bytes;
	(void)n;
	(void)e;
	return 0;
}

static atomic_bool limited;

static uint64_t
get_rate(void *arg, enum mf_http_direction direction, uint64_t now_us)
{
	return atomic_load(&limited) ? carriers_rate(arg, direction, now_us) : 0;
}

/* Did the network thread carry them? Each would cost it some ten us at least; what it still does
 * after the request before is a few. */
static bool
by_network_thread(struct mf_http *http, const struct mf_http_request *q)
{
	struct mf_http_response r = MF_HTTP_RESPONSE_INIT;
	const uint64_t before = network_us(http);
	struct mf_error e;
	unsigned i;

	for (i = 0; i < REQUESTS; i++) {
		if (mf_http_perform(http, q, &r, &e) != 0)
			fail_msg("%s", e.message);
		assert_int_equal(r.status, 200);
	}
	mf_http_response_fini(&r);
	return network_us(http) - before > REQUESTS * US_EACH;
}

static void
short_ones_are_no_network_threads(void **state)
{
	static const uint8_t body[MF_HTTP_SHORT_BYTES + 1];
	const struct mf_http_params params = {
	    .pacer = {get_rate, carriers_take, carriers_wait, NULL}};
	struct http_server *server = http_server_start(play_ok, NULL);
	struct mf_http *http = mf_http_open(&params, NULL);
	char url[64];
	struct mf_http_request q = {.method = "PUT", .url = url, .body = body};

	(void)state;
	(void)snprintf(url, sizeof url, "http://127.0.0.1:%u/x", http_server_port(server));
	assert_non_null(http);
	/* once, so that the thread has begun */
	q.body_bytes = MF_HTTP_SHORT_BYTES + 1;
	assert_true(by_network_thread(http, &q));
	assert_int_equal(http_server_connections(server), 1);
	q.body_bytes = MF_HTTP_SHORT_BYTES;
	assert_false(by_network_thread(http, &q));
	assert_int_equal(http_server_connections(server), 2);
	q.body_bytes = MF_HTTP_SHORT_BYTES + 1;
	assert_true(by_network_thread(http, &q));
	q.body_bytes = 1;
	q.sink = swallow; /* this thread may be busy with what it is given */
	assert_true(by_network_thread(http, &q));
	q.sink = NULL;
	atomic_store(&limited, true);
	assert_true(by_network_thread(http, &q));
	atomic_store(&limited, false);
	assert_false(by_network_thread(http, &q));
	assert_int_equal(http_server_requests(server), 6 * REQUESTS);
	mf_http_close(http);
	http_server_stop(server);
}

/* ---- more at once than there are lanes ---- */

#define THREADS 80

struct crowd {
	struct mf_http *http;
	char url[64];
	pthread_barrier_t all_there;
	atomic_uint answered;
};

static bool
play_slowly(struct http_conn *c, const struct http_seen *q, void *arg)
{
	(void)q;
	(void)arg;
	http_nap(50);
	return http_answer(c, 200, "fine");
}

static void *
go(void *arg)
{
	struct crowd *w = arg;
	const struct mf_http_request q = {.method = "GET", .url = w->url};
	struct mf_http_response r = MF_HTTP_RESPONSE_INIT;
	unsigned i;

	(void)pthread_barrier_wait(&w->all_there);
	for (i = 0; i < 2; i++)
		if (mf_http_perform(w->http, &q, &r, NULL) == 0 && r.status == 200)
			atomic_fetch_add(&w->answered, 1);
	mf_http_response_fini(&r);
	return NULL;
}

static void
a_crowd_is_answered(void **state)
{
	struct http_server *server = http_server_start(play_slowly, NULL);
	struct crowd w = {.http = mf_http_open(&(struct mf_http_params){0}, NULL)};
	pthread_t threads[THREADS];
	unsigned i;

	(void)state;
	assert_non_null(w.http);
	(void)snprintf(w.url, sizeof w.url, "http://127.0.0.1:%u/x", http_server_port(server));
	assert_int_equal(pthread_barrier_init(&w.all_there, NULL, THREADS), 0);
	for (i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, go, &w), 0);
	for (i = 0; i < THREADS; i++)
		(void)pthread_join(threads[i], NULL);
	assert_int_equal(w.answered, 2 * THREADS);
	assert_true(http_server_connections(server) <= THREADS);
	pthread_barrier_destroy(&w.all_there);
	mf_http_close(w.http);
	http_server_stop(server);
}

/* ---- an end to all ---- */

static bool
play_nothing(struct http_conn *c, const struct http_seen *q, void *arg)
{
	atomic_uint *seen = arg;

	(void)q;
	atomic_fetch_add(seen, 1);
	while (!http_stopping(c))
		http_nap(5);
	return false;
}

struct waiting {
	struct mf_http *http;
	char url[64];
	atomic_uint cancelled;
};

static void *
wait_in_vain(void *arg)
{
	struct waiting *w = arg;
	const struct mf_http_request q = {.method = "GET", .url = w->url};
	struct mf_http_response r = MF_HTTP_RESPONSE_INIT;
	struct mf_error e;

	if (mf_http_perform(w->http, &q, &r, &e) != 0 && e.code == MF_EINTERRUPTED &&
	    r.failure == MF_HTTP_CANCELLED)
		atomic_fetch_add(&w->cancelled, 1);
	mf_http_response_fini(&r);
	return NULL;
}

static void
cancelled_together(void **state)
{
	atomic_uint seen = 0;
	struct http_server *server = http_server_start(play_nothing, &seen);
	struct waiting w = {.http = mf_http_open(&(struct mf_http_params){0}, NULL)};
	pthread_t threads[3];
	struct timespec from, to;
	unsigned i;

	(void)state;
	assert_non_null(w.http);
	(void)snprintf(w.url, sizeof w.url, "http://127.0.0.1:%u/x", http_server_port(server));
	for (i = 0; i < 3; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, wait_in_vain, &w), 0);
	while (atomic_load(&seen) < 3)
		http_nap(1);
	(void)clock_gettime(CLOCK_MONOTONIC, &from);
	mf_http_cancel(w.http);
	for (i = 0; i < 3; i++)
		(void)pthread_join(threads[i], NULL);
	(void)clock_gettime(CLOCK_MONOTONIC, &to);
	assert_int_equal(w.cancelled, 3);
	assert_true(to.tv_sec - from.tv_sec < 10); /* not when patience is over */
	mf_http_close(w.http);
	http_server_stop(server);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(used_last_comes_first),
	    cmocka_unit_test(short_ones_are_no_network_threads),
	    cmocka_unit_test(a_crowd_is_answered),
	    cmocka_unit_test(cancelled_together),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
