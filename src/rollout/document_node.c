/* Single nodes of a YAML document: scalars, keys, aliases, merges. */
#include "src/rollout/document_int.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "src/rollout/node_int.h"
#include "src/rollout/scalar.h"

#define TAG "tag:yaml.org,2002:"
#define KEY_NUMBER_MAX 9007199254740992.0 /* 2^53: up to here doubles count all integers */

struct mf_node *
mf_document_node(struct mf_document_reading *g, enum mf_node_kind kind, size_t line)
{
	struct mf_node *node;

	if (g->n_nodes >= MF_DOCUMENT_NODES_MAX) {
		mf_document_refuse(g, line, "more than %zu values", MF_DOCUMENT_NODES_MAX);
		return NULL;
	}
	g->n_nodes++;
	node = mf_region_alloc(g->r, sizeof *node, g->e);
	if (node != NULL) {
		node->kind = kind;
		node->line = (unsigned)line;
	}
	return node;
}

/* May a scalar with this tag be what it was resolved to? Not one of the core's tags: no. */
static bool
tag_allows(const char *tag, const struct mf_scalar *is)
{
	if (strcmp(tag, TAG "null") == 0)
		return is->kind == MF_NODE_NULL;
	if (strcmp(tag, TAG "bool") == 0)
		return is->kind == MF_NODE_BOOL;
	if (strcmp(tag, TAG "int") == 0)
		return is->kind == MF_NODE_NUMBER && is->is_integer;
	if (strcmp(tag, TAG "float") == 0)
		return is->kind == MF_NODE_NUMBER;
	return false;
}

static int
resolve(struct mf_document_reading *g, const yaml_event_t *event, struct mf_scalar *is)
{
	const char *text = (const char *)event->data.scalar.value;
	const char *tag = (const char *)event->data.scalar.tag;
	size_t line = event->start_mark.line + 1;

	*is = (struct mf_scalar){.kind = MF_NODE_STRING};
	if (memchr(text, '\0', event->data.scalar.length) != NULL)
		return mf_document_refuse(g, line, "a text holds a NUL");
	if (tag != NULL && strcmp(tag, "!") == 0)
		tag = NULL; /* "as it looks", even in quotes */
	else if (tag == NULL ? !event->data.scalar.plain_implicit : strcmp(tag, TAG "str") == 0)
		return 0;
	*is = mf_scalar_of(text);
	if (tag != NULL && !tag_allows(tag, is))
		return mf_document_refuse(g, line, "%.60s cannot be read as %.60s", text, tag);
	if (is->not_finite)
		return mf_document_refuse(g, line, "%.60s is no number that JSON has", text);
	return 0;
}

struct mf_node *
mf_document_scalar(struct mf_document_reading *g, const yaml_event_t *event)
{
	size_t line = event->start_mark.line + 1, which, n = event->data.scalar.length;
	struct mf_scalar is;
	struct mf_node *node;
	char *copy;

	if (resolve(g, event, &is) != 0)
		return NULL;
	node = mf_document_node(g, is.kind, line);
	copy = node != NULL ? mf_region_alloc(g->r, n + 1, g->e) : NULL;
	if (copy == NULL)
		return NULL;
	memcpy(copy, event->data.scalar.value, n);
	node->text = copy;
	node->truth = is.truth;
	node->number = is.number;
	if (event->data.scalar.anchor != NULL) {
		if (mf_document_anchor(g, event->data.scalar.anchor, line, &which) != 0)
			return NULL;
		g->anchors[which].node = node;
	}
	return node;
}

const char *
mf_document_key(struct mf_document_reading *g, const struct mf_node *node)
{
	char text[MF_NODE_NUMBER_BYTES];

	switch (node->kind) {
	case MF_NODE_STRING: return node->text;
	case MF_NODE_BOOL: return node->truth ? "true" : "false";
	case MF_NODE_NUMBER:
		if (node->number == floor(node->number) && fabs(node->number) <= KEY_NUMBER_MAX)
			return mf_region_strdup(
			    g->r, mf_node_number_text(node->number, text), g->e);
		break;
	default: break;
	}
	mf_document_refuse(
	    g, node->line, "%.60s is no key", node->text[0] != '\0' ? node->text : "nothing");
	mf_error_hint(g->e, "put it in quotes");
	return NULL;
}

int
mf_document_anchor(
    struct mf_document_reading *g, const yaml_char_t *name, size_t line, size_t *which)
{
	const char *copy;

	if (g->n_anchors == MF_DOCUMENT_ANCHORS_MAX)
		return mf_document_refuse(
		    g, line, "more than %u anchors in a document", MF_DOCUMENT_ANCHORS_MAX);
	copy = mf_region_strdup(g->r, (const char *)name, g->e);
	if (copy == NULL)
		return -1;
	*which = g->n_anchors++;
	g->anchors[*which] = (struct mf_document_anchor){.name = copy};
	return 0;
}

