/* What holds of every run, whatever the plan says and whatever the world answers: many random
 * plans in a random world. The seed is fixed, and named where something does not hold. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "src/rollout/canary.h"

#define RUNS 6000u
#define METRICS 3u
#define HOOKS 8u

/* splitmix64 (Steele, Lea, Flood 2014). */
static uint64_t
draw(uint64_t *seed)
{
	uint64_t z = *seed += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static unsigned
below(uint64_t *seed, unsigned n)
{
	return (unsigned)(draw(seed) % n);
}

struct world {
	uint64_t seed;
	struct mf_canary_plan plan;
	struct mf_canary_metric metrics[METRICS];
	struct mf_hook hooks[HOOKS];
	unsigned weights[2];
	bool mirrored;
	unsigned trouble;  /* percent of answers that are bad */
	unsigned restarts; /* revisions, retries, hands and windows that may still come */
	unsigned n_restarts;
	/* of the tick at hand */
	enum mf_ready primary;
	unsigned measured; /* bits of metrics that had a value */
	bool promoted, scaled_down;
};

static void
make_metric(struct world *w, struct mf_canary_metric *m)
{
	*m = (struct mf_canary_metric){.name = "m", .rule = MF_RULE_VALUE};
	m->range.has_max = true;
	m->range.max = 100;
	m->on_no_data = (enum mf_no_data)below(&w->seed, 2);
	m->has_primary_query = below(&w->seed, 2) == 0;
	m->abort.has_max = below(&w->seed, 3) == 0;
	m->abort.max = 1000;
}

static void
make_plan(struct world *w, enum mf_profile profile)
{
	static const enum mf_hook_type types[HOOKS] = {MF_HOOK_ROLLOUT, MF_HOOK_CONFIRM_ROLLOUT,
	    MF_HOOK_PRE_ROLLOUT, MF_HOOK_CONFIRM_TRAFFIC_INCREASE, MF_HOOK_CONFIRM_PROMOTION,
	    MF_HOOK_ROLLBACK, MF_HOOK_POST_ROLLOUT, MF_HOOK_EVENT};
	struct mf_canary_plan *p = &w->plan;
	unsigned i, at = 0;

	for (i = 0; i < METRICS; i++)
		make_metric(w, &w->metrics[i]);
	for (i = 0; i < HOOKS; i++)
		w->hooks[i] = (struct mf_hook){.name = "h", .type = types[i]};
	*p = (struct mf_canary_plan){
	    .name = "p",
	    .namespace_name = "n",
	    .provider = below(&w->seed, 5) == 0 ? "kubernetes" : "istio",
	    .profile = profile,
	    .finish = MF_FINISH_COPY_BACK,
	    .interval_us = 60000000,
	    .threshold = 1 + below(&w->seed, 6),
	    .max_weight = 1 + below(&w->seed, 100),
	    .metrics = w->metrics,
	    .n_metrics = below(&w->seed, METRICS + 1),
	    .hooks = w->hooks,
	    .n_hooks = below(&w->seed, 3) == 0 ? HOOKS : 0,
	    .step_weight_promotion = below(&w->seed, 2) * (1 + below(&w->seed, 60)),
	    .mirror = below(&w->seed, 6) == 0,
	    .skip_analysis = below(&w->seed, 20) == 0,
	};
	if (below(&w->seed, 3) == 0)
		while (at < 100 && p->n_step_weights < 8) {
			at += 1 + below(&w->seed, 40);
			p->step_weights[p->n_step_weights++] = at > 100 ? 100 : at;
		}
	else
		p->step_weight = 1 + below(&w->seed, 60);
	if (below(&w->seed, 4) == 0) {
		p->iterations = 1 + below(&w->seed, 8);
		p->strategy = below(&w->seed, 2) == 0 ? MF_STRATEGY_AB : MF_STRATEGY_BLUE_GREEN;
	}
}

static void
make_migration(struct world *w)
{
	struct mf_canary_plan *p = &w->plan;

	make_plan(w, MF_PROFILE_MIGRATION);
	p->provider = "";
	p->finish = below(&w->seed, 4) == 0 ? MF_FINISH_COPY_BACK : MF_FINISH_STAY;
	p->max_hold_us = below(&w->seed, 2) * (1 + below(&w->seed, 12)) * 60000000u;
	p->hold_end = (enum mf_hold_end)below(&w->seed, 2);
	p->clamp_to_max_weight = below(&w->seed, 3) == 0;
	p->bake = (struct mf_bake){.duration_us = below(&w->seed, 4) * 60000000u,
	    .interval_us = 60000000,
	    .window_us = 300000000,
	    .max_failed = below(&w->seed, 3)};
	p->back = (struct mf_back_plan){.step_weight = below(&w->seed, 3) * 20,
	    .verify_for_us = below(&w->seed, 3) * 60000000u,
	    .n_fallbacks = below(&w->seed, 3)};
}

static bool
trouble(struct world *w)
{
	return below(&w->seed, 100) < w->trouble;
}

static void
measure(struct world *w, const struct mf_act *act, struct mf_measured *out)
{
	static const double values[] = {99, 150, 2000};

	out->end = MF_MEASURE_VALUE;
	out->value = 50;
	out->samples = 1000;
	if (trouble(w)) {
		out->end = (enum mf_measure_end)below(&w->seed, MF_MEASURE_ENDS);
		out->value = values[below(&w->seed, 3)];
	}
	if (act->kind == MF_ACT_METRIC && out->end == MF_MEASURE_VALUE)
		w->measured |= 1u << act->index;
}

static void
do_route(struct world *w, const struct mf_act *act, struct mf_answer *out)
{
	bool migration = w->plan.profile == MF_PROFILE_MIGRATION;
	unsigned i;

	assert_int_equal(act->primary + act->canary, 100);
	if (migration && w->primary == MF_READY_DEAD)
		assert_true(act->canary >= w->weights[1]);
	/* raising needs a fresh measurement of everything that is not optional */
	if (act->canary > w->weights[1] && w->weights[1] > 0 && migration && !act->matched &&
	    !w->plan.skip_analysis && w->n_restarts == 0)
		for (i = 0; i < w->plan.n_metrics; i++)
			assert_true((w->measured >> i & 1) != 0);
	if (trouble(w)) {
		out->end = below(&w->seed, 2) == 0 ? MF_ANSWER_CONFLICT : MF_ANSWER_FAILED;
		return;
	}
	w->weights[0] = act->primary;
	w->weights[1] = act->canary;
	w->mirrored = act->mirror;
}

static void
carry_out(struct world *w, const struct mf_act *act, struct mf_answer *out)
{
	*out = (struct mf_answer){.end = MF_ANSWER_OK};
	switch (act->kind) {
	case MF_ACT_ROUTE: do_route(w, act, out); break;
	case MF_ACT_METRIC:
	case MF_ACT_MEASURE_PRIMARY:
		assert_true(act->index < w->plan.n_metrics);
		measure(w, act, &out->measured);
		break;
	case MF_ACT_HOOK:
		assert_true(act->index < w->plan.n_hooks);
		out->status = trouble(w) ? 500 : 200;
		if (w->hooks[act->index].type == MF_HOOK_ROLLBACK)
			out->status = trouble(w) && trouble(w) ? 200 : 403;
		break;
	default:
		w->promoted |= act->kind == MF_ACT_PROMOTE;
		w->scaled_down |= act->kind == MF_ACT_SCALE_TO_ZERO;
		if (trouble(w))
			out->end = below(&w->seed, 2) == 0 ? MF_ANSWER_CONFLICT : MF_ANSWER_FAILED;
	}
}

/* Whether the state says so or not: something that can make a run longer happened. */
static bool
once_more(struct world *w, unsigned one_in)
{
	if (w->restarts == 0 || below(&w->seed, one_in) != 0)
		return false;
	w->restarts--;
	w->n_restarts++;
	return true;
}

static enum mf_ready
readiness(struct world *w)
{
	return trouble(w) ? (enum mf_ready)below(&w->seed, 3) : MF_READY;
}

static void
see(struct world *w, struct mf_canary_tick *t, const char *revision, uint64_t now_us)
{
	*t = (struct mf_canary_tick){.now_us = now_us, .revision = revision};
	t->primary = w->primary = readiness(w);
	t->canary = readiness(w);
	t->weights_unknown = trouble(w) && trouble(w);
	if (once_more(w, 20))
		t->control = (enum mf_steer)below(&w->seed, MF_STEER_RETRY + 1);
	if (once_more(w, 20))
		t->no_steps_now = true;
	if (once_more(w, 20)) {
		w->weights[1] = below(&w->seed, 101);
		w->weights[0] = 100 - w->weights[1];
	}
	t->primary_weight = w->weights[0];
	t->canary_weight = w->weights[1];
	t->mirrored = w->mirrored;
	w->measured = 0;
}

static void
tick(struct world *w, struct mf_canary_state *s, const struct mf_canary_tick *t)
{
	static struct mf_asked asked[MF_STEP_ACTS_MAX];
	struct mf_canary_state next;
	struct mf_act act;
	size_t n = 0;

	while (mf_canary_step(&w->plan, s, t, asked, n, &next, &act) == MF_STEP_ACT) {
		assert_true(n < MF_STEP_ACTS_MAX);
		asked[n].act = act;
		carry_out(w, &act, &asked[n++].answer);
	}
	*s = next;
}

/* No run is longer than this: every step of the way up, and each of them held as long as a hold
 * can be; what comes from outside (hands, windows, revisions) may make it start again. */
static unsigned
bound(const struct world *w)
{
	const struct mf_canary_plan *p = &w->plan;
	unsigned hold = (unsigned)(p->max_hold_us / p->interval_us), steps, once;

	if (hold == 0)
		hold = 10;
	steps = 104 + p->iterations + p->threshold;
	once = steps * (hold + 2) + 200;
	return once * (w->n_restarts + w->restarts + 2);
}

static void
begin(struct world *w, unsigned run, uint64_t kind)
{
	*w = (struct world){.seed = kind << 32 | run, .weights = {100, 0}};
	w->trouble = below(&w->seed, 3) * 12;
}

static const char *
revision_of(unsigned n)
{
	static const char *const revisions[] = {"B", "C", "D", "E", "F", "G", "H", "I", "J", "K"};

	return revisions[n % 10];
}

/* For who looks into a failure. */
static void
describe(const struct world *w, unsigned run, const struct mf_canary_state *s)
{
	const struct mf_canary_plan *p = &w->plan;

	print_error("run %u: phase %s hold %s reason %s result %s weights %u/%u\n"
		    "finish %d strategy %d step %u list %zu max %u iterations %u threshold %u "
		    "mirror %d skip %d metrics %zu hooks %zu bake %llu\n",
	    run, mf_phase_name(s->phase), mf_hold_name(s->hold), mf_reason_name(s->reason),
	    mf_result_name(s->result), w->weights[0], w->weights[1], (int)p->finish,
	    (int)p->strategy, p->step_weight, p->n_step_weights, p->max_weight, p->iterations,
	    p->threshold, p->mirror, p->skip_analysis, p->n_metrics, p->n_hooks,
	    (unsigned long long)p->bake.duration_us);
}

static void
run_migration(struct world *w, unsigned run)
{
	struct mf_canary_state s;
	struct mf_canary_tick t;
	uint64_t now_us = 1000;
	unsigned n, revision = 0, failed, wanted;

	make_migration(w);
	w->restarts = below(&w->seed, 2) * below(&w->seed, 5);
	mf_canary_start(&s, "B", "A");
	for (n = 0; !mf_canary_ended(&s); n++) {
		if (n >= bound(w)) {
			describe(w, run, &s);
			fail();
		}
		if (once_more(w, 40))
			revision++;
		see(w, &t, revision_of(revision), now_us);
		t.urgent = t.control == MF_STEER_NONE && once_more(w, 20);
		failed = s.failed_checks;
		wanted = s.weight;
		tick(w, &s, &t);
		/* a look between two ticks counts no check that the next tick counts, too */
		if (t.urgent && t.canary_weight <= wanted)
			assert_true(s.failed_checks <= failed);
		now_us += w->plan.interval_us;
	}
	assert_int_not_equal(s.result, MF_RESULT_NONE);
	if (s.result == MF_RESULT_ROLLED_BACK)
		assert_int_equal(w->weights[1], 0);
	if (w->plan.finish == MF_FINISH_STAY && s.result == MF_RESULT_SUCCEEDED) {
		assert_int_equal(w->weights[1], 100);
		assert_false(w->promoted);
		assert_false(w->scaled_down);
	}
}

static void
test_migrations(void **state)
{
	struct world w;
	unsigned run;

	(void)state;
	for (run = 0; run < RUNS; run++) {
		begin(&w, run, 1);
		run_migration(&w, run);
	}
}

/* Flagger's may wait for ever; but the weights add up, and a failed run leaves none. */
static void
run_canary(struct world *w)
{
	struct mf_canary_state s = {.phase = MF_PHASE_SUCCEEDED, .applied = "A", .promoted = "A"};
	struct mf_canary_tick t;
	unsigned n, revision = 0;
	enum mf_phase before;

	make_plan(w, MF_PROFILE_FLAGGER);
	for (n = 0; n < 60; n++) {
		revision += below(&w->seed, 30) == 0;
		see(w, &t, revision_of(revision), n * w->plan.interval_us);
		before = s.phase;
		tick(w, &s, &t);
		if (s.phase == MF_PHASE_FAILED && before == MF_PHASE_PROGRESSING)
			assert_true(w->weights[1] == 0 || strcmp(w->plan.provider, "istio") != 0);
		assert_true(s.iterations >= -1);
	}
}

static void
test_canaries(void **state)
{
	struct world w;
	unsigned run;

	(void)state;
	for (run = 0; run < RUNS; run++) {
		begin(&w, run, 2);
		run_canary(&w);
	}
}

/* In a world without trouble every migration succeeds, in the time that its steps take. */
static void
test_healthy(void **state)
{
	struct mf_canary_state s;
	struct mf_canary_tick t;
	struct world w;
	unsigned run, n;

	(void)state;
	for (run = 0; run < RUNS; run++) {
		begin(&w, run, 3);
		w.trouble = 0;
		make_migration(&w);
		mf_canary_start(&s, "B", "A");
		for (n = 0; n < 120 + w.plan.iterations && !mf_canary_ended(&s); n++) {
			see(&w, &t, "B", n * w.plan.interval_us);
			tick(&w, &s, &t);
		}
		if (s.result != MF_RESULT_SUCCEEDED) {
			describe(&w, run, &s);
			fail();
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_migrations),
	    cmocka_unit_test(test_canaries),
	    cmocka_unit_test(test_healthy),
	};

	return cmocka_run_group_tests_name("properties of canaries", tests, NULL, NULL);
}
