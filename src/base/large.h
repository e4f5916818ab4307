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

#endif
