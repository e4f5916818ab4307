/* What only the directory store promises. */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/transfers/scratch.h"
#include "transfers/dir.h"

#define NOBODY 65534

struct fixture {
	char path[SCRATCH_PATH];
	struct mf_store *s;
	struct mf_error e;
};

static int
set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);

	if (f == NULL)
		return -1;
	scratch_make(f->path);
	*state = f;
	return mf_dir_open(f->path, MF_DIR_WRITE, &f->s, &f->e);
}

static int
tear_down(void **state)
{
	struct fixture *f = *state;

	mf_store_close(f->s);
	scratch_remove(f->path);
	free(f);
	return 0;
}

static void
reopen(struct fixture *f, unsigned flags)
{
	mf_store_close(f->s);
	f->s = NULL;
	assert_int_equal(mf_dir_open(f->path, flags, &f->s, &f->e), 0);
}

static const char *
path_of(const struct fixture *f, const char *name)
{
	static char path[PATH_MAX];

	snprintf(path, sizeof path, "%s/%s", f->path, name);
	return path;
}

static int
count(void *arg, const char *name, uint64_t size, int64_t mtime_us)
{
	(void)name;
	(void)size;
	(void)mtime_us;
	++*(int *)arg;
	return 0;
}

static int
objects(struct fixture *f)
{
	int n = 0;

	assert_int_equal(mf_store_list(f->s, "", count, &n, &f->e), 0);
	return n;
}

static int
entries(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	int n = 0;

	if (dir == NULL)
		return 0;
	while ((entry = readdir(dir)) != NULL)
		n += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
	closedir(dir);
	return n;
}

