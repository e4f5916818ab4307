/*
 * NumPy arrays (https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html):
 * "\x93NUMPY", version (two bytes), header length (u16 in version 1, u32 in 2 and 3), a
 * Python dictionary literal with 'descr', 'fortran_order' and 'shape'; then the array. Only
 * descr is looked at, and only as a hint: the array is what follows the header.
 */
#include <string.h>

#include "src/chunk/plan_int.h"

#define MAGIC_BYTES 8 /* with the version */
#define HEADER_MAX 65535
#define DESCR_MAX 16
#define WINDOW_BYTES 256

static enum mf_element
element_of(const char *descr)
{
	static const struct {
		const char *name; /* without byte order */
		enum mf_element element;
	} table[] = {
	    {"f8", MF_ELEMENT_F64}, {"f4", MF_ELEMENT_F32}, {"f2", MF_ELEMENT_F16},
	    {"c16", MF_ELEMENT_F64}, {"c8", MF_ELEMENT_F32}, {"i8", MF_ELEMENT_I64},
	    {"u8", MF_ELEMENT_I64}, {"m8", MF_ELEMENT_I64}, {"M8", MF_ELEMENT_I64},
	    {"i4", MF_ELEMENT_I32}, {"u4", MF_ELEMENT_I32}, {"i2", MF_ELEMENT_I16},
	    {"u2", MF_ELEMENT_I16}, {"i1", MF_ELEMENT_I8}, {"u1", MF_ELEMENT_I8},
	    {"b1", MF_ELEMENT_I8}, {"V2", MF_ELEMENT_BF16}, /* how ml_dtypes' bfloat16 is stored */
	    {"O", MF_ELEMENT_BYTES},                        /* a pickle */
	};
	size_t n, i;

	/* big-endian arrays have no element of their own */
	if (descr[0] != '<' && descr[0] != '|' && descr[0] != '=')
		return MF_ELEMENT_UNKNOWN;
	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		n = strlen(table[i].name);
		/* "M8[ns]" too */
		if (strncmp(descr + 1, table[i].name, n) == 0 &&
		    (descr[1 + n] == '\0' || descr[1 + n] == '['))
			return table[i].element;
	}
	return MF_ELEMENT_UNKNOWN;
}

/* Find 'descr': '...' among the scan's remaining bytes. out stays empty where there is none
 * or it is no string (a structured type is a list). */
static void
find_descr(struct mf_scan *s, char out[DESCR_MAX])
{
	static const char key[] = "descr";
	size_t matched = 0, n = 0;
	int c, quote;

	out[0] = '\0';
	while (matched < sizeof(key) - 1) {
		if ((c = mf_scan_byte(s)) < 0)
			return;
		if (c != key[matched])
			matched = 0;
		matched += c == key[matched];
	}
	if ((c = mf_scan_byte(s)) != '\'' && c != '"')
		return;
	while ((c = mf_scan_byte(s)) == ' ' || c == ':')
		continue;
	if (c != '\'' && c != '"')
		return;
	quote = c;
	while ((c = mf_scan_byte(s)) > 0 && c != quote && n + 1 < DESCR_MAX)
		out[n++] = (char)c;
	out[c == quote ? n : 0] = '\0';
}

int
mf_npy_parse(const struct mf_cut_source *src, uint64_t offset, uint64_t len, struct mf_npy *out,
    struct mf_error *e)
{
	uint8_t window[WINDOW_BYTES], magic[MAGIC_BYTES];
	char descr[DESCR_MAX] = "";
	struct mf_scan s;
	uint64_t n, before;

	mf_scan_init(&s, src, window, sizeof(window), offset, offset + len, e);
	mf_scan_bytes(&s, magic, sizeof(magic));
	if (s.status == 0 && (memcmp(magic, "\223NUMPY", 6) != 0 || magic[6] < 1 || magic[6] > 3))
		return mf_cut_refuse(e, "it has no array header of a known version");
	n = magic[6] == 1 ? mf_scan_u16(&s) : mf_scan_u32(&s);
	before = mf_scan_offset(&s) - offset;
	if (s.status == 0 && (n > HEADER_MAX || n > len - before))
		return mf_cut_refuse(e, "its array header is longer than the array or 64 KiB");
	if (s.status == 0) {
		s.end = offset + before + n;
		if (s.base + s.have > s.end)
			s.have = (size_t)(s.end - s.base);
		find_descr(&s, descr);
		if (s.status == 1) /* only the end of the header */
			s.status = 0;
	}
	if (s.status < 0)
		return -1;
	if (s.status == 1)
		return mf_cut_refuse(e, "its array header is cut short");
	out->header_bytes = before + n;
	out->element = element_of(descr);
	return 0;
}

int
mf_cut_npy(struct mf_cut_job *job, const char **format, struct mf_error *e)
{
	const struct mf_cut_named named = {.name = "array", .name_bytes = 5};
	struct mf_npy npy;
	int r;

	if ((r = mf_npy_parse(job->src, 0, job->src->size, &npy, e)) != 0)
		return r;
	job->items.header_bytes = npy.header_bytes;
	*format = "npy";
	return mf_cut_add(
	    job, &named, npy.header_bytes, job->src->size - npy.header_bytes, npy.element, e);
}
