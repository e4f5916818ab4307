#include "src/repo/intact.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/base/fs.h"
#include "src/repo/checksum_int.h"
#include "src/repo/version.h"

#define READ_BYTES ((size_t)1 << 20)

/* What a file looked like when its content was known to be right. */
struct trace {
	dev_t dev;
	ino_t inode;
	int64_t mtime_ns, ctime_ns;
	uint64_t size;
};

struct item {
	char *path;
	char *target; /* of a symbolic link; NULL: it is a file */
	uint64_t size;
	uint8_t checksum[MF_CHECKSUM_BYTES];
	bool known;
	struct trace trace;
};

struct mf_intact {
	int dirfd;
	struct item *items;
	size_t n;
	struct mf_checksum_stream *checksum;
	uint8_t *buf;
};

static struct trace
trace_of(const struct stat *st)
{
	return (struct trace){
	    .dev = st->st_dev,
	    .inode = st->st_ino,
	    .mtime_ns = (int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec,
	    .ctime_ns = (int64_t)st->st_ctim.tv_sec * 1000000000 + st->st_ctim.tv_nsec,
	    .size = (uint64_t)st->st_size,
	};
}

static bool
same(const struct trace *a, const struct trace *b)
{
	return a->dev == b->dev && a->inode == b->inode && a->mtime_ns == b->mtime_ns &&
	       a->ctime_ns == b->ctime_ns && a->size == b->size;
}

static bool
is_untouched(const struct mf_intact *x, const struct item *it)
{
	struct stat st;
	struct trace now;

	if (!it->known || fstatat(x->dirfd, it->path, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return false;
	now = trace_of(&st);
	return same(&now, &it->trace);
}

static int
damaged(const struct item *it, const char *how, struct mf_error *e)
{
	return mf_error_set(e, MF_EDAMAGED, "%s %s", it->path, how);
}

static int
check_link(struct mf_intact *x, const struct item *it, struct mf_error *e)
{
	const size_t n = strlen(it->target);
	char target[4096];

	if (readlinkat(x->dirfd, it->path, target, sizeof target) != (ssize_t)n ||
	    memcmp(target, it->target, n) != 0)
		return damaged(it, "is not the link that it was", e);
	return 0;
}

/* All of it, through the checksum. */
static int
read_all(struct mf_intact *x, const struct item *it, int fd, bool (*stop)(void *), void *arg,
    struct mf_error *e)
{
	struct mf_error why = {0};
	uint64_t at;
	size_t n;

	mf_checksum_stream_reset(x->checksum);
	for (at = 0; at < it->size; at += n) {
		if (stop != NULL && stop(arg))
			return mf_error_set(e, MF_EINTERRUPTED, "interrupted");
		n = it->size - at < READ_BYTES ? (size_t)(it->size - at) : READ_BYTES;
		if (mf_fs_pread(fd, x->buf, n, at, &why) != 0)
			return damaged(it, "cannot be read", e);
		mf_checksum_stream_add(x->checksum, x->buf, n);
	}
	return 0;
}

/* What was written while it was read shows at the next look: the trace is of before. */
static int
check_content(struct mf_intact *x, struct item *it, int fd, bool (*stop)(void *), void *arg,
    struct mf_error *e)
{
	uint8_t got[MF_CHECKSUM_BYTES];
	struct stat st;

	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		return damaged(it, "is no file any more", e);
	if ((uint64_t)st.st_size != it->size)
		return damaged(it, "has another size", e);
	if (read_all(x, it, fd, stop, arg, e) != 0)
		return -1;
	mf_checksum_stream_end(x->checksum, got);
	if (memcmp(got, it->checksum, sizeof got) != 0)
		return damaged(it, "has another content", e);
	it->trace = trace_of(&st);
	it->known = true;
	return 0;
}

static int
check(struct mf_intact *x, struct item *it, bool (*stop)(void *), void *arg, struct mf_error *e)
{
	int fd, rc;

	if (it->target != NULL)
		return check_link(x, it, e);
	if (is_untouched(x, it))
		return 0;
	fd = openat(x->dirfd, it->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
	if (fd < 0)
		return damaged(
		    it, errno == ENOENT || errno == EBADF ? "is gone" : "cannot be opened", e);
	rc = check_content(x, it, fd, stop, arg, e);
	(void)close(fd);
	return rc;
}

bool
mf_intact_is_touched(const struct mf_intact *x)
{
	size_t i;

	for (i = 0; i < x->n; i++)
		if (x->items[i].target == NULL && !is_untouched(x, &x->items[i]))
			return true;
	return false;
}

int
mf_intact_look(struct mf_intact *x, bool (*stop)(void *arg), void *arg, struct mf_error *e)
{
	size_t i;

	for (i = 0; i < x->n; i++)
		if (check(x, &x->items[i], stop, arg, e) != 0)
			return -1;
	return 0;
}

/* ---- opening ---- */

static int
take_entry(struct mf_intact *x, const struct mf_listing *l, const struct mf_entry *entry,
    struct mf_error *e)
{
	struct item *it = &x->items[x->n];
	const struct mf_entry *first = entry;
	struct stat st;

	if (entry->type == MF_ENTRY_DIR)
		return 0;
	if (entry->type == MF_ENTRY_HARDLINK && (first = mf_listing_find(l, entry->target)) == NULL)
		return mf_error_set(
		    e, MF_EDAMAGED, "%s is a hard link that leads nowhere", entry->path);
	it->size = first->size;
	memcpy(it->checksum, first->checksum, sizeof it->checksum);
	it->path = strdup(entry->path);
	if (entry->type == MF_ENTRY_SYMLINK)
		it->target = strdup(entry->target);
	x->n++;
	if (it->path == NULL || (entry->type == MF_ENTRY_SYMLINK && it->target == NULL))
		return mf_error_nomem(e, "the list of files");
	if (fstatat(x->dirfd, it->path, &st, AT_SYMLINK_NOFOLLOW) == 0)
		it->trace = trace_of(&st);
	return 0;
}

static int
take_listing(struct mf_intact *x, const struct mf_listing *l, bool just_pulled, struct mf_error *e)
{
	size_t i;

	x->items = calloc(l->n_entries + 1, sizeof *x->items);
	if (x->items == NULL)
		return mf_error_nomem(e, "the list of files");
	for (i = 0; i < l->n_entries; i++)
		if (take_entry(x, l, &l->entries[i], e) != 0)
			return -1;
	for (i = 0; i < x->n; i++)
		x->items[i].known = just_pulled && x->items[i].trace.size == x->items[i].size;
	return 0;
}

static int
read_version(
    struct mf_intact *x, struct mf_repo *repo, const struct mf_intact_params *p, struct mf_error *e)
{
	struct mf_listing l = {0};
	struct mf_version v = {0};
	int rc = mf_version_find(repo, p->model, p->version, &v, e);

	if (rc > 0)
		return mf_error_set(
		    e, MF_ENOTFOUND, "%s@%s is not there any more", p->model, p->version);
	if (rc == 0)
		rc = mf_version_read(repo, &v, &l, e);
	if (rc == 0)
		rc = take_listing(x, &l, p->just_pulled, e);
	mf_listing_fini(&l);
	mf_version_fini(&v);
	return rc;
}

int
mf_intact_open(struct mf_intact **out, struct mf_repo *repo, const struct mf_intact_params *p,
    struct mf_error *e)
{
	struct mf_intact *x = calloc(1, sizeof *x);
	int rc = -1;

	*out = NULL;
	if (x == NULL)
		return mf_error_nomem(e, "the list of files");
	x->dirfd = open(p->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	/* where it is gone, so are its files: that is for a look to say */
	if (x->dirfd < 0 && errno != ENOENT && errno != ENOTDIR)
		mf_error_sys(e, errno, "cannot open %s", p->dir);
	else if ((x->buf = malloc(READ_BYTES)) == NULL)
		mf_error_nomem(e, "a buffer");
	else if ((x->checksum = mf_checksum_stream_new(repo, e)) != NULL)
		rc = read_version(x, repo, p, e);
	if (rc == 0)
		*out = x;
	else
		mf_intact_close(x);
	return rc;
}

void
mf_intact_close(struct mf_intact *x)
{
	size_t i;

	if (x == NULL)
		return;
	for (i = 0; i < x->n; i++) {
		free(x->items[i].path);
		free(x->items[i].target);
	}
	free(x->items);
	mf_checksum_stream_free(x->checksum);
	free(x->buf);
	if (x->dirfd >= 0)
		(void)close(x->dirfd);
	free(x);
}
