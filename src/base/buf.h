/*
 * Growable byte buffer and bounded reader; the wire's integers are little-endian.
 *
 * Failure is sticky: after an allocation failure (or a read past the end) every further call
 * is a no-op and `failed` stays true, so that an encoder or decoder checks once, at its end.
 * Not thread safe.
 */
#ifndef MF_BASE_BUF_H
#define MF_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/error.h"

struct mf_buf {
	uint8_t *data; /* owned; NULL while capacity is 0 */
	size_t len;    /* bytes used */
	size_t capacity;
	bool failed;
};

#define MF_BUF_INIT ((struct mf_buf){0})

/* Frees, and leaves an empty buffer. */
void mf_buf_fini(struct mf_buf *b);
void mf_buf_clear(struct mf_buf *b); /* length 0, memory kept, failed cleared */
/* Room for `more` further bytes. 0, or -1 with b->failed. */
int mf_buf_reserve(struct mf_buf *b, size_t more);
/* Append. Where there is no memory for it, nothing is, and b->failed. */
void mf_buf_put(struct mf_buf *b, const void *bytes, size_t n);
void mf_buf_put_u8(struct mf_buf *b, uint8_t v);
void mf_buf_put_u16(struct mf_buf *b, uint16_t v);
void mf_buf_put_u32(struct mf_buf *b, uint32_t v);
void mf_buf_put_u64(struct mf_buf *b, uint64_t v);
/* u32 length, then the bytes. */
void mf_buf_put_block(struct mf_buf *b, const void *bytes, size_t n);
void mf_buf_put_string(struct mf_buf *b, const char *s); /* as a block, without the NUL */
/* Append text, without a NUL. */
void mf_buf_put_text(struct mf_buf *b, const char *s);
void mf_buf_printf(struct mf_buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* A NUL behind the last byte (not counted in len); NULL where that failed. View. */
const char *mf_buf_cstr(struct mf_buf *b);
/* The bytes, now the caller's (free(3)); the buffer is empty after. NULL if failed or empty. */
uint8_t *mf_buf_take(struct mf_buf *b, size_t *len);

/* A view of bytes that somebody else owns, read from the front. */
struct mf_reader {
	const uint8_t *at;
	size_t left;
	bool failed;
	bool no_memory; /* why it failed */
};

/* A reader over n borrowed bytes. */
struct mf_reader mf_reader_of(const void *bytes, size_t n);
/* The next bytes as a number. */
uint8_t mf_reader_u8(struct mf_reader *r); /* 0 once failed; so the others */
uint16_t mf_reader_u16(struct mf_reader *r);
uint32_t mf_reader_u32(struct mf_reader *r);
uint64_t mf_reader_u64(struct mf_reader *r);
/* View of the next n bytes, NULL once failed. n == 0 gives a non-NULL pointer. */
const uint8_t *mf_reader_bytes(struct mf_reader *r, size_t n);
/* View of a block (u32 length + bytes) of at most max bytes; longer is a failure. */
const uint8_t *mf_reader_block(struct mf_reader *r, size_t max, size_t *n);
/* A block as a new C string (free(3)); NULL on failure, on a NUL inside, out of memory. */
char *mf_reader_string(struct mf_reader *r, size_t max);
/* After a failure: MF_ENOMEM where memory was short, else MF_EDAMAGED with this message. -1. */
int mf_reader_error(const struct mf_reader *r, struct mf_error *e, const char *message);

/* 4 or 8 bytes at p as a little-endian number, and the other way round; p need not be aligned. */
uint32_t mf_get_u32(const uint8_t *p);
uint64_t mf_get_u64(const uint8_t *p);
void mf_set_u32(uint8_t *p, uint32_t v);
void mf_set_u64(uint8_t *p, uint64_t v);

#endif
