/* JSON paths: what they find first, and what is refused. */
#include "tests/unit/rollout/trees.h"

#include "src/rollout/jsonpath.h"

static const char store[] =
    "{\"a\":{\"b\":[{\"c\":1},{\"c\":\"x\",\"d\":true},{\"c\":null}],\"e.f\":5,\"*\":6},"
    "\"list\":[10,20,30,40],\"empty\":[],\"nothing\":null,\"name\":\"root\","
    "\"pods\":[{\"name\":\"p0\",\"ready\":false,\"load\":0.5,\"max\":0.4},"
    "{\"name\":\"p1\",\"ready\":true,\"load\":1,\"max\":2,\"zone\":\"z\"}]}";

static void
found(void **state)
{
	static const struct {
		const char *path, *value;
	} rows[] = {{"{$.name}", "\"root\""}, {"$.name", "\"root\""}, {"{.name}", "\"root\""},
	    {".name", "\"root\""}, {"{@.name}", "\"root\""}, {"{ $.name }", "\"root\""},
	    {"{$.a.b[0].c}", "1"}, {"{.a['b'][1].c}", "\"x\""}, {"{['a']['b'][1]['d']}", "true"},
	    {"{.a.b[2].c}", "null"}, {"{.a.e\\.f}", "5"}, {"{.a['e\\.f']}", "5"}, {"{.a.\\*}", "6"},
	    {"{.list[-1]}", "40"}, {"{.list[-4]}", "10"}, {"{.list[1:3]}", "20"},
	    {"{.list[-2:]}", "30"}, {"{.list[:]}", "10"}, {"{.list[::2]}", "10"},
	    {"{.list[1::2]}", "20"}, {"{.list[*]}", "10"}, {"{.list[:-1]}", "10"},
	    {"{.list}", "[10,20,30,40]"}, {"{.a.b[*].d}", "true"}, {"{.a.b[1:].c}", "\"x\""},
	    {"{.a.*}", "[{\"c\":1},{\"c\":\"x\",\"d\":true},{\"c\":null}]"}, {"{.*.b[0].c}", "1"},
	    {"{..c}", "1"}, {"{..d}", "true"}, {"{..zone}", "\"z\""}, {"{$..name}", "\"root\""},
	    {"{.pods..name}", "\"p0\""},
	    {"{.a..*}", "[{\"c\":1},{\"c\":\"x\",\"d\":true},{\"c\":null}]"},
	    {"{.pods[?(@.name==\"p1\")].load}", "1"}, {"{.pods[?(@.name=='p1')].load}", "1"},
	    {"{.pods[?( @.name != \"p0\" )].name}", "\"p1\""},
	    {"{.pods[?(@.load>0.5)].name}", "\"p1\""}, {"{.pods[?(@.load>=0.5)].name}", "\"p0\""},
	    {"{.pods[?(@.load<1)].name}", "\"p0\""}, {"{.pods[?(@.load<=1)].name}", "\"p0\""},
	    {"{.pods[?(@.ready==true)].name}", "\"p1\""},
	    {"{.pods[?(@.ready!=true)].name}", "\"p0\""}, {"{.pods[?(@.zone)].name}", "\"p1\""},
	    {"{.pods[?(@.load<@.max)].name}", "\"p1\""}, {"{.list[?(@>15)]}", "20"},
	    {"{.list[?(@==-5)]}", NULL}, {"{.pods[?(@.name>\"p0\")].name}", "\"p1\""},
	    {"{.pods[?(@['name']==\"p\\\"\")]}", NULL}, {"{.nope}", NULL}, {"{.a.nope}", NULL},
	    {"{.name.x}", NULL}, {"{.nothing.x}", NULL}, {"{.empty[*]}", NULL},
	    {"{.empty[*].x}", NULL}, {"{..nope}", NULL}, {"{.nothing[0]}", NULL},
	    {"{.list[1:1]}", NULL}, {"{.pods[?(@.nope)]}", NULL}, {"{.a.b..nope}", NULL},
	    {"{.list.*.x}", NULL}};
	const struct mf_node *root = tree_of(*state, store), *node;
	const struct mf_jsonpath *path;
	struct mf_error e = {0};
	size_t i;

	for (i = 0; i < ROWS(rows); i++) {
		path = mf_jsonpath_read(rows[i].path, *state, &e);
		if (path == NULL)
			fail_msg("%s: %s", rows[i].path, e.message);
		mf_error_clear(&e);
		node = mf_jsonpath_first(path, root, &e);
		if (rows[i].value == NULL) {
			if (node != NULL || e.code != MF_ENOTFOUND)
				fail_msg("%s: found, or %s", rows[i].path, e.message);
			continue;
		}
		if (node == NULL)
			fail_msg("%s: %s", rows[i].path, e.message);
		assert_tree(node, rows[i].value);
	}
	assert_ptr_equal(mf_jsonpath_first(mf_jsonpath_read("{$}", *state, &e), root, &e), root);
	assert_ptr_equal(mf_jsonpath_first(mf_jsonpath_read("$", *state, &e), root, &e), root);
	assert_tree(
	    mf_jsonpath_first(mf_jsonpath_read("{[1]}", *state, &e), tree_of(*state, "[1,2]"), &e),
	    "2");
}

