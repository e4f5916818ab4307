/* What the files that find versions share. */
#ifndef MF_REPO_VERSION_INT_H
#define MF_REPO_VERSION_INT_H

#include "src/repo/repo_int.h"

/* Read the root m/OBJECT; object is "MODEL/VER-RAND", and its names must be those that the root
 * itself hashes to. *v is to be freed also after a failure. MF_ENOTFOUND, MF_EDAMAGED, MF_EKEY. */
int mf_version_read_root(struct mf_repo *repo, const char *object, struct mf_version *v,
    struct mf_error *e);
/* Does the mark v/... have its root among these (sorted)? */
bool mf_version_is_listed(const struct mf_names *manifests, const char *mark);

#endif
