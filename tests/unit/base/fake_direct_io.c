#include "tests/unit/base/fake_direct_io.h"

#include <fcntl.h>
#include <stdio.h>

#include "src/base/direct_io.h"

#define BLOCK 4096
#define ALIGN 512

struct fake_direct_io fake_direct_io;

void
fake_direct_io_forget(void)
{
	atomic_store(&fake_direct_io.opened, 0);
	atomic_store(&fake_direct_io.bytes, 0);
	atomic_store(&fake_direct_io.aligned, 0);
}

struct mf_direct_io __wrap_mf_direct_io_open(int fd);
int __real_mf_direct_io_pwrite(const struct mf_direct_io *d, int fd, const void *bytes, size_t n,
    uint64_t offset, struct mf_error *e);
int __wrap_mf_direct_io_pwrite(const struct mf_direct_io *d, int fd, const void *bytes, size_t n,
    uint64_t offset, struct mf_error *e);

struct mf_direct_io
__wrap_mf_direct_io_open(int fd)
{
	char again[32];

	atomic_fetch_add(&fake_direct_io.opened, 1);
	(void)snprintf(again, sizeof again, "/proc/self/fd/%d", fd);
	return (struct mf_direct_io){
	    .fd = open(again, O_WRONLY | O_CLOEXEC), .block = BLOCK, .align = ALIGN};
}

int
__wrap_mf_direct_io_pwrite(const struct mf_direct_io *d, int fd, const void *bytes, size_t n,
    uint64_t offset, struct mf_error *e)
{
	if (d->fd >= 0) {
		atomic_fetch_add(&fake_direct_io.bytes, n);
		if (n >= MF_DIRECT_IO_MIN_BYTES && ((uintptr_t)bytes - offset) % ALIGN == 0)
			atomic_fetch_add(&fake_direct_io.aligned, n);
	}
	return __real_mf_direct_io_pwrite(d, fd, bytes, n, offset, e);
}
