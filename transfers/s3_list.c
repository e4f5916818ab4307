/*
 * Listing: our names are what stands behind the prefix in keys that can be names; others are passed
 * over.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "transfers/s3_pages.h"

#define SECOND_US 1000000

struct listing {
	struct s3_pages pages;
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
		    e, MF_EUNSUPPORTED, "%s lists its objects out of order", l->pages.s->label);
	memcpy(l->last_name, name, strlen(name) + 1);
	return 0;
}

static int
show(struct listing *l, const struct mf_s3_page *page, struct mf_error *e)
{
	const size_t n = strlen(l->pages.s->prefix);
	const struct mf_s3_object *o;
	size_t i;

	for (i = 0; i < page->n_objects && !l->ended; i++) {
		o = &page->objects[i];
		if (!mf_store_name_is_valid(o->key + n))
			continue;
		if (check_order(l, o->key + n, e) != 0)
			return -1;
		l->ended = l->cb(l->arg, o->key + n, o->size_bytes,
			       o->mtime_us - o->mtime_us % SECOND_US) != 0;
	}
	return 0;
}

static int
list_page(struct listing *l, struct mf_error *e)
{
	struct mf_s3_page page;
	int rc = s3_pages_next(&l->pages, &page, e);

	if (rc != 0)
		return rc;
	rc = show(l, &page, e);
	mf_s3_page_fini(&page);
	return rc;
}

int
s3_list(
    struct mf_store *store, const char *prefix, mf_store_list_cb *cb, void *arg, struct mf_error *e)
{
	struct listing *l = calloc(1, sizeof *l);
	int rc;

	if (l == NULL)
		return mf_error_nomem(e, "a listing");
	s3_pages_begin(&l->pages, s3_of(store), prefix);
	l->cb = cb;
	l->arg = arg;
	do
		rc = list_page(l, e);
	while (rc == 0 && !l->ended);
	s3_pages_fini(&l->pages);
	free(l);
	return rc < 0 ? -1 : 0;
}
