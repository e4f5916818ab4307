/* The servers of a site: told to load, asked what they serve, warmed up, compared. */
#include "src/migrate/migrate_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/log.h"
#include "src/traffic/call.h"
#include "src/traffic/replay.h"
#include "src/traffic/serves.h"
#include "src/traffic/serves_metric.h"

/* At least, where the plan does not say. */
#define CALL_US UINT64_C(10000000)
#define SERVES_US UINT64_C(600000000)
#define SERVES_AGAIN_US UINT64_C(60000000)
#define WARMUP_US UINT64_C(300000000)

static bool
wait_us(void *arg, uint64_t us)
{
	const struct mf_migrating *x = arg;

	x->p->sleep(us);
	return !mf_migrating_interrupted(x);
}

static struct mf_call_params
call_params(struct mf_migrating *x)
{
	return (struct mf_call_params){
	    .dialer = mf_world_dialer(x->world),
	    .now_us = mf_migrating_ask_boot_us,
	    .interrupted = mf_migrating_ask_interrupted,
	    .arg = x,
	};
}

int
mf_migrating_ask(struct mf_migrating *x, const struct mf_call_plan *call, const char *server,
    const char *version, struct mf_buf *answer, struct mf_error *e)
{
	struct mf_call_params p = call_params(x);
	struct mf_call_values values = {
	    .server = server, .model = x->called_model, .version = version};

	return mf_call_do(&p, call, &values, 0, answer, e);
}

int
mf_migrating_call(struct mf_migrating *x, const struct mf_call_plan *call, const char *server,
    const char *version, struct mf_error *e)
{
	return mf_migrating_ask(x, call, server, version, NULL, e);
}

bool
mf_migrating_for_each_server(const struct mf_call_plan *call)
{
	size_t i;

	if (call->command == NULL)
		return strstr(call->url, "{server}") != NULL;
	for (i = 0; call->command[i] != NULL; i++)
		if (strstr(call->command[i], "{server}") != NULL)
			return true;
	return false;
}

int
mf_migrating_reload(struct mf_migrating *x, const struct mf_site_plan *site, const char *version,
    struct mf_error *e)
{
	struct mf_call_plan reload = site->reload;
	struct mf_error why;
	size_t i;
	int rc = 0;

	if (!site->has_reload)
		return 0;
	mf_migrating_stage(x, MF_STAGE_RELOAD, site->name);
	/* some answer only when they have loaded it */
	if (reload.timeout_us == 0)
		reload.timeout_us = mf_migrating_patience(x, CALL_US);
	if (!mf_migrating_for_each_server(&reload))
		return mf_migrating_call(x, &reload, NULL, version, e);
	for (i = 0; i < site->n_servers && !(rc != 0 && mf_migrating_interrupted(x)); i++) {
		why = (struct mf_error){0};
		if (mf_migrating_call(x, &reload, site->servers[i], version, &why) == 0)
			continue;
		(void)mf_error_while(&why, "reloading %s", site->servers[i]);
		if (rc == 0)
			*e = why;
		rc = -1;
	}
	return rc;
}

/* How many servers have to say it: those that are named, and no fewer than the router has. */
static size_t
count_servers(struct mf_migrating *x, const struct mf_site_plan *site)
{
	struct mf_router *r = mf_world_router(x->world);
	struct mf_router_seen seen = {0};
	struct mf_error ignored = {0};
	size_t n = site->n_servers;

	if (site == &x->m->destination || n == 0)
		(void)r->ops->get(r, &seen, &ignored);
	if (site == &x->m->destination && seen.canary_distinct > n)
		n = seen.canary_distinct;
	if (site != &x->m->destination && n == 0)
		n = seen.primary_servers;
	return n > 0 ? n : 1;
}

static int
serves_by_metric(struct mf_migrating *x, const struct mf_site_plan *site, const char *version,
    uint64_t within_us, struct mf_error *e)
{
	struct mf_serves_metric_params p = {
	    .prometheus = mf_world_prometheus(x->world, &site->serves.metric, e),
	    .plan = &site->serves,
	    .version = version,
	    .n_servers = count_servers(x, site),
	    .timeout_us = within_us,
	    .now_us = mf_migrating_ask_boot_us,
	    .interrupted = mf_migrating_ask_interrupted,
	    .wait = wait_us,
	    .arg = x,
	};

	return p.prometheus == NULL || mf_serves_metric_wait(&p, e) != 0
		   ? mf_error_while(e, "asking what %s serves", site->name)
		   : 0;
}