static void
files_and_modes(void **state)
{
	struct fixture *f = *state;
	struct stat st;

	assert_int_equal(mf_store_put(f->s, "c/ab/x.1", "bytes", 5, 0, &f->e), 0);
	assert_int_equal(stat(path_of(f, "c/ab/x.1"), &st), 0);
	assert_int_equal(st.st_size, 5);
	assert_int_equal(st.st_mode & 0777 & ~(mode_t)0600, 0);
	assert_int_equal(stat(path_of(f, "c/ab"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	assert_int_equal(entries(f->path), 1); /* nothing else, no .tmp */
}

static void
opening(void **state)
{
	struct fixture *f = *state;
	struct mf_store *s = NULL;
	char path[PATH_MAX];
	FILE *file;

	snprintf(path, sizeof path, "%s/new/deep", f->path);
	assert_int_equal(mf_dir_open(path, MF_DIR_WRITE, &s, &f->e), -1);
	assert_int_equal(f->e.code, MF_ENOTFOUND);
	assert_non_null(strstr(f->e.message, "new/deep"));
	assert_int_equal(mf_dir_open(path, MF_DIR_CREATE, &s, &f->e), 0);
	assert_string_equal(mf_store_label(s), path);
	assert_int_equal(mf_store_put(s, "a", "x", 1, 0, &f->e), 0);
	mf_store_close(s);
	assert_int_equal(mf_dir_open(path, MF_DIR_CREATE, &s, &f->e), 0); /* again is fine */
	mf_store_close(s);
	file = fopen(path_of(f, "file"), "w");
	assert_non_null(file);
	fclose(file);
	assert_int_equal(mf_dir_open(path_of(f, "file"), 0, &s, &f->e), -1);
	assert_int_equal(f->e.code, MF_EUSAGE);
}

static void
for_reading_only(void **state)
{
	struct fixture *f = *state;
	int64_t now;

	assert_int_equal(mf_store_put(f->s, "a/b", "x", 1, 0, &f->e), 0);
	reopen(f, 0);
	assert_int_equal(mf_store_capabilities(f->s) & MF_STORE_WRITABLE, 0);
	assert_int_equal(mf_store_put(f->s, "a/c", "x", 1, 0, &f->e), -1);
	assert_int_equal(f->e.code, MF_EPERM);
	assert_int_equal(mf_store_del(f->s, "a/b", &f->e), -1);
	assert_int_equal(f->e.code, MF_EPERM);
	assert_int_equal(mf_store_now(f->s, &now, &f->e), 0);
	assert_int_equal(objects(f), 1);
}

/* As a user to whom the directory does not belong. */
static void
permission_denied(void **state)
{
	struct fixture *f = *state;
	const uid_t me = geteuid();
	int put, del;

	assert_int_equal(mf_store_put(f->s, "a/b", "x", 1, 0, &f->e), 0);
	assert_int_equal(chmod(path_of(f, "a"), 0555), 0);
	assert_int_equal(chmod(f->path, 0555), 0);
	if (me == 0)
		assert_int_equal(seteuid(NOBODY), 0);
	put = mf_store_put(f->s, "a/c", "x", 1, 0, &f->e);
	del = mf_store_del(f->s, "a/b", NULL);
	if (me == 0)
		assert_int_equal(seteuid(me), 0);
	chmod(f->path, 0700);
	chmod(path_of(f, "a"), 0700);
	assert_int_equal(put, -1);
	assert_int_equal(f->e.code, MF_EPERM);
	assert_true(f->e.hint[0] != '\0');
	assert_int_equal(del, -1);
	assert_int_equal(objects(f), 1);
}

/* RLIMIT_FSIZE stands in for a full disk: the write fails half way. */
static void
failed_write(void **state)
{
	struct fixture *f = *state;
	const struct rlimit small = {.rlim_cur = 8192, .rlim_max = RLIM_INFINITY};
	struct rlimit before;
	static char bytes[100000];
	unsigned flags;
	int r;

	for (flags = 0; flags <= MF_DIR_NO_TMPFILE; flags += MF_DIR_NO_TMPFILE) {
		reopen(f, MF_DIR_WRITE | flags);
		assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
		signal(SIGXFSZ, SIG_IGN);
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
		r = mf_store_put(f->s, "a/b", bytes, sizeof bytes, 0, &f->e);
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
		assert_int_equal(r, -1);
		assert_int_equal(f->e.sys_errno, EFBIG);
		assert_int_equal(objects(f), 0);
		assert_int_equal(entries(path_of(f, ".tmp")), 0);
	}
}

/* /dev/full's file system has no directories; a tiny tmpfs needs root and is tried if there. */
static void
full_disk(void **state)
{
	struct fixture *f = *state;
	static char bytes[200000];
	char command[PATH_MAX + 100];
	int r;

	snprintf(command, sizeof command,
	    "mount -t tmpfs -o size=64k,mode=0700 none %s 2>/dev/null", f->path);
	if (geteuid() != 0 || system(command) != 0)
		return;
	reopen(f, MF_DIR_WRITE);
	r = mf_store_put(f->s, "a/b", bytes, sizeof bytes, 0, &f->e);
	mf_store_close(f->s);
	f->s = NULL;
	snprintf(command, sizeof command, "umount %s", f->path);
	assert_int_equal(system(command), 0);
	assert_int_equal(r, -1);
	assert_int_equal(f->e.code, MF_ENOSPC);
	assert_non_null(strstr(f->e.message, "a/b"));
}

/* Things in the directory that are no objects are not seen, and hold nobody up. */
static void
strangers(void **state)
{
	struct fixture *f = *state;
	struct mf_buf b = MF_BUF_INIT;
	static const char *const names[] = {"c/00/link", "c/00/fifo", "c/away/x"};
	size_t i;

	assert_int_equal(mf_store_put(f->s, "c/00/x", "x", 1, 0, &f->e), 0);
	assert_int_equal(symlink("x", path_of(f, "c/00/link")), 0);
	assert_int_equal(mkfifo(path_of(f, "c/00/fifo"), 0600), 0);
	assert_int_equal(symlink("00", path_of(f, "c/away")), 0);
	assert_int_equal(mkdir(path_of(f, "c/Upper"), 0700), 0);
	assert_int_equal(symlink("nowhere", path_of(f, "c/00/editor~")), 0);
	assert_int_equal(objects(f), 1);
	for (i = 0; i < sizeof names / sizeof names[0]; i++)
		assert_int_equal(mf_store_get(f->s, names[i], 0, 9, &b, &f->e), -1);
	assert_int_equal(mf_store_head(f->s, "c/00/fifo", NULL, &f->e), 1);
	assert_int_equal(mf_store_put(f->s, "c/away/y", "x", 1, 0, &f->e), -1);
	assert_int_equal(f->e.code, MF_EPERM);
	mf_buf_fini(&b);
}

/* A directory that somebody removed is made again. */
static void
vanished_directory(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(mf_store_put(f->s, "a/b/c", "1", 1, MF_STORE_DURABLE, &f->e), 0);
	assert_int_equal(mf_store_del(f->s, "a/b/c", &f->e), 0);
	assert_int_equal(rmdir(path_of(f, "a/b")), 0);
	assert_int_equal(rmdir(path_of(f, "a")), 0);
	assert_int_equal(mf_store_put(f->s, "a/b/c", "1", 1, MF_STORE_DURABLE, &f->e), 0);
	assert_int_equal(mf_store_sync(f->s, &f->e), 0);
	assert_int_equal(objects(f), 1);
}

static void
sweep(void **state)
{
	struct fixture *f = *state;
	const struct timespec old[2] = {{.tv_sec = 1000000000}, {.tv_sec = 1000000000}};
	int fd;

	assert_int_equal(mkdir(path_of(f, ".tmp"), 0700), 0);
	fd = open(path_of(f, ".tmp/old"), O_CREAT | O_WRONLY, 0600);
	assert_true(fd >= 0);
	assert_int_equal(futimens(fd, old), 0);
	close(fd);
	fd = open(path_of(f, ".tmp/young"), O_CREAT | O_WRONLY, 0600);
	assert_true(fd >= 0);
	close(fd);
	reopen(f, 0);
	assert_int_equal(entries(path_of(f, ".tmp")), 2);
	reopen(f, MF_DIR_WRITE);
	assert_int_equal(entries(path_of(f, ".tmp")), 1);
	assert_int_equal(access(path_of(f, ".tmp/young"), F_OK), 0);
	assert_int_equal(objects(f), 0);
}

static char large[300000];

static void __attribute__((noreturn))
put_without_end(struct mf_store *s)
{
	char name[32];
	int i;

	for (i = 0;; i = (i + 1) % 50) {
		snprintf(name, sizeof name, "c/%02x/%d", i % 5, i);
		if (mf_store_put(s, name, large, sizeof large, 0, NULL) != 0)
			_exit(1);
	}
}

/* A process that puts without end is killed at random moments: what is visible is whole. */
static void
killed_puts(void **state)
{
	struct fixture *f = *state;
	struct mf_buf b = MF_BUF_INIT;
	char name[32];
	pid_t child;
	int round, i;

	memset(large, 'x', sizeof large);
	for (round = 0; round < 20; round++) {
		reopen(f, MF_DIR_WRITE | (round % 2 == 0 ? 0u : (unsigned)MF_DIR_NO_TMPFILE));
		child = fork();
		assert_true(child >= 0);
		if (child == 0)
			put_without_end(f->s);
		usleep((useconds_t)(1000 + round * 777));
		kill(child, SIGKILL);
		assert_int_equal(waitpid(child, NULL, 0), child);
		for (i = 0; i < 50; i++) {
			mf_buf_clear(&b);
			snprintf(name, sizeof name, "c/%02x/%d", i % 5, i);
			if (mf_store_get(f->s, name, 0, SIZE_MAX, &b, &f->e) != 0)
				assert_int_equal(f->e.code, MF_ENOTFOUND);
			else
				assert_int_equal(b.len, sizeof large);
		}
	}
	mf_buf_fini(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(files_and_modes, set_up, tear_down),
		cmocka_unit_test_setup_teardown(opening, set_up, tear_down),
		cmocka_unit_test_setup_teardown(for_reading_only, set_up, tear_down),
		cmocka_unit_test_setup_teardown(permission_denied, set_up, tear_down),
		cmocka_unit_test_setup_teardown(failed_write, set_up, tear_down),
		cmocka_unit_test_setup_teardown(full_disk, set_up, tear_down),
		cmocka_unit_test_setup_teardown(strangers, set_up, tear_down),
		cmocka_unit_test_setup_teardown(vanished_directory, set_up, tear_down),
		cmocka_unit_test_setup_teardown(sweep, set_up, tear_down),
		cmocka_unit_test_setup_teardown(killed_puts, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
