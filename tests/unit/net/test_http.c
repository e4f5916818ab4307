/* The HTTP engine against a scripted server: what it sends, receives, keeps open and refuses. */
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
#include <unistd.h>

#include <cmocka.h>

#include "src/base/log.h"
#include "src/net/http.h"
#include "tests/unit/net/carriers.h"
#include "tests/unit/net/http_server.h"

#define BIG ((size_t)5 << 20)

struct fixture {
	struct http_server *server;
	struct mf_http *http;
	struct mf_http_response r;
	struct mf_error e;
	char url[128];
};

static uint8_t
pattern(size_t i)
{
	return (uint8_t)(i * 31 + (i >> 8) + (i >> 16));
}

static uint8_t *
make_big(void)
{
	uint8_t *big = malloc(BIG);
	size_t i;

	assert_non_null(big);
	for (i = 0; i < BIG; i++)
		big[i] = pattern(i);
	return big;
}

static bool
is_pattern(const uint8_t *bytes, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (bytes[i] != pattern(i))
			return false;
	return true;
}

static void
begin(struct fixture *f, http_play *play, void *arg)
{
	const struct mf_http_params params = {.net_threads = 1, .pacer = CARRIERS_PACER};

	*f = (struct fixture){.r = MF_HTTP_RESPONSE_INIT};
	f->server = http_server_start(play, arg);
	f->http = mf_http_open(&params, &f->e);
	assert_non_null(f->http);
	(void)snprintf(f->url, sizeof f->url, "http://127.0.0.1:%u/b/key%%20x?list-type=2",
	    http_server_port(f->server));
}

static void
end(struct fixture *f)
{
	mf_http_response_fini(&f->r);
	mf_http_close(f->http);
	http_server_stop(f->server);
}

static int
get(struct fixture *f)
{
	const struct mf_http_request q = {.method = "GET", .url = f->url};

	return mf_http_perform(f->http, &q, &f->r, &f->e);
}

static void
assert_body(const struct fixture *f, const char *text)
{
	assert_int_equal(f->r.body.len, strlen(text));
	assert_memory_equal(f->r.body.data, text, strlen(text));
}

/* ---- heads and bodies ---- */

static bool
play_echo(struct http_conn *c, const struct http_seen *q, void *arg)
{
	char value[64], body[256];
	const size_t n = http_read_body(c, body, sizeof body);

	(void)arg;
	http_say(c,
	    "HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
	    "Retry-After: 7\r\nX-Target: %s\r\nX-Meta: %s\r\nX-Empty: [%s]\r\nX-Method: %s\r\n"
	    "X-Length: %s\r\neTag:   \"abc\"  \r\nContent-Length: %zu\r\n\r\n",
	    q->target, http_seen_header(q, "x-amz-meta-a", value, sizeof value),
	    strstr(q->head, "\r\nx-empty:") != NULL ? "there" : "missing", q->method,
	    strstr(q->head, "\r\nContent-Length:") != NULL ? "there" : "missing", n);
	http_say_bytes(c, body, strcmp(q->method, "HEAD") == 0 ? 0 : n);
	return true;
}

/* The text of the answer: how much of the body came with its head, and the Content-Type. */
static bool
play_with_head(struct http_conn *c, const struct http_seen *q, void *arg)
{
	char value[64], text[128];

	(void)arg;
	(void)snprintf(text, sizeof text, "%zu %s", http_came_with_head(c),
	    http_seen_header(q, "Content-Type", value, sizeof value));
	return http_answer(c, 200, text);
}

