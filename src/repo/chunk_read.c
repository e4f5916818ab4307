/* Reading chunks, with other generations to fall back to. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/seal.h"
#include "src/base/log.h"
#include "src/codec/codec.h"
#include "src/repo/checksum_int.h"
#include "src/repo/chunk_read_int.h"
#include "src/repo/timed_int.h"

#define LISTINGS 3 /* a prune may move a chunk between the listing and the get */
#define SEALED_MAX_BYTES (MF_SEAL_OVERHEAD + MF_SEAL_MAX_BODY + MF_SEAL_MAX_BODY / 8)

struct mf_chunk_reader {
	struct mf_repo *repo;
	struct mf_decoder *dec;
	struct mf_buf sealed;
	enum mf_chunk_check check;
	struct mf_progress *progress; /* or NULL */
};

bool
mf_error_is_damage(const struct mf_error *e)
{
	if (e->code == MF_EDAMAGED || e->code == MF_EKEY || e->code == MF_EUNSUPPORTED)
		return true;
	/* a disk that cannot read this object may well read the next */
	return e->code == MF_EFAIL && (e->sys_errno == EIO || e->sys_errno == EBADMSG);
}

bool
mf_read_again(const struct mf_repo *repo, const char *name, struct mf_error *e)
{
	if (e->code != MF_EDAMAGED || (mf_store_capabilities(repo->store) & MF_STORE_LOCAL) != 0)
		return false;
	mf_log(MF_LOG_WARNING, "%s: %s; reading it once more", name, e->message);
	mf_error_clear(e);
	return true;
}

struct trial {
	const struct mf_repo *repo;
	enum mf_object_type type;
	int (*attempt)(void *arg, const char *name, struct mf_error *e);
	void *arg;
	struct mf_error first; /* damage */
	unsigned damaged;
};

/* Put the object's name before what is wrong with it. */
static void
name_damage(enum mf_object_type type, const char *name, struct mf_error *e)
{
	struct mf_error why = *e;

	mf_error_set(e, why.code, "%s %s is damaged: %.360s", mf_object_type_name(type), name,
	    why.message);
	e->sys_errno = why.sys_errno;
	memcpy(e->hint, why.hint, sizeof(e->hint));
}

/* 0 done, 1 go on with another name, -1 stop. */
static int
try_name(struct trial *t, const char *name, struct mf_error *e)
{
	int rc;

	mf_error_clear(e);
	rc = t->attempt(t->arg, name, e);
	if (rc != 0 && mf_read_again(t->repo, name, e))
		rc = t->attempt(t->arg, name, e);
	if (rc == 0 && t->damaged > 0)
		/* MF_EKEY: a segment from before a rekey, at which a signed root still hints */
		mf_log(t->first.code == MF_EKEY ? MF_LOG_DEBUG : MF_LOG_WARNING,
		    "%s; another generation of it is healthy and was read", t->first.message);
	if (rc == 0)
		return 0;
	if (e->code == MF_ENOTFOUND)
		return 1;
	if (!mf_error_is_damage(e))
		return mf_error_while(e, "reading %s %s", mf_object_type_name(t->type), name);
	name_damage(t->type, name, e);
	if (t->damaged++ == 0)
		t->first = *e;
	return 1;
}

#define NOTHING_LISTED 2

static int
try_listed(struct mf_repo *repo, struct trial *t, const struct mf_id *id, const char *but,
    struct mf_error *e)
{
	char prefix[MF_OBJECT_NAME_BYTES];
	struct mf_names names;
	size_t i;
	int rc = 1;

	mf_name_chunk_prefix(prefix, id);
	if (mf_names_list(repo, prefix, &names, e) != 0)
		return -1;
	if (names.n == 0)
		rc = NOTHING_LISTED;
	for (i = 0; rc == 1 && i < names.n; i++)
		if (strcmp(names.items[i], but) != 0)
			rc = try_name(t, names.items[i], e);
	mf_names_fini(&names);
	return rc;
}

int
mf_generations_try(struct mf_repo *repo, enum mf_object_type type, const struct mf_id *id,
    uint64_t hint, int (*attempt)(void *arg, const char *name, struct mf_error *e), void *arg,
    struct mf_error *e)
{
	struct trial t = {.repo = repo, .type = type, .attempt = attempt, .arg = arg};
	char name[MF_OBJECT_NAME_BYTES];
	int rc, n;

