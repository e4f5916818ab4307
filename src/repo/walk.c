/* Walk the source of a push. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "src/base/fs.h"
#include "src/base/log.h"
#include "src/repo/walk_int.h"

#define MAX_DEPTH 512

struct walk {
	const struct mf_walk_params *p;
	struct mf_source_tree *tree;
	dev_t dev;
	char path[MF_PATH_MAX_BYTES + 1]; /* of the entry at hand */
	size_t path_len;
};

void
mf_source_tree_fini(struct mf_source_tree *t)
{
	size_t i;

	if (t->items_region == NULL) {
		for (i = 0; i < t->n; i++) {
			free(t->items[i].entry.path);
			free(t->items[i].entry.target);
		}
		free(t->items);
	}
	mf_region_free(t->items_region);
	mf_region_free(t->strings_region);
	if (t->dirfd >= 0)
		close(t->dirfd);
	*t = (struct mf_source_tree){.dirfd = -1};
}

void
mf_source_tree_cool(const struct mf_source_tree *t)
{
	mf_region_cool(t->items_region);
	mf_region_cool(t->strings_region);
}

void
mf_walk_take_stat(struct mf_entry *x, const struct stat *st)
{
	x->mode = st->st_mode & 07777;
	x->mtime_ns = (int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec;
	x->ctime_ns = (int64_t)st->st_ctim.tv_sec * 1000000000 + st->st_ctim.tv_nsec;
	x->inode = st->st_ino;
	x->size = S_ISREG(st->st_mode) ? (uint64_t)st->st_size : 0;
}

/* Something that cannot be in a version: an error, or left out and counted. */
static int
cannot(struct walk *w, const char *what, struct mf_error *e)
{
	if (w->p->allow_partial) {
		mf_log(MF_LOG_WARNING, "%s/%s: %s; left out", w->p->dir, w->path, what);
		w->tree->left_out++;
		return 0;
	}
	mf_error_set(e, MF_ESOURCE, "%s/%s: %s", w->p->dir, w->path, what);
	return mf_error_hint(e, "exclude it with --exclude, or push without it with --allow-partial");
}

static int
cannot_sys(struct walk *w, int sys_errno, struct mf_error *e)
{
	char why[96];

	if (strerror_r(sys_errno, why, sizeof(why)) != 0)
		snprintf(why, sizeof(why), "error %d", sys_errno);
	return cannot(w, why, e);
}

static int
make_room(struct mf_source_tree *t, struct mf_error *e)
{
	size_t want = t->capacity ? t->capacity * 2 : 256;
	struct mf_source_entry *more;

	if (t->items_region != NULL)
		return mf_region_grow(t->items_region, (void **)&t->items, &t->capacity,
		    sizeof(*t->items), e);
	if ((more = reallocarray(t->items, want, sizeof(*more))) == NULL)
		return mf_error_nomem(e, "the list of files");
	t->items = more;
	t->capacity = want;
	return 0;
}

static char *
copy_string(struct mf_source_tree *t, const char *s, struct mf_error *e)
{
	char *copy;

	if (t->strings_region != NULL)
		return mf_region_strdup(t->strings_region, s, e);
	if ((copy = strdup(s)) == NULL)
		mf_error_nomem(e, "the list of files");
	return copy;
}

static int
add(struct walk *w, enum mf_entry_type type, const struct stat *st, const char *target,
    bool follows, struct mf_error *e)
{
	struct mf_source_tree *t = w->tree;
	struct mf_source_entry *x;

	if (t->n == t->capacity && make_room(t, e) != 0)
		return -1;
	x = &t->items[t->n];
	*x = (struct mf_source_entry){.dev = st->st_dev, .follows = follows,
	    .nlink = (uint32_t)st->st_nlink};
	x->entry.type = type;
	mf_walk_take_stat(&x->entry, st);
	if ((x->entry.path = copy_string(t, w->path, e)) == NULL)
		return -1;
	t->n++;
	if (target != NULL && (x->entry.target = copy_string(t, target, e)) == NULL)
		return -1;
	if (type == MF_ENTRY_FILE) {
		t->n_files++;
		t->bytes += x->entry.size;
	}
	return 0;
}

/* Does a relative link at `path` stay below the root, as far as its text says? */
static bool
stays_inside(const char *path, const char *target)
{
	const char *p;
	long depth = 0;
	size_t n;

	if (target[0] == '/')
		return false;
	for (p = path; *p != '\0'; p++)
		depth += *p == '/';
	for (p = target; *p != '\0'; p += n + (p[n] == '/')) {
		n = strcspn(p, "/");
		if (n == 2 && p[0] == '.' && p[1] == '.')
			depth--;
		else if (n != 0 && !(n == 1 && p[0] == '.'))
			depth++;
		if (depth < 0)
			return false;
	}
	return true;
}

static int
add_link(struct walk *w, int dirfd, const char *name, const struct stat *st, struct mf_error *e)
{
	char target[MF_PATH_MAX_BYTES + 1];
	ssize_t n = readlinkat(dirfd, name, target, sizeof(target) - 1);
	struct stat to;

	if (n < 0)
		return cannot_sys(w, errno, e);
	target[n] = '\0';
	if (stays_inside(w->path, target))
		return add(w, MF_ENTRY_SYMLINK, st, target, false, e);
	if (fstatat(dirfd, name, &to, 0) != 0)
		return cannot(w,
		    errno == ELOOP ? "a loop of symbolic links"
				   : "a symbolic link out of the directory, to nothing", e);
	if (S_ISREG(to.st_mode))
		return add(w, MF_ENTRY_FILE, &to, NULL, true, e);
	return cannot(w, "a symbolic link out of the directory to something that is no file", e);
}

static int walk_dir(struct walk *w, int fd, unsigned depth, struct mf_error *e);

/* NOLINTBEGIN(misc-no-recursion): MAX_DEPTH ends it */
static int
enter(struct walk *w, int dirfd, const char *name, const struct stat *st, unsigned depth,
    struct mf_error *e)
{
	int fd;

	if (w->p->one_file_system && st->st_dev != w->dev)
		return 0;
	if (depth >= MAX_DEPTH)
		return cannot(w, "directories nested too deep", e);
	if (add(w, MF_ENTRY_DIR, st, NULL, false, e) != 0)
		return -1;
	fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return cannot_sys(w, errno, e);
	return walk_dir(w, fd, depth + 1, e);
}

/* What a pull keeps in a directory that it made is no part of the version there. */
static bool
is_of_a_pull(int dirfd, const char *name, unsigned depth)
{
	return depth == 0 && strcmp(name, ".modelferry") == 0 &&
	    faccessat(dirfd, ".modelferry/version", F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static int
visit(struct walk *w, int dirfd, const char *name, unsigned depth, struct mf_error *e)
{
	struct stat st;

	if (is_of_a_pull(dirfd, name, depth))
		return 0;
	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return errno == ENOENT ? 0 : cannot_sys(w, errno, e);
	if (w->p->selects != NULL && !w->p->selects(w->p->selects_arg, w->path, S_ISDIR(st.st_mode)))
		return 0;
	if (S_ISREG(st.st_mode))
		return add(w, MF_ENTRY_FILE, &st, NULL, false, e);
	if (S_ISDIR(st.st_mode))
		return enter(w, dirfd, name, &st, depth, e);
	if (S_ISLNK(st.st_mode))
		return add_link(w, dirfd, name, &st, e);
	return cannot(w,
	    S_ISFIFO(st.st_mode)       ? "a FIFO"
		: S_ISSOCK(st.st_mode) ? "a socket"
				       : "a device", e);
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The names in a directory, sorted. Takes fd. */
static int
read_names(struct walk *w, DIR *d, char ***names, size_t *n, struct mf_error *e)
{
	struct dirent *x;
	size_t capacity = 0;
	char **more;

	*names = NULL;
	*n = 0;
	while (errno = 0, (x = readdir(d)) != NULL) {
		if (strcmp(x->d_name, ".") == 0 || strcmp(x->d_name, "..") == 0)
			continue;
		if (*n == capacity) {
			capacity = capacity ? capacity * 2 : 64;
			if ((more = reallocarray(*names, capacity, sizeof(*more))) == NULL)
				return mf_error_nomem(e, "a directory");
			*names = more;
		}
		if (((*names)[*n] = strdup(x->d_name)) == NULL)
			return mf_error_nomem(e, "a directory");
		(*n)++;
	}
	if (errno != 0)
		return cannot_sys(w, errno, e);
	if (*n > 1)
		qsort(*names, *n, sizeof(**names), by_name);
	return 0;
}

/* Takes fd. */
static int
walk_dir(struct walk *w, int fd, unsigned depth, struct mf_error *e)
{
	size_t n = 0, i, len, base = w->path_len;
	char **names = NULL;
	DIR *d = fdopendir(fd);
	int rc;

	if (d == NULL) {
		rc = errno;
		close(fd);
		return mf_error_sys(e, rc, "cannot read the directory %s/%s", w->p->dir, w->path);
	}
	rc = read_names(w, d, &names, &n, e);
	for (i = 0; rc == 0 && i < n; i++) {
		if (w->p->interrupted != NULL && w->p->interrupted()) {
			rc = mf_error_set(e, MF_EINTERRUPTED, "interrupted while listing %s", w->p->dir);
			break;
		}
		len = strlen(names[i]);
		if (base + 1 + len > MF_PATH_MAX_BYTES) {
			rc = cannot(w, "holds a path longer than 4096 bytes", e);
			continue;
		}
		if (base > 0)
			w->path[base] = '/';
		memcpy(w->path + base + (base > 0), names[i], len + 1);
		w->path_len = base + (base > 0) + len;
		rc = visit(w, dirfd(d), names[i], depth, e);
		w->path_len = base;
		w->path[base] = '\0';
	}
	for (i = 0; i < n; i++)
		free(names[i]);
	free(names);
	closedir(d);
	return rc;
}
/* NOLINTEND(misc-no-recursion) */

static int
by_path(const void *a, const void *b)
{
	const struct mf_source_entry *x = a, *y = b;

	return mf_path_compare(x->entry.path, y->entry.path);
}

static int
by_inode(const void *a, const void *b)
{
	const struct mf_source_entry *x = *(struct mf_source_entry *const *)a,
				     *y = *(struct mf_source_entry *const *)b;

	if (x->dev != y->dev)
		return x->dev < y->dev ? -1 : 1;
	if (x->entry.inode != y->entry.inode)
		return x->entry.inode < y->entry.inode ? -1 : 1;
	return mf_path_compare(x->entry.path, y->entry.path);
}

/* May this file have another name? Cools the tree behind a look at all. */
static bool
has_links(const struct mf_source_tree *t, size_t i)
{
	const struct mf_source_entry *x = &t->items[i];

	if (i % MF_LISTING_COOL_ENTRIES == 0)
		mf_source_tree_cool(t);
	return x->entry.type == MF_ENTRY_FILE && x->nlink > 1 && !x->follows;
}

/* The walk is in the order of names, directories before their content, and so of paths. */
static bool
is_sorted(const struct mf_source_tree *t)
{
	size_t i;

	for (i = 1; i < t->n; i++) {
		if (i % MF_LISTING_COOL_ENTRIES == 0)
			mf_source_tree_cool(t);
		if (by_path(&t->items[i - 1], &t->items[i]) > 0)
			return false;
	}
	return true;
}

/* The second and further names of one file become hard links to its first. */
static int
find_hard_links(struct mf_source_tree *t, struct mf_error *e)
{
	struct mf_source_entry **linked, *first = NULL;
	size_t n = 0, i;
	int rc = 0;

	for (i = 0; i < t->n; i++)
		n += has_links(t, i);
	if (n < 2)
		return 0;
	if ((linked = calloc(n, sizeof(struct mf_source_entry *))) == NULL)
		return mf_error_nomem(e, "the list of files");
	for (i = n = 0; i < t->n; i++)
		if (has_links(t, i))
			linked[n++] = &t->items[i];
	qsort(linked, n, sizeof(struct mf_source_entry *), by_inode);
	for (i = 0; rc == 0 && i < n; i++) {
		if (first == NULL || first->dev != linked[i]->dev ||
		    first->entry.inode != linked[i]->entry.inode) {
			first = linked[i];
			continue;
		}
		linked[i]->entry.type = MF_ENTRY_HARDLINK;
		t->n_files--;
		t->bytes -= linked[i]->entry.size;
		if ((linked[i]->entry.target = copy_string(t, first->entry.path, e)) == NULL)
			rc = -1;
	}
	free(linked);
	return rc;
}

int
mf_walk(const struct mf_walk_params *p, struct mf_source_tree *out, struct mf_error *e)
{
	struct walk w = {.p = p, .tree = out};
	struct stat st;
	int fd, rc;

	*out = (struct mf_source_tree){.dirfd = -1};
	if (p->spill != NULL &&
	    (mf_region_new(p->spill, &out->items_region, e) != 0 ||
		mf_region_new(p->spill, &out->strings_region, e) != 0)) {
		mf_source_tree_fini(out);
		return -1;
	}
	out->dirfd = open(p->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (out->dirfd < 0 || fstat(out->dirfd, &st) != 0) {
		rc = errno;
		mf_error_sys(e, rc, "cannot open the directory %s", p->dir);
		e->code = rc == ENOENT || rc == ENOTDIR ? MF_EUSAGE : MF_ESOURCE;
		mf_source_tree_fini(out);
		return -1;
	}
	w.dev = st.st_dev;
	fd = openat(out->dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	rc = fd < 0 ? mf_error_sys(e, errno, "cannot open the directory %s", p->dir)
		    : walk_dir(&w, fd, 0, e);
	if (rc == 0 && !is_sorted(out))
		qsort(out->items, out->n, sizeof(*out->items), by_path);
	if (rc == 0)
		rc = find_hard_links(out, e);
	if (rc != 0)
		mf_source_tree_fini(out);
	return rc;
}
