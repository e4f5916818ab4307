#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "src/rollout/promtext.h"

static int
check_name(const char *what, const char *name, struct mf_error *e)
{
	const unsigned char *p = (const unsigned char *)name;
	size_t n = 0;

	if (name == NULL || *name == '\0')
		return mf_error_set(e, MF_EUSAGE, "%s is missing", what);
	for (; p[n] != '\0'; n++)
		if (n >= MF_PROMTEXT_NAME_MAX || p[n] < ' ' || p[n] == 0x7f)
			return mf_error_set(e, MF_EUSAGE,
			    n >= MF_PROMTEXT_NAME_MAX ? "%s is longer than %u bytes"
						      : "%s holds a control character (%u)",
			    what, n >= MF_PROMTEXT_NAME_MAX ? MF_PROMTEXT_NAME_MAX : p[n]);
	return 0;
}

static void
put_quoted(struct mf_buf *b, char c)
{
	if (c == '"' || c == '\\')
		mf_buf_put_u8(b, '\\');
	mf_buf_put_u8(b, (uint8_t)c);
}

int
mf_promtext_put_exact(struct mf_buf *b, const char *what, const char *name, struct mf_error *e)
{
	if (check_name(what, name, e) != 0)
		return -1;
	for (; *name != '\0'; name++)
		put_quoted(b, *name);
	return 0;
}

int
mf_promtext_put_literal(struct mf_buf *b, const char *what, const char *name, struct mf_error *e)
{
	if (check_name(what, name, e) != 0)
		return -1;
	for (; *name != '\0'; name++) {
		if (strchr("\\.+*?()|[]{}^$", *name) != NULL)
			put_quoted(b, '\\');
		put_quoted(b, *name);
	}
	return 0;
}

int
mf_promtext_put_window(struct mf_buf *b, uint64_t window_us, struct mf_error *e)
{
	const uint64_t ms = window_us / 1000;

	if (ms == 0)
		return mf_error_set(e, MF_EUSAGE, "the window of a query is shorter than 1 ms");
	if (ms % 1000 == 0)
		mf_buf_printf(b, "%llus", (unsigned long long)(ms / 1000));
	else
		mf_buf_printf(b, "%llums", (unsigned long long)ms);
	return 0;
}

static bool
is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

bool
mf_promtext_is_label(const char *name)
{
	if (name == NULL || !is_word(*name) || isdigit((unsigned char)*name))
		return false;
	while (is_word(*name))
		name++;
	return *name == '\0';
}

/* Past the string that begins at s with its quote; NULL: it does not end. */
static const char *
skip_quoted(const char *s)
{
	const char quote = *s++;

	for (; *s != '\0'; s++) {
		if (*s == quote)
			return s + 1;
		if (*s == '\\' && quote != '`' && *++s == '\0')
			return NULL;
	}
	return NULL;
}

static const char *
skip_blank(const char *s)
{
	for (;;) {
		while (isspace((unsigned char)*s))
			s++;
		if (*s != '#')
			return s;
		while (*s != '\0' && *s != '\n')
			s++;
	}
}

static const char *
skip_word(const char *s)
{
	while (is_word(*s) || *s == ':')
		s++;
	return s;
}

static bool
is_quote(char c)
{
	return c == '"' || c == '\'' || c == '`';
}

/* Past a bracket and all within, whatever that is; NULL: it does not close. */
static const char *
skip_bracket(const char *s)
{
	unsigned depth = 0;

	do {
		if (*s == '\0')
			return NULL;
		if (is_quote(*s)) {
			if ((s = skip_quoted(s)) == NULL)
				return NULL;
			continue;
		}
		if (*s == '#') {
			s = skip_blank(s);
			continue;
		}
		depth += *s == '(' || *s == '[' || *s == '{';
		depth -= *s == ')' || *s == ']' || *s == '}';
		s++;
	} while (depth > 0);
	return s;
}

bool
mf_promtext_is_selector(const char *query)
{
	const char *s = skip_blank(query), *name = s;

	s = skip_blank(skip_word(s));
	if (isdigit((unsigned char)*name))
		return false;
	if (*s == '{') {
		if ((s = skip_bracket(s)) == NULL)
			return false;
		s = skip_blank(s);
	} else if (s == name || strncasecmp(name, "nan", 3) == 0 ||
		   strncasecmp(name, "inf", 3) == 0) {
		return false;
	}
	return *s == '\0';
}

void
mf_promtext_put_squeezed(struct mf_buf *b, const char *query)
{
	const char *s = query, *next;
	bool blank = false, any = false;

	while (*s != '\0') {
		if (isspace((unsigned char)*s) || *s == '#') {
			blank = true;
			s = skip_blank(s);
			continue;
		}
		if (blank && any)
			mf_buf_put_u8(b, ' ');
		blank = false;
		any = true;
		next = is_quote(*s) ? skip_quoted(s) : s + 1;
		if (next == NULL)
			next = s + 1;
		mf_buf_put(b, s, (size_t)(next - s));
		s = next;
	}
}
