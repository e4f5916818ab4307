/* The ports of a shift: what its ticks see, write down and do in a real run. */
#include "src/migrate/migrate_int.h"

#include <stdio.h>
#include <string.h>

#include "src/base/log.h"
#include "src/rollout/canary_state.h"
#include "src/state/journal.h"

#define POLL_US UINT64_C(1000000)    /* how often a wait looks around */
#define MIRROR_US UINT64_C(10000000) /* how long a raise waits for its line in the repository */
#define MIRROR_LEAST_US UINT64_C(2000000)

/* ---- seeing ---- */

static bool
some_missing(const struct mf_migrating *x)
{
	return x->router_known && x->router.instances_seen < x->router.instances;
}

void
mf_migrating_see_router(struct mf_migrating *x)
{
	struct mf_router *r = mf_world_router(x->world);
	struct mf_error e = {0};

	x->router_known = r->ops->get(r, &x->router, &e) == 0;
	x->trouble[0] = '\0';
	if (!x->router_known)
		(void)snprintf(x->trouble, sizeof x->trouble, "%.300s", e.message);
	else if (some_missing(x))
		(void)snprintf(x->trouble, sizeof x->trouble, "%s", x->router.note);
	if (x->trouble[0] != '\0')
		mf_log(MF_LOG_WARNING, "router: %s", x->trouble);
}

/* Servers came or went: the same share needs other numbers. No step, so no act of the engine. */
static void
keep_share(struct mf_migrating *x)
{
	unsigned wanted = mf_engine_standing(&x->engine).weight;
	struct mf_error e = {0};

	/* what somebody lowered on one proxy of several stays lowered */
	if (!x->router_known || !mf_router_is_off(&x->router) || wanted == 0 ||
	    x->router.canary != wanted || x->router.canary_spread > 0)
		return;
	/* a process that stood still may be somebody else's run by now, and not know it yet */
	if (!mf_migrating_may(x, x->router.canary_share < x->router.canary)) {
		mf_log(MF_LOG_WARNING, "the share is not kept: no lease");
		return;
	}
	if (mf_migrating_set_weights(
		x, x->router.primary, x->router.canary, x->router.mirror, &e) != 0)
		mf_log(MF_LOG_WARNING, "the share cannot be kept: %s", e.message);
	else
		mf_migrating_see_router(x);
}

/* As Flagger counts: percent, rounded down. */
static bool
is_enough(unsigned up, unsigned in_service, unsigned percent)
{
	return up >= (uint64_t)in_service * percent / 100;
}

static enum mf_ready
canary_ready(struct mf_migrating *x, uint64_t now_us)
{
	const struct mf_router_seen *r = &x->router;

	/* where an earlier way back left it, the first step brings it back into service */
	if (!x->router_known || !mf_world_can(x->world)->capacity || r->canary_up > 0 ||
	    (r->canary_drained && r->canary == 0)) {
		x->not_ready_since_us = 0;
		return r->canary_up == 0 || is_enough(r->canary_up, r->canary_in_service,
						x->canary->canary_ready_threshold)
			   ? MF_READY
			   : MF_READY_FEW;
	}
	if (x->not_ready_since_us == 0)
		x->not_ready_since_us = now_us;
	return now_us - x->not_ready_since_us >= mf_migrating_ready_deadline(x) ? MF_READY_DEAD
										: MF_READY_WAIT;
}

static enum mf_ready
primary_ready(const struct mf_migrating *x)
{
	const struct mf_router_seen *r = &x->router;

	if (!x->router_known || !mf_world_can(x->world)->capacity)
		return MF_READY;
	if (r->primary_up == 0)
		return MF_READY_DEAD;
	return is_enough(r->primary_up, r->primary_in_service, x->canary->primary_ready_threshold)
		   ? MF_READY
		   : MF_READY_FEW;
}

/* What the thread that looks at the data found. A file that something touched is being read: no
 * step forward until that has ended. */
