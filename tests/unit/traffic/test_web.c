/* Endpoints and programs that answer numbers, verdicts, JSON or bare text. */
#include "tests/unit/traffic/asking.h"

#include <signal.h>
#include <unistd.h>

static struct asking a;

/* The verdict of a report of drift, as Evidently writes it. */
#define REPORT                                                         \
	"{\"metrics\":[{\"metric\":\"DatasetDriftMetric\",\"result\":" \
	"{\"drift_share\":0.5,\"dataset_drift\":true,\"name\":\"x\",\"none\":null}}]}"

struct row {
	const char *body, *path;
	enum mf_measure_end end;
	double value;
	const char *why; /* its beginning */
};

static const struct row rows[] = {
    {REPORT, "{$.metrics[0].result.drift_share}", MF_MEASURE_VALUE, 0.5, ""},
    {REPORT, "{$.metrics[0].result.dataset_drift}", MF_MEASURE_VALUE, 1, ""},
    {REPORT, "{$.metrics[0].result.missing}", MF_MEASURE_NONE, 0, ""},
    {REPORT, "{$.metrics[0].result.none}", MF_MEASURE_NONE, 0, "the value is null"},
    {REPORT, "{$.metrics[0].result.name}", MF_MEASURE_ERROR, 0, "the answer is a string and no"},
    {REPORT, "{$.metrics[0].result}", MF_MEASURE_ERROR, 0, "the answer is a map and no number"},
    {REPORT, "{$.metrics[", MF_MEASURE_ERROR, 0, ""},
    {"{\"a\":false}", "{$.a}", MF_MEASURE_VALUE, 0, ""},
    {"{\"a\":\"0.25\"}", "{$.a}", MF_MEASURE_VALUE, 0.25, ""},
    {"{\"a\":\"NaN\"}", "{$.a}", MF_MEASURE_NAN, 0, "the value is NaN"},
    {"17", NULL, MF_MEASURE_VALUE, 17, ""},
    {" +Inf\r\n", NULL, MF_MEASURE_VALUE, (double)INFINITY, ""},
    {"true", NULL, MF_MEASURE_VALUE, 1, ""},
    {"", NULL, MF_MEASURE_NONE, 0, "the answer is empty"},
    {"<html>", NULL, MF_MEASURE_ERROR, 0, "the answer is neither JSON nor a number"},
};

static void
values(void **state)
{
	char script[1000];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		(void)snprintf(script, sizeof script, "200~~%s", rows[i].body);
		asking_begin(&a, MF_PROVIDER_WEB, script);
		a.q.json_path = rows[i].path;
		if (asking_ask(&a) != rows[i].end)
			fail_msg("row %zu ended with %d (%s)", i, (int)a.out.end, a.out.why);
		if (strncmp(a.out.why, rows[i].why, strlen(rows[i].why)) != 0)
			fail_msg("\"%s\" is not \"%s\"", a.out.why, rows[i].why);
		if (rows[i].end == MF_MEASURE_VALUE)
			assert_true(a.out.value >= rows[i].value && a.out.value <= rows[i].value);
		asking_end(&a);
	}
}

/* What Argo's conditions see. */
static void
trees(void **state)
{
	static const struct {
		const char *body, *path, *json; /* NULL: an error */
	} cases[] = {
	    {REPORT, "{$.metrics[0].result.drift_share}", "0.5"},
	    {REPORT, "{$.metrics[0].result.dataset_drift}", "true"},
	    {REPORT, "{$.metrics[0].result.name}", "\"x\""},
	    {REPORT, "{$.metrics[0].metric}", "\"DatasetDriftMetric\""},
	    {"{\"a\":{\"b\":[1,2]}}", "{$}", "{\"a\":{\"b\":[1,2]}}"},
	    {"all is well", NULL, "\"all is well\""},
	    {"{\"a\":1}", "{$.b}", NULL},
	};
	struct mf_buf b = MF_BUF_INIT;
	char script[1000];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		(void)snprintf(script, sizeof script, "200~~%s", cases[i].body);
		asking_begin(&a, MF_PROVIDER_WEB, script);
		a.q.json_path = cases[i].path;
		a.q.as_tree = true;
		if (cases[i].json == NULL)
			assert_int_equal(asking_ask(&a), MF_MEASURE_ERROR);
		else {
			assert_int_equal(asking_ask(&a), MF_MEASURE_VALUE);
			mf_buf_clear(&b);
			mf_node_put_json(&b, a.out.result);
			assert_string_equal(mf_buf_cstr(&b), cases[i].json);
		}
		asking_end(&a);
	}
	mf_buf_fini(&b);
}

