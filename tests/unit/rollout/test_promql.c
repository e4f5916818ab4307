/* PromQL queries: predicates, split, and others. */
#include "tests/unit/rollout/trees.h"

#include "src/rollout/promql.h"

static void
predicates(void **state)
{
	static const struct {
		const char *query, *left, *operator, * right;
	} rows[] = {{"up == 1", "up", "==", "1"}, {"up!=1", "up", "!=", "1"},
	    {"sum(rate(x{code=~\"5..\"}[1m])) / sum(rate(x[1m])) < 0.01",
		"sum(rate(x{code=~\"5..\"}[1m])) / sum(rate(x[1m]))", "<", "0.01"},
	    {"a >= b", "a", ">=", "b"}, {"a<=-1", "a", "<=", "-1"},
	    {"a > 1 < 5", "a > 1", "<", "5"}, {"a > bool 1 == 1", "a > bool 1", "==", "1"},
	    {"(a > 1)", "a", ">", "1"}, {" ( ( a > 1 ) ) ", "a", ">", "1"},
	    {"(a) > (1)", "(a)", ">", "(1)"}, {"(a > 1) > 2", "(a > 1)", ">", "2"},
	    {"a + b * 2 > c - 1", "a + b * 2", ">", "c - 1"}, {"a > on(x) b", "a", ">", "b"},
	    {"a > ignoring (x, y) group_left b", "a", ">", "b"},
	    {"a > ON (x) GROUP_RIGHT (y, z) sum by (x) (b)", "a", ">", "sum by (x) (b)"},
	    {"a == on() b", "a", "==", "b"}, {"a > group_left", "a", ">", "group_left"},
	    {"a > on", "a", ">", "on"}, {"a > ignoring + 1", "a", ">", "ignoring + 1"},
	    {"a > bool", "a", ">", "bool"},
	    {"x{a=\"b>c\",d!=\"e\",f=~\"g|h\",i!~'<'} > 1",
		"x{a=\"b>c\",d!=\"e\",f=~\"g|h\",i!~'<'}", ">", "1"},
	    {"x{a=\"} > \\\" 2\"} > 1", "x{a=\"} > \\\" 2\"}", ">", "1"},
	    {"x{a=`\\`} > 1", "x{a=`\\`}", ">", "1"},
	    {"{__name__=\"a\"} > 1", "{__name__=\"a\"}", ">", "1"},
	    {"{\"my.metric\"} > 1", "{\"my.metric\"}", ">", "1"},
	    {"max_over_time((a > 2)[5m:1m]) > 3", "max_over_time((a > 2)[5m:1m])", ">", "3"},
	    {"a offset 5m > 1", "a offset 5m", ">", "1"},
	    {"a[5m] offset -1d > 1", "a[5m] offset -1d", ">", "1"},
	    {"a @ 1609746000 > 1", "a @ 1609746000", ">", "1"},
	    {"a @ end() > 1", "a @ end()", ">", "1"},
	    {"sum without (and) (a) > 1", "sum without (and) (a)", ">", "1"},
	    {"sum(a) by (or, unless) > 1", "sum(a) by (or, unless)", ">", "1"},
	    {"a # > 2\n > 1 # < 3", "a", ">", "1"}, {"# x\n(a > 1)\n# y", "a", ">", "1"},
	    {"a > 1e-3", "a", ">", "1e-3"}, {"a > +Inf", "a", ">", "+Inf"},
	    {"a > 0x1F", "a", ">", "0x1F"}, {"a\n\t>\n\t1", "a", ">", "1"},
	    {"and > 1", "and", ">", "1"}, {"a > and", "a", ">", "and"},
	    {"-and > 1", "-and", ">", "1"}, {"job:x:rate1m > 1", "job:x:rate1m", ">", "1"},
	    {"a atan2 b > c ^ 2", "a atan2 b", ">", "c ^ 2"},
	    {"absent(a) == 1", "absent(a)", "==", "1"},
	    {"0.5 < rate(x[1m])", "rate(x[1m])", ">", "0.5"}, {"1 == a", "a", "==", "1"},
	    {"-1 >= a", "a", "<=", "-1"}, {"inf > a", "a", "<", "inf"}, {"1 < 2", "1", "<", "2"},
	    {"1 + 1 < a", "1 + 1", "<", "a"},
	    {"count_values(\"v\", a) > 1", "count_values(\"v\", a)", ">", "1"},
	    {"label_replace(a, \"x\", \"$1\", 'y', \"(.*)\") > 1",
		"label_replace(a, \"x\", \"$1\", 'y', \"(.*)\")", ">", "1"},
	    {"quantile_over_time(0.9, a[1h:]) > 1", "quantile_over_time(0.9, a[1h:])", ">", "1"},
	    {"a > fill(0) b", "a", ">", "b"},
	    {"a > on(x) fill_left(1) fill_right (2) b", "a", ">", "b"}};
	struct mf_promql_predicate p;
	struct mf_error e = {0};
	size_t i;
	int rc;

	for (i = 0; i < ROWS(rows); i++) {
		rc = mf_promql_split(rows[i].query, &p, *state, &e);
		if (rc != 1)
			fail_msg("%s: %d %s", rows[i].query, rc, e.message);
		if (strcmp(p.left, rows[i].left) != 0 ||
		    strcmp(p.operator, rows[i].operator) != 0 ||
		    strcmp(p.right, rows[i].right) != 0)
			fail_msg("%s: %s | %s | %s", rows[i].query, p.left, p.operator, p.right);
	}
}

