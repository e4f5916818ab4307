/* A pass of the engine of Rollouts: revisions, what somebody asked for, readiness, then the steps.
 */
#include "src/rollout/rollout_int.h"

#include <string.h>

uint64_t
mf_rollout_later(uint64_t a_us, uint64_t b_us)
{
	return a_us > UINT64_MAX - b_us ? UINT64_MAX : a_us + b_us;
}

unsigned
mf_rollout_last(const struct mf_rollout_plan *plan)
{
	return plan->strategy == MF_ROLLOUT_BLUE_GREEN ? MF_BLUEGREEN_END : (unsigned)plan->n_steps;
}

static void
copy_revision(char out[MF_REVISION_BYTES], const char *from)
{
	const size_t n = strnlen(from, MF_REVISION_BYTES - 1);

	memmove(out, from, n);
	out[n] = '\0';
}

void
mf_rollout_init(struct mf_rollout_state *state, const char *stable)
{
	memset(state, 0, sizeof *state);
	copy_revision(state->stable, stable);
	copy_revision(state->current, stable);
}

/* A new run: all that belonged to the one before is over. */
static void
begin(struct mf_rollout_state *s, const char *revision)
{
	if (revision != s->current)
		copy_revision(s->current, revision);
	s->phase = MF_ROLLOUT_PROGRESSING;
	s->step = 0;
	s->aborted = s->abort_told = s->full = s->late = false;
	s->reason = MF_REASON_NONE;
	s->result = MF_RESULT_NONE;
	s->scaled_up = s->on_from_last = false;
	s->pauses &= MF_ROLLOUT_PAUSE_BY_HAND;
	s->waiting_since_us = s->hold_since_us = s->scale_down_us = 0;
	s->hold_told = s->run_on = s->background_on = s->background_done = false;
	s->bake_since_us = 0;
	s->undoing = false;
	s->back = (struct mf_way_back){0};
	s->shared = s->missing_failed = 0;
	s->missing_next_us = 0;
}

void
mf_rollout_start(struct mf_rollout_state *state, const char *revision, const char *stable)
{
	mf_rollout_init(state, strcmp(revision, stable) == 0 ? "" : stable);
	begin(state, revision);
}

void
mf_rollout_resume(struct mf_rollout_state *state, const struct mf_act *open)
{
	if (open != NULL && open->kind == MF_ACT_ROUTE)
		state->weight_unsure = true;
}

void
mf_rollout_restart(struct mf_rollout_state *state)
{
	if (!mf_rollout_ended(state) && strcmp(state->current, state->stable) != 0)
		begin(state, state->current);
}

/* Does this revision need no steps? It was stable lately, or is so still beside the new one. */
static bool
goes_fast(const struct mf_rollout_walk *w, const char *revision)
{
	const struct mf_rollout_state *s = w->s;

	if (w->plan->strategy == MF_ROLLOUT_BLUE_GREEN)
		return s->scale_down_us > w->tick->now_us && s->former[0] != '\0' &&
		       strcmp(revision, s->former) == 0;
	for (unsigned i = 0; i < w->plan->rollback_window && i < MF_ROLLOUT_HISTORY; i++)
		if (s->history[i][0] != '\0' && strcmp(revision, s->history[i]) == 0)
			return true;
	return false;
}

static void
adopt_revision(struct mf_rollout_walk *w)
{
	struct mf_rollout_state *s = w->s;
	const char *revision = w->tick->revision;
	bool fast;

	/* a migration that stayed is over: the way back is another plan */
	if (revision == NULL || strcmp(revision, s->current) == 0 ||
	    s->phase == MF_ROLLOUT_SUCCEEDED || s->result == MF_RESULT_CONFLICT)
		return;
	fast = goes_fast(w, revision);
	begin(s, revision);
	if (s->stable[0] == '\0') /* the first one: nothing to compare it with */
		copy_revision(s->stable, revision);
	if (fast)
		s->full = true;
}

