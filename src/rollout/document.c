/* A YAML stream, by libyaml's events. */
#include "src/rollout/document_int.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/rollout/node_int.h"

#define TAG "tag:yaml.org,2002:"

int
mf_document_refuse(struct mf_document_reading *g, size_t line, const char *fmt, ...)
{
	char text[MF_ERROR_MESSAGE_BYTES];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	return mf_error_set(g->e, MF_EUSAGE, "%.200s:%zu: %s", g->file, line, text);
}

int
mf_document_push(struct mf_document_reading *g, struct mf_node *node)
{
	size_t capacity = g->stack_capacity > 0 ? 2 * g->stack_capacity : 256;
	struct mf_node **stack = g->stack;

	if (g->n_stack == g->stack_capacity) {
		stack = realloc(g->stack, capacity * sizeof(struct mf_node *));
		if (stack == NULL)
			return mf_error_nomem(g->e, g->file);
		g->stack = stack;
		g->stack_capacity = capacity;
	}
	stack[g->n_stack++] = node;
	return 0;
}

struct mf_node **
mf_document_pop(struct mf_document_reading *g, size_t from)
{
	size_t n = g->n_stack - from;
	struct mf_node **items = mf_region_alloc(g->r, n * sizeof *items, g->e);

	if (items != NULL && n > 0)
		memcpy(items, g->stack + from, n * sizeof *items);
	g->n_stack = from;
	return items;
}

/* The line of a byte that libyaml's reader, which counts no lines, stumbled over. */
static size_t
line_of_offset(const yaml_parser_t *parser)
{
	const unsigned char *start = parser->input.string.start;
	size_t n = (size_t)(parser->input.string.end - start), i, line = 1;

	for (i = 0; i < parser->problem_offset && i < n; i++)
		line += start[i] == '\n';
	return line;
}

static int
next_event(struct mf_document_reading *g, yaml_event_t *event)
{
	const yaml_parser_t *parser = &g->parser;
	const char *problem;

	if (yaml_parser_parse(&g->parser, event))
		return 0;
	if (parser->error == YAML_MEMORY_ERROR)
		return mf_error_nomem(g->e, g->file);
	g->not_yaml = true;
	problem = parser->problem != NULL ? parser->problem : "no YAML";
	if (parser->error == YAML_READER_ERROR)
		return mf_document_refuse(g, line_of_offset(parser), "%s", problem);
	if (parser->context != NULL)
		return mf_document_refuse(g, parser->problem_mark.line + 1,
		    "%s (%s from line %zu on)", problem, parser->context,
		    parser->context_mark.line + 1);
	return mf_document_refuse(g, parser->problem_mark.line + 1, "%s", problem);
}

static struct mf_node *read_node(
    struct mf_document_reading *g, const yaml_event_t *event, unsigned depth);

/* NOLINTBEGIN(misc-no-recursion): MF_NODE_DEPTH_MAX ends it */
/* The next node. 0: here it is; 1: the event `end` came instead; -1. */
static int
next_node(
    struct mf_document_reading *g, yaml_event_type_t end, unsigned depth, struct mf_node **node)
{
	yaml_event_t event;
	int rc = 1;

	if (next_event(g, &event) != 0)
		return -1;
	if (event.type != end) {
		*node = read_node(g, &event, depth);
		rc = *node != NULL ? 0 : -1;
	}
	yaml_event_delete(&event);
	return rc;
}

static int
read_list(struct mf_document_reading *g, struct mf_node *list, unsigned depth)
{
	size_t from = g->n_stack, i;
	struct mf_node *item, **items;
	int rc;

	while ((rc = next_node(g, YAML_SEQUENCE_END_EVENT, depth + 1, &item)) == 0)
		if (mf_document_push(g, item) != 0)
			return -1;
	if (rc < 0)
		return -1;
	list->n_items = g->n_stack - from;
	if ((items = mf_document_pop(g, from)) == NULL)
		return -1;
	for (i = 0; i < list->n_items; i++) {
		items[i]->parent = list;
		items[i]->index = i;
	}
	list->items = items;
	return 0;
}

