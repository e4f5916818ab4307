/*
 * The state of a Rollout as a line of JSON, for journals and for status; and back. A reader takes
 * what an older or newer program wrote: unknown members are left alone, missing ones are zero,
 * words and numbers that cannot be are refused. Pure, any thread.
 */
#ifndef MF_ROLLOUT_ROLLOUT_STATE_H
#define MF_ROLLOUT_ROLLOUT_STATE_H

#include "src/base/buf.h"
#include "src/rollout/node.h"
#include "src/rollout/rollout.h"

#define MF_ROLLOUT_STATE_BYTES_MAX 32768u

void mf_rollout_state_put(struct mf_buf *b, const struct mf_rollout_state *state);
/* MF_EDAMAGED where it is no such state. */
int mf_rollout_state_read(
    struct mf_rollout_state *out, const struct mf_node *node, struct mf_error *e);

#endif
