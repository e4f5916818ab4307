/* Runs in the repository: put once, in order, and enough to go on from. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "src/base/fs.h"
#include "src/repo/rekey.h"
#include "src/repo/run_int.h"
#include "tests/unit/repo/repo_fixture.h"
#include "transfers/fault.h"

static char state_dir[64];

static int
setup(void **state)
{
	/* nothing here is about power cuts: where there is one, a disk that need not be waited for */
	snprintf(state_dir, sizeof state_dir, "%s/mf-test-runs-XXXXXX",
	    access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	if (mkdtemp(state_dir) == NULL)
		return -1;
	return fixture_setup(state);
}

static int
teardown(void **state)
{
	mf_fs_remove_tree(AT_FDCWD, state_dir, NULL);
	return fixture_teardown(state);
}

static struct mf_journal *
open_journal(void)
{
	struct mf_error e = {0};
	struct mf_journal *j;

	fixture_expect_ok(mf_journal_open(state_dir, &j, &e), &e, "a journal");
	return j;
}

static struct mf_journal *
begin(void)
{
	struct mf_journal_run run = {.id = "r1",
	    .plan_digest = "d1",
	    .model = FIXTURE_MODEL,
	    .actor = "ops",
	    .destination = "v2",
	    .production_sequence = 3,
	    .facts = "{}",
	    .n_facts = 2,
	    .begun_us = 42};
	struct mf_journal *j = open_journal();
	struct mf_error e = {0};

	fixture_expect_ok(mf_journal_begin(j, &run, &e), &e, "a run");
	return j;
}

static uint64_t
append(struct mf_journal *j, enum mf_journal_kind kind, uint64_t of, const char *bytes)
{
	struct mf_journal_line line = {.kind = kind,
	    .of = of,
	    .tick = 1,
	    .time_us = 7,
	    .phase = "Progressing",
	    .bytes = bytes,
	    .n = strlen(bytes)};
	struct mf_error e = {0};
	uint64_t number;

	fixture_expect_ok(mf_journal_append(j, "r1", &line, &number, &e), &e, "a line");
	return number;
}

static struct mf_run_writer *
writer_of(struct mf_repo *repo, uint64_t token)
{
	struct mf_error e = {0};
	struct mf_run_writer *w;

	fixture_expect_ok(mf_run_writer_open(repo, "r1", token, &w, &e), &e, "a writer");
	return w;
}

struct seen {
	char text[8192];
	size_t n;
};

static int
take_line(void *arg, const struct mf_journal_line *line)
{
	struct seen *s = arg;
	size_t at = strlen(s->text);

	snprintf(s->text + at, sizeof s->text - at, "%s%llu:%s:%.*s", at > 0 ? " " : "",
	    (unsigned long long)line->number, mf_journal_kind_name(line->kind),
	    line->n > 20 ? 3 : (int)line->n, (const char *)line->bytes);
	s->n++;
	return 0;
}

static int
take_head(void *arg, const struct mf_journal_run *run)
{
	struct seen *s = arg;
	size_t at = strlen(s->text);

	snprintf(s->text + at, sizeof s->text - at, "[%s %s %s %s %llu %.*s %lld %s|%s]", run->id,
	    run->plan_digest, run->model, run->destination,
	    (unsigned long long)run->production_sequence, (int)run->n_facts,
	    (const char *)run->facts, (long long)run->begun_us, run->result, run->reason);
	return 0;
}

#define HEAD "[r1 d1 " FIXTURE_MODEL " v2 3 {} 42 "

static void
expect_resume(struct mf_repo *repo, const char *want)
{
	struct seen s = {.n = 0};
	struct mf_error e = {0};

	fixture_expect_ok(mf_run_resume(repo, "r1", take_head, take_line, &s, &e), &e, "resuming");
	assert_string_equal(s.text, want);
}

