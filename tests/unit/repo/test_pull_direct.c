/* What a pull writes past the page cache: large files that come from the store, and nothing that is
 * read where it lies. Whatever goes which way, the files are the version's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/base/fake_direct_io.h"
#include "tests/unit/repo/pull_fixture.h"

#define LARGE (20 * MIB + 12345)

static const char *const names[] = {"large", "larger", "small"};

static void
make_version(struct fixture *f, const char *version)
{
	fixture_write(f, "large", 1, LARGE);
	fixture_write(f, "larger", 2, LARGE + 5 * MIB + 1);
	fixture_write(f, "small", 3, 3 * MIB);
	fixture_push(f, version);
	fake_direct_io_forget();
}

static void
test_large_files(void **state)
{
	struct mf_pull_params p = {.link = "current", .threads = 4};
	struct fixture *f = *state;

	make_version(f, "v1");
	pull_ok(f, "v1", &p);
	assert_int_equal(atomic_load(&fake_direct_io.opened), 2);
	assert_int_equal(atomic_load(&fake_direct_io.bytes), 2 * LARGE + 5 * MIB + 1);
	/* but for the ends of files, and a chunk that belongs to two */
	assert_true(atomic_load(&fake_direct_io.aligned) >= 2 * LARGE - 8 * MIB);
	expect_shown(f, names, 3);
}

static void
test_not_wanted(void **state)
{
	struct mf_pull_params p = {.link = "current", .no_direct_io = true};
	struct fixture *f = *state;

	make_version(f, "v1");
	pull_ok(f, "v1", &p);
	assert_int_equal(atomic_load(&fake_direct_io.opened), 0);
	expect_shown(f, names, 3);
}

/* A version that lies here already has most of it: what is taken from there is read where it was
 * put. */
static void
test_beside_a_version(void **state)
{
	struct mf_pull_params p = {.link = "current"};
	struct fixture *f = *state;

	make_version(f, "v1");
	pull_ok(f, "v1", &p);
	fixture_write(f, "small", 4, 3 * MIB);
	fixture_push(f, "v2");
	fake_direct_io_forget();
	pull_ok(f, "v2", &p);
	assert_int_equal(atomic_load(&fake_direct_io.opened), 0);
	expect_shown(f, names, 3);
}

static atomic_int chunks_left;

static bool
interrupted(void)
{
	return atomic_fetch_sub(&chunks_left, 1) <= 0;
}

/* What a pull that was stopped left is read before it counts. */
static void
test_resumed(void **state)
{
	struct mf_pull_params p = {.link = "current", .interrupted = interrupted, .threads = 1};
	struct fixture *f = *state;
	struct mf_pull_result r;
	struct mf_error e = {0};

	make_version(f, "v1");
	atomic_store(&chunks_left, 3);
	assert_int_equal(try_pull(f, "v1", &p, &r, &e), -1);
	assert_int_equal(e.code, MF_EINTERRUPTED);
	assert_true(atomic_load(&fake_direct_io.aligned) > 0);
	fake_direct_io_forget();
	r = pull_ok(f, "v1", NULL);
	assert_true(r.reused_bytes > 0 && r.fetched_bytes > 0);
	assert_int_equal(atomic_load(&fake_direct_io.opened), 0);
	expect_shown(f, names, 3);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_large_files, fixture_setup, local_teardown),
	    cmocka_unit_test_setup_teardown(test_not_wanted, fixture_setup, local_teardown),
	    cmocka_unit_test_setup_teardown(test_beside_a_version, fixture_setup, local_teardown),
	    cmocka_unit_test_setup_teardown(test_resumed, fixture_setup, local_teardown),
	};

	return cmocka_run_group_tests_name("repo/pull_direct", tests, NULL, NULL);
}
