/* What the commands have in common that bring a version to a directory. */
#ifndef MF_CMD_PULL_H
#define MF_CMD_PULL_H

#include "crypto/trust.h"
#include "src/cmd/cmd.h"
#include "src/cmd/site.h"
#include "src/config/filter.h"
#include "src/repo/pull.h"

/* Zero-initialise; mf_cmd_free_pull ends it, also after a failure. */
struct mf_cmd_pull_options {
	struct mf_pull_params p;
	struct mf_filter *filter;
	struct mf_trust *trust;
	struct mf_cmd_site site;
};

/* What the options and arguments (MODEL..., DIR) say. */
int mf_cmd_take_pull(struct mf_cmd *c, struct mf_cmd_pull_options *s, struct mf_error *e);
void mf_cmd_free_pull(struct mf_cmd_pull_options *s);
/* The line, or the JSON value, about a pull that went well. */
int mf_cmd_print_pull(const struct mf_cmd *c, const struct mf_pull_params *p,
    const struct mf_pull_result *r, double seconds, struct mf_error *e);

#endif
