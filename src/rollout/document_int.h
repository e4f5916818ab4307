/* Inside the reading of documents. */
#ifndef MF_ROLLOUT_DOCUMENT_INT_H
#define MF_ROLLOUT_DOCUMENT_INT_H

#include <yaml.h>

#include "src/rollout/document.h"

#define MF_DOCUMENT_ANCHORS_MAX 1000u /* of one document */
#define MF_DOCUMENT_MERGE_KEYS_MAX ((size_t)1000)

struct mf_document_anchor {
	const char *name;
	const struct mf_node *node; /* NULL: not yet complete */
};

/* The reading of a stream. Items of lists and maps that are not complete lie on one stack. */
struct mf_document_reading {
	yaml_parser_t parser;
	const char *file;
	struct mf_region *r;
	struct mf_error *e;
	size_t n_nodes;
	bool not_yaml; /* libyaml refused it */
	struct mf_document_anchor anchors[MF_DOCUMENT_ANCHORS_MAX];
	size_t n_anchors;
	struct mf_node **stack;
	size_t n_stack, stack_capacity;
};

/* *e becomes "FILE:LINE: ..."; -1. */
int mf_document_refuse(struct mf_document_reading *g, size_t line, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
int mf_document_push(struct mf_document_reading *g, struct mf_node *node);
/* Copy the items from `from` on off the stack. NULL: MF_ENOMEM. */
struct mf_node **mf_document_pop(struct mf_document_reading *g, size_t from);

/* The scalar of an event, counted, its anchor kept. */
struct mf_node *mf_document_scalar(struct mf_document_reading *g, const yaml_event_t *event);
/* The text that a scalar is as a key; NULL: refused. */
const char *mf_document_key(struct mf_document_reading *g, const struct mf_node *node);
/* A node of a kind, counted against the bound. */
struct mf_node *mf_document_node(
    struct mf_document_reading *g, enum mf_node_kind kind, size_t line);

/* Remember a name; *which is its place, for when the node is complete. */
int mf_document_anchor(
    struct mf_document_reading *g, const yaml_char_t *name, size_t line, size_t *which);
/* A copy of what the name stands for. depth: how deep it will lie. */
struct mf_node *mf_document_alias(
    struct mf_document_reading *g, const yaml_event_t *event, unsigned depth);

/* << of the map whose own items lie on the stack from `from` on: check the value (a map, or a list
 * of maps) when it is met, add its items when all own ones are known. */
int mf_document_check_merge(
    struct mf_document_reading *g, const struct mf_node *value, size_t from);
int mf_document_merge(struct mf_document_reading *g, const struct mf_node *value, size_t from);

#endif
