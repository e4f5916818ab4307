/*
 * put on a directory. The bytes go to a file without a name (O_TMPFILE), which linkat(2) then
 * names atomically and only where the name is free. A file system without O_TMPFILE takes a
 * temporary name in `.tmp/` instead, and so does the replacement of an object that exists.
 */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "src/base/fs.h"
#include "transfers/dir_int.h"

#define OBJECT_MODE 0600
#define SWEEP_AGE_S (24L * 60 * 60)
#define TMP ".tmp"

/* linkat(2)'s answers where a file system has no hard links, or none to unnamed files. */
static bool
no_links(int code)
{
	return code == EPERM || code == EOPNOTSUPP || code == ENOSYS || code == EMLINK;
}

static void
temp_name_make(char name[DIR_TEMP_NAME])
{
	uint64_t r[2] = {0, 0};

	if (getrandom(r, sizeof r, 0) != (ssize_t)sizeof r)
		r[1] = (uint64_t)(uintptr_t)name; /* O_EXCL finds a clash */
	snprintf(name, DIR_TEMP_NAME, TMP "/%ld-%016" PRIx64 "%016" PRIx64, (long)getpid(), r[0],
	    r[1]);
}

static int
temp_make_dir(const struct dir_store *d, struct mf_error *e)
{
	if (mkdirat(d->root, TMP, 0700) != 0 && errno != EEXIST)
		return dir_fail(d, errno, "make the directory", TMP, e);
	return 0;
}

int
dir_temp_open(struct dir_store *d, char temp_name[DIR_TEMP_NAME], struct mf_error *e)
{
	int fd, tries;

	temp_name[0] = '\0';
	if (!atomic_load_explicit(&d->no_tmpfile, memory_order_relaxed)) {
		fd = openat(d->root, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, OBJECT_MODE);
		if (fd >= 0)
			return fd;
		if (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL && errno != ENOENT)
			return dir_fail(d, errno, "make", "a temporary file", e);
		atomic_store(&d->no_tmpfile, true);
	}
	for (tries = 0; tries < 8; tries++) {
		temp_name_make(temp_name);
		fd = openat(d->root, temp_name,
		    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, OBJECT_MODE);
		if (fd >= 0)
			return fd;
		if (errno == ENOENT && temp_make_dir(d, e) != 0)
			return -1;
		if (errno != ENOENT && errno != EEXIST)
			break;
	}
	return dir_fail(d, errno, "make", temp_name, e);
}

void
dir_temp_close(struct dir_store *d, int fd, const char *temp_name)
{
	close(fd);
	if (temp_name[0] != '\0')
		(void)unlinkat(d->root, temp_name, 0);
}

