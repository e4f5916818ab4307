/*
 * The bytes of a control record:
 *	u32 format, repository id[32], string run, u64 sequence, nonce[16], u8 verb, i64 time,
 *	string by, string reason, u8 signed, public key[32], signature[64]
 * The signature covers MF_CONTROL_SIGN_DOMAIN and all bytes before `signed`.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/repo/control_int.h"
#include "src/repo/run_record.h"

#define CONTROL_FORMAT 1

const char *
mf_control_verb_name(enum mf_control_verb verb)
{
	static const char *const names[MF_CONTROL_VERBS_END] = {[MF_CONTROL_ABORT] = "abort",
	    [MF_CONTROL_PROMOTE] = "promote",
	    [MF_CONTROL_PROMOTE_FULL] = "promote --full",
	    [MF_CONTROL_PAUSE] = "pause",
	    [MF_CONTROL_CONTINUE] = "continue",
	    [MF_CONTROL_RETRY] = "retry"};

	return (unsigned)verb < MF_CONTROL_VERBS_END && names[verb] != NULL ? names[verb] : "?";
}

void
mf_control_put_signed(const char *run, const struct mf_control *x,
    const uint8_t repo_id[MF_REPO_ID_BYTES], struct mf_buf *out)
{
	mf_buf_put_u32(out, CONTROL_FORMAT);
	mf_buf_put(out, repo_id, MF_REPO_ID_BYTES);
	mf_buf_put_string(out, run);
	mf_buf_put_u64(out, x->sequence);
	mf_buf_put(out, x->nonce, sizeof x->nonce);
	mf_buf_put_u8(out, (uint8_t)x->verb);
	mf_buf_put_u64(out, (uint64_t)x->time_us);
	mf_buf_put_string(out, x->by);
	mf_buf_put_string(out, x->reason);
}

void
mf_control_put_signature(const struct mf_control *x, struct mf_buf *out)
{
	mf_buf_put_u8(out, x->is_signed);
	if (!x->is_signed)
		return;
	mf_buf_put(out, x->signer, sizeof x->signer);
	mf_buf_put(out, x->signature, sizeof x->signature);
}

static void
get_bytes(struct mf_reader *r, uint8_t *out, size_t n)
{
	const uint8_t *p = mf_reader_bytes(r, n);

	if (p != NULL)
		memcpy(out, p, n);
}

static void
get_text(struct mf_reader *r, char *out, size_t bytes)
{
	char *s = mf_reader_string(r, bytes - 1);

	snprintf(out, bytes, "%s", s != NULL ? s : "");
	free(s);
}

static void
get_signature(struct mf_reader *r, struct mf_control *out)
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
mf_control_decode(const uint8_t *bytes, size_t n, const uint8_t repo_id[MF_REPO_ID_BYTES],
    char **run, struct mf_control *out, size_t *signed_bytes, struct mf_error *e)
{
	struct mf_reader r = mf_reader_of(bytes, n);
	uint32_t format = mf_reader_u32(&r);
	const uint8_t *id;
	unsigned verb;

	*run = NULL;
	*out = (struct mf_control){0};
	if (!r.failed && format != CONTROL_FORMAT)
		return mf_error_set(e, MF_EUNSUPPORTED, "control record of format %u", format);
	id = mf_reader_bytes(&r, MF_REPO_ID_BYTES);
	*run = mf_reader_string(&r, MF_RUN_ID_MAX_BYTES);
	out->sequence = mf_reader_u64(&r);
	get_bytes(&r, out->nonce, sizeof out->nonce);
	verb = mf_reader_u8(&r);
	out->verb = (enum mf_control_verb)verb;
	out->time_us = (int64_t)mf_reader_u64(&r);
	get_text(&r, out->by, sizeof out->by);
	get_text(&r, out->reason, sizeof out->reason);
	if (signed_bytes != NULL)
		*signed_bytes = n - r.left;
	get_signature(&r, out);
	if (r.failed || r.left != 0 || out->sequence == 0 || verb < MF_CONTROL_ABORT ||
	    memcmp(id, repo_id, MF_REPO_ID_BYTES) != 0)
		return mf_reader_error(&r, e, "control record of a shape that cannot be");
	if (verb >= MF_CONTROL_VERBS_END)
		return mf_error_set(e, MF_EUNSUPPORTED, "control record of verb %u", verb);
	return 0;
}
