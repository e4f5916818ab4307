/* SHA-256 and MD5 through libcrypto, which uses the processor's instructions for them. */
#include "config.h"

#include <openssl/evp.h>
#include <stdlib.h>

#include "crypto/digest.h"

static void
evp_digest(const void *bytes, size_t n, uint8_t out[MF_SHA256_BYTES])
{
	/* It allocates inside: where that fails the reference does not. */
	if (EVP_Digest(bytes, n, out, NULL, EVP_sha256(), NULL) != 1)
		mf_sha256_sodium.digest(bytes, n, out);
}

const struct mf_sha256_row mf_sha256_evp = {"sha256 (libcrypto)", evp_digest};

struct mf_md5 {
	EVP_MD_CTX *ctx;
	int failed;
};

struct mf_md5 *
mf_md5_new(struct mf_error *e)
{
	struct mf_md5 *m = malloc(sizeof *m);

	if (m == NULL || (m->ctx = EVP_MD_CTX_new()) == NULL) {
		free(m);
		mf_error_nomem(e, "an MD5 digest");
		return NULL;
	}
	m->failed = 0;
	if (EVP_DigestInit_ex(m->ctx, EVP_md5(), NULL) != 1) {
		mf_md5_free(m);
		mf_error_set(e, MF_EUNSUPPORTED, "MD5 is not available on this system");
		mf_error_hint(e, "its libcrypto seems to run in FIPS mode");
		return NULL;
	}
	return m;
}

void
mf_md5_update(struct mf_md5 *m, const void *bytes, size_t n)
{
	if (EVP_DigestUpdate(m->ctx, bytes, n) != 1)
		m->failed = 1;
}

int
mf_md5_final(struct mf_md5 *m, uint8_t out[MF_MD5_BYTES], struct mf_error *e)
{
	int failed = m->failed;

	failed |= EVP_DigestFinal_ex(m->ctx, out, NULL) != 1;
	m->failed = EVP_DigestInit_ex(m->ctx, EVP_md5(), NULL) != 1;
	return failed ? mf_error_set(e, MF_EFAIL, "libcrypto failed to compute an MD5 digest") : 0;
}

void
mf_md5_free(struct mf_md5 *m)
{
	if (m == NULL)
		return;
	EVP_MD_CTX_free(m->ctx);
	free(m);
}
