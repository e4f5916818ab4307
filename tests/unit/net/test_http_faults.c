/* The HTTP engine and servers that stall, break off, lie or are not there; and interruption. */
#include "config.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "src/net/http.h"
#include "tests/unit/net/carriers.h"
#include "tests/unit/net/http_server.h"

#define MS ((uint64_t)1000)
#define S ((uint64_t)1000000)

struct fixture {
	struct http_server *server;
	struct mf_http *http;
	struct mf_http_response r;
	struct mf_error e;
	char url[128];
	struct mf_http_request q;
};

static void
begin(struct fixture *f, http_play *play, void *arg)
{
	const struct mf_http_params params = {.net_threads = 1, .pacer = CARRIERS_PACER};

	*f = (struct fixture){.r = MF_HTTP_RESPONSE_INIT};
	f->server = http_server_start(play, arg);
	assert_non_null(f->http = mf_http_open(&params, &f->e));
	(void)snprintf(f->url, sizeof f->url, "http://127.0.0.1:%u/secret?secret=secret",
	    http_server_port(f->server));
	f->q = (struct mf_http_request){.method = "GET", .url = f->url};
}

static void
end(struct fixture *f)
{
	mf_http_response_fini(&f->r);
	mf_http_close(f->http);
	http_server_stop(f->server);
}

static uint64_t
now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void
fails(struct fixture *f, enum mf_http_failure failure, enum mf_code code, const char *message)
{
	assert_int_equal(mf_http_perform(f->http, &f->q, &f->r, &f->e), -1);
	if (f->r.failure != failure || f->e.code != code || strstr(f->e.message, message) == NULL ||
	    strstr(f->e.message, "secret") != NULL)
		fail_msg("failure %d, code %d: %s", (int)f->r.failure, (int)f->e.code,
		    f->e.message);
}

static bool
play_ok(struct http_conn *c, const struct http_seen *q, void *arg)
{
	(void)q;
	(void)arg;
	return http_answer(c, 200, "fine");
}

static void
still_works(struct fixture *f, const char *url)
{
	f->q = (struct mf_http_request){.method = "GET", .url = url};
	assert_int_equal(mf_http_perform(f->http, &f->q, &f->r, &f->e), 0);
	assert_int_equal(f->r.status, 200);
}

/* ---- servers that break off ---- */

static bool
play_script(struct http_conn *c, const struct http_seen *q, void *arg)
{
	(void)q;
	http_say(c, "%s", (const char *)arg);
	return false;
}

/* What a server says before it closes, and what that means. */
static void
broken_answers(void **state)
{
	static struct {
		char text[128];
		enum mf_http_failure failure;
		int status;
	} rows[] = {{"", MF_HTTP_RESET, 0}, {"HTTP/1.1 20", MF_HTTP_RESET, 0},
	    {"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello", MF_HTTP_SHORT, 200},
	    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel", MF_HTTP_SHORT, 200},
	    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhello", MF_HTTP_RESET,
		200},
	    {"SSH-2.0-OpenSSH_9.2\r\n", MF_HTTP_PROTOCOL, 0},
	    {"HTTP/1.1 200 OK\r\nX Y: z\r\nContent-Length: 0\r\n\r\n", MF_HTTP_PROTOCOL, 200},
	    {"HTTP/1.1 200 OK\r\nX: y\r\n folded\r\nContent-Length: 0\r\n\r\n", MF_HTTP_PROTOCOL,
		200},
	    {"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n", MF_HTTP_PROTOCOL, 200}};
	struct fixture f;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		begin(&f, play_script, rows[i].text);
		fails(&f, rows[i].failure, MF_ETRANSFER, "127.0.0.1");
		assert_int_equal(f.r.status, rows[i].status);
		assert_true(f.r.maybe_sent);
		assert_int_equal(http_server_requests(f.server), 1);
		end(&f);
	}
}

