/*
 * Senders: threads that put sealed chunks to a store behind a network. A put waits there for a
 * round trip and for the line; a far bucket wants more of them under way than a machine has
 * processors, and none of that is work for a thread that hashes and compresses.
 *
 * What is on its way keeps its part of the budget, so that more senders take no more memory: where
 * the budget is small some of them have nothing to send.
 */
#include <stdlib.h>

#include "src/repo/ingest_work_int.h"

static void
count(struct mf_ingest *in, const struct mf_parcel *p)
{
	pthread_mutex_lock(&in->lock);
	*mf_idmap_get(&in->fresh, &p->ref.id) = p->ref.generation;
	in->totals.new_chunks++;
	in->totals.new_bytes += p->job->len;
	in->totals.stored_bytes += p->sealed_len;
	pthread_mutex_unlock(&in->lock);
	MF_PROGRESS_ADD(in->p.progress, chunks_new, 1);
	MF_PROGRESS_ADD(in->p.progress, bytes_stored, p->sealed_len);
	MF_PROGRESS_ADD(in->p.progress, bytes_encoded_in, p->job->len);
}

int
mf_ingest_deliver(struct mf_ingest *in, struct mf_parcel *p, struct mf_error *e)
{
	char name[MF_OBJECT_NAME_BYTES];
	int rc = 0;

	if (!in->p.dry_run)
		MF_INGEST_TIMED(in, ns_store,
		    rc = mf_chunk_put(in->p.repo, &p->ref.id, p->sealed.at, p->sealed_len,
			&p->ref.generation, e));
	if (rc != 0) {
		mf_name_chunk(name, &p->ref.id, p->ref.generation);
		return mf_error_while(e, "storing chunk %s", name);
	}
	count(in, p);
	mf_ingest_note(in, p->job, &p->ref);
	return 0;
}

int
mf_ingest_hand_over(struct mf_ingest *in, struct mf_parcel *parcel, struct mf_error *e)
{
	struct mf_parcel *p = malloc(sizeof(*p));

	if (p == NULL) {
		mf_blocks_give(in->blocks, &parcel->sealed);
		return mf_error_nomem(e, "a chunk");
	}
	*p = *parcel;
	if (mf_queue_push(in->parcels, p) == 0)
		return 0;
	mf_blocks_give(in->blocks, &p->sealed);
	free(p);
	return mf_error_set(e, MF_EINTERRUPTED, "stopped"); /* the crew has the reason */
}

void
mf_parcel_drop(void *parcel)
{
	struct mf_parcel *p = parcel;

	free(p->job->block.at);
	free(p->job);
	free(p->sealed.at);
	free(p);
}

int
mf_ingest_send(void *arg, struct mf_error *e)
{
	struct mf_ingest *in = arg;
	struct mf_parcel *p;
	int rc = 0;

	while (rc == 0 && (p = mf_queue_pop(in->parcels)) != NULL) {
		rc = mf_ingest_deliver(in, p, e);
		mf_ingest_job_drop(in, p->job);
		mf_blocks_give(in->blocks, &p->sealed);
		free(p);
	}
	return rc;
}
