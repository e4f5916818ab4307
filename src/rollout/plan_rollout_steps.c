/* The steps of a Rollout's canary. */
#include <string.h>

#include "src/rollout/plan_argo_int.h"

struct reading {
	struct mf_plan_reading *rd;
	const struct mf_node *rollout, *canary;
	struct mf_argo_analyses *analyses;
	const struct mf_rollout_plan *plan;
};

unsigned
mf_argo_add_analysis(struct mf_plan_reading *rd, const struct mf_node *ref,
    const struct mf_node *rollout, bool ends, struct mf_argo_analyses *analyses)
{
	const struct mf_analysis_plan *plan;

	if (ref == NULL || (plan = mf_argo_analysis(rd, ref, rollout, ends)) == NULL)
		return MF_ROLLOUT_NO_ANALYSIS;
	if (analyses->n == MF_ROLLOUT_ANALYSES_MAX) {
		mf_plan_refuse(rd, ref, "more than %u analyses", MF_ROLLOUT_ANALYSES_MAX);
		return MF_ROLLOUT_NO_ANALYSIS;
	}
	analyses->items[analyses->n] = plan;
	return (unsigned)analyses->n++;
}

static void
read_pause(struct reading *r, const struct mf_node *at, struct mf_rollout_step *step)
{
	static const char *const known[] = {"duration", NULL};

	if (!mf_plan_is_map(r->rd, at))
		return;
	mf_plan_known_keys(r->rd, at, known);
	step->forever = !mf_argo_duration(r->rd, at, "duration", &step->pause_us);
}

static void
read_scale(struct reading *r, const struct mf_node *at, struct mf_rollout_step *step)
{
	static const char *const known[] = {"replicas", "weight", "matchTrafficWeight", NULL};
	bool match = false;

	if (!mf_plan_is_map(r->rd, at))
		return;
	mf_plan_known_keys(r->rd, at, known);
	if (at->n_items != 1)
		mf_plan_refuse(r->rd, at, "one of replicas, weight, matchTrafficWeight is wanted");
	if (mf_plan_unsigned(r->rd, at, "replicas", 0, 1000000, &step->scale_to))
		step->scale = MF_ROLLOUT_SCALE_REPLICAS;
	else if (mf_plan_weight(r->rd, at, "weight", &step->scale_to))
		step->scale = MF_ROLLOUT_SCALE_WEIGHT;
	else if (!mf_plan_bool(r->rd, at, "matchTrafficWeight", &match) || !match)
		mf_plan_refuse(r->rd, at, "it says no size");
	if (r->plan->router == NULL && !r->rd->params->lenient)
		mf_plan_refuse(r->rd, at, "setCanaryScale needs trafficRouting");
}

/* {exact|prefix|regex}: one of them. */
static void
read_how(struct reading *r, const struct mf_node *at, struct mf_rollout_match *match)
{
	static const char *const how[] = {"exact", "prefix", "regex"};

	if (at == NULL || !mf_plan_is_map(r->rd, at))
		return;
	if (at->n_items != 1) {
		mf_plan_refuse(r->rd, at, "one of exact, prefix, regex is wanted");
		return;
	}
	for (unsigned i = 0; i < sizeof how / sizeof how[0]; i++)
		if (mf_plan_text(r->rd, at, how[i], &match->value))
			match->how = (enum mf_rollout_match_how)i;
	if (match->value == NULL)
		mf_plan_refuse(r->rd, at, "one of exact, prefix, regex is wanted");
}

static struct mf_rollout_match *
next_match(struct reading *r, const struct mf_node *at, struct mf_rollout_match *matches, size_t *n)
{
	if (*n < MF_ROLLOUT_MATCHES_MAX)
		return &matches[(*n)++];
	mf_plan_refuse(r->rd, at, "more than %u matches", MF_ROLLOUT_MATCHES_MAX);
	return NULL;
}

static void
read_header_match(
    struct reading *r, const struct mf_node *item, struct mf_rollout_match *matches, size_t *n)
{
	static const char *const known[] = {"headerName", "headerValue", NULL};
	struct mf_rollout_match *match;

	if (!mf_plan_is_map(r->rd, item) || (match = next_match(r, item, matches, n)) == NULL)
		return;
	mf_plan_known_keys(r->rd, item, known);
	mf_plan_need_string(r->rd, item, "headerName", &match->header);
	if (mf_plan_map(r->rd, item, "headerValue") == NULL)
		mf_plan_refuse_key(r->rd, item, "headerValue", "is missing");
	read_how(r, mf_node_get(item, "headerValue"), match);
}

/* method, path and headers of one item have to hold together. */
static void
read_mirror_match(
    struct reading *r, const struct mf_node *item, struct mf_rollout_match *matches, size_t *n)
{
	static const char *const known[] = {"method", "path", "headers", NULL};
	const struct mf_node *headers;
	struct mf_rollout_match *match = NULL;

	if (!mf_plan_is_map(r->rd, item))
		return;
	mf_plan_known_keys(r->rd, item, known);
	for (unsigned i = 0; i < 2; i++) {
		if (mf_node_get(item, known[i]) == NULL ||
		    (match = next_match(r, item, matches, n)) == NULL)
			continue;
		match->on = i == 0 ? MF_ROLLOUT_MATCH_METHOD : MF_ROLLOUT_MATCH_PATH;
		match->more = true;
		read_how(r, mf_node_get(item, known[i]), match);
	}
	headers = mf_plan_map(r->rd, item, "headers");
	for (size_t i = 0; headers != NULL && i < headers->n_items; i++) {
		if ((match = next_match(r, item, matches, n)) == NULL)
			return;
		match->header = headers->items[i]->key;
		match->more = true;
		read_how(r, headers->items[i], match);
	}
	if (match != NULL)
		match->more = false;
	else
		mf_plan_refuse(r->rd, item, "it matches nothing");
}

