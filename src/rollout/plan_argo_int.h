/* What the readers of Argo's documents share. */
#ifndef MF_ROLLOUT_PLAN_ARGO_INT_H
#define MF_ROLLOUT_PLAN_ARGO_INT_H

#include "src/rollout/analysis_plan.h"
#include "src/rollout/plan_form.h"
#include "src/rollout/rollout.h"

#define MF_ARGO_TEMPLATES_MAX 32u /* of one analysis, nested ones among them */

/* Argo's IntOrString of a duration: a number is seconds, text is Go's ("1m30s") or of a number. */
bool mf_argo_duration(
    struct mf_plan_reading *rd, const struct mf_node *map, const char *key, uint64_t *us);

/* Arguments while they are being put together. */
struct mf_argo_arg {
	const char *name;
	bool known; /* there is a value, or the run will have one */
	enum mf_analysis_arg_from from;
	const char *value;
	const struct mf_node *at;
};
struct mf_argo_args {
	struct mf_argo_arg items[MF_ANALYSIS_ARGS_MAX];
	size_t n;
};

/* Those of a template join the others; the same with two values is refused. */
void mf_argo_args_join(
    struct mf_plan_reading *rd, const struct mf_node *list, struct mf_argo_args *args);
/* Those that a Rollout gives replace the templates'. rollout: its document, for fieldRef. */
void mf_argo_args_replace(struct mf_plan_reading *rd, const struct mf_node *list,
    const struct mf_node *rollout, struct mf_argo_args *args);
/* As they are put into texts: {{args.NAME}} stays where the run will know more. alone: a template
 * without a Rollout, which simulate may have with arguments that nobody gave. NULL: refused. */
const struct mf_pair *mf_argo_args_settle(
    struct mf_plan_reading *rd, const struct mf_argo_args *args, bool alone);
/* The same for the primary's side: with the values that the Migration has for it. NULL: nothing
 * tells the sides apart, or there is no memory. */
const struct mf_pair *mf_argo_args_of_primary(
    struct mf_plan_reading *rd, const struct mf_argo_args *args, const struct mf_pair *pairs);

/* A metric's provider. False: refused. */
bool mf_argo_provider(
    struct mf_plan_reading *rd, const struct mf_node *metric, struct mf_metric_query *q);

/* A metric whose arguments are in their places. bad: see mf_argo_bad. */
void mf_argo_metric(struct mf_plan_reading *rd, const struct mf_node *node, bool *bad,
    struct mf_analysis_metric *m);
/* node: the same metric with the arguments of the primary's side. Fills m->primary_query where that
 * is another question. */
void mf_argo_metric_of_primary(struct mf_plan_reading *rd, const struct mf_node *node,
    const struct mf_analysis_plan *plan, struct mf_analysis_metric *m);
/* A rule of Argo's that makes a run an Error: simulate shows that, all else refuses it. */
void mf_argo_bad(struct mf_plan_reading *rd, const struct mf_node *at, bool *bad, const char *text);

/* The analysis that a Rollout refers to: {templates, args, dryRun}. ends: it has to come to an
 * end by itself. NULL: refused. */
const struct mf_analysis_plan *mf_argo_analysis(struct mf_plan_reading *rd,
    const struct mf_node *ref, const struct mf_node *rollout, bool ends);

/* plan_rollout_steps.c: fills steps and analyses. */
struct mf_argo_analyses {
	const struct mf_analysis_plan *items[MF_ROLLOUT_ANALYSES_MAX];
	size_t n;
};
void mf_argo_steps(struct mf_plan_reading *rd, const struct mf_node *rollout,
    const struct mf_node *canary, struct mf_argo_analyses *analyses, struct mf_rollout_plan *plan);
/* Add one that is referred to; MF_ROLLOUT_NO_ANALYSIS where it was refused or ref is NULL. */
unsigned mf_argo_add_analysis(struct mf_plan_reading *rd, const struct mf_node *ref,
    const struct mf_node *rollout, bool ends, struct mf_argo_analyses *analyses);

#endif
