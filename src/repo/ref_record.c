/*
 * The bytes of a ref's position.
 *	u32 format, repository id[32], string model, name, u64 sequence, string version,
 *	digest[32] of its root, u64 moved_us, string by, u8 signed, public key[32], signature[64]
 * The signature covers MF_REF_SIGN_DOMAIN and all bytes before `signed`.
 */
#include <stdlib.h>
#include <string.h>

#include "src/repo/ref_int.h"

#define REF_FORMAT 1
#define STRING_MAX_BYTES 1024

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
mf_ref_put_signed(
    const struct mf_ref *ref, const uint8_t repo_id[MF_REPO_ID_BYTES], struct mf_buf *out)
{
	mf_buf_put_u32(out, REF_FORMAT);
	mf_buf_put(out, repo_id, MF_REPO_ID_BYTES);
	mf_buf_put_string(out, ref->model);
	mf_buf_put_string(out, ref->name);
	mf_buf_put_u64(out, ref->sequence);
	mf_buf_put_string(out, ref->version);
	mf_buf_put(out, ref->digest, sizeof(ref->digest));
	mf_buf_put_u64(out, (uint64_t)ref->moved_us);
	mf_buf_put_string(out, ref->by);
}

void
mf_ref_put_signature(const struct mf_ref *ref, struct mf_buf *out)
{
	mf_buf_put_u8(out, ref->is_signed);
	if (!ref->is_signed)
		return;
	mf_buf_put(out, ref->signer, sizeof(ref->signer));
	mf_buf_put(out, ref->signature, sizeof(ref->signature));
}

static void
get_bytes(struct mf_reader *r, uint8_t *out, size_t n)
{
	const uint8_t *p = mf_reader_bytes(r, n);

	if (p != NULL)
		memcpy(out, p, n);
}

static void
get_signature(struct mf_reader *r, struct mf_ref *out)
{
	uint8_t is_signed = mf_reader_u8(r);

	if (is_signed > 1)
		r->failed = true;
	out->is_signed = is_signed == 1;
	if (!out->is_signed)
		return;
	get_bytes(r, out->signer, sizeof(out->signer));
	get_bytes(r, out->signature, sizeof(out->signature));
}

int
mf_ref_decode(const uint8_t *bytes, size_t n, const uint8_t repo_id[MF_REPO_ID_BYTES],
    struct mf_ref *out, struct mf_error *e)
{
	struct mf_reader r = mf_reader_of(bytes, n);
	uint32_t format = mf_reader_u32(&r);
	const uint8_t *id;

	*out = (struct mf_ref){0};
	if (!r.failed && format != REF_FORMAT)
		return mf_error_set(e, MF_EUNSUPPORTED, "ref of format %u", format);
	id = mf_reader_bytes(&r, MF_REPO_ID_BYTES);
	out->model = mf_reader_string(&r, STRING_MAX_BYTES);
	out->name = mf_reader_string(&r, STRING_MAX_BYTES);
	out->sequence = mf_reader_u64(&r);
	out->version = mf_reader_string(&r, STRING_MAX_BYTES);
	get_bytes(&r, out->digest, sizeof(out->digest));
	out->moved_us = (int64_t)mf_reader_u64(&r);
	out->by = mf_reader_string(&r, STRING_MAX_BYTES);
	get_signature(&r, out);
	if (r.failed || r.left != 0 || out->sequence == 0 ||
	    memcmp(id, repo_id, MF_REPO_ID_BYTES) != 0) {
		mf_ref_fini(out);
		return mf_reader_error(&r, e, "ref of a shape that cannot be");
	}
	return 0;
}
