/*
 * A pattern becomes a small program that is run on all of its threads at once, one byte of
 * the path after the other (Thompson 1968; R. Cox, "Regular Expression Matching: the Virtual
 * Machine Approach"), so no pattern takes exponential time.
 */
#include "src/config/glob.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define MAX_STEPS 8192u
#define MAX_NESTING 16u

enum op { OP_BYTE, OP_NOT_SLASH, OP_ANY, OP_TAIL, OP_SET, OP_FORK, OP_JUMP, OP_FAIL, OP_MATCH };

struct step {
	enum op op;
	uint16_t x, y; /* targets; x of OP_BYTE is the byte, of OP_SET the set's index */
};

struct set {
	uint8_t bits[32];
};

struct mf_glob {
	struct step *steps;
	unsigned n_steps, capacity;
	struct set *sets;
	unsigned n_sets;
	/* Where the part before a trailing "**" ends in a match of the whole directory: entry
	 * of the program for directories; 0 when the pattern does not end so. */
	unsigned below;
};

struct compiler {
	struct mf_glob *g;
	const char *at, *end;
	unsigned nesting;
	struct mf_error *e;
};

/* Append; steps was sized for the worst case by mf_glob_new. */
static unsigned
emit(struct mf_glob *g, enum op op, unsigned x, unsigned y)
{
	g->steps[g->n_steps] = (struct step){op, (uint16_t)x, (uint16_t)y};
	return g->n_steps++;
}

/* Any number of op. */
static void
emit_star(struct mf_glob *g, enum op op)
{
	unsigned fork = emit(g, OP_FORK, g->n_steps + 1, g->n_steps + 3);

	emit(g, op, 0, 0);
	emit(g, OP_JUMP, fork, 0);
}

static int
bad(struct compiler *c, const char *why)
{
	return mf_error_set(c->e, MF_EUSAGE, "pattern %s", why);
}

static int
compile_set(struct compiler *c)
{
	struct set *s = &c->g->sets[c->g->n_sets];
	bool invert = *c->at == '!' || *c->at == '^', first = true;
	unsigned lo, hi, i;

	*s = (struct set){{0}};
	for (c->at += invert; first || *c->at != ']'; first = false) {
		if (*c->at == '\\' && c->at + 1 < c->end)
			c->at++;
		if (c->at >= c->end)
			return bad(c, "has a [ that does not close");
		lo = hi = (uint8_t)*c->at++;
		if (c->at + 1 < c->end && c->at[0] == '-' && c->at[1] != ']') {
			c->at += 1 + (c->at[1] == '\\' && c->at + 2 < c->end);
			hi = (uint8_t)*c->at++;
		}
		if (hi < lo)
			return bad(c, "has a range that runs backwards");
		for (i = lo; i <= hi; i++)
			s->bits[i / 8] |= (uint8_t)(1u << i % 8);
	}
	c->at++;
	for (i = 0; invert && i < sizeof s->bits; i++)
		s->bits[i] = (uint8_t)~s->bits[i];
	s->bits['/' / 8] &= (uint8_t)~(1u << '/' % 8);
	emit(c->g, OP_SET, c->g->n_sets++, 0);
	return 0;
}

static int compile_sequence(struct compiler *c);

/* NOLINTBEGIN(misc-no-recursion): MAX_NESTING ends it */
static int
compile_choice(struct compiler *c)
{
	struct mf_glob *g = c->g;
	unsigned last = UINT16_MAX, fork, next;

	if (++c->nesting > MAX_NESTING)
		return bad(c, "nests too deep");
	do {
		fork = emit(g, OP_FORK, g->n_steps + 1, 0);
		if (compile_sequence(c) != 0)
			return -1;
		last = emit(g, OP_JUMP, last, 0); /* chained until the end is known */
		g->steps[fork].y = (uint16_t)g->n_steps;
		if (c->at >= c->end)
			return bad(c, "has a { that does not close");
	} while (*c->at++ == ',');
	emit(g, OP_FAIL, 0, 0);
	for (; last != UINT16_MAX; last = next) {
		next = g->steps[last].x;
		g->steps[last].x = (uint16_t)g->n_steps;
	}
	c->nesting--;
	return 0;
}

