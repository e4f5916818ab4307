/* The walk: two listings side by side; what they settle themselves costs nothing more. */
#include <stdlib.h>
#include <string.h>

#include "src/base/log.h"
#include "src/sync/mirror_int.h"
#include "src/sync/mirror_merge.h"

bool
mirror_is_file(const struct mf_tree_entry *entry, const char *label)
{
	if (entry->kind == MF_TREE_FILE)
		return true;
	if (entry->kind == MF_TREE_LINK)
		mf_log(MF_LOG_WARNING, "%s: skipped a symbolic link in %s", entry->path, label);
	else if (entry->kind == MF_TREE_SPECIAL)
		mf_log(MF_LOG_WARNING, "%s: skipped what is neither file nor directory in %s",
		    entry->path, label);
	return false;
}

int
mirror_queue(struct mirror_run *r, struct mirror_item *item, struct mf_error *e)
{
	if (!item->touch) {
		MF_PROGRESS_ADD(r->p->progress, bytes_total, item->src.size);
		MF_PROGRESS_ADD(r->p->progress, files_total, 1);
	}
	if (mf_queue_push(r->copies, item) == 0)
		return 0;
	free(item);
	return mf_error_set(e, MF_EINTERRUPTED, "interrupted");
}

static int
queue_check(struct mirror_run *r, struct mirror_item *item, struct mf_error *e)
{
	if (mf_queue_push(r->checks, item) == 0)
		return 0;
	free(item);
	return mf_error_set(e, MF_EINTERRUPTED, "interrupted");
}

int
mirror_conflict(struct mirror_run *r, const char *path, struct mf_error *e)
{
	mf_error_set(e, MF_ECONFLICT, "%s differs, and --immutable forbids to change it", path);
	return mirror_failed(&r->failures, e, path);
}

void
mirror_settled(
    struct mirror_run *r, const struct mf_tree_entry *src, const struct mf_tree_entry *dst)
{
	if (r->src_known != NULL)
		mf_known_learn(r->src_known, src, true);
	if (r->dst_known != NULL)
		mf_known_learn(r->dst_known, dst, true);
	pthread_mutex_lock(&r->lock);
	r->result->checks++;
	pthread_mutex_unlock(&r->lock);
	MF_PROGRESS_ADD(r->p->progress, files_checked, 1);
}

static bool
takes(const struct mirror_run *r, const char *path)
{
	return r->p->takes == NULL || r->p->takes(r->p->takes_arg, path);
}

/* What is only remembered counts for "nothing to do" alone: whoever finds more to do looks. */
static bool
recall(const struct mf_known *known, struct mf_tree_entry *entry)
{
	return known != NULL && !entry->has_mtime && mf_known_find(known, entry);
}

static int
compare(
    struct mirror_run *r, struct mf_tree_entry *src, struct mf_tree_entry *dst, struct mf_error *e)
{
	bool src_recalled = recall(r->src_known, src), dst_recalled = recall(r->dst_known, dst);
	struct mf_compare_side s = {.entry = src}, d = {.entry = dst};
	enum mf_compare_verdict verdict = mf_compare(&r->p->rules, &s, &d);
	struct mirror_item *item;

	if (verdict == MF_COMPARE_SAME || verdict == MF_COMPARE_KEPT) {
		mirror_settled(r, src, dst);
		return 0;
	}
	if (src_recalled || dst_recalled) {
		src->has_mtime = src->has_mtime && !src_recalled;
		dst->has_mtime = dst->has_mtime && !dst_recalled;
		verdict = mf_compare(&r->p->rules, &s, &d);
	}
	if (verdict == MF_COMPARE_CONFLICT)
		return mirror_conflict(r, src->path, e);
	if ((item = mirror_item_new(src, dst, e)) == NULL)
		return -1;
	if (verdict != MF_COMPARE_COPY && verdict != MF_COMPARE_TOUCH)
		return queue_check(r, item, e);
	item->touch = verdict == MF_COMPARE_TOUCH;
	return mirror_queue(r, item, e);
}

static int
copy_new(struct mirror_run *r, const struct mf_tree_entry *src, struct mf_error *e)
{
	struct mirror_item *item = mirror_item_new(src, NULL, e);

	return item != NULL ? mirror_queue(r, item, e) : -1;
}

static int
add_dir(struct mf_spill *s, const char *path, struct mf_error *e)
{
	struct mf_buf b = MF_BUF_INIT;
	int rc;

	mf_buf_printf(&b, "%s/", path);
	rc = mf_buf_cstr(&b) == NULL ? mf_error_nomem(e, "a path")
				     : mf_spill_add(s, mf_buf_cstr(&b), e);
	mf_buf_fini(&b);
	return rc;
}

