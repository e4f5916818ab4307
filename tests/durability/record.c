/*
 * Power-cut recorder: a library for LD_PRELOAD that logs what a program does to the files of
 * one directory, with the data and the fsyncs, for tests/durability/replay to cut off at any
 * point.
 *
 *	MF_RECORD_ROOT	the directory, which must exist; all below it is recorded
 *	MF_RECORD_LOG	the log, outside of it; what is recorded is appended, by any number of
 *			processes, one after the other or side by side
 *	MF_RECORD_TAG	what the record of the process's end calls it (default "run")
 *
 * Every change and its record happen under one lock (also between processes), so the log's
 * order is the order of effects. Not seen: writes through a mapping and through stdio, and
 * links or renames of files from outside the directory; the replayer refuses the latter.
 *
 * The functions that are replaced here call the kernel through the real syscall(3).
 */
#undef _FILE_OFFSET_BITS
#undef _FORTIFY_SOURCE
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <linux/fs.h>
#include <linux/openat2.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "tests/durability/power_log.h"

#define INODES (1u << 16)

static struct {
	bool on;
	char root[PATH_MAX]; /* canonical */
	size_t root_len;
	dev_t device;
	int log;
	const char *tag;
	pthread_mutex_t lock;
	uint64_t inodes[INODES]; /* files below the root opened for writing; 0 is free */
	unsigned n_inodes;
} rec = {.log = -1, .lock = PTHREAD_MUTEX_INITIALIZER};

static long (*real_syscall)(long number, ...);

static void
die(const char *what)
{
	static const char prefix[] = "recorder: ";

	(void)!real_syscall(SYS_write, 2, prefix, sizeof prefix - 1);
	(void)!real_syscall(SYS_write, 2, what, strlen(what));
	(void)!real_syscall(SYS_write, 2, "\n", (size_t)1);
	_exit(99);
}

static void
find_real(void)
{
	void *p;

	if (real_syscall != NULL)
		return;
	p = dlsym(RTLD_NEXT, "syscall");
	memcpy(&real_syscall, &p, sizeof p);
}

/* ---- the log ---- */

static void
lock(void)
{
	pthread_mutex_lock(&rec.lock);
	while (flock(rec.log, LOCK_EX) != 0 && errno == EINTR)
		;
}

/* errno is kept. */
static void
unlock(void)
{
	int saved = errno;

	(void)flock(rec.log, LOCK_UN);
	pthread_mutex_unlock(&rec.lock);
	errno = saved;
}

static void
append(const void *bytes, size_t n)
{
	const char *p = bytes;
	long done;

	while (n > 0) {
		done = real_syscall(SYS_write, rec.log, p, n);
		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			die("cannot write the log");
		p += done;
		n -= (size_t)done;
	}
}

static void
note(enum power_type type, uint64_t inode, uint64_t offset, const char *path, const char *path2,
    const void *data, size_t n)
{
	struct power_record r = {.magic = POWER_MAGIC, .type = type, .inode = inode,
	    .offset = offset, .data_len = n};
	int saved = errno;

	r.path_len = path == NULL ? 0 : (uint32_t)strlen(path);
	r.path2_len = path2 == NULL ? 0 : (uint32_t)strlen(path2);
	append(&r, sizeof r);
	append(path, r.path_len);
	append(path2, r.path2_len);
	append(data, n);
	errno = saved;
}

/* ---- which files ---- */

/* The part of a canonical path below the root, "" for itself; NULL: it is elsewhere. */
static const char *
below(const char *path)
{
	if (strncmp(path, rec.root, rec.root_len) != 0)
		return NULL;
	if (path[rec.root_len] == '\0')
		return path + rec.root_len;
	return path[rec.root_len] == '/' ? path + rec.root_len + 1 : NULL;
}

/* Where dirfd/path is, with its last component not resolved. Below the root, or NULL. */
static const char *
resolve(int dirfd, const char *path, char out[PATH_MAX * 2])
{
	char raw[PATH_MAX * 2], *slash;
	const char *base;
	int saved = errno;

	if (path[0] == '/' || dirfd == AT_FDCWD)
		snprintf(raw, sizeof raw, "%s%s", path[0] == '/' ? "" : "./", path);
	else
		snprintf(raw, sizeof raw, "/proc/self/fd/%d/%s", dirfd, path);
	while ((slash = strrchr(raw, '/')) != NULL && slash[1] == '\0' && slash != raw)
		*slash = '\0';
	base = slash == NULL ? "." : slash + 1;
	if (strcmp(base, ".") == 0 || strcmp(base, "..") == 0) {
		if (realpath(raw, out) == NULL)
			out[0] = '\0';
		errno = saved;
		return below(out);
	}
	*slash = '\0';
	if (realpath(raw[0] == '\0' ? "/" : raw, out) == NULL)
		out[0] = '\0';
	else
		snprintf(out + strlen(out), PATH_MAX, "/%s", base);
	errno = saved;
	return below(out);
}

