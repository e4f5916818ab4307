/*
 * XChaCha20-Poly1305 as HChaCha20 (libsodium) and ChaCha20-Poly1305 (libcrypto): the key is
 * HChaCha20(key, first 16 bytes of the nonce), the nonce is 4 zero bytes and the last 8
 * (draft-irtf-cfrg-xchacha-03, section 2.3).
 */
#include "config.h"

#include <sodium.h>
#include <string.h>

#include "crypto/aead_evp.h"

struct inner {
	uint8_t key[crypto_core_hchacha20_OUTPUTBYTES];
	uint8_t nonce[12];
};

static struct mf_aead_text
inner_text(const struct mf_aead_text *t, struct inner *in)
{
	struct mf_aead_text u = *t;

	crypto_core_hchacha20(in->key, t->nonce, t->key, NULL);
	memset(in->nonce, 0, 4);
	memcpy(in->nonce + 4, t->nonce + crypto_core_hchacha20_INPUTBYTES, 8);
	u.key = in->key;
	u.nonce = in->nonce;
	return u;
}

static enum mf_aead_result
xchacha_seal(const struct mf_aead_text *t, uint8_t *out)
{
	struct inner in;
	const struct mf_aead_text u = inner_text(t, &in);
	const enum mf_aead_result r = mf_aead_evp_seal(EVP_chacha20_poly1305(), &u, out);

	sodium_memzero(&in, sizeof in);
	return r;
}

static enum mf_aead_result
xchacha_open(const struct mf_aead_text *t, uint8_t *out)
{
	struct inner in;
	const struct mf_aead_text u = inner_text(t, &in);
	const enum mf_aead_result r = mf_aead_evp_open(EVP_chacha20_poly1305(), &u, out);

	sodium_memzero(&in, sizeof in);
	return r;
}

const struct mf_aead mf_aead_xchacha_evp = {
    "xchacha20-poly1305 (libcrypto)", 24, xchacha_seal, xchacha_open};
