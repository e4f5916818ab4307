/* What programs read of runs, also where a record holds what nobody should have put there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>

#include "src/cmd/runs.h"

#define NOW INT64_C(1700000000000000) /* 2023-11-14T22:13:20Z */

static struct mf_cmd_run
run_of(char *model)
{
	static char text[] = "x", empty[] = "";

	return (struct mf_cmd_run){.id = text,
	    .plan = text,
	    .digest = text,
	    .model = model,
	    .actor = text,
	    .from = empty,
	    .to = text,
	    .result = empty,
	    .reason = empty,
	    .because = empty,
	    .begun_us = NOW};
}

/* No run is left out because of a name that is no text. */
static void
test_names(void **state)
{
	static char odd[] = "m\xff";
	struct mf_cmd_run run = run_of(odd);
	json_t *o = mf_cmd_run_json(&run);

	(void)state;
	assert_non_null(o);
	assert_string_equal(json_string_value(json_object_get(o, "model")), "m\\xff");
	assert_true(json_is_true(json_object_get(o, "model_escaped")));
	assert_string_equal(json_string_value(json_object_get(o, "begun")), "2023-11-14T22:13:20Z");
	assert_null(json_object_get(o, "ended"));
	json_decref(o);
}

static void
fill(struct mf_cmd_run_seen *seen)
{
	struct mf_migrate_view *v = &seen->view;

	seen->has_beat = seen->has_view = true;
	seen->now_us = NOW;
	seen->age_us = 1500000;
	seen->beat = (struct mf_run_beat){
	    .tick = 4, .canary_weight = 40, .phase = "Progressing", .note = "noData"};
	seen->unwell = "it holds, or goes back";
	*v = (struct mf_migrate_view){.at_us = NOW - 2000000,
	    .by = "kim@host",
	    .wanted = 40,
	    .router_known = true,
	    .canary = 20,
	    .share = 20.5,
	    .hold = "noData",
	    .hold_since_us = NOW - 1000000,
	    .hold_until_us = NOW + 1000000,
	    .hold_end = "rollback",
	    .source_unchecked = true,
	    .n_metrics = 1,
	    .metrics = {{.name = "m",
		.check = "out",
		.has_value = true,
		.value = INFINITY,
		.has_max = true,
		.max = 2,
		.asked_us = NOW - 3000000}}};
}

static void
test_view(void **state)
{
	static const char wanted[] =
	    "{\"alert_only\": false, \"optional\": false, \"abort_max\": null, \"abort_min\": "
	    "null, "
	    "\"age_seconds\": 3.0, \"max\": 2.0, \"min\": null, \"name\": \"m\", \"primary\": "
	    "null, "
	    "\"sample_age_seconds\": null, \"samples\": null, \"state\": \"out\", "
	    "\"value\": \"+Inf\", \"why\": \"\"}";
	struct mf_cmd_run_seen *seen = calloc(1, sizeof *seen);
	static char model[] = "churn";
	struct mf_cmd_run run = run_of(model);
	json_t *o, *expected = json_loads(wanted, 0, NULL);

	(void)state;
	assert_non_null(seen);
	fill(seen);
	o = mf_cmd_status_json(&run, seen);
	assert_non_null(o);
	assert_true(json_is_false(json_object_get(o, "healthy")));
	assert_true(json_equal(json_array_get(json_object_get(o, "metrics"), 0), expected));
	json_decref(expected);
	expected = json_pack("{s:s, s:s, s:s, s:s}", "name", "noData", "since",
	    "2023-11-14T22:13:19Z", "until", "2023-11-14T22:13:21Z", "then", "rollback");
	assert_true(json_equal(json_object_get(o, "hold"), expected));
	json_decref(expected);
	expected = json_pack("{s:b, s:[i,i], s:f, s:f, s:s}", "known", 1, "weights", 80, 20,
	    "canary_share", 20.5, "age_seconds", 2.0, "note", "");
	assert_true(json_equal(json_object_get(o, "real"), expected));
	json_decref(expected);
	expected = json_pack("[s]", "source");
	assert_true(json_equal(json_object_get(o, "serves_unchecked"), expected));
	json_decref(expected);
	json_decref(o);
	/* of a run that has ended there is no more than how it ended */
	run.ended_us = NOW;
	o = mf_cmd_status_json(&run, seen);
	assert_null(json_object_get(o, "real"));
	json_decref(o);
	free(seen);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_names),
	    cmocka_unit_test(test_view),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
