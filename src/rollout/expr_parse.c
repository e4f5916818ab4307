/* Trees of expressions: a Pratt parser with expr-lang's precedences. */
#include "src/rollout/expr_int.h"

#include <string.h>

#include "src/rollout/column_int.h"

struct parser {
	struct mf_expr_lexer l;
	struct mf_expr_token t; /* the one that is next */
	struct mf_expr *x;
	unsigned depth;
	unsigned closures; /* around here: what # belongs to */
};

struct precedence {
	unsigned level;
	bool right;
};

static const struct precedence precedences[MF_EXPR_OPS] = {[MF_EXPR_OR] = {10, false},
    [MF_EXPR_AND] = {15, false},
    [MF_EXPR_EQ] = {20, false},
    [MF_EXPR_NE] = {20, false},
    [MF_EXPR_LT] = {20, false},
    [MF_EXPR_GT] = {20, false},
    [MF_EXPR_LE] = {20, false},
    [MF_EXPR_GE] = {20, false},
    [MF_EXPR_IN] = {20, false},
    [MF_EXPR_MATCHES] = {20, false},
    [MF_EXPR_CONTAINS] = {20, false},
    [MF_EXPR_STARTS] = {20, false},
    [MF_EXPR_ENDS] = {20, false},
    [MF_EXPR_ADD] = {30, false},
    [MF_EXPR_SUB] = {30, false},
    [MF_EXPR_MUL] = {60, false},
    [MF_EXPR_DIV] = {60, false},
    [MF_EXPR_MOD] = {60, false},
    [MF_EXPR_POW] = {100, true},
    [MF_EXPR_COALESCE] = {500, false}};

#define NOT_LEVEL 50u
#define ITEMS_MAX 256u /* of a list that is written out */
#define SIGN_LEVEL 90u

const struct mf_expr_function_row mf_expr_function_table[MF_EXPR_FUNCTIONS] = {
    [MF_EXPR_LEN] = {"len", 1, 1, false},
    [MF_EXPR_ALL] = {"all", 2, 2, true},
    [MF_EXPR_ANY] = {"any", 2, 2, true},
    [MF_EXPR_NONE] = {"none", 2, 2, true},
    [MF_EXPR_ONE] = {"one", 2, 2, true},
    [MF_EXPR_FILTER] = {"filter", 2, 2, true},
    [MF_EXPR_MAP] = {"map", 2, 2, true},
    [MF_EXPR_COUNT] = {"count", 1, 2, true},
    [MF_EXPR_AS_INT] = {"asInt", 1, 1, false},
    [MF_EXPR_AS_FLOAT] = {"asFloat", 1, 1, false},
    [MF_EXPR_IS_NAN] = {"isNaN", 1, 1, false},
    [MF_EXPR_IS_INF] = {"isInf", 1, 1, false},
    [MF_EXPR_IS_NIL] = {"isNil", 1, 1, false},
    [MF_EXPR_DEFAULT] = {"default", 2, 2, false},
};

static const struct mf_expr_node *parse_expression(struct parser *p, unsigned least);

static int
next(struct parser *p)
{
	return mf_expr_lex(&p->l, &p->t);
}

static bool
is_mark(const struct parser *p, char mark)
{
	return p->t.kind == MF_EXPR_T_MARK && p->t.mark == mark;
}

static bool
is_name(const struct parser *p, const char *name)
{
	return p->t.kind == MF_EXPR_T_NAME && strlen(name) == p->t.bytes &&
	       memcmp(p->l.text + p->t.at, name, p->t.bytes) == 0;
}

static int
unexpected(const struct parser *p)
{
	if (p->t.kind == MF_EXPR_T_END)
		return mf_expr_refuse(&p->l, p->t.at, "the expression ends too early");
	return mf_expr_refuse(&p->l, p->t.at, "unexpected %.*s",
	    (int)(p->t.bytes < 40 ? p->t.bytes : 40), p->l.text + p->t.at);
}

static int
expect(struct parser *p, char mark)
{
	return is_mark(p, mark) ? next(p) : unexpected(p);
}

static unsigned
depth_of(const struct mf_expr_node *x)
{
	return x != NULL ? x->depth : 0;
}

