/* What a view says of why a run goes no further: what it waits for, since when and until when. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "src/base/text.h"
#include "src/base/units.h"
#include "src/migrate/migrate.h"
#include "src/migrate/view_int.h"
#include "src/traffic/router.h"

void
mf_view_set_text(char *out, size_t bytes, const char *text)
{
	mf_text_escape(out, bytes, text == NULL ? "" : text);
}

void
mf_view_add(char *out, size_t bytes, const char *fmt, ...)
{
	size_t n = strlen(out);
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(out + n, bytes - n, fmt, ap);
	va_end(ap);
}

void
mf_view_waits(struct mf_migrate_view *v, const char *what, int64_t until_us, int64_t unix_us)
{
	char when[MF_TIME_TEXT_BYTES];

	mf_view_set_text(v->waits, sizeof v->waits - sizeof when - sizeof ", until ", what);
	if (until_us != 0)
		mf_view_add(v->waits, sizeof v->waits, ", until %s",
		    mf_format_time(until_us / 1000000 * 1000000, when));
	v->at_us = unix_us;
}

void
mf_view_put_watched(struct mf_migrate_view *v, const struct mf_view_moment *now,
    const struct mf_way_back *back, uint64_t verify_for_us)
{
	if (back->verify_since_us != 0)
		mf_view_waits(v, "the primary's metrics, which are watched",
		    mf_view_unix_of(now, back->verify_since_us + verify_for_us), now->unix_us);
}

static void
add_bounds(char *out, size_t bytes, const struct mf_bounds *b)
{
	if (b->has_min && b->has_max)
		mf_view_add(out, bytes, "%.6g to %.6g", b->min, b->max);
	else
		mf_view_add(out, bytes, b->has_min ? "at least %.6g" : "at most %.6g",
		    b->has_min ? b->min : b->max);
}

/* What it is to be. */
static void
add_range(char *out, size_t bytes, const struct mf_canary_metric *m, const struct mf_measured *got)
{
	const bool bounded = m->range.has_min || m->range.has_max;

	if (bounded)
		add_bounds(out, bytes, &m->range);
	if (m->relative && m->has_max_ratio)
		mf_view_add(out, bytes, "%sat most %.6g times the primary's", bounded ? " and " : "",
		    m->max_ratio);
	else if (m->relative && m->has_max_delta)
		mf_view_add(out, bytes, "%sat most %.6g above the primary's", bounded ? " and " : "",
		    m->max_delta);
	else if (!bounded)
		mf_view_add(out, bytes, "at %s %.6g",
		    m->rule == MF_RULE_SUCCESS_RATE ? "least" : "most", m->threshold);
	if (m->relative && got->has_primary)
		mf_view_add(out, bytes, " %.6g", got->primary);
}

void
mf_view_metric_text(char *out, size_t bytes, const struct mf_canary_metric *m, enum mf_check check,
    const struct mf_measured *got)
{
	(void)snprintf(out, bytes, "%.80s ", m->name);
	if (check == MF_CHECK_NO_QUERY) {
		mf_view_add(out, bytes, "has no query");
		return;
	}
	if (got->end != MF_MEASURE_VALUE)
		mf_view_add(out, bytes, "has no value%s%.100s; it is to be ",
		    got->why[0] == '\0' ? "" : ": ", got->why);
	else if (check == MF_CHECK_NO_VALUE && m->min_samples > got->samples)
		mf_view_add(out, bytes, "has %llu of %llu samples that it needs; it is to be ",
		    (unsigned long long)got->samples, (unsigned long long)m->min_samples);
	else
		mf_view_add(out, bytes, "%.6g, is to be ", got->value);
	if (check == MF_CHECK_ABORT) {
		mf_view_add(out, bytes, "within its abort bound, ");
		add_bounds(out, bytes, &m->abort);
	} else {
		add_range(out, bytes, m, got);
	}
}

