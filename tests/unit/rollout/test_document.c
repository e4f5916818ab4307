/* YAML streams and JSON texts: what they become, and what is refused where. */
#include "tests/unit/rollout/trees.h"

static void
refused(struct mf_region *r, const char *text, const char *message)
{
	struct mf_documents docs;
	struct mf_error e = {0};

	assert_int_equal(mf_documents_read(&docs, "f", text, strlen(text), r, &e), -1);
	assert_int_equal(e.code, MF_EUSAGE);
	if (strstr(e.message, message) != e.message)
		fail_msg("%s\ngave: %s\nnot: %s", text, e.message, message);
}

static struct mf_documents
documents(struct mf_region *r, const char *text)
{
	struct mf_documents docs;
	struct mf_error e = {0};

	if (mf_documents_read(&docs, "plan.yaml", text, strlen(text), r, &e) != 0)
		fail_msg("%s\ngave: %s", text, e.message);
	return docs;
}

static void
yaml_to_json(void **state)
{
	static const struct {
		const char *yaml, *json;
	} rows[] = {
	    {"a: 1\nb: [x, 'y', \"z\"]\n", "{\"a\":1,\"b\":[\"x\",\"y\",\"z\"]}"},
	    {"on: yes\n1: n\n0x10: 'no'\n2.0: ~\n",
		"{\"true\":true,\"1\":false,\"16\":\"no\",\"2\":null}"},
	    {"q: |\n  sum(\n    x)\nr: >-\n  a\n  b\n", "{\"q\":\"sum(\\n  x)\\n\",\"r\":\"a b\"}"},
	    {"- !!str 5\n- !!int \"5\"\n- !!float 5\n- !!null ''\n- !!bool yes\n- ! 5\n",
		"[\"5\",5,5,null,true,5]"},
	    {"!!map {a: !!seq [1]}", "{\"a\":[1]}"},
	    {"interval: 1m\ndate: 2001-01-01\n", "{\"interval\":\"1m\",\"date\":\"2001-01-01\"}"},
	    {"a: &x {p: 1}\nb: *x\nc: [*x, *x]\n",
		"{\"a\":{\"p\":1},\"b\":{\"p\":1},\"c\":[{\"p\":1},{\"p\":1}]}"},
	    {"a: &x 1\nb: &x 2\nc: *x\n", "{\"a\":1,\"b\":2,\"c\":2}"},
	    {"&k key: &v val\nb: *v\nc: *k\n", "{\"key\":\"val\",\"b\":\"val\",\"c\":\"key\"}"},
	    {"base: &b {x: 1, w: 2}\nd:\n  <<: *b\n  w: 3\n",
		"{\"base\":{\"x\":1,\"w\":2},\"d\":{\"w\":3,\"x\":1}}"},
	    {"a: &a {x: 1}\nb: &b {x: 2, w: 2}\nd: {<<: [*a, *b], z: 3}\n",
		"{\"a\":{\"x\":1},\"b\":{\"x\":2,\"w\":2},\"d\":{\"z\":3,\"x\":1,\"w\":2}}"},
	    {"d: {z: 3, <<: {x: 1}}", "{\"d\":{\"z\":3,\"x\":1}}"},
	    {"{\"<<\": 1, '<': 2}", "{\"<<\":1,\"<\":2}"},
	    {"{\n\t\"a\": [1,\n\t\tnull, \"\\u00e4\\/\"]\n}", "{\"a\":[1,null,\"\xc3\xa4/\"]}"},
	    {"x: \"{{ args.a }}\"\n", "{\"x\":\"{{ args.a }}\"}"},
	    {"\xef\xbb\xbf"
	     "a: 1\n",
		"{\"a\":1}"},
	    {"just a text", "\"just a text\""},
	    {"? a\n: b\n? c\n", "{\"a\":\"b\",\"c\":null}"},
	};
	struct mf_documents docs;
	size_t i;

	for (i = 0; i < ROWS(rows); i++) {
		docs = documents(*state, rows[i].yaml);
		assert_int_equal(docs.n, 1);
		assert_tree(docs.roots[0], rows[i].json);
	}
}

