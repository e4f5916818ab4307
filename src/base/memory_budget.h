/*
 * A budget of bytes that two kinds of threads draw on: some bring work in, and others finish it.
 * What waits to be finished is held, too, so that all of the budget could come to wait for those
 * who finish, who could have nothing to work with. So these claim: a claim comes before any
 * reservation, and one at a time may be met from spare bytes beside the budget. As long as whoever
 * holds a claim goes on to release it, everybody has a turn.
 *
 * Counts only; the memory is the caller's, who keeps as much as the largest claim aside for the
 * spare bytes. Any thread, several at once.
 */
#ifndef MF_BASE_MEMORY_BUDGET_H
#define MF_BASE_MEMORY_BUDGET_H

#include <stdbool.h>
#include <stddef.h>

#include "src/base/error.h"

struct mf_memory_budget;

struct mf_memory_claim {
	size_t bytes;
	bool spare; /* met from the spare bytes: not counted in the budget */
};

/* NULL with MF_ENOMEM. */
struct mf_memory_budget *mf_memory_budget_new(size_t bytes, struct mf_error *e);
void mf_memory_budget_free(struct mf_memory_budget *b); /* NULL is allowed */

/* Wait until so many bytes fit, or nothing at all is held, and hold them: true. False after
 * timeout_ms. */
bool mf_memory_budget_reserve(struct mf_memory_budget *b, size_t bytes, unsigned timeout_ms);
/* Of what was reserved so many bytes are free again. */
void mf_memory_budget_release(struct mf_memory_budget *b, size_t bytes);
/* What was reserved as `from` bytes takes `to` now, whether they fit or not. */
void mf_memory_budget_resize(struct mf_memory_budget *b, size_t from, size_t to);

/* Wait until so many bytes fit, or the spare ones are free. */
void mf_memory_budget_claim(struct mf_memory_budget *b, size_t bytes, struct mf_memory_claim *out);
/* It is over; *claim is empty after. An empty one is allowed. */
void mf_memory_budget_unclaim(struct mf_memory_budget *b, struct mf_memory_claim *claim);

/* Bytes of the budget that nobody holds now. */
size_t mf_memory_budget_left(struct mf_memory_budget *b);

#endif
