/*
 * An annotation is the object a/MODEL/VER/TIME-RAND:
 *	u32 format, digest[32] of the root it is about, u64 time_us, u8 rejected (0 nothing,
 *	1 rejected, 2 cleared), string reason, string by, u32 tags {string key, value}
 * It names the root by digest, not by object, so that it survives a rekey and does not speak
 * of another version that has the same name later.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/repo/annotation_int.h"
#include "src/repo/repo_int.h"

#define ANNOTATION_FORMAT 1
#define MAX_TAGS 1024

static void
prefix_of(struct mf_repo *repo, const struct mf_root *root, char out[MF_OBJECT_NAME_BYTES])
{
	char model[MF_NAME_HASH_BYTES], version[MF_NAME_HASH_BYTES];

	mf_keyring_name_hash(repo->keyring, "model", root->model, NULL, model);
	mf_keyring_name_hash(repo->keyring, "version", root->model, root->version, version);
	snprintf(out, MF_OBJECT_NAME_BYTES, "a/%s/%s/", model, version);
}

int
mf_version_annotate(struct mf_repo *repo, const struct mf_version *v,
    const struct mf_annotation *a, int64_t now_us, struct mf_error *e)
{
	char name[MF_OBJECT_NAME_BYTES], rand[MF_RANDOM_NAME_BYTES];
	struct mf_buf b = MF_BUF_INIT;
	size_t i, at;
	int rc;

	prefix_of(repo, &v->root, name);
	mf_name_random(rand);
	at = strlen(name);
	snprintf(name + at, sizeof(name) - at, "%016" PRIx64 "-%s", (uint64_t)now_us, rand);
	mf_buf_put_u32(&b, ANNOTATION_FORMAT);
	mf_buf_put(&b, v->digest, sizeof(v->digest));
	mf_buf_put_u64(&b, (uint64_t)now_us);
	mf_buf_put_u8(&b, a->rejected == 1 ? 1 : a->rejected == -1 ? 2 : 0);
	mf_buf_put_string(&b, a->reason ? a->reason : "");
	mf_buf_put_string(&b, a->by ? a->by : "");
	mf_buf_put_u32(&b, (uint32_t)a->n_tags);
	for (i = 0; i < a->n_tags; i++) {
		mf_buf_put_string(&b, a->tags[i].key);
		mf_buf_put_string(&b, a->tags[i].value);
	}
	rc = b.failed ? mf_error_nomem(e, "an annotation")
		      : mf_object_put_new(repo, MF_OBJECT_ANNOTATION, name, b.data, b.len,
			    MF_STORE_DURABLE, e);
	mf_buf_fini(&b);
	return rc == 0 ? 0
		       : mf_error_while(e, "annotating %s@%s", v->root.model, v->root.version);
}

/* Set, replace or (empty value) remove one tag. Takes key and value. */
static int
apply_tag(struct mf_root *root, char *key, char *value)
{
	struct mf_pair *more;
	size_t i;

	for (i = 0; i < root->n_tags && strcmp(root->tags[i].key, key) != 0; i++)
		;
	if (i < root->n_tags) {
		free(root->tags[i].key);
		free(root->tags[i].value);
		if (value[0] == '\0') {
			free(key);
			free(value);
			root->tags[i] = root->tags[--root->n_tags];
		} else {
			root->tags[i] = (struct mf_pair){key, value};
		}
		return 0;
	}
	more = value[0] == '\0' ? NULL
				: reallocarray(root->tags, root->n_tags + 1, sizeof(*more));
	if (more == NULL) {
		i = value[0] == '\0';
		free(key);
		free(value);
		return i ? 0 : -1;
	}
	root->tags = more;
	root->tags[root->n_tags++] = (struct mf_pair){key, value};
	return 0;
}

static int
apply_tags(struct mf_reader *r, struct mf_root *root)
{
	uint32_t n = mf_reader_u32(r), i;
	char *key, *value;

	if (n > MAX_TAGS)
		return -1;
	for (i = 0; i < n; i++) {
		key = mf_reader_string(r, 1024);
		value = mf_reader_string(r, 65536);
		if (key == NULL || value == NULL) {
			free(key);
			free(value);
			return -1;
		}
		if (apply_tag(root, key, value) != 0) {
			r->no_memory = true;
			return -1;
		}
	}
	return 0;
}

