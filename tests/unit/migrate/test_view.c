/* Views of runs: made of a run's state, written, and read again, whoever wrote them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "src/migrate/view.h"

#define NOW INT64_C(1700000000000000)
#define SECOND UINT64_C(1000000)

static const struct mf_canary_metric metrics[] = {
    {.name = "accuracy", .rule = MF_RULE_VALUE, .range = {.has_min = true, .min = 0.9}},
    {.name = "lat\033ency", .rule = MF_RULE_VALUE, .abort = {.has_max = true, .max = 500}},
};
static const struct mf_canary_plan plan = {
    .profile = MF_PROFILE_MIGRATION,
    .interval_us = 2 * SECOND,
    .threshold = 2,
    .step_weight = 20,
    .max_weight = 60,
    .metrics = metrics,
    .n_metrics = 2,
};
static const struct mf_migration_plan migration = {
    .name = "p",
    .model = "churn",
    .destination = {.name = "new", .link = "current", .serves = {.unchecked = true}},
    .router = {.type = MF_ROUTER_HAPROXY, .drain_timeout_us = 2 * SECOND},
    .rollback = {.verify_for_us = SECOND},
};

static const struct mf_freeze_plan freeze = {
    .from_unix_s = NOW / 1000000 - 10, .to_unix_s = NOW / 1000000 + 100};

struct run {
	struct mf_engine engine;
	struct mf_router_seen router;
	struct mf_migration_plan migration;
	struct mf_view_moment now;
	struct mf_migrate_view view;
};

static struct run *
new_run(void)
{
	struct run *r = calloc(1, sizeof *r);

	assert_non_null(r);
	mf_engine_canary(&r->engine, &plan);
	mf_canary_start(&r->engine.state.canary, "v2", "v1");
	r->engine.state.canary.weight = 40;
	r->router = (struct mf_router_seen){.primary = 60,
	    .canary = 40,
	    .canary_share = 39.9,
	    .primary_up = 1,
	    .primary_servers = 1,
	    .canary_up = 1,
	    .canary_servers = 2};
	r->now = (struct mf_view_moment){.engine = &r->engine,
	    .m = &migration,
	    .router = &r->router,
	    .capacity = true,
	    .may_step = true,
	    .now_us = 100 * SECOND,
	    .next_us = 102 * SECOND,
	    .unix_us = NOW,
	    .tick = 3,
	    .version = "v2",
	    .previous = "v1",
	    .shown = "v1",
	    .gate = ""};
	mf_view_init(&r->view, &plan, &migration, "kim@host");
	return r;
}

static void
test_running(void **state)
{
	struct run *r = new_run();

	(void)state;
	mf_view_fill(&r->view, &r->now);
	assert_string_equal(r->view.phase, "Progressing");
	assert_string_equal(r->view.step, "canary 40 %, then 60 %; maxWeight 60 %");
	assert_int_equal(r->view.next_us, NOW + 2000000);
	assert_string_equal(r->view.rollback,
	    "weights 60/40 to 100/0 at once; drain sessions for at most 2s; mark v2 as rejected if "
	    "it is at fault; link current shows v1 again; watch the primary for 1s");
	assert_string_equal(r->view.waits, "");
	assert_true(r->view.destination_unchecked && !r->view.source_unchecked);
	r->now.may_step = false;
	mf_view_fill(&r->view, &r->now);
	assert_string_equal(r->view.waits, "a window of the plan, to step forward");
	r->migration = migration;
	r->migration.freezes = &freeze;
	r->migration.n_freezes = 1;
	r->now.m = &r->migration;
	mf_view_fill(&r->view, &r->now);
	assert_string_equal(
	    r->view.waits, "the end of a freeze at 2023-11-14T22:15:00Z, to step forward");
	r->now.m = &migration;
	/* past maxWeight it goes on by the same step */
	r->engine.state.canary.weight = r->router.canary = 60;
	mf_view_fill(&r->view, &r->now);
	assert_string_equal(r->view.step, "canary 60 %, then 80 %; maxWeight 60 %");
	r->router.primary_up = 0;
	mf_view_fill(&r->view, &r->now);
	assert_string_equal(r->view.rollback,
	    "the primary has no server that is up, and gets no traffic: wait for one, then a "
	    "person is called");
	free(r);
}

