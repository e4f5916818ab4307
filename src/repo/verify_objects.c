/* Verify: which names are stored, and the small objects beside the versions. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/seal.h"
#include "src/base/log.h"
#include "src/repo/ballot_int.h"
#include "src/repo/chunk_read_int.h"
#include "src/repo/commit.h"
#include "src/repo/condemned_int.h"
#include "src/repo/ref_int.h"
#include "src/repo/verify_int.h"


struct listing {
	struct verify *s;
	bool failed;
};

static int
take_chunk(void *arg, const char *name, uint64_t size, int64_t mtime_us)
{
	struct listing *l = arg;
	uint64_t state, generation;
	struct mf_id id;
	int rc;

	(void)mtime_us;
	if (mf_name_parse_chunk(name, &id, &generation) != 0)
		return 0;
	state = size > MF_SEAL_OVERHEAD ? VERIFY_STORED : VERIFY_SHORT;
	rc = mf_idmap_add(&l->s->chunks, &id, &state);
	if (rc == 1)
		*mf_idmap_get(&l->s->chunks, &id) |=
		    size > MF_SEAL_OVERHEAD ? VERIFY_STORED : VERIFY_SHORT;
	l->failed = rc < 0;
	return l->failed;
}

int
verify_list_chunks(struct verify *s, struct mf_error *e)
{
	struct listing l = {s, false};

	if (mf_store_list(s->repo->store, "c/", take_chunk, &l, e) != 0)
		return mf_error_while(e, "listing the chunks");
	return l.failed ? mf_error_nomem(e, "the chunk index") : 0;
}

static int
take_again(void *arg, const char *name, uint64_t size, int64_t mtime_us)
{
	struct verify *s = arg;
	uint64_t generation;
	struct verify_chunk *c;
	struct mf_id id;

	(void)mtime_us;
	if (size <= MF_SEAL_OVERHEAD || mf_name_parse_chunk(name, &id, &generation) != 0)
		return 0;
	if ((c = verify_find_bad(s, &id)) != NULL && c->reason == NULL)
		c->is_there = true;
	return 0;
}

int
verify_confirm_missing(struct verify *s, struct mf_error *e)
{
	size_t i;

	for (i = 0; i < s->n_bad && s->bad[i].reason != NULL; i++)
		;
	if (i == s->n_bad)
		return 0;
	if (mf_store_list(s->repo->store, "c/", take_again, s, e) != 0)
		return mf_error_while(e, "listing the chunks");
	return 0;
}

/* Is the mark there and the manifest not, now? */
static int
is_orphan(struct verify *s, const char *mark, const char *manifest, struct mf_error *e)
{
	int marked = mf_store_head(s->repo->store, mark, NULL, e), there;

	if (marked < 0 || (there = mf_store_head(s->repo->store, manifest, NULL, e)) < 0)
		return -1;
	return marked == 0 && there == 1;
}

static void
say_pending(void *arg, const char *model, const char *version, unsigned pushed, unsigned of)
{
	(void)arg;
	mf_log(MF_LOG_INFO, "%u of %u shards of %s@%s are pushed and not committed", pushed, of,
	    model, version);
}

/* One that cannot be read is a warning, and no damage: its shard counts as missing. */
static int
tell_pending(struct verify *s, struct mf_error *e)
{
	return mf_commit_pending(s->repo, NULL, say_pending, NULL, e);
}

/* Marks without a manifest, which is lost then; manifests without a mark are only told. */
static int
check_pairs(struct verify *s, const struct mf_names *marks, const struct mf_names *manifests,
    struct mf_error *e)
{
	char name[MF_OBJECT_NAME_BYTES];
	size_t i, unmarked = 0;
	int rc = 0;

	for (i = 0; i < marks->n; i++) {
		snprintf(name, sizeof(name), "m%s", marks->items[i] + 1);
		if (mf_names_has(manifests, name))
			continue;
		if ((rc = is_orphan(s, marks->items[i], name, e)) < 0)
			return -1;
		if (rc == 1)
			verify_report(s, NULL, name,
			    "missing: a version is marked as published and its manifest is not "
			    "there (or a push was cut off by a prune; its mark means nothing)");
	}
	for (i = 0; i < manifests->n; i++) {
		snprintf(name, sizeof(name), "v%s", manifests->items[i] + 1);
		unmarked += !mf_names_has(marks, name);
	}
	if (unmarked > 0 && tell_pending(s, e) != 0)
		return -1;
	if (unmarked > 0)
		mf_log(MF_LOG_INFO, "%zu manifests have no mark: pushes under way or given up, or "
		    "versions that were forgotten; prune collects them", unmarked);
	return 0;
}

static int
check_marks(struct verify *s, const char *hash, struct mf_error *e)
{
	struct mf_names marks, manifests;
	char prefix[MF_OBJECT_NAME_BYTES];
	int rc;

	snprintf(prefix, sizeof(prefix), "v/%s", hash);
	if (mf_names_list(s->repo, prefix, &marks, e) != 0)
		return -1;
	prefix[0] = 'm';
	if (mf_names_list(s->repo, prefix, &manifests, e) != 0) {
		mf_names_fini(&marks);
		return -1;
	}
	rc = check_pairs(s, &marks, &manifests, e);
	mf_names_fini(&marks);
	mf_names_fini(&manifests);
	return rc;
}

