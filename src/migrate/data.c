/* The data of a run: pushed, brought to where it is served, and kept until the run is over. */
#include "src/migrate/migrate_int.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "src/base/log.h"
#include "src/repo/keep.h"
#include "src/repo/push.h"
#include "src/repo/version.h"

#define KEEP_US UINT64_C(604800000000) /* seven days */

/* Production moved since the plan was written; a run that goes on may have moved it itself. */
static int
check_sequence(const struct mf_migrating *x, struct mf_error *e)
{
	if (x->p->resume != MF_MIGRATE_FRESH || x->m->expect_sequence == 0 ||
	    x->m->expect_sequence == x->production_sequence)
		return 0;
	return mf_error_set(e, MF_ECONFLICT,
	    "%s: %s@%s has the sequence %llu, and the plan expects %llu", x->m->name, x->m->model,
	    x->m->production_ref, (unsigned long long)x->production_sequence,
	    (unsigned long long)x->m->expect_sequence);
}

int
mf_migrating_find(struct mf_migrating *x, struct mf_error *e)
{
	const struct mf_site_plan *d = &x->m->destination;

	if (x->p->repo == NULL) {
		(void)snprintf(x->version, sizeof x->version, "%s",
		    x->m->version == NULL ? "traffic" : x->m->version);
		return 0;
	}
	if (d->kind == MF_DESTINATION_DIR && !d->remote && d->link != NULL)
		mf_migrating_read_link(d, d->link, x->shown);
	/* a run that goes on knows it from its journal, and may not wait for a bucket */
	if (d->kind == MF_DESTINATION_MIRROR && x->p->resume == MF_MIGRATE_FRESH &&
	    mf_migrating_read_pointer(x, d, x->shown, e) != 0)
		return -1;
	return mf_migrating_find_version(x, e) != 0 || mf_migrating_find_production(x, e) != 0
		   ? -1
		   : check_sequence(x, e);
}

int
mf_migrating_check_rejected(
    const struct mf_migrating *x, const struct mf_version *v, struct mf_error *e)
{
	if (!v->rejected || x->p->allow_rejected || x->p->resume != MF_MIGRATE_FRESH ||
	    strcmp(x->version, x->previous) == 0)
		return 0;
	(void)mf_error_set(e, MF_EUSAGE, "%s@%s was rejected by an earlier run or rollback%s%s",
	    x->m->model, x->version, v->rejected_reason[0] == '\0' ? "" : ": ", v->rejected_reason);
	return mf_error_hint(e,
	    "carry another version, or this one all the same with --allow-rejected, where what "
	    "was wrong is not the version's fault or is mended");
}

/* 0: it is there, and *v is it. 1: it is not. */
static int
look_up(struct mf_migrating *x, struct mf_version *v, struct mf_error *e)
{
	int rc = mf_version_find(x->p->repo, x->m->model, x->version, v, e);

	if (rc == 0 && mf_migrating_check_rejected(x, v, e) != 0) {
		mf_version_fini(v);
		return -1;
	}
	return rc;
}

const char *
mf_migrating_source_dir(const struct mf_migrating *x, char out[4096])
{
	const struct mf_site_plan *s = &x->m->source;

	if (s->dir == NULL || s->link == NULL)
		return s->dir;
	/* dir holds several versions; this is the one that is served */
	(void)snprintf(out, 4096, "%s/%s", s->dir, s->link);
	return out;
}

int
mf_migrating_push(struct mf_migrating *x, struct mf_error *e)
{
	char shown[4096];
	struct mf_push_params p = {
	    .dir = mf_migrating_source_dir(x, shown),
	    .model = x->m->model,
	    .version = x->version,
	    .signer = x->p->signer,
	    .by = x->p->actor,
	    .threads = x->p->threads,
	    .memory_bytes = x->p->memory_bytes,
	    .now_us = x->p->unix_us,
	    .interrupted = x->p->stopped,
	    .cache = x->p->cache,
	    .progress = x->p->progress,
	    .force = true, /* under this name, also where it equals the newest */
	};
	struct mf_push_result result;
	struct mf_version v = {0};
	int there;

	if (x->p->repo == NULL)
		return 0;
	there = look_up(x, &v, e);
	if (there < 0)
		return -1;
	mf_version_fini(&v);
	if (there == 0)
		return 0;
	if (p.dir == NULL)
		return mf_error_set(e, MF_ENOTFOUND,
		    "%s@%s is not in the repository, and the source has no directory to push",
		    x->m->model, x->version);
	mf_migrating_stage(x, MF_STAGE_PUSH, p.dir);
	return mf_push(x->p->repo, &p, &result, e);
}

int
mf_migrating_bring(struct mf_migrating *x, const struct mf_bringing *b, struct mf_error *e)
{
	return b->site->kind == MF_DESTINATION_MIRROR ? mf_migrating_mirror(x, b, e)
						      : mf_migrating_pull(x, b, e);
}

int
mf_migrating_deliver(struct mf_migrating *x, struct mf_error *e)
{
	const struct mf_site_plan *d = &x->m->destination;

	if (x->p->repo == NULL || (d->kind == MF_DESTINATION_NONE && !d->remote))
		return 0;
	if (mf_migrating_move_candidate(x, x->version, e) != 0)
		return -1;
	mf_migrating_stage(x, MF_STAGE_DELIVER,
	    d->remote           ? d->name
	    : d->mirror != NULL ? d->mirror
				: d->dir);
	if (d->remote)
		return mf_migrating_wait_for_receipts(x, x->version, 0, e);
	return mf_migrating_bring_whole(x, e);
}

int
mf_migrating_keep_one(
    struct mf_migrating *x, const char *model, const char *version, struct mf_error *e)
{
	struct mf_version v = {0};
	int rc;

	if (version[0] == '\0')
		return 0;
	rc = mf_version_find(x->p->repo, model, version, &v, e);
	if (rc == 0)
		rc = mf_keep(x->p->repo, &v, x->p->run_id, x->p->actor, MF_KEEP_OPEN, e);
	mf_version_fini(&v);
	return rc < 0 ? -1 : 0; /* what is gone already cannot be kept */
}

int
mf_migrating_keep(struct mf_migrating *x, struct mf_error *e)
{
	if (x->p->repo == NULL)
		return 0;
	if (mf_migrating_keep_one(x, x->m->model, x->version, e) != 0 ||
	    mf_migrating_keep_one(x, x->m->model, x->previous, e) != 0 ||
	    mf_migrating_keep_one(x, x->m->model, x->shown, e) != 0)
		return -1;
	return mf_migrating_keep_candidates(x, e);
}

void
mf_migrating_let_go(struct mf_migrating *x, bool succeeded)
{
	uint64_t keep = x->m->rollback.keep_us == 0 ? KEEP_US : x->m->rollback.keep_us;
	int64_t now = x->p->unix_us();
	struct mf_error e = {0};

	if (x->p->repo != NULL && mf_keep_release(x->p->repo, x->p->run_id,
				      succeeded ? now + (int64_t)keep : now, now, &e) != 0)
		mf_log(MF_LOG_WARNING, "what the run kept is kept on: %s", e.message);
}
