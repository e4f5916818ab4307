#include "config.h"

#include "src/traffic/prometheus.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "src/base/text.h"
#include "src/net/url.h"
#include "src/rollout/promtext.h"

#define GET_URL_MAX 6000u /* bytes of a URL; longer ones are posted */
#define FORM "application/x-www-form-urlencoded"

static void
put_time(struct mf_buf *b, const char *name, int64_t us)
{
	mf_buf_printf(b, "&%s=%lld.%03lld", name, (long long)(us / 1000000),
	    (long long)(us % 1000000 / 1000));
}

/* The parameters of a query, as a form. */
static int
put_form(struct mf_buf *b, const struct mf_metric_source *s, const struct mf_metric_query *q,
    const char *query, bool ranged, uint64_t timeout_us, struct mf_error *e)
{
	const unsigned long long timeout_ms = timeout_us / 1000 + 1;
	struct mf_buf squeezed = MF_BUF_INIT;
	int64_t now_us;

	mf_promtext_put_squeezed(&squeezed, query);
	mf_buf_printf(b, "query=");
	mf_url_encode(b, squeezed.data, squeezed.len, "");
	b->failed = b->failed || squeezed.failed;
	mf_buf_fini(&squeezed);
	mf_buf_printf(b, "&timeout=%llums", timeout_ms);
	if (ranged) {
		if (s->params.unix_us == NULL)
			return mf_error_set(
			    e, MF_EUNSUPPORTED, "a range cannot be asked for without a clock");
		now_us = s->params.unix_us(s->params.arg);
		put_time(b, "start", now_us - (int64_t)q->range.start_ago_us);
		put_time(b, "end", now_us - (int64_t)q->range.end_ago_us);
		mf_buf_printf(b, "&step=%llu.%03llu",
		    (unsigned long long)(q->range.step_us / 1000000),
		    (unsigned long long)(q->range.step_us % 1000000 / 1000));
	}
	return b->failed ? mf_error_nomem(e, "a query") : 0;
}

/* Is it worth asking another server? */
static bool
may_differ(int status)
{
	return status >= 500 || status == 429 || status == 404;
}

/* What an answer of another status than 2xx says: Prometheus's own words, where it is one's. */
static int
refused(const struct mf_dial_answer *answer, struct mf_region *r, struct mf_error *e)
{
	struct mf_error said = {0};
	struct mf_prom_answer a;

	(void)mf_metric_refused(answer, e);
	if (mf_prom_answer_read(&a, answer->body.data, answer->body.len, r, &said) == 0 ||
	    !a.refused || e == NULL)
		return -1;
	(void)mf_error_set(&said, e->code, "%s", said.message);
	said.http_status = answer->status;
	*e = said;
	return -1;
}

/* One server. 0; 1: *e says why, and another one may know better; -1. */
static int
ask_one(struct mf_metric_source *s, const struct mf_metric_query *q, const char *base,
    const char *path, struct mf_buf *form, struct mf_region *r, uint64_t *left_us,
    struct mf_prom_answer *out, struct mf_error *e)
{
	struct mf_dial_answer answer = MF_DIAL_ANSWER_INIT;
	struct mf_metric_call call = {.left_us = left_us};
	struct mf_buf url = MF_BUF_INIT;
	int rc = -1;

	mf_metric_put_url(&url, base, path);
	if (url.len + form->len + 1 <= GET_URL_MAX) {
		mf_buf_printf(&url, "?");
		mf_buf_put(&url, form->data, form->len);
	} else {
		call.body = form->data;
		call.body_bytes = form->len;
		call.content_type = FORM;
	}
	if ((call.url = mf_buf_cstr(&url)) == NULL)
		mf_error_nomem(e, "a URL");
	else if (mf_metric_fetch(s, q, &call, &answer, e) != 0)
		rc = e->code == MF_ETRANSFER ? 1 : -1;
	else if (answer.status < 200 || answer.status > 299) {
		refused(&answer, r, e);
		rc = may_differ(answer.status) ? 1 : -1;
	} else
		rc = mf_prom_answer_read(out, answer.body.data, answer.body.len, r, e);
	mf_dial_answer_fini(&answer);
	mf_buf_fini(&url);
	return rc;
}

static size_t
count_addresses(const struct mf_metric_query *q)
{
	struct mf_buf ignored = MF_BUF_INIT;
	size_t n = 0;

	while (mf_metric_address(q, n, &ignored))
		n++;
	mf_buf_fini(&ignored);
	return n;
}

