/* PKWARE's APPNOTE.TXT 6.3: stored entries, zip64 records where a number needs them. Two
 * dialects: PyTorch's (data aligned by an extra field "FB", sizes and CRC in a data
 * descriptor) and that of Python's zipfile (sizes and CRC in the local header). */
#include <stdlib.h>
#include <string.h>

#include "checkpoint.h"

#define U32_MAX 0xffffffffu
#define LOCAL_BYTES 30

struct place {
	uint64_t header, data, size;
	unsigned padding; /* bytes of the extra field "FB", its head included */
	uint32_t crc;
};

static bool
is_long(const struct place *p)
{
	return p->size >= U32_MAX;
}

/* Where everything goes. Returns the offset behind the last entry. */
static uint64_t
lay_out(const struct zip_entry *e, struct place *p, size_t n, unsigned align)
{
	uint64_t at = 0;
	size_t i;

	for (i = 0; i < n; i++) {
		p[i].size = e[i].head.n + (e[i].tensor == NULL ? 0 : tensor_bytes(e[i].tensor));
		p[i].header = at;
		at += LOCAL_BYTES + strlen(e[i].name) + (is_long(&p[i]) ? 20 : 0);
		if (align != 0) {
			at += 4;
			p[i].padding = 4 + (unsigned)((align - at % align) % align);
			at += p[i].padding - 4;
		}
		p[i].data = at;
		at += p[i].size;
		if (align != 0)
			at += is_long(&p[i]) ? 24 : 16;
	}
	return at;
}

/* The fields that local and central headers share, from "version needed" on. */
static void
put_common(struct bytes *b, const struct zip_entry *e, const struct place *p, bool blank,
    bool descriptor, unsigned extra)
{
	put_le(b, is_long(p) || p->header >= U32_MAX ? 45 : 20, 2);
	put_le(b, descriptor ? 0x0808 : 0, 2);
	put_le(b, 0, 2); /* stored */
	put_le(b, 0, 2); /* midnight, 1 January 1980 */
	put_le(b, 0x21, 2);
	put_le(b, blank ? 0 : p->crc, 4);
	put_le(b, is_long(p) ? U32_MAX : blank ? 0 : p->size, 4);
	put_le(b, is_long(p) ? U32_MAX : blank ? 0 : p->size, 4);
	put_le(b, strlen(e->name), 2);
	put_le(b, extra, 2);
}

static void
put_local(struct bytes *b, const struct zip_entry *e, const struct place *p, unsigned align)
{
	unsigned i;

	put(b, "PK\3\4", 4);
	put_common(b, e, p, align != 0, align != 0, (is_long(p) ? 20 : 0) + p->padding);
	put(b, e->name, strlen(e->name));
	if (is_long(p)) {
		put_le(b, 1, 2);
		put_le(b, 16, 2);
		put_le(b, p->size, 8);
		put_le(b, p->size, 8);
	}
	if (p->padding != 0) {
		put(b, "FB", 2);
		put_le(b, p->padding - 4, 2);
		for (i = 4; i < p->padding; i++)
			put(b, "Z", 1);
	}
}

static void
put_descriptor(struct bytes *b, const struct place *p)
{
	put(b, "PK\7\10", 4);
	put_le(b, p->crc, 4);
	put_le(b, p->size, is_long(p) ? 8 : 4);
	put_le(b, p->size, is_long(p) ? 8 : 4);
}

static void
put_central(struct bytes *b, const struct zip_entry *e, const struct place *p, unsigned align)
{
	bool far = p->header >= U32_MAX;
	unsigned extra = (is_long(p) ? 16 : 0) + (far ? 8 : 0);

	put(b, "PK\1\2", 4);
	put_le(b, far || is_long(p) ? 45 : 20, 2);
	put_common(b, e, p, false, align != 0, extra == 0 ? 0 : extra + 4);
	put_le(b, 0, 2); /* comment */
	put_le(b, 0, 2); /* disk */
	put_le(b, 0, 2);
	put_le(b, 0, 4);
	put_le(b, far ? U32_MAX : p->header, 4);
	put(b, e->name, strlen(e->name));
	if (extra == 0)
		return;
	put_le(b, 1, 2);
	put_le(b, extra, 2);
	if (is_long(p)) {
		put_le(b, p->size, 8);
		put_le(b, p->size, 8);
	}
	if (far)
		put_le(b, p->header, 8);
}

/* b holds the central directory, which begins at `start`. */
static void
put_end(struct bytes *b, uint64_t start, size_t n)
{
	uint64_t size = b->n;
	bool large = start >= U32_MAX || n >= 0xffff || size >= U32_MAX;

	if (large) {
		put(b, "PK\6\6", 4);
		put_le(b, 44, 8);
		put_le(b, 45, 2);
		put_le(b, 45, 2);
		put_le(b, 0, 8); /* disks */
		put_le(b, n, 8);
		put_le(b, n, 8);
		put_le(b, size, 8);
		put_le(b, start, 8);
		put(b, "PK\6\7", 4);
		put_le(b, 0, 4);
		put_le(b, start + size, 8);
		put_le(b, 1, 4);
	}
	put(b, "PK\5\6", 4);
	put_le(b, 0, 4);
	put_le(b, large ? 0xffff : n, 2);
	put_le(b, large ? 0xffff : n, 2);
	put_le(b, large ? U32_MAX : size, 4);
	put_le(b, large ? U32_MAX : start, 4);
	put_le(b, 0, 2);
}

/* The entries' bytes, and their CRCs: that of a tensor goes on from its head's. */
static void
write_data(int fd, const struct recipe *r, const struct zip_entry *e, struct place *p, size_t n)
{
	struct extent *x = need(calloc(n, sizeof *x));
	size_t i, k = 0;

	for (i = 0; i < n; i++) {
		p[i].crc = crc32_of(0, e[i].head.at, e[i].head.n);
		out_write(fd, e[i].head.at, e[i].head.n, p[i].data);
		if (e[i].tensor != NULL)
			x[k++] = (struct extent){.tensor = e[i].tensor,
			    .offset = p[i].data + e[i].head.n, .crc = p[i].crc};
	}
	out_tensors(fd, r, x, k, true);
	for (i = k = 0; i < n; i++)
		if (e[i].tensor != NULL)
			p[i].crc = x[k++].crc;
	free(x);
}

void
zip_write(const char *dir, const char *name, const struct recipe *r, struct zip_entry *entries,
    size_t n, unsigned align)
{
	struct place *p = need(calloc(n, sizeof *p));
	uint64_t start = lay_out(entries, p, n, align);
	struct bytes b = {0};
	int fd = out_create(dir, name, start);
	size_t i;

	write_data(fd, r, entries, p, n);
	for (i = 0; i < n; i++) {
		b.n = 0;
		put_local(&b, &entries[i], &p[i], align);
		out_write(fd, b.at, b.n, p[i].header);
		b.n = 0;
		if (align != 0) {
			put_descriptor(&b, &p[i]);
			out_write(fd, b.at, b.n, p[i].data + p[i].size);
		}
	}
	b.n = 0;
	for (i = 0; i < n; i++)
		put_central(&b, &entries[i], &p[i], align);
	put_end(&b, start, n);
	out_write(fd, b.at, b.n, start);
	out_close(fd);
	for (i = 0; i < n; i++)
		free(entries[i].head.at);
	free(b.at);
	free(entries);
	free(p);
}
