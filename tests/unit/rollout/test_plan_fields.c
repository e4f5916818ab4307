/*
 * Every field, against its reader and its page. Of a Migration the form that the reader, the schema
 * and the page are made of is walked: each field is taken with a value of its kind, and refused by
 * name with one that is none; the page has it, and no other. Of a Canary what the page names is in
 * a table here.
 */
#include "tests/unit/rollout/trees.h"

#include <fcntl.h>

#include "src/base/fs.h"
#include "src/rollout/plan_form.h"

#define HEAD                                \
	"{\"apiVersion\":\"modelferry.dev/" \
	"v1alpha1\",\"kind\":\"Migration\",\"metadata\":{\"name\":\"x\"},\"spec\":{"

/* What the rest of a spec needs for a field to be looked at. */
static const struct {
	const char *key, *value;
} base[] = {
    {"model", "{\"name\":\"m\",\"version\":\"v\"}"},
    {"destination",
	"{\"dir\":\"/d\",\"link\":\"l\",\"servers\":[\"http://a\"],\"serves\":\"unchecked\"}"},
    {"router",
	"{\"haproxy\":{\"sockets\":[\"unix:/s\"],\"primary\":[\"b/o\"],\"canary\":[\"b/n\"]}}"},
    {"analysis", "{\"stepWeight\":10}"},
};

/* What stands beside fields that are read of a lighter model alone. */
#define LIGHTER "\"model\":\"light\",\"link\":\"l\","

/* Where a field stands: the text before and behind its map, and its path. */
struct at {
	char before[1024], behind[64], path[256], top[64];
};

static const char *
sound(const struct mf_field *f)
{
	static char word[64];

	switch (f->type) {
	case MF_FIELD_BOOL: return "true";
	case MF_FIELD_UNSIGNED:
	case MF_FIELD_U64:
		snprintf(word, sizeof word, "%llu", (unsigned long long)f->min);
		return word;
	case MF_FIELD_NUMBER: return "0.5";
	case MF_FIELD_WEIGHT: return "10";
	case MF_FIELD_DURATION: return "\"90s\"";
	case MF_FIELD_SIZE: return "\"64MiB\"";
	case MF_FIELD_ENUM: snprintf(word, sizeof word, "\"%s\"", f->words[0]); return word;
	case MF_FIELD_STRINGS: return "[\"a\"]";
	case MF_FIELD_PAIRS: return "{\"a\":\"b\"}";
	case MF_FIELD_MAP: return "{}";
	case MF_FIELD_LIST: return "[]";
	case MF_FIELD_NODE: return f->form == NULL ? "[10]" : f->list ? "[]" : "{}";
	default: return "\"x\"";
	}
}

static const char *
unsound(const struct mf_field *f)
{
	switch (f->type) {
	case MF_FIELD_STRING:
	case MF_FIELD_TEXT: return "[1]";
	case MF_FIELD_WEIGHT: return "101";
	case MF_FIELD_STRINGS: return "{\"a\":1}";
	case MF_FIELD_NODE: return "7";
	default: return "\"no such thing\"";
	}
}

/* All refusals of the field with that value, a line each. */
static void
read_field(const struct at *at, const char *key, const char *value, struct mf_buf *refusals)
{
	const struct mf_plan_params p = {
	    .profile = MF_PROFILE_MIGRATION, .finish_is_default = true};
	struct mf_buf text = MF_BUF_INIT;
	struct mf_error e = {0};
	const char *top = at->top[0] != '\0' ? at->top : key;
	size_t i;

	mf_buf_printf(&text, HEAD);
	for (i = 0; i < sizeof base / sizeof base[0]; i++)
		if (strcmp(base[i].key, top) != 0)
			mf_buf_printf(&text, "\"%s\":%s,", base[i].key, base[i].value);
	mf_buf_printf(&text, "%s\"%s\":%s%s}}", at->before, key, value, at->behind);
	mf_buf_clear(refusals);
	mf_plan_free(mf_plan_read("p", text.data, text.len, &p, refusals, &e));
	if (mf_buf_cstr(refusals) == NULL)
		fail_msg("out of memory");
	mf_buf_fini(&text);
}

/* Does a line speak of the field, or of what is in it, and (needle not NULL) say that? */
static bool
speaks_of(const char *lines, const char *path, const char *key, const char *needle)
{
	char field[400];
	const char *line, *end, *found;
	size_t n = (size_t)snprintf(
	    field, sizeof field, ": %s%s%s", path, path[0] != '\0' ? "." : "", key);

	for (line = lines; (end = strchr(line, '\n')) != NULL; line = end + 1) {
		found = strstr(line, field);
		if (found == NULL || found > end || strchr(":.[", found[n]) == NULL)
			continue;
		if (needle == NULL)
			return true;
		found = strstr(line, needle);
		if (found != NULL && found < end)
			return true;
	}
	return false;
}

static unsigned fields;

