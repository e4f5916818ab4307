/*
 * Texts of plans with holes in them.
 *
 * Flagger's queries are Go text/templates; of those, what Flagger's users write: {{ name }} and the
 * other words, {{ variables.key }}, {{ printf "a %s" name }} with %s, %v, %q and %%, string
 * literals, and {{- -}} that trims. A missing variable is an error. Everything else (pipes, if,
 * range, comments) is refused with line and column.
 *
 * Argo's metrics have {{args.x}} in any string. An unknown tag is an error, so is one without an
 * end. Argo puts values into the metric's JSON, escaped; after that is read again the string holds
 * the value as it was, which is what happens here.
 *
 * Values are inserted as they are and never read again. Pure, any thread.
 */
#ifndef MF_ROLLOUT_TEMPLATE_H
#define MF_ROLLOUT_TEMPLATE_H

#include <stddef.h>

#include "src/base/buf.h"
#include "src/base/error.h"
#include "src/rollout/metric.h"
#include "src/rollout/node.h"

#define MF_TEMPLATE_BYTES_MAX ((size_t)64 << 10)   /* of a text */
#define MF_TEMPLATE_RESULT_MAX ((size_t)256 << 10) /* of what becomes of it */

struct mf_template_words {
	/* "name", "namespace", "target", "service", "ingress", "route", "interval" */
	const struct mf_pair *words;
	size_t n_words;
	const struct mf_pair *variables; /* templateVariables */
	size_t n_variables;
};

/* Append the rendered text. -1: MF_EUSAGE "line 2, column 7: ...", MF_ENOMEM; out is not whole. */
int mf_template_flagger(struct mf_buf *out, const char *text, const struct mf_template_words *words,
    struct mf_error *e);

/* Append the text with its {{args.NAME}} replaced. args: without "args."; a value of NULL is not
 * known yet: MF_EUSAGE, as is an unknown name. */
int mf_template_argo(struct mf_buf *out, const char *text, const struct mf_pair *args,
    size_t n_args, struct mf_error *e);
/* A copy of the tree with all its strings and keys replaced so, in a region. NULL: *e names the
 * line and the field. Nodes keep their lines. */
struct mf_node *mf_template_argo_tree(struct mf_region *r, const struct mf_node *node,
    const struct mf_pair *args, size_t n_args, struct mf_error *e);

#endif
