/*
 * GGUF versions 2 and 3, little-endian
 * (https://github.com/ggml-org/ggml/blob/master/docs/gguf.md): magic, u32 version, u64 tensor
 * count, u64 metadata count, metadata (string key, u32 type, value), tensor infos (string
 * name, u32 dimensions, u64 each, u32 type, u64 offset), padding to general.alignment, data.
 *
 * Every entry costs bytes of the header, and the header is bounded: so are time and memory,
 * whatever the counts say.
 */
#include <string.h>

#include "src/base/buf.h"
#include "src/chunk/plan_int.h"

#define HEADER_MAX ((uint64_t)256 << 20)
#define WINDOW_BYTES 8192
#define DEPTH_MAX 4
#define DIMENSIONS_MAX 8
#define NAME_MAX_BYTES 4096
#define ALIGNMENT_DEFAULT 32
#define ALIGNMENT_MAX ((uint32_t)1 << 20)
#define PAIRS_MAX 65536      /* real files have some dozens */
#define TENSOR_INFO_BYTES 24 /* with an empty name and no dimensions */
#define METADATA_OWN_BYTES ((uint64_t)64 << 10)

enum { TYPE_U32 = 4, TYPE_STRING = 8, TYPE_ARRAY = 9 };

struct parse {
	struct mf_cut_job *job;
	struct mf_scan scan;
	struct mf_error *e;
	uint32_t alignment;
	uint8_t window[WINDOW_BYTES];
	char name[NAME_MAX_BYTES];
};

/* How ggml stores a tensor type; block_bytes 0: unknown here (ggml.h, ggml-common.h). */
struct type {
	uint16_t block_elements, block_bytes;
	enum mf_element element;
};

static struct type
type_of(uint32_t type)
{
	static const struct type table[] = {
	    [0] = {1, 4, MF_ELEMENT_F32},
	    [1] = {1, 2, MF_ELEMENT_F16},
	    [2] = {32, 18, MF_ELEMENT_Q4_0},
	    [3] = {32, 20, MF_ELEMENT_Q4_1},
	    [6] = {32, 22, MF_ELEMENT_Q5_0},
	    [7] = {32, 24, MF_ELEMENT_Q5_1},
	    [8] = {32, 34, MF_ELEMENT_Q8_0},
	    [10] = {256, 84, MF_ELEMENT_Q2_K},
	    [11] = {256, 110, MF_ELEMENT_Q3_K},
	    [12] = {256, 144, MF_ELEMENT_Q4_K},
	    [13] = {256, 176, MF_ELEMENT_Q5_K},
	    [14] = {256, 210, MF_ELEMENT_Q6_K},
	    [15] = {256, 292, MF_ELEMENT_Q8_K},
	    [16] = {256, 66, MF_ELEMENT_UNKNOWN},  /* IQ2_XXS */
	    [17] = {256, 74, MF_ELEMENT_UNKNOWN},  /* IQ2_XS */
	    [18] = {256, 98, MF_ELEMENT_UNKNOWN},  /* IQ3_XXS */
	    [19] = {256, 50, MF_ELEMENT_UNKNOWN},  /* IQ1_S */
	    [20] = {32, 18, MF_ELEMENT_UNKNOWN},   /* IQ4_NL */
	    [21] = {256, 110, MF_ELEMENT_UNKNOWN}, /* IQ3_S */
	    [22] = {256, 82, MF_ELEMENT_UNKNOWN},  /* IQ2_S */
	    [23] = {256, 136, MF_ELEMENT_UNKNOWN}, /* IQ4_XS */
	    [24] = {1, 1, MF_ELEMENT_I8},
	    [25] = {1, 2, MF_ELEMENT_I16},
	    [26] = {1, 4, MF_ELEMENT_I32},
	    [27] = {1, 8, MF_ELEMENT_I64},
	    [28] = {1, 8, MF_ELEMENT_F64},
	    [29] = {256, 56, MF_ELEMENT_UNKNOWN}, /* IQ1_M */
	    [30] = {1, 2, MF_ELEMENT_BF16},
	    [34] = {256, 54, MF_ELEMENT_UNKNOWN}, /* TQ1_0 */
	    [35] = {256, 66, MF_ELEMENT_UNKNOWN}, /* TQ2_0 */
	    [39] = {32, 17, MF_ELEMENT_UNKNOWN},  /* MXFP4 */
	};

	if (type >= sizeof(table) / sizeof(table[0]))
		return (struct type){0};
	return table[type];
}

