/* The loop of a shift, killed at every moment: before an act is written down, after that, after it
 * was done, after its answer, around the state. Whatever the moment, a run that resumes ends well
 * on a healthy system, or with all traffic at the primary if that is asked for. Each test for both
 * engines, that of canaries and that of Rollouts. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "src/migrate/shift.h"

#define MINUTE_US UINT64_C(60000000)

/* What outlives a process: the router, the ref, the journal. */
struct durable {
	unsigned weights[2];
	unsigned spread; /* one proxy of several gives the canary so much less */
	unsigned production_moves;
	bool journal_full;
	bool repository_silent;
	bool has_state;
	union mf_engine_state state;
	uint64_t tick;
	bool has_open;
	struct mf_act open;
	uint64_t now_us;
	double accuracy;
};

struct process {
	struct durable *d;
	struct mf_engine engine;
	unsigned lives; /* moments until it is killed; UINT_MAX: it is not */
	unsigned moments;
	bool dead;
	unsigned canary_max;
	unsigned acts_unwritten; /* forward acts that were done without a line */
	bool written;
	const char *held;  /* the first word of why it went no further; NULL: it never did */
	unsigned leave_at; /* tick at which it is told to end; 0: never */
};

static const struct mf_canary_metric metrics[] = {
    {.name = "accuracy", .rule = MF_RULE_VALUE, .range = {.has_min = true, .min = 90}},
};

static const struct mf_canary_plan plan = {
    .name = "p",
    .namespace_name = "n",
    .provider = "",
    .profile = MF_PROFILE_MIGRATION,
    .finish = MF_FINISH_STAY,
    .interval_us = MINUTE_US,
    .threshold = 2,
    .max_weight = 60,
    .step_weight = 30,
    .metrics = metrics,
    .n_metrics = 1,
    .bake = {.duration_us = 2 * MINUTE_US, .interval_us = MINUTE_US},
};

static const struct mf_analysis_metric analysis_metrics[] = {
    {.name = "accuracy", .query = {.type = MF_PROVIDER_JOB}, .interval_us = MINUTE_US},
};
static const struct mf_analysis_plan analysis = {
    .name = "accuracy",
    .profile = MF_PROFILE_MIGRATION,
    .metrics = analysis_metrics,
    .n_metrics = 1,
};
static const struct mf_analysis_plan *const analyses[] = {&analysis};

#define WEIGHT(w)                                            \
	{                                                    \
		.kind = MF_ROLLOUT_SET_WEIGHT, .weight = (w) \
	}
#define PAUSE                                                       \
	{                                                           \
		.kind = MF_ROLLOUT_PAUSE, .pause_us = 2 * MINUTE_US \
	}
static const struct mf_rollout_step steps[] = {WEIGHT(30), PAUSE, WEIGHT(60), PAUSE};

static const struct mf_rollout_plan rollout = {
    .name = "p",
    .namespace_name = "n",
    .profile = MF_PROFILE_MIGRATION,
    .finish = MF_FINISH_STAY,
    .strategy = MF_ROLLOUT_CANARY,
    .steps = steps,
    .n_steps = sizeof steps / sizeof steps[0],
    .analyses = analyses,
    .n_analyses = 1,
    .background = 0,
    .pre_promotion = MF_ROLLOUT_NO_ANALYSIS,
    .post_promotion = MF_ROLLOUT_NO_ANALYSIS,
    .progress_deadline_us = 10 * MINUTE_US,
    .interval_us = MINUTE_US,
    .bake = {.duration_us = 2 * MINUTE_US, .interval_us = MINUTE_US},
};

/* All traffic that the canary has before the last step, and what it is then about to do. */
static void
canary_at_sixty(struct mf_engine *g)
{
	g->ops->start(g, "v2", "v1");
	g->state.canary.weight = 60;
}

static void
rollout_at_sixty(struct mf_engine *g)
{
	g->ops->start(g, "v2", "v1");
	g->state.rollout.weight = 60;
	g->state.rollout.step = 3;
	g->state.rollout.scaled_up = true;
}

static void
make_canary(struct mf_engine *g)
{
	mf_engine_canary(g, &plan);
}

static void
make_rollout(struct mf_engine *g)
{
	mf_engine_rollout(g, &rollout);
}

/* The state of each test. */
struct subject {
	void (*make)(struct mf_engine *g);
	void (*at_sixty)(struct mf_engine *g);
};
static const struct subject canaries = {make_canary, canary_at_sixty};
static const struct subject rollouts = {make_rollout, rollout_at_sixty};
static const struct subject *subject;

