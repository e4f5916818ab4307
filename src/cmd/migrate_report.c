/* How a run ended: the report, and the error that makes the exit status. */
#include <stdio.h>
#include <string.h>

#include "src/base/units.h"
#include "src/cmd/migrate.h"
#include "src/cmd/output.h"

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

/* A run that went its way, to one end or the other. */
static bool
has_ended(const struct mf_migrate_report *r)
{
	return r->result != MF_RESULT_NONE && !r->already && !r->interrupted && !r->lost;
}

static const char *
finish_name(const struct mf_plan *plan)
{
	return plan->finish == MF_FINISH_STAY ? "stay" : "copy-back";
}

/* ---- as JSON ---- */

/* Text of several lines, as a list of them. */
static json_t *
lines_json(const char *text)
{
	json_t *list = json_array();
	size_t n;

	for (; *text != '\0'; text += n + (text[n] == '\n')) {
		n = strcspn(text, "\n");
		if (json_array_append_new(list, json_stringn(text, n)) != 0)
			break;
	}
	return list;
}

static json_t *
steps_json(struct mf_buf *steps, size_t n)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < n; i++)
		(void)json_array_append_new(list, json_string(mf_buf_cstr(&steps[i])));
	return list;
}

static json_t *
unchecked_json(const struct mf_migration_plan *m)
{
	json_t *list = json_array();

	if (m->model != NULL && m->source.serves.unchecked)
		(void)json_array_append_new(list, json_string("source"));
	if (m->model != NULL && m->destination.serves.unchecked)
		(void)json_array_append_new(list, json_string("destination"));
	return list;
}

static int
put_json(struct mf_cmd *c, const char *run_id, const struct mf_plan *plan,
    const struct mf_migrate_report *r, struct mf_error *e)
{
	struct mf_buf steps[MF_CMD_MANUAL_STEPS] = {MF_BUF_INIT, MF_BUF_INIT, MF_BUF_INIT};
	size_t i, n = r->result == MF_RESULT_PERSON_NEEDED
			  ? mf_cmd_manual_steps(plan->migration, r, steps)
			  : 0;
	json_t *o = json_pack(
	    "{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:[i,i], s:s, s:o, s:I, s:I, s:s, s:o, s:s, "
	    "s:o, s:o}",
	    "result", word_of(r, mf_options_flag(c->options, MF_OPT_DRY_RUN)), "reason",
	    mf_reason_name(r->reason), "because", r->because, "run", run_id, "version", r->version, "previous",
	    r->previous, "fallback", r->serving, "weights", (int)r->primary, (int)r->canary,
	    "destinationNotBack", r->not_back, "compare", mf_cmd_compared_json(&r->agreement),
	    "ticks", (json_int_t)r->ticks, "seconds", (json_int_t)r->seconds, "finish",
	    finish_name(plan), "servesUnchecked", unchecked_json(plan->migration), "routerNote",
	    r->note, "permanent", lines_json(r->permanent), "manualSteps", steps_json(steps, n));

	for (i = 0; i < n; i++)
		mf_buf_fini(&steps[i]);
	return mf_output_json(c->out, o, e);
}

/* ---- as text ---- */

static void
put_line(struct mf_cmd *c, const char *run_id, const struct mf_migrate_report *r)
{
	bool dry_run = mf_options_flag(c->options, MF_OPT_DRY_RUN);
	char took[MF_UNIT_TEXT_BYTES];

	mf_cmd_put_compared(c->out, &r->agreement);
	if (r->already && r->previous[0] == '\0') /* traffic alone */
		fprintf(c->out, "already done: weights %u/%u\n", r->primary, r->canary);
	else if (r->already)
		fprintf(c->out, "already done: production is %s, weights %u/%u\n", r->version,
		    r->primary, r->canary);
	else
		fprintf(c->out, "%s: %s, weights %u/%u, %llu tick%s, %s, run %s\n",
		    word_of(r, dry_run), r->version, r->primary, r->canary,
		    (unsigned long long)r->ticks, mf_plural(r->ticks), mf_format_duration(r->seconds * 1000000, took),
		    run_id);
}

static void
put_lines(FILE *out, const char *text)
{
	size_t n;

	for (; *text != '\0'; text += n + (text[n] == '\n')) {
		n = strcspn(text, "\n");
		fprintf(out, "    %.*s\n", (int)n, text);
	}
}

