/*
 * The room's way to SQLite: open a database that several processes share, run statements with
 * string, number and blob parameters; and what to do where one that may be lost is damaged. A
 * rollback journal, not a WAL: it needs no shared memory and so works on network file systems too.
 * One thread at a time.
 */
#ifndef MF_STATE_DB_INT_H
#define MF_STATE_DB_INT_H

#include <sqlite3.h>
#include <stdbool.h>

#include "src/base/error.h"

struct mf_db {
	sqlite3 *sql;
	char *path;	    /* of the file; owned */
	const char *option; /* "--state-dir": what hints name */
	bool damaged;	    /* mf_db_error met a file that is no sound database */
};

struct mf_db_params {
	const char *dir;    /* made with 0700 where missing */
	const char *file;   /* made with 0600 where missing */
	const char *option; /* static */
	const char *schema; /* statements that make the tables */
	int version;	    /* of the schema; a newer one in the file is MF_EUNSUPPORTED */
	const char *pragma; /* run at each open */
};

/* $xdg/modelferry, else $HOME/home/modelferry; new string or NULL (MF_EUSAGE). */
char *mf_db_default_dir(const char *xdg, const char *home, const char *option,
    struct mf_error *e);

/* 0 or -1; db is closed after -1 (only db->path may be set; mf_db_close frees it). */
int mf_db_open(struct mf_db *db, const struct mf_db_params *params, struct mf_error *e);
void mf_db_close(struct mf_db *db);

/* For what may be lost: after `why`, a damaged file is removed and made anew, empty; with any other
 * trouble it is closed, and db->sql is NULL. The log says so, and calls it `what`. */
void mf_db_renew(struct mf_db *db, const struct mf_db_params *params, const char *what,
    const struct mf_error *why);

/* The error of the last call on db: MF_EPERM, MF_ENOSPC, MF_ECONFLICT (busy for too long),
 * else MF_EFAIL. Returns -1. */
int mf_db_error(struct mf_db *db, const char *doing, struct mf_error *e);
int mf_db_exec(struct mf_db *db, const char *sql, struct mf_error *e);

/* A statement whose parameters 1.. are texts (borrowed until finalized, ended by NULL). NULL
 * on failure. sqlite3_finalize it. */
sqlite3_stmt *mf_db_prepare(struct mf_db *db, struct mf_error *e, const char *sql, ...)
    __attribute__((sentinel));

#endif
