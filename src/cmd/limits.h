/*
 * The limits of a command: what --bwlimit and --tpslimit say, kept by one limiter, and said anew
 * by the configuration file when SIGHUP asks to read it again; and the flow of its requests to
 * servers, which keeps to what they bear.
 */
#ifndef MF_CMD_LIMITS_H
#define MF_CMD_LIMITS_H

#include "src/cmd/cmd.h"
#include "transfers/flow.h"
#include "transfers/limiter.h"

/* What the options say. 0, or MF_EUSAGE that names the option and where it came from. */
int mf_cmd_read_limits(const struct mf_options *o, struct mf_limits *out, struct mf_error *e);

/* Make c->limiter and c->flow, and listen for SIGHUP on a thread of its own, where that asks for it
 * (see mf_cmd_wait_hangup). Then the options are parsed again as params say, which outlives the
 * limits; only limits are taken from them. Where that fails the limits stay, and the log has
 * why. 0, or -1. */
int mf_cmd_begin_limits(
    struct mf_cmd *c, const struct mf_options_params *params, struct mf_error *e);
/* When nothing uses them any more. */
void mf_cmd_end_limits(struct mf_cmd *c);

#endif
