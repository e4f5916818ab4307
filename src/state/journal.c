/* Writing the journal. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/log.h"
#include "src/state/journal_int.h"
#include "src/state/state.h"

#define PATIENCE_MS 30000
#define NO_PATIENCE_MS 200

static const char schema[] =
    "CREATE TABLE run (n INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, plan_digest TEXT NOT NULL,"
    " plan_name TEXT NOT NULL, repository TEXT NOT NULL, model TEXT NOT NULL, actor TEXT NOT NULL,"
    " source TEXT NOT NULL, destination TEXT NOT NULL, previous TEXT NOT NULL,"
    " production_sequence INTEGER NOT NULL, facts BLOB, begun_us INTEGER NOT NULL,"
    " ended_us INTEGER NOT NULL DEFAULT 0, result TEXT NOT NULL DEFAULT '',"
    " reason TEXT NOT NULL DEFAULT '', mirrored INTEGER NOT NULL DEFAULT 0, instance BLOB);"
    "CREATE TABLE line (run TEXT NOT NULL, number INTEGER NOT NULL, kind INTEGER NOT NULL,"
    " tick INTEGER NOT NULL, of INTEGER NOT NULL, time_us INTEGER NOT NULL, phase TEXT NOT NULL,"
    " bytes BLOB, PRIMARY KEY (run, number));";

int
mf_journal_open(const char *dir, struct mf_journal **out, struct mf_error *e)
{
	/* EXTRA: see pins.c; a line that a power cut takes back is an act that nobody knows of */
	struct mf_db_params params = {.dir = dir,
	    .file = "journal.db",
	    .option = "--state-dir",
	    .schema = schema,
	    .version = 1,
	    .pragma = "PRAGMA synchronous = EXTRA"};
	struct mf_journal *j;

	*out = NULL;
	if ((j = calloc(1, sizeof *j)) == NULL)
		return mf_error_nomem(e, "the journal");
	j->dir = dir != NULL ? strdup(dir) : mf_state_default_dir(e);
	if (j->dir == NULL) {
		free(j);
		return dir != NULL ? mf_error_nomem(e, "the journal") : -1;
	}
	params.dir = j->dir;
	if (mf_db_open(&j->db, &params, e) != 0) {
		mf_error_while(e, "opening the journal in %s", j->dir);
		mf_journal_close(j);
		return -1;
	}
	*out = j;
	return 0;
}

const char *
mf_journal_dir(const struct mf_journal *j)
{
	return j->dir;
}

const char *
mf_journal_kind_name(enum mf_journal_kind kind)
{
	static const char *const names[MF_JOURNAL_KINDS_END] = {[MF_JOURNAL_STATE] = "state",
	    [MF_JOURNAL_ACT] = "act",
	    [MF_JOURNAL_ANSWER] = "answer",
	    [MF_JOURNAL_READ] = "read",
	    [MF_JOURNAL_CONTROL] = "control",
	    [MF_JOURNAL_NOTE] = "note",
	    [MF_JOURNAL_END] = "end"};

	return (unsigned)kind < MF_JOURNAL_KINDS_END && names[kind] != NULL ? names[kind] : "?";
}

int
mf_journal_finish_take(struct mf_journal *j, sqlite3_stmt *stmt, struct mf_error *e)
{
	int rc = 0;

	if (stmt == NULL)
		return -1;
	if (sqlite3_step(stmt) != SQLITE_DONE)
		rc = mf_db_error(&j->db, "write", e);
	sqlite3_finalize(stmt);
	return rc;
}

static const char *
text(const char *s)
{
	return s != NULL ? s : "";
}

static int
check_run(const struct mf_journal_run *run, struct mf_error *e)
{
	const char *const texts[] = {run->id, run->plan_digest, run->plan_name, run->repository,
	    run->model, run->actor, run->source, run->destination, run->previous};
	size_t i;

	if (run->id == NULL || run->id[0] == '\0')
		return mf_error_set(e, MF_EUSAGE, "a run needs an id");
	for (i = 0; i < sizeof texts / sizeof texts[0]; i++)
		if (strlen(text(texts[i])) > MF_JOURNAL_TEXT_MAX_BYTES)
			return mf_error_set(e, MF_EUSAGE,
			    "a text of the run %.64s is longer than %u bytes", run->id,
			    MF_JOURNAL_TEXT_MAX_BYTES);
	if (run->n_facts > MF_JOURNAL_FACTS_MAX)
		return mf_error_set(
		    e, MF_EUSAGE, "the facts of the run %s take more than 256 KiB", run->id);
	if (run->production_sequence > INT64_MAX)
		return mf_error_set(e, MF_EUSAGE, "the sequence %llu is out of range",
		    (unsigned long long)run->production_sequence);
	return 0;
}