static void
put_text(struct mf_cmd *c, const char *run_id, const struct mf_plan *plan,
    const struct mf_migrate_report *r)
{
	const struct mf_migration_plan *m = plan->migration;
	bool source = m->model != NULL && m->source.serves.unchecked;
	bool destination = m->model != NULL && m->destination.serves.unchecked;

	put_line(c, run_id, r);
	if (!has_ended(r) || m->router.type == MF_ROUTER_NONE)
		return;
	fprintf(c->out, "finish: %s%s%s\n", finish_name(plan),
	    source || destination ? "; serves: unchecked at " : "",
	    source && destination ? "both sites"
	    : source              ? "the source"
	    : destination         ? "the destination"
				  : "");
	if (r->note[0] != '\0') {
		fprintf(c->out, "router: ");
		mf_output_name(c->out, r->note);
		fputc('\n', c->out);
	}
	if (r->permanent[0] != '\0') {
		fprintf(c->out, "these weights for good, as lines of the proxy's configuration:\n");
		put_lines(c->out, r->permanent);
	}
}

/* What a person does where the run could not: all of it in the report, and in the hint where that
 * has room. */
static int
needs_person(struct mf_cmd *c, const struct mf_plan *plan, const struct mf_migrate_report *r,
    struct mf_error *e)
{
	char unused[MF_PLAN_WAY_BACK_BYTES];
	bool blind = r->canary == 0 && mf_plan_way_back(plan, unused) == MF_PLAN_WAY_BACK_BLIND;
	struct mf_buf steps[MF_CMD_MANUAL_STEPS] = {MF_BUF_INIT, MF_BUF_INIT, MF_BUF_INIT};
	struct mf_buf hint = MF_BUF_INIT;
	const char *cause = r->primary_ill[0] != '\0' ? r->primary_ill : r->because;
	size_t i, n = mf_cmd_manual_steps(plan->migration, r, steps);

	if (!c->json)
		fprintf(c->out, "by hand, in this order:\n");
	for (i = 0; i < n; i++) {
		const char *text = mf_buf_cstr(&steps[i]);

		if (!c->json)
			fprintf(c->out, "    %zu. %s\n", i + 1, text == NULL ? "?" : text);
		mf_buf_printf(&hint, "%s%s", i == 0 ? "" : "; then ", text == NULL ? "?" : text);
		mf_buf_fini(&steps[i]);
	}
	(void)mf_error_set(e, MF_EROLLBACKFAILED,
	    "%s: a person is needed: traffic is at %u/%u (%s)%s%s%s%s%s", plan->migration->name,
	    r->primary, r->canary, mf_reason_name(r->reason), cause[0] == '\0' ? "" : "; ",
	    cause,
	    blind ? "; no metric of the plan measures the primary" : "",
	    r->router[0] == '\0' ? "" : "; ", r->router);
	(void)mf_error_hint(e, "%s",
	    hint.len < MF_ERROR_HINT_BYTES && mf_buf_cstr(&hint) != NULL
		? mf_buf_cstr(&hint)
		: "see to the primary, then to the traffic, then to the ref: the report has the "
		  "steps");
	mf_buf_fini(&hint);
	return -1;
}

int
mf_cmd_end_migration(struct mf_cmd *c, const char *run_id, const struct mf_plan *plan,
    const struct mf_migrate_report *r, struct mf_error *e)
{
	const struct mf_migration_plan *m = plan->migration;

	if (c->json && put_json(c, run_id, plan, r, e) != 0)
		return -1;
	if (!c->json)
		put_text(c, run_id, plan, r);
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
		return mf_error_set(e, MF_EROLLEDBACK,
		    "%s was rolled back: %s%s%s; weights %u/%u%s%s%s%s%s", m->name,
		    mf_reason_name(r->reason), r->because[0] == '\0' ? "" : ": ", r->because,
		    r->primary, r->canary,
		    r->serving[0] == '\0' ? "" : "; the primary serves ", r->serving,
		    r->not_back[0] == '\0' ? "" : "; the destination is not back: ", r->not_back,
		    r->rejected ? "; the version is marked as rejected" : "");
	case MF_RESULT_PERSON_NEEDED: return needs_person(c, plan, r, e);
	case MF_RESULT_CONFLICT:
		return mf_error_set(e, MF_ECONFLICT,
		    "%s: traffic is at %u/%u, but %s@%s moved under this run and was left alone",
		    m->name, r->primary, r->canary, m->model, m->production_ref);
	default: return 0;
	}
}
