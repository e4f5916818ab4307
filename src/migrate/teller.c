#include "src/migrate/teller.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "src/base/log.h"
#include "src/base/thread.h"
#include "src/traffic/hooks.h"

#define RESULTS_MAX 64u

struct event {
	enum mf_alert_severity severity;
	const char *phase;
	int64_t unix_us;
	char text[MF_TELLER_TEXT_BYTES], details[MF_TELLER_DETAILS_BYTES];
};

/* Of one hook that calls are owed to. */
struct owed {
	bool wanted, under_way;
	const char *phase;
};

struct mf_teller {
	struct mf_teller_params p;
	struct mf_dialer *dialer;
	struct mf_hook_caller *hooks;
	pthread_t thread;
	bool started;
	bool failing; /* the receiver did not take the last one; of the thread */

	pthread_mutex_t lock; /* of all below */
	pthread_cond_t wanted, happened;
	bool ending;
	struct owed *owed; /* one a hook of the plan */
	struct event events[MF_TELLER_EVENTS];
	size_t first, n_events; /* the ring; the first may be under way */
	unsigned long dropped;
	struct mf_teller_result results[RESULTS_MAX];
	size_t n_results;
};

static const struct mf_hook *
hook_at(const struct mf_teller *t, size_t i)
{
	return &t->p.plan->hooks[i];
}

/* ---- the thread ---- */

/* Between two attempts. */
static bool
wait_us(void *arg, uint64_t us)
{
	struct mf_teller *t = arg;
	struct timespec end;
	bool goes_on;

	mf_thread_after(us, &end);
	(void)pthread_mutex_lock(&t->lock);
	while (!t->ending)
		if (pthread_cond_timedwait(&t->wanted, &t->lock, &end) == ETIMEDOUT)
			break;
	goes_on = !t->ending;
	(void)pthread_mutex_unlock(&t->lock);
	return goes_on;
}

static bool
is_ending(void *arg)
{
	struct mf_teller *t = arg;
	bool ending;

	(void)pthread_mutex_lock(&t->lock);
	ending = t->ending;
	(void)pthread_mutex_unlock(&t->lock);
	return ending;
}

static void
call(struct mf_teller *t, size_t i, const char *phase, const struct mf_hooks_event *event,
    struct mf_hook_answer *out)
{
	const struct mf_hook_call call = {
	    .hook = hook_at(t, i),
	    .name = t->p.plan->name,
	    .namespace_name = t->p.plan->namespace_name,
	    .phase = phase,
	    .checksum = t->p.checksum,
	    .version = t->p.version,
	    .more = event == NULL ? NULL : event->more,
	    .n_more = event == NULL ? 0 : MF_HOOKS_EVENT_PAIRS,
	};

	*out = (struct mf_hook_answer){.status = 0};
	t->hooks->ops->call(t->hooks, &call, out);
}

static void
tell_event(struct mf_teller *t, const struct event *event)
{
	struct mf_hook_answer answer;
	struct mf_hooks_event more;
	size_t i;

	mf_hooks_fill_event(&more, event->severity > MF_ALERT_INFO ? "Warning" : "Normal",
	    event->text, event->unix_us);
	for (i = 0; i < t->p.plan->n_hooks && !is_ending(t); i++) {
		if (hook_at(t, i)->type != MF_HOOK_EVENT)
			continue;
		call(t, i, event->phase, &more, &answer);
		if (!mf_hooks_passed(&answer))
			mf_log(MF_LOG_WARNING, "event %s: %s", hook_at(t, i)->name, answer.why);
	}
}

static void
tell_receiver(struct mf_teller *t, const struct event *event)
{
	const struct mf_alert alert = {
	    .severity = event->severity,
	    .name = t->p.plan->name,
	    .namespace_name = t->p.plan->namespace_name,
	    .phase = event->phase,
	    .message = event->text,
	    .details = event->details[0] == '\0' ? NULL : event->details,
	    .model = t->p.model,
	    .version = t->p.version,
	    .run_id = t->p.run_id,
	    .unix_us = event->unix_us,
	};
	struct mf_alert_plan to = *t->p.receiver;
	struct mf_hook_answer answer;

	if (event->severity == MF_ALERT_INFO)
		to.retries = 0;
	t->failing = mf_alert_send(t->dialer, &to, 1, &alert, &answer) > 0;
	if (t->failing && !is_ending(t))
		mf_log(MF_LOG_WARNING, "alert %s: %s", to.name, answer.why);
}

