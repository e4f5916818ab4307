/* Metrics of an analysis stanza: which questions they are, and in which order they are asked. */
#include <stddef.h>
#include <string.h>

#include "src/rollout/plan_stanza.h"
#include "src/rollout/promql.h"

#define MINUTE_US ((uint64_t)60 * 1000000)
#define TIMEOUT_US ((uint64_t)5 * 1000000) /* of one question, as in Flagger */

#define AT(field) offsetof(struct mf_metric_words, field)
static const struct mf_field bounds[] = {
    {.key = "min",
	.type = MF_FIELD_NUMBER,
	.at = offsetof(struct mf_bounds, min),
	.more = offsetof(struct mf_bounds, has_min)},
    {.key = "max",
	.type = MF_FIELD_NUMBER,
	.at = offsetof(struct mf_bounds, max),
	.more = offsetof(struct mf_bounds, has_max)},
};
static const struct mf_form bounds_form = {.name = "CanaryRange",
    .bytes = sizeof(struct mf_bounds),
    .fields = bounds,
    .n_fields = sizeof bounds / sizeof bounds[0]};

static const struct mf_field template_ref[] = {
    {.key = "name", .type = MF_FIELD_STRING, .need = true, .at = AT(template_name)},
    {.key = "namespace", .type = MF_FIELD_STRING, .at = AT(template_namespace)},
};
/* Its fields lie beside it in the words: read with the words as its struct. */
static const struct mf_form template_ref_form = {.name = "CanaryTemplateRef",
    .bytes = sizeof(struct mf_metric_words),
    .fields = template_ref,
    .n_fields = sizeof template_ref / sizeof template_ref[0]};

static const struct mf_field canary_metric[] = {
    {.key = "name", .type = MF_FIELD_STRING, .need = true, .at = AT(name)},
    {.key = "interval", .type = MF_FIELD_STRING, .at = AT(interval)},
    {.key = "thresholdRange",
	.type = MF_FIELD_MAP,
	.at = AT(range),
	.more = AT(has_range),
	.form = &bounds_form},
    {.key = "threshold", .type = MF_FIELD_NUMBER, .at = AT(threshold), .more = AT(has_threshold)},
    {.key = "query", .type = MF_FIELD_STRING, .at = AT(query)},
    {.key = "templateRef",
	.type = MF_FIELD_MAP,
	.at = 0,
	.more = AT(has_template),
	.form = &template_ref_form},
    {.key = "templateVariables",
	.type = MF_FIELD_PAIRS,
	.at = AT(variables),
	.more = AT(n_variables)},
};
#undef AT

const struct mf_form mf_form_canary_metric = {.name = "CanaryMetric",
    .bytes = sizeof(struct mf_metric_words),
    .fields = canary_metric,
    .n_fields = sizeof canary_metric / sizeof canary_metric[0]};

/* What is known while the metrics of one list are read. */
struct metrics {
	struct mf_plan_reading *rd;
	const struct mf_metrics_for *what;
	struct mf_canary_metric *out;
	size_t n;
};

static const struct mf_node *
node_or(const struct mf_node *item, const char *key)
{
	const struct mf_node *v = mf_node_get(item, key);

	return v != NULL ? v : item;
}

static bool
built_in(const char *name, enum mf_metric_rule *rule)
{
	if (name != NULL && strcmp(name, "request-success-rate") == 0)
		*rule = MF_RULE_SUCCESS_RATE;
	else if (name != NULL && strcmp(name, "request-duration") == 0)
		*rule = MF_RULE_DURATION;
	else
		return false;
	return true;
}

