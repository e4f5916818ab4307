/* The table of layouts, and the split and join of blocks. The quantised blocks follow
 * ggml-common.h (block_q4_0 ... block_q8_K), little-endian files. */
#include <assert.h>
#include <string.h>

#include "src/codec/layout.h"

static const struct mf_layout table[] = {
	{MF_LAYOUT_1, 1, 1, 1, {{0, 1, 1, false}}},
	{MF_LAYOUT_2, 2, 1, 2, {{0, 2, 2, false}}},
	{MF_LAYOUT_4, 4, 1, 4, {{0, 4, 4, false}}},
	{MF_LAYOUT_8, 8, 1, 8, {{0, 8, 8, false}}},
	{MF_LAYOUT_2_ROTATED, 2, 1, 2, {{0, 2, 2, true}}},
	{MF_LAYOUT_4_ROTATED, 4, 1, 4, {{0, 4, 4, true}}},
	{MF_LAYOUT_8_ROTATED, 8, 1, 8, {{0, 8, 8, true}}},
	{MF_LAYOUT_Q4_0, 18, 2, 3, {{0, 2, 2, true}, {2, 16, 1, false}}},
	{MF_LAYOUT_Q4_1, 20, 3, 5, {{0, 2, 2, true}, {2, 2, 2, true}, {4, 16, 1, false}}},
	{MF_LAYOUT_Q5_0, 22, 3, 4, {{0, 2, 2, true}, {2, 4, 1, false}, {6, 16, 1, false}}},
	{MF_LAYOUT_Q5_1, 24, 4, 6,
	    {{0, 2, 2, true}, {2, 2, 2, true}, {4, 4, 1, false}, {8, 16, 1, false}}},
	{MF_LAYOUT_Q8_0, 34, 2, 3, {{0, 2, 2, true}, {2, 32, 1, false}}},
	{MF_LAYOUT_Q2_K, 84, 4, 6,
	    {{0, 16, 1, false}, {16, 64, 1, false}, {80, 2, 2, true}, {82, 2, 2, true}}},
	{MF_LAYOUT_Q3_K, 110, 4, 5,
	    {{0, 32, 1, false}, {32, 64, 1, false}, {96, 12, 1, false}, {108, 2, 2, true}}},
	{MF_LAYOUT_Q4_K, 144, 4, 6,
	    {{0, 2, 2, true}, {2, 2, 2, true}, {4, 12, 1, false}, {16, 128, 1, false}}},
	{MF_LAYOUT_Q5_K, 176, 5, 7,
	    {{0, 2, 2, true}, {2, 2, 2, true}, {4, 12, 1, false}, {16, 32, 1, false},
		{48, 128, 1, false}}},
	{MF_LAYOUT_Q6_K, 210, 4, 5,
	    {{0, 128, 1, false}, {128, 64, 1, false}, {192, 16, 1, false}, {208, 2, 2, true}}},
	{MF_LAYOUT_Q8_K, 292, 3, 7,
	    {{0, 4, 4, true}, {4, 256, 1, false}, {260, 32, 2, false}}},
};

#define ROWS (sizeof table / sizeof table[0])

/* Rows of a designated table: which layouts suit an element; 0 is none. */
static const uint8_t choices[MF_ELEMENTS][2] = {
	[MF_ELEMENT_F64] = {MF_LAYOUT_8_ROTATED, MF_LAYOUT_8},
	[MF_ELEMENT_F32] = {MF_LAYOUT_4_ROTATED, MF_LAYOUT_4},
	[MF_ELEMENT_F16] = {MF_LAYOUT_2_ROTATED, MF_LAYOUT_2},
	[MF_ELEMENT_BF16] = {MF_LAYOUT_2_ROTATED, MF_LAYOUT_2},
	[MF_ELEMENT_F8_E4M3] = {MF_LAYOUT_1},
	[MF_ELEMENT_F8_E5M2] = {MF_LAYOUT_1},
	[MF_ELEMENT_I64] = {MF_LAYOUT_8},
	[MF_ELEMENT_I32] = {MF_LAYOUT_4},
	[MF_ELEMENT_I16] = {MF_LAYOUT_2},
	[MF_ELEMENT_I8] = {MF_LAYOUT_1},
	[MF_ELEMENT_BYTES] = {MF_LAYOUT_1},
	[MF_ELEMENT_Q4_0] = {MF_LAYOUT_Q4_0},
	[MF_ELEMENT_Q4_1] = {MF_LAYOUT_Q4_1},
	[MF_ELEMENT_Q5_0] = {MF_LAYOUT_Q5_0},
	[MF_ELEMENT_Q5_1] = {MF_LAYOUT_Q5_1},
	[MF_ELEMENT_Q8_0] = {MF_LAYOUT_Q8_0},
	[MF_ELEMENT_Q2_K] = {MF_LAYOUT_Q2_K},
	[MF_ELEMENT_Q3_K] = {MF_LAYOUT_Q3_K},
	[MF_ELEMENT_Q4_K] = {MF_LAYOUT_Q4_K},
	[MF_ELEMENT_Q5_K] = {MF_LAYOUT_Q5_K},
	[MF_ELEMENT_Q6_K] = {MF_LAYOUT_Q6_K},
	[MF_ELEMENT_Q8_K] = {MF_LAYOUT_Q8_K},
};

