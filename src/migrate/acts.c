/* Doing what the engine asks for: weights, measurements, hooks, refs, links. */
#include "src/migrate/migrate_int.h"

#include <stdio.h>
#include <string.h>

#include "src/base/log.h"
#include "src/traffic/hooks.h"

#define ASK_US UINT64_C(5000000)      /* how long an act waits for a word of whose the run is */
#define LOOK_NOW_US UINT64_C(5000000) /* and the end of a run for a look at the data */

/* What only looks is not written down: there is nothing to resume of it. */
bool
mf_migrating_is_worth_a_line(const struct mf_act *act)
{
	return act->kind != MF_ACT_METRIC && act->kind != MF_ACT_MEASURE_PRIMARY &&
	       act->kind != MF_ACT_MEASURE_FALLBACK && act->kind != MF_ACT_PROBE;
}

static enum mf_answer_end
of_error(int rc, const struct mf_error *e)
{
	if (rc == 0)
		return MF_ANSWER_OK;
	mf_log(MF_LOG_WARNING, "%s", e->message);
	return e->code == MF_ECONFLICT ? MF_ANSWER_CONFLICT : MF_ANSWER_FAILED;
}

int
mf_migrating_set_weights(
    struct mf_migrating *x, unsigned primary, unsigned canary, bool mirror, struct mf_error *e)
{
	struct mf_router *r = mf_world_router(x->world);
	char token[32];

	(void)snprintf(
	    token, sizeof token, "%llu", (unsigned long long)mf_keeper_traffic_token(x->keeper));
	return r->ops->set(r, primary, canary, mirror, token, e);
}

static void
do_route(struct mf_migrating *x, const struct mf_act *act, struct mf_answer *out)
{
	struct mf_error e = {0};
	int rc;

	if (act->matched) {
		(void)mf_error_set(&e, MF_EUNSUPPORTED, "this router has no routes by header");
		out->end = of_error(-1, &e);
		return;
	}
	rc = mf_migrating_set_weights(x, act->primary, act->canary, act->mirror, &e);
	out->end = of_error(rc, &e);
	if (rc != 0)
		(void)snprintf(x->trouble, sizeof x->trouble, "%.300s", e.message);
	if (rc == 0) {
		x->changed_us = mf_migrating_now(x);
		mf_world_changed(x->world, x->changed_us);
		mf_migrating_show_route(x, act);
		mf_migrating_moved(x);
	}
	mf_migrating_did(x, "route:%u/%u%s%s", act->primary, act->canary,
	    act->mirror ? "+mirror" : "", rc == 0 ? "" : ":failed");
}

/* A metric whose breach fails no check: people are told when it begins. */
static void
tell_breach(struct mf_migrating *x, const struct mf_act *act, enum mf_check check,
    const struct mf_measured *got)
{
	const struct mf_canary_metric *m = &x->canary->metrics[act->index];
	uint64_t bit = UINT64_C(1) << (act->index & 63);
	char value[MF_VIEW_METRIC_TEXT_BYTES], text[sizeof value + 200];

	if (!m->alert_only)
		return;
	if (check != MF_CHECK_OUT) {
		x->alerted &= ~bit;
	} else if ((x->alerted & bit) == 0) {
		x->alerted |= bit;
		(void)snprintf(text, sizeof text, "metric %.150s is out of its range", m->name);
		mf_view_metric_text(value, sizeof value, m, check, got);
		(void)snprintf(text + strlen(text), sizeof text - strlen(text), ": %s",
		    value + strnlen(m->name, 80) + 1); /* named already */
		mf_migrating_alert(x, text);
	}
}

static void
do_metric(struct mf_migrating *x, const struct mf_act *act, struct mf_answer *out)
{
	const struct mf_canary_metric *m = &x->canary->metrics[act->index];
	bool primary = act->kind == MF_ACT_MEASURE_PRIMARY;
	const char *side = primary ? "primary" : "metric";
	enum mf_check check;

	mf_world_measure(x->world, act->index, primary, mf_migrating_now(x), &out->measured);
	out->end = MF_ANSWER_OK;
	mf_view_measured(&x->view, act->index, m, primary, &out->measured, x->p->unix_us());
	check = mf_view_check(m, primary, &out->measured);
	mf_migrating_metric_failed(x, m, primary, check, &out->measured);
	if (!primary)
		tell_breach(x, act, check, &out->measured);
	if (out->measured.end == MF_MEASURE_VALUE)
		mf_migrating_did(
		    x, "%s:%s:%s:%.6g", side, m->name, mf_check_name(check), out->measured.value);
	else
		mf_migrating_did(x, "%s:%s:%s%s%.80s", side, m->name, mf_check_name(check),
		    out->measured.why[0] != '\0' ? ":" : "", out->measured.why);
}

