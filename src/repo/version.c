/* Finding and reading versions. */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/repo/annotation_int.h"
#include "src/repo/condemned_int.h"
#include "src/repo/ref.h"
#include "src/repo/repo_int.h"

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

	for (i = 0; i < vs->n; i++)
		mf_version_fini(&vs->items[i]);
	free(vs->items);
	*vs = (struct mf_versions){0};
}

/* object: "MODEL/VER-RAND". The names must be those the root itself hashes to. */
static int
read_root(struct mf_repo *repo, const char *object, struct mf_version *v, struct mf_error *e)
{
	char name[MF_OBJECT_NAME_BYTES], model[MF_NAME_HASH_BYTES], version[MF_NAME_HASH_BYTES];

	*v = (struct mf_version){0};
	snprintf(v->object, sizeof(v->object), "%s", object);
	snprintf(name, sizeof(name), "m/%s", object);
	if (mf_object_get(repo, MF_OBJECT_ROOT, name, &v->root_bytes, e) != 0 ||
	    mf_root_decode(v->root_bytes.data, v->root_bytes.len, &v->root, e) != 0)
		return mf_error_while(e, "reading the manifest m/%s", object);
	mf_keyring_name_hash(repo->keyring, "model", v->root.model, NULL, model);
	mf_keyring_name_hash(repo->keyring, "version", v->root.model, v->root.version, version);
	if (memcmp(v->root.repo_id, mf_keyring_repo_id(repo->keyring), MF_REPO_ID_BYTES) != 0 ||
	    strncmp(object, model, 32) != 0 || strncmp(object + 33, version, 32) != 0)
		return mf_error_set(e, MF_EDAMAGED, "manifest m/%s belongs elsewhere", object);
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

static bool
is_listed(const struct mf_names *manifests, const char *mark)
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
		if (!is_listed(&manifests, marks.items[i]))
			continue;
		v = &out->items[out->n];
		mf_error_clear(e);
		if (read_root(repo, marks.items[i] + 2, v, e) == 0) {
			out->n++;
			continue;
		}
		mf_version_fini(v);
		if (e->code == MF_ENOTFOUND)
			continue; /* forgotten and pruned while we read */
		if (damaged == NULL || (e->code != MF_EDAMAGED && e->code != MF_EKEY))
			goto out;
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

/* The listed version of that name. 0; 1: there is none. */
static int
find_version(struct mf_repo *repo, const char *model, const char *version, struct mf_version *out,
    struct mf_error *e)
{
	char m[MF_NAME_HASH_BYTES], v[MF_NAME_HASH_BYTES], prefix[MF_OBJECT_NAME_BYTES];
	struct mf_names marks = {0}, manifests = {0};
	size_t i;
	int rc = -1;

	mf_keyring_name_hash(repo->keyring, "model", model, NULL, m);
	mf_keyring_name_hash(repo->keyring, "version", model, version, v);
	snprintf(prefix, sizeof(prefix), "v/%s/%s-", m, v);
	if (mf_names_list(repo, prefix, &marks, e) != 0)
		goto out;
	prefix[0] = 'm';
	if (mf_names_list(repo, prefix, &manifests, e) != 0)
		goto out;
	for (i = 0, rc = 1; i < marks.n && rc == 1; i++) {
		if (!is_listed(&manifests, marks.items[i]))
			continue;
		rc = read_root(repo, marks.items[i] + 2, out, e);
		if (rc == 0)
			rc = mf_annotations_apply(repo, out, 1, NULL, NULL, e);
		if (rc != 0) {
			mf_version_fini(out);
			rc = e->code == MF_ENOTFOUND ? 1 : -1;
		}
	}
out:
	mf_names_fini(&marks);
	mf_names_fini(&manifests);
	return rc;
}

int
mf_version_split(const char *spec, char **model, char **name, struct mf_error *e)
{
	const char *at = strrchr(spec, '@');

	*model = *name = NULL;
	*model = at != NULL ? strndup(spec, (size_t)(at - spec)) : strdup(spec);
	if (at != NULL)
		*name = strdup(at + 1);
	if (*model == NULL || (at != NULL && *name == NULL))
		mf_error_nomem(e, "a name");
	else if (mf_repo_check_name("model", *model, e) == 0 &&
	    (at == NULL || mf_repo_check_name("version or ref", *name, e) == 0))
		return 0;
	free(*model);
	free(*name);
	*model = *name = NULL;
	return -1;
}

/* "v1, v2 and 3 more" for the error of a name that is not there. */
static void
what_there_is(struct mf_repo *repo, const char *model, char *out, size_t bytes)
{
	struct mf_versions vs;
	struct mf_error ignored;
	size_t i, at = 0;

	out[0] = '\0';
	mf_error_clear(&ignored);
	if (mf_versions_list(repo, model, NULL, NULL, &vs, &ignored) != 0)
		return;
	for (i = vs.n; i-- > 0 && vs.n - i <= 5 && at < bytes;)
		at += (size_t)snprintf(out + at, bytes - at, "%s%s", at ? ", " : "",
		    vs.items[i].root.version);
	if (vs.n > 5 && at < bytes)
		snprintf(out + at, bytes - at, " and %zu older", vs.n - 5);
	mf_versions_fini(&vs);
}

static int
only_version(struct mf_repo *repo, const char *model, struct mf_version *out, struct mf_error *e)
{
	struct mf_versions vs;
	char text[300];

	if (mf_versions_list(repo, model, NULL, NULL, &vs, e) != 0)
		return -1;
	if (vs.n == 1) {
		*out = vs.items[0];
		vs.items[0] = (struct mf_version){0};
		mf_versions_fini(&vs);
		return 0;
	}
	if (vs.n == 0) {
		mf_error_set(e, MF_ENOTFOUND, "model %s has no version in %s", model,
		    mf_store_label(repo->store));
	} else {
		what_there_is(repo, model, text, sizeof(text));
		mf_error_set(e, MF_ENOTFOUND, "model %s has %zu versions and no ref `production`",
		    model, vs.n);
		mf_error_hint(e, "name one: %s", text);
	}
	mf_versions_fini(&vs);
	return -1;
}

static int
version_of_ref(struct mf_repo *repo, const struct mf_ref *ref, struct mf_version *out,
    struct mf_error *e)
{
	int rc = find_version(repo, ref->model, ref->version, out, e);

	if (rc == 0 && memcmp(out->digest, ref->digest, sizeof(ref->digest)) != 0) {
		mf_version_fini(out);
		return mf_error_set(e, MF_EKEY,
		    "%s@%s is not the manifest that the ref %s was set to", ref->model,
		    ref->version, ref->name);
	}
	if (rc == 1)
		return mf_error_set(e, MF_EDAMAGED, "the ref %s@%s points at %s, which is not there",
		    ref->model, ref->name, ref->version);
	return rc;
}

static int
resolve_name(struct mf_repo *repo, const char *model, const char *name, struct mf_version *out,
    struct mf_error *e)
{
	char text[300];
	struct mf_ref ref;
	int rc;

	if (strcmp(name, "previous") == 0)
		return mf_ref_previous(repo, model, false, out, e);
	if ((rc = find_version(repo, model, name, out, e)) <= 0)
		return rc;
	if (mf_ref_get(repo, model, name, &ref, e) == 0) {
		rc = version_of_ref(repo, &ref, out, e);
		mf_ref_fini(&ref);
		return rc;
	}
	if (e->code != MF_ENOTFOUND)
		return -1;
	what_there_is(repo, model, text, sizeof(text));
	mf_error_set(e, MF_ENOTFOUND, "no version or ref %s@%s in %s", model, name,
	    mf_store_label(repo->store));
	if (text[0] != '\0')
		mf_error_hint(e, "its versions: %s", text);
	return -1;
}

int
mf_version_resolve(struct mf_repo *repo, const char *spec, struct mf_version *out,
    struct mf_error *e)
{
	char *model, *name;
	struct mf_ref ref;
	int rc;

	*out = (struct mf_version){0};
	if (mf_version_split(spec, &model, &name, e) != 0)
		return -1;
	if (name != NULL) {
		rc = resolve_name(repo, model, name, out, e);
	} else if (mf_ref_get(repo, model, "production", &ref, e) == 0) {
		rc = version_of_ref(repo, &ref, out, e);
		mf_ref_fini(&ref);
	} else {
		rc = e->code == MF_ENOTFOUND ? only_version(repo, model, out, e) : -1;
	}
	free(model);
	free(name);
	return rc;
}

int
mf_version_read(struct mf_repo *repo, const struct mf_version *v, struct mf_listing *out,
    struct mf_error *e)
{
	struct mf_buf plain = MF_BUF_INIT;
	size_t i;
	int rc = 0;

	*out = (struct mf_listing){0};
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

/* 0: no ref of the model points at the version. */
static int
refuse_if_pointed_at(struct mf_repo *repo, const struct mf_version *v, struct mf_error *e)
{
	struct mf_refs refs;
	size_t i;

	if (mf_ref_list(repo, v->root.model, &refs, e) != 0)
		return -1;
	for (i = 0; i < refs.n; i++) {
		if (strcmp(refs.items[i].name, "previous") == 0 ||
		    strcmp(refs.items[i].version, v->root.version) != 0)
			continue;
		mf_error_set(e, MF_ECONFLICT, "%s@%s is what the ref %s points at", v->root.model,
		    v->root.version, refs.items[i].name);
		mf_error_hint(e, "move the ref first: modelferry ref %s %s OTHER", v->root.model,
		    refs.items[i].name);
		mf_refs_fini(&refs);
		return -1;
	}
	mf_refs_fini(&refs);
	return 0;
}

/*
 * List the mark, read the refs, delete it: who moves a ref puts it first and then reads the
 * lists, so that of the two at least one sees the other. The list goes last; left over by a
 * kill it burns a name that no push uses again, and a prune removes it.
 */
int
mf_version_forget(struct mf_repo *repo, const struct mf_version *v, struct mf_error *e)
{
	char list[MF_OBJECT_NAME_BYTES], mark[MF_OBJECT_NAME_BYTES], *names[] = {mark};
	struct mf_names condemned = {.items = names, .n = 1};
	int rc;

	if (refuse_if_pointed_at(repo, v, e) != 0)
		return -1;
	snprintf(mark, sizeof(mark), "v/%s", v->object);
	rc = mf_condemned_put(repo, &condemned, list, e);
	if (rc == 0) {
		rc = refuse_if_pointed_at(repo, v, e);
		if (rc == 0)
			rc = mf_store_del(repo->store, mark, e);
		if (rc == 0)
			rc = mf_store_sync(repo->store, e);
		if (mf_store_del(repo->store, list, rc == 0 ? e : NULL) != 0)
			rc = -1;
	}
	return rc == 0 ? 0
		       : mf_error_while(e, "forgetting %s@%s", v->root.model, v->root.version);
}
