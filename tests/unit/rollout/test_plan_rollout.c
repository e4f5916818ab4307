/* Reading Rollout, AnalysisTemplate and ClusterAnalysisTemplate: what they become, and what is
 * refused where. */
#include "src/rollout/analysis.h"
#include "src/rollout/plan.h"
#include "src/rollout/rollout.h"
#include "tests/unit/rollout/trees.h"

#define SECOND ((uint64_t)1000000)
#define ROLLOUT                                                                                 \
	"apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nmetadata: {name: r, labels: {a.b/c: " \
	"l}}\n"
#define TEMPLATE(name)                                                                          \
	"---\napiVersion: argoproj.io/v1alpha1\nkind: AnalysisTemplate\nmetadata: {name: " name \
	"}\n"
#define PROM(query) "provider: {prometheus: {address: 'http://p:9090', query: '" query "'}}"

static struct mf_plan *
read_as(const char *text, enum mf_profile profile, bool lenient, struct mf_error *e)
{
	const struct mf_plan_params params = {
	    .profile = profile, .finish_is_default = true, .lenient = lenient};

	memset(e, 0, sizeof *e);
	return mf_plan_read("f", text, strlen(text), &params, NULL, e);
}

static struct mf_plan *
plan_of(const char *text, enum mf_profile profile)
{
	struct mf_error e;
	struct mf_plan *plan = read_as(text, profile, false, &e);

	if (plan == NULL)
		fail_msg("%s\ngave: %s", text, e.message);
	return plan;
}

static const char whole[] = ROLLOUT
    "spec:\n"
    "  replicas: 5\n"
    "  selector: {}\n"
    "  template: {}\n"
    "  progressDeadlineSeconds: 120\n"
    "  progressDeadlineAbort: true\n"
    "  rollbackWindow: {revisions: 3}\n"
    "  strategy:\n"
    "    canary:\n"
    "      canaryService: new\n"
    "      stableService: old\n"
    "      maxSurge: 25%\n"
    "      abortScaleDownDelaySeconds: 0\n"
    "      trafficRouting:\n"
    "        managedRoutes: [{name: h}, {name: m}]\n"
    "        istio: {virtualService: {name: v}}\n"
    "      analysis:\n"
    "        startingStep: 2\n"
    "        templates: [{templateName: outer}]\n"
    "        args:\n"
    "        - {name: host, valueFrom: {fieldRef: {fieldPath: \"metadata.labels['a.b/c']\"}}}\n"
    "        - {name: rev, valueFrom: {podTemplateHashValue: Latest}}\n"
    "        - {name: was, valueFrom: {podTemplateHashValue: Stable}}\n"
    "        - {name: nobody, value: 1}\n"
    "        dryRun: [{metricName: 'b.*'}]\n"
    "      steps:\n"
    "      - setWeight: 20\n"
    "      - pause: {duration: 1m30s}\n"
    "      - pause: {duration: \"30\"}\n"
    "      - pause: {duration: 10}\n"
    "      - pause: {}\n"
    "      - setCanaryScale: {weight: 40}\n"
    "      - setHeaderRoute: {name: h, match: [{headerName: x, headerValue: {prefix: v}}]}\n"
    "      - setMirrorRoute: {name: m, percentage: 35, match: [{method: {exact: GET}, "
    "headers: {via: {regex: z}}}]}\n"
    "      - setHeaderRoute: {name: h}\n"
    "      - analysis: {templates: [{templateName: one, clusterScope: true}]}\n"
    "      - setWeight: 80.0\n" TEMPLATE(
	"outer") "spec:\n"
		 "  args: [{name: host}, {name: rev}, {name: was}, {name: limit, value: 5}]\n"
		 "  templates: [{templateName: inner}, {templateName: inner}]\n"
		 "  metrics:\n"
		 "  - name: a\n"
		 "    interval: 1m\n"
		 "    initialDelay: 90s\n"
		 "    count: '10'\n"
		 "    failureLimit: 3\n"
		 "    consecutiveSuccessLimit: 4\n"
		 "    successCondition: 'len(result) == 0 || result[0] < {{ args.limit }}'\n"
		 "    provider:\n"
		 "      prometheus:\n"
		 "        address: http://p:9090\n"
		 "        timeout: 7\n"
		 "        headers: [{key: X-Scope, value: '{{args.host}}'}]\n"
		 "        query: sum(rate(e{h=\"{{args.host}}\",v=\"{{args.rev}}\"}[5m])) / "
		 "sum(rate(e{v=\"{{args.was}}\"}[1h30m]))\n" TEMPLATE(
		     "inner") "spec:\n"
			      "  metrics:\n"
			      "  - name: b\n"
			      "    interval: 30\n"
			      "    failureLimit: 1\n"
			      "    failureCondition: result.x > 1\n"
			      "    provider: {web: {url: 'https://w/', method: POST, jsonBody: {k: "
			      "[1]}, jsonPath: '{$.x}', "
			      "timeoutSeconds: 3}}\n"
			      "---\n"
			      "apiVersion: argoproj.io/v1alpha1\n"
			      "kind: ClusterAnalysisTemplate\n"
			      "metadata: {name: one}\n"
			      "spec:\n"
			      "  metrics:\n"
			      "  - {name: j, provider: {job: {spec: {template: {}}}}}\n";