int
mf_prometheus_query(struct mf_metric_source *s, const struct mf_metric_query *q, const char *query,
    bool ranged, uint64_t *left_us, struct mf_region *r, struct mf_prom_answer *out,
    struct mf_error *e)
{
	const char *path = ranged ? "/api/v1/query_range" : "/api/v1/query";
	const size_t n = count_addresses(q);
	struct mf_buf base = MF_BUF_INIT, form = MF_BUF_INIT;
	uint64_t share_us, before_us;
	size_t i;
	int rc = 1;

	if (n == 0)
		return mf_error_set(e, MF_EUSAGE, "there is no address of a Prometheus");
	for (i = 0; rc == 1 && i<n && * left_us> 0; i++) {
		before_us = share_us = *left_us / (n - i);
		mf_buf_clear(&base);
		mf_buf_clear(&form);
		(void)mf_metric_address(q, i, &base);
		rc = mf_buf_cstr(&base) == NULL ? mf_error_nomem(e, "a URL")
						: put_form(&form, s, q, query, ranged, share_us, e);
		if (rc == 0)
			rc = ask_one(s, q, mf_buf_cstr(&base), path, &form, r, &share_us, out, e);
		*left_us -= before_us - share_us;
	}
	mf_buf_fini(&base);
	mf_buf_fini(&form);
	if (rc == 1 && i == 0)
		return mf_error_set(e, MF_ETRANSFER, "no time is left to ask");
	return rc == 0 ? 0 : -1;
}

int
mf_prometheus_number(struct mf_metric_source *s, const struct mf_metric_query *q, const char *query,
    uint64_t *left_us, struct mf_region *r, double *value, struct mf_error *e)
{
	struct mf_prom_answer a;

	if (mf_prometheus_query(s, q, query, false, left_us, r, &a, e) != 0)
		return -1;
	if (a.type == MF_PROM_MATRIX || a.type == MF_PROM_STRING)
		return mf_error_set(e, MF_EUSAGE, "the answer is no number");
	if (a.n_values == 0)
		return 0;
	*value = a.values[a.n_values - 1];
	return 1;
}

/* All numbers, flat. */
static const struct mf_node *
list_of(const struct mf_prom_answer *a, struct mf_region *r, struct mf_error *e)
{
	struct mf_node **items =
	    mf_region_alloc(r, (a->n_values + 1) * sizeof(struct mf_node *), e);
	size_t i;

	if (items == NULL)
		return NULL;
	for (i = 0; i < a->n_values; i++)
		if ((items[i] = mf_node_number(r, a->values[i], e)) == NULL)
			return NULL;
	return mf_node_list(r, items, a->n_values, e);
}

static void
set_tree(struct mf_measured *out, const struct mf_prom_answer *a, struct mf_region *r)
{
	struct mf_error e = {0};

	if (a->type == MF_PROM_STRING)
		mf_error_set(&e, MF_EUSAGE, "the answer is a string");
	else if (a->type == MF_PROM_SCALAR)
		out->result = mf_node_number(r, a->values[0], &e);
	else
		out->result = list_of(a, r, &e);
	if (out->result == NULL) {
		mf_metric_set_error(out, &e);
		return;
	}
	out->end = MF_MEASURE_VALUE;
	out->value = a->n_values > 0 ? a->values[a->n_values - 1] : (double)NAN;
}

static void
set_number(struct mf_measured *out, const struct mf_prom_answer *a)
{
	struct mf_error e = {0};

	if (a->type == MF_PROM_VECTOR) {
		if (a->n_values == 0)
			mf_metric_set_none(out, "the result is empty");
		else
			mf_metric_set_value(out, a->values[a->n_values - 1]);
		return;
	}
	if (a->type == MF_PROM_MATRIX)
		mf_error_set(&e, MF_EUSAGE, "the answer has multiple values");
	else
		mf_error_set(&e, MF_EUSAGE, "the answer is a %s; wrap the query in vector()",
		    a->type == MF_PROM_SCALAR ? "scalar" : "string");
	mf_metric_set_error(out, &e);
}

/* A predicate: is what it compares there, and does it hold? */
static void
settle_predicate(struct mf_metric_source *s, const struct mf_metric_query *q,
    const struct mf_prom_answer *a, uint64_t *left_us, struct mf_region *r, struct mf_measured *out)
{
	const bool holds = a->n_values > 0;
	struct mf_error e = {0};
	double value;
	int rc;

	rc = mf_prometheus_number(s, q, q->left_query, left_us, r, &value, &e);
	if (rc == 0 && !holds) {
		out->result = NULL;
		mf_metric_set_none(out, "what the query compares is empty");
		return;
	}
	if (rc < 0) {
		mf_metric_set_error(out, &e);
		return;
	}
	if (q->as_tree) {
		if ((out->result = mf_node_bool(r, holds, &e)) == NULL)
			mf_metric_set_error(out, &e);
		else
			out->value = holds ? 1 : 0;
	} else if (!holds)
		mf_metric_set_value(out, value);
}

