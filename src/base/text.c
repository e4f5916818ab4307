#include "src/base/text.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define ESCAPE_BYTES 5 /* "\xNN" and a NUL */

size_t
mf_text_char_bytes(const char *s)
{
	const unsigned char *u = (const unsigned char *)s;
	uint32_t c;
	size_t n, i;
	static const uint32_t lowest[5] = {0, 0, 0x80, 0x800, 0x10000};

	if (u[0] == 0)
		return 0;
	if (u[0] < 0x80)
		return 1;
	n = u[0] >= 0xf0 && u[0] < 0xf8 ? 4 : u[0] >= 0xe0 ? 3 : 2;
	if (u[0] < 0xc2 || u[0] >= 0xf8)
		return 0;
	c = u[0] & (0x7fU >> n);
	for (i = 1; i < n; i++) {
		if ((u[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (u[i] & 0x3fU);
	}
	if (c < lowest[n] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	return n;
}

/* Is the character of n bytes at s one that a terminal acts upon? */
static bool
is_control(const char *s, size_t n)
{
	const unsigned char *u = (const unsigned char *)s;

	return (n == 1 && (u[0] < 0x20 || u[0] == 0x7f)) || (n == 2 && u[0] == 0xc2 && u[1] < 0xa0);
}

/* The next piece of output for *s, which is advanced: a view of *s or of escape. */
static const char *
next_piece(const char **s, char escape[ESCAPE_BYTES], size_t *n)
{
	const char *at = *s;
	size_t chars = mf_text_char_bytes(at);

	if (chars > 0 && !is_control(at, chars)) {
		*s += chars;
		*n = chars;
		return at;
	}
	(*s)++;
	if (*at == '\n' || *at == '\t')
		*n = (size_t)snprintf(escape, ESCAPE_BYTES, "\\%c", *at == '\n' ? 'n' : 't');
	else
		*n = (size_t)snprintf(escape, ESCAPE_BYTES, "\\x%02x", (unsigned char)*at);
	return escape;
}

void
mf_text_escape(char *out, size_t out_bytes, const char *s)
{
	char escape[ESCAPE_BYTES];
	const char *piece;
	size_t n, len = 0;

	if (out_bytes == 0)
		return;
	while (*s != '\0') {
		piece = next_piece(&s, escape, &n);
		if (n >= out_bytes - len)
			break;
		memcpy(out + len, piece, n);
		len += n;
	}
	out[len] = '\0';
}

void
mf_text_put_escaped(struct mf_buf *b, const char *s)
{
	char escape[ESCAPE_BYTES];
	const char *piece;
	size_t n;

	while (*s != '\0') {
		piece = next_piece(&s, escape, &n);
		mf_buf_put(b, piece, n);
	}
}

void
mf_text_put_json(struct mf_buf *b, const char *s)
{
	size_t n;

	mf_buf_put_u8(b, '"');
	while (*s != '\0') {
		n = mf_text_char_bytes(s);
		if (n == 0) {
			mf_buf_put(b, "\xef\xbf\xbd", 3);
			s++;
			continue;
		}
		if (n == 1 && (*s == '"' || *s == '\\'))
			mf_buf_printf(b, "\\%c", *s);
		else if (*s == '\n')
			mf_buf_put(b, "\\n", 2);
		else if (*s == '\t')
			mf_buf_put(b, "\\t", 2);
		else if (n == 1 && ((unsigned char)*s < 0x20 || *s == 0x7f))
			mf_buf_printf(b, "\\u%04x", (unsigned)(unsigned char)*s);
		else
			mf_buf_put(b, s, n);
		s += n;
	}
	mf_buf_put_u8(b, '"');
}

static bool
good_part(const char *s, size_t n)
{
	size_t i;

	if (n == 0 || s[0] == '.' || s[0] == '-')
		return false;
	for (i = 0; i < n; i++)
		if (strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._+-",
			s[i]) == NULL)
			return false;
	return true;
}

bool
mf_text_is_name(const char *name, bool slashes)
{
	bool good = name[0] != '\0' && strlen(name) <= MF_TEXT_NAME_MAX;
	const char *p;
	size_t n;

	for (p = name; good; p += n + 1) {
		n = slashes ? strcspn(p, "/") : strlen(p);
		good = good_part(p, n);
		if (p[n] == '\0')
			break;
	}
	return good;
}
