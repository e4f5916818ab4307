/* The providers of Argo's metrics: prometheus, web and job; the others are refused by name. */
#include <stddef.h>
#include <string.h>

#include "src/rollout/duration.h"
#include "src/rollout/jsonpath.h"
#include "src/rollout/plan_argo_int.h"
#include "src/rollout/plan_stanza.h"

#define SECOND_US ((uint64_t)1000000)
#define TIMEOUT_MAX_S 3600u

struct words {
	const char *address, *query, *method, *body, *json_path;
	unsigned timeout_s;
	bool insecure;
	const struct mf_node *headers, *authentication, *range, *json_body;
};

#define AT(field) offsetof(struct words, field)
#define COMMON                                                                                    \
	{.key = "insecure", .type = MF_FIELD_BOOL, .at = AT(insecure), .more = MF_FIELD_NOWHERE}, \
	    {.key = "headers", .type = MF_FIELD_NODE, .at = AT(headers)},                         \
	{                                                                                         \
		.key = "authentication", .type = MF_FIELD_NODE, .at = AT(authentication)          \
	}
static const struct mf_field prometheus_fields[] = {
    {.key = "address", .type = MF_FIELD_STRING, .need = true, .at = AT(address)},
    {.key = "query", .type = MF_FIELD_STRING, .need = true, .at = AT(query)},
    {.key = "rangeQuery", .type = MF_FIELD_NODE, .at = AT(range)},
    {.key = "timeout",
	.type = MF_FIELD_UNSIGNED,
	.at = AT(timeout_s),
	.min = 1,
	.max = TIMEOUT_MAX_S},
    COMMON,
};
static const char *const methods[] = {"GET", "POST", "PUT", NULL};
static const struct mf_field web_fields[] = {
    {.key = "url", .type = MF_FIELD_STRING, .need = true, .at = AT(address)},
    {.key = "method", .type = MF_FIELD_STRING, .at = AT(method)},
    {.key = "body", .type = MF_FIELD_STRING, .at = AT(body)},
    {.key = "jsonBody", .type = MF_FIELD_NODE, .at = AT(json_body)},
    {.key = "jsonPath", .type = MF_FIELD_STRING, .at = AT(json_path)},
    {.key = "timeoutSeconds",
	.type = MF_FIELD_UNSIGNED,
	.at = AT(timeout_s),
	.min = 1,
	.max = TIMEOUT_MAX_S},
    COMMON,
};
#undef AT
static const struct mf_form prometheus_form = {.name = "ArgoPrometheus",
    .bytes = sizeof(struct words),
    .fields = prometheus_fields,
    .n_fields = sizeof prometheus_fields / sizeof prometheus_fields[0]};
static const struct mf_form web_form = {.name = "ArgoWeb",
    .bytes = sizeof(struct words),
    .fields = web_fields,
    .n_fields = sizeof web_fields / sizeof web_fields[0]};

bool
mf_argo_duration(
    struct mf_plan_reading *rd, const struct mf_node *map, const char *key, uint64_t *us)
{
	const struct mf_node *at = mf_node_get(map, key);
	struct mf_error why = {0};
	int64_t seconds;

	if (at == NULL || at->kind == MF_NODE_NULL)
		return false;
	if (at->kind != MF_NODE_STRING) {
		if (!mf_plan_whole(rd, map, key, 0, (int64_t)1 << 32, &seconds))
			return false;
		*us = (uint64_t)seconds * SECOND_US;
		return true;
	}
	if (at->text[0] == '\0')
		return false;
	if (mf_duration_of_argo(at->text, us, &why) == 0)
		return true;
	mf_plan_refuse_error(rd, at, &why);
	return false;
}

/* Argo's list of {key, value}; one more in front where there is one. */
static void
read_headers(struct mf_plan_reading *rd, const struct mf_node *list, const struct mf_pair *front,
    struct mf_metric_query *q)
{
	const size_t n = list != NULL && list->kind == MF_NODE_LIST ? list->n_items : 0;
	struct mf_pair *pairs;

