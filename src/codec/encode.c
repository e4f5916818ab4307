/*
 * The encoder: choose, then write. Where the speed comes from (bf16, chunks of 8 MiB):
 * - Planes that stay raw and come first are split straight to their place in the output.
 * - The exponents pass through nothing but zstd's histogram and Huffman stage. Its time goes by
 *   symbols, not by bits, and was three quarters of the whole: hence the packing. Nearly all
 *   exponents of a tensor are among 15 neighbours and zero, so two make one byte, and half as
 *   many symbols are counted, coded and decoded. Encoding became 1.55 times as fast,
 *   decoding 1.3 times; the size stayed within 0.05 %, for a code over pairs wins back
 *   what its 11-bit limit loses.
 * - Of what is left, Huffman takes 45 %, its histogram 20 %, the split 17 %, most of which is
 *   waiting for memory, packing 5 %, and the choice 3 %.
 */
#include <stdlib.h>
#include <string.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "src/base/buf.h"
#include "src/codec/choose.h"
#include "src/codec/codec.h"
#include "src/codec/frame.h"
#include "src/codec/literals.h"

#define TEXT_LEVEL 3
/* A group: planes of 128 KiB (one block of zstd) where that is not too much for the caches. */
#define GROUP_BYTES ((size_t)512 << 10)
#define GROUP_BLOCKS ((size_t)128 << 10)
#define PACK_PIECE_BYTES ((size_t)128) /* times 16: what the base is judged by */
#define PACK_MISSES_MAX 512	       /* in a plane of a group */
#define PACK_MISSES_SHARE 256	       /* one byte in so many may be missed, at 5 bytes each */

struct mf_encoder {
	int level, text_level;
	ZSTD_CCtx *cctx;
	struct mf_literals *literals;
	uint8_t *scratch; /* GROUP_BYTES: planes that are not split in place */
	uint8_t *packed;  /* GROUP_BYTES / 2 */
	struct mf_chooser chooser;
};

/* One frame being written. */
struct writer {
	uint8_t *at, *end;
};

static int
level_of(int level)
{
	return level > MF_CODEC_LEVEL_MAX ? MF_CODEC_LEVEL_MAX : level < 1 ? 1 : level;
}

struct mf_encoder *
mf_encoder_new(const struct mf_codec_params *params, struct mf_error *e)
{
	struct mf_encoder *enc = calloc(1, sizeof *enc);

	if (enc == NULL)
		goto nomem;
	enc->level = level_of(params == NULL ? 0 : params->level);
	enc->text_level = enc->level < TEXT_LEVEL ? TEXT_LEVEL : enc->level;
	enc->cctx = ZSTD_createCCtx();
	enc->chooser.cctx = enc->cctx;
	enc->literals = mf_literals_new();
	enc->scratch = malloc(GROUP_BYTES);
	enc->packed = malloc(GROUP_BYTES / 2);
	if (enc->cctx == NULL || enc->literals == NULL || enc->scratch == NULL ||
	    enc->packed == NULL)
		goto nomem;
	return enc;
nomem:
	mf_encoder_free(enc);
	mf_error_nomem(e, "an encoder");
	return NULL;
}

void
mf_encoder_free(struct mf_encoder *enc)
{
	if (enc == NULL)
		return;
	ZSTD_freeCCtx(enc->cctx);
	mf_literals_free(enc->literals);
	free(enc->packed);
	free(enc->scratch);
	free(enc);
}

size_t
mf_encode_bound(size_t n)
{
	return ZSTD_COMPRESSBOUND(n) + 1024;
}

/* *got is 0 where the frame did not fit. -1 only where memory ran out. */
static int
zstd_encode(struct mf_encoder *enc, int level, const uint8_t *in, size_t n, uint8_t *out,
    size_t cap, size_t *got, struct mf_error *e)
{
	const size_t r = ZSTD_compressCCtx(enc->cctx, out, cap, in, n, level);

	*got = ZSTD_isError(r) ? 0 : r;
	if (ZSTD_isError(r) && ZSTD_getErrorCode(r) == ZSTD_error_memory_allocation)
		return mf_error_nomem(e, "zstd's tables");
	return 0;
}

