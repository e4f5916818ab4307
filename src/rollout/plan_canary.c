/* kind: Canary (flagger.app/v1beta1), as its CRD and its controller take it. */
#include <stddef.h>
#include <string.h>

#include "src/rollout/plan_stanza.h"

#define SECOND_US ((uint64_t)1000000)
#define INTERVAL_US (60 * SECOND_US)
#define INTERVAL_MIN_US (10 * SECOND_US)
#define SETTLE_US (30 * SECOND_US)

struct canary_words {
	const char *provider, *metrics_server;
	const char *own_provider; /* NULL: the document names none */
	const struct mf_node *target, *autoscaler, *ingress, *route, *service, *analysis,
	    *old_analysis;
	unsigned progress_s;
	bool skip, suspend;
	/* of the parts that names come from */
	const char *target_kind, *target_version, *target_name, *service_name, *ingress_name,
	    *route_name;
};

#define AT(field) offsetof(struct canary_words, field)
#define NODE(word, field)                                             \
	{                                                             \
		.key = (word), .type = MF_FIELD_NODE, .at = AT(field) \
	}
#define KNOWN(word)                                   \
	{                                             \
		.key = (word), .type = MF_FIELD_KNOWN \
	}
static const struct mf_field spec_fields[] = {
    {.key = "provider", .type = MF_FIELD_STRING, .at = AT(provider)},
    {.key = "metricsServer", .type = MF_FIELD_STRING, .at = AT(metrics_server)},
    {.key = "targetRef", .type = MF_FIELD_NODE, .need = true, .at = AT(target)},
    NODE("autoscalerRef", autoscaler),
    NODE("ingressRef", ingress),
    NODE("routeRef", route),
    KNOWN("upstreamRef"),
    NODE("service", service),
    {.key = "progressDeadlineSeconds",
	.type = MF_FIELD_UNSIGNED,
	.at = AT(progress_s),
	.min = 1,
	.max = 10000000},
    {.key = "skipAnalysis", .type = MF_FIELD_BOOL, .at = AT(skip), .more = MF_FIELD_NOWHERE},
    {.key = "suspend", .type = MF_FIELD_BOOL, .at = AT(suspend), .more = MF_FIELD_NOWHERE},
    KNOWN("revertOnDeletion"),
    NODE("analysis", analysis),
    NODE("canaryAnalysis", old_analysis),
};
#undef AT
static const struct mf_form spec_form = {.name = "CanarySpec",
    .bytes = sizeof(struct canary_words),
    .fields = spec_fields,
    .n_fields = sizeof spec_fields / sizeof spec_fields[0]};

#define AT(field) offsetof(struct mf_stanza, field)
#define WEIGHT(word, field)                                                  \
	{                                                                    \
		.key = (word), .type = MF_FIELD_WEIGHT, .at = AT(plan.field) \
	}
static const struct mf_field analysis_fields[] = {
    KNOWN("interval"),
    KNOWN("threshold"),
    WEIGHT("maxWeight", max_weight),
    WEIGHT("stepWeight", step_weight),
    KNOWN("stepWeights"),
    WEIGHT("stepWeightPromotion", step_weight_promotion),
    {.key = "iterations", .type = MF_FIELD_UNSIGNED, .at = AT(plan.iterations), .max = 1000000},
    NODE("match", match),
    {.key = "mirror", .type = MF_FIELD_BOOL, .at = AT(plan.mirror), .more = MF_FIELD_NOWHERE},
    WEIGHT("mirrorWeight", mirror_weight),
    WEIGHT("primaryReadyThreshold", primary_ready_threshold),
    WEIGHT("canaryReadyThreshold", canary_ready_threshold),
    KNOWN("metrics"),
    KNOWN("webhooks"),
    NODE("alerts", alerts),
    NODE("sessionAffinity", affinity),
};
#undef AT
static const struct mf_form analysis_form = {.name = "CanaryAnalysis",
    .bytes = sizeof(struct mf_stanza),
    .fields = analysis_fields,
    .n_fields = sizeof analysis_fields / sizeof analysis_fields[0]};

