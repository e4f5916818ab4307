#include <math.h>
#include <stdlib.h>

#include "src/base/size.h"
#include "src/rollout/drift.h"

/* Both distributions' cumulative counts at the same bounds, in ascending order. */
struct table {
	double *bound, *current, *reference;
	size_t n;
};

double
mf_drift_increase(const double *values, size_t n)
{
	double gained = 0;
	size_t i;

	for (i = 1; i < n; i++)
		gained += values[i] >= values[i - 1] ? values[i] - values[i - 1] : values[i];
	return gained;
}

struct bucket {
	double le, count;
};

static int
by_bound(const void *a, const void *b)
{
	const struct bucket *x = a, *y = b;

	return (x->le > y->le) - (x->le < y->le);
}

static int
by_value(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static int
sort_buckets(struct mf_distribution *d, struct mf_error *e)
{
	struct bucket *all = calloc(d->n_buckets + 1, sizeof *all);
	size_t i, n = 0;

	if (all == NULL)
		return mf_error_nomem(e, "a histogram");
	for (i = 0; i < d->n_buckets; i++)
		all[i] = (struct bucket){d->le[i], d->cumulative[i]};
	qsort(all, d->n_buckets, sizeof *all, by_bound);
	for (i = 0; i < d->n_buckets; i++) {
		if (n > 0 && d->le[n - 1] >= all[i].le) { /* equal */
			d->cumulative[n - 1] += all[i].count;
			continue;
		}
		d->le[n] = all[i].le;
		d->cumulative[n++] = all[i].count;
	}
	d->n_buckets = n;
	free(all);
	return 0;
}

int
mf_drift_settle(struct mf_distribution *d, struct mf_error *e)
{
	size_t i;

	if (d->n_buckets > MF_DRIFT_BUCKETS_MAX)
		return mf_error_set(
		    e, MF_EUSAGE, "the histogram has more than %u buckets", MF_DRIFT_BUCKETS_MAX);
	for (i = 0; i < d->n_buckets; i++) {
		if (isnan(d->le[i]))
			return mf_error_set(
			    e, MF_EUSAGE, "a series of the histogram has no label le");
		if (!isfinite(d->cumulative[i]) || d->cumulative[i] < 0)
			return mf_error_set(
			    e, MF_EUSAGE, "a bucket of the histogram holds no count");
	}
	if (sort_buckets(d, e) != 0)
		return -1;
	if (d->n_buckets == 0 || !isinf(d->le[d->n_buckets - 1]) || d->le[d->n_buckets - 1] < 0)
		return mf_error_set(e, MF_EUSAGE, "the histogram has no bucket le=\"+Inf\"");
	for (i = 1; i < d->n_buckets; i++)
		if (d->cumulative[i] < d->cumulative[i - 1])
			d->cumulative[i] = d->cumulative[i - 1];
	return 0;
}

double
mf_drift_total(const struct mf_distribution *d)
{
	if (d->n_buckets > 0)
		return d->cumulative[d->n_buckets - 1];
	return (double)d->n_samples;
}

/* How many of the sorted samples are at most x. */
static size_t
count_up_to(const struct mf_distribution *d, double x)
{
	size_t low = 0, high = d->n_samples, middle;

	while (low < high) {
		middle = low + (high - low) / 2;
		if (d->samples[middle] <= x)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* The cumulative count at x; false: buckets have no such bound. */
static bool
cumulative_at(const struct mf_distribution *d, double x, double *count)
{
	size_t low = 0, high = d->n_buckets, middle;

	if (d->n_buckets == 0) {
		*count = (double)count_up_to(d, x);
		return true;
	}
	while (low < high) {
		middle = low + (high - low) / 2;
		if (d->le[middle] < x)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == d->n_buckets || d->le[low] > x)
		return false;
	*count = d->cumulative[low];
	return true;
}

static void
add_row(struct table *t, const struct mf_distribution *current,
    const struct mf_distribution *reference, double bound)
{
	if (t->n > 0 && t->bound[t->n - 1] >= bound)
		return; /* a tie */
	if (!cumulative_at(current, bound, &t->current[t->n]) ||
	    !cumulative_at(reference, bound, &t->reference[t->n]))
		return;
	t->bound[t->n++] = bound;
}

/* Bounds: those of buckets, or the quantiles of the reference's samples, or all samples. */
static void
fill_table(struct table *t, enum mf_drift_test test, size_t bins,
    const struct mf_distribution *current, const struct mf_distribution *reference)
{
	const struct mf_distribution *h = reference->n_buckets > 0 ? reference : current;
	const size_t n = reference->n_samples;
	size_t i, j;

	if (h->n_buckets > 0) {
		for (i = 0; i < h->n_buckets; i++)
			add_row(t, current, reference, h->le[i]);
	} else if (test == MF_DRIFT_PSI) {
		for (i = 1; i < bins; i++)
			if ((j = (i * n + bins - 1) / bins) > 0)
				add_row(t, current, reference, reference->samples[j - 1]);
		add_row(t, current, reference, INFINITY);
	} else {
		for (i = j = 0; i < n || j < current->n_samples;)
			if (j >= current->n_samples ||
			    (i < n && reference->samples[i] <= current->samples[j]))
				add_row(t, current, reference, reference->samples[i++]);
			else
				add_row(t, current, reference, current->samples[j++]);
	}
}

/* The share of a bin that holds so many of n; never 0. */
static double
share(double count, double n)
{
	return (count > 0 ? count : 0.5) / n;
}

static double
psi(const struct table *t, double n_current, double n_reference)
{
	double sum = 0, a, b, p, q;
	size_t i;

	for (i = 0; i < t->n; i++) {
		a = t->current[i] - (i > 0 ? t->current[i - 1] : 0);
		b = t->reference[i] - (i > 0 ? t->reference[i - 1] : 0);
		if (a <= 0 && b <= 0)
			continue;
		p = share(a, n_current);
		q = share(b, n_reference);
		sum += (p - q) * log(p / q);
	}
	return sum;
}

static double
largest_gap(const struct table *t, double n_current, double n_reference)
{
	double gap = 0, here;
	size_t i;

	for (i = 0; i < t->n; i++) {
		here = fabs(t->current[i] / n_current - t->reference[i] / n_reference);
		if (here > gap)
			gap = here;
	}
	return gap;
}

static int
check(unsigned bins, const struct mf_distribution *current, const struct mf_distribution *reference,
    struct mf_error *e)
{
	if (bins == 1 || bins > MF_DRIFT_BINS_MAX)
		return mf_error_set(
		    e, MF_EUSAGE, "the number of bins is not within 2 and %u", MF_DRIFT_BINS_MAX);
	if (mf_drift_total(current) <= 0)
		return mf_error_set(e, MF_EUSAGE, "the current distribution is empty");
	if (mf_drift_total(reference) <= 0)
		return mf_error_set(e, MF_EUSAGE, "the reference distribution is empty");
	return 0;
}

static int
alloc_table(struct table *t, size_t n, struct mf_error *e)
{
	size_t bytes;

	if (mf_size_mul(n + 1, 3 * sizeof *t->bound, &bytes))
		t->bound = malloc(bytes);
	if (t->bound == NULL)
		return mf_error_nomem(e, "the bins of two distributions");
	t->current = t->bound + n + 1;
	t->reference = t->current + n + 1;
	return 0;
}

int
mf_drift_measure(enum mf_drift_test test, unsigned bins, struct mf_distribution *current,
    struct mf_distribution *reference, double *value, struct mf_error *e)
{
	const size_t n_bins = bins != 0 ? bins : MF_DRIFT_BINS;
	struct table t = {.n = 0};

	if (check(bins, current, reference, e) != 0)
		return -1;
	if (current->n_buckets == 0)
		qsort(current->samples, current->n_samples, sizeof(double), by_value);
	if (reference->n_buckets == 0)
		qsort(reference->samples, reference->n_samples, sizeof(double), by_value);
	if (alloc_table(&t,
		n_bins + current->n_samples + reference->n_samples + current->n_buckets +
		    reference->n_buckets,
		e) != 0)
		return -1;
	fill_table(&t, test, n_bins, current, reference);
	if (t.n < 2 && (current->n_buckets > 0 || reference->n_buckets > 0)) {
		free(t.bound);
		return mf_error_set(e, MF_EUSAGE,
		    "the two histograms have no bound of a bucket in common but +Inf");
	}
	*value = test == MF_DRIFT_PSI
		     ? psi(&t, mf_drift_total(current), mf_drift_total(reference))
		     : largest_gap(&t, mf_drift_total(current), mf_drift_total(reference));
	free(t.bound);
	return 0;
}