/* Of a lighter model that took over. */
static void
do_fallback_metric(struct mf_migrating *x, const struct mf_act *act, struct mf_answer *out)
{
	const struct mf_back_plan *back =
	    x->engine.rollout_plan != NULL ? &x->engine.rollout_plan->back : &x->canary->back;
	const struct mf_canary_metric *m = &back->own[act->of].metrics[act->index];

	mf_world_measure_alone(x->world, m, mf_migrating_now(x), &out->measured);
	out->end = MF_ANSWER_OK;
	mf_migrating_did(x, "fallback:%u:%s:%s:%.6g", act->of, m->name,
	    mf_check_name(mf_canary_check(m, &out->measured)), out->measured.value);
}

static void
do_hook(struct mf_migrating *x, const struct mf_act *act, struct mf_answer *out)
{
	const struct mf_world_told told = {
	    .phase = act->phase,
	    .checksum = x->checksum,
	    .version = x->m->model == NULL ? NULL : x->version,
	};
	struct mf_hook_answer answer = {0};

	mf_world_call_hook(x->world, act->index, &told, &answer);
	out->status = answer.status;
	if (!mf_hooks_passed(&answer))
		(void)snprintf(
		    x->gate, sizeof x->gate, "%.127s", x->canary->hooks[act->index].name);
	mf_migrating_hook_failed(x, &x->canary->hooks[act->index], answer.status);
	mf_migrating_did(x, "hook:%s:%d", x->canary->hooks[act->index].name, answer.status);
}

/* With the word of the router, where it has trouble: which proxy does not answer; else with what
 * failed. */
static void
do_alert(struct mf_migrating *x, const struct mf_act *act, struct mf_answer *out)
{
	char text[MF_TROUBLE_BYTES + 160], why[MF_TROUBLE_BYTES] = "";

	if (x->trouble[0] == '\0')
		mf_migrating_why(x, why);
	if (x->trouble[0] != '\0')
		(void)snprintf(text, sizeof text, "%.150s (%s)", act->why, x->trouble);
	else
		(void)snprintf(text, sizeof text, "%.150s%s%s", act->why,
		    why[0] == '\0' ? "" : ": ", why);
	mf_migrating_alert(x, text);
	out->end = MF_ANSWER_OK;
}

static void
do_drain(struct mf_migrating *x, struct mf_answer *out)
{
	struct mf_router *r = mf_world_router(x->world);
	struct mf_error e = {0};
	uint64_t left = 0;

	if (r->ops->drain != NULL)
		mf_migrating_show_wait(x,
		    x->m->router.drain_timeout_us == 0 ? MF_ROUTER_DRAIN_US
						       : x->m->router.drain_timeout_us,
		    "the canary's sessions to end");
	out->end = r->ops->drain == NULL ? MF_ANSWER_OK : of_error(r->ops->drain(r, &left, &e), &e);
	mf_migrating_did(x, "drain:%llu left", (unsigned long long)left);
}

/* Why it goes back. */
static void
take_reason(struct mf_migrating *x, const struct mf_act *act)
{
	if (act->why != NULL)
		x->reason = mf_reason_find(act->why);
}

static void
do_fallback(struct mf_migrating *x, const struct mf_act *act, struct mf_answer *out)
{
	struct mf_error e = {0};

	take_reason(x, act);
	out->end = of_error(mf_migrating_fall_back(x, act->index, &e), &e);
	mf_migrating_did(x, "fallback:%u:%s%s%s", act->index,
	    out->end == MF_ANSWER_OK ? "ok" : "failed", x->serving[0] == '\0' ? "" : ":",
	    x->serving);
}

