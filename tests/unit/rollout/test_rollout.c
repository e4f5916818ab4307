/* Rollouts: Argo's steps, what somebody asks for by hand, and staying with the canary's side. */
#include "tests/unit/rollout/rollout_world.h"

static const struct mf_analysis_metric jobs[] = {{.name = "job",
    .query = {.type = MF_PROVIDER_JOB},
    .interval_us = 60 * SECOND,
    .count = 0,
    .consecutive_error_limit = 4}};
static const struct mf_analysis_metric once[] = {
    {.name = "job", .query = {.type = MF_PROVIDER_JOB}, .consecutive_error_limit = 4}};
static const struct mf_analysis_plan endless = {
    .name = "endless", .profile = MF_PROFILE_ARGO, .metrics = jobs, .n_metrics = 1};
static const struct mf_analysis_plan single = {
    .name = "single", .profile = MF_PROFILE_ARGO, .metrics = once, .n_metrics = 1};
static const struct mf_analysis_plan *const analyses[] = {&endless, &single};

#define WEIGHT(n)                                            \
	{                                                    \
		.kind = MF_ROLLOUT_SET_WEIGHT, .weight = (n) \
	}
#define PAUSE(s)                                                 \
	{                                                        \
		.kind = MF_ROLLOUT_PAUSE, .pause_us = (s)*SECOND \
	}
#define FOREVER                                           \
	{                                                 \
		.kind = MF_ROLLOUT_PAUSE, .forever = true \
	}
#define ANALYSIS(i)                                          \
	{                                                    \
		.kind = MF_ROLLOUT_ANALYSIS, .analysis = (i) \
	}

static const struct mf_rollout_step six[] = {
    WEIGHT(20), PAUSE(600), WEIGHT(40), FOREVER, WEIGHT(60), PAUSE(30)};

static struct mf_rollout_plan
plan_of(const struct mf_rollout_step *steps, size_t n)
{
	return (struct mf_rollout_plan){.name = "r",
	    .profile = MF_PROFILE_ARGO,
	    .finish = MF_FINISH_COPY_BACK,
	    .steps = steps,
	    .n_steps = n,
	    .analyses = analyses,
	    .n_analyses = ROWS(analyses),
	    .background = MF_ROLLOUT_NO_ANALYSIS,
	    .pre_promotion = MF_ROLLOUT_NO_ANALYSIS,
	    .post_promotion = MF_ROLLOUT_NO_ANALYSIS,
	    .progress_deadline_us = 600 * SECOND,
	    .scale_down_delay_us = 30 * SECOND,
	    .abort_scale_down = true,
	    .abort_scale_down_delay_us = 30 * SECOND};
}

static struct mf_rollout_plan
migration_of(const struct mf_rollout_step *steps, size_t n)
{
	struct mf_rollout_plan plan = plan_of(steps, n);

	plan.profile = MF_PROFILE_MIGRATION;
	plan.finish = MF_FINISH_STAY;
	plan.interval_us = 10 * SECOND;
	return plan;
}

static struct world w;

static void
weights_and_pauses(void **state)
{
	const struct mf_rollout_plan plan = plan_of(six, ROWS(six));

	(void)state;
	world_init(&w, &plan);
	world_pass(&w, 1);
	assert_world(&w, 1, 20, "Paused");
	assert_string_equal(w.did, "scaleUp route:20 ");
	world_pass(&w, 600); /* not longer than the pause */
	assert_world(&w, 1, 20, "Paused");
	world_pass(&w, 1);
	assert_world(&w, 3, 40, "Paused");
	world_pass(&w, 86400);
	assert_world(&w, 3, 40, "Paused");
	assert_string_equal(
	    mf_rollout_waits_for(&w.plan, &w.state), "a pause until somebody promotes");
	world_control(&w, MF_STEER_PROMOTE);
	assert_world(&w, 5, 60, "Paused");
	world_control(&w, MF_STEER_PROMOTE); /* ends a pause that would end by itself */
	assert_world(&w, 6, 0, "Healthy");
	assert_string_equal(w.did, "route:100 promote route:0 ");
	assert_string_equal(w.state.stable, "B");
	assert_int_equal(
	    mf_rollout_next_us(&w.plan, &w.state, w.tick.now_us), w.tick.now_us + 30 * SECOND);
	world_pass(&w, 29);
	assert_string_equal(w.did, "");
	world_pass(&w, 1);
	assert_string_equal(w.did, "scaleToZero ");
	assert_true(mf_rollout_ended(&w.state));
	assert_true(mf_rollout_next_us(&w.plan, &w.state, w.tick.now_us) == UINT64_MAX);
}

