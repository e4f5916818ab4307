#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "src/base/error.h"

static void
test_set(void **state)
{
	struct mf_error e;

	(void)state;
	assert_int_equal(mf_error_set(&e, MF_EDAMAGED, "object %s is %d bytes short", "ab", 3), -1);
	assert_int_equal(e.code, MF_EDAMAGED);
	assert_string_equal(e.message, "object ab is 3 bytes short");
	assert_int_equal(e.sys_errno, 0);
	assert_int_equal(e.http_status, 0);
	assert_int_equal(e.n_frames, 0);
	assert_string_equal(e.hint, "");
	assert_int_equal(mf_error_set(NULL, MF_EFAIL, "nobody listens"), -1);
	assert_int_equal(mf_error_hint(NULL, "nobody"), -1);
	assert_int_equal(mf_error_while(NULL, "nobody"), -1);
	mf_error_clear(NULL);
	mf_error_clear(&e);
	assert_int_equal(e.code, MF_OK);
}

static void
test_set_from_itself(void **state)
{
	struct mf_error e;

	(void)state;
	mf_error_set(&e, MF_EFAIL, "inner");
	mf_error_set(&e, MF_EKEY, "outer: %s", e.message);
	assert_string_equal(e.message, "outer: inner");
}

static void
test_escapes(void **state)
{
	struct mf_error e;

	(void)state;
	mf_error_set(&e, MF_EFAIL, "name \"%s\"", "a\x1b[2J\n\xff\xc2\x9b\xc3\xa4");
	assert_string_equal(e.message,
	    "name \"a\\x1b[2J\\n\\xff\\xc2\\x9b\xc3\xa4\"");
}

static void
test_truncates(void **state)
{
	struct mf_error e;
	char text[4000], out[64];

	(void)state;
	memset(text, 'x', sizeof text - 1);
	text[sizeof text - 1] = '\0';
	mf_error_set(&e, MF_EFAIL, "%s", text);
	assert_int_equal(strlen(e.message), MF_ERROR_MESSAGE_BYTES - 1);
	mf_error_sys(&e, ENOSPC, "%s", text);
	assert_non_null(strstr(e.message, "x: No space left"));
	mf_error_hint(&e, "%s", text);
	assert_int_equal(strlen(e.hint), MF_ERROR_HINT_BYTES - 1);
	mf_error_while(&e, "%s", text);
	assert_int_equal(strlen(e.frames[0]), MF_ERROR_FRAME_BYTES - 1);
	mf_error_text(&e, out, sizeof out);
	assert_int_equal(strlen(out), sizeof out - 1);
	mf_error_text(&e, out, 1);
	assert_string_equal(out, "");
}

static void
test_truncates_between_characters(void **state)
{
	struct mf_error e;
	char text[600];
	size_t i;

	(void)state;
	for (i = 0; i + 1 < sizeof text - 1; i += 2)
		memcpy(text + i, "\xc3\xa4", 2);
	text[i] = '\0';
	mf_error_set(&e, MF_EFAIL, "%s", text);
	/* 511 bytes hold 255 characters of two; the 256th is left out whole. */
	assert_int_equal(strlen(e.message) % 2, 0);
}

static void
test_errnos(void **state)
{
	static const struct {
		int sys_errno;
		enum mf_code code;
	} rows[] = {{ENOSPC, MF_ENOSPC}, {EDQUOT, MF_ENOSPC}, {EACCES, MF_EPERM},
	    {EPERM, MF_EPERM}, {EROFS, MF_EPERM}, {ENOENT, MF_ENOTFOUND}, {ENOMEM, MF_ENOMEM},
	    {EEXIST, MF_EEXIST}, {EIO, MF_EFAIL}, {0, MF_EFAIL}, {99999, MF_EFAIL}};
	struct mf_error e;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		assert_int_equal(mf_error_sys(&e, rows[i].sys_errno, "it"), -1);
		assert_int_equal(e.code, rows[i].code);
		assert_int_equal(e.sys_errno, rows[i].sys_errno);
	}
	mf_error_sys(&e, ENOENT, "cannot open %s", "f");
	assert_string_equal(e.message, "cannot open f: No such file or directory");
}

static void
test_text(void **state)
{
	struct mf_error e;
	char out[1024];
	int i;

	(void)state;
	mf_error_set(&e, MF_EUSAGE, "bad plan");
	assert_string_equal(mf_error_text(&e, out, sizeof out), "bad plan");
	for (i = 1; i <= MF_ERROR_FRAMES + 2; i++)
		mf_error_while(&e, "step %d", i);
	mf_error_hint(&e, "read modelferry-plan(5)");
	assert_string_equal(mf_error_text(&e, out, sizeof out),
	    "bad plan, while step 1, while step 2, while step 3, while step 4\n"
	    "HINT: read modelferry-plan(5)");
	mf_error_set(&e, MF_EINTERRUPTED, "stopped");
	assert_non_null(strstr(mf_error_text(&e, out, sizeof out), "stopped\nHINT: run the same"));
}

/* modelferry(1), EXIT STATUS: numbers that scripts rely on. */
static void
test_table(void **state)
{
	static const int statuses[MF_CODES] = {[MF_OK] = 0, [MF_EFAIL] = 1, [MF_ENOMEM] = 11,
	    [MF_EUSAGE] = 2, [MF_EUNSUPPORTED] = 2, [MF_ENOTFOUND] = 3, [MF_EDAMAGED] = 4,
	    [MF_EKEY] = 5, [MF_EPERM] = 5, [MF_ETRANSFER] = 6, [MF_ENOSPC] = 6,
	    [MF_ECONFLICT] = 7, [MF_EROLLEDBACK] = 8, [MF_EROLLBACKFAILED] = 9,
	    [MF_EDIFFERENT] = 10, [MF_EINTERRUPTED] = 11, [MF_ESOURCE] = 12, [MF_EEXIST] = 2,
	    [MF_ECLOSED] = 141};
	int i, j;

	(void)state;
	for (i = 0; i < MF_CODES; i++) {
		assert_non_null(mf_error_row((enum mf_code)i)->name);
		assert_int_equal(mf_error_row((enum mf_code)i)->exit_status, statuses[i]);
		for (j = 0; j < i; j++)
			assert_string_not_equal(mf_error_row((enum mf_code)i)->name,
			    mf_error_row((enum mf_code)j)->name);
		/* whether to try again is told by the status too */
		j = statuses[i];
		assert_int_equal(mf_error_row((enum mf_code)i)->retryable,
		    j == 6 || j == 7 || j == 11 || j == 12);
	}
	assert_ptr_equal(mf_error_row((enum mf_code)999), mf_error_row(MF_EFAIL));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_set),
	    cmocka_unit_test(test_set_from_itself),
	    cmocka_unit_test(test_escapes),
	    cmocka_unit_test(test_truncates),
	    cmocka_unit_test(test_truncates_between_characters),
	    cmocka_unit_test(test_errnos),
	    cmocka_unit_test(test_text),
	    cmocka_unit_test(test_table),
	};

	return cmocka_run_group_tests_name("base/error", tests, NULL, NULL);
}
