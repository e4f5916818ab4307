#include "src/migrate/keeper.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "src/base/log.h"
#include "src/base/thread.h"

#define LOOK_US UINT64_C(1000000)    /* between two rounds without a request */
#define CONTROL_US UINT64_C(4000000) /* between two looks for controls: below the 5 s promised */
#define RENEW_PART 3u                /* of the time that a lease has left */
#define CONTROLS_MAX 16u             /* that wait to be taken; more are read later */
#define BEAT_US UINT64_C(30000000)   /* without news the last heartbeat is put again */
/* Once we were told to end nothing waits for bandwidth, and what has to is refused: the last things
 * are tried so often. */
#define LAST_TRIES 6u
#define LAST_PAUSE_NS 500000000L

struct mf_keeper {
	struct mf_keeper_params p;
	struct mf_run_writer *writer; /* the thread's */
	pthread_t thread;

	pthread_mutex_t lock; /* of all below; token and answered are written by the thread alone */
	pthread_cond_t wanted, happened;
	bool ending, lost;
	bool last_word; /* ending, and the repository answers: the last heartbeat is put */
	uint64_t token;
	uint64_t deadline_us;
	uint64_t renew_wanted, renew_done; /* counts of requests, and of those answered */
	uint64_t mirror_wanted, mirror_done, mirror_good;
	bool has_beat;
	struct mf_run_beat beat; /* its view lies in: */
	struct mf_buf view;
	struct mf_control controls[CONTROLS_MAX];
	size_t n_controls;
	uint64_t answered;
};

static uint64_t
now_us(const struct mf_keeper *k)
{
	return (uint64_t)k->p.boot_us();
}

/* ---- the thread ---- */

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
	last->put_us = now_us(k);
}

static void
put_last_beat(struct mf_keeper *k, struct last_beat *last, bool is_new)
{
	unsigned tries;

	for (tries = 0; (is_new || last->owed) && tries < LAST_TRIES; tries++) {
		if (tries > 0)
			(void)nanosleep(&(struct timespec){.tv_nsec = LAST_PAUSE_NS}, NULL);
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
	full = k->n_controls == CONTROLS_MAX;
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
		return !k->ending && last->any && now_us(k) >= last->put_us + BEAT_US;
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
	w->renew = !k->lost && (k->renew_wanted != k->renew_done || now_us(k) >= renew_at_us);
	w->mirror = k->mirror_wanted != k->mirror_done;
	w->mirror_request = k->mirror_wanted;
	w->beat = take_beat(k, last);
	(void)pthread_mutex_unlock(&k->lock);
}

static uint64_t
renew_at(struct mf_keeper *k)
{
	uint64_t now = now_us(k), deadline;

	(void)pthread_mutex_lock(&k->lock);
	deadline = k->deadline_us;
	(void)pthread_mutex_unlock(&k->lock);
	return deadline > now ? now + (deadline - now) / RENEW_PART : now + LOOK_US;
}

static void *
keep(void *arg)
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
		if (now_us(k) >= look_at_us) {
			look_for_controls(k);
			look_at_us = now_us(k) + CONTROL_US;
		}
	}
	if (w.last_word && !w.lost)
		put_last_beat(k, &last, w.beat);
	mf_buf_fini(&last.view);
	return NULL;
}

int
mf_keeper_start(struct mf_keeper **out, const struct mf_keeper_params *params, struct mf_error *e)
{
	struct mf_keeper *k = calloc(1, sizeof *k);

	*out = NULL;
	if (k == NULL)
		return mf_error_nomem(e, "the run");
	k->p = *params;
	k->answered = params->answered;
	k->token = mf_lease_set_token(params->leases);
	k->deadline_us = mf_lease_set_deadline_us(params->leases);
	if (mf_thread_make_conditions(&k->lock, &k->wanted, &k->happened) != 0) {
		free(k);
		return mf_error_nomem(e, "the run");
	}
	if (mf_thread_start(&k->thread, keep, k, e) != 0) {
		(void)pthread_mutex_destroy(&k->lock);
		(void)pthread_cond_destroy(&k->wanted);
		(void)pthread_cond_destroy(&k->happened);
		free(k);
		return -1;
	}
	*out = k;
	return 0;
}

static bool
mirror_at_last(struct mf_keeper *k, uint64_t wait_us)
{
	unsigned tries;

	for (tries = 0; tries < LAST_TRIES && !mf_keeper_is_lost(k); tries++) {
		if (tries > 0)
			(void)nanosleep(&(struct timespec){.tv_nsec = LAST_PAUSE_NS}, NULL);
		if (mf_keeper_mirror(k, wait_us / LAST_TRIES))
			return true;
	}
	return false;
}

