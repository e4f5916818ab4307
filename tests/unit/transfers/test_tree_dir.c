/* The contract on a directory, and what only a directory has. */
#include "tests/unit/transfers/tree_contract.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "src/base/fs.h"
#include "tests/unit/transfers/tree_dir_fixture.h"

static struct mf_tree *
open_at(const char *path)
{
	return tree_dir_at(path, MF_TREE_LINKS_SHOWN, true);
}

static struct mf_tree *
again(void *world)
{
	return open_at(world);
}

static struct mf_tree *
make(void **world)
{
	tree_dir_make(world);
	return again(*world);
}

static const struct mf_tree_subject directory = {"dir", make, again, tree_dir_drop, 5000000};

/* "kind path ..." and how the listing ended. */
static int
list(struct mf_tree *t, char out[512], struct mf_error *e)
{
	struct mf_tree_cursor *c;
	struct mf_tree_entry entry;
	size_t n = 0;
	int rc;

	out[0] = '\0';
	assert_int_equal(mf_tree_list(t, "", &c, e), 0);
	while ((rc = mf_tree_next(c, &entry, e)) == 0)
		n += (size_t)snprintf(out + n, 512 - n, "%c %s ", "fdls"[entry.kind], entry.path);
	mf_tree_cursor_close(c);
	return rc;
}

static void
kinds(void **state)
{
	struct mf_error e = {0};
	struct mf_tree *t = open_at(".");
	char all[512];

	(void)state;
	tree_dir_write_file("file");
	assert_int_equal(mkdir("empty", 0700), 0);
	assert_int_equal(mkdir("dir", 0700), 0);
	tree_dir_write_file("dir/new\nline\xff");
	assert_int_equal(symlink("/etc", "link"), 0);
	assert_int_equal(mkfifo("pipe", 0600), 0);
	tree_dir_write_file(".modelferry-part-0123456789abcdef");
	tree_dir_write_file(".modelferry-part-is mine");
	assert_int_equal(list(t, all, &e), 1);
	assert_string_equal(
	    all, "f .modelferry-part-is mine f dir/new\nline\xff d empty f file l link s pipe ");
	mf_tree_close(t);
}

/* Nothing is written or read through a link, wherever it leads. */
static void
links_lead_nowhere(void **state)
{
	struct mf_error e = {0};
	struct mf_tree *t = open_at("tree");
	struct mf_tree_entry entry = {.path = "out/file", .size = 1};
	const char *const paths[] = {"out/file"};
	char all[512];

	(void)state;
	assert_int_equal(mkdir("outside", 0700), 0);
	tree_dir_write_file("outside/file");
	assert_int_equal(symlink("../outside", "tree/out"), 0);
	assert_int_equal(mf_tree_del(t, paths, 1, NULL, NULL, &e), -1);
	assert_int_equal(e.code, MF_EPERM);
	assert_int_equal(mf_tree_get(t, &entry, NULL, NULL, &e), -1);
	assert_int_equal(mf_tree_make_dir(t, "out/dir", &e), -1);
	assert_int_equal(access("outside/file", F_OK), 0);
	assert_int_equal(access("outside/dir", F_OK), -1);
	assert_int_equal(list(t, all, &e), 1);
	assert_string_equal(all, "l out ");
	mf_tree_close(t);
}

static bool
enters_but(void *arg, const char *path)
{
	return strcmp(path, arg) != 0;
}

/* A directory that is not to be entered is not read, nor shown; what is swept lies there, too. */
static void
left_out(void **state)
{
	static char out[] = "a/out";
	struct mf_error e = {0};
	struct mf_tree *t;
	const struct mf_tree_dir_params params = {
	    .path = ".", .enters = enters_but, .enters_arg = out, .write = true};
	char all[512];

	(void)state;
	assert_int_equal(mkdir("a", 0700), 0);
	assert_int_equal(mkdir("a/out", 0700), 0);
	assert_int_equal(mkdir("a/out/empty", 0700), 0);
	tree_dir_write_file("a/out/.modelferry-part-0123456789abcdef");
	tree_dir_write_file("a/outer");
	tree_dir_write_file("out");
	assert_int_equal(mf_tree_dir_open(&params, &t, &e), 0);
	assert_int_equal(mf_tree_sweep(t, 0, &e), 0);
	assert_int_equal(access("a/out/.modelferry-part-0123456789abcdef", F_OK), -1);
	if (geteuid() != 0)
		assert_int_equal(chmod("a/out", 0), 0);
	assert_int_equal(list(t, all, &e), 1);
	assert_string_equal(all, "f a/outer f out ");
	assert_int_equal(chmod("a/out", 0700), 0);
	mf_tree_close(t);
}

