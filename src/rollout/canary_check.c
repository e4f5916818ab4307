/* Asking hooks and metrics, and what their answers are worth. */
#include "src/rollout/canary_int.h"

#include <math.h>

static bool
below(const struct mf_bounds *b, double value)
{
	return b->has_min && value < b->min;
}

static bool
above(const struct mf_bounds *b, double value)
{
	return b->has_max && value > b->max;
}

static bool
bounded(const struct mf_bounds *b)
{
	return b->has_min || b->has_max;
}

/* request-duration is compared in whole milliseconds, its bounds too. */
static bool
duration_out(const struct mf_canary_metric *m, double value)
{
	const struct mf_bounds *b = &m->range;
	double whole = trunc(value);

	if (!bounded(b))
		return whole > trunc(m->threshold);
	return (b->has_min && whole < trunc(b->min)) || (b->has_max && whole > trunc(b->max));
}

static bool
out_of_range(const struct mf_canary_metric *m, double value)
{
	if (m->rule == MF_RULE_DURATION)
		return duration_out(m, value);
	if (bounded(&m->range))
		return below(&m->range, value) || above(&m->range, value);
	return m->rule == MF_RULE_SUCCESS_RATE ? value < m->threshold : value > m->threshold;
}

/* Against the primary, over the same window. A primary that is zero has no ratio: any canary
 * above it is infinitely worse, which is what the division says. */
static bool
worse_than_primary(const struct mf_canary_metric *m, double value, double primary)
{
	if (m->has_max_delta && value - primary > m->max_delta)
		return true;
	return m->has_max_ratio && value > primary * m->max_ratio;
}

static enum mf_check
of_value(const struct mf_canary_metric *m, const struct mf_measured *got)
{
	if (below(&m->abort, got->value) || above(&m->abort, got->value))
		return MF_CHECK_ABORT;
	if (!m->relative)
		return out_of_range(m, got->value) ? MF_CHECK_OUT : MF_CHECK_PASS;
	if (!got->has_primary || isnan(got->primary))
		return MF_CHECK_NO_VALUE;
	if (worse_than_primary(m, got->value, got->primary))
		return MF_CHECK_OUT;
	return bounded(&m->range) && out_of_range(m, got->value) ? MF_CHECK_OUT : MF_CHECK_PASS;
}

static enum mf_check
of_end(const struct mf_canary_metric *m, enum mf_measure_end end)
{
	/* Flagger's built-in checks tell no data, NaN and a failed request alike. */
	bool alike = m->rule == MF_RULE_SUCCESS_RATE || m->rule == MF_RULE_DURATION;

	switch (end) {
	case MF_MEASURE_EARLY: return MF_CHECK_EARLY;
	case MF_MEASURE_ERROR: return alike ? MF_CHECK_NO_VALUE : MF_CHECK_ERROR;
	case MF_MEASURE_NAN:
		return alike || m->query.type == MF_PROVIDER_PROMETHEUS ? MF_CHECK_NO_VALUE
									: MF_CHECK_NAN;
	default: return MF_CHECK_NO_VALUE;
	}
}

enum mf_check
mf_canary_check(const struct mf_canary_metric *m, const struct mf_measured *got)
{
	if (m->rule == MF_RULE_NO_QUERY)
		return MF_CHECK_NO_QUERY;
	if (got->end != MF_MEASURE_VALUE)
		return of_end(m, got->end);
	if (isnan(got->value))
		return of_end(m, MF_MEASURE_NAN);
	if (m->min_samples > 0 && got->samples < m->min_samples)
		return MF_CHECK_NO_VALUE;
	return of_value(m, got);
}

enum mf_check
mf_canary_check_primary(const struct mf_canary_metric *m, const struct mf_measured *got)
{
	struct mf_canary_metric alone = *m;

	alone.relative = false;
	alone.abort = (struct mf_bounds){.has_min = false};
	alone.min_samples = m->primary_query.min_samples; /* the canary's are not counted there */
	if (m->relative && !bounded(&m->range) && got->end == MF_MEASURE_VALUE)
		return MF_CHECK_PASS;
	return mf_canary_check(&alone, got);
}

enum mf_goodness
mf_canary_goodness(enum mf_goodness so_far, const struct mf_canary_metric *m, enum mf_check check)
{
	enum mf_goodness now = MF_GOOD;

	if (check == MF_CHECK_OUT || check == MF_CHECK_ABORT)
		now = MF_GOOD_BAD;
	else if (check == MF_CHECK_EARLY && !m->optional)
		now = MF_GOOD_EARLY;
	else if (check != MF_CHECK_PASS && !m->optional)
		now = MF_GOOD_NO_DATA;
	return now > so_far ? now : so_far;
}

/* Calls one hook: its status, or -1 while that is pending. */
static int
call(struct mf_walk *w, size_t i, enum mf_phase told)
{
	struct mf_act act = {
	    .kind = MF_ACT_HOOK, .index = (unsigned)i, .phase = mf_phase_name(told)};
	const struct mf_answer *a = mf_walk_ask(w, &act);

	return a == NULL ? -1 : a->status;
}

static bool
passes(int status)
{
	return status > 0 && status <= 202;
}

