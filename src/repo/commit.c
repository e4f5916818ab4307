/*
 * Why this order (the proof is in modelferry-repository(5)): partial manifests are listed before
 * the version is looked for, since a commit that ends in between takes the former away and leaves
 * the latter; and they are deleted last, when the version holds by itself what they held.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/log.h"
#include "src/repo/commit.h"
#include "src/repo/commit_int.h"
#include "src/repo/partial_int.h"
#include "src/repo/publish_int.h"
#include "src/repo/ref_int.h"
#include "src/repo/shard_int.h"

#define MAX_ATTEMPTS 8
#define AGAIN 1
#define PLAIN_LIST_BYTES ((size_t)64 << 10) /* of each of three tables of each shard */
#define NO_SPILL_MIN_BYTES ((size_t)16 << 20)
#define LIST_ADDRESSES ((size_t)1 << 38) /* 1 GiB for each table of 256 shards */

struct commit {
	struct mf_repo *repo;
	const struct mf_commit_params *p;
	struct mf_commit_result *out;
	struct mf_region_params spill;
	struct mf_partials partials;                   /* all of the name */
	size_t n_trusted;                              /* the first so many count */
	const struct mf_partial *parts[MF_SHARDS_MAX]; /* of each shard the one that counts */
	size_t chunk_end[MF_SHARDS_MAX];
	struct mf_listing listing;
	struct mf_version v;
	char spec[MF_VERSION_SPEC_BYTES];
};

static struct mf_region_params
spill_params(const struct commit *s)
{
	size_t memory = s->p->memory_bytes ? s->p->memory_bytes : s->repo->memory_bytes;
	struct mf_region_params r = {.dir = s->p->spill_dir,
	    .plain_bytes = PLAIN_LIST_BYTES,
	    .what = "the list of files"};

	/* three for each shard's part and for the whole */
	if (s->p->shards > 1)
		r.reserve_bytes = LIST_ADDRESSES / s->p->shards;
	if (r.dir == NULL)
		r.plain_bytes = memory / 8 > NO_SPILL_MIN_BYTES ? memory / 8 : NO_SPILL_MIN_BYTES;
	return r;
}

/* With --trusted-keys a part that nobody trusted signed is as one that is not there. */
static void
drop_untrusted(struct commit *s)
{
	struct mf_partials *ps = &s->partials;
	struct mf_partial *p;
	struct mf_error why;
	size_t i, kept = 0;

	for (i = 0; s->p->trust != NULL && i < ps->n; i++) {
		p = &ps->items[i];
		mf_error_clear(&why);
		if (mf_root_verify(&p->root, p->bytes.data, p->bytes.len, s->p->trust,
			s->p->now_us(), &why) == 0) {
			struct mf_partial good = *p;

			*p = ps->items[kept];
			ps->items[kept++] = good;
			continue;
		}
		mf_log(MF_LOG_WARNING, "shard %u, m/%s, does not count: %s", p->root.shard.number,
		    p->object, why.message);
	}
	s->n_trusted = s->p->trust != NULL ? kept : ps->n;
}

/* Step 0: what shards brought, and then whether the version is there. 0: it is (s->v); 1: not. */
static int
look(struct commit *s, struct mf_error *e)
{
	mf_partials_fini(&s->partials);
	mf_version_fini(&s->v);
	if (mf_partials_list(s->repo, s->p->model, s->p->version, &s->partials, e) != 0)
		return -1;
	drop_untrusted(s);
	return mf_version_find(s->repo, s->p->model, s->p->version, &s->v, e);
}

static int
refuse_existing(const struct commit *s, struct mf_error *e)
{
	mf_error_set(e, MF_ECONFLICT, "%s exists already, of other files than the shards", s->spec);
	return mf_error_hint(e,
	    "versions never change: push the shards under another name, or forget "
	    "that one");
}

