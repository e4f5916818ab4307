#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <unistd.h>

#include "crypto/configuration.h"
#include "crypto/keyfile_int.h"
#include "src/base/hex.h"
#include "tests/unit/crypto/frozen_configuration.h"
#include "tests/unit/crypto/vectors.h"

#define XCHACHA MF_CIPHER_XCHACHA20_POLY1305
#define CHEAP .kdf_passes = 1, .kdf_memory_bytes = 8192

static struct mf_unlock *
raw(unsigned enc, unsigned hmac)
{
	uint8_t a[32], b[32];

	memset(a, (int)enc, 32);
	memset(b, (int)hmac, 32);
	return mf_unlock_from_pair(a, b, "the test's pair", NULL);
}

static struct mf_unlock *
passphrase(const char *text)
{
	return mf_unlock_take(MF_UNLOCK_PASSPHRASE, "passphrase file /p",
	    mf_secret_of(text, strlen(text), NULL), NULL, NULL);
}

static struct mf_unlock *
identity(unsigned byte)
{
	uint8_t key[32];

	memset(key, (int)byte, 32);
	return mf_unlock_take(MF_UNLOCK_IDENTITY, "identity file /i", mf_secret_of(key, 32, NULL),
	    NULL, NULL);
}

/* A configuration with the slots "pair" (1, 2), "words" ("sesame"), "ann" (7). */
static struct mf_config *
three_slots(const struct mf_keyring *kr)
{
	struct mf_config *c = mf_config_create(kr, &(struct mf_config_params){.now_us = 5}, NULL);
	struct mf_unlock *a = raw(1, 2), *b = passphrase("sesame"), *i = identity(7);
	uint8_t public[32];

	assert_int_equal(mf_config_add_slot(c, kr, &(struct mf_slot_params){
	    .label = "pair", .source = a, .now_us = 11}, NULL, NULL), 0);
	assert_int_equal(mf_config_add_slot(c, kr, &(struct mf_slot_params){
	    .label = "words", .source = b, CHEAP}, NULL, NULL), 0);
	mf_unlock_public(i, public, NULL);
	assert_int_equal(mf_config_add_slot(c, kr, &(struct mf_slot_params){
	    .label = "ann", .public_half = public}, NULL, NULL), 0);
	mf_unlock_free(a);
	mf_unlock_free(b);
	mf_unlock_free(i);
	return c;
}

static struct mf_config *
through_bytes(struct mf_config *c, const struct mf_keyring *kr, uint64_t sequence)
{
	struct mf_buf b = MF_BUF_INIT;
	struct mf_config *back;

	assert_int_equal(mf_config_encode(c, kr, sequence, &b, NULL), 0);
	back = mf_config_decode(b.data, b.len, sequence, NULL);
	assert_non_null(back);
	mf_buf_fini(&b);
	mf_config_free(c);
	return back;
}

/* Takes u. The key ring, or NULL and *e. */
static struct mf_keyring *
unlock_with(const struct mf_config *c, struct mf_unlock *u, struct mf_error *e)
{
	const struct mf_unlock *one = u;
	struct mf_keyring *kr = NULL;
	int rc = mf_config_unlock(c, &one, 1, &kr, e);

	mf_unlock_free(u);
	assert_int_equal(rc == 0, kr != NULL);
	return kr;
}

static void
expect_opens(const struct mf_config *c, struct mf_unlock *u, const struct mf_keyring *want)
{
	struct mf_keyring *kr = unlock_with(c, u, NULL);

	assert_non_null(kr);
	assert_memory_equal(mf_keyring_repo_id(kr), mf_keyring_repo_id(want), 32);
	assert_memory_equal(mf_keyring_keys(kr)->root, mf_keyring_keys(want)->root, 32);
	assert_int_equal(mf_keyring_epoch(kr), mf_keyring_epoch(want));
	assert_int_equal(mf_keyring_floor(kr), mf_keyring_floor(want));
	assert_int_equal(mf_keyring_epochs(kr), mf_keyring_epochs(want));
	assert_memory_equal(mf_keyring_epoch_key(kr, 1), mf_keyring_epoch_key(want, 1), 32);
	mf_keyring_free(kr);
}

