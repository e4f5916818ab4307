/*
 * The version to go back to, derived from where production has been: `previous`, or the best.
 *
 * Without trust `previous` is the last version that was production, exists, and that no
 * annotation rejects. Whoever holds the data key can then choose it among the versions that ever were
 * production and more: he adds positions, or rejects what he does not like, and whoever can
 * write the store at all deletes marks, positions and annotations.
 *
 * With trust only signed bytes choose: the positions of production, each signed and none
 * missing, and the times in the roots, to which the positions commit by digest. A version
 * counts as rejected where production went from it to a version that was made earlier: that is
 * what a rollback signs. Annotations and forgets are signed by nobody. One that matters makes
 * the result a refusal, never another version, and a person names the version instead.
 */
#include <stdlib.h>
#include <string.h>

#include "src/repo/ref_int.h"

struct lineage {
	struct mf_repo *repo;
	const struct mf_demands *d;
	struct mf_refs history; /* oldest first */
	struct mf_versions vs;
	bool allow_rejected;
	bool to_show; /* an answer that somebody may have tampered with is better than none */
	bool production_counts; /* of the best: what production names may be it */
};

static bool
has_trust(const struct lineage *l)
{
	return l->d != NULL && l->d->trust != NULL;
}

static struct mf_version *
version_at(const struct lineage *l, size_t i)
{
	size_t k;

	for (k = 0; k < l->vs.n; k++)
		if (memcmp(l->vs.items[k].digest, l->history.items[i].digest, 32) == 0)
			return &l->vs.items[k];
	return NULL;
}

static bool
same_version(const struct lineage *l, size_t i, size_t k)
{
	return memcmp(l->history.items[i].digest, l->history.items[k].digest, 32) == 0;
}

static int
not_found(const struct mf_ref *now, struct mf_error *e)
{
	return mf_error_set(e, MF_ENOTFOUND,
	    "model %s has no earlier production version that was not rejected", now->model);
}

/* Without trust annotations count, and one that was removed may have rejected it. */
static int
refuse_removed(const struct mf_version *v, struct mf_error *e)
{
	mf_error_set(e, MF_EDAMAGED, "whether %s@%s was rejected cannot be told: an annotation was "
	    "removed", v->root.model, v->root.version);
	return mf_error_hint(e, "name a version instead; `modelferry show` says what is known of it");
}

/* An index of l->vs into *out; or -1. */
static int
choose(const struct lineage *l, size_t *out, struct mf_error *e)
{
	const struct mf_ref *now = &l->history.items[l->history.n - 1];
	const struct mf_version *v;
	size_t i;

	for (i = l->history.n - 1; i-- > 0;) {
		v = version_at(l, i);
		if (v == NULL || (v->rejected && !l->allow_rejected) ||
		    strcmp(v->root.version, now->version) == 0)
			continue;
		if (v->note_removed && !l->allow_rejected && !l->to_show)
			return refuse_removed(v, e);
		*out = (size_t)(v - l->vs.items);
		return 0;
	}
	return not_found(now, e);
}

static int
refuse(const struct mf_ref *at, const char *why, struct mf_error *e)
{
	mf_error_set(e, MF_EKEY, "`previous` of %s does not follow from signatures: %s@%s, sequence "
	    "%llu of %s, %s", at->model, at->model, at->version,
	    (unsigned long long)at->sequence, at->name, why);
	return mf_error_hint(e, "name the version itself, such as %s@%s; it must be signed all the same",
	    at->model, at->version);
}

/* Is position i what a signer put there? */
static int
check_position(const struct lineage *l, size_t i, struct mf_error *e)
{
	const struct mf_ref *ref = &l->history.items[i];

	if (i + 1 < l->history.n && ref->sequence + 1 != ref[1].sequence) {
		mf_error_set(e, MF_EKEY, "position %llu of the ref %s@%s is missing",
		    (unsigned long long)ref[1].sequence - 1, ref->model, ref->name);
		return mf_error_hint(e, "somebody removed it; name a version instead of `previous`");
	}
	return mf_ref_verify(l->repo, ref, l->d->trust, l->d->now_us, e);
}

/* Is the oldest position the first, or can a prune have trimmed those before it? */
static int
check_first(const struct lineage *l, struct mf_error *e)
{
	const struct mf_ref *first = &l->history.items[0];

	if (first->sequence == 1 || l->history.n >= MF_REF_HISTORY_MAX)
		return 0;
	mf_error_set(e, MF_EKEY, "the positions of the ref %s@%s before %llu are missing",
	    first->model, first->name, (unsigned long long)first->sequence);
	return mf_error_hint(e, "somebody removed them; name a version instead of `previous`");
}

/* What counts is how production left a version the last time: is there a newer position of the
 * one at i? */
