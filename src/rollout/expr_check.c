/*
 * Types. Argo compiles a condition for each result with that result's type, and expr-lang refuses
 * what does not go together even where it would not be evaluated: result == "x" for a number is an
 * error and not false, while result.field == "x", of unknown type, is false. A list of numbers
 * alone is what Prometheus gives, []float64; of other lists the items have no type.
 */
#include "src/rollout/expr_int.h"

enum type_kind { T_ANY, T_NIL, T_BOOL, T_INT, T_FLOAT, T_STRING, T_LIST, T_MAP };

struct type {
	enum type_kind kind;
	enum type_kind item; /* T_LIST */
};

struct checking {
	struct mf_expr_run *run;
	struct type result, element;
};

static const char *const type_names[] = {
    [T_ANY] = "anything",
    [T_NIL] = "nil",
    [T_BOOL] = "a boolean",
    [T_INT] = "an integer",
    [T_FLOAT] = "a number",
    [T_STRING] = "a string",
    [T_LIST] = "a list",
    [T_MAP] = "a map",
};

static int check(struct checking *k, const struct mf_expr_node *x, struct type *out);

static struct type
type_of_result(const struct mf_expr_value *v)
{
	struct type t = {T_ANY, T_ANY};
	size_t i;

	switch (v->kind) {
	case MF_NODE_NULL: t.kind = T_NIL; break;
	case MF_NODE_BOOL: t.kind = T_BOOL; break;
	case MF_NODE_NUMBER: t.kind = T_FLOAT; break;
	case MF_NODE_STRING: t.kind = T_STRING; break;
	case MF_NODE_MAP: t.kind = T_MAP; break;
	case MF_NODE_LIST:
		t.kind = T_LIST;
		for (i = 0; i < v->node->n_items; i++)
			if (v->node->items[i]->kind != MF_NODE_NUMBER)
				return t;
		if (v->node->n_items > 0)
			t.item = T_FLOAT;
		break;
	}
	return t;
}

static bool
is_number(struct type t)
{
	return t.kind == T_INT || t.kind == T_FLOAT;
}

static bool
may_be(struct type t, enum type_kind kind)
{
	return t.kind == T_ANY || t.kind == kind;
}

static bool
may_be_number(struct type t)
{
	return t.kind == T_ANY || is_number(t);
}

static bool
comparable(struct type a, struct type b)
{
	return a.kind == T_ANY || b.kind == T_ANY || a.kind == T_NIL || b.kind == T_NIL ||
	       a.kind == b.kind || (is_number(a) && is_number(b));
}

static int
mismatch(struct checking *k, const struct mf_expr_node *x, struct type a, struct type b)
{
	return mf_expr_fail(k->run, x, "%s does not go with %s and %s", mf_expr_op_name(x->op),
	    type_names[a.kind], type_names[b.kind]);
}

static bool
in_works(struct type a, struct type b)
{
	if (b.kind == T_LIST)
		return comparable(a, (struct type){b.item, T_ANY});
	if (b.kind == T_MAP)
		return may_be(a, T_STRING) || a.kind == T_NIL;
	return b.kind == T_ANY;
}

/* What + - * give, ANY where either side is. */
static enum type_kind
sum_of(struct type a, struct type b)
{
	if (a.kind == T_ANY || b.kind == T_ANY)
		return T_ANY;
	return a.kind == T_INT && b.kind == T_INT ? T_INT : T_FLOAT;
}

