/* What the files of ingest share: the pipeline's state, and chunks on their way to a sender. */
#ifndef MF_REPO_INGEST_WORK_INT_H
#define MF_REPO_INGEST_WORK_INT_H

#include <pthread.h>
#include <stdatomic.h>

#include "src/base/crew.h"
#include "src/base/memory_budget.h"
#include "src/repo/ingest_int.h"
#include "src/repo/timed_int.h"

#define MF_SENDERS_MAX 64u

struct mf_ingest {
	struct mf_ingest_params p;
	struct mf_crew *crew;
	struct mf_memory_budget *budget; /* plaintext, sealed bytes, what a worker works with */
	struct mf_blocks *blocks;
	struct mf_queue *queue;	  /* of jobs, for workers */
	struct mf_queue *parcels; /* for senders; NULL: workers put by themselves */
	atomic_uint n_workers;	  /* that still work; the last one closes parcels */
	pthread_mutex_t lock;	  /* listing's chunk table, fresh, totals */
	struct mf_idmap fresh; /* ids this run has put or is putting -> generation */
	struct mf_ingest_totals totals;
};

/* A sealed chunk. On its way its job has reserved as much memory as the sealed bytes take: the
 * plaintext is gone. */
struct mf_parcel {
	struct mf_ingest_job *job;
	struct mf_chunk_ref ref;
	struct mf_block sealed;
	size_t sealed_len;
};

#define MF_INGEST_TIMED(in, counter, work) MF_TIMED((in)->p.progress, counter, work)

/* The chunk of this job is stored as ref says. */
void mf_ingest_note(
    struct mf_ingest *in, const struct mf_ingest_job *job, const struct mf_chunk_ref *ref);

/* ingest_send.c */
/* Put it and note where it is. The parcel stays the caller's, its ref gets the generation. */
int mf_ingest_deliver(struct mf_ingest *in, struct mf_parcel *parcel, struct mf_error *e);
/* Let a sender deliver it. Job and sealed bytes are the sender's on 0; on -1 the sealed bytes
 * have been given back and the job is the caller's still. Blocks while all senders are busy. */
int mf_ingest_hand_over(struct mf_ingest *in, struct mf_parcel *parcel, struct mf_error *e);
/* A sender's thread; arg is the struct mf_ingest. */
int mf_ingest_send(void *arg, struct mf_error *e);
/* Frees a parcel that nobody took, and its job. */
void mf_parcel_drop(void *parcel);

#endif
