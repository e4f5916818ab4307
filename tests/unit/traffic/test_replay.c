/* Recorded requests: files that hold them, sending them, and comparing what two sites answer. */
#include "tests/unit/traffic/web_script.h"

#include <math.h>
#include <stdatomic.h>

#include "crypto/secret.h"
#include "src/traffic/replay.h"

#define SECOND ((uint64_t)1000000)

static const char recorded[] =
    "{\"path\":\"/health\"}\n"
    "\n"
    "{\"method\":\"POST\",\"path\":\"/predict?x=1\",\"headers\":{\"Content-Type\":\"text/csv\","
    "\"X-Custom\":\"c\"},\"body\":\"1,2\\n\"}\r\n"
    "{\"path\":\"/v1/predict\",\"body\":{\"instances\":[[1, 2.5]]},\"ignore\":[\"id\"]}";

static void
files(void **state)
{
	static const struct {
		const char *text, *message;
	} bad[] = {
	    {"", "f holds no request"},
	    {"\n \n", "f holds no request"},
	    {"{\"path\":\"/a\"}\nno", "f:2: "},
	    {"[]", "f:1: this is no JSON object"},
	    {"{}", "f:1: there is no path"},
	    {"{\"path\":\"a\"}", "f:1: there is no path that begins with a slash"},
	    {"{\"path\":7}", "f:1: there is no path"},
	    {"{\"path\":\"/a\",\"url\":\"x\"}", "f:1: url is no member of a request"},
	    {"{\"path\":\"/a\",\"method\":7}", "f:1: method is no string"},
	    {"{\"path\":\"/a\",\"headers\":[]}", "f:1: headers are no object"},
	    {"{\"path\":\"/a\",\"headers\":{\"a\":1}}", "f:1: header a is no string"},
	    {"{\"path\":\"/a\",\"ignore\":\"id\"}", "f:1: ignore is no list"},
	    {"{\"path\":\"/a\",\"path\":\"/b\"}", "f:1: "},
	};
	const struct mf_replay_request *q;
	struct mf_replay_requests *r;
	struct mf_error e;
	size_t i;

	(void)state;
	assert_non_null(r = mf_replay_read("f", recorded, strlen(recorded), &e));
	assert_int_equal(mf_replay_count(r), 3);
	q = mf_replay_at(r, 0);
	assert_string_equal(q->method, "GET");
	assert_null(q->body);
	q = mf_replay_at(r, 1);
	assert_int_equal(q->line, 3);
	assert_string_equal(q->content_type, "text/csv");
	assert_string_equal(q->headers[0].name, "X-Custom");
	assert_int_equal(q->n_headers, 1);
	assert_string_equal(q->body, "1,2\n");
	q = mf_replay_at(r, 2);
	assert_string_equal(q->method, "POST");
	assert_string_equal(q->body, "{\"instances\":[[1,2.5]]}");
	assert_string_equal(q->ignored[0], "id");
	mf_replay_free(r);
	for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		assert_null(mf_replay_read("f", bad[i].text, strlen(bad[i].text), &e));
		assert_int_equal(e.code, MF_EUSAGE);
		if (strncmp(e.message, bad[i].message, strlen(bad[i].message)) != 0)
			fail_msg("%s", e.message);
	}
	assert_null(mf_replay_read_file("/no/such/file", &e));
	assert_int_equal(e.code, MF_ENOTFOUND);
}

