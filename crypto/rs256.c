#include "config.h"

#include "crypto/rs256.h"

#include <limits.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

/* A passphrase is never asked for. */
static int
no_passphrase(char *out, int bytes, int writing, void *arg)
{
	(void)out;
	(void)bytes;
	(void)writing;
	(void)arg;
	return -1;
}

static EVP_PKEY *
read_key(const struct mf_secret *pem, const char *origin, struct mf_error *e)
{
	EVP_PKEY *key;
	BIO *bio;

	if (mf_secret_len(pem) > INT_MAX ||
	    (bio = BIO_new_mem_buf(mf_secret_view(pem), (int)mf_secret_len(pem))) == NULL) {
		mf_error_nomem(e, "a signature");
		return NULL;
	}
	key = PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL);
	(void)BIO_free(bio);
	ERR_clear_error();
	if (key != NULL && EVP_PKEY_base_id(key) == EVP_PKEY_RSA &&
	    EVP_PKEY_bits(key) >= MF_RS256_BITS_MIN && EVP_PKEY_bits(key) <= MF_RS256_BITS_MAX)
		return key;
	EVP_PKEY_free(key);
	mf_error_set(e, MF_EPERM, "the private key from %s is no RSA key of %d bits or more in PEM",
	    origin, MF_RS256_BITS_MIN);
	return NULL;
}

/* 0, -1: libcrypto failed. */
static int
sign(EVP_MD_CTX *ctx, EVP_PKEY *key, const void *bytes, size_t n, struct mf_buf *signature)
{
	EVP_PKEY_CTX *how;
	size_t len = 0;

	if (EVP_DigestSignInit(ctx, &how, EVP_sha256(), NULL, key) != 1 ||
	    EVP_PKEY_CTX_set_rsa_padding(how, RSA_PKCS1_PADDING) != 1 ||
	    EVP_DigestSign(ctx, NULL, &len, bytes, n) != 1 || mf_buf_reserve(signature, len) != 0 ||
	    EVP_DigestSign(ctx, signature->data + signature->len, &len, bytes, n) != 1)
		return -1;
	signature->len += len;
	return 0;
}

int
mf_rs256_sign(const struct mf_secret *pem, const char *origin, const void *bytes, size_t n,
    struct mf_buf *signature, struct mf_error *e)
{
	EVP_PKEY *key = read_key(pem, origin, e);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	int rc = -1;

	if (key == NULL)
		goto out;
	if (ctx == NULL)
		mf_error_nomem(e, "a signature");
	else if (sign(ctx, key, bytes, n, signature) != 0)
		mf_error_set(e, MF_EFAIL, "libcrypto failed to sign with the key from %s", origin);
	else
		rc = 0;
	ERR_clear_error();
out:
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(key);
	return rc;
}
