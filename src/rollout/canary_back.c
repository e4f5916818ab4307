/*
 * The way back of a Migration. Traffic first, and nothing before it; then, one after the other and
 * each tried again until it holds: sessions drained, refs, what the primary serves, the workload,
 * and at last the primary's own metrics.
 *
 * Traffic goes back only to a side that can take it. A primary without ready capacity gets none:
 * it is restored, or a fallback takes its place, or the better side is kept and a person called.
 * A primary that fares no better than the canary is a shared fault, which going back would not
 * mend.
 */
#include "src/rollout/canary_int.h"

#include <string.h>

/* The primary is out of range as well, and the canary is out by at most so many times as far:
 * within that, they are equal. */
#define EQUALLY_BAD 1.5

/* How far outside of its bounds a value lies; without a range they are Flagger's threshold. */
static double
distance(const struct mf_canary_metric *m, double value)
{
	struct mf_bounds b = m->range;

	if (!b.has_min && !b.has_max) {
		b.has_min = m->rule == MF_RULE_SUCCESS_RATE;
		b.has_max = !b.has_min;
		b.min = b.max = m->threshold;
	}
	if (b.has_min && value < b.min)
		return b.min - value;
	return b.has_max && value > b.max ? value - b.max : 0;
}

static const struct mf_measured *
measured(const struct mf_walk *w, size_t i)
{
	size_t k = w->step.next;

	while (k-- > 0)
		if (w->step.asked[k].act.kind == MF_ACT_METRIC && w->step.asked[k].act.index == i)
			return &w->step.asked[k].answer.measured;
	return NULL;
}

static const struct mf_measured *
ask_primary(struct mf_walk *w, size_t i)
{
	struct mf_act act = {.kind = MF_ACT_MEASURE_PRIMARY, .index = (unsigned)i};
	const struct mf_answer *a = mf_walk_ask(w, &act);

	return a == NULL ? NULL : &a->measured;
}

/* Is the primary as bad in this metric as the canary? -1 pending. */
static int
equally_bad(struct mf_walk *w, size_t i, const struct mf_measured *canary)
{
	const struct mf_canary_metric *m = &w->plan->metrics[i];
	const struct mf_measured *primary = ask_primary(w, i);

	if (primary == NULL)
		return -1;
	if (mf_canary_check_primary(m, primary) != MF_CHECK_OUT || canary->end != MF_MEASURE_VALUE)
		return 0;
	return distance(m, canary->value) <= EQUALLY_BAD * distance(m, primary->value);
}

/* Every metric that is bad of the canary is as bad of the primary. -1 pending. */
static int
shared_fault(struct mf_walk *w)
{
	const struct mf_measured *canary;
	enum mf_check check;
	bool any = false;
	size_t i;
	int equal;

	for (i = 0; i < w->plan->n_metrics; i++) {
		canary = measured(w, i);
		if (canary == NULL)
			continue;
		check = mf_canary_check(&w->plan->metrics[i], canary);
		if (check != MF_CHECK_OUT && check != MF_CHECK_ABORT)
			continue;
		if (!w->plan->metrics[i].has_primary_query)
			return 0;
		equal = equally_bad(w, i, canary);
		if (equal <= 0)
			return equal;
		any = true;
	}
	return any;
}

/* In this order: docs and tests speak of it. */
static const enum mf_act_kind back_rows[] = {
    MF_ACT_DRAIN,
    MF_ACT_REFERENCE_BACK,
    MF_ACT_FALLBACK,
    MF_ACT_SCALE_TO_ZERO,
};

/* The primary's own metrics, after it has all the traffic again. */
static enum mf_goodness
look_at_primary(void *arg, bool *any)
{
	struct mf_walk *w = arg;
	const struct mf_canary_metric *m = w->plan->metrics;
	enum mf_goodness good = MF_GOOD;
	const struct mf_measured *got;
	size_t i;

	for (i = 0; i < w->plan->n_metrics && good != MF_GOOD_BAD; i++) {
		if (!m[i].has_primary_query)
			continue;
		*any = true;
		got = ask_primary(w, i);
		if (got == NULL)
			return MF_GOOD_PENDING;
		good = mf_canary_goodness(good, &m[i], mf_canary_check_primary(&m[i], got));
	}
	return good;
}

static struct mf_way_back_walk
way_of(struct mf_walk *w)
{
	return (struct mf_way_back_walk){
	    .step = &w->step,
	    .plan = &w->plan->back,
	    .rows = back_rows,
	    .n_rows = sizeof back_rows / sizeof back_rows[0],
	    .why = mf_reason_name(w->s.reason),
	    .now_us = w->tick->now_us,
	    .look = look_at_primary,
	    .arg = w,
	};
}

/* The primary has nothing ready: ask for it to be restored, wait, then take the fallbacks in
 * order. */
static enum mf_verdict
primary_down(struct mf_walk *w)
{
	struct mf_way_back_walk way;

	if (w->s.hold != MF_HOLD_PRIMARY_DOWN) {
		w->s.hold = MF_HOLD_NONE; /* its own clock */
		if (mf_walk_do(w, MF_ACT_RESTORE) < 0)
			return MF_STOP;
	}
	if (w->s.hold == MF_HOLD_NONE || !mf_walk_held_too_long(w)) {
		(void)mf_walk_hold(w, MF_HOLD_PRIMARY_DOWN);
		return MF_STOP;
	}
	way = way_of(w);
	if (mf_way_back_bring_up(&w->s.back, &way) != MF_WAY_DONE)
		return MF_STOP;
	if (mf_walk_alert(w, "nowhere to go back to: the better side keeps the traffic") < 0)
		return MF_STOP;
	return mf_walk_end(w, MF_PHASE_FAILED, MF_RESULT_PERSON_NEEDED);
}

