/*
 * The journal of runs. A process is killed before each write, in the middle of each write, and
 * finds the disk full at each: what was told to be durable is there, and nothing else but the
 * line that was under way, whole or not at all.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "src/base/fs.h"
#include "src/state/journal.h"

/* ---- a SQLite that fails where it is told to ---- */

enum how { HOW_NOT, HOW_KILL, HOW_KILL_IN_WRITE, HOW_FULL };

static struct {
	enum how how;
	unsigned at, count; /* of operations that change a file */
} fault;

struct shim_file {
	sqlite3_file base;
	sqlite3_file *real;
};

static sqlite3_vfs *real_vfs, shim_vfs;
static sqlite3_io_methods shim_methods;

/* 0, or the error that the operation ends with. */
static int
step(sqlite3_file *real, const void *bytes, int n, sqlite3_int64 offset)
{
	if (fault.how == HOW_NOT || (fault.how == HOW_KILL_IN_WRITE && bytes == NULL) ||
	    ++fault.count < fault.at)
		return SQLITE_OK;
	if (fault.how == HOW_FULL)
		return SQLITE_FULL;
	if (fault.how == HOW_KILL_IN_WRITE)
		real->pMethods->xWrite(real, bytes, n / 2, offset);
	raise(SIGKILL);
	return SQLITE_IOERR;
}

#define REAL(f) (((struct shim_file *)(f))->real)

static int
shim_close(sqlite3_file *f)
{
	int rc = REAL(f)->pMethods->xClose(REAL(f));

	free(REAL(f));
	return rc;
}

static int
shim_write(sqlite3_file *f, const void *bytes, int n, sqlite3_int64 offset)
{
	int rc = step(REAL(f), bytes, n, offset);

	return rc != SQLITE_OK ? rc : REAL(f)->pMethods->xWrite(REAL(f), bytes, n, offset);
}

static int
shim_truncate(sqlite3_file *f, sqlite3_int64 n)
{
	int rc = step(REAL(f), NULL, 0, 0);

	return rc != SQLITE_OK ? rc : REAL(f)->pMethods->xTruncate(REAL(f), n);
}

/* A kill loses no page that was written: nothing to wait for. */
static int
shim_sync(sqlite3_file *f, int flags)
{
	(void)flags;
	return step(REAL(f), NULL, 0, 0);
}

static int
shim_read(sqlite3_file *f, void *out, int n, sqlite3_int64 offset)
{
	return REAL(f)->pMethods->xRead(REAL(f), out, n, offset);
}

static int
shim_size(sqlite3_file *f, sqlite3_int64 *n)
{
	return REAL(f)->pMethods->xFileSize(REAL(f), n);
}

static int
shim_lock(sqlite3_file *f, int how)
{
	return REAL(f)->pMethods->xLock(REAL(f), how);
}

static int
shim_unlock(sqlite3_file *f, int how)
{
	return REAL(f)->pMethods->xUnlock(REAL(f), how);
}

static int
shim_reserved(sqlite3_file *f, int *out)
{
	return REAL(f)->pMethods->xCheckReservedLock(REAL(f), out);
}

static int
shim_control(sqlite3_file *f, int op, void *arg)
{
	return REAL(f)->pMethods->xFileControl(REAL(f), op, arg);
}

static int
shim_sector(sqlite3_file *f)
{
	return REAL(f)->pMethods->xSectorSize(REAL(f));
}

static int
shim_traits(sqlite3_file *f)
{
	return REAL(f)->pMethods->xDeviceCharacteristics(REAL(f));
}

static int
shim_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *f, int flags, int *out_flags)
{
	struct shim_file *s = (struct shim_file *)f;
	int rc;

	(void)vfs;
	s->base.pMethods = NULL;
	if ((s->real = calloc(1, (size_t)real_vfs->szOsFile)) == NULL)
		return SQLITE_NOMEM;
	rc = real_vfs->xOpen(real_vfs, name, s->real, flags, out_flags);
	if (rc == SQLITE_OK)
		s->base.pMethods = &shim_methods;
	else
		free(s->real);
	return rc;
}

