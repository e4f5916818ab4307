/*
 * The last lines of the log, kept in memory for whoever reports how a run ended. Whole lines only;
 * what is older than MF_TAIL_BYTES is forgotten, and a longer line is cut.
 *
 * Any thread may add (src/base/log.h calls under its lock); one reads.
 */
#ifndef MF_REPORT_TAIL_H
#define MF_REPORT_TAIL_H

#include <stddef.h>

#include "src/base/buf.h"
#include "src/base/error.h"

#define MF_TAIL_BYTES 8192u

struct mf_tail;

struct mf_tail *mf_tail_new(struct mf_error *e);
void mf_tail_free(struct mf_tail *t);
/* For mf_log_set_tap; arg is the struct mf_tail. */
void mf_tail_add(void *arg, const void *line, size_t n);
/* Append what is kept. */
void mf_tail_put(struct mf_tail *t, struct mf_buf *out);

#endif
