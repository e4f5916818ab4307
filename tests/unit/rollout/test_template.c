/* Templates of Flagger's queries and of Argo's metrics. */
#include "tests/unit/rollout/trees.h"

#include "src/rollout/template.h"

static const struct mf_pair words[] = {{"name", "podinfo"}, {"namespace", "test"},
    {"target", "podinfo"}, {"service", "web"}, {"ingress", "in"}, {"route", NULL},
    {"interval", "1m"}};
static const struct mf_pair variables[] = {{"direction", "in{{ name }}"}, {"q", "a\"b\n"}};
static const struct mf_template_words all = {
    .words = words, .n_words = ROWS(words), .variables = variables, .n_variables = ROWS(variables)};

static void
flagger(void **state)
{
	static const struct {
		const char *text, *result;
	} rows[] = {{"", ""}, {"no holes } } {", "no holes } } {"}, {"{{ name }}", "podinfo"},
	    {"{{name}}-{{namespace}}", "podinfo-test"},
	    {"rate(x{ns=\"{{ namespace }}\",pod=~\"{{ target }}-[0-9]+\"}[{{ interval }}])",
		"rate(x{ns=\"test\",pod=~\"podinfo-[0-9]+\"}[1m])"},
	    {"{{\tservice\n}}", "web"}, {"a  {{- name -}}  b", "apodinfob"},
	    {"a \n{{- name }} b", "apodinfo b"}, {"a {{ name -}}\n\tb", "a podinfob"},
	    {"a {{- name}} {{name -}} b", "apodinfo podinfob"},
	    {"{{ variables.direction }}", "in{{ name }}"}, {"{{variables.q}}", "a\"b\n"},
	    {"{{ printf \"%s-%s\" name namespace }}", "podinfo-test"},
	    {"{{ printf `%v%%` ingress}}", "in%"},
	    {"{{ printf \"%q\" variables.q }}", "\"a\\\"b\\n\""}, {"{{ printf \"x\" }}", "x"},
	    {"{{ printf \"%s\" \"}}\" }}", "}}"}, {"{{ \"{{\" }}", "{{"}, {"{{ `a\\n` }}", "a\\n"},
	    {"{{ \"a\\n\\t\\\"\" }}", "a\n\t\""}, {"{{- \"x\" -}}", "x"},
	    {"{ {name} }", "{ {name} }"}, {"}}", "}}"}};
	struct mf_error e = {0};
	struct mf_buf b = MF_BUF_INIT;
	size_t i;

	(void)state;
	for (i = 0; i < ROWS(rows); i++) {
		mf_buf_clear(&b);
		if (mf_template_flagger(&b, rows[i].text, &all, &e) != 0)
			fail_msg("%s: %s", rows[i].text, e.message);
		assert_string_equal(mf_buf_cstr(&b), rows[i].result);
	}
	mf_buf_fini(&b);
}

