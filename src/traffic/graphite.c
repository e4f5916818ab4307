/*
 * Graphite's render API (graphite.readthedocs.io/en/latest/render_api.html): the query is its
 * parameters, "target=...&from=-2min", to which format=json is added. The value is the last one
 * of the last series that is not null.
 */
#include "config.h"

#include <math.h>
#include <string.h>

#include "src/net/url.h"
#include "src/rollout/document.h"
#include "src/traffic/graphite.h"
#include "src/traffic/provider_int.h"

static bool
is_list(const struct mf_node *node)
{
	return node != NULL && node->kind == MF_NODE_LIST;
}

/* [value, time]; a value may be null, or a number in quotes. 1: *value; 0: null; -1. */
static int
read_point(const struct mf_node *point, double *value)
{
	const struct mf_node *v;

	if (!is_list(point) || point->n_items != 2)
		return -1;
	v = point->items[0];
	if (v->kind == MF_NODE_NULL)
		return 0;
	if (v->kind == MF_NODE_NUMBER) {
		*value = v->number;
		return 1;
	}
	return v->kind == MF_NODE_STRING && mf_prom_number(v->text, value) == 0 ? 1 : -1;
}

int
mf_graphite_read(
    const void *bytes, size_t n, struct mf_region *r, double *value, struct mf_error *e)
{
	const struct mf_node *root = mf_document_json("the answer", bytes, n, r, e), *points;
	size_t i, j;
	int found = 0, rc;

	if (root == NULL)
		return -1;
	if (!is_list(root))
		return mf_error_set(e, MF_EFAIL, "the answer is none of Graphite: no list");
	for (i = 0; i < root->n_items; i++) {
		points = mf_node_get(root->items[i], "datapoints");
		if (!is_list(points))
			return mf_error_set(
			    e, MF_EFAIL, "the answer is none of Graphite: no datapoints");
		for (j = 0; j < points->n_items; j++) {
			if ((rc = read_point(points->items[j], value)) < 0)
				return mf_error_set(e, MF_EFAIL,
				    "the answer is none of Graphite: a point is no value and time");
			found |= rc;
		}
	}
	return found;
}

/* Append the query's parameters, with what a URL cannot hold encoded. */
static void
put_parameters(struct mf_buf *url, const char *query)
{
	const char *end;
	bool blank = false;

	query += strspn(query, " \t\r\n");
	for (; *query != '\0'; query = end) {
		end = query + strcspn(query, " \t\r\n");
		if (blank)
			mf_buf_printf(url, "%%20");
		mf_url_encode(url, query, (size_t)(end - query), "!$&'()*+,;=:@/?%");
		blank = true;
		end += strspn(end, " \t\r\n");
	}
}

static void
ask_for(struct mf_metric_provider *p, const struct mf_metric_query *q, const char *query,
    struct mf_measured *out)
{
	struct mf_dial_answer answer = MF_DIAL_ANSWER_INIT;
	struct mf_buf base = MF_BUF_INIT, url = MF_BUF_INIT;
	uint64_t left_us = mf_metric_timeout_us(q);
	struct mf_metric_call call = {.left_us = &left_us};
	struct mf_error e = {0};
	struct mf_region *r = mf_metric_region(&e);
	double value = 0;
	int rc = -1;

	*out = (struct mf_measured){.end = MF_MEASURE_ERROR};
	(void)mf_metric_address(q, 0, &base);
	if (mf_buf_cstr(&base) != NULL)
		mf_metric_put_url(&url, mf_buf_cstr(&base), "/render?");
	put_parameters(&url, query);
	mf_buf_printf(&url, "&format=json");
	call.url = mf_buf_cstr(&url);
	if (call.url == NULL || base.failed)
		mf_error_nomem(&e, "a URL");
	else if (r != NULL &&
		 mf_metric_fetch_ok(mf_metric_source_of(p), q, &call, &answer, &e) == 0)
		rc = mf_graphite_read(answer.body.data, answer.body.len, r, &value, &e);
	if (rc < 0)
		mf_metric_set_error(out, &e);
	else if (rc == 0)
		mf_metric_set_none(out, "no series has a value that is not null");
	else
		mf_metric_set_value(out, value);
	mf_dial_answer_fini(&answer);
	mf_buf_fini(&base);
	mf_buf_fini(&url);
	mf_region_free(r);
}

static void
ask(struct mf_metric_provider *p, const struct mf_metric_query *q, struct mf_region *r,
    struct mf_measured *out)
{
	(void)r;
	ask_for(p, q, q->query, out);
}

static int
probe(struct mf_metric_provider *p, const struct mf_metric_query *q, struct mf_error *e)
{
	struct mf_measured m;

	ask_for(p, q, "target=test", &m);
	return m.end == MF_MEASURE_ERROR ? mf_error_set(e, m.code, "%s", m.why) : 0;
}

const struct mf_metric_provider_ops mf_metric_graphite_ops = {
    .probe = probe, .ask = ask, .close = mf_metric_close};