static int
serves(struct mf_migrating *x, const struct mf_site_plan *site, const char *version,
    uint64_t within_us, struct mf_error *e)
{
	static const char *const none[] = {""};
	bool each = !site->serves.unchecked && !site->serves.by_metric &&
		    mf_migrating_for_each_server(&site->serves.call);
	struct mf_serves_params p = {
	    .call = call_params(x),
	    .plan = &site->serves,
	    .servers = each ? site->servers : none,
	    .n_servers = each ? site->n_servers : 1,
	    .model = x->called_model,
	    .version = version,
	    .timeout_us = within_us,
	    .wait = wait_us,
	};
	struct mf_serves_said *said;
	int rc;

	if (site->serves.unchecked)
		return 0;
	mf_migrating_stage(x, MF_STAGE_SERVES, site->name);
	mf_migrating_show_wait(x, within_us, "%.60s to serve %.100s", site->name, version);
	if (site->serves.by_metric)
		return serves_by_metric(x, site, version, within_us, e);
	said = calloc(p.n_servers == 0 ? 1 : p.n_servers, sizeof *said);
	if (said == NULL)
		return mf_error_nomem(e, "the servers");
	rc = mf_serves_wait(&p, said, e);
	free(said);
	return rc;
}

static uint64_t
within(const struct mf_migrating *x, const struct mf_site_plan *site, uint64_t least_us)
{
	return site->serves.timeout_us == 0 ? mf_migrating_patience(x, least_us)
					    : site->serves.timeout_us;
}

int
mf_migrating_serves(struct mf_migrating *x, const struct mf_site_plan *site, const char *version,
    struct mf_error *e)
{
	return serves(x, site, version, within(x, site, SERVES_US), e);
}

int
mf_migrating_serves_again(struct mf_migrating *x, const struct mf_site_plan *site,
    const char *version, uint64_t most_us, struct mf_error *e)
{
	uint64_t us = within(x, site, SERVES_AGAIN_US);

	return serves(x, site, version, most_us != 0 && us > most_us ? most_us : us, e);
}

static struct mf_replay_params
replay_params(struct mf_migrating *x, const struct mf_replay_requests *requests)
{
	return (struct mf_replay_params){
	    .dialer = mf_world_dialer(x->world),
	    .requests = requests,
	    .timeout_us = WARMUP_US,
	    .now_us = mf_migrating_ask_boot_us,
	    .interrupted = mf_migrating_ask_interrupted,
	    .arg = x,
	};
}

int
mf_migrating_warm_up(struct mf_migrating *x, struct mf_error *e)
{
	const struct mf_site_plan *d = &x->m->destination;
	struct mf_replay_requests *requests;
	struct mf_replay_result result;
	struct mf_replay_params p;
	size_t i;
	int rc = 0;

	if (d->warmup.requests == NULL)
		return 0;
	mf_migrating_stage(x, MF_STAGE_WARMUP, d->warmup.requests);
	requests = mf_replay_read_file(d->warmup.requests, e);
	if (requests == NULL)
		return -1;
	p = replay_params(x, requests);
	p.count = d->warmup.count;
	p.concurrency = d->warmup.concurrency;
	if (d->warmup.timeout_us > 0)
		p.timeout_us = d->warmup.timeout_us;
	for (i = 0; rc == 0 && i < d->n_servers; i++)
		if ((rc = mf_replay_warm_up(&p, d->servers[i], &result, e)) != 0)
			(void)mf_error_while(e, "warming up %s", d->servers[i]);
	mf_replay_free(requests);
	return rc;
}

/* The worst of what differs, where the run ends by it: its report has no other place for them. */
static void
tell_worst(const struct mf_replay_agreement *a)
{
	size_t i;

	for (i = 0; i < a->n_worst; i++)
		mf_log(MF_LOG_WARNING, "compare: line %u: %s is %s and %s", a->worst[i].line,
		    a->worst[i].path[0] == '\0' ? "the answer" : a->worst[i].path, a->worst[i].left,
		    a->worst[i].right);
}

int
mf_migrating_compare(struct mf_migrating *x, struct mf_error *e)
{
	const struct mf_compare_plan *c = &x->m->compare;
	const struct mf_site_plan *s = &x->m->source, *d = &x->m->destination;
	struct mf_replay_requests *requests;
	struct mf_replay_params p;
	int rc;

	if (c->requests == NULL)
		return 0;
	mf_migrating_stage(x, MF_STAGE_COMPARE, c->requests);
	requests = mf_replay_read_file(c->requests, e);
	if (requests == NULL)
		return -1;
	p = replay_params(x, requests);
	rc = mf_replay_compare(&p, s->servers, s->n_servers, d->servers, d->n_servers, c->tolerance,
	    c->min_agreement, &x->agreement, e);
	if (rc != 0)
		tell_worst(&x->agreement);
	mf_replay_free(requests);
	return rc;
}
