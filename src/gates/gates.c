#include "config.h"

#include "src/gates/gates.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEAD "modelferry gates 1\n"

enum kind { GATE, ROLLBACK, KINDS };
static const char *const kind_names[KINDS] = {"gate", "rollback"};

enum verb { APPROVE, HALT, CHECK, OPEN, CLOSE, HEALTH };

static const struct path {
	const char *path;
	enum kind kind;
	enum verb verb;
} paths[] = {
    {"/gate/approve", GATE, APPROVE},
    {"/gate/halt", GATE, HALT},
    {"/gate/check", GATE, CHECK},
    {"/gate/open", GATE, OPEN},
    {"/gate/close", GATE, CLOSE},
    {"/rollback/check", ROLLBACK, CHECK},
    {"/rollback/open", ROLLBACK, OPEN},
    {"/rollback/close", ROLLBACK, CLOSE},
    {"/healthz", GATE, HEALTH},
};

#define KEY_BYTES (2 * MF_GATES_NAME_BYTES + 2)

/* "name.namespace"; the last dot parts them. */
struct gate {
	enum kind kind;
	char *key;
};

struct mf_gates {
	struct gate *open; /* sorted */
	size_t n, capacity;
	/* The last change, for undo. */
	bool has_last, last_opened;
	enum kind last_kind;
	char last_key[KEY_BYTES];
};

struct mf_gates *
mf_gates_new(struct mf_error *e)
{
	struct mf_gates *g = calloc(1, sizeof *g);

	if (g == NULL)
		mf_error_nomem(e, "gates");
	return g;
}

void
mf_gates_free(struct mf_gates *g)
{
	size_t i;

	if (g == NULL)
		return;
	for (i = 0; i < g->n; i++)
		free(g->open[i].key);
	free(g->open);
	free(g);
}

size_t
mf_gates_open_count(const struct mf_gates *g)
{
	return g->n;
}

static int
compare(const struct gate *a, enum kind kind, const char *key)
{
	return a->kind != kind ? (int)a->kind - (int)kind : strcmp(a->key, key);
}

