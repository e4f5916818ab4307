/*
 * A thread that speaks with the repository for a run whose traffic is being moved, so that the run
 * itself never waits for a bucket: it renews the leases, mirrors the journal, puts heartbeats, and
 * reads what people want of the run. All that the run needs of it is a look at memory, or a wait
 * with an end.
 *
 * What may be done when:
 *	forward (raising the canary, moving a ref): while every lease's deadline lies ahead by more
 *	than the act can take, and its line is in the repository;
 *	back (toward the primary): always, but where the repository has said that somebody else
 *	holds a lease. A bucket that cannot be reached keeps no traffic on a bad canary. A process
 *	that stood still past its deadline asks first.
 * Leases that ran out and that nobody had since are taken anew.
 */
#ifndef MF_MIGRATE_KEEPER_H
#define MF_MIGRATE_KEEPER_H

#include <stdbool.h>
#include <stdint.h>

#include "src/base/error.h"
#include "src/repo/control.h"
#include "src/repo/lease.h"
#include "src/repo/run_record.h"

struct mf_keeper_params {
	struct mf_repo *repo; /* NULL: leases of a file alone; nothing is mirrored */
	const char *run;
	struct mf_lease_set *leases;  /* held; the thread's own from now on until mf_keeper_stop */
	struct mf_journal *journal;   /* a handle of its own, the thread's too */
	const struct mf_trust *trust; /* of those who may steer; NULL: anybody with the keys */
	uint64_t answered;            /* controls up to this number are answered */
	int64_t (*unix_us)(void);
	int64_t (*boot_us)(void);
	/* One waits to be taken; called by the thread. NULL: nobody wants to know at once. */
	void (*heard)(void *arg, enum mf_control_verb verb);
	void *arg;
};

struct mf_keeper;

/* Start it. Strings and pointers are borrowed until mf_keeper_stop. */
int mf_keeper_start(
    struct mf_keeper **out, const struct mf_keeper_params *params, struct mf_error *e);
/* Mirror what is left, for at most wait_us, put the last heartbeat where that was done, and end.
 * The leases are the caller's again. NULL is fine. */
void mf_keeper_stop(struct mf_keeper *k, uint64_t wait_us);

uint64_t mf_keeper_token(struct mf_keeper *k);         /* of the run's records */
uint64_t mf_keeper_traffic_token(struct mf_keeper *k); /* of what it moves */
/* May an act forward begin that ends within act_us? Where too little time is left this renews the
 * leases first, wait_us at most. */
bool mf_keeper_may_go_forward(struct mf_keeper *k, uint64_t act_us, uint64_t wait_us);
/* May one toward the primary begin? Past the deadline this asks the repository, wait_us at most. */
bool mf_keeper_may_go_back(struct mf_keeper *k, uint64_t wait_us);
/* Somebody else holds a lease of this run. */
bool mf_keeper_is_lost(struct mf_keeper *k);
/* Is everything in the repository that the journal holds now? Waits for it, wait_us at most. */
bool mf_keeper_mirror(struct mf_keeper *k, uint64_t wait_us);
/* The state of the run for those who watch, which is copied; put when the thread comes to it, and
 * again and again until there is a newer one. */
void mf_keeper_beat(struct mf_keeper *k, const struct mf_run_beat *beat);
/* The next thing that somebody wants; false: nothing. */
bool mf_keeper_take_control(struct mf_keeper *k, struct mf_control *out);
/* Does one with that verb wait to be taken? */
bool mf_keeper_hears(struct mf_keeper *k, enum mf_control_verb verb);

#endif
