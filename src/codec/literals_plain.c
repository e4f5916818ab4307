/*
 * The variant for a libzstd without the experimental calls of literals_zstd.c: a match finder
 * crippled by its stable parameters. Matches of at least 7 bytes from a table of 64 entries
 * hardly occur in an exponent plane, so nearly all bytes become literals; the search for
 * them still costs half the speed.
 */
#include <stdlib.h>
#include <zstd.h>

#include "src/codec/codec.h"
#include "src/codec/literals.h"

struct mf_literals {
	ZSTD_CCtx *cctx;
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
	    set(l, ZSTD_c_strategy, ZSTD_fast) != 0 || set(l, ZSTD_c_windowLog, 17) != 0 ||
	    set(l, ZSTD_c_hashLog, 6) != 0 || set(l, ZSTD_c_minMatch, 7) != 0) {
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
	size_t encoded;

	if (n > MF_CODEC_PLAIN_MAX_BYTES)
		return 0;
	encoded = ZSTD_compress2(l->cctx, out, cap, in, n);
	return ZSTD_isError(encoded) ? 0 : encoded;
}
