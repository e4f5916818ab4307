/* CRC-32C: the vectors of RFC 3720, appendix B.4, both ways, in pieces. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "src/base/crc32c.h"

static void
vectors(void **state)
{
	uint8_t zeros[32] = {0}, ones[32], up[32], down[32];
	size_t i;

	(void)state;
	memset(ones, 0xff, sizeof ones);
	for (i = 0; i < 32; i++) {
		up[i] = (uint8_t)i;
		down[i] = (uint8_t)(31 - i);
	}
	assert_int_equal(mf_crc32c(0, zeros, 32), 0x8a9136aa);
	assert_int_equal(mf_crc32c(0, ones, 32), 0x62a8ab43);
	assert_int_equal(mf_crc32c(0, up, 32), 0x46dd794e);
	assert_int_equal(mf_crc32c(0, down, 32), 0x113fdb5c);
	assert_int_equal(mf_crc32c_table(0, zeros, 32), 0x8a9136aa);
	assert_int_equal(mf_crc32c_table(0, down, 32), 0x113fdb5c);
	assert_int_equal(mf_crc32c(0, "123456789", 9), 0xe3069283);
	assert_int_equal(mf_crc32c(0, NULL, 0), 0);
}

static void
pieces(void **state)
{
	uint8_t bytes[257];
	size_t i, from;
	uint32_t whole;

	(void)state;
	for (i = 0; i < sizeof bytes; i++)
		bytes[i] = (uint8_t)(i * 37 + 11);
	for (from = 0; from < 9; from++) {
		whole = mf_crc32c_table(0, bytes + from, sizeof bytes - from);
		for (i = 0; i <= sizeof bytes - from; i++)
			assert_int_equal(mf_crc32c(mf_crc32c(0, bytes + from, i), bytes + from + i,
					     sizeof bytes - from - i),
			    whole);
	}
}

static void
joined(void **state)
{
	static const uint8_t zeros[4096];
	uint8_t bytes[257];
	uint32_t sum = 0x12345678, behind = 0;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof bytes; i++)
		bytes[i] = (uint8_t)(i * 37 + 11);
	for (i = 0; i <= sizeof bytes; i++)
		assert_int_equal(mf_crc32c_join(mf_crc32c(0, bytes, i),
				     mf_crc32c(0, bytes + i, sizeof bytes - i),
				     sizeof bytes - i),
		    mf_crc32c(0, bytes, sizeof bytes));
	/* ten MiB behind it, by the way around them */
	for (i = 0; i < 2560; i++) {
		behind = mf_crc32c(behind, zeros, sizeof zeros);
		sum = mf_crc32c(sum, zeros, sizeof zeros);
	}
	assert_int_equal(mf_crc32c_join(0x12345678, behind, UINT64_C(2560) * sizeof zeros), sum);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(vectors), cmocka_unit_test(pieces),
	    cmocka_unit_test(joined)};

	return cmocka_run_group_tests_name("crc32c", tests, NULL, NULL);
}
