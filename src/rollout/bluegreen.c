/* Blue/green: the new side starts, is looked at, gets all traffic at once, is looked at again. */
#include "src/rollout/rollout_int.h"

static enum mf_pass
before_switch(struct mf_rollout_walk *w)
{
	const struct mf_rollout_plan *p = w->plan;
	struct mf_rollout_state *s = w->s;
	enum mf_pass pass;

	if (s->step == MF_BLUEGREEN_UP)
		s->step = MF_BLUEGREEN_PRE;
	if (s->step == MF_BLUEGREEN_PRE) {
		if (p->pre_promotion != MF_ROLLOUT_NO_ANALYSIS &&
		    (pass = mf_rollout_run(w, p->pre_promotion, false)) != MF_PASS_ON)
			return pass;
		s->step = MF_BLUEGREEN_PAUSE;
	}
	if (s->step == MF_BLUEGREEN_PAUSE) {
		if ((!p->auto_promotion || p->auto_promotion_us > 0) &&
		    (pass = mf_rollout_pause(w, p->auto_promotion_us == 0, p->auto_promotion_us)) !=
			MF_PASS_ON)
			return pass;
		s->step = MF_BLUEGREEN_SWITCH;
	}
	return MF_PASS_ON;
}

enum mf_pass
mf_rollout_bluegreen(struct mf_rollout_walk *w)
{
	const struct mf_rollout_plan *p = w->plan;
	struct mf_rollout_state *s = w->s;
	enum mf_pass pass;

	if (s->full && s->step < MF_BLUEGREEN_SWITCH) {
		s->step = MF_BLUEGREEN_SWITCH;
		s->pauses &= ~MF_ROLLOUT_PAUSE_STEP;
		s->run_on = false;
	}
	if ((pass = before_switch(w)) != MF_PASS_ON)
		return pass;
	if ((pass = mf_rollout_may_route(w, 100)) != MF_PASS_ON)
		return pass;
	if ((pass = mf_rollout_route(w, 100)) != MF_PASS_ON)
		return pass;
	if (s->step == MF_BLUEGREEN_SWITCH)
		s->step = MF_BLUEGREEN_POST;
	if (s->step == MF_BLUEGREEN_POST) {
		if (!s->full && p->post_promotion != MF_ROLLOUT_NO_ANALYSIS &&
		    (pass = mf_rollout_run(w, p->post_promotion, false)) != MF_PASS_ON)
			return pass;
		s->step = MF_BLUEGREEN_END;
	}
	return mf_rollout_finish(w);
}
