/* kind: Rollout (argoproj.io/v1alpha1), as its CRD and its controller take it. */
#include <stddef.h>
#include <string.h>

#include "src/rollout/plan_argo_int.h"

#define SECOND_US ((uint64_t)1000000)
#define SETTLE_US (30 * SECOND_US)
#define SECONDS_MAX 100000000u

struct spec_words {
	const struct mf_node *canary, *blue_green;
	unsigned progress_s;
	bool abort, paused;
	const struct mf_node *window;
};

struct canary_words {
	const char *canary, *stable;
	const struct mf_node *routing, *analysis, *ping_pong;
	unsigned scale_down_s, abort_scale_down_s, max_traffic_weight;
};

struct blue_green_words {
	const char *active, *preview;
	bool auto_promotion;
	unsigned auto_promotion_s, scale_down_s, abort_scale_down_s;
	const struct mf_node *pre, *post;
};

#define KNOWN(word)                                   \
	{                                             \
		.key = (word), .type = MF_FIELD_KNOWN \
	}
#define NODE(word, field)                                             \
	{                                                             \
		.key = (word), .type = MF_FIELD_NODE, .at = AT(field) \
	}
#define SECONDS(word, field)                                                                  \
	{                                                                                     \
		.key = (word), .type = MF_FIELD_UNSIGNED, .at = AT(field), .max = SECONDS_MAX \
	}
#define BOOL(word, field)                                                                       \
	{                                                                                       \
		.key = (word), .type = MF_FIELD_BOOL, .at = AT(field), .more = MF_FIELD_NOWHERE \
	}
#define STRING(word, field)                                             \
	{                                                               \
		.key = (word), .type = MF_FIELD_STRING, .at = AT(field) \
	}

#define AT(field) offsetof(struct spec_words, field)
static const struct mf_field spec_fields[] = {
    KNOWN("strategy"),
    BOOL("paused", paused),
    SECONDS("progressDeadlineSeconds", progress_s),
    BOOL("progressDeadlineAbort", abort),
    NODE("rollbackWindow", window),
    /* ReplicaSets and their pods, which a migration between two sites has none of */
    KNOWN("replicas"),
    KNOWN("selector"),
    KNOWN("template"),
    KNOWN("workloadRef"),
    KNOWN("minReadySeconds"),
    KNOWN("revisionHistoryLimit"),
    KNOWN("restartAt"),
    KNOWN("analysis"),
};
#undef AT
#define AT(field) offsetof(struct canary_words, field)
static const struct mf_field canary_fields[] = {
    STRING("canaryService", canary),
    STRING("stableService", stable),
    KNOWN("steps"),
    NODE("trafficRouting", routing),
    NODE("analysis", analysis),
    NODE("pingPong", ping_pong),
    SECONDS("scaleDownDelaySeconds", scale_down_s),
    SECONDS("abortScaleDownDelaySeconds", abort_scale_down_s),
    KNOWN("maxSurge"),
    KNOWN("maxUnavailable"),
    KNOWN("scaleDownDelayRevisionLimit"),
    KNOWN("dynamicStableScale"),
    KNOWN("minPodsPerReplicaSet"),
    KNOWN("replicaProgressThreshold"),
    KNOWN("antiAffinity"),
    KNOWN("canaryMetadata"),
    KNOWN("stableMetadata"),
};
#undef AT
#define AT(field) offsetof(struct blue_green_words, field)
static const struct mf_field blue_green_fields[] = {
    STRING("activeService", active),
    STRING("previewService", preview),
    BOOL("autoPromotionEnabled", auto_promotion),
    SECONDS("autoPromotionSeconds", auto_promotion_s),
    NODE("prePromotionAnalysis", pre),
    NODE("postPromotionAnalysis", post),
    SECONDS("scaleDownDelaySeconds", scale_down_s),
    SECONDS("abortScaleDownDelaySeconds", abort_scale_down_s),
    KNOWN("previewReplicaCount"),
    KNOWN("scaleDownDelayRevisionLimit"),
    KNOWN("maxUnavailable"),
    KNOWN("antiAffinity"),
    KNOWN("activeMetadata"),
    KNOWN("previewMetadata"),
};
#undef AT

#define FORM(words, rows)                                                        \
	{                                                                        \
		.name = #words, .bytes = sizeof(struct words), .fields = (rows), \
		.n_fields = sizeof(rows) / sizeof((rows)[0])                     \
	}
