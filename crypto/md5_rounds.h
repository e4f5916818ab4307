/*
 * The 64 operations on a block (RFC 1321, 3.4), for md5_lanes.c and md5_lanes_simd.inc, which
 * define F, G, H and I(a, b, c, d, k, s, t): a = b + ((a + f(b, c, d) + word[k] + t) <<< s).
 */
#ifndef MF_CRYPTO_MD5_ROUNDS_H
#define MF_CRYPTO_MD5_ROUNDS_H

/*
 * v is to be computed here, in a register of the kind. A compiler may add up a sum in any order,
 * and otherwise takes one in which five operations instead of four wait for b: a fifth of the
 * speed.
 */
#define MD5_NOW(v, kind) __asm__("" : "+" kind(v))

/* clang-format off */
#define MD5_ROUNDS \
	F(a, b, c, d, 0, 7, 0xd76aa478u) \
	F(d, a, b, c, 1, 12, 0xe8c7b756u) \
	F(c, d, a, b, 2, 17, 0x242070dbu) \
	F(b, c, d, a, 3, 22, 0xc1bdceeeu) \
	F(a, b, c, d, 4, 7, 0xf57c0fafu) \
	F(d, a, b, c, 5, 12, 0x4787c62au) \
	F(c, d, a, b, 6, 17, 0xa8304613u) \
	F(b, c, d, a, 7, 22, 0xfd469501u) \
	F(a, b, c, d, 8, 7, 0x698098d8u) \
	F(d, a, b, c, 9, 12, 0x8b44f7afu) \
	F(c, d, a, b, 10, 17, 0xffff5bb1u) \
	F(b, c, d, a, 11, 22, 0x895cd7beu) \
	F(a, b, c, d, 12, 7, 0x6b901122u) \
	F(d, a, b, c, 13, 12, 0xfd987193u) \
	F(c, d, a, b, 14, 17, 0xa679438eu) \
	F(b, c, d, a, 15, 22, 0x49b40821u) \
	G(a, b, c, d, 1, 5, 0xf61e2562u) \
	G(d, a, b, c, 6, 9, 0xc040b340u) \
	G(c, d, a, b, 11, 14, 0x265e5a51u) \
	G(b, c, d, a, 0, 20, 0xe9b6c7aau) \
	G(a, b, c, d, 5, 5, 0xd62f105du) \
	G(d, a, b, c, 10, 9, 0x02441453u) \
	G(c, d, a, b, 15, 14, 0xd8a1e681u) \
	G(b, c, d, a, 4, 20, 0xe7d3fbc8u) \
	G(a, b, c, d, 9, 5, 0x21e1cde6u) \
	G(d, a, b, c, 14, 9, 0xc33707d6u) \
	G(c, d, a, b, 3, 14, 0xf4d50d87u) \
	G(b, c, d, a, 8, 20, 0x455a14edu) \
	G(a, b, c, d, 13, 5, 0xa9e3e905u) \
	G(d, a, b, c, 2, 9, 0xfcefa3f8u) \
	G(c, d, a, b, 7, 14, 0x676f02d9u) \
	G(b, c, d, a, 12, 20, 0x8d2a4c8au) \
	H(a, b, c, d, 5, 4, 0xfffa3942u) \
	H(d, a, b, c, 8, 11, 0x8771f681u) \
	H(c, d, a, b, 11, 16, 0x6d9d6122u) \
	H(b, c, d, a, 14, 23, 0xfde5380cu) \
	H(a, b, c, d, 1, 4, 0xa4beea44u) \
	H(d, a, b, c, 4, 11, 0x4bdecfa9u) \
	H(c, d, a, b, 7, 16, 0xf6bb4b60u) \
	H(b, c, d, a, 10, 23, 0xbebfbc70u) \
	H(a, b, c, d, 13, 4, 0x289b7ec6u) \
	H(d, a, b, c, 0, 11, 0xeaa127fau) \
	H(c, d, a, b, 3, 16, 0xd4ef3085u) \
	H(b, c, d, a, 6, 23, 0x04881d05u) \
	H(a, b, c, d, 9, 4, 0xd9d4d039u) \
	H(d, a, b, c, 12, 11, 0xe6db99e5u) \
	H(c, d, a, b, 15, 16, 0x1fa27cf8u) \
	H(b, c, d, a, 2, 23, 0xc4ac5665u) \
	I(a, b, c, d, 0, 6, 0xf4292244u) \
	I(d, a, b, c, 7, 10, 0x432aff97u) \
	I(c, d, a, b, 14, 15, 0xab9423a7u) \
	I(b, c, d, a, 5, 21, 0xfc93a039u) \
	I(a, b, c, d, 12, 6, 0x655b59c3u) \
	I(d, a, b, c, 3, 10, 0x8f0ccc92u) \
	I(c, d, a, b, 10, 15, 0xffeff47du) \
	I(b, c, d, a, 1, 21, 0x85845dd1u) \
	I(a, b, c, d, 8, 6, 0x6fa87e4fu) \
	I(d, a, b, c, 15, 10, 0xfe2ce6e0u) \
	I(c, d, a, b, 6, 15, 0xa3014314u) \
	I(b, c, d, a, 13, 21, 0x4e0811a1u) \
	I(a, b, c, d, 4, 6, 0xf7537e82u) \
	I(d, a, b, c, 11, 10, 0xbd3af235u) \
	I(c, d, a, b, 2, 15, 0x2ad7d2bbu) \
	I(b, c, d, a, 9, 21, 0xeb86d391u)
/* clang-format on */

#endif