static int
compile_star(struct compiler *c)
{
	if (c->at < c->end && *c->at == '*') {
		while (c->at < c->end && *c->at == '*')
			c->at++;
		emit_star(c->g, OP_ANY);
	} else
		emit_star(c->g, OP_NOT_SLASH);
	return 0;
}

static int
compile_one(struct compiler *c)
{
	char byte = *c->at++;

	switch (byte) {
	case '*': return compile_star(c);
	case '?':
		emit(c->g, OP_NOT_SLASH, 0, 0);
		emit_star(c->g, OP_TAIL);
		return 0;
	case '[': return compile_set(c);
	case '{':
		if (c->at < c->end && *c->at == '{')
			return bad(c, "has {{, a regular expression, which is not known here");
		return compile_choice(c);
	case '\\':
		if (c->at >= c->end)
			return bad(c, "ends with a backslash");
		byte = *c->at++;
		break;
	default: break;
	}
	emit(c->g, OP_BYTE, (uint8_t)byte, 0);
	return 0;
}

/* Up to the end; inside braces up to a comma or the closing brace. */
static int
compile_sequence(struct compiler *c)
{
	while (c->at < c->end) {
		if (c->nesting > 0 && (*c->at == ',' || *c->at == '}'))
			return 0;
		if (compile_one(c) != 0)
			return -1;
	}
	return 0;
}
/* NOLINTEND(misc-no-recursion) */

/* One program for pattern[0..n): from the top, or from any component on. */
static int
compile(struct mf_glob *g, const char *pattern, size_t n, bool everything_below,
    struct mf_error *e)
{
	struct compiler c = {g, pattern, pattern + n, 0, e};
	unsigned fork;

	if (n > 0 && *pattern == '/') {
		c.at++;
	} else {
		fork = emit(g, OP_FORK, g->n_steps + 1, 0);
		emit_star(g, OP_ANY);
		emit(g, OP_BYTE, '/', 0);
		g->steps[fork].y = (uint16_t)g->n_steps;
	}
	if (compile_sequence(&c) != 0)
		return -1;
	if (everything_below) {
		emit(g, OP_BYTE, '/', 0);
		emit_star(g, OP_ANY);
	}
	emit(g, OP_MATCH, 0, 0);
	return 0;
}

/* The length of the pattern without a trailing slash or slash and stars; n where it has
 * none. */
static size_t
length_before_below(const char *pattern, size_t n)
{
	size_t k = n;

	while (k > 0 && pattern[k - 1] == '*')
		k--;
	if (n - k == 1 || k == 0 || pattern[k - 1] != '/' || (k > 1 && pattern[k - 2] == '\\'))
		return n;
	return k - 1;
}

static struct mf_glob *
glob_alloc(size_t n)
{
	struct mf_glob *g = calloc(1, sizeof *g);

	if (g == NULL)
		return NULL;
	/* at most 4 steps a byte of the pattern and 16 more, twice over */
	g->capacity = (unsigned)(8 * n + 32);
	g->steps = calloc(g->capacity, sizeof *g->steps);
	g->sets = calloc(2 * n + 1, sizeof *g->sets);
	if (g->steps == NULL || g->sets == NULL) {
		mf_glob_free(g);
		return NULL;
	}
	return g;
}

struct mf_glob *
mf_glob_new(const char *pattern, struct mf_error *e)
{
	struct mf_error inner = {0};
	size_t n, body;
	struct mf_glob *g;

	if (strncmp(pattern, "/**", 3) == 0 && strspn(pattern + 1, "*") == strlen(pattern + 1))
		pattern++; /* everything below the top is everything */
	n = strlen(pattern);
	body = length_before_below(pattern, n);
	if (n == 0 || n > MF_GLOB_MAX_BYTES || strcmp(pattern, "/") == 0) {
		mf_error_set(e, MF_EUSAGE, n == 0 ? "empty pattern" : "no pattern: %.40s", pattern);
		return NULL;
	}
	if ((g = glob_alloc(n)) == NULL) {
		mf_error_nomem(e, "pattern");
		return NULL;
	}
	if (compile(g, pattern, body, body < n, &inner) != 0)
		goto fail;
	if (body < n || strspn(pattern, "*") == n) {
		g->below = g->n_steps;
		if (compile(g, pattern, body, false, &inner) != 0)
			goto fail;
	}
	return g;
fail:
	mf_error_set(e, MF_EUSAGE, "%s: %s", inner.message, pattern);
	mf_glob_free(g);
	return NULL;
}

