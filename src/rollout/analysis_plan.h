/*
 * Argo's analysis (argoproj.io/v1alpha1, AnalysisTemplate and ClusterAnalysisTemplate): metrics
 * with conditions, and the limits within which they may fail. Filled by the readers of plans with
 * all defaults in place and nested templates merged; owned by the plan's region; read-only.
 */
#ifndef MF_ROLLOUT_ANALYSIS_PLAN_H
#define MF_ROLLOUT_ANALYSIS_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/rollout/canary_plan.h"
#include "src/rollout/expr.h"
#include "src/rollout/metric.h"

#define MF_ANALYSIS_METRICS_MAX 16u
#define MF_ANALYSIS_ARGS_MAX 64u
#define MF_ANALYSIS_RETRY_US ((uint64_t)10 * 1000000) /* after an error */
#define MF_ANALYSIS_CONSECUTIVE_ERRORS 4              /* consecutiveErrorLimit where absent */

/* Where an argument's value comes from. Those of the run are known once it has a revision; the
 * text of a query holds {{args.NAME}} until then. */
enum mf_analysis_arg_from {
	MF_ANALYSIS_ARG_VALUE,  /* it stands in the plan, and is in the texts already */
	MF_ANALYSIS_ARG_LATEST, /* podTemplateHashValue: Latest: the revision that is carried */
	MF_ANALYSIS_ARG_STABLE, /* the one that is replaced */
};

struct mf_analysis_arg {
	const char *name;
	enum mf_analysis_arg_from from;
	const char *value; /* NULL unless MF_ANALYSIS_ARG_VALUE */
};

struct mf_analysis_metric {
	const char *name;
	struct mf_metric_query query;
	/* A query whose outermost operator is a comparison without `bool` answers nothing where it
	 * is false. What stands left of the operator tells that from no data. */
	bool predicate;
	const char *left_query;        /* the text; all else as in query */
	/* The same of the primary, where the arguments tell the sides apart: Stable in the place of
	 * Latest, and what a Migration has among primaryArgs. Another revision comes with the run.
	 */
	bool has_primary_query;
	struct mf_metric_query primary_query;
	const char *primary_left_query;
	const struct mf_expr *success; /* successCondition; NULL: none */
	const struct mf_expr *failure; /* failureCondition; NULL: none */
	const char *success_text, *failure_text; /* as they are read, for people */
	uint64_t interval_us;          /* 0: none */
	uint64_t initial_delay_us;
	uint64_t window_us; /* that the query looks back; 0: not known */
	unsigned count;     /* measurements; 0: without end */
	int failure_limit;  /* more than so many failed ones fail it; -1: never */
	int inconclusive_limit;
	int consecutive_error_limit;
	int consecutive_success_limit; /* so many in a row succeed; 0: no such rule */
	bool dry_run;                  /* measured, but never counts */
	struct mf_plan_place place;
};

struct mf_analysis_plan {
	const char *name;
	enum mf_profile profile; /* argo, or migration where migration.md decides differently */
	const struct mf_analysis_arg *args;
	size_t n_args;
	const struct mf_analysis_metric *metrics; /* at most MF_ANALYSIS_METRICS_MAX */
	size_t n_metrics;
	/* What only simulate allows: its templates are not in the file, so its result is given; its
	 * specification is bad, so that each run is an Error (why is among the plan's warnings). */
	bool is_given, is_bad;
	struct mf_plan_place place;
};

#endif
