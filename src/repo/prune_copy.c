/* Reading, copying and resealing single chunks and segments, as they are stored. Any thread. */
#include <stdlib.h>

#include "crypto/seal.h"
#include "src/base/log.h"
#include "src/repo/chunk_read_int.h"
#include "src/repo/prune_int.h"

#define SEALED_MAX_BYTES (MF_SEAL_OVERHEAD + MF_SEAL_MAX_BODY + MF_SEAL_MAX_BODY / 8 + 1)

static int
fetch_once(struct mf_repo *repo, const char *name, struct mf_buf *sealed, struct mf_buf *copy,
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

/* The sealed bytes under a name, opened. *sealed holds them undecrypted where copy is given. */
static int
fetch_and_open(struct mf_repo *repo, const char *name, struct mf_buf *sealed, struct mf_buf *copy,
    struct mf_opened *o, struct mf_error *e)
{
	int rc = fetch_once(repo, name, sealed, copy, o, e);

	if (rc == 0 || !mf_read_again(repo, name, e))
		return rc;
	mf_buf_clear(sealed);
	if (copy != NULL)
		mf_buf_clear(copy);
	return fetch_once(repo, name, sealed, copy, o, e);
}

bool
mf_prune_is_unusable(const struct mf_error *e)
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
	if (!mf_prune_is_unusable(e))
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
	uint64_t generation;
	struct mf_opened o;
	struct mf_id id;
	int rc = fetch_and_open(repo, name, &sealed, &copy, &o, e);

	mf_buf_fini(&copy);
	if (rc == 0) {
		mf_name_parse_chunk(name, &id, &generation);
		generation = mf_generation_random();
		rc = mf_chunk_put(repo, &id, sealed.data, sealed.len, &generation, e);
	} else if (mf_prune_is_unusable(e)) {
		mf_error_clear(e);
		rc = 1;
	}
	mf_buf_fini(&sealed);
	return rc < 0 ? mf_error_while(e, "copying %s", name) : rc;
}

int
mf_prune_copy_any(struct mf_repo *repo, const struct mf_names *names, struct mf_error *e)
{
	size_t i;
	int rc = 1;

	for (i = 0; rc == 1 && i < names->n; i++)
		rc = mf_prune_copy(repo, names->items[i], e);
	return rc;
}

int
mf_prune_reseal(struct mf_repo *repo, const char *name, uint64_t *fresh, struct mf_error *e)
{
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
	if (mf_seal(repo->keyring, &in, out, &n, e) == 0)
		rc = mf_chunk_put(repo, &id, out, n, fresh, e);
out:
	free(out);
	mf_buf_fini(&sealed);
	if (rc != 0 && mf_prune_is_unusable(e)) {
		mf_log(MF_LOG_WARNING, "%s cannot be resealed: %s", name, e->message);
		mf_error_clear(e);
		return 1;
	}
	return rc == 0 ? 0 : mf_error_while(e, "resealing %s", name);
}
