/*
 * Distances of distributions, against values that others have published:
 *  - docs.scipy.org, scipy.stats.ks_2samp (0.13.0), its three examples, with the samples that its
 *    seed 12345678 gives (tests/unit/rollout/samples: a is rvs1, b rvs2, c rvs3, d rvs4);
 *  - ketchbrookanalytics.github.io/KAscore/reference/psi.html, with the counts that its seed 123
 *    gives;
 *  - Wikipedia, "Kullback-Leibler divergence", basic example: both directions, whose sum is PSI;
 *  - Cover and Thomas, Elements of Information Theory, example 2.3.1 (r = 1/2, s = 1/4): both
 *    directions, in bits.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "src/rollout/drift.h"

#define MAX 400

struct side {
	double samples[MAX], le[MAX], cumulative[MAX];
	struct mf_distribution d;
};

static void
read_samples(struct side *s, const char *name)
{
	const char *top = getenv("MF_TOP_SRCDIR");
	char path[500], line[64];
	FILE *f;

	*s = (struct side){.d = {.samples = s->samples}};
	(void)snprintf(path, sizeof path, "%s/tests/unit/rollout/samples/%s.txt",
	    top != NULL ? top : "..", name);
	f = fopen(path, "r");
	assert_non_null(f);
	while (fgets(line, sizeof line, f) != NULL) {
		assert_true(s->d.n_samples < MAX);
		s->samples[s->d.n_samples++] = strtod(line, NULL);
	}
	(void)fclose(f);
}

/* Counts of bins as a histogram: bounds 1, 2, ... and +Inf. */
static void
of_counts(struct side *s, const double *counts, size_t n)
{
	double sum = 0;
	size_t i;

	*s = (struct side){.d = {.le = s->le, .cumulative = s->cumulative, .n_buckets = n}};
	for (i = 0; i < n; i++) {
		s->le[i] = i + 1 < n ? (double)(i + 1) : INFINITY;
		s->cumulative[i] = sum += counts[i];
	}
}

static double
measure(enum mf_drift_test test, struct side *current, struct side *reference)
{
	struct mf_error e = {0};
	double value = NAN;

	if (mf_drift_measure(test, 0, &current->d, &reference->d, &value, &e) != 0)
		fail_msg("%s", e.message);
	return value;
}

static void
assert_near(double got, double want, double within)
{
	if (!(fabs(got - want) <= within))
		fail_msg("%.17g is not %.17g", got, want);
}

static void
published_ks(void **state)
{
	static const struct {
		const char *other;
		double want;
	} rows[] = {
	    {"b", 0.20833333333333337}, {"c", 0.10333333333333333}, {"d", 0.07999999999999996}};
	struct side a, other;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		read_samples(&a, "a");
		read_samples(&other, rows[i].other);
		assert_int_equal(a.d.n_samples, 200);
		assert_int_equal(other.d.n_samples, 300);
		assert_near(measure(MF_DRIFT_KS, &a, &other), rows[i].want, 1e-15);
		assert_near(measure(MF_DRIFT_KS, &other, &a), rows[i].want, 1e-15);
	}
}

static void
published_psi(void **state)
{
	static const double development[] = {248, 247, 260, 245}, monitoring[] = {13, 43, 63, 81};
	static const double p[] = {9, 12, 4}, q[] = {1, 1, 1};
	static const double half[] = {1, 1}, quarter[] = {3, 1};
	struct side x, y;

	(void)state;
	of_counts(&x, development, 4);
	of_counts(&y, monitoring, 4);
	assert_near(measure(MF_DRIFT_PSI, &y, &x), 0.3404592, 5e-8);
	assert_near(measure(MF_DRIFT_PSI, &x, &y), 0.3404592, 5e-8);
	of_counts(&x, p, 3);
	of_counts(&y, q, 3);
	assert_near(measure(MF_DRIFT_PSI, &x, &y), 0.0852996 + 0.097455, 1e-6);
	of_counts(&x, half, 2);
	of_counts(&y, quarter, 2);
	assert_near(measure(MF_DRIFT_PSI, &x, &y), (0.2075 + 0.1887) * log(2), 1e-4);
}

/* Empty on both sides: left out. On one: half an observation. */
static void
empty_bins(void **state)
{
	static const double a[] = {10, 0, 0, 10}, b[] = {10, 0, 10, 20};
	const double term = (0.5 / 20 - 0.25) * log((0.5 / 20) / 0.25);
	struct side x, y;

	(void)state;
	of_counts(&x, a, 4);
	of_counts(&y, b, 4);
	assert_near(measure(MF_DRIFT_PSI, &x, &y), (0.5 - 0.25) * log(2) + term, 1e-12);
	assert_near(measure(MF_DRIFT_KS, &x, &y), 0.25, 1e-12);
}

