/*
 * Bounded queue of pointers between threads; many producers, many consumers.
 *
 * close: no more pushes; consumers drain what is there, then get NULL.
 * abort: pushes fail and pops return NULL at once; what was queued stays for mf_queue_free's
 * drop callback. Both may be called more than once, from any thread.
 */
#ifndef MF_BASE_QUEUE_H
#define MF_BASE_QUEUE_H

#include <stdbool.h>
#include <stddef.h>

#include "src/base/error.h"

struct mf_queue;

/* For at most capacity items (0: one). The caller's, for mf_queue_free; NULL with MF_ENOMEM. */
struct mf_queue *mf_queue_new(size_t capacity, struct mf_error *e);
/* Free; each item still queued is handed to drop (may be NULL). No thread may be inside. */
void mf_queue_free(struct mf_queue *q, void (*drop)(void *item));
/* Blocks while full. 0, or -1 once closed or aborted (the item stays the caller's). */
int mf_queue_push(struct mf_queue *q, void *item);
/* Blocks while empty. The item, or NULL: closed and drained, or aborted. */
void *mf_queue_pop(struct mf_queue *q);
/* As above; neither blocks. */
void mf_queue_close(struct mf_queue *q);
void mf_queue_abort(struct mf_queue *q);
/* How many items are queued now; another thread may change that at once. */
size_t mf_queue_length(struct mf_queue *q);

#endif