static void
refused_when_read(void **state)
{
	static const struct {
		const char *path, *message;
	} rows[] = {{"", "column 1: a path begins with $"}, {"{}", "column 2: a path begins"},
	    {"name", "column 1: a path begins"}, {"{name}", "column 2: a path begins"},
	    {"{.a", "column 4: } is missing"}, {"{.}", "column 3: a name is missing"},
	    {"{$.}", "column 4: a name is missing"}, {"{.a..}", "column 6: a name is missing"},
	    {"{....a}", "column 4: .. behind .."}, {"{.a}{.b}", "column 5: more than one path"},
	    {"{.a} x", "column 5: text around"}, {"x {.a}", "column 1: text around"},
	    {"{range .a[*]}{.b}{end}", "column 2: range is not supported"},
	    {"{.a[0,1]}", "column 6: unions are not"}, {"{['a','b']}", "column 6: unions are not"},
	    {"{.a[]}", "column 5: an index, a slice"}, {"{.a[x]}", "column 5: an index, a slice"},
	    {"{.a[1}", "column 6: ] is missing"}, {"{.a[1:2:0]}", "column 5: a slice's step"},
	    {"{.a[::-1]}", "column 5: a slice's step"}, {"{.a[-]}", "column 5: not an index"},
	    {"{.a[99999999999]}", "column 5: not an index"},
	    {"{.a[\"b\"]}", "column 5: a key is in single"},
	    {"{.a['b}", "column 7: } within a key"}, {"{.a['b.c']}", "column 7: . within a key"},
	    {"{.a['']}", "column 6: a key is"}, {"$['a", "column 3: a key without an end"},
	    {"{.a.length()}", "column 11: functions are not"},
	    {"{.a$.b}", "column 4: unexpected $.b}"}, {"{.a .b}", "column 5: unexpected .b}"},
	    {"$.a}", "column 4: unexpected }"}, {"{.a[?(.b)]}", "column 7: a filter begins with @"},
	    {"{.a[?(@.b=1)]}", "column 10: a filter has =="},
	    {"{.a[?(@.b=~'x')]}", "column 10: a filter has =="},
	    {"{.a[?(@.b==x)]}", "column 12: a filter compares with"},
	    {"{.a[?(@.b==)]}", "column 12: a filter compares with"},
	    {"{.a[?(@.b==\"x)]}", "column 12: a string without an end"},
	    {"{.a[?(@.b==\"\\x\")]}", "column 13: an escape"},
	    {"{.a[?(@.b==1)}", "column 13: )] is missing"},
	    {"{.a[?(@.b==1 && @.c==2)]}", "column 14: )] is missing"},
	    {"{.a[?(@.b[?(@.c)])]}", "column 13: a filter within a filter"},
	    {"{.a[?(@.b", "column 10: a filter has =="}, {"{\xc3\xa4.x}", "column 2: a path"},
	    {"{.\xc3\xa4[x]}", "column 5: an index"}};
	struct mf_error e = {0};
	char text[MF_JSONPATH_BYTES_MAX + 2];
	size_t i;

	for (i = 0; i < ROWS(rows); i++) {
		if (mf_jsonpath_read(rows[i].path, *state, &e) != NULL)
			fail_msg("taken: %s", rows[i].path);
		assert_int_equal(e.code, MF_EUSAGE);
		if (strstr(e.message, rows[i].message) != e.message)
			fail_msg("%s: %s", rows[i].path, e.message);
	}
	for (i = 0; i < 65; i++)
		memcpy(text + 2 * i, ".a", 3);
	assert_null(mf_jsonpath_read(text, *state, &e));
	assert_string_equal(e.message, "column 129: more than 64 steps");
	memset(text, 'a', sizeof text - 1);
	text[0] = '.';
	text[sizeof text - 1] = '\0';
	assert_null(mf_jsonpath_read(text, *state, &e));
	assert_string_equal(e.message, "a JSON path is longer than 1024 bytes");
}

