/* The engine of Rollouts behind engine.h. */
#include "src/migrate/engine.h"
#include "src/rollout/rollout_state.h"

static void
start(struct mf_engine *g, const char *revision, const char *stable)
{
	mf_rollout_start(&g->state.rollout, revision, stable);
}

static enum mf_step_end
step(struct mf_engine *g, const struct mf_canary_tick *seen, const struct mf_asked *asked,
    size_t n_asked, struct mf_act *act)
{
	const struct mf_rollout_tick tick = {
	    .now_us = seen->now_us,
	    .revision = seen->revision,
	    .primary = seen->primary,
	    /* its deadline is the engine's own */
	    .canary = seen->canary == MF_READY ? MF_READY : MF_READY_WAIT,
	    .canary_gone = seen->canary != MF_READY && seen->canary != MF_READY_FEW,
	    .weight_known = !seen->weights_unknown,
	    .canary_weight = seen->canary_weight,
	    .some_missing = seen->some_missing || seen->weights_unknown,
	    .canary_spread = seen->canary_spread,
	    .control = seen->control,
	    .damaged = seen->damaged,
	    /* between two passes something may have to go back, and nothing forward */
	    .no_steps_now = seen->no_steps_now || seen->urgent,
	};

	return mf_rollout_step(
	    g->rollout_plan, &g->state.rollout, &tick, asked, n_asked, &g->next.rollout, act);
}

static struct mf_standing
standing(const struct mf_engine *g)
{
	const struct mf_rollout_state *s = &g->state.rollout;

	return (struct mf_standing){
	    .phase = mf_rollout_phase_name(s->phase),
	    /* the pauses that the plan has, and that end, are no holds */
	    .note = s->hold_since_us > 0 ? mf_rollout_waits_for(g->rollout_plan, s) : "",
	    .weight = s->weight,
	    .reason = s->reason,
	    .result = s->result,
	    .back = s->aborted,
	    .after = s->undoing && s->weight == 0,
	    .ended = mf_rollout_ended(s),
	};
}

static uint64_t
next_us(const struct mf_engine *g, const struct mf_canary_tick *seen, uint64_t planned_us)
{
	const struct mf_rollout_plan *plan = g->rollout_plan;
	uint64_t watch = plan->watch_us == 0 ? MF_ENGINE_WATCH_US : plan->watch_us;
	uint64_t us = mf_rollout_next_us(plan, &g->state.rollout, seen->now_us);

	(void)planned_us; /* the state knows */
	if (g->state.rollout.aborted && us > seen->now_us + watch)
		return seen->now_us + watch;
	return us;
}

static void
resume(struct mf_engine *g, const struct mf_act *open, unsigned canary_weight)
{
	(void)canary_weight; /* it is written again, whatever it is */
	mf_rollout_resume(&g->state.rollout, open);
}

static void
put(struct mf_buf *b, const struct mf_engine *g)
{
	mf_rollout_state_put(b, &g->state.rollout);
}

static int
read(struct mf_engine *g, const struct mf_node *node, struct mf_error *e)
{
	return mf_rollout_state_read(&g->state.rollout, node, e);
}

void
mf_engine_rollout(struct mf_engine *g, const struct mf_rollout_plan *plan)
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

	*g = (struct mf_engine){.ops = &ops, .rollout_plan = plan};
}
