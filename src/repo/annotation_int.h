/* Annotations: what is written beside a version after it was published. Each is one object,
 * put once; they are applied in the order of their times. */
#ifndef MF_REPO_ANNOTATION_INT_H
#define MF_REPO_ANNOTATION_INT_H

#include "src/repo/version.h"

/* An annotation as it was read. Owns its strings. */
struct mf_annotation_record {
	uint8_t digest[32]; /* of the root that it is about */
	int64_t time_us;
	int rejected; /* 1 rejected, -1 cleared, 0 nothing */
	char *reason, *by;
	struct mf_tag *tags; /* value "": removes the tag */
	size_t n_tags;
};

void mf_annotation_record_fini(struct mf_annotation_record *x);
/* Would a reader take it? MF_EUSAGE where a text or a list is too long. */
int mf_annotation_check(const struct mf_annotation *a, struct mf_error *e);
/* Append the plaintext. -1: MF_EUSAGE where a text or a list is longer than a reader takes,
 * MF_ENOMEM. */
int mf_annotation_encode(const struct mf_annotation *a, const uint8_t digest[32], int64_t time_us,
    struct mf_buf *out, struct mf_error *e);
/* 0 and *out (mf_annotation_record_fini); -1, *out is empty: MF_EDAMAGED, MF_EUNSUPPORTED for a
 * later format, MF_ENOMEM. */
int mf_annotation_decode(const uint8_t *bytes, size_t n, struct mf_annotation_record *out,
    struct mf_error *e);
/* Apply it to the version: nothing where it is about another of the name. What is kept is taken
 * out of x, which the caller fini's all the same. -1: MF_ENOMEM. */
int mf_annotation_apply(struct mf_annotation_record *x, struct mf_version *v, struct mf_error *e);

/* Read the annotations of n versions, sorted by model, and apply them: tags into root.tags,
 * rejected. One that is damaged is an error, unless damaged is given: then it is reported there and
 * skipped. One that was removed (another came after it) is reported there or else told to the log.
 */
int mf_annotations_apply(struct mf_repo *repo, struct mf_version *items, size_t n,
    mf_version_damaged *damaged, void *arg, struct mf_error *e);

#endif
