/* A pattern's text: to a tree by recursive descent, from that to states, last ones first. */
#include "src/rollout/pattern_int.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define DEPTH_MAX 50u
#define REPEAT_MAX 1000u /* RE2's own bound */
#define NO_END UINT32_MAX
#define LAST_CHARACTER (MF_PATTERN_BAD_BYTE + 255)

enum tree_kind { EMPTY, CHAR, DOT, SET, START, FINISH, CAT, ALT, REPEAT };

struct tree {
	enum tree_kind kind;
	uint32_t c;
	struct tree *a, *b;
	uint32_t least, most; /* REPEAT; NO_END: for ever */
	bool negated;
	uint32_t first_range, n_ranges;
};

struct reading {
	const char *text, *at;
	struct mf_pattern *p;
	struct mf_region *r;
	struct mf_error *e;
	unsigned depth;
};

struct class_name {
	const char *name;
	uint32_t ranges[8];
	size_t n;
};

static const struct class_name classes[] = {{"alnum", {'0', '9', 'A', 'Z', 'a', 'z'}, 6},
    {"alpha", {'A', 'Z', 'a', 'z'}, 4}, {"ascii", {0, 127}, 2},
    {"blank", {'\t', '\t', ' ', ' '}, 4}, {"cntrl", {0, 31, 127, 127}, 4}, {"digit", {'0', '9'}, 2},
    {"graph", {'!', '~'}, 2}, {"lower", {'a', 'z'}, 2}, {"print", {' ', '~'}, 2},
    {"punct", {'!', '/', ':', '@', '[', '`', '{', '~'}, 8}, {"space", {'\t', '\r', ' ', ' '}, 4},
    {"upper", {'A', 'Z'}, 2}, {"word", {'0', '9', 'A', 'Z', '_', '_', 'a', 'z'}, 8},
    {"xdigit", {'0', '9', 'A', 'F', 'a', 'f'}, 6}};

/* \d, \w and \s, the last without the vertical tab, as RE2 has it. */
static const struct class_name short_classes[] = {{"d", {'0', '9'}, 2},
    {"w", {'0', '9', 'A', 'Z', '_', '_', 'a', 'z'}, 8},
    {"s", {'\t', '\n', '\f', '\r', ' ', ' '}, 6}};

static int
refuse(struct reading *g, const char *fmt, ...)
{
	char text[128];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	return mf_error_set(g->e, MF_EUSAGE, "pattern %.100s: %s", g->text, text);
}

static struct tree *
make(struct reading *g, enum tree_kind kind, struct tree *a, struct tree *b)
{
	struct tree *t = mf_region_alloc(g->r, sizeof *t, g->e);

	if (t != NULL) {
		t->kind = kind;
		t->a = a;
		t->b = b;
	}
	return t;
}

static int
add_range(struct reading *g, uint32_t low, uint32_t high)
{
	struct mf_pattern *p = g->p;

	if (p->n_ranges == MF_PATTERN_RANGES_MAX)
		return refuse(g, "too many characters in brackets");
	p->ranges[p->n_ranges++] = (struct mf_pattern_range){low, high};
	return 0;
}

static int
add_class(struct reading *g, const struct class_name *class, bool negated)
{
	uint32_t next = 0;
	size_t i;

	for (i = 0; i < class->n; i += 2) {
		if (!negated && add_range(g, class->ranges[i], class->ranges[i + 1]) != 0)
			return -1;
		if (negated && class->ranges[i] > next &&
		    add_range(g, next, class->ranges[i] - 1) != 0)
			return -1;
		next = class->ranges[i + 1] + 1;
	}
	return negated ? add_range(g, next, LAST_CHARACTER) : 0;
}

/* The class that a letter behind a backslash names; NULL: none. */
static const struct class_name *
short_class(char letter)
{
	size_t i;

	for (i = 0; i < sizeof short_classes / sizeof short_classes[0]; i++)
		if (short_classes[i].name[0] == (letter | 0x20))
			return &short_classes[i];
	return NULL;
}

static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
		return (c | 0x20) - 'a' + 10;
	return -1;
}

