/* What a run leaves behind at its destination: when it is swept, and which uploads in parts stay
 * for the next one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include "src/base/fs.h"
#include "src/base/log.h"
#include "src/sync/mirror.h"
#include "tests/unit/sync/fake_tree.h"

#define DIR_TREE (MF_TREE_LOCAL | MF_TREE_MTIME_LISTED | MF_TREE_MTIME_SET | MF_TREE_EMPTY_DIRS)
#define BUCKET (MF_TREE_MD5_LISTED | MF_TREE_MTIME_SET)
#define DAY_US (INT64_C(24) * 3600 * 1000000)
#define NOW_US (1000 * DAY_US)

struct fixture {
	struct mf_tree *src, *dst;
	char dir[64];
	struct mf_mirror_params p;
	struct mf_mirror_result result;
	struct mf_error e;
};

static int
setup(void **state)
{
	struct mf_log_params quiet = {.level = MF_LOG_ERROR, .fd = open("/dev/null", O_WRONLY)};
	struct fixture *f = calloc(1, sizeof *f);

	assert_non_null(f);
	mf_log_configure(&quiet);
	snprintf(f->dir, sizeof f->dir, "/tmp/mf-uploads.XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	f->src = fake_tree("the source", DIR_TREE);
	f->dst = fake_tree("the destination", BUCKET);
	f->p = (struct mf_mirror_params){.src = f->src,
	    .dst = f->dst,
	    .src_place = "src",
	    .dst_place = "dst",
	    .uploads = mf_uploads_open(f->dir),
	    .upload_age_us = (uint64_t)(7 * DAY_US),
	    .now_us = NOW_US,
	    .deletes = true,
	    .transfers = 1,
	    .checkers = 1,
	    .spill_dir = f->dir,
	    .sweep_age_us = DAY_US};
	fake_set(f->src, "a", "one", 1000);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	fake_free(f->src);
	fake_free(f->dst);
	mf_uploads_close(f->p.uploads);
	assert_int_equal(mf_fs_remove_tree(AT_FDCWD, f->dir, NULL), 0);
	free(f);
	return 0;
}

static int
run(struct fixture *f)
{
	f->e = (struct mf_error){0};
	return mf_mirror_run(&f->p, &f->result, &f->e);
}

/* ---- the sweep ---- */

static void
sweeps_once_after_all(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(run(f), 0);
	assert_int_equal(fake_counts(f->dst).sweeps, 1);
	assert_true(fake_counts(f->dst).sweep_age_us == (uint64_t)DAY_US);
	assert_int_equal(fake_counts(f->src).sweeps, 0);
}

static bool
yes(void)
{
	return true;
}

static void
sweeps_only_where_it_is_to(void **state)
{
	struct fixture *f = *state;

	f->p.sweep_age_us = 0;
	assert_int_equal(run(f), 0);
	f->p.sweep_age_us = DAY_US;
	f->p.dry_run = true;
	assert_int_equal(run(f), 0);
	f->p.dry_run = false;
	f->p.interrupted = yes;
	assert_int_equal(run(f), -1);
	assert_int_equal(fake_counts(f->dst).sweeps, 0);
	/* what failed for itself does not keep the rest from being tidied */
	f->p.interrupted = NULL;
	fake_set(f->src, "b", "two", 1000);
	fake_fail(f->src, FAKE_READ, "b", MF_EPERM);
	assert_int_equal(run(f), -1);
	assert_int_equal(fake_counts(f->dst).sweeps, 1);
}

/* ---- uploads ---- */

static void
keep(struct fixture *f, const char *path, const char *src_place, int64_t used_us)
{
	const struct mf_uploads_row row = {
	    .id = "id", .size = 3, .part_bytes = 1, .mtime_ns = 1000, .used_us = used_us};

	assert_int_equal(mf_uploads_put(f->p.uploads, "dst", path, src_place, &row), 0);
}