	if (list != NULL && list->kind != MF_NODE_LIST)
		mf_plan_refuse(rd, list, "a list is wanted here");
	if (n > MF_PLAN_LIST_MAX || (n == 0 && front == NULL)) {
		if (n > 0)
			mf_plan_refuse(rd, list, "more than %u headers", MF_PLAN_LIST_MAX);
		return;
	}
	if ((pairs = mf_plan_alloc(rd, n + 1, sizeof *pairs)) == NULL)
		return;
	q->headers = pairs;
	if (front != NULL)
		pairs[q->n_headers++] = *front;
	for (size_t i = 0; i < n; i++) {
		if (!mf_plan_is_map(rd, list->items[i]) ||
		    !mf_plan_need_string(rd, list->items[i], "key", &pairs[q->n_headers].name) ||
		    !mf_plan_text(rd, list->items[i], "value", &pairs[q->n_headers].value))
			continue;
		q->n_headers++;
	}
}

/* Secrets of templates come from arguments, which would put them into plans and journals. */
static void
refuse_authentication(struct mf_plan_reading *rd, const struct mf_node *node)
{
	const struct mf_node *at = node;

	if (node == NULL || (node->kind == MF_NODE_MAP && node->n_items == 0))
		return;
	if (node->kind == MF_NODE_MAP)
		at = node->items[0];
	mf_plan_refuse(rd, at,
	    "authentication of an AnalysisTemplate is not supported; a Migration's metrics have "
	    "auth");
}

/* "now()", "now() - duration('5m')": how long ago. */
static void
read_moment(
    struct mf_plan_reading *rd, const struct mf_node *range, const char *key, uint64_t *ago_us)
{
	char text[64];
	const char *p = NULL;
	size_t n = 0;

	if (!mf_plan_need_string(rd, range, key, &p))
		return;
	for (; *p != '\0' && n < sizeof text - 1; p++)
		if (*p != ' ')
			text[n++] = *p == '"' ? '\'' : *p;
	text[n] = '\0';
	*ago_us = 0;
	if (*p == '\0' && strcmp(text, "now()") == 0)
		return;
	n = strlen(text);
	if (*p == '\0' && strncmp(text, "now()-duration('", 16) == 0 && n > 18 &&
	    strcmp(text + n - 2, "')") == 0) {
		text[n - 2] = '\0';
		if (mf_duration_of_go(text + 16, ago_us, NULL) == 0)
			return;
	}
	mf_plan_refuse(rd, mf_node_get(range, key),
	    "only now() and now() - duration('5m') are known here, with any duration");
}

static void
read_range(struct mf_plan_reading *rd, const struct mf_node *range, struct mf_metric_query *q)
{
	static const char *const known[] = {"start", "end", "step", NULL};

	if (!mf_plan_is_map(rd, range))
		return;
	mf_plan_known_keys(rd, range, known);
	read_moment(rd, range, "start", &q->range.start_ago_us);
	read_moment(rd, range, "end", &q->range.end_ago_us);
	if (!mf_argo_duration(rd, range, "step", &q->range.step_us) || q->range.step_us == 0)
		mf_plan_refuse_key(rd, range, "step", "a step longer than nothing is wanted");
	if (q->range.start_ago_us <= q->range.end_ago_us)
		mf_plan_refuse(rd, range, "its start is not before its end");
}

static void
read_common(struct mf_plan_reading *rd, const struct mf_node *node, const char *url,
    const struct words *w, struct mf_metric_query *q)
{
	if (w->address != NULL)
		mf_plan_is_url(rd, mf_node_get(node, url), w->address);
	refuse_authentication(rd, w->authentication);
	if (w->insecure)
		mf_plan_warn(rd, mf_node_get(node, "insecure"),
		    "certificates are not verified: anybody between here and there can answer");
	q->address = w->address;
	q->insecure = w->insecure;
	q->timeout_us = w->timeout_s * SECOND_US;
}

