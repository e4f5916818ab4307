/* history: the runs that the repository knows of. */
#include "src/cmd/runs.h"

#include <stdlib.h>
#include <string.h>

#include "src/base/text.h"
#include "src/base/units.h"
#include "src/cmd/cmd.h"
#include "src/cmd/output.h"
#include "src/cmd/repo.h"

#define RUNS_MAX 100000u

static char *
copy(struct mf_cmd_runs *rs, const char *text)
{
	char *made = strdup(text == NULL ? "" : text);

	rs->failed |= made == NULL;
	return made;
}

static int
grow(struct mf_cmd_runs *rs)
{
	size_t capacity = rs->capacity == 0 ? 16 : 2 * rs->capacity;
	struct mf_cmd_run *items;

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

/* "byHand: root@host: orders fall": programs get the word by itself. */
static void
split_reason(struct mf_cmd_runs *rs, struct mf_cmd_run *r)
{
	char *at = r->reason == NULL ? NULL : strstr(r->reason, ": ");

	if (at == NULL)
		return;
	*at = '\0';
	if (mf_reason_find(r->reason) == MF_REASONS) {
		*at = ':';
		return;
	}
	free(r->because);
	r->because = copy(rs, at + 2);
}

static int
take(void *arg, const struct mf_journal_run *head)
{
	struct mf_cmd_runs *rs = arg;
	struct mf_cmd_run *r;

	if (rs->only != NULL ? strcmp(rs->only, head->id) != 0
			     : rs->open_only && head->ended_us != 0)
		return 0;
	if (grow(rs) != 0)
		return 1;
	r = &rs->items[rs->n++];
	*r = (struct mf_cmd_run){.id = copy(rs, head->id),
	    .plan = copy(rs, head->plan_name),
	    .digest = copy(rs, head->plan_digest),
	    .model = copy(rs, head->model),
	    .actor = copy(rs, head->actor),
	    .from = copy(rs, head->previous),
	    .to = copy(rs, head->destination),
	    .result = copy(rs, head->result),
	    .reason = copy(rs, head->reason),
	    .because = copy(rs, ""),
	    .begun_us = head->begun_us,
	    .ended_us = head->ended_us};
	split_reason(rs, r);
	return rs->failed;
}

void
mf_cmd_runs_fini(struct mf_cmd_runs *rs)
{
	struct mf_cmd_run *r;
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
		free(r->because);
	}
	free(rs->items);
}

static int
newest_first(const void *a, const void *b)
{
	const struct mf_cmd_run *x = a, *y = b;

	if (x->begun_us != y->begun_us)
		return x->begun_us > y->begun_us ? -1 : 1;
	return strcmp(x->id, y->id);
}

int
mf_cmd_runs_load(struct mf_repo *repo, struct mf_cmd_runs *rs, struct mf_error *e)
{
	if (mf_runs_list(repo, take, rs, e) < 0)
		return -1;
	if (rs->failed)
		return mf_error_nomem(e, "the runs");
	if (rs->n > 1)
		qsort(rs->items, rs->n, sizeof rs->items[0], newest_first);
	return 0;
}

json_t *
mf_cmd_run_json(const struct mf_cmd_run *r)
{
	const struct {
		const char *key, *text;
	} fields[] = {{"run", r->id}, {"plan", r->plan}, {"digest", r->digest}, {"model", r->model},
	    {"actor", r->actor}, {"previous", r->from}, {"version", r->to}, {"result", r->result},
	    {"reason", r->reason}, {"because", r->because}};
	json_t *o = json_object();
	size_t i;
	int rc = o == NULL ? -1 : 0;

	for (i = 0; rc == 0 && i < sizeof fields / sizeof fields[0]; i++)
		rc = mf_output_set_name(o, fields[i].key, fields[i].text);
	if (rc == 0)
		rc = mf_output_set_time(o, "begun", r->begun_us);
	if (rc == 0 && r->ended_us != 0)
		rc = mf_output_set_time(o, "ended", r->ended_us);
	if (rc == 0)
		return o;
	json_decref(o);
	return NULL;
}

/* ---- history ---- */

static void
put_past(struct mf_cmd *c, const struct mf_cmd_run *r)
{
	char when[MF_TIME_TEXT_BYTES], took[MF_UNIT_TEXT_BYTES] = "";
	char result[32], digest[64];

	if (r->ended_us > r->begun_us)
		(void)mf_format_duration((uint64_t)(r->ended_us - r->begun_us), took);
	mf_text_escape(result, sizeof result, r->ended_us == 0 ? "under way" : r->result);
	mf_text_escape(digest, sizeof digest, r->digest);
	fprintf(c->out, "%.19s  %-12s %8s  ", mf_format_time(r->begun_us, when), result, took);
	mf_output_name(c->out, r->plan);
	fprintf(c->out, " %.12s  ", digest);
	if (r->model[0] == '\0') {
		fprintf(c->out, "traffic alone");
	} else {
		mf_output_name(c->out, r->model);
		fprintf(c->out, "@");
		mf_output_name(c->out, r->from);
		fprintf(c->out, " -> ");
		mf_output_name(c->out, r->to);
	}
	if (r->reason[0] != '\0') {
		fprintf(c->out, "  ");
		mf_output_name(c->out, r->reason);
		fprintf(c->out, "%s", r->because[0] == '\0' ? "" : ": ");
		mf_output_name(c->out, r->because);
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
	struct mf_cmd_runs rs = {0};
	json_t *all;
	size_t i;
	int rc = mf_cmd_open_repo(c, MF_CMD_READ, &r, e);

	if (rc == 0 && (rc = mf_cmd_runs_load(r.repo, &rs, e)) == 0) {
		all = json_array();
		for (i = 0; rc == 0 && i < rs.n; i++)
			if (!c->json)
				put_past(c, &rs.items[i]);
			else if (json_array_append_new(all, mf_cmd_run_json(&rs.items[i])) != 0)
				rc = mf_error_nomem(e, "a run");
		if (rc == 0 && c->json)
			rc = mf_output_json(c->out, json_incref(all), e);
		json_decref(all);
	}
	mf_cmd_runs_fini(&rs);
	mf_cmd_close_repo(&r);
	return rc;
}
