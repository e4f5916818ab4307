/* Values of expressions. */
#include "src/rollout/expr_int.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int
mf_expr_fail(struct mf_expr_run *run, const struct mf_expr_node *at, const char *fmt, ...)
{
	char text[MF_ERROR_MESSAGE_BYTES];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	return mf_error_set(run->e, MF_EUSAGE, "column %u: %s", at->column, text);
}

int
mf_expr_step(struct mf_expr_run *run, const struct mf_expr_node *at, size_t n)
{
	if (n > MF_EXPR_STEPS_MAX - run->steps)
		return mf_expr_fail(run, at, "more than %zu steps", MF_EXPR_STEPS_MAX);
	run->steps += n;
	return 0;
}

struct mf_region *
mf_expr_region(struct mf_expr_run *run)
{
	static const struct mf_region_params params = {.plain_bytes = (size_t)256 << 20,
	    .what = "an expression",
	    .reserve_bytes = (size_t)1 << 30};

	if (run->r == NULL && mf_region_new(&params, &run->own, run->e) == 0)
		run->r = run->own;
	return run->r;
}

struct mf_expr_value
mf_expr_of_node(const struct mf_node *node)
{
	struct mf_expr_value v = {.kind = node->kind};

	switch (node->kind) {
	case MF_NODE_BOOL: v.truth = node->truth; break;
	case MF_NODE_NUMBER: v.number = node->number; break;
	case MF_NODE_STRING: v.text = node->text; break;
	case MF_NODE_LIST:
	case MF_NODE_MAP: v.node = node; break;
	case MF_NODE_NULL: break;
	}
	return v;
}

/* A node of its own, which may get another parent: lists and maps share their items. */
struct mf_node *
mf_expr_to_node(struct mf_expr_run *run, const struct mf_expr_value *v)
{
	struct mf_region *r = mf_expr_region(run);
	struct mf_node *node = r != NULL ? mf_region_alloc(r, sizeof *node, run->e) : NULL;

	if (node == NULL)
		return NULL;
	if (v->node != NULL) {
		*node = *v->node;
		node->parent = NULL;
		node->key = NULL;
		return node;
	}
	node->kind = v->kind;
	node->truth = v->truth;
	node->number = v->number;
	node->text = v->text;
	return node;
}

/* NOLINTBEGIN(misc-no-recursion): the parser bounds how deep the tree is */
/* Equal as expr-lang has it; of different kinds: not. */
static int
equal_nodes(struct mf_expr_run *run, const struct mf_expr_node *x, const struct mf_node *a,
    const struct mf_node *b)
{
	const struct mf_node *other;
	size_t i;
	int rc = 1;

	if (mf_expr_step(run, x, 1) != 0)
		return -1;
	if (a->kind != b->kind || a->n_items != b->n_items)
		return 0;
	if (a->kind == MF_NODE_STRING && mf_expr_step(run, x, strlen(a->text) / 64) != 0)
		return -1;
	if (a->kind != MF_NODE_LIST && a->kind != MF_NODE_MAP)
		return mf_node_equal(a, b);
	for (i = 0; rc == 1 && i < a->n_items; i++) {
		other = a->kind == MF_NODE_LIST ? b->items[i] : mf_node_get(b, a->items[i]->key);
		rc = other != NULL ? equal_nodes(run, x, a->items[i], other) : 0;
	}
	return rc;
}

/* What it costs to look at all of a text. */
static int
look_at(struct mf_expr_run *run, const struct mf_expr_node *x, const char *text)
{
	return mf_expr_step(run, x, strlen(text) / 64);
}

static int
equal(struct mf_expr_run *run, const struct mf_expr_node *x, const struct mf_expr_value *a,
    const struct mf_expr_value *b)
{
	if (a->kind != b->kind)
		return 0;
	switch (a->kind) {
	case MF_NODE_BOOL: return a->truth == b->truth;
	case MF_NODE_NUMBER: return a->number == b->number;
	case MF_NODE_STRING:
		return look_at(run, x, a->text) == 0 ? strcmp(a->text, b->text) == 0 : -1;
	case MF_NODE_LIST:
	case MF_NODE_MAP: return equal_nodes(run, x, a->node, b->node);
	case MF_NODE_NULL: break;
	}
	return 1;
}

