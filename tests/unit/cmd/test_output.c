#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "src/cmd/output.h"

static void
check_name(const char *name, const char *json)
{
	json_t *o = json_object();
	char *text;

	assert_int_equal(mf_output_set_name(o, "path", name), 0);
	text = json_dumps(o, JSON_COMPACT | JSON_PRESERVE_ORDER | JSON_ENSURE_ASCII);
	assert_string_equal(text, json);
	free(text);
	json_decref(o);
}

static void
names_in_json(void **state)
{
	(void)state;
	check_name("a/b.bin", "{\"path\":\"a/b.bin\"}");
	check_name("a\\b", "{\"path\":\"a\\\\b\"}");
	check_name("n\nl", "{\"path\":\"n\\nl\"}");
	check_name("caf\xc3\xa9", "{\"path\":\"caf\\u00E9\"}");
	check_name("caf\xe9", "{\"path\":\"caf\\\\xe9\",\"path_escaped\":true}");
	check_name("\\x41\xff", "{\"path\":\"\\\\\\\\x41\\\\xff\",\"path_escaped\":true}");
	check_name("\xed\xa0\x80", "{\"path\":\"\\\\xed\\\\xa0\\\\x80\",\"path_escaped\":true}");
	check_name("\xc0\xaf", "{\"path\":\"\\\\xc0\\\\xaf\",\"path_escaped\":true}");
	check_name("\xe2\x82", "{\"path\":\"\\\\xe2\\\\x82\",\"path_escaped\":true}");
}

static void
names_in_text(void **state)
{
	char *text = NULL;
	size_t n;
	FILE *f = open_memstream(&text, &n);

	(void)state;
	assert_non_null(f);
	mf_output_name(f, "a\x1b[2J\n\t\x7f\xc2\x9b caf\xc3\xa9 \xff");
	assert_int_equal(fclose(f), 0);
	assert_string_equal(text, "a\\x1b[2J\\n\\t\\x7f\\xc2\\x9b caf\xc3\xa9 \\xff");
	free(text);
}

static void
failed_writes_are_errors(void **state)
{
	FILE *full = fopen("/dev/full", "w");
	struct mf_error e = {0};

	(void)state;
	if (full == NULL)
		skip();
	fprintf(full, "x");
	assert_int_equal(mf_output_end(full, &e), -1);
	assert_int_equal(e.code, MF_ENOSPC);
	fclose(full);
	assert_int_equal(mf_output_json(stdout, NULL, &e), -1);
	assert_int_equal(e.code, MF_ENOMEM);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(names_in_json),
	    cmocka_unit_test(names_in_text),
	    cmocka_unit_test(failed_writes_are_errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
