/* Plans that are accepted as they stand, and what becomes of them. */
#include "tests/unit/rollout/trees.h"

#include "src/rollout/plan.h"
#include "src/rollout/rollout_plan.h"

#define SECOND ((uint64_t)1000000)
#define MINUTE (60 * SECOND)

static const char canary_text[] =
    "apiVersion: flagger.app/v1beta1\nkind: MetricTemplate\n"
    "metadata: {name: model-accuracy, namespace: ml}\nspec:\n"
    "  provider: {type: prometheus, address: 'http://prometheus:9090'}\n"
    "  query: 'avg(avg_over_time(model_accuracy{app=\"{{ target }}\"}[{{ interval }}]))'\n"
    "---\n"
    "apiVersion: flagger.app/v1beta1\nkind: Canary\n"
    "metadata: {name: churn, namespace: ml, labels: {team: a}}\nspec:\n"
    "  provider: istio\n  targetRef: {apiVersion: apps/v1, kind: Deployment, name: churn}\n"
    "  service: {port: 8080, gateways: [mesh]}\n"
    "  analysis:\n    interval: 1m\n    threshold: 5\n    maxWeight: 100\n    stepWeight: 10\n"
    "    metrics:\n"
    "    - name: model-accuracy\n      templateRef: {name: model-accuracy}\n"
    "      thresholdRange: {min: 90}\n      interval: 5m\n"
    "    - name: request-success-rate\n      thresholdRange: {min: 99}\n      interval: 1m\n"
    "    - name: request-duration\n      thresholdRange: {max: 500}\n      interval: 30s\n";

static struct mf_plan *
read_with(const char *text, const struct mf_plan_params *p, struct mf_error *e)
{
	return mf_plan_read("plan.yaml", text, strlen(text), p, NULL, e);
}

static struct mf_plan *
read_as(const char *text, enum mf_profile profile)
{
	const struct mf_plan_params p = {.profile = profile, .finish_is_default = true};
	struct mf_error e = {0};
	struct mf_plan *plan = read_with(text, &p, &e);

	if (plan == NULL)
		fail_msg("%s", e.message);
	return plan;
}

static void
refused(const char *text, const char *message)
{
	const struct mf_plan_params p = {
	    .profile = MF_PROFILE_MIGRATION, .finish_is_default = true};
	struct mf_error e = {0};

	assert_null(read_with(text, &p, &e));
	assert_int_equal(e.code, MF_EUSAGE);
	assert_string_equal(e.message, message);
}

/* The key of what hooks are asked about: of the plan and of what it carries, and of nothing else.
 */
static void
a_checksum(void **state)
{
	struct mf_plan *plan = read_as(canary_text, MF_PROFILE_FLAGGER);
	struct mf_plan *again = read_as(canary_text, MF_PROFILE_MIGRATION);
	char first[MF_PLAN_CHECKSUM_BYTES], other[MF_PLAN_CHECKSUM_BYTES];

	(void)state;
	mf_plan_checksum(plan, "v2", first);
	assert_int_equal(strlen(first), MF_PLAN_CHECKSUM_BYTES - 1);
	mf_plan_checksum(again, "v2", other);
	assert_string_equal(first, other);
	mf_plan_checksum(plan, "v3", other);
	assert_string_not_equal(first, other);
	again->digest = "00";
	mf_plan_checksum(again, "v2", other);
	assert_string_not_equal(first, other);
	mf_plan_free(again);
	mf_plan_free(plan);
}

static void
a_canary(void **state)
{
	struct mf_plan *plan = read_as(canary_text, MF_PROFILE_FLAGGER);
	const struct mf_canary_plan *c = plan->canary;

	(void)state;
	assert_int_equal(plan->kind, MF_PLAN_CANARY);
	assert_int_equal(plan->finish, MF_FINISH_COPY_BACK);
	assert_int_equal(plan->n_warnings, 0);
	assert_int_equal(strlen(plan->digest), 64);
	assert_string_equal(c->name, "churn");
	assert_string_equal(c->namespace_name, "ml");
	assert_int_equal(c->strategy, MF_STRATEGY_WEIGHTED);
	assert_int_equal(c->interval_us, MINUTE);
	assert_int_equal(c->threshold, 5);
	assert_int_equal(c->max_weight, 100);
	assert_int_equal(c->step_weight, 10);
	assert_int_equal(c->primary_ready_threshold, 100);
	assert_int_equal(c->progress_deadline_us, 600 * SECOND);
	assert_int_equal(c->settle_us, 0);
	/* built-in ones first, templates last */
	assert_int_equal(c->n_metrics, 3);
	assert_string_equal(c->metrics[0].name, "request-success-rate");
	assert_int_equal(c->metrics[0].rule, MF_RULE_SUCCESS_RATE);
	assert_true(c->metrics[0].range.has_min && c->metrics[0].range.min == 99);
	assert_non_null(strstr(c->metrics[0].query.query, "destination_workload=\"churn\""));
	assert_null(c->metrics[0].query.count_query);
	assert_int_equal(c->metrics[1].rule, MF_RULE_DURATION);
	assert_int_equal(c->metrics[1].window_us, 30 * SECOND);
	assert_string_equal(c->metrics[2].name, "model-accuracy");
	assert_string_equal(
	    c->metrics[2].query.query, "avg(avg_over_time(model_accuracy{app=\"churn\"}[5m]))");
	assert_string_equal(c->metrics[2].query.address, "http://prometheus:9090");
	assert_int_equal(c->metrics[2].place.line, 21);
	mf_plan_free(plan);
}

