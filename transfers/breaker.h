/*
 * A circuit breaker, as a state machine: when requests to an endpoint fail one after the other,
 * they are held back, and one at a time tries whether it is there again (Nygard, "Release It!",
 * 2007).
 *
 *   closed     requests pass. MF_BREAKER_FAILURES failures in a row open it.
 *   open       none passes until next_us; then one does, as a trial: half open.
 *   half open  none passes while the trial is under way. Its failure opens it again, for twice
 *              as long as before, within the cap; given up by us, the next may try at once.
 * An answer closes it in any state, also one to a request that was sent before it opened.
 *
 * Pauses vary by half, so that many clients do not come back at once. Times are microseconds
 * of any one clock that does not go back. Pure; not thread safe.
 */
#ifndef MF_TRANSFERS_BREAKER_H
#define MF_TRANSFERS_BREAKER_H

#include <stdbool.h>
#include <stdint.h>

#define MF_BREAKER_FAILURES 5
#define MF_BREAKER_PAUSE_US 1000000u /* the first */
#define MF_BREAKER_PAUSE_CAP_US 30000000u

enum mf_breaker_state { MF_BREAKER_CLOSED, MF_BREAKER_OPEN, MF_BREAKER_HALF_OPEN };

enum mf_breaker_event {
	MF_BREAKER_ANSWERED,  /* the endpoint lives, whatever it said */
	MF_BREAKER_FAILED,    /* no answer, or one that the server itself is broken */
	MF_BREAKER_ABANDONED, /* by us: says nothing about the endpoint */
};

/* Zero it to begin: closed. */
struct mf_breaker {
	enum mf_breaker_state state;
	unsigned failures; /* in a row */
	unsigned trials;   /* of them, that failed */
	/* With failures: when the first of them came, or where that was a silence, when it began, but
	 * not before an answer to another request. */
	uint64_t since_us;
	uint64_t next_us;     /* while open */
	uint64_t answered_us; /* the last time that it was */
};

/* May a request be sent now? *trial: it is the one that tries, and its event must say so. */
bool mf_breaker_ask(struct mf_breaker *b, uint64_t now_us, bool *trial);
/* What became of a request. silent_us: of a failure, for how long nothing had come of it by then;
 * 0: it failed at once. random: any 64 bits. */
void mf_breaker_note(struct mf_breaker *b, enum mf_breaker_event event, bool trial,
    uint64_t silent_us, uint64_t now_us, uint64_t random);

#endif
