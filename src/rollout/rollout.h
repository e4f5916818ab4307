/*
 * The engine of Rollouts: Argo's canary steps and blue/green, pass by pass. A pure function in the
 * manner of step.h.
 *
 * MF_PROFILE_ARGO is Argo Rollouts' controller where a pass finds everything settled: steps that
 * ask for nothing are passed at once, pauses, analyses and workloads that are not ready end the
 * pass. An abort brings the canary's weight to 0 and stays (Degraded) until a retry or a new
 * revision. After the last step the weight goes to 100 whatever the last setWeight was, the canary
 * becomes stable (MF_ACT_PROMOTE), and its own weight is 0 again.
 *
 * With `finish: stay` there is no such leap: the steps go on by the last increment, one a pass,
 * each after the last step's pause and one look at the background's metrics (else the last
 * analysis step's); at 0/100 it bakes, then production moves (MF_ACT_REFERENCE): Succeeded.
 * MF_PROFILE_MIGRATION ends every hold after max_hold_us, takes a canary that has no server up for
 * a failure, never sends traffic to a primary without capacity, and holds where somebody lowered
 * the canary's weight at the router, or at one proxy of it. It raises no weight that the background
 * analysis, where it is on, has not looked at. While a proxy does not answer nothing is raised, and
 * each interval with weight on the canary is a failed check; more than
 * MF_ANALYSIS_CONSECUTIVE_ERRORS in a row turn it back. Where the primary fails the same metrics as
 * the canary that is a shared fault, and held. After traffic the rest goes back, each tried again
 * until it holds (way_back.h): sessions drained, refs, what the primary's side serves, and its
 * metrics.
 */
#ifndef MF_ROLLOUT_ROLLOUT_H
#define MF_ROLLOUT_ROLLOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/rollout/analysis.h"
#include "src/rollout/canary.h"
#include "src/rollout/rollout_plan.h"
#include "src/rollout/step.h"

#define MF_ROLLOUT_HISTORY 8u
#define MF_ROLLOUT_INTERVAL_US ((uint64_t)60 * 1000000) /* where the plan has none */

enum mf_rollout_phase {
	MF_ROLLOUT_HEALTHY,
	MF_ROLLOUT_PROGRESSING,
	MF_ROLLOUT_PAUSED,
	MF_ROLLOUT_DEGRADED,
	MF_ROLLOUT_BAKING, /* finish: stay: 0/100, not yet final */
	MF_ROLLOUT_SUCCEEDED,
	MF_ROLLOUT_PHASES
};

/* What the run waits for, as bits; promote clears the first three. */
#define MF_ROLLOUT_PAUSE_STEP 0x01u         /* a pause step, or blue/green before its switch */
#define MF_ROLLOUT_PAUSE_INCONCLUSIVE 0x02u /* the step's analysis */
#define MF_ROLLOUT_PAUSE_BACKGROUND 0x04u   /* the background analysis is inconclusive */
#define MF_ROLLOUT_PAUSE_BY_HAND 0x08u      /* ends by MF_STEER_CONTINUE (or promote) */
#define MF_ROLLOUT_PAUSE_LOWERED 0x10u      /* somebody lowered the canary's weight; so, too */

#define MF_ROLLOUT_PAUSES 0x1fu /* all of them */

#define MF_ROLLOUT_SHARED_RUN 0x01u        /* the step's analysis */
#define MF_ROLLOUT_SHARED_BACKGROUND 0x02u /* the one in the background */
#define MF_ROLLOUT_SHARED_BAKE 0x04u
#define MF_ROLLOUT_SHARED 0x07u /* all of them */

/* Stages of blue/green, in place of the index of a step. */
enum mf_bluegreen_stage {
	MF_BLUEGREEN_UP,    /* the new side starts */
	MF_BLUEGREEN_PRE,   /* prePromotionAnalysis */
	MF_BLUEGREEN_PAUSE, /* autoPromotionEnabled, autoPromotionSeconds */
	MF_BLUEGREEN_SWITCH,
	MF_BLUEGREEN_POST, /* postPromotionAnalysis */
	MF_BLUEGREEN_END,
};