/* NOLINTBEGIN(misc-no-recursion): the parser bounds how deep the tree is */
static int
check_binary(struct checking *k, const struct mf_expr_node *x, struct type *out)
{
	struct type a, b;
	bool good, numbers, strings;

	if (check(k, x->a, &a) != 0 || check(k, x->b, &b) != 0)
		return -1;
	numbers = may_be_number(a) && may_be_number(b);
	strings = may_be(a, T_STRING) && may_be(b, T_STRING);
	*out = (struct type){T_BOOL, T_ANY};
	switch (x->op) {
	case MF_EXPR_OR:
	case MF_EXPR_AND: good = may_be(a, T_BOOL) && may_be(b, T_BOOL); break;
	case MF_EXPR_EQ:
	case MF_EXPR_NE: good = comparable(a, b); break;
	case MF_EXPR_IN: good = in_works(a, b); break;
	case MF_EXPR_LT:
	case MF_EXPR_GT:
	case MF_EXPR_LE:
	case MF_EXPR_GE: good = numbers || strings; break;
	case MF_EXPR_MATCHES:
	case MF_EXPR_CONTAINS:
	case MF_EXPR_STARTS:
	case MF_EXPR_ENDS: good = strings; break;
	case MF_EXPR_COALESCE:
		good = true;
		*out = a.kind == T_NIL                       ? b
		       : b.kind == T_NIL || a.kind == b.kind ? a
							     : (struct type){T_ANY, T_ANY};
		break;
	case MF_EXPR_MOD:
		good = (a.kind == T_INT || a.kind == T_ANY) && (b.kind == T_INT || b.kind == T_ANY);
		out->kind = sum_of(a, b);
		break;
	case MF_EXPR_DIV:
	case MF_EXPR_POW:
		good = numbers;
		out->kind = T_FLOAT;
		break;
	case MF_EXPR_ADD:
		good = numbers || strings;
		out->kind = a.kind == T_STRING && b.kind == T_STRING ? T_STRING : sum_of(a, b);
		break;
	default: /* - and * */
		good = numbers;
		out->kind = sum_of(a, b);
		break;
	}
	return good ? 0 : mismatch(k, x, a, b);
}

static int
check_unary(struct checking *k, const struct mf_expr_node *x, struct type *out)
{
	if (check(k, x->a, out) != 0)
		return -1;
	if (x->op == MF_EXPR_NOT ? may_be(*out, T_BOOL) : may_be_number(*out)) {
		if (x->op == MF_EXPR_NOT)
			out->kind = T_BOOL;
		return 0;
	}
	return mf_expr_fail(
	    k->run, x, "%s does not go with %s", mf_expr_op_name(x->op), type_names[out->kind]);
}

static int
check_choice(struct checking *k, const struct mf_expr_node *x, struct type *out)
{
	struct type condition, yes, no;

	if (check(k, x->a, &condition) != 0 || check(k, x->b, &yes) != 0 ||
	    check(k, x->c, &no) != 0)
		return -1;
	if (!may_be(condition, T_BOOL))
		return mf_expr_fail(
		    k->run, x, "? asks for a boolean, not %s", type_names[condition.kind]);
	*out = yes.kind == T_NIL                         ? no
	       : no.kind == T_NIL || yes.kind == no.kind ? yes
							 : (struct type){T_ANY, T_ANY};
	if (yes.kind == T_LIST && no.kind == T_LIST && yes.item != no.item)
		out->item = T_ANY;
	return 0;
}

static int
check_index(struct checking *k, const struct mf_expr_node *x, struct type *out)
{
	struct type base, index;

	if (check(k, x->a, &base) != 0 || check(k, x->b, &index) != 0)
		return -1;
	*out = (struct type){base.kind == T_LIST ? base.item : T_ANY, T_ANY};
	if (base.kind == T_ANY || (base.kind == T_MAP && may_be(index, T_STRING)) ||
	    (base.kind == T_LIST && may_be(index, T_INT)))
		return 0;
	if (base.kind == T_MAP || base.kind == T_LIST)
		return mf_expr_fail(k->run, x, "%s is no index of %s", type_names[index.kind],
		    type_names[base.kind]);
	return mf_expr_fail(k->run, x, "%s has no items", type_names[base.kind]);
}

static int
check_field(struct checking *k, const struct mf_expr_node *x, struct type *out)
{
	struct type base;

	if (check(k, x->a, &base) != 0)
		return -1;
	*out = (struct type){T_ANY, T_ANY};
	if (may_be(base, T_MAP))
		return 0;
	return mf_expr_fail(k->run, x, "%s has no field %s", type_names[base.kind], x->text);
}

/* A function that goes over a list, x->a, with a closure, x->b. */
static int
check_over(struct checking *k, const struct mf_expr_node *x, struct type *out)
{
	struct type list, one = {T_BOOL, T_ANY}, before = k->element;
	const char *name = mf_expr_function_table[x->function].name;

	if (check(k, x->a, &list) != 0)
		return -1;
	if (!may_be(list, T_LIST))
		return mf_expr_fail(
		    k->run, x->a, "%s takes a list, not %s", name, type_names[list.kind]);
	k->element = (struct type){list.kind == T_LIST ? list.item : T_ANY, T_ANY};
	if (x->b == NULL)
		one = k->element;
	else if (check(k, x->b, &one) != 0)
		return -1;
	k->element = before;
	if (x->function != MF_EXPR_MAP && !may_be(one, T_BOOL))
		return mf_expr_fail(k->run, x->b != NULL ? x->b : x->a,
		    "%s asks for a boolean, not %s", name, type_names[one.kind]);
	*out = (struct type){T_BOOL, T_ANY};
	if (x->function == MF_EXPR_COUNT)
		out->kind = T_INT;
	else if (x->function == MF_EXPR_FILTER)
		*out = (struct type){T_LIST, list.kind == T_LIST ? list.item : T_ANY};
	else if (x->function == MF_EXPR_MAP)
		*out = (struct type){T_LIST, one.kind == T_LIST ? T_ANY : one.kind};
	return 0;
}

