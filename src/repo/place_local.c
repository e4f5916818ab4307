/* The versions that lie here already: what a pull can take from them, and which of them are
 * removed once another is shown, with what killed pulls left. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/base/fs.h"
#include "src/base/log.h"
#include "src/repo/keep.h"
#include "src/repo/place_int.h"

#define VERSIONS MF_PLACE_OWN "/versions"
#define STAGING MF_PLACE_OWN "/staging"

struct item {
	char name[MF_PLACE_NAME_BYTES];
	int64_t mtime_us;
};

struct items {
	struct item *at;
	size_t n, capacity;
};

bool
mf_place_mark(int dirfd, char key[MF_PLACE_NAME_BYTES])
{
	const int fd = mf_fs_open_beneath(dirfd, MF_PLACE_OWN "/version",
	    O_RDONLY | O_CLOEXEC | O_NONBLOCK, 0, NULL);
	ssize_t n;

	if (fd < 0)
		return false;
	n = read(fd, key, MF_PLACE_NAME_BYTES);
	close(fd);
	if (n < 1 || key[n - 1] != '\n') /* all of ours, with its end, fit */
		return false;
	key[n - 1] = '\0';
	return true;
}

static int
newest_first(const void *a, const void *b)
{
	const struct item *x = a, *y = b;

	return x->mtime_us > y->mtime_us ? -1 : x->mtime_us < y->mtime_us;
}

static int
add_item(struct items *l, const char *name, const struct stat *st, struct mf_error *e)
{
	const size_t want = l->capacity > 0 ? l->capacity * 2 : 16;
	struct item *more;

	if (l->n == l->capacity) {
		if ((more = reallocarray(l->at, want, sizeof(*more))) == NULL)
			return mf_error_nomem(e, "the list of local versions");
		l->at = more;
		l->capacity = want;
	}
	snprintf(l->at[l->n].name, sizeof(l->at[l->n].name), "%s", name);
	l->at[l->n++].mtime_us = (int64_t)st->st_mtim.tv_sec * 1000000;
	return 0;
}

