/* Where a JSON path leads: step by step, from a set of nodes to the next, in their order. */
#include <stdlib.h>
#include <string.h>

#include "src/rollout/jsonpath_int.h"

struct set {
	const struct mf_node **nodes;
	size_t n, capacity;
};

struct walk {
	size_t work;
	struct mf_error *e;
};

static int
too_much(struct walk *w)
{
	return mf_error_set(
	    w->e, MF_EUSAGE, "a JSON path looks at more than %zu values", MF_JSONPATH_WORK_MAX);
}

static int
add(struct walk *w, struct set *set, const struct mf_node *node)
{
	size_t capacity = set->capacity > 0 ? 2 * set->capacity : 16;
	const struct mf_node **nodes = set->nodes;

	if (++w->work > MF_JSONPATH_WORK_MAX)
		return too_much(w);
	if (set->n == set->capacity) {
		nodes = realloc(set->nodes, capacity * sizeof(*nodes));
		if (nodes == NULL)
			return mf_error_nomem(w->e, "a JSON path");
		set->nodes = nodes;
		set->capacity = capacity;
	}
	nodes[set->n++] = node;
	return 0;
}

static int
step_field(
    struct walk *w, const struct mf_jsonpath_step *step, const struct set *from, struct set *to)
{
	const struct mf_node *item;
	size_t i;

	for (i = 0; i < from->n; i++) {
		item = mf_node_get(from->nodes[i], step->name);
		if (item != NULL && add(w, to, item) != 0)
			return -1;
	}
	if (to->n == 0 && from->n > 0)
		return mf_error_set(w->e, MF_ENOTFOUND, "%.100s is not found", step->name);
	return 0;
}

static int
step_all(struct walk *w, const struct set *from, struct set *to)
{
	size_t i, k;

	for (i = 0; i < from->n; i++)
		for (k = 0; k < from->nodes[i]->n_items; k++)
			if (add(w, to, from->nodes[i]->items[k]) != 0)
				return -1;
	return 0;
}

/* NOLINTBEGIN(misc-no-recursion): no filter is in a filter, and no document is deeper than
 * MF_NODE_DEPTH_MAX */
/* The lists and maps of a tree that hold anything, each before what is in it. */
static int
add_below(struct walk *w, const struct mf_node *node, struct set *to)
{
	size_t i;

	if (++w->work > MF_JSONPATH_WORK_MAX)
		return too_much(w);
	if (node->n_items == 0)
		return 0;
	if (add(w, to, node) != 0)
		return -1;
	for (i = 0; i < node->n_items; i++)
		if (add_below(w, node->items[i], to) != 0)
			return -1;
	return 0;
}

static int
step_below(struct walk *w, const struct set *from, struct set *to)
{
	size_t i;

	for (i = 0; i < from->n; i++)
		if (add_below(w, from->nodes[i], to) != 0)
			return -1;
	return 0;
}

/* The part of a list; *first to *end. */
static int
bounds(struct walk *w, const struct mf_jsonpath_step *step, long n, long *first, long *end)
{
	*first = step->has_from ? step->from : 0;
	*end = step->has_to ? step->to : n;
	if (*first < 0)
		*first += n;
	if (step->index)
		*end = *first + 1;
	else if (*end < 0)
		*end += n;
	if (*first == *end)
		return 0;
	if (*first < 0 || *first >= n)
		return mf_error_set(w->e, MF_EUSAGE, "index %ld of a list of %ld",
		    step->has_from ? step->from : 0, n);
	if (*end < 0 || *end > n)
		return mf_error_set(w->e, MF_EUSAGE, "index %ld of a list of %ld", step->to, n);
	if (*first > *end)
		return mf_error_set(w->e, MF_EUSAGE, "a slice from %ld to %ld", *first, *end);
	return 0;
}

static int
step_slice(
    struct walk *w, const struct mf_jsonpath_step *step, const struct set *from, struct set *to)
{
	const struct mf_node *list;
	long first, end, k;
	size_t i;

	for (i = 0; i < from->n; i++) {
		list = from->nodes[i];
		if (list->kind == MF_NODE_NULL)
			continue;
		if (list->kind != MF_NODE_LIST)
			return mf_error_set(w->e, MF_EUSAGE, "an index of a %s, not of a list",
			    mf_node_kind_name(list->kind));
		if (bounds(w, step, (long)list->n_items, &first, &end) != 0)
			return -1;
		for (k = first; k < end; k += step->by)
			if (add(w, to, list->items[k]) != 0)
				return -1;
	}
	return 0;
}

static int follow(
    struct walk *w, const struct mf_jsonpath *path, const struct mf_node *root, struct set *out);

