/* Reading the journal. */
#include <string.h>

#include "src/state/journal_int.h"

#define LINE "SELECT number, kind, tick, of, time_us, phase, bytes FROM line "
#define RUN                                                                                  \
	"SELECT id, plan_digest, plan_name, repository, model, actor, source, destination, " \
	"previous,"                                                                          \
	" result, reason, production_sequence, begun_us, ended_us, mirrored, facts FROM run "

static uint64_t
number_at(sqlite3_stmt *stmt, int column)
{
	sqlite3_int64 v = sqlite3_column_int64(stmt, column);

	return v < 0 ? 0 : (uint64_t)v;
}

static const char *
text_at(sqlite3_stmt *stmt, int column)
{
	const unsigned char *s = sqlite3_column_text(stmt, column);

	return s != NULL ? (const char *)s : "";
}

/* A kind that nobody knows is a line of a newer modelferry, or rot. */
static int
line_of(struct mf_journal *j, sqlite3_stmt *stmt, struct mf_journal_line *out, struct mf_error *e)
{
	uint64_t kind = number_at(stmt, 1);

	if (kind < MF_JOURNAL_STATE || kind >= MF_JOURNAL_KINDS_END)
		return mf_error_set(e, MF_EDAMAGED, "%s has a line of kind %llu", j->db.path,
		    (unsigned long long)kind);
	*out = (struct mf_journal_line){.number = number_at(stmt, 0),
	    .kind = (enum mf_journal_kind)kind,
	    .tick = number_at(stmt, 2),
	    .of = number_at(stmt, 3),
	    .time_us = sqlite3_column_int64(stmt, 4),
	    .phase = text_at(stmt, 5),
	    .bytes = sqlite3_column_blob(stmt, 6)};
	out->n = (size_t)sqlite3_column_bytes(stmt, 6);
	return 0;
}

/* Takes stmt. *seen (may be NULL): how many lines there were. */
static int
each_line_take(struct mf_journal *j, sqlite3_stmt *stmt, mf_journal_line_cb *cb, void *arg,
    size_t *seen, struct mf_error *e)
{
	struct mf_journal_line line;
	int rc = stmt != NULL ? 0 : -1, step = SQLITE_DONE;

	while (rc == 0 && (step = sqlite3_step(stmt)) == SQLITE_ROW) {
		rc = line_of(j, stmt, &line, e);
		if (rc == 0)
			rc = cb(arg, &line);
		if (seen != NULL)
			++*seen;
	}
	if (rc == 0 && step != SQLITE_DONE)
		rc = mf_db_error(&j->db, "read", e);
	sqlite3_finalize(stmt);
	return rc;
}

int
mf_journal_each(struct mf_journal *j, const char *run, uint64_t from, mf_journal_line_cb *cb,
    void *arg, struct mf_error *e)
{
	sqlite3_stmt *stmt = mf_db_prepare(
	    &j->db, e, LINE "WHERE run = ?1 AND number >= ?2 ORDER BY number", run, NULL);

	if (stmt != NULL)
		sqlite3_bind_int64(stmt, 2, from > INT64_MAX ? INT64_MAX : (sqlite3_int64)from);
	return each_line_take(j, stmt, cb, arg, NULL, e);
}

#define LAST_STATE "coalesce((SELECT max(number) FROM line WHERE run = ?1 AND kind = 1), 0)"

int
mf_journal_resume(
    struct mf_journal *j, const char *run, mf_journal_line_cb *cb, void *arg, struct mf_error *e)
{
	return each_line_take(j,
	    mf_db_prepare(&j->db, e,
		LINE "WHERE run = ?1 AND number >= " LAST_STATE " ORDER BY number", run, NULL),
	    cb, arg, NULL, e);
}

int
mf_journal_open_act(
    struct mf_journal *j, const char *run, mf_journal_line_cb *cb, void *arg, struct mf_error *e)
{
	size_t seen = 0;
	int rc = each_line_take(j,
	    mf_db_prepare(&j->db, e,
		LINE "AS l WHERE run = ?1 AND kind = 2 AND number > " LAST_STATE
		     " AND NOT EXISTS (SELECT 1 FROM line AS a WHERE a.run = ?1 AND a.kind = 3"
		     " AND a.of = l.number) ORDER BY number DESC LIMIT 1",
		run, NULL),
	    cb, arg, &seen, e);

