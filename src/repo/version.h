/*
 * Versions: which there are, and what is written beside them later (annotations: tags,
 * rejected, health). A version is there while its manifest root m/MODEL/VER-RAND and its mark
 * v/MODEL/VER-RAND both are.
 */
#ifndef MF_REPO_VERSION_H
#define MF_REPO_VERSION_H

#include "src/repo/manifest.h"
#include "src/repo/repo.h"

struct mf_version {
	struct mf_root root;
	char object[160];   /* "MODEL/VER-RAND", the part of the names behind m/ and v/ */
	uint8_t digest[32]; /* BLAKE2b-256 of the root's bytes: what a ref commits to */
	struct mf_buf root_bytes; /* as signed */
	/* from annotations */
	bool rejected;
	char *rejected_reason; /* "" where none was given */
	char *rejected_by;
};

struct mf_versions {
	struct mf_version *items; /* by model, then by creation time */
	size_t n;
};

/* object (m/... or a/...) is damaged; v: the version that it is about, NULL where unknown. */
typedef void mf_version_damaged(void *arg, const struct mf_version *v, const char *object,
    const struct mf_error *why);

void mf_version_fini(struct mf_version *v);
void mf_versions_fini(struct mf_versions *vs);

/* All versions of the repository, or of one model (NULL: all). Later tags override the tags of
 * the root in root.tags. A root or annotation that cannot be read is an error (MF_EDAMAGED,
 * MF_EKEY), unless damaged is given: then it is reported there and skipped. */
int mf_versions_list(struct mf_repo *repo, const char *model, mf_version_damaged *damaged,
    void *arg, struct mf_versions *out, struct mf_error *e);

/* "MODEL", "MODEL@VERSION" or "MODEL@REF" to a version: without @, production, else the only
 * version, else MF_ENOTFOUND with what there is. */
int mf_version_resolve(struct mf_repo *repo, const char *spec, struct mf_version *out,
    struct mf_error *e);
/* Split "MODEL[@NAME]" and check both. name becomes NULL without '@'. Both are the caller's. */
int mf_version_split(const char *spec, char **model, char **name, struct mf_error *e);

/* Read all segments of a version. */
int mf_version_read(struct mf_repo *repo, const struct mf_version *v, struct mf_listing *out,
    struct mf_error *e);

/* What an annotation says; NULL/0 where it says nothing about it. */
struct mf_annotation {
	const struct mf_pair *tags; /* value "" removes the tag */
	size_t n_tags;
	int rejected; /* 1 rejected, -1 cleared, 0 nothing */
	const char *reason, *by;
};
int mf_version_annotate(struct mf_repo *repo, const struct mf_version *v,
    const struct mf_annotation *a, int64_t now_us, struct mf_error *e);

/* Remove the version's mark: it is no longer listed; prune collects the rest. MF_ECONFLICT
 * where a ref points at it (the refs are named), read again right before the delete. */
int mf_version_forget(struct mf_repo *repo, const struct mf_version *v, struct mf_error *e);

#endif
