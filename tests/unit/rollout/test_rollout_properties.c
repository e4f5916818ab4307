/* What holds for all Rollouts: random plans, random passes, from seeds that a failure names. */
#include "src/rollout/rollout_state.h"
#include "tests/unit/rollout/rollout_world.h"

#define PLANS 3000u
#define PASSES 40u
#define STEPS 12u

static uint64_t seed;

/* splitmix64 */
static uint64_t
next_random(void)
{
	uint64_t x = (seed += UINT64_C(0x9e3779b97f4a7c15));

	x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
	return x ^ (x >> 31);
}

static unsigned
below(unsigned n)
{
	return (unsigned)(next_random() % n);
}

static bool
one_in(unsigned n)
{
	return below(n) == 0;
}

/* A plan, and all that it points to. */
struct random_plan {
	struct mf_rollout_plan plan;
	struct mf_rollout_step steps[STEPS];
	struct mf_analysis_metric metrics[2];
	struct mf_analysis_plan ending, endless;
	const struct mf_analysis_plan *analyses[2];
};

static void
random_analyses(struct random_plan *p)
{
	p->metrics[0] = (struct mf_analysis_metric){.name = "ends",
	    .query = {.type = MF_PROVIDER_JOB},
	    .interval_us = 20 * SECOND,
	    .count = 1 + below(3),
	    .failure_limit = (int)below(2),
	    .inconclusive_limit = (int)below(2),
	    .consecutive_error_limit = (int)below(4)};
	p->metrics[0].has_primary_query = one_in(2);
	p->metrics[1] = p->metrics[0];
	p->metrics[1].name = "endless";
	p->metrics[1].has_primary_query = one_in(2);
	p->metrics[1].count = 0;
	p->metrics[1].dry_run = one_in(4);
	p->ending = (struct mf_analysis_plan){.name = "ending",
	    .profile = p->plan.profile,
	    .metrics = &p->metrics[0],
	    .n_metrics = 1};
	p->endless = p->ending;
	p->endless.n_metrics = 2;
	p->analyses[0] = &p->ending;
	p->analyses[1] = &p->endless;
	p->plan.analyses = p->analyses;
	p->plan.n_analyses = 2;
}

static void
random_step(struct mf_rollout_step *s)
{
	static const enum mf_rollout_step_kind kinds[] = {MF_ROLLOUT_SET_WEIGHT,
	    MF_ROLLOUT_SET_WEIGHT, MF_ROLLOUT_SET_WEIGHT, MF_ROLLOUT_PAUSE, MF_ROLLOUT_PAUSE,
	    MF_ROLLOUT_ANALYSIS, MF_ROLLOUT_SET_CANARY_SCALE, MF_ROLLOUT_SET_HEADER_ROUTE};

	*s = (struct mf_rollout_step){.kind = kinds[below(ROWS(kinds))],
	    .weight = below(101),
	    .forever = one_in(3),
	    .pause_us = below(120) * SECOND,
	    .route = "r"};
}

static void
random_plan(struct random_plan *p)
{
	struct mf_rollout_plan *r = &p->plan;

	memset(p, 0, sizeof *p);
	*r = (struct mf_rollout_plan){.name = "random",
	    .profile = one_in(2) ? MF_PROFILE_ARGO : MF_PROFILE_MIGRATION,
	    .finish = one_in(2) ? MF_FINISH_STAY : MF_FINISH_COPY_BACK,
	    .strategy = one_in(4) ? MF_ROLLOUT_BLUE_GREEN : MF_ROLLOUT_CANARY,
	    .background = one_in(2) ? MF_ROLLOUT_NO_ANALYSIS : 1,
	    .pre_promotion = one_in(2) ? MF_ROLLOUT_NO_ANALYSIS : 0,
	    .post_promotion = one_in(2) ? MF_ROLLOUT_NO_ANALYSIS : 0,
	    .auto_promotion = one_in(2),
	    .auto_promotion_us = below(2) * 30 * SECOND,
	    .progress_deadline_us = 60 * SECOND,
	    .progress_deadline_abort = one_in(2),
	    .scale_down_delay_us = below(60) * SECOND,
	    .abort_scale_down = one_in(2),
	    .abort_scale_down_delay_us = below(60) * SECOND,
	    .rollback_window = below(3),
	    .bake = {.duration_us = below(2) * 300 * SECOND,
		.interval_us = 60 * SECOND,
		.window_us = 120 * SECOND,
		.max_failed = below(2)},
	    .back = {.verify_for_us = below(2) * 60 * SECOND, .n_fallbacks = below(3)},
	    .interval_us = 10 * SECOND,
	    .hold_end = one_in(2) ? MF_HOLD_ROLLBACK : MF_HOLD_ALERT};
	random_analyses(p);
	if (r->strategy == MF_ROLLOUT_BLUE_GREEN)
		r->background = MF_ROLLOUT_NO_ANALYSIS;
	else
		r->n_steps = below(STEPS + 1);
	for (size_t i = 0; i < r->n_steps; i++)
		random_step(&p->steps[i]);
	r->starting_step = below(3);
	r->steps = p->steps;
}

