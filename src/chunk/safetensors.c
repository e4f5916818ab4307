/*
 * safetensors (https://github.com/huggingface/safetensors, "Format"): u64 header length N,
 * N bytes of JSON ({"name": {"dtype", "shape", "data_offsets": [begin, end]}, ...,
 * "__metadata__": {...}}, padded with spaces), then the data that the offsets count from.
 */
#include <string.h>

#include "src/base/buf.h"
#include "src/chunk/json_int.h"
#include "src/chunk/plan_int.h"

#define LENGTH_BYTES 8
#define HEADER_MAX ((uint64_t)16 << 20)
#define NAME_MAX_BYTES 4096
#define WINDOW_BYTES 8192

struct parse {
	struct mf_cut_job *job;
	struct mf_scan scan;
	uint64_t data; /* file offset of the data */
	struct mf_error *e;
	uint8_t window[WINDOW_BYTES];
	char name[NAME_MAX_BYTES];
};

struct tensor {
	enum mf_element element;
	uint64_t begin, end;
	bool has_dtype, has_offsets, has_shape;
};

bool
mf_cut_is_safetensors(const uint8_t first[16], uint64_t size)
{
	uint64_t n = mf_get_u64(first);

	return n >= 2 && size > LENGTH_BYTES && n <= size - LENGTH_BYTES && first[8] == '{' &&
	       (first[9] == '"' || first[9] == '}' || first[9] == ' ' || first[9] == '\n' ||
		   first[9] == '\t' || first[9] == '\r');
}

static enum mf_element
element_of(const struct mf_json_text *dtype)
{
	static const struct {
		const char *name;
		enum mf_element element;
	} table[] = {
	    {"BF16", MF_ELEMENT_BF16},
	    {"F16", MF_ELEMENT_F16},
	    {"F32", MF_ELEMENT_F32},
	    {"F64", MF_ELEMENT_F64},
	    {"C64", MF_ELEMENT_F32},
	    {"F8_E4M3", MF_ELEMENT_F8_E4M3},
	    {"F8_E5M2", MF_ELEMENT_F8_E5M2},
	    {"I64", MF_ELEMENT_I64},
	    {"U64", MF_ELEMENT_I64},
	    {"I32", MF_ELEMENT_I32},
	    {"U32", MF_ELEMENT_I32},
	    {"I16", MF_ELEMENT_I16},
	    {"U16", MF_ELEMENT_I16},
	    {"I8", MF_ELEMENT_I8},
	    {"U8", MF_ELEMENT_I8},
	    {"BOOL", MF_ELEMENT_I8},
	};
	size_t i;

	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		if (strlen(table[i].name) == dtype->len &&
		    memcmp(table[i].name, dtype->bytes, dtype->len) == 0)
			return table[i].element;
	}
	return MF_ELEMENT_UNKNOWN;
}

/* Why the header was not what was asked for. */
static int
malformed(struct parse *p)
{
	if (p->scan.status < 0)
		return -1;
	return mf_cut_refuse(p->e, "its safetensors header is malformed at byte %llu",
	    (unsigned long long)mf_scan_offset(&p->scan));
}

static int
offsets(struct mf_scan *s, struct tensor *t)
{
	return mf_json_expect(s, '[') || mf_json_u64(s, &t->begin) || mf_json_expect(s, ',') ||
	       mf_json_u64(s, &t->end) || mf_json_expect(s, ']') || t->begin > t->end;
}

/* One member of a tensor's object; its key has been read. */
static int
attribute(struct mf_scan *s, const struct mf_json_text *key, struct tensor *t)
{
	char bytes[32];
	struct mf_json_text text = {bytes, sizeof(bytes), 0};
	bool again;

	if (key->len == 5 && memcmp(key->bytes, "dtype", 5) == 0) {
		again = t->has_dtype;
		t->has_dtype = true;
		if (again || mf_json_string(s, &text) != 0)
			return 1;
		t->element = element_of(&text);
		return 0;
	}
	if (key->len == 12 && memcmp(key->bytes, "data_offsets", 12) == 0) {
		again = t->has_offsets;
		t->has_offsets = true;
		return again || offsets(s, t);
	}
	if (key->len == 5 && memcmp(key->bytes, "shape", 5) == 0) {
		again = t->has_shape;
		t->has_shape = true;
		return again || mf_json_peek(s) != '[' || mf_json_skip(s);
	}
	return 1;
}

static int
tensor(struct mf_scan *s, struct tensor *t)
{
	char bytes[16];
	struct mf_json_text key = {bytes, sizeof(bytes), 0};
	bool first = true, more;

	if (mf_json_expect(s, '{') != 0)
		return 1;
	for (;; first = false) {
		if (mf_json_next(s, '}', first, &more) != 0)
			return 1;
		if (!more)
			return !t->has_dtype || !t->has_offsets || !t->has_shape;
		if (mf_json_string(s, &key) != 0 || mf_json_expect(s, ':') != 0 ||
		    attribute(s, &key, t) != 0)
			return 1;
	}
}

static int
add(struct parse *p, const struct mf_json_text *name)
{
	const struct mf_cut_named named = {.name = name->bytes, .name_bytes = name->len};
	struct tensor t = {.element = MF_ELEMENT_UNKNOWN};

	if (tensor(&p->scan, &t) != 0)
		return malformed(p);
	if (t.end > p->job->src->size - p->data)
		return mf_cut_refuse(p->e, "a tensor reaches past the end of the file");
	return mf_cut_add(p->job, &named, p->data + t.begin, t.end - t.begin, t.element, p->e);
}

static int
tensors(struct parse *p)
{
	struct mf_json_text name = {p->name, sizeof(p->name), 0};
	bool first = true, metadata = false, more;
	int r;

	if (mf_json_expect(&p->scan, '{') != 0)
		return malformed(p);
	for (;; first = false) {
		if (mf_json_next(&p->scan, '}', first, &more) != 0)
			return malformed(p);
		if (!more)
			return 0;
		if (mf_json_string(&p->scan, &name) != 0 || mf_json_expect(&p->scan, ':') != 0)
			return malformed(p);
		if (name.len == 12 && memcmp(name.bytes, "__metadata__", 12) == 0) {
			if (metadata || mf_json_peek(&p->scan) != '{' ||
			    mf_json_skip(&p->scan) != 0)
				return malformed(p);
			metadata = true;
		} else if ((r = add(p, &name)) != 0) {
			return r;
		}
	}
}

int
mf_cut_safetensors(struct mf_cut_job *job, const char **format, struct mf_error *e)
{
	struct parse p;
	uint8_t length[LENGTH_BYTES];
	uint64_t n;
	int r;

	p.job = job;
	p.e = e;
	mf_scan_init(&p.scan, job->src, p.window, sizeof(p.window), 0, job->src->size, e);
	mf_scan_bytes(&p.scan, length, sizeof(length));
	if (p.scan.status != 0)
		return malformed(&p);
	n = mf_get_u64(length);
	if (n > HEADER_MAX)
		return mf_cut_refuse(e, "its safetensors header is longer than 16 MiB");
	if (n > job->src->size - LENGTH_BYTES)
		return malformed(&p);
	p.data = LENGTH_BYTES + n;
	mf_scan_init(&p.scan, job->src, p.window, sizeof(p.window), LENGTH_BYTES, p.data, e);
	if ((r = tensors(&p)) != 0)
		return r;
	if (mf_json_peek(&p.scan) != -1 || p.scan.status < 0)
		return malformed(&p);
	job->items.header_bytes = p.data;
	*format = "safetensors";
	return 0;
}
