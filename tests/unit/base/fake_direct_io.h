/*
 * A way past the page cache on any file system: programs that are linked with
 * --wrap=mf_direct_io_open,--wrap=mf_direct_io_pwrite are offered one that does all but that, and
 * what they make of it is counted.
 */
#ifndef TESTS_UNIT_BASE_FAKE_DIRECT_IO_H
#define TESTS_UNIT_BASE_FAKE_DIRECT_IO_H

#include <stdatomic.h>
#include <stdint.h>

struct fake_direct_io {
	atomic_uint opened;
	_Atomic uint64_t bytes;   /* of writes that could go that way */
	_Atomic uint64_t aligned; /* of those, that would have: at least so large, and so aligned */
};

extern struct fake_direct_io fake_direct_io;

void fake_direct_io_forget(void); /* what was counted */

#endif
