#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/aead.h"
#include "crypto/secret.h"
#include "src/base/hex.h"

static const struct mf_aead *const rows[] = {
    &mf_aead_xchacha_sodium, &mf_aead_xchacha_evp, &mf_aead_aesgcm};
#define N_ROWS (sizeof rows / sizeof rows[0])

static uint8_t key[32], nonce[24];

static struct mf_aead_text
text_of(const void *in, size_t n, const void *aad, size_t aad_len)
{
	return (struct mf_aead_text){
	    .key = key, .nonce = nonce, .aad = aad, .aad_len = aad_len, .in = in, .in_len = n};
}

/* draft-irtf-cfrg-xchacha-03, appendix A.3.1 */
static void
xchacha_gives_the_published_vector(void **state)
{
	static const char plain[] =
	    "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for "
	    "the future, sunscreen would be it.";
	static const char *want =
	    "bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb"
	    "731c7f1b0b4aa6440bf3a82f4eda7e39ae64c6708c54c216cb96b72e1213b452"
	    "2f8c9ba40db5d945b11b69b982c1bb9e3f3fac2bc369488f76b2383565d3fff9"
	    "21f9664c97637da9768812f615c68b13b52ec0875924c1c7987947deafd8780acf49";
	uint8_t aad[12], out[sizeof plain - 1 + 16];
	char hex[2 * sizeof out + 1];
	struct mf_aead_text t;
	size_t i;

	(void)state;
	mf_hex_decode(aad, 12, "50515253c0c1c2c3c4c5c6c7");
	for (i = 0; i < 32; i++)
		key[i] = (uint8_t)(0x80 + i);
	for (i = 0; i < 24; i++)
		nonce[i] = (uint8_t)(0x40 + i);
	t = text_of(plain, sizeof plain - 1, aad, sizeof aad);
	for (i = 0; i < 2; i++) {
		assert_int_equal(rows[i]->seal(&t, out), MF_AEAD_OK);
		mf_hex_encode(hex, out, sizeof out);
		assert_string_equal(hex, want);
	}
}

static void
both_variants_agree_byte_for_byte(void **state)
{
	static const size_t sizes[] = {0, 1, 15, 16, 17, 63, 64, 65, 255, 256, 257, 4095, 65536,
	    1048577};
	uint8_t *in = malloc(1048577), *a = malloc(1048577 + 16), *b = malloc(1048577 + 16);
	uint8_t aad[300];
	struct mf_aead_text t;
	size_t i;

	(void)state;
	randombytes_buf(in, 1048577);
	randombytes_buf(aad, sizeof aad);
	for (i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		randombytes_buf(key, sizeof key);
		randombytes_buf(nonce, sizeof nonce);
		t = text_of(in, sizes[i], aad, i * 20);
		assert_int_equal(mf_aead_xchacha_sodium.seal(&t, a), MF_AEAD_OK);
		assert_int_equal(mf_aead_xchacha_evp.seal(&t, b), MF_AEAD_OK);
		assert_memory_equal(a, b, sizes[i] + 16);
		t.in = a;
		t.in_len += 16;
		assert_int_equal(mf_aead_xchacha_evp.open(&t, a), MF_AEAD_OK);
		t.in = b;
		assert_int_equal(mf_aead_xchacha_sodium.open(&t, b), MF_AEAD_OK);
		if (sizes[i] > 0) {
			assert_memory_equal(a, in, sizes[i]);
			assert_memory_equal(b, in, sizes[i]);
		}
	}
	free(in);
	free(a);
	free(b);
}

static void
a_flipped_bit_anywhere_is_forged(void **state)
{
	uint8_t in[40], sealed[56], t_in[56], out[40], aad[20] = {1};
	struct mf_aead_text t;
	size_t r, i;

	(void)state;
	randombytes_buf(in, sizeof in);
	for (r = 0; r < N_ROWS; r++) {
		t = text_of(in, sizeof in, aad, sizeof aad);
		assert_int_equal(rows[r]->seal(&t, sealed), MF_AEAD_OK);
		for (i = 0; i < sizeof sealed * 8; i++) {
			memcpy(t_in, sealed, sizeof sealed);
			t_in[i / 8] ^= (uint8_t)(1u << i % 8);
			t = text_of(t_in, sizeof t_in, aad, sizeof aad);
			assert_int_equal(rows[r]->open(&t, out), MF_AEAD_FORGED);
			assert_true(sodium_is_zero(out, sizeof out));
		}
		t = text_of(sealed, sizeof sealed, aad, sizeof aad - 1);
		assert_int_equal(rows[r]->open(&t, out), MF_AEAD_FORGED);
		key[0] ^= 1;
		t = text_of(sealed, sizeof sealed, aad, sizeof aad);
		assert_int_equal(rows[r]->open(&t, out), MF_AEAD_FORGED);
		key[0] ^= 1;
		assert_int_equal(rows[r]->open(&t, out), MF_AEAD_OK);
		assert_memory_equal(out, in, sizeof in);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(xchacha_gives_the_published_vector),
	    cmocka_unit_test(both_variants_agree_byte_for_byte),
	    cmocka_unit_test(a_flipped_bit_anywhere_is_forged),
	};

	if (mf_crypto_init(NULL) != 0)
		return 99;
	return cmocka_run_group_tests_name("crypto/aead", tests, NULL, NULL);
}
