#include "tests/unit/transfers/store_contract.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

struct fixture {
	const struct mf_contract_subject *subject;
	void *world;
	struct mf_store *s;
	struct mf_error e;
};

static struct fixture *
fixture_new(const struct mf_contract_subject *subject)
{
	struct fixture *f = calloc(1, sizeof *f);

	assert_non_null(f);
	f->subject = subject;
	f->s = f->subject->make(&f->world);
	assert_non_null(f->s);
	return f;
}

static void
fixture_free(struct fixture *f)
{
	mf_store_close(f->s);
	f->subject->drop(f->world);
	free(f);
}

/* ---- small helpers ---- */

static void
put_text(struct fixture *f, const char *name, const char *text)
{
	assert_int_equal(mf_store_put(f->s, name, text, strlen(text), 0, &f->e), 0);
}

static void
assert_text(struct fixture *f, const char *name, const char *text)
{
	struct mf_buf b = MF_BUF_INIT;

	assert_int_equal(mf_store_get(f->s, name, 0, 1000, &b, &f->e), 0);
	assert_int_equal(b.len, strlen(text));
	if (b.len > 0)
		assert_memory_equal(b.data, text, b.len);
	mf_buf_fini(&b);
}

struct seen {
	char text[1000]; /* "name=size " per object */
	int calls;
	int stop_after; /* 0: never */
};

static int
see(void *arg, const char *name, uint64_t size, int64_t mtime_us)
{
	struct seen *v = arg;
	size_t n = strlen(v->text);

	if (mtime_us <= 0)
		v->calls += 1000; /* every object has a time */
	snprintf(v->text + n, sizeof v->text - n, "%s=%llu ", name, (unsigned long long)size);
	return ++v->calls == v->stop_after;
}