	return rc == 0 && seen == 0 ? 1 : rc;
}

int
mf_journal_stored(struct mf_journal *j, const char *run, uint64_t *number, struct mf_error *e)
{
	sqlite3_stmt *stmt = mf_db_prepare(
	    &j->db, e, "SELECT coalesce(max(number), 0) FROM line WHERE run = ?", run, NULL);
	int rc = -1;

	*number = 0;
	if (stmt == NULL)
		return -1;
	if (sqlite3_step(stmt) == SQLITE_ROW) {
		*number = number_at(stmt, 0);
		rc = 0;
	} else {
		mf_db_error(&j->db, "read", e);
	}
	sqlite3_finalize(stmt);
	return rc;
}

int
mf_journal_newest(struct mf_journal *j, const char *run, uint64_t *number, struct mf_error *e)
{
	int rc = mf_journal_stored(j, run, number, e);
	size_t i;

	for (i = 0; i < j->n_waiting; i++)
		if (strcmp(j->waiting[i].run, run) == 0 && j->waiting[i].line.number > *number)
			*number = j->waiting[i].line.number;
	return rc;
}

static struct mf_journal_run
run_of(sqlite3_stmt *stmt)
{
	struct mf_journal_run run = {.id = text_at(stmt, 0),
	    .plan_digest = text_at(stmt, 1),
	    .plan_name = text_at(stmt, 2),
	    .repository = text_at(stmt, 3),
	    .model = text_at(stmt, 4),
	    .actor = text_at(stmt, 5),
	    .source = text_at(stmt, 6),
	    .destination = text_at(stmt, 7),
	    .previous = text_at(stmt, 8),
	    .result = text_at(stmt, 9),
	    .reason = text_at(stmt, 10),
	    .production_sequence = number_at(stmt, 11),
	    .begun_us = sqlite3_column_int64(stmt, 12),
	    .ended_us = sqlite3_column_int64(stmt, 13),
	    .mirrored = number_at(stmt, 14),
	    .facts = sqlite3_column_blob(stmt, 15)};

	run.n_facts = (size_t)sqlite3_column_bytes(stmt, 15);
	return run;
}

/* Takes stmt. */
static int
each_run_take(struct mf_journal *j, sqlite3_stmt *stmt, mf_journal_run_cb *cb, void *arg,
    size_t *seen, struct mf_error *e)
{
	struct mf_journal_run run;
	int rc = stmt != NULL ? 0 : -1, step = SQLITE_DONE;

	while (rc == 0 && (step = sqlite3_step(stmt)) == SQLITE_ROW) {
		run = run_of(stmt);
		++*seen;
		rc = cb(arg, &run);
	}
	if (rc == 0 && step != SQLITE_DONE)
		rc = mf_db_error(&j->db, "read", e);
	sqlite3_finalize(stmt);
	return rc;
}

int
mf_journal_run(
    struct mf_journal *j, const char *run, mf_journal_run_cb *cb, void *arg, struct mf_error *e)
{
	size_t seen = 0;
	int rc = each_run_take(
	    j, mf_db_prepare(&j->db, e, RUN "WHERE id = ?", run, NULL), cb, arg, &seen, e);

	if (rc == 0 && seen == 0)
		return mf_error_set(e, MF_ENOTFOUND, "there is no run %s in %s", run, j->db.path);
	return rc;
}

int
mf_journal_runs(
    struct mf_journal *j, const char *model, mf_journal_run_cb *cb, void *arg, struct mf_error *e)
{
	size_t seen = 0;

	return each_run_take(j,
	    model != NULL
		? mf_db_prepare(&j->db, e, RUN "WHERE model = ? ORDER BY n DESC", model, NULL)
		: mf_db_prepare(&j->db, e, RUN "ORDER BY n DESC", NULL),
	    cb, arg, &seen, e);
}