/* There is something that somebody could stop, or push on. */
static bool
under_way(const struct mf_rollout_state *s)
{
	return !s->aborted && !mf_rollout_ended(s) && strcmp(s->current, s->stable) != 0;
}

static void
promote(struct mf_rollout_walk *w, bool full)
{
	struct mf_rollout_state *s = w->s;

	if (!under_way(s))
		return;
	if ((s->pauses & MF_ROLLOUT_PAUSE_STEP) && s->step < mf_rollout_last(w->plan))
		s->step++;
	s->pauses = 0;
	s->hold_since_us = 0;
	s->hold_told = false;
	if (!full)
		return;
	s->full = true;
	s->shared = 0;
}

static void
obey(struct mf_rollout_walk *w)
{
	struct mf_rollout_state *s = w->s;

	if (w->tick->damaged && under_way(s))
		mf_rollout_abort(w, MF_REASON_DAMAGED);
	switch (w->tick->control) {
	case MF_STEER_NONE: break;
	case MF_STEER_ABORT:
		if (under_way(s))
			mf_rollout_abort(w, MF_REASON_BY_HAND);
		break;
	case MF_STEER_INTERRUPT:
		if (under_way(s))
			mf_rollout_abort(w, MF_REASON_INTERRUPTED);
		break;
	case MF_STEER_PROMOTE: promote(w, false); break;
	case MF_STEER_PROMOTE_FULL: promote(w, true); break;
	case MF_STEER_PAUSE:
		if (under_way(s))
			s->pauses |= MF_ROLLOUT_PAUSE_BY_HAND;
		break;
	case MF_STEER_CONTINUE:
		/* where some proxies alone have less, to go on means from what the others give */
		if (w->tick->canary_spread > 0 && (s->pauses & MF_ROLLOUT_PAUSE_LOWERED))
			s->weight_unsure = true;
		s->pauses &= ~(MF_ROLLOUT_PAUSE_BY_HAND | MF_ROLLOUT_PAUSE_LOWERED);
		s->hold_since_us = 0;
		break;
	case MF_STEER_RETRY:
		/* not while refs and links are being turned back */
		if (s->aborted && !(s->undoing && s->back.step > 1))
			begin(s, s->current);
		break;
	}
}

/* A person or the proxy protected users: never raised by ourselves. */
static enum mf_pass
lowered(struct mf_rollout_walk *w)
{
	if (w->s->pauses & MF_ROLLOUT_PAUSE_LOWERED)
		return MF_PASS_ON;
	w->s->pauses |= MF_ROLLOUT_PAUSE_LOWERED;
	return mf_rollout_alert(w, "somebody lowered the canary's weight");
}

/* The router says otherwise. Argo writes its own weight again. A migration takes less for
 * somebody's wish, and more for a proxy that lost its weights. */
static enum mf_pass
compare_weights(struct mf_rollout_walk *w)
{
	struct mf_rollout_state *s = w->s;
	const bool finite = mf_rollout_finite(w->plan);
	const unsigned read = mf_way_weight_as_read(s->weight, w->tick->canary_weight,
	    w->tick->weight_known, finite && w->tick->some_missing);
	enum mf_pass pass;

	if (s->weight_unsure)
		return MF_PASS_ON;
	if (finite && read < s->weight) {
		s->weight = read;
		return lowered(w);
	}
	if (read == s->weight)
		return finite && w->tick->canary_spread > 0 ? lowered(w) : MF_PASS_ON;
	s->weight_unsure = true;
	if ((pass = mf_rollout_route(w, s->weight)) != MF_PASS_ON)
		return pass;
	return finite ? mf_rollout_alert(w, "the router gave the canary another weight")
		      : MF_PASS_ON;
}

/* Some proxies do not answer, or none does: with weight on the canary that is a failed check, as an
 * Error of a metric is, which Argo allows so often in a row. END: nothing is raised meanwhile. */