static void
abort_and_retry(void **state)
{
	const struct mf_rollout_plan plan = plan_of(six, ROWS(six));

	(void)state;
	world_init(&w, &plan);
	world_pass(&w, 1);
	w.tick.background = MF_ANALYSIS_FAILED;
	world_pass(&w, 1);
	assert_world(&w, 0, 0, "Degraded");
	assert_int_equal(w.state.reason, MF_REASON_THRESHOLD);
	assert_string_equal(w.did, "alert route:0 ");
	world_control(&w, MF_STEER_PROMOTE_FULL); /* no way around the retry */
	assert_world(&w, 0, 0, "Degraded");
	world_pass(&w, 3600);
	assert_string_equal(w.did, "scaleToZero ");
	assert_world(&w, 0, 0, "Degraded");
	world_control(&w, MF_STEER_RETRY);
	assert_world(&w, 1, 20, "Paused");
	assert_string_equal(w.did, "scaleUp route:20 ");
	/* by hand; the router refuses at first */
	w.route_end = MF_ANSWER_FAILED;
	world_control(&w, MF_STEER_ABORT);
	assert_world(&w, 0, 20, "Degraded");
	assert_false(mf_rollout_ended(&w.state));
	w.route_end = MF_ANSWER_OK;
	world_pass(&w, 1);
	assert_world(&w, 0, 0, "Degraded");
	assert_int_equal(w.state.reason, MF_REASON_BY_HAND);
	/* a new revision starts anew */
	w.tick.revision = "C";
	world_pass(&w, 1);
	assert_world(&w, 1, 20, "Paused");
	assert_string_equal(w.state.current, "C");
	/* never: the failed canary keeps running */
	w.plan.abort_scale_down = false;
	world_control(&w, MF_STEER_ABORT);
	world_pass(&w, 86400);
	assert_string_equal(w.did, "");
}

static void
revisions(void **state)
{
	struct mf_rollout_plan plan = plan_of(six, ROWS(six));

	(void)state;
	world_init(&w, &plan);
	world_pass(&w, 1);
	world_pass(&w, 601);
	assert_world(&w, 3, 40, "Paused");
	/* another one in between: its canary gets nothing before it is up */
	w.tick.revision = "C";
	w.tick.canary = MF_READY_WAIT;
	world_pass(&w, 1);
	assert_string_equal(w.did, "route:0 scaleUp ");
	assert_world(&w, 0, 0, "Progressing");
	world_pass(&w, 1);
	assert_world(&w, 1, 20, "Paused");
	/* back to what is stable: nothing to do */
	w.tick.revision = "A";
	world_pass(&w, 1);
	assert_world(&w, 6, 0, "Healthy");
	assert_string_equal(w.did, "route:0 ");
	/* one that was stable lately needs no steps */
	plan.rollback_window = 1;
	world_init(&w, &plan);
	world_pass(&w, 1);
	world_control(&w, MF_STEER_PROMOTE_FULL);
	assert_world(&w, 6, 0, "Healthy");
	w.tick.revision = "A";
	world_pass(&w, 1);
	assert_world(&w, 6, 0, "Healthy");
	assert_string_equal(w.state.stable, "A");
	w.tick.revision = "C";
	world_pass(&w, 1);
	assert_world(&w, 1, 20, "Paused");
	/* the very first */
	world_init(&w, &plan);
	mf_rollout_init(&w.state, "");
	world_pass(&w, 1);
	assert_world(&w, 6, 0, "Healthy");
	assert_string_equal(w.state.stable, "B");
}

static void
step_analysis(void **state)
{
	static const struct mf_rollout_step steps[] = {
	    WEIGHT(10), ANALYSIS(1), WEIGHT(50), FOREVER};
	const struct mf_rollout_plan plan = plan_of(steps, ROWS(steps));

	(void)state;
	world_init(&w, &plan);
	w.verdict.text = "imagepull";
	world_pass(&w, 1);
	assert_world(&w, 1, 10, "Paused");
	assert_string_equal(w.did, "scaleUp route:10 metric ");
	world_pass(&w, 600);
	assert_string_equal(w.did, "");
	w.measure_end = MF_MEASURE_ERROR;
	world_control(&w, MF_STEER_PROMOTE); /* a new run of the same step */
	assert_world(&w, 1, 10, "Progressing");
	world_pass(&w, 10); /* 10 s, no less and no more, is too early */
	assert_string_equal(w.did, "");
	w.measure_end = MF_MEASURE_VALUE;
	w.verdict.text = "complete";
	world_pass(&w, 1);
	assert_world(&w, 3, 50, "Paused");
	/* errors in a row */
	world_init(&w, &plan);
	w.measure_end = MF_MEASURE_ERROR;
	for (int i = 0; i < 4; i++) {
		world_pass(&w, 11);
		assert_world(&w, 1, 10, "Progressing");
	}
	world_pass(&w, 11);
	assert_world(&w, 0, 0, "Degraded");
}

static void
background(void **state)
{
	struct mf_rollout_plan plan = plan_of(six, ROWS(six));

	(void)state;
	plan.background = 0;
	plan.starting_step = 2;
	world_init(&w, &plan);
	world_pass(&w, 1);
	assert_int_equal(w.n_metrics, 0);
	world_pass(&w, 601);
	assert_world(&w, 3, 40, "Paused");
	assert_int_equal(w.n_metrics, 1);
	world_pass(&w, 60);
	assert_int_equal(w.n_metrics, 1);
	w.verdict.text = "imagepull";
	world_pass(&w, 1);
	assert_int_equal(w.n_metrics, 2);
	assert_world(&w, 3, 40, "Paused");
	assert_true(w.state.pauses & MF_ROLLOUT_PAUSE_BACKGROUND);
	w.verdict.text = "complete";
	world_control(&w, MF_STEER_PROMOTE); /* both pauses; a new run */
	assert_world(&w, 5, 60, "Paused");
	assert_int_equal(w.n_metrics, 3);
	w.verdict.text = "failed";
	world_pass(&w, 61);
	assert_world(&w, 0, 0, "Degraded");
	/* at full promotion it just ends */
	world_init(&w, &plan);
	world_pass(&w, 1);
	world_pass(&w, 601);
	w.verdict.text = "failed";
	world_control(&w, MF_STEER_PROMOTE_FULL);
	assert_world(&w, 6, 0, "Healthy");
	assert_int_equal(w.n_metrics, 1);
}