static int
in(struct mf_expr_run *run, const struct mf_expr_node *x, const struct mf_expr_value *a,
    const struct mf_expr_value *b)
{
	struct mf_expr_value item;
	size_t i;
	int rc = 0;

	if (b->kind == MF_NODE_NULL)
		return 0;
	if (b->kind == MF_NODE_MAP) {
		if (a->kind != MF_NODE_STRING)
			return 0;
		return look_at(run, x, a->text) == 0 ? mf_node_get(b->node, a->text) != NULL : -1;
	}
	if (b->kind != MF_NODE_LIST)
		return mf_expr_fail(
		    run, x, "in asks for a list or a map, not a %s", mf_node_kind_name(b->kind));
	for (i = 0; rc == 0 && i < b->node->n_items; i++) {
		if (mf_expr_step(run, x, 1) != 0)
			return -1;
		item = mf_expr_of_node(b->node->items[i]);
		rc = equal(run, x, &item, a);
	}
	return rc;
}

static int
mismatch(struct mf_expr_run *run, const struct mf_expr_node *x, const struct mf_expr_value *a,
    const struct mf_expr_value *b)
{
	return mf_expr_fail(run, x, "%s does not go with a %s and a %s", mf_expr_op_name(x->op),
	    mf_node_kind_name(a->kind), mf_node_kind_name(b->kind));
}

static int
order(struct mf_expr_run *run, const struct mf_expr_node *x, const struct mf_expr_value *a,
    const struct mf_expr_value *b)
{
	double p = a->number, q = b->number;
	int order;

	if (a->kind != b->kind || (a->kind != MF_NODE_NUMBER && a->kind != MF_NODE_STRING))
		return mismatch(run, x, a, b);
	if (a->kind == MF_NODE_STRING) {
		if (look_at(run, x, a->text) != 0)
			return -1;
		order = strcmp(a->text, b->text);
		p = order;
		q = 0;
	}
	switch (x->op) { /* with NaN each is false */
	case MF_EXPR_LT: return p < q;
	case MF_EXPR_GT: return p > q;
	case MF_EXPR_LE: return p <= q;
	default: return p >= q;
	}
}

static int
texts(struct mf_expr_run *run, const struct mf_expr_node *x, const struct mf_expr_value *a,
    const struct mf_expr_value *b)
{
	size_t n, m;

	if (a->kind != MF_NODE_STRING || b->kind != MF_NODE_STRING)
		return mismatch(run, x, a, b);
	n = strlen(a->text);
	m = strlen(b->text);
	if (mf_expr_step(run, x, (n + m) / 64) != 0)
		return -1;
	switch (x->op) {
	case MF_EXPR_CONTAINS: return strstr(a->text, b->text) != NULL;
	case MF_EXPR_STARTS: return strncmp(a->text, b->text, m) == 0;
	case MF_EXPR_ENDS: return n >= m && strcmp(a->text + n - m, b->text) == 0;
	default: break;
	}
	if (mf_expr_step(run, x, (n + 1) * mf_pattern_states(x->pattern) / 8) != 0)
		return -1;
	return mf_pattern_matches(x->pattern, a->text, run->e);
}

static int
join(struct mf_expr_run *run, const struct mf_expr_node *x, const struct mf_expr_value *a,
    const struct mf_expr_value *b, struct mf_expr_value *out)
{
	size_t n = strlen(a->text), m = strlen(b->text);
	struct mf_region *r;
	char *text;

	if (mf_expr_step(run, x, (n + m) / 16) != 0 || (r = mf_expr_region(run)) == NULL ||
	    (text = mf_region_alloc(r, n + m + 1, run->e)) == NULL)
		return -1;
	memcpy(text, a->text, n);
	memcpy(text + n, b->text, m);
	*out = (struct mf_expr_value){.kind = MF_NODE_STRING, .text = text};
	return 0;
}

static int
arithmetic(struct mf_expr_run *run, const struct mf_expr_node *x, const struct mf_expr_value *a,
    const struct mf_expr_value *b, struct mf_expr_value *out)
{
	double p = a->number, q = b->number;

	if (x->op == MF_EXPR_ADD && a->kind == MF_NODE_STRING && b->kind == MF_NODE_STRING)
		return join(run, x, a, b, out);
	if (a->kind != MF_NODE_NUMBER || b->kind != MF_NODE_NUMBER)
		return mismatch(run, x, a, b);
	*out = (struct mf_expr_value){.kind = MF_NODE_NUMBER, .integer = a->integer && b->integer};
	switch (x->op) {
	case MF_EXPR_ADD: out->number = p + q; break;
	case MF_EXPR_SUB: out->number = p - q; break;
	case MF_EXPR_MUL: out->number = p * q; break;
	case MF_EXPR_DIV:
		out->number = p / q;
		out->integer = false;
		break;
	case MF_EXPR_POW:
		out->number = pow(p, q);
		out->integer = false;
		break;
	default:
		if (!out->integer) {
			mf_expr_fail(run, x, "%% takes integers");
			return mf_error_hint(run->e, "write asInt(...) %% ...");
		}
		if (q == 0)
			return mf_expr_fail(run, x, "division by zero");
		out->number = fmod(p, q);
		break;
	}
	if (out->integer && fabs(out->number) > MF_EXPR_INTEGER_MAX)
		return mf_expr_fail(run, x, "an integer past 2^53");
	return 0;
}