/* \x41 or \x{263a}; g->at is behind the x. */
static int
hex_escape(struct reading *g, uint32_t *c)
{
	bool braces = *g->at == '{';
	unsigned digits = 0;

	*c = 0;
	for (g->at += braces; hex_value(*g->at) >= 0 && digits < (braces ? 6u : 2u); digits++)
		*c = *c * 16 + (uint32_t)hex_value(*g->at++);
	if (digits == 0 || (!braces && digits != 2) || *c == 0 || *c > 0x10ffff ||
	    (braces && *g->at++ != '}'))
		return refuse(g, "no character: \\x");
	if (*c >= 0x80 && g->p->ignore_case)
		return refuse(g, "(?i) with characters beyond ASCII");
	return 0;
}

/* A single character, perhaps escaped, that g->at is at. */
static int
one_character(struct reading *g, uint32_t *c)
{
	static const char names[] = "aftnrv", codes[] = "\a\f\t\n\r\v";
	size_t n = mf_text_char_bytes(g->at);
	const char *found;

	if (*g->at != '\\') {
		if (n == 0)
			return refuse(g, "not UTF-8");
		*c = mf_pattern_decode(g->at, n);
		g->at += n;
		if (*c >= 0x80 && g->p->ignore_case)
			return refuse(g, "(?i) with characters beyond ASCII");
		return 0;
	}
	g->at++;
	if (*g->at == 'x') {
		g->at++;
		return hex_escape(g, c);
	}
	if (*g->at != '\0' && (found = strchr(names, *g->at)) != NULL) {
		*c = (uint32_t)codes[found - names];
	} else {
		if (*g->at == '\0' || (unsigned char)*g->at >= 0x80 ||
		    (*g->at >= '0' && *g->at <= '9') ||
		    ((*g->at | 0x20) >= 'a' && (*g->at | 0x20) <= 'z'))
			return refuse(g, "\\%.1s", *g->at != '\0' ? g->at : "at the end");
		*c = (uint32_t)(unsigned char)*g->at;
	}
	g->at++;
	return 0;
}

/* [:alpha:] within brackets. 1: there is none. */
static int
named_class(struct reading *g)
{
	size_t i, n;

	if (g->at[0] != '[' || g->at[1] != ':')
		return 1;
	for (i = 0; i < sizeof classes / sizeof classes[0]; i++) {
		n = strlen(classes[i].name);
		if (strncmp(g->at + 2, classes[i].name, n) != 0 ||
		    strncmp(g->at + 2 + n, ":]", 2) != 0)
			continue;
		g->at += n + 4;
		return add_class(g, &classes[i], false);
	}
	return refuse(g, "unknown class at %.12s", g->at);
}

/* A character, a range, or a class within brackets. */
static int
set_item(struct reading *g)
{
	const struct class_name *class;
	uint32_t low, high;
	int rc = named_class(g);

	if (rc <= 0)
		return rc;
	if (g->at[0] == '\\' && (class = short_class(g->at[1])) != NULL) {
		rc = add_class(g, class, g->at[1] < 'a');
		g->at += 2;
		return rc;
	}
	if (one_character(g, &low) != 0)
		return -1;
	high = low;
	if (g->at[0] == '-' && g->at[1] != ']' && g->at[1] != '\0') {
		g->at++;
		if (one_character(g, &high) != 0)
			return -1;
		if (high < low)
			return refuse(g, "a range that goes backwards");
	}
	return add_range(g, low, high);
}

static struct tree *
read_set(struct reading *g)
{
	struct tree *t = make(g, SET, NULL, NULL);
	const char *first;

	if (t == NULL)
		return NULL;
	t->first_range = (uint32_t)g->p->n_ranges;
	g->at++;
	if (*g->at == '^') {
		t->negated = true;
		g->at++;
	}
	for (first = g->at; *g->at != ']' || g->at == first;) {
		if (*g->at == '\0') {
			refuse(g, "[ without ]");
			return NULL;
		}
		if (set_item(g) != 0)
			return NULL;
	}
	g->at++;
	t->n_ranges = (uint32_t)g->p->n_ranges - t->first_range;
	return t;
}

static struct tree *read_choice(struct reading *g);

/* NOLINTBEGIN(misc-no-recursion): DEPTH_MAX ends it */
static struct tree *
read_group(struct reading *g)
{
	struct tree *t;

	g->at++;
	if (g->at[0] == '?') {
		if (g->at[1] != ':') {
			refuse(g, "(%.3s", g->at);
			return NULL;
		}
		g->at += 2;
	}
	if (++g->depth > DEPTH_MAX) {
		refuse(g, "nested deeper than %u", DEPTH_MAX);
		return NULL;
	}
	t = read_choice(g);
	g->depth--;
	if (t != NULL && *g->at++ != ')') {
		refuse(g, "( without )");
		return NULL;
	}
	return t;
}