static int
settle(struct commit *s, const struct mf_root_shard *listing, bool is_own, struct mf_error *e)
{
	struct mf_version own = s->v;
	struct mf_settle_params sp = {.model = s->p->model,
	    .version = s->p->version,
	    .own = is_own ? &own : NULL,
	    .listing = listing,
	    .spill = &s->spill};
	int rc;

	s->v = (struct mf_version){0};
	rc = mf_commit_settle(s->repo, &sp, &s->v, e);
	s->out->already = rc == 0 && (!is_own || strcmp(own.object, s->v.object) != 0);
	mf_version_fini(&own);
	return rc;
}

/* The version is there, and no partial manifest: somebody committed it, or a prune took what was
 * left. There may still be two of it, of a commit that was killed; they are equal to each other. */
static int
take_committed(struct commit *s, struct mf_error *e)
{
	struct mf_root_shard own = {.rules = MF_LISTING_NO_INODE | MF_LISTING_NO_CTIME};
	struct mf_listing l;
	int rc = mf_listing_init(&l, &s->spill, e);

	if (rc == 0)
		rc = mf_version_read_into(s->repo, &s->v, &l, e);
	if (rc == 0)
		mf_listing_digest_of(&l, own.rules, own.listing);
	mf_listing_fini(&l);
	return rc == 0 ? settle(s, &own, false, e) : -1;
}

/* The version is there. Of these shards? */
static int
take_existing(struct commit *s, struct mf_error *e)
{
	const struct mf_root_shard *listing, *before = NULL;
	size_t i;
	int rc;

	if (s->partials.n == 0)
		return take_committed(s, e);
	for (i = 0; i < s->n_trusted; i++) {
		listing = &s->partials.items[i].root.shard;
		if (before != NULL && before->rules == listing->rules &&
		    memcmp(before->listing, listing->listing, sizeof(listing->listing)) == 0)
			continue;
		before = listing;
		rc = mf_commit_has_listing(s->repo, &s->v, listing, &s->spill, e);
		if (rc != 0)
			return rc < 0 ? -1 : settle(s, listing, false, e);
	}
	return refuse_existing(s, e);
}

/* The newest version of the model is the parent, as of a push. *parent: free(3); NULL: none. */
static int
find_parent(struct commit *s, char **parent, struct mf_error *e)
{
	struct mf_versions vs;
	int rc = 0;

	*parent = NULL;
	if (mf_versions_list(s->repo, s->p->model, NULL, NULL, &vs, e) != 0)
		return -1;
	if (vs.n > 0 && (*parent = strdup(vs.items[vs.n - 1].root.version)) == NULL)
		rc = mf_error_nomem(e, "a name");
	mf_versions_fini(&vs);
	return rc;
}

static void
describe(struct commit *s, struct mf_root *root)
{
	const struct mf_commit_params *p = s->p;
	unsigned i;

	*root = (struct mf_root){0};
	memcpy(root->repo_id, mf_keyring_repo_id(s->repo->keyring), sizeof(root->repo_id));
	/* borrowed: the root is encoded, never freed */
	root->model = (char *)(uintptr_t)p->model;
	root->version = (char *)(uintptr_t)p->version;
	root->created_us = p->now_us();
	root->scanned_us = s->parts[0]->root.scanned_us;
	root->tool = (char *)(uintptr_t) "modelferry 1";
	root->tags = (struct mf_tag *)(uintptr_t)p->tags;
	root->n_tags = p->n_tags;
	root->metrics = (struct mf_metric *)(uintptr_t)p->metrics;
	root->n_metrics = p->n_metrics;
	root->n_entries = s->listing.n_entries;
	for (i = 0; i < p->shards; i++) {
		root->n_files += s->parts[i]->root.n_files;
		root->bytes += s->parts[i]->root.bytes;
		root->n_chunks += s->parts[i]->root.n_chunks;
		if (s->parts[i]->root.scanned_us < root->scanned_us)
			root->scanned_us = s->parts[i]->root.scanned_us;
	}
}

