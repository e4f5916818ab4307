/*
 * By the SHA extensions of x86-64 (Intel, "Intel SHA Extensions", 2013). The eight words of the
 * state lie in two registers as the instructions want them, ABEF and CDGH, from the highest lane to
 * the lowest; SHA256RNDS2 makes two rounds, SHA256MSG1 and SHA256MSG2 four words of the schedule.
 */
#include <cpuid.h>
#include <immintrin.h>
#include <stdbool.h>

#include "crypto/sha256_pair.h"

#define SHA __attribute__((target("sha,sse4.1,ssse3"), always_inline)) static inline

/* FIPS 180-4, 4.2.2. */
static const uint32_t k[64] __attribute__((aligned(16))) = {0x428a2f98, 0x71374491, 0xb5c0fbcf,
    0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be,
    0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6,
    0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8,
    0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc,
    0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b, 0xc24b8b70,
    0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08, 0x2748774c,
    0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814,
    0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

struct registers {
	__m128i abef, cdgh;
	__m128i abef_before, cdgh_before; /* this block */
	__m128i w[4];                     /* the last sixteen words of the schedule */
};

SHA void
load_state(struct registers *r, const struct mf_sha256_stream *s)
{
	const __m128i dcba = _mm_loadu_si128((const __m128i *)(const void *)&s->state[0]);
	const __m128i hgfe = _mm_loadu_si128((const __m128i *)(const void *)&s->state[4]);
	const __m128i cdab = _mm_shuffle_epi32(dcba, 0xb1), efgh = _mm_shuffle_epi32(hgfe, 0x1b);

	r->abef = _mm_alignr_epi8(cdab, efgh, 8);
	r->cdgh = _mm_blend_epi16(efgh, cdab, 0xf0);
}

SHA void
store_state(const struct registers *r, struct mf_sha256_stream *s)
{
	const __m128i feba = _mm_shuffle_epi32(r->abef, 0x1b);
	const __m128i dchg = _mm_shuffle_epi32(r->cdgh, 0xb1);

	_mm_storeu_si128((__m128i *)(void *)&s->state[0], _mm_blend_epi16(feba, dchg, 0xf0));
	_mm_storeu_si128((__m128i *)(void *)&s->state[4], _mm_alignr_epi8(dchg, feba, 8));
}

SHA void
begin_block(struct registers *r, const uint8_t *bytes)
{
	const __m128i big_endian =
	    _mm_set_epi64x(INT64_C(0x0c0d0e0f08090a0b), INT64_C(0x0405060700010203));
	size_t i;

	r->abef_before = r->abef;
	r->cdgh_before = r->cdgh;
#pragma GCC unroll 4
	for (i = 0; i < 4; i++)
		r->w[i] = _mm_shuffle_epi8(
		    _mm_loadu_si128((const __m128i *)(const void *)(bytes + 16 * i)), big_endian);
}

/* Rounds 4i to 4i + 3. */
SHA void
rounds(struct registers *r, size_t i)
{
	__m128i *w = &r->w[i & 3];
	__m128i next, wk;

	if (i >= 4) { /* W[t] of FIPS 180-4, 6.2.2, step 1 */
		next = _mm_sha256msg1_epu32(*w, r->w[(i + 1) & 3]);
		next =
		    _mm_add_epi32(next, _mm_alignr_epi8(r->w[(i + 3) & 3], r->w[(i + 2) & 3], 4));
		*w = _mm_sha256msg2_epu32(next, r->w[(i + 3) & 3]);
	}
	wk = _mm_add_epi32(*w, _mm_load_si128((const __m128i *)(const void *)&k[4 * i]));
	r->cdgh = _mm_sha256rnds2_epu32(r->cdgh, r->abef, wk);
	r->abef = _mm_sha256rnds2_epu32(r->abef, r->cdgh, _mm_shuffle_epi32(wk, 0x0e));
}

SHA void
end_block(struct registers *r)
{
	r->abef = _mm_add_epi32(r->abef, r->abef_before);
	r->cdgh = _mm_add_epi32(r->cdgh, r->cdgh_before);
}

__attribute__((target("sha,sse4.1,ssse3"))) static void
one(struct mf_sha256_stream *a, size_t n_blocks)
{
	struct registers r;
	size_t i;

	load_state(&r, a);
	for (; n_blocks > 0; n_blocks--, a->bytes += MF_SHA256_BLOCK_BYTES) {
		begin_block(&r, a->bytes);
#pragma GCC unroll 16
		for (i = 0; i < 16; i++)
			rounds(&r, i);
		end_block(&r);
	}
	store_state(&r, a);
}

__attribute__((target("sha,sse4.1,ssse3"))) static void
two(struct mf_sha256_stream *a, struct mf_sha256_stream *b, size_t n_blocks)
{
	struct registers r, q;
	size_t i;

	load_state(&r, a);
	load_state(&q, b);
	for (; n_blocks > 0; n_blocks--) {
		begin_block(&r, a->bytes);
		begin_block(&q, b->bytes);
#pragma GCC unroll 16
		for (i = 0; i < 16; i++) {
			rounds(&r, i);
			rounds(&q, i);
		}
		end_block(&r);
		end_block(&q);
		a->bytes += MF_SHA256_BLOCK_BYTES;
		b->bytes += MF_SHA256_BLOCK_BYTES;
	}
	store_state(&r, a);
	store_state(&q, b);
}

/* CPUID.7.0:EBX.SHA, CPUID.1:ECX.SSSE3 and .SSE4_1 (Intel SDM, volume 2A). */
static bool
has_instructions(void)
{
	unsigned a, b, c, d;

	if (__get_cpuid(1, &a, &b, &c, &d) == 0 || (c & bit_SSSE3) == 0 || (c & bit_SSE4_1) == 0)
		return false;
	return __get_cpuid_count(7, 0, &a, &b, &c, &d) != 0 && (b & bit_SHA) != 0;
}

const struct mf_sha256_kernel *
mf_sha256_kernel(void)
{
	static const struct mf_sha256_kernel kernel = {one, two};

	return has_instructions() ? &kernel : NULL;
}
