/* The internal plan as a tree of JSON: what a Canary or a Migration was understood to say. */
#include <stdio.h>

#include "src/base/units.h"
#include "src/rollout/duration.h"
#include "src/rollout/plan_put_int.h"

#define DRIFT_BINS 10u
#define SECOND_US ((uint64_t)1000000)
#define MINUTE_US (60 * SECOND_US)
#define HOLD_INTERVALS 10u
#define WATCH_US (5 * SECOND_US)

void
mf_tree_set(json_t *map, const char *key, json_t *value)
{
	(void)json_object_set_new(map, key, value);
}

void
mf_tree_text(json_t *map, const char *key, const char *text)
{
	if (text != NULL)
		mf_tree_set(map, key, json_string(text));
}

void
mf_tree_number(json_t *map, const char *key, uint64_t number)
{
	mf_tree_set(map, key, json_integer((json_int_t)number));
}

void
mf_tree_flag(json_t *map, const char *key, bool flag)
{
	if (flag)
		mf_tree_set(map, key, json_true());
}

void
mf_tree_duration(json_t *map, const char *key, uint64_t us)
{
	char text[MF_DURATION_TEXT_BYTES];

	if (us > 0)
		mf_tree_text(map, key, mf_duration_prometheus(us, text));
}

json_t *
mf_tree_texts(const char *const *texts, size_t n)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < n && texts[i] != NULL; i++)
		(void)json_array_append_new(list, json_string(texts[i]));
	return list;
}

void
mf_tree_argv(json_t *map, const char *key, const char *const *argv)
{
	if (argv != NULL)
		mf_tree_set(map, key, mf_tree_texts(argv, MF_PLAN_LIST_MAX));
}

static void
put_bounds(json_t *map, const char *key, const struct mf_bounds *b)
{
	json_t *range;

	if (!b->has_min && !b->has_max)
		return;
	range = json_object();
	if (b->has_min)
		mf_tree_set(range, "min", json_real(b->min));
	if (b->has_max)
		mf_tree_set(range, "max", json_real(b->max));
	mf_tree_set(map, key, range);
}

/* Names alone: a value may be what nobody thought of as a secret. */
void
mf_tree_names(json_t *map, const char *key, const struct mf_pair *pairs, size_t n)
{
	json_t *list;
	size_t i;

	if (n == 0)
		return;
	list = json_array();
	for (i = 0; i < n; i++)
		(void)json_array_append_new(list, json_string(pairs[i].name));
	mf_tree_set(map, key, list);
}

static void
put_auth(json_t *map, const struct mf_metric_auth *a)
{
	mf_tree_text(map, "secret", a->secret_name);
	mf_tree_text(map, "bearerFile", a->bearer_file);
	mf_tree_text(map, "userFile", a->user_file);
	mf_tree_text(map, "passwordFile", a->password_file);
}

static void
put_range(json_t *map, const struct mf_metric_range *r)
{
	char text[3][MF_DURATION_TEXT_BYTES], all[4 * MF_DURATION_TEXT_BYTES + 64];

	if (r->step_us == 0)
		return;
	(void)snprintf(all, sizeof all, "from %s ago to %s%s, every %s",
	    mf_duration_prometheus(r->start_ago_us, text[0]),
	    r->end_ago_us == 0 ? "now" : mf_duration_prometheus(r->end_ago_us, text[1]),
	    r->end_ago_us == 0 ? "" : " ago", mf_duration_prometheus(r->step_us, text[2]));
	mf_tree_text(map, "range", all);
}