static int
say_lost(struct commit *s, size_t chunk, struct mf_error *e)
{
	unsigned i = 0;

	while (i + 1 < s->p->shards && chunk >= s->chunk_end[i])
		i++;
	mf_error_set(e, MF_ECONFLICT, "a chunk that shard %u of %s brought is not stored any more",
	    i + 1, s->spec);
	return mf_error_hint(
	    e, "push it again: modelferry push DIR %s --shard %u/%u", s->spec, i + 1, s->p->shards);
}

/* Steps 1 to 6 of a push, of the listing that was put together. */
static int
publish(struct commit *s, struct mf_error *e)
{
	size_t lost = SIZE_MAX;
	struct mf_root root;
	struct mf_publish_params pp = {.root = &root,
	    .listing = &s->listing,
	    .signer = s->p->signer,
	    .is_commit = true,
	    .lost_chunk = &lost};
	char *parent;
	int rc;

	if (find_parent(s, &parent, e) != 0)
		return -1;
	describe(s, &root);
	root.parent = parent;
	rc = mf_publish(s->repo, &pp, &s->v, &s->out->stored_bytes, e);
	free(root.segments);
	free(parent);
	return rc == AGAIN && lost != SIZE_MAX ? say_lost(s, lost, e) : rc;
}

/* 1: a part that was read is gone by now: another commit has ended, or a prune swept it. */
static int
is_outdated(struct commit *s)
{
	char name[MF_OBJECT_NAME_BYTES];
	unsigned i;

	for (i = 0; i < s->p->shards; i++) {
		snprintf(name, sizeof(name), "m/%s", s->parts[i]->object);
		if (mf_store_head(s->repo->store, name, NULL, NULL) == 1)
			return 1;
	}
	return 0;
}

static int
make_version(struct commit *s, struct mf_error *e)
{
	const struct mf_partials trusted = {s->partials.items, s->n_trusted};
	size_t chosen[MF_SHARDS_MAX];
	unsigned i;
	int rc;

	if (mf_partials_choose(&trusted, s->p->shards, s->spec, chosen, e) != 0)
		return -1;
	for (i = 0; i < s->p->shards; i++)
		s->parts[i] = &s->partials.items[chosen[i]];
	mf_listing_fini(&s->listing);
	if (mf_listing_init(&s->listing, &s->spill, e) != 0)
		return -1;
	rc = mf_partials_merge(
	    s->repo, s->parts, s->p->shards, &s->spill, &s->listing, s->chunk_end, e);
	if (rc == 0)
		rc = publish(s, e);
	if (rc < 0 &&
	    (e->code == MF_ENOTFOUND || e->code == MF_EDAMAGED || e->code == MF_ECONFLICT) &&
	    is_outdated(s)) {
		mf_error_clear(e);
		return AGAIN;
	}
	return rc != 0 ? rc : settle(s, &s->parts[0]->root.shard, true, e);
}

static bool
is_at(const struct mf_ref *ref, const struct mf_version *v)
{
	return strcmp(ref->version, v->root.version) == 0 &&
	       memcmp(ref->digest, v->digest, sizeof(v->digest)) == 0;
}

/* 0: the ref is at the version (its sequence is set); 1: it is not; -1. */
static int
look_at_ref(struct commit *s, struct mf_error *e)
{
	struct mf_ref now;
	int rc;

	if (mf_ref_get(s->repo, s->p->model, s->p->ref, &now, e) != 0) {
		if (e->code != MF_ENOTFOUND)
			return -1;
		mf_error_clear(e);
		return 1;
	}
	rc = is_at(&now, &s->v) ? 0 : 1;
	s->out->ref_sequence = now.sequence;
	mf_ref_fini(&now);
	return rc;
}

/* Step 4. Another commit may move it at the same moment: then it is where it should be. 1: the
 * version gave way to an equal one meanwhile. */
