/* Measuring the primary by a Rollout's own analyses: is a fault shared, and is all well after the
 * way back? */
#include "src/rollout/rollout_int.h"

#include <string.h>

/* From when on the metric's window holds neither a change of weights nor of what is served. */
static bool
is_early(const struct mf_rollout_walk *w, const struct mf_analysis_metric *m)
{
	const uint64_t settled_us =
	    mf_rollout_later(mf_rollout_later(w->s->changed_us, w->plan->settle_us), m->window_us);

	return w->s->changed_us > 0 && w->tick->now_us < settled_us;
}

/* The same metric of the same template stands in an analysis before this one. */
static bool
was_seen(const struct mf_rollout_plan *plan, unsigned analysis, const struct mf_analysis_metric *m)
{
	for (unsigned i = 0; i < analysis; i++)
		for (size_t k = 0; k < plan->analyses[i]->n_metrics; k++) {
			const struct mf_analysis_metric *other = &plan->analyses[i]->metrics[k];

			if (other->has_primary_query && !other->dry_run &&
			    strcmp(other->name, m->name) == 0 && other->place.line == m->place.line)
				return true;
		}
	return false;
}

static enum mf_goodness
goodness(enum mf_analysis_phase phase, bool has_data)
{
	if (has_data && phase == MF_ANALYSIS_FAILED)
		return MF_GOOD_BAD;
	return has_data && phase == MF_ANALYSIS_SUCCESSFUL ? MF_GOOD : MF_GOOD_NO_DATA;
}

/* One metric of the primary; the worse of it and what was found so far. */
static enum mf_goodness
look_at_one(struct mf_rollout_walk *w, unsigned analysis, unsigned i, enum mf_goodness so_far)
{
	const struct mf_analysis_plan *plan = w->plan->analyses[analysis];
	enum mf_goodness now = MF_GOOD_EARLY;
	enum mf_analysis_phase phase;
	bool has_data;

	if (!is_early(w, &plan->metrics[i])) {
		if (mf_analysis_ask_primary(
			plan, i, analysis << MF_ANALYSIS_INDEX_SHIFT, &w->step, &phase, &has_data))
			return MF_GOOD_PENDING;
		now = goodness(phase, has_data);
	}
	return now > so_far ? now : so_far;
}

enum mf_goodness
mf_rollout_look_at_primary(struct mf_rollout_walk *w, bool *any)
{
	const struct mf_rollout_plan *p = w->plan;
	enum mf_goodness good = MF_GOOD;

	for (unsigned a = 0; a < p->n_analyses; a++)
		for (unsigned i = 0; i < p->analyses[a]->n_metrics && good < MF_GOOD_BAD; i++) {
			const struct mf_analysis_metric *m = &p->analyses[a]->metrics[i];

			if (!m->has_primary_query || m->dry_run || was_seen(p, a, m))
				continue;
			*any = true;
			good = look_at_one(w, a, i, good);
		}
	return good;
}

/* ---- a shared fault ---- */

/* Did its last measurements of the canary fail? */
static bool
fails(const struct mf_analysis_plan *plan, const struct mf_analysis_state *run, unsigned i)
{
	return !plan->metrics[i].dry_run && run->metrics[i].last == MF_ANALYSIS_FAILED;
}

/* Every metric that fails of the canary fails of the primary. ON: so it is. END: it is not. */
static enum mf_pass
is_shared(struct mf_rollout_walk *w, unsigned analysis, const struct mf_analysis_state *run)
{
	const struct mf_analysis_plan *plan = w->plan->analyses[analysis];
	const unsigned base = analysis << MF_ANALYSIS_INDEX_SHIFT;
	enum mf_analysis_phase phase;
	bool has_data, any = false;

	for (unsigned i = 0; i < plan->n_metrics; i++) {
		if (!fails(plan, run, i))
			continue;
		if (!plan->metrics[i].has_primary_query)
			return MF_PASS_END;
		if (mf_analysis_ask_primary(plan, i, base, &w->step, &phase, &has_data))
			return MF_PASS_ASK;
		if (!has_data || phase != MF_ANALYSIS_FAILED)
			return MF_PASS_END;
		any = true;
	}
	return any ? MF_PASS_ON : MF_PASS_END;
}

enum mf_pass
mf_rollout_turn_back(struct mf_rollout_walk *w, const struct mf_rollout_fault *f)
{
	struct mf_rollout_state *s = w->s;
	enum mf_pass pass = MF_PASS_END;

	/* a primary without capacity serves nothing that could be measured */
	if (mf_rollout_finite(w->plan) && w->tick->primary != MF_READY_DEAD &&
	    f->analysis < w->plan->n_analyses)
		pass = is_shared(w, f->analysis, f->run);
	if (pass == MF_PASS_ASK)
		return pass;
	if (pass == MF_PASS_END) {
		mf_rollout_abort(w, f->reason);
		return MF_PASS_END;
	}
	if (s->shared == 0 &&
	    mf_rollout_alert(w, "held: the primary fares no better than the canary") == MF_PASS_ASK)
		return MF_PASS_ASK;
	s->shared |= f->bit;
	w->blocked = true;
	return MF_PASS_END;
}