static void
small_body_comes_with_its_head(void **state)
{
	static const uint8_t body[4096] = {1};
	const struct mf_http_header type = {"Content-Type", "application/xml"};
	struct fixture f;
	struct mf_http_request q;

	(void)state;
	begin(&f, play_with_head, NULL);
	q = (struct mf_http_request){
	    .method = "PUT", .url = f.url, .body = body, .body_bytes = sizeof body};
	assert_int_equal(mf_http_perform(f.http, &q, &f.r, &f.e), 0);
	assert_body(&f, "4096 ");
	assert_int_equal(f.r.sent_bytes, sizeof body);
	q.headers = &type;
	q.n_headers = 1;
	assert_int_equal(mf_http_perform(f.http, &q, &f.r, &f.e), 0);
	assert_body(&f, "4096 application/xml");
	q.method = "POST";
	assert_int_equal(mf_http_perform(f.http, &q, &f.r, &f.e), 0);
	assert_body(&f, "4096 application/xml");
	q.expect_continue = true; /* it must not */
	q.headers = NULL;
	q.n_headers = 0;
	assert_int_equal(mf_http_perform(f.http, &q, &f.r, &f.e), 0);
	assert_body(&f, "0 ");
	end(&f);
}

/* A limit under which a small body would be a burst: it comes as the pacer lets it. */
static uint64_t
slow_rate(void *arg, enum mf_http_direction direction, uint64_t now_us)
{
	(void)arg;
	(void)now_us;
	return direction == MF_HTTP_UP ? 50000 : 0;
}

struct taken {
	_Atomic uint64_t most;
};

static uint64_t
take(void *arg, enum mf_http_direction direction, uint64_t n, uint64_t now_us)
{
	struct taken *t = arg;

	(void)direction;
	(void)now_us;
	if (n > atomic_load(&t->most))
		atomic_store(&t->most, n);
	return 1;
}

static uint64_t
no_wait(void *arg, enum mf_http_direction direction, uint64_t ticket, uint64_t now_us)
{
	(void)arg;
	(void)direction;
	(void)ticket;
	(void)now_us;
	return 0;
}

static void
small_body_under_a_limit(void **state)
{
	static const uint8_t body[4096] = {1};
	struct taken taken = {0};
	const struct mf_http_params params = {.pacer = {slow_rate, take, no_wait, &taken}};
	struct fixture f;
	struct mf_http_request q;

	(void)state;
	begin(&f, play_with_head, NULL);
	mf_http_close(f.http);
	f.http = mf_http_open(&params, &f.e);
	q = (struct mf_http_request){
	    .method = "PUT", .url = f.url, .body = body, .body_bytes = sizeof body};
	assert_int_equal(mf_http_perform(f.http, &q, &f.r, &f.e), 0);
	assert_int_equal(f.r.status, 200);
	assert_int_equal(f.r.sent_bytes, sizeof body);
	assert_in_range(atomic_load(&taken.most), 1, 1024); /* a slice at most */
	end(&f);
}

static void
one_request(void **state)
{
	const struct mf_http_header headers[] = {{"x-amz-meta-a", "b c"}, {"x-empty", ""}};
	struct fixture f;

	(void)state;
	begin(&f, play_echo, NULL);
	const struct mf_http_request q = {.method = "PUT",
	    .url = f.url,
	    .headers = headers,
	    .n_headers = 2,
	    .body = "hello",
	    .body_bytes = 5};
	assert_int_equal(mf_http_perform(f.http, &q, &f.r, &f.e), 0);
	assert_int_equal(f.r.status, 200);
	assert_body(&f, "hello");
	assert_string_equal(mf_http_response_header(&f.r, "x-target"), "/b/key%20x?list-type=2");
	assert_string_equal(mf_http_response_header(&f.r, "X-META"), "b c");
	assert_string_equal(mf_http_response_header(&f.r, "x-empty"), "[there]");
	assert_string_equal(mf_http_response_header(&f.r, "ETag"), "\"abc\"");
	assert_null(mf_http_response_header(&f.r, "ETa"));
	assert_int_equal(f.r.date_unix_s, 784111777);
	assert_int_equal(f.r.retry_after_s, 7);
	assert_int_equal(f.r.content_length, 5);
	assert_int_equal(f.r.sent_bytes, 5);
	assert_int_equal(f.r.body_bytes, 5);
	assert_int_equal(f.r.failure, MF_HTTP_OK);
	assert_true(f.r.new_connection);
	assert_true(f.r.times.first_byte_us >= f.r.times.connected_us);
	assert_true(f.r.times.total_us >= f.r.times.first_byte_us);
	end(&f);
}

