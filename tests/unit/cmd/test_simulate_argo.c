/*
 * The cases of analyses (A) and Rollouts (R) in tests/rollout-cases, from the plan's text to the
 * lines that simulate prints. Those that begin with M and B are our own: profile migration, and
 * blue/green.
 *
 * A case is {engine, expect: [LINE...]} and, of an AnalysisRun, {metrics, rounds}, of a Rollout,
 * {steps | blueGreen, events}; perhaps profile, finish, start, spec (fields laid over the plan's),
 * docs (more documents). As in run.py, the members that a line of expect has are compared, and those
 * that are always printed must be among them.
 */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "src/cmd/simulate_argo.h"

#define FILES_MAX 200

struct example {
	const char *file;
	json_t *all;  /* the file */
	json_t *plan; /* the document */
	json_t *ticks;
};

static bool
is(const struct example *c, const char *key, const char *word)
{
	const char *v = json_string_value(json_object_get(c->all, key));

	return v != NULL && strcmp(v, word) == 0;
}

static bool
has_job(json_t *rounds)
{
	const char *name;
	json_t *round, *value;
	size_t i;

	json_array_foreach(rounds, i, round)
	{
		json_object_foreach(round, name, value)
		{
			if (json_object_get(value, "job") != NULL)
				return true;
		}
	}
	return false;
}

static void
make_analysis(struct example *c)
{
	json_t *metrics = json_object_get(c->all, "metrics"), *metric, *round, *tick, *values;
	json_t *rounds = json_object_get(c->all, "rounds");
	const bool job = has_job(rounds);
	size_t i;

	json_array_foreach(metrics, i, metric)
	{
		if (json_object_get(metric, "provider") == NULL)
			json_object_set_new(metric, "provider",
			    job ? json_pack("{s:{s:{s:{s:{s:[]}}}}}", "job", "spec", "template",
				      "spec", "containers")
				: json_pack("{s:{s:s, s:s}}", "prometheus", "address",
				      "http://127.0.0.1:9", "query",
				      json_string_value(json_object_get(metric, "name"))));
	}
	c->plan = json_pack("{s:s, s:s, s:{s:s}, s:{s:O}}", "apiVersion", "argoproj.io/v1alpha1",
	    "kind", "AnalysisTemplate", "metadata", "name", "case", "spec", "metrics", metrics);
	c->ticks = json_array();
	json_array_foreach(rounds, i, round)
	{
		tick = json_object();
		values = json_copy(round);
		json_object_set(tick, "terminate",
		    json_object_get(round, "terminate") ? json_object_get(round, "terminate")
							: json_false());
		json_object_del(values, "terminate");
		if (json_object_get(values, "wait") != NULL)
			json_object_set(tick, "wait", json_object_get(values, "wait"));
		json_object_del(values, "wait");
		json_object_set_new(tick, "metrics", values);
		json_array_append_new(c->ticks, tick);
	}
}

static void
make_rollout(struct example *c)
{
	json_t *steps = json_object_get(c->all, "steps");
	json_t *blue_green = json_object_get(c->all, "blueGreen");
	json_t *spec = json_object_get(c->all, "spec"), *first, *strategy;
	const char *rev = json_string_value(json_object_get(c->all, "rev"));

	if (blue_green != NULL)
		strategy = json_pack("{s:O}", "blueGreen", blue_green);
	else
		strategy = json_pack("{s:{s:s, s:s, s:{s:{s:{s:s}}}, s:O}}", "canary",
		    "canaryService", "canary", "stableService", "stable", "trafficRouting",
		    "plugins", "argoproj-labs/gatewayAPI", "httpRoute", "r", "steps", steps);
	c->plan = json_pack("{s:s, s:s, s:{s:s}, s:{s:o}}", "apiVersion", "argoproj.io/v1alpha1",
	    "kind", "Rollout", "metadata", "name", "case", "spec", "strategy", strategy);
	if (spec != NULL)
		json_object_update_recursive(json_object_get(c->plan, "spec"), spec);
	c->ticks = json_incref(json_object_get(c->all, "events"));
	first = json_array_get(c->ticks, 0);
	if (first != NULL && json_object_get(first, "rev") == NULL)
		json_object_set_new(first, "rev", json_string(rev != NULL ? rev : "B"));
}

static void
put_document(struct mf_buf *b, const json_t *doc)
{
	char *text = json_dumps(doc, 0);

	assert_non_null(text);
	mf_buf_printf(b, "---\n%s\n", text);
	free(text);
}

