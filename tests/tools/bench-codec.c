/*
 * bench-codec: the codec alone, on one core, beside zstd -1 on the same data.
 *
 *	bench-codec [-e ELEMENT] [-m MIB] [-r ROUNDS] [-l LEVEL] [-t] [FILE]
 *
 * Without FILE, weights as training leaves them are generated: Gaussians with a tail, of a
 * scale that differs by tensor. Without -e, all kinds of generated data. Data is taken in
 * chunks of 8 MiB. Speeds are of plaintext, medians over rounds in which both codecs and both
 * directions alternate. "bound" is the order-0 bound: for each chunk, the entropy of
 * the rotated byte planes, none more than its own length. -t prints tab-separated values.
 */
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <zstd.h>

#include "src/codec/codec.h"
#include "src/codec/layout.h"
#include "src/codec/measure.h"

#define CHUNK ((size_t)8 << 20)
#define ROUNDS_MAX 99

enum clock { OUR_ENCODE, OUR_DECODE, ZSTD_ENCODE, ZSTD_DECODE, CLOCKS };

struct kind {
	const char *name;
	enum mf_element element;
	size_t bytes;
	void (*make)(uint8_t *out, size_t n);
};

struct options {
	size_t mib;
	int rounds, level;
	bool tabs;
};

struct bench {
	const struct options *options;
	enum mf_element element;
	const uint8_t *data;
	size_t n;
	uint8_t *body, *back; /* of one chunk */
	struct mf_encoder *enc;
	struct mf_decoder *dec;
	ZSTD_CCtx *cctx;
	ZSTD_DCtx *dctx;
	double seconds[CLOCKS][ROUNDS_MAX];
	size_t stored, zstd_stored;
	double bound;
	unsigned codecs; /* bit set of those that came out */
};

static void
die(const char *why)
{
	fprintf(stderr, "bench-codec: %s\n", why);
	exit(1);
}

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static uint64_t
random_u64(void)
{
	static uint64_t s = 0x9e3779b97f4a7c15u;

	s ^= s << 13;
	s ^= s >> 7;
	s ^= s << 17;
	return s * 0x2545f4914f6cdd1du;
}

static double
uniform(void)
{
	return ((double)(random_u64() >> 11) + 0.5) / 9007199254740992.0;
}

/* A weight: Gaussian, one in 32 three times as wide; another scale every 2 Mi weights. */
static double
weight(void)
{
	static double spare, scale = 0.02;
	static bool have_spare;
	static size_t count;
	double r, a;

	if (count++ % ((size_t)2 << 20) == 0)
		scale = 0.01 * exp2(3 * uniform());
	have_spare = !have_spare;
	if (!have_spare)
		return spare * scale;
	r = sqrt(-2 * log(uniform())) * (random_u64() >> 59 == 0 ? 3 : 1);
	a = 6.283185307179586 * uniform();
	spare = r * sin(a);
	return r * cos(a) * scale;
}

static uint32_t
bits_of_float(float f)
{
	uint32_t v;

	memcpy(&v, &f, sizeof v);
	return v;
}

static uint16_t
half_of(double w)
{
	const uint32_t v = bits_of_float((float)w);
	const int exponent = (int)(v >> 23 & 255) - 112;
	const uint32_t sign = v >> 16 & 0x8000;

	if (exponent <= 0) /* subnormal */
		return (uint16_t)(sign | (uint32_t)lrint(fabs(w) * 16777216));
	return (uint16_t)(sign | (((uint32_t)exponent << 10 | (v >> 13 & 1023)) + (v >> 12 & 1)));
}

static void
make_f64(uint8_t *out, size_t n)
{
	double w;

	for (; n >= 8; n -= 8, out += 8) {
		w = weight();
		memcpy(out, &w, 8);
	}
}

static void
make_f32(uint8_t *out, size_t n)
{
	float w;

	for (; n >= 4; n -= 4, out += 4) {
		w = (float)weight();
		memcpy(out, &w, 4);
	}
}

static void
make_bf16(uint8_t *out, size_t n)
{
	uint16_t v;

	for (; n >= 2; n -= 2, out += 2) {
		v = (uint16_t)((bits_of_float((float)weight()) + 0x8000) >> 16);
		memcpy(out, &v, 2);
	}
}

