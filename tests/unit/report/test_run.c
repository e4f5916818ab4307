/* What is said of a run, its id, and the end of the log. */
#include "tests/unit/report/sample_run.h"

#include "src/report/tail.h"

static void
statuses(void **state)
{
	unsigned code;

	(void)state;
	/* every status that the program ends with has a meaning of its own */
	for (code = 0; code < MF_CODES; code++)
		assert_string_not_equal(
		    mf_report_status_text(mf_error_row((enum mf_code)code)->exit_status),
		    "unknown");
	assert_string_equal(mf_report_status_text(5), "key, signature or permission refused");
	assert_string_equal(mf_report_status_text(99), "unknown");
}

static void
ids(void **state)
{
	uint8_t random[16] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
	    0xff, 0xff, 0xff, 0xff, 0x01};
	char uuid[MF_REPORT_UUID_BYTES], longest[MF_REPORT_RUN_ID_MAX + 2];

	(void)state;
	mf_report_make_uuid(random, uuid);
	assert_string_equal(uuid, "ffffffff-ffff-4fff-bfff-ffffffffff01");
	assert_true(mf_report_is_uuid(uuid));
	assert_true(mf_report_is_uuid("0B5AA4DC-6d1f-4b0c-9d2e-1f7a5d8e9c01"));
	assert_false(mf_report_is_uuid("0b5aa4dc-6d1f-4b0c-9d2e-1f7a5d8e9c0"));
	assert_false(mf_report_is_uuid("0b5aa4dc-6d1f-4b0c-9d2e-1f7a5d8e9c011"));
	assert_false(mf_report_is_uuid("0b5aa4dc_6d1f-4b0c-9d2e-1f7a5d8e9c01"));
	assert_false(mf_report_is_uuid("gb5aa4dc-6d1f-4b0c-9d2e-1f7a5d8e9c01"));
	assert_false(mf_report_is_uuid(""));
	assert_true(mf_report_run_id_is_good(uuid));
	assert_true(mf_report_run_id_is_good("nightly_7.B"));
	assert_false(mf_report_run_id_is_good(""));
	assert_false(mf_report_run_id_is_good("a/b"));
	assert_false(mf_report_run_id_is_good("a b"));
	assert_false(mf_report_run_id_is_good("a\n"));
	memset(longest, 'a', sizeof longest);
	longest[MF_REPORT_RUN_ID_MAX] = '\0';
	assert_true(mf_report_run_id_is_good(longest));
	longest[MF_REPORT_RUN_ID_MAX] = 'a';
	longest[MF_REPORT_RUN_ID_MAX + 1] = '\0';
	assert_false(mf_report_run_id_is_good(longest));
}

static void
summaries(void **state)
{
	struct mf_report_run run = sample_success();
	struct mf_buf b = MF_BUF_INIT;
	struct mf_error error;

	(void)state;
	mf_report_put_summary(&b, &run);
	assert_string_equal(mf_buf_cstr(&b), "push churn@v1 on db1 succeeded after 4.9s");
	mf_buf_clear(&b);
	run = sample_failure(&error);
	mf_report_put_summary(&b, &run);
	assert_string_equal(mf_buf_cstr(&b), "push churn@v1 on db1 failed after 4.9s: transfer "
					     "failed after all retries, or no space "
					     "is left (status 6)");
	mf_buf_clear(&b);
	run.version = NULL;
	mf_report_put_subject(&b, &run);
	assert_string_equal(mf_buf_cstr(&b), "push churn");
	mf_buf_clear(&b);
	run.model = NULL;
	mf_report_put_subject(&b, &run);
	assert_string_equal(mf_buf_cstr(&b), "push");
	mf_buf_fini(&b);
}

/* Whole lines, the last ones, however long each is. */
static void
tails(void **state)
{
	struct mf_error e = {0};
	struct mf_tail *t = mf_tail_new(&e);
	struct mf_buf b = MF_BUF_INIT;
	char line[MF_TAIL_BYTES + 100];
	unsigned i;
	int n;

	(void)state;
	assert_non_null(t);
	mf_tail_put(t, &b);
	assert_int_equal(b.len, 0);
	for (i = 0; i < 5000; i++) {
		n = snprintf(line, sizeof line, "line %u%*s\n", i, (int)(i % 60), ".");
		mf_tail_add(t, line, (size_t)n);
	}
	mf_tail_put(t, &b);
	assert_true(b.len <= MF_TAIL_BYTES && b.len > MF_TAIL_BYTES - 200);
	assert_memory_equal(b.data, "line ", 5);
	assert_int_equal(b.data[b.len - 1], '\n');
	assert_non_null(strstr(mf_buf_cstr(&b), "line 4999"));
	/* one that fills it, one that does not fit, and a short one after it */
	memset(line, 'x', sizeof line);
	mf_buf_clear(&b);
	mf_tail_add(t, line, MF_TAIL_BYTES);
	mf_tail_add(t, line, sizeof line);
	mf_tail_put(t, &b);
	assert_int_equal(b.len, MF_TAIL_BYTES);
	assert_int_equal(b.data[b.len - 1], '\n');
	mf_tail_add(t, "short\n", 6);
	mf_buf_clear(&b);
	mf_tail_put(t, &b);
	assert_string_equal(mf_buf_cstr(&b), "short\n");
	mf_buf_fini(&b);
	mf_tail_free(t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(statuses),
	    cmocka_unit_test(ids),
	    cmocka_unit_test(summaries),
	    cmocka_unit_test(tails),
	};

	return cmocka_run_group_tests_name("report/run", tests, NULL, NULL);
}
