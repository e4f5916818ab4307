/* What the variants of literals.h are made of. */
#ifndef MF_CODEC_LITERALS_INT_H
#define MF_CODEC_LITERALS_INT_H

#include <zstd.h>

#include "src/codec/literals.h"

struct mf_literals {
	ZSTD_CCtx *cctx;
};

struct mf_literals_setting {
	ZSTD_cParameter parameter;
	int value;
};

/* Of the variant: what its context is set to. The last one has no parameter. */
extern const struct mf_literals_setting mf_literals_settings[];

#endif
