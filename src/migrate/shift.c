#include "src/migrate/shift.h"

#include <assert.h>
#include <stdlib.h>

#include "src/base/log.h"

#define WATCH_US UINT64_C(5000000)

bool
mf_shift_is_forward(const struct mf_act *act, unsigned canary)
{
	switch (act->kind) {
	case MF_ACT_ROUTE: return act->canary > canary || act->mirror;
	case MF_ACT_REFERENCE:
	case MF_ACT_PROMOTE:
	case MF_ACT_SCALE_UP: return true;
	default: return false;
	}
}

void
mf_shift_resume(struct mf_shift *s, const struct mf_act *open, unsigned canary_weight)
{
	enum mf_reason reason = open->why == NULL ? MF_REASONS : mf_reason_find(open->why);

	if (open->kind != MF_ACT_ROUTE || open->matched)
		return;
	if (open->canary == canary_weight)
		s->state.weight = canary_weight;
	/* it was on its way back, whether that was done or not */
	if (reason != MF_REASONS)
		s->state.reason = reason;
}

/* One act, with everything written down that must be. */
static void
act(struct mf_shift *s, const struct mf_shift_moment *at, struct mf_asked *asked, unsigned canary)
{
	bool forward = mf_shift_is_forward(&asked->act, canary);
	struct mf_error e = {0};

	asked->answer = (struct mf_answer){.end = MF_ANSWER_FAILED};
	if ((forward && s->unsettled) ||
	    (s->ports->intend(s->ports->arg, at, &asked->act, forward, &e) != 0 && forward)) {
		mf_log(MF_LOG_WARNING, "held back: the journal cannot be written: %s", e.message);
		return;
	}
	s->ports->perform(s->ports->arg, &asked->act, &asked->answer);
	s->ports->done(s->ports->arg, at, &asked->act, &asked->answer);
}

static void
tick(struct mf_shift *s, struct mf_asked *asked, struct mf_canary_tick *seen)
{
	struct mf_shift_moment at = {.tick = s->tick + 1};
	struct mf_canary_state next;
	struct mf_act wanted;
	unsigned canary = seen->weights_unknown ? s->state.weight : seen->canary_weight;

	while (mf_canary_step(s->plan, &s->state, seen, asked, at.nth, &next, &wanted) ==
	       MF_STEP_ACT) {
		/* readers of plans bound how many hooks and metrics there are */
		assert(at.nth < MF_STEP_ACTS_MAX);
		asked[at.nth].act = wanted;
		act(s, &at, &asked[at.nth], canary);
		if (asked[at.nth].act.kind == MF_ACT_ROUTE &&
		    asked[at.nth].answer.end == MF_ANSWER_OK)
			canary = asked[at.nth].act.canary;
		at.nth++;
	}
	s->state = next;
	s->tick++;
}

static void
settle(struct mf_shift *s, const struct mf_canary_tick *seen)
{
	struct mf_error e = {0};

	s->unsettled = s->ports->settle(s->ports->arg, s->tick, seen, &s->state, &e) != 0;
	if (s->unsettled)
		mf_log(MF_LOG_WARNING, "tick %llu is not in the journal: %s",
		    (unsigned long long)s->tick, e.message);
}

/* On the way back nothing waits for an interval that was made for measuring. */
static uint64_t
pause_us(const struct mf_shift *s)
{
	uint64_t watch = s->plan->watch_us == 0 ? WATCH_US : s->plan->watch_us;
	bool back = s->state.reason != MF_REASON_NONE || s->state.phase == MF_PHASE_ROLLING_BACK;

	return back && watch < s->plan->interval_us ? watch : s->plan->interval_us;
}

/* Told to end: with traffic on the canary it goes back first, unless the plan says to leave it. */
static bool
leaves(struct mf_shift *s)
{
	if (s->state.phase == MF_PHASE_ROLLING_BACK || s->state.reason != MF_REASON_NONE)
		return false; /* it is on its way back, and that is short */
	if (s->hold_on_leave || s->state.weight == 0)
		return true;
	s->control = MF_STEER_INTERRUPT;
	return false;
}

static int
run(struct mf_shift *s, struct mf_asked *asked)
{
	struct mf_canary_tick seen;
	enum mf_shift_wake wake = MF_SHIFT_DUE;

	while (!mf_canary_ended(&s->state)) {
		seen = (struct mf_canary_tick){0};
		s->ports->observe(s->ports->arg, &seen);
		if (s->control != MF_STEER_NONE)
			seen.control = s->control;
		s->control = MF_STEER_NONE;
		seen.urgent = wake == MF_SHIFT_URGENT && seen.control == MF_STEER_NONE;
		seen.no_steps_now |= s->look_first;
		s->look_first = false;
		tick(s, asked, &seen);
		if (!seen.urgent || pause_us(s) < s->plan->interval_us)
			s->next_us = seen.now_us + pause_us(s);
		settle(s, &seen);
		if (mf_canary_ended(&s->state))
			break;
		wake = s->ports->wait(s->ports->arg, s->next_us);
		if (wake == MF_SHIFT_LOST)
			return 2;
		if (wake == MF_SHIFT_LEAVE && leaves(s))
			return 1;
	}
	return 0;
}

int
mf_shift_run(struct mf_shift *s, struct mf_error *e)
{
	struct mf_asked *asked = calloc(MF_STEP_ACTS_MAX, sizeof *asked);
	int rc;

	if (asked == NULL)
		return mf_error_nomem(e, "the acts of a tick");
	rc = run(s, asked);
	free(asked);
	return rc;
}
