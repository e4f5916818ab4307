/* Round trips of everything, and hostile encodings of everything. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "src/base/buf.h"
#include "src/codec/codec.h"

#define MIB ((size_t)1 << 20)
#define BIG (16 * MIB)

enum data { NOISE, ZEROS, WEIGHTS16, WEIGHTS32, RAMP, TEXT, PERIOD, SPARSE, DATA };

struct fixture {
	struct mf_encoder *enc;
	struct mf_decoder *dec;
	uint8_t *plain, *body, *back;
	struct mf_error e;
};

static uint32_t seed;

static uint32_t
next(void)
{
	seed = seed * 1664525u + 1013904223u;
	return seed >> 8;
}

/* A float whose exponents are distributed like a Gaussian's, roughly: each lower one half as
 * likely. */
static uint32_t
weight_bits(void)
{
	uint32_t exponent = 122;
	const uint32_t r = next();

	while (exponent > 100 && (r >> (122 - exponent) & 1) != 0)
		exponent--;
	return (next() << 31) | exponent << 23 | (next() & 0x7fffff);
}

static void
fill(enum data kind, uint8_t *p, size_t n)
{
	static const char text[] = "{\"layers.%.attn.weight\": {\"dtype\": \"BF16\"}}, ";
	size_t i;
	uint32_t w = 0;

	seed = (uint32_t)kind + 1;
	for (i = 0; i < n; i++) {
		if (i % 4 == 0)
			w = kind == WEIGHTS16 ? weight_bits() >> 16 | (weight_bits() & 0xffff0000) :
			    weight_bits();
		switch (kind) {
		case WEIGHTS16:
		case WEIGHTS32: p[i] = (uint8_t)(w >> i % 4 * 8); break;
		case RAMP: p[i] = (uint8_t)(i % 8 < 4 ? i / 8 >> i % 8 * 8 : 0); break;
		case TEXT: p[i] = (uint8_t)text[(i + i / 1000) % (sizeof text - 1)]; break;
		case PERIOD: p[i] = (uint8_t)(i < 100000 ? next() : p[i - 100000]); break;
		case SPARSE: p[i] = (uint8_t)(i / 5000 % 3 == 0 ? next() : 0); break;
		case ZEROS: p[i] = 0; break;
		default: p[i] = (uint8_t)next();
		}
	}
}

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);

	f->enc = mf_encoder_new(NULL, &f->e);
	f->dec = mf_decoder_new(&f->e);
	f->plain = malloc(BIG);
	f->back = malloc(BIG + 1);
	f->body = malloc(mf_encode_bound(BIG));
	*state = f;
	return f->enc && f->dec && f->plain && f->back && f->body ? 0 : -1;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	mf_encoder_free(f->enc);
	mf_decoder_free(f->dec);
	free(f->plain);
	free(f->back);
	free(f->body);
	free(f);
	return 0;
}

static size_t
round_trip(struct fixture *f, enum mf_element element, size_t n, uint32_t *codec)
{
	struct mf_encoded x;

	if (mf_encode(f->enc, element, f->plain, n, f->body, mf_encode_bound(n), &x, &f->e) != 0)
		fail_msg("encode: %s", f->e.message);
	assert_true(x.len <= n);
	assert_true(x.codec < MF_CODECS);
	assert_ptr_equal(x.body, x.codec == MF_CODEC_STORED ? f->plain : f->body);
	*codec = x.codec;
	f->back[n] = 0x5a;
	if (mf_decode(f->dec, x.codec, x.body, x.len, f->back, n, &f->e) != 0)
		fail_msg("decode: %s", f->e.message);
	assert_memory_equal(f->plain, f->back, n);
	assert_int_equal(f->back[n], 0x5a);
	return x.len;
}

