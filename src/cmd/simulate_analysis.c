/* simulate, for an AnalysisTemplate: a tick is one measurement of each metric that it names. */
#include <stdlib.h>
#include <string.h>

#include "src/cmd/output.h"
#include "src/cmd/simulate_argo.h"

#define INTERVAL_US ((uint64_t)60 * 1000000)

struct run {
	struct mf_simulation *s;
	const struct mf_analysis_plan *plan;
	struct mf_analysis_state state;
	uint64_t now_us;
	size_t n; /* of the tick, from 1 */
	struct mf_asked asked[2 * MF_ANALYSIS_METRICS_MAX];
};

/* Long enough that all may be measured again. */
static uint64_t
interval_us(const struct mf_analysis_plan *plan)
{
	uint64_t us = INTERVAL_US;

	for (size_t i = 0; i < plan->n_metrics; i++)
		if (plan->metrics[i].interval_us > us)
			us = plan->metrics[i].interval_us;
	return us;
}

static int
check_names(const struct run *r, json_t *tick, struct mf_error *e)
{
	const char *names[MF_ANALYSIS_METRICS_MAX + 1] = {NULL};
	json_t *metrics = json_object_get(tick, "metrics");

	for (size_t i = 0; i < r->plan->n_metrics; i++)
		names[i] = r->plan->metrics[i].name;
	return metrics == NULL ? 0 : mf_simulate_known(r->s, r->n, metrics, names, e);
}

static int
walk(struct run *r, const json_t *tick, struct mf_region *region, struct mf_error *e)
{
	bool due[MF_ANALYSIS_METRICS_MAX];
	const struct mf_analysis_tick seen = {.now_us = r->now_us,
	    .terminate = json_is_true(json_object_get(tick, "terminate")),
	    .due = due};
	const json_t *metrics = json_object_get(tick, "metrics");
	struct mf_analysis_state next;
	struct mf_act act;
	size_t n = 0;

	for (size_t i = 0; i < r->plan->n_metrics; i++)
		due[i] = json_object_get(metrics, r->plan->metrics[i].name) != NULL;
	while (
	    mf_analysis_step(r->plan, &r->state, &seen, r->asked, n, &next, &act) == MF_STEP_ACT) {
		r->asked[n] = (struct mf_asked){.act = act};
		if (mf_argo_tick_measured(r->s, r->n, json_object_get(tick, "metrics"),
			&r->plan->metrics[act.index & MF_ANALYSIS_INDEX_METRIC],
			(act.index & MF_ANALYSIS_INDEX_LEFT) != 0, region,
			&r->asked[n].answer.measured, e) != 0)
			return -1;
		n++;
	}
	r->state = next;
	return 0;
}

static int
put_json(struct run *r, struct mf_error *e)
{
	json_t *line = json_pack(
	    "{s:I, s:s}", "tick", (json_int_t)r->n, "run", mf_analysis_phase_name(r->state.phase));

	for (size_t i = 0; line != NULL && i < r->plan->n_metrics; i++)
		if (json_object_get(line, r->plan->metrics[i].name) == NULL)
			(void)json_object_set_new(line, r->plan->metrics[i].name,
			    json_string(mf_analysis_phase_name(r->state.metrics[i].phase)));
	return mf_output_json(r->s->out, line, e);
}

static void
put_text(const struct run *r)
{
	FILE *out = r->s->out;

	fprintf(out, "%4zu  %-12s", r->n, mf_analysis_phase_name(r->state.phase));
	for (size_t i = 0; i < r->plan->n_metrics; i++) {
		fprintf(out, i == 0 ? "  " : ", ");
		mf_output_name(out, r->plan->metrics[i].name);
		fprintf(out, " %s", mf_analysis_phase_name(r->state.metrics[i].phase));
	}
	fprintf(out, "\n");
}

static int
one(struct run *r, json_t *tick, struct mf_error *e)
{
	static const char *const known[] = {"metrics", "terminate", "wait", NULL};
	struct mf_region *region;
	int rc = -1;

	r->n++;
	if (mf_simulate_known(r->s, r->n, tick, known, e) != 0 || check_names(r, tick, e) != 0 ||
	    mf_argo_tick_wait(r->s, r->n, tick, interval_us(r->plan), &r->now_us, e) != 0 ||
	    mf_argo_tick_region(&region, e) != 0)
		return -1;
	if (walk(r, tick, region, e) == 0)
		rc = r->s->json ? put_json(r, e) : 0;
	if (rc == 0 && !r->s->json)
		put_text(r);
	mf_region_free(region);
	return rc;
}

static int
put_result(const struct run *r, struct mf_error *e)
{
	const char *result = mf_analysis_phase_name(r->state.phase);

	if (r->s->json)
		return mf_output_json(r->s->out,
		    json_pack("{s:s, s:I}", "result", result, "ticks", (json_int_t)r->n), e);
	fprintf(r->s->out, "%s after %zu ticks\n", result, r->n);
	return mf_output_end(r->s->out, e);
}

int
mf_simulate_analysis(struct mf_simulation *s, struct mf_error *e)
{
	struct run *r;
	json_t *tick;
	size_t i;
	int rc = -1;

	if (s->start != NULL)
		return mf_error_set(
		    e, MF_EUSAGE, "%s: an analysis has no state to start from", s->start_file);
	r = calloc(1, sizeof *r);
	if (r == NULL)
		return mf_error_nomem(e, "the simulation");
	r->s = s;
	r->plan = s->plan->analysis;
	r->now_us = 1;
	mf_analysis_start(&r->state, r->now_us, false);
	json_array_foreach(s->ticks, i, tick) if (one(r, tick, e) != 0) goto out;
	rc = put_result(r, e);
out:
	free(r);
	return rc;
}