static void
test_fallbacks(void **state)
{
	static const struct mf_fallback_plan fallbacks[] = {
	    {.kind = MF_FALLBACK_VERSION, .version = "v0"},
	    {.kind = MF_FALLBACK_BEST, .metric = "accuracy"},
	    {.kind = MF_FALLBACK_LIGHT, .model = "small"},
	};
	struct mf_migration_plan m = migration;
	struct run *r = new_run();

	(void)state;
	m.rollback.fallbacks = fallbacks;
	m.rollback.n_fallbacks = 3;
	r->now.m = &m;
	r->engine.canary_plan =
	    &(const struct mf_canary_plan){.back = {.step_weight = 10}, .threshold = 1};
	mf_view_fill(&r->view, &r->now);
	assert_string_equal(r->view.rollback,
	    "weights 60/40 to 100/0 by 10 a tick; drain sessions for at most 2s; mark v2 as "
	    "rejected if it is at fault; link current shows v1 again; serve version v0, else the "
	    "best by accuracy, else the lighter small; watch the primary for 1s");
	m.rollback.n_fallbacks = 1;
	m.destination.kind = MF_DESTINATION_MIRROR;
	mf_view_fill(&r->view, &r->now);
	assert_non_null(strstr(r->view.rollback, "; the mirror's pointer names v1 again; serve "));
	r->router.primary_up = 0;
	mf_view_fill(&r->view, &r->now);
	assert_string_equal(r->view.rollback,
	    "the primary has no server that is up, and gets no traffic: wait for one, then serve "
	    "version v0, then a person is called");
	free(r);
}

/* The weights that were read last stay where the router cannot be read. */
static void
test_held(void **state)
{
	struct run *r = new_run();

	(void)state;
	mf_view_fill(&r->view, &r->now);
	r->engine.state.canary.hold = MF_HOLD_ROUTER;
	r->engine.state.canary.hold_since_us = 90 * SECOND;
	r->now.router = NULL;
	mf_view_fill(&r->view, &r->now);
	assert_false(r->view.router_known);
	assert_int_equal(r->view.canary, 40);
	assert_string_equal(r->view.hold, "router");
	assert_int_equal(r->view.hold_since_us, NOW - 10000000);
	assert_int_equal(r->view.hold_until_us, NOW + 10000000); /* ten intervals in all */
	assert_string_equal(r->view.hold_end, "rollback");
	r->engine.state.canary.hold = MF_HOLD_REPOSITORY;
	mf_view_fill(&r->view, &r->now);
	assert_string_equal(r->view.hold, "repository");
	assert_string_equal(
	    r->view.waits, "the repository, which does not answer; the way back needs none");
	r->engine.state.canary.hold = MF_HOLD_GATE;
	r->now.gate = "approve";
	mf_view_fill(&r->view, &r->now);
	assert_string_equal(r->view.waits, "gate approve is closed; --promote passes it");
	r->engine.state.canary.phase = MF_PHASE_ROLLING_BACK;
	r->engine.state.canary.reason = MF_REASON_THRESHOLD;
	r->engine.state.canary.hold = MF_HOLD_NONE;
	mf_view_fill(&r->view, &r->now);
	assert_string_equal(r->view.step, "the way back: sessions are drained, try 1 of 5");
	assert_string_equal(r->view.rollback, "it is under way, because of threshold");
	free(r);
}

