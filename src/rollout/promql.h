/*
 * Is a PromQL query a predicate: is its outermost operator a comparison without `bool`? Then an
 * empty answer can mean "false" or "no data", and its left side has to be asked, too. Precedence,
 * parentheses, the three ways to quote, comments, ranges and matchers are honoured; it is no
 * parser: what Prometheus would refuse may pass. Refused: brackets that do not match, a text that
 * does not end, a lone =. Pure, any thread.
 *
 * `and`, `or` and `unless` bind looser than comparisons: with one of them outermost it is none.
 * Of a chain, a > 1 < 5, the last comparison is the outermost one.
 */
#ifndef MF_ROLLOUT_PROMQL_H
#define MF_ROLLOUT_PROMQL_H

#include <stddef.h>

#include "src/base/error.h"
#include "src/base/region.h"

#define MF_PROMQL_BYTES_MAX ((size_t)64 << 10)

/* The parts of a predicate, as texts in a region. */
struct mf_promql_predicate {
	/* "sum(rate(x[1m]))"; outer parentheses of the whole are gone. Where the query has a number
	 * there, 0.5 < rate(x[1m]), the sides are changed over: a number always has data. */
	const char *left;
	const char *operator; /* "==", "!=", "<", "<=", ">", ">=" */
	const char *right;    /* behind on(...), group_left(...) and the like */
};

/* 1: *out is it. 0: it is none. -1: MF_EUSAGE "column 8: ...", MF_ENOMEM. */
int mf_promql_split(
    const char *query, struct mf_promql_predicate *out, struct mf_region *r, struct mf_error *e);

#endif
