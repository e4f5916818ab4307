/* Blocks that are used again: which one is given, and how many are kept. */
#include <malloc.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "src/base/blocks.h"
#include "src/base/large.h"

#define MIB ((size_t)1 << 20)

/* Under a sanitizer of addresses nothing is kept, so that each block is a new one. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define KEPT false
#define FOREIGN_HEAP 1
#endif
#if __has_feature(thread_sanitizer)
#define FOREIGN_HEAP 1
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define KEPT false
#define FOREIGN_HEAP 1
#elif defined(__SANITIZE_THREAD__)
#define FOREIGN_HEAP 1
#endif
#ifndef KEPT
#define KEPT true
#endif

/* A sanitizer's heap is not glibc's. */
#if defined(__GLIBC__) && !defined(FOREIGN_HEAP)
#define HAS_LARGE_ONES
#endif

#ifdef HAS_LARGE_ONES
/* What is large is the kernel's, also after one that was freed. */
static void
large_ones_go_back(void **state)
{
	struct mallinfo2 before, after;
	char *p, *q;

	(void)state;
	mf_large_prepare();
	p = malloc(16 * MIB);
	assert_non_null(p);
	p[0] = 1;
	free(p); /* glibc's threshold would be as much from here on */
	before = mallinfo2();
	p = malloc(MF_LARGE_BYTES);
	q = malloc(8 * MIB);
	assert_true(p != NULL && q != NULL);
	p[0] = q[0] = 1;
	after = mallinfo2();
	assert_int_equal(after.hblks - before.hblks, 2);
	free(p);
	free(q);
	after = mallinfo2();
	assert_int_equal(after.hblks, before.hblks);
	assert_int_equal(after.hblkhd, before.hblkhd);
}
#endif

/* What is trimmed off reads as zeros, what is used stays. */
static void
trimmed(void **state)
{
	const size_t large = 2 * MIB;
	uint8_t *p = mf_large_malloc(4 * large + 100);

	(void)state;
	assert_non_null(p);
	memset(p, 1, 4 * large + 100);
	assert_int_equal(mf_large_trim(p, 4 * large + 100, 4 * large + 1), 4 * large + 100);
	assert_int_equal(p[4 * large + 99], 1);
	assert_int_equal(mf_large_trim(p, 4 * large + 100, large + 1), 2 * large);
	assert_int_equal(p[2 * large - 1], 1);
	assert_int_equal(p[2 * large], 0);
	assert_int_equal(p[4 * large - 1], 0);
	assert_int_equal(p[4 * large + 99], 1); /* less than a page */
	assert_int_equal(mf_large_trim(p, 4 * large + 100, 0), 0);
	assert_int_equal(p[0], 0);
	free(p);
	p = mf_large_malloc(large - 1);
	assert_non_null(p);
	p[large - 2] = 1;
	assert_int_equal(mf_large_trim(p, large - 1, 0), large - 1);
	assert_int_equal(p[large - 2], 1);
	free(p);
}

static struct mf_block
taken(struct mf_blocks *b, size_t n)
{
	struct mf_block block;
	struct mf_error e;

	assert_int_equal(mf_blocks_take(b, n, &block, &e), 0);
	assert_non_null(block.at);
	assert_true(block.bytes >= n);
	memset(block.at, 1, n);
	return block;
}

/* Gives it back, and tells its address. */
static uintptr_t
given(struct mf_blocks *b, struct mf_block block)
{
	const uintptr_t at = (uintptr_t)block.at;

	mf_blocks_give(b, &block);
	assert_null(block.at);
	return at;
}

static void
the_same_again(void **state)
{
	struct mf_memory_budget *budget = mf_memory_budget_new(32 * MIB, NULL);
	struct mf_blocks *b = mf_blocks_new(budget, NULL);
	struct mf_block eight = taken(b, 8 * MIB), six = taken(b, 6 * MIB), again;
	const uintptr_t at_eight = given(b, eight), at_six = given(b, six);

	(void)state;
	again = taken(b, 5 * MIB); /* both would do: the smaller one */
	if (KEPT) {
		assert_int_equal((uintptr_t)again.at, at_six);
		assert_int_equal(again.bytes, 6 * MIB);
	}
	eight = taken(b, 6 * MIB);
	if (KEPT)
		assert_int_equal((uintptr_t)eight.at, at_eight);
	given(b, again);
	given(b, eight);
	six = taken(b, 3 * MIB); /* either would waste too much */
	assert_int_equal(six.bytes, 3 * MIB);
	given(b, six);
	mf_blocks_free(b);
	mf_memory_budget_free(budget);
}