/* A body longer than announced ends where it was announced; the rest is no next answer. */
static void
excess(void **state)
{
	char text[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhello HTTP/1.1 500 No\r\n\r\n";
	struct fixture f;

	(void)state;
	begin(&f, play_script, text);
	assert_int_equal(mf_http_perform(f.http, &f.q, &f.r, &f.e), 0);
	assert_int_equal(f.r.body.len, 2);
	assert_int_equal(mf_http_perform(f.http, &f.q, &f.r, &f.e), 0);
	assert_int_equal(f.r.body.len, 2);
	assert_int_equal(http_server_connections(f.server), 2);
	end(&f);
}

static bool
play_huge_head(struct http_conn *c, const struct http_seen *q, void *arg)
{
	const unsigned *n = arg;
	unsigned i;

	(void)q;
	http_say(c, "HTTP/1.1 200 OK\r\n");
	for (i = 0; i < n[0]; i++)
		http_say(c, "X-Header-%u: %0*u\r\n", i, (int)n[1], i);
	http_say(c, "Content-Length: 0\r\n\r\n");
	return true;
}

static void
huge_heads(void **state)
{
	static unsigned shapes[][2] = {{300, 1}, {40, 3000}, {1000000, 8}};
	static unsigned fine[2] = {200, 40};
	struct fixture f;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
		begin(&f, play_huge_head, shapes[i]);
		fails(&f, MF_HTTP_LARGE, MF_ETRANSFER, "too many or too large headers");
		end(&f);
	}
	begin(&f, play_huge_head, fine);
	assert_int_equal(mf_http_perform(f.http, &f.q, &f.r, &f.e), 0);
	assert_string_equal(mf_http_response_header(&f.r, "x-header-5") + 35, "00005");
	end(&f);
}

static bool
play_endless_trailers(struct http_conn *c, const struct http_seen *q, void *arg)
{
	char line[1024];
	unsigned i;

	(void)q;
	(void)arg;
	(void)snprintf(line, sizeof line, "X-Trailer: %0900u\r\n", 1U);
	http_say(c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n");
	for (i = 0; i < 100000 && !http_stopping(c); i++)
		http_say_bytes(c, line, strlen(line));
	return false;
}

static void
endless_trailers(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, play_endless_trailers, NULL);
	fails(&f, MF_HTTP_LARGE, MF_ETRANSFER, "has no end");
	end(&f);
}

/* What comes behind the body is no head, whatever it looks like: whoever takes the body reads the
 * one that came before it meanwhile. */
static void
head_in_trailers(void **state)
{
	char text[] = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-A: before\r\n\r\n"
		      "5\r\nhello\r\n0\r\nHTTP/1.1 404: Not Found\r\nX-A: behind\r\n\r\n";
	struct fixture f;

	(void)state;
	begin(&f, play_script, text);
	assert_int_equal(mf_http_perform(f.http, &f.q, &f.r, &f.e), 0);
	assert_int_equal(f.r.status, 200);
	assert_string_equal(mf_http_response_header(&f.r, "x-a"), "before");
	assert_int_equal(f.r.body.len, 5);
	end(&f);
}

/* Times that no other clock can say are none; a time to wait is a day at most. */
static void
absurd_times(void **state)
{
	static struct {
		char text[160];
		int64_t date_unix_s, retry_after_s;
	} rows[] = {
#define HEAD "HTTP/1.1 503 No\r\nContent-Length: 0\r\n"
	    {HEAD "Date: Fri, 31 Dec 9999 23:59:59 GMT\r\n\r\n", 253402300799, -1},
	    {HEAD "Date: Sat, 01 Jan 10000 00:00:00 GMT\r\n\r\n", -1, -1},
	    {HEAD "Date: Sat, 01 Jan 999999999 00:00:00 GMT\r\n\r\n", -1, -1},
	    {HEAD "Date: Wed, 31 Dec 1969 23:59:58 GMT\r\n\r\n", -1, -1},
	    {HEAD "Retry-After: 1000000000000\r\n\r\n", -1, 86400},
	    {HEAD "Retry-After: 99999999999999999999999\r\n\r\n", -1, 86400},
	    {HEAD "Retry-After: -1\r\n\r\n", -1, -1},
	    {HEAD "Retry-After: 1.5\r\n\r\n", -1, -1},
	    {HEAD "Retry-After: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\n", -1, -1},
	    {HEAD "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
		  "Retry-After: Sun, 06 Nov 1994 08:49:00 GMT\r\n\r\n",
		784111777, 0},
	    {HEAD "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
		  "Retry-After: Sun, 01 Jan 10000 00:00:00 GMT\r\n\r\n",
		784111777, -1},
#undef HEAD
	};
	struct fixture f;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		begin(&f, play_script, rows[i].text);
		assert_int_equal(mf_http_perform(f.http, &f.q, &f.r, &f.e), 0);
		if (f.r.date_unix_s != rows[i].date_unix_s ||
		    f.r.retry_after_s != rows[i].retry_after_s)
			fail_msg("date %lld, retry after %lld: %s", (long long)f.r.date_unix_s,
			    (long long)f.r.retry_after_s, rows[i].text);
		end(&f);
	}
}

