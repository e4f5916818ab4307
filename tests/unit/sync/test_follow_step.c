/* What to do next: the rules as tables of what is seen, one row after the other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "src/sync/follow_step.h"

#define S UINT64_C(1000000)
#define INTERVAL (60 * S)
#define OLD 1000000 /* seconds since the handle was opened */

#define WAIT MF_FOLLOW_ACT_WAIT
#define AGAIN MF_FOLLOW_ACT_AGAIN
#define PULL MF_FOLLOW_ACT_PULL
#define END MF_FOLLOW_ACT_END
#define TROUBLE MF_FOLLOW_TELL_TROUBLE
#define REMINDER MF_FOLLOW_TELL_REMINDER
#define WELL MF_FOLLOW_TELL_WELL
#define SHOWN MF_FOLLOW_TELL_SHOWN

enum what { LOOK, PULLED, UNOPENED };

struct row {
	uint64_t at_s;
	enum what what;
	enum mf_code code;
	uint64_t sequence;
	bool shown;
	uint64_t open_s; /* for so long; 0: fresh */
	/* and then, with 0 for the random number, so that waits are the shortest: */
	enum mf_follow_act act;
	uint64_t wait_s;
	unsigned tell;
	bool reopen;
};

static void
play(const struct mf_follow_rules *rules, struct mf_follow_state *st, const struct row *rows,
    size_t n)
{
	struct mf_follow_step step;
	size_t i;

	for (i = 0; i < n; i++) {
		const struct row *r = &rows[i];
		const uint64_t now_us = (OLD + r->at_s) * S;
		const struct mf_follow_saw saw = {.of_pull = r->what == PULLED,
		    .opened = r->what != UNOPENED, .fresh = r->open_s == 0,
		    .opened_us = now_us - r->open_s * S, .code = r->code,
		    .sequence = r->sequence, .shown = r->shown};

		step = mf_follow_decide(rules, st, &saw, now_us, 0);
		if (step.act != r->act || step.tell != r->tell || step.reopen != r->reopen ||
		    (step.act == WAIT && step.wait_us != r->wait_s * S))
			fail_msg("row %zu: act %d, wait %llu us, tell %u, reopen %d", i, step.act,
			    (unsigned long long)step.wait_us, step.tell, step.reopen);
	}
}

#define PLAY(rules, st, rows) play(rules, st, rows, sizeof(rows) / sizeof((rows)[0]))

static const struct mf_follow_rules usual = {.interval_us = INTERVAL};

static void
test_moves(void **state)
{
	static const struct row rows[] = {
	    {0, LOOK, MF_OK, 7, false, 0, PULL, 0, 0, false},
	    {9, PULLED, MF_OK, 7, false, 0, WAIT, 45, SHOWN, false},
	    {60, LOOK, MF_OK, 7, true, 60, WAIT, 45, 0, false},
	    {120, LOOK, MF_OK, 8, false, 120, PULL, 0, 0, false},
	    {121, PULLED, MF_OK, 8, false, 121, WAIT, 45, SHOWN, false},
	    /* set again to what it was: nothing to do */
	    {180, LOOK, MF_OK, 9, true, 180, WAIT, 45, 0, false},
	    /* somebody flipped the link: it is flipped back */
	    {240, LOOK, MF_OK, 9, false, 240, PULL, 0, 0, false},
	    {241, PULLED, MF_OK, 9, false, 240, WAIT, 45, SHOWN, false},
	};
	struct mf_follow_state st = {0};

	(void)state;
	PLAY(&usual, &st, rows);
}

static void
test_found_as_it_should_be(void **state)
{
	static const struct row rows[] = {
	    {0, LOOK, MF_OK, 7, true, 0, WAIT, 45, SHOWN, false},
	    {60, LOOK, MF_OK, 7, true, 60, WAIT, 45, 0, false},
	};
	static const struct row filtered[] = {
	    {0, LOOK, MF_OK, 7, true, 0, PULL, 0, 0, false},
	    {1, PULLED, MF_OK, 7, false, 0, WAIT, 45, SHOWN, false},
	    {60, LOOK, MF_OK, 7, true, 60, WAIT, 45, 0, false},
	};
	const struct mf_follow_rules part = {.interval_us = INTERVAL, .pull_first = true};
	struct mf_follow_state st = {0};

	(void)state;
	PLAY(&usual, &st, rows);
	st = (struct mf_follow_state){0};
	PLAY(&part, &st, filtered);
}

