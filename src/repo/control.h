/*
 * Control records: what a person wants of a run that goes on elsewhere (`migrate --abort RUN` and
 * its like). o/RUN/SEQ, sealed, and signed where there is a key; bytes: modelferry-repository(5),
 * CONTROL RECORDS. The run looks for them at each tick, and answers in its journal.
 *
 * Each has a sequence number and a random nonce. A run remembers the highest number that it
 * answered, and never answers one twice; an old record that somebody puts back has an old number,
 * and one that is copied to another name does not open.
 *
 * Any thread, any number of processes. Calls block on the store.
 */
#ifndef MF_REPO_CONTROL_H
#define MF_REPO_CONTROL_H

#include "crypto/sign.h"
#include "crypto/trust.h"
#include "src/repo/repo.h"

/* Numbers of the format. */
enum mf_control_verb {
	MF_CONTROL_ABORT = 1,
	MF_CONTROL_PROMOTE = 2,      /* past the pause or the gate that it stands at */
	MF_CONTROL_PROMOTE_FULL = 3, /* past all that is left of the steps */
	MF_CONTROL_PAUSE = 4,
	MF_CONTROL_CONTINUE = 5,
	MF_CONTROL_RETRY = 6,
	MF_CONTROL_VERBS_END
};

const char *mf_control_verb_name(enum mf_control_verb verb); /* "promote --full"; "?" */

#define MF_CONTROL_NONCE_BYTES 16u

struct mf_control {
	uint64_t sequence;
	uint8_t nonce[MF_CONTROL_NONCE_BYTES];
	enum mf_control_verb verb;
	int64_t time_us; /* by the clock of who wrote it */
	char by[257];    /* who, for people */
	char reason[1025];
	bool is_signed;
	uint8_t signer[MF_SIGN_PUBLIC_BYTES], signature[MF_SIGN_BYTES];
};

/* Put it for the run; sequence and nonce are set. signer may be NULL. MF_ENOTFOUND: the repository
 * knows of no such run. MF_ECONFLICT: others were faster each time. */
int mf_control_put(struct mf_repo *repo, const char *run, struct mf_control *control,
    const struct mf_signer *signer, struct mf_error *e);

/* Nonzero ends the reading, which returns it. */
typedef int mf_control_cb(void *arg, const struct mf_control *control);
/* Those of the run with a number above `answered`, in order. With trust, one that no trusted key
 * signed is passed over, and told to the log; so is one that cannot be read. */
int mf_control_each(struct mf_repo *repo, const char *run, uint64_t answered,
    const struct mf_trust *trust, int64_t now_us, mf_control_cb *cb, void *arg, struct mf_error *e);

#endif