static bool
play_reset(struct http_conn *c, const struct http_seen *q, void *arg)
{
	(void)q;
	(void)arg;
	http_say(c, "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\nsome");
	http_nap(20);
	http_reset(c);
	return false;
}

static void
reset_in_the_middle(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, play_reset, NULL);
	fails(&f, MF_HTTP_RESET, MF_ETRANSFER, "127.0.0.1");
	end(&f);
}

/* ---- a kept connection that is dead ---- */

static bool
play_once(struct http_conn *c, const struct http_seen *q, void *arg)
{
	_Atomic unsigned *unanswered = arg;

	if (q->nth == 0)
		return http_answer(c, 200, "fine");
	(*unanswered)++; /* took the request and died */
	return false;
}

static void
dead_connection(void **state)
{
	static const struct {
		const char *method;
		const char *body;
		bool repeatable;
		bool repeated;
	} rows[] = {{"PUT", "body", false, false}, {"PUT", "", false, false},
	    {"DELETE", NULL, false, false}, {"POST", "body", false, false},
	    {"GET", NULL, false, true}, {"HEAD", NULL, false, true}, {"PUT", "body", true, true},
	    {"PUT", "", true, true}, {"DELETE", NULL, true, true}};
	_Atomic unsigned unanswered;
	struct fixture f;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		unanswered = 0;
		begin(&f, play_once, &unanswered);
		still_works(&f, f.url);
		f.q = (struct mf_http_request){.method = rows[i].method,
		    .url = f.url,
		    .body = rows[i].body,
		    .body_bytes = rows[i].body ? strlen(rows[i].body) : 0,
		    .repeatable = rows[i].repeatable};
		if (rows[i].repeated) {
			assert_int_equal(mf_http_perform(f.http, &f.q, &f.r, &f.e), 0);
			assert_int_equal(f.r.status, 200);
		} else {
			fails(&f, MF_HTTP_RESET, MF_ETRANSFER, "127.0.0.1");
			assert_true(f.r.maybe_sent);
		}
		assert_int_equal(unanswered, 1);
		assert_int_equal(http_server_requests(f.server), rows[i].repeated ? 3 : 2);
		end(&f);
	}
}

static bool
play_close_after(struct http_conn *c, const struct http_seen *q, void *arg)
{
	(void)arg;
	(void)q;
	http_answer(c, 200, "fine"); /* and no "Connection: close" */
	return false;
}

/* Closed while idle, which is seen before anything is sent: no request is lost. */
static void
closed_while_idle(void **state)
{
	struct fixture f;
	unsigned i;

	(void)state;
	begin(&f, play_close_after, NULL);
	f.q = (struct mf_http_request){.method = "PUT", .url = f.url, .body = "b", .body_bytes = 1};
	for (i = 0; i < 3; i++) {
		assert_int_equal(mf_http_perform(f.http, &f.q, &f.r, &f.e), 0);
		http_nap(30);
	}
	assert_int_equal(http_server_connections(f.server), 3);
	end(&f);
}

/* ---- servers that are slow ---- */

static bool
play_silent(struct http_conn *c, const struct http_seen *q, void *arg)
{
	const char *text = arg;

	(void)q;
	http_say(c, "%s", text);
	while (!http_stopping(c))
		http_nap(5);
	return false;
}

static void
no_answer(void **state)
{
	char nothing[] = "";
	struct fixture f;
	uint64_t start_ms;

	(void)state;
	begin(&f, play_silent, nothing);
	f.q.patience = (struct mf_http_patience){.answer_us = 300 * MS, .stall_us = 50 * S};
	start_ms = now_ms();
	fails(&f, MF_HTTP_SLOW, MF_ETRANSFER, "127.0.0.1 has the request and gave no answer");
	assert_in_range(now_ms() - start_ms, 300, 20000);
	assert_true(f.r.maybe_sent);
	assert_int_equal(f.r.silent_us, 300 * MS);
	f.q.patience = (struct mf_http_patience){.total_us = 300 * MS};
	fails(&f, MF_HTTP_SLOW, MF_ETRANSFER, "took longer");
	end(&f);
}