void
mf_keeper_stop(struct mf_keeper *k, uint64_t wait_us)
{
	bool answers;

	if (k == NULL)
		return;
	/* nobody waits for the last word to a bucket that is silent */
	answers = wait_us > 0 && mirror_at_last(k, wait_us);
	(void)pthread_mutex_lock(&k->lock);
	k->ending = true;
	k->last_word = answers;
	(void)pthread_cond_broadcast(&k->wanted);
	(void)pthread_mutex_unlock(&k->lock);
	(void)pthread_join(k->thread, NULL);
	mf_run_writer_free(k->writer);
	mf_buf_fini(&k->view);
	(void)pthread_mutex_destroy(&k->lock);
	(void)pthread_cond_destroy(&k->wanted);
	(void)pthread_cond_destroy(&k->happened);
	free(k);
}

uint64_t
mf_keeper_token(struct mf_keeper *k)
{
	uint64_t token;

	(void)pthread_mutex_lock(&k->lock);
	token = k->token;
	(void)pthread_mutex_unlock(&k->lock);
	return token;
}

/* Under the lock: ask for a renewal, and wait for what came of it. */
static void
ask_to_renew(struct mf_keeper *k, uint64_t wait_us)
{
	uint64_t mine = ++k->renew_wanted;
	struct timespec end;

	mf_thread_after(wait_us, &end);
	(void)pthread_cond_broadcast(&k->wanted);
	while (!k->lost && k->renew_done < mine)
		if (pthread_cond_timedwait(&k->happened, &k->lock, &end) == ETIMEDOUT)
			break;
}

static bool
has_time(const struct mf_keeper *k, uint64_t act_us)
{
	return !k->lost && mf_lease_may_act_at(k->deadline_us, now_us(k), act_us);
}

bool
mf_keeper_may_go_forward(struct mf_keeper *k, uint64_t act_us, uint64_t wait_us)
{
	bool may;

	(void)pthread_mutex_lock(&k->lock);
	if (!k->lost && !has_time(k, act_us))
		ask_to_renew(k, wait_us);
	may = has_time(k, act_us);
	(void)pthread_mutex_unlock(&k->lock);
	return may;
}

bool
mf_keeper_may_go_back(struct mf_keeper *k, uint64_t wait_us)
{
	bool lost;

	(void)pthread_mutex_lock(&k->lock);
	if (!has_time(k, 0))
		ask_to_renew(k, wait_us);
	lost = k->lost;
	(void)pthread_mutex_unlock(&k->lock);
	return !lost;
}

bool
mf_keeper_is_lost(struct mf_keeper *k)
{
	bool lost;

	(void)pthread_mutex_lock(&k->lock);
	lost = k->lost;
	(void)pthread_mutex_unlock(&k->lock);
	return lost;
}

bool
mf_keeper_mirror(struct mf_keeper *k, uint64_t wait_us)
{
	struct timespec end;
	uint64_t mine;
	bool good;

	mf_thread_after(wait_us, &end);
	(void)pthread_mutex_lock(&k->lock);
	mine = ++k->mirror_wanted;
	(void)pthread_cond_broadcast(&k->wanted);
	while (wait_us > 0 && !k->lost && k->mirror_done < mine)
		if (pthread_cond_timedwait(&k->happened, &k->lock, &end) == ETIMEDOUT)
			break;
	good = k->mirror_good >= mine;
	(void)pthread_mutex_unlock(&k->lock);
	return good;
}

void
mf_keeper_beat(struct mf_keeper *k, const struct mf_run_beat *beat)
{
	(void)pthread_mutex_lock(&k->lock);
	k->beat = *beat;
	mf_buf_clear(&k->view);
	mf_buf_put(&k->view, beat->view, beat->n_view);
	/* without memory for it a heartbeat has no view */
	k->beat.view = beat->view == NULL || k->view.failed ? NULL : k->view.data;
	k->has_beat = true;
	(void)pthread_cond_broadcast(&k->wanted);
	(void)pthread_mutex_unlock(&k->lock);
}

bool
mf_keeper_take_control(struct mf_keeper *k, struct mf_control *out)
{
	bool any;

	(void)pthread_mutex_lock(&k->lock);
	any = k->n_controls > 0;
	if (any) {
		*out = k->controls[0];
		k->n_controls--;
		memmove(k->controls, k->controls + 1, k->n_controls * sizeof k->controls[0]);
	}
	(void)pthread_mutex_unlock(&k->lock);
	return any;
}

bool
mf_keeper_hears(struct mf_keeper *k, enum mf_control_verb verb)
{
	bool any = false;
	size_t i;

	(void)pthread_mutex_lock(&k->lock);
	for (i = 0; i < k->n_controls; i++)
		any |= k->controls[i].verb == verb;
	(void)pthread_mutex_unlock(&k->lock);
	return any;
}
