#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/state/db_int.h"
#include "src/state/state.h"

struct mf_state {
	struct mf_db db;
};

static const char schema[] =
    "CREATE TABLE repository (url TEXT PRIMARY KEY, id TEXT NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE seen (id TEXT, key TEXT, sequence INTEGER NOT NULL, PRIMARY KEY (id, key))"
    " WITHOUT ROWID;";

char *
mf_state_default_dir(struct mf_error *e)
{
	return mf_db_default_dir("XDG_STATE_HOME", ".local/state", "--state-dir", e);
}

int
mf_state_open(const char *dir, struct mf_state **state, struct mf_error *e)
{
	/* EXTRA: the directory is synced too once the journal is gone, or a power cut could
	 * bring it back and with it the old sequence. */
	struct mf_db_params params = {.dir = dir,
	    .file = "state.db",
	    .option = "--state-dir",
	    .schema = schema,
	    .version = 1,
	    .pragma = "PRAGMA synchronous = EXTRA"};
	char *own = NULL;
	struct mf_state *s;

	*state = NULL;
	if (dir == NULL && (params.dir = own = mf_state_default_dir(e)) == NULL)
		return mf_error_while(e, "looking for the state directory");
	s = calloc(1, sizeof *s);
	if (s == NULL) {
		free(own);
		return mf_error_nomem(e, "the state");
	}
	if (mf_db_open(&s->db, &params, e) == -1) {
		mf_error_while(e, "opening the state directory %s", params.dir);
		mf_state_close(s);
		s = NULL;
	}
	free(own);
	*state = s;
	return s == NULL ? -1 : 0;
}

void
mf_state_close(struct mf_state *state)
{
	if (state == NULL)
		return;
	mf_db_close(&state->db);
	free(state);
}

/* Run to the end a statement that returns no row. Takes stmt, NULL is a failure set before. */
static int
finish_take(struct mf_state *state, sqlite3_stmt *stmt, struct mf_error *e)
{
	int rc = 0;

	if (stmt == NULL)
		return -1;
	if (sqlite3_step(stmt) != SQLITE_DONE)
		rc = mf_db_error(&state->db, "write", e);
	sqlite3_finalize(stmt);
	return rc;
}

int
mf_state_pinned_repo(struct mf_state *state, const char *url,
    char repo_id_hex[MF_STATE_ID_DIGITS + 1], struct mf_error *e)
{
	sqlite3_stmt *stmt;
	const char *text;
	int rc;

	repo_id_hex[0] = '\0';
	stmt = mf_db_prepare(&state->db, e, "SELECT id FROM repository WHERE url = ?", url, NULL);
	if (stmt == NULL)
		return -1;
	rc = sqlite3_step(stmt);
	if (rc == SQLITE_ROW) {
		text = (const char *)sqlite3_column_text(stmt, 0);
		snprintf(repo_id_hex, MF_STATE_ID_DIGITS + 1, "%s", text == NULL ? "" : text);
		rc = 0;
	} else {
		rc = rc == SQLITE_DONE ? 1 : mf_db_error(&state->db, "read", e);
	}
	sqlite3_finalize(stmt);
	return rc;
}

int
mf_state_pin_repo(struct mf_state *state, const char *url, const char *repo_id_hex,
    struct mf_error *e)
{
	char pinned[MF_STATE_ID_DIGITS + 1];
	int rc = mf_state_pinned_repo(state, url, pinned, e);

	if (rc == 1) {
		rc = finish_take(state, mf_db_prepare(&state->db, e,
		    "INSERT OR IGNORE INTO repository VALUES (?, ?)", url, repo_id_hex, NULL), e);
		if (rc == 0) /* somebody else may have been first */
			rc = mf_state_pinned_repo(state, url, pinned, e);
	}
	if (rc != 0 || strcmp(pinned, repo_id_hex) == 0)
		return rc == 0 ? 0 : -1;
	mf_error_set(e, MF_EKEY, "%s is another repository than before: its id is %s, not %s", url,
	    repo_id_hex, pinned);
	return mf_error_hint(e, "somebody replaced it, or made it again; where that was meant, "
	    "say so with --repo-id %s and another --state-dir", repo_id_hex);
}

