/* Conditions: their values, and what is refused when they are read or when they are asked. */
#include "tests/unit/rollout/trees.h"

#include <math.h>

#include "src/rollout/expr.h"

struct row {
	const char *text, *result, *value; /* both JSON */
};

static const struct mf_node *
value_of(struct mf_region *r, const char *text, const struct mf_node *result, struct mf_error *e)
{
	const struct mf_expr *x = mf_expr_read(text, r, e);

	return x != NULL ? mf_expr_value(x, result, r, e) : NULL;
}

static void
give(struct mf_region *r, const struct row *rows, size_t n)
{
	struct mf_error e = {0};
	const struct mf_node *v;
	struct mf_buf b = MF_BUF_INIT;
	size_t i;

	for (i = 0; i < n; i++) {
		v = value_of(r, rows[i].text, tree_of(r, rows[i].result), &e);
		if (v == NULL)
			fail_msg("%s: %s", rows[i].text, e.message);
		mf_buf_clear(&b);
		mf_node_put_json(&b, v);
		if (strcmp(mf_buf_cstr(&b), rows[i].value) != 0)
			fail_msg("%s of %s: %s", rows[i].text, rows[i].result, mf_buf_cstr(&b));
	}
	mf_buf_fini(&b);
}

static void
literals(void **state)
{
	static const struct row rows[] = {{"1", "null", "1"}, {"1.5", "null", "1.5"},
	    {".5", "null", "0.5"}, {"1e3", "null", "1000"}, {"1_000", "null", "1000"},
	    {"0x1F", "null", "31"}, {"0b101", "null", "5"}, {"0o17", "null", "15"},
	    {"017", "null", "17"}, {"2.5E-1", "null", "0.25"}, {"true", "null", "true"},
	    {"false", "null", "false"}, {"nil", "null", "null"}, {"\"a'b\"", "null", "\"a'b\""},
	    {"'a\"b'", "null", "\"a\\\"b\""}, {"`a\\n`", "null", "\"a\\\\n\""},
	    {"\"\\t\\x41\\u00e4\\101\\U0001F600\\\"\"", "null",
		"\"\\tA\xc3\xa4"
		"A\xf0\x9f\x98\x80\\\"\""},
	    {"[]", "null", "[]"}, {"[1, 'a', [true],]", "null", "[1,\"a\",[true]]"},
	    {"result", "{\"a\":[1,null]}", "{\"a\":[1,null]}"}, {"  1 // one\n", "null", "1"},
	    {"/* a */ 1 /* b\n */ + 2", "null", "3"},
	    {"9007199254740992", "null", "9007199254740992"}};

	give(*state, rows, ROWS(rows));
}

static void
precedence(void **state)
{
	static const struct row rows[] = {{"1 + 2 * 3", "null", "7"}, {"(1 + 2) * 3", "null", "9"},
	    {"10 - 4 - 3", "null", "3"}, {"2 ** 3 ** 2", "null", "512"}, {"-2 ** 2", "null", "-4"},
	    {"7 / 2", "null", "3.5"}, {"7 % 4 * 2", "null", "6"}, {"-7 % 4", "null", "-3"},
	    {"+3 - -2", "null", "5"}, {"1 + 1 == 2", "null", "true"},
	    {"true || false && false", "null", "true"}, {"true or false and false", "null", "true"},
	    {"not true or true", "null", "true"}, {"!false && true", "null", "true"},
	    {"not (1 == 2)", "null", "true"}, {"1 < 2 == true", "null", "true"},
	    {"0 < 1 < 2", "null", "true"}, {"0 < 3 < 2", "null", "false"},
	    {"3 >= 2 > 1 >= 1", "null", "true"}, {"1 == 1 == true", "null", "true"},
	    {"true ? 1 : 2", "null", "1"}, {"false ? 1 : true ? 2 : 3", "null", "2"},
	    {"1 > 2 ? 'a' : 'b' + 'c'", "null", "\"bc\""}, {"nil ?? 1", "null", "1"},
	    {"nil ?? nil ?? 2", "null", "2"}, {"1 + nil ?? 2", "null", "3"},
	    {"(result ?? 0) > 5", "7", "true"}, {"1 in [1] && 2 not in [1]", "null", "true"},
	    {"2 * 3 ** 2", "null", "18"}, {"true ?: false", "null", "true"},
	    {"1 - 2 + 3", "null", "2"}, {"8 / 2 / 2", "null", "2"},
	    {"2 > 1 and 'a' < 'b'", "null", "true"}};

	struct mf_error e = {0};

	give(*state, rows, ROWS(rows));
	/* "not" binds tighter than "in" */
	assert_null(mf_expr_read("not 2 in [false]", *state, &e));
	assert_string_equal(e.message, "column 1: ! does not go with an integer");
}

