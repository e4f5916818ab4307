/*
 * Refs in a store without conditional put: the writers vote. Two at once in
 * every order of their store operations with two switches, and with one of them killed at every
 * operation; a reader in between never sees what is gone later.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/repo/ref_int.h"
#include "src/repo/rekey.h"
#include "src/repo/verify.h"
#include "src/repo/version_int.h"
#include "tests/unit/repo/orders.h"

#define STRIDE 4

static int
setup(void **state)
{
	struct fixture *f;
	char version[] = "v1";

	assert_int_equal(fixture_setup(state), 0);
	f = *state;
	mf_memory_set_conditional(f->world, false);
	for (; version[1] <= '3'; version[1]++) {
		fixture_write(f, "a.bin", (unsigned)version[1], 2000);
		fixture_advance(f, 1000000);
		fixture_push(f, version);
	}
	return 0;
}

static int
set(struct mf_repo *repo, const char *version, const char *expect, struct mf_error *e)
{
	struct mf_version v;
	struct mf_ref_move move = {.name = "production", .to = &v, .expect = expect, .by = "test",
	    .now_us = fixture_now_us()};
	int rc = mf_version_find(repo, FIXTURE_MODEL, version, &v, e);

	assert_int_equal(rc, 0);
	rc = mf_ref_set(repo, &move, NULL, e);
	mf_version_fini(&v);
	return rc;
}

static void
expect_at(const struct fixture *f, uint64_t sequence, const char *version)
{
	struct mf_error e = {0};
	struct mf_ref ref;

	fixture_expect_ok(mf_ref_get(f->repo, FIXTURE_MODEL, "production", &ref, &e), &e, version);
	assert_int_equal(ref.sequence, sequence);
	assert_string_equal(ref.version, version);
	mf_ref_fini(&ref);
}

/* All of it works, and readers see what they would see elsewhere. */
static void
test_moves(void **state)
{
	struct fixture *f = *state;
	struct mf_rollback back = {.model = FIXTURE_MODEL, .by = "test",
	    .now_us = fixture_now_us()};
	struct mf_error e = {0};
	struct mf_refs history;
	char *from, *to;

	fixture_expect_ok(set(f->repo, "v1", "", &e), &e, "v1");
	fixture_expect_ok(set(f->repo, "v2", "v1", &e), &e, "v2");
	assert_int_equal(set(f->repo, "v3", "v1", &e), -1);
	assert_int_equal(e.code, MF_ECONFLICT);
	expect_at(f, 2, "v2");
	fixture_expect_ok(mf_ref_rollback(f->repo, &back, &from, &to, &e), &e, "rollback");
	assert_string_equal(to, "v1");
	free(from);
	free(to);
	expect_at(f, 3, "v1");
	fixture_expect_ok(mf_ref_history(f->repo, FIXTURE_MODEL, "production", &history, &e), &e,
	    "history");
	assert_int_equal(history.n, 3);
	mf_refs_fini(&history);
	assert_int_equal(fixture_count(f, "r/"), 3);
	assert_int_equal(fixture_count(f, "p/"), 0);
	assert_int_equal(fixture_count(f, "h/"), 0);
}

static void
test_history_is_trimmed(void **state)
{
	struct fixture *f = *state;
	struct mf_error e = {0};
	int i;

	for (i = 0; i < 105; i++)
		fixture_expect_ok(set(f->repo, i % 2 ? "v1" : "v2", NULL, &e), &e, "set");
	fixture_prune(f, 0);
	assert_int_equal(fixture_count(f, "r/"), 100);
	expect_at(f, 105, "v2");
}

