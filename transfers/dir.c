#include "config.h"

#include "transfers/dir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/base/fs.h"
#include "transfers/dir_int.h"

#define DIR_MODE 0700

static int64_t
mtime_us(const struct stat *st)
{
	return (int64_t)st->st_mtim.tv_sec * 1000000 + st->st_mtim.tv_nsec / 1000;
}

int
dir_fail(const struct dir_store *d, int sys_errno, const char *doing, const char *name,
    struct mf_error *e)
{
	mf_error_sys(e, sys_errno, "cannot %s %s in %s", doing, name, d->path);
	if (sys_errno == EROFS)
		mf_error_hint(e, "the file system of %s is mounted read-only", d->path);
	else if (sys_errno == EACCES || sys_errno == EPERM)
		mf_error_hint(e, "%s must belong to the user who runs this (uid %lu)", d->path,
		    (unsigned long)geteuid());
	else if (sys_errno == ENOSPC || sys_errno == EDQUOT)
		mf_error_hint(e, "make room (or inodes, or quota) on the file system of %s; "
		    "what is stored already stays valid", d->path);
	return -1;
}

int
dir_parent_open(const struct dir_store *d, const char *name, int *fd, const char **base,
    struct mf_error *e)
{
	const char *slash = strrchr(name, '/');
	char parent[MF_STORE_NAME_MAX + 1];

	if (slash == NULL) {
		*fd = d->root;
		*base = name;
		return 0;
	}
	memcpy(parent, name, (size_t)(slash - name));
	parent[slash - name] = '\0';
	*base = slash + 1;
	*fd = mf_fs_open_beneath(d->root, parent, O_PATH | O_DIRECTORY | O_CLOEXEC, 0, e);
	if (*fd >= 0)
		return 0;
	return e->code == MF_ENOTFOUND ? 1 : -1;
}

void
dir_parent_close(const struct dir_store *d, int fd)
{
	if (fd >= 0 && fd != d->root)
		close(fd);
}

int
dir_object_open(const struct dir_store *d, const char *name, struct mf_error *e)
{
	int fd;

	/* O_NONBLOCK: a FIFO of that name must not hold us; it is no regular file and refused */
	fd = mf_fs_open_beneath(d->root, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0, e);
	if (fd >= 0)
		return fd;
	if (e->code == MF_ENOTFOUND || e->sys_errno == ENOTDIR)
		return -2;
	if (e->sys_errno == EACCES)
		return dir_fail(d, EACCES, "open", name, e);
	mf_error_while(e, "reading %s", d->path);
	return -1;
}

static int
missing(const struct dir_store *d, const char *name, struct mf_error *e)
{
	return mf_error_set(e, MF_ENOTFOUND, "no object %s in %s", name, d->path);
}

/* Append up to n bytes from offset; fewer where the file ends. 0, -1 with errno, or -2: cancelled
 * while it waited for the limiter. */
static int
append_from(const struct dir_store *d, int fd, uint64_t offset, size_t n, struct mf_buf *out)
{
	size_t done = 0, slice;
	ssize_t got;

	while (done < n) {
		slice = mf_limiter_slice(d->limiter, MF_HTTP_DOWN, n - done);
		got = pread(fd, out->data + out->len + done, slice, (off_t)(offset + done));
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -1;
		if (got == 0)
			break;
		if (d->limiter != NULL &&
		    !mf_limiter_bytes(d->limiter, MF_HTTP_DOWN, (uint64_t)got))
			return -2;
		done += (size_t)got;
	}
	out->len += done;
	return 0;
}

static int
dir_get(struct mf_store *s, const char *name, uint64_t offset, size_t max_bytes,
    struct mf_buf *out, struct mf_error *e)
{
	const struct dir_store *d = (const struct dir_store *)s;
	struct stat st;
	uint64_t left;
	int fd, got = 0, status = -1;

