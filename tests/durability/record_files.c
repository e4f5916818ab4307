/* Which files the recorder is about. */
#include "tests/durability/record_int.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define INODES (1u << 16)

static uint64_t inodes[INODES]; /* files below the root opened for writing; 0 is free */
static unsigned n_inodes;

const char *
rec_below(const char *path)
{
	if (strncmp(path, rec.root, rec.root_len) != 0)
		return NULL;
	if (path[rec.root_len] == '\0')
		return path + rec.root_len;
	return path[rec.root_len] == '/' ? path + rec.root_len + 1 : NULL;
}

const char *
rec_resolve(int dirfd, const char *path, char out[PATH_MAX * 2])
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
		return rec_below(out);
	}
	*slash = '\0';
	if (realpath(raw[0] == '\0' ? "/" : raw, out) == NULL)
		out[0] = '\0';
	else
		snprintf(out + strlen(out), PATH_MAX, "/%s", base);
	errno = saved;
	return rec_below(out);
}

const char *
rec_resolve_fd(int fd, char out[PATH_MAX])
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
	return rec_below(out);
}

static uint64_t *
slot_of(uint64_t inode)
{
	size_t i = (size_t)(inode * 0x9e3779b97f4a7c15u >> 48);

	while (inodes[i] != 0 && inodes[i] != inode)
		i = (i + 1) % INODES;
	return &inodes[i];
}

bool
rec_is_known(uint64_t inode)
{
	return *slot_of(inode) != 0;
}

void
rec_track(uint64_t inode)
{
	uint64_t *slot = slot_of(inode);

	if (*slot == inode)
		return;
	if (++n_inodes > INODES / 2)
		rec_die("too many files");
	*slot = inode;
}

bool
rec_is_tracked(int fd, struct stat *st)
{
	int saved = errno;
	bool yes = fstat(fd, st) == 0 && S_ISREG(st->st_mode) && st->st_dev == rec.device &&
	    fd != rec.log && rec_is_known(st->st_ino);

	errno = saved;
	return yes;
}
