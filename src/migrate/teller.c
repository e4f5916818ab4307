#include "src/migrate/teller_int.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "src/base/log.h"
#include "src/base/thread.h"
#include "src/base/units.h"

static bool
has(const struct mf_canary_plan *plan, enum mf_hook_type type)
{
	size_t i;

	for (i = 0; i < plan->n_hooks; i++)
		if (plan->hooks[i].type == type)
			return true;
	return false;
}

static int
open_hooks(struct mf_teller *t, struct mf_error *e)
{
	struct mf_dialer_params p = t->p.dialer;

	p.wait = mf_teller_pause;
	p.interrupted = mf_teller_is_ending;
	p.arg = t;
	t->dialer = mf_dialer_open(&p, e);
	if (t->dialer != NULL)
		t->hooks = mf_hooks_open(t->dialer, e);
	return t->hooks == NULL ? -1 : 0;
}

int
mf_teller_start(struct mf_teller **out, const struct mf_teller_params *params, struct mf_error *e)
{
	struct mf_teller *t;

	*out = NULL;
	if (params->receiver == NULL && !has(params->plan, MF_HOOK_EVENT) &&
	    !has(params->plan, MF_HOOK_PURGE) && !has(params->plan, MF_HOOK_MLFLOW))
		return 0;
	t = calloc(1, sizeof *t);
	if (t == NULL)
		return mf_error_nomem(e, "the hooks");
	t->p = *params;
	t->owed = calloc(params->plan->n_hooks + 1, sizeof *t->owed);
	if (t->owed == NULL || mf_thread_make_conditions(&t->lock, &t->wanted, &t->happened) != 0) {
		free(t->owed);
		free(t);
		return mf_error_nomem(e, "the hooks");
	}
	if (open_hooks(t, e) != 0 || mf_thread_start(&t->thread, mf_teller_tell, t, e) != 0) {
		mf_teller_stop(t);
		return -1;
	}
	t->started = true;
	*out = t;
	return 0;
}

void
mf_teller_stop(struct mf_teller *t)
{
	size_t n;

	if (t == NULL)
		return;
	(void)pthread_mutex_lock(&t->lock);
	t->ending = true;
	(void)pthread_cond_broadcast(&t->wanted);
	(void)pthread_mutex_unlock(&t->lock);
	if (t->started)
		(void)pthread_join(t->thread, NULL);
	n = t->n_events + (size_t)t->dropped;
	if (n > 0)
		mf_log(MF_LOG_WARNING, "%zu %s%s%s%s %s not told", n,
		    t->p.receiver == NULL ? "event" : "alert", mf_plural(n),
		    t->p.receiver == NULL ? "" : " of ",
		    t->p.receiver == NULL ? "" : t->p.receiver->name, n == 1 ? "was" : "were");
	if (t->hooks != NULL)
		t->hooks->ops->close(t->hooks);
	mf_dialer_close(t->dialer);
	(void)pthread_mutex_destroy(&t->lock);
	(void)pthread_cond_destroy(&t->wanted);
	(void)pthread_cond_destroy(&t->happened);
	free(t->owed);
	free(t);
}

/* Under the lock: the place of a new event, or NULL. Where there is none left it takes that of the
 * newest which is less severe; the first may be under way. */
static struct mf_teller_entry *
place_for(struct mf_teller *t, enum mf_alert_severity severity)
{
	size_t i;

	if (t->n_events < MF_TELLER_EVENTS)
		return mf_teller_entry_at(t, t->n_events++);
	t->dropped++;
	for (i = t->n_events - 1; i > 0; i--) {
		if (mf_teller_entry_at(t, i)->severity >= severity)
			continue;
		for (; i + 1 < t->n_events; i++)
			*mf_teller_entry_at(t, i) = *mf_teller_entry_at(t, i + 1);
		return mf_teller_entry_at(t, i);
	}
	return NULL;
}

static bool
hears(const struct mf_teller *t, enum mf_alert_severity severity)
{
	return t->p.receiver != NULL ? mf_alert_is_for(t->p.receiver, severity)
				     : has(t->p.plan, MF_HOOK_EVENT);
}

void
mf_teller_event(struct mf_teller *t, const struct mf_teller_event *event)
{
	struct mf_teller_entry *at;

	if (t == NULL || !hears(t, event->severity))
		return;
	(void)pthread_mutex_lock(&t->lock);
	at = place_for(t, t->p.receiver == NULL ? MF_ALERT_INFO : event->severity);
	if (at != NULL) {
		at->severity = event->severity;
		at->phase = event->phase;
		at->unix_us = event->unix_us;
		(void)snprintf(at->text, sizeof at->text, "%s", event->text);
		(void)snprintf(at->details, sizeof at->details, "%s",
		    event->details == NULL ? "" : event->details);
	}
	(void)pthread_cond_broadcast(&t->wanted);
	(void)pthread_mutex_unlock(&t->lock);
}

void
mf_teller_owe(struct mf_teller *t, enum mf_hook_type type, const char *phase)
{
	size_t i;

	if (t == NULL || t->p.receiver != NULL)
		return;
	(void)pthread_mutex_lock(&t->lock);
	for (i = 0; i < t->p.plan->n_hooks; i++) {
		if (mf_teller_hook(t, i)->type != type)
			continue;
		t->owed[i].wanted = true;
		t->owed[i].phase = phase;
	}
	(void)pthread_cond_broadcast(&t->wanted);
	(void)pthread_mutex_unlock(&t->lock);
}

/* Under the lock; MF_HOOK_TYPES: of any type. */
static bool
owes(const struct mf_teller *t, enum mf_hook_type type)
{
	size_t i;

	for (i = 0; i < t->p.plan->n_hooks; i++)
		if ((t->owed[i].wanted || t->owed[i].under_way) &&
		    (type == MF_HOOK_TYPES || mf_teller_hook(t, i)->type == type))
			return true;
	return false;
}

bool
mf_teller_owes(struct mf_teller *t, enum mf_hook_type type)
{
	bool any;

	if (t == NULL)
		return false;
	(void)pthread_mutex_lock(&t->lock);
	any = owes(t, type);
	(void)pthread_mutex_unlock(&t->lock);
	return any;
}

bool
mf_teller_wait(struct mf_teller *t, bool events, uint64_t most_us)
{
	struct timespec end;
	bool rest;

	if (t == NULL)
		return true;
	mf_thread_after(most_us, &end);
	(void)pthread_mutex_lock(&t->lock);
	while ((rest = owes(t, MF_HOOK_TYPES) || (events && t->n_events > 0)))
		if (pthread_cond_timedwait(&t->happened, &t->lock, &end) == ETIMEDOUT)
			break;
	(void)pthread_mutex_unlock(&t->lock);
	return !rest;
}

bool
mf_teller_take_result(struct mf_teller *t, struct mf_teller_result *out)
{
	bool any;

	if (t == NULL)
		return false;
	(void)pthread_mutex_lock(&t->lock);
	any = t->n_results > 0;
	if (any) {
		*out = t->results[0];
		t->n_results--;
		memmove(t->results, t->results + 1, t->n_results * sizeof t->results[0]);
	}
	(void)pthread_mutex_unlock(&t->lock);
	return any;
}