static void
check_range(struct mf_plan_reading *rd, const struct mf_node *item, const struct mf_metric_words *w)
{
	const struct mf_node *range = node_or(item, "thresholdRange");

	if (!w->has_range)
		return;
	if (range->kind == MF_NODE_MAP && mf_node_get(range, "min") == NULL &&
	    mf_node_get(range, "max") == NULL && !rd->params->lenient)
		mf_plan_refuse(rd, range, "has neither min nor max: the metric could never fail");
	if (w->range.has_min && w->range.has_max && w->range.min > w->range.max)
		mf_plan_refuse(rd, range, "min %g lies above max %g: no value would pass",
		    w->range.min, w->range.max);
	if (w->has_threshold)
		mf_plan_warn(rd, node_or(item, "threshold"), "thresholdRange is what counts");
}

/* Flagger takes a metric without a bound, and holds it against 0. */
static void
warn_of_no_bound(struct mf_plan_reading *rd, const struct mf_node *item,
    const struct mf_metric_words *w, enum mf_metric_rule rule)
{
	if (w->has_range || w->has_threshold)
		return;
	mf_plan_warn(rd, item, "thresholdRange is missing: %s",
	    rule == MF_RULE_SUCCESS_RATE ? "every value passes" : "only a value up to 0 passes");
}

/* The entry that is next, with what all of one metric's have. */
static struct mf_canary_metric *
next_entry(struct metrics *m, const struct mf_node *item, const struct mf_metric_words *w,
    uint64_t window_us)
{
	struct mf_canary_metric *c = &m->out[m->n++];

	c->name = w->name != NULL ? w->name : "";
	c->range = w->range;
	if (!w->has_range)
		c->threshold = w->threshold;
	c->window_us = window_us;
	c->place = mf_plan_place_of(m->rd, item);
	c->rule = MF_RULE_VALUE;
	c->query = w->own;
	if (c->query.timeout_us == 0)
		c->query.timeout_us = TIMEOUT_US;
	c->on_no_data = w->on_no_data;
	c->optional = w->optional;
	c->alert_only = w->on_breach == 1;
	c->min_samples = c->query.min_samples = w->min_samples;
	c->query.max_age_us = w->max_age_us;
	c->abort = w->abort;
	c->relative = w->has_relative;
	c->has_max_ratio = w->has_max_ratio;
	c->max_ratio = w->max_ratio;
	c->has_max_delta = w->has_max_delta;
	c->max_delta = w->max_delta;
	return c;
}

/* What a query's own reader put into b, as a text of the plan; NULL: refused. */
static const char *
taken(struct metrics *m, const struct mf_node *at, struct mf_buf *b, int rc,
    const struct mf_error *why)
{
	if (rc == 0)
		return mf_plan_take(m->rd, b);
	mf_plan_refuse_error(m->rd, at, why);
	mf_buf_fini(b);
	return NULL;
}

static const char *
builtin_query(struct metrics *m, const struct mf_node *at, enum mf_metric_rule rule,
    const struct mf_builtin_names *names, uint64_t window_us)
{
	struct mf_buf b = MF_BUF_INIT;
	struct mf_error why = {0};
	int rc = mf_builtin_query(m->what->provider, rule, names, window_us, &b, &why);

	return taken(m, at, &b, rc, &why);
}

/* The query of the other side; none where the provider cannot tell the sides apart. */
static void
add_primary(struct metrics *m, const struct mf_node *at, struct mf_canary_metric *c)
{
	struct mf_buf b = MF_BUF_INIT;
	struct mf_builtin_names names = m->what->primary;
	struct mf_error why = {0};
	int rc;

	names.primary = true;
	rc = mf_builtin_query(m->what->provider, c->rule, &names, c->window_us, &b, &why);
	if (rc != 0 && why.code != MF_ENOMEM) {
		mf_buf_fini(&b);
		return;
	}
	c->primary_query = c->query;
	c->primary_query.query = taken(m, at, &b, rc, &why);
	c->primary_query.count_query = c->primary_query.age_query = NULL;
	c->primary_query.min_samples = 0;
	c->has_primary_query = c->primary_query.query != NULL;
}

