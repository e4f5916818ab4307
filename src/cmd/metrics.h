/* --metric and --metrics-from: numbers with names. */
#ifndef MF_CMD_METRICS_H
#define MF_CMD_METRICS_H

#include <stddef.h>

#include "src/config/options.h"
#include "src/repo/manifest.h"

struct mf_metrics {
	struct mf_metric *items; /* owned, names too; each name once */
	size_t n, capacity;
};

/* MF_EUSAGE: no number, not finite, not an object of numbers. */
int mf_metrics_load(const struct mf_options *o, struct mf_metrics *out, struct mf_error *e);
void mf_metrics_fini(struct mf_metrics *m);

#endif