/* The same file, as `migrate` reads it. */
static void
a_canary_that_migrates(void **state)
{
	struct mf_plan *plan = read_as(canary_text, MF_PROFILE_MIGRATION);
	const struct mf_canary_metric *m = &plan->canary->metrics[0];

	(void)state;
	assert_int_equal(plan->finish, MF_FINISH_STAY);
	assert_int_equal(plan->canary->settle_us, 30 * SECOND);
	assert_int_equal(m->on_no_data, MF_NO_DATA_FAIL);
	assert_non_null(m->query.count_query);
	assert_true(m->has_primary_query);
	assert_non_null(strstr(m->primary_query.query, "churn-primary"));
	mf_plan_free(plan);
}

static const char rollout_text[] =
    "apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nmetadata: {name: churn}\nspec:\n"
    "  replicas: 4\n  selector: {matchLabels: {app: churn}}\n"
    "  template: {metadata: {labels: {app: churn}}, spec: {containers: []}}\n"
    "  strategy:\n    canary:\n      canaryService: c\n      stableService: s\n"
    "      trafficRouting: {istio: {virtualService: {name: churn}}}\n"
    "      steps:\n"
    "      - setWeight: 20\n      - pause: {duration: 10m}\n"
    "      - setWeight: 40\n      - pause: {duration: 10m}\n"
    "      - setWeight: 60\n      - pause: {duration: 10m}\n"
    "      - setWeight: 80\n      - pause: {duration: 10m}\n"
    "      analysis:\n        templates: [{templateName: accuracy}]\n"
    "        args: [{name: model-version, value: v7}]\n"
    "---\n"
    "apiVersion: argoproj.io/v1alpha1\nkind: AnalysisTemplate\nmetadata: {name: accuracy}\nspec:\n"
    "  args: [{name: model-version}]\n"
    "  metrics:\n  - name: accuracy\n    interval: 5m\n    count: 10\n    failureLimit: 3\n"
    "    successCondition: result == true\n"
    "    provider:\n      prometheus:\n        address: http://prometheus:9090\n"
    "        query: avg(model_accuracy{version=\"{{ args.model-version }}\"}) > 0.9\n";

static void
a_rollout(void **state)
{
	struct mf_plan *plan = read_as(rollout_text, MF_PROFILE_MIGRATION);
	const struct mf_rollout_plan *r = plan->rollout;
	const struct mf_analysis_metric *m;
	size_t i;

	(void)state;
	assert_int_equal(plan->kind, MF_PLAN_ROLLOUT);
	assert_int_equal(r->n_steps, 8);
	for (i = 0; i < 4; i++) {
		assert_int_equal(r->steps[2 * i].kind, MF_ROLLOUT_SET_WEIGHT);
		assert_int_equal(r->steps[2 * i].weight, 20 * (i + 1));
		assert_int_equal(r->steps[2 * i + 1].kind, MF_ROLLOUT_PAUSE);
		assert_int_equal(r->steps[2 * i + 1].pause_us, 10 * MINUTE);
	}
	assert_int_equal(r->n_analyses, 1);
	m = &r->analyses[0]->metrics[0];
	assert_int_equal(m->failure_limit, 3);
	assert_int_equal(m->count, 10);
	assert_int_equal(m->interval_us, 5 * MINUTE);
	assert_string_equal(m->query.query, "avg(model_accuracy{version=\"v7\"}) > 0.9");
	mf_plan_free(plan);
}

static void
a_blue_green_rollout(void **state)
{
	struct mf_plan *plan =
	    read_as("apiVersion: argoproj.io/v1alpha1\nkind: Rollout\n"
		    "metadata: {name: churn}\nspec:\n"
		    "  selector: {matchLabels: {app: churn}}\n"
		    "  template: {spec: {containers: []}}\n"
		    "  strategy:\n    blueGreen:\n      activeService: a\n"
		    "      previewService: p\n      autoPromotionEnabled: false\n",
		MF_PROFILE_MIGRATION);

	(void)state;
	assert_int_equal(plan->rollout->strategy, MF_ROLLOUT_BLUE_GREEN);
	assert_false(plan->rollout->auto_promotion);
	assert_string_equal(plan->rollout->canary_service, "p");
	assert_string_equal(plan->rollout->stable_service, "a");
	mf_plan_free(plan);
}