/* Told once, then every six hours; waits grow to 5 minutes, and no further. */
static void
test_unreachable_for_days(void **state)
{
	static const struct row rows[] = {
	    {0, LOOK, MF_OK, 7, true, 0, WAIT, 45, SHOWN, false},
	    {60, LOOK, MF_ETRANSFER, 0, false, 60, WAIT, 30, TROUBLE, true},
	    {120, UNOPENED, MF_ETRANSFER, 0, false, 0, WAIT, 60, 0, false},
	    {180, UNOPENED, MF_ETRANSFER, 0, false, 0, WAIT, 120, 0, false},
	    {300, UNOPENED, MF_ETRANSFER, 0, false, 0, WAIT, 150, 0, false},
	    {21600, UNOPENED, MF_ETRANSFER, 0, false, 0, WAIT, 150, 0, false},
	    {21660, UNOPENED, MF_ETRANSFER, 0, false, 0, WAIT, 150, REMINDER, false},
	    {22000, UNOPENED, MF_ETRANSFER, 0, false, 0, WAIT, 150, 0, false},
	    /* another trouble */
	    {22300, UNOPENED, MF_EPERM, 0, false, 0, WAIT, 150, TROUBLE, false},
	    {43260, UNOPENED, MF_EPERM, 0, false, 0, WAIT, 150, 0, false},
	    {300000, UNOPENED, MF_EPERM, 0, false, 0, WAIT, 150, REMINDER, false},
	    {300300, LOOK, MF_OK, 7, true, 0, WAIT, 45, WELL, false},
	    {300360, LOOK, MF_OK, 7, true, 60, WAIT, 45, 0, false},
	    {300420, LOOK, MF_ETRANSFER, 0, false, 120, WAIT, 30, TROUBLE, true},
	    {300450, LOOK, MF_OK, 8, false, 0, PULL, 0, WELL, false},
	};
	struct mf_follow_state st = {0};

	(void)state;
	PLAY(&usual, &st, rows);
}

/* Keys that changed are no trouble; what they do not explain is. */
static void
test_keys_that_changed(void **state)
{
	static const struct row rows[] = {
	    {0, LOOK, MF_OK, 7, true, 0, WAIT, 45, SHOWN, false},
	    {60, LOOK, MF_EKEY, 0, false, 60, AGAIN, 0, 0, true},
	    {60, LOOK, MF_OK, 7, true, 0, WAIT, 45, 0, false},
	    {120, LOOK, MF_OK, 8, false, 60, PULL, 0, 0, false},
	    {121, PULLED, MF_EDAMAGED, 8, false, 60, AGAIN, 0, 0, true},
	    {121, LOOK, MF_OK, 8, false, 0, PULL, 0, 0, false},
	    {122, PULLED, MF_OK, 8, false, 0, WAIT, 45, SHOWN, false},
	    {180, LOOK, MF_ENOTFOUND, 0, false, 60, AGAIN, 0, 0, true},
	    {180, LOOK, MF_ENOTFOUND, 0, false, 0, WAIT, 45, TROUBLE, false},
	    {240, LOOK, MF_ENOTFOUND, 0, false, 60, WAIT, 45, 0, false},
	    /* again after 5 minutes */
	    {480, LOOK, MF_ENOTFOUND, 0, false, 300, WAIT, 45, 0, true},
	    {540, LOOK, MF_OK, 8, true, 0, WAIT, 45, WELL, false},
	};
	struct mf_follow_state st = {0};

	(void)state;
	PLAY(&usual, &st, rows);
}

/* An older ref: refused, and looked at as often as ever. */
static void
test_refused(void **state)
{
	static const struct row rows[] = {
	    {0, LOOK, MF_EKEY, 0, false, 0, WAIT, 45, TROUBLE, false},
	    {60, LOOK, MF_EKEY, 0, false, 60, WAIT, 45, 0, false},
	    {120, LOOK, MF_EKEY, 0, false, 120, WAIT, 45, 0, false},
	    {180, LOOK, MF_OK, 9, false, 180, PULL, 0, WELL, false},
	};
	struct mf_follow_state st = {0};

	(void)state;
	PLAY(&usual, &st, rows);
}

/* One that does not verify is told once, and tried after growing waits; looks go on, and another
 * version is pulled at once. */
