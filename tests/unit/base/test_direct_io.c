/*
 * Which bytes of a write go past the page cache, and what happens where they cannot. So that this
 * is seen on any file system, the way past it leads to a second file here; the last tests use the
 * file system's own way, where it has one.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "src/base/direct_io.h"
#include "tests/unit/base/resident.h"

#define BLOCK ((size_t)4096)
#define ALIGN ((size_t)512)
#define FILE_BYTES ((size_t)1 << 20)

struct two_ways {
	struct mf_direct_io d; /* leads to a file of its own */
	int fd;
	uint8_t *memory; /* FILE_BYTES and MF_DIRECT_IO_ALIGN, at a boundary of the latter */
	uint8_t got[FILE_BYTES];
};

/* What pwrite says of the way past the page cache: an errno, or so many bytes at most. */
static struct {
	int fd;
	int error, times;
	size_t most;
	unsigned writes;
} scripted = {.fd = -1};

ssize_t __real_pwrite(int fd, const void *bytes, size_t n, off_t at);
ssize_t __wrap_pwrite(int fd, const void *bytes, size_t n, off_t at);

ssize_t
__wrap_pwrite(int fd, const void *bytes, size_t n, off_t at)
{
	if (fd != scripted.fd)
		return __real_pwrite(fd, bytes, n, at);
	scripted.writes++;
	assert_int_equal((size_t)at % BLOCK, 0);
	assert_int_equal((uintptr_t)bytes % ALIGN, 0);
	if (scripted.error != 0 && scripted.times-- > 0) {
		errno = scripted.error;
		return -1;
	}
	return __real_pwrite(
	    fd, bytes, scripted.most != 0 && scripted.most < n ? scripted.most : n, at);
}

static int
new_file(void)
{
	char path[] = "/tmp/mf-test-direct-XXXXXX";
	const int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(unlink(path), 0);
	return fd;
}

static int
set_up(void **state)
{
	struct two_ways *w = calloc(1, sizeof *w);
	void *memory = NULL;
	size_t i;

	assert_non_null(w);
	assert_int_equal(
	    posix_memalign(&memory, MF_DIRECT_IO_ALIGN, FILE_BYTES + MF_DIRECT_IO_ALIGN), 0);
	w->memory = memory;
	for (i = 0; i < FILE_BYTES + MF_DIRECT_IO_ALIGN; i++)
		w->memory[i] = (uint8_t)(1 + i % 251);
	w->fd = new_file();
	w->d = (struct mf_direct_io){.fd = new_file(), .block = BLOCK, .align = ALIGN};
	memset(&scripted, 0, sizeof scripted);
	scripted.fd = w->d.fd;
	*state = w;
	return 0;
}

static int
tear_down(void **state)
{
	struct two_ways *w = *state;

	scripted.fd = -1;
	mf_direct_io_close(&w->d);
	assert_int_equal(w->d.fd, -1);
	close(w->fd);
	free(w->memory);
	free(w);
	return 0;
}

/* Of n bytes at offset exactly those in [from, to) are in this file, and nothing else. */
static void
expect_bytes(
    struct two_ways *w, int fd, const uint8_t *bytes, uint64_t offset, uint64_t from, uint64_t to)
{
	ssize_t n;
	size_t i;

	memset(w->got, 0, sizeof w->got);
	n = pread(fd, w->got, sizeof w->got, 0);
	assert_true(n >= 0 && (from == to || (uint64_t)n >= to));
	for (i = from; i < to; i++)
		assert_int_equal(w->got[i], bytes[i - offset]);
}

static void
expect_none(struct two_ways *w, int fd, uint64_t from, uint64_t to)
{
	size_t i;

	memset(w->got, 0, sizeof w->got);
	assert_true(pread(fd, w->got, sizeof w->got, 0) >= 0);
	for (i = from; i < to; i++)
		assert_int_equal(w->got[i], 0);
}

