#include "src/repo/each_int.h"

#include <stdatomic.h>

#include "src/base/crew.h"

struct each {
	const struct mf_repo_work *w;
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

	while (!atomic_load(&x->enough) && (i = atomic_fetch_add(&x->next, 1)) < x->w->n) {
		if ((rc = x->w->work(x->w->arg, i, e)) == 0)
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
		rc = mf_crew_start(crew, "each", take_turns, x, e);
	/* a thread that could not be started cancelled the crew, with the same error */
	rc = mf_crew_join(crew, e);
	mf_crew_free(crew);
	return rc;
}

int
mf_each_by(const struct mf_repo_work *w, unsigned threads, struct mf_error *e)
{
	struct each x = {.w = w};

	return threads < 2 ? take_turns(&x, e) : at_once(&x, threads, e);
}

unsigned
mf_repo_at_once(const struct mf_repo *repo, size_t n, size_t bytes_each)
{
	size_t most = mf_repo_readers(repo, 0);

	if ((mf_store_capabilities(repo->store) & MF_STORE_LOCAL) != 0)
		return 1;
	if (bytes_each > 0 && most > repo->memory_bytes / 8 / bytes_each)
		most = repo->memory_bytes / 8 / bytes_each;
	most = most < n ? most : n;
	return most < 1 ? 1 : (unsigned)most;
}

int
mf_repo_each(struct mf_repo *repo, const struct mf_repo_work *w, struct mf_error *e)
{
	return mf_each_by(w, mf_repo_at_once(repo, w->n, w->bytes_each), e);
}
