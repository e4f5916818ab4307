/* Push: what it stores, and what it does not store again. */
#include "tests/unit/repo/repo_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void
test_first_push(void **state)
{
	struct fixture *f = *state;
	struct mf_push_result out;

	fixture_write(f, "a.bin", 1, 3000000);
	out = fixture_push(f, "v1");
	assert_false(out.unchanged);
	assert_string_equal(out.version, "v1");
	assert_int_equal(out.files, 1);
	assert_int_equal(out.bytes, 3000000);
	assert_int_equal(out.new_bytes, 3000000);
	assert_int_equal(out.new_chunks, out.chunks);
	assert_int_equal(fixture_count(f, "m/"), 1);
	assert_int_equal(fixture_count(f, "v/"), 1);
	assert_int_equal(fixture_check_versions(f), 1);
}

static void
test_unchanged(void **state)
{
	struct fixture *f = *state;
	struct mf_push_result out;
	size_t objects;

	fixture_write(f, "a.bin", 1, 3000000);
	fixture_push(f, "v1");
	objects = mf_memory_objects(f->world);
	out = fixture_push(f, "v2");
	assert_true(out.unchanged);
	assert_string_equal(out.version, "v1");
	assert_int_equal(out.new_chunks, 0);
	assert_int_equal(mf_memory_objects(f->world), objects);
	assert_false(fixture_is_listed(f, "v2"));
	/* the same bytes in a file written anew are no change either */
	fixture_write(f, "a.bin", 1, 3000000);
	assert_true(fixture_push(f, "v2").unchanged);
	assert_int_equal(mf_memory_objects(f->world), objects);
}

static void
test_force(void **state)
{
	struct fixture *f = *state;
	struct mf_push_params p = {.dir = f->dir, .model = FIXTURE_MODEL, .version = "v2",
	    .force = true, .now_us = fixture_now_us, .threads = 1};
	struct mf_push_result out;
	struct mf_error e = {0};

	fixture_write(f, "a.bin", 1, 2000);
	fixture_push(f, "v1");
	fixture_expect_ok(mf_push(f->repo, &p, &out, &e), &e, "push");
	assert_false(out.unchanged);
	assert_int_equal(out.new_chunks, 0);
	assert_int_equal(fixture_count(f, "c/"), 2); /* even the segment is shared */
	assert_int_equal(fixture_check_versions(f), 2);
}

static void
test_known_chunks_are_not_put(void **state)
{
	struct fixture *f = *state;
	struct mf_push_result out;
	size_t chunks;

	fixture_write(f, "a.bin", 1, 3000000);
	fixture_write(f, "b.bin", 2, 3000000);
	fixture_push(f, "v1");
	chunks = fixture_count(f, "c/");
	/* moved and copied: no chunk is new, only a segment */
	fixture_write(f, "b.bin", 0, 0);
	fixture_write(f, "moved.bin", 2, 3000000);
	fixture_write(f, "twice.bin", 1, 3000000);
	out = fixture_push(f, "v2");
	assert_int_equal(out.new_chunks, 0);
	assert_int_equal(out.new_bytes, 0);
	assert_int_equal(fixture_count(f, "c/"), chunks + 1);
	fixture_write(f, "moved.bin", 3, 3000000);
	out = fixture_push(f, "v3");
	assert_int_equal(out.new_bytes, 3000000);
	assert_int_equal(fixture_check_versions(f), 3);
}

static void
test_known_to_another_model(void **state)
{
	struct fixture *f = *state;
	struct mf_push_params p = {.dir = f->dir, .model = "other", .version = "x",
	    .now_us = fixture_now_us, .threads = 1};
	struct mf_push_result out;
	struct mf_error e = {0};

	fixture_write(f, "a.bin", 1, 3000000);
	fixture_push(f, "v1");
	fixture_expect_ok(mf_push(f->repo, &p, &out, &e), &e, "push");
	assert_false(out.unchanged);
	assert_int_equal(out.new_bytes, 0);
	assert_int_equal(fixture_check_versions(f), 2);
}

