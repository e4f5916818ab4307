#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "src/base/fs.h"
#include "src/base/log.h"
#include "src/state/db_int.h"

#define BUSY_MS 30000

static char *
join(const char *a, const char *b, const char *c)
{
	size_t bytes = strlen(a) + strlen(b) + strlen(c) + 3;
	char *path = malloc(bytes);

	if (path != NULL)
		snprintf(path, bytes, "%s/%s%s%s", a, b, c[0] ? "/" : "", c);
	return path;
}

char *
mf_db_default_dir(const char *xdg, const char *home, const char *option, struct mf_error *e)
{
	const char *base = getenv(xdg);
	char *path;

	if (base != NULL && base[0] == '/') {
		path = join(base, "modelferry", "");
	} else {
		base = getenv("HOME");
		if (base == NULL || base[0] != '/') {
			mf_error_set(e, MF_EUSAGE, "neither %s nor HOME is set to an absolute path",
			    xdg);
			mf_error_hint(e, "give %s DIR, a directory that can be written", option);
			return NULL;
		}
		path = join(base, home, "modelferry");
	}
	if (path == NULL)
		mf_error_nomem(e, "a path");
	return path;
}

static int
hint_dir(const struct mf_db *db, struct mf_error *e)
{
	return mf_error_hint(e, "give %s DIR, a directory that this user can write", db->option);
}

int
mf_db_error(struct mf_db *db, const char *doing, struct mf_error *e)
{
	int sys = sqlite3_system_errno(db->sql);
	enum mf_code code = MF_EFAIL;

	switch (sqlite3_errcode(db->sql) & 0xff) {
	case SQLITE_READONLY:
	case SQLITE_PERM:
	case SQLITE_AUTH: code = MF_EPERM; break;
	case SQLITE_CANTOPEN:
		code = sys == EACCES || sys == EPERM || sys == EROFS ? MF_EPERM : MF_EFAIL;
		break;
	case SQLITE_NOMEM: code = MF_ENOMEM; break;
	case SQLITE_FULL: code = MF_ENOSPC; break;
	case SQLITE_IOERR:
		if (sys == ENOSPC || sys == EDQUOT)
			code = MF_ENOSPC;
		break;
	case SQLITE_BUSY:
	case SQLITE_LOCKED: code = MF_ECONFLICT; break;
	case SQLITE_ERROR: /* our tables are not there */
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB: db->damaged = true; break;
	default: break;
	}
	mf_error_set(e, code, "cannot %s %s: %s", doing, db->path, sqlite3_errmsg(db->sql));
	if (e != NULL)
		e->sys_errno = sys;
	if (db->damaged)
		return mf_error_hint(e, "it is no sound SQLite database; move it away or give "
		    "another %s, and check the repository with --repo-id", db->option);
	if (code == MF_ECONFLICT)
		return mf_error_hint(e, "another process has held it for %d s", BUSY_MS / 1000);
	if (code == MF_ENOSPC)
		return mf_error_hint(
		    e, "free some space there, or give %s DIR where there is some", db->option);
	return hint_dir(db, e);
}

int
mf_db_exec(struct mf_db *db, const char *sql, struct mf_error *e)
{
	if (sqlite3_exec(db->sql, sql, NULL, NULL, NULL) != SQLITE_OK)
		return mf_db_error(db, "write", e);
	return 0;
}

sqlite3_stmt *
mf_db_prepare(struct mf_db *db, struct mf_error *e, const char *sql, ...)
{
	sqlite3_stmt *stmt = NULL;
	const char *text;
	va_list ap;
	int rc, i = 1;

	rc = sqlite3_prepare_v2(db->sql, sql, -1, &stmt, NULL);
	va_start(ap, sql);
	while (rc == SQLITE_OK && (text = va_arg(ap, const char *)) != NULL)
		rc = sqlite3_bind_text(stmt, i++, text, -1, SQLITE_STATIC);
	va_end(ap);
	if (rc == SQLITE_OK)
		return stmt;
	mf_db_error(db, "read", e);
	sqlite3_finalize(stmt);
	return NULL;
}