static void
expect_closed(const struct mf_config *c, struct mf_unlock *u, const char *says)
{
	struct mf_error e = {0};

	assert_null(unlock_with(c, u, &e));
	assert_int_equal(e.code, MF_EKEY);
	if (strstr(e.message, says) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", e.message, says);
}

static void
every_slot_opens(void **state)
{
	struct mf_keyring *kr = mf_keyring_create(MF_CIPHER_AES256_GCM, MF_PADDING_PADME, NULL);
	struct mf_config *c = through_bytes(three_slots(kr), kr, 3);
	struct mf_slot_view v;

	(void)state;
	expect_opens(c, raw(1, 2), kr);
	expect_opens(c, passphrase("sesame"), kr);
	expect_opens(c, identity(7), kr);
	assert_int_equal(mf_config_sequence(c), 3);
	assert_int_equal(mf_config_cipher(c), MF_CIPHER_AES256_GCM);
	assert_int_equal(mf_config_padding(c), MF_PADDING_PADME);
	assert_int_equal(mf_config_created_us(c), 5);
	assert_int_equal(mf_config_slots(c), 3);
	assert_memory_equal(mf_config_repo_id(c), mf_keyring_repo_id(kr), 32);
	v = mf_config_slot(c, 0);
	assert_string_equal(v.label, "pair");
	assert_int_equal(v.kind, MF_UNLOCK_RAW);
	assert_int_equal(v.created_us, 11);
	v = mf_config_slot(c, 1);
	assert_int_equal(v.kdf_memory_bytes, 8192);
	mf_config_free(c);
	mf_keyring_free(kr);
}

static void
wrong_keys_are_told_apart(void **state)
{
	struct mf_keyring *kr = mf_keyring_create(XCHACHA, 0, NULL);
	struct mf_config *c = through_bytes(three_slots(kr), kr, 1);
	struct mf_error e = {0};
	struct mf_keyring *none = NULL;

	(void)state;
	expect_closed(c, raw(1, 9), "opens slot \"pair\", but its HMAC key is not");
	expect_closed(c, raw(9, 2), "HMAC key of the test's pair is the one of slot \"pair\", but its "
				    "encryption key is not");
	expect_closed(c, raw(9, 9), "no slot of this repository opens with the test's pair");
	expect_closed(c, passphrase("Sesame"), "no slot of this repository opens with passphrase file");
	expect_closed(c, identity(8), "no slot of this repository opens with identity file");
	assert_int_equal(mf_config_unlock(c, NULL, 0, &none, &e), -1);
	assert_int_equal(e.code, MF_EKEY);
	assert_non_null(strstr(e.message, "no key was given"));
	assert_non_null(strstr(e.hint, "raw pair \"pair\", passphrase \"words\", identity \"ann\""));
	assert_int_equal(mf_config_remove_slot(c, "words", NULL), 0);
	c = through_bytes(c, kr, 2);
	expect_closed(c, passphrase("sesame"), "no slot of this repository takes a passphrase");
	mf_config_free(c);
	mf_keyring_free(kr);
}

static void
several_sources_may_be_given(void **state)
{
	struct mf_keyring *kr = mf_keyring_create(XCHACHA, 0, NULL), *back = NULL;
	struct mf_config *c = through_bytes(three_slots(kr), kr, 1);
	struct mf_unlock *a = passphrase("wrong"), *b = raw(1, 9), *i = identity(7);
	const struct mf_unlock *all[3] = {a, b, i};

	(void)state;
	assert_int_equal(mf_config_unlock(c, all, 3, &back, NULL), 0);
	mf_keyring_free(back);
	mf_unlock_free(a);
	mf_unlock_free(b);
	mf_unlock_free(i);
	mf_config_free(c);
	mf_keyring_free(kr);
}

static void
slots_come_and_go(void **state)
{
	struct mf_keyring *kr = mf_keyring_create(XCHACHA, 0, NULL);
	struct mf_config *c = three_slots(kr);
	struct mf_unlock *u = raw(3, 4);
	struct mf_slot_params p = {.label = "more", .source = u};
	struct mf_error e = {0};
	char id[MF_SLOT_ID_HEX_BYTES];
	size_t i;

	(void)state;
	assert_int_equal(mf_config_add_slot(c, kr, &p, id, &e), 0);
	assert_int_equal(mf_config_add_slot(c, kr, &p, id, &e), -1);
	assert_int_equal(e.code, MF_EEXIST);
	p.label = "line\nbreak";
	assert_int_equal(mf_config_add_slot(c, kr, &p, NULL, &e), -1);
	assert_int_equal(e.code, MF_EUSAGE);
	assert_int_equal(mf_config_find_slot(c, id, &i, &e), 0);
	assert_int_equal(i, 3);
	assert_int_equal(mf_config_find_slot(c, "nobody", &i, &e), -1);
	assert_int_equal(e.code, MF_EKEY);
	c = through_bytes(c, kr, 9);
	expect_opens(c, raw(3, 4), kr);
	assert_int_equal(mf_config_remove_slot(c, id, &e), 0);
	assert_int_equal(mf_config_remove_slot(c, "words", &e), 0);
	assert_int_equal(mf_config_remove_slot(c, "pair", &e), 0);
	assert_int_equal(mf_config_remove_slot(c, "ann", &e), -1);
	assert_int_equal(e.code, MF_EUSAGE);
	assert_non_null(strstr(e.message, "last key slot"));
	c = through_bytes(c, kr, 10);
	expect_opens(c, identity(7), kr);
	expect_closed(c, raw(3, 4), "takes a raw pair");
	mf_config_free(c);
	mf_unlock_free(u);
	mf_keyring_free(kr);
}

static void
too_much_is_refused(void **state)
{
	struct mf_keyring *kr = mf_keyring_create(XCHACHA, 0, NULL);
	struct mf_config *c = mf_config_create(kr, &(struct mf_config_params){0}, NULL);
	struct mf_unlock *u = passphrase("x");
	struct mf_buf b = MF_BUF_INIT;
	struct mf_error e = {0};
	char label[16];
	unsigned i;
	int rc = 0;

	(void)state;
	assert_int_equal(mf_config_encode(c, kr, 1, &b, &e), -1);
	assert_int_equal(e.code, MF_EUSAGE);
	for (i = 0; rc == 0 && i < 20; i++) {
		snprintf(label, sizeof label, "p%u", i);
		rc = mf_config_add_slot(c, kr, &(struct mf_slot_params){.label = label, .source = u,
						   CHEAP}, NULL, &e);
	}
	assert_int_equal(i, MF_CONFIG_MAX_PASSPHRASES + 1);
	assert_int_equal(e.code, MF_EUSAGE);
	assert_int_equal(mf_config_add_slot(c, kr, &(struct mf_slot_params){.label = "q",
	    .source = u, .kdf_passes = 11, .kdf_memory_bytes = 8192}, NULL, &e), -1);
	assert_int_equal(mf_config_remove_slot(c, "p0", &e), 0);
	assert_int_equal(mf_config_add_slot(c, kr, &(struct mf_slot_params){.label = "q",
	    .source = u, .kdf_passes = 11, .kdf_memory_bytes = 8192}, NULL, &e), -1);
	assert_non_null(strstr(e.message, "Argon2id"));
	assert_int_equal(mf_config_add_slot(c, kr, &(struct mf_slot_params){.label = "q",
	    .source = u, .kdf_passes = 1, .kdf_memory_bytes = (1ull << 30) + 1024}, NULL, &e), -1);
	assert_int_equal(e.code, MF_EUSAGE);
	mf_config_free(c);
	mf_unlock_free(u);
	mf_keyring_free(kr);
}

static void
rotating_rewraps(void **state)
{
	struct mf_keyring *kr = mf_keyring_create(XCHACHA, 0, NULL);
	struct mf_config *c = three_slots(kr);
	struct mf_unlock *u = raw(5, 6);
	struct mf_error e = {0};
	char id[MF_SLOT_ID_HEX_BYTES];

	(void)state;
	memcpy(id, mf_config_slot(c, 0).id, sizeof id);
	assert_int_equal(mf_config_rotate(c, kr, "pair", &(struct mf_slot_params){.source = u}, &e), 0);
	assert_string_equal(mf_config_slot(c, 0).id, id);
	assert_string_equal(mf_config_slot(c, 0).label, "pair");
	c = through_bytes(c, kr, 2);
	expect_opens(c, raw(5, 6), kr);
	expect_closed(c, raw(1, 2), "no slot of this repository opens");
	expect_opens(c, identity(7), kr);
	assert_int_equal(mf_config_rotate(c, kr, "none", &(struct mf_slot_params){.source = u}, &e), -1);
	mf_config_free(c);
	mf_unlock_free(u);
	mf_keyring_free(kr);
}

static void
rekeying_reaches_every_slot(void **state)
{
	struct mf_keyring *kr = mf_keyring_create(XCHACHA, 0, NULL), *next = NULL, *done = NULL,
			  *again = NULL;
	struct mf_config *c = through_bytes(three_slots(kr), kr, 1);
	struct mf_buf b = MF_BUF_INIT;
	struct mf_error e = {0};

	(void)state;
	assert_int_equal(mf_config_rekey(c, kr, &next, &e), 0);
	assert_int_equal(mf_keyring_epoch(next), 2);
	assert_int_equal(mf_keyring_floor(next), 1);
	assert_memory_not_equal(mf_keyring_keys(next)->root, mf_keyring_keys(kr)->root, 32);
	assert_memory_equal(mf_keyring_repo_id(next), mf_keyring_repo_id(kr), 32);
	assert_int_equal(mf_config_encode(c, kr, 2, &b, &e), -1); /* not with the old ring */
	assert_int_equal(mf_config_rekey(c, next, &again, &e), -1);
	assert_int_equal(e.code, MF_ECONFLICT);
	c = through_bytes(c, next, 2);
	expect_opens(c, raw(1, 2), next);
	expect_opens(c, passphrase("sesame"), next);
	expect_opens(c, identity(7), next);
	assert_int_equal(mf_config_rekey_finish(c, next, &done, &e), 0);
	assert_int_equal(mf_keyring_floor(done), 2);
	c = through_bytes(c, done, 3);
	expect_opens(c, identity(7), done);
	assert_int_equal(mf_config_rekey(c, done, &again, &e), 0);
	assert_int_equal(mf_keyring_epoch(again), 3);
	c = through_bytes(c, again, 4);
	expect_opens(c, raw(1, 2), again);
	mf_config_free(c);
	mf_keyring_free(kr);
	mf_keyring_free(next);
	mf_keyring_free(done);
	mf_keyring_free(again);
}

static void
unknown_features_are_refused_by_name(void **state)
{
	static const char *const features[] = {"deltas", "time-travel"};
	static const char *const unsorted[] = {"b", "a"};
	struct mf_keyring *kr = mf_keyring_create(XCHACHA, 0, NULL);
	struct mf_config *c = mf_config_create(kr, &(struct mf_config_params){.features = features,
						       .n_features = 2}, NULL);
	struct mf_unlock *u = raw(1, 2);
	struct mf_error e = {0};

	(void)state;
	assert_int_equal(mf_config_add_slot(c, kr, &(struct mf_slot_params){.label = "p", .source = u},
			     NULL, NULL), 0);
	c = through_bytes(c, kr, 1);
	assert_int_equal(mf_config_features(c), 2);
	assert_string_equal(mf_config_feature(c, 1), "time-travel");
	assert_null(unlock_with(c, u, &e));
	assert_int_equal(e.code, MF_EUNSUPPORTED);
	assert_non_null(strstr(e.message, "\"deltas\""));
	mf_config_free(c);
	assert_null(mf_config_create(kr, &(struct mf_config_params){.features = unsorted,
					     .n_features = 2}, &e));
	mf_keyring_free(kr);
}

/* The bytes of a configuration with a pair, an identity and a feature-free head. */
static void
make_bytes(const struct mf_keyring *kr, struct mf_buf *b)
{
	struct mf_config *c = three_slots(kr);

	assert_int_equal(mf_config_encode(c, kr, 7, b, NULL), 0);
	mf_config_free(c);
}

/* Decode and open: true when nothing was amiss. */
static bool
opens(const uint8_t *bytes, size_t n, struct mf_unlock *const *sources, size_t n_sources,
    struct mf_error *e)
{
	const struct mf_unlock *view[3];
	struct mf_config *c = mf_config_decode(bytes, n, 7, e);
	struct mf_keyring *kr = NULL;
	size_t i;

	if (c == NULL)
		return false;
	for (i = 0; i < n_sources; i++)
		view[i] = sources[i];
	if (mf_config_unlock(c, view, n_sources, &kr, e) != 0)
		assert_null(kr);
	mf_keyring_free(kr);
	mf_config_free(c);
	return kr != NULL;
}

static void
a_flipped_bit_anywhere_is_refused(void **state)
{
	struct mf_keyring *kr = mf_keyring_create(XCHACHA, 0, NULL);
	struct mf_unlock *sources[2] = {raw(1, 2), identity(7)};
	struct mf_buf b = MF_BUF_INIT;
	struct mf_error e;
	size_t i, k;

	(void)state;
	make_bytes(kr, &b);
	assert_true(opens(b.data, b.len, sources, 2, &e));
	for (i = 0; i < b.len; i++)
		for (k = 0; k < 8; k += 1 + i % 3) {
			b.data[i] ^= (uint8_t)(1u << k);
			mf_error_clear(&e);
			assert_false(opens(b.data, b.len, sources, 1 + i % 2, &e));
			assert_true(e.code == MF_EDAMAGED || e.code == MF_EKEY);
			b.data[i] ^= (uint8_t)(1u << k);
		}
	assert_true(opens(b.data, b.len, sources, 2, &e));
	mf_buf_fini(&b);
	mf_unlock_free(sources[0]);
	mf_unlock_free(sources[1]);
	mf_keyring_free(kr);
}

static void
a_cut_or_longer_configuration_is_refused(void **state)
{
	struct mf_keyring *kr = mf_keyring_create(XCHACHA, 0, NULL);
	struct mf_buf b = MF_BUF_INIT;
	struct mf_error e;
	size_t i, len;

	(void)state;
	make_bytes(kr, &b);
	len = b.len;
	mf_buf_put_u8(&b, 0);
	for (i = 0; i <= len + 1; i++) {
		uint8_t *cut = malloc(i > 0 ? i : 1);
		struct mf_config *c;

		memcpy(cut, b.data, i);
		mf_error_clear(&e);
		c = mf_config_decode(cut, i, 7, &e);
		assert_int_equal(c != NULL, i == len);
		if (c == NULL)
			assert_int_equal(e.code, MF_EDAMAGED);
		mf_config_free(c);
		free(cut);
	}
	assert_null(mf_config_decode(b.data, len, 8, &e)); /* put under another number */
	assert_int_equal(e.code, MF_EDAMAGED);
	mf_buf_fini(&b);
	mf_keyring_free(kr);
}

static void
unknown_words_are_refused_by_name(void **state)
{
	static const struct {
		size_t at;
		uint8_t value;
		const char *says;
	} cases[] = {{0, 'X', "MFCF"}, {4, 2, "format 2"}, {5, 9, "cipher 9"},
	    {6, 3, "id algorithm 3"}, {7, 5, "padding 5"}, {80, 9, "kind 9"}};
	struct mf_keyring *kr = mf_keyring_create(XCHACHA, 0, NULL);
	struct mf_buf b = MF_BUF_INIT;
	struct mf_error e;
	uint8_t keep;
	size_t i;

	(void)state;
	make_bytes(kr, &b);
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		keep = b.data[cases[i].at];
		b.data[cases[i].at] = cases[i].value;
		assert_null(mf_config_decode(b.data, b.len, 7, &e));
		assert_int_equal(e.code, MF_EDAMAGED);
		if (strstr(e.message, cases[i].says) == NULL)
			fail_msg("\"%s\" does not say \"%s\"", e.message, cases[i].says);
		b.data[cases[i].at] = keep;
	}
	mf_buf_fini(&b);
	mf_keyring_free(kr);
}