static void
others(void **state)
{
	static const char *const rows[] = {"up", "1", "a + b",
	    "sum(rate(x[1m])) / sum(rate(y[1m])) * 100", "a > bool 1", "a >BOOL 1",
	    "a == bool on(x) b", "(a > bool 1)", "a > 1 and b > 2", "a > 1 AND b",
	    "a > 1 or vector(0)", "a unless b > 1", "(a > 1) or (b > 1)", "a > 1 and on(x) b",
	    "sum(a > 1)", "count(up == 0)", "(a > 1) + 1", "-(a > 1)",
	    "histogram_quantile(0.99, sum by (le) (rate(x{a!=\"b\"}[1m])))", "x{a>=\"b\"}",
	    "vector(1)", "a{b=\"c > 1\"}", "\"a > 1\"", "a # > 1", "topk(1, a > 1)",
	    "(a > 1) * on(x) group_left b", "((a)) - ((b > 1))", "a[5m] offset 1m", "absent(a > 1)",
	    "a and b"};
	struct mf_promql_predicate p;
	struct mf_error e = {0};
	size_t i;
	int rc;

	for (i = 0; i < ROWS(rows); i++)
		if ((rc = mf_promql_split(rows[i], &p, *state, &e)) != 0)
			fail_msg("%s: %d %s", rows[i], rc, e.message);
}

static void
refused(void **state)
{
	static const struct {
		const char *query, *message;
	} rows[] = {{"", "column 1: nothing in a PromQL query"}, {" # x", "column 5: nothing"},
	    {"()", "column 3: nothing"}, {"((", "column 3: ( without its end"},
	    {"a)", "column 2: ) without ("}, {"(a]", "column 3: ] without ["},
	    {"{a=\"b\"", "column 7: { without its end"}, {"a[5m", "column 5: [ without its end"},
	    {"a{b=\"c}", "column 5: a string without an end"},
	    {"a{b=\"c\n\"}", "column 5: a string without"}, {"a{b='\\", "column 5: a string"},
	    {"a = 1", "column 3: = "}, {"a =~ 1", "column 3: =~"}, {"a ! b", "column 3: ! "},
	    {"a </ 1", "column 3: </"}, {"a >/ 1", "column 3: >/"},
	    {"> 1", "column 1: a comparison that lacks a side"},
	    {"a >", "column 3: a comparison that lacks"},
	    {"(a >)", "column 4: a comparison that lacks"},
	    {"a > on(x)", "column 3: a comparison that lacks"}, {"a & b", "column 3: unexpected &"},
	    {"$x > 1", "column 1: unexpected $"},
	    {"\"\xc3\xa4\" \xc3\xa4 > 1", "column 5: unexpected \xc3\xa4"},
	    {"a; b", "column 2: unexpected ;"}};
	struct mf_promql_predicate p;
	struct mf_error e = {0};
	char *text = calloc(1, MF_PROMQL_BYTES_MAX + 2);
	size_t i;

	for (i = 0; i < ROWS(rows); i++) {
		if (mf_promql_split(rows[i].query, &p, *state, &e) != -1)
			fail_msg("taken: %s", rows[i].query);
		assert_int_equal(e.code, MF_EUSAGE);
		if (strstr(e.message, rows[i].message) != e.message)
			fail_msg("%s: %s", rows[i].query, e.message);
	}
	assert_non_null(text);
	memset(text, '(', 100);
	assert_int_equal(mf_promql_split(text, &p, *state, &e), -1);
	assert_string_equal(
	    e.message, "column 65: brackets nested deeper than 64 in a PromQL query");
	memset(text, '+', MF_PROMQL_BYTES_MAX + 1);
	assert_int_equal(mf_promql_split(text, &p, *state, &e), -1);
	assert_string_equal(e.message, "a query is longer than 64 KiB");
	text[MF_PROMQL_BYTES_MAX] = '\0';
	assert_int_equal(mf_promql_split(text, &p, *state, &e), 0);
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    trees_test(predicates),
	    trees_test(others),
	    trees_test(refused),
	};

	return cmocka_run_group_tests_name("promql", tests, NULL, NULL);
}
