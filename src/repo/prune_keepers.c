/*
 * Which generation of each needed id stays. Most ids have one name on no list, and that is
 * it. Where a look into the objects is needed, because there are several or because they are
 * to be sealed again, their names are gathered from the listing and looked at together, the
 * ids beside each other on the run's threads, the names of one id one after the other. A
 * listing need not have an order: what comes after a batch is compared with what it chose.
 */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/seal.h"
#include "src/repo/prune_int.h"

#define BATCH_NAMES 4096
#define ID_PREFIX_BYTES 70              /* "c/HH/ID." */
#define OBJECT_BYTES ((size_t)20 << 20) /* a sealed object, at most */

struct item {
	char *name;
	uint64_t size;
};

struct keepers {
	struct mf_prune_run *run;
	struct mf_error *e;
	bool failed;
	struct item items[BATCH_NAMES];
	size_t n;
	size_t groups[BATCH_NAMES + 1]; /* where in the sorted items an id begins; the end */
	size_t n_groups;
	atomic_uint_least64_t resealed;
};

static void
clear(struct keepers *k)
{
	size_t i;

	for (i = 0; i < k->n; i++)
		free(k->items[i].name);
	k->n = k->n_groups = 0;
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(((const struct item *)a)->name, ((const struct item *)b)->name);
}

static void
group(struct keepers *k)
{
	size_t i;

	if (k->n > 1)
		qsort(k->items, k->n, sizeof(*k->items), by_name);
	for (i = k->n_groups = 0; i < k->n; i++)
		if (i == 0 || strncmp(k->items[i - 1].name, k->items[i].name, ID_PREFIX_BYTES) != 0)
			k->groups[k->n_groups++] = i;
	k->groups[k->n_groups] = k->n;
}

static int
do_batch(
    struct keepers *k, int (*work)(void *arg, size_t i, struct mf_error *e), struct mf_error *e)
{
	struct mf_repo_work w = {.work = work, .arg = k, .bytes_each = 2 * OBJECT_BYTES};
	int rc;

	group(k);
	w.n = k->n_groups;
	rc = mf_prune_each(k->run, &w, e);
	clear(k);
	return rc;
}

/* Add a name to the batch, and work on it when it is full. */
static int
add(struct keepers *k, const char *name, uint64_t size,
    int (*work)(void *arg, size_t i, struct mf_error *e))
{
	struct item item = {strdup(name), size};

	if (item.name == NULL) {
		mf_error_nomem(k->e, "a list of names");
		k->failed = true;
		return 1;
	}
	k->items[k->n++] = item;
	MF_PROGRESS_ADD(k->run->p->progress, bytes_total, size);
	k->failed = k->n == BATCH_NAMES && do_batch(k, work, k->e) != 0;
	return k->failed;
}

/* The epoch in an object's header; 0: it has none, or is gone, or is no good in this epoch. */
static int64_t
epoch_of(struct mf_repo *repo, const char *name, struct mf_error *e)
{
	struct mf_buf head = MF_BUF_INIT;
	struct mf_seal_header h;
	int rc = mf_store_get(repo->store, name, 0, MF_SEAL_HEADER_BYTES, &head, e);

	if (rc == 0)
		rc = mf_seal_header_decode(head.data, head.len, &h, e);
	mf_buf_fini(&head);
	if (rc != 0) {
		if (!mf_prune_is_unusable(e)) /* else damaged, or another run's garbage by now */
			return -1;
		mf_error_clear(e);
		return 0;
	}
	/* a segment from before a rekey: its fresh generation stays */
	if (h.type != MF_OBJECT_CHUNK && h.epoch < mf_keyring_floor(repo->keyring))
		return 0;
	return h.epoch;
}

/* One name, while its id has no keeper. */
static int
reseal_name(struct keepers *k, const struct item *x, uint64_t *keeper, struct mf_error *e)
{
	struct mf_prune_run *run = k->run;
	int64_t epoch = epoch_of(run->repo, x->name, e);
	uint64_t generation;
	struct mf_id id;
	int rc = 0;

	if (epoch <= 0)
		return (int)epoch;
	mf_name_parse_chunk(x->name, &id, &generation);
	if (epoch != mf_keyring_epoch(run->repo->keyring)) {
		if (!run->p->dry_run) {
			rc = mf_prune_reseal(run->repo, x->name, &generation, e);
			MF_PROGRESS_ADD(run->p->progress, bytes_fetched, x->size);
			MF_PROGRESS_ADD(run->p->progress, bytes_stored, rc == 0 ? x->size : 0);
		}
		MF_PROGRESS_ADD(run->p->progress, chunks_new, rc == 0);
		atomic_fetch_add(&k->resealed, rc == 0);
	} else {
		MF_PROGRESS_ADD(run->p->progress, chunks_known, 1);
	}
	if (rc == 0)
		*keeper = generation;
	return rc < 0 ? -1 : 0;
}

