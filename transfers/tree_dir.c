/* A tree in a directory: opening, looking, reading, deleting. */
#include "config.h"

#include "transfers/tree_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "src/base/fs.h"
#include "transfers/tree_dir_int.h"

#define READ_BYTES ((size_t)256 << 10)

bool
dir_tree_is_part(const char *name)
{
	const size_t n = sizeof DIR_PART_PREFIX - 1;

	return strncmp(name, DIR_PART_PREFIX, n) == 0 && strlen(name) == n + DIR_PART_DIGITS &&
	    strspn(name + n, "0123456789abcdef") == DIR_PART_DIGITS;
}

void
dir_tree_part_name(char out[DIR_PART_NAME_BYTES])
{
	uint64_t r = 0;

	if (getrandom(&r, sizeof r, 0) != (ssize_t)sizeof r)
		r = (uint64_t)(uintptr_t)out; /* O_EXCL finds a clash */
	(void)snprintf(out, DIR_PART_NAME_BYTES, DIR_PART_PREFIX "%016" PRIx64, r);
}

int64_t
dir_tree_mtime_ns(const struct stat *st)
{
	return (int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec;
}

struct timespec
dir_tree_timespec(int64_t ns)
{
	const long rest = (long)(ns % 1000000000);

	/* before 1970 the fraction counts forward all the same */
	return (struct timespec){.tv_sec = (time_t)(ns / 1000000000 - (rest < 0)),
	    .tv_nsec = rest < 0 ? rest + 1000000000 : rest};
}

void
dir_tree_fill(struct mf_tree_entry *out, const struct stat *st)
{
	const char *path = out->path;

	*out = (struct mf_tree_entry){.path = path,
	    .kind = S_ISREG(st->st_mode)   ? MF_TREE_FILE
		    : S_ISDIR(st->st_mode) ? MF_TREE_DIR
		    : S_ISLNK(st->st_mode) ? MF_TREE_LINK
					   : MF_TREE_SPECIAL,
	    .size = S_ISREG(st->st_mode) ? (uint64_t)st->st_size : 0,
	    .has_mtime = true,
	    .mtime_ns = dir_tree_mtime_ns(st),
	    .stored_us = dir_tree_mtime_ns(st) / 1000,
	    .mode = st->st_mode & 07777};
}

int
dir_tree_refuse_write(struct dir_tree *d, struct mf_error *e)
{
	return d->write ? 0 : mf_error_set(e, MF_EPERM, "%s is open for reading only", d->label);
}

/* Something on the way is no directory: then what lies behind it is not there, and cannot be made. */
static int
open_dir(struct dir_tree *d, const char *path, bool make, struct mf_error *e)
{
	int fd = mf_fs_open_beneath(d->fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0, e);

	if (fd >= 0 || e->sys_errno != ENOTDIR)
		return fd;
	if (!make)
		return mf_error_set(e, MF_ENOTFOUND, "no directory %s/%s", d->label, path);
	return mf_error_set(e, MF_EEXIST, "%s/%s: a file is where a directory should be", d->label,
	    path);
}

/* The directory that a path lies in, and in parent its name, "" for the tree itself. */
static int
open_parent(struct dir_tree *d, const char *path, bool make, char parent[MF_TREE_PATH_MAX + 1],
    struct mf_error *e)
{
	const char *slash = strrchr(path, '/');
	int fd;

	parent[0] = '\0';
	if (slash == NULL) {
		fd = fcntl(d->fd, F_DUPFD_CLOEXEC, 0);
		return fd >= 0 ? fd : mf_error_sys(e, errno, "cannot open %s", d->label);
	}
	(void)snprintf(parent, MF_TREE_PATH_MAX + 1, "%.*s", (int)(slash - path), path);
	return open_dir(d, parent, make, e);
}

static const char *
base_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash != NULL ? slash + 1 : path;
}

