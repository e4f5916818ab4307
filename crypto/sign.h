/*
 * Ed25519 signatures (RFC 8032): who made a version, who moved a ref. A signer holds a secret
 * key; a trust list holds the public keys that a reader accepts, each with a name and maybe
 * an expiry.
 *
 * Callers begin each signed message with a text that says what it is ("modelferry ref v1"),
 * so that no signature means two things. Both types are immutable once made: any thread.
 */
#ifndef MF_CRYPTO_SIGN_H
#define MF_CRYPTO_SIGN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto/secret.h"
#include "crypto/textkey.h"
#include "src/base/error.h"

#define MF_SIGN_PUBLIC_BYTES 32
#define MF_SIGN_BYTES 64
#define MF_SIGNING_LABEL "MODELFERRY-SIGNING-KEY-1"
#define MF_VERIFY_LABEL "MODELFERRY-VERIFY-KEY-1"

struct mf_signer;

/* A new random key, in memory only. */
struct mf_signer *mf_signer_generate(struct mf_error *e);
/* A file that mf_signer_save wrote. NULL with MF_EKEY where it is none. Blocking. */
struct mf_signer *mf_signer_load(const char *path, struct mf_error *e);
/* Into a new file of mode 0600; MF_EEXIST where path exists. Blocking. */
int mf_signer_save(const struct mf_signer *s, const char *path, struct mf_error *e);
void mf_signer_free(struct mf_signer *s);
const uint8_t *mf_signer_public(const struct mf_signer *s); /* view of MF_SIGN_PUBLIC_BYTES */
/* "MODELFERRY-VERIFY-KEY-1 BASE64": a line for a file of trusted keys. */
void mf_signer_public_text(const struct mf_signer *s, char out[MF_TEXTKEY_BYTES]);
void mf_sign(const struct mf_signer *s, const void *msg, size_t n, uint8_t sig[MF_SIGN_BYTES]);

/* Is sig the signature of msg by this public key? Says nothing about trust. */
bool mf_signature_fits(const uint8_t public[MF_SIGN_PUBLIC_BYTES], const void *msg, size_t n,
    const uint8_t sig[MF_SIGN_BYTES]);
/* Short name of a public key for messages and lists: the first 16 digits of its BLAKE2b-256. */
#define MF_SIGN_FINGERPRINT_BYTES 17
void mf_sign_fingerprint(const uint8_t public[MF_SIGN_PUBLIC_BYTES],
    char out[MF_SIGN_FINGERPRINT_BYTES]);

#endif