static int
choose(void **state)
{
	subject = *state;
	return 0;
}

/* true: it is dead, and has no effect any more. */
static bool
moment(struct process *p)
{
	if (!p->dead && p->moments++ == p->lives)
		p->dead = true;
	return p->dead;
}

static void
observe(void *arg, struct mf_canary_tick *out)
{
	struct process *p = arg;

	out->now_us = p->d->now_us;
	out->revision = "v2";
	out->primary_weight = p->d->weights[0];
	out->canary_weight = p->d->weights[1];
	out->canary_spread = p->d->spread;
}

static int
intend(void *arg, const struct mf_shift_moment *at, const struct mf_act *act, bool forward,
    struct mf_error *e)
{
	struct process *p = arg;

	(void)at;
	p->written = false;
	if (moment(p))
		return mf_error_set(e, MF_EFAIL, "dead");
	if (p->d->journal_full)
		return mf_error_set(e, MF_ENOSPC, "the journal is full");
	if (forward && p->d->repository_silent)
		return mf_error_set(e, MF_ETRANSFER, "the repository is silent");
	p->written = true;
	if (act->kind == MF_ACT_ROUTE) {
		p->d->has_open = true;
		p->d->open = *act;
	}
	if (moment(p) && forward)
		return mf_error_set(e, MF_EFAIL, "dead");
	return 0;
}

/* what Kubernetes' Jobs answer, of an analysis */
static const struct mf_node complete = {.kind = MF_NODE_STRING, .text = "complete"};
static const struct mf_node failed = {.kind = MF_NODE_STRING, .text = "failed"};

static void
perform(void *arg, const struct mf_act *act, struct mf_answer *out)
{
	struct process *p = arg;

	if (p->dead)
		return;
	out->end = MF_ANSWER_OK;
	switch (act->kind) {
	case MF_ACT_ROUTE:
		if (act->canary > p->d->weights[1] - p->d->spread && !p->written)
			p->acts_unwritten++;
		p->d->spread = 0;
		p->d->weights[0] = act->primary;
		p->d->weights[1] = act->canary;
		if (act->canary > p->canary_max)
			p->canary_max = act->canary;
		break;
	case MF_ACT_METRIC:
		out->measured.end = MF_MEASURE_VALUE;
		out->measured.value = p->d->accuracy;
		out->measured.result = p->d->accuracy >= 90 ? &complete : &failed;
		break;
	case MF_ACT_REFERENCE:
		/* as the real one: a second time it is done already */
		p->d->production_moves = 1;
		break;
	default: break;
	}
	(void)moment(p);
}

static void
done(void *arg, const struct mf_shift_moment *at, const struct mf_act *act,
    const struct mf_answer *answer)
{
	(void)at;
	(void)act;
	(void)answer;
	(void)moment(arg);
}

static int
settle(void *arg, uint64_t tick, const struct mf_canary_tick *seen, struct mf_error *e)
{
	struct process *p = arg;

	(void)seen;
	if (moment(p))
		return mf_error_set(e, MF_EFAIL, "dead");
	if (p->held == NULL && mf_engine_standing(&p->engine).note[0] != '\0')
		p->held = mf_engine_standing(&p->engine).note;
	if (p->d->journal_full)
		return mf_error_set(e, MF_ENOSPC, "the journal is full");
	p->d->has_state = true;
	p->d->state = p->engine.state;
	p->d->tick = tick;
	p->d->has_open = false;
	(void)moment(p);
	return 0;
}

static enum mf_shift_wake
wait_for(void *arg, uint64_t until_us)
{
	struct process *p = arg;

	if (p->dead)
		return MF_SHIFT_LOST;
	p->d->now_us = until_us;
	if (p->leave_at != 0 && p->d->tick >= p->leave_at) {
		p->leave_at = 0;
		return MF_SHIFT_LEAVE;
	}
	return MF_SHIFT_DUE;
}

static int
live(struct process *p, enum mf_steer control, struct mf_standing *end)
{
	struct mf_shift_ports ports = {
	    .observe = observe,
	    .intend = intend,
	    .perform = perform,
	    .done = done,
	    .settle = settle,
	    .wait = wait_for,
	    .arg = p,
	};
	struct mf_shift s = {.engine = &p->engine, .ports = &ports, .control = control};
	struct mf_error e = {0};
	int rc;

	subject->make(&p->engine);
	if (p->d->has_state) {
		p->engine.state = p->d->state;
		s.tick = p->d->tick;
	} else {
		p->engine.ops->start(&p->engine, "v2", "v1");
	}
	if (p->d->has_open)
		mf_shift_resume(&s, &p->d->open, p->d->weights[1], p->d->spread);
	rc = mf_shift_run(&s, &e);
	assert_true(rc >= 0);
	*end = mf_engine_standing(&p->engine);
	return rc;
}

