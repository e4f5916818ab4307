/* --metric and --metrics-from: numbers with names. */
#ifndef MF_CMD_METRICS_H
#define MF_CMD_METRICS_H

#include <stddef.h>
#include <stdint.h>

#include "src/config/options.h"
#include "src/repo/manifest.h"

struct mf_metrics {
	struct mf_metric *items; /* owned, names too; each name once */
	size_t n, capacity;
};

/* Set one, "KEY=NUMBER", or those of a JSON object, the n bytes of the file path. 0; -1: MF_EUSAGE
 * as below, MF_ENOMEM; then some may be set. */
int mf_metrics_add_text(struct mf_metrics *m, const char *text, struct mf_error *e);
int mf_metrics_add_json(struct mf_metrics *m, const char *path, const uint8_t *text, size_t n,
    struct mf_error *e);
/* All that the options say. MF_EUSAGE: no number, not finite, not an object of numbers. */
int mf_metrics_load(const struct mf_options *o, struct mf_metrics *out, struct mf_error *e);
void mf_metrics_fini(struct mf_metrics *m);

#endif
