/* The gate lets only so many in; that it keeps the store's contract is in test_store.c. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#include "transfers/gate.h"
#include "transfers/memory.h"

#define THREADS 6

/* How many are inside, and how many were at most; until so many were, each waits for others. */
struct crowd {
	atomic_int inside, most;
	int wanted;
};

static int
count_inside(void *arg, enum mf_store_op op, const char *name, struct mf_error *e)
{
	struct crowd *c = arg;
	int n = atomic_fetch_add(&c->inside, 1) + 1, most = atomic_load(&c->most), tries;

	(void)op;
	(void)name;
	(void)e;
	while (n > most && !atomic_compare_exchange_weak(&c->most, &most, n))
		;
	usleep(2000);
	for (tries = 0; tries < 10000 && atomic_load(&c->most) < c->wanted; tries++)
		usleep(2000);
	atomic_fetch_sub(&c->inside, 1);
	return 0;
}

static struct mf_store *
gated(unsigned transfers, unsigned checkers, struct crowd *crowd)
{
	const struct mf_gate_params gate = {transfers, checkers};
	struct mf_memory *world = mf_memory_new(NULL);
	struct mf_store *store = NULL;

	assert_non_null(world);
	assert_int_equal(
	    mf_memory_open(world, crowd != NULL ? count_inside : NULL, crowd, &store, NULL), 0);
	mf_memory_release(world);
	assert_int_equal(mf_store_gate_take(store, &gate, &store, NULL), 0);
	return store;
}

static void *
put_some(void *arg)
{
	char name[32];
	int i;

	for (i = 0; i < 5; i++) {
		snprintf(name, sizeof name, "c/%d", i);
		mf_store_put(arg, name, "x", 1, 0, NULL);
	}
	return NULL;
}

static int
crowd_of(unsigned transfers, int wanted)
{
	struct crowd crowd = {.wanted = wanted};
	struct mf_store *s = gated(transfers, 1, &crowd);
	pthread_t threads[THREADS];
	int i;

	for (i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, put_some, s), 0);
	for (i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	mf_store_close(s);
	return atomic_load(&crowd.most);
}

static void
so_many_and_no_more(void **state)
{
	(void)state;
	assert_int_equal(crowd_of(1, 1), 1);
	assert_int_equal(crowd_of(3, 3), 3);
	assert_int_equal(crowd_of(0, THREADS), THREADS);
}

static int
delete_each(void *arg, const char *name, uint64_t size, int64_t mtime_us)
{
	(void)size;
	(void)mtime_us;
	return mf_store_del(arg, name, NULL);
}

/* One place for checkers: a listing's callback may still delete. */
static void
callback_may_use_the_store(void **state)
{
	struct mf_store *s = gated(1, 1, NULL);

	(void)state;
	assert_int_equal(mf_store_put(s, "c/1", "x", 1, 0, NULL), 0);
	assert_int_equal(mf_store_put(s, "c/2", "x", 1, 0, NULL), 0);
	assert_int_equal(mf_store_list(s, "c/", delete_each, s, NULL), 0);
	assert_int_equal(mf_store_head(s, "c/1", NULL, NULL), 1);
	assert_int_equal(mf_store_head(s, "c/2", NULL, NULL), 1);
	mf_store_close(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(so_many_and_no_more),
	    cmocka_unit_test(callback_may_use_the_store),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
