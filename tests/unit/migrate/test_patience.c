/* How long servers may take to load what is carried. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "src/migrate/migrate_int.h"

#define SECOND UINT64_C(1000000)
#define GB UINT64_C(1000000000)

static void
test_patience_us(void **state)
{
	static const struct {
		uint64_t least_s, bytes, rate_bps, want_s;
	} rows[] = {
	    {600, 0, 0, 600},
	    {600, 500 * GB, 0, 600},
	    {600, 500 * GB, GB / 2, 1500},
	    {600, 100 * GB, GB / 2, 600},
	    {60, 100 * GB, GB / 2, 300},
	    {600, 0, GB, 600},
	    {600, UINT64_MAX, 1, 30 * 86400},
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof rows / sizeof rows[0]; i++)
		assert_int_equal(mf_migrate_patience_us(rows[i].least_s * SECOND, rows[i].bytes,
				     rows[i].rate_bps),
		    rows[i].want_s * SECOND);
}

/* What the document says itself stays; its default does not. */
static void
test_ready_deadline(void **state)
{
	struct mf_canary_plan canary = {.progress_deadline_us = 600 * SECOND};
	const struct mf_migration_plan m = {.load_rate_bps = GB / 2};
	struct mf_migrating x = {.canary = &canary, .m = &m};

	(void)state;
	assert_int_equal(mf_migrating_ready_deadline(&x), 600 * SECOND);
	mf_migrating_know_size(&x, 500 * GB);
	assert_int_equal(mf_migrating_ready_deadline(&x), 1500 * SECOND);
	canary.has_progress_deadline = true;
	assert_int_equal(mf_migrating_ready_deadline(&x), 600 * SECOND);
}

static void
test_rollout(void **state)
{
	struct mf_rollout_plan rollout = {.progress_deadline_us = 600 * SECOND};
	const struct mf_plan plan = {.rollout = &rollout};
	const struct mf_migrate_params p = {.plan = &plan};
	const struct mf_migration_plan m = {.load_rate_bps = GB};
	struct mf_migrating x = {.p = &p, .m = &m, .rollout = rollout};

	(void)state;
	x.engine.rollout_plan = &x.rollout;
	mf_migrating_know_size(&x, 1000 * GB);
	assert_int_equal(x.rollout.progress_deadline_us, 1500 * SECOND);
	mf_migrating_know_size(&x, GB);
	assert_int_equal(x.rollout.progress_deadline_us, 600 * SECOND);
	x.rollout.has_progress_deadline = true;
	mf_migrating_know_size(&x, 1000 * GB);
	assert_int_equal(x.rollout.progress_deadline_us, 600 * SECOND);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_patience_us),
	    cmocka_unit_test(test_ready_deadline),
	    cmocka_unit_test(test_rollout),
	};

	return cmocka_run_group_tests_name("how long a model is waited for", tests, NULL, NULL);
}
