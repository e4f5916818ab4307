/* MetricTemplates (flagger.app/v1beta1), and the little language of their queries. */
#include <stddef.h>
#include <string.h>

#include "src/rollout/plan_stanza.h"
#include "src/rollout/template.h"

struct template_words {
	const struct mf_node *provider;
	const char *query;
};

struct provider_words {
	const char *type, *address, *secret;
	const struct mf_pair *headers;
	size_t n_headers;
	const char *region;
	bool insecure;
};

static const struct mf_field template_spec[] = {
    {.key = "provider",
	.type = MF_FIELD_NODE,
	.need = true,
	.at = offsetof(struct template_words, provider)},
    {.key = "query",
	.type = MF_FIELD_STRING,
	.need = true,
	.at = offsetof(struct template_words, query)},
};
static const struct mf_form template_form = {.name = "MetricTemplate",
    .bytes = sizeof(struct template_words),
    .fields = template_spec,
    .n_fields = sizeof template_spec / sizeof template_spec[0]};

#define AT(field) offsetof(struct provider_words, field)
static const struct mf_field provider_fields[] = {
    {.key = "type", .type = MF_FIELD_STRING, .need = true, .at = AT(type)},
    {.key = "address", .type = MF_FIELD_STRING, .at = AT(address)},
    {.key = "secretRef", .type = MF_FIELD_KNOWN},
    {.key = "headers", .type = MF_FIELD_KNOWN},
    {.key = "region", .type = MF_FIELD_STRING, .at = AT(region)},
    {.key = "insecureSkipVerify",
	.type = MF_FIELD_BOOL,
	.at = AT(insecure),
	.more = MF_FIELD_NOWHERE},
};
#undef AT
static const struct mf_form provider_form = {.name = "MetricTemplateProvider",
    .bytes = sizeof(struct provider_words),
    .fields = provider_fields,
    .n_fields = sizeof provider_fields / sizeof provider_fields[0]};

struct type_row {
	const char *word;
	enum mf_provider_type type;
	bool supported, needs_address;
};

static const struct type_row types[] = {
    {"prometheus", MF_PROVIDER_PROMETHEUS, true, true},
    {"graphite", MF_PROVIDER_GRAPHITE, true, true},
    {"influxdb", MF_PROVIDER_INFLUXDB, true, true},
    {"externalmetrics", MF_PROVIDER_EXTERNAL_METRICS, true, false},
    {"web", MF_PROVIDER_WEB, true, true},
    {.word = "datadog"},
    {.word = "cloudwatch"},
    {.word = "newrelic"},
    {.word = "stackdriver"},
    {.word = "dynatrace"},
    {.word = "splunk"},
    {.word = "keptn"},
    {.word = "signoz"},
    {.word = NULL},
};

static const struct type_row *
type_of(struct mf_plan_reading *rd, const struct mf_node *provider, const char *word)
{
	const struct mf_node *at = mf_node_get(provider, "type");
	const struct type_row *row;

	for (row = types; row->word != NULL; row++)
		if (strcmp(row->word, word) == 0)
			break;
	if (row->word != NULL && row->supported)
		return row;
	mf_plan_refuse(rd, at,
	    "the provider %.32s is %s: prometheus, graphite, influxdb, externalmetrics and web are",
	    word, row->word != NULL ? "not supported yet" : "not known");
	return NULL;
}

/* Flagger's headers are lists of values by name: a header a value. */
static void
read_headers(struct mf_plan_reading *rd, const struct mf_node *provider, struct provider_words *w)
{
	const struct mf_node *map = mf_plan_map(rd, provider, "headers"), *values;
	struct mf_pair *pairs;
	size_t i, k, n = 0;

	for (i = 0; map != NULL && i < map->n_items; i++)
		n += map->items[i]->kind == MF_NODE_LIST ? map->items[i]->n_items : 1;
	if (n == 0 || n > MF_PLAN_LIST_MAX || (pairs = mf_plan_alloc(rd, n, sizeof *pairs)) == NULL)
		return;
	for (i = 0; i < map->n_items; i++) {
		values = map->items[i];
		if (values->kind != MF_NODE_LIST) {
			mf_plan_refuse(rd, values, "a header's values are a list");
			continue;
		}
		for (k = 0; k < values->n_items; k++) {
			if (values->items[k]->kind != MF_NODE_STRING) {
				mf_plan_refuse(rd, values->items[k], "a header's value is a text");
				continue;
			}
			pairs[w->n_headers++] =
			    (struct mf_pair){values->key, values->items[k]->text};
		}
	}
	w->headers = pairs;
}

