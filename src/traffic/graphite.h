/* Reading Graphite's answers. Pure but for memory; any thread. */
#ifndef MF_TRAFFIC_GRAPHITE_H
#define MF_TRAFFIC_GRAPHITE_H

#include "src/base/error.h"
#include "src/base/region.h"
#include "src/traffic/prometheus_answer.h"

/* 1: *value is the last one that is not null; 0: there is none; -1 with *e set. */
int mf_graphite_read(
    const void *bytes, size_t n, struct mf_region *r, double *value, struct mf_error *e);

#endif
