#include "config.h"

#include "src/base/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/base/fs_int.h"
#include "src/base/hex.h"

#define READ_STEP_BYTES ((size_t)64 * 1024)

/* read(2) that is only interrupted by an error. */
static ssize_t
read_some(int fd, void *bytes, size_t n)
{
	ssize_t got;

	do
		got = read(fd, bytes, n);
	while (got < 0 && errno == EINTR);
	return got;
}

static int
read_all(int fd, const char *path, size_t max_bytes, struct mf_buf *out, struct mf_error *e)
{
	size_t before = out->len, step;
	struct stat st;
	ssize_t got;

	/* A regular file's size is a good guess, so that the buffer grows once. One byte more
	 * than allowed tells a file that is too large. */
	step = READ_STEP_BYTES;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0)
		step = ((uintmax_t)st.st_size < max_bytes ? (size_t)st.st_size : max_bytes) + 1;
	for (;;) {
		if (mf_buf_reserve(out, step) != 0)
			return mf_error_nomem(e, path);
		got = read_some(fd, out->data + out->len, step);
		if (got < 0)
			return mf_error_sys(e, errno, "cannot read %s", path);
		if (got == 0)
			return 0;
		out->len += (size_t)got;
		if (out->len - before > max_bytes)
			return mf_error_set(e, MF_EUSAGE, "%s is larger than %zu bytes", path,
			    max_bytes);
		if (step > READ_STEP_BYTES)
			step = READ_STEP_BYTES;
	}
}

int
mf_fs_read_file(int dirfd, const char *path, size_t max_bytes, struct mf_buf *out,
    struct mf_error *e)
{
	size_t before = out->len;
	int fd, status;

	fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return mf_error_sys(e, errno, "cannot open %s", path);
	status = read_all(fd, path, max_bytes, out, e);
	if (status != 0)
		out->len = before;
	(void)close(fd);
	return status;
}

int
mf_fs_pread(int fd, void *bytes, size_t n, uint64_t offset, struct mf_error *e)
{
	char *at = bytes;
	ssize_t got;

	if (offset > INT64_MAX || n > (uint64_t)INT64_MAX - offset)
		return 1;
	while (n > 0) {
		got = pread(fd, at, n, (off_t)offset);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return mf_error_sys(e, errno, "cannot read at byte %llu",
			    (unsigned long long)offset);
		if (got == 0)
			return 1;
		at += got;
		n -= (size_t)got;
		offset += (uint64_t)got;
	}
	return 0;
}

int
mf_fs_pwrite(int fd, const void *bytes, size_t n, uint64_t offset, struct mf_error *e)
{
	const char *at = bytes;
	ssize_t done;

	if (offset > INT64_MAX || n > (uint64_t)INT64_MAX - offset)
		return mf_error_sys(e, EFBIG, "cannot write at byte %llu",
		    (unsigned long long)offset);
	while (n > 0) {
		done = pwrite(fd, at, n, (off_t)offset);
		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return mf_error_sys(e, done < 0 ? errno : EIO, "cannot write at byte %llu",
			    (unsigned long long)offset);
		at += done;
		n -= (size_t)done;
		offset += (uint64_t)done;
	}
	return 0;
}

int
mf_fs_write(int fd, const void *bytes, size_t n, struct mf_error *e)
{
	const char *at = bytes;
	ssize_t done;

	while (n > 0) {
		done = write(fd, at, n);
		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return mf_error_sys(e, done < 0 ? errno : EIO, "cannot write");
		at += done;
		n -= (size_t)done;
	}
	return 0;
}

int
mf_fs_temp_name(char out[MF_FS_TEMP_NAME_BYTES], struct mf_error *e)
{
	uint8_t random[8];
	ssize_t got;

	do
		got = getrandom(random, sizeof random, 0);
	while (got < 0 && errno == EINTR);
	if (got != (ssize_t)sizeof random)
		return mf_error_sys(e, got < 0 ? errno : EIO, "no random bytes for a file name");
	memcpy(out, ".mf-", 4);
	mf_hex_encode(out + 4, random, sizeof random);
	return 0;
}