#define MIGRATION                                                                 \
	"apiVersion: modelferry.dev/v1alpha1\nkind: Migration\nmetadata: {name: " \
	"churn-eu}\nspec:\n"                                                      \
	"  model: {name: churn, version: 1.10}\n"                                 \
	"  destination:\n    dir: /srv/eu\n    link: current\n"                   \
	"    servers: ['http://10.1.0.1:8080']\n    reload: {preset: triton}\n"   \
	"    serves: {url: '{server}/version', jsonPath: '{.version}'}\n"         \
	"  router:\n    haproxy:\n      sockets: ['unix:/run/haproxy.sock']\n"    \
	"      primary: [m/us]\n      canary: [m/eu]\n"

static const char migration_text[] =
    MIGRATION "  analysis:\n    interval: 30s\n    threshold: 3\n    stepWeights: [5, 50, 100]\n"
	      "    address: http://prometheus:9090\n    metrics:\n"
	      "    - {name: request-success-rate, thresholdRange: {min: 99}, minSamples: 50}\n"
	      "    - {name: ttft, query: 'avg(x{side=\"eu\"}) > 0.9', thresholdRange: {min: 1}}\n"
	      "    - {name: far, drift: {test: psi, current: a, referenceFile: /b}, "
	      "thresholdRange: {max: 1}}\n"
	      "  gates: [{name: ok, type: confirm-promotion, url: 'http://gate/'}]\n"
	      "  hooks: [{name: m, type: mlflow, url: 'http://mlflow'}]\n"
	      "  bake: {duration: 30m, maxFailed: 2, by: daemon}\n"
	      "  source: {dir: /srv/us, link: current, serves: unchecked}\n"
	      "  rollback: {stepWeight: 25}\n  fallback:\n  - previous\n  - {version: v5}\n"
	      "  - {model: lite, link: l, serves: unchecked, metrics: [{name: a, query: up, "
	      "address: 'http://p', thresholdRange: {min: 1}}]}\n"
	      "  windows: [Sat 22:00-02:00, Sun-Mon 20:00-24:00]\n"
	      "  freeze: [{from: 2026-12-20, to: 2026-12-27T12:00:00Z}]\n";

static void
a_migration(void **state)
{
	struct mf_plan *plan = read_as(migration_text, MF_PROFILE_FLAGGER);
	const struct mf_migration_plan *m = plan->migration;
	const struct mf_canary_plan *c = plan->canary;

	(void)state;
	assert_int_equal(plan->profile, MF_PROFILE_MIGRATION); /* whatever was asked for */
	assert_int_equal(plan->finish, MF_FINISH_STAY);
	assert_string_equal(m->version, "1.10"); /* as it is written */
	assert_string_equal(m->production_ref, "production");
	assert_string_equal(
	    m->destination.reload.url, "{server}/v2/repository/models/{model}/load");
	assert_string_equal(m->destination.serves.call.url, "{server}/version");
	assert_true(m->source.serves.unchecked);
	assert_int_equal(m->router.type, MF_ROUTER_HAPROXY);
	assert_int_equal(m->router.drain_timeout_us, MINUTE);
	assert_int_equal(m->rollback.keep_us, 7 * 24 * 60 * MINUTE);
	assert_int_equal(m->rollback.n_fallbacks, 3);
	assert_string_equal(m->rollback.fallbacks[1].version, "v5");
	assert_int_equal(m->max_unattended_us, 10 * MINUTE);
	/* Saturday night into Sunday; Sunday until the week ends; Monday */
	assert_int_equal(m->n_windows, 3);
	assert_int_equal(m->windows[0].from_minute, 5 * 1440 + 22 * 60);
	assert_int_equal(m->windows[0].to_minute, 6 * 1440 + 2 * 60);
	assert_int_equal(m->windows[1].to_minute, 7 * 1440);
	assert_int_equal(m->windows[2].from_minute, 20 * 60);
	assert_int_equal(m->freezes[0].to_unix_s - m->freezes[0].from_unix_s, 7 * 86400 + 43200);
	assert_true(c->clamp_to_max_weight);
	assert_int_equal(c->max_weight, 100);
	assert_int_equal(mf_canary_hold_max_us(c), 300 * SECOND);
	assert_int_equal(c->bake.interval_us, 30 * SECOND);
	assert_int_equal(c->bake.window_us, 300 * SECOND);
	assert_true(c->bake.by_daemon);
	assert_int_equal(c->back.step_weight, 25);
	assert_int_equal(c->back.n_fallbacks, 3);
	assert_int_equal(c->back.own[1].n, 0);
	assert_int_equal(c->back.own[2].n, 1);
	assert_string_equal(c->back.own[2].metrics[0].name, "a");
	assert_int_equal(c->n_hooks, 2);
	assert_int_equal(c->hooks[0].type, MF_HOOK_CONFIRM_PROMOTION);
	assert_int_equal(c->hooks[1].type, MF_HOOK_MLFLOW);
	mf_plan_free(plan);
}

