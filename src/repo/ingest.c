/*
 * The pipeline of push. Why workers put by themselves on a local store: a put is where they would
 * wait for a slow stage anyway, and one buffer of sealed bytes a worker is what memory costs then.
 * To a network, where a put mostly waits, they hand what they sealed to senders (ingest_send.c).
 *
 * Memory: each worker has a buffer for sealed bytes and one for the check by decoding, about
 * 51 MiB with the codec's own; the rest of the budget holds plaintext, and sealed bytes on their
 * way in its place. So the budget, not --threads, has the last word on how many workers there are.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <xxhash.h>

#include "crypto/seal.h"
#include "src/base/log.h"
#include "src/codec/codec.h"
#include "src/repo/checksum_int.h"
#include "src/repo/ingest_work_int.h"

#define WORKER_BYTES ((size_t)51 << 20)
#define BASE_BYTES ((size_t)24 << 20)
#define PLAIN_MIN_BYTES ((size_t)64 << 20)
#define CHUNK_BYTES ((size_t)8 << 20) /* what most chunks of a model have */
#define IDLE_BYTES ((size_t)24 << 20)  /* kept of blocks that nobody needs at present */

struct worker {
	struct mf_ingest *in;
	struct mf_encoder *enc;
	struct mf_decoder *dec;
	struct mf_block sealed, check;
	struct mf_buf again; /* a stored chunk that is read back before it is trusted */
};

uint64_t
mf_cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

void
mf_ingest_job_drop(struct mf_ingest *in, struct mf_ingest_job *job)
{
	if (job == NULL)
		return;
	pthread_mutex_lock(&in->lock);
	in->used_bytes -= job->capacity;
	pthread_cond_signal(&in->freed);
	pthread_mutex_unlock(&in->lock);
	mf_blocks_give(in->blocks, &job->block);
	free(job);
}

static int
stopped(struct mf_ingest *in, struct mf_error *e)
{
	if (in->p.interrupted != NULL && in->p.interrupted())
		return mf_error_set(e, MF_EINTERRUPTED, "interrupted");
	if (in->p.deadline_us != 0 && in->p.monotonic_us() > in->p.deadline_us) {
		mf_error_set(e, MF_EINTERRUPTED, "stopped by --max-duration");
		return mf_error_hint(e, "run it again: what is stored already is not sent again");
	}
	if (mf_crew_cancelled(in->crew))
		return mf_error_set(e, MF_EINTERRUPTED, "stopped"); /* finish has the reason */
	return 0;
}

/* Wait until `bytes` fit into the budget; looks up every 200 ms. */
static int
reserve(struct mf_ingest *in, size_t bytes, struct mf_error *e)
{
	struct timespec until;
	int rc = 0;

	pthread_mutex_lock(&in->lock);
	while (rc == 0 && in->used_bytes > 0 && in->used_bytes + bytes > in->budget_bytes) {
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_nsec += 200000000;
		until.tv_sec += until.tv_nsec / 1000000000;
		until.tv_nsec %= 1000000000;
		pthread_cond_timedwait(&in->freed, &in->lock, &until);
		pthread_mutex_unlock(&in->lock);
		rc = stopped(in, e);
		pthread_mutex_lock(&in->lock);
	}
	if (rc == 0)
		in->used_bytes += bytes;
	pthread_mutex_unlock(&in->lock);
	return rc;
}

int
mf_ingest_known(struct mf_ingest *in, const struct mf_chunk_ref *chunk, uint32_t *index,
    struct mf_error *e)
{
	int rc;

	pthread_mutex_lock(&in->lock);
	rc = mf_listing_add_chunk(in->p.listing, chunk, index, e);
	pthread_mutex_unlock(&in->lock);
	return rc;
}

int
mf_ingest_job_new(struct mf_ingest *in, uint32_t capacity, enum mf_element element,
    struct mf_ingest_job **out, struct mf_error *e)
{
	struct mf_ingest_job *job;
	struct mf_chunk_ref none = {0};

