/*
 * The bytes of a receipt:
 *	u32 format, repository id[32], string model, version, digest[32] of its root, string site,
 *	instance, i64 time, u64 files, u64 bytes, u8 serving, u8 signed, public key[32],
 *	signature[64]
 * The signature covers MF_RECEIPT_SIGN_DOMAIN and all bytes before `signed`.
 */
#include <stdlib.h>
#include <string.h>

#include "src/repo/receipt_int.h"

#define RECEIPT_FORMAT 1
#define STRING_MAX_BYTES 1024

void
mf_receipt_fini(struct mf_receipt *r)
{
	free(r->model);
	free(r->version);
	free(r->site);
	free(r->instance);
	*r = (struct mf_receipt){0};
}

void
mf_receipt_put_signed(
    const struct mf_receipt *r, const uint8_t repo_id[MF_REPO_ID_BYTES], struct mf_buf *out)
{
	mf_buf_put_u32(out, RECEIPT_FORMAT);
	mf_buf_put(out, repo_id, MF_REPO_ID_BYTES);
	mf_buf_put_string(out, r->model);
	mf_buf_put_string(out, r->version);
	mf_buf_put(out, r->digest, sizeof r->digest);
	mf_buf_put_string(out, r->site);
	mf_buf_put_string(out, r->instance);
	mf_buf_put_u64(out, (uint64_t)r->time_us);
	mf_buf_put_u64(out, r->files);
	mf_buf_put_u64(out, r->bytes);
	mf_buf_put_u8(out, (uint8_t)r->serving);
}

void
mf_receipt_put_signature(const struct mf_receipt *r, struct mf_buf *out)
{
	mf_buf_put_u8(out, r->is_signed);
	if (!r->is_signed)
		return;
	mf_buf_put(out, r->signer, sizeof r->signer);
	mf_buf_put(out, r->signature, sizeof r->signature);
}

static void
get_bytes(struct mf_reader *r, uint8_t *out, size_t n)
{
	const uint8_t *p = mf_reader_bytes(r, n);

	if (p != NULL)
		memcpy(out, p, n);
}

static void
get_signature(struct mf_reader *r, struct mf_receipt *out)
{
	uint8_t is_signed = mf_reader_u8(r);

	if (is_signed > 1)
		r->failed = true;
	out->is_signed = is_signed == 1;
	if (!out->is_signed)
		return;
	get_bytes(r, out->signer, sizeof out->signer);
	get_bytes(r, out->signature, sizeof out->signature);
}

int
mf_receipt_decode(const uint8_t *bytes, size_t n, const uint8_t repo_id[MF_REPO_ID_BYTES],
    struct mf_receipt *out, size_t *signed_bytes, struct mf_error *e)
{
	struct mf_reader r = mf_reader_of(bytes, n);
	uint32_t format = mf_reader_u32(&r);
	const uint8_t *id;
	unsigned serving;

	*out = (struct mf_receipt){0};
	if (!r.failed && format != RECEIPT_FORMAT)
		return mf_error_set(e, MF_EUNSUPPORTED, "receipt of format %u", format);
	id = mf_reader_bytes(&r, MF_REPO_ID_BYTES);
	out->model = mf_reader_string(&r, STRING_MAX_BYTES);
	out->version = mf_reader_string(&r, STRING_MAX_BYTES);
	get_bytes(&r, out->digest, sizeof out->digest);
	out->site = mf_reader_string(&r, MF_SITE_NAME_MAX_BYTES);
	out->instance = mf_reader_string(&r, MF_SITE_NAME_MAX_BYTES);
	out->time_us = (int64_t)mf_reader_u64(&r);
	out->files = mf_reader_u64(&r);
	out->bytes = mf_reader_u64(&r);
	serving = mf_reader_u8(&r);
	out->serving = (enum mf_serving)serving;
	if (signed_bytes != NULL)
		*signed_bytes = n - r.left;
	get_signature(&r, out);
	if (!r.failed && r.left == 0 && serving <= MF_SERVING_NO && out->site[0] != '\0' &&
	    out->time_us >= 0 && memcmp(id, repo_id, MF_REPO_ID_BYTES) == 0)
		return 0;
	mf_receipt_fini(out);
	return mf_reader_error(&r, e, "receipt of a shape that cannot be");
}
