/* The keeper's thread: leases, the journal's mirror, heartbeats, controls. */
#include "src/migrate/keeper_int.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "src/base/log.h"
#include "src/base/thread.h"

#define LOOK_US UINT64_C(1000000)    /* between two rounds without a request */
#define CONTROL_US UINT64_C(4000000) /* between two looks for controls: below the 5 s promised */
#define RENEW_PART 3u                /* of the time that a lease has left */
#define BEAT_US UINT64_C(30000000)   /* without news the last heartbeat is put again */

/*
 * They ran out while the repository could not be reached, or while this process stood still. If
 * nobody had them since, they are taken anew: 0. If somebody has or had: 1. -1: not known.
 */
static int
take_anew(struct mf_keeper *k, struct mf_error *e)
{
	int rc = mf_lease_set_take(k->p.leases, NULL, NULL, NULL, e);

	if (rc != 0)
		return rc;
	if (!mf_lease_set_was_elsewhere(k->p.leases)) {
		mf_run_writer_free(k->writer); /* its records carried the former token */
		k->writer = NULL;
		return 0;
	}
	(void)mf_lease_set_release(k->p.leases, NULL);
	return 1;
}

static void
renew(struct mf_keeper *k)
{
	struct mf_error e = {0};
	int rc = mf_lease_set_renew(k->p.leases, &e);
	bool lost = false;

	if (rc != 0)
		mf_log(MF_LOG_WARNING, "%s", e.message);
	if (rc != 0 && e.code == MF_ECONFLICT) {
		rc = take_anew(k, &e);
		lost = rc > 0;
	}
	(void)pthread_mutex_lock(&k->lock);
	k->lost = lost;
	if (rc == 0) {
		k->deadline_us = mf_lease_set_deadline_us(k->p.leases);
		k->token = mf_lease_set_token(k->p.leases);
		k->traffic_token = mf_lease_set_traffic_token(k->p.leases);
	}
	k->renew_done = k->renew_wanted;
	(void)pthread_cond_broadcast(&k->happened);
	(void)pthread_mutex_unlock(&k->lock);
}

/* One of the present token. 0 also where there is no repository to write to. */
static int
need_writer(struct mf_keeper *k, struct mf_error *e)
{
	if (k->p.repo == NULL || k->writer != NULL)
		return 0;
	return mf_run_writer_open(k->p.repo, k->p.run, k->token, &k->writer, e);
}

static void
mirror(struct mf_keeper *k, uint64_t request)
{
	struct mf_error e = {0};
	int rc = need_writer(k, &e);

	if (rc == 0 && k->writer != NULL)
		rc = mf_run_mirror(k->writer, k->p.journal, &e);
	if (rc != 0)
		mf_log(MF_LOG_WARNING, "the journal is not in the repository yet: %s", e.message);
	(void)pthread_mutex_lock(&k->lock);
	k->mirror_done = request;
	if (rc == 0)
		k->mirror_good = request;
	(void)pthread_cond_broadcast(&k->happened);
	(void)pthread_mutex_unlock(&k->lock);
}

/* The last heartbeat, as the thread has it. */
struct last_beat {
	struct mf_run_beat beat;
	struct mf_buf view;
	bool any, owed;  /* owed: the newest one could not be put */
	uint64_t put_us; /* by the keeper's clock; 0: not yet */
};

static void
put_beat(struct mf_keeper *k, struct last_beat *last)
{
	struct mf_error e = {0};

	if (last->put_us != 0)
		last->beat.time_us = k->p.unix_us();
	last->owed = need_writer(k, &e) != 0 ||
		     (k->writer != NULL && mf_run_beat(k->writer, &last->beat, &e) != 0);
	if (last->owed)
		mf_log(MF_LOG_DEBUG, "heartbeat: %s", e.message);
	last->put_us = mf_keeper_now_us(k);
}

static void
put_last_beat(struct mf_keeper *k, struct last_beat *last, bool is_new)
{
	unsigned tries;

	for (tries = 0; (is_new || last->owed) && tries < MF_KEEPER_LAST_TRIES; tries++) {
		if (tries > 0)
			(void)nanosleep(
			    &(struct timespec){.tv_nsec = MF_KEEPER_LAST_PAUSE_NS}, NULL);
		put_beat(k, last);
		is_new = false;
	}
}

