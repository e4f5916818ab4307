/* The workers that find out what the listings did not tell. */
#include <stdlib.h>
#include <string.h>

#include "crypto/digest.h"
#include "src/base/log.h"
#include "src/sync/mirror_int.h"

struct mirror_item *
mirror_item_new(
    const struct mf_tree_entry *src, const struct mf_tree_entry *dst, struct mf_error *e)
{
	size_t n = strlen(src->path) + 1;
	struct mirror_item *item = calloc(1, sizeof *item + n);

	if (item == NULL) {
		mf_error_nomem(e, "a file of a mirror");
		return NULL;
	}
	memcpy(item->path, src->path, n);
	item->src = *src;
	if (dst != NULL)
		item->dst = *dst;
	item->has_dst = dst != NULL;
	item->src.path = item->dst.path = item->path;
	item->src_side.entry = &item->src;
	item->dst_side.entry = &item->dst;
	return item;
}

int
mirror_look(struct mf_tree *t, struct mf_tree_entry *entry, struct mf_error *e)
{
	struct mf_tree_entry now = {0};
	const char *path = entry->path;
	int rc = mf_tree_look(t, path, &now, e);

	if (rc != 0)
		return rc;
	if (now.kind != MF_TREE_FILE)
		return 1;
	if (entry->tag[0] != '\0' && strcmp(entry->tag, now.tag) == 0)
		now.stored_us = entry->stored_us;
	if (!now.has_mtime && !__builtin_mul_overflow(now.stored_us, (int64_t)1000, &now.mtime_ns))
		now.has_mtime = true;
	*entry = now;
	entry->path = path;
	return 0;
}

struct hashing {
	struct mf_md5_parts *md5;
	bool (*interrupted)(void);
};

static int
hash_bytes(void *arg, const void *bytes, size_t n, struct mf_error *e)
{
	struct hashing *h = arg;

	if (h->interrupted != NULL && h->interrupted())
		return mf_error_set(e, MF_EINTERRUPTED, "interrupted");
	mf_md5_parts_update(h->md5, bytes, n);
	return 0;
}

int
mirror_hash_file(struct mf_tree *t, struct mf_tree_entry *entry, uint64_t part_bytes,
    bool (*interrupted)(void), struct mf_error *e)
{
	struct hashing h = {mf_md5_parts_new(part_bytes, e), interrupted};
	uint8_t *md5 = part_bytes > 0 ? entry->parts_md5 : entry->md5;
	int rc;

	if (h.md5 == NULL)
		return -1;
	rc = mf_tree_get(t, entry, hash_bytes, &h, e);
	if (rc == 0)
		rc = mf_md5_parts_final(h.md5, md5, e);
	mf_md5_parts_free(h.md5);
	if (part_bytes == 0)
		entry->has_md5 = rc == 0;
	else
		entry->part_bytes = rc == 0 ? part_bytes : 0;
	return rc;
}

static bool
is_known(const struct mf_tree_entry *entry)
{
	return entry->has_md5 || entry->part_bytes > 0;
}

/* One side's MD5, or that it has none; of a local file what the other side has. */
static int
hash_side(struct mf_tree *t, struct mf_tree_entry *entry, struct mf_compare_side *side,
    const struct mf_tree_entry *other, bool (*interrupted)(void), struct mf_error *e)
{
	const uint64_t part_bytes = other->has_md5 ? 0 : other->part_bytes;
	int rc;

	if (side->no_md5)
		return 0;
	if ((mf_tree_capabilities(t) & MF_TREE_LOCAL) != 0) {
		if (part_bytes == 0 ? entry->has_md5 : entry->part_bytes == part_bytes)
			return 0;
		return mirror_hash_file(t, entry, part_bytes, interrupted, e);
	}
	if (is_known(entry))
		return 0;
	rc = mirror_look(t, entry, e);
	side->no_md5 = !is_known(entry);
	return rc <= 0 ? rc : mf_error_set(e, MF_ESOURCE, "%s is gone", entry->path);
}