json_t *
mf_tree_query(const struct mf_metric_query *q)
{
	static const char *const types[MF_PROVIDER_TYPES] = {"prometheus", "graphite", "influxdb",
	    "externalmetrics", "web", "command", "drift", "job"};
	static const char *const tests[] = {"psi", "ks"};
	json_t *map = json_object();

	mf_tree_text(map, "type", types[q->type]);
	mf_tree_text(map, "address", q->address);
	mf_tree_text(map, "method", q->method);
	mf_tree_text(map, "body", q->body);
	mf_tree_names(map, "headers", q->headers, q->n_headers);
	mf_tree_text(map, "query", q->query);
	put_range(map, &q->range);
	mf_tree_text(map, "jsonPath", q->json_path);
	mf_tree_text(map, "left", q->left_query);
	mf_tree_text(map, "samples", q->count_query);
	mf_tree_text(map, "age", q->age_query);
	mf_tree_argv(map, "command", q->argv);
	if (q->type == MF_PROVIDER_DRIFT) {
		mf_tree_text(map, "test", tests[q->drift.test]);
		mf_tree_text(
		    map, q->drift.current_is_file ? "currentFile" : "current", q->drift.current);
		mf_tree_text(map, q->drift.reference_is_file ? "referenceFile" : "reference",
		    q->drift.reference);
		mf_tree_flag(map, "referenceIsPrimary", q->drift.reference_is_primary);
		mf_tree_number(map, "bins", q->drift.bins > 0 ? q->drift.bins : DRIFT_BINS);
	}
	put_auth(map, &q->auth);
	mf_tree_text(map, "caFile", q->ca_file);
	mf_tree_flag(map, "insecure", q->insecure);
	mf_tree_duration(map, "maxAge", q->max_age_us);
	mf_tree_duration(map, "timeout", q->timeout_us);
	return map;
}

static void
put_passes(json_t *map, const struct mf_canary_metric *m)
{
	bool range = m->range.has_min || m->range.has_max;
	char text[64];

	put_bounds(map, "passes", &m->range);
	if (range || m->relative || m->rule == MF_RULE_NO_QUERY)
		return;
	(void)snprintf(text, sizeof text, "%s %g",
	    m->rule == MF_RULE_SUCCESS_RATE ? ">=" : "<=", m->threshold);
	mf_tree_text(map, "passes", text);
}

json_t *
mf_tree_metric(const struct mf_canary_metric *m)
{
	static const char *const rules[] = {"success-rate", "duration", "value", "none"};
	static const char *const no_data[] = {"fail", "hold", "pass"};
	json_t *map = json_object();

	mf_tree_text(map, "name", m->name);
	mf_tree_number(map, "line", m->place.line);
	mf_tree_text(map, "rule", rules[m->rule]);
	put_passes(map, m);
	put_bounds(map, "abort", &m->abort);
	mf_tree_duration(map, "window", m->window_us);
	mf_tree_text(map, "onNoData", no_data[m->on_no_data]);
	mf_tree_flag(map, "optional", m->optional);
	mf_tree_flag(map, "alertOnly", m->alert_only);
	if (m->min_samples > 0)
		mf_tree_number(map, "minSamples", m->min_samples);
	if (m->has_max_ratio)
		mf_tree_set(map, "maxRatio", json_real(m->max_ratio));
	if (m->has_max_delta)
		mf_tree_set(map, "maxDelta", json_real(m->max_delta));
	if (m->rule != MF_RULE_NO_QUERY)
		mf_tree_set(map, "ask", mf_tree_query(&m->query));
	if (m->has_primary_query) {
		mf_tree_text(map, "primary", m->primary_query.query);
		mf_tree_text(map, "primaryLeft", m->primary_query.left_query);
	}
	return map;
}

json_t *
mf_tree_hook(const struct mf_hook *h)
{
	static const char *const types[MF_HOOK_TYPES] = {"rollout", "confirm-rollout",
	    "pre-rollout", "confirm-traffic-increase", "confirm-promotion", "rollback",
	    "post-rollout", "event", "purge", "mlflow"};
	json_t *map = json_object();

	/* no URL: Slack's and others' are secrets */
	mf_tree_text(map, "name", h->name);
	mf_tree_text(map, "type", types[h->type]);
	mf_tree_text(map, "urlFile", h->url_file);
	mf_tree_duration(map, "timeout", h->timeout_us);
	mf_tree_number(map, "retries", h->retries);
	mf_tree_flag(map, "muteAlert", h->mute_alert);
	mf_tree_flag(map, "insecure", h->disable_tls);
	put_auth(map, &h->auth);
	mf_tree_names(map, "metadata", h->metadata, h->n_metadata);
	return map;
}

