/* Whom the HTTP engine trusts over TLS. */
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
#include "tests/unit/net/certificates.h"
#include "tests/unit/net/http_server.h"

#define DAY 86400

struct fixture {
	struct certificates certs;
	struct http_server *server;
	struct mf_http *http;
	struct mf_http_response r;
	struct mf_error e;
	char url[64];
};

static bool
play_ok(struct http_conn *c, const struct http_seen *q, void *arg)
{
	(void)q;
	(void)arg;
	return http_answer(c, 200, "fine");
}

static void
open_client(struct fixture *f, const struct mf_http_params *params)
{
	mf_http_close(f->http);
	assert_non_null(f->http = mf_http_open(params, &f->e));
}

static void
begin(struct fixture *f, const char *subject_alt_name, long begin_s, long end_s, http_play *play)
{
	*f = (struct fixture){.r = MF_HTTP_RESPONSE_INIT};
	certificates_make(&f->certs, "test authority", subject_alt_name, begin_s, end_s);
	f->server = http_server_start_tls(play, NULL, f->certs.cert, f->certs.key);
	(void)snprintf(f->url, sizeof f->url, "https://127.0.0.1:%u/", http_server_port(f->server));
	const struct mf_http_params params = {.ca_file = f->certs.ca};
	open_client(f, &params);
}

static void
end(struct fixture *f)
{
	mf_http_response_fini(&f->r);
	mf_http_close(f->http);
	http_server_stop(f->server);
	certificates_remove(&f->certs);
}

static int
get(struct fixture *f)
{
	const struct mf_http_header header = {"Authorization", "Bearer secret"};
	const struct mf_http_request q = {.method = "GET",
	    .url = f->url,
	    .headers = &header,
	    .n_headers = 1};

	return mf_http_perform(f->http, &q, &f->r, &f->e);
}

/* Refused, for good, and the server has not seen a byte of the request. */
static void
assert_distrust(struct fixture *f)
{
	assert_int_equal(get(f), -1);
	if (f->r.failure != MF_HTTP_CERTIFICATE)
		fail_msg("%s", f->e.message);
	assert_int_equal(f->e.code, MF_EPERM);
	assert_false(mf_error_row(f->e.code)->retryable);
	assert_non_null(strstr(f->e.message, "cannot trust the certificate of 127.0.0.1"));
	assert_non_null(strstr(f->e.hint, "--ca-file"));
	assert_false(f->r.maybe_sent);
	assert_int_equal(http_server_requests(f->server), 0);
}

static void
right_authority(void **state)
{
	struct fixture f;
	unsigned i;

	(void)state;
	begin(&f, "IP:127.0.0.1,DNS:localhost", -DAY, DAY, play_ok);
	for (i = 0; i < 3; i++) {
		assert_int_equal(get(&f), 0);
		assert_int_equal(f.r.status, 200);
	}
	assert_int_equal(http_server_connections(f.server), 1);
	(void)snprintf(f.url, sizeof f.url, "https://localhost:%u/", http_server_port(f.server));
	assert_int_equal(get(&f), 0);
	end(&f);
}

static void
unknown_authority(void **state)
{
	const struct mf_http_params system_store = {.net_threads = 1};
	struct mf_http_params params = {.net_threads = 1};
	struct certificates other;
	struct fixture f;

	(void)state;
	begin(&f, "IP:127.0.0.1", -DAY, DAY, play_ok);
	open_client(&f, &system_store);
	assert_distrust(&f);
	certificates_make(&other, "other authority", "IP:127.0.0.1", -DAY, DAY);
	params.ca_file = other.ca;
	open_client(&f, &params);
	assert_distrust(&f);
	params.ca_file = f.certs.key;
	assert_null(mf_http_open(&params, &f.e));
	assert_int_equal(f.e.code, MF_EUSAGE);
	assert_non_null(strstr(f.e.message, "holds no certificate"));
	certificates_remove(&other);
	end(&f);
}

/* Only an engine that was told not to look takes what another refuses. */
static void
unverified_on_demand(void **state)
{
	const struct mf_http_params unverified = {.unverified = true};
	const struct mf_http_params verified = {.net_threads = 1};
	struct fixture f;

	(void)state;
	begin(&f, "DNS:another.example", -2 * DAY, -DAY, play_ok);
	open_client(&f, &verified);
	assert_distrust(&f);
	open_client(&f, &unverified);
	assert_int_equal(get(&f), 0);
	assert_int_equal(f.r.status, 200);
	end(&f);
}

/* An authority that was made anew under its old name: the key decides. */
static void
authority_of_same_name(void **state)
{
	struct mf_http_params params = {.net_threads = 1};
	struct certificates other;
	struct fixture f;

	(void)state;
	begin(&f, "IP:127.0.0.1", -DAY, DAY, play_ok);
	certificates_make(&other, "test authority", "IP:127.0.0.1", -DAY, DAY);
	params.ca_file = other.ca;
	open_client(&f, &params);
	assert_int_equal(get(&f), -1);
	assert_true(f.r.failure == MF_HTTP_TLS || f.r.failure == MF_HTTP_CERTIFICATE);
	assert_non_null(strstr(f.e.hint, "--ca-file"));
	assert_false(f.r.maybe_sent);
	assert_int_equal(http_server_requests(f.server), 0);
	certificates_remove(&other);
	end(&f);
}

static void
wrong_host(void **state)
{
	static const char *const names[] = {"DNS:other.example", "IP:127.0.0.2", "DNS:127.0.0.1"};
	struct fixture f;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof names / sizeof names[0]; i++) {
		begin(&f, names[i], -DAY, DAY, play_ok);
		assert_distrust(&f);
		end(&f);
	}
}

