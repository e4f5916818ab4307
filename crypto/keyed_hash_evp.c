/* BLAKE2b-256 with a key through libcrypto (EVP_MAC-BLAKE2BMAC(7)). */
#include "config.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <pthread.h>

#include "crypto/keyed_hash.h"

static EVP_MAC *blake2b; /* NULL: it is not to be had, as in FIPS mode */
static pthread_once_t fetched = PTHREAD_ONCE_INIT;

/* Once: to look it up by its name takes locks. It is kept until the end. */
static void
fetch(void)
{
	blake2b = EVP_MAC_fetch(NULL, "BLAKE2BMAC", NULL);
}

static int
hash_with(EVP_MAC_CTX *ctx, const uint8_t *key, const void *bytes, size_t n, uint8_t *out)
{
	size_t size = MF_KEYED_HASH_BYTES, len = 0;
	const OSSL_PARAM params[] = {
	    OSSL_PARAM_construct_size_t(OSSL_MAC_PARAM_SIZE, &size), OSSL_PARAM_construct_end()};

	return EVP_MAC_init(ctx, key, MF_KEYED_HASH_KEY_BYTES, params) == 1 &&
	       EVP_MAC_update(ctx, bytes, n) == 1 &&
	       EVP_MAC_final(ctx, out, &len, MF_KEYED_HASH_BYTES) == 1 &&
	       len == MF_KEYED_HASH_BYTES;
}

/* A context per call costs about a microsecond, a chunk some milliseconds. Where it cannot be made
 * the reference does the work. EVP_MAC_CTX_free wipes the key. */
static void
evp_hash(const uint8_t key[MF_KEYED_HASH_KEY_BYTES], const void *bytes, size_t n,
    uint8_t out[MF_KEYED_HASH_BYTES])
{
	EVP_MAC_CTX *ctx;
	int ok;

	(void)pthread_once(&fetched, fetch);
	ctx = blake2b != NULL ? EVP_MAC_CTX_new(blake2b) : NULL;
	ok = ctx != NULL && hash_with(ctx, key, bytes, n, out);
	EVP_MAC_CTX_free(ctx);
	if (!ok)
		mf_keyed_hash_sodium.hash(key, bytes, n, out);
}

const struct mf_keyed_hash_row mf_keyed_hash_evp = {"BLAKE2b (libcrypto)", evp_hash};
