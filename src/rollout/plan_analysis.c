/*
 * AnalysisTemplate and ClusterAnalysisTemplate (argoproj.io/v1alpha1): templates, nested ones
 * among them, become one analysis.
 */
#include <string.h>

#include "src/rollout/pattern.h"
#include "src/rollout/plan_argo_int.h"
#include "src/rollout/template.h"

static const char *const template_keys[] = {
    "args", "metrics", "templates", "dryRun", "measurementRetention", NULL};

/* Templates while they are being gathered. */
struct gathering {
	struct mf_plan_reading *rd;
	const struct mf_node *docs[MF_ARGO_TEMPLATES_MAX];
	size_t n_docs;
	const struct mf_node *metrics[MF_ANALYSIS_METRICS_MAX];
	size_t n_metrics;
	struct mf_argo_args args;
	const struct mf_node *dry_run[MF_ARGO_TEMPLATES_MAX + 1];
	size_t n_dry_run;
	bool missing; /* simulate: a template is not in the file */
};

static void
add_metrics(struct gathering *g, const struct mf_node *spec)
{
	const struct mf_node *list = mf_plan_list(g->rd, spec, "metrics", 0);

	for (size_t i = 0; list != NULL && i < list->n_items; i++) {
		if (!mf_plan_is_map(g->rd, list->items[i]))
			continue;
		if (g->n_metrics == MF_ANALYSIS_METRICS_MAX) {
			mf_plan_refuse(g->rd, list->items[i],
			    "more than %u metrics in one analysis", MF_ANALYSIS_METRICS_MAX);
			return;
		}
		g->metrics[g->n_metrics++] = list->items[i];
	}
}

static void
add_dry_run(struct gathering *g, const struct mf_node *map)
{
	const struct mf_node *list = mf_plan_list(g->rd, map, "dryRun", 0);

	if (list != NULL)
		g->dry_run[g->n_dry_run++] = list;
}

static void add_references(struct gathering *g, const struct mf_node *map, unsigned depth);

/* NOLINTBEGIN(misc-no-recursion): MF_ARGO_TEMPLATES_MAX ends it */
static void
add_template(struct gathering *g, const struct mf_node *doc, unsigned depth)
{
	const struct mf_node *spec;

	for (size_t i = 0; i < g->n_docs; i++)
		if (g->docs[i] == doc)
			return;
	if (g->n_docs == MF_ARGO_TEMPLATES_MAX) {
		mf_plan_refuse(
		    g->rd, doc, "more than %u templates in one analysis", MF_ARGO_TEMPLATES_MAX);
		return;
	}
	g->docs[g->n_docs++] = doc;
	spec = mf_plan_need_map(g->rd, doc, "spec");
	if (spec == NULL)
		return;
	mf_plan_known_keys(g->rd, spec, template_keys);
	mf_argo_args_join(g->rd, mf_plan_list(g->rd, spec, "args", 0), &g->args);
	add_metrics(g, spec);
	add_dry_run(g, spec);
	add_references(g, spec, depth + 1);
}

/* The document that {templateName, clusterScope} names. */
static void
add_reference(struct gathering *g, const struct mf_node *ref, unsigned depth)
{
	static const char *const known[] = {"templateName", "clusterScope", NULL};
	const struct mf_node *doc;
	const char *name = NULL;
	bool cluster = false;

	if (!mf_plan_is_map(g->rd, ref) || !mf_plan_need_string(g->rd, ref, "templateName", &name))
		return;
	mf_plan_known_keys(g->rd, ref, known);
	mf_plan_bool(g->rd, ref, "clusterScope", &cluster);
	doc = mf_plan_document(g->rd, "argoproj.io",
	    cluster ? "ClusterAnalysisTemplate" : "AnalysisTemplate", name,
	    cluster ? NULL : g->rd->plan->namespace_name);
	if (doc != NULL) {
		add_template(g, doc, depth);
		return;
	}
	if (g->rd->params->lenient)
		mf_plan_warn(g->rd, ref, "%.64s is not in the file", name);
	else
		mf_plan_refuse(g->rd, ref, "the file has no %s %.64s",
		    cluster ? "ClusterAnalysisTemplate" : "AnalysisTemplate", name);
	g->missing = true;
}

