/* Metrics in a Migration's own words, and what goes together of them. */
#include <string.h>

#include "src/rollout/jsonpath.h"
#include "src/rollout/plan_migration_int.h"
#include "src/rollout/presets.h"
#include "src/rollout/promtext.h"

struct own { /* one metric, while it is read */
	struct mf_plan_reading *rd;
	const struct mf_node *item;
	const struct mf_metric_words *w;
	const struct mf_metrics_for *what;
	struct mf_canary_metric *out;
};

static const struct mf_node *
at(const struct own *o, const char *key)
{
	const struct mf_node *v = mf_node_get(o->item, key);

	return v != NULL ? v : o->item;
}

/* What was put into b, as a text of the plan, or a refusal. */
static const char *
taken(const struct own *o, const char *key, struct mf_buf *b, int rc, const struct mf_error *why)
{
	if (rc == 0)
		return mf_plan_take(o->rd, b);
	mf_plan_refuse_error(o->rd, at(o, key), why);
	mf_buf_fini(b);
	return NULL;
}

static const char *
preset_query(const struct own *o, const char *key, const struct mf_pair *labels, size_t n_labels)
{
	struct mf_buf b = MF_BUF_INIT;
	struct mf_error why = {0};
	int rc = mf_preset_query(
	    o->w->preset, o->out->name, labels, n_labels, o->out->window_us, &b, &why);

	return taken(o, key, &b, rc, &why);
}

static void
read_preset(struct own *o)
{
	const struct mf_metric_words *w = o->w;
	struct mf_metric_query *q = &o->out->query;
	struct mf_buf count = MF_BUF_INIT, age = MF_BUF_INIT;
	struct mf_error why = {0};
	int rc;

	q->query = preset_query(o, w->n_labels > 0 ? "labels" : "preset", w->labels, w->n_labels);
	if (q->query == NULL)
		return;
	rc = mf_preset_count_query(
	    w->preset, o->out->name, w->labels, w->n_labels, o->out->window_us, &count, &why);
	q->count_query = taken(o, "preset", &count, rc, &why);
	rc = mf_preset_age_query(w->preset, o->out->name, w->labels, w->n_labels, &age, &why);
	q->age_query = taken(o, "preset", &age, rc, &why);
	if (w->n_primary_labels == 0)
		return;
	o->out->primary_query = *q;
	o->out->primary_query.count_query = o->out->primary_query.age_query = NULL;
	o->out->primary_query.min_samples = 0;
	o->out->primary_query.query =
	    preset_query(o, "primaryLabels", w->primary_labels, w->n_primary_labels);
	o->out->has_primary_query = o->out->primary_query.query != NULL;
}

static void
read_web(struct own *o)
{
	static const char *const methods[] = {"GET", "POST", "PUT", NULL};
	const struct mf_node *web = mf_node_get(o->item, "web");
	struct mf_metric_query *q = &o->out->query;
	struct mf_error why = {0};
	unsigned method = 0;

	q->type = MF_PROVIDER_WEB;
	q->address = o->w->web_url;
	mf_plan_enum(o->rd, web, "method", methods, &method);
	q->method = methods[method];
	if (q->body != NULL && method == 0)
		mf_plan_refuse(o->rd, mf_node_get(web, "body"), "a GET has no body");
	if (q->json_path == NULL)
		q->json_path = "{$}";
	if (q->address != NULL)
		mf_plan_is_url(o->rd, mf_node_get(web, "url"), q->address);
	if (mf_jsonpath_read(q->json_path, o->rd->region, &why) == NULL)
		mf_plan_refuse_error(o->rd, mf_node_get(web, "jsonPath"), &why);
}

/* One of a query and a file. */
static void
read_side(struct own *o, const struct mf_node *drift, const char *key, const char *query,
    const char *file, const char **out, bool *is_file)
{
	if ((query != NULL) == (file != NULL)) {
		mf_plan_refuse_key(
		    o->rd, drift, key, "exactly one of %s and %sFile is wanted", key, key);
		return;
	}
	*is_file = file != NULL;
	*out = file != NULL
		   ? file
		   : mf_stanza_render(o->rd, mf_node_get(drift, key), query, o->w, o->what);
}

static void
read_drift(struct own *o)
{
	const struct mf_node *drift = mf_node_get(o->item, "drift");
	const struct mf_metric_words *w = o->w;
	struct mf_metric_drift *d = &o->out->query.drift;

	o->out->query.type = MF_PROVIDER_DRIFT;
	if (mf_node_get(drift, "test") == NULL)
		mf_plan_refuse_key(o->rd, drift, "test", "is missing: psi or ks");
	read_side(o, drift, "current", w->drift_current, w->drift_current_file, &d->current,
	    &d->current_is_file);
	read_side(o, drift, "reference", w->drift_reference, w->drift_reference_file, &d->reference,
	    &d->reference_is_file);
	if (d->reference_is_primary && d->reference_is_file)
		mf_plan_refuse(o->rd, mf_node_get(drift, "referenceIsPrimary"),
		    "a file does not hold what the primary predicts at present");
	/* a stored reference moves away from the older model, too */
	if (!d->reference_is_primary && mf_node_get(o->item, "onBreach") == NULL)
		o->out->alert_only = true;
}

