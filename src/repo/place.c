/* Where a pulled version lies. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/base/fs.h"
#include "src/base/hex.h"
#include "src/base/log.h"
#include "src/repo/place_int.h"

#define OWN ".modelferry"

static int
open_dir(int at, const char *path)
{
	return openat(at, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static int
take_lock(struct mf_place *pl, const char *path, struct mf_error *e)
{
	pl->lockfd = openat(pl->rootfd, path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (pl->lockfd < 0)
		return mf_error_sys(e, errno, "cannot lock %s", pl->p->dir);
	if (flock(pl->lockfd, LOCK_EX | LOCK_NB) == 0)
		return 0;
	mf_error_set(e, MF_ECONFLICT, "another pull is at work in %s", pl->p->dir);
	return mf_error_hint(e, "wait for it; a killed pull leaves no lock behind");
}

static bool
is_empty(int fd)
{
	DIR *d = fdopendir(openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	struct dirent *x;
	bool empty = true;

	while (d != NULL && (x = readdir(d)) != NULL)
		if (strcmp(x->d_name, ".") != 0 && strcmp(x->d_name, "..") != 0)
			empty = false;
	if (d != NULL)
		closedir(d);
	return empty;
}

static int
open_with_link(struct mf_place *pl, struct mf_error *e)
{
	const char *dir = pl->p->dir, *link = pl->p->link;
	struct stat st;

	if (strchr(link, '/') != NULL || !mf_fs_path_is_safe(link) || strcmp(link, OWN) == 0)
		return mf_error_set(e, MF_EUSAGE, "--link %s: one name inside %s is needed", link, dir);
	if (mf_fs_mkdirs(AT_FDCWD, dir, 0755, e) != 0)
		return -1;
	if ((pl->rootfd = open_dir(AT_FDCWD, dir)) < 0)
		return mf_error_sys(e, errno, "cannot open %s", dir);
	if (fstatat(pl->rootfd, link, &st, AT_SYMLINK_NOFOLLOW) == 0 && !S_ISLNK(st.st_mode)) {
		mf_error_set(e, MF_EEXIST, "%s/%s is there and is no symbolic link", dir, link);
		return mf_error_hint(e, "choose another --link, or move it away");
	}
	snprintf(pl->staging, sizeof(pl->staging), OWN "/staging/%s", pl->key);
	snprintf(pl->final, sizeof(pl->final), OWN "/versions/%s", pl->key);
	if (mf_fs_mkdirs(pl->rootfd, OWN "/staging", 0755, e) != 0 ||
	    mf_fs_mkdirs(pl->rootfd, OWN "/versions", 0755, e) != 0 ||
	    take_lock(pl, OWN "/lock", e) != 0)
		return -1;
	pl->present = fstatat(pl->rootfd, pl->final, &st, 0) == 0;
	return 0;
}

/* DIR itself is replaced: absent, empty, or made by an earlier pull. */
static int
check_dir(struct mf_place *pl, struct mf_error *e)
{
	const char *dir = pl->p->dir;
	struct stat st, parent;
	int fd = open_dir(pl->rootfd, pl->leaf), rc = 0;

	if (fd < 0)
		return errno == ENOENT ? 0 : mf_error_sys(e, errno, "cannot open %s", dir);
	if (fstat(fd, &st) != 0 || fstat(pl->rootfd, &parent) != 0) {
		rc = mf_error_sys(e, errno, "cannot look at %s", dir);
	} else if (st.st_dev != parent.st_dev) {
		mf_error_set(e, MF_EEXIST, "%s is a mount point and cannot be replaced at once", dir);
		rc = mf_error_hint(e, "pull with --link NAME: all lies inside it then");
	} else if (!is_empty(fd)) {
		pl->exchange = faccessat(fd, OWN "/version", F_OK, 0) == 0;
		if (!pl->exchange) {
			mf_error_set(e, MF_EEXIST, "%s is not empty and was not made by a pull", dir);
			rc = mf_error_hint(e, "nothing was changed; pull into an empty or absent directory, "
			    "or with --link NAME");
		}
	}
	close(fd);
	return rc;
}