int
mf_state_seen(struct mf_state *state, const char *repo_id_hex, const char *key,
    uint64_t *sequence, struct mf_error *e)
{
	sqlite3_stmt *stmt;
	sqlite3_int64 value;
	int rc;

	*sequence = 0;
	stmt = mf_db_prepare(&state->db, e, "SELECT sequence FROM seen WHERE id = ? AND key = ?",
	    repo_id_hex, key, NULL);
	if (stmt == NULL)
		return -1;
	rc = sqlite3_step(stmt);
	if (rc == SQLITE_ROW) {
		value = sqlite3_column_int64(stmt, 0);
		*sequence = value < 0 ? 0 : (uint64_t)value;
		rc = 0;
	} else {
		rc = rc == SQLITE_DONE ? 1 : mf_db_error(&state->db, "read", e);
	}
	sqlite3_finalize(stmt);
	return rc;
}

int
mf_state_raise(struct mf_state *state, const char *repo_id_hex, const char *key,
    uint64_t sequence, struct mf_error *e)
{
	sqlite3_stmt *stmt;
	uint64_t seen;
	int rc;

	if (sequence > INT64_MAX)
		return mf_error_set(e, MF_EDAMAGED, "sequence %llu of %s is out of range",
		    (unsigned long long)sequence, key);
	rc = mf_state_seen(state, repo_id_hex, key, &seen, e);
	if (rc == -1 || (rc == 0 && seen >= sequence))
		return rc;
	/* One statement is one transaction; max() because another process may have been here. */
	stmt = mf_db_prepare(&state->db, e,
	    "INSERT INTO seen VALUES (?1, ?2, ?3) ON CONFLICT (id, key)"
	    " DO UPDATE SET sequence = max(sequence, excluded.sequence)", repo_id_hex, key, NULL);
	if (stmt != NULL)
		sqlite3_bind_int64(stmt, 3, (sqlite3_int64)sequence);
	return finish_take(state, stmt, e);
}

/* A table of later days: older versions of modelferry do not miss it. */
static int
make_facts(struct mf_state *state, struct mf_error *e)
{
	return mf_db_exec(&state->db,
	    "CREATE TABLE IF NOT EXISTS fact (store TEXT, name TEXT, value INTEGER NOT NULL,"
	    " PRIMARY KEY (store, name)) WITHOUT ROWID", e);
}

int
mf_state_fact(struct mf_state *state, const char *store, const char *fact, uint64_t *value,
    struct mf_error *e)
{
	sqlite3_stmt *stmt = NULL;
	sqlite3_int64 found;
	int rc;

	*value = 0;
	if (make_facts(state, e) == 0)
		stmt = mf_db_prepare(&state->db, e,
		    "SELECT value FROM fact WHERE store = ? AND name = ?", store, fact, NULL);
	if (stmt == NULL)
		return -1;
	rc = sqlite3_step(stmt);
	if (rc == SQLITE_ROW) {
		found = sqlite3_column_int64(stmt, 0);
		*value = found < 0 ? 0 : (uint64_t)found;
		rc = 0;
	} else {
		rc = rc == SQLITE_DONE ? 1 : mf_db_error(&state->db, "read", e);
	}
	sqlite3_finalize(stmt);
	return rc;
}

int
mf_state_set_fact(struct mf_state *state, const char *store, const char *fact, uint64_t value,
    struct mf_error *e)
{
	sqlite3_stmt *stmt = NULL;

	if (make_facts(state, e) == 0)
		stmt = mf_db_prepare(&state->db, e, "INSERT OR REPLACE INTO fact VALUES (?1, ?2, ?3)",
		    store, fact, NULL);
	if (stmt != NULL)
		sqlite3_bind_int64(stmt, 3, (sqlite3_int64)value);
	return finish_take(state, stmt, e);
}