static void
arithmetic(void **state)
{
	static const struct row rows[] = {{"1 / 0", "null", "\"+Inf\""},
	    {"-1 / 0", "null", "\"-Inf\""}, {"0 / 0 == 0 / 0", "null", "false"},
	    {"0 / 0 != 0 / 0", "null", "true"}, {"result * 2 + 1", "2.5", "6"},
	    {"'a' + 'b'", "null", "\"ab\""}, {"2 ** -1", "null", "0.5"},
	    {"asInt(result) % 2", "7", "1"}, {"len(result) % 2", "[1,2,3]", "1"},
	    {"1.5 + 1", "null", "2.5"}};

	give(*state, rows, ROWS(rows));
}

static void
items(void **state)
{
	static const struct row rows[] = {{"result[0]", "[7,8]", "7"}, {"result[-1]", "[7,8]", "8"},
	    {"result[1 - 1]", "[7,8]", "7"}, {"result.a.b", "{\"a\":{\"b\":3}}", "3"},
	    {"result[\"a\"]['b']", "{\"a\":{\"b\":3}}", "3"}, {"result.nope", "{\"a\":1}", "null"},
	    {"result.list[0].x", "{\"list\":[{\"x\":\"y\"}]}", "\"y\""},
	    {"result.in", "{\"in\":1}", "1"}, {"result.not", "{\"not\":2}", "2"},
	    {"result[result.i]", "{\"i\":\"k\",\"k\":5}", "5"}, {"[4, 5, 6][1]", "null", "5"},
	    {"result.a[result.i]", "{\"a\":[1,2],\"i\":1}", "2"},
	    {"result.a[result.i]", "{\"a\":[1,2],\"i\":1.9}", "2"}};

	give(*state, rows, ROWS(rows));
}

/* Equality of what has a type is checked, of what has none is false. */
static void
equality(void **state)
{
	static const struct row rows[] = {{"result == true", "true", "true"},
	    {"result == false", "true", "false"}, {"result == 'a'", "\"a\"", "true"},
	    {"result == 1", "1.0", "true"}, {"result == nil", "null", "true"},
	    {"result == nil", "[]", "false"}, {"result != nil", "0", "true"},
	    {"result.a == true", "{\"a\":\"true\"}", "false"},
	    {"result.a == 1", "{\"a\":\"1\"}", "false"}, {"result.a != 1", "{\"a\":\"1\"}", "true"},
	    {"result.a == nil", "{}", "true"}, {"result[0] == 'x'", "[1,\"x\"]", "false"},
	    {"result[1] == 'x'", "[1,\"x\"]", "true"}, {"result == [1, 2]", "[1,2]", "true"},
	    {"result == [1, 3]", "[1,2]", "false"}, {"result == ['a']", "[1]", "false"},
	    {"result == result", "{\"a\":[1,{\"b\":null}]}", "true"},
	    {"result.a == result.b", "{\"a\":{\"x\":1,\"y\":2},\"b\":{\"y\":2,\"x\":1}}", "true"},
	    {"'a' < 'b'", "null", "true"}, {"'b' <= 'a'", "null", "false"},
	    {"result.v < 'b'", "{\"v\":\"a\"}", "true"}};

	give(*state, rows, ROWS(rows));
}