static int
insert_run(struct mf_journal *j, const struct mf_journal_run *run, struct mf_error *e)
{
	sqlite3_stmt *stmt;

	stmt = mf_db_prepare(&j->db, e,
	    "INSERT INTO run (id, plan_digest, plan_name, repository, model, actor, source,"
	    " destination, previous, production_sequence, facts, begun_us)"
	    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
	    run->id, text(run->plan_digest), text(run->plan_name), text(run->repository),
	    text(run->model), text(run->actor), text(run->source), text(run->destination),
	    text(run->previous), NULL);
	if (stmt != NULL) {
		sqlite3_bind_int64(stmt, 10, (sqlite3_int64)run->production_sequence);
		sqlite3_bind_blob64(stmt, 11, run->facts, run->n_facts, SQLITE_STATIC);
		sqlite3_bind_int64(stmt, 12, run->begun_us);
	}
	return mf_journal_finish_take(j, stmt, e);
}

static int
trim(struct mf_journal *j, struct mf_error *e)
{
	char sql[400];

	snprintf(sql, sizeof sql,
	    "CREATE TEMP TABLE IF NOT EXISTS old (id TEXT);"
	    "DELETE FROM old;"
	    "INSERT INTO old SELECT id FROM run WHERE ended_us != 0 ORDER BY n DESC LIMIT -1 "
	    "OFFSET %u;"
	    "DELETE FROM line WHERE run IN (SELECT id FROM old);"
	    "DELETE FROM run WHERE id IN (SELECT id FROM old)",
	    MF_JOURNAL_RUNS_MAX);
	return mf_db_exec(&j->db, sql, e);
}

static int
is_known(struct mf_journal *j, const char *run, struct mf_error *e)
{
	sqlite3_stmt *stmt = mf_db_prepare(&j->db, e, "SELECT 1 FROM run WHERE id = ?", run, NULL);
	int rc;

	if (stmt == NULL)
		return -1;
	rc = sqlite3_step(stmt);
	rc = rc == SQLITE_ROW ? 1 : rc == SQLITE_DONE ? 0 : mf_db_error(&j->db, "read", e);
	sqlite3_finalize(stmt);
	return rc;
}

/* End the transaction that was begun: with what rc says. */
static int
settle(struct mf_journal *j, int rc, struct mf_error *e)
{
	if (rc == 0 && mf_db_exec(&j->db, "COMMIT", e) == 0)
		return 0;
	sqlite3_exec(j->db.sql, "ROLLBACK", NULL, NULL, NULL); /* where SQLite has not done it */
	return -1;
}

int
mf_journal_begin(struct mf_journal *j, const struct mf_journal_run *run, struct mf_error *e)
{
	int rc;

	if (check_run(run, e) != 0 || mf_db_exec(&j->db, "BEGIN IMMEDIATE", e) != 0)
		return -1;
	if ((rc = is_known(j, run->id, e)) == 1)
		rc = mf_error_set(e, MF_EEXIST, "there is a run %s already", run->id);
	if (rc == 0)
		rc = insert_run(j, run, e);
	if (rc == 0)
		rc = trim(j, e);
	return settle(j, rc, e);
}

static int
check_line(const struct mf_journal_line *line, struct mf_error *e)
{
	if (line->kind < MF_JOURNAL_STATE || line->kind >= MF_JOURNAL_KINDS_END)
		return mf_error_set(e, MF_EUSAGE, "a line of kind %d", (int)line->kind);
	if (line->n > MF_JOURNAL_BYTES_MAX || strlen(line->phase) > MF_JOURNAL_TEXT_MAX_BYTES)
		return mf_error_set(e, MF_EUSAGE, "a line of the journal takes more than 512 KiB");
	if (line->tick > INT64_MAX || line->of > INT64_MAX)
		return mf_error_set(e, MF_EUSAGE, "a number of a line is out of range");
	return 0;
}

static int
insert_line(
    struct mf_journal *j, const char *run, const struct mf_journal_line *line, struct mf_error *e)
{
	sqlite3_stmt *stmt;

