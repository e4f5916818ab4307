#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "src/base/hex.h"
#include "src/base/size.h"

static void
test_encode(void **state)
{
	static const uint8_t bytes[] = {0x00, 0x09, 0xaf, 0xff};
	char out[9];

	(void)state;
	mf_hex_encode(out, bytes, sizeof bytes);
	assert_string_equal(out, "0009afff");
	mf_hex_encode(out, bytes, 0);
	assert_string_equal(out, "");
}

static void
test_decode(void **state)
{
	static const uint8_t expected[] = {0x00, 0x09, 0xaf};
	uint8_t out[3];

	(void)state;
	assert_int_equal(mf_hex_decode(out, 3, "0009afff"), 0);
	assert_memory_equal(out, expected, 3);
	assert_int_equal(mf_hex_decode(out, 0, ""), 0);
}

static void
test_decode_refuses(void **state)
{
	static const char *const bad[] = {"", "0", "000", "00 0", "0x01", "00AF", "000g", "00:0",
	    "00/0", "00`0", "-100"};
	uint8_t out[2];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_int_equal(mf_hex_decode(out, 2, bad[i]), -1);
}

static void
test_sizes(void **state)
{
	size_t n = 7;
	uint64_t u = 7;

	(void)state;
	assert_false(mf_size_add(SIZE_MAX, 1, &n));
	assert_false(mf_size_mul(SIZE_MAX / 2 + 1, 2, &n));
	assert_false(mf_u64_add(UINT64_MAX, 1, &u));
	assert_int_equal(n, 7);
	assert_int_equal(u, 7);
	assert_true(mf_size_add(SIZE_MAX - 1, 1, &n) && n == SIZE_MAX);
	assert_true(mf_size_mul(SIZE_MAX, 1, &n) && n == SIZE_MAX);
	assert_true(mf_size_mul(SIZE_MAX, 0, &n) && n == 0);
	assert_true(mf_u64_add(UINT64_MAX, 0, &u) && u == UINT64_MAX);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_encode),
	    cmocka_unit_test(test_decode),
	    cmocka_unit_test(test_decode_refuses),
	    cmocka_unit_test(test_sizes),
	};

	return cmocka_run_group_tests_name("base/hex", tests, NULL, NULL);
}