/* Under the lock. The oldest results make room: the run takes them each tick. */
static void
put_result(struct mf_teller *t, size_t i, const struct mf_hook_answer *answer)
{
	const struct mf_hook *hook = hook_at(t, i);
	const char *type = hook->type == MF_HOOK_PURGE ? "purge" : "mlflow";
	struct mf_teller_result *r;

	if (t->n_results == RESULTS_MAX) {
		t->n_results--;
		memmove(t->results, t->results + 1, t->n_results * sizeof t->results[0]);
	}
	r = &t->results[t->n_results++];
	r->hook = (unsigned)i;
	r->passed = mf_hooks_passed(answer);
	if (r->passed)
		(void)snprintf(
		    r->text, sizeof r->text, "%s %.60s: %d", type, hook->name, answer->status);
	else
		(void)snprintf(
		    r->text, sizeof r->text, "%s %.60s: %.160s", type, hook->name, answer->why);
}

/* Under the lock: the hook that is owed a call, or n_hooks. */
static size_t
next_owed(const struct mf_teller *t)
{
	size_t i;

	for (i = 0; i < t->p.plan->n_hooks && !t->owed[i].wanted; i++)
		;
	return i;
}

/* The lock is held at both ends. */
static void
pay(struct mf_teller *t, size_t i)
{
	const char *phase = t->owed[i].phase;
	struct mf_hook_answer answer;

	t->owed[i].wanted = false;
	t->owed[i].under_way = true;
	(void)pthread_mutex_unlock(&t->lock);
	call(t, i, phase, NULL, &answer);
	(void)pthread_mutex_lock(&t->lock);
	t->owed[i].under_way = false;
	if (!t->ending)
		put_result(t, i, &answer);
}

static struct event *
event_at(struct mf_teller *t, size_t i)
{
	return &t->events[(t->first + i) % MF_TELLER_EVENTS];
}

/* Under the lock. */
static bool
is_worth_it(struct mf_teller *t)
{
	bool worse = false;
	size_t i;

	for (i = 1; i < t->n_events; i++)
		worse = worse || event_at(t, i)->severity > event_at(t, 0)->severity;
	return !(t->failing && worse && event_at(t, 0)->severity == MF_ALERT_INFO);
}

static void
tell_first(struct mf_teller *t)
{
	struct event event = *event_at(t, 0);

	if (!is_worth_it(t)) {
		t->dropped++;
	} else {
		(void)pthread_mutex_unlock(&t->lock);
		if (t->p.receiver != NULL)
			tell_receiver(t, &event);
		else
			tell_event(t, &event);
		(void)pthread_mutex_lock(&t->lock);
	}
	t->first = (t->first + 1) % MF_TELLER_EVENTS;
	t->n_events--;
}

static void *
tell(void *arg)
{
	struct mf_teller *t = arg;
	size_t i;

	(void)pthread_mutex_lock(&t->lock);
	while (!t->ending) {
		i = next_owed(t);
		if (i < t->p.plan->n_hooks)
			pay(t, i);
		else if (t->n_events > 0)
			tell_first(t);
		else
			(void)pthread_cond_wait(&t->wanted, &t->lock);
		(void)pthread_cond_broadcast(&t->happened);
	}
	(void)pthread_mutex_unlock(&t->lock);
	return NULL;
}

/* ---- the run ---- */

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

	p.wait = wait_us;
	p.interrupted = is_ending;
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
	if (open_hooks(t, e) != 0 || mf_thread_start(&t->thread, tell, t, e) != 0) {
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
	if (t == NULL)
		return;
	(void)pthread_mutex_lock(&t->lock);
	t->ending = true;
	(void)pthread_cond_broadcast(&t->wanted);
	(void)pthread_mutex_unlock(&t->lock);
	if (t->started)
		(void)pthread_join(t->thread, NULL);
	if (t->n_events + t->dropped > 0)
		mf_log(MF_LOG_WARNING, "%zu %s%s were not told", t->n_events + (size_t)t->dropped,
		    t->p.receiver == NULL ? "events" : "alerts of ",
		    t->p.receiver == NULL ? "" : t->p.receiver->name);
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
static struct event *
place_for(struct mf_teller *t, enum mf_alert_severity severity)
{
	size_t i;

	if (t->n_events < MF_TELLER_EVENTS)
		return event_at(t, t->n_events++);
	t->dropped++;
	for (i = t->n_events - 1; i > 0; i--) {
		if (event_at(t, i)->severity >= severity)
			continue;
		for (; i + 1 < t->n_events; i++)
			*event_at(t, i) = *event_at(t, i + 1);
		return event_at(t, i);
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
	struct event *at;

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
		if (hook_at(t, i)->type != type)
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
		    (type == MF_HOOK_TYPES || hook_at(t, i)->type == type))
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
