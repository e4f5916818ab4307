/* What a person sees of a run: exact texts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <stdio.h>

#include "src/cmd/view_text.h"

#define NOW INT64_C(1700000000000000) /* 2023-11-14T22:13:20Z */
#define SECOND INT64_C(1000000)

static void
text(char out[8192], const struct mf_migrate_view *v, const struct mf_view_frame *f)
{
	struct mf_buf b = MF_BUF_INIT;

	mf_view_text(&b, v, f);
	assert_false(b.failed);
	(void)snprintf(out, 8192, "%s", mf_buf_cstr(&b));
	mf_buf_fini(&b);
}

static void
fill(struct mf_migrate_view *v)
{
	*v = (struct mf_migrate_view){
	    .at_us = NOW - 2 * SECOND,
	    .by = "kim@host",
	    .stage = "shift",
	    .tick = 4,
	    .phase = "Progressing",
	    .step = "canary 40 %, then 60 %; maxWeight 60 %",
	    .wanted = 40,
	    .router_known = true,
	    .canary = 40,
	    .capacity = true,
	    .primary_up = 3,
	    .primary_servers = 4,
	    .canary_up = 1,
	    .canary_servers = 1,
	    .failed_checks = 1,
	    .threshold = 2,
	    .next_us = NOW + 1400000,
	    .rollback = "weights 60/40 to 100/0 at once",
	    .n_metrics = 2,
	    .metrics =
		{
		    {.name = "accuracy",
			.check = "pass",
			.has_value = true,
			.value = 0.95,
			.has_min = true,
			.min = 0.9,
			.has_abort_min = true,
			.abort_min = 0.5,
			.has_primary = true,
			.primary = 0.96,
			.samples = 12,
			.age_us = 300000,
			.asked_us = NOW - 2 * SECOND},
		    {.name = "latency",
			.check = "novalue",
			.has_max = true,
			.max = 250,
			.asked_us = NOW - 2 * SECOND,
			.why = "an empty result"},
		},
	};
}

static void
test_live(void **state)
{
	struct mf_view_frame f = {
	    .now_us = NOW, .columns = 79, .rows = 23, .title = "churn: v1 -> v2", .live = true};
	struct mf_migrate_view v;
	char got[8192];

	(void)state;
	fill(&v);
	text(got, &v, &f);
	assert_string_equal(got,
	    "churn: v1 -> v2\n"
	    "  primary   [#######################................]  60 %  3 of 4 up\n"
	    "  canary    [################.......................]  40 %  1 of 1 up\n"
	    "  step      canary 40 %, then 60 %; maxWeight 60 %\n"
	    "  checks    1 failed of 2\n"
	    "  metrics\n"
	    "    accuracy       0.95  pass    at least 0.9; abort below 0.5; primary 0.96; 1\n"
	    "    latency           -  novalue at most 250; an empty result\n"
	    "  next tick in 1.4s\n"
	    "  rollback  weights 60/40 to 100/0 at once");
}

/* From another machine: with ages, and whose it is. */
static void
test_status(void **state)
{
	struct mf_view_frame f = {.now_us = NOW};
	struct mf_migrate_view v;
	char got[8192];

	(void)state;
	fill(&v);
	v.wanted = 20;
	v.destination_unchecked = true;
	strcpy(v.hold, "lowered");
	strcpy(v.waits, "somebody");
	strcpy(v.hold_end, "rollback");
	v.hold_since_us = NOW - 12 * SECOND;
	v.hold_until_us = NOW + 18 * SECOND;
	v.next_us = NOW - 30 * SECOND;
	text(got, &v, &f);
	assert_string_equal(got,
	    "  held by   kim@host\n"
	    "  unchecked what the destination serves is not asked, as the plan says\n"
	    "  primary   [############........]  60 %  3 of 4 up\n"
	    "  canary    [########............]  40 %  1 of 1 up, wanted 20 %, read 2s ago\n"
	    "  step      canary 40 %, then 60 %; maxWeight 60 %\n"
	    "  checks    1 failed of 2\n"
	    "  metrics\n"
	    "    accuracy       0.95  pass    at least 0.9; abort below 0.5; primary 0.96; 12 "
	    "samples; newest 300ms old; asked 2s ago\n"
	    "    latency           -  novalue at most 250; asked 2s ago; an empty result\n"
	    "  held      lowered for 12s, until 2023-11-14T22:13:38Z (in 18s), then rollback\n"
	    "  waits for somebody\n"
	    "  next tick overdue for 30s\n"
	    "  rollback  weights 60/40 to 100/0 at once");
	strcpy(v.hold, "settling"); /* that ends by itself, and nothing goes back */
	v.settled_us = NOW + 8 * SECOND;
	text(got, &v, &f);
	assert_non_null(
	    strstr(got, "  held      settling for 12s, until 2023-11-14T22:13:28Z (in 8s)\n"));
	assert_true(mf_view_is_settling(&v, NOW));
	assert_false(mf_view_is_settling(&v, v.settled_us + 1));
}

