/*
 * The order of writes, and why (the proof is in modelferry-repository(5)):
 *   0  chunks and segments are uploaded and made durable
 *   1  m/V is put: from now on every prune that reads the roots sees what V needs
 *   2  the condemned lists are read; 3 then the names of all needed ids: a name on a list
 *      counts as absent. Something absent: give up this V, upload, start again
 *   4  v/V, the mark, is put: the version is listed
 *   5  the lists are read again, 6 m/V is looked for: condemned or gone, start again
 * What one shard brought ends after 3. A commit of shards has no content to upload: in 3 it copies
 * what has burned names alone, and it takes no mark back, because another commit may rely on it.
 */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/repo/condemned_int.h"
#include "src/repo/forget_int.h"
#include "src/repo/index_int.h"
#include "src/repo/prune_int.h"
#include "src/repo/publish_int.h"

#define AGAIN 1

/* Segments that are stored already (an earlier version's) are not put again. */
static int
put_segment(struct mf_repo *repo, const struct mf_buf *plain, const struct mf_index *ix,
    struct mf_segment_ref *ref, uint64_t *stored_bytes, struct mf_error *e)
{
	char name[MF_OBJECT_NAME_BYTES];
	struct mf_buf again = MF_BUF_INIT;
	struct mf_error ignored;
	int rc;

	ref->plain_len = (uint32_t)plain->len;
	mf_keyring_content_id(repo->keyring, MF_OBJECT_SEGMENT, plain->data, plain->len, &ref->id);
	if (mf_index_find(ix, &ref->id, &ref->generation)) {
		/* small enough to read rather than to wonder who put it and whether it is whole */
		mf_error_clear(&ignored);
		rc = mf_segment_get(repo, ref, &again, &ignored);
		mf_buf_fini(&again);
		if (rc == 0) {
			mf_name_chunk(name, &ref->id, ref->generation);
			return mf_store_adopt(repo->store, name, e);
		}
	}
	return mf_segment_put(repo, &ref->id, plain->data, plain->len, &ref->generation,
	    stored_bytes, e);
}

static int
put_segments(struct mf_repo *repo, const struct mf_publish_params *p, const struct mf_index *ix,
    uint64_t *stored_bytes, struct mf_error *e)
{
	struct mf_root *root = p->root;
	struct mf_buf plain = MF_BUF_INIT;
	struct mf_segment_ref *more;
	size_t next = 0, slice = 0;
	int rc = 0;

	free(root->segments);
	root->segments = NULL;
	root->n_segments = 0;
	while (rc == 0 && next < p->listing->n_entries) {
		mf_buf_clear(&plain);
		mf_listing_cool(p->listing);
		more = reallocarray(root->segments, root->n_segments + 1, sizeof(*more));
		if (more == NULL) {
			rc = mf_error_nomem(e, "a manifest");
			break;
		}
		root->segments = more;
		rc = mf_segment_encode(p->listing, &next, &slice, &plain, e);
		if (rc == 0)
			rc = put_segment(repo, &plain, ix, &root->segments[root->n_segments],
			    stored_bytes, e);
		if (rc == 0)
			root->n_segments++;
	}
	mf_buf_fini(&plain);
	return rc;
}

/* An id that has no name on no list. A push has the content, and begins again; a commit has what
 * is stored: a copy of a burned name is as good as the content, since its id proves it. */
static int
put_absent(struct mf_repo *repo, const struct mf_publish_params *p, struct mf_index *ix,
    const struct mf_id *id, struct mf_error *e)
{
	char prefix[MF_OBJECT_NAME_BYTES];
	struct mf_names names;
	int rc;

	if (!p->is_commit)
		return AGAIN;
	mf_name_chunk_prefix(prefix, id);
	if (mf_names_list(repo, prefix, &names, e) != 0)
		return -1;
	rc = mf_prune_copy_any(repo, &names, e);
	mf_names_fini(&names);
	if (rc != 0)
		return rc < 0 ? -1 : AGAIN;
	return mf_index_add(ix, id, 0, e);
}

/* Step 3. 0: every id has a name on no list. AGAIN: one has not. */
static int
all_are_there(struct mf_repo *repo, const struct mf_publish_params *p, struct mf_index *ix,
    struct mf_error *e)
{
	const struct mf_id *id;
	uint64_t generation;
	uint32_t chunk;
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < p->root->n_segments; i++) {
		id = &p->root->segments[i].id;
		if (!mf_index_find(ix, id, &generation))
			rc = put_absent(repo, p, ix, id, e);
	}
	for (i = 0; rc == 0 && i < p->listing->n_slices; i++) {
		if (i % MF_LISTING_COOL_ENTRIES == 0)
			mf_listing_cool(p->listing);
		if ((chunk = p->listing->slices[i].chunk) == MF_SLICE_ELSEWHERE)
			continue;
		id = &p->listing->chunks[chunk].id;
		if (mf_index_find(ix, id, &generation))
			continue;
		if ((rc = put_absent(repo, p, ix, id, e)) == AGAIN && p->lost_chunk != NULL)
			*p->lost_chunk = chunk;
	}
	return rc;
}

