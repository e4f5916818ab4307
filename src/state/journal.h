/*
 * The journal of runs: what a migration is about to do, before it does it, and what came of it,
 * so that a run which was killed goes on or turns back from there. A SQLite database, journal.db,
 * in the state directory, beside state.db and apart from it.
 *
 * Lines are only ever added. A line is durable when its call has returned 0; a process that is
 * killed, or a machine that loses power, leaves all lines whose calls returned, and of the last
 * one all or nothing. What a line says in `bytes` is the caller's.
 *
 * The rule for who acts. An act that raises the canary begins after mf_journal_append has
 * returned 0, and not at all where it fails (a full disk, a lost one). An act toward the primary
 * is written with mf_journal_note, which neither fails nor waits: protection never waits for a
 * disk. What could not be written is kept in memory and comes before the next line that can. (A
 * disk that does not even answer holds up both: who fears that acts first and notes after.)
 *
 * Several processes may use one directory, with several runs each; a run is one process's at a
 * time (mf_journal_claim). A handle belongs to one thread at a time. Calls block on the disk,
 * and up to 30 s on other processes, but for mf_journal_note: up to 0.2 s.
 */
#ifndef MF_STATE_JOURNAL_H
#define MF_STATE_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/error.h"

#define MF_JOURNAL_TEXT_MAX_BYTES 1024u
#define MF_JOURNAL_REASON_MAX_BYTES 4096u
#define MF_JOURNAL_BYTES_MAX ((size_t)512 << 10) /* of one line */
#define MF_JOURNAL_FACTS_MAX ((size_t)256 << 10) /* of a run's facts */
#define MF_JOURNAL_BACKLOG_MAX 256u              /* lines that wait in memory for the disk */
#define MF_JOURNAL_RUNS_MAX 1000u                /* ended ones that are kept */
#define MF_JOURNAL_INSTANCE_BYTES 16u

struct mf_journal;

/* Numbers are stored, here and in the repository; never renumbered. */
enum mf_journal_kind {
	MF_JOURNAL_STATE = 1,   /* bytes: all that is needed to go on from here, after a tick */
	MF_JOURNAL_ACT = 2,     /* bytes: what is about to be done */
	MF_JOURNAL_ANSWER = 3,  /* to the act `of`: what came of it */
	MF_JOURNAL_READ = 4,    /* what was read back, or observed at the start of a tick */
	MF_JOURNAL_CONTROL = 5, /* what a person wanted, and what was made of it */
	MF_JOURNAL_NOTE = 6,    /* for people */
	MF_JOURNAL_END = 7,     /* the run is over; phase is its result, bytes the reason */
	MF_JOURNAL_KINDS_END
};

const char *mf_journal_kind_name(enum mf_journal_kind kind); /* "act"; "?" for no kind */

struct mf_journal_line {
	uint64_t number; /* from 1, without gaps where nothing was lost; set by the journal */
	enum mf_journal_kind kind;
	uint64_t tick;
	uint64_t of;       /* number of the act that is answered or read back; 0: none */
	int64_t time_us;   /* Unix time */
	const char *phase; /* "Progressing"; not NULL */
	const void *bytes;
	size_t n;
};

/* Who, what, when. As read: views, valid during the callback. NULL counts as "". */
struct mf_journal_run {
	const char *id; /* unique for ever */
	const char *plan_digest, *plan_name;
	const char *repository; /* its id in hex, or "" */
	const char *model;
	const char *actor;                           /* who started it, from where */
	const char *source, *destination, *previous; /* pinned versions */
	uint64_t production_sequence;                /* that the ref had, and must have */
	const void *facts;                           /* the caller's */
	size_t n_facts;
	int64_t begun_us;
	/* set by the journal: */
	int64_t ended_us; /* 0: it is under way, or was killed */
	const char *result, *reason;
	uint64_t mirrored; /* lines up to here are in the repository, too */
};

