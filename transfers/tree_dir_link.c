/*
 * Symbolic links as files: "a" that leads to "b" is the file "a.rclonelink" with the content "b",
 * as rclone has it with --links. Where a link leads is nobody's business here: it is read and made,
 * and never followed.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "transfers/tree_dir_int.h"

#define SUFFIX_CHARS (sizeof MF_TREE_LINK_SUFFIX - 1)
#define TARGET_MAX (PATH_MAX - 1)

/* ---- names ---- */

bool
dir_tree_is_link(const struct dir_tree *d, const char *path)
{
	const size_t n = strlen(path);

	return d->links == MF_TREE_LINKS_AS_FILES && n >= SUFFIX_CHARS &&
	       strcmp(path + n - SUFFIX_CHARS, MF_TREE_LINK_SUFFIX) == 0;
}

int
dir_tree_disk_name(
    struct dir_tree *d, const char *path, char out[DIR_NAME_BYTES], struct mf_error *e)
{
	const char *slash = strrchr(path, '/'), *base = slash != NULL ? slash + 1 : path;
	const size_t n = strlen(base) - (dir_tree_is_link(d, path) ? SUFFIX_CHARS : 0);

	if (n >= DIR_NAME_BYTES)
		return mf_error_sys(e, ENAMETOOLONG, "%s/%.100s...", d->label, path);
	memcpy(out, base, n);
	out[n] = '\0';
	if (out[0] != '\0' && strcmp(out, ".") != 0 && strcmp(out, "..") != 0)
		return 0;
	return mf_error_set(
	    e, MF_EUNSUPPORTED, "%s/%s: no link can have that name", d->label, path);
}

bool
dir_tree_is_its(const struct dir_tree *d, const char *path, const struct stat *st)
{
	return d->links != MF_TREE_LINKS_AS_FILES ||
	       dir_tree_is_link(d, path) == (S_ISLNK(st->st_mode) != 0);
}

/* ---- reading ---- */

void
dir_tree_fill_link(struct mf_tree_entry *out, const struct stat *st)
{
	dir_tree_fill(out, st);
	out->kind = MF_TREE_FILE;
	out->size = (uint64_t)st->st_size;
	out->mode = 0;
}

char *
dir_tree_read_link(struct dir_tree *d, const struct mf_tree_entry *entry, struct mf_error *e)
{
	char name[DIR_NAME_BYTES], target[TARGET_MAX + 2], *copy = NULL;
	const char *base;
	struct stat st;
	bool is_link;
	ssize_t n;
	int fd;

	if (dir_tree_disk_name(d, entry->path, name, e) != 0 ||
	    (fd = dir_tree_open_parent(d, entry->path, false, &base, e)) < 0)
		return NULL;
	n = readlinkat(fd, name, target, sizeof target - 1);
	is_link = n >= 0 || errno != EINVAL;
	if (is_link && (n < 0 || fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0))
		mf_error_sys(e, errno, "cannot read the link %s/%s", d->label, entry->path);
	else if (!is_link || (uint64_t)n != entry->size || n > TARGET_MAX ||
		 (entry->has_mtime && dir_tree_mtime_ns(&st) != entry->mtime_ns))
		dir_tree_changed(d, entry->path, e);
	else {
		target[n] = '\0';
		if ((copy = strdup(target)) == NULL)
			mf_error_nomem(e, "a link");
	}
	close(fd);
	return copy;
}

struct link_source {
	struct dir_tree *d;
	struct mf_tree_entry entry;
	char *target;
	char path[];
};

static int
link_read_at(void *arg, uint64_t offset, void *buf, size_t n, struct mf_error *e)
{
	const struct link_source *s = arg;

	if (offset > s->entry.size || n > s->entry.size - offset)
		return dir_tree_changed(s->d, s->path, e);
	memcpy(buf, s->target + offset, n);
	return 0;
}

static int
link_still(void *arg, struct mf_error *e)
{
	const struct link_source *s = arg;
	char *now = dir_tree_read_link(s->d, &s->entry, e);
	int rc = 0;

	if (now == NULL)
		return -1;
	if (strcmp(now, s->target) != 0)
		rc = dir_tree_changed(s->d, s->path, e);
	free(now);
	return rc;
}

