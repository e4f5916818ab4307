/*
 * The same for each of many, at once where the store is far: an object takes a round trip to read
 * there, and one after the other they would take all of them in turn.
 */
#ifndef MF_REPO_EACH_INT_H
#define MF_REPO_EACH_INT_H

#include "src/repo/repo_int.h"

struct mf_repo_work {
	size_t n;
	size_t bytes_each; /* of memory, at most, while work works; 0: hardly any */
	int (*work)(void *arg, size_t i, struct mf_error *e);
	void *arg;
};

/*
 * work(arg, i, e) for each i below n: on a local store by the caller, in order; on a far one by as
 * many threads as read at once (mf_repo_readers), as far as an eighth of the memory goes, each of
 * which takes the next. work answers 0; 1: that is enough; -1: it failed. After either nothing more
 * is begun.
 *
 * Whatever is before an i that was begun was begun as well, and has ended on return. 0: all were
 * done, or it was enough; -1 with a failure, which need not be that of the lowest i.
 */
int mf_repo_each(struct mf_repo *repo, const struct mf_repo_work *w, struct mf_error *e);

#endif
