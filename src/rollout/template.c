/* Flagger's templates: Go's text/template, as far as queries use it. */
#include "src/rollout/template.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "src/base/text.h"
#include "src/rollout/template_int.h"

#define ARGUMENTS_MAX 8u /* of printf */

struct reading {
	const char *text;
	const char *at;
	const char *end; /* of the action: where its }} or -}} stands */
	const struct mf_template_words *words;
	struct mf_buf *out;
	struct mf_error *e;
};

int
mf_template_refuse(const char *text, const char *at, struct mf_error *e, const char *fmt, ...)
{
	unsigned line = 1, column = 1;
	char why[256];
	const char *p;
	va_list ap;

	for (p = text; p < at; p++) {
		column += ((unsigned char)*p & 0xc0) != 0x80;
		if (*p == '\n') {
			line++;
			column = 1;
		}
	}
	va_start(ap, fmt);
	(void)vsnprintf(why, sizeof why, fmt, ap);
	va_end(ap);
	return mf_error_set(e, MF_EUSAGE, "line %u, column %u: %s", line, column, why);
}

int
mf_template_check_size(const char *text, struct mf_error *e)
{
	if (strnlen(text, MF_TEMPLATE_BYTES_MAX + 1) <= MF_TEMPLATE_BYTES_MAX)
		return 0;
	return mf_error_set(
	    e, MF_EUSAGE, "a template is longer than %zu KiB", MF_TEMPLATE_BYTES_MAX >> 10);
}

int
mf_template_put(struct mf_buf *out, const char *text, size_t n, struct mf_error *e)
{
	if (out->len + n > MF_TEMPLATE_RESULT_MAX)
		return mf_error_set(e, MF_EUSAGE, "a template becomes longer than %zu KiB",
		    MF_TEMPLATE_RESULT_MAX >> 10);
	mf_buf_put(out, text, n);
	return out->failed ? mf_error_nomem(e, "a template") : 0;
}

static bool
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool
is_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_';
}

static void
skip_spaces(struct reading *g)
{
	while (g->at < g->end && is_space(*g->at))
		g->at++;
}

/* How much of the rest is shown in a message: its first word. */
static int
shown(const struct reading *g)
{
	int n = 0;

	while (g->at + n < g->end && n < 40 && !is_space(g->at[n]))
		n++;
	return n;
}

static int
refuse_rest(struct reading *g)
{
	if (g->at >= g->end)
		return mf_template_refuse(g->text, g->at, g->e, "an action without a word");
	mf_template_refuse(g->text, g->at, g->e, "%.*s is not supported", shown(g), g->at);
	return mf_error_hint(g->e, "there are name, namespace, target, service, ingress, route, "
				   "interval, variables.KEY, printf and strings");
}

static const char *
value_of(const struct mf_pair *pairs, size_t n, const char *name, size_t bytes, bool *known)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (strlen(pairs[i].name) == bytes && memcmp(pairs[i].name, name, bytes) == 0) {
			*known = true;
			return pairs[i].value;
		}
	*known = false;
	return NULL;
}

/* A word of ours, or variables.KEY. */
static int
read_word(struct reading *g, const char **value)
{
	const struct mf_pair *pairs = g->words->words;
	const char *start = g->at, *name = start;
	size_t n = 0, n_pairs = g->words->n_words;
	bool known;

	while (name + n < g->end && is_word(name[n]))
		n++;
	if (n == strlen("variables") && memcmp(name, "variables", n) == 0) {
		if (name + n >= g->end || name[n] != '.')
			return mf_template_refuse(g->text, start, g->e, "variables without a key");
		name += n + 1;
		for (n = 0; name + n < g->end && is_word(name[n]); n++)
			;
		pairs = g->words->variables;
		n_pairs = g->words->n_variables;
	}
	*value = value_of(pairs, n_pairs, name, n, &known);
	if (!known && name != start)
		return mf_template_refuse(g->text, start, g->e, "templateVariables has no %.*s",
		    (int)(n < 100 ? n : 100), name);
	if (!known)
		return refuse_rest(g);
	if (*value == NULL)
		return mf_template_refuse(
		    g->text, start, g->e, "%.*s has no value here", (int)(n < 100 ? n : 100), name);
	g->at = name + n;
	if (g->at < g->end && !is_space(*g->at))
		return refuse_rest(g);
	return 0;
}

