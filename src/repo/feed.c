/*
 * Reading ahead. One cursor runs ahead over the slices and hands out tickets, one a chunk that
 * is not in memory; each slice that it passes holds its chunk's ticket once. The caller's
 * cursor follows and lets go. So what is in memory is what lies between the two.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "src/base/crew.h"
#include "src/base/large.h"
#include "src/repo/chunk_read_int.h"
#include "src/repo/feed_int.h"

struct ticket {
	const struct mf_chunk_ref *ref;
	uint8_t *plain;
	size_t uses; /* slices between the cursors; the caller's thread only */
	bool done;   /* under the lock */
};

struct mf_feed {
	struct mf_feed_params p;
	struct mf_crew *crew;
	struct mf_queue *queue; /* of tickets; they belong to live */
	struct ticket **live;	/* by distinct number */
	size_t ahead, used_bytes;
	pthread_mutex_t lock;
	pthread_cond_t done;
};

static int
work(void *arg, struct mf_error *e)
{
	struct mf_feed *f = arg;
	struct mf_chunk_reader *reader = mf_chunk_reader_new(f->p.repo, MF_CHUNK_BOTH, e);
	struct ticket *t;
	uint64_t fetched;
	int rc = reader != NULL ? 0 : -1;

	while (rc == 0 && (t = mf_queue_pop(f->queue)) != NULL) {
		fetched = 0;
		rc = mf_chunk_reader_read(reader, t->ref, t->plain, &fetched, e);
		MF_PROGRESS_ADD(f->p.progress, bytes_fetched, fetched);
		pthread_mutex_lock(&f->lock);
		t->done = rc == 0;
		pthread_cond_signal(&f->done);
		pthread_mutex_unlock(&f->lock);
	}
	mf_chunk_reader_free(reader);
	return rc;
}

int
mf_feed_start(const struct mf_feed_params *p, struct mf_feed **out, struct mf_error *e)
{
	struct mf_feed *f = calloc(1, sizeof(*f));
	unsigned i;

	*out = NULL;
	if (f == NULL)
		return mf_error_nomem(e, "the readers");
	f->p = *p;
	pthread_mutex_init(&f->lock, NULL);
	pthread_cond_init(&f->done, NULL);
	f->crew = mf_crew_new(e);
	f->queue = f->crew != NULL ? mf_queue_new(256, e) : NULL;
	if (f->queue == NULL || mf_crew_watch(f->crew, f->queue, e) != 0)
		goto fail;
	if ((f->live = calloc((size_t)p->n_distinct + 1, sizeof(struct ticket *))) == NULL) {
		mf_error_nomem(e, "the readers");
		goto fail;
	}
	for (i = 0; i < p->threads; i++)
		if (mf_crew_start(f->crew, "mf-feed", work, f, e) != 0)
			goto fail;
	*out = f;
	return 0;
fail:
	mf_feed_finish(f, true, NULL);
	return -1;
}

static uint32_t
distinct_of(const struct mf_feed *f, size_t slice)
{
	return f->p.distinct[f->p.listing->slices[slice].chunk];
}

/* A ticket for the chunk of this slice, which is not in memory. */
static int
issue(struct mf_feed *f, size_t slice, struct mf_error *e)
{
	const struct mf_chunk_ref *ref = &f->p.listing->chunks[f->p.listing->slices[slice].chunk];
	struct ticket *t = calloc(1, sizeof(*t));

	if (t == NULL || (t->plain = mf_large_malloc(ref->plain_len ? ref->plain_len : 1)) == NULL) {
		free(t);
		return mf_error_nomem(e, "a chunk");
	}
	t->ref = ref;
	t->uses = 1;
	f->live[distinct_of(f, slice)] = t;
	f->used_bytes += ref->plain_len;
	if (mf_queue_push(f->queue, t) == 0)
		return 0;
	return mf_error_set(e, MF_EINTERRUPTED, "stopped"); /* finish has the reason */
}

static int
run_ahead(struct mf_feed *f, struct mf_error *e)
{
	const struct mf_listing *l = f->p.listing;
	struct ticket *t;
	uint32_t len;

	for (; f->ahead < l->n_slices; f->ahead++) {
		if ((t = f->live[distinct_of(f, f->ahead)]) != NULL) {
			t->uses++;
			continue;
		}
		len = l->chunks[l->slices[f->ahead].chunk].plain_len;
		if (f->used_bytes > 0 && f->used_bytes + len > f->p.memory_bytes)
			break;
		if (issue(f, f->ahead, e) != 0)
			return -1;
	}
	return 0;
}

/* Looks up every 200 ms: a reader that failed takes its colleagues' tickets with it. */
static int
wait_for(struct mf_feed *f, const struct ticket *t, struct mf_error *e)
{
	struct timespec until;
	int rc = 0;

	pthread_mutex_lock(&f->lock);
	while (rc == 0 && !t->done) {
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_nsec += 200000000;
		until.tv_sec += until.tv_nsec / 1000000000;
		until.tv_nsec %= 1000000000;
		pthread_cond_timedwait(&f->done, &f->lock, &until);
		if (!t->done && mf_crew_cancelled(f->crew))
			rc = mf_error_set(e, MF_EINTERRUPTED, "stopped");
	}
	pthread_mutex_unlock(&f->lock);
	return rc;
}

int
mf_feed_get(struct mf_feed *f, size_t i, const uint8_t **plain, struct mf_error *e)
{
	struct ticket *t;

	if (run_ahead(f, e) != 0)
		return -1;
	t = f->live[distinct_of(f, i)];
	if (wait_for(f, t, e) != 0)
		return -1;
	*plain = t->plain;
	return 0;
}

void
mf_feed_give_back(struct mf_feed *f, size_t i)
{
	struct ticket **t = &f->live[distinct_of(f, i)];

	if (--(*t)->uses > 0)
		return;
	f->used_bytes -= (*t)->ref->plain_len;
	free((*t)->plain);
	free(*t);
	*t = NULL;
}

void
mf_feed_finish(struct mf_feed *f, bool failed, struct mf_error *e)
{
	struct mf_error own;
	uint32_t i;

	if (f == NULL)
		return;
	mf_error_clear(&own);
	if (f->queue != NULL)
		mf_queue_close(f->queue);
	if (f->crew != NULL) {
		if (failed)
			mf_crew_cancel(f->crew, NULL);
		if (mf_crew_join(f->crew, &own) != 0 && e != NULL && e->code == MF_EINTERRUPTED &&
		    own.code != MF_EINTERRUPTED)
			*e = own;
		mf_crew_free(f->crew);
	}
	mf_queue_free(f->queue, NULL);
	for (i = 0; f->live != NULL && i < f->p.n_distinct; i++) {
		if (f->live[i] != NULL)
			free(f->live[i]->plain);
		free(f->live[i]);
	}
	free(f->live);
	pthread_mutex_destroy(&f->lock);
	pthread_cond_destroy(&f->done);
	free(f);
}
