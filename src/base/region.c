#include "config.h"

#include "src/base/region.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "src/base/fs.h"

#define STEP_BYTES ((size_t)1 << 20)        /* it grows by this */
#define COOL_BYTES ((size_t)2 << 20)        /* and cools itself after so much */
#define RESERVE_MAX_BYTES ((size_t)1 << 36) /* of addresses; they cost nothing */
#define RESERVE_MIN_BYTES ((size_t)1 << 28)
#define ALIGN 16
#define GROW_ITEMS 1024 /* a multiple of ALIGN: so that arrays have no gaps */

struct mf_region {
	struct mf_region_params p;
	uint8_t *base;
	size_t reserved, mapped, used;
	size_t cooled; /* used, when it was cooled last */
	int fd;        /* -1: plain memory */
};

int
mf_region_new(const struct mf_region_params *p, struct mf_region **out, struct mf_error *e)
{
	struct mf_region *r = calloc(1, sizeof *r);
	void *at = MAP_FAILED;

	*out = NULL;
	if (r == NULL)
		return mf_error_nomem(e, p->what);
	r->p = *p;
	r->fd = -1;
	r->reserved = p->reserve_bytes > 0 ? p->reserve_bytes : RESERVE_MAX_BYTES;
	for (; at == MAP_FAILED && r->reserved >= RESERVE_MIN_BYTES; r->reserved /= 4)
		at = mmap(NULL, r->reserved, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
		    -1, 0);
	if (at == MAP_FAILED) {
		free(r);
		return mf_error_nomem(e, p->what);
	}
	r->reserved *= 4;
	r->base = at;
	*out = r;
	return 0;
}

void
mf_region_free(struct mf_region *r)
{
	if (r == NULL)
		return;
	munmap(r->base, r->reserved);
	if (r->fd >= 0)
		close(r->fd);
	free(r);
}

static int
open_unnamed(const char *dir)
{
	char path[4096];
	int fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL))
		return fd;
	if ((size_t)snprintf(path, sizeof path, "%s/.modelferry-XXXXXX", dir) >= sizeof path) {
		errno = ENAMETOOLONG;
		return -1;
	}
	fd = mkostemp(path, O_CLOEXEC);
	if (fd >= 0)
		(void)unlink(path);
	return fd;
}

static int
cannot(const struct mf_region *r, int sys_errno, struct mf_error *e)
{
	return mf_error_sys(e, sys_errno, "cannot put %s into a file in %s", r->p.what, r->p.dir);
}

/* From plain memory into a file, at the same addresses. */
static int
move_to_file(struct mf_region *r, struct mf_error *e)
{
	struct mf_error why = {0};
	int fd, status = 0;

	if (r->p.dir == NULL) {
		mf_error_set(e, MF_ENOMEM,
		    "%s takes more than %zu MiB, and there is no directory on "
		    "a disk to put it",
		    r->p.what, r->p.plain_bytes >> 20);
		return mf_error_hint(e, "set TMPDIR to a directory on a disk, or raise --memory");
	}
	if ((fd = open_unnamed(r->p.dir)) < 0)
		return cannot(r, errno, e);
	if (r->mapped > 0)
		status = posix_fallocate(fd, 0, (off_t)r->mapped);
	if (status == 0 && mf_fs_pwrite(fd, r->base, r->used, 0, &why) != 0)
		status = why.sys_errno != 0 ? why.sys_errno : EIO;
	if (status == 0 && r->mapped > 0 &&
	    mmap(r->base, r->mapped, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0) ==
		MAP_FAILED)
		status = errno;
	if (status != 0) {
		close(fd);
		return cannot(r, status, e);
	}
	r->fd = fd;
	return 0;
}

static int
map_more(struct mf_region *r, size_t bytes, struct mf_error *e)
{
	int flags = MAP_PRIVATE | MAP_ANONYMOUS, status;

	if (r->fd >= 0) {
		flags = MAP_SHARED;
		if ((status = posix_fallocate(r->fd, (off_t)r->mapped, (off_t)bytes)) != 0)
			return cannot(r, status, e);
	}
	if (mmap(r->base + r->mapped, bytes, PROT_READ | PROT_WRITE, flags | MAP_FIXED, r->fd,
		r->fd >= 0 ? (off_t)r->mapped : 0) == MAP_FAILED)
		return r->fd >= 0 ? cannot(r, errno, e) : mf_error_nomem(e, r->p.what);
	r->mapped += bytes;
	return 0;
}

/* Room for n more bytes. */
static int
grow(struct mf_region *r, size_t n, struct mf_error *e)
{
	size_t bytes;

	if (n > r->reserved - r->used || r->reserved - r->used - n < STEP_BYTES)
		return mf_error_set(
		    e, MF_ENOMEM, "%s takes more than %zu MiB", r->p.what, r->reserved >> 20);
	if (r->used + n <= r->mapped)
		return 0;
	bytes = (r->used + n - r->mapped + STEP_BYTES - 1) / STEP_BYTES * STEP_BYTES;
	if (r->fd < 0 && r->mapped + bytes > r->p.plain_bytes && move_to_file(r, e) != 0)
		return -1;
	return map_more(r, bytes, e);
}

static void *
take(struct mf_region *r, size_t align, size_t n, struct mf_error *e)
{
	size_t skip = (align - r->used % align) % align;
	void *at;

	if (n > RESERVE_MAX_BYTES) {
		mf_error_nomem(e, r->p.what);
		return NULL;
	}
	if (grow(r, skip + n, e) != 0)
		return NULL;
	if (r->used - r->cooled >= COOL_BYTES)
		mf_region_cool(r);
	at = r->base + r->used + skip;
	r->used += skip + n;
	return at;
}

void *
mf_region_alloc(struct mf_region *r, size_t n, struct mf_error *e)
{
	return take(r, ALIGN, n, e);
}

int
mf_region_grow(
    struct mf_region *r, void **items, size_t *capacity, size_t bytes, struct mf_error *e)
{
	void *more = mf_region_alloc(r, bytes * GROW_ITEMS, e);

	if (more == NULL)
		return -1;
	if (*items == NULL)
		*items = more;
	*capacity += GROW_ITEMS;
	return 0;
}

char *
mf_region_strdup(struct mf_region *r, const char *s, struct mf_error *e)
{
	size_t n = strlen(s) + 1;
	char *copy = take(r, 1, n, e);

	return copy != NULL ? memcpy(copy, s, n) : NULL;
}

void
mf_region_cool(struct mf_region *r)
{
	if (r == NULL || r->fd < 0)
		return;
	/* a shared mapping of a file: the pages stay the file's, written or not */
	(void)madvise(r->base, r->mapped, MADV_DONTNEED);
	r->cooled = r->used;
}

size_t
mf_region_memory_bytes(const struct mf_region *r)
{
	size_t hot = 2 * COOL_BYTES;

	return r->fd < 0 || r->mapped < hot ? r->mapped : hot;
}
