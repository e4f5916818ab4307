/* simulate, for a Canary or a Migration. */
#include <stdlib.h>
#include <string.h>

#include "src/cmd/output.h"
#include "src/cmd/simulate_world.h"

struct run {
	struct mf_simulation *simulation;
	struct mf_world world;
	struct mf_canary_state state;
	bool began; /* there was something to roll out */
	struct mf_asked asked[MF_STEP_ACTS_MAX];
};

/* Ask the engine until it needs nothing more in this tick. */
static int
walk(struct run *r, const struct mf_canary_tick *tick, struct mf_error *e)
{
	const struct mf_canary_plan *plan = r->simulation->plan->canary;
	struct mf_canary_state next;
	struct mf_act act;
	size_t n = 0;

	while (mf_canary_step(plan, &r->state, tick, r->asked, n, &next, &act) == MF_STEP_ACT) {
		if (n == MF_STEP_ACTS_MAX)
			return mf_error_set(e, MF_EUSAGE, "tick %zu asks for more than %u acts",
			    r->world.n, MF_STEP_ACTS_MAX);
		r->asked[n].act = act;
		if (mf_world_do(&r->world, &act, &r->asked[n].answer, e) != 0)
			return -1;
		n++;
	}
	r->state = next;
	r->began |= next.phase != MF_PHASE_SUCCEEDED || n > 0;
	return 0;
}

static int
put_json(struct run *r, struct mf_error *e)
{
	const struct mf_canary_state *s = &r->state;
	json_t *line =
	    json_pack("{s:I, s:s, s:[i,i], s:i, s:i, s:i, s:O}", "tick", (json_int_t)r->world.n,
		"phase", mf_phase_name(s->phase), "weights", (int)r->world.weights[0],
		(int)r->world.weights[1], "failedChecks", (int)s->failed_checks, "iterations",
		s->iterations, "statusWeight", (int)s->weight, "did", r->world.did);

	if (line != NULL && r->world.mirrored)
		(void)json_object_set_new(line, "mirror", json_true());
	if (line != NULL && s->hold != MF_HOLD_NONE)
		(void)json_object_set_new(line, "hold", json_string(mf_hold_name(s->hold)));
	if (line != NULL && s->reason != MF_REASON_NONE)
		(void)json_object_set_new(line, "reason", json_string(mf_reason_name(s->reason)));
	return mf_output_json(r->simulation->out, line, e);
}

static void
put_text(const struct run *r)
{
	const struct mf_canary_state *s = &r->state;
	FILE *out = r->simulation->out;
	const json_t *did;
	size_t i;

	fprintf(out, "%4zu  %-16s %3u/%-3u  failed %u", r->world.n, mf_phase_name(s->phase),
	    r->world.weights[0], r->world.weights[1], s->failed_checks);
	if (s->hold != MF_HOLD_NONE)
		fprintf(out, "  held: %s", mf_hold_name(s->hold));
	json_array_foreach(r->world.did, i, did)
	{
		fprintf(out, i == 0 ? "  " : ", ");
		mf_output_name(out, json_string_value(did));
	}
	fprintf(out, "\n");
}

static int
one(struct run *r, json_t *observed, struct mf_error *e)
{
	json_t *patch = json_object_get(observed, "patch");
	struct mf_canary_tick tick;
	char revision[MF_REVISION_BYTES];
	int rc = -1;

	r->world.n++;
	if (patch != NULL && r->simulation->patch(r->simulation, patch, e) != 0)
		return mf_error_while(e, "reading patch of tick %zu", r->world.n);
	r->world.did = json_array();
	if (r->world.did == NULL)
		return mf_error_nomem(e, "the simulation");
	if (mf_world_see(&r->world, observed, &r->state, &tick, e) == 0) {
		/* the default is the state's own, which the walk replaces */
		(void)snprintf(revision, sizeof revision, "%s", tick.revision);
		tick.revision = revision;
		rc = walk(r, &tick, e);
	}
	if (rc == 0 && r->simulation->json)
		rc = put_json(r, e);
	else if (rc == 0)
		put_text(r);
	json_decref(r->world.did);
	return rc;
}

static int
put_result(struct run *r, struct mf_error *e)
{
	const struct mf_canary_state *s = &r->state;
	const char *result =
	    s->result != MF_RESULT_NONE ? mf_result_name(s->result) : mf_phase_name(s->phase);

	/* Succeeded is what a Canary is that has nothing to do, and no proof of the plan */
	return mf_simulate_end(r->simulation,
	    &(struct mf_simulated){
		result, mf_reason_name(s->reason), s->applied, r->world.n, r->began},
	    e);
}

int
mf_simulate_canary(struct mf_simulation *s, struct mf_error *e)
{
	struct run *r = calloc(1, sizeof *r); /* too large for a stack */
	json_t *observed;
	size_t i;
	int rc = -1;

	if (r == NULL)
		return mf_error_nomem(e, "the simulation");
	r->simulation = s;
	r->world.simulation = s;
	if (mf_world_start(&r->world, &r->state, e) != 0)
		goto out;
	json_array_foreach(s->ticks, i, observed) if (one(r, observed, e) != 0) goto out;
	rc = put_result(r, e);
out:
	free(r);
	return rc;
}
