/*
 * Keeping versions: a run that is under way, and for a while after it succeeded, keeps its source,
 * destination, previous and every candidate, so that no forget and no prune of any machine takes
 * them, and no pull removes them from a directory that has them. What keeps a version is a hold
 * (modelferry-repository(5), HOLDS) of a ref that nobody can make, ".run RUN": it is live until it
 * is deleted, and every modelferry heeds it, also one that knows of no runs.
 *
 * Any number of processes at once. Calls block on the store.
 */
#ifndef MF_REPO_KEEP_H
#define MF_REPO_KEEP_H

#include "src/repo/version.h"

/* Until it is released. */
#define MF_KEEP_OPEN INT64_MAX

/* Views, valid during the callback. */
struct mf_keep {
	const char *run, *model, *version, *by;
	int64_t until_us;      /* Unix time, or MF_KEEP_OPEN */
	const uint8_t *digest; /* 32 bytes, of the version's root */
};
/* Nonzero ends the reading, which returns it. */
typedef int mf_keep_cb(void *arg, const struct mf_keep *keep);

/* Keep v for the run. by: who, for people; may be NULL. MF_ECONFLICT: it is being forgotten.
 * MF_ENOTFOUND: it was. Twice is once. */
int mf_keep(struct mf_repo *repo, const struct mf_version *v, const char *run, const char *by,
    int64_t until_us, struct mf_error *e);
/* The run is over: what it keeps is kept until then (its clock is the caller's: now_us), or let
 * go where that is past. */
int mf_keep_release(
    struct mf_repo *repo, const char *run, int64_t until_us, int64_t now_us, struct mf_error *e);
/* Let go whatever is kept until a time before now_us. A prune with keep rules and `forget` begin
 * with it. */
int mf_keep_expire(struct mf_repo *repo, int64_t now_us, struct mf_error *e);
/* What is kept; model and run may be NULL: of any. */
int mf_keep_each(struct mf_repo *repo, const char *model, const char *run, mf_keep_cb *cb,
    void *arg, struct mf_error *e);

#endif