/* In fd, under the last name of path; one that is there is fine. */
static int
make_one(struct dir_tree *d, int fd, const char *path, struct mf_error *e)
{
	struct stat st;
	int why;

	if (mkdirat(fd, base_of(path), 0777) == 0)
		return 0;
	why = errno;
	if (why != EEXIST)
		return mf_error_sys(e, why, "cannot make the directory %s/%s", d->label, path);
	if (fstatat(fd, base_of(path), &st, AT_SYMLINK_NOFOLLOW) == 0 && !S_ISDIR(st.st_mode))
		return dir_tree_in_the_way(
		    d, path, S_ISLNK(st.st_mode) ? "a symbolic link" : "a file", e);
	return 0;
}

/* Make the directories of a path one by one: none of them may be a link. */
static int
make_dirs(struct dir_tree *d, const char *path, struct mf_error *e)
{
	char part[MF_TREE_PATH_MAX + 1], parent[MF_TREE_PATH_MAX + 1], *slash = part;
	int fd = -1, rc;

	(void)snprintf(part, sizeof part, "%s", path);
	for (;;) {
		slash = strchr(slash, '/');
		if (slash != NULL)
			*slash = '\0';
		fd = open_parent(d, part, false, parent, e);
		if (fd < 0)
			return -1;
		rc = make_one(d, fd, part, e);
		close(fd);
		if (rc != 0)
			return -1;
		if (slash == NULL)
			return 0;
		*slash++ = '/';
	}
}

int
dir_tree_open_parent(struct dir_tree *d, const char *path, bool make, const char **base,
    struct mf_error *e)
{
	char parent[MF_TREE_PATH_MAX + 1];
	int fd = open_parent(d, path, make, parent, e);

	*base = base_of(path);
	if (fd >= 0 || !make || e->code != MF_ENOTFOUND || parent[0] == '\0')
		return fd;
	mf_error_clear(e);
	return make_dirs(d, parent, e) == 0 ? open_dir(d, parent, true, e) : -1;
}

/* Through whatever links are on the way, and at the end. */
static int
look_through(
    struct dir_tree *d, const char *path, struct mf_tree_entry *out, struct mf_error *e)
{
	struct stat st;

	if (fstatat(d->fd, path, &st, 0) == 0) {
		dir_tree_fill(out, &st);
		return 0;
	}
	if (errno == ENOENT || errno == ENOTDIR)
		return 1;
	return mf_error_sys(e, errno, "cannot look at %s/%s", d->label, path);
}

static int
dir_look(struct mf_tree *t, const char *path, struct mf_tree_entry *out, struct mf_error *e)
{
	struct dir_tree *d = dir_tree_of(t);
	char name[DIR_NAME_BYTES];
	const char *base;
	struct stat st;
	int fd, rc = 0;

	if (d->links == MF_TREE_LINKS_FOLLOWED)
		return look_through(d, path, out, e);
	if (dir_tree_disk_name(d, path, name, e) != 0)
		return -1;
	fd = dir_tree_open_parent(d, path, false, &base, e);
	if (fd < 0 && e->code == MF_ENOTFOUND) {
		mf_error_clear(e);
		return 1;
	}
	if (fd < 0)
		return -1;
	if (fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		rc = errno == ENOENT ? 1
				     : mf_error_sys(e, errno, "cannot look at %s/%s", d->label, path);
	else if (!dir_tree_is_its(d, path, &st))
		rc = 1;
	else if (dir_tree_is_link(d, path))
		dir_tree_fill_link(out, &st);
	else
		dir_tree_fill(out, &st);
	close(fd);
	return rc;
}

int
dir_tree_in_the_way(
    const struct dir_tree *d, const char *path, const char *what, struct mf_error *e)
{
	return mf_error_set(e, MF_EEXIST, "%s/%s: %s is in its place", d->label, path, what);
}

int
dir_tree_changed(struct dir_tree *d, const char *path, struct mf_error *e)
{
	return mf_error_set(e, MF_ESOURCE, "%s/%s changed while it was read", d->label, path);
}

int
dir_tree_open_file(
    struct dir_tree *d, const struct mf_tree_entry *entry, struct stat *st, struct mf_error *e)
{
	static const int flags = O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
	int fd;

	if (d->links != MF_TREE_LINKS_FOLLOWED)
		fd = mf_fs_open_beneath(d->fd, entry->path, flags, 0, e);
	else if ((fd = openat(d->fd, entry->path, flags)) < 0)
		mf_error_sys(e, errno, "cannot open %s/%s", d->label, entry->path);
	if (fd < 0)
		return -1;
	if (fstat(fd, st) != 0)
		mf_error_sys(e, errno, "cannot look at %s/%s", d->label, entry->path);
	else if (!S_ISREG(st->st_mode) || (uint64_t)st->st_size != entry->size ||
	    (entry->has_mtime && dir_tree_mtime_ns(st) != entry->mtime_ns))
		mf_error_set(
		    e, MF_ESOURCE, "%s/%s changed since it was listed", d->label, entry->path);
	else
		return fd;
	close(fd);
	return -1;
}

int
dir_tree_check_still(
    struct dir_tree *d, const char *path, int fd, const struct stat *was, struct mf_error *e)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return mf_error_sys(e, errno, "cannot look at %s/%s", d->label, path);
	if (st.st_size != was->st_size || dir_tree_mtime_ns(&st) != dir_tree_mtime_ns(was))
		return dir_tree_changed(d, path, e);
	return 0;
}

