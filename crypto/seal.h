/*
 * The sealed object, the form in which everything but configurations and marks is stored:
 * a header of 48 bytes, the encrypted body and padding, a tag of 16 bytes. The header and
 * the object's id are authenticated, so that no object can stand in for another. Byte by
 * byte in modelferry-repository(5), SEALED OBJECTS.
 *
 * Pure functions of their arguments and of random nonces. Any thread.
 */
#ifndef MF_CRYPTO_SEAL_H
#define MF_CRYPTO_SEAL_H

#include <stddef.h>
#include <stdint.h>

#include "crypto/id.h"
#include "crypto/keyring.h"
#include "src/base/error.h"

#define MF_SEAL_HEADER_BYTES 48
#define MF_SEAL_TAG_BYTES 16
#define MF_SEAL_OVERHEAD (MF_SEAL_HEADER_BYTES + MF_SEAL_TAG_BYTES)
#define MF_SEAL_MAX_PLAIN (16u << 20)
/* Bodies are what a codec made of the plaintext; none may grow past this. */
#define MF_SEAL_MAX_BODY (MF_SEAL_MAX_PLAIN + (1u << 16))

struct mf_seal_header {
	enum mf_object_type type;
	enum mf_cipher cipher;
	uint32_t epoch;
	uint32_t codec;	    /* how to make the plaintext of the body: src/codec/codec.h */
	uint32_t plain_len; /* bytes of the plaintext, before the codec */
	uint32_t padding;   /* bytes behind the body, inside the ciphertext */
	uint8_t nonce[24];
};

struct mf_seal_input {
	enum mf_object_type type;
	uint32_t codec;
	uint32_t plain_len;
	const struct mf_id *id;
	const uint8_t *body;
	size_t body_len;
};

struct mf_opened {
	struct mf_seal_header header;
	uint8_t *body; /* view into the buffer that was opened */
	size_t body_len;
};

/* Bytes of the sealed object that holds a body of body_len bytes. */
size_t mf_seal_len(const struct mf_keyring *kr, size_t body_len);
/* Padding behind a body of body_len bytes: 0, or what PADME adds (at most 12 %). */
size_t mf_seal_pad_len(const struct mf_keyring *kr, size_t body_len);

/* Seal under the current epoch with a fresh random nonce. out takes mf_seal_len bytes;
 * in->body may be out + MF_SEAL_HEADER_BYTES (then no byte is copied), and must not overlap
 * out otherwise. 0, or -1: MF_EFAIL, out of memory in the library. */
int mf_seal(const struct mf_keyring *kr, const struct mf_seal_input *in, uint8_t *out,
    size_t *out_len, struct mf_error *e);

/* Open n bytes that should be the object (type, id); decrypted in place. -1 and MF_EDAMAGED
 * for anything that is not exactly what was sealed as that object in that repository;
 * MF_EKEY for an epoch that this key ring has no key of, and for an object other than a chunk
 * that is genuine but of an epoch before the floor. After a failure the buffer holds nothing
 * of use. */
int mf_open(const struct mf_keyring *kr, enum mf_object_type type, const struct mf_id *id,
    uint8_t *sealed, size_t n, struct mf_opened *out, struct mf_error *e);

/* Read the header alone, for tools that sort objects (reseal, stats) before they fetch them
 * whole. Nothing of it is authenticated. n is what there is, at least MF_SEAL_HEADER_BYTES of
 * a whole object; *h is set only on success, else -1 with MF_EDAMAGED. */
int mf_seal_header_decode(const uint8_t *bytes, size_t n, struct mf_seal_header *h,
    struct mf_error *e);

#endif
