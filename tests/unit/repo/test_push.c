/* Push: what it stores, and what it does not store again. */
#include "tests/unit/repo/repo_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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

/* What a push was killed behind: others have pushed since, or it was told to make a version. */
static void
test_run_again_when_it_is_there(void **state)
{
	struct fixture *f = *state;
	struct mf_push_params p = {.dir = f->dir,
	    .model = FIXTURE_MODEL,
	    .version = "v1",
	    .ref = "candidate",
	    .by = "test",
	    .now_us = fixture_now_us,
	    .threads = 1};
	struct mf_push_result out;
	struct mf_error e = {0};
	int force;

	fixture_write(f, "a.bin", 1, 2000);
	fixture_push(f, "v1");
	fixture_write(f, "a.bin", 2, 2000);
	fixture_push(f, "v2");
	fixture_write(f, "a.bin", 1, 2000);
	for (force = 0; force < 2; force++) {
		p.force = force != 0;
		fixture_expect_ok(mf_push(f->repo, &p, &out, &e), &e, "push");
		assert_true(out.unchanged);
		assert_string_equal(out.version, "v1");
		assert_int_equal(out.ref_sequence, 1);
	}
	fixture_write(f, "a.bin", 3, 2000);
	p.dry_run = true;
	assert_int_equal(mf_push(f->repo, &p, &out, &e), -1);
	assert_int_equal(e.code, MF_ECONFLICT);
	assert_int_equal(fixture_count(f, "v/"), 2);
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

/* A store that loses the first puts of each kind, and notes the names of all. */
struct losing {
	int chunks, roots, holds; /* yet to be lost */
	char names[64][MF_OBJECT_NAME_BYTES];
	size_t n;
	unsigned sleeps;
};

static int
lose(void *arg, enum mf_store_op op, const char *name, struct mf_error *e)
{
	struct losing *l = arg;
	int *left = name[0] == 'c' ? &l->chunks
	    : name[0] == 'm'	     ? &l->roots
	    : name[0] == 'h'	     ? &l->holds
				     : NULL;

	if (op != MF_OP_PUT || left == NULL)
		return 0;
	assert_true(l->n < 64);
	snprintf(l->names[l->n++], MF_OBJECT_NAME_BYTES, "%s", name);
	if (*left == 0)
		return 0;
	--*left;
	return mf_error_set(e, MF_ETRANSFER, "the answer was lost");
}

static void
no_sleep(void *arg, uint64_t us)
{
	(void)us;
	((struct losing *)arg)->sleeps++;
}

/* What may still arrive is never put again under its name. */
static void
test_lost_puts_take_fresh_names(void **state)
{
	struct fixture *f = *state;
	struct losing l = {.chunks = 3, .roots = 2, .holds = 1};
	struct mf_repo *repo = fixture_open(f, lose, &l, NULL);
	struct mf_push_params p = {.dir = f->dir, .model = FIXTURE_MODEL, .version = "v1",
	    .ref = "production", .by = "test", .now_us = fixture_now_us, .threads = 1};
	struct mf_push_result out;
	struct mf_error e = {0};
	size_t i, k;

	repo->retry = (struct mf_retry_params){.attempts = 4,
	    .waiting = {.sleep_us = no_sleep, .arg = &l}};
	fixture_write(f, "a.bin", 1, 3000);
	fixture_expect_ok(mf_push(repo, &p, &out, &e), &e, "push");
	assert_int_equal(l.chunks + l.roots + l.holds, 0);
	assert_true(l.sleeps > 0);
	for (i = 0; i < l.n; i++)
		for (k = 0; k < i; k++)
			assert_string_not_equal(l.names[i], l.names[k]);
	assert_int_equal(fixture_count(f, "m/"), 1);
	assert_int_equal(fixture_count(f, "h/"), 0);
	assert_int_equal(fixture_check_versions(f), 1);

	l = (struct losing){.chunks = 4};
	fixture_write(f, "b.bin", 2, 3000);
	assert_int_equal(fixture_try_push(repo, f, "v2", &out, &e), -1);
	assert_int_equal(e.code, MF_ETRANSFER);
	mf_repo_close(repo);
}

/* Where the store has no conditional put, the ref is voted on. */
static void
test_ref_without_conditional_puts(void **state)
{
	struct fixture *f = *state;
	struct mf_push_params p = {.dir = f->dir, .model = FIXTURE_MODEL, .version = "v1",
	    .ref = "production", .now_us = fixture_now_us, .threads = 1};
	struct mf_push_result out;
	struct mf_error e = {0};
	struct mf_ref ref;

	fixture_write(f, "a.bin", 1, 2000);
	mf_memory_set_conditional(f->world, false);
	fixture_expect_ok(mf_push(f->repo, &p, &out, &e), &e, "push");
	fixture_expect_ok(mf_ref_get(f->repo, FIXTURE_MODEL, "production", &ref, &e), &e, "ref");
	assert_string_equal(ref.version, "v1");
	assert_int_equal(ref.sequence, 1);
	mf_ref_fini(&ref);
}

/* Of everything that can be in a version. */
static void
write_mixed_tree(const struct fixture *f)
{
	char path[256], other[256];
	unsigned i;

	fixture_write(f, "large.bin", 1, 3000000);
	for (i = 0; i < 40; i++) {
		snprintf(path, sizeof(path), "f%03u", i);
		fixture_write(f, path, i + 1, 4096);
	}
	snprintf(path, sizeof(path), "%s/sub", f->dir);
	assert_int_equal(mkdir(path, 0750), 0);
	fixture_write(f, "sub/a.bin", 7, 70000);
	snprintf(path, sizeof(path), "%s/sub/link", f->dir);
	assert_int_equal(symlink("../large.bin", path), 0);
	snprintf(path, sizeof(path), "%s/f001", f->dir);
	snprintf(other, sizeof(other), "%s/sub/twin", f->dir);
	assert_int_equal(link(path, other), 0);
}

/* The lists of files in files of their own: the same version comes out. */
static void
test_lists_on_disk(void **state)
{
	struct fixture *f = *state;
	struct mf_push_params p = {.dir = f->dir, .model = FIXTURE_MODEL, .version = "v2",
	    .force = true, .now_us = fixture_now_us, .threads = 2, .spill_dir = "/tmp",
	    .plain_list_bytes = 1};
	struct mf_push_result out;
	struct mf_error e = {0};
	size_t objects;

	write_mixed_tree(f);
	fixture_push(f, "v1");
	objects = fixture_count(f, "c/");
	fixture_expect_ok(mf_push(f->repo, &p, &out, &e), &e, "push");
	assert_int_equal(out.entries, 45);
	assert_int_equal(out.new_chunks, 0);
	assert_int_equal(fixture_count(f, "c/"), objects); /* the very same segments */
	p.force = false;
	p.version = "v3";
	fixture_expect_ok(mf_push(f->repo, &p, &out, &e), &e, "push");
	assert_true(out.unchanged);
	fixture_write(f, "f020", 99, 4000);
	fixture_expect_ok(mf_push(f->repo, &p, &out, &e), &e, "push");
	assert_false(out.unchanged);
	assert_int_equal(out.new_chunks, 1);
	assert_int_equal(fixture_check_versions(f), 3);
	assert_true(fixture_push(f, "v4").unchanged);
}

/* And where there is no disk, no more than the memory is for. */
static void
test_lists_past_the_memory(void **state)
{
	struct fixture *f = *state;
	struct mf_push_params p = {.dir = f->dir, .model = FIXTURE_MODEL, .version = "v1",
	    .now_us = fixture_now_us, .threads = 1, .plain_list_bytes = 1};
	struct mf_push_result out;
	struct mf_error e = {0};

	write_mixed_tree(f);
	assert_int_equal(mf_push(f->repo, &p, &out, &e), -1);
	assert_int_equal(e.code, MF_ENOMEM);
	assert_non_null(strstr(e.message, "the list of files takes more than"));
	assert_non_null(strstr(e.hint, "--memory"));
	assert_int_equal(fixture_count(f, "m/"), 0);
	p.plain_list_bytes = 0;
	fixture_expect_ok(mf_push(f->repo, &p, &out, &e), &e, "push");
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
	    TEST(test_first_push),
	    TEST(test_unchanged),
	    TEST(test_force),
	    TEST(test_run_again_when_it_is_there),
	    TEST(test_known_chunks_are_not_put),
	    TEST(test_known_to_another_model),
	    TEST(test_equal_name),
	    TEST(test_small_files),
	    TEST(test_empty),
	    TEST(test_moves_ref),
	    TEST(test_lost_puts_take_fresh_names),
	    TEST(test_ref_without_conditional_puts),
	    TEST(test_dry_run),
	    TEST(test_bad_names),
	    TEST(test_lists_on_disk),
	    TEST(test_lists_past_the_memory),
	};

	return cmocka_run_group_tests_name("push", tests, NULL, NULL);
}
