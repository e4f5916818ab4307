/*
 * What is refused of a Canary and of a Migration, by file, line and field: a plan that is accepted,
 * and one line of it after the other put differently.
 */
#include "tests/unit/rollout/trees.h"

#include "src/rollout/plan.h"

struct refusal {
	unsigned line; /* of the plan, from 1: this one is */
	const char *by, *text;
};

static const char *const canary[] = {"apiVersion: flagger.app/v1beta1", "kind: Canary",
    "metadata: {name: churn, namespace: ml}", "spec:", "  provider: istio",
    "  targetRef: {apiVersion: apps/v1, kind: Deployment, name: churn}", "  service: {port: 8080}",
    "  progressDeadlineSeconds: 600", "  analysis:", "    interval: 1m", "    threshold: 5",
    "    maxWeight: 50", "    stepWeight: 10",
    "    metrics:", "    - {name: request-success-rate, thresholdRange: {min: 99}, interval: 1m}",
    "    - {name: acc, templateRef: {name: acc}, thresholdRange: {min: 90}, interval: 1m}",
    "    webhooks:", "    - {name: gate, type: confirm-rollout, url: \"http://gate/\"}", "---",
    "apiVersion: flagger.app/v1beta1", "kind: MetricTemplate",
    "metadata: {name: acc, namespace: ml}",
    "spec:", "  provider: {type: prometheus, address: \"http://prometheus:9090\"}",
    "  query: avg(model_accuracy{target=\"{{ target }}\"}[{{ interval }}])", NULL};

