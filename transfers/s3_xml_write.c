/* The bodies that a client sends. */
#include "config.h"

#include <assert.h>
#include <string.h>

#include "transfers/s3_xml.h"

#define NAMESPACE " xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\""

static void
put_text(struct mf_buf *out, const char *text)
{
	mf_buf_put(out, text, strlen(text));
}

/* Bytes of the character at s that XML 1.0 can say (section 2.2, Char), or 0. */
static size_t
char_bytes(const char *s)
{
	const unsigned char *u = (const unsigned char *)s;
	unsigned long c;
	size_t n, i;

	if (u[0] < 0x80)
		return u[0] >= 0x20 || u[0] == '\t' || u[0] == '\n' || u[0] == '\r';
	if (u[0] < 0xc2 || u[0] > 0xf4)
		return 0;
	n = u[0] < 0xe0 ? 2 : u[0] < 0xf0 ? 3 : 4;
	c = u[0] & (0x7fu >> n);
	for (i = 1; i < n; i++) {
		if ((u[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (u[i] & 0x3f);
	}
	if ((n == 3 && c < 0x800) || (n == 4 && (c < 0x10000 || c > 0x10ffff)) ||
	    (c >= 0xd800 && c < 0xe000) || c == 0xfffe || c == 0xffff)
		return 0;
	return n;
}

/* The character at s, of n bytes. White space that a reader would change is written as a
 * reference. */
static void
put_char(struct mf_buf *out, const char *s, size_t n)
{
	switch (*s) {
	case '&': put_text(out, "&amp;"); break;
	case '<': put_text(out, "&lt;"); break;
	case '>': put_text(out, "&gt;"); break;
	case '"': put_text(out, "&quot;"); break;
	case '\'': put_text(out, "&apos;"); break;
	case '\t':
	case '\n':
	case '\r': mf_buf_printf(out, "&#%d;", *s); break;
	default: mf_buf_put(out, s, n); break;
	}
}

static int
put_escaped(struct mf_buf *out, const char *text, struct mf_error *e)
{
	const char *at;
	size_t n;

	for (at = text; *at != '\0'; at += n) {
		if ((n = char_bytes(at)) == 0)
			return mf_error_set(e, MF_EUNSUPPORTED,
			    "\"%s\" has characters that XML cannot say", text);
		put_char(out, at, n);
	}
	return 0;
}

int
mf_s3_xml_put_complete(struct mf_buf *out, const struct mf_s3_part *parts, size_t n,
    struct mf_error *e)
{
	size_t i;

	assert(n > 0 && n <= MF_S3_PARTS_MAX);
	put_text(out, "<CompleteMultipartUpload" NAMESPACE ">");
	for (i = 0; i < n; i++) {
		assert(i == 0 || parts[i].number > parts[i - 1].number);
		mf_buf_printf(out, "<Part><PartNumber>%u</PartNumber><ETag>&quot;",
		    parts[i].number);
		if (put_escaped(out, parts[i].etag, e) != 0)
			return -1;
		put_text(out, "&quot;</ETag>");
		if (parts[i].crc32c[0] != '\0')
			mf_buf_printf(out, "<ChecksumCRC32C>%s</ChecksumCRC32C>", parts[i].crc32c);
		put_text(out, "</Part>");
	}
	put_text(out, "</CompleteMultipartUpload>");
	return out->failed ? mf_error_nomem(e, "the end of an upload") : 0;
}

int
mf_s3_xml_put_delete(struct mf_buf *out, const char *const *keys, size_t n, struct mf_error *e)
{
	size_t i;

	assert(n > 0 && n <= 1000);
	put_text(out, "<Delete" NAMESPACE "><Quiet>true</Quiet>");
	for (i = 0; i < n; i++) {
		put_text(out, "<Object><Key>");
		if (put_escaped(out, keys[i], e) != 0)
			return -1;
		put_text(out, "</Key></Object>");
	}
	put_text(out, "</Delete>");
	return out->failed ? mf_error_nomem(e, "a deletion") : 0;
}
