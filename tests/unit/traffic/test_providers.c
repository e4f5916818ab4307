/* Graphite, InfluxDB, external metrics and drift: what is asked, and which value counts. */
#include "tests/unit/traffic/asking.h"

#include <unistd.h>

#include "src/traffic/drift.h"
#include "src/traffic/external_metrics.h"
#include "src/traffic/graphite.h"
#include "src/traffic/influxdb.h"

static struct asking a;

struct answer_row {
	const char *script;
	enum mf_measure_end end;
	double value;
	const char *why; /* its beginning */
};

static void
try_answers(enum mf_provider_type type, const char *query, const struct answer_row *rows, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		asking_begin(&a, type, rows[i].script);
		a.q.query = query;
		if (asking_ask(&a) != rows[i].end)
			fail_msg(
			    "%s: ended with %d (%s)", rows[i].script, (int)a.out.end, a.out.why);
		if (strncmp(a.out.why, rows[i].why, strlen(rows[i].why)) != 0)
			fail_msg("\"%s\" is not \"%s\"", a.out.why, rows[i].why);
		if (rows[i].end == MF_MEASURE_VALUE &&
		    !(a.out.value >= rows[i].value && a.out.value <= rows[i].value))
			fail_msg("%s: %g", rows[i].script, a.out.value);
		asking_end(&a);
	}
}

/* The last value that is not null, of the last series that has one. */
static void
graphite(void **state)
{
	static const struct answer_row rows[] = {
	    {"200~~[{\"target\":\"a\",\"datapoints\":[[1,10],[2.5,20],[null,30]]}]",
		MF_MEASURE_VALUE, 2.5, ""},
	    {"200~~[{\"datapoints\":[[1,10]]},{\"datapoints\":[[\"7\",10]]}]", MF_MEASURE_VALUE, 7,
		""},
	    {"200~~[{\"datapoints\":[[1,10]]},{\"datapoints\":[[null,10]]}]", MF_MEASURE_VALUE, 1,
		""},
	    {"200~~[{\"datapoints\":[[null,10]]}]", MF_MEASURE_NONE, 0, "no series has a value"},
	    {"200~~[]", MF_MEASURE_NONE, 0, "no series has a value"},
	    {"200~~{}", MF_MEASURE_ERROR, 0, "the answer is none of Graphite: no list"},
	    {"200~~[{}]", MF_MEASURE_ERROR, 0, "the answer is none of Graphite: no datapoints"},
	    {"200~~[{\"datapoints\":[[1,2,3]]}]", MF_MEASURE_ERROR, 0,
		"the answer is none of Graphite: a point"},
	    {"200~~[{\"datapoints\":[[\"x\",2]]}]", MF_MEASURE_ERROR, 0,
		"the answer is none of Graphite: a point"},
	    {"200~~oops", MF_MEASURE_ERROR, 0, "the answer is no JSON"},
	    {"400~~bad target", MF_MEASURE_ERROR, 0, "the server answered 400: bad target"},
	};
	struct mf_error e = {0};

	(void)state;
	try_answers(MF_PROVIDER_GRAPHITE, "target=x", rows, sizeof rows / sizeof rows[0]);
	asking_begin(&a, MF_PROVIDER_GRAPHITE, "200~~[]");
	a.q.query = "\n  target=summarize(app.latency.{a,b},\n   \"2min\", 'avg')&from=-2min\n";
	(void)asking_ask(&a);
	assert_string_equal(a.web.seen[0].target,
	    "/render?target=summarize(app.latency.%7Ba,b%7D,%20%222min%22,%20'avg')&from=-2min"
	    "&format=json");
	assert_int_equal(a.provider->ops->probe(a.provider, &a.q, &e), 0);
	assert_string_equal(a.web.seen[1].target, "/render?target=test&format=json");
	asking_end(&a);
}

#define HEADER                                                                               \
	"#datatype,string,long,double\r\n#group,false,false,false\r\n#default,_result,,\r\n" \
	",result,table,_value\r\n"

/* The first record; none at all is 0. */
static void
influxdb(void **state)
{
	static const struct {
		const char *text;
		int rc;
		double value;
	} rows[] = {
	    {HEADER ",,0,1.5\r\n,,1,2.5\r\n\r\n", 1, 1.5},
	    {",result,table,_time,_value\n,,0,2020-01-01T00:00:00Z,-3e2\n", 1, -300},
	    {",result,\"a \"\"b\"\", c\",_value\n,,\"x\ny\",4\n", 1, 4},
	    {HEADER, 0, 0},
	    {"", 0, 0},
	    {"\r\n", 0, 0},
	    {HEADER "\r\n#datatype,string,long,double\r\n,result,_value,table\r\n,,9,0\r\n", 1, 9},
	    {HEADER ",,0,\r\n", -1, 0},
	    {HEADER ",,0,true\r\n", -1, 0},
	    {HEADER ",,0\r\n", -1, 0},
	    {",error,reference\n,no such bucket,897\n", -1, 0},
	    {"a\nb\n", -1, 0},
	    {"\"open", 0, 0},
	};
	struct mf_error e = {0};
	double value;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		value = 0;
		if (mf_influx_read(rows[i].text, strlen(rows[i].text), &value, &e) != rows[i].rc)
			fail_msg("row %zu: %s", i, e.message);
		assert_true(value >= rows[i].value && value <= rows[i].value);
	}
	assert_int_equal(mf_influx_read(rows[10].text, strlen(rows[10].text), &value, &e), -1);
	assert_string_equal(e.message, "the server says: no such bucket");
}