static void
test_small_sizes(void **state)
{
	static const size_t sizes[] = {0, 1, 2, 3, 7, 8, 63, 64, 65, 127, 291, 292, 293, 1000, 4097,
	    65535, 300001};
	struct fixture *f = *state;
	unsigned element, kind;
	size_t i;
	uint32_t codec;

	for (kind = 0; kind < DATA; kind++) {
		fill((enum data)kind, f->plain, 300001);
		for (element = 0; element <= MF_ELEMENTS; element++)
			for (i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
				round_trip(f, (enum mf_element)element, sizes[i], &codec);
	}
}

static void
test_large_sizes(void **state)
{
	static const struct {
		enum data kind;
		enum mf_element element;
		size_t n;
		double most; /* share of n */
	} rows[] = {
		{WEIGHTS16, MF_ELEMENT_BF16, BIG, 0.64},
		{WEIGHTS16, MF_ELEMENT_BF16, 8 * MIB - 1, 0.64},
		{WEIGHTS16, MF_ELEMENT_UNKNOWN, 8 * MIB, 0.64},
		{WEIGHTS32, MF_ELEMENT_F32, 8 * MIB, 0.83},
		{WEIGHTS32, MF_ELEMENT_F32, 8 * MIB + 3, 0.83},
		{WEIGHTS32, MF_ELEMENT_UNKNOWN, 8 * MIB, 0.83},
		{WEIGHTS32, MF_ELEMENT_Q8_K, BIG, 1},
		{NOISE, MF_ELEMENT_BF16, BIG, 1},
		{NOISE, MF_ELEMENT_UNKNOWN, BIG, 1},
		{NOISE, MF_ELEMENT_TEXT, 4 * MIB, 1},
		{ZEROS, MF_ELEMENT_BF16, 8 * MIB, 0.0002},
		{ZEROS, MF_ELEMENT_F64, BIG, 0.0002},
		{ZEROS, MF_ELEMENT_UNKNOWN, BIG, 0.0002},
		{ZEROS, MF_ELEMENT_Q4_K, 8 * MIB, 0.0002},
		{RAMP, MF_ELEMENT_I64, 8 * MIB, 0.2},
		{TEXT, MF_ELEMENT_TEXT, 8 * MIB, 0.01},
		{TEXT, MF_ELEMENT_UNKNOWN, 8 * MIB, 0.01},
		{TEXT, MF_ELEMENT_BYTES, 8 * MIB, 0.01},
		{PERIOD, MF_ELEMENT_F32, 8 * MIB, 0.02},
		{PERIOD, MF_ELEMENT_BYTES, 8 * MIB, 0.02},
		{SPARSE, MF_ELEMENT_F32, 8 * MIB, 0.37},
		{SPARSE, MF_ELEMENT_BYTES, 8 * MIB, 0.37},
	};
	struct fixture *f = *state;
	size_t i, len;
	uint32_t codec;

	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		fill(rows[i].kind, f->plain, rows[i].n);
		len = round_trip(f, rows[i].element, rows[i].n, &codec);
		if ((double)len > rows[i].most * (double)rows[i].n)
			fail_msg("row %zu: %zu of %zu bytes", i, len, rows[i].n);
	}
}

/* A chunk of a file whose container nobody knows begins anywhere in an element. */
static void
test_unaligned_floats(void **state)
{
	struct fixture *f = *state;
	uint8_t *aligned = malloc(4 * MIB + 8);
	size_t lead;
	uint32_t codec;

	assert_non_null(aligned);
	for (lead = 0; lead < 4; lead++) {
		fill(WEIGHTS32, aligned, 4 * MIB + 8);
		memcpy(f->plain, aligned + lead, 4 * MIB);
		assert_true(round_trip(f, MF_ELEMENT_UNKNOWN, 4 * MIB, &codec) < 4 * MIB * 83 / 100);
		assert_int_equal(codec, MF_CODEC_PLANES);
	}
	free(aligned);
}

static void
test_levels(void **state)
{
	static const int levels[] = {-5, 1, 5, 12, 22};
	struct fixture *f = *state;
	size_t i;
	uint32_t codec;

	fill(SPARSE, f->plain, MIB);
	for (i = 0; i < sizeof levels / sizeof levels[0]; i++) {
		const struct mf_codec_params params = {.level = levels[i]};

		mf_encoder_free(f->enc);
		f->enc = mf_encoder_new(&params, &f->e);
		assert_non_null(f->enc);
		round_trip(f, MF_ELEMENT_TEXT, MIB, &codec);
		assert_int_equal(codec, MF_CODEC_ZSTD);
	}
}

static void
test_misuse(void **state)
{
	struct fixture *f = *state;
	struct mf_encoded x;

	assert_int_equal(
	    mf_encode(f->enc, MF_ELEMENT_BF16, f->plain, 100, f->body, 100, &x, &f->e), -1);
	assert_int_equal(f->e.code, MF_EFAIL);
	assert_int_equal(mf_encode(f->enc, MF_ELEMENT_BF16, f->plain, BIG + 1, f->body,
			     mf_encode_bound(BIG + 1), &x, &f->e),
	    -1);
	assert_int_equal(f->e.code, MF_EFAIL);
}

