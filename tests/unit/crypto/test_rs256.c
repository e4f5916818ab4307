/* RS256: the signature of RFC 7515, appendix A.2, and keys that are none. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <sodium.h>

#include "crypto/rs256.h"
#include "tests/unit/crypto/rfc7515.h"

static const char input[] =
    "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNv"
    "bS9pc19yb290Ijp0cnVlfQ";
static const char expected[] =
    "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5ju"
    "jGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07"
    "Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipU"
    "TI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";

static int
sign(const char *pem, struct mf_buf *out, struct mf_error *e)
{
	struct mf_secret *key = mf_secret_of(pem, strlen(pem) + 1, NULL);
	int rc;

	assert_non_null(key);
	rc = mf_rs256_sign(key, "the test", input, strlen(input), out, e);
	mf_secret_free(key);
	return rc;
}

static void
vector(void **state)
{
	struct mf_buf out = MF_BUF_INIT;
	char text[512];

	(void)state;
	mf_buf_put(&out, "x", 1); /* it is appended */
	assert_int_equal(sign(rfc7515_pem, &out, NULL), 0);
	assert_int_equal(out.len, 1 + 256);
	assert_non_null(sodium_bin2base64(text, sizeof text, out.data + 1, out.len - 1,
	    sodium_base64_VARIANT_URLSAFE_NO_PADDING));
	assert_string_equal(text, expected);
	mf_buf_fini(&out);
}

static void
check_refused(const char *pem)
{
	struct mf_buf out = MF_BUF_INIT;
	struct mf_error e = {0};

	assert_int_equal(sign(pem, &out, &e), -1);
	assert_int_equal(e.code, MF_EPERM);
	assert_non_null(strstr(e.message, "the private key from the test is no RSA key"));
	assert_int_equal(out.len, 0);
	mf_buf_fini(&out);
}

/* key in PEM, with a passphrase or without; the caller's buffer. */
static const char *
pem_of(EVP_PKEY *key, bool locked, char *out, size_t bytes)
{
	BIO *bio = BIO_new(BIO_s_mem());
	int n;

	assert_non_null(key);
	assert_non_null(bio);
	assert_int_equal(PEM_write_bio_PKCS8PrivateKey(bio, key, locked ? EVP_aes_256_cbc() : NULL,
			     locked ? "secret" : NULL, locked ? 6 : 0, NULL, NULL),
	    1);
	n = BIO_read(bio, out, (int)bytes - 1);
	assert_true(n > 0);
	out[n] = '\0';
	(void)BIO_free(bio);
	EVP_PKEY_free(key);
	return out;
}

static void
no_keys(void **state)
{
	static char cut[sizeof rfc7515_pem];
	char pem[4096];

	(void)state;
	check_refused("no key");
	check_refused("-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n");
	memcpy(cut, rfc7515_pem, 600);
	check_refused(cut);
	check_refused(pem_of(EVP_RSA_gen(1024), false, pem, sizeof pem));
	check_refused(pem_of(EVP_EC_gen("P-256"), false, pem, sizeof pem));
	/* Nobody is asked for a passphrase. */
	check_refused(pem_of(EVP_RSA_gen(2048), true, pem, sizeof pem));
}

static int
start(void **state)
{
	(void)state;
	return mf_crypto_init(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(vector), cmocka_unit_test(no_keys)};

	return cmocka_run_group_tests_name("rs256", tests, start, NULL);
}