static void
influxdb_requests(void **state)
{
	static const char records[] = "200~~" HEADER ",,0,42\r\n|200~~" HEADER;
	char token[128], address[128];
	struct mf_error e = {0};

	(void)state;
	asking_begin(&a, MF_PROVIDER_INFLUXDB, records);
	web_secret_file(token, "t0ken\n");
	a.q.auth.bearer_file = token;
	a.q.query = "from(bucket: \"x\")";
	assert_int_equal(asking_ask(&a), MF_MEASURE_ERROR); /* no organisation */
	(void)snprintf(address, sizeof address, "%s/base?org=my%%20org", a.web.origin);
	a.q.address = address;
	assert_int_equal(asking_ask(&a), MF_MEASURE_VALUE);
	assert_true(a.out.value > 41.9 && a.out.value < 42.1);
	assert_string_equal(a.web.seen[0].method, "POST");
	assert_string_equal(a.web.seen[0].target, "/base/api/v2/query?org=my%20org");
	assert_string_equal(a.web.seen[0].authorization, "Token t0ken");
	assert_string_equal(a.web.seen[0].content_type, "application/vnd.flux");
	assert_string_equal(a.web.seen[0].body, "from(bucket: \"x\")");
	assert_int_equal(asking_ask(&a), MF_MEASURE_VALUE); /* no record: 0, as Flagger */
	assert_true(a.out.value >= 0 && a.out.value <= 0);
	assert_int_equal(a.provider->ops->probe(a.provider, &a.q, &e), 0);
	web_remove_file(token);
	asking_end(&a);
}

static void
external_metrics(void **state)
{
	static const struct answer_row rows[] = {
	    {"200~~{\"items\":[{\"metricName\":\"m\",\"value\":\"1500m\"},{\"value\":\"7\"}]}",
		MF_MEASURE_VALUE, 1.5, ""},
	    {"200~~{\"items\":[{\"value\":3}]}", MF_MEASURE_VALUE, 3, ""},
	    {"200~~{\"items\":[]}", MF_MEASURE_NONE, 0, "there is no such external metric"},
	    {"200~~{}", MF_MEASURE_ERROR, 0, "the answer is no list of external metrics"},
	    {"200~~{\"items\":[{\"value\":\"many\"}]}", MF_MEASURE_ERROR, 0,
		"the value of an external metric is no quantity"},
	    {"404~~{}", MF_MEASURE_ERROR, 0, "the server answered 404"},
	};
	struct mf_error e = {0};

	(void)state;
	try_answers(MF_PROVIDER_EXTERNAL_METRICS, "m", rows, sizeof rows / sizeof rows[0]);
	asking_begin(&a, MF_PROVIDER_EXTERNAL_METRICS, "404~~|401~~");
	a.q.query = "shop/queue?labelSelector=app%3Dchurn";
	(void)asking_ask(&a);
	assert_string_equal(a.web.seen[0].target,
	    "/apis/external.metrics.k8s.io/v1beta1/namespaces/shop/queue"
	    "?labelSelector=app%3Dchurn");
	assert_int_equal(a.provider->ops->probe(a.provider, &a.q, &e), -1);
	asking_end(&a);
	asking_begin(&a, MF_PROVIDER_EXTERNAL_METRICS, "404~~");
	assert_int_equal(a.provider->ops->probe(a.provider, &a.q, &e), 0);
	asking_end(&a);
}

static void
external_paths(void **state)
{
	static const struct {
		const char *query, *path; /* NULL: refused */
	} rows[] = {
	    {"m", "default/m"},
	    {"/m", "default/m"},
	    {"ns/m", "ns/m"},
	    {"m?labelSelector=a in (b)", "default/m?labelSelector=a%20in%20%28b%29"},
	    {"", NULL},
	    {"ns/", NULL},
	    {"a/b/c", NULL},
	    {"m?limit=1", NULL},
	    {"m?labelSelector=a&limit=1", NULL},
	    {"a b", NULL},
	};
	static const char api[] = "/apis/external.metrics.k8s.io/v1beta1/namespaces/";
	struct mf_buf b = MF_BUF_INIT;
	struct mf_error e = {0};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		mf_buf_clear(&b);
		assert_int_equal(
		    mf_external_put_path(&b, rows[i].query, &e), rows[i].path != NULL ? 0 : -1);
		if (rows[i].path == NULL)
			continue;
		assert_memory_equal(mf_buf_cstr(&b), api, sizeof api - 1);
		assert_string_equal(mf_buf_cstr(&b) + sizeof api - 1, rows[i].path);
	}
	mf_buf_fini(&b);
}

