/* Trees of values: made, looked up, compared, printed. */
#include "tests/unit/rollout/trees.h"

#include <math.h>

static struct mf_node *
number(struct mf_region *r, double value)
{
	struct mf_node *node = mf_node_number(r, value, NULL);

	assert_non_null(node);
	return node;
}

static void
made(void **state)
{
	struct mf_region *r = *state;
	struct mf_node **items = mf_region_alloc(r, 4 * sizeof *items, NULL), *list, *map;
	const char *keys[] = {"b", "a"};
	struct mf_error e = {0};

	assert_non_null(items);
	items[0] = mf_node_null(r, NULL);
	items[1] = mf_node_bool(r, true, NULL);
	list = mf_node_list(r, items, 2, NULL);
	items[2] = list;
	items[3] = mf_node_string(r, "x\"y", 3, NULL);
	map = mf_node_map(r, keys, items + 2, 2, NULL);
	assert_tree(map, "{\"b\":[null,true],\"a\":\"x\\\"y\"}");
	assert_ptr_equal(mf_node_get(map, "b"), list);
	assert_ptr_equal(list->parent, map);
	assert_int_equal(mf_node_get(map, "a")->index, 1);
	assert_ptr_equal(items[1]->parent, list);
	assert_int_equal(items[1]->index, 1);

	keys[1] = "b";
	assert_null(mf_node_map(r, keys, items + 2, 2, &e));
	assert_int_equal(e.code, MF_EUSAGE);
	assert_string_equal(e.message, "key b a second time");
	assert_null(mf_node_string(r, "a\0b", 3, &e));
	assert_int_equal(e.code, MF_EUSAGE);
	assert_tree(mf_node_string(r, NULL, 0, NULL), "\"\"");
	assert_tree(mf_node_list(r, NULL, 0, NULL), "[]");
	assert_tree(mf_node_map(r, NULL, NULL, 0, NULL), "{}");
}

static void
found(void **state)
{
	const struct mf_node *t =
	    tree_of(*state, "{\"spec\":{\"a\":{\"b\":1},\"\":2,\"c.d\":3},\"n\":null}");

	assert_tree(mf_node_find(t, "spec.a.b"), "1");
	assert_tree(mf_node_find(t, "spec."), "2");
	assert_tree(mf_node_find(t, "n"), "null");
	assert_null(mf_node_find(t, "n.x"));
	assert_null(mf_node_find(t, "spec.c.d"));
	assert_tree(mf_node_get(mf_node_get(t, "spec"), "c.d"), "3");
	assert_null(mf_node_find(t, "spec.a.b.c"));
	assert_null(mf_node_find(t, ""));
	assert_null(mf_node_find(NULL, "spec"));
	assert_null(mf_node_get(NULL, "spec"));
}

/* Many keys are sorted; each is found, the first and the last too, and none that is not there. */
static void
many_keys(void **state)
{
	struct mf_buf b = MF_BUF_INIT;
	const struct mf_node *t;
	unsigned i, n;
	char key[16];

	for (n = 7; n < 39; n += 4) {
		mf_buf_clear(&b);
		for (i = 0; i < n; i++)
			mf_buf_printf(
			    &b, "%s\"k%u\":%u", i == 0 ? "{" : ",", i * 13 % n, i * 13 % n);
		mf_buf_printf(&b, "}");
		t = tree_of(*state, mf_buf_cstr(&b));
		assert_tree(t, mf_buf_cstr(&b));
		for (i = 0; i < n; i++) {
			(void)snprintf(key, sizeof key, "k%u", i);
			assert_non_null(mf_node_get(t, key));
			assert_true(mf_node_get(t, key)->number == i);
		}
		assert_null(mf_node_get(t, "k"));
		assert_null(mf_node_get(t, "k99"));
		assert_null(mf_node_get(t, "a"));
		assert_null(mf_node_get(t, "z"));
	}
	mf_buf_fini(&b);
}

