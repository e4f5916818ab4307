/*
 * The weighted canary, A/B and blue/green of Flagger (flagger.app/v1beta1), and the analysis of a
 * Migration, which is the same stanza with more words. Filled by the readers of plans with all
 * defaults in place; owned by the plan's region; read-only.
 */
#ifndef MF_ROLLOUT_CANARY_PLAN_H
#define MF_ROLLOUT_CANARY_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/rollout/hook.h"
#include "src/rollout/metric.h"

#define MF_STEP_WEIGHTS_MAX 101u

enum mf_profile {
	MF_PROFILE_FLAGGER,   /* as Flagger, quirks and all */
	MF_PROFILE_ARGO,      /* as Argo Rollouts */
	MF_PROFILE_MIGRATION, /* where the design decides differently: modelferry-plan(5) */
};

enum mf_finish {
	MF_FINISH_STAY,      /* traffic stays with the canary's side */
	MF_FINISH_COPY_BACK, /* Flagger's ending: promote, then traffic returns */
};

enum mf_strategy {
	MF_STRATEGY_WEIGHTED,
	MF_STRATEGY_AB,
	MF_STRATEGY_BLUE_GREEN,
};

/* How a value is held against its bounds (rollout semantics of Flagger). */
enum mf_metric_rule {
	MF_RULE_SUCCESS_RATE, /* request-success-rate: range, else value >= threshold */
	MF_RULE_DURATION,     /* request-duration: cut to whole milliseconds, bounds too; range,
			       * else value <= threshold */
	MF_RULE_VALUE,        /* range, else value <= threshold */
	MF_RULE_NO_QUERY,     /* neither built in nor with a query: each check fails */
};

enum mf_no_data { MF_NO_DATA_FAIL, MF_NO_DATA_HOLD, MF_NO_DATA_PASS };

struct mf_bounds {
	bool has_min, has_max;
	double min, max; /* inclusive */
};

/* Of a webhook, a metric, ...: where the plan says it. */
struct mf_plan_place {
	const char *file;
	unsigned line;
};

struct mf_canary_metric {
	const char *name;
	enum mf_metric_rule rule;
	struct mf_bounds range;
	double threshold;             /* Flagger's old word, where there is no range; 0: absent */
	struct mf_metric_query query; /* rendered */
	uint64_t window_us;           /* Flagger's metric interval; default 1 m */
	struct mf_plan_place place;
	/* A Migration's own; zero is Flagger's behaviour. */
	enum mf_no_data on_no_data;
	bool optional;
	bool alert_only; /* a value that does not pass is told to people, and fails no check */
	uint64_t min_samples;
	struct mf_bounds abort; /* has_min: below it aborts; has_max: above it aborts */
	bool relative;          /* measured on the primary, too */
	bool has_max_ratio, has_max_delta;
	double max_ratio, max_delta; /* canary/primary at most, canary-primary at most */
	/* The primary's own query, for relativeTo and for telling a shared fault; type as query. */
	bool has_primary_query;
	struct mf_metric_query primary_query;
};

struct mf_bake {
	uint64_t duration_us; /* 0: none */
	uint64_t interval_us;
	uint64_t window_us; /* more than max_failed failed checks within it roll back */
	unsigned max_failed;
	bool by_daemon;
};

/* What a fallback that is another model is held against, in place of the plan's metrics. */
struct mf_back_metrics {
	const struct mf_canary_metric *metrics;
	size_t n; /* 0: the plan's */
};

/* The way back, as far as the engine goes it; the run knows what each act means. */
struct mf_back_plan {
	unsigned step_weight;   /* traffic goes back in steps of this, a tick each; 0: at once */
	uint64_t verify_for_us; /* the primary's metrics are watched so long; 0: one measurement */
	unsigned n_fallbacks;   /* to try in order; 0: the primary as it is, and no other */
	const struct mf_back_metrics *own; /* of each fallback; NULL where there are none */
};

enum mf_hold_end { MF_HOLD_ROLLBACK, MF_HOLD_ALERT };

struct mf_canary_plan {
	const char *name, *namespace_name;
	const char *provider; /* "istio", "kubernetes"; of a Migration: "" */
	bool referred; /* a Migration's, of a Canary document, whose words are Flagger's */
	enum mf_profile profile;
	enum mf_finish finish;
	enum mf_strategy strategy;
	bool suspend;
	bool skip_analysis;
	bool has_autoscaler;
	uint64_t interval_us; /* a tick; at least 10 s in a Canary */
	unsigned threshold;   /* failed checks; at least 1 */
	unsigned max_weight;  /* 100 where absent. Not a clamp */
	unsigned step_weight;
	unsigned step_weights[MF_STEP_WEIGHTS_MAX];
	size_t n_step_weights;
	unsigned step_weight_promotion;
	unsigned iterations;
	bool mirror;
	unsigned mirror_weight;
	/* Percent of the servers in service that are to be up. */
	unsigned primary_ready_threshold, canary_ready_threshold;
	const char *ready_word; /* which of the two the plan itself says; NULL: none */
	uint64_t progress_deadline_us;
	bool has_progress_deadline; /* the document says it; else it is the default */
	const struct mf_canary_metric *metrics; /* built-in and inline first, then templates */
	size_t n_metrics;
	const struct mf_hook *hooks;
	size_t n_hooks;
	/* A Migration's own. */
	bool clamp_to_max_weight;
	struct mf_bake bake;
	struct mf_back_plan back;
	uint64_t settle_us;        /* after a change of weights, before a window counts */
	uint64_t max_hold_us;      /* of any hold; 0: mf_canary_hold_max_us tells */
	enum mf_hold_end hold_end; /* alert: people are told, and the run ends as it stands */
	uint64_t watch_us;         /* between ticks: readiness and abort metrics; 0: 5 s */
};

/* canary_hold.c */
/* How long any hold of it may last. Where the plan has no word: 10 intervals, or as long as the
 * longest window takes to lie behind a change of weights, and two checks. */
uint64_t mf_canary_hold_max_us(const struct mf_canary_plan *plan);
/* After a change of weights, when the last metric has a value: settle and the longest window, whose
 * metric is *name (a view; "" without metrics). */
uint64_t mf_canary_hold_min_us(const struct mf_canary_plan *plan, const char **name);

#endif
