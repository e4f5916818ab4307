#include "src/rollout/canary_int.h"

#include <stdio.h>
#include <string.h>

/* The order of Flagger's scheduler. Each stage's place matters: readiness before the threshold
 * hides a rollback that is due, and plans are tuned for that. */
static mf_stage *const flagger_stages[] = {
    mf_stage_suspended,
    mf_stage_bootstrap,
    mf_stage_changed,
    mf_stage_primary,
    mf_stage_weights,
    mf_stage_gate,
    mf_stage_restarted,
    mf_stage_canary,
    mf_stage_skip,
    mf_stage_rollback_hooks,
    mf_stage_returning,
    mf_stage_finalising,
    mf_stage_threshold,
    mf_stage_analysis,
    mf_stage_strategy,
    NULL,
};

/* A Migration: what can turn traffic back stands before what can wait. */
static mf_stage *const migration_stages[] = {
    mf_stage_ended,
    mf_stage_rolling_back,
    mf_stage_control,
    mf_stage_due_back,
    mf_stage_weights,
    mf_stage_migration_gate,
    mf_stage_reverted,
    mf_stage_restarted,
    mf_stage_router,
    mf_stage_returning,
    mf_stage_finalising,
    mf_stage_migration_ready,
    mf_stage_migration_skip,
    mf_stage_bake,
    mf_stage_checks,
    mf_stage_move,
    NULL,
};

const struct mf_answer *
mf_walk_ask(struct mf_walk *w, const struct mf_act *act)
{
	return mf_step_ask(&w->step, act);
}

int
mf_walk_do(struct mf_walk *w, enum mf_act_kind kind)
{
	const struct mf_answer *a = mf_walk_ask(w, &(struct mf_act){.kind = kind});

	if (a == NULL)
		return -1;
	if (a->end == MF_ANSWER_OK)
		return 0;
	w->failed = a->end;
	return a->end == MF_ANSWER_CONFLICT ? 2 : 1;
}

int
mf_walk_alert(struct mf_walk *w, const char *why)
{
	/* an alert that cannot be sent stops nothing */
	return mf_walk_ask(w, &(struct mf_act){.kind = MF_ACT_ALERT, .why = why}) == NULL ? -1 : 0;
}

/* provider kubernetes has no weights: a Service selects the primary all the time. */
static bool
has_routes(const struct mf_walk *w)
{
	return strcmp(w->plan->provider, "kubernetes") != 0;
}

static int
write_route(struct mf_walk *w, const struct mf_act *act)
{
	const struct mf_answer *a;
	unsigned tries = w->plan->profile == MF_PROFILE_MIGRATION ? MF_ROUTE_TRIES : 1;

	if (!has_routes(w))
		return 0;
	do {
		a = mf_walk_ask(w, act);
		if (a == NULL)
			return -1;
	} while (a->end == MF_ANSWER_CONFLICT && --tries > 0);
	w->failed = a->end;
	if (a->end != MF_ANSWER_OK)
		return 1;
	w->canary = w->wanted = act->canary;
	w->mirrored = act->mirror;
	return 0;
}

int
mf_walk_route(struct mf_walk *w, unsigned primary, unsigned canary, bool mirror)
{
	return write_route(
	    w, &(struct mf_act){
		   .kind = MF_ACT_ROUTE, .primary = primary, .canary = canary, .mirror = mirror});
}

int
mf_walk_route_back(struct mf_walk *w, unsigned canary)
{
	return write_route(w, &(struct mf_act){.kind = MF_ACT_ROUTE,
				  .primary = 100 - canary,
				  .canary = canary,
				  .why = mf_reason_name(w->s.reason)});
}

int
mf_walk_route_matched(struct mf_walk *w)
{
	return write_route(
	    w, &(struct mf_act){.kind = MF_ACT_ROUTE, .canary = 100, .matched = true});
}

bool
mf_walk_nowhere_back(const struct mf_walk *w)
{
	return w->plan->profile == MF_PROFILE_MIGRATION && w->tick->primary == MF_READY_DEAD;
}