static void
readiness(void **state)
{
	struct mf_rollout_plan plan = plan_of(six, ROWS(six));

	(void)state;
	world_init(&w, &plan);
	w.tick.canary = MF_READY_WAIT;
	world_pass(&w, 1);
	assert_world(&w, 0, 0, "Progressing");
	w.tick.canary = MF_READY_WAIT;
	world_pass(&w, 601);
	assert_world(&w, 0, 0, "Degraded"); /* is told, and goes on when it is ready */
	w.tick.primary = MF_READY_WAIT;
	world_pass(&w, 1);
	assert_world(&w, 0, 0, "Progressing");
	world_pass(&w, 1);
	assert_world(&w, 1, 20, "Paused");
	/* nobody there */
	w.tick.canary = MF_READY_WAIT;
	w.tick.canary_gone = true;
	world_pass(&w, 1);
	assert_int_equal(w.routed, 0);
	world_pass(&w, 1);
	assert_world(&w, 1, 20, "Paused");
	/* the deadline may abort */
	plan.progress_deadline_abort = true;
	world_init(&w, &plan);
	w.tick.canary = MF_READY_WAIT;
	world_pass(&w, 1);
	w.tick.canary = MF_READY_WAIT;
	world_pass(&w, 601);
	assert_true(w.state.aborted);
	/* paused: nothing starts */
	plan.paused = true;
	world_init(&w, &plan);
	world_pass(&w, 1);
	assert_world(&w, 0, 0, "Paused");
	assert_string_equal(w.did, "");
	world_control(&w, MF_STEER_ABORT);
	assert_world(&w, 0, 0, "Degraded");
}

static void
routes_and_scale(void **state)
{
	static const struct mf_rollout_match match = {.header = "x", .value = "1"};
	static const struct mf_rollout_step steps[] = {{.kind = MF_ROLLOUT_SET_CANARY_SCALE,
							   .scale = MF_ROLLOUT_SCALE_REPLICAS,
							   .scale_to = 3},
	    {.kind = MF_ROLLOUT_SET_HEADER_ROUTE, .route = "h", .matches = &match, .n_matches = 1},
	    {.kind = MF_ROLLOUT_SET_MIRROR_ROUTE, .route = "m", .mirror_percent = 100}, FOREVER};
	const struct mf_rollout_plan plan = plan_of(steps, ROWS(steps));

	(void)state;
	world_init(&w, &plan);
	world_pass(&w, 1);
	assert_string_equal(w.did, "scaleUp scaleUp managedRoute managedRoute ");
	assert_int_equal(w.asked[1].act.index, MF_ROLLOUT_SCALE_REPLICAS);
	assert_int_equal(w.asked[1].act.canary, 3);
	assert_int_equal(w.asked[3].act.index, 2);
	world_control(&w, MF_STEER_ABORT);
	assert_string_equal(w.did, "alert removeRoutes ");
	world_control(&w, MF_STEER_RETRY);
	world_control(&w, MF_STEER_PROMOTE);
	assert_string_equal(w.did, "route:100 promote route:0 removeRoutes ");
}

static void
promote_fails(void **state)
{
	static const struct mf_rollout_step steps[] = {WEIGHT(50)};
	const struct mf_rollout_plan plan = plan_of(steps, ROWS(steps));

	(void)state;
	world_init(&w, &plan);
	w.promote_end = MF_ANSWER_FAILED;
	world_pass(&w, 1);
	assert_world(&w, 1, 100, "Progressing");
	assert_string_equal(w.state.stable, "A");
	w.promote_end = MF_ANSWER_OK;
	w.tick.weight_known = true;
	w.tick.canary_weight = 30; /* somebody else wrote: written again */
	world_pass(&w, 1);
	assert_string_equal(w.did, "route:100 promote route:0 ");
	assert_world(&w, 1, 0, "Healthy");
}

