/* simulate, for a Rollout: a tick is one pass, after the seconds that it waits. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "src/cmd/output.h"
#include "src/cmd/simulate_argo.h"
#include "src/rollout/rollout.h"

struct run {
	struct mf_simulation *s;
	struct mf_rollout_state state;
	unsigned canary; /* its weight, as the router has it */
	uint64_t now_us;
	size_t n;     /* of the tick, from 1 */
	bool began;   /* there was something to roll out */
	json_t *tick; /* its object */
	struct mf_region *region;
	json_t *did;
	struct mf_asked asked[MF_STEP_ACTS_MAX];
};

static int
refuse(const struct run *r, const char *field, const char *why, struct mf_error *e)
{
	return mf_simulate_refuse(r->s, r->n, field, why, e);
}

static int note(struct run *r, struct mf_error *e, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static int
note(struct run *r, struct mf_error *e, const char *fmt, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	if (json_array_append_new(r->did, json_string(text)) != 0)
		return mf_error_nomem(e, "the simulation");
	return 0;
}

/* ---- what a tick says ---- */

static int
get_revision(
    const struct run *r, const json_t *from, const char *key, const char **out, struct mf_error *e)
{
	if (mf_argo_tick_word(r->s, r->n, from, key, out, e) != 0)
		return -1;
	return *out != NULL && strlen(*out) >= MF_REVISION_BYTES ? refuse(r, key, "is too long", e)
								 : 0;
}

static int
get_number(const struct run *r, const json_t *from, const char *key, unsigned most, unsigned *out,
    struct mf_error *e)
{
	const json_t *v = json_object_get(from, key);

	if (v == NULL)
		return 0;
	if (!json_is_integer(v) || json_integer_value(v) < 0 || json_integer_value(v) > most)
		return refuse(r, key, "is not a whole number in its range", e);
	*out = (unsigned)json_integer_value(v);
	return 0;
}

static int
get_ready(const struct run *r, const char *key, enum mf_ready *out, bool *gone, struct mf_error *e)
{
	static const char *const words[] = {
	    [MF_READY] = "ok", [MF_READY_WAIT] = "wait", [MF_READY_DEAD] = "dead"};
	const char *word = "ok";

	if (mf_argo_tick_word(r->s, r->n, r->tick, key, &word, e) != 0)
		return -1;
	for (unsigned i = 0; i < sizeof words / sizeof words[0]; i++)
		if (strcmp(word, words[i]) == 0) {
			*out = (enum mf_ready)i;
			return 0;
		}
	if (gone == NULL || strcmp(word, "gone") != 0)
		return refuse(r, key,
		    gone ? "is none of ok, wait, dead, gone" : "is none of ok, wait, dead", e);
	*gone = true;
	*out = MF_READY_WAIT;
	return 0;
}

/* "control": word, or the word itself as a key with true. */
static int
get_control(const struct run *r, enum mf_steer *out, struct mf_error *e)
{
	static const char *const words[] = {
	    [MF_STEER_ABORT] = "abort",
	    [MF_STEER_PROMOTE] = "promote",
	    [MF_STEER_PROMOTE_FULL] = "promoteFull",
	    [MF_STEER_PAUSE] = "pause",
	    [MF_STEER_CONTINUE] = "continue",
	    [MF_STEER_RETRY] = "retry",
	};
	const char *word = NULL;
	unsigned n = 0;

	if (mf_argo_tick_word(r->s, r->n, r->tick, "control", &word, e) != 0)
		return -1;
	for (unsigned i = 1; i < sizeof words / sizeof words[0]; i++) {
		if (!json_is_true(json_object_get(r->tick, words[i])) &&
		    (word == NULL || strcmp(word, words[i]) != 0))
			continue;
		*out = (enum mf_steer)i;
		n++;
	}
	if (n > 1)
		return refuse(r, words[*out], "is not the only thing asked for", e);
	if (word != NULL && n == 0)
		return refuse(r, "control",
		    "is none of abort, promote, promoteFull, pause, continue, retry", e);
	return 0;
}

static int
get_phase(const struct run *r, const char *key, enum mf_analysis_phase *out, struct mf_error *e)
{
	const char *word = NULL;

	if (mf_argo_tick_word(r->s, r->n, r->tick, key, &word, e) != 0 || word == NULL)
		return word == NULL ? 0 : -1;
	*out = mf_analysis_phase_find(word);
	return *out == MF_ANALYSIS_PHASES ? refuse(r, key, "is not a phase of an analysis", e) : 0;
}

static int
see(struct run *r, struct mf_rollout_tick *out, struct mf_error *e)
{
	static const char *const known[] = {"wait", "rev", "promote", "promoteFull", "abort",
	    "pause", "continue", "retry", "control", "analysis", "background", "metrics",
	    "primaryMetrics", "patch", "primaryReady", "canaryReady", "setRoutes", "forceWeights",
	    "noStepsNow", "acts", NULL};
	const json_t *forced = json_object_get(r->tick, "forceWeights");

	*out = (struct mf_rollout_tick){.weight_known = true};
	if (mf_simulate_known(r->s, r->n, r->tick, known, e) != 0 ||
	    mf_argo_tick_wait(r->s, r->n, r->tick, 0, &r->now_us, e) != 0 ||
	    get_revision(r, r->tick, "rev", &out->revision, e) != 0 ||
	    get_ready(r, "primaryReady", &out->primary, NULL, e) != 0 ||
	    get_ready(r, "canaryReady", &out->canary, &out->canary_gone, e) != 0 ||
	    get_phase(r, "analysis", &out->analysis, e) != 0 ||
	    get_phase(r, "background", &out->background, e) != 0 ||
	    get_control(r, &out->control, e) != 0)
		return -1;
	if (forced != NULL) {
		r->canary = (unsigned)json_integer_value(json_array_get(forced, 1));
		if (!json_is_integer(json_array_get(forced, 1)) || r->canary > 100 ||
		    json_integer_value(json_array_get(forced, 0)) + r->canary != 100)
			return refuse(r, "forceWeights", "is not [PRIMARY, CANARY] of 100", e);
	}
	out->now_us = r->now_us;
	out->canary_weight = r->canary;
	out->no_steps_now = json_is_true(json_object_get(r->tick, "noStepsNow"));
	return 0;
}

/* ---- acts ---- */

static int
do_route(struct run *r, const struct mf_act *act, struct mf_answer *out, struct mf_error *e)
{
	const char *how = NULL;

	if (mf_argo_tick_word(r->s, r->n, r->tick, "setRoutes", &how, e) != 0)
		return -1;
	if (how == NULL) {
		r->canary = act->canary;
		return note(r, e, "route:%u/%u", act->primary, act->canary);
	}
	if (strcmp(how, "conflict") != 0 && strcmp(how, "error") != 0)
		return refuse(r, "setRoutes", "is neither conflict nor error", e);
	out->end = *how == 'c' ? MF_ANSWER_CONFLICT : MF_ANSWER_FAILED;
	return note(r, e, "setRoutes:%s", *how == 'c' ? "409" : how);
}

static int
do_metric(struct run *r, const struct mf_act *act, struct mf_answer *out, struct mf_error *e)
{
	const struct mf_analysis_plan *plan =
	    mf_rollout_analysis_of(r->s->plan->rollout, act->index);
	const struct mf_analysis_metric *m = &plan->metrics[act->index & MF_ANALYSIS_INDEX_METRIC];
	const bool left = (act->index & MF_ANALYSIS_INDEX_LEFT) != 0;
	const bool primary = act->kind == MF_ACT_MEASURE_PRIMARY;
	const json_t *values = json_object_get(r->tick, primary ? "primaryMetrics" : "metrics");

	if (mf_argo_tick_measured(r->s, r->n, values, m, left, r->region, &out->measured, e) != 0)
		return -1;
	return out->measured.end == MF_MEASURE_EARLY ? 0
						     : note(r, e, "%s:%s",
							   left      ? "left"
							   : primary ? "primary"
								     : "metric",
							   m->name);
}

/* "acts": {"reference": "conflict"}; what is not named goes well. */
static int
do_other(struct run *r, const struct mf_act *act, struct mf_answer *out, struct mf_error *e)
{
	const char *how = "ok", *name = mf_act_name(act->kind);
	char fallback[32];

	if (act->kind == MF_ACT_FALLBACK) {
		(void)snprintf(fallback, sizeof fallback, "fallback:%u", act->index);
		name = fallback;
	}
	if (mf_argo_tick_word(r->s, r->n, json_object_get(r->tick, "acts"), name, &how, e) != 0)
		return -1;
	if (strcmp(how, "fail") == 0)
		out->end = MF_ANSWER_FAILED;
	else if (strcmp(how, "conflict") == 0)
		out->end = MF_ANSWER_CONFLICT;
	else if (strcmp(how, "ok") != 0)
		return refuse(r, "acts", "holds none of ok, fail, conflict", e);
	if (out->end != MF_ANSWER_OK)
		return note(r, e, "%s:%s", name, how);
	if (act->kind == MF_ACT_MANAGED_ROUTE)
		return note(r, e, "%s:%s", name, r->s->plan->rollout->steps[act->index].route);
	return note(r, e, "%s", name);
}

static int
act_out(struct run *r, const struct mf_act *act, struct mf_answer *out, struct mf_error *e)
{
	*out = (struct mf_answer){.end = MF_ANSWER_OK};
	switch (act->kind) {
	case MF_ACT_ROUTE: return do_route(r, act, out, e);
	case MF_ACT_METRIC:
	case MF_ACT_MEASURE_PRIMARY: return do_metric(r, act, out, e);
	case MF_ACT_ALERT: return note(r, e, "alert:%s", act->why);
	default: return do_other(r, act, out, e);
	}
}

static int
walk(struct run *r, const struct mf_rollout_tick *tick, struct mf_error *e)
{
	const struct mf_rollout_plan *plan = r->s->plan->rollout;
	struct mf_rollout_state next;
	struct mf_act act;
	size_t n = 0;

	while (mf_rollout_step(plan, &r->state, tick, r->asked, n, &next, &act) == MF_STEP_ACT) {
		if (n == MF_STEP_ACTS_MAX)
			return mf_error_set(e, MF_EUSAGE, "tick %zu asks for more than %u acts",
			    r->n, MF_STEP_ACTS_MAX);
		r->asked[n].act = act;
		if (act_out(r, &act, &r->asked[n].answer, e) != 0)
			return -1;
		n++;
	}
	r->state = next;
	return 0;
}

/* ---- lines ---- */

static int
put_json(struct run *r, struct mf_error *e)
{
	const struct mf_rollout_state *s = &r->state;
	const char *waits = mf_rollout_waits_for(r->s->plan->rollout, s);
	json_t *line = json_pack("{s:I, s:i, s:i, s:s, s:s, s:s, s:O}", "tick", (json_int_t)r->n,
	    "step", (int)s->step, "canaryWeight", (int)s->weight, "phase",
	    mf_rollout_phase_name(s->phase), "stable", s->stable, "rev", s->current, "did", r->did);

	if (line != NULL && *waits != '\0')
		(void)json_object_set_new(line, "waitsFor", json_string(waits));
	if (line != NULL && s->reason != MF_REASON_NONE)
		(void)json_object_set_new(line, "reason", json_string(mf_reason_name(s->reason)));
	return mf_output_json(r->s->out, line, e);
}

static void
put_text(const struct run *r)
{
	const struct mf_rollout_state *s = &r->state;
	const char *waits = mf_rollout_waits_for(r->s->plan->rollout, s);
	FILE *out = r->s->out;
	const json_t *did;
	size_t i;

	fprintf(out, "%4zu  %-12s step %u  %3u/%-3u  stable ", r->n,
	    mf_rollout_phase_name(s->phase), s->step, 100 - s->weight, s->weight);
	mf_output_name(out, s->stable);
	json_array_foreach(r->did, i, did)
	{
		fprintf(out, i == 0 ? "  " : ", ");
		mf_output_name(out, json_string_value(did));
	}
	if (*waits != '\0')
		fprintf(out, "  waits for %s", waits);
	fprintf(out, "\n");
}

/* ---- the whole ---- */

/* Other steps: from the first one on again, as Argo does. */
static int
patch(struct run *r, struct mf_error *e)
{
	json_t *fields = json_object_get(r->tick, "patch");

	if (fields == NULL)
		return 0;
	if (r->s->patch(r->s, fields, e) != 0)
		return mf_error_while(e, "reading patch of tick %zu", r->n);
	if (json_object_get(fields, "strategy") != NULL)
		mf_rollout_restart(&r->state);
	return 0;
}

static int
one(struct run *r, json_t *tick, struct mf_error *e)
{
	struct mf_rollout_tick seen;
	int rc = -1;

	r->n++;
	r->tick = tick;
	if (patch(r, e) != 0 || mf_argo_tick_region(&r->region, e) != 0)
		return -1;
	r->did = json_array();
	if (r->did == NULL)
		mf_error_nomem(e, "the simulation");
	else if (see(r, &seen, e) == 0 && walk(r, &seen, e) == 0)
		rc = r->s->json ? put_json(r, e) : 0;
	if (rc == 0 && !r->s->json)
		put_text(r);
	r->began |= json_array_size(r->did) > 0 || strcmp(r->state.current, r->state.stable) != 0;
	json_decref(r->did);
	mf_region_free(r->region);
	return rc;
}

static int
put_result(const struct run *r, struct mf_error *e)
{
	const struct mf_rollout_state *s = &r->state;
	const char *result = s->result != MF_RESULT_NONE ? mf_result_name(s->result)
							 : mf_rollout_phase_name(s->phase);

	return mf_simulate_end(r->s,
	    &(struct mf_simulated){result, mf_reason_name(s->reason), s->stable, r->n, r->began},
	    e);
}

/* A is stable and nothing is under way, unless --start says otherwise. */
static int
start(struct run *r, struct mf_error *e)
{
	static const char *const known[] = {
	    "stable", "rev", "step", "canaryWeight", "aborted", NULL};
	json_t *from = r->s->start;
	const char *stable = MF_SIMULATE_SERVED, *revision = mf_simulate_carried(r->s);

	if (from != NULL && (mf_simulate_known(r->s, 0, from, known, e) != 0 ||
				get_revision(r, from, "stable", &stable, e) != 0 ||
				get_revision(r, from, "rev", &revision, e) != 0))
		return -1;
	if (revision == NULL || strcmp(revision, stable) == 0) {
		mf_rollout_init(&r->state, stable);
		return 0;
	}
	mf_rollout_start(&r->state, revision, stable);
	if (from == NULL)
		return 0;
	r->state.aborted = json_is_true(json_object_get(from, "aborted"));
	r->state.abort_told = r->state.aborted;
	r->state.scaled_up = true;
	if (get_number(r, from, "step", MF_ROLLOUT_STEPS_MAX, &r->state.step, e) != 0 ||
	    get_number(r, from, "canaryWeight", 100, &r->state.weight, e) != 0)
		return -1;
	r->canary = r->state.weight;
	return 0;
}

int
mf_simulate_rollout(struct mf_simulation *s, struct mf_error *e)
{
	struct run *r = calloc(1, sizeof *r); /* too large for a stack */
	json_t *tick;
	size_t i;
	int rc = -1;

	if (r == NULL)
		return mf_error_nomem(e, "the simulation");
	r->s = s;
	r->now_us = 1;
	if (start(r, e) != 0)
		goto out;
	json_array_foreach(s->ticks, i, tick) if (one(r, tick, e) != 0) goto out;
	rc = put_result(r, e);
out:
	free(r);
	return rc;
}