static void
no_more_than_is_left(void **state)
{
	struct mf_memory_budget *budget = mf_memory_budget_new(10 * MIB, NULL);
	struct mf_blocks *b = mf_blocks_new(budget, NULL);
	struct mf_block four = taken(b, 4 * MIB), five = taken(b, 5 * MIB),
			three = taken(b, 3 * MIB);
	struct mf_block big = taken(b, 11 * MIB), none = {0};
	uintptr_t at_five, at_three;

	(void)state;
	given(b, four);
	at_five = given(b, five);
	given(b, big);              /* larger than all that may be kept: it goes, the others stay */
	at_three = given(b, three); /* four is the oldest, and has to make room */
	mf_blocks_give(b, &none);
	five = taken(b, 4 * MIB);
	three = taken(b, 3 * MIB);
	if (KEPT) {
		assert_int_equal((uintptr_t)five.at, at_five);
		assert_int_equal((uintptr_t)three.at, at_three);
	}
	given(b, five);
	given(b, three);
	mf_blocks_free(b);
	mf_blocks_free(NULL);
	mf_memory_budget_free(budget);
}

/* What is held leaves less room for what is idle. */
static void
what_is_held_makes_less_idle(void **state)
{
	struct mf_memory_budget *budget = mf_memory_budget_new(10 * MIB, NULL);
	struct mf_blocks *b = mf_blocks_new(budget, NULL);
	struct mf_block four = taken(b, 4 * MIB), five = taken(b, 5 * MIB), two, again;
	uintptr_t at_five;

	(void)state;
	given(b, four);
	at_five = given(b, five);
	assert_true(mf_memory_budget_reserve(budget, 2 * MIB, 0));
	two = taken(b, 2 * MIB); /* the last that fits beside the idle ones is the five */
	again = taken(b, 4 * MIB);
	if (KEPT)
		assert_int_equal((uintptr_t)again.at, at_five);
	assert_true(mf_memory_budget_reserve(budget, 5 * MIB, 0));
	given(b, again); /* three are left: it goes */
	five = taken(b, 5 * MIB);
	assert_int_equal(five.bytes, 5 * MIB);
	mf_memory_budget_release(budget, 7 * MIB);
	given(b, two);
	given(b, five);
	mf_blocks_free(b);
	mf_memory_budget_free(budget);
}

static void
small_ones_are_exact(void **state)
{
	struct mf_memory_budget *budget = mf_memory_budget_new(10 * MIB, NULL);
	struct mf_blocks *b = mf_blocks_new(budget, NULL);
	struct mf_block one = taken(b, 100);

	(void)state;
	assert_int_equal(one.bytes, 100);
	given(b, one);
	one = taken(b, 90);
	assert_int_equal(one.bytes, 90);
	given(b, one);
	mf_blocks_free(b);
	mf_memory_budget_free(budget);
}

/* Each thread's blocks hold what it wrote until it gives them back. */
static void *
busy(void *arg)
{
	struct mf_blocks *b = arg;
	unsigned i;

	for (i = 0; i < 60; i++) {
		const size_t n = (1 + i % 5) * MIB;
		struct mf_block block = taken(b, n);

		memset(block.at, (int)(i & 0xff), 64);
		((uint8_t *)block.at)[n - 1] = (uint8_t)i;
		assert_int_equal(((uint8_t *)block.at)[63], (uint8_t)i);
		assert_int_equal(((uint8_t *)block.at)[n - 1], (uint8_t)i);
		mf_blocks_give(b, &block);
	}
	return NULL;
}

static void
many_threads(void **state)
{
	struct mf_memory_budget *budget = mf_memory_budget_new(8 * MIB, NULL);
	struct mf_blocks *b = mf_blocks_new(budget, NULL);
	pthread_t threads[4];
	unsigned i;

	(void)state;
	for (i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, busy, b), 0);
	for (i = 0; i < 4; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	mf_blocks_free(b);
	mf_memory_budget_free(budget);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#ifdef HAS_LARGE_ONES
	    cmocka_unit_test(large_ones_go_back),
#endif
	    cmocka_unit_test(trimmed),
	    cmocka_unit_test(the_same_again),
	    cmocka_unit_test(no_more_than_is_left),
	    cmocka_unit_test(what_is_held_makes_less_idle),
	    cmocka_unit_test(small_ones_are_exact),
	    cmocka_unit_test(many_threads),
	};

	return cmocka_run_group_tests_name("base/blocks", tests, NULL, NULL);
}