/* The key of the next item. 0: *key and *line, or NULL for <<; 1: the map ends; -1. */
static int
next_key(struct mf_document_reading *g, const char **key, unsigned *line)
{
	struct mf_node *node = NULL;
	yaml_event_t event;
	int rc = 0;

	if (next_event(g, &event) != 0)
		return -1;
	*key = NULL;
	*line = (unsigned)event.start_mark.line + 1;
	if (event.type == YAML_MAPPING_END_EVENT) {
		rc = 1;
	} else if (event.type != YAML_SCALAR_EVENT) {
		rc = mf_document_refuse(g, *line, "a key that is no plain text");
	} else if (strcmp((const char *)event.data.scalar.value, "<<") != 0 ||
		   !event.data.scalar.plain_implicit) {
		node = mf_document_scalar(g, &event);
		*key = node != NULL ? mf_document_key(g, node) : NULL;
		rc = *key != NULL ? 0 : -1;
	}
	yaml_event_delete(&event);
	return rc;
}

/* The items of a map, onto the stack. */
static int
read_items(struct mf_document_reading *g, size_t from, unsigned depth)
{
	struct mf_node *value, *merged = NULL;
	const char *key;
	unsigned line;
	int rc;

	while ((rc = next_key(g, &key, &line)) == 0) {
		/* (no event ends a map here: it is a key's value that comes) */
		if (next_node(g, YAML_NO_EVENT, depth + 1, &value) != 0)
			return -1;
		value->line = line;
		value->key = key;
		if (key != NULL) {
			if (mf_document_push(g, value) != 0)
				return -1;
			continue;
		}
		if (merged != NULL)
			return mf_document_refuse(g, line, "key << a second time");
		merged = value;
		if (mf_document_check_merge(g, merged, from) != 0)
			return -1;
	}
	if (rc > 0 && merged != NULL)
		return mf_document_merge(g, merged, from);
	return rc > 0 ? 0 : -1;
}

static int
read_map(struct mf_document_reading *g, struct mf_node *map, unsigned depth)
{
	size_t from = g->n_stack, n;
	const struct mf_node *again;
	struct mf_node **items;

	if (read_items(g, from, depth) != 0)
		return -1;
	n = g->n_stack - from;
	if ((items = mf_document_pop(g, from)) == NULL)
		return -1;
	if (mf_node_fill_map(map, items, n, &again, g->r, g->e) == 0)
		return 0;
	if (again == NULL)
		return -1;
	return mf_document_refuse(g, again->line, "key %s a second time", again->key);
}

static struct mf_node *
read_collection(struct mf_document_reading *g, const yaml_event_t *event, unsigned depth)
{
	bool map = event->type == YAML_MAPPING_START_EVENT;
	const yaml_char_t *tag =
	    map ? event->data.mapping_start.tag : event->data.sequence_start.tag;
	const yaml_char_t *anchor =
	    map ? event->data.mapping_start.anchor : event->data.sequence_start.anchor;
	size_t line = event->start_mark.line + 1, which = 0;
	struct mf_node *node;

	if (tag != NULL && strcmp((const char *)tag, map ? TAG "map" : TAG "seq") != 0) {
		mf_document_refuse(g, line, "tag %.60s", (const char *)tag);
		return NULL;
	}
	if (anchor != NULL && mf_document_anchor(g, anchor, line, &which) != 0)
		return NULL;
	node = mf_document_node(g, map ? MF_NODE_MAP : MF_NODE_LIST, line);
	if (node == NULL || (map ? read_map(g, node, depth) : read_list(g, node, depth)) != 0)
		return NULL;
	if (anchor != NULL)
		g->anchors[which].node = node;
	return node;
}

