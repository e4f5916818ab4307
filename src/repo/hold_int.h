/*
 * Holds: who is about to point a ref at a version says so first, so that a forget that looks
 * leaves the version alone. A hold is the object h/MODEL/VER/RAND, a ref record as it will be
 * put; it may lie there for ever when its writer was killed, and is dead once the ref has a
 * position of its sequence number or a higher one: its writer's put is refused then. Why this
 * order lets no ref point at nothing: modelferry-repository(5), FORGET, REFS, REKEY.
 */
#ifndef MF_REPO_HOLD_INT_H
#define MF_REPO_HOLD_INT_H

#include "src/repo/ref_int.h"
#include "src/repo/repo_int.h"

/* Say that the record `ref` is about to be put. name gets the hold's. After a failure there may
 * be one all the same. MF_ECONFLICT: the keys changed. */
int mf_hold_put(struct mf_repo *repo, const struct mf_ref *ref, char name[MF_OBJECT_NAME_BYTES],
    struct mf_error *e);
/* The hold of this name, which speaks of the version under whose name it lies (MF_EDAMAGED). */
int mf_hold_read(struct mf_repo *repo, const char *name, struct mf_ref *out, struct mf_error *e);
/* All holds of the name that the version of this object ("MODEL/VER-RAND") has, dead ones too.
 * The caller's. One that cannot be read is an error: it might be about to be put. */
int mf_hold_list(struct mf_repo *repo, const char *object, struct mf_refs *out,
    struct mf_error *e);
/* May its writer still put it? refs: the model's, read after the hold was. */
bool mf_hold_is_live(const struct mf_ref *hold, const struct mf_refs *refs);

/* The ref of a hold by which a run keeps a version (keep.h): this and the run's id. It begins as no
 * ref can; the hold's time is until when. */
#define MF_HOLD_RUN ".run "
bool mf_hold_is_of_run(const struct mf_ref *hold);
const char *mf_hold_run(const struct mf_ref *hold); /* of one that is */

#endif
