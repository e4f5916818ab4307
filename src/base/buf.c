#include "src/base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/large.h"
#include "src/base/size.h"

#define FIRST_CAPACITY 64
#define LINE_CHARS 160 /* more than most of what is formatted */

void
mf_buf_fini(struct mf_buf *b)
{
	free(b->data);
	*b = MF_BUF_INIT;
}

void
mf_buf_clear(struct mf_buf *b)
{
	b->len = 0;
	b->failed = false;
}

int
mf_buf_reserve(struct mf_buf *b, size_t more)
{
	size_t need, capacity;
	uint8_t *data;

	if (b->failed)
		return -1;
	if (!mf_size_add(b->len, more, &need))
		goto fail;
	if (need <= b->capacity)
		return 0;
	/* Half as much again keeps appending linear; an exact large reserve stays exact. */
	capacity = b->capacity == 0 ? FIRST_CAPACITY : b->capacity + b->capacity / 2;
	if (capacity < need)
		capacity = need;
	data = b->data == NULL ? mf_large_malloc(capacity) : realloc(b->data, capacity);
	if (data == NULL)
		goto fail;
	b->data = data;
	b->capacity = capacity;
	return 0;
fail:
	b->failed = true;
	return -1;
}

void
mf_buf_put(struct mf_buf *b, const void *bytes, size_t n)
{
	if (mf_buf_reserve(b, n) != 0 || n == 0)
		return;
	memcpy(b->data + b->len, bytes, n);
	b->len += n;
}

void
mf_buf_put_u8(struct mf_buf *b, uint8_t v)
{
	if (b->len < b->capacity && !b->failed)
		b->data[b->len++] = v;
	else
		mf_buf_put(b, &v, 1);
}

void
mf_buf_put_u16(struct mf_buf *b, uint16_t v)
{
	uint8_t p[2] = {(uint8_t)v, (uint8_t)(v >> 8)};

	mf_buf_put(b, p, sizeof p);
}

void
mf_buf_put_u32(struct mf_buf *b, uint32_t v)
{
	uint8_t p[4];

	mf_set_u32(p, v);
	mf_buf_put(b, p, sizeof p);
}

void
mf_buf_put_u64(struct mf_buf *b, uint64_t v)
{
	uint8_t p[8];

	mf_set_u64(p, v);
	mf_buf_put(b, p, sizeof p);
}

void
mf_buf_put_block(struct mf_buf *b, const void *bytes, size_t n)
{
	if (n > UINT32_MAX) {
		b->failed = true;
		return;
	}
	mf_buf_put_u32(b, (uint32_t)n);
	mf_buf_put(b, bytes, n);
}

void
mf_buf_put_string(struct mf_buf *b, const char *s)
{
	mf_buf_put_block(b, s, strlen(s));
}

void
mf_buf_put_text(struct mf_buf *b, const char *s)
{
	mf_buf_put(b, s, strlen(s));
}

void
mf_buf_printf(struct mf_buf *b, const char *fmt, ...)
{
	size_t room;
	va_list ap;
	int n;

	if (b->failed)
		return;
	/* Mostly that is enough, and it is formatted once. What has room already was given as much
	 * as it may need. */
	if (b->capacity == 0 && mf_buf_reserve(b, LINE_CHARS) != 0)
		return;
	room = b->capacity - b->len;
	va_start(ap, fmt);
	n = vsnprintf(room > 0 ? (char *)b->data + b->len : NULL, room, fmt, ap);
	va_end(ap);
	if (n < 0) {
		b->failed = true;
		return;
	}
	if ((size_t)n >= room) { /* once more, in room for it and a NUL */
		if (mf_buf_reserve(b, (size_t)n + 1) != 0)
			return;
		va_start(ap, fmt);
		(void)vsnprintf((char *)b->data + b->len, (size_t)n + 1, fmt, ap);
		va_end(ap);
	}
	b->len += (size_t)n;
}

const char *
mf_buf_cstr(struct mf_buf *b)
{
	if (mf_buf_reserve(b, 1) != 0)
		return NULL;
	b->data[b->len] = '\0';
	return (const char *)b->data;
}

uint8_t *
mf_buf_take(struct mf_buf *b, size_t *len)
{
	uint8_t *data = NULL;

	*len = 0;
	if (!b->failed && b->len > 0) {
		data = b->data;
		*len = b->len;
		b->data = NULL;
	}
	mf_buf_fini(b);
	return data;
}

struct mf_reader
mf_reader_of(const void *bytes, size_t n)
{
	struct mf_reader r = {bytes, n, false, false};

	return r;
}

const uint8_t *
mf_reader_bytes(struct mf_reader *r, size_t n)
{
	static const uint8_t nothing[1];
	const uint8_t *at = r->at;

	if (r->failed || n > r->left) {
		r->failed = true;
		return NULL;
	}
	if (n == 0)
		return at != NULL ? at : nothing;
	r->at += n;
	r->left -= n;
	return at;
}

uint8_t
mf_reader_u8(struct mf_reader *r)
{
	const uint8_t *p = mf_reader_bytes(r, 1);

	return p == NULL ? 0 : p[0];
}

uint16_t
mf_reader_u16(struct mf_reader *r)
{
	const uint8_t *p = mf_reader_bytes(r, 2);

	return p == NULL ? 0 : (uint16_t)(p[0] | p[1] << 8);
}

uint32_t
mf_reader_u32(struct mf_reader *r)
{
	const uint8_t *p = mf_reader_bytes(r, 4);

	return p == NULL ? 0 : mf_get_u32(p);
}

uint64_t
mf_reader_u64(struct mf_reader *r)
{
	const uint8_t *p = mf_reader_bytes(r, 8);

	return p == NULL ? 0 : mf_get_u64(p);
}

const uint8_t *
mf_reader_block(struct mf_reader *r, size_t max, size_t *n)
{
	uint32_t len = mf_reader_u32(r);

	*n = 0;
	if (len > max)
		r->failed = true;
	if (r->failed || len > r->left) {
		r->failed = true;
		return NULL;
	}
	*n = len;
	return mf_reader_bytes(r, len);
}

char *
mf_reader_string(struct mf_reader *r, size_t max)
{
	size_t n;
	const uint8_t *p = mf_reader_block(r, max, &n);
	char *s;

	if (p == NULL)
		return NULL;
	if (memchr(p, 0, n) != NULL) {
		r->failed = true;
		return NULL;
	}
	if ((s = malloc(n + 1)) == NULL) {
		r->failed = r->no_memory = true;
		return NULL;
	}
	memcpy(s, p, n);
	s[n] = '\0';
	return s;
}

int
mf_reader_error(const struct mf_reader *r, struct mf_error *e, const char *message)
{
	if (r->no_memory)
		return mf_error_nomem(e, "what was read");
	return mf_error_set(e, MF_EDAMAGED, "%s", message);
}

uint32_t
mf_get_u32(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

uint64_t
mf_get_u64(const uint8_t *p)
{
	return (uint64_t)mf_get_u32(p) | (uint64_t)mf_get_u32(p + 4) << 32;
}

void
mf_set_u32(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)v;
	p[1] = (uint8_t)(v >> 8);
	p[2] = (uint8_t)(v >> 16);
	p[3] = (uint8_t)(v >> 24);
}

void
mf_set_u64(uint8_t *p, uint64_t v)
{
	mf_set_u32(p, (uint32_t)v);
	mf_set_u32(p + 4, (uint32_t)(v >> 32));
}
