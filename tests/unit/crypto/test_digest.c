#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "crypto/digest.h"
#include "src/base/hex.h"

static const struct mf_sha256_row *const rows[] = {
    &mf_sha256_sodium, &mf_sha256_evp, &mf_sha256_together};

static void
assert_hex(const uint8_t *bytes, size_t n, const char *want)
{
	char hex[MF_SHA256_HEX_BYTES];

	mf_hex_encode(hex, bytes, n);
	assert_string_equal(hex, want);
}

/* FIPS 180-4, examples of the NIST Cryptographic Toolkit */
static void
sha256_gives_the_published_vectors(void **state)
{
	static const char two_blocks[] = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
	uint8_t out[MF_SHA256_BYTES];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		rows[i]->digest("abc", 3, out);
		assert_hex(out, sizeof out,
		    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
		rows[i]->digest(two_blocks, strlen(two_blocks), out);
		assert_hex(out, sizeof out,
		    "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
		rows[i]->digest(NULL, 0, out);
		assert_hex(out, sizeof out,
		    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	}
}

static void
sha256_rows_agree(void **state)
{
	static uint8_t bytes[70000];
	uint8_t a[MF_SHA256_BYTES], b[MF_SHA256_BYTES], c[MF_SHA256_BYTES];
	size_t i, n;

	(void)state;
	for (i = 0; i < sizeof bytes; i++)
		bytes[i] = (uint8_t)(i * 2654435761u >> 13);
	for (n = 0; n <= sizeof bytes; n += n < 300 ? 1 : 997) {
		mf_sha256_sodium.digest(bytes, n, a);
		mf_sha256_evp.digest(bytes, n, b);
		mf_sha256(bytes, n, c);
		assert_memory_equal(a, b, sizeof a);
		assert_memory_equal(a, c, sizeof a);
	}
}

/* RFC 4231, test cases 1, 2 and 6 (a key longer than a block) */
static void
hmac_gives_the_published_vectors(void **state)
{
	static const char text[] = "Test Using Larger Than Block-Size Key - Hash Key First";
	uint8_t key[131], out[MF_SHA256_BYTES];

	(void)state;
	memset(key, 0x0b, 20);
	mf_hmac_sha256(key, 20, "Hi There", 8, out);
	assert_hex(
	    out, sizeof out, "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
	mf_hmac_sha256("Jefe", 4, "what do ya want for nothing?", 28, out);
	assert_hex(
	    out, sizeof out, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
	memset(key, 0xaa, sizeof key);
	mf_hmac_sha256(key, sizeof key, text, strlen(text), out);
	assert_hex(
	    out, sizeof out, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

/* FIPS 180-4's "abc", in pieces and twice. */
static void
sha256_bit_by_bit(void **state)
{
	struct mf_sha256_sum *s = mf_sha256_new(NULL);
	uint8_t out[MF_SHA256_BYTES], whole[MF_SHA256_BYTES];
	int i;

	(void)state;
	assert_non_null(s);
	mf_sha256("abc", 3, whole);
	for (i = 0; i < 2; i++) {
		mf_sha256_update(s, "a", 1);
		mf_sha256_update(s, "", 0);
		mf_sha256_update(s, "bc", 2);
		assert_int_equal(mf_sha256_final(s, out, NULL), 0);
		assert_memory_equal(out, whole, sizeof out);
	}
	mf_sha256_free(s);
	mf_sha256_free(NULL);
}

/* However it comes; of no part more than there is, and of nothing one. */
static void
md5_of_parts(void **state)
{
	static const struct {
		const char *text;
		uint64_t part_bytes;
		const char *hex;
	} cases[] = {
	    {"abc", 0, "900150983cd24fb0d6963f7d28e17f72"},
	    {"", 0, "d41d8cd98f00b204e9800998ecf8427e"},
	    {"abc", 4, "af5da9f45af7a300e3aded972f8ff687"},
	    {"abc", 3, "af5da9f45af7a300e3aded972f8ff687"},
	    {"0123456789", 4, "61e3716e3a7767581863b67c4e785584"},
	    {"01234567", 4, "6f6e3a73411a3a634c335e478a2fe8f1"},
	    {"", 4, "59adb24ef3cdbe0297f05b395827453f"},
	};
	struct mf_md5_parts *m;
	uint8_t out[MF_MD5_BYTES];
	size_t i, j, n, step;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		m = mf_md5_parts_new(cases[i].part_bytes, NULL);
		assert_non_null(m);
		n = strlen(cases[i].text);
		for (step = 1; step < 12; step++) { /* and it serves again */
			for (j = 0; j < n; j += step)
				mf_md5_parts_update(
				    m, cases[i].text + j, n - j < step ? n - j : step);
			mf_md5_parts_update(m, "", 0);
			assert_int_equal(mf_md5_parts_final(m, out, NULL), 0);
			assert_hex(out, sizeof out, cases[i].hex);
		}
		mf_md5_parts_free(m);
	}
	mf_md5_parts_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(sha256_gives_the_published_vectors),
	    cmocka_unit_test(sha256_rows_agree),
	    cmocka_unit_test(hmac_gives_the_published_vectors),
	    cmocka_unit_test(sha256_bit_by_bit),
	    cmocka_unit_test(md5_of_parts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
