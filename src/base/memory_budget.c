#include "src/base/memory_budget.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

struct mf_memory_budget {
	pthread_mutex_t lock; /* guards all below */
	pthread_cond_t changed;
	size_t bytes, held_bytes;
	unsigned n_claiming; /* threads that wait for a claim */
	bool spare_taken;
};

struct mf_memory_budget *
mf_memory_budget_new(size_t bytes, struct mf_error *e)
{
	struct mf_memory_budget *b = calloc(1, sizeof(*b));
	pthread_condattr_t attr;

	if (b == NULL) {
		mf_error_nomem(e, "a memory budget");
		return NULL;
	}
	b->bytes = bytes;
	/* none of these can fail on Linux */
	(void)pthread_mutex_init(&b->lock, NULL);
	(void)pthread_condattr_init(&attr);
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&b->changed, &attr);
	(void)pthread_condattr_destroy(&attr);
	return b;
}

void
mf_memory_budget_free(struct mf_memory_budget *b)
{
	if (b == NULL)
		return;
	pthread_cond_destroy(&b->changed);
	pthread_mutex_destroy(&b->lock);
	free(b);
}

static bool
fits(const struct mf_memory_budget *b, size_t bytes)
{
	return b->held_bytes <= b->bytes && bytes <= b->bytes - b->held_bytes;
}

bool
mf_memory_budget_reserve(struct mf_memory_budget *b, size_t bytes, unsigned timeout_ms)
{
	struct timespec until;
	bool may;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += timeout_ms / 1000;
	until.tv_nsec += (long)(timeout_ms % 1000) * 1000000;
	until.tv_sec += until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	pthread_mutex_lock(&b->lock);
	while (!(may = b->held_bytes == 0 || (b->n_claiming == 0 && fits(b, bytes))))
		if (pthread_cond_timedwait(&b->changed, &b->lock, &until) != 0)
			break;
	if (may)
		b->held_bytes += bytes;
	pthread_mutex_unlock(&b->lock);
	return may;
}

void
mf_memory_budget_resize(struct mf_memory_budget *b, size_t from, size_t to)
{
	pthread_mutex_lock(&b->lock);
	b->held_bytes = b->held_bytes - from + to;
	if (to < from)
		pthread_cond_broadcast(&b->changed);
	pthread_mutex_unlock(&b->lock);
}

void
mf_memory_budget_release(struct mf_memory_budget *b, size_t bytes)
{
	mf_memory_budget_resize(b, bytes, 0);
}

void
mf_memory_budget_claim(struct mf_memory_budget *b, size_t bytes, struct mf_memory_claim *out)
{
	pthread_mutex_lock(&b->lock);
	b->n_claiming++;
	while (!fits(b, bytes) && b->spare_taken)
		pthread_cond_wait(&b->changed, &b->lock);
	b->n_claiming--;
	*out = (struct mf_memory_claim){bytes, !fits(b, bytes)};
	if (out->spare)
		b->spare_taken = true;
	else
		b->held_bytes += bytes;
	/* who wants to reserve waited for this one, too */
	if (b->n_claiming == 0)
		pthread_cond_broadcast(&b->changed);
	pthread_mutex_unlock(&b->lock);
}

void
mf_memory_budget_unclaim(struct mf_memory_budget *b, struct mf_memory_claim *claim)
{
	pthread_mutex_lock(&b->lock);
	if (claim->spare)
		b->spare_taken = false;
	else
		b->held_bytes -= claim->bytes;
	pthread_cond_broadcast(&b->changed);
	pthread_mutex_unlock(&b->lock);
	*claim = (struct mf_memory_claim){0};
}

size_t
mf_memory_budget_left(struct mf_memory_budget *b)
{
	size_t left;

	pthread_mutex_lock(&b->lock);
	left = fits(b, 0) ? b->bytes - b->held_bytes : 0;
	pthread_mutex_unlock(&b->lock);
	return left;
}