static void
lines_and_texts(void **state)
{
	struct mf_documents docs = documents(*state,
	    "# a plan\nkind: Canary\nspec:\n  ratio: 0.10\n  list:\n    - one\n    - two: 2\n"
	    "  query: |\n    long\n---\nkind: Other\nat: &x [3]\nagain:\n  - *x\n");
	const struct mf_node *spec = mf_node_get(docs.roots[0], "spec");
	const struct mf_node *list = mf_node_get(spec, "list");
	char path[MF_NODE_PATH_BYTES];

	assert_string_equal(docs.file, "plan.yaml");
	assert_int_equal(docs.n, 2);
	assert_int_equal(docs.roots[0]->line, 2);
	assert_int_equal(spec->line, 3);
	assert_int_equal(mf_node_get(spec, "ratio")->line, 4);
	assert_string_equal(mf_node_get(spec, "ratio")->text, "0.10");
	assert_int_equal(list->line, 5);
	assert_int_equal(list->items[0]->line, 6);
	assert_null(list->items[0]->key);
	assert_int_equal(list->items[1]->line, 7);
	assert_int_equal(mf_node_get(spec, "query")->line, 8);
	assert_int_equal(mf_node_get(docs.roots[1], "kind")->line, 11);
	list = mf_node_get(docs.roots[1], "again");
	assert_null(list->items[0]->key);
	assert_string_equal(mf_node_path(list->items[0]->items[0], path), "again[0][0]");
	assert_int_equal(list->items[0]->items[0]->line, 12);
	list = mf_node_get(docs.roots[1], "at");
	assert_string_equal(mf_node_path(list->items[0], path), "at[0]");
}

static void
streams(void **state)
{
	assert_int_equal(documents(*state, "").n, 0);
	assert_int_equal(documents(*state, "# nothing\n").n, 0);
	assert_int_equal(
	    documents(*state, "---\n---\na: 1\n---\n# no\n---\n~\n...\n---\nb: 2").n, 2);
	assert_int_equal(documents(*state, "%YAML 1.1\n---\na: 1\n").n, 1);
}

/* Good JSON is read, also where YAML 1.1 differs from it. */
static void
json_in_a_plan(void **state)
{
	struct mf_documents docs = documents(*state, " \n{\"a\":\"\\ud83d\\ude00\"}");
	char text[3000];

	assert_tree(docs.roots[0], "{\"a\":\"\xf0\x9f\x98\x80\"}");
	assert_int_equal(docs.roots[0]->line, 0);
	(void)snprintf(text, sizeof text, "{\"%02000d\": 1}", 7);
	docs = documents(*state, text);
	assert_int_equal(strlen(docs.roots[0]->items[0]->key), 2000);
	/* bad as both: what YAML says of it */
	refused(*state, "{\"a\":\n\"\\ud83d\\ude00\"", "f:2: found invalid Unicode");
	/* a bound of ours is no reason to try again */
	refused(*state, "{\"a\": 1,\n \"a\": 2}", "f:2: key a a second time");
}

static void
refusals(void **state)
{
	static const struct {
		const char *yaml, *message;
	} rows[] = {
	    {"a: 1\nb: 2\na: 3\n", "f:3: key a a second time"},
	    {"x:\n  1: a\n  '1': b\n", "f:3: key 1 a second time"},
	    {"a: 1\n  b: 2\n", "f:2: mapping values are not allowed"},
	    {"a: [1, 2\nb: 3\n", "f:2: did not find expected ',' or ']' (while parsing a flow "
				 "sequence from line 1 on)"},
	    {"a:\n\t- b\n", "f:2: found character that cannot start any token"},
	    {"? [1, 2]\n: b\n", "f:1: a key that is no plain text"},
	    {"a: &x 1\n*x : 2\n", "f:2: a key that is no plain text"},
	    {"~: 1\n", "f:1: ~ is no key"},
	    {"? \n: 1\n", "f:1: nothing is no key"},
	    {"a: 1\n0.5: 1\n", "f:2: 0.5 is no key"},
	    {"a: .nan\n", "f:1: .nan is no number that JSON has"},
	    {"a: -.INF\n", "f:1: -.INF is no number"},
	    {"a: !!binary aGk=\n", "f:1: aGk= cannot be read as tag:yaml.org,2002:binary"},
	    {"a: !!timestamp 2001-01-01\n", "f:1: 2001-01-01 cannot be read as"},
	    {"a: !!int 1.5\n", "f:1: 1.5 cannot be read as tag:yaml.org,2002:int"},
	    {"a: !!bool 1\n", "f:1: 1 cannot be read as"},
	    {"a: !secret x\n", "f:1: x cannot be read as !secret"},
	    {"a: !foo {b: 1}\n", "f:1: tag !foo"},
	    {"a: !!set {b}\n", "f:1: tag tag:yaml.org,2002:set"},
	    {"a: !!map [b]\n", "f:1: tag tag:yaml.org,2002:map"},
	    {"a: \"x\\0y\"\n", "f:1: a text holds a NUL"},
	    {"a: 1\nb: x\x01\n", "f:2: control characters are not allowed"},
	    {"a: \xff\n", "f:1: invalid"},
	    {"a: &x [*x]\n", "f:1: anchor x contains itself"},
	    {"a: *nobody\n", "f:1: no anchor nobody before this line"},
	    {"a: &x 1\n---\nb: *x\n", "f:3: no anchor x before this line"},
	    {"a: {<<: 5}\n", "f:1: << takes a map or a list of maps, not a number"},
	    {"a: {<<: [{b: 1}, 5]}\n", "f:1: << takes a map or a list of maps, not a number"},
	    {"a: {<<: {b: 1}, <<: {c: 1}}\n", "f:1: key << a second time"},
	    {"a: {b: 1, <<: {b: 2}}\n", "f:1: << behind key b, which both have"},
	    {"a: 'open\n", "f:2: found unexpected end of stream"},
	    {"%YAML 3.0\n---\na: 1\n", "f:1: found incompatible YAML document"},
	};
	size_t i;

	for (i = 0; i < ROWS(rows); i++)
		refused(*state, rows[i].yaml, rows[i].message);
}

