/*
 * Annotations: the object a/MODEL/VER/TIME-RAND, whose bytes are annotation_record.c's. It names
 * the root by digest, not by object, so that it survives a rekey and does not speak of another
 * version that has the same name later.
 *
 * Each says which ones it came after, so that who removes one that is not the last is noticed.
 * That stands where readers which do not know of it do nothing: among the tags, as one without
 * a value, which removes a tag that is not there. Its key is AFTER and the last part of the
 * other's name.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/log.h"
#include "src/repo/annotation_ahead_int.h"
#include "src/repo/annotation_int.h"
#include "src/repo/repo_int.h"

#define RESERVED '\001' /* a key that begins so is no tag */
#define AFTER "\001after "
#define LAST_PART_BYTES (16 + 1 + 32) /* TIME-RAND */
#define MAX_AFTER 16 /* that one annotation names; others come of writers side by side */

/* The annotations of one version. */
struct notes {
	char prefix[MF_OBJECT_NAME_BYTES];
	struct mf_names names; /* whole names of those that are about it */
	struct mf_names after; /* whole names that they say they came after */
};

static void
notes_init(struct notes *n, struct mf_repo *repo, const struct mf_root *root)
{
	char model[MF_NAME_HASH_BYTES], version[MF_NAME_HASH_BYTES];

	*n = (struct notes){0};
	mf_keyring_name_hash(repo->keyring, "model", root->model, NULL, model);
	mf_keyring_name_hash(repo->keyring, "version", root->model, root->version, version);
	snprintf(n->prefix, sizeof(n->prefix), "a/%s/%s/", model, version);
}

static void
notes_fini(struct notes *n)
{
	mf_names_fini(&n->names);
	mf_names_fini(&n->after);
}

/* Take down which one a reserved key names; of others nothing is known. */
static void
take_after(struct notes *n, const char *key)
{
	const char *part = key + sizeof(AFTER) - 1;
	char name[MF_OBJECT_NAME_BYTES];
	size_t at = strlen(n->prefix);

	if (strncmp(key, AFTER, sizeof(AFTER) - 1) != 0 || strlen(part) != LAST_PART_BYTES ||
	    strspn(part, "0123456789abcdef-") != LAST_PART_BYTES)
		return;
	memcpy(name, n->prefix, sizeof(name));
	snprintf(name + at, sizeof(name) - at, "%s", part);
	mf_names_add(&n->after, name);
}

static void
take_note(struct notes *n, const char *name, const struct mf_annotation_record *x,
    const struct mf_version *v)
{
	size_t i;

	if (memcmp(x->digest, v->digest, sizeof(v->digest)) != 0)
		return; /* about an earlier version of this name */
	mf_names_add(&n->names, name);
	for (i = 0; i < x->n_tags; i++)
		if (x->tags[i].key[0] == RESERVED)
			take_after(n, x->tags[i].key);
}

static void
swap(char **a, char **b)
{
	char *was = *a;

	*a = *b;
	*b = was;
}

static void
remove_tag(struct mf_root *root, size_t i)
{
	free(root->tags[i].key);
	free(root->tags[i].value);
	root->tags[i] = root->tags[--root->n_tags];
}

/* Set, replace or (empty value) remove one tag. What is kept is taken out of tag. */
static int
apply_tag(struct mf_root *root, struct mf_tag *tag, struct mf_error *e)
{
	struct mf_tag *more;
	size_t i;

	for (i = 0; i < root->n_tags && strcmp(root->tags[i].key, tag->key) != 0; i++)
		;
	if (i < root->n_tags) {
		swap(&root->tags[i].value, &tag->value);
		if (root->tags[i].value[0] == '\0')
			remove_tag(root, i);
		return 0;
	}
	if (tag->value[0] == '\0')
		return 0;
	more = reallocarray(root->tags, root->n_tags + 1, sizeof(*more));
	if (more == NULL)
		return mf_error_nomem(e, "an annotation");
	root->tags = more;
	root->tags[root->n_tags++] = *tag;
	*tag = (struct mf_tag){NULL, NULL};
	return 0;
}

int
mf_annotation_apply(struct mf_annotation_record *x, struct mf_version *v, struct mf_error *e)
{
	size_t i;

	if (memcmp(x->digest, v->digest, sizeof(v->digest)) != 0)
		return 0; /* about an earlier version of this name */
	for (i = 0; i < x->n_tags; i++)
		if (x->tags[i].key[0] != RESERVED && apply_tag(&v->root, &x->tags[i], e) != 0)
			return -1;
	if (x->rejected != 0) {
		v->rejected = x->rejected == 1;
		swap(&v->rejected_reason, &x->reason);
		swap(&v->rejected_by, &x->by);
	}
	return 0;
}

static int
read_and_apply(struct mf_annotations_ahead *ahead, const char *name, struct mf_version *v,
    struct notes *n, struct mf_buf *plain, struct mf_error *e)
{
	struct mf_annotation_record x;
	int rc;

