/* Signatures over a domain string and bytes. */
#ifndef MF_REPO_SIGNING_INT_H
#define MF_REPO_SIGNING_INT_H

#include "crypto/sign.h"
#include "crypto/trust.h"
#include "src/base/error.h"

int mf_signing_sign(const struct mf_signer *s, const char *domain, const void *bytes, size_t n,
    uint8_t signature[MF_SIGN_BYTES], struct mf_error *e);
/* MF_EKEY: an unknown or expired signer, or a signature that does not fit. */
int mf_signing_verify(const struct mf_trust *trust, const uint8_t signer[MF_SIGN_PUBLIC_BYTES],
    const char *domain, const void *bytes, size_t n, const uint8_t signature[MF_SIGN_BYTES],
    int64_t now_us, struct mf_error *e);

#endif
