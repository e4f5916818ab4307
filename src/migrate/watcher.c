#include "src/migrate/watcher.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "src/base/log.h"
#include "src/base/thread.h"

struct mf_watcher {
	struct mf_intact *data; /* the thread's */
	uint64_t every_us;
	pthread_t thread;

	pthread_mutex_t lock; /* of all below */
	pthread_cond_t wanted, happened;
	bool ending;
	enum mf_watcher_state state;
	char why[MF_ERROR_MESSAGE_BYTES];
	uint64_t asked, answered; /* looks, by the number of who asked last when they began */
};

static bool
is_ending(void *arg)
{
	struct mf_watcher *w = arg;
	bool ending;

	(void)pthread_mutex_lock(&w->lock);
	ending = w->ending;
	(void)pthread_mutex_unlock(&w->lock);
	return ending;
}

/* false: it is over. */
static bool
wait_for_turn(struct mf_watcher *w, uint64_t *turn)
{
	struct timespec end;
	bool go_on;

	mf_thread_after(w->every_us, &end);
	(void)pthread_mutex_lock(&w->lock);
	while (!w->ending && w->asked == w->answered)
		if (pthread_cond_timedwait(&w->wanted, &w->lock, &end) == ETIMEDOUT)
			break;
	*turn = w->asked;
	go_on = !w->ending;
	(void)pthread_mutex_unlock(&w->lock);
	return go_on;
}

static void
set_state(struct mf_watcher *w, enum mf_watcher_state state, const struct mf_error *why)
{
	(void)pthread_mutex_lock(&w->lock);
	w->state = state;
	if (why != NULL)
		(void)snprintf(w->why, sizeof w->why, "%s", why->message);
	(void)pthread_mutex_unlock(&w->lock);
}

static void
look(struct mf_watcher *w, uint64_t turn)
{
	struct mf_error e = {0};

	if (mf_intact_is_touched(w->data))
		set_state(w, MF_WATCHER_LOOKING, NULL);
	if (mf_intact_look(w->data, is_ending, w, &e) == 0)
		set_state(w, MF_WATCHER_WELL, NULL);
	else if (e.code == MF_EDAMAGED)
		set_state(w, MF_WATCHER_DAMAGED, &e);
	(void)pthread_mutex_lock(&w->lock);
	w->answered = turn;
	(void)pthread_cond_broadcast(&w->happened);
	(void)pthread_mutex_unlock(&w->lock);
}

static void *
watch(void *arg)
{
	struct mf_watcher *w = arg;
	uint64_t turn;

	while (wait_for_turn(w, &turn)) {
		look(w, turn);
		if (mf_watcher_state(w, NULL) == MF_WATCHER_DAMAGED)
			break;
	}
	return NULL;
}

static void
free_watcher(struct mf_watcher *w)
{
	(void)pthread_mutex_destroy(&w->lock);
	(void)pthread_cond_destroy(&w->wanted);
	(void)pthread_cond_destroy(&w->happened);
	mf_intact_close(w->data);
	free(w);
}

int
mf_watcher_start_take(struct mf_watcher **out, struct mf_intact *data, uint64_t every_us,
    bool looked, struct mf_error *e)
{
	struct mf_watcher *w = calloc(1, sizeof *w);

	*out = NULL;
	if (w == NULL || mf_thread_make_conditions(&w->lock, &w->wanted, &w->happened) != 0) {
		mf_intact_close(data);
		free(w);
		return mf_error_nomem(e, "the run");
	}
	w->data = data;
	w->every_us = every_us;
	w->state = looked ? MF_WATCHER_WELL : MF_WATCHER_LOOKING;
	w->asked = looked ? 0 : 1; /* at once */
	if (mf_thread_start(&w->thread, watch, w, e) != 0) {
		free_watcher(w);
		return -1;
	}
	*out = w;
	return 0;
}

void
mf_watcher_stop(struct mf_watcher *w)
{
	if (w == NULL)
		return;
	(void)pthread_mutex_lock(&w->lock);
	w->ending = true;
	(void)pthread_cond_broadcast(&w->wanted);
	(void)pthread_mutex_unlock(&w->lock);
	(void)pthread_join(w->thread, NULL);
	free_watcher(w);
}

enum mf_watcher_state
mf_watcher_state(struct mf_watcher *w, char *why)
{
	enum mf_watcher_state state;

	(void)pthread_mutex_lock(&w->lock);
	state = w->state;
	if (why != NULL)
		(void)snprintf(why, MF_ERROR_MESSAGE_BYTES, "%s", w->why);
	(void)pthread_mutex_unlock(&w->lock);
	return state;
}

bool
mf_watcher_look_now(struct mf_watcher *w, uint64_t wait_us)
{
	struct timespec end;
	uint64_t mine;
	bool well;

	mf_thread_after(wait_us, &end);
	(void)pthread_mutex_lock(&w->lock);
	mine = ++w->asked;
	(void)pthread_cond_broadcast(&w->wanted);
	while (w->state != MF_WATCHER_DAMAGED && w->answered < mine)
		if (pthread_cond_timedwait(&w->happened, &w->lock, &end) == ETIMEDOUT)
			break;
	well = w->answered >= mine && w->state == MF_WATCHER_WELL;
	(void)pthread_mutex_unlock(&w->lock);
	return well;
}
