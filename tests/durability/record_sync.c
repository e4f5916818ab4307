/* Recorded: what a program is promised to be durable; and the calls that go by syscall(3). */
#include "tests/durability/record_int.h"

#include <stdarg.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

static int
do_sync(long number, int fd)
{
	char path[PATH_MAX];
	struct stat st;
	long r;

	rec_find_real();
	if (!rec.on)
		return (int)rec_syscall(number, fd);
	rec_lock();
	r = rec_syscall(number, fd);
	if (r == 0 && fstat(fd, &st) == 0 && st.st_dev == rec.device) {
		if (number == SYS_syncfs)
			rec_note(POWER_SYNCALL, 0, 0, NULL, NULL, NULL, 0);
		else if (S_ISREG(st.st_mode) || rec_resolve_fd(fd, path) != NULL)
			rec_note(POWER_SYNC, st.st_ino, 0, NULL, NULL, NULL, 0);
	}
	rec_unlock();
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
	rec_find_real();
	if (rec.on)
		rec_lock();
	(void)rec_syscall(SYS_sync);
	if (rec.on) {
		rec_note(POWER_SYNCALL, 0, 0, NULL, NULL, NULL, 0);
		rec_unlock();
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
	rec_find_real();
	if (number == SYS_openat2) {
		how = (const struct open_how *)a[2];
		return rec_open((int)a[0], (const char *)a[1], (int)how->flags, (mode_t)how->mode,
		    how);
	}
	if (number == SYS_renameat2)
		return renameat2((int)a[0], (const char *)a[1], (int)a[2], (const char *)a[3],
		    (unsigned)a[4]);
	if (number == SYS_syncfs)
		return syncfs((int)a[0]);
	return rec_syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}
