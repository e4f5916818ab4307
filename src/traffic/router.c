#include "src/traffic/router.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/buf.h"
#include "src/traffic/haproxy_int.h"
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

static int
by_name(const void *a, const void *b)
{
	return strcmp(a, b);
}

static int
name_backends(const struct mf_router_plan *plan, struct mf_router_objects *out, struct mf_error *e)
{
	struct mf_haproxy_names backends;

	if (mf_haproxy_backends_of(plan, &backends, e) != 0)
		return -1;
	for (out->n = 0; out->n < backends.n; out->n++)
		(void)snprintf(
		    out->names[out->n], sizeof out->names[0], "haproxy:%s", backends.names[out->n]);
	qsort(out->names, out->n, sizeof out->names[0], by_name);
	return 0;
}

/* Plans that share an interpreter, and no more, have nothing to do with each other. */
static void
name_command(const char *const *command, char out[MF_ROUTER_OBJECT_BYTES])
{
	struct mf_buf b = MF_BUF_INIT;
	size_t i;

	for (i = 0; command[i] != NULL; i++)
		mf_buf_printf(&b, "%s%s", i == 0 ? "exec:" : " ", command[i]);
	mf_buf_put(&b, "", 1);
	(void)snprintf(
	    out, MF_ROUTER_OBJECT_BYTES, "%s", b.failed ? command[0] : (const char *)b.data);
	mf_buf_fini(&b);
}

int
mf_router_objects_of(
    const struct mf_router_plan *plan, struct mf_router_objects *out, struct mf_error *e)
{
	out->n = 0;
	switch (plan->type) {
	case MF_ROUTER_HAPROXY: return name_backends(plan, out, e);
	case MF_ROUTER_FILE:
		(void)snprintf(
		    out->names[out->n++], sizeof out->names[0], "file:%s", plan->output_path);
		return 0;
	case MF_ROUTER_EXEC: name_command(plan->command, out->names[out->n++]); return 0;
	default: return 0;
	}
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
