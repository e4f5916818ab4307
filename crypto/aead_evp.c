#include "config.h"

#include "crypto/aead_evp.h"

#include <assert.h>
#include <limits.h>
#include <openssl/crypto.h>

#define TAG MF_AEAD_TAG_BYTES

/* A context per call costs about a microsecond, a chunk two milliseconds. EVP_CIPHER_CTX_free
 * wipes the key that it held. */
enum mf_aead_result
mf_aead_evp_seal(const EVP_CIPHER *cipher, const struct mf_aead_text *t, uint8_t *out)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int n = 0, rest = 0, ok;

	assert(t->in_len <= INT_MAX / 2 && t->aad_len <= INT_MAX / 2);
	ok = ctx != NULL && EVP_EncryptInit_ex(ctx, cipher, NULL, t->key, t->nonce) == 1 &&
	    EVP_EncryptUpdate(ctx, NULL, &n, t->aad, (int)t->aad_len) == 1;
	n = 0;
	if (ok && t->in_len > 0)
		ok = EVP_EncryptUpdate(ctx, out, &n, t->in, (int)t->in_len) == 1;
	ok = ok && EVP_EncryptFinal_ex(ctx, out + n, &rest) == 1 &&
	    (size_t)n + (size_t)rest == t->in_len &&
	    EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, TAG, out + t->in_len) == 1;
	EVP_CIPHER_CTX_free(ctx);
	return ok ? MF_AEAD_OK : MF_AEAD_FAILED;
}

enum mf_aead_result
mf_aead_evp_open(const EVP_CIPHER *cipher, const struct mf_aead_text *t, uint8_t *out)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	uint8_t tag[TAG];
	size_t len, i;
	int n = 0, rest = 0, ok, fits = 0;

	assert(t->in_len >= TAG && t->in_len <= INT_MAX / 2 && t->aad_len <= INT_MAX / 2);
	len = t->in_len - TAG;
	for (i = 0; i < TAG; i++)
		tag[i] = t->in[len + i];
	ok = ctx != NULL && EVP_DecryptInit_ex(ctx, cipher, NULL, t->key, t->nonce) == 1 &&
	    EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, TAG, tag) == 1 &&
	    EVP_DecryptUpdate(ctx, NULL, &n, t->aad, (int)t->aad_len) == 1;
	n = 0;
	if (ok && len > 0)
		ok = EVP_DecryptUpdate(ctx, out, &n, t->in, (int)len) == 1;
	if (ok)
		fits = EVP_DecryptFinal_ex(ctx, out + n, &rest) == 1;
	EVP_CIPHER_CTX_free(ctx);
	if (ok && fits)
		return MF_AEAD_OK;
	OPENSSL_cleanse(out, len);
	return ok ? MF_AEAD_FORGED : MF_AEAD_FAILED;
}
