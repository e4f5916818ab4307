/*
 * A thread that calls the hooks of a plan that nobody waits for: event, purge and mlflow. However
 * slow or dead who answers is, traffic moves on, and above all back.
 *
 * A call of purge or mlflow is owed until it was answered, or given up after the attempts that the
 * plan allows: one call a hook, and what is asked for while one is under way follows it. What came
 * of it is for the run to take. Owed calls come before events.
 *
 * Events are told in order, to one hook after the other, and once: what cannot be told is a line
 * in the log. Where more than MF_TELLER_EVENTS wait, the newest are dropped, and the log says so.
 *
 * Threads: all of this is called by the thread of the run.
 */
#ifndef MF_MIGRATE_TELLER_H
#define MF_MIGRATE_TELLER_H

#include <stdbool.h>
#include <stdint.h>

#include "src/base/error.h"
#include "src/rollout/canary_plan.h"
#include "src/traffic/dial.h"

#define MF_TELLER_EVENTS 64u
#define MF_TELLER_TEXT_BYTES 240u

struct mf_teller_params {
	const struct mf_canary_plan *plan; /* all of these are borrowed until mf_teller_stop */
	const char *version;               /* NULL: traffic alone */
	const char *checksum;
	struct mf_dialer_params dialer; /* wait and interrupted are the teller's own */
};

struct mf_teller;

/* NULL in *out, which all below take, for a plan without such hooks. MF_ENOMEM, ... */
int mf_teller_start(
    struct mf_teller **out, const struct mf_teller_params *params, struct mf_error *e);
/* A call that is under way is cut short; what waits is dropped. */
void mf_teller_stop(struct mf_teller *t);

/* phase: constant text. text is copied, and cut. */
void mf_teller_event(
    struct mf_teller *t, bool warning, const char *phase, const char *text, int64_t unix_us);
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
