/* Prune: delete what no version needs, beside running pushes, without locks. The protocol and
 * its proof: modelferry-repository(5), PRUNE BESIDE PUSH. */
#ifndef MF_REPO_PRUNE_H
#define MF_REPO_PRUNE_H

#include "src/base/progress.h"
#include "src/repo/repo.h"

struct mf_prune_params {
	unsigned keep_last;	/* newest versions kept a model; 0: no rule */
	int64_t keep_within_us; /* younger ones are kept; 0: no rule */
	const char *const *keep_tags; /* "k" or "k=v" */
	size_t n_keep_tags;
	int64_t grace_us; /* younger unreferenced objects are left alone (the store's clock) */
	bool dry_run, reseal;
	int64_t now_us;
	size_t memory_bytes;
	bool (*interrupted)(void);
	/* Each version that a keep rule drops; may be NULL. */
	void (*forgotten)(void *arg, const char *model, const char *version);
	void *arg;
	struct mf_progress *progress;
};

struct mf_prune_result {
	uint64_t versions_forgotten, manifests_deleted, objects_deleted, bytes_deleted, objects_kept,
	    spared, resealed;
	uint64_t locked; /* could not be deleted: the store keeps them, by a retention or a hold */
};

/* Without a keep rule no version is forgotten: only garbage goes. What the store keeps by a
 * retention or a legal hold is named in the log, counted and passed over, and chosen again by the
 * next run; then the answer is -1 with MF_EPERM, with all else done and counted. */
int mf_prune(struct mf_repo *repo, const struct mf_prune_params *p, struct mf_prune_result *out,
    struct mf_error *e);

#endif