static void
raw_nul(void **state)
{
	static const char text[] = "a: 1\nb: x\0y\n";
	struct mf_documents docs;
	struct mf_error e = {0};

	assert_int_equal(mf_documents_read(&docs, "f", text, sizeof text - 1, *state, &e), -1);
	assert_string_equal(e.message, "f:2: control characters are not allowed");
	assert_int_equal(mf_documents_read(&docs, "f", NULL, 0, *state, &e), 0);
}

static void
put_times(struct mf_buf *b, unsigned n, const char *text)
{
	while (n-- > 0)
		mf_buf_put(b, text, strlen(text));
}

static void
deep(void **state)
{
	struct mf_buf b = MF_BUF_INIT;
	struct mf_error e = {0};

	put_times(&b, MF_NODE_DEPTH_MAX, "[");
	put_times(&b, 1, "1");
	put_times(&b, MF_NODE_DEPTH_MAX, "]");
	assert_int_equal(documents(*state, mf_buf_cstr(&b)).n, 1);
	assert_non_null(mf_document_json("it", b.data, b.len, *state, &e));
	mf_buf_clear(&b);
	put_times(&b, MF_NODE_DEPTH_MAX + 1, "[");
	put_times(&b, MF_NODE_DEPTH_MAX + 1, "]");
	refused(*state, mf_buf_cstr(&b), "f:1: nested deeper than 64");
	assert_null(mf_document_json("it", b.data, b.len, *state, &e));
	assert_string_equal(e.message, "it is nested deeper than 64");
	mf_buf_clear(&b);
	put_times(&b, 100000, "- ");
	refused(*state, mf_buf_cstr(&b), "f:1: nested deeper than 64");
	mf_buf_clear(&b);
	put_times(&b, 1, "a: &a [");
	put_times(&b, 40, "[");
	put_times(&b, 40, "]");
	put_times(&b, 1, "]\nb: ");
	put_times(&b, 40, "[");
	put_times(&b, 1, "*a");
	put_times(&b, 40, "]");
	refused(*state, mf_buf_cstr(&b), "f:2: nested deeper than 64");
	mf_buf_fini(&b);
}

