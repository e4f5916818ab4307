#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "src/chunk/cdc.h"

#define INPUT_BYTES ((size_t)160 << 20)
#define CUTS_MAX 64

static const uint8_t key[32] = "one", other_key[32] = "two";

static int
set_up(void **state)
{
	static const uint8_t seed[32] = "input";
	uint8_t *input = malloc(INPUT_BYTES);

	if (input == NULL)
		return -1;
	randombytes_buf_deterministic(input, INPUT_BYTES, seed);
	*state = input;
	return 0;
}

static int
tear_down(void **state)
{
	free(*state);
	return 0;
}

/* Cut all of it; the ends of the chunks. */
static size_t
cut(const uint8_t *k, const uint8_t *buf, size_t n, size_t ends[CUTS_MAX])
{
	struct mf_cdc *c = mf_cdc_new(k, NULL);
	size_t at = 0, count = 0, len;

	assert_non_null(c);
	while (at < n) {
		len = mf_cdc_find(c, buf + at, n - at, true);
		assert_true(len > 0 && len <= MF_CDC_MAX_BYTES && len <= n - at);
		assert_true(len >= MF_CDC_MIN_BYTES || at + len == n);
		at += len;
		assert_true(count < CUTS_MAX);
		ends[count++] = at;
	}
	mf_cdc_free(c);
	return count;
}

static void
mean_is_near_the_target(void **state)
{
	size_t ends[CUTS_MAX], n = cut(key, *state, INPUT_BYTES, ends);

	assert_in_range(n, 14, 27); /* 19 expected */
}

/* How many of the ends of b, moved by shift, are no ends of a? */
static size_t
moved(const size_t *a, size_t na, const size_t *b, size_t nb, size_t shift)
{
	size_t i, j, n = 0;

	for (i = 0; i < nb; i++) {
		for (j = 0; j < na && a[j] + shift != b[i]; j++)
			continue;
		n += j == na;
	}
	return n;
}

static void
insertion_moves_few_cuts(void **state)
{
	const size_t at = 30000001, more = 137, n = (size_t)96 << 20;
	uint8_t *input = *state, *changed = malloc(n + more);
	size_t a[CUTS_MAX], b[CUTS_MAX], na, nb;

	assert_non_null(changed);
	memcpy(changed, input, at);
	memset(changed + at, 'x', more);
	memcpy(changed + at + more, input + at, n - at);
	na = cut(key, input, n, a);
	nb = cut(key, changed, n + more, b);
	assert_true(moved(a, na, b, nb, more) <= 5); /* three lie before it and did not move */
	assert_int_equal(a[0], b[0]);
	free(changed);
}

static void
keys_cut_differently(void **state)
{
	const size_t n = (size_t)64 << 20;
	size_t a[CUTS_MAX], b[CUTS_MAX], na, nb;

	na = cut(key, *state, n, a);
	nb = cut(other_key, *state, n, b);
	assert_true(moved(a, na, b, nb, 0) >= nb - 1);
}

static void
asks_for_more(void **state)
{
	struct mf_cdc *c = mf_cdc_new(key, NULL);
	const uint8_t *input = *state;
	size_t len = mf_cdc_find(c, input, MF_CDC_MAX_BYTES, false);

	assert_true(len > MF_CDC_MIN_BYTES);
	assert_int_equal(mf_cdc_find(c, input, 0, true), 0);
	assert_int_equal(mf_cdc_find(c, input, 0, false), 0);
	assert_int_equal(mf_cdc_find(c, input, 1, false), 0);
	assert_int_equal(mf_cdc_find(c, input, 1, true), 1);
	assert_int_equal(mf_cdc_find(c, input, MF_CDC_MIN_BYTES, false), 0);
	assert_int_equal(mf_cdc_find(c, input, MF_CDC_MIN_BYTES, true), MF_CDC_MIN_BYTES);
	assert_int_equal(mf_cdc_find(c, input, len - 1, false), 0);
	assert_int_equal(mf_cdc_find(c, input, len - 1, true), len - 1);
	assert_int_equal(mf_cdc_find(c, input, len, false), len);
	assert_int_equal(mf_cdc_find(c, input, len + 1, false), len);
	mf_cdc_free(c);
	mf_cdc_free(NULL);
}

/* What was searched before makes no difference, whatever the pieces. */
static void
goes_on_where_it_was(void **state)
{
	static const size_t pieces[] = {1 << 18, 1 << 20, 3000017, MF_CDC_MIN_BYTES - 1};
	struct mf_cdc *c = mf_cdc_new(key, NULL);
	const uint8_t *input = *state;
	size_t i, n, searched, cut, at = 0, whole;

	for (i = 0; i < 12; i++) {
		whole = mf_cdc_find(c, input + at, MF_CDC_MAX_BYTES, false);
		for (searched = 0;; searched = n) {
			n = searched + pieces[i % 4];
			n = n < MF_CDC_MAX_BYTES ? n : MF_CDC_MAX_BYTES;
			cut = mf_cdc_find_on(c, input + at, searched, n, false);
			if (cut != 0)
				break;
			assert_int_equal(mf_cdc_find_on(c, input + at, searched, n, true), n);
		}
		assert_int_equal(cut, whole);
		at += cut / 2;
	}
	/* up to the very byte before, and behind it */
	whole = mf_cdc_find(c, input + at, MF_CDC_MAX_BYTES, false);
	assert_int_equal(mf_cdc_find_on(c, input + at, 0, whole, false), whole);
	assert_int_equal(mf_cdc_find_on(c, input + at, whole - 1, MF_CDC_MAX_BYTES, false), whole);
	mf_cdc_free(c);
}

/* Bytes that never pass a mask are cut at the maximum. */
static void
monotonous_input(void **state)
{
	struct mf_cdc *c = mf_cdc_new(key, NULL);
	uint8_t *zeros = calloc(1, MF_CDC_MAX_BYTES + 1);

	(void)state;
	assert_non_null(zeros);
	assert_int_equal(mf_cdc_find(c, zeros, MF_CDC_MAX_BYTES - 1, false), 0);
	assert_int_equal(mf_cdc_find(c, zeros, MF_CDC_MAX_BYTES, false), MF_CDC_MAX_BYTES);
	assert_int_equal(mf_cdc_find(c, zeros, MF_CDC_MAX_BYTES + 1, true), MF_CDC_MAX_BYTES);
	free(zeros);
	mf_cdc_free(c);
}

/* Cuts are part of the repository: they never change. */
static void
frozen_cuts(void **state)
{
	static const size_t frozen[] = {
	    4836556, 12660327, 17942283, 26883808, 32270578, 43085506, 55839607};
	size_t ends[CUTS_MAX], i;

	cut(key, *state, (size_t)64 << 20, ends);
	for (i = 0; i < sizeof(frozen) / sizeof(frozen[0]); i++)
		assert_int_equal(ends[i], frozen[i]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(mean_is_near_the_target),
	    cmocka_unit_test(insertion_moves_few_cuts),
	    cmocka_unit_test(keys_cut_differently),
	    cmocka_unit_test(asks_for_more),
	    cmocka_unit_test(goes_on_where_it_was),
	    cmocka_unit_test(monotonous_input),
	    cmocka_unit_test(frozen_cuts),
	};

	if (sodium_init() < 0)
		return 1;
	return cmocka_run_group_tests_name("chunk/cdc", tests, set_up, tear_down);
}
