/* The file cache: gives back what was put, and is empty rather than wrong. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "src/base/fs.h"
#include "src/base/log.h"
#include "src/state/cache.h"

static const struct mf_cache_key key = {"aa", "churn", "/data/churn"};

static int
setup(void **arg)
{
	static char dir[64];

	snprintf(dir, sizeof dir, "/tmp/mf-test-cache-XXXXXX");
	*arg = dir;
	return mkdtemp(dir) == NULL ? -1 : 0;
}

static int
teardown(void **arg)
{
	return mf_fs_remove_tree(AT_FDCWD, *arg, NULL);
}

static void
assert_blob(struct mf_cache *c, const struct mf_cache_key *k, const char *want)
{
	struct mf_buf out = MF_BUF_INIT;

	assert_int_equal(mf_cache_get(c, k, 1, &out), 0);
	assert_int_equal(out.len, strlen(want));
	if (out.len != 0)
		assert_memory_equal(out.data, want, out.len);
	mf_buf_fini(&out);
}

static void
assert_none(struct mf_cache *c, const struct mf_cache_key *k, uint8_t version)
{
	struct mf_buf out = MF_BUF_INIT;

	assert_int_equal(mf_cache_get(c, k, version, &out), 1);
	assert_int_equal(out.len, 0);
	mf_buf_fini(&out);
}

static void
test_put_get_drop(void **arg)
{
	struct mf_cache_key other = {"aa", "churn", "/data/other"};
	struct mf_cache *c = mf_cache_open(*arg);
	struct stat st;
	char path[96];

	assert_non_null(c);
	assert_none(c, &key, 1);
	mf_cache_put(c, &key, 1, "one", 3);
	mf_cache_put(c, &other, 1, "", 0);
	mf_cache_put(c, &key, 1, "two!", 4);
	assert_blob(c, &key, "two!");
	assert_none(c, &key, 2);
	mf_cache_close(c);
	snprintf(path, sizeof path, "%s/cache.db", (char *)*arg);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);

	c = mf_cache_open(*arg);
	assert_blob(c, &key, "two!");
	assert_blob(c, &other, "");
	mf_cache_drop(c, &key);
	assert_none(c, &key, 1);
	assert_blob(c, &other, "");
	mf_cache_close(c);
}

static void
test_only_the_newest_stay(void **arg)
{
	struct mf_cache *c = mf_cache_open(*arg);
	struct mf_cache_key k = key;
	char model[16];
	int i;

	k.model = model;
	for (i = 0; i < 300; i++) {
		snprintf(model, sizeof model, "m%d", i);
		mf_cache_put(c, &k, 1, model, strlen(model));
	}
	assert_blob(c, &k, "m299");
	snprintf(model, sizeof model, "m%d", 44);
	assert_blob(c, &k, "m44");
	snprintf(model, sizeof model, "m%d", 43);
	assert_none(c, &k, 1);
	mf_cache_close(c);
}

/* Whatever byte of the file is flipped: what was put, or nothing, and a put works again. */
static void
test_damage_is_dropped(void **arg)
{
	struct mf_buf sound = MF_BUF_INIT;
	struct mf_buf out = MF_BUF_INIT;
	struct mf_error e = {0};
	struct mf_cache *c = mf_cache_open(*arg);
	char path[96], blob[3000];
	size_t at;

	snprintf(path, sizeof path, "%s/cache.db", (char *)*arg);
	memset(blob, 'b', sizeof blob);
	mf_cache_put(c, &key, 1, blob, sizeof blob);
	mf_cache_close(c);
	assert_int_equal(mf_fs_read_file(AT_FDCWD, path, 1 << 20, &sound, &e), 0);
	for (at = 0; at < sound.len; at += 61) {
		sound.data[at] ^= 0x55;
		assert_int_equal(mf_fs_replace(AT_FDCWD, path, sound.data, sound.len, 0600, &e), 0);
		sound.data[at] ^= 0x55;
		c = mf_cache_open(*arg);
		assert_non_null(c);
		mf_buf_clear(&out);
		if (mf_cache_get(c, &key, 1, &out) == 0) {
			assert_int_equal(out.len, sizeof blob);
			assert_memory_equal(out.data, blob, sizeof blob);
		} else {
			assert_int_equal(out.len, 0);
		}
		mf_cache_put(c, &key, 1, "new", 3);
		mf_cache_close(c);
	}
	mf_buf_fini(&sound);
	mf_buf_fini(&out);
}

static void
test_junk_is_replaced(void **arg)
{
	struct mf_error e = {0};
	struct mf_cache *c;
	char path[96], junk[5000];

	snprintf(path, sizeof path, "%s/cache.db", (char *)*arg);
	memset(junk, 'j', sizeof junk);
	assert_int_equal(mf_fs_replace(AT_FDCWD, path, junk, sizeof junk, 0600, &e), 0);
	c = mf_cache_open(*arg);
	assert_none(c, &key, 1);
	mf_cache_put(c, &key, 1, "new", 3);
	assert_blob(c, &key, "new");
	mf_cache_close(c);
}

static void
test_without_a_directory(void **arg)
{
	struct mf_cache *c;

	(void)arg;
	c = mf_cache_open("/proc/nowhere");
	assert_non_null(c);
	mf_cache_put(c, &key, 1, "x", 1);
	assert_none(c, &key, 1);
	mf_cache_drop(c, &key);
	mf_cache_close(c);
	unsetenv("XDG_CACHE_HOME");
	unsetenv("HOME");
	c = mf_cache_open(NULL);
	assert_none(c, &key, 1);
	mf_cache_close(c);
	assert_none(NULL, &key, 1);
	mf_cache_put(NULL, &key, 1, "x", 1);
	mf_cache_close(NULL);
}

int
main(void)
{
	const struct mf_log_params quiet = {.level = MF_LOG_ERROR, .fd = -1};
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_put_get_drop, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_only_the_newest_stay, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_damage_is_dropped, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_junk_is_replaced, setup, teardown),
	    cmocka_unit_test(test_without_a_directory),
	};

	mf_log_configure(&quiet);
	return cmocka_run_group_tests_name("state/cache", tests, NULL, NULL);
}
