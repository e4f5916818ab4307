/* The internal plan as a tree: Argo's Rollout and AnalysisTemplate. */
#include <stdio.h>

#include "src/rollout/plan_put_int.h"
#include "src/rollout/rollout_plan.h"

#define MINUTE_US ((uint64_t)60 * 1000000)

static void
put_conditions(json_t *map, const struct mf_analysis_metric *m)
{
	mf_tree_text(map, "successCondition", m->success_text);
	mf_tree_text(map, "failureCondition", m->failure_text);
	mf_tree_text(map, "left", m->left_query);
}

static void
put_limit(json_t *map, const char *key, int limit)
{
	mf_tree_set(map, key, limit < 0 ? json_string("off") : json_integer(limit));
}

static json_t *
metric_tree(const struct mf_analysis_metric *m)
{
	json_t *map = json_object();

	mf_tree_text(map, "name", m->name);
	mf_tree_number(map, "line", m->place.line);
	put_conditions(map, m);
	mf_tree_duration(map, "interval", m->interval_us);
	mf_tree_duration(map, "initialDelay", m->initial_delay_us);
	mf_tree_duration(map, "window", m->window_us);
	if (m->count > 0)
		mf_tree_number(map, "count", m->count);
	else
		mf_tree_text(map, "count", "without end");
	put_limit(map, "failureLimit", m->failure_limit);
	put_limit(map, "inconclusiveLimit", m->inconclusive_limit);
	put_limit(map, "consecutiveErrorLimit", m->consecutive_error_limit);
	if (m->consecutive_success_limit > 0)
		put_limit(map, "consecutiveSuccessLimit", m->consecutive_success_limit);
	mf_tree_flag(map, "dryRun", m->dry_run);
	mf_tree_set(map, "ask", mf_tree_query(&m->query));
	if (m->has_primary_query)
		mf_tree_set(map, "askPrimary", mf_tree_query(&m->primary_query));
	return map;
}

static json_t *
args_tree(const struct mf_analysis_plan *a)
{
	json_t *map = json_object();
	size_t i;

	for (i = 0; i < a->n_args; i++)
		mf_tree_text(map, a->args[i].name,
		    a->args[i].from == MF_ANALYSIS_ARG_LATEST   ? "the version that is carried"
		    : a->args[i].from == MF_ANALYSIS_ARG_STABLE ? "the version that is replaced"
								: a->args[i].value);
	return map;
}

json_t *
mf_tree_analysis(const struct mf_analysis_plan *a)
{
	json_t *map = json_object(), *metrics = json_array();
	size_t i;

	mf_tree_text(map, "name", a->name);
	mf_tree_number(map, "line", a->place.line);
	mf_tree_flag(map, "isGiven", a->is_given);
	mf_tree_flag(map, "isBad", a->is_bad);
	if (a->n_args > 0)
		mf_tree_set(map, "args", args_tree(a));
	for (i = 0; i < a->n_metrics; i++)
		(void)json_array_append_new(metrics, metric_tree(&a->metrics[i]));
	mf_tree_set(map, "metrics", metrics);
	return map;
}

/* "header x-user is a", "path begins with /v2 and method is GET" */
static json_t *
matches_tree(const struct mf_rollout_step *s)
{
	static const char *const on[] = {"header ", "method", "path"};
	static const char *const how[] = {"is", "begins with", "matches"};
	json_t *list = json_array(), *text = NULL, *longer;
	size_t i;

	for (i = 0; i < s->n_matches; i++) {
		const struct mf_rollout_match *m = &s->matches[i];

		longer = json_sprintf("%s%s%s %s %s%s", text != NULL ? json_string_value(text) : "",
		    on[m->on],
		    m->on == MF_ROLLOUT_MATCH_HEADER && m->header != NULL ? m->header : "",
		    how[m->how], m->value != NULL ? m->value : "", m->more ? " and " : "");
		json_decref(text);
		text = longer;
		if (m->more)
			continue;
		(void)json_array_append_new(list, text);
		text = NULL;
	}
	json_decref(text);
	return list;
}

static void
put_route(json_t *map, const char *key, const struct mf_rollout_step *s)
{
	mf_tree_text(map, key, s->route);
	mf_tree_set(
	    map, "match", s->n_matches == 0 ? json_string("none: it goes") : matches_tree(s));
}