enum mf_check
mf_view_check(const struct mf_canary_metric *m, bool primary, const struct mf_measured *got)
{
	const enum mf_check check =
	    primary ? mf_canary_check_primary(m, got) : mf_canary_check(m, got);

	return check == MF_CHECK_NO_VALUE && got->end == MF_MEASURE_ERROR ? MF_CHECK_ERROR : check;
}

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
			mf_view_add(v->waits, sizeof v->waits,
			    "%s: its window began before the last change of weights had settled",
			    m->name);
		else
			mf_view_add(v->waits, sizeof v->waits, "%s has no value%s%s", m->name,
			    m->why[0] == '\0' ? "" : ": ", m->why);
		return;
	}
	mf_view_add(v->waits, sizeof v->waits, "a metric has no value");
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
		mf_view_add(v->waits, sizeof v->waits, "%s",
		    now->engine->canary_plan->suspend ? "the plan says suspend"
						      : "paused by hand; --continue goes on");
		break;
	case MF_HOLD_GATE:
		mf_view_add(
		    v->waits, sizeof v->waits, "gate %s is closed; --promote passes it", now->gate);
		break;
	case MF_HOLD_NO_DATA:
	case MF_HOLD_SETTLING: put_no_value(v); break;
	case MF_HOLD_LOWERED:
		mf_view_add(v->waits, sizeof v->waits,
		    "somebody gave the canary %u %% in place of %u %%; --continue goes on from "
		    "there",
		    v->canary, s->weight);
		break;
	case MF_HOLD_SHARED_FAULT:
		mf_view_add(
		    v->waits, sizeof v->waits, "the primary fares no better than the canary");
		break;
	case MF_HOLD_PRIMARY_DOWN:
		mf_view_add(v->waits, sizeof v->waits, "the primary has no server that is up");
		break;
	case MF_HOLD_NOT_READY:
		mf_view_add(v->waits, sizeof v->waits, "%s",
		    v->capacity && v->canary_up == 0
			? "the canary has no server that is up"
			: "a side has fewer servers up than its ready threshold");
		break;
	case MF_HOLD_CONFLICT:
		mf_view_add(v->waits, sizeof v->waits, "production moved under this run");
		break;
	case MF_HOLD_JOURNAL:
		mf_view_add(v->waits, sizeof v->waits,
		    "the journal of this machine, which cannot be written");
		break;
	case MF_HOLD_REPOSITORY:
		mf_view_add(v->waits, sizeof v->waits,
		    "the repository, which does not answer; the way back needs none");
		break;
	default:
		mf_view_add(v->waits, sizeof v->waits, "the router cannot be read, or refuses");
		break;
	}
}

/* The last window that began before, and the tick that finds it whole. */
static int64_t
settled_us(const struct mf_view_moment *now, const struct mf_canary_plan *p)
{
	const char *name;

	if (now->changed_us == 0 || now->engine->state.canary.hold != MF_HOLD_SETTLING)
		return 0;
	return mf_view_unix_of(
	    now, now->changed_us + mf_canary_hold_min_us(p, &name) + 2 * p->interval_us);
}

bool
mf_view_is_settling(const struct mf_migrate_view *v, int64_t now_us)
{
	return v->settled_us > 0 && now_us <= v->settled_us && v->settled_us <= v->hold_until_us &&
	       strcmp(v->hold, mf_hold_name(MF_HOLD_SETTLING)) == 0;
}

void
mf_view_put_hold(struct mf_migrate_view *v, const struct mf_view_moment *now)
{
	const struct mf_canary_plan *p = now->engine->canary_plan;
	const uint64_t most = mf_canary_hold_max_us(p);

	mf_view_set_text(v->hold, sizeof v->hold, mf_hold_name(now->engine->state.canary.hold));
	mf_view_set_text(
	    v->reason, sizeof v->reason, mf_reason_name(now->engine->state.canary.reason));
	v->hold_since_us = v->hold_until_us = 0;
	v->settled_us = settled_us(now, p);
	v->hold_end[0] = '\0';
	put_waits(v, now);
	if (now->engine->state.canary.hold == MF_HOLD_NONE)
		return;
	v->hold_since_us = mf_view_unix_of(now, now->engine->state.canary.hold_since_us);
	v->hold_until_us = v->hold_since_us + (int64_t)most;
	mf_view_set_text(v->hold_end, sizeof v->hold_end,
	    p->hold_end == MF_HOLD_ROLLBACK ? "rollback" : "alert");
}
