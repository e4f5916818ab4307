#include "src/state/uploads.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "src/state/cache.h"
#include "src/state/db_int.h"

struct mf_uploads {
	pthread_mutex_t lock; /* of all below: a connection is one thread's at a time */
	struct mf_db db;      /* db.sql is NULL while it remembers nothing */
	char *dir;            /* owned; NULL: there is none */
};

/* n grows with each one that is remembered; the lowest go first, and their parts with them. */
static const char schema[] =
    "CREATE TABLE uploads (n INTEGER PRIMARY KEY, place TEXT NOT NULL, path TEXT NOT NULL,"
    " id TEXT NOT NULL, source TEXT NOT NULL, size INTEGER NOT NULL, part_bytes INTEGER NOT NULL,"
    " mtime_ns INTEGER NOT NULL, headers INTEGER NOT NULL, used_us INTEGER NOT NULL,"
    " summed INTEGER NOT NULL,"
    " UNIQUE (place, path));"
    "CREATE TABLE parts (upload INTEGER NOT NULL REFERENCES uploads (n) ON DELETE CASCADE"
    " ON UPDATE CASCADE, number INTEGER NOT NULL, etag TEXT NOT NULL, sum INTEGER NOT NULL,"
    " PRIMARY KEY (upload, number)) WITHOUT ROWID;";

#define COLUMNS "id, size, part_bytes, mtime_ns, headers, used_us, summed"

static struct mf_db_params
params_of(const struct mf_uploads *u)
{
	return (struct mf_db_params){.dir = u->dir,
	    .file = "uploads.db",
	    .option = "--cache-dir",
	    .schema = schema,
	    .version = 1,
	    .pragma = "PRAGMA synchronous = OFF; PRAGMA foreign_keys = ON"};
}

static void
recover(struct mf_uploads *u, const struct mf_error *why)
{
	const struct mf_db_params params = params_of(u);

	mf_db_renew(&u->db, &params, "memory of unfinished uploads", why);
}

struct mf_uploads *
mf_uploads_open(const char *dir)
{
	struct mf_uploads *u = calloc(1, sizeof *u);
	struct mf_db_params params;
	struct mf_error e = {0};

	if (u == NULL || pthread_mutex_init(&u->lock, NULL) != 0) {
		free(u);
		return NULL;
	}
	u->dir = dir == NULL ? mf_cache_default_dir(&e) : strdup(dir);
	params = params_of(u);
	if (u->dir == NULL || mf_db_open(&u->db, &params, &e) == -1)
		recover(u, &e);
	return u;
}

void
mf_uploads_close(struct mf_uploads *u)
{
	if (u == NULL)
		return;
	mf_db_close(&u->db);
	pthread_mutex_destroy(&u->lock);
	free(u->dir);
	free(u);
}

/* Take it for one statement. false: it remembers nothing. */
static bool
take(struct mf_uploads *u)
{
	if (u == NULL)
		return false;
	pthread_mutex_lock(&u->lock);
	if (u->db.sql != NULL)
		return true;
	pthread_mutex_unlock(&u->lock);
	return false;
}

static void
give(struct mf_uploads *u, const struct mf_error *e)
{
	if (e->code != MF_OK)
		recover(u, e);
	pthread_mutex_unlock(&u->lock);
}

/* A text of the row that fits: 0, 1. */
static int
take_text(sqlite3_stmt *stmt, int column, char *out, size_t bytes)
{
	const unsigned char *text = sqlite3_column_text(stmt, column);
	const size_t n = text != NULL ? strlen((const char *)text) : 0;

	if (n == 0 || n >= bytes)
		return 1;
	memcpy(out, text, n + 1);
	return 0;
}

/* COLUMNS. 0; 1: that is no upload. */
static int
take_row(sqlite3_stmt *stmt, struct mf_uploads_row *out)
{
	*out = (struct mf_uploads_row){.size = (uint64_t)sqlite3_column_int64(stmt, 1),
	    .part_bytes = (uint64_t)sqlite3_column_int64(stmt, 2),
	    .mtime_ns = sqlite3_column_int64(stmt, 3),
	    .headers = (uint64_t)sqlite3_column_int64(stmt, 4),
	    .used_us = sqlite3_column_int64(stmt, 5),
	    .summed = sqlite3_column_int(stmt, 6) != 0};
	return take_text(stmt, 0, out->id, sizeof out->id);
}

/* Step to a row. 1 where there is one, else 0, perhaps with *e set. */
static int
step(struct mf_uploads *u, sqlite3_stmt *stmt, const char *doing, struct mf_error *e)
{
	const int rc = stmt != NULL ? sqlite3_step(stmt) : SQLITE_DONE;

	if (rc == SQLITE_ROW)
		return 1;
	if (rc != SQLITE_DONE)
		mf_db_error(&u->db, doing, e);
	return 0;
}

int
mf_uploads_get(
    struct mf_uploads *u, const char *place, const char *path, struct mf_uploads_row *out)
{
	struct mf_error e = {0};
	sqlite3_stmt *stmt;
	int rc = 1;

	if (!take(u))
		return 1;
	stmt = mf_db_prepare(&u->db, &e,
	    "SELECT " COLUMNS " FROM uploads WHERE place = ? AND path = ?", place, path, NULL);
	if (step(u, stmt, "read", &e))
		rc = take_row(stmt, out);
	sqlite3_finalize(stmt);
	give(u, &e);
	return rc;
}