static void
test_mirror_and_resume(void **state)
{
	struct fixture *f = *state;
	struct mf_journal *j = begin();
	struct mf_run_writer *w = writer_of(f->repo, 5);
	struct seen s = {.n = 0};
	struct mf_error e = {0};
	uint64_t act;

	assert_int_equal(mf_run_resume(f->repo, "r1", take_head, take_line, &s, &e), -1);
	assert_int_equal(e.code, MF_ENOTFOUND);
	mf_error_clear(&e);
	fixture_expect_ok(mf_run_mirror(w, j, &e), &e, "mirroring the head");
	assert_int_equal(fixture_count(f, "j/"), 1);
	append(j, MF_JOURNAL_STATE, 0, "s1");
	act = append(j, MF_JOURNAL_ACT, 0, "route 10");
	fixture_expect_ok(mf_run_mirror(w, j, &e), &e, "mirroring");
	expect_resume(f->repo, HEAD "|] 1:state:s1 2:act:route 10");
	append(j, MF_JOURNAL_ANSWER, act, "ok");
	append(j, MF_JOURNAL_STATE, 0, "s2");
	fixture_expect_ok(mf_run_mirror(w, j, &e), &e, "mirroring");
	fixture_expect_ok(mf_run_mirror(w, j, &e), &e, "nothing to do");
	assert_int_equal(fixture_count(f, "j/"), 3);
	append(j, MF_JOURNAL_ACT, 0, "route 20");
	fixture_expect_ok(mf_run_mirror(w, j, &e), &e, "mirroring");
	expect_resume(f->repo, HEAD "|] 4:state:s2 5:act:route 20");
	fixture_expect_ok(mf_run_each(f->repo, "r1", take_line, &s, &e), &e, "reading");
	assert_string_equal(
	    s.text, "1:state:s1 2:act:route 10 3:answer:ok 4:state:s2 5:act:route 20");
	mf_run_writer_free(w);
	mf_journal_close(j);
}

/* The state directory is gone: the run goes on from the repository alone. */
static void
test_restore(void **state)
{
	struct fixture *f = *state;
	struct mf_journal *j = begin();
	struct mf_run_writer *w = writer_of(f->repo, 5);
	struct seen s = {.n = 0};
	struct mf_error e = {0};

	append(j, MF_JOURNAL_STATE, 0, "s1");
	append(j, MF_JOURNAL_STATE, 0, "s2");
	append(j, MF_JOURNAL_ACT, 0, "route 10");
	fixture_expect_ok(mf_run_mirror(w, j, &e), &e, "mirroring");
	mf_run_writer_free(w);
	mf_journal_close(j);
	assert_int_equal(mf_fs_remove_tree(AT_FDCWD, state_dir, &e), 0);

	j = open_journal();
	fixture_expect_ok(mf_run_restore(f->repo, "r1", j, &e), &e, "restoring");
	fixture_expect_ok(mf_journal_open_act(j, "r1", take_line, &s, &e), &e, "the open act");
	assert_string_equal(s.text, "3:act:route 10");
	assert_int_equal(mf_run_restore(f->repo, "r1", j, &e), -1);
	assert_int_equal(e.code, MF_EEXIST);
	mf_error_clear(&e);
	/* another holder goes on, under the numbers that follow */
	assert_int_equal(append(j, MF_JOURNAL_ANSWER, 3, "ok"), 4);
	w = writer_of(f->repo, 9);
	fixture_expect_ok(mf_run_mirror(w, j, &e), &e, "mirroring");
	expect_resume(f->repo, HEAD "|] 2:state:s2 3:act:route 10 4:answer:ok");
	fixture_expect_ok(mf_journal_end(j, "r1", "Succeeded", "all well", 99, &e), &e, "ending");
	fixture_expect_ok(mf_run_mirror(w, j, &e), &e, "mirroring");
	memset(&s, 0, sizeof s);
	fixture_expect_ok(mf_runs_list(f->repo, take_head, &s, &e), &e, "listing");
	assert_string_equal(s.text, HEAD "Succeeded|all well]");
	mf_run_writer_free(w);
	mf_journal_close(j);
}

/* Killed when the journal had its end, and the repository had not. */
static void
test_end_behind(void **state)
{
	struct fixture *f = *state;
	struct mf_journal *j = begin();
	struct mf_run_writer *w = writer_of(f->repo, 5), *old;
	struct seen s = {.n = 0};
	struct mf_error e = {0};

	append(j, MF_JOURNAL_STATE, 0, "s1");
	fixture_expect_ok(mf_run_mirror(w, j, &e), &e, "mirroring");
	mf_run_writer_free(w);
	append(j, MF_JOURNAL_STATE, 0, "s2");
	fixture_expect_ok(mf_journal_end(j, "r1", "Succeeded", "", 99, &e), &e, "ending");
	fixture_expect_ok(mf_run_mirror_end(f->repo, "r1", j, &e), &e, "mirroring the end");
	fixture_expect_ok(mf_runs_list(f->repo, take_head, &s, &e), &e, "listing");
	assert_string_equal(s.text, HEAD "Succeeded|]");
	/* under the token that was there */
	old = writer_of(f->repo, 4);
	assert_int_equal(mf_run_mirror(old, j, &e), -1);
	assert_int_equal(e.code, MF_ECONFLICT);
	mf_run_writer_free(old);
	mf_journal_close(j);
}

/* A holder that was stopped and goes on writes nothing, whether the other one has written or not.
 */