/* Does another marked version of this name stand? Marks with a manifest, other than ours. */
static int
name_is_taken(struct mf_repo *repo, const char *object, struct mf_error *e)
{
	char prefix[MF_OBJECT_NAME_BYTES], manifest[MF_OBJECT_NAME_BYTES];
	struct mf_names marks;
	size_t i;
	int rc = 0;

	snprintf(prefix, sizeof(prefix), "v/%.66s", object); /* up to and with the '-' */
	if (mf_names_list(repo, prefix, &marks, e) != 0)
		return -1;
	for (i = 0; rc == 0 && i < marks.n; i++) {
		if (strcmp(marks.items[i] + 2, object) == 0)
			continue;
		snprintf(manifest, sizeof(manifest), "m%s", marks.items[i] + 1);
		rc = mf_store_head(repo->store, manifest, NULL, e);
		rc = rc == 0 ? 1 : rc < 0 ? -1 : 0;
	}
	mf_names_fini(&marks);
	return rc;
}

static int
refuse_taken(const struct mf_root *root, struct mf_error *e)
{
	mf_error_set(e, MF_ECONFLICT, "%s@%s exists already", root->model, root->version);
	return mf_error_hint(e, "versions never change: push under another name, or forget that one");
}

/* Steps 2 and 3. */
static int
check_needs(struct mf_repo *repo, const struct mf_publish_params *p, struct mf_error *e)
{
	struct mf_names burned;
	struct mf_index *ix = NULL;
	int rc;

	if (mf_condemned_read(repo, &burned, NULL, e) != 0)
		return -1;
	rc = mf_index_load(repo, &burned, &ix, e);
	if (rc == 0)
		rc = all_are_there(repo, p, ix, e);
	if (rc == 0 && p->is_commit)
		rc = mf_store_sync(repo->store, e); /* what was copied */
	mf_index_free(ix);
	mf_names_fini(&burned);
	return rc;
}

/* Steps 5 and 6. */
static int
check_published(struct mf_repo *repo, const char *manifest, struct mf_error *e)
{
	struct mf_names burned;
	bool condemned;
	int rc;

	if (mf_condemned_read(repo, &burned, NULL, e) != 0)
		return -1;
	condemned = mf_names_has(&burned, manifest);
	mf_names_fini(&burned);
	if (condemned)
		return AGAIN;
	rc = mf_store_head(repo->store, manifest, NULL, e);
	return rc < 0 ? -1 : rc == 0 ? 0 : AGAIN;
}

/* Take the mark away again: as a forget would, since somebody may have seen the version and
 * moved a ref to it. Then it stays. */
static int
withdraw(struct mf_repo *repo, const struct mf_root *root, const struct mf_version *v,
    struct mf_error *e)
{
	struct mf_version marked = *v;

	marked.root = *root; /* borrowed: its names are what counts */
	return mf_version_unmark(repo, &marked, e) == 0
	    ? 0
	    : mf_error_while(e, "withdrawing an attempt of %s@%s", root->model, root->version);
}

/* After the mark: two pushes of one name may have marked at once. Whoever sees another one
 * withdraws; at least one of two sees the other, so never do two stay. */
static int
withdraw_if_taken(struct mf_repo *repo, const struct mf_root *root, const struct mf_version *v,
    struct mf_error *e)
{
	int rc = name_is_taken(repo, v->object, e);

	if (rc <= 0)
		return rc;
	return withdraw(repo, root, v, e) == 0 ? refuse_taken(root, e) : -1;
}

static int
put_root(struct mf_repo *repo, const struct mf_publish_params *p, struct mf_version *v,
    char name[MF_OBJECT_NAME_BYTES], struct mf_error *e)
{
	char m[MF_NAME_HASH_BYTES], h[MF_NAME_HASH_BYTES], rand[MF_RANDOM_NAME_BYTES];
	int rc;

	mf_keyring_name_hash(repo->keyring, "model", p->root->model, NULL, m);
	mf_keyring_name_hash(repo->keyring, "version", p->root->model, p->root->version, h);
	mf_name_random(rand);
	snprintf(v->object, sizeof(v->object), "%s/%s-%s", m, h, rand);
	mf_buf_clear(&v->root_bytes);
	if (mf_root_encode(p->root, p->signer, &v->root_bytes, e) != 0)
		return -1;
	if (!p->is_commit && (p->root->flags & MF_ROOT_SHARD) == 0 &&
	    (rc = name_is_taken(repo, v->object, e)) != 0)
		return rc < 0 ? -1 : refuse_taken(p->root, e);
	crypto_generichash(v->digest, sizeof(v->digest), v->root_bytes.data, v->root_bytes.len,
	    NULL, 0);
	snprintf(name, MF_OBJECT_NAME_BYTES, "m/%s", v->object);
	return mf_object_put(repo, MF_OBJECT_ROOT, name, v->root_bytes.data, v->root_bytes.len,
	    MF_STORE_DURABLE, e);
}

