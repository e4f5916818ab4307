/*
 * Sharing blocks between two files: ioctl_ficlonerange(2). File systems share whole blocks
 * only, so the ends of a range are copied.
 */
#include "config.h"

#include <errno.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#if HAVE_LINUX_FS_H
#include <linux/fs.h>
#endif

#include "src/base/fs.h"

#define BLOCK_MIN_BYTES 512
#define BLOCK_MAX_BYTES (1u << 20)
#define COPY_BYTES 16384

#ifdef FICLONERANGE
static int
clone_blocks(int from_fd, uint64_t from, int to_fd, uint64_t to, uint64_t n)
{
	struct file_clone_range r = {
	    .src_fd = from_fd, .src_offset = from, .src_length = n, .dest_offset = to};

	return ioctl(to_fd, FICLONERANGE, &r);
}
#else
static int
clone_blocks(int from_fd, uint64_t from, int to_fd, uint64_t to, uint64_t n)
{
	(void)from_fd;
	(void)from;
	(void)to_fd;
	(void)to;
	(void)n;
	errno = ENOTTY;
	return -1;
}
#endif

static int
copy_bytes(int from_fd, uint64_t from, int to_fd, uint64_t to, uint64_t n)
{
	struct mf_error ignored = {0};
	char buffer[COPY_BYTES];
	size_t step;

	for (; n > 0; from += step, to += step, n -= step) {
		step = n < sizeof(buffer) ? (size_t)n : sizeof(buffer);
		if (mf_fs_pread(from_fd, buffer, step, from, &ignored) != 0 ||
		    mf_fs_pwrite(to_fd, buffer, step, to, &ignored) != 0)
			return -1;
	}
	return 0;
}

/* What FICLONERANGE of this file system counts in: a power of two, 0 where it is odd. */
static uint64_t
block_bytes(int fd)
{
	struct statvfs v;
	uint64_t n;

	if (fstatvfs(fd, &v) != 0)
		return 0;
	n = v.f_bsize;
	return n >= BLOCK_MIN_BYTES && n <= BLOCK_MAX_BYTES && (n & (n - 1)) == 0 ? n : 0;
}

/* Does a range end where its file ends? Then its last block may be a part of one. */
static bool
ends_file(int fd, uint64_t end)
{
	struct stat st;

	return fstat(fd, &st) == 0 && st.st_size >= 0 && (uint64_t)st.st_size == end;
}

int
mf_fs_clone_range(int from_fd, uint64_t from, int to_fd, uint64_t to, uint64_t n)
{
	const uint64_t block = block_bytes(to_fd);
	uint64_t head, tail;

	if (from > INT64_MAX || to > INT64_MAX || n > (uint64_t)INT64_MAX - from ||
	    n > (uint64_t)INT64_MAX - to || block == 0 || (from ^ to) % block != 0)
		return 1;
	head = (block - to % block) % block;
	tail = ends_file(from_fd, from + n) && ends_file(to_fd, to + n) ? 0 : (to + n) % block;
	if (n <= head + tail)
		return 1;
	if (clone_blocks(from_fd, from + head, to_fd, to + head, n - head - tail) != 0)
		return errno == EOPNOTSUPP || errno == ENOTTY || errno == EXDEV ||
			       errno == ENOSYS || errno == EPERM
			   ? 2
			   : 1;
	return copy_bytes(from_fd, from, to_fd, to, head) == 0 &&
		       copy_bytes(from_fd, from + n - tail, to_fd, to + n - tail, tail) == 0
		   ? 0
		   : 1;
}
