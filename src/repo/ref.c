/*
 * Ref records: the object r/MODEL/REF/SEQ (16 hex digits), put only if absent.
 *	u32 format, repository id[32], string model, name, u64 sequence, string version,
 *	digest[32] of its root, u64 moved_us, string by, u8 signed, public key[32], signature[64]
 * The signature covers MF_REF_SIGN_DOMAIN and all bytes before `signed`.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/log.h"
#include "src/repo/condemned_int.h"
#include "src/repo/ref_int.h"
#include "src/repo/repo_int.h"
#include "src/repo/signing_int.h"

#define REF_FORMAT 1

void
mf_ref_fini(struct mf_ref *ref)
{
	free(ref->model);
	free(ref->name);
	free(ref->version);
	free(ref->by);
	*ref = (struct mf_ref){0};
}

void
mf_refs_fini(struct mf_refs *refs)
{
	size_t i;

	for (i = 0; i < refs->n; i++)
		mf_ref_fini(&refs->items[i]);
	free(refs->items);
	*refs = (struct mf_refs){0};
}

static void
ref_prefix(struct mf_repo *repo, const char *model, const char *name,
    char out[MF_OBJECT_NAME_BYTES])
{
	char m[MF_NAME_HASH_BYTES], r[MF_NAME_HASH_BYTES];

	mf_keyring_name_hash(repo->keyring, "model", model, NULL, m);
	mf_keyring_name_hash(repo->keyring, "ref", model, name, r);
	snprintf(out, MF_OBJECT_NAME_BYTES, "r/%s/%s/", m, r);
}

static void
put_record(const struct mf_repo *repo, const struct mf_ref *ref, struct mf_buf *b)
{
	mf_buf_put_u32(b, REF_FORMAT);
	mf_buf_put(b, mf_keyring_repo_id(repo->keyring), MF_REPO_ID_BYTES);
	mf_buf_put_string(b, ref->model);
	mf_buf_put_string(b, ref->name);
	mf_buf_put_u64(b, ref->sequence);
	mf_buf_put_string(b, ref->version);
	mf_buf_put(b, ref->digest, sizeof(ref->digest));
	mf_buf_put_u64(b, (uint64_t)ref->moved_us);
	mf_buf_put_string(b, ref->by);
}

static int
decode_record(const struct mf_repo *repo, const struct mf_buf *plain, struct mf_ref *out,
    struct mf_error *e)
{
	struct mf_reader r = mf_reader_of(plain->data, plain->len);
	uint32_t format = mf_reader_u32(&r);
	const uint8_t *id, *p;

	*out = (struct mf_ref){0};
	if (!r.failed && format != REF_FORMAT)
		return mf_error_set(e, MF_EUNSUPPORTED, "ref of format %u", format);
	id = mf_reader_bytes(&r, MF_REPO_ID_BYTES);
	out->model = mf_reader_string(&r, 1024);
	out->name = mf_reader_string(&r, 1024);
	out->sequence = mf_reader_u64(&r);
	out->version = mf_reader_string(&r, 1024);
	if ((p = mf_reader_bytes(&r, sizeof(out->digest))) != NULL)
		memcpy(out->digest, p, sizeof(out->digest));
	out->moved_us = (int64_t)mf_reader_u64(&r);
	out->by = mf_reader_string(&r, 1024);
	out->is_signed = mf_reader_u8(&r) == 1;
	if (out->is_signed) {
		if ((p = mf_reader_bytes(&r, 32)) != NULL)
			memcpy(out->signer, p, 32);
		if ((p = mf_reader_bytes(&r, 64)) != NULL)
			memcpy(out->signature, p, 64);
	}
	if (r.failed || r.left != 0 ||
	    memcmp(id, mf_keyring_repo_id(repo->keyring), MF_REPO_ID_BYTES) != 0) {
		mf_ref_fini(out);
		return mf_reader_error(&r, e, "ref of a shape that cannot be");
	}
	return 0;
}

/* object: its whole name, which must be the one that the record hashes to. */
int
mf_ref_read(struct mf_repo *repo, const char *object, struct mf_ref *out, struct mf_error *e)
{
	char want[MF_OBJECT_NAME_BYTES];
	struct mf_buf plain = MF_BUF_INIT;
	size_t at;
	int rc = mf_object_get(repo, MF_OBJECT_REF, object, &plain, e);

	if (rc == 0)
		rc = decode_record(repo, &plain, out, e);
	mf_buf_fini(&plain);
	if (rc != 0)
		return mf_error_while(e, "reading the ref %s", object);
	ref_prefix(repo, out->model, out->name, want);
	at = strlen(want);
	snprintf(want + at, sizeof(want) - at, "%016" PRIx64, out->sequence);
	if (strcmp(want, object) != 0) {
		mf_ref_fini(out);
		return mf_error_set(e, MF_EDAMAGED, "ref %s belongs elsewhere", object);
	}
	return 0;
}