/* Methods, and when a length is announced. */
static void
methods(void **state)
{
	static const struct {
		const char *method;
		const char *length;
	} rows[] = {{"GET", "missing"}, {"DELETE", "missing"}, {"HEAD", "missing"},
	    {"PUT", "there"}, {"POST", "there"}, {"GET", "missing"}, {"PURGE", "missing"}};
	struct fixture f;
	size_t i;

	(void)state;
	begin(&f, play_echo, NULL);
	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const struct mf_http_request q = {.method = rows[i].method, .url = f.url};

		assert_int_equal(mf_http_perform(f.http, &q, &f.r, &f.e), 0);
		assert_string_equal(mf_http_response_header(&f.r, "x-method"), rows[i].method);
		assert_string_equal(mf_http_response_header(&f.r, "x-length"), rows[i].length);
	}
	/* one after the other on one connection, handles and all used again */
	assert_int_equal(http_server_connections(f.server), 1);
	assert_false(f.r.new_connection);
	end(&f);
}

static bool
play_path(struct http_conn *c, const struct http_seen *q, void *arg)
{
	(void)arg;
	return http_answer(c, 200, q->target);
}

/* Neither dots nor slashes nor escapes are touched: they are part of a key, and signed. */
static void
path_as_is(void **state)
{
	static const char *const targets[] = {"/b/../a/./c//d", "/%2e%2E/x", "/a?b", "/a?", "/",
	    "/a%2Fb+c%2B?prefix=a%2Fb&x=%7E", "/b/*'()!,;:@&=$"};
	struct fixture f;
	char url[256];
	size_t i;

	(void)state;
	begin(&f, play_path, NULL);
	for (i = 0; i < sizeof targets / sizeof targets[0]; i++) {
		const struct mf_http_request q = {.method = "GET", .url = url};

		(void)snprintf(url, sizeof url, "http://127.0.0.1:%u%s", http_server_port(f.server),
		    targets[i]);
		assert_int_equal(mf_http_perform(f.http, &q, &f.r, &f.e), 0);
		assert_body(&f, targets[i]);
	}
	end(&f);
}

static bool
play_chunked(struct http_conn *c, const struct http_seen *q, void *arg)
{
	(void)q;
	(void)arg;
	http_say(c, "HTTP/1.1 100 Continue\r\nX-Interim: yes\r\n\r\n");
	http_say(c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-After\r\n\r\n");
	http_say(c, "5\r\nhello\r\n");
	http_nap(20);
	http_say(c, "7\r\n, world\r\n0\r\nX-After: late\r\n\r\n");
	return true;
}

static void
chunked(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, play_chunked, NULL);
	assert_int_equal(get(&f), 0);
	assert_body(&f, "hello, world");
	assert_int_equal(f.r.content_length, -1);
	assert_null(mf_http_response_header(&f.r, "x-interim"));
	assert_null(mf_http_response_header(&f.r, "x-after"));
	assert_int_equal(get(&f), 0);
	assert_int_equal(http_server_connections(f.server), 1);
	end(&f);
}

