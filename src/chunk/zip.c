/*
 * Zip archives (PKWARE APPNOTE.TXT 6.3.10), read through the central directory: PyTorch
 * checkpoints (stored entries archive/data/N, see torch/serialization.py), NumPy .npz
 * (members *.npy), and any other. An entry's bytes are an item; local headers, padding and
 * the directory are gaps. Nothing is inflated: a compressed entry is opaque bytes.
 */
#include <stdlib.h>
#include <string.h>

#include "src/base/buf.h"
#include "src/chunk/plan_int.h"

#define END_BYTES 22
#define COMMENT_MAX 65535
#define LOCATOR_BYTES 20
#define END64_BYTES 56
#define ENTRY_BYTES 46
#define LOCAL_BYTES 30
#define DIRECTORY_MAX ((uint64_t)128 << 20)
#define ENTRIES_MAX ((uint64_t)1 << 20)
#define WINDOW_BYTES 8192

#define END_MAGIC 0x06054b50u
#define LOCATOR_MAGIC 0x07064b50u
#define END64_MAGIC 0x06064b50u
#define ENTRY_MAGIC 0x02014b50u
#define LOCAL_MAGIC 0x04034b50u

enum { FLAG_ENCRYPTED = 1, METHOD_STORED = 0, EXTRA_ZIP64 = 1 };

struct directory {
	uint64_t offset, bytes, entries;
};

struct entry {
	uint16_t flags, method;
	uint32_t crc;
	uint64_t stored_bytes, plain_bytes, local; /* local: offset of the local header */
	const char *name;
	size_t name_bytes;
};

struct parse {
	struct mf_cut_job *job;
	struct mf_error *e;
	struct directory dir;
	bool torch;          /* an entry is called archive/data.pkl */
	bool npz;            /* every entry is called *.npy */
	struct mf_scan scan; /* over the directory */
	uint8_t window[WINDOW_BYTES];
	char name[MF_CUT_NAME_MAX + 1];
};

static int
malformed(struct parse *p, const char *what)
{
	if (p->scan.status < 0)
		return -1;
	return mf_cut_refuse(p->e, "its %s is malformed", what);
}

/* Read exactly; 1 is a refusal with its reason set. */
static int
read_at(struct parse *p, void *out, size_t n, uint64_t offset)
{
	const struct mf_cut_source *src = p->job->src;
	int r = src->pread(src->arg, out, n, offset, p->e);

	return r == 1 ? mf_cut_refuse(p->e, "the file became shorter") : r;
}

/* The zip64 end record, which a locator right before the end record at `end` points at. */
static int
find_directory64(struct parse *p, uint64_t end)
{
	uint8_t locator[LOCATOR_BYTES], record[END64_BYTES];
	uint64_t at;
	int r;

	if (end < LOCATOR_BYTES + END64_BYTES)
		return malformed(p, "zip end record");
	if ((r = read_at(p, locator, sizeof(locator), end - LOCATOR_BYTES)) != 0)
		return r;
	at = mf_get_u64(locator + 8);
	if (mf_get_u32(locator) != LOCATOR_MAGIC || at > end - LOCATOR_BYTES - END64_BYTES)
		return malformed(p, "zip64 locator");
	if ((r = read_at(p, record, sizeof(record), at)) != 0)
		return r;
	if (mf_get_u32(record) != END64_MAGIC)
		return malformed(p, "zip64 end record");
	p->dir.entries = mf_get_u64(record + 32);
	p->dir.bytes = mf_get_u64(record + 40);
	p->dir.offset = mf_get_u64(record + 48);
	if (p->dir.offset > at || p->dir.bytes > at - p->dir.offset)
		return malformed(p, "zip64 end record");
	return 0;
}

/* The end record: a comment, whose length it says, reaches from it to the end of the file. */
static int
find_end(struct parse *p, uint8_t record[END_BYTES], uint64_t *offset)
{
	const uint64_t size = p->job->src->size;
	const size_t n = size < END_BYTES + COMMENT_MAX ? (size_t)size : END_BYTES + COMMENT_MAX;
	uint8_t *tail;
	size_t at;
	int r;

	if (n < END_BYTES)
		return malformed(p, "zip end record");
	if ((tail = malloc(n)) == NULL)
		return mf_error_nomem(p->e, "the end of a zip file");
	if ((r = read_at(p, tail, n, size - n)) == 0) {
		for (at = n - END_BYTES + 1; at-- > 0;) {
			if (mf_get_u32(tail + at) == END_MAGIC &&
			    (size_t)(tail[at + 20] | tail[at + 21] << 8) == n - END_BYTES - at)
				break;
		}
		if (at != SIZE_MAX) {
			memcpy(record, tail + at, END_BYTES);
			*offset = size - n + at;
		} else {
			r = mf_cut_refuse(p->e, "its zip directory is missing");
		}
	}
	free(tail);
	return r;
}