static void
words(void **state)
{
	static const struct row rows[] = {{"2 in result", "[2,3]", "true"},
	    {"4 in result", "[2,3]", "false"}, {"'a' in result", "{\"a\":null}", "true"},
	    {"'b' in result", "{\"a\":null}", "false"},
	    {"'b' not in result", "{\"a\":null}", "true"},
	    {"result in ['a', 'b']", "\"b\"", "true"},
	    {"result.x in result.y", "{\"x\":1,\"y\":[\"1\"]}", "false"},
	    {"1 in result.none", "{}", "false"}, {"nil in result", "[1,null]", "true"},
	    {"result contains 'ell'", "\"hello\"", "true"}, {"result contains ''", "\"\"", "true"},
	    {"result startsWith 'he'", "\"hello\"", "true"},
	    {"result startsWith 'hello!'", "\"hello\"", "false"},
	    {"result endsWith 'lo'", "\"hello\"", "true"},
	    {"result endsWith 'xhello'", "\"hello\"", "false"},
	    {"result not contains 'x'", "\"hello\"", "true"},
	    {"result matches '^h.*o$'", "\"hello\"", "true"},
	    {"result not matches \"[0-9]\"", "\"a1\"", "false"},
	    {"result.s matches `^\\d+$`", "{\"s\":\"12\"}", "true"}};

	give(*state, rows, ROWS(rows));
}

static void
functions(void **state)
{
	static const struct row rows[] = {{"len(result)", "[1,2]", "2"}, {"len(result)", "{}", "0"},
	    {"len(result)", "\"\xc3\xa4x\"", "2"}, {"all(result, # > 1)", "[2,3]", "true"},
	    {"all(result, {# > 2})", "[2,3]", "false"}, {"all(result, false)", "[]", "true"},
	    {"any(result, # == 3)", "[2,3]", "true"}, {"any(result, true)", "[]", "false"},
	    {"none(result, # == 4)", "[2,3]", "true"}, {"none(result, # == 3)", "[2,3]", "false"},
	    {"one(result, # == 3)", "[2,3]", "true"}, {"one(result, # == 3)", "[3,3]", "false"},
	    {"filter(result, # > 1)", "[1,2,3]", "[2,3]"}, {"map(result, # * 2)", "[1,2]", "[2,4]"},
	    {"map(result, .a)", "[{\"a\":1},{\"a\":\"x\"}]", "[1,\"x\"]"},
	    {"map(result, {#.a.b})", "[{\"a\":{\"b\":1}}]", "[1]"},
	    {"count(result, # > 1)", "[1,2,3]", "2"}, {"count(result)", "[true,false,true]", "2"},
	    {"len(filter(result, .v > 0.5)) == 1", "[{\"v\":0.1},{\"v\":0.9}]", "true"},
	    {"all(result, any(#, # > 1))", "[[1,2],[0,3]]", "true"},
	    {"map(result, map(#, [#, len([1])]))", "[[1],[2,3]]", "[[[1,1]],[[2,1],[3,1]]]"},
	    {"filter(result, # == result[0])", "[1,2,1]", "[1,1]"},
	    {"map(result, #)[0]", "[[1,[2]]]", "[1,[2]]"}, {"asInt(result)", "\"12\"", "12"},
	    {"asInt(result)", "\"-12\"", "-12"}, {"asInt(result)", "1.9", "1"},
	    {"asInt(result)", "-1.9", "-1"}, {"asFloat(result)", "\"1.5\"", "1.5"},
	    {"asFloat(result)", "3", "3"}, {"asFloat(result)", "\"+Inf\"", "\"+Inf\""},
	    {"isNaN(asFloat(result))", "\"NaN\"", "true"},
	    {"isInf(asFloat(result))", "\"-inf\"", "true"}, {"isNaN(result)", "1", "false"},
	    {"isInf(1 / 0)", "null", "true"}, {"isNaN(1)", "null", "false"},
	    {"isNil(result)", "null", "true"}, {"isNil(result)", "[]", "false"},
	    {"default(result, 0) < 0.05", "null", "true"},
	    {"default(result, 0) < 0.05", "0.5", "false"},
	    {"all(result.service_apdex.values.values, {# > 1})",
		"{\"service_apdex\":{\"label\":null,\"values\":{\"values\":[2,2]}}}", "true"},
	    {"count(result, #) == 1", "[true,false]", "true"}};

	give(*state, rows, ROWS(rows));
}

