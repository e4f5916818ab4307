/* The contract: many threads. */
#include "tests/unit/transfers/store_contract_int.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

struct racer {
	pthread_t thread;
	struct contract_fixture *f;
	int number;
	pthread_barrier_t *start;
	int won, lost, failed;
};

#define ROUNDS 40

static void *
race(void *arg)
{
	struct racer *r = arg;
	char name[40], text[16];
	int i, got;

	snprintf(text, sizeof text, "%d", r->number);
	pthread_barrier_wait(r->start);
	for (i = 0; i < ROUNDS; i++) {
		snprintf(name, sizeof name, "r/model/%d/ref", i);
		got = mf_store_put(r->f->s, name, text, strlen(text), MF_STORE_IF_ABSENT, NULL);
		r->won += got == 0;
		r->lost += got == 1;
		r->failed += got < 0;
	}
	return NULL;
}

void
contract_one_winner(struct contract_fixture *f)
{
	struct racer r[MF_CONTRACT_THREADS];
	pthread_barrier_t start;
	int i, won = 0, lost = 0;

	if ((mf_store_capabilities(f->s) & MF_STORE_CONDITIONAL) == 0)
		return;
	memset(r, 0, sizeof r);
	pthread_barrier_init(&start, NULL, MF_CONTRACT_THREADS);
	for (i = 0; i < MF_CONTRACT_THREADS; i++) {
		r[i].f = f;
		r[i].number = i;
		r[i].start = &start;
		assert_int_equal(pthread_create(&r[i].thread, NULL, race, &r[i]), 0);
	}
	for (i = 0; i < MF_CONTRACT_THREADS; i++) {
		pthread_join(r[i].thread, NULL);
		won += r[i].won;
		lost += r[i].lost;
		assert_int_equal(r[i].failed, 0);
	}
	pthread_barrier_destroy(&start);
	assert_int_equal(won, ROUNDS);
	assert_int_equal(lost, ROUNDS * (MF_CONTRACT_THREADS - 1));
}

struct busy {
	pthread_t thread;
	struct contract_fixture *f;
	int number;
	atomic_bool *stop;
	int failed;
};

/* Puts and deletes its own names, and now and then syncs. */
static void *
churn(void *arg)
{
	struct busy *b = arg;
	char name[40];
	unsigned i;

	for (i = 0; !atomic_load(b->stop); i++) {
		snprintf(name, sizeof name, "c/%02x/%d-%u", i % 16, b->number, i % 50);
		b->failed += mf_store_put(b->f->s, name, name, strlen(name), 0, NULL) != 0;
		if (i % 3 == 0)
			b->failed += mf_store_del(b->f->s, name, NULL) != 0;
		if (i % 64 == 63)
			b->failed += mf_store_sync(b->f->s, NULL) != 0;
	}
	return NULL;
}

static int
count_stayed(void *arg, const char *name, uint64_t size, int64_t mtime_us)
{
	(void)mtime_us;
	if (strstr(name, "/stays-") != NULL)
		++*(int *)arg;
	else if (size != strlen(name)) /* put whole or not at all */
		*(int *)arg += 10000;
	return 0;
}

void
contract_list_during_puts(struct contract_fixture *f)
{
	struct busy b[3];
	atomic_bool stop = false;
	char name[40];
	int i, seen;

	memset(b, 0, sizeof b);
	for (i = 0; i < 64; i++) {
		snprintf(name, sizeof name, "c/%02x/stays-%d", i % 16, i);
		contract_put_text(f, name, "");
	}
	for (i = 0; i < 3; i++) {
		b[i].f = f;
		b[i].number = i;
		b[i].stop = &stop;
		assert_int_equal(pthread_create(&b[i].thread, NULL, churn, &b[i]), 0);
	}
	for (i = 0; i < 30; i++) {
		seen = 0;
		if (mf_store_list(f->s, i % 2 == 0 ? "c/" : "", count_stayed, &seen, &f->e) != 0)
			seen = -1;
		if (seen != 64)
			break;
	}
	atomic_store(&stop, true);
	for (i = 0; i < 3; i++) {
		pthread_join(b[i].thread, NULL);
		assert_int_equal(b[i].failed, 0);
	}
	assert_int_equal(seen, 64);
	assert_int_equal(mf_store_sync(f->s, &f->e), 0);
}
