#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "src/chunk/run.h"

static const uint8_t key[32] = "one", other_key[32] = "two";

static void
empty_run_never_closes(void **state)
{
	unsigned i;
	char name[32];

	(void)state;
	for (i = 0; i < 1000; i++) {
		(void)snprintf(name, sizeof(name), "f%u", i);
		assert_false(mf_run_closes(key, name, MF_RUN_MEMBER_BYTES - 1, 0));
		assert_false(mf_run_closes(key, name, 0, 100));
	}
}

static void
full_run_closes(void **state)
{
	(void)state;
	assert_true(mf_run_closes(key, "a", 1, MF_RUN_MAX_BYTES));
	assert_true(mf_run_closes(key, "a", 1000, MF_RUN_MAX_BYTES - 999));
	assert_true(mf_run_closes(key, "a", UINT64_MAX, 1));
	assert_true(mf_run_closes(key, "a", UINT64_MAX, UINT64_MAX));
}

/* The mean run is near the target whatever the size of the members. */
static void
mean_is_the_target(void **state)
{
	static const uint64_t sizes[] = {4096, 65536, 700000};
	char name[32];
	size_t s;
	unsigned i, closed;

	(void)state;
	for (s = 0; s < 3; s++) {
		unsigned n = (unsigned)(((uint64_t)2 << 30) / sizes[s]);

		for (i = closed = 0; i < n; i++) {
			(void)snprintf(name, sizeof(name), "file/%u", i);
			closed += mf_run_closes(key, name, sizes[s], 1);
		}
		assert_in_range(closed, 850, 1200); /* 1024 expected */
	}
}

static void
depends_on_key_name_and_size_alone(void **state)
{
	char name[32];
	unsigned i, differ_key = 0, differ_size = 0;

	(void)state;
	for (i = 0; i < 2000; i++) {
		bool closes;

		(void)snprintf(name, sizeof(name), "n%u", i);
		closes = mf_run_closes(key, name, 500000, 1);
		assert_true(closes == mf_run_closes(key, name, 500000, 7000000));
		differ_key += closes != mf_run_closes(other_key, name, 500000, 1);
		differ_size += closes != mf_run_closes(key, name, 500001, 1);
	}
	assert_true(differ_key > 100 && differ_size > 100);
}

/* The answers are part of the repository: they never change. */
static void
frozen_answers(void **state)
{
	char name[32], got[65];
	unsigned i;

	(void)state;
	for (i = 0; i < 64; i++) {
		(void)snprintf(name, sizeof(name), "model.layers.%u", i);
		got[i] = mf_run_closes(key, name, 800000, 1) ? '1' : '0';
	}
	got[64] = '\0';
	assert_string_equal(
	    got, "0101101000110001011011111000100000101000001011000100001001100101");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(empty_run_never_closes),
	    cmocka_unit_test(full_run_closes),
	    cmocka_unit_test(mean_is_the_target),
	    cmocka_unit_test(depends_on_key_name_and_size_alone),
	    cmocka_unit_test(frozen_answers),
	};

	return cmocka_run_group_tests_name("chunk/run", tests, NULL, NULL);
}
