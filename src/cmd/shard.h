/* Which part of N: --shard, --shards, and what they forbid. */
#ifndef MF_CMD_SHARD_H
#define MF_CMD_SHARD_H

#include <stdbool.h>

#include "src/cmd/cmd.h"
#include "src/repo/push.h"

/* "3/8": i is 1 to n. */
bool mf_cmd_read_part(const char *text, unsigned *i, unsigned *n);

/* The shard of a push: --shard I/N, or --shards N and JOB_COMPLETION_INDEX, which counts from 0
 * (index: its value, or NULL). of 0: neither was given. MF_EUSAGE: they contradict each other, or
 * there is an option that a shard cannot have; the message names it, and where it came from. */
int mf_cmd_load_shard(
    const struct mf_options *o, const char *index, struct mf_push_shard *out, struct mf_error *e);

/* Of how many shards the limits (--bwlimit, --tpslimit) are: 1 where this is none. */
unsigned mf_cmd_share(const struct mf_options *o);

#endif
