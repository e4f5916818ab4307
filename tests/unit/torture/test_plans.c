/* Allocation failure in what reads plans, the states of the engines, and the journal: told as what
 * it is, never as a plan that is refused or a state that is damaged; and what gets through is the
 * same as ever. */
#include "tests/unit/torture/torture.h"

#include <dirent.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "src/base/fs.h"
#include "src/rollout/canary_state.h"
#include "src/rollout/document.h"
#include "src/rollout/plan.h"
#include "src/rollout/rollout_state.h"
#include "src/state/journal.h"

#define CASES "tests/rollout-cases"
#define PATH_BYTES 1024u

static const char *
top(void)
{
	const char *dir = getenv("MF_TOP_SRCDIR");

	return dir != NULL ? dir : "..";
}

/* ---- plans ---- */

struct sample {
	const char *text;
	size_t n;
	struct mf_plan_params params;
	struct mf_buf good; /* how it is shown when nothing fails; "": it is refused */
};

/* Read and shown, or why it is refused. */
static int
read_and_show(const struct sample *s, struct mf_buf *out, struct mf_error *e)
{
	struct mf_buf refusals = MF_BUF_INIT;
	struct mf_plan *plan = mf_plan_read("plan", s->text, s->n, &s->params, &refusals, e);
	int rc = 0;

	if (plan != NULL) {
		mf_plan_put_text(out, plan);
		mf_plan_put_json(out, plan);
		if (out->failed)
			rc = mf_error_nomem(e, "what is shown");
	} else if (e->code == MF_EUSAGE && s->good.len == 0) {
		mf_error_clear(e); /* as it is without a failure */
	} else {
		rc = -1;
	}
	mf_plan_free(plan);
	mf_buf_fini(&refusals);
	return rc;
}

static int
use_plan(void *arg, struct mf_error *e)
{
	const struct sample *s = arg;
	struct mf_buf shown = MF_BUF_INIT;
	int rc = read_and_show(s, &shown, e);

	if (rc == 0) {
		assert_int_equal(shown.len, s->good.len);
		assert_true(shown.len == 0 || memcmp(shown.data, s->good.data, shown.len) == 0);
	}
	mf_buf_fini(&shown);
	return rc;
}

/* Returns whether it is a plan that is taken. */
static bool
torture_plan(const char *name, const char *text, size_t n, const struct mf_plan_params *params)
{
	struct sample s = {.text = text, .n = n, .params = *params, .good = MF_BUF_INIT};
	struct torture t = {.name = name, .arg = &s, .body = use_plan};
	struct mf_error e = {0};
	bool taken;

	if (read_and_show(&s, &s.good, &e) != 0)
		fail_msg("%s: %s", name, e.message);
	taken = s.good.len > 0;
	torture(&t);
	mf_buf_fini(&s.good);
	return taken;
}

/* A case says only what it is about; the rest is as in run.py there. */
static const char migration_rest[] =
    "{\"model\": {\"name\": \"m\", \"version\": \"B\"},"
    "\"source\": {\"name\": \"old\", \"servers\": [\"http://127.0.0.1:1\"], \"serves\": "
    "\"unchecked\"},"
    "\"destination\": {\"name\": \"new\", \"dir\": \"/models\", \"link\": \"current\","
    "\"serves\": \"unchecked\", \"servers\": [\"http://127.0.0.1:2\"]},"
    "\"router\": {\"haproxy\": {\"sockets\": [\"unix:/run/haproxy.sock\"],"
    "\"primary\": [\"be/old\"], \"canary\": [\"be/new\"]}}}";
static const char canary_rest[] =
    "{\"targetRef\": {\"apiVersion\": \"apps/v1\", \"kind\": \"Deployment\", \"name\": \"app\"},"
    "\"service\": {\"port\": 80}}";
static const char metric_rest[] =
    "{\"address\": \"http://127.0.0.1:9\", \"query\": \"m{site='new'}\"}";
static const char hook_rest[] = "{\"url\": \"http://127.0.0.1:9/\"}";
static const char provider_rest[] =
    "{\"provider\": {\"prometheus\": {\"address\": \"http://127.0.0.1:9\", \"query\": \"m\"}}}";