static int
check_call(struct checking *k, const struct mf_expr_node *x, struct type *out)
{
	const char *name = mf_expr_function_table[x->function].name;
	struct type a, b;
	bool good = true;

	if (mf_expr_function_table[x->function].closure)
		return check_over(k, x, out);
	if (check(k, x->a, &a) != 0 || (x->b != NULL && check(k, x->b, &b) != 0))
		return -1;
	*out = (struct type){T_ANY, T_ANY};
	switch (x->function) {
	case MF_EXPR_LEN:
		good = a.kind == T_ANY || a.kind == T_STRING || a.kind == T_LIST || a.kind == T_MAP;
		out->kind = T_INT;
		break;
	case MF_EXPR_AS_INT: out->kind = T_INT; break;
	case MF_EXPR_AS_FLOAT: out->kind = T_FLOAT; break;
	case MF_EXPR_IS_NAN:
	case MF_EXPR_IS_INF:
		good = may_be_number(a);
		out->kind = T_BOOL;
		break;
	case MF_EXPR_IS_NIL: out->kind = T_BOOL; break;
	default: break;
	}
	if (good)
		return 0;
	return mf_expr_fail(k->run, x->a, "%s does not take %s", name, type_names[a.kind]);
}

static int
check_list(struct checking *k, const struct mf_expr_node *x, struct type *out)
{
	struct type item, all = {T_ANY, T_ANY};
	size_t i;

	for (i = 0; i < x->n_items; i++) {
		if (check(k, x->items[i], &item) != 0)
			return -1;
		all.kind = i == 0 || item.kind == all.kind ? item.kind : T_ANY;
	}
	*out = (struct type){T_LIST, all.kind == T_LIST || all.kind == T_NIL ? T_ANY : all.kind};
	return 0;
}

static int
check(struct checking *k, const struct mf_expr_node *x, struct type *out)
{
	static const enum type_kind literals[] = {[MF_EXPR_NULL_LITERAL] = T_NIL,
	    [MF_EXPR_BOOL_LITERAL] = T_BOOL,
	    [MF_EXPR_NUMBER_LITERAL] = T_FLOAT,
	    [MF_EXPR_STRING_LITERAL] = T_STRING};

	if (mf_expr_step(k->run, x, 1) != 0)
		return -1;
	switch (x->kind) {
	case MF_EXPR_LIST_LITERAL: return check_list(k, x, out);
	case MF_EXPR_RESULT: *out = k->result; return 0;
	case MF_EXPR_ELEMENT: *out = k->element; return 0;
	case MF_EXPR_UNARY: return check_unary(k, x, out);
	case MF_EXPR_BINARY: return check_binary(k, x, out);
	case MF_EXPR_CHOICE: return check_choice(k, x, out);
	case MF_EXPR_INDEX: return check_index(k, x, out);
	case MF_EXPR_FIELD: return check_field(k, x, out);
	case MF_EXPR_CALL: return check_call(k, x, out);
	default: break;
	}
	*out = (struct type){literals[x->kind], T_ANY};
	if (x->kind == MF_EXPR_NUMBER_LITERAL && x->integer)
		out->kind = T_INT;
	return 0;
}
/* NOLINTEND(misc-no-recursion) */

int
mf_expr_check(const struct mf_expr_node *root, bool any, bool condition, struct mf_expr_run *run)
{
	struct checking k = {.run = run, .result = {T_ANY, T_ANY}, .element = {T_ANY, T_ANY}};
	struct type t;

	if (!any)
		k.result = type_of_result(&run->result);
	if (check(&k, root, &t) != 0)
		return -1;
	if (!condition || may_be(t, T_BOOL))
		return 0;
	return mf_error_set(
	    run->e, MF_EUSAGE, "a condition is a boolean, this gives %s", type_names[t.kind]);
}
