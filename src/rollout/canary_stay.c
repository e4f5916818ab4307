/* finish: stay. The canary's side takes all the traffic by steps that are each measured, bakes,
 * and then the production ref names what it serves. Nothing is promoted, nothing returns. */
#include "src/rollout/canary_int.h"

static enum mf_verdict
finish(struct mf_walk *w)
{
	int moved = mf_walk_do(w, MF_ACT_REFERENCE);

	if (moved < 0)
		return MF_STOP;
	if (moved != 0)
		return mf_walk_hold_failed(w, moved == 2 ? MF_HOLD_CONFLICT : MF_HOLD_NOT_READY);
	mf_walk_enter(w, MF_PHASE_SUCCEEDED);
	mf_walk_tell_hooks(w, MF_PHASE_SUCCEEDED);
	return mf_walk_end(w, MF_PHASE_SUCCEEDED, MF_RESULT_SUCCEEDED);
}

static enum mf_verdict
begin_bake(struct mf_walk *w)
{
	w->s.phase = MF_PHASE_BAKING;
	w->s.failed_checks = 0;
	w->s.at_fault = w->s.was_down = false;
	w->s.hold = MF_HOLD_NONE;
	w->s.bake_since_us = w->tick->now_us;
	w->s.bake_next_us = w->tick->now_us + w->plan->bake.interval_us;
	w->s.bake_failed_next = 0;
	return w->plan->bake.duration_us == 0 ? finish(w) : MF_STOP;
}

/* All is well, and now is no time for a step: what held it before is over. */
static enum mf_verdict
wait_for_window(struct mf_walk *w)
{
	w->s.hold = MF_HOLD_NONE;
	return MF_STOP;
}

/* May the steps that are left be skipped now? A primary that is not ready is no reason to wait:
 * whoever skips them does not ask for it. The canary has to be. */
static bool
may_skip(const struct mf_walk *w)
{
	return (w->holding == MF_HOLD_NONE || w->holding == MF_HOLD_NOT_READY) &&
	       w->tick->canary == MF_READY && !w->tick->urgent && !w->tick->no_steps_now;
}

/* To skip steps is a step, too. Until it may be made, mf_stage_move says what it waits for. */
enum mf_verdict
mf_stage_migration_skip(struct mf_walk *w)
{
	if (!(w->plan->skip_analysis || w->s.full) || w->s.phase == MF_PHASE_BAKING)
		return MF_GO_ON;
	if (!may_skip(w)) /* what somebody skipped by hand is still looked at */
		return w->plan->skip_analysis ? mf_stage_move(w) : MF_GO_ON;
	if (w->plan->finish == MF_FINISH_COPY_BACK)
		return w->plan->skip_analysis ? mf_stage_skip(w) : MF_GO_ON;
	if (w->canary < 100 && mf_walk_route(w, 0, 100, false) != 0)
		return w->step.pending ? MF_STOP : mf_walk_hold_failed(w, MF_HOLD_ROUTER);
	return begin_bake(w);
}

/* How many of the last failed checks lie within the bake's window. The ring holds the latest
 * MF_BAKE_FAILURES, and a plan cannot allow more. */
static unsigned
failed_lately(const struct mf_walk *w)
{
	size_t i, n = w->s.bake_failed_next;
	unsigned count = 0;

	if (n > MF_BAKE_FAILURES)
		n = MF_BAKE_FAILURES;
	for (i = 0; i < n; i++)
		if (w->plan->bake.window_us == 0 ||
		    w->tick->now_us - w->s.bake_failed_us[i] <= w->plan->bake.window_us)
			count++;
	return count;
}

static enum mf_verdict
bake_failed(struct mf_walk *w)
{
	w->s.bake_failed_us[w->s.bake_failed_next++ % MF_BAKE_FAILURES] = w->tick->now_us;
	w->s.failed_checks++;
	w->s.at_fault |= w->blamed;
	if (failed_lately(w) <= w->plan->bake.max_failed)
		return MF_STOP;
	return mf_walk_turn_back(w, MF_REASON_BAKE);
}

static bool
baked(const struct mf_walk *w)
{
	return w->tick->now_us - w->s.bake_since_us >= w->plan->bake.duration_us;
}

