#include "src/migrate/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/log.h"
#include "src/traffic/hooks.h"
#include "src/traffic/provider.h"

/* Of one answer, and what is made of it. */
#define ANSWER_MEMORY ((size_t)64 << 20)

struct mf_world {
	struct mf_world_params p;
	struct mf_router *router;
	struct mf_router_can can;
	struct mf_dialer *dialer;
	struct mf_hook_caller *hooks;
	struct mf_metric_provider *providers[MF_PROVIDER_TYPES];
	uint64_t changed_us;
};

static bool
pause_between_attempts(void *arg, uint64_t us)
{
	const struct mf_world *w = arg;

	if (w->p.dialer.wait != NULL)
		return w->p.dialer.wait(w->p.dialer.arg, us);
	return false;
}

static int
open_dialer(struct mf_world *w, struct mf_error *e)
{
	struct mf_dialer_params p = w->p.dialer;

	p.wait = pause_between_attempts;
	p.arg = w;
	p.interrupted = NULL;
	w->dialer = mf_dialer_open(&p, e);
	if (w->dialer == NULL)
		return -1;
	w->hooks = mf_hooks_open(w->dialer, e);
	return w->hooks == NULL ? -1 : 0;
}

/* The provider of a type of query, once. */
static int
open_type(struct mf_world *w, enum mf_provider_type type, struct mf_error *e)
{
	struct mf_metric_params p = {
	    .dialer = w->dialer,
	    .dialer_params = &w->p.dialer,
	    .secrets_dir = w->p.secrets_dir,
	    .unix_us = w->p.unix_us,
	    .now_us = w->p.monotonic_us,
	    .interrupted = w->p.interrupted,
	    .arg = w->p.arg,
	};

	return w->providers[type] != NULL ? 0 : mf_metric_open(type, &p, &w->providers[type], e);
}

static int
open_provider(struct mf_world *w, const struct mf_metric_query *q, struct mf_error *e)
{
	return mf_metric_check(q, w->p.dialer.allow_http, e) != 0 ? -1 : open_type(w, q->type, e);
}

/* Queries with arguments of the run are looked at when these are known. */
static int
open_analyses(struct mf_world *w, struct mf_error *e)
{
	const struct mf_rollout_plan *plan = w->p.rollout;
	const struct mf_analysis_plan *a;
	size_t i, k;

	for (i = 0; plan != NULL && i < plan->n_analyses; i++) {
		a = plan->analyses[i];
		for (k = 0; k < a->n_metrics; k++)
			if (open_type(w, a->metrics[k].query.type, e) != 0)
				return mf_error_while(
				    e, "opening metric %s of %s", a->metrics[k].name, a->name);
	}
	return 0;
}

static int
open_metrics(
    struct mf_world *w, const struct mf_canary_metric *metrics, size_t n, struct mf_error *e)
{
	const struct mf_canary_metric *m;
	size_t i;

	for (i = 0; i < n; i++) {
		m = &metrics[i];
		if (m->rule == MF_RULE_NO_QUERY)
			continue;
		if (open_provider(w, &m->query, e) != 0 ||
		    (m->has_primary_query && open_provider(w, &m->primary_query, e) != 0))
			return mf_error_while(e, "opening metric %s", m->name);
	}
	return 0;
}

static int
open_providers(struct mf_world *w, struct mf_error *e)
{
	const struct mf_canary_plan *plan = w->p.canary;
	const struct mf_back_plan *back = w->p.rollout != NULL ? &w->p.rollout->back : &plan->back;
	size_t i;

	if (open_metrics(w, plan->metrics, plan->n_metrics, e) != 0 || open_analyses(w, e) != 0)
		return -1;
	for (i = 0; i < back->n_fallbacks; i++)
		if (open_metrics(w, back->own[i].metrics, back->own[i].n, e) != 0)
			return -1;
	for (i = 0; i < plan->n_hooks; i++)
		if (mf_hooks_check(&plan->hooks[i], w->p.dialer.allow_http, e) != 0)
			return -1;
	return 0;
}

int
mf_world_open(struct mf_world **out, const struct mf_world_params *params, struct mf_error *e)
{
	struct mf_world *w = calloc(1, sizeof *w);
	struct mf_router_params r = {
	    .now_us = params->monotonic_us, .interrupted = params->interrupted, .arg = params->arg};

	*out = NULL;
	if (w == NULL)
		return mf_error_nomem(e, "the run");
	w->p = *params;
	w->router = mf_router_open(params->router, &r, e);
	if (w->router == NULL || open_dialer(w, e) != 0 || open_providers(w, e) != 0) {
		mf_world_close(w);
		return -1;
	}
	*out = w;
	return 0;
}

