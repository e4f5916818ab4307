/* `check`: are two trees the same? Nothing is changed. */
#include <stdlib.h>
#include <string.h>

#include "src/base/log.h"
#include "src/sync/mirror_int.h"
#include "src/sync/mirror_merge.h"

struct check {
	const struct mf_mirror_check_params *p;
	struct mf_mirror_check_result *result; /* guarded by lock */
	pthread_mutex_t lock;
	struct mf_queue *pairs;
	struct mf_crew *crew;
	struct mirror_failures failures;
};

static bool
interrupted(const struct check *c)
{
	return (c->p->interrupted != NULL && c->p->interrupted()) || mf_crew_cancelled(c->crew);
}

static void
tell(struct check *c, enum mf_mirror_difference how, const char *path)
{
	pthread_mutex_lock(&c->lock);
	c->result->missing_on_dst += how == MF_MIRROR_MISSING_ON_DST;
	c->result->missing_on_src += how == MF_MIRROR_MISSING_ON_SRC;
	c->result->differ += how == MF_MIRROR_DIFFERS;
	if (c->p->differs != NULL)
		c->p->differs(c->p->differs_arg, how, path);
	pthread_mutex_unlock(&c->lock);
}

static void
tell_same(struct check *c, const struct mirror_item *item, bool hashed)
{
	pthread_mutex_lock(&c->lock);
	c->result->same++;
	c->result->not_hashed += !hashed;
	c->result->bytes += item->src.size;
	pthread_mutex_unlock(&c->lock);
	MF_PROGRESS_ADD(c->p->progress, bytes_done, item->src.size);
}

/* Both sides, read. */
static int
read_both(struct check *c, struct mirror_item *item, struct mirror_pair *pair, struct mf_error *e)
{
	/* of what is told nothing counts */
	item->src.has_md5 = item->dst.has_md5 = false;
	pair->of_src = true;
	if (mirror_hash_file(c->p->src, &item->src, 0, c->p->interrupted, e) != 0)
		return -1;
	pair->of_src = false;
	return mirror_hash_file(c->p->dst, &item->dst, 0, c->p->interrupted, e);
}

/* Sizes are equal. 0, or -1. */
static int
compare_content(
    struct check *c, struct mirror_item *item, struct mirror_pair *pair, struct mf_error *e)
{
	enum mf_compare_content content;

	if ((c->p->download ? read_both(c, item, pair, e) : mirror_hash(item, pair, e)) != 0)
		return -1;
	content = mf_compare_content(&item->src_side, &item->dst_side);
	if (content == MF_CONTENT_OTHER)
		tell(c, MF_MIRROR_DIFFERS, item->path);
	else
		tell_same(c, item, content == MF_CONTENT_SAME);
	return 0;
}

/* 0; -1: fatal. */
static int
compare_pair(struct check *c, struct mirror_item *item, struct mf_error *e)
{
	struct mirror_pair pair = {c->p->src, c->p->dst, c->p->interrupted, false};
	int slot, rc;

	if (interrupted(c))
		return mf_error_set(e, MF_EINTERRUPTED, "interrupted");
	slot = mf_names_enter(c->p->names, item->path);
	rc = compare_content(c, item, &pair, e);
	mf_names_leave(c->p->names, slot);
	if (rc == 0)
		return 0;
	if (pair.of_src)
		mirror_blame_source(c->p->src, e);
	if (mirror_failed(&c->failures, e, item->path) != 0)
		return -1;
	tell(c, MF_MIRROR_UNCHECKED, item->path);
	return 0;
}

static int
checker(void *arg, struct mf_error *e)
{
	struct check *c = arg;
	struct mirror_item *item;
	int rc = 0;

	while (rc == 0 && (item = mf_queue_pop(c->pairs)) != NULL) {
		mf_error_clear(e);
		rc = compare_pair(c, item, e);
		free(item);
	}
	return rc;
}

static int
visit_pair(struct check *c, const struct mf_tree_entry *src, const struct mf_tree_entry *dst,
    struct mf_error *e)
{
	struct mirror_item *item;

	pthread_mutex_lock(&c->lock);
	c->result->checks++;
	pthread_mutex_unlock(&c->lock);
	MF_PROGRESS_ADD(c->p->progress, files_checked, 1);
	if (src->size != dst->size) {
		tell(c, MF_MIRROR_DIFFERS, src->path);
		return 0;
	}
	if ((item = mirror_item_new(src, dst, e)) == NULL)
		return -1;
	if (c->p->size_only) {
		tell_same(c, item, true);
		free(item);
		return 0;
	}
	MF_PROGRESS_ADD(c->p->progress, bytes_total, src->size);
	if (mf_queue_push(c->pairs, item) == 0)
		return 0;
	free(item);
	return mf_error_set(e, MF_EINTERRUPTED, "interrupted");
}