static void
test_old_holder(void **state)
{
	struct fixture *f = *state;
	struct mf_journal *j = begin();
	struct mf_run_writer *old = writer_of(f->repo, 5), *now = writer_of(f->repo, 9), *late;
	struct mf_error e = {0};
	size_t objects;

	append(j, MF_JOURNAL_STATE, 0, "s1");
	fixture_expect_ok(mf_run_mirror(old, j, &e), &e, "mirroring");
	append(j, MF_JOURNAL_NOTE, 0, "taken over");
	fixture_expect_ok(mf_run_mirror(now, j, &e), &e, "mirroring");
	append(j, MF_JOURNAL_ACT, 0, "route 20");
	objects = mf_memory_objects(f->world);
	assert_int_equal(mf_run_mirror(old, j, &e), -1);
	assert_int_equal(e.code, MF_ECONFLICT);
	late = writer_of(f->repo, 7);
	assert_int_equal(mf_run_mirror(late, j, &e), -1);
	assert_int_equal(e.code, MF_ECONFLICT);
	assert_int_equal(mf_memory_objects(f->world), objects);
	mf_run_writer_free(old);
	mf_run_writer_free(now);
	mf_run_writer_free(late);
	mf_journal_close(j);
}

/* Many lines, and long ones, take several records of bounded size. */
static void
test_long(void **state)
{
	struct fixture *f = *state;
	struct mf_journal *j = begin();
	struct mf_run_writer *w = writer_of(f->repo, 1);
	char *big = malloc(MF_JOURNAL_BYTES_MAX + 1);
	struct seen s = {.n = 0};
	struct mf_error e = {0};
	int i;

	memset(big, 'x', MF_JOURNAL_BYTES_MAX);
	big[MF_JOURNAL_BYTES_MAX] = '\0';
	for (i = 0; i < 3; i++)
		append(j, MF_JOURNAL_NOTE, 0, big);
	fixture_expect_ok(mf_run_mirror(w, j, &e), &e, "mirroring");
	assert_int_equal(fixture_count(f, "j/"), 4);
	fixture_expect_ok(mf_run_each(f->repo, "r1", take_line, &s, &e), &e, "reading");
	assert_string_equal(s.text, "1:note:xxx 2:note:xxx 3:note:xxx");
	free(big);
	mf_run_writer_free(w);
	mf_journal_close(j);
}

struct loss {
	uint64_t at;
	enum mf_fault_verdict how;
};

static enum mf_fault_verdict
lose(void *arg, const struct mf_fault_op *op, struct mf_error *e)
{
	struct loss *l = arg;

	if (op->number != l->at)
		return MF_FAULT_NONE;
	mf_error_set(e, MF_ETRANSFER, "lost");
	return l->how;
}

/* Whatever request fails, before or after it was done: in the end each line is there once. */
static void
lose_each(struct fixture *f, enum mf_fault_verdict how, bool conditional)
{
	struct loss loss = {0, how};
	struct mf_repo *repo;
	struct mf_run_writer *w;
	struct mf_journal *j;
	struct mf_error e = {0};
	struct mf_store *lossy;
	struct fixture g;
	struct seen s;
	int n, failed = 0;

	for (n = 1; n < 14; n++) {
		fixture_clone(f, &g);
		mf_memory_set_conditional(g.world, conditional);
		repo = fixture_open(&g, NULL, NULL, NULL);
		loss.at = 0;
		fixture_expect_ok(
		    mf_store_fault_take(repo->store, lose, &loss, &lossy, &e), &e, "faults");
		repo->store = lossy;
		loss.at = (uint64_t)n;
		j = begin();
		w = writer_of(repo, 3);
		append(j, MF_JOURNAL_STATE, 0, "s1");
		if (mf_run_mirror(w, j, &e) != 0)
			failed++;
		append(j, MF_JOURNAL_ACT, 0, "a");
		mf_error_clear(&e);
		if (mf_run_mirror(w, j, &e) != 0) {
			failed++;
			mf_error_clear(&e);
			fixture_expect_ok(mf_run_mirror(w, j, &e), &e, "mirroring again");
		}
		loss.at = 0;
		memset(&s, 0, sizeof s);
		fixture_expect_ok(mf_run_each(repo, "r1", take_line, &s, &e), &e, "reading");
		assert_string_equal(s.text, "1:state:s1 2:act:a");
		mf_run_writer_free(w);
		mf_journal_close(j);
		assert_int_equal(mf_fs_remove_tree(AT_FDCWD, state_dir, &e), 0);
		mf_repo_close(repo);
		fixture_fini(&g);
	}
	assert_in_range(failed, 4, 13);
}

static void
test_lost_requests(void **state)
{
	lose_each(*state, MF_FAULT_BEFORE, true);
}

static void
test_lost_answers(void **state)
{
	lose_each(*state, MF_FAULT_AFTER, true);
}