static void
test_measured(void **state)
{
	struct mf_measured got = {.end = MF_MEASURE_VALUE, .value = 0.8, .samples = 3};
	struct run *r = new_run();

	(void)state;
	mf_view_measured(&r->view, 0, &metrics[0], false, &got, NOW);
	assert_string_equal(r->view.metrics[0].check, "out");
	assert_int_equal(r->view.metrics[0].samples, 3);
	got.value = 0.97;
	mf_view_measured(&r->view, 0, &metrics[0], true, &got, NOW);
	assert_true(r->view.metrics[0].value == 0.8 && r->view.metrics[0].primary == 0.97);
	got = (struct mf_measured){.end = MF_MEASURE_NONE, .why = "an empty result"};
	mf_view_measured(&r->view, 0, &metrics[0], false, &got, NOW);
	assert_false(r->view.metrics[0].has_value);
	r->engine.state.canary.hold = MF_HOLD_NO_DATA;
	mf_view_fill(&r->view, &r->now);
	assert_string_equal(r->view.waits, "accuracy has no value: an empty result");
	mf_view_measured(&r->view, 5, &metrics[0], false, &got, NOW); /* there is no such */
	free(r);
}

static int
read_text(struct mf_migrate_view *out, const char *text)
{
	struct mf_error e = {0};
	int rc = mf_view_read(out, text, strlen(text), &e);

	assert_true(rc == 0 || e.code == MF_EDAMAGED);
	return rc;
}

/* What is written is read, and written again as the same bytes, also where names are none. */
static void
test_bytes(void **state)
{
	struct mf_migrate_view *back = calloc(1, sizeof *back);
	struct mf_buf one = MF_BUF_INIT, two = MF_BUF_INIT;
	struct run *r = new_run();
	struct mf_error e = {0};
	char name[MF_REVISION_BYTES * 4];

	(void)state;
	assert_non_null(back);
	memset(name, 0xff, sizeof name - 1);
	name[sizeof name - 1] = '\0';
	r->now.version = name;
	r->now.gate = name;
	r->engine.state.canary.hold = MF_HOLD_GATE;
	r->view.metrics[1].value = INFINITY;
	r->view.metrics[1].has_value = true;
	mf_view_stage(&r->view, "deliver", name, NOW);
	mf_view_versions(&r->view, name, name);
	mf_view_fill(&r->view, &r->now);
	mf_view_put(&one, &r->view);
	assert_int_equal(mf_view_read(back, one.data, one.len, &e), 0);
	assert_string_equal(back->waits, r->view.waits);
	assert_string_equal(back->metrics[1].name, "lat\\x1bency");
	assert_true(isinf(back->metrics[1].value));
	assert_int_equal(back->n_metrics, 2);
	mf_view_put(&two, back);
	assert_int_equal(one.len, two.len);
	assert_memory_equal(one.data, two.data, one.len);
	mf_buf_fini(&one);
	mf_buf_fini(&two);
	free(back);
	free(r);
}

/* The largest there can be is as long as a record takes. */
static void
test_largest(void **state)
{
	struct run *r = new_run();
	struct mf_buf b = MF_BUF_INIT;
	size_t i;

	(void)state;
	memset(r->view.rollback, '"', sizeof r->view.rollback - 1);
	memset(r->view.waits, '"', sizeof r->view.waits - 1);
	for (i = 0; i < MF_VIEW_METRICS_MAX; i++) {
		memset(r->view.metrics[i].name, '"', sizeof r->view.metrics[i].name - 1);
		memset(r->view.metrics[i].why, '"', sizeof r->view.metrics[i].why - 1);
		r->view.metrics[i].value = r->view.metrics[i].min = -1.2345678901234567e-300;
		r->view.metrics[i].max = r->view.metrics[i].primary = -1.2345678901234567e-300;
	}
	r->view.n_metrics = MF_VIEW_METRICS_MAX;
	mf_view_put(&b, &r->view);
	assert_in_range(b.len, 10000, MF_VIEW_BYTES_MAX / 2);
	mf_buf_fini(&b);
	free(r);
}

