#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "src/base/crew.h"

static _Atomic int done;

static void
nap(void)
{
	struct timespec t = {0, 2000000};

	nanosleep(&t, NULL);
}

static int
add_one(void *arg, struct mf_error *e)
{
	(void)arg;
	(void)e;
	done++;
	return 0;
}

static int
fail_with_key(void *arg, struct mf_error *e)
{
	(void)arg;
	mf_error_set(e, MF_EKEY, "no key for %s", "x");
	return mf_error_while(e, "opening");
}

static int
fail_silently(void *arg, struct mf_error *e)
{
	(void)arg;
	(void)e;
	return -1;
}

static int
spin_until_cancelled(void *arg, struct mf_error *e)
{
	(void)e;
	while (!mf_crew_cancelled(arg))
		nap();
	done++;
	return 0;
}

static int
spin_then_fail(void *arg, struct mf_error *e)
{
	spin_until_cancelled(arg, e);
	return mf_error_set(e, MF_EFAIL, "a second failure");
}

static int
wait_in_queue(void *arg, struct mf_error *e)
{
	(void)e;
	done++;
	return mf_queue_pop(arg) == NULL ? 0 : -1;
}

static void
test_success(void **state)
{
	struct mf_crew *c = mf_crew_new(NULL);
	struct mf_error e;
	int i;

	(void)state;
	done = 0;
	for (i = 0; i < 5; i++)
		assert_int_equal(mf_crew_start(c, "a-name-that-is-too-long", add_one, NULL, &e), 0);
	assert_int_equal(mf_crew_join(c, &e), 0);
	assert_int_equal(done, 5);
	assert_false(mf_crew_cancelled(c));
	assert_int_equal(mf_crew_join(c, &e), 0);
	mf_crew_free(c);
	mf_crew_free(NULL);
}

static void
test_failure_cancels(void **state)
{
	struct mf_crew *c = mf_crew_new(NULL);
	struct mf_queue *q = mf_queue_new(1, NULL);
	struct mf_error e;

	(void)state;
	done = 0;
	assert_int_equal(mf_crew_watch(c, q, &e), 0);
	mf_crew_start(c, "wait", wait_in_queue, q, &e);
	mf_crew_start(c, "spin", spin_until_cancelled, c, &e);
	mf_crew_start(c, "late", spin_then_fail, c, &e);
	mf_crew_start(c, "fail", fail_with_key, NULL, &e);
	assert_int_equal(mf_crew_join(c, &e), -1);
	assert_int_equal(e.code, MF_EKEY);
	assert_string_equal(e.message, "no key for x");
	assert_int_equal(e.n_frames, 1);
	assert_int_equal(done, 3);
	assert_int_equal(mf_queue_push(q, q), -1);
	mf_crew_free(c);
	mf_queue_free(q, NULL);
}

static void
test_failure_without_reason(void **state)
{
	struct mf_crew *c = mf_crew_new(NULL);
	struct mf_error e;

	(void)state;
	mf_crew_start(c, "mute", fail_silently, NULL, &e);
	assert_int_equal(mf_crew_join(c, &e), -1);
	assert_int_equal(e.code, MF_EFAIL);
	assert_string_equal(e.message, "thread mute failed without a reason");
	mf_crew_free(c);
}

static void
test_cancel(void **state)
{
	struct mf_crew *c = mf_crew_new(NULL);
	struct mf_error e, later;

	(void)state;
	mf_crew_start(c, "spin", spin_until_cancelled, c, &e);
	mf_crew_cancel(c, NULL);
	mf_error_set(&later, MF_EDAMAGED, "too late");
	mf_crew_cancel(c, &later);
	assert_true(mf_crew_cancelled(c));
	assert_int_equal(mf_crew_join(c, &e), -1);
	assert_int_equal(e.code, MF_EINTERRUPTED);
	mf_crew_free(c);
}

static void
test_free_joins(void **state)
{
	struct mf_crew *c = mf_crew_new(NULL);

	(void)state;
	done = 0;
	mf_crew_start(c, "one", add_one, NULL, NULL);
	mf_crew_free(c);
	assert_int_equal(done, 1);
}

static int
look_at_signals(void *arg, struct mf_error *e)
{
	sigset_t now;

	(void)e;
	pthread_sigmask(SIG_SETMASK, NULL, &now);
	*(int *)arg = sigismember(&now, SIGTERM) && sigismember(&now, SIGHUP);
	return 0;
}

static void
test_signals_blocked(void **state)
{
	struct mf_crew *c = mf_crew_new(NULL);
	sigset_t now;
	int blocked = 0;

	(void)state;
	mf_crew_start(c, "look", look_at_signals, &blocked, NULL);
	mf_crew_join(c, NULL);
	assert_int_equal(blocked, 1);
	pthread_sigmask(SIG_SETMASK, NULL, &now);
	assert_false(sigismember(&now, SIGTERM));
	mf_crew_free(c);
}

static void
test_too_many_queues(void **state)
{
	struct mf_crew *c = mf_crew_new(NULL);
	struct mf_queue *q = mf_queue_new(1, NULL);
	struct mf_error e;
	int i;

	(void)state;
	for (i = 0; i < 16; i++)
		assert_int_equal(mf_crew_watch(c, q, &e), 0);
	assert_int_equal(mf_crew_watch(c, q, &e), -1);
	assert_int_equal(e.code, MF_EFAIL);
	mf_crew_free(c);
	mf_queue_free(q, NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_success),
	    cmocka_unit_test(test_failure_cancels),
	    cmocka_unit_test(test_failure_without_reason),
	    cmocka_unit_test(test_cancel),
	    cmocka_unit_test(test_free_joins),
	    cmocka_unit_test(test_signals_blocked),
	    cmocka_unit_test(test_too_many_queues),
	};

	return cmocka_run_group_tests_name("base/crew", tests, NULL, NULL);
}
