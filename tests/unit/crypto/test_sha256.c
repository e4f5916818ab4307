/* SHA-256 of large pieces: the kernels, and threads that go together. */
#include "config.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "crypto/digest.h"
#include "crypto/sha256_pair.h"

#define LARGE ((size_t)128 << 10) /* and more goes together with others */
#define BYTES ((size_t)1 << 20)

static uint8_t bytes[BYTES + 64];

static uint32_t
next_random(uint32_t *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 17;
	*x ^= *x << 5;
	return *x;
}

static int
fill(void **state)
{
	uint32_t x = 1;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof bytes; i++)
		bytes[i] = (uint8_t)next_random(&x);
	return 0;
}

static void
assert_digest(const uint8_t *p, size_t n)
{
	uint8_t got[MF_SHA256_BYTES], want[MF_SHA256_BYTES];

	mf_sha256_evp.digest(p, n, want);
	mf_sha256_together.digest(p, n, got);
	if (memcmp(got, want, sizeof got) != 0)
		fail_msg("another digest of %zu bytes", n);
}

/* Each length of what is left behind the last whole block, and each alignment. */
static void
every_padding(void **state)
{
	size_t n;

	(void)state;
	for (n = LARGE - 2; n < LARGE + 130; n++)
		assert_digest(bytes + n % 64, n);
	assert_digest(bytes, 0);
	assert_digest(bytes, BYTES);
}

/* Two streams at once give what each of them gives alone, however they are cut. */
static void
kernels_agree(void **state)
{
	const struct mf_sha256_kernel *kernel = mf_sha256_kernel();
	const struct mf_sha256_stream begin = {.state = MF_SHA256_BEGIN};
	struct mf_sha256_stream alone, a = begin, b = begin;
	size_t blocks = 0, n;
	uint32_t x = 7;

	(void)state;
	if (kernel == NULL) /* all is libcrypto's then */
		return;
	a.bytes = bytes + 1;
	b.bytes = bytes + 30;
	while (blocks < 300) {
		n = next_random(&x) % 20;
		kernel->two(&a, &b, n);
		blocks += n;
	}
	assert_ptr_equal(a.bytes, bytes + 1 + blocks * 64);
	assert_ptr_equal(b.bytes, bytes + 30 + blocks * 64);
	alone = begin;
	alone.bytes = bytes + 1;
	kernel->one(&alone, blocks);
	assert_memory_equal(alone.state, a.state, sizeof a.state);
	alone = begin;
	alone.bytes = bytes + 30;
	kernel->one(&alone, blocks);
	assert_memory_equal(alone.state, b.state, sizeof b.state);
	assert_memory_not_equal(a.state, b.state, sizeof a.state);
}

/* ---- threads ---- */

#define THREADS 7
#define PIECES 40

struct worker {
	pthread_t thread;
	uint32_t seed;
	unsigned wrong;
};

static void *
digest_some(void *arg)
{
	struct worker *w = arg;
	uint8_t got[MF_SHA256_BYTES], want[MF_SHA256_BYTES];
	uint32_t x = w->seed;
	size_t at, n;
	unsigned i;

	for (i = 0; i < PIECES; i++) {
		at = next_random(&x) % 64;
		n = LARGE / 2 + next_random(&x) % (BYTES - LARGE);
		mf_sha256(bytes + at, n, got);
		mf_sha256_evp.digest(bytes + at, n, want);
		w->wrong += memcmp(got, want, sizeof got) != 0;
	}
	return NULL;
}

/* They meet in the middle of each other's pieces, go along, and are given back. */
static void
many_threads_at_once(void **state)
{
	struct worker w[THREADS];
	unsigned i;

	(void)state;
	for (i = 0; i < THREADS; i++) {
		w[i] = (struct worker){.seed = i + 1};
		assert_int_equal(pthread_create(&w[i].thread, NULL, digest_some, &w[i]), 0);
	}
	for (i = 0; i < THREADS; i++) {
		(void)pthread_join(w[i].thread, NULL);
		assert_int_equal(w[i].wrong, 0);
	}
}

struct racer {
	pthread_t thread;
	pthread_barrier_t *start;
	uint64_t cpu_us; /* of its own */
};

static void *
race(void *arg)
{
	struct racer *r = arg;
	struct timespec from, to;
	uint8_t out[MF_SHA256_BYTES];
	unsigned i;

	(void)pthread_barrier_wait(r->start);
	(void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &from);
	for (i = 0; i < 8; i++)
		mf_sha256(bytes, BYTES, out);
	(void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &to);
	r->cpu_us =
	    (uint64_t)((to.tv_sec - from.tv_sec) * 1000000 + (to.tv_nsec - from.tv_nsec) / 1000);
	return NULL;
}

/* Of two that come at the same time one sleeps while the other works for both. On a busy machine
 * they may miss each other: not every time. */
static void
one_works_for_two(void **state)
{
	pthread_barrier_t start;
	struct racer r[2];
	bool slept = mf_sha256_kernel() == NULL;
	unsigned attempt, i;

	(void)state;
	assert_int_equal(pthread_barrier_init(&start, NULL, 2), 0);
	for (attempt = 0; attempt < 200 && !slept; attempt++) {
		for (i = 0; i < 2; i++) {
			r[i] = (struct racer){.start = &start};
			assert_int_equal(pthread_create(&r[i].thread, NULL, race, &r[i]), 0);
		}
		for (i = 0; i < 2; i++)
			(void)pthread_join(r[i].thread, NULL);
		slept = r[0].cpu_us < r[1].cpu_us / 4 || r[1].cpu_us < r[0].cpu_us / 4;
	}
	pthread_barrier_destroy(&start);
	assert_true(slept);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_padding),
	    cmocka_unit_test(kernels_agree),
	    cmocka_unit_test(many_threads_at_once),
	    cmocka_unit_test(one_works_for_two),
	};

	return cmocka_run_group_tests(tests, fill, NULL);
}
