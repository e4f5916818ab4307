/*
 * Steps 1 to 8 of prune beside push. Why each comes where it does is proved in
 * modelferry-repository(5), PRUNE BESIDE PUSH; in short:
 *   1  the list is stored before anything else is looked at, so that a push that comes later
 *      sees it, and a push that came earlier is seen in 4
 *   2  marks are read after the list: whoever marks later reads the list (its step 5)
 *   4  all m/ in one listing, marked or not; one that cannot be read ends the run
 *   5  all lists: another run's names are no more to be relied upon than one's own
 *   6  the names of a needed id are listed after that
 *   8  the list goes last, after the last delete was answered. One whose delete failed stays:
 *      the delete may still happen, and a later run removes the list when its names are gone.
 *      One that was refused because the object is locked was answered: the list goes, and the
 *      next run condemns the name again
 */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/repo/prune_int.h"

#define OBJECT_BYTES ((size_t)20 << 20) /* a sealed object, at most */

struct sweep {
	struct mf_prune_run *run;
	const struct mf_prune_batch *batch;
	char list[MF_OBJECT_NAME_BYTES];
	struct mf_names own, others; /* burned names, sorted */
	bool *del;		     /* by index in the batch */
	bool stands;		     /* the list does, in step 5 */
	atomic_bool adopted;	     /* something is relied upon: sync before deleting */
	bool unanswered;	     /* a delete failed, and may still happen */
};

static int
delete_chosen(struct sweep *s, struct mf_error *e)
{
	const int rc = mf_prune_delete(s->run, s->batch, s->del, e);

	s->unanswered = s->unanswered || rc != 0;
	return rc < 0 ? -1 : 0;
}

static bool
is_manifest(const char *name)
{
	return name[0] == 'm';
}

/* Steps 2 and 3. */
static int
sweep_manifests(struct sweep *s, struct mf_error *e)
{
	const struct mf_names *names = &s->batch->names;
	char mark[MF_OBJECT_NAME_BYTES];
	uint64_t before = s->run->out->objects_deleted;
	size_t i;
	int rc;

	mf_names_fini(&s->run->marks);
	if (mf_names_list(s->run->repo, "v/", &s->run->marks, e) != 0)
		return -1;
	for (i = 0; i < names->n; i++) {
		if (!is_manifest(names->items[i]))
			continue;
		snprintf(mark, sizeof(mark), "v%s", names->items[i] + 1);
		s->del[i] = !mf_names_has(&s->run->marks, mark);
		s->run->out->spared += !s->del[i];
	}
	rc = delete_chosen(s, e);
	s->run->out->manifests_deleted += s->run->out->objects_deleted - before;
	memset(s->del, 0, names->n * sizeof(*s->del));
	return rc;
}

/* Step 4. */
static int
read_roots(struct sweep *s, struct mf_error *e)
{
	struct mf_names roots;
	int rc;

	if (mf_names_list(s->run->repo, "m/", &roots, e) != 0)
		return -1;
	rc = mf_prune_need_roots(s->run, &roots, NULL, e);
	mf_names_fini(&roots);
	return rc;
}

/* Step 5. s->stands: the own list does. A run never deletes what its standing list does not
 * name; another run removes it only when none of its names is stored. */
static int
read_lists(struct sweep *s, struct mf_error *e)
{
	struct mf_names lists;
	bool own;
	size_t i;
	int rc = 0;

	if (mf_names_list(s->run->repo, "x/", &lists, e) != 0)
		return -1;
	for (i = 0; rc == 0 && i < lists.n; i++) {
		own = strcmp(lists.items[i], s->list) == 0;
		rc = mf_condemned_read_one(s->run->repo, lists.items[i],
		    own ? &s->own : &s->others, e);
		if (rc == 0)
			s->stands = s->stands || own;
		else if (e->code == MF_ENOTFOUND) {
			mf_error_clear(e);
			rc = 0; /* its run ended meanwhile: none of its names will be deleted */
		}
	}
	mf_names_fini(&lists);
	mf_names_sort(&s->others);
	return rc;
}

