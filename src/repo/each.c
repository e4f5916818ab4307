#include "src/repo/each_int.h"

#include <stdatomic.h>

#include "src/base/crew.h"

struct each {
	int (*work)(void *arg, size_t i, struct mf_error *e);
	void *arg;
	size_t n;
	atomic_size_t next;
	atomic_bool enough;
};

/* A thread's part. What was taken is done, whatever others say meanwhile. */
static int
take_turns(void *arg, struct mf_error *e)
{
	struct each *x = arg;
	size_t i;
	int rc;

	while (!atomic_load(&x->enough) && (i = atomic_fetch_add(&x->next, 1)) < x->n) {
		if ((rc = x->work(x->arg, i, e)) == 0)
			continue;
		atomic_store(&x->enough, true);
		if (rc < 0)
			return -1;
	}
	return 0;
}

static int
at_once(struct each *x, unsigned threads, struct mf_error *e)
{
	struct mf_crew *crew = mf_crew_new(e);
	int rc = 0;

	if (crew == NULL)
		return -1;
	while (rc == 0 && threads-- > 0)
		rc = mf_crew_start(crew, "read", take_turns, x, e);
	/* a thread that could not be started cancelled the crew, with the same error */
	rc = mf_crew_join(crew, e);
	mf_crew_free(crew);
	return rc;
}

int
mf_repo_each(struct mf_repo *repo, size_t n, int (*work)(void *arg, size_t i, struct mf_error *e),
    void *arg, struct mf_error *e)
{
	const bool local = (mf_store_capabilities(repo->store) & MF_STORE_LOCAL) != 0;
	const unsigned most = local ? 1 : mf_repo_readers(repo, 0);
	struct each x = {.work = work, .arg = arg, .n = n};

	return n < 2 || most < 2 ? take_turns(&x, e)
				 : at_once(&x, n < most ? (unsigned)n : most, e);
}