static enum mf_pass
await_proxies(struct mf_rollout_walk *w)
{
	const struct mf_rollout_plan *p = w->plan;
	struct mf_rollout_state *s = w->s;
	const uint64_t now_us = w->tick->now_us;
	enum mf_pass pass;

	if (!mf_rollout_finite(p) || !w->tick->some_missing) {
		s->missing_failed = 0;
		s->missing_next_us = 0;
		return MF_PASS_ON;
	}
	w->blocked = true;
	if (s->weight == 0 || now_us < s->missing_next_us)
		return MF_PASS_END;
	if (s->missing_failed == 0 &&
	    (pass = mf_rollout_alert(w, "held: a proxy of the router does not answer")) !=
		MF_PASS_ON)
		return pass;
	s->missing_failed++;
	s->missing_next_us =
	    mf_rollout_later(now_us, p->interval_us > 0 ? p->interval_us : MF_ROLLOUT_INTERVAL_US);
	if (s->missing_failed > MF_ANALYSIS_CONSECUTIVE_ERRORS)
		mf_rollout_abort(w, MF_REASON_THRESHOLD);
	return MF_PASS_END;
}

/* Is the canary there, and has it been long enough? END: wait. */
static enum mf_pass
await_canary(struct mf_rollout_walk *w)
{
	const struct mf_rollout_plan *p = w->plan;
	struct mf_rollout_state *s = w->s;
	const uint64_t now_us = w->tick->now_us;
	const bool finite = mf_rollout_finite(p);
	enum mf_pass pass;

	if (finite && w->tick->canary_gone && s->weight > 0) {
		mf_rollout_abort(w, MF_REASON_CANARY_DEAD);
		return MF_PASS_END;
	}
	if (w->tick->canary == MF_READY && !w->tick->canary_gone) {
		s->waiting_since_us = 0;
		s->late = false;
		return MF_PASS_ON;
	}
	if (s->waiting_since_us == 0)
		s->waiting_since_us = now_us;
	s->late = w->tick->canary == MF_READY_DEAD ||
		  now_us > mf_rollout_later(s->waiting_since_us, p->progress_deadline_us);
	if (s->late && (p->progress_deadline_abort || finite)) {
		mf_rollout_abort(w, MF_REASON_CANARY_DEAD);
		return MF_PASS_END;
	}
	w->blocked = true;
	if (!w->tick->canary_gone)
		return MF_PASS_END;
	/* nobody would answer */
	if ((pass = mf_rollout_route(w, 0)) != MF_PASS_ON)
		return pass;
	pass = mf_rollout_remove_routes(w);
	return pass == MF_PASS_ON ? MF_PASS_END : pass;
}

/* Nothing is under way, or no more: stable has the traffic. */
static enum mf_pass
rest(struct mf_rollout_walk *w)
{
	struct mf_rollout_state *s = w->s;
	enum mf_pass pass;

	s->step = mf_rollout_last(w->plan);
	s->pauses = 0;
	if ((pass = mf_rollout_route_back(w)) != MF_PASS_ON)
		return pass;
	if ((pass = mf_rollout_remove_routes(w)) != MF_PASS_ON)
		return pass;
	return mf_rollout_scale_down(w);
}

/* A canary that was not started yet gets no traffic, not even that of the revision before. */
static enum mf_pass
bring_up(struct mf_rollout_walk *w, bool paused)
{
	enum mf_pass pass;

	if (w->s->scaled_up)
		return MF_PASS_ON;
	if ((pass = mf_rollout_route(w, 0)) != MF_PASS_ON)
		return pass;
	return paused ? MF_PASS_END : mf_rollout_scale_up(w);
}

