/* Verify: is everything that the versions need there, and is it what they say? */
#ifndef MF_REPO_VERIFY_H
#define MF_REPO_VERIFY_H

#include "src/base/progress.h"
#include "src/repo/repo.h"
#include "src/state/cache.h"

struct mf_verify_damage {
	const char *version; /* MODEL@VERSION, or "" for an object that no version names */
	const char *path;    /* file in it, or the object's name */
	const char *reason;
};

struct mf_verify_params {
	const char *spec; /* NULL: all versions; MODEL; MODEL@V */
	bool read_data;	  /* fetch, open, decode, recompute every id */
	unsigned sample_i, sample_n; /* with read_data: the i-th of n parts; n 0: all */
	const char *local;	/* compare this directory with the version of spec */
	const char *repair_from; /* a directory that still has healthy files */
	struct mf_cache *cache;	 /* what pushes of repair_from left; borrowed, may be NULL */
	/* Called for each damaged file, on the calling thread. */
	void (*damage)(void *arg, const struct mf_verify_damage *d);
	void *arg;
	unsigned threads;
	size_t memory_bytes;
	int64_t now_us;
	bool (*interrupted)(void);
	struct mf_progress *progress;
};

struct mf_verify_result {
	uint64_t versions, files, chunks, bytes_read, damaged_files, damaged_chunks, repaired_chunks,
	    repaired_segments;
};

/* 0: all is well or was repaired. -1 and MF_EDAMAGED after everything was looked at. */
int mf_verify(struct mf_repo *repo, const struct mf_verify_params *p,
    struct mf_verify_result *out, struct mf_error *e);

#endif