static void
refused_when_asked(void **state)
{
	static const struct {
		const char *path, *message;
	} rows[] = {{"{.a[0]}", "an index of a map, not of a list"},
	    {"{.name[0]}", "an index of a string"}, {"{.list[4]}", "index 4 of a list of 4"},
	    {"{.list[-5]}", "index -5 of a list of 4"}, {"{.empty[0]}", "index 0 of a list of 0"},
	    {"{.list[1:9]}", "index 9 of a list of 4"}, {"{.list[3:1]}", "a slice from 3 to 1"},
	    {"{.a[?(@.b)]}", "a filter of a map, not of a list"},
	    {"{.pods[?(@.load==\"x\")]}", "a filter compares a number with a string"},
	    {"{.pods[?(@.ready<true)]}", "a filter compares a boolean with a boolean"},
	    {"{.a.b[?(@.c==1)]}", "a filter compares a string with a number"},
	    {"{.pods[?(@.zone==\"z\")]}", "zone is not found"},
	    {"{.pods[?(@.*==1)]}", "a filter compares several values"},
	    {"{.pods[*][0]}", "an index of a map"}};
	const struct mf_node *root = tree_of(*state, store);
	const struct mf_jsonpath *path;
	struct mf_error e = {0};
	size_t i;

	for (i = 0; i < ROWS(rows); i++) {
		path = mf_jsonpath_read(rows[i].path, *state, &e);
		if (path == NULL)
			fail_msg("%s: %s", rows[i].path, e.message);
		if (mf_jsonpath_first(path, root, &e) != NULL)
			fail_msg("found: %s", rows[i].path);
		if (strstr(e.message, rows[i].message) != e.message)
			fail_msg("%s: %s", rows[i].path, e.message);
	}
}

/* Paths that would look at the same things again and again. */
static void
bounded(void **state)
{
	struct mf_buf b = MF_BUF_INIT;
	struct mf_error e = {0};
	const struct mf_node *root;
	int i;

	mf_buf_printf(&b, "{\"x\":[0");
	for (i = 0; i < 50000; i++)
		mf_buf_printf(&b, ",{\"y\":[1]}");
	mf_buf_printf(&b, "]}");
	root = tree_of(*state, mf_buf_cstr(&b));
	assert_tree(mf_jsonpath_first(mf_jsonpath_read("{..y[0]}", *state, &e), root, &e), "1");
	assert_null(mf_jsonpath_first(
	    mf_jsonpath_read("{..*..*..*..*..*..*..*..*..*}", *state, &e), root, &e));
	assert_string_equal(e.message, "a JSON path looks at more than 2000000 values");
	assert_null(mf_jsonpath_first(
	    mf_jsonpath_read("{.x..*..*..*..*..*..*..*[?(@..*..*..*..*)]}", *state, &e), root, &e));
	mf_buf_fini(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    trees_test(found),
	    trees_test(refused_when_read),
	    trees_test(refused_when_asked),
	    trees_test(bounded),
	};

	return cmocka_run_group_tests_name("jsonpath", tests, NULL, NULL);
}
