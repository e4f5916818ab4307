#include "tests/unit/torture/torture.h"

#include <errno.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>
#include <zstd.h>

#define LIVE_MAX 65536u /* a power of two */
#define RUNS_MAX 20000u

/* Of the run under way; all under the lock. */
static struct {
	pthread_mutex_t lock;
	bool armed;
	bool all;	     /* from fail_at on, not only it */
	unsigned long count; /* allocations so far */
	unsigned long fail_at;
	/* what is allocated and not freed: open addressing, NULL is free, TOMB was */
	void *live[LIVE_MAX];
	unsigned long number[LIVE_MAX]; /* which allocation it was */
	size_t n_live;
} now = {.lock = PTHREAD_MUTEX_INITIALIZER};

#define TOMB ((void *)&now)

static bool
fails(void)
{
	bool yes;

	pthread_mutex_lock(&now.lock);
	yes = now.armed &&
	    (++now.count == now.fail_at || (now.all && now.count > now.fail_at));
	pthread_mutex_unlock(&now.lock);
	if (yes)
		errno = ENOMEM;
	return yes;
}

static size_t
slot_of(const void *p)
{
	return (size_t)(((uintptr_t)p >> 4) * 0x9e3779b97f4a7c15u >> 32) % LIVE_MAX;
}

static void *
took(void *p)
{
	size_t i;

	pthread_mutex_lock(&now.lock);
	if (p != NULL && now.armed && now.n_live < LIVE_MAX / 2) {
		for (i = slot_of(p); now.live[i] != NULL && now.live[i] != TOMB;)
			i = (i + 1) % LIVE_MAX;
		now.live[i] = p;
		now.number[i] = now.count;
		now.n_live++;
	}
	pthread_mutex_unlock(&now.lock);
	return p;
}

static void
gave(const void *p)
{
	size_t i, n;

	pthread_mutex_lock(&now.lock);
	for (i = slot_of(p), n = 0; p != NULL && now.live[i] != NULL && n < LIVE_MAX; n++) {
		if (now.live[i] == p) {
			now.live[i] = TOMB;
			now.n_live--;
			break;
		}
		i = (i + 1) % LIVE_MAX;
	}
	pthread_mutex_unlock(&now.lock);
}

/* ---- what is wrapped ---- */

#define TAKES(type, name, parameters, arguments) \
	type __real_##name parameters; \
	type __wrap_##name parameters; \
	type __wrap_##name parameters \
	{ \
		return fails() ? NULL : took(__real_##name arguments); \
	}
#define GIVES(result, name, type) \
	result __real_##name(type p); \
	result __wrap_##name(type p); \
	result __wrap_##name(type p) \
	{ \
		gave(p); \
		return __real_##name(p); \
	}

TAKES(void *, malloc, (size_t n), (n))
TAKES(void *, calloc, (size_t n, size_t size), (n, size))
TAKES(char *, strdup, (const char *s), (s))
TAKES(char *, strndup, (const char *s, size_t n), (s, n))
TAKES(void *, sodium_malloc, (size_t n), (n))
TAKES(ZSTD_CCtx *, ZSTD_createCCtx, (void), ())
TAKES(ZSTD_DCtx *, ZSTD_createDCtx, (void), ())
TAKES(XXH3_state_t *, XXH3_createState, (void), ())
TAKES(EVP_CIPHER_CTX *, EVP_CIPHER_CTX_new, (void), ())
GIVES(void, free, void *)
GIVES(void, sodium_free, void *)
GIVES(size_t, ZSTD_freeCCtx, ZSTD_CCtx *)
GIVES(size_t, ZSTD_freeDCtx, ZSTD_DCtx *)
GIVES(XXH_errorcode, XXH3_freeState, XXH3_state_t *)
GIVES(void, EVP_CIPHER_CTX_free, EVP_CIPHER_CTX *)

void *__real_realloc(void *old, size_t n);
void *__wrap_realloc(void *old, size_t n);
void *
__wrap_realloc(void *old, size_t n)
{
	if (fails())
		return NULL; /* old stays */
	gave(old);
	return took(__real_realloc(old, n));
}

void *__wrap_reallocarray(void *old, size_t n, size_t size);
void *
__wrap_reallocarray(void *old, size_t n, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(n, size, &bytes)) {
		errno = ENOMEM;
		return NULL;
	}
	return __wrap_realloc(old, bytes);
}

int __real_pthread_create(pthread_t *t, const pthread_attr_t *attr, void *(*run)(void *),
    void *arg);
int __wrap_pthread_create(pthread_t *t, const pthread_attr_t *attr, void *(*run)(void *),
    void *arg);
int
__wrap_pthread_create(pthread_t *t, const pthread_attr_t *attr, void *(*run)(void *), void *arg)
{
	return fails() ? EAGAIN : __real_pthread_create(t, attr, run, arg);
}

/* ---- the runs ---- */

static void
arm(unsigned long fail_at, bool all)
{
	pthread_mutex_lock(&now.lock);
	memset(now.live, 0, sizeof(now.live));
	now.n_live = 0;
	now.count = 0;
	now.fail_at = fail_at;
	now.all = all;
	now.armed = true;
	pthread_mutex_unlock(&now.lock);
}

static unsigned long
disarm(void)
{
	unsigned long count;

	pthread_mutex_lock(&now.lock);
	now.armed = false;
	count = now.count;
	pthread_mutex_unlock(&now.lock);
	return count;
}

static void
expect_nothing_live(const char *what)
{
	size_t i;

	for (i = 0; i < LIVE_MAX && now.n_live > 0; i++)
		if (now.live[i] != NULL && now.live[i] != TOMB)
			fail_msg("%s: allocation %lu and %zu others are still there", what,
			    now.number[i], now.n_live - 1);
}

/* Does *e say something, and nothing wrong: that data are damaged, a key does not fit? A thread
 * that does not start is a failure like any other. */
static bool
is_apt(const struct mf_error *e)
{
	return (e->code == MF_ENOMEM || e->code == MF_EFAIL) && e->message[0] != '\0';
}

/* Whether the failure was met. */
static bool
run(const struct torture *t, unsigned long fail_at, bool all)
{
	char what[128], text[1024];
	struct mf_error e;
	unsigned long count;
	int rc;

	mf_error_clear(&e);
	if (t->prepare != NULL)
		t->prepare(t->arg);
	arm(fail_at, all);
	rc = t->body(t->arg, &e);
	count = disarm();
	snprintf(what, sizeof(what), "%s, allocation %lu%s failing", t->name, fail_at,
	    all ? " and all after it" : "");
	if (rc != 0 && rc != -1)
		fail_msg("%s: returned %d", what, rc);
	if (rc == -1 && !is_apt(&e))
		fail_msg("%s: told as %s: %s", what, mf_error_row(e.code)->name,
		    mf_error_text(&e, text, sizeof(text)));
	if (rc == -1 && count < fail_at)
		fail_msg("%s: failed before: %s", what, mf_error_text(&e, text, sizeof(text)));
	if (t->finish != NULL)
		t->finish(t->arg, rc);
	expect_nothing_live(what);
	return count >= fail_at;
}

void
torture(const struct torture *t)
{
	unsigned long n, step = t->step > 0 ? t->step : 1;
	int all;

	for (all = 0; all < 2; all++) {
		for (n = 1; n < RUNS_MAX && run(t, n, all != 0); n += step)
			;
		if (n == 1 || n >= RUNS_MAX)
			fail_msg("%s: %lu allocations", t->name, n - 1);
	}
	print_message("# %s: %lu allocations\n", t->name, n - 1);
}
