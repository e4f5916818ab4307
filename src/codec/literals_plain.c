/*
 * The variant for a libzstd without the experimental calls of literals_zstd.c: a match finder
 * crippled by its stable parameters. Matches of at least 7 bytes from a table of 64 entries
 * hardly occur in an exponent plane, so nearly all bytes become literals; the search for
 * them still costs half the speed.
 */
#include "src/codec/codec.h"
#include "src/codec/literals_int.h"

const struct mf_literals_setting mf_literals_settings[] = {
	{ZSTD_c_compressionLevel, 1},
	{ZSTD_c_strategy, ZSTD_fast},
	{ZSTD_c_windowLog, 17},
	{ZSTD_c_hashLog, 6},
	{ZSTD_c_minMatch, 7},
	{0, 0},
};

size_t
mf_literals_encode(struct mf_literals *l, const uint8_t *in, size_t n, uint8_t *out, size_t cap)
{
	size_t encoded;

	if (n > MF_CODEC_PLAIN_MAX_BYTES)
		return 0;
	encoded = ZSTD_compress2(l->cctx, out, cap, in, n);
	return ZSTD_isError(encoded) ? 0 : encoded;
}
