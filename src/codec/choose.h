/*
 * The choice of an encoding for a chunk, from a sample of 32 KiB in 16 places. For a chunk of
 * 8 MiB it costs about 2 % of the time of encoding bf16 weights. One thread at a time.
 */
#ifndef MF_CODEC_CHOOSE_H
#define MF_CODEC_CHOOSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <zstd.h>

#include "src/base/element.h"
#include "src/codec/codec.h"
#include "src/codec/layout.h"
#include "src/codec/measure.h"

#define MF_SAMPLE_BYTES ((size_t)32768)
#define MF_SAMPLE_PIECES 16

/* What to do with one plane. */
enum mf_plane_plan {
	MF_PLAN_RAW,
	MF_PLAN_LITERALS, /* entropy coding alone */
	MF_PLAN_PACKED,	  /* the same after packing to nibbles, where a group lets that be */
	MF_PLAN_MATCHES,  /* zstd as usual */
	MF_PLAN_CONSTANT  /* one value in the whole sample; to be proved on the plane */
};

struct mf_choice {
	enum mf_codec codec;
	const struct mf_layout *layout; /* MF_CODEC_PLANES only */
	size_t lead_bytes;		/* before the first element */
	enum mf_plane_plan plans[MF_LAYOUT_PLANES_MAX];
	double share;  /* expected length, as a share of the input */
	bool try_zstd; /* a zstd frame may beat that share: measure it */
};

/* The chooser's buffers. */
struct mf_chooser {
	ZSTD_CCtx *cctx; /* borrowed */
	uint16_t slots[MF_MEASURE_SLOTS];
	uint8_t sample[MF_SAMPLE_BYTES];
	uint8_t split[MF_SAMPLE_BYTES];
	uint8_t trial[ZSTD_COMPRESSBOUND(MF_SAMPLE_BYTES)];
};

/* Choose for n bytes of elements that the container says are `hint`: measures samples of `in`,
 * reads at most MF_SAMPLE_BYTES of it. Always finds something: stored, at worst. */
void mf_choose(struct mf_chooser *c, enum mf_element hint, const uint8_t *in, size_t n,
    struct mf_choice *out);

#endif