/* By ten quantiles of the reference: its deciles hold a tenth each. */
static void
quantiles(void **state)
{
	struct side x = {.d = {.samples = x.samples, .n_samples = 100}},
		    y = {.d = {.samples = y.samples, .n_samples = 100}};
	struct mf_error e = {0};
	double value;
	size_t i;

	(void)state;
	for (i = 0; i < 100; i++) {
		x.samples[i] = (double)(100 - i);
		y.samples[i] = (double)(i / 2 + 1); /* 1, 1, ... 50, 50 */
	}
	/* five bins with a fifth, five with half an observation */
	assert_near(measure(MF_DRIFT_PSI, &y, &x),
	    5 * (0.2 - 0.1) * log(2) + 5 * (0.005 - 0.1) * log(0.05), 1e-12);
	/* two bins: one with all, one with half an observation */
	assert_int_equal(mf_drift_measure(MF_DRIFT_PSI, 2, &y.d, &x.d, &value, &e), 0);
	assert_near(value, (1 - 0.5) * log(2) + (0.005 - 0.5) * log(0.01), 1e-12);
	/* a constant reference has one bin up to it, and one above */
	for (i = 0; i < 100; i++)
		x.samples[i] = 30;
	assert_near(
	    measure(MF_DRIFT_PSI, &y, &x), (0.6 - 1) * log(0.6) + (0.4 - 0.005) * log(80), 1e-12);
	assert_near(measure(MF_DRIFT_KS, &y, &x), 0.58, 1e-12);
}

static void
buckets(void **state)
{
	/* two servers', unsorted, one with a bound of its own; rounding made one bucket smaller */
	double le[] = {INFINITY, 1, 2, 1, INFINITY, 2}, count[] = {10, 2, 6, 1, 3, 3.0000001};
	struct mf_distribution d = {.le = le, .cumulative = count, .n_buckets = 6};
	struct side samples = {.d = {.samples = samples.samples, .n_samples = 4}};
	double value, le2[] = {5, INFINITY}, count2[] = {1, 2};
	struct mf_distribution other = {.le = le2, .cumulative = count2, .n_buckets = 2};
	struct mf_error e = {0};

	(void)state;
	assert_int_equal(mf_drift_settle(&d, &e), 0);
	assert_int_equal(d.n_buckets, 3);
	assert_near(le[0], 1, 0);
	assert_near(count[0], 3, 0);
	assert_near(count[1], 9, 1e-6);
	assert_near(count[2], 13, 0);
	assert_near(mf_drift_total(&d), 13, 0);
	/* samples are counted into the buckets: up to 1 one, up to 2 two */
	samples.samples[0] = 9;
	samples.samples[1] = 1;
	samples.samples[2] = 1.5;
	samples.samples[3] = 2.5;
	assert_int_equal(mf_drift_measure(MF_DRIFT_KS, 0, &samples.d, &d, &value, &e), 0);
	assert_near(value, 9.0 / 13 - 0.5, 1e-6);
	assert_int_equal(mf_drift_settle(&other, &e), 0);
	assert_int_equal(mf_drift_measure(MF_DRIFT_KS, 0, &other, &d, &value, &e), -1);
	assert_string_equal(
	    e.message, "the two histograms have no bound of a bucket in common but +Inf");
}

static void
refusals(void **state)
{
	static const struct {
		double le[2], count[2];
		size_t n;
		const char *want;
	} rows[] = {
	    {{1, 2}, {1, 2}, 2, "the histogram has no bucket le=\"+Inf\""},
	    {{-INFINITY, -INFINITY}, {1, 2}, 2, "the histogram has no bucket le=\"+Inf\""},
	    {{1, 2}, {1, 2}, 0, "the histogram has no bucket le=\"+Inf\""},
	    {{NAN, INFINITY}, {1, 2}, 2, "a series of the histogram has no label le"},
	    {{1, INFINITY}, {-1, 2}, 2, "a bucket of the histogram holds no count"},
	    {{1, INFINITY}, {NAN, 2}, 2, "a bucket of the histogram holds no count"},
	    {{1, INFINITY}, {1, INFINITY}, 2, "a bucket of the histogram holds no count"},
	};
	struct mf_distribution d, none = {.n_samples = 0};
	struct mf_error e = {0};
	double le[2], count[2], value;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		memcpy(le, rows[i].le, sizeof le);
		memcpy(count, rows[i].count, sizeof count);
		d = (struct mf_distribution){.le = le, .cumulative = count, .n_buckets = rows[i].n};
		assert_int_equal(mf_drift_settle(&d, &e), -1);
		assert_string_equal(e.message, rows[i].want);
	}
	d = (struct mf_distribution){.samples = le, .n_samples = 2};
	assert_int_equal(mf_drift_measure(MF_DRIFT_PSI, 0, &none, &d, &value, &e), -1);
	assert_string_equal(e.message, "the current distribution is empty");
	assert_int_equal(mf_drift_measure(MF_DRIFT_PSI, 0, &d, &none, &value, &e), -1);
	assert_int_equal(mf_drift_measure(MF_DRIFT_PSI, 1, &d, &d, &value, &e), -1);
	assert_int_equal(mf_drift_measure(MF_DRIFT_PSI, 1001, &d, &d, &value, &e), -1);
}

static void
counter_resets(void **state)
{
	static const double steady[] = {10, 12, 12, 20}, reset[] = {10, 12, 3, 5, 0, 1};

	(void)state;
	assert_near(mf_drift_increase(steady, 4), 10, 0);
	assert_near(mf_drift_increase(reset, 6), 2 + 3 + 2 + 0 + 1, 0);
	assert_near(mf_drift_increase(steady, 1), 0, 0);
	assert_near(mf_drift_increase(steady, 0), 0, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(published_ks),
	    cmocka_unit_test(published_psi),
	    cmocka_unit_test(empty_bins),
	    cmocka_unit_test(quantiles),
	    cmocka_unit_test(buckets),
	    cmocka_unit_test(refusals),
	    cmocka_unit_test(counter_resets),
	};

	return cmocka_run_group_tests_name("drift", tests, NULL, NULL);
}
