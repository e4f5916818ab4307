/* Names in queries, and queries looked at from outside. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "src/rollout/promtext.h"

static void
names(void **state)
{
	char longest[MF_PROMTEXT_NAME_MAX + 2];
	struct mf_buf b = MF_BUF_INIT;
	struct mf_error e = {0};

	(void)state;
	assert_int_equal(mf_promtext_put_exact(&b, "the name", "a\"b\\c.d", &e), 0);
	assert_string_equal(mf_buf_cstr(&b), "a\\\"b\\\\c.d");
	mf_buf_clear(&b);
	assert_int_equal(mf_promtext_put_literal(&b, "the name", "a\"b\\c.d|e", &e), 0);
	assert_string_equal(mf_buf_cstr(&b), "a\\\"b\\\\\\\\c\\\\.d\\\\|e");
	assert_int_equal(mf_promtext_put_exact(&b, "the name", NULL, &e), -1);
	assert_string_equal(e.message, "the name is missing");
	assert_int_equal(mf_promtext_put_literal(&b, "the name", "a\nb", &e), -1);
	assert_string_equal(e.message, "the name holds a control character (10)");
	memset(longest, 'x', sizeof longest);
	longest[sizeof longest - 1] = '\0';
	assert_int_equal(mf_promtext_put_exact(&b, "the name", longest, &e), -1);
	assert_string_equal(e.message, "the name is longer than 512 bytes");
	longest[MF_PROMTEXT_NAME_MAX] = '\0';
	assert_int_equal(mf_promtext_put_exact(&b, "the name", longest, &e), 0);
	mf_buf_fini(&b);
}

static void
windows(void **state)
{
	static const struct {
		uint64_t us;
		const char *want;
	} rows[] = {{60000000, "60s"}, {1500000, "1500ms"}, {1999, "1ms"}};
	struct mf_buf b = MF_BUF_INIT;
	struct mf_error e = {0};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		mf_buf_clear(&b);
		assert_int_equal(mf_promtext_put_window(&b, rows[i].us, &e), 0);
		assert_string_equal(mf_buf_cstr(&b), rows[i].want);
	}
	assert_int_equal(mf_promtext_put_window(&b, 999, &e), -1);
	assert_int_equal(e.code, MF_EUSAGE);
	mf_buf_fini(&b);
}

static void
selectors(void **state)
{
	static const char *const yes[] = {"up", " up ", "a:b:c", "up{job=\"x\"}",
	    "{__name__=\"x\"}", "up { job = \"a}b\" } # one", "vllm:num_requests_running{a='}'}"};
	static const char *const no[] = {"", "1", "up[5m]", "sum(up)", "up > 1", "up offset 5m",
	    "up{job=\"x\"", "\"text\"", "up down", "NaN", "inf"};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof yes / sizeof yes[0]; i++)
		assert_true(mf_promtext_is_selector(yes[i]));
	for (i = 0; i < sizeof no / sizeof no[0]; i++)
		assert_false(mf_promtext_is_selector(no[i]));
	assert_true(mf_promtext_is_label("_a1"));
	assert_false(mf_promtext_is_label("1a"));
	assert_false(mf_promtext_is_label("a-b"));
	assert_false(mf_promtext_is_label(""));
}

static void
squeezed(void **state)
{
	static const struct {
		const char *query, *want;
	} rows[] = {
	    {"\n sum(\n\t\trate( a{b=\"x  y\"} [1m] )\n\t)\n", "sum( rate( a{b=\"x  y\"} [1m] ) )"},
	    {"a # of one\n + b", "a + b"}, {"", ""}, {" \t", ""}, {"\"open  ", "\"open"}};
	struct mf_buf b = MF_BUF_INIT;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		mf_buf_clear(&b);
		mf_promtext_put_squeezed(&b, rows[i].query);
		assert_string_equal(mf_buf_cstr(&b), rows[i].want);
	}
	mf_buf_fini(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(names),
	    cmocka_unit_test(windows),
	    cmocka_unit_test(selectors),
	    cmocka_unit_test(squeezed),
	};

	return cmocka_run_group_tests_name("promtext", tests, NULL, NULL);
}
