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
#include "src/codec/codec.h"
#include "src/codec/literals_int.h"

#define BLOCK_BYTES ((size_t)128 << 10)
#define BLOCKS_MAX (MF_CODEC_PLAIN_MAX_BYTES / BLOCK_BYTES)

const struct mf_literals_setting mf_literals_settings[] = {
	{ZSTD_c_compressionLevel, 1},
	{ZSTD_c_windowLog, 17},
	{ZSTD_c_hashLog, 6},
	{ZSTD_c_chainLog, 6},
	{ZSTD_c_strategy, ZSTD_fast},
	{ZSTD_c_blockDelimiters, ZSTD_sf_explicitBlockDelimiters},
	{ZSTD_c_literalCompressionMode, ZSTD_ps_enable},
	{0, 0},
};

size_t
mf_literals_encode(struct mf_literals *l, const uint8_t *in, size_t n, uint8_t *out, size_t cap)
{
	ZSTD_Sequence sequences[BLOCKS_MAX];
	size_t blocks = 0, left, encoded;

	if (n > MF_CODEC_PLAIN_MAX_BYTES)
		return 0;
	for (left = n; left > 0; blocks++) {
		const size_t step = left < BLOCK_BYTES ? left : BLOCK_BYTES;

		sequences[blocks] = (ZSTD_Sequence){.litLength = (unsigned)step};
		left -= step;
	}
	encoded = ZSTD_compressSequences(l->cctx, out, cap, sequences, blocks, in, n);
	return ZSTD_isError(encoded) ? 0 : encoded;
}
