/*
 * Which versions there are. What orders them is in their roots, which are all read; behind a
 * network several at once, or each would take a round trip.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/repo/annotation_int.h"
#include "src/repo/damaged_int.h"
#include "src/repo/each_int.h"
#include "src/repo/version_int.h"

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

/* ---- their roots ---- */

/* A mark, and what came of reading its root. */
struct root_read {
	const char *mark; /* borrowed */
	struct mf_version v;
	bool is_read;
	struct mf_error *why; /* not read; NULL too: nobody came to it */
};

struct reading {
	struct mf_repo *repo;
	struct root_read *items;
	size_t n;
	bool skips_damaged;
};

static bool
is_damaged(const struct mf_error *why)
{
	return why->code == MF_EDAMAGED || why->code == MF_EKEY;
}

static bool
is_passed_over(const struct reading *r, const struct mf_error *why)
{
	return why->code == MF_ENOTFOUND || (r->skips_damaged && is_damaged(why));
}

/* 1: the list fails with this one, so that nobody wants those behind it. */
static int
read_root(void *arg, size_t i, struct mf_error *e)
{
	struct reading *r = arg;
	struct root_read *x = &r->items[i];
	struct mf_error why = {0};

	x->is_read = mf_version_read_root(r->repo, x->mark + 2, &x->v, &why) == 0;
	if (x->is_read)
		return 0;
	mf_version_fini(&x->v);
	if ((x->why = malloc(sizeof why)) == NULL)
		return mf_error_nomem(e, "the list of versions");
	*x->why = why;
	return is_passed_over(r, &why) ? 0 : 1;
}

/* Those that are there, in the order of their names, to the first one that fails. */
static int
take_roots(struct reading *r, mf_version_damaged *damaged, void *arg, struct mf_versions *out,
    struct mf_error *e)
{
	char name[MF_OBJECT_NAME_BYTES];
	struct root_read *x;

	for (x = r->items; x < r->items + r->n; x++) {
		if (x->is_read) {
			out->items[out->n++] = x->v;
			x->v = (struct mf_version){0};
		} else if (x->why->code == MF_ENOTFOUND) {
			continue; /* forgotten and pruned while we read */
		} else if (r->skips_damaged && is_damaged(x->why)) {
			snprintf(name, sizeof(name), "m%s", x->mark + 1);
			damaged(arg, NULL, name, x->why);
		} else {
			*e = *x->why;
			mf_damaged_hint(r->repo, x->mark + 2, NULL, e);
			return -1;
		}
	}
	return 0;
}

static void
reading_fini(struct reading *r)
{
	size_t i;

	for (i = 0; i < r->n; i++) {
		mf_version_fini(&r->items[i].v);
		free(r->items[i].why);
	}
	free(r->items);
}

static int
list_roots(struct reading *r, const struct mf_names *marks, const struct mf_names *manifests,
    struct mf_versions *out, struct mf_error *e)
{
	size_t i;

	r->items = calloc(marks->n + 1, sizeof(*r->items));
	out->items = calloc(marks->n + 1, sizeof(*out->items));
	if (r->items == NULL || out->items == NULL)
		return mf_error_nomem(e, "the list of versions");
	for (i = 0; i < marks->n; i++)
		if (mf_version_is_listed(manifests, marks->items[i]))
			r->items[r->n++].mark = marks->items[i];
	return 0;
}

int
mf_versions_list(struct mf_repo *repo, const char *model, mf_version_damaged *damaged, void *arg,
    struct mf_versions *out, struct mf_error *e)
{
	struct reading r = {.repo = repo, .skips_damaged = damaged != NULL};
	struct mf_repo_work work = {.work = read_root, .arg = &r};
	struct mf_names marks = {0}, manifests = {0};
	int rc;

	*out = (struct mf_versions){0};
	if ((rc = list_objects(repo, model, &marks, &manifests, e)) == 0 &&
	    (rc = list_roots(&r, &marks, &manifests, out, e)) == 0) {
		work.n = r.n;
		rc = mf_repo_each(repo, &work, e);
	}
	if (rc == 0)
		rc = take_roots(&r, damaged, arg, out, e);
	reading_fini(&r);
	mf_names_fini(&marks);
	mf_names_fini(&manifests);
	if (rc == 0 && out->n > 1)
		qsort(out->items, out->n, sizeof(*out->items), by_model_and_time);
	if (rc == 0)
		rc = mf_annotations_apply(repo, out->items, out->n, damaged, arg, e);
	if (rc != 0)
		mf_versions_fini(out);
	return rc;
}