/* finish: stay: no leap from 60 to 100, and no way back. */
static void
stays(void **state)
{
	struct mf_rollout_plan plan = migration_of(six, ROWS(six));

	(void)state;
	plan.background = 0;
	plan.bake = (struct mf_bake){.duration_us = 120 * SECOND, .interval_us = 60 * SECOND};
	assert_int_equal(mf_rollout_increment(&plan), 20);
	world_init(&w, &plan);
	world_pass(&w, 1);
	world_pass(&w, 601);
	assert_world(&w, 3, 40, "Paused");
	world_control(&w, MF_STEER_PROMOTE);
	assert_world(&w, 4, 40, "Progressing"); /* nobody has looked at 40 yet */
	assert_string_equal(
	    mf_rollout_waits_for(&w.plan, &w.state), "a measurement at this weight");
	world_pass(&w, 61);
	assert_string_equal(w.did, "metric route:60 ");
	assert_world(&w, 5, 60, "Paused");
	world_pass(&w, 31); /* looked at, then on */
	assert_world(&w, 6, 80, "Progressing");
	world_pass(&w, 30);
	assert_world(&w, 6, 80, "Progressing");
	assert_string_equal(w.did, "metric "); /* in the background; a pause as the last step's */
	world_pass(&w, 1);
	assert_world(&w, 6, 100, "Progressing");
	assert_string_equal(w.did, "metric route:100 ");
	world_pass(&w, 31);
	assert_world(&w, 6, 100, "Baking");
	world_pass(&w, 60);
	assert_string_equal(w.did, "metric ");
	world_pass(&w, 59);
	assert_world(&w, 6, 100, "Baking");
	world_pass(&w, 1);
	assert_string_equal(w.did, "metric reference ");
	assert_world(&w, 6, 100, "Succeeded");
	assert_int_equal(w.state.result, MF_RESULT_SUCCEEDED);
	assert_string_equal(w.state.stable, "B");
	/* already done */
	w.tick.revision = "C";
	world_pass(&w, 60);
	assert_string_equal(w.did, "");
	assert_true(mf_rollout_ended(&w.state));
	assert_world(&w, 6, 100, "Succeeded");
}

static void
stays_without_metrics(void **state)
{
	static const struct mf_rollout_step steps[] = {WEIGHT(40), WEIGHT(70)};
	const struct mf_rollout_plan plan = migration_of(steps, ROWS(steps));

	(void)state;
	world_init(&w, &plan);
	world_pass(&w, 1);
	assert_world(&w, 2, 70, "Progressing");
	world_pass(&w, 10);
	assert_world(&w, 2, 100, "Progressing");
	w.reference_end = MF_ANSWER_FAILED;
	world_pass(&w, 10);
	assert_world(&w, 2, 100, "Progressing");
	w.reference_end = MF_ANSWER_CONFLICT;
	world_pass(&w, 10);
	assert_string_equal(w.did, "reference alert ");
	assert_int_equal(w.state.result, MF_RESULT_CONFLICT);
	assert_true(mf_rollout_ended(&w.state));
	assert_int_equal(w.routed, 100); /* held where it is, and nothing is overwritten */
	world_pass(&w, 10);
	assert_string_equal(w.did, "");
}

/* The same version on both sides: the sides differ, and that is what is migrated. */
static void
same_version(void **state)
{
	static const struct mf_rollout_step steps[] = {WEIGHT(50), WEIGHT(100)};
	const struct mf_rollout_plan plan = migration_of(steps, ROWS(steps));

	(void)state;
	world_init(&w, &plan);
	mf_rollout_start(&w.state, "churn@v7", "churn@v7");
	for (int i = 0; i < 2; i++) {
		w.tick.revision = "churn@v7";
		world_pass(&w, 10);
	}
	assert_world(&w, 2, 100, "Succeeded");
	assert_string_equal(w.state.stable, "churn@v7");
}

static void
bad_bake(void **state)
{
	static const struct mf_rollout_step steps[] = {WEIGHT(100)};
	struct mf_rollout_plan plan = migration_of(steps, ROWS(steps));

	(void)state;
	plan.background = 0;
	plan.bake = (struct mf_bake){.duration_us = 600 * SECOND,
	    .interval_us = 60 * SECOND,
	    .window_us = 100 * SECOND,
	    .max_failed = 1};
	world_init(&w, &plan);
	world_pass(&w, 1);
	assert_world(&w, 1, 100, "Baking");
	w.verdict.text = "failed";
	world_pass(&w, 60);
	w.verdict.text = "complete";
	world_pass(&w, 60);
	w.verdict.text = "failed"; /* the first is 120 s ago */
	world_pass(&w, 60);
	assert_world(&w, 1, 100, "Baking");
	world_pass(&w, 60);
	assert_world(&w, 0, 0, "Degraded");
	assert_int_equal(w.state.reason, MF_REASON_BAKE);
	assert_int_equal(w.state.result, MF_RESULT_ROLLED_BACK);
}

static void
holds_end(void **state)
{
	struct mf_rollout_plan plan = migration_of(six, ROWS(six));

	(void)state;
	plan.steps = six + 2; /* 40, for ever, 60, 30 s */
	plan.n_steps = 4;
	world_init(&w, &plan);
	world_pass(&w, 1);
	assert_world(&w, 1, 40, "Paused");
	world_pass(&w, 99); /* ten intervals */
	assert_world(&w, 1, 40, "Paused");
	world_pass(&w, 1);
	assert_world(&w, 0, 0, "Degraded");
	assert_int_equal(w.state.reason, MF_REASON_HOLD_TOO_LONG);
	plan.hold_end = MF_HOLD_ALERT;
	plan.max_hold_us = 50 * SECOND;
	world_init(&w, &plan);
	world_pass(&w, 1);
	world_pass(&w, 50);
	assert_string_equal(w.did, "alert ");
	world_pass(&w, 5000);
	assert_string_equal(w.did, "");
	assert_world(&w, 1, 40, "Paused");
	world_control(&w, MF_STEER_PROMOTE);
	assert_world(&w, 3, 60, "Paused");
	assert_int_equal(w.state.hold_since_us, 0);
}

