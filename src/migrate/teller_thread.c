/* A teller's thread: it calls what is owed, and then tells the events in their order. */
#include "src/migrate/teller_int.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "src/base/log.h"
#include "src/base/thread.h"

bool
mf_teller_pause(void *arg, uint64_t us)
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

bool
mf_teller_is_ending(void *arg)
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
	    .hook = mf_teller_hook(t, i),
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
tell_event(struct mf_teller *t, const struct mf_teller_entry *event)
{
	struct mf_hook_answer answer;
	struct mf_hooks_event more;
	size_t i;

	mf_hooks_fill_event(&more, event->severity > MF_ALERT_INFO ? "Warning" : "Normal",
	    event->text, event->unix_us);
	for (i = 0; i < t->p.plan->n_hooks && !mf_teller_is_ending(t); i++) {
		if (mf_teller_hook(t, i)->type != MF_HOOK_EVENT)
			continue;
		call(t, i, event->phase, &more, &answer);
		if (!mf_hooks_passed(&answer))
			mf_log(
			    MF_LOG_WARNING, "event %s: %s", mf_teller_hook(t, i)->name, answer.why);
	}
}

static void
tell_receiver(struct mf_teller *t, const struct mf_teller_entry *event)
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
	if (t->failing && !mf_teller_is_ending(t))
		mf_log(MF_LOG_WARNING, "alert %s: %s", to.name, answer.why);
}

/* Under the lock. The oldest results make room: the run takes them each tick. */
static void
put_result(struct mf_teller *t, size_t i, const struct mf_hook_answer *answer)
{
	const struct mf_hook *hook = mf_teller_hook(t, i);
	const char *type = hook->type == MF_HOOK_PURGE ? "purge" : "mlflow";
	struct mf_teller_result *r;

	if (t->n_results == MF_TELLER_RESULTS) {
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

/* Under the lock. */
static bool
is_worth_it(struct mf_teller *t)
{
	bool worse = false;
	size_t i;

	for (i = 1; i < t->n_events; i++)
		worse = worse ||
			mf_teller_entry_at(t, i)->severity > mf_teller_entry_at(t, 0)->severity;
	return !(t->failing && worse && mf_teller_entry_at(t, 0)->severity == MF_ALERT_INFO);
}

static void
tell_first(struct mf_teller *t)
{
	struct mf_teller_entry event = *mf_teller_entry_at(t, 0);

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

void *
mf_teller_tell(void *arg)
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
