#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "checkpoint.h"

#define FINE 65536  /* values of a distribution: formats of 16 bits and less take them as they are */
#define COARSE 4096 /* knots of it, between which f32 is interpolated */
#define ZERO_BLOCK_BYTES (1u << 20)
#define UPDATE 0.003f

struct source {
	const struct recipe *recipe;
	float unit[FINE];   /* weights of scale 1: nine parts Gaussian, one part 2.5 times as wide */
	float normal[FINE]; /* a Gaussian */
	float knots[COARSE + 1];
	char now[MAX_NAME]; /* the tensor that the tables below are for */
	float master[FINE];
	float lo[COARSE], step[COARSE];
	uint16_t half[FINE];
	uint8_t byte[FINE];
	float values[BLOCK_ELEMENTS];
};

uint64_t
hash_text(const char *text, uint64_t seed)
{
	uint64_t h = 14695981039346656037u ^ (seed * 0x9E3779B97F4A7C15u);

	for (; *text != '\0'; text++)
		h = (h ^ (uint8_t)*text) * 1099511628211u;
	return random_at(h, 1);
}

uint64_t
random_at(uint64_t seed, uint64_t i)
{
	uint64_t z = seed + i * 0x9E3779B97F4A7C15u;

	z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
	z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
	return z ^ (z >> 31);
}

uint16_t
to_bf16(float v)
{
	uint32_t u;

	memcpy(&u, &v, 4);
	return (uint16_t)((u + 0x7fff + ((u >> 16) & 1)) >> 16);
}

uint16_t
to_f16(float v)
{
	uint32_t u, sign, m, shift, half;
	int e;

	memcpy(&u, &v, 4);
	sign = (u >> 16) & 0x8000;
	e = (int)((u >> 23) & 0xff) - 112;
	m = (u & 0x7fffff) | 0x800000;
	if (e >= 31)
		return (uint16_t)(sign | 0x7c00);
	if (e < -10)
		return (uint16_t)sign;
	shift = e > 0 ? 13 : (uint32_t)(14 - e);
	half = (m >> shift) + (((m >> (shift - 1)) & 1) &
	    (((m & ((1u << (shift - 1)) - 1)) != 0) | ((m >> shift) & 1)));
	/* a carry out of the mantissa runs into the exponent, as it should */
	return (uint16_t)(sign | (e > 0 ? ((uint32_t)(e - 1) << 10) + half : half));
}

uint8_t
to_f8(float v)
{
	uint8_t sign = v < 0 ? 0x80 : 0;
	float a = fabsf(v);
	int e, q;

	if (a >= 448)
		return sign | 0x7e;
	(void)frexpf(a, &e); /* a = m * 2^e, m in [0.5, 1) */
	e = a == 0 || e < -5 ? -5 : e;
	q = (int)nearbyintf(ldexpf(a, 4 - e)); /* in units of the last place, 8..16 if normal */
	return sign | (uint8_t)((e + 5) * 8 + q); /* the implicit bit is the exponent's first 1 */
}

/* The inverse of the normal distribution function: P. J. Acklam's rational approximation,
 * relative error below 1.15e-9. */
static double
normal_quantile(double p)
{
	static const double a[] = {-3.969683028665376e+01, 2.209460984245205e+02,
	    -2.759285104469687e+02, 1.383577518672690e+02, -3.066479806614716e+01,
	    2.506628277459239e+00};
	static const double b[] = {-5.447609879822406e+01, 1.615858368580409e+02,
	    -1.556989798598866e+02, 6.680131188771972e+01, -1.328068155288572e+01};
	static const double c[] = {-7.784894002430293e-03, -3.223964580411365e-01,
	    -2.400758277161838e+00, -2.549732539343734e+00, 4.374664141464968e+00,
	    2.938163982698783e+00};
	static const double d[] = {7.784695709041462e-03, 3.224671290700398e-01,
	    2.445134137142996e+00, 3.754408661907416e+00};
	double q, r;

	if (p > 0.5)
		return -normal_quantile(1 - p);
	if (p < 0.02425) {
		q = sqrt(-2 * log(p));
		return (((((c[0] * q + c[1]) * q + c[2]) * q + c[3]) * q + c[4]) * q + c[5]) /
		    ((((d[0] * q + d[1]) * q + d[2]) * q + d[3]) * q + 1);
	}
	q = p - 0.5;
	r = q * q;
	return (((((a[0] * r + a[1]) * r + a[2]) * r + a[3]) * r + a[4]) * r + a[5]) * q /
	    (((((b[0] * r + b[1]) * r + b[2]) * r + b[3]) * r + b[4]) * r + 1);
}

