/* What a run tells while it goes on, and how it ended. */
#include <stdio.h>
#include <string.h>

#include "src/base/units.h"
#include "src/cmd/migrate.h"
#include "src/cmd/output.h"
#include "src/cmd/progress.h"

#define BAR 20u
#define HAPROXY_WEIGHT_MAX 256u

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

static const char *
word_of(const struct mf_migrate_report *r, bool dry_run)
{
	if (r->already)
		return "alreadyDone";
	if (dry_run)
		return "dryRun";
	if (r->interrupted)
		return "interrupted";
	return r->lost ? "lost" : mf_result_name(r->result);
}

static int
put_end(struct mf_cmd *c, const char *run_id, const struct mf_migrate_report *r, struct mf_error *e)
{
	bool dry_run = mf_options_flag(c->options, MF_OPT_DRY_RUN);
	char took[MF_UNIT_TEXT_BYTES];

	if (c->json)
		return mf_output_json(c->out,
		    json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:[i,i], s:I, s:I}", "result",
			word_of(r, dry_run), "reason", mf_reason_name(r->reason), "run", run_id,
			"version", r->version, "previous", r->previous, "fallback", r->serving,
			"weights", (int)r->primary, (int)r->canary, "ticks", (json_int_t)r->ticks,
			"seconds", (json_int_t)r->seconds),
		    e);
	if (r->already && r->previous[0] == '\0') /* traffic alone */
		fprintf(c->out, "already done: weights %u/%u\n", r->primary, r->canary);
	else if (r->already)
		fprintf(c->out, "already done: production is %s, weights %u/%u\n", r->version,
		    r->primary, r->canary);
	else
		fprintf(c->out, "%s: %s, weights %u/%u, %llu ticks, %s, run %s\n",
		    word_of(r, dry_run), r->version, r->primary, r->canary,
		    (unsigned long long)r->ticks, mf_format_duration(r->seconds * 1000000, took),
		    run_id);
	return 0;
}

/* How the primary comes to serve the version, where this process can say it. */
static void
put_primary_step(struct mf_buf *b, const struct mf_migration_plan *plan, const char *version)
{
	const struct mf_site_plan *s = &plan->source;

	if (plan->model != NULL && s->kind == MF_DESTINATION_DIR && s->link != NULL && !s->remote)
		mf_buf_printf(b,
		    "`modelferry pull %s@%s %s --link %s`, reload the primary's servers, and see "
		    "that they are well",
		    plan->model, version, s->dir, s->link);
	else
		mf_buf_printf(b, "see that the primary serves %s and is well", version);
}

static void
put_servers(struct mf_buf *b, const char *const *names, size_t n, unsigned weight)
{
	size_t i;

	for (i = 0; i < n; i++)
		mf_buf_printf(b, "%sset server %s weight %u",
		    b->len > 0 && b->data[b->len - 1] != '`' ? "; " : "", names[i], weight);
}

/* How all traffic goes to the primary; with the commands themselves, where they are known. */
static void
put_traffic_step(struct mf_buf *b, const struct mf_router_plan *router, bool commands)
{
	mf_buf_printf(b, "; give it all traffic at the router");
	if (!commands || router->type != MF_ROUTER_HAPROXY)
		return;
	mf_buf_printf(b, ": `");
	put_servers(b, router->primary, router->n_primary, HAPROXY_WEIGHT_MAX);
	put_servers(b, router->canary, router->n_canary, 0);
	mf_buf_printf(b, "`");
}

static void
put_steps(struct mf_buf *b, const struct mf_migration_plan *plan, const struct mf_migrate_report *r,
    bool commands)
{
	const char *version = r->previous[0] != '\0' ? r->previous
			      : plan->model == NULL  ? "what it did"
						     : "VERSION";

	put_primary_step(b, plan, version);
	if (r->canary > 0)
		put_traffic_step(b, &plan->router, commands);
	if (plan->model != NULL) /* traffic alone has no ref */
		mf_buf_printf(b, "; then `modelferry ref %s %s %s`", plan->model,
		    plan->production_ref == NULL ? "production" : plan->production_ref, version);
}

/* What a person does where the run could not. */
static int
needs_person(const struct mf_plan *plan, const struct mf_migrate_report *r, struct mf_error *e)
{
	char unused[MF_PLAN_WAY_BACK_BYTES];
	bool blind = r->canary == 0 && mf_plan_way_back(plan, unused) == MF_PLAN_WAY_BACK_BLIND;
	struct mf_buf b = MF_BUF_INIT;

	(void)mf_error_set(e, MF_EROLLBACKFAILED,
	    "%s: a person is needed: traffic is at %u/%u (%s)%s%s%s", plan->migration->name,
	    r->primary, r->canary, mf_reason_name(r->reason),
	    blind ? "; no metric of the plan measures the primary" : "",
	    r->router[0] == '\0' ? "" : "; ", r->router);
	put_steps(&b, plan->migration, r, true);
	if (b.len >= MF_ERROR_HINT_BYTES) { /* many servers: without their names */
		mf_buf_clear(&b);
		put_steps(&b, plan->migration, r, false);
	}
	(void)mf_error_hint(
	    e, "%s", mf_buf_cstr(&b) == NULL ? "see to the primary" : mf_buf_cstr(&b));
	mf_buf_fini(&b);
	return -1;
}

int
mf_cmd_end_migration(struct mf_cmd *c, const char *run_id, const struct mf_plan *plan,
    const struct mf_migrate_report *r, struct mf_error *e)
{
	const struct mf_migration_plan *m = plan->migration;

	if (put_end(c, run_id, r, e) != 0)
		return -1;
	if (r->interrupted) {
		(void)mf_error_set(e, MF_EINTERRUPTED, "run %s was told to end at weights %u/%u",
		    run_id, r->primary, r->canary);
		return mf_error_hint(e, "go on with --resume");
	}
	if (r->lost)
		return mf_error_set(
		    e, MF_ECONFLICT, "run %s: somebody else holds its leases now", run_id);
	switch (r->result) {
	case MF_RESULT_ROLLED_BACK:
		return mf_error_set(e, MF_EROLLEDBACK, "%s was rolled back: %s; weights %u/%u%s%s",
		    m->name, mf_reason_name(r->reason), r->primary, r->canary,
		    r->serving[0] == '\0' ? "" : "; the primary serves ", r->serving);
	case MF_RESULT_PERSON_NEEDED: return needs_person(plan, r, e);
	case MF_RESULT_CONFLICT:
		return mf_error_set(e, MF_ECONFLICT,
		    "%s: traffic is at %u/%u, but %s@%s moved under this run and was left alone",
		    m->name, r->primary, r->canary, m->model, m->production_ref);
	default: return 0;
	}
}
