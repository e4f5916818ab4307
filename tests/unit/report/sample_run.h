/* Runs that the tests of this room tell, and the files that hold what is told of them. */
#ifndef TESTS_UNIT_REPORT_SAMPLE_RUN_H
#define TESTS_UNIT_REPORT_SAMPLE_RUN_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "src/base/fs.h"
#include "src/report/run.h"

#include <fcntl.h>

#define SAMPLE_ID "0b5aa4dc-6d1f-4b0c-9d2e-1f7a5d8e9c01"

static inline struct mf_report_run
sample_success(void)
{
	return (struct mf_report_run){.run_id = SAMPLE_ID,
	    .program = "modelferry/0.1",
	    .command = "push",
	    .model = "churn",
	    .version = "v1",
	    .store = "s3://models/site-1",
	    .host = "db1",
	    .ended_unix_us = 1769860800123456,
	    .duration_us = 4900000,
	    .counts = {.bytes = 3221225472,
		.new_bytes = 1048576,
		.stored_bytes = 524288,
		.fetched_bytes = 4096,
		.files = 7,
		.new_chunks = 3,
		.known_chunks = 797,
		.retries = 2}};
}

static inline struct mf_report_run
sample_failure(struct mf_error *error)
{
	struct mf_report_run run = sample_success();

	mf_error_set(error, MF_ETRANSFER, "s3://models/site-1/c/<a&b>`x`: the store answered 503");
	mf_error_while(error, "trying 11 times");
	mf_error_while(error, "pushing /models/churn to churn@v1");
	run.error = error;
	run.exit_status = 6;
	run.ended_unix_us += 86400000000;
	return run;
}

/* The text is what the file golden/name says. With MF_WRITE_GOLDEN=1 the file is made to say it;
 * read it then. */
static inline void
assert_golden(struct mf_buf *text, const char *name)
{
	const char *top = getenv("MF_TOP_SRCDIR");
	struct mf_buf want = MF_BUF_INIT;
	struct mf_error e = {0};
	char path[512];

	(void)snprintf(
	    path, sizeof path, "%s/tests/unit/report/golden/%s", top != NULL ? top : ".", name);
	assert_non_null(mf_buf_cstr(text));
	if (getenv("MF_WRITE_GOLDEN") != NULL)
		assert_int_equal(mf_fs_replace(AT_FDCWD, path, text->data, text->len, 0644, &e), 0);
	if (mf_fs_read_file(AT_FDCWD, path, 1 << 20, &want, &e) != 0)
		fail_msg("%s", e.message);
	assert_non_null(mf_buf_cstr(&want));
	assert_string_equal(mf_buf_cstr(text), mf_buf_cstr(&want));
	mf_buf_fini(&want);
}

#endif