static const char *const providers[] = {"apisix", "appmesh", "appmesh:v1beta1", "appmesh:v1beta2",
    "contour", "gatewayapi:v1", "gatewayapi:v1beta1", "gloo", "istio", "knative", "kubernetes",
    "kuma", "linkerd", "nginx", "osm", "skipper", "smi:v1alpha1", "smi:v1alpha2", "smi:v1alpha3",
    "traefik", NULL};

static bool
is_gateway(const char *provider)
{
	return strncmp(provider, "gatewayapi:", 11) == 0;
}

static bool
is(const char *a, const char *b)
{
	return a != NULL && strcmp(a, b) == 0;
}

/* The name in a reference; map NULL: none. */
static void
read_ref(struct mf_plan_reading *rd, const struct mf_node *ref, const char **name)
{
	if (ref != NULL && ref->kind != MF_NODE_NULL && mf_plan_is_map(rd, ref))
		mf_plan_need_string(rd, ref, "name", name);
}

static void
read_target(struct mf_plan_reading *rd, struct canary_words *w)
{
	static const char *const kinds[] = {"Deployment", "DaemonSet", "Service", NULL};
	unsigned kind;

	if (w->target == NULL || !mf_plan_is_map(rd, w->target))
		return;
	mf_plan_need_string(rd, w->target, "name", &w->target_name);
	mf_plan_string(rd, w->target, "apiVersion", &w->target_version);
	if (!mf_plan_need_string(rd, w->target, "kind", &w->target_kind))
		return;
	mf_plan_enum(rd, w->target, "kind", kinds, &kind);
}

static void
read_service(struct mf_plan_reading *rd, const struct mf_node *spec, struct canary_words *w)
{
	const struct mf_node *port;
	int64_t number;

	if (w->service == NULL || w->service->kind == MF_NODE_NULL) {
		mf_plan_warn(
		    rd, spec, "there is no service: the port of the backends is not known");
		return;
	}
	if (!mf_plan_is_map(rd, w->service))
		return;
	mf_plan_string(rd, w->service, "name", &w->service_name);
	port = mf_node_get(w->service, "port");
	if (port == NULL)
		mf_plan_refuse_key(rd, w->service, "port", "is missing");
	mf_plan_whole(rd, w->service, "port", 1, 65535, &number);
}

/* Istio routes for a parent then, which has hosts and gateways. */
static void
check_delegation(struct mf_plan_reading *rd, const struct mf_node *service)
{
	const struct mf_node *delegation = mf_node_get(service, "delegation");
	const struct mf_node *hosts = mf_node_get(service, "hosts");
	const struct mf_node *gateways = mf_node_get(service, "gateways");

	if (delegation != NULL && delegation->kind == MF_NODE_BOOL && delegation->truth &&
	    ((hosts != NULL && hosts->n_items > 0) || (gateways != NULL && gateways->n_items > 0)))
		mf_plan_refuse(rd, delegation, "hosts and gateways must be empty with it");
}

