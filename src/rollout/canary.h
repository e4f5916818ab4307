/*
 * The engine of canaries: Flagger's weighted canary, A/B and blue/green, tick by tick, and the
 * shift of a Migration, which is the same machine with other decisions where a migration of a
 * model between sites needs them. A pure function in the manner of step.h.
 *
 * The profile of the plan chooses a table of stages, which a tick walks through until one of them
 * ends it. MF_PROFILE_FLAGGER is Flagger's scheduler, quirks included (fluxcd/flagger,
 * pkg/controller/scheduler.go, described in modelferry-plan(5)); MF_PROFILE_MIGRATION asks for a
 * rollback before it looks at readiness, looks at the primary before it sends traffic back,
 * ends every hold, and knows `finish: stay` and the bake.
 *
 * The weights of the router as read at the start of the tick, not those of the state, are the
 * position from which Flagger steps. A Migration compares the two: canary above what it wanted is
 * written back at once and counted; canary below, at one proxy or at all, is taken as somebody's
 * wish, and held. While a proxy does not answer each tick with weight on the canary is a failed
 * check.
 */
#ifndef MF_ROLLOUT_CANARY_H
#define MF_ROLLOUT_CANARY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/rollout/canary_plan.h"
#include "src/rollout/step.h"
#include "src/rollout/way_back.h"

#define MF_REVISION_BYTES 129u
#define MF_BAKE_FAILURES 64u
#define MF_HOLD_INTERVALS 10u /* of a hold, where the plan has no word */

enum mf_phase {
	MF_PHASE_NEW, /* "" */
	MF_PHASE_INITIALIZING,
	MF_PHASE_INITIALIZED,
	MF_PHASE_WAITING,
	MF_PHASE_PROGRESSING,
	MF_PHASE_WAITING_PROMOTION,
	MF_PHASE_PROMOTING, /* finish: stay: on the way from maxWeight to 100 */
	MF_PHASE_FINALISING,
	MF_PHASE_BAKING,       /* 0/100, not yet final */
	MF_PHASE_ROLLING_BACK, /* traffic is back, the rest is under way */
	MF_PHASE_SUCCEEDED,
	MF_PHASE_FAILED,
	MF_PHASES
};

/* Why a Migration goes no further for now. */
enum mf_hold {
	MF_HOLD_NONE,
	MF_HOLD_PAUSED,       /* by hand, or suspend in the plan */
	MF_HOLD_GATE,         /* a confirm hook says no */
	MF_HOLD_NO_DATA,      /* a metric has no value */
	MF_HOLD_SETTLING,     /* its window began before the last change of weights had settled */
	MF_HOLD_LOWERED,      /* the router gives the canary less than wanted: somebody's wish */
	MF_HOLD_SHARED_FAULT, /* the primary fares no better */
	MF_HOLD_PRIMARY_DOWN, /* nowhere to go back to */
	MF_HOLD_NOT_READY,    /* the canary, or the primary while nothing is wrong */
	MF_HOLD_CONFLICT,     /* production moved under us */
	MF_HOLD_ROUTER,       /* the router cannot be read or written */
	MF_HOLD_JOURNAL,      /* what goes forward cannot be written down here first */
	MF_HOLD_REPOSITORY,   /* nor in the repository, which does not answer */
	MF_HOLDS
};

/* Why traffic goes back. */
enum mf_reason {
	MF_REASON_NONE,
	MF_REASON_THRESHOLD,
	MF_REASON_HOOK,
	MF_REASON_ABORT_METRIC,
	MF_REASON_CANARY_DEAD, /* no server of it is up: for its deadline, or too many checks */
	MF_REASON_PRIMARY_DEAD,
	MF_REASON_BY_HAND,
	MF_REASON_HOLD_TOO_LONG,
	MF_REASON_REVERTED, /* the target is what it was before */
	MF_REASON_BAKE,
	MF_REASON_INTERRUPTED, /* the run was told to end, and nobody took over */
	MF_REASON_DAMAGED,     /* what lies at the destination is not the version any more */
	MF_REASONS
};

/* How a run ended. */
enum mf_result {
	MF_RESULT_NONE,
	MF_RESULT_SUCCEEDED,
	MF_RESULT_ROLLED_BACK,
	MF_RESULT_PERSON_NEEDED, /* the rollback failed, or there is nowhere to go back to */
	MF_RESULT_CONFLICT,      /* 0/100, but production moved under us */
	MF_RESULTS
};

/* All that a tick hands to the next: no pointers, so that it can be stored as it is. Zero is a
 * canary that nobody has looked at yet; mf_canary_start is a Migration at its first step. */
