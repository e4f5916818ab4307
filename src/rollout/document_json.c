/* Strict JSON, by jansson. */
#include "src/rollout/document_int.h"

#include <jansson.h>
#include <string.h>

struct json_reading {
	const char *what;
	struct mf_region *r;
	struct mf_error *e;
};

/* jansson would build all of it before anybody could count: count first. The number of values is
 * at most that of commas and opened brackets, and one. */
static int
check_size(const char *what, const char *text, size_t n, struct mf_error *e)
{
	size_t i, values = 1, depth = 0;
	bool quoted = false;

	for (i = 0; i < n; i++) {
		if (quoted) {
			if (text[i] == '\\')
				i++;
			else if (text[i] == '"')
				quoted = false;
			continue;
		}
		switch (text[i]) {
		case '"': quoted = true; break;
		case '[':
		case '{':
			values++;
			if (++depth > MF_NODE_DEPTH_MAX)
				return mf_error_set(e, MF_EUSAGE, "%s is nested deeper than %u",
				    what, MF_NODE_DEPTH_MAX);
			break;
		case ']':
		case '}': depth -= depth > 0; break;
		case ',': values++; break;
		default: break;
		}
	}
	if (values <= MF_DOCUMENT_NODES_MAX)
		return 0;
	return mf_error_set(
	    e, MF_EUSAGE, "%s has more than %zu values", what, MF_DOCUMENT_NODES_MAX);
}

static struct mf_node *of_json(struct json_reading *g, const json_t *value);

/* NOLINTBEGIN(misc-no-recursion): MF_NODE_DEPTH_MAX ends it */
static struct mf_node *
of_array(struct json_reading *g, const json_t *value)
{
	size_t i, n = json_array_size(value);
	struct mf_node **items = mf_region_alloc(g->r, n * sizeof *items, g->e);

	if (items == NULL)
		return NULL;
	for (i = 0; i < n; i++)
		if ((items[i] = of_json(g, json_array_get(value, i))) == NULL)
			return NULL;
	return mf_node_list(g->r, items, n, g->e);
}

static struct mf_node *
of_object(struct json_reading *g, const json_t *value)
{
	json_t *object = json_incref((json_t *)(uintptr_t)value); /* iterators want it so */
	size_t i = 0, n = json_object_size(value);
	struct mf_node **items = mf_region_alloc(g->r, n * sizeof *items, g->e);
	const char **keys = mf_region_alloc(g->r, n * sizeof *keys, g->e), *key;
	json_t *item;

	json_object_foreach(object, key, item)
	{
		if (items == NULL || keys == NULL)
			break;
		keys[i] = mf_region_strdup(g->r, key, g->e);
		items[i] = of_json(g, item);
		if (keys[i] == NULL || items[i] == NULL)
			break;
		i++;
	}
	json_decref(object);
	return i == n && items != NULL && keys != NULL ? mf_node_map(g->r, keys, items, n, g->e)
						       : NULL;
}

static struct mf_node *
of_scalar(struct json_reading *g, const json_t *value)
{
	char text[MF_NODE_NUMBER_BYTES];
	struct mf_node *node;

	switch (json_typeof(value)) {
	case JSON_TRUE:
	case JSON_FALSE:
		node = mf_node_bool(g->r, json_is_true(value), g->e);
		if (node != NULL)
			node->text = json_is_true(value) ? "true" : "false";
		return node;
	case JSON_INTEGER:
	case JSON_REAL:
		node = mf_node_number(g->r, json_number_value(value), g->e);
		if (node != NULL && (node->text = mf_region_strdup(g->r,
					 mf_node_number_text(node->number, text), g->e)) == NULL)
			return NULL;
		return node;
	default:
		node = mf_node_null(g->r, g->e);
		if (node != NULL)
			node->text = "null";
		return node;
	}
}

static struct mf_node *
of_json(struct json_reading *g, const json_t *value)
{
	if (json_is_array(value))
		return of_array(g, value);
	if (json_is_object(value))
		return of_object(g, value);
	if (json_is_string(value))
		return mf_node_string(
		    g->r, json_string_value(value), json_string_length(value), g->e);
	return of_scalar(g, value);
}
/* NOLINTEND(misc-no-recursion) */

struct mf_node *
mf_document_json(
    const char *what, const void *bytes, size_t n, struct mf_region *r, struct mf_error *e)
{
	struct json_reading g = {.what = what, .r = r, .e = e};
	struct mf_node *node;
	json_error_t why;
	json_t *value;

	if (n > MF_DOCUMENT_BYTES_MAX) {
		mf_error_set(
		    e, MF_EUSAGE, "%s is larger than %zu MiB", what, MF_DOCUMENT_BYTES_MAX >> 20);
		return NULL;
	}
	if (n == 0)
		bytes = "";
	if (check_size(what, bytes, n, e) != 0)
		return NULL;
	value = json_loadb(
	    bytes, n, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL, &why);
	if (value == NULL) {
		if (json_error_code(&why) == json_error_out_of_memory)
			mf_error_nomem(e, what);
		else
			mf_error_set(e, MF_EUSAGE, "%s is no JSON: %s (line %d)", what, why.text,
			    why.line > 0 ? why.line : 1);
		return NULL;
	}
	node = of_json(&g, value);
	json_decref(value);
	return node;
}
