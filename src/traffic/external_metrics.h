/* Reading external.metrics.k8s.io/v1beta1. Pure but for memory; any thread. */
#ifndef MF_TRAFFIC_EXTERNAL_METRICS_H
#define MF_TRAFFIC_EXTERNAL_METRICS_H

#include <stddef.h>

#include "src/base/buf.h"
#include "src/base/error.h"
#include "src/base/region.h"

/* A quantity of Kubernetes ("1500m", "2Ki", "1e3") as a number. 0, or -1. */
int mf_quantity_number(const char *text, double *value);
/* Append the path of a query "NAMESPACE/METRIC?labelSelector=ENCODED", of which only the metric
 * must be there (namespace: "default"). MF_EUSAGE for another shape. */
int mf_external_put_path(struct mf_buf *path, const char *query, struct mf_error *e);
/* 1: *value is that of the first item; 0: there is none; -1 with *e set. */
int mf_external_read(
    const void *bytes, size_t n, struct mf_region *r, double *value, struct mf_error *e);

#endif
