#include "src/migrate/migrate_int.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/failpoint.h"
#include "src/base/log.h"
#include "src/base/units.h"
#include "src/state/journal.h"

const char *
mf_migrate_stage_name(enum mf_migrate_stage stage)
{
	static const char *const names[MF_STAGES] = {
	    [MF_STAGE_PREFLIGHT] = "preflight",
	    [MF_STAGE_PUSH] = "push",
	    [MF_STAGE_DELIVER] = "deliver",
	    [MF_STAGE_RELOAD] = "reload",
	    [MF_STAGE_SERVES] = "serves",
	    [MF_STAGE_WARMUP] = "warmup",
	    [MF_STAGE_COMPARE] = "compare",
	    [MF_STAGE_SHIFT] = "shift",
	    [MF_STAGE_END] = "end",
	};

	return (unsigned)stage < MF_STAGES ? names[stage] : "?";
}

static void
tell(struct mf_migrating *x, const struct mf_migrate_event *event)
{
	if (x->p->tell != NULL)
		x->p->tell(x->p->tell_arg, event);
}

void
mf_migrating_stage(struct mf_migrating *x, enum mf_migrate_stage stage, const char *text)
{
	struct mf_migrate_event event = {
	    .kind = MF_MIGRATE_STAGE,
	    .stage = stage,
	    .text = text == NULL ? "" : text,
	    .view = &x->view,
	};

	mf_log(MF_LOG_INFO, "%s: %s", mf_migrate_stage_name(stage), event.text);
	mf_migrating_show_stage(x, stage, event.text);
	mf_migrating_event(x, false, "%s: %s", mf_migrate_stage_name(stage), event.text);
	tell(x, &event);
}

void
mf_migrating_alert(struct mf_migrating *x, const char *text)
{
	struct mf_migrate_event event = {
	    .kind = MF_MIGRATE_ALERT, .stage = MF_STAGE_SHIFT, .text = text};

	mf_log(MF_LOG_WARNING, "%s", text);
	mf_migrating_did(x, "alert:%s", text);
	mf_migrating_event(x, true, "%s", text);
	tell(x, &event);
	x->alerted_now = true;
	mf_migrating_tell_people(x, MF_ALERT_WARN, text, NULL);
}

void
mf_migrating_did(struct mf_migrating *x, const char *fmt, ...)
{
	va_list ap;

	if (x->n_did == MF_MIGRATE_DID_MAX)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(x->did[x->n_did++], MF_MIGRATE_DID_BYTES, fmt, ap);
	va_end(ap);
}

/* By the keeper's thread. */
static void
heard(void *arg, enum mf_control_verb verb)
{
	const struct mf_migrating *x = arg;

	if (verb == MF_CONTROL_ABORT)
		x->p->stop_carrying();
}

/* From here on the leases are renewed: bringing the data can take longer than they last. */
static int
start_keeper(struct mf_migrating *x, struct mf_error *e)
{
	struct mf_keeper_params k = {
	    .repo = x->p->records,
	    .run = x->p->run_id,
	    .leases = &x->leases,
	    .journal = x->p->mirror_journal,
	    .trust = x->p->steerers,
	    .answered = x->answered,
	    .unix_us = x->p->unix_us,
	    .boot_us = x->p->boot_us,
	    .heard = heard,
	    .arg = x,
	};

	return mf_keeper_start(&x->keeper, &k, e);
}

/* Nobody watched over what the canary served. */
static void
turn_back_if_left(struct mf_migrating *x)
{
	char text[160], left[MF_UNIT_TEXT_BYTES], most[MF_UNIT_TEXT_BYTES];

	if (!mf_migrating_was_left(x))
		return;
	(void)snprintf(text, sizeof text,
	    "nobody ran it for %s, and maxUnattended is %s: it goes back",
	    mf_format_duration(x->unattended_us, left),
	    mf_format_duration(mf_migrating_max_unattended(x), most));
	mf_migrating_alert(x, text);
	x->shift.control = MF_STEER_INTERRUPT;
}

/* 0: a state is there, or the shift starts; the data is in place. */
static int
begin_or_resume(struct mf_migrating *x, struct mf_error *e)
{
	int found = x->p->resume == MF_MIGRATE_FRESH ? 1 : mf_migrating_resume(x, e);

	if (found < 0 || start_keeper(x, e) != 0 || mf_migrating_start_tellers(x, e) != 0)
		return -1;
	if (found == 1) {
		/* what the router shows is not this run's, if it wrote nothing */
		if (!x->has_open_route && mf_migrating_check_weights(x, e) != 0)
			return -1;
		/* nothing has moved yet: a rollback has nothing to turn back */
		if (x->p->resume == MF_MIGRATE_ROLLBACK)
			x->shift.control = MF_STEER_ABORT;
		else if (mf_migrating_prepare(x, e) != 0)
			return -1;
		x->engine.ops->start(&x->engine, x->version, x->previous);
	}
	mf_migrating_resume_route(x);
	if (x->p->resume == MF_MIGRATE_ROLLBACK)
		(void)snprintf(x->by_hand, sizeof x->by_hand, "%.200s: --on-resume rollback",
		    x->p->actor);
	if (x->p->resume == MF_MIGRATE_ROLLBACK)
		x->shift.control = MF_STEER_ABORT;
	if (x->shift.control == MF_STEER_ABORT)
		return 0;
	if (found == 0)
		turn_back_if_left(x);
	return mf_migrating_watch(x, e);
}

