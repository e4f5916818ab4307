/*
 * What a killed pull left in the staging directory: files of the version stay, to be compared
 * with it; everything else goes. It may be another selection's, a link, or the older version
 * that was exchanged and not yet removed; and whatever lies there would be shown.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/base/fs.h"
#include "src/repo/stage_work_int.h"

struct clearing {
	const struct stage *s;
	bool links_gone; /* second pass: a file that still has other names is not ours alone */
	char path[MF_PATH_MAX_BYTES + 1];
};

/* The first entry at or behind path in the order of the listing. */
static size_t
lower_bound(const struct mf_listing *l, const char *path)
{
	size_t low = 0, high = l->n_entries, mid;

	while (low < high) {
		mid = low + (high - low) / 2;
		if (mf_path_compare(l->entries[mid].path, path) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/* Is it a directory of the version: an entry, or a parent of one? */
static bool
is_directory_of(const struct mf_listing *l, const char *path, size_t at)
{
	const size_t n = strlen(path);

	if (at == l->n_entries)
		return false;
	if (strcmp(l->entries[at].path, path) == 0)
		return l->entries[at].type == MF_ENTRY_DIR;
	return strncmp(l->entries[at].path, path, n) == 0 && l->entries[at].path[n] == '/';
}

static bool
may_stay(const struct clearing *c, const struct stat *st)
{
	const struct mf_listing *l = c->s->p->listing;
	const size_t at = lower_bound(l, c->path);

	if (S_ISDIR(st->st_mode))
		return is_directory_of(l, c->path, at);
	return S_ISREG(st->st_mode) && at < l->n_entries && c->s->p->selected[at] &&
	       l->entries[at].type == MF_ENTRY_FILE && strcmp(l->entries[at].path, c->path) == 0 &&
	       (!c->links_gone || st->st_nlink == 1);
}

static int clear_directory(struct clearing *c, int fd, struct mf_error *e);

/* NOLINTBEGIN(misc-no-recursion): each level takes two bytes of c->path at least */
/* Remove parent/name, whose path is c->path, or make it writable for its owner. */
static int
clear_one(struct clearing *c, int parent, const char *name, struct mf_error *e)
{
	mode_t need;
	struct stat st;
	int fd;

	if (fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return mf_error_sys(e, errno, "cannot look at %s", c->path);
	if (!may_stay(c, &st))
		return mf_fs_remove_tree(parent, name, e);
	need = S_ISDIR(st.st_mode) ? 0700 : 0600;
	if ((S_ISDIR(st.st_mode) || st.st_nlink == 1) && (st.st_mode & need) != need &&
	    fchmodat(parent, name, need, 0) != 0)
		return mf_error_sys(e, errno, "cannot make %s writable", c->path);
	if (!S_ISDIR(st.st_mode))
		return 0;
	fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd >= 0 ? clear_directory(c, fd, e)
		       : mf_error_sys(e, errno, "cannot open %s", c->path);
}

/* fd is closed. c->path is the directory's, "" at the top. */
static int
clear_directory(struct clearing *c, int fd, struct mf_error *e)
{
	const size_t here = strlen(c->path);
	DIR *d = fdopendir(fd);
	struct dirent *x;
	int rc = 0, n;

	if (d == NULL) {
		mf_error_sys(e, errno, "cannot read a directory");
		close(fd);
		return -1;
	}
	while (rc == 0 && (errno = 0, x = readdir(d)) != NULL) {
		if (strcmp(x->d_name, ".") == 0 || strcmp(x->d_name, "..") == 0)
			continue;
		n = snprintf(
		    c->path + here, sizeof(c->path) - here, "%s%s", here > 0 ? "/" : "", x->d_name);
		/* longer than any path of a version: nothing of it can be one */
		rc = (size_t)n < sizeof(c->path) - here ? clear_one(c, dirfd(d), x->d_name, e)
							: mf_fs_remove_tree(dirfd(d), x->d_name, e);
		c->path[here] = '\0';
	}
	if (rc == 0 && errno != 0)
		rc = mf_error_sys(e, errno, "cannot read a directory");
	closedir(d);
	return rc;
}
/* NOLINTEND(misc-no-recursion) */

int
stage_clear(const struct stage *s, struct mf_error *e)
{
	struct clearing c = {.s = s};
	int fd, pass;

	/* the version's own hard links go first; then a file with other names is linked to one
	 * outside, which must not be written to */
	for (pass = 0; pass < 2; pass++) {
		c.links_gone = pass == 1;
		fd = openat(s->p->dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd < 0)
			return mf_error_sys(e, errno, "cannot open the staging directory");
		if (clear_directory(&c, fd, e) != 0)
			return mf_error_while(e, "clearing what a killed pull left");
	}
	return 0;
}
