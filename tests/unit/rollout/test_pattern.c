/* Patterns of `matches`. */
#include "tests/unit/rollout/trees.h"

#include "src/rollout/pattern.h"

static void
matches(void **state)
{
	static const struct {
		const char *pattern, *text;
		int found;
	} rows[] = {{"", "", 1}, {"", "x", 1}, {"b", "abc", 1}, {"d", "abc", 0},
	    {"^abc$", "abc", 1}, {"^b", "abc", 0}, {"b$", "abc", 0}, {"^$", "", 1}, {"^$", "a", 0},
	    {"a.c", "abc", 1}, {"a.c", "a\nc", 0}, {"a\\.c", "abc", 0}, {"a\\.c", "a.c", 1},
	    {"ab*c", "ac", 1}, {"ab+c", "ac", 0}, {"ab?c", "abbc", 0}, {"ab{2}c", "abbc", 1},
	    {"ab{2}c", "abc", 0}, {"ab{2,}c", "abbbbc", 1}, {"ab{1,2}c", "abbbc", 0},
	    {"ab{0}c", "ac", 1}, {"a{,2}", "a{,2}", 1}, {"a{", "a{", 1}, {"{x}", "{x}", 1},
	    {"a{2", "a{2", 1}, {"]}", "]}", 1}, {"^(a|bc)+$", "abcbca", 1},
	    {"^(a|bc)+$", "abcb", 0}, {"^(?:ab)*$", "ababab", 1}, {"^(a||b)$", "", 1},
	    {"^(|a)$", "a", 1}, {"^()$", "", 1}, {"^(a*)*$", "aaa", 1}, {"^[a-c]+$", "abc", 1},
	    {"^[a-c]+$", "abd", 0}, {"^[^a-c]$", "\n", 1}, {"[]a]", "]", 1}, {"^[^]a]$", "]", 0},
	    {"^[a-]+$", "a-a", 1}, {"^[-a]+$", "-a", 1}, {"^[\\]\\-x]+$", "]-x", 1},
	    {"^\\d+\\.\\d+$", "12.5", 1}, {"^\\D$", "5", 0}, {"^\\D$", "x", 1},
	    {"^\\w+$", "a_Z9", 1}, {"^\\w+$", "a-b", 0}, {"^[\\d,]+$", "1,2", 1},
	    {"^[^\\s]$", " ", 0}, {"^[\\W]$", "\xc3\xa4", 1}, {"^\\s$", "\v", 0},
	    {"^[[:space:]]$", "\v", 1}, {"^[[:alpha:][:digit:]]+$", "a1", 1},
	    {"^[[:xdigit:]]+$", "aF9g", 0}, {"(?i)^error$", "ErRoR", 1}, {"(?i)^[a-c]x$", "BX", 1},
	    {"(?i)^[^a]$", "A", 0}, {"^.$", "\xc3\xa4", 1}, {"^..$", "\xc3\xa4", 0},
	    {"^[\xc3\xa4-\xc3\xb6]$", "\xc3\xa5", 1}, {"^.$", "\xff", 1},
	    {"^\\x41\\x{e4}$", "A\xc3\xa4", 1}, {"^a*?$", "aaa", 1}, {"^a{1,3}?$", "aa", 1},
	    {"\\Aab\\z", "ab", 1}, {"\\Ab", "ab", 0}, {"a|b|c", "xxc", 1}, {"^a|b$", "ax", 1},
	    {"^(200|2\\d\\d)$", "204", 1}, {"\\/\\-\\$", "/-$", 1}, {"\\n\\t", "\n\t", 1},
	    {"x^", "x^", 0}, {"$x", "$x", 0}, {"^(ab){2,3}$", "ababab", 1},
	    {"^(ab){2,3}$", "abababab", 0}, {"(){1000}a", "a", 1}};
	struct mf_error e = {0};
	struct mf_pattern *p;
	size_t i;

	for (i = 0; i < ROWS(rows); i++) {
		p = mf_pattern_read(rows[i].pattern, *state, &e);
		if (p == NULL)
			fail_msg("%s", e.message);
		if (mf_pattern_matches(p, rows[i].text, &e) != rows[i].found)
			fail_msg("%s on %s: not %d", rows[i].pattern, rows[i].text, rows[i].found);
	}
}

