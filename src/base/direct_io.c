#include "config.h"

#include "src/base/direct_io.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/base/fs.h"
#include "src/base/size.h"

#ifdef STATX_DIOALIGN

static size_t
larger(size_t a, size_t b)
{
	return a > b ? a : b;
}

/* A block is never smaller than a page: through the page cache a page is written whole, and what
 * it has of its neighbour would go over what the neighbour wrote past it. */
static bool
ask_alignment(int fd, struct mf_direct_io *d)
{
	struct statx is;

	if (statx(fd, "", AT_EMPTY_PATH, STATX_DIOALIGN, &is) != 0 ||
	    (is.stx_mask & STATX_DIOALIGN) == 0 || is.stx_dio_offset_align == 0 ||
	    is.stx_dio_mem_align == 0)
		return false;
	d->align = is.stx_dio_mem_align;
	d->block = larger(is.stx_dio_offset_align, is.stx_blksize);
	d->block = larger(d->block, (size_t)sysconf(_SC_PAGESIZE));
	return mf_is_power_of_two(d->align) && mf_is_power_of_two(d->block) &&
	       d->align <= MF_DIRECT_IO_ALIGN && d->block <= MF_DIRECT_IO_ALIGN;
}

#endif

struct mf_direct_io
mf_direct_io_open(int fd)
{
	struct mf_direct_io d = MF_DIRECT_IO_NONE;
#ifdef STATX_DIOALIGN
	char again[32];

	if (!ask_alignment(fd, &d))
		return MF_DIRECT_IO_NONE;
	/* the file itself, whatever its name shows by now; without /proc there is no way */
	(void)snprintf(again, sizeof again, "/proc/self/fd/%d", fd);
	d.fd = open(again, O_WRONLY | O_DIRECT | O_CLOEXEC);
#else
	(void)fd;
#endif
	return d;
}

void
mf_direct_io_close(struct mf_direct_io *d)
{
	if (d->fd >= 0)
		close(d->fd);
	*d = MF_DIRECT_IO_NONE;
}

/* As many of n bytes, whole blocks, as can be written: 0 where this is no way after all, which some
 * file systems say only now. -1 with *e set. */
static ssize_t
write_blocks(
    const struct mf_direct_io *d, const char *bytes, size_t n, uint64_t offset, struct mf_error *e)
{
	size_t at = 0;
	ssize_t done;

	while (at < n) {
		done = pwrite(d->fd, bytes + at, n - at, (off_t)(offset + at));
		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0 && (errno == EINVAL || errno == EOPNOTSUPP))
			break;
		if (done < 0)
			return mf_error_sys(e, errno, "cannot write at byte %llu",
			    (unsigned long long)(offset + at));
		at += (size_t)done & ~(d->block - 1);
		if (((size_t)done & (d->block - 1)) != 0 || done == 0)
			break;
	}
	return (ssize_t)at;
}

int
mf_direct_io_pwrite(const struct mf_direct_io *d, int fd, const void *bytes, size_t n,
    uint64_t offset, struct mf_error *e)
{
	const char *at = bytes;
	size_t head, middle;
	ssize_t done;

	if (d->fd < 0 || n < MF_DIRECT_IO_MIN_BYTES || offset > INT64_MAX - n ||
	    (((uintptr_t)at - offset) & (d->align - 1)) != 0)
		return mf_fs_pwrite(fd, bytes, n, offset, e);
	head = (size_t)(-offset & (d->block - 1));
	middle = (n - head) & ~(d->block - 1);
	if (mf_fs_pwrite(fd, at, head, offset, e) != 0)
		return -1;
	if ((done = write_blocks(d, at + head, middle, offset + head, e)) < 0)
		return -1;
	head += (size_t)done;
	return mf_fs_pwrite(fd, at + head, n - head, offset + head, e);
}
