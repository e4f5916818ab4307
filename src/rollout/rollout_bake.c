/* The bake at 0/100: the analysis goes on with counters of its own. */
#include <string.h>

#include "src/rollout/rollout_int.h"

enum verdict { GOOD, BAD, NOTHING };

static enum verdict
verdict_of(const struct mf_analysis_plan *plan, const struct mf_analysis_state *run)
{
	enum verdict v = GOOD;

	for (size_t i = 0; i < plan->n_metrics; i++) {
		const struct mf_analysis_metric_state *m = &run->metrics[i];

		if (plan->metrics[i].dry_run)
			continue;
		if (m->failed + m->inconclusive + m->errors > 0)
			return BAD;
		if (m->successful == 0)
			v = NOTHING;
	}
	return v;
}

/* One look at all metrics. MF_PASS_ASK, or ON with *out. */
static enum mf_pass
look(struct mf_rollout_walk *w, unsigned gate, enum verdict *out)
{
	const struct mf_analysis_plan *plan = w->plan->analyses[gate];
	const enum mf_analysis_phase given = w->tick->background;
	bool due[MF_ANALYSIS_METRICS_MAX];
	const struct mf_analysis_tick tick = {.now_us = w->tick->now_us, .due = due};

	memset(due, true, sizeof due);
	*out = NOTHING;
	if (mf_analysis_over(given)) {
		*out = given == MF_ANALYSIS_SUCCESSFUL ? GOOD : BAD;
		return MF_PASS_ON;
	}
	if (plan->is_given)
		return MF_PASS_ON;
	mf_analysis_start(&w->s->run, 0, false);
	if (mf_analysis_walk(plan, &w->s->run, &tick, gate << MF_ANALYSIS_INDEX_SHIFT, &w->step))
		return MF_PASS_ASK;
	*out = verdict_of(plan, &w->s->run);
	return MF_PASS_ON;
}

static unsigned
failures_in_window(
    const struct mf_rollout_plan *plan, const struct mf_rollout_state *s, uint64_t now_us)
{
	const uint64_t window_us = plan->bake.window_us;
	unsigned n = 0;

	for (size_t i = 0; i < MF_BAKE_FAILURES; i++)
		if (s->bake_failed_us[i] > 0 &&
		    (window_us == 0 || now_us - s->bake_failed_us[i] <= window_us))
			n++;
	return n;
}

/* END: too much of it was bad, or data is wanted. */
static enum mf_pass
check(struct mf_rollout_walk *w, unsigned gate)
{
	const struct mf_bake *bake = &w->plan->bake;
	struct mf_rollout_state *s = w->s;
	const uint64_t now_us = w->tick->now_us;
	const bool told = mf_analysis_over(w->tick->background);
	struct mf_rollout_fault fault = {
	    .run = &s->run, .reason = MF_REASON_BAKE, .bit = MF_ROLLOUT_SHARED_BAKE};
	enum verdict v;

	if (now_us < s->bake_next_us && !told)
		return MF_PASS_ON;
	if (look(w, gate, &v) == MF_PASS_ASK)
		return MF_PASS_ASK;
	s->bake_next_us = mf_rollout_later(
	    now_us, bake->interval_us > 0 ? bake->interval_us : MF_ROLLOUT_INTERVAL_US);
	s->bake_passed = v == GOOD;
	if (v == GOOD)
		s->shared &= ~MF_ROLLOUT_SHARED_BAKE;
	if (v != BAD)
		return MF_PASS_ON;
	s->bake_failed_us[s->bake_failed_next++ % MF_BAKE_FAILURES] = now_us;
	if (failures_in_window(w->plan, s, now_us) <= bake->max_failed)
		return MF_PASS_ON;
	fault.analysis = told ? MF_ROLLOUT_NO_ANALYSIS : gate;
	return mf_rollout_turn_back(w, &fault);
}

/* When no metric's window holds the change to 0/100 any more. */
static uint64_t
settled_us(const struct mf_rollout_walk *w, unsigned gate)
{
	const struct mf_analysis_plan *plan = w->plan->analyses[gate];
	uint64_t window_us = 0;

	if (!mf_rollout_finite(w->plan))
		return 0;
	for (size_t i = 0; i < plan->n_metrics; i++)
		if (plan->metrics[i].window_us > window_us)
			window_us = plan->metrics[i].window_us;
	return mf_rollout_later(w->s->changed_us, mf_rollout_later(w->plan->settle_us, window_us));
}

enum mf_pass
mf_rollout_bake(struct mf_rollout_walk *w)
{
	struct mf_rollout_state *s = w->s;
	const unsigned gate = mf_rollout_gate(w->plan);
	const bool looks = gate != MF_ROLLOUT_NO_ANALYSIS;
	enum mf_pass pass;

	if (w->plan->bake.duration_us == 0)
		return MF_PASS_ON;
	if (s->bake_since_us == 0) {
		s->bake_since_us = w->tick->now_us;
		s->bake_next_us = looks ? settled_us(w, gate) : 0;
		s->bake_passed = false;
		memset(s->bake_failed_us, 0, sizeof s->bake_failed_us);
		s->bake_failed_next = 0;
		s->background_on = false;
		s->background_done = true; /* its counters are those of the way here */
	}
	if (looks && (pass = check(w, gate)) != MF_PASS_ON)
		return pass;
	if (w->tick->now_us < mf_rollout_later(s->bake_since_us, w->plan->bake.duration_us))
		return MF_PASS_END;
	if (looks && !s->bake_passed) {
		w->blocked = true;
		return MF_PASS_END;
	}
	return MF_PASS_ON;
}
