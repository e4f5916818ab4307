/* The HTTP server within the program: what reaches its handler, and what does not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

#include "src/endpoint/endpoint.h"
#include "src/net/http.h"
#include "tests/unit/net/certificates.h"

#define TOKEN "0123456789abcdef"
#define DAY 86400

struct fixture {
	struct mf_endpoint *endpoint;
	struct mf_http *http;
	struct mf_http_response r;
	struct mf_error e;
	struct mf_secret *token;
	_Atomic unsigned n_asked;
	char method[16], path[600];
	size_t body_bytes;
	char url[800];
};

/* Says what it was given. */
static void
answer(void *arg, const struct mf_endpoint_request *q, struct mf_endpoint_answer *a)
{
	struct fixture *f = arg;

	f->n_asked++;
	(void)snprintf(f->method, sizeof f->method, "%s", q->method);
	(void)snprintf(f->path, sizeof f->path, "%s", q->path);
	f->body_bytes = q->body_bytes;
	*a = (struct mf_endpoint_answer){.status = 202, .text = "taken\n"};
	if (strcmp(q->path, "/no") == 0)
		*a = (struct mf_endpoint_answer){.status = 405, .allow = "POST"};
}

static bool
is_guarded(void *arg, const char *path)
{
	(void)arg;
	return strncmp(path, "/secret", 7) == 0;
}

static void
begin(struct fixture *f, const struct mf_endpoint_params *params, const char *ca_file)
{
	struct mf_endpoint_params p = *params;
	const struct mf_http_params http = {.ca_file = ca_file};

	memset(f, 0, sizeof *f);
	f->r = MF_HTTP_RESPONSE_INIT;
	p.listen = p.listen != NULL ? p.listen : "127.0.0.1:0";
	p.answer = answer;
	p.is_guarded = is_guarded;
	p.arg = f;
	f->token = mf_secret_of(TOKEN, strlen(TOKEN), &f->e);
	p.token = f->token;
	if ((f->endpoint = mf_endpoint_open(&p, &f->e)) == NULL)
		fail_msg("%s", f->e.message);
	assert_non_null(f->http = mf_http_open(&http, &f->e));
}

static void
end(struct fixture *f)
{
	mf_http_response_fini(&f->r);
	mf_http_close(f->http);
	mf_endpoint_close(f->endpoint);
	mf_secret_free(f->token);
}

static int
ask(struct fixture *f, const char *method, const char *path, const char *body, size_t n,
    const char *authorization)
{
	const struct mf_http_header header = {"Authorization", authorization};
	const struct mf_http_request q = {.method = method,
	    .url = f->url,
	    .headers = &header,
	    .n_headers = authorization != NULL,
	    .body = body,
	    .body_bytes = n,
	    .has_body = body != NULL,
	    .repeatable = true};

	(void)snprintf(f->url, sizeof f->url, "%s%s", mf_endpoint_url(f->endpoint), path);
	if (mf_http_perform(f->http, &q, &f->r, &f->e) != 0)
		fail_msg("%s", f->e.message);
	return f->r.status;
}

static void
requests(void **state)
{
	char *large = malloc(MF_ENDPOINT_BODY_BYTES + 1);
	struct fixture f;

	(void)state;
	assert_non_null(large);
	memset(large, 'x', MF_ENDPOINT_BODY_BYTES + 1);
	begin(&f, &(struct mf_endpoint_params){.idle_s = 5}, NULL);
	assert_int_equal(ask(&f, "GET", "/a%2Fb/../c?d=e", NULL, 0, NULL), 202);
	assert_string_equal(f.path, "/a%2Fb/../c");
	assert_string_equal(f.method, "GET");
	assert_int_equal(f.r.body.len, 6);
	assert_string_equal(mf_http_response_header(&f.r, "Cache-Control"), "no-store");
	assert_int_equal(ask(&f, "PURGE", "/x", NULL, 0, NULL), 202);
	assert_int_equal(ask(&f, "POST", "/x", "", 0, NULL), 202);
	assert_int_equal(f.body_bytes, 0);
	assert_int_equal(ask(&f, "POST", "/x", large, MF_ENDPOINT_BODY_BYTES, NULL), 202);
	assert_int_equal(f.body_bytes, MF_ENDPOINT_BODY_BYTES);
	assert_int_equal(f.n_asked, 4);
	assert_int_equal(ask(&f, "POST", "/x", large, MF_ENDPOINT_BODY_BYTES + 1, NULL), 413);
	assert_int_equal(f.n_asked, 4);
	assert_int_equal(ask(&f, "HEAD", "/no", NULL, 0, NULL), 405);
	assert_string_equal(mf_http_response_header(&f.r, "Allow"), "POST");
	assert_false(mf_endpoint_is_open_to_others(f.endpoint));
	end(&f);
	free(large);
}