	fd = dir_object_open(d, name, e);
	if (fd < 0)
		return fd == -2 ? missing(d, name, e) : -1;
	if (fstat(fd, &st) != 0) {
		dir_fail(d, errno, "read", name, e);
		goto out;
	}
	if (!S_ISREG(st.st_mode)) {
		missing(d, name, e);
		goto out;
	}
	left = offset < (uint64_t)st.st_size ? (uint64_t)st.st_size - offset : 0;
	left = left < max_bytes ? left : max_bytes;
	if (left > 0 && mf_buf_reserve(out, (size_t)left) != 0)
		mf_error_nomem(e, "an object");
	else if (left > 0 && (got = append_from(d, fd, offset, (size_t)left, out)) == -1)
		dir_fail(d, errno, "read", name, e);
	else if (got == -2)
		mf_error_set(e, MF_EINTERRUPTED, "interrupted while reading %s", name);
	else
		status = 0;
out:
	close(fd);
	return status;
}

static int
dir_head(struct mf_store *s, const char *name, struct mf_store_stat *out, struct mf_error *e)
{
	const struct dir_store *d = (const struct dir_store *)s;
	const char *base;
	struct stat st;
	int parent, failed, r;

	r = dir_parent_open(d, name, &parent, &base, e);
	if (r != 0)
		return r == 1 || e->sys_errno == ENOTDIR ? 1 : -1;
	r = fstatat(parent, base, &st, AT_SYMLINK_NOFOLLOW);
	failed = errno;
	dir_parent_close(d, parent);
	if (r != 0)
		return failed == ENOENT ? 1 : dir_fail(d, failed, "look up", name, e);
	if (!S_ISREG(st.st_mode))
		return 1;
	out->size = (uint64_t)st.st_size;
	out->mtime_us = mtime_us(&st);
	return 0;
}

static int
dir_del(struct mf_store *s, const char *name, struct mf_error *e)
{
	struct dir_store *d = (struct dir_store *)s;
	const char *base;
	int parent, failed, r;

	if ((d->flags & MF_DIR_WRITE) == 0)
		return mf_error_set(e, MF_EPERM, "%s is open for reading only", d->path);
	r = dir_parent_open(d, name, &parent, &base, e);
	if (r != 0)
		return r == 1 || e->sys_errno == ENOTDIR ? 0 : -1;
	r = unlinkat(parent, base, 0);
	failed = errno;
	dir_parent_close(d, parent);
	if (r != 0 && failed != ENOENT && failed != EISDIR)
		return dir_fail(d, failed, "remove", name, e);
	if (r == 0)
		dir_sync_note(&d->sync, name, true);
	return 0;
}

static int
dir_sync_op(struct mf_store *s, struct mf_error *e)
{
	return dir_sync_all((struct dir_store *)s, e);
}

static int
dir_adopt(struct mf_store *s, const char *name, struct mf_error *e)
{
	(void)e;
	dir_sync_note(&((struct dir_store *)s)->sync, name, false);
	return 0;
}