/* The same for an open file; a file without a name is in its directory. */
static const char *
resolve_fd(int fd, char out[PATH_MAX])
{
	char link[40];
	ssize_t n;
	int saved = errno;

	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	n = readlink(link, out, PATH_MAX - 1);
	errno = saved;
	if (n < 0)
		return NULL;
	out[n] = '\0';
	return below(out);
}

static uint64_t *
slot_of(uint64_t inode)
{
	size_t i = (size_t)(inode * 0x9e3779b97f4a7c15u >> 48);

	while (rec.inodes[i] != 0 && rec.inodes[i] != inode)
		i = (i + 1) % INODES;
	return &rec.inodes[i];
}

static void
track(uint64_t inode)
{
	uint64_t *slot = slot_of(inode);

	if (*slot == inode)
		return;
	if (++rec.n_inodes > INODES / 2)
		die("too many files");
	*slot = inode;
}

/* A file below the root that we know? Under the lock. */
static bool
is_tracked(int fd, struct stat *st)
{
	int saved = errno;
	bool yes = fstat(fd, st) == 0 && S_ISREG(st->st_mode) && st->st_dev == rec.device &&
	    fd != rec.log && *slot_of(st->st_ino) != 0;

	errno = saved;
	return yes;
}

/* ---- what was there before ---- */

static void
note_contents(const char *path, uint64_t inode)
{
	static char bytes[1 << 16];
	uint64_t offset = 0;
	long n;
	int fd = (int)real_syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);

	if (fd < 0)
		die("cannot read what is there");
	while ((n = real_syscall(SYS_read, fd, bytes, sizeof bytes)) > 0) {
		note(POWER_WRITE, inode, offset, NULL, NULL, bytes, (size_t)n);
		offset += (uint64_t)n;
	}
	close(fd);
}

static int
note_present(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	const char *relative = below(path);
	char target[PATH_MAX];
	ssize_t n;

	(void)ftw;
	if (relative == NULL)
		return 0;
	if (type == FTW_D) {
		note(POWER_DIR, st->st_ino, 0, relative, NULL, NULL, 0);
	} else if (S_ISREG(st->st_mode)) {
		if (*slot_of(st->st_ino) == 0) {
			note(POWER_FILE, st->st_ino, 0, NULL, NULL, NULL, 0);
			note_contents(path, st->st_ino);
			track(st->st_ino);
		}
		note(POWER_LINK, st->st_ino, 0, relative, NULL, NULL, 0);
	} else if (S_ISLNK(st->st_mode)) {
		n = readlink(path, target, sizeof target - 1);
		target[n < 0 ? 0 : n] = '\0';
		note(POWER_SYMLINK, st->st_ino, 0, relative, target, NULL, 0);
	}
	return 0;
}

static void
at_exit(int status, void *arg)
{
	(void)arg;
	if (!rec.on)
		return;
	lock();
	note(POWER_EXIT, 0, (uint64_t)(unsigned)status, rec.tag, NULL, NULL, 0);
	unlock();
}

