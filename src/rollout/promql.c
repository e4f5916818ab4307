#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "src/rollout/promql.h"

static int
check_name(const char *what, const char *name, struct mf_error *e)
{
	const unsigned char *p = (const unsigned char *)name;
	size_t n = 0;

	if (name == NULL || *name == '\0')
		return mf_error_set(e, MF_EUSAGE, "%s is missing", what);
	for (; p[n] != '\0'; n++)
		if (n >= MF_PROMQL_NAME_MAX || p[n] < ' ' || p[n] == 0x7f)
			return mf_error_set(e, MF_EUSAGE,
			    n >= MF_PROMQL_NAME_MAX ? "%s is longer than %u bytes"
						    : "%s holds a control character (%u)",
			    what, n >= MF_PROMQL_NAME_MAX ? MF_PROMQL_NAME_MAX : p[n]);
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
mf_promql_put_exact(struct mf_buf *b, const char *what, const char *name, struct mf_error *e)
{
	if (check_name(what, name, e) != 0)
		return -1;
	for (; *name != '\0'; name++)
		put_quoted(b, *name);
	return 0;
}

int
mf_promql_put_literal(struct mf_buf *b, const char *what, const char *name, struct mf_error *e)
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
mf_promql_put_window(struct mf_buf *b, uint64_t window_us, struct mf_error *e)
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
mf_promql_is_label(const char *name)
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
mf_promql_is_selector(const char *query)
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

/* One step of a walk over a query's own level. */
struct walk {
	const char *at;
	bool failed;
};

enum token { TOKEN_END, TOKEN_OTHER, TOKEN_SET, TOKEN_COMPARE };

static enum token
word_token(struct walk *w)
{
	static const char *const sets[] = {"and", "or", "unless"};
	const char *begin = w->at;
	size_t i, n;

	w->at = skip_word(w->at);
	n = (size_t)(w->at - begin);
	for (i = 0; i < sizeof sets / sizeof sets[0]; i++)
		if (n == strlen(sets[i]) && strncasecmp(begin, sets[i], n) == 0)
			return TOKEN_SET;
	return TOKEN_OTHER;
}

/* The next token; *begin is where it stands, w->at behind it. */
static enum token
next_token(struct walk *w, const char **begin)
{
	const char *s = *begin = w->at = skip_blank(w->at);

	if (*s == '\0')
		return TOKEN_END;
	if (is_word(*s) || *s == ':')
		return word_token(w);
	if (is_quote(*s) || *s == '(' || *s == '[' || *s == '{') {
		s = is_quote(*s) ? skip_quoted(s) : skip_bracket(s);
		w->failed = s == NULL;
		w->at = s;
		return w->failed ? TOKEN_END : TOKEN_OTHER;
	}
	if (*s == ')' || *s == ']' || *s == '}') {
		w->failed = true;
		return TOKEN_END;
	}
	if (*s == '<' || *s == '>' || (*s == '=' && s[1] == '=') || (*s == '!' && s[1] == '=')) {
		w->at = s + (s[1] == '=' ? 2 : 1);
		return TOKEN_COMPARE;
	}
	w->at = s + 1;
	return TOKEN_OTHER;
}

/* Is all of n characters one number, signs and blanks aside? */
static bool
is_number(const char *s, size_t n)
{
	const char *end = s + n;

	while (s < end && (isspace((unsigned char)*s) || *s == '+' || *s == '-'))
		s++;
	if (s == end || !(isdigit((unsigned char)*s) || *s == '.'))
		return false;
	while (s < end && (is_word(*s) || *s == '.' || *s == '+' || *s == '-'))
		s++;
	while (s < end && isspace((unsigned char)*s))
		s++;
	return s == end;
}

static bool
says_bool(const char *s)
{
	s = skip_blank(s);
	return strncasecmp(s, "bool", 4) == 0 && !is_word(s[4]);
}

/* Drop brackets around all of it. */
static void
unwrap(const char **begin, const char **end)
{
	const char *b = skip_blank(*begin), *close;

	while (*b == '(' && (close = skip_bracket(b)) != NULL && close <= *end &&
	       skip_blank(close) >= *end) {
		*end = close - 1;
		b = skip_blank(b + 1);
	}
	*begin = b;
}

int
mf_promql_predicate(const char *query, struct mf_buf *compared, struct mf_error *e)
{
	const char *begin = query, *end = query + strlen(query), *at, *op = NULL, *behind = NULL;
	struct walk w = {.at = NULL};
	enum token t;
	bool has_set = false, last_is_bool = false;

	unwrap(&begin, &end);
	for (w.at = begin; (t = next_token(&w, &at)) != TOKEN_END && at < end;) {
		has_set |= t == TOKEN_SET;
		if (t != TOKEN_COMPARE)
			continue;
		last_is_bool = says_bool(w.at);
		if (op == NULL) {
			op = at;
			behind = w.at;
		}
	}
	if (w.failed && at < end)
		return mf_error_set(e, MF_EUSAGE, "a quote or bracket of the query does not close");
	if (op == NULL || has_set || last_is_bool)
		return 0;
	if (is_number(begin, (size_t)(op - begin)))
		mf_buf_put(compared, behind, (size_t)(end - behind));
	else
		mf_buf_put(compared, begin, (size_t)(op - begin));
	return 1;
}

void
mf_promql_put_squeezed(struct mf_buf *b, const char *query)
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
