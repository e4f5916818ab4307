/*
 * Reading InfluxDB 2's answers, annotated CSV
 * (docs.influxdata.com/influxdb/v2/reference/syntax/annotated-csv). Pure but for memory; any
 * thread.
 */
#ifndef MF_TRAFFIC_INFLUXDB_H
#define MF_TRAFFIC_INFLUXDB_H

#include <stddef.h>

#include "src/base/error.h"

#define MF_INFLUX_FIELDS_MAX 256u

/* 1: *value is `_value` of the first record; 0: there is no record; -1, MF_EFAIL: it is none, has
 * no _value, one that is empty or no number, or is a table of errors (whose text is told). */
int mf_influx_read(const void *bytes, size_t n, double *value, struct mf_error *e);

#endif
