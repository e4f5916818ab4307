/* A router that is several proxies, which disagree with what the run wrote or with each other, or
 * of which one does not answer. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "src/rollout/canary.h"

#define MINUTE_US UINT64_C(60000000)
#define PROXIES 2u

/* Proxies, of which one may be gone, and a run that tells them. */
struct world {
	struct mf_canary_plan plan;
	struct mf_canary_state state, before; /* before: of the last tick, before its last act */
	unsigned canary[PROXIES];
	bool gone[PROXIES];
	enum mf_steer control;
	enum mf_measure_end measure_end;
	bool urgent;
	uint64_t now_us;
	char did[1024]; /* of the last tick: "route:40 alert:held: ... " */
};

static const struct mf_canary_metric metrics[] = {
    {.name = "accuracy",
	.rule = MF_RULE_VALUE,
	.range = {.has_min = true, .min = 90},
	.on_no_data = MF_NO_DATA_HOLD},
};

static struct world
begin(void)
{
	struct world w = {
	    .plan = {.name = "p",
		.namespace_name = "n",
		.provider = "",
		.profile = MF_PROFILE_MIGRATION,
		.finish = MF_FINISH_STAY,
		.interval_us = MINUTE_US,
		.threshold = 2,
		.max_weight = 60,
		.step_weight = 30,
		.max_hold_us = 6 * MINUTE_US,
		.metrics = metrics,
		.n_metrics = 1,
		.bake = {.duration_us = 2 * MINUTE_US, .interval_us = MINUTE_US}},
	    .now_us = MINUTE_US,
	};

	mf_canary_start(&w.state, "v2", "v1");
	return w;
}

static bool
any_gone(const struct world *w)
{
	return w->gone[0] || w->gone[1];
}

static void
see(const struct world *w, struct mf_canary_tick *t)
{
	unsigned i, least = 100;

	*t = (struct mf_canary_tick){.now_us = w->now_us,
	    .revision = "v2",
	    .control = w->control,
	    .urgent = w->urgent,
	    .some_missing = any_gone(w)};
	t->weights_unknown = w->gone[0] && w->gone[1];
	for (i = 0; i < PROXIES; i++) {
		if (w->gone[i])
			continue;
		if (w->canary[i] > t->canary_weight)
			t->canary_weight = w->canary[i];
		if (w->canary[i] < least)
			least = w->canary[i];
	}
	t->primary_weight = 100 - t->canary_weight;
	t->canary_spread = t->weights_unknown ? 0 : t->canary_weight - least;
}

/* As mf_router_ops.set: up on all or none, back where that can be. */
static enum mf_answer_end
route(struct world *w, unsigned canary)
{
	unsigned i;

	for (i = 0; i < PROXIES; i++)
		if (any_gone(w) && !w->gone[i] && canary > w->canary[i])
			return MF_ANSWER_FAILED;
	for (i = 0; i < PROXIES; i++)
		if (!w->gone[i])
			w->canary[i] = canary;
	return any_gone(w) ? MF_ANSWER_FAILED : MF_ANSWER_OK;
}

static void
carry_out(struct world *w, const struct mf_act *act, struct mf_answer *out)
{
	const size_t n = strlen(w->did);

	*out = (struct mf_answer){.end = MF_ANSWER_OK};
	switch (act->kind) {
	case MF_ACT_ROUTE:
		out->end = route(w, act->canary);
		(void)snprintf(w->did + n, sizeof w->did - n, "route:%u%s ", act->canary,
		    out->end == MF_ANSWER_OK ? "" : ":failed");
		break;
	case MF_ACT_ALERT:
		(void)snprintf(w->did + n, sizeof w->did - n, "alert:%s ", act->why);
		break;
	case MF_ACT_METRIC:
		out->measured = (struct mf_measured){.end = w->measure_end, .value = 95};
		break;
	default: break;
	}
}

static void
tick(struct world *w)
{
	static struct mf_asked asked[MF_STEP_ACTS_MAX];
	struct mf_canary_state next;
	struct mf_canary_tick t;
	struct mf_act act;
	size_t n = 0;

	see(w, &t);
	w->did[0] = '\0';
	while (mf_canary_step(&w->plan, &w->state, &t, asked, n, &next, &act) == MF_STEP_ACT) {
		assert_true(n < MF_STEP_ACTS_MAX);
		w->before = next;
		asked[n].act = act;
		carry_out(w, &act, &asked[n++].answer);
	}
	w->state = next;
	w->control = MF_STEER_NONE;
	w->now_us += MINUTE_US;
}

