/*
 * Durations as the authors of plans write them: Go's (Flagger, Argo: "1m30s", "300ms", "1.5h") and
 * Prometheus's. Refused: a sign, an unknown or missing unit, more than Go's 292 years. Pure, any
 * thread. What people write for us is read by mf_parse_duration of src/base/units.h.
 */
#ifndef MF_ROLLOUT_DURATION_H
#define MF_ROLLOUT_DURATION_H

#include <stdint.h>

#include "src/base/error.h"

#define MF_DURATION_TEXT_BYTES 24u

/* Go's time.ParseDuration: numbers with a unit each (ns, us, ms, s, m, h), or "0". What is less
 * than a microsecond is dropped. -1: MF_EUSAGE that quotes the text; *us is left alone. */
int mf_duration_of_go(const char *text, uint64_t *us, struct mf_error *e);
/* Argo's IntOrString: the same, and a plain integer ("30") means seconds. */
int mf_duration_of_argo(const char *text, uint64_t *us, struct mf_error *e);
/* As PromQL takes it in a range, in the largest unit that divides it: "1m", "90s", "1500ms"; what
 * is no whole millisecond is rounded up. Returns out. */
const char *mf_duration_prometheus(uint64_t us, char out[MF_DURATION_TEXT_BYTES]);

#endif
