/* For tests with frozen vectors only: a nonce used twice under one key gives both up. */
#ifndef MF_CRYPTO_SEAL_INT_H
#define MF_CRYPTO_SEAL_INT_H

#include "crypto/seal.h"

/* mf_seal with this nonce (12 bytes of it for AES-256-GCM). */
int mf_seal_with_nonce(const struct mf_keyring *kr, const struct mf_seal_input *in,
    const uint8_t nonce[24], uint8_t *out, size_t *out_len, struct mf_error *e);

#endif
