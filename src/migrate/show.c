/* What those see who watch a run: here, and by its heartbeats from anywhere. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "src/migrate/migrate_int.h"

static void
tell(struct mf_migrating *x)
{
	struct mf_migrate_event event = {
	    .kind = MF_MIGRATE_VIEW, .stage = MF_STAGE_SHIFT, .text = "", .view = &x->view};

	if (x->p->tell != NULL)
		x->p->tell(x->p->tell_arg, &event);
}

static void
fill_as(struct mf_migrating *x, const struct mf_engine *engine)
{
	struct mf_view_moment now = {
	    .engine = engine,
	    .m = x->m,
	    .router = x->router_known ? &x->router : NULL,
	    .capacity = mf_world_can(x->world)->capacity,
	    .may_step = mf_migrate_may_step(x->m, x->p->unix_us() / 1000000),
	    .changed_us = x->changed_us,
	    .now_us = mf_migrating_now(x),
	    .next_us = mf_engine_standing(engine).ended ? 0 : x->shift.next_us,
	    .unix_us = x->p->unix_us(),
	    .tick = x->shift.tick,
	    .version = x->version,
	    .previous = x->previous,
	    .shown = x->shown,
	    .gate = x->gate,
	    .whys = (const char(*)[MF_VIEW_WHY_BYTES])x->whys,
	};

	mf_view_fill(&x->view, &now);
	mf_migrating_know_because(x, engine);
}

static void
fill(struct mf_migrating *x)
{
	fill_as(x, &x->engine);
}

/* One word more of why it goes no further, or not on. */
static void
put_note(char *out, size_t bytes, const char *word)
{
	size_t n = strlen(out);

	if (word[0] != '\0')
		(void)snprintf(out + n, bytes - n, "%s%s", n == 0 ? "" : " ", word);
}

static void
beat_as(struct mf_migrating *x, const struct mf_engine *engine, const char *phase)
{
	struct mf_standing now = mf_engine_standing(engine);
	struct mf_run_beat b = {
	    .token = mf_keeper_token(x->keeper),
	    .tick = x->shift.tick,
	    .time_us = x->p->unix_us(),
	    .canary_weight = now.weight,
	};
	struct mf_buf view = MF_BUF_INIT;

	(void)snprintf(b.phase, sizeof b.phase, "%s", phase);
	put_note(b.note, sizeof b.note, x->view.left_us == 0 ? "" : "interrupted");
	put_note(b.note, sizeof b.note, now.note);
	put_note(b.note, sizeof b.note, mf_reason_name(now.reason));
	mf_view_put(&view, &x->view);
	if (!view.failed && view.len <= MF_RUN_VIEW_MAX_BYTES) {
		b.view = view.data;
		b.n_view = view.len;
	}
	mf_keeper_beat(x->keeper, &b);
	mf_buf_fini(&view);
}

static void
beat(struct mf_migrating *x, const char *phase)
{
	beat_as(x, &x->engine, phase);
}

/* The engine as far as the tick at hand has come: what is done within it on a way back can take
 * minutes, and those who watch are not to see what was before it. */
static struct mf_engine
so_far(const struct mf_migrating *x)
{
	struct mf_engine now = x->engine;

	if (x->in_tick)
		now.state = now.next;
	return now;
}

/* What stands in the view already is put for others, where it may stay so for long. */
static void
beat_within(struct mf_migrating *x)
{
	const struct mf_engine now = so_far(x);
	const struct mf_standing standing = mf_engine_standing(&now);

	if (standing.back || standing.ended)
		beat_as(x, &now, standing.phase);
}

void
mf_migrating_show_stage(struct mf_migrating *x, enum mf_migrate_stage stage, const char *text)
{
	char doing[sizeof x->view.doing];

	if (x->shifting) { /* a part of it, of the way back */
		(void)snprintf(
		    doing, sizeof doing, "%s %.150s", mf_migrate_stage_name(stage), text);
		mf_view_doing(&x->view, doing, x->p->unix_us());
		tell(x);
		beat_within(x);
		return;
	}
	mf_view_stage(&x->view, mf_migrate_stage_name(stage), text, x->p->unix_us());
	mf_view_versions(&x->view, x->version, x->previous);
	if (x->keeper == NULL || stage >= MF_STAGE_SHIFT)
		return;
	(void)mf_keeper_mirror(x->keeper, 0); /* others learn that there is such a run */
	beat(x, mf_migrate_stage_name(stage));
}

void
mf_migrating_show_act(struct mf_migrating *x, const struct mf_act *act)
{
	struct mf_engine now;

	if (!mf_migrating_is_worth_a_line(act))
		return;
	x->in_tick = true;
	now = so_far(x);
	fill_as(x, &now);
	mf_view_doing(&x->view, mf_act_name(act->kind), x->p->unix_us());
	tell(x);
	beat_within(x);
}

void
mf_migrating_show_wait(struct mf_migrating *x, uint64_t most_us, const char *fmt, ...)
{
	const int64_t now_us = x->p->unix_us();
	char what[sizeof x->view.waits];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(what, sizeof what, fmt, ap);
	va_end(ap);
	mf_view_waits(&x->view, what, most_us == 0 ? 0 : now_us + (int64_t)most_us, now_us);
	tell(x);
	if (x->shifting)
		beat_within(x);
	else if (x->keeper != NULL)
		beat(x, x->view.stage);
}

void
mf_migrating_show_route(struct mf_migrating *x, const struct mf_act *act)
{
	/* as it was read back */
	x->router.primary = act->primary;
	x->router.canary = act->canary;
	x->router.primary_share = act->primary;
	x->router.canary_share = act->canary;
	x->view.wanted = x->view.canary = act->canary;
	x->view.share = act->canary;
	tell(x);
	beat_within(x);
}

void
mf_migrating_show_watch(struct mf_migrating *x)
{
	fill(x);
	tell(x);
}

void
mf_migrating_show_tick(struct mf_migrating *x)
{
	x->in_tick = false;
	x->view.doing[0] = '\0';
	fill(x);
	beat(x, mf_engine_standing(&x->engine).phase);
}

void
mf_migrating_show_left(struct mf_migrating *x)
{
	if (x->keeper == NULL)
		return;
	mf_view_left(&x->view, mf_migrating_max_unattended(x), x->p->unix_us());
	beat(x, x->shifting ? mf_engine_standing(&x->engine).phase : x->view.stage);
}
