/*
 * The state machine of a run, as the loop of a shift sees it: that of canaries or that of Rollouts
 * (src/rollout), with its plan and its state. What both can tell is asked for here, so that the
 * loop, the journal and the heartbeat need not know which one it is.
 *
 * Pure, as what is behind it. One thread at a time.
 */
#ifndef MF_MIGRATE_ENGINE_H
#define MF_MIGRATE_ENGINE_H

#include <stdbool.h>
#include <stdint.h>

#include "src/base/buf.h"
#include "src/base/error.h"
#include "src/rollout/canary.h"
#include "src/rollout/node.h"
#include "src/rollout/rollout.h"

#define MF_ENGINE_WATCH_US UINT64_C(5000000) /* where the plan has no watch */

/* How a run stands. Texts are constant. */
struct mf_standing {
	const char *phase;
	const char *note; /* why it goes no further; "" */
	unsigned weight;  /* of the canary, as it was last wanted */
	enum mf_reason reason;
	enum mf_result result;
	bool back;  /* it is on its way back */
	bool after; /* traffic is back, and the rest is on its way */
	bool ended; /* another tick changes nothing */
};

struct mf_engine;
struct mf_engine_ops {
	/* revision is to be carried, beside (or to) what runs: the first state. */
	void (*start)(struct mf_engine *g, const char *revision, const char *stable);
	/* One act further, as step.h has it; after MF_STEP_DONE the state after is in g->next, and
	 * before each act how far the tick has come. */
	enum mf_step_end (*step)(struct mf_engine *g, const struct mf_canary_tick *seen,
	    const struct mf_asked *asked, size_t n_asked, struct mf_act *act);
	struct mf_standing (*standing)(const struct mf_engine *g);
	/* When the next tick is due, after the one that saw `seen`; planned_us: when it was. */
	uint64_t (*next_us)(
	    const struct mf_engine *g, const struct mf_canary_tick *seen, uint64_t planned_us);
	/* The last route that a dead process wrote down after the state, answered or not, and what
	 * the router gives the canary now. */
	void (*resume)(struct mf_engine *g, const struct mf_act *open, unsigned canary_weight);
	void (*put)(struct mf_buf *b, const struct mf_engine *g);
	int (*read)(struct mf_engine *g, const struct mf_node *node, struct mf_error *e);
};

struct mf_engine {
	const struct mf_engine_ops *ops;
	const struct mf_canary_plan *canary_plan; /* one of the two; the other is NULL */
	const struct mf_rollout_plan *rollout_plan;
	union mf_engine_state {
		struct mf_canary_state canary;
		struct mf_rollout_state rollout;
	} state, next;
};

/* Plans are borrowed. */
void mf_engine_canary(struct mf_engine *g, const struct mf_canary_plan *plan);
void mf_engine_rollout(struct mf_engine *g, const struct mf_rollout_plan *plan);

static inline struct mf_standing
mf_engine_standing(const struct mf_engine *g)
{
	return g->ops->standing(g);
}

#endif
