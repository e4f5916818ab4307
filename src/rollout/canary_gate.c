/* The stages of Flagger's scheduler before and after the strategy's own step, in its order. */
#include "src/rollout/canary_int.h"

enum mf_verdict
mf_stage_suspended(struct mf_walk *w)
{
	return w->plan->suspend ? MF_STOP : MF_GO_ON;
}

/* The target's workload is stopped, and what is there now counts as promoted. */
static enum mf_verdict
initialized(struct mf_walk *w)
{
	if (mf_walk_do(w, MF_ACT_SCALE_TO_ZERO) != 0)
		return MF_STOP;
	mf_walk_sync(w, MF_PHASE_INITIALIZED, 0);
	return MF_GO_ON;
}

enum mf_verdict
mf_stage_bootstrap(struct mf_walk *w)
{
	int created;

	if (!mf_walk_in(w, MF_IN(NEW) | MF_IN(INITIALIZING)))
		return MF_GO_ON;
	w->s.phase = MF_PHASE_INITIALIZING;
	if (w->plan->n_metrics > 0 && !w->plan->skip_analysis && mf_walk_do(w, MF_ACT_PROBE) < 0)
		return MF_STOP; /* pending; a provider that is not there is only an event */
	created = mf_walk_do(w, MF_ACT_CREATE_PRIMARY);
	if (created < 0)
		return MF_STOP;
	if (created != 0 && !w->plan->skip_analysis)
		return w->tick->primary == MF_READY_DEAD ? mf_walk_roll_back(w) : MF_STOP;
	w->s.primary_created = true;
	return initialized(w);
}

enum mf_verdict
mf_stage_changed(struct mf_walk *w)
{
	bool changed;

	if (mf_walk_in(w, MF_IN(PROGRESSING) | MF_IN(WAITING) | MF_IN(WAITING_PROMOTION) |
			      MF_IN(PROMOTING) | MF_IN(FINALISING)))
		return MF_GO_ON;
	changed = mf_walk_changed(w);
	/* Flagger's: a revision that is seen while the primary is not ready is thereby lost. */
	if (w->s.phase == MF_PHASE_FAILED)
		mf_walk_sync(w, MF_PHASE_FAILED, w->s.weight);
	return changed ? MF_GO_ON : MF_STOP;
}

/* A primary that died in the middle of its promotion: the canary keeps the traffic. */
static enum mf_verdict
failed_promotion(struct mf_walk *w)
{
	if (mf_walk_route(w, 0, 100, false) != 0)
		return MF_STOP;
	mf_walk_sync(w, MF_PHASE_FAILED, 100);
	mf_walk_tell_hooks(w, MF_PHASE_FAILED);
	return MF_STOP;
}

enum mf_verdict
mf_stage_primary(struct mf_walk *w)
{
	if (w->plan->skip_analysis || w->tick->primary == MF_READY)
		return MF_GO_ON;
	if (w->tick->primary != MF_READY_DEAD)
		return MF_STOP;
	if (mf_walk_in(w, MF_IN(PROMOTING) | MF_IN(FINALISING)))
		return failed_promotion(w);
	return mf_walk_roll_back(w);
}

enum mf_verdict
mf_stage_weights(struct mf_walk *w)
{
	if (!w->tick->weights_unknown)
		return MF_GO_ON;
	return w->plan->profile == MF_PROFILE_MIGRATION ? mf_walk_hold(w, MF_HOLD_ROUTER) : MF_STOP;
}

enum mf_verdict
mf_stage_gate(struct mf_walk *w)
{
	int confirmed;

	if (mf_walk_in(w, MF_IN(PROGRESSING) | MF_IN(WAITING_PROMOTION) | MF_IN(PROMOTING) |
			      MF_IN(FINALISING)))
		return MF_GO_ON;
	confirmed = mf_walk_confirm(w, MF_HOOK_CONFIRM_ROLLOUT);
	if (confirmed < 0)
		return MF_STOP;
	if (confirmed == 0) {
		mf_walk_enter(w, MF_PHASE_WAITING);
		return MF_STOP;
	}
	if (mf_walk_do(w, MF_ACT_SCALE_UP) == 0)
		mf_walk_sync(w, MF_PHASE_PROGRESSING, 0);
	return MF_STOP;
}