static bool
is_later_too(const struct lineage *l, size_t i)
{
	size_t k;

	for (k = i + 1; k < l->history.n; k++)
		if (same_version(l, i, k))
			return true;
	return false;
}

/* Was the version of position i + 1 in production before i too, as far down as it is signed? */
static bool
had_been_before(const struct lineage *l, size_t i)
{
	struct mf_error ignored;
	size_t k;

	mf_error_clear(&ignored);
	for (k = i; k-- > 0 && check_position(l, k, &ignored) == 0;)
		if (same_version(l, k, i + 1))
			return true;
	return false;
}

/* Did production go back from position i? 1, 0; -1: nobody can tell. */
static int
went_back(const struct lineage *l, size_t i, struct mf_error *e)
{
	const struct mf_version *from = version_at(l, i), *to = version_at(l, i + 1);

	if (from != NULL && to != NULL)
		return to->root.created_us <= from->root.created_us;
	if (had_been_before(l, i))
		return 1;
	return refuse(&l->history.items[i],
	    from == NULL ? "is gone, by a forget or otherwise"
			 : "was left for a version that is gone, by a forget or otherwise", e);
}

static int
choose_signed(const struct lineage *l, size_t *out, struct mf_error *e)
{
	const struct mf_version *v;
	size_t i;
	int back;

	for (i = l->history.n - 1; i-- > 0;) {
		if (check_position(l, i, e) != 0)
			return -1;
		if (is_later_too(l, i))
			continue;
		if ((back = l->allow_rejected ? 0 : went_back(l, i, e)) < 0)
			return -1;
		if (back == 1)
			continue;
		if ((v = version_at(l, i)) == NULL)
			return refuse(&l->history.items[i], "is gone, by a forget or otherwise", e);
		if (v->rejected && !l->allow_rejected)
			return refuse(&l->history.items[i], "is rejected by a note that nobody signed", e);
		*out = (size_t)(v - l->vs.items);
		return 0;
	}
	if (check_first(l, e) != 0)
		return -1;
	return not_found(&l->history.items[l->history.n - 1], e);
}

static void
close_lineage(struct lineage *l)
{
	mf_refs_fini(&l->history);
	mf_versions_fini(&l->vs);
}

static int
open_lineage(struct lineage *l, const char *model, struct mf_error *e)
{
	int rc;

	if (mf_ref_history(l->repo, model, "production", &l->history, e) != 0)
		return -1;
	if (l->history.n > 0)
		rc = mf_ref_check(l->repo, &l->history.items[l->history.n - 1], l->d, e);
	else if ((rc = mf_ref_check_absent(l->repo, model, "production", l->d, e)) == 0)
		rc = mf_error_set(e, MF_ENOTFOUND, "model %s has no ref production", model);
	if (rc == 0)
		rc = mf_versions_list(l->repo, model, NULL, NULL, &l->vs, e);
	if (rc != 0)
		close_lineage(l);
	return rc;
}

static int
previous(struct lineage *l, const char *model, struct mf_version *out, struct mf_error *e)
{
	size_t chosen = 0;
	int rc;

	*out = (struct mf_version){0};
	if (open_lineage(l, model, e) != 0)
		return -1;
	rc = has_trust(l) ? choose_signed(l, &chosen, e) : choose(l, &chosen, e);
	if (rc == 0) {
		*out = l->vs.items[chosen];
		l->vs.items[chosen] = (struct mf_version){0};
	}
	close_lineage(l);
	return rc;
}

int
mf_ref_previous(struct mf_repo *repo, const char *model, bool allow_rejected,
    const struct mf_demands *d, struct mf_version *out, struct mf_error *e)
{
	struct lineage l = {.repo = repo, .d = d, .allow_rejected = allow_rejected};

	return previous(&l, model, out, e);
}

int
mf_ref_previous_shown(struct mf_repo *repo, const char *model, struct mf_version *out,
    struct mf_error *e)
{
	struct lineage l = {.repo = repo, .to_show = true};

	return previous(&l, model, out, e);
}

/* A version that was never production has no position: all must be there to say so. */
static int
check_all(const struct lineage *l, struct mf_error *e)
{
	size_t i;

	for (i = l->history.n - 1; i-- > 0;)
		if (check_position(l, i, e) != 0)
			return -1;
	return check_first(l, e);
}

/* Is v no candidate? 1, 0; -1: nobody can tell. */
static int
is_out(const struct lineage *l, const struct mf_version *v, struct mf_error *e)
{
	struct mf_error ignored;
	size_t i;

	if (!l->production_counts &&
	    memcmp(v->digest, l->history.items[l->history.n - 1].digest, 32) == 0)
		return 1;
	if (!has_trust(l))
		return v->rejected && !l->allow_rejected;
	mf_error_clear(&ignored);
	if (mf_root_verify(&v->root, v->root_bytes.data, v->root_bytes.len, l->d->trust,
		l->d->now_us, &ignored) != 0)
		return 1;
	for (i = l->history.n - 1; !l->allow_rejected && i-- > 0;)
		if (version_at(l, i) == v)
			return went_back(l, i, e);
	return 0;
}

