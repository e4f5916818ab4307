/* Who gets memory first, who waits, and that nobody waits for ever. */
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

#include "src/base/memory_budget.h"

static void
test_reserve(void **state)
{
	struct mf_memory_budget *b = mf_memory_budget_new(100, NULL);

	(void)state;
	assert_int_equal(mf_memory_budget_left(b), 100);
	assert_true(mf_memory_budget_reserve(b, 60, 0));
	assert_false(mf_memory_budget_reserve(b, 41, 0));
	assert_false(mf_memory_budget_reserve(b, 41, 20));
	assert_true(mf_memory_budget_reserve(b, 40, 0));
	assert_int_equal(mf_memory_budget_left(b), 0);
	mf_memory_budget_release(b, 40);
	mf_memory_budget_resize(b, 60, 25);
	assert_int_equal(mf_memory_budget_left(b), 75);
	mf_memory_budget_resize(b, 25, 130); /* whether it fits or not */
	assert_int_equal(mf_memory_budget_left(b), 0);
	assert_false(mf_memory_budget_reserve(b, 0, 0));
	mf_memory_budget_release(b, 130);
	mf_memory_budget_free(b);
	mf_memory_budget_free(NULL);
}

/* More than there is at all is had by who is alone: it would wait for ever. */
static void
test_more_than_all(void **state)
{
	struct mf_memory_budget *b = mf_memory_budget_new(100, NULL);

	(void)state;
	assert_true(mf_memory_budget_reserve(b, 101, 0));
	assert_false(mf_memory_budget_reserve(b, 1, 0));
	mf_memory_budget_release(b, 101);
	assert_true(mf_memory_budget_reserve(b, 1, 0));
	mf_memory_budget_free(b);
}

static void
test_claims(void **state)
{
	struct mf_memory_budget *b = mf_memory_budget_new(100, NULL);
	struct mf_memory_claim first, second, none = {0};

	(void)state;
	mf_memory_budget_claim(b, 70, &first);
	assert_false(first.spare);
	assert_int_equal(mf_memory_budget_left(b), 30);
	mf_memory_budget_claim(b, 70, &second);
	assert_true(second.spare);
	assert_int_equal(mf_memory_budget_left(b), 30);
	mf_memory_budget_unclaim(b, &second);
	assert_int_equal(second.bytes, 0);
	mf_memory_budget_unclaim(b, &none);
	assert_int_equal(mf_memory_budget_left(b), 30);
	mf_memory_budget_unclaim(b, &first);
	assert_int_equal(mf_memory_budget_left(b), 100);
	mf_memory_budget_free(b);
}

struct claimer {
	struct mf_memory_budget *b;
	atomic_bool done;
	bool spare;
};

static void *
claim(void *arg)
{
	struct claimer *c = arg;
	struct mf_memory_claim got;

	mf_memory_budget_claim(c->b, 50, &got);
	c->spare = got.spare;
	atomic_store(&c->done, true);
	mf_memory_budget_unclaim(c->b, &got);
	return NULL;
}

static void
nap(void)
{
	nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
}

/* Until a claim that waits is met, nothing is reserved, even what would fit. */
static void
test_claim_before_reservation(void **state)
{
	struct claimer c = {.b = mf_memory_budget_new(100, NULL)};
	struct mf_memory_claim spare;
	pthread_t thread;
	unsigned i;

	(void)state;
	assert_true(mf_memory_budget_reserve(c.b, 70, 0));
	mf_memory_budget_claim(c.b, 50, &spare);
	assert_true(spare.spare);
	assert_int_equal(pthread_create(&thread, NULL, claim, &c), 0);
	for (i = 0; i < 500 && mf_memory_budget_reserve(c.b, 0, 0); i++)
		nap(); /* until it waits */
	assert_true(i < 500);
	assert_false(mf_memory_budget_reserve(c.b, 10, 20));
	assert_false(atomic_load(&c.done));
	mf_memory_budget_release(c.b, 20);
	pthread_join(thread, NULL);
	assert_true(atomic_load(&c.done));
	assert_false(c.spare);
	assert_true(mf_memory_budget_reserve(c.b, 10, 0));
	mf_memory_budget_unclaim(c.b, &spare);
	mf_memory_budget_free(c.b);
}

/* A claim that waits gets the spare bytes, too, when they are free. */
static void
test_spare_goes_on(void **state)
{
	struct claimer c = {.b = mf_memory_budget_new(100, NULL)};
	struct mf_memory_claim spare;
	pthread_t thread;
	unsigned i;

	(void)state;
	assert_true(mf_memory_budget_reserve(c.b, 70, 0));
	mf_memory_budget_claim(c.b, 50, &spare);
	assert_int_equal(pthread_create(&thread, NULL, claim, &c), 0);
	for (i = 0; i < 500 && mf_memory_budget_reserve(c.b, 0, 0); i++)
		nap();
	mf_memory_budget_unclaim(c.b, &spare);
	pthread_join(thread, NULL);
	assert_true(c.spare);
	mf_memory_budget_free(c.b);
}

#define ROUNDS 2000

/* What is brought in here is released by those who finish it. */
struct mill {
	struct mf_memory_budget *b;
	atomic_uint waiting, finished;
};

static void *
finish_some(void *arg)
{
	struct mill *m = arg;
	struct mf_memory_claim got;

	while (atomic_load(&m->finished) < ROUNDS) {
		unsigned n = atomic_load(&m->waiting);

		if (n == 0 || !atomic_compare_exchange_strong(&m->waiting, &n, n - 1)) {
			sched_yield();
			continue;
		}
		mf_memory_budget_claim(m->b, 30, &got);
		mf_memory_budget_resize(m->b, 20, 10);
		mf_memory_budget_unclaim(m->b, &got);
		mf_memory_budget_release(m->b, 10);
		atomic_fetch_add(&m->finished, 1);
	}
	return NULL;
}

static void
test_nobody_waits_for_ever(void **state)
{
	struct mill m = {.b = mf_memory_budget_new(50, NULL)};
	pthread_t threads[3];
	unsigned i;

	(void)state;
	for (i = 0; i < 3; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, finish_some, &m), 0);
	for (i = 0; i < ROUNDS; i++) {
		assert_true(mf_memory_budget_reserve(m.b, 20, 60000));
		atomic_fetch_add(&m.waiting, 1);
	}
	for (i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(atomic_load(&m.finished), ROUNDS);
	assert_int_equal(mf_memory_budget_left(m.b), 50);
	mf_memory_budget_free(m.b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_reserve),
	    cmocka_unit_test(test_more_than_all),
	    cmocka_unit_test(test_claims),
	    cmocka_unit_test(test_claim_before_reservation),
	    cmocka_unit_test(test_spare_goes_on),
	    cmocka_unit_test(test_nobody_waits_for_ever),
	};

	return cmocka_run_group_tests_name("base/memory_budget", tests, NULL, NULL);
}
