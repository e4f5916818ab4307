/*
 * What to do next when a directory follows a ref: a pure function of what is known, what was just
 * seen, the time, and a random number.
 *
 * The rules. A look at the ref that finds nothing new is followed by the next one after about
 * interval, between 3/4 and 5/4 of it, so that many who began at once do not stay together. A
 * look that fails is repeated after a growing wait, MF_FOLLOW_BACKOFF_MAX_US at most (or interval
 * where that is longer); where the server answered, and the answer is that there is no such ref,
 * or one that is refused, after interval. A pull that fails is repeated the same way while the
 * ref stays; one whose cause will hardly pass (a version that does not verify) after
 * MF_FOLLOW_AGAIN_MAX_US at most. Looks go on meanwhile, and a ref that moves is pulled at once.
 *
 * A trouble is told when it begins, when it becomes another one, every MF_FOLLOW_REMIND_US, and
 * when it is over. What may come from keys that changed is not told before it was tried with the
 * repository opened anew.
 *
 * Once the directory was at the ref, no failure ends the following. Before that, those end it
 * that say that it cannot work: see ends() in follow_step.c.
 */
#ifndef MF_SYNC_FOLLOW_STEP_H
#define MF_SYNC_FOLLOW_STEP_H

#include <stdbool.h>
#include <stdint.h>

#include "src/base/error.h"

#define MF_FOLLOW_BACKOFF_MAX_US UINT64_C(300000000)
#define MF_FOLLOW_AGAIN_MAX_US UINT64_C(3600000000)
#define MF_FOLLOW_REMIND_US (6 * UINT64_C(3600000000))
/* While a trouble lasts the repository is opened anew this often. */
#define MF_FOLLOW_REOPEN_US UINT64_C(300000000)

struct mf_follow_rules {
	uint64_t interval_us;
	bool once;
	bool pull_first; /* a look alone cannot tell that the directory is right */
};

struct mf_follow_trouble {
	enum mf_code code; /* MF_OK: there is none */
	uint64_t sequence; /* of a pull: of the ref */
	unsigned n;        /* failures in a row */
	uint64_t since_us, told_us;
};

/* Zero at the start; mf_follow_decide keeps it. */
struct mf_follow_state {
	bool opened;     /* the repository was open once */
	bool shown;      /* the directory is at the ref, as the last look that went well saw it */
	bool ever_shown; /* it was, once */
	bool pulled;     /* a pull went well */
	struct mf_follow_trouble look, pull;
	uint64_t pull_at_us; /* not earlier, while the ref is at pull.sequence */
};

struct mf_follow_saw {
	bool of_pull;       /* the end of a pull; else of a look */
	bool opened;        /* false: the repository could not be opened */
	bool fresh;         /* it was opened for this */
	uint64_t opened_us; /* when */
	enum mf_code code;
	/* of the ref, where the look went well: */
	uint64_t sequence;
	bool shown;
};

enum mf_follow_act {
	MF_FOLLOW_ACT_WAIT,  /* wait_us, then look */
	MF_FOLLOW_ACT_AGAIN, /* look at once */
	MF_FOLLOW_ACT_PULL,
	MF_FOLLOW_ACT_END /* with what was seen */
};

#define MF_FOLLOW_TELL_TROUBLE 1u
#define MF_FOLLOW_TELL_REMINDER 2u
#define MF_FOLLOW_TELL_WELL 4u  /* a trouble is over */
#define MF_FOLLOW_TELL_SHOWN 8u /* the directory is at the ref, and was not before */

struct mf_follow_step {
	enum mf_follow_act act;
	uint64_t wait_us;
	bool reopen; /* close the repository; the next look opens it */
	unsigned tell;
	uint64_t lasted_us; /* of the trouble that is told */
};

/* now_us: of a clock that does not go back. random: any 64 bits. */
struct mf_follow_step mf_follow_decide(const struct mf_follow_rules *rules,
    struct mf_follow_state *st, const struct mf_follow_saw *saw, uint64_t now_us, uint64_t random);

#endif
