/* The way back. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/repo/annotation_int.h"
#include "src/repo/ref_int.h"

/* Where to; with trust the version is signed. */
static int
target(struct mf_repo *repo, const struct mf_rollback *p, const struct mf_demands *d,
    struct mf_version *out, struct mf_error *e)
{
	char spec[400];
	int rc;

	*out = (struct mf_version){0};
	if (p->to == NULL) {
		rc = p->best != NULL
		    ? mf_ref_best(repo, p->model, p->best, p->allow_rejected, d, out, e)
		    : mf_ref_previous(repo, p->model, p->allow_rejected, d, out, e);
		if (rc == 0 && d->trust != NULL &&
		    mf_root_verify(&out->root, out->root_bytes.data, out->root_bytes.len, d->trust,
			d->now_us, e) != 0) {
			mf_version_fini(out);
			rc = -1;
		}
		return rc;
	}
	snprintf(spec, sizeof(spec), "%s@%s", p->model, p->to);
	if (mf_version_resolve_as(repo, spec, d, out, e) != 0)
		return -1;
	if (out->rejected && !p->allow_rejected) {
		mf_error_set(e, MF_EUSAGE, "%s was rejected%s%s", spec,
		    out->rejected_reason[0] ? ": " : "", out->rejected_reason);
		mf_error_hint(e, "--allow-rejected takes it all the same");
		mf_version_fini(out);
		return -1;
	}
	return 0;
}

/* The ref first, then the mark: a run cut off in between has rolled back. */
static int
move_and_reject(struct mf_repo *repo, const struct mf_rollback *p, const struct mf_ref *now,
    const struct mf_version *to, struct mf_error *e)
{
	struct mf_ref_move move = {.name = "production", .to = to, .expect = now->version,
	    .by = p->by, .signer = p->signer, .now_us = p->now_us};
	struct mf_annotation a = {.rejected = 1, .reason = p->reason, .by = p->by};
	struct mf_version left;
	char spec[400];
	int rc;

	if (mf_ref_set(repo, &move, NULL, e) != 0)
		return -1;
	snprintf(spec, sizeof(spec), "%s@%s", p->model, now->version);
	if (mf_version_resolve(repo, spec, &left, e) != 0)
		return e->code == MF_ENOTFOUND ? 0 : -1;
	rc = mf_version_annotate(repo, &left, &a, p->now_us, e);
	mf_version_fini(&left);
	return rc;
}

int
mf_ref_rollback(struct mf_repo *repo, const struct mf_rollback *p, char **from, char **to,
    struct mf_error *e)
{
	const struct mf_demands d = {.trust = p->trust, .now_us = p->now_us};
	const struct mf_annotation a = {.rejected = 1, .reason = p->reason, .by = p->by};
	struct mf_version v;
	struct mf_ref now;
	int rc;

	*from = *to = NULL;
	if (mf_annotation_check(&a, e) != 0)
		return -1;
	if (mf_ref_get(repo, p->model, "production", &now, e) != 0)
		return mf_error_while(e, "rolling %s back", p->model);
	if (mf_ref_check(repo, &now, &d, e) != 0 || target(repo, p, &d, &v, e) != 0) {
		mf_ref_fini(&now);
		return mf_error_while(e, "rolling %s back", p->model);
	}
	if (strcmp(v.root.version, now.version) == 0)
		rc = mf_error_set(e, MF_EUSAGE, "%s is at %s already", p->model, now.version);
	else
		rc = move_and_reject(repo, p, &now, &v, e);
	if (rc == 0 &&
	    ((*from = strdup(now.version)) == NULL || (*to = strdup(v.root.version)) == NULL))
		rc = mf_error_nomem(e, "a name");
	mf_ref_fini(&now);
	mf_version_fini(&v);
	return rc;
}