static void
read_prometheus(struct mf_plan_reading *rd, const struct mf_node *node, struct mf_metric_query *q)
{
	struct words w = {.timeout_s = 30};

	mf_form_read(rd, &prometheus_form, node, &w);
	read_common(rd, node, "address", &w, q);
	read_headers(rd, w.headers, NULL, q);
	q->type = MF_PROVIDER_PROMETHEUS;
	q->query = w.query;
	if (w.range != NULL)
		read_range(rd, w.range, q);
}

static void
read_body(struct mf_plan_reading *rd, const struct mf_node *node, const struct words *w,
    struct mf_metric_query *q)
{
	const struct mf_pair json = {.name = "Content-Type", .value = "application/json"};
	struct mf_buf b = MF_BUF_INIT;

	q->body = w->body;
	if (w->json_body != NULL) {
		mf_node_put_json(&b, w->json_body);
		q->body = mf_plan_take(rd, &b);
	}
	if (w->body != NULL && w->json_body != NULL)
		mf_plan_refuse(rd, w->json_body, "there is a body already");
	if (q->body != NULL && strcmp(q->method, "GET") == 0)
		mf_plan_refuse(rd, node, "a GET has no body");
	read_headers(rd, w->headers, w->json_body != NULL ? &json : NULL, q);
}

static void
read_web(struct mf_plan_reading *rd, const struct mf_node *node, struct mf_metric_query *q)
{
	struct words w = {.timeout_s = 10, .json_path = "{$}", .method = "GET"};
	struct mf_error why = {0};
	unsigned which;

	mf_form_read(rd, &web_form, node, &w);
	mf_plan_enum(rd, node, "method", methods, &which);
	read_common(rd, node, "url", &w, q);
	q->type = MF_PROVIDER_WEB;
	q->method = w.method;
	q->json_path = w.json_path[0] != '\0' ? w.json_path : "{$}";
	if (mf_jsonpath_read(q->json_path, rd->region, &why) == NULL)
		mf_plan_refuse_error(rd, mf_node_get(node, "jsonPath"), &why);
	read_body(rd, node, &w, q);
}

/* The Job goes to the cluster as it stands here. */
static void
read_job(struct mf_plan_reading *rd, const struct mf_node *node, struct mf_metric_query *q)
{
	static const char *const known[] = {"metadata", "spec", NULL};
	struct mf_buf b = MF_BUF_INIT;

	mf_plan_known_keys(rd, node, known);
	if (mf_plan_map(rd, node, "spec") == NULL)
		mf_plan_refuse_key(rd, node, "spec", "is missing");
	q->type = MF_PROVIDER_JOB;
	mf_node_put_json(&b, node);
	q->body = mf_plan_take(rd, &b);
}

bool
mf_argo_provider(
    struct mf_plan_reading *rd, const struct mf_node *metric, struct mf_metric_query *q)
{
	static const struct {
		const char *name;
		void (*read)(struct mf_plan_reading *rd, const struct mf_node *node,
		    struct mf_metric_query *q);
	} readers[] = {{"prometheus", read_prometheus}, {"web", read_web}, {"job", read_job}};
	const struct mf_node *provider = mf_plan_map(rd, metric, "provider"), *one;
	const unsigned before = rd->n_refusals;

	if (provider == NULL || provider->n_items != 1) {
		mf_plan_refuse(rd, provider != NULL ? provider : metric,
		    "a metric needs one provider, not %zu",
		    provider != NULL ? provider->n_items : (size_t)0);
		return false;
	}
	one = provider->items[0];
	for (size_t i = 0; i < sizeof readers / sizeof readers[0]; i++) {
		if (strcmp(one->key, readers[i].name) != 0)
			continue;
		if (mf_plan_is_map(rd, one))
			readers[i].read(rd, one, q);
		return rd->n_refusals == before;
	}
	mf_plan_refuse(
	    rd, one, "the provider %.64s is not supported; prometheus, web and job are", one->key);
	return false;
}
