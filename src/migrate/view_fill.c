/* What a view says of a run, from the run's own state. */
#include <stdio.h>
#include <string.h>

#include "src/base/text.h"
#include "src/base/units.h"
#include "src/migrate/migrate.h"
#include "src/migrate/view_int.h"
#include "src/traffic/router.h"

/* What was added up may hold names, and may end within a character. */
static void
finish(char *out, size_t bytes)
{
	char text[512];

	(void)snprintf(text, sizeof text, "%s", out);
	mf_text_escape(out, bytes, text);
}

void
mf_view_init(struct mf_migrate_view *v, const struct mf_canary_plan *plan,
    const struct mf_migration_plan *m, const char *by)
{
	const struct mf_canary_metric *metric;
	struct mf_view_metric *out;
	size_t i;

	*v = (struct mf_migrate_view){
	    .threshold = plan->threshold,
	    .source_unchecked = m->source.serves.unchecked,
	    .destination_unchecked = m->destination.serves.unchecked,
	};
	mf_view_set_text(v->by, sizeof v->by, by);
	for (i = 0; i < plan->n_metrics && i < MF_VIEW_METRICS_MAX; i++) {
		metric = &plan->metrics[i];
		out = &v->metrics[v->n_metrics++];
		mf_view_set_text(out->name, sizeof out->name, metric->name);
		out->has_min = metric->range.has_min;
		out->has_max = metric->range.has_max;
		out->min = metric->range.min;
		out->max = metric->range.max;
		out->has_abort_min = metric->abort.has_min;
		out->has_abort_max = metric->abort.has_max;
		out->abort_min = metric->abort.min;
		out->abort_max = metric->abort.max;
		out->relative = metric->relative;
		out->alert_only = metric->alert_only;
		out->optional = metric->optional;
	}
	v->metrics_left_out = (unsigned)(plan->n_metrics - v->n_metrics);
}

void
mf_view_left(struct mf_migrate_view *v, uint64_t max_unattended_us, int64_t unix_us)
{
	v->at_us = v->left_us = unix_us;
	v->doing[0] = '\0';
	/* as whoever resumes it counts: from the tick that will not come */
	if (v->wanted > 0)
		v->back_after_us = v->next_us + (int64_t)max_unattended_us;
	v->next_us = 0;
}

void
mf_view_versions(struct mf_migrate_view *v, const char *version, const char *previous)
{
	mf_view_set_text(v->version, sizeof v->version, version);
	mf_view_set_text(v->previous, sizeof v->previous, previous);
}

void
mf_view_stage(struct mf_migrate_view *v, const char *stage, const char *text, int64_t unix_us)
{
	mf_view_set_text(v->stage, sizeof v->stage, stage);
	mf_view_set_text(v->doing, sizeof v->doing, text);
	v->waits[0] = '\0';
	mf_view_set_text(v->rollback, sizeof v->rollback, "nothing: no weight has moved");
	v->at_us = unix_us;
}

void
mf_view_doing(struct mf_migrate_view *v, const char *text, int64_t unix_us)
{
	mf_view_set_text(v->doing, sizeof v->doing, text);
	v->at_us = unix_us;
}

/* ---- where it stands ---- */

/* In the order of the engine's table (src/rollout/canary_back.c). */
static const char *
back_step(unsigned step)
{
	static const char *const names[] = {
	    "sessions are drained",
	    "the version is marked",
	    "the fallback is served",
	    "the workload is stopped",
	    "the primary's metrics are watched",
	};

	return step < sizeof names / sizeof names[0] ? names[step] : "its end";
}

