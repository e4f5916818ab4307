/*
 * The planes frame, byte by byte: the worked example of modelferry-repository(5), a frame as
 * an encoder wrote it once, which must decode for ever, and each rule that a reader enforces.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "src/base/buf.h"
#include "src/codec/codec.h"

/* The manual's example: a byte, bf16 1.0, -1.0, 0.5 and 0.0, a byte; groups of 3 blocks. */
static const uint8_t example[] = {
	5, 1, 1, 0, 4, 0, 0, 0, 3, 0, 0, 0,		      /* 0: header */
	0xaa, 0xbb,					      /* 12: verbatim */
	0, 3, 0, 0, 0, 0x00, 0x01, 0x00,		      /* 14: low plane, raw */
	3, 16, 0, 0, 0, 0x70, 0, 0, 0, 0,		      /* 22: high plane, packed */
	0x28, 0xb5, 0x2f, 0xfd, 0x20, 2, 0x11, 0, 0, 0xff, 0x0e, /* 32: its zstd frame */
	2, 1, 0, 0, 0, 0x00,				      /* 43: group 2: constant */
	0, 1, 0, 0, 0, 0x00,				      /* 49: raw */
};
static const uint8_t example_plain[] = {0xaa, 0x80, 0x3f, 0x80, 0xbf, 0x00, 0x3f, 0, 0, 0xbb};

/* 512 floats of zero mantissa: constant planes, a zstd plane, a packed one with a miss. */
static const uint8_t frozen[] = {
	0x06, 0x00, 0x00, 0x00, 0x00, 0x02, 0x00, 0x00, 0x00, 0x00, 0x02, 0x00, 0x01, 0x13, 0x00,
	0x00, 0x00, 0x28, 0xb5, 0x2f, 0xfd, 0x60, 0x00, 0x01, 0x4d, 0x00, 0x00, 0x10, 0x00, 0x01,
	0x01, 0x00, 0xfb, 0xa9, 0x0e, 0x0b, 0x02, 0x01, 0x00, 0x00, 0x00, 0x00, 0x02, 0x01, 0x00,
	0x00, 0x00, 0x00, 0x03, 0xc0, 0x00, 0x00, 0x00, 0x69, 0x01, 0x00, 0x00, 0x00, 0x64, 0x00,
	0x00, 0x00, 0xc8, 0x28, 0xb5, 0x2f, 0xfd, 0x60, 0x00, 0x00, 0x65, 0x05, 0x00, 0x06, 0x10,
	0x2a, 0x21, 0xa0, 0x27, 0xe9, 0x69, 0xcb, 0xf0, 0x91, 0x24, 0x69, 0x2b, 0x66, 0x24, 0x02,
	0x44, 0xb9, 0x8a, 0x6a, 0x36, 0x2e, 0xe5, 0xc2, 0x7f, 0x28, 0x34, 0x8d, 0x55, 0x55, 0x55,
	0x55, 0x55, 0xd5, 0x8d, 0x01, 0x22, 0x00, 0x22, 0x00, 0x1e, 0x00, 0x86, 0xc7, 0xf0, 0x16,
	0x40, 0x82, 0xb1, 0xe4, 0xe0, 0x62, 0xf1, 0xfa, 0x60, 0x1f, 0x49, 0xa5, 0x58, 0x45, 0x39,
	0x9b, 0x73, 0x20, 0x24, 0xcf, 0xa9, 0x5d, 0x12, 0x92, 0xd3, 0x7c, 0x38, 0x33, 0xa8, 0x22,
	0xe4, 0xc0, 0x7d, 0xb1, 0x1d, 0x32, 0xc2, 0x98, 0x45, 0xef, 0xe5, 0x4e, 0x8d, 0xe9, 0xa8,
	0x8c, 0x90, 0x0d, 0xd2, 0x58, 0x9b, 0x8e, 0x08, 0xea, 0x0a, 0xb8, 0x81, 0x0e, 0x5a, 0x80,
	0x6c, 0x4d, 0xc0, 0x09, 0xa5, 0xa4, 0x87, 0x94, 0x54, 0xfe, 0xec, 0x19, 0x76, 0xbd, 0x4e,
	0x6b, 0xdf, 0x79, 0x74, 0xb4, 0xbc, 0x54, 0xcd, 0x9e, 0xf5, 0x9a, 0x2a, 0x4e, 0x59, 0x7f,
	0xa8, 0x71, 0xe2, 0x03, 0x09, 0xb2, 0x5f, 0xa4, 0xcd, 0x53, 0x75, 0x0d, 0x96, 0x4c, 0xc7,
	0x8d, 0x77, 0xc6, 0xc2, 0x9d, 0x76, 0xdc, 0xdb, 0xc7, 0x1e, 0xf1, 0xa5, 0x50, 0xe0, 0xc8,
	0xa1, 0x73, 0x4e, 0x66, 0x00,
};

