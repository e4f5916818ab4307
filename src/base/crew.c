#include "config.h"

#include "src/base/crew.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#define MAX_QUEUES 16
#define THREAD_NAME_BYTES 16 /* pthread_setname_np(3) */

struct member {
	struct mf_crew *crew;
	struct member *next;
	pthread_t thread;
	int (*work)(void *arg, struct mf_error *e);
	void *arg;
	char name[THREAD_NAME_BYTES];
};

struct mf_crew {
	_Atomic bool cancelled;
	pthread_mutex_t lock; /* guards all below */
	struct mf_error first; /* why it was cancelled */
	struct mf_queue *queues[MAX_QUEUES];
	unsigned n_queues;
	struct member *members; /* started, not joined */
};

struct mf_crew *
mf_crew_new(struct mf_error *e)
{
	struct mf_crew *c = calloc(1, sizeof *c);

	if (c == NULL) {
		mf_error_nomem(e, "a crew of threads");
		return NULL;
	}
	atomic_init(&c->cancelled, false);
	(void)pthread_mutex_init(&c->lock, NULL);
	return c;
}

int
mf_crew_watch(struct mf_crew *c, struct mf_queue *q, struct mf_error *e)
{
	if (c->n_queues == MAX_QUEUES)
		return mf_error_set(e, MF_EFAIL, "a crew watches at most %d queues", MAX_QUEUES);
	c->queues[c->n_queues++] = q;
	return 0;
}

void
mf_crew_cancel(struct mf_crew *c, const struct mf_error *why)
{
	unsigned i;

	pthread_mutex_lock(&c->lock);
	if (!atomic_load_explicit(&c->cancelled, memory_order_relaxed)) {
		if (why != NULL)
			c->first = *why;
		else
			mf_error_set(&c->first, MF_EINTERRUPTED, "interrupted");
		atomic_store_explicit(&c->cancelled, true, memory_order_release);
		for (i = 0; i < c->n_queues; i++)
			mf_queue_abort(c->queues[i]);
	}
	pthread_mutex_unlock(&c->lock);
}

bool
mf_crew_cancelled(const struct mf_crew *c)
{
	return atomic_load_explicit(&c->cancelled, memory_order_acquire);
}

static void *
member_main(void *arg)
{
	struct member *m = arg;
	struct mf_error error;

	(void)pthread_setname_np(pthread_self(), m->name);
	mf_error_clear(&error);
	if (m->work(m->arg, &error) != 0) {
		if (error.code == MF_OK)
			mf_error_set(&error, MF_EFAIL, "thread %s failed without a reason", m->name);
		mf_crew_cancel(m->crew, &error);
	}
	return NULL;
}

/* pthread_create(3) with all signals blocked in the new thread. 0 or an errno. */
static int
create_thread(struct member *m)
{
	sigset_t all, old;
	int status;

	sigfillset(&all);
	status = pthread_sigmask(SIG_SETMASK, &all, &old);
	if (status != 0)
		return status;
	status = pthread_create(&m->thread, NULL, member_main, m);
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	return status;
}

static int
start_member(struct mf_crew *c, const char *name, int (*work)(void *arg, struct mf_error *e),
    void *arg, struct mf_error *e)
{
	struct member *m = calloc(1, sizeof *m);
	int status;

	if (m == NULL)
		return mf_error_nomem(e, "a thread");
	m->crew = c;
	m->work = work;
	m->arg = arg;
	(void)snprintf(m->name, sizeof m->name, "%s", name);
	/* Under the lock, so that whoever joins finds m->thread filled in. */
	pthread_mutex_lock(&c->lock);
	status = create_thread(m);
	if (status == 0) {
		m->next = c->members;
		c->members = m;
	}
	pthread_mutex_unlock(&c->lock);
	if (status == 0)
		return 0;
	free(m);
	mf_error_sys(e, status, "cannot start thread %s", name);
	return status == EAGAIN ? mf_error_hint(e, "raise the limit of threads, or use fewer")
				: -1;
}

int
mf_crew_start(struct mf_crew *c, const char *name, int (*work)(void *arg, struct mf_error *e),
    void *arg, struct mf_error *e)
{
	struct mf_error local;

	if (e == NULL)
		e = &local;
	if (start_member(c, name, work, arg, e) == 0)
		return 0;
	mf_crew_cancel(c, e);
	return -1;
}

static struct member *
take_member(struct mf_crew *c)
{
	struct member *m;

	pthread_mutex_lock(&c->lock);
	m = c->members;
	if (m != NULL)
		c->members = m->next;
	pthread_mutex_unlock(&c->lock);
	return m;
}

int
mf_crew_join(struct mf_crew *c, struct mf_error *e)
{
	struct member *m;

	while ((m = take_member(c)) != NULL) {
		(void)pthread_join(m->thread, NULL);
		free(m);
	}
	if (!mf_crew_cancelled(c))
		return 0;
	if (e != NULL)
		*e = c->first;
	return -1;
}

void
mf_crew_free(struct mf_crew *c)
{
	if (c == NULL)
		return;
	(void)mf_crew_join(c, NULL);
	pthread_mutex_destroy(&c->lock);
	free(c);
}
