/*
 * A file system that shares blocks, for tests on one that does not: FICLONERANGE, by copying,
 * with the kernel's rules about what may be shared. Programs link with -Wl,--wrap=ioctl.
 */
#ifndef TESTS_UNIT_BASE_FAKE_CLONE_H
#define TESTS_UNIT_BASE_FAKE_CLONE_H

#include <stdint.h>

struct fake_clone {
	int fails_with;               /* errno; 0: it works */
	int changes_after;            /* what is shared is not what lay there a moment ago */
	_Atomic unsigned calls, done; /* asked for; done */
	_Atomic uint64_t bytes;       /* shared */
};

extern struct fake_clone fake_clone;

#endif