static int
shift(struct mf_migrating *x, struct mf_migrate_report *out, struct mf_error *e)
{
	struct mf_error ignored = {0};
	char reason[MF_REASON_TEXT_BYTES];
	int rc;

	mf_migrating_stage(x, MF_STAGE_SHIFT, x->version);
	x->shifting = true;
	rc = mf_shift_run(&x->shift, e);
	if (rc < 0)
		return -1;
	out->interrupted = rc == 1;
	out->lost = rc == 2;
	mf_migrating_report_end(x, out);
	if (rc == 1) {
		mf_migrating_show_left(x);
		mf_migrating_tell_leave(x);
	}
	if (rc == 2)
		mf_migrating_tell_lost(x);
	if (rc == 0) {
		mf_migrating_tell_people_end(x, out->result, out->reason, out->canary);
		if (out->result != MF_RESULT_SUCCEEDED && out->result != MF_RESULT_CONFLICT)
			mf_migrating_end_at_destination(x);
		(void)snprintf(out->not_back, sizeof out->not_back, "%s", x->not_back);
		mf_migrating_let_go(x, out->result == MF_RESULT_SUCCEEDED);
		mf_migrating_tell_end(x, out);
	}
	if (rc == 0 && mf_journal_end(x->p->journal, x->p->run_id, mf_result_name(out->result),
			   mf_migrating_reason_text(x, out->reason, reason), x->p->unix_us(),
			   &ignored) != 0)
		mf_log(MF_LOG_WARNING, "the end of the run is not in the journal: %s",
		    ignored.message);
	mf_failpoint("run", "after-end");
	return 0;
}

/* The leases and the journal. A run that cannot have the leases never began; one that resumes
 * must first know who held them for it. Weights are held against the plan when nobody else can
 * move them: another run's are a conflict, and no mistake of this plan. */
static int
take(struct mf_migrating *x, struct mf_error *e)
{
	if (x->p->resume == MF_MIGRATE_FRESH) {
		if (mf_migrating_take_leases(x, e) != 0 || mf_migrating_check_weights(x, e) != 0)
			return -1;
		mf_failpoint("run", "after-leases");
		return mf_migrating_begin(x, e);
	}
	return mf_migrating_begin(x, e) != 0 || mf_migrating_take_leases(x, e) != 0 ? -1 : 0;
}

/* It failed before any weight moved: there is nothing to resume, and the next run is a new one. */
static void
forget(struct mf_migrating *x, struct mf_error *why)
{
	struct mf_error ignored = {0};

	if (why->code == MF_EINTERRUPTED) {
		(void)mf_error_hint(why, "go on with --resume");
		mf_migrating_show_left(x);
	}
	if (x->shift.tick > 0 || x->has_open_route || why->code == MF_EINTERRUPTED)
		return;
	mf_migrating_tell_failure(x, why);
	mf_migrating_let_go(x, false);
	(void)mf_journal_end(
	    x->p->journal, x->p->run_id, "notBegun", why->message, x->p->unix_us(), &ignored);
}

static int
run(struct mf_migrating *x, struct mf_migrate_report *out, struct mf_error *e)
{
	if (mf_migrating_open(x, e) != 0 || mf_migrating_preflight(x, e) != 0)
		return -1;
	out->already = x->p->resume == MF_MIGRATE_FRESH && mf_migrating_is_done(x);
	if (out->already || x->p->dry_run) {
		out->primary = x->router.primary;
		out->canary = x->router.canary;
		return 0;
	}
	if (take(x, e) != 0)
		return -1;
	if (begin_or_resume(x, e) != 0) {
		forget(x, e);
		return -1;
	}
	if (x->m->router.type == MF_ROUTER_NONE)
		return mf_migrating_end_data_only(x, out, e);
	return shift(x, out, e);
}

/* Stands for the analysis of a plan without one. */
static const struct mf_canary_plan data_only = {
    .name = "",
    .namespace_name = "default",
    .provider = "",
    .profile = MF_PROFILE_MIGRATION,
    .interval_us = 60000000,
    .threshold = 1,
};

static int
make_engine(struct mf_migrating *x, struct mf_error *e)
{
	if (x->p->plan->rollout == NULL) {
		mf_engine_canary(&x->engine, x->canary);
		return 0;
	}
	x->whys = calloc(
	    x->p->plan->rollout->n_analyses + 1, MF_ANALYSIS_METRICS_MAX * sizeof x->whys[0]);
	if (x->whys == NULL)
		return mf_error_nomem(e, "the analyses");
	x->rollout = *x->p->plan->rollout;
	x->rollout.abort_scale_down = false; /* servers are not ours to stop */
	mf_engine_rollout(&x->engine, &x->rollout);
	return 0;
}

int
mf_migrate(const struct mf_migrate_params *p, struct mf_migrate_report *out, struct mf_error *e)
{
	struct mf_migrating *x;
	int64_t began_us = p->boot_us();
	int rc;

	*out = (struct mf_migrate_report){.primary = 100};
	x = calloc(1, sizeof *x);
	if (x == NULL)
		return mf_error_nomem(e, "the run");
	x->p = p;
	x->canary = p->plan->canary != NULL ? p->plan->canary : &data_only;
	x->m = p->plan->migration;
	x->called_model = x->m->model;
	if (make_engine(x, e) != 0) {
		free(x);
		return -1;
	}
	mf_view_init(&x->view, x->canary, x->m, p->actor);
	rc = run(x, out, e);
	(void)snprintf(out->version, sizeof out->version, "%s", x->version);
	(void)snprintf(out->previous, sizeof out->previous, "%s", x->previous);
	(void)snprintf(out->serving, sizeof out->serving, "%s", x->serving);
	out->seconds = (uint64_t)(p->boot_us() - began_us) / 1000000;
	out->outlook = x->outlook;
	out->agreement = x->agreement;
	mf_migrating_close(x);
	free(x->candidates);
	free(x->whys);
	free(x);
	return rc;
}