static bool
by_metrics(enum mf_reason reason)
{
	return reason == MF_REASON_THRESHOLD || reason == MF_REASON_ABORT_METRIC ||
	       reason == MF_REASON_BAKE;
}

/* 0: traffic is back. 1: not yet, or not possible now. -1 pending. */
static int
traffic_back(struct mf_walk *w)
{
	unsigned step = w->plan->back.step_weight, canary, least;
	int written;

	canary = step == 0 || step >= w->canary ? 0 : w->canary - step;
	/* a proxy that gives the canary less already is not raised on the way back */
	least = w->canary - w->tick->canary_spread;
	if (w->tick->canary_spread <= w->canary && canary > least)
		canary = least;
	written = mf_walk_route_back(w, canary);
	return written != 0 ? written : canary != 0;
}

enum mf_verdict
mf_walk_turn_back(struct mf_walk *w, enum mf_reason reason)
{
	unsigned before = w->canary;
	int shared, back;

	if (w->s.reason == MF_REASON_NONE &&
	    !(by_metrics(reason) && w->s.hold == MF_HOLD_SHARED_FAULT))
		w->s.hold = MF_HOLD_NONE; /* the way back has clocks of its own */
	w->s.reason = reason;
	if (w->tick->primary == MF_READY_DEAD)
		return primary_down(w);
	if (by_metrics(reason)) {
		shared = shared_fault(w);
		if (shared < 0)
			return MF_STOP;
		if (shared) {
			w->s.reason = MF_REASON_NONE;
			return mf_walk_hold(w, MF_HOLD_SHARED_FAULT);
		}
	}
	back = traffic_back(w);
	if (back < 0)
		return MF_STOP;
	if (back > 0) /* a step of it counts as progress */
		return w->canary < before ? MF_STOP : mf_walk_hold(w, MF_HOLD_ROUTER);
	w->s.phase = MF_PHASE_ROLLING_BACK;
	w->s.hold = MF_HOLD_NONE;
	w->s.back.step = 0;
	w->s.back.tries = 0;
	return mf_stage_rolling_back(w);
}

/* A rollback that was due and could not be done, one for the data's sake, or one that a hook asks
 * for. */
enum mf_verdict
mf_stage_due_back(struct mf_walk *w)
{
	int wanted;

	if (w->s.reason != MF_REASON_NONE)
		return mf_walk_turn_back(w, w->s.reason);
	if (!mf_walk_in(w, MF_IN(WAITING) | MF_IN(PROGRESSING) | MF_IN(WAITING_PROMOTION) |
			       MF_IN(PROMOTING) | MF_IN(BAKING)))
		return MF_GO_ON;
	if (w->tick->damaged)
		return mf_walk_turn_back(w, MF_REASON_DAMAGED);
	wanted = mf_walk_rollback_wanted(w);
	if (wanted < 0)
		return MF_STOP;
	return wanted ? mf_walk_turn_back(w, MF_REASON_HOOK) : MF_GO_ON;
}

/* The target is what the primary runs again: there is nothing left to migrate. Both sites may
 * serve the same version from the start, which is no such thing. */
enum mf_verdict
mf_stage_reverted(struct mf_walk *w)
{
	if (mf_walk_in(w, MF_IN(PROGRESSING) | MF_IN(WAITING_PROMOTION)) &&
	    strcmp(w->tick->revision, w->s.promoted) == 0 &&
	    strcmp(w->s.applied, w->s.promoted) != 0)
		return mf_walk_turn_back(w, MF_REASON_REVERTED);
	return MF_GO_ON;
}

static enum mf_verdict
back_at_last(struct mf_walk *w)
{
	mf_walk_tell_hooks(w, MF_PHASE_FAILED);
	if (w->step.pending)
		return MF_STOP;
	if (w->s.back.failed) {
		if (mf_walk_alert(w, "the rollback is not complete: a person is needed") < 0)
			return MF_STOP;
		return mf_walk_end(w, MF_PHASE_FAILED, MF_RESULT_PERSON_NEEDED);
	}
	return mf_walk_end(w, MF_PHASE_FAILED, MF_RESULT_ROLLED_BACK);
}

enum mf_verdict
mf_stage_rolling_back(struct mf_walk *w)
{
	struct mf_way_back_walk way;
	int written;

	if (w->s.phase != MF_PHASE_ROLLING_BACK)
		return MF_GO_ON;
	if (w->canary != 0 || w->tick->weights_unknown) { /* a proxy that was loaded again */
		written = mf_walk_nowhere_back(w) ? 1 : mf_walk_route(w, 100, 0, false);
		if (written != 0)
			return written < 0 ? MF_STOP : mf_walk_hold(w, MF_HOLD_ROUTER);
		w->s.hold = MF_HOLD_NONE;
	}
	way = way_of(w);
	return mf_way_back_go(&w->s.back, &way) == MF_WAY_DONE ? back_at_last(w) : MF_STOP;
}