bool
dir_tree_close_link(struct mf_tree_source *source)
{
	struct link_source *s = source->arg;

	if (source->read_at != link_read_at)
		return false;
	free(s->target);
	free(s);
	return true;
}

int
dir_tree_link_source(struct dir_tree *d, const struct mf_tree_entry *entry,
    struct mf_tree_source *out, struct mf_error *e)
{
	const size_t n = strlen(entry->path) + 1;
	struct link_source *s = calloc(1, sizeof *s + n);

	if (s == NULL)
		return mf_error_nomem(e, "a link");
	memcpy(s->path, entry->path, n);
	s->d = d;
	s->entry = *entry;
	s->entry.path = s->path;
	if ((s->target = dir_tree_read_link(d, entry, e)) == NULL) {
		free(s);
		return -1;
	}
	*out = (struct mf_tree_source){.size = entry->size,
	    .read_at = link_read_at,
	    .still = link_still,
	    .arg = s,
	    .mtime_ns = entry->mtime_ns};
	return 0;
}

/* ---- making ---- */

/* Where it is to lead: the whole content. Somebody else wrote it. */
static int
read_target(struct dir_tree *d, const char *path, const struct mf_tree_source *source,
    char target[TARGET_MAX + 1], struct mf_error *e)
{
	const size_t n = (size_t)source->size;

	if (source->size == 0 || source->size > TARGET_MAX)
		return mf_error_set(e, MF_EUNSUPPORTED,
		    "%s/%s: no link can lead to a path of %llu bytes", d->label, path,
		    (unsigned long long)source->size);
	if (source->read_at(source->arg, 0, target, n, e) != 0)
		return -1;
	target[n] = '\0';
	if (strlen(target) != n)
		return mf_error_set(e, MF_EUNSUPPORTED,
		    "%s/%s: no link can lead to a path with a NUL in it", d->label, path);
	return source->still != NULL ? source->still(source->arg, e) : 0;
}

/* Under a hidden name, and then renamed. */
static int
make_link(struct dir_tree *d, const char *path, int parent, const char *name, const char *target,
    int64_t mtime_ns, struct stat *st, struct mf_error *e)
{
	const struct timespec times[2] = {{.tv_nsec = UTIME_NOW}, dir_tree_timespec(mtime_ns)};
	char part[DIR_PART_NAME_BYTES];
	int rc = 0;

	if (fstatat(parent, name, st, AT_SYMLINK_NOFOLLOW) == 0 && !S_ISLNK(st->st_mode))
		return dir_tree_in_the_way(
		    d, path, S_ISDIR(st->st_mode) ? "a directory" : "a file", e);
	dir_tree_part_name(part);
	if (symlinkat(target, parent, part) != 0)
		return mf_error_sys(e, errno, "cannot make the link %s/%s", d->label, path);
	if (utimensat(parent, part, times, AT_SYMLINK_NOFOLLOW) != 0 ||
	    fstatat(parent, part, st, AT_SYMLINK_NOFOLLOW) != 0)
		rc = mf_error_sys(e, errno, "cannot set the time of %s/%s", d->label, path);
	else if (renameat(parent, part, parent, name) != 0)
		rc = errno == EISDIR
			 ? dir_tree_in_the_way(d, path, "a directory", e)
			 : mf_error_sys(e, errno, "cannot rename %s/%s", d->label, path);
	if (rc != 0)
		(void)unlinkat(parent, part, 0);
	return rc;
}

int
dir_tree_put_link(struct dir_tree *d, const char *path, const struct mf_tree_source *source,
    struct mf_tree_entry *stored, struct mf_error *e)
{
	char name[DIR_NAME_BYTES], target[TARGET_MAX + 1];
	const char *base;
	struct stat st;
	int parent, rc;

	if (dir_tree_refuse_write(d, e) != 0 || dir_tree_disk_name(d, path, name, e) != 0 ||
	    read_target(d, path, source, target, e) != 0 ||
	    (parent = dir_tree_open_parent(d, path, true, &base, e)) < 0)
		return -1;
	rc = make_link(d, path, parent, name, target, source->mtime_ns, &st, e);
	if (rc == 0)
		dir_tree_fill_link(stored, &st);
	close(parent);
	return rc;
}
