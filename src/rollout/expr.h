/*
 * Conditions of analyses: the subset of expr-lang (github.com/expr-lang/expr) that Argo Rollouts'
 * AnalysisTemplates use. Numbers, strings, true, false, nil, lists [1, 2]; + - * / % ** and unary
 * minus; == != < <= > >= (chained: 0 < result < 1); and/&&, or/||, not/!; parentheses; ?: and ??;
 * result, result[i] (-1: the last), result.field, result["k"]; in, contains, startsWith, endsWith,
 * matches with a pattern in quotes (pattern.h), each with not in front; len, all, any, none, one,
 * filter, map, count with # as element ({# > 1}, .field for #.field); asInt, asFloat, isNaN, isInf,
 * isNil(result), default(result, d); comments. All else is refused when the text is read, with the
 * column.
 *
 * As there, "not" binds tighter than comparisons, / gives fractions, % takes integers alone, a
 * comparison with NaN is false, and types are checked against the result before anything is
 * evaluated: what does not go together is an error also where it would not have been reached.
 *
 * Pure, any thread; bounded in depth and in steps.
 */
#ifndef MF_ROLLOUT_EXPR_H
#define MF_ROLLOUT_EXPR_H

#include <stdbool.h>

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
/* Could it be a condition, for some result? -1: MF_EUSAGE, its value is never a boolean. */
int mf_expr_check_condition(const struct mf_expr *x, struct mf_error *e);
/* Is a function called in it? ("isNaN": a condition that does not ask takes NaN for false.) */
bool mf_expr_calls(const struct mf_expr *x, const char *function);

#endif