static void
flagger_refuses(void **state)
{
	static const struct {
		const char *text, *message;
	} rows[] = {{"a{{ name", "line 1, column 2: {{ without }}"},
	    {"{{}}", "line 1, column 3: an action without"},
	    {"{{ }}", "line 1, column 4: an action without a word"},
	    {"x\n\xc3\xa4 {{ foo }}", "line 2, column 6: foo is not supported"},
	    {"{{ .name }}", "line 1, column 4: .name is not supported"},
	    {"{{ Name }}", "line 1, column 4: Name is not"},
	    {"{{ name | printf \"%s\" }}", "line 1, column 9: | is not supported"},
	    {"{{ name namespace }}", "line 1, column 9: namespace is not supported"},
	    {"{{ name. }}", "line 1, column 8: . is not"},
	    {"{{ if name }}x{{ end }}", "line 1, column 4: if is not supported"},
	    {"{{/* a */}}", "line 1, column 3: /* is not"},
	    {"{{ range variables }}", "line 1, column 4: range is not"},
	    {"{{ (name) }}", "line 1, column 4: (name) is not"},
	    {"{{ variables }}", "line 1, column 4: variables without a key"},
	    {"{{ variables.nope }}", "line 1, column 4: templateVariables has no nope"},
	    {"{{ variables.q.r }}", "line 1, column 15: .r is not supported"},
	    {"{{ variables.q-r }}", "line 1, column 15: -r is not"},
	    {"{{ route }}", "line 1, column 4: route has no value here"},
	    {"{{ printf name }}", "line 1, column 4: printf without a literal"},
	    {"{{ printf }}", "line 1, column 4: printf"},
	    {"{{ printf \"%d\" name }}",
		"line 1, column 4: printf takes %s, %v, %q and %%, not %d"},
	    {"{{ printf \"%5s\" name }}", "line 1, column 4: printf takes"},
	    {"{{ printf \"%\" }}", "line 1, column 4: printf takes"},
	    {"{{ printf \"%s\" }}", "line 1, column 4: printf has fewer"},
	    {"{{ printf \"x\" name }}", "line 1, column 4: printf has more"},
	    {"{{ printf \"%s\" (name) }}", "line 1, column 16: (name) is not"},
	    {"{{ printf \"%s\"name }}", "line 1, column 15: name is not"},
	    {"{{ printf \"\" name name name name name name name name name }}",
		"line 1, column 54: printf with more than 8"},
	    {"{{ \"abc }}", "line 1, column 1: {{ without }}"},
	    {"{{ \"\\x41\" }}", "line 1, column 5: an escape"},
	    {"{{ \"a\" name }}", "line 1, column 8: name is not supported"},
	    {"{{-name}}", "line 1, column 3: -name is not"},
	    {"{{name-}}", "line 1, column 7: - is not supported"},
	    {"{{ name }} {{ bar }}", "line 1, column 15: bar is"}};
	struct mf_error e = {0};
	struct mf_buf b = MF_BUF_INIT;
	size_t i;

	(void)state;
	for (i = 0; i < ROWS(rows); i++) {
		mf_buf_clear(&b);
		if (mf_template_flagger(&b, rows[i].text, &all, &e) != -1)
			fail_msg("taken: %s", rows[i].text);
		assert_int_equal(e.code, MF_EUSAGE);
		if (strstr(e.message, rows[i].message) != e.message)
			fail_msg("%s: %s", rows[i].text, e.message);
	}
	mf_buf_fini(&b);
}

static const struct mf_pair args[] = {
    {"service-name", "web"}, {"q", "a\"b\\ {{args.q}}\n"}, {"later", NULL}, {"", "x"}};

static void
argo(void **state)
{
	static const struct {
		const char *text, *result; /* NULL: refused with message */
		const char *message;
	} rows[] = {{"a", "a", NULL}, {"{{args.service-name}}", "web", NULL},
	    {"x {{ args.service-name }} y", "x web y", NULL},
	    {"{{\targs.q\n}}", "a\"b\\ {{args.q}}\n", NULL}, {"}} {", "}} {", NULL},
	    {"{{args.nope}}", NULL, "line 1, column 1: {{args.nope}} is no argument"},
	    {"a\nb {{templates.x}}", NULL, "line 2, column 3: {{templates.x}} is no argument"},
	    {"{{args.}}", NULL, "line 1, column 1: {{args.}} is no"},
	    {"{{service-name}}", NULL, "line 1, column 1: {{service-name}} is"},
	    {"{{}}", NULL, "line 1, column 1: {{}} is no argument"},
	    {"{{args.later}}", NULL, "line 1, column 1: argument later has no value yet"},
	    {"a {{args.q", NULL, "line 1, column 3: {{ without }}"},
	    {"{{{args.q}}}", NULL, "line 1, column 1: {{{args.q}} is no"}};
	struct mf_error e = {0};
	struct mf_buf b = MF_BUF_INIT;
	size_t i;

	(void)state;
	for (i = 0; i < ROWS(rows); i++) {
		mf_buf_clear(&b);
		if (rows[i].result != NULL) {
			assert_int_equal(
			    mf_template_argo(&b, rows[i].text, args, ROWS(args), &e), 0);
			assert_string_equal(mf_buf_cstr(&b), rows[i].result);
			continue;
		}
		assert_int_equal(mf_template_argo(&b, rows[i].text, args, ROWS(args), &e), -1);
		assert_int_equal(e.code, MF_EUSAGE);
		if (strstr(e.message, rows[i].message) != e.message)
			fail_msg("%s: %s", rows[i].text, e.message);
	}
	mf_buf_fini(&b);
}