/* NOLINTBEGIN(misc-no-recursion): no form has itself in it */
static void
walk(const struct mf_form *form, const struct at *where)
{
	struct mf_buf refusals = MF_BUF_INIT;
	struct at lighter = *where;
	const struct at *at;
	const struct mf_field *f;
	struct at in;
	bool list;
	size_t k;

	for (k = 0; k < form->n_fields; k++) {
		f = &form->fields[k];
		if (f->type == MF_FIELD_KNOWN)
			continue;
		fields++;
		at = where;
		if (strcmp(form->name, "Fallback") == 0 && f->form != NULL) {
			assert_in_range(snprintf(lighter.before, sizeof lighter.before,
					    "%s" LIGHTER, where->before),
			    1, sizeof lighter.before - 1);
			at = &lighter;
		}
		read_field(at, f->key, sound(f), &refusals);
		if (speaks_of(mf_buf_cstr(&refusals), at->path, f->key, "nobody knows") ||
		    speaks_of(mf_buf_cstr(&refusals), at->path, f->key, "wanted here, not a"))
			fail_msg("%s.%s: %s is refused:\n%s", at->path, f->key, sound(f),
			    mf_buf_cstr(&refusals));
		read_field(at, f->key, unsound(f), &refusals);
		if (!speaks_of(mf_buf_cstr(&refusals), at->path, f->key, NULL))
			fail_msg("%s.%s: %s is taken:\n%s", at->path, f->key, unsound(f),
			    mf_buf_cstr(&refusals));
		if (f->form == NULL)
			continue;
		in = *at;
		list = f->list || f->type == MF_FIELD_LIST;
		assert_in_range(snprintf(in.before, sizeof in.before, "%s\"%s\":%s{", at->before,
				    f->key, list ? "[" : ""),
		    1, sizeof in.before - 1);
		assert_in_range(
		    snprintf(in.behind, sizeof in.behind, "}%s%s", list ? "]" : "", at->behind), 1,
		    sizeof in.behind - 1);
		assert_in_range(snprintf(in.path, sizeof in.path, "%s.%s%s", at->path, f->key,
				    list ? "[0]" : ""),
		    1, sizeof in.path - 1);
		if (at->top[0] == '\0')
			snprintf(in.top, sizeof in.top, "%s", f->key);
		walk(f->form, &in);
	}
	mf_buf_fini(&refusals);
}
/* NOLINTEND(misc-no-recursion) */

static void
of_a_migration(void **state)
{
	const struct at spec = {.path = "spec"};

	(void)state;
	walk(&mf_form_migration, &spec);
	assert_true(fields > 200);
}

/* ---- the page ---- */

static void
load_page(struct mf_buf *out)
{
	char path[4096];

	snprintf(path, sizeof path, "%s/man/modelferry-plan.5",
	    getenv("MF_TOP_SRCDIR") != NULL ? getenv("MF_TOP_SRCDIR") : "..");
	assert_int_equal(mf_fs_read_file(AT_FDCWD, path, (size_t)1 << 20, out, NULL), 0);
	assert_non_null(mf_buf_cstr(out));
}

/* The section of a form has each of its fields, and as many. */
static void
check_section(const char *page, const struct mf_form *form)
{
	char head[100], item[120];
	const char *section, *end, *at;
	size_t k, n = 0;

	snprintf(head, sizeof head, "\n.Ss %s\n.Bl", form->name);
	section = strstr(page, head);
	if (section == NULL)
		fail_msg("the page has no section %s", form->name);
	end = strstr(section, "\n.El");
	for (at = section; (at = strstr(at + 1, "\n.It Ic ")) != NULL && at < end;)
		n++;
	assert_int_equal(n, form->n_fields);
	for (k = 0; k < form->n_fields; k++) {
		snprintf(item, sizeof item, "\n.It Ic %s Pq", form->fields[k].key);
		at = strstr(section, item);
		if (at == NULL || at > end)
			fail_msg("section %s has no %s", form->name, form->fields[k].key);
	}
}

/* NOLINTBEGIN(misc-no-recursion): no form has itself in it */
static void
check_sections(const char *page, const struct mf_form *form)
{
	size_t k;

	check_section(page, form);
	for (k = 0; k < form->n_fields; k++)
		if (form->fields[k].form != NULL)
			check_sections(page, form->fields[k].form);
}
/* NOLINTEND(misc-no-recursion) */

static void
on_the_page(void **state)
{
	struct mf_buf page = MF_BUF_INIT;

	(void)state;
	load_page(&page);
	check_sections(mf_buf_cstr(&page), &mf_form_migration);
	mf_buf_fini(&page);
}

/* ---- a Canary, whose fields are Flagger's ---- */