static void
put_step(struct mf_migrate_view *v, const struct mf_view_moment *now)
{
	const struct mf_canary_state *s = &now->engine->state.canary;
	char when[MF_TIME_TEXT_BYTES];

	v->step[0] = '\0';
	if (s->phase == MF_PHASE_ROLLING_BACK)
		mf_view_add(v->step, sizeof v->step, "the way back: %s, try %u of %u",
		    back_step(s->back.step), s->back.tries + 1, MF_BACK_TRIES);
	else if (s->phase == MF_PHASE_BAKING)
		mf_view_add(v->step, sizeof v->step, "bake until %s",
		    mf_format_time(
			mf_view_unix_of(
			    now, s->bake_since_us + now->engine->canary_plan->bake.duration_us) /
			    1000000 * 1000000,
			when));
	else if (mf_canary_ended(s) || s->reason != MF_REASON_NONE)
		mf_view_add(v->step, sizeof v->step, "none");
	else if (now->engine->canary_plan->strategy != MF_STRATEGY_WEIGHTED)
		mf_view_add(v->step, sizeof v->step, "iteration %d of %u", s->iterations,
		    now->engine->canary_plan->iterations);
	else if (s->weight < 100)
		mf_view_add(v->step, sizeof v->step, "canary %u %%, then %u %%; maxWeight %u %%",
		    s->weight, mf_canary_next_weight(now->engine->canary_plan, s->weight),
		    mf_canary_maximum(now->engine->canary_plan));
	else
		mf_view_add(v->step, sizeof v->step, "canary 100 %%, then the bake");
}

static void
put_router(struct mf_migrate_view *v, const struct mf_view_moment *now)
{
	const struct mf_router_seen *r = now->router;

	v->wanted = mf_engine_standing(now->engine).weight;
	v->router_known = r != NULL;
	v->capacity = r != NULL && now->capacity;
	if (r == NULL)
		return; /* the weights that were read last stay */
	v->canary = r->canary;
	v->share = r->canary_share;
	v->primary_up = r->primary_up;
	v->primary_servers = r->primary_servers;
	v->canary_up = r->canary_up;
	v->canary_servers = r->canary_servers;
	v->sessions = r->canary_sessions;
	mf_view_set_text(v->router_note, sizeof v->router_note, r->note);
}

/* ---- what a rollback would do ---- */

/* The first of them, and those that are tried where it fails. */
static void
put_fallbacks(struct mf_migrate_view *v, const struct mf_rollback_plan *back, const char *before)
{
	const struct mf_fallback_plan *f;
	size_t i;

	for (i = 0; i < back->n_fallbacks; i++) {
		f = &back->fallbacks[i];
		mf_view_add(v->rollback, sizeof v->rollback, "%s", i == 0 ? before : ", else ");
		switch (f->kind) {
		case MF_FALLBACK_PREVIOUS:
			mf_view_add(v->rollback, sizeof v->rollback, "previous");
			break;
		case MF_FALLBACK_VERSION:
			mf_view_add(v->rollback, sizeof v->rollback, "version %s", f->version);
			break;
		case MF_FALLBACK_BEST:
			mf_view_add(v->rollback, sizeof v->rollback, "the best by %s", f->metric);
			break;
		case MF_FALLBACK_LIGHT:
			mf_view_add(v->rollback, sizeof v->rollback, "the lighter %s", f->model);
			break;
		}
	}
}

static void
put_shown_back(struct mf_migrate_view *v, const struct mf_site_plan *d, const char *shown)
{
	if (d->kind == MF_DESTINATION_MIRROR)
		mf_view_add(v->rollback, sizeof v->rollback,
		    "; the mirror's pointer names %s again", shown);
	else
		mf_view_add(
		    v->rollback, sizeof v->rollback, "; link %s shows %s again", d->link, shown);
}

static void
put_data_back(struct mf_migrate_view *v, const struct mf_view_moment *now)
{
	const struct mf_site_plan *d = &now->m->destination;
	const struct mf_rollback_plan *back = &now->m->rollback;
	char text[MF_UNIT_TEXT_BYTES];

	if (now->m->model != NULL)
		mf_view_add(v->rollback, sizeof v->rollback,
		    "; mark %s as rejected if it is at fault", now->version);
	if (d->remote && now->previous[0] != '\0')
		mf_view_add(
		    v->rollback, sizeof v->rollback, "; %s pulls %s again", d->name, now->previous);
	else if (now->shown[0] != '\0' && strcmp(now->shown, now->version) != 0)
		put_shown_back(v, d, now->shown);
	put_fallbacks(v, back, "; serve ");
	if (back->verify_for_us > 0)
		mf_view_add(v->rollback, sizeof v->rollback, "; watch the primary for %s",
		    mf_format_duration(back->verify_for_us, text));
}

