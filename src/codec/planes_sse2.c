/* The vector kernel in SSE2: planes_simd.inc. */
#include <emmintrin.h>

#include "src/codec/planes_x86.h"

#define VEC __m128i
#define LANES 1
#define TARGET
#define OP(x) _mm_##x
#define AND _mm_and_si128
#define ANDNOT _mm_andnot_si128
#define OR _mm_or_si128
#define LOAD(p) _mm_loadu_si128((const __m128i *)(const void *)(p))
#define STORE(p, v) _mm_storeu_si128((__m128i *)(void *)(p), (v))
#define GATHER(p, gap) LOAD(p)
#define SCATTER(p, gap, v) STORE(p, v)

#include "src/codec/planes_simd.inc"

const struct mf_planes_kernel *
mf_planes_sse2(void)
{
	static const struct mf_planes_kernel kernel = {"sse2", split, join, pack, unpack};

	return &kernel;
}
