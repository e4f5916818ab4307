/* Objects that the store keeps from being deleted: retentions and legal holds. */
#ifndef MF_REPO_LOCKED_INT_H
#define MF_REPO_LOCKED_INT_H

#include "transfers/store.h"

/* After a deletion was refused with *e: because the store keeps the object, as it tells? Then *e says
 * so (MF_EPERM), and until when. One request where *e is MF_EPERM, else none. */
bool mf_locked(struct mf_store *store, const char *name, struct mf_error *e);

/* Is that refusal (before mf_locked) all that became of the deletion? No: it had been sent before
 * and was not answered, so that it may still happen. */
bool mf_locked_is_final(const struct mf_error *e);

#endif
