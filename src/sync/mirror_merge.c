#include "src/sync/mirror_merge.h"

#include <string.h>

#include "src/sync/mirror_compare.h"

void
mf_merge_init(struct mf_merge *m, struct mf_merge_input src, struct mf_merge_input dst)
{
	*m = (struct mf_merge){
	    .src = {.input = src, .wanted = true}, .dst = {.input = dst, .wanted = true}};
}

void
mf_merge_fini(struct mf_merge *m)
{
	mf_buf_fini(&m->src.key);
	mf_buf_fini(&m->src.before);
	mf_buf_fini(&m->dst.key);
	mf_buf_fini(&m->dst.before);
}

static int
compare_keys(const struct mf_buf *a, const struct mf_buf *b)
{
	return mf_compare_paths((const char *)a->data, (const char *)b->data);
}

/* What the entry is sorted by, which must be behind the one before it. */
static int
set_key(struct mf_merge_head *h, struct mf_error *e)
{
	const char *path = h->entry.path;
	struct mf_buf swap = h->before;

	h->before = h->key;
	h->key = swap;
	mf_buf_clear(&h->key);
	mf_buf_put(&h->key, path, strlen(path));
	if (h->entry.kind == MF_TREE_DIR)
		mf_buf_put(&h->key, "/", 1);
	if (mf_buf_cstr(&h->key) == NULL)
		return mf_error_nomem(e, "a path");
	if (h->before.len > 0 && compare_keys(&h->before, &h->key) >= 0)
		return mf_error_set(e, MF_EDAMAGED, "the listing of %s is out of order at %s",
		    h->input.label, path);
	return 0;
}

static int
step(struct mf_merge_head *h, struct mf_error *e)
{
	int rc;

	if (!h->wanted || h->ended)
		return 0;
	rc = h->input.next(h->input.arg, &h->entry, e);
	if (rc < 0)
		return -1;
	h->wanted = false;
	h->ended = rc > 0;
	return h->ended ? 0 : set_key(h, e);
}

int
mf_merge_next(struct mf_merge *m, struct mf_tree_entry **src, struct mf_tree_entry **dst,
    bool *of_src, struct mf_error *e)
{
	int order;

	*src = *dst = NULL;
	*of_src = true;
	if (step(&m->src, e) != 0)
		return -1;
	*of_src = false;
	if (step(&m->dst, e) != 0)
		return -1;
	if (m->src.ended && m->dst.ended)
		return 1;
	if (m->src.ended || m->dst.ended)
		order = m->src.ended ? 1 : -1;
	else
		order = compare_keys(&m->src.key, &m->dst.key);
	if (order <= 0) {
		*src = &m->src.entry;
		m->src.wanted = true;
	}
	if (order >= 0) {
		*dst = &m->dst.entry;
		m->dst.wanted = true;
	}
	return 0;
}
