/* Changing the configuration in a store without conditional put: see ballot_int.h. */
#ifndef MF_REPO_CONFIG_VOTE_INT_H
#define MF_REPO_CONFIG_VOTE_INT_H

#include "src/base/buf.h"
#include "src/repo/repo_int.h"

/* Get the configuration there as that number. repo need be no more than a store. 0: it is there.
 * 1: another is there, or one of a higher number. -1: MF_ETRANSFER, it may still come there. */
int mf_config_vote(struct mf_repo *repo, uint64_t sequence, const struct mf_buf *own,
    struct mf_error *e);
/* Votes hold configurations as they would be put: those of that number, which is put, and lower
 * ones go. */
int mf_config_clear_votes(struct mf_repo *repo, uint64_t sequence, struct mf_error *e);

#endif