static void
the_metrics_of_a_migration(void **state)
{
	struct mf_plan *plan = read_as(migration_text, MF_PROFILE_MIGRATION);
	const struct mf_canary_metric *m = plan->canary->metrics;

	(void)state;
	assert_int_equal(plan->canary->n_metrics, 3);
	assert_int_equal(m[0].on_no_data, MF_NO_DATA_HOLD);
	assert_int_equal(m[0].query.min_samples, 50);
	assert_non_null(strstr(m[0].query.query, "server=~\"eu\""));
	assert_non_null(strstr(m[0].primary_query.query, "server=~\"us\""));
	assert_string_equal(m[1].query.left_query, "avg(x{side=\"eu\"})");
	assert_int_equal(m[2].query.type, MF_PROVIDER_DRIFT);
	assert_true(m[2].alert_only); /* a stored reference moves away from both sides */
	mf_plan_free(plan);
}

#define WAY_BACK(metric, rollback)                                                           \
	"apiVersion: modelferry.dev/v1alpha1\nkind: Migration\nmetadata: {name: m}\nspec:\n" \
	"  model: {name: m, version: v}\n  source: {dir: /a, serves: unchecked}\n"           \
	"  destination: {dir: /b, serves: unchecked}\n"                                      \
	"  router: {exec: {command: [/bin/true]}}\n"                                         \
	"  analysis: {stepWeight: 50, address: 'http://p', metrics: [{name: a, "             \
	"thresholdRange: {min: 1}, " metric "}]}\n" rollback

/* Which plan can say how the primary is, when traffic is there again? */
static void
ways_back(void **state)
{
	static const struct {
		const char *text;
		enum mf_plan_way_back way;
		const char *out, *field; /* of the warning */
	} rows[] = {
	    {WAY_BACK("query: up, primaryQuery: down", ""), MF_PLAN_WAY_BACK_SEEN, "a", NULL},
	    {WAY_BACK("query: up", ""), MF_PLAN_WAY_BACK_BLIND,
		"no metric measures the primary (a), so that a way back cannot be verified and "
		"ends with status 9: add primaryQuery beside a query, or primaryLabels beside a "
		"preset; verifyFor: 0 says that nobody is to look",
		"spec.analysis.metrics"},
	    {WAY_BACK("web: {url: 'http://w'}", "  rollback: {verifyFor: 1m}\n"),
		MF_PLAN_WAY_BACK_BLIND, NULL, "spec.rollback.verifyFor"},
	    {WAY_BACK("query: up", "  rollback: {verifyFor: 0s}\n"), MF_PLAN_WAY_BACK_NONE, "",
		NULL},
	};
	char out[MF_PLAN_WAY_BACK_BYTES];
	struct mf_plan *plan;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		plan = read_as(rows[i].text, MF_PROFILE_MIGRATION);
		assert_int_equal(mf_plan_way_back(plan, out), rows[i].way);
		if (rows[i].out != NULL)
			assert_string_equal(out, rows[i].out);
		/* beside that of two sites that nobody asks what they serve */
		assert_int_equal(plan->n_warnings, 2 + (rows[i].field != NULL));
		if (rows[i].field != NULL) {
			assert_string_equal(plan->warnings[2].field, rows[i].field);
			assert_string_equal(plan->warnings[2].text, out);
		}
		mf_plan_free(plan);
	}
}

#define SERIES_CANARY                                                                       \
	"apiVersion: flagger.app/v1beta1\nkind: Canary\nmetadata: {name: churn}\nspec:\n%s" \
	"  targetRef: {kind: Deployment, name: churn}\n  service: {port: 80}\n"             \
	"  analysis: {interval: 1m, threshold: 2, iterations: 3, metrics: [\n"              \
	"    {name: request-success-rate, thresholdRange: {min: 99}}]}\n"
#define SERIES_MIGRATION                                                                         \
	"apiVersion: modelferry.dev/v1alpha1\nkind: Migration\nmetadata: {name: churn}\nspec:\n" \
	"  model: {name: churn, version: v7}\n  destination: {dir: /srv, serves: unchecked}\n"   \
	"  source: {dir: /old, serves: unchecked}\n"                                             \
	"  router: %s\n  analysis: {canaryRef: {name: churn}%s}\n  rollback: {verifyFor: 0}\n"
#define HAPROXY_ROUTER "{haproxy: {sockets: ['unix:/s'], primary: [m/a], canary: [m/b]}}"
#define FILE_ROUTER "{file: {template: t, output: o, reload: [r]}}"