static void
wrong_time(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, "IP:127.0.0.1", -2 * DAY, -DAY, play_ok);
	assert_distrust(&f);
	end(&f);
	begin(&f, "IP:127.0.0.1", DAY / 2, DAY, play_ok);
	assert_distrust(&f);
	end(&f);
}

static void
old_protocol(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, "IP:127.0.0.1", -DAY, DAY, play_ok);
	http_server_stop(f.server);
	f.server = http_server_start_old_tls(play_ok, NULL, f.certs.cert, f.certs.key);
	(void)snprintf(f.url, sizeof f.url, "https://127.0.0.1:%u/", http_server_port(f.server));
	assert_int_equal(get(&f), -1);
	assert_int_equal(f.r.failure, MF_HTTP_TLS);
	assert_int_equal(f.e.code, MF_ETRANSFER);
	assert_int_equal(http_server_requests(f.server), 0);
	end(&f);
}

static void
no_tls_at_all(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, "IP:127.0.0.1", -DAY, DAY, play_ok);
	http_server_stop(f.server);
	f.server = http_server_start(play_ok, NULL);
	(void)snprintf(f.url, sizeof f.url, "https://127.0.0.1:%u/", http_server_port(f.server));
	assert_int_equal(get(&f), -1);
	assert_int_equal(f.r.failure, MF_HTTP_TLS);
	assert_false(f.r.maybe_sent);
	end(&f);
}

/* A server without HTTP/2 is spoken to in HTTP/1.1. */
static void
http2_is_offered(void **state)
{
	struct mf_http_params params = {.http2 = true};
	struct fixture f;

	(void)state;
	begin(&f, "IP:127.0.0.1", -DAY, DAY, play_ok);
	params.ca_file = f.certs.ca;
	open_client(&f, &params);
	assert_int_equal(get(&f), 0);
	assert_int_equal(f.r.status, 200);
	end(&f);
}

#define BIG ((size_t)3 << 20)

static bool
play_echo(struct http_conn *c, const struct http_seen *q, void *arg)
{
	char *body = malloc(BIG);
	const size_t n = http_read_body(c, body, BIG);

	(void)arg;
	http_say(c, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", n);
	http_say_bytes(c, body, n);
	free(body);
	return n == q->content_length;
}

static void
big_bodies(void **state)
{
	char *body = malloc(BIG);
	struct fixture f;
	size_t i;

	(void)state;
	begin(&f, "IP:127.0.0.1", -DAY, DAY, play_echo);
	for (i = 0; i < BIG; i++)
		body[i] = (char)(i * 7 + (i >> 9));
	const struct mf_http_request q = {.method = "PUT",
	    .url = f.url,
	    .body = body,
	    .body_bytes = BIG,
	    .max_body_bytes = BIG};
	assert_int_equal(mf_http_perform(f.http, &q, &f.r, &f.e), 0);
	assert_int_equal(f.r.body.len, BIG);
	assert_memory_equal(f.r.body.data, body, BIG);
	end(&f);
	free(body);
}

static bool
play_cut(struct http_conn *c, const struct http_seen *q, void *arg)
{
	(void)q;
	(void)arg;
	http_say(c, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nsome");
	return false;
}

static void
cut_body(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, "IP:127.0.0.1", -DAY, DAY, play_cut);
	assert_int_equal(get(&f), -1);
	assert_int_equal(f.r.failure, MF_HTTP_SHORT);
	assert_int_equal(f.e.code, MF_ETRANSFER);
	end(&f);
}

static bool
play_proxy(struct http_conn *c, const struct http_seen *q, void *arg)
{
	bool *leaked = arg;

	*leaked = strcmp(q->method, "CONNECT") != 0 || strstr(q->head, "secret") != NULL;
	http_say(c, "HTTP/1.1 403 No\r\n\r\n");
	return false;
}

/* A proxy sees where we want to go, and nothing of what we say there. */
static void
proxy_sees_no_headers(void **state)
{
	struct mf_http_params params = {.net_threads = 1};
	bool leaked = true;
	char proxy[64];
	struct fixture f;

	(void)state;
	begin(&f, "IP:127.0.0.1", -DAY, DAY, play_ok);
	http_server_stop(f.server);
	f.server = http_server_start(play_proxy, &leaked);
	(void)snprintf(proxy, sizeof proxy, "127.0.0.1:%u", http_server_port(f.server));
	params.https_proxy = proxy;
	open_client(&f, &params);
	(void)snprintf(f.url, sizeof f.url, "https://bucket.example/secret?secret");
	assert_int_equal(get(&f), -1);
	assert_int_equal(f.r.failure, MF_HTTP_PROXY);
	end(&f);
	assert_false(leaked);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(right_authority),
	    cmocka_unit_test(unknown_authority),
	    cmocka_unit_test(unverified_on_demand),
	    cmocka_unit_test(authority_of_same_name),
	    cmocka_unit_test(wrong_host),
	    cmocka_unit_test(wrong_time),
	    cmocka_unit_test(old_protocol),
	    cmocka_unit_test(no_tls_at_all),
	    cmocka_unit_test(http2_is_offered),
	    cmocka_unit_test(big_bodies),
	    cmocka_unit_test(cut_body),
	    cmocka_unit_test(proxy_sees_no_headers),
	};

	return cmocka_run_group_tests_name("net/tls", tests, NULL, NULL);
}