static bool
is_constant(const uint8_t *p, size_t n)
{
	return memcmp(p, p + 1, n - 1) == 0;
}

/* The base that suits most of a plane, from 16 pieces of it. */
static unsigned
pack_base(const uint8_t *plane, size_t n)
{
	struct mf_histogram h, piece;
	uint32_t missed;
	size_t i;

	if (n <= 16 * PACK_PIECE_BYTES) {
		mf_histogram_count(&h, plane, n, 1);
		return mf_histogram_pack_base(&h, &missed);
	}
	mf_histogram_count(&h, plane, 8 * PACK_PIECE_BYTES, 1);
	for (i = 8; i < 16; i++) {
		mf_histogram_count(&piece, plane + n / 16 * i, PACK_PIECE_BYTES, 1);
		mf_histogram_add(&h, &piece);
	}
	return mf_histogram_pack_base(&h, &missed);
}

/* MF_FRAME_PACKED. The bytes written, 0 where the plane does not suit. */
static size_t
pack_plane(struct mf_encoder *enc, const uint8_t *plane, size_t n, uint8_t *out, size_t cap)
{
	uint32_t positions[PACK_MISSES_MAX];
	const unsigned base = pack_base(plane, n);
	const size_t max = n / PACK_MISSES_SHARE < PACK_MISSES_MAX ? n / PACK_MISSES_SHARE :
	    PACK_MISSES_MAX;
	const size_t misses = mf_planes_best()->pack(plane, n, base, enc->packed, positions, max);
	uint8_t *at = out + MF_FRAME_PACKED_HEADER_BYTES;
	size_t got, i;

	if (misses > max || cap < MF_FRAME_PACKED_HEADER_BYTES + misses * MF_FRAME_MISS_BYTES)
		return 0;
	out[0] = (uint8_t)base;
	mf_set_u32(out + 1, (uint32_t)misses);
	for (i = 0; i < misses; i++, at += MF_FRAME_MISS_BYTES) {
		mf_set_u32(at, positions[i]);
		at[4] = plane[positions[i]];
	}
	got = mf_literals_encode(enc->literals, enc->packed, (n + 1) / 2, at,
	    cap - (size_t)(at - out));
	return got == 0 ? 0 : (size_t)(at - out) + got;
}

/* Append one plane of n > 0 bytes. plane may be where its raw bytes belong already. */
static int
write_plane(struct mf_encoder *enc, struct writer *w, enum mf_plane_plan plan,
    const uint8_t *plane, size_t n, struct mf_error *e)
{
	uint8_t *const data = w->at + MF_FRAME_PLANE_HEADER_BYTES;
	const size_t cap = (size_t)(w->end - data);
	uint8_t method = MF_FRAME_ZSTD;
	size_t got = 0;

	if (is_constant(plane, n)) {
		method = MF_FRAME_CONSTANT;
		data[0] = plane[0];
		got = 1;
	} else if (plan == MF_PLAN_PACKED && (got = pack_plane(enc, plane, n, data, cap)) != 0) {
		method = MF_FRAME_PACKED;
	} else if (plan == MF_PLAN_PACKED || plan == MF_PLAN_LITERALS) {
		got = mf_literals_encode(enc->literals, plane, n, data, cap);
	} else if (plan != MF_PLAN_RAW &&
	    zstd_encode(enc, enc->level, plane, n, data, cap, &got, e) != 0) {
		return -1;
	}
	if (got == 0 || (got >= n && method != MF_FRAME_CONSTANT)) {
		method = MF_FRAME_RAW;
		got = n;
		if (plane != data)
			memcpy(data, plane, n);
	}
	w->at[0] = method;
	mf_set_u32(w->at + 1, (uint32_t)got);
	w->at = data + got;
	return 0;
}

/* Where each plane of a group is split to: raw ones at the front straight to their place in
 * the frame, the others to the scratch. */