static bool
play_store(struct http_conn *c, const struct http_seen *q, void *arg)
{
	uint8_t *kept = arg;
	const size_t n = http_read_body(c, kept, BIG);

	if (strcmp(q->method, "PUT") == 0)
		return http_answer(c, n == q->content_length ? 200 : 400, "");
	http_say(c, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", BIG);
	http_say_bytes(c, kept, BIG);
	return true;
}

static void
big_bodies(void **state)
{
	uint8_t *sent = make_big(), *kept = calloc(1, BIG);
	struct fixture f;

	(void)state;
	begin(&f, play_store, kept);
	const struct mf_http_request put = {.method = "PUT",
	    .url = f.url,
	    .body = sent,
	    .body_bytes = BIG};
	const struct mf_http_request get_big = {.method = "GET",
	    .url = f.url,
	    .max_body_bytes = BIG};
	assert_int_equal(mf_http_perform(f.http, &put, &f.r, &f.e), 0);
	assert_int_equal(f.r.status, 200);
	assert_int_equal(f.r.sent_bytes, BIG);
	assert_int_equal(mf_http_perform(f.http, &get_big, &f.r, &f.e), 0);
	assert_int_equal(f.r.body.len, BIG);
	assert_true(is_pattern(f.r.body.data, BIG));
	assert_true(f.r.body.capacity < BIG + BIG / 4); /* taken once, not grown into */
	/* one byte less allowed is too few, whether announced or not */
	const struct mf_http_request small = {.method = "GET",
	    .url = f.url,
	    .max_body_bytes = BIG - 1};
	assert_int_equal(mf_http_perform(f.http, &small, &f.r, &f.e), -1);
	assert_int_equal(f.r.failure, MF_HTTP_LARGE);
	assert_int_equal(f.e.code, MF_ETRANSFER);
	assert_int_equal(f.r.status, 200);
	assert_true(f.r.body.len < BIG);
	end(&f);
	free(sent);
	free(kept);
}

/* ---- the sink ---- */

struct sink {
	size_t n;
	size_t fail_at; /* 0: never */
	unsigned nap_ms;
	unsigned bad;
	pthread_t caller;
};

static int
take_piece(void *arg, const struct mf_http_response *r, const void *bytes, size_t n,
    struct mf_error *e)
{
	struct sink *s = arg;
	const uint8_t *b = bytes;
	size_t i;

	if (r->status != 200 || r->content_length != (int64_t)BIG ||
	    !pthread_equal(s->caller, pthread_self()))
		s->bad++;
	for (i = 0; i < n; i++)
		s->bad += b[i] != pattern(s->n + i);
	s->n += n;
	http_nap(s->nap_ms);
	if (s->fail_at != 0 && s->n >= s->fail_at)
		return mf_error_set(e, MF_ENOSPC, "the sink is full");
	return 0;
}

static void
sink_takes_all(void **state)
{
	uint8_t *big = make_big();
	struct fixture f;
	struct sink s = {.caller = pthread_self(), .nap_ms = 1};

	(void)state;
	begin(&f, play_store, big);
	const struct mf_http_request q = {.method = "GET",
	    .url = f.url,
	    .sink = take_piece,
	    .sink_arg = &s,
	    .window_bytes = 1};
	assert_int_equal(mf_http_perform(f.http, &q, &f.r, &f.e), 0);
	assert_int_equal(s.n, BIG);
	assert_int_equal(s.bad, 0);
	assert_int_equal(f.r.body.len, 0);
	assert_int_equal(f.r.body_bytes, BIG);
	end(&f);
	free(big);
}

static void
sink_fails(void **state)
{
	uint8_t *big = make_big();
	struct fixture f;
	struct sink s = {.caller = pthread_self(), .fail_at = 300000};

	(void)state;
	begin(&f, play_store, big);
	const struct mf_http_request q = {.method = "GET",
	    .url = f.url,
	    .sink = take_piece,
	    .sink_arg = &s};
	assert_int_equal(mf_http_perform(f.http, &q, &f.r, &f.e), -1);
	assert_int_equal(f.e.code, MF_ENOSPC);
	assert_string_equal(f.e.message, "the sink is full");
	assert_int_equal(f.r.failure, MF_HTTP_REFUSED);
	assert_true(s.n < BIG);
	assert_int_equal(get(&f), -1); /* too large for the default, and the engine still works */
	end(&f);
	free(big);
}

struct backpressure {
	uint8_t *big;
	_Atomic size_t said;
};

static bool
play_counting(struct http_conn *c, const struct http_seen *q, void *arg)
{
	struct backpressure *b = arg;
	size_t at;

	(void)q;
	http_say(c, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", 8 * BIG);
	for (at = 0; at < 8 * BIG; at += 65536) {
		http_say_bytes(c, b->big, 65536);
		b->said = at;
	}
	return true;
}

static int
wait_a_while(void *arg, const struct mf_http_response *r, const void *bytes, size_t n,
    struct mf_error *e)
{
	struct backpressure *b = arg;
	size_t before;

	(void)r;
	(void)bytes;
	(void)n;
	do { /* until nothing moves any more */
		before = b->said;
		http_nap(200);
	} while (before != b->said);
	/* what a kernel may hold on both sides, and 1 MiB: far from all */
	assert_true(b->said < 4 * BIG);
	return mf_error_set(e, MF_EFAIL, "seen enough");
}

/* A sink that blocks stops the server. */
static void
sink_holds_back(void **state)
{
	struct backpressure b = {.big = make_big()};
	struct fixture f;

	(void)state;
	begin(&f, play_counting, &b);
	const struct mf_http_request q = {.method = "GET",
	    .url = f.url,
	    .sink = wait_a_while,
	    .sink_arg = &b};
	assert_int_equal(mf_http_perform(f.http, &q, &f.r, &f.e), -1);
	assert_string_equal(f.e.message, "seen enough");
	end(&f);
	free(b.big);
}

static bool
play_error(struct http_conn *c, const struct http_seen *q, void *arg)
{
	(void)q;
	(void)arg;
	return http_answer(c, 503, "<Code>SlowDown</Code>");
}

static void
errors_bypass_the_sink(void **state)
{
	struct fixture f;
	struct sink s = {.caller = pthread_self()};

	(void)state;
	begin(&f, play_error, NULL);
	const struct mf_http_request q = {.method = "GET",
	    .url = f.url,
	    .sink = take_piece,
	    .sink_arg = &s,
	    .max_body_bytes = 4};
	assert_int_equal(mf_http_perform(f.http, &q, &f.r, &f.e), 0);
	assert_int_equal(f.r.status, 503);
	assert_body(&f, "<Code>SlowDown</Code>");
	assert_int_equal(s.n, 0);
	end(&f);
}

/* ---- signing, redirects, 100-continue ---- */

static int
sign_it(void *arg, struct mf_http_signing *s, struct mf_error *e)
{
	char *out = arg;

	(void)snprintf(out, 256, "%s %s %s %s", s->method, s->authority, s->url->path,
	    mf_http_headers_get(s->headers, "X-Amz-Meta-A"));
	s->target = "/signed%20path?X=1";
	return mf_http_headers_add(s->headers, "x-amz-meta-a", "from the signer", e);
}

static int
cannot_sign(void *arg, struct mf_http_signing *s, struct mf_error *e)
{
	(void)arg;
	(void)s;
	return mf_error_set(e, MF_EKEY, "no credentials");
}

static void
signer(void **state)
{
	const struct mf_http_header headers[] = {{"X-AMZ-Meta-A", "own"}};
	char seen[256], expected[256];
	struct fixture f;

	(void)state;
	begin(&f, play_echo, NULL);
	struct mf_http_request q = {.method = "GET",
	    .url = f.url,
	    .headers = headers,
	    .n_headers = 1,
	    .sign = sign_it,
	    .sign_arg = seen};
	assert_int_equal(mf_http_perform(f.http, &q, &f.r, &f.e), 0);
	(void)snprintf(expected, sizeof expected, "GET 127.0.0.1:%u /b/key%%20x own",
	    http_server_port(f.server));
	assert_string_equal(seen, expected);
	assert_string_equal(mf_http_response_header(&f.r, "x-target"), "/signed%20path?X=1");
	q.sign = cannot_sign;
	assert_int_equal(mf_http_perform(f.http, &q, &f.r, &f.e), -1);
	assert_int_equal(f.e.code, MF_EKEY);
	assert_int_equal(f.r.failure, MF_HTTP_REFUSED);
	assert_int_equal(http_server_requests(f.server), 1);
	end(&f);
}

static bool
play_redirect(struct http_conn *c, const struct http_seen *q, void *arg)
{
	(void)q;
	(void)arg;
	http_say(c, "HTTP/1.1 307 Elsewhere\r\nLocation: http://127.0.0.1:9/\r\n"
		    "Content-Length: 0\r\n\r\n");
	return true;
}

static void
redirect_is_returned(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, play_redirect, NULL);
	assert_int_equal(get(&f), 0);
	assert_int_equal(f.r.status, 307);
	assert_string_equal(mf_http_response_header(&f.r, "Location"), "http://127.0.0.1:9/");
	assert_int_equal(http_server_requests(f.server), 1);
	end(&f);
}

static bool
play_continue(struct http_conn *c, const struct http_seen *q, void *arg)
{
	char value[64];

	(void)arg;
	http_seen_header(q, "Expect", value, sizeof value);
	if (strcmp(q->target, "/refuse") == 0) {
		http_say(c, "HTTP/1.1 503 No\r\nContent-Length: 0\r\nX-Expect: %s\r\n\r\n", value);
		return false;
	}
	if (value[0] != '\0')
		http_say(c, "HTTP/1.1 100 Continue\r\n\r\n");
	return http_answer(c, 200, value);
}

static void
expect_continue(void **state)
{
	uint8_t *big = make_big();
	char url[128];
	struct fixture f;

	(void)state;
	begin(&f, play_continue, NULL);
	struct mf_http_request q = {.method = "PUT", .url = f.url, .body = big, .body_bytes = BIG};
	assert_int_equal(mf_http_perform(f.http, &q, &f.r, &f.e), 0);
	assert_body(&f, ""); /* never by itself, however large the body */
	q.expect_continue = true;
	assert_int_equal(mf_http_perform(f.http, &q, &f.r, &f.e), 0);
	assert_body(&f, "100-continue");
	assert_int_equal(f.r.sent_bytes, BIG);
	(void)snprintf(url, sizeof url, "http://127.0.0.1:%u/refuse", http_server_port(f.server));
	q.url = url;
	assert_int_equal(mf_http_perform(f.http, &q, &f.r, &f.e), 0);
	assert_int_equal(f.r.status, 503);
	assert_int_equal(f.r.sent_bytes, 0);
	end(&f);
	free(big);
}

/* ---- many at once ---- */

struct many {
	struct fixture *f;
	_Atomic unsigned failed;
};

#define MANY_THREADS 24
#define MANY_REQUESTS 20

static void *
run_many(void *arg)
{
	struct many *m = arg;
	struct mf_http_response r = MF_HTTP_RESPONSE_INIT;
	const struct mf_http_request q = {.method = "PUT",
	    .url = m->f->url,
	    .body = "body",
	    .body_bytes = 4};
	struct mf_error e;
	unsigned i;

	for (i = 0; i < MANY_REQUESTS; i++)
		if (mf_http_perform(m->f->http, &q, &r, &e) != 0 || r.status != 200 ||
		    r.body.len != 4 || memcmp(r.body.data, "body", 4) != 0)
			m->failed++;
	mf_http_response_fini(&r);
	return NULL;
}

static void
parallel(void **state)
{
	const struct mf_http_params params = {.net_threads = 3, .pacer = CARRIERS_PACER};
	pthread_t threads[MANY_THREADS];
	struct fixture f;
	struct many m = {.f = &f};
	unsigned i;

	(void)state;
	begin(&f, play_echo, NULL);
	mf_http_close(f.http);
	assert_non_null(f.http = mf_http_open(&params, &f.e));
	for (i = 0; i < MANY_THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, run_many, &m), 0);
	for (i = 0; i < MANY_THREADS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(m.failed, 0);
	assert_int_equal(http_server_requests(f.server), MANY_THREADS * MANY_REQUESTS);
	/* each thread's connections are used again: far fewer than requests */
	assert_true(http_server_connections(f.server) <= 3 * MANY_THREADS);
	end(&f);
}

/* ---- what is refused before anything is sent ---- */

static void
refuse(struct fixture *f, const struct mf_http_request *q, const char *message)
{
	assert_int_equal(mf_http_perform(f->http, q, &f->r, &f->e), -1);
	assert_int_equal(f->e.code, MF_EUSAGE);
	assert_int_equal(f->r.failure, MF_HTTP_REFUSED);
	assert_false(f->r.maybe_sent);
	if (strstr(f->e.message, message) == NULL)
		fail_msg("'%s' says nothing of '%s'", f->e.message, message);
	assert_null(strstr(f->e.message, "secret"));
}

static void
refusals(void **state)
{
	static const struct {
		struct mf_http_header header;
		const char *message;
	} headers[] = {{{"X-A", "secret\r\nX-B: c"}, "header X-A has a control character"},
	    {{"X-A", "secret\nb"}, "control character"}, {{"X-A", "\x7fsecret"}, "control"},
	    {{"X A", "secret"}, "not a token"}, {{"", "secret"}, "not a token"},
	    {{"X-A: b\r\nX-B", "secret"}, "not a token"}, {{"Host", "secret"}, "Host"},
	    {{"content-length", "secret"}, "content-length"},
	    {{"Transfer-Encoding", "secret"}, "Transfer-Encoding"},
	    {{"expect", "secret"}, "expect"}};
	static const struct {
		const char *method;
		const char *url;
		const char *message;
	} lines[] = {{"GET", "http://example.com/?secret", "http://example.com is not encrypted"},
	    {"GET", "http://10.0.0.1/", "not encrypted"}, {"GET", "ftp://127.0.0.1/", "https://"},
	    {"GET", "http://u:secret@127.0.0.1/", "user or password"},
	    {"GET", "file:///etc/passwd", "http"}, {"G T", "http://127.0.0.1/", "method"},
	    {"GET", "http://127.0.0.1/a b", "percent-encoded"},
	    {"GET", "http://127.0.0.1/?secret\r\nX: y", "percent-encoded"}};
	struct fixture f;
	size_t i;

	(void)state;
	begin(&f, play_echo, NULL);
	for (i = 0; i < sizeof headers / sizeof headers[0]; i++) {
		const struct mf_http_request q = {.method = "GET",
		    .url = f.url,
		    .headers = &headers[i].header,
		    .n_headers = 1};

		refuse(&f, &q, headers[i].message);
	}
	for (i = 0; i < sizeof lines / sizeof lines[0]; i++) {
		const struct mf_http_request q = {.method = lines[i].method, .url = lines[i].url};

		refuse(&f, &q, lines[i].message);
	}
	assert_int_equal(http_server_connections(f.server), 0);
	end(&f);
}

static void
bad_params(void **state)
{
	static const struct {
		struct mf_http_params params;
		const char *message;
	} rows[] = {{{.net_threads = 65}, "at most 64"},
	    {{.ca_file = "/no/such/ca.pem"}, "/no/such/ca.pem"},
	    {{.https_proxy = "ftp://u:secret@proxy"}, "proxy"},
	    {{.http_proxy = "http://pro xy"}, "blank"}};
	struct mf_error e;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		assert_null(mf_http_open(&rows[i].params, &e));
		assert_int_equal(e.code, MF_EUSAGE);
		assert_non_null(strstr(e.message, rows[i].message));
		assert_null(strstr(e.message, "secret"));
	}
	mf_http_close(NULL);
}