/* Any comparison with NaN is false; A05 is failureCondition "result[0] > 0.05". */
static void
not_a_number(void **state)
{
	static const struct {
		const char *text;
		int holds;
	} rows[] = {{"result[0] > 0.05", 0}, {"result[0] <= 0.05", 0},
	    {"result[0] == result[0]", 0}, {"result[0] != 1", 1}, {"!(result[0] >= 0.95)", 1},
	    {"isNaN(result[0])", 1}, {"isNaN(result[0]) || result[0] >= 0.95", 1},
	    {"all(result, # > 0)", 0}, {"result[0] in [1, 2]", 0}, {"result == result", 0}};
	struct mf_region *r = *state;
	struct mf_node **items = mf_region_alloc(r, sizeof *items, NULL), *list;
	struct mf_error e = {0};
	const struct mf_expr *x;
	size_t i;

	items[0] = mf_node_number(r, NAN, NULL);
	list = mf_node_list(r, items, 1, NULL);
	for (i = 0; i < ROWS(rows); i++) {
		x = mf_expr_read(rows[i].text, r, &e);
		assert_non_null(x);
		if (mf_expr_holds(x, list, &e) != rows[i].holds)
			fail_msg("%s: not %d", rows[i].text, rows[i].holds);
	}
	assert_tree(value_of(r, "asInt(result[0]) == 1 || true", tree_of(r, "[1]"), &e), "true");
	assert_null(value_of(r, "asInt(result[0])", list, &e));
}

static void
refused_when_read(void **state)
{
	static const struct {
		const char *text, *message;
	} rows[] = {{"", "column 1: the expression ends too early"},
	    {"result >", "column 9: the expression ends too early"},
	    {"result foo", "column 8: unexpected foo"}, {"result > 1 2", "column 12: unexpected 2"},
	    {"resultt > 1", "column 1: unknown name resultt"},
	    {"1 + sum(result)", "column 5: unknown function sum"},
	    {"len", "column 1: unknown name len"}, {"result(1)", "column 7: unexpected ("},
	    {"len()", "column 5: len takes 1 argument"},
	    {"len(1, 2)", "column 8: len takes no more arguments"},
	    {"all(result)", "column 11: all takes 2 arguments"},
	    {"(result", "column 8: the expression ends"}, {"result)", "column 7: unexpected )"},
	    {"result[0", "column 9: the expression ends"},
	    {"result[1:2]", "column 9: unexpected :"}, {"result[]", "column 8: unexpected ]"},
	    {"result.", "column 8: the expression ends"}, {"result.1", "column 7: unexpected .1"},
	    {"result.foo()", "column 8: method foo is not supported"},
	    {"result?.a", "column 7: operator ?. is not supported"},
	    {"1..3", "column 2: operator .. is not supported"},
	    {"result | len()", "column 8: operator | is not supported"},
	    {"2 ^ 3", "column 3: operator ^ is not supported"},
	    {"a = 1", "column 3: operator = is not supported"},
	    {"result = 1", "column 8: operator = is not supported"},
	    {"let x = 1; x", "column 1: unknown name let"},
	    {"{'a': 1}", "column 1: maps in braces are not supported"},
	    {"#", "column 1: # outside of all"}, {".a > 1", "column 1: # outside of all"},
	    {"map(result, #index)", "column 13: #index is not supported"},
	    {"'abc", "column 1: a string without an end"},
	    {"\"a\nb\"", "column 1: a string without an end"},
	    {"'\\q'", "column 2: unknown escape \\q"},
	    {"'\\x4'", "column 4: a bad escape in a string"},
	    {"'\\u0000'", "column 4: an escape that is no character"},
	    {"'\\ud800'", "column 4: an escape that is no character"},
	    {"'\\", "column 3: a string without an end"},
	    {"1 /* x", "column 3: a comment without an end"}, {"1x", "column 1: not a number: 1x"},
	    {"0x", "column 1: not a number: 0x"}, {"0b12", "column 1: not a number: 0b12"},
	    {"1.2.3", "column 4: unexpected .3"}, {"1e", "column 1: not a number: 1e"},
	    {"1e999", "column 1: too large a number: 1e999"},
	    {"9007199254740993000", "column 1: an integer past 2^53"},
	    {"\xc3\xa4 > 1", "column 1: unexpected character \xc3\xa4"},
	    {"'\xc3\xa4' foo", "column 5: unexpected foo"},
	    {"nil ?? 1 > 2", "column 10: ?? and > need parentheses"},
	    {"not", "column 4: the expression ends"}, {"1 not 2", "column 7: unexpected 2"},
	    {"1 not + 2", "column 7: unexpected +"}, {"== 1", "column 1: unexpected =="},
	    {"1 + 'a'", "column 3: + does not go with an integer and a string"},
	    {"1 < 'a'", "column 3: < does not go"},
	    {"1 == 'a'", "column 3: == does not go with an integer and a string"},
	    {"true > false", "column 6: > does not go"},
	    {"!1", "column 1: ! does not go with an integer"},
	    {"-'a'", "column 1: - does not go with a string"},
	    {"1 && true", "column 3: && does not go"},
	    {"1 ? 2 : 3", "column 3: ? asks for a boolean, not an integer"},
	    {"1 in 2", "column 3: in does not go"}, {"'a' in 'abc'", "column 5: in does not go"},
	    {"1.5 % 2", "column 5: % does not go with a number and an integer"},
	    {"nil > 1", "column 5: > does not go with nil"},
	    {"len(1)", "column 5: len does not take an integer"},
	    {"all(1, true)", "column 5: all takes a list, not an integer"},
	    {"all([1], 1)", "column 10: all asks for a boolean, not an integer"},
	    {"[1][1.5]", "column 4: a number is no index of a list"},
	    {"[1].a", "column 5: a list has no field a"},
	    {"'abc'[0]", "column 6: a string has no items"},
	    {"nil.a", "column 5: nil has no field a"},
	    {"isNaN('a')", "column 7: isNaN does not take a string"},
	    {"isNil(result.a)", "column 1: isNil is about result alone"},
	    {"default(1, 2)", "column 1: default is about result alone"},
	    {"result matches result", "column 8: matches takes a pattern in quotes"},
	    {"result matches '('", "pattern (: ( without )"},
	    {"result matches '\\\\bx'", "pattern \\bx: \\b"},
	    {"result ? 1", "column 11: the expression ends"}, {"[1, 2", "column 6: the"},
	    {"[1 2]", "column 4: unexpected 2"}, {"$env", "column 1: unknown name $env"},
	    {"1 < 2 < 'a'", "column 7: < does not go"}};
	struct mf_error e = {0};
	size_t i;

	for (i = 0; i < ROWS(rows); i++) {
		if (mf_expr_read(rows[i].text, *state, &e) != NULL)
			fail_msg("taken: %s", rows[i].text);
		assert_int_equal(e.code, MF_EUSAGE);
		if (strstr(e.message, rows[i].message) != e.message)
			fail_msg("%s: %s", rows[i].text, e.message);
	}
}

