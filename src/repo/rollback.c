/* `previous`, and the way back. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/repo/ref.h"

static struct mf_version *
version_named(const struct mf_versions *vs, const struct mf_ref *ref)
{
	size_t i;

	for (i = 0; i < vs->n; i++)
		if (memcmp(vs->items[i].digest, ref->digest, sizeof(ref->digest)) == 0)
			return &vs->items[i];
	return NULL;
}

int
mf_ref_previous(struct mf_repo *repo, const char *model, bool allow_rejected,
    struct mf_version *out, struct mf_error *e)
{
	struct mf_refs history;
	struct mf_versions vs;
	struct mf_version *v;
	size_t i;

	*out = (struct mf_version){0};
	if (mf_ref_history(repo, model, "production", &history, e) != 0)
		return -1;
	if (mf_versions_list(repo, model, NULL, NULL, &vs, e) != 0) {
		mf_refs_fini(&history);
		return -1;
	}
	for (v = NULL, i = history.n; v == NULL && history.n > 1 && i-- > 0;) {
		v = version_named(&vs, &history.items[i]);
		if (v != NULL &&
		    ((v->rejected && !allow_rejected) ||
			strcmp(v->root.version, history.items[history.n - 1].version) == 0))
			v = NULL;
	}
	if (v != NULL) {
		*out = *v;
		*v = (struct mf_version){0};
	}
	mf_refs_fini(&history);
	mf_versions_fini(&vs);
	if (out->root.model != NULL && v != NULL)
		return 0;
	return mf_error_set(e, MF_ENOTFOUND,
	    "model %s has no earlier production version that was not rejected", model);
}

static int
find_metric(const struct mf_root *root, const char *name, double *value)
{
	size_t i;

	for (i = 0; i < root->n_metrics; i++) {
		if (strcmp(root->metrics[i].name, name) == 0) {
			*value = root->metrics[i].value;
			return 0;
		}
	}
	return -1;
}

/* The version with the highest recorded metric that is neither rejected nor production. */
static int
best_version(struct mf_repo *repo, const struct mf_rollback *p, const struct mf_ref *now,
    struct mf_version *out, struct mf_error *e)
{
	struct mf_versions vs;
	double best = 0, value;
	size_t i, at = SIZE_MAX;

	if (mf_versions_list(repo, p->model, NULL, NULL, &vs, e) != 0)
		return -1;
	for (i = 0; i < vs.n; i++) {
		if ((vs.items[i].rejected && !p->allow_rejected) ||
		    strcmp(vs.items[i].root.version, now->version) == 0 ||
		    find_metric(&vs.items[i].root, p->best, &value) != 0)
			continue;
		if (at == SIZE_MAX || value > best) {
			at = i;
			best = value;
		}
	}
	if (at != SIZE_MAX) {
		*out = vs.items[at];
		vs.items[at] = (struct mf_version){0};
	}
	mf_versions_fini(&vs);
	if (at != SIZE_MAX)
		return 0;
	return mf_error_set(e, MF_ENOTFOUND,
	    "no other version of %s that was not rejected has a metric %s", p->model, p->best);
}

static int
target(struct mf_repo *repo, const struct mf_rollback *p, const struct mf_ref *now,
    struct mf_version *out, struct mf_error *e)
{
	char spec[400];

	*out = (struct mf_version){0};
	if (p->best != NULL)
		return best_version(repo, p, now, out, e);
	if (p->to == NULL)
		return mf_ref_previous(repo, p->model, p->allow_rejected, out, e);
	snprintf(spec, sizeof(spec), "%s@%s", p->model, p->to);
	if (mf_version_resolve(repo, spec, out, e) != 0)
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
	struct mf_version v;
	struct mf_ref now;
	int rc;

	*from = *to = NULL;
	if (mf_ref_get(repo, p->model, "production", &now, e) != 0)
		return mf_error_while(e, "rolling %s back", p->model);
	if (target(repo, p, &now, &v, e) != 0) {
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