/* ---- the proxy is what the parameters say ---- */

static void
proxies(void **state)
{
	struct fixture f;
	char proxy[64];

	(void)state;
	(void)setenv("http_proxy", "http://127.0.0.1:1", 1); /* must not matter */
	(void)setenv("ALL_PROXY", "http://127.0.0.1:1", 1);
	begin(&f, play_path, NULL);
	assert_int_equal(get(&f), 0);
	(void)snprintf(proxy, sizeof proxy, "http://u:p@127.0.0.1:%u", http_server_port(f.server));
	const struct mf_http_params params = {.http_proxy = proxy,
	    .allow_http = true,
	    .no_proxy = "direct.example"};
	mf_http_close(f.http);
	assert_non_null(f.http = mf_http_open(&params, &f.e));
	const struct mf_http_request q = {.method = "GET", .url = "http://bucket.example/a/../b"};
	assert_int_equal(mf_http_perform(f.http, &q, &f.r, &f.e), 0);
	assert_body(&f, "http://bucket.example/a/../b");
	assert_int_equal(get(&f), 0); /* loopback is never behind a proxy */
	assert_body(&f, "/b/key%20x?list-type=2");
	const struct mf_http_request direct = {.method = "GET", .url = "http://direct.example:1/"};
	assert_int_equal(mf_http_perform(f.http, &direct, &f.r, &f.e), -1);
	assert_int_equal(f.r.failure, MF_HTTP_LOOKUP);
	(void)unsetenv("http_proxy");
	(void)unsetenv("ALL_PROXY");
	end(&f);
}