static void
refused_when_asked(void **state)
{
	static const struct row rows[] = {
	    {"result >= 0.95", "[1]", "column 8: >= does not go with a list and a number"},
	    {"result[0] >= 0.95", "[]", "column 7: index 0 of a list of 0"},
	    {"result[-2]", "[1]", "column 7: index -2 of a list of 1"},
	    {"result == true", "1", "column 8: == does not go with a number and a boolean"},
	    {"result == true", "\"true\"", "column 8: == does not go"},
	    {"result > 5", "null", "column 8: > does not go with nil"},
	    {"isNil(result) || result > 5", "null", "column 25: > does not go"},
	    {"true || result == 'x'", "1", "column 16: == does not go"},
	    {"result[0] == 'x'", "[1,2]", "column 11: == does not go"},
	    {"any(result, # == 'x')", "[1]", "column 15: == does not go"},
	    {"result.a > 1", "{\"a\":\"x\"}",
		"column 10: > does not go with a string and a number"},
	    {"result.a > 1", "{}", "column 10: > does not go with a null and a number"},
	    {"result.a.b", "{}", "column 10: a null has no such item"},
	    {"result.a", "[1]", "column 8: a list has no field a"},
	    {"result % 2 == 0", "4", "column 8: % does not go"},
	    {"result.a % 2", "{\"a\":4}", "column 10: % takes integers"},
	    {"1 % asInt(result)", "0", "column 3: division by zero"},
	    {"!result.a", "{\"a\":1}", "column 9: a number where a boolean is asked for"},
	    {"result.a && true", "{}", "column 8: a null where a boolean"},
	    {"result.a ? 1 : 2", "{}", "column 8: a null where"},
	    {"asInt(result)", "\"1.1\"", "column 1: asInt of 1.1"},
	    {"asInt(result)", "\"\"", "column 1: asInt of "},
	    {"asInt(result)", "[1]", "column 1: asInt of a list"},
	    {"asInt(result)", "1e300", "column 1: asInt of what no integer"},
	    {"asFloat(result)", "\"1x\"", "column 1: asFloat of 1x"},
	    {"asFloat(result)", "\"1e999\"", "column 1: asFloat of 1e999"},
	    {"asFloat(result)", "null", "column 1: asFloat of a null"},
	    {"asFloat(result) == \"1.1\"", "\"1.1\"", "column 17: == does not go"},
	    {"isNaN(result)", "[1]", "column 7: isNaN does not take a list"},
	    {"isNaN(result.a)", "{\"a\":\"x\"}", "column 1: isNaN of a string"},
	    {"len(result)", "1", "column 5: len does not take a number"},
	    {"len(result.a)", "{}", "column 1: len of a null"},
	    {"all(result, # > 1)", "{}", "column 5: all takes a list, not a map"},
	    {"all(result.a, # > 1)", "{\"a\":1}", "column 1: all takes a list, not a number"},
	    {"1 in result.a", "{\"a\":\"1\"}",
		"column 3: in asks for a list or a map, not a string"},
	    {"result contains 'a'", "5", "column 8: contains does not go"},
	    {"result.a contains 'a'", "{\"a\":5}",
		"column 10: contains does not go with a number and a string"},
	    {"result['a']", "[1]", "column 7: a string is no index of a list"},
	    {"result.a[0]", "{\"a\":\"x\"}", "column 9: a string has no such item"},
	    {"result.a['x']", "{\"a\":[]}", "column 9: no index of a list"},
	    {"result.a[0]", "{\"a\":{}}", "column 9: a map has no such item"},
	    {"4503599627370496 * 4", "null", "column 18: an integer past 2^53"},
	    {"count(result)", "[1]", "column 7: count asks for a boolean"},
	    {"count(result)", "[true,1]", "column 1: count of a number"},
	    {"-result.a", "{\"a\":\"x\"}", "column 1: - does not go with a string"}};
	struct mf_error e = {0};
	size_t i;

	for (i = 0; i < ROWS(rows); i++) {
		if (value_of(*state, rows[i].text, tree_of(*state, rows[i].result), &e) != NULL)
			fail_msg("taken: %s", rows[i].text);
		assert_int_equal(e.code, MF_EUSAGE);
		if (strstr(e.message, rows[i].value) != e.message)
			fail_msg("%s: %s", rows[i].text, e.message);
	}
}

