/* States of Rollouts to JSON and back. */
#include "src/rollout/rollout_state.h"
#include "tests/unit/rollout/trees.h"

static struct mf_rollout_state
full_state(void)
{
	struct mf_rollout_state s;

	mf_rollout_start(&s, "churn@v2 \"x\"", "churn@v1");
	s.phase = MF_ROLLOUT_PAUSED;
	s.step = 7;
	s.weight = 40;
	s.reason = MF_REASON_THRESHOLD;
	s.result = MF_RESULT_PERSON_NEEDED;
	s.pauses = MF_ROLLOUT_PAUSE_STEP | MF_ROLLOUT_PAUSE_LOWERED;
	s.pause_since_us = UINT64_C(9007199254740991);
	s.back = (struct mf_way_back){.step = 3,
	    .tries = 2,
	    .failed = true,
	    .fallback = 1,
	    .verify_since_us = 12,
	    .verify_measured = true};
	s.shared = MF_ROLLOUT_SHARED_BAKE;
	s.missing_failed = 3;
	s.missing_next_us = 13;
	s.changed_us = 5;
	s.scale_down_us = 6;
	s.run_on = s.background_on = s.routes = s.scaled_up = true;
	mf_analysis_start(&s.run, 77, true);
	mf_analysis_start(&s.background, 78, false);
	s.background.metrics[2] = (struct mf_analysis_metric_state){.phase = MF_ANALYSIS_RUNNING,
	    .last = MF_ANALYSIS_INCONCLUSIVE,
	    .last_us = 99,
	    .count = 3,
	    .failed = 1,
	    .consecutive_errors = 2,
	    .no_data_since_us = 4,
	    .has_value = true,
	    .value = 0.1};
	(void)snprintf(s.history[0], sizeof s.history[0], "churn@v0");
	(void)snprintf(s.former, sizeof s.former, "churn@v0");
	s.bake_since_us = 11;
	s.bake_failed_next = MF_BAKE_FAILURES + 3;
	for (size_t i = 0; i < MF_BAKE_FAILURES; i++)
		s.bake_failed_us[i] = 1000 + i;
	return s;
}

static void
there_and_back(void **state)
{
	const struct mf_rollout_state s = full_state();
	struct mf_buf first = MF_BUF_INIT, second = MF_BUF_INIT;
	struct mf_rollout_state back;
	struct mf_error e = {0};

	mf_rollout_state_put(&first, &s);
	assert_true(first.len < MF_ROLLOUT_STATE_BYTES_MAX);
	assert_int_equal(mf_rollout_state_read(&back, tree_of(*state, mf_buf_cstr(&first)), &e), 0);
	mf_rollout_state_put(&second, &back);
	assert_string_equal(mf_buf_cstr(&first), mf_buf_cstr(&second));
	assert_string_equal(back.current, "churn@v2 \"x\"");
	assert_int_equal(back.phase, MF_ROLLOUT_PAUSED);
	assert_int_equal(back.reason, MF_REASON_THRESHOLD);
	assert_int_equal(back.result, MF_RESULT_PERSON_NEEDED);
	assert_true(back.pause_since_us == UINT64_C(9007199254740991));
	assert_int_equal(back.background.metrics[2].last, MF_ANALYSIS_INCONCLUSIVE);
	assert_true(back.background.metrics[2].value > 0.0999);
	assert_true(back.run.one_success);
	assert_string_equal(back.history[0], "churn@v0");
	assert_int_equal(back.bake_failed_us[63], 1063);
	mf_buf_fini(&first);
	mf_buf_fini(&second);
}

/* The largest that there can be still fits. */
static void
bounded(void **state)
{
	struct mf_rollout_state s;
	struct mf_buf b = MF_BUF_INIT;

	(void)state;
	memset(&s, 0, sizeof s);
	for (size_t i = 0; i < MF_ANALYSIS_METRICS_MAX; i++) {
		s.run.metrics[i] = (struct mf_analysis_metric_state){MF_ANALYSIS_INCONCLUSIVE,
		    MF_ANALYSIS_INCONCLUSIVE, 9007199254740991, 1000000000, 1000000000, 1000000000,
		    1000000000, 1000000000, 1000000000, 1000000000, 9007199254740991, true,
		    -1e-300};
		s.background.metrics[i] = s.run.metrics[i];
	}
	for (size_t i = 0; i < MF_ROLLOUT_HISTORY; i++)
		memset(s.history[i], '\x01', MF_REVISION_BYTES - 1);
	memset(s.current, '\x01', MF_REVISION_BYTES - 1);
	memset(s.stable, '\x01', MF_REVISION_BYTES - 1);
	memset(s.former, '\x01', MF_REVISION_BYTES - 1);
	s.bake_failed_next = MF_BAKE_FAILURES;
	for (size_t i = 0; i < MF_BAKE_FAILURES; i++)
		s.bake_failed_us[i] = 9007199254740991;
	mf_rollout_state_put(&b, &s);
	assert_true(b.len < MF_ROLLOUT_STATE_BYTES_MAX);
	mf_buf_fini(&b);
}

static void
refusals(void **state)
{
	static const char *const bad[] = {"[]", "{\"phase\":\"Sleeping\"}", "{\"phase\":3}",
	    "{\"weight\":101}", "{\"pauses\":32}", "{\"weight\":-1}", "{\"step\":1.5}",
	    "{\"step\":1e10}", "{\"aborted\":1}", "{\"stable\":7}", "{\"run\":[]}",
	    "{\"run\":{\"metrics\":{}}}", "{\"run\":{\"metrics\":[3]}}",
	    "{\"run\":{\"phase\":\"\"}}", "{\"run\":{\"metrics\":[{\"count\":-3}]}}",
	    "{\"history\":[1]}", "{\"history\":[\"\",\"\",\"\",\"\",\"\",\"\",\"\",\"\",\"\"]}",
	    "{\"bakeFailures\":1}", "{\"bakeFailures\":2,\"bakeFailedAt\":[1]}",
	    "{\"changedAt\":1e17}"};
	struct mf_rollout_state s;
	struct mf_error e = {0};

	for (size_t i = 0; i < ROWS(bad); i++)
		if (mf_rollout_state_read(&s, tree_of(*state, bad[i]), &e) == 0 ||
		    e.code != MF_EDAMAGED)
			fail_msg("%s was taken", bad[i]);
	assert_int_equal(mf_rollout_state_read(&s, NULL, &e), -1);
	assert_int_equal(mf_rollout_state_read(&s, tree_of(*state, "{\"later\":[1]}"), &e), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    trees_test(there_and_back),
	    trees_test(bounded),
	    trees_test(refusals),
	};

	return cmocka_run_group_tests_name("state of a Rollout", tests, NULL, NULL);
}