/* Where it is, or would be. */
static size_t
place_of(const struct mf_gates *g, enum kind kind, const char *key, bool *found)
{
	size_t low = 0, high = g->n, middle;
	int order;

	*found = false;
	while (low < high) {
		middle = low + (high - low) / 2;
		order = compare(&g->open[middle], kind, key);
		if (order == 0) {
			*found = true;
			return middle;
		}
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool
reserve(struct mf_gates *g)
{
	const size_t capacity = g->capacity == 0 ? 16 : g->capacity * 2;
	struct gate *open;

	if (g->n < g->capacity)
		return true;
	if ((open = realloc(g->open, capacity * sizeof *open)) == NULL)
		return false;
	g->open = open;
	g->capacity = capacity;
	return true;
}

/* 1: it is open now; 0: it was; -1: there is no room for one more. */
static int
open_gate(struct mf_gates *g, enum kind kind, const char *key)
{
	bool found;
	size_t at = place_of(g, kind, key, &found);
	char *copy;

	if (found)
		return 0;
	if (g->n >= MF_GATES_OPEN_MAX || !reserve(g) || (copy = strdup(key)) == NULL)
		return -1;
	memmove(&g->open[at + 1], &g->open[at], (g->n - at) * sizeof g->open[0]);
	g->open[at] = (struct gate){.kind = kind, .key = copy};
	g->n++;
	return 1;
}

static int
close_gate(struct mf_gates *g, enum kind kind, const char *key)
{
	bool found;
	size_t at = place_of(g, kind, key, &found);

	if (!found)
		return 0;
	free(g->open[at].key);
	g->n--;
	memmove(&g->open[at], &g->open[at + 1], (g->n - at) * sizeof g->open[0]);
	return 1;
}

/* Visible ASCII: nothing that a log or our own file could misread. */
static bool
is_name(const char *text, size_t n, bool dots)
{
	size_t i;

	for (i = 0; i < n && text[i] > ' ' && text[i] < 0x7f; i++)
		if (text[i] == '.' && !dots)
			return false;
	return i == n && n <= MF_GATES_NAME_BYTES;
}

/* "name.namespace" of the body. */
static bool
read_key(const void *body, size_t n, char key[KEY_BYTES])
{
	json_t *root = n > 0 && n <= MF_GATES_BODY_BYTES
			   ? json_loadb(body, n, JSON_REJECT_DUPLICATES, NULL)
			   : NULL;
	const json_t *name = json_object_get(root, "name");
	const json_t *space = json_object_get(root, "namespace");
	const size_t name_bytes = json_string_length(name), space_bytes = json_string_length(space);
	bool good = json_is_string(name) && name_bytes > 0 &&
		    (space == NULL || json_is_string(space)) &&
		    is_name(json_string_value(name), name_bytes, true) &&
		    (space == NULL || is_name(json_string_value(space), space_bytes, false));

	if (good) {
		memcpy(key, json_string_value(name), name_bytes);
		key[name_bytes] = '.';
		if (space != NULL)
			memcpy(key + name_bytes + 1, json_string_value(space), space_bytes);
		key[name_bytes + 1 + space_bytes] = '\0';
	}
	json_decref(root);
	return good;
}

static const struct path *
find_path(const char *path)
{
	size_t i;

	for (i = 0; i < sizeof paths / sizeof paths[0]; i++)
		if (strcmp(paths[i].path, path) == 0)
			return &paths[i];
	return NULL;
}

bool
mf_gates_changes(const char *path)
{
	const struct path *p = find_path(path);

	return p != NULL && (p->verb == OPEN || p->verb == CLOSE);
}

/* NULL: it does fit. */
static const char *
wrong_method(const struct path *p, const char *method)
{
	const bool get = strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
	const bool post = strcmp(method, "POST") == 0;

	switch (p->verb) {
	case HEALTH: return get ? NULL : "GET, HEAD";
	case APPROVE:
	case HALT: return get || post ? NULL : "GET, HEAD, POST";
	default: return post ? NULL : "POST";
	}
}

static void
say(struct mf_gates_answer *out, int status, const char *text)
{
	out->status = status;
	out->text = text;
}

static void
change(struct mf_gates *g, const struct path *p, const char *key, struct mf_gates_answer *out)
{
	const int rc = p->verb == OPEN ? open_gate(g, p->kind, key) : close_gate(g, p->kind, key);

	if (rc < 0) {
		say(out, 503, "Too many gates are open\n");
		return;
	}
	say(out, 202, p->verb == OPEN ? "Opened\n" : "Closed\n");
	out->changed = rc > 0;
	g->has_last = out->changed;
	g->last_opened = p->verb == OPEN;
	g->last_kind = p->kind;
	memcpy(g->last_key, key, strlen(key) + 1);
	out->gate = g->last_key;
}

static void
ask_of_canary(struct mf_gates *g, const struct path *p, const void *body, size_t n,
    struct mf_gates_answer *out)
{
	char key[KEY_BYTES];
	bool found;

	if (!read_key(body, n, key)) {
		say(out, 400, "The body must be JSON with a name and a namespace\n");
	} else if (p->verb == CHECK) {
		(void)place_of(g, p->kind, key, &found);
		say(out, found ? 200 : 403, found ? "Approved\n" : "Forbidden\n");
	} else {
		change(g, p, key, out);
	}
}

void
mf_gates_ask(struct mf_gates *g, const char *method, const char *path, const void *body, size_t n,
    struct mf_gates_answer *out)
{
	const struct path *p = find_path(path);

	*out = (struct mf_gates_answer){.status = 404, .text = "Not found\n"};
	g->has_last = false;
	if (p == NULL)
		return;
	out->allow = wrong_method(p, method);
	if (out->allow != NULL)
		say(out, 405, "Method not allowed\n");
	else if (p->verb == HEALTH || p->verb == APPROVE)
		say(out, 200, "OK\n");
	else if (p->verb == HALT)
		say(out, 403, "Forbidden\n");
	else
		ask_of_canary(g, p, body, n, out);
}

void
mf_gates_undo(struct mf_gates *g)
{
	if (!g->has_last)
		return;
	g->has_last = false;
	/* Closing what was opened cannot fail; opening again what was closed has its room, and a
	 * string: at worst it stays closed, which is the safe side. */
	if (g->last_opened)
		(void)close_gate(g, g->last_kind, g->last_key);
	else
		(void)open_gate(g, g->last_kind, g->last_key);
}

void
mf_gates_put(struct mf_buf *b, const struct mf_gates *g)
{
	size_t i;

	mf_buf_printf(b, "%s", HEAD);
	for (i = 0; i < g->n; i++)
		mf_buf_printf(b, "%s %s\n", kind_names[g->open[i].kind], g->open[i].key);
	mf_buf_printf(b, "%zu open\n", g->n);
}

/* One line "KIND NAME.NAMESPACE" of n characters. */
static bool
take_line(struct mf_gates *g, const char *line, size_t n)
{
	char key[KEY_BYTES];
	const char *blank = memchr(line, ' ', n), *dot;
	const size_t kind_bytes = blank != NULL ? (size_t)(blank - line) : 0;
	const size_t key_bytes = blank != NULL ? n - kind_bytes - 1 : 0;
	unsigned kind;

	for (kind = 0; kind < KINDS; kind++)
		if (strlen(kind_names[kind]) == kind_bytes &&
		    memcmp(kind_names[kind], line, kind_bytes) == 0)
			break;
	if (kind == KINDS || key_bytes == 0 || key_bytes >= sizeof key)
		return false;
	memcpy(key, blank + 1, key_bytes);
	key[key_bytes] = '\0';
	dot = strrchr(key, '.');
	return dot != NULL && dot > key && strlen(key) == key_bytes &&
	       is_name(key, (size_t)(dot - key), true) &&
	       is_name(dot + 1, strlen(dot + 1), false) && open_gate(g, (enum kind)kind, key) == 1;
}

int
mf_gates_take(struct mf_gates *g, const char *text, size_t n, struct mf_error *e)
{
	const char *at = text, *end = text + n, *eol;
	char last[40];

	if (n < strlen(HEAD) || memcmp(text, HEAD, strlen(HEAD)) != 0)
		return mf_error_set(e, MF_EDAMAGED, "this is no list of gates");
	for (at += strlen(HEAD); at < end; at = eol + 1) {
		eol = memchr(at, '\n', (size_t)(end - at));
		if (eol == NULL)
			break;
		(void)snprintf(last, sizeof last, "%zu open", g->n);
		if (eol + 1 == end && (size_t)(eol - at) == strlen(last) &&
		    memcmp(at, last, strlen(last)) == 0)
			return 0;
		if (!take_line(g, at, (size_t)(eol - at)))
			break;
	}
	return mf_error_set(e, MF_EDAMAGED, "the list of gates is damaged after %zu of them", g->n);
}
