/* What a view says of a Rollout, from its engine's state alone. */
#include <stdio.h>
#include <string.h>

#include "src/base/text.h"
#include "src/base/units.h"
#include "src/migrate/view_int.h"

/* In the order of the engine's table (src/rollout/rollout_back.c). */
static const char *
back_step(unsigned step)
{
	static const char *const names[] = {
	    "sessions are drained",
	    "the version is marked",
	    "the fallback is served",
	    "the primary's metrics are watched",
	};

	return step < sizeof names / sizeof names[0] ? names[step] : "its end";
}

static const char *
stage_name(unsigned stage)
{
	static const char *const names[] = {
	    [MF_BLUEGREEN_UP] = "the new side starts",
	    [MF_BLUEGREEN_PRE] = "the analysis before the switch",
	    [MF_BLUEGREEN_PAUSE] = "the pause before the switch",
	    [MF_BLUEGREEN_SWITCH] = "the switch",
	    [MF_BLUEGREEN_POST] = "the analysis after the switch",
	};

	return stage < sizeof names / sizeof names[0] ? names[stage] : "its end";
}

static void
put_step(struct mf_migrate_view *v, const struct mf_view_moment *now)
{
	const struct mf_rollout_plan *p = now->engine->rollout_plan;
	const struct mf_rollout_state *s = &now->engine->state.rollout;
	char when[MF_TIME_TEXT_BYTES];

	if (s->undoing && s->weight == 0)
		(void)snprintf(v->step, sizeof v->step, "the way back: %s, try %u of %u",
		    back_step(s->back.step), s->back.tries + 1, MF_BACK_TRIES);
	else if (s->bake_since_us > 0)
		(void)snprintf(v->step, sizeof v->step, "bake until %s",
		    mf_format_time(mf_view_unix_of(now, s->bake_since_us + p->bake.duration_us) /
				       1000000 * 1000000,
			when));
	else if (s->aborted || mf_rollout_ended(s))
		(void)snprintf(v->step, sizeof v->step, "none");
	else if (p->strategy == MF_ROLLOUT_BLUE_GREEN)
		(void)snprintf(v->step, sizeof v->step, "%s", stage_name(s->step));
	else if (s->step < p->n_steps)
		(void)snprintf(v->step, sizeof v->step, "step %u of %zu, canary %u %%", s->step + 1,
		    p->n_steps, s->weight);
	else
		(void)snprintf(v->step, sizeof v->step,
		    "past the last step, canary %u %%, by %u %%", s->weight,
		    mf_rollout_increment(p));
}

/* What is left is that production moves. */
static bool
has_baked(const struct mf_view_moment *now)
{
	const struct mf_rollout_state *s = &now->engine->state.rollout;

	return s->bake_since_us > 0 && s->pauses == 0 &&
	       now->now_us - s->bake_since_us >= now->engine->rollout_plan->bake.duration_us;
}

static enum mf_hold
hold_of(const struct mf_rollout_state *s)
{
	if (s->kept_by != MF_HOLD_NONE)
		return s->kept_by;
	if (s->pauses & MF_ROLLOUT_PAUSE_LOWERED)
		return MF_HOLD_LOWERED;
	if (s->missing_failed > 0)
		return MF_HOLD_ROUTER;
	if (s->shared != 0)
		return MF_HOLD_SHARED_FAULT;
	if (s->pauses & (MF_ROLLOUT_PAUSE_BY_HAND | MF_ROLLOUT_PAUSE_STEP))
		return MF_HOLD_PAUSED;
	if (s->pauses != 0)
		return MF_HOLD_NO_DATA; /* an analysis that is inconclusive */
	return s->aborted ? MF_HOLD_PRIMARY_DOWN : MF_HOLD_NOT_READY;
}

static void
put_hold(struct mf_migrate_view *v, const struct mf_view_moment *now)
{
	const struct mf_rollout_plan *p = now->engine->rollout_plan;
	const struct mf_rollout_state *s = &now->engine->state.rollout;
	uint64_t interval = p->interval_us == 0 ? MF_ROLLOUT_INTERVAL_US : p->interval_us;
	uint64_t most = p->max_hold_us == 0 ? MF_HOLD_INTERVALS * interval : p->max_hold_us;

	(void)snprintf(v->waits, sizeof v->waits, "%s", mf_rollout_waits_for(p, s));
	if (s->undoing && s->weight == 0)
		mf_view_put_watched(v, now, &s->back, p->back.verify_for_us);
	if ((v->waits[0] == '\0' || has_baked(now)) && !now->may_step && !mf_rollout_ended(s) &&
	    !s->aborted)
		mf_view_put_window(v, now);
	(void)snprintf(v->reason, sizeof v->reason, "%s", mf_reason_name(s->reason));
	v->hold[0] = v->hold_end[0] = '\0';
	v->hold_since_us = v->hold_until_us = 0;
	if (s->hold_since_us == 0)
		return;
	(void)snprintf(v->hold, sizeof v->hold, "%s", mf_hold_name(hold_of(s)));
	v->hold_since_us = mf_view_unix_of(now, s->hold_since_us);
	v->hold_until_us = v->hold_since_us + (int64_t)most;
	(void)snprintf(v->hold_end, sizeof v->hold_end, "%s",
	    p->hold_end == MF_HOLD_ROLLBACK ? "rollback" : "alert");
}