/* The file system stamps the files (a server does, on NFS), so ask it for a stamp. */
static int
dir_now(struct mf_store *s, int64_t *unix_us, struct mf_error *e)
{
	struct dir_store *d = (struct dir_store *)s;
	char temp[DIR_TEMP_NAME];
	struct timespec t;
	struct stat st;
	int fd = -1;

	if ((d->flags & MF_DIR_WRITE) != 0)
		fd = dir_temp_open(d, temp, e);
	if (fd >= 0 && fstat(fd, &st) == 0) {
		*unix_us = mtime_us(&st);
	} else {
		clock_gettime(CLOCK_REALTIME, &t);
		*unix_us = (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
	}
	if (fd >= 0)
		dir_temp_close(d, fd, temp);
	mf_error_clear(e);
	return 0;
}

static unsigned
dir_capabilities(struct mf_store *s)
{
	const struct dir_store *d = (const struct dir_store *)s;
	unsigned can = MF_STORE_CONDITIONAL | MF_STORE_ORDERED | MF_STORE_LOCAL;

	can |= d->limiter != NULL ? (unsigned)MF_STORE_PACED : 0u;
	return (d->flags & MF_DIR_WRITE) != 0 ? can | MF_STORE_WRITABLE : can;
}

static const char *
dir_label(struct mf_store *s)
{
	return ((const struct dir_store *)s)->path;
}

static void
dir_close(struct mf_store *s)
{
	struct dir_store *d = (struct dir_store *)s;

	if (d->root >= 0)
		close(d->root);
	dir_sync_fini(&d->sync);
	free(d->path);
	free(d);
}

static const struct mf_store_ops dir_ops = {
	.scheme = "file",
	.put = dir_put,
	.get = dir_get,
	.head = dir_head,
	.del = dir_del,
	.list = dir_list,
	.list_names = dir_list_names,
	.close = dir_close,
	.sync = dir_sync_op,
	.adopt = dir_adopt,
	.now = dir_now,
	.capabilities = dir_capabilities,
	.label = dir_label,
};

void
mf_dir_pace(struct mf_store *s, struct mf_limiter *limiter)
{
	((struct dir_store *)s)->limiter = limiter;
}

/* A directory made now, and perhaps its parents: make their entries durable, up to the root
 * of the file system. Best effort: a parent that we may not read has been there before. */
static void
sync_upwards(int root)
{
	struct stat here, above;
	int fd, at = dup(root), depth;

	for (depth = 0; at >= 0 && depth < 128; depth++) {
		fd = openat(at, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd < 0 || fstat(at, &here) != 0 || fstat(fd, &above) != 0 ||
		    here.st_dev != above.st_dev || here.st_ino == above.st_ino) {
			if (fd >= 0)
				close(fd);
			break;
		}
		(void)fsync(fd);
		close(at);
		at = fd;
	}
	if (at >= 0)
		close(at);
}

static int
open_root(struct dir_store *d, struct mf_error *e)
{
	const int how = O_RDONLY | O_DIRECTORY | O_CLOEXEC;

	d->root = open(d->path, how);
	if (d->root >= 0)
		return 0;
	if (errno == ENOENT && (d->flags & MF_DIR_CREATE) != 0) {
		if (mf_fs_mkdirs(AT_FDCWD, d->path, DIR_MODE, e) != 0)
			return mf_error_while(e, "making the directory %s", d->path);
		d->root = open(d->path, how);
		if (d->root >= 0) {
			sync_upwards(d->root);
			return 0;
		}
	}
	if (errno == ENOTDIR)
		return mf_error_set(e, MF_EUSAGE, "%s is not a directory", d->path);
	mf_error_sys(e, errno, "cannot open the directory %s", d->path);
	if (e->code == MF_ENOTFOUND)
		mf_error_hint(e, "check the path, or mount it; `modelferry init` makes a new one");
	return -1;
}

int
mf_dir_open(const char *path, unsigned flags, struct mf_store **out, struct mf_error *e)
{
	struct mf_error own = {0};
	struct dir_store *d;

	e = e == NULL ? &own : e;
	d = calloc(1, sizeof *d);
	if (d == NULL)
		return mf_error_nomem(e, "a store");
	d->store.ops = &dir_ops;
	d->root = -1;
	d->flags = (flags & MF_DIR_CREATE) != 0 ? flags | MF_DIR_WRITE : flags;
	atomic_init(&d->no_tmpfile, (flags & MF_DIR_NO_TMPFILE) != 0);
	if (dir_sync_init(&d->sync, e) != 0) {
		free(d);
		return -1;
	}
	d->path = strdup(path);
	if (d->path == NULL) {
		mf_error_nomem(e, "a store");
		goto fail;
	}
	if (open_root(d, e) != 0)
		goto fail;
	if ((d->flags & MF_DIR_WRITE) != 0)
		dir_temp_sweep(d);
	*out = &d->store;
	return 0;
fail:
	dir_close(&d->store);
	return -1;
}
