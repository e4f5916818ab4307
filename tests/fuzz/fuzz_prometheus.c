/* What servers of metrics answer: the first byte says whose answer it is. */
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "src/rollout/drift.h"
#include "src/traffic/external_metrics.h"
#include "src/traffic/graphite.h"
#include "src/traffic/influxdb.h"
#include "src/traffic/prometheus_answer.h"
#include "tests/fuzz/fuzz_check.h"

#define BUCKETS 64u

/* Buckets of whatever came go on into a distance, which is a number. */
static void
measure(const struct mf_prom_answer *a)
{
	double le[BUCKETS], count[BUCKETS], value = 0;
	struct mf_distribution d = {.le = le, .cumulative = count}, same;
	size_t i;

	for (i = 0; i < a->n_series && i < BUCKETS; i++) {
		fuzz_require(a->series[i].first + a->series[i].n <= a->n_values);
		le[i] = a->series[i].le;
		count[i] = mf_drift_increase(a->values + a->series[i].first, a->series[i].n);
	}
	d.n_buckets = i;
	if (mf_drift_settle(&d, NULL) != 0)
		return;
	for (i = 1; i < d.n_buckets; i++)
		fuzz_require(le[i] > le[i - 1] && count[i] >= count[i - 1]);
	same = d;
	if (mf_drift_measure(MF_DRIFT_PSI, 0, &d, &same, &value, NULL) == 0)
		fuzz_require(value >= 0 && value <= 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct mf_region_params params = {
	    .plain_bytes = (size_t)256 << 20, .what = "fuzz", .reserve_bytes = (size_t)1 << 28};
	struct mf_prom_answer answer;
	struct mf_region *r;
	double value = 0;
	struct mf_error e = {0};
	int rc;

	if (size == 0 || mf_region_new(&params, &r, NULL) != 0)
		return 0;
	switch (data[0]) {
	case 'g': rc = mf_graphite_read(data + 1, size - 1, r, &value, &e); break;
	case 'i': rc = mf_influx_read(data + 1, size - 1, &value, &e); break;
	case 'e': rc = mf_external_read(data + 1, size - 1, r, &value, &e); break;
	default:
		rc = mf_prom_answer_read(&answer, data + 1, size - 1, r, &e);
		if (rc == 0)
			measure(&answer);
	}
	fuzz_require(rc >= -1 && rc <= 1);
	if (rc == -1)
		fuzz_require_error(&e);
	mf_region_free(r);
	return 0;
}