static int
check_seen(struct mf_repo *repo, const struct mf_ref *ref, struct mf_error *e)
{
	char key[600], what[400];

	snprintf(key, sizeof(key), "%s/%s", ref->model, ref->name);
	snprintf(what, sizeof(what), "the ref %s@%s", ref->model, ref->name);
	if (mf_pin_check(repo, key, ref->sequence, what, e) != 0)
		return -1;
	return mf_pin_raise(repo, key, ref->sequence, e);
}

/* A ref that this client has seen cannot vanish. */
static int
check_absent(struct mf_repo *repo, const char *model, const char *name, struct mf_error *e)
{
	char key[600], what[400];

	snprintf(key, sizeof(key), "%s/%s", model, name);
	snprintf(what, sizeof(what), "the ref %s@%s (absent)", model, name);
	return mf_pin_check(repo, key, 0, what, e);
}

int
mf_ref_get(struct mf_repo *repo, const char *model, const char *name, struct mf_ref *out,
    struct mf_error *e)
{
	char prefix[MF_OBJECT_NAME_BYTES];
	struct mf_names names;
	int rc;

	*out = (struct mf_ref){0};
	ref_prefix(repo, model, name, prefix);
	if (mf_names_list(repo, prefix, &names, e) != 0)
		return -1;
	if (names.n == 0) {
		mf_names_fini(&names);
		if (check_absent(repo, model, name, e) != 0)
			return -1;
		return mf_error_set(e, MF_ENOTFOUND, "model %s has no ref %s", model, name);
	}
	rc = mf_ref_read(repo, names.items[names.n - 1], out, e);
	mf_names_fini(&names);
	if (rc == 0 && (rc = check_seen(repo, out, e)) != 0)
		mf_ref_fini(out);
	return rc;
}

static int
append(struct mf_refs *refs, struct mf_ref *take, struct mf_error *e)
{
	struct mf_ref *more = reallocarray(refs->items, refs->n + 1, sizeof(*more));

	if (more == NULL) {
		mf_ref_fini(take);
		return mf_error_nomem(e, "a list of refs");
	}
	refs->items = more;
	refs->items[refs->n++] = *take;
	return 0;
}

int
mf_ref_history(struct mf_repo *repo, const char *model, const char *name, struct mf_refs *out,
    struct mf_error *e)
{
	char prefix[MF_OBJECT_NAME_BYTES];
	struct mf_names names;
	struct mf_ref ref;
	size_t i;
	int rc = 0;

	*out = (struct mf_refs){0};
	ref_prefix(repo, model, name, prefix);
	if (mf_names_list(repo, prefix, &names, e) != 0)
		return -1;
	for (i = 0; rc == 0 && i < names.n; i++) {
		rc = mf_ref_read(repo, names.items[i], &ref, e);
		if (rc == 0)
			rc = append(out, &ref, e);
		else if (e->code == MF_ENOTFOUND)
			rc = 0; /* an old entry that a prune trimmed meanwhile */
	}
	mf_names_fini(&names);
	if (rc == 0 && out->n > 0)
		rc = check_seen(repo, &out->items[out->n - 1], e);
	if (rc != 0)
		mf_refs_fini(out);
	return rc;
}

static int
add_previous(struct mf_repo *repo, const char *model, struct mf_refs *out, struct mf_error *e)
{
	struct mf_version v;
	struct mf_ref ref = {0};
	int rc;

	if (mf_ref_previous(repo, model, false, &v, e) != 0)
		return e->code == MF_ENOTFOUND ? 0 : -1;
	ref.model = strdup(model);
	ref.name = strdup("previous");
	ref.version = strdup(v.root.version);
	ref.by = strdup("");
	memcpy(ref.digest, v.digest, sizeof(ref.digest));
	rc = append(out, &ref, e);
	mf_version_fini(&v);
	return rc;
}

