/* A prune's threads. What each holds at a time is known, so the memory budget has the last
 * word on how many there are. */
#include "src/repo/prune_int.h"

#define BASE_BYTES ((size_t)24 << 20)
#define NAME_BYTES 112 /* of a name in a set, with malloc's share */
#define MAX_THREADS 16

/* The tables of the run come out of the same budget. Behind a network threads mostly wait, and how
 * many requests there are is for the store's bounds to say. */
static unsigned
threads_for(const struct mf_prune_run *run, const struct mf_repo_work *w)
{
	size_t budget = run->p->memory_bytes ? run->p->memory_bytes : run->repo->memory_bytes;
	size_t used = BASE_BYTES + run->needs.capacity * sizeof(*run->needs.slots) +
		      (run->marks.n + run->manifests.n + run->burned.n + run->old_burned.n + w->n) *
			  NAME_BYTES;
	bool local = (mf_store_capabilities(run->repo->store) & MF_STORE_LOCAL) != 0;
	size_t most = local && run->repo->threads < MAX_THREADS ? run->repo->threads : MAX_THREADS;

	if (w->bytes_each > 0 && budget < used + most * w->bytes_each)
		most = budget > used ? (budget - used) / w->bytes_each : 0;
	if (most > w->n)
		most = w->n;
	return most < 1 ? 1 : (unsigned)most;
}

int
mf_prune_each(struct mf_prune_run *run, const struct mf_repo_work *w, struct mf_error *e)
{
	return mf_each_by(w, threads_for(run, w), e);
}

bool
mf_prune_interrupted(const struct mf_prune_run *run, struct mf_error *e)
{
	if (run->p->interrupted == NULL || !run->p->interrupted())
		return false;
	mf_error_set(e, MF_EINTERRUPTED, "interrupted");
	return true;
}
