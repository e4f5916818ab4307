/*
 * The pipeline of push. Why workers put by themselves on a local store: a put is where they would
 * wait for a slow stage anyway, and one buffer of sealed bytes a worker is what memory costs then.
 * To a network, where a put mostly waits, they hand what they sealed to senders (ingest_send.c).
 *
 * Memory is one budget. A chunk holds what its plaintext takes, and once that is sealed for a
 * sender what the sealed bytes take. A worker claims what it needs to encode, to check and to seal
 * the chunk at hand, before any more plaintext is read; that a worker can go on, and so some chunk,
 * whatever waits for workers or the line, is what the claim's spare bytes are for
 * (memory_budget.h).
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <xxhash.h>

#include "crypto/seal.h"
#include "src/base/large.h"
#include "src/base/log.h"
#include "src/codec/codec.h"
#include "src/repo/checksum_int.h"
#include "src/repo/ingest_work_int.h"

#define BASE_BYTES ((size_t)24 << 20)
#define CODEC_BYTES ((size_t)8 << 20)       /* an encoder and a decoder */
#define BUDGET_MIN_BYTES ((size_t)64 << 20) /* more than a reader ever holds of chunks it began */
#define CHUNK_BYTES ((size_t)8 << 20)       /* what most chunks of a model have */

struct worker {
	struct mf_ingest *in;
	struct mf_encoder *enc;
	struct mf_decoder *dec;
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
	mf_memory_budget_release(in->budget, job->capacity);
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
	while (!mf_memory_budget_reserve(in->budget, bytes, 200))
		if (stopped(in, e) != 0)
			return -1;
	return 0;
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
		mf_memory_budget_release(in->budget, capacity);
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

/* It holds what it has in memory, which are whole pages. */
static void
hold(struct mf_ingest *in, struct mf_ingest_job *job, const struct mf_block *block, size_t used)
{
	const size_t kept = mf_large_trim(block->at, block->bytes, used);

	mf_memory_budget_resize(in->budget, job->capacity, kept);
	job->capacity = (uint32_t)kept;
}

void
mf_ingest_job_settle(struct mf_ingest *in, struct mf_ingest_job *job)
{
	hold(in, job, &job->block, job->len);
}

int
mf_ingest_submit(struct mf_ingest *in, struct mf_ingest_job *job, struct mf_error *e)
{
	if (mf_queue_push(in->queue, job) == 0)
		return 0;
	mf_ingest_job_drop(in, job);
	return mf_error_set(e, MF_EINTERRUPTED, "stopped");
}

/* Room for a sealed chunk: its padding is below an eighth of it. */
static size_t
sealed_room(const struct mf_ingest *in, size_t len)
{
	const size_t bound = mf_encode_bound(len);

	if (mf_keyring_padding(in->p.repo->keyring) == MF_PADDING_NONE)
		return MF_SEAL_OVERHEAD + bound;
	return MF_SEAL_OVERHEAD + bound + bound / 8 + 64;
}

/* What a worker needs for a chunk beside its plaintext. */
static size_t
claim_bytes(const struct mf_ingest *in, size_t len)
{
	return sealed_room(in, len) + (in->p.no_check ? 0 : len);
}

/* Does it decode to the same bytes? */
static int
check_encoded(struct worker *w, const struct mf_ingest_job *job, const struct mf_encoded *x,
    const struct mf_chunk_ref *ref, struct mf_error *e)
{
	uint8_t again[MF_CHECKSUM_BYTES];
	struct mf_block plain;
	int rc = 0;

	if (w->in->p.no_check || x->codec == MF_CODEC_STORED)
		return 0;
	if (mf_blocks_take(w->in->blocks, job->len, &plain, e) != 0)
		return -1;
	MF_INGEST_TIMED(w->in, ns_check,
			rc = mf_decode(w->dec, x->codec, x->body, x->len, plain.at, job->len, e);
			mf_checksum(w->in->p.repo, plain.at, job->len, again));
	mf_blocks_give(w->in->blocks, &plain);
	if (rc != 0 || memcmp(again, ref->checksum, sizeof(again)) != 0)
		return mf_error_set(e, MF_EFAIL,
		    "a chunk did not decode to what was encoded: this machine's memory or "
		    "its libzstd is damaged; nothing was stored");
	return 0;
}

/* Encode, prove that it decodes to the same bytes, seal. p->sealed is the caller's, also on -1. */
static int
seal_chunk(struct worker *w, struct mf_parcel *p, struct mf_error *e)
{
	struct mf_ingest *in = w->in;
	const struct mf_ingest_job *job = p->job;
	struct mf_seal_input s = {.type = MF_OBJECT_CHUNK, .id = &p->ref.id, .plain_len = job->len};
	struct mf_encoded x;
	int rc = 0;

	if (mf_blocks_take(in->blocks, sealed_room(in, job->len), &p->sealed, e) != 0)
		return -1;
	MF_INGEST_TIMED(in, ns_codec,
	    rc = mf_encode(w->enc, job->element, job->data, job->len,
		(uint8_t *)p->sealed.at + MF_SEAL_HEADER_BYTES, mf_encode_bound(job->len), &x, e));
	if (rc != 0 || check_encoded(w, job, &x, &p->ref, e) != 0)
		return -1;
	s.body = x.body;
	s.body_len = x.len;
	s.codec = x.codec;
	MF_INGEST_TIMED(
	    in, ns_seal, rc = mf_seal(in->p.repo->keyring, &s, p->sealed.at, &p->sealed_len, e));
	return rc;
}

/* The sealed bytes take the place of the plaintext, which goes, and of the claim they came from.
 * The pages behind them, written for another chunk, go too. */
static void
shed_plaintext(struct mf_ingest *in, struct mf_parcel *p, struct mf_memory_claim *claim)
{
	hold(in, p->job, &p->sealed, p->sealed_len);
	p->job->data = NULL;
	mf_memory_budget_unclaim(in->budget, claim);
	mf_blocks_give(in->blocks, &p->job->block);
}

/* Put it from here, or let a sender do it: then the job is the sender's, and 1 is returned. */
static int
put_chunk(struct worker *w, struct mf_ingest_job *job, const struct mf_chunk_ref *ref,
    struct mf_error *e)
{
	struct mf_ingest *in = w->in;
	struct mf_parcel parcel = {.job = job, .ref = *ref};
	struct mf_memory_claim claim;
	int rc;

