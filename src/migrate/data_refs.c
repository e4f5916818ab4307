/* The names of a run: versions, what refs point at, and moving them. */
#include "src/migrate/migrate_int.h"

#include <stdio.h>
#include <string.h>

#include "src/base/log.h"
#include "src/repo/ref.h"
#include "src/repo/version.h"

static void
set_text(char out[MF_VERSION_BYTES], const char *text)
{
	(void)snprintf(out, MF_VERSION_BYTES, "%s", text);
}

/* What production names now; none is no error. */
int
mf_migrating_find_production(struct mf_migrating *x, struct mf_error *e)
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
int
mf_migrating_find_version(struct mf_migrating *x, struct mf_error *e)
{
	char spec[MF_VERSION_SPEC_BYTES];
	struct mf_version v = {0};
	struct mf_demands d = {.trust = x->p->trust, .now_us = x->p->unix_us()};

	if (x->m->version != NULL) {
		set_text(x->version, x->m->version);
		return 0;
	}
	if (mf_migrating_spec(spec, x->m->model, x->m->from_ref, e) != 0 ||
	    mf_version_resolve_as(x->p->repo, spec, &d, &v, e) != 0)
		return -1;
	set_text(x->version, v.root.version);
	mf_version_fini(&v);
	return 0;
}

/* `candidate` names what is being tried, for who follows it. */
int
mf_migrating_move_candidate(struct mf_migrating *x, const char *version, struct mf_error *e)
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

/* production, from expect to the version. */
static int
move_production(struct mf_migrating *x, const char *version, const char *expect, struct mf_error *e)
{
	struct mf_version v = {0};
	struct mf_ref_move move = {
	    .name = x->m->production_ref,
	    .to = &v,
	    .expect = expect,
	    .by = x->p->actor,
	    .signer = x->p->signer,
	    .now_us = x->p->unix_us(),
	};
	int rc = mf_version_find(x->p->repo, x->m->model, version, &v, e);

	if (rc != 0)
		return rc < 0 ? -1
			      : mf_error_set(e, MF_ENOTFOUND, "%s@%s is not there any more",
				    x->m->model, version);
	rc = mf_ref_set(x->p->repo, &move, NULL, e);
	mf_version_fini(&v);
	return rc;
}

int
mf_migrating_production_now(
    struct mf_migrating *x, char out[MF_VERSION_BYTES], struct mf_error *e)
{
	struct mf_ref now = {0};
	struct mf_error why = {0};

	out[0] = '\0';
	if (mf_ref_get(x->p->repo, x->m->model, x->m->production_ref, &now, &why) == 0) {
		set_text(out, now.version);
		mf_ref_fini(&now);
		return 0;
	}
	if (why.code == MF_ENOTFOUND)
		return 0;
	*e = why;
	return -1;
}

/* A version marked as rejected has come through: the mark would keep later runs from going back to
 * it. */
static void
take_mark_off(struct mf_migrating *x)
{
	const struct mf_annotation a = {.rejected = -1, .by = x->p->actor};
	struct mf_version v = {0};
	struct mf_error why = {0};

	if (mf_version_find(x->p->repo, x->m->model, x->version, &v, &why) < 0 ||
	    (v.rejected && mf_version_annotate(x->p->repo, &v, &a, x->p->unix_us(), &why) != 0))
		mf_log(MF_LOG_WARNING, "%s@%s stays marked as rejected: %s", x->m->model,
		    x->version, why.message);
	mf_version_fini(&v);
}

int
mf_migrating_move_production(struct mf_migrating *x, struct mf_error *e)
{
	char now[MF_VERSION_BYTES];

	if (x->p->repo == NULL)
		return 0;
	if (mf_migrating_production_now(x, now, e) != 0)
		return -1;
	/* else it was so all along, or by this run, before it was killed */
	if (strcmp(now, x->version) != 0 && move_production(x, x->version, x->previous, e) != 0)
		return -1;
	take_mark_off(x);
	return 0;
}

int
mf_migrating_follow_fallback(struct mf_migrating *x, const char *version, struct mf_error *e)
{
	char now[MF_VERSION_BYTES];

	if (mf_migrating_production_now(x, now, e) != 0)
		return -1;
	if (strcmp(now, version) == 0)
		return 0;
	/* this run put it there, or found it there */
	if (strcmp(now, x->previous) == 0 || mf_migrating_is_candidate(x, now))
		return move_production(x, version, now, e);
	return mf_error_set(e, MF_ECONFLICT,
	    "%s@%s names \"%s\", which somebody else put there: it was left alone", x->m->model,
	    x->m->production_ref, now);
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
	x->rejected |= rc >= 0;
	return rc < 0 ? -1 : 0;
}

/* Where this run moved production: it was killed before it could say that it had ended, and then
 * told to turn back. What it names goes with the traffic. */
static int
production_back(struct mf_migrating *x, struct mf_error *e)
{
	char now[MF_VERSION_BYTES];

	if (!x->referenced)
		return 0;
	if (mf_migrating_production_now(x, now, e) != 0)
		return -1;
	if (strcmp(now, x->version) != 0)
		return 0;
	if (x->previous[0] == '\0')
		return mf_error_set(e, MF_EFAIL, "%s@%s named no version before, and names %s now",
		    x->m->model, x->m->production_ref, now);
	return move_production(x, x->previous, x->version, e);
}

/* A Canary's checks fail for a lack of data, or a router's trouble, too. */
static bool
was_measured(const struct mf_migrating *x)
{
	const struct mf_engine *g = &x->engine;

	return g->rollout_plan != NULL ||
	       (x->in_tick ? g->next.canary.at_fault : g->state.canary.at_fault);
}

/* Only a version that failed of itself is no candidate any more. One whose servers went away may
 * be what ended them, and is marked with that reason. */
static bool
at_fault(const struct mf_migrating *x)
{
	switch (x->reason) {
	case MF_REASON_THRESHOLD:
	case MF_REASON_BAKE: return was_measured(x);
	case MF_REASON_ABORT_METRIC:
	case MF_REASON_CANARY_DEAD: return true;
	default: return false;
	}
}

int
mf_migrating_refs_back(struct mf_migrating *x, struct mf_error *e)
{
	if (x->p->repo == NULL || strcmp(x->version, x->previous) == 0)
		return 0;
	if (production_back(x, e) != 0)
		return -1;
	return at_fault(x) ? reject(x, e) : 0;
}
