#include <dirent.h>
#include <errno.h>
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
#include "src/base/fs_int.h"

static char scratch[] = "/tmp/mf-test-fs-XXXXXX";
static int dir = -1; /* a fresh directory for each test, below scratch */

static int
make_scratch(void **state)
{
	(void)state;
	return mkdtemp(scratch) == NULL ? -1 : 0;
}

static int
remove_scratch(void **state)
{
	(void)state;
	return rmdir(scratch);
}

static int
set_up(void **state)
{
	char path[64];

	(void)state;
	(void)snprintf(path, sizeof path, "%s/t", scratch);
	if (mkdir(path, 0700) != 0)
		return -1;
	dir = open(path, O_RDONLY | O_DIRECTORY);
	return dir < 0 ? -1 : 0;
}

static int
tear_down(void **state)
{
	char path[64];

	(void)state;
	close(dir);
	(void)snprintf(path, sizeof path, "%s/t", scratch);
	return mf_fs_remove_tree(AT_FDCWD, path, NULL);
}

static void
put(const char *path, const char *text)
{
	int fd = openat(dir, path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(mf_fs_write(fd, text, strlen(text), NULL), 0);
	close(fd);
}

static void
assert_holds(const char *path, const char *text)
{
	struct mf_buf b = MF_BUF_INIT;

	assert_int_equal(mf_fs_read_file(dir, path, 1000, &b, NULL), 0);
	assert_string_equal(mf_buf_cstr(&b), text);
	mf_buf_fini(&b);
}

static int
exists(const char *path)
{
	return faccessat(dir, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static int
count_entries(void)
{
	DIR *d = fdopendir(openat(dir, ".", O_RDONLY | O_DIRECTORY));
	int n = 0;

	assert_non_null(d);
	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n - 2;
}

static void
test_read_file(void **state)
{
	struct mf_buf b = MF_BUF_INIT;
	struct mf_error e;

	(void)state;
	put("f", "12345");
	mf_buf_put(&b, "<", 1);
	assert_int_equal(mf_fs_read_file(dir, "f", 5, &b, &e), 0);
	assert_string_equal(mf_buf_cstr(&b), "<12345");
	assert_int_equal(mf_fs_read_file(dir, "f", 4, &b, &e), -1);
	assert_int_equal(e.code, MF_EUSAGE);
	assert_int_equal(b.len, 6);
	assert_int_equal(mf_fs_read_file(dir, "f", 0, &b, &e), -1);
	assert_int_equal(mf_fs_read_file(dir, "none", 4, &b, &e), -1);
	assert_int_equal(e.code, MF_ENOTFOUND);
	assert_int_equal(mf_fs_read_file(dir, ".", 4, &b, &e), -1);
	put("empty", "");
	assert_int_equal(mf_fs_read_file(dir, "empty", 0, &b, &e), 0);
	assert_int_equal(b.len, 6);
	/* No size to go by. */
	assert_int_equal(mf_fs_read_file(AT_FDCWD, "/dev/zero", 200000, &b, &e), -1);
	assert_int_equal(e.code, MF_EUSAGE);
	mf_buf_fini(&b);
}

static void
test_positions(void **state)
{
	struct mf_error e;
	char bytes[4] = "";
	int fd;

	(void)state;
	fd = openat(dir, "f", O_RDWR | O_CREAT, 0600);
	assert_int_equal(mf_fs_pwrite(fd, "abc", 3, 2, &e), 0);
	assert_int_equal(mf_fs_pread(fd, bytes, 3, 2, &e), 0);
	assert_memory_equal(bytes, "abc", 3);
	assert_int_equal(mf_fs_pread(fd, bytes, 3, 3, &e), 1);
	assert_int_equal(mf_fs_pread(fd, bytes, 1, UINT64_MAX, &e), 1);
	assert_int_equal(mf_fs_pread(fd, bytes, 0, 5, &e), 0);
	assert_int_equal(mf_fs_pwrite(fd, "abc", 3, UINT64_MAX, &e), -1);
	assert_int_equal(e.sys_errno, EFBIG);
	close(fd);
	assert_int_equal(mf_fs_pread(fd, bytes, 1, 0, &e), -1);
	assert_int_equal(e.sys_errno, EBADF);
	fd = open("/dev/full", O_WRONLY);
	assert_int_equal(mf_fs_write(fd, "x", 1, &e), -1);
	assert_int_equal(e.code, MF_ENOSPC);
	close(fd);
}

static void
test_replace(void **state)
{
	struct mf_error e;
	struct stat st;
	int old;

	(void)state;
	assert_int_equal(mf_fs_replace(dir, "f", "one", 3, 0600, &e), 0);
	assert_holds("f", "one");
	old = openat(dir, "f", O_RDONLY);
	assert_int_equal(mf_fs_replace(dir, "f", "second", 6, 0600, &e), 0);
	assert_holds("f", "second");
	/* Who has the old one open keeps reading the old one. */
	assert_int_equal(fstat(old, &st), 0);
	assert_int_equal(st.st_size, 3);
	close(old);
	assert_int_equal(fstatat(dir, "f", &st, 0), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	mkdirat(dir, "d", 0700);
	assert_int_equal(mf_fs_replace(dir, "d/g", "", 0, 0600, &e), 0);
	assert_holds("d/g", "");
	assert_int_equal(count_entries(), 2);
}

static void
test_replace_fails_clean(void **state)
{
	struct mf_error e;

	(void)state;
	mkdirat(dir, "d", 0700);
	assert_int_equal(mf_fs_replace(dir, "d", "x", 1, 0600, &e), -1);
	assert_int_equal(e.n_frames, 1);
	assert_int_equal(count_entries(), 1);
	assert_int_equal(mf_fs_replace(dir, "none/f", "x", 1, 0600, &e), -1);
	assert_int_equal(e.code, MF_ENOTFOUND);
	assert_int_equal(mf_fs_replace(dir, "d/", "x", 1, 0600, &e), -1);
	assert_int_equal(e.code, MF_EUSAGE);
}

/* A link in the place of the file is replaced, not written through. */
static void
test_replace_link(void **state)
{
	(void)state;
	put("target", "old");
	assert_int_equal(symlinkat("target", dir, "l"), 0);
	assert_int_equal(mf_fs_replace(dir, "l", "new", 3, 0600, NULL), 0);
	assert_holds("target", "old");
	assert_holds("l", "new");
}

static void
test_mkdirs(void **state)
{
	struct mf_error e;

	(void)state;
	assert_int_equal(mf_fs_mkdirs(dir, "a/b//c/", 0700, &e), 0);
	assert_int_equal(mf_fs_mkdirs(dir, "a/b/c", 0700, &e), 0);
	assert_true(exists("a/b/c"));
	put("a/f", "");
	assert_int_equal(mf_fs_mkdirs(dir, "a/f/g", 0700, &e), -1);
	assert_int_equal(mf_fs_mkdirs(dir, "a/f", 0700, &e), -1);
	assert_int_equal(e.sys_errno, ENOTDIR);
	assert_int_equal(mf_fs_mkdirs(dir, "", 0700, &e), -1);
	assert_int_equal(mf_fs_mkdirs(AT_FDCWD, scratch, 0700, &e), 0);
	assert_int_equal(mf_fs_mkdirs(AT_FDCWD, "/", 0700, &e), 0);
	assert_int_equal(mf_fs_sync_dir(dir, "a/b", &e), 0);
	assert_int_equal(mf_fs_sync_dir(dir, "a/f", &e), -1);
}

/* Both ways of opening beneath: of the kernel and of our own. */
static void
assert_beneath(const char *path, int flags, int want_errno)
{
	struct mf_error e;
	int fd;

	mf_error_clear(&e);
	fd = mf_fs_open_beneath(dir, path, flags, 0600, &e);
	assert_int_equal(fd < 0, want_errno != 0);
	assert_int_equal(fd < 0 ? e.sys_errno : 0, want_errno);
	if (fd >= 0)
		close(fd);
	else if (want_errno == ELOOP || want_errno == EXDEV)
		assert_int_equal(e.code, MF_EPERM);
	fd = mf_fs_walk_beneath(dir, path, flags, 0600);
	assert_int_equal(fd < 0 ? errno : 0, want_errno);
	if (fd >= 0)
		close(fd);
}

static void
test_open_beneath(void **state)
{
	(void)state;
	mf_fs_mkdirs(dir, "a/b", 0700, NULL);
	put("a/b/f", "x");
	assert_beneath("a/b/f", O_RDONLY, 0);
	assert_beneath("a//b/./f", O_RDONLY, 0);
	assert_beneath("a/b", O_RDONLY | O_DIRECTORY, 0);
	assert_beneath("a/b/", O_RDONLY | O_DIRECTORY, 0);
	assert_beneath(".", O_RDONLY | O_DIRECTORY, 0);
	assert_beneath("a/b/new", O_WRONLY | O_CREAT, 0);
	assert_true(exists("a/b/new"));
	assert_beneath("a/none", O_RDONLY, ENOENT);
	assert_beneath("none/f", O_RDONLY, ENOENT);
	assert_beneath("", O_RDONLY, ENOENT);
	assert_beneath("a/b/f/g", O_RDONLY, ENOTDIR);
	assert_beneath("a/b/f", O_WRONLY | O_CREAT | O_EXCL, EEXIST);
}

static void
test_open_beneath_refuses(void **state)
{
	(void)state;
	mf_fs_mkdirs(dir, "a/b", 0700, NULL);
	put("a/f", "x");
	assert_int_equal(symlinkat("f", dir, "a/inner"), 0);
	assert_int_equal(symlinkat("/etc/passwd", dir, "a/outer"), 0);
	assert_int_equal(symlinkat("b", dir, "a/way"), 0);
	assert_int_equal(symlinkat("nowhere", dir, "a/dangling"), 0);
	assert_beneath("a/inner", O_RDONLY, ELOOP);
	assert_beneath("a/outer", O_RDONLY, ELOOP);
	assert_beneath("a/way", O_RDONLY | O_DIRECTORY, ELOOP);
	assert_beneath("a/way/f", O_RDONLY, ELOOP);
	assert_beneath("a/dangling", O_WRONLY | O_CREAT, ELOOP);
	assert_false(exists("a/nowhere"));
	assert_beneath("../t/a/f", O_RDONLY, EXDEV);
	assert_beneath("a/../a/f", O_RDONLY, EXDEV);
	assert_beneath("a/..", O_RDONLY, EXDEV);
	assert_beneath("..", O_RDONLY, EXDEV);
	assert_beneath("/etc/passwd", O_RDONLY, EXDEV);
}

static void
test_path_is_safe(void **state)
{
	static const char *const safe[] = {"a", "a/b", ".a", "..a", "a..", "...", "a b/\xc3\xa4"};
	static const char *const unsafe[] = {"", "/", "/a", "a/", "a//b", ".", "..", "a/.", "a/..",
	    "./a", "../a", "a/../b", "a/./b"};
	char name[5000];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof safe / sizeof safe[0]; i++)
		assert_true(mf_fs_path_is_safe(safe[i]));
	for (i = 0; i < sizeof unsafe / sizeof unsafe[0]; i++)
		assert_false(mf_fs_path_is_safe(unsafe[i]));
	memset(name, 'n', sizeof name);
	name[255] = '\0';
	assert_true(mf_fs_path_is_safe(name));
	name[255] = 'n';
	name[256] = '\0';
	assert_false(mf_fs_path_is_safe(name));
	memset(name, 'n', sizeof name);
	for (i = 99; i < 4096; i += 100)
		name[i] = '/';
	name[4096] = '\0';
	assert_true(mf_fs_path_is_safe(name));
	name[4096] = 'n';
	name[4097] = '\0';
	assert_false(mf_fs_path_is_safe(name));
}

static void
test_flip_link(void **state)
{
	struct mf_error e;
	char target[16] = "";

	(void)state;
	mf_fs_mkdirs(dir, "v1", 0700, NULL);
	put("v1/f", "1");
	mf_fs_mkdirs(dir, "v2", 0700, NULL);
	put("v2/f", "2");
	assert_int_equal(mf_fs_flip_link(dir, "current", "v1", &e), 0);
	assert_holds("current/f", "1");
	assert_int_equal(mf_fs_flip_link(dir, "current", "v2", &e), 0);
	assert_holds("current/f", "2");
	assert_int_equal(readlinkat(dir, "current", target, sizeof target - 1), 2);
	assert_int_equal(count_entries(), 3);
	/* A directory is not replaced by a link. */
	assert_int_equal(mf_fs_flip_link(dir, "v1", "v2", &e), -1);
	assert_int_equal(count_entries(), 3);
}

static void
test_exchange(void **state)
{
	struct mf_error e;
	int status;

	(void)state;
	put("f", "file");
	mf_fs_mkdirs(dir, "d", 0700, NULL);
	put("d/g", "inner");
	status = mf_fs_exchange(dir, "f", "d", &e);
	if (status == 1)
		skip();
	assert_int_equal(status, 0);
	assert_holds("d", "file");
	assert_holds("f/g", "inner");
	assert_int_equal(mf_fs_exchange(dir, "f", "none", &e), -1);
	assert_int_equal(e.code, MF_ENOTFOUND);
}

static void
test_remove_tree(void **state)
{
	struct mf_error e;
	char name[32];
	int i;

	(void)state;
	mf_fs_mkdirs(dir, "keep/inner", 0700, NULL);
	put("keep/inner/f", "kept");
	mf_fs_mkdirs(dir, "gone/a/b/c", 0700, NULL);
	for (i = 0; i < 300; i++) {
		(void)snprintf(name, sizeof name, "gone/a/f%d", i);
		put(name, "");
	}
	assert_int_equal(symlinkat("../keep", dir, "gone/link"), 0);
	assert_int_equal(symlinkat("nowhere", dir, "gone/dangling"), 0);
	assert_int_equal(mkfifoat(dir, "gone/fifo", 0600), 0);
	assert_int_equal(mf_fs_remove_tree(dir, "gone", &e), 0);
	assert_false(exists("gone"));
	assert_holds("keep/inner/f", "kept");
	assert_int_equal(mf_fs_remove_tree(dir, "gone", &e), 0);
	assert_int_equal(mf_fs_remove_tree(dir, "none/below", &e), 0);
	assert_int_equal(mf_fs_remove_tree(dir, "keep/inner/f", &e), 0);
	assert_false(exists("keep/inner/f"));
}

static void
test_remove_tree_refuses(void **state)
{
	struct mf_error e;

	(void)state;
	mf_fs_mkdirs(dir, "keep/inner", 0700, NULL);
	assert_int_equal(symlinkat("keep", dir, "link"), 0);
	assert_int_equal(mf_fs_remove_tree(dir, "link/inner", &e), -1);
	assert_int_equal(e.code, MF_EPERM);
	assert_int_equal(mf_fs_remove_tree(dir, "keep/..", &e), -1);
	assert_int_equal(mf_fs_remove_tree(dir, "keep/../keep/inner", &e), -1);
	assert_int_equal(mf_fs_remove_tree(dir, ".", &e), -1);
	assert_int_equal(mf_fs_remove_tree(dir, "", &e), -1);
	assert_true(exists("keep/inner"));
	/* The link itself goes, not what it points at. */
	assert_int_equal(mf_fs_remove_tree(dir, "link", &e), 0);
	assert_false(exists("link"));
	assert_true(exists("keep/inner"));
}

static void
test_remove_deep_tree(void **state)
{
	char path[2 * 200 + 1];
	size_t i;

	(void)state;
	for (i = 0; i < 200; i++)
		memcpy(path + 2 * i, "d/", 2);
	path[sizeof path - 1] = '\0';
	assert_int_equal(mf_fs_mkdirs(dir, path, 0700, NULL), 0);
	assert_int_equal(mf_fs_remove_tree(dir, "d", NULL), 0);
	assert_int_equal(count_entries(), 0);
}

static void
test_sync_all(void **state)
{
	(void)state;
	assert_int_equal(mf_fs_sync_all(dir, NULL), 0);
}

#define FS_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    FS_TEST(test_read_file),
	    FS_TEST(test_positions),
	    FS_TEST(test_replace),
	    FS_TEST(test_replace_fails_clean),
	    FS_TEST(test_replace_link),
	    FS_TEST(test_mkdirs),
	    FS_TEST(test_open_beneath),
	    FS_TEST(test_open_beneath_refuses),
	    FS_TEST(test_path_is_safe),
	    FS_TEST(test_flip_link),
	    FS_TEST(test_exchange),
	    FS_TEST(test_remove_tree),
	    FS_TEST(test_remove_tree_refuses),
	    FS_TEST(test_remove_deep_tree),
	    FS_TEST(test_sync_all),
	};

	return cmocka_run_group_tests_name("base/fs", tests, make_scratch, remove_scratch);
}
