/*
 * Built-in queries and presets in a real Prometheus, on what was recorded of each exporter
 * (expositions/): the canary answered 200 requests of which 2 failed, the primary 1000 of which
 * 500 did, and was slower; whoever counted the primary in would see it at once. A minute holds a
 * tenth of that (tests/servers/backfill.py).
 */
#include "tests/unit/traffic/asking.h"

#include "src/rollout/builtin.h"
#include "src/rollout/presets.h"

#define MINUTE UINT64_C(60000000)

static struct asking a;

static int
begin(void **state)
{
	const char *url = getenv("MF_PROMETHEUS_URL");

	if (asking_crypto(state) != 0 || url == NULL)
		return -1;
	asking_open(&a, MF_PROVIDER_PROMETHEUS);
	a.q.address = url;
	a.q.timeout_us = 20000000;
	return 0;
}

static int
end(void **state)
{
	(void)state;
	a.provider->ops->close(a.provider);
	mf_dialer_close(a.dialer);
	mf_region_free(a.r);
	return 0;
}

static void
measure(struct mf_buf *query, const char *what, double want)
{
	a.q.query = mf_buf_cstr(query);
	assert_non_null(a.q.query);
	if (asking_ask(&a) != MF_MEASURE_VALUE)
		fail_msg("%s: %s\n%s", what, a.out.why, a.q.query);
	if (!isnan(want) && !(fabs(a.out.value - want) <= fabs(want) * 1e-6 + 1e-9))
		fail_msg("%s is %.9g, not %.9g\n%s", what, a.out.value, want, a.q.query);
}

static const char *const canary_servers[] = {"models/new*"};
static const char *const primary_servers[] = {"models/old1"};
static const char *const all_servers[] = {"models/new1", "spare/x", "models/new2"};
static const char *const spare_servers[] = {"spare/*"};

/* Everything that a Canary in namespace test of a Deployment podinfo would give. */
static const struct mf_builtin_names podinfo = {.name = "podinfo",
    .namespace_name = "test",
    .target = "podinfo",
    .service = "podinfo",
    .ingress = "podinfo",
    .route = "podinfo",
    .servers = canary_servers,
    .n_servers = 1};

struct row {
	const char *provider;
	double canary_ms, primary_ms; /* 250 and 497.5: P99; 120 and 400: mean */
	const char *target, *route, *primary_target, *primary_route; /* NULL: podinfo */
	double canary_count, primary_count;
};

/* P99: of 200 requests 180 took up to 100 ms, 198 up to 250; all of the primary's between 250
 * and 500. */
static const struct row rows[] = {
    {"istio", 250, 497.5, .canary_count = 20, .primary_count = 100},
    {"linkerd", 250, 497.5, .canary_count = 20, .primary_count = 100},
    {"nginx", 120, 400, .canary_count = 20, .primary_count = 100},
    {"contour", 250, 497.5, .canary_count = 20, .primary_count = 100},
    {"gloo", 250, 497.5, .canary_count = 20, .primary_count = 100},
    {"kuma", 250, 497.5, .canary_count = 20, .primary_count = 100},
    {"knative", 250, 497.5, NULL, "podinfo-00002", NULL, "podinfo-00001", 20, 100},
    {"appmesh:v1beta2", 250, 497.5, .canary_count = 20, .primary_count = 100},
    {"traefik", 250, 497.5, .canary_count = 20, .primary_count = 100},
    {"skipper", 120, 400, .canary_count = 20, .primary_count = 100},
    {"apisix", 250, 0, .canary_count = 20},
    {"osm", 250, 497.5, .canary_count = 20, .primary_count = 100},
    {"kubernetes", 250, 497.5, .canary_count = 20, .primary_count = 100},
    {"gatewayapi:v1", 250, 497.5, .canary_count = 20, .primary_count = 100},
    {"kubernetes", 250, 497.5, "podset", NULL, "podset", NULL, 20, 100},
    {"envoy", 250, 497.5, "models_new", NULL, "models_old", NULL, 20, 100},
    {"haproxy", 2, 25, .canary_count = 20, .primary_count = 50},
};