static void
put_scale(json_t *map, const struct mf_rollout_step *s)
{
	char text[64] = "as its traffic wants it";

	if (s->scale == MF_ROLLOUT_SCALE_REPLICAS)
		(void)snprintf(text, sizeof text, "%u replicas", s->scale_to);
	else if (s->scale == MF_ROLLOUT_SCALE_WEIGHT)
		(void)snprintf(text, sizeof text, "%u percent", s->scale_to);
	mf_tree_text(map, "setCanaryScale", text);
}

static void
put_step(json_t *map, const struct mf_rollout_step *s)
{
	switch (s->kind) {
	case MF_ROLLOUT_SET_WEIGHT: mf_tree_number(map, "setWeight", s->weight); break;
	case MF_ROLLOUT_PAUSE:
		if (s->forever)
			mf_tree_text(map, "pause", "until somebody promotes");
		else
			mf_tree_duration(map, "pause", s->pause_us);
		break;
	case MF_ROLLOUT_ANALYSIS: mf_tree_number(map, "analysis", s->analysis); break;
	case MF_ROLLOUT_SET_CANARY_SCALE: put_scale(map, s); break;
	case MF_ROLLOUT_SET_HEADER_ROUTE: put_route(map, "setHeaderRoute", s); break;
	case MF_ROLLOUT_SET_MIRROR_ROUTE:
		put_route(map, "setMirrorRoute", s);
		mf_tree_number(map, "percentage", s->mirror_percent);
		break;
	case MF_ROLLOUT_STEP_KINDS: break;
	}
}

static json_t *
steps_tree(const struct mf_rollout_plan *r)
{
	json_t *list = json_array(), *map;
	size_t i;

	for (i = 0; i < r->n_steps; i++) {
		map = json_object();
		mf_tree_number(map, "line", r->steps[i].place.line);
		put_step(map, &r->steps[i]);
		(void)json_array_append_new(list, map);
	}
	return list;
}

static void
put_which(json_t *map, const char *key, unsigned which)
{
	if (which != MF_ROLLOUT_NO_ANALYSIS)
		mf_tree_number(map, key, which);
}

static void
put_promotion(json_t *map, const struct mf_rollout_plan *r)
{
	if (r->strategy != MF_ROLLOUT_BLUE_GREEN)
		return;
	mf_tree_set(map, "autoPromotionEnabled", json_boolean(r->auto_promotion));
	mf_tree_duration(map, "autoPromotion", r->auto_promotion_us);
	put_which(map, "prePromotionAnalysis", r->pre_promotion);
	put_which(map, "postPromotionAnalysis", r->post_promotion);
}

json_t *
mf_tree_rollout(const struct mf_rollout_plan *r)
{
	json_t *map = json_object(), *analyses = json_array();
	size_t i;

	mf_tree_text(map, "strategy", r->strategy == MF_ROLLOUT_CANARY ? "canary" : "blueGreen");
	mf_tree_text(map, "canaryService", r->canary_service);
	mf_tree_text(map, "stableService", r->stable_service);
	mf_tree_text(map, "router", r->router);
	if (r->n_steps > 0)
		mf_tree_set(map, "steps", steps_tree(r));
	put_promotion(map, r);
	put_which(map, "backgroundAnalysis", r->background);
	if (r->background != MF_ROLLOUT_NO_ANALYSIS && r->starting_step > 0)
		mf_tree_number(map, "startingStep", r->starting_step);
	for (i = 0; i < r->n_analyses; i++)
		(void)json_array_append_new(analyses, mf_tree_analysis(r->analyses[i]));
	mf_tree_set(map, "analyses", analyses);
	mf_tree_duration(map, "progressDeadline", r->progress_deadline_us);
	mf_tree_flag(map, "progressDeadlineAbort", r->progress_deadline_abort);
	mf_tree_flag(map, "paused", r->paused);
	mf_tree_duration(map, "scaleDownDelay", r->scale_down_delay_us);
	if (!r->abort_scale_down)
		mf_tree_text(map, "abortScaleDownDelay", "never");
	else
		mf_tree_duration(map, "abortScaleDownDelay", r->abort_scale_down_delay_us);
	if (r->rollback_window > 0)
		mf_tree_number(map, "rollbackWindow", r->rollback_window);
	if (r->profile == MF_PROFILE_MIGRATION) {
		mf_tree_duration(map, "interval", r->interval_us > 0 ? r->interval_us : MINUTE_US);
		mf_tree_duration(map, "settle", r->settle_us);
		mf_tree_holds(map, r->interval_us, r->max_hold_us, r->hold_end, r->watch_us);
	}
	if (r->bake.duration_us > 0)
		mf_tree_set(map, "bake", mf_tree_bake(&r->bake));
	return map;
}
