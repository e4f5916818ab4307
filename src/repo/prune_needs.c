/* What roots need, and which generation of it stays. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/seal.h"
#include "src/base/log.h"
#include "src/repo/prune_int.h"

#define SEALED_MAX_BYTES (MF_SEAL_OVERHEAD + MF_SEAL_MAX_BODY + MF_SEAL_MAX_BODY / 8 + 1)

static int
need_id(struct mf_prune_run *run, const struct mf_id *id, struct mf_error *e)
{
	uint64_t value = MF_PRUNE_NO_KEEPER;

	return mf_idmap_add(&run->needs, id, &value) < 0 ? mf_error_nomem(e, "the needed chunks")
							 : 0;
}

struct need_arg {
	struct mf_prune_run *run;
	struct mf_error *e;
};

static int
need_chunk(void *arg, const struct mf_chunk_ref *chunk)
{
	struct need_arg *a = arg;

	return need_id(a->run, &chunk->id, a->e);
}

/* A segment is known by its content's hash: one whose chunks were added once need not be read
 * again. That is why its own id is added last. */
static int
need_segment(struct mf_prune_run *run, const struct mf_segment_ref *ref, struct mf_error *e)
{
	struct need_arg arg = {run, e};
	struct mf_buf plain = MF_BUF_INIT;
	int rc;

	if (mf_idmap_get(&run->needs, &ref->id) != NULL)
		return 0;
	rc = mf_segment_get(run->repo, ref, &plain, e);
	if (rc == 0)
		rc = mf_segment_each_chunk(plain.data, plain.len, need_chunk, &arg, e);
	mf_buf_fini(&plain);
	return rc == 0 ? need_id(run, &ref->id, e) : -1;
}

static int
read_root(struct mf_prune_run *run, const char *manifest, struct mf_error *e)
{
	struct mf_buf plain = MF_BUF_INIT;
	struct mf_root root = {0};
	size_t i;
	int rc = mf_object_get(run->repo, MF_OBJECT_ROOT, manifest, &plain, e);

	if (rc == 0)
		rc = mf_root_decode(plain.data, plain.len, &root, e);
	for (i = 0; rc == 0 && i < root.n_segments; i++)
		rc = need_segment(run, &root.segments[i], e);
	mf_root_fini(&root);
	mf_buf_fini(&plain);
	return rc;
}

int
mf_prune_need_root(struct mf_prune_run *run, const char *manifest, struct mf_error *e)
{
	struct mf_error ignored;
	char mark[MF_OBJECT_NAME_BYTES];

	if (read_root(run, manifest, e) == 0)
		return 0;
	mf_error_clear(&ignored);
	if (e->code != MF_ENOMEM &&
	    mf_store_head(run->repo->store, manifest, NULL, &ignored) == 1) {
		mf_error_clear(e);
		return 0;
	}
	snprintf(mark, sizeof(mark), "v%s", manifest + 1);
	if (e->code == MF_ENOTFOUND)
		e->code = MF_EDAMAGED;
	if (!mf_names_has(&run->marks, mark))
		mf_error_hint(e, "no version, but a push that has not ended: let it end, or prune "
		    "again when it is older than the grace");
	return mf_error_while(e, "reading what %s needs (no chunk was deleted)", manifest);
}

/* The sealed bytes under a name, opened. *sealed holds them undecrypted where copy is given. */
static int
fetch_and_open(struct mf_repo *repo, const char *name, struct mf_buf *sealed, struct mf_buf *copy,
    struct mf_opened *o, struct mf_error *e)
{
	struct mf_seal_header h;
	struct mf_buf *open = sealed;
	uint64_t generation;
	struct mf_id id;

