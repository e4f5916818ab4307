/* Eight lanes by AVX2: md5_lanes_simd.inc. Only the functions here are compiled for it. */
#include <immintrin.h>

#include "crypto/md5_lanes_x86.h"
#include "crypto/md5_rounds.h"

#define COMPRESS compress
#define TARGET __attribute__((target("avx2")))
#define VEC __m256i
#define LANES 8u
#define OP(x) _mm256_##x
#define ZERO _mm256_setzero_si256()
#define LOAD(p) _mm256_loadu_si256((const __m256i *)(const void *)(p))
#define STORE(p, v) _mm256_storeu_si256((__m256i *)(void *)(p), (v))
#define GATHER MD5_GATHER_256
#define ROTATE(v, s) _mm256_or_si256(_mm256_slli_epi32((v), (s)), _mm256_srli_epi32((v), 32 - (s)))
#define XOR _mm256_xor_si256
#define FF(b, c, d) XOR(_mm256_and_si256(XOR((c), (d)), (b)), (d))
/* No bit is in both halves, so that they may be added as well as joined. */
#define GG(b, c, d) _mm256_and_si256((b), (d))
#define GG_EARLY(c, d) _mm256_andnot_si256((d), (c))
#define HH(b, c, d) XOR(XOR((c), (d)), (b))
#define II(b, c, d) XOR((c), _mm256_or_si256(XOR((d), _mm256_set1_epi32(-1)), (b)))

#include "crypto/md5_lanes_simd.inc"

const struct mf_md5_kernel *
mf_md5_avx2(void)
{
	static const struct mf_md5_kernel kernel = {"avx2", LANES, compress};

	return &kernel;
}
