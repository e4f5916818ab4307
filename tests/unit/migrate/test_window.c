/* When steps forward may happen. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "src/migrate/migrate.h"

#define MONDAY INT64_C(1769990400) /* 2026-02-02T00:00:00Z */
#define HOUR 3600
#define DAY 86400

static void
test_windows(void **state)
{
	static const struct mf_window_plan windows[] = {
	    {.from_minute = 9 * 60, .to_minute = 17 * 60},         /* Monday 9 to 17 */
	    {.from_minute = 6 * 1440 + 22 * 60, .to_minute = 120}, /* Sunday 22 to Monday 2 */
	};
	static const struct mf_freeze_plan freezes[] = {
	    {.from_unix_s = MONDAY + 10 * HOUR, .to_unix_s = MONDAY + 11 * HOUR}};
	static const struct {
		int64_t at;
		bool may;
	} rows[] = {
	    {MONDAY + 9 * HOUR - 1, false},
	    {MONDAY + 9 * HOUR, true},
	    {MONDAY + 10 * HOUR, false},
	    {MONDAY + 11 * HOUR, true},
	    {MONDAY + 17 * HOUR - 1, true},
	    {MONDAY + 17 * HOUR, false},
	    {MONDAY + DAY + 12 * HOUR, false},
	    {MONDAY - 2 * HOUR, true},
	    {MONDAY, true},
	    {MONDAY + 2 * HOUR, false},
	};
	struct mf_migration_plan plan = {
	    .windows = windows, .n_windows = 2, .freezes = freezes, .n_freezes = 1};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (mf_migrate_may_step(&plan, rows[i].at) != rows[i].may)
			fail_msg("row %zu", i);
	plan.n_windows = 0;
	assert_true(mf_migrate_may_step(&plan, MONDAY + 20 * HOUR));
	assert_false(mf_migrate_may_step(&plan, MONDAY + 10 * HOUR));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_windows)};

	return cmocka_run_group_tests_name("windows", tests, NULL, NULL);
}