static void
random_tick(struct world *w)
{
	static const char *const verdicts[] = {
	    "complete", "complete", "complete", "complete", "failed", "imagepull"};
	static const enum mf_steer controls[] = {MF_STEER_PROMOTE, MF_STEER_PROMOTE,
	    MF_STEER_PROMOTE_FULL, MF_STEER_ABORT, MF_STEER_PAUSE, MF_STEER_CONTINUE,
	    MF_STEER_RETRY};
	struct mf_rollout_tick *t = &w->tick;

	w->verdict.text = verdicts[below(ROWS(verdicts))];
	w->primary_verdict.text = verdicts[below(ROWS(verdicts))];
	w->primary_end = one_in(8) ? MF_MEASURE_ERROR : MF_MEASURE_VALUE;
	w->fallback_end = one_in(8) ? MF_ANSWER_FAILED : MF_ANSWER_OK;
	w->measure_end = one_in(8) ? MF_MEASURE_ERROR : MF_MEASURE_VALUE;
	w->route_end = one_in(10) ? MF_ANSWER_FAILED : MF_ANSWER_OK;
	w->promote_end = one_in(4) ? MF_ANSWER_FAILED : MF_ANSWER_OK;
	w->reference_end = one_in(4) ? MF_ANSWER_FAILED : MF_ANSWER_OK;
	if (one_in(5))
		t->control = controls[below(ROWS(controls))];
	if (one_in(15))
		t->revision = one_in(2) ? "C" : "A";
	t->canary = one_in(10) ? MF_READY_WAIT : MF_READY;
	t->canary_gone = one_in(20);
	t->primary = one_in(15) ? MF_READY_DEAD : MF_READY;
	t->no_steps_now = one_in(15);
	t->weight_known = one_in(3);
	t->canary_weight = one_in(8) ? below(101) : w->state.weight;
	t->some_missing = one_in(10);
	/* those that do not answer have what they were told */
	if (t->weight_known && !(t->some_missing && t->canary_weight < w->state.weight))
		w->routed = t->canary_weight;
	t->canary_spread = t->weight_known && one_in(10) ? below(t->canary_weight + 1) : 0;
}

/* Of a migration, where the way back is ours. */
static void
check_way_back(
    const struct world *w, const struct mf_rollout_state *before, const struct mf_rollout_tick *saw)
{
	const struct mf_rollout_state *s = &w->state;

	/* nothing is raised while a fault is shared, or a proxy does not answer */
	if (before->shared != 0 && s->shared != 0)
		assert_true(s->weight <= before->weight);
	if (saw->some_missing)
		assert_true(s->weight <= before->weight);
	/* no traffic to a side that has no capacity */
	if (before->aborted && s->aborted && saw->primary == MF_READY_DEAD)
		assert_int_equal(s->weight, before->weight);
	/* 8 means that the primary was measured, where anybody asked for it */
	if (s->result == MF_RESULT_ROLLED_BACK && w->plan.back.verify_for_us > 0)
		assert_true(s->back.verify_measured);
	if (s->result == MF_RESULT_ROLLED_BACK)
		assert_false(s->back.failed);
	assert_true(s->back.fallback <= w->plan.back.n_fallbacks);
}

