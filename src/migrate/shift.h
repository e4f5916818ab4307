/*
 * The shift of traffic: ticks of an engine (engine.h), written down and carried out, until the
 * run has ended. The loop alone: all that it touches is behind ports, so that a test can kill it
 * at any moment.
 *
 * Write order, for every act:
 *
 *	intend    the act is durable in the journal, before it is done
 *	perform   it is done, and read back where it can be
 *	done      its answer is written down
 *	settle    after the last act of a tick: the new state is durable
 *
 * An act that raises the canary or ends the run is done only if intend could write it down; one
 * toward the primary is done in any case: no disk that is full may keep traffic on a bad canary.
 * Every act is idempotent. A run that was killed between two of these begins again with the state
 * of the last settle, observes anew, and does again what may have been done; only weights that
 * were written and not settled are known by their intent, which the engine is told of, lest they
 * be taken for a router that somebody changed.
 */
#ifndef MF_MIGRATE_SHIFT_H
#define MF_MIGRATE_SHIFT_H

#include <stdbool.h>
#include <stdint.h>

#include "src/base/error.h"
#include "src/migrate/engine.h"

struct mf_shift_moment {
	uint64_t tick; /* from 1, over all processes of the run */
	unsigned nth;  /* act of the tick, from 0 */
};

enum mf_shift_wake {
	MF_SHIFT_DUE,    /* the time is up */
	MF_SHIFT_URGENT, /* something looks bad, or somebody asks for something */
	MF_SHIFT_LEAVE,  /* the run was told to end */
	MF_SHIFT_LOST,   /* somebody else holds the lease: act no more */
};

struct mf_shift_ports {
	/* What there is at the start of a tick; fills everything but `urgent`. */
	void (*observe)(void *arg, struct mf_canary_tick *out);
	/* forward: it raises the canary, or ends the run: durable before 0. -1: not written,
	 * MF_ETRANSFER where it is the repository that does not have it. */
	int (*intend)(void *arg, const struct mf_shift_moment *at, const struct mf_act *act,
	    bool forward, struct mf_error *e);
	void (*perform)(void *arg, const struct mf_act *act, struct mf_answer *out);
	/* After an act; -1 is logged by who implements it and changes nothing. */
	void (*done)(void *arg, const struct mf_shift_moment *at, const struct mf_act *act,
	    const struct mf_answer *answer);
	/* The engine's state after the tick. -1: it could not be written: no raise is done before
	 * one was.
	 */
	int (*settle)(
	    void *arg, uint64_t tick, const struct mf_canary_tick *seen, struct mf_error *e);
	/* Wait for the next tick, at most until until_us by the clock of observe. */
	enum mf_shift_wake (*wait)(void *arg, uint64_t until_us);
	void *arg;
};

struct mf_shift {
	struct mf_engine *engine; /* borrowed; started, or read back */
	const struct mf_shift_ports *ports;
	uint64_t tick;         /* the last one that was settled */
	uint64_t next_us;      /* when the next one is due, by the clock of observe */
	bool hold_on_leave;    /* told to end: leave the weights, do not roll back */
	bool look_first;       /* after a long absence: one full look before any step */
	bool unsettled;        /* the last state could not be written */
	enum mf_steer control; /* for the next tick */
};

/* Before mf_shift_run, where a process died: the last route that it wrote down after the state,
 * answered or not, and what the router shows (mf_canary_tick: canary_weight, canary_spread). */
void mf_shift_resume(
    struct mf_shift *s, const struct mf_act *open, unsigned canary_weight, unsigned spread);

/* 0: the run has ended, see s->engine. 1: told to end, resumable; weights as they are. 2: the lease
 * is lost, nothing more was done. -1: MF_ENOMEM, nothing was done. */
int mf_shift_run(struct mf_shift *s, struct mf_error *e);

/* Does the act send more traffic to the canary than `canary`, or bind the run's outcome? */
bool mf_shift_is_forward(const struct mf_act *act, unsigned canary);

#endif
