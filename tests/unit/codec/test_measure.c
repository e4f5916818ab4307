#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "src/codec/measure.h"

#define N MF_MEASURE_MAX_BYTES

static uint8_t p[1 << 20];
static uint16_t slots[MF_MEASURE_SLOTS];

static void
noise(size_t n)
{
	uint32_t seed = 7;
	size_t i;

	for (i = 0; i < n; i++) {
		seed = seed * 1664525u + 1013904223u;
		p[i] = (uint8_t)(seed >> 24);
	}
}

static void
test_entropy(void **state)
{
	struct mf_histogram h;
	size_t i;

	(void)state;
	for (i = 0; i < 4096; i++)
		p[i] = (uint8_t)(i % 16 * 3);
	mf_histogram_count(&h, p, 4096, 1);
	assert_int_equal(mf_histogram_distinct(&h), 16);
	assert_true(mf_histogram_entropy_bytes(&h, false) == 2048); /* 4 bits a byte */
	assert_true(mf_histogram_entropy_bytes(&h, true) > 2048);
	mf_histogram_count(&h, p, 4095, 4);
	assert_int_equal(h.total, 1024);
	assert_int_equal(mf_histogram_distinct(&h), 4);
	memset(&h, 0, sizeof h);
	assert_true(mf_histogram_entropy_bytes(&h, true) == 0);
}

static void
test_pack_base(void **state)
{
	struct mf_histogram h = {.total = 100};
	uint32_t missed;

	(void)state;
	h.count[0] = 50;
	h.count[110] = 1;
	h.count[111] = 20;
	h.count[125] = 29;
	assert_int_equal(mf_histogram_pack_base(&h, &missed), 110);
	assert_int_equal(missed, 1);
	memset(&h, 0, sizeof h);
	h.total = 3;
	h.count[255] = 3;
	assert_int_equal(mf_histogram_pack_base(&h, &missed), 240);
	assert_int_equal(missed, 0);
	h.count[255] = 0;
	h.count[1] = 3;
	assert_int_equal(mf_histogram_pack_base(&h, &missed), 0);
	assert_int_equal(missed, 0);
}

static void
test_repeats(void **state)
{
	(void)state;
	noise(N);
	assert_true(mf_measure_repeats(p, N, slots) < 0.001);
	memcpy(p + N / 2 + 1, p, N / 4); /* at an odd distance */
	assert_true(mf_measure_repeats(p, N, slots) < 0.3);
	memset(p, 0, N);
	assert_true(mf_measure_repeats(p, N, slots) > 0.99);
	assert_true(mf_measure_repeats(p, 11, slots) == 0);
	assert_true(mf_measure_repeats(p, 0, slots) == 0);
}

static void
test_far_repeat(void **state)
{
	(void)state;
	noise(sizeof p);
	assert_false(mf_measure_far_repeat(p, sizeof p));
	memcpy(p + (1 << 19) + 200000, p + (1 << 19), 64);
	assert_true(mf_measure_far_repeat(p, sizeof p));
	assert_false(mf_measure_far_repeat(p, 0));
	assert_false(mf_measure_far_repeat(p, 8));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_entropy),
		cmocka_unit_test(test_pack_base),
		cmocka_unit_test(test_repeats),
		cmocka_unit_test(test_far_repeat),
	};

	return cmocka_run_group_tests_name("measure", tests, NULL, NULL);
}
