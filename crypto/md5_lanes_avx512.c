/*
 * Sixteen lanes by AVX-512, and eight where more are not wanted: md5_lanes_simd.inc. It has a
 * rotation, and any function of three values, in one instruction each. Only the functions here are
 * compiled for it.
 */
#include <immintrin.h>

#include "crypto/md5_lanes_x86.h"
#include "crypto/md5_rounds.h"

#define TARGET __attribute__((target("avx2,avx512f,avx512vl")))
/* The truth table of a function: bit 4 b + 2 c + d. */
#define FF(b, c, d) OP(ternarylogic_epi32)((b), (c), (d), 0xca)
#define GG(b, c, d) OP(ternarylogic_epi32)((b), (c), (d), 0xe4)
#define GG_EARLY(c, d) ZERO
#define HH(b, c, d) OP(ternarylogic_epi32)((b), (c), (d), 0x96)
#define II(b, c, d) OP(ternarylogic_epi32)((b), (c), (d), 0x39)
#define ROTATE(v, s) OP(rol_epi32)((v), (s))

#define COMPRESS compress_8
#define VEC __m256i
#define LANES 8u
#define OP(x) _mm256_##x
#define ZERO _mm256_setzero_si256()
#define LOAD(p) _mm256_loadu_si256((const __m256i *)(const void *)(p))
#define STORE(p, v) _mm256_storeu_si256((__m256i *)(void *)(p), (v))
#define GATHER MD5_GATHER_256

#include "crypto/md5_lanes_simd.inc"

#undef COMPRESS
#undef VEC
#undef LANES
#undef OP
#undef ZERO
#undef LOAD
#undef STORE
#undef GATHER
#define COMPRESS compress_16
#define VEC __m512i
#define LANES 16u
#define OP(x) _mm512_##x
#define ZERO _mm512_setzero_si512()
#define LOAD(p) _mm512_loadu_si512((const void *)(p))
#define STORE(p, v) _mm512_storeu_si512((void *)(p), (v))
#define INSERT(to, p, i, at, where) _mm512_inserti32x4((to), MD5_LOAD_128((p)[i] + (at)), (where))
#define GATHER(p, i, at)                                                                           \
	INSERT(                                                                                    \
	    INSERT(_mm512_castsi256_si512(MD5_GATHER_256((p), (i), (at))), (p), (i) + 8, (at), 2), \
	    (p), (i) + 12, (at), 3)

#include "crypto/md5_lanes_simd.inc"

static void
compress(struct mf_md5_lane *lane, unsigned n, size_t blocks)
{
	if (n <= 8)
		compress_8(lane, n, blocks);
	else
		compress_16(lane, n, blocks);
}

const struct mf_md5_kernel *
mf_md5_avx512(void)
{
	static const struct mf_md5_kernel kernel = {"avx512", LANES, compress};

	return &kernel;
}
