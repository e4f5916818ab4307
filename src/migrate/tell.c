/*
 * What a run tells others without waiting for them: hooks of the types event, purge and mlflow.
 *
 * A process can be killed at any moment, and who goes on must lose none of what is owed:
 *
 *	purge	is owed from the moment that weights were written. The state of a tick says whether
 *		one was still owed, and a route behind the last state counts as one. Twice is no
 *harm. mlflow	is owed from the moment that production moved. Whoever resumes a run that had come
 *		so far moves it again, or turns back, or finds it at its end without the END line:
 *		each calls again, which changes nothing where it was so.
 *	event	is told once, or not at all; a run that goes on begins with one that says where it
 *		stands.
 */
#include "src/migrate/migrate_int.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "src/base/log.h"
#include "src/state/journal.h"

#define OWED_END_US UINT64_C(120000000) /* how long the end waits for what is owed */
#define EVENTS_END_US UINT64_C(10000000)
#define LEAVE_US UINT64_C(5000000) /* somebody may wait to kill this process */

static const char *
phase_name(const struct mf_migrating *x)
{
	const char *name = mf_engine_standing(&x->engine).phase;

	/* Flagger's word for what comes before */
	return name[0] == '\0' ? mf_phase_name(MF_PHASE_INITIALIZING) : name;
}

void
mf_migrating_event(struct mf_migrating *x, bool warning, const char *fmt, ...)
{
	char text[MF_TELLER_TEXT_BYTES];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	mf_teller_event(x->teller, warning, phase_name(x), text, x->p->unix_us());
}

void
mf_migrating_moved(struct mf_migrating *x)
{
	mf_teller_owe(x->teller, MF_HOOK_PURGE, phase_name(x));
}

int
mf_migrating_start_teller(struct mf_migrating *x, struct mf_error *e)
{
	const struct mf_teller_params p = {
	    .plan = x->canary,
	    .version = x->m->model == NULL ? NULL : x->version,
	    .checksum = x->checksum,
	    .dialer = x->p->dialer,
	};

	unsigned weight = mf_engine_standing(&x->engine).weight;

	if (mf_teller_start(&x->teller, &p, e) != 0)
		return -1;
	if (x->shift.tick > 0)
		mf_migrating_event(x, false, "resumed in phase %s with weights %u/%u",
		    phase_name(x), 100 - weight, weight);
	if (x->purge_owed)
		mf_migrating_moved(x);
	return 0;
}

/* Of a canary; a Rollout's metrics have limits of their own. */
static unsigned
failed_checks(const struct mf_migrating *x)
{
	return x->engine.canary_plan == NULL ? 0 : x->engine.state.canary.failed_checks;
}

void
mf_migrating_remember_told(struct mf_migrating *x)
{
	x->told = mf_engine_standing(&x->engine);
	x->told_failed = failed_checks(x);
}

void
mf_migrating_tell_changes(struct mf_migrating *x)
{
	const struct mf_standing *was = &x->told, now = mf_engine_standing(&x->engine);
	/* nothing was told yet */
	const char *phase = was->phase == NULL ? "" : was->phase;
	const char *note = was->note == NULL ? "" : was->note;

	if (strcmp(now.phase, phase) != 0)
		mf_migrating_event(x, false, "phase %s", now.phase);
	if (now.weight != was->weight)
		mf_migrating_event(x, false, "weights %u/%u", 100 - now.weight, now.weight);
	if (failed_checks(x) > x->told_failed)
		mf_migrating_event(
		    x, true, "failed check %u of %u", failed_checks(x), x->canary->threshold);
	if (strcmp(now.note, note) != 0 && now.note[0] != '\0')
		mf_migrating_event(x, true, "held: %s", now.note);
	else if (strcmp(now.note, note) != 0)
		mf_migrating_event(x, false, "no longer held");
	if (now.reason != was->reason && now.reason != MF_REASON_NONE)
		mf_migrating_event(x, true, "going back: %s", mf_reason_name(now.reason));
	mf_migrating_remember_told(x);
}

void
mf_migrating_hear(struct mf_migrating *x)
{
	struct mf_journal_line line = {.kind = MF_JOURNAL_NOTE, .tick = x->shift.tick};
	struct mf_teller_result result;

	while (mf_teller_take_result(x->teller, &result)) {
		line.time_us = x->p->unix_us();
		line.phase = phase_name(x);
		line.bytes = result.text;
		line.n = strlen(result.text);
		(void)mf_journal_note(x->p->journal, x->p->run_id, &line, NULL);
		if (!result.passed)
			mf_migrating_alert(x, result.text);
	}
}

void
mf_migrating_referenced(struct mf_migrating *x)
{
	mf_teller_owe(x->teller, MF_HOOK_MLFLOW, mf_phase_name(MF_PHASE_SUCCEEDED));
	x->registry_told = true;
}

/* Of a run whose production ref never moved there is nothing to tell a registry. */
static void
owe_registry(struct mf_migrating *x, const struct mf_migrate_report *r)
{
	if (r->result == MF_RESULT_SUCCEEDED && !x->registry_told)
		mf_migrating_referenced(x);
	else if (r->result != MF_RESULT_SUCCEEDED && x->referenced && r->canary == 0)
		mf_teller_owe(x->teller, MF_HOOK_MLFLOW, mf_phase_name(MF_PHASE_FAILED));
}

void
mf_migrating_tell_end(struct mf_migrating *x, const struct mf_migrate_report *r)
{
	/* once more: what was under way when the weights moved may have filled the cache again */
	if (x->changed_us != 0)
		mf_migrating_moved(x);
	owe_registry(x, r);
	if (!mf_teller_wait(x->teller, false, OWED_END_US))
		mf_migrating_alert(x, mf_teller_owes(x->teller, MF_HOOK_PURGE)
					  ? "a purge hook was not called before the run ended"
					  : "an mlflow hook was not called before the run ended");
	mf_migrating_hear(x);
	(void)mf_teller_wait(x->teller, true, EVENTS_END_US);
}

void
mf_migrating_tell_failure(struct mf_migrating *x, const struct mf_error *why)
{
	mf_migrating_event(x, true, "ended before any weight moved: %s", why->message);
	(void)mf_teller_wait(x->teller, true, LEAVE_US);
}

void
mf_migrating_tell_leave(struct mf_migrating *x)
{
	unsigned canary = mf_engine_standing(&x->engine).weight;

	mf_migrating_event(
	    x, true, "told to end with weights %u/%u: resumable", 100 - canary, canary);
	(void)mf_teller_wait(x->teller, true, LEAVE_US);
	mf_migrating_hear(x);
}
