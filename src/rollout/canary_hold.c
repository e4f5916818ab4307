/* What keeps a Migration where it is: gates, people, missing data, a router that disagrees. Every
 * hold ends: by itself, or at max_hold as the plan says. */
#include "src/rollout/canary_int.h"

#include <string.h>

enum mf_verdict
mf_walk_end(struct mf_walk *w, enum mf_phase phase, enum mf_result result)
{
	w->s.phase = phase;
	w->s.result = result;
	w->s.hold = MF_HOLD_NONE;
	return MF_STOP;
}

uint64_t
mf_canary_hold_min_us(const struct mf_canary_plan *plan, const char **name)
{
	uint64_t window_us = 0;
	size_t i;

	*name = "";
	for (i = 0; i < plan->n_metrics; i++)
		if (plan->metrics[i].window_us > window_us) {
			window_us = plan->metrics[i].window_us;
			*name = plan->metrics[i].name;
		}
	return plan->settle_us + window_us;
}

uint64_t
mf_canary_hold_max_us(const struct mf_canary_plan *plan)
{
	const char *name;
	const uint64_t intervals_us = MF_HOLD_INTERVALS * plan->interval_us;
	/* the value comes with the check behind it */
	const uint64_t window_us = mf_canary_hold_min_us(plan, &name) + 2 * plan->interval_us;

	if (plan->max_hold_us > 0)
		return plan->max_hold_us;
	return intervals_us > window_us ? intervals_us : window_us;
}

bool
mf_walk_held_too_long(const struct mf_walk *w)
{
	return w->tick->now_us - w->s.hold_since_us >= mf_canary_hold_max_us(w->plan);
}

/* Said once, when it begins. */
static const char *
worth_an_alert(const struct mf_walk *w, enum mf_hold hold)
{
	static const char *const texts[MF_HOLDS] = {
	    [MF_HOLD_GATE] = "held: a gate is closed",
	    [MF_HOLD_NO_DATA] = "held: a metric has no value",
	    [MF_HOLD_LOWERED] = "held: somebody lowered the canary's weight",
	    [MF_HOLD_SHARED_FAULT] = "held: the primary fares no better than the canary",
	    [MF_HOLD_PRIMARY_DOWN] = "held: the primary has no ready capacity",
	    [MF_HOLD_CONFLICT] = "held: the production ref moved under this run",
	    [MF_HOLD_ROUTER] = "held: the router cannot be read or written",
	    [MF_HOLD_JOURNAL] = "held: the journal cannot be written",
	    [MF_HOLD_REPOSITORY] = "held: the repository does not answer",
	};

	return hold == MF_HOLD_GATE && w->muted ? NULL : texts[hold];
}

static enum mf_verdict
give_up_waiting(struct mf_walk *w, enum mf_hold hold)
{
	if (hold == MF_HOLD_CONFLICT)
		return mf_walk_end(w, MF_PHASE_FAILED, MF_RESULT_CONFLICT);
	if (hold == MF_HOLD_ROUTER && w->s.reason != MF_REASON_NONE) {
		if (mf_walk_alert(w, "traffic cannot be moved back") < 0)
			return MF_STOP;
		return mf_walk_end(w, MF_PHASE_FAILED, MF_RESULT_PERSON_NEEDED);
	}
	if (w->plan->hold_end == MF_HOLD_ROLLBACK)
		return mf_walk_turn_back(w, MF_REASON_HOLD_TOO_LONG);
	if (mf_walk_alert(w, "held too long") < 0)
		return MF_STOP;
	return mf_walk_end(w, MF_PHASE_FAILED, MF_RESULT_PERSON_NEEDED);
}

enum mf_verdict
mf_walk_hold(struct mf_walk *w, enum mf_hold hold)
{
	const char *alert = worth_an_alert(w, hold);
	bool told = w->s.hold == hold;

	/* one clock for all holds in a row, or a run could be held for ever by turns */
	if (w->s.hold == MF_HOLD_NONE)
		w->s.hold_since_us = w->tick->now_us;
	w->s.hold = hold;
	if (!told && alert != NULL && mf_walk_alert(w, alert) < 0)
		return MF_STOP;
	return mf_walk_held_too_long(w) ? give_up_waiting(w, hold) : MF_STOP;
}