static bool
is_managed(struct reading *r, const char *name)
{
	const struct mf_node *list = mf_node_find(r->canary, "trafficRouting.managedRoutes");
	const struct mf_node *is;

	for (size_t i = 0; list != NULL && i < list->n_items; i++) {
		is = mf_node_get(list->items[i], "name");
		if (is != NULL && is->text != NULL && strcmp(is->text, name) == 0)
			return true;
	}
	return false;
}

/* Plugins have a name with a slash. */
static bool
router_can(const struct reading *r, bool mirror)
{
	const char *router = r->plan->router;

	if (router == NULL)
		return false;
	if (strchr(router, '/') != NULL || strcmp(router, "istio") == 0)
		return true;
	return !mirror && (strcmp(router, "alb") == 0 || strcmp(router, "apisix") == 0);
}

static void
read_route(struct reading *r, const struct mf_node *at, bool mirror, struct mf_rollout_step *step)
{
	static const char *const known[] = {"name", "match", "percentage", NULL};
	const struct mf_node *list;
	struct mf_rollout_match *matches;

	step->mirror_percent = 100;
	if (!mf_plan_is_map(r->rd, at) || !mf_plan_need_string(r->rd, at, "name", &step->route))
		return;
	mf_plan_known_keys(r->rd, at, known);
	if (!is_managed(r, step->route) && !r->rd->params->lenient)
		mf_plan_refuse(r->rd, at, "trafficRouting.managedRoutes has no %.64s", step->route);
	if (!router_can(r, mirror) && !r->rd->params->lenient)
		mf_plan_refuse(r->rd, at, "%.64s has no such routes",
		    r->plan->router != NULL ? r->plan->router : "a Rollout without trafficRouting");
	if (mirror)
		mf_plan_weight(r->rd, at, "percentage", &step->mirror_percent);
	list = mf_plan_list(r->rd, at, "match", MF_ROLLOUT_MATCHES_MAX);
	if (list == NULL)
		return;
	matches = mf_plan_alloc(r->rd, MF_ROLLOUT_MATCHES_MAX, sizeof *matches);
	if (matches == NULL)
		return;
	step->matches = matches;
	for (size_t i = 0; i < list->n_items; i++) {
		if (mirror)
			read_mirror_match(r, list->items[i], matches, &step->n_matches);
		else
			read_header_match(r, list->items[i], matches, &step->n_matches);
	}
}

/* The kinds of steps, in the order of enum mf_rollout_step_kind, then those that are refused. */
static const char *const kinds[] = {"setWeight", "pause", "analysis", "setCanaryScale",
    "setHeaderRoute", "setMirrorRoute", "experiment", "plugin", NULL};

static unsigned
kind_of(const char *key)
{
	unsigned i = 0;

	while (kinds[i] != NULL && strcmp(kinds[i], key) != 0)
		i++;
	return i;
}

static void
read_kind(struct reading *r, const struct mf_node *item, const struct mf_node *at,
    struct mf_rollout_step *step)
{
	step->kind = (enum mf_rollout_step_kind)kind_of(at->key);
	switch (step->kind) {
	case MF_ROLLOUT_SET_WEIGHT: mf_plan_weight(r->rd, item, "setWeight", &step->weight); break;
	case MF_ROLLOUT_PAUSE: read_pause(r, at, step); break;
	case MF_ROLLOUT_ANALYSIS:
		step->analysis = mf_argo_add_analysis(r->rd, at, r->rollout, true, r->analyses);
		break;
	case MF_ROLLOUT_SET_CANARY_SCALE: read_scale(r, at, step); break;
	case MF_ROLLOUT_SET_HEADER_ROUTE: read_route(r, at, false, step); break;
	case MF_ROLLOUT_SET_MIRROR_ROUTE: read_route(r, at, true, step); break;
	default: mf_plan_refuse(r->rd, at, "a step of the kind %s is not supported", at->key);
	}
}

static void
read_step(struct reading *r, const struct mf_node *item, struct mf_rollout_step *step)
{
	const struct mf_node *at = NULL;
	unsigned n = 0;

	step->place = mf_plan_place_of(r->rd, item);
	if (!mf_plan_is_map(r->rd, item))
		return;
	mf_plan_known_keys(r->rd, item, kinds);
	for (size_t i = 0; i < item->n_items; i++)
		if (item->items[i]->kind != MF_NODE_NULL &&
		    kinds[kind_of(item->items[i]->key)] != NULL && n++ == 0)
			at = item->items[i];
	if (n != 1)
		mf_plan_refuse(r->rd, item,
		    "a step is one of setWeight, pause, analysis, "
		    "setCanaryScale, setHeaderRoute, setMirrorRoute");
	else
		read_kind(r, item, at, step);
}

void
mf_argo_steps(struct mf_plan_reading *rd, const struct mf_node *rollout,
    const struct mf_node *canary, struct mf_argo_analyses *analyses, struct mf_rollout_plan *plan)
{
	const struct mf_node *list = mf_plan_list(rd, canary, "steps", MF_ROLLOUT_STEPS_MAX);
	struct reading r = {
	    .rd = rd, .rollout = rollout, .canary = canary, .analyses = analyses, .plan = plan};
	struct mf_rollout_step *steps;

	if (list == NULL || (steps = mf_plan_alloc(rd, list->n_items, sizeof *steps)) == NULL)
		return;
	for (size_t i = 0; i < list->n_items; i++)
		read_step(&r, list->items[i], &steps[i]);
	plan->steps = steps;
	plan->n_steps = list->n_items;
}