	/* a run that has ended, or none: no row */
	stmt = mf_db_prepare(&j->db, e,
	    "INSERT INTO line SELECT id, ?3, ?4, ?5, ?6, ?7, ?2, ?8 FROM run"
	    " WHERE id = ?1 AND ended_us = 0",
	    run, line->phase, NULL);
	if (stmt == NULL)
		return -1;
	sqlite3_bind_int64(stmt, 3, (sqlite3_int64)line->number);
	sqlite3_bind_int64(stmt, 4, line->kind);
	sqlite3_bind_int64(stmt, 5, (sqlite3_int64)line->tick);
	sqlite3_bind_int64(stmt, 6, (sqlite3_int64)line->of);
	sqlite3_bind_int64(stmt, 7, line->time_us);
	sqlite3_bind_blob64(stmt, 8, line->bytes, line->n, SQLITE_STATIC);
	if (mf_journal_finish_take(j, stmt, e) != 0)
		return -1;
	if (sqlite3_changes(j->db.sql) == 1)
		return 0;
	return mf_error_set(e, MF_ENOTFOUND, "no run %s is under way", run);
}

static int
drop_states(struct mf_journal *j, const char *run, struct mf_error *e)
{
	return mf_journal_finish_take(j,
	    mf_db_prepare(&j->db, e,
		"DELETE FROM line WHERE run = ?1 AND kind = 1 AND number < (SELECT number FROM line"
		" WHERE run = ?1 AND kind = 1 ORDER BY number DESC LIMIT 1 OFFSET 1)",
		run, NULL),
	    e);
}

/* A line that waited. Its number was chosen without the disk, and may be taken. */
static int
insert_late(struct mf_journal *j, const struct mf_journal_waiting *w, struct mf_error *e)
{
	struct mf_journal_line line = w->line;
	uint64_t stored;

	if (mf_journal_stored(j, w->run, &stored, e) != 0)
		return -1;
	if (line.number <= stored)
		line.number = stored + 1;
	return insert_line(j, w->run, &line, e);
}

/* What waits, and the line, where there is one; within a transaction. */
static int
insert_all(
    struct mf_journal *j, const char *run, const struct mf_journal_line *line, struct mf_error *e)
{
	size_t i;

	for (i = 0; i < j->n_waiting; i++) {
		if (insert_late(j, &j->waiting[i], e) == 0)
			continue;
		if (e->code != MF_ENOTFOUND)
			return -1;
		mf_log(MF_LOG_WARNING, "a line of the journal is lost: %s", e->message);
		mf_error_clear(e); /* its run was ended by somebody else */
	}
	if (line == NULL)
		return 0;
	if (insert_line(j, run, line, e) != 0)
		return -1;
	return line->kind == MF_JOURNAL_STATE ? drop_states(j, run, e) : 0;
}

/* So that a line can be numbered when the disk does not answer. */
static void
remember(struct mf_journal *j, const char *run, uint64_t number)
{
	if (j->last_run == NULL || strcmp(j->last_run, run) != 0) {
		free(j->last_run);
		j->last_run = strdup(run);
	}
	j->last_number = number;
}

/* One transaction. line->number is set. */
static int
write_all(struct mf_journal *j, const char *run, const struct mf_journal_line *line,
    uint64_t *number, struct mf_error *e)
{
	struct mf_journal_line numbered = *line;
	int rc;

	if (mf_db_exec(&j->db, "BEGIN IMMEDIATE", e) != 0)
		return -1;
	rc = mf_journal_newest(j, run, &numbered.number, e);
	numbered.number++;
	if (rc == 0)
		rc = insert_all(j, run, &numbered, e);
	if (settle(j, rc, e) != 0)
		return -1;
	mf_journal_unwait(j, j->n_waiting);
	remember(j, run, numbered.number);
	if (number != NULL)
		*number = numbered.number;
	return 0;
}

int
mf_journal_append(struct mf_journal *j, const char *run, const struct mf_journal_line *line,
    uint64_t *number, struct mf_error *e)
{
	struct mf_error own = {0}; /* inside its code decides */

	e = e == NULL ? &own : e;
	if (check_line(line, e) != 0)
		return -1;
	if (write_all(j, run, line, number, e) != 0)
		return mf_error_while(e, "writing the journal of the run %s", run);
	return 0;
}

int
mf_journal_import(
    struct mf_journal *j, const char *run, const struct mf_journal_line *line, struct mf_error *e)
{
	if (check_line(line, e) != 0)
		return -1;
	return insert_line(j, run, line, e);
}

