/* Writing into a directory's tree: beside the file under a hidden name, and then renamed. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "src/base/direct_io.h"
#include "src/base/fs.h"
#include "transfers/tree_dir_int.h"

#define PIECE_BYTES ((size_t)1 << 20)
#define AT_ONCE_BYTES ((size_t)64 << 20) /* by the system: limits are looked at in between */

/* A file that is not there yet. */
struct part {
	struct dir_tree *d;
	const char *path, *base;
	int parent, fd;
	struct mf_direct_io direct;
	uint64_t at; /* of what comes in order */
	char name[DIR_PART_NAME_BYTES];
};

static int
part_open(struct part *p, struct dir_tree *d, const char *path, struct mf_error *e)
{
	int tries;

	*p = (struct part){.d = d, .path = path, .fd = -1, .direct = MF_DIRECT_IO_NONE};
	if (dir_tree_refuse_write(d, e) != 0 ||
	    (p->parent = dir_tree_open_parent(d, path, true, &p->base, e)) < 0)
		return -1;
	for (tries = 0; tries < 8; tries++) {
		dir_tree_part_name(p->name);
		p->fd = openat(p->parent, p->name,
		    O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
		if (p->fd >= 0)
			return 0;
		if (errno != EEXIST)
			break;
	}
	mf_error_sys(e, errno, "cannot write %s/%s", d->label, path);
	close(p->parent);
	return -1;
}

/* Show it under its path; or, after a failure, remove it. */
static int
part_finish(struct part *p, int rc, struct mf_error *e)
{
	struct stat st;

	mf_direct_io_close(&p->direct);
	if (p->fd >= 0 && close(p->fd) != 0 && rc == 0)
		rc = mf_error_sys(e, errno, "cannot write %s/%s", p->d->label, p->path);
	if (rc == 0 && fstatat(p->parent, p->base, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    !dir_tree_is_its(p->d, p->path, &st))
		rc = dir_tree_in_the_way(p->d, p->path, "a symbolic link", e);
	if (rc == 0 && renameat(p->parent, p->name, p->parent, p->base) != 0) {
		if (errno == EISDIR || errno == ENOTEMPTY || errno == EEXIST)
			rc = dir_tree_in_the_way(p->d, p->path, "a directory", e);
		else
			rc = mf_error_sys(e, errno, "cannot rename %s/%s", p->d->label, p->path);
	}
	if (rc != 0)
		(void)unlinkat(p->parent, p->name, 0);
	close(p->parent);
	return rc;
}

static int
set_attributes(const struct part *p, uint32_t mode, int64_t mtime_ns, struct mf_error *e)
{
	const struct timespec times[2] = {{.tv_nsec = UTIME_NOW}, dir_tree_timespec(mtime_ns)};

	/* some file systems have no modes: that is no reason to do without the file */
	if (mode != 0 && fchmod(p->fd, mode & 0777) != 0 && errno != EPERM && errno != ENOTSUP)
		return mf_error_sys(e, errno, "cannot set the mode of %s/%s", p->d->label, p->path);
	if (futimens(p->fd, times) != 0)
		return mf_error_sys(e, errno, "cannot set the time of %s/%s", p->d->label, p->path);
	return 0;
}

static int
write_there(void *arg, uint64_t offset, const void *bytes, size_t n, struct mf_error *e)
{
	const struct part *p = arg;

	return mf_direct_io_pwrite(&p->direct, p->fd, bytes, n, offset, e) == 0
		   ? 0
		   : mf_error_while(e, "writing %s/%s", p->d->label, p->path);
}

static int
write_more(void *arg, const void *bytes, size_t n, struct mf_error *e)
{
	struct part *p = arg;

	if (write_there(p, p->at, bytes, n, e) != 0)
		return -1;
	p->at += n;
	return 0;
}

static void
will_read_there(void *arg)
{
	struct part *p = arg;

	mf_direct_io_close(&p->direct);
}

static int
read_there(void *arg, uint64_t offset, void *buf, size_t n, struct mf_error *e)
{
	const struct part *p = arg;
	const int rc = mf_fs_pread(p->fd, buf, n, offset, e);

	if (rc < 0)
		return mf_error_while(e, "reading %s/%s again", p->d->label, p->path);
	return rc == 0 ? 0
		       : mf_error_set(e, MF_EFAIL, "%s/%s became shorter while it was written",
			     p->d->label, p->path);
}

static int
fill_in_pieces(struct part *p, const struct mf_tree_source *source, struct mf_error *e)
{
	uint8_t *buf = malloc(PIECE_BYTES);
	uint64_t at = 0;
	size_t n;
	int rc = 0;

	if (buf == NULL)
		return mf_error_nomem(e, "a file");
	while (rc == 0 && at < source->size) {
		n = source->size - at < PIECE_BYTES ? (size_t)(source->size - at) : PIECE_BYTES;
		rc = source->read_at(source->arg, at, buf, n, e);
		if (rc == 0)
			rc = write_more(p, buf, n, e);
		at += n;
	}
	free(buf);
	return rc;
}

/* A large file has its length from the start where it is written past the page cache: else each
 * write that makes it longer would wait for all others. */
static int
begin_direct(struct part *p, uint64_t size, struct mf_error *e)
{
	if (p->d->no_direct_io || size < MF_DIRECT_IO_FILE_BYTES || size > INT64_MAX)
		return 0;
	p->direct = mf_direct_io_open(p->fd);
	if (p->direct.fd < 0 || ftruncate(p->fd, (off_t)size) == 0)
		return 0;
	return mf_error_sys(
	    e, errno, "cannot make %s/%s as long as it will be", p->d->label, p->path);
}

/* In order, from the first byte to the last. */
static int
fill_in_order(struct part *p, const struct mf_tree_source *source, struct mf_error *e)
{
	int rc = source->read_all != NULL ? source->read_all(source->arg, write_more, p, e)
					  : fill_in_pieces(p, source, e);

	if (rc == 0 && p->at < source->size && ftruncate(p->fd, (off_t)p->at) != 0)
		rc = mf_error_sys(e, errno, "cannot write %s/%s", p->d->label, p->path);
	return rc;
}

static int
fill(struct part *p, const struct mf_tree_source *source, struct mf_error *e)
{
	const struct mf_tree_pieces pieces = {write_there, will_read_there, read_there, p};
	int rc;

	if (begin_direct(p, source->size, e) != 0)
		return -1;
	rc = source->read_spread != NULL ? source->read_spread(source->arg, &pieces, e) : 1;
	if (rc > 0)
		rc = fill_in_order(p, source, e);
	if (rc == 0 && source->still != NULL)
		rc = source->still(source->arg, e);
	return rc;
}

int
dir_tree_put(struct mf_tree *t, const char *path, const struct mf_tree_source *source,
    struct mf_tree_entry *stored, struct mf_error *e)
{
	struct part p;
	struct stat st;
	int rc;

	if (dir_tree_is_link(dir_tree_of(t), path))
		return dir_tree_put_link(dir_tree_of(t), path, source, stored, e);
	if (part_open(&p, dir_tree_of(t), path, e) != 0)
		return -1;
	rc = fill(&p, source, e);
	if (rc == 0)
		rc = set_attributes(&p, source->mode, source->mtime_ns, e);
	if (rc == 0 && fstat(p.fd, &st) != 0)
		rc = mf_error_sys(e, errno, "cannot look at %s/%s", p.d->label, path);
	if (rc == 0)
		dir_tree_fill(stored, &st);
	return part_finish(&p, rc, e);
}

static size_t
piece(uint64_t n, size_t most)
{
	return n < most ? (size_t)n : most;
}

/* n bytes from one file to the other, without them passing through here where the system can. */
static int
copy_bytes(const struct part *p, int from, uint64_t n, struct mf_error *e)
{
	uint8_t *buf;
	uint64_t at = 0;
	ssize_t got;
	size_t now;
	int rc = 0;

	while (at < n) {
		if (dir_tree_pay(p->d, MF_HTTP_UP, piece(n - at, AT_ONCE_BYTES), &now, e) != 0)
			return -1;
		got = copy_file_range(from, NULL, p->fd, NULL, now, 0);
		if (got <= 0)
			break;
		at += (uint64_t)got;
	}
	if (at == n)
		return 0;
	if ((buf = malloc(PIECE_BYTES)) == NULL)
		return mf_error_nomem(e, "a file");
	while (rc == 0 && at < n) {
		rc = dir_tree_pay(p->d, MF_HTTP_UP, piece(n - at, PIECE_BYTES), &now, e);
		if (rc != 0)
			break;
		got = pread(from, buf, now, (off_t)at);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0) {
			rc = got == 0 ? mf_error_set(e, MF_ESOURCE, "%s became shorter", p->path)
				      : mf_error_sys(e, errno, "cannot read %s", p->path);
			break;
		}
		rc = mf_fs_write(p->fd, buf, (size_t)got, e);
		at += (uint64_t)got;
	}
	free(buf);
	return rc;
}

int
dir_tree_copy(struct mf_tree *t, const char *path, struct mf_tree *from,
    const struct mf_tree_entry *entry, struct mf_error *e)
{
	struct dir_tree *source = dir_tree_of(from);
	struct part p;
	struct stat st;
	int fd, rc;

	if (from->ops != &dir_tree_ops || dir_tree_is_link(source, entry->path) ||
	    dir_tree_is_link(dir_tree_of(t), path))
		return 1;
	if ((fd = dir_tree_open_file(source, entry, &st, e)) < 0)
		return -1;
	if (part_open(&p, dir_tree_of(t), path, e) != 0) {
		close(fd);
		return -1;
	}
	rc = copy_bytes(&p, fd, entry->size, e);
	if (rc == 0)
		rc = dir_tree_check_still(source, entry->path, fd, &st, e);
	if (rc == 0)
		rc = set_attributes(&p, st.st_mode & 0777, dir_tree_mtime_ns(&st), e);
	close(fd);
	return part_finish(&p, rc, e);
}

static int
cannot_move(const struct dir_tree *from, const char *path, const struct dir_tree *to,
    const char *to_path, struct mf_error *e)
{
	if (errno == EXDEV)
		return 1;
	if (errno == EISDIR || errno == ENOTEMPTY || errno == EEXIST)
		return dir_tree_in_the_way(to, to_path, "a directory", e);
	return mf_error_sys(
	    e, errno, "cannot move %s/%s to %s/%s", from->label, path, to->label, to_path);
}

/* Of two names of one file rename(2) removes neither: the old one goes now, unless it is the new
 * one, or the name of something else by now. */
static void
remove_other_name(int from_parent, const char *from_base, int parent, const char *base)
{
	struct stat old_dir, new_dir, old, new;

	if (fstat(from_parent, &old_dir) != 0 || fstat(parent, &new_dir) != 0 ||
	    fstatat(from_parent, from_base, &old, AT_SYMLINK_NOFOLLOW) != 0 ||
	    fstatat(parent, base, &new, AT_SYMLINK_NOFOLLOW) != 0)
		return;
	if (old_dir.st_ino == new_dir.st_ino && old_dir.st_dev == new_dir.st_dev &&
	    strcmp(from_base, base) == 0)
		return;
	if (old.st_ino == new.st_ino && old.st_dev == new.st_dev)
		(void)unlinkat(from_parent, from_base, 0);
}

/* Is it there, as entry says? */
static int
check_is_there(struct dir_tree *d, const struct mf_tree_entry *entry, struct mf_error *e)
{
	struct stat st;
	char *target;
	int fd;

	if (dir_tree_is_link(d, entry->path)) {
		target = dir_tree_read_link(d, entry, e);
		free(target);
		return target != NULL ? 0 : -1;
	}
	if ((fd = dir_tree_open_file(d, entry, &st, e)) < 0)
		return -1;
	close(fd);
	return 0;
}

int
dir_tree_move(struct mf_tree *t, const char *path, struct mf_tree *from,
    const struct mf_tree_entry *entry, struct mf_error *e)
{
	struct dir_tree *to = dir_tree_of(t), *source = dir_tree_of(from);
	char base[DIR_NAME_BYTES], from_base[DIR_NAME_BYTES];
	const char *unused;
	int parent, from_parent, rc = 0;

	if (from->ops != &dir_tree_ops ||
	    dir_tree_is_link(to, path) != dir_tree_is_link(source, entry->path))
		return 1;
	if (dir_tree_refuse_write(to, e) != 0 || dir_tree_refuse_write(source, e) != 0 ||
	    check_is_there(source, entry, e) != 0 || dir_tree_disk_name(to, path, base, e) != 0 ||
	    dir_tree_disk_name(source, entry->path, from_base, e) != 0)
		return -1;
	if ((from_parent = dir_tree_open_parent(source, entry->path, false, &unused, e)) < 0)
		return -1;
	if ((parent = dir_tree_open_parent(to, path, true, &unused, e)) < 0) {
		close(from_parent);
		return -1;
	}
	if (renameat(from_parent, from_base, parent, base) != 0)
		rc = cannot_move(source, entry->path, to, path, e);
	else
		remove_other_name(from_parent, from_base, parent, base);
	close(from_parent);
	close(parent);
	return rc;
}