enum mf_verdict
mf_walk_hold_failed(struct mf_walk *w, enum mf_hold hold)
{
	if (w->failed == MF_ANSWER_NO_JOURNAL)
		hold = MF_HOLD_JOURNAL;
	if (w->failed == MF_ANSWER_NO_REPOSITORY)
		hold = MF_HOLD_REPOSITORY;
	return mf_walk_hold(w, hold);
}

enum mf_verdict
mf_walk_hold_for_data(struct mf_walk *w, enum mf_check found)
{
	if (w->holding == MF_HOLD_LOWERED) /* that is why: it gets no requests */
		return mf_walk_hold(w, MF_HOLD_LOWERED);
	/* who paused it wants to see that, and no window has to settle for it */
	if (found == MF_CHECK_EARLY && w->holding == MF_HOLD_PAUSED)
		return mf_walk_hold(w, MF_HOLD_PAUSED);
	return mf_walk_hold(w, found == MF_CHECK_EARLY ? MF_HOLD_SETTLING : MF_HOLD_NO_DATA);
}

enum mf_verdict
mf_walk_gate_closed(struct mf_walk *w)
{
	return w->plan->profile == MF_PROFILE_MIGRATION ? mf_walk_hold(w, MF_HOLD_GATE) : MF_STOP;
}

/* A run that ended stays ended, until there is another revision or somebody asks for a retry. */
enum mf_verdict
mf_stage_ended(struct mf_walk *w)
{
	struct mf_canary_state *s = &w->s;
	bool retry = w->tick->control == MF_STEER_RETRY && s->phase == MF_PHASE_FAILED;
	struct mf_canary_state fresh = {
	    .phase = MF_PHASE_INITIALIZED, .primary_created = s->primary_created};

	if (!mf_canary_ended(s))
		return MF_GO_ON;
	if (!retry && (s->result == MF_RESULT_PERSON_NEEDED || !mf_walk_changed(w)))
		return MF_STOP;
	memcpy(fresh.promoted, s->promoted, sizeof fresh.promoted);
	*s = fresh; /* applied "": whatever there is now is to be rolled out */
	return MF_GO_ON;
}

enum mf_verdict
mf_stage_control(struct mf_walk *w)
{
	switch (w->tick->control) {
	case MF_STEER_ABORT: return mf_walk_turn_back(w, MF_REASON_BY_HAND);
	case MF_STEER_INTERRUPT: return mf_walk_turn_back(w, MF_REASON_INTERRUPTED);
	case MF_STEER_PAUSE: w->s.paused = true; break;
	case MF_STEER_PROMOTE_FULL:
		w->s.full = true;
		w->s.paused = false;
		break;
	case MF_STEER_PROMOTE:
		/* the one at hand, and none that it may come to later */
		w->s.passed_gate = w->s.hold == MF_HOLD_GATE;
		w->s.paused = false;
		break;
	case MF_STEER_CONTINUE:
		w->s.paused = false;
		w->s.hold = MF_HOLD_NONE;
		/* a weight that somebody lowered is the one to go on from */
		if (w->canary < w->wanted)
			w->wanted = w->canary;
		break;
	default: break;
	}
	if (w->s.paused || w->plan->suspend)
		w->holding = MF_HOLD_PAUSED;
	return MF_GO_ON;
}

enum mf_verdict
mf_stage_migration_gate(struct mf_walk *w)
{
	int confirmed;

	if (!mf_walk_in(w, MF_IN(NEW) | MF_IN(INITIALIZING) | MF_IN(INITIALIZED) | MF_IN(WAITING)))
		return MF_GO_ON;
	if (!mf_walk_in(w, MF_IN(WAITING)) && !mf_walk_changed(w))
		return MF_STOP;
	if (w->holding != MF_HOLD_NONE)
		return mf_walk_hold(w, w->holding);
	confirmed = mf_walk_confirm(w, MF_HOOK_CONFIRM_ROLLOUT);
	if (confirmed < 0)
		return MF_STOP;
	if (confirmed == 0) {
		mf_walk_enter(w, MF_PHASE_WAITING);
		return mf_walk_gate_closed(w);
	}
	if (mf_walk_do(w, MF_ACT_SCALE_UP) != 0)
		return w->step.pending ? MF_STOP : mf_walk_hold_failed(w, MF_HOLD_NOT_READY);
	mf_walk_sync(w, MF_PHASE_PROGRESSING, 0);
	w->s.hold = MF_HOLD_NONE;
	return MF_STOP;
}

