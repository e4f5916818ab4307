/*
 * Verify --repair-from, manifest segments. A segment is named by the hash of its bytes, and
 * the root, which is signed or at least sealed, names it: whatever has that hash is the
 * segment, wherever it came from. So it is looked for where it may have survived: in the cache
 * of the push that made it, and in the directory itself (repair_rebuild.c).
 *
 * This comes first of all, so that what the segments name is verified as ever afterwards.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/log.h"
#include "src/repo/chunk_read_int.h"
#include "src/repo/push_cache_int.h"
#include "src/repo/verify_int.h"

struct verify_segment *
verify_find_lost(const struct verify *s, const struct mf_id *id)
{
	const uint64_t *at = mf_idmap_get(&s->lost_ids, id);

	return at != NULL ? &s->lost[*at] : NULL;
}

static int
add_lost(struct verify *s, const struct mf_segment_ref *ref, struct mf_error *e)
{
	struct verify_segment *more;
	uint64_t at = s->n_lost;
	size_t want;

	if (s->n_lost == s->lost_capacity) {
		want = s->lost_capacity ? s->lost_capacity * 2 : 16;
		if ((more = reallocarray(s->lost, want, sizeof(*more))) == NULL)
			return mf_error_nomem(e, "the list of damage");
		s->lost = more;
		s->lost_capacity = want;
	}
	if (mf_idmap_add(&s->lost_ids, &ref->id, &at) < 0)
		return mf_error_nomem(e, "the list of damage");
	s->lost[s->n_lost++] =
	    (struct verify_segment){.ref = *ref, .why = "the directory is of another version"};
	return 0;
}

/* Read every segment once. */
static int
find_lost(struct verify *s, struct mf_error *e)
{
	const struct mf_segment_ref *ref;
	struct mf_idmap seen = {0};
	struct mf_listing l = {0};
	uint64_t one = 1;
	bool continues;
	size_t i, k;
	int rc = 0, was;

	for (i = 0; rc == 0 && i < s->versions.n; i++) {
		for (k = 0; rc == 0 && k < s->versions.items[i].root.n_segments; k++) {
			ref = &s->versions.items[i].root.segments[k];
			if (verify_interrupted(s, e))
				rc = -1;
			else if ((was = mf_idmap_add(&seen, &ref->id, &one)) != 0)
				rc = was < 0 ? mf_error_nomem(e, "the list of segments") : 0;
			else if (verify_read_segment(s, ref, &l, &continues, e) != 0)
				rc = mf_error_is_damage(e) ? add_lost(s, ref, e) : -1;
		}
	}
	mf_listing_fini(&l);
	mf_idmap_fini(&seen);
	return rc;
}

static int
put(struct verify *s, struct verify_segment *lost, const struct mf_buf *plain, struct mf_error *e)
{
	uint64_t stored_bytes = 0, generation;

	if (mf_segment_put(s->repo, &lost->ref.id, plain->data, plain->len, &generation,
		&stored_bytes, e) != 0)
		return -1;
	lost->is_put = true;
	s->out->repaired_segments++;
	return 0;
}

struct from_cache {
	struct verify *s;
	struct mf_error *e;
};

static int
take_cached(void *arg, const uint8_t *bytes, size_t n)
{
	struct from_cache *c = arg;
	struct verify_segment *lost;
	struct mf_buf plain = MF_BUF_INIT;
	struct mf_id id;
	int rc;

	mf_keyring_content_id(c->s->repo->keyring, MF_OBJECT_SEGMENT, bytes, n, &id);
	if ((lost = verify_find_lost(c->s, &id)) == NULL || lost->is_put)
		return 0;
	mf_buf_put(&plain, bytes, n);
	rc = plain.failed ? mf_error_nomem(c->e, "a manifest segment")
			  : put(c->s, lost, &plain, c->e);
	mf_buf_fini(&plain);
	return rc;
}

static bool
has_lost(const struct verify *s, const struct mf_version *v)
{
	const struct verify_segment *lost;
	size_t i;

	for (i = 0; i < v->root.n_segments; i++)
		if ((lost = verify_find_lost(s, &v->root.segments[i].id)) != NULL && !lost->is_put)
			return true;
	return false;
}

/* The newest version first: that is what a directory most likely holds. */
static int
repair_all(struct verify *s, struct mf_error *e)
{
	struct from_cache c = {s, e};
	const struct mf_version *v;
	size_t i;
	int rc = 0;

	for (i = s->versions.n; rc == 0 && i-- > 0;) {
		v = &s->versions.items[i];
		if (!has_lost(s, v))
			continue;
		rc = mf_push_cache_segments(
		    s->repo, s->p->cache, v->root.model, s->p->repair_from, take_cached, &c);
		if (rc == 0 && has_lost(s, v))
			rc = verify_rebuild(s, v, put, e);
	}
	return rc;
}

int
verify_repair_segments(struct verify *s, struct mf_error *e)
{
	if (find_lost(s, e) != 0)
		return -1;
	if (s->n_lost == 0)
		return 0;
	mf_log(MF_LOG_INFO, "%zu manifest segments cannot be read; looking for them in %s",
	    s->n_lost, s->p->repair_from);
	if (repair_all(s, e) != 0)
		return mf_error_while(
		    e, "making manifest segments again from %s", s->p->repair_from);
	return mf_store_sync(s->repo->store, e);
}
