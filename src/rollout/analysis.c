#include "src/rollout/analysis.h"

#include <assert.h>
#include <string.h>

static const char *const phase_names[MF_ANALYSIS_PHASES] = {
    [MF_ANALYSIS_PENDING] = "Pending",
    [MF_ANALYSIS_RUNNING] = "Running",
    [MF_ANALYSIS_SUCCESSFUL] = "Successful",
    [MF_ANALYSIS_INCONCLUSIVE] = "Inconclusive",
    [MF_ANALYSIS_ERROR] = "Error",
    [MF_ANALYSIS_FAILED] = "Failed",
};

const char *
mf_analysis_phase_name(enum mf_analysis_phase phase)
{
	return (unsigned)phase < MF_ANALYSIS_PHASES ? phase_names[phase] : "?";
}

enum mf_analysis_phase
mf_analysis_phase_find(const char *name)
{
	unsigned i = 0;

	while (i < MF_ANALYSIS_PHASES && strcmp(phase_names[i], name) != 0)
		i++;
	return (enum mf_analysis_phase)i;
}

void
mf_analysis_start(struct mf_analysis_state *state, uint64_t now_us, bool one_success)
{
	memset(state, 0, sizeof *state);
	state->phase = MF_ANALYSIS_RUNNING;
	state->started_us = now_us;
	state->one_success = one_success;
}

/* How many measurements end the metric; 0: none do. Without an interval one is taken. */
static unsigned
wanted_count(const struct mf_analysis_metric *m, const struct mf_analysis_state *state)
{
	if (state->one_success)
		return 0;
	return m->count == 0 && m->interval_us == 0 ? 1 : m->count;
}