static int
user_version(struct mf_db *db, int *version, struct mf_error *e)
{
	sqlite3_stmt *stmt = mf_db_prepare(db, e, "PRAGMA user_version", NULL);
	int rc;

	if (stmt == NULL)
		return -1;
	rc = sqlite3_step(stmt);
	if (rc == SQLITE_ROW)
		*version = sqlite3_column_int(stmt, 0);
	else
		mf_db_error(db, "read", e);
	sqlite3_finalize(stmt);
	return rc == SQLITE_ROW ? 0 : -1;
}

/* Make the tables in one transaction; two processes may try it at the same time. */
static int
make_schema(struct mf_db *db, const struct mf_db_params *params, struct mf_error *e)
{
	char set[64];
	int version = 0;

	snprintf(set, sizeof set, "PRAGMA user_version = %d", params->version);
	if (mf_db_exec(db, "BEGIN IMMEDIATE", e) == -1 || user_version(db, &version, e) == -1)
		return -1;
	if (version == 0 &&
	    (mf_db_exec(db, params->schema, e) == -1 || mf_db_exec(db, set, e) == -1))
		return -1;
	return mf_db_exec(db, "COMMIT", e);
}

/* The file must not get the mode that SQLite would give it. Only ever opened to create it: to
 * close a second descriptor of a database drops the process's locks on it. */
static int
make_file(const struct mf_db *db, struct mf_error *e)
{
	int fd = open(db->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd != -1) {
		close(fd);
		return 0;
	}
	if (errno == EEXIST)
		return 0;
	mf_error_sys(e, errno, "cannot create %s", db->path);
	return hint_dir(db, e);
}

static int
open_file(struct mf_db *db, const struct mf_db_params *params, struct mf_error *e)
{
	int version = 0, flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_FULLMUTEX;

	if (sqlite3_open_v2(db->path, &db->sql, flags, NULL) != SQLITE_OK)
		return db->sql == NULL ? mf_error_nomem(e, db->path) : mf_db_error(db, "open", e);
	sqlite3_extended_result_codes(db->sql, 1);
	sqlite3_busy_timeout(db->sql, BUSY_MS);
	if (mf_db_exec(db, params->pragma, e) == -1 || user_version(db, &version, e) == -1)
		return -1;
	if (version > params->version) {
		mf_error_set(e, MF_EUNSUPPORTED, "%s has version %d, this modelferry knows %d",
		    db->path, version, params->version);
		return mf_error_hint(e, "it is of a newer modelferry; use that one or another %s",
		    db->option);
	}
	if (version == 0 && make_schema(db, params, e) == -1)
		return -1;
	if (sqlite3_db_readonly(db->sql, "main") == 1) {
		mf_error_set(e, MF_EPERM, "%s cannot be written", db->path);
		return hint_dir(db, e);
	}
	return 0;
}

int
mf_db_open(struct mf_db *db, const struct mf_db_params *params, struct mf_error *e)
{
	*db = (struct mf_db){.option = params->option};
	db->path = join(params->dir, params->file, "");
	if (db->path == NULL)
		return mf_error_nomem(e, "a path");
	if (mf_fs_mkdirs(AT_FDCWD, params->dir, 0700, e) == -1)
		return hint_dir(db, e);
	if (make_file(db, e) == -1)
		return -1;
	return open_file(db, params, e);
}

void
mf_db_close(struct mf_db *db)
{
	sqlite3_close(db->sql);
	free(db->path);
	*db = (struct mf_db){0};
}

static void
remove_file(const char *path, const char *suffix)
{
	size_t bytes = strlen(path) + strlen(suffix) + 1;
	char *name = malloc(bytes);

	if (name == NULL)
		return;
	snprintf(name, bytes, "%s%s", path, suffix);
	unlink(name);
	free(name);
}

void
mf_db_renew(struct mf_db *db, const struct mf_db_params *params, const char *what,
    const struct mf_error *why)
{
	struct mf_error e = *why;

	if (db->damaged && db->path != NULL) {
		mf_log(MF_LOG_WARNING, "dropping the damaged %s %s", what, db->path);
		remove_file(db->path, "-journal");
		remove_file(db->path, "");
		mf_db_close(db);
		mf_error_clear(&e);
		if (mf_db_open(db, params, &e) == 0)
			return;
	}
	mf_log(MF_LOG_WARNING, "going on without the %s: %s", what, e.message);
	mf_db_close(db);
}
