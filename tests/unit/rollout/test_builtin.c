/* Built-in queries and presets as text; tests/unit/traffic/test_queries runs them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "src/rollout/builtin.h"
#include "src/rollout/presets.h"

#define MINUTE UINT64_C(60000000)

static const char *const servers[] = {"models/new*", "models/n1", "spare/x"};
static const struct mf_builtin_names all_names = {.name = "churn",
    .namespace_name = "shop",
    .target = "chu.rn",
    .service = "chu-svc",
    .ingress = "chu-ing",
    .route = "chu-route",
    .servers = servers,
    .n_servers = 3};

static void
texts(void **state)
{
	static const struct {
		const char *provider;
		enum mf_metric_rule rule;
		bool primary;
		const char *want;
	} rows[] = {
	    {"istio", MF_RULE_SUCCESS_RATE, false,
		"100 * (1 - (sum(rate(istio_requests_total{reporter=\"destination\","
		"destination_workload_namespace=\"shop\",destination_workload=\"chu.rn\","
		"response_code=~\"5.*\"}[60s])) or vector(0)) / "
		"sum(rate(istio_requests_total{reporter=\"destination\","
		"destination_workload_namespace=\"shop\",destination_workload=\"chu.rn\"}[60s])))"},
	    {"linkerd", MF_RULE_DURATION, true,
		"histogram_quantile(0.99, sum by (le) (rate(response_latency_ms_bucket{"
		"namespace=\"shop\",deployment=\"chu.rn-primary\",direction=\"inbound\"}[60s])))"},
	    {"nginx", MF_RULE_DURATION, false,
		"1000 * sum(rate(nginx_ingress_controller_response_duration_seconds_sum{"
		"namespace=\"shop\",ingress=\"chu-ing\",canary!=\"\"}[60s])) / "
		"sum(rate(nginx_ingress_controller_response_duration_seconds_count{"
		"namespace=\"shop\",ingress=\"chu-ing\",canary!=\"\"}[60s]))"},
	    {"gatewayapi:v1", MF_RULE_DURATION, false,
		"1000 * histogram_quantile(0.99, sum by (le) "
		"(rate(http_request_duration_seconds_bucket{kubernetes_namespace=\"shop\","
		"kubernetes_pod_name=~\"chu\\\\.rn-[0-9a-zA-Z]+(-[0-9a-zA-Z]+)?\","
		"kubernetes_pod_name!~\"chu\\\\.rn-primary-.+\"}[60s])))"},
	    {"skipper", MF_RULE_DURATION, true,
		"1000 * sum(rate(skipper_serve_route_duration_seconds_sum{"
		"route=~\"kube(ew)?_shop__chu_ing_canary__.*__chu_svc_primary(_[0-9]+)?\"}[60s])) "
		"/ "
		"sum(rate(skipper_serve_route_duration_seconds_count{"
		"route=~\"kube(ew)?_shop__chu_ing_canary__.*__chu_svc_primary(_[0-9]+)?\"}[60s]))"},
	};
	struct mf_builtin_names names = all_names;
	struct mf_buf b = MF_BUF_INIT;
	struct mf_error e = {0};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		mf_buf_clear(&b);
		names.primary = rows[i].primary;
		assert_int_equal(
		    mf_builtin_query(rows[i].provider, rows[i].rule, &names, MINUTE, &b, &e), 0);
		assert_string_equal(mf_buf_cstr(&b), rows[i].want);
	}
	mf_buf_clear(&b);
	assert_int_equal(mf_builtin_age_query("haproxy", &all_names, &b, &e), 0);
	assert_string_equal(mf_buf_cstr(&b),
	    "time() - max(timestamp(haproxy_server_http_responses_total{proxy=\"models\","
	    "server=~\"new.*|n1\"}) or timestamp(haproxy_server_http_responses_total{"
	    "proxy=\"spare\",server=~\"x\"}))");
	mf_buf_clear(&b);
	assert_int_equal(mf_builtin_count_query("contour", &all_names, MINUTE, &b, &e), 0);
	assert_string_equal(mf_buf_cstr(&b),
	    "sum(increase(envoy_cluster_upstream_rq{"
	    "envoy_cluster_name=~\"shop_chu-svc-canary_[0-9a-zA-Z-]+\"}[60s]))");
	mf_buf_fini(&b);
}

static void
refusals(void **state)
{
	static const char *const bad[] = {"models", "/x", "models/", "a/b/c", "models/*x\n"};
	struct mf_builtin_names names = all_names;
	struct mf_buf b = MF_BUF_INIT;
	struct mf_error e = {0};
	size_t i;

	(void)state;
	assert_int_equal(
	    mf_builtin_query("smi:v1alpha1", MF_RULE_DURATION, &names, MINUTE, &b, &e), -1);
	assert_int_equal(e.code, MF_EUSAGE);
	assert_string_equal(e.message, "provider \"smi:v1alpha1\" has no built-in metrics");
	assert_int_equal(mf_builtin_query("istio2", MF_RULE_DURATION, &names, MINUTE, &b, &e), -1);
	assert_int_equal(mf_builtin_query("glooey", MF_RULE_DURATION, &names, MINUTE, &b, &e), -1);
	assert_int_equal(mf_builtin_query(NULL, MF_RULE_DURATION, &names, MINUTE, &b, &e), -1);
	assert_int_equal(mf_builtin_query("istio", MF_RULE_VALUE, &names, MINUTE, &b, &e), -1);
	assert_int_equal(mf_builtin_query("istio", MF_RULE_DURATION, &names, 0, &b, &e), -1);
	names.ingress = "";
	assert_int_equal(mf_builtin_query("nginx", MF_RULE_DURATION, &names, MINUTE, &b, &e), -1);
	assert_string_equal(e.message, "the name of the ingress is missing");
	names.primary = true;
	assert_int_equal(mf_builtin_count_query("apisix", &names, MINUTE, &b, &e), -1);
	assert_int_equal(e.code, MF_EUNSUPPORTED);
	for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		names.servers = &bad[i];
		names.n_servers = 1;
		assert_int_equal(mf_builtin_age_query("haproxy", &names, &b, &e), -1);
		assert_int_equal(e.code, MF_EUSAGE);
	}
	names.n_servers = 0;
	assert_int_equal(mf_builtin_age_query("haproxy", &names, &b, &e), -1);
	assert_string_equal(e.message, "provider haproxy needs the names of the servers");
	mf_buf_fini(&b);
}

/* Every provider of the list answers by itself. */
static void
providers(void **state)
{
	struct mf_buf b = MF_BUF_INIT;
	struct mf_error e = {0};
	const char *provider;
	size_t i;

	(void)state;
	for (i = 0; (provider = mf_builtin_provider(i)) != NULL; i++) {
		assert_true(mf_builtin_knows(provider));
		assert_int_equal(
		    mf_builtin_query(provider, MF_RULE_SUCCESS_RATE, &all_names, MINUTE, &b, &e),
		    0);
		assert_int_equal(
		    mf_builtin_query(provider, MF_RULE_DURATION, &all_names, MINUTE, &b, &e), 0);
		assert_null(strchr(mf_buf_cstr(&b), '%'));
	}
	assert_int_equal(i, 16);
	assert_false(mf_builtin_knows("osm:service"));
	mf_buf_fini(&b);
}