static int
shim_delete(sqlite3_vfs *vfs, const char *name, int sync)
{
	int rc = step(NULL, NULL, 0, 0);

	(void)vfs;
	(void)sync;
	return rc != SQLITE_OK ? rc : real_vfs->xDelete(real_vfs, name, 0);
}

static void
install_shim(void)
{
	real_vfs = sqlite3_vfs_find(NULL);
	assert_non_null(real_vfs);
	shim_vfs = *real_vfs;
	shim_vfs.zName = "shim";
	shim_vfs.szOsFile = sizeof(struct shim_file);
	shim_vfs.xOpen = shim_open;
	shim_vfs.xDelete = shim_delete;
	shim_methods = (sqlite3_io_methods){1, shim_close, shim_read, shim_write, shim_truncate,
	    shim_sync, shim_size, shim_lock, shim_unlock, shim_reserved, shim_control, shim_sector,
	    shim_traits, NULL, NULL, NULL, NULL, NULL, NULL};
	assert_int_equal(sqlite3_vfs_register(&shim_vfs, 1), SQLITE_OK);
}

/* ---- fixture ---- */

static char dir[64];

static int
setup(void **state)
{
	(void)state;
	fault.how = HOW_NOT;
	snprintf(dir, sizeof dir, "/tmp/mf-test-journal-XXXXXX");
	return mkdtemp(dir) != NULL ? 0 : -1;
}

static int
teardown(void **state)
{
	(void)state;
	fault.how = HOW_NOT;
	return mf_fs_remove_tree(AT_FDCWD, dir, NULL);
}

static void
expect_ok(int rc, const struct mf_error *e)
{
	if (rc != 0)
		fail_msg("%s", e->message);
}

static struct mf_journal *
open_journal(void)
{
	struct mf_error e = {0};
	struct mf_journal *j;

	expect_ok(mf_journal_open(dir, &j, &e), &e);
	return j;
}

static struct mf_journal_run
run_of(const char *id)
{
	return (struct mf_journal_run){.id = id,
	    .plan_digest = "d1",
	    .plan_name = "churn",
	    .model = "team/churn",
	    .actor = "ops",
	    .source = "v1",
	    .destination = "v2",
	    .previous = "v0",
	    .production_sequence = 7,
	    .facts = "facts",
	    .n_facts = 5,
	    .begun_us = 100};
}

static struct mf_journal_line
line_of(enum mf_journal_kind kind, uint64_t tick, uint64_t of, const char *bytes)
{
	return (struct mf_journal_line){.kind = kind,
	    .tick = tick,
	    .of = of,
	    .time_us = 1000 + (int64_t)tick,
	    .phase = "Progressing",
	    .bytes = bytes,
	    .n = strlen(bytes)};
}

static uint64_t
append(struct mf_journal *j, const char *run, enum mf_journal_kind kind, uint64_t tick, uint64_t of,
    const char *bytes)
{
	struct mf_journal_line line = line_of(kind, tick, of, bytes);
	struct mf_error e = {0};
	uint64_t number = 0;

	expect_ok(mf_journal_append(j, run, &line, &number, &e), &e);
	return number;
}

static void
begin(struct mf_journal *j, const char *id)
{
	struct mf_journal_run run = run_of(id);
	struct mf_error e = {0};

	expect_ok(mf_journal_begin(j, &run, &e), &e);
}

/* What was read: "KIND:BYTES ..." */
struct seen {
	char text[4096];
	size_t n;
	uint64_t last;
};

static int
take_line(void *arg, const struct mf_journal_line *line)
{
	struct seen *s = arg;
	size_t at = strlen(s->text);

	snprintf(s->text + at, sizeof s->text - at, "%s%llu:%s:%.*s", s->n > 0 ? " " : "",
	    (unsigned long long)line->number, mf_journal_kind_name(line->kind), (int)line->n,
	    (const char *)line->bytes);
	s->n++;
	s->last = line->number;
	return 0;
}

static void
expect_lines(struct mf_journal *j, const char *run, const char *want)
{
	struct seen s = {.n = 0};
	struct mf_error e = {0};

	expect_ok(mf_journal_each(j, run, 0, take_line, &s, &e), &e);
	assert_string_equal(s.text, want);
}

