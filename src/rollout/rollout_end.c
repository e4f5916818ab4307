/* All steps are done: the canary becomes stable, or traffic stays with it. */
#include <string.h>

#include "src/rollout/rollout_int.h"

/* From now on the revision that was carried is the stable one. */
static void
make_stable(struct mf_rollout_state *s)
{
	memmove(s->history[1], s->history[0], sizeof s->history - sizeof s->history[0]);
	memcpy(s->history[0], s->stable, sizeof s->stable);
	memcpy(s->former, s->stable, sizeof s->stable);
	memcpy(s->stable, s->current, sizeof s->stable);
	s->run_on = s->background_on = false;
	s->full = s->late = s->on_from_last = false;
	s->pauses = 0;
}

/* Argo's ending. The other side now runs the new revision, too, and takes the traffic. */
static enum mf_pass
become_stable(struct mf_rollout_walk *w)
{
	const struct mf_act act = {.kind = MF_ACT_PROMOTE};
	enum mf_pass pass;

	if ((pass = mf_rollout_may_route(w, 100)) != MF_PASS_ON)
		return pass;
	if ((pass = mf_rollout_route(w, 100)) != MF_PASS_ON)
		return pass;
	if (w->tick->no_steps_now || w->s->shared != 0)
		return MF_PASS_END;
	if ((pass = mf_rollout_do(w, &act)) != MF_PASS_ON)
		return pass;
	make_stable(w->s);
	mf_rollout_scale_down_in(w, w->plan->scale_down_delay_us);
	if ((pass = mf_rollout_route(w, 0)) != MF_PASS_ON)
		return pass;
	return mf_rollout_remove_routes(w);
}

unsigned
mf_rollout_increment(const struct mf_rollout_plan *plan)
{
	unsigned before = 0, increment = 0;

	for (size_t i = 0; i < plan->n_steps; i++) {
		if (plan->steps[i].kind != MF_ROLLOUT_SET_WEIGHT)
			continue;
		if (plan->steps[i].weight > before)
			increment = plan->steps[i].weight - before;
		before = plan->steps[i].weight;
	}
	return increment;
}

/* The pauses behind the last setWeight are repeated after each further step; not those that
 * somebody has to end. */
uint64_t
mf_rollout_last_pauses_us(const struct mf_rollout_plan *plan)
{
	uint64_t us = 0;

	for (size_t i = plan->n_steps; i-- > 0;) {
		if (plan->steps[i].kind == MF_ROLLOUT_SET_WEIGHT)
			break;
		if (plan->steps[i].kind == MF_ROLLOUT_PAUSE && !plan->steps[i].forever)
			us = mf_rollout_later(us, plan->steps[i].pause_us);
	}
	return us;
}

/* Has the present weight been looked at for long enough to go on? */
static enum mf_pass
look(struct mf_rollout_walk *w)
{
	struct mf_rollout_state *s = w->s;
	const unsigned gate = mf_rollout_gate(w->plan);
	const uint64_t pause_us = mf_rollout_last_pauses_us(w->plan);
	const bool entering = !s->on_from_last;

	s->on_from_last = true;
	if (!entering && pause_us > 0 &&
	    w->tick->now_us <= mf_rollout_later(s->changed_us, pause_us))
		return MF_PASS_END;
	if (gate != MF_ROLLOUT_NO_ANALYSIS)
		return mf_rollout_run(w, gate, true);
	return entering ? MF_PASS_END : MF_PASS_ON;
}

/* One step a pass. ON: all traffic is there, and that was looked at. */
static enum mf_pass
go_on(struct mf_rollout_walk *w)
{
	struct mf_rollout_state *s = w->s;
	const unsigned increment = mf_rollout_increment(w->plan);
	unsigned to = s->weight + increment;
	enum mf_pass pass;

	if (s->full || increment == 0 || to > 100 || w->plan->strategy == MF_ROLLOUT_BLUE_GREEN)
		to = 100;
	if (!s->full && w->plan->strategy == MF_ROLLOUT_CANARY && s->bake_since_us == 0 &&
	    (pass = look(w)) != MF_PASS_ON)
		return pass;
	if (s->weight == 100 && !s->weight_unsure)
		return MF_PASS_ON;
	if ((pass = mf_rollout_may_route(w, to)) != MF_PASS_ON)
		return pass;
	pass = mf_rollout_route(w, to);
	return pass == MF_PASS_ON ? MF_PASS_END : pass;
}

static enum mf_pass
refer(struct mf_rollout_walk *w)
{
	const struct mf_act act = {.kind = MF_ACT_REFERENCE};
	const struct mf_answer *answer;

	if (w->tick->no_steps_now) /* followers load what production names: a step, too */
		return MF_PASS_END;
	answer = mf_step_ask(&w->step, &act);
	if (answer == NULL)
		return MF_PASS_ASK;
	if (answer->end == MF_ANSWER_CONFLICT) {
		if (mf_rollout_alert(w, "production was moved by somebody else") == MF_PASS_ASK)
			return MF_PASS_ASK;
		w->s->result = MF_RESULT_CONFLICT;
		return MF_PASS_END;
	}
	if (answer->end != MF_ANSWER_OK)
		return mf_rollout_failed(w, answer);
	make_stable(w->s);
	w->s->phase = MF_ROLLOUT_SUCCEEDED;
	w->s->result = MF_RESULT_SUCCEEDED;
	return MF_PASS_ON;
}

static enum mf_pass
stay(struct mf_rollout_walk *w)
{
	enum mf_pass pass;

	if ((pass = go_on(w)) != MF_PASS_ON)
		return pass;
	if ((pass = mf_rollout_remove_routes(w)) != MF_PASS_ON)
		return pass;
	if ((pass = mf_rollout_bake(w)) != MF_PASS_ON)
		return pass;
	return w->s->shared != 0 ? MF_PASS_END : refer(w);
}

enum mf_pass
mf_rollout_finish(struct mf_rollout_walk *w)
{
	return w->plan->finish == MF_FINISH_STAY ? stay(w) : become_stable(w);
}
