/*
 * The decoder. Its input is hostile: every length is checked against what is left and against
 * the plaintext's length, which the caller bounds, before anything is allocated or read.
 *
 * What keeps it fast: raw planes are read where they lie in the input, each coded plane is one
 * ZSTD_decompressDCtx into the scratch (no window, no stream), and one pass of vector code
 * joins them.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "src/base/buf.h"
#include "src/codec/codec.h"
#include "src/codec/frame.h"
#include "src/codec/layout.h"

struct mf_decoder {
	ZSTD_DCtx *dctx;
	uint8_t *scratch; /* decoded planes */
	size_t scratch_bytes;
};

/* A plane as the frame has it. */
struct plane {
	unsigned method;
	const uint8_t *data;
	size_t data_bytes;
	size_t bytes; /* decoded */
};

struct mf_decoder *
mf_decoder_new(struct mf_error *e)
{
	struct mf_decoder *dec = calloc(1, sizeof *dec);

	if (dec != NULL)
		dec->dctx = ZSTD_createDCtx();
	if (dec == NULL || dec->dctx == NULL) {
		mf_decoder_free(dec);
		mf_error_nomem(e, "a decoder");
		return NULL;
	}
	return dec;
}

void
mf_decoder_free(struct mf_decoder *dec)
{
	if (dec == NULL)
		return;
	ZSTD_freeDCtx(dec->dctx);
	free(dec->scratch);
	free(dec);
}

static int
grow_scratch(struct mf_decoder *dec, size_t n, struct mf_error *e)
{
	if (n <= dec->scratch_bytes)
		return 0;
	free(dec->scratch);
	dec->scratch_bytes = 0;
	dec->scratch = malloc(n);
	if (dec->scratch == NULL)
		return mf_error_nomem(e, "a decoder's planes");
	dec->scratch_bytes = n;
	return 0;
}

/* Exactly one zstd frame that decodes to exactly out_bytes. The magic is asked for here,
 * because libzstd would take skippable frames and those of its old formats, too. */
static int
zstd_decode(struct mf_decoder *dec, const uint8_t *in, size_t n, uint8_t *out, size_t out_bytes,
    struct mf_error *e)
{
	size_t got;

	if (n < 4 || mf_get_u32(in) != MF_ZSTD_MAGIC)
		return mf_error_set(e, MF_EDAMAGED, "a zstd frame was expected");
	got = ZSTD_findFrameCompressedSize(in, n);
	if (!ZSTD_isError(got) && got != n)
		return mf_error_set(e, MF_EDAMAGED, "bytes follow a zstd frame");
	got = ZSTD_decompressDCtx(dec->dctx, out, out_bytes, in, n);
	if (ZSTD_isError(got) && ZSTD_getErrorCode(got) == ZSTD_error_memory_allocation)
		return mf_error_nomem(e, "zstd's decoder");
	if (ZSTD_isError(got))
		return mf_error_set(e, MF_EDAMAGED, "damaged zstd frame: %s",
		    ZSTD_getErrorName(got));
	if (got != out_bytes)
		return mf_error_set(e, MF_EDAMAGED, "a zstd frame holds %zu bytes, not %zu", got,
		    out_bytes);
	return 0;
}

/* Read all plane headers. *coded becomes the scratch bytes that the planes need. */
static int
read_planes(struct mf_reader *r, const struct mf_layout *l, size_t blocks, struct plane *planes,
    size_t *coded, struct mf_error *e)
{
	unsigned p;
	bool fits;

	*coded = 0;
	for (p = 0; p < l->n_planes; p++) {
		struct plane *const pl = &planes[p];

		pl->bytes = mf_layout_plane_bytes(l, p, blocks);
		pl->method = mf_reader_u8(r);
		pl->data_bytes = mf_reader_u32(r);
		pl->data = mf_reader_bytes(r, pl->data_bytes);
		if (pl->data == NULL)
			return mf_error_set(e, MF_EDAMAGED, "truncated planes frame");
		if (pl->method >= MF_FRAME_METHODS)
			return mf_error_set(e, MF_EDAMAGED, "unknown method %u of a plane",
			    pl->method);
		fits = pl->method == MF_FRAME_RAW ? pl->data_bytes == pl->bytes :
		    pl->method == MF_FRAME_CONSTANT ? pl->data_bytes == 1 : true;
		if (!fits)
			return mf_error_set(e, MF_EDAMAGED, "wrong length of a plane");
		if (pl->method != MF_FRAME_RAW)
			*coded += pl->bytes;
	}
	if (r->left != 0)
		return mf_error_set(e, MF_EDAMAGED, "bytes follow a planes frame");
	return 0;
}