static int
note_extra(struct mirror_run *r, const struct mf_tree_entry *dst, struct mf_error *e)
{
	if (dst->kind == MF_TREE_DIR)
		return add_dir(&r->deletes, dst->path, e);
	r->files_to_delete++;
	return mf_spill_add(&r->deletes, dst->path, e);
}

static int
make_dir(struct mirror_run *r, const struct mf_tree_entry *src, struct mf_error *e)
{
	int rc;

	if (!r->p->create_empty_dirs || (mf_tree_capabilities(r->p->dst) & MF_TREE_EMPTY_DIRS) == 0)
		return 0;
	if (!r->p->dry_run && mf_tree_make_dir(r->p->dst, src->path, e) != 0) {
		if (e->code != MF_EEXIST || !r->p->deletes)
			return mirror_failed(&r->failures, e, src->path);
		pthread_mutex_lock(&r->lock);
		rc = add_dir(&r->late, src->path, e); /* when the file in its place is gone */
		pthread_mutex_unlock(&r->lock);
		return rc;
	}
	mirror_did(r, MF_MIRROR_MADE_DIR, src->path, 0);
	return 0;
}

/* The entry, if it is a file that the filter takes, else NULL. */
static struct mf_tree_entry *
wanted(struct mirror_run *r, struct mf_tree_entry *entry, struct mf_tree *of, bool filtered)
{
	if (entry == NULL || entry->kind == MF_TREE_DIR || (filtered && !takes(r, entry->path)))
		return NULL;
	if (mirror_is_file(entry, mf_tree_label(of)))
		return entry;
	r->result->skipped++;
	return NULL;
}

static int
visit(
    struct mirror_run *r, struct mf_tree_entry *src, struct mf_tree_entry *dst, struct mf_error *e)
{
	bool src_dir = src != NULL && src->kind == MF_TREE_DIR;
	bool dst_dir = dst != NULL && dst->kind == MF_TREE_DIR;

	if (src_dir && dst == NULL)
		return make_dir(r, src, e);
	if (dst_dir && src == NULL)
		return r->p->deletes ? note_extra(r, dst, e) : 0;
	src = wanted(r, src, r->p->src, true);
	dst = wanted(r, dst, r->p->dst, !r->p->delete_excluded);
	if (src != NULL && dst != NULL)
		return compare(r, src, dst, e);
	if (dst != NULL)
		return r->p->deletes ? note_extra(r, dst, e) : 0;
	return src != NULL ? copy_new(r, src, e) : 0;
}

static int
next_of(void *arg, struct mf_tree_entry *entry, struct mf_error *e)
{
	return mf_tree_next(arg, entry, e);
}

static int
walk(struct mirror_run *r, struct mf_merge *m, struct mf_error *e)
{
	struct mf_tree_entry *src, *dst;
	bool of_src, empty = true;
	int rc;

	while ((rc = mf_merge_next(m, &src, &dst, &of_src, e)) == 0) {
		if (mirror_interrupted(r))
			return mf_error_set(e, MF_EINTERRUPTED, "interrupted");
		empty = empty && src == NULL;
		if (visit(r, src, dst, e) != 0)
			return -1;
		mf_error_clear(e);
	}
	r->complete = rc == 1;
	if (rc == 1)
		return empty && r->p->empty != NULL ? r->p->empty(r->p->empty_arg, e) : 0;
	if (of_src && e->code != MF_ENOTFOUND)
		mirror_blame_source(r->p->src, e);
	mf_log(MF_LOG_ERROR, "not everything was seen: %s", e->message);
	return mirror_failed(&r->failures, e, NULL);
}

int
mirror_walk(struct mirror_run *r, struct mf_error *e)
{
	struct mf_tree_cursor *src = NULL, *dst = NULL;
	struct mf_merge m;
	int rc = -1;

	if (mf_tree_list(r->p->src, "", &src, e) != 0)
		goto end;
	if (mf_tree_list(r->p->dst, "", &dst, e) != 0)
		goto end;
	mf_merge_init(&m, (struct mf_merge_input){next_of, src, mf_tree_label(r->p->src)},
	    (struct mf_merge_input){next_of, dst, mf_tree_label(r->p->dst)});
	rc = walk(r, &m, e);
	mf_merge_fini(&m);
end:
	mf_tree_cursor_close(src);
	mf_tree_cursor_close(dst);
	return rc;
}
