/* Replicate: reseal a version into another repository, chunk by chunk, signature kept out. */
#ifndef MF_REPO_REPLICATE_H
#define MF_REPO_REPLICATE_H

#include "crypto/sign.h"
#include "src/base/progress.h"
#include "src/repo/repo.h"

struct mf_replicate_result {
	char version[160]; /* that was meant */
	uint64_t chunks, new_chunks, bytes, stored_bytes;
	bool already; /* the version is there with the same content */
};

/* Every chunk is opened, checked and sealed under the keys of `to`; the version's name, tags,
 * metrics and times are kept. signer (may be NULL) signs anew: repository ids differ. */
int mf_replicate(struct mf_repo *from, const char *spec, struct mf_repo *to,
    const struct mf_signer *signer, int64_t now_us, struct mf_progress *progress,
    struct mf_replicate_result *out, struct mf_error *e);

#endif
