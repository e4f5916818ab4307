/* Everything before the first weight moves: it can be done again as often as it takes, until the
 * destination serves the version. */
#include "src/migrate/migrate_int.h"

static int
load(struct mf_migrating *x, struct mf_error *e)
{
	const struct mf_site_plan *d = &x->m->destination;

	if (mf_migrating_reload(x, d, x->version, e) != 0)
		return -1;
	return mf_migrating_serves(x, d, x->version, e);
}

static int
prepare(struct mf_migrating *x, struct mf_error *e)
{
	static int (*const stages[])(struct mf_migrating * x, struct mf_error * e) = {
	    mf_migrating_push,
	    mf_migrating_size_up,
	    mf_migrating_keep,
	    mf_migrating_deliver,
	    load,
	    mf_migrating_ask_requires,
	    mf_migrating_warm_up,
	    mf_migrating_compare,
	};
	size_t i;

	for (i = 0; i < sizeof stages / sizeof stages[0]; i++)
		if (stages[i](x, e) != 0)
			return -1;
		else if (mf_migrating_interrupted(x))
			return mf_error_set(
			    e, MF_EINTERRUPTED, "interrupted before any weight moved");
	return 0;
}

/* The same, which an abort stops at once: what is stored or brought by then stays. */
static int
prepare_until_abort(struct mf_migrating *x, struct mf_error *e)
{
	int rc;

	x->p->carry(true);
	if (mf_migrating_is_aborted(x)) /* heard before that */
		x->p->stop_carrying();
	rc = prepare(x, e);
	x->p->carry(false);
	return rc;
}

int
mf_migrating_prepare(struct mf_migrating *x, struct mf_error *e)
{
	if (prepare_until_abort(x, e) == 0)
		return 0;
	if (!mf_migrating_is_aborted(x))
		return -1;
	mf_error_clear(e);
	while (mf_migrating_steered(x) && x->steer != MF_STEER_ABORT)
		; /* what was asked for before it does not count any more */
	x->steer = MF_STEER_NONE;
	x->shift.control = MF_STEER_ABORT;
	return 0;
}
