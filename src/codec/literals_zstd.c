/*
 * Literals-only frames by ZSTD_compressSequences: with explicit block delimiters, a block's
 * list of sequences that holds nothing but "so many literals, no match" leaves zstd only its
 * Huffman stage. Forced literal compression is needed: at fast levels the library leaves the
 * literals of such blocks raw when it guesses that they would not pay.
 *
 * A block of 128 KiB (the format's largest) is best: the table costs about 60 bytes, a new
 * one follows the tensor's scale, and the four streams are long. The window is 128 KiB and the
 * tables of the match finder, which is never run, the smallest that there are: they would be
 * cleared for every frame.
 *
 * Measured on exponent planes of bf16 weights (EPYC, libzstd 1.5.4): about 1.1 GB/s a core,
 * where zstd -1 makes 0.3 and comes out larger, since its matches of 5 or 6 exponents cost
 * more than their literals.
 */
#define ZSTD_STATIC_LINKING_ONLY
#include <stdlib.h>
#include <zstd.h>

#include "src/codec/codec.h"
#include "src/codec/literals.h"

#define BLOCK_BYTES ((size_t)128 << 10)
#define BLOCKS_MAX (MF_CODEC_PLAIN_MAX_BYTES / BLOCK_BYTES)

struct mf_literals {
	ZSTD_CCtx *cctx;
	ZSTD_Sequence sequences[BLOCKS_MAX];
};

static int
set(struct mf_literals *l, ZSTD_cParameter parameter, int value)
{
	return ZSTD_isError(ZSTD_CCtx_setParameter(l->cctx, parameter, value)) ? -1 : 0;
}

struct mf_literals *
mf_literals_new(void)
{
	struct mf_literals *l = calloc(1, sizeof *l);

	if (l == NULL)
		return NULL;
	l->cctx = ZSTD_createCCtx();
	if (l->cctx == NULL || set(l, ZSTD_c_compressionLevel, 1) != 0 ||
	    set(l, ZSTD_c_windowLog, 17) != 0 || set(l, ZSTD_c_hashLog, 6) != 0 ||
	    set(l, ZSTD_c_chainLog, 6) != 0 || set(l, ZSTD_c_strategy, ZSTD_fast) != 0 ||
	    set(l, ZSTD_c_blockDelimiters, ZSTD_sf_explicitBlockDelimiters) != 0 ||
	    set(l, ZSTD_c_literalCompressionMode, ZSTD_ps_enable) != 0) {
		mf_literals_free(l);
		return NULL;
	}
	return l;
}

void
mf_literals_free(struct mf_literals *l)
{
	if (l == NULL)
		return;
	ZSTD_freeCCtx(l->cctx);
	free(l);
}

size_t
mf_literals_encode(struct mf_literals *l, const uint8_t *in, size_t n, uint8_t *out, size_t cap)
{
	size_t blocks = 0, left, encoded;

	if (n > MF_CODEC_PLAIN_MAX_BYTES)
		return 0;
	for (left = n; left > 0; blocks++) {
		const size_t step = left < BLOCK_BYTES ? left : BLOCK_BYTES;

		l->sequences[blocks] = (ZSTD_Sequence){.litLength = (unsigned)step};
		left -= step;
	}
	encoded = ZSTD_compressSequences(l->cctx, out, cap, l->sequences, blocks, in, n);
	return ZSTD_isError(encoded) ? 0 : encoded;
}
