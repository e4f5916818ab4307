/*
 * kind: Migration (modelferry.dev/v1alpha1) beside its analysis: what is carried, from where, to
 * where, and how it is turned back; modelferry-plan(5). Read-only, owned by the plan's region.
 */
#ifndef MF_ROLLOUT_MIGRATION_PLAN_H
#define MF_ROLLOUT_MIGRATION_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/rollout/canary_plan.h"
#include "src/rollout/hook.h"
#include "src/rollout/router.h"

enum mf_destination_kind { MF_DESTINATION_NONE, MF_DESTINATION_DIR, MF_DESTINATION_MIRROR };

/* One question to a server over HTTP, or a program. In url, body and command {server} stands for
 * each server of the side, {model} and {version} for what is carried there. */
struct mf_call_plan {
	const char *url;
	const char *method, *body;
	const struct mf_pair *headers;
	size_t n_headers;
	const char *const *command; /* argv in place of url; ends with NULL */
	uint64_t timeout_us;        /* 0: 10 s */
	unsigned retries;
};

/* Which version does a server serve? It must be the expected one before weight moves. */
struct mf_serves_plan {
	bool unchecked; /* the plan says so in so many words; report and status repeat it */
	struct mf_call_plan call;
	const char *json_path;
	struct mf_metric_query metric; /* a query whose label `label` holds the version */
	bool by_metric;
	const char *label;
	uint64_t timeout_us; /* until all servers say it; 0: by size and load_rate */
};

struct mf_warmup_plan {
	const char *requests; /* a file of recorded requests, one JSON object a line; NULL: none */
	unsigned count, concurrency;
	uint64_t timeout_us;
};

struct mf_compare_plan {
	const char *requests; /* NULL: none */
	double tolerance, min_agreement;
};

/* A tag of the version must be this, or what the site answers. */
struct mf_requires_plan {
	const char *tag;
	const char *value; /* NULL: ask */
	struct mf_call_plan call;
	const char *json_path;
};

struct mf_site_plan {
	const char *name;
	bool remote;
	enum mf_destination_kind kind;
	const char *dir, *link;     /* a directory and the link in it that is flipped; NULL: none */
	const char *mirror;         /* URL with {version} */
	const char *const *servers; /* what {server} stands for */
	size_t n_servers;
	bool pinned;       /* it does not follow a ref that this run moves */
	unsigned receipts; /* a remote site's, before weight moves and after a rollback */
	uint64_t receipt_age_us;
	bool has_reload;
	struct mf_call_plan reload;
	struct mf_serves_plan serves;
	struct mf_warmup_plan warmup;
	const struct mf_requires_plan *requires;
	size_t n_requires;
};

enum mf_fallback_kind {
	MF_FALLBACK_PREVIOUS,
	MF_FALLBACK_VERSION,
	MF_FALLBACK_BEST,  /* by a recorded metric, among those that verify */
	MF_FALLBACK_LIGHT, /* another model with its own link and ranges */
};

struct mf_fallback_plan {
	enum mf_fallback_kind kind;
	const char *version, *metric, *model, *link;
	struct mf_serves_plan serves;
	const struct mf_canary_metric *metrics; /* of a lighter model: its own ranges */
	size_t n_metrics;
};

struct mf_rollback_plan {
	uint64_t verify_for_us;                   /* the fallback's own metrics against the plan */
	unsigned step_weight;                     /* 0: all at once */
	uint64_t keep_us;                         /* pins after success; 0: 7 days */
	const struct mf_fallback_plan *fallbacks; /* in order; none: previous */
	size_t n_fallbacks;
	bool has_restore; /* primary without capacity */
	struct mf_call_plan restore;
};

enum mf_alert_kind { MF_ALERT_GENERIC, MF_ALERT_SLACK };
enum mf_alert_severity { MF_ALERT_INFO, MF_ALERT_WARN, MF_ALERT_ERROR };

/* Who is told: of all, of warnings and errors, or of errors alone. */
struct mf_alert_plan {
	const char *name;
	enum mf_alert_kind kind;
	enum mf_alert_severity severity;
	const char *url, *url_file; /* one of them */
	uint64_t timeout_us;        /* of one attempt */
	unsigned retries;
};

enum mf_interrupt { MF_INTERRUPT_ROLLBACK, MF_INTERRUPT_HOLD };

/* When steps forward may happen: minutes since Monday 00:00 UTC; to may lie before from, over the
 * end of the week. Freezes are dates. Both: to is not within. */
struct mf_window_plan {
	uint16_t from_minute, to_minute;
};
struct mf_freeze_plan {
	int64_t from_unix_s, to_unix_s;
};

struct mf_migration_plan {
	const char *name;
	const char *model, *version; /* version NULL: the ref `from_ref` */
	const char *from_ref;
	const char *repository; /* URL; NULL: --repo */
	const char *candidate_ref, *production_ref;
	uint64_t expect_sequence; /* of the production ref; 0: what preflight finds */
	struct mf_site_plan source, destination;
	struct mf_router_plan router;
	struct mf_compare_plan compare;
	struct mf_rollback_plan rollback;
	enum mf_interrupt on_interrupt;
	uint64_t max_unattended_us; /* 0: 10 min */
	const struct mf_window_plan *windows;
	size_t n_windows;
	const struct mf_freeze_plan *freezes;
	size_t n_freezes;
	const struct mf_alert_plan *alerts;
	size_t n_alerts;
	const char *lease_file; /* NULL: the repository's */
	uint64_t load_rate_bps; /* how fast a server loads a model; 0: not known */
};

#endif
