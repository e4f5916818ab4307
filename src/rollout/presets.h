/*
 * Metrics of model servers that a plan may name in place of writing PromQL:
 *
 *	- name: time-to-first-token
 *	  preset: vllm
 *	  labels: {model_name: churn, instance: "=~canary-.*"}
 *	  thresholdRange: {max: 500}
 *
 * The labels say which server's series count; their values are compared as they stand, behind
 * "=~" as a regular expression (anchored), behind "!=" and "!~" as what must not be.
 * modelferry-metrics(7) lists the metrics, their units and what stands for "no data".
 *
 * Pure; any thread.
 */
#ifndef MF_ROLLOUT_PRESETS_H
#define MF_ROLLOUT_PRESETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/buf.h"
#include "src/base/error.h"
#include "src/rollout/metric.h"

#define MF_PRESET_LABELS_MAX 16u

struct mf_preset_row {
	const char *preset; /* "vllm" */
	const char *metric; /* "time-to-first-token" */
	const char *unit;   /* "ms", "%", "1", "requests" */
	const char *what;   /* for people */
};

/* The i-th row; NULL: no more. */
const struct mf_preset_row *mf_preset_row(size_t i);
/* Its row; NULL: none. */
const struct mf_preset_row *mf_preset_find(const char *preset, const char *metric);

/* Append the query over a window. MF_EUSAGE: an unknown preset or metric (named, with those that
 * there are), a label that is none, no label at all (it would count both sides). */
int mf_preset_query(const char *preset, const char *metric, const struct mf_pair *labels,
    size_t n_labels, uint64_t window_us, struct mf_buf *out, struct mf_error *e);
/* Its companions for mf_metric_query: requests in the window, and seconds since the newest sample.
 * Of a gauge the count is that of its samples. */
int mf_preset_count_query(const char *preset, const char *metric, const struct mf_pair *labels,
    size_t n_labels, uint64_t window_us, struct mf_buf *out, struct mf_error *e);
int mf_preset_age_query(const char *preset, const char *metric, const struct mf_pair *labels,
    size_t n_labels, struct mf_buf *out, struct mf_error *e);

#endif
