/* Steps of a JSON path. */
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/rollout/column_int.h"
#include "src/rollout/jsonpath_int.h"
#include "src/rollout/scalar.h"

#define INDEX_MAX 1000000000L

struct reading {
	const char *text, *at;
	bool braces;
	bool filter; /* within one */
	struct mf_region *r;
	struct mf_error *e;
};

static int
refuse(const struct reading *g, const char *at, const char *fmt, ...)
{
	char why[256];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(why, sizeof why, fmt, ap);
	va_end(ap);
	return mf_error_set(
	    g->e, MF_EUSAGE, "column %u: %s", mf_column(g->text, (size_t)(at - g->text)), why);
}

static void
skip_spaces(struct reading *g)
{
	while (*g->at == ' ' || *g->at == '\t')
		g->at++;
}

/* Does the name of a field end here? */
static bool
ends_name(const struct reading *g, char c)
{
	return c == '\0' || strchr(" \t\r\n.,[]$@{}", c) != NULL ||
	       (g->filter && strchr("=!<>~)", c) != NULL);
}

/* A name that ends before `end`, less its backslashes. */
static int
take_name(struct reading *g, const char *end, struct mf_jsonpath_step *step)
{
	char *name = mf_region_alloc(g->r, (size_t)(end - g->at) + 1, g->e);
	size_t n = 0;

	if (name == NULL)
		return -1;
	for (; g->at < end; g->at++) {
		if (*g->at == '\\' && g->at + 1 < end)
			g->at++;
		name[n++] = *g->at;
	}
	step->kind = MF_JSONPATH_FIELD;
	step->name = name;
	return 0;
}

/* .name or .*; g->at is behind the dots. */
static int
read_field(struct reading *g, struct mf_jsonpath_step *step)
{
	const char *end = g->at;

	while (!ends_name(g, *end)) {
		if (*end == '(' || *end == ')')
			return refuse(g, end, "functions are not supported");
		end += *end == '\\' && end[1] != '\0' ? 2 : 1;
	}
	if (end == g->at)
		return refuse(g, end, "a name is missing");
	if (end == g->at + 1 && *g->at == '*') {
		step->kind = MF_JSONPATH_ALL;
		g->at = end;
		return 0;
	}
	return take_name(g, end, step);
}

/* ['name'] */
static int
read_key(struct reading *g, struct mf_jsonpath_step *step)
{
	const char *end = g->at + 1;
	bool filter = g->filter;

	g->filter = false;
	for (; *end != '\'' && *end != '\0'; end++) {
		if (*end == '\\' && end[1] != '\0' && end[1] != '\'') {
			end++;
		} else if (ends_name(g, *end)) {
			refuse(g, end, "%.1s within a key", end);
			return mf_error_hint(g->e, "put a backslash before it");
		}
	}
	g->filter = filter;
	if (*end == '\0')
		return refuse(g, g->at, "a key without an end");
	if (end[1] == ',')
		return refuse(g, end + 1, "unions are not supported");
	if (end[1] != ']' || end == g->at + 1)
		return refuse(g, end, "a key is ['name']");
	g->at++;
	if (take_name(g, end, step) != 0)
		return -1;
	g->at = end + 2;
	return 0;
}

/* An integer, if there is one. */
static int
take_index(struct reading *g, bool *has, long *value)
{
	const char *start = g->at;
	char *end;

	*has = *start == '-' || (*start >= '0' && *start <= '9');
	if (!*has)
		return 0;
	*value = strtol(start, &end, 10);
	if (end == start || *value > INDEX_MAX || *value < -INDEX_MAX)
		return refuse(g, start, "not an index");
	g->at = end;
	return 0;
}

/* [1], [1:2], [::2] or [*]; g->at is behind the bracket. */
static int
read_slice(struct reading *g, struct mf_jsonpath_step *step)
{
	const char *start = g->at;
	bool has_by = false;

	*step = (struct mf_jsonpath_step){.kind = MF_JSONPATH_SLICE, .by = 1};
	if (*g->at == '*') {
		g->at++;
	} else {
		if (take_index(g, &step->has_from, &step->from) != 0)
			return -1;
		step->index = *g->at != ':';
		if (*g->at == ':') {
			g->at++;
			if (take_index(g, &step->has_to, &step->to) != 0)
				return -1;
			if (*g->at == ':') {
				g->at++;
				if (take_index(g, &has_by, &step->by) != 0)
					return -1;
			}
		}
		if (step->index && !step->has_from)
			return refuse(g, start, "an index, a slice, '*' or ['key'] is missing");
	}
	if (*g->at == ',')
		return refuse(g, g->at, "unions are not supported");
	if (*g->at != ']')
		return refuse(g, g->at, "] is missing");
	if (has_by && step->by <= 0)
		return refuse(g, start, "a slice's step is at least 1");
	g->at++;
	return 0;
}

