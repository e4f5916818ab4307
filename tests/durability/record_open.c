/* Recorded: opening files. */
#include "tests/durability/record_int.h"

#include <fcntl.h>
#include <stdarg.h>
#include <sys/syscall.h>
#include <unistd.h>

/* A file was opened: new, emptied, or only to be written. Under the lock. */
static void
note_open(int fd, int flags, bool existed)
{
	char path[PATH_MAX];
	const char *relative = rec_resolve_fd(fd, path);
	struct stat st;

	if (relative == NULL || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		return;
	if ((flags & O_TMPFILE) == O_TMPFILE) {
		rec_note(POWER_FILE, st.st_ino, 0, NULL, NULL, NULL, 0);
	} else if ((flags & O_CREAT) != 0 && !existed) {
		rec_note(POWER_FILE, st.st_ino, 0, NULL, NULL, NULL, 0);
		rec_note(POWER_LINK, st.st_ino, 0, relative, NULL, NULL, 0);
	} else if ((flags & O_TRUNC) != 0) {
		rec_note(POWER_TRUNC, st.st_ino, 0, NULL, NULL, NULL, 0);
	}
	rec_track(st.st_ino);
}

static bool
may_write(int flags)
{
	return (flags & O_ACCMODE) != O_RDONLY || (flags & (O_CREAT | O_TRUNC)) != 0;
}

int
rec_open(int dirfd, const char *path, int flags, mode_t mode, const struct open_how *how)
{
	struct stat st;
	bool existed;
	long fd;

	rec_find_real();
	if (!rec.on || (flags & O_PATH) != 0 || !may_write(flags))
		return how != NULL
		    ? (int)rec_syscall(SYS_openat2, dirfd, path, how, sizeof *how)
		    : (int)rec_syscall(SYS_openat, dirfd, path, flags, mode);
	rec_lock();
	existed = fstatat(dirfd, path, &st, 0) == 0;
	fd = how != NULL ? rec_syscall(SYS_openat2, dirfd, path, how, sizeof *how)
			 : rec_syscall(SYS_openat, dirfd, path, flags, mode);
	if (fd >= 0)
		note_open((int)fd, flags, existed);
	rec_unlock();
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
		return rec_open(AT_FDCWD, path, flags, mode, NULL); \
	}
#define DEFINE_OPENAT(name) \
	int name(int dirfd, const char *path, int flags, ...) \
	{ \
		mode_t mode = 0; \
		TAKE_MODE(flags, mode); \
		return rec_open(dirfd, path, flags, mode, NULL); \
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
	return rec_open(AT_FDCWD, path, flags, 0, NULL);
}

int
__open64_2(const char *path, int flags)
{
	return rec_open(AT_FDCWD, path, flags, 0, NULL);
}

int
__openat_2(int dirfd, const char *path, int flags)
{
	return rec_open(dirfd, path, flags, 0, NULL);
}

int
__openat64_2(int dirfd, const char *path, int flags)
{
	return rec_open(dirfd, path, flags, 0, NULL);
}

int
creat(const char *path, mode_t mode)
{
	return rec_open(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode, NULL);
}
