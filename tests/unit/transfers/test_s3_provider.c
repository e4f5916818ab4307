/* Credentials that stay fresh, with a source and a clock of the test's own. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/secret.h"
#include "src/base/log.h"
#include "transfers/s3_provider.h"

#define THREADS 8

/* Gives "id1", "id2", ... that last so long, or fails. */
struct fake {
	struct mf_s3_source source;
	unsigned n; /* fetches */
	int64_t lasts_s;
	bool fails;
	bool same; /* always id1 */
	bool freed;
	/* with a gate: a fetch waits until it is opened */
	pthread_mutex_t lock;
	pthread_cond_t moved;
	bool gated, inside;
};

static struct mf_s3_credentials *
make(unsigned n, int64_t expires)
{
	char id[16];

	snprintf(id, sizeof id, "id%u", n);
	return mf_s3_credentials_new(
	    &(struct mf_s3_credentials_params){
		.key_id = id, .secret = "s", .expires_unix_s = expires, .origin = "the test"},
	    NULL);
}

static int
fake_fetch(struct mf_s3_source *s, int64_t now, struct mf_s3_credentials **out, struct mf_error *e)
{
	struct fake *f = (struct fake *)s;

	pthread_mutex_lock(&f->lock);
	if (f->inside)
		abort(); /* one at a time */
	f->inside = true;
	f->n++;
	pthread_cond_broadcast(&f->moved);
	while (f->gated)
		pthread_cond_wait(&f->moved, &f->lock);
	f->inside = false;
	pthread_mutex_unlock(&f->lock);
	if (f->fails)
		return mf_error_set(e, MF_ETRANSFER, "nobody answers");
	*out = make(f->same ? 1 : f->n, f->lasts_s == 0 ? MF_S3_NEVER : now + f->lasts_s);
	return 0;
}

static void
fake_free(struct mf_s3_source *s)
{
	((struct fake *)s)->freed = true;
}

static struct mf_s3_provider *
start(struct fake *f, int64_t lasts_s)
{
	struct mf_s3_provider *p;

	*f = (struct fake){.source = {fake_fetch, fake_free}, .lasts_s = lasts_s};
	pthread_mutex_init(&f->lock, NULL);
	pthread_cond_init(&f->moved, NULL);
	p = mf_s3_provider_take(&f->source, NULL);
	assert_non_null(p);
	return p;
}

static void
stop(struct fake *f, struct mf_s3_provider *p)
{
	mf_s3_provider_free(p);
	assert_true(f->freed);
	pthread_cond_destroy(&f->moved);
	pthread_mutex_destroy(&f->lock);
}

/* The id that is handed out at that time. */
static void
assert_id(struct mf_s3_provider *p, int64_t now, const char *want)
{
	struct mf_s3_credentials *c = NULL;
	struct mf_error e;

	if (mf_s3_provider_get(p, now, &c, &e) != 0)
		fail_msg("%s", e.message);
	assert_string_equal(mf_s3_credentials_key_id(c), want);
	mf_s3_credentials_unref(c);
}

static void
refuse(struct mf_s3_provider *p, int64_t now)
{
	struct mf_s3_credentials *c;

	assert_int_equal(mf_s3_provider_get(p, now, &c, NULL), 0);
	mf_s3_provider_refused(p, c);
	mf_s3_credentials_unref(c);
}

static void
asked_once_if_they_last(void **state)
{
	struct mf_s3_provider *p;
	struct fake f;

	(void)state;
	p = start(&f, 0);
	assert_int_equal(f.n, 0); /* nothing before it is needed */
	assert_id(p, 1000, "id1");
	assert_id(p, INT64_C(1) << 60, "id1");
	assert_int_equal(f.n, 1);
	stop(&f, p);
	mf_s3_provider_free(NULL);
	mf_s3_source_free(NULL);
}

static void
renewed_before_they_expire(void **state)
{
	struct mf_s3_provider *p;
	struct fake f;

	(void)state;
	p = start(&f, 3600);
	assert_id(p, 0, "id1");
	assert_id(p, 3600 - MF_S3_REFRESH_EARLY_S - 1, "id1");
	assert_id(p, 3600 - MF_S3_REFRESH_EARLY_S, "id2");
	assert_id(p, 3600 + 1000, "id2");
	assert_id(p, 100000, "id3"); /* long after */
	stop(&f, p);
}