/* i in [0, n): the first nine tenths are a Gaussian, the rest a wider one. */
static float
mixture(double i, double n)
{
	double narrow = n * 0.9;

	if (i < narrow)
		return (float)normal_quantile((i + 0.5) / (narrow + 1));
	return (float)(2.5 * normal_quantile((i - narrow + 0.5) / (n - narrow + 1)));
}

struct source *
source_new(const struct recipe *r)
{
	struct source *s = need(calloc(1, sizeof *s));
	unsigned i;

	s->recipe = r;
	for (i = 0; i < FINE; i++) {
		s->unit[i] = mixture(i, FINE);
		s->normal[i] = (float)normal_quantile((i + 0.5) / FINE);
	}
	for (i = 0; i <= COARSE; i++)
		s->knots[i] = mixture(i, COARSE);
	return s;
}

void
source_free(struct source *s)
{
	free(s);
}

static float
look_like(const struct tensor *t, float x)
{
	switch (t->look) {
	case LOOK_NORM: return 1 + 0.08f * x;
	case LOOK_MOMENT: return 1e-3f * t->sigma * x * fabsf(x);
	case LOOK_VARIANCE: return 1e-6f * t->sigma * t->sigma * (x * x + 1e-3f);
	case LOOK_WEIGHT: break;
	}
	return (t->dtype == F8 ? 1000 : 1) * t->sigma * x;
}

static void
load_tables(struct source *s, const struct tensor *t)
{
	unsigned i;
	float hi;

	if (strcmp(s->now, t->name) == 0)
		return;
	memcpy(s->now, t->name, sizeof s->now);
	for (i = 0; t->dtype == F32 && i < COARSE; i++) {
		s->lo[i] = look_like(t, s->knots[i]);
		hi = look_like(t, s->knots[i + 1]);
		/* no bridge from one component of the mixture to the other */
		s->step[i] = s->knots[i + 1] < s->knots[i] ? 0 : (hi - s->lo[i]) / (1 << 20);
	}
	for (i = 0; t->dtype != F32 && i < FINE; i++) {
		s->master[i] = look_like(t, s->unit[i]);
		if (t->dtype == BF16)
			s->half[i] = to_bf16(s->master[i]);
		else if (t->dtype == F16)
			s->half[i] = to_f16(s->master[i]);
		else if (t->dtype == F8)
			s->byte[i] = to_f8(s->master[i]);
	}
}

/* The numbers as f32, before any rounding. n is rounded up to a multiple of 4. */
static void
fill_master(struct source *s, const struct tensor *t, uint64_t stream, size_t n)
{
	uint64_t x;
	uint32_t lane;
	size_t i, k;

	if (t->dtype == F32) {
		for (i = 0; i < n; i += 2) {
			x = random_at(stream, i / 2);
			for (k = 0; k < 2; k++) {
				lane = (uint32_t)(x >> (32 * k));
				s->values[i + k] = s->lo[lane >> 20] +
				    s->step[lane >> 20] * (float)(lane & 0xfffff);
			}
		}
		return;
	}
	for (i = 0; i < n; i += 4) {
		x = random_at(stream, i / 4);
		s->values[i] = s->master[x & 0xffff];
		s->values[i + 1] = s->master[(x >> 16) & 0xffff];
		s->values[i + 2] = s->master[(x >> 32) & 0xffff];
		s->values[i + 3] = s->master[x >> 48];
	}
}

