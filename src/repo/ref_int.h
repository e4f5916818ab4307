/* What ref.c shares inside the room. */
#ifndef MF_REPO_REF_INT_H
#define MF_REPO_REF_INT_H

#include "src/repo/ref.h"

#define MF_REF_SIGN_DOMAIN "modelferry ref v1"

/* Read one ref object by its name. */
int mf_ref_read(struct mf_repo *repo, const char *object, struct mf_ref *out, struct mf_error *e);
/* trust must know who signed. MF_EKEY. */
int mf_ref_verify(struct mf_repo *repo, const struct mf_ref *ref, const struct mf_trust *trust,
    int64_t now_us, struct mf_error *e);

#endif
