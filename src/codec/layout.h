/*
 * Layouts: what a planes frame calls one element. A layout is a block of bytes made of
 * fields; a field is a run of numbers of one width and becomes `width` planes. A plain float
 * is a block of one field; a quantised GGUF block has several, so that its scales do not lie
 * among its nibbles. Ids stand in the frame and are never reused. Pure, any thread.
 */
#ifndef MF_CODEC_LAYOUT_H
#define MF_CODEC_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/element.h"
#include "src/codec/planes.h"

#define MF_LAYOUT_FIELDS_MAX 5
#define MF_LAYOUT_PLANES_MAX 8
#define MF_LAYOUT_BLOCK_MAX_BYTES 292

enum mf_layout_id {
	MF_LAYOUT_1 = 1, /* bytes as they are: one plane */
	MF_LAYOUT_2,	 /* 2 planes */
	MF_LAYOUT_4,
	MF_LAYOUT_8,
	MF_LAYOUT_2_ROTATED, /* rotated left by one bit before the split */
	MF_LAYOUT_4_ROTATED,
	MF_LAYOUT_8_ROTATED,
	MF_LAYOUT_Q4_0 = 16,
	MF_LAYOUT_Q4_1,
	MF_LAYOUT_Q5_0,
	MF_LAYOUT_Q5_1,
	MF_LAYOUT_Q8_0,
	MF_LAYOUT_Q2_K,
	MF_LAYOUT_Q3_K,
	MF_LAYOUT_Q4_K,
	MF_LAYOUT_Q5_K,
	MF_LAYOUT_Q6_K,
	MF_LAYOUT_Q8_K
};

struct mf_field {
	uint16_t offset; /* in the block */
	uint16_t bytes;	 /* a multiple of width */
	uint8_t width;	 /* 1, 2, 4 or 8 */
	bool rotate;
};

struct mf_layout {
	uint8_t id;
	uint16_t block_bytes;
	uint8_t n_fields;
	uint8_t n_planes; /* sum of the fields' widths */
	struct mf_field fields[MF_LAYOUT_FIELDS_MAX]; /* in order, covering the block */
};

/* NULL for an id that is not in the table. */
const struct mf_layout *mf_layout_find(unsigned id);
/* Row i of the table, NULL past its end. */
const struct mf_layout *mf_layout_nth(size_t i);
/* The layouts to try on such elements, best guess first; at most 2. How many. */
unsigned mf_layout_of(enum mf_element element, const struct mf_layout *out[2]);

/* Length of plane p of that many blocks. */
size_t mf_layout_plane_bytes(const struct mf_layout *l, unsigned p, size_t blocks);
/* Split blocks into l->n_planes planes, and back. */
void mf_layout_split(const struct mf_layout *l, const uint8_t *in, size_t blocks,
    uint8_t *const *planes);
void mf_layout_join(const struct mf_layout *l, uint8_t *out, size_t blocks,
    const uint8_t *const *planes);

#endif
