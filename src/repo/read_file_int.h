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
	uint32_t *reused; /* by chunk of the parent: index in the new table + 1 */
	size_t run_end;	  /* items before this belong to the run at hand */
	bool run_is_reused;
	uint64_t position; /* of the item at hand, where only a shard is read; see shard_int.h */
	bool run_is_ours;
	uint64_t left_out;
	uint8_t *scratch; /* MF_READ_SCRATCH_BYTES, for what is read for its checksum alone */
};

#define MF_READ_SCRATCH_BYTES ((size_t)1 << 20)

/* Does the shard that is read make this entry's checksum? Yes where there is no shard. */
bool mf_read_has_checksum(const struct reading *r, const struct mf_entry *x);

/* Read a file of its own: cut it, submit its chunks, add its slices, set its checksum. A file
 * that changes meanwhile is read again, up to three times. MF_ESOURCE.
 * Of a shard: only its chunks are submitted, for the rest there are slices of elsewhere; and
 * the entry has its checksum where the shard has the file's last byte. */
int mf_read_large(struct reading *r, struct mf_source_entry *x, struct mf_error *e);
/* Append a small file to a run's job; sets its run_chunk, run_offset and checksum. */
int mf_read_small(struct reading *r, struct mf_source_entry *x, struct mf_ingest_job *job,
    struct mf_error *e);

#endif