static int
compare_words(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The listing, sorted, must be this. */
static void
assert_list(struct fixture *f, const char *prefix, const char *expected)
{
	char *words[64], *p, *save = NULL, sorted[1000] = "";
	struct seen v = {.calls = 0};
	size_t n = 0, i;

	assert_int_equal(mf_store_list(f->s, prefix, see, &v, &f->e), 0);
	assert_in_range(v.calls, 0, 63);
	if ((mf_store_capabilities(f->s) & MF_STORE_ORDERED) != 0)
		assert_string_equal(v.text, expected);
	for (p = strtok_r(v.text, " ", &save); p != NULL; p = strtok_r(NULL, " ", &save))
		words[n++] = p;
	qsort(words, n, sizeof words[0], compare_words);
	for (i = 0; i < n; i++)
		snprintf(sorted + strlen(sorted), sizeof sorted - strlen(sorted), "%s ", words[i]);
	assert_string_equal(sorted, expected);
}

/* ---- the cases ---- */

static void
round_trip(struct fixture *f)
{
	put_text(f, "config/0000000000000001", "hello");
	assert_text(f, "config/0000000000000001", "hello");
	put_text(f, "config/0000000000000001", "other"); /* replaces */
	assert_text(f, "config/0000000000000001", "other");
	put_text(f, "top", "at the root");
	assert_text(f, "top", "at the root");
	assert_int_equal(mf_store_sync(f->s, &f->e), 0);
	assert_int_equal(mf_store_sync(f->s, NULL), 0);
}

static void
empty_object(struct fixture *f)
{
	struct mf_store_stat st = {.size = 9};
	struct mf_buf b = MF_BUF_INIT;

	assert_int_equal(mf_store_put(f->s, "v/a/b", NULL, 0, MF_STORE_REPEATABLE, &f->e), 0);
	assert_int_equal(mf_store_put(f->s, "v/a/b", NULL, 0, MF_STORE_REPEATABLE, &f->e), 0);
	assert_int_equal(mf_store_get(f->s, "v/a/b", 0, 10, &b, &f->e), 0);
	assert_int_equal(b.len, 0);
	assert_int_equal(mf_store_head(f->s, "v/a/b", &st, &f->e), 0);
	assert_int_equal(st.size, 0);
	assert_list(f, "v/", "v/a/b=0 ");
	mf_buf_fini(&b);
}

static void
large_object(struct fixture *f)
{
	const size_t n = 16 << 20;
	struct mf_buf b = MF_BUF_INIT;
	uint32_t x = 1;
	uint8_t *bytes = malloc(n);
	size_t i;

	assert_non_null(bytes);
	for (i = 0; i < n; i++) {
		x = x * 1664525u + 1013904223u;
		bytes[i] = (uint8_t)(x >> 24);
	}
	assert_int_equal(mf_store_put(f->s, "c/00/large", bytes, n, 0, &f->e), 0);
	assert_int_equal(mf_store_get(f->s, "c/00/large", 0, n + 1, &b, &f->e), 0);
	assert_int_equal(b.len, n);
	assert_int_equal(memcmp(b.data, bytes, n), 0);
	mf_buf_clear(&b);
	assert_int_equal(mf_store_get(f->s, "c/00/large", n - 7, 100, &b, &f->e), 0);
	assert_int_equal(b.len, 7);
	assert_memory_equal(b.data, bytes + n - 7, 7);
	assert_int_equal(mf_store_sync(f->s, &f->e), 0);
	mf_buf_fini(&b);
	free(bytes);
}

static void
ranges(struct fixture *f)
{
	struct mf_buf b = MF_BUF_INIT;

	put_text(f, "c/ab/x", "0123456789");
	assert_int_equal(mf_store_get(f->s, "c/ab/x", 2, 3, &b, &f->e), 0);
	assert_int_equal(mf_store_get(f->s, "c/ab/x", 8, 100, &b, &f->e), 0); /* appended */
	assert_int_equal(mf_store_get(f->s, "c/ab/x", 10, 100, &b, &f->e), 0);
	assert_int_equal(mf_store_get(f->s, "c/ab/x", 1000, 100, &b, &f->e), 0);
	assert_int_equal(mf_store_get(f->s, "c/ab/x", UINT64_MAX, SIZE_MAX, &b, &f->e), 0);
	assert_int_equal(mf_store_get(f->s, "c/ab/x", 0, 0, &b, &f->e), 0);
	assert_int_equal(b.len, 5);
	assert_memory_equal(b.data, "23489", 5);
	assert_int_equal(mf_store_get(f->s, "c/ab/x", 0, SIZE_MAX, &b, &f->e), 0);
	assert_int_equal(b.len, 15);
	mf_buf_fini(&b);
}

static void
missing_objects(struct fixture *f)
{
	struct mf_buf b = MF_BUF_INIT;
	struct mf_store_stat st;

	put_text(f, "a/b", "x");
	mf_buf_put(&b, "kept", 4);
	assert_int_equal(mf_store_get(f->s, "a/c", 0, 10, &b, &f->e), -1);
	assert_int_equal(f->e.code, MF_ENOTFOUND);
	assert_non_null(strstr(f->e.message, "a/c"));
	assert_int_equal(mf_store_get(f->s, "no/such/place", 0, 10, &b, &f->e), -1);
	assert_int_equal(f->e.code, MF_ENOTFOUND);
	assert_int_equal(mf_store_get(f->s, "a", 0, 10, &b, &f->e), -1); /* a directory */
	assert_int_equal(f->e.code, MF_ENOTFOUND);
	assert_int_equal(mf_store_get(f->s, "a", 0, 10, &b, NULL), -1);
	assert_int_equal(b.len, 4);
	assert_int_equal(mf_store_head(f->s, "a/c", &st, &f->e), 1);
	assert_int_equal(mf_store_head(f->s, "no/such/place", &st, &f->e), 1);
	assert_int_equal(mf_store_head(f->s, "a", NULL, &f->e), 1);
	assert_int_equal(mf_store_head(f->s, "a/b/c", &st, &f->e), 1); /* below an object */
	assert_int_equal(mf_store_del(f->s, "a/c", &f->e), 0);
	assert_int_equal(mf_store_del(f->s, "no/such/place", &f->e), 0);
	assert_text(f, "a/b", "x");
	mf_buf_fini(&b);
}

static void
deleting(struct fixture *f)
{
	put_text(f, "c/00/one", "1");
	put_text(f, "c/00/two", "2");
	assert_int_equal(mf_store_del(f->s, "c/00/one", &f->e), 0);
	assert_int_equal(mf_store_del(f->s, "c/00/one", &f->e), 0);
	assert_int_equal(mf_store_head(f->s, "c/00/one", NULL, &f->e), 1);
	assert_list(f, "", "c/00/two=1 ");
	assert_int_equal(mf_store_del(f->s, "c/00/two", &f->e), 0);
	assert_list(f, "", "");
	put_text(f, "c/00/one", "again");
	assert_text(f, "c/00/one", "again");
	assert_int_equal(mf_store_sync(f->s, &f->e), 0);
}

static void
prefixes(struct fixture *f)
{
	put_text(f, "c/0a/x", "1");
	put_text(f, "c/0a/y", "22");
	put_text(f, "c/0b/z", "333");
	put_text(f, "c/1b/z", "333");
	put_text(f, "ca", "");
	put_text(f, "d.e/x", "");
	put_text(f, "d-e", "");
	put_text(f, "d/f", "");
	put_text(f, "d0", "");
	assert_list(f, "", "c/0a/x=1 c/0a/y=2 c/0b/z=3 c/1b/z=3 ca=0 d-e=0 d.e/x=0 d/f=0 d0=0 ");
	assert_list(f, "c", "c/0a/x=1 c/0a/y=2 c/0b/z=3 c/1b/z=3 ca=0 ");
	assert_list(f, "c/", "c/0a/x=1 c/0a/y=2 c/0b/z=3 c/1b/z=3 ");
	assert_list(f, "c/0", "c/0a/x=1 c/0a/y=2 c/0b/z=3 ");
	assert_list(f, "c/0a", "c/0a/x=1 c/0a/y=2 ");
	assert_list(f, "c/0a/", "c/0a/x=1 c/0a/y=2 ");
	assert_list(f, "c/0a/x", "c/0a/x=1 ");
	assert_list(f, "c/0a/xx", "");
	assert_list(f, "c/0a/x/", "");
	assert_list(f, "d", "d-e=0 d.e/x=0 d/f=0 d0=0 ");
	assert_list(f, "zz/top/", "");
	assert_list(f, "q", "");
}

static void
stopping_a_list(struct fixture *f)
{
	struct seen v = {.stop_after = 2};

	put_text(f, "a/1", "");
	put_text(f, "a/2", "");
	put_text(f, "b/3", "");
	assert_int_equal(mf_store_list(f->s, "", see, &v, &f->e), 0);
	assert_int_equal(v.calls, 2);
}

static int
delete_it(void *arg, const char *name, uint64_t size, int64_t mtime_us)
{
	struct fixture *f = arg;

	(void)size;
	(void)mtime_us;
	return mf_store_del(f->s, name, &f->e);
}

static void
calls_from_a_list(struct fixture *f)
{
	put_text(f, "a/1", "");
	put_text(f, "a/2", "");
	put_text(f, "b/3", "");
	assert_int_equal(mf_store_list(f->s, "", delete_it, f, &f->e), 0);
	assert_list(f, "", "");
}

static void
bad_names(struct fixture *f)
{
	static const char *const bad[] = {"", "/", "/a", "a/", "a//b", ".", "..", "a/..", "../a",
	    "a/../b", "./a", "a/.b", ".tmp/x", "A", "a b", "a\n", "a_b", "a\\b", "\xc3\xa4", "a/*"};
	static const char *const bad_prefixes[] = {"/", "..", "a/..", ".", "a//", "A", ".tmp"};
	char name[MF_STORE_NAME_MAX + 2];
	struct seen v = {.calls = 0};
	struct mf_buf b = MF_BUF_INIT;
	size_t i;

	for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		assert_int_equal(mf_store_put(f->s, bad[i], "x", 1, 0, &f->e), -1);
		assert_int_equal(f->e.code, MF_EUSAGE);
		assert_int_equal(mf_store_get(f->s, bad[i], 0, 1, &b, &f->e), -1);
		assert_int_equal(f->e.code, MF_EUSAGE);
		assert_int_equal(mf_store_head(f->s, bad[i], NULL, NULL), -1);
		assert_int_equal(mf_store_del(f->s, bad[i], &f->e), -1);
		assert_int_equal(mf_store_adopt(f->s, bad[i], &f->e), -1);
	}
	for (i = 0; i < sizeof bad_prefixes / sizeof bad_prefixes[0]; i++) {
		assert_int_equal(mf_store_list(f->s, bad_prefixes[i], see, &v, &f->e), -1);
		assert_int_equal(f->e.code, MF_EUSAGE);
	}
	assert_int_equal(mf_store_put(f->s, "a", "x", 1, 64, &f->e), -1);
	assert_int_equal(f->e.code, MF_EUSAGE);
	memset(name, 'a', sizeof name);
	name[20] = '/';
	name[MF_STORE_NAME_MAX] = '\0';
	name[MF_STORE_COMPONENT_MAX] = '/';
	put_text(f, name, "the longest");
	assert_text(f, name, "the longest");
	name[MF_STORE_NAME_MAX] = 'a';
	name[MF_STORE_NAME_MAX + 1] = '\0';
	assert_int_equal(mf_store_put(f->s, name, "x", 1, 0, &f->e), -1);
	memset(name, 'a', MF_STORE_COMPONENT_MAX + 1);
	name[MF_STORE_COMPONENT_MAX + 1] = '\0';
	assert_int_equal(mf_store_put(f->s, name, "x", 1, 0, &f->e), -1);
	name[MF_STORE_COMPONENT_MAX] = '\0';
	put_text(f, name, "the longest component");
	assert_text(f, name, "the longest component");
}

