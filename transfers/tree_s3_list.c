/* Listing: the pieces of the bucket's own listing, whose order is that of the paths. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "src/base/log.h"
#include "transfers/tree_s3_int.h"
#include "transfers/s3_list_ranges.h"

struct cursor {
	struct mf_tree_cursor cursor;
	struct s3_ranges *ranges;
	struct s3_piece *piece; /* that is shown, or NULL */
	bool failed;
	struct mf_error why; /* with failed: said again by every later step */
	size_t at;           /* in piece */
	uint64_t skipped;    /* keys that are no paths */
	char last[MF_S3_KEY_BYTES];
};

int
s3_tree_list(struct mf_tree *tree, const char *dir, struct mf_tree_cursor **out, struct mf_error *e)
{
	struct s3_tree *t = s3_tree_of(tree);
	const struct s3_ranges_params p = {.retry = &t->p.retry,
	    .at_once = t->p.lists_at_once,
	    .memory_bytes = S3_RANGES_AHEAD_BYTES};
	char key[MF_S3_KEY_BYTES];
	struct s3_pages pages;
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
	s3_pages_begin(&pages, t->s, dir);
	n = strlen(pages.prefix);
	if (dir[0] != '\0')
		memcpy(pages.prefix + n, "/", 2);
	if (s3_ranges_new(&pages, &p, &c->ranges, e) != 0) {
		free(c);
		return -1;
	}
	*out = &c->cursor;
	return 0;
}

void
s3_tree_cursor_close(struct mf_tree_cursor *cursor)
{
	struct cursor *c = (struct cursor *)cursor;

	s3_piece_free(c->piece);
	s3_ranges_free(c->ranges);
	free(c);
}

/* The next piece. 0; 1: that was all; -1. */
static int
turn(struct cursor *c, struct mf_error *e)
{
	int rc;

	s3_piece_free(c->piece);
	c->piece = NULL;
	rc = s3_ranges_next(c->ranges, &c->piece, e);
	if (rc == 0)
		c->at = c->piece->from;
	if (rc == 1 && c->skipped > 0) {
		mf_log(MF_LOG_WARNING,
		    "%s: passed over %llu objects whose keys are no paths of files",
		    s3_tree_of(c->cursor.tree)->s->label, (unsigned long long)c->skipped);
		c->skipped = 0;
	}
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
	const size_t n = strlen(s3_tree_of(c->cursor.tree)->s->prefix);
	const struct mf_s3_object *o;
	int rc;

	for (;;) {
		for (; c->piece != NULL && c->at < c->piece->to; c->skipped++) {
			o = &c->piece->page.objects[c->at++];
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
