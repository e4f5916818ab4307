/*
 * Following: keep a directory at the version that a ref points at. The ref alone is looked at,
 * again and again (follow_step.h has how often, and what a failure means); when it has moved, a
 * pull brings the version, and until that has ended well the directory shows the one before.
 *
 * The loop runs on the caller's thread, and so do all callbacks. It ends when waiting.cancelled
 * says so, within 100 ms while it waits, and in a pull as the pull does.
 */
#ifndef MF_SYNC_FOLLOW_H
#define MF_SYNC_FOLLOW_H

#include "src/repo/pull.h"
#include "transfers/waiting.h"

enum mf_follow_kind {
	MF_FOLLOW_PULLING, /* a pull begins */
	MF_FOLLOW_PULLED,  /* it has ended; error: badly */
	MF_FOLLOW_SHOWN,   /* the directory is at the ref: by this pull, or as it was found */
	MF_FOLLOW_SAME,    /* a look found it there, as it was */
	MF_FOLLOW_TROUBLE, /* error; the first time, or again */
	MF_FOLLOW_WELL     /* a trouble is over */
};

/* Borrowed during the call. */
struct mf_follow_event {
	enum mf_follow_kind kind;
	bool of_pull;       /* TROUBLE, WELL: seen by a pull; else by a look */
	bool again;         /* TROUBLE: it was told before, and lasts */
	uint64_t lasted_us; /* TROUBLE, WELL */
	const struct mf_error *error;
	bool shown;          /* the directory is at the ref now */
	const char *version; /* of the ref; "", and sequence 0: not known */
	uint64_t sequence;
	const struct mf_pull_result *result; /* PULLED and SHOWN; NULL: it did not come by a pull */
	uint64_t took_us; /* TROUBLE, WELL: the look or pull; PULLED, SHOWN: the pull, or 0 */
	const char *path; /* SHOWN: where the version lies */
};

struct mf_follow_params {
	/* As for a pull; now_us is set for each, and so is leave_same. */
	struct mf_pull_params pull;
	uint64_t interval_us;
	bool once; /* one look, and a pull where it is needed */
	/* Open the repository anew; may change what pull says of trust. NULL: failed. */
	struct mf_repo *(*open)(void *arg, struct mf_pull_params *pull, struct mf_error *e);
	void (*close)(void *arg, struct mf_repo *repo);
	/* -1 ends the following with *e. */
	int (*tell)(void *arg, const struct mf_follow_event *event, struct mf_error *e);
	int64_t (*unix_us)(void *arg); /* the wall clock */
	void *arg;                     /* for these four */
	struct mf_waiting waiting;     /* copied */
};

/* 0: with once, the directory is at the ref; else it was when it was cancelled, and nothing was
 * in the way. -1: the failure that ended it, MF_EINTERRUPTED where something was still to do. */
int mf_follow(const struct mf_follow_params *p, struct mf_error *e);

#endif
