#include "src/rollout/scalar.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define NUMBER_BYTES 1024u /* a longer scalar is a string */

struct word {
	const char *text;
	struct mf_scalar is;
};

#define IS_TRUE                                     \
	{                                           \
		.kind = MF_NODE_BOOL, .truth = true \
	}
#define IS_FALSE                     \
	{                            \
		.kind = MF_NODE_BOOL \
	}
#define IS_NULL                      \
	{                            \
		.kind = MF_NODE_NULL \
	}
#define IS_ODD                                             \
	{                                                  \
		.kind = MF_NODE_NUMBER, .not_finite = true \
	}

static const struct word words[] = {{"", IS_NULL}, {"~", IS_NULL}, {"null", IS_NULL},
    {"Null", IS_NULL}, {"NULL", IS_NULL}, {"true", IS_TRUE}, {"True", IS_TRUE}, {"TRUE", IS_TRUE},
    {"yes", IS_TRUE}, {"Yes", IS_TRUE}, {"YES", IS_TRUE}, {"y", IS_TRUE}, {"Y", IS_TRUE},
    {"on", IS_TRUE}, {"On", IS_TRUE}, {"ON", IS_TRUE}, {"false", IS_FALSE}, {"False", IS_FALSE},
    {"FALSE", IS_FALSE}, {"no", IS_FALSE}, {"No", IS_FALSE}, {"NO", IS_FALSE}, {"n", IS_FALSE},
    {"N", IS_FALSE}, {"off", IS_FALSE}, {"Off", IS_FALSE}, {"OFF", IS_FALSE}, {".nan", IS_ODD},
    {".NaN", IS_ODD}, {".NAN", IS_ODD}, {".inf", IS_ODD}, {".Inf", IS_ODD}, {".INF", IS_ODD},
    {"+.inf", IS_ODD}, {"+.Inf", IS_ODD}, {"+.INF", IS_ODD}, {"-.inf", IS_ODD}, {"-.Inf", IS_ODD},
    {"-.INF", IS_ODD}};

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* text without its underscores; false: too long. Behind a point they stand between digits only. */
static bool
squeeze(const char *text, char out[NUMBER_BYTES])
{
	size_t n = 0;
	const char *p;

	for (p = text; *p != '\0'; p++) {
		if (*p == '_') {
			if (*text == '.' && !(is_digit(p[-1]) && is_digit(p[1])))
				return false;
			continue;
		}
		if (n == NUMBER_BYTES - 1)
			return false;
		out[n++] = *p;
	}
	out[n] = '\0';
	return true;
}

static unsigned
digit_value(char c)
{
	if (is_digit(c))
		return (unsigned)(c - '0');
	if (c >= 'a' && c <= 'f')
		return (unsigned)(c - 'a') + 10;
	if (c >= 'A' && c <= 'F')
		return (unsigned)(c - 'A') + 10;
	return 99;
}

/* The base that a number's first characters name; *p moves behind them. */
static unsigned
take_base(const char **p)
{
	const char *s = *p;

	if (s[0] != '0' || s[1] == '\0')
		return 10;
	if (s[2] != '\0') {
		*p = s + 2;
		switch (s[1]) {
		case 'x':
		case 'X': return 16;
		case 'o':
		case 'O': return 8;
		case 'b':
		case 'B': return 2;
		default: break;
		}
	}
	*p = s + 1;
	return 8;
}

static bool
integer(const char *text, double *number)
{
	bool minus = *text == '-';
	const char *p = text + (*text == '-' || *text == '+'), *first;
	unsigned base = take_base(&p);
	double sum = 0;

	for (first = p; digit_value(*p) < base; p++)
		sum = sum * base + digit_value(*p);
	if (p == first || *p != '\0')
		return false;
	if (base == 10)
		sum = strtod(first, NULL); /* rounded once only */
	*number = minus ? -sum : sum;
	return true;
}

static const char *
skip_digits(const char *p)
{
	while (is_digit(*p))
		p++;
	return p;
}

bool
mf_scalar_is_decimal(const char *text)
{
	const char *p = text + (*text == '-' || *text == '+'), *first = p;

	p = skip_digits(p);
	if (*p == '.') {
		if (p == first && !is_digit(p[1]))
			return false;
		p = skip_digits(p + 1);
	} else if (p == first) {
		return false;
	}
	if (*p == 'e' || *p == 'E') {
		p += p[1] == '-' || p[1] == '+' ? 2 : 1;
		if (!is_digit(*p))
			return false;
		p = skip_digits(p);
	}
	return *p == '\0';
}

static struct mf_scalar
number_or_string(const char *text)
{
	struct mf_scalar is = {.kind = MF_NODE_STRING};
	char plain[NUMBER_BYTES];
	double number;

	if (!squeeze(text, plain))
		return is;
	if (integer(plain, &number)) {
		is.kind = MF_NODE_NUMBER;
		is.number = number;
		is.is_integer = true;
		is.not_finite = isinf(number);
	} else if (mf_scalar_is_decimal(plain)) {
		number = strtod(plain, NULL);
		if (isinf(number)) /* a string to go-yaml, which cannot read it either */
			return is;
		is.kind = MF_NODE_NUMBER;
		is.number = number;
	}
	return is;
}

struct mf_scalar
mf_scalar_of(const char *text)
{
	struct mf_scalar is = {.kind = MF_NODE_STRING};
	size_t i;

	for (i = 0; i < sizeof words / sizeof words[0]; i++)
		if (strcmp(words[i].text, text) == 0)
			return words[i].is;
	if (is_digit(*text) || *text == '+' || *text == '-' || *text == '.')
		return number_or_string(text);
	return is;
}