static const double *
find_metric(const struct mf_root *root, const char *name)
{
	size_t i;

	for (i = 0; i < root->n_metrics; i++)
		if (strcmp(root->metrics[i].name, name) == 0)
			return &root->metrics[i].value;
	return NULL;
}

static bool
is_left_out(const struct mf_best *p, const char *version)
{
	size_t i;

	for (i = 0; i < p->n_without; i++)
		if (strcmp(p->without[i], version) == 0)
			return true;
	return false;
}

/* May the chosen one be taken? What nobody signs may only make this refuse. */
static int
check_best(const struct lineage *l, const struct mf_version *v, const char *metric,
    struct mf_error *e)
{
	if (v->rejected && !l->allow_rejected) {
		mf_error_set(e, MF_EKEY,
		    "%s@%s has the best %s, and a note that nobody signed rejects it", v->root.model,
		    v->root.version, metric);
		return mf_error_hint(e, "say where to go with --to");
	}
	if (v->note_removed && !l->allow_rejected && !has_trust(l))
		return refuse_removed(v, e);
	return 0;
}

/* The best of those that are not taken yet, into *out. 0; 1: there is none; -1. */
static int
choose_best(const struct lineage *l, const struct mf_best *p, const bool *taken, size_t *out,
    struct mf_error *e)
{
	const double *value;
	bool any = false;
	double best = 0;
	size_t i;
	int is;

	for (i = 0; i < l->vs.n; i++) {
		value = find_metric(&l->vs.items[i].root, p->metric);
		if (value == NULL || taken[i] || (any && !(*value > best)) ||
		    is_left_out(p, l->vs.items[i].root.version))
			continue;
		if ((is = is_out(l, &l->vs.items[i], e)) < 0)
			return -1;
		if (is == 1)
			continue;
		any = true;
		*out = i;
		best = *value;
	}
	return any ? check_best(l, &l->vs.items[*out], p->metric, e) : 1;
}

/* taken says which; all are chosen before one is moved: who was in production before whom tells
 * what counts as rejected. */
static int
take_best(struct lineage *l, const struct mf_best *p, bool *taken, size_t *order,
    struct mf_versions *out, struct mf_error *e)
{
	size_t n = 0, i;
	int rc = 0;

	while (n < p->most && (rc = choose_best(l, p, taken, &order[n], e)) == 0)
		taken[order[n++]] = true;
	if (rc < 0 && n == 0)
		return -1;
	mf_error_clear(e); /* those before it are good */
	if (n == 0)
		return mf_error_set(e, MF_ENOTFOUND,
		    "no other version of %s that was not rejected has a metric %s", p->model,
		    p->metric);
	if ((out->items = calloc(n, sizeof(*out->items))) == NULL)
		return mf_error_nomem(e, "the best versions");
	for (i = 0; i < n; i++) {
		out->items[i] = l->vs.items[order[i]];
		l->vs.items[order[i]] = (struct mf_version){0};
	}
	out->n = n;
	return 0;
}

static int
list_best(struct lineage *l, const struct mf_best *p, struct mf_versions *out, struct mf_error *e)
{
	bool *taken;
	size_t *order;
	int rc;

	*out = (struct mf_versions){0};
	if (open_lineage(l, p->model, e) != 0)
		return -1;
	taken = calloc(l->vs.n + 1, sizeof(*taken));
	order = calloc(p->most + 1, sizeof(*order));
	rc = taken == NULL || order == NULL ? mf_error_nomem(e, "the best versions") : 0;
	if (rc == 0 && has_trust(l))
		rc = check_all(l, e);
	if (rc == 0)
		rc = take_best(l, p, taken, order, out, e);
	free(taken);
	free(order);
	close_lineage(l);
	return rc;
}

int
mf_ref_list_best(struct mf_repo *repo, const struct mf_best *p, const struct mf_demands *d,
    struct mf_versions *out, struct mf_error *e)
{
	struct lineage l = {.repo = repo, .d = d, .production_counts = true};

	return list_best(&l, p, out, e);
}

int
mf_ref_best(struct mf_repo *repo, const char *model, const char *metric, bool allow_rejected,
    const struct mf_demands *d, struct mf_version *out, struct mf_error *e)
{
	struct lineage l = {.repo = repo, .d = d, .allow_rejected = allow_rejected};
	const struct mf_best p = {.model = model, .metric = metric, .most = 1};
	struct mf_versions best;

	*out = (struct mf_version){0};
	if (list_best(&l, &p, &best, e) != 0)
		return -1;
	*out = best.items[0];
	free(best.items);
	return 0;
}
