/*
 * Votes: how writers agree on what comes to be at one sequence number of a ref or of the
 * configuration, in a store without conditional put. It is Disk Paxos (Gafni and Lamport, 2003)
 * on one disk, with a fresh block for each attempt; modelferry-repository(5), "Without
 * conditional put", has the steps, the argument and what is seen of it, tests/model/ballot.pml
 * the model. What is decided here is put by the caller: readers see nothing of the votes.
 *
 * Any number of processes at once; blocks on the store, and waits between attempts.
 */
#ifndef MF_REPO_BALLOT_INT_H
#define MF_REPO_BALLOT_INT_H

#include "src/base/buf.h"
#include "src/repo/repo_int.h"

struct mf_ballot_ops {
	/* Is there a position with the number that is voted on, or a higher one? 1: yes. 0. -1. */
	int (*is_taken)(void *arg, struct mf_error *e);
	/* Put the vote under that name, and look whether it counts. MF_ETRANSFER: who knows. */
	int (*put)(void *arg, const char *name, const struct mf_buf *vote, struct mf_error *e);
	/* Append what a vote says. 0. 1: it counts for nothing. -1: MF_ENOTFOUND, it was deleted;
	 * MF_EDAMAGED and so on: it may count, and nobody knows what it says. */
	int (*get)(void *arg, const char *name, struct mf_buf *vote, struct mf_error *e);
};

struct mf_ballot {
	struct mf_repo *repo; /* its store and patience are what is used */
	const char *prefix;   /* "p/MODEL/REF/SEQ/" or "p/config/SEQ/" */
	const struct mf_ballot_ops *ops;
	void *arg;
	bool has_voted; /* out: a vote for the own bytes was sent; they may be decided any time */
};

enum {
	MF_BALLOT_DECIDED, /* on what is in *decided, which is to be put now */
	MF_BALLOT_TAKEN,   /* somebody has put something there */
	MF_BALLOT_NONE,	   /* own is NULL, and nobody has voted */
};

/* Vote until it is over; own (NULL: only finish what others began) is what the caller wants there.
 * One of the above, or -1: MF_ECONFLICT, others are faster all the time, and the own bytes do not
 * come there; or with has_voted MF_ETRANSFER, and they may. */
int mf_ballot_run(struct mf_ballot *b, const struct mf_buf *own, struct mf_buf *decided,
    struct mf_error *e);

/* Delete all ballots and votes below prefix, "p/MODEL/REF/" or "p/config/", on sequence, which was
 * put, and on lower numbers. A prune deletes what is left. */
int mf_ballot_clear(struct mf_repo *repo, const char *prefix, uint64_t sequence,
    struct mf_error *e);

/* Is it the name of a vote on a ref? */
bool mf_ballot_is_ref_vote(const char *name);

#endif
