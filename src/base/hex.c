#include "src/base/hex.h"

void
mf_hex_encode(char *out, const uint8_t *bytes, size_t n)
{
	static const char digits[] = "0123456789abcdef";
	size_t i;

	for (i = 0; i < n; i++) {
		out[2 * i] = digits[bytes[i] >> 4];
		out[2 * i + 1] = digits[bytes[i] & 15];
	}
	out[2 * n] = '\0';
}

static int
digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

int
mf_hex_decode(uint8_t *out, size_t n, const char *s)
{
	int high, low;
	size_t i;

	for (i = 0; i < n; i++) {
		/* s may end early: look at the second digit only behind a good first one. */
		high = digit_value(s[2 * i]);
		low = high < 0 ? -1 : digit_value(s[2 * i + 1]);
		if (low < 0)
			return -1;
		out[i] = (uint8_t)(high << 4 | low);
	}
	return 0;
}
