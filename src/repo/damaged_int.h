/*
 * Objects that cannot be read. A version's manifest: which one is it, and what can be done about
 * it? Its object's name holds keyed hashes of the model's and the version's names; they are found by
 * hashing the names that refs and the readable manifests of the model tell.
 */
#ifndef MF_REPO_DAMAGED_INT_H
#define MF_REPO_DAMAGED_INT_H

#include "src/repo/repo_int.h"

/* "MODEL@VERSION" of the manifest m/OBJECT ("MODEL/VER-RAND") into spec. 0; 1: nothing that
 * can be read names it, and spec is "m/OBJECT", which mf_version_forget_damaged takes too.
 * Never fails: what cannot be read is passed over. Reads all refs and roots of the model. */
int mf_damaged_name(struct mf_repo *repo, const char *object, char spec[MF_VERSION_SPEC_BYTES]);
/* *e is why the manifest m/OBJECT cannot be read. Where that is damage, say which version it
 * is (spec; NULL: find out) and how to give it up. */
void mf_damaged_hint(
    struct mf_repo *repo, const char *object, const char *spec, struct mf_error *e);


/* Condemned lists, holds and votes on refs that cannot be read stop every push, prune, forget or
 * move that has to heed them, since nobody knows any more what they say. */

/* *e is why this one cannot be read. Where that is damage, say how to remove it. */
void mf_damaged_obstacle_hint(const char *object, struct mf_error *e);
/* Is it the name of a condemned list, a hold or a vote on a ref, "x/...", "h/..." or "p/..."? */
bool mf_damaged_is_obstacle(const char *name);
/* Remove it, which is safe once nobody works any more who put it, a run of prune or forget, or the
 * mover of a ref: only a person knows that. 0, and why it could not be read in reason; MF_ENOTFOUND;
 * MF_EUSAGE: it can be read. */
int mf_damaged_remove_obstacle(struct mf_repo *repo, const char *name,
    char reason[MF_ERROR_MESSAGE_BYTES], struct mf_error *e);

#endif