static void
test_lost_answers_without_conditions(void **state)
{
	lose_each(*state, MF_FAULT_AFTER, false);
}

static void
test_beat(void **state)
{
	struct fixture *f = *state;
	struct mf_run_writer *w = writer_of(f->repo, 5), *next;
	struct mf_run_beat beat = {
	    .tick = 3, .time_us = 100, .canary_weight = 20, .phase = "Progressing", .note = "{}"};
	struct mf_run_beat seen;
	struct mf_buf plain;
	struct mf_error e = {0};
	uint64_t age;

	assert_int_equal(mf_run_last_beat(f->repo, "r1", &seen, &plain, &age, &e), 1);
	fixture_expect_ok(mf_run_beat(w, &beat, &e), &e, "a heartbeat");
	beat.time_us = 200;
	beat.canary_weight = 30;
	fixture_expect_ok(mf_run_beat(w, &beat, &e), &e, "a heartbeat");
	assert_int_equal(fixture_count(f, "b/"), 1);
	mf_memory_advance(f->world, 5000000);
	fixture_expect_ok(mf_run_last_beat(f->repo, "r1", &seen, &plain, &age, &e), &e, "looking");
	assert_int_equal(seen.canary_weight, 30);
	assert_int_equal(seen.token, 5);
	assert_string_equal(seen.phase, "Progressing");
	assert_int_equal(age, 5000000);
	assert_null(seen.view);
	mf_buf_fini(&plain);
	/* the next holder's replaces what the last one left */
	next = writer_of(f->repo, 8);
	beat.time_us = 300;
	beat.view = "{\"a\":1}";
	beat.n_view = 7;
	fixture_expect_ok(mf_run_beat(next, &beat, &e), &e, "a heartbeat");
	assert_int_equal(fixture_count(f, "b/"), 1);
	fixture_expect_ok(mf_run_last_beat(f->repo, "r1", &seen, &plain, &age, &e), &e, "looking");
	assert_int_equal(seen.n_view, 7);
	assert_memory_equal(seen.view, "{\"a\":1}", 7);
	mf_buf_fini(&plain);
	mf_run_writer_free(w);
	mf_run_writer_free(next);
}

/* A rekey seals them anew; a prune leaves them for a year. */
static void
test_rekey_and_prune(void **state)
{
	struct fixture *f = *state;
	struct mf_journal *j = begin();
	struct mf_run_writer *w = writer_of(f->repo, 5);
	struct mf_repo *other = fixture_open(f, NULL, NULL, NULL), *fresh;
	struct mf_run_beat beat = {.time_us = 100, .phase = "p", .note = ""};
	struct mf_buf plain;
	struct mf_error e = {0};
	uint64_t age;

	append(j, MF_JOURNAL_STATE, 0, "s1");
	fixture_expect_ok(mf_run_mirror(w, j, &e), &e, "mirroring");
	fixture_expect_ok(mf_run_beat(w, &beat, &e), &e, "a heartbeat");
	fixture_expect_ok(mf_rekey(other, FIXTURE_NOW_US, &e), &e, "rekeying");
	append(j, MF_JOURNAL_NOTE, 0, "n");
	assert_int_equal(mf_run_mirror(w, j, &e), -1);
	assert_int_equal(e.code, MF_ECONFLICT);
	mf_run_writer_free(w);
	fresh = fixture_open(f, NULL, NULL, NULL);
	w = writer_of(fresh, 6);
	mf_error_clear(&e);
	fixture_expect_ok(mf_run_mirror(w, j, &e), &e, "mirroring");
	expect_resume(fresh, HEAD "|] 1:state:s1 2:note:n");
	fixture_expect_ok(mf_run_last_beat(fresh, "r1", &beat, &plain, &age, &e), &e, "the heartbeat");
	mf_buf_fini(&plain);
	mf_repo_close(f->repo);
	f->repo = fresh;
	fixture_advance(f, MF_RUN_KEEP_US - FIXTURE_HOUR_US);
	fixture_prune(f, 0);
	assert_int_equal(fixture_count(f, "j/"), 3);
	fixture_expect_ok(mf_run_mirror(w, j, &e), &e, "nothing to do");
	fixture_advance(f, 2 * FIXTURE_HOUR_US);
	fixture_prune(f, 0);
	assert_int_equal(fixture_count(f, "j/"), 0);
	assert_int_equal(fixture_count(f, "b/"), 0);
	mf_run_writer_free(w);
	mf_repo_close(other);
	mf_journal_close(j);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_mirror_and_resume, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_restore, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_end_behind, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_old_holder, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_long, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_lost_requests, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_lost_answers, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_lost_answers_without_conditions, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_beat, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_rekey_and_prune, setup, teardown),
	};

	return cmocka_run_group_tests_name("run records", tests, NULL, NULL);
}