static void
test_refused(void **state)
{
	static const char *const bad[] = {"", "[]", "{", "{\"wanted\":101}", "{\"canary\":1000}",
	    "{\"wanted\":-1}", "{\"at\":1e300}", "{\"at\":0.5}", "{\"phase\":3}",
	    "{\"phase\":\"a word that is longer than any phase\"}", "{\"capacity\":\"yes\"}",
	    "{\"share\":\"much\"}", "{\"metrics\":{}}", "{\"metrics\":[1]}",
	    "{\"metrics\":[{\"name\":[]}]}"};
	struct mf_migrate_view *v = calloc(1, sizeof *v);
	struct mf_buf b = MF_BUF_INIT;
	size_t i;

	(void)state;
	assert_non_null(v);
	for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		assert_int_equal(read_text(v, bad[i]), -1);
		assert_int_equal(v->n_metrics, 0);
	}
	/* of a program that knows more, and of one that knows less */
	assert_int_equal(read_text(v, "{\"wanted\":40,\"colour\":[1,{}]}"), 0);
	assert_int_equal(v->wanted, 40);
	assert_int_equal(read_text(v, "{}"), 0);
	mf_buf_printf(&b, "{\"metrics\":[");
	for (i = 0; i <= MF_VIEW_METRICS_MAX; i++)
		mf_buf_printf(&b, "%s{}", i == 0 ? "" : ",");
	mf_buf_printf(&b, "]}");
	assert_int_equal(read_text(v, mf_buf_cstr(&b)), -1);
	mf_buf_fini(&b);
	free(v);
}

static void
test_rollout(void **state)
{
	static const struct mf_rollout_step steps[] = {
	    {.kind = MF_ROLLOUT_SET_WEIGHT, .weight = 40},
	    {.kind = MF_ROLLOUT_PAUSE, .forever = true},
	};
	static const struct mf_analysis_metric looks[] = {{.name = "accuracy"},
	    {.name = "latency", .failure_limit = -1, .consecutive_error_limit = 4}};
	static const struct mf_analysis_plan analysis = {.metrics = looks, .n_metrics = 2};
	static const char whys[MF_ANALYSIS_METRICS_MAX][MF_VIEW_WHY_BYTES] = {
	    "", "prometheus: connection refused"};
	static const struct mf_analysis_plan *const analyses[] = {&analysis};
	static const struct mf_rollout_plan rollout = {
	    .profile = MF_PROFILE_MIGRATION,
	    .finish = MF_FINISH_STAY,
	    .steps = steps,
	    .n_steps = 2,
	    .analyses = analyses,
	    .n_analyses = 1,
	    .pre_promotion = MF_ROLLOUT_NO_ANALYSIS,
	    .post_promotion = MF_ROLLOUT_NO_ANALYSIS,
	    .max_hold_us = 30 * SECOND,
	};
	struct run *r = new_run();
	struct mf_rollout_state *s = &r->engine.state.rollout;

	(void)state;
	mf_engine_rollout(&r->engine, &rollout);
	mf_rollout_start(s, "v2", "v1");
	s->weight = 40;
	s->step = 1;
	s->phase = MF_ROLLOUT_PAUSED;
	s->pauses = MF_ROLLOUT_PAUSE_STEP;
	s->hold_since_us = 90 * SECOND;
	s->background_on = true;
	s->changed_us = 50 * SECOND;
	s->background.metrics[0] = (struct mf_analysis_metric_state){
	    .last = MF_ANALYSIS_FAILED,
	    .last_us = 95 * SECOND,
	    .has_value = true,
	    .value = 0.5,
	    .failed = 1};
	s->background.metrics[1] = (struct mf_analysis_metric_state){.last = MF_ANALYSIS_ERROR,
	    .last_us = 95 * SECOND,
	    .errors = 3,
	    .consecutive_errors = 2,
	    .failed = 7};
	r->now.whys = whys;
	mf_view_fill(&r->view, &r->now);
	assert_string_equal(r->view.phase, "Paused");
	assert_string_equal(r->view.step, "step 2 of 2, canary 40 %");
	assert_string_equal(r->view.waits, "a pause until somebody promotes");
	assert_string_equal(r->view.hold, "paused");
	assert_int_equal(r->view.hold_until_us, NOW + 20000000);
	assert_string_equal(r->view.hold_end, "rollback");
	assert_int_equal(r->view.n_metrics, 2);
	assert_string_equal(r->view.metrics[0].name, "accuracy");
	assert_string_equal(r->view.metrics[0].check, "out");
	assert_string_equal(r->view.metrics[0].why, "failed 1, limit 0");
	assert_string_equal(r->view.metrics[1].check, "error");
	assert_string_equal(r->view.metrics[1].why,
	    "prometheus: connection refused; errors in a row: 2, limit 4; failed 7, no limit");
	s->background.metrics[1].consecutive_errors = 0; /* no data is no error yet */
	mf_view_fill(&r->view, &r->now);
	assert_string_equal(r->view.metrics[1].check, "novalue");
	assert_int_equal(r->view.metrics[0].asked_us, NOW - 5000000);
	assert_string_equal(r->view.rollback,
	    "weights 60/40 to 100/0 at once; drain sessions for at most 2s; mark v2 as rejected if "
	    "it is at fault; link current shows v1 again; watch the primary for 1s");
	s->aborted = s->undoing = true;
	s->weight = 0;
	s->back.step = 1;
	mf_view_fill(&r->view, &r->now);
	assert_string_equal(r->view.step, "the way back: the version is marked, try 1 of 5");
	free(r);
}