static struct mf_node *
read_node(struct mf_document_reading *g, const yaml_event_t *event, unsigned depth)
{
	bool collection =
	    event->type == YAML_SEQUENCE_START_EVENT || event->type == YAML_MAPPING_START_EVENT;
	size_t line = event->start_mark.line + 1;

	if (depth + collection > MF_NODE_DEPTH_MAX) {
		mf_document_refuse(g, line, "nested deeper than %u", MF_NODE_DEPTH_MAX);
		return NULL;
	}
	switch (event->type) {
	case YAML_ALIAS_EVENT: return mf_document_alias(g, event, depth);
	case YAML_SCALAR_EVENT: return mf_document_scalar(g, event);
	case YAML_SEQUENCE_START_EVENT:
	case YAML_MAPPING_START_EVENT: return read_collection(g, event, depth);
	default: break;
	}
	mf_document_refuse(g, line, "no YAML");
	return NULL;
}
/* NOLINTEND(misc-no-recursion) */

/* The root that begins here; empty ones are left out. */
static int
read_document(struct mf_document_reading *g, struct mf_documents *out, size_t line)
{
	struct mf_node *root = NULL, *rest;

	g->n_anchors = 0;
	if (next_node(g, YAML_DOCUMENT_END_EVENT, 0, &root) < 0 ||
	    (root != NULL && next_node(g, YAML_DOCUMENT_END_EVENT, 0, &rest) < 0))
		return -1;
	if (root == NULL || root->kind == MF_NODE_NULL)
		return 0;
	if (out->n == MF_DOCUMENTS_MAX)
		return mf_document_refuse(g, line, "more than %u documents", MF_DOCUMENTS_MAX);
	out->roots[out->n++] = root;
	return 0;
}

static int
read_stream(struct mf_document_reading *g, struct mf_documents *out)
{
	yaml_event_type_t type;
	yaml_event_t event;
	size_t line;
	int rc = 0;

	while (rc == 0) {
		if (next_event(g, &event) != 0)
			return -1;
		type = event.type;
		line = event.start_mark.line + 1;
		yaml_event_delete(&event);
		if (type == YAML_STREAM_END_EVENT || type == YAML_NO_EVENT)
			return 0;
		if (type == YAML_DOCUMENT_START_EVENT)
			rc = read_document(g, out, line);
	}
	return -1;
}

static int
read_yaml(struct mf_document_reading *g, struct mf_documents *out, const void *bytes, size_t n)
{
	int rc;

	if (!yaml_parser_initialize(&g->parser))
		return mf_error_nomem(g->e, g->file);
	yaml_parser_set_input_string(&g->parser, bytes, n);
	rc = read_stream(g, out);
	yaml_parser_delete(&g->parser);
	free(g->stack);
	return rc;
}

/* Good JSON that libyaml does not take; then *e is empty again. */
static int
read_as_json(struct mf_document_reading *g, struct mf_documents *out, const char *text, size_t n)
{
	struct mf_node *root;
	struct mf_error e = {0};
	size_t i;

	for (i = 0; i < n && strchr(" \t\r\n", text[i]) != NULL && text[i] != '\0'; i++)
		;
	if (i == n || (text[i] != '{' && text[i] != '['))
		return -1;
	if ((root = mf_document_json(g->file, text, n, g->r, &e)) == NULL)
		return -1;
	out->n = 0;
	out->roots[out->n++] = root;
	if (g->e != NULL)
		mf_error_clear(g->e);
	return 0;
}

int
mf_documents_read(struct mf_documents *out, const char *file, const void *bytes, size_t n,
    struct mf_region *r, struct mf_error *e)
{
	struct mf_document_reading *g;
	int rc;

	*out = (struct mf_documents){.file = mf_region_strdup(r, file, e)};
	out->roots = mf_region_alloc(r, MF_DOCUMENTS_MAX * sizeof *out->roots, e);
	if (out->file == NULL || out->roots == NULL)
		return -1;
	if (n > MF_DOCUMENT_BYTES_MAX)
		return mf_error_set(
		    e, MF_EUSAGE, "%s is larger than %zu MiB", file, MF_DOCUMENT_BYTES_MAX >> 20);
	if ((g = calloc(1, sizeof *g)) == NULL)
		return mf_error_nomem(e, file);
	g->file = out->file;
	g->r = r;
	g->e = e;
	if (n == 0)
		bytes = "";
	rc = read_yaml(g, out, bytes, n);
	if (rc != 0 && g->not_yaml)
		rc = read_as_json(g, out, bytes, n);
	free(g);
	return rc;
}
