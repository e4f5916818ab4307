/* status: what the runs of the repository are at, by their records and heartbeats alone. */
#include <stdlib.h>
#include <string.h>

#include "src/base/log.h"
#include "src/base/units.h"
#include "src/cmd/cmd.h"
#include "src/cmd/output.h"
#include "src/cmd/repo.h"
#include "src/cmd/runs.h"
#include "src/cmd/view_text.h"

#define LATE_US UINT64_C(120000000)

static bool
is_late(const struct mf_cmd_run_seen *seen)
{
	return seen->has_view && seen->view.next_us > 0 &&
	       seen->now_us > seen->view.next_us + (int64_t)LATE_US;
}

/* What needs attention, if anything does. */
static const char *
unwell(const struct mf_cmd_run *r, const struct mf_cmd_run_seen *seen)
{
	if (r->ended_us != 0)
		return strcmp(r->result, "succeeded") == 0 ? NULL : "it did not succeed";
	if (!seen->has_beat)
		return "it has no heartbeat";
	if (seen->has_view && seen->view.left_us > 0)
		return "it was interrupted, and nobody runs it";
	if (seen->age_us >= LATE_US)
		return "its heartbeat is old";
	if (is_late(seen))
		return "its tick is overdue";
	if (seen->has_view && mf_view_is_settling(&seen->view, seen->now_us) &&
	    strcmp(seen->beat.note, seen->view.hold) == 0)
		return NULL;
	return seen->beat.note[0] == '\0' ? NULL : "it holds, or goes back";
}

/* 0, or -1. A view that this program cannot read is told, and the rest is shown. */
static int
look(struct mf_repo *repo, const struct mf_cmd_run *r, struct mf_cmd_run_seen *seen,
    struct mf_error *e)
{
	struct mf_error why = {0};
	struct mf_buf plain;
	int rc = mf_run_last_beat(repo, r->id, &seen->beat, &plain, &seen->age_us, e);

	seen->has_beat = rc == 0;
	if (seen->has_beat && seen->beat.view != NULL) {
		seen->has_view =
		    mf_view_read(&seen->view, seen->beat.view, seen->beat.n_view, &why) == 0;
		if (!seen->has_view)
			mf_log(MF_LOG_WARNING, "run %s: %s", r->id, why.message);
	}
	seen->beat.view = NULL;
	mf_buf_fini(&plain);
	/* the two clocks need not agree: the holder's own, and how long ago it wrote that */
	seen->now_us = seen->beat.time_us + (int64_t)seen->age_us;
	seen->unwell = unwell(r, seen);
	return rc < 0 ? -1 : 0;
}

static void
put_versions(struct mf_cmd *c, const struct mf_cmd_run *r)
{
	if (r->model[0] == '\0') {
		fprintf(c->out, "traffic alone");
		return;
	}
	mf_output_name(c->out, r->model);
	fprintf(c->out, "@");
	mf_output_name(c->out, r->from);
	fprintf(c->out, " -> ");
	mf_output_name(c->out, r->to);
}

static void
put_heartbeat(struct mf_cmd *c, const struct mf_cmd_run_seen *seen)
{
	char age[MF_UNIT_TEXT_BYTES];

	mf_output_name(c->out, seen->beat.phase);
	fprintf(c->out, ", weights %u/%u, tick %llu, heartbeat %s ago",
	    100 - seen->beat.canary_weight, seen->beat.canary_weight,
	    (unsigned long long)seen->beat.tick, mf_format_duration(seen->age_us, age));
	if (seen->beat.note[0] != '\0') {
		fprintf(c->out, ", ");
		mf_output_name(c->out, seen->beat.note);
	}
}

static void
put_view(struct mf_cmd *c, const struct mf_cmd_run_seen *seen)
{
	struct mf_view_frame f = {.now_us = seen->now_us};
	struct mf_buf text = MF_BUF_INIT;
	const char *lines;

	mf_view_text(&text, &seen->view, &f);
	if ((lines = mf_buf_cstr(&text)) != NULL)
		fprintf(c->out, "%s\n", lines);
	mf_buf_fini(&text);
}

static void
put_run(struct mf_cmd *c, const struct mf_cmd_run *r, const struct mf_cmd_run_seen *seen)
{
	mf_output_name(c->out, r->id);
	fprintf(c->out, ": ");
	mf_output_name(c->out, r->plan);
	fprintf(c->out, ", ");
	put_versions(c, r);
	fprintf(c->out, ": ");
	if (r->ended_us != 0) {
		mf_output_name(c->out, r->result);
		fprintf(c->out, "%s", r->reason[0] == '\0' ? "" : ": ");
		mf_output_name(c->out, r->reason);
		fprintf(c->out, "%s", r->because[0] == '\0' ? "" : ": ");
		mf_output_name(c->out, r->because);
	} else if (seen->has_beat)
		put_heartbeat(c, seen);
	if (seen->unwell != NULL && r->ended_us == 0)
		fprintf(c->out, "%s%s", seen->has_beat ? "; attention: " : "", seen->unwell);
	fprintf(c->out, "\n");
	if (r->ended_us == 0 && seen->has_view)
		put_view(c, seen);
}

/* 0 well, 1 not, -1. */
static int
show(struct mf_cmd *c, struct mf_repo *repo, const struct mf_cmd_run *r, json_t *all,
    struct mf_error *e)
{
	struct mf_cmd_run_seen *seen = calloc(1, sizeof *seen);
	json_t *o = NULL;
	int rc;

	if (seen == NULL)
		return mf_error_nomem(e, "a run");
	rc = look(repo, r, seen, e);
	if (rc == 0 && c->json &&
	    ((o = mf_cmd_status_json(r, seen)) == NULL || json_array_append_new(all, o) != 0))
		rc = mf_error_nomem(e, "a run");
	else if (rc == 0 && !c->json)
		put_run(c, r, seen);
	if (rc == 0)
		rc = seen->unwell != NULL;
	free(seen);
	return rc;
}

static int
show_all(struct mf_cmd *c, struct mf_repo *repo, const struct mf_cmd_runs *rs, struct mf_error *e)
{
	json_t *all = json_array();
	size_t i, n_unwell = 0;
	int rc = 0;

	for (i = 0; rc >= 0 && i < rs->n; i++) {
		rc = show(c, repo, &rs->items[i], all, e);
		n_unwell += rc > 0;
	}
	if (rc >= 0 && c->json)
		rc = mf_output_json(c->out, json_incref(all), e);
	json_decref(all);
	if (rc < 0)
		return -1;
	if (n_unwell > 0)
		return mf_error_set(e, MF_EFAIL, "%zu of %zu run%s need%s attention", n_unwell, rs->n,
		    mf_plural(rs->n), n_unwell == 1 ? "s" : "");
	if (rs->n == 0 && !c->json)
		fprintf(c->out, "no run is under way\n");
	return 0;
}

int
mf_cmd_status(struct mf_cmd *c, struct mf_error *e)
{
	struct mf_cmd_repo r = {0};
	struct mf_cmd_runs rs = {.only = mf_options_arg(c->options, 0), .open_only = true};
	int rc = mf_cmd_open_repo(c, MF_CMD_READ, &r, e);

	if (rc == 0)
		rc = mf_cmd_runs_load(r.repo, &rs, e);
	if (rc == 0 && rs.only != NULL && rs.n == 0)
		rc = mf_error_set(e, MF_ENOTFOUND, "there is no run %s", rs.only);
	if (rc == 0)
		rc = show_all(c, r.repo, &rs, e);
	mf_cmd_runs_fini(&rs);
	mf_cmd_close_repo(&r);
	return rc;
}
