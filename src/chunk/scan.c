#include "src/chunk/plan_int.h"

#include <assert.h>
#include <string.h>

void
mf_scan_init(struct mf_scan *s, const struct mf_cut_source *src, void *window, size_t window_bytes,
    uint64_t start, uint64_t end, struct mf_error *e)
{
	assert(start <= end && end <= src->size && window_bytes > 0);
	*s = (struct mf_scan){.src = src,
	    .e = e,
	    .window = window,
	    .window_bytes = window_bytes,
	    .base = start,
	    .end = end};
}

uint64_t
mf_scan_offset(const struct mf_scan *s)
{
	return s->base + s->at;
}

uint64_t
mf_scan_left(const struct mf_scan *s)
{
	return s->end - mf_scan_offset(s);
}

void
mf_scan_seek(struct mf_scan *s, uint64_t offset)
{
	if (s->status != 0)
		return;
	if (offset > s->end) {
		s->status = 1;
		s->at = s->have;
		return;
	}
	if (offset >= s->base && offset - s->base <= s->have) {
		s->at = (size_t)(offset - s->base);
		return;
	}
	s->base = offset;
	s->at = s->have = 0;
}

void
mf_scan_skip(struct mf_scan *s, uint64_t n)
{
	if (s->status != 0)
		return;
	if (n > mf_scan_left(s)) {
		s->status = 1;
		s->at = s->have;
		return;
	}
	mf_scan_seek(s, mf_scan_offset(s) + n);
}

bool
mf_scan_fill(struct mf_scan *s)
{
	uint64_t left;
	size_t n;

	if (s->status != 0)
		return false;
	assert(s->at == s->have);
	s->base += s->at;
	s->at = s->have = 0;
	left = s->end - s->base;
	n = left < s->window_bytes ? (size_t)left : s->window_bytes;
	if (n == 0) {
		s->status = 1;
		return false;
	}
	s->status = s->src->pread(s->src->arg, s->window, n, s->base, s->e);
	if (s->status != 0)
		return false;
	s->have = n;
	return true;
}

void
mf_scan_bytes(struct mf_scan *s, void *out, size_t n)
{
	uint8_t *to = out;
	size_t part;

	while (n > 0) {
		if (s->at == s->have && !mf_scan_fill(s)) {
			memset(to, 0, n);
			return;
		}
		part = s->have - s->at;
		if (part > n)
			part = n;
		memcpy(to, s->window + s->at, part);
		s->at += part;
		to += part;
		n -= part;
	}
}

uint16_t
mf_scan_u16(struct mf_scan *s)
{
	uint8_t b[2];

	mf_scan_bytes(s, b, sizeof(b));
	return (uint16_t)(b[0] | b[1] << 8);
}

uint32_t
mf_scan_u32(struct mf_scan *s)
{
	uint32_t low = mf_scan_u16(s);

	return low | (uint32_t)mf_scan_u16(s) << 16;
}

uint64_t
mf_scan_u64(struct mf_scan *s)
{
	uint64_t low = mf_scan_u32(s);

	return low | (uint64_t)mf_scan_u32(s) << 32;
}
