/* Who resumes a run: was it left alone with traffic on the canary for longer than the plan allows?
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "src/migrate/migrate_int.h"

#define SECOND INT64_C(1000000)
#define MINUTE (60 * SECOND)
#define LAST (INT64_C(1769860800) * SECOND) /* of the journal's last line */

static int64_t
boot_us(void)
{
	return 0;
}

static void
rows(void **state)
{
	static const struct {
		const char *what;
		int64_t away_us, max_us; /* since the last line; of the plan, 0: it has no word */
		unsigned weight;
		enum mf_phase phase;
		enum mf_reason reason;
		uint64_t unattended_us;
		bool left;
	} table[] = {
	    {"at once", 0, 0, 40, MF_PHASE_PROGRESSING, MF_REASON_NONE, 0, false},
	    {"its next tick was not due", 59 * SECOND, SECOND, 40, MF_PHASE_PROGRESSING,
		MF_REASON_NONE, 0, false},
	    {"as long as it may be", 11 * MINUTE, 0, 40, MF_PHASE_PROGRESSING, MF_REASON_NONE,
		10 * MINUTE, false},
	    {"longer", 11 * MINUTE + 1, 0, 40, MF_PHASE_PROGRESSING, MF_REASON_NONE,
		10 * MINUTE + 1, true},
	    {"longer, in the bake", 11 * MINUTE + 1, 0, 100, MF_PHASE_BAKING, MF_REASON_NONE,
		10 * MINUTE + 1, true},
	    {"as the plan says", 3 * MINUTE, MINUTE, 40, MF_PHASE_PROGRESSING, MF_REASON_NONE,
		2 * MINUTE, true},
	    {"nothing was with the canary", 60 * MINUTE, 0, 0, MF_PHASE_PROGRESSING, MF_REASON_NONE,
		59 * MINUTE, false},
	    {"it was on its way back", 60 * MINUTE, 0, 40, MF_PHASE_PROGRESSING,
		MF_REASON_THRESHOLD, 59 * MINUTE, false},
	    {"it had ended", 60 * MINUTE, 0, 100, MF_PHASE_SUCCEEDED, MF_REASON_NONE, 59 * MINUTE,
		false},
	    {"a wall clock that was set back", -60 * MINUTE, 0, 40, MF_PHASE_PROGRESSING,
		MF_REASON_NONE, 0, false},
	};
	struct mf_canary_plan canary = {.interval_us = (uint64_t)MINUTE};
	struct mf_migrate_params p = {.boot_us = boot_us};
	struct mf_migration_plan m = {.name = "churn"};
	struct mf_migrating *x;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof table / sizeof table[0]; i++) {
		x = test_calloc(1, sizeof *x);
		m.max_unattended_us = (uint64_t)table[i].max_us;
		x->p = &p;
		x->m = &m;
		x->canary = &canary;
		x->clock_base_us = (uint64_t)(LAST + table[i].away_us);
		mf_engine_canary(&x->engine, &canary);
		x->engine.state.canary.weight = table[i].weight;
		x->engine.state.canary.phase = table[i].phase;
		x->engine.state.canary.reason = table[i].reason;
		mf_migrating_look_unattended(x, LAST);
		if (x->unattended_us != table[i].unattended_us ||
		    mf_migrating_was_left(x) != table[i].left)
			fail_msg("%s: %llu us, %s", table[i].what,
			    (unsigned long long)x->unattended_us, table[i].left ? "kept" : "left");
		test_free(x);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(rows)};

	return cmocka_run_group_tests_name("migrate/unattended", tests, NULL, NULL);
}
