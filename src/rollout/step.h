/*
 * How the engines talk to the world without touching it.
 *
 * An engine is a pure function: plan, state, what was observed at the start of the tick, and the
 * answers to what it asked for in this tick, to either the next act it wants done, or the state
 * after the tick. The caller does the act (asks a metric, calls a hook, writes a route), appends
 * act and answer to the list, and calls again from the same state; the engine goes the same way
 * as before, because nothing but its arguments moves it, and one act further. So each act can be
 * written to a journal before it is done, a run that was killed can be replayed, and a test can
 * answer as it likes.
 *
 *	struct mf_asked asked[MF_STEP_ACTS_MAX];
 *	size_t n = 0;
 *	while (mf_canary_step(plan, &state, &tick, asked, n, &next, &act) == MF_STEP_ACT) {
 *		journal(&act);
 *		asked[n].act = act;
 *		perform(&act, &asked[n++].answer);
 *	}
 *	state = next;
 */
#ifndef MF_ROLLOUT_STEP_H
#define MF_ROLLOUT_STEP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/rollout/metric.h"

#define MF_STEP_ACTS_MAX 512u /* of one tick: hooks, metrics and the rest */

enum mf_act_kind {
	MF_ACT_HOOK,             /* call hook `index` of the plan, telling it `phase` */
	MF_ACT_METRIC,           /* measure metric `index` of the plan */
	MF_ACT_MEASURE_PRIMARY,  /* the same of the primary: is it a shared fault? */
	MF_ACT_MEASURE_FALLBACK, /* measure metric `index` of fallback `of`, which has its own */
	MF_ACT_PROBE,            /* are the metrics' providers there? */
	MF_ACT_ROUTE,            /* weights primary/canary, mirror */
	MF_ACT_SCALE_UP,         /* start the canary's workload */
	MF_ACT_SCALE_TO_ZERO,    /* stop it */
	MF_ACT_CREATE_PRIMARY,   /* Flagger's bootstrap: FAILED: it is there, and not ready yet */
	MF_ACT_PROMOTE,          /* copy the canary's specification to the primary */
	MF_ACT_REFERENCE,        /* finish: stay: `production` moves, by compare-and-swap */
	MF_ACT_ALERT,            /* tell people; `why` says what */
	MF_ACT_RESTORE,          /* primary without capacity: hook or scaler brings it back */
	MF_ACT_DRAIN,            /* wait for the canary's sessions, take its servers out */
	MF_ACT_REFERENCE_BACK,   /* refs are as before the run, the version is marked rejected */
	MF_ACT_FALLBACK,      /* the primary's side serves fallback `index`: link, reload, serves */
	MF_ACT_MANAGED_ROUTE, /* a Rollout's header or mirror route, as its step `index` says */
	MF_ACT_REMOVE_ROUTES, /* all of these that were set */
	MF_ACT_KINDS
};

struct mf_act {
	enum mf_act_kind kind;
	unsigned index;
	unsigned of; /* a fallback */
	unsigned primary, canary;
	bool mirror;
	bool matched;      /* weights of the requests that the plan's match selects (A/B) */
	const char *phase; /* constant text */
	const char *why;   /* constant text; NULL: nothing to say */
};

enum mf_answer_end {
	MF_ANSWER_OK,
	MF_ANSWER_FAILED,
	MF_ANSWER_CONFLICT,
	/* Held back, and not begun: */
	MF_ANSWER_NO_JOURNAL,    /* its line cannot be written here */
	MF_ANSWER_NO_REPOSITORY, /* nor there, or the leases are not renewed, in time */
	MF_ANSWER_ENDS
};

struct mf_answer {
	enum mf_answer_end end;
	int status;                  /* of a hook; 0: none came */
	struct mf_measured measured; /* of a metric */
};

struct mf_asked {
	struct mf_act act;
	struct mf_answer answer;
};

enum mf_step_end { MF_STEP_DONE, MF_STEP_ACT };

/* For engines: a walk along what was asked so far. */
struct mf_step {
	const struct mf_asked *asked;
	size_t n_asked;
	size_t next;
	struct mf_act *wants; /* filled when an answer is missing */
	bool pending;         /* one is: leave, whatever you hold */
};

/* The answer to the act, or NULL: it is not there yet, s->pending is set and *s->wants says what
 * is to be done. An act that differs from the recorded one is a mistake of ours: asserted. */
const struct mf_answer *mf_step_ask(struct mf_step *s, const struct mf_act *act);

const char *mf_act_name(enum mf_act_kind kind); /* "route" */

#endif