static struct durable
healthy(void)
{
	return (struct durable){.weights = {100, 0}, .now_us = 1000, .accuracy = 95};
}

/* How many moments there are in a whole run. */
static unsigned
moments_of(struct durable d)
{
	struct process p = {.d = &d, .lives = UINT32_MAX};
	struct mf_standing end;

	assert_int_equal(live(&p, MF_STEER_NONE, &end), 0);
	return p.moments;
}

static void
test_continue(void **state)
{
	unsigned k, n = moments_of(healthy());
	struct mf_standing end;

	(void)state;
	assert_true(n > 30);
	for (k = 0; k < n; k++) {
		struct durable d = healthy();
		struct process first = {.d = &d, .lives = k},
			       second = {.d = &d, .lives = UINT32_MAX};

		(void)live(&first, MF_STEER_NONE, &end);
		assert_true(first.dead);
		assert_int_equal(live(&second, MF_STEER_NONE, &end), 0);
		if (end.result != MF_RESULT_SUCCEEDED)
			print_error("killed at moment %u: %s, %s\n", k, end.phase,
			    mf_reason_name(end.reason));
		assert_int_equal(end.result, MF_RESULT_SUCCEEDED);
		if (second.engine.canary_plan != NULL)
			assert_int_equal(second.engine.state.canary.failed_checks, 0);
		assert_int_equal(d.weights[1], 100);
		assert_int_equal(d.production_moves, 1);
		assert_int_equal(first.acts_unwritten + second.acts_unwritten, 0);
	}
}

static void
test_rollback(void **state)
{
	unsigned k, n = moments_of(healthy());
	struct mf_standing end;

	(void)state;
	for (k = 0; k < n; k++) {
		struct durable d = healthy();
		struct process first = {.d = &d, .lives = k},
			       second = {.d = &d, .lives = UINT32_MAX};

		(void)live(&first, MF_STEER_NONE, &end);
		if (first.engine.ops != NULL && d.has_state) {
			first.engine.state = d.state;
			if (mf_engine_standing(&first.engine).ended)
				continue;
		}
		assert_int_equal(live(&second, MF_STEER_ABORT, &end), 0);
		assert_int_equal(end.result, MF_RESULT_ROLLED_BACK);
		assert_int_equal(d.weights[1], 0);
	}
}

/* A bad canary, killed at every moment of its rollback too. */
static void
test_bad_canary(void **state)
{
	struct durable bad = healthy();
	struct mf_standing end;
	unsigned k, n;

	(void)state;
	bad.accuracy = 50;
	n = moments_of(bad);
	for (k = 0; k < n; k++) {
		struct durable d = bad;
		struct process first = {.d = &d, .lives = k},
			       second = {.d = &d, .lives = UINT32_MAX};

		(void)live(&first, MF_STEER_NONE, &end);
		assert_int_equal(live(&second, MF_STEER_NONE, &end), 0);
		assert_int_equal(end.result, MF_RESULT_ROLLED_BACK);
		assert_int_equal(end.reason, MF_REASON_THRESHOLD);
		assert_int_equal(d.weights[1], 0);
		assert_int_equal(d.production_moves, 0);
	}
}

/* Nothing is raised that could not be written down; and what protects needs no journal. */
static void
test_full_journal(void **state)
{
	struct durable d = healthy();
	struct process p = {.d = &d, .lives = UINT32_MAX};
	struct mf_standing end;

	(void)state;
	d.journal_full = true;
	assert_int_equal(live(&p, MF_STEER_NONE, &end), 0);
	assert_int_equal(p.canary_max, 0);
	assert_non_null(strstr(p.held, "journal"));
	assert_int_equal(end.result, MF_RESULT_ROLLED_BACK);
	assert_int_equal(end.reason, MF_REASON_HOLD_TOO_LONG);

	d = healthy();
	d.has_state = true;
	subject->make(&p.engine);
	subject->at_sixty(&p.engine);
	d.state = p.engine.state;
	d.weights[1] = 60;
	d.weights[0] = 40;
	d.accuracy = 50;
	d.journal_full = true;
	p = (struct process){.d = &d, .lives = UINT32_MAX};
	assert_int_equal(live(&p, MF_STEER_NONE, &end), 0);
	assert_int_equal(d.weights[1], 0);
	assert_int_equal(end.result, MF_RESULT_ROLLED_BACK);
}

