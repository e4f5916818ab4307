/*
 * Removing a tree, one open directory a level, so that no name is resolved twice: somebody
 * who swaps a directory for a link meanwhile leads nobody out of the tree.
 */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#if HAVE_LINUX_OPENAT2_H
#include <linux/openat2.h>
#endif

#include "src/base/fs_int.h"

#define MAX_DEPTH 256 /* each level holds a descriptor and a stack frame */
#define MAX_PASSES 8  /* new entries that somebody else keeps making */

#ifndef RESOLVE_NO_XDEV
#define RESOLVE_NO_XDEV 0x01
#endif
#ifndef RESOLVE_NO_SYMLINKS
#define RESOLVE_NO_SYMLINKS 0x04
#endif

static int remove_entry(int parent, const char *name, dev_t device, int depth,
    struct mf_error *e);

/* Open the directory parent/name of this device, which is neither a link nor a mount. */
static int
open_level(int parent, const char *name, dev_t device, struct mf_error *e)
{
	const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	struct stat st;
	int fd;

	fd = mf_fs_openat2(parent, name, flags, 0, RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS);
	if (fd < 0 && (errno == ENOSYS || errno == EPERM || errno == EINVAL))
		fd = openat(parent, name, flags);
	if (fd >= 0 && (fstat(fd, &st) != 0 || st.st_dev != device)) {
		(void)close(fd);
		fd = -1;
		errno = EXDEV;
	}
	if (fd >= 0)
		return fd;
	if (errno == EXDEV) {
		mf_error_set(e, MF_EPERM, "%s is a mount, which is not removed", name);
		return mf_error_hint(e, "unmount it first");
	}
	return mf_error_sys(e, errno, "cannot open directory %s", name);
}

/* Remove what is in the directory fd, which is closed.
 * NOLINTBEGIN(misc-no-recursion): MAX_DEPTH ends it */
static int
empty_directory(int fd, dev_t device, int depth, struct mf_error *e)
{
	DIR *dir = fdopendir(fd);
	struct dirent *entry;
	int status = 0;

	if (dir == NULL) {
		mf_error_sys(e, errno, "cannot read a directory");
		(void)close(fd);
		return -1;
	}
	while (status == 0 && (errno = 0, entry = readdir(dir)) != NULL) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		status = remove_entry(dirfd(dir), entry->d_name, device, depth + 1, e);
	}
	if (status == 0 && errno != 0)
		status = mf_error_sys(e, errno, "cannot read a directory");
	(void)closedir(dir);
	return status;
}

static int
remove_directory(int parent, const char *name, dev_t device, int depth, struct mf_error *e)
{
	int fd, pass;

	if (depth >= MAX_DEPTH)
		return mf_error_set(e, MF_EUNSUPPORTED, "directories lie deeper than %d at %s",
		    MAX_DEPTH, name);
	for (pass = 0; pass < MAX_PASSES; pass++) {
		fd = open_level(parent, name, device, e);
		if (fd < 0 || empty_directory(fd, device, depth, e) != 0)
			return -1;
		if (unlinkat(parent, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
			return 0;
		/* A directory read while it shrinks may skip entries: look again. */
		if (errno != ENOTEMPTY && errno != EEXIST)
			break;
	}
	return mf_error_sys(e, errno, "cannot remove directory %s", name);
}

static int
remove_entry(int parent, const char *name, dev_t device, int depth, struct mf_error *e)
{
	struct stat st;

	if (fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return errno == ENOENT ? 0 : mf_error_sys(e, errno, "cannot look at %s", name);
	if (S_ISDIR(st.st_mode))
		return remove_directory(parent, name, device, depth, e);
	if (unlinkat(parent, name, 0) != 0 && errno != ENOENT)
		return mf_error_sys(e, errno, "cannot remove %s", name);
	return 0;
}
/* NOLINTEND(misc-no-recursion) */

/* The directory that holds path's last component: below a given directory no link is
 * followed on the way; a path from the working directory or the root is the caller's own. */
static int
open_holder(int dirfd, const char *path, const char **base, struct mf_error *e)
{
	char parent[4096];
	const char *slash = strrchr(path, '/');

	if (dirfd == AT_FDCWD || slash == NULL)
		return mf_fs_open_parent(dirfd, path, base, e);
	*base = slash + 1;
	if (**base == '\0' || strcmp(*base, ".") == 0 || strcmp(*base, "..") == 0)
		return mf_error_set(e, MF_EUSAGE, "\"%s\" does not end in a name", path);
	if ((size_t)(slash - path) >= sizeof parent)
		return mf_error_sys(e, ENAMETOOLONG, "cannot remove %s", path);
	memcpy(parent, path, (size_t)(slash - path));
	parent[slash - path] = '\0';
	return mf_fs_open_beneath(dirfd, slash == path ? "/" : parent, O_RDONLY | O_DIRECTORY, 0,
	    e);
}

int
mf_fs_remove_tree(int dirfd, const char *path, struct mf_error *e)
{
	struct mf_error local;
	const char *base;
	struct stat st;
	int holder, status;

	if (e == NULL)
		e = &local;
	holder = open_holder(dirfd, path, &base, e);
	if (holder < 0 && e->code == MF_ENOTFOUND) {
		mf_error_clear(e);
		return 0;
	}
	if (holder < 0)
		return -1;
	if (fstat(holder, &st) != 0)
		status = mf_error_sys(e, errno, "cannot look at the directory of %s", path);
	else
		status = remove_entry(holder, base, st.st_dev, 0, e);
	(void)close(holder);
	return status == 0 ? 0 : mf_error_while(e, "removing %s", path);
}
