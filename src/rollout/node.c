#include "src/rollout/node_int.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/text.h"

#define SORTED_FROM 9u /* keys; fewer are looked at one by one */

static struct mf_node *
make(struct mf_region *r, enum mf_node_kind kind, struct mf_error *e)
{
	struct mf_node *node = mf_region_alloc(r, sizeof *node, e);

	if (node != NULL)
		node->kind = kind;
	return node;
}

struct mf_node *
mf_node_null(struct mf_region *r, struct mf_error *e)
{
	return make(r, MF_NODE_NULL, e);
}

struct mf_node *
mf_node_bool(struct mf_region *r, bool truth, struct mf_error *e)
{
	struct mf_node *node = make(r, MF_NODE_BOOL, e);

	if (node != NULL)
		node->truth = truth;
	return node;
}

struct mf_node *
mf_node_number(struct mf_region *r, double number, struct mf_error *e)
{
	struct mf_node *node = make(r, MF_NODE_NUMBER, e);

	if (node != NULL)
		node->number = number;
	return node;
}

struct mf_node *
mf_node_string(struct mf_region *r, const char *text, size_t bytes, struct mf_error *e)
{
	struct mf_node *node;
	char *copy;

	if (bytes > 0 && memchr(text, '\0', bytes) != NULL) {
		mf_error_set(e, MF_EUSAGE, "a text holds a NUL");
		return NULL;
	}
	node = make(r, MF_NODE_STRING, e);
	copy = node != NULL ? mf_region_alloc(r, bytes + 1, e) : NULL;
	if (copy == NULL)
		return NULL;
	if (bytes > 0)
		memcpy(copy, text, bytes);
	node->text = copy;
	return node;
}

static void
adopt(struct mf_node *parent, struct mf_node **items, size_t n)
{
	size_t i;

	parent->items = items;
	parent->n_items = n;
	for (i = 0; i < n; i++) {
		items[i]->parent = parent;
		items[i]->index = i;
	}
}

struct mf_node *
mf_node_list(struct mf_region *r, struct mf_node **items, size_t n, struct mf_error *e)
{
	struct mf_node *node = make(r, MF_NODE_LIST, e);
	size_t i;

	if (node == NULL)
		return NULL;
	adopt(node, items, n);
	for (i = 0; i < n; i++)
		items[i]->key = NULL;
	return node;
}

static int
by_key(const void *a, const void *b)
{
	const struct mf_node *const *x = a, *const *y = b;
	int order = strcmp((*x)->key, (*y)->key);

	if (order != 0)
		return order;
	return (*x)->index < (*y)->index ? -1 : (*x)->index > (*y)->index;
}

/* Few keys: compare each with each. */
static const struct mf_node *
twice_in_few(struct mf_node *const *items, size_t n)
{
	size_t i, k;

	for (i = 1; i < n; i++)
		for (k = 0; k < i; k++)
			if (strcmp(items[i]->key, items[k]->key) == 0)
				return items[i];
	return NULL;
}

static const struct mf_node *
twice_in_sorted(struct mf_node *const *sorted, size_t n)
{
	size_t i;

	for (i = 1; i < n; i++)
		if (strcmp(sorted[i]->key, sorted[i - 1]->key) == 0)
			return sorted[i];
	return NULL;
}

int
mf_node_fill_map(struct mf_node *map, struct mf_node **items, size_t n,
    const struct mf_node **again, struct mf_region *r, struct mf_error *e)
{
	struct mf_node **sorted;

	*again = NULL;
	adopt(map, items, n);
	if (n < SORTED_FROM) {
		*again = twice_in_few(items, n);
	} else {
		if ((sorted = mf_region_alloc(r, n * sizeof *sorted, e)) == NULL)
			return -1;
		memcpy(sorted, items, n * sizeof *sorted);
		qsort(sorted, n, sizeof *sorted, by_key);
		*again = twice_in_sorted(sorted, n);
		map->by_key = sorted;
	}
	if (*again == NULL)
		return 0;
	return mf_error_set(e, MF_EUSAGE, "key %s a second time", (*again)->key);
}

struct mf_node *
mf_node_map(
    struct mf_region *r, const char **keys, struct mf_node **items, size_t n, struct mf_error *e)
{
	struct mf_node *node = make(r, MF_NODE_MAP, e);
	const struct mf_node *again;
	size_t i;

	if (node == NULL)
		return NULL;
	for (i = 0; i < n; i++)
		items[i]->key = keys[i];
	return mf_node_fill_map(node, items, n, &again, r, e) == 0 ? node : NULL;
}

