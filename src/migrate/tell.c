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
 *	alerts	are told once, or not at all, by a thread of each receiver.
 *	event	is told once, or not at all; a run that goes on begins with one that says where it
 *		stands.
 */
#include "src/migrate/migrate_int.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/log.h"
#include "src/state/journal.h"

#define OWED_END_US UINT64_C(120000000) /* how long the end waits for what is owed */
#define EVENTS_END_US UINT64_C(10000000)
#define ALERTS_END_US UINT64_C(30000000) /* and for people to be told of it */
#define LEAVE_US UINT64_C(5000000)       /* somebody may wait to kill this process */

static const char *
phase_name(const struct mf_migrating *x)
{
	const char *name = mf_engine_standing(&x->engine).phase;

	/* Flagger's word for what comes before */
	return name[0] == '\0' ? mf_phase_name(MF_PHASE_INITIALIZING) : name;
}

static void
put_event(struct mf_migrating *x, enum mf_alert_severity severity, const char *text)
{
	const struct mf_teller_event event = {
	    .severity = severity,
	    .phase = phase_name(x),
	    .text = text,
	    .unix_us = x->p->unix_us(),
	};

	mf_teller_event(x->teller, &event);
}

void
mf_migrating_event(struct mf_migrating *x, bool warning, const char *fmt, ...)
{
	char text[MF_TELLER_TEXT_BYTES];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	put_event(x, warning ? MF_ALERT_WARN : MF_ALERT_INFO, text);
}

void
mf_migrating_tell_people(
    struct mf_migrating *x, enum mf_alert_severity severity, const char *text, const char *details)
{
	const struct mf_teller_event event = {
	    .severity = severity,
	    .phase = mf_engine_standing(&x->engine).phase,
	    .text = text,
	    .details = details,
	    .unix_us = x->p->unix_us(),
	};
	size_t i;

	for (i = 0; i < x->n_people; i++)
		mf_teller_event(x->people[i], &event);
}

