#include "config.h"

#include "src/base/large.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

#define LARGE_PAGE_BYTES ((size_t)2 << 20)

void *
mf_large_malloc(size_t n)
{
	void *at = NULL;

	if (n < LARGE_PAGE_BYTES)
		return malloc(n);
	if (posix_memalign(&at, LARGE_PAGE_BYTES, n) != 0)
		return NULL;
#ifdef MADV_HUGEPAGE
	/* a kernel that has none says so, and the buffer does as well on small ones */
	(void)madvise(at, n & ~(LARGE_PAGE_BYTES - 1), MADV_HUGEPAGE);
#endif
	return at;
}

size_t
mf_large_trim(void *at, size_t n, size_t used)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	const size_t keep = (used + LARGE_PAGE_BYTES - 1) & ~(LARGE_PAGE_BYTES - 1);

	if (n < LARGE_PAGE_BYTES || n <= keep)
		return n;
	/* the last page may have a neighbour's bytes, too */
	if (n - keep >= page &&
	    madvise((char *)at + keep, (n - keep) & ~(page - 1), MADV_DONTNEED) != 0)
		return n;
	return keep;
}

void
mf_large_prepare(void)
{
#ifdef __GLIBC__
	/* NOLINTNEXTLINE(concurrency-mt-unsafe): there are no other threads yet */
	(void)mallopt(M_MMAP_THRESHOLD, MF_LARGE_BYTES);
#endif
}
