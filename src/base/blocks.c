#include "config.h"

#include "src/base/blocks.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

#include "src/base/large.h"

#define IDLE_BLOCKS_MAX 32
#define IDLE_MIN_BYTES ((size_t)1 << 20) /* smaller ones are well kept by the heap */

/* A sanitizer of addresses sees the end of a block, and its use after it was given back, only where
 * each is the heap's. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define IDLE_NONE 1
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define IDLE_NONE 1
#endif
#ifndef IDLE_NONE
#define IDLE_NONE 0
#endif

struct mf_blocks {
	struct mf_memory_budget *budget;
	pthread_mutex_t lock; /* guards all below */
	size_t idle_bytes;
	unsigned n_idle;
	struct mf_block idle[IDLE_BLOCKS_MAX]; /* the one given back last at the end */
};

struct mf_blocks *
mf_blocks_new(struct mf_memory_budget *budget, struct mf_error *e)
{
	struct mf_blocks *b = calloc(1, sizeof(*b));

	if (b == NULL) {
		mf_error_nomem(e, "buffers");
		return NULL;
	}
	b->budget = budget;
	pthread_mutex_init(&b->lock, NULL);
	return b;
}

void
mf_blocks_free(struct mf_blocks *b)
{
	if (b == NULL)
		return;
	while (b->n_idle > 0)
		free(b->idle[--b->n_idle].at);
	pthread_mutex_destroy(&b->lock);
	free(b);
}

static struct mf_block
remove_idle(struct mf_blocks *b, unsigned i)
{
	const struct mf_block block = b->idle[i];

	b->idle_bytes -= block.bytes;
	b->n_idle--;
	for (; i < b->n_idle; i++)
		b->idle[i] = b->idle[i + 1];
	return block;
}

/* The smallest that will do, of those the one that is warm still, into *out. */
static bool
find_idle(struct mf_blocks *b, size_t n, struct mf_block *out)
{
	unsigned i, best = IDLE_BLOCKS_MAX;

	for (i = 0; i < b->n_idle; i++)
		if (b->idle[i].bytes >= n && b->idle[i].bytes - n <= n / 2 &&
		    (best == IDLE_BLOCKS_MAX || b->idle[i].bytes <= b->idle[best].bytes))
			best = i;
	if (best == IDLE_BLOCKS_MAX)
		return false;
	*out = remove_idle(b, best);
	return true;
}

/* Those to be freed so that what is idle, and `more`, is within the budget. The oldest go first:
 * what nobody asked for so long is of a size that is not in demand. */
static unsigned
remove_excess(struct mf_blocks *b, size_t more, struct mf_block gone[IDLE_BLOCKS_MAX])
{
	const size_t left = mf_memory_budget_left(b->budget);
	unsigned n = 0;

	while (b->n_idle > 0 && b->idle_bytes + more > left)
		gone[n++] = remove_idle(b, 0);
	return n;
}

static void
free_all(struct mf_block *blocks, unsigned n)
{
	while (n > 0)
		free(blocks[--n].at);
}

int
mf_blocks_take(struct mf_blocks *b, size_t n, struct mf_block *out, struct mf_error *e)
{
	struct mf_block gone[IDLE_BLOCKS_MAX];
	unsigned n_gone;
	bool found;

	pthread_mutex_lock(&b->lock);
	found = find_idle(b, n, out);
	n_gone = remove_excess(b, 0, gone);
	pthread_mutex_unlock(&b->lock);
	free_all(gone, n_gone);
	if (found)
		return 0;
	out->bytes = 0;
	if ((out->at = mf_large_malloc(n)) == NULL)
		return mf_error_nomem(e, "a buffer");
	out->bytes = n;
	return 0;
}

void
mf_blocks_give(struct mf_blocks *b, struct mf_block *block)
{
	struct mf_block gone[IDLE_BLOCKS_MAX];
	unsigned n_gone = 0;

	if (block->at == NULL)
		return;
	if (IDLE_NONE || block->bytes < IDLE_MIN_BYTES) {
		free(block->at);
		*block = (struct mf_block){0};
		return;
	}
	pthread_mutex_lock(&b->lock);
	if (block->bytes > mf_memory_budget_left(b->budget)) {
		gone[n_gone++] = *block;
	} else {
		n_gone = remove_excess(b, block->bytes, gone);
		if (b->n_idle == IDLE_BLOCKS_MAX)
			gone[n_gone++] = remove_idle(b, 0);
		b->idle[b->n_idle++] = *block;
		b->idle_bytes += block->bytes;
	}
	pthread_mutex_unlock(&b->lock);
	free_all(gone, n_gone);
	*block = (struct mf_block){0};
}