static struct mf_tree_entry *
wanted(struct check *c, struct mf_tree_entry *entry, struct mf_tree *of)
{
	if (entry == NULL || entry->kind == MF_TREE_DIR ||
	    (c->p->takes != NULL && !c->p->takes(c->p->takes_arg, entry->path)))
		return NULL;
	if (mirror_is_file(entry, mf_tree_label(of)))
		return entry;
	pthread_mutex_lock(&c->lock);
	c->result->skipped++;
	pthread_mutex_unlock(&c->lock);
	return NULL;
}

static int
next_of(void *arg, struct mf_tree_entry *entry, struct mf_error *e)
{
	return mf_tree_next(arg, entry, e);
}

static int
walk(struct check *c, struct mf_merge *m, struct mf_error *e)
{
	struct mf_tree_entry *src, *dst;
	bool of_src;
	int rc;

	while ((rc = mf_merge_next(m, &src, &dst, &of_src, e)) == 0) {
		if (interrupted(c))
			return mf_error_set(e, MF_EINTERRUPTED, "interrupted");
		src = wanted(c, src, c->p->src);
		dst = wanted(c, dst, c->p->dst);
		if (src != NULL && dst != NULL && visit_pair(c, src, dst, e) != 0)
			return -1;
		if (src != NULL && dst == NULL)
			tell(c, MF_MIRROR_MISSING_ON_DST, src->path);
		if (src == NULL && dst != NULL && !c->p->one_way)
			tell(c, MF_MIRROR_MISSING_ON_SRC, dst->path);
	}
	if (rc == 1)
		return 0;
	if (of_src && e->code != MF_ENOTFOUND)
		mirror_blame_source(c->p->src, e);
	mf_log(MF_LOG_ERROR, "not everything was seen: %s", e->message);
	return mirror_failed(&c->failures, e, NULL);
}

static int
list_and_walk(struct check *c, struct mf_error *e)
{
	struct mf_tree_cursor *src = NULL, *dst = NULL;
	struct mf_merge m;
	int rc = -1;

	if (mf_tree_list(c->p->src, "", &src, e) == 0 &&
	    mf_tree_list(c->p->dst, "", &dst, e) == 0) {
		mf_merge_init(&m, (struct mf_merge_input){next_of, src, mf_tree_label(c->p->src)},
		    (struct mf_merge_input){next_of, dst, mf_tree_label(c->p->dst)});
		rc = walk(c, &m, e);
		mf_merge_fini(&m);
	}
	mf_tree_cursor_close(src);
	mf_tree_cursor_close(dst);
	return rc;
}

static int
run(struct check *c, struct mf_error *e)
{
	struct mf_error walked = {0};
	unsigned i;
	int rc = 0;

	if ((c->pairs = mf_queue_new((size_t)c->p->checkers * 4, e)) == NULL ||
	    (c->crew = mf_crew_new(e)) == NULL || mf_crew_watch(c->crew, c->pairs, e) != 0)
		return -1;
	for (i = 0; rc == 0 && i < c->p->checkers; i++)
		rc = mf_crew_start(c->crew, "mf-check", checker, c, &walked);
	if (rc == 0)
		rc = list_and_walk(c, &walked);
	if (rc != 0)
		mf_crew_cancel(c->crew, &walked);
	mf_queue_close(c->pairs);
	return mf_crew_join(c->crew, e);
}

static int
verdict(struct check *c, const struct mf_error *fatal, struct mf_error *e)
{
	const struct mf_mirror_check_result *r = c->result;
	uint64_t n = r->differ + r->missing_on_dst + r->missing_on_src;
	char doing[256];

	snprintf(doing, sizeof doing, "comparing %.100s with %.100s", mf_tree_label(c->p->src),
	    mf_tree_label(c->p->dst));
	if (mirror_verdict(&c->failures, fatal, doing, e) != 0)
		return -1;
	if (n == 0)
		return 0;
	return mf_error_set(e, MF_EDIFFERENT, "%llu differences between %s and %s",
	    (unsigned long long)n, mf_tree_label(c->p->src), mf_tree_label(c->p->dst));
}

int
mf_mirror_check(const struct mf_mirror_check_params *params, struct mf_mirror_check_result *result,
    struct mf_error *e)
{
	struct check c = {
	    .p = params, .result = result, .failures = {.progress = params->progress}};
	struct mf_error fatal = {0};
	int rc;

	*result = (struct mf_mirror_check_result){0};
	if (pthread_mutex_init(&c.lock, NULL) != 0)
		return mf_error_nomem(e, "a check");
	if (mirror_failures_init(&c.failures, e) != 0) {
		pthread_mutex_destroy(&c.lock);
		return -1;
	}
	(void)run(&c, &fatal);
	result->errors = mirror_failures_n(&c.failures);
	rc = verdict(&c, &fatal, e);
	mf_crew_free(c.crew);
	mf_queue_free(c.pairs, free);
	mirror_failures_fini(&c.failures);
	pthread_mutex_destroy(&c.lock);
	return rc;
}
