/*
 * Verify --read-data: threads that fetch, open, decode and recompute the ids of chunks.
 * What a thread holds is a sealed chunk, its plaintext and a decoder, so the memory budget,
 * not --threads, has the last word on how many there are.
 */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/crew.h"
#include "src/base/large.h"
#include "src/repo/chunk_read_int.h"
#include "src/repo/verify_int.h"

#define WORKER_BYTES (MF_CHUNK_READER_BYTES + ((size_t)20 << 20))
#define BASE_BYTES ((size_t)24 << 20)
#define QUEUE_ITEMS 256

struct verify_data {
	struct verify *s;
	struct mf_crew *crew;
	struct mf_queue *queue; /* of struct mf_chunk_ref, from malloc */
	atomic_uint_fast64_t bytes_read;
};

struct worker {
	struct verify_data *d;
	struct mf_chunk_reader *reader;
	uint8_t *plain;
	size_t capacity;
};

static int
read_one(struct worker *w, const struct mf_chunk_ref *ref, struct mf_error *e)
{
	struct verify *s = w->d->s;
	uint64_t fetched = 0;
	int rc;

	if (ref->plain_len > w->capacity) {
		free(w->plain);
		w->capacity = 0;
		if ((w->plain = mf_large_malloc(ref->plain_len)) == NULL)
			return mf_error_nomem(e, "a chunk");
		w->capacity = ref->plain_len;
	}
	rc = mf_chunk_reader_read(w->reader, ref, w->plain, &fetched, e);
	atomic_fetch_add(&w->d->bytes_read, fetched);
	MF_PROGRESS_ADD(s->p->progress, bytes_fetched, fetched);
	MF_PROGRESS_ADD(s->p->progress, bytes_done, ref->plain_len);
	if (rc == 0)
		return 0;
	return mf_error_is_damage(e) ? verify_note_chunk(s, ref, e->message, false, e) : -1;
}

static int
work(void *arg, struct mf_error *e)
{
	struct worker w = {.d = arg};
	struct mf_chunk_ref *ref;
	int rc = -1;

	if ((w.reader = mf_chunk_reader_new(w.d->s->repo, MF_CHUNK_BOTH, e)) != NULL)
		rc = 0;
	while (rc == 0 && (ref = mf_queue_pop(w.d->queue)) != NULL) {
		rc = verify_interrupted(w.d->s, e) ? -1 : read_one(&w, ref, e);
		free(ref);
	}
	mf_chunk_reader_free(w.reader);
	free(w.plain);
	return rc;
}

/* The tables of verify come out of the same budget. */
static unsigned
workers_for(const struct verify *s)
{
	size_t budget = s->p->memory_bytes ? s->p->memory_bytes : s->repo->memory_bytes;
	size_t used = BASE_BYTES + s->chunks.capacity * sizeof(*s->chunks.slots), most = 1;
	unsigned threads = mf_repo_readers(s->repo, s->p->threads);

	if (budget > used + WORKER_BYTES)
		most = (budget - used) / WORKER_BYTES;
	return most < threads ? (unsigned)most : threads;
}

int
verify_data_start(struct verify *s, struct verify_data **out, struct mf_error *e)
{
	struct verify_data *d = calloc(1, sizeof(*d));
	unsigned n = workers_for(s), i;

	*out = NULL;
	if (d == NULL)
		return mf_error_nomem(e, "the readers");
	d->s = s;
	d->crew = mf_crew_new(e);
	d->queue = d->crew != NULL ? mf_queue_new(QUEUE_ITEMS, e) : NULL;
	if (d->queue == NULL || mf_crew_watch(d->crew, d->queue, e) != 0) {
		verify_data_finish(d, true, NULL);
		return -1;
	}
	for (i = 0; i < n; i++) {
		if (mf_crew_start(d->crew, "mf-verify", work, d, e) != 0) {
			verify_data_finish(d, true, NULL);
			return -1;
		}
	}
	*out = d;
	return 0;
}

static bool
is_in_sample(const struct verify *s, const struct mf_id *id)
{
	unsigned n = s->p->sample_n;

	return n == 0 || mf_get_u64(id->bytes) % n == s->p->sample_i % n;
}

int
verify_data_add(struct verify_data *d, const struct mf_chunk_ref *ref, struct mf_error *e)
{
	struct mf_chunk_ref *copy;

	if (!is_in_sample(d->s, &ref->id))
		return 0;
	if ((copy = malloc(sizeof(*copy))) == NULL)
		return mf_error_nomem(e, "a chunk");
	*copy = *ref;
	MF_PROGRESS_ADD(d->s->p->progress, bytes_total, ref->plain_len);
	if (mf_queue_push(d->queue, copy) == 0)
		return 0;
	free(copy);
	return mf_error_set(e, MF_EINTERRUPTED, "stopped"); /* finish has the reason */
}

int
verify_data_finish(struct verify_data *d, bool failed, struct mf_error *e)
{
	struct mf_error own;
	int rc = 0;

	if (d == NULL)
		return 0;
	mf_error_clear(&own);
	if (d->queue != NULL)
		mf_queue_close(d->queue);
	if (d->crew != NULL) {
		if (failed)
			mf_crew_cancel(d->crew, NULL);
		rc = mf_crew_join(d->crew, &own);
		mf_crew_free(d->crew);
	}
	mf_queue_free(d->queue, free);
	/* the caller's own failure may only be the echo of a reader's */
	if (rc != 0 && e != NULL &&
	    (!failed || (e->code == MF_EINTERRUPTED && own.code != MF_EINTERRUPTED)))
		*e = own;
	d->s->out->bytes_read += atomic_load(&d->bytes_read);
	free(d);
	return rc;
}
