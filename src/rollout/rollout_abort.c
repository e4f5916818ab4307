/* Turning back: aborts, and holds that last too long. */
#include <string.h>

#include "src/rollout/rollout_int.h"

bool
mf_rollout_finite(const struct mf_rollout_plan *plan)
{
	return plan->profile == MF_PROFILE_MIGRATION;
}

void
mf_rollout_abort(struct mf_rollout_walk *w, enum mf_reason reason)
{
	struct mf_rollout_state *s = w->s;

	s->aborted = true;
	s->abort_told = false;
	s->reason = reason;
	s->step = 0;
	s->pauses = 0;
	s->hold_since_us = 0;
	s->hold_told = false;
	s->full = s->late = s->on_from_last = false;
	s->waiting_since_us = 0;
	s->run_on = s->background_on = s->background_done = false;
	s->bake_since_us = 0;
	s->undoing = mf_rollout_finite(w->plan);
	s->back_step = s->back_tries = s->fallback = 0;
	s->back_failed = false;
}

static uint64_t
max_hold_us(const struct mf_rollout_plan *p)
{
	if (p->max_hold_us > 0)
		return p->max_hold_us;
	return 10 * (p->interval_us > 0 ? p->interval_us : MF_ROLLOUT_INTERVAL_US);
}

/* Where the primary has no capacity, traffic stays where somebody answers it. After a while it is
 * left to people, who are told. */
static enum mf_pass
restore(struct mf_rollout_walk *w)
{
	const struct mf_act act = {.kind = MF_ACT_RESTORE};
	struct mf_rollout_state *s = w->s;
	enum mf_pass pass = mf_rollout_do(w, &act);

	if (pass == MF_PASS_ASK)
		return pass;
	s->result = MF_RESULT_PERSON_NEEDED; /* until it has, and traffic is back */
	if (s->hold_since_us == 0)
		s->hold_since_us = w->tick->now_us;
	if (s->hold_told ||
	    w->tick->now_us < mf_rollout_later(s->hold_since_us, max_hold_us(w->plan)))
		return MF_PASS_END;
	if ((pass = mf_rollout_alert(w, "the primary has no capacity to go back to")) != MF_PASS_ON)
		return pass;
	s->hold_told = true;
	return MF_PASS_END;
}

/* After traffic, in this order. */
static const enum mf_act_kind back_rows[] = {
    MF_ACT_DRAIN,
    MF_ACT_REFERENCE_BACK,
    MF_ACT_FALLBACK,
};
#define BACK_ROWS (sizeof back_rows / sizeof back_rows[0])

/* A step cannot be done: the next fallback, where that can help; else it is left to people. */
static void
leave_step(struct mf_rollout_walk *w)
{
	struct mf_rollout_state *s = w->s;

	s->back_tries = 0;
	if (back_rows[s->back_step] == MF_ACT_FALLBACK && s->fallback + 1 < w->plan->n_fallbacks) {
		s->fallback++;
		return;
	}
	s->back_failed = true;
	s->back_step++;
}

/* END: a step is tried again in the next pass. */
static enum mf_pass
undo(struct mf_rollout_walk *w)
{
	struct mf_rollout_state *s = w->s;
	struct mf_act act = {.why = mf_reason_name(s->reason)};
	enum mf_pass pass;

	while (s->undoing && s->back_step < BACK_ROWS) {
		act.kind = back_rows[s->back_step];
		act.index = act.kind == MF_ACT_FALLBACK ? s->fallback : 0;
		if ((pass = mf_rollout_do(w, &act)) == MF_PASS_ASK)
			return pass;
		if (pass == MF_PASS_ON) {
			s->back_tries = 0;
			s->back_step++;
		} else if (++s->back_tries < MF_BACK_TRIES) {
			return MF_PASS_END;
		} else {
			leave_step(w);
		}
	}
	if (s->undoing && s->back_failed &&
	    mf_rollout_alert(w, "the rollback is not complete: a person is needed") == MF_PASS_ASK)
		return MF_PASS_ASK;
	s->undoing = false;
	return MF_PASS_ON;
}

enum mf_pass
mf_rollout_back(struct mf_rollout_walk *w)
{
	struct mf_rollout_state *s = w->s;
	enum mf_pass pass;

	if (!s->abort_told && (pass = mf_rollout_alert(w, "aborted")) != MF_PASS_ON)
		return pass;
	s->abort_told = true;
	if (mf_rollout_finite(w->plan) && w->tick->primary == MF_READY_DEAD && s->weight > 0)
		return restore(w);
	if ((pass = mf_rollout_route_back(w)) != MF_PASS_ON)
		return pass;
	if ((pass = mf_rollout_remove_routes(w)) != MF_PASS_ON)
		return pass;
	if ((pass = undo(w)) != MF_PASS_ON)
		return pass;
	if (s->scaled_up && w->plan->abort_scale_down)
		mf_rollout_scale_down_in(w, w->plan->abort_scale_down_delay_us);
	s->scaled_up = false;
	s->hold_since_us = 0;
	s->hold_told = false;
	if (mf_rollout_finite(w->plan) || w->plan->finish == MF_FINISH_STAY)
		s->result = s->back_failed ? MF_RESULT_PERSON_NEEDED : MF_RESULT_ROLLED_BACK;
	return mf_rollout_scale_down(w);
}

/* Does it wait for somebody or something, with no end of its own? */
static bool
holds(const struct mf_rollout_walk *w)
{
	const struct mf_rollout_state *s = w->s;
	const struct mf_rollout_plan *p = w->plan;

	if (s->aborted || mf_rollout_ended(s) || strcmp(s->current, s->stable) == 0)
		return false;
	if (w->blocked || (s->pauses & ~MF_ROLLOUT_PAUSE_STEP))
		return true;
	if (!(s->pauses & MF_ROLLOUT_PAUSE_STEP))
		return false;
	if (p->strategy == MF_ROLLOUT_BLUE_GREEN)
		return p->auto_promotion_us == 0;
	return s->step < p->n_steps && p->steps[s->step].forever;
}

enum mf_pass
mf_rollout_check_hold(struct mf_rollout_walk *w)
{
	const struct mf_rollout_plan *p = w->plan;
	struct mf_rollout_state *s = w->s;
	enum mf_pass pass;

	if (!mf_rollout_finite(p) || !holds(w)) {
		s->hold_since_us = 0;
		s->hold_told = false;
		return MF_PASS_ON;
	}
	if (s->hold_since_us == 0)
		s->hold_since_us = w->tick->now_us;
	if (w->tick->now_us < mf_rollout_later(s->hold_since_us, max_hold_us(p)))
		return MF_PASS_ON;
	if (p->hold_end == MF_HOLD_ROLLBACK) {
		mf_rollout_abort(w, MF_REASON_HOLD_TOO_LONG);
		return mf_rollout_back(w);
	}
	if (!s->hold_told && (pass = mf_rollout_alert(w, "held for too long")) != MF_PASS_ON)
		return pass;
	s->hold_told = true;
	return MF_PASS_ON;
}