static void
presets(void **state)
{
	const struct mf_pair labels[] = {{"model", "chu\"rn"}, {"instance", "=~canary-.*"},
	    {"zone", "!=b"}},
			     bad = {"a-b", "x"}, none = {"a", "=~"};
	struct mf_buf b = MF_BUF_INIT;
	struct mf_error e = {0};

	(void)state;
	assert_int_equal(mf_preset_query("triton", "queue-duration", labels, 3, MINUTE, &b, &e), 0);
	assert_string_equal(mf_buf_cstr(&b),
	    "0.001 * sum(rate(nv_inference_queue_duration_us{model=\"chu\\\"rn\","
	    "instance=~\"canary-.*\",zone!=\"b\"}[60s])) / "
	    "sum(rate(nv_inference_request_success{model=\"chu\\\"rn\",instance=~\"canary-.*\","
	    "zone!=\"b\"}[60s]))");
	assert_int_equal(mf_preset_query("tritone", "queue", labels, 3, MINUTE, &b, &e), -1);
	assert_string_equal(e.message, "there is no preset \"tritone\"");
	assert_string_equal(e.hint, "there are: vllm, triton, torchserve, kserve, model-server");
	assert_int_equal(mf_preset_query("triton", "queue", labels, 3, MINUTE, &b, &e), -1);
	assert_string_equal(e.message, "preset triton has no metric \"queue\"");
	assert_string_equal(
	    e.hint, "there are: request-success-rate, request-duration, queue-duration");
	assert_int_equal(mf_preset_query("vllm", "queue", NULL, 0, MINUTE, &b, &e), -1);
	assert_string_equal(e.message, "the preset has no labels");
	assert_int_equal(mf_preset_query("vllm", "queue", &bad, 1, MINUTE, &b, &e), -1);
	assert_int_equal(mf_preset_query("vllm", "queue", &none, 1, MINUTE, &b, &e), -1);
	assert_non_null(mf_preset_find("vllm", "queue"));
	assert_null(mf_preset_find("vllm", "queues"));
	assert_null(mf_preset_row(20));
	mf_buf_fini(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(texts),
	    cmocka_unit_test(refusals),
	    cmocka_unit_test(providers),
	    cmocka_unit_test(presets),
	};

	return cmocka_run_group_tests_name("builtin", tests, NULL, NULL);
}