static bool
is_kept(struct fixture *f, const char *path)
{
	struct mf_uploads_row row;

	return mf_uploads_get(f->p.uploads, "dst", path, &row) == 0;
}

static void
uploads_that_nobody_goes_on_with(void **state)
{
	struct fixture *f = *state;
	const int64_t old_us = NOW_US - 7 * DAY_US - 1, fresh_us = NOW_US - 7 * DAY_US;

	keep(f, "a", "src", fresh_us);
	keep(f, "gone", "src", fresh_us);
	keep(f, "larger", "src", fresh_us);
	keep(f, "newer", "src", fresh_us);
	keep(f, "old", "src", old_us);
	keep(f, "theirs", "another source", fresh_us);
	keep(f, "theirs and old", "another source", old_us);
	fake_set(f->src, "larger", "three", 1000);
	fake_set(f->src, "newer", "one", 1001);
	fake_set(f->src, "old", "one", 1000);
	f->p.deletes = false;
	f->p.sweep_age_us = 0;
	f->p.dry_run = true;
	assert_int_equal(run(f), 0);
	assert_int_equal(fake_counts(f->dst).abandoned, 0);
	f->p.dry_run = false;
	assert_int_equal(run(f), 0);
	assert_int_equal(fake_counts(f->dst).abandoned, 5);
	assert_true(is_kept(f, "a"));
	assert_true(is_kept(f, "theirs"));
}

static void
one_that_stays_is_tried_next_time(void **state)
{
	struct fixture *f = *state;

	keep(f, "gone", "src", NOW_US);
	fake_fail(f->dst, FAKE_ABANDON, "gone", MF_ETRANSFER);
	assert_int_equal(run(f), 0);
	assert_true(is_kept(f, "gone"));
	fake_fail(f->dst, FAKE_NONE, "", MF_OK);
	assert_int_equal(run(f), 0);
	assert_false(is_kept(f, "gone"));
}

/* ---- the memory ---- */

static struct fixture *remembering; /* its run asks what the destination was given */

static bool
ask_memory(void *arg, const char *path)
{
	const struct mf_tree_memory *m = fake_memory(remembering->dst);
	struct mf_tree_upload u = {
	    .id = "id", .size = 3, .part_bytes = 1, .mtime_ns = 1000, .headers = 5};
	uint32_t sum = 0;

	(void)arg;
	(void)path;
	assert_non_null(m);
	assert_int_equal(m->recall(m->arg, "a", &u), 1);
	assert_int_equal(m->remember(m->arg, "a", &u), 0);
	m->remember_part(m->arg, "a", 2, "tag", 9);
	memset(&u, 0, sizeof u);
	assert_int_equal(m->recall(m->arg, "a", &u), 0);
	assert_string_equal(u.id, "id");
	assert_true(u.size == 3 && u.part_bytes == 1 && u.mtime_ns == 1000 && u.headers == 5);
	assert_int_equal(m->recall_part(m->arg, "a", 2, "tag", &sum), 0);
	assert_int_equal(sum, 9);
	assert_true(m->keeps(m->arg, "a", "id"));
	assert_false(m->keeps(m->arg, "a", "other"));
	keep(remembering, "old", "src", NOW_US - 7 * DAY_US - 1);
	assert_false(m->keeps(m->arg, "old", "id"));
	return true;
}

static void
the_destination_has_a_memory(void **state)
{
	struct fixture *f = remembering = *state;
	struct mf_uploads_row row;

	f->p.takes = ask_memory;
	assert_int_equal(run(f), 0);
	assert_null(fake_memory(f->dst));
	assert_int_equal(mf_uploads_get(f->p.uploads, "dst", "a", &row), 0);
	assert_true(row.used_us == NOW_US);
}

#define RUNS(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    RUNS(sweeps_once_after_all),
	    RUNS(sweeps_only_where_it_is_to),
	    RUNS(uploads_that_nobody_goes_on_with),
	    RUNS(one_that_stays_is_tried_next_time),
	    RUNS(the_destination_has_a_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
