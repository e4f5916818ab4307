#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "src/base/hex.h"
#include "tests/unit/crypto/vectors.h"

static const char fox[] = "The quick brown fox jumps over the lazy dog";

/* Vectors made by an implementation of their own, from modelferry-repository(5). */
static void
derivations_are_frozen(void **state)
{
	struct mf_keyring *kr = vector_keyring(MF_CIPHER_XCHACHA20_POLY1305, MF_PADDING_NONE, 0);
	char hex[65], name[MF_NAME_HASH_BYTES];
	uint8_t seed[32];
	struct mf_id id;

	(void)state;
	mf_hex_encode(hex, mf_keyring_repo_id(kr), 32);
	assert_string_equal(hex,
	    "deea97dad2b83bd2353cf1fa4c54142f3d9b6e86294f7efdee57bc393591bccb");
	mf_keyring_content_id(kr, MF_OBJECT_CHUNK, fox, sizeof fox - 1, &id);
	mf_id_to_hex(&id, hex);
	assert_string_equal(hex,
	    "3ccc3df7afb4350f41d4ad983fa5a54084f5b1f4a28a2abcf126bc2a4cc353a8");
	mf_keyring_content_id(kr, MF_OBJECT_SEGMENT, fox, sizeof fox - 1, &id);
	mf_id_to_hex(&id, hex);
	assert_string_equal(hex,
	    "b2188ed1683924ea6d6ba01a4ea5543e5c7af4068268ff44477e0b141079d121");
	mf_keyring_name_hash(kr, "model", "churn", NULL, name);
	assert_string_equal(name, "8acce6d3fb94d7626bd469d1232c30d7");
	mf_keyring_name_hash(kr, "version", "churn", "v2", name);
	assert_string_equal(name, "9a88baae9a66135b3ea050fd060b9cc8");
	mf_keyring_name_hash(kr, "ref", "churn", "production", name);
	assert_string_equal(name, "a497749f3458657a63810ec376d38557");
	mf_keyring_cut_seed(kr, seed);
	mf_hex_encode(hex, seed, 32);
	assert_string_equal(hex,
	    "2288bdbb61021fdc1e03b64f4231ab08f225e1fe698694d3a4dfc6cc5168a5d3");
	assert_true(mf_keyring_xxh_seed(kr) == 0xce48ca6f1b992421u);
	mf_keyring_free(kr);
}

static void
name_ids_are_frozen(void **state)
{
	struct mf_id id, back;
	char hex[MF_ID_HEX_BYTES];

	(void)state;
	mf_object_name_id("m/abc/def", &id);
	mf_id_to_hex(&id, hex);
	assert_string_equal(hex,
	    "e5fa1b163ebe01ac8ca23c294f133979aa3924509d3bb76a3fd64c687df6744b");
	assert_int_equal(mf_id_from_hex(&back, hex), 0);
	assert_int_equal(mf_id_compare(&id, &back), 0);
	back.bytes[31]++;
	assert_true(mf_id_compare(&id, &back) < 0);
	hex[3] = 'G';
	assert_int_equal(mf_id_from_hex(&back, hex), -1);
}

static void
new_key_rings_are_all_different(void **state)
{
	struct mf_keyring *a = mf_keyring_create(MF_CIPHER_XCHACHA20_POLY1305, MF_PADDING_NONE, NULL);
	struct mf_keyring *b = mf_keyring_create(MF_CIPHER_AES256_GCM, MF_PADDING_PADME, NULL);
	char na[MF_NAME_HASH_BYTES], nb[MF_NAME_HASH_BYTES];

	(void)state;
	assert_memory_not_equal(mf_keyring_repo_id(a), mf_keyring_repo_id(b), 32);
	assert_memory_not_equal(mf_keyring_epoch_key(a, 1), mf_keyring_epoch_key(b, 1), 32);
	assert_null(mf_keyring_epoch_key(a, 2));
	assert_int_equal(mf_keyring_epoch(a), 1);
	assert_int_equal(mf_keyring_floor(a), 1);
	assert_int_equal(mf_keyring_cipher(b), MF_CIPHER_AES256_GCM);
	assert_int_equal(mf_keyring_padding(b), MF_PADDING_PADME);
	mf_keyring_name_hash(a, "model", "m", NULL, na);
	mf_keyring_name_hash(b, "model", "m", NULL, nb);
	assert_string_not_equal(na, nb);
	mf_keyring_name_hash(a, "model", "m", "", nb);
	assert_string_not_equal(na, nb);
	mf_keyring_free(a);
	mf_keyring_free(b);
	mf_keyring_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(derivations_are_frozen),
	    cmocka_unit_test(name_ids_are_frozen),
	    cmocka_unit_test(new_key_rings_are_all_different),
	};

	if (mf_crypto_init(NULL) != 0)
		return 99;
	return cmocka_run_group_tests_name("crypto/keyring", tests, NULL, NULL);
}
