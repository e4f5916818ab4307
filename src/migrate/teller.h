/*
 * A thread that calls the hooks of a plan that nobody waits for: event, purge and mlflow; or one
 * receiver of alerts, each with a thread of its own. However slow or dead who answers is, traffic
 * moves on, and above all back, and the other receivers are told.
 *
 * A call of purge or mlflow is owed until it was answered, or given up after the attempts that the
 * plan allows: one call a hook, and what is asked for while one is under way follows it. What came
 * of it is for the run to take. Owed calls come before events.
 *
 * Events are told in order, to one hook after the other, and once: what cannot be told is a line
 * in the log. Where more than MF_TELLER_EVENTS wait, the newest are dropped, and the log says so;
 * of a receiver those of least severity. To one that does not answer only its worst news is worth
 * the time: what is MF_ALERT_INFO is tried once, and skipped where something worse waits behind it.
 *
 * Threads: all of this is called by the thread of the run.
 */
#ifndef MF_MIGRATE_TELLER_H
#define MF_MIGRATE_TELLER_H

#include <stdbool.h>
#include <stdint.h>

#include "src/base/error.h"
#include "src/rollout/canary_plan.h"
#include "src/traffic/alert.h"

#define MF_TELLER_EVENTS 64u
#define MF_TELLER_TEXT_BYTES 480u
#define MF_TELLER_DETAILS_BYTES 400u

struct mf_teller_params {
	const struct mf_canary_plan *plan; /* all of these are borrowed until mf_teller_stop */
	const char *version;               /* NULL: traffic alone */
	const char *checksum;
	const struct mf_alert_plan *receiver; /* alerts to it, in place of hooks; NULL */
	const char *model, *run_id;           /* that its alerts have; NULL: none */
	struct mf_dialer_params dialer; /* wait and interrupted are the teller's own */
};

struct mf_teller;

/* NULL in *out, which all below take, for a plan without such hooks. MF_ENOMEM, ... */
int mf_teller_start(
    struct mf_teller **out, const struct mf_teller_params *params, struct mf_error *e);
/* A call that is under way is cut short; what waits is dropped. */
void mf_teller_stop(struct mf_teller *t);

struct mf_teller_event {
	enum mf_alert_severity severity; /* hooks are told of a warning, or not */
	const char *phase;               /* constant text */
	const char *text, *details;      /* copied, and cut; details NULL: none */
	int64_t unix_us;
};
/* Nothing where the receiver does not hear of what is so little severe. */
void mf_teller_event(struct mf_teller *t, const struct mf_teller_event *event);
/* All hooks of that type, purge or mlflow, are to be called. phase: constant text. */
void mf_teller_owe(struct mf_teller *t, enum mf_hook_type type, const char *phase);
bool mf_teller_owes(struct mf_teller *t, enum mf_hook_type type);
/* Wait until nothing is owed, or with events until they are told, too; most_us at most. */
bool mf_teller_wait(struct mf_teller *t, bool events, uint64_t most_us);

struct mf_teller_result {
	unsigned hook;
	bool passed;
	char text[MF_TELLER_TEXT_BYTES]; /* "purge cache: 200", "mlflow registry: answered 500" */
};
/* What came of an owed call, in order; false: of no more. */
bool mf_teller_take_result(struct mf_teller *t, struct mf_teller_result *out);

#endif