static const struct mf_form spec_form = FORM(spec_words, spec_fields);
static const struct mf_form canary_form = FORM(canary_words, canary_fields);
static const struct mf_form blue_green_form = FORM(blue_green_words, blue_green_fields);

/* Which router moves the weights; a plugin's own name. */
static void
read_routing(
    struct mf_plan_reading *rd, const struct mf_node *routing, struct mf_rollout_plan *plan)
{
	static const char *const known[] = {"managedRoutes", "maxTrafficWeight", "alb",
	    "ambassador", "apisix", "appMesh", "istio", "nginx", "plugins", "smi", "traefik", NULL};
	const struct mf_node *item;
	unsigned max = 100;

	if (routing == NULL || !mf_plan_is_map(rd, routing))
		return;
	mf_plan_known_keys(rd, routing, known);
	if (mf_plan_unsigned(rd, routing, "maxTrafficWeight", 1, 1000000, &max) && max != 100)
		mf_plan_refuse(rd, mf_node_get(routing, "maxTrafficWeight"),
		    "only 100 is supported: weights are percent");
	for (size_t i = 0; i < routing->n_items; i++) {
		item = routing->items[i];
		if (strcmp(item->key, "managedRoutes") == 0 ||
		    strcmp(item->key, "maxTrafficWeight") == 0)
			continue;
		if (plan->router != NULL)
			mf_plan_refuse(rd, item, "%.64s moves the traffic already", plan->router);
		plan->router = item->key;
		if (strcmp(item->key, "plugins") == 0 && item->kind == MF_NODE_MAP &&
		    item->n_items > 0)
			plan->router = item->items[0]->key;
	}
	if (plan->router == NULL)
		mf_plan_refuse(rd, routing, "it names no router");
}

static void
read_background(struct mf_plan_reading *rd, const struct mf_node *rollout,
    const struct mf_node *analysis, struct mf_argo_analyses *analyses, struct mf_rollout_plan *plan)
{
	if (analysis == NULL)
		return;
	plan->background = mf_argo_add_analysis(rd, analysis, rollout, false, analyses);
	if (mf_plan_unsigned(
		rd, analysis, "startingStep", 0, MF_ROLLOUT_STEPS_MAX, &plan->starting_step) &&
	    plan->starting_step >= plan->n_steps && !rd->params->lenient)
		mf_plan_refuse(rd, mf_node_get(analysis, "startingStep"),
		    "there are %zu steps: it would never start", plan->n_steps);
}

/* With finish: stay there is no leap that nobody wrote. */
static void
check_stay(struct mf_plan_reading *rd, const struct mf_node *at, const struct mf_rollout_plan *plan)
{
	if (plan->finish == MF_FINISH_STAY && mf_rollout_increment(plan) == 0 &&
	    !rd->params->lenient)
		mf_plan_refuse(rd, at,
		    "no setWeight gives the canary any weight: all traffic would move at once "
		    "(`setWeight: 100` says so)");
}

static void
read_canary(struct mf_plan_reading *rd, const struct mf_node *rollout, const struct mf_node *canary,
    struct mf_argo_analyses *analyses, struct mf_rollout_plan *plan)
{
	struct canary_words w = {.scale_down_s = 30, .abort_scale_down_s = 30};

	if (!mf_plan_is_map(rd, canary))
		return;
	mf_form_read(rd, &canary_form, canary, &w);
	plan->strategy = MF_ROLLOUT_CANARY;
	plan->canary_service = w.canary;
	plan->stable_service = w.stable;
	plan->scale_down_delay_us = w.scale_down_s * SECOND_US;
	plan->abort_scale_down = w.abort_scale_down_s > 0;
	plan->abort_scale_down_delay_us = w.abort_scale_down_s * SECOND_US;
	if (w.ping_pong != NULL)
		mf_plan_refuse(rd, w.ping_pong, "pingPong is not supported: the sides are fixed");
	read_routing(rd, w.routing, plan);
	mf_argo_steps(rd, rollout, canary, analyses, plan);
	read_background(rd, rollout, w.analysis, analyses, plan);
	check_stay(rd, canary, plan);
}

