/* status and history: the runs that the repository knows of. */
#include <stdlib.h>
#include <string.h>

#include "src/base/units.h"
#include "src/cmd/cmd.h"
#include "src/cmd/output.h"
#include "src/cmd/repo.h"
#include "src/repo/run_record.h"

#define OLD_BEAT_US UINT64_C(120000000)
#define RUNS_MAX 100000u

/* A run's head, with texts of its own. */
struct run {
	char *id, *plan, *digest, *model, *actor, *from, *to, *result, *reason;
	int64_t begun_us, ended_us;
};

struct runs {
	struct run *items;
	size_t n, capacity;
	const char *only; /* NULL: all */
	bool open_only;
	bool failed; /* out of memory */
};

static char *
copy(struct runs *rs, const char *text)
{
	char *made = strdup(text == NULL ? "" : text);

	rs->failed |= made == NULL;
	return made;
}

static int
grow(struct runs *rs)
{
	size_t capacity = rs->capacity == 0 ? 16 : 2 * rs->capacity;
	struct run *items;

	if (rs->n < rs->capacity)
		return 0;
	items = rs->n >= RUNS_MAX ? NULL : realloc(rs->items, capacity * sizeof *items);
	if (items == NULL) {
		rs->failed = true;
		return -1;
	}
	rs->items = items;
	rs->capacity = capacity;
	return 0;
}

static int
take(void *arg, const struct mf_journal_run *head)
{
	struct runs *rs = arg;
	struct run *r;

	if (rs->only != NULL ? strcmp(rs->only, head->id) != 0
			     : rs->open_only && head->ended_us != 0)
		return 0;
	if (grow(rs) != 0)
		return 1;
	r = &rs->items[rs->n++];
	*r = (struct run){.id = copy(rs, head->id),
	    .plan = copy(rs, head->plan_name),
	    .digest = copy(rs, head->plan_digest),
	    .model = copy(rs, head->model),
	    .actor = copy(rs, head->actor),
	    .from = copy(rs, head->previous),
	    .to = copy(rs, head->destination),
	    .result = copy(rs, head->result),
	    .reason = copy(rs, head->reason),
	    .begun_us = head->begun_us,
	    .ended_us = head->ended_us};
	return rs->failed;
}

static void
runs_fini(struct runs *rs)
{
	struct run *r;
	size_t i;

	for (i = 0; i < rs->n; i++) {
		r = &rs->items[i];
		free(r->id);
		free(r->plan);
		free(r->digest);
		free(r->model);
		free(r->actor);
		free(r->from);
		free(r->to);
		free(r->result);
		free(r->reason);
	}
	free(rs->items);
}

static int
newest_first(const void *a, const void *b)
{
	const struct run *x = a, *y = b;

	if (x->begun_us != y->begun_us)
		return x->begun_us > y->begun_us ? -1 : 1;
	return strcmp(x->id, y->id);
}

static int
load(struct mf_repo *repo, struct runs *rs, struct mf_error *e)
{
	if (mf_runs_list(repo, take, rs, e) < 0)
		return -1;
	if (rs->failed)
		return mf_error_nomem(e, "the runs");
	if (rs->n > 1)
		qsort(rs->items, rs->n, sizeof rs->items[0], newest_first);
	return 0;
}

static json_t *
run_json(const struct run *r)
{
	json_t *o = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "run", r->id, "plan",
	    r->plan, "digest", r->digest, "model", r->model, "actor", r->actor, "previous", r->from,
	    "version", r->to, "result", r->result, "reason", r->reason);

	if (o != NULL)
		(void)mf_output_set_time(o, "begun", r->begun_us);
	if (o != NULL && r->ended_us != 0)
		(void)mf_output_set_time(o, "ended", r->ended_us);
	return o;
}

/* ---- history ---- */

static void
put_past(struct mf_cmd *c, const struct run *r)
{
	char when[MF_TIME_TEXT_BYTES], took[MF_UNIT_TEXT_BYTES] = "";

	if (r->ended_us > r->begun_us)
		(void)mf_format_duration((uint64_t)(r->ended_us - r->begun_us), took);
	fprintf(c->out, "%.19s  %-12s %8s  ", mf_format_time(r->begun_us, when),
	    r->ended_us == 0 ? "under way" : r->result, took);
	mf_output_name(c->out, r->plan);
	fprintf(c->out, " %.12s  %s@%s -> %s", r->digest, r->model, r->from, r->to);
	if (r->reason[0] != '\0') {
		fprintf(c->out, "  ");
		mf_output_name(c->out, r->reason);
	}
	fprintf(c->out, "  by ");
	mf_output_name(c->out, r->actor);
	fprintf(c->out, "  run ");
	mf_output_name(c->out, r->id);
	fprintf(c->out, "\n");
}

