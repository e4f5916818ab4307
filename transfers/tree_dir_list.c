/*
 * Listing a directory's tree in the byte order of whole paths. That is the order of each
 * directory's names where a directory's name counts with the '/' behind it: "a-b" stands before
 * "a/c", and "a" would before both. One directory's names are in memory for each level.
 */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "src/base/fs.h"
#include "src/base/log.h"
#include "transfers/tree_dir_int.h"

#define HINT "mend the link or remove it; or keep links as they are, with --links"

enum kind {
	OTHER,
	DIRECTORY, /* to be entered */
	LINK	   /* that stands for a file: its text has the suffix */
};

struct item {
	size_t name; /* where it begins in the level's texts */
	enum kind kind;
};

struct level {
	int fd;
	struct item *items;
	char *texts;
	size_t n_items, items_capacity, n_texts, texts_capacity, at;
	size_t path_len; /* of the directory in the cursor's path, with the '/' at its end */
	dev_t dev;
	ino_t ino;
};

struct dir_cursor {
	struct mf_tree_cursor cursor;
	struct level *levels;
	size_t n_levels;
	struct mf_error failure; /* the first thing that could not be read */
	bool shows_parts;	 /* and nothing else: for the sweep */
	char path[MF_TREE_PATH_MAX + 2];
};

/* The order of items needs their texts: qsort(3) has no argument for them. */
struct sortable {
	const char *name;
	bool is_dir;
	struct item item;
};

static int
compare(const void *a, const void *b)
{
	const struct sortable *x = a, *y = b;
	const unsigned char *p = (const unsigned char *)x->name;
	const unsigned char *q = (const unsigned char *)y->name;
	unsigned c, d;

	while (*p != '\0' && *p == *q)
		p++, q++;
	c = *p != '\0' ? *p : x->is_dir ? '/' : 0;
	d = *q != '\0' ? *q : y->is_dir ? '/' : 0;
	return c < d ? -1 : c > d;
}

static int
sort(struct level *l, struct mf_error *e)
{
	struct sortable *s = calloc(l->n_items + 1, sizeof *s);
	size_t i;

	if (s == NULL)
		return mf_error_nomem(e, "a directory's names");
	for (i = 0; i < l->n_items; i++)
		s[i] = (struct sortable){l->texts + l->items[i].name, l->items[i].kind == DIRECTORY,
		    l->items[i]};
	qsort(s, l->n_items, sizeof *s, compare);
	for (i = 0; i < l->n_items; i++)
		l->items[i] = s[i].item;
	free(s);
	return 0;
}

static void
level_fini(struct level *l)
{
	if (l->fd >= 0)
		close(l->fd);
	free(l->items);
	free(l->texts);
}

/* Room for `more` beyond the first n of *p. */
static int
grow(void **p, size_t *capacity, size_t n, size_t more, size_t each)
{
	size_t want = *capacity > 0 ? *capacity : 64;
	void *q;

	if (n + more <= *capacity)
		return 0;
	while (want < n + more)
		want *= 2;
	if ((q = reallocarray(*p, want, each)) == NULL)
		return -1;
	*p = q;
	*capacity = want;
	return 0;
}

static int
add_item(struct level *l, const char *name, enum kind kind)
{
	const char *suffix = kind == LINK ? MF_TREE_LINK_SUFFIX : "";
	const size_t n = strlen(name) + strlen(suffix) + 1;
	void *items = l->items, *texts = l->texts;
	int rc = grow(&items, &l->items_capacity, l->n_items, 1, sizeof *l->items);

	if (rc == 0)
		rc = grow(&texts, &l->texts_capacity, l->n_texts, n, 1);
	l->items = items;
	l->texts = texts;
	if (rc != 0)
		return -1;
	(void)snprintf(l->texts + l->n_texts, n, "%s%s", name, suffix);
	l->items[l->n_items++] = (struct item){l->n_texts, kind};
	l->n_texts += n;
	return 0;
}

static enum mf_tree_links
links_of(const struct dir_cursor *c)
{
	return dir_tree_of(c->cursor.tree)->links;
}

