/*
 * The way back behind traffic, the same for Canaries and Rollouts that migrate: one step after the
 * other, each tried again until it holds, and at last the metrics of what the primary serves. Part
 * of the engines, and pure as they are (step.h).
 *
 * A step that cannot be done is left for a person, and what follows it is done all the same. Where
 * a fallback does not come up, or its metrics are out of range, the next one is tried.
 */
#ifndef MF_ROLLOUT_WAY_BACK_H
#define MF_ROLLOUT_WAY_BACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/rollout/canary_plan.h"
#include "src/rollout/step.h"

/* A step of the rollback is tried in so many ticks before it is left for a person. */
#define MF_BACK_TRIES 5u

/* What a tick hands to the next; no pointers. Zero is its begin. */
struct mf_way_back {
	unsigned step;     /* index of the row; the number of rows: what is served is watched */
	unsigned tries;    /* of that step */
	bool failed;       /* a step was left for a person */
	unsigned fallback; /* which one is tried */
	uint64_t verify_since_us;
	bool verify_measured;
};

/* What metrics say of what the primary serves, the worst last; mf_canary_goodness. */
enum mf_goodness { MF_GOOD, MF_GOOD_NO_DATA, MF_GOOD_EARLY, MF_GOOD_BAD, MF_GOOD_PENDING };

struct mf_way_back_walk {
	struct mf_step *step;
	const struct mf_back_plan *plan;
	const enum mf_act_kind *rows; /* in this order */
	size_t n_rows;
	const char *why; /* told with each act; constant text */
	uint64_t now_us;
	/* The plan's own metrics, of the primary. *any: there are some. */
	enum mf_goodness (*look)(void *arg, bool *any);
	void *arg;
};

enum mf_way_end {
	MF_WAY_DONE,    /* to its end; way->failed: a person is needed */
	MF_WAY_WAITS,   /* until the next tick */
	MF_WAY_PENDING, /* an answer is missing: leave, whatever you hold */
};
enum mf_way_end mf_way_back_go(struct mf_way_back *way, const struct mf_way_back_walk *w);
/* A fallback that may make a primary ready again that is not. Servers need some ticks to be seen as
 * that; the next fallback is tried where they are not. DONE: there is none left. */
enum mf_way_end mf_way_back_bring_up(struct mf_way_back *way, const struct mf_way_back_walk *w);

/* What the router gives the canary, of which `last` was written last. Proxies that do not answer
 * may have what they were told. */
unsigned mf_way_weight_as_read(unsigned last, unsigned read, bool known, bool some_missing);

#endif
