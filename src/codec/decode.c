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
	uint8_t *scratch; /* MF_FRAME_GROUP_MAX_BYTES: decoded planes of a group */
	uint8_t *packed;  /* half as much: a plane's nibbles */
};

struct mf_decoder *
mf_decoder_new(struct mf_error *e)
{
	struct mf_decoder *dec = calloc(1, sizeof *dec);

	if (dec != NULL) {
		dec->dctx = ZSTD_createDCtx();
		dec->scratch = malloc(MF_FRAME_GROUP_MAX_BYTES);
		dec->packed = malloc(MF_FRAME_GROUP_MAX_BYTES / 2);
	}
	if (dec == NULL || dec->dctx == NULL || dec->scratch == NULL || dec->packed == NULL) {
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
	free(dec->packed);
	free(dec->scratch);
	free(dec);
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

/* MF_FRAME_PACKED: len bytes of in to the n bytes of a plane. */
static int
unpack_plane(struct mf_decoder *dec, const uint8_t *in, size_t len, uint8_t *to, size_t n,
    struct mf_error *e)
{
	struct mf_reader r = mf_reader_of(in, len);
	const unsigned base = mf_reader_u8(&r);
	const size_t misses = mf_reader_u32(&r);
	const uint8_t *list;
	size_t i, position, next = 0;

	list = misses > n ? NULL : mf_reader_bytes(&r, misses * MF_FRAME_MISS_BYTES);
	if (list == NULL || base > MF_PACK_BASE_MAX)
		return mf_error_set(e, MF_EDAMAGED, "damaged packed plane");
	if (zstd_decode(dec, in + (len - r.left), r.left, dec->packed, (n + 1) / 2, e) != 0)
		return -1;
	mf_planes_best()->unpack(dec->packed, n, base, to);
	for (i = 0; i < misses; i++) {
		position = mf_get_u32(list + i * MF_FRAME_MISS_BYTES);
		if (position < next || position >= n)
			return mf_error_set(e, MF_EDAMAGED, "damaged list in a packed plane");
		to[position] = list[i * MF_FRAME_MISS_BYTES + 4];
		next = position + 1;
	}
	return 0;
}

/* Read the next plane, of n bytes once decoded. *view becomes where it lies: in the input if
 * it is raw, else decoded in `to`, which has room for it. */
static int
read_plane(struct mf_decoder *dec, struct mf_reader *r, uint8_t *to, size_t n,
    const uint8_t **view, struct mf_error *e)
{
	const unsigned method = mf_reader_u8(r);
	const size_t len = mf_reader_u32(r);
	const uint8_t *const data = mf_reader_bytes(r, len);

	if (data == NULL)
		return mf_error_set(e, MF_EDAMAGED, "truncated planes frame");
	*view = method == MF_FRAME_RAW ? data : to;
	switch (method) {
	case MF_FRAME_RAW:
		if (len == n)
			return 0;
		break;
	case MF_FRAME_ZSTD:
		return zstd_decode(dec, data, len, to, n, e);
	case MF_FRAME_PACKED:
		return unpack_plane(dec, data, len, to, n, e);
	case MF_FRAME_CONSTANT:
		memset(to, len == 1 ? data[0] : 0, n);
		if (len == 1)
			return 0;
		break;
	default:
		return mf_error_set(e, MF_EDAMAGED, "unknown method %u of a plane", method);
	}
	return mf_error_set(e, MF_EDAMAGED, "a plane of %zu bytes has %zu", n, len);
}

static int
read_group(struct mf_decoder *dec, struct mf_reader *r, const struct mf_layout *l, uint8_t *out,
    size_t blocks, struct mf_error *e)
{
	const uint8_t *views[MF_LAYOUT_PLANES_MAX];
	uint8_t *at = dec->scratch;
	unsigned p;

	if (l->id == MF_LAYOUT_1) { /* its one plane is the output */
		if (read_plane(dec, r, out, blocks, &views[0], e) != 0)
			return -1;
		if (views[0] != out)
			memcpy(out, views[0], blocks);
		return 0;
	}
	for (p = 0; p < l->n_planes; p++) {
		const size_t n = mf_layout_plane_bytes(l, p, blocks);

		if (read_plane(dec, r, at, n, &views[p], e) != 0)
			return -1;
		at += n;
	}
	mf_layout_join(l, out, blocks, views);
	return 0;
}

/* The frame's header. */
struct header {
	const struct mf_layout *layout;
	size_t lead, tail, blocks, group;
};

static int
read_header(struct mf_reader *r, size_t plain_len, struct header *h, struct mf_error *e)
{
	const unsigned id = mf_reader_u8(r);
	size_t block;

	h->lead = mf_reader_u8(r);
	h->tail = mf_reader_u16(r);
	h->blocks = mf_reader_u32(r);
	h->group = mf_reader_u32(r);
	if (r->failed)
		return mf_error_set(e, MF_EDAMAGED, "truncated planes frame");
	h->layout = mf_layout_find(id);
	if (h->layout == NULL)
		return mf_error_set(e, MF_EUNSUPPORTED, "unknown layout %u of a planes frame", id);
	block = h->layout->block_bytes;
	/* all bounded before they are multiplied: plain_len is at most 16 MiB */
	if (h->lead >= block || h->tail >= block || h->blocks == 0 || h->blocks > plain_len ||
	    h->lead + h->blocks * block + h->tail != plain_len)
		return mf_error_set(e, MF_EDAMAGED, "a planes frame is not of %zu bytes", plain_len);
	if (h->group == 0 || h->group > MF_FRAME_GROUP_MAX_BYTES / block)
		return mf_error_set(e, MF_EDAMAGED, "a planes frame has groups of %zu blocks",
		    h->group);
	return 0;
}

static int
planes_decode(struct mf_decoder *dec, const uint8_t *in, size_t n, uint8_t *out, size_t plain_len,
    struct mf_error *e)
{
	struct mf_reader r = mf_reader_of(in, n);
	struct header h = {0};
	const uint8_t *verbatim;
	size_t i, blocks;

	if (read_header(&r, plain_len, &h, e) != 0)
		return -1;
	verbatim = mf_reader_bytes(&r, h.lead + h.tail);
	if (verbatim == NULL)
		return mf_error_set(e, MF_EDAMAGED, "truncated planes frame");
	memcpy(out, verbatim, h.lead);
	memcpy(out + plain_len - h.tail, verbatim + h.lead, h.tail);
	out += h.lead;
	for (i = 0; i < h.blocks; i += blocks) {
		blocks = h.blocks - i < h.group ? h.blocks - i : h.group;
		if (read_group(dec, &r, h.layout, out, blocks, e) != 0)
			return -1;
		out += blocks * h.layout->block_bytes;
	}
	if (r.left != 0)
		return mf_error_set(e, MF_EDAMAGED, "bytes follow a planes frame");
	return 0;
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
