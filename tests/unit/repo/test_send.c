/* A store behind a network: more puts and gets under way than there are workers, within the budget. */
#include "tests/unit/repo/repo_fixture.h"

#include <stdio.h>
#include <string.h>

#include "src/repo/repo_int.h"
#include "src/repo/verify.h"
#include "tests/unit/repo/far_line.h"

#define FILES 12
#define MANY_FILES 28
#define FILE_BYTES 3000000 /* one chunk each: what fits into none with others */

static void
write_files(struct fixture *f, unsigned n)
{
	char name[16];
	unsigned i;

	mf_memory_set_far(f->world, true);
	for (i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "%02u.bin", i);
		fixture_write(f, name, i + 1, FILE_BYTES);
	}
}

static int
push(struct mf_repo *repo, const struct fixture *f, size_t memory_bytes,
    struct mf_push_result *out, struct mf_error *e)
{
	struct mf_push_params p = {.dir = f->dir, .model = FIXTURE_MODEL, .version = "v1",
	    .by = "test", .now_us = fixture_now_us, .threads = 1, .memory_bytes = memory_bytes};

	return mf_push(repo, &p, out, e);
}

/* One worker, and four puts at once: the default. */
static void
test_more_puts_than_workers(void **state)
{
	struct fixture *f = *state;
	struct mf_push_result out;
	struct mf_error e = {0};
	struct mf_repo *repo;
	struct far_line line;

	write_files(f, FILES);
	far_line_init(&line, MF_OP_PUT, "c/", 4);
	repo = fixture_open(f, far_line_step, &line, NULL);
	fixture_expect_ok(push(repo, f, 0, &out, &e), &e, "push");
	assert_int_equal(line.most, 4);
	assert_true(out.new_chunks >= FILES);
	assert_int_equal(fixture_check_versions(f), 1);
	mf_repo_close(repo);
	far_line_fini(&line);
}

/* A budget that has no room for four: whoever waits gets what there is, and nothing hangs. */
static void
test_small_budget(void **state)
{
	struct fixture *f = *state;
	struct mf_push_result out;
	struct mf_error e = {0};
	struct mf_repo *repo;
	struct far_line line;

	write_files(f, FILES);
	far_line_init(&line, MF_OP_PUT, "c/", 1);
	repo = fixture_open(f, far_line_step, &line, NULL);
	fixture_expect_ok(push(repo, f, (size_t)32 << 20, &out, &e), &e, "push");
	assert_int_equal(fixture_check_versions(f), 1);
	mf_repo_close(repo);
	far_line_fini(&line);
}

/* What is not needed to work on a chunk is there for those on their way. */
static void
test_budget_is_used(void **state)
{
	struct fixture *f = *state;
	struct mf_push_result out;
	struct mf_error e = {0};
	struct mf_repo *repo;
	struct far_line line;

	write_files(f, MANY_FILES);
	far_line_init(&line, MF_OP_PUT, "c/", MANY_FILES);
	repo = fixture_open(f, far_line_step, &line, NULL);
	repo->transfers = MANY_FILES;
	fixture_expect_ok(push(repo, f, (size_t)160 << 20, &out, &e), &e, "push");
	assert_int_equal(line.most, MANY_FILES);
	mf_repo_close(repo);
	far_line_fini(&line);
}

/* What a sender is refused ends the push, with its reason; what arrived is not sent again. */
static void
test_refused(void **state)
{
	struct fixture *f = *state;
	struct mf_push_result out;
	struct mf_error e = {0};
	struct mf_repo *repo;
	struct far_line line;
	size_t arrived;

	write_files(f, FILES);
	far_line_init(&line, MF_OP_PUT, "c/", 1);
	line.fail_at = 5;
	repo = fixture_open(f, far_line_step, &line, NULL);
	assert_int_equal(push(repo, f, 0, &out, &e), -1);
	assert_int_equal(e.code, MF_EPERM);
	assert_non_null(strstr(e.message, "is not wanted"));
	assert_non_null(strstr(e.frames[0], "storing chunk c/"));
	assert_int_equal(fixture_count(f, "m/"), 0);
	arrived = fixture_count(f, "c/");
	assert_true(arrived >= 1 && arrived < FILES);

	line.fail_at = 0;
	line.seen = 0;
	mf_error_clear(&e);
	fixture_expect_ok(push(repo, f, 0, &out, &e), &e, "push");
	assert_int_equal(out.new_chunks, out.chunks - arrived);
	assert_int_equal(fixture_check_versions(f), 1);
	mf_repo_close(repo);
	far_line_fini(&line);
}

static void
test_more_gets_than_workers(void **state)
{
	const struct mf_verify_params p = {
	    .read_data = true, .threads = 1, .now_us = fixture_now_us()};
	struct fixture *f = *state;
	struct mf_verify_result out;
	struct mf_push_result pushed;
	struct mf_error e = {0};
	struct mf_repo *repo;
	struct far_line line;

	write_files(f, FILES);
	fixture_expect_ok(push(f->repo, f, 0, &pushed, &e), &e, "push");
	far_line_init(&line, MF_OP_GET, "c/", 4);
	line.most = line.enough; /* not while the repository is opened */
	repo = fixture_open(f, far_line_step, &line, NULL);
	line.most = 0;
	fixture_expect_ok(mf_verify(repo, &p, &out, &e), &e, "verify");
	assert_int_equal(line.most, 4);
	mf_repo_close(repo);
	far_line_fini(&line);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
	    TEST(test_more_puts_than_workers),
	    TEST(test_small_budget),
	    TEST(test_budget_is_used),
	    TEST(test_refused),
	    TEST(test_more_gets_than_workers),
	};

	return cmocka_run_group_tests_name("sending to a far store", tests, NULL, NULL);
}