static bool
read_provider(struct mf_plan_reading *rd, const struct mf_node *provider, struct mf_metric_query *q)
{
	struct provider_words w = {0};
	const struct type_row *row;
	const struct mf_node *address = mf_node_get(provider, "address");

	if (provider == NULL || !mf_plan_is_map(rd, provider))
		return false;
	mf_form_read(rd, &provider_form, provider, &w);
	read_headers(rd, provider, &w);
	mf_plan_string(rd, mf_plan_map(rd, provider, "secretRef"), "name", &w.secret);
	if (w.type == NULL || (row = type_of(rd, provider, w.type)) == NULL)
		return false;
	if (row->needs_address && w.address == NULL) {
		mf_plan_refuse_key(rd, provider, "address", "is missing: where %s is", w.type);
		return false;
	}
	if (w.address != NULL && !mf_plan_is_url(rd, address, w.address))
		return false;
	if (w.insecure)
		mf_plan_warn(rd, mf_node_get(provider, "insecureSkipVerify"),
		    "certificates are not verified: anybody between here and there can answer");
	q->type = row->type;
	q->address = w.address;
	q->headers = w.headers;
	q->n_headers = w.n_headers;
	q->auth.secret_name = w.secret;
	q->insecure = w.insecure;
	return true;
}

const char *
mf_stanza_render(struct mf_plan_reading *rd, const struct mf_node *at, const char *text,
    const struct mf_metric_words *w, const struct mf_metrics_for *what)
{
	const struct mf_pair words[] = {
	    {"name", what->names.name},
	    {"namespace", what->names.namespace_name},
	    {"target", what->names.target},
	    {"service", what->names.service},
	    {"ingress", what->names.ingress},
	    {"route", what->names.route},
	    {"interval", w->interval != NULL ? w->interval : "1m"},
	};
	struct mf_pair known[sizeof words / sizeof words[0]];
	struct mf_template_words t = {
	    .words = known, .variables = w->variables, .n_variables = w->n_variables};
	struct mf_buf b = MF_BUF_INIT;
	struct mf_error why = {0};
	size_t i;

	for (i = 0; i < sizeof words / sizeof words[0]; i++)
		if (words[i].value != NULL)
			known[t.n_words++] = words[i];
	if (mf_template_flagger(&b, text, &t, &why) == 0)
		return mf_plan_take(rd, &b);
	mf_plan_refuse_error(rd, at, &why);
	mf_buf_fini(&b);
	return NULL;
}

/* A template that says {{ interval }} where the metric says none: Flagger sends an empty one. */
static void
check_interval(struct mf_plan_reading *rd, const struct mf_node *at, const char *query,
    const struct mf_metric_words *w)
{
	const char *open = query;

	if (w->interval != NULL || rd->params->lenient)
		return;
	while ((open = strstr(open, "{{")) != NULL) {
		open += 2;
		open += strspn(open, "- \t\n");
		if (strncmp(open, "interval", 8) != 0)
			continue;
		mf_plan_refuse_key(rd, at->parent, "interval",
		    "is missing, and the template %.64s asks for it", w->template_name);
		return;
	}
}

bool
mf_stanza_template(struct mf_plan_reading *rd, const struct mf_node *at,
    const struct mf_metric_words *w, const struct mf_metrics_for *what, struct mf_metric_query *out)
{
	const char *in =
	    w->template_namespace != NULL ? w->template_namespace : what->names.namespace_name;
	const struct mf_node *doc =
	    mf_plan_document(rd, "flagger.app", "MetricTemplate", w->template_name, in);
	const struct mf_node *spec;
	struct template_words t = {0};

	if (doc == NULL && rd->params->lenient) {
		mf_plan_warn(
		    rd, at, "the MetricTemplate %.64s is not in this file", w->template_name);
		return false;
	}
	if (doc == NULL) {
		mf_plan_refuse(rd, at,
		    "the MetricTemplate %.64s is not in this file (namespace %.64s)",
		    w->template_name, in);
		return false;
	}
	if ((spec = mf_plan_need_map(rd, doc, "spec")) == NULL)
		return false;
	mf_form_read(rd, &template_form, spec, &t);
	if (t.query == NULL || !read_provider(rd, t.provider, out))
		return false;
	check_interval(rd, at, t.query, w);
	out->query = mf_stanza_render(rd, mf_node_get(spec, "query"), t.query, w, what);
	if (out->type == MF_PROVIDER_WEB)
		out->json_path = out->query;
	return out->query != NULL;
}
