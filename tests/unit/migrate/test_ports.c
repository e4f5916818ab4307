/* What a tick writes by itself, before any act of the engine: the same share with other numbers, as
 * servers come and go. Like every write it needs the leases, and carries their token. */
#include "config.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/fs.h"
#include "src/migrate/migrate_int.h"
#include "src/state/journal.h"
#include "tests/unit/repo/repo_fixture.h"
#include "tests/unit/transfers/scratch.h"

#define TERM_US UINT64_C(30000000)

/* What it says of its weights lies beside it. */
static const char program[] = "read -r question\n"
			      "case $question in\n"
			      "*'\"set\"'*) echo \"$question\" >>\"$0.set\"; echo '{}' ;;\n"
			      "*capabilities*) echo '{\"capacity\":true}' ;;\n"
			      "*) cat \"$0.says\" ;;\n"
			      "esac\n";

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

static bool
never(void)
{
	return false;
}

static const struct mf_canary_plan canary = {.name = "",
    .namespace_name = "",
    .provider = "",
    .profile = MF_PROFILE_MIGRATION,
    .interval_us = 1000000,
    .progress_deadline_us = 1000000,
    .primary_ready_threshold = 75,
    .canary_ready_threshold = 100};

struct run {
	struct fixture *f;
	char dir[SCRATCH_PATH], script[SCRATCH_PATH + 8], sets[SCRATCH_PATH + 16];
	char answer[SCRATCH_PATH + 16];
	const char *command[3];
	struct mf_plan plan;
	struct mf_migration_plan m;
	struct mf_migrate_params p;
	struct mf_journal *mirror;
	struct mf_migrating x;
};

static struct mf_lease_params
params_of(uint8_t who)
{
	struct mf_lease_params p = {
	    .kind = MF_LEASE_TRAFFIC,
	    .name = "exec:it",
	    .holder = who == 1 ? "first" : "second",
	    .duration_us = TERM_US,
	    .now_us = lease_us,
	    .unix_us = lease_unix_us,
	};

	memset(p.instance, who, sizeof p.instance);
	return p;
}

static void
keep(struct run *r)
{
	struct mf_keeper_params k = {.repo = r->f->repo,
	    .run = "run-1",
	    .leases = &r->x.leases,
	    .journal = r->mirror,
	    .unix_us = fixture_now_us,
	    .boot_us = boot_us};
	struct mf_error e = {0};

	fixture_expect_ok(mf_keeper_start(&r->x.keeper, &k, &e), &e, "a keeper");
}

static void
put_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static struct run *
begin(void **state)
{
	struct run *r = calloc(1, sizeof *r);
	struct mf_lease_params lease = params_of(1);
	struct mf_error e = {0};

	assert_non_null(r);
	r->f = *state;
	clock_us = 1000000;
	scratch_make(r->dir);
	(void)snprintf(r->script, sizeof r->script, "%s/it", r->dir);
	(void)snprintf(r->sets, sizeof r->sets, "%s.set", r->script);
	(void)snprintf(r->answer, sizeof r->answer, "%s.says", r->script);
	put_file(r->script, program);
	r->command[0] = "/bin/sh";
	r->command[1] = r->script;
	r->m = (struct mf_migration_plan){
	    .name = "p", .router = {.type = MF_ROUTER_EXEC, .command = r->command}};
	r->plan.migration = &r->m;
	r->p = (struct mf_migrate_params){.plan = &r->plan,
	    .run_id = "run-1",
	    .actor = "me",
	    .repo = r->f->repo,
	    .unix_us = fixture_now_us,
	    .boot_us = boot_us,
	    .interrupted = never};
	r->x.p = &r->p;
	r->x.m = &r->m;
	r->x.canary = &canary;
	mf_engine_canary(&r->x.engine, &canary);
	mf_canary_start(&r->x.engine.state.canary, "v2", "v1");
	r->x.engine.state.canary.weight = 40;
	put_file(r->answer, "{\"primary\":60,\"canary\":40}");
	fixture_expect_ok(mf_migrating_open(&r->x, &e), &e, "a world");
	fixture_expect_ok(mf_world_check_router(r->x.world, &e), &e, "a router");
	fixture_expect_ok(mf_journal_open(r->dir, &r->mirror, &e), &e, "a journal");
	fixture_expect_ok(mf_lease_set_init(&r->x.leases, r->f->repo, &lease, 1, &e), &e, "leases");
	assert_int_equal(mf_lease_set_take(&r->x.leases, NULL, NULL, NULL, &e), 0);
	keep(r);
	return r;
}