/* Names of both kinds, as in a copy: the lowest of a sequence counts, for everybody. */
static void
test_lowest_counts(void **state)
{
	struct fixture *f = *state;
	struct mf_error e = {0};
	struct mf_names names;
	struct mf_refs history;
	struct mf_buf plain = MF_BUF_INIT;
	char other[MF_OBJECT_NAME_BYTES];

	fixture_expect_ok(set(f->repo, "v1", NULL, &e), &e, "v1");
	mf_memory_set_conditional(f->world, true);
	fixture_expect_ok(set(f->repo, "v2", NULL, &e), &e, "v2");
	mf_memory_set_conditional(f->world, false);
	expect_at(f, 2, "v2");
	fixture_expect_ok(set(f->repo, "v3", NULL, &e), &e, "v3");
	fixture_expect_ok(mf_names_list(f->repo, "r/", &names, &e), &e, "names");
	assert_int_equal(names.n, 3);
	assert_int_equal(strlen(names.items[1]), MF_REF_POSITION_BYTES);
	/* v2's once more, under a higher name of the same number */
	fixture_expect_ok(
	    mf_object_get(f->repo, MF_OBJECT_REF, names.items[1], &plain, &e), &e, "read");
	snprintf(other, sizeof(other), "%s-%032d", names.items[1], 0);
	fixture_expect_ok(mf_object_put(f->repo, MF_OBJECT_REF, other, plain.data, plain.len, 0, &e),
	    &e, "put");
	fixture_expect_ok(mf_ref_history(f->repo, FIXTURE_MODEL, "production", &history, &e), &e,
	    "history");
	assert_int_equal(history.n, 3);
	mf_refs_fini(&history);
	mf_buf_fini(&plain);
	mf_names_fini(&names);
}

/* --- two writers */

struct mover {
	const char *version, *expect;
};

struct duel {
	const struct fixture *base;
	struct mover movers[2];
	/* what a reader saw at the switch */
	const struct fixture *f;
	uint64_t seen;
	char version[8];
};

static int
move(void *arg, struct mf_repo *repo, struct mf_error *e)
{
	const struct mover *m = arg;

	return set(repo, m->version, m->expect, e);
}

static void
look(void *arg)
{
	struct duel *d = arg;
	struct mf_error e = {0};
	struct mf_ref ref;

	fixture_expect_ok(mf_ref_get(d->f->repo, FIXTURE_MODEL, "production", &ref, &e), &e, "look");
	d->seen = ref.sequence;
	snprintf(d->version, sizeof(d->version), "%s", ref.version);
	mf_ref_fini(&ref);
}

/* Every sequence once, none missing, and all objects of one say the same. */
static void
check_history(const struct fixture *f, uint64_t last, const struct duel *d)
{
	struct mf_error e = {0};
	struct mf_names names;
	struct mf_refs history;
	struct mf_ref ref;
	size_t i;

	fixture_expect_ok(mf_ref_history(f->repo, FIXTURE_MODEL, "production", &history, &e), &e,
	    "history");
	assert_int_equal(history.n, last);
	for (i = 0; i < history.n; i++) {
		assert_int_equal(history.items[i].sequence, i + 1);
		if (d->seen == i + 1)
			assert_string_equal(history.items[i].version, d->version);
	}
	fixture_expect_ok(mf_names_list(f->repo, "r/", &names, &e), &e, "names");
	for (i = 0; i < names.n; i++) {
		fixture_expect_ok(mf_ref_read(f->repo, names.items[i], &ref, &e), &e, "read");
		assert_string_equal(ref.version, history.items[ref.sequence - 1].version);
		mf_ref_fini(&ref);
	}
	mf_names_fini(&names);
	mf_refs_fini(&history);
}

/* Whoever comes next can go on, and nothing stays. */
static void
check_goes_on(struct fixture *f)
{
	struct mf_error e = {0};

	fixture_expect_ok(set(f->repo, "v1", NULL, &e), &e, "next");
	fixture_expect_ok(set(f->repo, "v3", NULL, &e), &e, "next");
	fixture_advance(f, FIXTURE_HOUR_US);
	fixture_prune(f, 0);
	assert_int_equal(fixture_count(f, "p/"), 0);
}

