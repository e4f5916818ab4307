/*
 * Putting names and durations into PromQL (prometheus.io/docs/prometheus/latest/querying/basics)
 * so that they mean themselves and nothing else, and looking at a query from outside.
 *
 * Refused: names with control characters (MF_EUSAGE), which no exporter has. Pure; any thread.
 */
#ifndef MF_ROLLOUT_PROMTEXT_H
#define MF_ROLLOUT_PROMTEXT_H

#include <stdbool.h>
#include <stdint.h>

#include "src/base/buf.h"
#include "src/base/error.h"

#define MF_PROMTEXT_NAME_MAX 512u /* bytes of a name that is put into a query */

/* Append the text that stands between the quotes of label="...". what: for messages, "the name of
 * the ingress". */
int mf_promtext_put_exact(struct mf_buf *b, const char *what, const char *name, struct mf_error *e);
/* The same between those of label=~"...": the name's own characters lose their meaning in RE2. */
int mf_promtext_put_literal(
    struct mf_buf *b, const char *what, const char *name, struct mf_error *e);
/* Append "90s", "1500ms"; what stands within [ ]. 0 is MF_EUSAGE. */
int mf_promtext_put_window(struct mf_buf *b, uint64_t window_us, struct mf_error *e);
/* Is it the name of a label: [a-zA-Z_][a-zA-Z0-9_]*? */
bool mf_promtext_is_label(const char *name);
/*
 * Is the query one instant selector and nothing else: a name, matchers in braces, or both? Only
 * of such a query is timestamp(QUERY) the time of a sample; of all others it is the time of the
 * evaluation.
 */
bool mf_promtext_is_selector(const char *query);
/* Append the query with each run of white space and comments outside quotes as one blank, none at
 * the ends. */
void mf_promtext_put_squeezed(struct mf_buf *b, const char *query);

#endif