static void
stalled_answer(void **state)
{
	char some[] = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nsome";
	struct fixture f;

	(void)state;
	begin(&f, play_silent, some);
	f.q.patience = (struct mf_http_patience){.stall_us = 400 * MS};
	fails(&f, MF_HTTP_SLOW, MF_ETRANSFER, "stalled");
	assert_int_equal(f.r.silent_us, 400 * MS);
	assert_int_equal(f.r.status, 200);
	assert_int_equal(f.r.body.len, 4);
	end(&f);
}

/* The server does not read: kernels take some of the body, and then nothing moves. */
static void
stalled_upload(void **state)
{
	const size_t n = (size_t)64 << 20;
	char nothing[] = "";
	char *body = calloc(1, n);
	struct fixture f;

	(void)state;
	begin(&f, play_silent, nothing);
	f.q = (struct mf_http_request){.method = "PUT",
	    .url = f.url,
	    .body = body,
	    .body_bytes = n,
	    .patience = {.stall_us = 400 * MS, .answer_us = 100 * S}};
	fails(&f, MF_HTTP_SLOW, MF_ETRANSFER, "stalled");
	assert_true(f.r.sent_bytes < n);
	end(&f);
	free(body);
}

static bool
play_drip(struct http_conn *c, const struct http_seen *q, void *arg)
{
	unsigned i;

	(void)q;
	(void)arg;
	http_say(c, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n");
	for (i = 0; i < 100; i++) {
		http_say(c, "x");
		http_nap(10);
	}
	return true;
}

/* 100 bytes a second: too slow for one, fast enough for another. */
static void
dripping_answer(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, play_drip, NULL);
	f.q.patience = (struct mf_http_patience){.stall_us = 400 * MS, .stall_bytes = 1000};
	fails(&f, MF_HTTP_SLOW, MF_ETRANSFER, "less than 1000 bytes a second");
	f.q.patience.stall_bytes = 5;
	assert_int_equal(mf_http_perform(f.http, &f.q, &f.r, &f.e), 0);
	assert_int_equal(f.r.body.len, 100);
	end(&f);
}

static int
sleepy_sink(void *arg, const struct mf_http_response *r, const void *bytes, size_t n,
    struct mf_error *e)
{
	(void)r;
	(void)bytes;
	(void)n;
	(void)e;
	if ((*(unsigned *)arg)++ == 0)
		http_nap(1200);
	return 0;
}

static bool
play_megabytes(struct http_conn *c, const struct http_seen *q, void *arg)
{
	char piece[4096] = "";
	unsigned i;

	(void)q;
	(void)arg;
	http_say(c, "HTTP/1.1 200 OK\r\nContent-Length: %u\r\n\r\n", 2048 * 4096);
	for (i = 0; i < 2048; i++)
		http_say_bytes(c, piece, sizeof piece);
	return true;
}

/* Time in which our own side does not read is not the server's fault. */
static void
slow_sink_is_no_stall(void **state)
{
	unsigned calls = 0;
	struct fixture f;

	(void)state;
	begin(&f, play_megabytes, NULL);
	f.q.sink = sleepy_sink;
	f.q.sink_arg = &calls;
	f.q.patience = (struct mf_http_patience){.stall_us = 400 * MS};
	assert_int_equal(mf_http_perform(f.http, &f.q, &f.r, &f.e), 0);
	assert_int_equal(f.r.body_bytes, 2048 * 4096);
	end(&f);
}

/* ---- servers that are not there ---- */

static void
not_there(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, play_ok, NULL);
	http_server_stop(f.server);
	fails(&f, MF_HTTP_CONNECT, MF_ETRANSFER, "Connection refused");
	assert_false(f.r.maybe_sent);
	f.server = http_server_start(play_ok, NULL);
	f.q.url = "https://no-such-host.invalid/";
	fails(&f, MF_HTTP_LOOKUP, MF_ETRANSFER, "no-such-host.invalid");
	assert_false(f.r.maybe_sent);
	/* and again, which is what a retry does */
	fails(&f, MF_HTTP_LOOKUP, MF_ETRANSFER, "no-such-host.invalid");
	end(&f);
}