static void
put_traffic_back(struct mf_migrate_view *v, const struct mf_view_moment *now)
{
	const struct mf_router_plan *r = &now->m->router;
	const struct mf_canary_plan *plan = now->engine->canary_plan;
	unsigned canary = v->canary, step = plan == NULL ? 0 : plan->back.step_weight;
	char text[MF_UNIT_TEXT_BYTES];

	if (canary == 0)
		mf_view_add(v->rollback, sizeof v->rollback, "weights stay at 100/0");
	else if (step == 0 || step >= canary)
		mf_view_add(v->rollback, sizeof v->rollback, "weights %u/%u to 100/0 at once",
		    100 - canary, canary);
	else
		mf_view_add(v->rollback, sizeof v->rollback, "weights %u/%u to 100/0 by %u a tick",
		    100 - canary, canary, step);
	if (r->type == MF_ROUTER_HAPROXY)
		mf_view_add(v->rollback, sizeof v->rollback, "; drain sessions for at most %s%s",
		    mf_format_duration(
			r->drain_timeout_us == 0 ? MF_ROUTER_DRAIN_US : r->drain_timeout_us, text),
		    r->cut_streams ? ", cut the rest" : "");
}

static void
put_rollback(struct mf_migrate_view *v, const struct mf_view_moment *now)
{
	struct mf_standing s = mf_engine_standing(now->engine);

	v->rollback[0] = '\0';
	if (s.ended)
		mf_view_add(v->rollback, sizeof v->rollback, "nothing: the run has ended");
	else if (s.after)
		mf_view_add(
		    v->rollback, sizeof v->rollback, "it is under way, because of %s", v->reason);
	else if (v->capacity && v->primary_up == 0) {
		mf_view_add(v->rollback, sizeof v->rollback,
		    "the primary has no server that is up, and gets no traffic: %s",
		    now->m->rollback.has_restore ? "restore is called" : "wait for one");
		if (now->engine->rollout_plan == NULL)
			put_fallbacks(v, &now->m->rollback, ", then serve ");
		mf_view_add(v->rollback, sizeof v->rollback, ", then a person is called");
	} else {
		put_traffic_back(v, now);
		put_data_back(v, now);
	}
}

void
mf_view_fill(struct mf_migrate_view *v, const struct mf_view_moment *now)
{
	v->at_us = now->unix_us;
	v->tick = now->tick;
	mf_view_set_text(v->phase, sizeof v->phase, mf_engine_standing(now->engine).phase);
	v->next_us = now->next_us == 0 ? 0 : mf_view_unix_of(now, now->next_us);
	put_router(v, now);
	if (now->engine->rollout_plan != NULL) {
		mf_view_fill_rollout(v, now);
	} else {
		v->failed_checks = now->engine->state.canary.failed_checks;
		put_step(v, now);
		mf_view_put_hold(v, now);
	}
	put_rollback(v, now);
	finish(v->step, sizeof v->step);
	finish(v->waits, sizeof v->waits);
	finish(v->rollback, sizeof v->rollback);
}

void
mf_view_measured(struct mf_migrate_view *v, size_t index, const struct mf_canary_metric *m,
    bool primary, const struct mf_measured *got, int64_t unix_us)
{
	struct mf_view_metric *out;

	if (index >= v->n_metrics)
		return;
	out = &v->metrics[index];
	if (primary) {
		out->has_primary = got->end == MF_MEASURE_VALUE;
		out->primary = got->value;
		return;
	}
	mf_view_set_text(out->check, sizeof out->check, mf_check_name(mf_view_check(m, false, got)));
	out->has_value = got->end == MF_MEASURE_VALUE;
	out->value = out->has_value ? got->value : 0;
	if (got->has_primary) {
		out->has_primary = true;
		out->primary = got->primary;
	}
	out->samples = got->samples;
	out->age_us = got->age_us;
	out->asked_us = unix_us;
	mf_view_set_text(out->why, sizeof out->why, got->why);
}