static void
a_migration_by_a_canary(void **state)
{
	char text[sizeof migration_text + sizeof canary_text + 16];
	struct mf_plan *plan;

	(void)state;
	snprintf(text, sizeof text, "%s---\n%s", canary_text,
	    MIGRATION "  analysis: {canaryRef: {name: churn}, maxHold: 7m, onHoldEnd: alert}\n");
	plan = read_as(text, MF_PROFILE_MIGRATION);
	assert_int_equal(plan->kind, MF_PLAN_MIGRATION);
	assert_string_equal(plan->canary->name, "churn");
	assert_int_equal(plan->canary->step_weight, 10);
	assert_int_equal(plan->canary->n_metrics, 3);
	assert_int_equal(plan->canary->settle_us, 30 * SECOND);
	assert_int_equal(plan->canary->max_hold_us, 7 * MINUTE);
	assert_int_equal(plan->canary->hold_end, MF_HOLD_ALERT);
	/* who moves the traffic is the Migration's, whoever the Canary was written for */
	assert_string_equal(plan->canary->provider, "");
	assert_non_null(strstr(plan->canary->metrics[0].query.query, "destination_workload"));
	assert_int_equal(plan->n_warnings, 1);
	assert_string_equal(plan->warnings[0].field, "spec.provider");
	assert_non_null(strstr(plan->warnings[0].text, "write analysis.provider: haproxy"));
	mf_plan_free(plan);
	snprintf(text, sizeof text, "%s---\n%s", canary_text,
	    MIGRATION "  analysis: {canaryRef: {name: churn}, threshold: 2}\n");
	refused(
	    text, "plan.yaml:48: spec.analysis.threshold: beside canaryRef it would be ignored");
	snprintf(text, sizeof text, "%s---\n%s", canary_text, migration_text);
	refused(text,
	    "plan.yaml:32: this Migration is a second plan beside the Canary of line 8: a "
	    "file holds one");
}

/* Of a Canary without a provider, and of one whose Migration says another. */
static void
series_of_a_canary(void **state)
{
	static const struct {
		const char *provider, *words, *router, *canary, *primary;
	} rows[] = {
	    {"", "", HAPROXY_ROUTER, "proxy=\"m\",server=~\"b\"", "proxy=\"m\",server=~\"a\""},
	    {"  provider: istio\n", ", provider: haproxy", HAPROXY_ROUTER,
		"proxy=\"m\",server=~\"b\"", "proxy=\"m\",server=~\"a\""},
	    {"  provider: kubernetes\n", ", provider: nginx, names: {namespace: edge}", FILE_ROUTER,
		"namespace=\"edge\"", "namespace=\"edge\""},
	    {"  provider: linkerd\n", "", FILE_ROUTER, "deployment=\"churn\"",
		"deployment=\"churn-primary\""},
	};
	char text[2048];
	struct mf_plan *plan;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		snprintf(text, sizeof text, SERIES_CANARY "---\n" SERIES_MIGRATION,
		    rows[i].provider, rows[i].router, rows[i].words);
		plan = read_as(text, MF_PROFILE_MIGRATION);
		assert_int_equal(plan->n_warnings, 2); /* nobody asks what is served */
		assert_string_equal(plan->canary->provider, "");
		assert_non_null(strstr(plan->canary->metrics[0].query.query, rows[i].canary));
		assert_true(plan->canary->metrics[0].has_primary_query);
		assert_non_null(
		    strstr(plan->canary->metrics[0].primary_query.query, rows[i].primary));
		mf_plan_free(plan);
	}
	snprintf(text, sizeof text, SERIES_CANARY "---\n" SERIES_MIGRATION, "", FILE_ROUTER, "");
	refused(text,
	    "plan.yaml:8: spec.analysis.metrics[0].name: the built-in metric request-success-rate "
	    "needs a provider whose series are known, and the router names none: write "
	    "analysis.provider, or a query in its place; modelferry-metrics(7)");
	snprintf(text, sizeof text, SERIES_CANARY "---\n" SERIES_MIGRATION, "", FILE_ROUTER,
	    ", provider: consul");
	refused(text, "plan.yaml:18: spec.analysis.provider: no series of consul are known: "
		      "modelferry-metrics(7)");
}

static void
a_migration_by_a_rollout(void **state)
{
	char text[sizeof rollout_text + sizeof migration_text + 16];
	struct mf_plan *plan;

	(void)state;
	snprintf(text, sizeof text, "%s---\n%s", rollout_text,
	    MIGRATION "  analysis: {rolloutRef: {name: churn}, interval: 30s}\n"
		      "  bake: {duration: 5m}\n");
	plan = read_as(text, MF_PROFILE_MIGRATION);
	assert_null(plan->canary);
	assert_int_equal(plan->rollout->n_steps, 8);
	assert_int_equal(plan->rollout->interval_us, 30 * SECOND);
	assert_int_equal(plan->rollout->bake.duration_us, 5 * MINUTE);
	assert_int_equal(plan->rollout->bake.interval_us, 30 * SECOND);
	mf_plan_free(plan);
}

#define SHORT "haproxy:unix:/run/h.sock,tcp:h:1,primary=b/o,canary=b/n1,canary=b/n2,redispatch=true"

static struct mf_plan *
read_bare(const char *text, const struct mf_plan_bare *bare, struct mf_error *e)
{
	const struct mf_plan_params p = {
	    .profile = MF_PROFILE_MIGRATION, .finish_is_default = true, .bare = bare};

	return read_with(text, &p, e);
}