static int
find_directory(struct parse *p)
{
	uint8_t end[END_BYTES];
	uint64_t at = 0;
	int r;

	if ((r = find_end(p, end, &at)) != 0)
		return r;
	p->dir.entries = (uint64_t)(end[10] | end[11] << 8);
	p->dir.bytes = mf_get_u32(end + 12);
	p->dir.offset = mf_get_u32(end + 16);
	if (p->dir.entries == UINT16_MAX || p->dir.bytes == UINT32_MAX ||
	    p->dir.offset == UINT32_MAX) {
		if ((r = find_directory64(p, at)) != 0)
			return r;
	} else if (p->dir.offset > at || p->dir.bytes > at - p->dir.offset) {
		return malformed(p, "zip end record");
	}
	if (p->dir.bytes > DIRECTORY_MAX || p->dir.entries > ENTRIES_MAX)
		return mf_cut_refuse(p->e, "it has more zip entries than are looked at");
	if (p->dir.entries > p->dir.bytes / ENTRY_BYTES)
		return malformed(p, "zip directory");
	return 0;
}

/* Sizes and offset that are all ones stand in the extra field, in this order. */
static void
read_zip64(struct mf_scan *s, uint16_t extra_bytes, struct entry *entry)
{
	uint64_t *const fields[] = {&entry->plain_bytes, &entry->stored_bytes, &entry->local};
	uint16_t id, n;
	size_t i;

	while (extra_bytes >= 4) {
		id = mf_scan_u16(s);
		n = mf_scan_u16(s);
		extra_bytes -= 4;
		if (n > extra_bytes)
			break;
		extra_bytes -= n;
		for (i = 0; id == EXTRA_ZIP64 && i < 3; i++) {
			if (*fields[i] != UINT32_MAX || n < 8)
				continue;
			*fields[i] = mf_scan_u64(s);
			n -= 8;
		}
		mf_scan_skip(s, n);
	}
	mf_scan_skip(s, extra_bytes);
}

/* The next entry of the directory; its name lies in p->name. */
static int
next_entry(struct parse *p, struct entry *entry)
{
	struct mf_scan *s = &p->scan;
	uint8_t fixed[ENTRY_BYTES];
	uint16_t extra, comment;

	mf_scan_bytes(s, fixed, sizeof(fixed));
	if (s->status != 0 || mf_get_u32(fixed) != ENTRY_MAGIC)
		return malformed(p, "zip directory");
	*entry = (struct entry){
	    .flags = (uint16_t)(fixed[8] | fixed[9] << 8),
	    .method = (uint16_t)(fixed[10] | fixed[11] << 8),
	    .crc = mf_get_u32(fixed + 16),
	    .stored_bytes = mf_get_u32(fixed + 20),
	    .plain_bytes = mf_get_u32(fixed + 24),
	    .local = mf_get_u32(fixed + 42),
	    .name = p->name,
	    .name_bytes = (size_t)(fixed[28] | fixed[29] << 8),
	};
	extra = (uint16_t)(fixed[30] | fixed[31] << 8);
	comment = (uint16_t)(fixed[32] | fixed[33] << 8);
	mf_scan_bytes(s, p->name, entry->name_bytes);
	read_zip64(s, extra, entry);
	mf_scan_skip(s, comment);
	return s->status == 0 ? 0 : malformed(p, "zip directory");
}

static bool
ends_with(const struct entry *entry, const char *suffix)
{
	const size_t n = strlen(suffix);

	return entry->name_bytes >= n &&
	       memcmp(entry->name + entry->name_bytes - n, suffix, n) == 0;
}

/* The name behind its first component: PyTorch calls that one after the file. */
static const char *
inner_name(const struct entry *entry, size_t *n)
{
	const char *slash = memchr(entry->name, '/', entry->name_bytes);
	const char *inner = slash == NULL ? entry->name : slash + 1;

	*n = entry->name_bytes - (size_t)(inner - entry->name);
	return inner;
}

static bool
is_torch_data(const struct entry *entry)
{
	size_t n;
	const char *inner = inner_name(entry, &n);

	return n > 5 && memcmp(inner, "data/", 5) == 0;
}

/* What an entry's bytes at [offset, offset + stored_bytes) hold. */
static int
look_inside(struct parse *p, const struct entry *entry, uint64_t *offset, uint64_t *len,
    enum mf_element *element)
{
	struct mf_npy npy;
	int r;