static void
if_absent(struct fixture *f)
{
	const unsigned flags = MF_STORE_IF_ABSENT;

	if ((mf_store_capabilities(f->s) & MF_STORE_CONDITIONAL) == 0)
		return;
	assert_int_equal(mf_store_put(f->s, "r/1/2/3", "mine", 4, flags, &f->e), 0);
	assert_int_equal(mf_store_put(f->s, "r/1/2/3", "late", 4, flags, &f->e), 1);
	assert_int_equal(
	    mf_store_put(f->s, "r/1/2/3", "late", 4, flags | MF_STORE_DURABLE, &f->e), 1);
	assert_text(f, "r/1/2/3", "mine");
	assert_int_equal(mf_store_del(f->s, "r/1/2/3", &f->e), 0);
	assert_int_equal(
	    mf_store_put(f->s, "r/1/2/3", "new", 3, flags | MF_STORE_DURABLE, &f->e), 0);
	assert_text(f, "r/1/2/3", "new");
}

static void
durable(struct fixture *f)
{
	assert_int_equal(mf_store_put(f->s, "m/1/2", "root", 4, MF_STORE_DURABLE, &f->e), 0);
	assert_int_equal(mf_store_put(f->s, "m/1/2", "ROOT", 4, MF_STORE_DURABLE, &f->e), 0);
	assert_text(f, "m/1/2", "ROOT");
	assert_int_equal(mf_store_adopt(f->s, "m/1/2", &f->e), 0);
	assert_int_equal(mf_store_adopt(f->s, "m/1/gone", &f->e), 0);
	assert_int_equal(mf_store_adopt(f->s, "gone/too", &f->e), 0);
	assert_int_equal(mf_store_sync(f->s, &f->e), 0);
}

