/*
 * How long a step of the canary engine takes, on one core: a tick with 50 metrics, replayed act by
 * act as a run does it, and whole runs of 100 ticks. Prints columns for scripts/bench.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "src/rollout/canary.h"

#define METRICS 50u
#define TICKS 100u
#define RUNS 1000u

static double
now_s(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static struct mf_canary_metric metrics[METRICS];
static struct mf_canary_plan plan = {
    .name = "p",
    .namespace_name = "n",
    .provider = "",
    .profile = MF_PROFILE_MIGRATION,
    .finish = MF_FINISH_STAY,
    .interval_us = 60000000,
    .threshold = 5,
    .max_weight = 100,
    .step_weight = 1,
    .metrics = metrics,
};

/* One tick: how many times the engine was asked. */
static unsigned
tick(struct mf_canary_state *s, unsigned *canary, uint64_t now_us, struct mf_asked *asked)
{
	struct mf_canary_tick t = {.now_us = now_us,
	    .revision = "B",
	    .primary_weight = 100 - *canary,
	    .canary_weight = *canary};
	struct mf_canary_state next;
	struct mf_act act;
	unsigned n = 0;

	while (mf_canary_step(&plan, s, &t, asked, n, &next, &act) == MF_STEP_ACT) {
		asked[n] = (struct mf_asked){.act = act};
		asked[n].answer.measured.end = MF_MEASURE_VALUE;
		asked[n].answer.measured.value = 95;
		if (act.kind == MF_ACT_ROUTE)
			*canary = act.canary;
		n++;
	}
	*s = next;
	return n + 1;
}

static unsigned long
runs(unsigned n_metrics, unsigned n_runs, struct mf_asked *asked)
{
	struct mf_canary_state s;
	unsigned run, i, canary;
	unsigned long steps = 0;

	plan.n_metrics = n_metrics;
	for (run = 0; run < n_runs; run++) {
		mf_canary_start(&s, "B", "A");
		canary = 0;
		for (i = 0; i < TICKS; i++)
			steps += tick(&s, &canary, i * plan.interval_us, asked);
	}
	return steps;
}

int
main(void)
{
	struct mf_asked *asked = calloc(MF_STEP_ACTS_MAX, sizeof *asked);
	double begun, step_us, runs_s;
	unsigned long steps;
	unsigned i;

	if (asked == NULL)
		return 1;
	for (i = 0; i < METRICS; i++)
		metrics[i] = (struct mf_canary_metric){
		    .name = "m", .rule = MF_RULE_VALUE, .range = {.has_min = true, .min = 90}};
	begun = now_s();
	steps = runs(METRICS, 100, asked);
	step_us = (now_s() - begun) * 1e6 / (double)steps;
	begun = now_s();
	(void)runs(3, RUNS, asked);
	runs_s = now_s() - begun;
	printf("%.3f\t%.3f\n", step_us, runs_s);
	free(asked);
	return 0;
}
