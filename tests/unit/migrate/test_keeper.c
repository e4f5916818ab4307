/* The thread that speaks with the repository: what it mirrors, reads and renews, and what it says
 * when the leases are gone. */
#include "config.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "src/base/fs.h"
#include "src/migrate/keeper.h"
#include "src/state/journal.h"
#include "tests/unit/repo/repo_fixture.h"
#include "tests/unit/transfers/scratch.h"

#define TERM_US UINT64_C(30000000)
#define LONG_US UINT64_C(20000000) /* of real time: only a failure takes so long */

static _Atomic int64_t clock_us;

static int64_t
boot_us(void)
{
	return clock_us;
}

static uint64_t
lease_us(void *arg)
{
	(void)arg;
	return (uint64_t)clock_us;
}

static int64_t
lease_unix_us(void *arg)
{
	(void)arg;
	return FIXTURE_NOW_US;
}

struct run {
	struct fixture *f;
	char dir[SCRATCH_PATH];
	struct mf_journal *journal, *mirror;
	struct mf_lease_set leases;
	struct mf_keeper *keeper;
};

static struct mf_lease_params
params_of(uint8_t who, enum mf_lease_kind kind)
{
	struct mf_lease_params p = {
	    .kind = kind,
	    .name = kind == MF_LEASE_TRAFFIC ? "haproxy:churn" : "churn@production",
	    .holder = who == 1 ? "first" : "second",
	    .duration_us = TERM_US,
	    .now_us = lease_us,
	    .unix_us = lease_unix_us,
	};

	memset(p.instance, who, sizeof p.instance);
	return p;
}

static void
add_line(struct run *r, enum mf_journal_kind kind, const char *text)
{
	struct mf_journal_line line = {.kind = kind,
	    .tick = 1,
	    .phase = "Progressing",
	    .time_us = FIXTURE_NOW_US,
	    .bytes = text,
	    .n = strlen(text)};
	struct mf_error e = {0};

	fixture_expect_ok(
	    mf_journal_append(r->journal, "run-1", &line, NULL, &e), &e, "the journal");
}

static void
begin(struct run *r, void **state)
{
	struct mf_journal_run head = {.id = "run-1",
	    .plan_digest = "d",
	    .plan_name = "p",
	    .model = FIXTURE_MODEL,
	    .destination = "v2",
	    .begun_us = FIXTURE_NOW_US};
	struct mf_lease_params p[] = {params_of(1, MF_LEASE_TRAFFIC), params_of(1, MF_LEASE_REF)};
	struct mf_keeper_params k = {
	    .run = "run-1", .leases = &r->leases, .unix_us = fixture_now_us, .boot_us = boot_us};
	uint8_t former[MF_JOURNAL_INSTANCE_BYTES];
	struct mf_error e = {0};

	*r = (struct run){.f = *state};
	clock_us = 1000000;
	scratch_make(r->dir);
	fixture_expect_ok(mf_journal_open(r->dir, &r->journal, &e), &e, "a journal");
	fixture_expect_ok(mf_journal_open(r->dir, &r->mirror, &e), &e, "a journal");
	fixture_expect_ok(mf_journal_begin(r->journal, &head, &e), &e, "a run");
	assert_true(mf_journal_claim(r->journal, "run-1", p[0].instance, former, &e) >= 0);
	fixture_expect_ok(mf_lease_set_init(&r->leases, r->f->repo, p, 2, &e), &e, "leases");
	assert_int_equal(mf_lease_set_take(&r->leases, NULL, NULL, NULL, &e), 0);
	k.repo = r->f->repo;
	k.journal = r->mirror;
	fixture_expect_ok(mf_keeper_start(&r->keeper, &k, &e), &e, "a keeper");
}

static void
end(struct run *r)
{
	mf_keeper_stop(r->keeper, 0);
	mf_lease_set_fini(&r->leases);
	mf_journal_close(r->mirror);
	mf_journal_close(r->journal);
	scratch_remove(r->dir);
}

static int
count_line(void *arg, const struct mf_journal_line *line)
{
	unsigned *n = arg;

	(void)line;
	++*n;
	return 0;
}

