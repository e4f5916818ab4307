#include "config.h"

#include "crypto/digest.h"

#include <sodium.h>

static void
sodium_digest(const void *bytes, size_t n, uint8_t out[MF_SHA256_BYTES])
{
	(void)crypto_hash_sha256(out, bytes, n);
}

const struct mf_sha256_row mf_sha256_sodium = {"sha256 (libsodium)", sodium_digest};

void
mf_sha256(const void *bytes, size_t n, uint8_t out[MF_SHA256_BYTES])
{
	mf_sha256_together.digest(bytes, n, out);
}

void
mf_hmac_sha256(const void *key, size_t key_len, const void *bytes, size_t n,
    uint8_t out[MF_SHA256_BYTES])
{
	crypto_auth_hmacsha256_state s;

	crypto_auth_hmacsha256_init(&s, key, key_len);
	crypto_auth_hmacsha256_update(&s, bytes, n);
	crypto_auth_hmacsha256_final(&s, out);
	sodium_memzero(&s, sizeof s);
}
