/* Sealed objects of modest size: encode, seal, put; get, open, decode. */
#include <stdlib.h>
#include <string.h>

#include "crypto/seal.h"
#include "src/codec/codec.h"
#include "src/repo/chunk_read_int.h"

/* Everything an object of n plaintext bytes becomes, in *sealed (free(3)). */
static int
make_sealed(struct mf_repo *repo, enum mf_object_type type, const struct mf_id *id,
    const void *plain, size_t n, uint8_t **sealed, size_t *sealed_len, struct mf_error *e)
{
	struct mf_encoder *enc = mf_encoder_new(NULL, e);
	struct mf_seal_input in = {.type = type, .id = id, .plain_len = (uint32_t)n};
	size_t bound = mf_encode_bound(n);
	struct mf_encoded body;
	uint8_t *out = NULL;
	int rc = -1;

	if (enc == NULL)
		return -1;
	/* room for the largest padding, which is below an eighth of the body */
	if ((out = malloc(MF_SEAL_OVERHEAD + bound + bound / 8 + 64)) == NULL) {
		mf_error_nomem(e, "an object");
		goto out;
	}
	if (mf_encode(
		enc, MF_ELEMENT_TEXT, plain, n, out + MF_SEAL_HEADER_BYTES, bound, &body, e) != 0)
		goto out;
	in.body = body.body;
	in.body_len = body.len;
	in.codec = body.codec;
	if (mf_seal(repo->keyring, &in, out, sealed_len, e) != 0)
		goto out;
	*sealed = out;
	out = NULL;
	rc = 0;
out:
	free(out);
	mf_encoder_free(enc);
	return rc;
}

static int
open_sealed(struct mf_repo *repo, enum mf_object_type type, const struct mf_id *id,
    struct mf_buf *sealed, size_t max, struct mf_buf *plain, struct mf_error *e)
{
	struct mf_decoder *dec;
	struct mf_opened o;
	int rc = -1;

	if (mf_open(repo->keyring, type, id, sealed->data, sealed->len, &o, e) != 0)
		return -1;
	if (o.header.plain_len > max)
		return mf_error_set(e, MF_EDAMAGED, "%s is longer than it may be",
		    mf_object_type_name(type));
	if ((dec = mf_decoder_new(e)) == NULL)
		return -1;
	if (mf_buf_reserve(plain, o.header.plain_len + 1) != 0)
		mf_error_nomem(e, "an object");
	else
		rc = mf_decode(dec, o.header.codec, o.body, o.body_len, plain->data + plain->len,
		    o.header.plain_len, e);
	if (rc == 0)
		plain->len += o.header.plain_len;
	mf_decoder_free(dec);
	return rc;
}

/* Longest plaintext of a small object of this type. */
static size_t
limit_of(enum mf_object_type type)
{
	return type == MF_OBJECT_CONDEMNED ? MF_SEAL_MAX_PLAIN : MF_SMALL_OBJECT_MAX_BYTES;
}

int
mf_object_put(struct mf_repo *repo, enum mf_object_type type, const char *name, const void *plain,
    size_t n, unsigned flags, struct mf_error *e)
{
	struct mf_id id;
	uint8_t *sealed = NULL;
	size_t len = 0;
	int rc;

	mf_object_name_id(name, &id);
	if (make_sealed(repo, type, &id, plain, n, &sealed, &len, e) != 0)
		return -1;
	rc = mf_store_put(repo->store, name, sealed, len, flags, e);
	free(sealed);
	return rc < 0 ? mf_error_while(e, "storing %s %s", mf_object_type_name(type), name) : rc;
}

int
mf_keys_are_current(struct mf_repo *repo, struct mf_error *e)
{
	struct mf_names names;
	uint64_t newest = 0;

	if (mf_names_list(repo, "config/", &names, e) != 0)
		return -1;
	if (names.n > 0)
		newest = strtoull(names.items[names.n - 1] + strlen("config/"), NULL, 16);
	mf_names_fini(&names);
	if (newest == mf_config_sequence(repo->config))
		return 0;
	mf_error_set(e, MF_ECONFLICT, "the keys of the repository changed while this run worked");
	return mf_error_hint(e, "run it again: what is stored already is not sent again");
}

int
mf_object_put_new(struct mf_repo *repo, enum mf_object_type type, const char *name,
    const void *plain, size_t n, unsigned flags, struct mf_error *e)
{
	int rc = mf_object_put(repo, type, name, plain, n, flags, e);

	if (rc != 0 || mf_keys_are_current(repo, e) == 0)
		return rc;
	mf_store_del(repo->store, name, NULL);
	return -1;
}

static int
get_once(struct mf_repo *repo, enum mf_object_type type, const char *name, struct mf_buf *plain,
    struct mf_error *e)
{
	struct mf_buf sealed = MF_BUF_INIT;
	struct mf_id id;
	int rc;

	mf_object_name_id(name, &id);
	rc = mf_store_get(repo->store, name, 0, limit_of(type) * 2, &sealed, e);
	if (rc == 0)
		rc = open_sealed(repo, type, &id, &sealed, limit_of(type), plain, e);
	mf_buf_fini(&sealed);
	return rc;
}

int
mf_object_get(struct mf_repo *repo, enum mf_object_type type, const char *name,
    struct mf_buf *plain, struct mf_error *e)
{
	struct mf_error own = {0}; /* here its code decides */
	int rc;

