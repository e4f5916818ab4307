/*
 * Pushes and prunes beside each other, in every order of their store operations with two
 * switches (orders.h). Prunes know no grace here: the store's times must never matter.
 */
#include "tests/unit/repo/orders.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/repo/condemned_int.h"

#define STRIDE 5

enum kind { PUSH, PRUNE };

struct actor {
	enum kind kind;
	const struct fixture *base; /* whose directory is pushed */
	struct mf_repo *repo;
	char version[8];
	int rc;
	struct mf_error e;
	unsigned stop_at; /* operations from this one on fail */
	unsigned count;
};

static void
work(struct actor *a)
{
	struct mf_push_result pushed;
	struct mf_prune_result pruned;

	a->rc = a->kind == PUSH ? fixture_try_push(a->repo, a->base, a->version, &pushed, &a->e)
				: fixture_try_prune(a->repo, 0, &pruned, &a->e);
}

static int
work_in_order(void *arg, struct mf_repo *repo, struct mf_error *e)
{
	struct actor *a = arg;

	a->repo = repo;
	work(a);
	*e = a->e;
	return a->rc;
}

/* A world with all that prunes meet: a listed version, garbage that the next push needs
 * (version v0 was forgotten), a second generation, and where asked for a left-over list of all
 * that is stored. The directory holds v0's content again. */
static void
make_base(struct fixture *f, bool left_over)
{
	char name[MF_OBJECT_NAME_BYTES], list[MF_OBJECT_NAME_BYTES];
	struct mf_buf b = MF_BUF_INIT;
	struct mf_names names;
	struct mf_error e = {0};
	uint64_t generation;
	struct mf_id id;

	fixture_init(f);
	fixture_write(f, "a.bin", 1, 4000);
	fixture_push(f, "v0");
	fixture_write(f, "a.bin", 2, 4000);
	fixture_push(f, "v1");
	fixture_forget(f, "v0");
	fixture_write(f, "a.bin", 1, 4000);
	fixture_expect_ok(mf_names_list(f->repo, "c/", &names, &e), &e, "list");
	if (left_over)
		fixture_expect_ok(mf_condemned_put(f->repo, &names, list, &e), &e, "condemn");
	for (size_t i = 0; i < names.n; i++) {
		mf_buf_clear(&b);
		fixture_expect_ok(mf_store_get(f->repo->store, names.items[i], 0, 1 << 20, &b, &e),
		    &e, "get");
		assert_int_equal(mf_name_parse_chunk(names.items[i], &id, &generation), 0);
		mf_name_chunk(name, &id, mf_generation_random());
		if (i % 2 == 0)
			fixture_expect_ok(mf_store_put(f->repo->store, name, b.data, b.len, 0, &e),
			    &e, "second generation");
	}
	mf_buf_fini(&b);
	mf_names_fini(&names);
	fixture_advance(f, FIXTURE_HOUR_US);
}

static void
check_world(const struct fixture *f, const struct actor *a, const char *what)
{
	if (a->rc != 0)
		fixture_expect_ok(a->rc, &a->e, what);
	if (a->kind == PUSH && !fixture_is_listed(f, a->version))
		fail_msg("%s: a push that was done is not listed", what);
	fixture_check_versions(f);
}

/* Undisturbed prunes leave one generation of each id in use, and no list. */
static void
check_progress(struct fixture *f, size_t versions)
{
	fixture_prune(f, 0);
	fixture_prune(f, 0);
	assert_int_equal(fixture_prune(f, 0).objects_deleted, 0);
	assert_int_equal(fixture_check_versions(f), versions);
	assert_int_equal(fixture_count(f, "m/"), versions);
	assert_int_equal(fixture_count(f, "c/"), 2 * versions); /* a chunk and a segment each */
}

struct order {
	const struct fixture *base;
	enum kind kinds[2];
	bool another_generation; /* put at the first switch */
};

/* Listings show it first: two prunes then differ on which one stays. */
static void
put_generation(void *arg)
{
	fixture_put_generation(arg, 1);
}

