/* A world for the engine of Rollouts: it answers what the engine asks for, and remembers. */
#ifndef MF_TESTS_UNIT_ROLLOUT_WORLD_H
#define MF_TESTS_UNIT_ROLLOUT_WORLD_H

#include "src/rollout/rollout.h"
#include "tests/unit/rollout/trees.h"

#define SECOND ((uint64_t)1000000)

struct world {
	struct mf_rollout_plan plan;
	struct mf_rollout_state state;
	struct mf_rollout_tick tick; /* of the next pass; back to normal after it */
	unsigned routed;             /* the canary's weight, as the router has it */
	unsigned n_routes, n_metrics;
	/* how these acts end */
	enum mf_answer_end route_end, promote_end, reference_end, drain_end, fallback_end;
	struct mf_node verdict; /* what metrics, which are Kubernetes Jobs, answer */
	enum mf_measure_end measure_end;
	struct mf_node primary_verdict; /* the same of the primary */
	enum mf_measure_end primary_end;
	char did[2048]; /* acts of the last pass, "route:20 alert " */
	struct mf_asked asked[MF_STEP_ACTS_MAX];
};

static inline void
world_reset_tick(struct world *w)
{
	w->tick = (struct mf_rollout_tick){.now_us = w->tick.now_us};
}

/* Stable is A; B comes with the first pass. */
static inline void
world_init(struct world *w, const struct mf_rollout_plan *plan)
{
	memset(w, 0, sizeof *w);
	w->plan = *plan;
	w->verdict = (struct mf_node){.kind = MF_NODE_STRING, .text = "complete"};
	w->primary_verdict = w->verdict;
	w->tick.now_us = 1000 * SECOND;
	mf_rollout_init(&w->state, "A");
	w->tick.revision = "B";
}

static inline void
world_note(struct world *w, const char *what)
{
	const size_t n = strlen(w->did);

	(void)snprintf(w->did + n, sizeof w->did - n, "%s ", what);
}

static inline void
world_measure(struct world *w, const struct mf_act *act, struct mf_answer *out)
{
	assert_non_null(mf_rollout_analysis_of(&w->plan, act->index));
	w->n_metrics++;
	if (act->kind == MF_ACT_MEASURE_PRIMARY)
		out->measured =
		    (struct mf_measured){.end = w->primary_end, .result = &w->primary_verdict};
	else
		out->measured = (struct mf_measured){.end = w->measure_end, .result = &w->verdict};
	world_note(w, act->kind == MF_ACT_MEASURE_PRIMARY ? "primary" : "metric");
}

static inline void
world_do(struct world *w, const struct mf_act *act, struct mf_answer *out)
{
	char text[32];

	memset(out, 0, sizeof *out);
	switch (act->kind) {
	case MF_ACT_ROUTE:
		assert_true(act->canary <= 100 && act->primary + act->canary == 100);
		out->end = w->route_end;
		w->n_routes++;
		if (out->end == MF_ANSWER_OK)
			w->routed = act->canary;
		(void)snprintf(text, sizeof text, "route:%u", act->canary);
		world_note(w, text);
		return;
	case MF_ACT_MEASURE_PRIMARY:
	case MF_ACT_METRIC: world_measure(w, act, out); return;
	case MF_ACT_PROMOTE: out->end = w->promote_end; break;
	case MF_ACT_REFERENCE: out->end = w->reference_end; break;
	case MF_ACT_DRAIN: out->end = w->drain_end; break;
	case MF_ACT_FALLBACK: out->end = w->fallback_end; break;
	default: break;
	}
	world_note(w, mf_act_name(act->kind));
}

/* One pass, `seconds` after the one before. It is walked again from its start after each answer,
 * which has to lead to the same. */
static inline void
world_pass(struct world *w, uint64_t seconds)
{
	struct mf_rollout_state next;
	struct mf_act act;
	size_t n = 0;

	w->did[0] = '\0';
	w->tick.now_us += seconds * SECOND;
	while (mf_rollout_step(&w->plan, &w->state, &w->tick, w->asked, n, &next, &act) ==
	       MF_STEP_ACT) {
		assert_true(n < MF_STEP_ACTS_MAX);
		w->asked[n].act = act;
		world_do(w, &act, &w->asked[n].answer);
		n++;
	}
	w->state = next;
	world_reset_tick(w);
	assert_true(w->state.weight <= 100);
}

static inline void
world_control(struct world *w, enum mf_steer control)
{
	w->tick.control = control;
	world_pass(w, 1);
}

#define assert_world(w, step_, weight_, phase_)                                       \
	do {                                                                          \
		assert_string_equal(mf_rollout_phase_name((w)->state.phase), phase_); \
		assert_int_equal((w)->state.step, step_);                             \
		assert_int_equal((w)->state.weight, weight_);                         \
	} while (0)

#endif
