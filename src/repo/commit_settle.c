/*
 * Commits need no lock and no turn: each publishes a version of its own, which all are equal, and
 * then everybody keeps the one of the lowest name that no list names. A mark is taken away only
 * while another one is sure to stay, so that the name is listed from the first settled one on.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/repo/commit_int.h"
#include "src/repo/condemned_int.h"
#include "src/repo/forget_int.h"
#include "src/repo/rekey_int.h"
#include "src/repo/shard_int.h"
#include "src/repo/version_int.h"

#define AGAIN 1
#define REFERRED 2

struct settling {
	struct mf_repo *repo;
	const struct mf_settle_params *p;
	struct mf_version *items; /* by name; those whose root is stored */
	size_t n;
	bool *burned; /* on a list */
};

int
mf_commit_has_listing(struct mf_repo *repo, const struct mf_version *v,
    const struct mf_root_shard *listing, const struct mf_region_params *spill, struct mf_error *e)
{
	uint8_t digest[MF_LISTING_DIGEST_BYTES];
	struct mf_listing l;

	if (mf_listing_init(&l, spill, e) != 0)
		return -1;
	if (mf_version_read_into(repo, v, &l, e) != 0) {
		mf_listing_fini(&l);
		return -1;
	}
	mf_listing_digest_of(&l, listing->rules, digest);
	mf_listing_fini(&l);
	return memcmp(digest, listing->listing, sizeof(digest)) == 0;
}

/* The root of a mark, where it is stored. It is asked for even if it is our own. */
static int
take_root(struct settling *s, const char *mark, const struct mf_names *burned, struct mf_error *e)
{
	struct mf_version *v = &s->items[s->n];
	char name[MF_OBJECT_NAME_BYTES];

	if (mf_version_read_root(s->repo, mark + 2, v, e) != 0) {
		mf_version_fini(v);
		if (e->code != MF_ENOTFOUND)
			return -1;
		mf_error_clear(e);
		return 0;
	}
	snprintf(name, sizeof(name), "m%s", mark + 1);
	s->burned[s->n++] = mf_names_has(burned, name) || mf_names_has(burned, mark);
	return 0;
}

/* Marks, then lists, then roots. */
static int
look(struct settling *s, struct mf_error *e)
{
	char model[MF_NAME_HASH_BYTES], version[MF_NAME_HASH_BYTES], prefix[MF_OBJECT_NAME_BYTES];
	struct mf_names marks, burned;
	size_t i;
	int rc = 0;

	mf_keyring_name_hash(s->repo->keyring, "model", s->p->model, NULL, model);
	mf_keyring_name_hash(s->repo->keyring, "version", s->p->model, s->p->version, version);
	snprintf(prefix, sizeof(prefix), "v/%s/%s-", model, version);
	if (mf_names_list(s->repo, prefix, &marks, e) != 0)
		return -1;
	if (mf_condemned_read(s->repo, &burned, NULL, e) != 0) {
		mf_names_fini(&marks);
		return -1;
	}
	s->items = calloc(marks.n + 1, sizeof(*s->items));
	s->burned = calloc(marks.n + 1, sizeof(*s->burned));
	if (s->items == NULL || s->burned == NULL)
		rc = mf_error_nomem(e, "the list of versions");
	for (i = 0; rc == 0 && i < marks.n; i++)
		rc = take_root(s, marks.items[i], &burned, e);
	mf_names_fini(&marks);
	mf_names_fini(&burned);
	return rc;
}

static bool
is_own(const struct settling *s, const struct mf_version *v)
{
	return s->p->own != NULL && strcmp(s->p->own->object, v->object) == 0;
}

static int
refuse(const struct settling *s, struct mf_error *e)
{
	mf_error_set(
	    e, MF_ECONFLICT, "%s@%s exists already, of other files", s->p->model, s->p->version);
	return mf_error_hint(e,
	    "versions never change: push the shards under another name, or forget "
	    "that one");
}

/* Is one of them no commit of these shards, but something that was pushed under the name? */
static int
check_equal(struct settling *s, struct mf_error *e)
{
	size_t i;
	int rc;

	for (i = 0; i < s->n; i++) {
		if (is_own(s, &s->items[i]))
			continue;
		rc = mf_commit_has_listing(s->repo, &s->items[i], s->p->listing, s->p->spill, e);
		if (rc < 0)
			return -1;
		if (rc == 1)
			continue;
		if (s->p->own != NULL && mf_version_unmark(s->repo, s->p->own, e) != 0)
			return -1;
		return refuse(s, e);
	}
	return 0;
}

/* A rekey that is under way has one version twice, in two epochs: that is its matter. 1 yes, 0, -1.
 */
static int
is_rekeyed(
    struct settling *s, const struct mf_version *a, const struct mf_version *b, struct mf_error *e)
{
	char name[MF_OBJECT_NAME_BYTES];
	int64_t one, other;

	if (memcmp(a->digest, b->digest, sizeof(a->digest)) != 0)
		return 0;
	snprintf(name, sizeof(name), "m/%s", a->object);
	one = mf_rekey_epoch(s->repo, name, e);
	snprintf(name, sizeof(name), "m/%s", b->object);
	other = mf_rekey_epoch(s->repo, name, e);
	return one < 0 || other < 0 ? -1 : one != other;
}

/* 0: it is gone, or none of ours; REFERRED: a ref is at it; AGAIN; -1. */
static int
forget_for(struct settling *s, size_t i, size_t stays, struct mf_error *e)
{
	int rc = is_rekeyed(s, &s->items[i], &s->items[stays], e);

	if (rc != 0)
		return rc < 0 ? -1 : 0;
	rc = mf_version_unmark_for(s->repo, &s->items[i], &s->items[stays], e);
	if (rc < 0)
		return -1;
	mf_error_clear(e);
	return rc == 0 ? 0 : rc == 1 ? REFERRED : AGAIN;
}

/* Forget all but the one that stays; where a ref is at another one, that one stays instead. */
static int
forget_others(struct settling *s, size_t *stays, struct mf_error *e)
{
	bool is_fixed = false; /* a ref is at the one that stays */
	size_t i, other;
	int rc;

	for (i = 0; i < s->n; i++) {
		if (i == *stays)
			continue;
		rc = forget_for(s, i, *stays, e);
		if (rc == REFERRED && !is_fixed && !s->burned[i]) {
			other = *stays;
			*stays = i;
			is_fixed = true;
			rc = forget_for(s, other, i, e);
		}
		if (rc == AGAIN || rc < 0)
			return rc;
	}
	return 0;
}

static int
settle(struct settling *s, struct mf_version *out, struct mf_error *e)
{
	size_t stays;
	int rc;

	if (look(s, e) != 0 || check_equal(s, e) != 0)
		return -1;
	for (stays = 0; stays < s->n && s->burned[stays]; stays++)
		;
	if (stays == s->n)
		return AGAIN;
	if ((rc = forget_others(s, &stays, e)) != 0)
		return rc;
	*out = s->items[stays];
	s->items[stays] = (struct mf_version){0};
	return 0;
}

int
mf_commit_settle(struct mf_repo *repo, const struct mf_settle_params *p, struct mf_version *out,
    struct mf_error *e)
{
	struct settling s = {.repo = repo, .p = p};
	size_t i;
	int rc = settle(&s, out, e);

	for (i = 0; i < s.n; i++)
		mf_version_fini(&s.items[i]);
	free(s.items);
	free(s.burned);
	return rc;
}