static void
argo_trees(void **state)
{
	static const char yaml[] =
	    "metrics:\n- name: m\n  count: \"{{args.n}}\"\n  provider:\n    web:\n"
	    "      headers: [{key: H, value: \"{{ args.s }}\"}]\n      \"{{args.s}}\": 0.10\n";
	static const struct mf_pair pairs[] = {{"n", "3"}, {"s", "x"}};
	struct mf_region *r = *state;
	struct mf_documents docs;
	struct mf_error e = {0};
	const struct mf_node *metric;
	struct mf_node *copy;
	char path[MF_NODE_PATH_BYTES];
	size_t i;

	assert_int_equal(mf_documents_read(&docs, "f", yaml, sizeof yaml - 1, r, &e), 0);
	metric = mf_node_get(docs.roots[0], "metrics")->items[0];
	copy = mf_template_argo_tree(r, metric, pairs, 2, &e);
	assert_tree(copy, "{\"name\":\"m\",\"count\":\"3\",\"provider\":{\"web\":{\"headers\":"
			  "[{\"key\":\"H\",\"value\":\"x\"}],\"x\":0.1}}}");
	assert_string_equal(mf_node_get(mf_node_find(copy, "provider.web"), "x")->text, "0.10");
	assert_int_equal(mf_node_get(copy, "count")->line, 3);
	assert_string_equal(mf_node_path(mf_node_get(copy, "count"), path), "metrics[0].count");
	assert_tree(metric,
	    "{\"name\":\"m\",\"count\":\"{{args.n}}\",\"provider\":{\"web\":{\"headers\":"
	    "[{\"key\":\"H\",\"value\":\"{{ args.s }}\"}],\"{{args.s}}\":0.1}}}");
	assert_null(mf_template_argo_tree(r, metric, pairs, 1, &e));
	assert_string_equal(e.message, "line 1, column 1: {{args.s}} is no argument");
	assert_string_equal(
	    e.frames[0], "filling in metrics[0].provider.web.headers[0].value in line 6");
	for (i = 0; i < 2; i++) /* two keys that become one */
		assert_null(mf_template_argo_tree(
		    r, tree_of(r, "{\"x\":1,\"{{args.s}}\":2}"), pairs, 2, &e));
	assert_string_equal(e.message, "key x a second time");
}

static void
bounds(void **state)
{
	struct mf_pair big = {"name", NULL};
	const struct mf_template_words with_big = {.words = &big, .n_words = 1};
	char *text = calloc(1, MF_TEMPLATE_BYTES_MAX + 2);
	struct mf_error e = {0};
	struct mf_buf b = MF_BUF_INIT;

	(void)state;
	assert_non_null(text);
	memset(text, 'x', MF_TEMPLATE_BYTES_MAX + 1);
	assert_int_equal(mf_template_flagger(&b, text, &all, &e), -1);
	assert_string_equal(e.message, "a template is longer than 64 KiB");
	assert_int_equal(mf_template_argo(&b, text, args, 2, &e), -1);
	text[MF_TEMPLATE_BYTES_MAX] = '\0';
	assert_int_equal(mf_template_flagger(&b, text, &all, &e), 0);
	big.value = text;
	mf_buf_clear(&b);
	assert_int_equal(
	    mf_template_flagger(&b, "{{name}}{{name}}{{name}}{{name}}{{name}}", &with_big, &e), -1);
	assert_string_equal(e.message, "a template becomes longer than 256 KiB");
	mf_buf_fini(&b);
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(flagger),
	    cmocka_unit_test(flagger_refuses),
	    cmocka_unit_test(argo),
	    trees_test(argo_trees),
	    cmocka_unit_test(bounds),
	};

	return cmocka_run_group_tests_name("template", tests, NULL, NULL);
}