static int
move_ref(struct commit *s, struct mf_error *e)
{
	struct mf_ref_move move = {.name = s->p->ref,
	    .to = &s->v,
	    .by = s->p->by,
	    .signer = s->p->signer,
	    .now_us = s->p->now_us()};
	struct mf_error why;
	int rc;

	if (s->p->ref == NULL || (rc = look_at_ref(s, e)) == 0)
		return 0;
	if (rc < 0)
		return -1;
	mf_error_clear(&why);
	if (mf_ref_set(s->repo, &move, &s->out->ref_sequence, &why) == 0)
		return 0;
	if ((why.code == MF_ECONFLICT || why.code == MF_ENOTFOUND) && look_at_ref(s, e) == 0)
		return 0;
	*e = why;
	return why.code == MF_ENOTFOUND ? AGAIN : -1;
}

/* Step 5. */
static int
remove_partials(struct commit *s, struct mf_error *e)
{
	char name[MF_OBJECT_NAME_BYTES];
	size_t i;

	for (i = 0; i < s->partials.n; i++) {
		snprintf(name, sizeof(name), "m/%s", s->partials.items[i].object);
		if (mf_store_del(s->repo->store, name, e) != 0)
			return mf_error_while(e, "deleting the partial manifest %s", name);
	}
	s->out->partials = s->partials.n;
	return mf_store_sync(s->repo->store, e);
}

/* Who asked for a signature must not be told that all is well without. */
static int
check_signer(const struct commit *s, struct mf_error *e)
{
	if (s->p->signer == NULL || !s->out->already ||
	    (s->v.root.is_signed && memcmp(s->v.root.signer, mf_signer_public(s->p->signer),
					sizeof(s->v.root.signer)) == 0))
		return 0;
	return mf_error_set(
	    e, MF_ECONFLICT, "%s exists already, and is not signed with this key", s->spec);
}

/* One attempt. 0: done; 1: again. */
static int
attempt(struct commit *s, struct mf_error *e)
{
	int rc = look(s, e);

	if (rc == 0)
		rc = take_existing(s, e);
	/* what is there may be condemned for as long as nobody removes the list of a dead prune */
	if (rc == AGAIN)
		rc = make_version(s, e);
	if (rc == 0)
		rc = check_signer(s, e);
	if (rc == 0)
		rc = move_ref(s, e);
	return rc == 0 ? remove_partials(s, e) : rc;
}

static int
check_params(const struct commit *s, struct mf_error *e)
{
	const struct mf_commit_params *p = s->p;

	if (p->shards < 1 || p->shards > MF_SHARDS_MAX)
		return mf_error_set(
		    e, MF_EUSAGE, "a version has 1 to %d shards, not %u", MF_SHARDS_MAX, p->shards);
	if (mf_repo_check_name("model", p->model, e) != 0 ||
	    mf_repo_check_name("version", p->version, e) != 0 ||
	    mf_root_check_tags(p->tags, p->n_tags, e) != 0 ||
	    mf_root_check_metrics(p->metrics, p->n_metrics, e) != 0)
		return -1;
	return 0;
}

int
mf_commit(struct mf_repo *repo, const struct mf_commit_params *p, struct mf_commit_result *out,
    struct mf_error *e)
{
	struct commit s = {.repo = repo, .p = p, .out = out};
	int rc, n;

	*out = (struct mf_commit_result){0};
	s.spill = spill_params(&s);
	snprintf(s.spec, sizeof(s.spec), "%s@%s", p->model, p->version);
	rc = check_params(&s, e);
	for (n = 0; n < MAX_ATTEMPTS && (n == 0 ? rc == 0 : rc == AGAIN); n++)
		rc = attempt(&s, e);
	if (rc == AGAIN)
		rc = mf_error_set(e, MF_ECONFLICT,
		    "others kept changing what %s needs, %d times over", s.spec, n);
	out->files = s.v.root.n_files;
	out->entries = s.v.root.n_entries;
	out->bytes = s.v.root.bytes;
	out->chunks = s.v.root.n_chunks;
	mf_partials_fini(&s.partials);
	mf_listing_fini(&s.listing);
	mf_version_fini(&s.v);
	return rc == 0 ? 0 : mf_error_while(e, "committing %s", s.spec);
}