struct mf_canary_state {
	enum mf_phase phase;
	char applied[MF_REVISION_BYTES];  /* revision that the run is about; "": none yet */
	char promoted[MF_REVISION_BYTES]; /* what the primary runs */
	unsigned failed_checks;
	/* Of a Migration: one of them was for what the canary does, a value out of its range or a
	 * hook; else its servers were gone, there was no data, or the router had trouble. */
	bool at_fault;
	bool was_down; /* one of them was for no server of the canary being up */
	int iterations;  /* -1: Flagger's WaitingPromotion of a weighted canary */
	unsigned weight; /* of the canary, as the status shows it */
	bool primary_created;
	/* Of a Migration. */
	enum mf_hold hold;
	uint64_t hold_since_us;
	enum mf_reason reason;
	enum mf_result result;
	bool confirmed; /* confirm-promotion was granted */
	bool full;      /* by hand: straight to the end */
	bool paused;
	bool passed_gate; /* by hand: the next gate counts as open */
	uint64_t bake_since_us, bake_next_us;
	uint64_t bake_failed_us[MF_BAKE_FAILURES]; /* a ring of failed checks */
	size_t bake_failed_next;
	struct mf_way_back back;
};

enum mf_ready {
	MF_READY,
	MF_READY_WAIT, /* not yet */
	MF_READY_DEAD, /* past its deadline; of a primary of a Migration: no ready capacity */
	MF_READY_FEW,  /* some of it is, and less than the plan wants */
};

/* What somebody asked for by hand since the last tick. */
enum mf_steer {
	MF_STEER_NONE,
	MF_STEER_ABORT,
	MF_STEER_PROMOTE,
	MF_STEER_PROMOTE_FULL,
	MF_STEER_PAUSE,
	MF_STEER_CONTINUE,
	MF_STEER_RETRY,
	MF_STEER_INTERRUPT, /* not by hand: the run itself was told to end */
};

/* Seen at the start of a tick, before anything is asked. */
struct mf_canary_tick {
	uint64_t now_us;      /* a clock that does not go back */
	const char *revision; /* of the target; shorter than MF_REVISION_BYTES */
	enum mf_ready primary, canary;
	bool weights_unknown;                   /* the router could not be read */
	unsigned primary_weight, canary_weight; /* percent, together 100 */
	/* Of a router that is several proxies: some did not answer, and the weights are those of
	 * the others; one gives the canary so many points less than canary_weight. */
	bool some_missing;
	unsigned canary_spread;
	bool mirrored;
	enum mf_steer control;
	/* Outside the plan's windows, in a freeze, or after a long absence. To skip steps, and to
	 * move production, are steps. */
	bool no_steps_now;
	bool damaged;      /* the data at the destination is not what was verified */
	bool urgent;       /* between two ticks: something may have to go back, nothing forward */
};

/* One act further. MF_STEP_ACT: *act is to be done, its answer appended to asked, and the same
 * called again, and *next is the state as far as the tick has come, for those who watch. MF_STEP_DONE:
 * *next is the state after the tick. next may not be state. */
enum mf_step_end mf_canary_step(const struct mf_canary_plan *plan,
    const struct mf_canary_state *state, const struct mf_canary_tick *tick,
    const struct mf_asked *asked, size_t n_asked, struct mf_canary_state *next, struct mf_act *act);

/* A Migration whose data is in place and whose gates are open: Progressing at 100/0. */
void mf_canary_start(struct mf_canary_state *state, const char *revision, const char *promoted);

/* Has it ended, so that another tick changes nothing (without a new revision)? */
bool mf_canary_ended(const struct mf_canary_state *state);

/* How a measurement counts against the metric's own words. */
enum mf_check {
	MF_CHECK_PASS,
	MF_CHECK_OUT,
	MF_CHECK_NO_VALUE,
	MF_CHECK_NAN,
	MF_CHECK_ERROR,
	MF_CHECK_NO_QUERY, /* "nobound": there is nothing that could be asked */
	MF_CHECK_EARLY,    /* "too early": neither good nor bad */
	MF_CHECK_ABORT,    /* beyond its abort bound */
	MF_CHECKS
};
enum mf_check mf_canary_check(const struct mf_canary_metric *m, const struct mf_measured *got);
/* The same of the primary alone: by the metric's own range, with nothing that it is compared with.
 */
enum mf_check mf_canary_check_primary(
    const struct mf_canary_metric *m, const struct mf_measured *got);
/* The worse of the two: what was found so far, and the check of one more metric. */
enum mf_goodness mf_canary_goodness(
    enum mf_goodness so_far, const struct mf_canary_metric *m, enum mf_check check);
/* The words of simulate and of reports: "out", "novalue", ... */
const char *mf_check_name(enum mf_check check);

/* The maximum from which promotion starts, and the size of the step from weight w. */
unsigned mf_canary_maximum(const struct mf_canary_plan *plan);
unsigned mf_canary_step_from(const struct mf_canary_plan *plan, unsigned w);
/* finish: stay: the weight after w when all is well. */
unsigned mf_canary_next_weight(const struct mf_canary_plan *plan, unsigned w);

const char *mf_phase_name(enum mf_phase phase);    /* "WaitingPromotion"; "" */
enum mf_phase mf_phase_find(const char *name);     /* MF_PHASES: none */
const char *mf_hold_name(enum mf_hold hold);       /* "noData"; "" */
const char *mf_reason_name(enum mf_reason reason); /* "threshold"; "" */
enum mf_reason mf_reason_find(const char *name);   /* MF_REASONS: none */
const char *mf_result_name(enum mf_result result); /* "rolledBack"; "" */

#endif
