/*
 * Ingest: chunks go in at one end as plaintext, and stand in the store at the other. The
 * caller's thread offers chunks; workers compute checksum and id, skip what is known, encode,
 * check by decoding, seal and put. Memory is a budget: mf_ingest_job_new blocks until the
 * plaintext fits. Used by push, replicate and repair.
 */
#ifndef MF_REPO_INGEST_INT_H
#define MF_REPO_INGEST_INT_H

#include "src/base/blocks.h"
#include "src/base/element.h"
#include "src/base/progress.h"
#include "src/repo/index_int.h"

struct mf_ingest;

struct mf_ingest_params {
	struct mf_repo *repo;
	const struct mf_index *index;	 /* stored, unburned ids; borrowed */
	const struct mf_idmap *trusted;	 /* ids that published manifests name; borrowed, may be NULL */
	struct mf_listing *listing;	 /* whose chunk table is filled */
	bool no_check, dry_run;
	bool ids_only; /* ids and checksums into the chunk table, and nothing else */
	unsigned threads;
	size_t memory_bytes;
	bool (*interrupted)(void);
	int64_t deadline_us;	       /* by monotonic_us; 0: none */
	int64_t (*monotonic_us)(void); /* may be NULL without a deadline */
	struct mf_progress *progress;
};

/* A chunk on its way. */
struct mf_ingest_job {
	struct mf_block block;
	uint8_t *data;	 /* the block's; room for capacity bytes */
	uint32_t len, capacity;
	enum mf_element element;
	uint32_t chunk; /* index in the listing's chunk table */
};

struct mf_ingest_totals {
	uint64_t new_chunks, new_bytes, stored_bytes;
};

int mf_ingest_start(const struct mf_ingest_params *p, struct mf_ingest **out, struct mf_error *e);
/* A job with an empty buffer and an entry in the chunk table. Blocks for memory. */
int mf_ingest_job_new(struct mf_ingest *in, uint32_t capacity, enum mf_element element,
    struct mf_ingest_job **out, struct mf_error *e);
/* No more than its len bytes are needed: what else was reserved is free for others. */
void mf_ingest_job_settle(struct mf_ingest *in, struct mf_ingest_job *job);
/* Hand it over; it is the workers' then, also on failure. */
int mf_ingest_submit(struct mf_ingest *in, struct mf_ingest_job *job, struct mf_error *e);
void mf_ingest_job_drop(struct mf_ingest *in, struct mf_ingest_job *job);
/* No more chunks: wait for the workers, free. totals may be NULL. failed: the caller failed
 * itself, stop at once. */
int mf_ingest_finish(struct mf_ingest *in, bool failed, struct mf_ingest_totals *totals,
    struct mf_error *e);
/* A chunk table entry for a known chunk (an unchanged file's). */
int mf_ingest_known(struct mf_ingest *in, const struct mf_chunk_ref *chunk, uint32_t *index,
    struct mf_error *e);

#endif
