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

#define OWN MF_PLACE_OWN

static int
open_dir(int at, const char *path)
{
	return openat(at, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* Is the open lock still the file of that name? Who held it may have removed it meanwhile. */
static bool
is_named(const struct mf_place *pl, const char *path)
{
	struct stat mine, there;

	return fstat(pl->lockfd, &mine) == 0 &&
	    fstatat(pl->rootfd, path, &there, AT_SYMLINK_NOFOLLOW) == 0 &&
	    mine.st_ino == there.st_ino && mine.st_dev == there.st_dev;
}

static int
take_lock(struct mf_place *pl, const char *path, struct mf_error *e)
{
	for (;;) {
		pl->lockfd = openat(pl->rootfd, path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW,
		    0600);
		if (pl->lockfd < 0)
			return mf_error_sys(e, errno, "cannot lock %s", pl->p->dir);
		if (flock(pl->lockfd, LOCK_EX | LOCK_NB) != 0)
			break;
		if (is_named(pl, path))
			return 0;
		close(pl->lockfd);
	}
	close(pl->lockfd); /* not ours: mf_place_close must not remove it */
	pl->lockfd = -1;
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
	pl->replaces = pl->present && pl->p->afresh;
	pl->present = pl->present && !pl->replaces;
	return 0;
}

static int
refuse_full(const char *dir, bool has_versions, struct mf_error *e)
{
	if (has_versions) {
		mf_error_set(e, MF_EEXIST, "%s has versions of a pull with --link in it", dir);
		return mf_error_hint(e, "nothing was changed; give --link NAME again, or another "
					"directory");
	}
	mf_error_set(e, MF_EEXIST, "%s is not empty and was not made by a pull", dir);
	return mf_error_hint(e,
	    "nothing was changed; pull into an empty or absent directory, or with "
	    "--link NAME");
}

/* DIR itself is replaced: absent, empty, or made by an earlier pull. */
static int
check_dir(struct mf_place *pl, struct mf_error *e)
{
	const char *dir = pl->p->dir;
	struct stat st, parent;
	int fd = open_dir(pl->rootfd, pl->leaf), rc = 0;

	pl->exchange = false;
	if (fd < 0)
		return errno == ENOENT ? 0 : mf_error_sys(e, errno, "cannot open %s", dir);
	if (fstat(fd, &st) != 0 || fstat(pl->rootfd, &parent) != 0) {
		rc = mf_error_sys(e, errno, "cannot look at %s", dir);
	} else if (st.st_dev != parent.st_dev) {
		mf_error_set(e, MF_EEXIST, "%s is a mount point and cannot be replaced at once", dir);
		rc = mf_error_hint(e, "pull with --link NAME: all lies inside it then");
	} else if (!is_empty(fd)) {
		pl->exchange = faccessat(fd, OWN "/version", F_OK, 0) == 0;
		if (!pl->exchange)
			rc = refuse_full(dir, faccessat(fd, OWN "/versions", F_OK, 0) == 0, e);
	}
	close(fd);
	return rc;
}

static int
no_exchange(const struct mf_place *pl, struct mf_error *e)
{
	mf_error_set(e, MF_EUNSUPPORTED,
	    "this file system cannot exchange two directories at once, and %s is in use", pl->p->dir);
	return mf_error_hint(e, "pull with --link NAME");
}

/* Try on two empty directories what will be done at the end. */
static int
probe_exchange(const struct mf_place *pl, struct mf_error *e)
{
	char name[2][MF_PLACE_PATH_BYTES];
	int i, rc = 0;

	for (i = 0; i < 2; i++) {
		snprintf(name[i], sizeof(name[i]), ".%.*s.modelferry-probe-%d", MF_PLACE_LEAF_BYTES,
		    pl->leaf, i);
		if (mkdirat(pl->rootfd, name[i], 0700) != 0 && errno != EEXIST)
			rc = mf_error_sys(e, errno, "cannot make a directory beside %s", pl->p->dir);
	}
	if (rc == 0)
		rc = mf_fs_exchange(pl->rootfd, name[0], name[1], e);
	for (i = 0; i < 2; i++)
		unlinkat(pl->rootfd, name[i], AT_REMOVEDIR);
	return rc == 1 ? no_exchange(pl, e) : rc;
}

static int
open_without_link(struct mf_place *pl, struct mf_error *e)
{
	char dir[4096], base[4096], lock[MF_PLACE_PATH_BYTES];
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
	snprintf(pl->staging, sizeof(pl->staging), ".%.*s.modelferry-%s", MF_PLACE_LEAF_BYTES,
	    pl->leaf, pl->key);
	snprintf(pl->final, sizeof(pl->final), "%s", pl->leaf);
	snprintf(lock, sizeof(lock), ".%.*s.modelferry-lock", MF_PLACE_LEAF_BYTES, pl->leaf);
	/* checked before, because a lock may be impossible where DIR is refused anyway */
	if (take_lock(pl, lock, e) != 0 || check_dir(pl, e) != 0)
		return -1;
	return pl->exchange ? probe_exchange(pl, e) : 0;
}

void
mf_place_key(char out[MF_PLACE_KEY_BYTES], const char *version, const uint8_t digest[32],
    const uint8_t *part)
{
	char hex[17], part_hex[2 * MF_PLACE_PART_BYTES + 1] = "";

	mf_hex_encode(hex, digest, 8);
	if (part != NULL)
		mf_hex_encode(part_hex, part, MF_PLACE_PART_BYTES);
	snprintf(out, MF_PLACE_KEY_BYTES, "%.128s-%s%s%s", version, hex, part != NULL ? "." : "",
	    part_hex);
}

int
mf_place_open(struct mf_place *pl, const struct mf_pull_params *p, const struct mf_version *v,
    const uint8_t *part, struct mf_error *e)
{
	int rc;

	*pl = (struct mf_place){.p = p, .rootfd = -1, .lockfd = -1};
	mf_place_key(pl->key, v->root.version, v->digest, part);
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

void
mf_place_drop_staging(struct mf_place *pl)
{
	struct mf_error e = {0};

	if (mf_fs_remove_tree(pl->rootfd, pl->staging, &e) != 0)
		mf_log(MF_LOG_WARNING, "a staging directory is left in %s: %s", pl->p->dir, e.message);
}

bool
mf_place_shows(const struct mf_place *pl, const char *link, char name[MF_PLACE_NAME_BYTES])
{
	static const char before[] = OWN "/versions/";
	const size_t at = sizeof(before) - 1;
	char target[sizeof(before) + MF_PLACE_NAME_BYTES];
	const ssize_t n = readlinkat(pl->rootfd, link, target, sizeof(target));
	size_t len;

	if (n <= (ssize_t)at || memcmp(target, before, at) != 0)
		return false;
	len = (size_t)n - at;
	if (len >= MF_PLACE_NAME_BYTES || memchr(target + at, '/', len) != NULL)
		return false;
	memcpy(name, target + at, len);
	name[len] = '\0';
	return true;
}

/* The mark that says: a pull made this directory. */
static int
write_mark(struct mf_place *pl, struct mf_error *e)
{
	char path[MF_PLACE_PATH_BYTES], text[300];
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
	close(fd);
	return rc;
}

/* The version that the link shows, where it is one of ours; else -1. */
static int
open_shown(const struct mf_place *pl)
{
	char name[MF_PLACE_NAME_BYTES], path[MF_PLACE_PATH_BYTES];

	if (!mf_place_shows(pl, pl->p->link, name))
		return -1;
	snprintf(path, sizeof(path), OWN "/versions/%s", name);
	return open_dir(pl->rootfd, path);
}

/* Staging becomes a version. What it replaces is in its place then, and is removed. */
static int
move_in(struct mf_place *pl, struct mf_error *e)
{
	int rc = pl->replaces ? mf_fs_exchange(pl->rootfd, pl->staging, pl->final, e)
			      : renameat(pl->rootfd, pl->staging, pl->rootfd, pl->final);

	if (rc > 0)
		return mf_error_set(e, MF_EUNSUPPORTED,
		    "this file system cannot exchange two directories at once, and %s/%s is damaged",
		    pl->p->dir, pl->final);
	if (rc != 0)
		return pl->replaces ? -1
				    : mf_error_sys(e, errno, "cannot move the version to %s/%s",
					  pl->p->dir, pl->final);
	if (mf_fs_sync_dir(pl->rootfd, OWN "/versions", e) != 0 ||
	    mf_fs_sync_dir(pl->rootfd, OWN "/staging", e) != 0)
		return -1;
	return pl->replaces ? mf_fs_remove_tree(pl->rootfd, pl->staging, e) : 0;
}

static int
show_link(struct mf_place *pl, struct mf_error *e)
{
	const time_t now = (time_t)(pl->p->now_us / 1000000);
	const struct timespec times[2] = {{now, 0}, {now, 0}};
	int left, rc;

	if (!pl->present && (set_mode(pl, e) != 0 || move_in(pl, e) != 0))
		return -1;
	left = open_shown(pl);
	rc = mf_fs_flip_link(pl->rootfd, pl->p->link, pl->final, e);
	if (left >= 0) {
		if (rc == 0)
			futimens(left, times); /* --local-grace counts from here */
		close(left);
	}
	return rc;
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
	if (rc == 1)
		return no_exchange(pl, e);
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

void
mf_place_close(struct mf_place *pl)
{
	char lock[MF_PLACE_PATH_BYTES];

	if (pl->lockfd >= 0 && pl->p->link == NULL && pl->rootfd >= 0) {
		/* beside DIR, in somebody else's directory: leave nothing */
		snprintf(lock, sizeof(lock), ".%.*s.modelferry-lock", MF_PLACE_LEAF_BYTES, pl->leaf);
		unlinkat(pl->rootfd, lock, 0);
	}
	if (pl->lockfd >= 0)
		close(pl->lockfd);
	if (pl->rootfd >= 0)
		close(pl->rootfd);
	pl->rootfd = pl->lockfd = -1;
}