/* A node of what its operands are; their depth is bounded, so that recursion is. */
static struct mf_expr_node *
make(struct parser *p, enum mf_expr_kind kind, size_t at, const struct mf_expr_node *a,
    const struct mf_expr_node *b, const struct mf_expr_node *c)
{
	struct mf_expr_node *x = mf_region_alloc(p->l.r, sizeof *x, p->l.e);
	unsigned depth = depth_of(a);

	if (x == NULL)
		return NULL;
	depth = depth_of(b) > depth ? depth_of(b) : depth;
	depth = depth_of(c) > depth ? depth_of(c) : depth;
	if (depth >= 4 * MF_EXPR_DEPTH_MAX) {
		mf_expr_refuse(&p->l, at, "more than %u operators in a row", 4 * MF_EXPR_DEPTH_MAX);
		return NULL;
	}
	*x = (struct mf_expr_node){.kind = kind, .a = a, .b = b, .c = c, .depth = depth + 1};
	x->column = mf_column(p->l.text, at);
	return x;
}

static struct mf_expr_node *
parse_literal(struct parser *p)
{
	struct mf_expr_token t = p->t;
	struct mf_expr_node *x =
	    make(p, t.kind == MF_EXPR_T_NUMBER ? MF_EXPR_NUMBER_LITERAL : MF_EXPR_STRING_LITERAL,
		t.at, NULL, NULL, NULL);

	if (x == NULL || next(p) != 0)
		return NULL;
	x->number = t.number;
	x->integer = t.integer;
	x->text = t.text;
	return x;
}

/* NOLINTBEGIN(misc-no-recursion): MF_EXPR_DEPTH_MAX ends it */
static struct mf_expr_node *
parse_list(struct parser *p)
{
	struct mf_expr_node *x = make(p, MF_EXPR_LIST_LITERAL, p->t.at, NULL, NULL, NULL);
	const struct mf_expr_node *items[ITEMS_MAX];
	size_t n = 0;

	if (x == NULL || next(p) != 0)
		return NULL;
	while (!is_mark(p, ']')) {
		if (n > 0 && expect(p, ',') != 0)
			return NULL;
		if (is_mark(p, ']')) /* a comma behind the last */
			break;
		if (n == ITEMS_MAX) {
			mf_expr_refuse(&p->l, p->t.at, "more than %u items in a list", ITEMS_MAX);
			return NULL;
		}
		if ((items[n] = parse_expression(p, 0)) == NULL)
			return NULL;
		x->depth = items[n]->depth >= x->depth ? items[n]->depth + 1 : x->depth;
		n++;
	}
	if (next(p) != 0)
		return NULL;
	x->items = mf_region_alloc(p->l.r, n * sizeof *x->items, p->l.e);
	if (x->items == NULL)
		return NULL;
	if (n > 0)
		memcpy(x->items, items, n * sizeof *x->items);
	x->n_items = n;
	return x;
}

/* What all(x, ...) does with each element: "# > 1" or "{# > 1}". */
static const struct mf_expr_node *
parse_closure(struct parser *p)
{
	const struct mf_expr_node *x;
	bool braces = is_mark(p, '{');

	if (braces && next(p) != 0)
		return NULL;
	p->closures++;
	x = parse_expression(p, 0);
	p->closures--;
	return x != NULL && braces && expect(p, '}') != 0 ? NULL : x;
}

/* Argo's isNil and default look at result whatever they are given. */
static int
check_result_argument(
    struct parser *p, enum mf_expr_function f, const struct mf_expr_node *first, size_t at)
{
	if ((f != MF_EXPR_IS_NIL && f != MF_EXPR_DEFAULT) || first->kind == MF_EXPR_RESULT)
		return 0;
	mf_expr_refuse(&p->l, at, "%s is about result alone", mf_expr_function_table[f].name);
	return mf_error_hint(p->l.e, "write %s, or compare with nil",
	    f == MF_EXPR_IS_NIL ? "isNil(result)" : "default(result, 0)");
}

