/* Analyses by the clock: delays, intervals, retries, windows; and what a measurement is worth. */
#include "src/rollout/analysis.h"
#include "tests/unit/rollout/trees.h"

#define SECOND ((uint64_t)1000000)

struct bench {
	struct mf_analysis_metric metrics[2];
	struct mf_analysis_plan plan;
	struct mf_analysis_state state;
	struct mf_analysis_tick tick;
	struct mf_measured answers[2], left;
	unsigned asked[2], asked_left;
};

static void
setup(struct bench *b, enum mf_profile profile)
{
	memset(b, 0, sizeof *b);
	for (int i = 0; i < 2; i++)
		b->metrics[i] = (struct mf_analysis_metric){
		    .name = i == 0 ? "a" : "b", .consecutive_error_limit = 4};
	b->plan = (struct mf_analysis_plan){
	    .name = "bench", .profile = profile, .metrics = b->metrics, .n_metrics = 1};
	b->tick.now_us = 1000 * SECOND;
	mf_analysis_start(&b->state, b->tick.now_us, false);
}

static void
pass(struct bench *b, uint64_t us)
{
	struct mf_asked asked[8];
	struct mf_analysis_state next;
	struct mf_act act;
	size_t n = 0;

	b->tick.now_us += us;
	memset(b->asked, 0, sizeof b->asked);
	b->asked_left = 0;
	while (
	    mf_analysis_step(&b->plan, &b->state, &b->tick, asked, n, &next, &act) == MF_STEP_ACT) {
		const unsigned i = act.index & MF_ANALYSIS_INDEX_METRIC;

		assert_int_equal(act.kind, MF_ACT_METRIC);
		asked[n] = (struct mf_asked){.act = act};
		if (act.index & MF_ANALYSIS_INDEX_LEFT) {
			b->asked_left++;
			asked[n].answer.measured = b->left;
		} else {
			b->asked[i]++;
			asked[n].answer.measured = b->answers[i];
		}
		n++;
	}
	b->state = next;
}

static struct bench b;

static void
by_the_clock(void **state)
{
	(void)state;
	setup(&b, MF_PROFILE_ARGO);
	b.plan.n_metrics = 2;
	b.metrics[0].interval_us = 60 * SECOND;
	b.metrics[0].count = 2;
	b.metrics[1].initial_delay_us = 30 * SECOND;
	assert_true(mf_analysis_next_us(&b.plan, &b.state, &b.tick) == b.tick.now_us);
	pass(&b, 0);
	assert_true(b.asked[0] == 1 && b.asked[1] == 0);
	assert_int_equal(b.state.metrics[1].phase, MF_ANALYSIS_PENDING);
	assert_true(mf_analysis_next_us(&b.plan, &b.state, &b.tick) == b.tick.now_us + 30 * SECOND);
	pass(&b, 30 * SECOND - 1);
	assert_true(b.asked[0] == 0 && b.asked[1] == 0);
	pass(&b, 1);
	assert_true(b.asked[0] == 0 && b.asked[1] == 1);
	assert_int_equal(b.state.metrics[1].phase, MF_ANALYSIS_SUCCESSFUL);
	pass(&b, 30 * SECOND); /* the interval has to be exceeded */
	assert_true(b.asked[0] == 0);
	assert_false(mf_analysis_over(b.state.phase));
	pass(&b, 1);
	assert_true(b.asked[0] == 1);
	assert_int_equal(b.state.phase, MF_ANALYSIS_SUCCESSFUL);
	assert_true(mf_analysis_measured(&b.plan, &b.state));
	assert_true(mf_analysis_next_us(&b.plan, &b.state, &b.tick) == UINT64_MAX);
	pass(&b, 3600 * SECOND);
	assert_true(b.asked[0] == 0 && b.asked[1] == 0);
}

/* An error is asked again after 10 s whatever the interval, and counts for nothing but errors. */
static void
errors(void **state)
{
	(void)state;
	setup(&b, MF_PROFILE_ARGO);
	b.metrics[0].interval_us = 300 * SECOND;
	b.metrics[0].count = 1;
	b.answers[0].end = MF_MEASURE_ERROR;
	for (int i = 0; i < 4; i++) {
		pass(&b, 10 * SECOND + 1);
		assert_int_equal(b.asked[0], 1);
	}
	assert_int_equal(b.state.metrics[0].consecutive_errors, 4);
	assert_int_equal(b.state.metrics[0].count, 0);
	assert_false(mf_analysis_measured(&b.plan, &b.state));
	pass(&b, 10 * SECOND);
	assert_int_equal(b.asked[0], 0);
	b.answers[0].end = MF_MEASURE_VALUE;
	pass(&b, 1);
	assert_int_equal(b.state.phase, MF_ANALYSIS_SUCCESSFUL);
	assert_int_equal(b.state.metrics[0].errors, 4);
	assert_int_equal(b.state.metrics[0].consecutive_errors, 0);
}