/* Decode plane to `to`, or find it in the input: *view. */
static int
decode_plane(struct mf_decoder *dec, const struct plane *pl, uint8_t *to, const uint8_t **view,
    struct mf_error *e)
{
	*view = pl->method == MF_FRAME_RAW ? pl->data : to;
	if (pl->method == MF_FRAME_CONSTANT)
		memset(to, pl->data[0], pl->bytes);
	else if (pl->method == MF_FRAME_ZSTD)
		return zstd_decode(dec, pl->data, pl->data_bytes, to, pl->bytes, e);
	return 0;
}

static int
decode_blocks(struct mf_decoder *dec, const struct mf_layout *l, const struct plane *planes,
    size_t coded, uint8_t *out, size_t blocks, struct mf_error *e)
{
	const uint8_t *views[MF_LAYOUT_PLANES_MAX];
	uint8_t *at;
	unsigned p;

	if (l->id == MF_LAYOUT_1) { /* its one plane is the output */
		if (decode_plane(dec, &planes[0], out, &views[0], e) != 0)
			return -1;
		if (views[0] != out)
			memcpy(out, views[0], blocks);
		return 0;
	}
	if (grow_scratch(dec, coded, e) != 0)
		return -1;
	at = dec->scratch;
	for (p = 0; p < l->n_planes; p++) {
		if (decode_plane(dec, &planes[p], at, &views[p], e) != 0)
			return -1;
		if (planes[p].method != MF_FRAME_RAW)
			at += planes[p].bytes;
	}
	mf_layout_join(l, out, blocks, views);
	return 0;
}

static int
planes_decode(struct mf_decoder *dec, const uint8_t *in, size_t n, uint8_t *out, size_t plain_len,
    struct mf_error *e)
{
	struct mf_reader r = mf_reader_of(in, n);
	const unsigned id = mf_reader_u8(&r);
	const size_t lead = mf_reader_u8(&r);
	const size_t tail = mf_reader_u16(&r);
	const size_t blocks = mf_reader_u32(&r);
	const struct mf_layout *l = mf_layout_find(id);
	struct plane planes[MF_LAYOUT_PLANES_MAX];
	const uint8_t *verbatim;
	size_t coded;

	if (r.failed)
		return mf_error_set(e, MF_EDAMAGED, "truncated planes frame");
	if (l == NULL)
		return mf_error_set(e, MF_EUNSUPPORTED, "unknown layout %u of a planes frame", id);
	if (blocks == 0 || blocks > plain_len || lead >= l->block_bytes || tail >= l->block_bytes ||
	    lead + tail + blocks * l->block_bytes != plain_len)
		return mf_error_set(e, MF_EDAMAGED, "a planes frame is not of %zu bytes", plain_len);
	verbatim = mf_reader_bytes(&r, lead + tail);
	if (verbatim == NULL)
		return mf_error_set(e, MF_EDAMAGED, "truncated planes frame");
	if (read_planes(&r, l, blocks, planes, &coded, e) != 0)
		return -1;
	memcpy(out, verbatim, lead);
	memcpy(out + plain_len - tail, verbatim + lead, tail);
	return decode_blocks(dec, l, planes, coded, out + lead, blocks, e);
}

const char *
mf_codec_name(uint32_t codec)
{
	static const char *const names[MF_CODECS] = {"stored", "zstd", "planes"};

	return codec < MF_CODECS ? names[codec] : NULL;
}

int
mf_decode(struct mf_decoder *dec, uint32_t codec, const uint8_t *in, size_t n, uint8_t *out,
    size_t plain_len, struct mf_error *e)
{
	if (plain_len > MF_CODEC_PLAIN_MAX_BYTES)
		return mf_error_set(e, MF_EDAMAGED, "an encoding claims %zu bytes", plain_len);
	switch (codec) {
	case MF_CODEC_STORED:
		if (n != plain_len)
			return mf_error_set(e, MF_EDAMAGED, "%zu bytes are stored, not %zu", n,
			    plain_len);
		if (n > 0)
			memcpy(out, in, n);
		return 0;
	case MF_CODEC_ZSTD:
		return zstd_decode(dec, in, n, out, plain_len, e);
	case MF_CODEC_PLANES:
		return planes_decode(dec, in, n, out, plain_len, e);
	default:
		return mf_error_set(e, MF_EUNSUPPORTED, "unknown codec %u", (unsigned)codec);
	}
}
