/* Blocks of llama.cpp's ggml-quants.h: Q8_0, Q4_K, Q6_K. Plain rounding, no search for the
 * best scale: the bytes only have to look like those of a quantised model. */
#include <math.h>
#include <string.h>

#include "checkpoint.h"

static void
put_half(uint8_t *out, float v)
{
	uint16_t h = to_f16(v);

	memcpy(out, &h, 2);
}

static int
clamp(float v, int lo, int hi)
{
	int q = (int)(v + 4096.5f) - 4096; /* rounds; far faster than lrintf */

	return q < lo ? lo : q > hi ? hi : q;
}

static float
largest(const float *v, size_t n)
{
	float max = 0;
	size_t i;

	for (i = 0; i < n; i++)
		max = fabsf(v[i]) > max ? fabsf(v[i]) : max;
	return max;
}

/* 32 values: f16 scale, 32 signed bytes. */
static void
block_q8_0(const float *v, uint8_t *out)
{
	float d = largest(v, 32) / 127, inverse = d > 0 ? 1 / d : 0;
	size_t i;

	put_half(out, d);
	for (i = 0; i < 32; i++)
		out[2 + i] = (uint8_t)(int8_t)clamp(v[i] * inverse, -127, 127);
}

/* Eight 6-bit scales and eight 6-bit minima in 12 bytes. */
static void
pack_scales(const int *scale, const int *min, uint8_t *out)
{
	int j;

	memset(out, 0, 12);
	for (j = 0; j < 8; j++) {
		if (j < 4) {
			out[j] |= (uint8_t)scale[j];
			out[j + 4] |= (uint8_t)min[j];
		} else {
			out[j + 4] |= (uint8_t)((scale[j] & 15) | (min[j] & 15) << 4);
			out[j - 4] |= (uint8_t)(scale[j] >> 4 << 6);
			out[j] |= (uint8_t)(min[j] >> 4 << 6);
		}
	}
}

/* 256 values: f16 d, f16 dmin, scales, 4 bits each; value = d * scale * q - dmin * min. */
static void
block_q4_k(const float *v, uint8_t *out)
{
	float lo[8], range[8], d = 0, dmin = 0, step, base;
	int scale[8], min[8], q, j, i;

	for (j = 0; j < 8; j++) {
		float hi = 0;

		lo[j] = 0;
		for (i = 0; i < 32; i++) {
			lo[j] = v[32 * j + i] < lo[j] ? v[32 * j + i] : lo[j];
			hi = v[32 * j + i] > hi ? v[32 * j + i] : hi;
		}
		range[j] = (hi - lo[j]) / 15;
		d = range[j] / 63 > d ? range[j] / 63 : d;
		dmin = -lo[j] / 63 > dmin ? -lo[j] / 63 : dmin;
	}
	put_half(out, d);
	put_half(out + 2, dmin);
	for (j = 0; j < 8; j++) {
		scale[j] = d > 0 ? clamp(range[j] / d, 1, 63) : 0;
		min[j] = dmin > 0 ? clamp(-lo[j] / dmin, 0, 63) : 0;
	}
	pack_scales(scale, min, out + 4);
	memset(out + 16, 0, 128);
	for (j = 0; j < 8; j++) {
		step = d > 0 ? 1 / (d * (float)scale[j]) : 0;
		base = dmin * (float)min[j];
		for (i = 0; i < 32; i++) {
			q = clamp((v[32 * j + i] + base) * step, 0, 15);
			out[16 + 32 * (j / 2) + i] |= (uint8_t)(j % 2 ? q << 4 : q);
		}
	}
}

/* 256 values: low 4 bits, high 2 bits, sixteen 8-bit scales, f16 d. */
static void
block_q6_k(const float *v, uint8_t *out)
{
	uint8_t *low = out, *high = out + 128;
	float range[16], d, step;
	int scale, q, i, in_half;

	for (i = 0; i < 16; i++)
		range[i] = largest(v + 16 * i, 16) / 31;
	d = largest(range, 16) / 127;
	memset(out, 0, 192);
	for (i = 0; i < 256; i++) {
		scale = d > 0 ? clamp(range[i / 16] / d, 1, 127) : 0;
		step = d > 0 ? 1 / (d * (float)scale) : 0;
		out[192 + i / 16] = (uint8_t)scale;
		q = clamp(v[i] * step, -32, 31) + 32;
		in_half = i % 128;
		low[i / 128 * 64 + in_half % 64] |= (uint8_t)((q & 15) << (in_half / 64 * 4));
		high[i / 128 * 32 + in_half % 32] |= (uint8_t)((q >> 4) << (in_half / 32 * 2));
	}
	put_half(out + 208, d);
}

size_t
quantise(enum dtype d, const float *v, size_t n, uint8_t *out)
{
	const uint8_t *start = out;
	size_t i;

	if (d == Q8_0)
		for (i = 0; i < n; i += 32, out += 34)
			block_q8_0(v + i, out);
	else if (d == Q4_K)
		for (i = 0; i < n; i += 256, out += 144)
			block_q4_k(v + i, out);
	else
		for (i = 0; i < n; i += 256, out += 210)
			block_q6_k(v + i, out);
	return (size_t)(out - start);
}