/* Whoever goes on with it reads what this one wrote down. */
static void
check_reads_back(const struct mf_rollout_state *s)
{
	struct mf_region *memory = trees_region();
	struct mf_buf first = MF_BUF_INIT, second = MF_BUF_INIT;
	struct mf_rollout_state back;
	struct mf_error e = {0};

	mf_rollout_state_put(&first, s);
	if (mf_rollout_state_read(&back, tree_of(memory, mf_buf_cstr(&first)), &e) != 0)
		fail_msg("%s: %s", e.message, mf_buf_cstr(&first));
	mf_rollout_state_put(&second, &back);
	assert_string_equal(mf_buf_cstr(&first), mf_buf_cstr(&second));
	mf_buf_fini(&first);
	mf_buf_fini(&second);
	mf_region_free(memory);
}

/* What a pass may not do, whatever happens in it. */
static void
check_pass(const struct world *w, const struct mf_rollout_state *before, enum mf_steer control,
    bool new_revision)
{
	const struct mf_rollout_state *s = &w->state;
	const bool stays = w->plan.finish == MF_FINISH_STAY;
	static unsigned passes;

	if (passes++ % 64 == 0)
		check_reads_back(s);
	assert_true(s->step <= (w->plan.strategy == MF_ROLLOUT_BLUE_GREEN ? MF_BLUEGREEN_END
									  : w->plan.n_steps));
	if (before->aborted && control != MF_STEER_RETRY && !new_revision) {
		assert_true(s->aborted);
		assert_int_equal(s->phase, MF_ROLLOUT_DEGRADED);
		assert_true(s->weight <= before->weight);
	}
	if (before->phase == MF_ROLLOUT_SUCCEEDED) {
		assert_int_equal(s->phase, MF_ROLLOUT_SUCCEEDED);
		assert_string_equal(w->did, "");
	}
	if (stays) {
		assert_null(strstr(w->did, "promote"));
		if (s->phase == MF_ROLLOUT_SUCCEEDED)
			assert_int_equal(s->weight, 100);
	} else {
		assert_null(strstr(w->did, "reference "));
	}
	/* no leap behind the last step of one run */
	if (stays && before->on_from_last && s->on_from_last && !s->full && !new_revision &&
	    control != MF_STEER_RETRY && mf_rollout_increment(&w->plan) > 0)
		assert_true(s->weight <= before->weight + mf_rollout_increment(&w->plan));
	if (!s->weight_unsure && s->scaled_up && !s->aborted && !mf_rollout_ended(s))
		assert_int_equal(s->weight, w->routed);
	assert_true(mf_rollout_next_us(&w->plan, s, w->tick.now_us) > w->tick.now_us);
	assert_non_null(mf_rollout_waits_for(&w->plan, s));
}

static void
random_pass(struct world *w)
{
	const struct mf_rollout_state before = w->state;
	struct mf_rollout_tick saw;
	enum mf_steer control;
	const char *revision;

	random_tick(w);
	saw = w->tick;
	control = w->tick.control;
	revision = w->tick.revision;
	world_pass(w, below(100));
	if (w->plan.profile == MF_PROFILE_MIGRATION)
		check_way_back(w, &before, &saw);
	check_pass(w, &before, control, revision != NULL && strcmp(revision, before.current) != 0);
}

static void
all_good(struct world *w)
{
	w->verdict.text = "complete";
	w->measure_end = MF_MEASURE_VALUE;
	w->primary_verdict.text = "complete";
	w->primary_end = MF_MEASURE_VALUE;
	w->route_end = w->promote_end = w->reference_end = w->fallback_end = MF_ANSWER_OK;
	world_reset_tick(w);
}

static void
start(struct world *w, struct random_plan *p, unsigned i)
{
	seed = i;
	random_plan(p);
	world_init(w, &p->plan);
	for (unsigned k = below(PASSES); k > 0; k--)
		random_pass(w);
	all_good(w);
}

static struct world w;
static struct random_plan p;