static void
agreement(void **state)
{
	static const struct {
		double tolerance;
		const char *left, *right;
		double difference; /* -1: they agree */
		const char *path;
	} rows[] = {
	    {0, "{\"a\":[1,2,{\"b\":null}]}", "{\"a\":[1,2,{\"b\":null}]}", -1, ""},
	    {0, "{\"a\":1,\"b\":2}", "{\"b\":2,\"a\":1}", -1, ""},
	    {0, "0.5", "0.5", -1, ""},
	    {0, "1", "1.0", -1, ""},
	    {0, "0.5", "0.50001", 0.00001, ""},
	    {0.01, "{\"p\":[0.50,0.495]}", "{\"p\":[0.505,0.5]}", -1, ""},
	    {0.01, "{\"p\":[0.50,0.1]}", "{\"p\":[0.6,0.5]}", 0.4, "p[1]"},
	    {0.01, "{\"p\":{\"q\":200}}", "{\"p\":{\"q\":100}}", 0.5, "p.q"},
	    {0.5, "-1", "1", 2, ""},
	    {0, "9007199254740993", "9007199254740992", 0, ""},
	    {0.01, "{\"a\":1}", "{\"b\":1}", INFINITY, "a"},
	    {0.01, "{}", "{\"b\":1}", INFINITY, "b"},
	    {0.01, "[1,2]", "[1]", INFINITY, ""},
	    {0.01, "\"a\"", "\"b\"", INFINITY, ""},
	    {0.01, "true", "1", INFINITY, ""},
	    {0.01, "{\"label\":\"cat\",\"p\":0.9}", "{\"label\":\"dog\",\"p\":0.1}", INFINITY,
		"label"},
	    {0.01, "{\"id\":\"a\",\"x\":{\"id\":1}}", "{\"id\":\"b\",\"x\":{\"id\":2}}", -1, ""},
	    {0.01, "{\"id\":\"a\"}", "{}", -1, ""},
	    {0.01, "plain text", "plain text", -1, ""},
	    {0.01, "plain text", "other text", INFINITY, ""},
	    {0.01, "", "", -1, ""},
	    {0.01, "", "{}", INFINITY, ""},
	};
	const struct mf_replay_request q = {.line = 4, .ignored = {"id"}, .n_ignored = 1};
	struct mf_replay_difference worst;
	bool same;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		same = mf_replay_agree(&q, rows[i].tolerance, rows[i].left, strlen(rows[i].left),
		    rows[i].right, strlen(rows[i].right), &worst);
		if (same != (rows[i].difference < 0))
			fail_msg("row %zu: %d", i, same);
		if (same)
			continue;
		if (!(fabs(worst.difference - rows[i].difference) < 1e-9) &&
		    worst.difference != rows[i].difference)
			fail_msg("row %zu: %g", i, worst.difference);
		assert_string_equal(worst.path, rows[i].path);
		assert_int_equal(worst.line, 4);
	}
}

/* Deep and wide answers come to an end. */
static void
deep(void **state)
{
	const struct mf_replay_request q = {.line = 1};
	struct mf_replay_difference worst;
	char *text = malloc(4001);

	(void)state;
	assert_non_null(text);
	memset(text, '[', 2000);
	memset(text + 2000, ']', 2000);
	text[4000] = '\0';
	assert_false(mf_replay_agree(&q, 0, text, 4000, text, 4000, &worst));
	assert_true(strlen(worst.path) < MF_REPLAY_PATH_BYTES);
	free(text);
}

struct fixture {
	struct web_script a, b;
	struct mf_dialer *dialer;
	struct web_clock clock;
	struct mf_replay_requests *requests;
	struct mf_replay_params params;
	_Atomic uint64_t now_us, step_us;
	_Atomic bool interrupted;
	struct mf_error e;
};

static uint64_t
now(void *arg)
{
	struct fixture *f = arg;

	return atomic_fetch_add(&f->now_us, f->step_us);
}

static bool
is_interrupted(void *arg)
{
	return ((struct fixture *)arg)->interrupted;
}

static void
begin(struct fixture *f, const char *a, const char *b)
{
	memset(f, 0, sizeof *f);
	web_start(&f->a, a);
	web_start(&f->b, b);
	f->dialer = web_dialer(&f->clock, NULL);
	f->requests = mf_replay_read("f", recorded, strlen(recorded), &f->e);
	f->params = (struct mf_replay_params){.dialer = f->dialer,
	    .requests = f->requests,
	    .timeout_us = 30 * SECOND,
	    .now_us = now,
	    .interrupted = is_interrupted,
	    .arg = f};
}

static void
end(struct fixture *f)
{
	mf_replay_free(f->requests);
	mf_dialer_close(f->dialer);
	web_stop(&f->a);
	web_stop(&f->b);
}

static void
warming_up(void **state)
{
	struct mf_replay_result r;
	struct fixture f;

	(void)state;
	begin(&f, "200", "200");
	assert_int_equal(mf_replay_warm_up(&f.params, f.a.origin, &r, &f.e), 0);
	assert_int_equal(r.sent, 3);
	web_settle(&f.a);
	assert_string_equal(f.a.seen[0].target, "/health");
	assert_string_equal(f.a.seen[0].method, "GET");
	assert_string_equal(f.a.seen[1].target, "/predict?x=1");
	assert_string_equal(f.a.seen[1].content_type, "text/csv");
	assert_string_equal(f.a.seen[1].custom, "c");
	assert_string_equal(f.a.seen[1].body, "1,2\n");
	assert_string_equal(f.a.seen[2].content_type, "application/json");
	assert_string_equal(f.a.seen[2].body, "{\"instances\":[[1,2.5]]}");
	assert_true(r.slowest_us > 0 && r.total_us >= r.slowest_us);
	/* as many as are wanted, side by side */
	f.params.count = 50;
	f.params.concurrency = 8;
	assert_int_equal(mf_replay_warm_up(&f.params, f.a.origin, &r, &f.e), 0);
	assert_int_equal(r.sent, 50);
	assert_int_equal(f.a.n_seen, 53);
	assert_true(http_server_connections(f.a.server) <= 16);
	f.params.concurrency = MF_REPLAY_CONCURRENCY_MAX + 1;
	assert_int_equal(mf_replay_warm_up(&f.params, f.a.origin, &r, &f.e), -1);
	assert_int_equal(f.e.code, MF_EUSAGE);
	end(&f);
}