/* Directories or symbolic links in pl->rootfd/path whose name begins so. */
static int
list_items(const struct mf_place *pl, const char *path, const char *prefix, mode_t type,
    struct items *out, struct mf_error *e)
{
	int fd = openat(pl->rootfd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc = 0;
	DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *x;
	struct stat st;

	*out = (struct items){0};
	while (rc == 0 && d != NULL && (x = readdir(d)) != NULL) {
		if (strcmp(x->d_name, ".") == 0 || strcmp(x->d_name, "..") == 0 ||
		    strncmp(x->d_name, prefix, strlen(prefix)) != 0 ||
		    fstatat(dirfd(d), x->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0 ||
		    (st.st_mode & S_IFMT) != type)
			continue;
		rc = add_item(out, x->d_name, &st, e);
	}
	if (d != NULL)
		closedir(d);
	else if (fd >= 0)
		close(fd);
	if (rc != 0)
		free(out->at);
	else if (out->n > 1)
		qsort(out->at, out->n, sizeof(*out->at), newest_first);
	return rc;
}

static bool
open_local(const struct mf_place *pl, const char *key, struct mf_place_local *out)
{
	char path[MF_PLACE_PATH_BYTES];

	snprintf(path, sizeof(path), VERSIONS "/%s", key);
	out->fd = openat(pl->rootfd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	snprintf(out->key, sizeof(out->key), "%s", key);
	return out->fd >= 0;
}

static size_t
open_versions(const struct mf_place *pl, struct mf_place_local l[MF_PLACE_LOCALS_MAX])
{
	char shown[MF_PLACE_NAME_BYTES] = "";
	struct mf_error ignored = {0};
	struct items items;
	size_t n = 0, i;

	if (mf_place_shows(pl, pl->p->link, shown) && strcmp(shown, pl->key) != 0)
		n += open_local(pl, shown, &l[n]);
	if (list_items(pl, VERSIONS, "", S_IFDIR, &items, &ignored) != 0)
		return n;
	for (i = 0; i < items.n && n < MF_PLACE_LOCALS_MAX; i++)
		if (strcmp(items.at[i].name, shown) != 0 && strcmp(items.at[i].name, pl->key) != 0)
			n += open_local(pl, items.at[i].name, &l[n]);
	free(items.at);
	return n;
}

/* Without a link there is one: DIR itself, whose mark says what it is. */
static size_t
open_itself(const struct mf_place *pl, struct mf_place_local *out)
{
	struct mf_buf mark = MF_BUF_INIT;
	struct mf_error ignored = {0};
	size_t n = 0;

	out->fd = openat(pl->rootfd, pl->leaf, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (out->fd < 0)
		return 0;
	if (mf_fs_read_file(out->fd, MF_PLACE_OWN "/version", sizeof(out->key), &mark, &ignored) ==
	    0)
		while (n < mark.len && n < sizeof(out->key) - 1 && mark.data[n] != '\n')
			n++;
	if (n > 0)
		memcpy(out->key, mark.data, n);
	out->key[n] = '\0';
	mf_buf_fini(&mark);
	return 1;
}

size_t
mf_place_open_locals(const struct mf_place *pl, struct mf_place_local l[MF_PLACE_LOCALS_MAX])
{
	if (pl->p->link != NULL)
		return open_versions(pl, l);
	return pl->exchange ? open_itself(pl, l) : 0;
}

void
mf_place_close_locals(struct mf_place_local *l, size_t n)
{
	while (n > 0)
		close(l[--n].fd);
}

static bool
is_shown(const struct mf_place *pl, const struct items *links, const char *version)
{
	char name[MF_PLACE_NAME_BYTES];
	size_t i;

	for (i = 0; i < links->n; i++)
		if (mf_place_shows(pl, links->at[i].name, name) && strcmp(name, version) == 0)
			return true;
	return strcmp(version, pl->key) == 0;
}

/* ---- what runs keep ---- */

struct needs {
	const struct mf_place *pl;
	struct mf_repo *repo;
	const char *model;
	bool read;    /* keys is what the repository says */
	bool unknown; /* it could not be asked */
	struct items keys;
};

static int
note_kept(void *arg, const struct mf_keep *keep)
{
	struct needs *n = arg;
	const struct stat unused = {0};
	char key[MF_PLACE_KEY_BYTES];
	struct mf_error e = {0};

	if (keep->until_us < n->pl->p->now_us)
		return 0; /* its time is over, and nobody has deleted it yet */
	mf_place_key(key, keep->version, keep->digest, NULL);
	return add_item(&n->keys, key, &unused, &e);
}

/* Does a run that is under way, or may yet have to go back, need the local version? Asked only
 * where one would be removed. Where that cannot be known, it is: disk space can wait. */
static bool
is_needed(struct needs *n, const char *version)
{
	struct mf_error e = {0};
	size_t i, len;

	if (!n->read) {
		n->read = true;
		n->unknown = mf_keep_each(n->repo, n->model, NULL, note_kept, n, &e) != 0;
		if (n->unknown)
			mf_log(MF_LOG_WARNING,
			    "old local versions stay, since it is not known which of them runs "
			    "keep: %s",
			    e.code == MF_OK ? "out of memory" : e.message);
	}
	for (i = 0; i < n->keys.n; i++) {
		len = strlen(n->keys.at[i].name);
		if (strncmp(version, n->keys.at[i].name, len) == 0 &&
		    (version[len] == '\0' || version[len] == '.'))
			return true;
	}
	return n->unknown;
}

static int
remove_versions(struct needs *needs, const struct items *versions, const struct items *links,
    struct mf_error *e)
{
	const struct mf_place *pl = needs->pl;
	unsigned kept = 1; /* the version shown now */
	char path[MF_PLACE_PATH_BYTES];
	size_t i;

	for (i = 0; i < versions->n; i++) {
		const struct item *x = &versions->at[i];

		if (is_shown(pl, links, x->name))
			continue;
		if (kept < pl->p->keep_local ||
		    x->mtime_us + pl->p->local_grace_us > pl->p->now_us) {
			kept++;
			continue;
		}
		if (is_needed(needs, x->name)) {
			mf_log(MF_LOG_INFO, "the local version %s stays: a run keeps it", x->name);
			continue;
		}
		snprintf(path, sizeof(path), VERSIONS "/%s", x->name);
		mf_log(MF_LOG_INFO, "removing the old local version %s", x->name);
		if (mf_fs_remove_tree(pl->rootfd, path, e) != 0)
			return -1;
	}
	return 0;
}

/* The lock is ours: nobody works on what lies staged. Failing to remove it harms no reader. */
static int
remove_staging(const struct mf_place *pl, struct mf_error *e)
{
	char prefix[MF_PLACE_PATH_BYTES] = "", path[MF_PLACE_PATH_BYTES];
	const bool linked = pl->p->link != NULL;
	struct mf_error why;
	struct items l;
	size_t i;

	if (!linked) {
		if (strlen(pl->leaf) > MF_PLACE_LEAF_BYTES)
			return 0; /* cut off: the name may be another directory's */
		snprintf(prefix, sizeof(prefix), ".%s.modelferry-", pl->leaf);
	}
	if (list_items(pl, linked ? STAGING : ".", prefix, S_IFDIR, &l, e) != 0)
		return -1;
	for (i = 0; i < l.n; i++) {
		mf_error_clear(&why);
		snprintf(path, sizeof(path), "%s%s", linked ? STAGING "/" : "", l.at[i].name);
		mf_log(MF_LOG_INFO, "removing what a killed pull left in %s", path);
		if (mf_fs_remove_tree(pl->rootfd, path, &why) != 0)
			mf_log(MF_LOG_WARNING, "cannot remove what a killed pull left in %s: %s",
			    path, why.message);
	}
	free(l.at);
	return 0;
}

int
mf_place_tidy(struct mf_place *pl, struct mf_repo *repo, const char *model, struct mf_error *e)
{
	struct needs needs = {.pl = pl, .repo = repo, .model = model};
	struct items versions, links;
	int rc = -1;

	if (remove_staging(pl, e) != 0)
		return -1;
	if (pl->p->link == NULL)
		return 0;
	if (list_items(pl, VERSIONS, "", S_IFDIR, &versions, e) != 0)
		return -1;
	if (list_items(pl, ".", "", S_IFLNK, &links, e) == 0) {
		rc = remove_versions(&needs, &versions, &links, e);
		free(needs.keys.at);
		free(links.at);
	}
	free(versions.at);
	return rc;
}
