/* How long to wait for a model to be loaded: nobody knows but by its size. */
#include "src/migrate/migrate_int.h"

#include "src/repo/version.h"

#define MARGIN 1.5              /* a rate is one of good days */
#define MOST_US 2592000000000.0 /* thirty days: as good as for ever */

uint64_t
mf_migrate_patience_us(uint64_t least_us, uint64_t bytes, uint64_t rate_bps)
{
	double us = rate_bps == 0 ? 0 : MARGIN * 1e6 * (double)bytes / (double)rate_bps;

	if (us > MOST_US)
		us = MOST_US;
	return us > (double)least_us ? (uint64_t)us : least_us;
}

uint64_t
mf_migrating_patience(const struct mf_migrating *x, uint64_t least_us)
{
	return mf_migrate_patience_us(least_us, x->outlook.version_bytes, x->m->load_rate_bps);
}

uint64_t
mf_migrating_ready_deadline(const struct mf_migrating *x)
{
	uint64_t us = x->canary->progress_deadline_us;

	return x->canary->has_progress_deadline ? us : mf_migrating_patience(x, us);
}

void
mf_migrating_know_size(struct mf_migrating *x, uint64_t bytes)
{
	x->outlook.version_bytes = bytes;
	if (x->engine.rollout_plan != NULL && !x->rollout.has_progress_deadline)
		x->rollout.progress_deadline_us =
		    mf_migrating_patience(x, x->p->plan->rollout->progress_deadline_us);
}

int
mf_migrating_size_up(struct mf_migrating *x, struct mf_error *e)
{
	struct mf_version v = {0};
	int rc;

	if (x->p->repo == NULL || x->m->load_rate_bps == 0)
		return 0;
	rc = mf_version_find(x->p->repo, x->m->model, x->version, &v, e);
	if (rc == 0)
		mf_migrating_know_size(x, v.root.bytes);
	mf_version_fini(&v);
	return rc < 0 ? -1 : 0;
}