static struct mf_expr_node *
parse_call(struct parser *p, enum mf_expr_function f, size_t at)
{
	const struct mf_expr_function_row *row = &mf_expr_function_table[f];
	const struct mf_expr_node *args[2] = {NULL, NULL};
	struct mf_expr_node *x;
	unsigned n = 0;

	if (next(p) != 0)
		return NULL;
	while (!is_mark(p, ')')) {
		if (n == row->most) {
			mf_expr_refuse(&p->l, p->t.at, "%s takes no more arguments", row->name);
			return NULL;
		}
		args[n] = n > 0 && row->closure ? parse_closure(p) : parse_expression(p, 0);
		if (args[n++] == NULL)
			return NULL;
		if (!is_mark(p, ')') && expect(p, ',') != 0)
			return NULL;
	}
	if (n < row->least) {
		mf_expr_refuse(&p->l, p->t.at, "%s takes %u argument%s", row->name, row->least,
		    row->least > 1 ? "s" : "");
		return NULL;
	}
	if (check_result_argument(p, f, args[0], at) != 0 || next(p) != 0)
		return NULL;
	if ((x = make(p, MF_EXPR_CALL, at, args[0], args[1], NULL)) == NULL)
		return NULL;
	x->function = f;
	p->x->functions |= 1u << f;
	return x;
}

static struct mf_expr_node *
parse_name(struct parser *p)
{
	struct mf_expr_token t = p->t;
	struct mf_expr_node *x;
	unsigned f;
	int bytes = (int)(t.bytes < 60 ? t.bytes : 60);
	bool is_true = is_name(p, "true"), is_false = is_name(p, "false"),
	     is_nil = is_name(p, "nil"), is_result = is_name(p, "result");

	for (f = 0; f < MF_EXPR_FUNCTIONS; f++)
		if (is_name(p, mf_expr_function_table[f].name))
			break;
	if (next(p) != 0)
		return NULL;
	if (is_mark(p, '(') && f < MF_EXPR_FUNCTIONS)
		return parse_call(p, (enum mf_expr_function)f, t.at);
	if (is_true || is_false || is_nil || is_result) {
		x = make(p,
		    is_result ? MF_EXPR_RESULT
		    : is_nil  ? MF_EXPR_NULL_LITERAL
			      : MF_EXPR_BOOL_LITERAL,
		    t.at, NULL, NULL, NULL);
		if (x != NULL)
			x->truth = is_true;
		return x;
	}
	mf_expr_refuse(&p->l, t.at, "unknown %s %.*s", is_mark(p, '(') ? "function" : "name", bytes,
	    p->l.text + t.at);
	mf_error_hint(p->l.e,
	    "there are result, len, all, any, none, one, filter, map, count, asInt, "
	    "asFloat, isNaN, isInf, isNil and default");
	return NULL;
}

/* .field, [index]; from is where an element's . may stand for #. */
static const struct mf_expr_node *
parse_postfix(struct parser *p, const struct mf_expr_node *x)
{
	struct mf_expr_node *y;
	const struct mf_expr_node *index;
	size_t at;
	char *name;

	while (x != NULL && (is_mark(p, '.') || is_mark(p, '['))) {
		at = p->t.at;
		if (is_mark(p, '[')) {
			if (next(p) != 0 || (index = parse_expression(p, 0)) == NULL ||
			    expect(p, ']') != 0)
				return NULL;
			x = make(p, MF_EXPR_INDEX, at, x, index, NULL);
			continue;
		}
		if (next(p) != 0)
			return NULL;
		/* words like "in" may be names of fields */
		if (p->t.kind != MF_EXPR_T_NAME &&
		    (p->t.kind != MF_EXPR_T_OP || p->l.text[p->t.at] < 'a')) {
			unexpected(p);
			return NULL;
		}
		y = make(p, MF_EXPR_FIELD, p->t.at, x, NULL, NULL);
		name = mf_region_alloc(p->l.r, p->t.bytes + 1, p->l.e);
		if (y == NULL || name == NULL)
			return NULL;
		memcpy(name, p->l.text + p->t.at, p->t.bytes);
		y->text = name;
		at = p->t.at;
		if (next(p) != 0)
			return NULL;
		if (is_mark(p, '(')) {
			mf_expr_refuse(&p->l, at, "method %s is not supported", name);
			return NULL;
		}
		x = y;
	}
	return x;
}