static int
open_without_link(struct mf_place *pl, struct mf_error *e)
{
	char dir[4096], base[4096], lock[700];
	const char *parent;
	size_t n;

	snprintf(dir, sizeof(dir), "%s", pl->p->dir);
	for (n = strlen(dir); n > 1 && dir[n - 1] == '/'; n--)
		dir[n - 1] = '\0';
	snprintf(base, sizeof(base), "%s", dir);
	snprintf(pl->leaf, sizeof(pl->leaf), "%s", basename(base));
	if (strcmp(pl->leaf, "/") == 0 || strcmp(pl->leaf, ".") == 0 ||
	    strcmp(pl->leaf, "..") == 0) {
		mf_error_set(e, MF_EUSAGE, "%s cannot be replaced as a whole", pl->p->dir);
		return mf_error_hint(e, "name a directory below it, or use --link NAME");
	}
	parent = dirname(dir); /* cuts dir, or is a string of its own */
	if (mf_fs_mkdirs(AT_FDCWD, parent, 0755, e) != 0)
		return -1;
	if ((pl->rootfd = open_dir(AT_FDCWD, parent)) < 0)
		return mf_error_sys(e, errno, "cannot open %s", parent);
	if (check_dir(pl, e) != 0)
		return -1;
	snprintf(pl->staging, sizeof(pl->staging), ".%.200s.modelferry-%s", pl->leaf, pl->key);
	snprintf(pl->final, sizeof(pl->final), "%s", pl->leaf);
	snprintf(lock, sizeof(lock), ".%.200s.modelferry-lock", pl->leaf);
	return take_lock(pl, lock, e);
}

int
mf_place_open(struct mf_place *pl, const struct mf_pull_params *p, const struct mf_version *v,
    struct mf_error *e)
{
	char hex[17];
	int rc;

	*pl = (struct mf_place){.p = p, .rootfd = -1, .lockfd = -1};
	mf_hex_encode(hex, v->digest, 8);
	snprintf(pl->key, sizeof(pl->key), "%.128s-%s", v->root.version, hex);
	rc = p->link != NULL ? open_with_link(pl, e) : open_without_link(pl, e);
	if (rc != 0)
		mf_place_close(pl);
	return rc;
}