int
mf_uploads_next(struct mf_uploads *u, const char *place, const char *source, const char *after,
    struct mf_buf *path, struct mf_uploads_row *out)
{
	struct mf_error e = {0};
	sqlite3_stmt *stmt;
	int rc = 1;

	if (!take(u))
		return 1;
	stmt = mf_db_prepare(&u->db, &e,
	    "SELECT " COLUMNS ", source = ?, path FROM uploads WHERE place = ? AND path > ?"
	    " ORDER BY path LIMIT 1",
	    source, place, after, NULL);
	if (step(u, stmt, "read", &e)) {
		rc = take_row(stmt, out);
		out->of_source = sqlite3_column_int(stmt, 7) != 0;
		mf_buf_clear(path);
		mf_buf_printf(path, "%s", (const char *)sqlite3_column_text(stmt, 8));
		if (mf_buf_cstr(path) == NULL)
			rc = 1;
	}
	sqlite3_finalize(stmt);
	give(u, &e);
	return rc;
}

static int
run(struct mf_uploads *u, sqlite3_stmt *stmt, struct mf_error *e)
{
	(void)step(u, stmt, "write", e);
	sqlite3_finalize(stmt);
	return e->code == MF_OK ? 0 : -1;
}

static int
put_row(struct mf_uploads *u, const char *place, const char *path, const char *source,
    const struct mf_uploads_row *row, struct mf_error *e)
{
	sqlite3_stmt *stmt =
	    mf_db_prepare(&u->db, e, "DELETE FROM uploads WHERE place = ? AND path = ? AND id <> ?",
		place, path, row->id, NULL);

	if (stmt == NULL || run(u, stmt, e) != 0)
		return -1;
	stmt = mf_db_prepare(&u->db, e,
	    "INSERT INTO uploads VALUES ((SELECT coalesce(max(n), 0) + 1 FROM uploads),"
	    " ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)"
	    " ON CONFLICT (place, path) DO UPDATE SET n = excluded.n, source = excluded.source,"
	    " used_us = excluded.used_us",
	    place, path, row->id, source, NULL);
	if (stmt == NULL)
		return -1;
	sqlite3_bind_int64(stmt, 5, (sqlite3_int64)row->size);
	sqlite3_bind_int64(stmt, 6, (sqlite3_int64)row->part_bytes);
	sqlite3_bind_int64(stmt, 7, row->mtime_ns);
	sqlite3_bind_int64(stmt, 8, (sqlite3_int64)row->headers);
	sqlite3_bind_int64(stmt, 9, row->used_us);
	sqlite3_bind_int(stmt, 10, row->summed);
	if (run(u, stmt, e) != 0)
		return -1;
	return mf_db_exec(
	    &u->db, "DELETE FROM uploads WHERE n <= (SELECT max(n) - 1000 FROM uploads)", e);
}

int
mf_uploads_put(struct mf_uploads *u, const char *place, const char *path, const char *source,
    const struct mf_uploads_row *row)
{
	struct mf_error e = {0};
	int attempt, rc = -1;

	/* once more where what was there was damaged, and has been dropped */
	for (attempt = 0; rc != 0 && attempt < 2; attempt++) {
		mf_error_clear(&e);
		if (!take(u))
			return -1;
		rc = put_row(u, place, path, source, row, &e);
		give(u, &e);
	}
	return rc;
}

void
mf_uploads_drop(struct mf_uploads *u, const char *place, const char *path, const char *id)
{
	struct mf_error e = {0};

	if (!take(u))
		return;
	(void)run(u,
	    mf_db_prepare(&u->db, &e, "DELETE FROM uploads WHERE place = ? AND path = ? AND id = ?",
		place, path, id, NULL),
	    &e);
	give(u, &e);
}

int
mf_uploads_get_part(struct mf_uploads *u, const char *place, const char *path, unsigned number,
    const char *etag, uint32_t *sum)
{
	struct mf_error e = {0};
	sqlite3_stmt *stmt;
	int rc = 1;

	if (!take(u))
		return 1;
	stmt = mf_db_prepare(&u->db, &e,
	    "SELECT sum FROM parts WHERE upload = (SELECT n FROM uploads WHERE place = ?1"
	    " AND path = ?2) AND etag = ?3 AND number = ?4",
	    place, path, etag, NULL);
	if (stmt != NULL)
		sqlite3_bind_int64(stmt, 4, number);
	if (step(u, stmt, "read", &e)) {
		*sum = (uint32_t)sqlite3_column_int64(stmt, 0);
		rc = 0;
	}
	sqlite3_finalize(stmt);
	give(u, &e);
	return rc;
}

void
mf_uploads_put_part(struct mf_uploads *u, const char *place, const char *path, unsigned number,
    const char *etag, uint32_t sum)
{
	struct mf_error e = {0};
	sqlite3_stmt *stmt;

	if (!take(u))
		return;
	stmt = mf_db_prepare(&u->db, &e,
	    "INSERT OR REPLACE INTO parts SELECT n, ?4, ?3, ?5 FROM uploads WHERE place = ?1"
	    " AND path = ?2",
	    place, path, etag, NULL);
	if (stmt != NULL) {
		sqlite3_bind_int64(stmt, 4, number);
		sqlite3_bind_int64(stmt, 5, sum);
	}
	(void)run(u, stmt, &e);
	give(u, &e);
}
