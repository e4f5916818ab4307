/* Finding and reading versions. */
#include <assert.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