static void
a_canary_alone(void **state)
{
	const struct mf_plan_bare traffic = {.router = SHORT};
	const struct mf_plan_bare data = {.router = SHORT,
	    .model = "churn",
	    .version = "1.10",
	    .from = "/a",
	    .to = "/b \"c\"",
	    .link = "current"};
	struct mf_error e = {0};
	struct mf_plan *plan = read_bare(canary_text, &traffic, &e), *other;
	const struct mf_migration_plan *m;

	(void)state;
	assert_non_null(plan);
	m = plan->migration;
	assert_true(plan->bare);
	assert_int_equal(plan->kind, MF_PLAN_MIGRATION);
	assert_int_equal(plan->finish, MF_FINISH_STAY);
	assert_string_equal(plan->name, "churn");
	assert_string_equal(plan->namespace_name, "ml");
	assert_null(m->model);
	assert_int_equal(m->destination.kind, MF_DESTINATION_NONE);
	assert_int_equal(m->router.type, MF_ROUTER_HAPROXY);
	assert_int_equal(m->router.n_sockets, 2);
	assert_string_equal(m->router.sockets[1], "tcp:h:1");
	assert_int_equal(m->router.n_canary, 2);
	assert_true(m->router.redispatch);
	assert_int_equal(plan->canary->profile, MF_PROFILE_MIGRATION);
	assert_int_equal(plan->canary->n_metrics, 3);

	other = read_bare(canary_text, &data, &e);
	assert_non_null(other);
	assert_string_equal(other->migration->model, "churn");
	assert_string_equal(other->migration->version, "1.10");
	assert_string_equal(other->migration->source.dir, "/a");
	assert_string_equal(other->migration->destination.dir, "/b \"c\"");
	assert_true(other->migration->destination.serves.unchecked);
	/* the same file, but another plan */
	assert_string_not_equal(other->digest, plan->digest);
	mf_plan_free(other);
	mf_plan_free(plan);
}

static void
a_rollout_alone(void **state)
{
	static const char file[] = "haproxy:\n  sockets: ['unix:/h']\n  primary: [b/o]\n"
				   "  canary: [b/n]\n";
	const struct mf_plan_bare bare = {
	    .router = "router.yaml", .router_text = file, .router_bytes = sizeof file - 1};
	struct mf_error e = {0};
	struct mf_plan *plan = read_bare(rollout_text, &bare, &e);

	(void)state;
	assert_non_null(plan);
	assert_int_equal(plan->rollout->n_steps, 8);
	assert_int_equal(plan->rollout->finish, MF_FINISH_STAY);
	assert_string_equal(plan->migration->router.canary[0], "b/n");
	mf_plan_free(plan);
}

/* What only a Migration could say is said by options; nothing then warns that it is missing. */
static void
words_of_a_way_back(void **state)
{
	static const struct mf_pair args[] = {{"stray", "x"}};
	const struct mf_plan_bare without = {.router = SHORT};
	const struct mf_plan_bare none = {
	    .router = SHORT, .has_verify_for = true, .verify_for_us = 0};
	const struct mf_plan_bare long_one = {
	    .router = SHORT, .has_verify_for = true, .verify_for_us = 90 * SECOND};
	const struct mf_plan_bare stray = {
	    .router = SHORT, .primary_args = args, .n_primary_args = 1};
	struct mf_error e = {0};
	struct mf_plan *plan = read_bare(rollout_text, &without, &e);
	char place[MF_PLAN_PLACE_BYTES];
	const struct mf_plan_note *note;

	(void)state;
	assert_non_null(plan);
	note = &plan->warnings[plan->n_warnings - 1];
	assert_non_null(strstr(note->text, "add --primary-arg NAME=VALUE"));
	assert_non_null(strstr(note->text, "--verify-for 0 says that nobody is to look"));
	assert_string_equal(mf_plan_place_text(&note->place, place), "the command line");
	mf_plan_free(plan);
	plan = read_bare(rollout_text, &none, &e);
	assert_non_null(plan);
	assert_int_equal(plan->migration->rollback.verify_for_us, 0);
	assert_int_equal(
	    mf_plan_way_back(plan, (char[MF_PLAN_WAY_BACK_BYTES]){0}), MF_PLAN_WAY_BACK_NONE);
	mf_plan_free(plan);
	plan = read_bare(canary_text, &long_one, &e);
	assert_non_null(plan);
	assert_int_equal(plan->migration->rollback.verify_for_us, 90 * SECOND);
	assert_int_equal(plan->canary->back.verify_for_us, 90 * SECOND);
	mf_plan_free(plan);
	assert_null(read_bare(rollout_text, &stray, &e));
	assert_string_equal(e.message,
	    "the command line: spec.analysis.primaryArgs: no analysis of the Rollout has the "
	    "argument stray");
	assert_null(read_bare(canary_text, &stray, &e));
	assert_non_null(strstr(e.message, "--primary-arg is for a Rollout"));
}

