/* The way back of a Rollout that was aborted: traffic, then the rest (way_back.h). */
#include "src/rollout/rollout_int.h"

/* After traffic, in this order. */
static const enum mf_act_kind back_rows[] = {
    MF_ACT_DRAIN,
    MF_ACT_REFERENCE_BACK,
    MF_ACT_FALLBACK,
};

static enum mf_goodness
look_at_primary(void *arg, bool *any)
{
	return mf_rollout_look_at_primary(arg, any);
}

static struct mf_way_back_walk
way_of(struct mf_rollout_walk *w)
{
	return (struct mf_way_back_walk){
	    .step = &w->step,
	    .plan = &w->plan->back,
	    .rows = back_rows,
	    .n_rows = sizeof back_rows / sizeof back_rows[0],
	    .why = mf_reason_name(w->s->reason),
	    .now_us = w->tick->now_us,
	    .look = look_at_primary,
	    .arg = w,
	};
}

/* It is left to people, who are told once; the router is written to all the same. */
static enum mf_pass
leave_to_people(struct mf_rollout_walk *w, const char *why)
{
	enum mf_pass pass;

	w->s->result = MF_RESULT_PERSON_NEEDED;
	if (!w->s->hold_told && (pass = mf_rollout_alert(w, why)) != MF_PASS_ON)
		return pass;
	w->s->hold_told = true;
	return MF_PASS_END;
}

/* Where the primary has no capacity, traffic stays where somebody answers it: it is restored, then
 * the fallbacks are tried in order, and then it is left to people. */
static enum mf_pass
restore(struct mf_rollout_walk *w)
{
	const struct mf_act act = {.kind = MF_ACT_RESTORE};
	const struct mf_way_back_walk way = way_of(w);
	struct mf_rollout_state *s = w->s;

	if (w->tick->weight_known && w->tick->canary_weight != s->weight)
		s->weight_unsure = true; /* it is to be written, when it can be */
	if (s->hold_since_us == 0 &&
	    mf_rollout_alert(w, "held: the primary has no ready capacity") == MF_PASS_ASK)
		return MF_PASS_ASK;
	if (!mf_rollout_held_too_long(w)) {
		s->result = MF_RESULT_PERSON_NEEDED; /* until it has, and traffic is back */
		return mf_rollout_do(w, &act) == MF_PASS_ASK ? MF_PASS_ASK : MF_PASS_END;
	}
	switch (mf_way_back_bring_up(&s->back, &way)) {
	case MF_WAY_PENDING: return MF_PASS_ASK;
	case MF_WAY_WAITS: return MF_PASS_END;
	case MF_WAY_DONE: break;
	}
	return leave_to_people(w, "the primary has no capacity to go back to");
}

/* The reachable proxies have it, where some are not; the others are tried in each pass. */
static enum mf_pass
traffic_back(struct mf_rollout_walk *w)
{
	struct mf_rollout_state *s = w->s;
	const bool moves = s->weight > 0 || s->weight_unsure;
	enum mf_pass pass = mf_rollout_route_back(w);

	if (pass == MF_PASS_END && mf_rollout_finite(w->plan) && mf_rollout_held_too_long(w))
		return leave_to_people(w, "traffic cannot be moved back");
	if (pass != MF_PASS_ON || !moves)
		return pass;
	s->back.tries = 0; /* what follows has tries of its own */
	s->hold_since_us = 0;
	s->hold_told = false;
	return MF_PASS_ON;
}

/* END: a step is tried again in the next pass. */
static enum mf_pass
undo(struct mf_rollout_walk *w)
{
	const struct mf_way_back_walk way = way_of(w);
	struct mf_rollout_state *s = w->s;
	const unsigned at = s->back.step;
	enum mf_way_end end;

	if (!s->undoing)
		return MF_PASS_ON;
	end = mf_way_back_go(&s->back, &way);
	/* what was measured before is of what was served before */
	if (at < way.n_rows && s->back.step == way.n_rows)
		s->changed_us = w->tick->now_us;
	if (end != MF_WAY_DONE)
		return end == MF_WAY_PENDING ? MF_PASS_ASK : MF_PASS_END;
	if (s->back.failed &&
	    mf_rollout_alert(w, "the rollback is not complete: a person is needed") == MF_PASS_ASK)
		return MF_PASS_ASK;
	s->undoing = false;
	return MF_PASS_ON;
}

/* Does the canary have traffic, by our word or by the router's? */
static bool
is_served(const struct mf_rollout_walk *w)
{
	return w->s->weight > 0 || (w->tick->weight_known && w->tick->canary_weight > 0);
}

enum mf_pass
mf_rollout_back(struct mf_rollout_walk *w)
{
	struct mf_rollout_state *s = w->s;
	enum mf_pass pass;

	if (!s->abort_told && (pass = mf_rollout_alert(w, "aborted")) != MF_PASS_ON)
		return pass;
	s->abort_told = true;
	if (mf_rollout_finite(w->plan) && w->tick->primary == MF_READY_DEAD && is_served(w))
		return restore(w);
	if ((pass = traffic_back(w)) != MF_PASS_ON)
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
		s->result = s->back.failed ? MF_RESULT_PERSON_NEEDED : MF_RESULT_ROLLED_BACK;
	return mf_rollout_scale_down(w);
}