static const struct mf_expr_node *
parse_element(struct parser *p)
{
	struct mf_expr_node *x;
	size_t at = p->t.at;

	if (p->closures == 0) {
		mf_expr_refuse(&p->l, at, "# outside of all, any, none, one, filter, map or count");
		return NULL;
	}
	x = make(p, MF_EXPR_ELEMENT, at, NULL, NULL, NULL);
	if (x == NULL || (is_mark(p, '#') && next(p) != 0))
		return NULL;
	if (p->t.kind == MF_EXPR_T_NAME && p->t.at == at + 1) {
		mf_expr_refuse(&p->l, at, "#%.*s is not supported",
		    (int)(p->t.bytes < 40 ? p->t.bytes : 40), p->l.text + p->t.at);
		return NULL;
	}
	return parse_postfix(p, x);
}

static const struct mf_expr_node *
parse_unary(struct parser *p)
{
	enum mf_expr_op op = p->t.op;
	size_t at = p->t.at;
	const struct mf_expr_node *a;
	struct mf_expr_node *x;

	if (op != MF_EXPR_NOT && op != MF_EXPR_SUB && op != MF_EXPR_ADD) {
		unexpected(p);
		return NULL;
	}
	if (next(p) != 0 ||
	    (a = parse_expression(p, op == MF_EXPR_NOT ? NOT_LEVEL : SIGN_LEVEL)) == NULL ||
	    (x = make(p, MF_EXPR_UNARY, at, a, NULL, NULL)) == NULL)
		return NULL;
	x->op = op;
	return parse_postfix(p, x);
}

static const struct mf_expr_node *
parse_primary(struct parser *p)
{
	const struct mf_expr_node *x;

	switch (p->t.kind) {
	case MF_EXPR_T_OP: return parse_unary(p);
	case MF_EXPR_T_NUMBER: return parse_literal(p); /* (nothing is behind a number's point) */
	case MF_EXPR_T_STRING: return parse_postfix(p, parse_literal(p));
	case MF_EXPR_T_NAME: return parse_postfix(p, parse_name(p));
	default: break;
	}
	if (is_mark(p, '#') || is_mark(p, '.'))
		return parse_element(p);
	if (is_mark(p, '['))
		return parse_postfix(p, parse_list(p));
	if (is_mark(p, '(')) {
		if (next(p) != 0 || (x = parse_expression(p, 0)) == NULL || expect(p, ')') != 0)
			return NULL;
		return parse_postfix(p, x);
	}
	if (is_mark(p, '{'))
		mf_expr_refuse(&p->l, p->t.at, "maps in braces are not supported");
	else
		unexpected(p);
	return NULL;
}

static const struct mf_expr_node *
binary(struct parser *p, enum mf_expr_op op, size_t at, const struct mf_expr_node *a,
    const struct mf_expr_node *b)
{
	struct mf_expr_node *x =
	    a != NULL && b != NULL ? make(p, MF_EXPR_BINARY, at, a, b, NULL) : NULL;

	if (x == NULL)
		return NULL;
	x->op = op;
	if (op != MF_EXPR_MATCHES)
		return x;
	if (b->kind != MF_EXPR_STRING_LITERAL) {
		mf_expr_refuse(&p->l, at, "matches takes a pattern in quotes");
		return NULL;
	}
	x->pattern = mf_pattern_read(b->text, p->l.r, p->l.e);
	return x->pattern != NULL ? x : NULL;
}

static bool
is_order(enum mf_expr_op op)
{
	return op == MF_EXPR_LT || op == MF_EXPR_GT || op == MF_EXPR_LE || op == MF_EXPR_GE;
}

/* a < b <= c is a < b and b <= c. */
static const struct mf_expr_node *
parse_chain(struct parser *p, const struct mf_expr_node *left)
{
	const struct mf_expr_node *all = NULL, *right, *one;
	enum mf_expr_op op;
	size_t at;

	do {
		op = p->t.op;
		at = p->t.at;
		if (next(p) != 0 ||
		    (right = parse_expression(p, precedences[op].level + 1)) == NULL ||
		    (one = binary(p, op, at, left, right)) == NULL)
			return NULL;
		all = all == NULL ? one : binary(p, MF_EXPR_AND, at, all, one);
		left = right;
	} while (all != NULL && p->t.kind == MF_EXPR_T_OP && is_order(p->t.op));
	return all;
}