int
dir_tree_pay(struct dir_tree *d, enum mf_http_direction direction, size_t n, size_t *now,
    struct mf_error *e)
{
	*now = mf_limiter_slice(d->limiter, direction, n);
	if (d->limiter == NULL || mf_limiter_bytes(d->limiter, direction, *now))
		return 0;
	return mf_error_set(e, MF_EINTERRUPTED, "interrupted while waiting for bandwidth");
}

static int
get_link(struct dir_tree *d, const struct mf_tree_entry *entry, mf_tree_sink *sink, void *arg,
    struct mf_error *e)
{
	char *target = dir_tree_read_link(d, entry, e);
	int rc = target != NULL ? sink(arg, target, strlen(target), e) : -1;

	free(target);
	return rc;
}

static int
dir_get(struct mf_tree *t, const struct mf_tree_entry *entry, mf_tree_sink *sink, void *arg,
    struct mf_error *e)
{
	struct dir_tree *d = dir_tree_of(t);
	struct stat st;
	uint8_t *buf;
	uint64_t at = 0;
	size_t n;
	int fd, rc = 0;

	if (dir_tree_is_link(d, entry->path))
		return get_link(d, entry, sink, arg, e);
	fd = dir_tree_open_file(d, entry, &st, e);
	buf = fd >= 0 ? malloc(READ_BYTES) : NULL;
	if (fd >= 0 && buf == NULL)
		rc = mf_error_nomem(e, "a file");
	while (buf != NULL && rc == 0 && at < entry->size) {
		n = entry->size - at < READ_BYTES ? (size_t)(entry->size - at) : READ_BYTES;
		rc = dir_tree_pay(d, MF_HTTP_DOWN, n, &n, e);
		if (rc == 0)
			rc = mf_fs_pread(fd, buf, n, at, e);
		if (rc == 1)
			rc = dir_tree_changed(d, entry->path, e);
		if (rc == 0)
			rc = sink(arg, buf, n, e);
		at += n;
	}
	if (buf != NULL && rc == 0)
		rc = dir_tree_check_still(d, entry->path, fd, &st, e);
	free(buf);
	if (fd >= 0)
		close(fd);
	return fd >= 0 ? rc : -1;
}

/* ---- a file as the source of a put elsewhere ---- */

struct dir_source {
	struct dir_tree *d;
	int fd;
	struct stat st;
	char path[];
};

static int
source_read_at(void *arg, uint64_t offset, void *buf, size_t n, struct mf_error *e)
{
	struct dir_source *s = arg;
	int rc = mf_fs_pread(s->fd, buf, n, offset, e);

	return rc == 1 ? dir_tree_changed(s->d, s->path, e) : rc;
}

