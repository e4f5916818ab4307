/* What the files of the journal share. */
#ifndef MF_STATE_JOURNAL_INT_H
#define MF_STATE_JOURNAL_INT_H

#include "src/state/db_int.h"
#include "src/state/journal.h"

/* A line that waits in memory for the disk. Owned copies. */
struct mf_journal_waiting {
	char *run, *phase;
	void *bytes;
	struct mf_journal_line line; /* points into these */
};

struct mf_journal_claimed {
	char *run;
	int fd; /* holds the lock */
};

struct mf_journal {
	struct mf_db db;
	char *dir;
	struct mf_journal_waiting *waiting;
	size_t n_waiting;
	struct mf_journal_claimed *claimed;
	size_t n_claimed;
	char *last_run; /* that a line was added to, and its number */
	uint64_t last_number;
};

/* journal_claim.c */
void mf_journal_let_go(struct mf_journal *j);

/* journal_read.c */
/* The highest number of the run's lines, 0: none; of the waiting ones, too. */
int mf_journal_newest(struct mf_journal *j, const char *run, uint64_t *number, struct mf_error *e);

/* The same without those. */
int mf_journal_stored(struct mf_journal *j, const char *run, uint64_t *number, struct mf_error *e);

/* journal_wait.c */
/* Keep a copy, with this number. -1: no memory. */
int mf_journal_wait(struct mf_journal *j, const char *run, const struct mf_journal_line *line);
/* Drop the first n. */
void mf_journal_unwait(struct mf_journal *j, size_t n);

/* Run a statement to its end. Takes stmt; NULL is a failure set before. */
int mf_journal_finish_take(struct mf_journal *j, sqlite3_stmt *stmt, struct mf_error *e);

#endif
