/*
 * The template of a router's file: text in which {{primary}} and {{canary}} stand for the weights
 * in percent and {{token}} for the holder's lease ("-" where there is none), and what stands
 * between {{#canary}} and {{/canary}}, or {{#primary}} and {{/primary}}, is there only where that
 * weight is more than 0 (nginx takes no weight of 0). Other names in double braces are refused.
 *
 * It must hold the words "modelferry-weights {{primary}}/{{canary}}" once, in a comment say: by
 * them the weights are read back.
 *
 * Pure, any thread.
 */
#ifndef MF_TRAFFIC_WEIGHTS_TEXT_H
#define MF_TRAFFIC_WEIGHTS_TEXT_H

#include <stddef.h>

#include "src/base/buf.h"
#include "src/base/error.h"

#define MF_WEIGHTS_TEXT_MARK "modelferry-weights "
#define MF_WEIGHTS_TEXT_TOKEN_BYTES 256u

struct mf_weights_text_values {
	unsigned primary, canary;
	const char *token; /* letters, digits and "-_.:"; or NULL */
};

/* The text with its values, at the end of out. MF_EUSAGE: what it holds, and the line. */
int mf_weights_text_render(const void *text, size_t n, const struct mf_weights_text_values *values,
    struct mf_buf *out, struct mf_error *e);
/* The weights that a rendered text says. MF_EDAMAGED: none, two of them, or no weights. */
int mf_weights_text_read(
    const void *text, size_t n, unsigned *primary, unsigned *canary, struct mf_error *e);

#endif