/* It was told to end: nobody holds it, and what resumes it is said. */
static void
test_left(void **state)
{
	static const char said[] =
	    "  held by   nobody: interrupted 12s ago, at 2023-11-14T22:13:08Z; it was run by "
	    "kim@host\n"
	    "  resume    `migrate PLAN --resume` goes on, with --on-resume rollback back; after "
	    "2023-11-14T22:23:21Z it goes back in any case\n"
	    "  primary ";
	struct mf_view_frame f = {.now_us = NOW};
	struct mf_migrate_view v;
	char got[8192];

	(void)state;
	fill(&v);
	mf_view_left(&v, 600 * SECOND, NOW - 12 * SECOND);
	text(got, &v, &f);
	assert_ptr_equal(strstr(got, said), got);
	assert_null(strstr(got, "next tick"));
	fill(&v);
	v.wanted = 0; /* nothing is with the canary: it can wait */
	mf_view_left(&v, 600 * SECOND, NOW - 12 * SECOND);
	text(got, &v, &f);
	assert_null(strstr(got, "in any case"));
}

/* Before the shift there are no weights of ours, but data under way. */
static void
test_data(void **state)
{
	struct mf_view_frame f = {.now_us = NOW,
	    .columns = 40,
	    .title = "churn",
	    .progress = "  data: 1.0 MiB\n  3 files",
	    .live = true};
	struct mf_migrate_view v = {
	    .stage = "deliver", .doing = "/models", .rollback = "nothing: no weight has moved"};
	char got[8192];

	(void)state;
	text(got, &v, &f);
	assert_string_equal(got, "churn\n"
				 "  data: 1.0 MiB\n"
				 "  3 files\n"
				 "  stage     deliver /models\n"
				 "  rollback  nothing: no weight has moved");
}

/* What is a sentence goes on below, and is not for ever. */
static void
test_long_texts(void **state)
{
	struct mf_view_frame f = {.now_us = NOW, .columns = 40, .title = "t", .live = true};
	struct mf_migrate_view v = {.stage = "deliver",
	    .rollback = "weights 60/40 to 100/0 at once; drain sessions for at most 2s; mark v2 as "
			"rejected if it is at fault; watch the primary for 1s"};
	char got[8192];

	(void)state;
	text(got, &v, &f);
	assert_string_equal(got, "t\n"
				 "  stage     deliver\n"
				 "  rollback  weights 60/40 to 100/0 at\n"
				 "            once; drain sessions for at\n"
				 "            most 2s; mark v2 as rejected");
}

/* No line is wider than the terminal, and a character of three bytes may take two columns. */
static void
test_width(void **state)
{
	struct mf_view_frame f = {.now_us = NOW,
	    .title = "caf\xc3\xa9 \xe6\xa8\xa1\xe5\x9e\x8b",
	    .live = true,
	    .rows = 1};
	struct mf_migrate_view v;
	char got[8192];

	(void)state;
	fill(&v);
	f.columns = 8;
	text(got, &v, &f);
	assert_string_equal(got, "caf\xc3\xa9 \xe6\xa8\xa1");
	f.columns = 9;
	text(got, &v, &f);
	assert_string_equal(got, "caf\xc3\xa9 \xe6\xa8\xa1\xe5\x9e\x8b");
	f.columns = 3;
	text(got, &v, &f);
	assert_string_equal(got, "caf");
}

/* Where there is no room for all metrics, those that pass are the first to go. */
static void
test_height(void **state)
{
	struct mf_view_frame f = {
	    .now_us = NOW, .columns = 60, .rows = 17, .title = "t", .live = true};
	struct mf_migrate_view v;
	char got[8192];
	const char *p;
	unsigned lines = 1;
	size_t i;

	(void)state;
	fill(&v);
	v.n_metrics = 40;
	for (i = 0; i < 40; i++) {
		v.metrics[i] = v.metrics[0];
		(void)snprintf(v.metrics[i].name, sizeof v.metrics[i].name, "m%zu", i);
	}
	strcpy(v.metrics[37].check, "out");
	text(got, &v, &f);
	for (p = got; *p != '\0'; p++)
		lines += *p == '\n';
	assert_int_equal(lines, 11);
	assert_non_null(strstr(got, "m37 "));
	assert_non_null(strstr(got, "m0 "));
	assert_null(strstr(got, "m1 "));
	assert_non_null(strstr(got, "and 38 more"));
	assert_non_null(strstr(got, "rollback"));
}

/* Whoever wrote the record: nothing in it acts upon the terminal. */
static void
test_hostile(void **state)
{
	struct mf_view_frame f = {.now_us = NOW, .title = "\033[2J"};
	struct mf_migrate_view v;
	char got[8192];
	const char *p;

	(void)state;
	fill(&v);
	strcpy(v.by, "\033]0;x\007");
	strcpy(v.step, "\r\n\033[A");
	strcpy(v.waits, "\xc2\x9b"
			"2J");
	strcpy(v.rollback, "\xff\x1b");
	strcpy(v.hold, "\b\b");
	strcpy(v.doing, "\033c");
	strcpy(v.reason, "\033c");
	strcpy(v.metrics[0].name, "\033[31m");
	strcpy(v.metrics[0].check, "\033[31m");
	strcpy(v.metrics[1].why, "\033[31m");
	v.canary = v.wanted = 100;
	v.hold_until_us = INT64_C(9007199254740992);
	text(got, &v, &f);
	for (p = got; *p != '\0'; p++)
		assert_true(*p == '\n' || (unsigned char)*p >= 0x20);
	assert_null(strstr(got, "\xc2\x9b"));
	assert_non_null(strstr(got, "\\x1b[31m"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_live),
	    cmocka_unit_test(test_status),
	    cmocka_unit_test(test_left),
	    cmocka_unit_test(test_data),
	    cmocka_unit_test(test_long_texts),
	    cmocka_unit_test(test_width),
	    cmocka_unit_test(test_height),
	    cmocka_unit_test(test_hostile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
