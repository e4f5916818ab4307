/*
 * A run: forget what the keep rules drop, choose (step 0 of the protocol), sweep in batches of
 * at most MF_CONDEMNED_MAX_NAMES names (steps 1 to 8, prune_sweep.c), trim. Manifests go first, in
 * a batch of their own: one that the store keeps (object lock) stays a root, and what it needs must
 * not get on a list, where it would be of no use to anybody and copied by the next run.
 *
 * Memory: each needed id takes a slot of 48 bytes in a hash table; names stand as strings only
 * while they are on the batch's list.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/repo/prune_int.h"

#define PREFIXES 256

int
mf_prune_batch_add(struct mf_prune_batch *b, const char *name, uint64_t size)
{
	size_t want;
	uint64_t *more;

	if (b->names.n == b->capacity) {
		want = b->capacity ? b->capacity * 2 : 64;
		if ((more = reallocarray(b->sizes, want, sizeof(*more))) == NULL) {
			b->failed = true;
			return 1;
		}
		b->sizes = more;
		b->capacity = want;
	}
	b->sizes[b->names.n] = size;
	mf_names_add(&b->names, name);
	b->failed = b->failed || b->names.failed;
	return b->failed;
}

void
mf_prune_batch_clear(struct mf_prune_batch *b)
{
	mf_names_fini(&b->names);
	free(b->sizes);
	*b = (struct mf_prune_batch){0};
}

static int
list_old(void *arg, const char *name, uint64_t size, int64_t mtime_us)
{
	struct mf_prune_run *run = arg;

	(void)size;
	if (mtime_us <= run->old_us)
		mf_names_add(&run->old_lists, name);
	return run->old_lists.failed;
}

static int
read_lists(struct mf_prune_run *run, struct mf_error *e)
{
	size_t i;
	int rc;

	if (mf_condemned_read(run->repo, &run->burned, NULL, e) != 0 ||
	    mf_store_list(run->repo->store, "x/", list_old, run, e) != 0)
		return -1;
	if (run->old_lists.failed)
		return mf_error_nomem(e, "the condemned lists");
	for (i = 0; i < run->old_lists.n; i++) {
		rc = mf_condemned_read_one(run->repo, run->old_lists.items[i], &run->old_burned, e);
		if (rc != 0 && e->code != MF_ENOTFOUND)
			return -1;
		mf_error_clear(e);
	}
	mf_names_sort(&run->old_burned);
	return 0;
}

static int
take_manifest(void *arg, const char *name, uint64_t size, int64_t mtime_us)
{
	struct mf_prune_run *run = arg;
	char mark[MF_OBJECT_NAME_BYTES];

	mf_names_add(&run->manifests, name);
	snprintf(mark, sizeof(mark), "v%s", name + 1);
	if (mtime_us <= run->old_us && run->unmarked.names.n < MF_CONDEMNED_MAX_NAMES / 2 &&
	    (!mf_names_has(&run->marks, mark) || mf_names_has(&run->dropped, name)))
		mf_prune_batch_add(&run->unmarked, name, size);
	return run->manifests.failed || run->unmarked.failed;
}

/* Roots and marks of step 0, and what the roots that stay need. *unreadable: why the chunks
 * must be left alone (its code is MF_OK where they need not). */
static int
read_roots(struct mf_prune_run *run, struct mf_error *unreadable, struct mf_error *e)
{
	struct mf_names gone = {0};
	size_t i;
	int rc = 0;

	mf_error_clear(unreadable);
	if (mf_names_list(run->repo, "v/", &run->marks, e) != 0 ||
	    mf_store_list(run->repo->store, "m/", take_manifest, run, e) != 0)
		return -1;
	mf_names_sort(&run->manifests);
	for (i = 0; i < run->unmarked.names.n; i++)
		mf_names_add(&gone, run->unmarked.names.items[i]);
	mf_names_sort(&gone);
	if (run->manifests.failed || run->unmarked.failed || gone.failed)
		rc = mf_error_nomem(e, "the list of versions");
	else if (mf_prune_need_roots(run, &run->manifests, &gone, e) != 0)
		*unreadable = *e;
	mf_names_fini(&gone);
	return rc;
}

struct choice {
	struct mf_prune_run *run;
	struct mf_prune_batch *b;
	uint64_t kept;
	bool full;
};

/* Is it garbage: of an id that no root needs, on a left-over list, or a second generation? */
static bool
is_condemned(const struct mf_prune_run *run, const char *name, const struct mf_id *id,
    uint64_t generation, int64_t mtime_us)
{
	const uint64_t *keeper = mf_idmap_get(&run->needs, id);

	if (keeper == NULL)
		return mtime_us <= run->old_us;
	if (*keeper == generation)
		return false;
	if (mf_names_has(&run->old_burned, name))
		return true;
	if (*keeper == MF_PRUNE_NO_KEEPER || mf_names_has(&run->burned, name))
		return false;
	return mtime_us <= run->old_us;
}

