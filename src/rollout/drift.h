/*
 * How far two distributions lie apart: the population stability index and the two-sample
 * Kolmogorov-Smirnov statistic, of samples or of histograms with cumulative buckets as Prometheus
 * has them.
 *
 *	PSI = sum over the bins of (p - q) * ln(p / q)
 *
 * with p the share of the current and q that of the reference distribution; it is the Kullback-
 * Leibler divergence of p from q plus that of q from p (Jeffreys), symmetric, 0 and more. A bin
 * that both leave empty says nothing and is left out. Where one leaves it empty its share is taken
 * as that of half an observation, 0.5 / n, so that the index stays finite, and grows with what is
 * on the other side. Bins of samples are cut at the quantiles of the reference (10 of them where
 * nothing else is asked), ties falling into one; those of histograms are their buckets.
 *
 *	D = the largest |F(x) - G(x)|
 *
 * with F and G the shares up to x: exact for samples; for histograms taken at the bounds of the
 * buckets, which is at most the true one.
 *
 * Histograms with other buckets are compared at the bounds that both have. Samples beside a
 * histogram are counted into its buckets.
 *
 * Pure but for memory; any thread.
 */
#ifndef MF_ROLLOUT_DRIFT_H
#define MF_ROLLOUT_DRIFT_H

#include <stddef.h>

#include "src/base/error.h"
#include "src/rollout/metric.h"

#define MF_DRIFT_BINS 10u
#define MF_DRIFT_BINS_MAX 1000u
#define MF_DRIFT_BUCKETS_MAX 10000u

/* One of the two: samples, or buckets. */
struct mf_distribution {
	double *samples; /* sorted in place by mf_drift_measure */
	size_t n_samples;
	/* Buckets as mf_drift_settle leaves them. */
	double *le, *cumulative;
	size_t n_buckets;
};

/* What a counter gained over its values in the order of time: where it falls it was reset, and
 * begins again at 0. 0 for fewer than two. */
double mf_drift_increase(const double *values, size_t n);
/*
 * Put buckets, of one histogram or of several servers', into order: sorted by le, equal ones
 * added up, and never less than the one before (rates are rounded). -1, MF_EUSAGE: no bucket
 * le="+Inf", a bound that is NaN, a count that is negative or no number.
 */
int mf_drift_settle(struct mf_distribution *d, struct mf_error *e);
/* How many observations it holds. */
double mf_drift_total(const struct mf_distribution *d);
/* *value is the distance. bins: of samples for PSI, 0: MF_DRIFT_BINS. MF_EUSAGE: a distribution
 * without an observation, buckets without a bound in common, too many bins; MF_ENOMEM. */
int mf_drift_measure(enum mf_drift_test test, unsigned bins, struct mf_distribution *current,
    struct mf_distribution *reference, double *value, struct mf_error *e);

#endif
