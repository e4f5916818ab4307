#include "config.h"

#include "crypto/seal.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>

#include "crypto/aead.h"
#include "crypto/keyring_int.h"
#include "crypto/seal_int.h"
#include "src/base/buf.h"

#define FORMAT 1
#define NONCE_AT 24 /* the header before it is authenticated as such */
#define AAD_LABEL "modelferry object v1"
#define AAD_LABEL_BYTES (sizeof AAD_LABEL - 1)
#define AAD_BYTES (AAD_LABEL_BYTES + NONCE_AT + MF_REPO_ID_BYTES + MF_ID_BYTES)
#define KEY_LABEL "modelferry object key"

static const uint8_t magic[4] = {'M', 'F', 'R', 'Y'};

/*
 * PADME: of a length with exponent E, keep the upper part and round up where the lower
 * E - (floor(log2 E) + 1) bits are not zero. Leaks O(log log n) bits of the length.
 */
static size_t
padme_len(size_t n)
{
	unsigned e, s;
	size_t mask;

	if (n < 2)
		return n;
	e = 63 - (unsigned)__builtin_clzll(n);
	s = e == 0 ? 0 : 32 - (unsigned)__builtin_clz(e);
	mask = ((size_t)1 << (e - s)) - 1;
	return (n + mask) & ~mask;
}

size_t
mf_seal_pad_len(const struct mf_keyring *kr, size_t body_len)
{
	if (mf_keyring_padding(kr) != MF_PADDING_PADME)
		return 0;
	return padme_len(body_len) - body_len;
}

size_t
mf_seal_len(const struct mf_keyring *kr, size_t body_len)
{
	return MF_SEAL_OVERHEAD + body_len + mf_seal_pad_len(kr, body_len);
}

static void
header_encode(const struct mf_seal_header *h, uint8_t out[MF_SEAL_HEADER_BYTES])
{
	memcpy(out, magic, sizeof magic);
	out[4] = FORMAT;
	out[5] = (uint8_t)h->type;
	out[6] = (uint8_t)h->cipher;
	out[7] = 0;
	mf_set_u32(out + 8, h->epoch);
	mf_set_u32(out + 12, h->codec);
	mf_set_u32(out + 16, h->plain_len);
	mf_set_u32(out + 20, h->padding);
	memcpy(out + NONCE_AT, h->nonce, sizeof h->nonce);
}

/* The words of the header that this tool might not know. */
static int
check_words(const uint8_t *p, struct mf_error *e)
{
	if (memcmp(p, magic, sizeof magic) != 0)
		return mf_error_set(e, MF_EDAMAGED,
		    "sealed object has magic %02x%02x%02x%02x, not \"MFRY\"", p[0], p[1], p[2], p[3]);
	if (p[4] != FORMAT) {
		mf_error_set(e, MF_EDAMAGED, "sealed object has format %u, this tool knows %u", p[4],
		    FORMAT);
		return mf_error_hint(e, "the object is damaged or was made by a newer modelferry");
	}
	if (p[5] == 0 || p[5] >= MF_OBJECT_TYPES_END)
		return mf_error_set(e, MF_EDAMAGED, "sealed object has unknown type %u", p[5]);
	if (mf_cipher_name(p[6]) == NULL)
		return mf_error_set(e, MF_EDAMAGED, "sealed object has unknown cipher %u", p[6]);
	if (p[7] != 0)
		return mf_error_set(e, MF_EDAMAGED, "sealed object has unknown flags 0x%02x", p[7]);
	return 0;
}

static bool
nonce_tail_is_zero(const struct mf_seal_header *h)
{
	const size_t n = mf_aead_of(h->cipher)->nonce_bytes;

	return sodium_is_zero(h->nonce + n, sizeof h->nonce - n) == 1;
}

int
mf_seal_header_decode(const uint8_t *bytes, size_t n, struct mf_seal_header *h,
    struct mf_error *e)
{
	struct mf_seal_header t;