/* Wherever it stands: aborted, the canary has nothing, and nothing goes on by itself. */
static void
abort_means_zero(void **state)
{
	(void)state;
	for (unsigned i = 1; i <= PLANS; i++) {
		start(&w, &p, i);
		if (mf_rollout_ended(&w.state) && !w.state.aborted)
			continue;
		world_control(&w, MF_STEER_ABORT);
		if (strcmp(w.state.current, w.state.stable) == 0)
			continue; /* it was over already */
		if (w.state.phase != MF_ROLLOUT_DEGRADED || w.state.weight != 0 || w.routed != 0)
			fail_msg("seed %u: %s at %u", i, mf_rollout_phase_name(w.state.phase),
			    w.state.weight);
		for (unsigned k = 0; k < 3; k++) {
			world_pass(&w, 10000);
			assert_int_equal(w.state.phase, MF_ROLLOUT_DEGRADED);
			assert_int_equal(w.routed, 0);
		}
		assert_true(mf_rollout_ended(&w.state));
	}
}

/* Somebody promotes whenever it pauses, and all is well: it ends. Each step takes its own passes
 * (three for an analysis of three measurements), then at most 100 weights and the bake. */
static void
promoted_it_ends(void **state)
{
	unsigned passes, bound;

	(void)state;
	for (unsigned i = 1; i <= PLANS; i++) {
		start(&w, &p, i);
		bound = 5 * (unsigned)p.plan.n_steps + 2 * 100 + 20;
		for (passes = 0; w.state.undoing && passes < 20; passes++) /* no retry before */
			world_pass(&w, 121);
		world_control(&w, w.state.aborted ? MF_STEER_RETRY : MF_STEER_CONTINUE);
		for (passes = 0; !mf_rollout_ended(&w.state) && passes < bound; passes++) {
			if (w.state.pauses != 0)
				w.tick.control = MF_STEER_PROMOTE;
			world_pass(&w, 121);
		}
		if (passes == bound)
			fail_msg("seed %u: %s, step %u of %zu, weight %u, %s", i,
			    mf_rollout_phase_name(w.state.phase), w.state.step, p.plan.n_steps,
			    w.state.weight, mf_rollout_waits_for(&w.plan, &w.state));
		assert_false(w.state.aborted);
		assert_string_equal(w.state.stable, w.state.current);
	}
}

/* The same at once. */
static void
promoted_in_full_it_ends(void **state)
{
	unsigned passes;

	(void)state;
	for (unsigned i = 1; i <= PLANS; i++) {
		start(&w, &p, i);
		if (w.state.aborted)
			world_control(&w, MF_STEER_RETRY);
		world_control(&w, MF_STEER_PROMOTE_FULL);
		for (passes = 0; !mf_rollout_ended(&w.state) && passes < 12; passes++)
			world_pass(&w, 121);
		if (!mf_rollout_ended(&w.state))
			fail_msg("seed %u: %s at %u", i, mf_rollout_phase_name(w.state.phase),
			    w.state.weight);
	}
}

/* A migration that nobody helps ends, too, unless the plan says that it only tells people. */
static void
no_hold_is_for_ever(void **state)
{
	unsigned passes;

	(void)state;
	for (unsigned i = 1; i <= PLANS; i++) {
		start(&w, &p, i);
		if (p.plan.profile != MF_PROFILE_MIGRATION || p.plan.hold_end != MF_HOLD_ROLLBACK)
			continue;
		for (passes = 0; !mf_rollout_ended(&w.state) && passes < 500; passes++)
			world_pass(&w, 121);
		if (!mf_rollout_ended(&w.state))
			fail_msg("seed %u: %s at %u, %s", i, mf_rollout_phase_name(w.state.phase),
			    w.state.weight, mf_rollout_waits_for(&w.plan, &w.state));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(abort_means_zero),
	    cmocka_unit_test(promoted_it_ends),
	    cmocka_unit_test(promoted_in_full_it_ends),
	    cmocka_unit_test(no_hold_is_for_ever),
	};

	return cmocka_run_group_tests_name("rollout properties", tests, NULL, NULL);
}