enum mf_verdict
mf_stage_restarted(struct mf_walk *w)
{
	if (!mf_walk_in(w, MF_IN(PROGRESSING) | MF_IN(WAITING_PROMOTION)) || !mf_walk_changed(w))
		return MF_GO_ON;
	if (mf_walk_nowhere_back(w))
		return mf_walk_hold(w, MF_HOLD_NOT_READY);
	if (mf_walk_route(w, 100, 0, false) == 0)
		mf_walk_sync(w, MF_PHASE_PROGRESSING, 0);
	return MF_STOP;
}

enum mf_verdict
mf_stage_canary(struct mf_walk *w)
{
	if (w->tick->canary == MF_READY)
		return MF_GO_ON;
	return w->tick->canary != MF_READY_DEAD ? MF_STOP : mf_walk_roll_back(w);
}

static enum mf_verdict
succeed(struct mf_walk *w)
{
	if (mf_walk_do(w, MF_ACT_SCALE_TO_ZERO) != 0)
		return MF_STOP;
	mf_walk_enter(w, MF_PHASE_SUCCEEDED);
	w->s.result = MF_RESULT_SUCCEEDED;
	mf_walk_tell_hooks(w, MF_PHASE_SUCCEEDED);
	return MF_STOP;
}

enum mf_verdict
mf_stage_skip(struct mf_walk *w)
{
	if (!w->plan->skip_analysis)
		return MF_GO_ON;
	if (mf_walk_route(w, 100, 0, false) != 0 || mf_walk_do(w, MF_ACT_PROMOTE) != 0)
		return MF_STOP;
	return succeed(w);
}

/* Flagger's rollback. Where the route cannot be written nothing changes, and the next tick tries
 * again. */
enum mf_verdict
mf_walk_roll_back(struct mf_walk *w)
{
	if (mf_walk_route(w, 100, 0, false) != 0 || mf_walk_do(w, MF_ACT_SCALE_TO_ZERO) != 0)
		return MF_STOP;
	mf_walk_sync(w, MF_PHASE_FAILED, 0);
	w->s.result = MF_RESULT_ROLLED_BACK;
	mf_walk_tell_hooks(w, MF_PHASE_FAILED);
	return MF_STOP;
}

static unsigned
least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/* Promoting: traffic returns to the primary, which runs the new revision by now. */
enum mf_verdict
mf_stage_returning(struct mf_walk *w)
{
	unsigned step = w->plan->step_weight_promotion, canary;

	if (w->s.phase != MF_PHASE_PROMOTING || w->plan->finish == MF_FINISH_STAY)
		return MF_GO_ON;
	if (mf_walk_nowhere_back(w))
		return mf_walk_hold(w, MF_HOLD_NOT_READY);
	/* Flagger is stuck where the canary has no weight any more; there is nothing to return */
	canary = step == 0 ? 0 : w->canary - least(step, w->canary);
	if (mf_walk_route(w, 100 - canary, canary, false) != 0)
		return MF_STOP;
	if (canary == 0)
		mf_walk_enter(w, MF_PHASE_FINALISING);
	else
		w->s.weight = canary;
	return MF_STOP;
}

enum mf_verdict
mf_stage_finalising(struct mf_walk *w)
{
	return w->s.phase == MF_PHASE_FINALISING ? succeed(w) : MF_GO_ON;
}

enum mf_verdict
mf_stage_threshold(struct mf_walk *w)
{
	if (!mf_walk_in(w, MF_IN(PROGRESSING) | MF_IN(WAITING_PROMOTION)) ||
	    w->s.failed_checks < w->plan->threshold)
		return MF_GO_ON;
	return mf_walk_roll_back(w);
}

enum mf_verdict
mf_stage_analysis(struct mf_walk *w)
{
	bool mirroring = w->plan->mirror && w->mirrored;
	bool before = w->canary == 0 && w->s.iterations == 0 && !mirroring;
	int good;

	good =
	    mf_walk_hooks(w, before ? MF_HOOK_PRE_ROLLOUT : MF_HOOK_ROLLOUT, MF_PHASE_PROGRESSING);
	if (good == 1 && !before)
		good = mf_walk_metrics(w);
	if (good < 0)
		return MF_STOP;
	if (good == 0) {
		w->s.failed_checks++;
		return MF_STOP;
	}
	return MF_GO_ON;
}
