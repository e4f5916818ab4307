/* What the parts of staging share: the plan, and the files that are being written. */
#ifndef MF_REPO_STAGE_WORK_INT_H
#define MF_REPO_STAGE_WORK_INT_H

#include <pthread.h>
#include <stdatomic.h>

#include "src/base/crew.h"
#include "src/base/direct_io.h"
#include "src/repo/chunk_read_int.h"
#include "src/repo/index_int.h"
#include "src/repo/stage_int.h"

#define STAGE_LOCKS 64

/* Where a part of a chunk goes. */
struct stage_target {
	uint32_t entry;
	uint32_t chunk_offset, len;
	uint64_t file_offset;
};

/* A stretch of the chunks, which one worker takes first. */
struct stage_stretch {
	atomic_size_t next;
	size_t end;
};

struct stage_file {
	int fd;
	struct mf_direct_io direct;
	uint32_t remaining; /* targets not written yet */
};

/* A file of a local version that holds wanted bytes. */
struct stage_source {
	uint32_t local; /* index into the parameters' locals */
	char *path;	/* owned */
};

/* A part of a wanted chunk in such a file, if it is still what it was pulled as. */
struct stage_found {
	uint32_t chunk; /* canonical */
	uint32_t source;
	uint32_t chunk_offset, len;
	uint64_t file_offset;
};

struct stage {
	const struct mf_stage_params *p;
	uint32_t *canon; /* by chunk of the listing: the first one of the same id */
	struct stage_source *sources;
	size_t n_sources, sources_capacity;
	struct stage_found *found; /* by chunk, chunk_offset, source */
	size_t n_found, found_capacity;
	uint32_t *twin;		      /* --hard-link, by entry: the source that may be equal, + 1 */
	bool *linked;		      /* by entry: a hard link to it */
	/* by distinct chunk, in order of first use */
	uint32_t *chunk;	      /* index in the listing's table */
	size_t *first;		      /* first of its targets; one more at the end */
	struct stage_target *targets; /* grouped by chunk */
	size_t n;
	struct stage_stretch *stretches;
	size_t n_stretches;
	atomic_size_t n_started;
	struct stage_file *files;     /* by entry */
	pthread_mutex_t locks[STAGE_LOCKS];
	struct mf_crew *crew;
	_Atomic uint64_t fetched, reused, shared;
	atomic_bool no_clone; /* this file system shares no blocks */
};

struct stage_worker {
	struct stage *s;
	struct mf_chunk_reader *reader;
	uint8_t *memory;
	size_t capacity;
	uint8_t *plain; /* in memory, aligned as its first place in a file is */
};

size_t stage_memory_bytes(const struct stage *s); /* the whole budget */

/* stage_plan.c: which chunks are needed, and where each goes. */
/* Is it a file whose content must be written? */
bool stage_wants(const struct stage *s, size_t entry);
/* Fills canon, and ids with the canonical chunk of each id. MF_EDAMAGED. */
int stage_number(struct stage *s, struct mf_idmap *ids, struct mf_error *e);
/* Fills chunk, first, targets, files. MF_EDAMAGED: the manifest contradicts itself. */
int stage_plan(struct stage *s, struct mf_error *e);

/* stage_space.c: refuse what will not fit, before the first byte. MF_ENOSPC. After the plan. */
int stage_check_space(struct stage *s, struct mf_error *e);

/* stage_files.c: the files being written, open from the first part to the last. Any thread. */
int stage_file_fd(struct stage *s, size_t entry, struct mf_error *e); /* borrowed; -1 */
/* Write what target t wants of the chunk. */
int stage_file_write(
    struct stage *s, const struct stage_target *t, const uint8_t *chunk, struct mf_error *e);
void stage_file_done(struct stage *s, size_t entry);		      /* one target of it is written */
void stage_files_close(struct stage *s);

/* stage_clear.c: remove from a resumed staging directory all that is no file or directory of
 * the version, or that has a second name; what stays its owner can write. */
int stage_clear(const struct stage *s, struct mf_error *e);

/* stage_finish.c: what is around the bytes. */
/* The directories of all that is selected, writable. */
int stage_make_dirs(const struct stage *s, struct mf_error *e);
/* Open the directory that holds path; *name is its last component. */
int stage_open_parent(int dirfd, const char *path, const char **name, struct mf_error *e);
/* Modes, times, links; then everything is made durable. */
int stage_finish(struct stage *s, struct mf_error *e);

/* stage_local.c: find wanted chunks in the local versions, by the manifests that the repository
 * has of them. Fills sources, found and, with --hard-link, twin, within the budget; what cannot
 * be read is left out.
 * -1: out of memory. */
int stage_find_local(struct stage *s, const struct mf_idmap *ids, struct mf_error *e);
void stage_free_local(struct stage *s);

/* stage_reuse.c: put chunk n of the plan together from what lies here, in w->plain. True: it
 * is whole, and what the manifest says. Any thread, one a worker. */
bool stage_take_staged(struct stage_worker *w, size_t n);
bool stage_take_local(struct stage_worker *w, size_t n);
int stage_open_source(const struct stage *s, uint32_t source); /* to read; -1 */
/* The first place found of a (canonical) chunk, or of one behind it; n_found: none. */
size_t stage_first_found(const struct stage *s, uint32_t chunk);
/* Have the places of chunk n share the blocks of a local version: then it is in w->plain too,
 * and in the places that stage_take_staged reads. Returns how many of its bytes are shared; 0:
 * none, and those places hold anything. */
uint64_t stage_clone_local(struct stage_worker *w, size_t n);

/* stage_link.c: files become links to their twins in a local version where those are equal;
 * what cannot be linked is copied or fetched like any other. Before the plan is made. */
int stage_link_equal(struct stage *s, struct mf_error *e);

#endif
