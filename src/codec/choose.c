/*
 * How the choice is made, and what was learnt:
 * - Entropy of the sample's planes predicts the length of literals-only frames within 0.5 %.
 * - Rotation wins on weights with both signs. Where all signs agree, or where values cluster
 *   at powers of two, plain planes can win, so both are measured.
 * - On exponent planes zstd's matches are worthless even though it finds many: 5 exponents
 *   agree by chance. 12 bytes do not, so a share of 12-byte repeats decides whether zstd
 *   is tried on the sample at all, and then the outcome of that decides.
 * - Huffman spends at least 1 bit on a byte, so nearly constant planes need matches (runs).
 */
#include <math.h>
#include <string.h>

#include "src/codec/choose.h"
#include "src/codec/frame.h"

#define WORTH_CODING 0.99     /* a coded plane must promise at most that share of raw */
#define WORTH_MATCHES 0.97    /* and matches that share of what literals promise */
#define WORTH_TRYING (1. / 32) /* share of repeats from which matches are tried */
#define WORTH_PACKING (1. / 512) /* share of bytes that packing to nibbles may miss */
#define SMALLEST_BYTES 64     /* below, no frame pays for its header */
#define TABLE_SHARE (60. / 131072) /* Huffman table and headers of each block */

/* Copy pieces of in, each whole blocks, to c->sample. Bytes taken, a multiple of block. */
static size_t
take_sample(struct mf_chooser *c, const uint8_t *in, size_t n, size_t block)
{
	const size_t piece = MF_SAMPLE_BYTES / MF_SAMPLE_PIECES / block * block;
	const size_t blocks = n / block;
	size_t i, from;

	if (blocks * block <= MF_SAMPLE_BYTES) {
		memcpy(c->sample, in, blocks * block);
		return blocks * block;
	}
	for (i = 0; i < MF_SAMPLE_PIECES; i++) {
		from = (blocks - piece / block) * i / (MF_SAMPLE_PIECES - 1) * block;
		memcpy(c->sample + i * piece, in + from, piece);
	}
	return piece * MF_SAMPLE_PIECES;
}

static double
zstd_share(struct mf_chooser *c, const uint8_t *p, size_t n)
{
	const size_t got = ZSTD_compressCCtx(c->cctx, c->trial, sizeof c->trial, p, n, 1);

	return ZSTD_isError(got) || n == 0 ? 1 : (double)got / (double)n;
}

/* The best plan for a plane of which p is a sample, and the share it promises. */
static double
plan_plane(struct mf_chooser *c, const uint8_t *p, size_t n, bool matches,
    enum mf_plane_plan *plan)
{
	struct mf_histogram h;
	double share = 1, literals, zstd;
	uint32_t missed;

	*plan = MF_PLAN_RAW;
	mf_histogram_count(&h, p, n, 1);
	if (h.count[p[0]] == n) {
		*plan = MF_PLAN_CONSTANT;
		return 0;
	}
	literals = fmax(mf_histogram_entropy_bytes(&h, true) / (double)n, 1. / 8) + TABLE_SHARE;
	if (literals < WORTH_CODING) {
		(void)mf_histogram_pack_base(&h, &missed);
		*plan = (double)missed > WORTH_PACKING * (double)n ? MF_PLAN_LITERALS :
		    MF_PLAN_PACKED;
		share = literals;
	}
	if (matches && mf_measure_repeats(p, n, c->slots) > WORTH_TRYING) {
		zstd = zstd_share(c, p, n);
		if (zstd < share * WORTH_MATCHES) {
			*plan = MF_PLAN_MATCHES;
			share = zstd;
		}
	}
	return share;
}

/* Measure one layout, and keep it where it beats what *best promises. Returns whether any
 * plane had matches. */
