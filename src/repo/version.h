/*
 * Versions: which there are, and what is written beside them later (annotations: tags,
 * rejected, health). A version is there while its manifest root m/MODEL/VER-RAND and its mark
 * v/MODEL/VER-RAND both are.
 */
#ifndef MF_REPO_VERSION_H
#define MF_REPO_VERSION_H

#include "src/repo/manifest.h"
#include "src/repo/repo.h"

#define MF_VERSION_SPEC_BYTES 260 /* "MODEL@VERSION" and a NUL: names have up to 128 bytes */

struct mf_version {
	struct mf_root root;
	char object[160];   /* "MODEL/VER-RAND", the part of the names behind m/ and v/ */
	uint8_t digest[32]; /* BLAKE2b-256 of the root's bytes: what a ref commits to */
	struct mf_buf root_bytes; /* as signed */
	/* from annotations */
	bool rejected;
	char *rejected_reason; /* "" where none was given */
	char *rejected_by;
	bool note_removed; /* somebody removed an annotation: it may have said anything */
	uint64_t ref_sequence; /* of the ref that led here, where one did; else 0 */
};

struct mf_versions {
	struct mf_version *items; /* by model, then by creation time */
	size_t n;
};

/* object (m/... or a/...) is damaged; v: the version that it is about, NULL where unknown. */
typedef void mf_version_damaged(void *arg, const struct mf_version *v, const char *object,
    const struct mf_error *why);

/* Free what they own; an empty one is left. */
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
/* The listed version of exactly these names, no ref. 0; 1: there is none; -1. */
int mf_version_find(struct mf_repo *repo, const char *model, const char *version,
    struct mf_version *out, struct mf_error *e);

/* What somebody demands of the version and of the ref that leads to it. Zero: nothing. */
struct mf_demands {
	const struct mf_trust *trust; /* both are signed by one of these; NULL: need not be */
	int64_t now_us;		      /* when the signers must be valid, and ages end */
	uint64_t min_sequence;	      /* of the ref */
	int64_t max_ref_age_us;	      /* since the ref was moved; 0: any */
	struct mf_seen *seen;	      /* what a directory remembers, beside the state; NULL */
};
/* The same under demands (NULL: none). MF_EKEY: one is not met; MF_EUSAGE: one is about a ref,
 * and none leads there. Those on `previous` are demands on production. */
int mf_version_resolve_as(struct mf_repo *repo, const char *spec, const struct mf_demands *d,
    struct mf_version *out, struct mf_error *e);
/* Split "MODEL[@NAME]" and check both. name becomes NULL without '@'. Both are the caller's. */
int mf_version_split(const char *spec, char **model, char **name, struct mf_error *e);

/* Read all segments of a version. */
int mf_version_read(struct mf_repo *repo, const struct mf_version *v, struct mf_listing *out,
    struct mf_error *e);

/* The same into an empty listing of the caller's. After a failure it is empty and in plain
 * memory. */
int mf_version_read_into(struct mf_repo *repo, const struct mf_version *v, struct mf_listing *out,
    struct mf_error *e);

/* What an annotation says; NULL/0 where it says nothing about it. */
struct mf_annotation {
	const struct mf_tag *tags; /* value "" removes the tag */
	size_t n_tags;
	int rejected; /* 1 rejected, -1 cleared, 0 nothing */
	const char *reason, *by;
};
/* Put one more annotation beside the version: sealed, never replaced, the later one counts.
 * Durable when it returns. */
int mf_version_annotate(struct mf_repo *repo, const struct mf_version *v,
    const struct mf_annotation *a, int64_t now_us, struct mf_error *e);

/* Remove the version's mark: it is no longer listed; prune collects the rest. MF_ECONFLICT
 * where a ref points at it, or somebody is about to move one there (the ref is named). */
int mf_version_forget(struct mf_repo *repo, const struct mf_version *v, struct mf_error *e);

/* What mf_version_forget_damaged gave up. */
struct mf_forgotten {
	char name[MF_VERSION_SPEC_BYTES]; /* as it was given: MODEL@VERSION or an object */
	bool was_damaged;		  /* false: its manifest could be read after all */
	bool is_obstacle; /* no version, but a condemned list or a hold */
	char reason[MF_ERROR_MESSAGE_BYTES]; /* why it cannot be read; "" */
};
/* The same for a version whose manifest cannot be read. name: "MODEL@VERSION", or the object of
 * the manifest, "m/..." (then it must be damaged: MF_EUSAGE names the version). Whatever has
 * the name is forgotten. A condemned list or a hold, "x/..." or "h/...", which must be damaged, is
 * removed: the caller knows that who put it works no more. MF_ENOTFOUND; MF_ECONFLICT as above. A store that fails is no damage. */
int mf_version_forget_damaged(struct mf_repo *repo, const char *name, struct mf_forgotten *out,
    struct mf_error *e);

#endif
