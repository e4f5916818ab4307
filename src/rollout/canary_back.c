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

/* A fallback that may make the primary ready again. Servers need some ticks to be seen as that;
 * the next fallback is tried where they are not. */
static enum mf_verdict
bring_up(struct mf_walk *w)
{
	struct mf_act act = {.kind = MF_ACT_FALLBACK, .index = w->s.fallback};
	const struct mf_answer *a;

	if (w->s.back_tries == 0) {
		a = mf_walk_ask(w, &act);
		if (a == NULL)
			return MF_STOP;
		if (a->end == MF_ANSWER_OK)
			w->s.back_tries = 1;
		else
			w->s.fallback++;
	} else if (++w->s.back_tries > MF_BACK_TRIES) {
		w->s.back_tries = 0;
		w->s.fallback++;
	}
	return MF_STOP;
}

/* The primary has nothing ready: ask for it to be restored, wait, then take the fallbacks in
 * order. */
static enum mf_verdict
primary_down(struct mf_walk *w)
{
	if (w->s.hold != MF_HOLD_PRIMARY_DOWN) {
		w->s.hold = MF_HOLD_NONE; /* its own clock */
		if (mf_walk_do(w, MF_ACT_RESTORE) < 0)
			return MF_STOP;
	}
	if (w->s.hold == MF_HOLD_NONE || !mf_walk_held_too_long(w)) {
		(void)mf_walk_hold(w, MF_HOLD_PRIMARY_DOWN);
		return MF_STOP;
	}
	if (w->s.fallback < w->plan->back.n_fallbacks)
		return bring_up(w);
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
	w->s.back_step = 0;
	w->s.back_tries = 0;
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

/* What the metrics say of what the primary serves, the worst of them last. */
enum goodness { GOOD, GOOD_NO_DATA, GOOD_EARLY, GOOD_BAD, GOOD_PENDING };

static enum goodness
worse(enum goodness so_far, const struct mf_canary_metric *m, enum mf_check check)
{
	enum goodness now = GOOD;

	if (check == MF_CHECK_OUT || check == MF_CHECK_ABORT)
		now = GOOD_BAD;
	else if (check == MF_CHECK_EARLY && !m->optional)
		now = GOOD_EARLY;
	else if (check != MF_CHECK_PASS && !m->optional)
		now = GOOD_NO_DATA;
	return now > so_far ? now : so_far;
}

/* Another model has taken the primary's place: its own metrics. */
static enum goodness
other_good(struct mf_walk *w, const struct mf_back_metrics *own)
{
	struct mf_act act = {.kind = MF_ACT_MEASURE_FALLBACK, .of = w->s.fallback};
	enum goodness good = GOOD;
	const struct mf_answer *a;

	for (; act.index < own->n && good != GOOD_BAD; act.index++) {
		a = mf_walk_ask(w, &act);
		if (a == NULL)
			return GOOD_PENDING;
		good = worse(good, &own->metrics[act.index],
		    mf_canary_check(&own->metrics[act.index], &a->measured));
	}
	return good;
}

/* The primary's own metrics, after it has all the traffic again; *any: there are some. */
static enum goodness
primary_good(struct mf_walk *w, bool *any)
{
	const struct mf_back_metrics *own = w->plan->back.own;
	const struct mf_canary_metric *m = w->plan->metrics;
	enum goodness good = GOOD;
	const struct mf_measured *got;
	size_t i;

	*any = own != NULL && w->s.fallback < w->plan->back.n_fallbacks && own[w->s.fallback].n > 0;
	if (*any)
		return other_good(w, &own[w->s.fallback]);
	for (i = 0; i < w->plan->n_metrics && good != GOOD_BAD; i++) {
		if (!m[i].has_primary_query)
			continue;
		*any = true;
		got = ask_primary(w, i);
		if (got == NULL)
			return GOOD_PENDING;
		good = worse(good, &m[i], mf_canary_check_primary(&m[i], got));
	}
	return good;
}

enum back_end { BACK_DONE, BACK_FAILED, BACK_BLIND, BACK_WAITS, BACK_PENDING };

static enum back_end
verify(struct mf_walk *w)
{
	enum goodness good;
	bool any;

	if (w->s.verify_since_us == 0) {
		w->s.verify_since_us = w->tick->now_us == 0 ? 1 : w->tick->now_us;
		w->s.verify_measured = false;
	}
	good = primary_good(w, &any);
	if (good == GOOD_PENDING)
		return BACK_PENDING;
	if (!any) /* waiting brings no data, and no other fallback would be seen any better */
		return w->plan->back.verify_for_us == 0 ? BACK_DONE : BACK_BLIND;
	if (good == GOOD_BAD)
		return BACK_FAILED;
	if (good == GOOD_EARLY) /* verifyFor counts from where something can be measured */
		w->s.verify_since_us = w->tick->now_us == 0 ? 1 : w->tick->now_us;
	if (good == GOOD)
		w->s.verify_measured = true;
	if (good == GOOD_EARLY ||
	    w->tick->now_us - w->s.verify_since_us < w->plan->back.verify_for_us)
		return BACK_WAITS;
	/* that nothing could be measured is no proof that all is well */
	return w->s.verify_measured ? BACK_DONE : BACK_FAILED;
}

static enum back_end
act_back(struct mf_walk *w, enum mf_act_kind kind)
{
	struct mf_act act = {.kind = kind, .why = mf_reason_name(w->s.reason)};
	const struct mf_answer *a;

	if (kind == MF_ACT_FALLBACK)
		act.index = w->s.fallback;
	a = mf_walk_ask(w, &act);
	if (a == NULL)
		return BACK_PENDING;
	if (a->end == MF_ANSWER_OK)
		return BACK_DONE;
	return ++w->s.back_tries < MF_BACK_TRIES ? BACK_WAITS : BACK_FAILED;
}

/* In this order: docs and tests speak of it. The last row has no act: it is verify. */
static const enum mf_act_kind back_rows[] = {
    MF_ACT_DRAIN,
    MF_ACT_REFERENCE_BACK,
    MF_ACT_FALLBACK,
    MF_ACT_SCALE_TO_ZERO,
};
#define BACK_ROWS (sizeof back_rows / sizeof back_rows[0])
#define BACK_FALLBACK 2u

static enum mf_verdict
back_at_last(struct mf_walk *w)
{
	mf_walk_tell_hooks(w, MF_PHASE_FAILED);
	if (w->step.pending)
		return MF_STOP;
	if (w->s.back_failed) {
		if (mf_walk_alert(w, "the rollback is not complete: a person is needed") < 0)
			return MF_STOP;
		return mf_walk_end(w, MF_PHASE_FAILED, MF_RESULT_PERSON_NEEDED);
	}
	return mf_walk_end(w, MF_PHASE_FAILED, MF_RESULT_ROLLED_BACK);
}

/* A step that cannot be done: the next fallback, where that can help; else it is left. */
static void
leave_step(struct mf_walk *w, enum back_end end)
{
	bool helps = end != BACK_BLIND &&
		     (w->s.back_step == BACK_FALLBACK || w->s.back_step == BACK_ROWS);

	w->s.back_tries = 0;
	w->s.verify_since_us = 0;
	if (helps && w->s.fallback + 1 < w->plan->back.n_fallbacks) {
		w->s.fallback++;
		w->s.back_step = BACK_FALLBACK;
		return;
	}
	w->s.back_failed = true;
	w->s.back_step++;
}

static bool
verifying(const struct mf_walk *w)
{
	return w->s.back_step == BACK_ROWS;
}

enum mf_verdict
mf_stage_rolling_back(struct mf_walk *w)
{
	enum back_end end;
	int written;

	if (w->s.phase != MF_PHASE_ROLLING_BACK)
		return MF_GO_ON;
	if (w->canary != 0 || w->tick->weights_unknown) { /* a proxy that was loaded again */
		written = mf_walk_nowhere_back(w) ? 1 : mf_walk_route(w, 100, 0, false);
		if (written != 0)
			return written < 0 ? MF_STOP : mf_walk_hold(w, MF_HOLD_ROUTER);
		w->s.hold = MF_HOLD_NONE;
	}
	while (w->s.back_step <= BACK_ROWS) {
		end = verifying(w) ? verify(w) : act_back(w, back_rows[w->s.back_step]);
		if (end == BACK_PENDING || end == BACK_WAITS)
			return MF_STOP;
		if (end == BACK_FAILED || end == BACK_BLIND) {
			leave_step(w, end);
			continue;
		}
		w->s.back_tries = 0;
		w->s.back_step++;
	}
	return back_at_last(w);
}
