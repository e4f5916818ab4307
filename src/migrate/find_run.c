#include "src/migrate/find_run.h"

#include <stdio.h>
#include <string.h>

#include "src/base/crc32c.h"
#include "src/base/log.h"
#include "src/migrate/who.h"
#include "src/state/journal.h"

struct search {
	const struct mf_find_run *f;
	char id[MF_RUN_ID_MAX_BYTES + 1];
};

static int
is_it(void *arg, const struct mf_journal_run *run)
{
	struct search *s = arg;

	if (run->ended_us != 0 || strcmp(run->plan_name, s->f->plan->migration->name) != 0 ||
	    strcmp(run->plan_digest, s->f->plan->digest) != 0)
		return 0;
	(void)snprintf(s->id, sizeof s->id, "%s", run->id);
	return 1;
}

struct ending {
	uint64_t mirrored;
	bool ended;
};

static int
take_ending(void *arg, const struct mf_journal_run *run)
{
	struct ending *here = arg;

	*here = (struct ending){.mirrored = run->mirrored, .ended = run->ended_us != 0};
	return 0;
}

/* Its process was killed between the end of it and the word of that in the repository, which is
 * put there now. One that somebody else wrote to since is theirs: that one cannot be gone on with
 * from here either. */
static bool
ended_here(const struct mf_find_run *f, const struct mf_journal_run *there)
{
	struct ending here = {.ended = false};
	struct mf_error e = {0};

	if (mf_journal_run(f->journal, there->id, take_ending, &here, &e) != 0 || !here.ended)
		return false;
	if (here.mirrored == there->mirrored && !f->only_look &&
	    mf_run_mirror_end(f->repo, there->id, f->journal, &e) != 0)
		mf_log(MF_LOG_WARNING, "the repository does not know that the run %s has ended: %s",
		    there->id, e.message);
	return true;
}

static int
is_there(void *arg, const struct mf_journal_run *run)
{
	struct search *s = arg;

	if (is_it(s, run) == 0)
		return 0;
	if (!ended_here(s->f, run))
		return 1;
	s->id[0] = '\0';
	return 0;
}

/* What the repository knows of a run that this machine believes to be open. */
struct elsewhere {
	const char *id;
	bool ended;
	int64_t ended_us;
	uint64_t mirrored;
	char result[64], reason[256];
};

static int
take_elsewhere(void *arg, const struct mf_journal_run *run)
{
	struct elsewhere *there = arg;

	if (strcmp(run->id, there->id) != 0)
		return 0;
	there->ended = run->ended_us != 0;
	there->ended_us = run->ended_us;
	there->mirrored = run->mirrored;
	(void)snprintf(there->result, sizeof there->result, "%s", run->result ? run->result : "");
	(void)snprintf(there->reason, sizeof there->reason, "%s", run->reason ? run->reason : "");
	return 1;
}

/* One line, wherever it lies: what tells it from another of its number. */
struct line {
	uint64_t number;
	bool found;
	enum mf_journal_kind kind;
	int64_t time_us;
	size_t n;
	uint32_t sum;
};

static int
take_line(void *arg, const struct mf_journal_line *line)
{
	struct line *l = arg;

	if (line->number != l->number)
		return 0;
	l->found = true;
	l->kind = line->kind;
	l->time_us = line->time_us;
	l->n = line->n;
	l->sum = mf_crc32c(0, line->bytes, line->n);
	return 1;
}

/* Its process put lines there, and was killed before it noted that: the last one is this journal's.
 * Whoever went on from elsewhere has another one of that number, of another moment. */
static bool
is_from_here(const struct mf_find_run *f, const char *id, uint64_t last)
{
	struct line here = {.number = last}, there = {.number = last};
	struct mf_error ignored = {0};

	return mf_run_resume(f->repo, id, NULL, take_line, &there, &ignored) == 1 &&
	       mf_journal_each(f->journal, id, last, take_line, &here, &ignored) == 1 &&
	       here.kind == there.kind && here.time_us == there.time_us && here.n == there.n &&
	       here.sum == there.sum;
}

/* Whoever is at it on this machine puts a line there before its journal knows that. */
static bool
runs_here(const struct mf_find_run *f, const char *id)
{
	const struct mf_who_look look = {.plan = f->plan, .run = id, .journal = f->journal};
	char text[MF_WHO_TEXT_BYTES];

	return mf_who_runs(&look, text) == MF_WHO_SOMEBODY;
}

/* Another machine may have gone on with the run since, and even to its end: what lies here is old
 * then, and nothing may be resumed from it. 0: it is the newest there is; 1: it has ended, and this
 * machine knows that now; -1. */
static int
compare_with_repo(const struct mf_find_run *f, const char *id, struct mf_error *e)
{
	struct elsewhere there = {.id = id};
	struct ending here = {.ended = false};
	struct mf_error unread = {0};
	int rc;

	if (f->repo == NULL)
		return 0;
	rc = mf_runs_list(f->repo, take_elsewhere, &there, &unread);
	if (rc < 0) { /* a way back does not wait for a bucket */
		mf_log(MF_LOG_WARNING,
		    "whether another machine went on with run %s is not known: %s", id,
		    unread.message);
		return 0;
	}
	if (rc == 0)
		return 0;
	if (mf_journal_run(f->journal, id, take_ending, &here, e) != 0)
		return -1;
	if (!there.ended && there.mirrored > here.mirrored && !runs_here(f, id) &&
	    !is_from_here(f, id, there.mirrored)) {
		(void)mf_error_set(e, MF_ECONFLICT,
		    "run %s was gone on with from another state directory since", id);
		return mf_error_hint(
		    e, "`--state-dir` with a new directory takes it from the repository");
	}
	if (!there.ended)
		return 0;
	if (f->only_look)
		return 1;
	return mf_journal_end(f->journal, id, there.result, there.reason, there.ended_us, e) == 0
		   ? 1
		   : -1;
}

int
mf_find_run(const struct mf_find_run *f, char id[MF_RUN_ID_MAX_BYTES + 1], struct mf_error *e)
{
	struct search s = {.f = f};
	int rc;

	id[0] = '\0';
	if (mf_journal_runs(f->journal, NULL, is_it, &s, e) < 0)
		return -1;
	rc = s.id[0] != '\0' ? compare_with_repo(f, s.id, e) : 1;
	if (rc < 0)
		return -1;
	if (rc > 0) {
		s.id[0] = '\0';
		if (f->repo != NULL && mf_runs_list(f->repo, is_there, &s, e) < 0)
			return -1;
		if (s.id[0] != '\0' && !f->only_look &&
		    mf_run_restore(f->repo, s.id, f->journal, e) != 0)
			return -1;
	}
	memcpy(id, s.id, sizeof s.id);
	return 0;
}