static void
duel_once(void *arg, unsigned k, unsigned j, unsigned ops[2])
{
	struct duel *d = arg;
	struct orders_actor actors[2] = {
	    {.work = move, .arg = &d->movers[0]}, {.work = move, .arg = &d->movers[1]}};
	struct fixture f;
	unsigned done = 0;
	int i;

	fixture_clone(d->base, &f);
	d->f = &f;
	d->seen = 0;
	orders_act(&f, actors, k, j, look, d);
	for (i = 0; i < 2; i++) {
		ops[i] = actors[i].ops;
		done += actors[i].rc == 0;
		if (actors[i].rc != 0 && actors[i].e.code != MF_ECONFLICT)
			fail_msg("%u %u: %s", k, j, actors[i].e.message);
	}
	if (done != 1 && (done == 0 || d->movers[0].expect != NULL))
		fail_msg("%u %u: %u of two writers were told that it is done", k, j, done);
	check_history(&f, 1 + done, d);
	if (done == 1)
		expect_at(&f, 2, d->movers[actors[0].rc == 0 ? 0 : 1].version);
	assert_int_equal(fixture_count(&f, "h/"), 0);
	if ((k + j) % 7 == 0)
		check_goes_on(&f);
	fixture_fini(&f);
}

static void
test_two_writers(void **state)
{
	struct duel d = {.base = *state, .movers = {{"v2", NULL}, {"v3", NULL}}};
	struct mf_error e = {0};

	fixture_expect_ok(set(d.base->repo, "v1", NULL, &e), &e, "v1");
	orders_all(duel_once, &d, STRIDE);
	/* of two that expect v1 one is disappointed, in every order */
	d.movers[0].expect = d.movers[1].expect = "v1";
	orders_all(duel_once, &d, STRIDE);
}

/* --- many at once */

#define WRITERS 4
#define MOVES 4

struct writer {
	const struct fixture *f;
	char by[8];
	unsigned done;
	bool is_unknown; /* once it could not be told */
	pthread_t thread;
};

static void *
move_often(void *arg)
{
	struct writer *w = arg;
	struct mf_repo *repo = fixture_open(w->f, NULL, NULL, NULL);
	struct mf_ref_move m = {.name = "production", .by = w->by, .now_us = FIXTURE_NOW_US};
	struct mf_error e = {0};
	struct mf_version v;
	int i;

	assert_int_equal(mf_version_find(repo, FIXTURE_MODEL, "v2", &v, &e), 0);
	m.to = &v;
	for (i = 0; i < MOVES; i++) {
		m.now_us++;
		if (mf_ref_set(repo, &m, NULL, &e) == 0)
			w->done++;
		else
			w->is_unknown = w->is_unknown || e.code != MF_ECONFLICT;
	}
	mf_version_fini(&v);
	mf_repo_close(repo);
	return NULL;
}

/* Each move that was done is there once, and no other. */
static void
test_many_writers(void **state)
{
	struct writer writers[WRITERS] = {{0}};
	struct fixture *f = *state;
	struct mf_error e = {0};
	struct mf_refs history;
	unsigned done = 0, unknown = 0;
	size_t i, k, n;

	for (i = 0; i < WRITERS; i++) {
		writers[i].f = f;
		snprintf(writers[i].by, sizeof(writers[i].by), "w%zu", i);
		assert_int_equal(
		    pthread_create(&writers[i].thread, NULL, move_often, &writers[i]), 0);
	}
	for (i = 0; i < WRITERS; i++)
		pthread_join(writers[i].thread, NULL);
	fixture_expect_ok(mf_ref_history(f->repo, FIXTURE_MODEL, "production", &history, &e), &e,
	    "history");
	for (i = 0; i < WRITERS; i++) {
		for (k = n = 0; k < history.n; k++) {
			assert_int_equal(history.items[k].sequence, k + 1);
			n += strcmp(history.items[k].by, writers[i].by) == 0;
		}
		done += writers[i].done;
		unknown += writers[i].is_unknown;
		assert_true(n == writers[i].done || (writers[i].is_unknown && n > writers[i].done));
	}
	assert_true(done > 0);
	assert_true(history.n == done || unknown > 0);
	mf_refs_fini(&history);
}

/* --- one is killed */

struct dying {
	unsigned count, dies_at;
};