static int
take_run(void *arg, const struct mf_journal_run *run)
{
	struct seen *s = arg;
	size_t at = strlen(s->text);

	snprintf(s->text + at, sizeof s->text - at, "%s%s %s %s %s->%s<-%s %llu %.*s %s|%s|%lld;",
	    s->n > 0 ? " " : "", run->id, run->plan_digest, run->actor, run->source,
	    run->destination, run->previous, (unsigned long long)run->production_sequence,
	    (int)run->n_facts, (const char *)run->facts, run->result, run->reason,
	    (long long)run->ended_us);
	s->n++;
	return 0;
}

/* ---- what it does ---- */

static void
test_resume(void **state)
{
	struct mf_journal *j = open_journal();
	struct seen s = {.n = 0};
	struct mf_error e = {0};
	uint64_t act;

	(void)state;
	begin(j, "r1");
	assert_int_equal(mf_journal_open_act(j, "r1", take_line, &s, &e), 1);
	act = append(j, "r1", MF_JOURNAL_ACT, 1, 0, "push");
	assert_int_equal(act, 1);
	append(j, "r1", MF_JOURNAL_ANSWER, 1, act, "ok");
	append(j, "r1", MF_JOURNAL_STATE, 1, 0, "s1");
	append(j, "r1", MF_JOURNAL_STATE, 2, 0, "s2");
	append(j, "r1", MF_JOURNAL_READ, 3, 0, "seen");
	act = append(j, "r1", MF_JOURNAL_ACT, 3, 0, "route 10");
	append(j, "r1", MF_JOURNAL_ANSWER, 3, act, "ok");
	act = append(j, "r1", MF_JOURNAL_ACT, 3, 0, "route 20");
	mf_journal_close(j);
	j = open_journal();
	expect_ok(mf_journal_resume(j, "r1", take_line, &s, &e), &e);
	assert_string_equal(
	    s.text, "4:state:s2 5:read:seen 6:act:route 10 7:answer:ok 8:act:route 20");
	memset(&s, 0, sizeof s);
	expect_ok(mf_journal_open_act(j, "r1", take_line, &s, &e), &e);
	assert_string_equal(s.text, "8:act:route 20");
	append(j, "r1", MF_JOURNAL_ANSWER, 3, act, "ok");
	assert_int_equal(mf_journal_open_act(j, "r1", take_line, &s, &e), 1);
	/* states before the last but one go, and nothing else */
	append(j, "r1", MF_JOURNAL_STATE, 3, 0, "s3");
	expect_lines(j, "r1",
	    "1:act:push 2:answer:ok 4:state:s2 5:read:seen 6:act:route 10 "
	    "7:answer:ok 8:act:route 20 9:answer:ok 10:state:s3");
	mf_journal_close(j);
}

static void
test_history(void **state)
{
	struct mf_journal *j = open_journal(), *k = open_journal();
	struct mf_journal_run run = run_of("r1");
	struct mf_journal_line line = line_of(MF_JOURNAL_NOTE, 1, 0, "late");
	struct seen s = {.n = 0};
	struct mf_error e = {0};

	(void)state;
	begin(j, "r1");
	begin(k, "r2");
	assert_int_equal(mf_journal_begin(j, &run, &e), -1);
	assert_int_equal(e.code, MF_EEXIST);
	append(j, "r1", MF_JOURNAL_NOTE, 1, 0, "a");
	append(k, "r2", MF_JOURNAL_NOTE, 1, 0, "b");
	mf_error_clear(&e);
	expect_ok(mf_journal_end(j, "r1", "RolledBack", "accuracy 87 is below 90", 500, &e), &e);
	expect_ok(mf_journal_runs(k, NULL, take_run, &s, &e), &e);
	assert_string_equal(s.text,
	    "r2 d1 ops v1->v2<-v0 7 facts ||0; "
	    "r1 d1 ops v1->v2<-v0 7 facts RolledBack|accuracy 87 is below 90|500;");
	expect_lines(k, "r1", "1:note:a 2:end:accuracy 87 is below 90");
	/* nothing is added to what is over, nor to what never was */
	assert_int_equal(mf_journal_append(j, "r1", &line, NULL, &e), -1);
	assert_int_equal(e.code, MF_ENOTFOUND);
	assert_int_equal(mf_journal_append(j, "r9", &line, NULL, &e), -1);
	assert_int_equal(mf_journal_note(j, "r9", &line, NULL), 1);
	assert_int_equal(mf_journal_waiting(j), 0);
	assert_int_equal(mf_journal_run(j, "r9", take_run, &s, &e), -1);
	assert_int_equal(e.code, MF_ENOTFOUND);
	memset(&s, 0, sizeof s);
	assert_int_equal(mf_journal_runs(k, "other", take_run, &s, &e), 0);
	assert_int_equal(s.n, 0);
	mf_journal_close(j);
	mf_journal_close(k);
}