static void
add_references(struct gathering *g, const struct mf_node *map, unsigned depth)
{
	const struct mf_node *list = mf_plan_list(g->rd, map, "templates", MF_ARGO_TEMPLATES_MAX);

	if (list != NULL && depth > MF_ARGO_TEMPLATES_MAX) {
		mf_plan_refuse(g->rd, list, "templates within templates within templates ...");
		return;
	}
	for (size_t i = 0; list != NULL && i < list->n_items; i++)
		add_reference(g, list->items[i], depth);
}
/* NOLINTEND(misc-no-recursion) */

/* A metric with its arguments in their places, standing where it stood. */
static const struct mf_node *
rendered(struct mf_plan_reading *rd, const struct mf_node *node, const struct mf_pair *args,
    size_t n_args)
{
	struct mf_error why = {0};
	struct mf_node *copy = mf_template_argo_tree(rd->region, node, args, n_args, &why);

	if (copy == NULL) {
		mf_plan_refuse_error(rd, node, &why);
		return NULL;
	}
	copy->parent = node->parent;
	copy->index = node->index;
	copy->key = node->key;
	return copy;
}

/* nodes: where each metric stands. */
static void
check_names(struct mf_plan_reading *rd, const struct mf_analysis_plan *plan,
    const struct mf_node *const *nodes)
{
	for (size_t i = 0; i < plan->n_metrics; i++)
		for (size_t k = 0; k < i; k++)
			if (strcmp(plan->metrics[i].name, plan->metrics[k].name) == 0)
				mf_plan_refuse(rd, nodes[i], "a metric of line %u is %.64s, too",
				    plan->metrics[k].place.line, plan->metrics[i].name);
}

/* dryRun's rules are regular expressions for names; each has to fit one. */
static void
apply_dry_run(struct mf_plan_reading *rd, const struct mf_node *rule,
    struct mf_analysis_metric *metrics, size_t n)
{
	static const char *const known[] = {"metricName", NULL};
	struct mf_error why = {0};
	struct mf_pattern *pattern;
	const char *text = NULL;
	bool any = false;
	int rc;

	if (!mf_plan_is_map(rd, rule) || !mf_plan_need_string(rd, rule, "metricName", &text))
		return;
	mf_plan_known_keys(rd, rule, known);
	pattern = mf_pattern_read(text, rd->region, &why);
	if (pattern == NULL) {
		mf_plan_refuse_error(rd, mf_node_get(rule, "metricName"), &why);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		rc = mf_pattern_matches(pattern, metrics[i].name, &why);
		if (rc < 0) {
			mf_plan_refuse_error(rd, mf_node_get(rule, "metricName"), &why);
			return;
		}
		metrics[i].dry_run = metrics[i].dry_run || rc == 1;
		any = any || rc == 1;
	}
	if (!any)
		mf_plan_refuse(rd, rule, "no metric has a name like this");
}

/* How the primary is measured, where profile and arguments say it. */
static void
read_primary(struct gathering *g, const struct mf_pair *args, const struct mf_analysis_plan *plan,
    struct mf_analysis_metric *metrics)
{
	const struct mf_pair *own;
	const struct mf_node *node;

	if (plan->profile != MF_PROFILE_MIGRATION ||
	    (own = mf_argo_args_of_primary(g->rd, &g->args, args)) == NULL ||
	    plan->n_metrics != g->n_metrics) /* some were refused */
		return;
	for (size_t i = 0; i < g->n_metrics; i++) {
		node = rendered(g->rd, g->metrics[i], own, g->args.n);
		if (node != NULL)
			mf_argo_metric_of_primary(g->rd, node, plan, &metrics[i]);
	}
}