/* Rely on this name from now on: it must be durable before the others go. */
static int
rely_on(struct sweep *s, const char *name, struct mf_error *e)
{
	s->adopted = true;
	return mf_store_adopt(s->run->repo->store, name, e);
}

/* Is there a name on no list, and does it open? Reading it costs one get for each id that has
 * a name to be deleted; without it the only good sealing could go and a damaged one stay. */
static int
find_unburned(struct sweep *s, const struct mf_names *names, struct mf_error *e)
{
	int64_t epoch;
	size_t i;

	for (i = 0; i < names->n; i++) {
		if (mf_names_has(&s->own, names->items[i]) ||
		    mf_names_has(&s->others, names->items[i]))
			continue;
		if ((epoch = mf_prune_try_open(s->run->repo, names->items[i], e)) < 0)
			return -1;
		if (epoch > 0)
			return rely_on(s, names->items[i], e) == 0 ? 1 : -1;
	}
	return 0;
}

/* All names are burned. One that only this run's list names can be spared: it is unburned when
 * the list is gone. What a left-over list names too would stay burned: it is copied. */
static int
spare_or_copy(struct sweep *s, const struct mf_names *names, struct mf_error *e)
{
	size_t i;
	int rc;

	for (i = 0; i < names->n; i++)
		if (mf_names_has(&s->own, names->items[i]) &&
		    !mf_names_has(&s->others, names->items[i]))
			return 0;
	if ((rc = mf_prune_copy_any(s->run->repo, names, e)) < 0)
		return -1;
	s->adopted = true;
	return rc == 0;
}

/* May the listed names of this needed id go? 1 yes, 0 no, -1. */
static int
decide(struct sweep *s, const struct mf_id *id, struct mf_error *e)
{
	char prefix[MF_OBJECT_NAME_BYTES];
	struct mf_names names;
	int rc;

	mf_name_chunk_prefix(prefix, id);
	if (mf_names_list(s->run->repo, prefix, &names, e) != 0)
		return -1;
	rc = find_unburned(s, &names, e);
	if (rc == 0)
		rc = spare_or_copy(s, &names, e);
	mf_names_fini(&names);
	return rc;
}

/* Condemned names of one needed id that stand beside each other in the batch. Where they do
 * not all, the id is decided on again, which is as good: that looks at what is stored then. */
struct group {
	size_t first, n;
};

struct decisions {
	struct sweep *s;
	struct group *groups;
	size_t n, capacity;
};

static int
add_group(struct decisions *d, size_t first, struct mf_error *e)
{
	size_t want = d->capacity ? d->capacity * 2 : 64;
	struct group *more;

	if (d->n == d->capacity) {
		if ((more = reallocarray(d->groups, want, sizeof(*more))) == NULL)
			return mf_error_nomem(e, "a list of names");
		d->groups = more;
		d->capacity = want;
	}
	d->groups[d->n++] = (struct group){first, 1};
	return 0;
}

/* What no root needs may go; the rest is grouped. */
static int
group_needed(struct decisions *d, struct mf_error *e)
{
	const struct mf_prune_batch *b = d->s->batch;
	struct mf_id id, last = {{0}};
	struct group *g;
	uint64_t generation;
	size_t i;

	for (i = 0; i < b->names.n; i++) {
		if (mf_name_parse_chunk(b->names.items[i], &id, &generation) != 0)
			continue;
		if (mf_idmap_get(&d->s->run->needs, &id) == NULL) {
			d->s->del[i] = true;
			continue;
		}
		MF_PROGRESS_ADD(d->s->run->p->progress, bytes_total, b->sizes[i]);
		g = d->n > 0 ? &d->groups[d->n - 1] : NULL;
		if (g != NULL && g->first + g->n == i && mf_id_compare(&id, &last) == 0)
			g->n++;
		else if (add_group(d, i, e) != 0)
			return -1;
		last = id;
	}
	return 0;
}