	if (mf_name_parse_chunk(name, &id, &generation) != 0)
		return mf_error_set(e, MF_EDAMAGED, "%s is no chunk's name", name);
	if (mf_store_get(repo->store, name, 0, SEALED_MAX_BYTES, sealed, e) != 0 ||
	    mf_seal_header_decode(sealed->data, sealed->len, &h, e) != 0)
		return -1;
	if (h.type != MF_OBJECT_CHUNK && h.type != MF_OBJECT_SEGMENT)
		return mf_error_set(e, MF_EDAMAGED, "%s is no chunk", name);
	/* it may be the only one that will open when the rekey has ended */
	if (h.epoch > mf_keyring_epoch(repo->keyring))
		return mf_error_set(e, MF_ECONFLICT,
		    "the keys of the repository changed while this run worked");
	if (copy != NULL) {
		mf_buf_put(copy, sealed->data, sealed->len);
		if (copy->failed)
			return mf_error_nomem(e, "a chunk");
		open = copy;
	}
	return mf_open(repo->keyring, h.type, &id, open->data, open->len, o, e);
}

/* Is this the object's own fault, and not the store's or ours? */
static bool
is_unusable(const struct mf_error *e)
{
	return e->code == MF_ENOTFOUND || e->code == MF_EDAMAGED || e->code == MF_EKEY ||
	    e->code == MF_EUNSUPPORTED;
}

int64_t
mf_prune_try_open(struct mf_repo *repo, const char *name, struct mf_error *e)
{
	struct mf_buf sealed = MF_BUF_INIT;
	struct mf_opened o;
	int rc = fetch_and_open(repo, name, &sealed, NULL, &o, e);

	mf_buf_fini(&sealed);
	if (rc == 0)
		return o.header.epoch;
	if (!is_unusable(e))
		return -1;
	if (e->code != MF_ENOTFOUND) /* a segment from before a rekey is MF_EKEY: as it should be */
		mf_log(e->code == MF_EKEY ? MF_LOG_DEBUG : MF_LOG_WARNING,
		    "%s cannot be opened: %s", name, e->message);
	mf_error_clear(e);
	return 0;
}

int
mf_prune_copy(struct mf_repo *repo, const char *name, struct mf_error *e)
{
	struct mf_buf sealed = MF_BUF_INIT, copy = MF_BUF_INIT;
	char fresh[MF_OBJECT_NAME_BYTES];
	uint64_t generation;
	struct mf_opened o;
	struct mf_id id;
	int rc = fetch_and_open(repo, name, &sealed, &copy, &o, e);

	mf_buf_fini(&copy);
	if (rc == 0) {
		mf_name_parse_chunk(name, &id, &generation);
		mf_name_chunk(fresh, &id, mf_generation_random());
		rc = mf_store_put(repo->store, fresh, sealed.data, sealed.len, 0, e);
	} else if (is_unusable(e)) {
		mf_error_clear(e);
		rc = 1;
	}
	mf_buf_fini(&sealed);
	return rc < 0 ? mf_error_while(e, "copying %s", name) : rc;
}

/* Seal under the current epoch, under a fresh generation. The codec's bytes stay as they are. */
static int
reseal(struct mf_repo *repo, const char *name, uint64_t *fresh, struct mf_error *e)
{
	char out_name[MF_OBJECT_NAME_BYTES];
	struct mf_buf sealed = MF_BUF_INIT;
	struct mf_seal_input in = {0};
	uint8_t *out = NULL;
	uint64_t generation;
	struct mf_opened o;
	struct mf_id id;
	size_t n;
	int rc = -1;

	if (fetch_and_open(repo, name, &sealed, NULL, &o, e) != 0)
		goto out;
	if ((out = malloc(mf_seal_len(repo->keyring, o.body_len))) == NULL) {
		mf_error_nomem(e, "a chunk");
		goto out;
	}
	mf_name_parse_chunk(name, &id, &generation);
	in.type = o.header.type;
	in.codec = o.header.codec;
	in.plain_len = o.header.plain_len;
	in.id = &id;
	in.body = o.body;
	in.body_len = o.body_len;
	*fresh = mf_generation_random();
	mf_name_chunk(out_name, &id, *fresh);
	if (mf_seal(repo->keyring, &in, out, &n, e) == 0)
		rc = mf_store_put(repo->store, out_name, out, n, 0, e);
out:
	free(out);
	mf_buf_fini(&sealed);
	if (rc != 0 && is_unusable(e)) {
		mf_log(MF_LOG_WARNING, "%s cannot be resealed: %s", name, e->message);
		mf_error_clear(e);
		return 1;
	}
	return rc == 0 ? 0 : mf_error_while(e, "resealing %s", name);
}

