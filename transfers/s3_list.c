/*
 * Listing: our names are what stands behind the prefix in keys that can be names; others are passed
 * over. A page that fails ends the listing, which whoever decorates the store may begin again
 * (retry.h).
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "transfers/s3_int.h"
#include "transfers/s3_list_ranges.h"

#define SECOND_US 1000000

struct listing {
	const struct s3_store *s;
	mf_store_list_cb *cb;
	void *arg;
	bool ended;                      /* by cb */
	char last_name[MF_S3_KEY_BYTES]; /* "" before the first */
};

/* Names must ascend, as all stores but Amazon's directory buckets have them: others rely on it. Of
 * foreign keys nothing is asked but what s3_pages_next does. */
static int
check_order(struct listing *l, const char *name, struct mf_error *e)
{
	if (l->last_name[0] != '\0' && strcmp(name, l->last_name) <= 0)
		return mf_error_set(
		    e, MF_EUNSUPPORTED, "%s lists its objects out of order", l->s->label);
	memcpy(l->last_name, name, strlen(name) + 1);
	return 0;
}

static int
show(struct listing *l, const struct s3_piece *piece, struct mf_error *e)
{
	const size_t n = strlen(l->s->prefix);
	const struct mf_s3_object *o;
	size_t i;

	for (i = piece->from; i < piece->to && !l->ended; i++) {
		o = &piece->page.objects[i];
		if (!mf_store_name_is_valid(o->key + n))
			continue;
		if (check_order(l, o->key + n, e) != 0)
			return -1;
		l->ended = l->cb(l->arg, o->key + n, o->size_bytes,
			       o->mtime_us - o->mtime_us % SECOND_US) != 0;
	}
	return 0;
}

int
s3_list(
    struct mf_store *store, const char *prefix, mf_store_list_cb *cb, void *arg, struct mf_error *e)
{
	struct s3_store *s = s3_of(store);
	const struct s3_ranges_params p = {
	    .at_once = s->lists_at_once, .memory_bytes = S3_RANGES_AHEAD_BYTES};
	struct listing l = {.s = s, .cb = cb, .arg = arg};
	struct s3_ranges *ranges;
	struct s3_piece *piece;
	struct s3_pages pages;
	int rc = 0;

	s3_pages_begin(&pages, s, prefix);
	if (s3_ranges_new(&pages, &p, &ranges, e) != 0)
		return -1;
	while (!l.ended && (rc = s3_ranges_next(ranges, &piece, e)) == 0) {
		rc = show(&l, piece, e);
		s3_piece_free(piece);
		if (rc != 0)
			break;
	}
	s3_ranges_free(ranges);
	return rc < 0 ? -1 : 0;
}