static void
alone_and_refused(void **state)
{
	static const struct {
		const char *text;
		struct mf_plan_bare bare;
		const char *message;
	} rows[] = {
	    {canary_text, {.router = NULL},
		"plan.yaml:12: spec.provider: the provider istio of a cluster is not moved from "
		"here "
		"yet: name a router with --router"},
	    {rollout_text, {.router = NULL}, "plan.yaml:"},
	    {canary_text, {.router = "haproxi:x"},
		"plan.yaml: --router: there is no router haproxi: haproxy:, file:, exec:, or a "
		"FILE "
		"is wanted"},
	    {canary_text, {.router = "exec:/bin/x,frob=1"},
		"plan.yaml: --router: exec has no frob"},
	    {canary_text, {.router = "exec:/bin/x,timeout=1s,timeout=2s"},
		"plan.yaml: --router: timeout a second time"},
	    {canary_text, {.router = "haproxy:unix:/h,primary=b/o"},
		"the command line: spec.router.haproxy.canary: is missing"},
	    {canary_text, {.router = SHORT ",cutStreams=maybe"},
		"the command line: spec.router.haproxy.cutStreams: "},
	    {canary_text, {.router = "none"},
		"the command line: spec.analysis: with the router `none` no traffic moves: it "
		"would "
		"be ignored"},
	    {canary_text, {.router = SHORT, .to = "/b"},
		"plan.yaml: --model, --from and --to go together: --from is missing"},
	    {canary_text,
		{.router = SHORT,
		    .model = "m",
		    .version = "1",
		    .from = "/a",
		    .to = "/b",
		    .link = ""},
		"the command line: spec.destination.link: "},
	    {migration_text, {.router = SHORT}, "plan.yaml:"},
	};
	struct mf_error e;
	size_t i;

	(void)state;
	for (i = 0; i < ROWS(rows); i++) {
		e = (struct mf_error){0};
		assert_null(read_bare(rows[i].text, &rows[i].bare, &e));
		assert_int_equal(e.code, MF_EUSAGE);
		if (strncmp(e.message, rows[i].message, strlen(rows[i].message)) != 0)
			fail_msg("%s, and not %s", e.message, rows[i].message);
	}
}

static void
data_alone(void **state)
{
	struct mf_plan *plan = read_as(
	    "apiVersion: modelferry.dev/v1alpha1\nkind: Migration\nmetadata: {name: x}\nspec:\n"
	    "  model: {name: churn, ref: candidate}\n  router: none\n"
	    "  destination: {mirror: 's3://b/churn/{version}/'}\n",
	    MF_PROFILE_MIGRATION);

	(void)state;
	assert_int_equal(plan->migration->router.type, MF_ROUTER_NONE);
	assert_int_equal(plan->migration->destination.kind, MF_DESTINATION_MIRROR);
	assert_null(plan->canary);
	mf_plan_free(plan);
}

static void
nobody_looks(void **state)
{
	static const char *const words[] = {"onNoData: pass", "optional: true", "onBreach: alert"};
	static const char *const why[] = {
	    "onNoData is pass for every metric: without any data the run would go through",
	    "every metric is optional or only alerts: without any value the run would go through",
	    "every metric is optional or only alerts: without any value the run would go through"};
	char text[4096], message[256];
	size_t i;

	(void)state;
	for (i = 0; i < ROWS(words); i++) {
		snprintf(text, sizeof text,
		    MIGRATION
		    "  analysis:\n    stepWeight: 10\n    address: 'http://p'\n    metrics:\n"
		    "    - {name: request-success-rate, thresholdRange: {min: 9}, %s}\n",
		    words[i]);
		snprintf(
		    message, sizeof message, "plan.yaml:20: spec.analysis.metrics: %s", why[i]);
		refused(text, message);
	}
}

static void
files_without_a_plan(void **state)
{
	(void)state;
	refused("", "plan.yaml: the file holds no document");
	refused("a: b\n", "plan.yaml:1: apiVersion: is missing");
	refused("[a]\n",
	    "plan.yaml:1: a document is a map with apiVersion and kind, and not a list");
	refused("apiVersion: v1\nkind: List\nitems: []\n",
	    "plan.yaml:1: a List is not taken apart: write its items as documents");
	refused("apiVersion: v1\nkind: Service\n",
	    "plan.yaml: the file holds no plan: a Migration, a Canary or a Rollout is wanted "
	    "beside its "
	    "templates");
	refused("apiVersion: flagger.app/v1beta1\nkind: MetricTemplate\nmetadata: {name: a}\n",
	    "plan.yaml: the file holds no plan: a Migration, a Canary or a Rollout is wanted "
	    "beside its "
	    "templates");
}