struct keeper_arg {
	struct mf_prune_run *run;
	struct mf_error *e;
	bool failed;
};

static bool
is_interrupted(const struct mf_prune_params *p, struct mf_error *e)
{
	if (p->interrupted == NULL || !p->interrupted())
		return false;
	mf_error_set(e, MF_EINTERRUPTED, "interrupted");
	return true;
}

/* One name of a listing, while resealing. */
static int
reseal_name(void *arg, const char *name, uint64_t size, int64_t mtime_us)
{
	struct keeper_arg *a = arg;
	struct mf_repo *repo = a->run->repo;
	struct mf_buf head = MF_BUF_INIT;
	struct mf_seal_header h;
	uint64_t generation, *keeper;
	struct mf_id id;
	int rc;

	(void)size;
	(void)mtime_us;
	if (mf_name_parse_chunk(name, &id, &generation) != 0 ||
	    (keeper = mf_idmap_get(&a->run->needs, &id)) == NULL ||
	    *keeper != MF_PRUNE_NO_KEEPER || mf_names_has(&a->run->burned, name))
		return 0;
	if (is_interrupted(a->run->p, a->e))
		return a->failed = true;
	rc = mf_store_get(repo->store, name, 0, MF_SEAL_HEADER_BYTES, &head, a->e);
	if (rc == 0)
		rc = mf_seal_header_decode(head.data, head.len, &h, a->e);
	mf_buf_fini(&head);
	if (rc != 0) { /* damaged, or another run's garbage by now */
		a->failed = !is_unusable(a->e);
		return a->failed;
	}
	if (h.type != MF_OBJECT_CHUNK && h.epoch < mf_keyring_floor(repo->keyring))
		return 0; /* a segment from before a rekey: its fresh generation stays */
	if (h.epoch != mf_keyring_epoch(repo->keyring)) {
		rc = a->run->p->dry_run ? 0 : reseal(repo, name, &generation, a->e);
		a->run->out->resealed += rc == 0;
	}
	if (rc == 0)
		*keeper = generation;
	a->failed = rc < 0;
	return a->failed;
}

/* The better one of two names on no list: the one that opens, in the later epoch. An older one
 * may be all that is left of a segment before a rekey, and unreadable since. */
static int
compare_keepers(struct mf_prune_run *run, const struct mf_id *id, const char *name,
    uint64_t generation, uint64_t *keeper, struct mf_error *e)
{
	char other[MF_OBJECT_NAME_BYTES];
	int64_t here, there;

	mf_name_chunk(other, id, *keeper);
	if ((there = mf_prune_try_open(run->repo, other, e)) < 0 ||
	    (here = mf_prune_try_open(run->repo, name, e)) < 0)
		return -1;
	if (here > there)
		*keeper = generation;
	return 0;
}

static int
keep_name(void *arg, const char *name, uint64_t size, int64_t mtime_us)
{
	struct keeper_arg *a = arg;
	uint64_t generation, *keeper;
	struct mf_id id;

	(void)size;
	(void)mtime_us;
	if (mf_name_parse_chunk(name, &id, &generation) != 0 ||
	    (keeper = mf_idmap_get(&a->run->needs, &id)) == NULL || *keeper == generation ||
	    mf_names_has(&a->run->burned, name))
		return 0;
	if (*keeper == MF_PRUNE_NO_KEEPER)
		*keeper = generation;
	else if (!a->run->p->reseal) /* else it was resealed just now */
		a->failed = compare_keepers(a->run, &id, name, generation, keeper, a->e) != 0;
	return a->failed;
}

int
mf_prune_choose_keepers(struct mf_prune_run *run, struct mf_error *e)
{
	struct keeper_arg arg = {run, e, false};
	struct mf_store *store = run->repo->store;

	if (run->p->reseal &&
	    (mf_store_list(store, "c/", reseal_name, &arg, e) != 0 || arg.failed ||
		(!run->p->dry_run && mf_store_sync(store, e) != 0)))
		return -1;
	if (mf_store_list(store, "c/", keep_name, &arg, e) != 0 || arg.failed)
		return -1;
	return 0;
}