static void
test_a_version_that_does_not_verify(void **state)
{
	static const struct row rows[] = {
	    {0, LOOK, MF_OK, 7, true, 0, WAIT, 45, SHOWN, false},
	    {60, LOOK, MF_OK, 8, false, 0, PULL, 0, 0, false},
	    {60, PULLED, MF_EDAMAGED, 8, false, 0, WAIT, 30, TROUBLE, false},
	    {80, LOOK, MF_OK, 8, false, 20, WAIT, 10, 0, false},
	    {90, LOOK, MF_OK, 8, false, 30, PULL, 0, 0, false},
	    {90, PULLED, MF_EDAMAGED, 8, false, 30, WAIT, 45, 0, false},
	    {135, LOOK, MF_OK, 8, false, 75, WAIT, 15, 0, false},
	    {150, LOOK, MF_OK, 8, false, 90, PULL, 0, 0, false},
	    {150, PULLED, MF_EDAMAGED, 8, false, 90, WAIT, 45, 0, false},
	    /* looks that fail in between are another matter */
	    {160, LOOK, MF_ETRANSFER, 0, false, 100, WAIT, 30, TROUBLE, true},
	    {190, LOOK, MF_OK, 8, false, 0, WAIT, 45, WELL, false},
	    {269, LOOK, MF_OK, 8, false, 60, WAIT, 1, 0, false},
	    {270, LOOK, MF_OK, 8, false, 60, PULL, 0, 0, false},
	    {270, PULLED, MF_EDAMAGED, 8, false, 60, WAIT, 45, 0, false},
	    /* the ref moves on */
	    {300, LOOK, MF_OK, 9, false, 90, PULL, 0, 0, false},
	    {300, PULLED, MF_EDAMAGED, 9, false, 0, WAIT, 30, TROUBLE, false},
	    /* and back to what is shown */
	    {330, LOOK, MF_OK, 10, true, 30, WAIT, 45, WELL | SHOWN, false},
	    {400, LOOK, MF_OK, 11, false, 60, PULL, 0, 0, false},
	    {400, PULLED, MF_OK, 11, false, 60, WAIT, 45, SHOWN, false},
	};
	struct mf_follow_state st = {0};

	(void)state;
	PLAY(&usual, &st, rows);
}

static void
test_full_disk(void **state)
{
	static const struct row rows[] = {
	    {0, LOOK, MF_OK, 8, false, 0, PULL, 0, 0, false},
	    {1, PULLED, MF_ENOSPC, 8, false, 0, WAIT, 30, TROUBLE, false},
	    {31, LOOK, MF_OK, 8, false, 30, PULL, 0, 0, false},
	    {32, PULLED, MF_ENOSPC, 8, false, 31, WAIT, 45, 0, false},
	    {92, LOOK, MF_OK, 8, false, 91, PULL, 0, 0, false},
	    {93, PULLED, MF_OK, 8, false, 92, WAIT, 45, WELL | SHOWN, false},
	};
	struct mf_follow_state st = {0};

	(void)state;
	PLAY(&usual, &st, rows);
}

/* What ends it before the directory was at the ref once does not end it afterwards. */
static void
test_ends(void **state)
{
	static const struct {
		enum what what;
		enum mf_code code;
		bool first, later;
	} cases[] = {
	    {UNOPENED, MF_EKEY, true, false}, {UNOPENED, MF_ENOTFOUND, true, false},
	    {UNOPENED, MF_EUSAGE, true, false}, {UNOPENED, MF_EPERM, true, false},
	    {UNOPENED, MF_ETRANSFER, false, false}, {UNOPENED, MF_ENOMEM, false, false},
	    {UNOPENED, MF_EINTERRUPTED, true, true}, {LOOK, MF_EUSAGE, true, false},
	    {LOOK, MF_ENOTFOUND, false, false}, {LOOK, MF_EKEY, false, false},
	    {LOOK, MF_EDAMAGED, false, false}, {PULLED, MF_EEXIST, true, false},
	    {PULLED, MF_EUNSUPPORTED, true, false}, {PULLED, MF_EKEY, false, false},
	    {PULLED, MF_ECONFLICT, false, false}, {PULLED, MF_ENOSPC, false, false},
	    {PULLED, MF_EINTERRUPTED, true, true}, {PULLED, MF_ECLOSED, true, true},
	};
	const struct mf_follow_rules once = {.interval_us = INTERVAL, .once = true};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct mf_follow_saw saw = {.of_pull = cases[i].what == PULLED,
		    .opened = cases[i].what != UNOPENED, .fresh = true, .code = cases[i].code};
		struct mf_follow_state first = {0}, later = {.opened = true, .ever_shown = true};
		struct mf_follow_state other = {0};

		if ((mf_follow_decide(&usual, &first, &saw, S, 0).act == END) != cases[i].first)
			fail_msg("case %zu, before", i);
		if ((mf_follow_decide(&usual, &later, &saw, S, 0).act == END) != cases[i].later)
			fail_msg("case %zu, later", i);
		assert_int_equal(mf_follow_decide(&once, &other, &saw, S, 0).act, END);
	}
}

