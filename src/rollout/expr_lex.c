/* Tokens of expressions, as expr-lang has them. */
#include "src/rollout/expr_int.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/text.h"
#include "src/rollout/column_int.h"
#include "src/rollout/scalar.h"

struct word {
	const char *text;
	enum mf_expr_op op;
};

static const struct word words[] = {{"or", MF_EXPR_OR}, {"and", MF_EXPR_AND}, {"in", MF_EXPR_IN},
    {"matches", MF_EXPR_MATCHES}, {"contains", MF_EXPR_CONTAINS}, {"startsWith", MF_EXPR_STARTS},
    {"endsWith", MF_EXPR_ENDS}, {"not", MF_EXPR_NOT}};
static const struct word signs[] = {{"||", MF_EXPR_OR}, {"&&", MF_EXPR_AND}, {"==", MF_EXPR_EQ},
    {"!=", MF_EXPR_NE}, {"<=", MF_EXPR_LE}, {">=", MF_EXPR_GE}, {"<", MF_EXPR_LT},
    {">", MF_EXPR_GT}, {"**", MF_EXPR_POW}, {"??", MF_EXPR_COALESCE}, {"+", MF_EXPR_ADD},
    {"-", MF_EXPR_SUB}, {"*", MF_EXPR_MUL}, {"/", MF_EXPR_DIV}, {"%", MF_EXPR_MOD},
    {"!", MF_EXPR_NOT}};
/* Of the language, and not of ours; longest first. */
static const struct word others[] = {{"..", MF_EXPR_NO_OP}, {"?.", MF_EXPR_NO_OP},
    {"::", MF_EXPR_NO_OP}, {"|", MF_EXPR_NO_OP}, {"^", MF_EXPR_NO_OP}, {";", MF_EXPR_NO_OP},
    {"&", MF_EXPR_NO_OP}, {"=", MF_EXPR_NO_OP}};

const char *
mf_expr_op_name(enum mf_expr_op op)
{
	size_t i;

	for (i = 0; i < sizeof signs / sizeof signs[0]; i++)
		if (signs[i].op == op)
			return signs[i].text;
	for (i = 0; i < sizeof words / sizeof words[0]; i++)
		if (words[i].op == op)
			return words[i].text;
	return "?";
}

