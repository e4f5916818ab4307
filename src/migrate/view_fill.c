/* What a view says of a run, from the run's own state. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "src/base/text.h"
#include "src/base/units.h"
#include "src/migrate/migrate.h"
#include "src/traffic/router.h"

static void
set_text(char *out, size_t bytes, const char *text)
{
	mf_text_escape(out, bytes, text == NULL ? "" : text);
}

static void __attribute__((format(printf, 3, 4))) add(char *out, size_t bytes, const char *fmt, ...)
{
	size_t n = strlen(out);
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(out + n, bytes - n, fmt, ap);
	va_end(ap);
}

/* What was added up may hold names, and may end within a character. */
static void
finish(char *out, size_t bytes)
{
	char text[512];

	(void)snprintf(text, sizeof text, "%s", out);
	mf_text_escape(out, bytes, text);
}

/* A time of the run's clock, by that of the machine. */
static int64_t
unix_of(const struct mf_view_moment *now, uint64_t us)
{
	return now->unix_us + ((int64_t)us - (int64_t)now->now_us);
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
	set_text(v->by, sizeof v->by, by);
	for (i = 0; i < plan->n_metrics && i < MF_VIEW_METRICS_MAX; i++) {
		metric = &plan->metrics[i];
		out = &v->metrics[v->n_metrics++];
		set_text(out->name, sizeof out->name, metric->name);
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
	set_text(v->version, sizeof v->version, version);
	set_text(v->previous, sizeof v->previous, previous);
}

void
mf_view_stage(struct mf_migrate_view *v, const char *stage, const char *text, int64_t unix_us)
{
	set_text(v->stage, sizeof v->stage, stage);
	set_text(v->doing, sizeof v->doing, text);
	v->waits[0] = '\0';
	set_text(v->rollback, sizeof v->rollback, "nothing: no weight has moved");
	v->at_us = unix_us;
}

void
mf_view_doing(struct mf_migrate_view *v, const char *text, int64_t unix_us)
{
	set_text(v->doing, sizeof v->doing, text);
	v->at_us = unix_us;
}

void
mf_view_waits(struct mf_migrate_view *v, const char *what, int64_t until_us, int64_t unix_us)
{
	char when[MF_TIME_TEXT_BYTES];

	set_text(v->waits, sizeof v->waits - sizeof when - sizeof ", until ", what);
	if (until_us != 0)
		add(v->waits, sizeof v->waits, ", until %s",
		    mf_format_time(until_us / 1000000 * 1000000, when));
	v->at_us = unix_us;
}

void
mf_view_put_watched(struct mf_migrate_view *v, const struct mf_view_moment *now,
    const struct mf_way_back *back, uint64_t verify_for_us)
{
	if (back->verify_since_us != 0)
		mf_view_waits(v, "the primary's metrics, which are watched",
		    unix_of(now, back->verify_since_us + verify_for_us), now->unix_us);
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
		add(v->step, sizeof v->step, "the way back: %s, try %u of %u",
		    back_step(s->back.step), s->back.tries + 1, MF_BACK_TRIES);
	else if (s->phase == MF_PHASE_BAKING)
		add(v->step, sizeof v->step, "bake until %s",
		    mf_format_time(unix_of(now, s->bake_since_us +
						    now->engine->canary_plan->bake.duration_us) /
				       1000000 * 1000000,
			when));
	else if (mf_canary_ended(s) || s->reason != MF_REASON_NONE)
		add(v->step, sizeof v->step, "none");
	else if (now->engine->canary_plan->strategy != MF_STRATEGY_WEIGHTED)
		add(v->step, sizeof v->step, "iteration %d of %u", s->iterations,
		    now->engine->canary_plan->iterations);
	else if (s->weight < 100)
		add(v->step, sizeof v->step, "canary %u %%, then %u %%; maxWeight %u %%", s->weight,
		    mf_canary_next_weight(now->engine->canary_plan, s->weight),
		    mf_canary_maximum(now->engine->canary_plan));
	else
		add(v->step, sizeof v->step, "canary 100 %%, then the bake");
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
	set_text(v->router_note, sizeof v->router_note, r->note);
}

/* ---- what it waits for ---- */

/* The first metric that has no value, and so holds. */
static void
put_no_value(struct mf_migrate_view *v)
{
	const struct mf_view_metric *m;
	size_t i;

	for (i = 0; i < v->n_metrics; i++) {
		m = &v->metrics[i];
		if (m->has_value || m->optional || m->check[0] == '\0')
			continue;
		if (strcmp(m->check, mf_check_name(MF_CHECK_EARLY)) == 0)
			add(v->waits, sizeof v->waits,
			    "%s: its window began before the last change of weights had settled",
			    m->name);
		else
			add(v->waits, sizeof v->waits, "%s has no value%s%s", m->name,
			    m->why[0] == '\0' ? "" : ": ", m->why);
		return;
	}
	add(v->waits, sizeof v->waits, "a metric has no value");
}

void
mf_view_put_window(struct mf_migrate_view *v, const struct mf_view_moment *now)
{
	const struct mf_freeze_plan *freeze = mf_migrate_freeze_at(now->m, now->unix_us / 1000000);
	char until[MF_TIME_TEXT_BYTES];

	if (freeze == NULL)
		(void)snprintf(v->waits, sizeof v->waits, "a window of the plan, to step forward");
	else
		(void)snprintf(v->waits, sizeof v->waits,
		    "the end of a freeze at %s, to step forward",
		    mf_format_time(freeze->to_unix_s * 1000000, until));
}

static void
put_waits(struct mf_migrate_view *v, const struct mf_view_moment *now)
{
	const struct mf_canary_state *s = &now->engine->state.canary;

	v->waits[0] = '\0';
	switch (s->hold) {
	case MF_HOLD_NONE:
		if (s->phase == MF_PHASE_ROLLING_BACK)
			mf_view_put_watched(
			    v, now, &s->back, now->engine->canary_plan->back.verify_for_us);
		else if (!now->may_step && !mf_canary_ended(s))
			mf_view_put_window(v, now);
		break;
	case MF_HOLD_PAUSED:
		add(v->waits, sizeof v->waits, "%s",
		    now->engine->canary_plan->suspend ? "the plan says suspend"
						      : "paused by hand; --continue goes on");
		break;
	case MF_HOLD_GATE:
		add(v->waits, sizeof v->waits, "gate %s is closed; --promote passes it", now->gate);
		break;
	case MF_HOLD_NO_DATA:
	case MF_HOLD_SETTLING: put_no_value(v); break;
	case MF_HOLD_LOWERED:
		add(v->waits, sizeof v->waits,
		    "somebody gave the canary %u %% in place of %u %%; --continue goes on from "
		    "there",
		    v->canary, s->weight);
		break;
	case MF_HOLD_SHARED_FAULT:
		add(v->waits, sizeof v->waits, "the primary fares no better than the canary");
		break;
	case MF_HOLD_PRIMARY_DOWN:
		add(v->waits, sizeof v->waits, "the primary has no server that is up");
		break;
	case MF_HOLD_NOT_READY:
		add(v->waits, sizeof v->waits, "%s",
		    v->capacity && v->canary_up == 0
			? "the canary has no server that is up"
			: "a side has fewer servers up than its ready threshold");
		break;
	case MF_HOLD_CONFLICT:
		add(v->waits, sizeof v->waits, "production moved under this run");
		break;
	case MF_HOLD_JOURNAL:
		add(v->waits, sizeof v->waits,
		    "the journal of this machine, which cannot be written");
		break;
	case MF_HOLD_REPOSITORY:
		add(v->waits, sizeof v->waits,
		    "the repository, which does not answer; the way back needs none");
		break;
	default: add(v->waits, sizeof v->waits, "the router cannot be read, or refuses"); break;
	}
}

static void
put_hold(struct mf_migrate_view *v, const struct mf_view_moment *now)
{
	const struct mf_canary_plan *p = now->engine->canary_plan;
	uint64_t most = p->max_hold_us == 0 ? MF_HOLD_INTERVALS * p->interval_us : p->max_hold_us;

	set_text(v->hold, sizeof v->hold, mf_hold_name(now->engine->state.canary.hold));
	set_text(v->reason, sizeof v->reason, mf_reason_name(now->engine->state.canary.reason));
	v->hold_since_us = v->hold_until_us = 0;
	v->hold_end[0] = '\0';
	put_waits(v, now);
	if (now->engine->state.canary.hold == MF_HOLD_NONE)
		return;
	v->hold_since_us = unix_of(now, now->engine->state.canary.hold_since_us);
	v->hold_until_us = v->hold_since_us + (int64_t)most;
	set_text(v->hold_end, sizeof v->hold_end,
	    p->hold_end == MF_HOLD_ROLLBACK ? "rollback" : "alert");
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
		add(v->rollback, sizeof v->rollback, "%s", i == 0 ? before : ", else ");
		switch (f->kind) {
		case MF_FALLBACK_PREVIOUS: add(v->rollback, sizeof v->rollback, "previous"); break;
		case MF_FALLBACK_VERSION:
			add(v->rollback, sizeof v->rollback, "version %s", f->version);
			break;
		case MF_FALLBACK_BEST:
			add(v->rollback, sizeof v->rollback, "the best by %s", f->metric);
			break;
		case MF_FALLBACK_LIGHT:
			add(v->rollback, sizeof v->rollback, "the lighter %s", f->model);
			break;
		}
	}
}