static void
failing(void **state)
{
	struct mf_replay_result r;
	struct fixture f;

	(void)state;
	begin(&f, "200|500~~cold|204", "200");
	assert_int_equal(mf_replay_warm_up(&f.params, f.a.origin, &r, &f.e), -1);
	assert_int_equal(f.e.code, MF_EFAIL);
	assert_int_equal(r.failed, 1);
	assert_int_equal(r.failed_line, 3);
	assert_non_null(strstr(f.e.message, "1 of 3 requests failed at http://127.0.0.1"));
	assert_non_null(strstr(f.e.message, "line 3: answered 500: cold"));
	/* the time is for all of them */
	f.params.count = 1000;
	f.step_us = 10 * SECOND;
	assert_int_equal(mf_replay_warm_up(&f.params, f.b.origin, &r, &f.e), -1);
	assert_true(r.out_of_time);
	assert_int_equal(r.sent, 2);
	assert_non_null(strstr(f.e.message, "only 2 of 1000 requests were sent"));
	f.step_us = 0;
	f.interrupted = true;
	assert_int_equal(mf_replay_warm_up(&f.params, f.b.origin, &r, &f.e), -1);
	assert_int_equal(f.e.code, MF_EINTERRUPTED);
	assert_int_equal(r.sent, 0);
	end(&f);
}

static void
comparing(void **state)
{
	struct mf_replay_agreement a;
	const char *left[2], *right[1];
	struct fixture f;

	(void)state;
	begin(&f, "200~~{\"p\":0.5}", "200~~{\"p\":0.52}|200~~{\"p\":0.7}|200~~{\"p\":0.5}");
	left[0] = left[1] = f.a.origin;
	right[0] = f.b.origin;
	assert_int_equal(mf_replay_compare(&f.params, left, 2, right, 1, 0.05, 0.66, &a, &f.e), 0);
	assert_int_equal(a.compared, 3);
	assert_int_equal(a.agreed, 2);
	assert_int_equal(a.n_worst, 1);
	assert_int_equal(a.worst[0].line, 3);
	assert_string_equal(a.worst[0].path, "p");
	assert_string_equal(a.worst[0].right, "0.69999999999999996");
	assert_int_equal(
	    mf_replay_compare(&f.params, left, 2, right, 1, 0, 1, &a, &f.e), 0); /* all 0.5 now */
	/* the worst first, and no more than fit */
	f.b.script = "200~~{\"p\":0.6}";
	f.params.count = 30;
	f.params.concurrency = 4;
	assert_int_equal(mf_replay_compare(&f.params, left, 2, right, 1, 0.05, 0.9, &a, &f.e), -1);
	assert_int_equal(f.e.code, MF_EFAIL);
	assert_non_null(strstr(f.e.message, "0 of 30 answers agree, and 90 % of them should"));
	assert_int_equal(a.n_worst, MF_REPLAY_WORST);
	assert_int_equal(a.worst[0].line, 1);
	/* what fails does not agree */
	f.b.script = "500";
	assert_int_equal(mf_replay_compare(&f.params, left, 2, right, 1, 0.05, 0, &a, &f.e), -1);
	assert_int_equal(a.failed, 30);
	assert_int_equal(a.right.failed, 30);
	assert_int_equal(a.left.failed, 0);
	assert_int_equal(mf_replay_compare(&f.params, left, 0, right, 1, 0.05, 0, &a, &f.e), -1);
	assert_int_equal(f.e.code, MF_EUSAGE);
	end(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(files),
	    cmocka_unit_test(agreement),
	    cmocka_unit_test(deep),
	    cmocka_unit_test(warming_up),
	    cmocka_unit_test(failing),
	    cmocka_unit_test(comparing),
	};

	if (mf_crypto_init(NULL) != 0)
		return 1;
	return cmocka_run_group_tests_name("traffic/replay", tests, NULL, NULL);
}