/* All that a pass hands to the next: no pointers. mf_rollout_init, mf_rollout_start make one. */
struct mf_rollout_state {
	enum mf_rollout_phase phase;
	char stable[MF_REVISION_BYTES];  /* "": nothing was ever rolled out */
	char current[MF_REVISION_BYTES]; /* the revision that the run is about */
	unsigned step;      /* index of the current step, the number of steps at the end; a stage */
	unsigned weight;    /* of the canary, as it was last written */
	bool weight_unsure; /* a write failed: write again */
	bool aborted;
	bool abort_told; /* people know */
	/* Profile migration: what is left of the way back, once traffic is. */
	bool undoing;
	struct mf_way_back back;
	/* Analyses that the primary fails, too, as bits MF_ROLLOUT_SHARED_*: no step forward, and
	 * no way back that would not mend it, until they are good or the hold is over. */
	unsigned shared;
	unsigned missing_failed;  /* checks in a row that failed since a proxy did not answer */
	uint64_t missing_next_us; /* when the next one counts */
	enum mf_reason reason;
	enum mf_result result; /* of finish: stay, and of an abort in profile migration */
	bool full;             /* promoteFull: no steps, pauses, analyses */
	bool scaled_up;
	bool routes; /* managed routes are set */
	unsigned pauses;
	uint64_t pause_since_us;   /* of the pause step */
	uint64_t waiting_since_us; /* for the canary to be ready; 0: it is */
	bool late;                 /* progressDeadlineSeconds are over */
	uint64_t hold_since_us;    /* 0: nothing holds */
	bool hold_told;
	enum mf_hold kept_by; /* what held an act back in this pass: JOURNAL, REPOSITORY, NONE */
	bool run_on, background_on;
	bool background_done; /* it ran to its end and was good */
	struct mf_analysis_state run;
	struct mf_analysis_state background;
	uint64_t changed_us;            /* when the weight last changed */
	bool on_from_last;              /* finish: stay: past the last step */
	uint64_t scale_down_us;         /* when the idle side is to be stopped; 0: never */
	char former[MF_REVISION_BYTES]; /* blue/green: stable before, and up until scale_down_us */
	char history[MF_ROLLOUT_HISTORY][MF_REVISION_BYTES]; /* former stables, newest first */
	uint64_t bake_since_us, bake_next_us;
	bool bake_passed;
	uint64_t bake_failed_us[MF_BAKE_FAILURES]; /* a ring */
	size_t bake_failed_next;
};

/* Seen at the start of a pass. */
struct mf_rollout_tick {
	uint64_t now_us;      /* a clock that does not go back; not 0 */
	const char *revision; /* shorter than MF_REVISION_BYTES; NULL: as before */
	enum mf_ready primary, canary;
	bool canary_gone;  /* not one server of it is up */
	bool weight_known; /* the router was read, and gives canary_weight */
	unsigned canary_weight;
	/* Of a router that is several proxies: some did not answer (or none), and the weight is
	 * that of the others; one gives the canary so many points less than canary_weight. */
	bool some_missing;
	unsigned canary_spread;
	enum mf_steer control;
	bool no_steps_now; /* outside the plan's windows, or in a freeze */
	bool damaged;      /* the data at the destination is not what was verified */
	/* How the current step's (or blue/green's) and the background analysis stand, where
	 * somebody else runs them, as in simulate; MF_ANALYSIS_PENDING: they are measured here. */
	enum mf_analysis_phase analysis, background;
};

/* Nothing under way: stable is what runs, Healthy. */
void mf_rollout_init(struct mf_rollout_state *state, const char *stable);
/* revision is to be rolled out beside stable; so does a tick that brings a new revision. Where both
 * sides serve the same version there is something to do all the same: stable is "" then. */
void mf_rollout_start(struct mf_rollout_state *state, const char *revision, const char *stable);
/* After a state was read back: a route that was written down after it may have been done or not, so
 * that the router's weight is nobody's wish, and is written again. open: the last act that has no
 * state after it; NULL: none. */
void mf_rollout_resume(struct mf_rollout_state *state, const struct mf_act *open);
/* The plan has other steps: begin with the first one again. Nothing where nothing is under way. */
void mf_rollout_restart(struct mf_rollout_state *state);

/* One act further. MF_STEP_ACT: *act is to be done, its answer appended to asked, and the same
 * called again. MF_STEP_DONE: *next is the state after the pass. next may not be state.
 *
 * MF_ACT_METRIC's index: mf_rollout_analysis_of has the analysis, and the rest of it is as in
 * analysis.h. MF_ACT_MANAGED_ROUTE's index is the step's. MF_ACT_SCALE_UP's `index` is an enum
 * mf_rollout_scale with its number in `canary`. */
enum mf_step_end mf_rollout_step(const struct mf_rollout_plan *plan,
    const struct mf_rollout_state *state, const struct mf_rollout_tick *tick,
    const struct mf_asked *asked, size_t n_asked, struct mf_rollout_state *next,
    struct mf_act *act);

/* The analysis that an act's index is of. NULL: none such. */
const struct mf_analysis_plan *mf_rollout_analysis_of(
    const struct mf_rollout_plan *plan, unsigned index);
/* The analysis that state->run is of; NULL: none is on, or the bake looks by itself. */
const struct mf_analysis_plan *mf_rollout_running(
    const struct mf_rollout_plan *plan, const struct mf_rollout_state *state);
/* Has it ended, so that another pass changes nothing without a new revision or a retry? */
bool mf_rollout_ended(const struct mf_rollout_state *state);
/* When the next pass has something to do, if nothing comes from outside; UINT64_MAX: never.
 * Where it waits for the world (a workload, a router): now plus the plan's interval. */
uint64_t mf_rollout_next_us(
    const struct mf_rollout_plan *plan, const struct mf_rollout_state *state, uint64_t now_us);
/* The weight of the last setWeight at or before the step; 0: none yet. */
unsigned mf_rollout_weight_at(const struct mf_rollout_plan *plan, unsigned step);
/* finish: stay: by how much it goes on after the last step; 0: no setWeight raises anything. */
unsigned mf_rollout_increment(const struct mf_rollout_plan *plan);

const char *mf_rollout_phase_name(enum mf_rollout_phase phase); /* "Degraded" */
/* Why it waits, for people: "a pause until somebody promotes"; "" where it does not. */
const char *mf_rollout_waits_for(
    const struct mf_rollout_plan *plan, const struct mf_rollout_state *state);

#endif