static void
see_data(struct mf_migrating *x, struct mf_canary_tick *out)
{
	enum mf_watcher_state state;

	if (x->watcher == NULL)
		return;
	state = mf_watcher_state(x->watcher, NULL);
	out->damaged = state == MF_WATCHER_DAMAGED;
	out->no_steps_now |= state == MF_WATCHER_LOOKING;
}

static void
observe(void *arg, struct mf_canary_tick *out)
{
	struct mf_migrating *x = arg;

	x->n_did = 0;
	x->alerted_now = false;
	x->failed[0] = x->primary_ill[0] = '\0';
	(void)snprintf(x->waited, sizeof x->waited, "%s%s%s", x->view.hold,
	    x->view.hold[0] == '\0' || x->view.waits[0] == '\0' ? "" : ": ",
	    x->view.hold[0] == '\0' ? "" : x->view.waits);
	mf_migrating_forget_answers(x);
	mf_migrating_hear(x);
	mf_migrating_see_router(x);
	keep_share(x);
	x->tick_us = out->now_us = mf_migrating_now(x);
	if (x->engine.rollout_plan != NULL)
		x->ran = mf_rollout_running(x->engine.rollout_plan, &x->engine.state.rollout);
	out->revision = x->version;
	out->weights_unknown = !x->router_known;
	out->primary_weight = x->router_known ? x->router.primary : 100;
	out->canary_weight = x->router_known ? x->router.canary : 0;
	out->canary_spread = x->router_known ? x->router.canary_spread : 0;
	out->some_missing = some_missing(x);
	out->mirrored = x->router_known && x->router.mirror;
	out->canary = canary_ready(x, out->now_us);
	out->primary = primary_ready(x);
	out->no_steps_now = !mf_migrate_may_step(x->m, x->p->unix_us() / 1000000);
	see_data(x, out);
	out->control = x->steer;
	x->steer = MF_STEER_NONE;
}

/* ---- writing down ---- */

static int
write_line(struct mf_migrating *x, struct mf_journal_line *line, bool must, struct mf_error *e)
{
	uint64_t number = 0;
	int rc = 0;

	line->time_us = x->p->unix_us();
	line->phase = mf_engine_standing(&x->engine).phase;
	if (must)
		rc = mf_journal_append(x->p->journal, x->p->run_id, line, &number, e);
	else
		(void)mf_journal_note(x->p->journal, x->p->run_id, line, &number);
	if (line->kind == MF_JOURNAL_ACT)
		x->act_line = number;
	return rc;
}

/* A raise waits for its line in the repository, but for no longer than an interval: meanwhile
 * nobody looks at the canary. */
static uint64_t
mirror_us(const struct mf_migrating *x)
{
	uint64_t us = mf_migrating_interval_us(x);

	if (us < MIRROR_LEAST_US)
		return MIRROR_LEAST_US;
	return us < MIRROR_US ? us : MIRROR_US;
}

static int
intend(void *arg, const struct mf_shift_moment *at, const struct mf_act *act, bool forward,
    struct mf_error *e)
{
	struct mf_migrating *x = arg;
	char text[MF_ACT_TEXT_BYTES];
	struct mf_journal_line line = {.kind = MF_JOURNAL_ACT, .tick = at->tick};

	if (!mf_migrating_is_worth_a_line(act))
		return 0;
	line.bytes = mf_act_text(act, text);
	line.n = strlen(text);
	if (write_line(x, &line, forward, e) != 0)
		return -1;
	if (forward && !mf_keeper_mirror(x->keeper, mirror_us(x)))
		return mf_error_set(e, MF_ETRANSFER, "the repository does not have it in time");
	return 0;
}

