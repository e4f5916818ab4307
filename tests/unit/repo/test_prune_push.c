/*
 * Pushes and prunes beside each other, in every order of their store operations with two
 * switches: the first actor does k operations, then the second j, then the first runs to its
 * end, then the second. Prunes know no grace here: the store's times must never matter.
 *
 * All k are tried; of the j every STRIDE-th, at another offset for each k, or all of them with
 * MF_TEST_EXHAUSTIVE in the environment.
 */
#include "tests/unit/repo/repo_fixture.h"

#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/repo/condemned_int.h"

#define STRIDE 5

enum kind { PUSH, PRUNE };

/* Two actors, of which one may work at a time. */
struct stage {
	pthread_mutex_t lock;
	pthread_cond_t turned;
	int turn;
	int phase;	/* 0: first k operations; 1: then j of the other; 2: to the end */
	unsigned k, j;
	unsigned count[2];
	bool ended[2];
	const struct fixture *another_generation; /* put at the first switch; NULL: none */
};

struct actor {
	struct stage *stage;
	int number;
	enum kind kind;
	const struct fixture *base; /* whose directory is pushed */
	struct mf_repo *repo;
	char version[8];
	int rc;
	struct mf_error e;
	unsigned stop_at; /* without a stage: operations from this one on fail */
	unsigned count;
	pthread_t thread;
};

struct copying {
	const struct fixture *f;
	struct mf_buf b;
};

static int
copy_first(void *arg, const char *name, uint64_t size, int64_t mtime_us)
{
	struct copying *c = arg;
	char fresh[MF_OBJECT_NAME_BYTES];
	struct mf_error e = {0};
	uint64_t generation;
	struct mf_id id;

	(void)mtime_us;
	mf_buf_clear(&c->b);
	if (mf_name_parse_chunk(name, &id, &generation) != 0 || generation == 1 ||
	    mf_store_get(c->f->repo->store, name, 0, size, &c->b, &e) != 0)
		return 0;
	mf_name_chunk(fresh, &id, 1);
	mf_store_put(c->f->repo->store, fresh, c->b.data, c->b.len, 0, &e);
	return 0;
}

/* One more generation of everything, which listings show first: two prunes then differ on
 * which one stays. */
static void
put_another_generation(const struct fixture *f)
{
	struct copying c = {f, MF_BUF_INIT};
	struct mf_error e = {0};

	mf_store_list(f->repo->store, "c/", copy_first, &c, &e);
	mf_buf_fini(&c.b);
}

static int
wait_for_turn(void *arg, enum mf_store_op op, const char *name, struct mf_error *e)
{
	struct actor *a = arg;
	struct stage *s = a->stage;

	(void)op;
	(void)name;
	(void)e;
	if (s == NULL)
		return 0; /* still opening */
	pthread_mutex_lock(&s->lock);
	s->count[a->number]++;
	if (s->phase == a->number && s->phase < 2 &&
	    s->count[a->number] == (s->phase == 0 ? s->k : s->j)) {
		if (s->phase == 0 && s->another_generation != NULL)
			put_another_generation(s->another_generation);
		s->phase++;
		s->turn = s->ended[!a->number] ? a->number : !a->number;
		pthread_cond_broadcast(&s->turned);
	}
	while (s->turn != a->number)
		pthread_cond_wait(&s->turned, &s->lock);
	pthread_mutex_unlock(&s->lock);
	return 0;
}

static void
work(struct actor *a)
{
	struct mf_push_result pushed;
	struct mf_prune_result pruned;

	a->rc = a->kind == PUSH ? fixture_try_push(a->repo, a->base, a->version, &pushed, &a->e)
				: fixture_try_prune(a->repo, 0, &pruned, &a->e);
}

static void *
work_on_stage(void *arg)
{
	struct actor *a = arg;
	struct stage *s = a->stage;

	pthread_mutex_lock(&s->lock);
	while (s->turn != a->number)
		pthread_cond_wait(&s->turned, &s->lock);
	pthread_mutex_unlock(&s->lock);
	work(a);
	pthread_mutex_lock(&s->lock);
	s->ended[a->number] = true;
	s->turn = !a->number;
	s->phase = 2;
	pthread_cond_broadcast(&s->turned);
	pthread_mutex_unlock(&s->lock);
	return NULL;
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

/* One order. Returns whether the first actor had k operations; *had_j the same of j. */
static bool
act(const struct fixture *base, const enum kind kinds[2], unsigned k, unsigned j, bool *had_j,
    bool another_generation)
{
	struct stage s = {.k = k, .j = j};
	struct actor actors[2];
	struct fixture f;
	char what[80];
	int i;

	snprintf(what, sizeof(what), "%s %u, %s %u", kinds[0] == PUSH ? "push" : "prune", k,
	    kinds[1] == PUSH ? "push" : "prune", j);
	fixture_clone(base, &f);
	s.another_generation = another_generation ? &f : NULL;
	pthread_mutex_init(&s.lock, NULL);
	pthread_cond_init(&s.turned, NULL);
	for (i = 0; i < 2; i++) {
		actors[i] = (struct actor){.number = i, .kind = kinds[i], .base = base};
		snprintf(actors[i].version, sizeof(actors[i].version), "n%d", i);
		actors[i].repo = fixture_open(&f, wait_for_turn, &actors[i], NULL);
		actors[i].stage = &s;
	}
	for (i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&actors[i].thread, NULL, work_on_stage, &actors[i]),
		    0);
	for (i = 0; i < 2; i++)
		pthread_join(actors[i].thread, NULL);
	for (i = 0; i < 2; i++) {
		check_world(&f, &actors[i], what);
		mf_repo_close(actors[i].repo);
	}
	fixture_prune(&f, 0);
	fixture_check_versions(&f);
	*had_j = s.count[1] >= j;
	pthread_cond_destroy(&s.turned);
	pthread_mutex_destroy(&s.lock);
	fixture_fini(&f);
	return s.count[0] >= k;
}

static void
all_orders(const struct fixture *base, enum kind first, enum kind second, bool another_generation)
{
	const enum kind kinds[2] = {first, second};
	unsigned stride = getenv("MF_TEST_EXHAUSTIVE") != NULL ? 1 : STRIDE, k, j;
	bool had_j, had_k = true;

	for (k = 1; had_k; k++) {
		had_k = act(base, kinds, k, UINT_MAX, &had_j, another_generation);
		for (j = 1 + k % stride, had_j = true; had_k && had_j; j += stride)
			act(base, kinds, k, j, &had_j, another_generation);
	}
}

static void
orders_of(enum kind first, enum kind second, bool another_generation)
{
	struct fixture base;
	int left_over;

	for (left_over = 0; left_over < 2; left_over++) {
		make_base(&base, left_over);
		all_orders(&base, first, second, another_generation);
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
