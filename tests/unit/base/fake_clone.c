#include "tests/unit/base/fake_clone.h"

#include <errno.h>
#include <linux/fs.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

struct fake_clone fake_clone;

int __wrap_ioctl(int fd, unsigned long request, void *arg);

/* As generic_remap_file_range_prep of Linux checks it. */
static int
check_range(int to, const struct file_clone_range *r)
{
	struct stat from_st, to_st;
	struct statvfs v;

	if (fstat((int)r->src_fd, &from_st) != 0 || fstat(to, &to_st) != 0 || fstatvfs(to, &v) != 0)
		return -1;
	errno = EINVAL;
	if (r->src_length == 0 || r->src_offset % v.f_bsize != 0 ||
	    r->dest_offset % v.f_bsize != 0 ||
	    r->src_offset + r->src_length > (uint64_t)from_st.st_size)
		return -1;
	if (r->src_length % v.f_bsize != 0 &&
	    (r->src_offset + r->src_length != (uint64_t)from_st.st_size ||
		r->dest_offset + r->src_length < (uint64_t)to_st.st_size))
		return -1;
	return 0;
}

static int
share(int to, const struct file_clone_range *r)
{
	char *bytes = malloc(r->src_length);
	int rc = -1;

	if (bytes != NULL && pread((int)r->src_fd, bytes, r->src_length, (off_t)r->src_offset) ==
				 (ssize_t)r->src_length) {
		if (fake_clone.changes_after)
			bytes[r->src_length / 2] ^= 1;
		if (pwrite(to, bytes, r->src_length, (off_t)r->dest_offset) ==
		    (ssize_t)r->src_length)
			rc = 0;
	}
	free(bytes);
	return rc;
}

int
__wrap_ioctl(int fd, unsigned long request, void *arg)
{
	const struct file_clone_range *r = arg;

	if (request != FICLONERANGE) {
		errno = ENOTTY;
		return -1;
	}
	fake_clone.calls++;
	if (fake_clone.fails_with != 0) {
		errno = fake_clone.fails_with;
		return -1;
	}
	if (check_range(fd, r) != 0 || share(fd, r) != 0)
		return -1;
	fake_clone.done++;
	fake_clone.bytes += r->src_length;
	return 0;
}
