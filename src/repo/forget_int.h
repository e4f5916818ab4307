/* Taking a mark away without leaving a ref that points at nothing. */
#ifndef MF_REPO_FORGET_INT_H
#define MF_REPO_FORGET_INT_H

#include "src/repo/version.h"

/* Delete the mark of v (object, digest, root.model and root.version count) unless a ref points
 * at the version or is about to. 0; 1: one does, the mark stays and *e says which
 * (MF_ECONFLICT); -1: the mark may be there or not. Blocking. */
int mf_version_unmark(struct mf_repo *repo, const struct mf_version *v, struct mf_error *e);

/* The same for one of two equal versions, as long as the other one stays: its mark and root are
 * stored and on no list while this one's mark is on ours. So two who each take away what the other
 * keeps never both do it. Where they have one digest, a ref at one is at the other. 2: it need not
 * stay, and nothing was done. */
int mf_version_unmark_for(struct mf_repo *repo, const struct mf_version *v,
    const struct mf_version *instead, struct mf_error *e);

/* Does a ref point at the version, may one do so any moment, or does a run keep it? 0; 1, and *e
 * says which (MF_ECONFLICT); -1. */
int mf_version_is_held(struct mf_repo *repo, const struct mf_version *v, struct mf_error *e);

/* ref_move.c: for one who has put a hold of v: MF_ECONFLICT where it is on a condemned list, and
 * MF_ENOTFOUND where mark or root are gone. */
int mf_version_check_not_forgotten(
    struct mf_repo *repo, const struct mf_version *v, struct mf_error *e);

#endif
