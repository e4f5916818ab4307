/*
 * A region: memory for a large table that grows at its end, keeps its addresses, and is mostly
 * walked front to back. It is plain memory while it is small. Then it lies in a file without a
 * name, so that what is not being looked at need not be in memory: mf_region_cool says so, and
 * a later look reads it back. A region that has no directory for a file, or that the directory
 * has no space for, refuses to grow instead.
 *
 * Space in the file is allocated before it is mapped, so that a full disk is an error and no
 * signal. One thread at a time may allocate; what was allocated may be used by any.
 */
#ifndef MF_BASE_REGION_H
#define MF_BASE_REGION_H

#include <stddef.h>

#include "src/base/error.h"

struct mf_region;

struct mf_region_params {
	const char *dir;    /* for the file; NULL: plain memory alone. Borrowed until free */
	size_t plain_bytes; /* how much may be plain memory */
	const char *what;   /* for errors: "the list of files"; borrowed until free */
	/* How large it can ever get, which takes as many addresses and no memory; 0: 64 GiB, or less
	 * where addresses are short. Less where there are many regions. */
	size_t reserve_bytes;
};

/* An empty region, which reserves addresses and makes no file yet. 0, and *out is the caller's, for
 * mf_region_free; -1 with MF_ENOMEM. */
int mf_region_new(const struct mf_region_params *p, struct mf_region **out, struct mf_error *e);
void mf_region_free(struct mf_region *r); /* and all that was allocated; NULL is fine */
/* n more bytes, zero, aligned for anything. Those of several calls stand beside each other where
 * each n is a multiple of 16. NULL: MF_ENOMEM past plain_bytes without a directory, MF_ENOSPC,
 * or whatever the file system says. */
void *mf_region_alloc(struct mf_region *r, size_t n, struct mf_error *e);
/* Room for more items of an array that has a region to itself, and lies at *items (NULL at
 * first): *capacity grows, the items stay. bytes: of one item. 0; -1 as above, and all is as it
 * was. */
int mf_region_grow(
    struct mf_region *r, void **items, size_t *capacity, size_t bytes, struct mf_error *e);
/* A copy of a string, which need not be aligned. NULL as above. */
char *mf_region_strdup(struct mf_region *r, const char *s, struct mf_error *e);
/* Nothing in it will be looked at for a while. Changes no content. NULL is fine. */
void mf_region_cool(struct mf_region *r);
/* Bytes of memory that it takes at most, if it is cooled now and then. */
size_t mf_region_memory_bytes(const struct mf_region *r);

#endif