int
mf_cmd_history(struct mf_cmd *c, struct mf_error *e)
{
	struct mf_cmd_repo r = {0};
	struct runs rs = {0};
	json_t *all;
	size_t i;
	int rc = mf_cmd_open_repo(c, MF_CMD_READ, &r, e);

	if (rc == 0 && (rc = load(r.repo, &rs, e)) == 0) {
		all = json_array();
		for (i = 0; i < rs.n; i++)
			if (c->json)
				(void)json_array_append_new(all, run_json(&rs.items[i]));
			else
				put_past(c, &rs.items[i]);
		if (c->json)
			rc = mf_output_json(c->out, json_incref(all), e);
		json_decref(all);
	}
	runs_fini(&rs);
	mf_cmd_close_repo(&r);
	return rc;
}

/* ---- status ---- */

static bool
is_well(const struct run *r, const struct mf_run_beat *beat, int has_beat, uint64_t age_us)
{
	if (r->ended_us != 0)
		return strcmp(r->result, "succeeded") == 0;
	return has_beat == 0 && age_us < OLD_BEAT_US && beat->note[0] == '\0';
}

static void
put_present(struct mf_cmd *c, const struct run *r, const struct mf_run_beat *beat, int has_beat,
    uint64_t age_us)
{
	char age[MF_UNIT_TEXT_BYTES];

	mf_output_name(c->out, r->id);
	fprintf(c->out, ": ");
	mf_output_name(c->out, r->plan);
	fprintf(c->out, ", %s@%s -> %s: ", r->model, r->from, r->to);
	if (r->ended_us != 0) {
		fprintf(c->out, "%s%s", r->result, r->reason[0] == '\0' ? "" : ": ");
		mf_output_name(c->out, r->reason);
	} else if (has_beat != 0) {
		fprintf(c->out, "no heartbeat");
	} else {
		fprintf(c->out, "%s, weights %u/%u, tick %llu, heartbeat %s ago", beat->phase,
		    100 - beat->canary_weight, beat->canary_weight, (unsigned long long)beat->tick,
		    mf_format_duration(age_us, age));
		if (beat->note[0] != '\0') {
			fprintf(c->out, ", ");
			mf_output_name(c->out, beat->note);
		}
	}
	fprintf(c->out, "\n");
}

static json_t *
present_json(
    const struct run *r, const struct mf_run_beat *beat, int has_beat, uint64_t age_us, bool well)
{
	json_t *o = run_json(r), *b;

	if (o == NULL)
		return NULL;
	(void)json_object_set_new(o, "healthy", json_boolean(well));
	if (has_beat != 0)
		return o;
	b = json_pack("{s:s, s:[i,i], s:I, s:s, s:f}", "phase", beat->phase, "weights",
	    (int)(100 - beat->canary_weight), (int)beat->canary_weight, "tick",
	    (json_int_t)beat->tick, "note", beat->note, "age_seconds", (double)age_us / 1e6);
	(void)json_object_set_new(o, "heartbeat", b);
	return o;
}

/* 0 well, 1 not, -1. */
static int
show(struct mf_cmd *c, struct mf_repo *repo, const struct run *r, json_t *all, struct mf_error *e)
{
	struct mf_run_beat beat;
	uint64_t age_us = 0;
	int has_beat = mf_run_last_beat(repo, r->id, &beat, &age_us, e);
	bool well;

	if (has_beat < 0)
		return -1;
	well = is_well(r, &beat, has_beat, age_us);
	if (c->json)
		(void)json_array_append_new(all, present_json(r, &beat, has_beat, age_us, well));
	else
		put_present(c, r, &beat, has_beat, age_us);
	return well ? 0 : 1;
}

static int
show_all(struct mf_cmd *c, struct mf_repo *repo, const struct runs *rs, struct mf_error *e)
{
	json_t *all = json_array();
	size_t i, unwell = 0;
	int rc = 0;

	for (i = 0; rc >= 0 && i < rs->n; i++) {
		rc = show(c, repo, &rs->items[i], all, e);
		unwell += rc > 0;
	}
	if (rc >= 0 && c->json)
		rc = mf_output_json(c->out, json_incref(all), e);
	json_decref(all);
	if (rc < 0)
		return -1;
	if (unwell > 0)
		return mf_error_set(e, MF_EFAIL, "%zu of %zu runs need attention", unwell, rs->n);
	if (rs->n == 0 && !c->json)
		fprintf(c->out, "no run is under way\n");
	return 0;
}

int
mf_cmd_status(struct mf_cmd *c, struct mf_error *e)
{
	struct mf_cmd_repo r = {0};
	struct runs rs = {.only = mf_options_arg(c->options, 0), .open_only = true};
	int rc = mf_cmd_open_repo(c, MF_CMD_READ, &r, e);

	if (rc == 0)
		rc = load(r.repo, &rs, e);
	if (rc == 0 && rs.only != NULL && rs.n == 0)
		rc = mf_error_set(e, MF_ENOTFOUND, "there is no run %s", rs.only);
	if (rc == 0)
		rc = show_all(c, r.repo, &rs, e);
	runs_fini(&rs);
	mf_cmd_close_repo(&r);
	return rc;
}