static void
make_f16(uint8_t *out, size_t n)
{
	uint16_t v;

	for (; n >= 2; n -= 2, out += 2) {
		v = half_of(weight());
		memcpy(out, &v, 2);
	}
}

/* f16 that was bf16 before: the mantissa's low 3 bits are zero */
static void
make_f16_of_bf16(uint8_t *out, size_t n)
{
	uint16_t v;

	for (; n >= 2; n -= 2, out += 2) {
		v = half_of(weight()) & 0xfff8;
		memcpy(out, &v, 2);
	}
}

static void
make_f8(uint8_t *out, size_t n)
{
	for (; n > 0; n--, out++) /* E5M2 is the upper half of f16, E4M3 much alike */
		*out = (uint8_t)((half_of(weight()) + 0x80) >> 8);
}

static void
make_i8(uint8_t *out, size_t n)
{
	for (; n > 0; n--, out++)
		*out = (uint8_t)(int)fmax(-127, fmin(127, rint(weight() * 1000)));
}

static void
make_q4_0(uint8_t *out, size_t n)
{
	double w[32], most;
	uint16_t d;
	unsigned i, q[32];

	for (; n >= 18; n -= 18, out += 18) {
		most = 0;
		for (i = 0; i < 32; i++) {
			w[i] = weight();
			most = fabs(w[i]) > fabs(most) ? w[i] : most;
		}
		d = half_of(most / -8);
		memcpy(out, &d, 2);
		for (i = 0; i < 32; i++)
			q[i] = (unsigned)fmin(15, w[i] / (most / -8) + 8.5);
		for (i = 0; i < 16; i++)
			out[2 + i] = (uint8_t)(q[i] | q[i + 16] << 4);
	}
}

static void
make_q8_0(uint8_t *out, size_t n)
{
	double w[32], most;
	uint16_t d;
	unsigned i;

	for (; n >= 34; n -= 34, out += 34) {
		most = 1e-9;
		for (i = 0; i < 32; i++) {
			w[i] = weight();
			most = fmax(most, fabs(w[i]));
		}
		d = half_of(most / 127);
		memcpy(out, &d, 2);
		for (i = 0; i < 32; i++)
			out[2 + i] = (uint8_t)(int)rint(w[i] * 127 / most);
	}
}

static void
make_noise(uint8_t *out, size_t n)
{
	uint64_t v;

	for (; n >= 8; n -= 8, out += 8) {
		v = random_u64();
		memcpy(out, &v, 8);
	}
}

static void
make_text(uint8_t *out, size_t n)
{
	static const char *const words[] = {"\"model\"", "weight", "layers", "attn", "_proj", ": ",
		"{", "}", "\"dtype\"", "BF16", "shape", "[4096]", ",\n", "data_offsets"};
	size_t i = 0, len;
	char number[24];

	while (i < n) {
		const uint64_t r = random_u64();
		const char *word = words[r % (sizeof words / sizeof words[0])];

		if (r >> 61 == 0) {
			snprintf(number, sizeof number, "%u", (unsigned)(r >> 32 & 0xfffff));
			word = number;
		}
		len = strlen(word) < n - i ? strlen(word) : n - i;
		memcpy(out + i, word, len);
		i += len;
	}
}

static void
make_zeros(uint8_t *out, size_t n)
{
	memset(out, 0, n);
}

static const struct kind kinds[] = {
	{"bf16", MF_ELEMENT_BF16, 2, make_bf16},
	{"f16", MF_ELEMENT_F16, 2, make_f16},
	{"f16-of-bf16", MF_ELEMENT_F16, 2, make_f16_of_bf16},
	{"f32", MF_ELEMENT_F32, 4, make_f32},
	{"f64", MF_ELEMENT_F64, 8, make_f64},
	{"f8", MF_ELEMENT_F8_E5M2, 1, make_f8},
	{"i8", MF_ELEMENT_I8, 1, make_i8},
	{"q4_0", MF_ELEMENT_Q4_0, 18, make_q4_0},
	{"q8_0", MF_ELEMENT_Q8_0, 34, make_q8_0},
	{"text", MF_ELEMENT_TEXT, 1, make_text},
	{"noise", MF_ELEMENT_BYTES, 1, make_noise},
	{"zeros", MF_ELEMENT_UNKNOWN, 1, make_zeros},
	{"unknown-bf16", MF_ELEMENT_UNKNOWN, 2, make_bf16},
	{"unknown-f32", MF_ELEMENT_UNKNOWN, 4, make_f32},
	{"unknown-text", MF_ELEMENT_UNKNOWN, 1, make_text},
};

