/* The kernels of planes.h: all give what the reference gives, on every length near a vector's
 * end; and what the reference gives is written out once by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "src/codec/planes.h"

#define ELEMENTS 300

static void
fill(uint8_t *p, size_t n, uint32_t seed)
{
	size_t i;

	for (i = 0; i < n; i++) {
		seed = seed * 1664525u + 1013904223u;
		p[i] = (uint8_t)(seed >> 24);
	}
}

static void
test_reference(void **state)
{
	/* 1.0, -1.0 in bf16: 3f80 rotates to 7f00, bf80 to 7f01 */
	static const uint8_t in[] = {0x80, 0x3f, 0x80, 0xbf};
	uint8_t low[2], high[2], back[4];
	uint8_t *const planes[] = {low, high};
	const uint8_t *const views[] = {low, high};

	(void)state;
	mf_planes_scalar()->split(in, 2, 2, true, planes);
	assert_memory_equal(low, "\x00\x01", 2);
	assert_memory_equal(high, "\x7f\x7f", 2);
	mf_planes_scalar()->join(back, 2, 2, true, views);
	assert_memory_equal(back, in, 4);
	mf_planes_scalar()->split(in, 2, 2, false, planes);
	assert_memory_equal(low, "\x80\x80", 2);
	assert_memory_equal(high, "\x3f\xbf", 2);
}

static void
check_split(const struct mf_planes_kernel *k, unsigned width, bool rotate, size_t n)
{
	uint8_t in[ELEMENTS * 8], back[ELEMENTS * 8 + 1];
	uint8_t mine[8][ELEMENTS + 1], reference[8][ELEMENTS];
	uint8_t *mine_at[8], *reference_at[8];
	const uint8_t *views[8];
	unsigned j;

	fill(in, n * width, (uint32_t)n);
	memset(mine, 0x5a, sizeof mine);
	memset(back, 0x5a, sizeof back);
	for (j = 0; j < 8; j++) {
		mine_at[j] = mine[j];
		views[j] = mine[j];
		reference_at[j] = reference[j];
	}
	mf_planes_scalar()->split(in, n, width, rotate, reference_at);
	k->split(in, n, width, rotate, mine_at);
	for (j = 0; j < width; j++) {
		assert_memory_equal(mine[j], reference[j], n);
		assert_int_equal(mine[j][n], 0x5a);
	}
	k->join(back, n, width, rotate, views);
	assert_memory_equal(back, in, n * width);
	assert_int_equal(back[n * width], 0x5a);
}

static void
test_kernels_split_alike(void **state)
{
	const struct mf_planes_kernel *k;
	unsigned i, width;
	size_t n;

	(void)state;
	for (i = 0; (k = mf_planes_nth(i)) != NULL; i++)
		for (width = 1; width <= 8; width *= 2)
			for (n = 0; n <= ELEMENTS; n += n < 140 ? 1 : 31) {
				check_split(k, width, false, n);
				check_split(k, width, width > 1, n);
			}
	assert_true(i >= 1);
}

static void
check_pack(const struct mf_planes_kernel *k, unsigned base, size_t n, unsigned spread)
{
	uint8_t in[ELEMENTS], mine[ELEMENTS / 2 + 2], reference[ELEMENTS / 2 + 2];
	uint8_t back[ELEMENTS + 1];
	uint32_t mine_at[ELEMENTS], reference_at[ELEMENTS];
	size_t i, count;

	fill(in, n, (uint32_t)n + base);
	for (i = 0; i < n; i++)
		if (i % 7 == 0)
			in[i] = 0;
		else if (i % 5 != 0)
			in[i] = (uint8_t)(base + in[i] % spread);
	memset(mine, 0x5a, sizeof mine);
	memset(back, 0x5a, sizeof back);
	count = mf_planes_scalar()->pack(in, n, base, reference, reference_at, ELEMENTS);
	assert_int_equal(k->pack(in, n, base, mine, mine_at, ELEMENTS), count);
	assert_memory_equal(mine, reference, (n + 1) / 2);
	assert_int_equal(mine[(n + 1) / 2], 0x5a);
	assert_memory_equal(mine_at, reference_at, count * sizeof mine_at[0]);
	k->unpack(mine, n, base, back);
	for (i = 0; i < count; i++) {
		assert_true(i == 0 || mine_at[i - 1] < mine_at[i]);
		assert_int_equal(back[mine_at[i]], 0);
		back[mine_at[i]] = in[mine_at[i]];
	}
	assert_memory_equal(back, in, n);
	assert_int_equal(back[n], 0x5a);
	for (i = 0; i < count; i++)
		assert_int_equal(k->pack(in, n, base, mine, mine_at, i), i + 1);
}

static void
test_kernels_pack_alike(void **state)
{
	static const unsigned bases[] = {0, 1, 110, 127, 128, 239, 240};
	const struct mf_planes_kernel *k;
	unsigned i, j;
	size_t n;

	(void)state;
	for (i = 0; (k = mf_planes_nth(i)) != NULL; i++)
		for (j = 0; j < sizeof bases / sizeof bases[0]; j++)
			for (n = 0; n <= ELEMENTS; n += n < 140 ? 1 : 31) {
				check_pack(k, bases[j], n, 16);
				check_pack(k, bases[j], n, 17);
			}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reference),
		cmocka_unit_test(test_kernels_split_alike),
		cmocka_unit_test(test_kernels_pack_alike),
	};

	return cmocka_run_group_tests_name("planes", tests, NULL, NULL);
}