	e = e == NULL ? &own : e;
	rc = get_once(repo, type, name, plain, e);
	if (rc != 0 && mf_read_again(repo, name, e))
		rc = get_once(repo, type, name, plain, e);
	return rc == 0 ? 0
		       : mf_error_while(e, "reading %s %s", mf_object_type_name(type), name);
}

struct chunk_put {
	struct mf_repo *repo;
	const struct mf_id *id;
	const void *sealed;
	size_t n;
	uint64_t generation;
	bool again;
	char name[MF_OBJECT_NAME_BYTES];
};

static int
put_chunk_once(void *arg, struct mf_error *e)
{
	struct chunk_put *p = arg;

	if (p->again)
		p->generation = mf_generation_random();
	p->again = true;
	mf_name_chunk(p->name, p->id, p->generation);
	return mf_store_put(p->repo->store, p->name, p->sealed, p->n, 0, e);
}

int
mf_chunk_put(struct mf_repo *repo, const struct mf_id *id, const void *sealed, size_t n,
    uint64_t *generation, struct mf_error *e)
{
	struct chunk_put p = {.repo = repo,
	    .id = id,
	    .sealed = sealed,
	    .n = n,
	    .generation = *generation};
	int rc = mf_retry_run(&repo->retry, p.name, put_chunk_once, &p, e);

	*generation = p.generation;
	return rc;
}

int
mf_root_get(struct mf_repo *repo, const char *name, struct mf_buf *plain, struct mf_root *root,
    struct mf_error *e)
{
	*root = (struct mf_root){0};
	if (mf_object_get(repo, MF_OBJECT_ROOT, name, plain, e) != 0)
		return -1;
	return mf_root_decode(plain->data, plain->len, root, e);
}

int
mf_segment_put(struct mf_repo *repo, const struct mf_id *id, const void *plain, size_t n,
    uint64_t *generation, uint64_t *stored_bytes, struct mf_error *e)
{
	char name[MF_OBJECT_NAME_BYTES];
	uint8_t *sealed = NULL;
	size_t len = 0;
	int rc;

	*generation = mf_generation_random();
	if (make_sealed(repo, MF_OBJECT_SEGMENT, id, plain, n, &sealed, &len, e) != 0)
		return -1;
	rc = mf_chunk_put(repo, id, sealed, len, generation, e);
	free(sealed);
	*stored_bytes += len;
	mf_name_chunk(name, id, *generation);
	return rc == 0 ? 0 : mf_error_while(e, "storing manifest segment %s", name);
}

struct first_name {
	char name[MF_OBJECT_NAME_BYTES];
	bool found;
};

static int
take_first(void *arg, const char *name, uint64_t size, int64_t mtime_us)
{
	struct first_name *f = arg;

	(void)size;
	(void)mtime_us;
	strncpy(f->name, name, sizeof(f->name) - 1);
	f->found = true;
	return 1;
}

int
mf_chunk_fetch(struct mf_repo *repo, const struct mf_id *id, uint64_t hint, struct mf_buf *sealed,
    char *name, struct mf_error *e)
{
	struct first_name f = {{0}, false};
	char prefix[MF_OBJECT_NAME_BYTES];
	size_t max = MF_SEAL_OVERHEAD + MF_SEAL_MAX_BODY + MF_SEAL_MAX_BODY / 8 + 1;
	int tries;

	mf_name_chunk(f.name, id, hint);
	for (tries = 0; tries < 4; tries++) {
		if (name != NULL)
			memcpy(name, f.name, MF_OBJECT_NAME_BYTES);
		if (mf_store_get(repo->store, f.name, 0, max, sealed, e) == 0)
			return 0;
		if (e->code != MF_ENOTFOUND)
			return -1;
		/* the hint is old: a prune may have copied the chunk to another generation */
		mf_name_chunk_prefix(prefix, id);
		f.found = false;
		if (mf_store_list_names(repo->store, prefix, take_first, &f, e) != 0)
			return -1;
		if (!f.found)
			break;
	}
	mf_name_chunk_prefix(prefix, id);
	return mf_error_set(e, MF_ENOTFOUND, "chunk %.*s is missing", 64, prefix + 5);
}

struct segment_reading {
	struct mf_repo *repo;
	const struct mf_segment_ref *ref;
	struct mf_buf *plain;
};

static int
read_segment(void *arg, const char *name, struct mf_error *e)
{
	const struct segment_reading *s = arg;
	struct mf_buf sealed = MF_BUF_INIT;
	struct mf_id again;
	size_t start = s->plain->len;
	int rc;

	rc = mf_store_get(s->repo->store, name, 0, (size_t)MF_SEGMENT_MAX_BYTES * 2, &sealed, e);
	if (rc == 0)
		rc = open_sealed(s->repo, MF_OBJECT_SEGMENT, &s->ref->id, &sealed,
		    MF_SEGMENT_MAX_BYTES, s->plain, e);
	mf_buf_fini(&sealed);
	if (rc != 0)
		return -1;
	mf_keyring_content_id(s->repo->keyring, MF_OBJECT_SEGMENT, s->plain->data + start,
	    s->plain->len - start, &again);
	if (mf_id_compare(&again, &s->ref->id) == 0)
		return 0;
	s->plain->len = start;
	return mf_error_set(e, MF_EDAMAGED, "wrong content: it opens, but its content has another id");
}

int
mf_segment_get(struct mf_repo *repo, const struct mf_segment_ref *ref, struct mf_buf *plain,
    struct mf_error *e)
{
	struct segment_reading s = {repo, ref, plain};

	return mf_generations_try(repo, MF_OBJECT_SEGMENT, &ref->id, ref->generation, read_segment,
	    &s, e);
}
