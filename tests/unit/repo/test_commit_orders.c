/*
 * Commits beside commits, prunes and pushes, in every order of their store operations with two
 * switches (orders.h), and commits that stop for ever anywhere.
 */
#include "tests/unit/repo/orders.h"
#include "tests/unit/repo/shard_fixture.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "src/repo/condemned_int.h"

#define STRIDE 23
#define SHARDS 2

enum kind { COMMIT, PRUNE, PUSH, SHARD };

struct actor {
	enum kind kind;
	const struct fixture *base;
	int64_t grace_us;
	const char *ref;
	unsigned stop_at, count; /* operations from the stop_at-th on fail; 0: none */
};

static int
work(void *arg, struct mf_repo *repo, struct mf_error *e)
{
	const struct actor *a = arg;
	struct mf_commit_result committed;
	struct mf_prune_result pruned;
	struct mf_push_result pushed;

	switch (a->kind) {
	case COMMIT: return shard_try_commit(repo, "v1", SHARDS, a->ref, &committed, e);
	case PRUNE: return fixture_try_prune(repo, a->grace_us, &pruned, e);
	case PUSH: return fixture_try_push(repo, a->base, "v1", &pushed, e);
	case SHARD: return shard_try_push(repo, a->base, "v1", 2, SHARDS, &pushed, e);
	}
	return -1;
}

static void
write_large(const struct fixture *f, const char *name)
{
	char path[200];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", f->dir, name);
	fd = open(path, O_WRONLY | O_CREAT, 0600);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (1 << 20) + 1000), 0);
	close(fd);
}

/* Both shards of v1 are there, beside v0 of older content; what is garbage is an hour old, what the
 * shards brought is not. With left_over the chunks are on the list of a prune that died. */
static void
make_base(struct fixture *f, bool left_over)
{
	char list[MF_OBJECT_NAME_BYTES];
	struct mf_names names;
	struct mf_error e = {0};

	fixture_init(f);
	fixture_write(f, "a.bin", 1, 4000);
	fixture_push(f, "gone");
	fixture_write(f, "a.bin", 2, 4000);
	fixture_push(f, "v0");
	fixture_forget(f, "gone");
	fixture_advance(f, FIXTURE_HOUR_US);
	write_large(f, "b.bin"); /* a chunk of its own, so that each shard has one */
	fixture_write(f, "c.bin", 4, 3000);
	shard_push_all(f, "v1", SHARDS);
	if (!left_over)
		return;
	fixture_expect_ok(mf_names_list(f->repo, "c/", &names, &e), &e, "list");
	fixture_expect_ok(mf_condemned_put(f->repo, &names, list, &e), &e, "condemn");
	mf_names_fini(&names);
}

struct order {
	const struct fixture *base;
	struct actor actors[2];
	/* what must hold of the world and the actors' answers */
	void (*check)(struct fixture *f, const struct orders_actor actors[2], const char *what);
};

static void
act(void *arg, unsigned k, unsigned j, unsigned ops[2])
{
	struct order *o = arg;
	struct orders_actor actors[2] = {
	    {.work = work, .arg = &o->actors[0]}, {.work = work, .arg = &o->actors[1]}};
	struct fixture f;
	char what[80];

	snprintf(
	    what, sizeof(what), "%d at %u, %d at %u", o->actors[0].kind, k, o->actors[1].kind, j);
	fixture_clone(o->base, &f);
	orders_act(&f, actors, k, j, NULL, NULL);
	o->check(&f, actors, what);
	fixture_check_versions(&f);
	fixture_fini(&f);
	ops[0] = actors[0].ops;
	ops[1] = actors[1].ops;
}

static void
expect_one(struct fixture *f, const char *what)
{
	if (shard_count_versions(f, "v1") != 1)
		fail_msg("%s: %zu versions", what, shard_count_versions(f, "v1"));
}