static void
refused(void **state)
{
	static const struct {
		const char *pattern, *why;
	} rows[] = {{"*a", "* repeats nothing"}, {"a|*", "* repeats nothing"}, {"(+)", "+ repeats"},
	    {"a**", "a repetition of a repetition"}, {"a{2}{3}", "a repetition of a repetition"},
	    {"a+*", "a repetition of a repetition"}, {"(", "( without )"}, {"(a", "( without )"},
	    {"a)", ") without ("}, {"[a", "[ without ]"}, {"[", "[ without ]"},
	    {"[]", "[ without ]"}, {"[b-a]", "a range that goes backwards"}, {"\\", "\\a"},
	    {"\\b", "\\b"}, {"\\B", "\\B"}, {"\\1", "\\1"}, {"\\pL", "\\p"}, {"\\Qa\\E", "\\Q"},
	    {"\\Z", "\\Z"}, {"(?=a)", "(?=a"}, {"(?P<n>a)", "(?P<"}, {"(?s)a", "(?s)"},
	    {"a(?i)b", "(?i)"}, {"(?i)\xc3\xa4", "(?i) with"}, {"(?i)\\x{e4}", "(?i) with"},
	    {"a{1001}", "no such number of times"}, {"a{3,2}", "no such number of times"},
	    {"a{99999999999999}", "no such number of times"}, {"[[:nope:]]", "unknown class"},
	    {"\\x", "no character"}, {"\\x{}", "no character"}, {"\\x{110000}", "no character"},
	    {"\\x00", "no character"}, {"\xff", "not UTF-8"}, {"((a{100}){100}){100}", "too large"},
	    {"(((((x{1000}){1000}){1000}){1000}){1000})", "too large"}};
	struct mf_error e = {0};
	size_t i;

	for (i = 0; i < ROWS(rows); i++) {
		if (mf_pattern_read(rows[i].pattern, *state, &e) != NULL)
			fail_msg("taken: %s", rows[i].pattern);
		assert_int_equal(e.code, MF_EUSAGE);
		if (strstr(e.message, rows[i].why) == NULL)
			fail_msg("%s: %s", rows[i].pattern, e.message);
	}
}

/* What makes engines that go back and try again hang. */
static void
catastrophes(void **state)
{
	static const char *const patterns[] = {"^(a+)+$", "^(a|a)*$", "^(a|aa)+$", "(x+x+)+y",
	    "^(a?){500}a{500}$", "(.*)(.*)(.*)(.*)(.*)b$", "((((){1000}){1000}){1000}){1000}c"};
	struct mf_error e = {0};
	struct mf_pattern *p;
	char text[20001], deep[201];
	size_t i;

	memset(text, 'a', sizeof text - 1);
	text[sizeof text - 1] = '\0';
	text[sizeof text - 2] = '!';
	for (i = 0; i < ROWS(patterns); i++) {
		p = mf_pattern_read(patterns[i], *state, &e);
		if (p == NULL)
			fail_msg("%s", e.message);
		assert_int_equal(mf_pattern_matches(p, text, &e), 0);
	}
	memset(deep, '(', sizeof deep - 1);
	deep[sizeof deep - 1] = '\0';
	assert_null(mf_pattern_read(deep, *state, &e));
	assert_non_null(strstr(e.message, "nested deeper than 50"));
	memset(text, 'x', 1025);
	text[1025] = '\0';
	assert_null(mf_pattern_read(text, *state, &e));
	text[1024] = '\0';
	p = mf_pattern_read(text, *state, &e);
	assert_non_null(p);
	assert_int_equal(mf_pattern_states(p), 1025);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    trees_test(matches),
	    trees_test(refused),
	    trees_test(catastrophes),
	};

	return cmocka_run_group_tests_name("pattern", tests, NULL, NULL);
}
