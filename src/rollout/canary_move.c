/* The strategies of Flagger: how a tick whose checks all passed goes one step further. */
#include "src/rollout/canary_int.h"

#include <string.h>

static unsigned
least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

unsigned
mf_canary_maximum(const struct mf_canary_plan *plan)
{
	if (plan->n_step_weights > 0)
		return least(100, plan->step_weights[plan->n_step_weights - 1]);
	return plan->max_weight == 0 ? 100 : plan->max_weight;
}

/* In profile migration a weight between two of the list goes to the next one above it; Flagger
 * leaps to 100 from there, and does nothing where the list repeats itself. */
static unsigned
next_of_list(const struct mf_canary_plan *plan, unsigned w)
{
	size_t i;

	for (i = 0; i < plan->n_step_weights; i++)
		if (plan->step_weights[i] > w)
			return least(100, plan->step_weights[i]) - w;
	return w >= 100 ? 1 : 100 - w; /* past the end there is still the end to be reached */
}

static unsigned
step_of_list(const struct mf_canary_plan *plan, unsigned w)
{
	unsigned room = w >= 100 ? 1 : 100 - w, next;
	size_t i;

	if (plan->profile == MF_PROFILE_MIGRATION)
		return next_of_list(plan, w);
	if (w == 0)
		return least(room, plan->step_weights[0]);
	for (i = 0; i + 1 < plan->n_step_weights; i++) {
		if (plan->step_weights[i] != w)
			continue;
		next = plan->step_weights[i + 1];
		return next <= w ? 0 : least(room, next - w);
	}
	return room;
}

unsigned
mf_canary_step_from(const struct mf_canary_plan *plan, unsigned w)
{
	if (plan->step_weight > 0 || plan->n_step_weights == 0)
		return plan->step_weight;
	return step_of_list(plan, w);
}

unsigned
mf_walk_raised(const struct mf_walk *w, unsigned step)
{
	unsigned raised = least(100, w->canary + step);

	if (w->plan->clamp_to_max_weight && w->canary < mf_canary_maximum(w->plan))
		raised = least(raised, mf_canary_maximum(w->plan));
	return raised;
}

/* All checks passed and there is no further step: the canary's specification goes to the primary,
 * if the gate is open. */
static enum mf_verdict
promote(struct mf_walk *w)
{
	int confirmed = mf_walk_confirm(w, MF_HOOK_CONFIRM_PROMOTION);

	if (confirmed < 0)
		return MF_STOP;
	if (confirmed == 0) {
		mf_walk_enter(w, MF_PHASE_WAITING_PROMOTION);
		return mf_walk_gate_closed(w);
	}
	if (mf_walk_do(w, MF_ACT_PROMOTE) == 0)
		mf_walk_enter(w, MF_PHASE_PROMOTING);
	return MF_STOP;
}

/* 1: go on; 0: a gate is closed; -1 pending. */
static int
increase_confirmed(struct mf_walk *w)
{
	if (w->mirrored || w->s.phase == MF_PHASE_WAITING_PROMOTION)
		return 1;
	return mf_walk_confirm(w, MF_HOOK_CONFIRM_TRAFFIC_INCREASE);
}

static enum mf_verdict
weighted(struct mf_walk *w)
{
	unsigned step = mf_canary_step_from(w->plan, w->canary), raised;
	int written, confirmed;

	if (step == 0)
		return MF_STOP; /* for ever, in Flagger; a plan that says so is refused elsewhere */
	confirmed = increase_confirmed(w);
	if (confirmed <= 0)
		return confirmed == 0 ? mf_walk_gate_closed(w) : MF_STOP;
	if (w->canary >= mf_canary_maximum(w->plan))
		return promote(w);
	raised = mf_walk_raised(w, step);
	if (w->plan->mirror && w->canary == 0)
		written = w->mirrored ? mf_walk_route(w, 100 - step, step, false)
				      : mf_walk_route(w, 100, 0, true);
	else
		written = mf_walk_route(w, 100 - raised, raised, false);
	if (written == 0)
		w->s.weight = w->canary;
	return MF_STOP;
}

/* All requests that match go to the canary, for so many iterations. */
static enum mf_verdict
a_b(struct mf_walk *w)
{
	if (w->s.iterations >= (int)w->plan->iterations)
		return promote(w);
	if (mf_walk_route_matched(w) == 0)
		w->s.iterations++;
	return MF_STOP;
}

static enum mf_verdict
blue_green(struct mf_walk *w)
{
	int n = (int)mf_walk_iterations(w), confirmed;
	bool mirror =
	    w->plan->mirror && !w->mirrored && strcmp(w->plan->provider, "kubernetes") != 0;

	if (w->s.iterations < n) {
		if (!mirror || mf_walk_route(w, 100, 0, true) == 0)
			w->s.iterations++;
		return MF_STOP;
	}
	if (w->s.iterations > n)
		return promote(w);
	confirmed = mf_walk_confirm(w, MF_HOOK_CONFIRM_PROMOTION);
	if (confirmed == 0) {
		mf_walk_enter(w, MF_PHASE_WAITING_PROMOTION);
		return mf_walk_gate_closed(w);
	}
	if (confirmed > 0 && mf_walk_route(w, 0, 100, false) == 0)
		w->s.iterations++;
	return MF_STOP;
}

enum mf_verdict
mf_stage_strategy(struct mf_walk *w)
{
	switch (mf_walk_strategy(w)) {
	case MF_STRATEGY_AB: return a_b(w);
	case MF_STRATEGY_BLUE_GREEN: return blue_green(w);
	default: return weighted(w);
	}
}