static void
check_both_done(struct fixture *f, const struct orders_actor actors[2], const char *what)
{
	fixture_expect_ok(actors[0].rc, &actors[0].e, what);
	fixture_expect_ok(actors[1].rc, &actors[1].e, what);
	expect_one(f, what);
	assert_int_equal(shard_count_partials(f), 0);
	/* nothing is left but what the versions need, and lists of the dead */
	fixture_prune(f, 0);
	fixture_prune(f, 0);
	expect_one(f, what);
	assert_int_equal(fixture_count(f, "m/"), 2);
}

static void
orders_of(struct actor first, struct actor second,
    void (*check)(struct fixture *f, const struct orders_actor actors[2], const char *what))
{
	struct fixture base;
	struct order o = {&base, {first, second}, check};
	int left_over;

	for (left_over = 0; left_over < 2; left_over++) {
		make_base(&base, left_over);
		o.actors[0].base = o.actors[1].base = &base;
		orders_all(act, &o, STRIDE);
		fixture_fini(&base);
	}
}

static void
test_two_commits(void **state)
{
	(void)state;
	orders_of((struct actor){.kind = COMMIT}, (struct actor){.kind = COMMIT}, check_both_done);
}

/* Their roots are the same bytes. */
static void
test_two_commits_at_one_time(void **state)
{
	(void)state;
	shard_stop_clock(true);
	orders_of((struct actor){.kind = COMMIT}, (struct actor){.kind = COMMIT}, check_both_done);
	shard_stop_clock(false);
}

static void
check_ref(struct fixture *f, const struct orders_actor actors[2], const char *what)
{
	struct mf_error e = {0};
	struct mf_version v;

	check_both_done(f, actors, what);
	fixture_expect_ok(
	    mf_version_resolve(f->repo, FIXTURE_MODEL "@production", &v, &e), &e, what);
	assert_string_equal(v.root.version, "v1");
	mf_version_fini(&v);
}

/* Both, or one of them, moves a ref. */
static void
test_two_commits_with_a_ref(void **state)
{
	struct actor plain = {.kind = COMMIT}, moves = {.kind = COMMIT, .ref = "production"};

	(void)state;
	orders_of(moves, moves, check_ref);
	orders_of(plain, moves, check_ref);
	orders_of(moves, plain, check_ref);
	shard_stop_clock(true);
	orders_of(moves, plain, check_ref);
	shard_stop_clock(false);
}

/* A prune leaves alone what is younger than its grace, and so the shards; chunks go whatever their
 * age if another generation stays. */
static void
test_commit_and_prune(void **state)
{
	struct actor prune = {.kind = PRUNE, .grace_us = FIXTURE_HOUR_US / 2};

	(void)state;
	orders_of((struct actor){.kind = COMMIT}, prune, check_both_done);
	orders_of(prune, (struct actor){.kind = COMMIT}, check_both_done);
}

/* One that knows no grace may sweep a partial manifest: then the commit names what is missing, or
 * was before it. A version that it said is there stays. */
static void
check_done_or_missing(struct fixture *f, const struct orders_actor actors[2], const char *what)
{
	const struct orders_actor *commit, *prune;
	bool first = ((const struct actor *)actors[0].arg)->kind == COMMIT;

	commit = first ? &actors[0] : &actors[1];
	prune = first ? &actors[1] : &actors[0];
	fixture_expect_ok(prune->rc, &prune->e, what);
	if (commit->rc != 0 && (commit->e.code != MF_ECONFLICT ||
				   (strstr(commit->e.message, "missing") == NULL &&
				       strstr(commit->e.message, "not stored any more") == NULL)))
		fixture_expect_ok(commit->rc, &commit->e, what);
	if (commit->rc == 0)
		expect_one(f, what);
}

static void
test_commit_and_prune_without_grace(void **state)
{
	struct actor prune = {.kind = PRUNE};

	(void)state;
	orders_of((struct actor){.kind = COMMIT}, prune, check_done_or_missing);
	orders_of(prune, (struct actor){.kind = COMMIT}, check_done_or_missing);
}

