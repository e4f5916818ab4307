/* The internal plan as a tree: Argo's Rollout and AnalysisTemplate. */
#include "src/rollout/plan_put_int.h"
#include "src/rollout/rollout_plan.h"

static void
put_conditions(json_t *map, const struct mf_analysis_metric *m)
{
	mf_tree_flag(map, "successCondition", m->success != NULL);
	mf_tree_flag(map, "failureCondition", m->failure != NULL);
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

json_t *
mf_tree_analysis(const struct mf_analysis_plan *a)
{
	json_t *map = json_object(), *metrics = json_array();
	size_t i;

	mf_tree_text(map, "name", a->name);
	mf_tree_number(map, "line", a->place.line);
	for (i = 0; i < a->n_metrics; i++)
		(void)json_array_append_new(metrics, metric_tree(&a->metrics[i]));
	mf_tree_set(map, "metrics", metrics);
	return map;
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
	case MF_ROLLOUT_SET_CANARY_SCALE: mf_tree_number(map, "setCanaryScale", s->scale_to); break;
	case MF_ROLLOUT_SET_HEADER_ROUTE: mf_tree_text(map, "setHeaderRoute", s->route); break;
	case MF_ROLLOUT_SET_MIRROR_ROUTE: mf_tree_text(map, "setMirrorRoute", s->route); break;
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
	for (i = 0; i < r->n_analyses; i++)
		(void)json_array_append_new(analyses, mf_tree_analysis(r->analyses[i]));
	mf_tree_set(map, "analyses", analyses);
	mf_tree_duration(map, "progressDeadline", r->progress_deadline_us);
	mf_tree_flag(map, "paused", r->paused);
	if (r->bake.duration_us > 0)
		mf_tree_set(map, "bake", mf_tree_bake(&r->bake));
	return map;
}