/* Somebody who can write to the store but has no key makes a repository of his own under the
 * old id, and seals it to the public halves that stand there. */
static void
a_forger_without_keys_is_refused(void **state)
{
	struct mf_keyring *kr = mf_keyring_create(XCHACHA, 0, NULL);
	struct mf_keyring *his = mf_keyring_create(XCHACHA, 0, NULL);
	struct mf_config *mine = three_slots(kr), *forged;
	struct mf_unlock *sources[1] = {raw(1, 2)};
	struct mf_buf b = MF_BUF_INIT;
	struct mf_error e = {0};

	(void)state;
	forged = mf_config_create(his, &(struct mf_config_params){0}, NULL);
	assert_int_equal(mf_config_add_slot(forged, his, &(struct mf_slot_params){.label = "pair",
	    .public_half = mf_config_slot(mine, 0).public_half}, NULL, NULL), 0);
	assert_int_equal(mf_config_encode(forged, his, 7, &b, NULL), 0);
	assert_false(opens(b.data, b.len, sources, 1, &e));
	memcpy(b.data + 16, mf_keyring_repo_id(kr), 32);
	assert_false(opens(b.data, b.len, sources, 1, &e));
	mf_buf_fini(&b);
	mf_config_free(mine);
	mf_config_free(forged);
	mf_unlock_free(sources[0]);
	mf_keyring_free(kr);
	mf_keyring_free(his);
}

