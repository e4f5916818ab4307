/* Which partial manifests there are, and which of them fit together. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/hex.h"
#include "src/base/log.h"
#include "src/repo/chunk_read_int.h"
#include "src/repo/commit.h"
#include "src/repo/partial_int.h"

#define TEXT_BYTES 200
#define SHOWN_DIGITS 12 /* of a digest */

static void
partial_fini(struct mf_partial *p)
{
	mf_root_fini(&p->root);
	mf_buf_fini(&p->bytes);
	*p = (struct mf_partial){0};
}

void
mf_partials_fini(struct mf_partials *ps)
{
	size_t i;

	for (i = 0; i < ps->n; i++)
		partial_fini(&ps->items[i]);
	free(ps->items);
	*ps = (struct mf_partials){0};
}

/* Is the root of this repository, and of the name that it stands under? */
static bool
belongs_here(struct mf_repo *repo, const struct mf_partial *p)
{
	char model[MF_NAME_HASH_BYTES], version[MF_NAME_HASH_BYTES];

	mf_keyring_name_hash(repo->keyring, "model", p->root.model, NULL, model);
	mf_keyring_name_hash(repo->keyring, "version", p->root.model, p->root.version, version);
	return memcmp(p->root.repo_id, mf_keyring_repo_id(repo->keyring), MF_REPO_ID_BYTES) == 0 &&
	       strncmp(p->object, model, 32) == 0 && strncmp(p->object + 33, version, 32) == 0;
}

/* 0; 1: it is none, is gone by now, or cannot be read. */
static int
read_partial(struct mf_repo *repo, const char *name, struct mf_partial *p, struct mf_error *e)
{
	int rc = mf_root_get(repo, name, &p->bytes, &p->root, e);

	snprintf(p->object, sizeof(p->object), "%s", name + 2);
	if (rc == 0 && (p->root.flags & MF_ROOT_SHARD) == 0)
		rc = 1;
	else if (rc == 0 && !belongs_here(repo, p))
		rc = mf_error_set(e, MF_EDAMAGED, "manifest %s belongs elsewhere", name);
	if (rc < 0 && mf_error_is_damage(e))
		mf_log(MF_LOG_WARNING, "%s is passed over: %s", name, e->message);
	if (rc < 0 && (mf_error_is_damage(e) || e->code == MF_ENOTFOUND)) {
		mf_error_clear(e);
		rc = 1;
	}
	if (rc != 0)
		partial_fini(p);
	return rc;
}

/* By version, shard and name. */
static int
compare(const void *a, const void *b)
{
	const struct mf_partial *x = a, *y = b;
	int c = strcmp(x->root.model, y->root.model);

	if (c == 0)
		c = strcmp(x->root.version, y->root.version);
	if (c == 0 && x->root.shard.number != y->root.shard.number)
		c = x->root.shard.number < y->root.shard.number ? -1 : 1;
	return c != 0 ? c : strcmp(x->object, y->object);
}

/* Marks before roots: a root that is marked in between is read in vain, and is no shard's. */
static int
list_roots(struct mf_repo *repo, const char *model, const char *version, struct mf_names *marks,
    struct mf_names *roots, struct mf_error *e)
{
	char m[MF_NAME_HASH_BYTES], v[MF_NAME_HASH_BYTES], prefix[MF_OBJECT_NAME_BYTES] = "v/";

	if (model != NULL) {
		mf_keyring_name_hash(repo->keyring, "model", model, NULL, m);
		snprintf(prefix, sizeof(prefix), "v/%s/", m);
	}
	if (version != NULL) {
		mf_keyring_name_hash(repo->keyring, "version", model, version, v);
		snprintf(prefix, sizeof(prefix), "v/%s/%s-", m, v);
	}
	if (mf_names_list(repo, prefix, marks, e) != 0)
		return -1;
	prefix[0] = 'm';
	return mf_names_list(repo, prefix, roots, e);
}

int
mf_partials_list(struct mf_repo *repo, const char *model, const char *version,
    struct mf_partials *out, struct mf_error *e)
{
	struct mf_names marks = {0}, roots = {0};
	char mark[MF_OBJECT_NAME_BYTES];
	size_t i;
	int rc = list_roots(repo, model, version, &marks, &roots, e);