static void
frozen_plain(uint8_t *out)
{
	uint32_t i, exponent, v, seed = 1;

	for (i = 0; i < 512; i++, out += 4) {
		seed = seed * 1664525u + 1013904223u;
		exponent = i == 100 ? 200 : 120 - (uint32_t)__builtin_ctz(seed >> 16 | 256);
		v = (i & 1) << 31 | exponent << 23;
		mf_set_u32(out, v);
	}
}

static void
expect(enum mf_code code, const uint8_t *in, size_t n, uint8_t *out, size_t plain_len)
{
	struct mf_error e = {0};
	struct mf_decoder *dec = mf_decoder_new(&e);

	assert_non_null(dec);
	if (mf_decode(dec, MF_CODEC_PLANES, in, n, out, plain_len, &e) != 0 && code == MF_OK)
		fail_msg("%s", e.message);
	assert_int_equal(e.code, code);
	mf_decoder_free(dec);
}

static void
test_example(void **state)
{
	uint8_t out[sizeof example_plain];

	(void)state;
	expect(MF_OK, example, sizeof example, out, sizeof out);
	assert_memory_equal(out, example_plain, sizeof out);
}

static void
test_frozen(void **state)
{
	uint8_t out[2048], plain[2048];

	(void)state;
	frozen_plain(plain);
	expect(MF_OK, frozen, sizeof frozen, out, sizeof out);
	assert_memory_equal(out, plain, sizeof out);
}

/* One byte of the example changed: what a reader says. */
static void
test_rules(void **state)
{
	static const struct {
		size_t at;
		uint8_t value;
		enum mf_code code;
	} rows[] = {
		{0, 0, MF_EUNSUPPORTED},   /* no such layout */
		{0, 8, MF_EUNSUPPORTED},
		{0, 27, MF_EUNSUPPORTED},
		{0, 1, MF_EDAMAGED},	   /* lengths do not add up */
		{0, 3, MF_EDAMAGED},
		{1, 0, MF_EDAMAGED},
		{1, 2, MF_EDAMAGED},	   /* lead as long as a block */
		{3, 1, MF_EDAMAGED},
		{4, 0, MF_EDAMAGED},	   /* no block */
		{7, 0x80, MF_EDAMAGED},	   /* 2 Gi blocks */
		{8, 0, MF_EDAMAGED},	   /* no block in a group */
		{8, 4, MF_EDAMAGED},	   /* another group: planes of other lengths */
		{10, 9, MF_EDAMAGED},	   /* a group of more than 1 MiB */
		{14, 4, MF_EDAMAGED},	   /* no such method */
		{14, 1, MF_EDAMAGED},	   /* no zstd frame */
		{14, 2, MF_EDAMAGED},	   /* constant, of 3 bytes */
		{15, 2, MF_EDAMAGED},
		{18, 0xff, MF_EDAMAGED},
		{23, 15, MF_EDAMAGED},
		{23, 17, MF_EDAMAGED},
		{27, 0xf1, MF_EDAMAGED},   /* base above 240 */
		{28, 1, MF_EDAMAGED},	   /* a miss where the frame begins */
		{28, 4, MF_EDAMAGED},	   /* more misses than bytes */
		{31, 0xff, MF_EDAMAGED},
		{32, 0x27, MF_EDAMAGED},   /* a zstd frame of old */
		{37, 3, MF_EDAMAGED},
		{44, 2, MF_EDAMAGED},
		{54, 0x3f, MF_OK},	   /* the last byte of data */
	};
	uint8_t frame[sizeof example], out[sizeof example_plain];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		memcpy(frame, example, sizeof frame);
		frame[rows[i].at] = rows[i].value;
		expect(rows[i].code, frame, sizeof frame, out, sizeof out);
	}
}