void
mf_glob_free(struct mf_glob *g)
{
	if (g == NULL)
		return;
	free(g->steps);
	free(g->sets);
	free(g);
}

/* The threads of a run: a set of step numbers. */
struct threads {
	uint16_t list[MAX_STEPS + 64];
	unsigned n;
	uint64_t member[(MAX_STEPS + 64) / 64 + 1];
};

static void
add_thread(const struct mf_glob *g, struct threads *t, unsigned at)
{
	uint16_t stack[MAX_STEPS + 64];
	unsigned depth = 0;

	stack[depth++] = (uint16_t)at;
	while (depth > 0) {
		at = stack[--depth];
		if (t->member[at / 64] >> at % 64 & 1)
			continue;
		t->member[at / 64] |= UINT64_C(1) << at % 64;
		t->list[t->n++] = (uint16_t)at;
		if (g->steps[at].op == OP_FORK)
			stack[depth++] = g->steps[at].y;
		if (g->steps[at].op == OP_FORK || g->steps[at].op == OP_JUMP)
			stack[depth++] = g->steps[at].x;
	}
}

static void
forget_threads(const struct mf_glob *g, struct threads *t)
{
	t->n = 0;
	memset(t->member, 0, (g->n_steps / 64 + 1) * sizeof t->member[0]);
}

static bool
accepts(const struct mf_glob *g, const struct step *s, uint8_t byte)
{
	switch (s->op) {
	case OP_BYTE: return byte == s->x;
	case OP_NOT_SLASH: return byte != '/';
	case OP_ANY: return true;
	case OP_TAIL: return (byte & 0xc0) == 0x80; /* rest of a UTF-8 character */
	case OP_SET: return g->sets[s->x].bits[byte / 8] >> byte % 8 & 1;
	default: return false;
	}
}

/* The threads that are left when the bytes were read from an entry on: in one of a and b. */
static const struct threads *
run(const struct mf_glob *g, unsigned entry, const char *bytes, struct threads *a,
    struct threads *b)
{
	struct threads *now = a, *next = b, *swap;
	unsigned i;

	forget_threads(g, now);
	add_thread(g, now, entry);
	for (; *bytes != '\0' && now->n > 0; bytes++) {
		forget_threads(g, next);
		for (i = 0; i < now->n; i++)
			if (accepts(g, &g->steps[now->list[i]], (uint8_t)*bytes))
				add_thread(g, next, now->list[i] + 1u);
		swap = now;
		now = next;
		next = swap;
	}
	return now;
}

static bool
matches(const struct mf_glob *g, unsigned entry, const char *path)
{
	struct threads a, b;
	const struct threads *left = run(g, entry, path, &a, &b);
	unsigned i;

	for (i = 0; i < left->n; i++)
		if (g->steps[left->list[i]].op == OP_MATCH)
			return true;
	return false;
}

bool
mf_glob_matches(const struct mf_glob *g, const char *path)
{
	return matches(g, 0, path);
}

bool
mf_glob_matches_below(const struct mf_glob *g, const char *directory)
{
	return g->below != 0 && matches(g, g->below, directory);
}

bool
mf_glob_may_match_below(const struct mf_glob *g, const char *directory)
{
	struct threads a, b;
	const struct threads *left = run(g, 0, directory, &a, &b);
	unsigned i;

	for (i = 0; i < left->n; i++)
		if (accepts(g, &g->steps[left->list[i]], '/'))
			return true;
	return false;
}
