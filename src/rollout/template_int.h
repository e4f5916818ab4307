/* What both kinds of templates share. */
#ifndef MF_ROLLOUT_TEMPLATE_INT_H
#define MF_ROLLOUT_TEMPLATE_INT_H

#include "src/rollout/template.h"

/* "line 2, column 7: ..." of a place in the text; -1. */
int mf_template_refuse(const char *text, const char *at, struct mf_error *e, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
int mf_template_check_size(const char *text, struct mf_error *e);
/* Append, within the bound of results. */
int mf_template_put(struct mf_buf *out, const char *text, size_t n, struct mf_error *e);

#endif
