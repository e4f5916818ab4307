/* AES-256-GCM by libcrypto, which has it in software too: no machine is locked out. */
#include "config.h"

#include "crypto/aead_evp.h"

static enum mf_aead_result
aes_seal(const struct mf_aead_text *t, uint8_t *out)
{
	return mf_aead_evp_seal(EVP_aes_256_gcm(), t, out);
}

static enum mf_aead_result
aes_open(const struct mf_aead_text *t, uint8_t *out)
{
	return mf_aead_evp_open(EVP_aes_256_gcm(), t, out);
}

const struct mf_aead mf_aead_aesgcm = {"aes-256-gcm (libcrypto)", 12, aes_seal, aes_open};