struct root_put {
	struct mf_repo *repo;
	const struct mf_publish_params *p;
	struct mf_version *v;
	char name[MF_OBJECT_NAME_BYTES];
};

/* Each time under another V: one whose put failed may still arrive, and stays unmarked then. */
static int
put_root_once(void *arg, struct mf_error *e)
{
	struct root_put *put = arg;

	return put_root(put->repo, put->p, put->v, put->name, e);
}

/* The end of step 0. What the index tells may be over: step 3 finds out. */
static int
put_segments_by_index(struct mf_repo *repo, const struct mf_publish_params *p,
    uint64_t *stored_bytes, struct mf_error *e)
{
	struct mf_index *ix = p->index != NULL ? *p->index : NULL;
	struct mf_names burned;
	int rc = 0;

	if (p->index != NULL)
		*p->index = NULL;
	if (ix == NULL) {
		if (mf_condemned_read(repo, &burned, NULL, e) != 0)
			return -1;
		rc = mf_index_load(repo, &burned, &ix, e);
		mf_names_fini(&burned);
	}
	if (rc == 0)
		rc = put_segments(repo, p, ix, stored_bytes, e);
	mf_index_free(ix);
	return rc;
}

/* Steps 0 to 3. */
static int
put_manifest(struct mf_repo *repo, const struct mf_publish_params *p, struct mf_version *v,
    uint64_t *stored_bytes, struct mf_error *e)
{
	struct root_put put = {.repo = repo, .p = p, .v = v};

	if (put_segments_by_index(repo, p, stored_bytes, e) != 0 ||
	    mf_store_sync(repo->store, e) != 0 ||
	    mf_retry_run(&repo->retry, put.name, put_root_once, &put, e) != 0)
		return -1;
	return check_needs(repo, p, e);
}

static int
publish(struct mf_repo *repo, const struct mf_publish_params *p, struct mf_version *v,
    uint64_t *stored_bytes, struct mf_error *e)
{
	char name[MF_OBJECT_NAME_BYTES];
	int rc = put_manifest(repo, p, v, stored_bytes, e);

	if (rc != 0)
		return rc;
	snprintf(name, sizeof(name), "v/%s", v->object);
	if (mf_store_put(repo->store, name, NULL, 0, MF_STORE_DURABLE | MF_STORE_REPEATABLE, e) != 0)
		return mf_error_while(e, "marking the version as published");
	if (mf_keys_are_current(repo, e) != 0) {
		mf_store_del(repo->store, name, NULL);
		return -1;
	}
	name[0] = 'm';
	if ((rc = check_published(repo, name, e)) != 0) {
		/* where a sweep spared it for its mark it would stand in our next attempt's way */
		if (rc == AGAIN && !p->is_commit && withdraw(repo, p->root, v, e) != 0)
			return -1;
		return rc;
	}
	return p->is_commit ? 0 : withdraw_if_taken(repo, p->root, v, e);
}

int
mf_publish_part(struct mf_repo *repo, const struct mf_publish_params *p, uint64_t *stored_bytes,
    struct mf_error *e)
{
	struct mf_version v = {0};
	char name[MF_OBJECT_NAME_BYTES];
	int rc = put_manifest(repo, p, &v, stored_bytes, e);

	if (rc >= 0 && mf_keys_are_current(repo, e) != 0) {
		snprintf(name, sizeof(name), "m/%s", v.object);
		mf_store_del(repo->store, name, NULL);
		rc = -1;
	}
	mf_version_fini(&v);
	return rc < 0 ? mf_error_while(e, "storing what the shard has of %s@%s", p->root->model,
			    p->root->version)
		      : rc;
}

int
mf_publish(struct mf_repo *repo, const struct mf_publish_params *p, struct mf_version *out,
    uint64_t *stored_bytes, struct mf_error *e)
{
	struct mf_version v = {0};
	int rc = publish(repo, p, &v, stored_bytes, e);

	if (rc == 0)
		rc = mf_root_decode(v.root_bytes.data, v.root_bytes.len, &v.root, e);
	if (rc == 0 && out != NULL)
		*out = v;
	else
		mf_version_fini(&v);
	return rc < 0 ? mf_error_while(e, "publishing %s@%s", p->root->model, p->root->version)
		      : rc;
}
