/*
 * Manifests in the new epoch. Each listed version is published once more under a fresh name
 * (V' beside V, the same plaintext), by the steps of a push, so that prunes may run beside it;
 * all versions take each step together:
 *   0  segments are sealed again under fresh generations
 *   1  m/V' is put; 2 the condemned lists are read; 3 each id has a name on no list, or one is
 *      copied; 4 v/V' is put; 5, 6 not condemned, and still there
 * Then v/V is deleted: the version stands under one name or the other all the time. In the end
 * the manifests of older epochs, which have no mark now, are swept as a prune would.
 * The plaintext stays to the byte, because refs and annotations name its digest; so the
 * generations it hints at are old ones, and readers list the id.
 */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/log.h"
#include "src/repo/forget_int.h"
#include "src/repo/prune_int.h"
#include "src/repo/rekey_int.h"

#define VERSION_PREFIX_BYTES 68 /* "m/" MODEL "/" VER "-" */

struct moved {
	char *old_name, *new_name; /* m/V and m/V' */
	bool is_new;		   /* v/V' is to be put */
};

struct move {
	struct mf_repo *repo;
	struct mf_names marks, manifests, burned;
	struct moved *items;
	size_t n;
	struct mf_idmap segments; /* that were seen, to their fresh generation */
	struct mf_idmap checked;  /* segments whose chunks were looked for */
	struct mf_index *index;
	struct mf_prune_batch old; /* manifests of older epochs */
};

static bool
has_mark(const struct move *m, const char *manifest)
{
	char mark[MF_OBJECT_NAME_BYTES];

	snprintf(mark, sizeof(mark), "v%s", manifest + 1);
	return mf_names_has(&m->marks, mark);
}

static bool
is_damage(const struct mf_error *e)
{
	return e->code == MF_EDAMAGED || e->code == MF_EKEY || e->code == MF_ENOTFOUND ||
	    e->code == MF_EUNSUPPORTED;
}

/* Is a generation of the segment in the current epoch, from a rekey that was cut off? */
static int
find_segment(struct move *m, const struct mf_id *id, uint64_t *generation, struct mf_error *e)
{
	char prefix[MF_OBJECT_NAME_BYTES];
	struct mf_names names;
	struct mf_id again;
	int64_t epoch;
	size_t i;
	int found = 0;

	mf_name_chunk_prefix(prefix, id);
	if (mf_names_list(m->repo, prefix, &names, e) != 0)
		return -1;
	for (i = 0; found == 0 && i < names.n; i++) {
		if (mf_names_has(&m->burned, names.items[i]))
			continue;
		if ((epoch = mf_prune_try_open(m->repo, names.items[i], e)) < 0)
			found = -1;
		else if (epoch == mf_keyring_epoch(m->repo->keyring))
			found = mf_name_parse_chunk(names.items[i], &again, generation) == 0;
	}
	mf_names_fini(&names);
	return found;
}

/* Step 0 for one segment. A damaged one is left; the version is damaged as it was before. */
static int
reseal_segment(struct move *m, const struct mf_segment_ref *ref, struct mf_error *e)
{
	struct mf_buf plain = MF_BUF_INIT;
	uint64_t generation = 0, stored = 0;
	int rc;

	if (mf_idmap_get(&m->segments, &ref->id) != NULL)
		return 0;
	rc = find_segment(m, &ref->id, &generation, e);
	if (rc == 0) {
		rc = mf_segment_get(m->repo, ref, &plain, e);
		if (rc == 0)
			rc = mf_segment_put(m->repo, &ref->id, plain.data, plain.len, &generation,
			    &stored, e);
		mf_buf_fini(&plain);
		if (rc != 0 && is_damage(e)) {
			mf_log(MF_LOG_WARNING, "a manifest segment cannot be resealed: %s",
			    e->message);
			mf_error_clear(e);
			return 0;
		}
	}
	if (rc < 0)
		return -1;
	if (mf_idmap_add(&m->segments, &ref->id, &generation) < 0)
		return mf_error_nomem(e, "the segments");
	return 0;
}

/* Does a marked manifest of the current epoch say the same already? */
static int
find_moved(struct move *m, const char *manifest, const struct mf_buf *plain, char **name,
    struct mf_error *e)
{
	struct mf_buf other = MF_BUF_INIT;
	int64_t epoch;
	size_t i;
	int rc = 0;

