/* XChaCha20-Poly1305-IETF by libsodium: the reference. */
#include "config.h"

#include <sodium.h>

#include "crypto/aead.h"

static enum mf_aead_result
xchacha_seal(const struct mf_aead_text *t, uint8_t *out)
{
	unsigned long long n;

	crypto_aead_xchacha20poly1305_ietf_encrypt(out, &n, t->in, t->in_len, t->aad, t->aad_len,
	    NULL, t->nonce, t->key);
	return MF_AEAD_OK;
}

static enum mf_aead_result
xchacha_open(const struct mf_aead_text *t, uint8_t *out)
{
	unsigned long long n;

	if (crypto_aead_xchacha20poly1305_ietf_decrypt(out, &n, NULL, t->in, t->in_len, t->aad,
		t->aad_len, t->nonce, t->key) != 0)
		return MF_AEAD_FORGED;
	return MF_AEAD_OK;
}

const struct mf_aead mf_aead_xchacha_sodium = {
    "xchacha20-poly1305 (libsodium)", 24, xchacha_seal, xchacha_open};
