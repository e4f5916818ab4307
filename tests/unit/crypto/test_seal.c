#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sodium.h>

#include "crypto/seal.h"
#include "crypto/seal_int.h"
#include "src/base/buf.h"
#include "src/base/hex.h"
#include "tests/unit/crypto/vectors.h"

#define XCHACHA MF_CIPHER_XCHACHA20_POLY1305
#define SEALED_FOX (MF_SEAL_OVERHEAD + sizeof fox - 1 + 1)

static const char fox[] = "The quick brown fox jumps over the lazy dog";

static struct mf_id
fox_id(const struct mf_keyring *kr)
{
	struct mf_id id;

	mf_keyring_content_id(kr, MF_OBJECT_CHUNK, fox, sizeof fox - 1, &id);
	return id;
}

static size_t
seal_fox(const struct mf_keyring *kr, enum mf_object_type type, const struct mf_id *id,
    uint8_t *out)
{
	const struct mf_seal_input in = {.type = type, .plain_len = sizeof fox - 1, .id = id,
	    .body = (const uint8_t *)fox, .body_len = sizeof fox - 1};
	size_t n = 0;

	assert_int_equal(mf_seal(kr, &in, out, &n, NULL), 0);
	assert_int_equal(n, mf_seal_len(kr, in.body_len));
	return n;
}

static void
check_vector(enum mf_padding padding, const char *want)
{
	struct mf_keyring *kr = vector_keyring(XCHACHA, padding, 0);
	const struct mf_id id = fox_id(kr);
	const struct mf_seal_input in = {.type = MF_OBJECT_CHUNK, .plain_len = sizeof fox - 1,
	    .id = &id, .body = (const uint8_t *)fox, .body_len = sizeof fox - 1};
	uint8_t nonce[24], out[SEALED_FOX];
	char hex[2 * SEALED_FOX + 1];
	size_t n;

	count_up(nonce, 24, 0x80);
	assert_int_equal(mf_seal_with_nonce(kr, &in, nonce, out, &n, NULL), 0);
	mf_hex_encode(hex, out, n);
	assert_string_equal(hex, want);
	mf_keyring_free(kr);
}

/* Vectors made by an implementation of their own, from modelferry-repository(5). */
static void
sealed_bytes_are_frozen(void **state)
{
	(void)state;
	check_vector(MF_PADDING_NONE,
	    "4d4652590101010002000000000000002b000000000000008081828384858687"
	    "88898a8b8c8d8e8f9091929394959697caf4d410c535b93f1e4850532e493ec4"
	    "46b4202c44341ce7b12383230a75f52c8b9a4ad7a88f0f9d78d12346a5780925"
	    "46994b7217e4a7918a0c03");
	check_vector(MF_PADDING_PADME,
	    "4d4652590101010002000000000000002b000000010000008081828384858687"
	    "88898a8b8c8d8e8f9091929394959697caf4d410c535b93f1e4850532e493ec4"
	    "46b4202c44341ce7b12383230a75f52c8b9a4ad7a88f0f9d78d123e8a77f344c"
	    "224dd58a4e4cf7ef4481f193");
}

static void
every_type_cipher_and_padding_comes_back(void **state)
{
	static const enum mf_cipher ciphers[] = {XCHACHA, MF_CIPHER_AES256_GCM};
	uint8_t sealed[SEALED_FOX];
	struct mf_opened o;
	struct mf_id id;
	unsigned c, p, t;
	size_t n;

	(void)state;
	for (c = 0; c < 2; c++)
		for (p = 0; p < 2; p++)
			for (t = MF_OBJECT_CHUNK; t < MF_OBJECT_TYPES_END; t++) {
				struct mf_keyring *kr = vector_keyring(ciphers[c], p, 0);

				id = fox_id(kr);
				n = seal_fox(kr, t, &id, sealed);
				assert_int_equal(mf_open(kr, t, &id, sealed, n, &o, NULL), 0);
				assert_int_equal(o.body_len, sizeof fox - 1);
				assert_memory_equal(o.body, fox, sizeof fox - 1);
				assert_int_equal(o.header.epoch, 2);
				assert_int_equal(o.header.padding, p);
				mf_keyring_free(kr);
			}
}

static void
a_body_may_lie_in_its_place(void **state)
{
	struct mf_keyring *kr = vector_keyring(XCHACHA, MF_PADDING_PADME, 0);
	uint8_t buf[SEALED_FOX];
	struct mf_id id = fox_id(kr);
	const struct mf_seal_input in = {.type = MF_OBJECT_CHUNK, .plain_len = 99, .id = &id,
	    .codec = 7, .body = buf + MF_SEAL_HEADER_BYTES, .body_len = sizeof fox - 1};
	struct mf_opened o;
	size_t n;

	(void)state;
	memcpy(buf + MF_SEAL_HEADER_BYTES, fox, sizeof fox - 1);
	assert_int_equal(mf_seal(kr, &in, buf, &n, NULL), 0);
	assert_int_equal(mf_open(kr, MF_OBJECT_CHUNK, &id, buf, n, &o, NULL), 0);
	assert_memory_equal(o.body, fox, sizeof fox - 1);
	assert_int_equal(o.header.codec, 7);
	assert_int_equal(o.header.plain_len, 99);
	mf_keyring_free(kr);
}