	mf_name_chunk(name, id, hint);
	rc = try_name(&t, name, e);
	for (n = 0; rc == 1 && n < LISTINGS; n++) {
		rc = try_listed(repo, &t, id, name, e);
		if (t.damaged > 0)
			break; /* all that is listed was tried */
	}
	if (rc <= 0)
		return rc;
	if (t.damaged > 0) {
		*e = t.first;
		return -1;
	}
	mf_name_chunk_prefix(name, id);
	return mf_error_set(e, MF_EDAMAGED, "%s %.69s is missing", mf_object_type_name(type), name);
}

struct mf_chunk_reader *
mf_chunk_reader_new(struct mf_repo *repo, enum mf_chunk_check check, struct mf_error *e)
{
	struct mf_chunk_reader *r = calloc(1, sizeof(*r));

	if (r == NULL) {
		mf_error_nomem(e, "a chunk reader");
		return NULL;
	}
	r->repo = repo;
	r->check = check;
	if ((r->dec = mf_decoder_new(e)) == NULL) {
		free(r);
		return NULL;
	}
	return r;
}

void
mf_chunk_reader_free(struct mf_chunk_reader *r)
{
	if (r == NULL)
		return;
	mf_decoder_free(r->dec);
	mf_buf_fini(&r->sealed);
	free(r);
}

void
mf_chunk_reader_count(struct mf_chunk_reader *r, struct mf_progress *progress)
{
	r->progress = progress;
}

struct reading_one {
	struct mf_chunk_reader *r;
	const struct mf_chunk_ref *ref;
	uint8_t *plain;
	uint64_t *fetched_bytes;
};

static int
open_and_decode(const struct reading_one *one, struct mf_error *e)
{
	struct mf_chunk_reader *r = one->r;
	const struct mf_chunk_ref *ref = one->ref;
	struct mf_opened o;
	int rc;

	MF_TIMED(r->progress, ns_seal,
	    rc = mf_open(r->repo->keyring, MF_OBJECT_CHUNK, &ref->id, r->sealed.data,
		r->sealed.len, &o, e));
	if (rc != 0)
		return -1;
	if (o.header.plain_len != ref->plain_len)
		return mf_error_set(e, MF_EDAMAGED,
		    "wrong content: it holds %lu bytes where the manifest says %lu",
		    (unsigned long)o.header.plain_len, (unsigned long)ref->plain_len);
	MF_TIMED(r->progress, ns_codec,
	    rc = mf_decode(
		r->dec, o.header.codec, o.body, o.body_len, one->plain, ref->plain_len, e));
	return rc;
}

static int
check_content(const struct reading_one *one, struct mf_error *e)
{
	const struct mf_chunk_ref *ref = one->ref;
	const struct mf_repo *repo = one->r->repo;
	uint8_t checksum[MF_CHECKSUM_BYTES];
	struct mf_id id;

	if (one->r->check != MF_CHUNK_ID) {
		MF_TIMED(one->r->progress, ns_check,
		    mf_checksum(repo, one->plain, ref->plain_len, checksum));
		if (memcmp(checksum, ref->checksum, sizeof(checksum)) != 0)
			return mf_error_set(e, MF_EDAMAGED,
			    "wrong content: it opens, but its checksum is not the manifest's");
	}
	if (one->r->check == MF_CHUNK_CHECKSUM)
		return 0;
	MF_TIMED(one->r->progress, ns_hash,
	    mf_keyring_content_id(
		repo->keyring, MF_OBJECT_CHUNK, one->plain, ref->plain_len, &id));
	if (mf_id_compare(&id, &ref->id) != 0)
		return mf_error_set(e, MF_EDAMAGED,
		    "wrong content: it opens, but its content has another id");
	return 0;
}

static int
read_name(void *arg, const char *name, struct mf_error *e)
{
	const struct reading_one *one = arg;
	struct mf_buf *sealed = &one->r->sealed;
	int rc;

	mf_buf_clear(sealed);
	MF_TIMED(one->r->progress, ns_store,
	    rc = mf_store_get(one->r->repo->store, name, 0, SEALED_MAX_BYTES + 1, sealed, e));
	if (rc != 0)
		return -1;
	if (one->fetched_bytes != NULL)
		*one->fetched_bytes += sealed->len;
	return open_and_decode(one, e) == 0 ? check_content(one, e) : -1;
}

int
mf_chunk_reader_read(struct mf_chunk_reader *r, const struct mf_chunk_ref *ref, uint8_t *plain,
    uint64_t *fetched_bytes, struct mf_error *e)
{
	struct reading_one one = {r, ref, plain, fetched_bytes};
	struct mf_error own; /* the caller may not want the reason; here its code decides */

	return mf_generations_try(r->repo, MF_OBJECT_CHUNK, &ref->id, ref->generation, read_name,
	    &one, e != NULL ? e : &own);
}
