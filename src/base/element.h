/*
 * What a run of bytes is made of, as a container's header says it. src/chunk finds it,
 * src/codec uses it as a hint for its choice of layout. It is a hint only: it never changes
 * what is decoded, and it is not stored.
 */
#ifndef MF_BASE_ELEMENT_H
#define MF_BASE_ELEMENT_H

enum mf_element {
	MF_ELEMENT_UNKNOWN = 0, /* try layouts on a sample */
	MF_ELEMENT_TEXT,	/* JSON, vocabulary, headers */
	MF_ELEMENT_BYTES,	/* opaque, no structure worth looking for */
	MF_ELEMENT_F64,
	MF_ELEMENT_F32,
	MF_ELEMENT_F16,
	MF_ELEMENT_BF16,
	MF_ELEMENT_F8_E4M3,
	MF_ELEMENT_F8_E5M2,
	MF_ELEMENT_I64,
	MF_ELEMENT_I32,
	MF_ELEMENT_I16,
	MF_ELEMENT_I8,
	/* ggml quantised blocks: block bytes and where the half-precision scales lie follow from
	 * the type (ggml.h, ggml-common.h) */
	MF_ELEMENT_Q4_0, /* 18 bytes: f16 scale, 16 bytes of nibbles */
	MF_ELEMENT_Q4_1, /* 20: f16 scale, f16 min, 16 */
	MF_ELEMENT_Q5_0, /* 22: f16, 4, 16 */
	MF_ELEMENT_Q5_1, /* 24: f16, f16, 4, 16 */
	MF_ELEMENT_Q8_0, /* 34: f16, 32 int8 */
	MF_ELEMENT_Q2_K, /* 84: 16, 64, f16, f16 */
	MF_ELEMENT_Q3_K, /* 110: 32, 64, 12, f16 */
	MF_ELEMENT_Q4_K, /* 144: f16, f16, 12, 128 */
	MF_ELEMENT_Q5_K, /* 176: f16, f16, 12, 32, 128 */
	MF_ELEMENT_Q6_K, /* 210: 128, 64, 16, f16 */
	MF_ELEMENT_Q8_K, /* 292: f32, 256, 32 */
	MF_ELEMENTS
};

#endif