/* A step of training: every element of the range moves by a few thousandths. */
static bool
apply_changes(struct source *s, const struct tensor *t, uint64_t block, size_t n, bool only_ask)
{
	uint64_t first = block * BLOCK_ELEMENTS, stream, from, to, i;
	unsigned step;

	for (step = 0; step < s->recipe->n_steps; step++) {
		from = t->changes[step].from;
		to = from + t->changes[step].count;
		from = from > first ? from - first : 0;
		to = to > first ? to - first : 0;
		to = to > n ? n : to;
		if (from >= to)
			continue;
		if (only_ask)
			return true;
		stream = hash_text(t->content, s->recipe->steps[step].seed + 1000 + step) + block;
		stream = random_at(stream, 1);
		for (i = from; i < to; i++)
			s->values[i] *= 1 + UPDATE * s->normal[random_at(stream, i) & 0xffff];
	}
	return false;
}

static void
fill_halves(const uint16_t *table, uint64_t stream, size_t n, uint8_t *out)
{
	uint16_t v[4];
	uint64_t x;
	size_t i;

	for (i = 0; i < n; i += 4) {
		x = random_at(stream, i / 4);
		v[0] = table[x & 0xffff];
		v[1] = table[(x >> 16) & 0xffff];
		v[2] = table[(x >> 32) & 0xffff];
		v[3] = table[x >> 48];
		memcpy(out + 2 * i, v, sizeof v);
	}
}

static void
fill_octets(const uint8_t *table, uint64_t stream, size_t n, uint8_t *out)
{
	uint64_t x;
	size_t i;

	for (i = 0; i < n; i += 4) {
		x = random_at(stream, i / 4);
		out[i] = table[x & 0xffff];
		out[i + 1] = table[(x >> 16) & 0xffff];
		out[i + 2] = table[(x >> 32) & 0xffff];
		out[i + 3] = table[x >> 48];
	}
}

static size_t
encode(const struct source *s, const struct tensor *t, size_t n, uint8_t *out)
{
	uint16_t v;
	size_t i;

	switch (t->dtype) {
	case F32: memcpy(out, s->values, n * 4); return n * 4;
	case F8:
		for (i = 0; i < n; i++)
			out[i] = to_f8(s->values[i]);
		return n;
	case BF16:
	case F16:
		for (i = 0; i < n; i++) {
			v = t->dtype == BF16 ? to_bf16(s->values[i]) : to_f16(s->values[i]);
			memcpy(out + 2 * i, &v, 2);
		}
		return n * 2;
	case Q8_0:
	case Q4_K:
	case Q6_K: break;
	}
	return quantise(t->dtype, s->values, n, out);
}

static void
zero_some(const struct source *s, uint64_t stream, uint8_t *out, size_t n)
{
	size_t at, len;

	for (at = 0; at < n; at += ZERO_BLOCK_BYTES) {
		len = n - at < ZERO_BLOCK_BYTES ? n - at : ZERO_BLOCK_BYTES;
		if (random_at(stream, ~at) % 100 < s->recipe->zero)
			memset(out + at, 0, len);
	}
}

size_t
source_block(struct source *s, const struct tensor *t, uint64_t block, uint8_t *out)
{
	uint64_t stream = random_at(hash_text(t->content, s->recipe->seed) + block, 0);
	uint64_t left = tensor_elements(t) - block * BLOCK_ELEMENTS;
	size_t n = left < BLOCK_ELEMENTS ? (size_t)left : BLOCK_ELEMENTS, bytes;

	load_tables(s, t);
	if (t->dtype <= F8 && t->dtype != F32 && !apply_changes(s, t, block, n, true)) {
		bytes = t->dtype == F8 ? n : 2 * n;
		if (t->dtype == F8)
			fill_octets(s->byte, stream, n, out);
		else
			fill_halves(s->half, stream, n, out);
	} else {
		fill_master(s, t, stream, n);
		apply_changes(s, t, block, n, false);
		bytes = encode(s, t, n, out);
	}
	if (s->recipe->zero != 0)
		zero_some(s, stream, out, bytes);
	return bytes;
}
