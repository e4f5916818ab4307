/* The data of a run: versions, refs, and what lies at the destination. */
#include "src/migrate/migrate_int.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "src/base/fs.h"
#include "src/base/log.h"
#include "src/repo/keep.h"
#include "src/repo/pull.h"
#include "src/repo/push.h"
#include "src/repo/receipt.h"
#include "src/repo/ref.h"
#include "src/repo/version.h"

#define KEEP_LOCAL 2u                  /* the new version, and the one to go back to */
#define KEY_TAIL_BYTES 17u             /* "-" and 16 digits behind a version's name in a KEY */
#define KEEP_US UINT64_C(604800000000) /* seven days */
#define LINK_TARGET_BYTES 1024u
#define RECEIPT_AGE_US UINT64_C(3600000000) /* where the plan does not say */
#define RECEIPT_POLL_US UINT64_C(2000000)
#define BACK_US UINT64_C(600000000) /* how long a remote site may take to go back */

static void
set_text(char out[MF_VERSION_BYTES], const char *text)
{
	(void)snprintf(out, MF_VERSION_BYTES, "%s", text);
}

static int
spec_of(char out[MF_VERSION_SPEC_BYTES], const struct mf_migrating *x, const char *version,
    struct mf_error *e)
{
	int n = snprintf(out, MF_VERSION_SPEC_BYTES, "%s@%s", x->m->model, version);

	if (n < 0 || n >= (int)MF_VERSION_SPEC_BYTES)
		return mf_error_set(e, MF_EUSAGE, "%s: the name is too long", x->m->model);
	return 0;
}

/* What production names now; none is no error. */
static int
find_production(struct mf_migrating *x, struct mf_error *e)
{
	struct mf_ref ref = {0};
	struct mf_error none = {0};

	if (mf_ref_get(x->p->repo, x->m->model, x->m->production_ref, &ref, &none) != 0) {
		if (none.code != MF_ENOTFOUND) {
			*e = none;
			return -1;
		}
		return 0;
	}
	set_text(x->previous, ref.version);
	x->production_sequence = ref.sequence;
	mf_ref_fini(&ref);
	return 0;
}

/* The version that is carried: as the plan names it, or what its ref points at. */
static int
find_version(struct mf_migrating *x, struct mf_error *e)
{
	char spec[MF_VERSION_SPEC_BYTES];
	struct mf_version v = {0};
	struct mf_demands d = {.trust = x->p->trust, .now_us = x->p->unix_us()};

	if (x->m->version != NULL) {
		set_text(x->version, x->m->version);
		return 0;
	}
	if (spec_of(spec, x, x->m->from_ref, e) != 0 ||
	    mf_version_resolve_as(x->p->repo, spec, &d, &v, e) != 0)
		return -1;
	set_text(x->version, v.root.version);
	mf_version_fini(&v);
	return 0;
}

/* What DIR/NAME shows: the link's text, and the version's name in it. */
static void
read_link(struct mf_migrating *x)
{
	const struct mf_site_plan *d = &x->m->destination;
	char path[4096], target[LINK_TARGET_BYTES];
	const char *key;
	ssize_t n;
	size_t len;

	if (d->kind != MF_DESTINATION_DIR || d->remote || d->link == NULL ||
	    snprintf(path, sizeof path, "%s/%s", d->dir, d->link) < 0)
		return;
	n = readlink(path, target, sizeof target - 1);
	target[n < 0 ? 0 : n] = '\0';
	key = strrchr(target, '/');
	key = key == NULL ? target : key + 1;
	len = strlen(key);
	if (len > KEY_TAIL_BYTES && len - KEY_TAIL_BYTES < MF_VERSION_BYTES) {
		memcpy(x->shown, key, len - KEY_TAIL_BYTES);
		x->shown[len - KEY_TAIL_BYTES] = '\0';
	}
}

int
mf_migrating_find(struct mf_migrating *x, struct mf_error *e)
{
	if (x->p->repo == NULL) {
		set_text(x->version, x->m->version == NULL ? "traffic" : x->m->version);
		return 0;
	}
	read_link(x);
	return find_version(x, e) != 0 || find_production(x, e) != 0 ? -1 : 0;
}

/* 0: it is there, and *v is it. 1: it is not. */
static int
look_up(struct mf_migrating *x, struct mf_version *v, struct mf_error *e)
{
	int rc = mf_version_find(x->p->repo, x->m->model, x->version, v, e);

	if (rc == 0 && v->rejected) {
		mf_version_fini(v);
		return mf_error_set(e, MF_EUSAGE,
		    "%s@%s was rejected by an earlier run or rollback", x->m->model, x->version);
	}
	return rc;
}