	mf_buf_clear(plain);
	if (mf_annotations_ahead_get(ahead, name, plain, e) != 0)
		return -1;
	rc = mf_annotation_decode(plain->data, plain->len, &x, e);
	if (rc == 0) {
		take_note(n, name, &x, v);
		rc = mf_annotation_apply(&x, v, e);
		mf_annotation_record_fini(&x);
	}
	return rc == 0 ? 0 : mf_error_while(e, "reading annotation %s", name);
}

struct damage_report {
	mf_version_damaged *report; /* NULL: damage is an error */
	void *arg;
};

static int
apply_one(struct mf_annotations_ahead *ahead, const char *name, struct mf_version *v,
    struct notes *n, struct mf_buf *plain, const struct damage_report *d, struct mf_error *e)
{
	if (read_and_apply(ahead, name, v, n, plain, e) == 0)
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

/* One that another came after is not there. */
static void
note_removed(struct mf_version *v, const char *name, const struct damage_report *d)
{
	struct mf_error why;

	mf_error_set(&why, MF_EDAMAGED, "%s, which was noted about %s@%s, was removed", name,
	    v->root.model, v->root.version);
	v->note_removed = true;
	if (d->report != NULL)
		d->report(d->arg, v, name, &why);
	else
		mf_log(MF_LOG_WARNING, "%s", why.message);
}

/* Are all there that others came after? listed: all annotations, sorted. One that is not may
 * have been put while they were listed: then it is there now. */
static int
check_chain(struct mf_repo *repo, struct mf_version *v, struct notes *n,
    const struct mf_names *listed, const struct damage_report *d, struct mf_error *e)
{
	size_t i;
	int rc;

	if (n->names.failed || n->after.failed)
		return mf_error_nomem(e, "annotations");
	mf_names_sort(&n->after);
	for (i = 0; i < n->after.n; i++) {
		if (mf_names_has(listed, n->after.items[i]) ||
		    (i > 0 && strcmp(n->after.items[i], n->after.items[i - 1]) == 0))
			continue;
		if ((rc = mf_store_head(repo->store, n->after.items[i], NULL, e)) < 0)
			return -1;
		if (rc == 1)
			note_removed(v, n->after.items[i], d);
	}
	return 0;
}

/* n gets what was read. */
static int
apply_all(struct mf_annotations_ahead *ahead, struct mf_version *v, const struct mf_names *listed,
    struct notes *n, const struct damage_report *d, struct mf_error *e)
{
	struct mf_buf plain = MF_BUF_INIT;
	size_t i, len;
	int rc = 0;

	notes_init(n, ahead->repo, &v->root);
	len = strlen(n->prefix);
	for (i = 0; rc == 0 && i < listed->n; i++)
		if (strncmp(listed->items[i], n->prefix, len) == 0)
			rc = apply_one(ahead, listed->items[i], v, n, &plain, d, e);
	mf_buf_fini(&plain);
	return rc == 0 ? check_chain(ahead->repo, v, n, listed, d, e) : -1;
}

/* Where the annotations of each of these are, and of all, who are sorted by model. */
static int
find_prefixes(struct mf_repo *repo, const struct mf_version *items, size_t n, struct mf_names *each,
    char all[MF_OBJECT_NAME_BYTES], struct mf_error *e)
{
	struct notes notes;
	size_t i;

	for (i = 0; i < n; i++) {
		notes_init(&notes, repo, &items[i].root);
		mf_names_add(each, notes.prefix);
		if (i == 0)
			memcpy(all, notes.prefix, MF_OBJECT_NAME_BYTES);
	}
	if (each->failed)
		return mf_error_nomem(e, "annotations");
	mf_names_sort(each);
	if (strcmp(items[0].root.model, items[n - 1].root.model) != 0)
		all[strlen("a/")] = '\0';
	else if (n > 1)
		all[strlen("a/") + MF_NAME_HASH_BYTES] = '\0'; /* behind the next '/' */
	return 0;
}

int
mf_annotations_apply(struct mf_repo *repo, struct mf_version *items, size_t n,
    mf_version_damaged *damaged, void *arg, struct mf_error *e)
{
	struct damage_report d = {damaged, arg};
	struct mf_annotations_ahead ahead = {.repo = repo};
	struct mf_names prefixes = {0}, names = {0};
	char prefix[MF_OBJECT_NAME_BYTES];
	struct notes notes;
	size_t i;
	int rc;

	if (n == 0)
		return 0;
	rc = find_prefixes(repo, items, n, &prefixes, prefix, e);
	if (rc == 0)
		rc = mf_names_list(repo, prefix, &names, e);
	if (rc == 0)
		rc = mf_annotations_ahead_read(&ahead, &names, &prefixes, e);
	for (i = 0; rc == 0 && names.n > 0 && i < n; i++) {
		rc = apply_all(&ahead, &items[i], &names, &notes, &d, e);
		notes_fini(&notes);
	}
	mf_annotations_ahead_fini(&ahead);
	mf_names_fini(&names);
	mf_names_fini(&prefixes);
	return rc;
}

/* Who found the version has told it. */
static void
ignore_damage(void *arg, const struct mf_version *v, const char *object,
    const struct mf_error *why)
{
	(void)arg;
	(void)v;
	(void)object;
	(void)why;
}

/* What is there by now that nothing came after yet: notes->names, in order of time. Damaged
 * ones are left alone. *notes is to be freed also after a failure. */
static int
find_last(struct mf_repo *repo, const struct mf_version *v, struct notes *notes,
    struct mf_error *e)
{
	struct mf_annotations_ahead ahead = {.repo = repo};
	struct damage_report d = {ignore_damage, NULL};
	struct mf_version scratch = {.root.model = v->root.model, .root.version = v->root.version};
	struct mf_names listed, last = {0};
	size_t i;
	int rc;