int
mf_place_staging(struct mf_place *pl, struct mf_error *e)
{
	int fd;

	if (mkdirat(pl->rootfd, pl->staging, 0700) != 0) {
		if (errno != EEXIST)
			return mf_error_sys(e, errno, "cannot make a staging directory in %s", pl->p->dir);
		pl->resumed = true;
	}
	fd = openat(pl->rootfd, pl->staging, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	return fd >= 0 ? fd
		       : mf_error_sys(e, errno, "cannot open the staging directory in %s", pl->p->dir);
}

int
mf_place_current(const struct mf_place *pl)
{
	return pl->p->link != NULL ? open_dir(pl->rootfd, pl->p->link)
	    : pl->exchange	   ? open_dir(pl->rootfd, pl->leaf)
				   : -1;
}

/* The mark that says: a pull made this directory. */
static int
write_mark(struct mf_place *pl, struct mf_error *e)
{
	char path[700], text[300];
	int n = snprintf(text, sizeof(text), "%s\n", pl->key);

	snprintf(path, sizeof(path), "%s/" OWN, pl->staging);
	if (mf_fs_mkdirs(pl->rootfd, path, 0755, e) != 0)
		return -1;
	snprintf(path, sizeof(path), "%s/" OWN "/version", pl->staging);
	return mf_fs_replace(pl->rootfd, path, text, (size_t)n, 0644, e);
}

static int
set_mode(struct mf_place *pl, struct mf_error *e)
{
	int fd = open_dir(pl->rootfd, pl->staging), rc;

	if (fd < 0)
		return mf_error_sys(e, errno, "cannot open the staging directory in %s", pl->p->dir);
	rc = fchmod(fd, 0755);
	if (rc != 0)
		mf_error_sys(e, errno, "cannot make %s readable", pl->p->dir);
	futimens(fd, NULL); /* when it was pulled: --local-grace counts from here */
	close(fd);
	return rc;
}

static int
show_link(struct mf_place *pl, struct mf_error *e)
{
	if (!pl->present) {
		if (set_mode(pl, e) != 0)
			return -1;
		if (renameat(pl->rootfd, pl->staging, pl->rootfd, pl->final) != 0)
			return mf_error_sys(e, errno, "cannot move the version to %s/%s", pl->p->dir,
			    pl->final);
		if (mf_fs_sync_dir(pl->rootfd, OWN "/versions", e) != 0 ||
		    mf_fs_sync_dir(pl->rootfd, OWN "/staging", e) != 0)
			return -1;
	}
	return mf_fs_flip_link(pl->rootfd, pl->p->link, pl->final, e);
}

static int
show_dir(struct mf_place *pl, struct mf_error *e)
{
	int rc;

	if (write_mark(pl, e) != 0 || set_mode(pl, e) != 0)
		return -1;
	if (!pl->exchange) {
		rc = renameat(pl->rootfd, pl->staging, pl->rootfd, pl->leaf);
		if (rc != 0)
			return mf_error_sys(e, errno, "cannot move the version to %s", pl->p->dir);
		return mf_fs_sync_dir(pl->rootfd, ".", e);
	}
	rc = mf_fs_exchange(pl->rootfd, pl->staging, pl->leaf, e);
	if (rc == 1) {
		mf_error_set(e, MF_EUNSUPPORTED,
		    "this file system cannot exchange two directories at once, and %s is in use", pl->p->dir);
		return mf_error_hint(e, "pull with --link NAME");
	}
	if (rc != 0 || mf_fs_sync_dir(pl->rootfd, ".", e) != 0)
		return -1;
	return mf_fs_remove_tree(pl->rootfd, pl->staging, e);
}

int
mf_place_show(struct mf_place *pl, char *path, size_t path_bytes, struct mf_error *e)
{
	if (pl->p->link != NULL)
		snprintf(path, path_bytes, "%s/%s", pl->p->dir, pl->final);
	else
		snprintf(path, path_bytes, "%s", pl->p->dir);
	return pl->p->link != NULL ? show_link(pl, e) : show_dir(pl, e);
}

struct local {
	char name[256];
	int64_t mtime_us;
};

static int
newest_first(const void *a, const void *b)
{
	const struct local *x = a, *y = b;

	return x->mtime_us > y->mtime_us ? -1 : x->mtime_us < y->mtime_us;
}

static size_t
list_local(struct mf_place *pl, struct local *items, size_t most)
{
	int fd = open_dir(pl->rootfd, OWN "/versions");
	DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *x;
	struct stat st;
	size_t n = 0;

	while (d != NULL && n < most && (x = readdir(d)) != NULL) {
		if (x->d_name[0] == '.' || strcmp(x->d_name, pl->key) == 0 ||
		    fstatat(dirfd(d), x->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0)
			continue;
		snprintf(items[n].name, sizeof(items[n].name), "%s", x->d_name);
		items[n++].mtime_us = (int64_t)st.st_mtim.tv_sec * 1000000;
	}
	if (d != NULL)
		closedir(d);
	return n;
}

int
mf_place_tidy(struct mf_place *pl, struct mf_error *e)
{
	struct local items[256];
	char path[700];
	size_t n, i;

	if (pl->p->link == NULL)
		return 0;
	n = list_local(pl, items, 256);
	qsort(items, n, sizeof(*items), newest_first);
	/* the version shown now counts as one of those that are kept */
	for (i = pl->p->keep_local > 0 ? pl->p->keep_local - 1 : 0; i < n; i++) {
		if (items[i].mtime_us + pl->p->local_grace_us > pl->p->now_us)
			continue;
		snprintf(path, sizeof(path), OWN "/versions/%s", items[i].name);
		mf_log(MF_LOG_INFO, "removing the old local version %s", items[i].name);
		if (mf_fs_remove_tree(pl->rootfd, path, e) != 0)
			return -1;
	}
	return 0;
}

void
mf_place_close(struct mf_place *pl)
{
	char lock[700];

	if (pl->lockfd >= 0 && pl->p->link == NULL && pl->rootfd >= 0) {
		/* beside DIR, in somebody else's directory: leave nothing */
		snprintf(lock, sizeof(lock), ".%.200s.modelferry-lock", pl->leaf);
		unlinkat(pl->rootfd, lock, 0);
	}
	if (pl->lockfd >= 0)
		close(pl->lockfd);
	if (pl->rootfd >= 0)
		close(pl->rootfd);
	pl->rootfd = pl->lockfd = -1;
}
