/*
 * RSASSA-PKCS1-v1_5 with SHA-256, which JSON Web Signatures call RS256 (RFC 7518, section 3.3; RFC
 * 8017, section 8.2), by libcrypto: what token endpoints take as proof that one has a private key.
 * The repository's own signatures are another thing: sign.h.
 *
 * Pure, any thread.
 */
#ifndef MF_CRYPTO_RS256_H
#define MF_CRYPTO_RS256_H

#include <stddef.h>

#include "crypto/secret.h"
#include "src/base/buf.h"

#define MF_RS256_BITS_MIN 2048 /* of the modulus: RFC 7518 asks for it */
#define MF_RS256_BITS_MAX 16384

/* Append the signature of n bytes by the private key in pem, PKCS #8 or PKCS #1 without a
 * passphrase; a NUL behind it does no harm. origin names the key in messages. 0; -1 with MF_EPERM
 * where pem holds no such key, MF_EFAIL, MF_ENOMEM. */
int mf_rs256_sign(const struct mf_secret *pem, const char *origin, const void *bytes, size_t n,
    struct mf_buf *signature, struct mf_error *e);

#endif
