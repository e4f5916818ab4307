/* What a Rollout's state means: its name, what it waits for, when it is to be looked at again. */
#include "src/rollout/rollout_int.h"

const char *
mf_rollout_phase_name(enum mf_rollout_phase phase)
{
	static const char *const names[MF_ROLLOUT_PHASES] = {
	    [MF_ROLLOUT_HEALTHY] = "Healthy",
	    [MF_ROLLOUT_PROGRESSING] = "Progressing",
	    [MF_ROLLOUT_PAUSED] = "Paused",
	    [MF_ROLLOUT_DEGRADED] = "Degraded",
	    [MF_ROLLOUT_BAKING] = "Baking",
	    [MF_ROLLOUT_SUCCEEDED] = "Succeeded",
	};

	return (unsigned)phase < MF_ROLLOUT_PHASES ? names[phase] : "?";
}

static const char *
waits_in_pause(const struct mf_rollout_plan *plan, const struct mf_rollout_state *s)
{
	bool forever;

	if (plan->strategy == MF_ROLLOUT_BLUE_GREEN)
		forever = plan->auto_promotion_us == 0;
	else
		forever = s->step < plan->n_steps && plan->steps[s->step].forever;
	return forever ? "a pause until somebody promotes" : "a pause to be over";
}

const char *
mf_rollout_waits_for(const struct mf_rollout_plan *plan, const struct mf_rollout_state *s)
{
	if (mf_rollout_ended(s))
		return "";
	if (s->aborted && s->weight > 0)
		return "the router, to take all traffic back";
	if (s->kept_by == MF_HOLD_JOURNAL)
		return "the journal of this machine, which cannot be written";
	if (s->kept_by == MF_HOLD_REPOSITORY)
		return "the repository, which does not answer";
	if (s->aborted)
		return s->undoing ? "the rest of the way back" : "";
	if (s->pauses & MF_ROLLOUT_PAUSE_BY_HAND)
		return "somebody who continues it: it was paused by hand";
	if (s->pauses & MF_ROLLOUT_PAUSE_LOWERED)
		return "somebody who continues it: the canary's weight was lowered at the router";
	if (s->missing_failed > 0)
		return "a proxy of the router that does not answer";
	if (s->shared != 0)
		return "the primary, which fares no better than the canary";
	if (s->pauses & MF_ROLLOUT_PAUSE_INCONCLUSIVE)
		return "somebody who promotes: the step's analysis is inconclusive";
	if (s->pauses & MF_ROLLOUT_PAUSE_BACKGROUND)
		return "somebody who promotes: the background analysis is inconclusive";
	if (s->pauses & MF_ROLLOUT_PAUSE_STEP)
		return waits_in_pause(plan, s);
	if (plan->paused && !s->full)
		return "spec.paused to be taken back";
	if (s->waiting_since_us > 0)
		return "the canary's workload";
	if (s->run_on)
		return "an analysis";
	if (!mf_rollout_was_looked_at(plan, s))
		return "a measurement at this weight";
	return s->bake_since_us > 0 ? "the bake" : "";
}

static uint64_t
sooner(uint64_t a_us, uint64_t b_us)
{
	return a_us < b_us ? a_us : b_us;
}

/* What was due at a pass and did not happen waits for something else. */
static uint64_t
after(uint64_t us, uint64_t now_us)
{
	return us > now_us ? us : UINT64_MAX;
}

/* The end of the pause that it is in; UINT64_MAX: it has none, or it is in none. */
static uint64_t
pause_end_us(const struct mf_rollout_plan *plan, const struct mf_rollout_state *s)
{
	uint64_t pause_us = plan->auto_promotion_us;

	if (!(s->pauses & MF_ROLLOUT_PAUSE_STEP))
		return UINT64_MAX;
	if (plan->strategy == MF_ROLLOUT_CANARY)
		pause_us = s->step < plan->n_steps && !plan->steps[s->step].forever
			       ? plan->steps[s->step].pause_us
			       : UINT64_MAX;
	else if (pause_us == 0)
		return UINT64_MAX;
	return mf_rollout_later(mf_rollout_later(s->pause_since_us, pause_us), 1);
}

/* When a step after the last one may be followed by the next; UINT64_MAX: with the next pass. */
static uint64_t
stay_us(const struct mf_rollout_plan *plan, const struct mf_rollout_state *s)
{
	const uint64_t pause_us = mf_rollout_last_pauses_us(plan);

	if (!s->on_from_last || s->bake_since_us > 0 || pause_us == 0)
		return UINT64_MAX;
	return mf_rollout_later(mf_rollout_later(s->changed_us, pause_us), 1);
}

const struct mf_analysis_plan *
mf_rollout_running(const struct mf_rollout_plan *plan, const struct mf_rollout_state *s)
{
	unsigned run = mf_rollout_gate(plan);

	if (!s->run_on || s->bake_since_us > 0)
		return NULL;
	if (plan->strategy == MF_ROLLOUT_BLUE_GREEN && s->step < MF_BLUEGREEN_END)
		run = s->step < MF_BLUEGREEN_SWITCH ? plan->pre_promotion : plan->post_promotion;
	else if (s->step < plan->n_steps)
		run = plan->steps[s->step].analysis;
	return run < plan->n_analyses ? plan->analyses[run] : NULL;
}

/* The next measurement of any analysis that is on. */
static uint64_t
measure_us(const struct mf_rollout_plan *plan, const struct mf_rollout_state *s)
{
	const struct mf_analysis_tick tick = {
	    .changed_us = s->changed_us, .settle_us = plan->settle_us};
	const struct mf_analysis_plan *run = mf_rollout_running(plan, s);
	uint64_t us = UINT64_MAX;

	if (s->background_on && plan->background != MF_ROLLOUT_NO_ANALYSIS)
		us = mf_analysis_next_us(plan->analyses[plan->background], &s->background, &tick);
	if (s->bake_since_us > 0)
		return sooner(us, s->bake_next_us);
	return run == NULL ? us : sooner(us, mf_analysis_next_us(run, &s->run, &tick));
}

uint64_t
mf_rollout_next_us(
    const struct mf_rollout_plan *plan, const struct mf_rollout_state *s, uint64_t now_us)
{
	uint64_t next_us;

	if (mf_rollout_ended(s)) {
		next_us = s->scale_down_us > 0 ? s->scale_down_us : UINT64_MAX;
		return next_us > now_us ? next_us : now_us + 1;
	}
	next_us = mf_rollout_later(
	    now_us, plan->interval_us > 0 ? plan->interval_us : MF_ROLLOUT_INTERVAL_US);
	next_us = sooner(next_us, after(pause_end_us(plan, s), now_us));
	next_us = sooner(next_us, after(stay_us(plan, s), now_us));
	next_us = sooner(next_us, measure_us(plan, s));
	if (s->scale_down_us > 0)
		next_us = sooner(next_us, s->scale_down_us);
	return next_us > now_us ? next_us : now_us + 1;
}
