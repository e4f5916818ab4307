/* Recorded: bytes that the kernel moves or reserves. */
#include "tests/durability/record_int.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Log what is now in a part of the file, after the kernel copied it there. */
static void
note_range(int fd, uint64_t offset, uint64_t n)
{
	static char bytes[1 << 16]; /* under the lock */
	char link[40];
	struct stat st;
	long got;
	int in;

	if (!rec_is_tracked(fd, &st))
		return;
	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	in = (int)rec_syscall(SYS_openat, AT_FDCWD, link, O_RDONLY | O_CLOEXEC, 0);
	if (in < 0)
		rec_die("cannot read back a copied range");
	while (n > 0) {
		got = rec_syscall(SYS_pread64, in, bytes, n < sizeof bytes ? n : sizeof bytes,
		    offset);
		if (got <= 0)
			break;
		rec_note(POWER_WRITE, st.st_ino, offset, NULL, NULL, bytes, (size_t)got);
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

	rec_find_real();
	if (!rec.on)
		return rec_syscall(SYS_copy_file_range, in, in_offset, out, out_offset, n, flags);
	rec_lock();
	at = out_offset != NULL ? (uint64_t)*out_offset
	    : fstat(out, &st) == 0 ? rec_position(out, &st) : 0;
	done = rec_syscall(SYS_copy_file_range, in, in_offset, out, out_offset, n, flags);
	if (done > 0)
		note_range(out, at, (uint64_t)done);
	rec_unlock();
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
	rec_find_real();
	if (!rec.on || (request != FICLONE && request != FICLONERANGE))
		return (int)rec_syscall(SYS_ioctl, fd, request, arg);
	rec_lock();
	r = rec_syscall(SYS_ioctl, fd, request, arg);
	if (r == 0 && rec_is_tracked(fd, &st)) {
		rec_note(POWER_TRUNC, st.st_ino, (uint64_t)st.st_size, NULL, NULL, NULL, 0);
		note_range(fd, 0, (uint64_t)st.st_size);
	}
	rec_unlock();
	return (int)r;
}

static int
do_allocate(int fd, int mode, off64_t offset, off64_t n)
{
	struct stat before, after;
	bool tracked;
	long r;

	rec_find_real();
	if (!rec.on)
		return (int)rec_syscall(SYS_fallocate, fd, mode, offset, n);
	rec_lock();
	tracked = rec_is_tracked(fd, &before);
	r = rec_syscall(SYS_fallocate, fd, mode, offset, n);
	if (tracked && r == 0 && fstat(fd, &after) == 0) {
		if (after.st_size != before.st_size)
			rec_note(POWER_TRUNC, after.st_ino, (uint64_t)after.st_size, NULL, NULL, NULL, 0);
		if ((mode & ~1) != 0) /* more than FALLOC_FL_KEEP_SIZE: bytes changed */
			note_range(fd, (uint64_t)offset, (uint64_t)n);
	}
	rec_unlock();
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