static const char routing[] =
    "{\"plugins\": {\"argoproj-labs/gatewayAPI\": {\"httpRoute\": \"r\"}}}";

/* What into does not have, maps within maps. */
static void
complete(json_t *into, const char *rest)
{
	json_t *from = json_loads(rest, 0, NULL), *value, *own;
	const char *key;

	assert_non_null(from);
	json_object_foreach(from, key, value)
	{
		own = json_object_get(into, key);
		if (own == NULL)
			(void)json_object_set(into, key, value);
		else if (json_is_object(own) && json_is_object(value))
			(void)json_object_update_missing(own, value);
	}
	json_decref(from);
}

static void
complete_each(json_t *list, const char *rest)
{
	json_t *item;
	size_t i;

	json_array_foreach(list, i, item)
	{
		(void)json_object_del(item, "_default");
		(void)json_object_del(item, "_primary");
		complete(item, rest);
	}
}

static json_t *
plan_of(json_t *c)
{
	const char *engine = json_string_value(json_object_get(c, "engine"));
	json_t *spec;

	assert_non_null(engine);
	if (strcmp(engine, "flagger") == 0) {
		spec = json_object_get(c, "canary");
		complete(spec, canary_rest);
		complete_each(
		    json_object_get(json_object_get(spec, "analysis"), "webhooks"), hook_rest);
		complete_each(json_object_get(json_object_get(spec, "analysis"), "metrics"), "{}");
		return json_pack("{s:s, s:s, s:{s:s}, s:O}", "apiVersion", "flagger.app/v1beta1",
		    "kind", "Canary", "metadata", "name", "app", "spec", spec);
	}
	if (strcmp(engine, "rollout") == 0) {
		spec =
		    json_object_get(c, "blueGreen") != NULL
			? json_pack("{s:O}", "blueGreen", json_object_get(c, "blueGreen"))
			: json_pack("{s:{s:s, s:s, s:o, s:O}}", "canary", "canaryService", "canary",
			      "stableService", "stable", "trafficRouting",
			      json_loads(routing, 0, NULL), "steps", json_object_get(c, "steps"));
		return json_pack("{s:s, s:s, s:{s:s}, s:{s:o}}", "apiVersion",
		    "argoproj.io/v1alpha1", "kind", "Rollout", "metadata", "name", "case", "spec",
		    "strategy", spec);
	}
	if (strcmp(engine, "migration") == 0) {
		spec = json_object_get(c, "migration");
		complete(spec, migration_rest);
		complete_each(json_object_get(spec, "hooks"), hook_rest);
		complete_each(json_object_get(spec, "gates"), hook_rest);
		complete_each(
		    json_object_get(json_object_get(spec, "analysis"), "metrics"), metric_rest);
		return json_pack("{s:s, s:s, s:{s:s}, s:O}", "apiVersion",
		    "modelferry.dev/v1alpha1", "kind", "Migration", "metadata", "name", "case",
		    "spec", spec);
	}
	if (strcmp(engine, "analysisrun") == 0) {
		complete_each(json_object_get(c, "metrics"), provider_rest);
		return json_pack("{s:s, s:s, s:{s:s}, s:{s:O}}", "apiVersion",
		    "argoproj.io/v1alpha1", "kind", "AnalysisTemplate", "metadata", "name", "case",
		    "spec", "metrics", json_object_get(c, "metrics"));
	}
	return NULL; /* a case of a router */
}

static bool
torture_case(const char *name)
{
	const struct mf_plan_params params = {
	    .profile_is_default = true, .finish_is_default = true, .lenient = true};
	char path[PATH_BYTES], *text;
	json_t *c, *plan;
	bool taken = false;

	(void)snprintf(path, sizeof path, "%s/" CASES "/%s", top(), name);
	c = json_load_file(path, 0, NULL);
	assert_non_null(c);
	plan = plan_of(c);
	if (plan != NULL) {
		text = json_dumps(plan, JSON_INDENT(1));
		assert_non_null(text);
		taken = torture_plan(name, text, strlen(text), &params);
		free(text);
	}
	json_decref(plan);
	json_decref(c);
	return taken;
}

