/*
 * Refs: named pointers to a version, with a sequence that only grows. Each move is a new
 * object, r/MODEL/REF/SEQ put only if absent, the store's conditional put being the
 * compare-and-swap; or, where a store has none, r/MODEL/REF/SEQ-RAND, on which the writers vote.
 * The objects are the history that `previous` is derived from.
 */
#ifndef MF_REPO_REF_H
#define MF_REPO_REF_H

#include "src/repo/repo.h"
#include "src/repo/version.h"

struct mf_ref {
	char *model, *name, *version;
	uint64_t sequence;
	uint8_t digest[32]; /* of the version's root */
	int64_t moved_us;
	char *by;
	bool is_signed;
	uint8_t signer[32], signature[64];
};

struct mf_refs {
	struct mf_ref *items;
	size_t n;
};

void mf_ref_fini(struct mf_ref *ref);
void mf_refs_fini(struct mf_refs *refs);

/* The ref as it stands. MF_ENOTFOUND; MF_EKEY: older than this client has seen. */
int mf_ref_get(struct mf_repo *repo, const char *model, const char *name, struct mf_ref *out,
    struct mf_error *e);
/* All refs of a model, `previous` (derived) among them where there is one. */
int mf_ref_list(struct mf_repo *repo, const char *model, struct mf_refs *out, struct mf_error *e);
/* A ref's history, oldest first. */
int mf_ref_history(struct mf_repo *repo, const char *model, const char *name, struct mf_refs *out,
    struct mf_error *e);
/*
 * The last version that was production, is not rejected, still exists and is not production
 * now. MF_ENOTFOUND: there is none.
 *
 * d (NULL: none) is demanded of production. With d->trust nothing counts but what is signed:
 * every position that is looked at must be, none may be missing, and that a version was
 * rejected is taken from how production moved (back to one that was made earlier). What nobody
 * signs, which is annotations, and whether a version still exists, can then only make this
 * refuse (MF_EKEY). The version itself is not verified here. Without trust it is refused where
 * an annotation of the version was removed, as far as that shows (MF_EDAMAGED).
 */
int mf_ref_previous(struct mf_repo *repo, const char *model, bool allow_rejected,
    const struct mf_demands *d, struct mf_version *out, struct mf_error *e);

/* Which versions are the best by a metric that was recorded with them. */
struct mf_best {
	const char *model, *metric;
	const char *const *without; /* versions that do not count */
	size_t n_without;
	size_t most;
};
/*
 * At most so many, the best first: those that were not rejected, and with d->trust are signed.
 * What production names counts, too. MF_ENOTFOUND: there is none. MF_EKEY, MF_EDAMAGED as
 * mf_ref_previous. That their data is there and whole is for who pulls them to find out.
 */
int mf_ref_list_best(struct mf_repo *repo, const struct mf_best *p, const struct mf_demands *d,
    struct mf_versions *out, struct mf_error *e);

struct mf_ref_move {
	const char *name;
	const struct mf_version *to;
	const char *expect;  /* NULL; version that must be the present one ("": no ref yet) */
	const char *by;	     /* actor, for the record */
	const struct mf_signer *signer; /* NULL: unsigned */
	/* Read just before the move: in a store whose writers vote, two moves to one version by
	 * one actor are told apart by their times. Two programs that begin at once read the same
	 * microsecond more often than one would think; after a few requests they do not. */
	int64_t now_us;
};
/* Move or create. *sequence gets the new one (may be NULL). MF_ECONFLICT: somebody was faster
 * or expect does not hold; MF_EUSAGE: the name is a version's, or `previous`. */
int mf_ref_set(struct mf_repo *repo, const struct mf_ref_move *move, uint64_t *sequence,
    struct mf_error *e);

struct mf_rollback {
	const char *model;
	const char *to;	    /* version, or NULL: previous */
	const char *best;   /* metric name, or NULL */
	bool allow_rejected;
	const char *reason, *by;
	const struct mf_signer *signer;
	const struct mf_trust *trust; /* go only where signatures say; NULL: need not be */
	int64_t now_us;
};
/* Move production back and mark the version it leaves as rejected. *from and *to get version
 * names (the caller's). */
int mf_ref_rollback(struct mf_repo *repo, const struct mf_rollback *p, char **from, char **to,
    struct mf_error *e);

#endif