static const struct {
	const char *path, *sound, *unsound;
} canary_rows[] = {
    {"provider", "istio", "consul"},
    {"metricsServer", "http://p:9090", "prometheus"},
    {"targetRef", "{kind: Deployment, name: a}", "a"},
    {"autoscalerRef", "{name: a}", NULL}, /* whether it is there is all that counts */
    {"ingressRef", "{name: a}", "a"},
    {"routeRef", "{name: a}", "a"},
    {"service", "{port: 80, name: a}", "80"},
    {"progressDeadlineSeconds", "60", "0"},
    {"skipAnalysis", "false", "maybe"},
    {"suspend", "true", "3"},
    {"analysis.interval", "1m30s", "1h"},
    {"analysis.threshold", "0", "few"},
    {"analysis.maxWeight", "50.0", "101"},
    {"analysis.stepWeight", "10", "12.5"},
    {"analysis.stepWeights", "[1, 10, 100]", "[10, 1]"},
    {"analysis.stepWeightPromotion", "50", "-1"},
    {"analysis.iterations", "3", "-3"},
    {"analysis.match", "[{headers: {a: {exact: b}}}]", "[{headers: {a: {is: b}}}]"},
    {"analysis.mirror", "true", "5"},
    {"analysis.mirrorWeight", "10", "200"},
    {"analysis.primaryReadyThreshold", "60", "600"},
    {"analysis.canaryReadyThreshold", "60", "x"},
    {"analysis.metrics", "[]", "{}"},
    {"analysis.webhooks", "[{name: a, url: 'http://a/'}]", "[{name: a}]"},
};

/* The Canary with one field more, in place of that of the same name. */
static void
read_canary(const char *path, const char *value, struct mf_buf *refusals)
{
	static const char *const spec[][2] = {
	    {"targetRef", "{kind: Deployment, name: a}"}, {"service", "{port: 80}"}};
	static const char *const analysis[][2] = {{"interval", "1m"}, {"threshold", "2"}};
	const struct mf_plan_params p = {.profile = MF_PROFILE_FLAGGER, .finish_is_default = true};
	const char *in = strncmp(path, "analysis.", 9) == 0 ? path + 9 : "";
	bool steps = strcmp(in, "stepWeight") == 0 || strcmp(in, "stepWeights") == 0;
	struct mf_buf text = MF_BUF_INIT;
	struct mf_error e = {0};
	size_t i;

	mf_buf_printf(
	    &text, "apiVersion: flagger.app/v1beta1\nkind: Canary\nmetadata: {name: a}\nspec:\n");
	for (i = 0; i < 2; i++)
		if (strcmp(spec[i][0], path) != 0)
			mf_buf_printf(&text, "  %s: %s\n", spec[i][0], spec[i][1]);
	if (in[0] == '\0')
		mf_buf_printf(&text, "  %s: %s\n", path, value);
	mf_buf_printf(&text, "  analysis:\n");
	for (i = 0; i < 2; i++)
		if (strcmp(analysis[i][0], in) != 0)
			mf_buf_printf(&text, "    %s: %s\n", analysis[i][0], analysis[i][1]);
	if (!steps && strcmp(in, "iterations") != 0)
		mf_buf_printf(&text, "    iterations: 2\n");
	if (in[0] != '\0')
		mf_buf_printf(&text, "    %s: %s\n", in, value);
	mf_buf_clear(refusals);
	mf_plan_free(mf_plan_read("p", text.data, text.len, &p, refusals, &e));
	assert_non_null(mf_buf_cstr(refusals));
	mf_buf_fini(&text);
}

static void
of_a_canary(void **state)
{
	struct mf_buf refusals = MF_BUF_INIT, page = MF_BUF_INIT;
	const char *section, *key, *at;
	size_t i;

	(void)state;
	load_page(&page);
	section = strstr(mf_buf_cstr(&page), "\nRead are\n");
	assert_non_null(section);
	for (i = 0; i < sizeof canary_rows / sizeof canary_rows[0]; i++) {
		read_canary(canary_rows[i].path, canary_rows[i].sound, &refusals);
		if (refusals.len > 0)
			fail_msg("%s: %s is refused:\n%s", canary_rows[i].path,
			    canary_rows[i].sound, mf_buf_cstr(&refusals));
		key = strrchr(canary_rows[i].path, '.');
		key = key != NULL ? key + 1 : canary_rows[i].path;
		at = strstr(section, key);
		if (at == NULL || at > strstr(section, "\n.Pp\n"))
			fail_msg("the page does not say that %s is read", key);
		if (canary_rows[i].unsound == NULL)
			continue;
		read_canary(canary_rows[i].path, canary_rows[i].unsound, &refusals);
		if (!speaks_of(mf_buf_cstr(&refusals), "spec", canary_rows[i].path, NULL))
			fail_msg("%s: %s is taken:\n%s", canary_rows[i].path,
			    canary_rows[i].unsound, mf_buf_cstr(&refusals));
	}
	mf_buf_fini(&refusals);
	mf_buf_fini(&page);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(of_a_migration),
	    cmocka_unit_test(on_the_page),
	    cmocka_unit_test(of_a_canary),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
