/*
 * Which version does each server of a side serve? A link that was flipped is no model that was
 * loaded: weight moves only when every server has said the expected version itself.
 *
 * A server that cannot be asked, answers nonsense, or says another version is asked again until it
 * says the right one or the time is over; servers that have said it are asked once more at the end
 * where others took longer, so that all of them serve it at one time.
 *
 * An answer is JSON, of which `jsonPath` picks the version ("{$}" or none: all of it); a string, a
 * number or a boolean is compared as text, and so is an answer that is no JSON where no path is
 * given.
 *
 * Of a side that says it by a metric, serves_metric.h asks.
 *
 * Threads: one call at a time on one set of parameters.
 */
#ifndef MF_TRAFFIC_SERVES_H
#define MF_TRAFFIC_SERVES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/error.h"
#include "src/rollout/migration_plan.h"
#include "src/traffic/call.h"

#define MF_SERVES_EVERY_US 1000000u
#define MF_SERVES_SAID_BYTES 128u

struct mf_serves_params {
	struct mf_call_params call;        /* now_us and interrupted are needed */
	const struct mf_serves_plan *plan; /* by url or command */
	const char *const *servers; /* URLs; one empty string where the plan names no {server} */
	size_t n_servers;
	const char *model, *version;
	uint64_t timeout_us; /* for all of them */
	uint64_t every_us;   /* between two rounds; 0: MF_SERVES_EVERY_US */
	bool (*wait)(
	    void *arg, uint64_t us); /* of call.arg. false: nobody wants to know any more */
};

struct mf_serves_said {
	bool right;
	unsigned asked;
	char version[MF_SERVES_SAID_BYTES]; /* escaped; "": it has said none */
	char why[MF_DIAL_WHY_BYTES];        /* it could not be understood */
};

/* What a server that answered so serves, as text. 0; -1: MF_EUSAGE, MF_ENOTFOUND, MF_ENOMEM. */
int mf_serves_read(const char *json_path, const void *answer, size_t n,
    char out[MF_SERVES_SAID_BYTES], struct mf_error *e);

/* Ask until all say it. said has n_servers places. 0; -1: MF_EFAIL, the time is over, and the
 * message names the first server that does not, what it says, and how many more; MF_EINTERRUPTED;
 * MF_EUSAGE. Blocking. */
int mf_serves_wait(
    const struct mf_serves_params *params, struct mf_serves_said *said, struct mf_error *e);

#endif