int
mf_migrating_push(struct mf_migrating *x, struct mf_error *e)
{
	struct mf_push_params p = {
	    .dir = x->m->source.dir,
	    .model = x->m->model,
	    .version = x->version,
	    .signer = x->p->signer,
	    .by = x->p->actor,
	    .threads = x->p->threads,
	    .memory_bytes = x->p->memory_bytes,
	    .now_us = x->p->unix_us,
	    .interrupted = x->p->interrupted,
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

static int
pull(struct mf_migrating *x, const char *version, struct mf_error *e)
{
	const struct mf_site_plan *d = &x->m->destination;
	char spec[MF_VERSION_SPEC_BYTES];
	struct mf_pull_result result;
	struct mf_pull_params p = {
	    .spec = spec,
	    .dir = d->dir,
	    .link = d->link,
	    .trust = x->p->trust,
	    .keep_local = KEEP_LOCAL,
	    .leave_same = true,
	    .threads = x->p->threads,
	    .memory_bytes = x->p->memory_bytes,
	    .now_us = x->p->unix_us(),
	    .interrupted = x->leaving ? NULL : x->p->interrupted,
	    .progress = x->p->progress,
	};

	if (spec_of(spec, x, version, e) != 0)
		return -1;
	return mf_pull(x->p->repo, &p, &result, e);
}

/* `candidate` names what is being tried, for who follows it. */
static int
move_candidate(struct mf_migrating *x, const char *version, struct mf_error *e)
{
	struct mf_version v = {0};
	struct mf_ref_move move = {
	    .name = x->m->candidate_ref,
	    .to = &v,
	    .by = x->p->actor,
	    .signer = x->p->signer,
	    .now_us = x->p->unix_us(),
	};
	struct mf_ref now = {0};
	struct mf_error none = {0};
	int there, rc = 0;

	if (x->m->candidate_ref == NULL)
		return 0;
	there = mf_version_find(x->p->repo, x->m->model, version, &v, e);
	if (there != 0)
		return there < 0 ? -1
				 : mf_error_set(e, MF_ENOTFOUND, "%s@%s is not there any more",
				       x->m->model, version);
	if (mf_ref_get(x->p->repo, x->m->model, move.name, &now, &none) != 0 ||
	    strcmp(now.version, version) != 0)
		rc = mf_ref_set(x->p->repo, &move, NULL, e);
	mf_ref_fini(&now);
	mf_version_fini(&v);
	return rc;
}

/* How many sites have the version, by receipts that are fresh. 0; -1. */
static int
count_receipts(struct mf_migrating *x, const struct mf_version *v, size_t *n, struct mf_error *e)
{
	const struct mf_site_plan *d = &x->m->destination;
	uint64_t age = d->receipt_age_us == 0 ? RECEIPT_AGE_US : d->receipt_age_us;
	struct mf_receipts list;

	if (mf_receipts_list(x->p->repo, x->m->model, x->p->trust, x->p->unix_us(), &list, e) != 0)
		return -1;
	*n = mf_receipts_count(&list, v->digest, age, false);
	mf_receipts_fini(&list);
	return 0;
}

/*
 * A remote site pulls by itself, from the candidate ref, and says so in receipts. Waits until
 * enough of them have the version, for at most `most_us`; 0: as long as it takes.
 */
static int
wait_for_receipts(struct mf_migrating *x, const char *version, uint64_t most_us, struct mf_error *e)
{
	const unsigned wanted = x->m->destination.receipts == 0 ? 1 : x->m->destination.receipts;
	int64_t begun_us = x->p->boot_us();
	struct mf_version v = {0};
	size_t n = 0;
	int rc = mf_version_find(x->p->repo, x->m->model, version, &v, e);

	if (rc > 0)
		rc = mf_error_set(
		    e, MF_ENOTFOUND, "%s@%s is not there any more", x->m->model, version);
	while (rc == 0 && (rc = count_receipts(x, &v, &n, e)) == 0 && n < wanted) {
		if (mf_migrating_interrupted(x))
			rc = mf_error_set(e, MF_EINTERRUPTED,
			    "interrupted with %zu of %u receipts of %s", n, wanted, version);
		else if (most_us != 0 && (uint64_t)(x->p->boot_us() - begun_us) >= most_us)
			rc = mf_error_set(e, MF_EFAIL, "%zu of %u receipts of %s came in time", n,
			    wanted, version);
		else
			x->p->sleep(RECEIPT_POLL_US);
	}
	mf_version_fini(&v);
	return rc;
}

int
mf_migrating_deliver(struct mf_migrating *x, struct mf_error *e)
{
	const struct mf_site_plan *d = &x->m->destination;

	if (x->p->repo == NULL || (d->kind == MF_DESTINATION_NONE && !d->remote))
		return 0;
	if (move_candidate(x, x->version, e) != 0)
		return -1;
	mf_migrating_stage(x, MF_STAGE_DELIVER, d->remote ? d->name : d->dir);
	return d->remote ? wait_for_receipts(x, x->version, 0, e) : pull(x, x->version, e);
}

static int
keep_one(struct mf_migrating *x, const char *version, struct mf_error *e)
{
	struct mf_version v = {0};
	int rc;

	if (version[0] == '\0')
		return 0;
	rc = mf_version_find(x->p->repo, x->m->model, version, &v, e);
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
	return keep_one(x, x->version, e) != 0 || keep_one(x, x->previous, e) != 0 ||
		       keep_one(x, x->shown, e) != 0
		   ? -1
		   : 0;
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

int
mf_migrating_move_production(struct mf_migrating *x, struct mf_error *e)
{
	struct mf_version v = {0};
	struct mf_ref now = {0};
	struct mf_error none = {0};
	struct mf_ref_move move = {
	    .name = x->m->production_ref,
	    .to = &v,
	    .expect = x->previous,
	    .by = x->p->actor,
	    .signer = x->p->signer,
	    .now_us = x->p->unix_us(),
	};
	int rc;

	if (x->p->repo == NULL)
		return 0;
	if (mf_ref_get(x->p->repo, x->m->model, move.name, &now, &none) == 0) {
		rc = strcmp(now.version, x->version);
		mf_ref_fini(&now);
		if (rc == 0)
			return 0; /* by this run, before it was killed; or it was so all along */
	}
	rc = mf_version_find(x->p->repo, x->m->model, x->version, &v, e);
	if (rc != 0)
		return rc < 0 ? -1
			      : mf_error_set(e, MF_ENOTFOUND, "%s@%s is not there any more",
				    x->m->model, x->version);
	rc = mf_ref_set(x->p->repo, &move, NULL, e);
	mf_version_fini(&v);
	return rc;
}

static int
reject(struct mf_migrating *x, struct mf_error *e)
{
	struct mf_version v = {0};
	struct mf_annotation a = {
	    .rejected = 1,
	    .reason = mf_reason_name(x->reason),
	    .by = x->p->actor,
	};
	int rc = mf_version_find(x->p->repo, x->m->model, x->version, &v, e);

	if (rc == 0 && !v.rejected)
		rc = mf_version_annotate(x->p->repo, &v, &a, x->p->unix_us(), e);
	mf_version_fini(&v);
	return rc < 0 ? -1 : 0;
}

/* Only a version that failed of itself is no candidate any more. */
static bool
at_fault(enum mf_reason reason)
{
	return reason == MF_REASON_THRESHOLD || reason == MF_REASON_ABORT_METRIC ||
	       reason == MF_REASON_BAKE || reason == MF_REASON_CANARY_DEAD;
}

int
mf_migrating_refs_back(struct mf_migrating *x, struct mf_error *e)
{
	if (x->p->repo == NULL || !at_fault(x->reason) || strcmp(x->version, x->previous) == 0)
		return 0;
	return reject(x, e);
}

/* A remote site follows the candidate ref: it is told by it, and its receipts say that it did. */
static int
remote_back(struct mf_migrating *x, struct mf_error *e)
{
	if (x->previous[0] == '\0' || strcmp(x->previous, x->version) == 0)
		return 1;
	if (move_candidate(x, x->previous, e) != 0)
		return -1;
	return wait_for_receipts(x, x->previous, BACK_US, e);
}

int
mf_migrating_link_back(struct mf_migrating *x, struct mf_error *e)
{
	const struct mf_site_plan *d = &x->m->destination;

	if (x->p->repo != NULL && d->remote)
		return remote_back(x, e);
	if (x->p->repo == NULL || d->kind != MF_DESTINATION_DIR || x->shown[0] == '\0' ||
	    strcmp(x->shown, x->version) == 0)
		return 1;
	return pull(x, x->shown, e);
}