/* A shard that is pushed once more while the commit runs. */
static void
check_late_shard(struct fixture *f, const struct orders_actor actors[2], const char *what)
{
	fixture_expect_ok(actors[0].rc, &actors[0].e, what);
	fixture_expect_ok(actors[1].rc, &actors[1].e, what);
	expect_one(f, what);
	assert_true(shard_count_partials(f) <= 1); /* of the one that came too late */
	assert_true(shard_commit(f, "v1", SHARDS).already);
	expect_one(f, what);
	assert_int_equal(shard_count_partials(f), 0);
}

static void
test_commit_and_shard(void **state)
{
	struct fixture base;
	struct order o = {&base, {{.kind = COMMIT}, {.kind = SHARD}}, check_late_shard};

	(void)state;
	make_base(&base, false);
	o.actors[0].base = o.actors[1].base = &base;
	orders_all(act, &o, STRIDE);
	fixture_fini(&base);
}

/* A whole push of the same files under the same name: whoever is done has a version there, and
 * there are never two. */
static void
check_push_beside(struct fixture *f, const struct orders_actor actors[2], const char *what)
{
	size_t n = shard_count_versions(f, "v1");

	if (actors[0].rc != 0 && actors[0].e.code != MF_ECONFLICT)
		fixture_expect_ok(actors[0].rc, &actors[0].e, what);
	if (actors[1].rc != 0 && actors[1].e.code != MF_ECONFLICT)
		fixture_expect_ok(actors[1].rc, &actors[1].e, what);
	if (n != 1)
		fail_msg("%s: %zu versions, %d and %d", what, n, actors[0].rc, actors[1].rc);
}

static void
test_commit_and_push(void **state)
{
	struct fixture base;
	struct order o = {&base, {{.kind = COMMIT}, {.kind = PUSH}}, check_push_beside};

	(void)state;
	make_base(&base, false);
	o.actors[0].base = o.actors[1].base = &base;
	orders_all(act, &o, STRIDE);
	o.actors[0].kind = PUSH;
	o.actors[1].kind = COMMIT;
	orders_all(act, &o, STRIDE);
	fixture_fini(&base);
}

static int
stop(void *arg, enum mf_store_op op, const char *name, struct mf_error *e)
{
	struct actor *a = arg;

	(void)op;
	(void)name;
	if (a->stop_at == 0 || ++a->count < a->stop_at)
		return 0;
	return mf_error_set(e, MF_ETRANSFER, "the machine is gone");
}

/* One commit stops for ever at its k-th operation; a second one ends well. */
static bool
stopped(const struct fixture *base, unsigned k)
{
	struct actor a = {.kind = COMMIT};
	struct mf_error e = {0};
	struct mf_repo *repo;
	struct fixture f;

	fixture_clone(base, &f);
	repo = fixture_open(&f, stop, &a, NULL);
	a.stop_at = k;
	work(&a, repo, &e);
	mf_repo_close(repo);
	shard_commit(&f, "v1", SHARDS);
	assert_true(shard_commit(&f, "v1", SHARDS).already);
	expect_one(&f, "after one that stopped");
	assert_int_equal(shard_count_partials(&f), 0);
	fixture_check_versions(&f);
	fixture_prune(&f, 0);
	fixture_prune(&f, 0);
	expect_one(&f, "after one that stopped, and prunes");
	fixture_fini(&f);
	return a.count >= k;
}

static void
test_stopped_for_ever(void **state)
{
	struct fixture base;
	unsigned k, left_over;

	(void)state;
	for (left_over = 0; left_over < 2; left_over++) {
		make_base(&base, left_over);
		for (k = 1; stopped(&base, k); k++)
			;
		fixture_fini(&base);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_two_commits),
	    cmocka_unit_test(test_two_commits_at_one_time),
	    cmocka_unit_test(test_two_commits_with_a_ref),
	    cmocka_unit_test(test_commit_and_prune),
	    cmocka_unit_test(test_commit_and_prune_without_grace),
	    cmocka_unit_test(test_commit_and_shard),
	    cmocka_unit_test(test_commit_and_push),
	    cmocka_unit_test(test_stopped_for_ever),
	};

	return cmocka_run_group_tests_name("commit beside others", tests, NULL, NULL);
}
