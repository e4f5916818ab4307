/*
 * What Prometheus is told of runs: gauges in its text format, version 0.0.4
 * (https://prometheus.io/docs/instrumenting/exposition_formats/). One series of each for every
 * command, model and store; modelferry-monitoring(7) documents them.
 *
 * The text is read back, because the time of the last success must outlive the runs that fail. The
 * reader is strict and bounded: it takes what this writer writes, of metrics whose name begins with
 * modelferry_, and nothing else, so that no other's file is taken for ours. Metrics that a later
 * version of the program may have added are dropped.
 *
 * Pure. Not thread safe.
 */
#ifndef MF_REPORT_PROM_H
#define MF_REPORT_PROM_H

#include <stddef.h>

#include "src/base/buf.h"
#include "src/report/run.h"

#define MF_PROM_TEXT_MAX ((size_t)1 << 20)
#define MF_PROM_SERIES_MAX 1000u
#define MF_PROM_LABEL_MAX 1024u /* bytes of a label's value; a longer one is cut */
#define MF_PROM_VALUE_BYTES 32u

enum mf_prom_metric {
	MF_PROM_LAST_SUCCESS,
	MF_PROM_LAST_RUN,
	MF_PROM_EXIT_STATUS,
	MF_PROM_DURATION,
	MF_PROM_BYTES,
	MF_PROM_NEW_BYTES,
	MF_PROM_STORED_BYTES,
	MF_PROM_FETCHED_BYTES,
	MF_PROM_FILES,
	MF_PROM_NEW_CHUNKS,
	MF_PROM_KNOWN_CHUNKS,
	MF_PROM_RETRIES,
	MF_PROM_INFO,
	MF_PROM_METRICS
};

/* The first three tell series apart; the others are labels of MF_PROM_INFO alone. */
enum mf_prom_label {
	MF_PROM_COMMAND,
	MF_PROM_MODEL,
	MF_PROM_STORE,
	MF_PROM_KEY_LABELS,
	MF_PROM_VERSION = MF_PROM_KEY_LABELS,
	MF_PROM_RUN_ID,
	MF_PROM_PROGRAM,
	MF_PROM_LABELS
};

struct mf_prom_series {
	char *labels[MF_PROM_LABELS];                      /* owned; NULL: "", not written */
	char values[MF_PROM_METRICS][MF_PROM_VALUE_BYTES]; /* "": there is none */
};

struct mf_prom {
	struct mf_prom_series *series; /* in the order of the keys */
	size_t n, capacity;
};

#define MF_PROM_INIT ((struct mf_prom){.series = NULL})

void mf_prom_fini(struct mf_prom *p);

/* "modelferry_last_success_timestamp_seconds", "command". */
const char *mf_prom_metric_name(enum mf_prom_metric metric);
const char *mf_prom_label_name(enum mf_prom_label label);

/* Set the series of the run's command, model and store to what it says; of a run that failed, the
 * time of the last success stays. 0; -1: MF_ENOMEM, MF_EUSAGE for more than MF_PROM_SERIES_MAX. */
int mf_prom_add_run(struct mf_prom *p, const struct mf_report_run *run, struct mf_error *e);

/* Append the text of all series. */
void mf_prom_put(struct mf_buf *out, const struct mf_prom *p);

/* Read n bytes of such text into p, which begins as MF_PROM_INIT and needs mf_prom_fini in any
 * case. -1: MF_EDAMAGED with the number of the line; MF_ENOMEM. */
int mf_prom_parse(struct mf_prom *p, const void *text, size_t n, struct mf_error *e);

/* For the reader: the series with these key labels, made where there is none; good until the next
 * call. NULL with *e set, as mf_prom_add_run. */
struct mf_prom_series *mf_prom_series_of(
    struct mf_prom *p, char *const keys[MF_PROM_KEY_LABELS], struct mf_error *e);

#endif
