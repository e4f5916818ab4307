/* Patterns and rules: rclone's meaning, and bounded time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <time.h>

#include "src/config/filter.h"
#include "src/config/glob.h"

static bool
matches(const char *pattern, const char *path)
{
	struct mf_error e = {0};
	struct mf_glob *g = mf_glob_new(pattern, &e);
	bool yes;

	if (g == NULL)
		fail_msg("%s: %s", pattern, e.message);
	yes = mf_glob_matches(g, path);
	mf_glob_free(g);
	return yes;
}

static void
globs(void **state)
{
	static const struct {
		const char *pattern, *path;
		bool yes;
	} rows[] = {
	    {"*.tmp", "a.tmp", true}, {"*.tmp", "d/a.tmp", true}, {"*.tmp", "a.tmp/b", false},
	    {"/*.tmp", "a.tmp", true}, {"/*.tmp", "d/a.tmp", false}, {"b.bin", "a/b.bin", true},
	    {"b.bin", "a/xb.bin", false}, {"a/*.x", "q/a/1.x", true}, {"a/*.x", "a/b/1.x", false},
	    {"a/**.x", "a/b/1.x", true}, {"**", "any/thing", true}, {"*", "a/b", true},
	    {"/*", "a/b", false}, {"/**", "a/b", true}, {"/**", "a", true}, {"?.c", "a.c", true},
	    {"?.c", "ab.c", false}, {"?.c", "\xc3\xa9.c", true}, {"?.c", "\xf0\x9f\x98\x80.c", true},
	    {"?", "/", false}, {"[a-c]x", "bx", true}, {"[a-c]x", "dx", false},
	    {"[!a-c]x", "dx", true}, {"[^a-c]x", "ax", false}, {"[]]", "]", true},
	    {"[a\\]]", "]", true}, {"[a-]", "-", true}, {"[!a]", "/", false},
	    {"{a,bc}.t", "bc.t", true}, {"{a,bc}.t", "b.t", false}, {"{a,}b", "b", true},
	    {"x{a,{b,c}d}", "xcd", true}, {"x{a,{b,c}d}", "xb", false}, {"{*.a,*.b}", "q.b", true},
	    {"\\*", "*", true}, {"\\*", "a", false}, {"\\{a", "{a", true}, {"a}", "a}", true},
	    {"a,b", "a,b", true}, {"d/", "d/x", true}, {"d/", "d/x/y", true}, {"d/", "q/d/x", true},
	    {"d/", "d", false}, {"/d/", "q/d/x", false}, {"/d/**", "d/x", true},
	    {"/d/**", "d", false}, {"a/**/b", "a/x/b", true}, {"a/**/b", "a/b", false},
	    {"n\nl", "n\nl", true}, {"[\x80-\xff]", "\xfe", true}, {"A", "a", false},
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (matches(rows[i].pattern, rows[i].path) != rows[i].yes)
			fail_msg("%s on %s", rows[i].pattern, rows[i].path);
}

static void
bad_globs(void **state)
{
	static const char *const bad[] = {"", "/", "[a", "[", "[]", "[a-", "{a", "{a,", "{",
	    "{{a}}", "x{{a}}", "a\\", "[z-a]", "[a\\", "{{{{{{{{{{{{{{{{{{{{a}}}}}}}}}}}}}}}}}}}}",
	    "[/**", "{a/"};
	char long_one[MF_GLOB_MAX_BYTES + 2];
	struct mf_error e;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		if (mf_glob_new(bad[i], &e) != NULL)
			fail_msg("taken: %s", bad[i]);
		assert_int_equal(e.code, MF_EUSAGE);
	}
	memset(long_one, '?', sizeof long_one);
	long_one[MF_GLOB_MAX_BYTES + 1] = '\0';
	assert_null(mf_glob_new(long_one, &e));
}

static void
no_pattern_explodes(void **state)
{
	char pattern[MF_GLOB_MAX_BYTES + 1], path[4097];
	struct timespec a, b;
	size_t i;

	(void)state;
	for (i = 0; i + 2 < sizeof pattern; i += 2)
		memcpy(pattern + i, "*a", 2);
	pattern[MF_GLOB_MAX_BYTES] = '\0';
	memset(path, 'a', 4096);
	path[4095] = 'b';
	path[4096] = '\0';
	clock_gettime(CLOCK_MONOTONIC, &a);
	assert_false(matches(pattern, path));
	for (i = 0; i + 4 < sizeof pattern; i += 4)
		memcpy(pattern + i, "{,?}", 4);
	assert_false(matches(pattern, path));
	clock_gettime(CLOCK_MONOTONIC, &b);
	assert_true(b.tv_sec - a.tv_sec < 20); /* with sanitizers too; else well under one */
	memset(pattern, '?', MF_GLOB_MAX_BYTES);
	memset(path, 'x', MF_GLOB_MAX_BYTES);
	path[MF_GLOB_MAX_BYTES] = '\0';
	assert_true(matches(pattern, path));
}