static void
tokens(void **state)
{
	static const struct {
		const char *path, *authorization;
		int status;
	} rows[] = {
	    {"/x", NULL, 202},
	    {"/secret", NULL, 401},
	    {"/secret", "Bearer " TOKEN, 202},
	    {"/secret", "bearer " TOKEN, 202},
	    {"/secret", "Bearer " TOKEN "0", 401},
	    {"/secret", "Bearer 0123456789abcdeF", 401},
	    {"/secret", "Bearer", 401},
	    {"/secret", "Basic " TOKEN, 401},
	    {"/secret", TOKEN, 401},
	};
	struct fixture f;
	size_t i;

	(void)state;
	begin(&f, &(struct mf_endpoint_params){.idle_s = 5}, NULL);
	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const unsigned before = f.n_asked;

		if (ask(&f, "POST", rows[i].path, "x", 1, rows[i].authorization) != rows[i].status)
			fail_msg("row %zu: %d", i, f.r.status);
		assert_int_equal(f.n_asked - before, rows[i].status == 401 ? 0 : 1);
		if (rows[i].status == 401)
			assert_string_equal(
			    mf_http_response_header(&f.r, "WWW-Authenticate"), "Bearer");
	}
	end(&f);
}

/* Bytes as they are, on a connection of their own; what comes back until it ends. */
static const char *
talk(struct fixture *f, const char *text, char *out, size_t n)
{
	const unsigned port =
	    (unsigned)strtoul(strrchr(mf_endpoint_url(f->endpoint), ':') + 1, NULL, 10);
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	size_t got = 0;
	ssize_t more;
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
	while (got + 1 < n && (more = recv(fd, out + got, n - 1 - got, 0)) > 0)
		got += (size_t)more;
	out[got] = '\0';
	close(fd);
	return out;
}

static void
rude_clients(void **state)
{
	char *head = malloc(100000), out[4096];
	struct fixture f;

	(void)state;
	begin(&f, &(struct mf_endpoint_params){.idle_s = 1}, NULL);
	(void)talk(&f, "nonsense\r\n\r\n", out, sizeof out);
	(void)talk(
	    &f, "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", out, sizeof out);
	(void)talk(&f,
	    "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n", out,
	    sizeof out);
	/* a head without end, and one that never ends: after a second of silence it is gone */
	assert_non_null(head);
	memset(head, 'h', 99999);
	memcpy(head, "GET /x HTTP/1.1\r\nX: ", 20);
	head[99999] = '\0';
	(void)talk(&f, head, out, sizeof out);
	(void)talk(
	    &f, "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab", out, sizeof out);
	assert_int_equal(f.n_asked, 0);
	/* a chunked body past the bound */
	(void)snprintf(head, 100000,
	    "POST /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
	    "15f90\r\n%090000d\r\n0\r\n\r\n",
	    0);
	assert_non_null(strstr(talk(&f, head, out, sizeof out), " 413 "));
	assert_int_equal(f.n_asked, 0);
	assert_int_equal(ask(&f, "GET", "/x", NULL, 0, NULL), 202);
	end(&f);
	free(head);
}