static const struct refusal canary_refusals[] = {
    {1, "apiVersion: flagger.app/v1alpha3",
	"plan.yaml:1: apiVersion: of Canary only flagger.app/v1beta1 is known here, not v1alpha3"},
    {2, "kind: Canarie", "plan.yaml:2: kind: flagger.app/v1beta1 has no kind Canarie"},
    {3, "metadata: {namespace: ml}", "plan.yaml:3: metadata.name: is missing"},
    {5, "  provider: consul",
	"plan.yaml:5: spec.provider: \"consul\" is none of the words known here: apisix, appmesh, "
	"appmesh:v1beta1, appmesh:v1beta2, contour, gatewayapi:v1, gatewayapi:v1beta1, gloo, "
	"istio, knative, kubernetes, kuma, linkerd, nginx, osm, skipper, smi:v1alpha1, "
	"smi:v1alpha2, smi:v1alpha3 or traefik"},
    {5, "  provider: nginx", "plan.yaml:4: spec.ingressRef: is missing, which nginx needs"},
    {5, "  provider: apisix", "plan.yaml:4: spec.routeRef: is missing, which apisix needs"},
    {5, "  provider: knative",
	"plan.yaml:6: spec.targetRef: the provider knative and a target of serving.knative.dev go "
	"together"},
    {5, "  provider: gatewayapi:v1",
	"plan.yaml:7: spec.service.gatewayRefs: is missing: an HTTPRoute without a parent would "
	"never be accepted"},
    {5, "  provider: kubernetes",
	"plan.yaml:9: spec.analysis: the provider kubernetes has no weights: the run would wait "
	"for ever; iterations are wanted"},
    {6, "  targetRef: {kind: StatefulSet, name: churn}",
	"plan.yaml:6: spec.targetRef.kind: \"StatefulSet\" is none of the words known here: "
	"Deployment, DaemonSet or Service"},
    {6, "  targetRef: {kind: Deployment}", "plan.yaml:6: spec.targetRef.name: is missing"},
    {6, "  suspend: false", "plan.yaml:4: spec.targetRef: is missing"},
    {7, "  service: {}", "plan.yaml:7: spec.service.port: is missing"},
    {7, "  service: {port: 70000}",
	"plan.yaml:7: spec.service.port: 70000 is not within 1 and 65535"},
    {7, "  service: {port: 80, delegation: true, hosts: [a]}",
	"plan.yaml:7: spec.service.delegation: hosts and gateways must be empty with it"},
    {8, "  metricsServer: prometheus:9090",
	"plan.yaml:8: spec.metricsServer: a URL is wanted here: http:// or https://, and a host"},
    {8, "  suspend: \"yes\"", "plan.yaml:8: spec.suspend: a boolean is wanted here, not a string"},
    {10, "    interval: 1h",
	"plan.yaml:10: spec.analysis.interval: \"1h\" does not begin with digits and m or s, as "
	"Flagger has it"},
    {10, "    interval: 60",
	"plan.yaml:10: spec.analysis.interval: a string is wanted here, not a number"},
    {10, "    interval: 1mx", "plan.yaml:10: spec.analysis.interval: \"1mx\" is not a duration"},
    {10, "    mirror: false", "plan.yaml:9: spec.analysis.interval: is missing"},
    {11, "    threshold: 0.5",
	"plan.yaml:11: spec.analysis.threshold: a whole number is wanted here, not 0.5"},
    {11, "    mirror: false", "plan.yaml:9: spec.analysis.threshold: is missing"},
    {12, "    maxWeight: 101",
	"plan.yaml:12: spec.analysis.maxWeight: a weight is a whole number from 0 to 100, not 101"},
    {12, "    maxWeight: 12.5",
	"plan.yaml:12: spec.analysis.maxWeight: a weight is a whole number, not 12.5"},
    {12, "    maxWeight: -1",
	"plan.yaml:12: spec.analysis.maxWeight: a weight is a whole number from 0 to 100, not -1"},
    {12, "    match: [{headers: {x: {exact: a}}}]",
	"plan.yaml:12: spec.analysis.match: without iterations it would be ignored"},
    {12, "    mirrorWeight: \"10\"",
	"plan.yaml:12: spec.analysis.mirrorWeight: a number is wanted here, not a string"},
    {13, "    stepWeight: 0",
	"plan.yaml:13: spec.analysis.stepWeight: a step of 0 would never end"},
    {13, "    stepWeight: -5",
	"plan.yaml:13: spec.analysis.stepWeight: a weight is a whole number from 0 to 100, not -5"},
    {13, "    stepWeight: \"10\"",
	"plan.yaml:13: spec.analysis.stepWeight: a number is wanted here, not a string"},
    {13, "    stepWeights: [10, 10, 20]",
	"plan.yaml:13: spec.analysis.stepWeights[1]: 10 again: each weight has to be "
	"greater than the one before it"},
    {13, "    stepWeights: [10, 5]",
	"plan.yaml:13: spec.analysis.stepWeights[1]: 5 is less than the 10 before it"},
    {13, "    stepWeights: [0, 5]",
	"plan.yaml:13: spec.analysis.stepWeights[0]: a step to 0 would never end"},
    {13, "    stepWeights: [10, 10.5]",
	"plan.yaml:13: spec.analysis.stepWeights[1]: a weight is a whole number, not 10.5"},
    {13, "    stepWeights: [10, 110]",
	"plan.yaml:13: spec.analysis.stepWeights[1]: a weight is a whole number from 0 to 100, not "
	"110"},
    {13, "    stepWeights: {}",
	"plan.yaml:13: spec.analysis.stepWeights: a list is wanted here, not a map"},
    {13, "    iterations: 0",
	"plan.yaml:13: spec.analysis.iterations: 0 iterations and no stepWeight: the run would "
	"wait for ever"},
    {13, "    stepWeight: 10\n    iterations: 5",
	"plan.yaml:9: spec.analysis: only one of stepWeight, stepWeights and iterations may be "
	"there"},
    {13, "    mirror: false",
	"plan.yaml:9: spec.analysis: one of stepWeight, stepWeights and iterations is wanted: "
	"without a step the run would wait for ever"},
    {13, "    iterations: 2\n    match: [{headers: {x: {exact: a, regex: b}}}]",
	"plan.yaml:14: spec.analysis.match[0].headers.x: exactly one of exact, prefix, suffix, "
	"regex is wanted"},
    {15, "    - {name: request-success-rate, thresholdRange: {}, interval: 1m}",
	"plan.yaml:15: spec.analysis.metrics[0].thresholdRange: has neither min nor max: the "
	"metric could never fail"},
    {15, "    - {name: request-success-rate, thresholdRange: {min: 9, max: 1}}",
	"plan.yaml:15: spec.analysis.metrics[0].thresholdRange: min 9 lies above max 1: no value "
	"would pass"},
    {15, "    - {name: request-success-rate, thresholdRange: {min: x}}",
	"plan.yaml:15: spec.analysis.metrics[0].thresholdRange.min: a number is wanted here, not a "
	"string"},
    {15, "    - {name: request-success-rate, interval: 1h, thresholdRange: {min: 9}}",
	"plan.yaml:15: spec.analysis.metrics[0].interval: \"1h\" does not begin with digits and m "
	"or s, as Flagger has it"},
    {15, "    - {thresholdRange: {min: 9}, query: up}",
	"plan.yaml:15: spec.analysis.metrics[0].name: is missing"},
    {15, "    - {name: errors, thresholdRange: {min: 9}}",
	"plan.yaml:15: spec.analysis.metrics[0]: errors is no built-in metric and has neither "
	"query nor templateRef: each check would fail"},
    {15, "    - request-success-rate",
	"plan.yaml:15: spec.analysis.metrics[0]: a map is wanted here, not a string"},
    {15, "    - {name: q, query: \"up{{ if name }}\", thresholdRange: {min: 1}}",
	"plan.yaml:15: spec.analysis.metrics[0].query: line 1, column 6: if is not supported"},
    {15, "    - {name: q, query: \"up{{ variables.x }}\", thresholdRange: {min: 1}}",
	"plan.yaml:15: spec.analysis.metrics[0].query: line 1, column 6: templateVariables has no "
	"x"},
    {16, "    - {name: acc, templateRef: {name: other}, thresholdRange: {min: 90}}",
	"plan.yaml:16: spec.analysis.metrics[1].templateRef: the MetricTemplate other is not in "
	"this file (namespace ml)"},
    {16, "    - {name: acc, templateRef: {name: acc, namespace: x}, thresholdRange: {min: 90}}",
	"plan.yaml:16: spec.analysis.metrics[1].templateRef: the MetricTemplate acc is not in this "
	"file (namespace x)"},
    {16, "    - {name: acc, templateRef: {}, thresholdRange: {min: 90}}",
	"plan.yaml:16: spec.analysis.metrics[1].templateRef.name: is missing"},
    {16, "    - {name: acc, templateRef: {name: acc}, thresholdRange: {min: 90}}",
	"plan.yaml:16: spec.analysis.metrics[1].interval: is missing, and the template acc asks "
	"for it"},
    {18, "    - {name: gate, type: confirm, url: \"http://gate/\"}",
	"plan.yaml:18: spec.analysis.webhooks[0].type: \"confirm\" is none of the words known "
	"here: rollout, confirm-rollout, pre-rollout, confirm-traffic-increase, confirm-promotion, "
	"rollback, post-rollout or event"},
    {18, "    - {name: gate, type: confirm-rollout}",
	"plan.yaml:18: spec.analysis.webhooks[0].url: is missing"},
    {18, "    - {type: confirm-rollout, url: \"http://gate/\"}",
	"plan.yaml:18: spec.analysis.webhooks[0].name: is missing"},
    {18, "    - {name: gate, url: \"gate/\"}",
	"plan.yaml:18: spec.analysis.webhooks[0].url: a URL is wanted here: http:// or https://, "
	"and a host"},
    {18, "    - {name: gate, url: \"http://gate/\", timeout: 10}",
	"plan.yaml:18: spec.analysis.webhooks[0].timeout: a string is wanted here, not a number"},
    {18, "    - {name: gate, url: \"http://gate/\", timeout: 0s}",
	"plan.yaml:18: spec.analysis.webhooks[0].timeout: a timeout of 0 would always fail"},
    {18, "    - {name: gate, url: \"http://gate/\", metadata: {a: [b]}}",
	"plan.yaml:18: spec.analysis.webhooks[0].metadata.a: a string is wanted here, not a list"},
    {19, "---\napiVersion: v1", "plan.yaml:21: key apiVersion a second time"},
    {20, "apiVersion: flagger.app/v1",
	"plan.yaml:20: apiVersion: of MetricTemplate only flagger.app/v1beta1 is known here, not "
	"v1"},
    {24, "  provider: {type: datadog}",
	"plan.yaml:24: spec.provider.type: the provider datadog is not supported yet: prometheus, "
	"graphite, influxdb, externalmetrics and web are"},
    {24, "  provider: {type: cloudwatch, region: x}",
	"plan.yaml:24: spec.provider.type: the provider cloudwatch is not supported yet: "
	"prometheus, graphite, influxdb, externalmetrics and web are"},
    {24, "  provider: {type: nothing}",
	"plan.yaml:24: spec.provider.type: the provider nothing is not known: prometheus, "
	"graphite, influxdb, externalmetrics and web are"},
    {24, "  provider: {type: prometheus}",
	"plan.yaml:24: spec.provider.address: is missing: where prometheus is"},
    {24, "  provider: {type: prometheus, address: prometheus}",
	"plan.yaml:24: spec.provider.address: a URL is wanted here: http:// or https://, and a "
	"host"},
    {25, "  x: y", "plan.yaml:23: spec.query: is missing"},
    {25, "  query: [a]", "plan.yaml:25: spec.query: a string is wanted here, not a list"},
};

