/*
 * An analysis run in the manner of Argo Rollouts' AnalysisRun: which metric is to be measured
 * next, what a measurement means, when a metric and the run are over. A pure function as step.h
 * describes.
 *
 * Measurements are Successful, Failed or Inconclusive by the metric's two conditions, or an Error
 * where the provider could not be asked or a condition could not be evaluated. An error does not
 * count towards `count` and is retried after 10 seconds. The first metric that ends badly ends
 * the run: nothing else is measured, endless metrics close as Successful, and the run is the worst
 * of its metrics, in the order Successful, Inconclusive, Error, Failed. Dry-run metrics are
 * measured and never count.
 *
 * In profile migration a metric that was not measured is never taken for a good one (a run that is
 * ended before is Inconclusive, where Argo has Successful), a PromQL predicate (`x > 0.9`) is
 * told from no data by asking for its left side, too, and no data is waited for up to max_hold_us
 * before it is an error that ends the run. A metric whose window holds a change of weights waits.
 */
#ifndef MF_ROLLOUT_ANALYSIS_H
#define MF_ROLLOUT_ANALYSIS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/rollout/analysis_plan.h"
#include "src/rollout/step.h"

/* From here on, the worse it is the higher it stands. */
enum mf_analysis_phase {
	MF_ANALYSIS_PENDING, /* not measured yet */
	MF_ANALYSIS_RUNNING,
	MF_ANALYSIS_SUCCESSFUL,
	MF_ANALYSIS_INCONCLUSIVE,
	MF_ANALYSIS_ERROR,
	MF_ANALYSIS_FAILED,
	MF_ANALYSIS_PHASES
};

/* An act's index: the metric's, and these. */
#define MF_ANALYSIS_INDEX_METRIC 0x00ffu /* mask: which metric of the analysis */
#define MF_ANALYSIS_INDEX_LEFT 0x0100u   /* the left side of its predicate */
#define MF_ANALYSIS_INDEX_PRIMARY 0x0200u /* of mf_analysis_query alone: measured on the primary \
					   */
#define MF_ANALYSIS_INDEX_SHIFT 12u      /* above: which analysis of a rollout */

/* One metric, between two ticks. */
struct mf_analysis_metric_state {
	enum mf_analysis_phase phase;
	enum mf_analysis_phase last; /* of the last measurement; PENDING: there was none */
	uint64_t last_us;            /* when it ended */
	unsigned count, successful, failed, inconclusive, errors;
	unsigned consecutive_errors, consecutive_successes;
	uint64_t no_data_since_us; /* migration; 0: there is data */
	bool has_value;            /* the last measurement was one number, or a list of one */
	double value;
};

/* All that a tick hands to the next: no pointers. mf_analysis_start makes one. */
struct mf_analysis_state {
	enum mf_analysis_phase phase; /* RUNNING from the start on */
	uint64_t started_us;
	bool terminate;
	bool one_success; /* over with each metric's first success, whatever count says */
	struct mf_analysis_metric_state metrics[MF_ANALYSIS_METRICS_MAX];
};

struct mf_analysis_tick {
	uint64_t now_us;
	bool terminate; /* somebody wants it to end */
	/* Of n_metrics: measure just these, whatever the clock says. NULL: the clock. */
	const bool *due;
	/* Profile migration: a metric counts only where its window began so long after the last
	 * change of weights; 0: there was none. No data is waited for so long; 0: 10 intervals. */
	uint64_t changed_us, settle_us, max_hold_us;
};

/* A new run. one_success: see the state. */
void mf_analysis_start(struct mf_analysis_state *state, uint64_t now_us, bool one_success);

/* One act further; acts are MF_ACT_METRIC with index base + the metric's, perhaps with
 * MF_ANALYSIS_INDEX_LEFT. Answers: the verdict of a Kubernetes Job is a text, "complete",
 * "failed" or why it is neither; MF_MEASURE_NONE is an empty list to conditions. */
enum mf_step_end mf_analysis_step(const struct mf_analysis_plan *plan,
    const struct mf_analysis_state *state, const struct mf_analysis_tick *tick,
    const struct mf_asked *asked, size_t n_asked, struct mf_analysis_state *next,
    struct mf_act *act);
/* The same within another engine's walk: `state` changes in place. True: s->pending, leave. */
bool mf_analysis_walk(const struct mf_analysis_plan *plan, struct mf_analysis_state *state,
    const struct mf_analysis_tick *tick, unsigned base, struct mf_step *s);

/* When the next measurement is due; UINT64_MAX: none, the run is over. Profile migration: and when
 * it is not too early for it, by the tick's changed_us and settle_us. */
uint64_t mf_analysis_next_us(const struct mf_analysis_plan *plan,
    const struct mf_analysis_state *state, const struct mf_analysis_tick *tick);
/* Was each metric that counts, and goes on, measured after this moment, other than in vain? */
bool mf_analysis_measured_since(
    const struct mf_analysis_plan *plan, const struct mf_analysis_state *state, uint64_t since_us);
/* Did the last measurement of each metric that counts pass? */
bool mf_analysis_is_good(
    const struct mf_analysis_plan *plan, const struct mf_analysis_state *state);
/* Was each metric that counts measured, other than in vain? */
bool mf_analysis_measured(
    const struct mf_analysis_plan *plan, const struct mf_analysis_state *state);

/* One measurement of the primary, by the act MF_ACT_MEASURE_PRIMARY: what it is worth by the
 * metric's own conditions. base as of mf_analysis_walk. True: an answer is missing. */
bool mf_analysis_ask_primary(const struct mf_analysis_plan *plan, unsigned i, unsigned base,
    struct mf_step *s, enum mf_analysis_phase *phase, bool *has_data);

/* Why what was measured is an error to the metric: its provider's word, or the condition that cannot
 * be evaluated. MF_OK in why->code: it is none. */
void mf_analysis_why(const struct mf_analysis_metric *m, const struct mf_measured *got,
    struct mf_error *why);
/* What one measurement is worth; *has_data: false where there was nothing to look at, which in
 * profile migration is no measurement. left: of a predicate whose result was empty; else NULL. */
enum mf_analysis_phase mf_analysis_judge(enum mf_profile profile,
    const struct mf_analysis_metric *m, const struct mf_measured *got,
    const struct mf_measured *left, bool *has_data);

/* The query of a metric (index: of an act, without what is above MF_ANALYSIS_INDEX_SHIFT) with
 * the run's own arguments in their places; texts in r. -1: MF_EUSAGE where an argument has no
 * value yet (revision or stable is ""), MF_ENOMEM. */
int mf_analysis_query(const struct mf_analysis_plan *plan, unsigned index, const char *revision,
    const char *stable, struct mf_region *r, struct mf_metric_query *out, struct mf_error *e);

static inline bool
mf_analysis_over(enum mf_analysis_phase phase)
{
	return phase >= MF_ANALYSIS_SUCCESSFUL;
}
static inline bool
mf_analysis_bad(enum mf_analysis_phase phase)
{
	return phase > MF_ANALYSIS_SUCCESSFUL;
}
const char *mf_analysis_phase_name(enum mf_analysis_phase phase); /* "Successful" */
/* MF_ANALYSIS_PHASES: no such phase. */
enum mf_analysis_phase mf_analysis_phase_find(const char *name);

#endif