static void
read_metrics(struct gathering *g, bool alone, struct mf_analysis_plan *plan)
{
	struct mf_plan_reading *rd = g->rd;
	const struct mf_pair *args = mf_argo_args_settle(rd, &g->args, alone);
	struct mf_analysis_metric *metrics = mf_plan_alloc(rd, g->n_metrics, sizeof *metrics);
	const struct mf_node *node, *nodes[MF_ANALYSIS_METRICS_MAX];

	if (args == NULL || metrics == NULL)
		return;
	plan->metrics = metrics;
	for (size_t i = 0; i < g->n_metrics; i++) {
		node = rendered(rd, g->metrics[i], args, g->args.n);
		if (node == NULL)
			continue;
		nodes[plan->n_metrics] = node;
		mf_argo_metric(rd, node, &plan->is_bad, &metrics[plan->n_metrics++]);
	}
	check_names(rd, plan, nodes);
	read_primary(g, args, plan, metrics);
	for (size_t i = 0; i < g->n_dry_run; i++)
		for (size_t k = 0; k < g->dry_run[i]->n_items; k++)
			apply_dry_run(rd, g->dry_run[i]->items[k], metrics, plan->n_metrics);
}

static void
keep_args(struct gathering *g, struct mf_analysis_plan *plan)
{
	struct mf_analysis_arg *args = mf_plan_alloc(g->rd, g->args.n, sizeof *args);

	if (args == NULL)
		return;
	for (size_t i = 0; i < g->args.n; i++)
		args[i] = (struct mf_analysis_arg){.name = g->args.items[i].name,
		    .from = g->args.items[i].from,
		    .value = g->args.items[i].value};
	plan->args = args;
	plan->n_args = g->args.n;
}

static const struct mf_analysis_plan *
finish(struct gathering *g, const struct mf_node *at, const char *name, bool alone)
{
	struct mf_analysis_plan *plan = mf_plan_alloc(g->rd, 1, sizeof *plan);

	if (plan == NULL)
		return NULL;
	plan->name = name;
	plan->profile =
	    g->rd->plan->profile == MF_PROFILE_MIGRATION ? MF_PROFILE_MIGRATION : MF_PROFILE_ARGO;
	plan->place = mf_plan_place_of(g->rd, at);
	plan->is_given = g->missing;
	if (g->missing)
		return plan;
	if (g->n_metrics == 0)
		mf_plan_refuse(g->rd, at, "there is no metric in it");
	keep_args(g, plan);
	read_metrics(g, alone, plan);
	return plan;
}

const struct mf_analysis_plan *
mf_plan_read_analysis(struct mf_plan_reading *rd, const struct mf_node *doc)
{
	struct gathering g = {.rd = rd};

	add_template(&g, doc, 0);
	return finish(&g, doc, rd->plan->name != NULL ? rd->plan->name : "", true);
}

static void
check_end(
    struct mf_plan_reading *rd, const struct mf_node *ref, const struct mf_analysis_plan *plan)
{
	for (size_t i = 0; i < plan->n_metrics; i++)
		if (plan->metrics[i].count == 0 && plan->metrics[i].interval_us > 0 &&
		    plan->metrics[i].consecutive_success_limit == 0)
			mf_plan_refuse(rd, ref,
			    "the metric %.64s of line %u has neither count nor "
			    "consecutiveSuccessLimit: the step would wait for ever",
			    plan->metrics[i].name, plan->metrics[i].place.line);
}

const struct mf_analysis_plan *
mf_argo_analysis(
    struct mf_plan_reading *rd, const struct mf_node *ref, const struct mf_node *rollout, bool ends)
{
	static const char *const known[] = {"templates", "args", "dryRun", "measurementRetention",
	    "analysisRunMetadata", "startingStep", NULL};
	struct gathering g = {.rd = rd};
	const struct mf_analysis_plan *plan;
	const struct mf_node *list;
	const char *name = "";

	if (!mf_plan_is_map(rd, ref))
		return NULL;
	mf_plan_known_keys(rd, ref, known);
	list = mf_plan_list(rd, ref, "templates", MF_ARGO_TEMPLATES_MAX);
	if (list == NULL) {
		mf_plan_refuse_key(rd, ref, "templates", "a list of templateName is wanted");
		return NULL;
	}
	add_references(&g, ref, 0);
	add_dry_run(&g, ref);
	mf_argo_args_replace(rd, mf_plan_list(rd, ref, "args", 0), rollout, &g.args);
	if (list->items[0]->kind == MF_NODE_MAP)
		mf_plan_string(rd, list->items[0], "templateName", &name);
	plan = finish(&g, ref, name, false);
	if (plan != NULL && ends && !rd->params->lenient)
		check_end(rd, ref, plan);
	return plan;
}
