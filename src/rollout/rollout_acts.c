/* What the engine of Rollouts has done by its caller. */
#include "src/rollout/rollout_int.h"

enum mf_pass
mf_rollout_failed(struct mf_rollout_walk *w, const struct mf_answer *answer)
{
	w->blocked = true;
	if (answer->end == MF_ANSWER_NO_JOURNAL)
		w->s->kept_by = MF_HOLD_JOURNAL;
	if (answer->end == MF_ANSWER_NO_REPOSITORY)
		w->s->kept_by = MF_HOLD_REPOSITORY;
	return MF_PASS_END;
}

enum mf_pass
mf_rollout_do(struct mf_rollout_walk *w, const struct mf_act *act)
{
	const struct mf_answer *answer = mf_step_ask(&w->step, act);

	if (answer == NULL)
		return MF_PASS_ASK;
	return answer->end == MF_ANSWER_OK ? MF_PASS_ON : mf_rollout_failed(w, answer);
}

enum mf_pass
mf_rollout_route(struct mf_rollout_walk *w, unsigned canary)
{
	const struct mf_act act = {.kind = MF_ACT_ROUTE, .primary = 100 - canary, .canary = canary};
	enum mf_pass pass;

	if (w->s->weight == canary && !w->s->weight_unsure)
		return MF_PASS_ON;
	pass = mf_rollout_do(w, &act);
	w->s->weight_unsure = pass != MF_PASS_ON;
	if (pass != MF_PASS_ON)
		return pass;
	w->s->weight = canary;
	w->s->changed_us = w->tick->now_us;
	return MF_PASS_ON;
}

/* Whatever the router was given meanwhile: all traffic to the primary's side. */
enum mf_pass
mf_rollout_route_back(struct mf_rollout_walk *w)
{
	if (w->tick->weight_known && w->tick->canary_weight != 0)
		w->s->weight_unsure = true;
	return mf_rollout_route(w, 0);
}

/* People who cannot be told hold up nothing. */
enum mf_pass
mf_rollout_alert(struct mf_rollout_walk *w, const char *why)
{
	const struct mf_act act = {.kind = MF_ACT_ALERT, .why = why};

	return mf_step_ask(&w->step, &act) == NULL ? MF_PASS_ASK : MF_PASS_ON;
}

enum mf_pass
mf_rollout_remove_routes(struct mf_rollout_walk *w)
{
	const struct mf_act act = {.kind = MF_ACT_REMOVE_ROUTES};
	enum mf_pass pass;

	if (!w->s->routes)
		return MF_PASS_ON;
	pass = mf_rollout_do(w, &act);
	if (pass == MF_PASS_ON)
		w->s->routes = false;
	return pass;
}

enum mf_pass
mf_rollout_scale_up(struct mf_rollout_walk *w)
{
	const struct mf_act act = {.kind = MF_ACT_SCALE_UP};
	enum mf_pass pass;

	if (w->s->scaled_up)
		return MF_PASS_ON;
	pass = mf_rollout_do(w, &act);
	if (pass == MF_PASS_ON)
		w->s->scaled_up = true;
	return pass;
}

void
mf_rollout_scale_down_in(struct mf_rollout_walk *w, uint64_t delay_us)
{
	w->s->scale_down_us = mf_rollout_later(w->tick->now_us, delay_us);
}

enum mf_pass
mf_rollout_scale_down(struct mf_rollout_walk *w)
{
	const struct mf_act act = {.kind = MF_ACT_SCALE_TO_ZERO};
	enum mf_pass pass;

	if (w->s->scale_down_us == 0 || w->tick->now_us < w->s->scale_down_us)
		return MF_PASS_ON;
	pass = mf_rollout_do(w, &act);
	if (pass != MF_PASS_ON)
		return pass;
	w->s->scale_down_us = 0;
	w->s->former[0] = '\0';
	return MF_PASS_ON;
}
