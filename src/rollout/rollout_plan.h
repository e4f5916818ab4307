/*
 * Argo's Rollout (argoproj.io/v1alpha1): canary steps and blue/green. Filled by the readers of
 * plans with all defaults in place; owned by the plan's region; read-only.
 *
 * A migration between two sites has no ReplicaSets: stable is the primary's side, the canary (the
 * preview of blue/green) is the destination's, and what a Rollout says of surge, selectors and
 * histories says nothing here.
 */
#ifndef MF_ROLLOUT_ROLLOUT_PLAN_H
#define MF_ROLLOUT_ROLLOUT_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/rollout/analysis_plan.h"
#include "src/rollout/canary_plan.h"

#define MF_ROLLOUT_STEPS_MAX 200u
/* One a step, the background's, pre- and post-promotion; fits above MF_ANALYSIS_INDEX_SHIFT. */
#define MF_ROLLOUT_ANALYSES_MAX (MF_ROLLOUT_STEPS_MAX + 3u)
#define MF_ROLLOUT_MATCHES_MAX 16u
#define MF_ROLLOUT_NO_ANALYSIS UINT32_MAX

enum mf_rollout_strategy { MF_ROLLOUT_CANARY, MF_ROLLOUT_BLUE_GREEN };

enum mf_rollout_step_kind {
	MF_ROLLOUT_SET_WEIGHT,
	MF_ROLLOUT_PAUSE,
	MF_ROLLOUT_ANALYSIS,
	MF_ROLLOUT_SET_CANARY_SCALE,
	MF_ROLLOUT_SET_HEADER_ROUTE,
	MF_ROLLOUT_SET_MIRROR_ROUTE,
	MF_ROLLOUT_STEP_KINDS
};

enum mf_rollout_scale {
	MF_ROLLOUT_SCALE_MATCH_WEIGHT, /* as large as its traffic wants it: the rule */
	MF_ROLLOUT_SCALE_REPLICAS,
	MF_ROLLOUT_SCALE_WEIGHT, /* percent of spec.replicas */
};

enum mf_rollout_match_on {
	MF_ROLLOUT_MATCH_HEADER,
	MF_ROLLOUT_MATCH_METHOD,
	MF_ROLLOUT_MATCH_PATH
};
enum mf_rollout_match_how {
	MF_ROLLOUT_MATCH_EXACT,
	MF_ROLLOUT_MATCH_PREFIX,
	MF_ROLLOUT_MATCH_REGEX,
};
struct mf_rollout_match {
	enum mf_rollout_match_on on;
	enum mf_rollout_match_how how;
	const char *header; /* of MF_ROLLOUT_MATCH_HEADER */
	const char *value;
	bool more; /* the next match belongs to it: both have to hold */
};

struct mf_rollout_step {
	enum mf_rollout_step_kind kind;
	unsigned weight;   /* setWeight, percent */
	bool forever;      /* pause until somebody promotes */
	uint64_t pause_us; /* else so long */
	unsigned analysis; /* which one of the plan's */
	enum mf_rollout_scale scale;
	unsigned scale_to;                      /* replicas or percent */
	const char *route;                      /* the managed route's name */
	const struct mf_rollout_match *matches; /* none: the route goes */
	size_t n_matches;
	unsigned mirror_percent;
	struct mf_plan_place place;
};

struct mf_rollout_plan {
	const char *name, *namespace_name;
	enum mf_profile profile; /* argo or migration */
	enum mf_finish finish;   /* copy-back: the canary becomes stable, Argo's own ending */
	enum mf_rollout_strategy strategy;
	/* Services, which stand for the two sides: canaryService or previewService, stableService
	 * or activeService; NULL where the plan names none. */
	const char *canary_service, *stable_service;
	const char *router; /* "istio", "argoproj-labs/gatewayAPI"; NULL: none */
	const struct mf_rollout_step *steps;
	size_t n_steps;
	const struct mf_analysis_plan *const *analyses;
	size_t n_analyses;
	unsigned background; /* which analysis; MF_ROLLOUT_NO_ANALYSIS: none. So the next two */
	unsigned starting_step;
	unsigned pre_promotion, post_promotion;
	bool auto_promotion;        /* blueGreen; false: wait for somebody */
	uint64_t auto_promotion_us; /* wait so long; 0: see auto_promotion */
	bool paused;                /* spec.paused */
	uint64_t progress_deadline_us;
	bool has_progress_deadline; /* the document says it; else it is the default */
	bool progress_deadline_abort;
	uint64_t scale_down_delay_us;
	uint64_t abort_scale_down_delay_us;
	bool abort_scale_down;    /* false: never */
	unsigned rollback_window; /* so many former stable revisions skip all steps; 0: none do */
	/* A migration's own. */
	struct mf_back_plan back; /* its step_weight is 0: all at once */
	struct mf_bake bake;
	uint64_t interval_us; /* of a tick; 0: 1 m */
	uint64_t settle_us;   /* after a change of weights, before a metric's window counts */
	uint64_t watch_us;    /* between passes, how often the sides are looked at; 0: 5 s */
	uint64_t max_hold_us; /* of any hold; 0: 10 intervals */
	enum mf_hold_end hold_end;
	struct mf_plan_place place;
};

#endif
