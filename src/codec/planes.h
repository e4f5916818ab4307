/*
 * Byte planes: element i's byte j becomes byte i of plane j. With `rotate`, each element is
 * first rotated left by one bit, as one little-endian integer: a float's exponent then fills
 * the top byte, and its sign joins the mantissa's last bits. join undoes split. The other pair,
 * pack and unpack, halves a plane of exponents before it is entropy coded.
 *
 * One kernel is one implementation; all give the same bytes. Pure functions, any thread.
 */
#ifndef MF_CODEC_PLANES_H
#define MF_CODEC_PLANES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mf_planes_kernel {
	const char *name;
	/* n elements of width (1, 2, 4 or 8) bytes; planes[0] takes the lowest bytes. No two
	 * of the buffers overlap. */
	void (*split)(const uint8_t *in, size_t n, unsigned width, bool rotate,
	    uint8_t *const *planes);
	void (*join)(uint8_t *out, size_t n, unsigned width, bool rotate,
	    const uint8_t *const *planes);
	/*
	 * Two bytes in one: byte 0 becomes nibble 0, bytes base + 1 to base + 15 become nibbles
	 * 1 to 15, and (n + 1) / 2 bytes are written, the even one's nibble below. Any other byte
	 * becomes nibble 0, and its position is noted, in ascending order. base is at most
	 * MF_PACK_BASE_MAX. How many were noted; max + 1 where that were more than max, and
	 * then out is worthless.
	 */
	size_t (*pack)(const uint8_t *in, size_t n, unsigned base, uint8_t *out,
	    uint32_t *positions, size_t max);
	/* The n bytes that nibbles stand for; noted positions come out as 0. */
	void (*unpack)(const uint8_t *in, size_t n, unsigned base, uint8_t *out);
};

#define MF_PACK_BASE_MAX 240u

/* The reference, in plain C. */
const struct mf_planes_kernel *mf_planes_scalar(void);
/* The fastest that this processor runs. */
const struct mf_planes_kernel *mf_planes_best(void);
/* All that this processor runs, the reference first: for the tests. NULL past the end. */
const struct mf_planes_kernel *mf_planes_nth(unsigned i);

#endif