int
mirror_hash(struct mirror_item *item, struct mirror_pair *pair, struct mf_error *e)
{
	bool src_first = (mf_tree_capabilities(pair->src) & MF_TREE_LOCAL) == 0;
	unsigned turn;

	for (turn = 0; turn < 2; turn++) {
		pair->of_src = (turn == 0) == src_first;
		if (pair->of_src && hash_side(pair->src, &item->src, &item->src_side, &item->dst,
					pair->interrupted, e) != 0)
			return -1;
		if (!pair->of_src && hash_side(pair->dst, &item->dst, &item->dst_side, &item->src,
					 pair->interrupted, e) != 0)
			return -1;
		if (item->src_side.no_md5 || item->dst_side.no_md5)
			return 0;
	}
	/* two buckets that know their content in two ways */
	if (mf_compare_content(&item->src_side, &item->dst_side) == MF_CONTENT_UNKNOWN)
		item->dst_side.no_md5 = true;
	return 0;
}

/* 0, or -1 with *of_src. What is gone from the destination is no longer there to compare with. */
static int
look_at_times(struct mirror_run *r, struct mirror_item *item, bool *of_src, struct mf_error *e)
{
	int rc;

	*of_src = true;
	if (!item->src.has_mtime) {
		if ((rc = mirror_look(r->p->src, &item->src, e)) != 0)
			return rc < 0 ? -1 : mf_error_set(e, MF_ESOURCE, "%s is gone", item->path);
		item->src_side.no_mtime = !item->src.has_mtime;
	}
	*of_src = false;
	if (!item->dst.has_mtime) {
		if ((rc = mirror_look(r->p->dst, &item->dst, e)) < 0)
			return -1;
		item->has_dst = rc == 0;
		item->dst_side.no_mtime = !item->dst.has_mtime;
	}
	return 0;
}

/* 0, or -1 with *of_src. */
static int
find_out(struct mirror_run *r, struct mirror_item *item, enum mf_compare_verdict *verdict,
    bool *of_src, struct mf_error *e)
{
	struct mirror_pair pair = {r->p->src, r->p->dst, r->p->interrupted, false};

	while (item->has_dst) {
		*verdict = mf_compare(&r->p->rules, &item->src_side, &item->dst_side);
		if (*verdict == MF_COMPARE_NEED_MTIMES) {
			if (look_at_times(r, item, of_src, e) != 0)
				return -1;
		} else if (*verdict == MF_COMPARE_NEED_MD5S) {
			if (mirror_hash(item, &pair, e) != 0) {
				*of_src = pair.of_src;
				return -1;
			}
		} else
			return 0;
	}
	*verdict = MF_COMPARE_COPY;
	return 0;
}

static void
warn_of_sizes(struct mirror_run *r, const struct mirror_item *item)
{
	if (r->p->rules.checksum && (item->src_side.no_md5 || item->dst_side.no_md5) &&
	    !atomic_exchange(&r->said_no_md5, true))
		mf_log(MF_LOG_WARNING,
		    "some objects have no MD5 that can be compared: with --checksum they are "
		    "compared by size alone, %s first",
		    item->path);
}

/* Takes the item. 0; -1: fatal. */
static int
settle(struct mirror_run *r, struct mirror_item *item, struct mf_error *e)
{
	enum mf_compare_verdict verdict;
	bool of_src = false;
	int rc = 0;

	if (mirror_interrupted(r))
		rc = mf_error_set(e, MF_EINTERRUPTED, "interrupted");
	else if (find_out(r, item, &verdict, &of_src, e) != 0) {
		if (of_src)
			mirror_blame_source(r->p->src, e);
		rc = mirror_failed(&r->failures, e, item->path);
	} else if (verdict == MF_COMPARE_COPY || verdict == MF_COMPARE_TOUCH) {
		item->touch = verdict == MF_COMPARE_TOUCH;
		return mirror_queue(r, item, e);
	} else if (verdict == MF_COMPARE_CONFLICT)
		rc = mirror_conflict(r, item->path, e);
	else {
		warn_of_sizes(r, item);
		mirror_settled(r, &item->src, &item->dst);
	}
	free(item);
	return rc;
}

int
mirror_checker(void *arg, struct mf_error *e)
{
	struct mirror_run *r = arg;
	struct mirror_item *item;
	int rc = 0;

	while (rc == 0 && (item = mf_queue_pop(r->checks)) != NULL) {
		mf_error_clear(e);
		rc = settle(r, item, e);
	}
	if (atomic_fetch_sub(&r->checkers_left, 1) == 1)
		mf_queue_close(r->copies);
	return rc;
}
