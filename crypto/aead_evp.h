/* An AEAD of libcrypto with a 12-byte nonce and a 16-byte tag; for the variants of aead.h. */
#ifndef MF_CRYPTO_AEAD_EVP_H
#define MF_CRYPTO_AEAD_EVP_H

#include <openssl/evp.h>

#include "crypto/aead.h"

/* As mf_aead_seal and mf_aead_open (aead.h) ask of a variant: same bytes, same results. Any
 * thread; each call makes and frees its own context. */
enum mf_aead_result mf_aead_evp_seal(const EVP_CIPHER *cipher, const struct mf_aead_text *t,
    uint8_t *out);
/* The other way round; out is of no use where the tag is wrong. */
enum mf_aead_result mf_aead_evp_open(const EVP_CIPHER *cipher, const struct mf_aead_text *t,
    uint8_t *out);

#endif