__attribute__((constructor)) static void
begin(void)
{
	const char *root = getenv("MF_RECORD_ROOT"), *log = getenv("MF_RECORD_LOG");
	struct stat st;

	find_real();
	if (root == NULL || log == NULL)
		return;
	if (realpath(root, rec.root) == NULL || stat(rec.root, &st) != 0)
		die("MF_RECORD_ROOT does not exist");
	rec.root_len = strlen(rec.root);
	rec.device = st.st_dev;
	rec.tag = getenv("MF_RECORD_TAG");
	rec.tag = rec.tag == NULL ? "run" : rec.tag;
	rec.log = (int)real_syscall(SYS_openat, AT_FDCWD, log,
	    O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (rec.log < 0)
		die("cannot open MF_RECORD_LOG");
	lock();
	if (fstat(rec.log, &st) == 0 && st.st_size == 0) {
		(void)nftw(rec.root, note_present, 32, FTW_PHYS);
		note(POWER_START, 0, 0, NULL, NULL, NULL, 0);
	}
	unlock();
	rec.on = true;
	on_exit(at_exit, NULL);
}

/* ---- opening ---- */

/* A file was opened: new, emptied, or only to be written. Under the lock. */
static void
note_open(int fd, int flags, bool existed)
{
	char path[PATH_MAX];
	const char *relative = resolve_fd(fd, path);
	struct stat st;

	if (relative == NULL || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		return;
	if ((flags & O_TMPFILE) == O_TMPFILE) {
		note(POWER_FILE, st.st_ino, 0, NULL, NULL, NULL, 0);
	} else if ((flags & O_CREAT) != 0 && !existed) {
		note(POWER_FILE, st.st_ino, 0, NULL, NULL, NULL, 0);
		note(POWER_LINK, st.st_ino, 0, relative, NULL, NULL, 0);
	} else if ((flags & O_TRUNC) != 0) {
		note(POWER_TRUNC, st.st_ino, 0, NULL, NULL, NULL, 0);
	}
	track(st.st_ino);
}

static bool
may_write(int flags)
{
	return (flags & O_ACCMODE) != O_RDONLY || (flags & (O_CREAT | O_TRUNC)) != 0;
}

/* how: NULL, or the argument of openat2. */
static int
do_open(int dirfd, const char *path, int flags, mode_t mode, const struct open_how *how)
{
	struct stat st;
	bool existed;
	long fd;

	find_real();
	if (!rec.on || (flags & O_PATH) != 0 || !may_write(flags))
		return how != NULL
		    ? (int)real_syscall(SYS_openat2, dirfd, path, how, sizeof *how)
		    : (int)real_syscall(SYS_openat, dirfd, path, flags, mode);
	lock();
	existed = fstatat(dirfd, path, &st, 0) == 0;
	fd = how != NULL ? real_syscall(SYS_openat2, dirfd, path, how, sizeof *how)
			 : real_syscall(SYS_openat, dirfd, path, flags, mode);
	if (fd >= 0)
		note_open((int)fd, flags, existed);
	unlock();
	return (int)fd;
}

#define TAKE_MODE(flags, mode) \
	do { \
		if (((flags) & O_CREAT) != 0 || ((flags) & O_TMPFILE) == O_TMPFILE) { \
			va_list ap; \
			va_start(ap, flags); \
			(mode) = (mode_t)va_arg(ap, unsigned); \
			va_end(ap); \
		} \
	} while (0)

#define DEFINE_OPEN(name) \
	int name(const char *path, int flags, ...) \
	{ \
		mode_t mode = 0; \
		TAKE_MODE(flags, mode); \
		return do_open(AT_FDCWD, path, flags, mode, NULL); \
	}
#define DEFINE_OPENAT(name) \
	int name(int dirfd, const char *path, int flags, ...) \
	{ \
		mode_t mode = 0; \
		TAKE_MODE(flags, mode); \
		return do_open(dirfd, path, flags, mode, NULL); \
	}

DEFINE_OPEN(open)
DEFINE_OPEN(open64)
DEFINE_OPENAT(openat)
DEFINE_OPENAT(openat64)

/* what fortified programs call */
int __open_2(const char *path, int flags);
int __open64_2(const char *path, int flags);
int __openat_2(int dirfd, const char *path, int flags);
int __openat64_2(int dirfd, const char *path, int flags);

int
__open_2(const char *path, int flags)
{
	return do_open(AT_FDCWD, path, flags, 0, NULL);
}

int
__open64_2(const char *path, int flags)
{
	return do_open(AT_FDCWD, path, flags, 0, NULL);
}

int
__openat_2(int dirfd, const char *path, int flags)
{
	return do_open(dirfd, path, flags, 0, NULL);
}

int
__openat64_2(int dirfd, const char *path, int flags)
{
	return do_open(dirfd, path, flags, 0, NULL);
}

int
creat(const char *path, mode_t mode)
{
	return do_open(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode, NULL);
}

/* ---- data ---- */

static uint64_t
position(int fd, const struct stat *st)
{
	int flags = fcntl(fd, F_GETFL);
	off_t at;

	if (flags >= 0 && (flags & O_APPEND) != 0)
		return (uint64_t)st->st_size;
	at = lseek(fd, 0, SEEK_CUR);
	return at < 0 ? 0 : (uint64_t)at;
}

/* offset NULL: at the file's position. */
static ssize_t
do_write(int fd, const void *bytes, size_t n, const off64_t *offset)
{
	struct stat st;
	uint64_t at = 0;
	bool tracked;
	long done;

	find_real();
	if (rec.on)
		lock();
	tracked = rec.on && is_tracked(fd, &st);
	if (tracked)
		at = offset != NULL ? (uint64_t)*offset : position(fd, &st);
	if (offset != NULL)
		done = real_syscall(SYS_pwrite64, fd, bytes, n, *offset);
	else
		done = real_syscall(SYS_write, fd, bytes, n);
	if (tracked && done > 0)
		note(POWER_WRITE, st.st_ino, at, NULL, NULL, bytes, (size_t)done);
	if (rec.on)
		unlock();
	return done;
}

ssize_t
write(int fd, const void *bytes, size_t n)
{
	/* a pipe or a terminal may block: never under the lock */
	struct stat st;

	find_real();
	if (!rec.on || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		return real_syscall(SYS_write, fd, bytes, n);
	return do_write(fd, bytes, n, NULL);
}

ssize_t
pwrite(int fd, const void *bytes, size_t n, off_t offset)
{
	off64_t at = offset;

	return do_write(fd, bytes, n, &at);
}

ssize_t
pwrite64(int fd, const void *bytes, size_t n, off64_t offset)
{
	return do_write(fd, bytes, n, &offset);
}

/* One write a vector: a caller must bear short ones. */
ssize_t
writev(int fd, const struct iovec *v, int n)
{
	ssize_t done, all = 0;
	int i;

	for (i = 0; i < n; i++) {
		done = write(fd, v[i].iov_base, v[i].iov_len);
		if (done < 0)
			return all > 0 ? all : -1;
		all += done;
		if ((size_t)done < v[i].iov_len)
			break;
	}
	return all;
}

static ssize_t
do_pwritev(int fd, const struct iovec *v, int n, off64_t offset)
{
	ssize_t done, all = 0;
	int i;

	for (i = 0; i < n; i++) {
		done = pwrite64(fd, v[i].iov_base, v[i].iov_len, offset + all);
		if (done < 0)
			return all > 0 ? all : -1;
		all += done;
		if ((size_t)done < v[i].iov_len)
			break;
	}
	return all;
}

ssize_t
pwritev(int fd, const struct iovec *v, int n, off_t offset)
{
	return do_pwritev(fd, v, n, offset);
}

ssize_t
pwritev64(int fd, const struct iovec *v, int n, off64_t offset)
{
	return do_pwritev(fd, v, n, offset);
}

static int
do_truncate(int fd, off64_t size)
{
	struct stat st;
	long r;

	find_real();
	if (!rec.on)
		return (int)real_syscall(SYS_ftruncate, fd, size);
	lock();
	r = real_syscall(SYS_ftruncate, fd, size);
	if (r == 0 && is_tracked(fd, &st))
		note(POWER_TRUNC, st.st_ino, (uint64_t)size, NULL, NULL, NULL, 0);
	unlock();
	return (int)r;
}

int
ftruncate(int fd, off_t size)
{
	return do_truncate(fd, size);
}

int
ftruncate64(int fd, off64_t size)
{
	return do_truncate(fd, size);
}

/* Log what is now in a part of the file, after the kernel copied it there. */
static void
note_range(int fd, uint64_t offset, uint64_t n)
{
	static char bytes[1 << 16]; /* under the lock */
	char link[40];
	struct stat st;
	long got;
	int in;

	if (!is_tracked(fd, &st))
		return;
	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	in = (int)real_syscall(SYS_openat, AT_FDCWD, link, O_RDONLY | O_CLOEXEC, 0);
	if (in < 0)
		die("cannot read back a copied range");
	while (n > 0) {
		got = real_syscall(SYS_pread64, in, bytes, n < sizeof bytes ? n : sizeof bytes,
		    offset);
		if (got <= 0)
			break;
		note(POWER_WRITE, st.st_ino, offset, NULL, NULL, bytes, (size_t)got);
		offset += (uint64_t)got;
		n -= (uint64_t)got;
	}
	close(in);
}

ssize_t
copy_file_range(int in, off64_t *in_offset, int out, off64_t *out_offset, size_t n, unsigned flags)
{
	struct stat st;
	uint64_t at;
	long done;

	find_real();
	if (!rec.on)
		return real_syscall(SYS_copy_file_range, in, in_offset, out, out_offset, n, flags);
	lock();
	at = out_offset != NULL ? (uint64_t)*out_offset
	    : fstat(out, &st) == 0 ? position(out, &st) : 0;
	done = real_syscall(SYS_copy_file_range, in, in_offset, out, out_offset, n, flags);
	if (done > 0)
		note_range(out, at, (uint64_t)done);
	unlock();
	return done;
}

int
ioctl(int fd, unsigned long request, ...)
{
	struct stat st;
	va_list ap;
	void *arg;
	long r;

	va_start(ap, request);
	arg = va_arg(ap, void *);
	va_end(ap);
	find_real();
	if (!rec.on || (request != FICLONE && request != FICLONERANGE))
		return (int)real_syscall(SYS_ioctl, fd, request, arg);
	lock();
	r = real_syscall(SYS_ioctl, fd, request, arg);
	if (r == 0 && is_tracked(fd, &st)) {
		note(POWER_TRUNC, st.st_ino, (uint64_t)st.st_size, NULL, NULL, NULL, 0);
		note_range(fd, 0, (uint64_t)st.st_size);
	}
	unlock();
	return (int)r;
}

static int
do_allocate(int fd, int mode, off64_t offset, off64_t n)
{
	struct stat before, after;
	bool tracked;
	long r;

	find_real();
	if (!rec.on)
		return (int)real_syscall(SYS_fallocate, fd, mode, offset, n);
	lock();
	tracked = is_tracked(fd, &before);
	r = real_syscall(SYS_fallocate, fd, mode, offset, n);
	if (tracked && r == 0 && fstat(fd, &after) == 0) {
		if (after.st_size != before.st_size)
			note(POWER_TRUNC, after.st_ino, (uint64_t)after.st_size, NULL, NULL, NULL, 0);
		if ((mode & ~1) != 0) /* more than FALLOC_FL_KEEP_SIZE: bytes changed */
			note_range(fd, (uint64_t)offset, (uint64_t)n);
	}
	unlock();
	return (int)r;
}

int
fallocate(int fd, int mode, off_t offset, off_t n)
{
	return do_allocate(fd, mode, offset, n);
}

int
fallocate64(int fd, int mode, off64_t offset, off64_t n)
{
	return do_allocate(fd, mode, offset, n);
}

int
posix_fallocate(int fd, off_t offset, off_t n)
{
	return do_allocate(fd, 0, offset, n) == 0 ? 0 : errno;
}

int
posix_fallocate64(int fd, off64_t offset, off64_t n)
{
	return do_allocate(fd, 0, offset, n) == 0 ? 0 : errno;
}

/* ---- names ---- */

int
mkdirat(int dirfd, const char *path, mode_t mode)
{
	char full[PATH_MAX * 2];
	const char *relative;
	struct stat st;
	long r;

	find_real();
	if (!rec.on)
		return (int)real_syscall(SYS_mkdirat, dirfd, path, mode);
	lock();
	relative = resolve(dirfd, path, full);
	r = real_syscall(SYS_mkdirat, dirfd, path, mode);
	if (r == 0 && relative != NULL && fstatat(dirfd, path, &st, 0) == 0)
		note(POWER_DIR, st.st_ino, 0, relative, NULL, NULL, 0);
	unlock();
	return (int)r;
}

int
mkdir(const char *path, mode_t mode)
{
	return mkdirat(AT_FDCWD, path, mode);
}

int
linkat(int from_dir, const char *from, int to_dir, const char *to, int flags)
{
	char full[PATH_MAX * 2];
	const char *relative;
	struct stat st;
	long r;

	find_real();
	if (!rec.on)
		return (int)real_syscall(SYS_linkat, from_dir, from, to_dir, to, flags);
	lock();
	relative = resolve(to_dir, to, full);
	r = real_syscall(SYS_linkat, from_dir, from, to_dir, to, flags);
	if (r == 0 && relative != NULL && fstatat(to_dir, to, &st, AT_SYMLINK_NOFOLLOW) == 0)
		note(POWER_LINK, st.st_ino, 0, relative, NULL, NULL, 0);
	unlock();
	return (int)r;
}

int
link(const char *from, const char *to)
{
	return linkat(AT_FDCWD, from, AT_FDCWD, to, 0);
}

int
symlinkat(const char *target, int dirfd, const char *path)
{
	char full[PATH_MAX * 2];
	const char *relative;
	long r;

	find_real();
	if (!rec.on)
		return (int)real_syscall(SYS_symlinkat, target, dirfd, path);
	lock();
	relative = resolve(dirfd, path, full);
	r = real_syscall(SYS_symlinkat, target, dirfd, path);
	if (r == 0 && relative != NULL)
		note(POWER_SYMLINK, 0, 0, relative, target, NULL, 0);
	unlock();
	return (int)r;
}

int
symlink(const char *target, const char *path)
{
	return symlinkat(target, AT_FDCWD, path);
}

int
renameat2(int from_dir, const char *from, int to_dir, const char *to, unsigned flags)
{
	char from_full[PATH_MAX * 2], to_full[PATH_MAX * 2];
	const char *from_relative, *to_relative;
	struct stat st;
	long r;

	find_real();
	if (!rec.on)
		return (int)real_syscall(SYS_renameat2, from_dir, from, to_dir, to, flags);
	lock();
	from_relative = resolve(from_dir, from, from_full);
	to_relative = resolve(to_dir, to, to_full);
	r = real_syscall(SYS_renameat2, from_dir, from, to_dir, to, flags);
	if (r == 0 && from_relative != NULL && to_relative != NULL)
		note(POWER_RENAME, 0, (flags & RENAME_EXCHANGE) != 0, from_relative, to_relative,
		    NULL, 0);
	else if (r == 0 && from_relative != NULL)
		note(POWER_UNLINK, 0, 0, from_relative, NULL, NULL, 0);
	else if (r == 0 && to_relative != NULL &&
	    fstatat(to_dir, to, &st, AT_SYMLINK_NOFOLLOW) == 0)
		note(POWER_LINK, st.st_ino, 0, to_relative, NULL, NULL, 0);
	unlock();
	return (int)r;
}

int
renameat(int from_dir, const char *from, int to_dir, const char *to)
{
	return renameat2(from_dir, from, to_dir, to, 0);
}

int
rename(const char *from, const char *to)
{
	return renameat2(AT_FDCWD, from, AT_FDCWD, to, 0);
}

int
unlinkat(int dirfd, const char *path, int flags)
{
	char full[PATH_MAX * 2];
	const char *relative;
	long r;

	find_real();
	if (!rec.on)
		return (int)real_syscall(SYS_unlinkat, dirfd, path, flags);
	lock();
	relative = resolve(dirfd, path, full);
	r = real_syscall(SYS_unlinkat, dirfd, path, flags);
	if (r == 0 && relative != NULL)
		note(POWER_UNLINK, 0, 0, relative, NULL, NULL, 0);
	unlock();
	return (int)r;
}

int
unlink(const char *path)
{
	return unlinkat(AT_FDCWD, path, 0);
}

int
rmdir(const char *path)
{
	return unlinkat(AT_FDCWD, path, AT_REMOVEDIR);
}

/* ---- promises ---- */

static int
do_sync(long number, int fd)
{
	char path[PATH_MAX];
	struct stat st;
	long r;

	find_real();
	if (!rec.on)
		return (int)real_syscall(number, fd);
	lock();
	r = real_syscall(number, fd);
	if (r == 0 && fstat(fd, &st) == 0 && st.st_dev == rec.device) {
		if (number == SYS_syncfs)
			note(POWER_SYNCALL, 0, 0, NULL, NULL, NULL, 0);
		else if (S_ISREG(st.st_mode) || resolve_fd(fd, path) != NULL)
			note(POWER_SYNC, st.st_ino, 0, NULL, NULL, NULL, 0);
	}
	unlock();
	return (int)r;
}

int
fsync(int fd)
{
	return do_sync(SYS_fsync, fd);
}

int
fdatasync(int fd)
{
	return do_sync(SYS_fdatasync, fd);
}

int
syncfs(int fd)
{
	return do_sync(SYS_syncfs, fd);
}

void
sync(void)
{
	find_real();
	if (rec.on)
		lock();
	(void)real_syscall(SYS_sync);
	if (rec.on) {
		note(POWER_SYNCALL, 0, 0, NULL, NULL, NULL, 0);
		unlock();
	}
}

/* Programs reach newer system calls through here. */
long
syscall(long number, ...)
{
	const struct open_how *how;
	va_list ap;
	long a[6];
	int i;

	va_start(ap, number);
	for (i = 0; i < 6; i++)
		a[i] = va_arg(ap, long);
	va_end(ap);
	find_real();
	if (number == SYS_openat2) {
		how = (const struct open_how *)a[2];
		return do_open((int)a[0], (const char *)a[1], (int)how->flags, (mode_t)how->mode,
		    how);
	}
	if (number == SYS_renameat2)
		return renameat2((int)a[0], (const char *)a[1], (int)a[2], (const char *)a[3],
		    (unsigned)a[4]);
	if (number == SYS_syncfs)
		return syncfs((int)a[0]);
	return real_syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}