/* What had no data counts as no error yet. */
static enum mf_check
check_of(const struct mf_analysis_metric_state *m)
{
	switch (m->last) {
	case MF_ANALYSIS_SUCCESSFUL: return MF_CHECK_PASS;
	case MF_ANALYSIS_FAILED: return MF_CHECK_OUT;
	case MF_ANALYSIS_INCONCLUSIVE: return MF_CHECK_NO_VALUE;
	default: return m->consecutive_errors > 0 ? MF_CHECK_ERROR : MF_CHECK_NO_VALUE;
	}
}

static void
put_count(char *out, size_t bytes, const char *what, unsigned n, int limit)
{
	const size_t at = strlen(out);
	char most[24] = "no limit";

	if (n == 0)
		return;
	if (limit >= 0)
		(void)snprintf(most, sizeof most, "limit %d", limit);
	(void)snprintf(out + at, bytes - at, "%s%s %u, %s", at == 0 ? "" : "; ", what, n, most);
}

void
mf_view_analysis_text(char *out, size_t bytes, const struct mf_analysis_metric *m,
    const struct mf_analysis_metric_state *s, const char *why)
{
	out[0] = '\0';
	if (s->last == MF_ANALYSIS_ERROR)
		(void)snprintf(out, bytes, "%.100s", why);
	put_count(
	    out, bytes, "errors in a row:", s->consecutive_errors, m->consecutive_error_limit);
	put_count(out, bytes, "failed", s->failed, m->failure_limit);
	put_count(out, bytes, "inconclusive", s->inconclusive, m->inconclusive_limit);
}

static void
put_analysis(struct mf_migrate_view *v, const struct mf_view_moment *now, unsigned index,
    const struct mf_analysis_state *run)
{
	const struct mf_analysis_plan *plan = now->engine->rollout_plan->analyses[index];
	const struct mf_analysis_metric_state *m;
	struct mf_view_metric *out;
	char text[MF_VIEW_WHY_BYTES];
	size_t i;

	for (i = 0; i < plan->n_metrics && v->n_metrics < MF_VIEW_METRICS_MAX; i++) {
		m = &run->metrics[i];
		out = &v->metrics[v->n_metrics++];
		*out = (struct mf_view_metric){.has_value = m->has_value,
		    .value = m->value,
		    .optional = plan->metrics[i].dry_run};
		mf_text_escape(out->name, sizeof out->name, plan->metrics[i].name);
		if (m->last == MF_ANALYSIS_PENDING)
			continue;
		mf_view_analysis_text(text, sizeof text, &plan->metrics[i], m,
		    now->whys == NULL ? ""
				      : now->whys[(size_t)index * MF_ANALYSIS_METRICS_MAX + i]);
		mf_text_escape(out->why, sizeof out->why, text);
		out->asked_us = mf_view_unix_of(now, m->last_us);
		(void)snprintf(out->check, sizeof out->check, "%s", mf_check_name(check_of(m)));
	}
}

/* Those of the analyses that are on. */
static void
put_metrics(struct mf_migrate_view *v, const struct mf_view_moment *now)
{
	const struct mf_rollout_plan *p = now->engine->rollout_plan;
	const struct mf_rollout_state *s = &now->engine->state.rollout;
	const struct mf_analysis_plan *run = mf_rollout_running(p, s);
	unsigned i;

	v->n_metrics = 0;
	if (s->background_on && p->background < p->n_analyses)
		put_analysis(v, now, p->background, &s->background);
	for (i = 0; run != NULL && i < p->n_analyses; i++)
		if (p->analyses[i] == run) {
			put_analysis(v, now, i, &s->run);
			break;
		}
}

void
mf_view_fill_rollout(struct mf_migrate_view *v, const struct mf_view_moment *now)
{
	v->threshold = 0; /* each metric has limits of its own */
	put_step(v, now);
	put_hold(v, now);
	put_metrics(v, now);
}