static int
malformed(struct parse *p)
{
	if (p->scan.status < 0)
		return -1;
	return mf_cut_refuse(p->e, "its GGUF header is malformed at byte %llu",
	    (unsigned long long)mf_scan_offset(&p->scan));
}

/* A string of at most capacity bytes. */
static int
string(struct parse *p, char *out, size_t capacity, size_t *len)
{
	uint64_t n = mf_scan_u64(&p->scan);

	if (p->scan.status != 0 || n > capacity)
		return malformed(p);
	*len = (size_t)n;
	mf_scan_bytes(&p->scan, out, *len);
	return p->scan.status == 0 ? 0 : malformed(p);
}

static uint64_t
scalar_bytes(uint32_t type)
{
	static const uint8_t table[] = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};

	return type < sizeof(table) ? table[type] : 0;
}

static int skip_value(struct parse *p, uint32_t type, unsigned depth);

/* NOLINTBEGIN(misc-no-recursion): DEPTH_MAX ends it */
static int
skip_array(struct parse *p, unsigned depth)
{
	uint32_t type = mf_scan_u32(&p->scan);
	uint64_t n = mf_scan_u64(&p->scan), each = scalar_bytes(type);
	int r;

	if (p->scan.status != 0 || depth >= DEPTH_MAX)
		return malformed(p);
	if (each != 0) {
		if (n > mf_scan_left(&p->scan) / each)
			return malformed(p);
		mf_scan_skip(&p->scan, n * each);
		return 0;
	}
	for (; n > 0; n--) { /* each takes 8 bytes of the header at least */
		if ((r = skip_value(p, type, depth + 1)) != 0)
			return r;
	}
	return 0;
}

static int
skip_value(struct parse *p, uint32_t type, unsigned depth)
{
	uint64_t n = scalar_bytes(type);

	if (type == TYPE_ARRAY)
		return skip_array(p, depth);
	if (type == TYPE_STRING)
		n = mf_scan_u64(&p->scan);
	else if (n == 0)
		return malformed(p);
	mf_scan_skip(&p->scan, n);
	return p->scan.status == 0 ? 0 : malformed(p);
}
/* NOLINTEND(misc-no-recursion) */

static int
metadata(struct parse *p, uint64_t count)
{
	static const char alignment[] = "general.alignment";
	uint32_t type;
	size_t len;
	int r;

	for (; count > 0; count--) {
		if ((r = string(p, p->name, sizeof(p->name), &len)) != 0)
			return r;
		type = mf_scan_u32(&p->scan);
		if (len != sizeof(alignment) - 1 || memcmp(p->name, alignment, len) != 0) {
			if ((r = skip_value(p, type, 0)) != 0)
				return r;
			continue;
		}
		p->alignment = mf_scan_u32(&p->scan);
		if (type != TYPE_U32 || p->scan.status != 0 || p->alignment == 0 ||
		    p->alignment > ALIGNMENT_MAX || (p->alignment & (p->alignment - 1)) != 0)
			return malformed(p);
	}
	return 0;
}

/* Bytes of a tensor; *bytes is 0 for a type that is not known here. 1: impossible. */
static int
tensor_bytes(struct type type, const uint64_t *dimensions, uint32_t n, uint64_t *bytes)
{
	uint64_t elements = 1;
	uint32_t i;

	*bytes = 0;
	for (i = 0; i < n; i++) {
		if (__builtin_mul_overflow(elements, dimensions[i], &elements))
			return 1;
	}
	if (type.block_bytes == 0)
		return 0;
	if ((n > 0 ? dimensions[0] : 1) % type.block_elements != 0)
		return 1;
	return __builtin_mul_overflow(
	    elements / type.block_elements, (uint64_t)type.block_bytes, bytes);
}

