/* A store behind a network: more puts and gets under way than there are workers, within the budget. */
#include "tests/unit/repo/repo_fixture.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "src/repo/repo_int.h"
#include "src/repo/verify.h"

#define FILES 12
#define MANY_FILES 28
#define FILE_BYTES 3000000 /* one chunk each: what fits into none with others */

/* Operations on chunks come in here, and go on when enough of them wait, or when that takes too
 * long. */
struct line {
	enum mf_store_op op;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	unsigned inside, most, enough, seen;
	unsigned fail_at; /* the one that is refused, from 1; 0: none */
};

static int
wait_for_company(struct line *l)
{
	struct timespec until;
	int rc = 0;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += 30; /* a machine may be slow */
	while (rc == 0 && l->most < l->enough)
		rc = pthread_cond_timedwait(&l->changed, &l->lock, &until);
	return rc;
}

static int
step(void *arg, enum mf_store_op op, const char *name, struct mf_error *e)
{
	struct line *l = arg;
	bool refused;

	if (op != l->op || strncmp(name, "c/", 2) != 0)
		return 0;
	pthread_mutex_lock(&l->lock);
	refused = ++l->seen == l->fail_at;
	l->inside++;
	l->most = l->inside > l->most ? l->inside : l->most;
	pthread_cond_broadcast(&l->changed);
	(void)wait_for_company(l);
	l->inside--;
	pthread_mutex_unlock(&l->lock);
	return refused ? mf_error_set(e, MF_EPERM, "%s is not wanted", name) : 0;
}

static void
init(struct line *l, enum mf_store_op op, unsigned enough)
{
	*l = (struct line){.op = op, .enough = enough};
	pthread_mutex_init(&l->lock, NULL);
	pthread_cond_init(&l->changed, NULL);
}

static void
fini(struct line *l)
{
	pthread_mutex_destroy(&l->lock);
	pthread_cond_destroy(&l->changed);
}

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
	struct line line;

	write_files(f, FILES);
	init(&line, MF_OP_PUT, 4);
	repo = fixture_open(f, step, &line, NULL);
	fixture_expect_ok(push(repo, f, 0, &out, &e), &e, "push");
	assert_int_equal(line.most, 4);
	assert_true(out.new_chunks >= FILES);
	assert_int_equal(fixture_check_versions(f), 1);
	mf_repo_close(repo);
	fini(&line);
}

/* A budget that has no room for four: whoever waits gets what there is, and nothing hangs. */
static void
test_small_budget(void **state)
{
	struct fixture *f = *state;
	struct mf_push_result out;
	struct mf_error e = {0};
	struct mf_repo *repo;
	struct line line;

	write_files(f, FILES);
	init(&line, MF_OP_PUT, 1);
	repo = fixture_open(f, step, &line, NULL);
	fixture_expect_ok(push(repo, f, (size_t)32 << 20, &out, &e), &e, "push");
	assert_int_equal(fixture_check_versions(f), 1);
	mf_repo_close(repo);
	fini(&line);
}

/* What is not needed to work on a chunk is there for those on their way. */
static void
test_budget_is_used(void **state)
{
	struct fixture *f = *state;
	struct mf_push_result out;
	struct mf_error e = {0};
	struct mf_repo *repo;
	struct line line;

	write_files(f, MANY_FILES);
	init(&line, MF_OP_PUT, MANY_FILES);
	repo = fixture_open(f, step, &line, NULL);
	repo->transfers = MANY_FILES;
	fixture_expect_ok(push(repo, f, (size_t)160 << 20, &out, &e), &e, "push");
	assert_int_equal(line.most, MANY_FILES);
	mf_repo_close(repo);
	fini(&line);
}

/* What a sender is refused ends the push, with its reason; what arrived is not sent again. */
static void
test_refused(void **state)
{
	struct fixture *f = *state;
	struct mf_push_result out;
	struct mf_error e = {0};
	struct mf_repo *repo;
	struct line line;
	size_t arrived;

	write_files(f, FILES);
	init(&line, MF_OP_PUT, 1);
	line.fail_at = 5;
	repo = fixture_open(f, step, &line, NULL);
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
	fini(&line);
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
	struct line line;

	write_files(f, FILES);
	fixture_expect_ok(push(f->repo, f, 0, &pushed, &e), &e, "push");
	init(&line, MF_OP_GET, 4);
	line.most = line.enough; /* not while the repository is opened */
	repo = fixture_open(f, step, &line, NULL);
	line.most = 0;
	fixture_expect_ok(mf_verify(repo, &p, &out, &e), &e, "verify");
	assert_int_equal(line.most, 4);
	mf_repo_close(repo);
	fini(&line);
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