static void
sweep(void **state)
{
	struct mf_error e = {0};
	struct mf_tree *t = open_at(".");

	(void)state;
	assert_int_equal(mkdir("dir", 0700), 0);
	tree_dir_write_file("dir/.modelferry-part-0123456789abcdef");
	tree_dir_write_file("dir/file");
	assert_int_equal(mf_tree_sweep(t, 3600000000, &e), 0);
	assert_int_equal(access("dir/.modelferry-part-0123456789abcdef", F_OK), 0);
	assert_int_equal(mf_tree_sweep(t, 0, &e), 0);
	assert_int_equal(access("dir/.modelferry-part-0123456789abcdef", F_OK), -1);
	assert_int_equal(access("dir/file", F_OK), 0);
	mf_tree_close(t);
}

/* What cannot be read makes the listing incomplete, and the rest is shown all the same. */
static void
unreadable(void **state)
{
	struct mf_error e = {0};
	struct mf_tree *t = open_at(".");
	const bool root = geteuid() == 0;
	char all[512];
	int rc;

	(void)state;
	tree_dir_write_file("a");
	assert_int_equal(mkdir("b", 0), 0);
	tree_dir_write_file("c");
	/* no mode keeps root out */
	assert_int_equal(chmod(".", 0755), 0);
	if (root)
		assert_int_equal(seteuid(65534), 0);
	rc = list(t, all, &e);
	if (root)
		assert_int_equal(seteuid(0), 0);
	assert_int_equal(rc, -1);
	assert_int_equal(e.code, MF_EPERM);
	assert_string_equal(all, "f a f c ");
	mf_tree_close(t);
}

static void
read_only(void **state)
{
	const struct mf_tree_dir_params p = {.path = "."}, none = {.path = "none"};
	const char *const paths[] = {"file"};
	struct mf_error e = {0};
	struct mf_tree *t;

	(void)state;
	tree_dir_write_file("file");
	assert_int_equal(mf_tree_dir_open(&none, &t, &e), -1);
	assert_int_equal(e.code, MF_ENOTFOUND);
	assert_int_equal(mf_tree_dir_open(&p, &t, &e), 0);
	assert_int_equal(mf_tree_del(t, paths, 1, NULL, NULL, &e), -1);
	assert_int_equal(e.code, MF_EPERM);
	assert_int_equal(access("file", F_OK), 0);
	mf_tree_close(t);
}

static struct mf_tree_entry
look(struct mf_tree *t, const char *path)
{
	struct mf_tree_entry entry;
	struct mf_error e = {0};

	assert_int_equal(mf_tree_look(t, path, &entry, &e), 0);
	return entry;
}

/* A file where a directory is needed, and a directory where a file should be. */
static void
files_and_directories(void **state)
{
	static const char *const below[] = {"a/b"};
	const struct mf_tree_source nothing = {.size = 0};
	struct mf_error e = {0};
	struct mf_tree *t = open_at(".");
	struct mf_tree_entry entry;

	(void)state;
	tree_dir_write_file("a");
	assert_int_equal(mkdir("d", 0700), 0);
	assert_int_equal(mf_tree_put(t, "a/b", &nothing, NULL, &e), -1);
	assert_int_equal(e.code, MF_EEXIST);
	assert_int_equal(mf_tree_put(t, "a/b/c", &nothing, NULL, &e), -1);
	assert_int_equal(e.code, MF_EEXIST);
	assert_int_equal(mf_tree_put(t, "d", &nothing, NULL, &e), -1);
	assert_int_equal(e.code, MF_EEXIST);
	assert_int_equal(mf_tree_look(t, "a/b", &entry, &e), 1);
	assert_int_equal(mf_tree_del(t, below, 1, NULL, NULL, &e), 0);
	entry = look(t, "a");
	assert_int_equal(mf_tree_move(t, "d", t, &entry, &e), -1);
	assert_int_equal(e.code, MF_EEXIST);
	assert_int_equal(access("a", F_OK), 0);
	mf_tree_close(t);
}