/* A string in double quotes, with Go's simple escapes, or in backticks. */
static int
read_string(struct reading *g, struct mf_buf *b)
{
	static const char names[] = "abfnrtv\\\"", codes[] = "\a\b\f\n\r\t\v\\\"";
	const char *start = g->at, *found;
	char quote = *g->at++;

	for (; g->at < g->end && *g->at != quote; g->at++) {
		if (quote == '`' || *g->at != '\\') {
			mf_buf_put_u8(b, (uint8_t)*g->at);
			continue;
		}
		g->at++;
		found = *g->at != '\0' ? strchr(names, *g->at) : NULL;
		if (found == NULL || g->at >= g->end)
			return mf_template_refuse(
			    g->text, g->at - 1, g->e, "an escape that is not supported");
		mf_buf_put_u8(b, (uint8_t)codes[found - names]);
	}
	if (g->at >= g->end)
		return mf_template_refuse(g->text, start, g->e, "a string without an end");
	g->at++;
	if (g->at < g->end && !is_space(*g->at))
		return refuse_rest(g);
	return mf_buf_cstr(b) != NULL ? 0 : mf_error_nomem(g->e, "a template");
}

/* Go's %q. */
static int
put_quoted(struct reading *g, const char *text)
{
	static const char names[] = "abfnrtv\\\"", codes[] = "\a\b\f\n\r\t\v\\\"";
	const char *found;
	char escape[8];
	int rc = mf_template_put(g->out, "\"", 1, g->e);

	for (; rc == 0 && *text != '\0'; text++) {
		found = strchr(codes, *text);
		if (found != NULL)
			(void)snprintf(escape, sizeof escape, "\\%c", names[found - codes]);
		else if ((unsigned char)*text < 0x20 || *text == 0x7f)
			(void)snprintf(escape, sizeof escape, "\\x%02x", (unsigned)*text);
		else
			(void)snprintf(escape, sizeof escape, "%c", *text);
		rc = mf_template_put(g->out, escape, strlen(escape), g->e);
	}
	return rc == 0 ? mf_template_put(g->out, "\"", 1, g->e) : -1;
}

static int
put_formatted(struct reading *g, const char *where, const char *format, const char *const *args,
    size_t n_args)
{
	size_t n, used = 0;
	int rc = 0;

	for (; rc == 0 && *format != '\0'; format += n) {
		n = strcspn(format, "%");
		if (n > 0) {
			rc = mf_template_put(g->out, format, n, g->e);
			continue;
		}
		n = 2;
		if (format[1] == '%') {
			rc = mf_template_put(g->out, "%", 1, g->e);
			continue;
		}
		if (format[1] == '\0' || strchr("svq", format[1]) == NULL)
			return mf_template_refuse(g->text, where, g->e,
			    "printf takes %%s, %%v, %%q and %%%%, not %.10s", format);
		if (used == n_args)
			return mf_template_refuse(
			    g->text, where, g->e, "printf has fewer arguments than its format");
		rc = format[1] == 'q'
			 ? put_quoted(g, args[used])
			 : mf_template_put(g->out, args[used], strlen(args[used]), g->e);
		used++;
	}
	if (rc == 0 && used < n_args)
		return mf_template_refuse(
		    g->text, where, g->e, "printf has more arguments than its format");
	return rc;
}

