#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <openssl/evp.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "crypto/digest.h"
#include "crypto/md5_lanes.h"
#include "src/base/hex.h"

#define RING MF_MD5_RING_BYTES
#define THREADS 16
#define BYTES (8 * RING + 12345)

static uint8_t bytes[BYTES + 64];

static uint32_t
next(uint32_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 17;
	*seed ^= *seed << 5;
	return *seed;
}

static int
fill(void **state)
{
	uint32_t seed = 1321;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof bytes; i++)
		bytes[i] = (uint8_t)next(&seed);
	return 0;
}

/* By libcrypto. */
static void
assert_digest(const uint8_t is[MF_MD5_BYTES], const uint8_t *of, size_t n)
{
	uint8_t want[EVP_MAX_MD_SIZE];

	assert_int_equal(EVP_Digest(of, n, want, NULL, EVP_md5(), NULL), 1);
	assert_memory_equal(is, want, MF_MD5_BYTES);
}

static struct mf_md5 *
make(void)
{
	struct mf_md5 *m = mf_md5_new(NULL);

	if (m == NULL)
		skip(); /* a system that forbids MD5 */
	return m;
}

/* RFC 1321, appendix A.5; an object serves more than once. */
static void
gives_the_published_vectors(void **state)
{
	static const char *const vectors[][2] = {
	    {"", "d41d8cd98f00b204e9800998ecf8427e"},
	    {"a", "0cc175b9c0f1b6a831c399e269772661"},
	    {"abc", "900150983cd24fb0d6963f7d28e17f72"},
	    {"message digest", "f96b697d7cb7938d525a2f31aaf161d0"},
	    {"abcdefghijklmnopqrstuvwxyz", "c3fcd3d76192e4007dfb496cca67e13b"},
	    {"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
		"d174ab98d277d9f5a5611c2c9f419d9f"},
	    {"1234567890123456789012345678901234567890123456789012345678901234567890123456789"
	     "0",
		"57edf4a22be3c955ac49da2e2107b67a"},
	};
	char hex[2 * MF_MD5_BYTES + 1];
	uint8_t out[MF_MD5_BYTES];
	struct mf_md5 *m = make();
	const char *text;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
		text = vectors[i][0];
		mf_md5_update(m, text, strlen(text) / 2);
		mf_md5_update(m, NULL, 0);
		mf_md5_update(m, text + strlen(text) / 2, strlen(text) - strlen(text) / 2);
		assert_int_equal(mf_md5_final(m, out, NULL), 0);
		mf_hex_encode(hex, out, sizeof out);
		assert_string_equal(hex, vectors[i][1]);
	}
	mf_md5_free(m);
	mf_md5_free(NULL);
}

static void
begin(struct mf_md5_lane lane[MF_MD5_LANES_MAX], uint32_t seed)
{
	unsigned i, j;

	for (i = 0; i < MF_MD5_LANES_MAX; i++) {
		for (j = 0; j < 4; j++)
			lane[i].state[j] = next(&seed);
		lane[i].bytes = bytes + (size_t)i * 8192 + i; /* of any alignment */
	}
}

/* With what a lane begins, and how many others there are, is nothing to it. */
static void
kernels_agree(void **state)
{
	static const size_t blocks[] = {0, 1, 2, 3, 16, 127};
	struct mf_md5_lane want[MF_MD5_LANES_MAX], is[MF_MD5_LANES_MAX];
	const struct mf_md5_kernel *k;
	unsigned i, n, l;
	size_t b;

	(void)state;
	assert_ptr_equal(mf_md5_nth(0), mf_md5_scalar());
	for (i = 0; (k = mf_md5_nth(i)) != NULL; i++)
		for (n = 1; n <= k->lanes; n++)
			for (b = 0; b < sizeof blocks / sizeof blocks[0]; b++) {
				begin(want, 7 * n + 1);
				begin(is, 7 * n + 1);
				for (l = 0; l < n; l++)
					mf_md5_scalar()->compress(&want[l], 1, blocks[b]);
				k->compress(is, n, blocks[b]);
				for (l = 0; l < MF_MD5_LANES_MAX; l++)
					assert_memory_equal(
					    is[l].state, want[l].state, sizeof is[l].state);
			}
	assert_true(i >= 1 && mf_md5_best()->lanes <= MF_MD5_LANES_MAX);
}

/* From begin to end in pieces, most of them small, some larger than a ring. */
static void
update_in_pieces(struct mf_md5 *m, const uint8_t *at, size_t n, uint32_t *seed)
{
	size_t piece;

	for (; n > 0; n -= piece, at += piece) {
		piece = next(seed) & (4 * RING - 1);
		piece >>= next(seed) % 20;
		if (piece > n)
			piece = n;
		mf_md5_update(m, at, piece);
	}
}