static void
conditions(void **state)
{
	struct mf_error e = {0};
	const struct mf_expr *x = mf_expr_read("result[0] >= 0.95", *state, &e);

	assert_non_null(x);
	assert_int_equal(mf_expr_holds(x, tree_of(*state, "[0.95]"), &e), 1);
	assert_int_equal(mf_expr_holds(x, tree_of(*state, "[0.9]"), &e), 0);
	assert_int_equal(mf_expr_holds(x, tree_of(*state, "[]"), &e), -1);
	assert_int_equal(mf_expr_check_condition(x, &e), 0);
	assert_false(mf_expr_calls(x, "isNaN"));
	/* needs memory of its own */
	x = mf_expr_read("len(filter(result, # > 1)) == 2 && !isNaN(1)", *state, &e);
	assert_int_equal(mf_expr_holds(x, tree_of(*state, "[1,2,3]"), &e), 1);
	assert_true(mf_expr_calls(x, "isNaN"));
	assert_true(mf_expr_calls(x, "filter"));
	assert_false(mf_expr_calls(x, "map"));
	assert_false(mf_expr_calls(x, "nope"));
	x = mf_expr_read("result + 1", *state, &e);
	assert_int_equal(mf_expr_check_condition(x, &e), 0); /* not known */
	assert_int_equal(mf_expr_holds(x, tree_of(*state, "1"), &e), -1);
	assert_string_equal(e.message, "a condition is a boolean, this gives a number");
	x = mf_expr_read("len(result)", *state, &e);
	assert_int_equal(mf_expr_check_condition(x, &e), -1);
	assert_string_equal(e.message, "a condition is a boolean, this gives an integer");
	x = mf_expr_read("result.ok", *state, &e);
	assert_int_equal(mf_expr_holds(x, tree_of(*state, "{\"ok\":true}"), &e), 1);
	assert_int_equal(mf_expr_holds(x, tree_of(*state, "{\"ok\":1}"), &e), -1);
	assert_string_equal(e.message, "column 8: a number where a boolean is asked for");
}

