/* Finding and reading versions. */
#include <assert.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/repo/annotation_int.h"
#include "src/repo/damaged_int.h"
#include "src/repo/version_int.h"

void
mf_version_fini(struct mf_version *v)
{
	mf_root_fini(&v->root);
	mf_buf_fini(&v->root_bytes);
	free(v->rejected_reason);
	free(v->rejected_by);
	*v = (struct mf_version){0};
}

void
mf_versions_fini(struct mf_versions *vs)
{
	size_t i;

	assert(vs->items != NULL || vs->n == 0);
	for (i = 0; i < vs->n; i++)
		mf_version_fini(&vs->items[i]);
	free(vs->items);
	*vs = (struct mf_versions){0};
}

/* The names must be those the root itself hashes to. */
int
mf_version_read_root(struct mf_repo *repo, const char *object, struct mf_version *v, struct mf_error *e)
{
	char name[MF_OBJECT_NAME_BYTES], model[MF_NAME_HASH_BYTES], version[MF_NAME_HASH_BYTES];

	*v = (struct mf_version){0};
	snprintf(v->object, sizeof(v->object), "%s", object);
	snprintf(name, sizeof(name), "m/%s", object);
	if (mf_root_get(repo, name, &v->root_bytes, &v->root, e) != 0)
		return mf_error_while(e, "reading the manifest m/%s", object);
	mf_keyring_name_hash(repo->keyring, "model", v->root.model, NULL, model);
	mf_keyring_name_hash(repo->keyring, "version", v->root.model, v->root.version, version);
	if (memcmp(v->root.repo_id, mf_keyring_repo_id(repo->keyring), MF_REPO_ID_BYTES) != 0 ||
	    strncmp(object, model, 32) != 0 || strncmp(object + 33, version, 32) != 0)
		return mf_error_set(e, MF_EDAMAGED, "manifest m/%s belongs elsewhere", object);
	if ((v->root.flags & MF_ROOT_SHARD) != 0)
		return mf_error_set(e, MF_EDAMAGED,
		    "manifest m/%s is what one shard of a push brought, and no version", object);
	crypto_generichash(v->digest, sizeof(v->digest), v->root_bytes.data, v->root_bytes.len,
	    NULL, 0);
	return 0;
}

static int
by_model_and_time(const void *a, const void *b)
{
	const struct mf_version *x = a, *y = b;
	int c = strcmp(x->root.model, y->root.model);

	if (c != 0)
		return c;
	if (x->root.created_us != y->root.created_us)
		return x->root.created_us < y->root.created_us ? -1 : 1;
	return strcmp(x->root.version, y->root.version);
}

/* The prefix under v/, m/ or a/ that a model's objects have; "" for all. */
static void
model_prefix(struct mf_repo *repo, char kind, const char *model, char out[MF_OBJECT_NAME_BYTES])
{
	char hash[MF_NAME_HASH_BYTES] = "";

	if (model != NULL)
		mf_keyring_name_hash(repo->keyring, "model", model, NULL, hash);
	snprintf(out, MF_OBJECT_NAME_BYTES, "%c/%s%s", kind, hash, model ? "/" : "");
}

/* Marks before manifests: a version forgotten and pruned in between is then simply gone. */
static int
list_objects(struct mf_repo *repo, const char *model, struct mf_names *marks,
    struct mf_names *manifests, struct mf_error *e)
{
	char prefix[MF_OBJECT_NAME_BYTES];

	model_prefix(repo, 'v', model, prefix);
	if (mf_names_list(repo, prefix, marks, e) != 0)
		return -1;
	model_prefix(repo, 'm', model, prefix);
	return mf_names_list(repo, prefix, manifests, e);
}

bool
mf_version_is_listed(const struct mf_names *manifests, const char *mark)
{
	char name[MF_OBJECT_NAME_BYTES];

	if (strlen(mark) != 2 + 32 + 1 + 32 + 1 + 32)
		return false;
	snprintf(name, sizeof(name), "m%s", mark + 1);
	return mf_names_has(manifests, name);
}

int
mf_versions_list(struct mf_repo *repo, const char *model, mf_version_damaged *damaged,
    void *arg, struct mf_versions *out, struct mf_error *e)
{
	struct mf_names marks = {0}, manifests = {0};
	char name[MF_OBJECT_NAME_BYTES];
	struct mf_version *v;
	size_t i;
	int rc = -1;

	*out = (struct mf_versions){0};
	if (list_objects(repo, model, &marks, &manifests, e) != 0)
		goto out;
	if ((out->items = calloc(marks.n + 1, sizeof(*out->items))) == NULL) {
		mf_error_nomem(e, "the list of versions");
		goto out;
	}
	for (i = 0; i < marks.n; i++) {
		if (!mf_version_is_listed(&manifests, marks.items[i]))
			continue;
		v = &out->items[out->n];
		mf_error_clear(e);
		if (mf_version_read_root(repo, marks.items[i] + 2, v, e) == 0) {
			out->n++;
			continue;
		}
		mf_version_fini(v);
		if (e->code == MF_ENOTFOUND)
			continue; /* forgotten and pruned while we read */
		if (damaged == NULL || (e->code != MF_EDAMAGED && e->code != MF_EKEY)) {
			mf_damaged_hint(repo, marks.items[i] + 2, NULL, e);
			goto out;
		}
		snprintf(name, sizeof(name), "m%s", marks.items[i] + 1);
		damaged(arg, NULL, name, e);
		mf_error_clear(e);
	}
	if (out->n > 1)
		qsort(out->items, out->n, sizeof(*out->items), by_model_and_time);
	rc = mf_annotations_apply(repo, out->items, out->n, damaged, arg, e);
out:
	mf_names_fini(&marks);
	mf_names_fini(&manifests);
	if (rc != 0)
		mf_versions_fini(out);
	return rc;
}

int
mf_version_read(struct mf_repo *repo, const struct mf_version *v, struct mf_listing *out,
    struct mf_error *e)
{
	*out = (struct mf_listing){0};
	return mf_version_read_into(repo, v, out, e);
}

int
mf_version_read_into(struct mf_repo *repo, const struct mf_version *v, struct mf_listing *out,
    struct mf_error *e)
{
	struct mf_buf plain = MF_BUF_INIT;
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < v->root.n_segments; i++) {
		mf_buf_clear(&plain);
		rc = mf_segment_get(repo, &v->root.segments[i], &plain, e);
		if (rc == 0)
			rc = mf_segment_decode(plain.data, plain.len, out, e);
	}
	mf_buf_fini(&plain);
	if (rc == 0 && out->n_entries != v->root.n_entries)
		rc = mf_error_set(e, MF_EDAMAGED, "manifest names %zu entries and promises %llu",
		    out->n_entries, (unsigned long long)v->root.n_entries);
	if (rc != 0) {
		mf_listing_fini(out);
		return mf_error_while(e, "reading the file list of %s@%s", v->root.model,
		    v->root.version);
	}
	return 0;
}