static void
what_nobody_knows_is_told(void **state)
{
	struct mf_plan *plan = read_as(
	    "apiVersion: v1\nkind: Service\nmetadata: {name: x}\n---\n"
	    "apiVersion: flagger.app/v1beta1\nkind: MetricTemplate\nmetadata: {name: a}\n---\n"
	    "apiVersion: flagger.app/v1beta1\nkind: Canary\nmetadata: {name: x}\nspec:\n"
	    "  targetRef: {kind: Deployment, name: x}\n  service: {port: 80, color: red}\n"
	    "  colour: blue\n"
	    "  analysis: {interval: 5s, threshold: 0, iterations: 2, steps: 3, webhooks: "
	    "[{name: a, url: 'http://a', type: ''}]}\n",
	    MF_PROFILE_MIGRATION);

	(void)state;
	assert_int_equal(plan->n_warnings, 4);
	assert_string_equal(plan->warnings[0].text, "a Service is not read");
	assert_string_equal(plan->warnings[1].field, "spec.colour");
	assert_int_equal(plan->warnings[1].place.line, 15);
	assert_string_equal(plan->warnings[2].field, "spec.analysis.steps");
	assert_string_equal(
	    plan->warnings[3].text, "the plan does not refer to this MetricTemplate");
	/* Flagger's own floors */
	assert_int_equal(plan->canary->interval_us, 10 * SECOND);
	assert_int_equal(plan->canary->threshold, 1);
	assert_int_equal(plan->canary->strategy, MF_STRATEGY_BLUE_GREEN);
	assert_int_equal(plan->canary->hooks[0].type, MF_HOOK_ROLLOUT);
	mf_plan_free(plan);
}

/* Flagger's meaning of no bound is kept, and said. */
static void
no_bound_is_told(void **state)
{
	struct mf_plan *plan = read_as(
	    "apiVersion: flagger.app/v1beta1\nkind: Canary\nmetadata: {name: x}\nspec:\n"
	    "  targetRef: {kind: Deployment, name: x}\n  service: {port: 80}\n"
	    "  analysis:\n    {interval: 1m, threshold: 1, stepWeight: 5, metrics: [\n"
	    "      {name: request-success-rate},\n      {name: errors, query: sum(errors)}]}\n",
	    MF_PROFILE_FLAGGER);

	(void)state;
	assert_int_equal(plan->n_warnings, 2);
	assert_int_equal(plan->warnings[0].place.line, 9);
	assert_string_equal(
	    plan->warnings[0].text, "thresholdRange is missing: every value passes");
	assert_string_equal(
	    plan->warnings[1].text, "thresholdRange is missing: only a value up to 0 passes");
	assert_false(plan->canary->metrics[1].range.has_max);
	mf_plan_free(plan);
}

/* simulate shows what would hang: nothing of the list of quirks is refused. */
static void
quirks_are_shown(void **state)
{
	const struct mf_plan_params p = {
	    .profile_is_default = true, .finish_is_default = true, .lenient = true};
	static const char *const analyses[] = {"stepWeight: 0", "stepWeights: [10, 10, 20]",
	    "maxWeight: 20, stepWeight: 10, mirror: true",
	    "stepWeight: 10, metrics: [{name: errors, templateRef: {name: x}}]",
	    "stepWeight: 10, metrics: [{name: errors}]"};
	char text[1024];
	struct mf_error e = {0};
	struct mf_plan *plan;
	size_t i;

	(void)state;
	for (i = 0; i < ROWS(analyses); i++) {
		snprintf(text, sizeof text,
		    "{apiVersion: flagger.app/v1beta1, kind: Canary, metadata: {name: app}, spec: "
		    "{provider: \"gatewayapi:v1\", targetRef: {kind: Deployment, name: app}, "
		    "service: "
		    "{port: 80}, analysis: {interval: 1m, threshold: 5, %s}}}\n",
		    analyses[i]);
		plan = read_with(text, &p, &e);
		if (plan == NULL)
			fail_msg("%s: %s", analyses[i], e.message);
		assert_int_equal(plan->profile, MF_PROFILE_FLAGGER);
		assert_int_equal(plan->canary->n_metrics, i < 3 ? 0 : 1);
		assert_int_equal(i == 4, plan->canary->n_metrics == 1 &&
					     plan->canary->metrics[0].rule == MF_RULE_NO_QUERY);
		mf_plan_free(plan);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_checksum),
	    cmocka_unit_test(a_canary),
	    cmocka_unit_test(a_canary_that_migrates),
	    cmocka_unit_test(a_rollout),
	    cmocka_unit_test(a_blue_green_rollout),
	    cmocka_unit_test(a_migration),
	    cmocka_unit_test(the_metrics_of_a_migration),
	    cmocka_unit_test(ways_back),
	    cmocka_unit_test(a_migration_by_a_canary),
	    cmocka_unit_test(series_of_a_canary),
	    cmocka_unit_test(a_migration_by_a_rollout),
	    cmocka_unit_test(a_canary_alone),
	    cmocka_unit_test(a_rollout_alone),
	    cmocka_unit_test(words_of_a_way_back),
	    cmocka_unit_test(alone_and_refused),
	    cmocka_unit_test(data_alone),
	    cmocka_unit_test(nobody_looks),
	    cmocka_unit_test(files_without_a_plan),
	    cmocka_unit_test(what_nobody_knows_is_told),
	    cmocka_unit_test(no_bound_is_told),
	    cmocka_unit_test(quirks_are_shown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