/* A packed plane whose misses are out of order, out of range, or right. */
static void
test_misses(void **state)
{
	static const struct {
		uint8_t first, second;
		enum mf_code code;
	} rows[] = {{0, 1, MF_OK}, {1, 2, MF_OK}, {1, 0, MF_EDAMAGED}, {1, 1, MF_EDAMAGED},
	    {1, 3, MF_EDAMAGED}};
	uint8_t frame[] = {1, 0, 0, 0, 3, 0, 0, 0, 3, 0, 0, 0,
		3, 26, 0, 0, 0, 0x70, 2, 0, 0, 0, 0, 0, 0, 0, 0xc8, 0, 0, 0, 0, 0xc9,
		0x28, 0xb5, 0x2f, 0xfd, 0x20, 2, 0x11, 0, 0, 0xff, 0x0e};
	uint8_t out[3];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		frame[22] = rows[i].first;
		frame[27] = rows[i].second;
		expect(rows[i].code, frame, sizeof frame, out, sizeof out);
		if (rows[i].code == MF_OK) {
			assert_int_equal(out[rows[i].first], 0xc8);
			assert_int_equal(out[rows[i].second], 0xc9);
		}
	}
}

/* Two zstd frames, or one and something skippable, are not one zstd frame. */
static void
test_one_zstd_frame(void **state)
{
	static const uint8_t one[] = {0x28, 0xb5, 0x2f, 0xfd, 0x20, 2, 0x11, 0, 0, 'h', 'i'};
	static const uint8_t skip[] = {0x50, 0x2a, 0x4d, 0x18, 0, 0, 0, 0};
	struct mf_error e = {0};
	struct mf_decoder *dec = mf_decoder_new(&e);
	uint8_t in[32], out[4];

	(void)state;
	assert_non_null(dec);
	assert_int_equal(mf_decode(dec, MF_CODEC_ZSTD, one, sizeof one, out, 2, &e), 0);
	assert_memory_equal(out, "hi", 2);
	memcpy(in, one, sizeof one);
	memcpy(in + sizeof one, one, sizeof one);
	assert_int_equal(mf_decode(dec, MF_CODEC_ZSTD, in, 2 * sizeof one, out, 4, &e), -1);
	assert_int_equal(e.code, MF_EDAMAGED);
	memcpy(in + sizeof one, skip, sizeof skip);
	assert_int_equal(mf_decode(dec, MF_CODEC_ZSTD, in, sizeof one + sizeof skip, out, 2, &e), -1);
	memcpy(in, skip, sizeof skip);
	memcpy(in + sizeof skip, one, sizeof one);
	assert_int_equal(mf_decode(dec, MF_CODEC_ZSTD, in, sizeof one + sizeof skip, out, 2, &e), -1);
	assert_int_equal(mf_decode(dec, MF_CODEC_ZSTD, skip, sizeof skip, out, 0, &e), -1);
	mf_decoder_free(dec);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_example),
		cmocka_unit_test(test_frozen),
		cmocka_unit_test(test_rules),
		cmocka_unit_test(test_misses),
		cmocka_unit_test(test_one_zstd_frame),
	};

	return cmocka_run_group_tests_name("frame", tests, NULL, NULL);
}