int
mf_expr_refuse(const struct mf_expr_lexer *l, size_t at, const char *fmt, ...)
{
	char text[MF_ERROR_MESSAGE_BYTES];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	return mf_error_set(l->e, MF_EUSAGE, "column %u: %s", mf_column(l->text, at), text);
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_name(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
	       c == '$';
}

/* Blanks and comments. */
static int
skip(struct mf_expr_lexer *l)
{
	const char *p = l->text + l->at, *end;

	for (;;) {
		p += strspn(p, " \t\r\n");
		if (p[0] == '/' && p[1] == '/') {
			p += strcspn(p, "\n");
		} else if (p[0] == '/' && p[1] == '*') {
			if ((end = strstr(p + 2, "*/")) == NULL)
				return mf_expr_refuse(
				    l, (size_t)(p - l->text), "a comment without an end");
			p = end + 2;
		} else {
			l->at = (size_t)(p - l->text);
			return 0;
		}
	}
}

/* The value of a number without its underscores; false: bad. */
static bool
number_value(const char *text, struct mf_expr_token *t)
{
	struct mf_scalar is;

	t->integer = strpbrk(text, ".eE") == NULL || strncmp(text, "0x", 2) == 0 ||
		     strncmp(text, "0X", 2) == 0;
	if (t->integer && text[0] == '0' && text[1] != '\0' && !is_digit(text[1])) {
		is = mf_scalar_of(text);
		t->number = is.number;
		return is.kind == MF_NODE_NUMBER && is.is_integer;
	}
	if (!mf_scalar_is_decimal(text))
		return false;
	t->number = strtod(text, NULL);
	return true;
}

static int
lex_number(struct mf_expr_lexer *l, struct mf_expr_token *t)
{
	const char *p = l->text + l->at, *digits = "0123456789_";
	size_t n = 0, i, k = 0;
	char text[64];

	if (p[0] == '0' && p[1] != '\0' && strchr("xXoObB", p[1]) != NULL) {
		digits = "0123456789abcdefABCDEF_";
		n = 2;
	}
	n += strspn(p + n, digits);
	if (p[n] == '.' && p[n + 1] != '.')
		n += 1 + strspn(p + n + 1, digits);
	if (p[n] == 'e' || p[n] == 'E') {
		n += 1 + (p[n + 1] == '+' || p[n + 1] == '-');
		n += strspn(p + n, digits);
	}
	for (i = 0; i < n && k < sizeof text - 1; i++)
		if (p[i] != '_')
			text[k++] = p[i];
	text[k] = '\0';
	if (is_name(p[n]) || i < n || !number_value(text, t))
		return mf_expr_refuse(
		    l, l->at, "not a number: %.*s", (int)(n < 60 ? n + 1 : 60), p);
	if (t->integer && t->number > MF_EXPR_INTEGER_MAX)
		return mf_expr_refuse(l, l->at, "an integer past 2^53: %s", text);
	if (t->number > 1.7976931348623157e308)
		return mf_expr_refuse(l, l->at, "too large a number: %s", text);
	t->kind = MF_EXPR_T_NUMBER;
	l->at += n;
	return 0;
}

static int
take_string(struct mf_expr_lexer *l, char quote, struct mf_buf *b)
{
	size_t start = l->at++;
	char c;

	while ((c = l->text[l->at]) != quote) {
		if (c == '\0' || (c == '\n' && quote != '`'))
			return mf_expr_refuse(l, start, "a string without an end");
		l->at++;
		if (c != '\\' || quote == '`')
			mf_buf_put_u8(b, (uint8_t)c);
		else if (mf_expr_unescape(l, quote, b) != 0)
			return -1;
	}
	l->at++;
	return 0;
}

static int
lex_string(struct mf_expr_lexer *l, struct mf_expr_token *t)
{
	struct mf_buf b = MF_BUF_INIT;
	int rc = take_string(l, l->text[l->at], &b);

	if (rc == 0 && mf_buf_cstr(&b) == NULL)
		rc = mf_error_nomem(l->e, "an expression");
	if (rc == 0) {
		t->kind = MF_EXPR_T_STRING;
		t->text = mf_region_strdup(l->r, mf_buf_cstr(&b), l->e);
		rc = t->text != NULL ? 0 : -1;
	}
	mf_buf_fini(&b);
	return rc;
}

static int
lex_name(struct mf_expr_lexer *l, struct mf_expr_token *t)
{
	const char *p = l->text + l->at;
	size_t n = 0, i;

	while (is_name(p[n]))
		n++;
	l->at += n;
	t->kind = MF_EXPR_T_NAME;
	for (i = 0; i < sizeof words / sizeof words[0]; i++)
		if (strlen(words[i].text) == n && memcmp(words[i].text, p, n) == 0) {
			t->kind = MF_EXPR_T_OP;
			t->op = words[i].op;
		}
	return 0;
}

static int
lex_sign(struct mf_expr_lexer *l, struct mf_expr_token *t)
{
	const char *p = l->text + l->at;
	size_t i, n;

	for (i = 0; i < sizeof signs / sizeof signs[0]; i++) {
		n = strlen(signs[i].text);
		if (strncmp(signs[i].text, p, n) == 0) {
			t->kind = MF_EXPR_T_OP;
			t->op = signs[i].op;
			l->at += n;
			return 0;
		}
	}
	for (i = 0; i < sizeof others / sizeof others[0]; i++)
		if (strncmp(others[i].text, p, strlen(others[i].text)) == 0)
			return mf_expr_refuse(
			    l, l->at, "operator %s is not supported", others[i].text);
	if (strchr("()[]{},?:.#", *p) == NULL)
		return mf_expr_refuse(l, l->at, "unexpected character %.*s",
		    (int)(mf_text_char_bytes(p) > 0 ? mf_text_char_bytes(p) : 1), p);
	t->kind = MF_EXPR_T_MARK;
	t->mark = *p;
	l->at++;
	return 0;
}

int
mf_expr_lex(struct mf_expr_lexer *l, struct mf_expr_token *t)
{
	const char *p;
	int rc;

	if (skip(l) != 0)
		return -1;
	p = l->text + l->at;
	*t = (struct mf_expr_token){.at = l->at};
	if (*p == '\0')
		rc = 0;
	else if (is_digit(*p) || (*p == '.' && is_digit(p[1])))
		rc = lex_number(l, t);
	else if (*p == '"' || *p == '\'' || *p == '`')
		rc = lex_string(l, t);
	else if (is_name(*p))
		rc = lex_name(l, t);
	else
		rc = lex_sign(l, t);
	t->bytes = l->at - t->at;
	return rc;
}
