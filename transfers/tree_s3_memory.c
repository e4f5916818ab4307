/*
 * The memory of puts. What comes back is kept for the next of the same size, which parts are: fresh
 * pages cost a quarter of an upload's CPU time, because the kernel clears them first.
 */
#include "config.h"

#include <stdlib.h>

#include "src/base/large.h"
#include "transfers/tree_s3_int.h"

#define SPARE_MIN_BYTES ((size_t)1 << 20) /* less is not worth a place */

/* What n bytes count for: one who asks for more than there is waits for all of it. */
static uint64_t
share(const struct s3_tree *t, size_t n)
{
	return n < t->p.memory_bytes ? n : t->p.memory_bytes;
}

static void
drop_spare(struct s3_tree *t, unsigned i)
{
	free(t->spares[i].bytes);
	t->spare_bytes -= t->spares[i].n;
	t->spares[i] = t->spares[--t->n_spares];
}

/* Whoever has some sends it and gives it back without asking for more, so the wait ends. */
void *
s3_tree_take_memory(struct s3_tree *t, size_t n, struct mf_error *e)
{
	void *bytes = NULL;
	unsigned i;

	pthread_mutex_lock(&t->lock);
	while (t->used_bytes + share(t, n) > t->p.memory_bytes)
		pthread_cond_wait(&t->freed, &t->lock);
	t->used_bytes += share(t, n);
	for (i = 0; bytes == NULL && i < t->n_spares; i++)
		if (t->spares[i].n == n) {
			bytes = t->spares[i].bytes;
			t->spares[i].bytes = NULL;
			drop_spare(t, i);
		}
	while (t->n_spares > 0 && t->used_bytes + t->spare_bytes > t->p.memory_bytes)
		drop_spare(t, t->n_spares - 1);
	pthread_mutex_unlock(&t->lock);
	if (bytes == NULL && (bytes = mf_large_malloc(n > 0 ? n : 1)) == NULL) {
		s3_tree_give_memory(t, NULL, n);
		mf_error_nomem(e, "a file");
	}
	return bytes;
}

void
s3_tree_give_memory(struct s3_tree *t, void *bytes, size_t n)
{
	pthread_mutex_lock(&t->lock);
	t->used_bytes -= share(t, n);
	if (bytes != NULL && n >= SPARE_MIN_BYTES && t->n_spares < S3_TREE_SPARES &&
	    t->used_bytes + t->spare_bytes + n <= t->p.memory_bytes) {
		t->spares[t->n_spares++] = (struct s3_tree_spare){bytes, n};
		t->spare_bytes += n;
		bytes = NULL;
	}
	pthread_cond_broadcast(&t->freed);
	pthread_mutex_unlock(&t->lock);
	free(bytes);
}

void
s3_tree_drop_memory(struct s3_tree *t)
{
	while (t->n_spares > 0)
		drop_spare(t, t->n_spares - 1);
}