const struct mf_layout *
mf_layout_find(unsigned id)
{
	size_t i;

	for (i = 0; i < ROWS; i++)
		if (table[i].id == id)
			return &table[i];
	return NULL;
}

const struct mf_layout *
mf_layout_nth(size_t i)
{
	return i < ROWS ? &table[i] : NULL;
}

unsigned
mf_layout_of(enum mf_element element, const struct mf_layout *out[2])
{
	unsigned n = 0;

	if ((unsigned)element >= MF_ELEMENTS)
		return 0;
	while (n < 2 && choices[element][n] != 0) {
		out[n] = mf_layout_find(choices[element][n]);
		n++;
	}
	return n;
}

/* Of one block. */
static size_t
bytes_of_plane(const struct mf_field *f)
{
	assert(f->width > 0);
	return f->bytes / f->width;
}

size_t
mf_layout_plane_bytes(const struct mf_layout *l, unsigned p, size_t blocks)
{
	const struct mf_field *f = l->fields;

	while (p >= f->width) {
		p -= f->width;
		f++;
	}
	return blocks * bytes_of_plane(f);
}

/* Copy runs of `bytes` from one stride to another. Inlined with a constant length, a run is
 * one or two vector moves. */
static inline __attribute__((always_inline)) void
copy_runs(uint8_t *out, size_t out_step, const uint8_t *in, size_t in_step, size_t bytes,
    size_t blocks)
{
	for (; blocks > 0; blocks--, out += out_step, in += in_step)
		memcpy(out, in, bytes);
}

static void
copy_field(uint8_t *out, size_t out_step, const uint8_t *in, size_t in_step, size_t bytes,
    size_t blocks)
{
	switch (bytes) {
	case 4: copy_runs(out, out_step, in, in_step, 4, blocks); break;
	case 12: copy_runs(out, out_step, in, in_step, 12, blocks); break;
	case 16: copy_runs(out, out_step, in, in_step, 16, blocks); break;
	case 32: copy_runs(out, out_step, in, in_step, 32, blocks); break;
	case 64: copy_runs(out, out_step, in, in_step, 64, blocks); break;
	default: copy_runs(out, out_step, in, in_step, bytes, blocks);
	}
}

/* Wide numbers inside a block are few: the reference kernel, a block at a time. */
static void
split_field(const struct mf_field *f, size_t block_bytes, const uint8_t *in, size_t blocks,
    uint8_t *const *planes)
{
	const size_t each = bytes_of_plane(f);
	uint8_t *at[MF_LAYOUT_PLANES_MAX];
	size_t i;
	unsigned j;

	for (i = 0; i < blocks; i++) {
		for (j = 0; j < f->width; j++)
			at[j] = planes[j] + i * each;
		mf_planes_scalar()->split(in + i * block_bytes, each, f->width, f->rotate, at);
	}
}

static void
join_field(const struct mf_field *f, size_t block_bytes, uint8_t *out, size_t blocks,
    const uint8_t *const *planes)
{
	const size_t each = bytes_of_plane(f);
	const uint8_t *at[MF_LAYOUT_PLANES_MAX];
	size_t i;
	unsigned j;

	for (i = 0; i < blocks; i++) {
		for (j = 0; j < f->width; j++)
			at[j] = planes[j] + i * each;
		mf_planes_scalar()->join(out + i * block_bytes, each, f->width, f->rotate, at);
	}
}

void
mf_layout_split(const struct mf_layout *l, const uint8_t *in, size_t blocks,
    uint8_t *const *planes)
{
	const struct mf_field *f;
	unsigned i, p = 0;

	for (i = 0; i < l->n_fields; i++) {
		f = &l->fields[i];
		if (f->width == l->block_bytes && f->width > 1)
			mf_planes_best()->split(in, blocks, f->width, f->rotate, planes);
		else if (f->bytes == l->block_bytes)
			memcpy(planes[p], in, blocks * f->bytes);
		else if (f->width == 1)
			copy_field(planes[p], f->bytes, in + f->offset, l->block_bytes, f->bytes,
			    blocks);
		else
			split_field(f, l->block_bytes, in + f->offset, blocks, planes + p);
		p += f->width;
	}
}

void
mf_layout_join(const struct mf_layout *l, uint8_t *out, size_t blocks,
    const uint8_t *const *planes)
{
	const struct mf_field *f;
	unsigned i, p = 0;

	for (i = 0; i < l->n_fields; i++) {
		f = &l->fields[i];
		if (f->width == l->block_bytes && f->width > 1)
			mf_planes_best()->join(out, blocks, f->width, f->rotate, planes);
		else if (f->bytes == l->block_bytes)
			memcpy(out, planes[p], blocks * f->bytes);
		else if (f->width == 1)
			copy_field(out + f->offset, l->block_bytes, planes[p], f->bytes, f->bytes,
			    blocks);
		else
			join_field(f, l->block_bytes, out + f->offset, blocks, planes + p);
		p += f->width;
	}
}