	*element = MF_ELEMENT_UNKNOWN;
	if (entry->method != METHOD_STORED || (entry->flags & FLAG_ENCRYPTED) != 0) {
		*element = MF_ELEMENT_BYTES;
	} else if (p->torch && !is_torch_data(entry)) {
		*element = MF_ELEMENT_TEXT; /* the pickle, code, version */
	} else if (ends_with(entry, ".npy")) {
		if ((r = mf_npy_parse(p->job->src, *offset, *len, &npy, p->e)) < 0)
			return -1;
		if (r != 0) {
			mf_error_clear(p->e); /* then it is just bytes */
			return 0;
		}
		*offset += npy.header_bytes;
		*len -= npy.header_bytes;
		*element = npy.element;
	}
	return 0;
}

/* Write the entry down. In a PyTorch archive the N of data/N moves when a tensor comes or
 * goes; there the entry's CRC decides where runs close, so that it decides alike. */
static int
add(struct parse *p, const struct entry *entry, uint64_t offset, uint64_t len)
{
	struct mf_cut_named named = {.name = entry->name, .name_bytes = entry->name_bytes};
	enum mf_element element;
	uint8_t crc[4];

	if (look_inside(p, entry, &offset, &len, &element) != 0)
		return -1;
	if (p->torch && is_torch_data(entry)) {
		mf_set_u32(crc, entry->crc);
		named.run_name = crc;
		named.run_name_bytes = sizeof(crc);
	} else if (p->torch) {
		named.run_name = inner_name(entry, &named.run_name_bytes);
	}
	return mf_cut_add(p->job, &named, offset, len, element, p->e);
}

/* Find the entry's bytes behind its local header. */
static int
locate(struct parse *p, const struct entry *entry)
{
	uint8_t local[LOCAL_BYTES];
	uint64_t start, before;
	int r;

	/* everything lies before the directory */
	if (entry->local > p->dir.offset || p->dir.offset - entry->local < LOCAL_BYTES)
		return malformed(p, "zip entry offset");
	if ((r = read_at(p, local, sizeof(local), entry->local)) != 0)
		return r;
	if (mf_get_u32(local) != LOCAL_MAGIC)
		return malformed(p, "zip local header");
	before = LOCAL_BYTES + (uint64_t)(local[26] | local[27] << 8) +
		 (uint64_t)(local[28] | local[29] << 8);
	if (before > p->dir.offset - entry->local)
		return malformed(p, "zip local header");
	start = entry->local + before;
	if (entry->stored_bytes > p->dir.offset - start)
		return malformed(p, "zip entry size");
	if (entry->method == METHOD_STORED && entry->stored_bytes != entry->plain_bytes &&
	    (entry->flags & FLAG_ENCRYPTED) == 0)
		return malformed(p, "zip entry size");
	return add(p, entry, start, entry->stored_bytes);
}

/* Pass over the directory: every entry is shown to visit. */
static int
for_entries(struct parse *p, int (*visit)(struct parse *p, const struct entry *entry))
{
	struct entry entry;
	uint64_t i;
	int r;

	mf_scan_init(&p->scan, p->job->src, p->window, sizeof(p->window), p->dir.offset,
	    p->dir.offset + p->dir.bytes, p->e);
	for (i = 0; i < p->dir.entries; i++) {
		if ((r = next_entry(p, &entry)) != 0 || (r = visit(p, &entry)) != 0)
			return r;
	}
	return 0;
}

static int
recognise(struct parse *p, const struct entry *entry)
{
	size_t n;
	const char *inner = inner_name(entry, &n);

	if (inner != entry->name && n == 8 && memcmp(inner, "data.pkl", 8) == 0)
		p->torch = true;
	if (!ends_with(entry, ".npy"))
		p->npz = false;
	return 0;
}

int
mf_cut_zip(struct mf_cut_job *job, const char **format, struct mf_error *e)
{
	struct parse *p;
	int r;

	if ((p = calloc(1, sizeof(*p))) == NULL)
		return mf_error_nomem(e, "the directory of a zip file");
	p->job = job;
	p->e = e;
	p->npz = true;
	if ((r = find_directory(p)) == 0 && (r = for_entries(p, recognise)) == 0)
		r = for_entries(p, locate);
	if (r == 0) {
		job->items.gap = MF_ELEMENT_TEXT; /* names and numbers compress well */
		*format = p->torch ? "pytorch" : p->npz && p->dir.entries > 0 ? "npz" : "zip";
	}
	free(p);
	return r;
}
