/* The inside of a teller: what its thread (teller_thread.c) and the run's (teller.c) share. */
#ifndef MF_MIGRATE_TELLER_INT_H
#define MF_MIGRATE_TELLER_INT_H

#include <pthread.h>

#include "src/migrate/teller.h"
#include "src/traffic/hooks.h"

#define MF_TELLER_RESULTS 64u

struct mf_teller_entry {
	enum mf_alert_severity severity;
	const char *phase;
	int64_t unix_us;
	char text[MF_TELLER_TEXT_BYTES], details[MF_TELLER_DETAILS_BYTES];
};

/* Of one hook that calls are owed to. */
struct mf_teller_owed {
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
	struct mf_teller_owed *owed; /* one a hook of the plan */
	struct mf_teller_entry events[MF_TELLER_EVENTS];
	size_t first, n_events; /* the ring; the first may be under way */
	unsigned long dropped;
	struct mf_teller_result results[MF_TELLER_RESULTS];
	size_t n_results;
};

static inline const struct mf_hook *
mf_teller_hook(const struct mf_teller *t, size_t i)
{
	return &t->p.plan->hooks[i];
}

/* Under the lock: the i-th of those that wait. */
static inline struct mf_teller_entry *
mf_teller_entry_at(struct mf_teller *t, size_t i)
{
	return &t->events[(t->first + i) % MF_TELLER_EVENTS];
}

/* The thread, until it is told to end. arg: the teller. */
void *mf_teller_tell(void *arg);
/* For its dialer: wait between two attempts, false: it ends; and does it? */
bool mf_teller_pause(void *arg, uint64_t us);
bool mf_teller_is_ending(void *arg);

#endif