	*name = NULL;
	for (i = 0; rc == 0 && *name == NULL && i < m->manifests.n; i++) {
		if (strncmp(m->manifests.items[i], manifest, VERSION_PREFIX_BYTES) != 0 ||
		    strcmp(m->manifests.items[i], manifest) == 0 ||
		    !has_mark(m, m->manifests.items[i]))
			continue;
		if ((epoch = mf_rekey_epoch(m->repo, m->manifests.items[i], e)) < 0)
			rc = -1;
		if (epoch != mf_keyring_epoch(m->repo->keyring))
			continue;
		mf_buf_clear(&other);
		if (mf_object_get(m->repo, MF_OBJECT_ROOT, m->manifests.items[i], &other, e) != 0) {
			rc = is_damage(e) ? 0 : -1;
		} else if (other.len == plain->len &&
		    memcmp(other.data, plain->data, plain->len) == 0) {
			*name = strdup(m->manifests.items[i]);
			rc = *name != NULL ? 0 : mf_error_nomem(e, "a name");
		}
	}
	mf_buf_fini(&other);
	return rc;
}

static int
put_root(struct move *m, struct moved *item, const struct mf_buf *plain, struct mf_error *e)
{
	char name[MF_OBJECT_NAME_BYTES], rand[MF_RANDOM_NAME_BYTES];

	mf_name_random(rand);
	snprintf(name, sizeof(name), "%.*s%s", VERSION_PREFIX_BYTES, item->old_name, rand);
	item->is_new = true;
	if ((item->new_name = strdup(name)) == NULL)
		return mf_error_nomem(e, "a name");
	return mf_object_put(m->repo, MF_OBJECT_ROOT, name, plain->data, plain->len,
	    MF_STORE_DURABLE, e);
}

/* Steps 0 and 1 of one version of an older epoch. */
static int
move_version(struct move *m, const char *manifest, struct mf_error *e)
{
	struct moved *item = &m->items[m->n];
	struct mf_buf plain = MF_BUF_INIT;
	struct mf_root root;
	size_t i;
	int rc = mf_root_get(m->repo, manifest, &plain, &root, e);

	if (rc != 0 && is_damage(e)) {
		mf_log(MF_LOG_WARNING, "%s stays in the old epoch: %s", manifest, e->message);
		mf_error_clear(e);
		mf_buf_fini(&plain);
		return 0;
	}
	for (i = 0; rc == 0 && i < root.n_segments; i++)
		rc = reseal_segment(m, &root.segments[i], e);
	if (rc == 0) {
		m->n++;
		if ((item->old_name = strdup(manifest)) == NULL)
			rc = mf_error_nomem(e, "a name");
	}
	if (rc == 0)
		rc = mf_store_sync(m->repo->store, e);
	if (rc == 0)
		rc = find_moved(m, manifest, &plain, &item->new_name, e);
	if (rc == 0 && item->new_name == NULL)
		rc = put_root(m, item, &plain, e);
	mf_root_fini(&root);
	mf_buf_fini(&plain);
	return rc;
}

static int
move_all(struct move *m, struct mf_error *e)
{
	int64_t epoch;
	size_t i;

	if ((m->items = calloc(m->manifests.n + 1, sizeof(*m->items))) == NULL)
		return mf_error_nomem(e, "the list of versions");
	for (i = 0; i < m->manifests.n; i++) {
		if ((epoch = mf_rekey_epoch(m->repo, m->manifests.items[i], e)) < 0)
			return -1;
		if (epoch == 0 || epoch == mf_keyring_epoch(m->repo->keyring))
			continue;
		/* one without a mark is a push's that the new configuration stops */
		if (has_mark(m, m->manifests.items[i]) &&
		    move_version(m, m->manifests.items[i], e) != 0)
			return -1;
		if (mf_prune_batch_add(&m->old, m->manifests.items[i], 0) != 0)
			return mf_error_nomem(e, "the list of versions");
	}
	return 0;
}