static bool
is_verified(const struct verify *s, const struct mf_ref *ref)
{
	const struct mf_version *v;
	size_t i;

	for (i = 0; i < s->versions.n; i++) {
		v = &s->versions.items[i];
		if (strcmp(v->root.model, ref->model) == 0 &&
		    strcmp(v->root.version, ref->version) == 0 &&
		    memcmp(v->digest, ref->digest, sizeof(v->digest)) == 0)
			return true;
	}
	return false;
}

/* The newest record of a ref must lead to a version. Asked again before it is reported: the
 * ref may be younger than our list of versions. */
static int
check_target(struct verify *s, const struct mf_ref *ref, const char *object, struct mf_error *e)
{
	struct mf_version v;
	char *spec;
	int rc = 0;

	if (is_verified(s, ref))
		return 0;
	if ((spec = verify_join(ref->model, ref->name, e)) == NULL)
		return -1;
	if (mf_version_resolve(s->repo, spec, &v, e) == 0)
		mf_version_fini(&v);
	else if (mf_error_is_damage(e))
		verify_report(s, NULL, object, e->message);
	else if (e->code != MF_ENOTFOUND)
		rc = -1;
	free(spec);
	return rc;
}

static int
check_ref(struct verify *s, const char *object, bool is_newest, struct mf_error *e)
{
	struct mf_ref ref;
	int rc = 0;

	if (mf_ref_read(s->repo, object, &ref, e) != 0) {
		if (mf_error_is_damage(e))
			verify_report(s, NULL, object, e->message);
		return mf_error_is_damage(e) || e->code == MF_ENOTFOUND ? 0 : -1;
	}
	if (is_newest)
		rc = check_target(s, &ref, object, e);
	mf_ref_fini(&ref);
	return rc;
}

static int
check_refs(struct verify *s, const char *hash, struct mf_error *e)
{
	struct mf_names names;
	char prefix[MF_OBJECT_NAME_BYTES];
	bool is_newest;
	size_t i;
	int rc = 0;

	snprintf(prefix, sizeof(prefix), "r/%s", hash);
	if (mf_names_list(s->repo, prefix, &names, e) != 0)
		return -1;
	for (i = 0; rc == 0 && i < names.n; i++) {
		is_newest = mf_ref_is_newest(&names, i);
		rc = check_ref(s, names.items[i], is_newest, e);
	}
	mf_names_fini(&names);
	return rc;
}

/* Votes on refs, for whoever moves one next. */
static int
check_votes(struct verify *s, const char *hash, struct mf_error *e)
{
	char prefix[MF_OBJECT_NAME_BYTES];
	struct mf_buf plain = MF_BUF_INIT;
	struct mf_names names;
	size_t i;
	int rc = 0;

	snprintf(prefix, sizeof(prefix), "p/%s", hash);
	if (mf_names_list(s->repo, prefix, &names, e) != 0)
		return -1;
	for (i = 0; rc == 0 && i < names.n; i++) {
		if (!mf_ballot_is_ref_vote(names.items[i]))
			continue;
		mf_buf_clear(&plain);
		if (mf_object_get(s->repo, MF_OBJECT_REF, names.items[i], &plain, e) == 0)
			continue;
		if (mf_error_is_damage(e))
			verify_report(s, NULL, names.items[i], e->message);
		else if (e->code != MF_ENOTFOUND)
			rc = -1;
	}
	mf_names_fini(&names);
	mf_buf_fini(&plain);
	return rc;
}

static int
check_condemned(struct verify *s, struct mf_error *e)
{
	struct mf_names lists, names;
	size_t i;
	int rc = 0;

	if (mf_names_list(s->repo, "x/", &lists, e) != 0)
		return -1;
	for (i = 0; rc == 0 && i < lists.n; i++) {
		names = (struct mf_names){0};
		if (mf_condemned_read_one(s->repo, lists.items[i], &names, e) != 0) {
			if (mf_error_is_damage(e))
				verify_report(s, NULL, lists.items[i], e->message);
			else if (e->code != MF_ENOTFOUND)
				rc = -1;
		}
		mf_names_fini(&names);
	}
	mf_names_fini(&lists);
	return rc;
}

int
verify_objects(struct verify *s, const char *model, struct mf_error *e)
{
	char hash[MF_NAME_HASH_BYTES + 1] = "";

	if (model != NULL) {
		mf_keyring_name_hash(s->repo->keyring, "model", model, NULL, hash);
		hash[MF_NAME_HASH_BYTES - 1] = '/';
	}
	if (check_marks(s, hash, e) != 0 || check_refs(s, hash, e) != 0 ||
	    check_votes(s, hash, e) != 0)
		return -1;
	return check_condemned(s, e);
}