static int
read_printf(struct reading *g, struct mf_buf texts[ARGUMENTS_MAX + 1])
{
	const char *args[ARGUMENTS_MAX], *where = g->at;
	size_t n = 0;

	g->at += strlen("printf");
	skip_spaces(g);
	if (g->at >= g->end || (*g->at != '"' && *g->at != '`'))
		return mf_template_refuse(g->text, where, g->e, "printf without a literal format");
	if (read_string(g, &texts[ARGUMENTS_MAX]) != 0)
		return -1;
	for (skip_spaces(g); g->at < g->end; skip_spaces(g)) {
		if (n == ARGUMENTS_MAX)
			return mf_template_refuse(g->text, g->at, g->e,
			    "printf with more than %u arguments", ARGUMENTS_MAX);
		if (*g->at == '"' || *g->at == '`') {
			if (read_string(g, &texts[n]) != 0)
				return -1;
			args[n] = mf_buf_cstr(&texts[n]);
		} else if (read_word(g, &args[n]) != 0) {
			return -1;
		}
		n++;
	}
	return put_formatted(g, where, mf_buf_cstr(&texts[ARGUMENTS_MAX]), args, n);
}

/* The only thing within {{ }}. */
static int
read_action(struct reading *g)
{
	struct mf_buf texts[ARGUMENTS_MAX + 1] = {MF_BUF_INIT};
	const char *value;
	size_t i;
	int rc;

	skip_spaces(g);
	if (g->end - g->at > 6 && memcmp(g->at, "printf", 6) == 0 && is_space(g->at[6])) {
		rc = read_printf(g, texts);
	} else if (g->at < g->end && (*g->at == '"' || *g->at == '`')) {
		rc = read_string(g, &texts[0]);
		if (rc == 0)
			rc = mf_template_put(
			    g->out, (const char *)texts[0].data, texts[0].len, g->e);
	} else {
		rc = g->at < g->end ? read_word(g, &value) : refuse_rest(g);
		if (rc == 0)
			rc = mf_template_put(g->out, value, strlen(value), g->e);
	}
	for (i = 0; i <= ARGUMENTS_MAX; i++)
		mf_buf_fini(&texts[i]);
	skip_spaces(g);
	return rc == 0 && g->at < g->end ? refuse_rest(g) : rc;
}

/* The }} that ends the action at p: not one within a string. */
static const char *
end_of_action(const char *p)
{
	char quote = '\0';

	for (; *p != '\0'; p++) {
		if (quote == '\0' && p[0] == '}' && p[1] == '}')
			return p;
		if (quote == '"' && p[0] == '\\' && p[1] != '\0')
			p++;
		else if (quote != '\0' && *p == quote)
			quote = '\0';
		else if (quote == '\0' && (*p == '"' || *p == '`'))
			quote = *p;
	}
	return NULL;
}

/* One action at g->at; it moves behind it. *trim: blanks behind it go. */
static int
take_action(struct reading *g, bool *trim)
{
	const char *open = g->at, *close = end_of_action(open + 2);

	if (close == NULL)
		return mf_template_refuse(g->text, open, g->e, "{{ without }}");
	g->at = open + 2;
	if (g->at[0] == '-' && is_space(g->at[1]))
		g->at++;
	*trim = close - g->at >= 2 && close[-1] == '-' && is_space(close[-2]);
	g->end = close - *trim;
	if (read_action(g) != 0)
		return -1;
	g->at = close + 2;
	return 0;
}

int
mf_template_flagger(
    struct mf_buf *out, const char *text, const struct mf_template_words *words, struct mf_error *e)
{
	struct reading g = {.text = text, .at = text, .words = words, .out = out, .e = e};
	const char *open, *end;
	bool trim = false;

	if (mf_template_check_size(text, e) != 0)
		return -1;
	for (;;) {
		while (trim && is_space(*g.at))
			g.at++;
		open = strstr(g.at, "{{");
		end = open != NULL ? open : g.at + strlen(g.at);
		if (open != NULL && open[2] == '-' && is_space(open[3]))
			while (end > g.at && is_space(end[-1]))
				end--;
		if (mf_template_put(out, g.at, (size_t)(end - g.at), e) != 0)
			return -1;
		if (open == NULL)
			return 0;
		g.at = open;
		if (take_action(&g, &trim) != 0)
			return -1;
	}
}