static void
one_side(const struct row *row, const struct mf_builtin_names *names)
{
	struct mf_buf b = MF_BUF_INIT, count = MF_BUF_INIT, age = MF_BUF_INIT;
	struct mf_error e = {0};
	char what[100];

	(void)snprintf(
	    what, sizeof what, "%s, %s", row->provider, names->primary ? "primary" : "canary");
	if (mf_builtin_count_query(row->provider, names, MINUTE, &count, &e) != 0 ||
	    mf_builtin_age_query(row->provider, names, &age, &e) != 0 ||
	    mf_builtin_query(row->provider, MF_RULE_SUCCESS_RATE, names, MINUTE, &b, &e) != 0)
		fail_msg("%s: %s", what, e.message);
	a.q.count_query = mf_buf_cstr(&count);
	a.q.age_query = mf_buf_cstr(&age);
	measure(&b, what, names->primary ? 50 : 99);
	assert_in_range(a.out.age_us, 0, 16000000);
	assert_int_equal(
	    a.out.samples, (uint64_t)(names->primary ? row->primary_count : row->canary_count));
	a.q.count_query = a.q.age_query = NULL;
	mf_buf_clear(&b);
	assert_int_equal(
	    mf_builtin_query(row->provider, MF_RULE_DURATION, names, MINUTE, &b, &e), 0);
	measure(&b, what, names->primary ? row->primary_ms : row->canary_ms);
	mf_buf_fini(&b);
	mf_buf_fini(&count);
	mf_buf_fini(&age);
}

static void
builtin(void **state)
{
	struct mf_builtin_names names;
	const struct row *row;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		row = &rows[i];
		names = podinfo;
		names.target = row->target != NULL ? row->target : "podinfo";
		names.route = row->route != NULL ? row->route : "podinfo";
		one_side(row, &names);
		if (row->primary_ms <= 0)
			continue;
		names.primary = true;
		names.target = row->primary_target != NULL ? row->primary_target : names.target;
		names.route = row->primary_route != NULL ? row->primary_route : names.route;
		names.servers = primary_servers;
		one_side(row, &names);
	}
}

/* Every provider that there is has a row above. */
static void
all_are_here(void **state)
{
	const char *provider;
	size_t i, j;

	(void)state;
	for (i = 0; (provider = mf_builtin_provider(i)) != NULL; i++) {
		for (j = 0; j < sizeof rows / sizeof rows[0]; j++)
			if (strncmp(rows[j].provider, provider, strlen(provider)) == 0)
				break;
		if (j == sizeof rows / sizeof rows[0])
			fail_msg("provider %s is not tried", provider);
	}
}

/* Servers of two backends, one of which answers nothing: its 5 requests failed. */
static void
haproxy_backends(void **state)
{
	struct mf_builtin_names names = podinfo;
	struct mf_buf b = MF_BUF_INIT;
	struct mf_error e = {0};

	(void)state;
	names.servers = all_servers;
	names.n_servers = 3;
	assert_int_equal(
	    mf_builtin_query("haproxy", MF_RULE_SUCCESS_RATE, &names, MINUTE, &b, &e), 0);
	measure(&b, "two backends", 100 * (1 - 7.0 / 205));
	mf_buf_clear(&b);
	assert_int_equal(mf_builtin_query("haproxy", MF_RULE_DURATION, &names, MINUTE, &b, &e), 0);
	measure(&b, "two backends", 2);
	mf_buf_clear(&b);
	names.servers = spare_servers;
	names.n_servers = 1;
	assert_int_equal(
	    mf_builtin_query("haproxy", MF_RULE_SUCCESS_RATE, &names, MINUTE, &b, &e), 0);
	measure(&b, "all fail", 0);
	mf_buf_fini(&b);
}

/* A side that nobody asked has no data, whichever query. */
static void
no_data(void **state)
{
	static const char *const nobody[] = {"models/newer*"};
	struct mf_builtin_names names = podinfo;
	struct mf_buf b = MF_BUF_INIT;
	struct mf_error e = {0};
	enum mf_measure_end end_seen;
	size_t i;

	(void)state;
	names.target = names.service = names.ingress = names.route = "nobody";
	names.servers = nobody;
	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		mf_buf_clear(&b);
		assert_int_equal(mf_builtin_query(rows[i].provider, MF_RULE_SUCCESS_RATE, &names,
				     MINUTE, &b, &e),
		    0);
		a.q.query = mf_buf_cstr(&b);
		end_seen = asking_ask(&a);
		if (end_seen != MF_MEASURE_NONE && end_seen != MF_MEASURE_NAN)
			fail_msg("%s: %g", rows[i].provider, a.out.value);
	}
	mf_buf_fini(&b);
}

