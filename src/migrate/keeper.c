#include "src/migrate/keeper_int.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "src/base/thread.h"

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
	k->traffic_token = mf_lease_set_traffic_token(params->leases);
	k->deadline_us = mf_lease_set_deadline_us(params->leases);
	if (mf_thread_make_conditions(&k->lock, &k->wanted, &k->happened) != 0) {
		free(k);
		return mf_error_nomem(e, "the run");
	}
	if (mf_thread_start(&k->thread, mf_keeper_keep, k, e) != 0) {
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

	for (tries = 0; tries < MF_KEEPER_LAST_TRIES && !mf_keeper_is_lost(k); tries++) {
		if (tries > 0)
			(void)nanosleep(
			    &(struct timespec){.tv_nsec = MF_KEEPER_LAST_PAUSE_NS}, NULL);
		if (mf_keeper_mirror(k, wait_us / MF_KEEPER_LAST_TRIES))
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

static uint64_t
read_token(struct mf_keeper *k, const uint64_t *which)
{
	uint64_t token;

	(void)pthread_mutex_lock(&k->lock);
	token = *which;
	(void)pthread_mutex_unlock(&k->lock);
	return token;
}

uint64_t
mf_keeper_token(struct mf_keeper *k)
{
	return read_token(k, &k->token);
}

uint64_t
mf_keeper_traffic_token(struct mf_keeper *k)
{
	return read_token(k, &k->traffic_token);
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
	return !k->lost && mf_lease_may_act_at(k->deadline_us, mf_keeper_now_us(k), act_us);
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