static void
test_mirror(void **state)
{
	static const char view[] = "{}";
	struct mf_run_beat beat = {.tick = 7, .canary_weight = 40, .phase = "Progressing"};
	struct mf_run_beat read;
	struct mf_buf plain;
	struct mf_error e = {0};
	uint64_t age_us;
	unsigned n = 0, tries;
	struct run r;

	begin(&r, state);
	add_line(&r, MF_JOURNAL_ACT, "route:60/40");
	assert_true(mf_keeper_mirror(r.keeper, LONG_US));
	assert_int_equal(mf_run_each(r.f->repo, "run-1", count_line, &n, &e), 0);
	assert_int_equal(n, 1);
	/* nobody waits for a heartbeat */
	beat.token = mf_keeper_token(r.keeper);
	beat.view = view;
	beat.n_view = strlen(view);
	mf_keeper_beat(r.keeper, &beat);
	for (tries = 0; tries < 2000; tries++) {
		if (mf_run_last_beat(r.f->repo, "run-1", &read, &plain, &age_us, &e) == 0)
			break;
		mf_buf_fini(&plain);
		(void)nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
	}
	assert_true(tries < 2000);
	assert_int_equal(read.tick, 7);
	assert_int_equal(read.canary_weight, 40);
	assert_int_equal(read.n_view, strlen(view));
	assert_memory_equal(read.view, view, strlen(view));
	mf_buf_fini(&plain);
	end(&r);
}

/* No tick for a long time: the thread says that there is still somebody. */
static void
test_beats_go_on(void **state)
{
	struct mf_run_beat beat = {.tick = 7, .time_us = 1, .phase = "deliver"};
	struct mf_run_beat read = {0};
	struct mf_buf plain;
	struct mf_error e = {0};
	uint64_t age_us;
	unsigned tries;
	struct run r;

	begin(&r, state);
	assert_true(mf_keeper_mirror(r.keeper, LONG_US));
	mf_keeper_beat(r.keeper, &beat);
	for (tries = 0; read.time_us != FIXTURE_NOW_US; tries++) {
		assert_true(tries < 2000);
		if (mf_run_last_beat(r.f->repo, "run-1", &read, &plain, &age_us, &e) == 0 &&
		    read.time_us == 1)
			clock_us = 40000000; /* past the leases, which it takes anew */
		mf_buf_fini(&plain);
		(void)nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
	}
	assert_int_equal(read.tick, 7);
	end(&r);
}

/* The last word of a process that ends is put before it does. */
static void
test_last_beat(void **state)
{
	struct mf_run_beat beat = {.tick = 8, .time_us = 1, .phase = "Progressing"};
	struct mf_run_beat read = {0};
	struct mf_buf plain;
	struct mf_error e = {0};
	uint64_t age_us;
	struct run r;

	begin(&r, state);
	assert_true(mf_keeper_mirror(r.keeper, LONG_US));
	mf_keeper_beat(r.keeper, &beat);
	mf_keeper_stop(r.keeper, LONG_US);
	r.keeper = NULL;
	assert_int_equal(mf_run_last_beat(r.f->repo, "run-1", &read, &plain, &age_us, &e), 0);
	assert_int_equal(read.tick, 8);
	mf_buf_fini(&plain);
	end(&r);
}

static void
test_controls(void **state)
{
	struct mf_control control = {
	    .verb = MF_CONTROL_ABORT, .time_us = FIXTURE_NOW_US, .by = "me"};
	struct mf_control got;
	struct mf_error e = {0};
	unsigned tries;
	struct run r;

	begin(&r, state);
	assert_false(mf_keeper_take_control(r.keeper, &got));
	assert_true(mf_keeper_mirror(r.keeper, LONG_US)); /* the repository knows of the run */
	fixture_expect_ok(mf_control_put(r.f->repo, "run-1", &control, NULL, &e), &e, "a control");
	for (tries = 0; !mf_keeper_take_control(r.keeper, &got); tries++) {
		assert_true(tries < 2000);
		clock_us += 100000; /* the next look is due at some time */
		if (clock_us > 20000000)
			clock_us = 20000000;
		(void)nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
	}
	assert_int_equal(got.verb, MF_CONTROL_ABORT);
	assert_string_equal(got.by, "me");
	assert_false(mf_keeper_take_control(r.keeper, &got)); /* once */
	end(&r);
}

