/* Blue/green of a Rollout. */
#include "tests/unit/rollout/rollout_world.h"

static const struct mf_analysis_metric jobs[] = {
    {.name = "job", .query = {.type = MF_PROVIDER_JOB}, .consecutive_error_limit = 4}};
static const struct mf_analysis_plan pre = {.name = "pre", .metrics = jobs, .n_metrics = 1};
static const struct mf_analysis_plan post = {.name = "post", .metrics = jobs, .n_metrics = 1};
static const struct mf_analysis_plan *const analyses[] = {&pre, &post};

static struct mf_rollout_plan
plan_of(bool with_analyses)
{
	return (struct mf_rollout_plan){.name = "r",
	    .profile = MF_PROFILE_ARGO,
	    .finish = MF_FINISH_COPY_BACK,
	    .strategy = MF_ROLLOUT_BLUE_GREEN,
	    .analyses = analyses,
	    .n_analyses = ROWS(analyses),
	    .background = MF_ROLLOUT_NO_ANALYSIS,
	    .pre_promotion = with_analyses ? 0 : MF_ROLLOUT_NO_ANALYSIS,
	    .post_promotion = with_analyses ? 1 : MF_ROLLOUT_NO_ANALYSIS,
	    .auto_promotion = true,
	    .progress_deadline_us = 600 * SECOND,
	    .scale_down_delay_us = 30 * SECOND,
	    .abort_scale_down = true,
	    .abort_scale_down_delay_us = 30 * SECOND};
}

static struct world w;

static void
switches(void **state)
{
	struct mf_rollout_plan plan = plan_of(false);

	(void)state;
	world_init(&w, &plan);
	w.tick.canary = MF_READY_WAIT;
	world_pass(&w, 1);
	assert_world(&w, MF_BLUEGREEN_UP, 0, "Progressing");
	world_pass(&w, 1);
	assert_string_equal(w.did, "route:100 promote route:0 ");
	assert_world(&w, MF_BLUEGREEN_END, 0, "Healthy");
	assert_string_equal(w.state.stable, "B");
	/* back to the one before while it is still up */
	plan.auto_promotion = false;
	w.plan = plan;
	w.tick.revision = "A";
	world_pass(&w, 29);
	assert_world(&w, MF_BLUEGREEN_END, 0, "Healthy");
	assert_string_equal(w.state.stable, "A");
	world_pass(&w, 30);
	assert_string_equal(w.did, "scaleToZero ");
	w.tick.revision = "B"; /* no more */
	world_pass(&w, 1);
	assert_world(&w, MF_BLUEGREEN_PAUSE, 0, "Paused");
}

static void
pauses(void **state)
{
	struct mf_rollout_plan plan = plan_of(false);

	(void)state;
	plan.auto_promotion = false;
	world_init(&w, &plan);
	world_pass(&w, 1);
	world_pass(&w, 86400);
	assert_world(&w, MF_BLUEGREEN_PAUSE, 0, "Paused");
	world_control(&w, MF_STEER_PROMOTE);
	assert_world(&w, MF_BLUEGREEN_END, 0, "Healthy");
	plan.auto_promotion_us = 60 * SECOND;
	world_init(&w, &plan);
	world_pass(&w, 1);
	assert_int_equal(
	    mf_rollout_next_us(&w.plan, &w.state, w.tick.now_us), w.tick.now_us + 60 * SECOND);
	world_pass(&w, 60);
	assert_world(&w, MF_BLUEGREEN_PAUSE, 0, "Paused");
	world_pass(&w, 1);
	assert_world(&w, MF_BLUEGREEN_END, 0, "Healthy");
}

static void
looks_before_and_after(void **state)
{
	const struct mf_rollout_plan plan = plan_of(true);

	(void)state;
	world_init(&w, &plan);
	w.verdict.text = "failed";
	world_pass(&w, 1);
	assert_world(&w, 0, 0, "Degraded");
	assert_int_equal(w.n_routes, 0); /* the active side was never touched */
	world_pass(&w, 30);
	assert_string_equal(w.did, "scaleToZero ");
	w.verdict.text = "imagepull";
	world_control(&w, MF_STEER_RETRY);
	assert_world(&w, MF_BLUEGREEN_PRE, 0, "Paused");
	w.verdict.text = "complete";
	w.measure_end = MF_MEASURE_ERROR;
	world_control(&w, MF_STEER_PROMOTE);
	assert_world(&w, MF_BLUEGREEN_PRE, 0, "Progressing");
	w.tick.analysis = MF_ANALYSIS_SUCCESSFUL;
	world_pass(&w, 1); /* the second look errs, too */
	assert_world(&w, MF_BLUEGREEN_POST, 100, "Progressing");
	w.measure_end = MF_MEASURE_VALUE;
	w.verdict.text = "failed";
	world_pass(&w, 11);
	assert_world(&w, 0, 0, "Degraded");
	assert_string_equal(w.did, "metric alert route:0 ");
	w.verdict.text = "complete";
	world_control(&w, MF_STEER_RETRY);
	assert_world(&w, MF_BLUEGREEN_END, 0, "Healthy");
	assert_string_equal(w.did, "scaleUp metric route:100 metric promote route:0 ");
}

static void
stays(void **state)
{
	struct mf_rollout_plan plan = plan_of(true);

	(void)state;
	plan.profile = MF_PROFILE_MIGRATION;
	plan.finish = MF_FINISH_STAY;
	plan.bake = (struct mf_bake){.duration_us = 60 * SECOND, .interval_us = 30 * SECOND};
	world_init(&w, &plan);
	world_pass(&w, 1);
	assert_world(&w, MF_BLUEGREEN_END, 100, "Baking");
	world_pass(&w, 60);
	assert_string_equal(w.did, "metric reference ");
	assert_world(&w, MF_BLUEGREEN_END, 100, "Succeeded");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(switches),
	    cmocka_unit_test(pauses),
	    cmocka_unit_test(looks_before_and_after),
	    cmocka_unit_test(stays),
	};

	return cmocka_run_group_tests_name("bluegreen", tests, NULL, NULL);
}
