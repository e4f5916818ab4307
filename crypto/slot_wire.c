/* A slot's bytes in the configuration. */
#include "config.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/slot_int.h"

void
mf_slot_encode_fields(const struct mf_slot *s, struct mf_buf *b)
{
	mf_buf_put(b, s->id, sizeof s->id);
	mf_buf_put_u8(b, (uint8_t)s->kind);
	mf_buf_put_u64(b, (uint64_t)s->created_us);
	mf_buf_put_string(b, s->label);
	mf_buf_put(b, s->public, sizeof s->public);
	mf_buf_put_u32(b, s->passes);
	mf_buf_put_u64(b, s->memory_bytes);
	mf_buf_put(b, s->salt, sizeof s->salt);
}

void
mf_slot_encode(const struct mf_slot *s, struct mf_buf *b)
{
	mf_slot_encode_fields(s, b);
	mf_buf_put(b, s->mac, sizeof s->mac);
	mf_buf_put_block(b, s->payload, s->payload_len);
}

static void
read_array(struct mf_reader *r, uint8_t *out, size_t n)
{
	const uint8_t *p = mf_reader_bytes(r, n);

	if (p != NULL)
		memcpy(out, p, n);
}

/* Each kind has one way to be written. */
static int
check_slot(const struct mf_slot *s, struct mf_error *e)
{
	const bool identity = s->kind == MF_UNLOCK_IDENTITY;

	if (mf_unlock_kind_name(s->kind) == NULL)
		return mf_error_set(e, MF_EDAMAGED, "configuration has a slot of unknown kind %u",
		    (unsigned)s->kind);
	if (s->kind == MF_UNLOCK_PASSPHRASE &&
	    !mf_slot_kdf_is_bounded(s->passes, s->memory_bytes))
		return mf_error_set(e, MF_EDAMAGED,
		    "slot \"%s\" asks for Argon2id with %lu passes and %llu bytes; the limits are %u "
		    "and %llu", s->label, (unsigned long)s->passes,
		    (unsigned long long)s->memory_bytes, MF_KDF_MAX_PASSES, MF_KDF_MAX_MEMORY_BYTES);
	if (s->kind != MF_UNLOCK_PASSPHRASE && (s->passes != 0 || s->memory_bytes != 0))
		return mf_error_set(e, MF_EDAMAGED, "slot \"%s\" has a KDF cost without a passphrase",
		    s->label);
	if (identity && (sodium_is_zero(s->salt, sizeof s->salt) != 1 ||
			    sodium_is_zero(s->mac, sizeof s->mac) != 1))
		return mf_error_set(e, MF_EDAMAGED, "slot \"%s\" of an identity has salt or MAC",
		    s->label);
	return 0;
}

int
mf_slot_decode(struct mf_slot *s, struct mf_reader *r, struct mf_error *e)
{
	const uint8_t *label, *payload;
	size_t n_label = 0, n = 0;

	memset(s, 0, sizeof *s);
	read_array(r, s->id, sizeof s->id);
	s->kind = mf_reader_u8(r);
	s->created_us = (int64_t)mf_reader_u64(r);
	label = mf_reader_block(r, MF_SLOT_LABEL_MAX, &n_label);
	read_array(r, s->public, sizeof s->public);
	s->passes = mf_reader_u32(r);
	s->memory_bytes = mf_reader_u64(r);
	read_array(r, s->salt, sizeof s->salt);
	read_array(r, s->mac, sizeof s->mac);
	payload = mf_reader_block(r, MF_SLOT_MAX_PLAIN + MF_SLOT_SEAL_BYTES, &n);
	if (r->failed || n < MF_SLOT_PLAIN_BYTES(1) + MF_SLOT_SEAL_BYTES)
		return mf_error_set(e, MF_EDAMAGED, "configuration is truncated in a key slot");
	if (!mf_slot_label_is_fine((const char *)label, n_label))
		return mf_error_set(e, MF_EDAMAGED, "configuration has a slot with a bad label");
	memcpy(s->label, label, n_label);
	if (check_slot(s, e) != 0)
		return -1;
	if ((s->payload = malloc(n)) == NULL)
		return mf_error_nomem(e, "a key slot");
	memcpy(s->payload, payload, n);
	s->payload_len = n;
	return 0;
}
