/* Functions of expressions: expr-lang's own over lists, and Argo's. */
#include "src/rollout/expr_int.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "src/base/text.h"
#include "src/rollout/scalar.h"

#define INT64_LIMIT 9223372036854775808.0

/* What the closure, or the item itself where there is none, says of the item. */
static int
ask(struct mf_expr_run *run, const struct mf_expr_node *x, const struct mf_node *item, bool *yes)
{
	run->element = mf_expr_of_node(item);
	if (x->b != NULL)
		return mf_expr_truth(run, x->b, yes);
	if (run->element.kind != MF_NODE_BOOL)
		return mf_expr_fail(run, x, "count of a %s", mf_node_kind_name(run->element.kind));
	*yes = run->element.truth;
	return 0;
}

/* How many items the closure is true for; with early, only until the answer is clear. */
static int
count(struct mf_expr_run *run, const struct mf_expr_node *x, const struct mf_node *list, size_t *n)
{
	enum mf_expr_function f = x->function;
	bool yes;
	size_t i;

	*n = 0;
	for (i = 0; i < list->n_items; i++) {
		if (ask(run, x, list->items[i], &yes) != 0)
			return -1;
		*n += yes;
		if ((f == MF_EXPR_ALL && !yes) || (yes && (f == MF_EXPR_ANY || f == MF_EXPR_NONE)))
			break;
	}
	return 0;
}

static int
filter(struct mf_expr_run *run, const struct mf_expr_node *x, const struct mf_node *list,
    struct mf_expr_value *out)
{
	struct mf_region *r = mf_expr_region(run);
	struct mf_node **items =
	    r != NULL ? mf_region_alloc(r, list->n_items * sizeof(struct mf_node *), run->e) : NULL;
	struct mf_expr_value v;
	bool yes = true;
	size_t i, n = 0;

	if (items == NULL)
		return -1;
	for (i = 0; i < list->n_items; i++) {
		if (x->function == MF_EXPR_FILTER) {
			if (ask(run, x, list->items[i], &yes) != 0)
				return -1;
			v = mf_expr_of_node(list->items[i]);
		} else {
			run->element = mf_expr_of_node(list->items[i]);
			if (mf_expr_eval(run, x->b, &v) != 0)
				return -1;
		}
		if (yes && (items[n++] = mf_expr_to_node(run, &v)) == NULL)
			return -1;
	}
	*out = (struct mf_expr_value){.kind = MF_NODE_LIST};
	out->node = mf_node_list(r, items, n, run->e);
	return out->node != NULL ? 0 : -1;
}

static int
over_list(struct mf_expr_run *run, const struct mf_expr_node *x, const struct mf_expr_value *a,
    struct mf_expr_value *out)
{
	const struct mf_expr_value before = run->element;
	size_t n = 0;
	int rc;

	if (a->kind != MF_NODE_LIST)
		return mf_expr_fail(run, x, "%s takes a list, not a %s",
		    mf_expr_function_table[x->function].name, mf_node_kind_name(a->kind));
	if (mf_expr_step(run, x, a->node->n_items) != 0)
		return -1;
	if (x->function == MF_EXPR_FILTER || x->function == MF_EXPR_MAP) {
		rc = filter(run, x, a->node, out);
		run->element = before;
		return rc;
	}
	rc = count(run, x, a->node, &n);
	run->element = before;
	*out = (struct mf_expr_value){.kind = MF_NODE_BOOL};
	switch (x->function) {
	case MF_EXPR_ALL: out->truth = n == a->node->n_items; break;
	case MF_EXPR_ANY: out->truth = n > 0; break;
	case MF_EXPR_NONE: out->truth = n == 0; break;
	case MF_EXPR_ONE: out->truth = n == 1; break;
	default:
		*out = (struct mf_expr_value){
		    .kind = MF_NODE_NUMBER, .number = (double)n, .integer = true};
		break;
	}
	return rc;
}

static int
length(struct mf_expr_run *run, const struct mf_expr_node *x, const struct mf_expr_value *a,
    struct mf_expr_value *out)
{
	const char *p;

	*out = (struct mf_expr_value){.kind = MF_NODE_NUMBER, .integer = true};
	if (a->kind == MF_NODE_LIST || a->kind == MF_NODE_MAP) {
		out->number = (double)a->node->n_items;
		return 0;
	}
	if (a->kind != MF_NODE_STRING)
		return mf_expr_fail(run, x, "len of a %s", mf_node_kind_name(a->kind));
	if (mf_expr_step(run, x, strlen(a->text) / 64) != 0)
		return -1;
	for (p = a->text; *p != '\0'; p += mf_text_char_bytes(p) > 0 ? mf_text_char_bytes(p) : 1)
		out->number++;
	return 0;
}