static void
dry_runs(void **state)
{
	(void)state;
	setup(&b, MF_PROFILE_ARGO);
	b.plan.n_metrics = 2;
	b.metrics[0].query.type = b.metrics[1].query.type = MF_PROVIDER_JOB;
	b.metrics[0].dry_run = true;
	b.answers[0].result = tree_of(*state, "\"failed\"");
	b.answers[1].result = tree_of(*state, "\"complete\"");
	pass(&b, 0);
	assert_int_equal(b.state.metrics[0].phase, MF_ANALYSIS_FAILED);
	assert_int_equal(b.state.phase, MF_ANALYSIS_SUCCESSFUL);
	b.answers[1].result = tree_of(*state, "\"image cannot be pulled\"");
	mf_analysis_start(&b.state, b.tick.now_us, false);
	pass(&b, 0);
	assert_int_equal(b.state.phase, MF_ANALYSIS_INCONCLUSIVE);
}

/* A window that holds the last change of weights says nothing yet. */
static void
windows(void **state)
{
	(void)state;
	setup(&b, MF_PROFILE_MIGRATION);
	b.metrics[0].window_us = 60 * SECOND;
	b.tick.changed_us = b.tick.now_us;
	b.tick.settle_us = 30 * SECOND;
	b.answers[0].value = 1;
	b.metrics[0].success = mf_expr_read("result == 1", *state, NULL);
	pass(&b, 90 * SECOND - 1);
	assert_int_equal(b.asked[0], 0);
	pass(&b, 1);
	assert_int_equal(b.asked[0], 1);
	assert_int_equal(b.state.phase, MF_ANALYSIS_SUCCESSFUL);
	assert_true(b.state.metrics[0].has_value);
	b.plan.profile = MF_PROFILE_ARGO; /* to which weights are nothing */
	mf_analysis_start(&b.state, b.tick.now_us, false);
	b.tick.changed_us = b.tick.now_us;
	pass(&b, 0);
	assert_int_equal(b.asked[0], 1);
}

/* The left side is asked for only where the result is empty, and only in a migration. */
static void
predicates(void **state)
{
	(void)state;
	setup(&b, MF_PROFILE_MIGRATION);
	b.metrics[0].predicate = true;
	b.metrics[0].interval_us = 60 * SECOND;
	b.answers[0].result = tree_of(*state, "[3]");
	pass(&b, 0);
	assert_int_equal(b.asked_left, 0);
	assert_int_equal(b.state.metrics[0].successful, 1);
	b.answers[0].result = tree_of(*state, "[]");
	b.left.end = MF_MEASURE_NONE;
	pass(&b, 61 * SECOND);
	assert_int_equal(b.asked_left, 1);
	assert_int_equal(b.state.metrics[0].count, 1);
	assert_true(b.state.metrics[0].no_data_since_us > 0);
	b.left.end = MF_MEASURE_ERROR;
	pass(&b, 11 * SECOND);
	assert_int_equal(b.state.metrics[0].errors, 1);
	b.left = (struct mf_measured){.end = MF_MEASURE_VALUE, .value = 7};
	pass(&b, 11 * SECOND);
	assert_int_equal(b.state.phase, MF_ANALYSIS_FAILED);
	b.plan.profile = MF_PROFILE_ARGO;
	mf_analysis_start(&b.state, b.tick.now_us, false);
	pass(&b, 0);
	assert_int_equal(b.asked_left, 0);
}

