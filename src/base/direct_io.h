/*
 * Writing large files past the page cache (O_DIRECT, open(2)). What is written once and read by
 * somebody else later gains nothing from being copied into the kernel's pages first: those cost
 * about as much processor time as receiving the bytes does, push out what others on the machine
 * read from there (a model that is being served, for one), count for a container's memory limit,
 * and have to be written all the same before the file is durable.
 *
 * Only whole blocks can go that way, and only from memory that is aligned as the file is; the rest
 * of a write goes through the page cache. Both may be done to one file if no block is written both
 * ways and nobody reads or maps the file meanwhile: the kernel keeps what it has of a page that was
 * read before, and would find it changed behind its back. So this is for files that were made
 * empty for the purpose, and that nobody else knows of yet.
 */
#ifndef MF_BASE_DIRECT_IO_H
#define MF_BASE_DIRECT_IO_H

#include <stddef.h>
#include <stdint.h>

#include "src/base/error.h"

/* No file system wants more. Whoever has memory for writes puts byte `offset` of a file at an
 * address that is the same modulo this. */
#define MF_DIRECT_IO_ALIGN ((size_t)64 << 10)
/* Smaller writes go through the page cache, which gathers them; and so do smaller files. */
#define MF_DIRECT_IO_MIN_BYTES ((size_t)256 << 10)
#define MF_DIRECT_IO_FILE_BYTES ((uint64_t)4 << 20)

/* How one open file is written. */
struct mf_direct_io {
	int fd;       /* a second one on the file, past the page cache; -1: there is no such way */
	size_t block; /* bytes, a power of two; what goes that way begins and ends on it */
	size_t align; /* of memory, the same */
};

#define MF_DIRECT_IO_NONE ((struct mf_direct_io){.fd = -1})

/* The way for a regular file that is open for writing at fd, where its file system says what it
 * takes (statx(2), STATX_DIOALIGN, Linux 6.1: those of local disks; not tmpfs, not what lies on a
 * network). Cannot fail: none is a way too. To be closed. */
struct mf_direct_io mf_direct_io_open(int fd);
/* NONE is allowed, and what it is afterwards. */
void mf_direct_io_close(struct mf_direct_io *d);

/* n bytes at offset, as mf_fs_pwrite; fd is the file's own. Where there is no way, or bytes are not
 * aligned as offset is, all of them go through the page cache. Any thread, several at once for
 * parts of the file that do not overlap. */
int mf_direct_io_pwrite(const struct mf_direct_io *d, int fd, const void *bytes, size_t n,
    uint64_t offset, struct mf_error *e);

#endif