/* What a provider cannot do without. */
static void
check_provider(struct mf_plan_reading *rd, const struct mf_node *spec, const struct canary_words *w)
{
	bool knative = is(w->provider, "knative");
	bool knative_target = w->target_version != NULL &&
			      strncmp(w->target_version, "serving.knative.dev/", 20) == 0;

	if (knative != knative_target && w->target_kind != NULL)
		mf_plan_refuse(rd, w->target,
		    "the provider knative and a target of serving.knative.dev go together");
	if (knative && w->autoscaler != NULL)
		mf_plan_refuse(rd, w->autoscaler, "knative scales by itself: no autoscaler");
	if (rd->params->lenient)
		return;
	check_delegation(rd, w->service);
	if ((is(w->provider, "nginx") || is(w->provider, "skipper")) && w->ingress == NULL)
		mf_plan_refuse_key(
		    rd, spec, "ingressRef", "is missing, which %s needs", w->provider);
	if (is(w->provider, "apisix") && w->route == NULL)
		mf_plan_refuse_key(rd, spec, "routeRef", "is missing, which apisix needs");
	if (is_gateway(w->provider) && w->service != NULL && w->service->kind == MF_NODE_MAP &&
	    mf_node_get(w->service, "gatewayRefs") == NULL)
		mf_plan_refuse_key(rd, w->service, "gatewayRefs",
		    "is missing: an HTTPRoute without a parent would never be accepted");
}

/* Flagger takes these, and then waits for ever or does something else. */
static void
check_traffic(struct mf_plan_reading *rd, const struct mf_node *analysis,
    const struct canary_words *w, const struct mf_canary_plan *plan)
{
	const struct mf_node *mirror = mf_node_get(analysis, "mirror");
	const struct mf_node *weight = mf_node_get(analysis, "mirrorWeight");

	if (rd->params->lenient || rd->series != NULL)
		return; /* what a Migration's router can is looked at there */
	if (plan->mirror && is_gateway(w->provider) && plan->iterations == 0)
		mf_plan_refuse(rd, mirror,
		    "with the Gateway API only iterations can be mirrored: the run would wait for "
		    "ever");
	else if (plan->mirror && !is_gateway(w->provider) && !is(w->provider, "istio"))
		mf_plan_refuse(rd, mirror, "%s cannot mirror", w->provider);
	if (plan->mirror_weight > 0 && !is(w->provider, "istio"))
		mf_plan_refuse(rd, weight, "only istio can mirror a part");
	if (is(w->provider, "kubernetes") && plan->strategy == MF_STRATEGY_WEIGHTED &&
	    mf_node_get(analysis, "iterations") == NULL)
		mf_plan_refuse(rd, analysis,
		    "the provider kubernetes has no weights: the run would wait for ever; "
		    "iterations "
		    "are wanted");
	if (plan->strategy == MF_STRATEGY_AB &&
	    (is(w->provider, "traefik") || is(w->provider, "kubernetes")))
		mf_plan_refuse(
		    rd, mf_node_get(analysis, "match"), "%s cannot route by header", w->provider);
}

/* {exact|prefix|suffix|regex} by header. */
static void
check_matches(struct mf_plan_reading *rd, const struct mf_node *by_name)
{
	static const char *const how[] = {"exact", "prefix", "suffix", "regex"};
	const struct mf_node *m;
	size_t i, k;
	unsigned n;

	for (i = 0; by_name != NULL && i < by_name->n_items; i++) {
		m = by_name->items[i];
		for (n = 0, k = 0; k < sizeof how / sizeof how[0]; k++)
			n += mf_node_get(m, how[k]) != NULL;
		if (n != 1)
			mf_plan_refuse(
			    rd, m, "exactly one of exact, prefix, suffix, regex is wanted");
	}
}

static void
read_match(struct mf_plan_reading *rd, const struct mf_node *analysis, const struct mf_stanza *s)
{
	const struct mf_node *list = mf_plan_list(rd, analysis, "match", 0);
	size_t i;

	for (i = 0; list != NULL && i < list->n_items; i++) {
		if (!mf_plan_is_map(rd, list->items[i]))
			continue;
		check_matches(rd, mf_plan_map(rd, list->items[i], "headers"));
		check_matches(rd, mf_plan_map(rd, list->items[i], "queryParams"));
	}
	if (list != NULL && s->plan.iterations == 0 && !rd->params->lenient)
		mf_plan_refuse(rd, list, "without iterations it would be ignored");
}