static struct mf_plan *
read_plan(const struct example *c)
{
	const struct mf_plan_params params = {
	    .lenient = true,
	    .profile = is(c, "profile", "migration") ? MF_PROFILE_MIGRATION : MF_PROFILE_ARGO,
	    .finish = is(c, "finish", "stay") ? MF_FINISH_STAY : MF_FINISH_COPY_BACK,
	};
	struct mf_buf text = MF_BUF_INIT;
	struct mf_error e = {0};
	struct mf_plan *plan;
	json_t *doc;
	size_t i;

	put_document(&text, c->plan);
	json_array_foreach(json_object_get(c->all, "docs"), i, doc) put_document(&text, doc);
	plan = mf_plan_read(c->file, text.data, text.len, &params, NULL, &e);
	if (plan == NULL)
		fail_msg("%s: %s", c->file, e.message);
	mf_buf_fini(&text);
	return plan;
}

static void
compare(const struct example *c, size_t n, const char *line, json_t *want)
{
	static const char *const always[] = {"step", "canaryWeight", "phase", "stable"};
	json_t *got = json_loads(line, 0, NULL), *value;
	const char *key;
	size_t i;

	assert_non_null(got);
	if (is(c, "engine", "analysisrun") && json_object_get(want, "run") == NULL)
		fail_msg("%s: tick %zu: run is not expected to be anything", c->file, n);
	for (i = 0; is(c, "engine", "rollout") && i < sizeof always / sizeof always[0]; i++) {
		if (json_object_get(want, always[i]) == NULL)
			fail_msg("%s: tick %zu: %s is not expected to be anything", c->file, n,
			    always[i]);
	}
	json_object_foreach(want, key, value)
	{
		if (!json_equal(json_object_get(got, key), value))
			fail_msg(
			    "%s: tick %zu: %s is not as expected in %s", c->file, n, key, line);
	}
	json_decref(got);
}

static void
run(struct example *c)
{
	const json_t *expect = json_object_get(c->all, "expect");
	struct mf_plan *plan = read_plan(c);
	struct mf_simulation s = {.json = true,
	    .ticks_file = c->file,
	    .start_file = c->file,
	    .ticks = c->ticks,
	    .start = json_object_get(c->all, "start"),
	    .plan = plan};
	struct mf_error e = {0};
	char *out = NULL, *line, *end;
	size_t bytes = 0, n = 0;
	int rc;

	s.out = open_memstream(&out, &bytes);
	assert_non_null(s.out);
	rc = plan->kind == MF_PLAN_ROLLOUT ? mf_simulate_rollout(&s, &e)
					   : mf_simulate_analysis(&s, &e);
	assert_int_equal(fclose(s.out), 0);
	if (rc != 0)
		fail_msg("%s: %s", c->file, e.message);
	for (line = out; (end = strchr(line, '\n')) != NULL; line = end + 1) {
		*end = '\0';
		if (n < json_array_size(expect))
			compare(c, n + 1, line, json_array_get(expect, n));
		n++;
	}
	/* and the line with the result */
	assert_int_equal(n, json_array_size(expect) + 1);
	free(out);
	mf_plan_free(plan);
}

static void
run_file(const char *path)
{
	json_error_t why;
	struct example c = {.file = path, .all = json_load_file(path, 0, &why)};

	if (c.all == NULL)
		fail_msg("%s:%d: %s", path, why.line, why.text);
	/* with a Migration around it: run.py writes that plan, and test_rollout_cases.sh runs it */
	if (json_object_get(c.all, "migration") != NULL) {
		json_decref(c.all);
		return;
	}
	if (is(&c, "engine", "analysisrun"))
		make_analysis(&c);
	else
		make_rollout(&c);
	assert_non_null(c.plan);
	run(&c);
	json_decref(c.plan);
	json_decref(c.ticks);
	json_decref(c.all);
}

/* All cases of a letter. */
static unsigned
run_all(char letter)
{
	const char *top = getenv("MF_TOP_SRCDIR");
	char dir[4096], path[4400];
	struct dirent *entry;
	unsigned n = 0;
	DIR *d;

	(void)snprintf(dir, sizeof dir, "%s/tests/rollout-cases", top != NULL ? top : ".");
	d = opendir(dir);
	assert_non_null(d);
	while ((entry = readdir(d)) != NULL) {
		if (entry->d_name[0] != letter || strstr(entry->d_name, ".json") == NULL)
			continue;
		(void)snprintf(path, sizeof path, "%s/%s", dir, entry->d_name);
		run_file(path);
		n++;
	}
	(void)closedir(d);
	return n;
}

static void
analyses(void **state)
{
	(void)state;
	assert_true(run_all('A') >= 8);
}

static void
rollouts(void **state)
{
	(void)state;
	assert_true(run_all('R') >= 3);
}

static void
migrations(void **state)
{
	(void)state;
	assert_true(run_all('M') >= 8);
}

static void
blue_green(void **state)
{
	(void)state;
	assert_true(run_all('B') >= 4);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(analyses),
	    cmocka_unit_test(rollouts),
	    cmocka_unit_test(migrations),
	    cmocka_unit_test(blue_green),
	};

	return cmocka_run_group_tests_name("simulate: Argo", tests, NULL, NULL);
}