int
mf_ref_list(struct mf_repo *repo, const char *model, struct mf_refs *out, struct mf_error *e)
{
	char prefix[MF_OBJECT_NAME_BYTES], m[MF_NAME_HASH_BYTES];
	struct mf_names names;
	struct mf_ref ref;
	size_t i;
	int rc = 0;

	*out = (struct mf_refs){0};
	mf_keyring_name_hash(repo->keyring, "model", model, NULL, m);
	snprintf(prefix, sizeof(prefix), "r/%s/", m);
	if (mf_names_list(repo, prefix, &names, e) != 0)
		return -1;
	for (i = 0; rc == 0 && i < names.n; i++) {
		/* the last of each ref's objects: "r/" model "/" ref "/" is 68 bytes */
		if (i + 1 < names.n && strncmp(names.items[i], names.items[i + 1], 68) == 0)
			continue;
		rc = mf_ref_read(repo, names.items[i], &ref, e);
		if (rc == 0 && (rc = check_seen(repo, &ref, e)) != 0)
			mf_ref_fini(&ref);
		if (rc == 0)
			rc = append(out, &ref, e);
	}
	mf_names_fini(&names);
	if (rc == 0)
		rc = add_previous(repo, model, out, e);
	if (rc != 0)
		mf_refs_fini(out);
	return rc;
}

static int
refuse_clash(struct mf_repo *repo, const struct mf_ref_move *move, struct mf_error *e)
{
	const char *model = move->to->root.model;
	char m[MF_NAME_HASH_BYTES], v[MF_NAME_HASH_BYTES], prefix[MF_OBJECT_NAME_BYTES];
	struct mf_names names;
	size_t n;

	if (strcmp(move->name, "previous") == 0) {
		mf_error_set(e, MF_EUSAGE, "`previous` follows from production's history and cannot be set");
		return mf_error_hint(e, "use: modelferry rollback %s", model);
	}
	mf_keyring_name_hash(repo->keyring, "model", model, NULL, m);
	mf_keyring_name_hash(repo->keyring, "version", model, move->name, v);
	snprintf(prefix, sizeof(prefix), "v/%s/%s-", m, v);
	if (mf_names_list(repo, prefix, &names, e) != 0)
		return -1;
	n = names.n;
	mf_names_fini(&names);
	return n == 0 ? 0
		      : mf_error_set(e, MF_EUSAGE, "%s is the name of a version of %s; a ref needs another",
			    move->name, model);
}

static int
check_expectation(const struct mf_ref_move *move, const struct mf_ref *now, struct mf_error *e)
{
	const char *present = now->version != NULL ? now->version : "";

	if (move->expect == NULL || strcmp(move->expect, present) == 0)
		return 0;
	return mf_error_set(e, MF_ECONFLICT, "the ref %s@%s is at %s, not at %s",
	    move->to->root.model, move->name, *present ? present : "nothing",
	    *move->expect ? move->expect : "nothing");
}

/* The version must still be listed when the ref is written: a prune may have swept it. */
static int
still_listed(struct mf_repo *repo, const struct mf_version *v, struct mf_error *e)
{
	char name[MF_OBJECT_NAME_BYTES];
	int mark, manifest;

	snprintf(name, sizeof(name), "v/%s", v->object);
	if ((mark = mf_store_head(repo->store, name, NULL, e)) < 0)
		return -1;
	name[0] = 'm';
	if ((manifest = mf_store_head(repo->store, name, NULL, e)) < 0)
		return -1;
	if (mark == 0 && manifest == 0)
		return 0;
	return mf_error_set(e, MF_ENOTFOUND, "%s@%s was forgotten meanwhile", v->root.model,
	    v->root.version);
}

static int
put_ref(struct mf_repo *repo, const struct mf_ref_move *move, struct mf_ref *ref,
    struct mf_error *e)
{
	char object[MF_OBJECT_NAME_BYTES];
	struct mf_buf b = MF_BUF_INIT;
	size_t at;
	int rc = 0;

	ref_prefix(repo, ref->model, ref->name, object);
	at = strlen(object);
	snprintf(object + at, sizeof(object) - at, "%016" PRIx64, ref->sequence);
	put_record(repo, ref, &b);
	if (move->signer != NULL && !b.failed)
		rc = mf_signing_sign(move->signer, MF_REF_SIGN_DOMAIN, b.data, b.len,
		    ref->signature, e);
	mf_buf_put_u8(&b, move->signer != NULL);
	if (move->signer != NULL) {
		mf_buf_put(&b, mf_signer_public(move->signer), 32);
		mf_buf_put(&b, ref->signature, 64);
	}
	if (rc == 0)
		rc = b.failed ? mf_error_nomem(e, "a ref")
			      : mf_object_put_new(repo, MF_OBJECT_REF, object, b.data, b.len,
				    MF_STORE_IF_ABSENT | MF_STORE_DURABLE, e);
	mf_buf_fini(&b);
	if (rc == 1)
		return mf_error_set(e, MF_ECONFLICT, "somebody else moved the ref %s@%s meanwhile",
		    ref->model, ref->name);
	return rc;
}