static void
check_steps(const struct mf_rollout_plan *r)
{
	static const enum mf_rollout_step_kind kinds[] = {MF_ROLLOUT_SET_WEIGHT, MF_ROLLOUT_PAUSE,
	    MF_ROLLOUT_PAUSE, MF_ROLLOUT_PAUSE, MF_ROLLOUT_PAUSE, MF_ROLLOUT_SET_CANARY_SCALE,
	    MF_ROLLOUT_SET_HEADER_ROUTE, MF_ROLLOUT_SET_MIRROR_ROUTE, MF_ROLLOUT_SET_HEADER_ROUTE,
	    MF_ROLLOUT_ANALYSIS, MF_ROLLOUT_SET_WEIGHT};

	assert_int_equal(r->n_steps, ROWS(kinds));
	for (size_t i = 0; i < ROWS(kinds); i++)
		assert_int_equal(r->steps[i].kind, kinds[i]);
	assert_true(r->steps[1].pause_us == 90 * SECOND && !r->steps[1].forever);
	assert_true(r->steps[2].pause_us == 30 * SECOND && !r->steps[2].forever);
	assert_true(r->steps[3].pause_us == 10 * SECOND && !r->steps[3].forever);
	assert_true(r->steps[4].forever);
	assert_int_equal(r->steps[5].scale, MF_ROLLOUT_SCALE_WEIGHT);
	assert_int_equal(r->steps[5].scale_to, 40);
	assert_int_equal(r->steps[6].n_matches, 1);
	assert_int_equal(r->steps[6].matches[0].how, MF_ROLLOUT_MATCH_PREFIX);
	assert_int_equal(r->steps[7].n_matches, 2);
	assert_int_equal(r->steps[7].matches[0].on, MF_ROLLOUT_MATCH_METHOD);
	assert_true(r->steps[7].matches[0].more && !r->steps[7].matches[1].more);
	assert_string_equal(r->steps[7].matches[1].header, "via");
	assert_int_equal(r->steps[7].mirror_percent, 35);
	assert_int_equal(r->steps[8].n_matches, 0);
	assert_int_equal(r->steps[10].weight, 80);
	assert_int_equal(r->steps[10].place.line, 40);
	assert_string_equal(r->analyses[r->steps[9].analysis]->name, "one");
	assert_int_equal(mf_rollout_increment(r), 60);
}

