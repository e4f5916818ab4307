/*
 * Rekey: a new root secret and a new epoch, and everything but the chunks sealed under it at
 * once. Afterwards only chunks may carry an older epoch (prune with reseal moves them);
 * anything else in one is refused.
 */
#ifndef MF_REPO_REKEY_H
#define MF_REPO_REKEY_H

#include "src/repo/repo.h"

/*
 * Start an epoch, or finish a rekey that was cut off: run it again until it returns 0. No other
 * operation may use the handle meanwhile. Pushes under the old keys end with MF_ECONFLICT and
 * no version, pulls and verifies may end with MF_EKEY: they open the repository again.
 * What cannot be read (damaged) is named in the log and stays in the old epoch.
 */
int mf_rekey(struct mf_repo *repo, int64_t now_us, struct mf_error *e);

#endif