/* The number that it will have: of the lines that can be seen, and those that wait. */
static int
keep(struct mf_journal *j, const char *run, const struct mf_journal_line *line, uint64_t *number)
{
	struct mf_journal_line numbered = *line;
	struct mf_error ignored = {0};

	if (mf_journal_newest(j, run, &numbered.number, &ignored) != 0 && j->last_run != NULL &&
	    strcmp(j->last_run, run) == 0 && j->last_number > numbered.number)
		numbered.number = j->last_number;
	numbered.number++;
	if (number != NULL)
		*number = numbered.number;
	return mf_journal_wait(j, run, &numbered);
}

static int
wait_for_disk(struct mf_journal *j, const char *run, const struct mf_journal_line *line,
    uint64_t *number, const struct mf_error *why)
{
	mf_log(
	    MF_LOG_WARNING, "the journal of the run %s waits for the disk: %s", run, why->message);
	if (why->code == MF_ENOTFOUND || why->code == MF_EUSAGE)
		return 1; /* it can never be written */
	if (keep(j, run, line, number) != 0)
		mf_log(MF_LOG_ERROR, "a line of the journal of the run %s is lost: out of memory",
		    run);
	return 1;
}

int
mf_journal_note(
    struct mf_journal *j, const char *run, const struct mf_journal_line *line, uint64_t *number)
{
	struct mf_error e = {0};
	int rc = check_line(line, &e);

	if (rc == 0) {
		sqlite3_busy_timeout(j->db.sql, NO_PATIENCE_MS);
		rc = write_all(j, run, line, number, &e);
	}
	if (rc != 0)
		rc = wait_for_disk(j, run, line, number, &e);
	sqlite3_busy_timeout(j->db.sql, PATIENCE_MS);
	return rc;
}

int
mf_journal_end(struct mf_journal *j, const char *run, const char *result, const char *reason,
    int64_t now_us, struct mf_error *e)
{
	struct mf_journal_line line = {.kind = MF_JOURNAL_END,
	    .time_us = now_us,
	    .phase = result,
	    .bytes = reason,
	    .n = strlen(reason)};
	struct mf_error own = {0};
	sqlite3_stmt *stmt;
	int rc;

	e = e == NULL ? &own : e;
	if (line.n > MF_JOURNAL_REASON_MAX_BYTES)
		line.n = MF_JOURNAL_REASON_MAX_BYTES;
	if (check_line(&line, e) != 0 || mf_db_exec(&j->db, "BEGIN IMMEDIATE", e) != 0)
		return -1;
	rc = mf_journal_newest(j, run, &line.number, e);
	line.number++;
	if (rc == 0)
		rc = insert_all(j, run, &line, e);
	if (rc == 0) {
		stmt = mf_db_prepare(&j->db, e,
		    "UPDATE run SET ended_us = ?3, result = ?2, reason = ?4 WHERE id = ?1", run,
		    result, NULL);
		if (stmt != NULL) {
			sqlite3_bind_int64(stmt, 3, now_us > 0 ? now_us : 1);
			sqlite3_bind_text(stmt, 4, reason, (int)line.n, SQLITE_STATIC);
		}
		rc = mf_journal_finish_take(j, stmt, e);
	}
	if (settle(j, rc, e) != 0)
		return mf_error_while(e, "ending the journal of the run %s", run);
	mf_journal_unwait(j, j->n_waiting);
	return 0;
}

int
mf_journal_set_mirrored(struct mf_journal *j, const char *run, uint64_t number, struct mf_error *e)
{
	sqlite3_stmt *stmt = mf_db_prepare(
	    &j->db, e, "UPDATE run SET mirrored = max(mirrored, ?2) WHERE id = ?1", run, NULL);

	if (stmt != NULL)
		sqlite3_bind_int64(stmt, 2, number > INT64_MAX ? INT64_MAX : (sqlite3_int64)number);
	return mf_journal_finish_take(j, stmt, e);
}

void
mf_journal_close(struct mf_journal *j)
{
	struct mf_error e = {0};

	if (j == NULL)
		return;
	if (j->n_waiting > 0) {
		sqlite3_busy_timeout(j->db.sql, NO_PATIENCE_MS);
		if (mf_db_exec(&j->db, "BEGIN IMMEDIATE", &e) != 0 ||
		    settle(j, insert_all(j, NULL, NULL, &e), &e) != 0)
			mf_log(MF_LOG_WARNING, "%zu lines of the journal are lost: %s",
			    j->n_waiting, e.message);
	}
	mf_journal_unwait(j, j->n_waiting);
	mf_journal_let_go(j);
	mf_db_close(&j->db);
	free(j->last_run);
	free(j->waiting);
	free(j->dir);
	free(j);
}
