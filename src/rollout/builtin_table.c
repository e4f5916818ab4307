/*
 * Which series a router's exporter has. Facts: Flagger's documentation of its built-in metrics,
 * and the exporters' own (istio.io/latest/docs/reference/config/metrics, linkerd.io, Contour and
 * Envoy's cluster statistics, kubernetes.github.io/ingress-nginx/user-guide/monitoring, Traefik,
 * Skipper, APISIX).
 */
#include "src/rollout/builtin_int.h"

#define ENVOY_REQUESTS "envoy_cluster_upstream_rq"
#define ENVOY_BAD "envoy_response_code=~\"5.*\""
#define ENVOY_DURATION "envoy_cluster_upstream_rq_time"

/* Pods TARGET-REPLICASET-POD of a Deployment, TARGET-POD of a DaemonSet. */
#define PODS                                                                                     \
	"kubernetes_namespace=\"%n\",kubernetes_pod_name=~\"%T%p-[0-9a-zA-Z]+(-[0-9a-zA-Z]+)?\"" \
	"%x{,kubernetes_pod_name!~\"%T-primary-.+\"}"

#define SKIPPER_ROUTE "route=~\"kube(ew)?_%WN__%WI_canary__.*__%WS_%c(_[0-9]+)?\""

const struct mf_builtin_row mf_builtin_rows[] = {
    {.provider = "istio",
	.requests = "istio_requests_total",
	.selector = "reporter=\"destination\",destination_workload_namespace=\"%n\","
		    "destination_workload=\"%t%p\"",
	.bad = "response_code=~\"5.*\"",
	.duration = "istio_request_duration_milliseconds",
	.to_ms = 1},
    {.provider = "linkerd",
	.requests = "response_total",
	.selector = "namespace=\"%n\",deployment=\"%t%p\",direction=\"inbound\"",
	.bad = "classification=\"failure\"",
	.duration = "response_latency_ms",
	.to_ms = 1},
    {.provider = "nginx",
	.requests = "nginx_ingress_controller_requests",
	.selector = "namespace=\"%n\",ingress=\"%i\",canary%x{!}=\"\"",
	.bad = "status=~\"5.*\"",
	.duration = "nginx_ingress_controller_response_duration_seconds",
	.mean = true,
	.to_ms = 1000},
    {.provider = "contour",
	.requests = ENVOY_REQUESTS,
	.selector = "envoy_cluster_name=~\"%N_%S-%c_[0-9a-zA-Z-]+\"",
	.bad = ENVOY_BAD,
	.duration = ENVOY_DURATION,
	.to_ms = 1},
    {.provider = "gloo",
	.is_prefix = true,
	.requests = ENVOY_REQUESTS,
	.selector = "envoy_cluster_name=~\"%N-%T-%cupstream-[0-9a-zA-Z-]+_[0-9a-zA-Z-]+\"",
	.bad = ENVOY_BAD,
	.duration = ENVOY_DURATION,
	.to_ms = 1},
    {.provider = "kuma",
	.requests = ENVOY_REQUESTS,
	.selector = "service=~\"%T-%c_%N_svc_[0-9a-zA-Z-]+\"",
	.bad = ENVOY_BAD,
	.duration = ENVOY_DURATION,
	.to_ms = 1},
    {.provider = "knative",
	.requests = ENVOY_REQUESTS,
	.selector = "envoy_cluster_name=\"%n/%r\"",
	.bad = ENVOY_BAD,
	.duration = ENVOY_DURATION,
	.to_ms = 1},
    {.provider = "appmesh",
	.is_prefix = true,
	.requests = ENVOY_REQUESTS,
	.selector = PODS,
	.bad = ENVOY_BAD,
	.duration = ENVOY_DURATION,
	.to_ms = 1},
    {.provider = "traefik",
	.requests = "traefik_service_request_duration_seconds_bucket",
	.selector = "service=~\"%N-%T-%c-[0-9a-zA-Z-]+@kubernetescrd\",le=\"+Inf\"",
	.bad = "code=~\"5..\"",
	.duration = "traefik_service_request_duration_seconds",
	.d_selector = "service=~\"%N-%T-%c-[0-9a-zA-Z-]+@kubernetescrd\"",
	.to_ms = 1000},
    {.provider = "skipper",
	.requests = "skipper_response_duration_seconds_bucket",
	.selector = SKIPPER_ROUTE ",le=\"+Inf\"",
	.bad = "code=~\"5..\"",
	.duration = "skipper_serve_route_duration_seconds",
	.d_selector = SKIPPER_ROUTE,
	.mean = true,
	.to_ms = 1000},
    /* The canary's route object has both backends; its metrics do not say which. */
    {.provider = "apisix",
	.one_sided = true,
	.requests = "apisix_http_status",
	.selector = "route=~\"%N_%R-%T-canary_.+\"",
	.bad = "code=~\"5..\"",
	.duration = "apisix_http_latency",
	.d_selector = "type=\"request\",route=~\"%N_%R-%T-canary_.+\"",
	.to_ms = 1},
    {.provider = "osm",
	.requests = "osm_request_total",
	.selector = "destination_namespace=\"%n\",destination_kind=\"Deployment\","
		    "destination_name=\"%t%p\"",
	.bad = "response_code=~\"5.*\"",
	.duration = "osm_request_duration_ms",
	.to_ms = 1},
    /* What the application itself counts: neither kubernetes nor a gateway does. */
    {.provider = "kubernetes",
	.requests = "http_request_duration_seconds_count",
	.selector = PODS,
	.bad = "status=~\"5.*\"",
	.duration = "http_request_duration_seconds",
	.to_ms = 1000},
    {.provider = "gatewayapi",
	.is_prefix = true,
	.requests = "http_request_duration_seconds_count",
	.selector = PODS,
	.bad = "status=~\"5.*\"",
	.duration = "http_request_duration_seconds",
	.to_ms = 1000},
    {.provider = "envoy",
	.requests = ENVOY_REQUESTS,
	.selector = "envoy_cluster_name=\"%t\"",
	.bad = ENVOY_BAD,
	.duration = ENVOY_DURATION,
	.to_ms = 1},
};

const size_t mf_builtin_n_rows = sizeof mf_builtin_rows / sizeof mf_builtin_rows[0];