/* The old ones serve while they are valid; the source is left in peace between attempts. */
static void
failed_renewal(void **state)
{
	const int64_t early = 3600 - MF_S3_REFRESH_EARLY_S;
	struct mf_s3_credentials *c;
	struct mf_s3_provider *p;
	struct mf_error e;
	struct fake f;

	(void)state;
	p = start(&f, 3600);
	assert_id(p, 0, "id1");
	f.fails = true;
	assert_id(p, early, "id1");
	assert_int_equal(f.n, 2);
	assert_id(p, early + MF_S3_REFRESH_PAUSE_S - 1, "id1");
	assert_int_equal(f.n, 2);
	assert_id(p, early + MF_S3_REFRESH_PAUSE_S, "id1");
	assert_int_equal(f.n, 3);
	assert_id(p, 3599, "id1");
	assert_int_equal(mf_s3_provider_get(p, 3600, &c, &e), -1);
	assert_int_equal(e.code, MF_ETRANSFER);
	assert_string_equal(e.message, "nobody answers");
	f.fails = false;
	assert_id(p, 3600, "id6");
	stop(&f, p);
}

/* An instance gives the same until minutes before they expire: not asked at every request. */
static void
same_credentials_again(void **state)
{
	struct mf_s3_provider *p;
	struct fake f;
	int64_t now;

	(void)state;
	p = start(&f, 60); /* less than the early time: always due */
	f.same = true;
	for (now = 0; now < 60; now++)
		assert_id(p, now, "id1");
	assert_int_equal(f.n, 2);
	stop(&f, p);
}

/* Our clock is an hour ahead: what comes looks expired, and is used for all that. */
static void
wrong_clock(void **state)
{
	struct mf_s3_provider *p;
	struct fake f;

	(void)state;
	p = start(&f, -3600);
	assert_id(p, 10000, "id1");
	assert_id(p, 10000 + MF_S3_REFRESH_PAUSE_S - 1, "id1");
	assert_int_equal(f.n, 1);
	assert_id(p, 10000 + MF_S3_REFRESH_PAUSE_S, "id2");
	stop(&f, p);
}

static void
refused_ones_are_renewed(void **state)
{
	struct mf_s3_credentials *old, *c;
	struct mf_s3_provider *p;
	struct mf_error e;
	struct fake f;

	(void)state;
	p = start(&f, 0);
	assert_int_equal(mf_s3_provider_get(p, 0, &old, &e), 0);
	mf_s3_provider_refused(p, old);
	assert_id(p, 0, "id2");
	mf_s3_provider_refused(p, old); /* late: others were told before */
	mf_s3_credentials_unref(old);
	assert_id(p, 0, "id2");
	assert_int_equal(f.n, 2);
	f.same = true;
	refuse(p, 0);
	assert_id(p, 0, "id1");
	refuse(p, 0);
	assert_int_equal(mf_s3_provider_get(p, 0, &c, &e), -1);
	assert_int_equal(e.code, MF_EPERM);
	assert_non_null(strstr(e.message, "the test"));
	assert_int_equal(mf_s3_provider_get(p, 0, &c, &e), -1);
	f.same = false; /* somebody has put newer ones there */
	assert_id(p, 0, "id6");
	stop(&f, p);
}

/* Threads */

struct user {
	pthread_t thread;
	struct mf_s3_provider *p;
	int64_t now;
	int rc;
	char id[16];
	enum mf_code code;
};

static void *
use(void *arg)
{
	struct user *u = arg;
	struct mf_s3_credentials *c;
	struct mf_error e;

	u->rc = mf_s3_provider_get(u->p, u->now, &c, &e);
	if (u->rc != 0) {
		u->code = e.code;
		return NULL;
	}
	snprintf(u->id, sizeof u->id, "%s", mf_s3_credentials_key_id(c));
	mf_s3_credentials_unref(c);
	return NULL;
}

static void
launch(struct user *u, struct mf_s3_provider *p, int64_t now)
{
	*u = (struct user){.p = p, .now = now};
	assert_int_equal(pthread_create(&u->thread, NULL, use, u), 0);
}

