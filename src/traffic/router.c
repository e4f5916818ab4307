#include "src/traffic/router.h"

#include <math.h>

#include "src/traffic/router_int.h"
#include "src/traffic/shares.h"

#define GRACE_US 500000 /* from a program's SIGTERM to its SIGKILL */

struct mf_router *
mf_router_open(
    const struct mf_router_plan *plan, const struct mf_router_params *params, struct mf_error *e)
{
	switch (plan->type) {
	case MF_ROUTER_NONE: return mf_router_open_none(plan, params, e);
	case MF_ROUTER_HAPROXY: return mf_router_open_haproxy(plan, params, e);
	case MF_ROUTER_FILE: return mf_router_open_file(plan, params, e);
	case MF_ROUTER_EXEC: return mf_router_open_exec(plan, params, e);
	case MF_ROUTER_FOREIGN:
	case MF_ROUTER_TYPES: break;
	}
	mf_error_set(e, MF_EUNSUPPORTED, "router %s moves traffic within Kubernetes alone",
	    plan->foreign != NULL ? plan->foreign : "of no type");
	return NULL;
}

void
mf_router_close(struct mf_router *r)
{
	if (r != NULL)
		r->ops->close(r);
}

bool
mf_router_is_off(const struct mf_router_seen *seen)
{
	return fabs(seen->canary_share - seen->canary) > MF_SHARES_POINTS;
}

uint64_t
mf_router_deadline_us(const struct mf_router_plan *plan, const struct mf_router_params *params)
{
	const uint64_t timeout_us = plan->timeout_us != 0 ? plan->timeout_us : MF_ROUTER_TIMEOUT_US;

	return params->now_us(params->arg) + timeout_us;
}

int
mf_router_run(struct mf_program *p, const struct mf_router_params *params, uint64_t deadline_us,
    struct mf_error *e)
{
	const uint64_t now_us = params->now_us(params->arg);
	struct mf_error why = {0};
	int rc;

	if (now_us >= deadline_us)
		return mf_error_set(e, MF_ETRANSFER, "no time was left for %s", p->argv[0]);
	p->search = true;
	p->timeout_us = deadline_us - now_us;
	p->grace_us = GRACE_US;
	p->now_us = params->now_us;
	p->interrupted = params->interrupted;
	p->arg = params->arg;
	rc = mf_program_run(p, &why);
	if (rc != 0 && why.code == MF_EINTERRUPTED &&
	    (params->interrupted == NULL || !params->interrupted(params->arg)))
		why.code = MF_ETRANSFER;
	if (rc != 0 && e != NULL)
		*e = why;
	return rc;
}

int
mf_router_check_weights(unsigned primary, unsigned canary, struct mf_error *e)
{
	if (canary <= 100 && primary == 100 - canary)
		return 0;
	return mf_error_set(
	    e, MF_EUSAGE, "weights %u and %u do not add up to 100", primary, canary);
}
