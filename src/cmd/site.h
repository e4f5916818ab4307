/* The receipts that `pull` and `follow` write with --site: src/repo/receipt.h. */
#ifndef MF_CMD_SITE_H
#define MF_CMD_SITE_H

#include "src/cmd/cmd.h"
#include "src/repo/receipt.h"

/* Zero-initialise; mf_cmd_free_site ends it, also after a failure. */
struct mf_cmd_site {
	const char *name; /* NULL: there is no --site, and nothing is written */
	char instance[MF_SITE_NAME_MAX_BYTES + 1];
	struct mf_signer *signer;
	enum mf_serving serving; /* what the last receipt said */
	int64_t told_us;         /* monotonic, of the last receipt; 0: none */
};

/* What the options say. MF_EUSAGE: --instance without --site. (A --sign-key without it is nothing
 * to complain of: a configuration file may name one for pushes.) */
int mf_cmd_take_site(struct mf_cmd *c, struct mf_cmd_site *s, struct mf_error *e);
void mf_cmd_free_site(struct mf_cmd_site *s);
/* This site has MODEL@VERSION, and it was verified. Does nothing without --site. */
int mf_cmd_put_receipt(struct mf_repo *repo, struct mf_cmd_site *s, const char *model,
    const char *version, enum mf_serving serving, struct mf_error *e);
/* Is it time to put it anew, so that it does not grow old while nothing changes? */
bool mf_cmd_receipt_is_due(const struct mf_cmd_site *s);

#endif