static int
source_still(void *arg, struct mf_error *e)
{
	struct dir_source *s = arg;

	return dir_tree_check_still(s->d, s->path, s->fd, &s->st, e);
}

static int
dir_source_open(struct mf_tree *t, const struct mf_tree_entry *entry, struct mf_tree_source *out,
    struct mf_error *e)
{
	const size_t n = strlen(entry->path) + 1;
	struct dir_source *s;

	if (dir_tree_is_link(dir_tree_of(t), entry->path))
		return dir_tree_link_source(dir_tree_of(t), entry, out, e);
	if ((s = malloc(sizeof *s + n)) == NULL)
		return mf_error_nomem(e, "a file");
	s->d = dir_tree_of(t);
	memcpy(s->path, entry->path, n);
	if ((s->fd = dir_tree_open_file(s->d, entry, &s->st, e)) < 0) {
		free(s);
		return -1;
	}
	*out = (struct mf_tree_source){.size = entry->size,
	    .read_at = source_read_at,
	    .still = source_still,
	    .arg = s,
	    .mtime_ns = dir_tree_mtime_ns(&s->st),
	    .mode = s->st.st_mode & 07777};
	return 0;
}

static void
dir_source_close(struct mf_tree *t, struct mf_tree_source *source)
{
	struct dir_source *s = source->arg;

	(void)t;
	if (dir_tree_close_link(source))
		return;
	close(s->fd);
	free(s);
}

/* ---- changes ---- */

static int
dir_touch(
    struct mf_tree *t, const struct mf_tree_entry *entry, int64_t mtime_ns, struct mf_error *e)
{
	struct dir_tree *d = dir_tree_of(t);
	const struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, dir_tree_timespec(mtime_ns)};
	char name[DIR_NAME_BYTES];
	const char *base;
	int fd, rc = 0;

	if (dir_tree_refuse_write(d, e) != 0 || dir_tree_disk_name(d, entry->path, name, e) != 0 ||
	    (fd = dir_tree_open_parent(d, entry->path, false, &base, e)) < 0)
		return -1;
	if (utimensat(fd, name, times, AT_SYMLINK_NOFOLLOW) != 0)
		rc = mf_error_sys(e, errno, "cannot set the time of %s/%s", d->label, entry->path);
	close(fd);
	return rc;
}

/* unlinkat(2) with these flags; what is not there is fine, and what errno allows. */
static int
remove_one(struct dir_tree *d, const char *path, int flags, struct mf_error *e)
{
	char name[DIR_NAME_BYTES] = "";
	const char *base, *victim = name;
	struct stat st;
	int fd, rc = 0;

	if (flags != AT_REMOVEDIR && dir_tree_disk_name(d, path, name, e) != 0)
		return -1;
	fd = dir_tree_open_parent(d, path, false, &base, e);
	if (fd < 0 && e->code == MF_ENOTFOUND) {
		mf_error_clear(e);
		return 0;
	}
	if (fd < 0)
		return -1;
	if (flags == AT_REMOVEDIR) /* which is never a link's */
		victim = base;
	else if (fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		 !dir_tree_is_its(d, path, &st)) {
		close(fd); /* what has come in its place is another's */
		return 0;
	}
	if (unlinkat(fd, victim, flags) != 0 && errno != ENOENT &&
	    !(flags == AT_REMOVEDIR && (errno == ENOTEMPTY || errno == EEXIST)))
		rc = mf_error_sys(e, errno, "cannot remove %s/%s", d->label, path);
	close(fd);
	return rc;
}

static int
dir_del(struct mf_tree *t, const char *const *paths, size_t n,
    void (*failed)(void *arg, const char *path, const struct mf_error *why), void *arg,
    struct mf_error *e)
{
	struct dir_tree *d = dir_tree_of(t);
	struct mf_error first, own;
	size_t i;

