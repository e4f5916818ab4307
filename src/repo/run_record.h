/*
 * Runs in the repository: the same lines as in the local journal (src/state/journal.h), in sealed
 * records j/RUN/SEQ that are put once, so that a run whose machine is gone can be taken over from
 * the repository alone; and a heartbeat, b/RUN/TIME-RAND, for those who watch from elsewhere.
 * Bytes and argument: modelferry-repository(5), RUNS OF MIGRATIONS.
 *
 * Each record carries the token of the lease that its writer held. Two writers of one run cannot
 * both put a sequence number; where the store has no conditional put, the lease's lock keeps them
 * apart, and a reader passes over what an older token wrote behind a newer one.
 *
 * A line that raises the canary is appended to the journal and then mirrored, before its act. One
 * toward the primary is noted, done, and mirrored whenever the store answers.
 *
 * A handle belongs to one thread at a time. Calls block on the store.
 */
#ifndef MF_REPO_RUN_RECORD_H
#define MF_REPO_RUN_RECORD_H

#include "src/repo/repo.h"
#include "src/state/journal.h"

#define MF_RUN_ID_MAX_BYTES 128u
#define MF_RUN_NOTE_MAX_BYTES 4096u
#define MF_RUN_VIEW_MAX_BYTES ((size_t)256 << 10)
/* Records of a run that nobody wrote to for so long are removed by a prune. */
#define MF_RUN_KEEP_US (INT64_C(400) * 86400 * 1000000)

/* The writer of one run's records. */
struct mf_run_writer;

/* token: of the lease. The run's id is a name as of a version; MF_EUSAGE. */
int mf_run_writer_open(struct mf_repo *repo, const char *run, uint64_t token,
    struct mf_run_writer **out, struct mf_error *e);
void mf_run_writer_free(struct mf_run_writer *w);
/* Put all lines of the journal that are not there yet (the head with the first), and note in the
 * journal that they are. Durable when it returns 0. -1 with MF_ECONFLICT: somebody else writes this
 * run now, or the keys of the repository changed: renew the lease to learn which. After any other
 * failure some may be there; calling again puts the rest. */
int mf_run_mirror(struct mf_run_writer *w, struct mf_journal *j, struct mf_error *e);
/* The same for a run that has ended by the journal, whose process was killed before it could say so
 * in the repository: without a lease, under the token of the last record there. Only where all that
 * is there came from this journal (its `mirrored`): else somebody took the run over. */
int mf_run_mirror_end(
    struct mf_repo *repo, const char *run, struct mf_journal *j, struct mf_error *e);

/* As it is now, for people and other machines. */
struct mf_run_beat {
	uint64_t token, tick;
	int64_t time_us;        /* by the holder's wall clock */
	unsigned canary_weight; /* percent */
	char phase[64];
	char note[MF_RUN_NOTE_MAX_BYTES + 1]; /* the caller's: what it waits for */
	/* More of it, of which the caller knows the meaning; NULL: no more is known. */
	const void *view;
	size_t n_view;
};

/* Put a heartbeat; older ones of the run are deleted. token is the writer's. */
int mf_run_beat(struct mf_run_writer *w, const struct mf_run_beat *beat, struct mf_error *e);
/* The last one. *age_us: since it was put, by the store's clock. out->view lies in *plain, which is
 * the caller's to free, whatever comes back. 0; 1: there is none; -1. */
int mf_run_last_beat(struct mf_repo *repo, const char *run, struct mf_run_beat *out,
    struct mf_buf *plain, uint64_t *age_us, struct mf_error *e);

/* One run's head, and its lines from the last state on: what a run resumes from. head may be
 * NULL. A nonzero return of either ends the reading, which returns it. MF_ENOTFOUND. */
int mf_run_resume(struct mf_repo *repo, const char *run, mf_journal_run_cb *head,
    mf_journal_line_cb *line, void *arg, struct mf_error *e);
/* All lines, in order. */
int mf_run_each(
    struct mf_repo *repo, const char *run, mf_journal_line_cb *line, void *arg, struct mf_error *e);
/* The heads of all runs, with result, reason and ended_us of those that have ended; in no order.
 * One that cannot be read is told to the log. */
int mf_runs_list(struct mf_repo *repo, mf_journal_run_cb *head, void *arg, struct mf_error *e);
/* Begin the run in a journal that does not know it, with the head and lines of mf_run_resume.
 * MF_EEXIST: it knows the run. */
int mf_run_restore(struct mf_repo *repo, const char *run, struct mf_journal *j, struct mf_error *e);

#endif