	*out = (struct mf_partials){0};
	if (rc == 0 && (out->items = calloc(roots.n + 1, sizeof(*out->items))) == NULL)
		rc = mf_error_nomem(e, "the partial manifests");
	for (i = 0; rc >= 0 && i < roots.n; i++) {
		snprintf(mark, sizeof(mark), "v%s", roots.items[i] + 1);
		if (mf_names_has(&marks, mark))
			continue;
		rc = read_partial(repo, roots.items[i], &out->items[out->n], e);
		out->n += rc == 0;
	}
	mf_names_fini(&marks);
	mf_names_fini(&roots);
	if (rc < 0) {
		mf_partials_fini(out);
		return -1;
	}
	if (out->n > 1)
		qsort(out->items, out->n, sizeof(*out->items), compare);
	return 0;
}

/* The attempts that saw one listing. */
struct group {
	const struct mf_root_shard *key;
	size_t newest[MF_SHARDS_MAX]; /* by shard: index + 1; 0: none */
	unsigned have;
	int64_t newest_us;
};

static bool
is_of(const struct group *g, const struct mf_root_shard *s)
{
	return g->key->rules == s->rules &&
	       memcmp(g->key->listing, s->listing, sizeof(s->listing)) == 0;
}

/* Of two of one time the one with the lower name, so that everybody takes the same. */
static void
add_attempt(struct group *g, const struct mf_partials *ps, size_t i)
{
	const struct mf_root *r = &ps->items[i].root;
	size_t *at = &g->newest[r->shard.number - 1];

	g->have += *at == 0;
	if (*at == 0 || ps->items[*at - 1].root.created_us < r->created_us)
		*at = i + 1;
	if (g->newest_us < r->created_us)
		g->newest_us = r->created_us;
}

/* The groups of `of` shards; free(3). NULL: no memory. */
static struct group *
group_attempts(const struct mf_partials *ps, unsigned of, size_t *n_groups)
{
	struct group *groups = NULL, *more;
	size_t i, k;

	*n_groups = 0;
	if ((groups = calloc(1, sizeof(*groups))) == NULL)
		return NULL;
	for (i = 0; i < ps->n; i++) {
		if (ps->items[i].root.shard.of != of)
			continue;
		for (k = 0; k < *n_groups && !is_of(&groups[k], &ps->items[i].root.shard); k++)
			;
		if (k == *n_groups) {
			if ((more = reallocarray(groups, k + 1, sizeof(*more))) == NULL) {
				free(groups);
				return NULL;
			}
			groups = more;
			groups[k] = (struct group){.key = &ps->items[i].root.shard};
			(*n_groups)++;
		}
		add_attempt(&groups[k], ps, i);
	}
	return groups;
}

static bool
is_better(const struct group *a, const struct group *b)
{
	if (b == NULL || a->newest_us != b->newest_us)
		return b == NULL || a->newest_us > b->newest_us;
	return memcmp(a->key->listing, b->key->listing, sizeof(a->key->listing)) < 0;
}

/* "1, 3, 4" of the shards that a group has (has) or lacks, or "1, 3, 4 ...". */
static void
name_shards(const struct group *g, unsigned of, bool has, char out[TEXT_BYTES])
{
	size_t at = 0;
	unsigned i;

	out[0] = '\0';
	for (i = 0; i < of && at + 16 < TEXT_BYTES; i++)
		if ((g->newest[i] != 0) == has)
			at += (size_t)snprintf(
			    out + at, TEXT_BYTES - at, "%s%u", at ? ", " : "", i + 1);
	if (i < of)
		snprintf(out + at, TEXT_BYTES - at, " ...");
}