static void
done(void *arg, const struct mf_shift_moment *at, const struct mf_act *act,
    const struct mf_answer *answer)
{
	static const char *const words[MF_ANSWER_ENDS] = {
	    [MF_ANSWER_OK] = "ok",
	    [MF_ANSWER_FAILED] = "failed",
	    [MF_ANSWER_CONFLICT] = "conflict",
	    [MF_ANSWER_NO_JOURNAL] = "no journal",
	    [MF_ANSWER_NO_REPOSITORY] = "no repository",
	};
	struct mf_migrating *x = arg;
	struct mf_journal_line line = {
	    .kind = MF_JOURNAL_ANSWER, .tick = at->tick, .of = x->act_line};
	const char *word = words[answer->end];
	char status[16];

	if (!mf_migrating_is_worth_a_line(act))
		return;
	if (act->kind == MF_ACT_HOOK) {
		(void)snprintf(status, sizeof status, "%d", answer->status);
		word = status;
	}
	line.bytes = word;
	line.n = strlen(word);
	(void)write_line(x, &line, false, NULL);
}

static void
tell_tick(struct mf_migrating *x, uint64_t tick, const struct mf_canary_tick *seen)
{
	struct mf_migrate_event event = {
	    .kind = MF_MIGRATE_TICK,
	    .stage = MF_STAGE_SHIFT,
	    .tick = tick,
	    .seen = seen,
	    .engine = &x->engine,
	    .router = x->router_known ? &x->router : NULL,
	    .did = (const char(*)[MF_MIGRATE_DID_BYTES])x->did,
	    .n_did = x->n_did,
	    .view = &x->view,
	};

	if (x->p->tell != NULL)
		x->p->tell(x->p->tell_arg, &event);
}

static int
settle(void *arg, uint64_t tick, const struct mf_canary_tick *seen, struct mf_error *e)
{
	struct mf_migrating *x = arg;
	struct mf_journal_line line = {.kind = MF_JOURNAL_STATE, .tick = tick};
	struct mf_buf b = MF_BUF_INIT;
	int rc;

	mf_migrating_know_because(x, &x->engine);
	mf_migrating_put_state(&b, x, tick, seen->now_us);
	line.bytes = b.data;
	line.n = b.len;
	rc = b.failed ? mf_error_nomem(e, "the journal") : write_line(x, &line, true, e);
	mf_buf_fini(&b);
	(void)mf_keeper_mirror(x->keeper, 0); /* when the bucket answers */
	mf_migrating_show_tick(x);
	mf_migrating_tell_changes(x);
	tell_tick(x, tick, seen);
	return rc;
}

/* ---- waiting ---- */

/* What somebody asked for: the next tick does it, and the journal says who. */
bool
mf_migrating_steered(struct mf_migrating *x)
{
	static const enum mf_steer verbs[] = {
	    [MF_CONTROL_ABORT] = MF_STEER_ABORT,
	    [MF_CONTROL_PROMOTE] = MF_STEER_PROMOTE,
	    [MF_CONTROL_PROMOTE_FULL] = MF_STEER_PROMOTE_FULL,
	    [MF_CONTROL_PAUSE] = MF_STEER_PAUSE,
	    [MF_CONTROL_CONTINUE] = MF_STEER_CONTINUE,
	    [MF_CONTROL_RETRY] = MF_STEER_RETRY,
	};
	struct mf_journal_line line = {.kind = MF_JOURNAL_CONTROL, .tick = x->shift.tick};
	struct mf_control control;
	const char *unheard = "";
	char text[512];

	if (!mf_keeper_take_control(x->keeper, &control))
		return false;
	x->answered = control.sequence;
	x->steer = verbs[control.verb];
	if (x->steer == MF_STEER_ABORT)
		(void)snprintf(x->by_hand, sizeof x->by_hand, "%.120s%s%.180s", control.by,
		    control.reason[0] == '\0' ? "" : ": ", control.reason);
	if (x->steer == MF_STEER_RETRY && x->engine.rollout_plan == NULL) {
		x->steer = MF_STEER_NONE;
		unheard = "; not heard: a Canary's way back is gone to its end";
	}
	(void)snprintf(text, sizeof text, "%s by %.200s: %.180s%s",
	    mf_control_verb_name(control.verb), control.by, control.reason, unheard);
	mf_log(MF_LOG_INFO, "%s", text);
	line.bytes = text;
	line.n = strlen(text);
	(void)write_line(x, &line, false, NULL);
	mf_migrating_tell_control(x, text);
	return true;
}

