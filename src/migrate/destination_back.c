/*
 * The way back of a destination: nothing there offers the version that failed any more.
 *
 * The traffic is with the primary before anything here begins. So none of it keeps a fallback on
 * the primary's side waiting, and what cannot be done is told to people. Its link is turned on the
 * way; all that can be slow, or is owed then, is done at the end of the run.
 */
#include "src/migrate/migrate_int.h"

#include <stdio.h>
#include <string.h>

#include "src/base/log.h"

#define ASK_US UINT64_C(5000000)        /* how long to wait for a word of whose the run is */
#define RECEIPTS_US UINT64_C(600000000) /* how long a remote site may take */
#define LEAVING_US UINT64_C(10000000)   /* where it was told to end */

/* What it is to serve again: of a remote site nobody sees a link, and it followed a ref. Where it
 * showed nothing there is only the same version to load, which was damaged. */
static const char *
before(const struct mf_migrating *x)
{
	if (x->m->destination.remote)
		return x->previous;
	return x->shown[0] == '\0' ? x->version : x->shown;
}

/* A remote site follows the candidate ref: it is told by that. */
static int
candidate_back(struct mf_migrating *x, struct mf_error *e)
{
	if (x->previous[0] == '\0' || strcmp(x->previous, x->version) == 0)
		return 1;
	return mf_migrating_move_candidate(x, x->previous, e);
}

/* 0; 1: there is nothing to turn; -1. May be done again. */
static int
turn(struct mf_migrating *x, struct mf_error *e)
{
	return x->p->repo != NULL && x->m->destination.remote ? candidate_back(x, e)
							     : mf_migrating_link_back(x, e);
}

static int
see_it_back(struct mf_migrating *x, struct mf_error *e)
{
	const struct mf_site_plan *d = &x->m->destination;

	if ((d->remote && mf_migrating_wait_for_receipts(x, before(x),
			      x->leaving ? LEAVING_US : RECEIPTS_US, e) != 0) ||
	    mf_migrating_reload(x, d, before(x), e) != 0)
		return -1;
	return mf_migrating_serves_again(x, d, before(x), x->leaving ? LEAVING_US : 0, e);
}

int
mf_migrating_destination_back(struct mf_migrating *x, struct mf_error *e)
{
	int turned;

	x->called_model = x->m->model;
	turned = x->turned ? 0 : turn(x, e);
	if (turned != 0)
		return turned < 0 ? -1 : 0;
	x->turned = true;
	return see_it_back(x, e);
}

void
mf_migrating_turn_destination(struct mf_migrating *x)
{
	const char *model = x->called_model;
	struct mf_error e = {0};

	/* what is damaged is pulled again, which takes its time */
	if (x->turned || x->reason == MF_REASON_DAMAGED ||
	    (x->router_known && x->router.canary > 0))
		return;
	x->called_model = x->m->model;
	x->turned = turn(x, &e) == 0;
	x->called_model = model;
	if (e.code != MF_OK)
		mf_log(MF_LOG_WARNING, "%s is not back yet: %s", x->m->destination.name, e.message);
}

void
mf_migrating_end_at_destination(struct mf_migrating *x)
{
	char text[MF_TROUBLE_BYTES + 160];
	struct mf_error e = {0};
	int rc;

	/* a proxy that does not answer may still send it traffic */
	if (!x->router_known || x->router.canary > 0 ||
	    x->router.instances_seen < x->router.instances ||
	    mf_engine_standing(&x->engine).weight > 0)
		return;
	x->reason = mf_engine_standing(&x->engine).reason;
	rc = mf_keeper_may_go_back(x->keeper, ASK_US)
		 ? mf_migrating_destination_back(x, &e)
		 : mf_error_set(&e, MF_ECONFLICT, "the leases of this run are not held any more");
	if (rc == 0)
		return;
	(void)snprintf(x->not_back, sizeof x->not_back, "%.300s", e.message);
	(void)snprintf(text, sizeof text, "the destination %.100s is not back: %s",
	    x->m->destination.name, x->not_back);
	mf_migrating_alert(x, text);
}
