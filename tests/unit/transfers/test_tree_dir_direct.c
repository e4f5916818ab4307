/* What a put into a directory writes past the page cache: large files that come over the network,
 * unless somebody will read them again. Whatever goes which way, the file is what came. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "src/base/direct_io.h"
#include "tests/unit/base/fake_direct_io.h"
#include "tests/unit/transfers/tree_dir_fixture.h"

#define PIECE ((size_t)512 << 10)
#define SIZE (((size_t)6 << 20) + 4321)

/* A file that comes in pieces, as from a bucket. */
struct coming {
	uint8_t *bytes; /* of SIZE, at a boundary as a window is */
	size_t ends_at; /* so many come in order */
	bool in_ranges; /* not in order */
	bool read_again;
	bool gives_up; /* in ranges, after the first */
};

static int
in_order(void *arg, mf_tree_sink *sink, void *sink_arg, struct mf_error *e)
{
	const struct coming *c = arg;
	size_t at, n;

	for (at = 0; at < c->ends_at; at += n) {
		n = c->ends_at - at < PIECE ? c->ends_at - at : PIECE;
		if (sink(sink_arg, c->bytes + at, n, e) != 0)
			return -1;
	}
	return 0;
}

/* The last piece first. */
static int
in_ranges(void *arg, const struct mf_tree_pieces *to, struct mf_error *e)
{
	const struct coming *c = arg;
	uint8_t again[100];
	size_t at, n;

	if (!c->in_ranges)
		return 1;
	if (c->read_again)
		to->will_read(to->arg);
	for (at = SIZE / PIECE * PIECE;; at -= PIECE) {
		n = SIZE - at < PIECE ? SIZE - at : PIECE;
		if (to->write(to->arg, at, c->bytes + at, n, e) != 0)
			return -1;
		if (c->read_again) {
			assert_int_equal(to->read(to->arg, at, again, sizeof again, e), 0);
			assert_memory_equal(again, c->bytes + at, sizeof again);
		}
		if (at == 0 || c->gives_up)
			return c->gives_up ? 1 : 0;
	}
}

static void
put(struct coming *c, const struct mf_tree_dir_params *params, size_t size)
{
	const struct mf_tree_source source = {
	    .size = size, .read_all = in_order, .read_spread = in_ranges, .arg = c};
	struct mf_tree_entry stored;
	struct mf_tree *t;
	struct mf_error e = {0};
	uint8_t *got = malloc(SIZE);
	struct stat st;
	int fd;

	fake_direct_io_forget();
	assert_non_null(got);
	assert_int_equal(mf_tree_dir_open(params, &t, &e), 0);
	assert_int_equal(mf_tree_put(t, "file", &source, &stored, &e), 0);
	assert_int_equal(stored.size, c->ends_at);
	mf_tree_close(t);
	fd = open("file", O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_size, c->ends_at);
	assert_int_equal(read(fd, got, SIZE), c->ends_at);
	assert_memory_equal(got, c->bytes, c->ends_at);
	close(fd);
	free(got);
}

static const struct mf_tree_dir_params here = {.path = ".", .write = true};

static struct coming
coming(void)
{
	struct coming c = {.ends_at = SIZE};
	void *bytes = NULL;
	size_t i;

	assert_int_equal(posix_memalign(&bytes, MF_DIRECT_IO_ALIGN, SIZE), 0);
	c.bytes = bytes;
	for (i = 0; i < SIZE; i++)
		c.bytes[i] = (uint8_t)(i * 2654435761u >> 11);
	return c;
}

static void
large_in_order(void **state)
{
	struct coming c = coming();

	(void)state;
	put(&c, &here, SIZE);
	assert_int_equal(atomic_load(&fake_direct_io.opened), 1);
	assert_int_equal(atomic_load(&fake_direct_io.aligned), SIZE / PIECE * PIECE);
	free(c.bytes);
}

static void
large_in_ranges(void **state)
{
	struct coming c = coming();

	(void)state;
	c.in_ranges = true;
	put(&c, &here, SIZE);
	assert_int_equal(atomic_load(&fake_direct_io.opened), 1);
	assert_int_equal(atomic_load(&fake_direct_io.aligned), SIZE / PIECE * PIECE);
	free(c.bytes);
}

/* Ranges that the store does not give after all, and then the whole. */
static void
ranges_then_in_order(void **state)
{
	struct coming c = coming();

	(void)state;
	c.in_ranges = c.gives_up = true;
	put(&c, &here, SIZE);
	free(c.bytes);
}

/* What is compared in order is read again, which the page cache is for. */
static void
read_again(void **state)
{
	struct coming c = coming();

	(void)state;
	c.in_ranges = c.read_again = true;
	put(&c, &here, SIZE);
	assert_int_equal(atomic_load(&fake_direct_io.bytes), 0);
	free(c.bytes);
}

static void
not_wanted_or_small(void **state)
{
	const struct mf_tree_dir_params through = {
	    .path = ".", .write = true, .no_direct_io = true};
	struct coming c = coming();

	(void)state;
	put(&c, &through, SIZE);
	assert_int_equal(atomic_load(&fake_direct_io.opened), 0);
	c.ends_at = MF_DIRECT_IO_FILE_BYTES - 1;
	put(&c, &here, c.ends_at);
	assert_int_equal(atomic_load(&fake_direct_io.opened), 0);
	free(c.bytes);
}

/* A source that ends early, and says that this is all right: no bytes that nobody sent. */
static void
shorter_than_announced(void **state)
{
	struct coming c = coming();

	(void)state;
	c.ends_at = 3 * PIECE + 5;
	put(&c, &here, SIZE);
	free(c.bytes);
}

#define DIR_TEST(f) cmocka_unit_test_setup_teardown(f, tree_dir_set_up, tree_dir_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    DIR_TEST(large_in_order),
	    DIR_TEST(large_in_ranges),
	    DIR_TEST(ranges_then_in_order),
	    DIR_TEST(read_again),
	    DIR_TEST(not_wanted_or_small),
	    DIR_TEST(shorter_than_announced),
	};

	return cmocka_run_group_tests_name("transfers/tree_dir_direct", tests, NULL, NULL);
}