static int
reseal_id(void *arg, size_t i, struct mf_error *e)
{
	struct keepers *k = arg;
	const struct item *x = &k->items[k->groups[i]], *end = &k->items[k->groups[i + 1]];
	uint64_t generation, *keeper;
	struct mf_id id;

	mf_name_parse_chunk(x->name, &id, &generation);
	keeper = mf_idmap_get(&k->run->needs, &id);
	for (; x < end; x++) {
		if (mf_prune_interrupted(k->run, e))
			return -1;
		if (*keeper == MF_PRUNE_NO_KEEPER && reseal_name(k, x, keeper, e) != 0)
			return -1;
		MF_PROGRESS_ADD(k->run->p->progress, bytes_done, x->size);
	}
	return 0;
}

/* The keeper of the id that a name is of, where some root needs the id and the name is on no
 * list; else NULL. */
static uint64_t *
keeper_of(const struct keepers *k, const char *name, uint64_t *generation)
{
	struct mf_id id;
	uint64_t *keeper;

	if (mf_name_parse_chunk(name, &id, generation) != 0 ||
	    (keeper = mf_idmap_get(&k->run->needs, &id)) == NULL ||
	    mf_names_has(&k->run->burned, name))
		return NULL;
	return keeper;
}

static int
take_to_reseal(void *arg, const char *name, uint64_t size, int64_t mtime_us)
{
	struct keepers *k = arg;
	uint64_t generation, *keeper = keeper_of(k, name, &generation);

	(void)mtime_us;
	if (keeper == NULL || *keeper != MF_PRUNE_NO_KEEPER)
		return 0;
	return add(k, name, size, reseal_id);
}

/* The best of the names on no list: the one that opens, in the latest epoch. An older one may
 * be all that is left of a segment before a rekey, and unreadable since. */
static int
compare_id(void *arg, size_t i, struct mf_error *e)
{
	struct keepers *k = arg;
	struct mf_prune_run *run = k->run;
	const struct item *x = &k->items[k->groups[i]], *end = &k->items[k->groups[i + 1]];
	char now[MF_OBJECT_NAME_BYTES];
	uint64_t generation, *keeper;
	int64_t best, epoch;
	struct mf_id id;

	mf_name_parse_chunk(x->name, &id, &generation);
	keeper = mf_idmap_get(&run->needs, &id);
	mf_name_chunk(now, &id, *keeper);
	if ((best = mf_prune_try_open(run->repo, now, e)) < 0)
		return -1;
	for (; x < end; x++) {
		if (mf_prune_interrupted(run, e) ||
		    (epoch = mf_prune_try_open(run->repo, x->name, e)) < 0)
			return -1;
		MF_PROGRESS_ADD(run->p->progress, bytes_fetched, x->size);
		MF_PROGRESS_ADD(run->p->progress, bytes_done, x->size);
		if (epoch <= best)
			continue;
		best = epoch;
		mf_name_parse_chunk(x->name, &id, keeper);
	}
	return 0;
}

static int
take_to_compare(void *arg, const char *name, uint64_t size, int64_t mtime_us)
{
	struct keepers *k = arg;
	uint64_t generation, *keeper = keeper_of(k, name, &generation);

	(void)mtime_us;
	if (keeper == NULL || *keeper == generation)
		return 0;
	if (*keeper == MF_PRUNE_NO_KEEPER) {
		*keeper = generation;
		return 0;
	}
	/* resealing has looked at all of them just now */
	return k->run->p->reseal ? 0 : add(k, name, size, compare_id);
}

/* With the sizes, for the progress. */
static int
reseal_all(struct keepers *k, struct mf_error *e)
{
	if (mf_store_list(k->run->repo->store, "c/", take_to_reseal, k, e) != 0 || k->failed)
		return -1;
	if (do_batch(k, reseal_id, e) != 0)
		return -1;
	return k->run->p->dry_run ? 0 : mf_store_sync(k->run->repo->store, e);
}

/* Mostly nothing but names. */
static int
compare_all(struct keepers *k, struct mf_error *e)
{
	if (mf_store_list_names(k->run->repo->store, "c/", take_to_compare, k, e) != 0 ||
	    k->failed)
		return -1;
	return do_batch(k, compare_id, e);
}

int
mf_prune_choose_keepers(struct mf_prune_run *run, struct mf_error *e)
{
	struct keepers *k = calloc(1, sizeof(*k));
	int rc = 0;

	if (k == NULL)
		return mf_error_nomem(e, "a list of names");
	k->run = run;
	k->e = e;
	if (run->p->reseal)
		rc = reseal_all(k, e);
	if (rc == 0)
		rc = compare_all(k, e);
	run->out->resealed += atomic_load(&k->resealed);
	clear(k);
	free(k);
	return rc;
}