struct preset_row {
	const char *preset, *metric, *label, *value;
	double want;
	uint64_t samples; /* 0: of a gauge, as many as there were scrapes */
};

static const struct preset_row preset_rows[] = {
    {"vllm", "time-to-first-token", "pod", "=~canary-.*", 250, 20},
    {"vllm", "time-per-output-token", "pod", "canary-1", 250, 20},
    {"vllm", "time-per-output-token", "pod", "primary-1", 497.5, 100}, /* has the old name */
    {"vllm", "request-duration", "pod", "!=primary-1", 250, 20},
    {"vllm", "queue", "pod", "=~canary-.*", 7, 0}, {"vllm", "running", "pod", "!~primary-.*", 7, 0},
    {"triton", "request-success-rate", "version", "2", 99, 20},
    {"triton", "request-duration", "version", "2", 120, 20},
    {"triton", "queue-duration", "version", "2", 1.5, 20},
    {"torchserve", "request-success-rate", "Hostname", "canary-1", 99, 20},
    {"torchserve", "request-duration", "Hostname", "canary-1", 120, 20},
    {"torchserve", "queue-duration", "Hostname", "canary-1", 1.5, 20},
    {"kserve", "request-success-rate", "revision_name", "churn-predictor-00002", 99, 20},
    {"kserve", "predict-duration", "revision_name", "churn-predictor-00002", 250, 20},
    {"kserve", "preprocess-duration", "revision_name", "churn-predictor-00002", 250, 20},
    {"kserve", "postprocess-duration", "revision_name", "churn-predictor-00002", 250, 20},
    {"model-server", "request-success-rate", "version", "v2", 99, 20},
    {"model-server", "request-duration", "version", "v2", 250, 20},
    {"model-server", "accuracy", "version", "v2", 0.93, 0},
    {"model-server", "feature-drift", "version", "v2", 0.11, 0},
    {"model-server", "prediction-distribution", "version", "v2", (double)NAN, 20}, /* any bucket */
};

static void
presets(void **state)
{
	struct mf_buf b = MF_BUF_INIT, count = MF_BUF_INIT, age = MF_BUF_INIT;
	const struct preset_row *row;
	struct mf_error e = {0};
	struct mf_pair label;
	char what[100];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof preset_rows / sizeof preset_rows[0]; i++) {
		row = &preset_rows[i];
		label = (struct mf_pair){row->label, row->value};
		mf_buf_clear(&b);
		mf_buf_clear(&count);
		mf_buf_clear(&age);
		(void)snprintf(what, sizeof what, "%s, %s", row->preset, row->metric);
		if (mf_preset_query(row->preset, row->metric, &label, 1, MINUTE, &b, &e) != 0 ||
		    mf_preset_count_query(
			row->preset, row->metric, &label, 1, MINUTE, &count, &e) != 0 ||
		    mf_preset_age_query(row->preset, row->metric, &label, 1, &age, &e) != 0)
			fail_msg("%s: %s", what, e.message);
		a.q.count_query = mf_buf_cstr(&count);
		a.q.age_query = mf_buf_cstr(&age);
		measure(&b, what, row->want);
		assert_in_range(a.out.age_us, 0, 16000000);
		if (row->samples != 0)
			assert_int_equal(a.out.samples, row->samples);
		else
			assert_in_range(a.out.samples, 3, 10);
		a.q.count_query = a.q.age_query = NULL;
	}
	mf_buf_fini(&b);
	mf_buf_fini(&count);
	mf_buf_fini(&age);
	for (i = 0; mf_preset_row(i) != NULL; i++)
		continue;
	assert_int_equal(i + 1, sizeof preset_rows / sizeof preset_rows[0]);
}

/* Errors that no request was counted for: all failed. */
static void
all_failed(void **state)
{
	const struct mf_pair label = {"version", "v0"};
	struct mf_buf b = MF_BUF_INIT;
	struct mf_error e = {0};

	(void)state;
	assert_int_equal(
	    mf_preset_query("model-server", "request-success-rate", &label, 1, MINUTE, &b, &e), 0);
	measure(&b, "all failed", 0);
	mf_buf_fini(&b);
}