static int
die(void *arg, enum mf_store_op op, const char *name, struct mf_error *e)
{
	struct dying *d = arg;

	(void)op;
	(void)name;
	return ++d->count >= d->dies_at && d->dies_at != 0
	    ? mf_error_set(e, MF_ETRANSFER, "the machine is gone")
	    : 0;
}

/* Killed at any operation: what it did is there whole or not at all, and the next one goes on. */
static void
test_killed(void **state)
{
	const struct fixture *base = *state;
	struct dying dying = {0, 0};
	struct duel d = {0};
	struct mf_error e = {0};
	struct mf_repo *repo;
	struct fixture f;
	struct mf_ref ref;
	unsigned at;
	int rc = -1, was_left = 0;

	fixture_expect_ok(set(base->repo, "v1", NULL, &e), &e, "v1");
	for (at = 1; rc != 0; at++) {
		fixture_clone(base, &f);
		dying = (struct dying){0, 0};
		repo = fixture_open(&f, die, &dying, NULL);
		dying = (struct dying){0, at};
		/* finding the version is not looked at here: set asserts that it works */
		dying.dies_at += 8;
		rc = set(repo, "v2", NULL, &e);
		dying.dies_at = 0;
		mf_repo_close(repo);
		d.seen = 0;
		/* before anybody writes again: the old position or the new one */
		fixture_expect_ok(mf_ref_get(f.repo, FIXTURE_MODEL, "production", &ref, &e), &e, "ref");
		assert_true(ref.sequence == 1 || strcmp(ref.version, "v2") == 0);
		d.seen = ref.sequence;
		snprintf(d.version, sizeof(d.version), "%s", ref.version);
		mf_ref_fini(&ref);
		/* what was voted for and not put is put first */
		fixture_expect_ok(set(f.repo, "v3", NULL, &e), &e, "v3");
		fixture_expect_ok(mf_ref_get(f.repo, FIXTURE_MODEL, "production", &ref, &e), &e, "ref");
		assert_string_equal(ref.version, "v3");
		was_left += ref.sequence == 3 && d.seen == 1;
		check_history(&f, ref.sequence, &d);
		mf_ref_fini(&ref);
		check_goes_on(&f);
		fixture_fini(&f);
	}
	assert_true(at > 10);
	assert_true(was_left > 0);
}

/* --- keys */

/* Die once the vote is put. */
static int
die_after_vote(void *arg, enum mf_store_op op, const char *name, struct mf_error *e)
{
	bool *voted = arg;

	if (*voted)
		return mf_error_set(e, MF_ETRANSFER, "the machine is gone");
	*voted = op == MF_OP_PUT && strncmp(name, "p/", 2) == 0 && strstr(name, ".v") != NULL;
	return 0;
}

static void
leave_vote(struct fixture *f, const char *version)
{
	bool voted = false;
	struct mf_repo *repo = fixture_open(f, die_after_vote, &voted, NULL);
	struct mf_error e = {0};

	assert_int_equal(set(repo, version, NULL, &e), -1);
	assert_int_equal(e.code, MF_ETRANSFER);
	voted = false;
	mf_repo_close(repo);
	assert_int_equal(fixture_count(f, "p/"), 2);
	assert_int_equal(fixture_count(f, "h/"), 1);
}

static void
reopen(struct fixture *f)
{
	mf_repo_close(f->repo);
	f->repo = fixture_open(f, NULL, NULL, NULL);
}

