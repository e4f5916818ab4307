/*
 * The answers of Prometheus's HTTP API (prometheus.io/docs/prometheus/latest/querying/api),
 * /api/v1/query and /api/v1/query_range, which Thanos, Mimir and VictoriaMetrics give, too.
 *
 * Hostile answers are refused: what is no JSON or not of that shape or past the bounds of
 * src/rollout/document.h, a value that is no number. Texts of the server go into messages escaped
 * and cut.
 *
 * Pure but for memory; any thread.
 */
#ifndef MF_TRAFFIC_PROMETHEUS_ANSWER_H
#define MF_TRAFFIC_PROMETHEUS_ANSWER_H

#include <stdbool.h>
#include <stddef.h>

#include "src/base/error.h"
#include "src/base/region.h"
#include "src/rollout/node.h"

#define MF_PROM_WARNING_BYTES 160

enum mf_prom_type { MF_PROM_SCALAR, MF_PROM_VECTOR, MF_PROM_MATRIX, MF_PROM_STRING };

struct mf_prom_series {
	double le;       /* the label le of a histogram's bucket; NaN: it has none */
	size_t first, n; /* in values; a vector's series has one */
	const struct mf_node *labels; /* a map, in the region; NULL: it has none */
};

struct mf_prom_answer {
	enum mf_prom_type type;
	struct mf_prom_series *series; /* in the region, as the values; of a scalar: one */
	size_t n_series;
	double *values;
	size_t n_values;
	char warning[MF_PROM_WARNING_BYTES]; /* the first one; "": none */
	bool refused;                        /* with -1: the error is in Prometheus's own words */
};

/* Read the body of an answer. 0; -1: MF_EFAIL with what the server says ("bad_data: ..."), or that
 * it is nothing that one can use; MF_ENOMEM. */
int mf_prom_answer_read(struct mf_prom_answer *out, const void *bytes, size_t n,
    struct mf_region *r, struct mf_error *e);
/* A number as Prometheus writes it: "1.5", "NaN", "+Inf". 0, or -1. */
int mf_prom_number(const char *text, double *value);

#endif