static void
put_shown_back(struct mf_migrate_view *v, const struct mf_site_plan *d, const char *shown)
{
	if (d->kind == MF_DESTINATION_MIRROR)
		add(v->rollback, sizeof v->rollback, "; the mirror's pointer names %s again",
		    shown);
	else
		add(v->rollback, sizeof v->rollback, "; link %s shows %s again", d->link, shown);
}

static void
put_data_back(struct mf_migrate_view *v, const struct mf_view_moment *now)
{
	const struct mf_site_plan *d = &now->m->destination;
	const struct mf_rollback_plan *back = &now->m->rollback;
	char text[MF_UNIT_TEXT_BYTES];

	if (now->m->model != NULL)
		add(v->rollback, sizeof v->rollback, "; mark %s as rejected if it is at fault",
		    now->version);
	if (d->remote && now->previous[0] != '\0')
		add(v->rollback, sizeof v->rollback, "; %s pulls %s again", d->name, now->previous);
	else if (now->shown[0] != '\0' && strcmp(now->shown, now->version) != 0)
		put_shown_back(v, d, now->shown);
	put_fallbacks(v, back, "; serve ");
	if (back->verify_for_us > 0)
		add(v->rollback, sizeof v->rollback, "; watch the primary for %s",
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
		add(v->rollback, sizeof v->rollback, "weights stay at 100/0");
	else if (step == 0 || step >= canary)
		add(v->rollback, sizeof v->rollback, "weights %u/%u to 100/0 at once", 100 - canary,
		    canary);
	else
		add(v->rollback, sizeof v->rollback, "weights %u/%u to 100/0 by %u a tick",
		    100 - canary, canary, step);
	if (r->type == MF_ROUTER_HAPROXY)
		add(v->rollback, sizeof v->rollback, "; drain sessions for at most %s%s",
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
		add(v->rollback, sizeof v->rollback, "nothing: the run has ended");
	else if (s.after)
		add(v->rollback, sizeof v->rollback, "it is under way, because of %s", v->reason);
	else if (v->capacity && v->primary_up == 0) {
		add(v->rollback, sizeof v->rollback,
		    "the primary has no server that is up, and gets no traffic: %s",
		    now->m->rollback.has_restore ? "restore is called" : "wait for one");
		if (now->engine->rollout_plan == NULL)
			put_fallbacks(v, &now->m->rollback, ", then serve ");
		add(v->rollback, sizeof v->rollback, ", then a person is called");
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
	set_text(v->phase, sizeof v->phase, mf_engine_standing(now->engine).phase);
	v->next_us = now->next_us == 0 ? 0 : unix_of(now, now->next_us);
	put_router(v, now);
	if (now->engine->rollout_plan != NULL) {
		mf_view_fill_rollout(v, now);
	} else {
		v->failed_checks = now->engine->state.canary.failed_checks;
		put_step(v, now);
		put_hold(v, now);
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
	set_text(out->check, sizeof out->check, mf_check_name(mf_canary_check(m, got)));
	out->has_value = got->end == MF_MEASURE_VALUE;
	out->value = out->has_value ? got->value : 0;
	if (got->has_primary) {
		out->has_primary = true;
		out->primary = got->primary;
	}
	out->samples = got->samples;
	out->age_us = got->age_us;
	out->asked_us = unix_us;
	set_text(out->why, sizeof out->why, got->why);
}