static int
say_differing(
    const struct group *groups, size_t n, unsigned of, const char *spec, struct mf_error *e)
{
	char shards[TEXT_BYTES], hex[2 * MF_LISTING_DIGEST_BYTES + 1], text[600] = "";
	size_t i, at = 0;

	for (i = 0; i < n && at + TEXT_BYTES < sizeof(text); i++) {
		name_shards(&groups[i], of, true, shards);
		mf_hex_encode(hex, groups[i].key->listing, sizeof(groups[i].key->listing));
		at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%.*s... by %.80s",
		    at ? "; " : "", SHOWN_DIGITS, hex, shards);
	}
	mf_error_set(e, MF_ECONFLICT,
	    "the shards of %s saw different files, so that none of these "
	    "listings has all %u shards: %s",
	    spec, of, text);
	return mf_error_hint(e,
	    "push the shards again when nobody writes to the source, with the same "
	    "filters, --ignore-inode and --ignore-ctime; each needs the same files, times and "
	    "inodes");
}

static int
say_missing(const struct mf_partials *ps, const struct group *g, unsigned of, const char *spec,
    struct mf_error *e)
{
	static const struct group nothing = {0};
	char shards[TEXT_BYTES];

	name_shards(g != NULL ? g : &nothing, of, false, shards);
	mf_error_set(
	    e, MF_ECONFLICT, "%s has not all of its %u shards: missing %s", spec, of, shards);
	if (g == NULL && ps->n > 0)
		return mf_error_hint(e, "there are shards of %u", ps->items[0].root.shard.of);
	return mf_error_hint(
	    e, "push what is missing: modelferry push DIR %s --shard I/%u", spec, of);
}

/* Is there no shard that all groups lack? Then it is not for want of shards. */
static bool
all_were_pushed(const struct group *groups, size_t n, unsigned of)
{
	size_t k;
	unsigned i;

	for (i = 0; i < of; i++) {
		for (k = 0; k < n && groups[k].newest[i] == 0; k++)
			;
		if (k == n)
			return false;
	}
	return true;
}

int
mf_partials_choose(const struct mf_partials *ps, unsigned of, const char *spec,
    size_t chosen[MF_SHARDS_MAX], struct mf_error *e)
{
	const struct group *best = NULL, *most = NULL;
	struct group *groups;
	size_t n, i;
	int rc = 0;

	if ((groups = group_attempts(ps, of, &n)) == NULL)
		return mf_error_nomem(e, "the partial manifests");
	for (i = 0; i < n; i++) {
		if (groups[i].have == of && is_better(&groups[i], best))
			best = &groups[i];
		if (most == NULL || groups[i].have > most->have)
			most = &groups[i];
	}
	if (best != NULL)
		for (i = 0; i < of; i++)
			chosen[i] = best->newest[i] - 1;
	else if (n > 1 && all_were_pushed(groups, n, of))
		rc = say_differing(groups, n, of, spec, e);
	else
		rc = say_missing(ps, most, of, spec, e);
	free(groups);
	return rc;
}

static bool
is_one_job(const struct mf_root *a, const struct mf_root *b)
{
	return a->shard.of == b->shard.of && strcmp(a->model, b->model) == 0 &&
	    strcmp(a->version, b->version) == 0;
}

/* Of the first attempt of a job: how many of its shards there are. 0: it is not the first. */
static unsigned
count_shards(const struct mf_partials *ps, size_t first)
{
	bool has[MF_SHARDS_MAX + 1] = {false};
	const struct mf_root *r = &ps->items[first].root;
	unsigned n = 0;
	size_t i;

	for (i = 0; i < ps->n; i++) {
		if (!is_one_job(r, &ps->items[i].root))
			continue;
		if (i < first)
			return 0;
		n += !has[ps->items[i].root.shard.number];
		has[ps->items[i].root.shard.number] = true;
	}
	return n;
}

int
mf_commit_pending(struct mf_repo *repo, const char *model, mf_commit_has *has, void *arg,
    struct mf_error *e)
{
	struct mf_partials ps;
	unsigned n;
	size_t i;

	if (mf_partials_list(repo, model, NULL, &ps, e) != 0)
		return -1;
	for (i = 0; i < ps.n; i++)
		if ((n = count_shards(&ps, i)) > 0)
			has(arg, ps.items[i].root.model, ps.items[i].root.version, n,
			    ps.items[i].root.shard.of);
	mf_partials_fini(&ps);
	return 0;
}