/* ---- logs ---- */

static void
log_has_no_secrets(void **state)
{
	const struct mf_http_header headers[] = {{"Authorization", "Bearer secret1"}};
	char text[4096], url[160], name[] = "/tmp/mf-net-log-XXXXXX";
	const int fd = mkstemp(name);
	struct mf_log_params log = {.level = MF_LOG_DEBUG, .fd = fd};
	struct fixture f;
	long n;

	(void)state;
	assert_true(fd >= 0);
	(void)remove(name);
	begin(&f, play_echo, NULL);
	mf_log_configure(&log);
	(void)snprintf(url, sizeof url, "http://127.0.0.1:%u/key?X-Amz-Signature=secret2",
	    http_server_port(f.server));
	struct mf_http_request q = {.method = "PUT",
	    .url = url,
	    .headers = headers,
	    .n_headers = 1,
	    .body = "secret3",
	    .body_bytes = 7};
	assert_int_equal(mf_http_perform(f.http, &q, &f.r, &f.e), 0);
	q.hide_path = true;
	assert_int_equal(mf_http_perform(f.http, &q, &f.r, &f.e), 0);
	log = (struct mf_log_params){.level = MF_LOG_INFO, .fd = -1};
	mf_log_configure(&log);
	n = (long)pread(fd, text, sizeof text - 1, 0);
	assert_true(n > 0);
	text[n] = '\0';
	assert_null(strstr(text, "secret"));
	assert_non_null(strstr(text, "method=PUT host=127.0.0.1:"));
	assert_non_null(strstr(text, "path=/key attempt=1 status=200"));
	assert_non_null(strstr(text, "path=(hidden)"));
	(void)close(fd);
	end(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(one_request),
	    cmocka_unit_test(small_body_comes_with_its_head),
	    cmocka_unit_test(small_body_under_a_limit),
	    cmocka_unit_test(methods),
	    cmocka_unit_test(path_as_is),
	    cmocka_unit_test(chunked),
	    cmocka_unit_test(big_bodies),
	    cmocka_unit_test(sink_takes_all),
	    cmocka_unit_test(sink_fails),
	    cmocka_unit_test(sink_holds_back),
	    cmocka_unit_test(errors_bypass_the_sink),
	    cmocka_unit_test(signer),
	    cmocka_unit_test(redirect_is_returned),
	    cmocka_unit_test(expect_continue),
	    cmocka_unit_test(parallel),
	    cmocka_unit_test(refusals),
	    cmocka_unit_test(bad_params),
	    cmocka_unit_test(proxies),
	    cmocka_unit_test(log_has_no_secrets),
	};

	return cmocka_run_group_tests_name("net/http", tests, NULL, NULL);
}