/* Whole blocks past the page cache, what is in front of them and behind through it. */
static void
test_which_way(void **state)
{
	static const struct {
		uint64_t offset;
		size_t n;
		uint64_t from, to; /* of the whole blocks */
	} cases[] = {
	    {0, MF_DIRECT_IO_MIN_BYTES, 0, MF_DIRECT_IO_MIN_BYTES},
	    {0, MF_DIRECT_IO_MIN_BYTES + 1, 0, MF_DIRECT_IO_MIN_BYTES},
	    {BLOCK, MF_DIRECT_IO_MIN_BYTES + BLOCK - 1, BLOCK, BLOCK + MF_DIRECT_IO_MIN_BYTES},
	    {1, MF_DIRECT_IO_MIN_BYTES, BLOCK, MF_DIRECT_IO_MIN_BYTES},
	    {BLOCK - 1, MF_DIRECT_IO_MIN_BYTES + 2, BLOCK, BLOCK + MF_DIRECT_IO_MIN_BYTES},
	    {3 * BLOCK + 17, 600001, 4 * BLOCK, (3 * BLOCK + 17 + 600001) / BLOCK * BLOCK},
	};
	struct two_ways *w = *state;
	struct mf_error e = {0};
	size_t i;

	for (i = 0; i < sizeof cases / sizeof *cases; i++) {
		const uint64_t offset = cases[i].offset, end = offset + cases[i].n;
		const uint8_t *bytes = w->memory + offset % MF_DIRECT_IO_ALIGN;

		assert_int_equal(ftruncate(w->fd, 0), 0);
		assert_int_equal(ftruncate(w->d.fd, 0), 0);
		assert_int_equal(
		    mf_direct_io_pwrite(&w->d, w->fd, bytes, cases[i].n, offset, &e), 0);
		expect_bytes(w, w->d.fd, bytes, offset, cases[i].from, cases[i].to);
		expect_none(w, w->d.fd, 0, cases[i].from);
		expect_none(w, w->d.fd, cases[i].to, FILE_BYTES);
		expect_bytes(w, w->fd, bytes, offset, offset, cases[i].from);
		expect_none(w, w->fd, cases[i].from, cases[i].to);
		expect_bytes(w, w->fd, bytes, offset, cases[i].to, end);
	}
}

/* Little, or memory that is not aligned as the file is, or no way at all: through the cache. */
static void
test_not_that_way(void **state)
{
	struct two_ways *w = *state;
	const struct mf_direct_io none = MF_DIRECT_IO_NONE;
	struct mf_error e = {0};

	assert_int_equal(
	    mf_direct_io_pwrite(&w->d, w->fd, w->memory, MF_DIRECT_IO_MIN_BYTES - 1, 0, &e), 0);
	expect_bytes(w, w->fd, w->memory, 0, 0, MF_DIRECT_IO_MIN_BYTES - 1);
	assert_int_equal(
	    mf_direct_io_pwrite(&w->d, w->fd, w->memory + 1, FILE_BYTES / 2, 0, &e), 0);
	expect_bytes(w, w->fd, w->memory + 1, 0, 0, FILE_BYTES / 2);
	assert_int_equal(mf_direct_io_pwrite(&none, w->fd, w->memory, FILE_BYTES, 0, &e), 0);
	expect_bytes(w, w->fd, w->memory, 0, 0, FILE_BYTES);
	assert_int_equal(scripted.writes, 0);
}

/* A file system may say only now that it takes no such write: nothing is lost. */
static void
test_refused_there(void **state)
{
	static const int errors[] = {EINVAL, EOPNOTSUPP};
	struct two_ways *w = *state;
	struct mf_error e = {0};
	size_t i;

	for (i = 0; i < 2; i++) {
		scripted.error = errors[i];
		scripted.times = 1;
		assert_int_equal(ftruncate(w->fd, 0), 0);
		assert_int_equal(
		    mf_direct_io_pwrite(&w->d, w->fd, w->memory + 7, FILE_BYTES / 2, 7, &e), 0);
		expect_bytes(w, w->fd, w->memory + 7, 7, 7, 7 + FILE_BYTES / 2);
		expect_none(w, w->d.fd, 0, FILE_BYTES);
	}
}

static void
test_interrupted_and_short(void **state)
{
	struct two_ways *w = *state;
	struct mf_error e = {0};

	scripted.error = EINTR;
	scripted.times = 3;
	scripted.most = 7 * BLOCK;
	assert_int_equal(mf_direct_io_pwrite(&w->d, w->fd, w->memory, FILE_BYTES / 2, 0, &e), 0);
	expect_bytes(w, w->d.fd, w->memory, 0, 0, FILE_BYTES / 2);
	expect_none(w, w->fd, 0, FILE_BYTES);
	assert_int_equal(scripted.writes, 3 + (FILE_BYTES / 2 + 7 * BLOCK - 1) / (7 * BLOCK));
	/* what ends within a block: from that block on the other way */
	scripted.most = 3 * BLOCK + 100;
	assert_int_equal(mf_direct_io_pwrite(&w->d, w->fd, w->memory, FILE_BYTES / 2, 0, &e), 0);
	expect_none(w, w->fd, 0, 3 * BLOCK);
	expect_bytes(w, w->fd, w->memory, 0, 3 * BLOCK, FILE_BYTES / 2);
}

static void
test_full(void **state)
{
	struct two_ways *w = *state;
	struct mf_error e = {0};

	scripted.error = ENOSPC;
	scripted.times = 1;
	assert_int_equal(mf_direct_io_pwrite(&w->d, w->fd, w->memory, FILE_BYTES / 2, 0, &e), -1);
	assert_int_equal(e.code, MF_ENOSPC);
	assert_int_equal(e.sys_errno, ENOSPC);
	mf_error_clear(&e);
	assert_int_equal(mf_direct_io_pwrite(&w->d, w->fd, w->memory, MF_DIRECT_IO_MIN_BYTES,
			     (uint64_t)INT64_MAX - 5, &e),
	    -1);
	assert_int_equal(e.sys_errno, EFBIG);
}

