/* Reading single files for push: what read.c and read_file.c share. */
#ifndef MF_REPO_READ_FILE_INT_H
#define MF_REPO_READ_FILE_INT_H

#include "src/chunk/cdc.h"
#include "src/chunk/cutter.h"
#include "src/repo/checksum_int.h"
#include "src/repo/read_int.h"

struct reading {
	const struct mf_read_params *p;
	uint8_t cut_seed[MF_CUT_SEED_BYTES];
	struct mf_checksum_stream *checksum;
	struct mf_cdc *cdc;
	struct { uint32_t chunk, offset; bool left_out; } *small; /* by item of the tree */
	uint32_t *reused; /* by chunk of the parent: index in the new table + 1 */
	size_t run_end;	  /* items before this belong to the run at hand */
	bool run_is_reused;
	uint64_t left_out;
};

/* Read a file of its own: cut it, submit its chunks, add its slices, set its checksum. A file
 * that changes meanwhile is read again, up to three times. MF_ESOURCE. */
int mf_read_large(struct reading *r, struct mf_source_entry *x, struct mf_error *e);
/* Append a small file to a run's job; sets r->small[...] and its checksum. */
int mf_read_small(struct reading *r, struct mf_source_entry *x, struct mf_ingest_job *job,
    struct mf_error *e);

#endif
