/*
 * A tree of values: a YAML or JSON document, the answer of a metric's provider, the result of an
 * expression. A node knows where it stood in its file, so that a refusal can name file, line and
 * field. Read-only once made; any thread may read it.
 *
 * Numbers are doubles, NaN and infinities among them: no JSON, but what Prometheus answers.
 */
#ifndef MF_ROLLOUT_NODE_H
#define MF_ROLLOUT_NODE_H

#include <stdbool.h>
#include <stddef.h>

#include "src/base/buf.h"
#include "src/base/error.h"
#include "src/base/region.h"

#define MF_NODE_DEPTH_MAX 64u
#define MF_NODE_PATH_BYTES 256u
#define MF_NODE_NUMBER_BYTES 32u

enum mf_node_kind {
	MF_NODE_NULL,
	MF_NODE_BOOL,
	MF_NODE_NUMBER,
	MF_NODE_STRING,
	MF_NODE_LIST,
	MF_NODE_MAP,
};

struct mf_node {
	enum mf_node_kind kind;
	unsigned line;                /* in its file, from 1: of its key, if any; 0: no file */
	const struct mf_node *parent; /* NULL: the root */
	const char *key;              /* within a map; NULL within a list */
	size_t index;                 /* within a list or a map */
	bool truth;                   /* MF_NODE_BOOL */
	double number;                /* MF_NODE_NUMBER */
	/* MF_NODE_STRING: its text. Bool, number, null of a file: as written ("0.10"), of JSON: as
	 * mf_node_number_text. NULL: list, map, and what was made of a value. */
	const char *text;
	struct mf_node *const *items; /* of a list, or the values of a map in its order */
	size_t n_items;
	/* The same, sorted by key, of a map with more than a few; NULL: look at all of them. */
	struct mf_node *const *by_key;
};

/* The value at key of a map; NULL: none, or not a map, or node is NULL. */
const struct mf_node *mf_node_get(const struct mf_node *node, const char *key);
/* A path of keys, "spec.analysis.interval"; NULL where it ends early. Keys with dots: use get. */
const struct mf_node *mf_node_find(const struct mf_node *node, const char *path);

/* New nodes in a region, which owns them and copies of all texts. NULL: *e says why (MF_ENOMEM,
 * and MF_EUSAGE for a string that holds a NUL). */
struct mf_node *mf_node_null(struct mf_region *r, struct mf_error *e);
struct mf_node *mf_node_bool(struct mf_region *r, bool truth, struct mf_error *e);
struct mf_node *mf_node_number(struct mf_region *r, double number, struct mf_error *e);
struct mf_node *mf_node_string(
    struct mf_region *r, const char *text, size_t bytes, struct mf_error *e);
/* items and their array stay the region's own; the parents and places of the items are set. */
struct mf_node *mf_node_list(
    struct mf_region *r, struct mf_node **items, size_t n, struct mf_error *e);
/* The same with n keys, which are not copied. MF_EUSAGE: a key twice. */
struct mf_node *mf_node_map(
    struct mf_region *r, const char **keys, struct mf_node **items, size_t n, struct mf_error *e);

/* The order of a map's keys does not matter; NaN equals nothing. */
bool mf_node_equal(const struct mf_node *a, const struct mf_node *b);
/* Where it stands in its document: "spec.analysis.metrics[1].interval", keys that are no plain
 * words as ["a.b/c"]; "" for the root. What does not fit is cut off at the end. Returns out. */
const char *mf_node_path(const struct mf_node *node, char out[MF_NODE_PATH_BYTES]);
/* The shortest decimal that reads back as the same double: "0.1", "1e+21", "NaN", "+Inf". */
const char *mf_node_number_text(double number, char out[MF_NODE_NUMBER_BYTES]);
/* Append it as JSON; NaN, +Inf and -Inf as strings. */
void mf_node_put_json(struct mf_buf *b, const struct mf_node *node);
const char *mf_node_kind_name(enum mf_node_kind kind); /* "list" */

#endif