static void
verdicts(void **state)
{
	static const struct {
		const char *success, *failure, *result;
		enum mf_analysis_phase phase;
	} rows[] = {
	    {NULL, NULL, "[1]", MF_ANALYSIS_SUCCESSFUL},
	    {NULL, NULL, "[]", MF_ANALYSIS_SUCCESSFUL},
	    {"result[0] > 1", NULL, "[2]", MF_ANALYSIS_SUCCESSFUL},
	    {"result[0] > 1", NULL, "[1]", MF_ANALYSIS_FAILED},
	    {"result[0] > 1", NULL, "[]", MF_ANALYSIS_ERROR},
	    {"result[0]", NULL, "[1]", MF_ANALYSIS_ERROR},
	    {NULL, "result[0] > 1", "[2]", MF_ANALYSIS_FAILED},
	    {NULL, "result[0] > 1", "[1]", MF_ANALYSIS_SUCCESSFUL},
	    {"result[0] > 1", "result[0] > 5", "[9]", MF_ANALYSIS_FAILED},
	    {"result[0] > 1", "result[0] < 0", "[1]", MF_ANALYSIS_INCONCLUSIVE},
	    {"result[0] > 1", "result[0] < 0", "[3]", MF_ANALYSIS_SUCCESSFUL},
	    {"result.ok", NULL, "{\"ok\":true}", MF_ANALYSIS_SUCCESSFUL},
	    {"result == 'up'", NULL, "\"up\"", MF_ANALYSIS_SUCCESSFUL},
	};
	struct mf_analysis_metric m = {.name = "m"};
	struct mf_measured got = {.end = MF_MEASURE_VALUE};
	struct mf_error e = {0};
	bool has_data;

	for (size_t i = 0; i < ROWS(rows); i++) {
		m.success = rows[i].success ? mf_expr_read(rows[i].success, *state, &e) : NULL;
		m.failure = rows[i].failure ? mf_expr_read(rows[i].failure, *state, &e) : NULL;
		got.result = tree_of(*state, rows[i].result);
		if (mf_analysis_judge(MF_PROFILE_ARGO, &m, &got, NULL, &has_data) != rows[i].phase)
			fail_msg("row %zu is not %s", i, mf_analysis_phase_name(rows[i].phase));
		assert_true(has_data);
	}
	/* NaN is no number that anything could be true of; nothing is an empty list */
	m.success = mf_expr_read("isNaN(result)", *state, &e);
	m.failure = NULL;
	got = (struct mf_measured){.end = MF_MEASURE_NAN};
	assert_int_equal(
	    mf_analysis_judge(MF_PROFILE_ARGO, &m, &got, NULL, &has_data), MF_ANALYSIS_SUCCESSFUL);
	m.success = mf_expr_read("len(result) == 0", *state, &e);
	got = (struct mf_measured){.end = MF_MEASURE_NONE};
	assert_int_equal(
	    mf_analysis_judge(MF_PROFILE_ARGO, &m, &got, NULL, &has_data), MF_ANALYSIS_SUCCESSFUL);
	/* a migration takes nothing, too early and too few for no measurement */
	m.success = NULL;
	mf_analysis_judge(MF_PROFILE_MIGRATION, &m, &got, NULL, &has_data);
	assert_false(has_data);
	got.end = MF_MEASURE_EARLY;
	mf_analysis_judge(MF_PROFILE_ARGO, &m, &got, NULL, &has_data);
	assert_false(has_data);
	got.end = MF_MEASURE_FEW;
	mf_analysis_judge(MF_PROFILE_MIGRATION, &m, &got, NULL, &has_data);
	assert_false(has_data);
}

/* Why it is an error, for people: what the provider said, or which condition cannot be evaluated. */
static void
whys(void **state)
{
	struct mf_analysis_metric m = {.name = "m"};
	struct mf_measured got = {.end = MF_MEASURE_ERROR, .why = "connection refused"};
	struct mf_error e = {0}, why;

	m.success = mf_expr_read("result[0] > 1", *state, &e);
	mf_analysis_why(&m, &got, &why);
	assert_string_equal(why.message, "connection refused");
	got = (struct mf_measured){.end = MF_MEASURE_VALUE, .value = 2};
	mf_analysis_why(&m, &got, &why);
	assert_int_not_equal(why.code, MF_OK);
	assert_non_null(strstr(why.message, "successCondition: "));
	got.result = tree_of(*state, "[2]");
	mf_analysis_why(&m, &got, &why);
	assert_int_equal(why.code, MF_OK);
	got = (struct mf_measured){.end = MF_MEASURE_EARLY};
	mf_analysis_why(&m, &got, &why);
	assert_int_equal(why.code, MF_OK);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    trees_test(by_the_clock),
	    trees_test(errors),
	    trees_test(dry_runs),
	    trees_test(windows),
	    trees_test(predicates),
	    trees_test(verdicts),
	    trees_test(whys),
	};

	return cmocka_run_group_tests_name("analyses", tests, NULL, NULL);
}