bool
mf_walk_in(const struct mf_walk *w, unsigned phases)
{
	return (phases & 1u << w->s.phase) != 0;
}

unsigned
mf_walk_iterations(const struct mf_walk *w)
{
	if (!has_routes(w) && w->plan->iterations < 1)
		return MF_KUBERNETES_ITERATIONS;
	return w->plan->iterations;
}

enum mf_strategy
mf_walk_strategy(const struct mf_walk *w)
{
	return has_routes(w) ? w->plan->strategy : MF_STRATEGY_BLUE_GREEN;
}

bool
mf_walk_changed(const struct mf_walk *w)
{
	const char *now = w->tick->revision;

	if (w->s.applied[0] == '\0')
		return true;
	/* a target that was set back by hand is no new revision */
	return strcmp(now, w->s.promoted) != 0 && strcmp(now, w->s.applied) != 0;
}

static void
set_revision(char revision[MF_REVISION_BYTES], const char *from)
{
	(void)snprintf(revision, MF_REVISION_BYTES, "%s", from);
}

void
mf_walk_sync(struct mf_walk *w, enum mf_phase phase, unsigned weight)
{
	w->s.phase = phase;
	w->s.weight = weight;
	w->s.failed_checks = 0;
	w->s.iterations = 0;
	set_revision(w->s.applied, w->tick->revision);
	if (phase == MF_PHASE_INITIALIZED)
		set_revision(w->s.promoted, w->tick->revision);
}

void
mf_walk_enter(struct mf_walk *w, enum mf_phase phase)
{
	w->s.phase = phase;
	if (!mf_walk_in(w, MF_IN(PROGRESSING) | MF_IN(WAITING) | MF_IN(PROMOTING))) {
		w->s.weight = 0;
		w->s.iterations = 0;
	}
	if (phase == MF_PHASE_WAITING_PROMOTION)
		w->s.iterations = (int)mf_walk_iterations(w) - 1;
	if (phase == MF_PHASE_INITIALIZED || phase == MF_PHASE_SUCCEEDED)
		memcpy(w->s.promoted, w->s.applied, sizeof w->s.promoted);
}

enum mf_step_end
mf_canary_step(const struct mf_canary_plan *plan, const struct mf_canary_state *state,
    const struct mf_canary_tick *tick, const struct mf_asked *asked, size_t n_asked,
    struct mf_canary_state *next, struct mf_act *act)
{
	mf_stage *const *stage =
	    plan->profile == MF_PROFILE_MIGRATION ? migration_stages : flagger_stages;
	struct mf_walk w = {
	    .plan = plan,
	    .tick = tick,
	    .s = *state,
	    .step = {.asked = asked, .n_asked = n_asked, .wants = act},
	    .canary = mf_way_weight_as_read(
		state->weight, tick->canary_weight, !tick->weights_unknown, tick->some_missing),
	    .wanted = state->weight,
	    .mirrored = tick->mirrored,
	};

	while (*stage != NULL && (*stage)(&w) == MF_GO_ON)
		stage++;
	/* A Migration's status says what was written last, with which the next tick compares what
	 * it reads. A weight that somebody else gave is adopted only when told to. */
	if (plan->profile == MF_PROFILE_MIGRATION)
		w.s.weight = w.wanted;
	*next = w.s;
	return w.step.pending ? MF_STEP_ACT : MF_STEP_DONE;
}

void
mf_canary_start(struct mf_canary_state *state, const char *revision, const char *promoted)
{
	*state = (struct mf_canary_state){.phase = MF_PHASE_PROGRESSING, .primary_created = true};
	set_revision(state->applied, revision);
	set_revision(state->promoted, promoted);
}

bool
mf_canary_ended(const struct mf_canary_state *state)
{
	return state->phase == MF_PHASE_SUCCEEDED || state->phase == MF_PHASE_FAILED;
}