static void
equal(void **state)
{
	static const struct {
		const char *a, *b;
		bool same;
	} rows[] = {{"1", "1.0", true}, {"1", "\"1\"", false}, {"null", "null", true},
	    {"null", "false", false}, {"true", "true", true}, {"true", "false", false},
	    {"[1,[2]]", "[1,[2]]", true}, {"[1,[2]]", "[1,[3]]", false}, {"[1]", "[1,1]", false},
	    {"[]", "{}", false}, {"{\"a\":1,\"b\":[]}", "{\"b\":[],\"a\":1}", true},
	    {"{\"a\":1}", "{\"b\":1}", false}, {"\"x\"", "\"x\"", true}, {"\"x\"", "\"X\"", false}};
	size_t i;

	for (i = 0; i < ROWS(rows); i++)
		assert_int_equal(
		    mf_node_equal(tree_of(*state, rows[i].a), tree_of(*state, rows[i].b)),
		    rows[i].same);
	assert_false(mf_node_equal(number(*state, NAN), number(*state, NAN)));
	assert_true(mf_node_equal(number(*state, INFINITY), number(*state, INFINITY)));
}

static void
paths(void **state)
{
	const struct mf_node *t =
	    tree_of(*state, "{\"spec\":{\"metrics\":[0,{\"interval\":1}],\"a.b/c\":{\"x\\n\":2}}}");
	const struct mf_node *at = mf_node_find(t, "spec.metrics")->items[1];
	char path[MF_NODE_PATH_BYTES], json[8 * MF_NODE_PATH_BYTES];
	struct mf_buf b = MF_BUF_INIT;
	int i;

	assert_string_equal(mf_node_path(t, path), "");
	assert_string_equal(
	    mf_node_path(mf_node_get(at, "interval"), path), "spec.metrics[1].interval");
	at = mf_node_get(mf_node_find(t, "spec"), "a.b/c");
	assert_string_equal(mf_node_path(at->items[0], path), "spec[\"a.b/c\"][\"x\\n\"]");
	at = tree_of(*state, "[[[7]]]");
	assert_string_equal(mf_node_path(at->items[0]->items[0]->items[0], path), "[0][0][0]");

	for (i = 0; i < 30; i++)
		mf_buf_printf(&b, "{\"quite_a_long_key\":");
	mf_buf_printf(&b, "1");
	for (i = 0; i < 30; i++)
		mf_buf_printf(&b, "}");
	(void)snprintf(json, sizeof json, "%s", mf_buf_cstr(&b));
	for (at = tree_of(*state, json); at->n_items > 0; at = at->items[0])
		;
	assert_int_equal(strlen(mf_node_path(at, path)), MF_NODE_PATH_BYTES - 1);
	assert_memory_equal(path, "quite_a_long_key.quite_a_long_key.", 34);
	mf_buf_fini(&b);
}

static void
numbers(void **state)
{
	static const struct {
		double number;
		const char *text, *json;
	} rows[] = {{0, "0", "0"}, {1, "1", "1"}, {-5, "-5", "-5"}, {0.1, "0.1", "0.1"},
	    {99.9, "99.9", "99.9"}, {1e20, "100000000000000000000", "100000000000000000000"},
	    {1e21, "1e+21", "1e+21"}, {1.0 / 3, "0.3333333333333333", "0.3333333333333333"},
	    {5e-324, "5e-324", "5e-324"}, {NAN, "NaN", "\"NaN\""}, {INFINITY, "+Inf", "\"+Inf\""},
	    {-INFINITY, "-Inf", "\"-Inf\""}, {123456.75, "123456.75", "123456.75"}};
	char text[MF_NODE_NUMBER_BYTES];
	size_t i;

	for (i = 0; i < ROWS(rows); i++) {
		assert_string_equal(mf_node_number_text(rows[i].number, text), rows[i].text);
		assert_tree(number(*state, rows[i].number), rows[i].json);
	}
}

static void
kinds(void **state)
{
	(void)state;
	assert_string_equal(mf_node_kind_name(MF_NODE_NULL), "null");
	assert_string_equal(mf_node_kind_name(MF_NODE_MAP), "map");
	assert_string_equal(mf_node_kind_name((enum mf_node_kind)77), "?");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    trees_test(made),
	    trees_test(found),
	    trees_test(many_keys),
	    trees_test(equal),
	    trees_test(paths),
	    trees_test(numbers),
	    trees_test(kinds),
	};

	return cmocka_run_group_tests_name("node", tests, NULL, NULL);
}
