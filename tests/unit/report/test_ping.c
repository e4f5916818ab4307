/* Pings: where they go, and what they say. */
#include "tests/unit/report/sample_run.h"

#include "src/report/ping.h"
#include "tests/unit/net/http_server.h"

static void
urls(void **state)
{
	static const struct {
		const char *url, *suffix, *run_id, *want;
	} rows[] = {
	    {"https://hc.example/uuid", "start", SAMPLE_ID,
		"https://hc.example/uuid/start?rid=" SAMPLE_ID},
	    {"https://hc.example/uuid/", NULL, SAMPLE_ID, "https://hc.example/uuid?rid=" SAMPLE_ID},
	    {"https://hc.example/key/slug?create=1", "6", SAMPLE_ID,
		"https://hc.example/key/slug/6?create=1&rid=" SAMPLE_ID},
	    /* an id that is no UUID is refused by the service: not sent */
	    {"https://hc.example:8443/uuid", "11", "nightly-7", "https://hc.example:8443/uuid/11"},
	};
	struct mf_buf b = MF_BUF_INIT;
	struct mf_error e = {0};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		mf_buf_clear(&b);
		assert_int_equal(
		    mf_ping_put_url(&b, rows[i].url, rows[i].suffix, rows[i].run_id, &e), 0);
		assert_string_equal(mf_buf_cstr(&b), rows[i].want);
	}
	assert_int_equal(mf_ping_put_url(&b, "ftp://x", NULL, SAMPLE_ID, &e), -1);
	mf_buf_fini(&b);
}

static void
bodies(void **state)
{
	struct mf_report_run run = sample_success();
	struct mf_buf b = MF_BUF_INIT, log = MF_BUF_INIT;
	struct mf_error error;
	unsigned i;

	(void)state;
	mf_ping_put_body(&b, &run, NULL, 0);
	assert_string_equal(
	    mf_buf_cstr(&b), "push churn@v1 on db1 succeeded after 4.9s\nrun " SAMPLE_ID "\n");
	run = sample_failure(&error);
	mf_buf_clear(&b);
	mf_ping_put_body(&b, &run, "one\ntwo\n", 8);
	assert_golden(&b, "failed.ping");
	/* as many whole lines as fit, the last ones */
	for (i = 0; i < 3000; i++)
		mf_buf_printf(&log, "line %u\n", i);
	mf_buf_clear(&b);
	mf_ping_put_body(&b, &run, log.data, log.len);
	assert_true(b.len <= MF_PING_BODY_MAX && b.len > MF_PING_BODY_MAX - 20);
	assert_non_null(strstr(mf_buf_cstr(&b), "\n\nline "));
	assert_string_equal(mf_buf_cstr(&b) + b.len - 10, "line 2999\n");
	mf_buf_fini(&b);
	mf_buf_fini(&log);
}

struct seen {
	char targets[4][200];
	char body[200];
	unsigned n;
};

static bool
play(struct http_conn *c, const struct http_seen *q, void *arg)
{
	struct seen *seen = arg;

	assert_string_equal(q->method, "POST");
	(void)snprintf(seen->targets[seen->n++ % 4], sizeof seen->targets[0], "%.199s", q->target);
	seen->body[http_read_body(c, seen->body, sizeof seen->body - 1)] = '\0';
	return http_answer(c, 200, "OK");
}

static void
sent(void **state)
{
	const struct mf_post_params params = {.allow_http = false};
	struct mf_report_run run = sample_success();
	struct mf_ping ping = {.timeout_us = 30000000};
	struct mf_error e = {0}, error;
	struct seen seen = {.n = 0};
	struct http_server *s = http_server_start(play, &seen);
	struct mf_secret *secret;
	char url[100];

	(void)state;
	(void)snprintf(url, sizeof url, "http://127.0.0.1:%u/check", http_server_port(s));
	ping.post = mf_post_open(&params, &e);
	ping.url = secret = mf_post_take_url("--ping-url", url, &e);
	assert_true(ping.post != NULL && ping.url != NULL);
	assert_int_equal(mf_ping_start(&ping, &run, &e), 0);
	assert_string_equal(seen.body, "push churn@v1 on db1 begins\nrun " SAMPLE_ID "\n");
	assert_int_equal(mf_ping_end(&ping, &run, "log\n", 4, &e), 0);
	assert_string_equal(strstr(seen.body, "\n\n"), "\n\nlog\n");
	run = sample_failure(&error);
	assert_int_equal(mf_ping_end(&ping, &run, NULL, 0, &e), 0);
	assert_int_equal(seen.n, 3);
	assert_string_equal(seen.targets[0], "/check/start?rid=" SAMPLE_ID);
	assert_string_equal(seen.targets[1], "/check?rid=" SAMPLE_ID);
	assert_string_equal(seen.targets[2], "/check/6?rid=" SAMPLE_ID);
	mf_secret_free(secret);
	mf_post_close(ping.post);
	http_server_stop(s);
}

static int
start_crypto(void **state)
{
	struct mf_error e;

	(void)state;
	return mf_crypto_init(&e);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(urls),
	    cmocka_unit_test(bodies),
	    cmocka_unit_test(sent),
	};

	return cmocka_run_group_tests_name("report/ping", tests, start_crypto, NULL);
}
