/* Regions: the content and the addresses stay, whatever it lies in. */
#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "src/base/region.h"

#define RECORDS 200000u

struct record {
	uint64_t a[4];
};

static struct mf_region *
new_region(const char *dir, size_t plain_bytes)
{
	struct mf_region_params p = {
	    .dir = dir, .plain_bytes = plain_bytes, .what = "the list of tests"};
	struct mf_region *r;
	struct mf_error e = {0};

	assert_int_equal(mf_region_new(&p, &r, &e), 0);
	return r;
}

static void
fill(struct mf_region *r, struct record **first)
{
	struct mf_error e = {0};
	struct record *x;
	uint64_t i;

	for (i = 0; i < RECORDS; i++) {
		if ((x = mf_region_alloc(r, sizeof *x, &e)) == NULL)
			fail_msg("%s", e.message);
		if (i == 0)
			*first = x;
		assert_ptr_equal(x, *first + i); /* beside each other */
		assert_int_equal(x->a[3], 0);
		x->a[0] = i;
		x->a[3] = ~i;
	}
}

static void
check(const struct record *first)
{
	uint64_t i;

	for (i = 0; i < RECORDS; i++)
		if (first[i].a[0] != i || first[i].a[3] != ~i)
			fail_msg("record %u is another", (unsigned)i);
}

static void
test_plain(void **state)
{
	struct mf_region *r = new_region(NULL, (size_t)64 << 20);
	struct record *first = NULL;

	(void)state;
	fill(r, &first);
	mf_region_cool(r); /* nothing to cool: it must not empty it */
	check(first);
	assert_true(mf_region_memory_bytes(r) >= RECORDS * sizeof(struct record));
	mf_region_free(r);
}

/* Of files alone: a sanitizer's own tables do not count. */
static size_t
resident_bytes(void)
{
	unsigned long pages = 0;
	FILE *f = fopen("/proc/self/statm", "r");

	assert_non_null(f);
	assert_int_equal(fscanf(f, "%*u %*u %lu", &pages), 1);
	fclose(f);
	return pages * (size_t)sysconf(_SC_PAGESIZE);
}

static unsigned
entries_of(const char *path)
{
	DIR *d = opendir(path);
	unsigned n = 0;

	assert_non_null(d);
	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n - 2;
}

static void
test_file(void **state)
{
	char dir[] = "/tmp/mf-test-region-XXXXXX";
	struct record *first = NULL;
	struct mf_region *r;
	size_t hot;

	(void)state;
	assert_non_null(mkdtemp(dir));
	r = new_region(dir, (size_t)1 << 20);
	fill(r, &first);
	check(first);
	assert_int_equal(entries_of(dir), 0); /* no name */
	hot = resident_bytes();
	mf_region_cool(r);
	assert_true(resident_bytes() + ((size_t)5 << 20) < hot);
	check(first);
	assert_true(mf_region_memory_bytes(r) < RECORDS * sizeof(struct record));
	mf_region_free(r);
	assert_int_equal(rmdir(dir), 0);
}

/* It cools itself while it grows. */
static void
test_growing_takes_little_memory(void **state)
{
	struct mf_region *r = new_region("/tmp", (size_t)1 << 20);
	size_t before = resident_bytes(), most = 0, now, i;
	struct mf_error e = {0};
	char *x;

	(void)state;
	for (i = 0; i < 64 * 16; i++) {
		assert_non_null(x = mf_region_alloc(r, (size_t)64 << 10, &e));
		memset(x, 1, (size_t)64 << 10);
		now = resident_bytes();
		most = now > most ? now : most;
	}
	assert_true(most < before + ((size_t)12 << 20));
	mf_region_free(r);
}

static void
test_strings_between(void **state)
{
	struct mf_region *r = new_region("/tmp", 0);
	struct mf_error e = {0};
	struct record *x;
	char *s;

	(void)state;
	s = mf_region_strdup(r, "abc", &e);
	x = mf_region_alloc(r, sizeof *x, &e);
	assert_non_null(s);
	assert_non_null(x);
	assert_int_equal((uintptr_t)x % 16, 0);
	x->a[0] = 1;
	assert_string_equal(s, "abc");
	mf_region_free(r);
	mf_region_free(NULL);
	mf_region_cool(NULL);
}

static void
test_refuses_without_directory(void **state)
{
	struct mf_region *r = new_region(NULL, (size_t)3 << 20);
	struct mf_error e = {0};
	unsigned i;

	(void)state;
	for (i = 0; i < 3; i++)
		assert_non_null(mf_region_alloc(r, (size_t)1 << 20, &e));
	assert_null(mf_region_alloc(r, 16, &e));
	assert_int_equal(e.code, MF_ENOMEM);
	assert_non_null(strstr(e.message, "the list of tests takes more than 3 MiB"));
	assert_non_null(strstr(e.hint, "--memory"));
	assert_null(mf_region_alloc(r, SIZE_MAX - 100, &e));
	mf_region_free(r);
}

static void
test_bad_directory(void **state)
{
	struct mf_region *r = new_region("/tmp/no-such-directory", 0);
	struct mf_error e = {0};

	(void)state;
	assert_null(mf_region_alloc(r, 16, &e));
	assert_int_equal(e.sys_errno, ENOENT);
	assert_non_null(strstr(e.message, "/tmp/no-such-directory"));
	mf_region_free(r);
}

/* A limit of the file's size stands for a full disk: an error, no signal. */
static void
test_full_disk(void **state)
{
	struct rlimit was, small;
	struct mf_region *r = new_region("/tmp", (size_t)1 << 20);
	struct mf_error e = {0};
	unsigned i;
	void *x = r;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
	small = was;
	small.rlim_cur = (rlim_t)4 << 20;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	for (i = 0; x != NULL && i < 100; i++)
		if ((x = mf_region_alloc(r, (size_t)1 << 20, &e)) != NULL)
			memset(x, 1, (size_t)1 << 20);
	setrlimit(RLIMIT_FSIZE, &was);
	assert_null(x);
	assert_int_equal(i, 5);
	assert_int_equal(e.sys_errno, EFBIG);
	mf_region_free(r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_plain),
	    cmocka_unit_test(test_file),
	    cmocka_unit_test(test_growing_takes_little_memory),
	    cmocka_unit_test(test_strings_between),
	    cmocka_unit_test(test_refuses_without_directory),
	    cmocka_unit_test(test_bad_directory),
	    cmocka_unit_test(test_full_disk),
	};

	return cmocka_run_group_tests_name("region", tests, NULL, NULL);
}
