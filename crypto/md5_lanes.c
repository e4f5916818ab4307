/* The reference kernel. Little-endian words are read as such on any processor. */
#include "crypto/md5_lanes.h"
#include "crypto/md5_rounds.h"

static inline uint32_t
word_at(const uint8_t *p, unsigned k)
{
	p += sizeof(uint32_t) * k;
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* Of lane i. What needs no b comes before NOW. */
#define OPERATION(early, f, a, b, k, s, t, i)                           \
	do {                                                            \
		a##i += word_at(p##i, (k)) + (t) + (early);             \
		MD5_NOW(a##i, "r");                                     \
		a##i += (f);                                            \
		a##i = (a##i << (s) | a##i >> (32 - (s))) + b##i;       \
		MD5_NOW(a##i, "r"); /* or lanes are computed in turn */ \
	} while (0);
#define F_OF(a, b, c, d, k, s, t, i) OPERATION(0, ((c##i ^ d##i) & b##i) ^ d##i, a, b, k, s, t, i)
/* No bit is in both halves, so that they may be added, one earlier than the other. */
#define G_OF(a, b, c, d, k, s, t, i) OPERATION(c##i & ~d##i, b##i & d##i, a, b, k, s, t, i)
#define H_OF(a, b, c, d, k, s, t, i) OPERATION(0, (c##i ^ d##i) ^ b##i, a, b, k, s, t, i)
#define I_OF(a, b, c, d, k, s, t, i) OPERATION(0, c##i ^ (b##i | ~d##i), a, b, k, s, t, i)

#define F(...) EACH(F_OF, __VA_ARGS__)
#define G(...) EACH(G_OF, __VA_ARGS__)
#define H(...) EACH(H_OF, __VA_ARGS__)
#define I(...) EACH(I_OF, __VA_ARGS__)

/* Lane i's bytes and state; and the end of a block. */
#define BEGIN(lane, i)                                                 \
	const uint8_t *p##i = (lane)[i].bytes;                         \
	uint32_t a##i = (lane)[i].state[0], b##i = (lane)[i].state[1]; \
	uint32_t c##i = (lane)[i].state[2], d##i = (lane)[i].state[3];
#define END(lane, i)                                     \
	(lane)[i].state[0] = a##i += (lane)[i].state[0]; \
	(lane)[i].state[1] = b##i += (lane)[i].state[1]; \
	(lane)[i].state[2] = c##i += (lane)[i].state[2]; \
	(lane)[i].state[3] = d##i += (lane)[i].state[3]; \
	p##i += MF_MD5_BLOCK_BYTES;

#define COMPRESS(lane)                 \
	EACH(BEGIN, lane)              \
	for (; blocks > 0; blocks--) { \
		MD5_ROUNDS             \
		EACH(END, lane)        \
	}

#define EACH(of, ...) of(__VA_ARGS__, 0)

static void
compress_1(struct mf_md5_lane *lane, size_t blocks)
{
	COMPRESS(lane)
}

#undef EACH
#define EACH(of, ...) of(__VA_ARGS__, 0) of(__VA_ARGS__, 1)

/* NOLINTBEGIN(readability-function-size): straight on, and most of it the preprocessor's */
static void
compress_2(struct mf_md5_lane *lane, size_t blocks)
{
	COMPRESS(lane)
}

#undef EACH
#define EACH(of, ...) of(__VA_ARGS__, 0) of(__VA_ARGS__, 1) of(__VA_ARGS__, 2)

static void
compress_3(struct mf_md5_lane *lane, size_t blocks)
{
	COMPRESS(lane)
}
/* NOLINTEND(readability-function-size) */

static void
compress(struct mf_md5_lane *lane, unsigned n, size_t blocks)
{
	if (n == 1)
		compress_1(lane, blocks);
	else if (n == 2)
		compress_2(lane, blocks);
	else
		compress_3(lane, blocks);
}

const struct mf_md5_kernel *
mf_md5_scalar(void)
{
	static const struct mf_md5_kernel kernel = {"scalar", MF_MD5_SCALAR_LANES, compress};

	return &kernel;
}