static int
decide_group(void *arg, size_t i, struct mf_error *e)
{
	const struct decisions *d = arg;
	const struct group *g = &d->groups[i];
	struct sweep *s = d->s;
	struct mf_id id;
	uint64_t generation;
	size_t k;
	int may;

	if (mf_prune_interrupted(s->run, e))
		return -1;
	mf_name_parse_chunk(s->batch->names.items[g->first], &id, &generation);
	if ((may = decide(s, &id, e)) < 0)
		return -1;
	for (k = g->first; k < g->first + g->n; k++) {
		s->del[k] = may == 1;
		MF_PROGRESS_ADD(s->run->p->progress, bytes_done, s->batch->sizes[k]);
	}
	return 0;
}

/* Step 6: each look costs a listing and the reading of an object, so on several threads. */
static int
choose_chunks(struct sweep *s, struct mf_error *e)
{
	struct decisions d = {.s = s};
	struct mf_repo_work w = {.work = decide_group, .arg = &d, .bytes_each = 2 * OBJECT_BYTES};
	int rc = group_needed(&d, e);
	size_t i;

	w.n = d.n;
	if (rc == 0)
		rc = mf_prune_each(s->run, &w, e);
	for (i = 0; rc == 0 && i < d.n; i++) {
		s->run->out->spared += s->del[d.groups[i].first] ? 0 : d.groups[i].n;
		s->run->out->objects_kept += s->del[d.groups[i].first] ? 0 : d.groups[i].n;
	}
	free(d.groups);
	return rc;
}

static bool
has_chunks(const struct mf_prune_batch *b)
{
	size_t i;

	for (i = 0; i < b->names.n; i++)
		if (!is_manifest(b->names.items[i]))
			return true;
	return false;
}

static int
sweep(struct sweep *s, struct mf_error *e)
{
	struct mf_prune_run *run = s->run;

	if (sweep_manifests(s, e) != 0)
		return -1;
	if (!has_chunks(s->batch))
		return 0;
	if (read_roots(s, e) != 0 || read_lists(s, e) != 0)
		return -1;
	if (!s->stands)
		return 0;
	if (choose_chunks(s, e) != 0)
		return -1;
	if (mf_prune_interrupted(run, e))
		return -1;
	if (s->adopted && mf_store_sync(run->repo->store, e) != 0)
		return -1;
	return delete_chosen(s, e); /* step 7 */
}

/* Step 8. The deletes are durable first: a name must not come back after its list has gone. A list
 * that is locked itself is left over, and a later run removes it. */
static int
remove_list(struct sweep *s, struct mf_error *e)
{
	struct mf_store *store = s->run->repo->store;

	if (mf_store_sync(store, e) != 0 || mf_prune_delete_list(s->run, s->list, e) != 0)
		return mf_error_while(e, "removing the condemned list %s", s->list);
	return mf_store_sync(store, e);
}

int
mf_prune_sweep(struct mf_prune_run *run, const struct mf_prune_batch *b, struct mf_error *e)
{
	struct sweep s = {.run = run, .batch = b};
	struct mf_error ignored;
	int rc;

	if (b->names.n == 0)
		return 0;
	if ((s.del = calloc(b->names.n, sizeof(*s.del))) == NULL)
		return mf_error_nomem(e, "a list of names");
	rc = mf_condemned_put(run->repo, &b->names, s.list, e);
	if (rc == 0) {
		rc = sweep(&s, e);
		mf_error_clear(&ignored);
		if (!s.unanswered && remove_list(&s, rc == 0 ? e : &ignored) != 0)
			rc = -1;
	}
	mf_names_fini(&s.own);
	mf_names_fini(&s.others);
	free(s.del);
	return rc;
}
