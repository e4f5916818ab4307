/* The vector kernels of x86-64, for md5_lanes_best_x86.c alone, and what they have in common. */
#ifndef MF_CRYPTO_MD5_LANES_X86_H
#define MF_CRYPTO_MD5_LANES_X86_H

#include "crypto/md5_lanes.h"

/* Ask the processor first. */
const struct mf_md5_kernel *mf_md5_avx2(void);
const struct mf_md5_kernel *mf_md5_avx512(void); /* F and VL */

#define MD5_LOAD_128(p) _mm_loadu_si128((const __m128i *)(const void *)(p))
#define MD5_GATHER_256(p, i, at)                                                     \
	_mm256_inserti128_si256(_mm256_castsi128_si256(MD5_LOAD_128((p)[i] + (at))), \
	    MD5_LOAD_128((p)[(i) + 4] + (at)), 1)

#define CONCAT_(a, b) a##b
#define CONCAT(a, b) CONCAT_(a, b)

#endif
