/* What reading ranges and cutting them share. */
#ifndef MF_TRANSFERS_S3_LIST_RANGES_INT_H
#define MF_TRANSFERS_S3_LIST_RANGES_INT_H

#include <pthread.h>

#include "src/base/crew.h"
#include "transfers/s3_list_ranges.h"

#define S3_RANGES_MAX 64 /* that are not done, or not shown */

/* Keys behind `after` up to and with `end`; "": from the start, to the end. */
struct s3_range {
	struct s3_range *next;
	char after[MF_S3_KEY_BYTES], end[MF_S3_KEY_BYTES];
	bool fetching; /* by a thread, whose pages, n_fetched, before and next_cut are meanwhile */
	bool done;     /* nothing more is to be fetched */
	bool failed;   /* and why */
	struct mf_error why;
	struct s3_piece *first, **last; /* fetched and not shown */
	uint64_t bytes;                 /* of those */

	struct s3_pages pages;
	unsigned n_fetched;
	unsigned next_cut;            /* do not try to cut it before that many pages */
	size_t least_dir;             /* bytes: between the children of a shorter one it ends */
	char before[MF_S3_KEY_BYTES]; /* the first key of the page before; "" */
};

struct s3_ranges {
	struct s3_ranges_params p;
	struct mf_crew *crew;
	unsigned n_threads, n_threads_max; /* the caller's */

	pthread_mutex_t lock; /* of all below, and of the ranges; held for no I/O */
	pthread_cond_t changed;
	struct s3_range *first;
	size_t n;
	uint64_t bytes;
	bool stop, whole; /* whole: nothing is cut */
};

/* Where to cut: between the children of a directory. */
struct s3_cut {
	char dir[MF_S3_KEY_BYTES]; /* ends in '/', or "" */
	char after[MF_S3_KEY_BYTES];
	size_t stride; /* so many children make a range */
};

struct s3_range *s3_range_new(const struct s3_pages *of, const char *after);
void s3_range_free(struct s3_range *r);

/* s3_list_cut.c */

/* Is the range long enough to be cut, and where? Before the page is given away. Asks nothing. */
bool s3_cut_plan(const struct s3_range *r, const struct mf_s3_page *page, struct s3_cut *cut);
/* Cut it, whose fetcher calls this: ask for children, of the directories around too where there are
 * too few. Failing leaves it whole. */
void s3_cut(struct s3_ranges *l, struct s3_range *r, struct s3_cut *cut);

#endif
