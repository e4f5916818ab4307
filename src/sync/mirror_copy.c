/* The workers that send: one item at a time, whole or not at all. */
#include <stdlib.h>
#include <string.h>

#include "src/base/log.h"
#include "src/sync/mirror_int.h"

/* Of a file that changes while it is read, or comes as something else than its MD5 says. */
#define ATTEMPTS 2u

static void
learn(struct mirror_run *r, const struct mirror_item *item, const struct mf_tree_entry *stored)
{
	struct mf_tree_entry entry = *stored;

	entry.path = item->path;
	if (r->dst_known != NULL)
		mf_known_learn(r->dst_known, &entry, false);
	if (r->src_known != NULL)
		mf_known_learn(r->src_known, &item->src, false);
}

/* Put off until what stands in the way has been deleted. 0 or -1. */
static int
put_off(struct mirror_run *r, const struct mirror_item *item, struct mf_error *e)
{
	int rc;

	pthread_mutex_lock(&r->lock);
	rc = mf_spill_add(&r->late, item->path, e);
	pthread_mutex_unlock(&r->lock);
	return rc;
}

static int
touch(struct mirror_run *r, struct mirror_item *item, struct mf_error *e)
{
	int rc = 0;

	if ((mf_tree_capabilities(r->p->dst) & MF_TREE_MTIME_SET) == 0)
		return mf_error_set(
		    e, MF_EUNSUPPORTED, "cannot set a time at %s", mf_tree_label(r->p->dst));
	if (!r->p->dry_run)
		rc = mf_tree_touch(r->p->dst, &item->dst, item->src.mtime_ns, e);
	if (rc != 0)
		return -1;
	item->dst.mtime_ns = item->src.mtime_ns;
	item->dst.has_mtime = true;
	learn(r, item, &item->dst);
	mirror_did(r, MF_MIRROR_TOUCHED, item->path, 0);
	return 0;
}

/* 0; -1, and *of_src says whether the source is to blame. */
static int
send_once(struct mirror_run *r, struct mirror_item *item, bool *of_src, struct mf_error *e)
{
	struct mf_tree_entry stored = {0};
	int rc;

	*of_src = true;
	if (!item->src.has_mtime && (rc = mirror_look(r->p->src, &item->src, e)) != 0)
		return rc < 0 ? -1 : mf_error_set(e, MF_ESOURCE, "%s is gone", item->path);
	*of_src = false;
	if (r->p->dry_run)
		return 0;
	if (item->has_dst && mirror_keeps(r) && mirror_keep_copy(r, &item->dst, e) != 0)
		return -1;
	if (mirror_transfer(r, r->p->src, &item->src, r->p->dst, item->path, &stored, of_src, e) !=
	    0)
		return -1;
	learn(r, item, &stored);
	return 0;
}

static int
send(struct mirror_run *r, struct mirror_item *item, bool *of_src, struct mf_error *e)
{
	unsigned attempt;

	for (attempt = 1;; attempt++) {
		if (send_once(r, item, of_src, e) == 0)
			return 0;
		if (*of_src)
			mirror_blame_source(r->p->src, e);
		if ((e->code != MF_ESOURCE && e->code != MF_EDAMAGED) || attempt == ATTEMPTS ||
		    mirror_interrupted(r))
			return -1;
		mf_log(MF_LOG_WARNING, "%s, trying once more: %s", e->message, item->path);
		mf_error_clear(e);
		if (mirror_look(r->p->src, &item->src, e) != 0) {
			mirror_blame_source(r->p->src, e);
			return e->code != MF_OK
				   ? -1
				   : mf_error_set(e, MF_ESOURCE, "%s is gone", item->path);
		}
	}
}

/* 0; -1: fatal. */
static int
carry(struct mirror_run *r, struct mirror_item *item, struct mf_error *e)
{
	bool of_src = false;

	if (item->touch) {
		if (touch(r, item, e) == 0)
			return 0;
		if (e->code != MF_EUNSUPPORTED)
			return mirror_failed(&r->failures, e, item->path);
		mf_error_clear(e); /* then the content goes again */
	}
	if (send(r, item, &of_src, e) == 0) {
		mirror_did(r, MF_MIRROR_COPIED, item->path, item->src.size);
		return 0;
	}
	if (e->code == MF_EEXIST && r->p->deletes && !item->late) {
		mf_error_clear(e);
		return put_off(r, item, e);
	}
	return mirror_failed(&r->failures, e, item->path);
}

int
mirror_carry(struct mirror_run *r, struct mirror_item *item, struct mf_error *e)
{
	int slot, rc;

	if (mirror_interrupted(r))
		return mf_error_set(e, MF_EINTERRUPTED, "interrupted");
	slot = mf_names_enter(r->p->names, item->path);
	rc = carry(r, item, e);
	mf_names_leave(r->p->names, slot);
	if (rc == 0)
		mf_error_clear(e);
	return rc;
}

int
mirror_copier(void *arg, struct mf_error *e)
{
	struct mirror_run *r = arg;
	struct mirror_item *item;
	int rc = 0;

	while (rc == 0 && (item = mf_queue_pop(r->copies)) != NULL) {
		rc = mirror_carry(r, item, e);
		free(item);
	}
	return rc;
}
