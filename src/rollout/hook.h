/*
 * Webhooks of a plan: Flagger's eight types, and ours. The plan holds mf_hook; src/traffic calls
 * them; the engine sees an HTTP status.
 */
#ifndef MF_ROLLOUT_HOOK_H
#define MF_ROLLOUT_HOOK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/error.h"
#include "src/rollout/metric.h"

enum mf_hook_type {
	MF_HOOK_ROLLOUT, /* also where a Canary names no type */
	MF_HOOK_CONFIRM_ROLLOUT,
	MF_HOOK_PRE_ROLLOUT,
	MF_HOOK_CONFIRM_TRAFFIC_INCREASE,
	MF_HOOK_CONFIRM_PROMOTION,
	MF_HOOK_ROLLBACK,
	MF_HOOK_POST_ROLLOUT,
	MF_HOOK_EVENT,
	MF_HOOK_PURGE,  /* of prediction caches, after traffic moved */
	MF_HOOK_MLFLOW, /* alias or stage, and tags, in MLflow's registry */
	MF_HOOK_TYPES
};

struct mf_hook {
	const char *name;
	enum mf_hook_type type;
	const char *url;
	const char *url_file; /* in place of url, where the URL is a secret */
	uint64_t timeout_us;  /* of one attempt; 0: 10 s */
	unsigned retries;
	bool mute_alert;
	bool disable_tls; /* Flagger's word: certificates are not verified */
	const struct mf_pair *metadata;
	size_t n_metadata;
	struct mf_metric_auth auth;
};

/* What a hook is told. */
struct mf_hook_call {
	const struct mf_hook *hook;
	const char *name, *namespace_name; /* of the plan */
	const char *phase;                 /* "Progressing" */
	const char *checksum;              /* of the revision and the plan: an idempotency key */
	const char *version;               /* of the model, that moves; NULL: none does */
	const struct mf_pair *more;        /* of an event: eventMessage, eventType, timestamp */
	size_t n_more;
};

/* The final status of an HTTP call that was answered; 0: none (refused, timed out). At most 202
 * passes. why: for people, of what does not pass. */
struct mf_hook_answer {
	int status;
	unsigned attempts;
	char why[160];
};

struct mf_hook_caller;
struct mf_hook_caller_ops {
	void (*call)(struct mf_hook_caller *c, const struct mf_hook_call *call,
	    struct mf_hook_answer *out); /* blocks */
	void (*close)(struct mf_hook_caller *c);
};
struct mf_hook_caller {
	const struct mf_hook_caller_ops *ops;
};

#endif
