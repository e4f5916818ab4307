/* Entropy-only frames; built twice, once for each variant of literals.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <zstd.h>

#include "src/codec/literals.h"

#define N 400001

static uint8_t in[N], out[ZSTD_COMPRESSBOUND(N)], back[N];

static void
test_round_trip(void **state)
{
	static const size_t lengths[] = {1, 2, 3, 100, 131071, 131072, 131073, 262144, N};
	struct mf_literals *l = mf_literals_new();
	uint32_t seed = 1;
	size_t i, got;

	(void)state;
	assert_non_null(l);
	for (i = 0; i < N; i++) { /* about 4 bits of entropy, not uniform */
		seed = seed * 1664525u + 1013904223u;
		in[i] = (uint8_t)((seed >> 24 & seed >> 16 & 31) + 100);
	}
	for (i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
		got = mf_literals_encode(l, in, lengths[i], out, sizeof out);
		assert_true(got > 0);
		memset(back, 0, sizeof back);
		assert_int_equal(ZSTD_decompress(back, sizeof back, out, got), lengths[i]);
		assert_memory_equal(in, back, lengths[i]);
	}
	assert_true(got < N * 6 / 10);
	mf_literals_free(l);
}

static void
test_no_room(void **state)
{
	struct mf_literals *l = mf_literals_new();

	(void)state;
	assert_non_null(l);
	assert_int_equal(mf_literals_encode(l, in, N, out, 1000), 0);
	assert_int_equal(mf_literals_encode(l, in, ((size_t)16 << 20) + 1, out, sizeof out), 0);
	assert_true(mf_literals_encode(l, in, N, out, sizeof out) > 0); /* still usable */
	mf_literals_free(l);
	mf_literals_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_no_room),
	};

	return cmocka_run_group_tests_name("literals", tests, NULL, NULL);
}