static void
act(void *arg, unsigned k, unsigned j, unsigned ops[2])
{
	const struct order *o = arg;
	struct orders_actor actors[2];
	struct actor own[2];
	struct fixture f;
	char what[80];
	int i;

	snprintf(what, sizeof(what), "%s %u, %s %u", o->kinds[0] == PUSH ? "push" : "prune", k,
	    o->kinds[1] == PUSH ? "push" : "prune", j);
	fixture_clone(o->base, &f);
	for (i = 0; i < 2; i++) {
		own[i] = (struct actor){.kind = o->kinds[i], .base = o->base};
		snprintf(own[i].version, sizeof(own[i].version), "n%d", i);
		actors[i] = (struct orders_actor){.work = work_in_order, .arg = &own[i]};
	}
	orders_act(&f, actors, k, j, o->another_generation ? put_generation : NULL, &f);
	for (i = 0; i < 2; i++) {
		check_world(&f, &own[i], what);
		ops[i] = actors[i].ops;
	}
	fixture_prune(&f, 0);
	fixture_check_versions(&f);
	fixture_fini(&f);
}

static void
orders_of(enum kind first, enum kind second, bool another_generation)
{
	struct fixture base;
	struct order o = {&base, {first, second}, another_generation};
	int left_over;

	for (left_over = 0; left_over < 2; left_over++) {
		make_base(&base, left_over);
		orders_all(act, &o, STRIDE);
		fixture_fini(&base);
	}
}

static void
test_push_then_prune(void **state)
{
	(void)state;
	orders_of(PUSH, PRUNE, false);
}

static void
test_prune_then_push(void **state)
{
	(void)state;
	orders_of(PRUNE, PUSH, false);
}

static void
test_two_prunes(void **state)
{
	(void)state;
	orders_of(PRUNE, PRUNE, false);
	orders_of(PRUNE, PRUNE, true);
}

static int
stop(void *arg, enum mf_store_op op, const char *name, struct mf_error *e)
{
	struct actor *a = arg;

	(void)op;
	(void)name;
	if (a->stop_at == 0 || __atomic_add_fetch(&a->count, 1, __ATOMIC_SEQ_CST) < a->stop_at)
		return 0;
	return mf_error_set(e, MF_ETRANSFER, "the machine is gone");
}

/* The first is stopped for ever at its k-th operation, then the second has its way. */
static bool
stopped(const struct fixture *base, const enum kind kinds[2], unsigned k)
{
	struct actor a = {.kind = kinds[0], .base = base, .version = "n0"},
		     b = {.kind = kinds[1], .base = base, .version = "n1"};
	struct fixture f;
	size_t versions;
	bool reached;

	fixture_clone(base, &f);
	a.repo = fixture_open(&f, stop, &a, NULL);
	a.stop_at = k;
	work(&a);
	reached = a.count >= k;
	b.repo = f.repo;
	work(&b);
	check_world(&f, &b, "after one that stopped");
	versions = fixture_check_versions(&f);
	check_progress(&f, versions);
	assert_int_equal(fixture_count(&f, "x/"), 0);
	mf_repo_close(a.repo);
	fixture_fini(&f);
	return reached;
}

static void
test_stopped_for_ever(void **state)
{
	static const enum kind kinds[3][2] = {{PRUNE, PRUNE}, {PRUNE, PUSH}, {PUSH, PRUNE}};
	struct fixture base;
	unsigned k, i, left_over;

	(void)state;
	for (left_over = 0; left_over < 2; left_over++) {
		make_base(&base, left_over);
		for (i = 0; i < 3; i++)
			for (k = 1; stopped(&base, kinds[i], k); k++)
				;
		fixture_fini(&base);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_push_then_prune),
		cmocka_unit_test(test_prune_then_push),
		cmocka_unit_test(test_two_prunes),
		cmocka_unit_test(test_stopped_for_ever),
	};

	return cmocka_run_group_tests_name("prune beside push", tests, NULL, NULL);
}