static void
put_times(
    char *out, size_t room, const char *before, const char *text, unsigned n, const char *after)
{
	size_t at = (size_t)snprintf(out, room, "%s", before);

	while (n-- > 0)
		at += (size_t)snprintf(out + at, room - at, "%s", text);
	(void)snprintf(out + at, room - at, "%s", after);
}

static void
bounds(void **state)
{
	char text[MF_EXPR_BYTES_MAX + 2];
	struct mf_error e = {0};
	struct mf_buf b = MF_BUF_INIT;
	int i;

	put_times(text, sizeof text, "", "(", 100, "1");
	assert_null(mf_expr_read(text, *state, &e));
	assert_string_equal(e.message, "column 65: nested deeper than 64");
	put_times(text, sizeof text, "", "!", 100, "true");
	assert_null(mf_expr_read(text, *state, &e));
	put_times(text, sizeof text, "1", " + 1", 300, "");
	assert_null(mf_expr_read(text, *state, &e));
	assert_non_null(strstr(e.message, "more than 256 operators in a row"));
	put_times(text, sizeof text, "[1", ", 1", 256, "]");
	assert_null(mf_expr_read(text, *state, &e));
	assert_non_null(strstr(e.message, "more than 256 items in a list"));
	put_times(text, sizeof text, "1", " ", MF_EXPR_BYTES_MAX, "");
	assert_null(mf_expr_read(text, *state, &e));
	assert_string_equal(e.message, "an expression is longer than 4096 bytes");
	/* each chain is asked for twice by the one around it */
	put_times(text, sizeof text, "", "1 < (", 25, "1");
	put_times(text + strlen(text), sizeof text - strlen(text), "", " < 2 ? 1 : 0) < 3", 25, "");
	assert_null(mf_expr_read(text, *state, &e));
	assert_non_null(strstr(e.message, "more than 2000000 steps"));

	mf_buf_printf(&b, "[1");
	for (i = 0; i < 3000; i++)
		mf_buf_printf(&b, ",1");
	mf_buf_printf(&b, "]");
	assert_null(value_of(*state, "all(result, all(result, all(result, # == 1)))",
	    tree_of(*state, mf_buf_cstr(&b)), &e));
	assert_non_null(strstr(e.message, "more than 2000000 steps"));
	assert_null(value_of(
	    *state, "all(result, result == result)", tree_of(*state, mf_buf_cstr(&b)), &e));
	assert_non_null(strstr(e.message, "more than 2000000 steps"));
	/* long texts cost as much as there is of them to look at */
	mf_buf_clear(&b);
	mf_buf_printf(&b, "{\"l\":[1");
	for (i = 0; i < 3000; i++)
		mf_buf_printf(&b, ",1");
	mf_buf_printf(&b, "],\"a\":\"%0100000d\",\"b\":\"%0100000d\"}", 1, 1);
	assert_null(value_of(
	    *state, "all(result.l, result.a == result.b)", tree_of(*state, mf_buf_cstr(&b)), &e));
	assert_non_null(strstr(e.message, "more than 2000000 steps"));
	assert_null(value_of(*state, "all(result.l, result.a matches 'x{500}')",
	    tree_of(*state, mf_buf_cstr(&b)), &e));
	assert_non_null(strstr(e.message, "more than 2000000 steps"));
	mf_buf_fini(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    trees_test(literals),
	    trees_test(precedence),
	    trees_test(arithmetic),
	    trees_test(items),
	    trees_test(equality),
	    trees_test(words),
	    trees_test(functions),
	    trees_test(not_a_number),
	    trees_test(refused_when_read),
	    trees_test(refused_when_asked),
	    trees_test(conditions),
	    trees_test(bounds),
	};

	return cmocka_run_group_tests_name("expr", tests, NULL, NULL);
}
