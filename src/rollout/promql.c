#include "src/rollout/promql.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "src/base/text.h"
#include "src/rollout/column_int.h"

#define DEPTH_MAX 64u

enum token_kind {
	T_OPEN, /* ( */
	T_CLOSE,
	T_COMPARE,
	T_ARITHMETIC, /* + - * / % ^ atan2 */
	T_WORD,
	T_NUMBER, /* durations, too */
	T_OTHER,  /* strings, braces, @ and the like */
};

struct token {
	enum token_kind kind;
	unsigned depth; /* of brackets around it; those of a pair have the same */
	uint32_t at, bytes;
};

struct scan {
	const char *text;
	size_t at;
	char open[DEPTH_MAX]; /* the brackets around this place */
	unsigned depth;
	struct token *tokens;
	size_t n, capacity;
	struct mf_error *e;
};

static int
refuse(const struct scan *s, size_t at, const char *fmt, ...)
{
	char why[128];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(why, sizeof why, fmt, ap);
	va_end(ap);
	return mf_error_set(
	    s->e, MF_EUSAGE, "column %u: %s in a PromQL query", mf_column(s->text, at), why);
}

static int
put(struct scan *s, enum token_kind kind, size_t bytes)
{
	size_t capacity = s->capacity > 0 ? 2 * s->capacity : 64;
	struct token *tokens = s->tokens;

	if (s->n == s->capacity) {
		if ((tokens = realloc(s->tokens, capacity * sizeof *tokens)) == NULL)
			return mf_error_nomem(s->e, "a query");
		s->tokens = tokens;
		s->capacity = capacity;
	}
	tokens[s->n++] = (struct token){
	    .kind = kind, .depth = s->depth, .at = (uint32_t)s->at, .bytes = (uint32_t)bytes};
	s->at += bytes;
	return 0;
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_word(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
	       c == ':';
}

static int
scan_string(struct scan *s)
{
	const char *p = s->text + s->at;
	size_t n = 1;

	for (; p[n] != p[0]; n++) {
		if (p[0] != '`' && p[n] == '\\' && p[n + 1] != '\0')
			n++;
		if (p[n] == '\0' || (p[n] == '\n' && p[0] != '`'))
			return refuse(s, s->at, "a string without an end");
	}
	return put(s, T_OTHER, n + 1);
}

static int
scan_bracket(struct scan *s, char c)
{
	static const char opens[] = "([{", closes[] = ")]}";
	const char *found = strchr(opens, c);

	if (found != NULL) {
		if (s->depth == DEPTH_MAX)
			return refuse(s, s->at, "brackets nested deeper than %u", DEPTH_MAX);
		if (put(s, c == '(' ? T_OPEN : T_OTHER, 1) != 0)
			return -1;
		s->open[s->depth++] = c;
		return 0;
	}
	found = strchr(closes, c);
	if (s->depth == 0 || s->open[s->depth - 1] != opens[found - closes])
		return refuse(s, s->at, "%c without %c", c, opens[found - closes]);
	s->depth--;
	return put(s, c == ')' ? T_CLOSE : T_OTHER, 1);
}

/* == != < <= > >= and, within braces, = =~ !~ */
static int
scan_compare(struct scan *s)
{
	const char *p = s->text + s->at;
	bool braces = s->depth > 0 && s->open[s->depth - 1] == '{';

	if ((p[0] == '=' || p[0] == '!') && p[1] == '~' && braces)
		return put(s, T_OTHER, 2);
	if (p[0] == '=' && p[1] != '=' && braces)
		return put(s, T_OTHER, 1);
	if (p[1] == '=')
		return put(s, T_COMPARE, 2);
	if (p[0] == '=' || p[0] == '!' || (p[0] == '>' && p[1] == '/') ||
	    (p[0] == '<' && p[1] == '/'))
		return refuse(s, s->at, "%.2s", p);
	return put(s, T_COMPARE, 1);
}

static int
scan_token(struct scan *s)
{
	const char *p = s->text + s->at;
	size_t n = 0;

	if (is_digit(*p) || (*p == '.' && is_digit(p[1]))) {
		while ((is_word(p[n]) && p[n] != ':') || p[n] == '.')
			n++;
		return put(s, T_NUMBER, n);
	}
	while (is_word(p[n]))
		n++;
	if (n > 0)
		return put(s, n == 5 && strncasecmp(p, "atan2", 5) == 0 ? T_ARITHMETIC : T_WORD, n);
	if (strchr("\"'`", *p) != NULL)
		return scan_string(s);
	if (strchr("()[]{}", *p) != NULL)
		return scan_bracket(s, *p);
	if (strchr("=!<>", *p) != NULL)
		return scan_compare(s);
	if (strchr("+-*/%^", *p) != NULL)
		return put(s, T_ARITHMETIC, 1);
	if (strchr(",@:", *p) != NULL)
		return put(s, T_OTHER, 1);
	n = mf_text_char_bytes(p);
	return refuse(s, s->at, "unexpected %.*s", n > 0 ? (int)n : 1, p);
}

static int
scan_all(struct scan *s)
{
	for (;;) {
		s->at += strspn(s->text + s->at, " \t\r\n");
		if (s->text[s->at] == '\0')
			break;
		if (s->text[s->at] == '#')
			s->at += strcspn(s->text + s->at, "\n");
		else if (scan_token(s) != 0)
			return -1;
	}
	if (s->depth > 0)
		return refuse(s, s->at, "%c without its end", s->open[s->depth - 1]);
	return 0;
}

static bool
is_one_of(const struct scan *s, const struct token *t, const char *const *names, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (t->kind == T_WORD && strlen(names[i]) == t->bytes &&
		    strncasecmp(s->text + t->at, names[i], t->bytes) == 0)
			return true;
	return false;
}

/* and, or, unless where an operator may stand: elsewhere it is a metric of that name. */
static bool
is_set_operator(const struct scan *s, const struct token *t, const struct token *before)
{
	static const char *const names[] = {"and", "or", "unless"};

	return before != NULL && before->kind != T_COMPARE && before->kind != T_ARITHMETIC &&
	       is_one_of(s, t, names, 3);
}

/* The tokens from `first` to `end`, in brackets of their own: less these. */
static void
strip(const struct scan *s, size_t *first, size_t *end)
{
	size_t i;

	while (*end - *first >= 2 && s->tokens[*first].kind == T_OPEN) {
		for (i = *first + 1;
		     s->tokens[i].kind != T_CLOSE || s->tokens[i].depth != s->tokens[*first].depth;
		     i++)
			;
		if (i != *end - 1)
			return;
		++*first;
		--*end;
	}
}

/* The outermost operator, if it is a comparison: its place; SIZE_MAX: it is not. */
static size_t
outermost(const struct scan *s, size_t first, size_t end)
{
	const struct token *before = NULL, *t;
	size_t i, found = SIZE_MAX;

	for (i = first; i < end; i++) {
		t = &s->tokens[i];
		if (t->depth != s->tokens[first].depth)
			continue;
		if (is_set_operator(s, t, before))
			return SIZE_MAX;
		if (t->kind == T_COMPARE) /* they go from left to right: the last one */
			found = i;
		before = t;
	}
	return found;
}

/* Behind the parentheses that may stand at i. */
static size_t
skip_group(const struct scan *s, size_t i, size_t end)
{
	unsigned depth;

	if (i == end || s->tokens[i].kind != T_OPEN)
		return i;
	depth = s->tokens[i].depth;
	while (s->tokens[i].kind != T_CLOSE || s->tokens[i].depth != depth)
		i++;
	return i + 1;
}

/* Behind on (...), group_left (...) and the like. A metric may have such a name, too: then no
 * parenthesis follows, but for group_left and group_right, which need none behind on(...). */
static size_t
skip_matching(const struct scan *s, size_t i, size_t end)
{
	static const char *const names[] = {"on", "ignoring", "fill", "fill_left", "fill_right"};
	static const char *const groups[] = {"group_left", "group_right"};
	size_t start = i;

	while (i < end) {
		if (!(is_one_of(s, &s->tokens[i], names, 5) && i + 1 < end &&
			s->tokens[i + 1].kind == T_OPEN) &&
		    !(i > start && is_one_of(s, &s->tokens[i], groups, 2)))
			break;
		i = skip_group(s, i + 1, end);
	}
	return i;
}

static const char *
text_of(const struct scan *s, size_t first, size_t end, struct mf_region *r)
{
	size_t from = s->tokens[first].at;
	size_t n = s->tokens[end - 1].at + s->tokens[end - 1].bytes - from;
	char *text = mf_region_alloc(r, n + 1, s->e);

	return text != NULL ? memcpy(text, s->text + from, n) : NULL;
}

/* Is it a number alone, perhaps with a sign? */
static bool
is_number(const struct scan *s, size_t first, size_t end)
{
	static const char *const names[] = {"inf", "nan"};

	if (end - first == 2 && s->tokens[first].kind == T_ARITHMETIC)
		first++;
	return end - first == 1 &&
	       (s->tokens[first].kind == T_NUMBER || is_one_of(s, &s->tokens[first], names, 2));
}

static const char *
operator_of(const struct scan *s, const struct token *t, bool mirrored)
{
	static const char *const names[] = {"==", "!=", "<=", ">=", "<", ">"};
	static const char *const mirror[] = {"==", "!=", ">=", "<=", ">", "<"};
	size_t i = 0;

	while (strlen(names[i]) != t->bytes || memcmp(names[i], s->text + t->at, t->bytes) != 0)
		i++;
	return mirrored ? mirror[i] : names[i];
}

static int
split(const struct scan *s, struct mf_promql_predicate *out, struct mf_region *r)
{
	static const char *const bool_name[] = {"bool"};
	size_t first = 0, end = s->n, at, right;
	bool mirrored;

	strip(s, &first, &end);
	if (first == end)
		return refuse(s, s->at, "nothing");
	if ((at = outermost(s, first, end)) == SIZE_MAX)
		return 0;
	right = at + 1;
	if (right < end && is_one_of(s, &s->tokens[right], bool_name, 1) && right + 1 < end)
		return 0;
	right = skip_matching(s, right, end);
	if (at == first || right == end)
		return refuse(s, s->tokens[at].at, "a comparison that lacks a side");
	mirrored = is_number(s, first, at) && !is_number(s, right, end);
	out->operator= operator_of(s, &s->tokens[at], mirrored);
	out->left = mirrored ? text_of(s, right, end, r) : text_of(s, first, at, r);
	out->right = mirrored ? text_of(s, first, at, r) : text_of(s, right, end, r);
	return out->left != NULL && out->right != NULL ? 1 : -1;
}

int
mf_promql_split(
    const char *query, struct mf_promql_predicate *out, struct mf_region *r, struct mf_error *e)
{
	struct scan s = {.text = query, .e = e};
	int rc;

	if (strnlen(query, MF_PROMQL_BYTES_MAX + 1) > MF_PROMQL_BYTES_MAX)
		return mf_error_set(
		    e, MF_EUSAGE, "a query is longer than %zu KiB", MF_PROMQL_BYTES_MAX >> 10);
	rc = scan_all(&s);
	if (rc == 0)
		rc = split(&s, out, r);
	free(s.tokens);
	return rc;
}
