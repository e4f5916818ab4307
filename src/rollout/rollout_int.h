/* Shared by the files of the engine of Rollouts: the pass being walked. */
#ifndef MF_ROLLOUT_ROLLOUT_INT_H
#define MF_ROLLOUT_ROLLOUT_INT_H

#include "src/rollout/rollout.h"

/* How a part of a pass ends. */
enum mf_pass {
	MF_PASS_ON,  /* go on with what follows */
	MF_PASS_END, /* nothing more in this pass */
	MF_PASS_ASK, /* an answer is missing: leave, whatever you hold */
};

struct mf_rollout_walk {
	const struct mf_rollout_plan *plan;
	struct mf_rollout_state *s; /* becomes the state after the pass */
	const struct mf_rollout_tick *tick;
	struct mf_step step;
	bool given_used; /* tick->analysis was taken by one analysis */
	bool blocked;    /* it waits for the world: a workload, a router, data */
};

/* rollout_acts.c: do one thing. ON: it is done. END: it failed, and is tried again in the next
 * pass. */
enum mf_pass mf_rollout_do(struct mf_rollout_walk *w, const struct mf_act *act);
/* An act has failed: the pass waits for the world. END. */
enum mf_pass mf_rollout_failed(struct mf_rollout_walk *w, const struct mf_answer *answer);
enum mf_pass mf_rollout_route(struct mf_rollout_walk *w, unsigned canary);
enum mf_pass mf_rollout_route_back(struct mf_rollout_walk *w);
enum mf_pass mf_rollout_alert(struct mf_rollout_walk *w, const char *why);
enum mf_pass mf_rollout_remove_routes(struct mf_rollout_walk *w);
/* Start the canary's workload, once a revision. */
enum mf_pass mf_rollout_scale_up(struct mf_rollout_walk *w);
/* Stop the idle side where its time has come. */
enum mf_pass mf_rollout_scale_down(struct mf_rollout_walk *w);
/* In delay_us from now. */
void mf_rollout_scale_down_in(struct mf_rollout_walk *w, uint64_t delay_us);

/* rollout_abort.c */
void mf_rollout_abort(struct mf_rollout_walk *w, enum mf_reason reason);
/* Ends holds that last too long. */
enum mf_pass mf_rollout_check_hold(struct mf_rollout_walk *w);
/* The hold's clock, which this starts where it does not run, is over. */
bool mf_rollout_held_too_long(struct mf_rollout_walk *w);

/* rollout_back.c: an aborted run: traffic goes back, and stays there. */
enum mf_pass mf_rollout_back(struct mf_rollout_walk *w);

/* rollout_primary.c */
/* Metrics of an analysis failed: what is bad of the canary alone turns the run back, and what the
 * primary fails as well is held. ASK, or END. */
struct mf_rollout_fault {
	unsigned analysis;
	const struct mf_analysis_state *run;
	enum mf_reason reason;
	unsigned bit; /* MF_ROLLOUT_SHARED_* */
};
enum mf_pass mf_rollout_turn_back(struct mf_rollout_walk *w, const struct mf_rollout_fault *f);
/* The primary by all metrics of the plan's analyses that can measure it. *any: there are some. */
enum mf_goodness mf_rollout_look_at_primary(struct mf_rollout_walk *w, bool *any);

/* rollout_runs.c: analyses. ON: it is Successful; of the background: nothing is wrong. END: it
 * runs, or the run was aborted or paused because of it. */
enum mf_pass mf_rollout_run(struct mf_rollout_walk *w, unsigned analysis, bool one_success);
enum mf_pass mf_rollout_background(struct mf_rollout_walk *w);
/* Which analysis looks at the weights after the last step; MF_ROLLOUT_NO_ANALYSIS: none does. */
unsigned mf_rollout_gate(const struct mf_rollout_plan *plan);

/* rollout_steps.c */
enum mf_pass mf_rollout_canary_steps(struct mf_rollout_walk *w);
/* May the canary's weight become `canary` now? END: not yet. */
enum mf_pass mf_rollout_may_route(struct mf_rollout_walk *w, unsigned canary);
/* Has the background analysis, where it goes on, measured at the present weight? */
bool mf_rollout_was_looked_at(
    const struct mf_rollout_plan *plan, const struct mf_rollout_state *state);
/* The pause step, and blue/green's: until somebody promotes, or so long. */
enum mf_pass mf_rollout_pause(struct mf_rollout_walk *w, bool forever, uint64_t pause_us);
/* rollout_end.c: all steps are done. */
enum mf_pass mf_rollout_finish(struct mf_rollout_walk *w);
/* finish: stay: how long each step after the last one is looked at; 0: a pass. */
uint64_t mf_rollout_last_pauses_us(const struct mf_rollout_plan *plan);
/* rollout_bake.c: at 0/100. ON: it has been good for long enough. */
enum mf_pass mf_rollout_bake(struct mf_rollout_walk *w);
/* bluegreen.c */
enum mf_pass mf_rollout_bluegreen(struct mf_rollout_walk *w);

/* How many steps (or stages) there are. */
unsigned mf_rollout_last(const struct mf_rollout_plan *plan);
uint64_t mf_rollout_later(uint64_t a_us, uint64_t b_us);    /* no overflow */
bool mf_rollout_finite(const struct mf_rollout_plan *plan); /* holds end: profile migration */

#endif