/* A failed check; the one that spends the budget turns back at once. */
static enum mf_verdict
failed_check(struct mf_walk *w)
{
	w->s.failed_checks++;
	w->s.at_fault |= w->blamed;
	if (w->s.failed_checks < w->plan->threshold)
		return MF_STOP;
	return mf_walk_turn_back(w,
	    w->s.was_down && !w->s.at_fault ? MF_REASON_CANARY_DEAD : MF_REASON_THRESHOLD);
}

/* No look is taken while that lasts: with weight on the canary it is a failure all the same. */
static enum mf_verdict
fail_and_hold(struct mf_walk *w, enum mf_hold hold)
{
	if (w->canary > 0 && !w->tick->urgent) {
		w->s.was_down |= hold == MF_HOLD_NOT_READY;
		(void)failed_check(w);
		if (w->step.pending || w->s.reason != MF_REASON_NONE)
			return MF_STOP;
	}
	return mf_walk_hold(w, hold);
}

/* A person or the proxy protected users: never raised by ourselves. Where some proxies alone have
 * less, to go on means from what the others give. */
static enum mf_verdict
lowered(struct mf_walk *w)
{
	int written;

	if (w->tick->control != MF_STEER_CONTINUE) {
		w->holding = MF_HOLD_LOWERED;
		return MF_GO_ON;
	}
	written = mf_walk_route(w, 100 - w->wanted, w->wanted, false);
	return written > 0 ? mf_walk_hold_failed(w, MF_HOLD_ROUTER) : MF_STOP;
}

/* The router does not show what this run wrote last. */
enum mf_verdict
mf_stage_router(struct mf_walk *w)
{
	if (mf_walk_in(w, MF_IN(FINALISING)))
		return MF_GO_ON;
	if (w->canary > w->wanted && mf_walk_nowhere_back(w)) {
		w->holding = MF_HOLD_NOT_READY;
		return MF_GO_ON;
	}
	if (w->canary > w->wanted) {
		if (mf_walk_route(w, 100 - w->wanted, w->wanted, false) < 0 ||
		    mf_walk_alert(w, "the router gave the canary more than wanted") < 0)
			return MF_STOP;
		return failed_check(w);
	}
	if (w->tick->some_missing)
		return fail_and_hold(w, MF_HOLD_ROUTER);
	if (w->canary < w->wanted || w->tick->canary_spread > 0)
		return lowered(w);
	return MF_GO_ON;
}

enum mf_verdict
mf_stage_migration_ready(struct mf_walk *w)
{
	if (w->tick->canary == MF_READY_DEAD)
		return mf_walk_turn_back(w, MF_REASON_CANARY_DEAD);
	if (w->tick->canary == MF_READY_WAIT) /* no server of it is up: that is not "no data" */
		return fail_and_hold(w, MF_HOLD_NOT_READY);
	/* those that are up are looked at, and nothing goes forward */
	if ((w->tick->primary != MF_READY || w->tick->canary != MF_READY) &&
	    w->holding == MF_HOLD_NONE)
		w->holding = MF_HOLD_NOT_READY;
	return MF_GO_ON;
}

/* Before the first step there is nothing to measure: the pre-rollout hooks speak. */
static int
look(struct mf_walk *w, enum mf_check *found)
{
	bool mirroring = w->plan->mirror && w->mirrored;
	int good;

	if (w->canary > 0 || w->s.iterations > 0 || mirroring)
		return mf_walk_look(w, found);
	good = mf_walk_hooks(w, MF_HOOK_PRE_ROLLOUT, w->s.phase);
	w->blamed = good == 0 || w->hook_mute;
	*found = w->blamed ? MF_CHECK_OUT : MF_CHECK_PASS;
	return good < 0 ? -1 : 0;
}

enum mf_verdict
mf_stage_checks(struct mf_walk *w)
{
	enum mf_check found;

	if (look(w, &found) < 0)
		return MF_STOP;
	switch (found) {
	case MF_CHECK_PASS: return MF_GO_ON;
	case MF_CHECK_ABORT: return mf_walk_turn_back(w, MF_REASON_ABORT_METRIC);
	case MF_CHECK_EARLY:
	case MF_CHECK_NO_VALUE: return mf_walk_hold_for_data(w, found);
	default: /* between two ticks it would be counted twice */
		return w->tick->urgent ? MF_STOP : failed_check(w);
	}
}
