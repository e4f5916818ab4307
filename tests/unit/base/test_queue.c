#include <pthread.h>
#include <stdatomic.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

#include "src/base/queue.h"

#define ITEMS 20000

static int items[ITEMS];
static _Atomic int counts[ITEMS];
static _Atomic int dropped;

static void
count_drop(void *item)
{
	(void)item;
	dropped++;
}

static void
short_nap(void)
{
	struct timespec t = {0, 20000000};

	nanosleep(&t, NULL);
}

static void
test_order(void **state)
{
	struct mf_queue *q = mf_queue_new(3, NULL);
	int round;

	(void)state;
	for (round = 0; round < 5; round++) {
		assert_int_equal(mf_queue_push(q, &items[0]), 0);
		assert_int_equal(mf_queue_push(q, &items[1]), 0);
		assert_int_equal(mf_queue_length(q), 2);
		assert_ptr_equal(mf_queue_pop(q), &items[0]);
		assert_ptr_equal(mf_queue_pop(q), &items[1]);
	}
	assert_int_equal(mf_queue_length(q), 0);
	mf_queue_free(q, NULL);
	mf_queue_free(NULL, NULL);
}

static void
test_too_large(void **state)
{
	struct mf_error e;

	(void)state;
	assert_null(mf_queue_new(SIZE_MAX / 4, &e));
	assert_int_equal(e.code, MF_ENOMEM);
}

static void
test_close(void **state)
{
	struct mf_queue *q = mf_queue_new(4, NULL);

	(void)state;
	mf_queue_push(q, &items[0]);
	mf_queue_push(q, &items[1]);
	mf_queue_close(q);
	mf_queue_close(q);
	assert_int_equal(mf_queue_push(q, &items[2]), -1);
	assert_ptr_equal(mf_queue_pop(q), &items[0]);
	assert_ptr_equal(mf_queue_pop(q), &items[1]);
	assert_null(mf_queue_pop(q));
	assert_null(mf_queue_pop(q));
	mf_queue_free(q, NULL);
}

static void
test_abort(void **state)
{
	struct mf_queue *q = mf_queue_new(4, NULL);

	(void)state;
	dropped = 0;
	mf_queue_push(q, &items[0]);
	mf_queue_push(q, &items[1]);
	mf_queue_abort(q);
	mf_queue_close(q);
	assert_null(mf_queue_pop(q));
	assert_int_equal(mf_queue_push(q, &items[2]), -1);
	assert_int_equal(mf_queue_length(q), 2);
	mf_queue_free(q, count_drop);
	assert_int_equal(dropped, 2);
}

static void *
pop_until_end(void *arg)
{
	int *item;

	while ((item = mf_queue_pop(arg)) != NULL)
		counts[item - items]++;
	return NULL;
}

struct producer {
	struct mf_queue *q;
	int first, step;
};

static void *
push_share(void *arg)
{
	struct producer *p = arg;
	int i;

	for (i = p->first; i < ITEMS; i += p->step)
		if (mf_queue_push(p->q, &items[i]) != 0)
			return p;
	return NULL;
}

/* Each item arrives once, whoever pushes and pops. */
static void
test_threads(void **state)
{
	struct mf_queue *q = mf_queue_new(7, NULL);
	struct producer producers[3];
	pthread_t pushing[3], popping[3];
	void *failed;
	int i;

	(void)state;
	for (i = 0; i < 3; i++) {
		producers[i] = (struct producer){q, i, 3};
		pthread_create(&popping[i], NULL, pop_until_end, q);
		pthread_create(&pushing[i], NULL, push_share, &producers[i]);
	}
	for (i = 0; i < 3; i++) {
		pthread_join(pushing[i], &failed);
		assert_null(failed);
	}
	mf_queue_close(q);
	for (i = 0; i < 3; i++)
		pthread_join(popping[i], NULL);
	for (i = 0; i < ITEMS; i++)
		assert_int_equal(counts[i], 1);
	mf_queue_free(q, NULL);
}

/* close and abort wake those who wait: a full queue's producer, an empty one's consumer. */
static void
wakes(void (*stop)(struct mf_queue *q))
{
	struct mf_queue *full = mf_queue_new(1, NULL), *empty = mf_queue_new(1, NULL);
	struct producer p = {full, 0, 1};
	pthread_t pushing, popping;
	void *failed;

	dropped = 0;
	pthread_create(&pushing, NULL, push_share, &p);
	pthread_create(&popping, NULL, pop_until_end, empty);
	short_nap();
	stop(full);
	stop(empty);
	pthread_join(pushing, &failed);
	pthread_join(popping, NULL);
	assert_ptr_equal(failed, &p);
	mf_queue_free(full, count_drop);
	mf_queue_free(empty, count_drop);
	assert_true(dropped <= 1);
}

static void
test_close_wakes(void **state)
{
	(void)state;
	wakes(mf_queue_close);
}

static void
test_abort_wakes(void **state)
{
	(void)state;
	wakes(mf_queue_abort);
}

#define LONG 16

static void *
push_some(void *arg)
{
	int i;

	for (i = 0; i < LONG / 2; i++)
		if (mf_queue_push(arg, &items[LONG + i]) != 0)
			break;
	return NULL;
}

/* Who waits for room in a longer queue is let in by whom it is emptied, at the latest. */
static void
test_room(void **state)
{
	struct mf_queue *q = mf_queue_new(LONG, NULL);
	pthread_t threads[2];
	int i, n;

	(void)state;
	for (i = 0; i < LONG; i++)
		assert_int_equal(mf_queue_push(q, &items[i]), 0);
	for (n = 0; n < 2; n++)
		assert_int_equal(pthread_create(&threads[n], NULL, push_some, q), 0);
	short_nap();
	assert_int_equal(mf_queue_length(q), LONG);
	for (i = 0; i < 2 * LONG; i++)
		assert_non_null(mf_queue_pop(q));
	for (n = 0; n < 2; n++)
		assert_int_equal(pthread_join(threads[n], NULL), 0);
	assert_int_equal(mf_queue_length(q), 0);
	mf_queue_free(q, NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_order),
	    cmocka_unit_test(test_too_large),
	    cmocka_unit_test(test_close),
	    cmocka_unit_test(test_abort),
	    cmocka_unit_test(test_threads),
	    cmocka_unit_test(test_room),
	    cmocka_unit_test(test_close_wakes),
	    cmocka_unit_test(test_abort_wakes),
	};

	return cmocka_run_group_tests_name("base/queue", tests, NULL, NULL);
}