static uint64_t
later(uint64_t a, uint64_t b)
{
	return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

/* When the metric may be measured; UINT64_MAX: no more. Without a measurement the initial delay
 * counts, and its end is early enough; after one the interval has to be exceeded. */
static uint64_t
due_us(const struct mf_analysis_plan *plan, const struct mf_analysis_state *state, size_t i)
{
	const struct mf_analysis_metric *m = &plan->metrics[i];
	const struct mf_analysis_metric_state *s = &state->metrics[i];
	const unsigned count = wanted_count(m, state);
	uint64_t interval_us;

	if (mf_analysis_over(state->phase) || mf_analysis_over(s->phase) ||
	    (count > 0 && s->count >= count))
		return UINT64_MAX;
	if (s->last == MF_ANALYSIS_PENDING)
		return later(state->started_us, m->initial_delay_us);
	interval_us = m->interval_us;
	if (s->last == MF_ANALYSIS_ERROR || interval_us == 0)
		interval_us = MF_ANALYSIS_RETRY_US;
	return later(s->last_us, later(interval_us, 1));
}

bool
mf_analysis_measured(const struct mf_analysis_plan *plan, const struct mf_analysis_state *state)
{
	for (size_t i = 0; i < plan->n_metrics; i++)
		if (!plan->metrics[i].dry_run && state->metrics[i].count == 0)
			return false;
	return true;
}

bool
mf_analysis_is_good(const struct mf_analysis_plan *plan, const struct mf_analysis_state *state)
{
	for (size_t i = 0; i < plan->n_metrics; i++)
		if (!plan->metrics[i].dry_run && state->metrics[i].last != MF_ANALYSIS_SUCCESSFUL)
			return false;
	return true;
}

/* The metric's phase by its counters, before it is asked whether the run is at its end. */
static enum mf_analysis_phase
by_counters(
    const struct mf_analysis_metric *m, const struct mf_analysis_metric_state *s, unsigned count)
{
	const bool fails = m->failure_limit >= 0, succeeds = m->consecutive_success_limit > 0;
	enum mf_analysis_phase phase = MF_ANALYSIS_RUNNING;

	/* the later one wins */
	if (fails && s->failed > (unsigned)m->failure_limit)
		phase = MF_ANALYSIS_FAILED;
	if (s->inconclusive > (unsigned)m->inconclusive_limit)
		phase = MF_ANALYSIS_INCONCLUSIVE;
	if (s->consecutive_errors > (unsigned)m->consecutive_error_limit)
		phase = MF_ANALYSIS_ERROR;
	if (phase != MF_ANALYSIS_RUNNING)
		return phase;
	if (succeeds && s->consecutive_successes >= (unsigned)m->consecutive_success_limit)
		return MF_ANALYSIS_SUCCESSFUL;
	if (count == 0 || s->count < count)
		return MF_ANALYSIS_RUNNING;
	if (!succeeds)
		return MF_ANALYSIS_SUCCESSFUL;
	return fails ? MF_ANALYSIS_INCONCLUSIVE : MF_ANALYSIS_FAILED;
}

static uint64_t
max_hold_us(const struct mf_analysis_tick *tick, const struct mf_analysis_metric *m)
{
	if (tick->max_hold_us > 0)
		return tick->max_hold_us;
	if (m->interval_us == 0)
		return 10 * MF_ANALYSIS_RETRY_US;
	return m->interval_us > UINT64_MAX / 10 ? UINT64_MAX : 10 * m->interval_us;
}

static void
assess_metric(const struct mf_analysis_plan *plan, struct mf_analysis_state *state, size_t i,
    bool ending, const struct mf_analysis_tick *tick)
{
	const struct mf_analysis_metric *m = &plan->metrics[i];
	struct mf_analysis_metric_state *s = &state->metrics[i];
	const bool migration = plan->profile == MF_PROFILE_MIGRATION;

	if (mf_analysis_over(s->phase))
		return;
	if (s->last != MF_ANALYSIS_PENDING)
		s->phase = by_counters(m, s, wanted_count(m, state));
	if (!mf_analysis_over(s->phase) && state->one_success &&
	    (s->successful > 0 || (m->dry_run && s->last != MF_ANALYSIS_PENDING)))
		s->phase = MF_ANALYSIS_SUCCESSFUL;
	if (!mf_analysis_over(s->phase) && s->no_data_since_us > 0 &&
	    tick->now_us >= later(s->no_data_since_us, max_hold_us(tick, m)))
		s->phase = MF_ANALYSIS_ERROR;
	if (!mf_analysis_over(s->phase) && ending)
		s->phase =
		    migration && s->count == 0 ? MF_ANALYSIS_INCONCLUSIVE : MF_ANALYSIS_SUCCESSFUL;
}

/* A metric that ended badly ends the run, which closes the others; so twice round at most. */
static void
assess(const struct mf_analysis_plan *plan, struct mf_analysis_state *state,
    const struct mf_analysis_tick *tick)
{
	enum mf_analysis_phase worst = MF_ANALYSIS_SUCCESSFUL;
	bool ending = state->terminate, all_over = true;

	for (size_t i = 0; i < plan->n_metrics; i++) {
		assess_metric(plan, state, i, false, tick);
		if (!plan->metrics[i].dry_run && mf_analysis_bad(state->metrics[i].phase))
			ending = true;
	}
	for (size_t i = 0; i < plan->n_metrics; i++) {
		if (ending)
			assess_metric(plan, state, i, true, tick);
		if (!mf_analysis_over(state->metrics[i].phase))
			all_over = false;
		else if (!plan->metrics[i].dry_run && state->metrics[i].phase > worst)
			worst = state->metrics[i].phase;
	}
	state->phase = all_over ? worst : MF_ANALYSIS_RUNNING;
}

/* One measurement into the metric's counters. */
static void
tally(struct mf_analysis_metric_state *s, enum mf_analysis_phase phase, uint64_t now_us)
{
	s->last = phase;
	s->last_us = now_us;
	if (phase == MF_ANALYSIS_ERROR) {
		s->errors++;
		s->consecutive_errors++;
		s->consecutive_successes = 0;
		return;
	}
	s->count++;
	s->consecutive_errors = 0;
	if (phase == MF_ANALYSIS_SUCCESSFUL) {
		s->successful++;
		s->consecutive_successes++;
		return;
	}
	s->consecutive_successes = 0;
	if (phase == MF_ANALYSIS_FAILED)
		s->failed++;
	else
		s->inconclusive++;
}

static bool
is_empty(const struct mf_measured *got)
{
	if (got->result != NULL)
		return got->result->kind == MF_NODE_NULL ||
		       (got->result->kind == MF_NODE_LIST && got->result->n_items == 0);
	return got->end == MF_MEASURE_NONE;
}

static void
remember_value(struct mf_analysis_metric_state *s, const struct mf_measured *got)
{
	const struct mf_node *n = got->result;

	if (n != NULL && n->kind == MF_NODE_LIST && n->n_items == 1)
		n = n->items[0];
	s->has_value =
	    (n != NULL && n->kind == MF_NODE_NUMBER) || (n == NULL && got->end == MF_MEASURE_VALUE);
	if (s->has_value)
		s->value = n != NULL ? n->number : got->value;
}

/* Ask for the metric, and for the left side of its predicate where that says more. True: leave. */
static bool
ask(const struct mf_analysis_plan *plan, const struct mf_analysis_metric *m, struct mf_act act,
    struct mf_step *step, const struct mf_measured **got, enum mf_analysis_phase *phase,
    bool *has_data)
{
	const struct mf_answer *answer, *left = NULL;

	if ((answer = mf_step_ask(step, &act)) == NULL)
		return true;
	*got = &answer->measured;
	if (plan->profile == MF_PROFILE_MIGRATION && m->predicate &&
	    answer->measured.end != MF_MEASURE_ERROR && answer->measured.end != MF_MEASURE_EARLY &&
	    is_empty(&answer->measured)) {
		act.index |= MF_ANALYSIS_INDEX_LEFT;
		if ((left = mf_step_ask(step, &act)) == NULL)
			return true;
	}
	*phase = mf_analysis_judge(
	    plan->profile, m, &answer->measured, left ? &left->measured : NULL, has_data);
	return false;
}

static bool
measure(const struct mf_analysis_plan *plan, struct mf_analysis_metric_state *s, unsigned i,
    unsigned base, uint64_t now_us, struct mf_step *step)
{
	const struct mf_act act = {.kind = MF_ACT_METRIC, .index = base + i};
	const struct mf_measured *got;
	enum mf_analysis_phase phase;
	bool has_data;

	if (ask(plan, &plan->metrics[i], act, step, &got, &phase, &has_data))
		return true;
	if (!has_data) {
		/* neither good nor bad, and asked again as after an error */
		s->last = MF_ANALYSIS_ERROR;
		s->last_us = now_us;
		if (s->no_data_since_us == 0 && got->end != MF_MEASURE_EARLY)
			s->no_data_since_us = now_us > 0 ? now_us : 1;
		return false;
	}
	if (phase != MF_ANALYSIS_ERROR)
		s->no_data_since_us = 0;
	remember_value(s, got);
	tally(s, phase, now_us);
	return false;
}

bool
mf_analysis_ask_primary(const struct mf_analysis_plan *plan, unsigned i, unsigned base,
    struct mf_step *s, enum mf_analysis_phase *phase, bool *has_data)
{
	const struct mf_act act = {.kind = MF_ACT_MEASURE_PRIMARY, .index = base + i};
	const struct mf_measured *got;

	return ask(plan, &plan->metrics[i], act, s, &got, phase, has_data);
}

/* From when on the metric's window holds no change of weights. */
static uint64_t
settled_us(const struct mf_analysis_plan *plan, const struct mf_analysis_tick *tick, size_t i)
{
	if (plan->profile != MF_PROFILE_MIGRATION || tick->changed_us == 0)
		return 0;
	return later(later(tick->changed_us, tick->settle_us), plan->metrics[i].window_us);
}

uint64_t
mf_analysis_next_us(const struct mf_analysis_plan *plan, const struct mf_analysis_state *state,
    const struct mf_analysis_tick *tick)
{
	uint64_t next_us = UINT64_MAX, us, settled;

	for (size_t i = 0; i < plan->n_metrics; i++) {
		us = due_us(plan, state, i);
		settled = settled_us(plan, tick, i);
		if (us < settled)
			us = settled;
		if (us < next_us)
			next_us = us;
	}
	return next_us;
}

bool
mf_analysis_measured_since(
    const struct mf_analysis_plan *plan, const struct mf_analysis_state *state, uint64_t since_us)
{
	for (size_t i = 0; i < plan->n_metrics; i++) {
		const struct mf_analysis_metric_state *m = &state->metrics[i];

		if (plan->metrics[i].dry_run || mf_analysis_over(m->phase))
			continue;
		if (m->last_us <= since_us || m->last == MF_ANALYSIS_ERROR)
			return false;
	}
	return true;
}

bool
mf_analysis_walk(const struct mf_analysis_plan *plan, struct mf_analysis_state *state,
    const struct mf_analysis_tick *tick, unsigned base, struct mf_step *s)
{
	bool due;

	assert(plan->n_metrics <= MF_ANALYSIS_METRICS_MAX);
	if (mf_analysis_over(state->phase))
		return false;
	if (plan->is_bad) {
		state->phase = MF_ANALYSIS_ERROR;
		return false;
	}
	if (tick->terminate)
		state->terminate = true;
	for (unsigned i = 0; i < plan->n_metrics && !state->terminate; i++) {
		const uint64_t us = due_us(plan, state, i);

		due = us != UINT64_MAX &&
		      (tick->due ? tick->due[i]
				 : us <= tick->now_us && settled_us(plan, tick, i) <= tick->now_us);
		if (due && measure(plan, &state->metrics[i], i, base, tick->now_us, s))
			return true;
	}
	assess(plan, state, tick);
	return false;
}

enum mf_step_end
mf_analysis_step(const struct mf_analysis_plan *plan, const struct mf_analysis_state *state,
    const struct mf_analysis_tick *tick, const struct mf_asked *asked, size_t n_asked,
    struct mf_analysis_state *next, struct mf_act *act)
{
	struct mf_step s = {.asked = asked, .n_asked = n_asked, .wants = act};

	*next = *state;
	return mf_analysis_walk(plan, next, tick, 0, &s) ? MF_STEP_ACT : MF_STEP_DONE;
}