/* Write a tensor info down; its offset counts from the data, which start is not known yet. */
static int
tensor(struct parse *p)
{
	struct mf_cut_named named = {.name = p->name};
	uint64_t dimensions[DIMENSIONS_MAX], offset, bytes;
	struct type type;
	uint32_t n, i;
	int r;

	if ((r = string(p, p->name, sizeof(p->name), &named.name_bytes)) != 0)
		return r;
	n = mf_scan_u32(&p->scan);
	if (n > DIMENSIONS_MAX)
		return malformed(p);
	for (i = 0; i < n; i++)
		dimensions[i] = mf_scan_u64(&p->scan);
	type = type_of(mf_scan_u32(&p->scan));
	offset = mf_scan_u64(&p->scan);
	if (p->scan.status != 0 || tensor_bytes(type, dimensions, n, &bytes) != 0)
		return malformed(p);
	return mf_cut_add(p->job, &named, offset, bytes, type.element, p->e);
}

/* Now that the start of the data is known: offsets count from the file's start, and a tensor
 * of unknown type reaches to the next one. */
static int
place(struct mf_cut_job *job, uint64_t data, struct mf_error *e)
{
	const uint64_t size = job->src->size;
	struct mf_cut_item *v = job->items.v;
	uint64_t next;
	size_t i;

	mf_cut_sort_by_offset(v, job->items.n);
	for (i = job->items.n; i-- > 0;) {
		if (v[i].offset > size - data || v[i].len > size - data - v[i].offset)
			return mf_cut_refuse(e, "a tensor reaches past the end of the file");
		v[i].offset += data;
		next = i + 1 < job->items.n ? v[i + 1].offset : size;
		if (v[i].len == 0)
			v[i].len = next - v[i].offset;
	}
	return 0;
}

static int
header(struct parse *p, uint64_t *metadata_end)
{
	uint32_t version;
	uint64_t tensors, pairs;
	int r;

	mf_scan_skip(&p->scan, 4);
	version = mf_scan_u32(&p->scan);
	tensors = mf_scan_u64(&p->scan);
	pairs = mf_scan_u64(&p->scan);
	if (p->scan.status == 0 && version != 2 && version != 3)
		return mf_cut_refuse(p->e, "its GGUF version is not known");
	if (p->scan.status != 0 || pairs > PAIRS_MAX)
		return malformed(p);
	if ((r = metadata(p, pairs)) != 0)
		return r;
	*metadata_end = mf_scan_offset(&p->scan);
	if (tensors > mf_scan_left(&p->scan) / TENSOR_INFO_BYTES)
		return malformed(p);
	for (; tensors > 0; tensors--) {
		if ((r = tensor(p)) != 0)
			return r;
	}
	return 0;
}

int
mf_cut_gguf(struct mf_cut_job *job, const char **format, struct mf_error *e)
{
	const uint64_t size = job->src->size;
	uint64_t metadata_end = 0, data;
	struct parse p;
	int r;

	p.job = job;
	p.e = e;
	p.alignment = ALIGNMENT_DEFAULT;
	mf_scan_init(&p.scan, job->src, p.window, sizeof(p.window), 0,
	    size < HEADER_MAX ? size : HEADER_MAX, e);
	if ((r = header(&p, &metadata_end)) != 0)
		return r;
	data = (mf_scan_offset(&p.scan) + p.alignment - 1) & ~((uint64_t)p.alignment - 1);
	if (data > size) { /* padding may be missing where there are no data */
		if (job->items.n != 0)
			return malformed(&p);
		data = size;
	}
	if ((r = place(job, data, e)) != 0)
		return r;
	job->items.header_bytes = data;
	/* a long vocabulary stays the same while tensors change */
	if (metadata_end >= METADATA_OWN_BYTES)
		job->items.header_split = metadata_end;
	job->items.pad_bytes = p.alignment;
	*format = "gguf";
	return 0;
}