static const char *const migration[] = {"apiVersion: modelferry.dev/v1alpha1", "kind: Migration",
    "metadata: {name: churn-eu}", "spec:", "  model: {name: churn, version: v7}",
    "  source: {name: us, servers: [\"http://10.0.0.1:8080\"]}", "  destination:", "    name: eu",
    "    dir: /srv/eu", "    link: current", "    servers: [\"http://10.1.0.1:8080\"]",
    "    serves: {url: \"{server}/version\", jsonPath: \"{.version}\"}", "  router:",
    "    haproxy: {sockets: [\"unix:/run/haproxy.sock\"], primary: [m/us], canary: [m/eu]}",
    "  analysis:", "    interval: 30s", "    threshold: 3", "    stepWeight: 10",
    "    address: http://prometheus:9090",
    "    metrics:", "    - {name: request-success-rate, thresholdRange: {min: 99}}",
    "    - {name: accuracy, query: 'avg(model_accuracy{site=\"eu\"})', thresholdRange: {min: 90}}",
    NULL};

static const struct refusal migration_refusals[] = {
    {1, "apiVersion: modelferry.dev/v1",
	"plan.yaml:1: apiVersion: of Migration only modelferry.dev/v1alpha1 is known here, not v1"},
    {2, "kind: Migrations", "plan.yaml:2: kind: modelferry.dev/v1alpha1 has no kind Migrations"},
    {5, "  model: {name: churn}",
	"plan.yaml:5: spec.model: exactly one of version and ref is wanted"},
    {5, "  model: {name: churn, version: v7, ref: candidate}",
	"plan.yaml:5: spec.model: exactly one of version and ref is wanted"},
    {5, "  model: {name: churn, ref: production}",
	"plan.yaml:5: spec.model.ref: production is the ref that moves at the end: it would be "
	"carried to itself"},
    {5, "  model: {name: churn, version: v7, candidateRef: production}",
	"plan.yaml:5: spec.model.candidateRef: it is productionRef, too: traffic would follow it "
	"at the start"},
    {5, "  model: {version: v7}", "plan.yaml:5: spec.model.name: is missing"},
    {5, "  model: {name: churn, version: v7, loadRate: fast}",
	"plan.yaml:5: spec.model.loadRate: \"fast\" is not a size"},
    {6, "  source: {servers: [\"10.0.0.1:8080\"]}",
	"plan.yaml:6: spec.source.servers[0]: a URL is wanted here: http:// or https://, and a "
	"host"},
    {6, "  source: {link: current}",
	"plan.yaml:6: spec.source.link: a link lies in dir, which is missing\nplan.yaml:6: "
	"spec.source.serves: is missing: a flipped link is not a loaded model; say how its servers "
	"tell which version they serve, or write `serves: unchecked`"},
    {6, "  source: {dir: /srv/us, link: current}",
	"plan.yaml:6: spec.source.serves: is missing: a flipped link is not a loaded model; say "
	"how its servers tell which version they serve, or write `serves: unchecked`"},
    {6, "  source: {dir: /srv/eu/, link: current, serves: unchecked}",
	"plan.yaml:10: spec.destination.link: this is the source's link, too: turned for the "
	"destination it would be turned under the servers that have the traffic; each site has "
	"one of its own"},
    {18, "    maxHold: 90s\n    stepWeight: 10",
	"plan.yaml:18: spec.analysis.maxHold: 1m30s is over before the window of "
	"request-success-rate lies behind a change of weights, 1m30s after it: every run would go "
	"back"},
    {16, "    mirrorWeight: 10",
	"plan.yaml:16: spec.analysis.mirrorWeight: no router of a Migration mirrors a part"},
    {6, "  suspend: maybe", "plan.yaml:6: spec.suspend: a boolean is wanted here, not a string"},
    {9, "    mirror: \"s3://b/{version}/\"\n    dir: /srv/eu",
	"plan.yaml:7: spec.destination: only one of dir and mirror may be there"},
    {8, "    remote: true",
	"plan.yaml:7: spec.destination: name is missing: by it the site's receipts are told from "
	"those of others"},
    {9, "    receipts: 2\n    dir: /srv/eu",
	"plan.yaml:9: spec.destination.receipts: a site that is not remote writes none: it is "
	"verified here"},
    {10, "    link: a/b",
	"plan.yaml:10: spec.destination.link: a name in dir is wanted here: no slash, no dot in "
	"front"},
    {10, "    warmup: {count: 3}", "plan.yaml:10: spec.destination.warmup.requests: is missing"},
    {10, "    requires: [{tag: runtime}]",
	"plan.yaml:10: spec.destination.requires[0]: exactly one of url and command is wanted"},
    {10, "    reload: {preset: vllm, url: \"{server}/x\"}",
	"plan.yaml:10: spec.destination.reload: a preset says url, method and body itself"},
    {10, "    reload: {}",
	"plan.yaml:10: spec.destination.reload: exactly one of url and command is wanted"},
    {10, "    reload: {url: \"{server}/x\", command: [x]}",
	"plan.yaml:10: spec.destination.reload: exactly one of url and command is wanted"},
    {10, "    reload: {command: [x], body: x}",
	"plan.yaml:10: spec.destination.reload: method, body and headers are for url, not for "
	"command"},
    {10, "    reload: {url: \"{server}/x\", method: GET, body: x}",
	"plan.yaml:10: spec.destination.reload.body: a GET has no body"},
    {10, "    reload: {url: \"{server}/x\", method: PATCH}",
	"plan.yaml:10: spec.destination.reload.method: GET, POST or PUT is wanted here"},
    {11, "    remote: false",
	"plan.yaml:12: spec.destination.serves.url: {server} stands here, but the site has no "
	"servers"},
    {12, "    pinned: true",
	"plan.yaml:7: spec.destination.serves: is missing: a flipped link is not a loaded model; "
	"say how its servers tell which version they serve, or write `serves: unchecked`"},
    {12, "    serves: yes, they do",
	"plan.yaml:12: spec.destination.serves: a map is wanted here, or the word unchecked"},
    {12, "    serves: {url: \"http://10.1.0.1/version\"}",
	"plan.yaml:12: spec.destination.serves.url: {server} is wanted in it: every server is "
	"asked, and not whoever answers"},
    {12, "    serves: {url: \"{server}/version\", jsonPath: \"{.a\"}",
	"plan.yaml:12: spec.destination.serves.jsonPath: column 4: } is missing"},
    {12, "    serves: {metric: {query: up}}",
	"plan.yaml:12: spec.destination.serves.metric.label: is missing\nplan.yaml:12: "
	"spec.destination.serves.metric.address: is missing"},
    {12, "    serves: {url: \"{server}/v\", metric: {query: up, label: v, address: \"http://p\"}}",
	"plan.yaml:12: spec.destination.serves.metric: only one of url, command and metric may be "
	"there"},
    {14, "    {}",
	"plan.yaml:13: spec.router: exactly one of haproxy, file, exec is wanted, or `none`"},
    {14,
	"    haproxy: {sockets: [\"unix:/a\"], primary: [m/us], canary: [m/eu]}\n    exec: "
	"{command: [x]}",
	"plan.yaml:13: spec.router: exactly one of haproxy, file, exec is wanted, or `none`"},
    {14, "    haproxy: {sockets: [/run/haproxy.sock], primary: [m/us], canary: [m/eu]}",
	"plan.yaml:14: spec.router.haproxy.sockets[0]: unix:/PATH or tcp:HOST:PORT is wanted here"},
    {14, "    haproxy: {sockets: [\"unix:/a\"], primary: [us], canary: [m/eu]}",
	"plan.yaml:14: spec.router.haproxy.primary[0]: BACKEND/SERVER is wanted here"},
    {14, "    haproxy: {sockets: [\"unix:/a\"], primary: [m/us, m/eu], canary: [m/eu]}",
	"plan.yaml:14: spec.router.haproxy.canary[0]: m/eu is on both sides"},
    {14, "    haproxy: {primary: [m/us], canary: [m/eu]}",
	"plan.yaml:14: spec.router.haproxy.sockets: is missing"},
    {14, "    exec: {}",
	"plan.yaml:14: spec.router.exec.command: is missing\nplan.yaml:21: "
	"spec.analysis.metrics[0].name: the built-in metric request-success-rate needs a provider "
	"whose series are known, and the router names none: write analysis.provider, or a query in "
	"its place; modelferry-metrics(7)"},
    {14, "    file: {template: /a, output: /a, reload: [x]}",
	"plan.yaml:14: spec.router.file.output: it would overwrite the template\nplan.yaml:21: "
	"spec.analysis.metrics[0].name: the built-in metric request-success-rate needs a provider "
	"whose series are known, and the router names none: write analysis.provider, or a query in "
	"its place; modelferry-metrics(7)"},
    {14, "    file: {template: /a, output: /b}",
	"plan.yaml:14: spec.router.file.reload: is missing: who tells the proxy\nplan.yaml:21: "
	"spec.analysis.metrics[0].name: the built-in metric request-success-rate needs a provider "
	"whose series are known, and the router names none: write analysis.provider, or a query in "
	"its place; modelferry-metrics(7)"},
    {16, "    interval: 0s", "plan.yaml:16: spec.analysis.interval: an interval of 0 never passes"},
    {16, "    interval: soon", "plan.yaml:16: spec.analysis.interval: \"soon\" is not a duration"},
    {17, "    threshold: 0",
	"plan.yaml:17: spec.analysis.threshold: 0 is not within 1 and 1000000"},
    {18, "    mirror: true\n    stepWeight: 10",
	"plan.yaml:18: spec.analysis.mirror: haproxy's runtime API cannot mirror"},
    {18, "    maxHold: 0s\n    stepWeight: 10",
	"plan.yaml:18: spec.analysis.maxHold: a hold of 0 is none"},
    {18, "    stepWeights: [5, 5]",
	"plan.yaml:18: spec.analysis.stepWeights[1]: 5 again: each weight has to be greater "
	"than the one before it"},
    {18, "    threshold2: 1",
	"plan.yaml:18: spec.analysis.threshold2: nobody knows this field\n"
	"plan.yaml:15: spec.analysis: one of stepWeight, stepWeights and iterations is wanted: "
	"without a step the run would wait for ever"},
    {19, "    settle: 30s",
	"plan.yaml:15: spec.analysis.address: is missing: where the Prometheus is that "
	"request-success-rate is asked of"},
    {19, "    provider: unknown\n    address: http://prometheus:9090",
	"plan.yaml:19: spec.analysis.provider: no series of unknown are known: "
	"modelferry-metrics(7)"},
    {21, "    - {name: request-success-rate}",
	"plan.yaml:21: spec.analysis.metrics[0]: thresholdRange is missing: which values pass is "
	"not said"},
    {21, "    - {name: request-success-rate, thresholdRange: {min: 99}, abort: {min: 5, max: 1}}",
	"plan.yaml:21: spec.analysis.metrics[0].abort: min lies above max: each value would abort"},
    {21, "    - {name: r, query: up, thresholdRange: {min: 99}, command: [x]}",
	"plan.yaml:21: spec.analysis.metrics[0]: only one of query, templateRef, preset, web, "
	"command and drift may be there"},
    {21, "    - {name: request-success-rate, thresholdRange: {min: 99}, web: {url: \"http://x\"}}",
	"plan.yaml:21: spec.analysis.metrics[0].name: request-success-rate is built in; another "
	"source needs another name"},
    {21, "    - {name: request-success-rate, relativeTo: primary}",
	"plan.yaml:21: spec.analysis.metrics[0].relativeTo: maxRatio or maxDelta is wanted beside "
	"it"},
    {21, "    - {name: request-success-rate, maxRatio: 1.2}",
	"plan.yaml:21: spec.analysis.metrics[0].maxRatio: without relativeTo there is nothing to "
	"compare with"},
    {21, "    - {name: request-success-rate, relativeTo: primary, maxRatio: 0}",
	"plan.yaml:21: spec.analysis.metrics[0].maxRatio: a ratio lies above 0"},
    {22, "    - {name: a, query: up, relativeTo: primary, maxRatio: 1.2}",
	"plan.yaml:22: spec.analysis.metrics[1].relativeTo: primaryQuery is wanted beside it: how "
	"the primary is measured is not said"},
    {22, "    - {name: a, query: up, minSamples: 5, thresholdRange: {min: 1}}",
	"plan.yaml:22: spec.analysis.metrics[1].minSamples: countQuery is wanted beside it: how "
	"many samples there are is not known"},
    {22, "    - {name: a, query: up + up, maxAge: 5m, thresholdRange: {min: 1}}",
	"plan.yaml:22: spec.analysis.metrics[1].maxAge: ageQuery is wanted beside it: the query is "
	"more than one selector"},
    {22, "    - {name: a, query: up > 0.9, thresholdRange: {min: 90}}",
	"plan.yaml:22: spec.analysis.metrics[1].query: a comparison is 1 where it holds and else "
	"0: min: 1 is wanted, or max: 0"},
    {22, "    - {name: a, preset: vllm, labels: {a: b}, thresholdRange: {min: 90}}",
	"plan.yaml:22: spec.analysis.metrics[1].labels: preset vllm has no metric \"a\""},
    {22, "    - {name: time-to-first-token, preset: vllm, thresholdRange: {max: 90}}",
	"plan.yaml:22: spec.analysis.metrics[1].preset: the preset has no labels"},
    {22, "    - {name: a, web: {url: \"http://x\", jsonPath: \"{.a\"}, thresholdRange: {min: 1}}",
	"plan.yaml:22: spec.analysis.metrics[1].web.jsonPath: column 4: } is missing"},
    {22, "    - {name: a, web: {url: \"http://x\", body: \"{}\"}, thresholdRange: {min: 1}}",
	"plan.yaml:22: spec.analysis.metrics[1].web.body: a GET has no body"},
    {22, "    - {name: a, drift: {test: psi, current: a}, thresholdRange: {max: 1}}",
	"plan.yaml:22: spec.analysis.metrics[1].drift.reference: exactly one of reference and "
	"referenceFile is wanted"},
    {22, "    - {name: a, drift: {current: a, reference: b}, thresholdRange: {max: 1}}",
	"plan.yaml:22: spec.analysis.metrics[1].drift.test: is missing: psi or ks"},
    {22,
	"    - {name: a, drift: {test: ks, current: a, referenceFile: b, referenceIsPrimary: "
	"true}, thresholdRange: {max: 1}}",
	"plan.yaml:22: spec.analysis.metrics[1].drift.referenceIsPrimary: a file does not hold "
	"what the primary predicts at present"},
    {22, "    - {name: a, query: up, onNoData: ignore, thresholdRange: {max: 1}}",
	"plan.yaml:22: spec.analysis.metrics[1].onNoData: \"ignore\" is none of the words known "
	"here: fail, hold or pass"},
    {22, "  gates: [{name: g, url: \"http://g\"}]", "plan.yaml:22: spec.gates[0].type: is missing"},
    {22, "  gates: [{name: g, type: rollout, url: \"http://g\"}]",
	"plan.yaml:22: spec.gates[0].type: \"rollout\" is none of the words known here: "
	"confirm-rollout, confirm-traffic-increase or confirm-promotion"},
    {22, "  hooks: [{name: g, type: confirm-rollout, url: \"http://g\"}]",
	"plan.yaml:22: spec.hooks[0].type: \"confirm-rollout\" is none of the words known here: "
	"rollout, pre-rollout, rollback, post-rollout, event, purge or mlflow"},
    {22, "  hooks: [{name: g, url: \"http://g\", urlFile: /x}]",
	"plan.yaml:22: spec.hooks[0]: only one of url and urlFile may be there"},
    {22, "  hooks: [{name: g}]", "plan.yaml:22: spec.hooks[0].url: is missing"},
    {22, "  alerts: [{name: s, kind: slack}]",
	"plan.yaml:22: spec.alerts[0]: exactly one of url and urlFile is wanted"},
    {22, "  alerts: [{name: s, url: hooks}]",
	"plan.yaml:22: spec.alerts[0].url: a URL is wanted here: http:// or https://, and a host"},
    {22, "  bake: {maxFailed: 2}", "plan.yaml:22: spec.bake.duration: is missing"},
    {22, "  bake: {duration: 0s}", "plan.yaml:22: spec.bake: a bake of 0 is none: leave it out"},
    {22, "  rollback: {stepWeight: 0}",
	"plan.yaml:22: spec.rollback.stepWeight: with steps of 0 traffic would never be back"},
    {22, "  rollback: {restore: {}}",
	"plan.yaml:22: spec.rollback.restore: exactly one of url and command is wanted"},
    {22, "  fallback: [best]",
	"plan.yaml:22: spec.fallback[0]: a map is wanted here, not a string"},
    {22, "  fallback: [{}]",
	"plan.yaml:22: spec.fallback[0]: exactly one of version, best and model is wanted, or the "
	"word previous"},
    {22, "  fallback: [{version: v1, best: a}]",
	"plan.yaml:22: spec.fallback[0]: exactly one of version, best and model is wanted, or the "
	"word previous"},
    {22, "  fallback: [{version: v1, link: a}]",
	"plan.yaml:22: spec.fallback[0]: link, serves and metrics are a lighter model's"},
    {22, "  fallback: [{model: lite, link: lite}]",
	"plan.yaml:22: spec.fallback[0].serves: is missing: a flipped link is not a loaded model; "
	"say how its servers tell which version they serve, or write `serves: "
	"unchecked`\nplan.yaml:22: spec.fallback[0].metrics: is missing: a lighter model has "
	"ranges of its own\nplan.yaml:22: spec.fallback[0]: dir and link of the source are "
	"wanted: it takes over there, on the primary's side"},
    {22, "  fallback: [previous, {version: v1}]",
	"plan.yaml:22: spec.fallback[1]: dir and link of the source are wanted: it takes over "
	"there, on the primary's side"},
    {6,
	"  fallback: [{version: v1}]\n  source: {remote: true, dir: /d, link: l, serves: "
	"unchecked}",
	"plan.yaml:6: spec.fallback[0]: a source that is remote can go back to previous alone"},
    {6,
	"  fallback: [{model: lite, link: a/b, serves: unchecked, metrics: [{name: a, query: up, "
	"address: \"http://p\", primaryQuery: up, thresholdRange: {min: 1}}]}]\n"
	"  source: {dir: /d, link: l, serves: unchecked}",
	"plan.yaml:6: spec.fallback[0].metrics[0]: primaryQuery and relativeTo are for two sides: "
	"query alone measures a lighter model\n"
	"plan.yaml:6: spec.fallback[0].link: a name in dir is wanted here: no slash, no dot in "
	"front"},
    {22, "  compare: {requests: /r, minAgreement: 98}",
	"plan.yaml:22: spec.compare.minAgreement: a part lies between 0 and 1, not at 98"},
    {22, "  windows: [weekdays]",
	"plan.yaml:22: spec.windows[0]: days and hours are wanted here, as \"Mon-Fri "
	"08:00-18:00\""},
    {22, "  windows: [\"Mon-Fri 8:00-18:00\"]",
	"plan.yaml:22: spec.windows[0]: days and hours are wanted here, as \"Mon-Fri "
	"08:00-18:00\""},
    {22, "  freeze: [{from: 2026-12-01, to: 2026-11-01}]",
	"plan.yaml:22: spec.freeze[0]: it ends before it begins"},
    {22, "  freeze: [{from: soon, to: 2026-11-01}]",
	"plan.yaml:22: spec.freeze[0].from: \"soon\" is not a time"},
    {22, "  lease: /var/lease", "plan.yaml:22: spec.lease: file:PATH is wanted here"},
    {22, "  onInterrupt: wait",
	"plan.yaml:22: spec.onInterrupt: \"wait\" is none of the words known here: rollback or "
	"hold"},
    {22, "  finish: leave",
	"plan.yaml:22: spec.finish: \"leave\" is none of the words known here: stay or copy-back"},
};

