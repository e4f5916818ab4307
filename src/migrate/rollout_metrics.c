/*
 * The metrics of a Rollout's analyses. Their conditions see whole answers, which the engine looks
 * at again with each act of a tick: they live until the next one. Whether it is too early to
 * measure, and what an answer is worth, is the engine's to say.
 */
#include <stdio.h>

#include "src/migrate/migrate_int.h"

#define ANSWERS_MEMORY ((size_t)128 << 20) /* of one tick */

/* The revisions of the run, for arguments that stand for them; "": there is none. */
static const char *
revision_of(const struct mf_migrating *x)
{
	return x->p->repo == NULL && x->m->version == NULL ? "" : x->version;
}

void
mf_migrating_forget_answers(struct mf_migrating *x)
{
	mf_region_free(x->answers);
	x->answers = NULL;
}

static int
need_answers(struct mf_migrating *x, struct mf_error *e)
{
	struct mf_region_params p = {
	    .plain_bytes = ANSWERS_MEMORY, .what = "the answers of a tick"};

	return x->answers != NULL ? 0 : mf_region_new(&p, &x->answers, e);
}

int
mf_migrating_make_query(struct mf_migrating *x, const struct mf_analysis_plan *analysis,
    unsigned index, struct mf_metric_query *out, struct mf_error *e)
{
	if (need_answers(x, e) != 0)
		return -1;
	return mf_analysis_query(analysis, index, revision_of(x), x->previous, x->answers, out, e);
}

/* "metric:accuracy:0.93", "primary:accuracy:true", "left:accuracy:no data" */
static void
tell(struct mf_migrating *x, const char *what, const char *name, const struct mf_measured *got)
{
	struct mf_buf b = MF_BUF_INIT;

	if (got->end == MF_MEASURE_VALUE && got->result != NULL) {
		mf_node_put_json(&b, got->result);
		mf_migrating_did(
		    x, "%s:%s:%.80s", what, name, mf_buf_cstr(&b) == NULL ? "?" : mf_buf_cstr(&b));
		mf_buf_fini(&b);
	} else if (got->end == MF_MEASURE_VALUE) {
		mf_migrating_did(x, "%s:%s:%.6g", what, name, got->value);
	} else {
		mf_migrating_did(x, "%s:%s:%s%s%.80s", what, name,
		    got->end == MF_MEASURE_ERROR ? "error" : "no data",
		    got->why[0] != '\0' ? ":" : "", got->why);
	}
}

/* For those who watch: the engine counts it, and keeps no words. */
static void
keep_why(struct mf_migrating *x, const struct mf_act *act, const struct mf_analysis_metric *m,
    const struct mf_measured *got)
{
	const unsigned of = act->index >> MF_ANALYSIS_INDEX_SHIFT;
	char *why = x->whys[of * MF_ANALYSIS_METRICS_MAX + (act->index & MF_ANALYSIS_INDEX_METRIC)];
	struct mf_error error;

	mf_analysis_why(m, got, &error);
	(void)snprintf(
	    why, MF_VIEW_WHY_BYTES, "%.150s", error.code == MF_OK ? got->why : error.message);
}

void
mf_migrating_measure(struct mf_migrating *x, const struct mf_act *act, struct mf_answer *out)
{
	const struct mf_analysis_plan *analysis =
	    mf_rollout_analysis_of(x->engine.rollout_plan, act->index);
	const bool primary = act->kind == MF_ACT_MEASURE_PRIMARY;
	unsigned index = act->index & ((1u << MF_ANALYSIS_INDEX_SHIFT) - 1);
	struct mf_metric_query query;
	struct mf_error e = {0};

	out->end = MF_ANSWER_OK;
	out->measured = (struct mf_measured){.end = MF_MEASURE_ERROR};
	if (primary)
		index |= MF_ANALYSIS_INDEX_PRIMARY;
	if (mf_migrating_make_query(x, analysis, index, &query, &e) == 0)
		mf_world_ask(x->world, &query, x->answers, &out->measured);
	else
		(void)snprintf(out->measured.why, sizeof out->measured.why, "%.150s", e.message);
	if (!primary && (index & MF_ANALYSIS_INDEX_LEFT) == 0)
		keep_why(x, act, &analysis->metrics[index], &out->measured);
	tell(x,
	    (index & MF_ANALYSIS_INDEX_LEFT) != 0 ? "left"
	    : primary                             ? "primary"
						  : "metric",
	    analysis->metrics[index & MF_ANALYSIS_INDEX_METRIC].name, &out->measured);
}

/* ---- preflight ---- */

/* What only a cluster or a router with routes could do. */
int
mf_migrating_check_steps(const struct mf_migrating *x, struct mf_error *e)
{
	static const char *const why[MF_ROLLOUT_STEP_KINDS] = {
	    [MF_ROLLOUT_SET_CANARY_SCALE] = "setCanaryScale: servers are not ours to scale",
	    [MF_ROLLOUT_SET_HEADER_ROUTE] = "setHeaderRoute: this router has no routes by header",
	    [MF_ROLLOUT_SET_MIRROR_ROUTE] = "setMirrorRoute: this router cannot mirror",
	};
	const struct mf_rollout_plan *plan = x->engine.rollout_plan;
	char place[MF_PLAN_PLACE_BYTES];
	size_t i;

	for (i = 0; plan != NULL && i < plan->n_steps; i++)
		if (why[plan->steps[i].kind] != NULL)
			return mf_error_set(e, MF_EUNSUPPORTED, "%s: step %zu: %s",
			    mf_plan_place_text(&plan->steps[i].place, place), i,
			    why[plan->steps[i].kind]);
	return 0;
}
