#include "src/rollout/way_back.h"

#include "src/rollout/canary.h"

unsigned
mf_way_weight_as_read(unsigned last, unsigned read, bool known, bool some_missing)
{
	return !known || (some_missing && read < last) ? last : read;
}

enum end { END_DONE, END_FAILED, END_BLIND, END_WAITS, END_PENDING };

/* Another model has taken the primary's place: its own metrics. */
static enum mf_goodness
look_at_other(const struct mf_way_back *way, const struct mf_way_back_walk *w)
{
	const struct mf_back_metrics *own = &w->plan->own[way->fallback];
	struct mf_act act = {.kind = MF_ACT_MEASURE_FALLBACK, .of = way->fallback};
	enum mf_goodness good = MF_GOOD;
	const struct mf_answer *a;

	for (; act.index < own->n && good != MF_GOOD_BAD; act.index++) {
		a = mf_step_ask(w->step, &act);
		if (a == NULL)
			return MF_GOOD_PENDING;
		good = mf_canary_goodness(good, &own->metrics[act.index],
		    mf_canary_check(&own->metrics[act.index], &a->measured));
	}
	return good;
}

static enum mf_goodness
look(const struct mf_way_back *way, const struct mf_way_back_walk *w, bool *any)
{
	const struct mf_back_metrics *own = w->plan->own;

	*any = own != NULL && way->fallback < w->plan->n_fallbacks && own[way->fallback].n > 0;
	return *any ? look_at_other(way, w) : w->look(w->arg, any);
}

static enum end
verify(struct mf_way_back *way, const struct mf_way_back_walk *w)
{
	const uint64_t now_us = w->now_us == 0 ? 1 : w->now_us;
	enum mf_goodness good;
	bool any = false;

	if (way->verify_since_us == 0) {
		way->verify_since_us = now_us;
		way->verify_measured = false;
	}
	good = look(way, w, &any);
	if (good == MF_GOOD_PENDING)
		return END_PENDING;
	if (!any) /* waiting brings no data, and no other fallback would be seen any better */
		return w->plan->verify_for_us == 0 ? END_DONE : END_BLIND;
	if (good == MF_GOOD_BAD)
		return END_FAILED;
	if (good == MF_GOOD_EARLY) /* verifyFor counts from where something can be measured */
		way->verify_since_us = now_us;
	if (good == MF_GOOD)
		way->verify_measured = true;
	if (good == MF_GOOD_EARLY || now_us - way->verify_since_us < w->plan->verify_for_us)
		return END_WAITS;
	/* that nothing could be measured is no proof that all is well */
	return way->verify_measured ? END_DONE : END_FAILED;
}

static enum end
act(struct mf_way_back *way, const struct mf_way_back_walk *w)
{
	struct mf_act act = {.kind = w->rows[way->step], .why = w->why};
	const struct mf_answer *a;

	if (act.kind == MF_ACT_FALLBACK)
		act.index = way->fallback;
	a = mf_step_ask(w->step, &act);
	if (a == NULL)
		return END_PENDING;
	if (a->end == MF_ANSWER_OK)
		return END_DONE;
	return ++way->tries < MF_BACK_TRIES ? END_WAITS : END_FAILED;
}

/* Where the fallback stands among the rows. */
static unsigned
fallback_row(const struct mf_way_back_walk *w)
{
	unsigned i = 0;

	while (i < w->n_rows && w->rows[i] != MF_ACT_FALLBACK)
		i++;
	return i;
}

/* A step that cannot be done: the next fallback, where that can help; else it is left. */
static void
leave_step(struct mf_way_back *way, const struct mf_way_back_walk *w, enum end end)
{
	const unsigned at = fallback_row(w);
	const bool helps = end != END_BLIND && (way->step == at || way->step == w->n_rows);

	way->tries = 0;
	way->verify_since_us = 0;
	if (helps && way->fallback + 1 < w->plan->n_fallbacks) {
		way->fallback++;
		way->step = at;
		return;
	}
	way->failed = true;
	way->step++;
}

enum mf_way_end
mf_way_back_go(struct mf_way_back *way, const struct mf_way_back_walk *w)
{
	enum end end;

	while (way->step <= w->n_rows) {
		end = way->step == w->n_rows ? verify(way, w) : act(way, w);
		if (end == END_PENDING)
			return MF_WAY_PENDING;
		if (end == END_WAITS)
			return MF_WAY_WAITS;
		if (end != END_DONE) {
			leave_step(way, w, end);
			continue;
		}
		way->tries = 0;
		way->step++;
	}
	return MF_WAY_DONE;
}

enum mf_way_end
mf_way_back_bring_up(struct mf_way_back *way, const struct mf_way_back_walk *w)
{
	const struct mf_act act = {.kind = MF_ACT_FALLBACK, .index = way->fallback};
	const struct mf_answer *a;

	if (way->fallback >= w->plan->n_fallbacks)
		return MF_WAY_DONE;
	if (way->tries == 0) {
		a = mf_step_ask(w->step, &act);
		if (a == NULL)
			return MF_WAY_PENDING;
		if (a->end == MF_ANSWER_OK)
			way->tries = 1;
		else
			way->fallback++;
	} else if (++way->tries > MF_BACK_TRIES) {
		way->tries = 0;
		way->fallback++;
	}
	return MF_WAY_WAITS;
}