static void
put_plan(struct mf_buf *b, const char *const *lines, unsigned line, const char *by)
{
	unsigned i;

	mf_buf_clear(b);
	for (i = 0; lines[i] != NULL; i++)
		mf_buf_printf(b, "%s\n", i + 1 == line ? by : lines[i]);
}

static struct mf_plan *
read_plan(const struct mf_buf *b, struct mf_buf *refusals, struct mf_error *e)
{
	const struct mf_plan_params params = {
	    .profile = MF_PROFILE_MIGRATION, .finish_is_default = true};

	return mf_plan_read("plan.yaml", b->data, b->len, &params, refusals, e);
}

static void
check(const char *const *lines, const struct refusal *rows, size_t n)
{
	struct mf_buf b = MF_BUF_INIT, refusals = MF_BUF_INIT;
	struct mf_error e = {0};
	struct mf_plan *plan;
	size_t i, length;

	put_plan(&b, lines, 0, NULL);
	plan = read_plan(&b, &refusals, &e);
	if (plan == NULL)
		fail_msg("as it stands: %s", e.message);
	mf_plan_free(plan);
	for (i = 0; i < n; i++) {
		put_plan(&b, lines, rows[i].line, rows[i].by);
		mf_buf_clear(&refusals);
		plan = read_plan(&b, &refusals, &e);
		if (plan != NULL)
			fail_msg("%s: accepted", rows[i].by);
		assert_int_equal(e.code, MF_EUSAGE);
		length = strcspn(rows[i].text, "\n");
		if (refusals.len > 0)
			refusals.len--; /* the last newline */
		if (strcmp(mf_buf_cstr(&refusals), rows[i].text) != 0)
			fail_msg("%s\n is: %s\n not: %s", rows[i].by, mf_buf_cstr(&refusals),
			    rows[i].text);
		/* the error is the first of them */
		if (strncmp(e.message, rows[i].text, length) != 0 || e.message[length] != '\0')
			fail_msg("%s: the error is %s", rows[i].by, e.message);
	}
	mf_buf_fini(&refusals);
	mf_buf_fini(&b);
}

static void
of_a_canary(void **state)
{
	(void)state;
	check(canary, canary_refusals, ROWS(canary_refusals));
}

static void
of_a_migration(void **state)
{
	(void)state;
	check(migration, migration_refusals, ROWS(migration_refusals));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(of_a_canary),
	    cmocka_unit_test(of_a_migration),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