static void
add_companions(struct metrics *m, const struct mf_node *at, struct mf_canary_metric *c)
{
	const struct mf_metrics_for *what = m->what;
	struct mf_buf count = MF_BUF_INIT, age = MF_BUF_INIT;
	struct mf_error why = {0};
	int rc;

	rc = mf_builtin_count_query(what->provider, &what->names, c->window_us, &count, &why);
	c->query.count_query = taken(m, at, &count, rc, &why);
	rc = mf_builtin_age_query(what->provider, &what->names, &age, &why);
	c->query.age_query = taken(m, at, &age, rc, &why);
}

/*
 * A comparison without bool answers nothing where it does not hold. A Migration asks its left side,
 * too, and has 1 or 0; a Canary keeps Flagger's meaning, which is no value.
 */
static void
split_predicate(struct metrics *m, const struct mf_node *at, const struct mf_bounds *range,
    struct mf_metric_query *q)
{
	struct mf_promql_predicate p;
	struct mf_error why = {0};
	int rc;

	if (q->query == NULL || q->type != MF_PROVIDER_PROMETHEUS || m->rd->params->lenient)
		return;
	rc = mf_promql_split(q->query, &p, m->rd->region, &why);
	if (rc < 0)
		mf_plan_refuse_error(m->rd, at, &why);
	if (rc <= 0)
		return;
	if (!m->what->migration) {
		mf_plan_warn(m->rd, at,
		    "a comparison without bool: where it does not hold there is no value, which "
		    "fails "
		    "the check");
		return;
	}
	q->left_query = p.left;
	if ((range->has_min && !(range->min > 0 && range->min <= 1)) ||
	    (range->has_max && !(range->max >= 0 && range->max < 1)))
		mf_plan_refuse(m->rd, at,
		    "a comparison is 1 where it holds and else 0: min: 1 is wanted, or max: 0");
}

static void
add_builtin(struct metrics *m, const struct mf_node *item, const struct mf_metric_words *w,
    uint64_t window_us, enum mf_metric_rule rule)
{
	const struct mf_node *at = node_or(item, "name");
	struct mf_canary_metric *c = next_entry(m, item, w, window_us);

	c->rule = rule;
	if (c->query.address == NULL)
		c->query.address = m->what->address;
	if (m->what->provider == NULL) {
		mf_plan_refuse(m->rd, at,
		    "the built-in metric %s needs a provider whose series are known, and the router "
		    "names none: write analysis.provider, or a query in its place; "
		    "modelferry-metrics(7)",
		    c->name);
		return;
	}
	c->query.query = builtin_query(m, at, rule, &m->what->names, window_us);
	if (c->query.query == NULL || m->rd->plan->profile != MF_PROFILE_MIGRATION)
		return;
	add_companions(m, at, c);
	add_primary(m, at, c);
}

static const char *
companion(struct metrics *m, const struct mf_node *item, const struct mf_metric_words *w,
    const char *key, const char *text)
{
	return text == NULL ? NULL : mf_stanza_render(m->rd, node_or(item, key), text, w, m->what);
}

static void
add_inline(struct metrics *m, const struct mf_node *item, const struct mf_metric_words *w,
    uint64_t window_us)
{
	const struct mf_node *at = mf_node_get(item, "query");
	const struct mf_node *primary_at = node_or(item, "primaryQuery");
	struct mf_canary_metric *c = next_entry(m, item, w, window_us);
	struct mf_metric_query *primary = &c->primary_query;

	if (c->query.address == NULL)
		c->query.address = m->what->address;
	c->query.query = mf_stanza_render(m->rd, at, w->query, w, m->what);
	if (w->primary_query != NULL) {
		*primary = c->query;
		primary->count_query = primary->age_query = NULL;
		primary->min_samples = 0;
		primary->query = mf_stanza_render(m->rd, primary_at, w->primary_query, w, m->what);
		split_predicate(m, primary_at, &c->range, primary);
		c->has_primary_query = true;
	}
	split_predicate(m, at, &c->range, &c->query);
	c->query.count_query = companion(m, item, w, "countQuery", w->own.count_query);
	c->query.age_query = companion(m, item, w, "ageQuery", w->own.age_query);
}