static enum mf_pass
progress(struct mf_rollout_walk *w)
{
	struct mf_rollout_state *s = w->s;
	const bool paused = (w->plan->paused && !s->full) || (s->pauses & MF_ROLLOUT_PAUSE_BY_HAND);
	/* where the canary has traffic its metrics come before its readiness */
	const bool looks_first = mf_rollout_finite(w->plan) && s->weight > 0 && s->scaled_up;
	enum mf_pass pass;

	if ((pass = compare_weights(w)) != MF_PASS_ON)
		return pass;
	if ((pass = bring_up(w, paused)) != MF_PASS_ON)
		return pass;
	if (looks_first && !s->full && (pass = mf_rollout_background(w)) != MF_PASS_ON)
		return pass;
	if ((pass = await_canary(w)) != MF_PASS_ON)
		return pass;
	if (!looks_first && !s->full && (pass = mf_rollout_background(w)) != MF_PASS_ON)
		return pass;
	if ((pass = await_proxies(w)) != MF_PASS_ON)
		return pass;
	if (paused || (s->pauses & (MF_ROLLOUT_PAUSE_BACKGROUND | MF_ROLLOUT_PAUSE_LOWERED)))
		return MF_PASS_END;
	if (w->plan->strategy == MF_ROLLOUT_BLUE_GREEN)
		return mf_rollout_bluegreen(w);
	return mf_rollout_canary_steps(w);
}

static enum mf_pass
pass_once(struct mf_rollout_walk *w)
{
	struct mf_rollout_state *s = w->s;
	enum mf_pass pass;

	adopt_revision(w);
	obey(w);
	if (s->phase == MF_ROLLOUT_SUCCEEDED || s->result == MF_RESULT_CONFLICT)
		return MF_PASS_END;
	if (strcmp(s->current, s->stable) == 0)
		return rest(w);
	if (!s->aborted && (pass = progress(w)) == MF_PASS_ASK)
		return pass;
	if (s->aborted)
		return mf_rollout_back(w);
	return mf_rollout_check_hold(w);
}

static enum mf_rollout_phase
phase_of(const struct mf_rollout_walk *w)
{
	const struct mf_rollout_state *s = w->s;

	if (s->phase == MF_ROLLOUT_SUCCEEDED)
		return MF_ROLLOUT_SUCCEEDED;
	if (strcmp(s->current, s->stable) == 0)
		return MF_ROLLOUT_HEALTHY;
	if (s->aborted || s->late)
		return MF_ROLLOUT_DEGRADED;
	if (s->pauses != 0 || (w->plan->paused && !s->full))
		return MF_ROLLOUT_PAUSED;
	return s->bake_since_us > 0 ? MF_ROLLOUT_BAKING : MF_ROLLOUT_PROGRESSING;
}

enum mf_step_end
mf_rollout_step(const struct mf_rollout_plan *plan, const struct mf_rollout_state *state,
    const struct mf_rollout_tick *tick, const struct mf_asked *asked, size_t n_asked,
    struct mf_rollout_state *next, struct mf_act *act)
{
	struct mf_rollout_walk w = {.plan = plan,
	    .s = next,
	    .tick = tick,
	    .step = {.asked = asked, .n_asked = n_asked, .wants = act}};
	bool asks;

	*next = *state;
	next->kept_by = MF_HOLD_NONE;
	asks = pass_once(&w) == MF_PASS_ASK;
	next->phase = phase_of(&w);
	return asks ? MF_STEP_ACT : MF_STEP_DONE;
}

bool
mf_rollout_ended(const struct mf_rollout_state *s)
{
	if (s->phase == MF_ROLLOUT_SUCCEEDED || s->result == MF_RESULT_CONFLICT)
		return true;
	if (s->result == MF_RESULT_PERSON_NEEDED && s->hold_told)
		return true;
	if (strcmp(s->current, s->stable) == 0)
		return s->weight == 0 && !s->weight_unsure && !s->routes;
	return s->aborted && !s->undoing && s->weight == 0 && !s->weight_unsure && !s->routes &&
	       s->scale_down_us == 0;
}