static void
router_disagrees(void **state)
{
	struct mf_rollout_plan plan = migration_of(six, ROWS(six));

	(void)state;
	world_init(&w, &plan);
	world_pass(&w, 1);
	assert_world(&w, 1, 20, "Paused");
	w.tick.weight_known = true;
	w.tick.canary_weight = 50; /* a proxy that lost its weights */
	world_pass(&w, 1);
	assert_string_equal(w.did, "route:20 alert ");
	w.tick.weight_known = true;
	w.tick.canary_weight = 5; /* somebody's wish */
	world_pass(&w, 1);
	assert_string_equal(w.did, "alert ");
	assert_world(&w, 1, 5, "Paused");
	w.tick.weight_known = true;
	w.tick.canary_weight = 5;
	world_pass(&w, 50);
	assert_string_equal(w.did, "");
	world_control(&w, MF_STEER_CONTINUE);
	assert_string_equal(w.did, "route:20 ");
	/* nobody answers on the canary's side, nobody on the primary's */
	w.tick.canary_gone = true;
	w.tick.primary = MF_READY_DEAD;
	world_pass(&w, 1);
	assert_string_equal(w.did, "alert alert restore ");
	assert_world(&w, 0, 20, "Degraded");
	assert_int_equal(w.state.result, MF_RESULT_PERSON_NEEDED);
	for (int i = 0; i < 2; i++) {
		assert_false(mf_rollout_ended(&w.state));
		w.tick.primary = MF_READY_DEAD;
		world_pass(&w, 50);
	}
	assert_string_equal(w.did, "alert ");
	assert_true(mf_rollout_ended(&w.state)); /* it is left to people */
	world_pass(&w, 1);
	assert_world(&w, 0, 0, "Degraded");
	assert_int_equal(w.state.result, MF_RESULT_ROLLED_BACK);
}

/* Bad metrics are seen also where the canary is not ready, and a metric that cannot fail its run
 * holds it no longer than anything else. */
static void
looks_of_migrations(void **state)
{
	static const struct mf_rollout_step steps[] = {WEIGHT(50)};
	static const struct mf_analysis_metric dry[] = {
	    {.name = "a", .query = {.type = MF_PROVIDER_JOB}, .dry_run = true},
	    {.name = "b",
		.query = {.type = MF_PROVIDER_JOB},
		.interval_us = 10 * SECOND,
		.failure_limit = -1,
		.consecutive_success_limit = 3}};
	static const struct mf_analysis_plan look = {
	    .name = "look", .profile = MF_PROFILE_MIGRATION, .metrics = dry, .n_metrics = 2};
	static const struct mf_analysis_plan only_dry = {
	    .name = "dry", .profile = MF_PROFILE_MIGRATION, .metrics = dry, .n_metrics = 1};
	static const struct mf_analysis_plan *const own[] = {&look, &only_dry};
	struct mf_rollout_plan plan = migration_of(six, ROWS(six));

	(void)state;
	plan.background = 0;
	world_init(&w, &plan);
	world_pass(&w, 1);
	w.verdict.text = "failed";
	w.tick.canary = MF_READY_WAIT;
	world_pass(&w, 61);
	assert_world(&w, 0, 0, "Degraded");
	assert_int_equal(w.state.reason, MF_REASON_THRESHOLD);
	plan.steps = steps;
	plan.n_steps = 1;
	plan.analyses = own;
	world_init(&w, &plan);
	w.verdict.text = "failed";
	for (int i = 0; i < 9; i++) {
		world_pass(&w, 12);
		assert_world(&w, 1, 50, "Progressing");
	}
	world_pass(&w, 12);
	assert_world(&w, 0, 0, "Degraded");
	assert_int_equal(w.state.reason, MF_REASON_HOLD_TOO_LONG);
	/* what only looks never holds */
	plan.background = 1;
	world_init(&w, &plan);
	w.verdict.text = "failed";
	for (int i = 0; i < 3; i++)
		world_pass(&w, 12);
	assert_world(&w, 1, 100, "Succeeded");
}

/* Killed between a route and the state behind it. */
static void
resumes(void **state)
{
	const struct mf_rollout_plan plan = migration_of(six, ROWS(six));
	const struct mf_act route = {.kind = MF_ACT_ROUTE, .primary = 60, .canary = 40};

	(void)state;
	world_init(&w, &plan);
	world_pass(&w, 1);
	w.routed = 40;
	mf_rollout_resume(&w.state, &route);
	w.tick.weight_known = true;
	w.tick.canary_weight = 40;
	world_pass(&w, 1);
	assert_string_equal(w.did, "route:20 "); /* and nobody is told of a stranger */
	assert_world(&w, 1, 20, "Paused");
	world_pass(&w, 601);
	assert_world(&w, 3, 40, "Paused");
	mf_rollout_resume(&w.state, NULL);
	world_pass(&w, 1);
	assert_string_equal(w.did, "");
}

static void
by_hand_and_windows(void **state)
{
	const struct mf_rollout_plan plan = migration_of(six, ROWS(six));

	(void)state;
	world_init(&w, &plan);
	w.tick.no_steps_now = true;
	world_pass(&w, 1);
	assert_world(&w, 0, 0, "Progressing");
	world_pass(&w, 1);
	assert_world(&w, 1, 20, "Paused");
	world_control(&w, MF_STEER_PAUSE);
	w.tick.canary_gone = true;
	w.tick.no_steps_now = true; /* the way back is always open */
	world_pass(&w, 1);
	assert_world(&w, 0, 0, "Degraded");
	world_control(&w, MF_STEER_RETRY);
	world_control(&w, MF_STEER_PAUSE);
	world_pass(&w, 50);
	assert_world(&w, 1, 20, "Paused");
	world_control(&w, MF_STEER_CONTINUE);
	assert_world(&w, 1, 20, "Paused");
	assert_string_equal(mf_rollout_waits_for(&w.plan, &w.state), "a pause to be over");
}