static void
settle_samples(struct mf_metric_source *s, const struct mf_metric_query *q, uint64_t *left_us,
    struct mf_region *r, struct mf_measured *out)
{
	struct mf_error e = {0};
	double value = 0;

	if (mf_prometheus_number(s, q, q->count_query, left_us, r, &value, &e) < 0) {
		mf_metric_set_error(out, &e);
		return;
	}
	if (value >= 0.5 && value < 1e18)
		out->samples = (uint64_t)(value + 0.5);
	if (out->samples >= q->min_samples)
		return;
	out->end = MF_MEASURE_FEW;
	(void)snprintf(out->why, sizeof out->why, "%llu samples of %llu",
	    (unsigned long long)out->samples, (unsigned long long)q->min_samples);
}

/* The age of the newest sample behind the value. */
static void
settle_age(struct mf_metric_source *s, const struct mf_metric_query *q, uint64_t *left_us,
    struct mf_region *r, struct mf_measured *out)
{
	struct mf_buf query = MF_BUF_INIT;
	struct mf_error e = {0};
	double age_s = 0;
	int rc = 0;

	if (q->age_query != NULL)
		mf_buf_printf(&query, "%s", q->age_query);
	else if (q->max_age_us > 0 && mf_promtext_is_selector(q->query))
		mf_buf_printf(&query, "time() - max(timestamp(%s\n))", q->query);
	if (query.len > 0 || query.failed)
		rc = mf_buf_cstr(&query) != NULL
			 ? mf_prometheus_number(s, q, mf_buf_cstr(&query), left_us, r, &age_s, &e)
			 : mf_error_nomem(&e, "a query");
	mf_buf_fini(&query);
	if (rc < 0)
		mf_metric_set_error(out, &e);
	if (rc != 1 || !(age_s > 0) || age_s > 1e12)
		return;
	out->age_us = (uint64_t)(age_s * 1e6);
	if (q->max_age_us == 0 || out->age_us <= q->max_age_us)
		return;
	out->result = NULL;
	mf_metric_set_none(out, "");
	(void)snprintf(out->why, sizeof out->why, "the newest sample is %.0f s old", age_s);
}

static bool
is_measured(const struct mf_measured *out)
{
	return out->end == MF_MEASURE_VALUE || out->end == MF_MEASURE_NAN;
}

static void
ask(struct mf_metric_provider *p, const struct mf_metric_query *q, struct mf_region *r,
    struct mf_measured *out)
{
	struct mf_metric_source *s = mf_metric_source_of(p);
	uint64_t left_us = mf_metric_timeout_us(q);
	struct mf_error e = {0};
	struct mf_prom_answer a;
	struct mf_region *scratch = mf_metric_region(&e);

	*out = (struct mf_measured){.end = MF_MEASURE_ERROR};
	if (scratch == NULL || mf_prometheus_query(s, q, q->query, q->range.step_us > 0, &left_us,
				   scratch, &a, &e) != 0) {
		mf_metric_set_error(out, &e);
		mf_region_free(scratch);
		return;
	}
	if (q->as_tree)
		set_tree(out, &a, r);
	else
		set_number(out, &a);
	if (q->left_query != NULL && out->end != MF_MEASURE_ERROR)
		settle_predicate(s, q, &a, &left_us, r, out);
	if (q->count_query != NULL && is_measured(out))
		settle_samples(s, q, &left_us, scratch, out);
	if (is_measured(out))
		settle_age(s, q, &left_us, scratch, out);
	if (*a.warning != '\0' && *out->why == '\0')
		(void)snprintf(out->why, sizeof out->why, "warning: %.*s",
		    (int)(sizeof out->why - 10), a.warning);
	mf_region_free(scratch);
}

static int
probe(struct mf_metric_provider *p, const struct mf_metric_query *q, struct mf_error *e)
{
	uint64_t left_us = mf_metric_timeout_us(q);
	struct mf_region *r = mf_metric_region(e);
	double value = 0;
	int rc = -1;

	if (r != NULL)
		rc = mf_prometheus_number(
		    mf_metric_source_of(p), q, "vector(1)", &left_us, r, &value, e);
	mf_region_free(r);
	if (rc < 0)
		return -1;
	if (rc == 0 || value < 1 || value > 1)
		return mf_error_set(e, MF_EFAIL, "the server does not answer vector(1) with 1");
	return 0;
}

const struct mf_metric_provider_ops mf_metric_prometheus_ops = {
    .probe = probe, .ask = ask, .close = mf_metric_close};
