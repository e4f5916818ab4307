/*
 * What a metric is asked of, and who can be asked. The plan holds mf_metric_query; src/traffic
 * has a provider for each type; the engine sees only mf_measured.
 *
 * A query is text that is ready to be sent, but for `args`, which come into being in the run.
 */
#ifndef MF_ROLLOUT_METRIC_H
#define MF_ROLLOUT_METRIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/error.h"
#include "src/rollout/node.h"

enum mf_provider_type {
	MF_PROVIDER_PROMETHEUS,
	MF_PROVIDER_GRAPHITE,
	MF_PROVIDER_INFLUXDB,
	MF_PROVIDER_EXTERNAL_METRICS, /* external.metrics.k8s.io */
	MF_PROVIDER_WEB,              /* an HTTP endpoint that answers JSON */
	MF_PROVIDER_COMMAND,          /* a program that prints a number or JSON; no shell */
	MF_PROVIDER_DRIFT,            /* PSI or Kolmogorov-Smirnov of two distributions */
	MF_PROVIDER_JOB,              /* a Kubernetes Job whose end is the verdict */
	MF_PROVIDER_TYPES
};

struct mf_pair { /* header, field of metadata, environment variable */
	const char *name;
	const char *value;
};

/* How to prove who asks. The files are read at each request, so that a mounted secret may
 * change. Never in the plan itself: names of files or of a Kubernetes Secret. */
struct mf_metric_auth {
	const char *secret_name; /* flagger.app's secretRef.name; NULL: none */
	const char *bearer_file;
	const char *user_file;
	const char *password_file;
};

struct mf_metric_range { /* Argo's rangeQuery; step_us 0: an instant query */
	uint64_t start_ago_us, end_ago_us, step_us;
};

enum mf_drift_test { MF_DRIFT_PSI, MF_DRIFT_KS };

struct mf_metric_drift {
	enum mf_drift_test test;
	/* Two distributions: a query for histogram buckets (le), or a file of samples. */
	const char *current, *reference;
	bool current_is_file, reference_is_file;
	bool reference_is_primary; /* both sites' present predictions; may roll back */
	unsigned bins;             /* of samples; 0: 10 */
};

struct mf_metric_query {
	enum mf_provider_type type;
	/* URL of the server. Several, separated by blanks, are asked in turn until one answers. */
	const char *address;
	const char *query; /* PromQL, Graphite target, Flux, metric name */
	/* What is beside the value; Prometheus. NULL: not asked. */
	const char *count_query; /* how many requests are behind it: samples */
	const char *age_query;   /* seconds since its newest sample, for queries that are more than
				  * one selector; of one selector the provider asks by itself */
	/* Of a predicate ("a > 0.9"), its left side. Where that has a value and the query has none
	 * the answer is false and not "no data": as_tree gives a boolean, and otherwise the value
	 * is that of the left side. */
	const char *left_query;
	uint64_t min_samples; /* fewer: MF_MEASURE_FEW; needs count_query */
	uint64_t max_age_us;  /* older: MF_MEASURE_NONE; 0: any age */
	bool as_tree;         /* Argo: the whole answer in result, an empty list is a value */
	struct mf_metric_range range;
	const char *method;    /* web: GET, POST, PUT */
	const char *body;      /* web */
	const char *json_path; /* web; "{$}": all of the answer */
	const struct mf_pair *headers;
	size_t n_headers;
	const char *const *argv; /* command; ends with NULL */
	struct mf_metric_drift drift;
	struct mf_metric_auth auth;
	const char *ca_file;
	bool insecure; /* the plan says: do not verify. Refused by plan check unless allowed */
	uint64_t timeout_us; /* 0: 5 s (Flagger), 30 s (Argo) by the reader */
};

/* How a question ended. */
enum mf_measure_end {
	MF_MEASURE_VALUE, /* a number (may be infinite) or, for Argo's conditions, a tree */
	MF_MEASURE_NONE,  /* an empty result */
	MF_MEASURE_NAN,
	MF_MEASURE_ERROR, /* the provider could not be asked, or answered nonsense */
	MF_MEASURE_EARLY, /* its window began before the last change of weights had settled */
	MF_MEASURE_FEW,   /* fewer samples than minSamples */
	MF_MEASURE_ENDS
};

struct mf_measured {
	enum mf_measure_end end;
	double value;
	const struct mf_node *result; /* what Argo's conditions see; NULL: the number */
	uint64_t samples;             /* behind it; 0: not known */
	uint64_t age_us;              /* of the newest sample; 0: not known */
	bool has_primary;             /* the same of the primary, where relativeTo asks for it */
	double primary;
	char why[160]; /* for people: of all ends but VALUE; of VALUE a warning of the server, or ""
			*/
	/* Of ERROR, by what is at fault: MF_EUSAGE the query, MF_EPERM who asks, MF_ETRANSFER the
	 * server. Of NONE: MF_ENOTFOUND where the JSON path led to nothing. Else MF_OK. */
	enum mf_code code;
};

/* A provider that is open. ask blocks, at most query->timeout_us; memory of the result from r. */
struct mf_metric_provider;
struct mf_metric_provider_ops {
	/* Is it there, and may we ask? Flagger's probe. */
	int (*probe)(
	    struct mf_metric_provider *p, const struct mf_metric_query *q, struct mf_error *e);
	/* Always fills *out: a failure is MF_MEASURE_ERROR with why. */
	void (*ask)(struct mf_metric_provider *p, const struct mf_metric_query *q,
	    struct mf_region *r, struct mf_measured *out);
	void (*close)(struct mf_metric_provider *p);
};
struct mf_metric_provider {
	const struct mf_metric_provider_ops *ops;
};

#endif
