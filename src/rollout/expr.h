/*
 * Conditions of analyses: the subset of expr-lang (github.com/expr-lang/expr) that Argo Rollouts'
 * AnalysisTemplates use. Numbers, strings, true, false, nil; + - * / % ** and unary minus;
 * == != < <= > >=; and/&&, or/||, not/!; parentheses; ?: and ??; result, result[i], result.field,
 * result["k"]; in, contains, startsWith, endsWith, matches; len, all, any, none, one, filter, map,
 * count with # as element; asInt, asFloat, isNaN, isInf, isNil, default(result, d).
 * All else is refused when the text is read, with the column. Pure; bounded in depth and in steps.
 */
#ifndef MF_ROLLOUT_EXPR_H
#define MF_ROLLOUT_EXPR_H

#include "src/rollout/node.h"

#define MF_EXPR_BYTES_MAX 4096u

struct mf_expr;

/* Read it; the region owns it. NULL: MF_EUSAGE, "column 8: unknown function foo". */
struct mf_expr *mf_expr_read(const char *text, struct mf_region *r, struct mf_error *e);
/* Its value for this result; memory from r. NULL: MF_EUSAGE (index out of range, types that do
 * not go together, asInt of a word, too many steps) or MF_ENOMEM. */
const struct mf_node *mf_expr_value(
    const struct mf_expr *x, const struct mf_node *result, struct mf_region *r, struct mf_error *e);
/* The same where a condition is wanted: 1, 0, or -1 (also where the value is no boolean). */
int mf_expr_holds(const struct mf_expr *x, const struct mf_node *result, struct mf_error *e);

#endif