static void
test_metric_text(void **state)
{
	struct mf_canary_metric m = {
	    .name = "errors", .rule = MF_RULE_VALUE, .range = {.has_max = true, .max = 0.05}};
	struct mf_measured got = {.end = MF_MEASURE_VALUE, .value = 0.12};
	char text[MF_VIEW_METRIC_TEXT_BYTES];

	(void)state;
	mf_view_metric_text(text, sizeof text, &m, MF_CHECK_OUT, &got);
	assert_string_equal(text, "errors 0.12, is to be at most 0.05");
	m.relative = m.has_max_ratio = got.has_primary = true;
	m.max_ratio = 1.5;
	got.primary = 0.04;
	mf_view_metric_text(text, sizeof text, &m, MF_CHECK_OUT, &got);
	assert_string_equal(text,
	    "errors 0.12, is to be at most 0.05 and at most 1.5 times the primary's 0.04");
	m.relative = false;
	m.abort = (struct mf_bounds){.has_max = true, .max = 0.1};
	mf_view_metric_text(text, sizeof text, &m, MF_CHECK_ABORT, &got);
	assert_string_equal(text, "errors 0.12, is to be within its abort bound, at most 0.1");
	got = (struct mf_measured){.end = MF_MEASURE_ERROR, .why = "connection refused"};
	mf_view_metric_text(text, sizeof text, &m, MF_CHECK_ERROR, &got);
	assert_string_equal(
	    text, "errors has no value: connection refused; it is to be at most 0.05");
	/* one word for a question that failed, whatever the metric is */
	m.rule = MF_RULE_SUCCESS_RATE;
	assert_int_equal(mf_view_check(&m, false, &got), MF_CHECK_ERROR);
	m.rule = MF_RULE_VALUE;
	assert_int_equal(mf_view_check(&m, true, &got), MF_CHECK_ERROR);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_running),
	    cmocka_unit_test(test_rollout),
	    cmocka_unit_test(test_fallbacks),
	    cmocka_unit_test(test_held),
	    cmocka_unit_test(test_measured),
	    cmocka_unit_test(test_bytes),
	    cmocka_unit_test(test_largest),
	    cmocka_unit_test(test_refused),
	    cmocka_unit_test(test_metric_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
