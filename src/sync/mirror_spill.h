/*
 * A list of paths that may be longer than memory: written to a file without a name, then read
 * back in its order, once. One thread at a time.
 */
#ifndef MF_SYNC_MIRROR_SPILL_H
#define MF_SYNC_MIRROR_SPILL_H

#include <stdint.h>
#include <stdio.h>

#include "src/base/error.h"

/* Zero-initialise with dir set (borrowed): where the file is made, with the first path. */
struct mf_spill {
	const char *dir;
	FILE *file;
	uint64_t n; /* paths */
};

int mf_spill_add(struct mf_spill *s, const char *path, struct mf_error *e);
/* After the last add: to the first path. */
int mf_spill_rewind(struct mf_spill *s, struct mf_error *e);
/* 0 and a new string (free(3)); 1: that was all; -1. */
int mf_spill_next(struct mf_spill *s, char **path, struct mf_error *e);
void mf_spill_fini(struct mf_spill *s);

#endif
