#include "src/migrate/shift.h"

#include <assert.h>
#include <stdlib.h>

#include "src/base/failpoint.h"
#include "src/base/log.h"

bool
mf_shift_is_forward(const struct mf_act *act, unsigned canary)
{
	switch (act->kind) {
	case MF_ACT_ROUTE: return act->canary > canary || act->mirror;
	case MF_ACT_REFERENCE:
	case MF_ACT_PROMOTE:
	case MF_ACT_SCALE_UP: return true;
	default: return false;
	}
}

void
mf_shift_resume(
    struct mf_shift *s, const struct mf_act *open, unsigned canary_weight, unsigned spread)
{
	const unsigned before = mf_engine_standing(s->engine).weight;

	s->engine->ops->resume(s->engine, open, canary_weight);
	/* it died when some proxies had it, and others what they had before: those follow */
	if (s->engine->rollout_plan == NULL && spread > 0 && open->canary == canary_weight &&
	    canary_weight - spread == before)
		s->control = MF_STEER_CONTINUE;
}

/* Write it down. What goes forward is done only when that is durable: else false, with what was
 * in the way for an answer. */
static bool
intend(struct mf_shift *s, const struct mf_shift_moment *at, const struct mf_act *act, bool forward,
    struct mf_answer *answer)
{
	struct mf_error e = {0};

	if (!(forward && s->unsettled) &&
	    (s->ports->intend(s->ports->arg, at, act, forward, &e) == 0 || !forward))
		return true;
	answer->end = e.code == MF_ETRANSFER ? MF_ANSWER_NO_REPOSITORY : MF_ANSWER_NO_JOURNAL;
	mf_log(MF_LOG_WARNING, "held back: the journal cannot be written%s%s",
	    e.message[0] == '\0' ? "" : ": ", e.message);
	return false;
}

/* One act, with everything written down that must be. */
static void
act(struct mf_shift *s, const struct mf_shift_moment *at, struct mf_asked *asked, unsigned canary)
{
	const char *what = mf_act_name(asked->act.kind);
	bool forward = mf_shift_is_forward(&asked->act, canary);

	mf_failpoint(what, "before-journal");
	asked->answer = (struct mf_answer){.end = MF_ANSWER_FAILED};
	if (!intend(s, at, &asked->act, forward, &asked->answer))
		return;
	mf_failpoint(what, "after-journal");
	s->ports->perform(s->ports->arg, &asked->act, &asked->answer);
	mf_failpoint(what, "after-act");
	s->ports->done(s->ports->arg, at, &asked->act, &asked->answer);
	mf_failpoint(what, "after-answer");
}

static void
tick(struct mf_shift *s, struct mf_asked *asked, struct mf_canary_tick *seen)
{
	struct mf_shift_moment at = {.tick = s->tick + 1};
	struct mf_engine *g = s->engine;
	struct mf_act wanted;
	/* raised is also what raises one proxy of several */
	unsigned canary = seen->weights_unknown ? mf_engine_standing(g).weight
						: seen->canary_weight - seen->canary_spread;

	while (g->ops->step(g, seen, asked, at.nth, &wanted) == MF_STEP_ACT) {
		/* readers of plans bound how many hooks and metrics there are */
		assert(at.nth < MF_STEP_ACTS_MAX);
		asked[at.nth].act = wanted;
		act(s, &at, &asked[at.nth], canary);
		if (asked[at.nth].act.kind == MF_ACT_ROUTE &&
		    asked[at.nth].answer.end == MF_ANSWER_OK)
			canary = asked[at.nth].act.canary;
		at.nth++;
	}
	g->state = g->next;
	s->tick++;
}

static void
settle(struct mf_shift *s, const struct mf_canary_tick *seen)
{
	struct mf_error e = {0};

	s->unsettled = s->ports->settle(s->ports->arg, s->tick, seen, &e) != 0;
	if (s->unsettled)
		mf_log(MF_LOG_WARNING, "tick %llu is not in the journal: %s",
		    (unsigned long long)s->tick, e.message);
	mf_failpoint("tick", "after-state");
}

/* Told to end: with traffic on the canary it goes back first, unless the plan says to leave it. */
static bool
leaves(struct mf_shift *s)
{
	struct mf_standing now = mf_engine_standing(s->engine);

	if (now.back)
		return false; /* that is short */
	if (s->hold_on_leave || now.weight == 0)
		return true;
	s->control = MF_STEER_INTERRUPT;
	return false;
}

static int
run(struct mf_shift *s, struct mf_asked *asked)
{
	struct mf_canary_tick seen;
	enum mf_shift_wake wake = MF_SHIFT_DUE;

	while (!mf_engine_standing(s->engine).ended) {
		seen = (struct mf_canary_tick){0};
		s->ports->observe(s->ports->arg, &seen);
		if (s->control != MF_STEER_NONE)
			seen.control = s->control;
		s->control = MF_STEER_NONE;
		seen.urgent = wake == MF_SHIFT_URGENT && seen.control == MF_STEER_NONE;
		seen.no_steps_now |= s->look_first;
		s->look_first = false;
		tick(s, asked, &seen);
		s->next_us = s->engine->ops->next_us(s->engine, &seen, s->next_us);
		settle(s, &seen);
		if (mf_engine_standing(s->engine).ended)
			break;
		wake = s->ports->wait(s->ports->arg, s->next_us);
		if (wake == MF_SHIFT_LOST)
			return 2;
		if (wake == MF_SHIFT_LEAVE && leaves(s))
			return 1;
	}
	return 0;
}

int
mf_shift_run(struct mf_shift *s, struct mf_error *e)
{
	struct mf_asked *asked = calloc(MF_STEP_ACTS_MAX, sizeof *asked);
	int rc;

	if (asked == NULL)
		return mf_error_nomem(e, "the acts of a tick");
	rc = run(s, asked);
	free(asked);
	return rc;
}