static const struct mf_node *
get_sorted(const struct mf_node *map, const char *key)
{
	size_t low = 0, high = map->n_items, middle;
	int order;

	while (low < high) {
		middle = low + (high - low) / 2;
		order = strcmp(key, map->by_key[middle]->key);
		if (order == 0)
			return map->by_key[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

const struct mf_node *
mf_node_get(const struct mf_node *node, const char *key)
{
	size_t i;

	if (node == NULL || node->kind != MF_NODE_MAP)
		return NULL;
	if (node->by_key != NULL)
		return get_sorted(node, key);
	for (i = 0; i < node->n_items; i++)
		if (strcmp(node->items[i]->key, key) == 0)
			return node->items[i];
	return NULL;
}

const struct mf_node *
mf_node_find(const struct mf_node *node, const char *path)
{
	char key[MF_NODE_PATH_BYTES];
	size_t n;

	while (node != NULL) {
		n = strcspn(path, ".");
		if (n >= sizeof key)
			return NULL;
		memcpy(key, path, n);
		key[n] = '\0';
		node = mf_node_get(node, key);
		if (path[n] == '\0')
			return node;
		path += n + 1;
	}
	return NULL;
}

/* NOLINTBEGIN(misc-no-recursion): no tree is deeper than MF_NODE_DEPTH_MAX */
bool
mf_node_equal(const struct mf_node *a, const struct mf_node *b)
{
	const struct mf_node *other;
	size_t i;

	if (a->kind != b->kind || a->n_items != b->n_items)
		return false;
	switch (a->kind) {
	case MF_NODE_NULL: return true;
	case MF_NODE_BOOL: return a->truth == b->truth;
	case MF_NODE_NUMBER: return a->number == b->number;
	case MF_NODE_STRING: return strcmp(a->text, b->text) == 0;
	case MF_NODE_LIST:
	case MF_NODE_MAP: break;
	}
	for (i = 0; i < a->n_items; i++) {
		other = a->kind == MF_NODE_LIST ? b->items[i] : mf_node_get(b, a->items[i]->key);
		if (other == NULL || !mf_node_equal(a->items[i], other))
			return false;
	}
	return true;
}

static bool
is_word(const char *key)
{
	const char *p;

	for (p = key; *p != '\0'; p++)
		if (!((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') ||
			(*p >= '0' && *p <= '9') || *p == '_' || *p == '-'))
			return false;
	return p > key;
}

static size_t
append(char *out, size_t at, size_t room, const char *before, const char *text, const char *after)
{
	int n = snprintf(out + at, room - at, "%s%s%s", before, text, after);

	if (n < 0)
		return at;
	return (size_t)n < room - at ? at + (size_t)n : room - 1;
}

const char *
mf_node_path(const struct mf_node *node, char out[MF_NODE_PATH_BYTES])
{
	const struct mf_node *up[MF_NODE_DEPTH_MAX];
	char text[MF_NODE_PATH_BYTES];
	size_t n = 0, at = 0;

	for (; node->parent != NULL && n < MF_NODE_DEPTH_MAX; node = node->parent)
		up[n++] = node;
	out[0] = '\0';
	while (n-- > 0) {
		if (up[n]->key == NULL) {
			(void)snprintf(text, sizeof text, "%zu", up[n]->index);
			at = append(out, at, MF_NODE_PATH_BYTES, "[", text, "]");
			continue;
		}
		mf_text_escape(text, sizeof text, up[n]->key);
		if (is_word(up[n]->key))
			at = append(out, at, MF_NODE_PATH_BYTES, at > 0 ? "." : "", text, "");
		else
			at = append(out, at, MF_NODE_PATH_BYTES, "[\"", text, "\"]");
	}
	return out;
}

const char *
mf_node_number_text(double number, char out[MF_NODE_NUMBER_BYTES])
{
	int digits;

	if (isnan(number) || isinf(number)) {
		(void)snprintf(out, MF_NODE_NUMBER_BYTES, "%s",
		    isnan(number) ? "NaN"
		    : number > 0  ? "+Inf"
				  : "-Inf");
		return out;
	}
	if (number == floor(number) && fabs(number) < 1e21) {
		(void)snprintf(out, MF_NODE_NUMBER_BYTES, "%.0f", number);
		return out;
	}
	for (digits = 1; digits <= 17; digits++) {
		(void)snprintf(out, MF_NODE_NUMBER_BYTES, "%.*g", digits, number);
		if (strtod(out, NULL) == number)
			break;
	}
	return out;
}

static void
put_number(struct mf_buf *b, double number)
{
	char text[MF_NODE_NUMBER_BYTES];

	mf_node_number_text(number, text);
	if (isnan(number) || isinf(number))
		mf_text_put_json(b, text);
	else
		mf_buf_put(b, text, strlen(text));
}

static void
put_items(struct mf_buf *b, const struct mf_node *node)
{
	bool map = node->kind == MF_NODE_MAP;
	size_t i;

	mf_buf_put_u8(b, map ? '{' : '[');
	for (i = 0; i < node->n_items; i++) {
		if (i > 0)
			mf_buf_put_u8(b, ',');
		if (map) {
			mf_text_put_json(b, node->items[i]->key);
			mf_buf_put_u8(b, ':');
		}
		mf_node_put_json(b, node->items[i]);
	}
	mf_buf_put_u8(b, map ? '}' : ']');
}

void
mf_node_put_json(struct mf_buf *b, const struct mf_node *node)
{
	switch (node->kind) {
	case MF_NODE_NULL: mf_buf_put(b, "null", 4); break;
	case MF_NODE_BOOL: mf_buf_printf(b, "%s", node->truth ? "true" : "false"); break;
	case MF_NODE_NUMBER: put_number(b, node->number); break;
	case MF_NODE_STRING: mf_text_put_json(b, node->text); break;
	case MF_NODE_LIST:
	case MF_NODE_MAP: put_items(b, node); break;
	}
}
/* NOLINTEND(misc-no-recursion) */

const char *
mf_node_kind_name(enum mf_node_kind kind)
{
	static const char *const names[] = {
	    [MF_NODE_NULL] = "null",
	    [MF_NODE_BOOL] = "boolean",
	    [MF_NODE_NUMBER] = "number",
	    [MF_NODE_STRING] = "string",
	    [MF_NODE_LIST] = "list",
	    [MF_NODE_MAP] = "map",
	};

	return (unsigned)kind <= MF_NODE_MAP ? names[kind] : "?";
}