	*out = NULL;
	if (stopped(in, e) != 0 || reserve(in, capacity, e) != 0)
		return -1;
	job = calloc(1, sizeof(*job));
	if (job == NULL || mf_blocks_take(in->blocks, capacity ? capacity : 1, &job->block, e) != 0) {
		free(job);
		pthread_mutex_lock(&in->lock);
		in->used_bytes -= capacity;
		pthread_mutex_unlock(&in->lock);
		return mf_error_nomem(e, "a chunk");
	}
	job->data = job->block.at;
	job->capacity = capacity;
	job->element = element;
	if (mf_ingest_known(in, &none, &job->chunk, e) != 0) {
		mf_ingest_job_drop(in, job);
		return -1;
	}
	*out = job;
	return 0;
}

int
mf_ingest_submit(struct mf_ingest *in, struct mf_ingest_job *job, struct mf_error *e)
{
	if (mf_queue_push(in->queue, job) == 0)
		return 0;
	mf_ingest_job_drop(in, job);
	return mf_error_set(e, MF_EINTERRUPTED, "stopped");
}

static int
room(struct mf_ingest *in, struct mf_block *block, size_t want, struct mf_error *e)
{
	if (want <= block->bytes)
		return 0;
	mf_blocks_give(in->blocks, block);
	return mf_blocks_take(in->blocks, want, block, e);
}

/* Encode, prove that it decodes to the same bytes, seal. */
static int
seal_chunk(struct worker *w, const struct mf_ingest_job *job, const struct mf_chunk_ref *ref,
    size_t *sealed_len, struct mf_error *e)
{
	struct mf_seal_input s = {.type = MF_OBJECT_CHUNK, .id = &ref->id, .plain_len = job->len};
	size_t bound = mf_encode_bound(job->len);
	uint8_t again[MF_CHECKSUM_BYTES];
	struct mf_repo *repo = w->in->p.repo;
	uint8_t *sealed;
	int rc = 0;

	if (room(w->in, &w->sealed, MF_SEAL_OVERHEAD + bound + bound / 8 + 64, e) != 0)
		return -1;
	sealed = w->sealed.at;
	s.body = sealed + MF_SEAL_HEADER_BYTES;
	MF_INGEST_TIMED(w->in, ns_codec,
	    rc = mf_encode(w->enc, job->element, job->data, job->len,
		sealed + MF_SEAL_HEADER_BYTES, bound, &s.body_len, &s.codec, e));
	if (rc != 0)
		return -1;
	if (!w->in->p.no_check && s.codec != MF_CODEC_STORED) {
		if (room(w->in, &w->check, job->len, e) != 0)
			return -1;
		MF_INGEST_TIMED(w->in, ns_check,
		    rc = mf_decode(w->dec, s.codec, s.body, s.body_len, w->check.at, job->len, e);
		    mf_checksum(repo, w->check.at, job->len, again));
		if (rc != 0 || memcmp(again, ref->checksum, sizeof(again)) != 0)
			return mf_error_set(e, MF_EFAIL,
			    "a chunk did not decode to what was encoded: this machine's memory or "
			    "its libzstd is damaged; nothing was stored");
	}
	MF_INGEST_TIMED(w->in, ns_seal, rc = mf_seal(repo->keyring, &s, sealed, sealed_len, e));
	return rc;
}

/* Put it from here, or let a sender do it: then the job is the sender's, and 1 is returned. */
static int
put_chunk(struct worker *w, struct mf_ingest_job *job, const struct mf_chunk_ref *ref,
    struct mf_error *e)
{
	struct mf_ingest *in = w->in;
	struct mf_parcel parcel = {.job = job, .ref = *ref};
	int rc;

	if (seal_chunk(w, job, ref, &parcel.sealed_len, e) != 0)
		return -1;
	parcel.sealed = w->sealed;
	if (in->parcels == NULL)
		return mf_ingest_deliver(in, &parcel, e);
	w->sealed = (struct mf_block){0};
	rc = mf_ingest_hand_over(in, &parcel, e);
	return rc == 0 ? 1 : -1;
}

/*
 * A stored chunk that no manifest of this run vouches for: left by a push that was cut off.
 * On a directory it may be torn. It is read and opened before it is trusted, and made durable
 * with this run's own. 1: not usable.
 */