static void
place_planes(struct mf_encoder *enc, const struct mf_choice *c, size_t blocks, uint8_t *out,
    uint8_t **planes)
{
	uint8_t *scratch = enc->scratch;
	bool in_place = true;
	unsigned p;

	for (p = 0; p < c->layout->n_planes; p++) {
		const size_t n = mf_layout_plane_bytes(c->layout, p, blocks);

		in_place = in_place && c->plans[p] == MF_PLAN_RAW;
		if (in_place) {
			planes[p] = out + MF_FRAME_PLANE_HEADER_BYTES;
			out = planes[p] + n;
		} else {
			planes[p] = scratch;
			scratch += n;
		}
	}
}

static int
write_group(struct mf_encoder *enc, struct writer *w, const struct mf_choice *c,
    const uint8_t *in, size_t blocks, struct mf_error *e)
{
	const struct mf_layout *l = c->layout;
	uint8_t *planes[MF_LAYOUT_PLANES_MAX];
	unsigned p;

	if (l->id == MF_LAYOUT_1) /* its one plane is the input */
		return write_plane(enc, w, c->plans[0], in, blocks, e);
	place_planes(enc, c, blocks, w->at, planes);
	mf_layout_split(l, in, blocks, planes);
	for (p = 0; p < l->n_planes; p++)
		if (write_plane(enc, w, c->plans[p], planes[p],
		    mf_layout_plane_bytes(l, p, blocks), e) != 0)
			return -1;
	return 0;
}

static int
planes_encode(struct mf_encoder *enc, const struct mf_choice *c, const uint8_t *in, size_t n,
    uint8_t *out, size_t cap, size_t *got, struct mf_error *e)
{
	const size_t block = c->layout->block_bytes;
	const size_t blocks = (n - c->lead_bytes) / block, tail = (n - c->lead_bytes) % block;
	const size_t group = GROUP_BYTES / block < GROUP_BLOCKS ? GROUP_BYTES / block :
	    GROUP_BLOCKS;
	struct writer w = {out + MF_FRAME_HEADER_BYTES, out + cap};
	size_t i;

	out[0] = c->layout->id;
	out[1] = (uint8_t)c->lead_bytes;
	out[2] = (uint8_t)tail;
	out[3] = (uint8_t)(tail >> 8);
	mf_set_u32(out + 4, (uint32_t)blocks);
	mf_set_u32(out + 8, (uint32_t)group);
	memcpy(w.at, in, c->lead_bytes);
	memcpy(w.at + c->lead_bytes, in + n - tail, tail);
	w.at += c->lead_bytes + tail;
	in += c->lead_bytes;
	for (i = 0; i < blocks; i += group)
		if (write_group(enc, &w, c, in + i * block,
		    blocks - i < group ? blocks - i : group, e) != 0)
			return -1;
	*got = (size_t)(w.at - out);
	return 0;
}

int
mf_encode(struct mf_encoder *enc, enum mf_element hint, const uint8_t *in, size_t n, uint8_t *out,
    size_t out_cap, struct mf_encoded *encoded, struct mf_error *e)
{
	const int level = hint == MF_ELEMENT_TEXT ? enc->text_level : enc->level;
	struct mf_choice choice;
	uint32_t codec = MF_CODEC_STORED;
	size_t got = 0;

	if (n > MF_CODEC_PLAIN_MAX_BYTES || out_cap < mf_encode_bound(n))
		return mf_error_set(e, MF_EFAIL, "cannot encode %zu bytes into %zu", n, out_cap);
	mf_choose(&enc->chooser, hint, in, n, &choice);
	if (choice.try_zstd) {
		if (zstd_encode(enc, level, in, n, out, out_cap, &got, e) != 0)
			return -1;
		codec = MF_CODEC_ZSTD;
		if (choice.codec == MF_CODEC_PLANES && (double)got > choice.share * (double)n)
			got = 0;
	}
	if (got == 0 && choice.codec == MF_CODEC_PLANES) {
		if (planes_encode(enc, &choice, in, n, out, out_cap, &got, e) != 0)
			return -1;
		codec = MF_CODEC_PLANES;
	}
	*encoded = got == 0 || got >= n ? (struct mf_encoded){in, n, MF_CODEC_STORED}
					: (struct mf_encoded){out, got, codec};
	return 0;
}