	mf_memory_budget_claim(in->budget, claim_bytes(in, job->len), &claim);
	rc = seal_chunk(w, &parcel, e);
	if (rc == 0 && in->parcels != NULL) {
		shed_plaintext(in, &parcel, &claim);
		return mf_ingest_hand_over(in, &parcel, e) == 0 ? 1 : -1;
	}
	if (rc == 0)
		rc = mf_ingest_deliver(in, &parcel, e);
	mf_memory_budget_unclaim(in->budget, &claim);
	mf_blocks_give(in->blocks, &parcel.sealed);
	return rc;
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
	if (atomic_fetch_sub(&w.in->n_workers, 1) == 1 && w.in->parcels != NULL)
		mf_queue_close(w.in->parcels); /* no more will come */
	return rc < 0 ? -1 : 0;
}

/*
 * How many workers the memory allows, and what is left for the budget. One of them has the spare
 * bytes, enough for the longest chunk; the others share in the budget, of which the reader needs
 * two chunks and each worker one, and one that it claims.
 */
static unsigned
workers_for(const struct mf_ingest *in, unsigned senders, size_t *budget_bytes)
{
	const struct mf_ingest_params *p = &in->p;
	const size_t fixed = BASE_BYTES + claim_bytes(in, MF_CODEC_PLAIN_MAX_BYTES);
	const size_t claim = claim_bytes(in, CHUNK_BYTES);
	const size_t first = CODEC_BYTES + 3 * CHUNK_BYTES,
		     more = CODEC_BYTES + CHUNK_BYTES + claim;
	size_t most = 1, useful;

	if (p->memory_bytes > fixed + first)
		most += (p->memory_bytes - fixed - first) / more;
	if (most > p->threads)
		most = p->threads;
	*budget_bytes = BUDGET_MIN_BYTES;
	if (p->memory_bytes > fixed + most * CODEC_BYTES + BUDGET_MIN_BYTES)
		*budget_bytes = p->memory_bytes - fixed - most * CODEC_BYTES;
	/* more than this in flight gains nothing, and first touches of memory are slow */
	useful = BUDGET_MIN_BYTES + most * (2 * CHUNK_BYTES + claim) + senders * CHUNK_BYTES;
	if (*budget_bytes > useful)
		*budget_bytes = useful;
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
	unsigned senders = senders_for(p), workers;
	size_t budget_bytes;

	*out = NULL;
	if (in == NULL)
		return mf_error_nomem(e, "the pipeline");
	in->p = *p;
	pthread_mutex_init(&in->lock, NULL);
	workers = workers_for(in, senders, &budget_bytes);
	if ((in->budget = mf_memory_budget_new(budget_bytes, e)) == NULL ||
	    (in->blocks = mf_blocks_new(in->budget, e)) == NULL ||
	    start_threads(in, workers, senders, e) != 0) {
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
	mf_memory_budget_free(in->budget);
	/* the caller's own failure may only be the echo of a worker's */
	if (rc != 0 && e != NULL && (!failed || (e->code == MF_EINTERRUPTED &&
				   own.code != MF_EINTERRUPTED)))
		*e = own;
	if (totals != NULL)
		*totals = in->totals;
	mf_idmap_fini(&in->fresh);
	pthread_mutex_destroy(&in->lock);
	free(in);
	return rc;
}
