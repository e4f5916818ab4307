#include "src/sync/mirror.h"

#include <stdio.h>
#include <stdlib.h>

#include "src/base/log.h"
#include "src/sync/mirror_int.h"

bool
mirror_interrupted(const struct mirror_run *r)
{
	return (r->p->interrupted != NULL && r->p->interrupted()) || mf_crew_cancelled(r->crew);
}

static const char *
word_of(enum mf_mirror_act act)
{
	static const char *const words[MF_MIRROR_ACTS] = {
	    "copied", "set the time of", "deleted", "made the directory"};

	return words[act];
}

void
mirror_did(struct mirror_run *r, enum mf_mirror_act act, const char *path, uint64_t bytes)
{
	struct mf_mirror_result *result = r->result;

	pthread_mutex_lock(&r->lock);
	result->files += act == MF_MIRROR_COPIED;
	result->bytes += bytes;
	result->touched += act == MF_MIRROR_TOUCHED;
	result->deletes += act == MF_MIRROR_DELETED;
	result->dirs_made += act == MF_MIRROR_MADE_DIR;
	if (r->p->did != NULL)
		r->p->did(r->p->did_arg, act, path);
	pthread_mutex_unlock(&r->lock);
	if (act == MF_MIRROR_COPIED)
		MF_PROGRESS_ADD(r->p->progress, files_done, 1);
	if (act == MF_MIRROR_DELETED)
		MF_PROGRESS_ADD(r->p->progress, files_deleted, 1);
	if (!r->p->dry_run)
		mf_log(MF_LOG_INFO, "%s %s", word_of(act), path);
	mirror_succeeded(&r->failures);
}

static int
load_known(struct mirror_run *r, struct mf_error *e)
{
	const struct mf_mirror_params *p = r->p;

	if (p->rules.checksum || p->rules.size_only || p->rules.ignore_existing)
		return 0; /* times do not count */
	if ((mf_tree_capabilities(p->src) & MF_TREE_MTIME_LISTED) == 0 &&
	    (r->src_known = mf_known_load(p->cache, p->src_place, e)) == NULL)
		return -1;
	if ((mf_tree_capabilities(p->dst) & MF_TREE_MTIME_LISTED) == 0 &&
	    (r->dst_known = mf_known_load(p->cache, p->dst_place, e)) == NULL)
		return -1;
	return 0;
}

static void
save_known(struct mirror_run *r)
{
	bool keep_old = !r->complete || r->p->takes != NULL;

	if (r->src_known != NULL)
		mf_known_save(r->src_known, r->p->cache, keep_old);
	if (r->dst_known != NULL)
		mf_known_save(r->dst_known, r->p->cache, keep_old);
}

static int
init(struct mirror_run *r, struct mf_error *e)
{
	const struct mf_mirror_params *p = r->p;

	if ((r->checks = mf_queue_new((size_t)p->checkers * 4, e)) == NULL ||
	    (r->copies = mf_queue_new((size_t)p->transfers * 4, e)) == NULL ||
	    (r->crew = mf_crew_new(e)) == NULL)
		return -1;
	if (mf_crew_watch(r->crew, r->checks, e) != 0 || mf_crew_watch(r->crew, r->copies, e) != 0)
		return -1;
	atomic_init(&r->checkers_left, p->checkers);
	r->deletes.dir = r->late.dir = p->spill_dir;
	return load_known(r, e);
}

static void
fini(struct mirror_run *r)
{
	mf_crew_free(r->crew);
	mf_queue_free(r->checks, free);
	mf_queue_free(r->copies, free);
	mf_known_free(r->src_known);
	mf_known_free(r->dst_known);
	mf_spill_fini(&r->deletes);
	mf_spill_fini(&r->late);
}

/* The walk and its crew, to the end of both. */
static int
walk_and_copy(struct mirror_run *r, struct mf_error *e)
{
	struct mf_error walk = {0}, crew = {0};
	unsigned i;
	int rc = 0;

	for (i = 0; rc == 0 && i < r->p->checkers; i++)
		rc = mf_crew_start(r->crew, "mf-check", mirror_checker, r, &walk);
	for (i = 0; rc == 0 && i < r->p->transfers; i++)
		rc = mf_crew_start(r->crew, "mf-copy", mirror_copier, r, &walk);
	if (rc == 0)
		rc = mirror_walk(r, &walk);
	if (rc != 0)
		mf_crew_cancel(r->crew, &walk);
	mf_queue_close(r->checks);
	if (mf_crew_join(r->crew, &crew) == 0)
		return 0;
	*e = crew;
	return -1;
}

/* After the crew: what comes last. */
static int
finish(struct mirror_run *r, struct mf_error *e)
{
	const struct mf_mirror_params *p = r->p;

	if (p->deletes && mirror_delete(r, e) != 0)
		return -1;
	if (r->late.n > 0 && mirror_put_late(r, e) != 0)
		return -1;
	if (p->dry_run)
		return 0;
	if (mirror_abandon_uploads(r, e) != 0)
		return -1;
	if (p->sweep_age_us > 0 && mf_tree_sweep(p->dst, p->sweep_age_us, e) != 0) {
		mf_log(MF_LOG_WARNING, "%s", e->message);
		mf_error_clear(e);
	}
	return mf_tree_sync(p->dst, e);
}

int
mf_mirror_run(
    const struct mf_mirror_params *params, struct mf_mirror_result *result, struct mf_error *e)
{
	struct mirror_run r = {
	    .p = params, .result = result, .failures = {.progress = params->progress}};
	struct mirror_memory memory;
	struct mf_error fatal = {0};
	char doing[256];

	*result = (struct mf_mirror_result){0};
	if (pthread_mutex_init(&r.lock, NULL) != 0)
		return mf_error_nomem(e, "a mirror");
	if (mirror_failures_init(&r.failures, e) != 0) {
		pthread_mutex_destroy(&r.lock);
		return -1;
	}
	mirror_remember(&memory, params);
	if (init(&r, &fatal) == 0) {
		/* what failed at first and then went well after all ended nothing */
		if (walk_and_copy(&r, &fatal) == 0 && finish(&r, &fatal) == 0)
			mf_error_clear(&fatal);
		if (!params->dry_run)
			save_known(&r);
	}
	mirror_remember_no_more(&memory);
	result->errors = mirror_failures_n(&r.failures);
	snprintf(doing, sizeof doing, "mirroring %.100s to %.100s", mf_tree_label(params->src),
	    mf_tree_label(params->dst));
	fini(&r);
	pthread_mutex_destroy(&r.lock);
	if (mirror_verdict(&r.failures, &fatal, doing, e) != 0) {
		mirror_failures_fini(&r.failures);
		return -1;
	}
	mirror_failures_fini(&r.failures);
	return 0;
}