static void
set_gate(struct fake *f, bool gated)
{
	pthread_mutex_lock(&f->lock);
	f->gated = gated;
	pthread_cond_broadcast(&f->moved);
	pthread_mutex_unlock(&f->lock);
}

static void
wait_inside(struct fake *f, unsigned n)
{
	pthread_mutex_lock(&f->lock);
	while (f->n < n || !f->inside)
		pthread_cond_wait(&f->moved, &f->lock);
	pthread_mutex_unlock(&f->lock);
}

/* While one renews, the others go on with the old, without waiting. */
static void
nobody_waits_for_a_renewal(void **state)
{
	struct mf_s3_provider *p;
	struct user renewer;
	struct fake f;

	(void)state;
	p = start(&f, 3600);
	assert_id(p, 0, "id1");
	set_gate(&f, true);
	launch(&renewer, p, 3500);
	wait_inside(&f, 2);
	assert_id(p, 3500, "id1"); /* would hang here if it waited */
	assert_id(p, 3599, "id1");
	set_gate(&f, false);
	pthread_join(renewer.thread, NULL);
	assert_string_equal(renewer.id, "id2");
	assert_int_equal(f.n, 2);
	stop(&f, p);
}

/* With nothing valid all wait for the one, and share what came of it. */
static void
all_wait_for_the_first(void **state)
{
	struct mf_s3_provider *p;
	struct user users[THREADS];
	struct fake f;
	size_t i;
	int failing;

	(void)state;
	for (failing = 0; failing < 2; failing++) {
		p = start(&f, 3600);
		f.fails = failing;
		set_gate(&f, true);
		launch(&users[0], p, 0);
		wait_inside(&f, 1);
		for (i = 1; i < THREADS; i++)
			launch(&users[i], p, 0);
		set_gate(&f, false);
		for (i = 0; i < THREADS; i++) {
			pthread_join(users[i].thread, NULL);
			assert_int_equal(users[i].rc, failing ? -1 : 0);
			if (failing)
				assert_int_equal(users[i].code, MF_ETRANSFER);
			else
				assert_string_equal(users[i].id, "id1");
		}
		if (!failing)
			assert_int_equal(f.n, 1);
		stop(&f, p);
	}
}

/* Many threads across many expiries: for the thread sanitizer, and no id may go backward. */
static void *
run(void *arg)
{
	struct user *u = arg;
	struct mf_s3_credentials *c;
	unsigned n, last = 0;

	for (u->now = 0; u->now < 20000; u->now += 7) {
		if (mf_s3_provider_get(u->p, u->now, &c, NULL) != 0 ||
		    sscanf(mf_s3_credentials_key_id(c), "id%u", &n) != 1 || n < last)
			u->rc = -1;
		last = n;
		if (u->now % 11 == 0)
			mf_s3_provider_refused(u->p, c);
		mf_s3_credentials_unref(c);
	}
	return NULL;
}

static void
many_threads(void **state)
{
	struct user users[THREADS];
	struct mf_s3_provider *p;
	struct fake f;
	size_t i;

	(void)state;
	p = start(&f, 600);
	for (i = 0; i < THREADS; i++) {
		users[i] = (struct user){.p = p};
		assert_int_equal(pthread_create(&users[i].thread, NULL, run, &users[i]), 0);
	}
	for (i = 0; i < THREADS; i++) {
		pthread_join(users[i].thread, NULL);
		assert_int_equal(users[i].rc, 0);
	}
	stop(&f, p);
}

int
main(void)
{
	const struct mf_log_params quiet = {.level = MF_LOG_ERROR, .fd = -1};
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(asked_once_if_they_last),
	    cmocka_unit_test(renewed_before_they_expire),
	    cmocka_unit_test(failed_renewal),
	    cmocka_unit_test(same_credentials_again),
	    cmocka_unit_test(wrong_clock),
	    cmocka_unit_test(refused_ones_are_renewed),
	    cmocka_unit_test(nobody_waits_for_a_renewal),
	    cmocka_unit_test(all_wait_for_the_first),
	    cmocka_unit_test(many_threads),
	};

	if (mf_crypto_init(NULL) != 0)
		return 1;
	mf_log_configure(&quiet);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