/* After traffic the rest goes back in its order; what fails is tried again, then left to people. */
static void
the_rest_goes_back(void **state)
{
	struct mf_rollout_plan plan = migration_of(six, ROWS(six));
	unsigned i;

	(void)state;
	plan.abort_scale_down = false;
	world_init(&w, &plan);
	world_pass(&w, 1);
	w.fallback_end = MF_ANSWER_FAILED;
	world_control(&w, MF_STEER_ABORT);
	assert_string_equal(w.did, "alert route:0 drain referenceBack fallback ");
	assert_false(mf_rollout_ended(&w.state));
	world_control(&w, MF_STEER_RETRY); /* too late: the ref is back */
	assert_string_equal(w.did, "fallback ");
	assert_true(w.state.aborted);
	w.fallback_end = MF_ANSWER_OK;
	world_pass(&w, 1);
	assert_string_equal(w.did, "fallback ");
	assert_true(mf_rollout_ended(&w.state));
	assert_int_equal(w.state.result, MF_RESULT_ROLLED_BACK);

	world_init(&w, &plan);
	world_pass(&w, 1);
	w.drain_end = MF_ANSWER_FAILED;
	world_control(&w, MF_STEER_ABORT);
	for (i = 1; i < MF_BACK_TRIES; i++) {
		assert_int_equal(w.routed, 0);
		assert_false(mf_rollout_ended(&w.state));
		world_pass(&w, 1);
	}
	assert_string_equal(w.did, "drain referenceBack fallback alert ");
	assert_true(mf_rollout_ended(&w.state));
	assert_int_equal(w.state.result, MF_RESULT_PERSON_NEEDED);

	plan.back.n_fallbacks = 2;
	world_init(&w, &plan);
	world_pass(&w, 1);
	w.fallback_end = MF_ANSWER_FAILED;
	world_control(&w, MF_STEER_ABORT);
	for (i = 1; i < MF_BACK_TRIES; i++) {
		assert_int_equal(w.state.back.fallback, 0);
		world_pass(&w, 1);
	}
	assert_int_equal(w.state.back.fallback, 1); /* the next one, which comes up */
	w.fallback_end = MF_ANSWER_OK;
	world_pass(&w, 1);
	assert_true(mf_rollout_ended(&w.state));
	assert_int_equal(w.state.result, MF_RESULT_ROLLED_BACK);
}

/* Of both sides: it fails with the first that failed. */
static const struct mf_analysis_metric both[] = {{.name = "job",
    .query = {.type = MF_PROVIDER_JOB},
    .has_primary_query = true,
    .interval_us = 10 * SECOND,
    .consecutive_error_limit = 4}};
static const struct mf_analysis_plan of_both = {
    .name = "both", .profile = MF_PROFILE_MIGRATION, .metrics = both, .n_metrics = 1};
static const struct mf_analysis_plan *const of_both_sides[] = {&of_both};
static const struct mf_rollout_step up[] = {WEIGHT(20), PAUSE(20), WEIGHT(40), PAUSE(600)};

static struct mf_rollout_plan
seen_plan(void)
{
	struct mf_rollout_plan plan = migration_of(up, ROWS(up));

	plan.abort_scale_down = false;
	plan.analyses = of_both_sides;
	plan.n_analyses = 1;
	plan.background = 0;
	plan.back.verify_for_us = 30 * SECOND;
	return plan;
}

/* What the primary fails, too, going back would not mend. */
static void
a_shared_fault_is_held(void **state)
{
	struct mf_rollout_plan plan = seen_plan();

	(void)state;
	world_init(&w, &plan);
	world_pass(&w, 1);
	w.verdict.text = w.primary_verdict.text = "failed";
	world_pass(&w, 11);
	assert_string_equal(w.did, "metric primary alert ");
	assert_world(&w, 1, 20, "Paused");
	assert_string_equal(mf_rollout_waits_for(&w.plan, &w.state),
	    "the primary, which fares no better than the canary");
	world_pass(&w, 11); /* the pause is over, and nothing is raised */
	assert_string_equal(w.did, "metric primary ");
	assert_int_equal(w.routed, 20);
	assert_true(mf_rollout_next_us(&plan, &w.state, w.tick.now_us) ==
		    w.tick.now_us + plan.interval_us); /* not at once, again and again */
	w.verdict.text = "complete";
	world_pass(&w, 11);
	assert_string_equal(w.did, "metric route:40 ");
	assert_int_equal(w.state.shared, 0);
	/* again, and the primary is well: the canary alone is bad */
	w.verdict.text = "failed";
	world_pass(&w, 11);
	assert_int_equal(w.state.shared, MF_ROLLOUT_SHARED_BACKGROUND);
	w.primary_verdict.text = "complete";
	world_pass(&w, 11);
	assert_true(w.state.aborted);
	assert_int_equal(w.routed, 0);
	assert_int_equal(w.state.reason, MF_REASON_THRESHOLD);

	/* it ends as each hold */
	world_init(&w, &plan);
	world_pass(&w, 1);
	w.verdict.text = w.primary_verdict.text = "failed";
	for (unsigned i = 0; i < 10; i++) {
		world_pass(&w, 11);
		assert_int_equal(w.routed, 20);
	}
	world_pass(&w, 11);
	assert_int_equal(w.state.reason, MF_REASON_HOLD_TOO_LONG);
	assert_int_equal(w.routed, 0);

	/* that the primary cannot be asked excuses nothing */
	world_init(&w, &plan);
	world_pass(&w, 1);
	w.verdict.text = "failed";
	w.primary_end = MF_MEASURE_ERROR;
	world_pass(&w, 11);
	assert_int_equal(w.state.reason, MF_REASON_THRESHOLD);
	assert_int_equal(w.routed, 0);
}

