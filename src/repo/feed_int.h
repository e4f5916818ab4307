/*
 * A feed of plaintext: the chunks of a listing in the order of its slices, read ahead by
 * threads within a memory budget. A chunk that several slices near to each other use is read
 * once; one that comes again much later is read again.
 */
#ifndef MF_REPO_FEED_INT_H
#define MF_REPO_FEED_INT_H

#include "src/base/progress.h"
#include "src/repo/repo_int.h"

struct mf_feed;

struct mf_feed_params {
	struct mf_repo *repo;
	const struct mf_listing *listing; /* borrowed */
	const uint32_t *distinct; /* by index of the chunk table: a number for each id; borrowed */
	uint32_t n_distinct;
	unsigned threads;
	size_t memory_bytes;	  /* of plaintext read ahead; at least one chunk's is used */
	struct mf_progress *progress;
};

int mf_feed_start(const struct mf_feed_params *p, struct mf_feed **out, struct mf_error *e);
/* The whole chunk of slice i (an index of listing->slices), decoded and checked. The caller
 * asks for slices in their order, each once, and gives each back before the next. View. */
int mf_feed_get(struct mf_feed *f, size_t i, const uint8_t **plain, struct mf_error *e);
void mf_feed_give_back(struct mf_feed *f, size_t i);
/* Stop the readers and free. failed: the caller failed, or was told a reader did: then *e
 * becomes the reader's reason where e is only its echo (MF_EINTERRUPTED). NULL is fine. */
void mf_feed_finish(struct mf_feed *f, bool failed, struct mf_error *e);

#endif
