/* What is deleted without a condemned list, because nobody ever relies on it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/log.h"
#include "src/repo/damaged_int.h"
#include "src/repo/prune_int.h"
#include "src/repo/ref_int.h"

#define BALLOTS_ON_CONFIG "p/config/"
#define VERSION_PREFIX_BYTES 67 /* "a/", "h/" or "s/", MODEL "/" VER */

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

/* Annotations, receipts, and holds: who holds a version that has no mark will not point a ref at
 * it. */
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

static bool
is_of_another_ref(const struct mf_names *refs, size_t i, size_t k)
{
	return strncmp(refs->items[i], refs->items[k], MF_REF_PREFIX_BYTES) != 0;
}

/* Sequences are 16 hexadecimal digits: the order of names is their order. The newest is never
 * among those that go. */
static void
trim_history(struct trim *t, const struct mf_names *refs)
{
	size_t first, end, keep, numbers;

	for (first = 0; first < refs->n; first = end) {
		for (end = first + 1; end < refs->n && !is_of_another_ref(refs, first, end);)
			end++;
		for (keep = end, numbers = 0; keep > first && numbers < MF_REF_HISTORY_MAX;)
			numbers += mf_ref_counts(refs, --keep);
		for (; first < keep; first++)
			mf_prune_batch_add(&t->b, refs->items[first], 0);
	}
}

/* The newest number below a prefix, "r/MODEL/REF/" or "config/"; 0: nothing is there. */
static uint64_t
newest_below(const struct mf_names *sorted, const char *prefix)
{
	size_t low = 0, high = sorted->n, mid, n = strlen(prefix);

	while (low < high) {
		mid = low + (high - low) / 2;
		if (strncmp(sorted->items[mid], prefix, n) <= 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low > 0 && strncmp(sorted->items[low - 1], prefix, n) == 0
	    ? strtoull(sorted->items[low - 1] + n, NULL, 16)
	    : 0;
}

/* Ballots and votes on what has been put: "p/MODEL/REF/SEQ/..." or "p/config/SEQ/...". They were
 * listed before what is there. */
static void
trim_ballots(struct trim *t, const struct mf_names *ballots, const struct mf_names *refs,
    const struct mf_names *configs)
{
	char prefix[MF_OBJECT_NAME_BYTES];
	const char *name;
	uint64_t sequence;
	size_t i;

	for (i = 0; i < ballots->n; i++) {
		name = ballots->items[i];
		if (strncmp(name, BALLOTS_ON_CONFIG, strlen(BALLOTS_ON_CONFIG)) == 0) {
			sequence = strtoull(name + strlen(BALLOTS_ON_CONFIG), NULL, 16);
			if (sequence <= newest_below(configs, "config/"))
				mf_prune_batch_add(&t->b, name, 0);
			continue;
		}
		snprintf(prefix, sizeof(prefix), "r%.*s", MF_REF_PREFIX_BYTES - 1, name + 1);
		if (strlen(prefix) == MF_REF_PREFIX_BYTES &&
		    mf_ref_sequence_of(name) <= newest_below(refs, prefix))
			mf_prune_batch_add(&t->b, name, 0);
	}
}

static int
trim_refs(struct trim *t, struct mf_error *e)
{
	struct mf_names ballots = {0}, refs = {0}, configs = {0};
	int rc = mf_names_list(t->run->repo, "p/", &ballots, e);

	if (rc == 0)
		rc = mf_names_list(t->run->repo, "r/", &refs, e);
	if (rc == 0 && ballots.n > 0)
		rc = mf_names_list(t->run->repo, "config/", &configs, e);
	if (rc == 0) {
		trim_history(t, &refs);
		trim_ballots(t, &ballots, &refs, &configs);
	}
	mf_names_fini(&ballots);
	mf_names_fini(&refs);
	mf_names_fini(&configs);
	return rc;
}

struct search {
	const struct mf_names *names;
	char found[MF_OBJECT_NAME_BYTES]; /* "": none of them is stored */
};

static int
is_one(void *arg, const char *name, uint64_t size, int64_t mtime_us)
{
	struct search *s = arg;

	(void)size;
	(void)mtime_us;
	if (!mf_names_has(s->names, name))
		return 0;
	snprintf(s->found, sizeof(s->found), "%s", name);
	return 1;
}

/* Look for the names of one list, under the prefixes that they have. */
static int
search(struct mf_store *store, const struct mf_names *names, struct search *s, struct mf_error *e)
{
	char prefix[3] = "?/";
	size_t i;

	*s = (struct search){.names = names};
	for (i = 0; i < names->n && s->found[0] == '\0'; i++) {
		if (names->items[i][0] == prefix[0])
			continue; /* sorted: was looked at */
		prefix[0] = names->items[i][0];
		if (mf_store_list_names(store, prefix, is_one, s, e) != 0)
			return -1;
	}
	return 0;
}

/* A forget was cut off between its list and the mark. Who knows whether it is still wanted;
 * but while the list stands no ref can be moved to the version. */
static void
tell_cut_off_forget(struct mf_prune_run *run, const char *mark)
{
	char spec[MF_VERSION_SPEC_BYTES];

	mf_damaged_name(run->repo, mark + 2, spec);
	mf_log(MF_LOG_WARNING, "a forget of %s was cut off, and until it is run again no ref can be "
	    "moved there: modelferry forget %s%s", spec, spec[0] == 'm' ? "--damaged " : "", spec);
}

/* A name on a list was stored when the list was put, and is never put again: one that a
 * listing does not show is gone for ever. Marks count too: a forget that sleeps would wake to
 * delete one that a ref was moved to since. */
static int
trim_list(struct mf_prune_run *run, const char *list, struct mf_error *e)
{
	struct mf_names names = {0};
	struct search s;
	int rc = mf_condemned_read_one(run->repo, list, &names, e);

	if (rc != 0 && e->code == MF_ENOTFOUND) {
		mf_error_clear(e);
		return 0;
	}
	if (rc == 0)
		rc = search(run->repo->store, &names, &s, e);
	if (rc == 0 && s.found[0] == '\0')
		rc = mf_prune_delete_list(run, list, e);
	else if (rc == 0 && s.found[0] == 'v')
		tell_cut_off_forget(run, s.found);
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
	    mf_store_list(store, "a/", trim_annotation, &t, e) != 0 ||
	    mf_store_list(store, "h/", trim_annotation, &t, e) != 0 ||
	    mf_store_list(store, "s/", trim_annotation, &t, e) != 0 || trim_refs(&t, e) != 0 ||
	    mf_prune_trim_runs(run, &t.b, e) != 0)
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
	rc = mf_prune_delete(run, &t.b, del, e) < 0 ? -1 : 0;
	for (i = 0; rc == 0 && i < run->old_lists.n; i++)
		rc = trim_list(run, run->old_lists.items[i], e);
	if (rc == 0)
		rc = mf_store_sync(store, e);
out:
	free(del);
	mf_prune_batch_clear(&t.b);
	return rc;
}