static void
put_weights(json_t *map, const struct mf_canary_plan *c)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < c->n_step_weights; i++)
		(void)json_array_append_new(list, json_integer(c->step_weights[i]));
	if (c->n_step_weights > 0)
		mf_tree_set(map, "stepWeights", list);
	else
		json_decref(list);
	if (c->step_weight > 0)
		mf_tree_number(map, "stepWeight", c->step_weight);
	if (c->iterations > 0)
		mf_tree_number(map, "iterations", c->iterations);
	else
		mf_tree_number(map, "maxWeight", c->max_weight);
	if (c->step_weight_promotion > 0)
		mf_tree_number(map, "stepWeightPromotion", c->step_weight_promotion);
	mf_tree_flag(map, "mirror", c->mirror);
	if (c->mirror_weight > 0)
		mf_tree_number(map, "mirrorWeight", c->mirror_weight);
}

json_t *
mf_tree_bake(const struct mf_bake *b)
{
	json_t *map = json_object();

	mf_tree_duration(map, "duration", b->duration_us);
	mf_tree_duration(map, "interval", b->interval_us);
	mf_tree_duration(map, "window", b->window_us);
	mf_tree_number(map, "maxFailed", b->max_failed);
	mf_tree_text(map, "by", b->by_daemon ? "daemon" : "run");
	return map;
}

/* What holds where the plan says nothing, too. */
void
mf_tree_holds(json_t *map, uint64_t interval_us, uint64_t max_hold_us, enum mf_hold_end end,
    uint64_t watch_us)
{
	if (interval_us == 0)
		interval_us = MINUTE_US;
	mf_tree_duration(
	    map, "maxHold", max_hold_us > 0 ? max_hold_us : HOLD_INTERVALS * interval_us);
	mf_tree_text(map, "onHoldEnd", end == MF_HOLD_ALERT ? "alert" : "rollback");
	mf_tree_duration(map, "watch", watch_us > 0 ? watch_us : WATCH_US);
}

static void
put_times(json_t *map, const struct mf_canary_plan *c)
{
	mf_tree_duration(map, "settle", c->settle_us);
	if (c->profile == MF_PROFILE_MIGRATION)
		mf_tree_holds(
		    map, c->interval_us, mf_canary_hold_max_us(c), c->hold_end, c->watch_us);
	if (c->bake.duration_us > 0)
		mf_tree_set(map, "bake", mf_tree_bake(&c->bake));
}

json_t *
mf_tree_canary(const struct mf_canary_plan *c)
{
	static const char *const strategies[] = {"weighted", "ab", "blueGreen"};
	json_t *map = json_object(), *metrics = json_array(), *hooks = json_array();
	size_t i;

	if (c->provider != NULL && c->provider[0] != '\0')
		mf_tree_text(map, "provider", c->provider);
	mf_tree_text(map, "strategy", strategies[c->strategy]);
	mf_tree_duration(map, "interval", c->interval_us);
	mf_tree_number(map, "threshold", c->threshold);
	put_weights(map, c);
	mf_tree_number(map, "primaryReadyThreshold", c->primary_ready_threshold);
	mf_tree_number(map, "canaryReadyThreshold", c->canary_ready_threshold);
	mf_tree_duration(map, "progressDeadline", c->progress_deadline_us);
	mf_tree_flag(map, "suspend", c->suspend);
	mf_tree_flag(map, "skipAnalysis", c->skip_analysis);
	put_times(map, c);
	for (i = 0; i < c->n_metrics; i++)
		(void)json_array_append_new(metrics, mf_tree_metric(&c->metrics[i]));
	for (i = 0; i < c->n_hooks; i++)
		(void)json_array_append_new(hooks, mf_tree_hook(&c->hooks[i]));
	mf_tree_set(map, "metrics", metrics);
	mf_tree_set(map, "hooks", hooks);
	return map;
}