static struct mf_jsonpath *read_steps(struct reading *g);

static int
take_operator(struct reading *g, enum mf_jsonpath_op *op)
{
	static const struct {
		const char *text;
		enum mf_jsonpath_op op;
	} all[] = {{"==", MF_JSONPATH_EQ}, {"!=", MF_JSONPATH_NE}, {"<=", MF_JSONPATH_LE},
	    {">=", MF_JSONPATH_GE}, {"<", MF_JSONPATH_LT}, {">", MF_JSONPATH_GT}};
	size_t i, n;

	*op = MF_JSONPATH_EXISTS;
	if (*g->at == ')')
		return 0;
	n = strspn(g->at, "=!<>~");
	for (i = 0; i < sizeof all / sizeof all[0]; i++)
		if (strlen(all[i].text) == n && memcmp(all[i].text, g->at, n) == 0) {
			*op = all[i].op;
			g->at += n;
			return 0;
		}
	return refuse(g, g->at, "a filter has ==, !=, <, <=, > or >=");
}

/* A string in quotes, with the escapes \\ \" \' \n \t. */
static struct mf_node *
read_string(struct reading *g)
{
	const char *start = g->at;
	char quote = *g->at++, text[MF_JSONPATH_BYTES_MAX], c;
	size_t n = 0;

	for (; *g->at != quote; g->at++) {
		c = *g->at;
		if (c == '\0') {
			refuse(g, start, "a string without an end");
			return NULL;
		}
		if (c == '\\') {
			c = *++g->at;
			if (c == '\0' || strchr("\\\"'nt", c) == NULL) {
				refuse(g, g->at - 1, "an escape that is not supported");
				return NULL;
			}
			c = (char)(c == 'n' ? '\n' : c == 't' ? '\t' : c);
		}
		text[n++] = c;
	}
	g->at++;
	return mf_node_string(g->r, text, n, g->e);
}

static struct mf_node *
read_literal(struct reading *g)
{
	size_t n = strcspn(g->at, " \t)");
	char text[64];

	if (*g->at == '"' || *g->at == '\'')
		return read_string(g);
	if (n < sizeof text) {
		memcpy(text, g->at, n);
		text[n] = '\0';
		g->at += n;
		if (mf_scalar_is_decimal(text))
			return mf_node_number(g->r, strtod(text, NULL), g->e);
		if (strcmp(text, "true") == 0 || strcmp(text, "false") == 0)
			return mf_node_bool(g->r, text[0] == 't', g->e);
		g->at -= n;
	}
	refuse(g, g->at, "a filter compares with a string, a number, true, false or @.path");
	return NULL;
}

/* NOLINTBEGIN(misc-no-recursion): a filter within a filter is refused */
/* [?(@.path op value)]; g->at is behind the parenthesis. */
static int
read_filter(struct reading *g, struct mf_jsonpath_step *step)
{
	if (g->filter)
		return refuse(g, g->at, "a filter within a filter is not supported");
	g->filter = true;
	*step = (struct mf_jsonpath_step){.kind = MF_JSONPATH_FILTER};
	skip_spaces(g);
	if (*g->at != '@')
		return refuse(g, g->at, "a filter begins with @");
	g->at++;
	if ((step->left = read_steps(g)) == NULL)
		return -1;
	skip_spaces(g);
	if (take_operator(g, &step->op) != 0)
		return -1;
	skip_spaces(g);
	if (step->op != MF_JSONPATH_EXISTS) {
		if (*g->at == '@') {
			g->at++;
			if ((step->right = read_steps(g)) == NULL)
				return -1;
		} else if ((step->literal = read_literal(g)) == NULL) {
			return -1;
		}
	}
	skip_spaces(g);
	if (g->at[0] != ')' || g->at[1] != ']')
		return refuse(g, g->at, ")] is missing");
	g->at += 2;
	g->filter = false;
	return 0;
}