static void
check_metrics(const struct mf_analysis_plan *a)
{
	const struct mf_analysis_metric *m = a->metrics;

	assert_int_equal(a->n_metrics, 2);
	assert_string_equal(m[0].name, "a");
	assert_int_equal(m[0].count, 10);
	assert_int_equal(m[0].failure_limit, 3);
	assert_int_equal(m[0].consecutive_error_limit, 4);
	assert_int_equal(m[0].consecutive_success_limit, 4);
	assert_true(m[0].interval_us == 60 * SECOND && m[0].initial_delay_us == 90 * SECOND);
	assert_true(m[0].window_us == 5400 * SECOND);
	assert_true(m[0].query.timeout_us == 7 * SECOND);
	assert_string_equal(m[0].query.headers[0].value, "l");
	assert_string_equal(m[0].query.query, "sum(rate(e{h=\"l\",v=\"{{args.rev}}\"}[5m])) / "
					      "sum(rate(e{v=\"{{args.was}}\"}[1h30m]))");
	assert_false(m[0].dry_run);
	assert_true(m[1].dry_run);
	assert_true(m[1].interval_us == 30 * SECOND);
	assert_int_equal(m[1].query.type, MF_PROVIDER_WEB);
	assert_string_equal(m[1].query.body, "{\"k\":[1]}");
	assert_string_equal(m[1].query.headers[0].value, "application/json");
	assert_string_equal(m[1].query.json_path, "{$.x}");
}

static void
whole_plan(void **state)
{
	struct mf_plan *plan = plan_of(whole, MF_PROFILE_ARGO);
	const struct mf_rollout_plan *r = plan->rollout;
	struct mf_metric_query q;
	struct mf_error e = {0};

	assert_int_equal(plan->kind, MF_PLAN_ROLLOUT);
	assert_int_equal(r->finish, MF_FINISH_COPY_BACK);
	assert_string_equal(r->router, "istio");
	assert_string_equal(r->canary_service, "new");
	assert_true(r->progress_deadline_us == 120 * SECOND && r->progress_deadline_abort);
	assert_false(r->abort_scale_down);
	assert_true(r->scale_down_delay_us == 30 * SECOND);
	assert_int_equal(r->rollback_window, 3);
	assert_int_equal(r->starting_step, 2);
	check_steps(r);
	check_metrics(r->analyses[r->background]);
	/* the argument that no template has */
	assert_int_equal(plan->n_warnings, 1);
	assert_string_equal(plan->warnings[0].field, "spec.strategy.canary.analysis.args[3]");
	assert_int_equal(plan->warnings[0].place.line, 27);
	/* what the run knows */
	assert_int_equal(
	    mf_analysis_query(r->analyses[r->background], 0, "v2", "v1", *state, &q, &e), 0);
	assert_string_equal(
	    q.query, "sum(rate(e{h=\"l\",v=\"v2\"}[5m])) / sum(rate(e{v=\"v1\"}[1h30m]))");
	assert_int_equal(
	    mf_analysis_query(r->analyses[r->background], 0, "v2", "", *state, &q, &e), -1);
	assert_int_equal(e.code, MF_EUSAGE);
	mf_plan_free(plan);
}

static void
blue_green(void **state)
{
	struct mf_plan *plan = plan_of(ROLLOUT
	    "spec:\n  strategy:\n    blueGreen: {activeService: a, previewService: p, "
	    "autoPromotionEnabled: false, autoPromotionSeconds: 40, scaleDownDelaySeconds: 9}\n",
	    MF_PROFILE_MIGRATION);
	const struct mf_rollout_plan *r = plan->rollout;

	(void)state;
	assert_int_equal(r->strategy, MF_ROLLOUT_BLUE_GREEN);
	assert_int_equal(r->profile, MF_PROFILE_MIGRATION);
	assert_int_equal(r->finish, MF_FINISH_STAY);
	assert_false(r->auto_promotion);
	assert_true(r->auto_promotion_us == 40 * SECOND);
	assert_true(r->scale_down_delay_us == 9 * SECOND);
	assert_true(r->abort_scale_down && r->abort_scale_down_delay_us == 30 * SECOND);
	assert_int_equal(r->pre_promotion, MF_ROLLOUT_NO_ANALYSIS);
	mf_plan_free(plan);
}

