/* SHA-256 through libcrypto, which uses the processor's instructions for it. */
#include "config.h"

#include <openssl/evp.h>
#include <pthread.h>
#include <stdlib.h>

#include "crypto/digest.h"

static pthread_once_t once = PTHREAD_ONCE_INIT;
static const EVP_MD *sha256;

/* EVP_sha256 is but a name, which each digest looks up again: a third of what a short one takes. */
static void
fetch(void)
{
	sha256 = EVP_MD_fetch(NULL, "SHA256", NULL); /* for as long as the process lives */
	if (sha256 == NULL)
		sha256 = EVP_sha256();
}

static void
evp_digest(const void *bytes, size_t n, uint8_t out[MF_SHA256_BYTES])
{
	(void)pthread_once(&once, fetch);
	/* It allocates inside: where that fails the reference does not. */
	if (EVP_Digest(bytes, n, out, NULL, sha256, NULL) != 1)
		mf_sha256_sodium.digest(bytes, n, out);
}

const struct mf_sha256_row mf_sha256_evp = {"sha256 (libcrypto)", evp_digest};

/* ---- of what comes bit by bit ---- */

struct sum {
	EVP_MD_CTX *ctx;
	const EVP_MD *type;
	int failed;
};

/* 0; 1: the system's policy forbids it; -1. */
static int
begin(struct sum *s, const EVP_MD *type)
{
	if ((s->ctx = EVP_MD_CTX_new()) == NULL)
		return -1;
	s->type = type;
	s->failed = 0;
	return EVP_DigestInit_ex(s->ctx, type, NULL) != 1;
}

static void
update(struct sum *s, const void *bytes, size_t n)
{
	if (EVP_DigestUpdate(s->ctx, bytes, n) != 1)
		s->failed = 1;
}

static int
final(struct sum *s, uint8_t *out, const char *name, struct mf_error *e)
{
	int failed = s->failed;

	failed |= EVP_DigestFinal_ex(s->ctx, out, NULL) != 1;
	s->failed = EVP_DigestInit_ex(s->ctx, s->type, NULL) != 1;
	return failed ? mf_error_set(e, MF_EFAIL, "libcrypto failed to compute %s digest", name)
		      : 0;
}

struct mf_sha256_sum {
	struct sum sum;
};

struct mf_sha256_sum *
mf_sha256_new(struct mf_error *e)
{
	struct mf_sha256_sum *s = calloc(1, sizeof *s);

	if (s != NULL && begin(&s->sum, EVP_sha256()) == 0)
		return s;
	mf_sha256_free(s);
	mf_error_nomem(e, "a SHA-256 digest");
	return NULL;
}

void
mf_sha256_update(struct mf_sha256_sum *s, const void *bytes, size_t n)
{
	update(&s->sum, bytes, n);
}

int
mf_sha256_final(struct mf_sha256_sum *s, uint8_t out[MF_SHA256_BYTES], struct mf_error *e)
{
	return final(&s->sum, out, "a SHA-256", e);
}

void
mf_sha256_free(struct mf_sha256_sum *s)
{
	if (s == NULL)
		return;
	EVP_MD_CTX_free(s->sum.ctx);
	free(s);
}