static void
test_once(void **state)
{
	static const struct row there[] = {{0, LOOK, MF_OK, 7, true, 0, END, 0, SHOWN, false}};
	static const struct row pulls[] = {
	    {0, LOOK, MF_OK, 7, false, 0, PULL, 0, 0, false},
	    {1, PULLED, MF_OK, 7, false, 0, END, 0, SHOWN, false},
	};
	const struct mf_follow_rules once = {.interval_us = INTERVAL, .once = true};
	struct mf_follow_state st = {0};

	(void)state;
	PLAY(&once, &st, there);
	st = (struct mf_follow_state){0};
	PLAY(&once, &st, pulls);
}

/* Waits keep to their limits, whatever the random number, and use all that lies between. */
static void
test_jitter(void **state)
{
	const uint64_t intervals[] = {S / 10, S, INTERVAL, 1000 * S, (uint64_t)INT64_MAX / 4};
	const struct mf_follow_saw fine = {.opened = true, .sequence = 1, .shown = true};
	const struct mf_follow_saw bad = {.opened = true, .fresh = true, .code = MF_ETRANSFER};
	const struct mf_follow_saw broken = {.opened = true, .fresh = true, .of_pull = true,
	    .sequence = 1, .code = MF_EDAMAGED};
	uint64_t random = 1, us, low, high, cap;
	size_t i;
	int k;

	(void)state;
	for (i = 0; i < sizeof intervals / sizeof intervals[0]; i++) {
		const struct mf_follow_rules rules = {.interval_us = intervals[i]};
		struct mf_follow_state st = {0};

		low = UINT64_MAX;
		high = 0;
		for (k = 0; k < 1000; k++) {
			random = random * UINT64_C(6364136223846793005) + 1442695040888963407u;
			us = mf_follow_decide(&rules, &st, &fine, S, random).wait_us;
			low = us < low ? us : low;
			high = us > high ? us : high;
		}
		assert_true(low >= intervals[i] / 4 * 3 && low < intervals[i] / 5 * 4);
		assert_true(high <= intervals[i] / 4 * 5 + 4 && high > intervals[i] / 5 * 6 - 4);
		cap = intervals[i] > MF_FOLLOW_BACKOFF_MAX_US ? intervals[i]
							      : MF_FOLLOW_BACKOFF_MAX_US;
		for (k = 0; k < 1000; k++) {
			random = random * UINT64_C(6364136223846793005) + 1442695040888963407u;
			us = mf_follow_decide(&rules, &st, &bad, S, random).wait_us;
			assert_true(us <= cap);
		}
		assert_true(us >= cap / 2);
		cap = intervals[i] > MF_FOLLOW_AGAIN_MAX_US ? intervals[i] : MF_FOLLOW_AGAIN_MAX_US;
		for (k = 0; k < 1000; k++) {
			random = random * UINT64_C(6364136223846793005) + 1442695040888963407u;
			us = mf_follow_decide(&rules, &st, &broken, S, random).wait_us;
			assert_true(us <= intervals[i] / 4 * 5 + 4);
			assert_true(st.pull_at_us <= S + cap);
		}
		assert_true(st.pull_at_us >= S + cap / 2);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_moves),
	    cmocka_unit_test(test_found_as_it_should_be),
	    cmocka_unit_test(test_unreachable_for_days),
	    cmocka_unit_test(test_keys_that_changed),
	    cmocka_unit_test(test_refused),
	    cmocka_unit_test(test_a_version_that_does_not_verify),
	    cmocka_unit_test(test_full_disk),
	    cmocka_unit_test(test_ends),
	    cmocka_unit_test(test_once),
	    cmocka_unit_test(test_jitter),
	};

	return cmocka_run_group_tests_name("what to do next when following", tests, NULL, NULL);
}
