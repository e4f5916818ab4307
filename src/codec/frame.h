/*
 * The planes frame, as modelferry-repository(5) fixes it:
 *   u8 layout, u8 lead bytes L, u16 tail bytes T, u32 blocks N, L + T verbatim bytes, then for
 *   each plane u8 method, u32 length and so many bytes. L + N * block + T = plain length.
 */
#ifndef MF_CODEC_FRAME_H
#define MF_CODEC_FRAME_H

#define MF_FRAME_HEADER_BYTES 8
#define MF_FRAME_PLANE_HEADER_BYTES 5

enum mf_frame_method {
	MF_FRAME_RAW = 0,      /* the plane itself */
	MF_FRAME_ZSTD = 1,     /* one zstd frame */
	MF_FRAME_CONSTANT = 2, /* one byte, repeated */
	MF_FRAME_METHODS
};

#define MF_ZSTD_MAGIC 0xfd2fb528u

#endif