static void
predicates(void **state)
{
	static const char text[] = TEMPLATE(
	    "t") "spec:\n  metrics:\n"
		 "  - {name: a, " PROM(
		     "sum(x) by (y) < 5") "}\n"
					  "  - {name: b, " PROM(
					      "x < bool 5") "}\n"
							    "  - {name: c, " PROM(
								"0.9 < x{a=\"[9m]\"}[2m:10s]") "}"
											       "\n";
	struct mf_plan *plan = plan_of(text, MF_PROFILE_MIGRATION);
	const struct mf_analysis_metric *m = plan->analysis->metrics;

	(void)state;
	assert_true(m[0].predicate && !m[1].predicate && m[2].predicate);
	assert_string_equal(m[0].left_query, "sum(x) by (y)");
	assert_string_equal(m[2].left_query, "x{a=\"[9m]\"}[2m:10s]");
	assert_true(m[2].window_us == 120 * SECOND);
	mf_plan_free(plan);
}

#define STEPS(steps)                                                                         \
	ROLLOUT "spec:\n  strategy:\n    canary:\n      trafficRouting: {nginx: {}}\n      " \
		"steps:\n" steps
#define METRIC(metric) TEMPLATE("t") "spec:\n  metrics:\n  - " metric "\n"

static const struct refusal {
	const char *text, *message;
} refusals[] = {
    {ROLLOUT "spec: {}\n", "f:4: spec: either strategy.canary or strategy.blueGreen is wanted"},
    {ROLLOUT "spec: {strategy: {canary: {}, blueGreen: {activeService: a}}}\n",
	"f:4: spec.strategy: either"},
    {ROLLOUT "spec: {strategy: {canary: {trafficRouting: {}}}}\n",
	"f:4: spec.strategy.canary.trafficRouting: it names no router"},
    {ROLLOUT "spec: {strategy: {canary: {trafficRouting: {nginx: {}, maxTrafficWeight: 1000}}}}\n",
	"f:4: spec.strategy.canary.trafficRouting.maxTrafficWeight: only 100"},
    {ROLLOUT "spec: {strategy: {canary: {pingPong: {}}}}\n",
	"f:4: spec.strategy.canary.pingPong: pingPong is not supported"},
    {ROLLOUT "spec: {strategy: {blueGreen: {}}}\n",
	"f:4: spec.strategy.blueGreen.activeService: is missing"},
    {ROLLOUT "spec: {strategy: {blueGreen: {activeService: a, previewService: a}}}\n",
	"f:4: spec.strategy.blueGreen.previewService: activeService and previewService"},
    {STEPS("      - setWeight: 101\n"), "f:9: spec.strategy.canary.steps[0].setWeight: a weight"},
    {STEPS("      - setWeight: 1.5\n"), "f:9: spec.strategy.canary.steps[0].setWeight: a weight"},
    {STEPS("      - {}\n"), "f:9: spec.strategy.canary.steps[0]: a step is one of"},
    {STEPS("      - {setWeight: 1, pause: {}}\n"), "f:9: spec.strategy.canary.steps[0]: a step"},
    {STEPS("      - experiment: {}\n"),
	"f:9: spec.strategy.canary.steps[0].experiment: a step of the kind experiment is not"},
    {STEPS("      - plugin: {name: a/b}\n"),
	"f:9: spec.strategy.canary.steps[0].plugin: a step of the kind plugin is not"},
    {STEPS("      - pause: {duration: soon}\n"),
	"f:9: spec.strategy.canary.steps[0].pause.duration: "},
    {STEPS("      - pause: {duration: -5}\n"),
	"f:9: spec.strategy.canary.steps[0].pause.duration: -5 is not within"},
    {STEPS("      - setHeaderRoute: {name: h}\n"),
	"f:9: spec.strategy.canary.steps[0].setHeaderRoute: trafficRouting.managedRoutes has no h"},
    {STEPS("      - setCanaryScale: {}\n"),
	"f:9: spec.strategy.canary.steps[0].setCanaryScale: one of"},
    {STEPS("      - analysis: {}\n"),
	"f:9: spec.strategy.canary.steps[0].analysis.templates: a list"},
    {STEPS("      - analysis: {templates: [{templateName: gone}]}\n"),
	"f:9: spec.strategy.canary.steps[0].analysis.templates[0]: the file has no "
	"AnalysisTemplate gone"},
    {STEPS("      - analysis: {templates: [{templateName: t}]}\n")
	    METRIC("{name: a, interval: 1m, " PROM("x") "}"),
	"f:9: spec.strategy.canary.steps[0].analysis: the metric a of line 16 has neither"},
    {STEPS("      - analysis: {templates: [{templateName: t}]}\n")
	    TEMPLATE("t") "spec:\n  args: [{name: x}]\n  metrics: [{name: a, " PROM("x") "}]\n",
	"f:15: spec.args[0]: x has no value: the rollout would not advance"},
    {METRIC("{name: a}"), "f:7: spec.metrics[0]: a metric needs one provider, not 0"},
    {METRIC("{name: a, provider: {datadog: {}}}"),
	"f:7: spec.metrics[0].provider.datadog: the provider datadog is not supported"},
    {METRIC("{" PROM("x") "}"), "f:7: spec.metrics[0].name: is missing"},
    {METRIC("{name: a, count: 3, " PROM("x") "}"),
	"f:7: spec.metrics[0].count: more than one measurement needs an interval"},
    {METRIC("{name: a, interval: 1m, count: 2, failureLimit: 3, " PROM("x") "}"),
	"f:7: spec.metrics[0].count: count is less than failureLimit"},
    {METRIC("{name: a, interval: 1m, count: 4, failureLimit: 3, consecutiveSuccessLimit: 2, " PROM(
	 "x") "}"),
	"f:7: spec.metrics[0].count: count is less than failureLimit and "
	"consecutiveSuccessLimit"},
    {METRIC("{name: a, failureLimit: -1, " PROM("x") "}"),
	"f:7: spec.metrics[0].failureLimit: failureLimit and consecutiveSuccessLimit are both"},
    {METRIC("{name: a, inconclusiveLimit: -1, " PROM("x") "}"),
	"f:7: spec.metrics[0].inconclusiveLimit: a limit is not negative"},
    {METRIC("{name: a, successCondition: 'result[0] <', " PROM("x") "}"),
	"f:7: spec.metrics[0].successCondition: column"},
    {METRIC("{name: a, " PROM("x{{args.gone}}") "}"), "f:7: spec.metrics[0]"},
    {METRIC("{name: a, provider: {prometheus: {query: x}}}"),
	"f:7: spec.metrics[0].provider.prometheus.address: is missing"},
    {METRIC("{name: a, provider: {prometheus: {address: 'http://p', query: x, authentication: "
	    "{basicAuth: {}}}}}"),
	"f:7: spec.metrics[0].provider.prometheus.authentication.basicAuth: authentication of an "
	"AnalysisTemplate"},
    {METRIC("{name: a, provider: {prometheus: {address: 'http://p', query: x, rangeQuery: {start: "
	    "'now()', end: 'now()', step: 1m}}}}"),
	"f:7: spec.metrics[0].provider.prometheus.rangeQuery: its start is not before"},
    {METRIC("{name: a, provider: {prometheus: {address: 'http://p', query: x, rangeQuery: {start: "
	    "yesterday, end: 'now()', step: 1m}}}}"),
	"f:7: spec.metrics[0].provider.prometheus.rangeQuery.start: only now()"},
    {METRIC("{name: a, provider: {web: {url: 'http://w', body: x}}}"),
	"f:7: spec.metrics[0].provider.web: a GET has no body"},
    {METRIC("{name: a, provider: {web: {url: 'http://w', jsonPath: '{range'}}}"),
	"f:7: spec.metrics[0].provider.web.jsonPath: "},
    {METRIC("{name: a, provider: {job: {}}}"),
	"f:7: spec.metrics[0].provider.job.spec: is missing"},
    {METRIC("{name: a, " PROM("x") "}\n  - {name: a, " PROM("y") "}"),
	"f:8: spec.metrics[1]: a metric of line 7 is a, too"},
    {METRIC("{name: a, " PROM("x") "}\n  dryRun: [{metricName: b}]"),
	"f:8: spec.dryRun[0]: no metric has a name like this"},
    {TEMPLATE("t") "spec: {metrics: []}\n", "f:2: there is no metric in it"},
    {TEMPLATE("t") "spec:\n  args: [{name: s, valueFrom: {secretKeyRef: {name: k, key: v}}}]\n  "
		   "metrics: "
		   "[{name: a, " PROM("x") "}]\n",
	"f:6: spec.args[0].valueFrom.secretKeyRef: a secret has no place in a query"},
    {STEPS("      - setWeight: 5\n      analysis: {startingStep: 1, templates: [{templateName: "
	   "t}]}\n") METRIC("{name: a, interval: 1m, " PROM("x") "}"),
	"f:10: spec.strategy.canary.analysis.startingStep: there are 1 steps"},
};