static void
test_bounds(void **state)
{
	struct mf_journal *j = open_journal();
	struct mf_journal_run run = run_of("r1");
	struct mf_journal_line line = line_of(MF_JOURNAL_NOTE, 1, 0, "");
	struct mf_error e = {0};
	char *big = calloc(1, MF_JOURNAL_BYTES_MAX + 1), text[MF_JOURNAL_TEXT_MAX_BYTES + 2];

	(void)state;
	begin(j, "r1");
	line.bytes = big;
	line.n = MF_JOURNAL_BYTES_MAX + 1;
	assert_int_equal(mf_journal_append(j, "r1", &line, NULL, &e), -1);
	assert_int_equal(e.code, MF_EUSAGE);
	line.n--;
	mf_error_clear(&e);
	expect_ok(mf_journal_append(j, "r1", &line, NULL, &e), &e);
	memset(text, 'x', sizeof text - 1);
	text[sizeof text - 1] = '\0';
	run.id = "r2";
	run.actor = text;
	assert_int_equal(mf_journal_begin(j, &run, &e), -1);
	assert_int_equal(e.code, MF_EUSAGE);
	free(big);
	mf_journal_close(j);
}

static void
test_claim(void **state)
{
	static const uint8_t one[MF_JOURNAL_INSTANCE_BYTES] = {1},
			     two[MF_JOURNAL_INSTANCE_BYTES] = {2};
	struct mf_journal *j = open_journal(), *k = open_journal();
	uint8_t former[MF_JOURNAL_INSTANCE_BYTES];
	struct mf_error e = {0};

	(void)state;
	assert_int_equal(mf_journal_claim(j, "r1", one, former, &e), -1);
	assert_int_equal(e.code, MF_ENOTFOUND);
	mf_error_clear(&e);
	begin(j, "r1");
	begin(j, "r2");
	assert_int_equal(mf_journal_claim(j, "r1", one, former, &e), 1);
	assert_int_equal(mf_journal_claim(k, "r1", two, former, &e), -1);
	assert_int_equal(e.code, MF_ECONFLICT);
	mf_error_clear(&e);
	assert_int_equal(mf_journal_claim(k, "r2", two, former, &e), 1);
	mf_journal_close(j);
	assert_int_equal(mf_journal_claim(k, "r1", two, former, &e), 0);
	assert_memory_equal(former, one, sizeof one);
	mf_journal_close(k);
}

static void
test_mirrored(void **state)
{
	struct mf_journal *j = open_journal();
	struct seen s = {.n = 0};
	struct mf_error e = {0};

	(void)state;
	begin(j, "r1");
	append(j, "r1", MF_JOURNAL_NOTE, 1, 0, "a");
	append(j, "r1", MF_JOURNAL_NOTE, 1, 0, "b");
	expect_ok(mf_journal_set_mirrored(j, "r1", 1, &e), &e);
	expect_ok(mf_journal_set_mirrored(j, "r1", 0, &e), &e); /* never lowers */
	expect_ok(mf_journal_each(j, "r1", 2, take_line, &s, &e), &e);
	assert_string_equal(s.text, "2:note:b");
	mf_journal_close(j);
}

/* ---- what happens to it ---- */

#define STEPS 4