static void
requests(void **state)
{
	const struct mf_pair headers[] = {{"X-Custom", "yes"}, {"content-type", "text/x-y"}};
	char url[128];
	struct mf_error e = {0};

	(void)state;
	asking_begin(
	    &a, MF_PROVIDER_WEB, "200~~1|200~~1|200~~1|302~Location: /there|200~~2|500~~no|405~~");
	(void)snprintf(url, sizeof url, "%s/score?m=churn", a.web.origin);
	a.q.address = url;
	a.q.headers = headers;
	a.q.n_headers = 1;
	assert_int_equal(asking_ask(&a), MF_MEASURE_VALUE);
	assert_string_equal(a.web.seen[0].method, "GET");
	assert_string_equal(a.web.seen[0].target, "/score?m=churn");
	assert_string_equal(a.web.seen[0].custom, "yes");
	a.q.method = "PUT";
	a.q.body = "{\"a\":1}";
	assert_int_equal(asking_ask(&a), MF_MEASURE_VALUE);
	assert_string_equal(a.web.seen[1].method, "PUT");
	assert_string_equal(a.web.seen[1].body, "{\"a\":1}");
	assert_string_equal(a.web.seen[1].content_type, "application/json");
	a.q.n_headers = 2;
	assert_int_equal(asking_ask(&a), MF_MEASURE_VALUE);
	assert_string_equal(a.web.seen[2].content_type, "text/x-y");
	a.q.method = a.q.body = NULL;
	a.q.n_headers = 1;
	assert_int_equal(asking_ask(&a), MF_MEASURE_VALUE);
	assert_string_equal(a.web.seen[4].target, "/there");
	assert_int_equal(asking_ask(&a), MF_MEASURE_ERROR);
	assert_string_equal(a.out.why, "the server answered 500: no");
	assert_int_equal(a.provider->ops->probe(a.provider, &a.q, &e), 0);
	assert_string_equal(a.web.seen[6].method, "HEAD");
	asking_end(&a);
}

static enum mf_measure_end
run_shell(const char *script)
{
	static const char *argv[] = {"sh", "-c", NULL, NULL};

	argv[2] = script;
	a.q.argv = argv;
	return asking_ask(&a);
}

static void
commands(void **state)
{
	static const char *const missing[] = {"mf-no-such-program", NULL};
	struct mf_error e = {0};
	uint64_t begin_us;

	(void)state;
	asking_begin(&a, MF_PROVIDER_COMMAND, "");
	assert_int_equal(run_shell("echo 0.75"), MF_MEASURE_VALUE);
	assert_true(a.out.value > 0.74 && a.out.value < 0.76);
	a.q.json_path = "{$.ok}";
	assert_int_equal(run_shell("echo '{\"ok\": true}'"), MF_MEASURE_VALUE);
	assert_true(a.out.value >= 1 && a.out.value <= 1);
	a.q.json_path = NULL;
	assert_int_equal(run_shell("true"), MF_MEASURE_NONE);
	assert_int_equal(run_shell("echo 1; exit 3"), MF_MEASURE_ERROR);
	assert_int_equal(run_shell("echo many words"), MF_MEASURE_ERROR);
	assert_string_equal(a.out.why, "the output is neither JSON nor a number");
	assert_int_equal(run_shell("yes"), MF_MEASURE_ERROR);
	begin_us = asking_now_us(NULL);
	a.q.timeout_us = 100000;
	assert_int_equal(run_shell("exec sleep 20"), MF_MEASURE_ERROR);
	assert_true(asking_now_us(NULL) - begin_us < 10000000);
	assert_int_equal(a.provider->ops->probe(a.provider, &a.q, &e), 0);
	a.q.argv = missing;
	assert_int_equal(a.provider->ops->probe(a.provider, &a.q, &e), -1);
	assert_int_equal(asking_ask(&a), MF_MEASURE_ERROR);
	assert_int_equal(mf_metric_check(&a.q, false, &e), 0);
	a.q.argv = NULL;
	assert_int_equal(mf_metric_check(&a.q, false, &e), -1);
	asking_end(&a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(values),
	    cmocka_unit_test(trees),
	    cmocka_unit_test(requests),
	    cmocka_unit_test(commands),
	};

	return cmocka_run_group_tests_name("web", tests, asking_crypto, NULL);
}