static void
refused(void **state)
{
	struct mf_error e;
	struct mf_plan *plan;

	(void)state;
	for (size_t i = 0; i < ROWS(refusals); i++) {
		plan = read_as(refusals[i].text, MF_PROFILE_ARGO, false, &e);
		if (plan != NULL)
			fail_msg("%s\nwas taken, not: %s", refusals[i].text, refusals[i].message);
		if (strncmp(e.message, refusals[i].message, strlen(refusals[i].message)) != 0)
			fail_msg("%s\ngave: %s\nnot:  %s", refusals[i].text, e.message,
			    refusals[i].message);
	}
}

/* With finish: stay nothing moves at once that nobody wrote. */
static void
no_leap(void **state)
{
	static const char text[] = STEPS("      - pause: {}\n");
	struct mf_error e;

	(void)state;
	mf_plan_free(plan_of(text, MF_PROFILE_ARGO));
	assert_null(read_as(text, MF_PROFILE_MIGRATION, false, &e));
	assert_non_null(strstr(e.message, "all traffic would move at once"));
}

#define BY_ROLLOUT(beside)                                                                         \
	"apiVersion: modelferry.dev/v1alpha1\nkind: Migration\nmetadata: {name: m}\nspec:\n"       \
	"  model: {name: m, version: v}\n  source: {dir: /a, serves: unchecked}\n"                 \
	"  destination: {dir: /b, serves: unchecked}\n  rollback: {verifyFor: 2m}\n"               \
	"  router: {exec: {command: [/bin/true]}}\n  analysis: {rolloutRef: {name: r}" beside      \
	"}\n---\n" ROLLOUT "spec: {strategy: {canary: {steps: [{setWeight: 50}], analysis: "       \
	"{templates: [{templateName: t}], args: [{name: side, value: new}, {name: hash, "          \
	"valueFrom: {podTemplateHashValue: Latest}}]}}}}\n" TEMPLATE(                              \
	    "t") "spec: {args: [{name: side}, {name: hash}], metrics: [{name: a, interval: "       \
		 "1m, " PROM("x{s=\"{{args.side}}\"} > 1") "}, {name: b, interval: 1m, " PROM("y{" \
											      "v=" \
											      "\"" \
											      "{{" \
											      "ar" \
											      "gs" \
											      ".h" \
											      "as" \
											      "h}" \
											      "}"  \
											      "\"" \
											      "}") "}, {name: c, interval: 1m, " PROM("z") "}]}\n"

