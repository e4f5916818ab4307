/* The inside of the canary engine: a walk through the stages of one tick. */
#ifndef MF_ROLLOUT_CANARY_INT_H
#define MF_ROLLOUT_CANARY_INT_H

#include "src/rollout/canary.h"

/* A write of weights that met another's is tried so often within one tick (profile migration). */
#define MF_ROUTE_TRIES 5u
#define MF_KUBERNETES_ITERATIONS 10u

struct mf_walk {
	const struct mf_canary_plan *plan;
	const struct mf_canary_tick *tick;
	struct mf_canary_state s; /* becomes the next state */
	struct mf_step step;
	unsigned canary; /* weight of the canary as read, then as written */
	unsigned wanted; /* what the router is to show at the next tick */
	bool mirrored;
	enum mf_hold holding; /* checks go on, steps do not */
	bool hook_mute;       /* a rollback hook did not answer: no check of this tick passes */
	bool blamed;          /* a check of this tick fails for what the canary does */
	bool muted;           /* who keeps the gate closed wants nobody told */
	enum mf_answer_end failed; /* how the last act that failed did */
};

/* A stage looks at one thing. Where it asks for an act whose answer is not there yet, it leaves
 * with MF_STOP, and what it did to the walk counts for nothing. */
enum mf_verdict { MF_GO_ON, MF_STOP };
typedef enum mf_verdict mf_stage(struct mf_walk *w);

/* canary.c */
const struct mf_answer *mf_walk_ask(struct mf_walk *w, const struct mf_act *act);
/* The act alone: 0 done, 1 it failed, 2 conflict, -1 pending. */
int mf_walk_do(struct mf_walk *w, enum mf_act_kind kind);
int mf_walk_alert(struct mf_walk *w, const char *why);
/* Writes weights; 0 done, 1 failed or conflict, -1 pending. A provider without routes: 0. */
int mf_walk_route(struct mf_walk *w, unsigned primary, unsigned canary, bool mirror);
/* The same, on the way back: the act says why, so that whoever resumes goes on with it. */
int mf_walk_route_back(struct mf_walk *w, unsigned canary);
int mf_walk_route_matched(struct mf_walk *w); /* A/B: all that match to the canary */
/* A Migration sends no traffic to a primary that has no ready capacity. */
bool mf_walk_nowhere_back(const struct mf_walk *w);
bool mf_walk_in(const struct mf_walk *w, unsigned phases); /* MF_IN(...) | MF_IN(...) */
#define MF_IN(phase) (1u << MF_PHASE_##phase)
unsigned mf_walk_iterations(const struct mf_walk *w);
enum mf_strategy mf_walk_strategy(const struct mf_walk *w);
bool mf_walk_changed(const struct mf_walk *w); /* is there another revision to roll out? */
void mf_walk_sync(struct mf_walk *w, enum mf_phase phase, unsigned weight);
void mf_walk_enter(struct mf_walk *w, enum mf_phase phase);

/* canary_check.c: 1 all pass, 0 one does not, -1 pending */
int mf_walk_hooks(struct mf_walk *w, enum mf_hook_type type, enum mf_phase told);
int mf_walk_metrics(struct mf_walk *w);
int mf_walk_rollback_wanted(struct mf_walk *w); /* by a rollback hook; fills hook_mute */
int mf_walk_confirm(struct mf_walk *w, enum mf_hook_type type);
/* All hooks and metrics of a Migration, and the worst of what they say; -1 pending. */
int mf_walk_look(struct mf_walk *w, enum mf_check *found);
void mf_walk_tell_hooks(struct mf_walk *w, enum mf_phase told); /* post-rollout */

/* canary_gate.c */
mf_stage mf_stage_suspended, mf_stage_bootstrap, mf_stage_changed, mf_stage_primary,
    mf_stage_weights, mf_stage_gate, mf_stage_restarted, mf_stage_canary, mf_stage_skip,
    mf_stage_rollback_hooks, mf_stage_returning, mf_stage_finalising, mf_stage_threshold,
    mf_stage_analysis;
enum mf_verdict mf_walk_roll_back(struct mf_walk *w); /* Flagger's */

/* canary_move.c */
mf_stage mf_stage_strategy;
/* The weight of the canary a step further. */
unsigned mf_walk_raised(const struct mf_walk *w, unsigned step);

/* canary_stay.c: finish: stay, and the bake */
mf_stage mf_stage_migration_skip, mf_stage_bake, mf_stage_move;

/* canary_hold.c: what keeps a Migration where it is */
mf_stage mf_stage_ended, mf_stage_control, mf_stage_migration_gate, mf_stage_router,
    mf_stage_migration_ready, mf_stage_checks;
/* Go no further for now; past max_hold that ends. */
enum mf_verdict mf_walk_hold(struct mf_walk *w, enum mf_hold hold);
/* The same after an act that failed: by what it was held back by, else as `hold` says. */
enum mf_verdict mf_walk_hold_failed(struct mf_walk *w, enum mf_hold hold);
/* The same for lack of a measurement. */
enum mf_verdict mf_walk_hold_for_data(struct mf_walk *w, enum mf_check found);
bool mf_walk_held_too_long(const struct mf_walk *w);
/* A confirm hook said no: Flagger waits for ever, a Migration does not. */
enum mf_verdict mf_walk_gate_closed(struct mf_walk *w);
enum mf_verdict mf_walk_end(struct mf_walk *w, enum mf_phase phase, enum mf_result result);

/* canary_back.c: the way back of a Migration */
mf_stage mf_stage_due_back, mf_stage_reverted, mf_stage_rolling_back;
enum mf_verdict mf_walk_turn_back(struct mf_walk *w, enum mf_reason reason);

#endif