static int
adopt_chunk(struct worker *w, const struct mf_chunk_ref *ref, struct mf_error *e)
{
	struct mf_repo *repo = w->in->p.repo;
	char name[MF_OBJECT_NAME_BYTES];
	struct mf_opened o;

	if ((mf_store_capabilities(repo->store) & MF_STORE_LOCAL) == 0)
		return 0; /* a bucket's put is whole and durable */
	mf_buf_clear(&w->again);
	mf_name_chunk(name, &ref->id, ref->generation);
	if (mf_store_get(repo->store, name, 0, (size_t)MF_SEAL_MAX_PLAIN * 2, &w->again, e) != 0)
		return e->code == MF_ENOTFOUND ? 1 : -1;
	if (mf_open(repo->keyring, MF_OBJECT_CHUNK, &ref->id, w->again.data, w->again.len, &o, e) !=
	    0) {
		mf_log(MF_LOG_WARNING, "%s was left damaged by an earlier run; storing it anew", name);
		return 1;
	}
	return mf_store_adopt(repo->store, name, e);
}

/* Is the chunk stored, or being stored by this run? 1 yes (generation is set), 0 no. */
static int
is_known(struct worker *w, struct mf_chunk_ref *ref, struct mf_error *e)
{
	struct mf_ingest *in = w->in;
	uint64_t fresh = mf_generation_random(), stored;
	int rc;

	pthread_mutex_lock(&in->lock);
	rc = mf_idmap_add(&in->fresh, &ref->id, &fresh);
	pthread_mutex_unlock(&in->lock);
	ref->generation = fresh;
	if (rc != 0)
		return rc < 0 ? mf_error_nomem(e, "the chunk index") : 1;
	if (!mf_index_find(in->p.index, &ref->id, &stored))
		return 0;
	ref->generation = stored;
	if (in->p.trusted == NULL || mf_idmap_get(in->p.trusted, &ref->id) == NULL) {
		if ((rc = adopt_chunk(w, ref, e)) != 0) {
			ref->generation = fresh;
			return rc < 0 ? -1 : 0;
		}
	}
	pthread_mutex_lock(&in->lock);
	*mf_idmap_get(&in->fresh, &ref->id) = stored;
	pthread_mutex_unlock(&in->lock);
	return 1;
}

void
mf_ingest_note(struct mf_ingest *in, const struct mf_ingest_job *job, const struct mf_chunk_ref *ref)
{
	pthread_mutex_lock(&in->lock);
	in->p.listing->chunks[job->chunk] = *ref;
	pthread_mutex_unlock(&in->lock);
	MF_PROGRESS_ADD(in->p.progress, bytes_done, job->len);
}

/* 1: the job is a sender's now. */
static int
take_job(struct worker *w, struct mf_ingest_job *job, struct mf_error *e)
{
	struct mf_ingest *in = w->in;
	struct mf_chunk_ref ref = {.plain_len = job->len};
	int known = 0;

	MF_INGEST_TIMED(in, ns_hash, mf_checksum(in->p.repo, job->data, job->len, ref.checksum);
	    mf_keyring_content_id(in->p.repo->keyring, MF_OBJECT_CHUNK, job->data, job->len,
		&ref.id));
	if (!in->p.ids_only && (known = is_known(w, &ref, e)) < 0)
		return -1;
	if (!in->p.ids_only && !known)
		return put_chunk(w, job, &ref, e);
	if (known)
		MF_PROGRESS_ADD(in->p.progress, chunks_known, 1);
	mf_ingest_note(in, job, &ref);
	return 0;
}

static int
work(void *arg, struct mf_error *e)
{
	struct worker w = {.in = arg};
	struct mf_ingest_job *job;
	int rc = -1;

	w.enc = mf_encoder_new(NULL, e);
	w.dec = mf_decoder_new(e);
	if (w.enc != NULL && w.dec != NULL)
		rc = 0;
	while (rc >= 0 && (job = mf_queue_pop(w.in->queue)) != NULL) {
		rc = take_job(&w, job, e);
		if (rc != 1)
			mf_ingest_job_drop(w.in, job);
	}
	mf_encoder_free(w.enc);
	mf_decoder_free(w.dec);
	mf_buf_fini(&w.again);
	mf_blocks_give(w.in->blocks, &w.sealed);
	mf_blocks_give(w.in->blocks, &w.check);
	if (atomic_fetch_sub(&w.in->n_workers, 1) == 1 && w.in->parcels != NULL)
		mf_queue_close(w.in->parcels); /* no more will come */
	return rc < 0 ? -1 : 0;
}