static void
plans_of_cases(void **state)
{
	char path[PATH_BYTES];
	struct dirent *item;
	unsigned n = 0, taken = 0;
	DIR *d;

	(void)state;
	(void)snprintf(path, sizeof path, "%s/" CASES, top());
	d = opendir(path);
	assert_non_null(d);
	while ((item = readdir(d)) != NULL) {
		if (strstr(item->d_name, ".json") == NULL)
			continue;
		n++;
		taken += torture_case(item->d_name);
	}
	(void)closedir(d);
	assert_true(n > 80);
	assert_true(taken > 70); /* the others have parts that only run.py adds, and are refused */
}

/* Whole ones, of each kind; a Canary also as the command line completes it. */
static void
whole_plans(void **state)
{
	static const char *const names[] = {"analysis", "bluegreen", "canary", "migration",
	    "migration-by-rollout", "rollout-whole"};
	const struct mf_plan_params own = {
	    .profile = MF_PROFILE_MIGRATION, .finish_is_default = true};
	const struct mf_plan_bare words = {.model = "m",
	    .version = "v1",
	    .from = "/old",
	    .to = "/new",
	    .link = "current",
	    .router = "haproxy:unix:/run/h.sock,primary=be/old,canary=be/new"};
	const struct mf_plan_params bare = {
	    .profile = MF_PROFILE_MIGRATION, .finish_is_default = true, .bare = &words};
	struct mf_error e = {0};
	char path[PATH_BYTES];
	struct mf_buf text;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof names / sizeof names[0]; i++) {
		text = MF_BUF_INIT;
		(void)snprintf(
		    path, sizeof path, "%s/tests/fuzz/corpus/fuzz_plan/%s", top(), names[i]);
		assert_int_equal(
		    mf_fs_read_file(AT_FDCWD, path, MF_DOCUMENT_BYTES_MAX, &text, &e), 0);
		if (!torture_plan(names[i], (const char *)text.data, text.len, &own))
			fail_msg("%s is refused", names[i]);
		if (strcmp(names[i], "canary") == 0)
			(void)torture_plan("bare canary", (const char *)text.data, text.len, &bare);
		mf_buf_fini(&text);
	}
}

/* ---- states ---- */

struct kept_state {
	struct mf_buf text;
	bool is_rollout;
};

static int
use_state(void *arg, struct mf_error *e)
{
	const struct mf_region_params p = {
	    .plain_bytes = (size_t)8 << 20, .what = "a state of the engine"};
	const struct kept_state *k = arg;
	struct mf_rollout_state rollout;
	struct mf_canary_state canary;
	struct mf_buf again = MF_BUF_INIT;
	const struct mf_node *node;
	struct mf_region *r;
	int rc = -1;

	if (mf_region_new(&p, &r, e) != 0)
		return -1;
	node = mf_document_json("state", (const char *)k->text.data, k->text.len, r, e);
	if (node != NULL && k->is_rollout) {
		rc = mf_rollout_state_read(&rollout, node, e);
		if (rc == 0)
			mf_rollout_state_put(&again, &rollout);
	} else if (node != NULL) {
		rc = mf_canary_state_read(&canary, node, e);
		if (rc == 0)
			mf_canary_state_put(&again, &canary);
	}
	if (rc == 0 && again.failed)
		rc = mf_error_nomem(e, "a state");
	else if (rc == 0)
		assert_true(
		    again.len == k->text.len && memcmp(again.data, k->text.data, again.len) == 0);
	mf_buf_fini(&again);
	mf_region_free(r);
	return rc;
}

/* A state as people write it becomes one as we do. */
static void
as_written(struct mf_buf *text)
{
	const struct mf_region_params p = {.plain_bytes = (size_t)8 << 20, .what = "a state"};
	struct mf_rollout_state rollout;
	struct mf_error e = {0};
	struct mf_region *r;

	assert_int_equal(mf_region_new(&p, &r, &e), 0);
	assert_int_equal(mf_rollout_state_read(
			     &rollout, mf_document_json("state", text->data, text->len, r, &e), &e),
	    0);
	mf_buf_clear(text);
	mf_rollout_state_put(text, &rollout);
	mf_region_free(r);
}

