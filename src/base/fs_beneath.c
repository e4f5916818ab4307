/*
 * Opening and changing names below a directory that others may write to.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#if HAVE_LINUX_OPENAT2_H
#include <linux/openat2.h>
#endif

#include "src/base/fs_int.h"

#define MAX_PATH_BYTES 4096
#define MAX_NAME_BYTES 255
#define RACE_TRIES 16 /* openat2(2) says EAGAIN when somebody renames meanwhile */

#ifndef RESOLVE_BENEATH
#define RESOLVE_BENEATH 0x08
#endif
#ifndef RESOLVE_NO_SYMLINKS
#define RESOLVE_NO_SYMLINKS 0x04
#endif
#ifndef RENAME_EXCHANGE
#define RENAME_EXCHANGE (1 << 1)
#endif

#if HAVE_LINUX_OPENAT2_H && defined SYS_openat2
int
mf_fs_openat2(int dirfd, const char *path, int flags, mode_t mode, uint64_t resolve)
{
	struct open_how how;
	int tries = 0;
	long fd;

	memset(&how, 0, sizeof how);
	how.flags = (uint64_t)(unsigned)flags;
	if ((flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE)
		how.mode = mode;
	how.resolve = resolve;
	do
		fd = syscall(SYS_openat2, dirfd, path, &how, sizeof how);
	while (fd < 0 && (errno == EINTR || (errno == EAGAIN && ++tries < RACE_TRIES)));
	return (int)fd;
}
#else
int
mf_fs_openat2(int dirfd, const char *path, int flags, mode_t mode, uint64_t resolve)
{
	(void)dirfd;
	(void)path;
	(void)flags;
	(void)mode;
	(void)resolve;
	errno = ENOSYS;
	return -1;
}
#endif

/* Has path a ".." component? */
static bool
goes_up(const char *path)
{
	size_t n;

	for (;;) {
		path += strspn(path, "/");
		if (*path == '\0')
			return false;
		n = strcspn(path, "/");
		if (n == 2 && path[0] == '.' && path[1] == '.')
			return true;
		path += n;
	}
}

/* openat(2) of one name that must be no link. */
static int
open_one(int dirfd, const char *name, int flags, mode_t mode)
{
	struct stat st;
	int fd;

	fd = openat(dirfd, name, flags | O_NOFOLLOW | O_CLOEXEC, mode);
	if (fd < 0) {
		/* With O_DIRECTORY a link is reported as a non-directory. */
		if (errno == ENOTDIR && fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
			errno = S_ISLNK(st.st_mode) ? ELOOP : ENOTDIR;
		return -1;
	}
	if ((flags & O_PATH) != 0 && fstat(fd, &st) == 0 && S_ISLNK(st.st_mode)) {
		(void)close(fd);
		errno = ELOOP;
		return -1;
	}
	return fd;
}

/* Open component after component of the writable copy. */
static int
walk(int dirfd, char *path, int flags, mode_t mode)
{
	char *name = path, *end;
	int at = dirfd, next, saved;

	for (;;) {
		name += strspn(name, "/");
		end = name + strcspn(name, "/");
		/* "a/" means the directory a. */
		if (*end == '/' && end[strspn(end, "/")] == '\0')
			flags |= O_DIRECTORY;
		if (*end == '\0' || (flags & O_DIRECTORY && end[strspn(end, "/")] == '\0')) {
			*end = '\0';
			next = open_one(at, *name == '\0' ? "." : name, flags, mode);
			end = NULL;
		} else {
			*end = '\0';
			next = open_one(at, name, O_PATH | O_DIRECTORY, 0);
		}
		saved = errno;
		if (at != dirfd)
			(void)close(at);
		errno = saved;
		if (next < 0 || end == NULL)
			return next;
		at = next;
		name = end + 1;
	}
}

int
mf_fs_walk_beneath(int dirfd, const char *path, int flags, mode_t mode)
{
	char *copy;
	int fd, saved;

	if (path[0] == '\0') {
		errno = ENOENT;
		return -1;
	}
	if (path[0] == '/' || goes_up(path)) {
		errno = EXDEV;
		return -1;
	}
	copy = strdup(path);
	if (copy == NULL)
		return -1;
	fd = walk(dirfd, copy, flags, mode);
	saved = errno;
	free(copy);
	errno = saved;
	return fd;
}

int
mf_fs_open_beneath(int dirfd, const char *path, int flags, mode_t mode, struct mf_error *e)
{
	int fd;

	/* The kernel lets "a/../b" pass; no caller has a reason to ask for it. */
	if (goes_up(path)) {
		fd = -1;
		errno = EXDEV;
	} else {
		fd = mf_fs_openat2(dirfd, path, flags | O_CLOEXEC, mode,
		    RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS);
		/* Filters of system calls answer either of these. */
		if (fd < 0 && (errno == ENOSYS || errno == EPERM || errno == EINVAL))
			fd = mf_fs_walk_beneath(dirfd, path, flags, mode);
	}
	if (fd >= 0)
		return fd;
	if (errno == ELOOP || errno == EXDEV) {
		int why = errno;

		mf_error_set(e, MF_EPERM,
		    why == ELOOP ? "refused to follow the symbolic link at or in %s"
				 : "refused to leave the directory for %s",
		    path);
		if (e != NULL)
			e->sys_errno = why;
		return -1;
	}
	return mf_error_sys(e, errno, "cannot open %s", path);
}

bool
mf_fs_path_is_safe(const char *path)
{
	size_t n;

	if (strlen(path) > MAX_PATH_BYTES)
		return false;
	for (;;) {
		n = strcspn(path, "/");
		if (n == 0 || n > MAX_NAME_BYTES)
			return false;
		if (path[0] == '.' && (n == 1 || (n == 2 && path[1] == '.')))
			return false;
		if (path[n] == '\0')
			return true;
		path += n + 1;
	}
}

int
mf_fs_flip_link(int dirfd, const char *name, const char *target, struct mf_error *e)
{
	char temp[MF_FS_TEMP_NAME_BYTES];
	const char *base;
	int parent, status = -1;

	parent = mf_fs_open_parent(dirfd, name, &base, e);
	if (parent < 0)
		return -1;
	if (mf_fs_temp_name(temp, e) != 0)
		goto done;
	if (symlinkat(target, parent, temp) != 0) {
		mf_error_sys(e, errno, "cannot make the link %s", temp);
	} else if (renameat(parent, temp, parent, base) != 0) {
		mf_error_sys(e, errno, "cannot put the link in the place of %s", name);
		(void)unlinkat(parent, temp, 0);
	} else {
		status = mf_fs_sync_fd(parent, "the directory", e);
	}
done:
	(void)close(parent);
	return status == 0 ? 0 : mf_error_while(e, "pointing %s at %s", name, target);
}

int
mf_fs_exchange(int dirfd, const char *a, const char *b, struct mf_error *e)
{
	if (syscall(SYS_renameat2, dirfd, a, dirfd, b, RENAME_EXCHANGE) == 0)
		return 0;
	if (errno == EINVAL || errno == ENOSYS || errno == ENOTSUP)
		return 1;
	return mf_error_sys(e, errno, "cannot exchange %s and %s", a, b);
}
