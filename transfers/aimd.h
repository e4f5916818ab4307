/*
 * How many requests may be under way at once, as arithmetic: additive increase, multiplicative
 * decrease (Chiu and Jain, "Analysis of the Increase and Decrease Algorithms for Congestion
 * Avoidance in Computer Networks", 1989). A server that asks for less halves what is under way,
 * once for all requests that were sent before it said so; as many good answers as may be under
 * way allow one more. What nobody uses does not grow.
 *
 * Times are microseconds of any one clock. Not thread safe.
 */
#ifndef MF_TRANSFERS_AIMD_H
#define MF_TRANSFERS_AIMD_H

#include <stdbool.h>
#include <stdint.h>

struct mf_aimd {
	unsigned max;      /* never more */
	uint64_t permille; /* of one request: what may be under way, at least 1000 */
	uint64_t cut_us;   /* the last decrease; 0: none yet */
};

/* max 0 counts as 1. */
void mf_aimd_init(struct mf_aimd *a, unsigned max);
/* At least 1, at most max. */
unsigned mf_aimd_limit(const struct mf_aimd *a);
/* A good answer, while so many were under way, its own request among them. */
void mf_aimd_good(struct mf_aimd *a, unsigned under_way);
/* The server asks for less, by its answer to what was sent at sent_us. true: it was a decrease. */
bool mf_aimd_busy(struct mf_aimd *a, unsigned under_way, uint64_t sent_us, uint64_t now_us);

#endif
