/* What `show` says of sites that have the version, and of runs that keep it. */
#ifndef MF_CMD_SHOW_RUNS_H
#define MF_CMD_SHOW_RUNS_H

#include <jansson.h>

#include "src/cmd/cmd.h"
#include "src/repo/version.h"

/* As lines to c->out, or, where o is given, as its fields `receipts` and `kept_by`. */
int mf_cmd_show_runs(const struct mf_cmd *c, struct mf_repo *repo, const struct mf_version *v,
    json_t *o, int64_t now_us, struct mf_error *e);

#endif