static void
check_rest(struct mf_plan_reading *rd, const struct mf_stanza *s)
{
	const struct mf_node *canary = mf_node_get(s->affinity, "cookieName");
	const struct mf_node *primary = mf_node_get(s->affinity, "primaryCookieName");

	if (canary != NULL && primary != NULL && mf_node_equal(canary, primary))
		mf_plan_refuse(rd, primary, "both sides' cookies have the same name");
	if (s->affinity != NULL)
		mf_plan_warn(rd, s->affinity,
		    "no cookies are set here: whom a session stays with is what the router itself "
		    "keeps");
	if (s->alerts != NULL && s->alerts->n_items > 0)
		mf_plan_warn(rd, s->alerts,
		    "a Canary's alerts name AlertProviders of a cluster, which are not read; a "
		    "Migration has alerts of its own");
}

static void
read_threshold(
    struct mf_plan_reading *rd, const struct mf_node *analysis, struct mf_canary_plan *plan)
{
	int64_t threshold = 0;

	mf_plan_whole(rd, analysis, "threshold", -1000000, 1000000, &threshold);
	plan->threshold = threshold <= 0 ? 1 : (unsigned)threshold;
	if (rd->params->lenient)
		return;
	if (mf_node_get(analysis, "threshold") == NULL)
		mf_plan_refuse_key(rd, analysis, "threshold", "is missing");
	if (mf_node_get(analysis, "interval") == NULL)
		mf_plan_refuse_key(rd, analysis, "interval", "is missing");
}

static void
lay_over(const char **name, const char *over)
{
	if (over != NULL)
		*name = over;
}

/* In a Migration its router moves the traffic, and not who the Canary was written for. */
static void
take_series(
    const struct mf_metrics_for *series, const struct canary_words *w, struct mf_metrics_for *what)
{
	const struct mf_builtin_names *over = &series->names;

	what->provider = series->provider != NULL ? series->provider : w->own_provider;
	lay_over(&what->names.namespace_name, over->namespace_name);
	lay_over(&what->names.target, over->target);
	lay_over(&what->names.service, over->service);
	lay_over(&what->names.ingress, over->ingress);
	lay_over(&what->names.route, over->route);
	what->names.servers = over->servers;
	what->names.n_servers = over->n_servers;
	what->primary = what->names;
	lay_over(&what->primary.target, series->primary.target);
	lay_over(&what->primary.route, series->primary.target);
	what->primary.servers = series->primary.servers;
	what->primary.n_servers = series->primary.n_servers;
}

static void
read_metrics(struct mf_plan_reading *rd, const struct mf_node *analysis,
    const struct canary_words *w, struct mf_canary_plan *plan)
{
	struct mf_metrics_for what = {.provider = w->provider, .address = w->metrics_server};

	what.names.name = plan->name;
	what.names.namespace_name = plan->namespace_name;
	what.names.target = w->target_name;
	what.names.service = w->service_name != NULL ? w->service_name : w->target_name;
	what.names.ingress = w->ingress_name != NULL ? w->ingress_name : w->target_name;
	what.names.route = w->route_name != NULL ? w->route_name : w->target_name;
	what.primary = what.names;
	if (rd->series != NULL)
		take_series(rd->series, w, &what);
	mf_stanza_metrics(
	    rd, mf_plan_list(rd, analysis, "metrics", 0), &mf_form_canary_metric, &what, plan);
}

static void
read_analysis(struct mf_plan_reading *rd, const struct mf_node *analysis,
    const struct canary_words *w, struct mf_canary_plan *plan)
{
	struct mf_stanza s = {.plan = *plan};

	if (!mf_plan_is_map(rd, analysis))
		return;
	mf_form_read(rd, &analysis_form, analysis, &s);
	*plan = s.plan;
	mf_stanza_interval(rd, analysis, "interval", &plan->interval_us);
	if (plan->interval_us < INTERVAL_MIN_US)
		plan->interval_us = INTERVAL_MIN_US;
	read_threshold(rd, analysis, plan);
	mf_stanza_weights(rd, analysis, &s, plan);
	read_match(rd, analysis, &s);
	check_rest(rd, &s);
	check_traffic(rd, analysis, w, plan);
	mf_stanza_hooks(rd, mf_plan_list(rd, analysis, "webhooks", 0), &mf_form_canary_hook, plan);
	if (w->target_name != NULL)
		read_metrics(rd, analysis, w, plan);
}