static double
chunk_bound(enum mf_element element, const uint8_t *in, size_t n, uint8_t *split)
{
	const struct mf_layout *layouts[2] = {mf_layout_find(MF_LAYOUT_1)};
	uint8_t *planes[MF_LAYOUT_PLANES_MAX], *at = split;
	struct mf_histogram h;
	double sum = 0;
	unsigned p;

	(void)mf_layout_of(element, layouts);
	for (p = 0; p < layouts[0]->n_planes; p++) {
		planes[p] = at;
		at += mf_layout_plane_bytes(layouts[0], p, n / layouts[0]->block_bytes);
	}
	mf_layout_split(layouts[0], in, n / layouts[0]->block_bytes, planes);
	for (p = 0; p < layouts[0]->n_planes; p++) {
		mf_histogram_count(&h, planes[p],
		    mf_layout_plane_bytes(layouts[0], p, n / layouts[0]->block_bytes), 1);
		sum += mf_histogram_entropy_bytes(&h, false);
	}
	return sum + (double)(n % layouts[0]->block_bytes);
}

/* One chunk once through all four, adding to the seconds of round r. */
static void
run_chunk(struct bench *b, const uint8_t *in, size_t n, int r)
{
	double t[5];
	struct mf_encoded ours;
	size_t zstds;

	t[0] = now();
	if (mf_encode(b->enc, b->element, in, n, b->body, mf_encode_bound(CHUNK), &ours, NULL) != 0)
		die("encoding failed");
	t[1] = now();
	if (mf_decode(b->dec, ours.codec, ours.body, ours.len, b->back, n, NULL) != 0)
		die("decoding failed");
	t[2] = now();
	if (memcmp(in, b->back, n) != 0)
		die("decoded bytes differ");
	b->seconds[OUR_ENCODE][r] += t[1] - t[0];
	b->seconds[OUR_DECODE][r] += t[2] - t[1];
	t[2] = now();
	zstds = ZSTD_compressCCtx(b->cctx, b->body, mf_encode_bound(CHUNK), in, n, 1);
	t[3] = now();
	if (ZSTD_isError(ZSTD_decompressDCtx(b->dctx, b->back, n, b->body, zstds)))
		die("zstd failed");
	t[4] = now();
	b->seconds[ZSTD_ENCODE][r] += t[3] - t[2];
	b->seconds[ZSTD_DECODE][r] += t[4] - t[3];
	if (r == 0) {
		b->stored += ours.len;
		b->zstd_stored += zstds;
		b->codecs |= 1u << ours.codec;
		b->bound += chunk_bound(b->element, in, n, b->back);
	}
}

