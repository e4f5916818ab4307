#include "config.h"

#include "src/base/large.h"

#include <stdlib.h>
#include <sys/mman.h>
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

void
mf_large_prepare(void)
{
#ifdef __GLIBC__
	(void)mallopt(M_MMAP_THRESHOLD, MF_LARGE_BYTES);
#endif
}
