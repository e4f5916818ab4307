/* What the ticks of Argo's plans have in common: words, seconds that pass, and measurements. */
#ifndef MF_CMD_SIMULATE_ARGO_H
#define MF_CMD_SIMULATE_ARGO_H

#include <jansson.h>

#include "src/cmd/simulate.h"
#include "src/rollout/analysis.h"

/* Each prints a line a tick, and a last one with `result`. -1: MF_EUSAGE naming file and tick. */
int mf_simulate_analysis(struct mf_simulation *s, struct mf_error *e);
int mf_simulate_rollout(struct mf_simulation *s, struct mf_error *e);

/* The text at key; *out stays where there is none. n: the tick, from 1; 0: --start. */
int mf_argo_tick_word(const struct mf_simulation *s, size_t n, const json_t *from, const char *key,
    const char **out, struct mf_error *e);
/* "wait": seconds that pass before the tick. Where it says none, default_us. */
int mf_argo_tick_wait(const struct mf_simulation *s, size_t n, const json_t *tick,
    uint64_t default_us, uint64_t *now_us, struct mf_error *e);
/* What a tick's "metrics" or "primaryMetrics" says of a metric: a value, null (nothing), {"error":
 * why}, {"job": verdict},
 * {"result": V, "left": V} of a predicate, of which true and false say the same. left: that side
 * is wanted. A metric that is not named was not measured: MF_MEASURE_EARLY. Trees in r. */
int mf_argo_tick_measured(const struct mf_simulation *s, size_t n, const json_t *values,
    const struct mf_analysis_metric *m, bool left, struct mf_region *r, struct mf_measured *out,
    struct mf_error *e);
/* Memory for the trees of one tick. */
int mf_argo_tick_region(struct mf_region **out, struct mf_error *e);

#endif
