/* What the providers share: asking over HTTP, and filling in what was measured. */
#ifndef MF_TRAFFIC_PROVIDER_INT_H
#define MF_TRAFFIC_PROVIDER_INT_H

#include "src/base/buf.h"
#include "src/base/region.h"
#include "src/rollout/node.h"
#include "src/traffic/provider.h"

#define MF_METRIC_DIALERS_MAX 8u

struct mf_metric_source {
	struct mf_metric_provider provider; /* first: the caller's view */
	struct mf_metric_params params;
	struct mf_dialer_params dialer_params;
	struct { /* one a ca_file */
		char *ca_file;
		struct mf_dialer *dialer;
	} dialers[MF_METRIC_DIALERS_MAX];
	size_t n_dialers;
};

/* One request on behalf of a query, whose headers and credentials it carries. */
struct mf_metric_call {
	const char *url;
	const char *method; /* NULL: GET, or POST with a body */
	const void *body;
	size_t body_bytes;
	const char *content_type;
	const char *scheme;    /* of a token; NULL: Bearer */
	struct mf_pair header; /* one more; name NULL: none */
	uint64_t *left_us;     /* what is left of the query's time; taken from */
};

static inline struct mf_metric_source *
mf_metric_source_of(struct mf_metric_provider *p)
{
	return (struct mf_metric_source *)p;
}

/* 0: there is an answer, of whatever status; -1 with *e set. */
int mf_metric_fetch(struct mf_metric_source *s, const struct mf_metric_query *q,
    const struct mf_metric_call *call, struct mf_dial_answer *answer, struct mf_error *e);
/* What another status than 2xx says; -1. MF_EPERM: who asks is at fault; MF_EUSAGE: what is asked;
 * MF_ETRANSFER: the server. */
int mf_metric_refused(const struct mf_dial_answer *answer, struct mf_error *e);
/* The same as mf_metric_fetch, where no other status than 2xx is of use: as mf_metric_refused. */
int mf_metric_fetch_ok(struct mf_metric_source *s, const struct mf_metric_query *q,
    const struct mf_metric_call *call, struct mf_dial_answer *answer, struct mf_error *e);
/* The one line of a file of the query's Secret, such as "org". 1: appended; 0: there is none. */
int mf_metric_secret_line(const struct mf_metric_source *s, const struct mf_metric_query *q,
    const char *key, struct mf_buf *out, struct mf_error *e);

uint64_t mf_metric_timeout_us(const struct mf_metric_query *q);
/* The i-th of the blank-separated URLs, appended; false: there are no more. */
bool mf_metric_address(const struct mf_metric_query *q, size_t i, struct mf_buf *out);
/* Append base without slashes at its end, then path. */
void mf_metric_put_url(struct mf_buf *out, const char *base, const char *path);
/* A region for one answer. */
struct mf_region *mf_metric_region(struct mf_error *e);

/* *out, which is all zero, becomes that. */
void mf_metric_set_value(struct mf_measured *out, double value); /* NaN: MF_MEASURE_NAN */
void mf_metric_set_none(struct mf_measured *out, const char *why);
void mf_metric_set_error(struct mf_measured *out, const struct mf_error *e);
/* A JSON value: numbers and booleans, and texts that are numbers; all as a tree where q says so.
 * null is no data. what: for messages. */
void mf_metric_set_node(struct mf_measured *out, const struct mf_metric_query *q, const char *what,
    const struct mf_node *node);
/* A body or an output: JSON, of which json_path (NULL: all) counts, or a bare text. */
void mf_metric_set_text(struct mf_measured *out, const struct mf_metric_query *q, const char *what,
    const void *bytes, size_t n, struct mf_region *r);

extern const struct mf_metric_provider_ops mf_metric_prometheus_ops;
extern const struct mf_metric_provider_ops mf_metric_graphite_ops;
extern const struct mf_metric_provider_ops mf_metric_influxdb_ops;
extern const struct mf_metric_provider_ops mf_metric_external_ops;
extern const struct mf_metric_provider_ops mf_metric_web_ops;
extern const struct mf_metric_provider_ops mf_metric_command_ops;
extern const struct mf_metric_provider_ops mf_metric_drift_ops;
void mf_metric_close(struct mf_metric_provider *p); /* of all of them */

#endif