	if (dir_tree_refuse_write(d, e) != 0)
		return -1;
	mf_error_clear(&first);
	for (i = 0; i < n; i++) {
		mf_error_clear(&own);
		if (remove_one(d, paths[i], 0, &own) == 0)
			continue;
		if (failed != NULL)
			failed(arg, paths[i], &own);
		if (first.code == MF_OK)
			first = own;
	}
	if (first.code == MF_OK)
		return 0;
	*e = first;
	return -1;
}

static int
dir_make_dir(struct mf_tree *t, const char *path, struct mf_error *e)
{
	struct dir_tree *d = dir_tree_of(t);

	return dir_tree_refuse_write(d, e) == 0 ? make_dirs(d, path, e) : -1;
}

static int
dir_remove_dir(struct mf_tree *t, const char *path, struct mf_error *e)
{
	struct dir_tree *d = dir_tree_of(t);

	return dir_tree_refuse_write(d, e) == 0 ? remove_one(d, path, AT_REMOVEDIR, e) : -1;
}

static int
dir_sync(struct mf_tree *t, struct mf_error *e)
{
	struct dir_tree *d = dir_tree_of(t);

	return d->write ? mf_fs_sync_all(d->fd, e) : 0;
}

static unsigned
dir_capabilities(struct mf_tree *t)
{
	(void)t;
	return MF_TREE_LOCAL | MF_TREE_MTIME_LISTED | MF_TREE_MTIME_SET | MF_TREE_EMPTY_DIRS;
}

static const char *
dir_label(struct mf_tree *t)
{
	return dir_tree_of(t)->label;
}

static void
dir_close(struct mf_tree *t)
{
	struct dir_tree *d = dir_tree_of(t);

	if (d->fd >= 0)
		close(d->fd);
	free(d->label);
	free(d);
}

const struct mf_tree_ops dir_tree_ops = {
    .list = dir_tree_list,
    .next = dir_tree_next,
    .cursor_close = dir_tree_cursor_close,
    .look = dir_look,
    .get = dir_get,
    .put = dir_tree_put,
    .source_open = dir_source_open,
    .source_close = dir_source_close,
    .del = dir_del,
    .capabilities = dir_capabilities,
    .label = dir_label,
    .close = dir_close,
    .copy = dir_tree_copy,
    .move = dir_tree_move,
    .touch = dir_touch,
    .make_dir = dir_make_dir,
    .remove_dir = dir_remove_dir,
    .sweep = dir_tree_sweep,
    .sync = dir_sync,
};

static int
open_root(const struct mf_tree_dir_params *p, struct mf_error *e)
{
	int fd = open(p->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0 || errno != ENOENT || !p->create)
		return fd >= 0 ? fd : mf_error_sys(e, errno, "cannot open the directory %s", p->path);
	if (mf_fs_mkdirs(AT_FDCWD, p->path, 0777, e) != 0)
		return -1;
	fd = open(p->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd >= 0 ? fd : mf_error_sys(e, errno, "cannot open the directory %s", p->path);
}

int
mf_tree_dir_open(const struct mf_tree_dir_params *p, struct mf_tree **out, struct mf_error *e)
{
	struct dir_tree *d = calloc(1, sizeof *d);

	*out = NULL;
	if (d == NULL)
		return mf_error_nomem(e, "a directory");
	d->tree.ops = &dir_tree_ops;
	d->write = p->write || p->create;
	d->no_direct_io = p->no_direct_io;
	d->links = p->links;
	d->limiter = p->limiter;
	d->enters = p->enters;
	d->enters_arg = p->enters_arg;
	d->fd = -1;
	if (d->write && d->links == MF_TREE_LINKS_FOLLOWED) {
		dir_close(&d->tree);
		return mf_error_set(
		    e, MF_EUSAGE, "%s: nothing is written through symbolic links", p->path);
	}
	d->fd = open_root(p, e);
	if (d->fd >= 0 && (d->label = strdup(p->path)) == NULL)
		mf_error_nomem(e, "a directory");
	if (d->label == NULL) {
		dir_close(&d->tree);
		return -1;
	}
	*out = &d->tree;
	return 0;
}
