/*
 * Alerts of a run to people and programs: the receivers that a Migration names, each told from its
 * severity on, as Flagger has it (info: everything; warn: warnings and errors; error: errors).
 *
 * `slack` gets the JSON of a chat's incoming webhook, which Mattermost and Rocket.Chat take, too
 * (src/report/notify.h); `generic` one object:
 *	{"severity":"error","name":"churn","namespace":"prod","phase":"Failed","message":"...",
 *	 "details":"...","model":"churn","version":"v2","run":"...","time":"2026-01-31T12:00:00Z"}
 * where members without a value are left out.
 *
 * An alert that cannot be sent stops nothing: it is in the answers, for the log.
 *
 * Threads: any.
 */
#ifndef MF_TRAFFIC_ALERT_H
#define MF_TRAFFIC_ALERT_H

#include <stdbool.h>
#include <stdint.h>

#include "src/base/buf.h"
#include "src/rollout/hook.h"
#include "src/rollout/migration_plan.h"
#include "src/traffic/dial.h"

/* All borrowed; NULL where there is nothing to say. No secret may be in it. */
struct mf_alert {
	enum mf_alert_severity severity;
	const char *name, *namespace_name; /* of the plan */
	const char *phase;
	const char *message; /* one line; needed */
	const char *details; /* lines */
	const char *model, *version, *run_id;
	int64_t unix_us;
};

const char *mf_alert_severity_name(enum mf_alert_severity severity); /* "warn" */
bool mf_alert_is_for(const struct mf_alert_plan *to, enum mf_alert_severity severity);
/* Append what that kind is sent. Pure. */
void mf_alert_put_json(struct mf_buf *b, enum mf_alert_kind kind, const struct mf_alert *alert);

/* Send it to each receiver that it is for, one after the other. answers[i] of n: attempts 0 where
 * it is not for that one; any 2xx is well, and leaves why empty. Returns how many could not be
 * told. Blocking. */
size_t mf_alert_send(struct mf_dialer *dialer, const struct mf_alert_plan *to, size_t n,
    const struct mf_alert *alert, struct mf_hook_answer *answers);

#endif
