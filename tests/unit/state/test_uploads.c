/* Unfinished uploads are remembered, and nothing rather than something wrong. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "src/base/fs.h"
#include "src/base/log.h"
#include "src/state/uploads.h"

static int
setup(void **arg)
{
	static char dir[64];

	snprintf(dir, sizeof dir, "/tmp/mf-test-uploads-XXXXXX");
	*arg = dir;
	return mkdtemp(dir) == NULL ? -1 : 0;
}

static int
teardown(void **arg)
{
	return mf_fs_remove_tree(AT_FDCWD, *arg, NULL);
}

static struct mf_uploads_row
row_of(const char *id)
{
	struct mf_uploads_row row = {.size = UINT64_C(5) << 40,
	    .part_bytes = 16 << 20,
	    .mtime_ns = -1500000000,
	    .headers = UINT64_C(0xfedcba9876543210),
	    .used_us = 1000,
	    .summed = true};

	snprintf(row.id, sizeof row.id, "%s", id);
	return row;
}

static void
assert_known(struct mf_uploads *u, const char *place, const char *path, const char *id)
{
	const struct mf_uploads_row want = row_of(id);
	struct mf_uploads_row is;

	assert_int_equal(mf_uploads_get(u, place, path, &is), 0);
	assert_string_equal(is.id, id);
	assert_true(is.size == want.size && is.part_bytes == want.part_bytes &&
		    is.mtime_ns == want.mtime_ns && is.headers == want.headers && is.summed);
}

static int
known(struct mf_uploads *u, const char *place, const char *path)
{
	struct mf_uploads_row is;

	return mf_uploads_get(u, place, path, &is) == 0;
}

static void
put(struct mf_uploads *u, const char *path, const char *id)
{
	const struct mf_uploads_row row = row_of(id);

	assert_int_equal(mf_uploads_put(u, "there", path, "here", &row), 0);
}

static void
test_remembers(void **arg)
{
	struct mf_uploads *u = mf_uploads_open(*arg);
	struct stat st;
	char path[96];

	assert_false(known(u, "there", "a"));
	put(u, "a", "one");
	put(u, "b\xff", "two");
	mf_uploads_close(u);
	snprintf(path, sizeof path, "%s/uploads.db", (char *)*arg);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);

	u = mf_uploads_open(*arg);
	assert_known(u, "there", "a", "one");
	assert_known(u, "there", "b\xff", "two");
	assert_false(known(u, "elsewhere", "a"));
	put(u, "a", "three");
	assert_known(u, "there", "a", "three");
	mf_uploads_drop(u, "there", "a", "one");
	assert_known(u, "there", "a", "three");
	mf_uploads_drop(u, "there", "a", "three");
	assert_false(known(u, "there", "a"));
	assert_known(u, "there", "b\xff", "two");
	mf_uploads_close(u);
}

static void
test_in_order(void **arg)
{
	struct mf_uploads *u = mf_uploads_open(*arg);
	struct mf_uploads_row row = row_of("id"), is;
	struct mf_buf path = MF_BUF_INIT;

	put(u, "b", "two");
	put(u, "a", "one");
	assert_int_equal(mf_uploads_put(u, "there", "c", "from elsewhere", &row), 0);
	assert_int_equal(mf_uploads_put(u, "elsewhere", "a", "here", &row), 0);
	assert_int_equal(mf_uploads_next(u, "there", "here", "", &path, &is), 0);
	assert_string_equal(mf_buf_cstr(&path), "a");
	assert_string_equal(is.id, "one");
	assert_true(is.of_source && is.used_us == 1000);
	assert_int_equal(mf_uploads_next(u, "there", "here", "a", &path, &is), 0);
	assert_string_equal(mf_buf_cstr(&path), "b");
	assert_int_equal(mf_uploads_next(u, "there", "here", "b", &path, &is), 0);
	assert_false(is.of_source);
	assert_int_equal(mf_uploads_next(u, "there", "here", "c", &path, &is), 1);
	mf_buf_fini(&path);
	mf_uploads_close(u);
}

/* A run that goes on with an upload keeps what is known of its parts; another upload has none. */
static void
test_parts(void **arg)
{
	struct mf_uploads *u = mf_uploads_open(*arg);
	struct mf_uploads_row row = row_of("one"), is;
	uint32_t sum = 0;

	mf_uploads_put_part(u, "there", "a", 1, "tag", 7);
	put(u, "a", "one");
	assert_int_equal(mf_uploads_get_part(u, "there", "a", 1, "tag", &sum), 1);
	mf_uploads_put_part(u, "there", "a", 10000, "tag", 7);
	mf_uploads_put_part(u, "there", "a", 10000, "tag2", UINT32_MAX);
	row.used_us = 2000;
	assert_int_equal(mf_uploads_put(u, "there", "a", "here", &row), 0);
	assert_int_equal(mf_uploads_get(u, "there", "a", &is), 0);
	assert_true(is.used_us == 2000);
	assert_int_equal(mf_uploads_get_part(u, "there", "a", 10000, "tag", &sum), 1);
	assert_int_equal(mf_uploads_get_part(u, "there", "a", 10000, "tag2", &sum), 0);
	assert_int_equal(sum, UINT32_MAX);
	assert_int_equal(mf_uploads_get_part(u, "there", "b", 10000, "tag2", &sum), 1);
	put(u, "a", "two");
	assert_int_equal(mf_uploads_get_part(u, "there", "a", 10000, "tag2", &sum), 1);
	mf_uploads_close(u);
}