int
mf_expr_binary(struct mf_expr_run *run, const struct mf_expr_node *x, const struct mf_expr_value *a,
    const struct mf_expr_value *b, struct mf_expr_value *out)
{
	int rc;

	switch (x->op) {
	case MF_EXPR_EQ:
	case MF_EXPR_NE:
		rc = equal(run, x, a, b);
		if (rc >= 0 && x->op == MF_EXPR_NE)
			rc = !rc;
		break;
	case MF_EXPR_LT:
	case MF_EXPR_GT:
	case MF_EXPR_LE:
	case MF_EXPR_GE: rc = order(run, x, a, b); break;
	case MF_EXPR_IN: rc = in(run, x, a, b); break;
	case MF_EXPR_MATCHES:
	case MF_EXPR_CONTAINS:
	case MF_EXPR_STARTS:
	case MF_EXPR_ENDS: rc = texts(run, x, a, b); break;
	default: return arithmetic(run, x, a, b, out);
	}
	*out = (struct mf_expr_value){.kind = MF_NODE_BOOL, .truth = rc == 1};
	return rc < 0 ? -1 : 0;
}

int
mf_expr_truth(struct mf_expr_run *run, const struct mf_expr_node *x, bool *truth)
{
	struct mf_expr_value v;

	if (mf_expr_eval(run, x, &v) != 0)
		return -1;
	if (v.kind != MF_NODE_BOOL)
		return mf_expr_fail(
		    run, x, "a %s where a boolean is asked for", mf_node_kind_name(v.kind));
	*truth = v.truth;
	return 0;
}

/* and, or and ?? look at their right side only where they need it. */
static int
eval_binary(struct mf_expr_run *run, const struct mf_expr_node *x, struct mf_expr_value *out)
{
	struct mf_expr_value a, b;

	if (x->op == MF_EXPR_AND || x->op == MF_EXPR_OR) {
		*out = (struct mf_expr_value){.kind = MF_NODE_BOOL};
		if (mf_expr_truth(run, x->a, &out->truth) != 0)
			return -1;
		return out->truth == (x->op == MF_EXPR_OR) ? 0
							   : mf_expr_truth(run, x->b, &out->truth);
	}
	if (mf_expr_eval(run, x->a, &a) != 0)
		return -1;
	if (x->op == MF_EXPR_COALESCE && a.kind != MF_NODE_NULL) {
		*out = a;
		return 0;
	}
	if (mf_expr_eval(run, x->b, &b) != 0)
		return -1;
	if (x->op == MF_EXPR_COALESCE) {
		*out = b;
		return 0;
	}
	return mf_expr_binary(run, x, &a, &b, out);
}

static int
eval_unary(struct mf_expr_run *run, const struct mf_expr_node *x, struct mf_expr_value *out)
{
	if (x->op == MF_EXPR_NOT) {
		*out = (struct mf_expr_value){.kind = MF_NODE_BOOL};
		if (mf_expr_truth(run, x->a, &out->truth) != 0)
			return -1;
		out->truth = !out->truth;
		return 0;
	}
	if (mf_expr_eval(run, x->a, out) != 0)
		return -1;
	if (out->kind != MF_NODE_NUMBER)
		return mf_expr_fail(run, x, "%s does not go with a %s", mf_expr_op_name(x->op),
		    mf_node_kind_name(out->kind));
	if (x->op == MF_EXPR_SUB)
		out->number = -out->number;
	return 0;
}

static int
item_of_list(struct mf_expr_run *run, const struct mf_expr_node *x, const struct mf_node *list,
    const struct mf_expr_value *index, struct mf_expr_value *out)
{
	double i;

	if (index->kind != MF_NODE_NUMBER || !(fabs(index->number) < 1e9))
		return mf_expr_fail(run, x, "no index of a list");
	i = trunc(index->number);
	i += i < 0 ? (double)list->n_items : 0;
	if (i < 0 || i >= (double)list->n_items) {
		mf_expr_fail(
		    run, x, "index %.0f of a list of %zu", trunc(index->number), list->n_items);
		return mf_error_hint(run->e, "guard it: len(result) > 0 && ...");
	}
	*out = mf_expr_of_node(list->items[(size_t)i]);
	return 0;
}

