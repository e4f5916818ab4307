/* Reading files of samples for src/rollout/drift.h. */
#ifndef MF_TRAFFIC_DRIFT_H
#define MF_TRAFFIC_DRIFT_H

#include <stddef.h>

#include "src/base/error.h"

/* Read numbers parted by blanks, commas or lines; '#' begins a comment. *out is the caller's
 * (free(3)). MF_EUSAGE names file and line of what is no finite number; MF_ENOMEM, or the
 * errno's code. At most MF_METRIC_SAMPLES_MAX. Blocking. */
int mf_drift_read_samples(const char *path, double **out, size_t *n, struct mf_error *e);

#endif