/* More than any store syncs one by one. */
static void
large_batch(struct fixture *f)
{
	char name[40];
	int i;

	for (i = 0; i < 100; i++) {
		snprintf(name, sizeof name, "c/%02x/%d", i % 7, i);
		assert_int_equal(mf_store_put(f->s, name, name, strlen(name), 0, &f->e), 0);
	}
	assert_int_equal(mf_store_sync(f->s, &f->e), 0);
	for (i = 0; i < 100; i++) {
		snprintf(name, sizeof name, "c/%02x/%d", i % 7, i);
		assert_text(f, name, name);
	}
}

static void
times(struct fixture *f)
{
	struct mf_store_stat st;
	int64_t before, after;

	assert_int_equal(mf_store_now(f->s, &before, &f->e), 0);
	put_text(f, "x/1", "");
	assert_int_equal(mf_store_now(f->s, &after, &f->e), 0);
	assert_int_equal(mf_store_head(f->s, "x/1", &st, &f->e), 0);
	assert_true(before <= st.mtime_us && st.mtime_us <= after);
	assert_true(before > 1600000000000000);
	assert_list(f, "", "x/1=0 "); /* asking the time leaves nothing behind */
}

static void
second_handle(struct fixture *f)
{
	struct mf_store *other;
	struct mf_buf b = MF_BUF_INIT;

	if (f->subject->again == NULL)
		return;
	other = f->subject->again(f->world);
	assert_non_null(other);
	put_text(f, "a/b/c", "shared");
	assert_int_equal(mf_store_get(other, "a/b/c", 0, 100, &b, &f->e), 0);
	assert_int_equal(b.len, 6);
	assert_int_equal(mf_store_adopt(other, "a/b/c", &f->e), 0);
	assert_int_equal(mf_store_sync(other, &f->e), 0);
	assert_int_equal(mf_store_del(other, "a/b/c", &f->e), 0);
	assert_int_equal(mf_store_head(f->s, "a/b/c", NULL, &f->e), 1);
	mf_buf_fini(&b);
	mf_store_close(other);
}

