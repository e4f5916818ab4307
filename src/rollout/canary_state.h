/*
 * The state of a canary as a line of JSON, for journals and for status; and back. A reader takes
 * what an older or newer program wrote: unknown members are left alone, missing ones are zero,
 * words that it does not know are refused.
 */
#ifndef MF_ROLLOUT_CANARY_STATE_H
#define MF_ROLLOUT_CANARY_STATE_H

#include "src/base/buf.h"
#include "src/rollout/canary.h"
#include "src/rollout/node.h"

#define MF_CANARY_STATE_BYTES_MAX 8192u

void mf_canary_state_put(struct mf_buf *b, const struct mf_canary_state *state);
/* MF_EDAMAGED where it is no such state. */
int mf_canary_state_read(
    struct mf_canary_state *out, const struct mf_node *node, struct mf_error *e);
/* An act as a word for journals: "route:90/10", "route:100/0 threshold", "hook:2", "reference". */
#define MF_ACT_TEXT_BYTES 48u
const char *mf_act_text(const struct mf_act *act, char out[MF_ACT_TEXT_BYTES]);
/* Back, of a route without mirror or match; `why` becomes constant text. false: it is none. */
bool mf_act_read_route(struct mf_act *out, const char *text);

#endif