/* a[b] and a.text */
static int
eval_item(struct mf_expr_run *run, const struct mf_expr_node *x, struct mf_expr_value *out)
{
	struct mf_expr_value base, index = {.kind = MF_NODE_STRING, .text = x->text};
	const struct mf_node *item;

	if (mf_expr_eval(run, x->a, &base) != 0 ||
	    (x->b != NULL && mf_expr_eval(run, x->b, &index) != 0))
		return -1;
	if (base.kind == MF_NODE_LIST)
		return item_of_list(run, x, base.node, &index, out);
	if (base.kind != MF_NODE_MAP || index.kind != MF_NODE_STRING)
		return mf_expr_fail(run, x, "a %s has no such item", mf_node_kind_name(base.kind));
	if (look_at(run, x, index.text) != 0)
		return -1;
	item = mf_node_get(base.node, index.text);
	*out = item != NULL ? mf_expr_of_node(item) : (struct mf_expr_value){.kind = MF_NODE_NULL};
	return 0;
}

static int
eval_list(struct mf_expr_run *run, const struct mf_expr_node *x, struct mf_expr_value *out)
{
	struct mf_region *r = mf_expr_region(run);
	struct mf_node **items =
	    r != NULL ? mf_region_alloc(r, x->n_items * sizeof(struct mf_node *), run->e) : NULL;
	struct mf_expr_value v;
	size_t i;

	if (items == NULL)
		return -1;
	for (i = 0; i < x->n_items; i++)
		if (mf_expr_eval(run, x->items[i], &v) != 0 ||
		    (items[i] = mf_expr_to_node(run, &v)) == NULL)
			return -1;
	*out = (struct mf_expr_value){.kind = MF_NODE_LIST};
	out->node = mf_node_list(r, items, x->n_items, run->e);
	return out->node != NULL ? 0 : -1;
}

int
mf_expr_eval(struct mf_expr_run *run, const struct mf_expr_node *x, struct mf_expr_value *out)
{
	bool truth;

	if (mf_expr_step(run, x, 1) != 0)
		return -1;
	*out = (struct mf_expr_value){.kind = MF_NODE_NULL};
	switch (x->kind) {
	case MF_EXPR_NULL_LITERAL: break;
	case MF_EXPR_BOOL_LITERAL:
		out->kind = MF_NODE_BOOL;
		out->truth = x->truth;
		break;
	case MF_EXPR_NUMBER_LITERAL:
		out->kind = MF_NODE_NUMBER;
		out->number = x->number;
		out->integer = x->integer;
		break;
	case MF_EXPR_STRING_LITERAL:
		out->kind = MF_NODE_STRING;
		out->text = x->text;
		break;
	case MF_EXPR_LIST_LITERAL: return eval_list(run, x, out);
	case MF_EXPR_RESULT: *out = run->result; break;
	case MF_EXPR_ELEMENT: *out = run->element; break;
	case MF_EXPR_UNARY: return eval_unary(run, x, out);
	case MF_EXPR_BINARY: return eval_binary(run, x, out);
	case MF_EXPR_CHOICE:
		if (mf_expr_truth(run, x->a, &truth) != 0)
			return -1;
		return mf_expr_eval(run, truth ? x->b : x->c, out);
	case MF_EXPR_INDEX:
	case MF_EXPR_FIELD: return eval_item(run, x, out);
	case MF_EXPR_CALL: return mf_expr_call(run, x, out);
	}
	return 0;
}
/* NOLINTEND(misc-no-recursion) */

const struct mf_node *
mf_expr_value(
    const struct mf_expr *x, const struct mf_node *result, struct mf_region *r, struct mf_error *e)
{
	struct mf_expr_run run = {.result = mf_expr_of_node(result), .r = r, .e = e};
	struct mf_expr_value v;

	if (mf_expr_check(x->root, false, false, &run) != 0 || mf_expr_eval(&run, x->root, &v) != 0)
		return NULL;
	return mf_expr_to_node(&run, &v);
}

int
mf_expr_holds(const struct mf_expr *x, const struct mf_node *result, struct mf_error *e)
{
	struct mf_expr_run run = {.result = mf_expr_of_node(result), .e = e};
	bool truth = false;
	int rc = mf_expr_check(x->root, false, true, &run);

	if (rc == 0)
		rc = mf_expr_truth(&run, x->root, &truth);
	mf_region_free(run.own);
	return rc == 0 ? truth : -1;
}

int
mf_expr_check_condition(const struct mf_expr *x, struct mf_error *e)
{
	struct mf_expr_run run = {.e = e};

	return mf_expr_check(x->root, true, true, &run);
}

bool
mf_expr_calls(const struct mf_expr *x, const char *function)
{
	unsigned f;

	for (f = 0; f < MF_EXPR_FUNCTIONS; f++)
		if (strcmp(mf_expr_function_table[f].name, function) == 0)
			return (x->functions & 1u << f) != 0;
	return false;
}
