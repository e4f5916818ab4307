/*
 * Providers of metrics, one for each type of query (src/rollout/metric.h), over HTTP by the
 * dialer (dial.h) and by programs (src/base/program.h). What each makes of an answer is in
 * modelferry-metrics(7).
 *
 * Every way to fail is MF_MEASURE_ERROR with a reason that names no secret and no query. Answers
 * are bounded in bytes, time, depth and number of values.
 *
 * Refused by name: MF_PROVIDER_JOB, which needs a cluster.
 *
 * Threads: one question at a time to one provider; several providers side by side on one dialer.
 */
#ifndef MF_TRAFFIC_PROVIDER_H
#define MF_TRAFFIC_PROVIDER_H

#include <stdbool.h>
#include <stdint.h>

#include "src/base/error.h"
#include "src/rollout/metric.h"
#include "src/traffic/dial.h"

#define MF_METRIC_TIMEOUT_US 5000000u              /* of a query that gives none */
#define MF_METRIC_ANSWER_BYTES ((size_t)4 << 20)   /* of one answer */
#define MF_METRIC_OUTPUT_BYTES ((size_t)256 << 10) /* of a program */
#define MF_METRIC_SAMPLES_MAX ((size_t)4 << 20)    /* numbers in a file */

struct mf_metric_params {
	struct mf_dialer *dialer; /* borrowed until close */
	/* What a dialer is opened with that a query's ca_file asks for; copied, the strings are
	 * borrowed. NULL: such a query is refused. */
	const struct mf_dialer_params *dialer_params;
	/* Where the Secrets lie that queries name (secretRef.name), as Kubernetes mounts them:
	 * DIR/NAME/token, or username and password. NULL: such a query is refused. */
	const char *secrets_dir;
	int64_t (*unix_us)(void *arg);  /* the time of day, for ranges */
	uint64_t (*now_us)(void *arg);  /* monotonic, for programs */
	bool (*interrupted)(void *arg); /* of programs; NULL: never */
	void *arg;                      /* of all three */
};

/* A provider; close it by its ops. MF_EUNSUPPORTED, MF_ENOMEM. */
int mf_metric_open(enum mf_provider_type type, const struct mf_metric_params *params,
    struct mf_metric_provider **out, struct mf_error *e);

/* What can be told of a query before it is asked, without any I/O: MF_EUSAGE names what is
 * missing. `insecure` is no refusal here. */
int mf_metric_check(const struct mf_metric_query *q, bool allow_http, struct mf_error *e);

#endif