void
mf_world_close(struct mf_world *w)
{
	size_t i;

	if (w == NULL)
		return;
	for (i = 0; i < MF_PROVIDER_TYPES; i++)
		if (w->providers[i] != NULL)
			w->providers[i]->ops->close(w->providers[i]);
	if (w->hooks != NULL)
		w->hooks->ops->close(w->hooks);
	mf_dialer_close(w->dialer);
	mf_router_close(w->router);
	free(w);
}

struct mf_router *
mf_world_router(struct mf_world *w)
{
	return w->router;
}

const struct mf_router_can *
mf_world_can(const struct mf_world *w)
{
	return &w->can;
}

struct mf_dialer *
mf_world_dialer(struct mf_world *w)
{
	return w->dialer;
}

struct mf_metric_provider *
mf_world_prometheus(struct mf_world *w, const struct mf_metric_query *q, struct mf_error *e)
{
	return open_provider(w, q, e) != 0 ? NULL : w->providers[MF_PROVIDER_PROMETHEUS];
}

int
mf_world_check_router(struct mf_world *w, struct mf_error *e)
{
	return w->router->ops->check(w->router, &w->can, e);
}

void
mf_world_changed(struct mf_world *w, uint64_t at_us)
{
	w->changed_us = at_us;
}

/* Its window began before the new weights had settled: what it says is of the old ones, too. */
static bool
too_early(const struct mf_world *w, const struct mf_canary_metric *m, uint64_t now_us)
{
	uint64_t settled = w->changed_us + (w->p.rollout != NULL ? w->p.rollout->settle_us
								 : w->p.canary->settle_us);

	return w->changed_us != 0 && now_us < settled + m->window_us;
}

static void
ask(struct mf_world *w, const struct mf_metric_query *q, struct mf_measured *out)
{
	struct mf_metric_provider *provider = w->providers[q->type];
	struct mf_region_params p = {.plain_bytes = ANSWER_MEMORY, .what = "an answer"};
	struct mf_region *r;
	struct mf_error e = {0};

	*out = (struct mf_measured){.end = MF_MEASURE_ERROR};
	if (mf_region_new(&p, &r, &e) != 0) {
		(void)snprintf(out->why, sizeof out->why, "%.150s", e.message);
		return;
	}
	provider->ops->ask(provider, q, r, out);
	out->result = NULL; /* it goes with the region; a canary's metrics are numbers */
	mf_region_free(r);
}

static void
measure(struct mf_world *w, const struct mf_canary_metric *m, const struct mf_metric_query *q,
    uint64_t now_us, struct mf_measured *out)
{
	if (m->rule == MF_RULE_NO_QUERY)
		*out = (struct mf_measured){.end = MF_MEASURE_ERROR, .why = "it has no query"};
	else if (too_early(w, m, now_us))
		*out = (struct mf_measured){.end = MF_MEASURE_EARLY};
	else
		ask(w, q, out);
}

void
mf_world_measure_alone(
    struct mf_world *w, const struct mf_canary_metric *m, uint64_t now_us, struct mf_measured *out)
{
	measure(w, m, &m->query, now_us, out);
}

void
mf_world_measure(
    struct mf_world *w, unsigned i, bool primary, uint64_t now_us, struct mf_measured *out)
{
	const struct mf_canary_metric *m = &w->p.canary->metrics[i];
	struct mf_measured other;

	measure(w, m, primary ? &m->primary_query : &m->query, now_us, out);
	if (primary || !m->relative || out->end != MF_MEASURE_VALUE)
		return;
	ask(w, &m->primary_query, &other);
	out->has_primary = other.end == MF_MEASURE_VALUE;
	out->primary = other.value;
}

void
mf_world_ask(struct mf_world *w, const struct mf_metric_query *q, struct mf_region *r,
    struct mf_measured *out)
{
	struct mf_metric_provider *provider = w->providers[q->type];

	*out = (struct mf_measured){.end = MF_MEASURE_ERROR};
	provider->ops->ask(provider, q, r, out);
}

int
mf_world_probe_query(struct mf_world *w, const struct mf_metric_query *q, struct mf_error *e)
{
	struct mf_metric_provider *provider = w->providers[q->type];

	if (mf_metric_check(q, w->p.dialer.allow_http, e) != 0)
		return -1;
	return provider->ops->probe == NULL ? 0 : provider->ops->probe(provider, q, e);
}

void
mf_world_call_hook(
    struct mf_world *w, unsigned i, const struct mf_world_told *told, struct mf_hook_answer *out)
{
	const struct mf_canary_plan *plan = w->p.canary;
	struct mf_hook_call call = {
	    .hook = &plan->hooks[i],
	    .name = plan->name,
	    .namespace_name = plan->namespace_name,
	    .phase = told->phase,
	    .checksum = told->checksum,
	    .version = told->version,
	};

	w->hooks->ops->call(w->hooks, &call, out);
	if (!mf_hooks_passed(out))
		mf_log(MF_LOG_INFO, "hook %s: %s", plan->hooks[i].name, out->why);
}