/* A metric with an abort bound is beyond it. */
static bool
breached(struct mf_migrating *x)
{
	const struct mf_canary_metric *m;
	struct mf_measured got;
	size_t i;

	for (i = 0; i < x->canary->n_metrics; i++) {
		m = &x->canary->metrics[i];
		if (!m->abort.has_min && !m->abort.has_max)
			continue;
		mf_world_measure(x->world, (unsigned)i, false, mf_migrating_now(x), &got);
		mf_view_measured(&x->view, i, m, false, &got, x->p->unix_us());
		if (mf_canary_check(m, &got) == MF_CHECK_ABORT)
			return true;
	}
	return false;
}

static bool
looks_bad(struct mf_migrating *x)
{
	unsigned wanted = mf_engine_standing(&x->engine).weight;
	enum mf_ready ready;

	mf_migrating_see_router(x);
	/* those that do not answer are counted once an interval */
	if (x->router_known &&
	    (x->router.canary > wanted || (x->router.canary < wanted && !some_missing(x))))
		return true;
	keep_share(x);
	if (wanted == 0)
		return false;
	if (x->watcher != NULL && mf_watcher_state(x->watcher, NULL) == MF_WATCHER_DAMAGED)
		return true;
	ready = canary_ready(x, mf_migrating_now(x));
	return ready == MF_READY_WAIT || ready == MF_READY_DEAD || breached(x);
}

static enum mf_shift_wake
leave(struct mf_migrating *x)
{
	x->leaving = true;
	return MF_SHIFT_LEAVE;
}

uint64_t
mf_migrating_watch_us(const struct mf_migrating *x)
{
	uint64_t us =
	    x->engine.rollout_plan != NULL ? x->engine.rollout_plan->watch_us : x->canary->watch_us;

	return us == 0 ? MF_ENGINE_WATCH_US : us;
}

static enum mf_shift_wake
wait_for_tick(void *arg, uint64_t until_us)
{
	struct mf_migrating *x = arg;
	uint64_t watch = mf_migrating_watch_us(x);
	uint64_t now = mf_migrating_now(x), look_us = now + watch, next, pause;

	for (; now < until_us; now = mf_migrating_now(x)) {
		if (mf_keeper_is_lost(x->keeper))
			return MF_SHIFT_LOST;
		if (mf_migrating_steered(x))
			return MF_SHIFT_URGENT;
		if (mf_migrating_interrupted(x))
			return leave(x);
		if (now >= look_us) {
			look_us = now + watch;
			if (looks_bad(x))
				return MF_SHIFT_URGENT;
			mf_migrating_show_watch(x);
		}
		now = mf_migrating_now(x);
		next = look_us < until_us ? look_us : until_us;
		pause = next > now ? next - now : 0;
		x->p->sleep(pause < POLL_US ? pause : POLL_US);
	}
	if (mf_keeper_is_lost(x->keeper))
		return MF_SHIFT_LOST;
	return mf_migrating_interrupted(x) ? leave(x) : MF_SHIFT_DUE;
}

void
mf_migrating_ports(struct mf_migrating *x)
{
	x->ports = (struct mf_shift_ports){
	    .observe = observe,
	    .intend = intend,
	    .perform = mf_migrating_perform,
	    .done = done,
	    .settle = settle,
	    .wait = wait_for_tick,
	    .arg = x,
	};
	x->shift.engine = &x->engine;
	x->shift.ports = &x->ports;
	x->shift.hold_on_leave = x->m->on_interrupt == MF_INTERRUPT_HOLD;
}

uint64_t
mf_migrating_interval_us(const struct mf_migrating *x)
{
	const struct mf_rollout_plan *rollout = x->engine.rollout_plan;

	if (rollout == NULL)
		return x->canary->interval_us;
	return rollout->interval_us == 0 ? MF_ROLLOUT_INTERVAL_US : rollout->interval_us;
}