	if (n < MF_SEAL_HEADER_BYTES)
		return mf_error_set(e, MF_EDAMAGED,
		    "sealed object is truncated: %zu bytes, its header alone has %d", n,
		    MF_SEAL_HEADER_BYTES);
	if (check_words(bytes, e) != 0)
		return -1;
	t.type = bytes[5];
	t.cipher = bytes[6];
	t.epoch = mf_get_u32(bytes + 8);
	t.codec = mf_get_u32(bytes + 12);
	t.plain_len = mf_get_u32(bytes + 16);
	t.padding = mf_get_u32(bytes + 20);
	memcpy(t.nonce, bytes + NONCE_AT, sizeof t.nonce);
	if (t.plain_len > MF_SEAL_MAX_PLAIN)
		return mf_error_set(e, MF_EDAMAGED,
		    "sealed object claims %lu bytes of plaintext, the limit is %u",
		    (unsigned long)t.plain_len, MF_SEAL_MAX_PLAIN);
	if (!nonce_tail_is_zero(&t))
		return mf_error_set(e, MF_EDAMAGED,
		    "sealed object has a nonce of more than 12 bytes for its cipher");
	*h = t;
	return 0;
}

static void
make_aad(const struct mf_keyring *kr, const uint8_t *header, const struct mf_id *id,
    uint8_t aad[AAD_BYTES])
{
	uint8_t *p = aad;

	memcpy(p, AAD_LABEL, AAD_LABEL_BYTES);
	memcpy(p += AAD_LABEL_BYTES, header, NONCE_AT);
	memcpy(p += NONCE_AT, mf_keyring_repo_id(kr), MF_REPO_ID_BYTES);
	memcpy(p + MF_REPO_ID_BYTES, id->bytes, MF_ID_BYTES);
}

static void
object_key(const uint8_t *epoch_key, enum mf_object_type type, const struct mf_id *id,
    uint8_t out[MF_KEY_BYTES])
{
	uint8_t msg[sizeof KEY_LABEL - 1 + 1 + MF_ID_BYTES];

	memcpy(msg, KEY_LABEL, sizeof KEY_LABEL - 1);
	msg[sizeof KEY_LABEL - 1] = (uint8_t)type;
	memcpy(msg + sizeof KEY_LABEL, id->bytes, MF_ID_BYTES);
	crypto_generichash(out, MF_KEY_BYTES, msg, sizeof msg, epoch_key, MF_KEY_BYTES);
}

int
mf_seal_with_nonce(const struct mf_keyring *kr, const struct mf_seal_input *in,
    const uint8_t nonce[24], uint8_t *out, size_t *out_len, struct mf_error *e)
{
	const struct mf_aead *aead = mf_aead_of(mf_keyring_cipher(kr));
	const size_t pad = mf_seal_pad_len(kr, in->body_len);
	struct mf_seal_header h = {.type = in->type, .cipher = mf_keyring_cipher(kr),
	    .epoch = mf_keyring_epoch(kr), .codec = in->codec, .plain_len = in->plain_len,
	    .padding = (uint32_t)pad};
	uint8_t *text = out + MF_SEAL_HEADER_BYTES;
	uint8_t aad[AAD_BYTES], key[MF_KEY_BYTES];
	enum mf_aead_result r;

	assert(in->body_len <= MF_SEAL_MAX_BODY && in->plain_len <= MF_SEAL_MAX_PLAIN);
	memcpy(h.nonce, nonce, aead->nonce_bytes);
	header_encode(&h, out);
	if (in->body_len > 0 && text != in->body && pad > 0)
		memcpy(text, in->body, in->body_len);
	if (pad > 0)
		memset(text + in->body_len, 0, pad);
	make_aad(kr, out, in->id, aad);
	object_key(mf_keyring_epoch_key(kr, h.epoch), in->type, in->id, key);
	r = aead->seal(&(struct mf_aead_text){.key = key, .nonce = h.nonce, .aad = aad,
			   .aad_len = sizeof aad, .in = pad > 0 ? text : in->body,
			   .in_len = in->body_len + pad},
	    text);
	sodium_memzero(key, sizeof key);
	if (r != MF_AEAD_OK)
		return mf_error_set(e, MF_EFAIL, "%s failed to encrypt a %s", aead->name,
		    mf_object_type_name(in->type));
	*out_len = MF_SEAL_OVERHEAD + in->body_len + pad;
	return 0;
}

int
mf_seal(const struct mf_keyring *kr, const struct mf_seal_input *in, uint8_t *out,
    size_t *out_len, struct mf_error *e)
{
	uint8_t nonce[24];

	randombytes_buf(nonce, sizeof nonce);
	return mf_seal_with_nonce(kr, in, nonce, out, out_len, e);
}