enum mf_verdict
mf_stage_bake(struct mf_walk *w)
{
	enum mf_check found;

	if (w->s.phase != MF_PHASE_BAKING)
		return MF_GO_ON;
	if (w->canary < 100 && w->holding == MF_HOLD_NONE) {
		/* somebody lowered it, and then said to go on from there */
		w->s.phase = MF_PHASE_PROMOTING;
		return MF_GO_ON;
	}
	if (w->tick->now_us < w->s.bake_next_us && w->holding == MF_HOLD_NONE && !w->tick->urgent)
		return MF_STOP;
	if (mf_walk_look(w, &found) < 0)
		return MF_STOP;
	if (found == MF_CHECK_ABORT)
		return mf_walk_turn_back(w, MF_REASON_ABORT_METRIC);
	if (w->tick->urgent) /* it would be counted twice */
		return MF_STOP;
	w->s.bake_next_us = w->tick->now_us + w->plan->bake.interval_us;
	if (found == MF_CHECK_EARLY || found == MF_CHECK_NO_VALUE)
		return mf_walk_hold_for_data(w, found);
	if (found != MF_CHECK_PASS)
		return bake_failed(w);
	if (w->holding != MF_HOLD_NONE)
		return mf_walk_hold(w, w->holding);
	if (baked(w) && !w->tick->no_steps_now) /* followers load what production names */
		return finish(w);
	return wait_for_window(w);
}

/* Past maxWeight: stepWeightPromotion, else stepWeight, else the last step of the list. */
static unsigned
step_past_maximum(const struct mf_canary_plan *p)
{
	size_t n = p->n_step_weights;

	if (p->step_weight_promotion > 0)
		return p->step_weight_promotion;
	if (p->step_weight > 0 || n == 0)
		return p->step_weight;
	return n == 1 ? p->step_weights[0] : p->step_weights[n - 1] - p->step_weights[n - 2];
}

unsigned
mf_canary_next_weight(const struct mf_canary_plan *plan, unsigned w)
{
	unsigned most = mf_canary_maximum(plan), next;

	next = w + (w < most ? mf_canary_step_from(plan, w) : step_past_maximum(plan));
	if (plan->clamp_to_max_weight && w < most && next > most)
		return most;
	return next > 100 ? 100 : next;
}

static enum mf_verdict
raise(struct mf_walk *w, unsigned step)
{
	unsigned raised = mf_walk_raised(w, step);
	int written = mf_walk_route(w, 100 - raised, raised, false);

	if (written < 0)
		return MF_STOP;
	if (written > 0)
		return mf_walk_hold_failed(w, MF_HOLD_ROUTER);
	w->s.hold = MF_HOLD_NONE;
	return MF_STOP;
}

/* 1: the end was confirmed; 0: *verdict says how the tick ends. */
static int
confirmed(struct mf_walk *w, enum mf_verdict *verdict)
{
	int open;

	*verdict = MF_STOP;
	if (w->s.confirmed)
		return 1;
	open = mf_walk_confirm(w, MF_HOOK_CONFIRM_PROMOTION);
	if (open < 0)
		return 0;
	if (open == 0) {
		w->s.phase = MF_PHASE_WAITING_PROMOTION;
		*verdict = mf_walk_gate_closed(w);
		return 0;
	}
	w->s.confirmed = true;
	w->s.phase = MF_PHASE_PROMOTING;
	return 1;
}

static enum mf_verdict
weighted(struct mf_walk *w)
{
	enum mf_verdict verdict;
	int open;

	if (w->canary < mf_canary_maximum(w->plan)) {
		open = mf_walk_confirm(w, MF_HOOK_CONFIRM_TRAFFIC_INCREASE);
		if (open <= 0)
			return open == 0 ? mf_walk_gate_closed(w) : MF_STOP;
		return raise(w, mf_canary_step_from(w->plan, w->canary));
	}
	if (!confirmed(w, &verdict))
		return verdict;
	return w->canary < 100 ? raise(w, step_past_maximum(w->plan)) : begin_bake(w);
}

/* So many good looks, then all at once. */
static enum mf_verdict
by_iterations(struct mf_walk *w, bool matched)
{
	enum mf_verdict verdict;

	if (w->s.iterations < (int)mf_walk_iterations(w)) {
		if (!matched || mf_walk_route_matched(w) == 0)
			w->s.iterations++;
		if (!w->step.pending)
			w->s.hold = MF_HOLD_NONE;
		return MF_STOP;
	}
	if (!confirmed(w, &verdict))
		return verdict;
	if (w->canary == 100 && w->s.iterations > (int)mf_walk_iterations(w))
		return begin_bake(w);
	w->s.iterations++;
	return raise(w, 100);
}

enum mf_verdict
mf_stage_move(struct mf_walk *w)
{
	if (w->holding != MF_HOLD_NONE)
		return mf_walk_hold(w, w->holding);
	if (w->tick->urgent)
		return MF_STOP;
	if (w->tick->no_steps_now)
		return wait_for_window(w);
	if (w->plan->finish == MF_FINISH_COPY_BACK) {
		w->s.hold = MF_HOLD_NONE;
		return mf_stage_strategy(w);
	}
	if (mf_walk_strategy(w) == MF_STRATEGY_WEIGHTED)
		return weighted(w);
	return by_iterations(w, mf_walk_strategy(w) == MF_STRATEGY_AB);
}