/* The same questions of the primary, where arguments tell the sides apart. */
static void
of_the_primary(void **state)
{
	struct mf_plan *plan = plan_of(BY_ROLLOUT(", primaryArgs: {side: old}"), MF_PROFILE_ARGO);
	const struct mf_analysis_plan *a = plan->rollout->analyses[0];
	struct mf_metric_query q;
	char out[MF_PLAN_WAY_BACK_BYTES];
	struct mf_error e;

	(void)state;
	assert_int_equal(plan->rollout->back.verify_for_us, 120 * SECOND);
	assert_true(a->metrics[0].has_primary_query);
	assert_true(a->metrics[1].has_primary_query);
	assert_false(a->metrics[2].has_primary_query); /* it asks the same of both */
	assert_int_equal(mf_plan_way_back(plan, out), MF_PLAN_WAY_BACK_SEEN);
	assert_string_equal(out, "a, b");
	assert_int_equal(mf_analysis_query(a, MF_ANALYSIS_INDEX_PRIMARY | MF_ANALYSIS_INDEX_LEFT,
			     "v2", "v1", plan->region, &q, &e),
	    0);
	assert_string_equal(q.query, "x{s=\"old\"}");
	assert_int_equal(
	    mf_analysis_query(a, 1 | MF_ANALYSIS_INDEX_PRIMARY, "v2", "v1", plan->region, &q, &e),
	    0);
	assert_string_equal(q.query, "y{v=\"v1\"}");
	mf_plan_free(plan);
	assert_null(
	    read_as(BY_ROLLOUT(", primaryArgs: {colour: red}"), MF_PROFILE_ARGO, false, &e));
	assert_non_null(strstr(e.message, "no analysis of the Rollout has the argument colour"));
}

