/*
 * How far the predictions of now lie from a reference: each of the two is a query for the buckets
 * of a histogram, or a file of samples. Without a range a query's values are counts as they stand,
 * such as those of increase(...); over a range each series' increase is taken here, resets and all.
 */
#include "config.h"

#include "src/traffic/drift.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/rollout/drift.h"
#include "src/traffic/prometheus.h"

#define TOKEN_BYTES 64u

struct reading {
	const char *path;
	FILE *f;
	unsigned long line;
	double *values;
	size_t n, capacity;
};

static bool
parts(int c)
{
	return c != EOF && c != '\0' && strchr(" \t\r\n,#", c) != NULL;
}

/* The next number's text; 0: the end. -1: no text, or too long. */
static int
next_token(struct reading *g, char out[TOKEN_BYTES])
{
	size_t n = 0;
	int c = getc(g->f);

	while (parts(c)) {
		if (c == '#')
			while (c != EOF && c != '\n')
				c = getc(g->f);
		g->line += c == '\n';
		c = c != EOF ? getc(g->f) : EOF;
	}
	for (; c != EOF && !parts(c); c = getc(g->f)) {
		if (c == '\0' || n + 1 == TOKEN_BYTES)
			return -1;
		out[n++] = (char)c;
	}
	if (c != EOF)
		(void)ungetc(c, g->f);
	out[n] = '\0';
	return n > 0;
}

static int
keep(struct reading *g, double value, struct mf_error *e)
{
	double *more;

	if (g->n == MF_METRIC_SAMPLES_MAX)
		return mf_error_set(
		    e, MF_EUSAGE, "%s holds more than %zu samples", g->path, MF_METRIC_SAMPLES_MAX);
	if (g->n == g->capacity) {
		g->capacity = g->capacity > 0 ? 2 * g->capacity : 1024;
		more = realloc(g->values, g->capacity * sizeof *more);
		if (more == NULL)
			return mf_error_nomem(e, "the samples of a file");
		g->values = more;
	}
	g->values[g->n++] = value;
	return 0;
}

int
mf_drift_read_samples(const char *path, double **out, size_t *n, struct mf_error *e)
{
	struct reading g = {.path = path, .line = 1};
	char token[TOKEN_BYTES];
	double value = 0;
	int rc;

	*out = NULL;
	*n = 0;
	if ((g.f = fopen(path, "re")) == NULL)
		return mf_error_sys(e, errno, "cannot read %s", path);
	while ((rc = next_token(&g, token)) > 0) {
		if (mf_prom_number(token, &value) != 0 || !isfinite(value)) {
			rc = -1;
			break;
		}
		if (keep(&g, value, e) != 0) {
			rc = -2;
			break;
		}
	}
	if (rc == 0 && ferror(g.f))
		rc = mf_error_sys(e, EIO, "cannot read %s", path) - 1;
	(void)fclose(g.f);
	if (rc < 0) {
		free(g.values);
		return rc == -1
			   ? mf_error_set(e, MF_EUSAGE, "%s:%lu: not a finite number", path, g.line)
			   : -1;
	}
	*out = g.values;
	*n = g.n;
	return 0;
}

/* The buckets that a query gives; memory from r. */
static int
fetch_buckets(struct mf_metric_source *s, const struct mf_metric_query *q, const char *query,
    uint64_t *left_us, struct mf_region *r, struct mf_distribution *d, struct mf_error *e)
{
	const bool ranged = q->range.step_us > 0;
	struct mf_prom_answer a;
	size_t i;

	if (mf_prometheus_query(s, q, query, ranged, left_us, r, &a, e) != 0)
		return -1;
	if (a.type != (ranged ? MF_PROM_MATRIX : MF_PROM_VECTOR))
		return mf_error_set(e, MF_EUSAGE, "the answer is no histogram's buckets");
	if (a.n_series == 0)
		return 0;
	d->le = mf_region_alloc(r, a.n_series * sizeof *d->le, e);
	d->cumulative = mf_region_alloc(r, a.n_series * sizeof *d->cumulative, e);
	if (d->le == NULL || d->cumulative == NULL)
		return -1;
	for (i = 0; i < a.n_series; i++) {
		d->le[i] = a.series[i].le;
		d->cumulative[i] =
		    ranged ? mf_drift_increase(a.values + a.series[i].first, a.series[i].n)
			   : a.values[a.series[i].first];
	}
	d->n_buckets = a.n_series;
	return mf_drift_settle(d, e);
}