static int
as_int(struct mf_expr_run *run, const struct mf_expr_node *x, const struct mf_expr_value *a,
    struct mf_expr_value *out)
{
	const char *digits;

	*out = (struct mf_expr_value){.kind = MF_NODE_NUMBER, .integer = true};
	if (a->kind == MF_NODE_NUMBER) {
		out->number = trunc(a->number);
	} else if (a->kind == MF_NODE_STRING) {
		if (mf_expr_step(run, x, strlen(a->text) / 64) != 0)
			return -1;
		digits = a->text + (*a->text == '-' || *a->text == '+');
		if (*digits == '\0' || digits[strspn(digits, "0123456789")] != '\0')
			return mf_expr_fail(run, x, "asInt of %.60s", a->text);
		out->number = strtod(a->text, NULL);
	} else {
		return mf_expr_fail(run, x, "asInt of a %s", mf_node_kind_name(a->kind));
	}
	if (!(out->number >= -INT64_LIMIT && out->number < INT64_LIMIT))
		return mf_expr_fail(run, x, "asInt of what no integer holds");
	return 0;
}

/* Go's strconv.ParseFloat, less hexadecimal. */
static bool
parse_float(const char *text, double *number)
{
	static const char *const words[] = {"inf", "infinity", "nan"};
	const char *word = text + (*text == '-' || *text == '+');
	size_t i;

	if (mf_scalar_is_decimal(text)) {
		*number = strtod(text, NULL);
		return !isinf(*number);
	}
	for (i = 0; i < sizeof words / sizeof words[0]; i++) {
		if (strcasecmp(word, words[i]) != 0 || (i == 2 && word != text))
			continue;
		*number = i == 2         ? (double)NAN
			  : *text == '-' ? -(double)INFINITY
					 : (double)INFINITY;
		return true;
	}
	return false;
}

static int
as_float(struct mf_expr_run *run, const struct mf_expr_node *x, const struct mf_expr_value *a,
    struct mf_expr_value *out)
{
	*out = (struct mf_expr_value){.kind = MF_NODE_NUMBER, .number = a->number};
	if (a->kind == MF_NODE_NUMBER)
		return 0;
	if (a->kind != MF_NODE_STRING)
		return mf_expr_fail(run, x, "asFloat of a %s", mf_node_kind_name(a->kind));
	if (mf_expr_step(run, x, strlen(a->text) / 64) != 0)
		return -1;
	if (!parse_float(a->text, &out->number))
		return mf_expr_fail(run, x, "asFloat of %.60s", a->text);
	return 0;
}

static int
is_special(struct mf_expr_run *run, const struct mf_expr_node *x, const struct mf_expr_value *a,
    struct mf_expr_value *out)
{
	if (a->kind != MF_NODE_NUMBER)
		return mf_expr_fail(run, x, "%s of a %s", mf_expr_function_table[x->function].name,
		    mf_node_kind_name(a->kind));
	*out = (struct mf_expr_value){.kind = MF_NODE_BOOL,
	    .truth = x->function == MF_EXPR_IS_NAN ? isnan(a->number) : isinf(a->number)};
	return 0;
}

int
mf_expr_call(struct mf_expr_run *run, const struct mf_expr_node *x, struct mf_expr_value *out)
{
	struct mf_expr_value a;

	if (mf_expr_eval(run, x->a, &a) != 0)
		return -1;
	switch (x->function) {
	case MF_EXPR_LEN: return length(run, x, &a, out);
	case MF_EXPR_AS_INT: return as_int(run, x, &a, out);
	case MF_EXPR_AS_FLOAT: return as_float(run, x, &a, out);
	case MF_EXPR_IS_NAN:
	case MF_EXPR_IS_INF: return is_special(run, x, &a, out);
	case MF_EXPR_IS_NIL:
		*out =
		    (struct mf_expr_value){.kind = MF_NODE_BOOL, .truth = a.kind == MF_NODE_NULL};
		return 0;
	case MF_EXPR_DEFAULT:
		*out = a;
		return a.kind == MF_NODE_NULL ? mf_expr_eval(run, x->b, out) : 0;
	default: return over_list(run, x, &a, out);
	}
}