static void
test_only_the_newest_stay(void **arg)
{
	struct mf_uploads *u = mf_uploads_open(*arg);
	char path[16];
	int i;

	for (i = 0; i < 1003; i++) {
		snprintf(path, sizeof path, "f%d", i);
		put(u, path, "id");
		if (i == 500)
			put(u, "f0", "id");
	}
	assert_true(known(u, "there", "f1002"));
	assert_true(known(u, "there", "f0")); /* gone on with since */
	assert_false(known(u, "there", "f3"));
	assert_true(known(u, "there", "f4"));
	mf_uploads_close(u);
}

static void
test_damage_is_dropped(void **arg)
{
	struct mf_error e = {0};
	struct mf_uploads *u;
	char path[96], junk[9000];

	snprintf(path, sizeof path, "%s/uploads.db", (char *)*arg);
	memset(junk, 'j', sizeof junk);
	assert_int_equal(mf_fs_replace(AT_FDCWD, path, junk, sizeof junk, 0600, &e), 0);
	u = mf_uploads_open(*arg);
	assert_false(known(u, "there", "a"));
	put(u, "a", "one");
	assert_known(u, "there", "a", "one");
	mf_uploads_close(u);
}

static void
test_without_a_directory(void **arg)
{
	const struct mf_uploads_row row = row_of("id");
	struct mf_uploads *u = mf_uploads_open("/proc/nowhere");
	struct mf_buf path = MF_BUF_INIT;
	struct mf_uploads_row is;

	(void)arg;
	assert_non_null(u);
	assert_int_equal(mf_uploads_put(u, "there", "a", "here", &row), -1);
	assert_false(known(u, "there", "a"));
	mf_uploads_drop(u, "there", "a", "id");
	mf_uploads_close(u);
	assert_int_equal(mf_uploads_put(NULL, "there", "a", "here", &row), -1);
	assert_int_equal(mf_uploads_next(NULL, "there", "here", "", &path, &is), 1);
	mf_uploads_close(NULL);
}

int
main(void)
{
	const struct mf_log_params quiet = {.level = MF_LOG_ERROR, .fd = -1};
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_remembers, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_in_order, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_parts, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_only_the_newest_stay, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_damage_is_dropped, setup, teardown),
	    cmocka_unit_test(test_without_a_directory),
	};

	mf_log_configure(&quiet);
	return cmocka_run_group_tests_name("state/uploads", tests, NULL, NULL);
}