static void
an_empty_body_is_fine(void **state)
{
	struct mf_keyring *kr = vector_keyring(XCHACHA, MF_PADDING_PADME, 0);
	struct mf_id id = {{0}};
	const struct mf_seal_input in = {.type = MF_OBJECT_CHUNK, .id = &id};
	uint8_t buf[MF_SEAL_OVERHEAD];
	struct mf_opened o;
	size_t n;

	(void)state;
	assert_int_equal(mf_seal(kr, &in, buf, &n, NULL), 0);
	assert_int_equal(n, MF_SEAL_OVERHEAD);
	assert_int_equal(mf_open(kr, MF_OBJECT_CHUNK, &id, buf, n, &o, NULL), 0);
	assert_int_equal(o.body_len, 0);
	mf_keyring_free(kr);
}

static void
flip_every_bit(enum mf_cipher cipher)
{
	struct mf_keyring *kr = vector_keyring(cipher, MF_PADDING_PADME, 0);
	uint8_t good[SEALED_FOX], bad[SEALED_FOX];
	struct mf_id id = fox_id(kr);
	struct mf_opened o;
	struct mf_error e;
	size_t n, i;

	n = seal_fox(kr, MF_OBJECT_CHUNK, &id, good);
	for (i = 0; i < n * 8; i++) {
		memcpy(bad, good, n);
		bad[i / 8] ^= (uint8_t)(1u << i % 8);
		mf_error_clear(&e);
		assert_int_equal(mf_open(kr, MF_OBJECT_CHUNK, &id, bad, n, &o, &e), -1);
		assert_true(e.code == MF_EDAMAGED || e.code == MF_EKEY);
		if (i / 8 < 8 || i / 8 > 11) /* only an epoch can look like a missing key */
			assert_int_equal(e.code, MF_EDAMAGED);
	}
	mf_keyring_free(kr);
}

static void
a_flipped_bit_anywhere_is_refused(void **state)
{
	(void)state;
	flip_every_bit(XCHACHA);
	flip_every_bit(MF_CIPHER_AES256_GCM);
}

static void
a_cut_or_longer_object_is_refused(void **state)
{
	struct mf_keyring *kr = vector_keyring(XCHACHA, MF_PADDING_NONE, 0);
	uint8_t good[SEALED_FOX] = {0};
	struct mf_id id = fox_id(kr);
	struct mf_opened o;
	struct mf_error e;
	size_t n, i;

	(void)state;
	n = seal_fox(kr, MF_OBJECT_CHUNK, &id, good);
	for (i = 0; i <= n + 1; i++) {
		uint8_t *bad = malloc(i > 0 ? i : 1); /* exact: a sanitizer sees an overread */

		memcpy(bad, good, i);
		assert_int_equal(mf_open(kr, MF_OBJECT_CHUNK, &id, bad, i, &o, &e), i == n ? 0 : -1);
		if (i != n)
			assert_int_equal(e.code, MF_EDAMAGED);
		free(bad);
	}
	mf_keyring_free(kr);
}

static void
no_object_stands_in_for_another(void **state)
{
	struct mf_keyring *kr = vector_keyring(XCHACHA, MF_PADDING_NONE, 0);
	struct mf_keyring *other = mf_keyring_create(XCHACHA, MF_PADDING_NONE, NULL);
	uint8_t sealed[SEALED_FOX];
	struct mf_id id = fox_id(kr), wrong = id;
	struct mf_opened o;
	struct mf_error e;
	size_t n;

	(void)state;
	n = seal_fox(kr, MF_OBJECT_REF, &id, sealed);
	assert_int_equal(mf_open(kr, MF_OBJECT_ROOT, &id, sealed, n, &o, &e), -1);
	assert_int_equal(e.code, MF_EDAMAGED);
	assert_non_null(strstr(e.message, "ref where a manifest"));
	wrong.bytes[0] ^= 1;
	assert_int_equal(mf_open(kr, MF_OBJECT_REF, &wrong, sealed, n, &o, &e), -1);
	assert_int_equal(e.code, MF_EDAMAGED);
	n = seal_fox(other, MF_OBJECT_REF, &id, sealed);
	assert_int_equal(mf_open(kr, MF_OBJECT_REF, &id, sealed, n, &o, &e), -1);
	assert_int_equal(e.code, MF_EDAMAGED);
	mf_keyring_free(kr);
	mf_keyring_free(other);
}