/* Is the next token an operator that binds at least so much? "x not in y": *negated. */
static int
next_operator(struct parser *p, unsigned least, bool *negated)
{
	struct parser before = *p;

	*negated = false;
	if (p->t.kind != MF_EXPR_T_OP)
		return 1;
	if (p->t.op == MF_EXPR_NOT) {
		if (next(p) != 0)
			return -1;
		if (p->t.kind != MF_EXPR_T_OP || p->t.op < MF_EXPR_IN || p->t.op > MF_EXPR_ENDS)
			return unexpected(p);
		*negated = true;
	}
	if (precedences[p->t.op].level >= least)
		return 0;
	p->l = before.l;
	p->t = before.t;
	return 1;
}

/* One operator and its right side. */
static const struct mf_expr_node *
parse_operator(struct parser *p, const struct mf_expr_node *left, bool negated)
{
	const struct precedence *level = &precedences[p->t.op];
	enum mf_expr_op op = p->t.op;
	const struct mf_expr_node *x;
	struct mf_expr_node * not ;
	size_t at = p->t.at;

	if (is_order(op))
		return parse_chain(p, left);
	if (next(p) != 0)
		return NULL;
	x = parse_expression(p, level->level + (level->right ? 0 : 1));
	x = binary(p, op, at, left, x);
	if (x == NULL || !negated)
		return x;
	if ((not = make(p, MF_EXPR_UNARY, at, x, NULL, NULL)) == NULL)
		return NULL;
	not ->op = MF_EXPR_NOT;
	return not ;
}

static const struct mf_expr_node *
parse_choice(struct parser *p, const struct mf_expr_node *x)
{
	const struct mf_expr_node *yes, *no;
	size_t at;

	while (x != NULL && is_mark(p, '?')) {
		at = p->t.at;
		if (next(p) != 0)
			return NULL;
		yes = is_mark(p, ':') ? x : parse_expression(p, 0); /* x ?: y is x ? x : y */
		if (yes == NULL || expect(p, ':') != 0 || (no = parse_expression(p, 0)) == NULL)
			return NULL;
		x = make(p, MF_EXPR_CHOICE, at, x, yes, no);
	}
	return x;
}

static const struct mf_expr_node *
parse_expression(struct parser *p, unsigned least)
{
	enum mf_expr_op before = MF_EXPR_NO_OP, op;
	const struct mf_expr_node *x;
	bool negated;
	int rc = 0;

	if (++p->depth > MF_EXPR_DEPTH_MAX) {
		mf_expr_refuse(&p->l, p->t.at, "nested deeper than %u", MF_EXPR_DEPTH_MAX);
		return NULL;
	}
	x = parse_primary(p);
	while (x != NULL && (rc = next_operator(p, least, &negated)) == 0) {
		op = p->t.op;
		if (before == MF_EXPR_COALESCE && op != MF_EXPR_COALESCE) {
			mf_expr_refuse(
			    &p->l, p->t.at, "?? and %s need parentheses", mf_expr_op_name(op));
			return NULL;
		}
		x = parse_operator(p, x, negated);
		before = op;
	}
	if (x != NULL && rc > 0 && least == 0)
		x = parse_choice(p, x);
	p->depth--;
	return rc >= 0 ? x : NULL;
}
/* NOLINTEND(misc-no-recursion) */

struct mf_expr *
mf_expr_read(const char *text, struct mf_region *r, struct mf_error *e)
{
	struct mf_expr *x = mf_region_alloc(r, sizeof *x, e);
	struct parser p = {.l = {.text = text, .r = r, .e = e}, .x = x};
	struct mf_expr_run run = {.e = e};

	if (x == NULL)
		return NULL;
	if (strnlen(text, MF_EXPR_BYTES_MAX + 1) > MF_EXPR_BYTES_MAX) {
		mf_error_set(
		    e, MF_EUSAGE, "an expression is longer than %u bytes", MF_EXPR_BYTES_MAX);
		return NULL;
	}
	if (next(&p) != 0 || (x->root = parse_expression(&p, 0)) == NULL)
		return NULL;
	if (p.t.kind != MF_EXPR_T_END) {
		unexpected(&p);
		return NULL;
	}
	return mf_expr_check(x->root, true, false, &run) == 0 ? x : NULL;
}