static int
choose(void *arg, const char *name, uint64_t size, int64_t mtime_us)
{
	struct choice *c = arg;
	uint64_t generation;
	struct mf_id id;

	if (mf_name_parse_chunk(name, &id, &generation) != 0 ||
	    !is_condemned(c->run, name, &id, generation, mtime_us)) {
		c->kept++;
		return 0;
	}
	if (c->b->names.n >= MF_CONDEMNED_MAX_NAMES) {
		c->full = true; /* what does not fit is the next run's */
		return 1;
	}
	return mf_prune_batch_add(c->b, name, size);
}

static int
choose_chunks(struct choice *c, const char *prefix, struct mf_error *e)
{
	c->full = false;
	c->kept = 0;
	if (mf_store_list(c->run->repo->store, prefix, choose, c, e) != 0)
		return -1;
	return c->b->failed ? mf_error_nomem(e, "a list of names") : 0;
}

/* Steps 1 to 8, or what a dry run says instead. */
static int
sweep(struct mf_prune_run *run, struct mf_prune_batch *b, struct mf_error *e)
{
	size_t i;
	int rc = 0;

	if (mf_prune_interrupted(run, e))
		return -1;
	if (!run->p->dry_run)
		rc = mf_prune_sweep(run, b, e);
	else
		for (i = 0; i < b->names.n; i++) {
			run->out->manifests_deleted += b->names.items[i][0] == 'm';
			run->out->objects_deleted++;
			run->out->bytes_deleted += b->sizes[i];
		}
	mf_prune_batch_clear(b);
	return rc;
}

/* Too much for one list: one stretch of ids after the other. */
static int
sweep_by_prefix(struct mf_prune_run *run, struct mf_prune_batch *b, struct mf_error *e)
{
	struct choice c = {.run = run, .b = b};
	char prefix[8];
	unsigned i;

	for (i = 0; i < PREFIXES; i++) {
		if (b->names.n > MF_CONDEMNED_MAX_NAMES / 2 && sweep(run, b, e) != 0)
			return -1;
		snprintf(prefix, sizeof(prefix), "c/%02x/", i);
		if (choose_chunks(&c, prefix, e) != 0)
			return -1;
		run->out->objects_kept += c.kept;
	}
	return sweep(run, b, e);
}

/* Those that the store keeps are needed, with all that they name. */
static int
sweep_manifests(struct mf_prune_run *run, struct mf_error *e)
{
	if (run->unmarked.names.n > 0 && sweep(run, &run->unmarked, e) != 0)
		return -1;
	return mf_prune_need_roots(run, &run->locked_roots, NULL, e);
}

static int
sweep_chunks(struct mf_prune_run *run, struct mf_error *e)
{
	struct mf_prune_batch b = {0};
	struct choice c = {.run = run, .b = &b};
	int rc = choose_chunks(&c, "c/", e);

	if (rc == 0 && c.full) {
		mf_prune_batch_clear(&b);
		rc = sweep_by_prefix(run, &b, e);
	} else if (rc == 0) {
		run->out->objects_kept += c.kept;
		rc = sweep(run, &b, e);
	}
	mf_prune_batch_clear(&b);
	return rc;
}

static int
prune(struct mf_prune_run *run, struct mf_error *e)
{
	struct mf_error unreadable;
	int64_t now_us;
	int rc;

	if (mf_store_now(run->repo->store, &now_us, e) != 0)
		return -1;
	run->old_us = now_us - run->p->grace_us;
	if (mf_prune_forget(run, e) != 0 || read_lists(run, e) != 0 ||
	    read_roots(run, &unreadable, e) != 0)
		return -1;
	rc = sweep_manifests(run, e);
	if (unreadable.code != MF_OK) { /* then they alone can go */
		*e = unreadable;
		return -1;
	}
	if (rc != 0 || mf_prune_choose_keepers(run, e) != 0 || sweep_chunks(run, e) != 0)
		return -1;
	return mf_prune_trim(run, e);
}

int
mf_prune(struct mf_repo *repo, const struct mf_prune_params *p, struct mf_prune_result *out,
    struct mf_error *e)
{
	struct mf_prune_run run = {
	    .repo = repo, .p = p, .out = out, .needs_lock = PTHREAD_MUTEX_INITIALIZER};
	int rc;

	*out = (struct mf_prune_result){0};
	mf_error_clear(e);
	rc = prune(&run, e);
	if (rc == 0 && run.locked.code != MF_OK) {
		*e = run.locked;
		rc = -1;
		if (out->locked > 1)
			mf_error_while(e, "deleting %llu objects that are locked, which the log names",
			    (unsigned long long)out->locked);
	}
	mf_idmap_fini(&run.needs);
	mf_names_fini(&run.dropped);
	mf_names_fini(&run.marks);
	mf_names_fini(&run.manifests);
	mf_prune_batch_clear(&run.unmarked);
	mf_names_fini(&run.burned);
	mf_names_fini(&run.old_lists);
	mf_names_fini(&run.old_burned);
	mf_names_fini(&run.locked_roots);
	return rc == 0 ? 0 : mf_error_while(e, "pruning %s", mf_store_label(repo->store));
}