static void
large(void **state)
{
	struct mf_buf b = MF_BUF_INIT;
	struct mf_documents docs;
	struct mf_error e = {0};
	char line[64];
	int i;

	/* each is ten of the one before */
	put_times(&b, 1, "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
	for (i = 1; i < 9; i++) {
		(void)snprintf(line, sizeof line, "a%d: &a%d [", i, i);
		put_times(&b, 1, line);
		(void)snprintf(line, sizeof line, "*a%d,", i - 1);
		put_times(&b, 10, line);
		put_times(&b, 1, "]\n");
	}
	refused(*state, mf_buf_cstr(&b), "f:6: more than 200000 values");
	mf_buf_clear(&b);
	put_times(&b, 200000, "- x\n");
	refused(*state, mf_buf_cstr(&b), "f:200000: more than 200000 values");
	mf_buf_clear(&b);
	put_times(&b, 1, "[1");
	put_times(&b, 200000, ",1");
	put_times(&b, 1, "]");
	assert_null(mf_document_json("it", b.data, b.len, *state, &e));
	assert_string_equal(e.message, "it has more than 200000 values");
	mf_buf_clear(&b);
	put_times(&b, 1, "- ");
	for (i = 0; i < 1001; i++) {
		(void)snprintf(line, sizeof line, "&x%d x\n- ", i);
		put_times(&b, 1, line);
	}
	refused(*state, mf_buf_cstr(&b), "f:1001: more than 1000 anchors in a document");
	mf_buf_clear(&b);
	for (i = 0; i < 257; i++)
		put_times(&b, 1, "---\na: 1\n");
	refused(*state, mf_buf_cstr(&b), "f:513: more than 256 documents");
	assert_int_equal(
	    mf_documents_read(&docs, "f", b.data, MF_DOCUMENT_BYTES_MAX + 1, *state, &e), -1);
	assert_string_equal(e.message, "f is larger than 4 MiB");
	mf_buf_fini(&b);
}

/* Many keys: not a second of sorting, and a key twice among them is found. */
static void
large_maps(void **state)
{
	struct mf_buf b = MF_BUF_INIT;
	char line[64];
	unsigned i;

	for (i = 0; i < 90000; i++) {
		(void)snprintf(line, sizeof line, "k%u: 1\n", i);
		put_times(&b, 1, line);
	}
	assert_int_equal(documents(*state, mf_buf_cstr(&b)).roots[0]->n_items, 90000);
	put_times(&b, 1, "k7: 1\n");
	refused(*state, mf_buf_cstr(&b), "f:90001: key k7 a second time");
	mf_buf_clear(&b);
	put_times(&b, 1, "a: &a\n");
	for (i = 0; i < 1001; i++) {
		(void)snprintf(line, sizeof line, "  k%u: 1\n", i);
		put_times(&b, 1, line);
	}
	put_times(&b, 1, "b: {<<: *a}\n");
	refused(*state, mf_buf_cstr(&b), "f:1003: << of a map with more than 1000 keys");
	mf_buf_fini(&b);
}

static void
json(void **state)
{
	static const struct {
		const char *text, *message;
	} rows[] = {
	    {"", "the answer is no JSON: "},
	    {"{", "the answer is no JSON: "},
	    {"[1,]", "the answer is no JSON: "},
	    {"{'a': 1}", "the answer is no JSON: "},
	    {"nan", "the answer is no JSON: "},
	    {"[NaN]", "the answer is no JSON: "},
	    {"1 2", "the answer is no JSON: end of file expected"},
	    {"{\"a\":1,\"a\":2}", "the answer is no JSON: duplicate object key"},
	    {"\"\\u0000\"", "the answer is no JSON: \\u0000 is not allowed"},
	    {"1e999", "the answer is no JSON: real number overflow"},
	    {"[\n\"\xff\"]", "the answer is no JSON: "},
	    {"01", "the answer is no JSON: "},
	};
	const struct mf_node *node;
	struct mf_error e = {0};
	size_t i;

	for (i = 0; i < ROWS(rows); i++) {
		assert_null(
		    mf_document_json("the answer", rows[i].text, strlen(rows[i].text), *state, &e));
		assert_int_equal(e.code, MF_EUSAGE);
		if (strstr(e.message, rows[i].message) != e.message)
			fail_msg("%s: %s", rows[i].text, e.message);
	}
	node = tree_of(*state, "[12345678901234567890, 0.10, true, null, \"]\\\"}{[\", -2e2, {}]");
	assert_tree(node, "[12345678901234567168,0.1,true,null,\"]\\\"}{[\",-200,{}]");
	assert_string_equal(node->items[1]->text, "0.1");
	assert_string_equal(node->items[2]->text, "true");
	assert_int_equal(node->items[1]->line, 0);
	assert_tree(tree_of(*state, " \"x\" "), "\"x\"");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    trees_test(yaml_to_json),
	    trees_test(lines_and_texts),
	    trees_test(streams),
	    trees_test(json_in_a_plan),
	    trees_test(refusals),
	    trees_test(raw_nul),
	    trees_test(deep),
	    trees_test(large),
	    trees_test(large_maps),
	    trees_test(json),
	};

	return cmocka_run_group_tests_name("document", tests, NULL, NULL);
}