/* A name on no list for an id that has only burned ones. None at all: it was lost before. */
static int
copy_burned(struct move *m, const struct mf_id *id, struct mf_error *e)
{
	char prefix[MF_OBJECT_NAME_BYTES];
	struct mf_names names;
	int rc;

	mf_name_chunk_prefix(prefix, id);
	if (mf_names_list(m->repo, prefix, &names, e) != 0)
		return -1;
	rc = mf_prune_copy_any(m->repo, &names, e);
	mf_names_fini(&names);
	if (rc == 1)
		mf_log(MF_LOG_WARNING, "chunk %.64s is missing", prefix + 5);
	return rc < 0 ? -1 : 0;
}

struct look {
	struct move *m;
	struct mf_error *e;
};

static int
look_for_chunk(void *arg, const struct mf_chunk_ref *c)
{
	struct look *l = arg;
	uint64_t generation;

	if (mf_index_find(l->m->index, &c->id, &generation))
		return 0;
	return copy_burned(l->m, &c->id, l->e);
}

/* Step 3 for a segment: itself, in the current epoch, and its chunks. */
static int
check_segment(struct move *m, const struct mf_segment_ref *ref, struct mf_error *e)
{
	const uint64_t *fresh = mf_idmap_get(&m->segments, &ref->id);
	char name[MF_OBJECT_NAME_BYTES];
	struct mf_buf plain = MF_BUF_INIT;
	struct look look = {m, e};
	uint64_t value = 1, stored = 0;
	int rc;

	if (fresh == NULL || mf_idmap_get(&m->checked, &ref->id) != NULL)
		return 0; /* damaged; looked at before */
	rc = mf_segment_get(m->repo, ref, &plain, e);
	if (rc == 0)
		rc = mf_segment_each_chunk(plain.data, plain.len, look_for_chunk, &look, e);
	mf_name_chunk(name, &ref->id, *fresh);
	if (rc == 0) {
		rc = mf_names_has(&m->burned, name) ? 1
						    : mf_store_head(m->repo->store, name, NULL, e);
		if (rc == 1)
			rc = mf_segment_put(m->repo, &ref->id, plain.data, plain.len, &value,
			    &stored, e);
	}
	mf_buf_fini(&plain);
	value = 1;
	if (rc == 0 && mf_idmap_add(&m->checked, &ref->id, &value) < 0)
		rc = mf_error_nomem(e, "the segments");
	return rc;
}

static int
check_needs(struct move *m, const char *manifest, struct mf_error *e)
{
	struct mf_buf plain = MF_BUF_INIT;
	struct mf_root root;
	size_t i;
	int rc = mf_root_get(m->repo, manifest, &plain, &root, e);

	for (i = 0; rc == 0 && i < root.n_segments; i++)
		rc = check_segment(m, &root.segments[i], e);
	mf_root_fini(&root);
	mf_buf_fini(&plain);
	if (rc != 0 && e->code == MF_ENOTFOUND) {
		mf_error_clear(e); /* swept already: step 6 sees it */
		rc = 0;
	}
	return rc;
}

/* Steps 2 and 3. */
static int
check_all(struct move *m, struct mf_error *e)
{
	size_t i;

	mf_names_fini(&m->burned);
	if (mf_condemned_read(m->repo, &m->burned, NULL, e) != 0 ||
	    mf_index_load(m->repo, &m->burned, &m->index, e) != 0)
		return -1;
	for (i = 0; i < m->n; i++)
		if (check_needs(m, m->items[i].new_name, e) != 0)
			return -1;
	return mf_store_sync(m->repo->store, e);
}

/* Step 4. */
static int
mark_all(struct move *m, struct mf_error *e)
{
	char mark[MF_OBJECT_NAME_BYTES];
	size_t i;

	for (i = 0; i < m->n; i++) {
		snprintf(mark, sizeof(mark), "v%s", m->items[i].new_name + 1);
		if (m->items[i].is_new &&
		    mf_store_put(m->repo->store, mark, NULL, 0,
			MF_STORE_DURABLE | MF_STORE_REPEATABLE, e) != 0)
			return mf_error_while(e, "marking %s", mark);
	}
	return 0;
}

static int
drop_mark(struct move *m, const char *manifest, struct mf_error *e)
{
	char mark[MF_OBJECT_NAME_BYTES];

	snprintf(mark, sizeof(mark), "v%s", manifest + 1);
	if (mf_store_del(m->repo->store, mark, e) != 0)
		return mf_error_while(e, "removing the mark %s", mark);
	return 0;
}

/* The version was forgotten while we published it anew; but a ref may have been moved to what
 * we published, and then it stays. */
