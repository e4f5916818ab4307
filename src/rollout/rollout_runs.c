/* The analyses of a Rollout: the current step's, and the one in the background. */
#include <assert.h>

#include "src/rollout/rollout_int.h"

static const struct mf_analysis_plan *
analysis_at(const struct mf_rollout_plan *plan, unsigned i)
{
	assert(i < plan->n_analyses);
	return plan->analyses[i];
}

const struct mf_analysis_plan *
mf_rollout_analysis_of(const struct mf_rollout_plan *plan, unsigned index)
{
	const unsigned i = index >> MF_ANALYSIS_INDEX_SHIFT;

	return i < plan->n_analyses ? plan->analyses[i] : NULL;
}

unsigned
mf_rollout_gate(const struct mf_rollout_plan *plan)
{
	unsigned gate = plan->background;

	if (plan->strategy == MF_ROLLOUT_BLUE_GREEN)
		return plan->post_promotion != MF_ROLLOUT_NO_ANALYSIS ? plan->post_promotion
								      : plan->pre_promotion;
	for (size_t i = 0; gate == MF_ROLLOUT_NO_ANALYSIS && i < plan->n_steps; i++)
		if (plan->steps[plan->n_steps - 1 - i].kind == MF_ROLLOUT_ANALYSIS)
			gate = plan->steps[plan->n_steps - 1 - i].analysis;
	return gate;
}

/* Go on with a run: as it is told from outside, or by its metrics. */
static enum mf_pass
walk(struct mf_rollout_walk *w, unsigned analysis, struct mf_analysis_state *run,
    enum mf_analysis_phase given)
{
	const struct mf_analysis_plan *plan = analysis_at(w->plan, analysis);
	const struct mf_analysis_tick tick = {.now_us = w->tick->now_us,
	    .changed_us = w->s->changed_us,
	    .settle_us = w->plan->settle_us,
	    .max_hold_us = w->plan->max_hold_us};

	if (given != MF_ANALYSIS_PENDING)
		run->phase = given;
	else if (!plan->is_given &&
		 mf_analysis_walk(plan, run, &tick, analysis << MF_ANALYSIS_INDEX_SHIFT, &w->step))
		return MF_PASS_ASK;
	return MF_PASS_ON;
}

/* A metric that never fails its run may be bad for ever. */
static bool
waits_for_better(const struct mf_analysis_plan *plan, const struct mf_analysis_state *run)
{
	for (size_t i = 0; i < plan->n_metrics; i++)
		if (!plan->metrics[i].dry_run && plan->metrics[i].failure_limit < 0 &&
		    run->metrics[i].last == MF_ANALYSIS_FAILED)
			return true;
	return false;
}

/* A shared fault is over as soon as all is good of the canary, however long the run lasts. */
static void
end_fault(
    struct mf_rollout_walk *w, unsigned analysis, const struct mf_analysis_state *run, unsigned bit)
{
	if ((w->s->shared & bit) && analysis < w->plan->n_analyses &&
	    mf_analysis_is_good(w->plan->analyses[analysis], run))
		w->s->shared &= ~bit;
}

static enum mf_pass
end_badly(
    struct mf_rollout_walk *w, unsigned analysis, const struct mf_analysis_state *run, unsigned bit)
{
	const struct mf_rollout_fault fault = {
	    .analysis = run->phase == MF_ANALYSIS_FAILED ? analysis : MF_ROLLOUT_NO_ANALYSIS,
	    .run = run,
	    .reason = MF_REASON_THRESHOLD,
	    .bit = bit,
	};

	return mf_rollout_turn_back(w, &fault);
}

enum mf_pass
mf_rollout_run(struct mf_rollout_walk *w, unsigned analysis, bool one_success)
{
	struct mf_rollout_state *s = w->s;
	enum mf_analysis_phase given = MF_ANALYSIS_PENDING;
	enum mf_pass pass;

	if (s->pauses & MF_ROLLOUT_PAUSE_INCONCLUSIVE)
		return MF_PASS_END;
	if (!s->run_on) {
		mf_analysis_start(&s->run, w->tick->now_us, one_success);
		s->run_on = true;
	}
	if (!w->given_used) {
		given = w->tick->analysis;
		w->given_used = given != MF_ANALYSIS_PENDING;
	}
	pass = walk(w, analysis, &s->run, given);
	if (pass != MF_PASS_ON)
		return pass;
	if (!mf_analysis_over(s->run.phase)) {
		end_fault(w, analysis, &s->run, MF_ROLLOUT_SHARED_RUN);
		if (waits_for_better(analysis_at(w->plan, analysis), &s->run))
			w->blocked = true;
		return MF_PASS_END;
	}
	s->run_on = false;
	if (s->run.phase == MF_ANALYSIS_SUCCESSFUL) {
		s->shared &= ~MF_ROLLOUT_SHARED_RUN;
		return MF_PASS_ON;
	}
	if (s->run.phase == MF_ANALYSIS_INCONCLUSIVE) {
		s->pauses |= MF_ROLLOUT_PAUSE_INCONCLUSIVE;
		return MF_PASS_END;
	}
	return end_badly(w, analysis, &s->run, MF_ROLLOUT_SHARED_RUN);
}

enum mf_pass
mf_rollout_background(struct mf_rollout_walk *w)
{
	struct mf_rollout_state *s = w->s;
	enum mf_pass pass;

	if (w->plan->background == MF_ROLLOUT_NO_ANALYSIS) {
		/* a result can be told, nevertheless */
		s->background.phase = w->tick->background;
	} else {
		/* a canary without traffic has nothing to look at */
		if (mf_rollout_finite(w->plan) && s->weight == 0 &&
		    w->tick->background == MF_ANALYSIS_PENDING)
			return MF_PASS_ON;
		if (s->step < w->plan->starting_step || s->background_done ||
		    (s->pauses & MF_ROLLOUT_PAUSE_BACKGROUND))
			return MF_PASS_ON;
		if (!s->background_on)
			mf_analysis_start(&s->background, w->tick->now_us, false);
		s->background_on = true;
		pass = walk(w, w->plan->background, &s->background, w->tick->background);
		if (pass != MF_PASS_ON)
			return pass;
	}
	if (!mf_analysis_over(s->background.phase)) {
		end_fault(w, w->plan->background, &s->background, MF_ROLLOUT_SHARED_BACKGROUND);
		return MF_PASS_ON;
	}
	s->background_on = false;
	if (s->background.phase == MF_ANALYSIS_SUCCESSFUL) {
		s->background_done = true;
		s->shared &= ~MF_ROLLOUT_SHARED_BACKGROUND;
		return MF_PASS_ON;
	}
	if (s->background.phase == MF_ANALYSIS_INCONCLUSIVE) {
		s->pauses |= MF_ROLLOUT_PAUSE_BACKGROUND;
		return MF_PASS_ON;
	}
	return end_badly(w, w->plan->background, &s->background, MF_ROLLOUT_SHARED_BACKGROUND);
}
