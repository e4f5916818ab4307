/*
 * Built-in metrics: request-success-rate and request-duration in our own PromQL, from the series
 * that each router's exporter is known to have. The names of providers are Flagger's
 * (flagger.app/v1beta1, spec.provider), and "haproxy" (HAProxy 2's own exporter, by servers) and
 * "envoy" (by cluster) of a Migration; modelferry-metrics(7) lists them.
 *
 * Success is 100 * (1 - bad / all) in percent, which is 100 * good / all, but is 0 and not "no
 * data" where every request failed. Without any request it is NaN or empty: no data.
 * Durations are in milliseconds: the 99th percentile, or, where the exporter has no histogram,
 * the mean.
 *
 * Only one side is counted: patterns are anchored, by PromQL itself, and those of a canary do not
 * match what is called `-primary`.
 *
 * Pure; any thread.
 */
#ifndef MF_ROLLOUT_BUILTIN_H
#define MF_ROLLOUT_BUILTIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/buf.h"
#include "src/base/error.h"
#include "src/rollout/canary_plan.h"

#define MF_BUILTIN_SERVERS_MAX 256u

/* Whose requests. Which are needed depends on the provider; a missing one is MF_EUSAGE. */
struct mf_builtin_names {
	const char *name, *namespace_name; /* of the plan */
	const char *target;                /* the workload; of "envoy": the cluster */
	const char *service;               /* the apex service */
	const char *ingress;
	const char *route; /* of "knative": the revision that is asked for */
	/* haproxy: BACKEND/SERVER, BACKEND/PREFIX* as in mf_router_plan */
	const char *const *servers;
	size_t n_servers;
	/* The primary's side in place of the canary's: "-primary" is put behind the names above
	 * where the provider's names have it. The caller gives the primary's own names to
	 * haproxy, envoy and knative. apisix cannot tell the sides apart: MF_EUNSUPPORTED. */
	bool primary;
};

/*
 * Append the query of rule MF_RULE_SUCCESS_RATE or MF_RULE_DURATION over a window. MF_EUSAGE: no
 * such provider (named), another rule, a missing or an impossible name; MF_EUNSUPPORTED.
 */
int mf_builtin_query(const char *provider, enum mf_metric_rule rule,
    const struct mf_builtin_names *names, uint64_t window_us, struct mf_buf *out,
    struct mf_error *e);
/* Its companion: how many requests of that side the window holds (mf_metric_query.count_query). */
int mf_builtin_count_query(const char *provider, const struct mf_builtin_names *names,
    uint64_t window_us, struct mf_buf *out, struct mf_error *e);
/* Its other companion: seconds since the newest sample of that side (mf_metric_query.age_query). */
int mf_builtin_age_query(const char *provider, const struct mf_builtin_names *names,
    struct mf_buf *out, struct mf_error *e);

/* Is there a row for it? */
bool mf_builtin_knows(const char *provider);
/* The i-th row's provider, for lists; NULL: no more. */
const char *mf_builtin_provider(size_t i);

#endif