static void
add_template(struct metrics *m, const struct mf_node *item, const struct mf_metric_words *w,
    uint64_t window_us)
{
	const struct mf_node *ref = mf_node_get(item, "templateRef");
	struct mf_canary_metric *c = next_entry(m, item, w, window_us);

	if (w->template_name != NULL && mf_stanza_template(m->rd, ref, w, m->what, &c->query))
		split_predicate(m, ref, &c->range, &c->query);
}

/* Flagger's own way: it fails each check, and nobody is told why. */
static void
add_none(struct metrics *m, const struct mf_node *item, const struct mf_metric_words *w,
    uint64_t window_us)
{
	next_entry(m, item, w, window_us)->rule = MF_RULE_NO_QUERY;
	if (!m->rd->params->lenient)
		mf_plan_refuse(m->rd, item,
		    "%.64s is no built-in metric and has neither query nor templateRef: each check "
		    "would fail",
		    w->name != NULL ? w->name : "it");
}

static bool
is_own(const struct mf_metric_words *w)
{
	return w->preset != NULL || w->own.argv != NULL || w->has_web || w->has_drift;
}

static uint64_t
window_of(struct metrics *m, const struct mf_node *item)
{
	uint64_t us = MINUTE_US;

	if (m->what->migration)
		mf_plan_duration(m->rd, item, "interval", &us);
	else
		mf_stanza_interval(m->rd, item, "interval", &us);
	if (us == 0) {
		mf_plan_refuse(m->rd, node_or(item, "interval"), "a window of 0 holds nothing");
		us = MINUTE_US;
	}
	return us;
}

/* Both passes over one metric; in the first the built-in and inline ones are asked. */
static void
add(struct metrics *m, const struct mf_node *item, const struct mf_metric_words *w, bool first)
{
	uint64_t us = w->window_us;
	enum mf_metric_rule rule = MF_RULE_VALUE;
	bool known = built_in(w->name, &rule);

	if (first) {
		check_range(m->rd, item, w);
		if (m->what->migration)
			mf_stanza_check_metric(m->rd, item, w, known);
		else
			warn_of_no_bound(m->rd, item, w, rule);
		if (is_own(w)) {
			mf_stanza_own_metric(m->rd, item, w, m->what, next_entry(m, item, w, us));
			return;
		}
		if (known && (!m->what->migration || w->query == NULL))
			add_builtin(m, item, w, us, rule);
		if (w->query != NULL && w->query[0] != '\0')
			add_inline(m, item, w, us);
	} else if (!is_own(w)) {
		if (w->has_template)
			add_template(m, item, w, us);
		else if (!known && (w->query == NULL || w->query[0] == '\0'))
			add_none(m, item, w, us);
	}
}

void
mf_stanza_metrics(struct mf_plan_reading *rd, const struct mf_node *list,
    const struct mf_form *form, const struct mf_metrics_for *what, struct mf_canary_plan *plan)
{
	struct mf_metric_words *words;
	struct metrics m = {.rd = rd, .what = what};
	size_t i;

	if (list == NULL)
		return;
	words = mf_plan_alloc(rd, list->n_items, sizeof *words);
	m.out = mf_plan_alloc(rd, 3 * list->n_items, sizeof *m.out);
	if (words == NULL || m.out == NULL)
		return;
	for (i = 0; i < list->n_items; i++) {
		if (!mf_plan_is_map(rd, list->items[i]))
			continue;
		words[i].on_no_data = what->on_no_data;
		mf_form_read(rd, form, list->items[i], &words[i]);
		words[i].window_us = window_of(&m, list->items[i]);
		add(&m, list->items[i], &words[i], true);
	}
	for (i = 0; i < list->n_items; i++)
		if (list->items[i]->kind == MF_NODE_MAP)
			add(&m, list->items[i], &words[i], false);
	plan->metrics = m.out;
	plan->n_metrics = m.n;
}
