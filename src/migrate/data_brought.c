/* What lies at a destination: brought there, looked at, and turned back. */
#include "src/migrate/migrate_int.h"

#include <stdio.h>
#include <string.h>

#include "src/repo/intact.h"

#define KEEP_LOCAL 2u /* the new version, and the one to go back to */

static int
bring_to_destination(
    struct mf_migrating *x, const char *version, bool afresh, bool *came_now, struct mf_error *e)
{
	const struct mf_bringing b = {
	    .site = &x->m->destination,
	    .link = x->m->destination.link,
	    .model = x->m->model,
	    .version = version,
	    .keep_local = KEEP_LOCAL,
	    .afresh = afresh,
	    .came_now = came_now,
	};

	return mf_migrating_bring(x, &b, e) < 0 ? -1 : 0;
}

/* Open what the link shows, to look at it. */
static int
open_brought(struct mf_migrating *x, bool came_now, struct mf_error *e)
{
	const struct mf_site_plan *d = &x->m->destination;
	char path[4096];
	struct mf_intact_params p = {
	    .model = x->m->model,
	    .version = x->version,
	    .dir = path,
	    .just_pulled = came_now,
	};

	mf_intact_close(x->brought);
	x->brought = NULL;
	if (snprintf(path, sizeof path, "%s%s%s", d->dir, d->link == NULL ? "" : "/",
		d->link == NULL ? "" : d->link) >= (int)sizeof path)
		return mf_error_set(e, MF_EUSAGE, "%s: the path is too long", d->dir);
	return mf_intact_open(&x->brought, x->p->repo, &p, e);
}

static bool
is_interrupted(void *arg)
{
	return mf_migrating_interrupted(arg);
}

/* Pull the version, and look at what lies there. A pull takes a version that is there already for
 * whole, as it was when it came; here it is read. */
static int
bring(struct mf_migrating *x, bool afresh, struct mf_error *e)
{
	bool came_now = false;

	if (bring_to_destination(x, x->version, afresh, &came_now, e) != 0)
		return -1;
	if (x->m->destination.kind == MF_DESTINATION_MIRROR)
		return 0; /* it was compared by whoever wrote it */
	if (open_brought(x, came_now, e) != 0)
		return -1;
	return mf_intact_look(x->brought, is_interrupted, x, e);
}

int
mf_migrating_bring_whole(struct mf_migrating *x, struct mf_error *e)
{
	char text[MF_ERROR_MESSAGE_BYTES + 64];

	if (bring(x, false, e) == 0)
		return 0;
	if (e->code != MF_EDAMAGED || x->brought == NULL)
		return -1;
	(void)snprintf(text, sizeof text, "the data at the destination is damaged: %s", e->message);
	mf_migrating_alert(x, text);
	mf_error_clear(e);
	return bring(x, true, e);
}

int
mf_migrating_watch(struct mf_migrating *x, struct mf_error *e)
{
	const struct mf_site_plan *d = &x->m->destination;
	struct mf_intact *data;
	bool looked = x->brought != NULL;

	if (x->p->repo == NULL || d->remote || d->kind != MF_DESTINATION_DIR ||
	    x->m->router.type == MF_ROUTER_NONE)
		return 0;
	if (!looked && open_brought(x, false, e) != 0)
		return -1;
	data = x->brought;
	x->brought = NULL;
	return mf_watcher_start_take(&x->watcher, data, mf_migrating_watch_us(x), looked, e);
}

int
mf_migrating_link_back(struct mf_migrating *x, struct mf_error *e)
{
	const struct mf_site_plan *d = &x->m->destination;
	bool damaged = x->reason == MF_REASON_DAMAGED;

	if (x->p->repo == NULL || d->kind == MF_DESTINATION_NONE)
		return 1;
	/* nothing that is damaged is left for the next run to find there */
	if (damaged && bring_to_destination(x, x->version, true, NULL, e) != 0)
		return -1;
	if (x->shown[0] == '\0' || strcmp(x->shown, x->version) == 0)
		return damaged ? 0 : 1;
	if (d->kind == MF_DESTINATION_MIRROR)
		return mf_migrating_point_back(x, d, x->shown, e);
	return bring_to_destination(x, x->shown, false, NULL, e);
}