static void
pieces_and_lengths(struct mf_md5 *m)
{
	static const size_t lengths[] = {0, 1, 55, 56, 57, 63, 64, 65, 119, 120, 127, 128, 32767,
	    32768, RING - 1, RING, RING + 1, 2 * RING + 64, 5 * RING + 77};
	uint8_t out[MF_MD5_BYTES];
	uint32_t seed = 5;
	size_t i, n;

	for (i = 0; i < 80; i++) {
		n = next(&seed) % (BYTES + 1);
		n >>= next(&seed) % 20;
		if (i < sizeof lengths / sizeof lengths[0])
			n = lengths[i];
		update_in_pieces(m, bytes, n, &seed);
		assert_int_equal(mf_md5_final(m, out, NULL), 0);
		assert_digest(out, bytes, n);
	}
}

static void
alone(void **state)
{
	struct mf_md5 *m = make();

	(void)state;
	pieces_and_lengths(m);
	mf_md5_free(m);
}

static double
now_s(void)
{
	struct timespec t;

	assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &t), 0);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Others that have begun and do not go on, with rings that are in part filled, full and nearly
 * empty: they come out right, too, and nobody waits for them for long. */
static void
among_some_that_stand_still(void **state)
{
	static const size_t lengths[] = {40000, RING, RING + 100000, 70000, 5 * RING};
	struct mf_md5 *others[sizeof lengths / sizeof lengths[0]];
	const double begin_s = now_s();
	uint8_t out[MF_MD5_BYTES];
	struct mf_md5 *m = make();
	size_t i;

	(void)state;
	for (i = 0; i < sizeof others / sizeof others[0]; i++) {
		others[i] = make();
		mf_md5_update(others[i], bytes + i, lengths[i]);
	}
	pieces_and_lengths(m);
	for (i = 0; i < sizeof others / sizeof others[0]; i++) {
		if (i != 2) {
			assert_int_equal(mf_md5_final(others[i], out, NULL), 0);
			assert_digest(out, bytes + i, lengths[i]);
		}
		mf_md5_free(others[i]);
	}
	mf_md5_free(m);
	assert_true(now_s() - begin_s < 20);
}

struct thread {
	pthread_t thread;
	pthread_barrier_t *together;
	uint32_t seed;
	bool right;
};

static bool
is_right(const uint8_t is[MF_MD5_BYTES], const uint8_t *of, size_t n)
{
	uint8_t want[EVP_MAX_MD_SIZE];

	return EVP_Digest(of, n, want, NULL, EVP_md5(), NULL) == 1 &&
	       memcmp(is, want, MF_MD5_BYTES) == 0;
}

/* Some files, of which every fourth breaks off. */
static void *
digest_some(void *arg)
{
	struct thread *t = arg;
	struct mf_md5 *m = NULL;
	uint8_t out[MF_MD5_BYTES];
	size_t i, at, n;

	(void)pthread_barrier_wait(t->together);
	t->right = true;
	for (i = 0; i < 12; i++) {
		if (m == NULL && (m = mf_md5_new(NULL)) == NULL)
			return NULL;
		at = next(&t->seed) % 64;
		n = next(&t->seed) % BYTES;
		if (i % 3 == 2)
			n %= 100000;
		update_in_pieces(m, bytes + at, n, &t->seed);
		if (next(&t->seed) % 4 == 0) {
			mf_md5_free(m);
			m = NULL;
			continue;
		}
		t->right =
		    mf_md5_final(m, out, NULL) == 0 && is_right(out, bytes + at, n) && t->right;
		if (i % 2 == 0) {
			mf_md5_free(m);
			m = NULL;
		}
	}
	mf_md5_free(m);
	return NULL;
}

static void
many_threads_at_once(void **state)
{
	struct thread threads[THREADS];
	pthread_barrier_t together;
	unsigned i;

	(void)state;
	mf_md5_free(make());
	assert_int_equal(pthread_barrier_init(&together, NULL, THREADS), 0);
	for (i = 0; i < THREADS; i++) {
		threads[i] = (struct thread){.together = &together, .seed = i + 1};
		assert_int_equal(
		    pthread_create(&threads[i].thread, NULL, digest_some, &threads[i]), 0);
	}
	for (i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(threads[i].thread, NULL), 0);
	for (i = 0; i < THREADS; i++)
		assert_true(threads[i].right);
	(void)pthread_barrier_destroy(&together);
}

/* Where there are fewer processors than streams they wait for each other. */
static void
on_one_processor(void **state)
{
	cpu_set_t all, one;
	int i = 0;

	assert_int_equal(sched_getaffinity(0, sizeof all, &all), 0);
	while (!CPU_ISSET(i, &all))
		i++;
	CPU_ZERO(&one);
	CPU_SET(i, &one);
	assert_int_equal(sched_setaffinity(0, sizeof one, &one), 0);
	many_threads_at_once(state);
	among_some_that_stand_still(state);
	assert_int_equal(sched_setaffinity(0, sizeof all, &all), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(gives_the_published_vectors),
	    cmocka_unit_test(kernels_agree),
	    cmocka_unit_test(alone),
	    cmocka_unit_test(among_some_that_stand_still),
	    cmocka_unit_test(many_threads_at_once),
	    cmocka_unit_test(on_one_processor),
	};

	return cmocka_run_group_tests(tests, fill, NULL);
}