/* dir as for mf_state_open; NULL: the default one. Errors as there. */
int mf_journal_open(const char *dir, struct mf_journal **out, struct mf_error *e);
/* Tries once more to write what waits. NULL is fine. */
void mf_journal_close(struct mf_journal *j);
const char *mf_journal_dir(const struct mf_journal *j); /* the state directory; view */

/* A new run. MF_EEXIST where its id is known. Ended runs beyond MF_JOURNAL_RUNS_MAX go, the
 * oldest first. */
int mf_journal_begin(struct mf_journal *j, const struct mf_journal_run *run, struct mf_error *e);

/*
 * This process is the one that writes the run: from now on until it ends, however it ends, or
 * the handle is closed. MF_ECONFLICT: another process of this machine is at it. MF_ENOTFOUND.
 * instance is remembered for the run; *former gets the one before. 0; 1: there was none before.
 * That the claim succeeded proves that the process which had the former instance writes nothing
 * any more, so that a lease it held may be taken at once (src/repo/lease.h, dead).
 */
int mf_journal_claim(struct mf_journal *j, const char *run,
    const uint8_t instance[MF_JOURNAL_INSTANCE_BYTES], uint8_t former[MF_JOURNAL_INSTANCE_BYTES],
    struct mf_error *e);

/* Add a line to a run that has begun and not ended, durably; *number (may be NULL) gets its own.
 * On failure nothing of it is there, and nothing may be done that relies on it. MF_ENOSPC: a full
 * disk. A state makes older states but the one before it needless: they go. */
int mf_journal_append(struct mf_journal *j, const char *run, const struct mf_journal_line *line,
    uint64_t *number, struct mf_error *e);
/* The same, without waiting and without failing: 0, it is durable; 1, it waits in memory, the log
 * has said so, and the next append or note writes it first. Past MF_JOURNAL_BACKLOG_MAX lines the
 * oldest are dropped, and their numbers with them, so that the gap shows. */
int mf_journal_note(
    struct mf_journal *j, const char *run, const struct mf_journal_line *line, uint64_t *number);
/* Add a line that was read elsewhere, with the number that it has there: to restore a run that has
 * no lines yet. Durable. */
int mf_journal_import(
    struct mf_journal *j, const char *run, const struct mf_journal_line *line, struct mf_error *e);
/* Lines that wait. */
size_t mf_journal_waiting(const struct mf_journal *j);

/* The run is over: an END line, and the head says so. Durable; -1 as append. */
int mf_journal_end(struct mf_journal *j, const char *run, const char *result, const char *reason,
    int64_t now_us, struct mf_error *e);
/* Lines up to number have been put into the repository. Never lowers. */
int mf_journal_set_mirrored(
    struct mf_journal *j, const char *run, uint64_t number, struct mf_error *e);

/* Nonzero ends the reading, which then returns it. Views, valid during the call, which may not use
 * the journal. */
typedef int mf_journal_line_cb(void *arg, const struct mf_journal_line *line);
typedef int mf_journal_run_cb(void *arg, const struct mf_journal_run *run);

/* Lines with numbers of at least from, in order. */
int mf_journal_each(struct mf_journal *j, const char *run, uint64_t from, mf_journal_line_cb *cb,
    void *arg, struct mf_error *e);
/* The last state, and all after it: what a run resumes from. Without any state, all lines. */
int mf_journal_resume(
    struct mf_journal *j, const char *run, mf_journal_line_cb *cb, void *arg, struct mf_error *e);
/* The act after the last state that has no answer: it may have been done or not. 0: cb was called
 * with it (and its result is returned where it is not 0). 1: there is none. */
int mf_journal_open_act(
    struct mf_journal *j, const char *run, mf_journal_line_cb *cb, void *arg, struct mf_error *e);
/* One run's head. MF_ENOTFOUND. */
int mf_journal_run(
    struct mf_journal *j, const char *run, mf_journal_run_cb *cb, void *arg, struct mf_error *e);
/* All of them, the newest first; model NULL: of any. */
int mf_journal_runs(
    struct mf_journal *j, const char *model, mf_journal_run_cb *cb, void *arg, struct mf_error *e);

#endif