/* What simulate may have: templates that are not there, and specifications that are bad. */
static void
lenient(void **state)
{
	struct mf_error e;
	struct mf_plan *plan =
	    read_as(STEPS("      - analysis: {templates: [{templateName: gone}]}\n"),
		MF_PROFILE_ARGO, true, &e);

	(void)state;
	assert_non_null(plan);
	assert_true(plan->rollout->analyses[0]->is_given);
	mf_plan_free(plan);
	plan = read_as(METRIC("{name: a, count: 3, " PROM("x") "}"), MF_PROFILE_ARGO, true, &e);
	assert_non_null(plan);
	assert_true(plan->analysis->is_bad);
	mf_plan_free(plan);
	assert_null(
	    read_as(METRIC("{name: a, count: 3, " PROM("x") "}"), MF_PROFILE_MIGRATION, true, &e));
}

static void
warnings(void **state)
{
	static const char text[] =
	    METRIC("{name: a, failureCondition: 'result[0] > 5', colour: red, " PROM("x > 5") "}");
	struct mf_plan *plan = plan_of(text, MF_PROFILE_ARGO);

	(void)state;
	assert_int_equal(plan->n_warnings, 3);
	assert_string_equal(plan->warnings[0].field, "spec.metrics[0].colour");
	assert_string_equal(plan->warnings[1].field, "spec.metrics[0].provider.prometheus.query");
	assert_non_null(strstr(plan->warnings[1].text, "compares without `bool`"));
	assert_string_equal(plan->warnings[2].field, "spec.metrics[0].failureCondition");
	assert_int_equal(plan->warnings[2].place.line, 7);
	mf_plan_free(plan);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    trees_test(whole_plan),
	    trees_test(blue_green),
	    trees_test(predicates),
	    trees_test(of_the_primary),
	    trees_test(refused),
	    trees_test(no_leap),
	    trees_test(lenient),
	    trees_test(warnings),
	};

	return cmocka_run_group_tests_name("reading Rollouts", tests, NULL, NULL);
}
