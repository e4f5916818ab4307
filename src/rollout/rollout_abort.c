/* Turning back: aborts, and holds that last too long. */
#include "src/rollout/rollout_int.h"

#include <string.h>

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
	s->back = (struct mf_way_back){0};
	s->shared = s->missing_failed = 0;
}

bool
mf_rollout_held_too_long(struct mf_rollout_walk *w)
{
	const struct mf_rollout_plan *p = w->plan;
	struct mf_rollout_state *s = w->s;
	uint64_t most_us = p->max_hold_us;

	if (most_us == 0)
		most_us = MF_HOLD_INTERVALS *
			  (p->interval_us > 0 ? p->interval_us : MF_ROLLOUT_INTERVAL_US);
	if (s->hold_since_us == 0)
		s->hold_since_us = w->tick->now_us;
	return w->tick->now_us >= mf_rollout_later(s->hold_since_us, most_us);
}

/* Does it wait for somebody or something, with no end of its own? */
static bool
holds(const struct mf_rollout_walk *w)
{
	const struct mf_rollout_state *s = w->s;
	const struct mf_rollout_plan *p = w->plan;

	if (s->aborted || mf_rollout_ended(s) || strcmp(s->current, s->stable) == 0)
		return false;
	if (w->blocked || s->shared != 0 || (s->pauses & ~MF_ROLLOUT_PAUSE_STEP))
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
	if (!mf_rollout_held_too_long(w))
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
