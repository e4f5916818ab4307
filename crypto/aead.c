#include "config.h"

#include "crypto/aead.h"

#include <sodium.h>

_Static_assert(crypto_aead_xchacha20poly1305_ietf_ABYTES == MF_AEAD_TAG_BYTES, "tag");
_Static_assert(crypto_aead_xchacha20poly1305_ietf_NPUBBYTES == MF_AEAD_MAX_NONCE_BYTES, "nonce");

const struct mf_aead *
mf_aead_of(enum mf_cipher cipher)
{
	return cipher == MF_CIPHER_AES256_GCM ? &mf_aead_aesgcm : &mf_aead_xchacha_evp;
}
