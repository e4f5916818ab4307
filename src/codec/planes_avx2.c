/* The vector kernel in AVX2: planes_simd.inc. Only the functions here are compiled for it. */
#include <immintrin.h>

#include "src/codec/planes_x86.h"

#define VEC __m256i
#define LANES 2
#define TARGET __attribute__((target("avx2")))
#define OP(x) _mm256_##x
#define AND _mm256_and_si256
#define ANDNOT _mm256_andnot_si256
#define OR _mm256_or_si256
#define LOAD(p) _mm256_loadu_si256((const __m256i *)(const void *)(p))
#define STORE(p, v) _mm256_storeu_si256((__m256i *)(void *)(p), (v))
#define HALF(p) ((__m128i *)(void *)(p))
#define CONST_HALF(p) ((const __m128i *)(const void *)(p))
#define GATHER(p, gap) _mm256_loadu2_m128i(CONST_HALF((p) + (gap)), CONST_HALF(p))
#define SCATTER(p, gap, v) _mm256_storeu2_m128i(HALF((p) + (gap)), HALF(p), (v))

#include "src/codec/planes_simd.inc"

const struct mf_planes_kernel *
mf_planes_avx2(void)
{
	static const struct mf_planes_kernel kernel = {"avx2", split, join, pack, unpack};

	return &kernel;
}