static int
fetch_side(struct mf_metric_source *s, const struct mf_metric_query *q, const char *text,
    bool is_file, uint64_t *left_us, struct mf_region *r, struct mf_distribution *d,
    struct mf_error *e)
{
	*d = (struct mf_distribution){.n_samples = 0};
	if (is_file)
		return mf_drift_read_samples(text, &d->samples, &d->n_samples, e);
	return fetch_buckets(s, q, text, left_us, r, d, e);
}

static uint64_t
observations(const struct mf_distribution *a, const struct mf_distribution *b)
{
	const double n = fmin(mf_drift_total(a), mf_drift_total(b));

	return n >= 0.5 && n < 1e18 ? (uint64_t)(n + 0.5) : 0;
}

static void
settle(const struct mf_metric_query *q, struct mf_distribution *current,
    struct mf_distribution *reference, struct mf_measured *out)
{
	struct mf_error e = {0};
	double value = 0;

	if (mf_drift_total(current) <= 0 || mf_drift_total(reference) <= 0) {
		mf_metric_set_none(out, mf_drift_total(current) <= 0
					    ? "the current distribution is empty"
					    : "the reference distribution is empty");
		return;
	}
	out->samples = observations(current, reference);
	if (out->samples < q->min_samples) {
		out->end = MF_MEASURE_FEW;
		(void)snprintf(out->why, sizeof out->why, "%llu samples of %llu",
		    (unsigned long long)out->samples, (unsigned long long)q->min_samples);
		return;
	}
	if (mf_drift_measure(q->drift.test, q->drift.bins, current, reference, &value, &e) != 0)
		mf_metric_set_error(out, &e);
	else
		mf_metric_set_value(out, value);
}

static void
ask(struct mf_metric_provider *p, const struct mf_metric_query *q, struct mf_region *r,
    struct mf_measured *out)
{
	struct mf_metric_source *s = mf_metric_source_of(p);
	const struct mf_metric_drift *drift = &q->drift;
	uint64_t left_us = mf_metric_timeout_us(q);
	struct mf_distribution current = {.n_samples = 0}, reference = {.n_samples = 0};
	struct mf_error e = {0};
	struct mf_region *scratch = mf_metric_region(&e);

	(void)r;
	*out = (struct mf_measured){.end = MF_MEASURE_ERROR};
	if (scratch == NULL ||
	    fetch_side(s, q, drift->current, drift->current_is_file, &left_us, scratch, &current,
		&e) != 0 ||
	    fetch_side(s, q, drift->reference, drift->reference_is_file, &left_us, scratch,
		&reference, &e) != 0)
		mf_metric_set_error(out, &e);
	else
		settle(q, &current, &reference, out);
	free(current.samples);
	free(reference.samples);
	mf_region_free(scratch);
}

static int
probe(struct mf_metric_provider *p, const struct mf_metric_query *q, struct mf_error *e)
{
	double *samples;
	size_t n;

	if (q->drift.reference_is_file) {
		if (mf_drift_read_samples(q->drift.reference, &samples, &n, e) != 0)
			return -1;
		free(samples);
	}
	if (q->drift.current_is_file && q->drift.reference_is_file)
		return 0;
	return mf_metric_prometheus_ops.probe(p, q, e);
}

const struct mf_metric_provider_ops mf_metric_drift_ops = {
    .probe = probe, .ask = ask, .close = mf_metric_close};
