/* The steps of a canary. */
#include "src/rollout/rollout_int.h"

unsigned
mf_rollout_weight_at(const struct mf_rollout_plan *plan, unsigned step)
{
	for (size_t i = plan->n_steps; i-- > 0;)
		if (i <= step && plan->steps[i].kind == MF_ROLLOUT_SET_WEIGHT)
			return plan->steps[i].weight;
	return 0;
}

bool
mf_rollout_was_looked_at(const struct mf_rollout_plan *plan, const struct mf_rollout_state *s)
{
	/* past the last step each weight has a run of its own */
	if (!mf_rollout_finite(plan) || s->full || s->weight == 0 || !s->background_on ||
	    s->on_from_last || plan->background == MF_ROLLOUT_NO_ANALYSIS)
		return true;
	return mf_analysis_measured_since(
	    plan->analyses[plan->background], &s->background, s->changed_us);
}

enum mf_pass
mf_rollout_may_route(struct mf_rollout_walk *w, unsigned canary)
{
	if (w->s->weight == canary && !w->s->weight_unsure)
		return MF_PASS_ON;
	if (canary > w->s->weight && (w->tick->no_steps_now || w->s->shared != 0))
		return MF_PASS_END;
	if (canary > w->s->weight && w->tick->background == MF_ANALYSIS_PENDING &&
	    !mf_rollout_was_looked_at(w->plan, w->s))
		return MF_PASS_END;         /* it comes, or it ends the analysis */
	if (w->tick->primary != MF_READY) { /* it could not take its share */
		w->blocked = true;
		return MF_PASS_END;
	}
	return MF_PASS_ON;
}

enum mf_pass
mf_rollout_pause(struct mf_rollout_walk *w, bool forever, uint64_t pause_us)
{
	struct mf_rollout_state *s = w->s;

	if (!(s->pauses & MF_ROLLOUT_PAUSE_STEP)) {
		s->pauses |= MF_ROLLOUT_PAUSE_STEP;
		s->pause_since_us = w->tick->now_us;
	}
	if (forever || w->tick->now_us <= mf_rollout_later(s->pause_since_us, pause_us))
		return MF_PASS_END;
	s->pauses &= ~MF_ROLLOUT_PAUSE_STEP;
	return MF_PASS_ON;
}

static enum mf_pass
set_scale(struct mf_rollout_walk *w, const struct mf_rollout_step *step)
{
	const struct mf_act act = {
	    .kind = MF_ACT_SCALE_UP, .index = (unsigned)step->scale, .canary = step->scale_to};
	enum mf_pass pass = mf_rollout_do(w, &act);

	if (pass != MF_PASS_ON || !mf_rollout_finite(w->plan))
		return pass;
	w->s->step++; /* whether it is ready at that size the next pass has to see */
	return MF_PASS_END;
}

static enum mf_pass
set_route(struct mf_rollout_walk *w)
{
	const struct mf_act act = {.kind = MF_ACT_MANAGED_ROUTE, .index = w->s->step};
	enum mf_pass pass = w->tick->no_steps_now ? MF_PASS_END : mf_rollout_do(w, &act);

	if (pass == MF_PASS_ON)
		w->s->routes = true;
	return pass;
}

static enum mf_pass
one_step(struct mf_rollout_walk *w)
{
	const struct mf_rollout_step *step = &w->plan->steps[w->s->step];
	const unsigned weight = mf_rollout_weight_at(w->plan, w->s->step);
	enum mf_pass pass;

	if ((pass = mf_rollout_may_route(w, weight)) != MF_PASS_ON)
		return pass;
	if ((pass = mf_rollout_route(w, weight)) != MF_PASS_ON)
		return pass;
	switch (step->kind) {
	case MF_ROLLOUT_PAUSE: return mf_rollout_pause(w, step->forever, step->pause_us);
	case MF_ROLLOUT_ANALYSIS: return mf_rollout_run(w, step->analysis, false);
	case MF_ROLLOUT_SET_CANARY_SCALE: return set_scale(w, step);
	case MF_ROLLOUT_SET_HEADER_ROUTE:
	case MF_ROLLOUT_SET_MIRROR_ROUTE: return set_route(w);
	case MF_ROLLOUT_SET_WEIGHT:
	case MF_ROLLOUT_STEP_KINDS: break;
	}
	return MF_PASS_ON;
}

enum mf_pass
mf_rollout_canary_steps(struct mf_rollout_walk *w)
{
	struct mf_rollout_state *s = w->s;
	enum mf_pass pass;

	if (s->full) {
		s->step = (unsigned)w->plan->n_steps;
		s->pauses &= ~MF_ROLLOUT_PAUSE_STEP;
		s->run_on = s->background_on = false;
	}
	while (s->step < w->plan->n_steps) {
		if (w->step.next > MF_STEP_ACTS_MAX / 2) /* the rest is the next pass's */
			return MF_PASS_END;
		if ((pass = one_step(w)) != MF_PASS_ON)
			return pass;
		s->step++;
		/* the background may begin at the step that was reached */
		if ((pass = mf_rollout_background(w)) != MF_PASS_ON)
			return pass;
		if (s->pauses & MF_ROLLOUT_PAUSE_BACKGROUND)
			return MF_PASS_END;
	}
	return mf_rollout_finish(w);
}
