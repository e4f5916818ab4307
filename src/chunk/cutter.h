/*
 * Cutting a file along its own structure: safetensors, GGUF, PyTorch archives (a zip of stored
 * entries), NumPy .npz and .npy. The plan is made from the file's headers alone, before its
 * bytes are read, so that a frozen tensor is the same chunk in every version, wherever it
 * moved. The rules: modelferry-repository(5), CUTTING.
 *
 * Headers are hostile. Whatever does not parse, overlaps, leaves the file, names something
 * twice, or needs more memory or time than its bounds, is no error: the answer is "no plan",
 * and the caller cuts the file content-defined (cdc.h). Nothing is ever inflated.
 *
 * No state is shared: any thread, one plan at a time each. Blocks in the source's pread only.
 */
#ifndef MF_CHUNK_CUTTER_H
#define MF_CHUNK_CUTTER_H

#include <stddef.h>
#include <stdint.h>

#include "src/base/element.h"
#include "src/base/error.h"

#define MF_CUT_KEY_BYTES 32

/* A tensor, archive entry or array of at least this many bytes has chunks of its own; a
 * smaller one is collected in a run. */
#define MF_CUT_LARGE_BYTES ((uint64_t)1 << 20)
/* A large one is cut in pieces of this many bytes, from its start. */
#define MF_CUT_PIECE_BYTES ((uint64_t)8 << 20)
/* No chunk of a plan is longer. (A last piece under MF_CUT_LARGE_BYTES joins the one before.) */
#define MF_CUT_CHUNK_MAX (MF_CUT_PIECE_BYTES + MF_CUT_LARGE_BYTES)
/* Reading front to back, no more than this many chunks are incomplete at any time: the run of
 * each of four families of elements, and one piece ... */
#define MF_CUT_OPEN_MAX 5
/* ... and together they hold no more than this many bytes. */
#define MF_CUT_OPEN_BYTES (4 * MF_CUT_PIECE_BYTES + MF_CUT_CHUNK_MAX)

/* The file to plan. Borrowed during the call. */
struct mf_cut_source {
	uint64_t size; /* bytes */
	/* Exactly n bytes at offset (always inside size). 0; 1 when the file has become shorter;
	 * -1 with the error set. */
	int (*pread)(void *arg, void *buf, size_t n, uint64_t offset, struct mf_error *e);
	void *arg;
	const char *name; /* path, for messages; may be NULL. The format follows from magic bytes */
};

struct mf_cut_params {
	const uint8_t *key;  /* MF_CUT_KEY_BYTES: the repository's cut seed. Borrowed */
	size_t memory_bytes; /* budget for the plan and for making it; 0: 64 MiB */
};

/* Some bytes of the file that follow each other, all in one chunk. */
struct mf_extent {
	uint64_t offset; /* in the file */
	uint32_t len;    /* bytes, never 0 */
	uint32_t chunk;  /* index into chunks */
};

/* A chunk's plaintext is the concatenation of its extents in file order. */
struct mf_cut_chunk {
	enum mf_element element; /* hint for the codec */
	uint32_t len;            /* bytes: the sum of its extents */
	uint32_t n_extents;      /* after so many extents it is complete */
};

struct mf_cut_plan {
	struct mf_extent *extents; /* by offset; together they cover the file exactly once */
	size_t n_extents;
	struct mf_cut_chunk *chunks; /* by first extent */
	size_t n_chunks;
	const char *format; /* "safetensors", "gguf", "pytorch", "npz", "zip", "npy"; static */
};

/*
 * Plan the cutting of src.
 * 0: *out is the plan, the caller's (mf_cut_plan_free).
 * 1: no plan, *out is NULL: cut content-defined. Where the file looked like a known format but
 *    cannot be planned, e->code is MF_EUNSUPPORTED and e->message says why, ready for one log
 *    line; where it has no known structure, e->code is MF_OK and e->message is empty.
 * -1: the source could not be read, or out of memory; *e says so.
 * e may be NULL.
 */
int mf_cut_plan_new(const struct mf_cut_source *src, const struct mf_cut_params *params,
    struct mf_cut_plan **out, struct mf_error *e);
/* NULL is fine. */
void mf_cut_plan_free(struct mf_cut_plan *plan);

#endif
