/* The state of a canary as JSON and back, and acts as words. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "src/rollout/canary_state.h"
#include "src/rollout/document.h"

static int
back(const char *text, struct mf_canary_state *out, struct mf_error *e)
{
	struct mf_region_params p = {.plain_bytes = 1 << 20, .what = "a test"};
	struct mf_region *r;
	const struct mf_node *node;
	int rc;

	assert_int_equal(mf_region_new(&p, &r, e), 0);
	node = mf_document_json("a state", text, strlen(text), r, e);
	rc = node == NULL ? -1 : mf_canary_state_read(out, node, e);
	mf_region_free(r);
	return rc;
}

static void
test_round_trip(void **state)
{
	struct mf_canary_state s = {
	    .phase = MF_PHASE_ROLLING_BACK,
	    .applied = "v\"2\"",
	    .promoted = "v1",
	    .failed_checks = 3,
	    .at_fault = true,
	    .was_down = true,
	    .iterations = -1,
	    .weight = 40,
	    .primary_created = true,
	    .hold = MF_HOLD_SHARED_FAULT,
	    .hold_since_us = UINT64_C(1790000000000000),
	    .reason = MF_REASON_ABORT_METRIC,
	    .result = MF_RESULT_PERSON_NEEDED,
	    .confirmed = true,
	    .paused = true,
	    .bake_since_us = 1,
	    .bake_next_us = 2,
	    .bake_failed_us = {5, 6},
	    .bake_failed_next = 2,
	    .back = {.step = 3,
		.tries = 4,
		.failed = true,
		.fallback = 1,
		.verify_since_us = 7,
		.verify_measured = true},
	};
	struct mf_canary_state read = {0};
	struct mf_buf b = MF_BUF_INIT;
	struct mf_error e = {0};

	(void)state;
	mf_canary_state_put(&b, &s);
	assert_int_equal(back(mf_buf_cstr(&b), &read, &e), 0);
	assert_memory_equal(&s, &read, sizeof s);
	mf_buf_fini(&b);
	/* of another program: unknown members stay unknown, missing ones are zero */
	assert_int_equal(back("{\"phase\":\"Baking\",\"colour\":\"red\"}", &read, &e), 0);
	assert_int_equal(read.phase, MF_PHASE_BAKING);
	assert_int_equal(read.weight, 0);
}

static void
test_refused(void **state)
{
	static const char *const texts[] = {
	    "[]",
	    "{\"phase\":\"Sleeping\"}",
	    "{\"phase\":7}",
	    "{\"weight\":101}",
	    "{\"weight\":-1}",
	    "{\"weight\":0.5}",
	    "{\"failedChecks\":\"3\"}",
	    "{\"iterations\":-2}",
	    "{\"confirmed\":1}",
	    "{\"holdSince\":1e300}",
	    "{\"bakeFailures\":2,\"bakeFailedAt\":[1]}",
	    "{\"bakeFailures\":1,\"bakeFailedAt\":[\"x\"]}",
	    "{\"applied\":[]}",
	};
	struct mf_canary_state read;
	struct mf_error e;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		e = (struct mf_error){0};
		if (back(texts[i], &read, &e) == 0)
			fail_msg("%s was taken", texts[i]);
		assert_int_equal(e.code, MF_EDAMAGED);
	}
}

static void
test_acts(void **state)
{
	char text[MF_ACT_TEXT_BYTES];
	struct mf_act act = {.kind = MF_ACT_ROUTE, .primary = 60, .canary = 40, .why = "threshold"};
	struct mf_act read;

	(void)state;
	assert_string_equal(mf_act_text(&act, text), "route:60/40 threshold");
	assert_true(mf_act_read_route(&read, text));
	assert_int_equal(read.canary, 40);
	assert_string_equal(read.why, "threshold");
	assert_true(mf_act_read_route(&read, "route:100/0"));
	assert_null(read.why);
	assert_false(mf_act_read_route(&read, "route:50/40"));
	assert_false(mf_act_read_route(&read, "route:x"));
	assert_false(mf_act_read_route(&read, "hook:1"));
	act = (struct mf_act){.kind = MF_ACT_HOOK, .index = 2};
	assert_string_equal(mf_act_text(&act, text), "hook:2");
	act = (struct mf_act){.kind = MF_ACT_REFERENCE};
	assert_string_equal(mf_act_text(&act, text), "reference");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_round_trip),
	    cmocka_unit_test(test_refused),
	    cmocka_unit_test(test_acts),
	};

	return cmocka_run_group_tests_name("state of a canary", tests, NULL, NULL);
}