static void
tls(void **state)
{
	struct certificates certs, other;
	struct mf_endpoint_params p = {.idle_s = 5};
	char out[4096];
	struct fixture f;
	struct mf_error e = {0};

	(void)state;
	certificates_make(&certs, "an authority", "IP:127.0.0.1", -DAY, DAY);
	certificates_make(&other, "another", "IP:127.0.0.1", -DAY, DAY);
	p.cert_file = certs.cert;
	p.key_file = certs.key;
	begin(&f, &p, certs.ca);
	assert_int_equal(ask(&f, "POST", "/x", "body", 4, NULL), 202);
	assert_memory_equal(mf_endpoint_url(f.endpoint), "https://", 8);
	assert_null(strstr(talk(&f, "GET /x HTTP/1.1\r\nHost: a\r\n\r\n", out, sizeof out), "202"));
	assert_int_equal(f.n_asked, 1);
	p.listen = "127.0.0.1:0";
	p.answer = answer;
	p.key_file = other.key;
	assert_null(mf_endpoint_open(&p, &e));
	assert_int_equal(e.code, MF_EUSAGE);
	p.key_file = NULL;
	assert_null(mf_endpoint_open(&p, &e));
	assert_int_equal(e.code, MF_EUSAGE);
	end(&f);
	certificates_remove(&certs);
	certificates_remove(&other);
}

static void
places(void **state)
{
	static const char *const bad[] = {"", "127.0.0.1", ":80", "localhost:80", "127.0.0.1:65536",
	    "127.0.0.1:-1", "[::1]", "::1:80", "[::1:80", "1.2.3:80", "127.0.0.1:8 0"};
	struct mf_endpoint_params p = {.answer = answer};
	struct mf_endpoint *open;
	struct mf_error e;
	struct fixture f;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		p.listen = bad[i];
		assert_null(mf_endpoint_open(&p, &e));
		assert_int_equal(e.code, MF_EUSAGE);
	}
	begin(&f, &(struct mf_endpoint_params){.idle_s = 5}, NULL);
	p.listen = mf_endpoint_url(f.endpoint) + strlen("http://");
	assert_null(mf_endpoint_open(&p, &e));
	assert_int_equal(e.code, MF_ECONFLICT);
	p.listen = "0.0.0.0:0";
	assert_non_null(open = mf_endpoint_open(&p, &e));
	assert_true(mf_endpoint_is_open_to_others(open));
	mf_endpoint_close(open);
	end(&f);
}

static void
token_files(void **state)
{
	static const struct {
		const char *text;
		bool good;
	} rows[] = {{TOKEN "\n", true}, {TOKEN, true}, {"short\n", false}, {"", false},
	    {"0123456789 abcdef", false}, {TOKEN "\n" TOKEN, false}};
	char path[100];
	struct mf_secret *token;
	struct mf_error e;
	size_t i;
	int fd;

	(void)state;
	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		(void)snprintf(path, sizeof path, "%s/mf-token-XXXXXX",
		    getenv("TMPDIR") != NULL ? getenv("TMPDIR") : "/tmp");
		assert_true((fd = mkstemp(path)) >= 0);
		assert_int_equal(
		    write(fd, rows[i].text, strlen(rows[i].text)), (ssize_t)strlen(rows[i].text));
		close(fd);
		token = mf_endpoint_read_token(path, &e);
		assert_int_equal(token != NULL, rows[i].good);
		if (token != NULL)
			assert_int_equal(mf_secret_len(token), strlen(TOKEN));
		else
			assert_int_equal(e.code, MF_EUSAGE);
		mf_secret_free(token);
		unlink(path);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(requests),
	    cmocka_unit_test(tokens),
	    cmocka_unit_test(rude_clients),
	    cmocka_unit_test(tls),
	    cmocka_unit_test(places),
	    cmocka_unit_test(token_files),
	};

	if (mf_crypto_init(NULL) != 0)
		return 1;
	return cmocka_run_group_tests_name("endpoint", tests, NULL, NULL);
}
