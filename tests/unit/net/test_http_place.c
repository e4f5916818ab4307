/* Answers that the engine puts where the caller wants them, or hands out in pieces as large as they
 * are wanted: in order and whole, however the two threads meet, and never past the end. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "src/net/http.h"
#include "tests/unit/net/http_server.h"

#define BODY ((size_t)1 << 20)
#define BEHIND 64 /* bytes that nobody may touch */
#define ROUNDS 60

static uint8_t body[BODY];

static void
make_body(void)
{
	size_t i;

	for (i = 0; i < BODY; i++)
		body[i] = (uint8_t)(i * 31 + (i >> 8) + (i >> 16));
}

/* What a server does: naps between bursts, and the body's end before its time. */
struct script {
	size_t burst;
	unsigned nap_every; /* 0: never */
	unsigned nap_ms;    /* 0: 1 */
	size_t ends_at;
};

static bool
play(struct http_conn *c, const struct http_seen *q, void *arg)
{
	const struct script *s = arg;
	size_t at, n;
	unsigned i = 0;

	(void)q;
	http_say(c, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", BODY);
	for (at = 0; at < s->ends_at; at += n) {
		n = s->ends_at - at < s->burst ? s->ends_at - at : s->burst;
		http_say_bytes(c, body + at, n);
		if (s->nap_every != 0 && ++i % s->nap_every == 0)
			http_nap(s->nap_ms > 0 ? s->nap_ms : 1);
	}
	return s->ends_at == BODY;
}

struct keeper {
	uint8_t *out; /* BODY and BEHIND bytes */
	size_t len;   /* through the sink */
	struct mf_http_place place;
	size_t place_less; /* the place is so much too small */
	unsigned nap_ms;   /* in the first call */
	unsigned calls;
	bool no_place;
	size_t window, piece;
	bool ended;    /* by a piece that is no whole one */
	unsigned less; /* pieces before that one that were shorter */
	unsigned nap_each_ms;
};

/* A piece is as large and lies as was asked for; what does not, is the last. */
static void
look_at_piece(struct keeper *k, const void *bytes, size_t n)
{
	assert_true(n > 0 && n <= k->window);
	assert_false(k->ended);
	assert_int_equal((uintptr_t)bytes % MF_HTTP_WINDOW_ALIGN, 0);
	k->ended = n % MF_HTTP_WINDOW_ALIGN != 0;
	k->less += n < k->piece && !k->ended;
	http_nap(k->nap_each_ms);
}

static int
keep(void *arg, const struct mf_http_response *r, const void *bytes, size_t n, struct mf_error *e)
{
	struct keeper *k = arg;

	(void)r;
	(void)e;
	assert_true(n <= BODY - k->len);
	if (k->piece > 0)
		look_at_piece(k, bytes, n);
	memcpy(k->out + k->len, bytes, n);
	k->len += n;
	if (k->calls++ > 0 || k->no_place)
		return 0;
	http_nap(k->nap_ms);
	k->place =
	    (struct mf_http_place){.at = k->out + k->len, .n = BODY - k->len - k->place_less};
	return 0;
}

static int
fetch(struct script *s, struct keeper *k, struct mf_http_response *r, struct mf_error *e)
{
	const struct mf_http_params params = {.net_threads = 1};
	struct http_server *server = http_server_start(play, s);
	struct mf_http *http = mf_http_open(&params, e);
	char url[64];
	int rc;

	assert_non_null(http);
	(void)snprintf(url, sizeof url, "http://127.0.0.1:%u/b/key", http_server_port(server));
	const struct mf_http_request q = {.method = "GET",
	    .url = url,
	    .sink = keep,
	    .sink_arg = k,
	    .place = &k->place,
	    .window_bytes = k->window,
	    .piece_bytes = k->piece};
	k->out = malloc(BODY + BEHIND);
	assert_non_null(k->out);
	memset(k->out, 0xa5, BODY + BEHIND);
	rc = mf_http_perform(http, &q, r, e);
	mf_http_close(http);
	http_server_stop(server);
	return rc;
}

static void
assert_untouched(const uint8_t *at, size_t n)
{
	for (; n > 0; n--)
		assert_int_equal(*at++, 0xa5);
}

static void
done(struct keeper *k, struct mf_http_response *r)
{
	free(k->out);
	mf_http_response_fini(r);
}

/* The sink's first call is as long as a burst takes, or much shorter, or much longer: what lies in
 * the window when the place is named is none, some or all that fits. */
static void
whole_in_order(void **state)
{
	unsigned i;

	(void)state;
	for (i = 0; i < ROUNDS; i++) {
		struct script s = {
		    .burst = 700 + 1777 * (i % 20), .nap_every = i % 7, .ends_at = BODY};
		struct keeper k = {.nap_ms = i % 3};
		struct mf_http_response r = MF_HTTP_RESPONSE_INIT;
		struct mf_error e;

		assert_int_equal(fetch(&s, &k, &r, &e), 0);
		assert_int_equal(k.len + k.place.filled, BODY);
		assert_true(k.place.filled > 0);
		assert_memory_equal(k.out, body, BODY);
		assert_untouched(k.out + BODY, BEHIND);
		assert_int_equal(r.body_bytes, BODY);
		done(&k, &r);
	}
}

static void
without_a_place(void **state)
{
	struct script s = {.burst = 65536, .ends_at = BODY};
	struct keeper k = {.no_place = true};
	struct mf_http_response r = MF_HTTP_RESPONSE_INIT;
	struct mf_error e;

	(void)state;
	assert_int_equal(fetch(&s, &k, &r, &e), 0);
	assert_int_equal(k.len, BODY);
	assert_int_equal(k.place.filled, 0);
	assert_memory_equal(k.out, body, BODY);
	done(&k, &r);
}

static void
never_past_its_end(void **state)
{
	struct script s = {.burst = 65536, .ends_at = BODY};
	struct keeper k = {.place_less = 3};
	struct mf_http_response r = MF_HTTP_RESPONSE_INIT;
	struct mf_error e;

	(void)state;
	assert_int_equal(fetch(&s, &k, &r, &e), -1);
	assert_int_equal(r.failure, MF_HTTP_PROTOCOL);
	assert_int_equal(e.code, MF_ETRANSFER);
	assert_untouched(k.out + BODY - 3, 3 + BEHIND);
	done(&k, &r);
}

static void
cut_off(void **state)
{
	struct script s = {.burst = 10000, .ends_at = BODY / 2 + 7};
	struct keeper k = {.nap_ms = 0};
	struct mf_http_response r = MF_HTTP_RESPONSE_INIT;
	struct mf_error e;

	(void)state;
	assert_int_equal(fetch(&s, &k, &r, &e), -1);
	assert_int_equal(r.failure, MF_HTTP_SHORT);
	assert_int_equal(k.len + k.place.filled, r.body_bytes);
	assert_memory_equal(k.out, body, k.len + k.place.filled);
	assert_untouched(k.out + k.len + k.place.filled, BODY - k.len - k.place.filled);
	done(&k, &r);
}

/* However the server sends, and however slow the sink is; also where the body breaks off, within a
 * piece or at its end. */
static void
in_whole_pieces(void **state)
{
	static const size_t ends[] = {BODY, BODY / 2 + 7, MF_HTTP_WINDOW_ALIGN, 5};
	unsigned i;

	(void)state;
	for (i = 0; i < ROUNDS; i++) {
		struct script s = {
		    .burst = 700 + 7777 * (i % 20), .nap_every = i % 7, .ends_at = ends[i % 4]};
		struct keeper k = {.no_place = true,
		    .piece = MF_HTTP_WINDOW_ALIGN,
		    .window = MF_HTTP_WINDOW_ALIGN * (2 + i % 5),
		    .nap_each_ms = i % 3};
		struct mf_http_response r = MF_HTTP_RESPONSE_INIT;
		struct mf_error e;
		const int rc = fetch(&s, &k, &r, &e);

		assert_int_equal(rc, s.ends_at == BODY ? 0 : -1);
		if (rc != 0)
			assert_int_equal(r.failure, MF_HTTP_SHORT);
		assert_int_equal(k.len, s.ends_at);
		assert_int_equal(k.len, r.body_bytes);
		assert_memory_equal(k.out, body, k.len);
		assert_true(k.calls <= k.len / k.piece + 1);
		assert_int_equal(k.less, 0);
		done(&k, &r);
	}
}

/* Where a piece takes long to fill, what there is of it comes before: here 300 KiB a quarter of a
 * second. */
static void
slowly_in_parts_of_pieces(void **state)
{
	struct script s = {.burst = 300 << 10, .nap_every = 1, .nap_ms = 250, .ends_at = BODY};
	struct keeper k = {.no_place = true, .piece = 512 << 10, .window = 1 << 20};
	struct mf_http_response r = MF_HTTP_RESPONSE_INIT;
	struct mf_error e;

	(void)state;
	assert_int_equal(fetch(&s, &k, &r, &e), 0);
	assert_int_equal(k.len, BODY);
	assert_memory_equal(k.out, body, BODY);
	assert_true(k.less >= 1);
	done(&k, &r);
}

static void
no_such_pieces(void **state)
{
	static const struct {
		size_t window, piece;
	} cases[] = {{0, 256 << 10}, {1 << 20, (512 << 10) + 1}, {1 << 20, 3 << 16},
	    {1 << 20, 32 << 10}, {1 << 20, 1 << 20}};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct script s = {.burst = 10000, .ends_at = BODY};
		struct keeper k = {
		    .no_place = true, .window = cases[i].window, .piece = cases[i].piece};
		struct mf_http_response r = MF_HTTP_RESPONSE_INIT;
		struct mf_error e;

		assert_int_equal(fetch(&s, &k, &r, &e), -1);
		assert_int_equal(e.code, MF_EUSAGE);
		assert_int_equal(k.calls, 0);
		done(&k, &r);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(whole_in_order),
	    cmocka_unit_test(in_whole_pieces),
	    cmocka_unit_test(slowly_in_parts_of_pieces),
	    cmocka_unit_test(no_such_pieces),
	    cmocka_unit_test(without_a_place),
	    cmocka_unit_test(never_past_its_end),
	    cmocka_unit_test(cut_off),
	};

	make_body();
	return cmocka_run_group_tests_name("net/http, places", tests, NULL, NULL);
}