int
mf_fs_open_parent(int dirfd, const char *path, const char **base, struct mf_error *e)
{
	const char *slash = strrchr(path, '/');
	char *parent;
	int fd;

	*base = slash == NULL ? path : slash + 1;
	if (**base == '\0' || strcmp(*base, ".") == 0 || strcmp(*base, "..") == 0)
		return mf_error_set(e, MF_EUSAGE, "\"%s\" does not end in a name", path);
	parent = slash == NULL ? strdup(".")
			       : strndup(path, slash == path ? 1 : (size_t)(slash - path));
	if (parent == NULL)
		return mf_error_nomem(e, "a path");
	fd = openat(dirfd, parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		mf_error_sys(e, errno, "cannot open directory %s", parent);
	free(parent);
	return fd;
}

int
mf_fs_sync_fd(int fd, const char *name, struct mf_error *e)
{
	int status;

	do
		status = fsync(fd);
	while (status != 0 && errno == EINTR);
	return status == 0 ? 0 : mf_error_sys(e, errno, "cannot make %s durable", name);
}

/* Write a new file of this name and sync it. */
static int
write_new(int parent, const char *name, const void *bytes, size_t n, mode_t mode,
    struct mf_error *e)
{
	int fd, status;

	fd = openat(parent, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
	if (fd < 0)
		return mf_error_sys(e, errno, "cannot create %s", name);
	status = mf_fs_write(fd, bytes, n, e);
	if (status == 0)
		status = mf_fs_sync_fd(fd, name, e);
	if (close(fd) != 0 && status == 0)
		status = mf_error_sys(e, errno, "cannot close %s", name);
	return status;
}

int
mf_fs_replace(int dirfd, const char *path, const void *bytes, size_t n, mode_t mode,
    struct mf_error *e)
{
	char temp[MF_FS_TEMP_NAME_BYTES];
	const char *base;
	int parent, status = -1;

	parent = mf_fs_open_parent(dirfd, path, &base, e);
	if (parent < 0)
		return -1;
	if (mf_fs_temp_name(temp, e) != 0)
		goto done;
	if (write_new(parent, temp, bytes, n, mode, e) != 0) {
		(void)unlinkat(parent, temp, 0);
	} else if (renameat(parent, temp, parent, base) != 0) {
		mf_error_sys(e, errno, "cannot rename %s", temp);
		(void)unlinkat(parent, temp, 0);
	} else {
		status = mf_fs_sync_fd(parent, "the directory", e);
	}
done:
	(void)close(parent);
	return status == 0 ? 0 : mf_error_while(e, "writing %s", path);
}

/* 0 where path is a directory afterwards. */
static int
make_one(int dirfd, const char *path, mode_t mode)
{
	struct stat st;

	if (mkdirat(dirfd, path, mode) == 0)
		return 0;
	if (errno != EEXIST)
		return -1;
	if (fstatat(dirfd, path, &st, 0) != 0)
		return -1;
	if (S_ISDIR(st.st_mode))
		return 0;
	errno = ENOTDIR;
	return -1;
}

int
mf_fs_mkdirs(int dirfd, const char *path, mode_t mode, struct mf_error *e)
{
	char *copy, *at;
	int status = 0;

	if (path[0] == '\0')
		return mf_error_set(e, MF_EUSAGE, "a directory needs a name");
	copy = strdup(path);
	if (copy == NULL)
		return mf_error_nomem(e, "a path");
	at = copy + strspn(copy, "/");
	while (status == 0 && *at != '\0') {
		at += strcspn(at, "/");
		if (*at == '/') {
			*at = '\0';
			status = make_one(dirfd, copy, mode);
			*at++ = '/';
			at += strspn(at, "/");
		} else {
			status = make_one(dirfd, copy, mode);
		}
	}
	if (status != 0)
		mf_error_sys(e, errno, "cannot make directory %s", path);
	free(copy);
	return status;
}

int
mf_fs_sync_dir(int dirfd, const char *path, struct mf_error *e)
{
	int fd, status;

	fd = openat(dirfd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return mf_error_sys(e, errno, "cannot open directory %s", path);
	status = mf_fs_sync_fd(fd, path, e);
	(void)close(fd);
	return status;
}

int
mf_fs_sync_all(int fd, struct mf_error *e)
{
#if HAVE_SYNCFS
	if (syncfs(fd) == 0)
		return 0;
	if (errno != ENOSYS)
		return mf_error_sys(e, errno, "cannot make the file system durable");
#else
	(void)fd;
	(void)e;
#endif
	sync();
	return 0;
}