/* What a side of a comparison is for an element: NULL with 0 where there is nothing. */
static int
operand(struct walk *w, const struct mf_jsonpath *path, const struct mf_node *element,
    const struct mf_node **out)
{
	struct set set = {0};
	int rc = follow(w, path, element, &set);

	*out = set.n > 0 ? set.nodes[0] : NULL;
	if (rc == 0 && set.n > 1)
		rc = mf_error_set(w->e, MF_EUSAGE, "a filter compares several values at a time");
	free(set.nodes);
	return rc;
}

static int
compare(struct walk *w, enum mf_jsonpath_op op, const struct mf_node *a, const struct mf_node *b)
{
	double p = a->number, q = b->number;
	int order;

	if (a->kind != b->kind || (a->kind != MF_NODE_NUMBER && a->kind != MF_NODE_STRING &&
				      (a->kind != MF_NODE_BOOL || op > MF_JSONPATH_NE)))
		return mf_error_set(w->e, MF_EUSAGE, "a filter compares a %s with a %s",
		    mf_node_kind_name(a->kind), mf_node_kind_name(b->kind));
	if (a->kind == MF_NODE_STRING) {
		order = strcmp(a->text, b->text);
		p = order;
		q = 0;
	} else if (a->kind == MF_NODE_BOOL) {
		p = a->truth;
		q = b->truth;
	}
	switch (op) {
	case MF_JSONPATH_EQ: return p == q;
	case MF_JSONPATH_NE: return p != q;
	case MF_JSONPATH_LT: return p < q;
	case MF_JSONPATH_LE: return p <= q;
	case MF_JSONPATH_GT: return p > q;
	default: return p >= q;
	}
}

/* 1: the element stays. */
static int
passes(struct walk *w, const struct mf_jsonpath_step *step, const struct mf_node *element)
{
	const struct mf_node *left, *right = step->literal;
	struct mf_error none = {0}, *e = w->e;
	struct set set = {0};
	int rc;

	if (step->op == MF_JSONPATH_EXISTS) {
		w->e = &none; /* that there is no such field is an answer */
		rc = follow(w, step->left, element, &set);
		w->e = e;
		free(set.nodes);
		if (none.code == MF_ENOMEM || w->work > MF_JSONPATH_WORK_MAX)
			return none.code == MF_ENOMEM ? mf_error_nomem(e, "a JSON path")
						      : too_much(w);
		return rc == 0 && set.n > 0;
	}
	if (operand(w, step->left, element, &left) != 0)
		return -1;
	if (right == NULL && operand(w, step->right, element, &right) != 0)
		return -1;
	return left != NULL && right != NULL ? compare(w, step->op, left, right) : 0;
}

static int
step_filter(
    struct walk *w, const struct mf_jsonpath_step *step, const struct set *from, struct set *to)
{
	const struct mf_node *list;
	size_t i, k;
	int rc;

	for (i = 0; i < from->n; i++) {
		list = from->nodes[i];
		if (list->kind != MF_NODE_LIST)
			return mf_error_set(w->e, MF_EUSAGE, "a filter of a %s, not of a list",
			    mf_node_kind_name(list->kind));
		for (k = 0; k < list->n_items; k++) {
			if (++w->work > MF_JSONPATH_WORK_MAX)
				return too_much(w);
			rc = passes(w, step, list->items[k]);
			if (rc < 0 || (rc > 0 && add(w, to, list->items[k]) != 0))
				return -1;
		}
	}
	return 0;
}

static int
take_step(
    struct walk *w, const struct mf_jsonpath_step *step, const struct set *from, struct set *to)
{
	switch (step->kind) {
	case MF_JSONPATH_FIELD: return step_field(w, step, from, to);
	case MF_JSONPATH_ALL: return step_all(w, from, to);
	case MF_JSONPATH_BELOW: return step_below(w, from, to);
	case MF_JSONPATH_SLICE: return step_slice(w, step, from, to);
	case MF_JSONPATH_FILTER: return step_filter(w, step, from, to);
	}
	return -1;
}

/* out: the caller's to free, also after a failure. */
static int
follow(struct walk *w, const struct mf_jsonpath *path, const struct mf_node *root, struct set *out)
{
	struct set other = {0}, swap;
	size_t i;
	int rc = add(w, out, root);

	for (i = 0; rc == 0 && i < path->n_steps; i++) {
		other.n = 0;
		rc = take_step(w, &path->steps[i], out, &other);
		swap = *out;
		*out = other;
		other = swap;
	}
	free(other.nodes);
	return rc;
}
/* NOLINTEND(misc-no-recursion) */

const struct mf_node *
mf_jsonpath_first(const struct mf_jsonpath *path, const struct mf_node *root, struct mf_error *e)
{
	struct walk w = {.e = e};
	struct set set = {0};
	const struct mf_node *first = NULL;
	int rc = follow(&w, path, root, &set);

	if (rc == 0 && set.n > 0)
		first = set.nodes[0];
	else if (rc == 0)
		mf_error_set(e, MF_ENOTFOUND, "the JSON path leads to nothing");
	free(set.nodes);
	return first;
}