/* How many workers the memory allows, and what is left for plaintext. */
static unsigned
workers_for(const struct mf_ingest_params *p, unsigned senders, size_t *plain_bytes)
{
	size_t most = 1, used, useful;

	if (p->memory_bytes > BASE_BYTES + PLAIN_MIN_BYTES + WORKER_BYTES)
		most = (p->memory_bytes - BASE_BYTES - PLAIN_MIN_BYTES) / WORKER_BYTES;
	if (most > p->threads)
		most = p->threads;
	*plain_bytes = PLAIN_MIN_BYTES;
	used = BASE_BYTES + most * WORKER_BYTES + IDLE_BYTES;
	if (p->memory_bytes > used + PLAIN_MIN_BYTES)
		*plain_bytes = p->memory_bytes - used;
	/* more than this in flight gains nothing, and first touches of memory are slow */
	useful = PLAIN_MIN_BYTES + most * 2 * CHUNK_BYTES + senders * CHUNK_BYTES;
	if (*plain_bytes > useful)
		*plain_bytes = useful;
	return (unsigned)most;
}

/* None on a store that does not keep anybody waiting. */
static unsigned
senders_for(const struct mf_ingest_params *p)
{
	if (p->dry_run || p->ids_only ||
	    (mf_store_capabilities(p->repo->store) & MF_STORE_LOCAL) != 0)
		return 0;
	return p->repo->transfers < MF_SENDERS_MAX ? p->repo->transfers : MF_SENDERS_MAX;
}

static int
start_threads(struct mf_ingest *in, unsigned workers, unsigned senders, struct mf_error *e)
{
	unsigned i;

	if ((in->crew = mf_crew_new(e)) == NULL ||
	    (in->queue = mf_queue_new(workers + 2, e)) == NULL ||
	    mf_crew_watch(in->crew, in->queue, e) != 0)
		return -1;
	/* as many as the budget holds: a worker never waits here while a sender has nothing to do */
	if (senders > 0 && ((in->parcels = mf_queue_new(senders, e)) == NULL ||
			       mf_crew_watch(in->crew, in->parcels, e) != 0))
		return -1;
	atomic_init(&in->n_workers, workers);
	for (i = 0; i < workers; i++)
		if (mf_crew_start(in->crew, "mf-ingest", work, in, e) != 0)
			return -1;
	for (i = 0; i < senders; i++)
		if (mf_crew_start(in->crew, "mf-send", mf_ingest_send, in, e) != 0)
			return -1;
	return 0;
}

int
mf_ingest_start(const struct mf_ingest_params *p, struct mf_ingest **out, struct mf_error *e)
{
	struct mf_ingest *in = calloc(1, sizeof(*in));
	unsigned senders = senders_for(p);

	*out = NULL;
	if (in == NULL)
		return mf_error_nomem(e, "the pipeline");
	in->p = *p;
	pthread_mutex_init(&in->lock, NULL);
	pthread_cond_init(&in->freed, NULL);
	in->blocks = mf_blocks_new(IDLE_BYTES, e);
	if (in->blocks == NULL || start_threads(in, workers_for(p, senders, &in->budget_bytes), senders, e) != 0) {
		mf_ingest_finish(in, true, NULL, NULL);
		return -1;
	}
	*out = in;
	return 0;
}

static void
drop_job(void *job)
{
	struct mf_ingest_job *j = job;

	free(j->block.at);
	free(j);
}

int
mf_ingest_finish(struct mf_ingest *in, bool failed, struct mf_ingest_totals *totals,
    struct mf_error *e)
{
	struct mf_error own;
	int rc = 0;

	mf_error_clear(&own);
	if (in->queue != NULL)
		mf_queue_close(in->queue);
	if (in->crew != NULL) {
		if (failed)
			mf_crew_cancel(in->crew, NULL);
		rc = mf_crew_join(in->crew, &own);
		mf_crew_free(in->crew);
	}
	mf_queue_free(in->queue, drop_job);
	mf_queue_free(in->parcels, mf_parcel_drop);
	mf_blocks_free(in->blocks);
	/* the caller's own failure may only be the echo of a worker's */
	if (rc != 0 && e != NULL && (!failed || (e->code == MF_EINTERRUPTED &&
				   own.code != MF_EINTERRUPTED)))
		*e = own;
	if (totals != NULL)
		*totals = in->totals;
	mf_idmap_fini(&in->fresh);
	pthread_mutex_destroy(&in->lock);
	pthread_cond_destroy(&in->freed);
	free(in);
	return rc;
}