static int
take_control(void *arg, const struct mf_control *control)
{
	struct mf_keeper *k = arg;
	bool full;

	(void)pthread_mutex_lock(&k->lock);
	full = k->n_controls == MF_KEEPER_CONTROLS_MAX;
	if (!full) {
		k->controls[k->n_controls++] = *control;
		k->answered = control->sequence;
	}
	(void)pthread_cond_broadcast(&k->happened);
	(void)pthread_mutex_unlock(&k->lock);
	if (!full && k->p.heard != NULL)
		k->p.heard(k->p.arg, control->verb);
	return full;
}

static void
look_for_controls(struct mf_keeper *k)
{
	struct mf_error e = {0};

	if (k->p.repo != NULL && mf_control_each(k->p.repo, k->p.run, k->answered, k->p.trust,
				     k->p.unix_us(), take_control, k, &e) < 0)
		mf_log(MF_LOG_DEBUG, "control records: %s", e.message);
}

/* Under the lock: what is to be done next; waits for that at most so long. */
static void
wait_for_work(struct mf_keeper *k)
{
	struct timespec end;

	mf_thread_after(LOOK_US, &end);
	while (!k->ending && k->renew_wanted == k->renew_done &&
	       k->mirror_wanted == k->mirror_done && !k->has_beat)
		if (pthread_cond_timedwait(&k->wanted, &k->lock, &end) == ETIMEDOUT)
			break;
}

struct work {
	bool ending, last_word, renew, mirror, beat, lost;
	uint64_t mirror_request;
};

/* Under the lock. */
static bool
take_beat(struct mf_keeper *k, struct last_beat *last)
{
	struct mf_buf old = last->view;

	if (!k->has_beat)
		return !k->ending && last->any && mf_keeper_now_us(k) >= last->put_us + BEAT_US;
	last->beat = k->beat;
	last->view = k->view;
	last->any = true;
	last->put_us = 0;
	k->view = old;
	k->has_beat = false;
	return true;
}

static void
next_work(struct mf_keeper *k, struct work *w, struct last_beat *last, uint64_t renew_at_us)
{
	(void)pthread_mutex_lock(&k->lock);
	wait_for_work(k);
	w->ending = k->ending;
	w->last_word = k->last_word;
	w->lost = k->lost;
	w->renew =
	    !k->lost && (k->renew_wanted != k->renew_done || mf_keeper_now_us(k) >= renew_at_us);
	w->mirror = k->mirror_wanted != k->mirror_done;
	w->mirror_request = k->mirror_wanted;
	w->beat = take_beat(k, last);
	(void)pthread_mutex_unlock(&k->lock);
}

static uint64_t
renew_at(struct mf_keeper *k)
{
	uint64_t now = mf_keeper_now_us(k), deadline;

	(void)pthread_mutex_lock(&k->lock);
	deadline = k->deadline_us;
	(void)pthread_mutex_unlock(&k->lock);
	return deadline > now ? now + (deadline - now) / RENEW_PART : now + LOOK_US;
}

void *
mf_keeper_keep(void *arg)
{
	struct mf_keeper *k = arg;
	uint64_t renew_at_us = renew_at(k), look_at_us = 0;
	struct last_beat last = {.any = false};
	struct work w;

	for (;;) {
		next_work(k, &w, &last, renew_at_us);
		if (w.renew) {
			renew(k);
			renew_at_us = renew_at(k);
		}
		if (w.mirror)
			mirror(k, w.mirror_request);
		if (w.ending || w.lost)
			break;
		if (w.beat)
			put_beat(k, &last);
		if (mf_keeper_now_us(k) >= look_at_us) {
			look_for_controls(k);
			look_at_us = mf_keeper_now_us(k) + CONTROL_US;
		}
	}
	if (w.last_word && !w.lost)
		put_last_beat(k, &last, w.beat);
	mf_buf_fini(&last.view);
	return NULL;
}
