/*
 * The planes frame, as modelferry-repository(5) fixes it:
 *   u8 layout, u8 lead bytes L, u16 tail bytes T, u32 blocks N, u32 blocks in a group G,
 *   L + T verbatim bytes,
 *   then for each group of G blocks (the last may have fewer), for each of its planes
 *     u8 method, u32 length, and so many bytes.
 * L + N * block + T is the plaintext's length.
 *
 * Groups bound the memory of either side, whatever the chunk's length, keep the work in the
 * second-level cache, and let the method follow the data (a run of zeros, another tensor). They
 * cost 0.02 % of size.
 */
#ifndef MF_CODEC_FRAME_H
#define MF_CODEC_FRAME_H

#include <stddef.h>

#define MF_FRAME_HEADER_BYTES 12
#define MF_FRAME_PLANE_HEADER_BYTES 5
#define MF_FRAME_GROUP_MAX_BYTES ((size_t)1 << 20) /* longest group that a reader must take */

enum mf_frame_method {
	MF_FRAME_RAW = 0,      /* the plane itself */
	MF_FRAME_ZSTD = 1,     /* one zstd frame */
	MF_FRAME_CONSTANT = 2, /* one byte, repeated */
	MF_FRAME_PACKED = 3,   /* u8 base, u32 misses, so many (u32 position, u8 value), and one
				* zstd frame of the plane packed to nibbles: planes.h */
	MF_FRAME_METHODS
};

#define MF_FRAME_PACKED_HEADER_BYTES 5
#define MF_FRAME_MISS_BYTES 5
#define MF_ZSTD_MAGIC 0xfd2fb528u

#endif
