/* Escapes within quoted strings of expressions: Go's. */
#include "src/rollout/expr_int.h"

#include <string.h>

static void
put_utf8(struct mf_buf *out, unsigned long c)
{
	if (c < 0x80) {
		mf_buf_put_u8(out, (uint8_t)c);
		return;
	}
	if (c < 0x800) {
		mf_buf_put_u8(out, (uint8_t)(0xc0 | c >> 6));
	} else {
		if (c < 0x10000) {
			mf_buf_put_u8(out, (uint8_t)(0xe0 | c >> 12));
		} else {
			mf_buf_put_u8(out, (uint8_t)(0xf0 | c >> 18));
			mf_buf_put_u8(out, (uint8_t)(0x80 | (c >> 12 & 0x3f)));
		}
		mf_buf_put_u8(out, (uint8_t)(0x80 | (c >> 6 & 0x3f)));
	}
	mf_buf_put_u8(out, (uint8_t)(0x80 | (c & 0x3f)));
}

static unsigned
digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0');
	if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
		return (unsigned)((c | 0x20) - 'a') + 10;
	return 99;
}

/* Exactly n digits. */
static int
code_point(struct mf_expr_lexer *l, unsigned n, unsigned base, struct mf_buf *out)
{
	size_t start = l->at;
	unsigned long c = 0;

	for (; n > 0; n--, l->at++) {
		if (digit_value(l->text[l->at]) >= base)
			return mf_expr_refuse(l, start, "a bad escape in a string");
		c = c * base + digit_value(l->text[l->at]);
	}
	if (c == 0 || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return mf_expr_refuse(l, start, "an escape that is no character");
	put_utf8(out, c);
	return 0;
}

int
mf_expr_unescape(struct mf_expr_lexer *l, char quote, struct mf_buf *out)
{
	static const char names[] = "abfnrtv\\", codes[] = "\a\b\f\n\r\t\v\\";
	char c = l->text[l->at];
	const char *found;

	if (c >= '0' && c <= '3')
		return code_point(l, 3, 8, out);
	if (c != '\0' && c != quote && (found = strchr(names, c)) == NULL && c != 'x' && c != 'u' &&
	    c != 'U')
		return mf_expr_refuse(l, l->at - 1, "unknown escape \\%.1s", l->text + l->at);
	if (c == '\0')
		return mf_expr_refuse(l, l->at, "a string without an end");
	l->at++;
	if (c == quote) {
		mf_buf_put_u8(out, (uint8_t)c);
		return 0;
	}
	if (c == 'x' || c == 'u' || c == 'U')
		return code_point(l, c == 'x' ? 2 : c == 'u' ? 4 : 8, 16, out);
	found = strchr(names, c);
	mf_buf_put_u8(out, (uint8_t)codes[found - names]);
	return 0;
}