/* Begin a run and add lines; after each call that returned 0, one byte to out. */
static void
work(int out)
{
	struct mf_journal_run run = run_of("r1");
	struct mf_journal_line line;
	struct mf_journal *j;
	struct mf_error e = {0};
	char bytes[16];
	int i;

	if (mf_journal_open(dir, &j, &e) != 0)
		_exit(2);
	if (mf_journal_begin(j, &run, &e) != 0 || write(out, "b", 1) != 1)
		_exit(3);
	for (i = 1; i <= STEPS; i++) {
		snprintf(bytes, sizeof bytes, "line %d", i);
		line = line_of(i % 3 == 0 ? MF_JOURNAL_STATE : MF_JOURNAL_ACT, 1, 0, bytes);
		if (mf_journal_append(j, "r1", &line, NULL, &e) != 0 || write(out, "l", 1) != 1)
			_exit(4);
	}
	mf_journal_close(j);
	_exit(0);
}

/* How many lines the process says that are there; -1: not even the run. *ended: it came through. */
static int
run_child(enum how how, unsigned at, bool *ended)
{
	int fds[2], status, n = -1;
	char byte;
	pid_t pid;

	assert_int_equal(pipe(fds), 0);
	if ((pid = fork()) == 0) {
		fault.how = how;
		fault.at = at;
		fault.count = 0;
		close(fds[0]);
		work(fds[1]);
	}
	close(fds[1]);
	while (read(fds[0], &byte, 1) == 1)
		n++;
	close(fds[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
	*ended = WIFEXITED(status);
	return n;
}

static void
check_after(int told)
{
	struct mf_journal *j = open_journal();
	struct seen s = {.n = 0}, lines = {.n = 0};
	struct mf_error e = {0};
	int64_t last;

	expect_ok(mf_journal_runs(j, NULL, take_run, &s, &e), &e);
	assert_true(s.n == 1 || (told == -1 && s.n == 0));
	expect_ok(mf_journal_each(j, "r1", 0, take_line, &lines, &e), &e);
	last = (int64_t)lines.last;
	assert_in_range(last, told < 0 ? 0 : told, told + 1);
	if (s.n == 1)
		assert_int_equal(append(j, "r1", MF_JOURNAL_NOTE, 1, 0, "goes on"), last + 1);
	mf_journal_close(j);
}

static void
kill_everywhere(enum how how)
{
	bool ended = false;
	unsigned at;
	int told;

	for (at = 1; !ended; at++) {
		told = run_child(how, at, &ended);
		check_after(told);
		assert_int_equal(mf_fs_remove_tree(AT_FDCWD, dir, NULL), 0);
		assert_int_equal(mkdir(dir, 0700), 0);
		assert_in_range(at, 1, 1000);
	}
	assert_int_equal(told, STEPS);
	assert_true(at > 3 * STEPS); /* it was killed often enough */
}

static void
test_killed_before_each_write(void **state)
{
	(void)state;
	kill_everywhere(HOW_KILL);
}

static void
test_killed_in_each_write(void **state)
{
	(void)state;
	kill_everywhere(HOW_KILL_IN_WRITE);
}

/* A full disk: an append fails and leaves nothing, a note waits, and all is there in order once
 * there is room again. */
static void
test_full_disk(void **state)
{
	struct mf_journal *j = open_journal();
	struct mf_journal_line raise = line_of(MF_JOURNAL_ACT, 2, 0, "route 20"),
			       back = line_of(MF_JOURNAL_ACT, 2, 0, "route 0"),
			       answer = line_of(MF_JOURNAL_ANSWER, 2, 2, "ok");
	struct mf_error e = {0};
	uint64_t number;
	unsigned at;

	(void)state;
	begin(j, "r1");
	append(j, "r1", MF_JOURNAL_STATE, 1, 0, "s");
	fault.how = HOW_FULL;
	for (at = 1; at < 12; at++) {
		fault.at = at;
		fault.count = 0;
		if (mf_journal_append(j, "r1", &raise, &number, &e) == 0)
			break;
		assert_int_equal(e.code, MF_ENOSPC);
		fault.how = HOW_NOT;
		expect_lines(j, "r1", "1:state:s");
		fault.how = HOW_FULL;
	}
	assert_true(at > 3);
	fault.at = 1;
	if (at < 12) { /* it came through: take its number into account */
		fault.how = HOW_NOT;
		mf_journal_close(j);
		teardown(NULL);
		setup(NULL);
		j = open_journal();
		begin(j, "r1");
		append(j, "r1", MF_JOURNAL_STATE, 1, 0, "s");
		fault.how = HOW_FULL;
		fault.count = 0;
	}
	assert_int_equal(mf_journal_note(j, "r1", &back, &number), 1);
	assert_int_equal(number, 2);
	assert_int_equal(mf_journal_note(j, "r1", &answer, &number), 1);
	assert_int_equal(number, 3);
	assert_int_equal(mf_journal_waiting(j), 2);
	assert_int_equal(mf_journal_append(j, "r1", &raise, NULL, &e), -1);
	fault.how = HOW_NOT;
	assert_int_equal(append(j, "r1", MF_JOURNAL_NOTE, 3, 0, "room"), 4);
	assert_int_equal(mf_journal_waiting(j), 0);
	expect_lines(j, "r1", "1:state:s 2:act:route 0 3:answer:ok 4:note:room");
	mf_journal_close(j);
}

static void
test_backlog_is_bounded(void **state)
{
	struct mf_journal *j = open_journal();
	struct mf_journal_line line = line_of(MF_JOURNAL_NOTE, 1, 0, "x");
	struct seen s = {.n = 0};
	struct mf_error e = {0};
	unsigned i;

	(void)state;
	begin(j, "r1");
	fault.how = HOW_FULL;
	fault.at = 1;
	fault.count = 0;
	for (i = 0; i < MF_JOURNAL_BACKLOG_MAX + 10; i++)
		assert_int_equal(mf_journal_note(j, "r1", &line, NULL), 1);
	assert_int_equal(mf_journal_waiting(j), MF_JOURNAL_BACKLOG_MAX);
	fault.how = HOW_NOT;
	mf_journal_close(j); /* the last chance */
	j = open_journal();
	expect_ok(mf_journal_each(j, "r1", 0, take_line, &s, &e), &e);
	assert_int_equal(s.n, MF_JOURNAL_BACKLOG_MAX);
	assert_int_equal(s.last, MF_JOURNAL_BACKLOG_MAX + 10); /* the gap shows */
	mf_journal_close(j);
}

/* Another process that sits on the database does not hold up a step back. */
static void
test_note_does_not_wait(void **state)
{
	struct mf_journal *j = open_journal();
	struct mf_journal_line line = line_of(MF_JOURNAL_ACT, 1, 0, "route 0");
	char path[96];
	sqlite3 *other;

	(void)state;
	begin(j, "r1");
	snprintf(path, sizeof path, "%s/journal.db", dir);
	assert_int_equal(sqlite3_open(path, &other), SQLITE_OK);
	assert_int_equal(sqlite3_exec(other, "BEGIN EXCLUSIVE", NULL, NULL, NULL), SQLITE_OK);
	alarm(20); /* less than the patience of an append */
	assert_int_equal(mf_journal_note(j, "r1", &line, NULL), 1);
	alarm(0);
	assert_int_equal(sqlite3_exec(other, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(other);
	append(j, "r1", MF_JOURNAL_NOTE, 2, 0, "b");
	expect_lines(j, "r1", "1:act:route 0 2:note:b");
	mf_journal_close(j);
}

static void
test_foreign_file(void **state)
{
	struct mf_journal *j = NULL;
	struct mf_error e = {0};
	char path[96];
	FILE *f;

	(void)state;
	snprintf(path, sizeof path, "%s/journal.db", dir);
	assert_non_null(f = fopen(path, "w"));
	fputs("this is no database, whatever its name says, and it is long enough to show it", f);
	fclose(f);
	assert_int_equal(mf_journal_open(dir, &j, &e), -1);
	assert_non_null(strstr(e.hint, "--state-dir"));
	assert_null(j);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_resume, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_history, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_bounds, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_claim, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_mirrored, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_killed_before_each_write, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_killed_in_each_write, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_full_disk, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_backlog_is_bounded, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_note_does_not_wait, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_foreign_file, setup, teardown),
	};

	install_shim();
	return cmocka_run_group_tests_name("journal", tests, NULL, NULL);
}