static void
assert_weights(const struct world *w, unsigned first, unsigned second)
{
	assert_int_equal(w->canary[0], first);
	assert_int_equal(w->canary[1], second);
}

#define assert_did(w, what) assert_non_null(strstr((w)->did, what))

/* One is gone on the way up: no step, a failed check a tick, and told once. */
static void
test_missing_going_up(void **state)
{
	struct world w = begin();

	(void)state;
	tick(&w);
	assert_weights(&w, 30, 30);
	w.gone[1] = true;
	w.urgent = true;
	tick(&w); /* between two ticks nothing is counted */
	assert_int_equal(w.state.failed_checks, 0);
	assert_int_equal(w.state.hold, MF_HOLD_ROUTER);
	assert_did(&w, "alert:held: the router");
	w.urgent = false;
	tick(&w);
	assert_int_equal(w.state.failed_checks, 1);
	assert_string_equal(w.did, "");
	assert_weights(&w, 30, 30);
	w.gone[1] = false;
	tick(&w);
	assert_weights(&w, 60, 60);
	assert_int_equal(w.state.hold, MF_HOLD_NONE);
}

/* It stays away: the threshold turns back, those that answer first, and then the rest. */
static void
test_missing_turns_back(void **state)
{
	struct world w = begin();

	(void)state;
	tick(&w);
	w.gone[1] = true;
	tick(&w);
	tick(&w);
	assert_int_equal(w.state.reason, MF_REASON_THRESHOLD);
	assert_weights(&w, 0, 30);
	assert_int_equal(w.state.phase, MF_PHASE_PROGRESSING);
	tick(&w);
	assert_did(&w, "route:0:failed");
	w.gone[1] = false;
	tick(&w);
	assert_weights(&w, 0, 0);
	assert_int_equal(w.state.weight, 0);
	while (!mf_canary_ended(&w.state))
		tick(&w);
	assert_weights(&w, 0, 0);
}

/* It never comes back: a person is needed, who is told. */
static void
test_missing_for_ever(void **state)
{
	struct world w = begin();
	unsigned n;

	(void)state;
	tick(&w);
	w.gone[1] = true;
	for (n = 0; n < 20 && !mf_canary_ended(&w.state); n++)
		tick(&w);
	assert_int_equal(w.state.result, MF_RESULT_PERSON_NEEDED);
	assert_did(&w, "alert:traffic cannot be moved back");
	assert_weights(&w, 0, 30);
}

/* Nothing has moved yet: that is no failure, and no step. */
static void
test_missing_before_the_first_step(void **state)
{
	struct world w = begin();

	(void)state;
	w.gone[0] = true;
	tick(&w);
	tick(&w);
	tick(&w);
	assert_int_equal(w.state.failed_checks, 0);
	assert_weights(&w, 0, 0);
	w.gone[0] = false;
	tick(&w);
	assert_weights(&w, 30, 30);
}

/* The one that answers was reset to less, while the other, that does not, may have what it had. */
static void
test_missing_and_lowered(void **state)
{
	struct world w = begin();

	(void)state;
	tick(&w);
	w.gone[1] = true;
	w.canary[0] = 0;
	tick(&w);
	assert_int_equal(w.state.weight, 30);
	w.gone[1] = false;
	tick(&w);
	assert_int_equal(w.state.hold, MF_HOLD_LOWERED);
	assert_weights(&w, 0, 30);
}

/* One of them was loaded again, and gives the canary nothing: never raised, until --continue. */
static void
test_one_lowered(void **state)
{
	struct world w = begin();

	(void)state;
	tick(&w);
	w.canary[1] = 0;
	tick(&w);
	assert_string_equal(w.did, "alert:held: somebody lowered the canary's weight ");
	tick(&w);
	assert_weights(&w, 30, 0);
	assert_int_equal(w.state.failed_checks, 0);
	w.control = MF_STEER_CONTINUE;
	tick(&w);
	assert_weights(&w, 30, 30);
	tick(&w);
	assert_weights(&w, 60, 60);
}

/* All of them: going on is from there. */
static void
test_all_lowered(void **state)
{
	struct world w = begin();

	(void)state;
	tick(&w);
	tick(&w);
	assert_weights(&w, 60, 60);
	w.canary[0] = 20;
	w.canary[1] = 10;
	tick(&w);
	assert_int_equal(w.state.hold, MF_HOLD_LOWERED);
	assert_int_equal(w.state.weight, 60);
	w.control = MF_STEER_CONTINUE;
	tick(&w);
	assert_weights(&w, 20, 20);
	assert_int_equal(w.state.weight, 20);
	tick(&w);
	assert_weights(&w, 50, 50);
}