static void
read_spec(struct mf_plan_reading *rd, const struct mf_node *spec, struct canary_words *w)
{
	unsigned index;

	mf_form_read(rd, &spec_form, spec, w);
	if (mf_node_get(spec, "provider") != NULL &&
	    !mf_plan_enum(rd, spec, "provider", providers, &index))
		w->provider = "istio";
	else if (mf_node_get(spec, "provider") != NULL)
		w->own_provider = w->provider;
	if (mf_node_get(spec, "metricsServer") != NULL)
		mf_plan_is_url(rd, mf_node_get(spec, "metricsServer"), w->metrics_server);
	read_target(rd, w);
	read_ref(rd, w->ingress, &w->ingress_name);
	read_ref(rd, w->route, &w->route_name);
	read_service(rd, spec, w);
	check_provider(rd, spec, w);
	if (w->analysis == NULL && w->old_analysis != NULL) {
		mf_plan_warn(rd, w->old_analysis, "analysis is its name now");
		w->analysis = w->old_analysis;
	}
	if (w->analysis == NULL && !w->skip && !rd->params->lenient)
		mf_plan_refuse_key(rd, spec, "analysis", "is missing");
}

/* Its own names: it may be a Migration's analysis, and not the plan. */
static void
read_names(struct mf_plan_reading *rd, const struct mf_node *doc, struct mf_canary_plan *plan)
{
	const struct mf_node *metadata = mf_node_get(doc, "metadata");
	const struct mf_node *name = mf_node_get(metadata, "name");
	const struct mf_node *in = mf_node_get(metadata, "namespace");

	plan->name = name != NULL && name->kind == MF_NODE_STRING ? name->text : "";
	plan->namespace_name =
	    in != NULL && in->kind == MF_NODE_STRING ? in->text : rd->plan->namespace_name;
}

static void
set_defaults(struct mf_plan_reading *rd, struct mf_canary_plan *plan)
{
	plan->profile = rd->plan->profile;
	plan->finish = rd->plan->finish;
	plan->interval_us = INTERVAL_US;
	plan->threshold = 1;
	plan->max_weight = 100;
	plan->primary_ready_threshold = plan->canary_ready_threshold = 100;
	if (plan->profile == MF_PROFILE_MIGRATION)
		plan->settle_us = SETTLE_US;
}

const struct mf_canary_plan *
mf_plan_read_canary(struct mf_plan_reading *rd, const struct mf_node *doc)
{
	const struct mf_node *spec = mf_plan_need_map(rd, doc, "spec");
	struct mf_canary_plan *plan = mf_plan_alloc(rd, 1, sizeof *plan);
	struct canary_words w = {
	    .provider = "istio", .metrics_server = "http://prometheus:9090", .progress_s = 600};

	if (plan == NULL)
		return NULL;
	if (spec == NULL)
		return NULL;
	set_defaults(rd, plan);
	read_names(rd, doc, plan);
	read_spec(rd, spec, &w);
	plan->provider = w.provider;
	plan->suspend = w.suspend;
	plan->skip_analysis = w.skip || w.analysis == NULL;
	plan->has_autoscaler = w.autoscaler != NULL;
	plan->progress_deadline_us = w.progress_s * SECOND_US;
	plan->has_progress_deadline = mf_node_get(spec, "progressDeadlineSeconds") != NULL;
	if (w.analysis != NULL)
		read_analysis(rd, w.analysis, &w, plan);
	return plan;
}
