/*
 * Memory for buffers of megabytes that are filled from end to end, on large pages where the
 * kernel has them (madvise MADV_HUGEPAGE, https://docs.kernel.org/admin-guide/mm/transhuge.html).
 * A pull of 1 GiB took a quarter less time with them: most of what they save is the page
 * faults of fresh buffers, which cost twice in a virtual machine. Only whole large pages inside
 * the buffer are asked for, so that it takes no more memory than was asked for.
 */
#ifndef MF_BASE_LARGE_H
#define MF_BASE_LARGE_H

#include <stddef.h>

/* As malloc; of any size, for free(). */
void *mf_large_malloc(size_t n);

/* Of such a buffer of n bytes only the first `used` keep what they hold: of the rest whole large
 * pages go back to the kernel until they are touched again. How many bytes may be resident then: n
 * at most, and less than a large page more than is used. */
size_t mf_large_trim(void *at, size_t n, size_t used);

/*
 * Once, before there are threads: from then on what has MF_LARGE_BYTES or more comes from the kernel
 * and goes back to it when it is freed. Left to itself glibc does so until the first such buffer is
 * freed, and keeps all later ones of that size in its heaps (M_MMAP_THRESHOLD, mallopt(3)), where
 * buffers of many sizes that one thread takes and another frees leave gaps that nothing fits in: a
 * push over a far line took twice the memory that it had use for.
 */
void mf_large_prepare(void);
#define MF_LARGE_BYTES (1 << 20)

#endif