/* ---- the file system's own way ---- */

#define WRITERS 4
#define STRETCHES 64
#define OWN_FILE_BYTES ((size_t)24 << 20)

struct writers {
	struct mf_direct_io d;
	int fd;
	const uint8_t *want; /* OWN_FILE_BYTES */
	size_t ends[STRETCHES + 1];
};

struct writer {
	struct writers *all;
	size_t first;
};

/* Each STRETCHES / WRITERS stretches, so that both neighbours of one are others'. */
static void *
write_stretches(void *arg)
{
	const struct writer *w = arg;
	const struct writers *all = w->all;
	struct mf_error e = {0};
	uint8_t *memory = NULL;
	void *made = NULL;
	size_t i;

	if (posix_memalign(&made, MF_DIRECT_IO_ALIGN, (size_t)2 << 20) != 0)
		return NULL;
	for (i = w->first; i < STRETCHES; i += WRITERS) {
		const size_t at = all->ends[i], n = all->ends[i + 1] - at;

		memory = (uint8_t *)made + at % MF_DIRECT_IO_ALIGN;
		memcpy(memory, all->want + at, n);
		if (mf_direct_io_pwrite(&all->d, all->fd, memory, n, at, &e) != 0)
			break;
	}
	free(made);
	return i >= STRETCHES ? arg : NULL;
}

/* Stretches that begin and end anywhere, by several at once, into a file that has its length. */
static void
test_neighbours(void **state)
{
	char path[] = "./mf-test-direct-XXXXXX";
	struct writers all = {.fd = mkstemp(path)};
	uint8_t *want = malloc(OWN_FILE_BYTES), *got = malloc(OWN_FILE_BYTES);
	struct writer w[WRITERS];
	pthread_t threads[WRITERS];
	void *done;
	size_t i;

	(void)state;
	assert_true(all.fd >= 0 && want != NULL && got != NULL);
	for (i = 0; i < OWN_FILE_BYTES; i++)
		want[i] = (uint8_t)(i * 2654435761u >> 13);
	all.want = want;
	for (i = 1; i < STRETCHES; i++)
		all.ends[i] = i * (OWN_FILE_BYTES / STRETCHES) + i * 997 % 5001;
	all.ends[STRETCHES] = OWN_FILE_BYTES;
	assert_int_equal(ftruncate(all.fd, (off_t)OWN_FILE_BYTES), 0);
	all.d = mf_direct_io_open(all.fd);
	for (i = 0; i < WRITERS; i++) {
		w[i] = (struct writer){&all, i};
		assert_int_equal(pthread_create(&threads[i], NULL, write_stretches, &w[i]), 0);
	}
	for (i = 0; i < WRITERS; i++) {
		assert_int_equal(pthread_join(threads[i], &done), 0);
		assert_non_null(done);
	}
	assert_int_equal(fsync(all.fd), 0);
	if (all.d.fd >= 0) /* the pages where two meet, at most */
		assert_true(resident_pages(path) <= 2 * STRETCHES);
	else
		print_message("no way past the page cache here\n");
	mf_direct_io_close(&all.d);
	assert_int_equal(pread(all.fd, got, OWN_FILE_BYTES, 0), OWN_FILE_BYTES);
	assert_memory_equal(got, want, OWN_FILE_BYTES);
	close(all.fd);
	unlink(path);
	free(want);
	free(got);
}

/* What is no regular file, or open for nothing, has none; and a limit of the system holds. */
static void
test_no_way(void **state)
{
	const int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	struct mf_direct_io d = mf_direct_io_open(null);

	(void)state;
	assert_int_equal(d.fd, -1);
	mf_direct_io_close(&d);
	close(null);
	d = mf_direct_io_open(-1);
	assert_int_equal(d.fd, -1);
}

static void
test_limit_of_file_size(void **state)
{
	struct two_ways *w = *state;
	char path[] = "./mf-test-direct-XXXXXX";
	const int fd = mkstemp(path);
	struct mf_direct_io d = mf_direct_io_open(fd);
	struct mf_error e = {0};
	struct rlimit was, low;

	assert_true(fd >= 0);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
	low = was;
	low.rlim_cur = 3 * BLOCK;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &low), 0);
	assert_int_equal(mf_direct_io_pwrite(&d, fd, w->memory, FILE_BYTES, 0, &e), -1);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
	assert_int_equal(e.sys_errno, EFBIG);
	mf_direct_io_close(&d);
	close(fd);
	unlink(path);
}

#define WAYS_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    WAYS_TEST(test_which_way),
	    WAYS_TEST(test_not_that_way),
	    WAYS_TEST(test_refused_there),
	    WAYS_TEST(test_interrupted_and_short),
	    WAYS_TEST(test_full),
	    cmocka_unit_test(test_neighbours),
	    cmocka_unit_test(test_no_way),
	    WAYS_TEST(test_limit_of_file_size),
	};

	return cmocka_run_group_tests_name("base/direct_io", tests, NULL, NULL);
}
