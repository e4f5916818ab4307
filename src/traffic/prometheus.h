/*
 * Asking Prometheus: GET <address>/api/v1/query, or query_range, with the base path of the
 * address kept and white space squeezed; a POST where the query is too long for a URL. Of several
 * servers the next one is asked where one cannot be reached or fails (5xx, 429), each with its
 * share of the time that is left.
 *
 * Which value counts: in a Canary (as_tree false) that of the LAST series of a vector, of which
 * there should be one; scalars and matrices are errors there. In an AnalysisTemplate (as_tree)
 * a scalar is a number, a vector or a matrix the flat list of its numbers.
 *
 * What src/traffic/drift.c asks it too.
 */
#ifndef MF_TRAFFIC_PROMETHEUS_H
#define MF_TRAFFIC_PROMETHEUS_H

#include "src/traffic/prometheus_answer.h"
#include "src/traffic/provider_int.h"

/* Ask the servers of q for another query than q's own. ranged: over q->range. *left_us is what is
 * left of the time. 0, or -1 with *e set. */
int mf_prometheus_query(struct mf_metric_source *s, const struct mf_metric_query *q,
    const char *query, bool ranged, uint64_t *left_us, struct mf_region *r,
    struct mf_prom_answer *out, struct mf_error *e);
/* The same for one number: the last series of a vector. 1: *value; 0: the result is empty. */
int mf_prometheus_number(struct mf_metric_source *s, const struct mf_metric_query *q,
    const char *query, uint64_t *left_us, struct mf_region *r, double *value, struct mf_error *e);

#endif