static void
end(struct run *r)
{
	mf_keeper_stop(r->x.keeper, 0);
	r->x.keeper = NULL;
	mf_migrating_close(&r->x);
	mf_journal_close(r->mirror);
	scratch_remove(r->dir);
	free(r);
}

/* How often it was told to set weights since the last time; each time with that text. */
static unsigned
sets(struct run *r, const char *with)
{
	char line[512];
	FILE *f = fopen(r->sets, "r");
	unsigned n = 0;

	if (f == NULL)
		return 0;
	for (; fgets(line, sizeof line, f) != NULL; n++)
		if (strstr(line, with) == NULL)
			fail_msg("%s: not in %s", with, line);
	(void)fclose(f);
	assert_int_equal(remove(r->sets), 0);
	return n;
}

static void
test_share(void **state)
{
	struct mf_lease_params other = params_of(2);
	struct mf_canary_tick tick = {0};
	struct mf_lease_set theirs;
	struct mf_error e = {0};
	struct run *r = begin(state);
	char token[48];

	(void)snprintf(token, sizeof token, "\"token\":\"%llu\"",
	    (unsigned long long)mf_keeper_token(r->x.keeper));
	/* two of three primaries are gone: what should be 40 % is more */
	put_file(r->answer, "{\"primary\":60,\"canary\":40,\"canaryShare\":67}");
	r->x.ports.observe(r->x.ports.arg, &tick);
	assert_int_equal(tick.canary_weight, 40);
	assert_int_equal(sets(r, token), 1);
	/* it stands still past its lease, somebody else takes the run over, and it goes on */
	mf_keeper_stop(r->x.keeper, 0);
	fixture_expect_ok(mf_lease_set_init(&theirs, r->f->repo, &other, 1, &e), &e, "leases");
	assert_int_equal(mf_lease_set_take(&theirs, NULL, NULL, NULL, &e), 1);
	clock_us += 2 * (int64_t)TERM_US;
	assert_int_equal(mf_lease_set_take(&theirs, NULL, NULL, NULL, &e), 0);
	keep(r);
	r->x.ports.observe(r->x.ports.arg, &tick);
	assert_int_equal(sets(r, token), 0);
	assert_true(mf_keeper_is_lost(r->x.keeper));
	mf_lease_set_fini(&theirs);
	end(r);
}

/* How many servers are up, against the plan's thresholds: percent of them, rounded down. */
static void
test_ready(void **state)
{
	static const struct {
		unsigned primary_up, primaries, canary_up, canaries;
		enum mf_ready primary, canary;
	} rows[] = {
	    {4, 4, 2, 2, MF_READY, MF_READY}, {3, 4, 2, 2, MF_READY, MF_READY},
	    {2, 4, 1, 2, MF_READY_FEW, MF_READY_FEW},
	    {2, 3, 1, 1, MF_READY, MF_READY}, /* 75 % of 3 is 2 */
	    {1, 4, 0, 2, MF_READY_FEW, MF_READY_WAIT}, {0, 4, 2, 2, MF_READY_DEAD, MF_READY},
	    {1, 0, 1, 0, MF_READY, MF_READY}, /* it does not say of how many */
	};
	struct mf_canary_tick tick;
	struct run *r = begin(state);
	char text[200];
	size_t i;

	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		(void)snprintf(text, sizeof text,
		    "{\"primary\":60,\"canary\":40,\"primaryUp\":%u,\"primaryServers\":%u,"
		    "\"canaryUp\":%u,\"canaryServers\":%u}",
		    rows[i].primary_up, rows[i].primaries, rows[i].canary_up, rows[i].canaries);
		put_file(r->answer, text);
		tick = (struct mf_canary_tick){0};
		r->x.ports.observe(r->x.ports.arg, &tick);
		if (tick.primary != rows[i].primary || tick.canary != rows[i].canary)
			fail_msg("row %zu: %d %d", i, tick.primary, tick.canary);
	}
	end(r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_share, fixture_setup, fixture_teardown),
	    cmocka_unit_test_setup_teardown(test_ready, fixture_setup, fixture_teardown),
	};

	return cmocka_run_group_tests_name("ports", tests, NULL, NULL);
}