/* What can be refused before a key is touched. */
static int
check_header(const struct mf_keyring *kr, enum mf_object_type type,
    const struct mf_seal_header *h, size_t n, struct mf_error *e)
{
	if (n < MF_SEAL_OVERHEAD || h->padding > n - MF_SEAL_OVERHEAD)
		return mf_error_set(e, MF_EDAMAGED, "sealed object is truncated: %zu bytes", n);
	if (n - MF_SEAL_OVERHEAD - h->padding > MF_SEAL_MAX_BODY ||
	    h->padding > MF_SEAL_MAX_BODY)
		return mf_error_set(e, MF_EDAMAGED, "sealed object is too long: %zu bytes", n);
	if (h->type != type)
		return mf_error_set(e, MF_EDAMAGED, "sealed object is a %s where a %s should be",
		    mf_object_type_name(h->type), mf_object_type_name(type));
	if (h->cipher != mf_keyring_cipher(kr))
		return mf_error_set(e, MF_EDAMAGED, "sealed object uses %s in a repository of %s",
		    mf_cipher_name(h->cipher), mf_cipher_name(mf_keyring_cipher(kr)));
	return 0;
}

static int
no_epoch_key(const struct mf_keyring *kr, const struct mf_seal_header *h, struct mf_error *e)
{
	mf_error_set(e, MF_EKEY, "%s is sealed in epoch %lu, of which the newest key here is %lu",
	    mf_object_type_name(h->type), (unsigned long)h->epoch,
	    (unsigned long)mf_keyring_epoch(kr));
	return mf_error_hint(e, "the object is damaged, or the repository was given new keys "
			     "meanwhile: run the command again");
}

static int
below_floor(const struct mf_keyring *kr, const struct mf_seal_header *h, struct mf_error *e)
{
	mf_error_set(e, MF_EKEY,
	    "%s is sealed in epoch %lu; since the rekey only chunks may be older than epoch %lu",
	    mf_object_type_name(h->type), (unsigned long)h->epoch,
	    (unsigned long)mf_keyring_floor(kr));
	return mf_error_hint(e, "somebody who holds only the old keys wrote it, or put it back");
}

int
mf_open(const struct mf_keyring *kr, enum mf_object_type type, const struct mf_id *id,
    uint8_t *sealed, size_t n, struct mf_opened *out, struct mf_error *e)
{
	const struct mf_aead *aead = mf_aead_of(mf_keyring_cipher(kr));
	const uint8_t *epoch_key;
	uint8_t aad[AAD_BYTES], key[MF_KEY_BYTES];
	struct mf_seal_header h;
	enum mf_aead_result r;

	if (mf_seal_header_decode(sealed, n, &h, e) != 0 || check_header(kr, type, &h, n, e) != 0)
		return -1;
	if ((epoch_key = mf_keyring_epoch_key(kr, h.epoch)) == NULL)
		return no_epoch_key(kr, &h, e);
	make_aad(kr, sealed, id, aad);
	object_key(epoch_key, type, id, key);
	r = aead->open(&(struct mf_aead_text){.key = key, .nonce = h.nonce, .aad = aad,
			   .aad_len = sizeof aad, .in = sealed + MF_SEAL_HEADER_BYTES,
			   .in_len = n - MF_SEAL_HEADER_BYTES},
	    sealed + MF_SEAL_HEADER_BYTES);
	sodium_memzero(key, sizeof key);
	if (r == MF_AEAD_FAILED)
		return mf_error_set(e, MF_EFAIL, "%s failed to decrypt a %s", aead->name,
		    mf_object_type_name(type));
	if (r == MF_AEAD_FORGED)
		return mf_error_set(e, MF_EDAMAGED,
		    "%s fails its authentication: damaged, forged, or another object put in its "
		    "place", mf_object_type_name(type));
	if (type != MF_OBJECT_CHUNK && h.epoch < mf_keyring_floor(kr)) {
		sodium_memzero(sealed, n);
		return below_floor(kr, &h, e);
	}
	*out = (struct mf_opened){.header = h, .body = sealed + MF_SEAL_HEADER_BYTES,
	    .body_len = n - MF_SEAL_OVERHEAD - h.padding};
	return 0;
}