static void
moves(void **state)
{
	struct mf_error e = {0};
	struct mf_tree *t = open_at(".");
	struct mf_tree_entry entry;

	(void)state;
	tree_dir_write_file("one");
	assert_int_equal(link("one", "two"), 0);
	entry = look(t, "one");
	assert_int_equal(mf_tree_move(t, "two", t, &entry, &e), 0);
	assert_int_equal(access("one", F_OK), -1); /* the other name of the same file */
	entry = look(t, "two");
	assert_int_equal(mf_tree_move(t, "two", t, &entry, &e), 0);
	assert_int_equal(access("two", F_OK), 0); /* itself */
	assert_int_equal(truncate("two", 0), 0);
	assert_int_equal(mf_tree_move(t, "three", t, &entry, &e), -1);
	assert_int_equal(e.code, MF_ESOURCE);
	assert_int_equal(access("two", F_OK), 0);
	mf_tree_close(t);
}

static void
times_before_1970(void **state)
{
	struct mf_error e = {0};
	struct mf_tree *t = open_at(".");
	struct mf_tree_entry entry;

	(void)state;
	tree_dir_write_file("old");
	entry = look(t, "old");
	assert_int_equal(mf_tree_touch(t, &entry, -1500000000, &e), 0);
	assert_true(look(t, "old").mtime_ns == -1500000000);
	mf_tree_close(t);
}

/* Time that passes only where somebody waits. */
static uint64_t
now_us(void *arg)
{
	return *(uint64_t *)arg;
}

static void
sleep_us(void *arg, uint64_t us)
{
	*(uint64_t *)arg += us;
}

static bool
always(void *arg)
{
	(void)arg;
	return true;
}

static int
drop_bytes(void *arg, const void *bytes, size_t n, struct mf_error *e)
{
	(void)arg;
	(void)bytes;
	(void)n;
	(void)e;
	return 0;
}

/* A million bytes a second: copies are sent, what is read is received. */
static void
limited(void **state)
{
	const struct mf_limits limits = {
	    .bandwidth = {.n_slots = 1, .slots = {{.day = -1, .rate = {1000000, 2000000}}}}};
	uint64_t clock_us = 1;
	const struct mf_waiting waiting = {
	    .now_us = now_us, .sleep_us = sleep_us, .arg = &clock_us};
	const struct mf_waiting over = {.cancelled = always};
	struct mf_tree_dir_params p = {.path = ".", .write = true};
	struct mf_limiter *l, *cancelled;
	struct mf_tree_entry entry;
	struct mf_error e = {0};
	struct mf_tree *t;

	(void)state;
	assert_int_equal(mf_limiter_new(&limits, &waiting, &l, &e), 0);
	assert_int_equal(mf_limiter_new(&limits, &over, &cancelled, &e), 0);
	tree_dir_write_file("from");
	assert_int_equal(truncate("from", 4000000), 0);
	p.limiter = l;
	assert_int_equal(mf_tree_dir_open(&p, &t, &e), 0);
	entry = look(t, "from");
	assert_int_equal(mf_tree_copy(t, "to", t, &entry, &e), 0);
	assert_in_range(clock_us, 3900000, 4100000);
	clock_us = 1;
	assert_int_equal(mf_tree_get(t, &entry, drop_bytes, NULL, &e), 0);
	assert_in_range(clock_us, 1900000, 2100000);
	clock_us = 1;
	assert_int_equal(mf_tree_move(t, "moved", t, &entry, &e), 0);
	assert_int_equal(clock_us, 1);
	mf_tree_close(t);
	p.limiter = cancelled;
	assert_int_equal(mf_tree_dir_open(&p, &t, &e), 0);
	entry = look(t, "to");
	assert_int_equal(mf_tree_copy(t, "again", t, &entry, &e), -1);
	assert_int_equal(e.code, MF_EINTERRUPTED);
	assert_int_equal(access("again", F_OK), -1);
	mf_tree_close(t);
	mf_limiter_free(l);
	mf_limiter_free(cancelled);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, tree_dir_set_up, tree_dir_tear_down)
	const struct CMUnitTest tests[] = {
	    TEST(kinds),
	    TEST(links_lead_nowhere),
	    TEST(left_out),
	    TEST(sweep),
	    TEST(unreadable),
	    TEST(read_only),
	    TEST(files_and_directories),
	    TEST(moves),
	    TEST(times_before_1970),
	    TEST(limited),
	};

	return mf_tree_contract_run(
	    "directory's tree", &directory, 1, tests, sizeof tests / sizeof tests[0]);
}