/* It takes the connection, and says nothing to a TLS client. */
static void
connect_timeout(void **state)
{
	char url[64];
	struct fixture f;
	uint64_t start_ms;

	(void)state;
	begin(&f, NULL, NULL);
	(void)snprintf(url, sizeof url, "https://127.0.0.1:%u/", http_server_port(f.server));
	f.q.url = url;
	f.q.patience = (struct mf_http_patience){.connect_us = 300 * MS};
	start_ms = now_ms();
	fails(&f, MF_HTTP_CONNECT, MF_ETRANSFER, "no answer in time");
	assert_in_range(now_ms() - start_ms, 290, 20000);
	assert_false(f.r.maybe_sent);
	end(&f);
}

static bool
play_proxy_says_no(struct http_conn *c, const struct http_seen *q, void *arg)
{
	(void)arg;
	http_say(c, strcmp(q->method, "CONNECT") == 0 ? "HTTP/1.1 403 No\r\n\r\n"
						      : "HTTP/1.1 200 OK\r\n\r\n");
	return false;
}

static void
proxy_failures(void **state)
{
	struct mf_http_params params = {.https_proxy = "http://no-such-proxy.invalid:1"};
	char proxy[64];
	struct fixture f;

	(void)state;
	begin(&f, play_proxy_says_no, NULL);
	mf_http_close(f.http);
	assert_non_null(f.http = mf_http_open(&params, &f.e));
	f.q.url = "https://bucket.example/";
	fails(&f, MF_HTTP_PROXY, MF_ETRANSFER, "bucket.example");
	mf_http_close(f.http);
	(void)snprintf(proxy, sizeof proxy, "127.0.0.1:%u", http_server_port(f.server));
	params.https_proxy = proxy;
	assert_non_null(f.http = mf_http_open(&params, &f.e));
	fails(&f, MF_HTTP_PROXY, MF_ETRANSFER, "403");
	assert_false(f.r.maybe_sent);
	end(&f);
}

/* ---- interruption ---- */

static bool
ask(void *arg)
{
	unsigned *left = arg;

	return (*left)-- == 0;
}

static void
interrupted(void **state)
{
	char nothing[] = "", some[] = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nsome";
	char *texts[] = {nothing, some};
	unsigned left, i;
	struct fixture f;
	uint64_t start_ms;

	(void)state;
	for (i = 0; i < 2; i++) {
		begin(&f, play_silent, texts[i]);
		left = 2;
		f.q.interrupted = ask;
		f.q.interrupted_arg = &left;
		start_ms = now_ms();
		fails(&f, MF_HTTP_CANCELLED, MF_EINTERRUPTED, "interrupted");
		assert_in_range(now_ms() - start_ms, 200, 20000);
		end(&f);
	}
}

static void *
cancel_soon(void *arg)
{
	http_nap(100);
	mf_http_cancel(arg);
	return NULL;
}

static void
cancelled_engine(void **state)
{
	char nothing[] = "";
	struct fixture f;
	pthread_t thread;

	(void)state;
	begin(&f, play_silent, nothing);
	assert_int_equal(pthread_create(&thread, NULL, cancel_soon, f.http), 0);
	fails(&f, MF_HTTP_CANCELLED, MF_EINTERRUPTED, "interrupted");
	pthread_join(thread, NULL);
	fails(&f, MF_HTTP_CANCELLED, MF_EINTERRUPTED, "interrupted");
	assert_false(f.r.maybe_sent);
	end(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(broken_answers),
	    cmocka_unit_test(excess),
	    cmocka_unit_test(huge_heads),
	    cmocka_unit_test(endless_trailers),
	    cmocka_unit_test(head_in_trailers),
	    cmocka_unit_test(absurd_times),
	    cmocka_unit_test(reset_in_the_middle),
	    cmocka_unit_test(dead_connection),
	    cmocka_unit_test(closed_while_idle),
	    cmocka_unit_test(no_answer),
	    cmocka_unit_test(stalled_answer),
	    cmocka_unit_test(stalled_upload),
	    cmocka_unit_test(dripping_answer),
	    cmocka_unit_test(slow_sink_is_no_stall),
	    cmocka_unit_test(not_there),
	    cmocka_unit_test(connect_timeout),
	    cmocka_unit_test(proxy_failures),
	    cmocka_unit_test(interrupted),
	    cmocka_unit_test(cancelled_engine),
	};

	return cmocka_run_group_tests_name("net/http_faults", tests, NULL, NULL);
}
