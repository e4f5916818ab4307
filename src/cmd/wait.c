#include "src/cmd/wait.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <xxhash.h>

#include "src/cmd/cmd.h"
#include "src/config/glob.h"

#define MAX_DEPTH 128u

int
mf_wait_is_ready(const char *dir, const char *glob, struct mf_error *e)
{
	struct mf_glob *g = mf_glob_new(glob, e);
	const struct dirent *entry;
	DIR *d;
	int found = 0;

	if (g == NULL)
		return -1;
	if ((d = opendir(dir)) == NULL) {
		mf_glob_free(g);
		mf_error_sys(e, errno, "cannot read %s", dir);
		if (e != NULL && e->code == MF_ENOTFOUND)
			e->code = MF_ESOURCE;
		return -1;
	}
	while (found == 0 && (entry = readdir(d)) != NULL)
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
		    mf_glob_matches(g, entry->d_name))
			found = 1;
	closedir(d);
	mf_glob_free(g);
	return found;
}

/* What of an entry tells that it changed. */
struct print {
	uint64_t size, inode;
	int64_t mtime_s, mtime_ns, ctime_s, ctime_ns;
};

/* Sum of hashes over all entries: the order of a directory does not count. */
static uint64_t /* NOLINTNEXTLINE(misc-no-recursion): MAX_DEPTH ends it */
fingerprint(int parent, const char *name, unsigned depth)
{
	/* a link to the top is fine, links inside are not followed */
	int fd = openat(parent, name,
	    O_RDONLY | O_DIRECTORY | O_CLOEXEC | (depth > 0 ? O_NOFOLLOW : 0));
	const struct dirent *entry;
	struct print p = {0};
	uint64_t sum = 0;
	struct stat st;
	DIR *d;

	if (fd < 0 || (d = fdopendir(fd)) == NULL) {
		if (fd >= 0)
			close(fd);
		return 0;
	}
	while ((entry = readdir(d)) != NULL) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
		    fstatat(fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0)
			continue;
		p.size = (uint64_t)st.st_size;
		p.inode = st.st_ino;
		p.mtime_s = st.st_mtim.tv_sec;
		p.mtime_ns = st.st_mtim.tv_nsec;
		p.ctime_s = st.st_ctim.tv_sec;
		p.ctime_ns = st.st_ctim.tv_nsec;
		sum += XXH3_64bits_withSeed(&p, sizeof p,
		    XXH3_64bits(entry->d_name, strlen(entry->d_name)));
		if (S_ISDIR(st.st_mode) && depth < MAX_DEPTH)
			sum += fingerprint(fd, entry->d_name, depth + 1) * 31;
	}
	closedir(d);
	return sum;
}

/* A tenth of the wanted quiet, within 50 ms and 1 s. */
static void
pause_between(uint64_t quiet_us)
{
	uint64_t us = quiet_us / 10 < 50000 ? 50000 : quiet_us / 10 > 1000000 ? 1000000 : quiet_us / 10;
	struct timespec t = {.tv_sec = (time_t)(us / 1000000), .tv_nsec = (long)(us % 1000000) * 1000};

	nanosleep(&t, NULL);
}

int
mf_wait_settle(const char *dir, uint64_t quiet_us, int64_t deadline_us, struct mf_error *e)
{
	uint64_t before, now;
	int64_t since_us = mf_cmd_monotonic_us();

	if (quiet_us == 0)
		return 0;
	before = fingerprint(AT_FDCWD, dir, 0);
	while ((uint64_t)(mf_cmd_monotonic_us() - since_us) < quiet_us) {
		if (mf_cmd_interrupted())
			return mf_error_set(e, MF_EINTERRUPTED, "interrupted while %s settles", dir);
		if (deadline_us != 0 && mf_cmd_monotonic_us() >= deadline_us)
			return mf_error_set(e, MF_EINTERRUPTED, "%s does not settle in time", dir);
		pause_between(quiet_us);
		now = fingerprint(AT_FDCWD, dir, 0);
		if (now != before)
			since_us = mf_cmd_monotonic_us();
		before = now;
	}
	return 0;
}
