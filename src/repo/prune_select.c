/*
 * Keep rules. A version stays if any rule says so, or a ref (or `previous`) is at it. Rules are
 * OR-ed; without one every version stays.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/log.h"
#include "src/repo/each_int.h"
#include "src/repo/forget_int.h"
#include "src/repo/locked_int.h"
#include "src/repo/keep.h"
#include "src/repo/prune_int.h"
#include "src/repo/ref.h"

static bool
has_rules(const struct mf_prune_params *p)
{
	return p->keep_last > 0 || p->keep_within_us > 0 || p->n_keep_tags > 0;
}

static bool
has_tag(const struct mf_root *root, const char *rule)
{
	const char *equals = strchr(rule, '=');
	size_t n = equals != NULL ? (size_t)(equals - rule) : strlen(rule), i;

	for (i = 0; i < root->n_tags; i++)
		if (strncmp(root->tags[i].key, rule, n) == 0 && root->tags[i].key[n] == '\0' &&
		    (equals == NULL || strcmp(root->tags[i].value, equals + 1) == 0))
			return true;
	return false;
}

/* `newer`: how many versions of the model are newer. */
static bool
is_kept(const struct mf_prune_params *p, const struct mf_version *v, size_t newer)
{
	size_t i;

	if (newer < p->keep_last)
		return true;
	if (p->keep_within_us > 0 && v->root.created_us > p->now_us - p->keep_within_us)
		return true;
	for (i = 0; i < p->n_keep_tags; i++)
		if (has_tag(&v->root, p->keep_tags[i]))
			return true;
	return false;
}

static bool
is_ref_at(const struct mf_refs *refs, const char *version)
{
	size_t i;

	for (i = 0; i < refs->n; i++)
		if (strcmp(refs->items[i].version, version) == 0)
			return true;
	return false;
}

/* Versions that no rule keeps. Each is forgotten for itself, and may be beside others, as by
 * another prune. */
struct dropping {
	struct mf_prune_run *run;
	const struct mf_version **items; /* borrowed */
	size_t n;
	pthread_mutex_t lock; /* of what the run is told */
};

/* It was forgotten. */
static int
note_dropped(struct mf_prune_run *run, const struct mf_version *v, struct mf_error *e)
{
	const struct mf_prune_params *p = run->p;
	char name[MF_OBJECT_NAME_BYTES];

	run->out->versions_forgotten++;
	if (p->forgotten != NULL)
		p->forgotten(p->arg, v->root.model, v->root.version);
	snprintf(name, sizeof(name), "m/%s", v->object);
	mf_names_add(&run->dropped, name);
	return run->dropped.failed ? mf_error_nomem(e, "a list of versions") : 0;
}

static int
drop(void *arg, size_t i, struct mf_error *e)
{
	struct dropping *d = arg;
	struct mf_prune_run *run = d->run;
	const struct mf_version *v = d->items[i];
	char name[MF_OBJECT_NAME_BYTES];
	bool locked = false;
	int rc;

	if (mf_prune_interrupted(run, e))
		return -1;
	rc = run->p->dry_run ? mf_version_is_held(run->repo, v, e)
			     : mf_version_forget(run->repo, v, e);
	snprintf(name, sizeof(name), "v/%s", v->object);
	if (rc != 0 && !(locked = mf_locked(run->repo->store, name, e))) {
		if (e->code != MF_ECONFLICT)
			return -1;
		mf_error_clear(e); /* a ref was moved there just now, or a run keeps it */
		return 0;
	}
	pthread_mutex_lock(&d->lock);
	rc = locked ? mf_prune_note_locked(run, name, e) : note_dropped(run, v, e);
	pthread_mutex_unlock(&d->lock);
	return rc;
}

/* All versions of one model, oldest first. A version whose manifest stands twice (a rekey is
 * under way) counts once. */
static int
select_model(struct dropping *d, const struct mf_version *vs, size_t n, struct mf_error *e)
{
	struct mf_prune_run *run = d->run;
	struct mf_refs refs;
	size_t i, newer = 0;

	if (mf_ref_list(run->repo, vs[0].root.model, &refs, e) != 0)
		return -1;
	for (i = n; i-- > 0;) {
		if (i + 1 < n && strcmp(vs[i].root.version, vs[i + 1].root.version) != 0)
			newer++;
		if (!is_kept(run->p, &vs[i], newer) && !is_ref_at(&refs, vs[i].root.version))
			d->items[d->n++] = &vs[i];
	}
	mf_refs_fini(&refs);
	return 0;
}

static int
select_and_drop(struct dropping *d, const struct mf_versions *vs, struct mf_error *e)
{
	struct mf_repo_work work = {.work = drop, .arg = d};
	size_t i, first;
	int rc = 0;

	if ((d->items = calloc(vs->n + 1, sizeof(*d->items))) == NULL)
		return mf_error_nomem(e, "a list of versions");
	for (i = first = 0; rc == 0 && first < vs->n; first = i) {
		while (
		    i < vs->n && strcmp(vs->items[i].root.model, vs->items[first].root.model) == 0)
			i++;
		rc = select_model(d, vs->items + first, i - first, e);
	}
	work.n = d->n;
	if (rc == 0)
		rc = mf_repo_each(d->run->repo, &work, e);
	free(d->items);
	return rc;
}

int
mf_prune_forget(struct mf_prune_run *run, struct mf_error *e)
{
	struct dropping d = {.run = run};
	struct mf_versions vs;
	int rc;

	if (!has_rules(run->p))
		return 0;
	if ((!run->p->dry_run && mf_keep_expire(run->repo, run->p->now_us, e) != 0) ||
	    mf_versions_list(run->repo, NULL, NULL, NULL, &vs, e) != 0)
		return mf_error_while(e, "applying the keep rules");
	pthread_mutex_init(&d.lock, NULL);
	rc = select_and_drop(&d, &vs, e);
	pthread_mutex_destroy(&d.lock);
	mf_versions_fini(&vs);
	mf_names_sort(&run->dropped);
	return rc == 0 ? 0 : mf_error_while(e, "applying the keep rules");
}
