#include "config.h"

#include "src/base/large.h"

#include <stdlib.h>
#include <sys/mman.h>

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