void
dir_temp_sweep(const struct dir_store *d)
{
	struct timespec now;
	struct dirent *entry;
	struct stat st;
	DIR *dir;
	int fd;

	fd = openat(d->root, TMP, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return;
	dir = fdopendir(fd);
	if (dir == NULL) {
		close(fd);
		return;
	}
	clock_gettime(CLOCK_REALTIME, &now);
	while ((entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] != '.' &&
		    fstatat(fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		    S_ISREG(st.st_mode) && st.st_mtim.tv_sec < now.tv_sec - SWEEP_AGE_S)
			(void)unlinkat(fd, entry->d_name, 0);
	}
	closedir(dir);
}

/* Give the file a name that nothing has. 0, or an errno (EEXIST: taken). */
static int
link_new(struct dir_store *d, int fd, const char *temp_name, int parent, const char *base)
{
	char proc[40];

	if (temp_name[0] == '\0') {
		snprintf(proc, sizeof proc, "/proc/self/fd/%d", fd);
		return linkat(AT_FDCWD, proc, parent, base, AT_SYMLINK_FOLLOW) == 0 ? 0 : errno;
	}
	if (linkat(d->root, temp_name, parent, base, 0) == 0)
		return 0;
	if (!no_links(errno))
		return errno;
	return renameat2(d->root, temp_name, parent, base, RENAME_NOREPLACE) == 0 ? 0 : errno;
}

/* Take the name from whatever has it: a temporary name where there is none yet, then rename. */
static int
link_over(struct dir_store *d, int fd, char temp_name[DIR_TEMP_NAME], int parent,
    const char *base, struct mf_error *e)
{
	char name[DIR_TEMP_NAME];
	int failed;

	if (temp_name[0] != '\0')
		return renameat(d->root, temp_name, parent, base) == 0 ? 0 : errno;
	if (temp_make_dir(d, e) != 0)
		return e->sys_errno;
	temp_name_make(name);
	failed = link_new(d, fd, "", d->root, name);
	if (failed != 0)
		return failed;
	if (renameat(d->root, name, parent, base) == 0)
		return 0;
	failed = errno;
	(void)unlinkat(d->root, name, 0);
	return failed;
}

/* 0; 1: the name is taken; else -1 with the errno in *failed, or 0 there and *e set. */
static int
publish(struct dir_store *d, int fd, char temp_name[DIR_TEMP_NAME], const char *name,
    unsigned flags, int *failed, struct mf_error *e)
{
	char parent_name[MF_STORE_NAME_MAX + 1];
	const char *base;
	int parent, r, tries;

	*failed = ENOENT;
	for (tries = 0; tries < 3; tries++) {
		r = dir_parent_open(d, name, &parent, &base, e);
		if (r < 0) {
			*failed = e->sys_errno == EACCES ? EACCES : 0;
			return -1;
		}
		if (r == 0) {
			*failed = link_new(d, fd, temp_name, parent, base);
			if (*failed == EEXIST && (flags & MF_STORE_IF_ABSENT) == 0)
				*failed = link_over(d, fd, temp_name, parent, base, e);
			dir_parent_close(d, parent);
			if (*failed == EEXIST && (flags & MF_STORE_IF_ABSENT) != 0)
				return 1;
			return *failed == 0 ? 0 : -1;
		}
		memcpy(parent_name, name, (size_t)(base - name));
		parent_name[base - name - 1] = '\0';
		if (mf_fs_mkdirs(d->root, parent_name, 0700, e) != 0) {
			*failed = e->sys_errno;
			return -1;
		}
		dir_sync_forget(&d->sync);
	}
	return -1;
}

/* As the limiter lets them pass, if there is one. */
static int
write_all(const struct dir_store *d, int fd, const char *name, const uint8_t *bytes, size_t n,
    struct mf_error *e)
{
	size_t slice;

	for (; n > 0; bytes += slice, n -= slice) {
		slice = mf_limiter_slice(d->limiter, MF_HTTP_UP, n);
		if (d->limiter != NULL && !mf_limiter_bytes(d->limiter, MF_HTTP_UP, slice))
			return mf_error_set(
			    e, MF_EINTERRUPTED, "interrupted while writing %s", name);
		if (mf_fs_write(fd, bytes, slice, e) != 0)
			return dir_fail(d, e->sys_errno, "write", name, e);
	}
	return 0;
}

/* One attempt with a file of its own. 0, 1, -1; -1 with *again: the unnamed file could not be
 * named (no /proc, no hard links): try with a temporary name. */
static int
put_once(struct dir_store *d, const char *name, const void *bytes, size_t n, unsigned flags,
    bool *again, struct mf_error *e)
{
	char temp_name[DIR_TEMP_NAME];
	int fd, failed, r;

	*again = false;
	fd = dir_temp_open(d, temp_name, e);
	if (fd < 0)
		return -1;
	if ((r = write_all(d, fd, name, bytes, n, e)) != 0)
		goto out;
	if ((flags & MF_STORE_DURABLE) != 0 && fsync(fd) != 0) {
		r = dir_fail(d, errno, "make durable", name, e);
		goto out;
	}
	r = publish(d, fd, temp_name, name, flags, &failed, e);
	if (r != -1)
		goto out;
	*again = temp_name[0] == '\0' && (failed == ENOENT || no_links(failed));
	if (failed == 0)
		mf_error_while(e, "creating %s in %s", name, d->path);
	else if (temp_name[0] != '\0' && (failed == EINVAL || no_links(failed)))
		mf_error_set(e, MF_EUNSUPPORTED,
		    "cannot create %s in %s: the file system has neither hard links nor "
		    "rename without replacement", name, d->path);
	else
		dir_fail(d, failed, "create", name, e);
out:
	dir_temp_close(d, fd, temp_name);
	return r;
}

int
dir_put(struct mf_store *s, const char *name, const void *bytes, size_t n, unsigned flags,
    struct mf_error *e)
{
	struct dir_store *d = (struct dir_store *)s;
	bool again;
	int r;

	if ((d->flags & MF_DIR_WRITE) == 0)
		return mf_error_set(e, MF_EPERM, "%s is open for reading only", d->path);
	r = put_once(d, name, bytes, n, flags, &again, e);
	if (r == -1 && again) {
		atomic_store(&d->no_tmpfile, true);
		r = put_once(d, name, bytes, n, flags, &again, e);
	}
	if (r != 0)
		return r;
	if ((flags & MF_STORE_DURABLE) != 0)
		return dir_sync_entry(d, name, e);
	dir_sync_note(&d->sync, name, false);
	return 0;
}
