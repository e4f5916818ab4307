/*
 * Which version do the servers of a side serve, by a label of a metric that they export? The same
 * question as in serves.h, asked of Prometheus: one query, a series or more for each server.
 *
 * Series are told apart by their label `instance`; where one has none, it is a server of its own.
 * All series must have the expected version, and there must be as many servers as the side has: one
 * that Prometheus does not see has not said it.
 *
 * Threads: one call at a time on one provider.
 */
#ifndef MF_TRAFFIC_SERVES_METRIC_H
#define MF_TRAFFIC_SERVES_METRIC_H

#include "src/rollout/migration_plan.h"
#include "src/traffic/prometheus.h"

struct mf_serves_metric_params {
	struct mf_metric_provider *prometheus; /* borrowed */
	const struct mf_serves_plan *plan;     /* by metric */
	const char *version;
	size_t n_servers;    /* of the side, at least 1 */
	uint64_t timeout_us; /* for all of them */
	uint64_t every_us;   /* between two questions; 0: a second */
	uint64_t (*now_us)(void *arg);
	bool (*interrupted)(void *arg); /* NULL: never */
	bool (*wait)(void *arg, uint64_t us); /* false: nobody wants to know any more */
	void *arg;
};

/* Do all of them serve it by this answer? 0. 1: *e says who does not. -1: the answer is of no use,
 * or has no such label. Pure. */
int mf_serves_metric_judge(const struct mf_prom_answer *answer, const char *label,
    const char *version, size_t n_servers, struct mf_error *e);

/* Ask until all say it. 0; -1: MF_EFAIL, the time is over, and the message is of the last answer;
 * MF_EINTERRUPTED; MF_ENOMEM. Blocking. */
int mf_serves_metric_wait(const struct mf_serves_metric_params *params, struct mf_error *e);

#endif
