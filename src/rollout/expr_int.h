/* Inside expressions: text -> tokens (expr_lex.c) -> tree (expr_parse.c) -> types (expr_check.c)
 * -> value (expr_eval.c, expr_call.c). */
#ifndef MF_ROLLOUT_EXPR_INT_H
#define MF_ROLLOUT_EXPR_INT_H

#include "src/rollout/expr.h"
#include "src/rollout/pattern.h"

#define MF_EXPR_DEPTH_MAX 64u
#define MF_EXPR_STEPS_MAX ((size_t)2000000)
#define MF_EXPR_INTEGER_MAX 9007199254740992.0 /* 2^53: what doubles count exactly */

enum mf_expr_op {
	MF_EXPR_NO_OP,
	MF_EXPR_OR,
	MF_EXPR_AND,
	MF_EXPR_EQ,
	MF_EXPR_NE,
	MF_EXPR_LT,
	MF_EXPR_GT,
	MF_EXPR_LE,
	MF_EXPR_GE,
	MF_EXPR_IN,
	MF_EXPR_MATCHES,
	MF_EXPR_CONTAINS,
	MF_EXPR_STARTS,
	MF_EXPR_ENDS,
	MF_EXPR_ADD,
	MF_EXPR_SUB,
	MF_EXPR_MUL,
	MF_EXPR_DIV,
	MF_EXPR_MOD,
	MF_EXPR_POW,
	MF_EXPR_COALESCE,
	MF_EXPR_NOT,
	MF_EXPR_OPS
};

enum mf_expr_function {
	MF_EXPR_LEN,
	MF_EXPR_ALL,
	MF_EXPR_ANY,
	MF_EXPR_NONE,
	MF_EXPR_ONE,
	MF_EXPR_FILTER,
	MF_EXPR_MAP,
	MF_EXPR_COUNT,
	MF_EXPR_AS_INT,
	MF_EXPR_AS_FLOAT,
	MF_EXPR_IS_NAN,
	MF_EXPR_IS_INF,
	MF_EXPR_IS_NIL,
	MF_EXPR_DEFAULT,
	MF_EXPR_FUNCTIONS
};

enum mf_expr_token_kind {
	MF_EXPR_T_END,
	MF_EXPR_T_NUMBER,
	MF_EXPR_T_STRING,
	MF_EXPR_T_NAME,
	MF_EXPR_T_OP,   /* one of enum mf_expr_op */
	MF_EXPR_T_MARK, /* ( ) [ ] { } , ? : . # */
};

struct mf_expr_token {
	enum mf_expr_token_kind kind;
	size_t at, bytes;   /* where in the text */
	enum mf_expr_op op; /* MF_EXPR_T_OP */
	char mark;          /* MF_EXPR_T_MARK */
	double number;      /* MF_EXPR_T_NUMBER */
	bool integer;
	const char *text; /* MF_EXPR_T_STRING: unescaped, the region's */
};

struct mf_expr_lexer {
	const char *text;
	size_t at;
	struct mf_region *r;
	struct mf_error *e;
};

/* The next token. -1: refused. */
int mf_expr_lex(struct mf_expr_lexer *l, struct mf_expr_token *t);
/* "column N: ..." of the byte at; -1. */
int mf_expr_refuse(const struct mf_expr_lexer *l, size_t at, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* What follows the escape's backslash at l->at, as UTF-8; l->at moves behind it. */
int mf_expr_unescape(struct mf_expr_lexer *l, char quote, struct mf_buf *out);

enum mf_expr_kind {
	MF_EXPR_NULL_LITERAL,
	MF_EXPR_BOOL_LITERAL,
	MF_EXPR_NUMBER_LITERAL,
	MF_EXPR_STRING_LITERAL,
	MF_EXPR_LIST_LITERAL, /* items */
	MF_EXPR_RESULT,
	MF_EXPR_ELEMENT, /* # */
	MF_EXPR_UNARY,   /* op a: MF_EXPR_NOT, _SUB, _ADD */
	MF_EXPR_BINARY,  /* a op b */
	MF_EXPR_CHOICE,  /* a ? b : c */
	MF_EXPR_INDEX,   /* a[b] */
	MF_EXPR_FIELD,   /* a.text */
	MF_EXPR_CALL,    /* function(a, b); b within all, any... sees # */
};

struct mf_expr_node {
	enum mf_expr_kind kind;
	unsigned column;
	unsigned depth; /* of the tree below, from 1 */
	enum mf_expr_op op;
	enum mf_expr_function function;
	const struct mf_expr_node *a, *b, *c;
	const struct mf_expr_node **items;
	size_t n_items;
	const char *text;
	double number;
	bool integer, truth;
	const struct mf_pattern *pattern; /* of matches */
};

struct mf_expr {
	const struct mf_expr_node *root;
	unsigned functions; /* bits: which are called */
};

struct mf_expr_function_row {
	const char *name;
	unsigned least, most; /* arguments */
	bool closure;         /* the second argument sees # */
};
extern const struct mf_expr_function_row mf_expr_function_table[MF_EXPR_FUNCTIONS];
const char *mf_expr_op_name(enum mf_expr_op op);

/* A value while it is computed. */
struct mf_expr_value {
	enum mf_node_kind kind;
	bool truth;
	bool integer; /* Go's int: a literal without a point, len, count, asInt */
	double number;
	const char *text;
	const struct mf_node *node; /* list or map */
};

/* One evaluation. */
struct mf_expr_run {
	struct mf_expr_value result;
	struct mf_expr_value element; /* what # is */
	struct mf_region *r;          /* NULL: made when it is needed */
	struct mf_region *own;        /* to be freed */
	size_t steps;
	struct mf_error *e;
};

/* "column N: ..."; -1. */
int mf_expr_fail(struct mf_expr_run *run, const struct mf_expr_node *at, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
int mf_expr_step(struct mf_expr_run *run, const struct mf_expr_node *at, size_t n);
struct mf_region *mf_expr_region(struct mf_expr_run *run);
struct mf_expr_value mf_expr_of_node(const struct mf_node *node);
struct mf_node *mf_expr_to_node(struct mf_expr_run *run, const struct mf_expr_value *v);

/* Would expr-lang's compiler take it for a result of this type? any: for one of unknown type. */
int mf_expr_check(
    const struct mf_expr_node *root, bool any, bool condition, struct mf_expr_run *run);
int mf_expr_eval(struct mf_expr_run *run, const struct mf_expr_node *x, struct mf_expr_value *out);
int mf_expr_truth(struct mf_expr_run *run, const struct mf_expr_node *x, bool *truth);
int mf_expr_binary(struct mf_expr_run *run, const struct mf_expr_node *x,
    const struct mf_expr_value *a, const struct mf_expr_value *b, struct mf_expr_value *out);
int mf_expr_call(struct mf_expr_run *run, const struct mf_expr_node *x, struct mf_expr_value *out);

#endif