static int
forget_too(struct move *m, const char *manifest, struct mf_error *e)
{
	struct mf_version v = {0};
	int rc;

	snprintf(v.object, sizeof(v.object), "%s", manifest + 2);
	rc = mf_object_get(m->repo, MF_OBJECT_ROOT, manifest, &v.root_bytes, e);
	if (rc == 0)
		rc = mf_root_decode(v.root_bytes.data, v.root_bytes.len, &v.root, e);
	if (rc == 0) {
		crypto_generichash(v.digest, sizeof(v.digest), v.root_bytes.data,
		    v.root_bytes.len, NULL, 0);
		rc = mf_version_unmark(m->repo, &v, e);
	}
	mf_version_fini(&v);
	if (rc < 0 && e->code == MF_ENOTFOUND) /* swept already */
		return drop_mark(m, manifest, e);
	return rc < 0 ? -1 : 0;
}

/* Steps 5 and 6 of one version, then one of its two marks goes: the old one, or the new one
 * where its manifest is condemned (the next pass makes another), or where somebody forgot the
 * version meanwhile. */
static int
settle(struct move *m, const struct moved *item, struct mf_error *e)
{
	char mark[MF_OBJECT_NAME_BYTES];
	int gone, forgotten;

	snprintf(mark, sizeof(mark), "v%s", item->old_name + 1);
	if ((gone = mf_store_head(m->repo->store, item->new_name, NULL, e)) < 0 ||
	    (forgotten = mf_store_head(m->repo->store, mark, NULL, e)) < 0)
		return -1;
	if (gone == 1 || mf_names_has(&m->burned, item->new_name))
		return drop_mark(m, item->new_name, e);
	if (forgotten == 1)
		return forget_too(m, item->new_name, e);
	return drop_mark(m, item->old_name, e);
}

/* Manifests that were marked by a run that was cut off are looked at as well: that run may not
 * have come so far. */
static int
settle_all(struct move *m, struct mf_error *e)
{
	size_t i;

	mf_names_fini(&m->burned);
	if (mf_condemned_read(m->repo, &m->burned, NULL, e) != 0)
		return -1;
	for (i = 0; i < m->n; i++)
		if (settle(m, &m->items[i], e) != 0)
			return -1;
	return mf_store_sync(m->repo->store, e);
}

/* Steps 1 to 3 and 8 of a prune, for manifests alone. */
static int
sweep_old(struct move *m, struct mf_error *e)
{
	struct mf_prune_params p = {0};
	struct mf_prune_result out = {0};
	struct mf_prune_run run = {
	    .repo = m->repo, .p = &p, .out = &out, .needs_lock = PTHREAD_MUTEX_INITIALIZER};
	int rc = mf_prune_sweep(&run, &m->old, e);

	if (rc == 0 && run.locked.code != MF_OK) {
		*e = run.locked; /* of an older epoch, and there until a prune may delete it */
		rc = -1;
	}
	mf_names_fini(&run.marks);
	mf_names_fini(&run.locked_roots);
	return rc;
}

static int
run(struct move *m, struct mf_error *e)
{
	if (mf_names_list(m->repo, "v/", &m->marks, e) != 0 ||
	    mf_names_list(m->repo, "m/", &m->manifests, e) != 0 ||
	    mf_condemned_read(m->repo, &m->burned, NULL, e) != 0 || move_all(m, e) != 0)
		return -1;
	if (m->n > 0 &&
	    (check_all(m, e) != 0 || mark_all(m, e) != 0 || settle_all(m, e) != 0))
		return -1;
	return sweep_old(m, e);
}

int
mf_rekey_versions(struct mf_repo *repo, size_t *changed, struct mf_error *e)
{
	struct move m = {.repo = repo};
	size_t i;
	int rc = run(&m, e);

	*changed += m.n;
	for (i = 0; i < m.n; i++) {
		free(m.items[i].old_name);
		free(m.items[i].new_name);
	}
	free(m.items);
	mf_names_fini(&m.marks);
	mf_names_fini(&m.manifests);
	mf_names_fini(&m.burned);
	mf_idmap_fini(&m.segments);
	mf_idmap_fini(&m.checked);
	mf_index_free(m.index);
	mf_prune_batch_clear(&m.old);
	return rc;
}