/* \A, \z and the classes; other escapes are single characters. */
static struct tree *
read_escape(struct reading *g)
{
	const struct class_name *class = short_class(g->at[1]);
	struct tree *t;

	if (g->at[1] == 'A' || g->at[1] == 'z') {
		t = make(g, g->at[1] == 'A' ? START : FINISH, NULL, NULL);
		g->at += 2;
		return t;
	}
	if (class == NULL) {
		t = make(g, CHAR, NULL, NULL);
		return t != NULL && one_character(g, &t->c) == 0 ? t : NULL;
	}
	if ((t = make(g, SET, NULL, NULL)) == NULL)
		return NULL;
	t->first_range = (uint32_t)g->p->n_ranges;
	if (add_class(g, class, g->at[1] < 'a') != 0)
		return NULL;
	t->n_ranges = (uint32_t)g->p->n_ranges - t->first_range;
	g->at += 2;
	return t;
}

static struct tree *
read_atom(struct reading *g)
{
	struct tree *t;

	switch (*g->at) {
	case '(': return read_group(g);
	case '[': return read_set(g);
	case '\\': return read_escape(g);
	case '.':
	case '^':
	case '$':
		t = make(g, *g->at == '.' ? DOT : *g->at == '^' ? START : FINISH, NULL, NULL);
		g->at++;
		return t;
	case '*':
	case '+':
	case '?': refuse(g, "%.1s repeats nothing", g->at); return NULL;
	default: break;
	}
	t = make(g, CHAR, NULL, NULL);
	return t != NULL && one_character(g, &t->c) == 0 ? t : NULL;
}

/* {n}, {n,} or {n,m} at p: how many bytes it takes; 0: none, the brace is a character. */
static size_t
braces(const char *p, uint32_t *least, uint32_t *most)
{
	const char *s = p + 1;
	uint32_t n[2] = {0, 0};
	unsigned i = 0, digits = 0;

	if (*p != '{')
		return 0;
	for (; *s != '}'; s++) {
		if (*s == ',' && i == 0 && digits > 0) {
			i = 1;
			digits = 0;
			continue;
		}
		if (*s < '0' || *s > '9')
			return 0;
		if (n[i] <= REPEAT_MAX)
			n[i] = n[i] * 10 + (uint32_t)(*s - '0');
		digits++;
	}
	if (i == 0 && digits == 0)
		return 0;
	*least = n[0];
	*most = i == 0 ? n[0] : digits == 0 ? NO_END : n[1];
	return (size_t)(s + 1 - p);
}

/* The bytes of the repetition at p; 0: none. */
static size_t
repetition(const char *p, uint32_t *least, uint32_t *most)
{
	*least = *p == '+';
	*most = *p == '?' ? 1 : NO_END;
	return *p == '*' || *p == '+' || *p == '?' ? 1 : braces(p, least, most);
}

static struct tree *
read_repeat(struct reading *g)
{
	struct tree *t = read_atom(g), *again;
	uint32_t least, most;
	size_t n = t != NULL ? repetition(g->at, &least, &most) : 0;

	if (n == 0)
		return t;
	if (least > REPEAT_MAX || (most != NO_END && (most > REPEAT_MAX || most < least))) {
		refuse(g, "no such number of times: %.12s", g->at);
		return NULL;
	}
	g->at += n;
	g->at += *g->at == '?';
	if ((again = make(g, REPEAT, t, NULL)) == NULL)
		return NULL;
	again->least = least;
	again->most = most;
	if (repetition(g->at, &least, &most) > 0) {
		refuse(g, "a repetition of a repetition: %.12s", g->at);
		return NULL;
	}
	return again;
}

static struct tree *
read_choice(struct reading *g)
{
	struct tree *all = NULL, *row = make(g, EMPTY, NULL, NULL), *next;

	while (row != NULL && *g->at != '\0' && *g->at != ')') {
		if (*g->at == '|') {
			g->at++;
			all = all == NULL ? row : make(g, ALT, all, row);
			row = all != NULL ? make(g, EMPTY, NULL, NULL) : NULL;
			continue;
		}
		next = read_repeat(g);
		row = next == NULL ? NULL : row->kind == EMPTY ? next : make(g, CAT, row, next);
	}
	if (row == NULL || all == NULL)
		return row;
	return make(g, ALT, all, row);
}