static int
apply(const struct mf_buf *plain, struct mf_version *v, struct mf_error *e)
{
	struct mf_reader r = mf_reader_of(plain->data, plain->len);
	uint32_t format = mf_reader_u32(&r);
	const uint8_t *digest;
	char *reason, *by;
	unsigned rejected;

	if (!r.failed && format != ANNOTATION_FORMAT)
		return mf_error_set(e, MF_EUNSUPPORTED, "annotation of format %u", format);
	digest = mf_reader_bytes(&r, sizeof(v->digest));
	if (digest != NULL && memcmp(digest, v->digest, sizeof(v->digest)) != 0)
		return 0; /* about an earlier version of this name */
	mf_reader_u64(&r);
	rejected = mf_reader_u8(&r);
	reason = mf_reader_string(&r, 65536);
	by = mf_reader_string(&r, 1024);
	if (r.failed || reason == NULL || by == NULL || apply_tags(&r, &v->root) != 0) {
		free(reason);
		free(by);
		return mf_reader_error(&r, e, "annotation of a shape that cannot be");
	}
	if (rejected != 0) {
		v->rejected = rejected == 1;
		free(v->rejected_reason);
		free(v->rejected_by);
		v->rejected_reason = reason;
		v->rejected_by = by;
	} else {
		free(reason);
		free(by);
	}
	return 0;
}

struct damage_report {
	mf_version_damaged *report; /* NULL: damage is an error */
	void *arg;
};

static int
apply_one(struct mf_repo *repo, const char *name, struct mf_version *v, struct mf_buf *plain,
    const struct damage_report *d, struct mf_error *e)
{
	int rc;

	mf_buf_clear(plain);
	rc = mf_object_get(repo, MF_OBJECT_ANNOTATION, name, plain, e);
	if (rc == 0 && (rc = apply(plain, v, e)) != 0)
		mf_error_while(e, "reading annotation %s", name);
	if (rc == 0)
		return 0;
	if (e->code == MF_ENOTFOUND)
		return 0; /* pruned with its version meanwhile */
	if (d->report == NULL || (e->code != MF_EDAMAGED && e->code != MF_EKEY))
		return mf_error_while(e, "reading what was noted about %s@%s", v->root.model,
		    v->root.version);
	d->report(d->arg, v, name, e);
	mf_error_clear(e);
	return 0;
}

static int
apply_all(struct mf_repo *repo, struct mf_version *v, const struct mf_names *names,
    const struct damage_report *d, struct mf_error *e)
{
	char prefix[MF_OBJECT_NAME_BYTES];
	struct mf_buf plain = MF_BUF_INIT;
	size_t i, len;
	int rc = 0;

	prefix_of(repo, &v->root, prefix);
	len = strlen(prefix);
	for (i = 0; rc == 0 && i < names->n; i++)
		if (strncmp(names->items[i], prefix, len) == 0)
			rc = apply_one(repo, names->items[i], v, &plain, d, e);
	mf_buf_fini(&plain);
	return rc;
}

int
mf_annotations_apply(struct mf_repo *repo, struct mf_version *items, size_t n,
    mf_version_damaged *damaged, void *arg, struct mf_error *e)
{
	struct damage_report d = {damaged, arg};
	struct mf_names names;
	char prefix[MF_OBJECT_NAME_BYTES];
	size_t i;
	int rc = 0;

	if (n == 0)
		return 0;
	snprintf(prefix, sizeof(prefix), "a/");
	if (n == 1)
		prefix_of(repo, &items[0].root, prefix);
	if (mf_names_list(repo, prefix, &names, e) != 0)
		return -1;
	for (i = 0; rc == 0 && names.n > 0 && i < n; i++)
		rc = apply_all(repo, &items[i], &names, &d, e);
	mf_names_fini(&names);
	return rc;
}
