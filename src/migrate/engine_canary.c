/* The engine of canaries behind engine.h. */
#include "src/migrate/engine.h"
#include "src/rollout/canary_state.h"

static void
start(struct mf_engine *g, const char *revision, const char *stable)
{
	const struct mf_canary_plan *plan = g->canary_plan;
	size_t i;

	mf_canary_start(&g->state.canary, revision, stable);
	for (i = 0; i < plan->n_hooks; i++)
		if (plan->hooks[i].type == MF_HOOK_CONFIRM_ROLLOUT) {
			/* the gate is asked before anything moves */
			g->state.canary.phase = MF_PHASE_INITIALIZED;
			g->state.canary.applied[0] = '\0';
		}
}

static enum mf_step_end
step(struct mf_engine *g, const struct mf_canary_tick *seen, const struct mf_asked *asked,
    size_t n_asked, struct mf_act *act)
{
	return mf_canary_step(
	    g->canary_plan, &g->state.canary, seen, asked, n_asked, &g->next.canary, act);
}

static struct mf_standing
standing(const struct mf_engine *g)
{
	const struct mf_canary_state *s = &g->state.canary;

	return (struct mf_standing){
	    .phase = mf_phase_name(s->phase),
	    .note = mf_hold_name(s->hold),
	    .weight = s->weight,
	    .reason = s->reason,
	    .result = s->result,
	    .back = s->phase == MF_PHASE_ROLLING_BACK || s->reason != MF_REASON_NONE,
	    .after = s->phase == MF_PHASE_ROLLING_BACK,
	    .ended = mf_canary_ended(s),
	};
}

/* On the way back nothing waits for an interval that was made for measuring. A look between two
 * ticks does not put off the next one. */
static uint64_t
next_us(const struct mf_engine *g, const struct mf_canary_tick *seen, uint64_t planned_us)
{
	const struct mf_canary_plan *plan = g->canary_plan;
	uint64_t watch = plan->watch_us == 0 ? MF_ENGINE_WATCH_US : plan->watch_us;

	if (standing(g).back && watch < plan->interval_us)
		return seen->now_us + watch;
	return seen->urgent ? planned_us : seen->now_us + plan->interval_us;
}

static void
resume(struct mf_engine *g, const struct mf_act *open, unsigned canary_weight)
{
	enum mf_reason reason = open->why == NULL ? MF_REASONS : mf_reason_find(open->why);

	if (open->kind != MF_ACT_ROUTE || open->matched)
		return;
	if (open->canary == canary_weight)
		g->state.canary.weight = canary_weight;
	/* it was on its way back, whether that was done or not */
	if (reason != MF_REASONS)
		g->state.canary.reason = reason;
}

static void
put(struct mf_buf *b, const struct mf_engine *g)
{
	mf_canary_state_put(b, &g->state.canary);
}

static int
read(struct mf_engine *g, const struct mf_node *node, struct mf_error *e)
{
	return mf_canary_state_read(&g->state.canary, node, e);
}

void
mf_engine_canary(struct mf_engine *g, const struct mf_canary_plan *plan)
{
	static const struct mf_engine_ops ops = {
	    .start = start,
	    .step = step,
	    .standing = standing,
	    .next_us = next_us,
	    .resume = resume,
	    .put = put,
	    .read = read,
	};

	*g = (struct mf_engine){.ops = &ops, .canary_plan = plan};
}