/* A process that stood still past its leases: somebody else has one of them by now, or had it. */
static void
lose(void **state, enum mf_lease_kind kind, bool lets_go)
{
	struct mf_lease_params p = params_of(2, kind);
	struct mf_lease_set other;
	struct mf_error e = {0};
	struct run r;

	begin(&r, state);
	assert_true(mf_keeper_may_go_forward(r.keeper, 10000000, 0));
	assert_false(mf_keeper_may_go_forward(r.keeper, TERM_US, 0));
	assert_true(mf_keeper_may_go_back(r.keeper, LONG_US));
	/* it ends, and the lease with it; the other one takes it while it still believes */
	mf_keeper_stop(r.keeper, 0);
	fixture_expect_ok(mf_lease_set_init(&other, r.f->repo, &p, 1, &e), &e, "leases");
	assert_int_equal(mf_lease_set_take(&other, NULL, NULL, NULL, &e), 1);
	clock_us += 2 * (int64_t)TERM_US;
	assert_int_equal(mf_lease_set_take(&other, NULL, NULL, NULL, &e), 0);
	if (lets_go)
		assert_int_equal(mf_lease_set_release(&other, &e), 0);
	{
		struct mf_keeper_params k = {.repo = r.f->repo,
		    .run = "run-1",
		    .leases = &r.leases,
		    .journal = r.mirror,
		    .unix_us = fixture_now_us,
		    .boot_us = boot_us};

		fixture_expect_ok(mf_keeper_start(&r.keeper, &k, &e), &e, "a keeper");
	}
	assert_false(mf_keeper_may_go_forward(r.keeper, 1, 0));
	assert_false(mf_keeper_may_go_back(r.keeper, LONG_US));
	assert_true(mf_keeper_is_lost(r.keeper));
	mf_lease_set_fini(&other);
	end(&r);
}

static void
test_lost(void **state)
{
	lose(state, MF_LEASE_TRAFFIC, false);
}

static void
test_had_by_another(void **state)
{
	lose(state, MF_LEASE_REF, true);
}

/* The repository was away for longer than the leases last, and nobody took them: they are ours
 * again, and what is mirrored carries the new token. */
static void
test_taken_anew(void **state)
{
	struct run r;
	uint64_t token;

	begin(&r, state);
	add_line(&r, MF_JOURNAL_ACT, "route:60/40");
	assert_true(mf_keeper_mirror(r.keeper, LONG_US));
	token = mf_keeper_token(r.keeper);
	/* too much of an act for any lease: they are renewed all the same, and keep their tokens */
	assert_false(mf_keeper_may_go_forward(r.keeper, TERM_US, LONG_US));
	assert_int_equal(mf_keeper_token(r.keeper), token);
	clock_us += 2 * (int64_t)TERM_US;
	/* it may have noticed by itself by now */
	assert_true(mf_keeper_may_go_back(r.keeper, LONG_US));
	assert_true(mf_keeper_may_go_forward(r.keeper, 10000000, 0));
	assert_true(mf_keeper_token(r.keeper) > token);
	add_line(&r, MF_JOURNAL_ACT, "route:20/80");
	assert_true(mf_keeper_mirror(r.keeper, LONG_US));
	end(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_mirror, fixture_setup, fixture_teardown),
	    cmocka_unit_test_setup_teardown(test_beats_go_on, fixture_setup, fixture_teardown),
	    cmocka_unit_test_setup_teardown(test_last_beat, fixture_setup, fixture_teardown),
	    cmocka_unit_test_setup_teardown(test_controls, fixture_setup, fixture_teardown),
	    cmocka_unit_test_setup_teardown(test_taken_anew, fixture_setup, fixture_teardown),
	    cmocka_unit_test_setup_teardown(test_lost, fixture_setup, fixture_teardown),
	    cmocka_unit_test_setup_teardown(test_had_by_another, fixture_setup, fixture_teardown),
	};

	return cmocka_run_group_tests_name("keeper", tests, NULL, NULL);
}
