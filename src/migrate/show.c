/* What those see who watch a run: here, and by its heartbeats from anywhere. */
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
fill(struct mf_migrating *x)
{
	struct mf_view_moment now = {
	    .engine = &x->engine,
	    .m = x->m,
	    .router = x->router_known ? &x->router : NULL,
	    .capacity = mf_world_can(x->world)->capacity,
	    .may_step = mf_migrate_may_step(x->m, x->p->unix_us() / 1000000),
	    .now_us = mf_migrating_now(x),
	    .next_us = mf_engine_standing(&x->engine).ended ? 0 : x->shift.next_us,
	    .unix_us = x->p->unix_us(),
	    .tick = x->shift.tick,
	    .version = x->version,
	    .previous = x->previous,
	    .shown = x->shown,
	    .gate = x->gate,
	};

	mf_view_fill(&x->view, &now);
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
beat(struct mf_migrating *x, const char *phase)
{
	struct mf_standing now = mf_engine_standing(&x->engine);
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

void
mf_migrating_show_stage(struct mf_migrating *x, enum mf_migrate_stage stage, const char *text)
{
	mf_view_stage(&x->view, mf_migrate_stage_name(stage), text, x->p->unix_us());
	mf_view_versions(&x->view, x->version, x->previous);
	if (x->keeper == NULL || stage >= MF_STAGE_SHIFT || x->shifting)
		return;
	(void)mf_keeper_mirror(x->keeper, 0); /* others learn that there is such a run */
	beat(x, mf_migrate_stage_name(stage));
}

void
mf_migrating_show_act(struct mf_migrating *x, const struct mf_act *act)
{
	if (mf_migrating_is_worth_a_line(act)) {
		(void)snprintf(x->view.doing, sizeof x->view.doing, "%s", mf_act_name(act->kind));
		tell(x);
	}
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
