#include "src/chunk/json_int.h"

#include <string.h>

int
mf_json_peek(struct mf_scan *s)
{
	int c;

	while ((c = mf_scan_peek(s)) == ' ' || c == '\t' || c == '\n' || c == '\r')
		(void)mf_scan_byte(s);
	return c;
}

int
mf_json_expect(struct mf_scan *s, char c)
{
	if (mf_json_peek(s) != c)
		return 1;
	(void)mf_scan_byte(s);
	return 0;
}

int
mf_json_next(struct mf_scan *s, char close, bool first, bool *more)
{
	if (mf_json_peek(s) == close) {
		(void)mf_scan_byte(s);
		*more = false;
		return 0;
	}
	*more = true;
	if (first)
		return 0;
	/* a comma promises another member */
	return mf_json_expect(s, ',') != 0 || mf_json_peek(s) == close;
}

static int
put(struct mf_json_text *out, int c)
{
	if (out == NULL)
		return 0;
	if (out->len == out->capacity)
		return 1;
	out->bytes[out->len++] = (char)c;
	return 0;
}

static int
put_utf8(struct mf_json_text *out, uint32_t c)
{
	if (c < 0x80)
		return put(out, (int)c);
	if (c < 0x800)
		return put(out, 0xc0 | (int)(c >> 6)) || put(out, 0x80 | (int)(c & 0x3f));
	if (c < 0x10000)
		return put(out, 0xe0 | (int)(c >> 12)) || put(out, 0x80 | (int)(c >> 6 & 0x3f)) ||
		       put(out, 0x80 | (int)(c & 0x3f));
	return put(out, 0xf0 | (int)(c >> 18)) || put(out, 0x80 | (int)(c >> 12 & 0x3f)) ||
	       put(out, 0x80 | (int)(c >> 6 & 0x3f)) || put(out, 0x80 | (int)(c & 0x3f));
}

static int
hex4(struct mf_scan *s, uint32_t *value)
{
	int i, c;

	*value = 0;
	for (i = 0; i < 4; i++) {
		c = mf_scan_byte(s);
		if (c >= '0' && c <= '9')
			c -= '0';
		else if (c >= 'a' && c <= 'f')
			c -= 'a' - 10;
		else if (c >= 'A' && c <= 'F')
			c -= 'A' - 10;
		else
			return 1;
		*value = *value << 4 | (uint32_t)c;
	}
	return 0;
}

/* Behind "\u": one code point, perhaps from a pair of surrogates. */
static int
unicode_escape(struct mf_scan *s, struct mf_json_text *out)
{
	uint32_t c, low;

	if (hex4(s, &c) != 0 || (c >= 0xdc00 && c < 0xe000))
		return 1;
	if (c >= 0xd800 && c < 0xdc00) {
		/* NOLINTNEXTLINE(misc-redundant-expression): each call takes the next byte */
		if (mf_scan_byte(s) != '\\' || mf_scan_byte(s) != 'u' || hex4(s, &low) != 0 ||
		    low < 0xdc00 || low >= 0xe000)
			return 1;
		c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
	}
	return put_utf8(out, c);
}

static int
escape(struct mf_scan *s, struct mf_json_text *out)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	const char *at;
	int c = mf_scan_byte(s);

	if (c == 'u')
		return unicode_escape(s, out);
	if (c <= 0 || (at = strchr(from, c)) == NULL)
		return 1;
	return put(out, to[at - from]);
}

int
mf_json_string(struct mf_scan *s, struct mf_json_text *out)
{
	int c;

	if (out != NULL)
		out->len = 0;
	if (mf_json_expect(s, '"') != 0)
		return 1;
	for (;;) {
		c = mf_scan_byte(s);
		if (c == '"')
			return 0;
		if (c < 0x20) /* a control character, or the end */
			return 1;
		if ((c == '\\' ? escape(s, out) : put(out, c)) != 0)
			return 1;
	}
}

int
mf_json_u64(struct mf_scan *s, uint64_t *value)
{
	unsigned digits = 0;
	int c;

	*value = 0;
	(void)mf_json_peek(s);
	while ((c = mf_scan_peek(s)) >= '0' && c <= '9') {
		if (digits++ > 0 && *value == 0) /* a leading zero */
			return 1;
		if (__builtin_mul_overflow(*value, (uint64_t)10, value) ||
		    __builtin_add_overflow(*value, (uint64_t)(c - '0'), value))
			return 1;
		(void)mf_scan_byte(s);
	}
	return digits == 0 || c == '.' || c == 'e' || c == 'E';
}

/* A number, true, false or null, loosely. */
static int
skip_scalar(struct mf_scan *s)
{
	unsigned n = 0;
	int c;

	while ((c = mf_scan_peek(s)) > 0 &&
	       ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || strchr("+-.E", c) != NULL)) {
		(void)mf_scan_byte(s);
		n++;
	}
	return n == 0;
}

int
mf_json_skip(struct mf_scan *s)
{
	char closes[MF_JSON_DEPTH_MAX];
	unsigned depth = 0;
	bool more;
	int c;

	for (;;) {
		/* a value stands here, and in an object its name before it */
		if (depth > 0 && closes[depth - 1] == '}' &&
		    (mf_json_string(s, NULL) != 0 || mf_json_expect(s, ':') != 0))
			return 1;
		c = mf_json_peek(s);
		if (c == '{' || c == '[') {
			if (depth == MF_JSON_DEPTH_MAX)
				return 1;
			(void)mf_scan_byte(s);
			closes[depth++] = c == '{' ? '}' : ']';
			if (mf_json_next(s, closes[depth - 1], true, &more) != 0)
				return 1;
		} else {
			if ((c == '"' ? mf_json_string(s, NULL) : skip_scalar(s)) != 0)
				return 1;
			if (depth == 0)
				return 0;
			if (mf_json_next(s, closes[depth - 1], false, &more) != 0)
				return 1;
		}
		while (!more) {
			if (--depth == 0)
				return 0;
			if (mf_json_next(s, closes[depth - 1], false, &more) != 0)
				return 1;
		}
	}
}