static void
quantities(void **state)
{
	static const struct {
		const char *text;
		double value; /* NaN: none */
	} rows[] = {{"0", 0}, {"1500m", 1.5}, {"2k", 2000}, {"2Ki", 2048}, {"1e3", 1000},
	    {"1E", 1e18}, {"-3", -3}, {"250u", 250e-6}, {"1.5Gi", 1610612736}, {"", (double)NAN},
	    {"m", (double)NAN}, {"1 k", (double)NAN}, {"1x", (double)NAN}, {"--1k", (double)NAN},
	    {"NaN", (double)NAN}};
	double value;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (isnan(rows[i].value))
			assert_int_equal(mf_quantity_number(rows[i].text, &value), -1);
		else {
			assert_int_equal(mf_quantity_number(rows[i].text, &value), 0);
			assert_true(fabs(value - rows[i].value) <= fabs(rows[i].value) * 1e-15);
		}
}

/* Files of samples, and a file beside a histogram. */
static void
drift(void **state)
{
	char current[128], reference[128], bad[128];
	struct mf_error e = {0};
	double *samples;
	size_t n;

	(void)state;
	web_secret_file(current, "# of today\n1 2,3\n4\t# the last\n");
	web_secret_file(reference, "3\n4\n5\n6\n");
	web_secret_file(bad, "1\n2\n# 3\nfour\n");
	asking_begin(&a, MF_PROVIDER_DRIFT,
	    "200~~{\"status\":\"success\",\"data\":{\"resultType\":\"vector\",\"result\":["
	    "{\"metric\":{\"le\":\"+Inf\"},\"value\":[1,\"8\"]},"
	    "{\"metric\":{\"le\":\"2\"},\"value\":[1,\"2\"]}]}}"
	    "|200~~{\"status\":\"success\",\"data\":{\"resultType\":\"vector\",\"result\":[]}}"
	    "|200~~{\"status\":\"success\",\"data\":{\"resultType\":\"scalar\",\"result\":"
	    "[1,\"1\"]}}");
	a.q.query = NULL;
	a.q.drift = (struct mf_metric_drift){.test = MF_DRIFT_KS,
	    .current = current,
	    .reference = reference,
	    .current_is_file = true,
	    .reference_is_file = true};
	assert_int_equal(mf_metric_check(&a.q, false, &e), 0);
	assert_int_equal(asking_ask(&a), MF_MEASURE_VALUE);
	assert_true(fabs(a.out.value - 0.5) < 1e-12);
	assert_int_equal(a.out.samples, 4);
	a.q.min_samples = 5;
	assert_int_equal(asking_ask(&a), MF_MEASURE_FEW);
	assert_string_equal(a.out.why, "4 samples of 5");
	a.q.min_samples = 0;
	assert_int_equal(a.provider->ops->probe(a.provider, &a.q, &e), 0);
	/* 2 of 4 up to 2, against 2 of 8 */
	a.q.drift.reference = "buckets";
	a.q.drift.reference_is_file = false;
	assert_int_equal(asking_ask(&a), MF_MEASURE_VALUE);
	assert_true(fabs(a.out.value - 0.25) < 1e-12);
	assert_int_equal(asking_ask(&a), MF_MEASURE_NONE);
	assert_string_equal(a.out.why, "the reference distribution is empty");
	assert_int_equal(asking_ask(&a), MF_MEASURE_ERROR);
	assert_string_equal(a.out.why, "the answer is no histogram's buckets");
	a.q.drift.current = bad;
	assert_int_equal(asking_ask(&a), MF_MEASURE_ERROR);
	assert_int_equal(mf_drift_read_samples(bad, &samples, &n, &e), -1);
	assert_non_null(strstr(e.message, ":4: not a finite number"));
	assert_int_equal(mf_drift_read_samples("/nonexistent/x", &samples, &n, &e), -1);
	asking_end(&a);
	web_remove_file(current);
	web_remove_file(reference);
	web_remove_file(bad);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(graphite),
	    cmocka_unit_test(influxdb),
	    cmocka_unit_test(influxdb_requests),
	    cmocka_unit_test(external_metrics),
	    cmocka_unit_test(external_paths),
	    cmocka_unit_test(quantities),
	    cmocka_unit_test(drift),
	};

	return cmocka_run_group_tests_name("providers", tests, asking_crypto, NULL);
}