static bool
try_layout(struct mf_chooser *c, const struct mf_layout *l, size_t lead, const uint8_t *in,
    size_t n, bool matches, struct mf_choice *best)
{
	struct mf_choice mine = {.codec = MF_CODEC_PLANES, .layout = l, .lead_bytes = lead};
	uint8_t *planes[MF_LAYOUT_PLANES_MAX], *at = c->split;
	size_t taken, bytes;
	double total = 0;
	unsigned p;
	bool found = false;

	if (n < lead + l->block_bytes)
		return false;
	taken = take_sample(c, in + lead, n - lead, l->block_bytes);
	for (p = 0; p < l->n_planes; p++) {
		planes[p] = at;
		at += mf_layout_plane_bytes(l, p, taken / l->block_bytes);
	}
	mf_layout_split(l, c->sample, taken / l->block_bytes, planes);
	for (p = 0; p < l->n_planes; p++) {
		bytes = mf_layout_plane_bytes(l, p, taken / l->block_bytes);
		total += plan_plane(c, planes[p], bytes, matches, &mine.plans[p]) * (double)bytes;
		found |= mine.plans[p] == MF_PLAN_MATCHES;
	}
	mine.share = total / (double)taken +
	    (MF_FRAME_HEADER_BYTES + MF_FRAME_PLANE_HEADER_BYTES * l->n_planes) / (double)n;
	if (mine.share < best->share * 0.997)
		*best = mine;
	return found;
}

/*
 * Nobody said what this is. If it is an array of floats, the bytes at one position modulo the
 * width, the exponents, have a lower entropy than the others, and since the chunk may begin
 * in the middle of an element, that position gives the lead, too.
 */
static void
try_unknown(struct mf_chooser *c, const uint8_t *in, size_t n, struct mf_choice *best)
{
	struct mf_histogram at[4], both[2];
	const size_t taken = take_sample(c, in, n, 4);
	double by2[2], by4[4], least;
	size_t width, exponent = 0, i;

	for (i = 0; i < 4; i++) {
		mf_histogram_count(&at[i], c->sample + i, taken - i, 4);
		by4[i] = mf_histogram_entropy_bytes(&at[i], true);
	}
	for (i = 0; i < 2; i++) {
		both[i] = at[i];
		mf_histogram_add(&both[i], &at[i + 2]);
		by2[i] = mf_histogram_entropy_bytes(&both[i], true);
	}
	width = by4[0] + by4[1] + by4[2] + by4[3] < 0.98 * (by2[0] + by2[1]) ? 4 : 2;
	least = width == 4 ? by4[0] : by2[0];
	for (i = 1; i < width; i++)
		if ((width == 4 ? by4[i] : by2[i]) < least) {
			least = width == 4 ? by4[i] : by2[i];
			exponent = i;
		}
	try_layout(c, mf_layout_find(MF_LAYOUT_1), 0, in, n, true, best);
	try_layout(c, mf_layout_find(width == 4 ? MF_LAYOUT_4_ROTATED : MF_LAYOUT_2_ROTATED),
	    (exponent + 1) % width, in, n, true, best);
	try_layout(c, mf_layout_find(width == 4 ? MF_LAYOUT_4 : MF_LAYOUT_2),
	    (exponent + 1) % width, in, n, true, best);
}

void
mf_choose(struct mf_chooser *c, enum mf_element hint, const uint8_t *in, size_t n,
    struct mf_choice *out)
{
	const struct mf_layout *layouts[2];
	const unsigned n_layouts = mf_layout_of(hint, layouts);
	const bool guess = hint == MF_ELEMENT_UNKNOWN || hint == MF_ELEMENT_BYTES;
	bool matches = true;
	double zstd;
	unsigned i;
	size_t taken;

	*out = (struct mf_choice){.codec = MF_CODEC_STORED, .share = 1};
	if (n < SMALLEST_BYTES)
		return;
	if (hint == MF_ELEMENT_TEXT) {
		out->try_zstd = true;
		return;
	}
	/* the second layout permutes the same bytes: what has no matches in one has none
	 * worth looking for in the other */
	for (i = 0; i < n_layouts; i++)
		matches = try_layout(c, layouts[i], 0, in, n, matches, out);
	if (hint == MF_ELEMENT_UNKNOWN)
		try_unknown(c, in, n, out);
	taken = take_sample(c, in, n, 1);
	if (guess || mf_measure_repeats(c->sample, taken, c->slots) > WORTH_TRYING) {
		zstd = zstd_share(c, c->sample, taken);
		if (zstd < out->share * WORTH_MATCHES) {
			out->codec = MF_CODEC_ZSTD;
			out->share = zstd;
		}
	}
	/* one plane under zstd: one frame without groups has the longer window */
	if (out->codec == MF_CODEC_PLANES && out->layout->id == MF_LAYOUT_1 &&
	    out->plans[0] == MF_PLAN_MATCHES)
		out->codec = MF_CODEC_ZSTD;
	out->try_zstd = out->codec == MF_CODEC_ZSTD || mf_measure_far_repeat(in, n);
}