static int
read_step(struct reading *g, struct mf_jsonpath_step *step, bool below)
{
	if (g->at[0] == '.' && g->at[1] == '.') {
		if (below)
			return refuse(g, g->at, ".. behind ..");
		step->kind = MF_JSONPATH_BELOW;
		g->at += 2;
		return 0;
	}
	if (*g->at == '.') {
		g->at++;
		return read_field(g, step);
	}
	if (*g->at != '[')
		return read_field(g, step); /* behind .. */
	if (strncmp(g->at, "[?(", 3) == 0) {
		g->at += 3;
		return read_filter(g, step);
	}
	g->at++;
	if (*g->at == '\'')
		return read_key(g, step);
	if (*g->at == '"')
		return refuse(g, g->at, "a key is in single quotes");
	return read_slice(g, step);
}

/* Steps until something else comes. */
static struct mf_jsonpath *
read_steps(struct reading *g)
{
	struct mf_jsonpath *path = mf_region_alloc(g->r, sizeof *path, g->e);
	struct mf_jsonpath_step steps[MF_JSONPATH_STEPS_MAX];
	bool below = false;
	size_t n = 0;

	if (path == NULL)
		return NULL;
	while (*g->at == '.' || *g->at == '[' || below) {
		if (n == MF_JSONPATH_STEPS_MAX) {
			refuse(g, g->at, "more than %u steps", MF_JSONPATH_STEPS_MAX);
			return NULL;
		}
		steps[n] = (struct mf_jsonpath_step){.kind = MF_JSONPATH_FIELD};
		if (read_step(g, &steps[n], below) != 0)
			return NULL;
		below = steps[n++].kind == MF_JSONPATH_BELOW;
	}
	path->steps = mf_region_alloc(g->r, n * sizeof *path->steps, g->e);
	if (path->steps == NULL)
		return NULL;
	if (n > 0)
		memcpy(path->steps, steps, n * sizeof *path->steps);
	path->n_steps = n;
	return path;
}
/* NOLINTEND(misc-no-recursion) */

static int
check_end(struct reading *g)
{
	skip_spaces(g);
	if (g->braces) {
		if (*g->at != '}')
			return refuse(
			    g, g->at, *g->at == '\0' ? "} is missing" : "unexpected %.20s", g->at);
		g->at++;
		if (*g->at == '{')
			return refuse(g, g->at, "more than one path is not supported");
		if (*g->at != '\0')
			return refuse(g, g->at, "text around a path is not supported");
	} else if (*g->at != '\0') {
		return refuse(g, g->at, "unexpected %.20s", g->at);
	}
	return 0;
}

static int
check_begin(struct reading *g)
{
	static const char *const words[] = {"range", "end"};
	size_t i;

	if (*g->at != '{' && strchr(g->at, '{') != NULL)
		return refuse(g, g->at, "text around a path is not supported");
	g->braces = *g->at == '{';
	g->at += g->braces;
	skip_spaces(g);
	for (i = 0; i < sizeof words / sizeof words[0]; i++)
		if (strncmp(g->at, words[i], strlen(words[i])) == 0)
			return refuse(g, g->at, "%s is not supported", words[i]);
	if (*g->at == '$' || *g->at == '@')
		g->at++;
	else if (*g->at != '.' && *g->at != '[')
		return refuse(g, g->at, "a path begins with $, . or [");
	return 0;
}

struct mf_jsonpath *
mf_jsonpath_read(const char *text, struct mf_region *r, struct mf_error *e)
{
	struct reading g = {.text = text, .at = text, .r = r, .e = e};
	struct mf_jsonpath *path;

	if (strnlen(text, MF_JSONPATH_BYTES_MAX + 1) > MF_JSONPATH_BYTES_MAX) {
		mf_error_set(
		    e, MF_EUSAGE, "a JSON path is longer than %u bytes", MF_JSONPATH_BYTES_MAX);
		return NULL;
	}
	if (check_begin(&g) != 0 || (path = read_steps(&g)) == NULL || check_end(&g) != 0)
		return NULL;
	return path;
}
