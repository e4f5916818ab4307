/* Annotations: what is written beside a version after it was published. Each is one object,
 * put once; they are applied in the order of their times. */
#ifndef MF_REPO_ANNOTATION_INT_H
#define MF_REPO_ANNOTATION_INT_H

#include "src/repo/version.h"

/* Read the annotations of n versions and apply them: tags into root.tags, rejected. One that
 * is damaged is an error, unless damaged is given: then it is reported there and skipped. */
int mf_annotations_apply(struct mf_repo *repo, struct mf_version *items, size_t n,
    mf_version_damaged *damaged, void *arg, struct mf_error *e);

#endif
