/*
 * Blocks of megabytes that one thread fills and another gives back, used again before the kernel
 * is asked for more. From the heap such blocks are new pages each time, which the kernel clears
 * (a twelfth of a push's processor time), and what one thread makes and another frees scatters;
 * here no more lies idle than a budget has left, and the rest goes back at once.
 *
 * Any thread, several at once.
 */
#ifndef MF_BASE_BLOCKS_H
#define MF_BASE_BLOCKS_H

#include <stddef.h>

#include "src/base/error.h"
#include "src/base/memory_budget.h"

struct mf_blocks;

/* What is taken is the taker's: to be given back, or freed (free(3) of at) at the very end. */
struct mf_block {
	void *at;     /* on a large page's boundary where it has as much as one; NULL: none */
	size_t bytes; /* its size: what was asked for, or more */
};

/* Of what is given back as much is kept for the next who asks as the budget has left: reserve
 * before you take, and release before you give. The budget is borrowed. NULL with MF_ENOMEM. */
struct mf_blocks *mf_blocks_new(struct mf_memory_budget *budget, struct mf_error *e);
/* All blocks have been given back, or are never touched again. NULL is allowed. */
void mf_blocks_free(struct mf_blocks *b);
/* At least n bytes, n > 0, of unknown content. 0, or -1 with MF_ENOMEM, *out then being none. */
int mf_blocks_take(struct mf_blocks *b, size_t n, struct mf_block *out, struct mf_error *e);
/* Give one back: *block is none after. One that is none already is allowed. */
void mf_blocks_give(struct mf_blocks *b, struct mf_block *block);

#endif