static int
compare(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double
median(double *v, int n)
{
	qsort(v, (size_t)n, sizeof *v, compare);
	return v[n / 2];
}

static void
report(struct bench *b, const char *name)
{
	const double n = (double)b->n;
	double speed[CLOCKS];
	char codecs[32] = "";
	int i;

	for (i = 0; i < CLOCKS; i++)
		speed[i] = n / 1e9 / median(b->seconds[i], b->options->rounds);
	for (i = 0; i < MF_CODECS; i++)
		if (b->codecs >> i & 1)
			snprintf(codecs + strlen(codecs), sizeof codecs - strlen(codecs), "%s%s",
			    codecs[0] == '\0' ? "" : "+", mf_codec_name((uint32_t)i));
	printf(b->options->tabs ?
	    "%s\t%.3f\t%.3f\t%.2f\t%.3f\t%.3f\t%.2f\t%.2f\t%.2f\t%.2f\t%s\n" :
	    "%-12s %7.2f %7.2f %7.2f | %7.2f %7.2f %7.2f | %7.2f %6.2f %6.2f  %s\n",
	    name, speed[OUR_ENCODE], speed[OUR_DECODE], 100 * (double)b->stored / n,
	    speed[ZSTD_ENCODE], speed[ZSTD_DECODE], 100 * (double)b->zstd_stored / n,
	    100 * b->bound / n, speed[OUR_ENCODE] / speed[ZSTD_ENCODE],
	    speed[OUR_DECODE] / speed[ZSTD_ENCODE], codecs);
	fflush(stdout);
}

static void
bench(const struct options *options, const char *name, enum mf_element element,
    const uint8_t *data, size_t n)
{
	const struct mf_codec_params params = {.level = options->level};
	struct bench *b = calloc(1, sizeof *b);
	size_t at;
	int r;

	if (b == NULL)
		die("out of memory");
	b->options = options;
	b->element = element;
	b->n = n;
	b->body = malloc(mf_encode_bound(CHUNK));
	b->back = malloc(CHUNK);
	b->enc = mf_encoder_new(&params, NULL);
	b->dec = mf_decoder_new(NULL);
	b->cctx = ZSTD_createCCtx();
	b->dctx = ZSTD_createDCtx();
	if (!b->body || !b->back || !b->enc || !b->dec || !b->cctx || !b->dctx)
		die("out of memory");
	for (r = 0; r < options->rounds; r++)
		for (at = 0; at < n; at += CHUNK)
			run_chunk(b, data + at, n - at < CHUNK ? n - at : CHUNK, r);
	report(b, name);
	mf_encoder_free(b->enc);
	mf_decoder_free(b->dec);
	ZSTD_freeCCtx(b->cctx);
	ZSTD_freeDCtx(b->dctx);
	free(b->back);
	free(b->body);
	free(b);
}

static const struct kind *
find_kind(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
		if (strcmp(kinds[i].name, name) == 0)
			return &kinds[i];
	die("unknown element kind");
	return NULL;
}

static void
bench_file(const struct options *options, const char *path, const struct kind *k)
{
	FILE *f = fopen(path, "rb");
	uint8_t *data = malloc(options->mib << 20);
	size_t n;

	if (f == NULL || data == NULL)
		die("cannot read the file");
	n = fread(data, 1, options->mib << 20, f);
	fclose(f);
	if (n == 0)
		die("the file is empty");
	bench(options, k == NULL ? "unknown" : k->name,
	    k == NULL ? MF_ELEMENT_UNKNOWN : k->element, data, n);
	free(data);
}

static void
bench_generated(const struct options *options, const struct kind *only)
{
	const size_t n = options->mib << 20;
	uint8_t *data = malloc(n);
	size_t i;

	if (data == NULL)
		die("out of memory");
	for (i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
		if (only != NULL && only != &kinds[i])
			continue;
		memset(data, 0, n);
		kinds[i].make(data, n);
		bench(options, kinds[i].name, kinds[i].element, data, n);
	}
	free(data);
}

int
main(int argc, char **argv)
{
	struct options options = {.mib = 32, .rounds = 5};
	const struct kind *only = NULL;
	int c;

	while ((c = getopt(argc, argv, "e:m:r:l:t")) != -1) {
		switch (c) {
		case 'e': only = find_kind(optarg); break;
		case 'm': options.mib = strtoul(optarg, NULL, 10); break;
		case 'r': options.rounds = (int)strtol(optarg, NULL, 10); break;
		case 'l': options.level = (int)strtol(optarg, NULL, 10); break;
		case 't': options.tabs = true; break;
		default: die("usage: bench-codec [-t] [-e KIND] [-m MIB] [-r ROUNDS] [-l LEVEL] [FILE]");
		}
	}
	if (options.mib == 0 || options.rounds < 1 || options.rounds > ROUNDS_MAX)
		die("sizes and rounds must be from 1 to 99 rounds");
	if (!options.tabs)
		printf("%-12s %7s %7s %7s | %7s %7s %7s | %7s %6s %6s\n", "GB/s, one core", "encode",
		    "decode", "stored%", "zstd-1", "decode", "stored%", "bound%", "enc/z", "dec/z");
	if (optind < argc)
		bench_file(&options, argv[optind], only);
	else
		bench_generated(&options, only);
	return 0;
}