static void
read_blue_green(struct mf_plan_reading *rd, const struct mf_node *rollout,
    const struct mf_node *node, struct mf_argo_analyses *analyses, struct mf_rollout_plan *plan)
{
	struct blue_green_words w = {
	    .auto_promotion = true, .scale_down_s = 30, .abort_scale_down_s = 30};

	if (!mf_plan_is_map(rd, node))
		return;
	mf_form_read(rd, &blue_green_form, node, &w);
	if (w.active == NULL && !rd->params->lenient)
		mf_plan_refuse_key(rd, node, "activeService", "is missing");
	if (w.active != NULL && w.preview != NULL && strcmp(w.active, w.preview) == 0)
		mf_plan_refuse(rd, mf_node_get(node, "previewService"),
		    "activeService and previewService are the same");
	plan->strategy = MF_ROLLOUT_BLUE_GREEN;
	plan->canary_service = w.preview;
	plan->stable_service = w.active;
	plan->auto_promotion = w.auto_promotion;
	plan->auto_promotion_us = w.auto_promotion_s * SECOND_US;
	plan->scale_down_delay_us = w.scale_down_s * SECOND_US;
	plan->abort_scale_down = w.abort_scale_down_s > 0;
	plan->abort_scale_down_delay_us = w.abort_scale_down_s * SECOND_US;
	plan->pre_promotion = mf_argo_add_analysis(rd, w.pre, rollout, true, analyses);
	plan->post_promotion = mf_argo_add_analysis(rd, w.post, rollout, true, analyses);
}

static void
read_window(struct mf_plan_reading *rd, const struct mf_node *window, struct mf_rollout_plan *plan)
{
	static const char *const known[] = {"revisions", NULL};

	if (window == NULL || !mf_plan_is_map(rd, window))
		return;
	mf_plan_known_keys(rd, window, known);
	mf_plan_unsigned(rd, window, "revisions", 0, MF_ROLLOUT_HISTORY, &plan->rollback_window);
}

static void
read_strategy(struct mf_plan_reading *rd, const struct mf_node *rollout, const struct mf_node *spec,
    struct mf_rollout_plan *plan)
{
	static const char *const known[] = {"canary", "blueGreen", NULL};
	const struct mf_node *strategy = mf_plan_map(rd, spec, "strategy");
	const struct mf_node *canary = mf_plan_map(rd, strategy, "canary");
	const struct mf_node *blue_green = mf_plan_map(rd, strategy, "blueGreen");
	struct mf_argo_analyses analyses = {.n = 0};
	const struct mf_analysis_plan **items;

	mf_plan_known_keys(rd, strategy, known);
	if ((canary != NULL) == (blue_green != NULL)) {
		mf_plan_refuse(rd, strategy != NULL ? strategy : spec,
		    "either strategy.canary or strategy.blueGreen is wanted");
		return;
	}
	if (canary != NULL)
		read_canary(rd, rollout, canary, &analyses, plan);
	else
		read_blue_green(rd, rollout, blue_green, &analyses, plan);
	if (analyses.n == 0 || (items = mf_plan_alloc(rd, analyses.n, sizeof *items)) == NULL)
		return;
	memcpy(items, analyses.items, analyses.n * sizeof *items);
	plan->analyses = items;
	plan->n_analyses = analyses.n;
}

const struct mf_rollout_plan *
mf_plan_read_rollout(struct mf_plan_reading *rd, const struct mf_node *doc)
{
	const struct mf_node *spec = mf_plan_need_map(rd, doc, "spec");
	struct mf_rollout_plan *plan = mf_plan_alloc(rd, 1, sizeof *plan);
	struct spec_words w = {.progress_s = 600};

	if (plan == NULL)
		return NULL;
	if (spec == NULL)
		return NULL;
	plan->name = rd->plan->name != NULL ? rd->plan->name : "";
	plan->namespace_name = rd->plan->namespace_name;
	plan->profile =
	    rd->plan->profile == MF_PROFILE_MIGRATION ? MF_PROFILE_MIGRATION : MF_PROFILE_ARGO;
	plan->finish = rd->plan->finish;
	plan->place = mf_plan_place_of(rd, doc);
	plan->background = plan->pre_promotion = plan->post_promotion = MF_ROLLOUT_NO_ANALYSIS;
	mf_form_read(rd, &spec_form, spec, &w);
	if (plan->profile == MF_PROFILE_MIGRATION)
		plan->settle_us = SETTLE_US;
	plan->paused = w.paused;
	plan->progress_deadline_us = w.progress_s * SECOND_US;
	plan->has_progress_deadline = mf_node_get(spec, "progressDeadlineSeconds") != NULL;
	plan->progress_deadline_abort = w.abort;
	read_window(rd, w.window, plan);
	read_strategy(rd, doc, spec, plan);
	return plan;
}
