/*
 * modelferry simulate: what the engines would do for observations that a file gives, tick by tick.
 * Nothing is asked and nothing is moved; the plan's endpoints are never called.
 */
#ifndef MF_CMD_SIMULATE_H
#define MF_CMD_SIMULATE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "src/rollout/plan.h"

#define MF_SIMULATE_SERVED "A" /* the revision that is served at the beginning */

struct mf_simulation {
	FILE *out;
	bool json;
	const char *ticks_file, *start_file; /* for messages; start_file NULL: none */
	json_t *ticks;                       /* an array of objects */
	json_t *start;                       /* an object, or NULL */
	const struct mf_plan *plan;
	/* The plan with some fields of its document changed, from now on ("patch"). */
	int (*patch)(struct mf_simulation *s, json_t *fields, struct mf_error *e);
	void *patch_arg;
};

/* Each prints a line a tick, and a last one with `result`. -1: MF_EUSAGE naming file and tick. */
int mf_simulate_canary(struct mf_simulation *s, struct mf_error *e);

/* The revision that a Migration begins to carry with the first tick, as `migrate` does: that tick's
 * `rev`, else the version of the plan. NULL: the run begins when a tick brings a new revision,
 * since this is no Migration, --start says how it stands, or the revision is A, which is served
 * already.
 */
const char *mf_simulate_carried(const struct mf_simulation *s);

/* How it ended. began false: no tick brought anything to roll out, and the result says nothing of
 * the plan, which the last line and a warning say. */
struct mf_simulated {
	const char *result, *reason; /* reason: "" where there is none */
	const char *served;          /* the revision that the primary serves */
	size_t ticks;
	bool began;
};
/* The last line, as text or JSON. 0, or -1 where it cannot be written. */
int mf_simulate_end(
    const struct mf_simulation *s, const struct mf_simulated *end, struct mf_error *e);

/* A field of a tick has a value that it cannot have; returns -1. n: the tick, from 1; 0: --start.
 */
int mf_simulate_refuse(const struct mf_simulation *s, size_t n, const char *field, const char *why,
    struct mf_error *e);
/* Every key of an object must be one of names, which ends with NULL. */
int mf_simulate_known(const struct mf_simulation *s, size_t n, const json_t *object,
    const char *const *names, struct mf_error *e);

#endif