static void
states(void **state)
{
	struct torture t = {.body = use_state};
	struct kept_state k = {.text = MF_BUF_INIT};
	struct mf_canary_state canary;
	struct mf_error e = {0};
	char path[PATH_BYTES];

	(void)state;
	t.arg = &k;
	t.name = "canary state";
	mf_canary_start(&canary, "v2", "v1");
	mf_canary_state_put(&k.text, &canary);
	torture(&t);
	mf_buf_clear(&k.text);
	t.name = "rollout state";
	k.is_rollout = true;
	(void)snprintf(path, sizeof path, "%s/tests/fuzz/corpus/fuzz_rollout_state/paused", top());
	assert_int_equal(
	    mf_fs_read_file(AT_FDCWD, path, MF_ROLLOUT_STATE_BYTES_MAX, &k.text, &e), 0);
	as_written(&k.text);
	torture(&t);
	mf_buf_fini(&k.text);
}

/* ---- the journal ---- */

#define RUN "run-1"

static void
clear_dir(void *arg)
{
	struct mf_error e = {0};

	if (mf_fs_remove_tree(AT_FDCWD, arg, &e) != 0)
		fail_msg("%s", e.message);
}

static int
count(void *arg, const struct mf_journal_line *line)
{
	(void)line;
	++*(unsigned *)arg;
	return 0;
}

static int
count_run(void *arg, const struct mf_journal_run *run)
{
	(void)run;
	++*(unsigned *)arg;
	return 0;
}

static int
write_run(struct mf_journal *j, struct mf_error *e)
{
	const struct mf_journal_run run = {.id = RUN,
	    .plan_digest = "d",
	    .plan_name = "p",
	    .model = "m",
	    .facts = "facts",
	    .n_facts = 5,
	    .begun_us = 1};
	const struct mf_journal_line state = {
	    .kind = MF_JOURNAL_STATE, .tick = 1, .phase = "Progressing", .bytes = "{}", .n = 2};
	const struct mf_journal_line act = {
	    .kind = MF_JOURNAL_ACT, .tick = 2, .phase = "", .bytes = "route:90/10", .n = 11};
	uint8_t instance[MF_JOURNAL_INSTANCE_BYTES] = {1}, former[MF_JOURNAL_INSTANCE_BYTES];

	if (mf_journal_begin(j, &run, e) != 0 ||
	    mf_journal_claim(j, RUN, instance, former, e) < 0 ||
	    mf_journal_append(j, RUN, &state, NULL, e) != 0)
		return -1;
	/* what waits in memory may be lost with it, and is written with the next one otherwise */
	(void)mf_journal_note(j, RUN, &act, NULL);
	return mf_journal_append(j, RUN, &state, NULL, e);
}

static int
use_journal(void *arg, struct mf_error *e)
{
	struct mf_journal *j = NULL;
	unsigned lines = 0, runs = 0;
	int rc = mf_journal_open(arg, &j, e);

	if (rc == 0)
		rc = write_run(j, e);
	if (rc == 0)
		rc = mf_journal_resume(j, RUN, count, &lines, e);
	if (rc == 0)
		rc = mf_journal_end(j, RUN, "succeeded", "", 2, e);
	if (rc == 0)
		rc = mf_journal_runs(j, NULL, count_run, &runs, e);
	if (rc == 0) {
		assert_true(lines >= 1);
		assert_int_equal(runs, 1);
	}
	mf_journal_close(j);
	return rc;
}

static void
journal(void **state)
{
	char dir[] = "/tmp/mf-torture.XXXXXX";
	struct torture t = {
	    .name = "journal", .arg = dir, .prepare = clear_dir, .body = use_journal};

	(void)state;
	assert_non_null(mkdtemp(dir));
	torture(&t);
	clear_dir(dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(plans_of_cases),
	    cmocka_unit_test(whole_plans),
	    cmocka_unit_test(states),
	    cmocka_unit_test(journal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
