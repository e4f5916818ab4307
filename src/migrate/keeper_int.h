/* The inside of the keeper: what its thread (keeper_thread.c) and the run's (keeper.c) share. */
#ifndef MF_MIGRATE_KEEPER_INT_H
#define MF_MIGRATE_KEEPER_INT_H

#include <pthread.h>

#include "src/migrate/keeper.h"

#define MF_KEEPER_CONTROLS_MAX 16u /* that wait to be taken; more are read later */
/* Once we were told to end nothing waits for bandwidth, and what has to is refused: the last things
 * are tried so often. */
#define MF_KEEPER_LAST_TRIES 6u
#define MF_KEEPER_LAST_PAUSE_NS 500000000L

struct mf_keeper {
	struct mf_keeper_params p;
	struct mf_run_writer *writer; /* the thread's */
	pthread_t thread;

	pthread_mutex_t lock; /* of all below; token and answered are written by the thread alone */
	pthread_cond_t wanted, happened;
	bool ending, lost;
	bool last_word; /* ending, and the repository answers: the last heartbeat is put */
	uint64_t token, traffic_token;
	uint64_t deadline_us;
	uint64_t renew_wanted, renew_done; /* counts of requests, and of those answered */
	uint64_t mirror_wanted, mirror_done, mirror_good;
	bool has_beat;
	struct mf_run_beat beat; /* its view lies in: */
	struct mf_buf view;
	struct mf_control controls[MF_KEEPER_CONTROLS_MAX];
	size_t n_controls;
	uint64_t answered;
};

static inline uint64_t
mf_keeper_now_us(const struct mf_keeper *k)
{
	return (uint64_t)k->p.boot_us();
}

/* The thread: until it is told to end, or a lease is lost. arg: the keeper. */
void *mf_keeper_keep(void *arg);

#endif