/* ---- many threads ---- */

struct racer {
	pthread_t thread;
	struct fixture *f;
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

static void
one_winner(struct fixture *f)
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
	struct fixture *f;
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

static void
list_during_puts(struct fixture *f)
{
	struct busy b[3];
	atomic_bool stop = false;
	char name[40];
	int i, seen;

	memset(b, 0, sizeof b);
	for (i = 0; i < 64; i++) {
		snprintf(name, sizeof name, "c/%02x/stays-%d", i % 16, i);
		put_text(f, name, "");
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

/* ---- the table ---- */

static const struct {
	const char *name;
	void (*run)(struct fixture *f);
} cases[] = {
	{"round trip", round_trip},
	{"empty object", empty_object},
	{"large object", large_object},
	{"ranges", ranges},
	{"missing objects", missing_objects},
	{"deleting", deleting},
	{"prefixes", prefixes},
	{"stopping a list", stopping_a_list},
	{"calls from a list", calls_from_a_list},
	{"bad names", bad_names},
	{"if absent", if_absent},
	{"durable", durable},
	{"large batch", large_batch},
	{"times", times},
	{"second handle", second_handle},
	{"one winner", one_winner},
	{"list during puts", list_during_puts},
};

#define CASES (sizeof cases / sizeof cases[0])

struct planned {
	const struct mf_contract_subject *subject;
	size_t number;
	char name[96];
};

static void
run_case(void **state)
{
	const struct planned *p = *state;
	struct fixture *f = fixture_new(p->subject);

	cases[p->number].run(f);
	fixture_free(f);
}

int
mf_contract_run(const char *group, const struct mf_contract_subject *subjects, size_t n)
{
	struct CMUnitTest *tests = calloc(n * CASES, sizeof *tests);
	struct planned *plan = calloc(n * CASES, sizeof *plan), *p = plan;
	size_t i, j;
	int failed;

	if (tests == NULL || plan == NULL)
		abort();
	for (i = 0; i < n; i++) {
		for (j = 0; j < CASES; j++, p++) {
			p->subject = &subjects[i];
			p->number = j;
			snprintf(p->name, sizeof p->name, "%s: %s", subjects[i].name,
			    cases[j].name);
			tests[p - plan].name = p->name;
			tests[p - plan].test_func = run_case;
			tests[p - plan].initial_state = p;
		}
	}
	failed = _cmocka_run_group_tests(group, tests, n * CASES, NULL, NULL);
	free(tests);
	free(plan);
	return failed;
}