/* Hooks, and receivers of that severity. */
static void say(struct mf_migrating *x, enum mf_alert_severity severity, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
static void
say(struct mf_migrating *x, enum mf_alert_severity severity, const char *fmt, ...)
{
	char text[MF_TELLER_TEXT_BYTES];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	put_event(x, severity, text);
	mf_migrating_tell_people(x, severity, text, NULL);
}

void
mf_migrating_moved(struct mf_migrating *x)
{
	mf_teller_owe(x->teller, MF_HOOK_PURGE, phase_name(x));
}

/* One thread a receiver: who does not answer keeps the news from nobody else. */
static int
start_people(struct mf_migrating *x, struct mf_teller_params p, struct mf_error *e)
{
	x->people = calloc(x->m->n_alerts + 1, sizeof(struct mf_teller *));
	if (x->people == NULL)
		return mf_error_nomem(e, "the receivers of alerts");
	for (; x->n_people < x->m->n_alerts; x->n_people++) {
		p.receiver = &x->m->alerts[x->n_people];
		if (mf_teller_start(&x->people[x->n_people], &p, e) != 0)
			return -1;
	}
	return 0;
}

int
mf_migrating_start_tellers(struct mf_migrating *x, struct mf_error *e)
{
	struct mf_teller_params p = {
	    .plan = x->canary,
	    .version = x->m->model == NULL ? NULL : x->version,
	    .checksum = x->checksum,
	    .model = x->m->model,
	    .run_id = x->p->run_id,
	    .dialer = x->p->dialer,
	};
	unsigned weight = mf_engine_standing(&x->engine).weight;

	if (mf_teller_start(&x->teller, &p, e) != 0 || start_people(x, p, e) != 0)
		return -1;
	if (x->shift.tick > 0)
		say(x, MF_ALERT_INFO, "resumed in phase %s with weights %u/%u", phase_name(x),
		    100 - weight, weight);
	if (x->purge_owed)
		mf_migrating_moved(x);
	return 0;
}

void
mf_migrating_stop_tellers(struct mf_migrating *x)
{
	size_t i;

	mf_teller_stop(x->teller);
	for (i = 0; i < x->n_people; i++)
		mf_teller_stop(x->people[i]);
	free(x->people);
	x->people = NULL;
	x->n_people = 0;
}

void
mf_migrating_let_people_hear(struct mf_migrating *x, uint64_t most_us)
{
	const int64_t end_us = x->p->boot_us() + (int64_t)most_us;
	int64_t left_us;
	size_t i;

	for (i = 0; i < x->n_people; i++) {
		left_us = end_us - x->p->boot_us();
		(void)mf_teller_wait(x->people[i], true, left_us > 0 ? (uint64_t)left_us : 0);
	}
}

/* Of a canary; a Rollout's metrics have limits of their own. */
static unsigned
failed_checks(const struct mf_migrating *x)
{
	return x->engine.canary_plan == NULL ? x->engine.state.rollout.missing_failed
					     : x->engine.state.canary.failed_checks;
}

void
mf_migrating_remember_told(struct mf_migrating *x)
{
	x->told = mf_engine_standing(&x->engine);
	x->told_failed = failed_checks(x);
}

static unsigned
index_of(const struct mf_rollout_plan *r, const struct mf_analysis_plan *plan)
{
	unsigned k;

	for (k = 0; k < r->n_analyses && r->analyses[k] != plan; k++)
		;
	return k;
}

/* "0.52; failed 1, limit 0" */
static void
tell_measured(struct mf_migrating *x, const struct mf_analysis_plan *plan, size_t i,
    const struct mf_analysis_metric_state *m, const char *why)
{
	const struct mf_analysis_metric *metric = &plan->metrics[i];
	char text[MF_VIEW_WHY_BYTES], value[32] = "";

	mf_view_analysis_text(text, sizeof text, metric, m, why);
	if (m->has_value && m->last != MF_ANALYSIS_ERROR)
		(void)snprintf(value, sizeof value, "%.6g; ", m->value);
	mf_migrating_did(x, "analysis:%.40s:%s%s", metric->name, value, text);
	if (metric->dry_run)
		return;
	if (m->last == MF_ANALYSIS_ERROR) /* of which a few in a row change nothing */
		say(x, MF_ALERT_INFO, "error: %s of %s: %s", metric->name, plan->name, text);
	else
		say(x, MF_ALERT_WARN, "failed check: %s of %s: %s%s", metric->name, plan->name,
		    value, text);
}

/* Metrics of a Rollout's analysis that failed in this tick, or were an error. */
static void
tell_analysis(struct mf_migrating *x, const struct mf_analysis_plan *plan,
    const struct mf_analysis_state *run)
{
	const struct mf_analysis_metric_state *m;
	unsigned of;
	size_t i;

	if (plan == NULL)
		return;
	of = index_of(x->engine.rollout_plan, plan) * MF_ANALYSIS_METRICS_MAX;
	for (i = 0; i < plan->n_metrics; i++) {
		m = &run->metrics[i];
		if (m->last_us == x->tick_us &&
		    (m->last == MF_ANALYSIS_FAILED || m->last == MF_ANALYSIS_INCONCLUSIVE ||
			(m->last == MF_ANALYSIS_ERROR && m->consecutive_errors > 0)))
			tell_measured(x, plan, i, m, x->whys[of + i]);
	}
}

static void
tell_failed(struct mf_migrating *x)
{
	const struct mf_rollout_plan *r = x->engine.rollout_plan;
	const struct mf_rollout_state *s = &x->engine.state.rollout;
	const struct mf_analysis_plan *runs = r == NULL ? NULL : mf_rollout_running(r, s);

	char why[MF_TROUBLE_BYTES];

	if (r == NULL && failed_checks(x) > x->told_failed) {
		mf_migrating_why(x, why);
		say(x, MF_ALERT_WARN, "failed check %u of %u%s%s", failed_checks(x),
		    x->canary->threshold, why[0] == '\0' ? "" : ": ", why);
	}
	if (r == NULL)
		return;
	if (failed_checks(x) > x->told_failed)
		say(x, MF_ALERT_WARN, "failed check: a proxy does not answer%s%s%s",
		    x->trouble[0] == '\0' ? "" : " (", x->trouble,
		    x->trouble[0] == '\0' ? "" : ")");
	if (r->background < r->n_analyses)
		tell_analysis(x, r->analyses[r->background], &s->background);
	tell_analysis(x, runs != NULL ? runs : x->ran, &s->run);
}

/* What holds it is an event. People are told of what is not just a matter of time, and not again
 * what they were told in this tick. */
static void
tell_hold(struct mf_migrating *x, const char *was, const char *note)
{
	const char *settling = mf_hold_name(MF_HOLD_SETTLING);
	char text[MF_TELLER_TEXT_BYTES];

	if (strcmp(note, was) == 0)
		return;
	if (note[0] == '\0') {
		put_event(x, MF_ALERT_INFO, "no longer held");
		if (strcmp(was, settling) != 0)
			mf_migrating_tell_people(x, MF_ALERT_INFO, "no longer held", NULL);
		return;
	}
	(void)snprintf(text, sizeof text, "held: %s%s%s", note,
	    x->view.waits[0] == '\0' ? "" : ": ", x->view.waits);
	put_event(x, MF_ALERT_WARN, text);
	if (!x->alerted_now && strcmp(note, settling) != 0)
		mf_migrating_tell_people(x, MF_ALERT_INFO, text, NULL);
}

void
mf_migrating_tell_changes(struct mf_migrating *x)
{
	const struct mf_standing *was = &x->told, now = mf_engine_standing(&x->engine);
	/* nothing was told yet */
	const char *phase = was->phase == NULL ? "" : was->phase;
	char reason[MF_REASON_TEXT_BYTES];

	if (strcmp(now.phase, phase) != 0)
		say(x, MF_ALERT_INFO, "phase %s", now.phase);
	if (now.weight != was->weight)
		say(x, MF_ALERT_INFO, "weights %u/%u", 100 - now.weight, now.weight);
	tell_failed(x);
	tell_hold(x, was->note == NULL ? "" : was->note, now.note);
	if (now.reason != was->reason && now.reason != MF_REASON_NONE)
		say(x, MF_ALERT_WARN, "going back: %s",
		    mf_migrating_reason_text(x, now.reason, reason));
	mf_migrating_remember_told(x);
}

void
mf_migrating_tell_control(struct mf_migrating *x, const char *text)
{
	say(x, MF_ALERT_INFO, "%s", text);
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
	mf_migrating_let_people_hear(x, ALERTS_END_US);
}

void
mf_migrating_tell_failure(struct mf_migrating *x, const struct mf_error *why)
{
	mf_migrating_event(x, true, "ended before any weight moved: %s", why->message);
	mf_migrating_tell_people(
	    x, MF_ALERT_ERROR, "the migration ended before any weight moved", why->message);
	(void)mf_teller_wait(x->teller, true, LEAVE_US);
	mf_migrating_let_people_hear(x, LEAVE_US);
}

void
mf_migrating_tell_lost(struct mf_migrating *x)
{
	mf_migrating_tell_people(
	    x, MF_ALERT_ERROR, "somebody else holds the leases of the run now", NULL);
	mf_migrating_let_people_hear(x, LEAVE_US);
}

void
mf_migrating_tell_leave(struct mf_migrating *x)
{
	unsigned canary = mf_engine_standing(&x->engine).weight;

	say(x, MF_ALERT_WARN, "told to end with weights %u/%u: resumable", 100 - canary, canary);
	(void)mf_teller_wait(x->teller, true, LEAVE_US);
	mf_migrating_let_people_hear(x, LEAVE_US);
	mf_migrating_hear(x);
}
