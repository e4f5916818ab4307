/*
 * Everything outside that a run's shift asks and moves: the router, providers of metrics, hooks.
 * Opened from the plan; nothing is called by opening.
 *
 * Threads: one call at a time.
 */
#ifndef MF_MIGRATE_WORLD_H
#define MF_MIGRATE_WORLD_H

#include <stdbool.h>
#include <stdint.h>

#include "src/base/error.h"
#include "src/rollout/canary.h"
#include "src/rollout/plan.h"
#include "src/rollout/rollout.h"
#include "src/traffic/dial.h"
#include "src/traffic/router.h"

struct mf_world_params {
	const struct mf_canary_plan *canary;   /* borrowed until close */
	const struct mf_rollout_plan *rollout; /* whose metrics are asked; NULL: the canary's */
	const struct mf_router_plan *router;
	struct mf_dialer_params dialer;
	const char *secrets_dir; /* NULL: none */
	uint64_t (*monotonic_us)(void *arg);
	int64_t (*unix_us)(void *arg);
	bool (*interrupted)(void *arg); /* NULL: never */
	void *arg;                      /* of all three */
};

struct mf_world;

/* MF_EUSAGE, MF_EUNSUPPORTED (a router or provider that is none of ours), MF_ENOMEM. */
int mf_world_open(struct mf_world **out, const struct mf_world_params *params, struct mf_error *e);
void mf_world_close(struct mf_world *w); /* NULL is fine */

struct mf_router *mf_world_router(struct mf_world *w);
const struct mf_router_can *mf_world_can(const struct mf_world *w);
/* The router can be reached and obeys; preflight. */
int mf_world_check_router(struct mf_world *w, struct mf_error *e);
struct mf_dialer *mf_world_dialer(struct mf_world *w);

/* When the weights last changed, by the clock of mf_canary_tick; 0: they did not in this run. A
 * window of a metric that began before this and settle_us is too early. */
void mf_world_changed(struct mf_world *w, uint64_t at_us);
/* Measure metric i of the plan, at now_us by the same clock. Always fills *out. */
void mf_world_measure(
    struct mf_world *w, unsigned i, bool primary, uint64_t now_us, struct mf_measured *out);
/* The same of a metric of a lighter model that took over. */
void mf_world_measure_alone(
    struct mf_world *w, const struct mf_canary_metric *m, uint64_t now_us, struct mf_measured *out);
/* Prometheus, for a query that is no metric of the plan; NULL: as mf_world_open. */
struct mf_metric_provider *mf_world_prometheus(
    struct mf_world *w, const struct mf_metric_query *q, struct mf_error *e);
/* Ask a query of a Rollout. Always fills *out; what is in it lives in the region. */
void mf_world_ask(struct mf_world *w, const struct mf_metric_query *q, struct mf_region *r,
    struct mf_measured *out);
/* Is it whole, and its provider there? */
int mf_world_probe_query(struct mf_world *w, const struct mf_metric_query *q, struct mf_error *e);
/* What a hook is told beside the plan's names. */
struct mf_world_told {
	const char *phase;
	const char *checksum; /* of version and plan */
	const char *version;  /* that moves; NULL: traffic alone */
};
void mf_world_call_hook(
    struct mf_world *w, unsigned i, const struct mf_world_told *told, struct mf_hook_answer *out);

#endif