/* Back, but is it well? */
static void
the_primary_is_watched(void **state)
{
	struct mf_rollout_plan plan = seen_plan();

	(void)state;
	world_init(&w, &plan);
	world_pass(&w, 1);
	world_control(&w, MF_STEER_ABORT);
	assert_string_equal(w.did, "alert route:0 drain referenceBack fallback primary ");
	assert_false(mf_rollout_ended(&w.state));
	world_pass(&w, 29);
	assert_false(mf_rollout_ended(&w.state));
	world_pass(&w, 1);
	assert_string_equal(w.did, "primary ");
	assert_true(mf_rollout_ended(&w.state));
	assert_int_equal(w.state.result, MF_RESULT_ROLLED_BACK);

	/* it is not: the next fallback, and then a person */
	plan.back.n_fallbacks = 2;
	world_init(&w, &plan);
	world_pass(&w, 1);
	w.primary_verdict.text = "failed";
	world_control(&w, MF_STEER_ABORT);
	assert_string_equal(
	    w.did, "alert route:0 drain referenceBack fallback primary fallback primary alert ");
	assert_true(mf_rollout_ended(&w.state));
	assert_int_equal(w.state.result, MF_RESULT_PERSON_NEEDED);

	/* no data is no proof */
	world_init(&w, &plan);
	world_pass(&w, 1);
	w.primary_end = MF_MEASURE_ERROR;
	world_control(&w, MF_STEER_ABORT);
	assert_int_equal(w.state.back.fallback, 0);
	world_pass(&w, 30);
	assert_int_equal(w.state.back.fallback, 1);
	world_pass(&w, 30);
	assert_true(mf_rollout_ended(&w.state));
	assert_int_equal(w.state.result, MF_RESULT_PERSON_NEEDED);

	/* nor is it that nothing measures the primary; another fallback would change nothing */
	plan.n_analyses = 0;
	plan.background = MF_ROLLOUT_NO_ANALYSIS;
	world_init(&w, &plan);
	world_pass(&w, 1);
	world_control(&w, MF_STEER_ABORT);
	assert_string_equal(w.did, "alert route:0 drain referenceBack fallback alert ");
	assert_int_equal(w.state.result, MF_RESULT_PERSON_NEEDED);
	plan.back.verify_for_us = 0; /* unless nobody asks for it */
	world_init(&w, &plan);
	world_pass(&w, 1);
	world_control(&w, MF_STEER_ABORT);
	assert_int_equal(w.state.result, MF_RESULT_ROLLED_BACK);
}

/* Fallbacks may bring up a primary that has no capacity; a person comes last. */
static void
a_dead_primary(void **state)
{
	struct mf_rollout_plan plan = migration_of(up, ROWS(up));
	unsigned i;

	(void)state;
	plan.abort_scale_down = false;
	plan.back.n_fallbacks = 2;
	world_init(&w, &plan);
	world_pass(&w, 1);
	w.tick.primary = MF_READY_DEAD;
	world_control(&w, MF_STEER_ABORT);
	assert_string_equal(w.did, "alert alert restore ");
	w.fallback_end = MF_ANSWER_FAILED;
	w.tick.primary = MF_READY_DEAD;
	world_pass(&w, 100);
	assert_string_equal(w.did, "fallback ");
	w.fallback_end = MF_ANSWER_OK;
	w.tick.primary = MF_READY_DEAD;
	world_pass(&w, 1);
	assert_string_equal(w.did, "fallback ");
	assert_int_equal(w.state.back.fallback, 1);
	assert_int_equal(w.routed, 20);
	world_pass(&w, 1); /* it is up */
	assert_string_equal(w.did, "route:0 drain referenceBack fallback ");
	assert_true(mf_rollout_ended(&w.state));
	assert_int_equal(w.state.result, MF_RESULT_ROLLED_BACK);

	world_init(&w, &plan);
	world_pass(&w, 1);
	w.tick.primary = MF_READY_DEAD;
	world_control(&w, MF_STEER_ABORT);
	for (i = 0; !mf_rollout_ended(&w.state) && i < 100; i++) {
		w.tick.primary = MF_READY_DEAD;
		world_pass(&w, 100);
	}
	assert_int_equal(i, 1 + 2 * MF_BACK_TRIES + 2);
	assert_int_equal(w.routed, 20); /* the better side */
	assert_int_equal(w.state.result, MF_RESULT_PERSON_NEEDED);
}