/* Both sides' predictions: the published value of test_drift.c's first PSI. */
static void
drift(void **state)
{
	const struct mf_pair v1 = {"version", "v1"}, v2 = {"version", "v2"};
	const struct mf_metric_query saved = a.q;
	struct mf_metric_provider *prometheus = a.provider;
	struct mf_buf now = MF_BUF_INIT, before = MF_BUF_INIT;
	const struct mf_metric_params params = {.dialer = a.dialer, .unix_us = asking_real_us};
	struct mf_error e = {0};

	(void)state;
	assert_int_equal(
	    mf_preset_query("model-server", "prediction-distribution", &v2, 1, MINUTE, &now, &e),
	    0);
	assert_int_equal(
	    mf_preset_query("model-server", "prediction-distribution", &v1, 1, MINUTE, &before, &e),
	    0);
	assert_int_equal(mf_metric_open(MF_PROVIDER_DRIFT, &params, &a.provider, &e), 0);
	a.q.type = MF_PROVIDER_DRIFT;
	a.q.drift = (struct mf_metric_drift){
	    .test = MF_DRIFT_PSI, .current = mf_buf_cstr(&now), .reference = mf_buf_cstr(&before)};
	assert_int_equal(asking_ask(&a), MF_MEASURE_VALUE);
	assert_true(fabs(a.out.value - 0.3404592) < 1e-6);
	assert_int_equal(a.out.samples, 20);
	/* the counters themselves over a range, whose increase is taken here */
	a.q.drift.current = "model_prediction_distribution_bucket{version=\"v2\"}";
	a.q.drift.reference = "model_prediction_distribution_bucket{version=\"v1\"}";
	a.q.range = (struct mf_metric_range){.start_ago_us = 2 * MINUTE, .step_us = MINUTE / 2};
	assert_int_equal(asking_ask(&a), MF_MEASURE_VALUE);
	assert_true(fabs(a.out.value - 0.3404592) < 1e-6);
	a.q.min_samples = 1000;
	assert_int_equal(asking_ask(&a), MF_MEASURE_FEW);
	assert_int_equal(a.provider->ops->probe(a.provider, &a.q, &e), 0);
	a.provider->ops->close(a.provider);
	a.provider = prometheus;
	a.q = saved;
	mf_buf_fini(&now);
	mf_buf_fini(&before);
}

/* What Prometheus itself makes of bad queries, ranges and scalars. */
static void
own_words(void **state)
{
	struct mf_error e = {0};

	(void)state;
	a.q.query = "sum(";
	assert_int_equal(asking_ask(&a), MF_MEASURE_ERROR);
	assert_memory_equal(a.out.why, "bad_data: ", 10);
	a.q.query = "scalar(vector(2))";
	assert_int_equal(asking_ask(&a), MF_MEASURE_ERROR);
	a.q.as_tree = true;
	assert_int_equal(asking_ask(&a), MF_MEASURE_VALUE);
	assert_true(a.out.result->number > 1.9 && a.out.result->number < 2.1);
	a.q.as_tree = false;
	a.q.query = "istio_requests_total[1m]";
	assert_int_equal(asking_ask(&a), MF_MEASURE_ERROR);
	assert_string_equal(a.out.why, "the answer has multiple values");
	a.q.query = "model_accuracy{version=\"v2\"}";
	a.q.max_age_us = MINUTE;
	assert_int_equal(asking_ask(&a), MF_MEASURE_VALUE);
	assert_true(a.out.age_us > 0 && a.out.age_us < 16000000);
	a.q.max_age_us = 0;
	/* a predicate that does not hold, and one without data */
	a.q.query = "model_accuracy{version=\"v1\"} > 0.9";
	a.q.left_query = "model_accuracy{version=\"v1\"}";
	a.q.as_tree = true;
	assert_int_equal(asking_ask(&a), MF_MEASURE_VALUE);
	assert_int_equal(a.out.result->kind, MF_NODE_BOOL);
	assert_false(a.out.result->truth);
	a.q.query = "model_accuracy{version=\"v9\"} > 0.9";
	a.q.left_query = "model_accuracy{version=\"v9\"}";
	assert_int_equal(asking_ask(&a), MF_MEASURE_NONE);
	a.q.as_tree = false;
	a.q.left_query = NULL;
	assert_int_equal(a.provider->ops->probe(a.provider, &a.q, &e), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(all_are_here),
	    cmocka_unit_test(builtin),
	    cmocka_unit_test(haproxy_backends),
	    cmocka_unit_test(no_data),
	    cmocka_unit_test(presets),
	    cmocka_unit_test(all_failed),
	    cmocka_unit_test(drift),
	    cmocka_unit_test(own_words),
	};

	return cmocka_run_group_tests_name("queries", tests, begin, end);
}