int
mf_walk_hooks(struct mf_walk *w, enum mf_hook_type type, enum mf_phase told)
{
	size_t i;
	int status;

	for (i = 0; i < w->plan->n_hooks; i++) {
		if (w->plan->hooks[i].type != type)
			continue;
		status = call(w, i, told);
		if (status < 0)
			return -1;
		if (!passes(status)) {
			w->muted = w->plan->hooks[i].mute_alert;
			return 0;
		}
	}
	return 1;
}

int
mf_walk_confirm(struct mf_walk *w, enum mf_hook_type type)
{
	if (w->s.passed_gate) {
		w->s.passed_gate = false;
		return 1;
	}
	return mf_walk_hooks(w, type, w->s.phase);
}

void
mf_walk_tell_hooks(struct mf_walk *w, enum mf_phase told)
{
	/* the first that fails ends it, and that changes nothing */
	(void)mf_walk_hooks(w, MF_HOOK_POST_ROLLOUT, told);
}

/* Flagger's: a hook that answers 200 to 202 asks for a rollback. One that does not answer at all
 * reads as "carry on" there; a Migration takes it for a failed check, since nobody could stop it.
 */
int
mf_walk_rollback_wanted(struct mf_walk *w)
{
	size_t i;
	int status;

	for (i = 0; i < w->plan->n_hooks; i++) {
		if (w->plan->hooks[i].type != MF_HOOK_ROLLBACK)
			continue;
		status = call(w, i, w->s.phase);
		if (status < 0)
			return -1;
		if (status >= 200 && passes(status))
			return 1;
		w->hook_mute |= status == 0;
	}
	return 0;
}

enum mf_verdict
mf_stage_rollback_hooks(struct mf_walk *w)
{
	int wanted;

	if (!mf_walk_in(w, MF_IN(PROGRESSING) | MF_IN(WAITING_PROMOTION)))
		return MF_GO_ON;
	wanted = mf_walk_rollback_wanted(w);
	if (wanted < 0)
		return MF_STOP;
	return wanted ? mf_walk_roll_back(w) : MF_GO_ON;
}

int
mf_walk_metrics(struct mf_walk *w)
{
	const struct mf_canary_metric *m;
	const struct mf_answer *a;
	size_t i;

	for (i = 0; i < w->plan->n_metrics; i++) {
		m = &w->plan->metrics[i];
		a = mf_walk_ask(w, &(struct mf_act){.kind = MF_ACT_METRIC, .index = (unsigned)i});
		if (a == NULL)
			return -1;
		if (mf_canary_check(m, &a->measured) != MF_CHECK_PASS)
			return 0;
	}
	return 1;
}

/*
 * One full look at a Migration: the rollout hooks, and every metric, also behind one that is bad,
 * because each may hold the breach that aborts. What it finds is the worst of all.
 */
static enum mf_check
worst(enum mf_check a, enum mf_check b)
{
	static const unsigned badness[MF_CHECKS] = {
	    [MF_CHECK_PASS] = 0,
	    [MF_CHECK_EARLY] = 1,
	    [MF_CHECK_NO_VALUE] = 2, /* that holds */
	    [MF_CHECK_OUT] = 3,
	    [MF_CHECK_NO_QUERY] = 3,
	    [MF_CHECK_NAN] = 3,
	    [MF_CHECK_ERROR] = 3,
	    [MF_CHECK_ABORT] = 4,
	};

	return badness[b] > badness[a] ? b : a;
}

/* What the metric's own words make of a check: OUT counts, NO_VALUE holds. */
static enum mf_check
weighed(const struct mf_canary_metric *m, enum mf_check check)
{
	bool none = check == MF_CHECK_NO_VALUE || check == MF_CHECK_NAN || check == MF_CHECK_ERROR;

	if (m->alert_only && check != MF_CHECK_ABORT)
		return MF_CHECK_PASS; /* whoever measured it tells people */
	if (!none)
		return check;
	if (m->optional || m->on_no_data == MF_NO_DATA_PASS)
		return MF_CHECK_PASS;
	return m->on_no_data == MF_NO_DATA_HOLD ? MF_CHECK_NO_VALUE : MF_CHECK_OUT;
}

int
mf_walk_look(struct mf_walk *w, enum mf_check *found)
{
	const struct mf_canary_metric *m;
	const struct mf_answer *a;
	enum mf_check check;
	size_t i;
	int hooks = mf_walk_hooks(w, MF_HOOK_ROLLOUT, w->s.phase);

	w->blamed = hooks == 0 || w->hook_mute;
	*found = w->blamed ? MF_CHECK_OUT : MF_CHECK_PASS;
	if (hooks < 0)
		return -1;
	for (i = 0; i < w->plan->n_metrics; i++) {
		m = &w->plan->metrics[i];
		a = mf_walk_ask(w, &(struct mf_act){.kind = MF_ACT_METRIC, .index = (unsigned)i});
		if (a == NULL)
			return -1;
		check = mf_canary_check(m, &a->measured);
		w->blamed |= (check == MF_CHECK_OUT && !m->alert_only) || check == MF_CHECK_ABORT;
		*found = worst(*found, weighed(m, check));
	}
	return 0;
}