/* Traffic is back: now there is time to tell people. */
static void
tell_damage(struct mf_migrating *x)
{
	char why[MF_ERROR_MESSAGE_BYTES], text[MF_ERROR_MESSAGE_BYTES + 64];

	if (x->watcher == NULL || x->damage_told ||
	    mf_watcher_state(x->watcher, why) != MF_WATCHER_DAMAGED)
		return;
	x->damage_told = true;
	(void)snprintf(text, sizeof text, "the data at the destination is damaged: %s", why);
	mf_migrating_alert(x, text);
}

/* Production does not come to name what was not looked at just before. */
static bool
is_intact(struct mf_migrating *x)
{
	return x->watcher == NULL || mf_watcher_look_now(x->watcher, LOOK_NOW_US);
}

static void
do_refs(struct mf_migrating *x, const struct mf_act *act, struct mf_answer *out)
{
	struct mf_error e = {0};
	bool forward = act->kind == MF_ACT_REFERENCE;

	take_reason(x, act);
	if (forward && !is_intact(x)) {
		mf_migrating_did(x, "%s:data not looked at", mf_act_name(act->kind));
		return;
	}
	if (!forward)
		tell_damage(x);
	x->referenced |= forward;
	out->end = of_error(
	    forward ? mf_migrating_move_production(x, &e) : mf_migrating_refs_back(x, &e), &e);
	if (forward && out->end == MF_ANSWER_FAILED && e.code == MF_ETRANSFER)
		out->end = MF_ANSWER_NO_REPOSITORY;
	if (forward && out->end == MF_ANSWER_OK)
		mf_migrating_referenced(x);
	mf_migrating_did(
	    x, "%s:%s", mf_act_name(act->kind), out->end == MF_ANSWER_OK ? "ok" : e.message);
}

static void
do_restore(struct mf_migrating *x, struct mf_answer *out)
{
	struct mf_error e = {0};

	out->end = MF_ANSWER_FAILED;
	if (x->m->rollback.has_restore)
		out->end = of_error(
		    mf_migrating_call(x, &x->m->rollback.restore, NULL, x->previous, &e), &e);
	mf_migrating_did(x, "restore:%s", out->end == MF_ANSWER_OK ? "ok" : "failed");
}

bool
mf_migrating_may(struct mf_migrating *x, bool forward)
{
	uint64_t longest =
	    x->m->router.timeout_us == 0 ? MF_ROUTER_TIMEOUT_US : x->m->router.timeout_us;

	return forward ? mf_keeper_may_go_forward(x->keeper, longest, ASK_US)
		       : mf_keeper_may_go_back(x->keeper, ASK_US);
}

static bool
may(struct mf_migrating *x, const struct mf_act *act, bool forward)
{
	return !mf_migrating_is_worth_a_line(act) || mf_migrating_may(x, forward);
}

void
mf_migrating_perform(void *arg, const struct mf_act *act, struct mf_answer *out)
{
	struct mf_migrating *x = arg;
	unsigned canary = x->router_known ? x->router.canary - x->router.canary_spread
					  : mf_engine_standing(&x->engine).weight;
	bool forward = mf_shift_is_forward(act, canary);

	if (!may(x, act, forward)) {
		if (forward) /* nobody has them: the repository did not renew them */
			out->end = MF_ANSWER_NO_REPOSITORY;
		mf_migrating_did(x, "%s:no lease", mf_act_name(act->kind));
		return;
	}
	mf_migrating_show_act(x, act);
	switch (act->kind) {
	case MF_ACT_ROUTE: do_route(x, act, out); break;
	case MF_ACT_METRIC:
	case MF_ACT_MEASURE_PRIMARY:
		if (x->engine.rollout_plan != NULL)
			mf_migrating_measure(x, act, out);
		else
			do_metric(x, act, out);
		break;
	case MF_ACT_MEASURE_FALLBACK: do_fallback_metric(x, act, out); break;
	case MF_ACT_HOOK: do_hook(x, act, out); break;
	case MF_ACT_ALERT: do_alert(x, act, out); break;
	case MF_ACT_REFERENCE:
	case MF_ACT_REFERENCE_BACK: do_refs(x, act, out); break;
	case MF_ACT_DRAIN: do_drain(x, out); break;
	case MF_ACT_FALLBACK: do_fallback(x, act, out); break;
	case MF_ACT_RESTORE: do_restore(x, out); break;
	default: /* workloads are Kubernetes' */ out->end = MF_ANSWER_OK;
	}
}