static struct mf_filter *
filter_of(const char *rules)
{
	struct mf_error e = {0};
	struct mf_filter *f = mf_filter_new(&e);

	assert_non_null(f);
	if (mf_filter_add_rules(f, "rules", rules, strlen(rules), &e) != 0 ||
	    mf_filter_seal(f, &e) != 0)
		fail_msg("%s", e.message);
	return f;
}

static void
first_match_wins(void **state)
{
	struct mf_filter *f =
	    filter_of("# c\n; c\n\n + keep.tmp\t\r\n- *.tmp \n\t# c\n- /cache/\n");

	(void)state;
	assert_false(mf_filter_takes_all(f));
	assert_true(mf_filter_takes(f, "a/keep.tmp"));
	assert_false(mf_filter_takes(f, "a/b.tmp"));
	assert_true(mf_filter_takes(f, "a/b"));
	assert_false(mf_filter_takes(f, "cache/x"));
	assert_true(mf_filter_enters(f, "cache")); /* keep.tmp may lie there */
	mf_filter_free(f);
	f = filter_of("- /cache/\n- **/.git/**\n+ *\n");
	assert_false(mf_filter_enters(f, "cache"));
	assert_false(mf_filter_enters(f, "x/.git"));
	assert_true(mf_filter_enters(f, "x"));
	mf_filter_free(f);
	f = filter_of("+ /a/*/x\n+ /b\n+ /{c,d}/**\n- **\n");
	assert_true(mf_filter_enters(f, "a"));
	assert_true(mf_filter_enters(f, "a/q"));
	assert_false(mf_filter_enters(f, "a/q/r"));
	assert_false(mf_filter_enters(f, "b"));
	assert_true(mf_filter_enters(f, "d/e/f"));
	assert_false(mf_filter_enters(f, "e"));
	mf_filter_free(f);
	f = filter_of("- *.bin\n ! \n- *.txt\n");
	assert_true(mf_filter_takes(f, "a.bin"));
	assert_false(mf_filter_takes(f, "a.txt"));
	mf_filter_free(f);
}

static void
includes_leave_the_rest_out(void **state)
{
	struct mf_error e = {0};
	struct mf_filter *f = mf_filter_new(&e);

	(void)state;
	assert_true(mf_filter_takes_all(f));
	assert_true(mf_filter_takes(f, "x"));
	assert_int_equal(mf_filter_exclude(f, "secret*", &e), 0);
	assert_int_equal(mf_filter_include(f, "*.safetensors", &e), 0);
	assert_int_equal(mf_filter_seal(f, &e), 0);
	assert_true(mf_filter_takes(f, "d/a.safetensors"));
	assert_false(mf_filter_takes(f, "secret.safetensors"));
	assert_false(mf_filter_takes(f, "README"));
	assert_true(mf_filter_enters(f, "d"));
	mf_filter_free(f);
}

static void
exact_paths(void **state)
{
	static const char list[] = "b/c\na\n/b/c\n\n  # a comment\n;another\n d-x\t\r\nd/e/\n/#g\n";
	struct mf_error e = {0};
	struct mf_filter *f = mf_filter_new(&e);

	(void)state;
	assert_int_equal(mf_filter_add_paths(f, "list", list, sizeof list - 1, &e), 0);
	assert_int_equal(mf_filter_seal(f, &e), 0);
	assert_true(mf_filter_takes(f, "a"));
	assert_true(mf_filter_takes(f, "b/c"));
	assert_false(mf_filter_takes(f, "b/d"));
	assert_true(mf_filter_enters(f, "b"));
	assert_true(mf_filter_enters(f, "d"));
	assert_false(mf_filter_enters(f, "a"));
	assert_string_equal(mf_filter_path(f, 0), "#g");
	assert_string_equal(mf_filter_path(f, 2), "b/c");
	assert_string_equal(mf_filter_path(f, 4), "d/e");
	assert_null(mf_filter_path(f, 5));
	assert_int_equal(mf_filter_exclude(f, "x", &e), 0);
	assert_int_equal(mf_filter_seal(f, &e), -1);
	mf_filter_free(f);
}

static void
bad_rules_name_the_line(void **state)
{
	struct mf_error e = {0};
	struct mf_filter *f = mf_filter_new(&e);

	(void)state;
	assert_int_equal(mf_filter_add_rules(f, "r", "- a\n* b\n", 8, &e), -1);
	assert_non_null(strstr(e.message, "r:2: "));
	assert_int_equal(mf_filter_add_rules(f, "r", "- a\n\n- [", 8, &e), -1);
	assert_non_null(strstr(e.message, "r:3: "));
	assert_int_equal(mf_filter_add_rules(f, "r", "- a\0b", 5, &e), -1);
	assert_int_equal(mf_filter_add_paths(f, "p", "../x\n", 5, &e), -1);
	assert_int_equal(mf_filter_add_paths(f, "p", "/\n", 2, &e), -1);
	assert_int_equal(e.code, MF_EUSAGE);
	mf_filter_free(f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(globs),
	    cmocka_unit_test(bad_globs),
	    cmocka_unit_test(no_pattern_explodes),
	    cmocka_unit_test(first_match_wins),
	    cmocka_unit_test(includes_leave_the_rest_out),
	    cmocka_unit_test(exact_paths),
	    cmocka_unit_test(bad_rules_name_the_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