/* A router that is several proxies. */
static void
proxies_that_do_not_answer(void **state)
{
	struct mf_rollout_plan plan = migration_of(up, ROWS(up));
	unsigned i;

	(void)state;
	world_init(&w, &plan);
	w.tick.some_missing = true;
	world_pass(&w, 1);
	assert_string_equal(w.did, "scaleUp "); /* no first step */
	world_pass(&w, 1);
	assert_int_equal(w.routed, 20);
	for (i = 0; i < MF_ANALYSIS_CONSECUTIVE_ERRORS; i++) {
		w.tick.some_missing = true;
		w.tick.weight_known = true;
		w.tick.canary_weight = 0; /* that of the others; the missing ones may have it */
		world_pass(&w, 11);
		assert_string_equal(w.did, i == 0 ? "alert " : "");
		assert_int_equal(w.state.weight, 20);
		w.tick.some_missing = true;
		world_pass(&w, 1); /* it counts once an interval */
		assert_int_equal(w.state.missing_failed, i + 1);
	}
	assert_string_equal(
	    mf_rollout_waits_for(&w.plan, &w.state), "a proxy of the router that does not answer");
	world_pass(&w, 11); /* they are back */
	assert_int_equal(w.state.missing_failed, 0);
	for (i = 0; i <= MF_ANALYSIS_CONSECUTIVE_ERRORS; i++) {
		w.tick.some_missing = true;
		world_pass(&w, 11);
	}
	assert_true(w.state.aborted);
	assert_int_equal(w.state.reason, MF_REASON_THRESHOLD);
	assert_int_equal(w.routed, 0);

	/* one has less than the others: somebody's wish, until somebody goes on */
	world_init(&w, &plan);
	world_pass(&w, 1);
	w.tick.weight_known = true;
	w.tick.canary_weight = 20;
	w.tick.canary_spread = 15;
	world_pass(&w, 11);
	assert_string_equal(w.did, "alert ");
	assert_int_equal(w.state.pauses & MF_ROLLOUT_PAUSE_LOWERED, MF_ROLLOUT_PAUSE_LOWERED);
	w.tick.weight_known = true;
	w.tick.canary_weight = 20;
	w.tick.canary_spread = 15;
	world_control(&w, MF_STEER_CONTINUE);
	assert_string_equal(w.did, "route:20 ");

	/* traffic that cannot be moved back is left to people, and tried all the same */
	w.route_end = MF_ANSWER_FAILED;
	world_control(&w, MF_STEER_ABORT);
	assert_string_equal(w.did, "alert route:0 ");
	world_pass(&w, 99);
	assert_false(mf_rollout_ended(&w.state));
	world_pass(&w, 2);
	assert_string_equal(w.did, "route:0 alert ");
	assert_true(mf_rollout_ended(&w.state));
	assert_int_equal(w.state.result, MF_RESULT_PERSON_NEEDED);
}

/* A pass that comes too early to measure is not followed by another at once. */
static void
too_early_is_waited_for(void **state)
{
	static const struct mf_rollout_step steps[] = {WEIGHT(20), PAUSE(600)};
	static const struct mf_analysis_plan careful = {
	    .name = "careful", .profile = MF_PROFILE_MIGRATION, .metrics = jobs, .n_metrics = 1};
	static const struct mf_analysis_plan *const one[] = {&careful};
	struct mf_rollout_plan plan = migration_of(steps, ROWS(steps));
	uint64_t changed_us;

	(void)state;
	plan.analyses = one;
	plan.n_analyses = 1;
	plan.background = 0;
	plan.interval_us = 60 * SECOND;
	plan.settle_us = 25 * SECOND;
	world_init(&w, &plan);
	world_pass(&w, 1);
	changed_us = w.state.changed_us;
	world_pass(&w, 1);
	assert_string_equal(w.did, "");
	assert_true(mf_rollout_next_us(&plan, &w.state, w.tick.now_us) == changed_us + 25 * SECOND);
	world_pass(&w, 24);
	assert_string_equal(w.did, "metric ");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(weights_and_pauses),
	    cmocka_unit_test(abort_and_retry),
	    cmocka_unit_test(revisions),
	    cmocka_unit_test(step_analysis),
	    cmocka_unit_test(background),
	    cmocka_unit_test(readiness),
	    cmocka_unit_test(routes_and_scale),
	    cmocka_unit_test(promote_fails),
	    cmocka_unit_test(stays),
	    cmocka_unit_test(stays_without_metrics),
	    cmocka_unit_test(same_version),
	    cmocka_unit_test(bad_bake),
	    cmocka_unit_test(holds_end),
	    cmocka_unit_test(router_disagrees),
	    cmocka_unit_test(looks_of_migrations),
	    cmocka_unit_test(resumes),
	    cmocka_unit_test(by_hand_and_windows),
	    cmocka_unit_test(the_rest_goes_back),
	    cmocka_unit_test(a_shared_fault_is_held),
	    cmocka_unit_test(the_primary_is_watched),
	    cmocka_unit_test(a_dead_primary),
	    cmocka_unit_test(proxies_that_do_not_answer),
	    cmocka_unit_test(too_early_is_waited_for),
	};

	return cmocka_run_group_tests_name("rollout", tests, NULL, NULL);
}