/* What was voted for is not forgotten before it is put, and outlives a rekey and prunes. */
static void
test_left_vote(void **state)
{
	struct fixture *f = *state;
	struct mf_error e = {0};
	struct mf_version v;

	fixture_expect_ok(set(f->repo, "v1", NULL, &e), &e, "v1");
	leave_vote(f, "v2");
	expect_at(f, 1, "v1");
	fixture_expect_ok(mf_version_find(f->repo, FIXTURE_MODEL, "v2", &v, &e), &e, "v2");
	assert_int_equal(mf_version_forget(f->repo, &v, &e), -1);
	assert_int_equal(e.code, MF_ECONFLICT);
	fixture_advance(f, 100 * FIXTURE_HOUR_US);
	fixture_prune(f, 0);
	fixture_expect_ok(mf_rekey(f->repo, fixture_now_us(), &e), &e, "rekey");
	reopen(f);
	assert_int_equal(mf_version_forget(f->repo, &v, &e), -1);
	mf_version_fini(&v);
	/* who expects v1 comes too late: v2 was first */
	assert_int_equal(set(f->repo, "v3", "v1", &e), -1);
	assert_int_equal(e.code, MF_ECONFLICT);
	expect_at(f, 2, "v2");
	fixture_expect_ok(set(f->repo, "v3", "v2", &e), &e, "v3");
	expect_at(f, 3, "v3");
	fixture_forget(f, "v2");
	fixture_prune(f, 0);
	assert_int_equal(fixture_count(f, "p/"), 0);
	assert_int_equal(fixture_count(f, "h/"), 0);
	assert_int_equal(fixture_count(f, "config/"), 1);
}

/* What arrives after the position is there means nothing, and a prune deletes it; not what is
 * about the next one. */
static void
test_late_ballots(void **state)
{
	static const char *const late[] = {"2/000000000000000a", "1/0000000000000001", "3/0000000000000001"};
	struct fixture *f = *state;
	struct mf_error e = {0};
	char prefix[MF_OBJECT_NAME_BYTES], name[MF_OBJECT_NAME_BYTES + 80];
	size_t i;

	fixture_expect_ok(set(f->repo, "v1", NULL, &e), &e, "v1");
	fixture_expect_ok(set(f->repo, "v2", NULL, &e), &e, "v2");
	mf_ref_prefix(f->repo, FIXTURE_MODEL, "production", prefix);
	for (i = 0; i < 3; i++) {
		snprintf(name, sizeof(name), "p%s000000000000000%s-%032d.%c", prefix + 1, late[i], 0,
		    "tvt"[i]);
		fixture_expect_ok(mf_store_put(f->repo->store, name, "", 0, 0, &e), &e, name);
	}
	snprintf(name, sizeof(name), "p/config/0000000000000001/0000000000000001-%032d.v", 0);
	fixture_expect_ok(mf_store_put(f->repo->store, name, "", 0, 0, &e), &e, name);
	expect_at(f, 2, "v2");
	fixture_prune(f, 0);
	assert_int_equal(fixture_count(f, "p/"), 1);
	fixture_expect_ok(set(f->repo, "v3", "v2", &e), &e, "v3");
	expect_at(f, 3, "v3");
	assert_int_equal(fixture_count(f, "p/"), 0);
}

/* A vote that a rekey passed by was not decided: its writer looks at the keys after it. */
static void
test_vote_under_old_keys(void **state)
{
	struct fixture *f = *state;
	struct mf_error e = {0};
	struct mf_buf sealed = MF_BUF_INIT;
	struct mf_names names;

	fixture_expect_ok(set(f->repo, "v1", NULL, &e), &e, "v1");
	leave_vote(f, "v2");
	fixture_expect_ok(mf_names_list(f->repo, "p/", &names, &e), &e, "names");
	fixture_expect_ok(mf_store_get(f->repo->store, names.items[1], 0, 100000, &sealed, &e), &e,
	    "the vote");
	fixture_expect_ok(mf_rekey(f->repo, fixture_now_us(), &e), &e, "rekey");
	reopen(f);
	fixture_expect_ok(mf_store_put(f->repo->store, names.items[1], sealed.data, sealed.len, 0, &e),
	    &e, "put it back");
	fixture_expect_ok(set(f->repo, "v3", "v1", &e), &e, "v3");
	expect_at(f, 2, "v3");
	mf_names_fini(&names);
	mf_buf_fini(&sealed);
}

struct rekeying {
	struct fixture *f;
	const char *prefix; /* of the name that is about to be put when the keys change */
};

