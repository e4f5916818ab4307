/* Credential files of Google Cloud, and what token endpoints answer, as anybody may write them. */
#include "config.h"

#include "crypto/secret.h"
#include "src/net/url.h"
#include "tests/fuzz/fuzz_check.h"
#include "transfers/gcs_file.h"
#include "transfers/gcs_token.h"

/* Secrets go to no URL that is neither https nor this machine's. */
static void
require_safe(const char *url)
{
	struct mf_url u;

	fuzz_require(mf_url_parse(&u, url, NULL) == 0);
	fuzz_require(u.tls || mf_url_is_loopback(&u));
	mf_url_fini(&u);
}

static void
read_file(const uint8_t *data, size_t n)
{
	struct mf_gcs_file f;
	struct mf_error e = {0};

	if (mf_gcs_file_parse(data, n, "the file", &f, &e) != 0) {
		fuzz_require_error(&e);
		return;
	}
	require_safe(f.token_url);
	if (f.type == MF_GCS_EXTERNAL_ACCOUNT) {
		fuzz_require((f.external.path == NULL) != (f.external.url == NULL));
		if (f.external.impersonation != NULL)
			require_safe(f.external.impersonation);
	}
	mf_gcs_file_fini(&f);
}

static void
check_token(struct mf_s3_credentials *c, const struct mf_error *e)
{
	const char *at;

	if (c == NULL) {
		fuzz_require_error(e);
		return;
	}
	fuzz_require(mf_s3_credentials_key_id(c) == NULL);
	at = mf_s3_credentials_token(c);
	for (fuzz_require(*at != '\0'); *at != '\0'; at++)
		fuzz_require((unsigned char)*at > 0x20 && *at != 0x7f);
	mf_s3_credentials_unref(c);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct mf_error e = {0};

	fuzz_require(mf_crypto_init(NULL) == 0);
	if (n == 0 || n > 8192)
		return 0;
	read_file(data, n);
	check_token(mf_gcs_token_parse(data, n, 1772368496, "the fuzzer", &e), &e);
	mf_error_clear(&e);
	check_token(mf_gcs_impersonated_parse(data, n, "the fuzzer", &e), &e);
	mf_error_clear(&e);
	fuzz_require(mf_gcs_token_refused("the fuzzer", 400, data, n, &e) == -1);
	fuzz_require_error(&e);
	return 0;
}