/* NOLINTBEGIN(misc-no-recursion): MF_NODE_DEPTH_MAX ends it */
/* A node has one parent, so that what an alias names is copied. */
static struct mf_node *
copy_of(struct mf_document_reading *g, const struct mf_node *node, size_t line, unsigned depth)
{
	struct mf_node *copy, **items, *item;
	const struct mf_node *again;
	bool collection = node->kind == MF_NODE_LIST || node->kind == MF_NODE_MAP;
	size_t i;

	if (depth + collection > MF_NODE_DEPTH_MAX) {
		mf_document_refuse(g, line, "nested deeper than %u", MF_NODE_DEPTH_MAX);
		return NULL;
	}
	if ((copy = mf_document_node(g, node->kind, line)) == NULL)
		return NULL;
	*copy = *node;
	copy->parent = NULL;
	if (!collection)
		return copy;
	items = mf_region_alloc(g->r, node->n_items * sizeof(struct mf_node *), g->e);
	if (items == NULL)
		return NULL;
	for (i = 0; i < node->n_items; i++) {
		if ((item = copy_of(g, node->items[i], line, depth + 1)) == NULL)
			return NULL;
		item->parent = copy;
		items[i] = item;
	}
	copy->items = items;
	if (node->kind == MF_NODE_MAP &&
	    mf_node_fill_map(copy, items, node->n_items, &again, g->r, g->e) != 0)
		return NULL;
	return copy;
}
/* NOLINTEND(misc-no-recursion) */

struct mf_node *
mf_document_alias(struct mf_document_reading *g, const yaml_event_t *event, unsigned depth)
{
	const char *name = (const char *)event->data.alias.anchor;
	size_t i, line = event->start_mark.line + 1;
	struct mf_node *copy;

	for (i = g->n_anchors; i-- > 0;) {
		if (strcmp(g->anchors[i].name, name) != 0)
			continue;
		if (g->anchors[i].node == NULL)
			break;
		copy = copy_of(g, g->anchors[i].node, line, depth);
		if (copy != NULL)
			copy->key = NULL;
		return copy;
	}
	if (i != SIZE_MAX)
		mf_document_refuse(g, line, "anchor %s contains itself", name);
	else
		mf_document_refuse(g, line, "no anchor %s before this line", name);
	return NULL;
}

/* Own keys that stand before << and are in the merged map, too: YAML says that the own one wins,
 * Kubernetes' reader lets the merged one win. */
static int
check_one(struct mf_document_reading *g, const struct mf_node *value, const struct mf_node *map,
    size_t from)
{
	size_t i;

	if (map->kind != MF_NODE_MAP)
		return mf_document_refuse(g, value->line,
		    "<< takes a map or a list of maps, not a %s", mf_node_kind_name(map->kind));
	if (map->n_items > MF_DOCUMENT_MERGE_KEYS_MAX)
		return mf_document_refuse(g, value->line, "<< of a map with more than %zu keys",
		    MF_DOCUMENT_MERGE_KEYS_MAX);
	for (i = from; i < g->n_stack; i++) {
		if (mf_node_get(map, g->stack[i]->key) == NULL)
			continue;
		mf_document_refuse(
		    g, value->line, "<< behind key %s, which both have", g->stack[i]->key);
		return mf_error_hint(g->e, "move << to the front of its map");
	}
	return 0;
}

int
mf_document_check_merge(struct mf_document_reading *g, const struct mf_node *value, size_t from)
{
	size_t i;

	if (value->kind != MF_NODE_LIST)
		return check_one(g, value, value, from);
	for (i = 0; i < value->n_items; i++)
		if (check_one(g, value, value->items[i], from) != 0)
			return -1;
	return 0;
}

static int
merge_one(struct mf_document_reading *g, const struct mf_node *map, size_t from)
{
	size_t i, k, n = g->n_stack;

	if (n - from > MF_DOCUMENT_MERGE_KEYS_MAX)
		return mf_document_refuse(g, map->line, "<< into a map with more than %zu keys",
		    MF_DOCUMENT_MERGE_KEYS_MAX);
	for (i = 0; i < map->n_items; i++) {
		for (k = from; k < n; k++)
			if (strcmp(g->stack[k]->key, map->items[i]->key) == 0)
				break;
		if (k == n && mf_document_push(g, map->items[i]) != 0)
			return -1;
	}
	return 0;
}

int
mf_document_merge(struct mf_document_reading *g, const struct mf_node *value, size_t from)
{
	size_t i;

	if (value->kind == MF_NODE_MAP)
		return merge_one(g, value, from);
	for (i = 0; i < value->n_items; i++)
		if (merge_one(g, value->items[i], from) != 0)
			return -1;
	return 0;
}