/* A new state; NO_END: too many. */
static uint32_t
state(struct reading *g, enum mf_pattern_kind kind, uint32_t out, uint32_t other)
{
	struct mf_pattern *p = g->p;

	if (p->n_states == MF_PATTERN_STATES_MAX) {
		refuse(g, "too large");
		return NO_END;
	}
	p->states[p->n_states] =
	    (struct mf_pattern_state){.kind = kind, .out = out, .other = other};
	return (uint32_t)p->n_states++;
}

static uint32_t emit(struct reading *g, const struct tree *t, uint32_t next);

static uint32_t
emit_repeat(struct reading *g, const struct tree *t, uint32_t next)
{
	uint32_t at = next, body, loop, i;

	if (t->most == NO_END) {
		loop = state(g, MF_PATTERN_SPLIT, 0, next);
		body = loop != NO_END ? emit(g, t->a, loop) : NO_END;
		if (body == NO_END)
			return NO_END;
		g->p->states[loop].out = body;
		at = loop;
	} else {
		for (i = t->least; i < t->most && at != NO_END; i++) {
			body = emit(g, t->a, at);
			at = body != NO_END ? state(g, MF_PATTERN_SPLIT, body, next) : NO_END;
		}
	}
	for (i = 0; i < t->least && at != NO_END; i++) {
		body = emit(g, t->a, at);
		if (body == at) /* nothing, any number of times */
			break;
		at = body;
	}
	return at;
}

/* The states of t, which go on to next; the first of them. */
static uint32_t
emit(struct reading *g, const struct tree *t, uint32_t next)
{
	uint32_t at = next;

	switch (t->kind) {
	case EMPTY: return next;
	case DOT: return state(g, MF_PATTERN_DOT, next, 0);
	case START: return state(g, MF_PATTERN_START, next, 0);
	case FINISH: return state(g, MF_PATTERN_FINISH, next, 0);
	case REPEAT: return emit_repeat(g, t, next);
	case CHAR:
		if ((at = state(g, MF_PATTERN_CHAR, next, 0)) != NO_END)
			g->p->states[at].c = t->c;
		return at;
	case SET:
		if ((at = state(g, MF_PATTERN_SET, next, 0)) != NO_END) {
			g->p->states[at].negated = t->negated;
			g->p->states[at].first_range = t->first_range;
			g->p->states[at].n_ranges = t->n_ranges;
		}
		return at;
	case CAT: at = emit(g, t->b, next); return at != NO_END ? emit(g, t->a, at) : NO_END;
	case ALT:
		at = emit(g, t->b, next);
		next = at != NO_END ? emit(g, t->a, next) : NO_END;
		return next != NO_END ? state(g, MF_PATTERN_SPLIT, next, at) : NO_END;
	}
	return NO_END;
}
/* NOLINTEND(misc-no-recursion) */

static struct tree *
read_all(struct reading *g)
{
	struct tree *t;

	if (strlen(g->text) > MF_PATTERN_BYTES_MAX) {
		refuse(g, "longer than %zu bytes", MF_PATTERN_BYTES_MAX);
		return NULL;
	}
	if (strncmp(g->at, "(?i)", 4) == 0) {
		g->p->ignore_case = true;
		g->at += 4;
	}
	t = read_choice(g);
	if (t != NULL && *g->at != '\0') {
		refuse(g, ") without (");
		return NULL;
	}
	return t;
}

struct mf_pattern *
mf_pattern_read(const char *text, struct mf_region *r, struct mf_error *e)
{
	struct mf_pattern *p = mf_region_alloc(r, sizeof *p, e);
	struct reading g = {.text = text, .at = text, .p = p, .r = r, .e = e};
	struct tree *t;

	if (p == NULL)
		return NULL;
	p->states = mf_region_alloc(r, MF_PATTERN_STATES_MAX * sizeof *p->states, e);
	p->ranges = mf_region_alloc(r, MF_PATTERN_RANGES_MAX * sizeof *p->ranges, e);
	if (p->states == NULL || p->ranges == NULL || (t = read_all(&g)) == NULL)
		return NULL;
	p->match = state(&g, MF_PATTERN_MATCH, 0, 0);
	p->start = emit(&g, t, p->match);
	return p->start != NO_END ? p : NULL;
}
