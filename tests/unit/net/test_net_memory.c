/* The HTTP engine when allocations fail, one after the other. */
#include "config.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "src/net/http.h"
#include "tests/unit/net/http_server.h"
#include "tests/unit/torture/torture.h"

#define BODY ((size_t)200 << 10)

static bool
play_both(struct http_conn *c, const struct http_seen *q, void *arg)
{
	static const char body[BODY];

	(void)arg;
	if (strcmp(q->method, "PUT") == 0)
		return http_answer(c, 200, "");
	http_say(c, "HTTP/1.1 200 OK\r\nETag: x\r\nContent-Length: %zu\r\n\r\n", BODY);
	http_say_bytes(c, body, BODY);
	return true;
}

/* A server in a process of its own, where nothing fails. Its port. */
static unsigned
start_server(pid_t *pid)
{
	struct http_server *s;
	unsigned port = 0;
	int ends[2];

	assert_int_equal(pipe(ends), 0);
	assert_true((*pid = fork()) >= 0);
	if (*pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		s = http_server_start(play_both, NULL);
		port = http_server_port(s);
		if (write(ends[1], &port, sizeof port) != sizeof port)
			abort();
		for (;;)
			(void)pause();
	}
	assert_int_equal(read(ends[0], &port, sizeof port), sizeof port);
	(void)close(ends[0]);
	(void)close(ends[1]);
	return port;
}

static int
sign(void *arg, struct mf_http_signing *s, struct mf_error *e)
{
	(void)arg;
	s->target = "/signed?x";
	return mf_http_headers_add(s->headers, "Authorization", "secret", e);
}

static int
sink(void *arg, const struct mf_http_response *r, const void *bytes, size_t n, struct mf_error *e)
{
	(void)r;
	(void)bytes;
	(void)e;
	*(size_t *)arg += n;
	return 0;
}

static int
use_engine(void *arg, struct mf_error *e)
{
	const struct mf_http_header header = {"X-Meta", "value"};
	const struct mf_http_params params = {.net_threads = 2};
	struct mf_http_response r = MF_HTTP_RESPONSE_INIT;
	struct mf_http *http = mf_http_open(&params, e);
	size_t got = 0;
	int rc = -1;
	const struct mf_http_request put = {.method = "PUT",
	    .url = arg,
	    .headers = &header,
	    .n_headers = 1,
	    .body = "body",
	    .body_bytes = 4,
	    .sign = sign};
	const struct mf_http_request get = {.method = "GET", .url = arg, .max_body_bytes = BODY};
	const struct mf_http_request stream = {.method = "GET",
	    .url = arg,
	    .sink = sink,
	    .sink_arg = &got};

	if (http != NULL && mf_http_perform(http, &put, &r, e) == 0 && r.status == 200 &&
	    mf_http_perform(http, &get, &r, e) == 0 && r.body.len == BODY &&
	    mf_http_perform(http, &stream, &r, e) == 0 && got == BODY)
		rc = 0;
	mf_http_response_fini(&r);
	mf_http_close(http);
	return rc;
}

static void
engine(void **state)
{
	char url[64];
	const struct torture t = {.name = "http engine", .arg = url, .body = use_engine};
	pid_t pid;

	(void)state;
	(void)snprintf(url, sizeof url, "http://127.0.0.1:%u/x", start_server(&pid));
	torture(&t);
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(engine),
	};

	return cmocka_run_group_tests_name("net/memory", tests, NULL, NULL);
}