void
mf_stanza_own_metric(struct mf_plan_reading *rd, const struct mf_node *item,
    const struct mf_metric_words *words, const struct mf_metrics_for *what,
    struct mf_canary_metric *out)
{
	struct own o = {rd, item, words, what, out};

	if (out->query.address == NULL)
		out->query.address = what->address;
	if (words->preset != NULL)
		read_preset(&o);
	else if (words->has_web)
		read_web(&o);
	else if (words->has_drift)
		read_drift(&o);
	else
		out->query.type = MF_PROVIDER_COMMAND;
}

/* Where does its value come from? Exactly one may be. */
static void
check_source(const struct own *o, bool built_in)
{
	const struct mf_metric_words *w = o->w;
	unsigned n = (w->query != NULL) + w->has_template + (w->preset != NULL) + w->has_web +
		     (w->own.argv != NULL) + w->has_drift;

	if (n > 1)
		mf_plan_refuse(o->rd, o->item,
		    "only one of query, templateRef, preset, web, command and drift may be there");
	if (built_in && n > 0 && w->query == NULL && w->preset == NULL)
		mf_plan_refuse(o->rd, at(o, "name"),
		    "%s is built in; another source needs another name", w->name);
	if (w->primary_query != NULL && w->query == NULL)
		mf_plan_refuse(o->rd, at(o, "primaryQuery"), "it stands beside a query");
	if (w->preset == NULL && w->n_labels + w->n_primary_labels > 0)
		mf_plan_refuse(o->rd, at(o, w->n_labels > 0 ? "labels" : "primaryLabels"),
		    "labels are a preset's");
}

static void
check_bounds(const struct own *o)
{
	const struct mf_metric_words *w = o->w;
	bool compared = w->has_max_ratio || w->has_max_delta;

	if (compared && !w->has_relative)
		mf_plan_refuse(o->rd, at(o, w->has_max_ratio ? "maxRatio" : "maxDelta"),
		    "without relativeTo there is nothing to compare with");
	if (w->has_relative && !compared)
		mf_plan_refuse(
		    o->rd, at(o, "relativeTo"), "maxRatio or maxDelta is wanted beside it");
	if (w->has_max_ratio && !(w->max_ratio > 0))
		mf_plan_refuse(o->rd, at(o, "maxRatio"), "a ratio lies above 0");
	if (!w->has_range && !w->has_threshold && !compared && !w->has_relative)
		mf_plan_refuse(
		    o->rd, o->item, "thresholdRange is missing: which values pass is not said");
	if (w->abort.has_min && w->abort.has_max && w->abort.min > w->abort.max)
		mf_plan_refuse(o->rd, at(o, "abort"), "min lies above max: each value would abort");
}

static void
check_companions(const struct own *o, bool built_in)
{
	const struct mf_metric_words *w = o->w;
	bool known = built_in || w->preset != NULL;
	bool selector = w->query != NULL && mf_promtext_is_selector(w->query);

	if (w->min_samples > 0 && !known && w->own.count_query == NULL)
		mf_plan_refuse(o->rd, at(o, "minSamples"),
		    "countQuery is wanted beside it: how many samples there are is not known");
	if (w->max_age_us > 0 && !known && !selector && w->own.age_query == NULL)
		mf_plan_refuse(o->rd, at(o, "maxAge"),
		    "ageQuery is wanted beside it: the query is more than one selector");
	if ((w->own.count_query != NULL || w->own.age_query != NULL) && w->query == NULL)
		mf_plan_refuse(o->rd, at(o, w->own.count_query != NULL ? "countQuery" : "ageQuery"),
		    "it stands beside a query");
	if (w->has_relative && !built_in && w->primary_query == NULL && w->n_primary_labels == 0)
		mf_plan_refuse(o->rd, at(o, "relativeTo"),
		    "%s is wanted beside it: how the primary is measured is not said",
		    w->preset != NULL ? "primaryLabels" : "primaryQuery");
}

void
mf_stanza_check_metric(struct mf_plan_reading *rd, const struct mf_node *item,
    const struct mf_metric_words *words, bool built_in)
{
	struct own o = {rd, item, words, NULL, NULL};

	check_source(&o, built_in && words->preset == NULL);
	check_bounds(&o);
	check_companions(&o, built_in);
}

/* "pass" everywhere would carry a model that nobody looked at. */
void
mf_stanza_check_metrics(
    struct mf_plan_reading *rd, const struct mf_node *analysis, const struct mf_canary_plan *plan)
{
	const struct mf_node *list = mf_node_get(analysis, "metrics");
	size_t i, counted = 0, passing = 0;

	for (i = 0; i < plan->n_metrics; i++) {
		passing += plan->metrics[i].on_no_data == MF_NO_DATA_PASS;
		counted += !plan->metrics[i].optional && !plan->metrics[i].alert_only;
	}
	if (list == NULL || (plan->n_metrics == 0 && rd->n_refusals == 0))
		mf_plan_refuse_key(rd, analysis, "metrics",
		    "is missing: nothing would tell a bad model from a good one");
	else if (plan->n_metrics > 0 && passing == plan->n_metrics)
		mf_plan_refuse(rd, list,
		    "onNoData is pass for every metric: without any data the run would go through");
	else if (plan->n_metrics > 0 && counted == 0)
		mf_plan_refuse(rd, list,
		    "every metric is optional or only alerts: without any value the run would go "
		    "through");
}