/* A bucket that does not answer holds, by that name: it is not the router that refuses. */
static void
test_silent_repository(void **state)
{
	struct durable d = healthy();
	struct process p = {.d = &d, .lives = UINT32_MAX};
	struct mf_standing end;

	(void)state;
	d.repository_silent = true;
	assert_int_equal(live(&p, MF_STEER_NONE, &end), 0);
	assert_int_equal(p.canary_max, 0);
	assert_non_null(strstr(p.held, "repository"));
	assert_int_equal(end.reason, MF_REASON_HOLD_TOO_LONG);
}

/* A raise to 60 that one of two proxies has: settled says what the state is. */
static struct durable
half_raised(unsigned settled)
{
	struct durable d = healthy();

	d.has_state = true;
	mf_canary_start(&d.state.canary, "v2", "v1");
	d.state.canary.weight = settled;
	d.weights[0] = 40;
	d.weights[1] = 60;
	d.spread = 30;
	return d;
}

/* Killed within a raise: it is finished. A proxy that somebody lowered meanwhile stays so. */
static void
test_half_raised(void **state)
{
	struct durable d = half_raised(30);
	struct process p = {.d = &d, .lives = UINT32_MAX};
	struct mf_standing end;

	(void)state;
	d.has_open = true;
	d.open = (struct mf_act){.kind = MF_ACT_ROUTE, .primary = 40, .canary = 60};
	assert_int_equal(live(&p, MF_STEER_NONE, &end), 0);
	assert_int_equal(end.result, MF_RESULT_SUCCEEDED);
	assert_int_equal(p.engine.state.canary.failed_checks, 0);
	assert_int_equal(p.acts_unwritten, 0);

	d = half_raised(60);
	p = (struct process){.d = &d, .lives = UINT32_MAX};
	assert_int_equal(live(&p, MF_STEER_NONE, &end), 0);
	assert_int_equal(end.reason, MF_REASON_HOLD_TOO_LONG);
	assert_int_equal(p.canary_max, 0);

	/* and raising it again is something that has to be written down */
	d = half_raised(60);
	d.journal_full = true;
	p = (struct process){.d = &d, .lives = UINT32_MAX};
	assert_int_equal(live(&p, MF_STEER_CONTINUE, &end), 0);
	assert_int_equal(p.canary_max, 0);
	assert_int_equal(p.acts_unwritten, 0);
}

static void
test_told_to_end(void **state)
{
	struct durable d = healthy();
	struct process p = {.d = &d, .lives = UINT32_MAX, .leave_at = 2};
	struct mf_standing end;

	(void)state;
	assert_int_equal(live(&p, MF_STEER_NONE, &end), 0);
	assert_int_equal(end.reason, MF_REASON_INTERRUPTED);
	assert_int_equal(d.weights[1], 0);
}

static void
test_forward(void **state)
{
	static const struct {
		struct mf_act act;
		unsigned canary;
		bool forward;
	} rows[] = {
	    {{.kind = MF_ACT_ROUTE, .primary = 90, .canary = 10}, 0, true},
	    {{.kind = MF_ACT_ROUTE, .primary = 90, .canary = 10}, 10, false},
	    {{.kind = MF_ACT_ROUTE, .primary = 100}, 10, false},
	    {{.kind = MF_ACT_ROUTE, .primary = 100, .mirror = true}, 0, true},
	    {{.kind = MF_ACT_REFERENCE}, 100, true},
	    {{.kind = MF_ACT_PROMOTE}, 50, true},
	    {{.kind = MF_ACT_METRIC}, 50, false},
	    {{.kind = MF_ACT_DRAIN}, 0, false},
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof rows / sizeof rows[0]; i++)
		assert_int_equal(
		    mf_shift_is_forward(&rows[i].act, rows[i].canary), rows[i].forward);
}

#define ONE(test, of)                                                            \
	{                                                                        \
#test " of " #of, test, choose, NULL, (void *)(uintptr_t) & (of) \
	}
#define BOTH(test) ONE(test, canaries), ONE(test, rollouts)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    BOTH(test_continue),
	    BOTH(test_rollback),
	    BOTH(test_bad_canary),
	    BOTH(test_full_journal),
	    BOTH(test_silent_repository),
	    ONE(test_half_raised, canaries),
	    BOTH(test_told_to_end),
	    cmocka_unit_test(test_forward),
	};

	return cmocka_run_group_tests_name("shift", tests, NULL, NULL);
}
