#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "src/base/log.h"
#include "src/state/cache.h"
#include "src/state/db_int.h"

#define BLOB_MAX_BYTES ((size_t)900 * 1000 * 1000) /* SQLite's own limit is 1e9 */

struct mf_cache {
	struct mf_db db; /* db.sql is NULL while it remembers nothing */
	char *dir;	 /* owned; NULL: there is none */
};

/* `turn` grows with each put; the rows with the lowest go first. */
static const char schema[] =
    "CREATE TABLE files (id TEXT, model TEXT, dir TEXT, turn INTEGER NOT NULL,"
    " version INTEGER NOT NULL, checksum INTEGER NOT NULL, bytes BLOB NOT NULL,"
    " PRIMARY KEY (id, model, dir));";

char *
mf_cache_default_dir(struct mf_error *e)
{
	return mf_db_default_dir("XDG_CACHE_HOME", ".cache", "--cache-dir", e);
}

static struct mf_db_params
params_of(const struct mf_cache *cache)
{
	return (struct mf_db_params){.dir = cache->dir,
	    .file = "cache.db",
	    .option = "--cache-dir",
	    .schema = schema,
	    .version = 1,
	    /* after a power cut it may be damaged, and then it is dropped */
	    .pragma = "PRAGMA synchronous = OFF"};
}

static void
recover(struct mf_cache *cache, const struct mf_error *why)
{
	const struct mf_db_params params = params_of(cache);

	mf_db_renew(&cache->db, &params, "file cache", why);
}

struct mf_cache *
mf_cache_open(const char *dir)
{
	struct mf_cache *cache = calloc(1, sizeof *cache);
	struct mf_db_params params;
	struct mf_error e = {0};

	if (cache == NULL)
		return NULL;
	cache->dir = dir == NULL ? mf_cache_default_dir(&e) : strdup(dir);
	params = params_of(cache);
	if (cache->dir == NULL || mf_db_open(&cache->db, &params, &e) == -1)
		recover(cache, &e);
	return cache;
}

void
mf_cache_close(struct mf_cache *cache)
{
	if (cache == NULL)
		return;
	mf_db_close(&cache->db);
	free(cache->dir);
	free(cache);
}

static sqlite3_int64
checksum(const void *bytes, size_t n, uint8_t version)
{
	return (sqlite3_int64)XXH3_64bits_withSeed(bytes, n, version);
}

/* Append the row's blob to out if it is what was put. 0 or 1. */
static int
take_row(sqlite3_stmt *stmt, const struct mf_cache_key *key, uint8_t version, struct mf_buf *out)
{
	const void *bytes = sqlite3_column_blob(stmt, 2);
	int n = sqlite3_column_bytes(stmt, 2);
	size_t len = out->len;

	if (sqlite3_column_int64(stmt, 0) != version)
		return 1;
	if (n < 0 || sqlite3_column_int64(stmt, 1) != checksum(n ? bytes : "", (size_t)n, version)) {
		mf_log(MF_LOG_WARNING, "dropping the damaged file cache of %s", key->dir);
		return 1;
	}
	mf_buf_put(out, n ? bytes : "", (size_t)n);
	if (!out->failed)
		return 0;
	out->failed = false;
	out->len = len;
	return 1;
}

int
mf_cache_get(struct mf_cache *cache, const struct mf_cache_key *key, uint8_t version,
    struct mf_buf *out)
{
	struct mf_error e = {0};
	sqlite3_stmt *stmt;
	int rc, found = 1;

	if (cache == NULL || cache->db.sql == NULL)
		return 1;
	stmt = mf_db_prepare(&cache->db, &e, "SELECT version, checksum, bytes FROM files"
	    " WHERE id = ? AND model = ? AND dir = ?", key->repo_id_hex, key->model, key->dir, NULL);
	if (stmt == NULL) {
		recover(cache, &e);
		return 1;
	}
	rc = sqlite3_step(stmt);
	if (rc == SQLITE_ROW)
		found = take_row(stmt, key, version, out);
	else if (rc != SQLITE_DONE)
		mf_db_error(&cache->db, "read", &e);
	sqlite3_finalize(stmt);
	if (e.code != MF_OK)
		recover(cache, &e);
	return found;
}

static int
put_row(struct mf_cache *cache, const struct mf_cache_key *key, uint8_t version,
    const void *bytes, size_t n, struct mf_error *e)
{
	sqlite3_stmt *stmt;
	int rc = 0;

	stmt = mf_db_prepare(&cache->db, e, "INSERT OR REPLACE INTO files VALUES (?1, ?2, ?3,"
	    " (SELECT coalesce(max(turn), 0) + 1 FROM files), ?4, ?5, ?6)",
	    key->repo_id_hex, key->model, key->dir, NULL);
	if (stmt == NULL)
		return -1;
	sqlite3_bind_int(stmt, 4, version);
	sqlite3_bind_int64(stmt, 5, checksum(bytes, n, version));
	sqlite3_bind_blob(stmt, 6, bytes, (int)n, SQLITE_STATIC);
	if (sqlite3_step(stmt) != SQLITE_DONE)
		rc = mf_db_error(&cache->db, "write", e);
	sqlite3_finalize(stmt);
	if (rc == -1)
		return -1;
	return mf_db_exec(&cache->db, "DELETE FROM files WHERE turn <="
	    " (SELECT max(turn) - 256 FROM files)", e);
}

void
mf_cache_put(struct mf_cache *cache, const struct mf_cache_key *key, uint8_t version,
    const void *bytes, size_t n)
{
	struct mf_error e = {0};
	int attempt;

	if (n > BLOB_MAX_BYTES)
		return;
	for (attempt = 0; attempt < 2; attempt++) {
		if (cache == NULL || cache->db.sql == NULL)
			return;
		mf_error_clear(&e);
		if (put_row(cache, key, version, n ? bytes : "", n, &e) == 0)
			return;
		recover(cache, &e);
	}
}

void
mf_cache_drop(struct mf_cache *cache, const struct mf_cache_key *key)
{
	struct mf_error e = {0};
	sqlite3_stmt *stmt;

	if (cache == NULL || cache->db.sql == NULL)
		return;
	stmt = mf_db_prepare(&cache->db, &e,
	    "DELETE FROM files WHERE id = ? AND model = ? AND dir = ?", key->repo_id_hex,
	    key->model, key->dir, NULL);
	if (stmt != NULL && sqlite3_step(stmt) != SQLITE_DONE)
		mf_db_error(&cache->db, "write", &e);
	sqlite3_finalize(stmt);
	if (e.code != MF_OK)
		recover(cache, &e);
}
