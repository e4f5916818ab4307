/* Recorded: the bytes that a program writes. */
#include "tests/durability/record_int.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

uint64_t
rec_position(int fd, const struct stat *st)
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

	rec_find_real();
	if (rec.on)
		rec_lock();
	tracked = rec.on && rec_is_tracked(fd, &st);
	if (tracked)
		at = offset != NULL ? (uint64_t)*offset : rec_position(fd, &st);
	if (offset != NULL)
		done = rec_syscall(SYS_pwrite64, fd, bytes, n, *offset);
	else
		done = rec_syscall(SYS_write, fd, bytes, n);
	if (tracked && done > 0)
		rec_note(POWER_WRITE, st.st_ino, at, NULL, NULL, bytes, (size_t)done);
	if (rec.on)
		rec_unlock();
	return done;
}

ssize_t
write(int fd, const void *bytes, size_t n)
{
	/* a pipe or a terminal may block: never under the lock */
	struct stat st;

	rec_find_real();
	if (!rec.on || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		return rec_syscall(SYS_write, fd, bytes, n);
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

	rec_find_real();
	if (!rec.on)
		return (int)rec_syscall(SYS_ftruncate, fd, size);
	rec_lock();
	r = rec_syscall(SYS_ftruncate, fd, size);
	if (r == 0 && rec_is_tracked(fd, &st))
		rec_note(POWER_TRUNC, st.st_ino, (uint64_t)size, NULL, NULL, NULL, 0);
	rec_unlock();
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
