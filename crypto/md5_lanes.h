/*
 * The compression of MD5 (RFC 1321, 3.4) in several streams at once, a lane of a vector each. One
 * stream is a chain of operations that wait for each other, so that a processor is mostly idle in
 * it; it works on eight or sixteen such chains in the same time.
 *
 * One kernel is one implementation; all give the same. Pure functions, any thread.
 *
 * Measured on a Zen 5 of 4.1 GHz, whose vector operations take two cycles each, in GB/s. libcrypto:
 * 0.87. The scalar kernel: 0.92 in one lane, 1.85 in two, 2.35 in three. AVX2: 2.9 in eight.
 * AVX-512: 4.1 in eight, 8.0 in sixteen. A vector takes as long however many of its lanes are used:
 * up to three go faster by the scalar kernel there, and no slower where vector operations take one
 * cycle. More than three scalar lanes want more registers than there are.
 */
#ifndef MF_CRYPTO_MD5_LANES_H
#define MF_CRYPTO_MD5_LANES_H

#include <stddef.h>
#include <stdint.h>

#define MF_MD5_BLOCK_BYTES ((size_t)64)
#define MF_MD5_LANES_MAX 16u
#define MF_MD5_SCALAR_LANES 3u

struct mf_md5_lane {
	uint32_t state[4];    /* A, B, C, D; begins as MF_MD5_BEGIN */
	const uint8_t *bytes; /* not moved; of any alignment */
};

/* RFC 1321, 3.3. */
#define MF_MD5_BEGIN                                               \
	{                                                          \
		0x67452301u, 0xefcdab89u, 0x98badcfeu, 0x10325476u \
	}

struct mf_md5_kernel {
	const char *name;
	unsigned lanes; /* at most MF_MD5_LANES_MAX */
	/* So many blocks in each of the first n lanes (1 to .lanes), into its state. */
	void (*compress)(struct mf_md5_lane *lane, unsigned n, size_t blocks);
};

/* The reference, in plain C. */
const struct mf_md5_kernel *mf_md5_scalar(void);
/* The one with the most lanes that this processor runs. */
const struct mf_md5_kernel *mf_md5_best(void);
/* All that this processor runs, the reference first: for the tests. NULL past the end. */
const struct mf_md5_kernel *mf_md5_nth(unsigned i);

#endif