static enum kind
kind_of(const struct dir_cursor *c, int fd, const struct dirent *entry)
{
	bool is_dir = entry->d_type == DT_DIR, is_link = entry->d_type == DT_LNK;
	struct stat st;

	if (entry->d_type == DT_UNKNOWN &&
	    fstatat(fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0) {
		is_dir = S_ISDIR(st.st_mode);
		is_link = S_ISLNK(st.st_mode);
	}
	if (is_link && links_of(c) == MF_TREE_LINKS_AS_FILES && !c->shows_parts)
		return LINK;
	if (is_link && links_of(c) == MF_TREE_LINKS_FOLLOWED)
		is_dir = fstatat(fd, entry->d_name, &st, 0) == 0 && S_ISDIR(st.st_mode);
	return is_dir ? DIRECTORY : OTHER;
}

/* Our own unfinished files are no files, but to the sweep, for which others are none. */
static bool
is_shown(const struct dir_cursor *c, const struct dirent *entry, bool directory)
{
	if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
		return false;
	return directory || dir_tree_is_part(entry->d_name) == c->shows_parts;
}

/* Has a file the name that only a link can have? */
static bool
poses_as_link(const struct dir_cursor *c, const struct dirent *entry, enum kind kind)
{
	if (kind != OTHER || !dir_tree_is_link(dir_tree_of(c->cursor.tree), entry->d_name))
		return false;
	mf_log(MF_LOG_WARNING, "%s%s: skipped a file in %s whose name stands for a link", c->path,
	    entry->d_name, mf_tree_label(c->cursor.tree));
	return true;
}

static int
read_names(struct dir_cursor *c, struct level *l, struct mf_error *e)
{
	const char *label = mf_tree_label(c->cursor.tree);
	/* not a duplicate, which would share its place in the directory */
	int fd = openat(l->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc = 0;
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *entry;
	enum kind kind;

	if (dir == NULL) {
		rc = mf_error_sys(e, errno, "cannot read the directory %s/%s", label, c->path);
		if (fd >= 0)
			close(fd);
		return rc;
	}
	for (errno = 0; rc == 0 && (entry = readdir(dir)) != NULL; errno = 0) {
		kind = kind_of(c, l->fd, entry);
		if (is_shown(c, entry, kind == DIRECTORY) && !poses_as_link(c, entry, kind) &&
		    add_item(l, entry->d_name, kind) != 0)
			rc = mf_error_nomem(e, "a directory's names");
	}
	if (rc == 0 && errno != 0)
		rc = mf_error_sys(e, errno, "cannot read the directory %s/%s", label, c->path);
	closedir(dir);
	return rc == 0 ? sort(l, e) : -1;
}

/* The directory that c->path names becomes the deepest level; takes fd. */
static int
push_level(struct dir_cursor *c, int fd, struct mf_error *e)
{
	struct level l = {.fd = fd, .path_len = strlen(c->path)}, *more;
	struct stat st;

	if (fstat(fd, &st) == 0) {
		l.dev = st.st_dev;
		l.ino = st.st_ino;
	}
	if (read_names(c, &l, e) != 0) {
		level_fini(&l);
		return -1;
	}
	more = reallocarray(c->levels, c->n_levels + 1, sizeof *more);
	if (more == NULL) {
		level_fini(&l);
		return mf_error_nomem(e, "a listing");
	}
	c->levels = more;
	c->levels[c->n_levels++] = l;
	return 0;
}

int
dir_tree_list(
    struct mf_tree *t, const char *dir, struct mf_tree_cursor **out, struct mf_error *e)
{
	struct dir_tree *d = dir_tree_of(t);
	struct dir_cursor *c = calloc(1, sizeof *c);
	int fd;

	if (c == NULL)
		return mf_error_nomem(e, "a listing");
	c->cursor.tree = t;
	if (dir[0] == '\0')
		fd = fcntl(d->fd, F_DUPFD_CLOEXEC, 0);
	else
		fd = mf_fs_open_beneath(d->fd, dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0, e);
	if (fd < 0 && dir[0] == '\0')
		mf_error_sys(e, errno, "cannot open %s", d->label);
	if (dir[0] != '\0') {
		memcpy(c->path, dir, strlen(dir));
		c->path[strlen(dir)] = '/';
	}
	if (fd < 0 || push_level(c, fd, e) != 0) {
		free(c);
		return -1;
	}
	*out = &c->cursor;
	return 0;
}

/* Go on with the rest; the end of the listing tells. */
static void
note_failure(struct dir_cursor *c, const struct mf_error *why)
{
	mf_log(MF_LOG_WARNING, "%s", why->message);
	if (c->failure.code == MF_OK)
		c->failure = *why;
}

static bool
is_gone(const struct mf_error *e)
{
	return e->code == MF_ENOTFOUND;
}

/* Put the name behind its directory's path. */
static bool
set_path(struct dir_cursor *c, const struct level *l, const char *name)
{
	const size_t n = strlen(name);
	struct mf_error e = {0};

	if (l->path_len + n > MF_TREE_PATH_MAX) {
		c->path[l->path_len] = '\0';
		mf_error_set(&e, MF_EUSAGE, "%s/%s: the path of %s is longer than %d bytes",
		    mf_tree_label(c->cursor.tree), c->path, name, MF_TREE_PATH_MAX);
		note_failure(c, &e);
		return false;
	}
	memcpy(c->path + l->path_len, name, n + 1);
	return true;
}

/* Is it one of those that it lies in? Only links lead there. */
static bool
is_entered(const struct dir_cursor *c, int fd)
{
	struct stat st;
	size_t i;

	if (links_of(c) != MF_TREE_LINKS_FOLLOWED || fstat(fd, &st) != 0)
		return false;
	for (i = 0; i < c->n_levels; i++)
		if (c->levels[i].dev == st.st_dev && c->levels[i].ino == st.st_ino)
			return true;
	return false;
}

/* A directory that files are asked of. */
static bool
is_wanted(const struct dir_cursor *c)
{
	const struct dir_tree *d = dir_tree_of(c->cursor.tree);

	return d->enters == NULL || c->shows_parts || d->enters(d->enters_arg, c->path);
}

/* Go down. true: the directory is empty, and *entry shows it. */
static bool
enter(struct dir_cursor *c, const struct level *l, const char *name, struct mf_tree_entry *entry)
{
	const int follow = links_of(c) == MF_TREE_LINKS_FOLLOWED ? 0 : O_NOFOLLOW;
	int fd = openat(l->fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | follow);
	struct mf_error e = {0};
	struct level *deepest;
	struct stat st;
	size_t n;

	if (fd < 0) {
		mf_error_sys(&e, errno, "cannot open the directory %s/%s",
		    mf_tree_label(c->cursor.tree), c->path);
		if (!is_gone(&e))
			note_failure(c, &e);
		return false;
	}
	if (is_entered(c, fd)) {
		close(fd);
		mf_error_set(&e, MF_ESOURCE,
		    "the symbolic link %s/%s leads back to a directory that it lies in",
		    mf_tree_label(c->cursor.tree), c->path);
		mf_error_hint(&e, HINT);
		note_failure(c, &e);
		return false;
	}
	n = strlen(c->path); /* below MF_TREE_PATH_MAX + 1: there is room for this */
	c->path[n] = '/';
	c->path[n + 1] = '\0';
	if (push_level(c, fd, &e) != 0) {
		note_failure(c, &e);
		return false;
	}
	deepest = &c->levels[c->n_levels - 1];
	if (deepest->n_items > 0 || c->shows_parts || fstat(deepest->fd, &st) != 0)
		return false;
	c->path[n] = '\0';
	entry->path = c->path;
	dir_tree_fill(entry, &st);
	return true;
}

/* A link that stands for a file. true: *entry is it. */
static bool
show_link(
    struct dir_cursor *c, const struct level *l, const char *name, struct mf_tree_entry *entry)
{
	char bare[DIR_NAME_BYTES];
	struct mf_error e = {0};
	struct stat st;

	if (dir_tree_disk_name(dir_tree_of(c->cursor.tree), name, bare, &e) == 0) {
		if (fstatat(l->fd, bare, &st, AT_SYMLINK_NOFOLLOW) != 0)
			mf_error_sys(&e, errno, "cannot look at %s/%s",
			    mf_tree_label(c->cursor.tree), c->path);
		else if (!S_ISLNK(st.st_mode))
			mf_error_set(&e, MF_ESOURCE, "%s/%s became something else while it was listed",
			    mf_tree_label(c->cursor.tree), c->path);
		else {
			entry->path = c->path;
			dir_tree_fill_link(entry, &st);
			return true;
		}
	}
	if (!is_gone(&e))
		note_failure(c, &e);
	return false;
}

/* Why what is there cannot be followed. */
static void
explain_link(
    const struct dir_cursor *c, const struct level *l, const char *name, struct mf_error *e)
{
	const int why = errno;
	struct stat st;

	if (fstatat(l->fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISLNK(st.st_mode)) {
		mf_error_sys(e, why, "cannot look at %s/%s", mf_tree_label(c->cursor.tree), c->path);
		return;
	}
	mf_error_set(e, MF_ESOURCE, "the symbolic link %s/%s %s", mf_tree_label(c->cursor.tree),
	    c->path,
	    why == ELOOP			 ? "leads round in a circle"
	    : why == ENOENT || why == ENOTDIR ? "leads nowhere"
					      : "cannot be followed");
	mf_error_hint(e, HINT);
}

/* true: *entry is a file, link or special file. */
static bool
show(struct dir_cursor *c, const struct level *l, const char *name, struct mf_tree_entry *entry)
{
	const bool follow = links_of(c) == MF_TREE_LINKS_FOLLOWED;
	struct mf_error e = {0};
	struct stat st;

	if (fstatat(l->fd, name, &st, follow ? 0 : AT_SYMLINK_NOFOLLOW) == 0) {
		entry->path = c->path;
		dir_tree_fill(entry, &st);
		if (entry->kind != MF_TREE_DIR)
			return true;
		mf_error_set(&e, MF_ESOURCE, "%s/%s became a directory while it was listed",
		    mf_tree_label(c->cursor.tree), c->path);
		note_failure(c, &e); /* what is in it was not shown */
		return false;
	}
	explain_link(c, l, name, &e);
	if (!is_gone(&e))
		note_failure(c, &e);
	return false;
}

static bool
show_item(struct dir_cursor *c, const struct level *l, enum kind kind, const char *name,
    struct mf_tree_entry *entry)
{
	switch (kind) {
	case DIRECTORY: return is_wanted(c) && enter(c, l, name, entry);
	case LINK: return show_link(c, l, name, entry);
	default: return show(c, l, name, entry);
	}
}

int
dir_tree_next(struct mf_tree_cursor *cursor, struct mf_tree_entry *entry, struct mf_error *e)
{
	struct dir_cursor *c = (struct dir_cursor *)cursor;
	struct level *l;
	struct item item;
	const char *name;

	while (c->n_levels > 0) {
		l = &c->levels[c->n_levels - 1];
		if (l->at == l->n_items) {
			level_fini(l);
			c->n_levels--;
			continue;
		}
		item = l->items[l->at++];
		name = l->texts + item.name;
		if (!set_path(c, l, name))
			continue;
		if (show_item(c, l, item.kind, name, entry))
			return 0;
	}
	if (c->failure.code == MF_OK)
		return 1;
	*e = c->failure;
	return -1;
}

void
dir_tree_cursor_close(struct mf_tree_cursor *cursor)
{
	struct dir_cursor *c = (struct dir_cursor *)cursor;

	while (c->n_levels > 0)
		level_fini(&c->levels[--c->n_levels]);
	free(c->levels);
	free(c);
}

/* The file system's clock, by which it stamps files. */
static int
now_ns(struct dir_tree *d, int64_t *ns, struct mf_error *e)
{
	char name[DIR_PART_NAME_BYTES];
	struct stat st;
	int fd, rc = 0;

	dir_tree_part_name(name);
	fd = openat(d->fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return mf_error_sys(e, errno, "cannot write in %s", d->label);
	if (fstat(fd, &st) != 0)
		rc = mf_error_sys(e, errno, "cannot look at %s/%s", d->label, name);
	else
		*ns = dir_tree_mtime_ns(&st);
	close(fd);
	(void)unlinkat(d->fd, name, 0);
	return rc;
}

int
dir_tree_sweep(struct mf_tree *t, uint64_t min_age_us, struct mf_error *e)
{
	struct dir_tree *d = dir_tree_of(t);
	struct mf_tree_cursor *cursor;
	struct dir_cursor *c;
	struct mf_tree_entry entry;
	int64_t now = 0;
	int rc;

	if (dir_tree_refuse_write(d, e) != 0 || now_ns(d, &now, e) != 0)
		return -1;
	c = calloc(1, sizeof *c);
	if (c == NULL)
		return mf_error_nomem(e, "a listing");
	c->cursor.tree = t;
	c->shows_parts = true;
	cursor = &c->cursor;
	rc = push_level(c, fcntl(d->fd, F_DUPFD_CLOEXEC, 0), e);
	while (rc == 0 && (rc = dir_tree_next(cursor, &entry, e)) == 0)
		if ((entry.kind == MF_TREE_FILE || entry.kind == MF_TREE_LINK) &&
		    now - entry.mtime_ns >= (int64_t)(min_age_us * 1000))
			(void)unlinkat(c->levels[c->n_levels - 1].fd, strrchr(c->path, '/') != NULL
				? strrchr(c->path, '/') + 1
				: c->path, 0);
	dir_tree_cursor_close(cursor);
	return rc < 0 ? -1 : 0;
}
