/*
 * The codec: what stands between a chunk's plaintext and its sealed body. Floats are split
 * into byte planes, so that the exponents, which compress, leave the mantissas, which do not;
 * text goes through zstd; noise is stored as it is. An encoding is never longer than its
 * input. The bytes: modelferry-repository(5), CODEC.
 *
 * An encoder or decoder keeps its buffers from one call to the next and belongs to one thread
 * at a time. A decoder holds 1.5 MiB and libzstd's context (0.2 MiB), whatever it is given; an
 * encoder holds 1 MiB and libzstd's tables (2 MiB at level 1, 4 for text, up to 40 at 12).
 * The decoder takes hostile input: it never writes past plain_len and demands exactly
 * plain_len bytes.
 */
#ifndef MF_CODEC_CODEC_H
#define MF_CODEC_CODEC_H

#include <stddef.h>
#include <stdint.h>

#include "src/base/element.h"
#include "src/base/error.h"

/* The registry; the number stands in a sealed object's header and is never reused. */
enum mf_codec {
	MF_CODEC_STORED = 0, /* the plaintext itself */
	MF_CODEC_ZSTD = 1,   /* one zstd frame */
	MF_CODEC_PLANES = 2, /* one planes frame */
	MF_CODECS
};

#define MF_CODEC_PLAIN_MAX_BYTES ((size_t)16 << 20) /* longest plaintext of one encoding */
#define MF_CODEC_LEVEL_MAX 12 /* libzstd before 1.5.5 can corrupt at high levels */

struct mf_codec_params {
	int level; /* zstd's; 0: 1, and 3 for text. More than MF_CODEC_LEVEL_MAX is capped */
};

struct mf_encoder;
struct mf_decoder;

/* "stored", "zstd", "planes", or NULL for a number that is not in the registry. */
const char *mf_codec_name(uint32_t codec);

/* params may be NULL. NULL with MF_ENOMEM. */
struct mf_encoder *mf_encoder_new(const struct mf_codec_params *params, struct mf_error *e);
void mf_encoder_free(struct mf_encoder *enc);

/* Room that mf_encode needs in out for n bytes: a little more than n, although what it
 * writes in the end is at most n. */
size_t mf_encode_bound(size_t n);

struct mf_encoded {
	const uint8_t *body; /* in out, or the plaintext itself (MF_CODEC_STORED) */
	size_t len;          /* at most that of the plaintext */
	uint32_t codec;
};

/*
 * Encode n bytes (at most MF_CODEC_PLAIN_MAX_BYTES) of in, with out (out_cap at least
 * mf_encode_bound(n); not overlapping in) to write to. *encoded says what came out, and is good as
 * long as in and out are. hint only guides the search: a wrong one costs size, never correctness.
 * 0, or -1 with MF_ENOMEM or, for an n or out_cap that breaks the rule, MF_EFAIL.
 */
int mf_encode(struct mf_encoder *enc, enum mf_element hint, const uint8_t *in, size_t n,
    uint8_t *out, size_t out_cap, struct mf_encoded *encoded, struct mf_error *e);

/* For one thread at a time. NULL with MF_ENOMEM; NULL may be freed. */
struct mf_decoder *mf_decoder_new(struct mf_error *e);
void mf_decoder_free(struct mf_decoder *dec);

/*
 * Decode n bytes of in to exactly plain_len bytes of out (not overlapping in). On failure out's
 * content is undefined. 0, or -1: MF_EDAMAGED for anything but an encoding of plain_len bytes
 * (more than MF_CODEC_PLAIN_MAX_BYTES is that, too), MF_EUNSUPPORTED for a codec or a layout
 * that this build does not know, MF_ENOMEM.
 */
int mf_decode(struct mf_decoder *dec, uint32_t codec, const uint8_t *in, size_t n, uint8_t *out,
    size_t plain_len, struct mf_error *e);

#endif
