/* What is deleted without a condemned list, because nobody ever relies on it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/repo/prune_int.h"

#define REF_HISTORY_MAX 100
#define REF_PREFIX_BYTES 68   /* "r/" MODEL "/" REF "/" */
#define VERSION_PREFIX_BYTES 67 /* "a/" MODEL "/" VER */

bool
mf_names_has_prefix(const struct mf_names *names, const char *prefix)
{
	size_t low = 0, high = names->n, mid, n = strlen(prefix);

	while (low < high) {
		mid = low + (high - low) / 2;
		if (strcmp(names->items[mid], prefix) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low < names->n && strncmp(names->items[low], prefix, n) == 0;
}

struct trim {
	struct mf_prune_run *run;
	struct mf_prune_batch b;
};

/* A mark is put after its manifest, and a manifest that is gone never comes back. Marks were
 * listed before the manifests, so that one without is one of a version that is gone. */
static int
trim_mark(void *arg, const char *name, uint64_t size, int64_t mtime_us)
{
	struct trim *t = arg;
	char manifest[MF_OBJECT_NAME_BYTES];

	(void)mtime_us;
	snprintf(manifest, sizeof(manifest), "m%s", name + 1);
	if (!mf_names_has(&t->run->marks, name) || mf_names_has(&t->run->manifests, manifest))
		return 0;
	return mf_prune_batch_add(&t->b, name, size);
}

static int
trim_annotation(void *arg, const char *name, uint64_t size, int64_t mtime_us)
{
	struct trim *t = arg;
	char prefix[MF_OBJECT_NAME_BYTES];

	if (mtime_us > t->run->old_us || strlen(name) <= VERSION_PREFIX_BYTES)
		return 0;
	snprintf(prefix, sizeof(prefix), "%.*s-", VERSION_PREFIX_BYTES, name);
	prefix[0] = 'm';
	if (mf_names_has_prefix(&t->run->manifests, prefix))
		return 0;
	prefix[0] = 'v';
	if (mf_names_has_prefix(&t->run->marks, prefix))
		return 0;
	return mf_prune_batch_add(&t->b, name, size);
}

/* Sequences are 16 hexadecimal digits: the order of names is their order. The newest is never
 * among those that go. */
static int
trim_refs(struct trim *t, struct mf_error *e)
{
	struct mf_names names;
	size_t i, end;

	if (mf_names_list(t->run->repo, "r/", &names, e) != 0)
		return -1;
	for (i = end = 0; i < names.n; i++) {
		if (i >= end)
			for (end = i + 1; end < names.n && strncmp(names.items[i], names.items[end],
							       REF_PREFIX_BYTES) == 0;)
				end++;
		if (end - i > REF_HISTORY_MAX)
			mf_prune_batch_add(&t->b, names.items[i], 0);
	}
	mf_names_fini(&names);
	return 0;
}

struct search {
	const struct mf_names *names;
	bool found;
};

static int
is_one(void *arg, const char *name, uint64_t size, int64_t mtime_us)
{
	struct search *s = arg;

	(void)size;
	(void)mtime_us;
	s->found = mf_names_has(s->names, name);
	return s->found;
}

/* A name on a list was stored when the list was put, and is never put again: one that a
 * listing does not show is gone for ever. */
static int
trim_list(struct mf_prune_run *run, const char *list, struct mf_error *e)
{
	struct mf_names names = {0};
	struct search s = {&names, false};
	struct mf_store *store = run->repo->store;
	int rc = mf_condemned_read_one(run->repo, list, &names, e);

	if (rc != 0 && e->code == MF_ENOTFOUND) {
		mf_error_clear(e);
		return 0;
	}
	if (rc == 0)
		rc = mf_store_list(store, "m/", is_one, &s, e);
	if (rc == 0 && !s.found)
		rc = mf_store_list(store, "c/", is_one, &s, e);
	if (rc == 0 && !s.found)
		rc = mf_store_del(store, list, e);
	mf_names_fini(&names);
	return rc;
}

int
mf_prune_trim(struct mf_prune_run *run, struct mf_error *e)
{
	struct trim t = {.run = run};
	struct mf_store *store = run->repo->store;
	bool *del = NULL;
	size_t i;
	int rc = -1;

	/* fresh listings, marks before manifests */
	mf_names_fini(&run->marks);
	mf_names_fini(&run->manifests);
	if (mf_names_list(run->repo, "v/", &run->marks, e) != 0 ||
	    mf_names_list(run->repo, "m/", &run->manifests, e) != 0 ||
	    mf_store_list(store, "v/", trim_mark, &t, e) != 0 ||
	    mf_store_list(store, "a/", trim_annotation, &t, e) != 0 || trim_refs(&t, e) != 0)
		goto out;
	if (t.b.failed || (del = calloc(t.b.names.n + 1, sizeof(*del))) == NULL) {
		mf_error_nomem(e, "a list of names");
		goto out;
	}
	memset(del, 1, t.b.names.n);
	if (run->p->dry_run) {
		run->out->objects_deleted += t.b.names.n;
		for (i = 0; i < t.b.names.n; i++)
			run->out->bytes_deleted += t.b.sizes[i];
		rc = 0;
		goto out;
	}
	rc = mf_prune_delete(run, &t.b, del, e);
	for (i = 0; rc == 0 && i < run->old_lists.n; i++)
		rc = trim_list(run, run->old_lists.items[i], e);
	if (rc == 0)
		rc = mf_store_sync(store, e);
out:
	free(del);
	mf_prune_batch_clear(&t.b);
	return rc;
}