static void
test_equal_name(void **state)
{
	struct fixture *f = *state;
	struct mf_push_result out;
	struct mf_error e = {0};

	fixture_write(f, "a.bin", 1, 2000);
	fixture_push(f, "v1");
	fixture_write(f, "a.bin", 2, 2000);
	assert_int_equal(fixture_try_push(f->repo, f, "v1", &out, &e), -1);
	assert_int_equal(e.code, MF_ECONFLICT);
	assert_int_equal(fixture_check_versions(f), 1);
	fixture_forget(f, "v1");
	fixture_push(f, "v1");
	assert_int_equal(fixture_check_versions(f), 1);
}

/* Small files share chunks, and one that changes costs the chunk it is in. */
static void
test_small_files(void **state)
{
	struct fixture *f = *state;
	struct mf_push_result out;
	char path[32];
	unsigned i;

	for (i = 0; i < 300; i++) {
		snprintf(path, sizeof(path), "f%03u", i);
		fixture_write(f, path, i + 1, 4096);
	}
	out = fixture_push(f, "v1");
	assert_int_equal(out.files, 300);
	assert_int_equal(out.new_bytes, 300 * 4096);
	assert_true(out.chunks <= 8);
	fixture_write(f, "f150", 999, 4096);
	out = fixture_push(f, "v2");
	assert_false(out.unchanged);
	assert_true(out.new_chunks <= 2);
	assert_int_equal(fixture_check_versions(f), 2);
}

static void
test_empty(void **state)
{
	struct fixture *f = *state;
	struct mf_push_result out = fixture_push(f, "v1");

	assert_int_equal(out.files, 0);
	assert_int_equal(out.chunks, 0);
	assert_int_equal(fixture_check_versions(f), 1);
}

static void
test_moves_ref(void **state)
{
	struct fixture *f = *state;
	struct mf_push_params p = {.dir = f->dir, .model = FIXTURE_MODEL, .version = "v1",
	    .ref = "production", .by = "test", .now_us = fixture_now_us, .threads = 1};
	struct mf_push_result out;
	struct mf_error e = {0};

	fixture_write(f, "a.bin", 1, 2000);
	fixture_expect_ok(mf_push(f->repo, &p, &out, &e), &e, "push");
	assert_int_equal(out.ref_sequence, 1);
	fixture_expect_ok(mf_push(f->repo, &p, &out, &e), &e, "push again");
	assert_true(out.unchanged);
	assert_int_equal(out.ref_sequence, 1);
	assert_int_equal(fixture_count(f, "r/"), 1);
}

static void
test_dry_run(void **state)
{
	struct fixture *f = *state;
	struct mf_push_params p = {.dir = f->dir, .model = FIXTURE_MODEL, .dry_run = true,
	    .now_us = fixture_now_us, .threads = 1};
	struct mf_push_result out;
	struct mf_error e = {0};
	size_t objects = mf_memory_objects(f->world);

	fixture_write(f, "a.bin", 1, 3000000);
	fixture_expect_ok(mf_push(f->repo, &p, &out, &e), &e, "push");
	assert_int_equal(out.new_bytes, 3000000);
	assert_int_equal(mf_memory_objects(f->world), objects);
}

static void
test_bad_names(void **state)
{
	static const char *const bad[] = {"", ".", "-x", "a b", "a/b", "v@1"};
	struct fixture *f = *state;
	struct mf_push_result out;
	struct mf_error e = {0};
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(fixture_try_push(f->repo, f, bad[i], &out, &e), -1);
		assert_int_equal(e.code, MF_EUSAGE);
	}
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_first_push),
		TEST(test_unchanged),
		TEST(test_force),
		TEST(test_known_chunks_are_not_put),
		TEST(test_known_to_another_model),
		TEST(test_equal_name),
		TEST(test_small_files),
		TEST(test_empty),
		TEST(test_moves_ref),
		TEST(test_dry_run),
		TEST(test_bad_names),
	};

	return cmocka_run_group_tests_name("push", tests, NULL, NULL);
}
