/*
 * The external metrics API of Kubernetes, at the address that the query gives. The token is `token`
 * of the Secret, or the query's file, such as a service account's.
 */
#include "config.h"

#include "src/traffic/external_metrics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "src/net/url.h"
#include "src/rollout/document.h"
#include "src/traffic/prometheus_answer.h"
#include "src/traffic/provider_int.h"

#define API "/apis/external.metrics.k8s.io/v1beta1/namespaces/"

int
mf_quantity_number(const char *text, double *value)
{
	static const struct {
		const char *suffix;
		double factor;
	} units[] = {{"", 1}, {"n", 1e-9}, {"u", 1e-6}, {"m", 1e-3}, {"k", 1e3}, {"M", 1e6},
	    {"G", 1e9}, {"T", 1e12}, {"P", 1e15}, {"E", 1e18}, {"Ki", 1024.0}, {"Mi", 1048576.0},
	    {"Gi", 1073741824.0}, {"Ti", 1099511627776.0}, {"Pi", 1125899906842624.0},
	    {"Ei", 1152921504606846976.0}};
	char number[64];
	const size_t n = strspn(text, "+-.0123456789"), all = strlen(text);
	const char *suffix = text + n;
	size_t i;

	if (n == 0 || all >= sizeof number)
		return -1;
	if (mf_prom_number(text, value) == 0) /* 1e3, too */
		return 0;
	memcpy(number, text, n);
	number[n] = '\0';
	for (i = 0; i < sizeof units / sizeof units[0]; i++)
		if (strcmp(suffix, units[i].suffix) == 0) {
			if (mf_prom_number(number, value) != 0)
				return -1;
			*value *= units[i].factor;
			return 0;
		}
	return -1;
}

static bool
is_name(const char *s, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (s[i] <= ' ' || s[i] >= 0x7f || strchr("%#\\\"<>^`{|}", s[i]) != NULL)
			return false;
	return n > 0 && n < 254;
}

int
mf_external_put_path(struct mf_buf *path, const char *query, struct mf_error *e)
{
	static const char selector[] = "labelSelector=";
	const size_t n = strcspn(query, "?");
	const char *slash = memchr(query, '/', n), *metric = slash != NULL ? slash + 1 : query;
	const size_t metric_n = (size_t)(query + n - metric);
	const size_t space_n = slash != NULL ? (size_t)(slash - query) : 0;

	if (!is_name(metric, metric_n) || memchr(metric, '/', metric_n) != NULL ||
	    (space_n > 0 && !is_name(query, space_n)))
		return mf_error_set(
		    e, MF_EUSAGE, "the query is no NAMESPACE/METRIC?labelSelector=SELECTOR");
	mf_buf_printf(path, API);
	if (space_n > 0)
		mf_buf_put(path, query, space_n);
	else
		mf_buf_printf(path, "default");
	mf_buf_printf(path, "/");
	mf_buf_put(path, metric, metric_n);
	if (query[n] == '\0')
		return 0;
	if (strncmp(query + n + 1, selector, sizeof selector - 1) != 0 ||
	    strchr(query + n + 1, '&') != NULL)
		return mf_error_set(
		    e, MF_EUSAGE, "the query has another parameter than labelSelector");
	mf_buf_printf(path, "?");
	mf_url_encode(path, query + n + 1, strlen(query + n + 1), "=%");
	return 0;
}

int
mf_external_read(
    const void *bytes, size_t n, struct mf_region *r, double *value, struct mf_error *e)
{
	const struct mf_node *root = mf_document_json("the answer", bytes, n, r, e), *items, *v;

	if (root == NULL)
		return -1;
	items = mf_node_get(root, "items");
	if (items == NULL || items->kind != MF_NODE_LIST)
		return mf_error_set(e, MF_EFAIL, "the answer is no list of external metrics");
	if (items->n_items == 0)
		return 0;
	v = mf_node_get(items->items[0], "value");
	if (v != NULL && v->kind == MF_NODE_NUMBER) {
		*value = v->number;
		return 1;
	}
	if (v == NULL || v->kind != MF_NODE_STRING || mf_quantity_number(v->text, value) != 0)
		return mf_error_set(e, MF_EFAIL, "the value of an external metric is no quantity");
	return 1;
}

static int
fetch(struct mf_metric_provider *p, const struct mf_metric_query *q, const char *query,
    struct mf_dial_answer *answer, bool any_status, struct mf_error *e)
{
	struct mf_buf base = MF_BUF_INIT, path = MF_BUF_INIT, url = MF_BUF_INIT;
	uint64_t left_us = mf_metric_timeout_us(q);
	struct mf_metric_call call = {.left_us = &left_us};
	int rc = -1;

	(void)mf_metric_address(q, 0, &base);
	if (mf_external_put_path(&path, query, e) == 0) {
		if (mf_buf_cstr(&base) != NULL && mf_buf_cstr(&path) != NULL)
			mf_metric_put_url(&url, mf_buf_cstr(&base), mf_buf_cstr(&path));
		call.url = mf_buf_cstr(&url);
		if (base.failed || path.failed || call.url == NULL)
			mf_error_nomem(e, "a URL");
		else
			rc = (any_status ? mf_metric_fetch : mf_metric_fetch_ok)(
			    mf_metric_source_of(p), q, &call, answer, e);
	}
	mf_buf_fini(&base);
	mf_buf_fini(&path);
	mf_buf_fini(&url);
	return rc;
}

static void
ask(struct mf_metric_provider *p, const struct mf_metric_query *q, struct mf_region *r,
    struct mf_measured *out)
{
	struct mf_dial_answer answer = MF_DIAL_ANSWER_INIT;
	struct mf_error e = {0};
	struct mf_region *scratch = mf_metric_region(&e);
	double value = 0;
	int rc = -1;

	(void)r;
	*out = (struct mf_measured){.end = MF_MEASURE_ERROR};
	if (scratch != NULL && fetch(p, q, q->query, &answer, false, &e) == 0)
		rc = mf_external_read(answer.body.data, answer.body.len, scratch, &value, &e);
	if (rc < 0)
		mf_metric_set_error(out, &e);
	else if (rc == 0)
		mf_metric_set_none(out, "there is no such external metric");
	else
		mf_metric_set_value(out, value);
	mf_dial_answer_fini(&answer);
	mf_region_free(scratch);
}

/* Whoever answers is there; that there is no such metric says so, too. */
static int
probe(struct mf_metric_provider *p, const struct mf_metric_query *q, struct mf_error *e)
{
	struct mf_dial_answer answer = MF_DIAL_ANSWER_INIT;
	int rc = fetch(p, q, "kube-system/dummy-metric", &answer, true, e);

	if (rc == 0 && answer.status > 299 && answer.status != 404)
		rc = mf_metric_refused(&answer, e);
	mf_dial_answer_fini(&answer);
	return rc;
}

const struct mf_metric_provider_ops mf_metric_external_ops = {
    .probe = probe, .ask = ask, .close = mf_metric_close};
