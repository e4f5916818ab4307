#include "config.h"

#include "crypto/sign.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#include "src/base/hex.h"

struct mf_signer {
	struct mf_secret *seed;	  /* what the file holds */
	struct mf_secret *secret; /* libsodium's form: seed and public half */
	uint8_t public[MF_SIGN_PUBLIC_BYTES];
};

_Static_assert(MF_KEY_BYTES == crypto_sign_SEEDBYTES, "seed");
_Static_assert(MF_SIGN_BYTES == crypto_sign_BYTES, "signature");
_Static_assert(MF_SIGN_PUBLIC_BYTES == crypto_sign_PUBLICKEYBYTES, "public half");

/* Takes seed, also on failure; NULL passes through. */
static struct mf_signer *
signer_take(struct mf_secret *seed, struct mf_error *e)
{
	struct mf_signer *s;

	if (seed == NULL)
		return NULL;
	if ((s = calloc(1, sizeof *s)) == NULL) {
		mf_error_nomem(e, "a signing key");
		mf_secret_free(seed);
		return NULL;
	}
	s->seed = seed;
	if ((s->secret = mf_secret_new(crypto_sign_SECRETKEYBYTES, e)) == NULL) {
		mf_signer_free(s);
		return NULL;
	}
	crypto_sign_seed_keypair(s->public, mf_secret_bytes(s->secret), mf_secret_view(seed));
	return s;
}

struct mf_signer *
mf_signer_generate(struct mf_error *e)
{
	return signer_take(mf_secret_random(MF_KEY_BYTES, e), e);
}

struct mf_signer *
mf_signer_load(const char *path, struct mf_error *e)
{
	return signer_take(mf_textkey_load(path, MF_SIGNING_LABEL, "signing key file", e), e);
}

int
mf_signer_save(const struct mf_signer *s, const char *path, struct mf_error *e)
{
	char comment[MF_TEXTKEY_BYTES + 128], public[MF_TEXTKEY_BYTES];

	mf_signer_public_text(s, public);
	snprintf(comment, sizeof comment,
	    "# modelferry signing key: keep this file secret. Its line for trusted keys:\n# %s\n",
	    public);
	return mf_textkey_save(path, comment, MF_SIGNING_LABEL, mf_secret_view(s->seed),
	    "signing key file", e);
}

void
mf_signer_free(struct mf_signer *s)
{
	if (s == NULL)
		return;
	mf_secret_free(s->seed);
	mf_secret_free(s->secret);
	free(s);
}

const uint8_t *
mf_signer_public(const struct mf_signer *s)
{
	return s->public;
}

void
mf_signer_public_text(const struct mf_signer *s, char out[MF_TEXTKEY_BYTES])
{
	mf_textkey_format(MF_VERIFY_LABEL, s->public, out);
}

void
mf_sign(const struct mf_signer *s, const void *msg, size_t n, uint8_t sig[MF_SIGN_BYTES])
{
	crypto_sign_detached(sig, NULL, msg, n, mf_secret_view(s->secret));
}

bool
mf_signature_fits(const uint8_t public[MF_SIGN_PUBLIC_BYTES], const void *msg, size_t n,
    const uint8_t sig[MF_SIGN_BYTES])
{
	return crypto_sign_verify_detached(sig, msg, n, public) == 0;
}

void
mf_sign_fingerprint(const uint8_t public[MF_SIGN_PUBLIC_BYTES],
    char out[MF_SIGN_FINGERPRINT_BYTES])
{
	uint8_t hash[32];

	crypto_generichash(hash, sizeof hash, public, MF_SIGN_PUBLIC_BYTES, NULL, 0);
	mf_hex_encode(out, hash, (MF_SIGN_FINGERPRINT_BYTES - 1) / 2);
}
