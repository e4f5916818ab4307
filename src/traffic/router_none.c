/* No router: the run moves data alone. */
#include <stdlib.h>

#include "src/traffic/router_int.h"

static int
check(struct mf_router *r, struct mf_router_can *can, struct mf_error *e)
{
	(void)r;
	(void)e;
	*can = (struct mf_router_can){0};
	return 0;
}

static int
get(struct mf_router *r, struct mf_router_seen *out, struct mf_error *e)
{
	(void)r;
	(void)e;
	*out = (struct mf_router_seen){
	    .primary = 100, .primary_share = 100, .note = "no router: traffic is not moved"};
	return 0;
}

static int
set(struct mf_router *r, unsigned primary, unsigned canary, bool mirror, const char *token,
    struct mf_error *e)
{
	(void)r;
	(void)token;
	if (primary == 100 && canary == 0 && !mirror)
		return 0;
	mf_error_set(e, MF_EUNSUPPORTED, "router none moves no traffic");
	return mf_error_hint(e, "name a router in the plan, or let the plan carry data alone");
}

static void
close_it(struct mf_router *r)
{
	free(r);
}

static const struct mf_router_ops ops = {
    .name = "none", .check = check, .get = get, .set = set, .close = close_it};

struct mf_router *
mf_router_open_none(
    const struct mf_router_plan *plan, const struct mf_router_params *params, struct mf_error *e)
{
	struct mf_router *r = calloc(1, sizeof *r);

	(void)plan;
	(void)params;
	if (r == NULL)
		mf_error_nomem(e, "a router");
	else
		r->ops = &ops;
	return r;
}
