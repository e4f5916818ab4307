/*
 * A bucket's listing, read in several places at once where it is long, and shown in order.
 *
 * A listing is a chain: each page says where the next one begins, so that a hundred thousand
 * objects take a hundred round trips, one after the other. But it can begin behind any key. Once
 * two pages did not get out of one directory, that directory's children are asked for (one request
 * with a delimiter), and ranges of some pages each are cut between them, by how many of them the
 * last page held; each is read as a listing of its own, up to its end, by whichever thread is free,
 * the earliest first. So it costs a request for each cut, and at most one page a range that is read
 * beyond its end: whatever the tree is like, about as many requests as before. Where a directory
 * has no children (a hundred thousand files in one), nothing tells where to cut, and its pages are
 * read one after the other, with the next one on its way.
 *
 * Measured, 100,000 objects on tests/tools/s3-discard behind tests/tools/far-proxy (round trips of
 * 40 ms) on two busy cores, 8 at once: 50 directories of 40 of 50 files 6.8 s before and 2.7 to
 * 3.8 s now (100 and 128 requests), ten of 10,000 files 6.7 and 3.1 s (113 requests), a thousand
 * deep ones of 100 files 6.8 and 4.0 s (127), one of them all 6.8 s (100). The client's processor
 * time grows by a quarter, its memory by 6 MiB. Of a repository, whose chunks are in 256
 * directories, 100,000 chunks took verify 7.6 s before and 2.3 s now, and a push, which listed them
 * three times, 20.9 and 4.9 s.
 *
 * Pages that are not shown yet take memory_bytes at most, and one page more. A store that does not
 * know how to begin behind a key is noticed: what it lists anew is passed over, and no more cuts
 * are made. A failure is told when it is its turn, and what is before it is shown.
 *
 * One thread at a time calls these.
 */
#ifndef MF_TRANSFERS_S3_LIST_RANGES_H
#define MF_TRANSFERS_S3_LIST_RANGES_H

#include "transfers/retry.h"
#include "transfers/s3_pages.h"

struct s3_ranges;

#define S3_RANGES_AT_ONCE_MAX 64
#define S3_RANGES_AHEAD_BYTES ((uint64_t)8 << 20) /* for memory_bytes: about forty pages */

struct s3_ranges_params {
	const struct mf_retry_params *retry; /* of each page; borrowed until free. NULL: none */
	unsigned at_once; /* requests, at most S3_RANGES_AT_ONCE_MAX; 0, 1: nothing is cut */
	uint64_t memory_bytes;
};

/* Some of a listing: the objects from `from` to before `to` of the page. */
struct s3_piece {
	struct s3_piece *next;
	struct mf_s3_page page;
	size_t from, to;
	uint64_t bytes; /* of memory, about */
};

void s3_piece_free(struct s3_piece *p); /* NULL is fine */

/* What begin lists, which is taken over and must be at its start. Asks nothing. 0, -1. */
int s3_ranges_new(const struct s3_pages *begin, const struct s3_ranges_params *p,
    struct s3_ranges **out, struct mf_error *e);
/* The next piece, which is the caller's then: 0. 1: that was all, and all is complete; -1. */
int s3_ranges_next(struct s3_ranges *l, struct s3_piece **out, struct mf_error *e);
/* Waits for what is on its way. NULL is fine. */
void s3_ranges_free(struct s3_ranges *l);

#endif
