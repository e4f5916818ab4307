/* What a measurement is worth: the metric's conditions against what its provider answered. */
#include <math.h>
#include <string.h>

#include "src/rollout/analysis.h"

static const struct mf_node empty_list = {.kind = MF_NODE_LIST};

static enum mf_analysis_phase
by_conditions(const struct mf_analysis_metric *m, const struct mf_node *result)
{
	struct mf_error e;
	int holds;

	if (m->failure != NULL) {
		holds = mf_expr_holds(m->failure, result, &e);
		if (holds < 0)
			return MF_ANALYSIS_ERROR;
		if (holds > 0)
			return MF_ANALYSIS_FAILED;
		if (m->success == NULL)
			return MF_ANALYSIS_SUCCESSFUL;
	}
	if (m->success == NULL)
		return MF_ANALYSIS_SUCCESSFUL;
	holds = mf_expr_holds(m->success, result, &e);
	if (holds < 0)
		return MF_ANALYSIS_ERROR;
	if (holds > 0)
		return MF_ANALYSIS_SUCCESSFUL;
	return m->failure != NULL ? MF_ANALYSIS_INCONCLUSIVE : MF_ANALYSIS_FAILED;
}

/* The verdict of a Job is its own; conditions don't come into it. */
static enum mf_analysis_phase
by_job(const struct mf_measured *got)
{
	const char *verdict =
	    got->result && got->result->kind == MF_NODE_STRING ? got->result->text : NULL;

	if (verdict == NULL)
		return MF_ANALYSIS_ERROR;
	if (strcmp(verdict, "complete") == 0)
		return MF_ANALYSIS_SUCCESSFUL;
	return strcmp(verdict, "failed") == 0 ? MF_ANALYSIS_FAILED : MF_ANALYSIS_INCONCLUSIVE;
}

static bool
has_any(const struct mf_measured *m)
{
	if (m->end == MF_MEASURE_ERROR || m->end == MF_MEASURE_NONE)
		return false;
	return m->result == NULL || m->result->kind != MF_NODE_LIST || m->result->n_items > 0;
}

/* Nothing right of a predicate: nothing on its left either, or false. */
static enum mf_analysis_phase
by_predicate(const struct mf_analysis_metric *m, const struct mf_measured *got,
    const struct mf_measured *left, bool *has_data)
{
	struct mf_node truth = {.kind = MF_NODE_BOOL, .truth = has_any(got)};

	if (!truth.truth && left != NULL && left->end == MF_MEASURE_ERROR)
		return MF_ANALYSIS_ERROR;
	if (!truth.truth && (left == NULL || !has_any(left))) {
		*has_data = false;
		return MF_ANALYSIS_ERROR;
	}
	/* it is a condition by itself */
	if (m->success == NULL && m->failure == NULL)
		return truth.truth ? MF_ANALYSIS_SUCCESSFUL : MF_ANALYSIS_FAILED;
	return by_conditions(m, &truth);
}

enum mf_analysis_phase
mf_analysis_judge(enum mf_profile profile, const struct mf_analysis_metric *m,
    const struct mf_measured *got, const struct mf_measured *left, bool *has_data)
{
	const bool migration = profile == MF_PROFILE_MIGRATION;
	const struct mf_node number = {.kind = MF_NODE_NUMBER,
	    .number = got->end == MF_MEASURE_NAN ? (double)NAN : got->value};

	*has_data = true;
	if (got->end == MF_MEASURE_ERROR)
		return MF_ANALYSIS_ERROR;
	if (got->end == MF_MEASURE_EARLY || (migration && got->end == MF_MEASURE_FEW)) {
		*has_data = false;
		return MF_ANALYSIS_ERROR;
	}
	if (m->query.type == MF_PROVIDER_JOB)
		return by_job(got);
	if (migration && m->predicate)
		return by_predicate(m, got, left, has_data);
	if (migration && got->end == MF_MEASURE_NONE && m->success == NULL && m->failure == NULL) {
		*has_data = false; /* no condition could say that nothing is good */
		return MF_ANALYSIS_ERROR;
	}
	if (got->result != NULL)
		return by_conditions(m, got->result);
	if (got->end == MF_MEASURE_NONE)
		return by_conditions(m, &empty_list);
	return by_conditions(m, &number);
}

/* A condition that cannot be evaluated. */
static bool
fails(const struct mf_expr *condition, const char *name, const struct mf_node *result,
    struct mf_error *why)
{
	struct mf_error e = {0};

	if (condition == NULL || mf_expr_holds(condition, result, &e) >= 0)
		return false;
	(void)mf_error_set(why, e.code, "%s: %.300s", name, e.message);
	return true;
}

void
mf_analysis_why(
    const struct mf_analysis_metric *m, const struct mf_measured *got, struct mf_error *why)
{
	const struct mf_node number = {.kind = MF_NODE_NUMBER,
	    .number = got->end == MF_MEASURE_NAN ? (double)NAN : got->value};
	const struct mf_node *result = got->result != NULL           ? got->result
				       : got->end == MF_MEASURE_NONE ? &empty_list
								     : &number;

	*why = (struct mf_error){0};
	if (got->end == MF_MEASURE_ERROR)
		(void)mf_error_set(why, MF_EFAIL, "%s",
		    got->why[0] == '\0' ? "it could not be measured" : got->why);
	else if (got->end != MF_MEASURE_EARLY && got->end != MF_MEASURE_FEW &&
		 m->query.type != MF_PROVIDER_JOB && !m->predicate &&
		 !fails(m->failure, "failureCondition", result, why))
		(void)fails(m->success, "successCondition", result, why);
}