	memcpy(scratch.digest, v->digest, sizeof(scratch.digest));
	notes_init(notes, repo, &v->root);
	if (mf_names_list(repo, notes->prefix, &listed, e) != 0)
		return -1;
	rc = apply_all(&ahead, &scratch, &listed, notes, &d, e); /* few: none is read ahead */
	for (i = 0; rc == 0 && i < notes->names.n; i++)
		if (!mf_names_has(&notes->after, notes->names.items[i]))
			mf_names_add(&last, notes->names.items[i]);
	if (rc == 0 && last.failed)
		rc = mf_error_nomem(e, "annotations");
	scratch.root.model = scratch.root.version = NULL; /* v's */
	mf_version_fini(&scratch);
	mf_names_fini(&listed);
	mf_names_fini(&notes->names);
	notes->names = last;
	return rc;
}

/* The annotation with what it comes after: the latest of notes. */
static int
encode(const struct mf_version *v, const struct mf_annotation *a, const struct notes *notes,
    int64_t now_us, struct mf_buf *b, struct mf_error *e)
{
	char keys[MAX_AFTER][sizeof(AFTER) + LAST_PART_BYTES], none[] = "";
	struct mf_annotation chained = *a;
	struct mf_tag *tags;
	size_t n = notes->names.n < MAX_AFTER ? notes->names.n : MAX_AFTER, i;
	int rc;

	if ((tags = calloc(a->n_tags + n + 1, sizeof(*tags))) == NULL)
		return mf_error_nomem(e, "an annotation");
	if (a->n_tags > 0)
		memcpy(tags, a->tags, a->n_tags * sizeof(*tags));
	for (i = 0; i < n; i++) {
		snprintf(keys[i], sizeof(keys[i]), AFTER "%s",
		    notes->names.items[notes->names.n - n + i] + strlen(notes->prefix));
		tags[a->n_tags + i] = (struct mf_tag){keys[i], none};
	}
	chained.tags = tags;
	chained.n_tags += n;
	rc = mf_annotation_encode(&chained, v->digest, now_us, b, e);
	free(tags);
	if (rc == 0 && b->len > MF_SMALL_OBJECT_MAX_BYTES)
		rc = mf_error_set(e, MF_EUSAGE, "the tags take more than 1 MiB");
	return rc;
}

static int
refuse_reserved(const struct mf_annotation *a, struct mf_error *e)
{
	size_t i;

	for (i = 0; i < a->n_tags; i++)
		if (a->tags[i].key[0] == RESERVED)
			return mf_error_set(e, MF_EUSAGE, "a tag cannot begin with the byte 01");
	return 0;
}

static int
annotate(struct mf_repo *repo, const struct mf_version *v, const struct mf_annotation *a,
    int64_t now_us, struct mf_error *e)
{
	char name[MF_OBJECT_NAME_BYTES], rand[MF_RANDOM_NAME_BYTES];
	struct mf_buf b = MF_BUF_INIT;
	struct notes notes;
	size_t at;
	int rc;

	if (refuse_reserved(a, e) != 0)
		return -1;
	rc = find_last(repo, v, &notes, e);
	if (rc == 0)
		rc = encode(v, a, &notes, now_us, &b, e);
	if (rc == 0) {
		mf_name_random(rand);
		memcpy(name, notes.prefix, sizeof(name));
		at = strlen(name);
		snprintf(name + at, sizeof(name) - at, "%016" PRIx64 "-%s", (uint64_t)now_us, rand);
		rc = mf_object_put_new(repo, MF_OBJECT_ANNOTATION, name, b.data, b.len,
		    MF_STORE_DURABLE, e);
	}
	mf_buf_fini(&b);
	notes_fini(&notes);
	return rc;
}

int
mf_version_annotate(struct mf_repo *repo, const struct mf_version *v,
    const struct mf_annotation *a, int64_t now_us, struct mf_error *e)
{
	return annotate(repo, v, a, now_us, e) == 0
	    ? 0
	    : mf_error_while(e, "annotating %s@%s", v->root.model, v->root.version);
}
