/* Recorded: making, changing and removing names. */
#include "tests/durability/record_int.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

int
mkdirat(int dirfd, const char *path, mode_t mode)
{
	char full[PATH_MAX * 2];
	const char *relative;
	struct stat st;
	long r;

	rec_find_real();
	if (!rec.on)
		return (int)rec_syscall(SYS_mkdirat, dirfd, path, mode);
	rec_lock();
	relative = rec_resolve(dirfd, path, full);
	r = rec_syscall(SYS_mkdirat, dirfd, path, mode);
	if (r == 0 && relative != NULL && fstatat(dirfd, path, &st, 0) == 0)
		rec_note(POWER_DIR, st.st_ino, 0, relative, NULL, NULL, 0);
	rec_unlock();
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

	rec_find_real();
	if (!rec.on)
		return (int)rec_syscall(SYS_linkat, from_dir, from, to_dir, to, flags);
	rec_lock();
	relative = rec_resolve(to_dir, to, full);
	r = rec_syscall(SYS_linkat, from_dir, from, to_dir, to, flags);
	if (r == 0 && relative != NULL && fstatat(to_dir, to, &st, AT_SYMLINK_NOFOLLOW) == 0)
		rec_note(POWER_LINK, st.st_ino, 0, relative, NULL, NULL, 0);
	rec_unlock();
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

	rec_find_real();
	if (!rec.on)
		return (int)rec_syscall(SYS_symlinkat, target, dirfd, path);
	rec_lock();
	relative = rec_resolve(dirfd, path, full);
	r = rec_syscall(SYS_symlinkat, target, dirfd, path);
	if (r == 0 && relative != NULL)
		rec_note(POWER_SYMLINK, 0, 0, relative, target, NULL, 0);
	rec_unlock();
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

	rec_find_real();
	if (!rec.on)
		return (int)rec_syscall(SYS_renameat2, from_dir, from, to_dir, to, flags);
	rec_lock();
	from_relative = rec_resolve(from_dir, from, from_full);
	to_relative = rec_resolve(to_dir, to, to_full);
	r = rec_syscall(SYS_renameat2, from_dir, from, to_dir, to, flags);
	if (r == 0 && from_relative != NULL && to_relative != NULL)
		rec_note(POWER_RENAME, 0, (flags & RENAME_EXCHANGE) != 0, from_relative, to_relative,
		    NULL, 0);
	else if (r == 0 && from_relative != NULL)
		rec_note(POWER_UNLINK, 0, 0, from_relative, NULL, NULL, 0);
	else if (r == 0 && to_relative != NULL &&
	    fstatat(to_dir, to, &st, AT_SYMLINK_NOFOLLOW) == 0)
		rec_note(POWER_LINK, st.st_ino, 0, to_relative, NULL, NULL, 0);
	rec_unlock();
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

	rec_find_real();
	if (!rec.on)
		return (int)rec_syscall(SYS_unlinkat, dirfd, path, flags);
	rec_lock();
	relative = rec_resolve(dirfd, path, full);
	r = rec_syscall(SYS_unlinkat, dirfd, path, flags);
	if (r == 0 && relative != NULL)
		rec_note(POWER_UNLINK, 0, 0, relative, NULL, NULL, 0);
	rec_unlock();
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
