#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "crypto/keyed_hash.h"
#include "src/base/hex.h"

static const struct mf_keyed_hash_row *const rows[] = {&mf_keyed_hash_sodium, &mf_keyed_hash_evp};

static void
assert_hash(const struct mf_keyed_hash_row *row, const void *bytes, size_t n, const char *want)
{
	uint8_t key[MF_KEYED_HASH_KEY_BYTES], out[MF_KEYED_HASH_BYTES];
	char hex[2 * MF_KEYED_HASH_BYTES + 1];
	size_t i;

	for (i = 0; i < sizeof key; i++)
		key[i] = (uint8_t)i;
	row->hash(key, bytes, n, out);
	mf_hex_encode(hex, out, sizeof out);
	assert_string_equal(hex, want);
}

/* By Python's hashlib.blake2b, which is neither library's. */
static void
gives_what_a_third_implementation_gives(void **state)
{
	uint8_t bytes[1000];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof bytes; i++)
		bytes[i] = (uint8_t)i;
	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		assert_hash(rows[i], NULL, 0,
		    "4e51e7a913fc80137da52880fecca175bf81e117d5c68126dc2774033517ea0d");
		assert_hash(rows[i], "abc", 3,
		    "d63a32d3e44738d7907f964316c241adaba0abfeabc32349677578a15a203f7f");
		assert_hash(rows[i], bytes, sizeof bytes,
		    "35ef19e1b0264b96e9d2f9c1ded07ab910b83e31c06559b5794ad4682e44f54a");
	}
}

static void
rows_agree(void **state)
{
	static uint8_t bytes[70000];
	uint8_t key[MF_KEYED_HASH_KEY_BYTES];
	uint8_t a[MF_KEYED_HASH_BYTES], b[MF_KEYED_HASH_BYTES], c[MF_KEYED_HASH_BYTES];
	size_t i, n;

	(void)state;
	for (i = 0; i < sizeof bytes; i++)
		bytes[i] = (uint8_t)(i * 2654435761u >> 13);
	for (n = 0; n <= sizeof bytes; n += n < 300 ? 1 : 997) {
		memcpy(key, bytes + n % 1000, sizeof key);
		mf_keyed_hash_sodium.hash(key, bytes, n, a);
		mf_keyed_hash_evp.hash(key, bytes, n, b);
		mf_keyed_hash(key, bytes, n, c);
		assert_memory_equal(a, b, sizeof a);
		assert_memory_equal(a, c, sizeof a);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(gives_what_a_third_implementation_gives),
	    cmocka_unit_test(rows_agree),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