/* Repositories that exist must open for ever. */
static void
a_frozen_configuration_opens(void **state)
{
	const size_t n = strlen(frozen_configuration) / 2;
	struct mf_keyring *want = vector_keyring(XCHACHA, MF_PADDING_PADME, 1);
	uint8_t *bytes = malloc(n);
	struct mf_config *c;

	(void)state;
	assert_int_equal(mf_hex_decode(bytes, n, frozen_configuration), 0);
	c = mf_config_decode(bytes, n, 42, NULL);
	assert_non_null(c);
	expect_opens(c, raw(1, 2), want);
	expect_opens(c, passphrase("sesame"), want);
	expect_opens(c, identity(7), want);
	assert_memory_equal(mf_config_repo_id(c), mf_keyring_repo_id(want), 32);
	mf_config_free(c);
	free(bytes);
	mf_keyring_free(want);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_slot_opens),
	    cmocka_unit_test(wrong_keys_are_told_apart),
	    cmocka_unit_test(several_sources_may_be_given),
	    cmocka_unit_test(slots_come_and_go),
	    cmocka_unit_test(too_much_is_refused),
	    cmocka_unit_test(rotating_rewraps),
	    cmocka_unit_test(rekeying_reaches_every_slot),
	    cmocka_unit_test(unknown_features_are_refused_by_name),
	    cmocka_unit_test(a_flipped_bit_anywhere_is_refused),
	    cmocka_unit_test(a_cut_or_longer_configuration_is_refused),
	    cmocka_unit_test(unknown_words_are_refused_by_name),
	    cmocka_unit_test(a_forger_without_keys_is_refused),
	    cmocka_unit_test(a_frozen_configuration_opens),
	};

	if (mf_crypto_init(NULL) != 0)
		return 99;
	return cmocka_run_group_tests_name("crypto/configuration", tests, NULL, NULL);
}
