/* The world that a simulated canary sees: a router, hooks and metrics as the ticks say. */
#ifndef MF_CMD_SIMULATE_WORLD_H
#define MF_CMD_SIMULATE_WORLD_H

#include <jansson.h>

#include "src/cmd/simulate.h"
#include "src/rollout/canary.h"

struct mf_world {
	struct mf_simulation *simulation;
	unsigned weights[2]; /* primary, canary */
	bool mirrored;
	uint64_t now_us;
	const char *carried; /* by a Migration from the first tick on; NULL */
	/* of the tick at hand */
	size_t n;     /* from 1 */
	json_t *tick; /* its object */
	json_t *did;
};

/* What stands at the beginning: of a Migration its first step, of a Canary phase Succeeded, A
 * applied and promoted; 100/0; or --start. */
int mf_world_start(struct mf_world *w, struct mf_canary_state *state, struct mf_error *e);
/* The tick's observations; forceWeights and setFailedChecks are carried out. */
int mf_world_see(struct mf_world *w, json_t *tick, struct mf_canary_state *state,
    struct mf_canary_tick *out, struct mf_error *e);
/* Carry out an act, note it in did. */
int mf_world_do(
    struct mf_world *w, const struct mf_act *act, struct mf_answer *out, struct mf_error *e);

#endif