/* A canary without requests has no numbers: people are told what is behind that. */
static void
test_lowered_without_data(void **state)
{
	struct world w = begin();

	(void)state;
	tick(&w);
	w.canary[0] = w.canary[1] = 10;
	w.measure_end = MF_MEASURE_NONE;
	tick(&w);
	assert_int_equal(w.state.hold, MF_HOLD_LOWERED);
	assert_did(&w, "alert:held: somebody lowered");
}

/* Back by steps: a proxy that has less already is not raised by that. */
static void
test_back_raises_nobody(void **state)
{
	struct world w = begin();

	(void)state;
	w.plan.back.step_weight = 10;
	tick(&w);
	w.canary[1] = 5;
	w.control = MF_STEER_ABORT;
	tick(&w);
	assert_weights(&w, 5, 5);
	tick(&w);
	assert_weights(&w, 0, 0);
}

/* One gives the canary more: all are written back at once, and it is a failed check. */
static void
test_one_raised(void **state)
{
	struct world w = begin();

	(void)state;
	tick(&w);
	w.canary[1] = 72;
	tick(&w);
	assert_string_equal(w.did, "route:30 alert:the router gave the canary more than wanted ");
	assert_weights(&w, 30, 30);
	assert_int_equal(w.state.failed_checks, 1);
}

/* More, and it cannot be written back everywhere: that is not taken for what is wanted. */
static void
test_raised_and_missing(void **state)
{
	struct world w = begin();

	(void)state;
	w.plan.threshold = 5;
	tick(&w);
	w.canary[1] = 72;
	w.gone[0] = true;
	tick(&w);
	assert_did(&w, "route:30:failed");
	assert_weights(&w, 30, 30);
	assert_int_equal(w.state.weight, 30);
	w.gone[0] = false;
	tick(&w);
	assert_weights(&w, 60, 60);
}

/* While it waits for the canary to be lowered somebody turns it back: status shows what is. */
static void
test_lowered_and_turned_back(void **state)
{
	struct world w = begin();

	(void)state;
	tick(&w);
	w.canary[0] = w.canary[1] = 0;
	tick(&w);
	w.control = MF_STEER_ABORT;
	tick(&w);
	assert_int_equal(w.state.weight, 0);
}

/* Who pauses it sees that, also in the tick whose window has not settled. */
static void
test_paused(void **state)
{
	struct world w = begin();

	(void)state;
	tick(&w);
	w.control = MF_STEER_PAUSE;
	w.measure_end = MF_MEASURE_EARLY;
	tick(&w);
	assert_int_equal(w.state.hold, MF_HOLD_PAUSED);
	tick(&w);
	assert_int_equal(w.state.hold, MF_HOLD_PAUSED);
	w.control = MF_STEER_CONTINUE;
	tick(&w);
	assert_int_equal(w.state.hold, MF_HOLD_SETTLING);
	assert_weights(&w, 30, 30);
}

/* Those who watch see how far a tick has come before each of its acts. */
static void
test_seen_within(void **state)
{
	struct world w = begin();

	(void)state;
	tick(&w);
	w.control = MF_STEER_ABORT;
	tick(&w);
	assert_weights(&w, 0, 0);
	assert_int_equal(w.before.phase, MF_PHASE_ROLLING_BACK);
	assert_int_equal(w.before.reason, MF_REASON_BY_HAND);
	assert_int_equal(w.before.weight, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_missing_going_up),
	    cmocka_unit_test(test_missing_turns_back),
	    cmocka_unit_test(test_missing_for_ever),
	    cmocka_unit_test(test_missing_before_the_first_step),
	    cmocka_unit_test(test_missing_and_lowered),
	    cmocka_unit_test(test_one_lowered),
	    cmocka_unit_test(test_all_lowered),
	    cmocka_unit_test(test_lowered_without_data),
	    cmocka_unit_test(test_back_raises_nobody),
	    cmocka_unit_test(test_one_raised),
	    cmocka_unit_test(test_raised_and_missing),
	    cmocka_unit_test(test_lowered_and_turned_back),
	    cmocka_unit_test(test_paused),
	    cmocka_unit_test(test_seen_within),
	};

	return cmocka_run_group_tests_name("canaries behind several proxies", tests, NULL, NULL);
}