/*
 * After the put: is the version condemned by a forget, or gone? A forget lists the mark, then
 * reads the refs; we put the ref, then read the lists: whoever comes second sees the other.
 */
static int
check_not_forgotten(struct mf_repo *repo, const struct mf_version *v, struct mf_error *e)
{
	char mark[MF_OBJECT_NAME_BYTES];
	struct mf_names burned;
	bool condemned;

	if (mf_condemned_read(repo, &burned, NULL, e) != 0)
		return -1;
	snprintf(mark, sizeof(mark), "v/%s", v->object);
	condemned = mf_names_has(&burned, mark);
	mf_names_fini(&burned);
	if (condemned) {
		mf_error_set(e, MF_ECONFLICT, "%s@%s is being forgotten", v->root.model,
		    v->root.version);
		return mf_error_hint(e, "choose another version; a forget that was cut off is "
		    "finished by running it again");
	}
	return still_listed(repo, v, e);
}

/* Take a move back: to what the ref was, under a higher sequence; or away, where it was not. */
static void
take_back(struct mf_repo *repo, const struct mf_ref_move *move, const struct mf_ref *was,
    const struct mf_ref *put)
{
	char object[MF_OBJECT_NAME_BYTES], text[MF_ERROR_MESSAGE_BYTES];
	struct mf_ref back = *put;
	struct mf_error e;
	size_t at;
	int rc;

	mf_error_clear(&e);
	if (was->version != NULL) {
		back.version = was->version;
		memcpy(back.digest, was->digest, sizeof(back.digest));
		back.sequence = put->sequence + 1;
		rc = put_ref(repo, move, &back, &e);
	} else {
		ref_prefix(repo, put->model, put->name, object);
		at = strlen(object);
		snprintf(object + at, sizeof(object) - at, "%016" PRIx64, put->sequence);
		rc = mf_store_del(repo->store, object, &e);
	}
	if (rc != 0)
		mf_log(MF_LOG_ERROR, "the ref %s@%s could not be taken back: %s", put->model,
		    put->name, mf_error_text(&e, text, sizeof(text)));
}

int
mf_ref_set(struct mf_repo *repo, const struct mf_ref_move *move, uint64_t *sequence,
    struct mf_error *e)
{
	const struct mf_root *root = &move->to->root;
	struct mf_ref now, ref = {0};
	int rc;

	if (mf_repo_check_name("ref", move->name, e) != 0 || refuse_clash(repo, move, e) != 0)
		return -1;
	if (mf_ref_get(repo, root->model, move->name, &now, e) != 0 && e->code != MF_ENOTFOUND)
		return -1;
	if (check_expectation(move, &now, e) != 0) {
		mf_ref_fini(&now);
		return -1;
	}
	ref.model = root->model;
	ref.name = (char *)(uintptr_t)move->name;
	ref.version = root->version;
	ref.by = (char *)(uintptr_t)(move->by ? move->by : "");
	ref.sequence = now.sequence + 1;
	ref.moved_us = move->now_us;
	memcpy(ref.digest, move->to->digest, sizeof(ref.digest));
	rc = still_listed(repo, move->to, e);
	if (rc == 0)
		rc = put_ref(repo, move, &ref, e);
	if (rc == 0 && (rc = check_not_forgotten(repo, move->to, e)) != 0)
		take_back(repo, move, &now, &ref);
	if (rc == 0)
		rc = check_seen(repo, &ref, e);
	if (rc == 0 && sequence != NULL)
		*sequence = ref.sequence;
	mf_ref_fini(&now);
	return rc == 0 ? 0 : mf_error_while(e, "moving the ref %s@%s", root->model, move->name);
}

int
mf_ref_verify(struct mf_repo *repo, const struct mf_ref *ref, const struct mf_trust *trust,
    int64_t now_us, struct mf_error *e)
{
	struct mf_buf b = MF_BUF_INIT;
	int rc;

	if (!ref->is_signed)
		return mf_error_set(e, MF_EKEY,
		    "the ref %s@%s is not signed, and --trusted-keys demands it", ref->model, ref->name);
	put_record(repo, ref, &b);
	rc = b.failed ? mf_error_nomem(e, "a ref")
		      : mf_signing_verify(trust, ref->signer, MF_REF_SIGN_DOMAIN, b.data,
			    b.len, ref->signature, now_us, e);
	mf_buf_fini(&b);
	return rc == 0 ? 0
		       : mf_error_while(e, "checking the signature of the ref %s@%s", ref->model,
			     ref->name);
}
