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
 */
#include "tests/durability/record_int.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static void
note_contents(const char *path, uint64_t inode)
{
	static char bytes[1 << 16];
	uint64_t offset = 0;
	long n;
	int fd = (int)rec_syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);

	if (fd < 0)
		rec_die("cannot read what is there");
	while ((n = rec_syscall(SYS_read, fd, bytes, sizeof bytes)) > 0) {
		rec_note(POWER_WRITE, inode, offset, NULL, NULL, bytes, (size_t)n);
		offset += (uint64_t)n;
	}
	close(fd);
}

static int
note_present(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	const char *relative = rec_below(path);
	char target[PATH_MAX];
	ssize_t n;

	(void)ftw;
	if (relative == NULL)
		return 0;
	if (type == FTW_D) {
		rec_note(POWER_DIR, st->st_ino, 0, relative, NULL, NULL, 0);
	} else if (S_ISREG(st->st_mode)) {
		if (!rec_is_known(st->st_ino)) {
			rec_note(POWER_FILE, st->st_ino, 0, NULL, NULL, NULL, 0);
			note_contents(path, st->st_ino);
			rec_track(st->st_ino);
		}
		rec_note(POWER_LINK, st->st_ino, 0, relative, NULL, NULL, 0);
	} else if (S_ISLNK(st->st_mode)) {
		n = readlink(path, target, sizeof target - 1);
		target[n < 0 ? 0 : n] = '\0';
		rec_note(POWER_SYMLINK, st->st_ino, 0, relative, target, NULL, 0);
	}
	return 0;
}

static void
at_exit(int status, void *arg)
{
	(void)arg;
	if (!rec.on)
		return;
	rec_lock();
	rec_note(POWER_EXIT, 0, (uint64_t)(unsigned)status, rec.tag, NULL, NULL, 0);
	rec_unlock();
}

__attribute__((constructor)) static void
begin(void)
{
	const char *root = getenv("MF_RECORD_ROOT"), *log = getenv("MF_RECORD_LOG");
	struct stat st;

	rec_find_real();
	if (root == NULL || log == NULL)
		return;
	if (realpath(root, rec.root) == NULL || stat(rec.root, &st) != 0)
		rec_die("MF_RECORD_ROOT does not exist");
	rec.root_len = strlen(rec.root);
	rec.device = st.st_dev;
	rec.tag = getenv("MF_RECORD_TAG");
	rec.tag = rec.tag == NULL ? "run" : rec.tag;
	rec.log = (int)rec_syscall(SYS_openat, AT_FDCWD, log,
	    O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (rec.log < 0)
		rec_die("cannot open MF_RECORD_LOG");
	rec_lock();
	if (fstat(rec.log, &st) == 0 && st.st_size == 0) {
		(void)nftw(rec.root, note_present, 32, FTW_PHYS);
		rec_note(POWER_START, 0, 0, NULL, NULL, NULL, 0);
	}
	rec_unlock();
	rec.on = true;
	on_exit(at_exit, NULL);
}
