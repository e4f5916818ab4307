/*
 * The same for each of many, at once where the store is far: an object takes a round trip to read
 * there, and one after the other they would take all of them in turn.
 */
#ifndef MF_REPO_EACH_INT_H
#define MF_REPO_EACH_INT_H

#include "src/repo/repo_int.h"

struct mf_repo_work {
	size_t n;
	size_t bytes_each; /* of memory, at most, while one call of work works; 0: hardly any */
	int (*work)(void *arg, size_t i, struct mf_error *e); /* on any thread */
	void *arg;
};

/* Threads for n things that take so many bytes of memory each (0: hardly any), at most an eighth of
 * the repository's in all: 1 on a local store or where there is no more room; on a far one as many
 * as read at once (mf_repo_readers). */
unsigned mf_repo_at_once(const struct mf_repo *repo, size_t n, size_t bytes_each);

/*
 * work(arg, i, e) for each i below n: by the caller, in order, with one thread; else by as many
 * threads as given, each of which takes the next. work answers 0; 1: that is enough; -1: it failed.
 * After either nothing more is begun.
 *
 * Whatever is before an i that was begun was begun as well, and has ended on return. 0: all were
 * done, or it was enough; -1 with a failure, which need not be that of the lowest i.
 */
int mf_each_by(const struct mf_repo_work *w, unsigned threads, struct mf_error *e);
/* By mf_repo_at_once threads. */
int mf_repo_each(struct mf_repo *repo, const struct mf_repo_work *w, struct mf_error *e);

#endif
