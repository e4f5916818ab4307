#include "src/base/queue.h"

#include <pthread.h>
#include <stdlib.h>

#include "src/base/size.h"

/* Who waits for room is woken when this part of a queue is free, not for each item: of a copy of
 * many small files that was two of seven calls of futex(2) a file. It loses nothing by it, since
 * there is something to pop until then. */
#define ROOM_PART 4

struct mf_queue {
	pthread_mutex_t lock; /* guards all below */
	pthread_cond_t not_empty;
	pthread_cond_t not_full;
	size_t capacity;
	size_t first; /* index of the oldest item */
	size_t length;
	bool closed;
	bool aborted;
	void *items[];
};

struct mf_queue *
mf_queue_new(size_t capacity, struct mf_error *e)
{
	struct mf_queue *q;
	size_t n;

	if (capacity == 0)
		capacity = 1;
	if (!mf_size_mul(capacity, sizeof q->items[0], &n) || !mf_size_add(n, sizeof *q, &n) ||
	    (q = calloc(1, n)) == NULL) {
		mf_error_nomem(e, "a queue");
		return NULL;
	}
	q->capacity = capacity;
	/* With default attributes none of these can fail on Linux. */
	(void)pthread_mutex_init(&q->lock, NULL);
	(void)pthread_cond_init(&q->not_empty, NULL);
	(void)pthread_cond_init(&q->not_full, NULL);
	return q;
}

/* The oldest item; the queue is not empty. */
static void *
take_first(struct mf_queue *q)
{
	void *item = q->items[q->first];

	q->first = (q->first + 1) % q->capacity;
	q->length--;
	return item;
}

void
mf_queue_free(struct mf_queue *q, void (*drop)(void *item))
{
	void *item;

	if (q == NULL)
		return;
	while (q->length > 0) {
		item = take_first(q);
		if (drop != NULL)
			drop(item);
	}
	pthread_cond_destroy(&q->not_full);
	pthread_cond_destroy(&q->not_empty);
	pthread_mutex_destroy(&q->lock);
	free(q);
}

int
mf_queue_push(struct mf_queue *q, void *item)
{
	int status = -1;

	pthread_mutex_lock(&q->lock);
	while (q->length == q->capacity && !q->closed && !q->aborted)
		pthread_cond_wait(&q->not_full, &q->lock);
	if (!q->closed && !q->aborted) {
		q->items[(q->first + q->length) % q->capacity] = item;
		q->length++;
		pthread_cond_signal(&q->not_empty);
		status = 0;
	}
	pthread_mutex_unlock(&q->lock);
	return status;
}

void *
mf_queue_pop(struct mf_queue *q)
{
	void *item = NULL;

	pthread_mutex_lock(&q->lock);
	while (q->length == 0 && !q->closed && !q->aborted)
		pthread_cond_wait(&q->not_empty, &q->lock);
	if (q->length > 0 && !q->aborted) {
		item = take_first(q);
		if (q->capacity - q->length >= q->capacity / ROOM_PART)
			pthread_cond_signal(&q->not_full);
	}
	pthread_mutex_unlock(&q->lock);
	return item;
}

static void
stop(struct mf_queue *q, bool *flag)
{
	pthread_mutex_lock(&q->lock);
	*flag = true;
	pthread_cond_broadcast(&q->not_empty);
	pthread_cond_broadcast(&q->not_full);
	pthread_mutex_unlock(&q->lock);
}

void
mf_queue_close(struct mf_queue *q)
{
	stop(q, &q->closed);
}

void
mf_queue_abort(struct mf_queue *q)
{
	stop(q, &q->aborted);
}

size_t
mf_queue_length(struct mf_queue *q)
{
	size_t n;

	pthread_mutex_lock(&q->lock);
	n = q->length;
	pthread_mutex_unlock(&q->lock);
	return n;
}
