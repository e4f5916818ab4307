/* What ref.c, ref_move.c, ref_record.c and ref_vote.c share inside the room. */
#ifndef MF_REPO_REF_INT_H
#define MF_REPO_REF_INT_H

#include "crypto/keyring.h"
#include "src/base/buf.h"
#include "src/repo/ref.h"
#include "src/repo/repo_int.h"

#define MF_REF_SIGN_DOMAIN "modelferry ref v1"

/* Append what the signature covers; then the signature, where is_signed. out->failed is sticky. */
void mf_ref_put_signed(const struct mf_ref *ref, const uint8_t repo_id[MF_REPO_ID_BYTES],
    struct mf_buf *out);
void mf_ref_put_signature(const struct mf_ref *ref, struct mf_buf *out);
/* The plaintext of a ref of the repository of that id. 0 and *out (mf_ref_fini); -1, *out is
 * empty: MF_EDAMAGED, MF_EUNSUPPORTED for a later format, MF_ENOMEM. Checks no signature. */
int mf_ref_decode(const uint8_t *bytes, size_t n, const uint8_t repo_id[MF_REPO_ID_BYTES],
    struct mf_ref *out, struct mf_error *e);
/* Takes what *take owns, also on failure. */
int mf_refs_append(struct mf_refs *refs, struct mf_ref *take, struct mf_error *e);

#define MF_REF_PREFIX_BYTES 68		      /* "r/" MODEL "/" REF "/" */
#define MF_REF_POSITION_BYTES (68 + 16)	      /* and SEQ; "-RAND" may follow */
/* "r/MODEL/REF/" */
void mf_ref_prefix(struct mf_repo *repo, const char *model, const char *name,
    char out[MF_OBJECT_NAME_BYTES]);
/* Of an object's name; 0: it is too short to have one. */
uint64_t mf_ref_sequence_of(const char *object);
/* Of names below r/: is name i the lowest of its sequence number, which counts? */
bool mf_ref_counts(const struct mf_names *names, size_t i);
/* And is there no higher number of its ref? */
bool mf_ref_is_newest(const struct mf_names *names, size_t i);
/* Remember that the ref came so far. */
int mf_ref_saw(struct mf_repo *repo, const struct mf_ref *ref, struct mf_error *e);

/* ref_vote.c: is the store one without conditional put? */
bool mf_ref_is_voted_on(struct mf_repo *repo);
/* Then get the position there; own is its plaintext. 0: it is there. 1: another is. -1, and
 * *may_come where it may come there all the same: its hold stays then. */
int mf_ref_vote(struct mf_repo *repo, const struct mf_ref *ref, const struct mf_buf *own,
    bool *may_come, struct mf_error *e);
/* Others voted on that position, and may have been killed: put what they would have. 0: there are
 * no votes. 1: the ref has moved, read it again. -1. */
int mf_ref_finish_vote(struct mf_repo *repo, const char *model, const char *name, uint64_t sequence,
    struct mf_error *e);

/* Read one ref object by its name. */
int mf_ref_read(struct mf_repo *repo, const char *object, struct mf_ref *out, struct mf_error *e);
/* Positions of a ref that a prune keeps; older ones may be gone. */
#define MF_REF_HISTORY_MAX 100

/* `previous` for lists and for keep rules: also where an annotation was removed. */
int mf_ref_previous_shown(struct mf_repo *repo, const char *model, struct mf_version *out,
    struct mf_error *e);
/* The version with the highest recorded metric that is neither rejected nor production; d as
 * for mf_ref_previous, and unsigned versions do not count. MF_ENOTFOUND: there is none. */
int mf_ref_best(struct mf_repo *repo, const char *model, const char *metric, bool allow_rejected,
    const struct mf_demands *d, struct mf_version *out, struct mf_error *e);
/* Does the ref meet the demands (NULL: none)? MF_EKEY. */
int mf_ref_check(struct mf_repo *repo, const struct mf_ref *ref, const struct mf_demands *d,
    struct mf_error *e);
/* There is no such ref. MF_EKEY: d->seen has seen one. */
int mf_ref_check_absent(struct mf_repo *repo, const char *model, const char *name,
    const struct mf_demands *d, struct mf_error *e);
/* trust must know who signed. MF_EKEY. */
int mf_ref_verify(struct mf_repo *repo, const struct mf_ref *ref, const struct mf_trust *trust,
    int64_t now_us, struct mf_error *e);

#endif
