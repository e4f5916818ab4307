/*
 * Authenticated encryption, one implementation behind a row of function pointers. A variant
 * is a file: aead_xchacha_sodium.c is the reference, aead_xchacha_evp.c computes the same
 * bytes about 2.5 times as fast through libcrypto, aead_aesgcm.c is AES-256-GCM. Rows are
 * constant; every call stands alone, so any thread may use any row.
 *
 * XChaCha20-Poly1305-IETF: draft-irtf-cfrg-xchacha-03, over RFC 8439. AES-256-GCM: NIST SP
 * 800-38D with a 12-byte nonce.
 */
#ifndef MF_CRYPTO_AEAD_H
#define MF_CRYPTO_AEAD_H

#include <stddef.h>
#include <stdint.h>

#include "crypto/keyring.h"

#define MF_AEAD_KEY_BYTES 32
#define MF_AEAD_TAG_BYTES 16
#define MF_AEAD_MAX_NONCE_BYTES 24

enum mf_aead_result {
	MF_AEAD_OK = 0,
	MF_AEAD_FORGED = 1,  /* open only: the tag does not fit; out holds nothing of use */
	MF_AEAD_FAILED = -1, /* the library failed, for want of memory as a rule */
};

struct mf_aead_text {
	const uint8_t *key;   /* MF_AEAD_KEY_BYTES */
	const uint8_t *nonce; /* nonce_bytes of the row */
	const uint8_t *aad;
	size_t aad_len;
	const uint8_t *in;
	size_t in_len; /* at most 1 GiB */
};

struct mf_aead {
	const char *name;
	size_t nonce_bytes;
	/* in_len + MF_AEAD_TAG_BYTES bytes into out, which may be in but not overlap it else. */
	enum mf_aead_result (*seal)(const struct mf_aead_text *t, uint8_t *out);
	/* The last MF_AEAD_TAG_BYTES of in are the tag (in_len counts them); in_len -
	 * MF_AEAD_TAG_BYTES bytes into out, which may be in. Forged text leaves out wiped. */
	enum mf_aead_result (*open)(const struct mf_aead_text *t, uint8_t *out);
};

extern const struct mf_aead mf_aead_xchacha_sodium;
extern const struct mf_aead mf_aead_xchacha_evp;
extern const struct mf_aead mf_aead_aesgcm;

/* The fastest row of a cipher. */
const struct mf_aead *mf_aead_of(enum mf_cipher cipher);

#endif