static void
expect(struct fixture *f, enum mf_code code, uint32_t codec, const uint8_t *in, size_t n,
    size_t plain_len)
{
	uint8_t *copy = malloc(n + 1); /* so that a sanitizer sees a read past its end */

	assert_non_null(copy);
	if (n > 0)
		memcpy(copy + 1, in, n);
	mf_error_clear(&f->e);
	assert_int_equal(mf_decode(f->dec, codec, copy + 1, n, f->back, plain_len, &f->e),
	    code == MF_OK ? 0 : -1);
	assert_int_equal(f->e.code, code);
	free(copy);
}

/* Every length but the right one is refused: of the encoding, and of the plaintext. */
static void
refuse_lengths(struct fixture *f, uint32_t codec, size_t len, size_t n)
{
	size_t i;

	for (i = 0; i < len; i += i < 200 || len - i < 200 ? 1 : 97)
		expect(f, MF_EDAMAGED, codec, f->body, i, n);
	f->body[len] = 0;
	expect(f, MF_EDAMAGED, codec, f->body, len + 1, n);
	expect(f, MF_EDAMAGED, codec, f->body, len, n - 1);
	expect(f, MF_EDAMAGED, codec, f->body, len, n + 1);
	expect(f, MF_EDAMAGED, codec, f->body, len, 0);
	expect(f, MF_EDAMAGED, codec, f->body, len, BIG);
	expect(f, MF_EDAMAGED, codec, f->body, len, BIG + 1);
	expect(f, MF_EDAMAGED, codec, f->body, len, SIZE_MAX);
	expect(f, MF_OK, codec, f->body, len, n);
}

/* A flipped bit may decode (chunk ids find that), but never outside the buffers. */
static void
flip_bits(struct fixture *f, uint32_t codec, size_t len, size_t n)
{
	size_t i;
	unsigned bit;

	for (i = 0; i < len; i += i < 300 ? 1 : 211)
		for (bit = 0; bit < 8; bit++) {
			f->body[i] ^= (uint8_t)(1u << bit);
			f->back[n] = 0x5a;
			(void)mf_decode(f->dec, codec, f->body, len, f->back, n, &f->e);
			assert_int_equal(f->back[n], 0x5a);
			f->body[i] ^= (uint8_t)(1u << bit);
		}
}

static void
test_hostile(void **state)
{
	static const struct {
		enum data kind;
		enum mf_element element;
	} rows[] = {{WEIGHTS16, MF_ELEMENT_BF16}, {WEIGHTS32, MF_ELEMENT_F32},
	    {WEIGHTS32, MF_ELEMENT_UNKNOWN}, {TEXT, MF_ELEMENT_TEXT}, {NOISE, MF_ELEMENT_BYTES},
	    {ZEROS, MF_ELEMENT_Q6_K}, {SPARSE, MF_ELEMENT_I32}, {RAMP, MF_ELEMENT_I64},
	    {ZEROS, MF_ELEMENT_I8}};
	struct fixture *f = *state;
	const size_t n = 20011;
	size_t i, len;
	uint32_t codec;

	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		fill(rows[i].kind, f->plain, n);
		len = round_trip(f, rows[i].element, n, &codec);
		refuse_lengths(f, codec, len, n);
		flip_bits(f, codec, len, n);
	}
	for (i = 0; i < 3; i++)
		expect(f, i == 0 ? MF_OK : MF_EDAMAGED, (uint32_t)i, f->body, 0, 0);
	expect(f, MF_EUNSUPPORTED, MF_CODECS, f->body, 0, 0);
	expect(f, MF_EUNSUPPORTED, 0x80000000, f->body, 10, 10);
}

static void
test_names(void **state)
{
	(void)state;
	assert_string_equal(mf_codec_name(0), "stored");
	assert_string_equal(mf_codec_name(1), "zstd");
	assert_string_equal(mf_codec_name(2), "planes");
	assert_null(mf_codec_name(3));
	mf_encoder_free(NULL);
	mf_decoder_free(NULL);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_small_sizes),
		TEST(test_large_sizes),
		TEST(test_unaligned_floats),
		TEST(test_levels),
		TEST(test_misuse),
		TEST(test_hostile),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests_name("codec", tests, NULL, NULL);
}
