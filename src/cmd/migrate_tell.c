/* What a run tells while it goes on. */
#include <stdio.h>
#include <string.h>

#include "src/cmd/migrate.h"
#include "src/cmd/output.h"
#include "src/cmd/progress.h"

#define BAR 20u

static void
put_bar(FILE *out, unsigned canary)
{
	unsigned i, filled = canary * BAR / 100;

	fputc('[', out);
	for (i = 0; i < BAR; i++)
		fputc(i < filled ? '#' : '.', out);
	fputc(']', out);
}

/* Of metrics that pass the block below says enough. */
static bool
is_dull(const char *did)
{
	return strncmp(did, "metric:", 7) == 0 && strstr(did, ":pass:") != NULL;
}

static void
put_did(struct mf_cmd *c, const struct mf_migrate_event *event)
{
	const char *before = "  ";
	size_t i;

	for (i = 0; i < event->n_did; i++) {
		if (c->meter != NULL && is_dull(event->did[i]))
			continue;
		fprintf(c->out, "%s", before);
		mf_output_name(c->out, event->did[i]);
		before = ", ";
	}
}

/* What stands before what was done: of a canary, and of a Rollout. */
static void
put_canary_text(FILE *out, const struct mf_canary_state *s, const struct mf_migrate_view *view)
{
	fprintf(out, "%-16s ", mf_phase_name(s->phase));
	put_bar(out, s->weight);
	fprintf(out, " %3u/%-3u failed %u", 100 - s->weight, s->weight, s->failed_checks);
	if (s->hold != MF_HOLD_NONE)
		fprintf(out, "  held: %s", mf_hold_name(s->hold));
	else if (view->waits[0] != '\0')
		fprintf(out, "  waits for %s", view->waits);
}

static void
put_rollout_text(FILE *out, const struct mf_rollout_state *s, const struct mf_migrate_view *view)
{
	fprintf(out, "%-16s ", mf_rollout_phase_name(s->phase));
	put_bar(out, s->weight);
	fprintf(out, " %3u/%-3u step %u", 100 - s->weight, s->weight, s->step);
	if (view->waits[0] != '\0')
		fprintf(out, "  waits for %s", view->waits);
}

static void
put_text_tick(struct mf_cmd *c, const struct mf_migrate_event *event)
{
	const struct mf_engine *g = event->engine;

	fprintf(c->out, "%5llu  ", (unsigned long long)event->tick);
	if (g->rollout_plan != NULL)
		put_rollout_text(c->out, &g->state.rollout, event->view);
	else
		put_canary_text(c->out, &g->state.canary, event->view);
	put_did(c, event);
	fputc('\n', c->out);
	fflush(c->out);
}

static json_t *
canary_json(const struct mf_migrate_event *event, json_t *did)
{
	const struct mf_canary_state *s = &event->engine->state.canary;

	return json_pack("{s:I, s:s, s:[i,i], s:i, s:i, s:o, s:s, s:s, s:s}", "tick",
	    (json_int_t)event->tick, "phase", mf_phase_name(s->phase), "weights",
	    (int)(100 - s->weight), (int)s->weight, "failedChecks", (int)s->failed_checks,
	    "iterations", s->iterations, "did", did, "hold", mf_hold_name(s->hold), "waitsFor",
	    event->view->waits, "reason", mf_reason_name(s->reason));
}

static json_t *
rollout_json(const struct mf_migrate_event *event, json_t *did)
{
	const struct mf_rollout_state *s = &event->engine->state.rollout;

	return json_pack("{s:I, s:i, s:i, s:s, s:s, s:s, s:o, s:s, s:s}", "tick",
	    (json_int_t)event->tick, "step", (int)s->step, "canaryWeight", (int)s->weight, "phase",
	    mf_rollout_phase_name(s->phase), "stable", s->stable, "rev", s->current, "did", did,
	    "waitsFor", event->view->waits, "reason", mf_reason_name(s->reason));
}

static void
put_json_tick(struct mf_cmd *c, const struct mf_migrate_event *event)
{
	json_t *did = json_array(), *line;
	struct mf_error ignored = {0};
	size_t i;

	for (i = 0; i < event->n_did; i++)
		(void)json_array_append_new(did, json_string(event->did[i]));
	line = event->engine->rollout_plan != NULL ? rollout_json(event, did)
						   : canary_json(event, did);
	(void)mf_output_json(c->out, line, &ignored); /* told once, at the end */
	fflush(c->out);
}

static void
put_stage(struct mf_cmd *c, const struct mf_migrate_event *event)
{
	fprintf(c->out, "%s: ", mf_migrate_stage_name(event->stage));
	mf_output_name(c->out, event->text);
	fputc('\n', c->out);
	fflush(c->out);
}

struct saying {
	struct mf_cmd *c;
	const struct mf_migrate_event *event;
};

static void
say(void *arg)
{
	const struct saying *s = arg;

	if (s->event->kind == MF_MIGRATE_STAGE)
		put_stage(s->c, s->event);
	else if (s->c->json)
		put_json_tick(s->c, s->event);
	else
		put_text_tick(s->c, s->event);
}

void
mf_cmd_tell_migration(void *arg, const struct mf_migrate_event *event)
{
	struct mf_cmd_telling *t = arg;
	struct saying s = {t->c, event};

	if (event->view != NULL)
		mf_live_show(t->live, event->view);
	if (event->kind == MF_MIGRATE_TICK || (event->kind == MF_MIGRATE_STAGE && !t->c->json))
		mf_meter_aside(t->c->meter, say, &s);
}