/* A writer that knows epoch 1 only, as somebody would who was there before the rekey. */
static struct mf_keyring *
old_keyring(void)
{
	struct mf_epoch first = {.number = 1};
	uint8_t root0[32];

	count_up(root0, 32, 0);
	count_up(first.key, 32, 0x20);
	return mf_keyring_of(&(struct mf_keyring_params){.cipher = XCHACHA, .root0 = root0,
				 .root = root0, .epochs = &first, .n_epochs = 1}, NULL);
}

static void
only_chunks_may_be_of_an_old_epoch(void **state)
{
	struct mf_keyring *old = old_keyring(), *now = vector_keyring(XCHACHA, 0, 0),
			  *between = vector_keyring(XCHACHA, 0, 1);
	uint8_t sealed[SEALED_FOX];
	struct mf_opened o;
	struct mf_error e;
	struct mf_id id = fox_id(old);
	unsigned t;
	size_t n;

	(void)state;
	for (t = MF_OBJECT_CHUNK; t < MF_OBJECT_TYPES_END; t++) {
		n = seal_fox(old, t, &id, sealed);
		if (t == MF_OBJECT_CHUNK) {
			assert_int_equal(mf_open(now, t, &id, sealed, n, &o, &e), 0);
			continue;
		}
		assert_int_equal(mf_open(now, t, &id, sealed, n, &o, &e), -1);
		assert_int_equal(e.code, MF_EKEY);
		n = seal_fox(old, t, &id, sealed);
		assert_int_equal(mf_open(between, t, &id, sealed, n, &o, &e), 0);
	}
	n = seal_fox(now, MF_OBJECT_CHUNK, &id, sealed);
	assert_int_equal(mf_open(old, MF_OBJECT_CHUNK, &id, sealed, n, &o, &e), -1);
	assert_int_equal(e.code, MF_EKEY);
	assert_non_null(strstr(e.message, "epoch 2"));
	mf_keyring_free(old);
	mf_keyring_free(now);
	mf_keyring_free(between);
}

static void
unknown_words_are_refused_by_name(void **state)
{
	static const struct {
		size_t at;
		uint8_t value;
		const char *says;
	} cases[] = {{0, 'X', "magic"}, {4, 9, "format 9"}, {5, 200, "type 200"},
	    {6, 3, "cipher 3"}, {7, 1, "flags 0x01"}, {19, 0xff, "bytes of plaintext"}};
	struct mf_keyring *kr = vector_keyring(XCHACHA, 0, 0);
	uint8_t sealed[SEALED_FOX];
	struct mf_seal_header h;
	struct mf_error e;
	struct mf_id id = fox_id(kr);
	size_t n, i;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		n = seal_fox(kr, MF_OBJECT_CHUNK, &id, sealed);
		assert_int_equal(mf_seal_header_decode(sealed, n, &h, &e), 0);
		sealed[cases[i].at] = cases[i].value;
		assert_int_equal(mf_seal_header_decode(sealed, n, &h, &e), -1);
		assert_int_equal(e.code, MF_EDAMAGED);
		assert_non_null(strstr(e.message, cases[i].says));
	}
	mf_keyring_free(kr);
}

static void
padme_keeps_few_bits_of_a_length(void **state)
{
	static const size_t pairs[][2] = {{0, 0}, {1, 1}, {2, 2}, {8, 8}, {9, 10}, {43, 44}, {100, 104},
	    {1000, 1024}, {1025, 1088}, {8u << 20, 8u << 20}, {(8u << 20) + 1, (8u << 20) + (1u << 18)},
	    {MF_SEAL_MAX_BODY, (16u << 20) + (1u << 19)}};
	struct mf_keyring *kr = vector_keyring(XCHACHA, MF_PADDING_PADME, 0);
	size_t i;

	(void)state;
	for (i = 0; i < sizeof pairs / sizeof pairs[0]; i++)
		assert_int_equal(pairs[i][0] + mf_seal_pad_len(kr, pairs[i][0]), pairs[i][1]);
	for (i = 1; i < 100000; i += 7)
		assert_true(mf_seal_pad_len(kr, i) * 100 <= i * 12);
	mf_keyring_free(kr);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(sealed_bytes_are_frozen),
	    cmocka_unit_test(every_type_cipher_and_padding_comes_back),
	    cmocka_unit_test(a_body_may_lie_in_its_place),
	    cmocka_unit_test(an_empty_body_is_fine),
	    cmocka_unit_test(a_flipped_bit_anywhere_is_refused),
	    cmocka_unit_test(a_cut_or_longer_object_is_refused),
	    cmocka_unit_test(no_object_stands_in_for_another),
	    cmocka_unit_test(only_chunks_may_be_of_an_old_epoch),
	    cmocka_unit_test(unknown_words_are_refused_by_name),
	    cmocka_unit_test(padme_keeps_few_bits_of_a_length),
	};

	if (mf_crypto_init(NULL) != 0)
		return 99;
	return cmocka_run_group_tests_name("crypto/seal", tests, NULL, NULL);
}
