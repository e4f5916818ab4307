/* Listing: the pages of the bucket's own listing, whose order is that of the paths. While one is
 * shown the next is fetched by a thread of its own. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "src/base/crew.h"
#include "src/base/log.h"
#include "transfers/s3_pages.h"
#include "transfers/tree_s3_int.h"

struct cursor {
	struct mf_tree_cursor cursor;
	struct mf_crew *ahead; /* the thread that fetches; NULL: none does */
	struct s3_pages pages; /* that thread's while there is one, like the next page */
	struct mf_s3_page next;
	int next_rc; /* 0: there is one; 1: that was all; -1 */
	struct mf_s3_page page;
	bool has_page, failed;
	struct mf_error why; /* with failed: said again by every later step */
	size_t at;           /* in page */
	uint64_t skipped;    /* keys that are no paths */
	char last[MF_S3_KEY_BYTES];
};

int
s3_tree_list(struct mf_tree *tree, const char *dir, struct mf_tree_cursor **out, struct mf_error *e)
{
	struct s3_tree *t = s3_tree_of(tree);
	char key[MF_S3_KEY_BYTES];
	struct cursor *c;
	size_t n;

	if (s3_tree_key(t, dir, key, e) != 0)
		return -1;
	if (strlen(key) == MF_S3_KEY_MAX)
		return mf_error_set(
		    e, MF_ENOTFOUND, "no key can be below %s/%.100s...", t->s->label, dir);
	if ((c = calloc(1, sizeof *c)) == NULL)
		return mf_error_nomem(e, "a listing");
	c->cursor.tree = tree;
	s3_pages_begin(&c->pages, t->s, dir);
	n = strlen(c->pages.prefix);
	if (dir[0] != '\0')
		memcpy(c->pages.prefix + n, "/", 2);
	*out = &c->cursor;
	return 0;
}

static int
fetch_once(void *arg, struct mf_error *e)
{
	struct cursor *c = arg;

	return s3_pages_next(&c->pages, &c->next, e);
}

/* -1 only with an error, as a crew has it. */
static int
fetch(void *arg, struct mf_error *e)
{
	struct cursor *c = arg;
	const struct s3_tree *t = s3_tree_of(c->cursor.tree);

	c->next_rc = mf_retry_run(&t->p.retry, fetch_once, c, e);
	return c->next_rc < 0 ? -1 : 0;
}

/* Wait for the thread, if there is one. */
static int
await(struct cursor *c, struct mf_error *e)
{
	const int rc = mf_crew_join(c->ahead, e);

	mf_crew_free(c->ahead);
	c->ahead = NULL;
	return rc;
}

/* Without a thread the page is fetched when it is wanted. */
static void
fetch_ahead(struct cursor *c)
{
	struct mf_error e = {0};

	if (c->pages.ended || (c->ahead = mf_crew_new(&e)) == NULL)
		return;
	if (mf_crew_start(c->ahead, "list", fetch, c, &e) == 0)
		return;
	(void)await(c, &e);
}

static void
drop_page(struct cursor *c)
{
	if (c->has_page)
		mf_s3_page_fini(&c->page);
	c->has_page = false;
	c->at = 0;
}

void
s3_tree_cursor_close(struct mf_tree_cursor *cursor)
{
	struct cursor *c = (struct cursor *)cursor;

	struct mf_error e = {0};

	if (c->ahead != NULL && await(c, &e) == 0 && c->next_rc == 0)
		mf_s3_page_fini(&c->next);
	drop_page(c);
	s3_pages_fini(&c->pages);
	free(c);
}

/* The next page. 0; 1: that was all; -1. */
static int
turn(struct cursor *c, struct mf_error *e)
{
	const struct s3_tree *t = s3_tree_of(c->cursor.tree);
	int rc;

	drop_page(c);
	rc = c->ahead != NULL ? await(c, e) : fetch(c, e);
	if (rc == 0)
		rc = c->next_rc;
	c->has_page = rc == 0;
	if (rc == 0) {
		c->page = c->next;
		fetch_ahead(c);
	}
	if (rc == 1 && c->skipped > 0)
		mf_log(MF_LOG_WARNING,
		    "%s: passed over %llu objects whose keys are no paths of files", t->s->label,
		    (unsigned long long)c->skipped);
	if (rc == 1)
		c->skipped = 0;
	return rc;
}

static int
show(
    struct cursor *c, const struct mf_s3_object *o, struct mf_tree_entry *entry, struct mf_error *e)
{
	struct s3_tree *t = s3_tree_of(c->cursor.tree);

	if (c->last[0] != '\0' && strcmp(o->key, c->last) <= 0)
		return mf_error_set(
		    e, MF_EUNSUPPORTED, "%s lists its objects out of order", t->s->label);
	memcpy(c->last, o->key, strlen(o->key) + 1);
	*entry = (struct mf_tree_entry){.path = o->key + strlen(t->s->prefix),
	    .kind = MF_TREE_FILE,
	    .size = o->size_bytes,
	    .stored_us = o->mtime_us};
	s3_tree_copy_tag(o->etag, entry->tag);
	entry->has_md5 = !atomic_load(&t->no_md5) && s3_tree_tag_is_md5(entry->tag, entry->md5);
	return 0;
}

static int
step(struct cursor *c, struct mf_tree_entry *entry, struct mf_error *e)
{
	const size_t n = strlen(c->pages.s->prefix);
	const struct mf_s3_object *o;
	int rc;

	for (;;) {
		for (; c->has_page && c->at < c->page.n_objects; c->skipped++) {
			o = &c->page.objects[c->at++];
			if (mf_tree_path_is_valid(o->key + n))
				return show(c, o, entry, e);
		}
		if ((rc = turn(c, e)) != 0)
			return rc;
	}
}

int
s3_tree_next(struct mf_tree_cursor *cursor, struct mf_tree_entry *entry, struct mf_error *e)
{
	struct cursor *c = (struct cursor *)cursor;
	int rc;

	if (!c->failed) {
		if ((rc = step(c, entry, e)) >= 0)
			return rc;
		c->failed = true;
		c->why = *e;
	}
	*e = c->why;
	return -1;
}