static int
rekey_before(void *arg, enum mf_store_op op, const char *name, struct mf_error *e)
{
	struct rekeying *r = arg;

	if (op != MF_OP_PUT || r->f == NULL || strncmp(name, r->prefix, strlen(r->prefix)) != 0 ||
	    strstr(name, ".t") != NULL)
		return 0;
	fixture_expect_ok(mf_rekey(r->f->repo, fixture_now_us(), e), e, "rekey");
	r->f = NULL;
	return 0;
}

/* A writer whose keys get old takes back what it puts: a vote, or a position. Of the latter the
 * vote is there in the new epoch, so that the next writer puts it. */
static void
test_mover_under_old_keys(void **state)
{
	struct fixture *f = *state;
	struct rekeying r = {NULL, NULL};
	struct mf_error e = {0};
	struct mf_repo *repo;

	fixture_expect_ok(set(f->repo, "v1", NULL, &e), &e, "v1");
	repo = fixture_open(f, rekey_before, &r, NULL);
	r = (struct rekeying){f, "p/"};
	assert_int_equal(set(repo, "v2", NULL, &e), -1);
	assert_int_equal(e.code, MF_ECONFLICT);
	mf_repo_close(repo);
	reopen(f);
	fixture_expect_ok(set(f->repo, "v3", "v1", &e), &e, "v3");
	expect_at(f, 2, "v3");
	repo = fixture_open(f, rekey_before, &r, NULL);
	r = (struct rekeying){f, "r/"};
	assert_int_equal(set(repo, "v2", NULL, &e), -1);
	assert_int_equal(e.code, MF_ECONFLICT);
	mf_repo_close(repo);
	reopen(f);
	expect_at(f, 2, "v3");
	fixture_expect_ok(set(f->repo, "v1", "v2", &e), &e, "v1");
	expect_at(f, 4, "v1");
}

static void
remember_damage(void *arg, const struct mf_verify_damage *d)
{
	snprintf(arg, MF_OBJECT_NAME_BYTES, "%s", d->path);
}

static void
test_damaged_vote(void **state)
{
	struct fixture *f = *state;
	char path[MF_OBJECT_NAME_BYTES] = "";
	const struct mf_verify_params params = {.damage = remember_damage, .arg = path};
	struct mf_verify_result result;
	struct mf_error e = {0};
	struct mf_forgotten out;
	struct mf_names names;

	fixture_expect_ok(set(f->repo, "v1", NULL, &e), &e, "v1");
	leave_vote(f, "v2");
	fixture_expect_ok(mf_names_list(f->repo, "p/", &names, &e), &e, "names");
	assert_int_equal(mf_version_forget_damaged(f->repo, names.items[1], &out, &e), -1);
	assert_int_equal(e.code, MF_EUSAGE);
	fixture_expect_ok(mf_store_put(f->repo->store, names.items[1], "junk", 4, 0, &e), &e, "put");
	assert_int_equal(set(f->repo, "v3", NULL, &e), -1);
	assert_int_equal(e.code, MF_EDAMAGED);
	assert_non_null(strstr(e.hint, names.items[1]));
	expect_at(f, 1, "v1");
	assert_int_equal(mf_verify(f->repo, &params, &result, &e), -1);
	assert_int_equal(e.code, MF_EDAMAGED);
	assert_string_equal(path, names.items[1]);
	fixture_expect_ok(mf_version_forget_damaged(f->repo, names.items[1], &out, &e), &e, "remove");
	fixture_expect_ok(set(f->repo, "v3", NULL, &e), &e, "v3");
	expect_at(f, 2, "v3");
	mf_names_fini(&names);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_moves),
		TEST(test_history_is_trimmed),
		TEST(test_lowest_counts),
		TEST(test_two_writers),
		TEST(test_many_writers),
		TEST(test_killed),
		TEST(test_left_vote),
		TEST(test_late_ballots),
		TEST(test_vote_under_old_keys),
		TEST(test_mover_under_old_keys),
		TEST(test_damaged_vote),
	};

	return cmocka_run_group_tests_name("votes on refs", tests, NULL, NULL);
}
