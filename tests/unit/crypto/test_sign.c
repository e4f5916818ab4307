#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crypto/sign.h"
#include "crypto/trust.h"
#include "src/base/hex.h"
#include "src/base/units.h"

static char dir[] = "/tmp/mf-sign-XXXXXX";
static char path[64];

static struct mf_trust *
trust_of(const char *text, struct mf_error *e)
{
	return mf_trust_parse(text, strlen(text), "trusted.txt", e);
}

static void
keys_are_saved_and_loaded(void **state)
{
	struct mf_signer *a = mf_signer_generate(NULL), *b;
	uint8_t sig[MF_SIGN_BYTES];
	struct mf_error e = {0};
	struct stat st;

	(void)state;
	snprintf(path, sizeof path, "%s/key", dir);
	assert_int_equal(mf_signer_save(a, path, &e), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(mf_signer_save(a, path, &e), -1);
	assert_int_equal(e.code, MF_EEXIST);
	b = mf_signer_load(path, &e);
	assert_non_null(b);
	assert_memory_equal(mf_signer_public(a), mf_signer_public(b), 32);
	mf_sign(b, "msg", 3, sig);
	assert_true(mf_signature_fits(mf_signer_public(a), "msg", 3, sig));
	assert_false(mf_signature_fits(mf_signer_public(a), "msG", 3, sig));
	mf_signer_free(a);
	mf_signer_free(b);
	mf_signer_free(NULL);
	unlink(path);
	assert_null(mf_signer_load(path, &e));
	assert_int_equal(e.code, MF_EKEY);
}

/* RFC 8032, 7.1, test 2 */
static void
signatures_are_ed25519(void **state)
{
	uint8_t seed[32], sig[64];
	char hex[129], line[MF_TEXTKEY_BYTES];
	struct mf_signer *s;
	FILE *f;

	(void)state;
	mf_hex_decode(seed, 32, "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb");
	mf_textkey_format(MF_SIGNING_LABEL, seed, line);
	snprintf(path, sizeof path, "%s/rfc", dir);
	f = fopen(path, "w");
	fprintf(f, "%s\n", line);
	fclose(f);
	s = mf_signer_load(path, NULL);
	assert_non_null(s);
	mf_hex_encode(hex, mf_signer_public(s), 32);
	assert_string_equal(hex,
	    "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c");
	mf_sign(s, "\x72", 1, sig);
	mf_hex_encode(hex, sig, 64);
	assert_string_equal(hex, "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
				 "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00");
	mf_signer_free(s);
	unlink(path);
}

static void
trust_is_by_key_and_time(void **state)
{
	struct mf_signer *ann = mf_signer_generate(NULL), *bob = mf_signer_generate(NULL),
			 *eve = mf_signer_generate(NULL);
	char a[MF_TEXTKEY_BYTES], b[MF_TEXTKEY_BYTES], text[512];
	uint8_t sig[MF_SIGN_BYTES];
	struct mf_error e = {0};
	struct mf_trust *t;
	int64_t end;

	(void)state;
	mf_signer_public_text(ann, a);
	mf_signer_public_text(bob, b);
	snprintf(text, sizeof text, "# ours\n\n%s Ann of training\r\n%s valid-until=2026-01-31T12:00:00Z "
	    "Bob\n", a, b);
	t = trust_of(text, &e);
	assert_non_null(t);
	assert_int_equal(mf_trust_keys(t), 2);
	assert_string_equal(mf_trust_name(t, mf_signer_public(ann)), "Ann of training");
	assert_string_equal(mf_trust_name(t, mf_signer_public(bob)), "Bob");
	assert_null(mf_trust_name(t, mf_signer_public(eve)));
	assert_int_equal(mf_parse_time("2026-01-31T12:00:00Z", &end, NULL), 0);

	mf_sign(ann, "m", 1, sig);
	assert_int_equal(mf_trust_verify(t, mf_signer_public(ann), "m", 1, sig, INT64_MAX, &e), 0);
	assert_int_equal(mf_trust_verify(t, mf_signer_public(ann), "n", 1, sig, 0, &e), -1);
	assert_int_equal(e.code, MF_EKEY);
	assert_non_null(strstr(e.message, "Ann"));
	mf_sign(bob, "m", 1, sig);
	assert_int_equal(mf_trust_verify(t, mf_signer_public(bob), "m", 1, sig, end, &e), 0);
	assert_int_equal(mf_trust_verify(t, mf_signer_public(bob), "m", 1, sig, end + 1, &e), -1);
	assert_int_equal(e.code, MF_EKEY);
	assert_non_null(strstr(e.message, "\"Bob\""));
	assert_non_null(strstr(e.message, "2026-01-31T12:00:00Z"));
	mf_sign(eve, "m", 1, sig);
	assert_int_equal(mf_trust_verify(t, mf_signer_public(eve), "m", 1, sig, 0, &e), -1);
	assert_int_equal(e.code, MF_EKEY);
	assert_non_null(strstr(e.message, "not in trusted.txt"));
	mf_trust_free(t);
	mf_signer_free(ann);
	mf_signer_free(bob);
	mf_signer_free(eve);
}

static void
bad_lines_are_named(void **state)
{
#define K "MODELFERRY-VERIFY-KEY-1 AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE="
	static const struct {
		const char *text, *says;
	} cases[] = {{"", "holds no key"}, {"# nothing\n", "holds no key"}, {"\nhello\n", "line 2"},
	    {"MODELFERRY-VERIFY-KEY-1\n", "line 1"}, {"MODELFERRY-VERIFY-KEY-1 AQEB\n", "base64"},
	    {K "\n" K " again\n", "line 2: same key as in line 1"},
	    {K " valid-until=tomorrow\n", "valid-until must be"},
	    {K " valid-until=\n", "valid-until must be"},
	    {K " valid-untill=2026-01-31T12:00:00Z\n", "unknown \"valid-untill"},
	    {"MODELFERRY-SIGNING-KEY-1 AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=\n", "line 1"}};
	struct mf_error e;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		mf_error_clear(&e);
		assert_null(trust_of(cases[i].text, &e));
		assert_int_equal(e.code, MF_EKEY);
		assert_non_null(strstr(e.message, cases[i].says));
		assert_null(strstr(e.message, "AQEBAQEB"));
	}
	assert_null(mf_trust_load("/nonexistent/trusted", &e));
	assert_int_equal(e.code, MF_EKEY);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(keys_are_saved_and_loaded),
	    cmocka_unit_test(signatures_are_ed25519),
	    cmocka_unit_test(trust_is_by_key_and_time),
	    cmocka_unit_test(bad_lines_are_named),
	};
	int rc;

	if (mf_crypto_init(NULL) != 0 || mkdtemp(dir) == NULL)
		return 99;
	rc = cmocka_run_group_tests_name("crypto/sign", tests, NULL, NULL);
	rmdir(dir);
	return rc;
}
